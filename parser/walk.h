/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_WALK_H
#define PT_PARSER_WALK_H
/*
 * One interpreter for every body of every API and version. The layouts are data: tables generated at
 * build time from parser/layouts/ (apis.jsonl and records.jsonl: facts of the Kafka protocol). A walk goes
 * through a body field by field in wire order and hands the caller one event at a time; the caller
 * switches on the field's name (enum pt_field), never on a version. Bytes may arrive in any pieces:
 * a walk is a small value that says where we are, and the same bytes in other pieces give the
 * same events. It keeps no bytes: a value split over two pieces is asked for again as a whole.
 *
 *   pt_walk_begin -> { pt_walk_next -> event ... } -> PT_WALK_END
 *
 * `records` fields are not walked into: PT_WALK_RECORDS says how long the field is, the caller reads
 * (or loses) that many bytes itself, tells pt_walk_skip, and goes on with what follows.
 */
#include <stdbool.h>

#include "parser/cursor.h"
#include "parser/status.h"

#define PT_WALK_DEPTH_MAX 12

struct pt_layout; /* generated, const */

enum pt_dir { PT_DIR_REQUEST = 0, PT_DIR_RESPONSE = 1 };

/* enum pt_field { PT_F_NONE, PT_F_TOPIC_ID, PT_F_PARTITION_INDEX, ... }: every field name of the layouts */
#include "pt_fields.h"

/* pt_layout_find returns the layout of api_key's body at this version, or NULL if not published. */
const struct pt_layout *pt_layout_find(int16_t api_key, enum pt_dir dir, int16_t version);

/* pt_layout_find_record returns that of a value in the controllers' metadata log. */
const struct pt_layout *pt_layout_find_record(uint32_t type, uint32_t version);

/* pt_layout_header_version: 0, 1 or 2 for requests, 0 or 1 for responses (kafka-wire.md 1.3, 1.4). */
int pt_layout_header_version(const struct pt_layout *l);

/* pt_api_name returns "Produce" for 0 and so on, or NULL; pt_api_max_version -1 for unknown keys. */
const char *pt_api_name(int16_t api_key);
int16_t pt_api_max_version(int16_t api_key);

enum pt_walk_kind {
    PT_WALK_VALUE,        /* field has a value: i64 or view or uuid, by its type */
    PT_WALK_ARRAY_BEGIN,  /* cnt elements follow (-1: null) */
    PT_WALK_STRUCT_BEGIN, /* one element of an array, or an inline struct */
    PT_WALK_STRUCT_END,
    PT_WALK_ARRAY_END,
    PT_WALK_RECORDS, /* records field of len bytes (-1: null) starts here */
    PT_WALK_END      /* body complete */
};

struct pt_walk_event {
    enum pt_walk_kind kind;
    enum pt_field field;
    int64_t i64;         /* integers, booleans; cnt of PT_WALK_ARRAY_BEGIN; len of PT_WALK_RECORDS */
    struct pt_view view; /* strings, bytes, uuid (16 bytes); borrowed from the piece */
};

struct pt_walk_frame {
    uint16_t at;       /* next field of this struct's list */
    uint16_t end;
    uint16_t tags_at;  /* list of known tagged fields */
    uint16_t tags_end;
    uint32_t left;     /* elements still to come in the array around it */
    uint32_t tag_sz;   /* bytes left in the tagged field that is being read, 0 outside */
};

struct pt_walk {
    const struct pt_layout *layout;
    uint32_t body_left; /* bytes of the body not yet consumed, for checking counts and lengths */
    uint32_t skip;      /* bytes still to be skipped (large values that nobody wants, records) */
    uint8_t depth;
    uint8_t state;
    bool failed;
    struct pt_walk_frame frame[PT_WALK_DEPTH_MAX];
};

/* pt_walk_begin starts at the first byte behind the message header; body_sz from the frame's size. */
void pt_walk_begin(struct pt_walk *w, const struct pt_layout *l, uint32_t body_sz);

/* pt_walk_next reads on from c. PT_OK: *ev is the next event and c stands behind what was consumed.
 * PT_NEED_MORE: nothing was consumed, *ret_needed (> what c had left) contiguous bytes are needed to go on;
 * bounded by PT_WALK_NEED_MAX: strings and bytes longer than that come as a value with a NULL view
 * whose i64 is the length, and are skipped. PT_BAD_*: the body is not what its version says; the walk
 * is over and the frame must be skipped by its size. */
#define PT_WALK_NEED_MAX 32768u
enum pt_status pt_walk_next(struct pt_walk *w, struct pt_cursor *c, struct pt_walk_event *ev,
                            uint32_t *ret_needed);

/* pt_walk_skip tells that len bytes of the records field just announced are behind us (read or lost).
 * The sum over calls must be exactly the announced length before pt_walk_next is called again. */
void pt_walk_skip(struct pt_walk *w, uint32_t len);

#endif
