/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/markers.h"

#include <string.h>

void pt_markers_init(struct pt_markers *s, struct pt_mem *mem)
{
    *s = (struct pt_markers){ .mem = mem };
}

void pt_markers_fini(struct pt_markers *s)
{
    pt_mem_free(s->mem, s->m, s->cap * sizeof(*s->m));
    pt_markers_init(s, s->mem);
}

/* Index of the first marker behind (producer_id, off). */
static size_t find(const struct pt_markers *s, int64_t producer_id, int64_t off)
{
    size_t lo = 0;
    size_t hi = s->cnt;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        const struct pt_marker *m = &s->m[mid];

        if (m->producer_id > producer_id || (m->producer_id == producer_id && m->offset > off))
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

bool pt_markers_add(struct pt_markers *s, const struct pt_marker *marker)
{
    size_t i = find(s, marker->producer_id, marker->offset);

    if (i > 0 && s->m[i - 1].producer_id == marker->producer_id &&
        s->m[i - 1].offset == marker->offset) {
        s->m[i - 1].commit = marker->commit;
        if (marker->time_ns < s->m[i - 1].time_ns)
            s->m[i - 1].time_ns = marker->time_ns;
        return true;
    }
    if (s->cnt == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 8;
        struct pt_marker *m = pt_mem_resize(s->mem, s->m, s->cap * sizeof(*m), cap * sizeof(*m));

        if (!m)
            return false;
        s->m = m;
        s->cap = cap;
    }
    memmove(&s->m[i + 1], &s->m[i], (s->cnt - i) * sizeof(*s->m));
    s->m[i] = *marker;
    s->cnt++;
    return true;
}

const struct pt_marker *pt_markers_next(const struct pt_markers *s, int64_t producer_id,
                                        int64_t off)
{
    size_t i = find(s, producer_id, off);

    return i < s->cnt && s->m[i].producer_id == producer_id ? &s->m[i] : NULL;
}

void pt_markers_forget(struct pt_markers *s, int64_t from, int64_t to)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->cnt; i++)
        if (s->m[i].offset < from || s->m[i].offset >= to)
            s->m[kept++] = s->m[i];
    s->cnt = kept;
}
