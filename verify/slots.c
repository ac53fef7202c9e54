/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/slots.h"

#include <string.h>

void pt_slots_init(struct pt_slots *s, struct pt_mem *mem)
{
    *s = (struct pt_slots){ .mem = mem };
}

void pt_slots_fini(struct pt_slots *s)
{
    for (size_t i = 0; i < s->cnt; i++)
        pt_mem_free(s->mem, s->chunk[i], sizeof(*s->chunk[i]));
    pt_mem_free(s->mem, s->chunk, s->cap * sizeof(struct pt_chunk *));
    pt_slots_init(s, s->mem);
}

/* Index of the first chunk that ends behind off. */
static size_t find(struct pt_slots *s, int64_t off)
{
    int64_t first = off & ~(int64_t)(PT_CHUNK_SLOTS - 1);
    size_t lo = 0;
    size_t hi = s->cnt;

    if (s->hint < s->cnt && s->chunk[s->hint]->first == first)
        return s->hint;
    if (hi && s->chunk[hi - 1]->first < first)
        return hi;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (s->chunk[mid]->first >= first)
            hi = mid;
        else
            lo = mid + 1;
    }
    s->hint = lo;
    return lo;
}

static struct pt_slot *slot_at(struct pt_chunk *c, int64_t off, uint16_t **ret_state)
{
    *ret_state = &c->state[off - c->first];
    return &c->slot[off - c->first];
}

struct pt_slot *pt_slots_get(struct pt_slots *s, int64_t off, uint16_t **ret_state)
{
    size_t i = find(s, off);
    struct pt_slot *slot;

    if (i == s->cnt || s->chunk[i]->first > off)
        return NULL;
    slot = slot_at(s->chunk[i], off, ret_state);
    return **ret_state == PT_SLOT_EMPTY ? NULL : slot;
}

static struct pt_chunk *insert(struct pt_slots *s, size_t i, int64_t off)
{
    struct pt_chunk *c;

    if (s->cnt == s->cap) {
        size_t cap = s->cap ? s->cap * 2 : 4;
        struct pt_chunk **chunk =
                pt_mem_resize(s->mem, s->chunk, s->cap * sizeof(struct pt_chunk *),
                              cap * sizeof(struct pt_chunk *));

        if (!chunk)
            return NULL;
        s->chunk = chunk;
        s->cap = cap;
    }
    c = pt_mem_alloc(s->mem, sizeof(*c));
    if (!c)
        return NULL;
    c->first = off & ~(int64_t)(PT_CHUNK_SLOTS - 1);
    memset(c->state, PT_SLOT_EMPTY, sizeof(c->state));
    memmove(&s->chunk[i + 1], &s->chunk[i], (s->cnt - i) * sizeof(struct pt_chunk *));
    s->chunk[i] = c;
    s->cnt++;
    s->hint = i;
    return c;
}

struct pt_slot *pt_slots_make(struct pt_slots *s, int64_t off, uint16_t **ret_state)
{
    size_t i = find(s, off);
    struct pt_chunk *c = i < s->cnt && s->chunk[i]->first <= off ? s->chunk[i] : insert(s, i, off);

    return c ? slot_at(c, off, ret_state) : NULL;
}

int64_t pt_slots_next(struct pt_slots *s, int64_t off)
{
    for (size_t i = find(s, off); i < s->cnt; i++) {
        const struct pt_chunk *c = s->chunk[i];

        for (int64_t k = off > c->first ? off - c->first : 0; k < PT_CHUNK_SLOTS; k++)
            if (c->state[k] != PT_SLOT_EMPTY)
                return c->first + k;
    }
    return INT64_MAX;
}

void pt_slots_drop(struct pt_slots *s, size_t cnt)
{
    if (!cnt)
        return;
    for (size_t i = 0; i < cnt; i++)
        pt_mem_free(s->mem, s->chunk[i], sizeof(*s->chunk[i]));
    s->cnt -= cnt;
    memmove(s->chunk, s->chunk + cnt, s->cnt * sizeof(struct pt_chunk *));
    s->hint = 0;
}
