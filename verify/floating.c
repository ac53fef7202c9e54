/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/floating.h"

#include <string.h>

struct pt_floating *pt_floating_open(struct pt_mem *mem, uint64_t max_sz)
{
    struct pt_floating *f = pt_mem_zalloc(mem, sizeof(*f));

    if (!f)
        return NULL;
    f->mem = mem;
    f->max_sz = max_sz;
    return f;
}

static size_t entry_sz(uint32_t rec_cnt)
{
    return sizeof(struct pt_float) + rec_cnt * sizeof(struct pt_record);
}

void pt_floating_free(struct pt_floating *f, struct pt_float *e)
{
    pt_mem_free(f->mem, e, entry_sz(e->rec_cnt));
}

void pt_floating_close(struct pt_floating *f)
{
    for (struct pt_float *e = f->oldest, *next; e; e = next) {
        next = e->next;
        pt_floating_free(f, e);
    }
    pt_mem_free(f->mem, f, sizeof(*f));
}

static struct pt_float **key_bucket(struct pt_floating *f, const struct pt_float_key *k)
{
    uint64_t h = ((uint64_t)k->client << 32 | k->request) * 0x9e3779b97f4a7c15ull;

    h = (h ^ ((uint64_t)k->topic << 32 | (uint32_t)k->partition)) * 0x9e3779b97f4a7c15ull;
    return &f->by_key[(h >> 40) % PT_FLOATING_BUCKETS];
}

/* The partition spreads one batch that is sent to many. */
static struct pt_float **bytes_bucket(struct pt_floating *f, const struct pt_log *log,
                                      uint64_t fingerprint)
{
    uint64_t h = (fingerprint ^ (uint32_t)log->partition) * 0x9e3779b97f4a7c15ull;

    return &f->by_bytes[(h >> 40) % PT_FLOATING_BUCKETS];
}

static bool same_key(const struct pt_float_key *a, const struct pt_float_key *b)
{
    return a->client == b->client && a->request == b->request && a->lane == b->lane &&
           a->topic == b->topic && a->partition == b->partition;
}

void pt_floating_answer(struct pt_floating *f, struct pt_float *e)
{
    struct pt_float **link;

    if (e->answered)
        return;
    for (link = key_bucket(f, &e->key); *link != e; link = &(*link)->by_key)
        ;
    *link = e->by_key;
    e->answered = true;
}

void pt_floating_take(struct pt_floating *f, struct pt_float *e)
{
    struct pt_float **link;
    bool answered = e->answered;

    pt_floating_answer(f, e);
    e->answered = answered;
    for (link = bytes_bucket(f, e->log, e->b.fingerprint); *link != e; link = &(*link)->by_bytes)
        ;
    *link = e->by_bytes;
    if (e->prev)
        e->prev->next = e->next;
    else
        f->oldest = e->next;
    if (e->next)
        e->next->prev = e->prev;
    else
        f->newest = e->prev;
    f->used_sz -= entry_sz(e->rec_cnt);
}

struct pt_float *pt_floating_make_room(struct pt_floating *f, uint32_t rec_cnt)
{
    size_t sz = entry_sz(rec_cnt);
    struct pt_float *e = f->oldest;

    if (!e || (sz <= f->max_sz && f->used_sz <= f->max_sz - sz))
        return NULL;
    pt_floating_take(f, e);
    return e;
}

bool pt_floating_add(struct pt_floating *f, const struct pt_float_key *key, struct pt_log *log,
                     const struct pt_sighting *b, const struct pt_record *rec, uint32_t rec_cnt)
{
    size_t sz = entry_sz(rec_cnt);
    struct pt_float **link;
    struct pt_float *e;

    if (sz > f->max_sz || f->used_sz > f->max_sz - sz)
        return false;
    e = pt_mem_alloc(f->mem, sz);
    if (!e)
        return false;
    *e = (struct pt_float){
        .key = *key, .log = log, .b = *b, .has_records = rec != NULL, .rec_cnt = rec_cnt
    };
    if (rec_cnt)
        memcpy(e->rec, rec, rec_cnt * sizeof(*rec));
    e->prev = f->newest;
    if (f->newest)
        f->newest->next = e;
    else
        f->oldest = e;
    f->newest = e;
    /* At the end of its chain, so that the entries of one key are found oldest first. */
    for (link = key_bucket(f, key); *link; link = &(*link)->by_key)
        ;
    *link = e;
    link = bytes_bucket(f, log, b->fingerprint);
    e->by_bytes = *link;
    *link = e;
    f->used_sz += sz;
    return true;
}

struct pt_float *pt_floating_find(struct pt_floating *f, const struct pt_float_key *key)
{
    struct pt_float *e = *key_bucket(f, key);

    while (e && !same_key(&e->key, key))
        e = e->by_key;
    return e;
}

struct pt_float *pt_floating_same(struct pt_floating *f, const struct pt_log *log,
                                  uint64_t fingerprint)
{
    struct pt_float *e = *bytes_bucket(f, log, fingerprint);

    while (e && (e->log != log || e->b.fingerprint != fingerprint || !e->has_records))
        e = e->by_bytes;
    return e;
}
