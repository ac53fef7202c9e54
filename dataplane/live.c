/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/live.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>

#include "dataplane/live_pvt.h"
#include "hw/nic_probe.h"

/* Of observations to the shard. At 1 KiB a record a worker fills it in 0.2 s at 10 Gbit/s. */
#define OUT_LANE_SZ (4u << 20)
/* Of packets between two workers: as many as the plan has buffers for, but for many workers all
 * roads together stay below ROADS_SZ. */
#define ROAD_SZ_MAX (256u << 10)
#define ROAD_SZ_MIN (16u << 10)
#define ROADS_SZ (128u << 20)
#define BACK_SZ (16u << 10)
/* How long the shard waits for a worker that does not say how far it is. */
#define GATHER_WAIT_NS 20000000
/* ... and the end of a run for a process that still writes a report. */
#define REPORTER_WAIT_NS 10000000000ll

static int64_t clock_ns(clockid_t id)
{
    struct timespec ts;

    clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t pt_live_mono_ns(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

int64_t pt_live_wall_ns(void)
{
    return clock_ns(CLOCK_REALTIME);
}

/* Ports. */

static void fill_ports(struct pt_live *l)
{
    l->port_cnt = 0;
    l->exact = true;
    for (int role = 0; role < 3; role++)
        for (unsigned i = 0; i < l->cfg->device_cnt[role]; i++) {
            struct pt_live_port_state *port = &l->port[l->port_cnt++];

            port->device = l->cfg->device[role][i];
            port->role = (enum pt_input_role)role;
            l->exact = l->exact && pt_port_is_file(port->device);
        }
}

static int start_dpdk(struct pt_live *l, struct pt_port_error *err)
{
    const char *device[PT_NIC_PORTS_MAX];
    struct pt_ports_cfg cfg = {
        .program = "paritapd",
        .plan = &l->plan,
        .main_core = l->request.host.core[0].id,
        .huge = l->cfg->huge,
        .device = device,
        .device_cnt = l->port_cnt,
        .eal_arg = l->cfg->eal_arg,
        .eal_arg_cnt = l->cfg->eal_arg_cnt,
    };

    for (unsigned i = 0; i < l->port_cnt; i++)
        device[i] = l->port[i].device;
    return pt_ports_start(&cfg, err);
}

static void fill_spread(struct pt_live *l, unsigned i)
{
    const struct pt_nic_port_plan *plan = &l->plan.port[i];
    struct pt_live_spread *s = &l->port[i].spread;

    s->meet = pt_port_state(l->port[i].port)->meet;
    s->addresses_only = !(plan->hash_fields & (PT_NIC_HASH_IPV4_TCP | PT_NIC_HASH_IPV6_TCP));
    s->reta_cnt = plan->reta_cnt ? plan->reta_cnt : 128;
    s->queue_cnt = plan->queue_cnt;
    memcpy(s->worker, plan->worker, sizeof(s->worker));
}

static int set_up_ports(struct pt_live *l, struct pt_port_error *err)
{
    uint16_t id[PT_NIC_PORTS_MAX];
    int rc = 0;

    for (unsigned i = 0; !rc && i < l->port_cnt; i++) {
        rc = pt_port_find(l->port[i].device, &id[i], err);
        if (rc)
            return rc;
        rc = pt_nic_probe(id[i], &l->request.port[i].caps);
        if (rc)
            return pt_live_refuse(err, rc, "%s does not say what it can do: %s", l->port[i].device,
                                  strerror(-rc));
    }
    rc = pt_live_plan_make(&l->request, &l->plan, err);
    for (unsigned i = 0; !rc && i < l->port_cnt; i++) {
        rc = pt_port_apply(id[i], l->port[i].device, &l->request, &l->plan, i, &l->port[i].port,
                           err);
        if (!rc)
            fill_spread(l, i);
    }
    return rc;
}

/* Workers. */

static uint32_t road_sz(unsigned worker_cnt)
{
    uint32_t sz = ROAD_SZ_MAX;

    while (sz > ROAD_SZ_MIN && (uint64_t)sz * worker_cnt * (worker_cnt - 1) > ROADS_SZ)
        sz /= 2;
    return sz;
}

/* Zeroed memory of the start, that close gives back. */
static void *take_mem(struct pt_live *l, size_t sz, int *rc)
{
    void *p = *rc ? NULL : pt_mem_zalloc(&l->mem, sz);

    if (!p && !*rc)
        *rc = -ENOMEM;
    return p;
}

static int open_worker(struct pt_live *l, unsigned idx)
{
    struct pt_live_worker *w = &l->worker[idx];
    unsigned cnt = l->worker_cnt;
    struct pt_fragments_cfg intake = pt_pipeline_intake_cfg(&l->pipeline->cfg, cnt);
    int rc;

    w->live = l;
    w->idx = idx;
    w->thread = &l->pipeline->worker[idx];
    w->thread->driver = w;
    rc = pt_intake_open(&w->intake, &intake);
    w->last = w->polled = w->worked = w->frontier_sent = PT_KEY_FIRST;
    w->core_row = -1;
    for (unsigned p = 0; p < l->port_cnt; p++)
        for (unsigned q = 0; q < l->plan.port[p].queue_cnt; q++)
            w->queue_cnt += l->plan.port[p].worker[q] == idx;
    w->queue = take_mem(l, (w->queue_cnt + 1) * sizeof(*w->queue), &rc);
    w->held = take_mem(l, PT_LIVE_HELD_MAX * sizeof(*w->held), &rc);
    w->to = take_mem(l, cnt * sizeof(struct pt_lane *), &rc);
    w->from = take_mem(l, cnt * sizeof(struct pt_lane *), &rc);
    w->back_to = take_mem(l, cnt * sizeof(struct pt_lane *), &rc);
    w->back_from = take_mem(l, cnt * sizeof(struct pt_lane *), &rc);
    w->told = take_mem(l, cnt * sizeof(*w->told), &rc);
    w->frontier = take_mem(l, cnt * sizeof(*w->frontier), &rc);
    w->back = take_mem(l, cnt * sizeof(*w->back), &rc);
    w->canon = take_mem(l, PT_LIVE_CANON_CNT * sizeof(uint32_t), &rc);
    if (rc)
        return rc;
    w->queue_cnt = 0;
    for (unsigned p = 0; p < l->port_cnt; p++)
        for (unsigned q = 0; q < l->plan.port[p].queue_cnt; q++)
            if (l->plan.port[p].worker[q] == idx)
                w->queue[w->queue_cnt++] =
                        (struct pt_live_queue){ .port = l->port[p].port,
                                                .queue = q,
                                                .input = p,
                                                .is_file = pt_port_is_file(l->port[p].device) };
    for (unsigned i = 0; i < cnt; i++)
        w->told[i] = w->frontier[i] = PT_KEY_FIRST;
    return 0;
}

static int open_roads(struct pt_live *l)
{
    uint32_t sz = road_sz(l->worker_cnt);
    int rc = 0;

    for (unsigned a = 0; a < l->worker_cnt; a++)
        for (unsigned b = 0; !rc && b < l->worker_cnt; b++) {
            struct pt_live_worker *from = &l->worker[a];
            struct pt_live_worker *to = &l->worker[b];

            if (a == b)
                continue;
            rc = pt_lane_open(&l->mem, sz, &from->to[b]);
            if (!rc)
                rc = pt_lane_open(&l->mem, BACK_SZ, &to->back_to[a]);
            to->from[a] = from->to[b];
            from->back_from[b] = to->back_to[a];
        }
    return rc;
}

static int open_workers(struct pt_live *l)
{
    size_t sz = l->worker_cnt * sizeof(*l->worker);
    int rc = 0;

    pt_mem_init(&l->mem, UINT64_MAX);
    l->worker = aligned_alloc(alignof(struct pt_live_worker), sz);
    if (!l->worker)
        return -ENOMEM;
    memset(l->worker, 0, sz);
    for (unsigned i = 0; !rc && i < l->worker_cnt; i++)
        rc = open_worker(l, i);
    return rc ? rc : open_roads(l);
}

static int open_pipeline(struct pt_live *l, const struct pt_pipeline_cfg *given,
                         struct pt_port_error *err)
{
    struct pt_pipeline_cfg cfg = *given;
    struct pt_pipeline_drive drive = { .intake_cnt = l->worker_cnt };
    int rc;

    cfg.worker_cnt = l->worker_cnt;
    cfg.roles.input_cnt = l->port_cnt;
    for (unsigned i = 0; i < l->port_cnt; i++)
        cfg.roles.input[i] = l->port[i].role;
    if (l->own_shard) {
        drive.sink = pt_live_to_shard;
        drive.lanes_sz = l->worker_cnt * (OUT_LANE_SZ + 4096ull);
    }
    rc = pt_pipeline_build(&cfg, &drive, &l->pipeline);
    if (!rc)
        pt_gather_init(&l->pipeline->gather, l->pipeline->shard, l->exact ? 0 : GATHER_WAIT_NS);
    for (unsigned i = 0; !rc && l->own_shard && i < l->worker_cnt; i++) {
        rc = pt_lane_open(&l->pipeline->common_mem, OUT_LANE_SZ, &l->pipeline->worker[i].out);
        if (!rc)
            pt_gather_add(&l->pipeline->gather, l->pipeline->worker[i].out);
    }
    if (!rc)
        rc = open_workers(l);
    if (rc == -ENOMEM)
        return pt_live_refuse(err, rc,
                              "not enough memory for %u workers: give more with --memory, or less "
                              "to the other limits (--print-config shows them)",
                              l->worker_cnt);
    return rc ? pt_live_refuse(err, rc,
                               "these limits do not fit together (--print-config shows them)")
              : 0;
}

int pt_live_open(const struct pt_live_cfg *cfg, const struct pt_pipeline_cfg *pipeline,
                 struct pt_segment_cfg *segment, const struct pt_live_hooks *hooks,
                 struct pt_live **ret_live, struct pt_port_error *err)
{
    struct pt_live *l = calloc(1, sizeof(*l));
    int rc;

    if (!l)
        return pt_live_refuse(err, -ENOMEM, "out of memory");
    l->cfg = cfg;
    l->hooks = hooks;
    l->worker_cnt = cfg->worker_cnt;
    l->own_shard = cfg->shard_cnt || cfg->worker_cnt > 1;
    pthread_mutex_init(&l->ladder_lock, NULL);
    pt_ladder_init(&l->ladder);
    rc = pt_live_plan(cfg, &l->request, &l->plan, err);
    if (rc)
        goto out;
    fill_ports(l);
    rc = start_dpdk(l, err);
    if (!rc)
        rc = set_up_ports(l, err);
    if (!rc)
        rc = open_pipeline(l, pipeline, err);
    if (!rc && segment)
        rc = pt_live_show_open(l, segment, err);
out:
    if (rc)
        pt_live_close(l);
    else
        *ret_live = l;
    return rc;
}

const struct pt_nic_plan *pt_live_plan_of(const struct pt_live *l)
{
    return &l->plan;
}

/* The run. */

static void read_counters(struct pt_live *l)
{
    struct pt_port_counters c;

    for (unsigned i = 0; i < l->port_cnt; i++) {
        if (pt_port_counters(l->port[i].port, &c))
            continue;
        pt_live_store(&l->port[i].missed, c.missed);
        pt_live_store(&l->port[i].no_buffer, c.no_buffer);
        pt_live_store(&l->port[i].errors, c.errors);
    }
}

static uint64_t taken(const struct pt_live *l)
{
    uint64_t cnt = 0;

    for (unsigned i = 0; i < l->worker_cnt; i++)
        cnt += pt_live_load(&l->worker[i].posted.taken);
    return cnt;
}

/* The process that writes a report has ended. */
static void reap(struct pt_live *l)
{
    int pid = atomic_load_explicit(&l->reporter_pid, memory_order_relaxed);

    if (pid > 0 && waitpid(pid, NULL, WNOHANG) != 0)
        atomic_compare_exchange_strong(&l->reporter_pid, &pid, 0);
}

/* Packets that were lost in front of a worker: those of the ports that it polls, and what found the
 * road to another worker full. */
static uint64_t lost_before(const struct pt_live *l, const struct pt_live_worker *w)
{
    uint64_t lost = pt_live_load(&w->posted.given_up);

    for (unsigned i = 0; i < w->queue_cnt; i++) {
        const struct pt_live_port_state *port = &l->port[w->queue[i].input];

        lost += pt_live_load(&port->missed) + pt_live_load(&port->no_buffer);
    }
    return lost;
}

static uint16_t backlog_of(const struct pt_live *l, const struct pt_live_worker *w)
{
    int highest = 0;

    for (unsigned i = 0; i < w->queue_cnt; i++) {
        const struct pt_live_queue *q = &w->queue[i];
        int cnt = pt_port_backlog(q->port, q->queue);
        int max = l->plan.port[q->input].desc_cnt;

        if (cnt > 0 && max > 0 && cnt * 1000 / max > highest)
            highest = cnt * 1000 / max;
    }
    return (uint16_t)(highest < 1000 ? highest : 1000);
}

/* The difference since the last look. */
static uint64_t since(uint64_t now, uint64_t *last)
{
    uint64_t more = now - *last;

    *last = now;
    return more;
}

static void look_at_load(struct pt_live *l)
{
    struct pt_ladder_look look[PT_WORKERS_MAX];
    struct pt_ladder_change force;
    int64_t now_ns;

    for (unsigned i = 0; i < l->worker_cnt; i++) {
        const struct pt_live_worker *w = &l->worker[i];
        uint64_t busy = since(pt_live_load(&w->posted.busy_ns), &l->ladder_busy_ns[i]);
        uint64_t loop = since(pt_live_load(&w->posted.loop_ns), &l->ladder_loop_ns[i]);

        look[i] = (struct pt_ladder_look){
            .busy = (uint16_t)(loop ? busy * 1000 / loop : 1000),
            .backlog = backlog_of(l, w),
            .lost = since(lost_before(l, w), &l->ladder_lost[i]),
            .lane_full = since(pt_live_load(&w->posted.lane_full), &l->ladder_full[i]),
        };
    }
    now_ns = pt_live_wall_ns(); /* which may be set back */
    pthread_mutex_lock(&l->ladder_lock);
    if (now_ns < l->ladder.look_ns)
        now_ns = l->ladder.look_ns;
    force = pt_ladder_look(&l->ladder, now_ns, look, l->worker_cnt);
    pthread_mutex_unlock(&l->ladder_lock);
    pt_live_store(&l->shed, (uint64_t)force.step << 32 | force.share);
}

void pt_live_copy_ladder(struct pt_live *l)
{
    pthread_mutex_lock(&l->ladder_lock);
    l->ladder_shown = l->ladder;
    pthread_mutex_unlock(&l->ladder_lock);
}

static void main_loop(struct pt_live *l)
{
    const struct timespec pause = { .tv_nsec = PT_LIVE_TICK_NS };
    int64_t last_ns = pt_live_mono_ns();
    uint64_t last = 0;

    while (!atomic_load_explicit(&l->stop, memory_order_relaxed)) {
        int64_t now_ns;
        uint64_t cnt;

        nanosleep(&pause, NULL); /* a signal ends it early */
        now_ns = pt_live_mono_ns();
        cnt = taken(l);
        read_counters(l);
        if (l->cfg->overload && !l->exact)
            look_at_load(l);
        pt_live_show_main(l);
        reap(l);
        if (l->hooks->housekeep)
            l->hooks->housekeep(l->hooks->arg);
        if (cnt != last || !l->cfg->exit_when_idle_ns) {
            last = cnt;
            last_ns = now_ns;
        } else if (now_ns - last_ns >= l->cfg->exit_when_idle_ns) {
            pt_live_stop(l);
        }
    }
}

static int start_threads(struct pt_live *l)
{
    int rc = 0;

    for (unsigned i = 0; !rc && i < l->worker_cnt; i++)
        rc = pt_ports_run(i, pt_live_worker_run, &l->worker[i]);
    if (!rc && l->own_shard)
        rc = pt_ports_run(l->worker_cnt, pt_live_shard_run, l);
    return rc;
}

/* While workers drain, the heartbeat goes on. */
static void wait_for_threads(struct pt_live *l)
{
    const struct timespec pause = { .tv_nsec = 10000000 };
    unsigned cnt = l->worker_cnt + l->own_shard;

    while (atomic_load_explicit(&l->finished, memory_order_acquire) < cnt) {
        nanosleep(&pause, NULL);
        pt_live_show_main(l);
    }
    pt_ports_join();
}

static void conclude(struct pt_live *l, enum pt_verdict *ret_verdict)
{
    struct pt_live_snapshot *snapshots = calloc(l->worker_cnt, sizeof(*snapshots));
    struct pt_live_snapshot *each[PT_WORKERS_MAX];
    struct pt_live_port ports[PT_NIC_PORTS_MAX];
    struct pt_live_state state;

    *ret_verdict = PT_VERDICT_INCONCLUSIVE;
    if (!snapshots)
        return;
    for (unsigned i = 0; i < l->worker_cnt; i++) {
        each[i] = &snapshots[i];
        pt_live_worker_snapshot(&l->worker[i], each[i]);
    }
    pt_live_copy_ladder(l);
    pt_live_conclude(l, each, ports, &state);
    state.ended = l->ended = true;
    *ret_verdict = state.result->verdict;
    pt_live_show_end(l, &state);
    l->hooks->report(l->hooks->arg, &state);
    for (unsigned i = 0; i < l->worker_cnt; i++)
        pt_totals_fini(&snapshots[i].totals);
    free(snapshots);
}

/* Its report is whole before the last one replaces it; but the run does not wait for ever. */
static void wait_for_reporter(int pid)
{
    const struct timespec pause = { .tv_nsec = 10000000 };
    int64_t end_ns = pt_live_mono_ns() + REPORTER_WAIT_NS;
    int gone;

    while (!(gone = waitpid(pid, NULL, WNOHANG)) && pt_live_mono_ns() < end_ns)
        nanosleep(&pause, NULL);
    if (gone)
        return;
    kill(pid, SIGKILL);
    while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
}

int pt_live_run(struct pt_live *l, enum pt_verdict *ret_verdict)
{
    int pid;
    int rc = start_threads(l);

    if (!rc)
        main_loop(l);
    atomic_store_explicit(&l->stop, true, memory_order_relaxed);
    if (!rc)
        wait_for_threads(l);
    else
        pt_ports_join();
    read_counters(l);
    pid = atomic_load_explicit(&l->reporter_pid, memory_order_relaxed);
    if (pid > 0)
        wait_for_reporter(pid);
    if (!rc)
        conclude(l, ret_verdict);
    return rc;
}

void pt_live_stop(struct pt_live *l)
{
    atomic_store_explicit(&l->stop, true, memory_order_relaxed);
}

void pt_live_want_report(struct pt_live *l)
{
    atomic_store_explicit(&l->report_wanted, true, memory_order_relaxed);
}

static void close_workers(struct pt_live *l)
{
    for (unsigned a = 0; a < l->worker_cnt; a++) {
        struct pt_live_worker *w = &l->worker[a];

        for (unsigned b = 0; w->to && w->back_to && b < l->worker_cnt; b++) {
            pt_lane_close(w->to[b]);
            pt_lane_close(w->back_to[b]);
        }
    }
    for (unsigned a = 0; a < l->worker_cnt; a++) {
        struct pt_live_worker *w = &l->worker[a];
        void *mem[] = { w->queue,     w->held, w->to,       w->from, w->back_to,
                        w->back_from, w->told, w->frontier, w->back, (void *)(uintptr_t)w->canon };

        /* The budget has no limit and is not asked again: sizes do not matter any more. */
        for (size_t i = 0; i < sizeof(mem) / sizeof(mem[0]); i++)
            pt_mem_free(&l->mem, mem[i], 0);
        pt_intake_close(&w->intake);
    }
    free(l->worker);
}

void pt_live_close(struct pt_live *l)
{
    if (!l)
        return;
    if (l->segment) /* of a run that never came to its end */
        pt_segment_close(l->segment);
    if (l->worker)
        close_workers(l);
    pt_mem_free(&l->mem, l->pair_sum, 0);
    if (l->pipeline)
        pt_pipeline_close(l->pipeline);
    for (unsigned i = 0; i < l->port_cnt; i++)
        if (l->port[i].port)
            pt_port_close(l->port[i].port);
    pt_ports_stop();
    pthread_mutex_destroy(&l->ladder_lock);
    free(l);
}
