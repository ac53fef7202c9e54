/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/ranges.h"

#include <string.h>

void pt_ranges_init(struct pt_ranges *s, struct pt_mem *mem)
{
    *s = (struct pt_ranges){ .mem = mem };
}

void pt_ranges_fini(struct pt_ranges *s)
{
    pt_mem_free(s->mem, s->r, s->cap * sizeof(*s->r));
    pt_ranges_init(s, s->mem);
}

/* Index of the first range that ends behind off (to > off). */
static size_t find(const struct pt_ranges *s, int64_t off)
{
    size_t lo = 0;
    size_t hi = s->cnt;

    if (hi && s->r[hi - 1].to <= off)
        return hi;
    if (hi > 1 && s->r[hi - 2].to <= off)
        return hi - 1;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (s->r[mid].to > off)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static bool make_room(struct pt_ranges *s)
{
    struct pt_range *r;
    size_t cap;

    if (s->cnt < s->cap)
        return true;
    if (s->cnt >= PT_RANGES_MAX)
        return false;
    cap = s->cap ? s->cap * 2 : 2;
    r = pt_mem_resize(s->mem, s->r, s->cap * sizeof(*r), cap * sizeof(*r));
    if (!r)
        return false;
    s->r = r;
    s->cap = cap;
    return true;
}

bool pt_ranges_add(struct pt_ranges *s, int64_t from, int64_t to)
{
    size_t first;
    size_t end;

    if (from >= to)
        return true;
    first = find(s, from);
    if (first > 0 && s->r[first - 1].to == from)
        first--;
    for (end = first; end < s->cnt && s->r[end].from <= to; end++)
        ;
    if (end > first) {
        if (s->r[first].from < from)
            from = s->r[first].from;
        if (s->r[end - 1].to > to)
            to = s->r[end - 1].to;
        memmove(&s->r[first + 1], &s->r[end], (s->cnt - end) * sizeof(*s->r));
        s->cnt -= end - first - 1;
    } else {
        if (!make_room(s))
            return false;
        memmove(&s->r[first + 1], &s->r[first], (s->cnt - first) * sizeof(*s->r));
        s->cnt++;
    }
    s->r[first] = (struct pt_range){ .from = from, .to = to };
    return true;
}

void pt_ranges_remove(struct pt_ranges *s, int64_t from, int64_t to)
{
    size_t i;
    size_t end;

    if (from >= to || !s->cnt)
        return;
    i = find(s, from);
    if (i < s->cnt && s->r[i].from < from) {
        if (s->r[i].to > to && make_room(s)) {
            memmove(&s->r[i + 1], &s->r[i], (s->cnt - i) * sizeof(*s->r));
            s->cnt++;
            s->r[i + 1].from = to;
        }
        s->r[i].to = from;
        i++;
    }
    for (end = i; end < s->cnt && s->r[end].to <= to; end++)
        ;
    if (end < s->cnt && s->r[end].from < to)
        s->r[end].from = to;
    memmove(&s->r[i], &s->r[end], (s->cnt - end) * sizeof(*s->r));
    s->cnt -= end - i;
}

bool pt_ranges_has(const struct pt_ranges *s, int64_t off)
{
    size_t i = find(s, off);

    return i < s->cnt && s->r[i].from <= off;
}

int64_t pt_ranges_until(const struct pt_ranges *s, int64_t off)
{
    size_t i = find(s, off);

    return i < s->cnt && s->r[i].from <= off ? s->r[i].to : off;
}

int64_t pt_ranges_next(const struct pt_ranges *s, int64_t off)
{
    size_t i = find(s, off);

    if (i == s->cnt)
        return INT64_MAX;
    return s->r[i].from > off ? s->r[i].from : off;
}

uint64_t pt_ranges_count(const struct pt_ranges *s, int64_t from, int64_t to)
{
    uint64_t cnt = 0;

    if (from >= to)
        return 0;
    for (size_t i = find(s, from); i < s->cnt && s->r[i].from < to; i++) {
        int64_t a = s->r[i].from > from ? s->r[i].from : from;
        int64_t b = s->r[i].to < to ? s->r[i].to : to;

        cnt += (uint64_t)b - (uint64_t)a;
    }
    return cnt;
}
