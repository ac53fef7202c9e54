/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/alarm.h"

#include <errno.h>
#include <stdbool.h>

void pt_alarms_init(struct pt_alarms *q, struct pt_mem *mem)
{
    *q = (struct pt_alarms){ .mem = mem };
}

void pt_alarms_fini(struct pt_alarms *q)
{
    pt_mem_free(q->mem, q->heap, q->alarm_max * sizeof(*q->heap));
    q->heap = NULL;
}

int pt_alarms_reserve(struct pt_alarms *q, uint32_t cnt)
{
    uint32_t max = q->alarm_max ? q->alarm_max : 64;
    struct pt_alarm **heap;

    if (cnt <= q->alarm_max)
        return 0;
    while (max < cnt)
        max *= 2;
    heap = pt_mem_resize(q->mem, q->heap, q->alarm_max * sizeof(*heap), max * sizeof(*heap));
    if (!heap)
        return -ENOMEM;
    q->heap = heap;
    q->alarm_max = max;
    return 0;
}

static bool before(const struct pt_alarm *x, const struct pt_alarm *y)
{
    return x->due_ns != y->due_ns ? x->due_ns < y->due_ns : x->serial < y->serial;
}

static void put(struct pt_alarms *q, uint32_t idx, struct pt_alarm *al)
{
    q->heap[idx] = al;
    al->slot = idx + 1;
}

/* Lets al find its place from idx on, upwards or downwards. */
static void settle(struct pt_alarms *q, uint32_t idx, struct pt_alarm *al)
{
    while (idx && before(al, q->heap[(idx - 1) / 2])) {
        put(q, idx, q->heap[(idx - 1) / 2]);
        idx = (idx - 1) / 2;
    }
    for (;;) {
        uint32_t kid = 2 * idx + 1;

        if (kid >= q->alarm_cnt)
            break;
        if (kid + 1 < q->alarm_cnt && before(q->heap[kid + 1], q->heap[kid]))
            kid++;
        if (!before(q->heap[kid], al))
            break;
        put(q, idx, q->heap[kid]);
        idx = kid;
    }
    put(q, idx, al);
}

void pt_alarms_set(struct pt_alarms *q, struct pt_alarm *al, int64_t due_ns)
{
    if (al->slot && al->due_ns == due_ns)
        return;
    al->due_ns = due_ns;
    settle(q, al->slot ? al->slot - 1 : q->alarm_cnt++, al);
}

void pt_alarms_cancel(struct pt_alarms *q, struct pt_alarm *al)
{
    uint32_t idx = al->slot - 1;
    struct pt_alarm *last;

    if (!al->slot)
        return;
    al->slot = 0;
    last = q->heap[--q->alarm_cnt];
    if (last != al)
        settle(q, idx, last);
}

struct pt_alarm *pt_alarms_first(const struct pt_alarms *q)
{
    return q->alarm_cnt ? q->heap[0] : NULL;
}
