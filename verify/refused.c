/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/refused.h"

#include <string.h>

struct pt_refusals *pt_refusals_open(struct pt_mem *mem, uint64_t *dropped)
{
    struct pt_refusals *s = pt_mem_zalloc(mem, sizeof(*s));

    if (!s)
        return NULL;
    s->mem = mem;
    s->dropped = dropped;
    return s;
}

void pt_refusals_close(struct pt_refusals *s)
{
    pt_mem_free(s->mem, s->r, s->cap * sizeof(*s->r));
    pt_mem_free(s->mem, s, sizeof(*s));
}

static uint32_t *bucket_of(struct pt_refusals *s, const struct pt_log *l, uint64_t content)
{
    uint64_t h = (content ^ (uint32_t)l->partition) * 0x9e3779b97f4a7c15ull;

    return &s->bucket[(h >> 40) % PT_REFUSED_BUCKETS];
}

static bool same_record(const struct pt_record *a, uint64_t content, int64_t timestamp_ms)
{
    return a->content == content && a->timestamp_ms == timestamp_ms;
}

static bool same_producer(const struct pt_sighting *a, int64_t producer_id, int16_t epoch,
                          int32_t sequence)
{
    return a->producer_id == producer_id &&
           (producer_id < 0 || (a->producer_epoch == epoch && a->base_sequence == sequence));
}

/* Attempts without their records are not told apart. */
static bool known(const struct pt_float *e)
{
    return e->has_records && e->rec_cnt;
}

static struct pt_refused *find(struct pt_refusals *s, const struct pt_float *e)
{
    const struct pt_record *last = &e->rec[e->rec_cnt - 1];

    for (uint32_t i = *bucket_of(s, e->log, e->rec[0].content); i; i = s->r[i - 1].next) {
        struct pt_refused *r = &s->r[i - 1];

        if (r->log == e->log && r->b.last - r->b.base == e->b.last - e->b.base &&
            same_producer(&r->b, e->b.producer_id, e->b.producer_epoch, e->b.base_sequence) &&
            same_record(&r->first, e->rec[0].content, e->rec[0].timestamp_ms) &&
            same_record(&r->last, last->content, last->timestamp_ms))
            return r;
    }
    return NULL;
}

static struct pt_refused *add(struct pt_refusals *s, const struct pt_float *e)
{
    uint32_t *bucket = bucket_of(s, e->log, e->rec[0].content);

    if (s->cnt == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 16;
        struct pt_refused *r =
                cap > PT_REFUSED_MAX
                        ? NULL
                        : pt_mem_resize(s->mem, s->r, s->cap * sizeof(*r), cap * sizeof(*r));

        if (!r) {
            ++*s->dropped;
            return NULL;
        }
        s->r = r;
        s->cap = cap;
    }
    s->r[s->cnt] = (struct pt_refused){ .log = e->log,
                                        .b = e->b,
                                        .first = e->rec[0],
                                        .last = e->rec[e->rec_cnt - 1],
                                        .next = *bucket };
    *bucket = (uint32_t)++s->cnt;
    e->log->refused = true;
    return &s->r[s->cnt - 1];
}

void pt_refusals_note(struct pt_refusals *s, const struct pt_float *e, int16_t error_code)
{
    struct pt_refused *r;

    if (!known(e) || find(s, e))
        return;
    r = add(s, e);
    if (r)
        r->error_code = error_code;
}

void pt_refusals_attempt(struct pt_refusals *s, const struct pt_float *e, bool lasting)
{
    struct pt_refused *r;

    if (!known(e) || (!lasting && !e->log->refused))
        return;
    r = find(s, e);
    if (!r && lasting)
        r = add(s, e);
    if (r)
        r->open = true;
}

void pt_refusals_held(struct pt_refusals *s, struct pt_log *l, const struct pt_evidence *ev,
                      const struct pt_slot *first, const struct pt_slot *last)
{
    for (uint32_t i = *bucket_of(s, l, first->content); i; i = s->r[i - 1].next) {
        struct pt_refused *r = &s->r[i - 1];

        if (r->log != l || r->held || r->b.last - r->b.base != ev->last_delta ||
            !same_producer(&r->b, ev->producer_id, ev->producer_epoch, ev->base_sequence) ||
            !same_record(&r->first, first->content, first->timestamp_ms) ||
            !same_record(&r->last, last->content, last->timestamp_ms))
            continue;
        r->held = true;
        r->base = ev->base;
        r->site = pt_log_site(l, ev->base);
        return;
    }
}
