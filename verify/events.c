/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/places.h"

#include <string.h>

bool pt_events_reserve(struct pt_mem *mem, struct pt_events *ev, size_t cnt)
{
    size_t cap = ev->cap ? ev->cap : 64;
    struct pt_align_event *ring;

    if (cnt <= ev->cap - ev->cnt)
        return true;
    while (cap - ev->cnt < cnt)
        cap *= 2;
    ring = pt_mem_alloc(mem, cap * sizeof(*ring));
    if (!ring)
        return false;
    for (size_t i = 0; i < ev->cnt; i++)
        ring[i] = ev->ring[(ev->head + i) & (ev->cap - 1)];
    pt_mem_free(mem, ev->ring, ev->cap * sizeof(*ring));
    ev->ring = ring;
    ev->cap = cap;
    ev->head = 0;
    return true;
}

void pt_events_put(struct pt_events *ev, const struct pt_align_event *e)
{
    ev->ring[(ev->head + ev->cnt++) & (ev->cap - 1)] = *e;
}

bool pt_events_take(struct pt_events *ev, struct pt_align_event *ret_e)
{
    if (!ev->cnt)
        return false;
    *ret_e = ev->ring[ev->head];
    ev->head = (ev->head + 1) & (ev->cap - 1);
    ev->cnt--;
    return true;
}
