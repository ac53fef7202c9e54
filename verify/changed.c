/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/changed.h"

static void begin(struct pt_changed *c)
{
    c->from = INT64_MAX;
    c->unknown = false;
    c->total = 0;
    c->given_up = -1;
    c->given_up_epoch = -1;
    c->given_up_end = 0;
}

void pt_changed_init(struct pt_changed *c, struct pt_mem *mem)
{
    pt_ranges_init(&c->at, mem);
    begin(c);
}

void pt_changed_fini(struct pt_changed *c)
{
    pt_ranges_fini(&c->at);
    begin(c);
}

void pt_changed_add(struct pt_changed *c, int64_t from, int64_t to)
{
    uint64_t fresh;

    if (from >= to)
        return;
    fresh = (uint64_t)(to - from) - pt_ranges_count(&c->at, from, to);
    if (!fresh)
        return;
    if (!pt_ranges_add(&c->at, from, to))
        c->unknown = true;
    c->total += fresh;
    c->from = from < c->from ? from : c->from;
}

void pt_changed_give_up(struct pt_changed *c, int64_t off, int32_t epoch)
{
    c->given_up_end = off + 1;
    if (epoch < 0)
        return;
    c->given_up = off;
    c->given_up_epoch = epoch;
}

void pt_changed_look(struct pt_changed *c, int64_t base, int32_t epoch)
{
    if (base <= c->given_up && epoch > c->given_up_epoch)
        pt_changed_add(c, base, c->given_up_end);
}

uint64_t pt_changed_same(const struct pt_changed *c, int64_t off, uint64_t max, bool *ret_changed)
{
    int64_t end;

    *ret_changed = pt_ranges_has(&c->at, off);
    end = *ret_changed ? pt_ranges_until(&c->at, off) : pt_ranges_next(&c->at, off);
    if (c->unknown && off >= c->from) {
        *ret_changed = true;
        return max;
    }
    if (c->unknown && c->from < end)
        end = c->from;
    return (uint64_t)end - (uint64_t)off < max ? (uint64_t)(end - off) : max;
}
