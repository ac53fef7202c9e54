/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A replay by several threads: the caller reads and decodes, each worker and the shard run on their
 * own. Nothing is ever shed here: whoever finds a lane full waits.
 *
 * Nobody waits in a circle. The shard may wait for the frontier of a worker that has nothing to do;
 * so before the caller waits for a full lane it tells all other workers how far the run has got.
 * Everything that the full lane's worker has observed lies before that, so the shard can take it.
 * A worker tells no frontier while it holds something back for a batch that is decoded elsewhere:
 * whoever is at that waits for nobody, and if nobody is the worker decodes it itself.
 */
#include <errno.h>
#include <string.h>

#include "dataplane/backoff.h"
#include "dataplane/pipeline_pvt.h"

/* Of segments, and of observations. A largest packet of a capture file (1 MiB) fits. */
#define LANE_SZ (4u << 20)
/* Segments sent between two times that everybody is told how far the run has got. */
#define TELL_EVERY 1024u
/* Messages of a worker between two that tell its frontier. */
#define FRONTIER_EVERY 64u

enum kind { SEGMENT = 1, REACHED, END };

struct segment_msg {
    struct pt_lane_head head;
    struct pt_segment seg; /* its payload follows */
    struct pt_packet_ref at;
    uint8_t pay[];
};

static void to_lane(void *arg, struct pt_key key, const uint8_t *buf, size_t sz)
{
    struct pt_pipeline_thread *t = arg;
    struct pt_backoff wait = { 0 };

    while (!pt_gather_send(t->out, PT_GATHER_OBS, key, buf, sz))
        pt_backoff_wait(&wait);
}

struct pt_pipeline_drive pt_pipeline_threads_drive(const struct pt_pipeline_cfg *cfg)
{
    return (struct pt_pipeline_drive){
        .sink = to_lane,
        /* Two lanes a worker, and a little for a lane's own state. */
        .lanes_sz = cfg->worker_cnt * 2ull * (LANE_SZ + 4096),
        .intake_cnt = 1,
    };
}

static void send_frontier(struct pt_pipeline_thread *t, struct pt_key key)
{
    /* Full: the shard has something of this worker to read, and will hear of it later. */
    (void)pt_gather_send(t->out, PT_GATHER_FRONTIER, key, NULL, 0);
}

static void work_on(struct pt_pipeline_thread *t, const struct pt_lane_head *h)
{
    const struct segment_msg *m = (const void *)h;
    struct pt_taken taken;

    if (h->kind != SEGMENT) {
        pt_worker_advance(&t->worker, h->key);
    } else {
        taken = (struct pt_taken){ .seg = m->seg, .at = m->at, .key = h->key };
        taken.seg.pay = m->pay;
        pt_worker_take(&t->worker, &taken);
    }
    pt_worker_flush(&t->worker);
}

static void *run_worker(void *arg)
{
    struct pt_pipeline_thread *t = arg;
    struct pt_backoff wait = { 0 };
    struct pt_key key = PT_KEY_FIRST;
    unsigned since = 0;
    bool ended = false;

    while (!ended) {
        const struct pt_lane_head *h = pt_lane_first(t->in);

        if (h) {
            wait.looks = 0;
            since++;
            work_on(t, h);
            ended = h->kind == END;
            key = h->key;
            pt_lane_pop(t->in);
        }
        if (since && (!h || since >= FRONTIER_EVERY) && !pt_worker_holds(&t->worker)) {
            send_frontier(t, key);
            since = 0;
        }
        if (!h && pt_worker_help(&t->worker))
            wait.looks = 0;
        else if (!h)
            pt_backoff_wait(&wait);
    }
    pt_worker_finish(&t->worker);
    while (!pt_gather_send(t->out, PT_GATHER_END, PT_KEY_LAST, NULL, 0))
        pt_backoff_wait(&wait);
    return NULL;
}

static void *run_shard(void *arg)
{
    struct pt_pipeline *p = arg;
    struct pt_backoff wait = { 0 };

    while (!pt_gather_ended(&p->gather)) {
        const struct pt_shard_stats *stats = pt_shard_stats(p->shard);

        if (!pt_gather_step(&p->gather, FRONTIER_EVERY, 0)) {
            pt_backoff_wait(&wait);
            continue;
        }
        wait.looks = 0;
        atomic_store_explicit(&p->batches, stats->batches, memory_order_relaxed);
        atomic_store_explicit(&p->records, stats->records_credited, memory_order_relaxed);
    }
    return NULL;
}

int pt_pipeline_threads_start(struct pt_pipeline *p)
{
    pt_gather_init(&p->gather, p->shard, 0);
    for (unsigned i = 0; i < p->cfg.worker_cnt; i++) {
        struct pt_pipeline_thread *t = &p->worker[i];
        int rc = pt_lane_open(&p->common_mem, LANE_SZ, &t->in);

        if (!rc)
            rc = pt_lane_open(&p->common_mem, LANE_SZ, &t->out);
        if (rc)
            return rc;
        pt_gather_add(&p->gather, t->out);
    }
    for (unsigned i = 0; i < p->cfg.worker_cnt; i++) {
        if (pthread_create(&p->worker[i].thread, NULL, run_worker, &p->worker[i]))
            return -EAGAIN;
        p->worker[i].started = true;
    }
    if (pthread_create(&p->shard_thread, NULL, run_shard, p))
        return -EAGAIN;
    p->shard_started = true;
    return 0;
}

/* Tells a worker that the run has come to this key; false: its lane is full. */
static bool tell(struct pt_pipeline_thread *t, enum kind kind, struct pt_key key)
{
    struct pt_lane_head *h;

    if (kind == REACHED && !pt_key_before(t->sent, key))
        return true;
    h = pt_lane_room(t->in, 0);
    if (!h)
        return false;
    h->kind = kind;
    h->key = key;
    pt_lane_push(t->in);
    t->sent = key;
    return true;
}

static void tell_others(struct pt_pipeline *p, unsigned but, struct pt_key key)
{
    for (unsigned i = 0; i < p->cfg.worker_cnt; i++)
        if (i != but)
            (void)tell(&p->worker[i], REACHED, key); /* full: it is busy, and is told later */
}

void pt_pipeline_dispatch(struct pt_pipeline *p, const struct pt_taken *taken)
{
    unsigned owner = pt_intake_owner(&taken->seg, p->cfg.worker_cnt);
    struct pt_pipeline_thread *t = &p->worker[owner];
    size_t body_sz = sizeof(struct segment_msg) - sizeof(struct pt_lane_head) + taken->seg.pay_len;
    struct pt_backoff wait = { 0 };
    struct segment_msg *m;

    while (!(m = (void *)pt_lane_room(t->in, body_sz))) {
        tell_others(p, owner, taken->key);
        pt_backoff_wait(&wait);
    }
    m->head.kind = SEGMENT;
    m->head.key = taken->key;
    m->seg = taken->seg;
    m->at = taken->at;
    if (taken->seg.pay_len)
        memcpy(m->pay, taken->seg.pay, taken->seg.pay_len);
    pt_lane_push(t->in);
    t->sent = taken->key;
    if (taken->at.order % TELL_EVERY == 0)
        tell_others(p, owner, taken->key);
}

void pt_pipeline_threads_end(struct pt_pipeline *p)
{
    struct pt_key end = { p->intake.now_ns, p->intake.stats.frames };
    struct pt_backoff wait = { 0 };
    bool ended[PT_WORKERS_MAX] = { false };
    unsigned left = 0;

    for (unsigned i = 0; i < p->cfg.worker_cnt; i++) {
        ended[i] = !p->worker[i].started;
        left += p->worker[i].started;
    }
    while (left) {
        for (unsigned i = 0; i < p->cfg.worker_cnt; i++) {
            if (ended[i] || !tell(&p->worker[i], END, end))
                continue;
            ended[i] = true;
            left--;
        }
        if (left)
            pt_backoff_wait(&wait);
    }
    for (unsigned i = 0; i < p->cfg.worker_cnt; i++)
        if (p->worker[i].started)
            pthread_join(p->worker[i].thread, NULL);
    if (p->shard_started)
        pthread_join(p->shard_thread, NULL);
    p->shard_started = false;
    for (unsigned i = 0; i < p->cfg.worker_cnt; i++) {
        pt_lane_close(p->worker[i].in);
        pt_lane_close(p->worker[i].out);
        p->worker[i].in = p->worker[i].out = NULL;
        p->worker[i].started = false;
    }
}
