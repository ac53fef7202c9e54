/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_SNAPSHOT_TEXT_H
#define PT_TOOLS_SNAPSHOT_TEXT_H
/*
 * What a segment says, as text for people (`paritap report`).
 */
#include "tools/snapshot.h"
#include "tools/text_out.h"
#include "tools/values.h"

/* pt_snapshot_text_life writes one line: who writes, and whether he still does. */
void pt_snapshot_text_life(const struct pt_snapshot *s, struct pt_text *t);

/* pt_snapshot_text writes the whole summary; with all a line for each partition. */
void pt_snapshot_text(const struct pt_snapshot *s, struct pt_text *t, bool all);

/* pt_snapshot_text_finding writes one finding. r gives the names of taps. */
void pt_snapshot_text_finding(const struct pt_segment_reader *r, const struct pt_segment_finding *f,
                              struct pt_text *t);

/* "3 ms", "4.2 s", "2m 05s", "3h 00m"; "-" below 0. For reading, not for parsing back. */
const char *pt_text_span(int64_t ns, char buf[PT_TEXT_MAX]);

/* pt_segment_place_text writes "orders-0 @304". */
const char *pt_segment_place_text(const struct pt_text *t, const struct pt_segment_place *p,
                                  char *buf, size_t buf_sz);

#endif
