/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/gather.h"

#include <string.h>

void pt_gather_init(struct pt_gather *g, struct pt_shard *shard, int64_t wait_ns)
{
    *g = (struct pt_gather){ .shard = shard, .wait_ns = wait_ns, .at = PT_KEY_FIRST };
}

void pt_gather_add(struct pt_gather *g, struct pt_lane *lane)
{
    g->frontier[g->lane_cnt] = PT_KEY_FIRST;
    g->lane[g->lane_cnt++] = lane;
}

/* Takes what only tells the frontier off the head of a lane; the first message behind it, or NULL.
 */
static const struct pt_lane_head *first_of(struct pt_gather *g, unsigned i)
{
    const struct pt_lane_head *h;

    while ((h = pt_lane_first(g->lane[i]))) {
        g->silent[i] = false;
        if (h->kind == PT_GATHER_OBS)
            break;
        g->ended[i] |= h->kind == PT_GATHER_END;
        if (g->ended[i])
            g->frontier[i] = PT_KEY_LAST;
        else if (pt_key_before(g->frontier[i], h->key))
            g->frontier[i] = h->key;
        pt_lane_pop(g->lane[i]);
    }
    return h;
}

/* held_up: whether the message of this key, the lowest, has to wait for lanes that are empty. They
 * have that time once, and not again for every message that comes. */
static bool held_up(struct pt_gather *g, struct pt_key key, int64_t wall_ns)
{
    if (!g->wait_ns)
        return true;
    if (!g->since_ns)
        g->since_ns = wall_ns;
    if (wall_ns - g->since_ns < g->wait_ns)
        return true;
    for (unsigned i = 0; i < g->lane_cnt; i++)
        g->silent[i] |= pt_key_before(g->frontier[i], key) && !pt_lane_first(g->lane[i]);
    return false;
}

unsigned pt_gather_step(struct pt_gather *g, unsigned max, int64_t wall_ns)
{
    unsigned cnt = 0;

    while (cnt < max) {
        const struct pt_lane_head *low = NULL;
        struct pt_key bound = PT_KEY_LAST;
        unsigned from = 0;

        for (unsigned i = 0; i < g->lane_cnt; i++) {
            const struct pt_lane_head *h = first_of(g, i);

            if (h && (!low || pt_key_before(h->key, low->key))) {
                low = h;
                from = i;
            } else if (!h && !g->silent[i] && pt_key_before(g->frontier[i], bound)) {
                bound = g->frontier[i];
            }
        }
        if (!low)
            break;
        if (pt_key_before(bound, low->key) && held_up(g, low->key, wall_ns))
            break;
        g->since_ns = 0;
        if (pt_key_before(low->key, g->at))
            g->late_cnt++;
        else
            g->at = low->key;
        if (pt_key_before(g->frontier[from], low->key))
            g->frontier[from] = low->key;
        pt_shard_consume(g->shard, from, (const uint8_t *)(low + 1), low->size - sizeof(*low));
        pt_lane_pop(g->lane[from]);
        cnt++;
    }
    return cnt;
}

struct pt_key pt_gather_reached(struct pt_gather *g)
{
    struct pt_key low = PT_KEY_LAST;

    for (unsigned i = 0; i < g->lane_cnt; i++)
        if (pt_key_before(g->frontier[i], low))
            low = g->frontier[i];
    return pt_key_before(low, g->at) ? g->at : low;
}

bool pt_gather_ended(const struct pt_gather *g)
{
    for (unsigned i = 0; i < g->lane_cnt; i++)
        if (!g->ended[i])
            return false;
    return true;
}

bool pt_gather_send(struct pt_lane *lane, enum pt_gather_kind kind, struct pt_key key,
                    const uint8_t *body, size_t body_sz)
{
    struct pt_lane_head *h = pt_lane_room(lane, body_sz);

    if (!h)
        return false;
    h->kind = kind;
    h->key = key;
    if (body_sz)
        memcpy(h + 1, body, body_sz);
    pt_lane_push(lane);
    return true;
}
