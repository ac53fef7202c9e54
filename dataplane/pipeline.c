/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/pipeline.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/pipeline_pvt.h"

/* Shares of the whole budget, in percent. The shard keeps a slot for every record that waits for
 * its partner, so it gets the most; streams and parser only bridge the moment. */
#define STREAMS_PERCENT 15u
#define PARSER_PERCENT 20u
/* What lanes and tables may not take from it. */
#define SHARD_PERCENT_MIN 12u
/* Fragments get no more than this part of the budget. */
#define FRAGMENTS_PART 64u
#define OBS_BUF_SZ (256u * 1024u)
#define MEMORY_MAX_DEFAULT (4ull << 30)

void pt_pipeline_cfg_init(struct pt_pipeline_cfg *cfg)
{
    *cfg = (struct pt_pipeline_cfg){
        .memory_max = MEMORY_MAX_DEFAULT,
        .worker_cnt = 1,
        .fragments = pt_fragments_cfg_default,
        .streams = pt_streams_cfg_default,
        .parser = pt_parser_cfg_default,
        .policy = pt_policy_default,
    };
}

/* Without lanes a worker hands its observations straight to the shard: it is lane 0. */
static void to_shard(void *arg, struct pt_key key, const uint8_t *buf, size_t sz)
{
    struct pt_pipeline_thread *t = arg;

    (void)key;
    pt_shard_consume(t->pipeline->shard, 0, buf, sz);
}

static struct pt_worker_cfg share_of(struct pt_pipeline *p, struct pt_pipeline_thread *t)
{
    unsigned cnt = p->cfg.worker_cnt;
    struct pt_worker_cfg w = {
        .roles = &p->cfg.roles,
        .streams = p->cfg.streams,
        .parser = p->cfg.parser,
        .streams_max = p->cfg.memory_max / 100 * STREAMS_PERCENT / cnt,
        .parser_max = p->cfg.memory_max / 100 * PARSER_PERCENT / cnt,
        .out_sz = p->drive.sink ? PT_OBS_OUT_MIN : OBS_BUF_SZ,
        .by_key = p->drive.sink != NULL,
        .lenders = cnt > 1 ? &p->lenders : NULL,
        .sink = p->drive.sink ? p->drive.sink : to_shard,
        .sink_arg = t,
    };

    w.streams.flow_max = (p->cfg.streams.flow_max + cnt - 1) / cnt;
    w.streams.store_max /= cnt;
    w.parser.session_partitions_max = (p->cfg.parser.session_partitions_max + cnt - 1) / cnt;
    w.parser.seen = &p->seen;
    return w;
}

struct pt_fragments_cfg pt_pipeline_intake_cfg(const struct pt_pipeline_cfg *cfg, unsigned cnt)
{
    struct pt_fragments_cfg share = cfg->fragments;

    if (share.store_max > cfg->memory_max / FRAGMENTS_PART)
        share.store_max = cfg->memory_max / FRAGMENTS_PART;
    share.store_max /= cnt;
    return share;
}

static int open_workers(struct pt_pipeline *p)
{
    int rc = 0;

    p->worker = aligned_alloc(alignof(struct pt_pipeline_thread),
                              p->cfg.worker_cnt * sizeof(*p->worker));
    if (!p->worker)
        return -ENOMEM;
    memset(p->worker, 0, p->cfg.worker_cnt * sizeof(*p->worker));
    for (unsigned i = 0; !rc && i < p->cfg.worker_cnt; i++) {
        struct pt_worker_cfg share = share_of(p, &p->worker[i]);

        p->worker[i].pipeline = p;
        p->worker[i].sent = PT_KEY_FIRST;
        rc = pt_worker_open(&p->worker[i].worker, &share);
    }
    return rc;
}

int pt_pipeline_build(const struct pt_pipeline_cfg *cfg, const struct pt_pipeline_drive *drive,
                      struct pt_pipeline **ret_p)
{
    struct pt_pipeline *p;
    uint64_t shares = cfg->memory_max / 100 * (STREAMS_PERCENT + PARSER_PERCENT);
    uint64_t common = drive->lanes_sz + cfg->parser.seen_slots * sizeof(struct pt_seen_slot);
    struct pt_fragments_cfg intake = pt_pipeline_intake_cfg(cfg, drive->intake_cnt);
    uint64_t intakes = drive->intake_cnt * pt_intake_sz(&intake);
    int rc;

    if (cfg->roles.input_cnt > PT_INPUT_MAX || !cfg->worker_cnt || cfg->worker_cnt > PT_WORKERS_MAX)
        return -EINVAL;
    if (common + intakes + shares + cfg->memory_max / 100 * SHARD_PERCENT_MIN > cfg->memory_max)
        return -ENOMEM;
    p = aligned_alloc(alignof(struct pt_pipeline), sizeof(*p));
    if (!p)
        return -ENOMEM;
    memset(p, 0, sizeof(*p));
    p->cfg = *cfg;
    p->drive = *drive;
    pt_mem_init(&p->common_mem, common);
    rc = pt_mem_open(&p->shard_mem, cfg->memory_max - shares - intakes - common);
    if (!rc)
        rc = pt_seen_open(&p->seen, &p->common_mem, cfg->parser.seen_slots);
    if (!rc)
        rc = pt_shard_open(&p->shard_mem, &p->cfg.policy, &p->shard);
    if (!rc)
        rc = open_workers(p);
    if (rc)
        pt_pipeline_close(p);
    else
        *ret_p = p;
    return rc;
}

int pt_pipeline_open(const struct pt_pipeline_cfg *cfg, struct pt_pipeline **ret_p)
{
    struct pt_pipeline_drive drive = { .intake_cnt = 1 };
    struct pt_fragments_cfg intake = pt_pipeline_intake_cfg(cfg, 1);
    struct pt_pipeline *p = NULL;
    int rc;

    if (cfg->worker_cnt > 1)
        drive = pt_pipeline_threads_drive(cfg);
    rc = pt_pipeline_build(cfg, &drive, &p);
    if (!rc)
        rc = pt_intake_open(&p->intake, &intake);
    if (!rc && cfg->worker_cnt > 1)
        rc = pt_pipeline_threads_start(p);
    if (!rc)
        *ret_p = p;
    else if (p)
        pt_pipeline_close(p);
    return rc;
}

void pt_pipeline_close(struct pt_pipeline *p)
{
    if (!p)
        return;
    if (p->worker) {
        pt_pipeline_threads_end(p);
        for (unsigned i = 0; i < p->cfg.worker_cnt; i++)
            pt_worker_close(&p->worker[i].worker);
        free(p->worker);
    }
    pt_intake_close(&p->intake);
    if (p->shard)
        pt_shard_close(p->shard);
    pt_mem_close(&p->shard_mem);
    pt_seen_close(&p->seen, &p->common_mem);
    pt_totals_fini(&p->totals);
    free(p);
}

void pt_pipeline_tap_end(struct pt_pipeline *p, uint32_t input, int64_t time_ns)
{
    enum pt_input_role role = p->cfg.roles.input[input];

    for (unsigned cluster = 0; cluster < PT_CLUSTER_CNT; cluster++)
        if (role == PT_ROLE_BOTH || (unsigned)role == cluster)
            p->tap_end_ns[cluster] = time_ns;
}

void pt_pipeline_frame(struct pt_pipeline *p, const struct pt_frame *f, uint32_t input)
{
    struct pt_taken t;
    bool is_tcp = pt_intake_frame(&p->intake, f, input, p->intake.stats.frames + 1, &t);

    pt_pipeline_tap_end(p, input, f->time_ns);
    if (!is_tcp)
        return;
    if (p->cfg.worker_cnt > 1)
        pt_pipeline_dispatch(p, &t);
    else
        pt_worker_take(&p->worker[0].worker, &t);
    pt_taken_done(&t);
}

/* What was lost before packets were segments. */
static void note_packets(struct pt_pipeline *p)
{
    const struct pt_totals *t = &p->totals;
    uint64_t datagrams = pt_datagrams_lost(&t->fragments) + t->packets.kind[PT_PACKET_MIXED];
    char text[160];

    if (t->mirror.lost) {
        snprintf(text, sizeof(text),
                 "%llu packets are missing in the numbers of %llu mirror sessions: lost before the "
                 "tap",
                 (unsigned long long)t->mirror.lost, (unsigned long long)t->mirror.sessions);
        pt_shard_note(p->shard, PT_FINDING_TAP_LOSS, -1, t->mirror.lost, text);
    }
    if (datagrams) {
        snprintf(text, sizeof(text), "%llu packets came in fragments that were not all there",
                 (unsigned long long)datagrams);
        pt_shard_note(p->shard, PT_FINDING_TAP_LOSS, -1, datagrams, text);
    }
}

/* What other rooms know about the tap's health goes into the report as warnings. */
static void note_tap(struct pt_pipeline *p)
{
    const struct pt_stream_stats *st = &p->totals.streams;
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
    note_packets(p);
    for (enum pt_cluster c = 0; c < PT_CLUSTER_CNT; c++)
        if (p->tap_end_ns[c] && pt_totals_saw_all(&p->totals, c))
            pt_shard_tap_end(p->shard, c, p->tap_end_ns[c]);
    for (size_t i = 0; i < p->totals.conn_cnt; i++)
        if (p->totals.conns[i].kind == PT_CONN_TLS)
            tls[p->totals.conns[i].cluster] += p->totals.conns[i].connections;
    for (int cluster = 0; cluster <= PT_CLUSTER_CNT; cluster++) {
        if (!tls[cluster])
            continue;
        snprintf(text, sizeof(text), "%llu encrypted connections were not looked into",
                 (unsigned long long)tls[cluster]);
        pt_shard_note(p->shard, PT_FINDING_OPAQUE_TLS, cluster < PT_CLUSTER_CNT ? cluster : -1,
                      tls[cluster], text);
    }
}

const struct pt_result *pt_pipeline_conclude(struct pt_pipeline *p)
{
    note_tap(p);
    pt_loss_end(&p->totals.loss);
    return pt_shard_finish(p->shard);
}

const struct pt_result *pt_pipeline_finish(struct pt_pipeline *p)
{
    if (p->cfg.worker_cnt > 1)
        pt_pipeline_threads_end(p);
    else
        pt_worker_finish(&p->worker[0].worker);
    pt_intake_finish(&p->intake);
    pt_totals_intake(&p->totals, &p->intake);
    for (unsigned i = 0; i < p->cfg.worker_cnt; i++)
        pt_totals_worker(&p->totals, &p->worker[i].worker);
    return pt_pipeline_conclude(p);
}

/* Peaks are the workers' own; while they run only their limits are known here. */
void pt_pipeline_progress(const struct pt_pipeline *p, struct pt_pipeline_progress *ret)
{
    const struct pt_shard_stats *stats = pt_shard_stats(p->shard);

    *ret = (struct pt_pipeline_progress){
        .packets = &p->intake.stats,
        .memory_max_sz = p->cfg.memory_max,
    };
    if (p->cfg.worker_cnt > 1) {
        ret->batches = atomic_load_explicit(&p->batches, memory_order_relaxed);
        ret->records = atomic_load_explicit(&p->records, memory_order_relaxed);
        return;
    }
    ret->batches = stats->batches;
    ret->records = stats->records_credited;
    ret->memory_peak_sz = p->worker[0].worker.streams_mem.peak_sz +
                          p->worker[0].worker.parser_mem.peak_sz + p->shard_mem.peak_sz +
                          p->common_mem.peak_sz;
}

const struct pt_packet_stats *pt_pipeline_packet_stats(const struct pt_pipeline *p)
{
    return &p->totals.packets;
}

const struct pt_fragment_stats *pt_pipeline_fragment_stats(const struct pt_pipeline *p)
{
    return &p->totals.fragments;
}

const struct pt_mirror_stats *pt_pipeline_mirror_stats(const struct pt_pipeline *p)
{
    return &p->totals.mirror;
}

const struct pt_stream_stats *pt_pipeline_stream_stats(const struct pt_pipeline *p)
{
    return &p->totals.streams;
}

const struct pt_parser_stats *pt_pipeline_parser_stats(const struct pt_pipeline *p)
{
    return &p->totals.parser;
}

const struct pt_loss *pt_pipeline_loss(const struct pt_pipeline *p)
{
    return &p->totals.loss;
}

const struct pt_shard_stats *pt_pipeline_shard_stats(const struct pt_pipeline *p)
{
    return pt_shard_stats(p->shard);
}

size_t pt_pipeline_api_rows(const struct pt_pipeline *p, const struct pt_api_row **ret_rows)
{
    *ret_rows = p->totals.apis;
    return p->totals.api_cnt;
}

size_t pt_pipeline_conn_rows(const struct pt_pipeline *p, const struct pt_conn_row **ret_rows)
{
    *ret_rows = p->totals.conns;
    return p->totals.conn_cnt;
}

size_t pt_pipeline_mirror_rows(const struct pt_pipeline *p, const struct pt_mirror_row **ret_rows)
{
    *ret_rows = p->totals.mirrors;
    return p->totals.mirror_cnt;
}
