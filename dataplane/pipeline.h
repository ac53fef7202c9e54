/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_PIPELINE_H
#define PT_DATAPLANE_PIPELINE_H
/*
 * The one place that puts the stages in order:
 *
 *   frame -> intake -> worker: streams -> conn -> observations -> gather -> shard
 *
 * Replay, tests and fuzzers run it by pt_pipeline_frame; a live capture (live.h) puts ports in
 * front of the same workers. With one worker everything is done in the caller's thread. With more,
 * each worker and the shard have a thread of their own, joined by lanes:
 *
 *   caller --segments--> worker 0 --observations--> shard
 *          --segments--> worker 1 --observations-->
 *
 * and the report is the same, byte for byte, but for what counts work (PT_PARSER_WORK_COUNTERS):
 * every event carries its place in the run (key.h), and the shard reads them in that order.
 */
#include "dataplane/gather.h"
#include "dataplane/worker.h"
#include "verify/shard.h"

#define PT_WORKERS_MAX PT_GATHER_LANES_MAX

struct pt_pipeline_cfg {
    struct pt_roles roles;
    uint64_t memory_max;               /* the whole budget, bytes; divided at open */
    unsigned worker_cnt;               /* [1, PT_WORKERS_MAX]; default 1 */
    struct pt_fragments_cfg fragments; /* of the whole run: intakes get equal shares */
    struct pt_streams_cfg streams;     /* the same, workers */
    struct pt_parser_cfg parser;
    struct pt_policy policy;
};

/* pt_pipeline_cfg_init fills *cfg with the defaults of every room, and no inputs. */
void pt_pipeline_cfg_init(struct pt_pipeline_cfg *cfg);

struct pt_pipeline;

int pt_pipeline_open(const struct pt_pipeline_cfg *cfg, struct pt_pipeline **ret_p);
void pt_pipeline_close(struct pt_pipeline *p);

/* pt_pipeline_frame takes one frame of input [0,input_cnt); borrowed for the call. Frames come in
 * merged order. */
void pt_pipeline_frame(struct pt_pipeline *p, const struct pt_frame *f, uint32_t input);

/* pt_pipeline_finish ends all connections and makes the verdict. */
const struct pt_result *pt_pipeline_finish(struct pt_pipeline *p);

/* What is known while it runs, in the caller's thread. */
struct pt_pipeline_progress {
    const struct pt_packet_stats *packets;
    uint64_t batches; /* that the shard has read, about */
    uint64_t records; /* that it has credited, about */
    uint64_t memory_peak_sz;
    uint64_t memory_max_sz;
};

void pt_pipeline_progress(const struct pt_pipeline *p, struct pt_pipeline_progress *ret);

/* All workers together; behind pt_pipeline_finish. */
const struct pt_packet_stats *pt_pipeline_packet_stats(const struct pt_pipeline *p);
const struct pt_fragment_stats *pt_pipeline_fragment_stats(const struct pt_pipeline *p);
const struct pt_mirror_stats *pt_pipeline_mirror_stats(const struct pt_pipeline *p);
const struct pt_stream_stats *pt_pipeline_stream_stats(const struct pt_pipeline *p);
const struct pt_parser_stats *pt_pipeline_parser_stats(const struct pt_pipeline *p);
const struct pt_loss *pt_pipeline_loss(const struct pt_pipeline *p);
const struct pt_shard_stats *pt_pipeline_shard_stats(const struct pt_pipeline *p);
size_t pt_pipeline_api_rows(const struct pt_pipeline *p, const struct pt_api_row **ret_rows);
size_t pt_pipeline_conn_rows(const struct pt_pipeline *p, const struct pt_conn_row **ret_rows);
size_t pt_pipeline_mirror_rows(const struct pt_pipeline *p, const struct pt_mirror_row **ret_rows);

#endif
