/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory for packets: a pool for each NUMA node of the plan, shared by the ports there, and for
 * each queue whose frames may come in several buffers a few of a whole frame's size.
 */
#include "dataplane/port_pvt.h"

#include <errno.h>
#include <stdio.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>

/* One frame of a file can be as long as an mbuf can count, and the driver then fills its buffers
 * one after the other: the first behind a headroom. */
static unsigned seg_max(uint32_t data_sz)
{
    return 2 + PT_PORT_JOIN_MAX / (data_sz + PT_NIC_HEADROOM);
}

static int no_memory(const struct pt_port *p, uint64_t cnt, uint64_t sz, struct pt_port_error *err)
{
    return pt_port_refuse(err, -rte_errno,
                          "%s: no memory for %llu buffers (%llu MiB): %s%s: reserve more huge "
                          "pages, or with --no-huge leave out EAL's -m; or ask for fewer "
                          "descriptors",
                          p->device, (unsigned long long)cnt,
                          (unsigned long long)((cnt * sz >> 20) + 1), rte_strerror(rte_errno),
                          pt_port_log_last());
}

/* Without huge pages EAL has one pool of memory for all nodes. */
static int node_of(int node)
{
    return rte_eal_has_hugepages() ? node : SOCKET_ID_ANY;
}

static int shared_pool(struct pt_port *p, const struct pt_nic_plan *plan, unsigned idx,
                       struct pt_port_error *err)
{
    const struct pt_nic_pool_plan *pool = &plan->pool[idx];
    char name[RTE_MEMPOOL_NAMESIZE];

    snprintf(name, sizeof(name), "paritap-%u", idx);
    p->pool = rte_mempool_lookup(name);
    if (!p->pool)
        p->pool = rte_pktmbuf_pool_create(name, pool->buffer_cnt, PT_NIC_POOL_CACHE, 0,
                                          (uint16_t)(pool->data_sz + PT_NIC_HEADROOM),
                                          node_of(pool->node));
    if (!p->pool)
        return no_memory(p, pool->buffer_cnt, pool->buffer_sz, err);
    return 0;
}

int pt_port_pools(struct pt_port *p, const struct pt_nic_plan *plan, unsigned port_idx,
                  struct pt_port_error *err)
{
    const struct pt_nic_port_plan *port = &plan->port[port_idx];
    uint32_t join_sz = pt_port_join_sz(p->device, port);
    char name[RTE_MEMPOOL_NAMESIZE];
    int ret = shared_pool(p, plan, port->pool, err);

    if (ret)
        return ret;
    p->seg_max = seg_max(plan->pool[port->pool].data_sz);
    for (unsigned q = 0; join_sz && q < port->queue_cnt; q++) {
        /* Without a cache only the queue's worker takes from it: what it counts, it gets. */
        snprintf(name, sizeof(name), "join-%u-%u", p->port_id, q);
        p->queue[q].join = rte_pktmbuf_pool_create(name, PT_PORT_JOIN_CNT, 0, 0, (uint16_t)join_sz,
                                                   node_of(plan->pool[port->pool].node));
        if (!p->queue[q].join)
            return no_memory(p, PT_PORT_JOIN_CNT, join_sz, err);
    }
    return 0;
}
