/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/port_pvt.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_malloc.h>
#include <rte_mbuf.h>
#include <rte_mbuf_dyn.h>
#include <rte_mempool.h>

/* How long two readings of a device's clock are apart at first: 100 ppm of error at most, if one of
 * them takes 10 us. */
#define CLOCK_FIRST_NS 100000000

/* What every step of apply needs. */
struct apply {
    struct pt_port *p;
    const struct pt_nic_caps *caps;
    const struct pt_nic_plan *plan;
    const struct pt_nic_port_plan *port;
    struct rte_eth_dev_info info;
    struct rte_eth_conf conf;
    uint8_t key[PT_TOEPLITZ_KEY_MAX]; /* DPDK takes no const one */
    struct pt_port_error *err;
};

static int failed(const struct apply *a, int rc, const char *step, const char *todo)
{
    /* Many drivers return -1 for whatever went wrong. */
    return pt_port_refuse(a->err, rc, "%s: %s: %s%s: %s", a->p->device, step,
                          rc == -1 ? "the driver fails, or may not" : rte_strerror(-rc),
                          pt_port_log_last(), todo);
}

/* --- configure --- */

static void make_conf(struct apply *a, bool with_key)
{
    memset(&a->conf, 0, sizeof(a->conf));
    a->conf.rxmode.mtu = a->port->mtu;
    /* Tags stay in the data: stripping is never asked for. */
    if (a->port->scatter)
        a->conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_SCATTER;
    if (a->p->state.clock == PT_NIC_CLOCK_DEVICE)
        a->conf.rxmode.offloads |= RTE_ETH_RX_OFFLOAD_TIMESTAMP;
    memcpy(a->key, a->port->key, sizeof(a->key));
    pt_port_hash_conf(a->port, with_key ? a->key : NULL, &a->conf);
}

/* Some drivers pair each receive queue with one to send. */
static int configure_queues(struct apply *a)
{
    struct pt_port_state *state = &a->p->state;
    int ret = rte_eth_dev_configure(a->p->port_id, state->queue_cnt, 0, &a->conf);

    state->tx_queue_cnt = 0;
    if (ret && ret != -EIO && ret != -ENOMEM && a->info.max_tx_queues >= state->queue_cnt) {
        int second =
                rte_eth_dev_configure(a->p->port_id, state->queue_cnt, state->queue_cnt, &a->conf);

        if (!second) {
            state->tx_queue_cnt = state->queue_cnt;
            pt_port_log_clear(); /* of the first try */
        }
        ret = second;
    }
    return ret;
}

static int configure(struct apply *a)
{
    uint64_t offloads = a->info.rx_offload_capa;
    bool may_fail = a->port->meet == PT_NIC_MEET_KEY && a->caps->traits & PT_NIC_KEY_MAY_FAIL;
    int ret;

    if (a->p->state.clock == PT_NIC_CLOCK_DEVICE && !(offloads & RTE_ETH_RX_OFFLOAD_TIMESTAMP))
        return failed(a, -ENOTSUP, "switching on the timestamps",
                      "the plan was made for another device");
    make_conf(a, true);
    ret = configure_queues(a);
    if (ret && may_fail) {
        const char *why = rte_strerror(-ret);

        make_conf(a, false);
        ret = configure_queues(a);
        if (!ret)
            pt_port_hash_refused(a->p, why);
    }
    if (ret)
        return failed(a, ret, "configuring queues, MTU and hash",
                      "ask for fewer queues or a smaller MTU");
    return 0;
}

static int set_up_queues(struct apply *a)
{
    struct pt_port *p = a->p;
    uint16_t rx_cnt = a->port->desc_cnt;
    uint16_t tx_cnt = a->info.default_txportconf.ring_size;
    int socket = rte_eth_dev_socket_id(p->port_id);
    int ret;

    if (!tx_cnt)
        tx_cnt = 64; /* never used */
    ret = rte_eth_dev_adjust_nb_rx_tx_desc(p->port_id, &rx_cnt, &tx_cnt);
    if (ret)
        return failed(a, ret, "choosing descriptors", "state a number that the device takes");
    p->state.desc_cnt = rx_cnt;
    for (uint16_t q = 0; q < p->state.queue_cnt; q++) {
        struct rte_eth_rxconf conf = a->info.default_rxconf;

        conf.offloads = a->conf.rxmode.offloads;
        ret = rte_eth_rx_queue_setup(p->port_id, q, rx_cnt, (unsigned)socket, &conf, p->pool);
        if (ret)
            return failed(a, ret, "setting up a receive queue",
                          "ask for fewer descriptors or queues, or a smaller MTU; a capture that "
                          "is repeated (infinite_rx=1) must fit into the buffers");
    }
    for (uint16_t q = 0; q < p->state.tx_queue_cnt; q++) {
        ret = rte_eth_tx_queue_setup(p->port_id, q, tx_cnt, (unsigned)socket, NULL);
        if (ret)
            return failed(a, ret, "setting up the sending queue that the driver insists on",
                          "ask for fewer queues");
    }
    return 0;
}

/* --- started --- */

static int set_promiscuous(struct apply *a)
{
    int ret = rte_eth_promiscuous_enable(a->p->port_id);

    a->p->state.promiscuous = rte_eth_promiscuous_get(a->p->port_id) == 1;
    /* Virtual devices deliver all that they have. */
    if (!ret || (ret == -ENOTSUP && a->caps->traits & PT_NIC_VIRTUAL))
        return 0;
    return failed(a, ret, "switching on promiscuous mode",
                  "frames for other hosts would be missing; run as root, or allow it on the "
                  "hypervisor");
}

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static int start_clock(struct apply *a)
{
    struct timespec pause = { .tv_nsec = CLOCK_FIRST_NS };
    struct pt_port_clock clock;
    uint64_t tick;

    if (a->p->state.clock != PT_NIC_CLOCK_DEVICE)
        return 0;
    if (rte_eth_read_clock(a->p->port_id, &tick)) {
        a->p->state.clock = PT_NIC_CLOCK_SOFTWARE;
        pt_port_note(a->p, "the device stamps packets, but its clock cannot be read: packets get "
                           "the time at which their burst was taken");
        return 0;
    }
    pt_port_clock_init(&clock, tick, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME));
    nanosleep(&pause, NULL);
    if (rte_eth_read_clock(a->p->port_id, &tick))
        return failed(a, -EIO, "reading the device's clock", "start again");
    pt_port_clock_read(&clock, tick, clock_ns(CLOCK_MONOTONIC), clock_ns(CLOCK_REALTIME));
    if (clock.ns_per_tick <= 0)
        return failed(a, -EIO, "reading the device's clock", "it stands still: reset the card");
    for (unsigned q = 0; q < a->p->state.queue_cnt; q++)
        a->p->queue[q].clock = clock;
    return 0;
}

static int read_counters(uint16_t port_id, struct pt_port_counters *ret)
{
    struct rte_eth_stats stats;
    int rc = rte_eth_stats_get(port_id, &stats);

    if (rc)
        return rc;
    *ret = (struct pt_port_counters){
        .packets = stats.ipackets,
        .bytes = stats.ibytes,
        .missed = stats.imissed,
        .no_buffer = stats.rx_nombuf,
        .errors = stats.ierrors,
    };
    return 0;
}

static int steps(struct apply *a)
{
    bool may_fail = a->caps->traits & PT_NIC_KEY_MAY_FAIL;
    int ret = pt_port_pools(a->p, a->plan, (unsigned)(a->port - a->plan->port), a->err);

    if (!ret)
        ret = configure(a);
    if (!ret)
        ret = set_up_queues(a);
    if (ret)
        return ret;
    /* Not every driver counts before it starts: there is nothing to take off then. */
    read_counters(a->p->port_id, &a->p->base);
    ret = rte_eth_dev_start(a->p->port_id);
    if (ret)
        return failed(a, ret, "starting", "see that nothing else uses the device");
    ret = pt_port_hash_apply(a->p, a->port, may_fail, a->err);
    if (!ret)
        ret = pt_port_rules_apply(a->p, a->port, a->err);
    if (!ret)
        ret = start_clock(a);
    if (!ret)
        ret = set_promiscuous(a);
    return ret;
}

static struct pt_port *make(uint16_t port_id, const char *device,
                            const struct pt_nic_port_plan *plan)
{
    struct pt_port *p = rte_zmalloc("port", sizeof(*p), RTE_CACHE_LINE_SIZE);

    if (!p)
        return NULL;
    p->port_id = port_id;
    p->is_file = pt_port_is_file(device);
    p->stamp_off = -1;
    p->state.meet = plan->meet;
    p->state.clock = plan->clock;
    p->state.queue_cnt = plan->queue_cnt;
    snprintf(p->device, sizeof(p->device), "%s", device);
    return p;
}

int pt_port_apply(uint16_t port_id, const char *device, const struct pt_nic_request *req,
                  const struct pt_nic_plan *plan, unsigned port_idx, struct pt_port **ret_port,
                  struct pt_port_error *err)
{
    struct apply a = {
        .caps = &req->port[port_idx].caps,
        .plan = plan,
        .port = &plan->port[port_idx],
        .err = err,
    };
    int ret;

    pt_port_log_clear();
    a.p = make(port_id, device, a.port);
    if (!a.p)
        return pt_port_refuse(err, -ENOMEM, "%s: DPDK has no memory for a port", device);
    ret = rte_eth_dev_info_get(port_id, &a.info);
    if (ret)
        failed(&a, ret, "asking what the device can do", "see that it is still there");
    if (!ret && a.port->clock != PT_NIC_CLOCK_SOFTWARE) {
        ret = rte_mbuf_dyn_rx_timestamp_register(&a.p->stamp_off, &a.p->stamp_flag);
        if (ret)
            failed(&a, ret, "making room for timestamps", "leave other DPDK features out");
    }
    if (!ret)
        ret = steps(&a);
    if (ret) {
        pt_port_close(a.p);
        return ret;
    }
    *ret_port = a.p;
    return 0;
}

/* --- in force --- */

const struct pt_port_state *pt_port_state(const struct pt_port *p)
{
    return &p->state;
}

/* Some drivers start to count anew when the device starts. */
static uint64_t since(uint64_t now, uint64_t base)
{
    return now >= base ? now - base : now;
}

int pt_port_counters(const struct pt_port *p, struct pt_port_counters *ret)
{
    struct pt_port_counters now;
    int rc = read_counters(p->port_id, &now);

    if (rc)
        return rc;
    now.packets = since(now.packets, p->base.packets);
    now.bytes = since(now.bytes, p->base.bytes);
    now.missed = since(now.missed, p->base.missed);
    now.no_buffer = since(now.no_buffer, p->base.no_buffer);
    now.errors = since(now.errors, p->base.errors);
    for (unsigned q = 0; q < p->state.queue_cnt; q++) {
        now.joined += atomic_load_explicit(&p->queue[q].joined, memory_order_relaxed);
        now.cut += atomic_load_explicit(&p->queue[q].cut, memory_order_relaxed);
    }
    *ret = now;
    return 0;
}

int pt_port_backlog(const struct pt_port *p, unsigned queue)
{
    int cnt = rte_eth_rx_queue_count(p->port_id, (uint16_t)queue);

    return cnt < 0 ? -1 : cnt;
}

void pt_port_close(struct pt_port *p)
{
    if (!p)
        return;
    rte_eth_dev_stop(p->port_id);
    for (unsigned q = 0; q < p->state.queue_cnt; q++)
        rte_mempool_free(p->queue[q].join);
    rte_free(p);
}
