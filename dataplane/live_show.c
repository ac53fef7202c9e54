/* SPDX-License-Identifier: Apache-2.0 */
/* What a live run puts into its segment: each thread its own rows, at its own pace. */
#include <stdio.h>
#include <string.h>

#include "dataplane/live_pvt.h"

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
        .shed = pt_live_load(&w->posted.given_up),
    };

    if (!l->segment)
        return;
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

void pt_live_show_shard(struct pt_live *l)
{
    if (!l->segment)
        return;
    if (l->own_shard)
        show_shard_core(l);
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
        PT_SEGMENT_SET(row.name, port->device);
        pt_segment_put_tap(l->segment, port->tap_row, &row);
    }
    pt_segment_beat(l->segment);
}

void pt_live_show_end(struct pt_live *l, const struct pt_live_state *state)
{
    (void)state;
    if (l->segment)
        pt_segment_close(l->segment);
}
