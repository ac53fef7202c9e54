/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_LIVE_H
#define PT_DATAPLANE_LIVE_H
/*
 * A live capture: ports (port.h) -> workers on pinned cores -> lanes -> shard, until it is stopped.
 * The stages are those of replay (pipeline.h); what differs is who drives them:
 *
 *   queue -+                                    +-> worker 0 -lane-> shard -> segment
 *   queue -+- worker 0 polls, decodes, hands    |                      |
 *             over what belongs to others ------+-> worker 1 -lane-----+
 *
 *   main thread    counters of the ports, ladder, heartbeat, signals (pt_live_run)
 *   worker         polls its queues, works off its connections, posts its row
 *   shard          puts observations in order, verifies, publishes pairs and findings; with one
 *                  worker and no thread of its own it is done in the worker's loop
 *
 * Ports that are files (net_pcap with rx_pcap=) lose nothing: everybody waits, and packets are
 * taken in the order of their time, so that the report is that of a replay.
 */
#include "dataplane/ladder.h"
#include "dataplane/pipeline.h"
#include "dataplane/port.h"
#include "dataplane/segment_writer.h"
#include "dataplane/totals.h"

/* What a worker does when no packet is there. */
enum pt_idle {
    PT_IDLE_SLEEP = 0, /* back off to short sleeps: lives beside other programs */
    PT_IDLE_POLL = 1,  /* poll on: for cores that are its own */
};

struct pt_live_cfg {
    const char *const *device[3]; /* by enum pt_input_role, in the order in which they are polled */
    unsigned device_cnt[3];
    unsigned worker_cnt;  /* [1, PT_NIC_WORKERS_MAX]; default 1 */
    unsigned shard_cnt;   /* 0: in the worker's loop, if that is the only one; 1: a thread */
    const uint16_t *core; /* workers first, then the shard; none: the plan chooses */
    unsigned core_cnt;
    bool share_cores;       /* more threads than cores are allowed; default true */
    bool huge;              /* false: --no-huge */
    uint16_t mtu;           /* of the mirrored network; default 1500 */
    bool encapsulated;      /* the mirror arrives in a tunnel */
    bool tagged;            /* the mirror arrives with VLAN tags */
    bool keep_only_brokers; /* let the device drop all but broker_port */
    uint16_t broker_port[PT_NIC_BROKER_PORTS_MAX];
    unsigned broker_port_cnt;
    uint16_t queue_cnt; /* of each port; 0: the plan decides */
    uint16_t desc_cnt;  /* of each queue; 0: the plan decides */
    enum pt_idle idle;
    bool overload;             /* the ladder may be used; default true. Files are never shed */
    int64_t exit_when_idle_ns; /* end when no packet came for this long; 0: never */
    const char *const *eal_arg;
    unsigned eal_arg_cnt;
};

void pt_live_cfg_init(struct pt_live_cfg *cfg);

/* pt_live_plan makes the request and the plan of cfg from the capabilities that the tables know,
 * without DPDK. 0, or -EINVAL / -ENOMEM with err set. */
int pt_live_plan(const struct pt_live_cfg *cfg, struct pt_nic_request *ret_req,
                 struct pt_nic_plan *ret_plan, struct pt_port_error *err);

/* pt_live_plan_make makes the plan of a request, with its error as ours. */
int pt_live_plan_make(const struct pt_nic_request *req, struct pt_nic_plan *ret_plan,
                      struct pt_port_error *err);

/* What a port has brought. */
struct pt_live_port {
    const char *device;
    enum pt_input_role role;
    struct pt_port_counters device_counters;
    uint64_t packets; /* taken by workers: all that the report is made of */
    uint64_t bytes;
    uint64_t given_up; /* of these, lost on the way to their worker: its road was full */
};

/* One budget of memory, and what the allocator holds for it. */
struct pt_live_memory {
    char name[32]; /* "worker 0 streams" */
    uint64_t used_sz;
    uint64_t peak_sz;
    uint64_t limit_sz;
    bool has_heap; /* false: no jemalloc (sanitizers) */
    struct pt_mem_heap heap;
};

#define PT_LIVE_MEMORY_WORKER 4 /* budgets of one worker */
#define PT_LIVE_MEMORY_MAX (PT_LIVE_MEMORY_WORKER * PT_WORKERS_MAX + 1)

/* What the work was; it depends on who was faster. */
struct pt_live_work {
    uint64_t handed_over; /* packets that another worker polled */
    uint64_t wrong_core; /* of these, although the device should have brought them to their owner */
    uint64_t observations_lost; /* batches that found the shard's lane full */
    uint64_t late_observations; /* that came when their place in the sequence was passed */
};

/* The run so far, or its end: what a report is made of. Borrowed for the call. */
struct pt_live_state {
    const struct pt_result *result;
    const struct pt_totals *totals;
    const struct pt_shard_stats *shard;
    const struct pt_live_port *ports;
    size_t port_cnt;
    const struct pt_ladder *ladder; /* what was left out, and when */
    struct pt_live_work work;
    const struct pt_live_memory *memory;
    size_t memory_cnt;
    bool ended;          /* false: the run goes on */
    const char *stopped; /* why it ended early, in words; NULL: it did not */
};

struct pt_live_hooks {
    void *arg;
    /* report writes a whole report. Of a run that goes on it is called in a process of its own,
     * which is a copy of this one at that moment and ends behind it. */
    void (*report)(void *arg, const struct pt_live_state *state);
    /* housekeep is called in the main thread, about ten times a second. */
    void (*housekeep)(void *arg);
};

struct pt_live;

/* pt_live_open starts DPDK, sets up the ports and makes the pipeline; nothing is polled yet. cfg,
 * segment and hooks outlive the run. cluster roles of pipeline are filled in from cfg. segment:
 * NULL: none. 0, or -errno with err set. */
int pt_live_open(const struct pt_live_cfg *cfg, const struct pt_pipeline_cfg *pipeline,
                 struct pt_segment_cfg *segment, const struct pt_live_hooks *hooks,
                 struct pt_live **ret_live, struct pt_port_error *err);

/* pt_live_plan_of: the plan that is in force, with what the devices said themselves. */
const struct pt_nic_plan *pt_live_plan_of(const struct pt_live *l);

/* pt_live_run captures until pt_live_stop, or exit_when_idle. Then everything is drained, the last
 * report is given to the hook, and the segment says its verdict. 0 and the verdict, or -errno. */
int pt_live_run(struct pt_live *l, enum pt_verdict *ret_verdict);

/* Both may be called by a signal handler. */
void pt_live_stop(struct pt_live *l);
void pt_live_want_report(struct pt_live *l);

void pt_live_close(struct pt_live *l);

#endif
