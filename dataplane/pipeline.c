/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Shares of the whole budget, in percent. The shard keeps a slot for every record that waits for
 * its partner, so it gets the most; streams and parser only bridge the moment. */
#define STREAMS_PERCENT 15u
#define PARSER_PERCENT 20u
#define OBS_BUF_SZ (256u * 1024u)
/* One shard behind one worker: its messages are lane 0. */
#define LANE 0

struct pt_pipeline {
    struct pt_pipeline_cfg cfg;
    struct pt_mem streams_mem;
    struct pt_mem parser_mem;
    struct pt_mem shard_mem;
    struct pt_streams *streams;
    struct pt_parser *parser;
    struct pt_shard *shard;
    struct pt_obs_out out;
    struct pt_packet_stats stats;
    int64_t tap_end_ns[PT_CLUSTER_CNT]; /* time of the last frame that may belong to the cluster */
};

#define MEMORY_MAX_DEFAULT (4ull << 30)

void pt_pipeline_cfg_init(struct pt_pipeline_cfg *cfg)
{
    *cfg = (struct pt_pipeline_cfg){
        .memory_max = MEMORY_MAX_DEFAULT,
        .streams = pt_streams_cfg_default,
        .parser = pt_parser_cfg_default,
        .policy = pt_policy_default,
    };
}

static void flush_to_shard(struct pt_obs_out *out)
{
    struct pt_pipeline *p = out->flush_arg;

    pt_shard_consume(p->shard, LANE, out->buf, out->used_sz);
    out->used_sz = 0;
}

static int open_memory(struct pt_pipeline *p)
{
    uint64_t streams_sz = p->cfg.memory_max / 100 * STREAMS_PERCENT;
    uint64_t parser_sz = p->cfg.memory_max / 100 * PARSER_PERCENT;
    int rc = pt_mem_open(&p->streams_mem, streams_sz);

    if (!rc)
        rc = pt_mem_open(&p->parser_mem, parser_sz);
    if (!rc)
        rc = pt_mem_open(&p->shard_mem, p->cfg.memory_max - streams_sz - parser_sz);
    return rc;
}

int pt_pipeline_open(const struct pt_pipeline_cfg *cfg, struct pt_pipeline **ret_p)
{
    struct pt_pipeline *p = calloc(1, sizeof(*p));
    int rc = -ENOMEM;

    if (!p)
        return rc;
    if (cfg->input_cnt > PT_INPUT_MAX) {
        free(p);
        return -EINVAL;
    }
    p->cfg = *cfg;
    p->out = (struct pt_obs_out){
        .buf = malloc(OBS_BUF_SZ),
        .buf_sz = OBS_BUF_SZ,
        .flush = flush_to_shard,
        .flush_arg = p,
    };
    if (!p->out.buf)
        goto out;
    rc = open_memory(p);
    if (rc)
        goto out;
    rc = pt_streams_open(&p->streams_mem, &p->cfg.streams, &p->streams);
    if (rc)
        goto out;
    rc = pt_parser_open(&p->parser_mem, &p->cfg.parser, &p->out, &p->parser);
    if (rc)
        goto out;
    rc = pt_shard_open(&p->shard_mem, &p->cfg.policy, &p->shard);
out:
    if (rc)
        pt_pipeline_close(p);
    else
        *ret_p = p;
    return rc;
}

void pt_pipeline_close(struct pt_pipeline *p)
{
    if (!p)
        return;
    if (p->streams)
        pt_streams_close(p->streams);
    if (p->parser)
        pt_parser_close(p->parser);
    if (p->shard)
        pt_shard_close(p->shard);
    pt_mem_close(&p->streams_mem);
    pt_mem_close(&p->parser_mem);
    pt_mem_close(&p->shard_mem);
    free(p->out.buf);
    free(p);
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
static uint8_t cluster_of(const struct pt_pipeline *p, const struct pt_stream_event *ev)
{
    enum pt_input_role role = p->cfg.input_role[ev->at.input];

    if (role != PT_ROLE_BOTH)
        return role == PT_ROLE_SOURCE ? PT_CLUSTER_SOURCE : PT_CLUSTER_TARGET;
    for (uint8_t cluster = 0; cluster < PT_CLUSTER_CNT; cluster++) {
        for (size_t i = 0; i < p->cfg.broker_cnt[cluster]; i++) {
            const struct pt_cidr *cidr = &p->cfg.brokers[cluster][i];

            if (in_cidr(cidr, ev->a) || in_cidr(cidr, ev->b))
                return cluster;
        }
    }
    return PT_CLUSTER_NONE;
}

/* A connection is opened by its first byte or hole, so that one without payload costs nothing.
 * NULL: the budget is spent, which the parser counts; what the connection carries stays unseen. */
static struct pt_conn *conn_of(struct pt_pipeline *p, const struct pt_stream_event *ev)
{
    if (!*ev->user)
        *ev->user = pt_conn_open(p->parser, cluster_of(p, ev), ev->a, ev->b, ev->initiator);
    return *ev->user;
}

static void drain_streams(struct pt_pipeline *p)
{
    struct pt_stream_event ev;
    struct pt_conn *conn;

    for (;;) {
        switch (pt_streams_next(p->streams, &ev)) {
        case PT_STREAM_NONE:
            return;
        case PT_STREAM_OPEN:
            break;
        case PT_STREAM_BYTES:
            conn = conn_of(p, &ev);
            if (conn)
                pt_conn_bytes(conn, ev.side, ev.data, ev.len, &ev.at);
            break;
        case PT_STREAM_HOLE:
            conn = conn_of(p, &ev);
            if (conn)
                pt_conn_hole(conn, ev.side, ev.len, ev.reason, &ev.at);
            break;
        case PT_STREAM_CLOSE:
            if (*ev.user)
                pt_conn_close(*ev.user, &ev.at);
            *ev.user = NULL;
            break;
        }
    }
}

void pt_pipeline_frame(struct pt_pipeline *p, const struct pt_frame *f, uint32_t input)
{
    struct pt_packet_ref at;
    struct pt_segment seg;
    enum pt_packet_kind kind = pt_packet_decode(f, &seg);

    p->stats.frames++;
    for (unsigned cluster = 0; cluster < PT_CLUSTER_CNT; cluster++)
        if (p->cfg.input_role[input] == PT_ROLE_BOTH || p->cfg.input_role[input] == cluster)
            p->tap_end_ns[cluster] = f->time_ns;
    p->stats.bytes += f->wire_len;
    p->stats.cut_bytes += f->wire_len - f->cap_len;
    p->stats.kind[kind]++;
    if (kind != PT_PACKET_TCP)
        return;
    p->stats.tunnelled += seg.tunnels != 0;
    at = (struct pt_packet_ref){
        .order = p->stats.frames,
        .time_ns = f->time_ns,
        .packet = f->packet,
        .input = input,
    };
    pt_streams_push(p->streams, &seg, &at);
    drain_streams(p);
}

/* What other rooms know about the tap's health goes into the report as warnings. */
static void note_tap(struct pt_pipeline *p)
{
    const struct pt_stream_stats *st = pt_streams_stats(p->streams);
    const struct pt_conn_row *rows;
    size_t row_cnt = pt_parser_conn_rows(p->parser, &rows);
    uint64_t tls[PT_CLUSTER_CNT + 1] = { 0 };
    char text[160];

    if (st->holes) {
        snprintf(text, sizeof(text), "%llu bytes of TCP streams are missing in %llu places",
                 (unsigned long long)st->hole_bytes, (unsigned long long)st->holes);
        pt_shard_note(p->shard, PT_FINDING_TAP_LOSS, -1, st->holes, text);
    }
    if (st->overlaps_differ)
        pt_shard_note(p->shard, PT_FINDING_TCP_OVERLAP_DIFFERS, -1, st->overlaps_differ,
                      "TCP segments repeat bytes with different content");
    for (unsigned cluster = 0; !st->holes && cluster < PT_CLUSTER_CNT; cluster++)
        if (p->tap_end_ns[cluster])
            pt_shard_tap_end(p->shard, (enum pt_cluster)cluster, p->tap_end_ns[cluster]);
    for (size_t i = 0; i < row_cnt; i++)
        if (rows[i].kind == PT_CONN_TLS)
            tls[rows[i].cluster] += rows[i].connections;
    for (int cluster = 0; cluster <= PT_CLUSTER_CNT; cluster++) {
        if (!tls[cluster])
            continue;
        snprintf(text, sizeof(text), "%llu encrypted connections were not looked into",
                 (unsigned long long)tls[cluster]);
        pt_shard_note(p->shard, PT_FINDING_OPAQUE_TLS, cluster < PT_CLUSTER_CNT ? cluster : -1,
                      tls[cluster], text);
    }
}

const struct pt_result *pt_pipeline_finish(struct pt_pipeline *p)
{
    pt_streams_finish(p->streams);
    drain_streams(p);
    flush_to_shard(&p->out);
    note_tap(p);
    return pt_shard_finish(p->shard);
}

const struct pt_packet_stats *pt_pipeline_packet_stats(const struct pt_pipeline *p)
{
    return &p->stats;
}

const struct pt_stream_stats *pt_pipeline_stream_stats(const struct pt_pipeline *p)
{
    return pt_streams_stats(p->streams);
}

const struct pt_parser *pt_pipeline_parser(const struct pt_pipeline *p)
{
    return p->parser;
}

const struct pt_shard_stats *pt_pipeline_shard_stats(const struct pt_pipeline *p)
{
    return pt_shard_stats(p->shard);
}

void pt_pipeline_memory(const struct pt_pipeline *p, uint64_t *ret_peak_sz, uint64_t *ret_limit_sz)
{
    *ret_peak_sz = p->streams_mem.peak_sz + p->parser_mem.peak_sz + p->shard_mem.peak_sz;
    *ret_limit_sz = p->cfg.memory_max;
}
