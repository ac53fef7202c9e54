/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bursts of packets. Frames in several buffers are copied into one of the queue's own; as these are
 * the worker's alone, it asks for no more packets than it could copy. A file's driver has already
 * read a packet when it finds no buffer for it, and the packet is gone: so the worker first sees
 * that the buffers are in its own cache of the pool, where no other takes them.
 */
#include "dataplane/port_pvt.h"

#include <string.h>
#include <time.h>

#include <rte_ethdev.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>

#define LINK_ETHERNET 1u

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* How many packets of a file surely find their buffers. */
static unsigned reserve(const struct pt_port *p, unsigned cnt)
{
    struct rte_mempool_cache *cache = rte_mempool_default_cache(p->pool, rte_lcore_id());
    void *buf[PT_NIC_POOL_CACHE];
    unsigned need;

    if (!cache)
        return 0;
    if (cnt > PT_NIC_POOL_CACHE / p->seg_max)
        cnt = PT_NIC_POOL_CACHE / p->seg_max;
    need = cnt * p->seg_max;
    /* What is put back stays in the cache. */
    if (cache->len < need && !rte_mempool_get_bulk(p->pool, buf, need))
        rte_mempool_put_bulk(p->pool, buf, need);
    if (cache->len < need)
        cnt = cache->len / p->seg_max;
    return cnt;
}

static unsigned room(const struct pt_port *p, const struct pt_port_queue *q, unsigned cnt)
{
    if (q->join) {
        unsigned free_cnt = rte_mempool_avail_count(q->join);

        if (cnt > free_cnt)
            cnt = free_cnt;
    }
    return p->is_file && cnt ? reserve(p, cnt) : cnt;
}

static void count(atomic_uint_fast64_t *counter)
{
    /* One writer: housekeeping only reads. */
    atomic_store_explicit(counter, atomic_load_explicit(counter, memory_order_relaxed) + 1,
                          memory_order_relaxed);
}

/* The frame of a chain in one buffer; the chain is given back. */
static struct rte_mbuf *join(struct pt_port_queue *q, struct rte_mbuf *chain)
{
    struct rte_mbuf *one = q->join ? rte_pktmbuf_alloc(q->join) : NULL;
    uint32_t len = 0;

    if (!one)
        return chain;
    one->data_off = 0;
    for (struct rte_mbuf *m = chain; m && len < one->buf_len; m = m->next) {
        uint32_t part = one->buf_len - len;

        if (part > m->data_len)
            part = m->data_len;
        memcpy(rte_pktmbuf_mtod_offset(one, uint8_t *, len), rte_pktmbuf_mtod(m, uint8_t *), part);
        len += part;
    }
    one->data_len = (uint16_t)len;
    one->pkt_len = chain->pkt_len;
    rte_pktmbuf_free(chain);
    count(&q->joined);
    return one;
}

/* Read again about once a second; the queues of a port do so on their own. */
static void read_device_clock(const struct pt_port *p, struct pt_port_queue *q, int64_t real_ns)
{
    int64_t mono_ns = clock_ns(CLOCK_MONOTONIC);
    uint64_t tick;

    if (pt_port_clock_due(&q->clock, mono_ns) && !rte_eth_read_clock(p->port_id, &tick))
        pt_port_clock_read(&q->clock, tick, mono_ns, real_ns);
}

static int64_t time_of(const struct pt_port *p, const struct pt_port_queue *q,
                       const struct rte_mbuf *m, int64_t now_ns)
{
    uint64_t stamp;

    if (p->state.clock == PT_NIC_CLOCK_SOFTWARE || !(m->ol_flags & p->stamp_flag))
        return now_ns;
    stamp = *RTE_MBUF_DYNFIELD(m, p->stamp_off, const rte_mbuf_timestamp_t *);
    return p->state.clock == PT_NIC_CLOCK_CAPTURE ? (int64_t)stamp * 1000
                                                  : pt_port_clock_ns(&q->clock, stamp);
}

static void take(const struct pt_port *p, struct pt_port_queue *q, struct rte_mbuf *m,
                 int64_t now_ns, struct pt_rx *rx)
{
    int64_t time_ns = time_of(p, q, m, now_ns);

    if (m->nb_segs > 1)
        m = join(q, m);
    if (m->data_len < m->pkt_len)
        count(&q->cut);
    rx->frame = (struct pt_frame){
        .data = rte_pktmbuf_mtod(m, const uint8_t *),
        .cap_len = m->data_len,
        .wire_len = m->pkt_len,
        .time_ns = time_ns,
        .packet = ++q->packet,
        .link_type = LINK_ETHERNET,
    };
    rx->buf = m;
}

unsigned pt_port_burst(struct pt_port *p, unsigned queue, struct pt_rx *rx, unsigned rx_max)
{
    struct pt_port_queue *q = &p->queue[queue];
    struct rte_mbuf *m[PT_NIC_BURST];
    unsigned want = room(p, q, rx_max < PT_NIC_BURST ? rx_max : PT_NIC_BURST);
    unsigned got;
    int64_t now_ns;

    if (!want || q->ended)
        return 0;
    got = rte_eth_rx_burst(p->port_id, (uint16_t)queue, m, (uint16_t)want);
    q->ended = p->is_file && got < want;
    if (!got)
        return 0;
    now_ns = clock_ns(CLOCK_REALTIME);
    if (p->state.clock == PT_NIC_CLOCK_DEVICE)
        read_device_clock(p, q, now_ns);
    for (unsigned i = 0; i < got; i++)
        take(p, q, m[i], now_ns, &rx[i]);
    return got;
}

bool pt_port_ended(const struct pt_port *p, unsigned queue)
{
    return p->queue[queue].ended;
}

void pt_port_free(void *const *buf, unsigned cnt)
{
    struct rte_mbuf *m[PT_NIC_BURST];

    for (unsigned done = 0; done < cnt;) {
        unsigned part = cnt - done < PT_NIC_BURST ? cnt - done : PT_NIC_BURST;

        for (unsigned i = 0; i < part; i++)
            m[i] = buf[done + i];
        rte_pktmbuf_free_bulk(m, part);
        done += part;
    }
}
