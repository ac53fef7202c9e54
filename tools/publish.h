/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_PUBLISH_H
#define PT_TOOLS_PUBLISH_H
/*
 * Shows a replay in shared memory (dataplane/segment_writer.h): counters while frames are read, the
 * whole result at the end. What is said there is what the report says, in rows of fixed size.
 */
#include "dataplane/segment_writer.h"
#include "tools/report.h"

struct pt_publish {
    struct pt_segment_writer segment;
    struct pt_segment_run run; /* as it was put last */
    int64_t run_row;
    int64_t core_row;
    int64_t tap_row[PT_INPUT_MAX]; /* by input */
    int64_t next_ns;               /* not before: CLOCK_MONOTONIC */
};

/* pt_publish_begin creates the segment. 0, or -errno with p->segment.trouble set. */
int pt_publish_begin(struct pt_publish *p, const struct pt_segment_cfg *cfg,
                     const struct pt_report_input *inputs, size_t input_cnt);

/* pt_publish_due: twice a second it is time for pt_publish_progress. Ask every few thousand
 * frames. */
bool pt_publish_due(struct pt_publish *p);

/* time_ns is the packet time that was reached. */
void pt_publish_progress(struct pt_publish *p, const struct pt_pipeline *pipeline,
                         const struct pt_report_input *inputs, size_t input_cnt, int64_t time_ns);

/* pt_publish_drain: reading is over, the verdict is being made. */
void pt_publish_drain(struct pt_publish *p);

/* pt_publish_end publishes the result and ends the segment, which stays to be read. */
void pt_publish_end(struct pt_publish *p, const struct pt_report *r);

#endif
