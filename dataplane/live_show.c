/* SPDX-License-Identifier: Apache-2.0 */
/* What a live run puts into its segment: each thread its own rows, at its own pace. */
#include <stdio.h>
#include <string.h>

#include "dataplane/live_pvt.h"
#include "verify/live.h"

int pt_live_show_open(struct pt_live *l, struct pt_segment_cfg *cfg, struct pt_port_error *err)
{
    int rc;

    cfg->row_max[PT_SEGMENT_TABLE_TAP] = l->port_cnt;
    cfg->row_max[PT_SEGMENT_TABLE_CORE] = l->worker_cnt + 1;
    rc = pt_segment_create(&l->segment_mem, cfg);
    if (rc) {
        snprintf(err->text, sizeof(err->text), "%s", l->segment_mem.trouble);
        return rc;
    }
    l->segment = &l->segment_mem;
    l->run_row_idx = pt_segment_take(l->segment, PT_SEGMENT_TABLE_RUN);
    for (unsigned i = 0; i < l->port_cnt; i++)
        l->port[i].tap_row = pt_segment_take(l->segment, PT_SEGMENT_TABLE_TAP);
    for (unsigned i = 0; i < l->worker_cnt; i++)
        l->worker[i].core_row = pt_segment_take(l->segment, PT_SEGMENT_TABLE_CORE);
    for (int c = 0; c < PT_FINDING_CODE_CNT; c++)
        pt_segment_take(l->segment, PT_SEGMENT_TABLE_CODE);
    for (unsigned c = 0; c < PT_CLUSTER_CNT; c++)
        pt_segment_take(l->segment, PT_SEGMENT_TABLE_CLUSTER);
    l->shard_row = l->own_shard ? pt_segment_take(l->segment, PT_SEGMENT_TABLE_CORE) : -1;
    pt_live_show_main(l);
    pt_segment_set_state(l->segment, PT_SEGMENT_RUNNING);
    return 0;
}

/* Share of the time since the last look in which there was work. */
static uint32_t busy_permille(const _Atomic uint64_t *busy_ns, const _Atomic uint64_t *loop_ns,
                              struct pt_live_load *last)
{
    uint64_t busy = pt_live_load(busy_ns) - last->busy_ns;
    uint64_t loop = pt_live_load(loop_ns) - last->loop_ns;

    last->busy_ns += busy;
    last->loop_ns += loop;
    return loop ? (uint32_t)(busy * 1000 / loop) : 0;
}

/* Connections by cluster and kind, for the row of their cluster. */
static void post_conns(struct pt_live_worker *w)
{
    uint64_t cnt[PT_CLUSTER_CNT][PT_CONN_KIND_CNT] = { { 0 } };
    const struct pt_conn_row *rows;
    size_t row_cnt = pt_parser_conn_rows(w->thread->worker.parser, &rows);

    for (size_t i = 0; i < row_cnt; i++)
        if (rows[i].cluster < PT_CLUSTER_CNT)
            cnt[rows[i].cluster][rows[i].kind] += rows[i].connections;
    for (unsigned c = 0; c < PT_CLUSTER_CNT; c++)
        for (unsigned k = 0; k < PT_CONN_KIND_CNT; k++)
            pt_live_store(&w->conns[c][k], cnt[c][k]);
}

void pt_live_show_worker(struct pt_live_worker *w)
{
    const struct pt_live *l = w->live;
    const struct pt_parser_stats *parser = pt_parser_stats(w->thread->worker.parser);
    struct pt_segment_core row = {
        .cpu = l->plan.worker[w->idx].core,
        .packets = w->intake.stats.frames,
        .bytes = w->intake.stats.bytes,
        .batches = parser->batches,
        .records = parser->records,
        .shed = parser->shed_known + parser->batches_shed + parser->bodies_shed +
                pt_live_load(&w->posted.batches_lost),
        .ladder_step = (uint32_t)(pt_live_load(&w->live->shed) >> 32),
    };

    if (!l->segment)
        return;
    post_conns(w);
    row.busy_permille = busy_permille(&w->posted.busy_ns, &w->posted.loop_ns, &w->shown);
    if (w->thread->out) {
        row.queue_used_sz = pt_lane_used_sz(w->thread->out);
        row.queue_max_sz = pt_lane_room_sz(w->thread->out);
    }
    snprintf(row.name.s, sizeof(row.name.s), l->own_shard ? "worker %u" : "worker %u and shard",
             w->idx);
    pt_segment_put_core(&w->live->segment_mem, w->core_row, &row);
}

/* Used by the shard's thread alone. */
static void show_shard_core(struct pt_live *l)
{
    const struct pt_shard_stats *stats = pt_shard_stats(l->pipeline->shard);
    struct pt_segment_core row = {
        .cpu = l->plan.shard_cnt ? l->plan.shard[0].core : -1,
        .batches = stats->batches,
        .records = stats->records_credited,
    };

    row.busy_permille = busy_permille(&l->shard_busy_ns, &l->shard_loop_ns, &l->shard_shown);
    for (unsigned i = 0; i < l->worker_cnt; i++) {
        row.queue_used_sz += pt_lane_used_sz(l->pipeline->worker[i].out);
        row.queue_max_sz += pt_lane_room_sz(l->pipeline->worker[i].out);
    }
    PT_SEGMENT_SET(row.name, "shard");
    pt_segment_put_core(l->segment, l->shard_row, &row);
}

/* Rows are taken in the order of the pairs' numbers, so that a pair's row is its number. */
static void show_pair(struct pt_live *l, const struct pt_live_pair *p)
{
    const struct pt_pair_result *s = &p->sum;
    struct pt_segment_pair row = {
        .source_partition = s->source.partition,
        .target_partition = s->target.partition,
        .incarnation = s->source.incarnation,
        .source_records = s->source_records,
        .target_records = s->target_records,
        .verified = s->verified,
        .missing = s->missing,
        .extra = s->extra,
        .duplicated = s->duplicated,
        .reordered = s->reordered,
        .mutated = s->mutated,
        .ambiguous = s->missing_or_reordered + s->ambiguous_source + s->ambiguous_target,
        .compacted = s->compacted,
        .unverifiable = s->unverifiable_source + s->unverifiable_target,
        .pending = s->pending_source + s->pending_target,
        .unseen_source = s->unseen_source,
        .unseen_target = s->unseen_target,
        .offsets_certified = s->offsets_certified,
        .offsets_observed = s->offsets_observed,
        .lag_records = p->lag_records,
        .lag_ns = p->lag_ns,
    };

    while (l->pair_rows <= (int64_t)p->number &&
           pt_segment_take(l->segment, PT_SEGMENT_TABLE_PAIR) >= 0)
        l->pair_rows++;
    if (l->pair_rows <= (int64_t)p->number)
        return; /* the table is full, and says so */
    PT_SEGMENT_SET(row.source_topic, p->gone ? "(was taken apart)" : s->source.topic);
    PT_SEGMENT_SET(row.target_topic, p->gone ? "" : s->target.topic);
    pt_segment_put_pair(l->segment, (int64_t)p->number, &row);
}

static void fill_place(const struct pt_live *l, const struct pt_place *place,
                       struct pt_segment_place *out)
{
    if (!place->valid)
        return;
    out->flags = PT_SEGMENT_PLACE_VALID | (place->key_null ? PT_SEGMENT_PLACE_KEY_NULL : 0);
    out->partition = place->partition;
    out->offset = place->offset;
    out->timestamp_ms = place->timestamp_ms;
    out->time_ns = place->at.time_ns;
    out->packet = place->at.packet;
    out->key_hash = place->key_hash;
    out->tap = place->at.input < l->port_cnt ? (int32_t)l->port[place->at.input].tap_row : -1;
    PT_SEGMENT_SET(out->topic, place->topic);
    if (place->client) {
        PT_SEGMENT_SET(out->client_id, place->client->client_id);
        PT_SEGMENT_SET(out->client_addr, place->client->client_addr);
    }
}

static void show_finding(struct pt_live *l, const struct pt_finding *f)
{
    struct pt_segment_finding out = {
        .severity = (uint32_t)pt_finding_severity(f->code),
        .parts = f->parts,
        .pair = f->pair < l->pair_rows ? (int32_t)f->pair : -1,
        .cluster = f->cluster < 0                ? -1
                   : f->cluster < PT_CLUSTER_CNT ? f->cluster
                                                 : PT_SEGMENT_BOTH,
        .cnt = f->cnt,
        .certified_ns = pt_live_wall_ns(),
    };

    PT_SEGMENT_SET(out.code, pt_finding_code_name(f->code));
    PT_SEGMENT_SET(out.message, f->message);
    fill_place(l, &f->source, &out.source);
    fill_place(l, &f->target, &out.target);
    pt_segment_append(l->segment, 0, &out);
}

/* Findings that were shown and are none any more: there is no way to take a line back. */
static void show_taken_back(struct pt_live *l)
{
    uint64_t cnt = pt_shard_live_taken_back(l->pipeline->shard);
    struct pt_segment_finding out = { .severity = PT_SEGMENT_INFO,
                                      .pair = -1,
                                      .cluster = -1,
                                      .cnt = cnt - l->taken_back,
                                      .certified_ns = pt_live_wall_ns() };
    char text[160];

    if (cnt == l->taken_back)
        return;
    snprintf(text, sizeof(text),
             "%llu records of findings told before are taken back: what came later explains them, "
             "or "
             "pairs their topics otherwise",
             (unsigned long long)(cnt - l->taken_back));
    l->taken_back = cnt;
    PT_SEGMENT_SET(out.code, "TAKEN_BACK");
    PT_SEGMENT_SET(out.message, text);
    pt_segment_append(l->segment, 0, &out);
}

/* Every code has a row from the start, in the order of the list. */
static bool show_codes(struct pt_live *l)
{
    bool divergent = false;

    for (int c = 0; c < PT_FINDING_CODE_CNT; c++) {
        enum pt_finding_code code = (enum pt_finding_code)c;
        struct pt_segment_code row = {
            .severity = (uint32_t)pt_finding_severity(code),
            .inconclusive = pt_finding_inconclusive(code),
            .total = pt_shard_live_total(l->pipeline->shard, code),
        };

        divergent = divergent || (row.total && row.severity == PT_SEGMENT_DIVERGENCE);
        PT_SEGMENT_SET(row.name, pt_finding_code_name(code));
        pt_segment_put_code(l->segment, c, &row);
    }
    return divergent;
}

static void show_clusters(struct pt_live *l)
{
    for (unsigned c = 0; c < PT_CLUSTER_CNT; c++) {
        struct pt_live_cluster now;
        struct pt_segment_cluster row = { .role = c };

        pt_shard_live_cluster(l->pipeline->shard, (enum pt_cluster)c, &now);
        row.brokers = now.brokers;
        row.brokers_seen = now.brokers_seen;
        row.logs = now.logs;
        row.records = now.records;
        for (unsigned w = 0; w < l->worker_cnt; w++) {
            row.connections += pt_live_load(&l->worker[w].conns[c][PT_CONN_KAFKA]);
            row.opaque_connections += pt_live_load(&l->worker[w].conns[c][PT_CONN_TLS]);
            row.other_connections += pt_live_load(&l->worker[w].conns[c][PT_CONN_UNDECIDED]) +
                                     pt_live_load(&l->worker[w].conns[c][PT_CONN_OTHER]) +
                                     pt_live_load(&l->worker[w].conns[c][PT_CONN_EMPTY]);
        }
        PT_SEGMENT_SET(row.cluster_id, now.cluster_id);
        pt_segment_put_cluster(l->segment, c, &row);
    }
}

/* What a pair adds to the row of the run is kept beside it, so that only pairs that changed are
 * looked at. */
static void add_pair(struct pt_live *l, const struct pt_live_pair *p)
{
    static const struct pt_live_sum none;
    struct pt_live_sum *run = &l->sum;
    struct pt_live_sum *was;
    const struct pt_pair_result *s = &p->sum;
    struct pt_live_sum now = {
        .pairs = !p->gone,
        .verified = s->verified,
        .divergent = s->missing + s->extra + s->duplicated + s->reordered + s->mutated +
                     s->missing_or_reordered + s->ambiguous_source + s->ambiguous_target,
        .unseen = s->unseen_source + s->unseen_target,
        .pending = s->pending_source + s->pending_target,
        .offsets_certified = s->offsets_certified,
        .offsets_observed = s->offsets_observed,
    };

    if (p->number >= l->pair_sum_cnt) {
        uint64_t cnt = p->number + 1 > 2 * l->pair_sum_cnt ? p->number + 1 : 2 * l->pair_sum_cnt;

        was = pt_mem_resize(&l->mem, l->pair_sum, l->pair_sum_cnt * sizeof(*was),
                            cnt * sizeof(*was));
        if (!was)
            return;
        memset(was + l->pair_sum_cnt, 0, (cnt - l->pair_sum_cnt) * sizeof(*was));
        l->pair_sum = was;
        l->pair_sum_cnt = cnt;
    }
    was = &l->pair_sum[p->number];
#define MOVE(name) run->name += now.name - was->name
    MOVE(pairs);
    MOVE(verified);
    MOVE(divergent);
    MOVE(unseen);
    MOVE(pending);
    MOVE(offsets_certified);
    MOVE(offsets_observed);
#undef MOVE
    *was = p->gone ? none : now;
}

static void show_run(struct pt_live *l, bool divergent, const struct pt_live_state *end)
{
    struct pt_segment_run row = {
        .verdict = divergent ? PT_SEGMENT_DIVERGENT : PT_SEGMENT_NO_VERDICT,
        .time_ns = l->reached_ns,
        .pairs = l->sum.pairs,
        .verified = l->sum.verified,
        .divergent = l->sum.divergent,
        .unseen = l->sum.unseen,
        .pending = l->sum.pending,
        .offsets_certified = l->sum.offsets_certified,
        .offsets_observed = l->sum.offsets_observed,
        .memory_used_sz = l->pipeline->shard_mem.used_sz,
        .memory_max_sz = l->pipeline->shard_mem.limit_sz,
    };

    if (end)
        row.verdict = end->result->verdict == PT_VERDICT_PARITY      ? PT_SEGMENT_PARITY
                      : end->result->verdict == PT_VERDICT_DIVERGENT ? PT_SEGMENT_DIVERGENT
                                                                     : PT_SEGMENT_INCONCLUSIVE;
    PT_SEGMENT_SET(row.note, end ? end->stopped : "SIGUSR1 has the whole report written now");
    pt_segment_put_run(l->segment, l->run_row_idx, &row);
}

/* All that the shard's thread shows; at the end, behind its verdict, the main thread. */
static void show_verification(struct pt_live *l, const struct pt_live_state *end)
{
    struct pt_live_pair pair;
    struct pt_finding finding;

    while (pt_shard_live_next(l->pipeline->shard, &pair)) {
        show_pair(l, &pair);
        add_pair(l, &pair);
    }
    while (pt_shard_live_finding(l->pipeline->shard, &finding))
        show_finding(l, &finding);
    show_taken_back(l);
    show_clusters(l);
    show_run(l, show_codes(l), end);
}

void pt_live_show_shard(struct pt_live *l)
{
    if (!l->segment)
        return;
    if (l->own_shard)
        show_shard_core(l);
    show_verification(l, NULL);
}

void pt_live_show_main(struct pt_live *l)
{
    if (!l->segment)
        return;
    for (unsigned i = 0; i < l->port_cnt; i++) {
        const struct pt_live_port_state *port = &l->port[i];
        struct pt_segment_tap row = { .role = (uint32_t)port->role };

        for (unsigned w = 0; w < l->worker_cnt; w++) {
            row.packets += pt_live_load(&l->worker[w].port[i].packets);
            row.bytes += pt_live_load(&l->worker[w].port[i].bytes);
            row.lost += pt_live_load(&l->worker[w].port[i].given_up);
        }
        row.lost += pt_live_load(&port->missed) + pt_live_load(&port->no_buffer);
        row.finished = l->ended;
        PT_SEGMENT_SET(row.name, port->device);
        pt_segment_put_tap(l->segment, port->tap_row, &row);
    }
    pt_segment_beat(l->segment);
}

void pt_live_show_end(struct pt_live *l, const struct pt_live_state *state)
{
    if (!l->segment)
        return;
    show_verification(l, state);
    pt_live_show_main(l);
    pt_segment_close(l->segment);
    l->segment = NULL;
}
