/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shard's loop, and reports.
 *
 * A report of a run that goes on is that of a copy: fork() gives the shard's thread one of the
 * whole process at that moment, in which verification is concluded by the very code that ends a
 * run, and which then is gone. Nothing of the run changes, and there is no second way to come to a
 * verdict. What workers have counted is asked of them before: each answers with a copy of its own,
 * taken between two packets.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "dataplane/backoff.h"
#include "dataplane/live_pvt.h"
#include "verify/live.h"

/* Messages between two looks at the clock. */
#define STEP_MESSAGES 256u
/* How often the workers are told which topics are one. */
#define CANON_NS 500000000ll
/* How long workers may take to answer; they look ten times a second. */
#define SNAPSHOT_NS 2000000000ll

void pt_live_memory_of(struct pt_live_memory *m, const struct pt_mem *mem, const char *what,
                       unsigned idx)
{
    snprintf(m->name, sizeof(m->name), "%s %u", what, idx);
    m->used_sz = mem->used_sz;
    m->peak_sz = mem->peak_sz;
    m->limit_sz = mem->limit_sz;
    m->has_heap = pt_mem_heap(mem, &m->heap);
}

/* All workers' snapshots in one: ports, totals, and the ends of the taps. */
void pt_live_conclude(struct pt_live *l, struct pt_live_snapshot *const *snapshots,
                      struct pt_live_port *ports, struct pt_live_state *ret_state)
{
    struct pt_pipeline *p = l->pipeline;
    const struct pt_result *result;

    for (unsigned i = 0; i < l->port_cnt; i++) {
        const struct pt_live_port_state *port = &l->port[i];
        int64_t end_ns = 0;

        ports[i] = (struct pt_live_port){ .device = port->device, .role = port->role };
        ports[i].device_counters.missed = pt_live_load(&port->missed);
        ports[i].device_counters.no_buffer = pt_live_load(&port->no_buffer);
        ports[i].device_counters.errors = pt_live_load(&port->errors);
        for (unsigned w = 0; w < l->worker_cnt; w++) {
            ports[i].packets += snapshots[w]->port_packets[i];
            ports[i].bytes += snapshots[w]->port_bytes[i];
            ports[i].given_up += snapshots[w]->port_given_up[i];
            if (snapshots[w]->tap_end_ns[i] > end_ns)
                end_ns = snapshots[w]->tap_end_ns[i];
        }
        /* What the device or the roads have lost, nobody saw pass: then its end proves nothing. */
        if (end_ns && !ports[i].given_up && !ports[i].device_counters.missed &&
            !ports[i].device_counters.no_buffer)
            pt_pipeline_tap_end(p, i, end_ns);
    }
    l->memory_cnt = 0;
    for (unsigned w = 0; w < l->worker_cnt; w++) {
        pt_totals_add(&p->totals, &snapshots[w]->totals);
        memcpy(&l->memory[l->memory_cnt], snapshots[w]->memory, sizeof(snapshots[w]->memory));
        l->memory_cnt += PT_LIVE_MEMORY_WORKER;
    }
    pt_live_memory_of(&l->memory[l->memory_cnt++], &p->shard_mem, "shard", 0);
    result = pt_pipeline_conclude(p);
    *ret_state = (struct pt_live_state){
        .result = result,
        .totals = &p->totals,
        .shard = pt_shard_stats(p->shard),
        .ports = ports,
        .port_cnt = l->port_cnt,
        .stopped = l->stopped,
        .ladder = &l->ladder_shown,
        .work = { .late_observations = p->gather.late_cnt },
        .memory = l->memory,
        .memory_cnt = l->memory_cnt,
    };
    for (unsigned w = 0; w < l->worker_cnt; w++) {
        const struct pt_live_posted *posted = &l->worker[w].posted;

        ret_state->work.handed_over += pt_live_load(&posted->handed_over);
        ret_state->work.wrong_core += pt_live_load(&posted->wrong_core);
        ret_state->work.observations_lost += pt_live_load(&posted->batches_lost);
    }
}

/* In the copy of the process. */
static void report_and_leave(struct pt_live *l, struct pt_live_snapshot *const *snapshots)
{
    struct pt_live_port ports[PT_NIC_PORTS_MAX];
    struct pt_live_state state;

    pt_live_conclude(l, snapshots, ports, &state);
    l->hooks->report(l->hooks->arg, &state);
    _exit(0);
}

static void write_report(struct pt_live *l, struct pt_live_snapshot *const *snapshots)
{
    pid_t pid;

    pt_live_copy_ladder(l); /* not in the copy, where the main thread may hold the lock for ever */
    pid = fork();

    if (!pid)
        report_and_leave(l, snapshots);
    /* Waited for by the main thread. */
    atomic_store_explicit(&l->reporter_pid, pid > 0 ? pid : 0, memory_order_relaxed);
}

/* Collects the workers' answers; true when all are there. */
static bool collect(struct pt_live *l)
{
    for (unsigned i = 0; i < l->worker_cnt; i++)
        /* Released by the worker's tick. */
        if (!atomic_load_explicit(&l->worker[i].snapshot, memory_order_acquire))
            return false;
    return true;
}

static void answer_report(struct pt_live *l, int64_t mono_ns)
{
    struct pt_live_snapshot *snapshots[PT_WORKERS_MAX];

    if (!l->report_asked_ns) {
        /* Two processes would write the same file, and only one be waited for. */
        if (atomic_load_explicit(&l->reporter_pid, memory_order_relaxed))
            return;
        if (!atomic_exchange_explicit(&l->report_wanted, false, memory_order_relaxed))
            return;
        l->report_asked_ns = mono_ns;
        pt_live_add(&l->snapshot_wanted, 1);
        return;
    }
    if (!collect(l)) {
        if (mono_ns - l->report_asked_ns > SNAPSHOT_NS) { /* asked again, from the start */
            l->report_asked_ns = 0;
            atomic_store_explicit(&l->report_wanted, true, memory_order_relaxed);
        }
        return;
    }
    for (unsigned i = 0; i < l->worker_cnt; i++)
        snapshots[i] = atomic_exchange_explicit(&l->worker[i].snapshot, NULL, memory_order_acquire);
    write_report(l, snapshots);
    for (unsigned i = 0; i < l->worker_cnt; i++) {
        pt_totals_fini(&snapshots[i]->totals);
        free(snapshots[i]);
    }
    l->report_asked_ns = 0;
}

void pt_live_shard_tick(struct pt_live *l, struct pt_key reached)
{
    int64_t mono_ns = pt_live_mono_ns();

    if (mono_ns < l->shard_next_ns)
        return;
    l->shard_next_ns = mono_ns + PT_LIVE_TICK_NS;
    if (pt_key_before(PT_KEY_FIRST, reached) && reached.time_ns < INT64_MAX)
        l->reached_ns = reached.time_ns;
    /* The time of files is that of what is observed, as in a replay. */
    if (!l->exact && l->reached_ns)
        pt_shard_tick(l->pipeline->shard, l->reached_ns);
    if (mono_ns >= l->canon_next_ns) {
        l->canon_next_ns = mono_ns + CANON_NS;
        for (unsigned i = 0; i < l->worker_cnt; i++)
            pt_shard_live_canon(l->pipeline->shard, i, l->worker[i].canon, PT_LIVE_CANON_CNT);
    }
    pt_live_show_shard(l);
    answer_report(l, mono_ns);
}

int pt_live_shard_run(void *arg)
{
    struct pt_live *l = arg;
    struct pt_gather *g = &l->pipeline->gather;
    struct pt_backoff wait = { 0 };
    int64_t at_ns = pt_live_mono_ns();

    while (!pt_gather_ended(g)) {
        int64_t mono_ns = pt_live_mono_ns();
        unsigned cnt = pt_gather_step(g, STEP_MESSAGES, mono_ns);

        pt_live_add(&l->shard_loop_ns, (uint64_t)(mono_ns - at_ns));
        if (wait.looks == 0)
            pt_live_add(&l->shard_busy_ns, (uint64_t)(mono_ns - at_ns));
        at_ns = mono_ns;
        pt_live_shard_tick(l, pt_gather_reached(g));
        if (cnt)
            wait.looks = 0;
        else if (l->cfg->idle == PT_IDLE_SLEEP)
            pt_backoff_wait(&wait);
        else
            wait.looks = 1;
    }
    atomic_fetch_add_explicit(&l->finished, 1, memory_order_release);
    return 0;
}
