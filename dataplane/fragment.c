/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/fragment.h"

#include <string.h>
#include <xxhash.h>

#define NONE UINT32_MAX

/* Buffers grow to powers of two; most packets that are fragmented are little longer than what a
 * frame may carry. */
#define BUF_SZ_MIN 2048u

const struct pt_fragments_cfg pt_fragments_cfg_default = {
    .store_max = 16ull << 20,
    .wait_ns = 50000000,
};

void pt_fragments_init(struct pt_fragments *s, struct pt_mem *mem,
                       const struct pt_fragments_cfg *cfg)
{
    *s = (struct pt_fragments){ .mem = mem, .cfg = *cfg, .now_ns = INT64_MIN };
}

static uint64_t charge(const struct pt_datagram *d)
{
    return sizeof(*d) + d->buf_sz;
}

/* The table. */

/* Fragments of one IPv6 packet may name different protocols: only the first of them counts. */
static uint32_t hash_of(const struct pt_fragment *f, uint32_t input)
{
    uint32_t key[11];

    memcpy(key, f->src, 16);
    memcpy(key + 4, f->dst, 16);
    key[8] = f->id;
    key[9] = f->version == 4 ? f->proto : UINT32_MAX;
    key[10] = input;
    return (uint32_t)(XXH3_64bits(key, sizeof(key)) >> 16);
}

static bool same_packet(const struct pt_fragment *a, const struct pt_fragment *b)
{
    return a->id == b->id && a->version == b->version &&
           (a->version == 6 || a->proto == b->proto) && !memcmp(a->src, b->src, sizeof(a->src)) &&
           !memcmp(a->dst, b->dst, sizeof(a->dst));
}

static struct pt_datagram *find(const struct pt_fragments *s, const struct pt_fragment *f,
                                uint32_t input, uint32_t hash)
{
    struct pt_datagram *d = s->bucket[hash % PT_FRAGMENT_BUCKETS];

    while (d && (d->hash != hash || d->input != input || !same_packet(&d->whole, f)))
        d = d->chain;
    return d;
}

static struct pt_datagram *add(struct pt_fragments *s, const struct pt_fragment *f, uint32_t input,
                               uint32_t hash)
{
    struct pt_datagram **bucket = &s->bucket[hash % PT_FRAGMENT_BUCKETS];
    struct pt_datagram *d = pt_mem_zalloc(s->mem, sizeof(*d));

    if (!d)
        return NULL;
    d->whole = *f;
    d->input = input;
    d->hash = hash;
    d->since_ns = s->now_ns;
    d->total = d->cut = NONE;
    d->chain = *bucket;
    *bucket = d;
    d->older = s->newest;
    if (d->older)
        d->older->newer = d;
    else
        s->oldest = d;
    s->newest = d;
    s->used_sz += charge(d);
    return d;
}

/* What the packet consisted of goes into the books under what became of it. */
static void give_up(struct pt_fragments *s, struct pt_datagram *d, uint64_t *cause)
{
    if (d->state != PT_DATAGRAM_WAITING)
        return;
    s->stats.fragments_waiting -= d->part_cnt;
    s->stats.fragments_given_up += d->part_cnt;
    (*cause)++;
}

static void forget(struct pt_fragments *s, struct pt_datagram *d, uint64_t *cause)
{
    struct pt_datagram **p = &s->bucket[d->hash % PT_FRAGMENT_BUCKETS];

    give_up(s, d, cause);
    while (*p != d)
        p = &(*p)->chain;
    *p = d->chain;
    if (d->newer)
        d->newer->older = d->older;
    else
        s->newest = d->older;
    if (d->older)
        d->older->newer = d->newer;
    else
        s->oldest = d->newer;
    s->used_sz -= charge(d);
    pt_mem_free(s->mem, d->buf, d->buf_sz);
    pt_mem_free(s->mem, d, sizeof(*d));
}

/* Those that were lent. */

static void lend(struct pt_fragments *s, struct pt_datagram *d)
{
    d->lent = true;
    atomic_store_explicit(&d->borrowed, true, memory_order_relaxed);
    if (s->lent_last)
        s->lent_last->lent_next = d;
    else
        s->lent_first = d;
    s->lent_last = d;
    s->lent_sz += charge(d);
}

void pt_datagram_done(struct pt_datagram *d)
{
    /* Acquired by take_back: the bytes are not read any more. */
    atomic_store_explicit(&d->borrowed, false, memory_order_release);
}

static void take_back(struct pt_fragments *s)
{
    struct pt_datagram *d;

    /* Released by pt_datagram_done. */
    while ((d = s->lent_first) && !atomic_load_explicit(&d->borrowed, memory_order_acquire)) {
        s->lent_first = d->lent_next;
        if (!s->lent_first)
            s->lent_last = NULL;
        d->lent_next = NULL;
        d->lent = false;
        s->lent_sz -= charge(d);
    }
}

bool pt_fragments_stretched(struct pt_fragments *s)
{
    take_back(s);
    return s->lent_sz > s->cfg.store_max / 2;
}

/* Bounds. */

static void expire(struct pt_fragments *s)
{
    for (struct pt_datagram *d = s->oldest, *newer; d; d = newer) {
        newer = d->newer;
        if ((uint64_t)s->now_ns - (uint64_t)d->since_ns <= (uint64_t)s->cfg.wait_ns)
            return;
        if (!d->lent)
            forget(s, d, &s->stats.datagrams_late);
    }
}

/* make_room for sz bytes more; keep is not given up for it. */
static bool make_room(struct pt_fragments *s, uint64_t sz, const struct pt_datagram *keep)
{
    for (struct pt_datagram *d = s->oldest, *newer; s->used_sz + sz > s->cfg.store_max; d = newer) {
        if (!d)
            return false;
        newer = d->newer;
        if (!d->lent && d != keep)
            forget(s, d, &s->stats.datagrams_evicted);
    }
    return true;
}

static bool grow(struct pt_fragments *s, struct pt_datagram *d, uint32_t end)
{
    uint32_t sz = d->buf_sz > BUF_SZ_MIN ? d->buf_sz : BUF_SZ_MIN;
    uint8_t *buf;

    if (end <= d->buf_sz)
        return true;
    while (sz < end)
        sz *= 2;
    if (!make_room(s, sz - d->buf_sz, d))
        return false;
    buf = pt_mem_resize(s->mem, d->buf, d->buf_sz, sz);
    if (!buf)
        return false;
    s->used_sz += sz - d->buf_sz;
    d->buf = buf;
    d->buf_sz = sz;
    return true;
}

/* Bytes. */

static bool is_covered(const struct pt_datagram *d, uint32_t unit)
{
    return d->covered[unit / 64] >> unit % 64 & 1;
}

static uint32_t end_of(const struct pt_fragment *f)
{
    return f->off + f->len + f->missing;
}

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* contradicts: both cannot be of one packet. *ret_again: all of the fragment is here. Where either
 * was cut there is nothing to compare, and nothing that is given out. */
static bool contradicts(const struct pt_datagram *d, const struct pt_fragment *f, bool *ret_again)
{
    uint32_t end = end_of(f);
    uint32_t here = smaller(f->off + f->len, d->cut);

    if (f->more ? end >= d->total : d->total != NONE ? end != d->total : end < d->high)
        return true;
    *ret_again = f->more || d->total != NONE;
    for (uint32_t unit = f->off / 8; unit * 8 < end; unit++) {
        uint32_t from = unit * 8;
        uint32_t to = smaller(from + 8, here);

        if (!is_covered(d, unit))
            *ret_again = false;
        else if (from < to && memcmp(d->buf + from, f->data + (from - f->off), to - from) != 0)
            return true;
    }
    return false;
}

static void spoil(struct pt_fragments *s, struct pt_datagram *d)
{
    give_up(s, d, &s->stats.datagrams_differ);
    if (d->state == PT_DATAGRAM_WHOLE) /* that one was given out; it is another that is lost */
        s->stats.datagrams_differ++;
    d->state = PT_DATAGRAM_SPOILT;
    if (d->lent)
        return;
    s->used_sz -= d->buf_sz;
    pt_mem_free(s->mem, d->buf, d->buf_sz);
    d->buf = NULL;
    d->buf_sz = 0;
}

static void put(struct pt_datagram *d, const struct pt_fragment *f)
{
    uint32_t end = end_of(f);

    if (f->len)
        memcpy(d->buf + f->off, f->data, f->len);
    for (uint32_t unit = f->off / 8; unit * 8 < end; unit++) {
        d->unit_cnt += !is_covered(d, unit);
        d->covered[unit / 64] |= 1ull << unit % 64;
    }
    if (end > d->high)
        d->high = end;
    if (!f->more)
        d->total = end;
    if (f->missing)
        d->cut = smaller(d->cut, f->off + f->len);
    if (!f->off) { /* what stands there says what it all is */
        d->whole.proto = f->proto;
        d->whole.tunnels = f->tunnels;
    }
    d->part_cnt++;
}

static void make_whole(struct pt_fragments *s, struct pt_datagram *d)
{
    d->state = PT_DATAGRAM_WHOLE;
    d->whole.off = 0;
    d->whole.more = false;
    d->whole.data = d->buf;
    d->whole.len = smaller(d->cut, d->total);
    d->whole.missing = d->total - d->whole.len;
    s->stats.fragments_waiting -= d->part_cnt;
    s->stats.fragments_joined += d->part_cnt;
    s->stats.datagrams++;
}

/* A new packet, with room for what came of it; NULL: there is none. */
static struct pt_datagram *begin(struct pt_fragments *s, const struct pt_fragment *f,
                                 uint32_t input, uint32_t hash)
{
    return make_room(s, sizeof(struct pt_datagram), NULL) ? add(s, f, input, hash) : NULL;
}

struct pt_datagram *pt_fragments_add(struct pt_fragments *s, const struct pt_fragment *f,
                                     uint32_t input, int64_t time_ns)
{
    uint32_t hash = hash_of(f, input);
    struct pt_datagram *d;
    bool again = false;

    s->stats.fragments++;
    if (time_ns > s->now_ns)
        s->now_ns = time_ns;
    take_back(s);
    expire(s);
    d = find(s, f, input, hash);
    if (d && d->state != PT_DATAGRAM_SPOILT && contradicts(d, f, &again))
        spoil(s, d);
    if (d && d->state == PT_DATAGRAM_SPOILT) {
        s->stats.fragments_given_up++;
        return NULL;
    }
    if (again) {
        s->stats.fragments_again++;
        return NULL;
    }
    if (!d)
        d = begin(s, f, input, hash);
    if (!d || !grow(s, d, end_of(f))) {
        s->stats.fragments_refused++;
        return NULL;
    }
    put(d, f);
    s->stats.fragments_waiting++;
    if (d->total == NONE || d->unit_cnt < (d->total + 7) / 8)
        return NULL;
    make_whole(s, d);
    lend(s, d);
    return d;
}

void pt_fragments_finish(struct pt_fragments *s)
{
    take_back(s);
    for (struct pt_datagram *d = s->oldest, *newer; d; d = newer) {
        newer = d->newer;
        if (!d->lent)
            forget(s, d, &s->stats.datagrams_late);
    }
}

void pt_fragments_close(struct pt_fragments *s)
{
    while (s->oldest)
        forget(s, s->oldest, &s->stats.datagrams_late);
    s->lent_first = s->lent_last = NULL;
    s->lent_sz = 0;
}
