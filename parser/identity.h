/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_IDENTITY_H
#define PT_PARSER_IDENTITY_H
/*
 * What makes two records the same (design.md section 5): key, value and headers in their order,
 * null distinct from empty; not the format, codec, batch, offset or timestamp, and not the spelling
 * of a varint.
 *
 *   part    = 0 if null, else hash(bytes), never 0
 *   headers = 0 if there are none, else hash(headers before | part of name | part of value)
 *   content = hash(part of key | part of value | headers)
 *
 * Each byte is hashed once, and every part is a hash of its own (lengths included) at a place of
 * its own, so bytes cannot move from one part to the next unseen. All hashes carry the run's key.
 * Stateless.
 */
#include "parser/cursor.h"
#include "parser/observation.h"

/* pt_identity_headers returns the hash of the headers so far, of which `before` is the hash (0 in
 * front of the first), and one more. Never 0. */
uint64_t pt_identity_headers(uint64_t hash_key, uint64_t before, struct pt_view name,
                             struct pt_view value);

/* pt_identity_record fills content, key, value and headers of rec, and leaves the rest of it. */
void pt_identity_record(uint64_t hash_key, struct pt_view key, struct pt_view value,
                        uint64_t headers, struct pt_record *rec);

#endif
