/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_LAYOUT_H
#define PT_PARSER_LAYOUT_H
/*
 * The layouts as data: what scripts/gen-layouts makes of parser/layouts/ (pt_layouts.c in the build
 * folder) and walk.c goes through. Nobody else includes this.
 *
 * A struct of Kafka is a program, a run of steps; equal structs share one:
 *
 *   ELEMENT                    another element of the array around? Bodies and inline structs enter behind
 *   one step for each field    ARRAY and STRUCT name the program of what they contain
 *   TAGS, TAG                  flexible versions: the number of tagged fields, then each
 *   { field, TAG_CLOSE } ...   the tagged fields that are known; TAG jumps here, TAG_CLOSE back
 *   STRUCT_END
 *
 * The program of an array of plain values is EACH and the step of one value.
 */
#include "parser/walk.h"

enum pt_step_op {
    PT_STEP_BOOLEAN,
    PT_STEP_INT8,
    PT_STEP_INT16,
    PT_STEP_UINT16,
    PT_STEP_INT32,
    PT_STEP_INT64,
    PT_STEP_FLOAT64,
    PT_STEP_UUID,
    PT_STEP_STRING,
    PT_STEP_BYTES,
    PT_STEP_RECORDS,
    PT_STEP_ARRAY,     /* to: program of an element; arg: smallest size of an element */
    PT_STEP_STRUCT,    /* to: program; arg: steps from there to its STRUCT_END */
    PT_STEP_ELEMENT,
    PT_STEP_EACH,
    PT_STEP_TAGS,
    PT_STEP_TAG,       /* to: number of known tagged fields behind it */
    PT_STEP_TAG_CLOSE, /* to: steps back to TAG; arg: tag number of the field in front of it */
    PT_STEP_STRUCT_END
};

#define PT_STEP_COMPACT 1  /* length or count is an unsigned varint, plus 1 */
#define PT_STEP_NULLABLE 2

struct pt_step {
    uint8_t op;
    uint8_t flags;
    uint16_t field;
    uint16_t to;
    uint16_t arg;
};

struct pt_layout {
    uint16_t at; /* program in pt_steps */
    uint8_t header_version;
};

/* Versions 0 .. cnt - 1 are the rows from first on in pt_layouts. */
struct pt_layout_api {
    const char *name;
    uint16_t first[2]; /* by enum pt_dir */
    uint16_t cnt;
};

struct pt_layout_record {
    uint16_t first;
    uint16_t cnt;
};

extern const struct pt_step pt_steps[];
extern const struct pt_layout pt_layouts[];
extern const struct pt_layout_api pt_layout_apis[PT_API_CNT];
extern const struct pt_layout_record pt_layout_records[PT_RECORD_CNT];

#endif
