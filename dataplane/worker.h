/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_WORKER_H
#define PT_DATAPLANE_WORKER_H
/*
 * The stages of one core: TCP segments in, observations out.
 *
 *   segment -> streams -> conn -> observations -> sink
 *
 * A worker owns its connections: both directions of each come to it, so it takes no lock and knows
 * no other worker; only the seen table is shared, and batches that one decodes for another
 * (lender.h). It has no thread of its own: whoever drives it
 * (pipeline.c inline, one thread of a replay, a pinned core of a live capture) calls it from one
 * thread at a time.
 */
#include "dataplane/intake.h"
#include "dataplane/loss.h"
#include "dataplane/stream.h"
#include "parser/conn.h"

struct pt_cidr {
    uint8_t ip[16];     /* IPv4 as ::ffff:a.b.c.d */
    uint8_t prefix_len; /* 0..128 */
    uint16_t port;      /* 0: any */
};

/* Which cluster a connection belongs to: the input's role if it is source or target, else the first
 * list that one of its two endpoints is in, else none. */
enum pt_input_role { PT_ROLE_SOURCE = 0, PT_ROLE_TARGET = 1, PT_ROLE_BOTH = 2 };

struct pt_roles {
    enum pt_input_role input[PT_INPUT_MAX];
    uint32_t input_cnt;
    const struct pt_cidr *brokers[PT_CLUSTER_CNT];
    size_t broker_cnt[PT_CLUSTER_CNT];
};

/* Takes observations [buf, buf+sz), all of which belong at this place of the run or, without
 * by_key, at or behind it. Must take everything before it returns. */
typedef void pt_worker_sink(void *arg, struct pt_key key, const uint8_t *buf, size_t sz);

struct pt_lender;
struct pt_lenders;

struct pt_worker_cfg {
    const struct pt_roles *roles;  /* outlives the worker */
    struct pt_streams_cfg streams; /* this worker's share of everything */
    struct pt_parser_cfg parser;
    uint64_t streams_max; /* memory, bytes */
    uint64_t parser_max;
    uint32_t out_sz;            /* of the buffer of observations, PT_OBS_OUT_MIN or more */
    bool by_key;                /* observations of different keys go to the sink by themselves */
    struct pt_lenders *lenders; /* who helps whom; NULL: nobody */
    pt_worker_sink *sink;
    void *sink_arg;
};

struct pt_worker {
    struct pt_mem streams_mem;
    struct pt_mem parser_mem;
    struct pt_mem lender_mem; /* a part of the parser's share */
    struct pt_streams *streams;
    struct pt_parser *parser;
    struct pt_obs_out out;
    struct pt_lender *lender; /* NULL: none */
    struct pt_loss loss;
    struct pt_key key; /* place of what is in out */
    struct pt_worker_cfg cfg;
};

int pt_worker_open(struct pt_worker *w, const struct pt_worker_cfg *cfg);
/* pt_worker_close: also of one that is not finished, whose observations are lost then, or was not
 * opened: all zero. */
void pt_worker_close(struct pt_worker *w);

/* pt_worker_take works off one segment; keys never go back. */
void pt_worker_take(struct pt_worker *w, const struct pt_taken *t);

/* pt_worker_advance: the run has come to this key elsewhere. What becomes due by that is done. */
void pt_worker_advance(struct pt_worker *w, struct pt_key key);

/* pt_worker_flush gives the sink what it has not got yet, but for what waits for a batch that is
 * being decoded elsewhere. */
void pt_worker_flush(struct pt_worker *w);

/* pt_worker_holds: something still waits for such a batch, so that more may come at or before the
 * key that the worker has reached. */
bool pt_worker_holds(const struct pt_worker *w);

/* pt_worker_help is for the time in which there is nothing to take: the worker goes on with what it
 * holds, or does a piece of another's work. False: there was nothing to do. */
bool pt_worker_help(struct pt_worker *w);

/* pt_worker_finish ends all connections, and flushes. */
void pt_worker_finish(struct pt_worker *w);

#endif
