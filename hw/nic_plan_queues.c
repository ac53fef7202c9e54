/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/nic_plan_pvt.h"

#include <stdio.h>

#define KEY_MIN 40 /* what IPv6 with ports takes: 36 bytes of input and 4 */

/* The ports of one link, and the workers that may poll them. */
struct group {
    unsigned port[PT_NIC_PORTS_MAX];
    unsigned port_cnt;
    uint16_t worker[PT_NIC_WORKERS_MAX];
    unsigned worker_cnt;
    unsigned group_cnt; /* of the whole request */
    unsigned first;     /* index in worker: where this group's queues begin */
    char why[160];      /* why the devices cannot bring both directions together */
};

static unsigned umin(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool power_of_two(unsigned n)
{
    return n && !(n & (n - 1));
}

static bool begins_group(const struct pt_nic_request *req, unsigned port)
{
    for (unsigned p = 0; p < port; p++) {
        if (req->port[p].link == req->port[port].link)
            return false;
    }
    return true;
}

static void gather(const struct pt_nic_request *req, const struct pt_nic_plan *plan, unsigned first,
                   struct group *g)
{
    int node = req->port[first].caps.numa_node;

    g->port_cnt = 0;
    for (unsigned p = first; p < req->port_cnt; p++) {
        if (req->port[p].link != req->port[first].link)
            continue;
        g->port[g->port_cnt++] = p;
        if (req->port[p].caps.numa_node != node)
            node = PT_HOST_ANY_NODE;
    }
    /* Several links on several sockets: each is polled on its own, if there is a worker. */
    g->worker_cnt = 0;
    for (unsigned w = 0; w < plan->worker_cnt && g->group_cnt > 1 && node >= 0; w++) {
        if (plan->worker[w].node == node)
            g->worker[g->worker_cnt++] = (uint16_t)w;
    }
    if (!g->worker_cnt) {
        for (unsigned w = 0; w < plan->worker_cnt; w++)
            g->worker[g->worker_cnt++] = (uint16_t)w;
    }
}

static int check_queues(const struct pt_nic_port_request *port, struct pt_nic_error *err)
{
    const struct pt_nic_caps *caps = &port->caps;

    if (!caps->queue_max)
        return pt_nic_refuse(err, "%s (%s) has no receive queue", port->name, caps->driver);
    if (port->queue_cnt > caps->queue_max)
        return pt_nic_refuse(err,
                             "%s: %u queues asked for, %s has %u: ask for at most that, or for "
                             "none (the plan then decides)",
                             port->name, port->queue_cnt, caps->driver, caps->queue_max);
    if (port->queue_cnt > PT_NIC_QUEUES_MAX)
        return pt_nic_refuse(err, "%s: %u queues asked for, at most %u are supported", port->name,
                             port->queue_cnt, PT_NIC_QUEUES_MAX);
    if (!(caps->traits & PT_NIC_ALL_QUEUES))
        return 0;
    if (caps->queue_max > PT_NIC_QUEUES_MAX)
        return pt_nic_refuse(err,
                             "%s brings %u queues of its own, at most %u are supported: make "
                             "several ports of it",
                             port->name, caps->queue_max, PT_NIC_QUEUES_MAX);
    if (port->queue_cnt && port->queue_cnt != caps->queue_max)
        return pt_nic_refuse(err,
                             "%s: %u queues asked for, but each of its %u has traffic of its "
                             "own, which would be lost: ask for all or for none",
                             port->name, port->queue_cnt, caps->queue_max);
    return 0;
}

/* What all ports of the group can hash: ports and addresses, else addresses alone. */
static unsigned common_fields(const struct pt_nic_request *req, const struct group *g)
{
    unsigned fields =
            PT_NIC_HASH_IPV4 | PT_NIC_HASH_IPV4_TCP | PT_NIC_HASH_IPV6 | PT_NIC_HASH_IPV6_TCP;

    for (unsigned i = 0; i < g->port_cnt; i++)
        fields &= req->port[g->port[i]].caps.hash_fields;
    if (fields & PT_NIC_HASH_IPV4_TCP)
        fields &= ~(unsigned)PT_NIC_HASH_IPV4;
    if (fields & PT_NIC_HASH_IPV6_TCP)
        fields &= ~(unsigned)PT_NIC_HASH_IPV6;
    return fields;
}

static bool takes_key(const struct pt_nic_caps *caps)
{
    return caps->traits & PT_NIC_KEY_SETTABLE && caps->key_sz >= KEY_MIN &&
           caps->key_sz <= PT_TOEPLITZ_KEY_MAX;
}

/* How the devices bring both directions together; PT_NIC_MEET_SOFTWARE with g->why if they cannot.
 */
static enum pt_nic_meet device_meet(const struct pt_nic_request *req, struct group *g)
{
    enum pt_nic_meet meet = PT_NIC_MEET_KEY;

    if (req->encapsulated) {
        snprintf(g->why, sizeof(g->why),
                 "the mirror wraps its frames, so that a device would hash "
                 "the mirror's own addresses");
        return PT_NIC_MEET_SOFTWARE;
    }
    for (unsigned i = 0; i < g->port_cnt; i++) {
        const struct pt_nic_caps *caps = &req->port[g->port[i]].caps;

        if (!caps->rss_queue_max) {
            snprintf(g->why, sizeof(g->why), "%s cannot spread packets over queues by a hash",
                     caps->driver);
            return PT_NIC_MEET_SOFTWARE;
        }
        if (!takes_key(caps)) {
            snprintf(g->why, sizeof(g->why), "the hash key of %s cannot be set", caps->driver);
            if (g->port_cnt > 1 || !(caps->traits & PT_NIC_SYMMETRIC_FUNCTION))
                return PT_NIC_MEET_SOFTWARE;
            meet = PT_NIC_MEET_FUNCTION;
        }
        if (g->port_cnt > 1 && !caps->reta_cnt) {
            snprintf(g->why, sizeof(g->why),
                     "%s does not tell its indirection table, so that its "
                     "queues cannot be matched with those of other ports",
                     caps->driver);
            return PT_NIC_MEET_SOFTWARE;
        }
    }
    if (!(common_fields(req, g) & (PT_NIC_HASH_IPV4 | PT_NIC_HASH_IPV4_TCP))) {
        snprintf(g->why, sizeof(g->why), "the ports have no IPv4 hash in common");
        return PT_NIC_MEET_SOFTWARE;
    }
    return meet;
}

/* As many queues on each port as there are workers, or as all can have. Tables of different sizes
 * give a hash the same queue only if the number of queues divides them all. */
static int common_queues(const struct pt_nic_request *req, struct group *g, unsigned *ret_cnt,
                         struct pt_nic_error *err)
{
    unsigned reta_cnt = req->port[g->port[0]].caps.reta_cnt;
    unsigned asked = 0;
    unsigned cnt = umin(g->worker_cnt, PT_NIC_QUEUES_MAX);
    bool same_reta = true;

    for (unsigned i = 0; i < g->port_cnt; i++) {
        const struct pt_nic_port_request *port = &req->port[g->port[i]];

        cnt = umin(cnt, umin(port->caps.rss_queue_max, port->caps.queue_max));
        same_reta &= port->caps.reta_cnt == reta_cnt;
        if (port->queue_cnt > port->caps.rss_queue_max)
            return pt_nic_refuse(err,
                                 "%s: %u queues asked for, but the hash of %s reaches only %u: "
                                 "ask for at most that",
                                 port->name, port->queue_cnt, port->caps.driver,
                                 port->caps.rss_queue_max);
        if (asked && port->queue_cnt && port->queue_cnt != asked)
            return pt_nic_refuse(err,
                                 "%s: %u queues asked for, but %u on another port that may see "
                                 "the same connections: ask for the same number, or give the "
                                 "ports different links",
                                 port->name, port->queue_cnt, asked);
        if (port->queue_cnt)
            asked = port->queue_cnt;
    }
    for (unsigned i = 0; i < g->port_cnt && asked; i++) {
        const struct pt_nic_caps *caps = &req->port[g->port[i]].caps;

        if (asked > umin(caps->rss_queue_max, caps->queue_max))
            return pt_nic_refuse(err,
                                 "%s: %u queues are asked for on a port that may see the same "
                                 "connections, %s can have %u: ask for at most that",
                                 req->port[g->port[i]].name, asked, caps->driver,
                                 umin(caps->rss_queue_max, caps->queue_max));
    }
    if (asked)
        cnt = asked;
    if (!same_reta && !power_of_two(cnt)) {
        if (asked)
            return pt_nic_refuse(err,
                                 "%s: %u queues on ports whose indirection tables differ in "
                                 "size: ask for a power of two",
                                 req->port[g->port[0]].name, asked);
        while (!power_of_two(cnt))
            cnt &= cnt - 1;
    }
    *ret_cnt = cnt;
    return 0;
}

static void set_hash(const struct pt_nic_request *req, struct pt_nic_plan *plan, struct group *g,
                     enum pt_nic_meet meet, unsigned queue_cnt)
{
    unsigned fields = common_fields(req, g);

    for (unsigned i = 0; i < g->port_cnt; i++) {
        const struct pt_nic_caps *caps = &req->port[g->port[i]].caps;
        struct pt_nic_port_plan *port = &plan->port[g->port[i]];

        port->meet = (uint8_t)meet;
        port->queue_cnt = (uint16_t)queue_cnt;
        port->hash_fields = (uint8_t)fields;
        port->reta_cnt = caps->reta_cnt;
        if (meet == PT_NIC_MEET_KEY) {
            port->key_sz = caps->key_sz;
            pt_toeplitz_symmetric_key(port->key, port->key_sz);
            if (caps->traits & PT_NIC_KEY_MAY_FAIL)
                pt_nic_note(plan, PT_NIC_NOTE_KEY_MAY_FAIL, (int)g->port[i],
                            "some devices of %s refuse the hash key; paritapd then hands packets "
                            "over in software, which costs every packet a trip between cores",
                            caps->driver);
        }
        for (unsigned q = 0; q < queue_cnt; q++)
            port->worker[q] = g->worker[(g->first + q) % g->worker_cnt];
        if (!(fields & PT_NIC_HASH_IPV4_TCP))
            pt_nic_note(plan, PT_NIC_NOTE_COARSE_HASH, (int)g->port[i],
                        "IPv4 is hashed over addresses only: all connections between two hosts "
                        "share a queue");
        if (!(fields & (PT_NIC_HASH_IPV6 | PT_NIC_HASH_IPV6_TCP)))
            pt_nic_note(plan, PT_NIC_NOTE_COARSE_HASH, (int)g->port[i],
                        "IPv6 is not hashed: all of it arrives on queue 0");
    }
    g->first += queue_cnt;
}

/* Queues without a common hash: one a port, or all of those that have traffic of their own; a
 * device that can spread somehow shares out the polling. */
static unsigned loose_queues(const struct pt_nic_port_request *port, unsigned worker_cnt)
{
    if (port->caps.traits & PT_NIC_ALL_QUEUES)
        return port->caps.queue_max;
    if (port->queue_cnt)
        return port->queue_cnt;
    if (port->caps.rss_queue_max)
        return umin(worker_cnt, umin(port->caps.rss_queue_max, PT_NIC_QUEUES_MAX));
    return 1;
}

static void set_loose(const struct pt_nic_request *req, struct pt_nic_plan *plan, struct group *g,
                      enum pt_nic_meet meet)
{
    for (unsigned i = 0; i < g->port_cnt; i++) {
        struct pt_nic_port_plan *port = &plan->port[g->port[i]];

        port->meet = (uint8_t)meet;
        port->queue_cnt = (uint16_t)loose_queues(&req->port[g->port[i]], g->worker_cnt);
        for (unsigned q = 0; q < port->queue_cnt; q++)
            port->worker[q] = g->worker[g->first++ % g->worker_cnt];
        if (meet == PT_NIC_MEET_SOFTWARE)
            pt_nic_note(plan, PT_NIC_NOTE_SOFTWARE, (int)g->port[i],
                        "packets are handed over between workers in software, because %s", g->why);
    }
}

static int plan_group(const struct pt_nic_request *req, struct pt_nic_plan *plan, struct group *g,
                      struct pt_nic_error *err)
{
    enum pt_nic_meet meet = g->worker_cnt == 1 ? PT_NIC_MEET_ONE_WORKER : device_meet(req, g);
    unsigned queue_cnt = 0;

    if (meet == PT_NIC_MEET_KEY || meet == PT_NIC_MEET_FUNCTION) {
        int ret = common_queues(req, g, &queue_cnt, err);

        if (ret)
            return ret;
    }
    if (meet == PT_NIC_MEET_ONE_WORKER) {
        set_loose(req, plan, g, meet);
    } else if (queue_cnt > 1) {
        set_hash(req, plan, g, meet, queue_cnt);
    } else if (g->group_cnt >= plan->worker_cnt && g->port_cnt == 1 &&
               loose_queues(&req->port[g->port[0]], g->worker_cnt) == 1) {
        set_loose(req, plan, g, PT_NIC_MEET_ONE_QUEUE);
    } else {
        if (meet != PT_NIC_MEET_SOFTWARE)
            snprintf(g->why, sizeof(g->why), "there is one queue and several workers");
        set_loose(req, plan, g, PT_NIC_MEET_SOFTWARE);
    }
    return 0;
}

static void note_idle(struct pt_nic_plan *plan)
{
    unsigned idle_cnt = 0;

    for (unsigned p = 0; p < plan->port_cnt; p++) {
        /* Who polls nothing is handed packets. */
        if (plan->port[p].meet == PT_NIC_MEET_SOFTWARE)
            return;
    }
    for (unsigned w = 0; w < plan->worker_cnt; w++)
        idle_cnt += !plan->worker[w].queue_cnt;
    if (idle_cnt)
        pt_nic_note(plan, PT_NIC_NOTE_IDLE_WORKER, -1,
                    "%u of %u workers have no queue to poll, as the devices cannot fill more: ask "
                    "for %u workers",
                    idle_cnt, plan->worker_cnt, plan->worker_cnt - idle_cnt);
}

int pt_nic_plan_queues(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                       struct pt_nic_error *err)
{
    struct group g = { 0 };
    int ret;

    for (unsigned p = 0; p < req->port_cnt; p++) {
        ret = check_queues(&req->port[p], err);
        if (ret)
            return ret;
        g.group_cnt += begins_group(req, p);
    }
    for (unsigned p = 0; p < req->port_cnt; p++) {
        if (!begins_group(req, p))
            continue;
        gather(req, plan, p, &g);
        ret = plan_group(req, plan, &g, err);
        if (ret)
            return ret;
    }
    for (unsigned p = 0; p < plan->port_cnt; p++) {
        for (unsigned q = 0; q < plan->port[p].queue_cnt; q++)
            plan->worker[plan->port[p].worker[q]].queue_cnt++;
    }
    note_idle(plan);
    return 0;
}
