/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/reorder.h"

#include <errno.h>
#include <string.h>

static uint64_t charge(const struct pt_piece *p)
{
    return p->alloc_sz > PT_PIECE_CHARGE_MIN ? p->alloc_sz : PT_PIECE_CHARGE_MIN;
}

static void unlink_piece(struct pt_store *st, struct pt_pieces *l, struct pt_piece *p)
{
    if (p->prev)
        p->prev->next = p->next;
    else
        l->head = p->next;
    if (p->next)
        p->next->prev = p->prev;
    else
        l->tail = p->prev;
    l->charged_sz -= charge(p);
    st->charged_sz -= charge(p);
    st->waiting_bytes -= p->len;
}

static void link_behind(struct pt_store *st, struct pt_pieces *l, struct pt_piece *prev,
                        struct pt_piece *p)
{
    p->prev = prev;
    p->next = prev ? prev->next : l->head;
    if (p->prev)
        p->prev->next = p;
    else
        l->head = p;
    if (p->next)
        p->next->prev = p;
    else
        l->tail = p;
    l->charged_sz += charge(p);
    st->charged_sz += charge(p);
    st->waiting_bytes += p->len;
}

/* Counts how many captured bytes of p and of [start, start + len) at data are not the same. */
static uint64_t count_differing(const struct pt_piece *p, uint64_t start, const uint8_t *data,
                                uint64_t len)
{
    uint64_t from = p->start > start ? p->start : start;
    uint64_t end = p->start + p->len < start + len ? p->start + p->len : start + len;
    uint64_t cnt = 0;

    if (from >= end || !memcmp(p->data + (from - p->start), data + (from - start), end - from))
        return 0;
    for (uint64_t i = from; i < end; i++)
        cnt += p->data[i - p->start] != data[i - start];
    return cnt;
}

/* Cuts the front of *n that lies before pos. */
static void cut_front(struct pt_piece *n, uint64_t pos)
{
    uint64_t cut = pos - n->start;
    uint32_t of_data = cut < n->len ? (uint32_t)cut : n->len;
    uint64_t of_miss = cut - of_data;

    n->start = pos;
    n->data += of_data;
    n->len -= of_data;
    n->miss = of_miss < n->miss ? n->miss - (uint32_t)of_miss : 0;
}

/* Cuts what of *n the pieces around it have already: prev is the last one that begins at or before
 * it. Pieces that lie wholly within n's captured bytes don't count. */
static void fit(struct pt_piece *n, struct pt_piece *prev, struct pt_piece *next,
                struct pt_overlap *ret_o)
{
    uint32_t len = n->len;

    if (prev && pt_piece_end(prev) > n->start) {
        ret_o->differ += count_differing(prev, n->start, n->data, n->len);
        cut_front(n, pt_piece_end(prev));
    }
    for (; next && next->start < n->start + n->len; next = next->next) {
        if (n->len)
            ret_o->differ += count_differing(next, n->start, n->data, n->len);
        if (pt_piece_end(next) <= n->start + n->len)
            continue;
        n->len = (uint32_t)(next->start - n->start);
        n->miss = 0;
        break;
    }
    if (next && next->start < pt_piece_end(n))
        n->miss = (uint32_t)(next->start - n->start - n->len);
    ret_o->refused = len - n->len;
}

bool pt_store_own_bound(const struct pt_store *st, const struct pt_pieces *l,
                        const struct pt_piece *new)
{
    const struct pt_piece n = { .alloc_sz = sizeof(n) + new->len };

    return charge(&n) > st->dir_max - l->charged_sz;
}

int pt_store_add(struct pt_store *st, struct pt_pieces *l, const struct pt_piece *new,
                 struct pt_overlap *ret_o)
{
    struct pt_overlap o = { 0 };
    struct pt_piece n = *new;
    struct pt_piece *prev = l->tail;
    struct pt_piece *p;

    while (prev && prev->start > n.start)
        prev = prev->prev;
    fit(&n, prev, prev ? prev->next : l->head, &o);
    if (n.len + n.miss) {
        n.alloc_sz = sizeof(n) + n.len;
        if (charge(&n) > st->store_max - st->charged_sz || charge(&n) > st->dir_max - l->charged_sz)
            return -ENOSPC;
        p = pt_mem_alloc(st->mem, n.alloc_sz);
        if (!p)
            return -ENOSPC;
        *p = n;
        p->data = p->buf;
        if (n.len)
            memcpy(p->buf, n.data, n.len);
        for (struct pt_piece *q = prev ? prev->next : l->head, *next; q; q = next) {
            next = q->next;
            if (q->start >= n.start + n.len)
                break;
            o.ousted += q->len;
            unlink_piece(st, l, q);
            pt_store_free(st, q);
        }
        link_behind(st, l, prev, p);
        if (p->next && p->next->has_ack && (int32_t)(p->next->ack - p->ack) < 0)
            p->ack = p->next->ack;
    }
    *ret_o = o;
    return 0;
}

void pt_store_limit(struct pt_pieces *l, uint64_t end, uint32_t ack)
{
    struct pt_piece *p = l->tail;

    while (p && pt_piece_end(p) > end)
        p = p->prev;
    for (; p && p->has_ack && (int32_t)(p->ack - ack) > 0; p = p->prev)
        p->ack = ack;
}

void pt_store_trim(struct pt_store *st, struct pt_pieces *l, uint64_t from, const uint8_t *data,
                   uint64_t len, struct pt_overlap *ret_o)
{
    uint64_t end = from + len;

    *ret_o = (struct pt_overlap){ 0 };
    for (struct pt_piece *p = l->head, *next; p && p->start < end; p = next) {
        uint32_t was = p->len;

        next = p->next;
        ret_o->differ += count_differing(p, from, data, len);
        if (pt_piece_end(p) <= end) {
            ret_o->ousted += was;
            unlink_piece(st, l, p);
            pt_store_free(st, p);
            continue;
        }
        cut_front(p, end);
        ret_o->ousted += was - p->len;
        st->waiting_bytes -= was - p->len;
    }
}

struct pt_piece *pt_store_take(struct pt_store *st, struct pt_pieces *l)
{
    struct pt_piece *p = l->head;

    unlink_piece(st, l, p);
    return p;
}

uint64_t pt_store_cut(struct pt_store *st, struct pt_pieces *l, uint64_t end)
{
    uint64_t cnt = 0;

    while (l->tail && l->tail->start >= end) {
        struct pt_piece *p = l->tail;

        cnt += p->len;
        unlink_piece(st, l, p);
        pt_store_free(st, p);
    }
    return cnt;
}

void pt_store_free(struct pt_store *st, struct pt_piece *p)
{
    if (p)
        pt_mem_free(st->mem, p, p->alloc_sz);
}
