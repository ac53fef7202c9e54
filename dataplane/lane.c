/* SPDX-License-Identifier: Apache-2.0 */
/* The C11 form of rte_ring: its other forms order memory by fences that ThreadSanitizer does not
 * see. Must come before the first header of DPDK. */
#define RTE_USE_C11_MEM_MODEL 1

#include "dataplane/lane.h"

#include <errno.h>
#include <rte_ring.h>
#include <rte_ring_peek_zc.h>
#include <stdalign.h>
#include <string.h>

#define WORD_SZ 8u
#define ROOM_MIN 4096u

struct pt_lane {
    struct pt_mem *mem;
    void *block; /* as allocated; what follows is in it, on cache lines of its own */
    size_t block_sz;
    uint32_t room_sz;
    uint32_t largest_sz;
    struct rte_ring *ring;
    /* The producer's. */
    alignas(RTE_CACHE_LINE_SIZE) uint32_t reserved_cnt;
    /* The consumer's: words of the message that was given out, 0 none. */
    alignas(RTE_CACHE_LINE_SIZE) uint32_t lent_cnt;
};

_Static_assert(sizeof(struct rte_ring) % RTE_CACHE_LINE_SIZE == 0, "words behind it are aligned");

static size_t aligned(size_t sz)
{
    return (sz + RTE_CACHE_LINE_SIZE - 1) / RTE_CACHE_LINE_SIZE * RTE_CACHE_LINE_SIZE;
}

/* What rte_ring_init does for one producer and one consumer. That function lives in a library that
 * brings all of EAL with it; the ring itself is inline code. */
static void init_ring(struct rte_ring *r, uint32_t word_cnt)
{
    memset(r, 0, sizeof(*r));
    r->flags = RING_F_SP_ENQ | RING_F_SC_DEQ;
    r->prod.sync_type = RTE_RING_SYNC_ST;
    r->cons.sync_type = RTE_RING_SYNC_ST;
    r->size = word_cnt;
    r->mask = word_cnt - 1;
    r->capacity = word_cnt - 1;
}

int pt_lane_open(struct pt_mem *mem, uint32_t room_sz, struct pt_lane **ret_lane)
{
    size_t block_sz = RTE_CACHE_LINE_SIZE + aligned(sizeof(struct pt_lane)) +
                      aligned(sizeof(struct rte_ring)) + room_sz;
    struct pt_lane *l;
    uint8_t *block;

    if (room_sz < ROOM_MIN || (room_sz & (room_sz - 1)))
        return -EINVAL;
    block = pt_mem_alloc(mem, block_sz);
    if (!block)
        return -ENOMEM;
    l = (struct pt_lane *)(void *)aligned((size_t)block);
    memset(l, 0, sizeof(*l));
    l->mem = mem;
    l->block = block;
    l->block_sz = block_sz;
    l->room_sz = room_sz;
    /* One word less than half: with the padding before it, it still finds room in an empty ring. */
    l->largest_sz = room_sz / 2 - WORD_SZ;
    l->ring = (struct rte_ring *)(void *)((uint8_t *)l + aligned(sizeof(*l)));
    init_ring(l->ring, room_sz / WORD_SZ);
    *ret_lane = l;
    return 0;
}

void pt_lane_close(struct pt_lane *l)
{
    if (l)
        pt_mem_free(l->mem, l->block, l->block_sz);
}

/* Reserves cnt words; *ret_whole: how many of them lie in one piece. NULL: full. */
static struct pt_lane_head *reserve(struct rte_ring *r, uint32_t cnt, uint32_t *ret_whole)
{
    struct rte_ring_zc_data zcd;

    if (!rte_ring_enqueue_zc_bulk_elem_start(r, WORD_SZ, cnt, &zcd, NULL))
        return NULL;
    *ret_whole = zcd.n1 < cnt ? zcd.n1 : cnt;
    return zcd.ptr1;
}

struct pt_lane_head *pt_lane_room(struct pt_lane *l, size_t body_sz)
{
    uint32_t cnt = (uint32_t)((sizeof(struct pt_lane_head) + body_sz + WORD_SZ - 1) / WORD_SZ);
    struct pt_lane_head *h;
    uint32_t whole = 0;

    if (body_sz > l->largest_sz - sizeof(*h))
        return NULL;
    h = reserve(l->ring, cnt, &whole);
    if (h && whole < cnt) {
        /* Passed over by the consumer by its first 8 bytes, which are always there. */
        h->size = whole * WORD_SZ;
        h->kind = PT_LANE_KIND_PAD;
        rte_ring_enqueue_zc_elem_finish(l->ring, whole);
        h = reserve(l->ring, cnt, &whole);
    }
    if (!h)
        return NULL;
    h->size = cnt * WORD_SZ;
    l->reserved_cnt = cnt;
    return h;
}

void pt_lane_push(struct pt_lane *l)
{
    rte_ring_enqueue_zc_elem_finish(l->ring, l->reserved_cnt);
}

/* The words from the oldest on, if cnt are there. They are not taken. */
static const struct pt_lane_head *look(struct rte_ring *r, uint32_t cnt)
{
    struct rte_ring_zc_data zcd;

    if (!rte_ring_dequeue_zc_bulk_elem_start(r, WORD_SZ, cnt, &zcd, NULL))
        return NULL;
    rte_ring_dequeue_zc_elem_finish(r, 0);
    return zcd.ptr1;
}

static void take(struct rte_ring *r, uint32_t cnt)
{
    struct rte_ring_zc_data zcd;

    /* They are there: all words of a message are published at once. */
    (void)rte_ring_dequeue_zc_bulk_elem_start(r, WORD_SZ, cnt, &zcd, NULL);
    rte_ring_dequeue_zc_elem_finish(r, cnt);
}

const struct pt_lane_head *pt_lane_first(struct pt_lane *l)
{
    const struct pt_lane_head *h = look(l->ring, 1);

    /* A pad is followed by a message or by nothing yet, never by another pad. */
    if (h && h->kind == PT_LANE_KIND_PAD) {
        take(l->ring, h->size / WORD_SZ);
        h = look(l->ring, 1);
    }
    l->lent_cnt = h ? h->size / WORD_SZ : 0;
    return h;
}

void pt_lane_pop(struct pt_lane *l)
{
    take(l->ring, l->lent_cnt);
    l->lent_cnt = 0;
}

uint32_t pt_lane_used_sz(const struct pt_lane *l)
{
    /* Each side's own counter, without order: rte_ring_count reads them plainly. */
    uint32_t head = __atomic_load_n(&l->ring->prod.tail, __ATOMIC_RELAXED);
    uint32_t tail = __atomic_load_n(&l->ring->cons.tail, __ATOMIC_RELAXED);
    uint32_t cnt = (head - tail) & l->ring->mask;

    return (cnt > l->ring->capacity ? l->ring->capacity : cnt) * WORD_SZ;
}

uint32_t pt_lane_room_sz(const struct pt_lane *l)
{
    return l->room_sz;
}
