/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/history.h"

#include <string.h>

/* Of a run so many records are compared, and in all so many records are looked at. */
#define RUN_MAX 64u
#define LOOKS_MAX 16384u

void pt_history_init(struct pt_history *h, struct pt_mem *mem, uint32_t horizon)
{
    *h = (struct pt_history){ .mem = mem, .limit = horizon };
}

void pt_history_fini(struct pt_history *h)
{
    pt_history_unindex(h);
    pt_mem_free(h->mem, h->ring, h->cap * sizeof(*h->ring));
}

void pt_history_add(struct pt_history *h, const struct pt_item *s)
{
    /* It grows only until it first wraps. */
    if (h->end == h->cap && h->cap < 2 * h->limit) {
        size_t cap = h->cap ? h->cap * 2 : 256;
        struct pt_matched *grown =
                pt_mem_resize(h->mem, h->ring, h->cap * sizeof(*grown), cap * sizeof(*grown));

        if (grown) {
            h->ring = grown;
            h->cap = cap;
        }
    }
    if (h->cap)
        h->ring[h->end++ & (h->cap - 1)] = (struct pt_matched){
            .content = s->content,
            .timestamp_ms = s->flags & PT_ITEM_LOG_APPEND ? INT64_MIN : s->timestamp_ms,
            .offset = s->offset,
            .key = s->key,
            .value = s->value,
        };
}

uint64_t pt_history_oldest(const struct pt_history *h)
{
    return h->end < h->cap ? 0 : h->end - h->cap;
}

const struct pt_matched *pt_history_at(const struct pt_history *h, uint64_t n)
{
    return &h->ring[n & (h->cap - 1)];
}

static size_t bucket_of(const struct pt_history *h, uint64_t content)
{
    return (size_t)(content ^ content >> 32) & (h->index_cap - 1);
}

bool pt_history_index(struct pt_history *h)
{
    if (!h->cap)
        return true;
    h->index_cap = h->cap;
    h->head = pt_mem_zalloc(h->mem, h->index_cap * sizeof(uint32_t));
    h->next = pt_mem_alloc(h->mem, h->index_cap * sizeof(uint32_t));
    if (!h->head || !h->next) {
        pt_history_unindex(h);
        return false;
    }
    for (uint64_t n = pt_history_oldest(h); n < h->end; n++) {
        uint32_t i = (uint32_t)(n & (h->cap - 1));
        size_t b = bucket_of(h, h->ring[i].content);

        h->next[i] = h->head[b];
        h->head[b] = i + 1;
    }
    return true;
}

void pt_history_unindex(struct pt_history *h)
{
    pt_mem_free(h->mem, h->head, h->index_cap * sizeof(uint32_t));
    pt_mem_free(h->mem, h->next, h->index_cap * sizeof(uint32_t));
    h->head = h->next = NULL;
    h->index_cap = 0;
}

static bool is_equal(const struct pt_matched *m, const struct pt_item *item)
{
    bool timed = m->timestamp_ms != INT64_MIN && !(item->flags & PT_ITEM_LOG_APPEND);

    return m->content == item->content && (!timed || m->timestamp_ms == item->timestamp_ms);
}

const struct pt_matched *pt_history_find(const struct pt_history *h, const struct pt_item *item)
{
    if (!h->head)
        return NULL;
    for (uint32_t i = h->head[bucket_of(h, item->content)]; i; i = h->next[i - 1])
        if (is_equal(&h->ring[i - 1], item))
            return &h->ring[i - 1];
    return NULL;
}

bool pt_history_has_run(const struct pt_history *h, const struct pt_item *item, size_t cnt)
{
    uint32_t looks = 0;

    if (!h->head)
        return false;
    if (cnt > RUN_MAX)
        cnt = RUN_MAX;
    for (uint32_t i = h->head[bucket_of(h, item->content)]; i; i = h->next[i - 1]) {
        uint64_t age = (h->end - i) & (h->cap - 1); /* records behind this one */
        size_t k = 0;

        while (k < cnt && k <= age && is_equal(&h->ring[(i - 1 + k) & (h->cap - 1)], &item[k]))
            k++;
        if (k == cnt)
            return true;
        looks += (uint32_t)k + 1;
        if (looks > LOOKS_MAX)
            return true;
    }
    return false;
}
