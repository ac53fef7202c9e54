/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_SNAPSHOT_JSON_H
#define PT_TOOLS_SNAPSHOT_JSON_H
/*
 * What a segment says, as JSON Lines for programs (`paritap report --jsonl`): each line is one
 * object with a "type". Names that the report also has (report.schema.json) mean the same here.
 *
 *   {"type": "run", ...}       everything that the tables say
 *   {"type": "finding", ...}   as in the report; "cut": a name was too long for the segment
 *   {"type": "missed", ...}    "count" findings were overwritten before they could be read
 *   {"type": "state", ...}     the writer's state has changed
 */
#include <stdio.h>

#include "tools/snapshot.h"

void pt_snapshot_json_run(const struct pt_snapshot *s, FILE *f);
void pt_snapshot_json_state(const struct pt_snapshot *s, FILE *f);

/* r gives the names of taps. */
void pt_snapshot_json_finding(const struct pt_segment_reader *r,
                              const struct pt_segment_finding *finding, FILE *f);
void pt_snapshot_json_missed(uint64_t cnt, FILE *f);

#endif
