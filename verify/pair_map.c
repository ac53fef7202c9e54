/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/pair_map.h"

void pt_pair_map_add(struct pt_pair *p, int64_t source, int64_t target, uint64_t cnt)
{
    struct pt_map_run *last = p->map_cnt ? &p->map[p->map_cnt - 1] : NULL;

    if (last && source - last->source_from == (int64_t)last->cnt &&
        target - last->target_from == (int64_t)last->cnt) {
        last->cnt += cnt;
        return;
    }
    if (p->map_cnt == p->map_cap) {
        size_t cap = p->map_cap ? p->map_cap * 2 : 4;
        struct pt_map_run *map =
                pt_mem_resize(p->env->mem, p->map, p->map_cap * sizeof(*map), cap * sizeof(*map));

        if (!map) {
            p->env->stats->map_runs_dropped++;
            return;
        }
        p->map = map;
        p->map_cap = cap;
    }
    p->map[p->map_cnt++] =
            (struct pt_map_run){ .source_from = source, .target_from = target, .cnt = cnt };
}

/* A run of matches, without those of which one side has changed since; adds how many of a side's
 * changed offsets were among them. */
static void keep_unchanged(struct pt_pair *p, const struct pt_map_run *run,
                           uint64_t changed[PT_CLUSTER_CNT])
{
    uint64_t cnt;

    for (uint64_t i = 0; i < run->cnt; i += cnt) {
        int64_t s_off = run->source_from + (int64_t)i;
        int64_t t_off = run->target_from + (int64_t)i;
        bool s_changed;
        bool t_changed;

        cnt = pt_changed_same(&p->log[0]->changed, s_off, run->cnt - i, &s_changed);
        cnt = pt_changed_same(&p->log[1]->changed, t_off, cnt, &t_changed);
        if (!s_changed && !t_changed) {
            pt_pair_map_add(p, s_off, t_off, cnt);
            continue;
        }
        p->sum.verified -= cnt;
        p->sum.unverifiable_source += cnt;
        p->sum.unverifiable_target += cnt;
        changed[0] += s_changed ? cnt : 0;
        changed[1] += t_changed ? cnt : 0;
    }
}

void pt_pair_map_take_back(struct pt_pair *p)
{
    const uint64_t total[PT_CLUSTER_CNT] = { p->log[0]->changed.total, p->log[1]->changed.total };
    uint64_t *unverifiable[PT_CLUSTER_CNT] = { &p->sum.unverifiable_source,
                                               &p->sum.unverifiable_target };
    uint64_t verified[PT_CLUSTER_CNT] = { 0, 0 };
    struct pt_map_run *map = p->map;
    size_t cnt = p->map_cnt;
    size_t cap = p->map_cap;

    if (total[0] == p->changed[0] && total[1] == p->changed[1])
        return;
    p->map = NULL;
    p->map_cnt = p->map_cap = 0;
    for (size_t i = 0; i < cnt; i++)
        keep_unchanged(p, &map[i], verified);
    pt_mem_free(p->env->mem, map, cap * sizeof(*map));
    for (int side = 0; side < PT_CLUSTER_CNT; side++) {
        uint64_t fresh = total[side] - p->changed[side];
        uint64_t others = fresh > verified[side] ? fresh - verified[side] : 0;

        p->given[side] += others;
        *unverifiable[side] += others;
        p->changed[side] = total[side];
    }
}
