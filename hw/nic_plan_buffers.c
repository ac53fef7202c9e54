/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/nic_plan_pvt.h"

#include <errno.h>
#include <stdio.h>

#define ETHER_SZ 18u /* header and checksum */
#define TAGS_SZ 8u
/* Receive buffers come in steps of 1 KiB, since ixgbe's register counts so, and none may be longer
 * than Intel's 16 KiB - 128. A standard frame gets 2 KiB. */
#define DATA_STEP 1024u
#define DATA_MIN 2048u
#define DATA_MAX 15360u
/* struct rte_mbuf, and what a mempool puts in front of an object. */
#define BUFFER_OVERHEAD (128u + 64u)

static int plan_frame(const struct pt_nic_request *req, struct pt_nic_plan *plan, unsigned p,
                      struct pt_nic_error *err)
{
    const struct pt_nic_port_request *ask = &req->port[p];
    const struct pt_nic_caps *caps = &ask->caps;
    struct pt_nic_port_plan *port = &plan->port[p];
    unsigned mtu = req->mtu + (req->encapsulated ? PT_NIC_WRAP_SZ : 0);

    if (mtu > caps->mtu_max)
        return pt_nic_refuse(
                err, "%s: an MTU of %u is needed%s, %s takes at most %u: %s", ask->name, mtu,
                req->encapsulated ? " (the mirror's wrapping included)" : "", caps->driver,
                caps->mtu_max,
                caps->traits & PT_NIC_VIRTUAL
                        ? "use net_af_packet or net_pcap on this interface"
                        : "state the MTU that the mirrored network really has (--mtu)");
    if (mtu + ETHER_SZ > caps->frame_max && !(caps->traits & PT_NIC_VIRTUAL))
        return pt_nic_refuse(err,
                             "%s: frames of %u bytes are needed, %s takes at most %u: state "
                             "the MTU that the mirrored network really has (--mtu)",
                             ask->name, mtu + ETHER_SZ, caps->driver, caps->frame_max);
    if (mtu + ETHER_SZ > caps->frame_max) {
        /* A constant of the driver; the true limit is in the vdev string. */
        mtu = caps->frame_max - ETHER_SZ;
        pt_nic_note(plan, PT_NIC_NOTE_SCATTER, (int)p,
                    "%s states frames of at most %u bytes: see that its own buffers (framesz=, "
                    "bsize=) hold the mirror's frames, else they are cut, and cut bytes are unseen",
                    caps->driver, caps->frame_max);
    }
    port->mtu = (uint16_t)mtu;
    port->frame_sz = req->mtu + (req->encapsulated ? PT_NIC_WRAP_SZ : 0) + ETHER_SZ + TAGS_SZ;
    port->scatter = port->frame_sz > DATA_MAX;
    if (port->scatter && !(caps->offloads & PT_NIC_OFFLOAD_SCATTER))
        return pt_nic_refuse(err,
                             "%s: frames of %u bytes do not fit one buffer of %u, and %s cannot "
                             "use several: state a smaller MTU",
                             ask->name, port->frame_sz, DATA_MAX, caps->driver);
    if (port->scatter)
        pt_nic_note(plan, PT_NIC_NOTE_SCATTER, (int)p,
                    "frames of %u bytes fill several buffers: their bytes are copied together "
                    "before they are parsed",
                    port->frame_sz);
    return 0;
}

/* Enough to bridge about a millisecond at line rate, and no more: a ring that stays in the cache is
 * two to four times quicker to walk. */
static int plan_descriptors(const struct pt_nic_port_request *ask, struct pt_nic_port_plan *port,
                            struct pt_nic_error *err)
{
    const struct pt_nic_caps *caps = &ask->caps;
    unsigned align = caps->desc_align ? caps->desc_align : 1;
    unsigned cnt = caps->speed_mbps >= 100000 ? 4096 : caps->speed_mbps >= 25000 ? 2048 : 1024;

    if (ask->desc_cnt) {
        cnt = ask->desc_cnt;
        if (cnt > caps->desc_max || cnt < caps->desc_min || cnt % align)
            return pt_nic_refuse(err,
                                 "%s: %u descriptors asked for, %s takes %u to %u in steps of "
                                 "%u",
                                 ask->name, cnt, caps->driver, caps->desc_min, caps->desc_max,
                                 align);
    }
    if (cnt > caps->desc_max)
        cnt = caps->desc_max;
    cnt -= cnt % align;
    if (cnt < caps->desc_min)
        cnt = caps->desc_min;
    port->desc_cnt = (uint16_t)cnt;
    return 0;
}

static int pool_on(struct pt_nic_plan *plan, int node, unsigned *ret_pool)
{
    for (unsigned i = 0; i < plan->pool_cnt; i++) {
        if (plan->pool[i].node == node) {
            *ret_pool = i;
            return 0;
        }
    }
    if (plan->pool_cnt == PT_HOST_NODES_MAX || node >= PT_HOST_NODES_MAX)
        return -EINVAL;
    plan->pool[plan->pool_cnt].node = (uint16_t)node;
    plan->pool[plan->pool_cnt].data_sz = DATA_MIN;
    *ret_pool = plan->pool_cnt++;
    return 0;
}

/* Buffers live where the device writes them; for a device without a node, where they are read. */
static int node_of(const struct pt_nic_request *req, const struct pt_nic_plan *plan, unsigned p)
{
    int node = req->port[p].caps.numa_node;

    if (node < 0)
        node = plan->worker[plan->port[p].worker[0]].node;
    return node < 0 ? 0 : node;
}

static void add_port(const struct pt_nic_plan *plan, const struct pt_nic_caps *caps,
                     const struct pt_nic_port_plan *port, struct pt_nic_pool_plan *pool)
{
    bool hands_over = port->meet == PT_NIC_MEET_SOFTWARE ||
                      (port->meet == PT_NIC_MEET_KEY && caps->traits & PT_NIC_KEY_MAY_FAIL);
    uint32_t data_sz = (port->frame_sz + DATA_STEP - 1) / DATA_STEP * DATA_STEP;

    if (data_sz > DATA_MAX)
        data_sz = DATA_MAX;
    if (data_sz > pool->data_sz)
        pool->data_sz = data_sz;
    pool->needed_cnt += (uint32_t)port->queue_cnt * port->desc_cnt;
    /* Each poller has a ring to every other worker, and gets its buffers back through another. */
    if (hands_over)
        pool->needed_cnt += 2u * port->queue_cnt * (plan->worker_cnt - 1) * PT_NIC_RING;
}

static int check_memory(const struct pt_nic_request *req, const struct pt_nic_pool_plan *pool,
                        struct pt_nic_error *err)
{
    uint64_t page_sz = req->host.huge_page_sz ? req->host.huge_page_sz : 2u << 20;
    uint64_t page_cnt = (pool->total_sz + page_sz - 1) / page_sz;

    if (!req->huge || page_cnt * page_sz <= req->host.huge_free_sz[pool->node])
        return 0;
    snprintf(
            err->text, sizeof(err->text),
            "packet buffers need %llu huge pages of %llu KiB on NUMA node %u, %llu are free: "
            "`echo %llu > /sys/devices/system/node/node%u/hugepages/hugepages-%llukB/nr_hugepages` "
            "(more if others use them too), or run with --no-huge",
            (unsigned long long)page_cnt, (unsigned long long)(page_sz >> 10), pool->node,
            (unsigned long long)(req->host.huge_free_sz[pool->node] / page_sz),
            (unsigned long long)page_cnt, pool->node, (unsigned long long)(page_sz >> 10));
    return -ENOMEM;
}

int pt_nic_plan_buffers(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                        struct pt_nic_error *err)
{
    int ret;

    for (unsigned p = 0; p < plan->port_cnt; p++) {
        unsigned pool;
        int node = node_of(req, plan, p);

        ret = plan_frame(req, plan, p, err);
        if (!ret)
            ret = plan_descriptors(&req->port[p], &plan->port[p], err);
        if (ret)
            return ret;
        if (pool_on(plan, node, &pool))
            return pt_nic_refuse(err, "%s is on NUMA node %d, at most %u nodes are supported",
                                 req->port[p].name, node, PT_HOST_NODES_MAX);
        plan->port[p].pool = (uint8_t)pool;
        add_port(plan, &req->port[p].caps, &plan->port[p], &plan->pool[pool]);
    }
    for (unsigned i = 0; i < plan->pool_cnt; i++) {
        struct pt_nic_pool_plan *pool = &plan->pool[i];

        /* A mempool's cache holds up to one and a half times its size. */
        pool->needed_cnt += plan->worker_cnt * (PT_NIC_BURST + PT_NIC_POOL_CACHE * 3 / 2);
        pool->buffer_cnt = (pool->needed_cnt / 1024 + 1) * 1024 - 1;
        pool->buffer_sz = BUFFER_OVERHEAD + PT_NIC_HEADROOM + pool->data_sz;
        pool->total_sz = (uint64_t)pool->buffer_cnt * pool->buffer_sz;
        plan->memory_sz += pool->total_sz;
        ret = check_memory(req, pool, err);
        if (ret)
            return ret;
    }
    if (!req->huge)
        pt_nic_note(plan, PT_NIC_NOTE_NO_HUGE, -1,
                    "without huge pages start-up is slower and each buffer costs address "
                    "translations; fine for tests and slow links");
    return 0;
}
