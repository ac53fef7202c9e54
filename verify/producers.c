/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/producers.h"

#include <string.h>

#define SEQUENCE_MASK 0x7fffffffu

void pt_producers_init(struct pt_producers *s, struct pt_mem *mem, uint64_t *forgotten)
{
    *s = (struct pt_producers){ .mem = mem, .forgotten = forgotten };
}

void pt_producers_fini(struct pt_producers *s)
{
    pt_mem_free(s->mem, s->p, s->cap * sizeof(*s->p));
    pt_producers_init(s, s->mem, s->forgotten);
}

void pt_producers_break(struct pt_producers *s, int64_t to)
{
    if (to > s->broken)
        s->broken = to;
}

/* Index of the first one with that id or a higher one. */
static size_t find(const struct pt_producers *s, int64_t producer_id)
{
    size_t lo = 0;
    size_t hi = s->cnt;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (s->p[mid].last.producer_id < producer_id)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static void forget_oldest(struct pt_producers *s)
{
    size_t oldest = 0;

    for (size_t i = 1; i < s->cnt; i++)
        if (s->p[i].last.last < s->p[oldest].last.last)
            oldest = i;
    s->cnt--;
    memmove(&s->p[oldest], &s->p[oldest + 1], (s->cnt - oldest) * sizeof(*s->p));
    ++*s->forgotten;
}

static bool grow(struct pt_producers *s)
{
    size_t cap = s->cap ? 2 * s->cap : 8;
    struct pt_producer *p;

    if (s->cnt < s->cap)
        return true;
    p = pt_mem_resize(s->mem, s->p, s->cap * sizeof(*p), cap * sizeof(*p));
    if (!p)
        return false;
    s->p = p;
    s->cap = cap;
    return true;
}

/* The producer's entry, made if need be; NULL: refused. */
static struct pt_producer *get(struct pt_producers *s, int64_t producer_id)
{
    size_t i = find(s, producer_id);

    if (i < s->cnt && s->p[i].last.producer_id == producer_id)
        return &s->p[i];
    if (s->cnt == PT_PRODUCERS_MAX)
        forget_oldest(s);
    if (!grow(s)) {
        ++*s->forgotten;
        return NULL;
    }
    i = find(s, producer_id);
    memmove(&s->p[i + 1], &s->p[i], (s->cnt - i) * sizeof(*s->p));
    s->p[i] = (struct pt_producer){ .last = { .producer_id = producer_id, .base = -1, .last = -1 },
                                    .begun_epoch = -1 };
    s->cnt++;
    return &s->p[i];
}

static int64_t distance(int64_t a, int64_t b)
{
    return a > b ? a - b : b - a;
}

/* Whether so little time passed between the two that the broker cannot have forgotten the producer:
 * by when they were produced, or by their timestamps if those are of one kind. */
static bool remembered(const struct pt_produced *a, const struct pt_produced *b)
{
    if (a->produced_ns >= 0 && b->produced_ns >= 0)
        return distance(a->produced_ns, b->produced_ns) < PT_PRODUCER_SILENCE_NS;
    return a->timestamp_ms >= 0 && b->timestamp_ms >= 0 && a->log_append == b->log_append &&
           distance(a->timestamp_ms, b->timestamp_ms) < PT_PRODUCER_SILENCE_NS / 1000000;
}

static int32_t next_of(const struct pt_produced *b)
{
    return (int32_t)(((uint32_t)b->base_sequence + (uint32_t)(b->last - b->base) + 1) &
                     SEQUENCE_MASK);
}

/* A producer whose state the broker has dropped may begin again at 0; so may one of another cluster
 * that happens to have this number. The same record again is another matter. */
static bool begins_anew(const struct pt_producer *p, const struct pt_produced *b)
{
    if (b->base_sequence != 0)
        return false;
    return !p->zero || p->zero_content != b->content ||
           (!b->log_append && p->zero_timestamp_ms != b->timestamp_ms);
}

static enum pt_sequence judge(const struct pt_producers *s, const struct pt_producer *p,
                              const struct pt_produced *b, int64_t log_start)
{
    uint32_t ahead = ((uint32_t)b->base_sequence - (uint32_t)next_of(&p->last)) & SEQUENCE_MASK;

    if (p->last.base < 0 || p->last.producer_epoch != b->producer_epoch || ahead == 0)
        return PT_SEQUENCE_FITS;
    if (p->last.last < s->broken || p->last.last < log_start || !remembered(&p->last, b) ||
        begins_anew(p, b))
        return PT_SEQUENCE_FITS;
    return ahead <= SEQUENCE_MASK / 2 ? PT_SEQUENCE_GAP : PT_SEQUENCE_REPEATED;
}

enum pt_sequence pt_producers_pass(struct pt_producers *s, const struct pt_produced *b,
                                   int64_t log_start, int32_t *ret_expected)
{
    enum pt_sequence seq = PT_SEQUENCE_FITS;
    struct pt_producer *p;

    if (b->base < s->passed_end)
        return PT_SEQUENCE_FITS; /* settled anew */
    s->passed_end = b->last + 1;
    p = get(s, b->producer_id);
    if (!p)
        return PT_SEQUENCE_FITS;
    seq = judge(s, p, b, log_start);
    if (seq != PT_SEQUENCE_FITS)
        *ret_expected = next_of(&p->last);
    if (p->last.base >= 0 && p->last.producer_epoch != b->producer_epoch)
        p->zero = false;
    if (b->base_sequence == 0) {
        p->zero = true;
        p->zero_content = b->content;
        p->zero_timestamp_ms = b->timestamp_ms;
    }
    p->last = *b;
    return seq;
}

void pt_producers_begin(struct pt_producers *s, int64_t producer_id, int16_t producer_epoch)
{
    struct pt_producer *p = get(s, producer_id);

    if (p)
        p->begun_epoch = producer_epoch;
}

bool pt_producers_begun(const struct pt_producers *s, int64_t producer_id, int16_t producer_epoch)
{
    size_t i = find(s, producer_id);

    return i < s->cnt && s->p[i].last.producer_id == producer_id &&
           s->p[i].begun_epoch == producer_epoch && producer_epoch >= 0;
}
