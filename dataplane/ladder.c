/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/ladder.h"

#include <assert.h>

#include "parser/shed.h"

#define QUARTER 0x40000000u

static const struct {
    uint8_t step;
    uint32_t share;
} levels[] = {
    { PT_SHED_NONE, 0 },
    { PT_SHED_KNOWN, 0 },
    { PT_SHED_PARTITIONS, QUARTER },
    { PT_SHED_PARTITIONS, 2 * QUARTER },
    { PT_SHED_PARTITIONS, 3 * QUARTER },
    { PT_SHED_HEADERS, UINT32_MAX },
    { PT_SHED_COUNT_ONLY, UINT32_MAX },
};

static_assert(sizeof(levels) / sizeof(levels[0]) == PT_LADDER_LEVEL_CNT, "one row a level");

void pt_ladder_init(struct pt_ladder *l)
{
    *l = (struct pt_ladder){
        .look_ns = INT64_MIN,
        .calm_since_ns = INT64_MIN,
        .calm_need_ns = PT_LADDER_CALM_NS,
        .down_ns = INT64_MIN,
    };
}

static bool is_overload(const struct pt_ladder_look *w)
{
    return w->lost || w->lane_full || w->backlog >= PT_LADDER_BACKLOG_HIGH;
}

static bool is_calm(const struct pt_ladder_look *w)
{
    return !w->lost && !w->lane_full && w->backlog <= PT_LADDER_BACKLOG_LOW &&
           w->busy <= PT_LADDER_BUSY_LOW;
}

static struct pt_ladder_change in_force(const struct pt_ladder *l, int64_t time_ns)
{
    return (struct pt_ladder_change){ .time_ns = time_ns,
                                      .level = l->level,
                                      .step = levels[l->level].step,
                                      .share = levels[l->level].share };
}

static void set_level(struct pt_ladder *l, unsigned level, int64_t time_ns)
{
    l->level = (uint8_t)level;
    if (l->level > l->level_max)
        l->level_max = l->level;
    l->change[l->change_cnt++ % PT_LADDER_CHANGE_MAX] = in_force(l, time_ns);
}

static void go_up(struct pt_ladder *l, int64_t time_ns)
{
    /* Only the first overload behind a level down counts against it. */
    if (l->down_ns > INT64_MIN) {
        bool relapse = time_ns - l->down_ns < PT_LADDER_RELAPSE_NS;

        l->calm_need_ns = relapse ? 2 * l->calm_need_ns : PT_LADDER_CALM_NS;
        if (l->calm_need_ns > PT_LADDER_CALM_MAX_NS)
            l->calm_need_ns = PT_LADDER_CALM_MAX_NS;
        l->down_ns = INT64_MIN;
    }
    if (l->level + 1u < PT_LADDER_LEVEL_CNT)
        set_level(l, l->level + 1u, time_ns);
}

static void go_down(struct pt_ladder *l, int64_t time_ns)
{
    set_level(l, l->level - 1u, time_ns);
    l->down_ns = time_ns;
    l->calm_since_ns = time_ns;
}

struct pt_ladder_change pt_ladder_look(struct pt_ladder *l, int64_t time_ns,
                                       const struct pt_ladder_look *look, size_t look_cnt)
{
    bool overload = false;
    bool calm = true;

    for (size_t i = 0; i < look_cnt; i++) {
        overload |= is_overload(&look[i]);
        calm &= is_calm(&look[i]);
    }
    if (l->look_ns > INT64_MIN)
        l->level_ns[l->level] += time_ns - l->look_ns;
    l->look_ns = time_ns;
    if (!calm)
        l->calm_since_ns = INT64_MIN;
    else if (l->calm_since_ns == INT64_MIN)
        l->calm_since_ns = time_ns;
    if (overload)
        go_up(l, time_ns);
    else if (calm && l->level && time_ns - l->calm_since_ns >= l->calm_need_ns)
        go_down(l, time_ns);
    return in_force(l, time_ns);
}

size_t pt_ladder_changes(const struct pt_ladder *l)
{
    return l->change_cnt < PT_LADDER_CHANGE_MAX ? (size_t)l->change_cnt : PT_LADDER_CHANGE_MAX;
}

const struct pt_ladder_change *pt_ladder_change_at(const struct pt_ladder *l, size_t idx)
{
    return &l->change[(l->change_cnt - pt_ladder_changes(l) + idx) % PT_LADDER_CHANGE_MAX];
}
