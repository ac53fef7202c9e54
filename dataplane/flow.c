/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/flow.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <xxhash.h>

/* Endpoints are hashed and compared as bytes: there must be no padding between them. */
_Static_assert(sizeof(struct pt_endpoint) == 18, "endpoint has padding");

int pt_flows_init(struct pt_flows *t, struct pt_mem *mem, uint32_t flow_max, size_t flow_sz)
{
    uint32_t cnt = 64;
    struct pt_flow **bucket;

    if (!flow_max || flow_max > PT_FLOW_MAX || flow_sz < sizeof(struct pt_flow))
        return -EINVAL;
    while (cnt < flow_max)
        cnt *= 2;
    bucket = pt_mem_zalloc(mem, cnt * sizeof(*bucket));
    if (!bucket)
        return -ENOMEM;
    *t = (struct pt_flows){
        .mem = mem, .bucket = bucket, .bucket_cnt = cnt, .flow_max = flow_max, .flow_sz = flow_sz
    };
    return 0;
}

void pt_flows_fini(struct pt_flows *t)
{
    pt_mem_free(t->mem, t->bucket, t->bucket_cnt * sizeof(*t->bucket));
    t->bucket = NULL;
}

/* The sum makes both directions of a connection fall into one bucket. */
static uint32_t pair_hash(const struct pt_endpoint *x, const struct pt_endpoint *y)
{
    return (uint32_t)((XXH3_64bits(x, sizeof(*x)) + XXH3_64bits(y, sizeof(*y))) >> 16) >> 1;
}

static int same(const struct pt_endpoint *x, const struct pt_endpoint *y)
{
    return x->port == y->port && !memcmp(x->ip, y->ip, sizeof(x->ip));
}

struct pt_flow *pt_flows_find(const struct pt_flows *t, const struct pt_endpoint *src,
                              const struct pt_endpoint *dst, int *ret_side)
{
    uint32_t hash = pair_hash(src, dst);

    for (struct pt_flow *f = t->bucket[hash & (t->bucket_cnt - 1)]; f; f = f->chain) {
        if (f->hash != hash)
            continue;
        if (same(&f->a, src) && same(&f->b, dst)) {
            *ret_side = 0;
            return f;
        }
        if (same(&f->a, dst) && same(&f->b, src)) {
            *ret_side = 1;
            return f;
        }
    }
    return NULL;
}

static void link_newest(struct pt_flows *t, struct pt_flow *f)
{
    struct pt_flow_row *row = &t->row[f->worth];

    f->newer = NULL;
    f->older = row->newest;
    if (row->newest)
        row->newest->newer = f;
    else
        row->oldest = f;
    row->newest = f;
    f->touch = t->touch_cnt++;
}

static void unlink_age(struct pt_flows *t, struct pt_flow *f)
{
    struct pt_flow_row *row = &t->row[f->worth];

    if (f->newer)
        f->newer->older = f->older;
    else
        row->newest = f->older;
    if (f->older)
        f->older->newer = f->newer;
    else
        row->oldest = f->newer;
}

struct pt_flow *pt_flows_add(struct pt_flows *t, const struct pt_endpoint *src,
                             const struct pt_endpoint *dst, int64_t now_ns)
{
    struct pt_flow **bucket;
    struct pt_flow *f;

    if (t->flow_cnt >= t->flow_max)
        return NULL;
    f = pt_mem_zalloc(t->mem, t->flow_sz);
    if (!f)
        return NULL;
    f->a = *src;
    f->b = *dst;
    f->hash = pair_hash(src, dst) & INT32_MAX;
    f->seen_ns = now_ns;
    bucket = &t->bucket[f->hash & (t->bucket_cnt - 1)];
    f->chain = *bucket;
    *bucket = f;
    link_newest(t, f);
    t->flow_cnt++;
    return f;
}

void pt_flows_touch(struct pt_flows *t, struct pt_flow *f, int64_t now_ns)
{
    f->seen_ns = now_ns;
    unlink_age(t, f);
    link_newest(t, f);
}

void pt_flows_keep(struct pt_flows *t, struct pt_flow *f)
{
    unlink_age(t, f);
    f->worth = true;
    link_newest(t, f);
}

struct pt_flow *pt_flows_oldest(const struct pt_flows *t)
{
    struct pt_flow *f = t->row[false].oldest;
    struct pt_flow *worth = t->row[true].oldest;

    return f && !(worth && worth->touch < f->touch) ? f : worth;
}

struct pt_flow *pt_flows_spare(const struct pt_flows *t)
{
    return t->row[false].oldest ? t->row[false].oldest : t->row[true].oldest;
}

void pt_flows_remove(struct pt_flows *t, struct pt_flow *f)
{
    struct pt_flow **p = &t->bucket[f->hash & (t->bucket_cnt - 1)];

    while (*p != f)
        p = &(*p)->chain;
    *p = f->chain;
    unlink_age(t, f);
    t->flow_cnt--;
    pt_mem_free(t->mem, f, t->flow_sz);
}
