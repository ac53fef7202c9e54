/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_LIVE_PVT_H
#define PT_DATAPLANE_LIVE_PVT_H
/*
 * What the threads of a live capture share.
 *
 *   live.c         start, main loop, end
 *   live_worker.c  a worker's loop: poll, hand over, work off
 *   live_shard.c   the shard's loop, and reports of a run that goes on
 *   live_show.c    what all of them put into the segment
 *
 * Counters that another thread reads are atomic, relaxed, with one writer each; everything else
 * crosses threads by lanes.
 */
#include <stdalign.h>
#include <stdatomic.h>

#include "dataplane/ladder.h"
#include "dataplane/live.h"
#include "dataplane/pipeline_pvt.h"
#include "hw/toeplitz.h"

#define PT_LIVE_TICK_NS 100000000ll /* how often rows are posted and things are looked after */

/* One receive queue. */
struct pt_live_queue {
    struct pt_port *port;
    unsigned queue;
    uint32_t input;
    bool is_file;
    unsigned cnt; /* of the burst in hand */
    unsigned at;  /* of these, taken */
    struct pt_rx rx[PT_NIC_BURST];
};

/* A packet that waits for its turn, with the buffer that it lies in and who polled it. */
struct pt_live_packet {
    struct pt_taken taken;
    void *buf;
    unsigned poller;
};

/* Packets of its own that a worker may hold while it waits for earlier ones of others. */
#define PT_LIVE_HELD_MAX 256u
/* Buffers of one poller that are given back together. */
#define PT_LIVE_BACK_MAX 32u

struct pt_live_back {
    void *buf[PT_LIVE_BACK_MAX];
    unsigned cnt;
};

/* How a port's packets find their workers: PT_NIC_MEET_KEY by the device's hash, checked here. */
struct pt_live_spread {
    uint8_t meet; /* enum pt_nic_meet */
    bool addresses_only;
    unsigned reta_cnt;
    unsigned queue_cnt;
    uint16_t worker[PT_NIC_QUEUES_MAX];
};

/* Topic numbers of a lane that the ladder can tell apart; those beyond are never shed alone. */
#define PT_LIVE_CANON_CNT 65536u

/* Posted by a worker for the main thread. */
struct pt_live_posted {
    _Atomic uint64_t taken;        /* packets */
    _Atomic uint64_t busy_ns;      /* grows: time in which there was work */
    _Atomic uint64_t loop_ns;      /* grows: all time */
    _Atomic uint64_t given_up;     /* packets that found the road to their worker full */
    _Atomic uint64_t batches_lost; /* observed, and given up as the shard's lane was full */
    _Atomic uint64_t handed_over;  /* packets that another worker polled for this one */
    _Atomic uint64_t wrong_core;   /* of these, although the device should have hashed them here */
    _Atomic uint64_t lane_full;    /* times that it found a lane full */
};

/* What a worker has taken of a port; the main thread shows it. */
struct pt_live_input {
    _Atomic uint64_t packets;
    _Atomic uint64_t bytes;
    _Atomic uint64_t given_up; /* of these, lost on the road to another worker */
    int64_t end_ns;            /* packet time of the last; the worker's own */
};

/* What was counted at the last look. */
struct pt_live_load {
    uint64_t busy_ns;
    uint64_t loop_ns;
};

struct pt_live_worker {
    alignas(64) struct pt_live *live;
    unsigned idx;
    struct pt_pipeline_thread *thread; /* its stages */
    struct pt_live_queue *queue;
    unsigned queue_cnt;
    struct pt_intake intake;
    uint64_t order;              /* of the packet taken last */
    struct pt_key last;          /* packet that others polled, as far as they ended */
    struct pt_key polled;        /* its key */
    bool own_ended;              /* its queues will bring nothing more */
    struct pt_live_packet stuck; /* its road is full; buf NULL: none */
    unsigned stuck_owner;
    struct pt_live_packet *held; /* a ring of PT_LIVE_HELD_MAX */
    unsigned held_at;
    unsigned held_cnt;
    struct pt_lane **to;      /* by worker; NULL: itself */
    struct pt_lane **from;    /* ... the other ends */
    struct pt_lane **back_to; /* buffers to those who polled them */
    struct pt_lane **back_from;
    struct pt_key *told;       /* by worker: what it was told was polled */
    struct pt_key *frontier;   /* by worker: what it told */
    struct pt_live_back *back; /* by worker: buffers to be given back */
    struct pt_key worked;      /* of the packet worked off last */
    bool waiting;              /* packets are here that must wait for their turn ... */
    struct pt_key safe;        /* ... and nothing at or before this key can come before them */
    struct pt_key frontier_sent;
    struct pt_live_input port[PT_NIC_PORTS_MAX];
    struct pt_live_load shown;
    _Atomic uint64_t conns[PT_CLUSTER_CNT][PT_CONN_KIND_CNT]; /* posted for the shard's rows */
    int64_t last_packet_ns;                                   /* packet time, and ... */
    int64_t last_mono_ns; /* ... the clock, when the last packet was taken */
    bool took;            /* one was, since the clock was looked at */
    int64_t next_tick_ns;
    int64_t loop_at_ns;
    uint64_t snapshot_seen;
    int64_t core_row;
    struct pt_live_posted posted;
    _Atomic uint32_t *canon; /* of its topic numbers: from the shard's thread, for its parser */
    uint64_t shed_seen;      /* what is in force in its parser: pt_live.shed */
    bool owes_shed;          /* observations were lost that the shard has not been told of */
    _Atomic(struct pt_live_snapshot *) snapshot; /* the answer to live->snapshot_wanted */
};

/* What a worker had counted at a moment between two packets. */
struct pt_live_snapshot {
    struct pt_totals totals;
    uint64_t port_packets[PT_NIC_PORTS_MAX];
    uint64_t port_bytes[PT_NIC_PORTS_MAX];
    uint64_t port_given_up[PT_NIC_PORTS_MAX];
    int64_t tap_end_ns[PT_NIC_PORTS_MAX];
    struct pt_live_memory memory[PT_LIVE_MEMORY_WORKER];
};

/* pt_live_memory_of describes a budget; by the thread that uses it, or when nobody does. */
void pt_live_memory_of(struct pt_live_memory *m, const struct pt_mem *mem, const char *what,
                       unsigned idx);

struct pt_live_port_state {
    struct pt_port *port;
    const char *device;
    enum pt_input_role role;
    struct pt_live_spread spread;
    int64_t tap_row;
    /* Posted by the main thread. */
    _Atomic uint64_t missed;
    _Atomic uint64_t no_buffer;
    _Atomic uint64_t errors;
};

/* What pairs add to the row of the run. */
struct pt_live_sum {
    uint64_t pairs;
    uint64_t verified;
    uint64_t divergent;
    uint64_t unseen;
    uint64_t pending;
    uint64_t offsets_certified;
    uint64_t offsets_observed;
};

struct pt_live {
    const struct pt_live_cfg *cfg;
    const struct pt_live_hooks *hooks;
    struct pt_nic_request request;
    struct pt_nic_plan plan;
    struct pt_live_port_state port[PT_NIC_PORTS_MAX];
    unsigned port_cnt;
    bool exact; /* all ports are files: nobody gives anything up */
    struct pt_pipeline *pipeline;
    struct pt_live_worker *worker;
    unsigned worker_cnt;
    bool own_shard;                    /* the shard has a thread */
    struct pt_mem mem;                 /* of lanes between workers */
    struct pt_segment_writer *segment; /* NULL: none */
    struct pt_segment_writer segment_mem;
    int64_t run_row_idx;
    /* The shard's thread, for what it shows. */
    struct pt_live_sum sum;       /* of all pairs */
    struct pt_live_sum *pair_sum; /* by number: what each has added */
    uint64_t pair_sum_cnt;
    int64_t pair_rows; /* rows taken */
    uint64_t taken_back;
    int64_t reached_ns; /* packet time */
    bool ended;
    int64_t shard_row;
    int64_t shard_next_ns;
    int64_t report_asked_ns; /* the shard's thread: workers were asked then; 0: no report is due */
    struct pt_live_load shard_shown;
    _Atomic uint64_t shard_busy_ns;
    _Atomic uint64_t shard_loop_ns;
    const char *stopped;
    pthread_mutex_t ladder_lock; /* the main thread writes it, the shard's copies it for reports */
    struct pt_ladder ladder;
    struct pt_ladder ladder_shown;
    uint64_t ladder_busy_ns[PT_WORKERS_MAX]; /* at the last look */
    uint64_t ladder_loop_ns[PT_WORKERS_MAX];
    uint64_t ladder_lost[PT_WORKERS_MAX];
    uint64_t ladder_full[PT_WORKERS_MAX];
    struct pt_live_memory memory[PT_LIVE_MEMORY_MAX]; /* of the report at hand */
    size_t memory_cnt;
    int64_t canon_next_ns; /* the shard's thread */
    _Atomic uint64_t shed; /* step << 32 | share: of all workers */
    _Atomic bool stop;
    _Atomic bool report_wanted;
    _Atomic uint64_t snapshot_wanted; /* moves when workers are to answer with a snapshot */
    _Atomic int reporter_pid;         /* the process that writes a report; 0: none */
    _Atomic unsigned finished;        /* workers and shard that have ended */
};

static inline uint64_t pt_live_load(const _Atomic uint64_t *v)
{
    return atomic_load_explicit(v, memory_order_relaxed);
}

/* One writer: so no read-modify-write is needed. */
static inline void pt_live_add(_Atomic uint64_t *v, uint64_t n)
{
    atomic_store_explicit(v, pt_live_load(v) + n, memory_order_relaxed);
}

static inline void pt_live_store(_Atomic uint64_t *v, uint64_t n)
{
    atomic_store_explicit(v, n, memory_order_relaxed);
}

int64_t pt_live_mono_ns(void);
int64_t pt_live_wall_ns(void);

/* live.c: ladder_shown becomes what the ladder is now. */
void pt_live_copy_ladder(struct pt_live *l);

/* live_plan.c: the words of an error; returns rc. */
int pt_live_refuse(struct pt_port_error *err, int rc, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* live_worker.c */
int pt_live_worker_run(void *worker);
void pt_live_to_shard(void *thread, struct pt_key key, const uint8_t *buf, size_t sz);
void pt_live_worker_snapshot(struct pt_live_worker *w, struct pt_live_snapshot *s);

/* live_shard.c */
int pt_live_shard_run(void *live);
/* pt_live_shard_tick does, ten times a second at most, what the shard's thread does beside reading:
 * it looks for what packet time has decided, shows it, and writes reports. */
void pt_live_shard_tick(struct pt_live *l, struct pt_key reached);
/* pt_live_conclude ends verification with what the snapshots say, and fills *ret_state. */
void pt_live_conclude(struct pt_live *l, struct pt_live_snapshot *const *snapshots,
                      struct pt_live_port *ports, struct pt_live_state *ret_state);

/* live_show.c */
int pt_live_show_open(struct pt_live *l, struct pt_segment_cfg *cfg, struct pt_port_error *err);
void pt_live_show_worker(struct pt_live_worker *w);
void pt_live_show_shard(struct pt_live *l);
void pt_live_show_main(struct pt_live *l);
void pt_live_show_end(struct pt_live *l, const struct pt_live_state *state);

#endif
