/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_JSON_OUT_H
#define PT_TOOLS_JSON_OUT_H
/*
 * Writes JSON as it goes, so that a hundred thousand findings never need a tree in memory. The
 * layout is fixed: down to `wide_depth` one member a line with two spaces of indentation, deeper
 * values on one line. Same calls, same bytes. Text that is not UTF-8 (the wire may carry anything)
 * has its bad bytes replaced by U+FFFD.
 *
 * In an object every value call names its key; in an array key is NULL.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PT_JSON_DEPTH_MAX 16

struct pt_json {
    FILE *f;
    unsigned wide_depth;
    unsigned depth;
    bool filled[PT_JSON_DEPTH_MAX]; /* something was written at this depth */
};

void pt_json_init(struct pt_json *j, FILE *f, unsigned wide_depth);

void pt_json_object(struct pt_json *j, const char *key);
void pt_json_object_end(struct pt_json *j);
void pt_json_array(struct pt_json *j, const char *key);
void pt_json_array_end(struct pt_json *j);

void pt_json_text(struct pt_json *j, const char *key, const char *s); /* NULL: null */
void pt_json_count(struct pt_json *j, const char *key, uint64_t v);
void pt_json_int(struct pt_json *j, const char *key, int64_t v);
void pt_json_real(struct pt_json *j, const char *key, double v); /* finite */
void pt_json_bool(struct pt_json *j, const char *key, bool v);
void pt_json_null(struct pt_json *j, const char *key);

/* pt_json_offset writes a Kafka offset, null for -1. */
void pt_json_offset(struct pt_json *j, const char *key, int64_t v);

/* pt_utf8_len returns the length of the valid UTF-8 sequence at s, 0 if there is none. */
unsigned pt_utf8_len(const char *s);

#endif
