/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_PIPELINE_PVT_H
#define PT_DATAPLANE_PIPELINE_PVT_H
/*
 * What pipeline.c (the stages and their results) shares with those that drive them by threads:
 * pipeline_threads.c (replay) and live.c.
 */
#include <pthread.h>
#include <stdalign.h>
#include <stdatomic.h>

#include "dataplane/lender.h"
#include "dataplane/pipeline.h"
#include "dataplane/totals.h"

struct pt_pipeline_thread {
    alignas(64) struct pt_pipeline *pipeline;
    void *driver; /* live: the worker's loop */
    pthread_t thread;
    bool started;
    struct pt_worker worker;
    struct pt_lane *in;  /* replay: segments from the reader */
    struct pt_lane *out; /* observations to the shard; NULL: it stands in the same loop */
    struct pt_key sent;  /* the reader's: place of what this worker was sent last */
};

_Static_assert(PT_WORKERS_MAX <= PT_LENDERS_MAX, "each worker may have a lender");

/* How observations go from workers to the shard. */
struct pt_pipeline_drive {
    pt_worker_sink *sink; /* its argument is the struct pt_pipeline_thread; NULL: there is one
                             worker, whose caller's thread is the shard's, too */
    uint64_t lanes_sz;    /* of the budget, for lanes: common_mem */
    unsigned intake_cnt;  /* who takes frames: each worker, or 1 */
};

struct pt_pipeline {
    struct pt_pipeline_cfg cfg;
    struct pt_pipeline_drive drive;
    struct pt_mem shard_mem;
    struct pt_mem common_mem; /* lanes and the seen table */
    struct pt_seen seen;
    struct pt_shard *shard;
    struct pt_gather gather;
    struct pt_lenders lenders;
    struct pt_intake intake; /* the reader's */
    struct pt_pipeline_thread *worker;
    pthread_t shard_thread;
    bool shard_started;
    struct pt_totals totals;
    int64_t tap_end_ns[PT_CLUSTER_CNT]; /* time of the last frame that may belong to the cluster */
    /* Posted by the shard's thread for whoever wants to know how far it is. */
    _Atomic uint64_t batches;
    _Atomic uint64_t records;
};

/* pt_pipeline_build is pt_pipeline_open without threads. 0 or -errno. */
int pt_pipeline_build(const struct pt_pipeline_cfg *cfg, const struct pt_pipeline_drive *drive,
                      struct pt_pipeline **ret_p);

/* pt_pipeline_intake_cfg: what each of cnt intakes gets of the budget. */
struct pt_fragments_cfg pt_pipeline_intake_cfg(const struct pt_pipeline_cfg *cfg, unsigned cnt);

/* pt_pipeline_tap_end: a frame of this input had this time. */
void pt_pipeline_tap_end(struct pt_pipeline *p, uint32_t input, int64_t time_ns);

/* pt_pipeline_conclude makes the verdict when all observations were read and totals are made. */
const struct pt_result *pt_pipeline_conclude(struct pt_pipeline *p);

/* pipeline_threads.c */

struct pt_pipeline_drive pt_pipeline_threads_drive(const struct pt_pipeline_cfg *cfg);
/* 0 or -errno; what was started is ended by pt_pipeline_threads_end. */
int pt_pipeline_threads_start(struct pt_pipeline *p);
void pt_pipeline_dispatch(struct pt_pipeline *p, const struct pt_taken *t);
void pt_pipeline_threads_end(struct pt_pipeline *p);

#endif
