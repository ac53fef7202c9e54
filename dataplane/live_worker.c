/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker's loop. Every round it
 *
 *   1. takes back the buffers that others are done with;
 *   2. polls its queues and takes what they brought, in the order of its time: what belongs to its
 *      own connections is worked off, what belongs to another worker's goes down the lane to it;
 *   3. works off what others handed to it;
 *   4. tells how far it got;
 *   5. if there was nothing to do, decodes batches of others (lender.h).
 *
 * If all ports are files (exact), it also waits its turn: a packet is worked off when nothing
 * earlier can come from anybody, and a full lane stops the polling. Otherwise nobody is ever waited
 * for: small disorder between queues is what streams forgive, and what finds its road full is given
 * up and counted.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "dataplane/backoff.h"
#include "dataplane/live_pvt.h"

/* Packets taken or worked off before the other parts of a round get their turn. */
#define ROUND_PACKETS 64u
/* When no packet comes, packet time goes on this far behind the clock: packets that are on their
 * way through the device and the kernel must not come from the past. */
#define BEHIND_NS 50000000ll
/* Frontiers of a silent worker. */
#define FRONTIER_NS 5000000ll
/* At the end queues are emptied, but not for longer than this, if packets go on coming. */
#define DRAIN_NS 200000000ll

/* Of messages between workers. */
enum kind { PACKET = 1, REACHED, ENDED, BUFFERS };

struct packet_msg {
    struct pt_lane_head head;
    struct pt_live_packet packet;
};

struct buffers_msg {
    struct pt_lane_head head;
    uint64_t cnt;
    void *buf[];
};

/* Buffers. */

static void send_back(struct pt_live_worker *w, unsigned poller)
{
    struct pt_live_back *back = &w->back[poller];
    struct pt_lane *lane = w->back_to[poller];
    size_t sz = back->cnt * sizeof(back->buf[0]);
    struct buffers_msg *m = NULL;

    if (!back->cnt)
        return;
    if (lane)
        m = (void *)pt_lane_room(lane, sizeof(*m) - sizeof(m->head) + sz);
    if (m) {
        m->head.kind = BUFFERS;
        m->cnt = back->cnt;
        memcpy(m->buf, back->buf, sz);
        pt_lane_push(lane);
    } else {
        pt_port_free(back->buf, back->cnt); /* its own; or the slower way */
    }
    back->cnt = 0;
}

static void give_back(struct pt_live_worker *w, const struct pt_live_packet *p)
{
    struct pt_live_back *back = &w->back[p->poller];

    pt_taken_done(&p->taken);
    back->buf[back->cnt++] = p->buf;
    if (back->cnt == PT_LIVE_BACK_MAX)
        send_back(w, p->poller);
}

static void take_back(struct pt_live_worker *w)
{
    for (unsigned i = 0; i < w->live->worker_cnt; i++) {
        const struct pt_lane_head *h;

        while (w->back_from[i] && (h = pt_lane_first(w->back_from[i]))) {
            const struct buffers_msg *m = (const void *)h;

            pt_port_free(m->buf, (unsigned)m->cnt);
            pt_lane_pop(w->back_from[i]);
        }
    }
}

/* Polling. */

static bool poll_queues(struct pt_live_worker *w)
{
    bool ended = true;
    bool got = false;

    for (unsigned i = 0; i < w->queue_cnt; i++) {
        struct pt_live_queue *q = &w->queue[i];

        if (q->at == q->cnt) {
            q->at = 0;
            q->cnt = pt_port_burst(q->port, q->queue, q->rx, PT_NIC_BURST);
            got |= q->cnt > 0;
        }
        ended = ended && q->at == q->cnt && q->is_file && pt_port_ended(q->port, q->queue);
    }
    w->own_ended = ended && !w->stuck.buf;
    return got;
}

/* The queue whose packet comes first; NULL: none may be taken now. */
static struct pt_live_queue *earliest(struct pt_live_worker *w)
{
    struct pt_live_queue *first = NULL;

    for (unsigned i = 0; i < w->queue_cnt; i++) {
        struct pt_live_queue *q = &w->queue[i];

        if (q->at == q->cnt) {
            if (w->live->exact && !pt_port_ended(q->port, q->queue))
                return NULL; /* what it has not brought yet may be earlier */
            continue;
        }
        if (!first || q->rx[q->at].frame.time_ns < first->rx[first->at].frame.time_ns)
            first = q;
    }
    return first;
}

/* The place of a packet in the run, the same whoever polled it: its time in units of 16 ns, then
 * its port. */
static uint64_t order_of(struct pt_live_worker *w, const struct pt_frame *f, uint32_t input)
{
    uint64_t time_ns = f->time_ns > 0 ? (uint64_t)f->time_ns : 0;
    uint64_t order = (time_ns & ~(uint64_t)(PT_NIC_PORTS_MAX - 1)) | input;

    _Static_assert(PT_NIC_PORTS_MAX == 16, "a port fits into the bits that are taken away");

    if (order <= w->order)
        order = w->order + 1;
    w->order = order;
    return order;
}

static unsigned owner_of(struct pt_live_worker *w, const struct pt_taken *t)
{
    const struct pt_live *l = w->live;
    const struct pt_live_spread *s = &l->port[t->at.input].spread;
    unsigned owner = w->idx;

    if (s->meet == PT_NIC_MEET_SOFTWARE) {
        owner = pt_intake_owner(&t->seg, l->worker_cnt);
    } else if (s->meet == PT_NIC_MEET_KEY) {
        uint32_t hash = pt_intake_hash(&t->seg, s->addresses_only);

        owner = s->worker[pt_toeplitz_queue(hash, s->reta_cnt, s->queue_cnt)];
        if (owner != w->idx)
            pt_live_add(&w->posted.wrong_core, 1);
    }
    return owner;
}

static void work_off(struct pt_live_worker *w, const struct pt_live_packet *p)
{
    pt_worker_take(&w->thread->worker, &p->taken);
    pt_worker_flush(&w->thread->worker);
    w->worked = p->taken.key;
    give_back(w, p);
}

/* Sends a packet down the road to its worker; false: the road is full. */
static bool hand_over(struct pt_live_worker *w, const struct pt_live_packet *p, unsigned owner)
{
    struct packet_msg *m = (void *)pt_lane_room(w->to[owner], sizeof(m->packet));

    if (!m)
        return false;
    m->head.kind = PACKET;
    m->head.key = p->taken.key;
    m->packet = *p;
    pt_lane_push(w->to[owner]);
    w->told[owner] = p->taken.key;
    return true;
}

static bool hold(struct pt_live_worker *w, const struct pt_live_packet *p)
{
    if (w->held_cnt == PT_LIVE_HELD_MAX)
        return false;
    w->held[(w->held_at + w->held_cnt++) % PT_LIVE_HELD_MAX] = *p;
    return true;
}

/* What is done with a packet once it is decoded; false: later. */
static bool pass_on(struct pt_live_worker *w, const struct pt_live_packet *p, unsigned owner)
{
    if (owner == w->idx) {
        if (w->live->exact && w->live->worker_cnt > 1)
            return hold(w, p);
        work_off(w, p);
        return true;
    }
    if (hand_over(w, p, owner))
        return true;
    if (w->live->exact)
        return false;
    /* It is in the books as lost, not as a segment. */
    w->intake.stats.frames--;
    w->intake.stats.kind[PT_PACKET_TCP]--;
    w->intake.stats.tap[p->taken.at.input].kind[PT_PACKET_TCP]--;
    w->intake.stats.tap[p->taken.at.input].payload_bytes -= p->taken.seg.pay_len;
    pt_live_add(&w->posted.given_up, 1);
    pt_live_add(&w->port[p->taken.at.input].given_up, 1);
    give_back(w, p);
    return true;
}

static void take_one(struct pt_live_worker *w, struct pt_live_queue *q)
{
    const struct pt_rx *rx = &q->rx[q->at++];
    struct pt_live_packet p = { .buf = rx->buf, .poller = w->idx };
    unsigned owner;

    pt_live_add(&w->port[q->input].packets, 1);
    pt_live_add(&w->port[q->input].bytes, rx->frame.wire_len);
    w->port[q->input].end_ns = rx->frame.time_ns;
    w->last_packet_ns = rx->frame.time_ns;
    w->took = true;
    pt_live_add(&w->posted.taken, 1);
    if (!pt_intake_frame(&w->intake, &rx->frame, q->input, order_of(w, &rx->frame, q->input),
                         &p.taken)) {
        give_back(w, &p);
        return;
    }
    w->polled = p.taken.key;
    owner = owner_of(w, &p.taken);
    if (!pass_on(w, &p, owner)) {
        w->stuck = p;
        w->stuck_owner = owner;
    }
}

static unsigned take_packets(struct pt_live_worker *w)
{
    unsigned cnt = 0;

    if (w->stuck.buf) {
        if (!pass_on(w, &w->stuck, w->stuck_owner))
            return 0;
        w->stuck.buf = NULL;
        cnt++;
    }
    while (cnt < ROUND_PACKETS && !w->stuck.buf) {
        /* Those who are to work off what was put together need time. */
        if (w->live->exact && pt_fragments_stretched(&w->intake.fragments))
            break;
        struct pt_live_queue *q = earliest(w);

        if (!q)
            break;
        take_one(w, q);
        cnt++;
    }
    return cnt;
}

/* What others handed over. */

/* The first packet of a lane; what only tells how far its worker polled is taken off before. */
static const struct packet_msg *first_of(struct pt_live_worker *w, unsigned i)
{
    const struct pt_lane_head *h;

    while ((h = pt_lane_first(w->from[i])) && h->kind != PACKET) {
        if (h->kind == ENDED && pt_key_before(w->last, h->key))
            w->last = h->key;
        w->frontier[i] = h->kind == ENDED ? PT_KEY_LAST : h->key;
        pt_lane_pop(w->from[i]);
    }
    if (h)
        w->frontier[i] = h->key;
    return (const void *)h;
}

static unsigned take_handed(struct pt_live_worker *w)
{
    unsigned cnt = 0;

    for (unsigned i = 0; i < w->live->worker_cnt; i++) {
        const struct packet_msg *m;

        while (w->from[i] && cnt < ROUND_PACKETS && (m = first_of(w, i))) {
            pt_live_add(&w->posted.handed_over, 1);
            work_off(w, &m->packet);
            pt_lane_pop(w->from[i]);
            cnt++;
        }
    }
    return cnt;
}

/* The same where nothing may be worked off before its turn: own packets and those of others by
 * their keys, as long as nothing earlier can come from anybody. */
static unsigned take_in_order(struct pt_live_worker *w)
{
    unsigned cnt = 0;

    for (; cnt < ROUND_PACKETS; cnt++) {
        const struct pt_live_packet *low = w->held_cnt ? &w->held[w->held_at] : NULL;
        struct pt_key bound = low || w->own_ended ? PT_KEY_LAST : w->polled;
        unsigned from = w->idx;

        for (unsigned i = 0; i < w->live->worker_cnt; i++) {
            const struct packet_msg *m = w->from[i] ? first_of(w, i) : NULL;

            if (m && (!low || pt_key_before(m->packet.taken.key, low->taken.key))) {
                low = &m->packet;
                from = i;
            } else if (!m && w->from[i] && pt_key_before(w->frontier[i], bound)) {
                bound = w->frontier[i];
            }
        }
        w->waiting = low != NULL;
        if (!low || pt_key_before(bound, low->taken.key)) {
            w->safe = bound;
            break;
        }
        work_off(w, low);
        w->safe = w->worked;
        if (from == w->idx) {
            w->held_at = (w->held_at + 1) % PT_LIVE_HELD_MAX;
            w->held_cnt--;
        } else {
            pt_live_add(&w->posted.handed_over, 1);
            pt_lane_pop(w->from[from]);
        }
    }
    return cnt;
}

/* What the ladder says, for the parser. */
static void take_shed(struct pt_live_worker *w)
{
    uint64_t shed = pt_live_load(&w->live->shed);
    struct pt_shed now = {
        .step = (uint8_t)(shed >> 32),
        .share = (uint32_t)shed,
        .canon = w->canon,
        .canon_cnt = PT_LIVE_CANON_CNT,
    };

    if (shed == w->shed_seen)
        return;
    w->shed_seen = shed;
    pt_parser_shed(w->thread->worker.parser, &now);
}

/* Where this worker stands: nothing at or before that key will come from it any more. */
static struct pt_key reached(const struct pt_live_worker *w)
{
    struct pt_key key = w->own_ended ? PT_KEY_LAST : w->polled;

    if (w->live->worker_cnt == 1)
        return w->worked;
    if (w->waiting)
        return w->safe;
    for (unsigned i = 0; i < w->live->worker_cnt; i++)
        if (w->from[i] && pt_key_before(w->frontier[i], key))
            key = w->frontier[i];
    return key;
}

static void tell_others(struct pt_live_worker *w)
{
    struct pt_key key = w->own_ended ? PT_KEY_LAST : w->polled;

    if (w->stuck.buf) /* it may still go to anyone but to its own worker */
        key = w->stuck.taken.key;
    for (unsigned i = 0; i < w->live->worker_cnt; i++) {
        struct pt_lane_head *h;

        if (!w->to[i] || !pt_key_before(w->told[i], key) || (w->stuck.buf && w->stuck_owner == i) ||
            !(h = pt_lane_room(w->to[i], 0)))
            continue;
        h->kind = w->own_ended ? ENDED : REACHED;
        h->key = w->own_ended ? w->polled : key; /* ENDED says what the last one was */
        pt_lane_push(w->to[i]);
        w->told[i] = key;
    }
}

/* To the shard. */

/* A lane that is full in a live run: what is observed now is lost, the worker goes on. Messages
 * that later ones refer to (topics, clients, what a produce came to) must not be: these few are
 * waited for. */
static bool may_be_lost(const struct pt_obs *o)
{
    return o->kind == PT_OBS_BATCH || o->kind == PT_OBS_RECORDS || o->kind == PT_OBS_BOUNDS ||
           o->kind == PT_OBS_ABORTED || o->kind == PT_OBS_LOST;
}

/* In an exact run the shard may be waiting for the frontier of another worker, which waits for what
 * this one has polled: so it is told. */
static void send_surely(struct pt_live_worker *w, struct pt_key key, const uint8_t *buf, size_t sz)
{
    struct pt_backoff wait = { 0 };

    while (!pt_gather_send(w->thread->out, PT_GATHER_OBS, key, buf, sz)) {
        if (w->live->exact)
            tell_others(w);
        pt_backoff_wait(&wait);
    }
}

static void send_what_must(struct pt_live_worker *w, struct pt_key key, const uint8_t *buf,
                           size_t sz)
{
    for (size_t off = 0; off < sz;) {
        const struct pt_obs *o = (const void *)(buf + off);

        if (!may_be_lost(o))
            send_surely(w, key, buf + off, o->size);
        else if (o->kind == PT_OBS_BATCH)
            pt_live_add(&w->posted.batches_lost, 1);
        off += o->size;
    }
    w->owes_shed = true;
}

/* Something was lost, of logs that nobody wrote down: the same as a body that was not read. */
static void tell_shed(struct pt_live_worker *w, struct pt_key key)
{
    struct pt_obs_lost lost[PT_CLUSTER_CNT];

    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        lost[c] = (struct pt_obs_lost){
            .head = { .kind = PT_OBS_LOST,
                      .version = PT_OBS_VERSION,
                      .cluster = c,
                      .size = sizeof(lost[c]),
                      .at = { .order = w->order, .time_ns = key.time_ns },
                      .topic = UINT32_MAX,
                      .partition = -1 },
            .from = -1,
            .to = -1,
            .reason = PT_LOST_SHED,
        };
    w->owes_shed = !pt_gather_send(w->thread->out, PT_GATHER_OBS, key, (const uint8_t *)lost,
                                   sizeof(lost));
}

void pt_live_to_shard(void *arg, struct pt_key key, const uint8_t *buf, size_t sz)
{
    struct pt_pipeline_thread *t = arg;
    struct pt_live_worker *w = t->driver;

    if (w->owes_shed)
        tell_shed(w, key);
    /* Records whose batch was lost must not come behind another batch. */
    if (!w->owes_shed && pt_gather_send(t->out, PT_GATHER_OBS, key, buf, sz))
        return;
    pt_live_add(&w->posted.lane_full, 1);
    if (w->live->exact)
        send_surely(w, key, buf, sz);
    else
        send_what_must(w, key, buf, sz);
}

static void send_frontier(struct pt_live_worker *w, struct pt_key key)
{
    if (pt_worker_holds(&w->thread->worker) || !pt_key_before(w->frontier_sent, key) ||
        !pt_gather_send(w->thread->out, PT_GATHER_FRONTIER, key, NULL, 0))
        return;
    w->frontier_sent = key;
}

/* Time. */

/* Packet time while no packet comes: it goes on with the clock. That of files stands still. */
static struct pt_key silent_time(const struct pt_live_worker *w, int64_t mono_ns)
{
    int64_t time_ns =
            w->last_packet_ns ? w->last_packet_ns + (mono_ns - w->last_mono_ns) : pt_live_wall_ns();

    return (struct pt_key){ time_ns - BEHIND_NS, w->order };
}

static void pass_time(struct pt_live_worker *w, int64_t mono_ns)
{
    struct pt_key key = w->live->exact ? reached(w) : silent_time(w, mono_ns);

    /* What became due until then is observed before the frontier says that nothing is. */
    if (pt_key_before(w->worked, key) && pt_key_before(key, PT_KEY_LAST)) {
        w->worked = key;
        pt_worker_advance(&w->thread->worker, key);
        pt_worker_flush(&w->thread->worker);
    }
    if (w->owes_shed) /* also if nothing is observed any more */
        tell_shed(w, w->worked);
    /* The end of everything is told by finish, behind what is still observed there. */
    if (w->thread->out && pt_key_before(key, PT_KEY_LAST))
        send_frontier(w, key);
    for (unsigned i = 0; i < w->live->worker_cnt; i++)
        send_back(w, i);
}

/* What is looked after ten times a second. */
static void tick(struct pt_live_worker *w, int64_t mono_ns)
{
    uint64_t wanted = atomic_load_explicit(&w->live->snapshot_wanted, memory_order_relaxed);

    w->next_tick_ns = mono_ns + PT_LIVE_TICK_NS;
    pt_live_show_worker(w);
    if (wanted != w->snapshot_seen) {
        struct pt_live_snapshot *s = calloc(1, sizeof(*s));

        w->snapshot_seen = wanted;
        if (s)
            pt_live_worker_snapshot(w, s);
        /* Acquired by pt_live_shard_tick. */
        atomic_store_explicit(&w->snapshot, s, memory_order_release);
    }
}

void pt_live_worker_snapshot(struct pt_live_worker *w, struct pt_live_snapshot *s)
{
    pt_totals_intake(&s->totals, &w->intake);
    pt_totals_worker(&s->totals, &w->thread->worker);
    for (unsigned i = 0; i < w->live->port_cnt; i++) {
        s->port_packets[i] = pt_live_load(&w->port[i].packets);
        s->port_bytes[i] = pt_live_load(&w->port[i].bytes);
        s->port_given_up[i] = pt_live_load(&w->port[i].given_up);
        s->tap_end_ns[i] = w->port[i].end_ns;
    }
    pt_live_memory_of(&s->memory[0], &w->thread->worker.streams_mem, "streams", w->idx);
    pt_live_memory_of(&s->memory[1], &w->thread->worker.parser_mem, "parser", w->idx);
    pt_live_memory_of(&s->memory[2], &w->thread->worker.lender_mem, "handoff", w->idx);
    pt_live_memory_of(&s->memory[3], &w->intake.mem, "fragments", w->idx);
}

static void account(struct pt_live_worker *w, int64_t mono_ns, bool busy)
{
    uint64_t spent = (uint64_t)(mono_ns - w->loop_at_ns);

    w->loop_at_ns = mono_ns;
    pt_live_add(&w->posted.loop_ns, spent);
    if (busy)
        pt_live_add(&w->posted.busy_ns, spent);
}

/* One round; false: there was nothing to do. */
static bool work_round(struct pt_live_worker *w, bool polling)
{
    struct pt_live *l = w->live;
    unsigned cnt = 0;
    bool got = false;

    take_back(w);
    take_shed(w);
    if (polling)
        got = poll_queues(w);
    cnt += take_packets(w);
    if (l->worker_cnt > 1 && l->exact)
        cnt += take_in_order(w);
    else if (l->worker_cnt > 1)
        cnt += take_handed(w);
    if (l->worker_cnt > 1 && (l->exact || w->own_ended))
        tell_others(w);
    return got || cnt;
}

/* Whether nothing can come to this worker any more, and all others know that of it. */
static bool is_done(const struct pt_live_worker *w)
{
    if (!w->own_ended || w->stuck.buf || w->held_cnt)
        return false;
    for (unsigned i = 0; i < w->live->worker_cnt; i++)
        if (w->from[i] &&
            (pt_key_before(w->frontier[i], PT_KEY_LAST) || pt_key_before(w->told[i], PT_KEY_LAST)))
            return false;
    return true;
}

/* The end: queues are emptied, others told, and what they still hand over is worked off. */
static void drain(struct pt_live_worker *w)
{
    int64_t limit_ns = pt_live_mono_ns() + DRAIN_NS;
    struct pt_backoff wait = { 0 };
    bool polling = !w->live->exact;

    for (;;) {
        bool busy = work_round(w, polling);

        if (polling && (!busy || pt_live_mono_ns() > limit_ns))
            polling = false;
        if (!polling) {
            bool pending = w->stuck.buf != NULL;

            for (unsigned i = 0; i < w->queue_cnt; i++)
                pending = pending || (!w->live->exact && w->queue[i].at < w->queue[i].cnt);
            w->own_ended = !pending;
        }
        if (is_done(w))
            break;
        if (!busy)
            pt_backoff_wait(&wait);
        else
            wait.looks = 0;
    }
    for (unsigned i = 0; i < w->queue_cnt; i++)
        for (struct pt_live_queue *q = &w->queue[i]; q->at < q->cnt; q->at++)
            pt_port_free(&q->rx[q->at].buf, 1);
    for (unsigned i = 0; i < w->live->worker_cnt; i++)
        send_back(w, i);
}

static void finish(struct pt_live_worker *w)
{
    struct pt_backoff wait = { 0 };

    /* The time of the run's last packet has come for all, whoever polled it. */
    if (w->live->exact) {
        struct pt_key last = pt_key_before(w->last, w->polled) ? w->polled : w->last;

        if (pt_key_before(PT_KEY_FIRST, last))
            pt_worker_advance(&w->thread->worker, last);
    }
    pt_intake_finish(&w->intake);
    pt_worker_finish(&w->thread->worker);
    for (; w->owes_shed; pt_backoff_wait(&wait))
        tell_shed(w, w->worked);
    while (w->thread->out && !pt_gather_send(w->thread->out, PT_GATHER_END, PT_KEY_LAST, NULL, 0))
        pt_backoff_wait(&wait);
    pt_live_show_worker(w);
    atomic_fetch_add_explicit(&w->live->finished, 1, memory_order_release);
}

int pt_live_worker_run(void *arg)
{
    struct pt_live_worker *w = arg;
    struct pt_live *l = w->live;
    struct pt_backoff wait = { 0 };
    int64_t next_time_ns = 0;

    w->loop_at_ns = pt_live_mono_ns();
    while (!atomic_load_explicit(&l->stop, memory_order_relaxed)) {
        bool busy = work_round(w, true);
        int64_t mono_ns = pt_live_mono_ns();

        account(w, mono_ns, busy);
        if (busy)
            wait.looks = 0;
        if (w->took)
            w->last_mono_ns = mono_ns;
        w->took = false;
        if (!busy || mono_ns >= next_time_ns) {
            next_time_ns = mono_ns + FRONTIER_NS;
            pass_time(w, mono_ns);
        }
        if (mono_ns >= w->next_tick_ns)
            tick(w, mono_ns);
        if (!l->own_shard)
            pt_live_shard_tick(l, w->worked);
        if (!busy && pt_worker_help(&w->thread->worker))
            wait.looks = 0;
        else if (!busy && l->cfg->idle == PT_IDLE_SLEEP)
            pt_backoff_wait(&wait);
    }
    drain(w);
    finish(w);
    return 0;
}
