/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/worker.h"

#include <errno.h>
#include <string.h>

#include "dataplane/lender.h"

/* Of the parser's share, for batches that are lent, and the most that is of use. */
#define LENDER_PART 8u
#define LENDER_MEM_MAX (64u << 20)
/* Connections that may be given up for a new one where the parser's share is used up to three
 * quarters, if they are not worth keeping: the rest is for those that work. More than one, as many
 * of them cost the parser nothing. */
#define YIELD_FLOWS 16u

static void flush_out(struct pt_obs_out *out)
{
    struct pt_worker *w = out->flush_arg;

    if (w->lender)
        pt_lender_pass(w->lender, w->key, out->buf, out->used_sz);
    else
        w->cfg.sink(w->cfg.sink_arg, w->key, out->buf, out->used_sz);
    out->used_sz = 0;
}

/* What a worker's budget does not suffice for is not lent. */
static int open_lender(struct pt_worker *w, uint64_t mem_sz)
{
    struct pt_lender_cfg cfg = {
        .lenders = w->cfg.lenders,
        .mem = &w->lender_mem,
        .parser_mem = &w->parser_mem,
        .batch = w->cfg.parser.batch,
        .sink = w->cfg.sink,
        .sink_arg = w->cfg.sink_arg,
    };
    int rc = pt_mem_open(&w->lender_mem, mem_sz);

    if (!rc)
        rc = pt_lender_open(&cfg, &w->lender);
    if (!rc)
        w->cfg.parser.handoff = &w->lender->handoff;
    return rc;
}

static uint64_t lender_share(const struct pt_worker_cfg *cfg)
{
    uint64_t sz = cfg->parser_max / LENDER_PART;

    if (!cfg->lenders || !cfg->parser.handoff_min || sz < PT_LENDER_MEM_MIN)
        return 0;
    return sz < LENDER_MEM_MAX ? sz : LENDER_MEM_MAX;
}

int pt_worker_open(struct pt_worker *w, const struct pt_worker_cfg *cfg)
{
    uint64_t lender_sz = lender_share(cfg);
    int rc;

    *w = (struct pt_worker){ .cfg = *cfg, .key = PT_KEY_FIRST };
    rc = pt_mem_open(&w->streams_mem, cfg->streams_max);
    if (!rc)
        rc = pt_mem_open(&w->parser_mem, cfg->parser_max - lender_sz);
    if (rc) {
        pt_worker_close(w);
        return rc;
    }
    w->out = (struct pt_obs_out){
        .buf = pt_mem_alloc(&w->parser_mem, cfg->out_sz),
        .buf_sz = cfg->out_sz,
        .flush = flush_out,
        .flush_arg = w,
    };
    rc = w->out.buf ? 0 : -ENOMEM;
    if (!rc)
        rc = pt_streams_open(&w->streams_mem, &w->cfg.streams, &w->streams);
    if (!rc && lender_sz)
        rc = open_lender(w, lender_sz);
    if (!rc)
        rc = pt_parser_open(&w->parser_mem, &w->cfg.parser, &w->out, &w->parser);
    if (!rc && w->lender)
        w->lender->parser = w->parser;
    if (rc)
        pt_worker_close(w);
    return rc;
}

static bool in_cidr(const struct pt_cidr *cidr, const struct pt_endpoint *ep)
{
    unsigned bytes = cidr->prefix_len / 8u;
    unsigned bits = cidr->prefix_len % 8u;

    if (cidr->port && cidr->port != ep->port)
        return false;
    if (memcmp(cidr->ip, ep->ip, bytes))
        return false;
    return !bits || !((cidr->ip[bytes] ^ ep->ip[bytes]) >> (8 - bits));
}

/* The role of the input that showed its first bytes decides; an input with both clusters is told
 * apart by the brokers' addresses. */
static uint8_t cluster_of(const struct pt_roles *roles, const struct pt_stream_event *ev)
{
    enum pt_input_role role = roles->input[ev->at.input];

    if (role != PT_ROLE_BOTH)
        return role == PT_ROLE_SOURCE ? PT_CLUSTER_SOURCE : PT_CLUSTER_TARGET;
    for (uint8_t cluster = 0; cluster < PT_CLUSTER_CNT; cluster++) {
        for (size_t i = 0; i < roles->broker_cnt[cluster]; i++) {
            const struct pt_cidr *cidr = &roles->brokers[cluster][i];

            if (in_cidr(cidr, ev->a) || in_cidr(cidr, ev->b))
                return cluster;
        }
    }
    return PT_CLUSTER_NONE;
}

/* Stands where a connection would, for one that the budget had no room for. */
static const char refused;
#define REFUSED ((void *)(uintptr_t)&refused)

/* A connection is opened by its first byte or hole, so that one without payload costs nothing.
 * NULL: the budget is spent, which the parser counts; what the connection carries stays unseen.
 * When there is room for it later, it is told that it does not begin there. */
static struct pt_conn *conn_of(struct pt_worker *w, const struct pt_stream_event *ev)
{
    bool late = *ev->user == REFUSED;
    struct pt_conn *conn = late ? NULL : *ev->user;

    if (conn)
        return conn;
    if (w->parser_mem.used_sz > w->parser_mem.limit_sz / 4 * 3)
        pt_streams_yield(w->streams, YIELD_FLOWS);
    conn = pt_conn_open(w->parser, cluster_of(w->cfg.roles, ev), ev->a, ev->b,
                        late ? -1 : ev->initiator);
    *ev->user = conn ? (void *)conn : REFUSED;
    for (int side = 0; conn && late && side < 2; side++)
        pt_conn_hole(conn, side, 0, PT_LOST_TAP_GAP, &ev->at);
    return conn;
}

/* What is written from now on belongs at this key. */
static void move_to(struct pt_worker *w, struct pt_key key)
{
    if (w->cfg.by_key && w->out.used_sz && pt_key_before(w->key, key))
        pt_worker_flush(w);
    if (w->cfg.by_key || !w->out.used_sz)
        w->key = key;
}

static void drain_streams(struct pt_worker *w)
{
    struct pt_stream_event ev;
    struct pt_conn *conn;

    for (;;) {
        enum pt_stream_kind kind = pt_streams_next(w->streams, &ev);

        if (kind == PT_STREAM_NONE)
            return;
        move_to(w, ev.key);
        switch (kind) {
        case PT_STREAM_BYTES:
            conn = conn_of(w, &ev);
            if (conn)
                pt_conn_bytes(conn, ev.side, ev.data, ev.len, &ev.at);
            break;
        case PT_STREAM_HOLE:
            pt_loss_event(&w->loss, cluster_of(w->cfg.roles, &ev), &ev);
            conn = conn_of(w, &ev);
            if (conn)
                pt_conn_hole(conn, ev.side, ev.len, ev.reason, &ev.at);
            break;
        case PT_STREAM_CLOSE:
            if (ev.one_way)
                pt_loss_event(&w->loss, cluster_of(w->cfg.roles, &ev), &ev);
            if (*ev.user && *ev.user != REFUSED)
                pt_conn_close(*ev.user, &ev.at);
            *ev.user = NULL;
            break;
        case PT_STREAM_OPEN:
        case PT_STREAM_NONE:
            break;
        }
    }
}

void pt_worker_take(struct pt_worker *w, const struct pt_taken *t)
{
    uint64_t copies = pt_streams_stats(w->streams)->segments_copies;

    if (w->lender)
        pt_lender_busy(w->lender);
    w->out.order = t->at.order;
    pt_loss_segment(&w->loss, t->key.time_ns);
    pt_streams_advance(w->streams, t->key.time_ns);
    pt_streams_push(w->streams, &t->seg, &t->at);
    drain_streams(w);
    if (pt_streams_stats(w->streams)->segments_copies != copies)
        pt_loss_copy(&w->loss, t->at.input, t->seg.pay_len);
}

void pt_worker_advance(struct pt_worker *w, struct pt_key key)
{
    w->out.order = key.tie;
    pt_streams_advance(w->streams, key.time_ns);
    drain_streams(w);
}

void pt_worker_flush(struct pt_worker *w)
{
    if (w->out.used_sz)
        flush_out(&w->out);
    else if (w->lender && pt_lender_holds(w->lender))
        (void)pt_lender_step(w->lender);
}

bool pt_worker_holds(const struct pt_worker *w)
{
    return w->lender && pt_lender_holds(w->lender);
}

bool pt_worker_help(struct pt_worker *w)
{
    return w->lender && pt_lender_help(w->lender);
}

void pt_worker_finish(struct pt_worker *w)
{
    pt_streams_finish(w->streams);
    drain_streams(w);
    pt_worker_flush(w);
    if (w->lender)
        pt_lender_finish(w->lender);
}

static void to_nobody(void *arg, struct pt_key key, const uint8_t *buf, size_t sz)
{
    (void)arg;
    (void)key;
    (void)buf;
    (void)sz;
}

/* Ends connections that nobody finished, for what they hold. Whoever took observations may be gone.
 */
static void abandon(struct pt_worker *w)
{
    w->cfg.sink = to_nobody;
    if (w->lender)
        w->lender->cfg.sink = to_nobody;
    pt_worker_finish(w);
}

void pt_worker_close(struct pt_worker *w)
{
    if (w->streams && w->parser)
        abandon(w);
    if (w->streams)
        pt_streams_close(w->streams);
    if (w->parser)
        pt_parser_close(w->parser);
    if (w->lender)
        pt_lender_close(w->lender);
    pt_mem_free(&w->parser_mem, w->out.buf, w->out.buf_sz);
    pt_mem_close(&w->lender_mem);
    pt_mem_close(&w->parser_mem);
    pt_mem_close(&w->streams_mem);
    *w = (struct pt_worker){ 0 };
}
