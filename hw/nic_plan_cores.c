/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/nic_plan_pvt.h"

static int refuse_core(const struct pt_nic_request *req, unsigned id, struct pt_nic_error *err)
{
    return pt_nic_refuse(err,
                         "core %u does not exist or is offline: this host has %u cores, %u to %u "
                         "(`lscpu -e` lists them)",
                         id, req->host.core_cnt, req->host.core[0].id,
                         req->host.core[req->host.core_cnt - 1].id);
}

/* The t-th thread: workers first, then shards. */
static struct pt_nic_thread_plan *thread_at(struct pt_nic_plan *plan, unsigned t)
{
    return t < plan->worker_cnt ? &plan->worker[t] : &plan->shard[t - plan->worker_cnt];
}

static int take_chosen(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                       struct pt_nic_error *err)
{
    unsigned thread_cnt = plan->worker_cnt + plan->shard_cnt;

    for (unsigned i = 0; i < req->use_core_cnt; i++) {
        if (!pt_host_core_find(&req->host, req->use_core[i]))
            return refuse_core(req, req->use_core[i], err);
        for (unsigned j = 0; j < i; j++) {
            if (req->use_core[i] == req->use_core[j] && !req->share_cores)
                return pt_nic_refuse(err,
                                     "core %u is named twice: give each worker and shard a "
                                     "core of its own",
                                     req->use_core[i]);
        }
    }
    if (req->use_core_cnt < thread_cnt && !req->share_cores)
        return pt_nic_refuse(err,
                             "%u workers and %u shards need %u cores, %u are named: name more, or "
                             "ask for fewer (with 0 shards they run in the workers' loops)",
                             plan->worker_cnt, plan->shard_cnt, thread_cnt, req->use_core_cnt);
    for (unsigned t = 0; t < thread_cnt; t++) {
        const struct pt_host_core *core =
                pt_host_core_find(&req->host, req->use_core[t % req->use_core_cnt]);

        thread_at(plan, t)->core = core->id;
        thread_at(plan, t)->node = core->node;
    }
    return 0;
}

/* How little a core suits: not used yet before used, the ports' node before another, isolated
 * before not, alone on its physical core before a hyper-thread, and the first core last, because
 * the system and our own main thread live there. Ties go to the lower number. */
static unsigned unfit(const struct pt_nic_request *req, const struct pt_nic_plan *plan,
                      unsigned thread_cnt, const struct pt_host_core *core, int node)
{
    unsigned used = 0;
    unsigned sibling = 0;

    for (unsigned t = 0; t < thread_cnt; t++) {
        const struct pt_nic_thread_plan *other =
                t < plan->worker_cnt ? &plan->worker[t] : &plan->shard[t - plan->worker_cnt];

        used += other->core == core->id;
        sibling |= pt_host_core_find(&req->host, other->core)->physical == core->physical;
    }
    return used << 4 | (unsigned)(node >= 0 && core->node != node) << 3 |
           (unsigned)!core->isolated << 2 | sibling << 1 | (unsigned)(core == &req->host.core[0]);
}

static int choose(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                  struct pt_nic_error *err)
{
    unsigned thread_cnt = plan->worker_cnt + plan->shard_cnt;

    if (req->host.core_cnt < thread_cnt && !req->share_cores)
        return pt_nic_refuse(
                err,
                "%u workers and %u shards need %u cores, this host has %u: ask for "
                "fewer (with 0 shards they run in the workers' loops), or allow sharing",
                plan->worker_cnt, plan->shard_cnt, thread_cnt, req->host.core_cnt);
    for (unsigned t = 0; t < thread_cnt; t++) {
        /* Workers near the ports, in turn; shards near the first. */
        unsigned port = t < plan->worker_cnt ? t % req->port_cnt : 0;
        const struct pt_host_core *best = &req->host.core[0];
        unsigned best_unfit = unfit(req, plan, t, best, req->port[port].caps.numa_node);

        for (unsigned i = 1; i < req->host.core_cnt; i++) {
            unsigned it = unfit(req, plan, t, &req->host.core[i], req->port[port].caps.numa_node);

            if (it < best_unfit) {
                best = &req->host.core[i];
                best_unfit = it;
            }
        }
        thread_at(plan, t)->core = best->id;
        thread_at(plan, t)->node = best->node;
    }
    return 0;
}

int pt_nic_plan_cores(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                      struct pt_nic_error *err)
{
    return req->use_core_cnt ? take_chosen(req, plan, err) : choose(req, plan, err);
}

/* Threads that get less than a core: because another has the same, or the same physical one. */
static void note_sharing(const struct pt_nic_request *req, struct pt_nic_plan *plan)
{
    unsigned thread_cnt = plan->worker_cnt + plan->shard_cnt;
    unsigned same_cnt = 0;
    unsigned sibling_cnt = 0;
    const struct pt_host_core *same = NULL;
    const struct pt_host_core *sibling = NULL;

    for (unsigned t = 0; t < thread_cnt; t++) {
        const struct pt_host_core *core = pt_host_core_find(&req->host, thread_at(plan, t)->core);
        bool is_same = false;
        bool is_sibling = false;

        for (unsigned u = 0; u < t; u++) {
            const struct pt_host_core *other =
                    pt_host_core_find(&req->host, thread_at(plan, u)->core);

            is_same |= other == core;
            is_sibling |= other != core && other->physical == core->physical;
        }
        same_cnt += is_same;
        sibling_cnt += is_sibling;
        if (is_same && !same)
            same = core;
        if (is_sibling && !sibling)
            sibling = core;
    }
    if (same)
        pt_nic_note(plan, PT_NIC_NOTE_CORE, -1,
                    "%u threads have no core of their own (the first shares core %u): bursts wait "
                    "for another thread's time slice",
                    same_cnt, same->id);
    if (sibling)
        pt_nic_note(
                plan, PT_NIC_NOTE_CORE, -1,
                "%u threads run on a hyper-thread of a core that another one uses (the first on "
                "core %u): together such two carry little more than one",
                sibling_cnt, sibling->id);
}

void pt_nic_plan_core_notes(const struct pt_nic_request *req, struct pt_nic_plan *plan)
{
    unsigned thread_cnt = plan->worker_cnt + plan->shard_cnt;
    unsigned not_isolated_cnt = 0;

    note_sharing(req, plan);
    for (unsigned t = 0; t < thread_cnt; t++)
        not_isolated_cnt += !pt_host_core_find(&req->host, thread_at(plan, t)->core)->isolated;
    if (req->host.core_cut_cnt)
        pt_nic_note(plan, PT_NIC_NOTE_CORE, -1, "%u cores beyond the first %u are not considered",
                    req->host.core_cut_cnt, PT_HOST_CORES_MAX);
    if (not_isolated_cnt)
        pt_nic_note(plan, PT_NIC_NOTE_CORE, -1,
                    "%u of %u threads run on cores that are not isolated: other programs can take "
                    "them for "
                    "milliseconds; isolate them with isolcpus= and nohz_full= on the kernel's "
                    "command line, or let paritapd sleep when idle",
                    not_isolated_cnt, thread_cnt);
    for (unsigned p = 0; p < plan->port_cnt; p++) {
        int node = req->port[p].caps.numa_node;

        for (unsigned q = 0; q < plan->port[p].queue_cnt; q++) {
            const struct pt_nic_thread_plan *worker = &plan->worker[plan->port[p].worker[q]];

            if (node >= 0 && worker->node >= 0 && worker->node != node) {
                pt_nic_note(plan, PT_NIC_NOTE_FAR_NODE, (int)p,
                            "the port is on NUMA node %d, but core %u, which polls its queue %u, "
                            "is on node %d: every packet crosses the socket link",
                            node, worker->core, q, worker->node);
                break;
            }
        }
    }
}
