/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_LENDER_H
#define PT_DATAPLANE_LENDER_H
/*
 * What lets idle workers decode batches of a busy one, so that one connection of large compressed
 * batches is not bound to the speed of one core. Each worker has a lender, and is served by its
 * thread alone; all of a run know each other (struct pt_lenders).
 *
 *   parser --take--> jobs <--claim-- lenders of idle workers, or itself
 *     |                |done
 *     +--pass--> held observations --sink--> shard
 *
 * Observations go straight on while no batch is lent. From the first open ticket
 * (parser/handoff.h) on they are held, and go on as the oldest tickets are settled, each with the
 * key that it had: what the sink gets is, byte for byte, what it would get without a lender.
 *
 * Bounds: PT_JOBS_MAX batches, a share of the budget for them, and HELD_SZ of observations. When
 * one of the first is reached the parser decodes for itself; when the last is, the worker waits for
 * its oldest ticket, and decodes it if nobody is at it. Who decodes waits for nobody.
 */
#include "dataplane/jobs.h"
#include "dataplane/lane.h"
#include "dataplane/worker.h"
#include "parser/conn.h"

#define PT_LENDERS_MAX 64
/* The least that a lender needs to be of use. */
#define PT_LENDER_MEM_MIN (4u << 20)

/* All lenders of a run. Those who lend are filled in before the first thread starts. */
struct pt_lenders {
    struct pt_jobs *jobs[PT_LENDERS_MAX];
    unsigned cnt;
    /* Workers that have nothing of their own to do. A hint, so without order. */
    alignas(64) _Atomic unsigned idle_cnt;
};

struct pt_lender_cfg {
    struct pt_lenders *lenders;
    struct pt_mem *mem;        /* its own: for jobs, held observations, and decoding */
    struct pt_mem *parser_mem; /* for a batch that this does not suffice for */
    struct pt_batch_cfg batch;
    pt_worker_sink *sink;
    void *sink_arg;
};

struct pt_lender {
    struct pt_lender_cfg cfg;
    struct pt_handoff handoff; /* for the parser */
    struct pt_parser *parser;  /* set by whoever opened it */
    struct pt_batch_reader *reader;
    struct pt_jobs *jobs;
    struct pt_lane *held;  /* both ends are this thread's */
    size_t held_off;       /* of the oldest message in held, what was passed on */
    struct pt_obs_out out; /* where tickets are settled */
    struct pt_key out_key;
    uint64_t lent_cnt;
    uint64_t settled_cnt;
    unsigned next; /* whom it helps first */
    bool idle;
};

/* pt_lender_open joins cfg->lenders. 0 or -ENOMEM. */
int pt_lender_open(const struct pt_lender_cfg *cfg, struct pt_lender **ret_lender);
void pt_lender_close(struct pt_lender *l);

/* pt_lender_pass takes observations, as a sink does. */
void pt_lender_pass(struct pt_lender *l, struct pt_key key, const uint8_t *buf, size_t sz);

/* pt_lender_step passes on what has become complete; false: nothing. */
bool pt_lender_step(struct pt_lender *l);

/* pt_lender_holds: not everything was passed on. */
bool pt_lender_holds(const struct pt_lender *l);

/* pt_lender_help is for a worker that has nothing to do: it goes on with what it holds, or decodes
 * one batch, its own before another's. False: there is none. It counts as idle from then on, until
 * pt_lender_busy. */
bool pt_lender_help(struct pt_lender *l);
void pt_lender_busy(struct pt_lender *l);

/* pt_lender_finish passes on everything. */
void pt_lender_finish(struct pt_lender *l);

#endif
