/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/oracle.h"

#include <stdlib.h>

#define SIZE_SZ 4u
#define HEAD_SZ 12u /* size, api, version, correlation id */

static void *grow(void *p, uint32_t cnt, uint32_t *cap, size_t sz)
{
    if (cnt < *cap)
        return p;
    *cap = *cap ? 2 * *cap : 16;
    p = realloc(p, *cap * sz);
    if (!p)
        abort();
    return p;
}

void oracle_fini(struct oracle *o)
{
    for (uint32_t i = 0; i < o->dir_cnt; i++) {
        free(o->dir[i].frame);
        free(o->dir[i].kept);
    }
    free(o->dir);
    free(o->batch);
    *o = (struct oracle){ 0 };
}

uint32_t oracle_open(struct oracle *o)
{
    o->dir = grow(o->dir, o->dir_cnt, &o->dir_cap, sizeof(*o->dir));
    o->dir[o->dir_cnt] = (struct oracle_dir){ 0 };
    return o->dir_cnt++;
}

struct oracle_frame oracle_sent(struct oracle *o, uint32_t dir, uint64_t from, uint64_t to)
{
    struct oracle_dir *d = &o->dir[dir];

    d->frame = grow(d->frame, d->frame_cnt, &d->frame_cap, sizeof(*d->frame));
    d->frame[d->frame_cnt] = (struct oracle_range){ from, to };
    return (struct oracle_frame){ dir, d->frame_cnt++ };
}

void oracle_kept(struct oracle *o, uint32_t dir, uint64_t from, uint64_t to)
{
    struct oracle_dir *d = &o->dir[dir];

    if (from == to)
        return;
    if (d->kept_cnt && d->kept[d->kept_cnt - 1].to == from) {
        d->kept[d->kept_cnt - 1].to = to;
        return;
    }
    d->kept = grow(d->kept, d->kept_cnt, &d->kept_cap, sizeof(*d->kept));
    d->kept[d->kept_cnt++] = (struct oracle_range){ from, to };
}

void oracle_kept_syn(struct oracle *o, uint32_t dir)
{
    o->dir[dir].syn = true;
}

uint32_t oracle_carried(struct oracle *o, const struct oracle_batch *b)
{
    o->batch = grow(o->batch, o->batch_cnt, &o->batch_cap, sizeof(*o->batch));
    o->batch[o->batch_cnt] = *b;
    return o->batch_cnt++;
}

static int by_start(const void *a, const void *b)
{
    const struct oracle_range *x = a;
    const struct oracle_range *y = b;

    return (x->from > y->from) - (x->from < y->from);
}

/* What was kept as rising ranges that do not touch. */
static void tidy_up(struct oracle_dir *d)
{
    uint32_t cnt = 0;

    if (!d->kept_cnt)
        return;
    qsort(d->kept, d->kept_cnt, sizeof(*d->kept), by_start);
    for (uint32_t i = 1; i < d->kept_cnt; i++) {
        if (d->kept[i].from > d->kept[cnt].to)
            d->kept[++cnt] = d->kept[i];
        else if (d->kept[i].to > d->kept[cnt].to)
            d->kept[cnt].to = d->kept[i].to;
    }
    d->kept_cnt = cnt + 1;
}

static bool has(const struct oracle_dir *d, uint64_t from, uint64_t to)
{
    uint32_t lo = 0;
    uint32_t hi = d->kept_cnt;

    while (lo < hi) { /* the first range that ends at or behind `to` */
        uint32_t mid = lo + (hi - lo) / 2;

        if (d->kept[mid].to >= to)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo < d->kept_cnt && d->kept[lo].from <= from;
}

static bool has_head(const struct oracle_dir *d, uint32_t idx)
{
    const struct oracle_range *f = &d->frame[idx];

    return idx < d->frame_cnt &&
           has(d, f->from, f->from + HEAD_SZ < f->to ? f->from + HEAD_SZ : f->to);
}

/* For each frame, whether its place can be derived and its size was kept. */
static bool *framed(const struct oracle_dir *d)
{
    bool *ok = calloc(d->frame_cnt + 1, sizeof(*ok));
    bool in_step = d->syn;

    if (!ok)
        abort();
    for (uint32_t i = 0; i < d->frame_cnt; i++) {
        if (!in_step)
            in_step = i + 2 < d->frame_cnt && has_head(d, i) && has_head(d, i + 1) &&
                      has_head(d, i + 2);
        in_step = in_step && has(d, d->frame[i].from, d->frame[i].from + SIZE_SZ);
        ok[i] = in_step;
    }
    return ok;
}

void oracle_judge(struct oracle *o)
{
    bool **ok = calloc(o->dir_cnt + 1, sizeof(*ok));

    if (!ok)
        abort();
    for (uint32_t i = 0; i < o->dir_cnt; i++) {
        tidy_up(&o->dir[i]);
        ok[i] = framed(&o->dir[i]);
    }
    for (uint32_t i = 0; i < o->batch_cnt; i++) {
        struct oracle_batch *b = &o->batch[i];
        const struct oracle_range *other =
                b->other.dir == ORACLE_NONE ? NULL : &o->dir[b->other.dir].frame[b->other.idx];
        bool whole = ok[b->frame.dir][b->frame.idx] && has(&o->dir[b->frame.dir], b->from, b->to);
        bool paired = other && ok[b->other.dir][b->other.idx] &&
                      has(&o->dir[b->other.dir], other->from, other->to);

        b->recoverable = whole && (!b->produce || paired);
        b->readable = whole && paired;
    }
    for (uint32_t i = 0; i < o->dir_cnt; i++)
        free(ok[i]);
    free(ok);
}
