/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_RECORDS_H
#define PT_PARSER_RECORDS_H
/*
 * One records field: each entry becomes PT_OBS_BATCH and PT_OBS_RECORDS, what holes took
 * PT_OBS_LOST. Keeps the certificate of a Fetch response as observation.h defines it: the first
 * batch is certified from the offset asked for, each later one from the end of the one before, and
 * behind anything that could not be read, or was shed, a batch certifies only itself.
 */
#include "parser/conn_pvt.h"

/* pt_records_begin: the field belongs to log; next is the offset asked for, -1 if not known
 * (Produce: 0). */
void pt_records_begin(struct pt_msg *m, struct pt_log_ref log, uint8_t source, int64_t next);

/* pt_records_finds: behind this hole the next batch may be looked for. */
bool pt_records_finds(const struct pt_msg *m);

/* pt_records_found: what may be a batch behind a hole is one, as far as it shows. */
bool pt_records_found(struct pt_msg *m, const struct pt_frame_event *ev);

/* pt_records_follows: of what was found behind a hole this event goes on. */
bool pt_records_follows(const struct pt_msg *m, const struct pt_frame_event *ev);

/* pt_records_event takes the PT_FRAME_ENTRY_* and PT_FRAME_RECORDS_LOST events. */
void pt_records_event(struct pt_msg *m, const struct pt_frame_event *ev);

/* pt_records_shed: of the entries of this field that begin now only the first bytes are wanted. */
bool pt_records_shed(const struct pt_msg *m);

/* pt_records_aborted sends PT_OBS_ABORTED for what is certified since the last break. */
void pt_records_aborted(struct pt_msg *m);

#endif
