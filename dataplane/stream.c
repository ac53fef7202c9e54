/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of this stage. A flow has two directions; a direction is made by the first segment that
 * its side sends and has a point `next`: all before it came out or was declared lost.
 *
 * START. A SYN fixes the first byte. Without one (mid-connection) the direction is *held* for the
 * hold-off from its first segment on: what comes waits, the lowest byte that is seen moves the
 * start back, a SYN that turns up fixes it. Then "a hole of unknown length" goes ahead of its first
 * bytes. A start never lies before what bytes that came out already acknowledged. An empty segment
 * one byte before the first data was a keep-alive.
 *
 * NEXT. Bytes at `next` come out at once, lent from the packet, unless they are *blocked*: they
 * acknowledge bytes of the other side that have not come out. (A retransmission carries a younger
 * acknowledgement than its bytes: they depend on no more than any segment that ends at or behind
 * theirs says. If both sides are still blocked by each other, the later packet is the
 * retransmission and goes first, as far as the other answers it.) All else waits in a sorted list
 * (reorder.h). A side that was never seen blocks nothing.
 *
 * GAP. Between `next` and the first piece that waits, or up to what is known as sent (own sequence
 * numbers, FIN) or acknowledged, bytes are missing. They are declared lost
 *   - when they were acknowledged, a hold-off after that was seen. One mark runs at a time: what is
 *     acknowledged at its end begins the next, so the wait is one to two hold-offs, whatever the
 *     number of gaps. A gap that is acknowledged in parts gets one more round, to be one hole;
 *   - else `patience` after the piece behind them came, or they were first known as sent: that is
 *     longer, as their sender may still repeat them;
 *   - at once when the flow ends (RST + hold-off, eviction, port reuse, end of capture);
 *   - at once when the store is full and something must give way.
 * A last byte that is acknowledged, with nothing behind it, may be a FIN that was not seen: if it
 * is the only one, or the other side is closing, it is excused: neither waited for nor declared
 * lost until bytes behind it prove that it was one.
 *
 * FULL. When a segment cannot wait (its direction's bound, the store's, the memory budget) and its
 * flow is worth keeping (END), others that are not are ended first for what they hold. Else its own
 * flow gives up its waits one by one until it can, at last the gap before the segment itself. So
 * nothing that was seen is thrown away; what was given up too early is counted as late when it
 * comes.
 *
 * END. Both FINs reached: closed. One side only and its FIN reached: closed after `patience`. RST:
 * closed a hold-off later, until then segments count as before. Idle: closed, and no longer known.
 * A closed flow stays for 10 s so that its stragglers start no new one. Table full or memory
 * refused: the longest idle flow is closed; if that does not help, the segment is refused. Those
 * go first that are not worth keeping: a flow is when both sides have sent payload and one has
 * acknowledged all of the other's, or when one side alone has sent 32 KiB without a hole. So
 * neither half-open connections nor scattered garbage, however many, close a connection that works.
 *
 * ANOTHER CONNECTION on the same endpoints: a SYN with another sequence number; payload that cannot
 * be a straggler of a closed flow; two successive segments with payload outside the window that
 * join. The old flow ends, and a new one begins. A single segment outside any window is stale.
 *
 * TIME is packet time. An alarm heap over all flows that wait fires before the segment that shows
 * that its time has passed; a flow's own clock (`tick`) then stands at the alarm, not at that
 * segment, so it makes no difference whose segment it was. A moment that is exactly due has not
 * passed.
 */
#include "dataplane/stream.h"

#include <errno.h>
#include <stddef.h>

#include "dataplane/stream_pvt.h"

const struct pt_streams_cfg pt_streams_cfg_default = {
    .flow_max = 1u << 20,
    .store_max = 256ull << 20,
    .store_flow_max = 8u << 20,
    .hold_off_ns = 200000000,
    .patience_ns = 2000000000,
    .idle_ns = 1200ll * 1000000000,
};

/* Connections take three quarters of the memory at most, so that however many there are, bytes out
 * of order find some. */
static uint32_t flow_max_of(const struct pt_mem *mem, const struct pt_streams_cfg *cfg)
{
    uint64_t fits = mem->limit_sz / 4 * 3 / (sizeof(struct pt_conv) + 2 * sizeof(struct pt_dir));

    return fits < cfg->flow_max ? (uint32_t)fits : cfg->flow_max;
}

int pt_streams_open(struct pt_mem *mem, const struct pt_streams_cfg *cfg, struct pt_streams **ret_s)
{
    struct pt_streams *s;
    int rc;

    if (cfg->hold_off_ns < 0 || cfg->idle_ns <= 0)
        return -EINVAL;
    s = pt_mem_zalloc(mem, sizeof(*s));
    if (!s)
        return -ENOMEM;
    rc = pt_flows_init(&s->flows, mem, flow_max_of(mem, cfg), sizeof(struct pt_conv));
    if (rc) {
        pt_mem_free(mem, s, sizeof(*s));
        return rc;
    }
    s->cfg = *cfg;
    if (s->cfg.patience_ns < cfg->hold_off_ns)
        s->cfg.patience_ns = cfg->hold_off_ns;
    s->mem = mem;
    pt_alarms_init(&s->alarms, mem);
    s->store = (struct pt_store){ .mem = mem,
                                  .store_max = cfg->store_max,
                                  .dir_max = cfg->store_flow_max };
    s->now_ns = INT64_MIN;
    s->reason = PT_KEY_FIRST;
    *ret_s = s;
    return 0;
}

void pt_streams_close(struct pt_streams *s)
{
    struct pt_mem *mem;

    if (!s)
        return;
    mem = s->mem;
    pt_store_free(&s->store, s->spent);
    for (struct pt_flow *f; (f = pt_flows_oldest(&s->flows));)
        pt_conv_remove(s, (struct pt_conv *)f);
    pt_flows_fini(&s->flows);
    pt_alarms_fini(&s->alarms);
    pt_mem_free(mem, s, sizeof(*s));
}

void pt_conv_ready(struct pt_streams *s, struct pt_conv *c)
{
    if (c->ready)
        return;
    c->ready = true;
    c->ready_next = NULL;
    if (s->ready_tail)
        s->ready_tail->ready_next = c;
    else
        s->ready_head = c;
    s->ready_tail = c;
}

void pt_conv_remove(struct pt_streams *s, struct pt_conv *c)
{
    pt_alarms_cancel(&s->alarms, &c->alarm);
    for (int side = 0; side < 2; side++) {
        if (!c->dir[side])
            continue;
        pt_store_cut(&s->store, &c->dir[side]->wait, 0);
        pt_mem_free(s->mem, c->dir[side], sizeof(*c->dir[side]));
    }
    pt_flows_remove(&s->flows, &c->flow);
}

void pt_streams_advance(struct pt_streams *s, int64_t time_ns)
{
    if (time_ns > s->now_ns)
        s->now_ns = time_ns;
}

void pt_streams_push(struct pt_streams *s, const struct pt_segment *seg,
                     const struct pt_packet_ref *at)
{
    s->seg = *seg;
    s->at = *at;
    s->has_seg = true;
    s->evict_cnt = 0;
    pt_streams_advance(s, at->time_ns);
    s->stats.segments++;
}

bool pt_streams_yield(struct pt_streams *s, unsigned flow_cnt)
{
    struct pt_flow *next;
    bool any = false;

    for (struct pt_flow *f = s->flows.row[false].oldest; f && flow_cnt; f = next, flow_cnt--) {
        struct pt_conv *c = (struct pt_conv *)f;

        next = f->newer;
        if (c->ready)
            continue;
        any = true;
        if (c->closed) {
            pt_conv_remove(s, c);
            continue;
        }
        s->stats.flows_evicted++;
        c->ending = c->gone = true;
        pt_conv_ready(s, c);
    }
    return any;
}

void pt_streams_finish(struct pt_streams *s)
{
    s->finishing = true;
}

/* The first ready flow has nothing more to tell. */
static void put_down(struct pt_streams *s)
{
    struct pt_conv *c = s->ready_head;

    s->ready_head = c->ready_next;
    if (!s->ready_head)
        s->ready_tail = NULL;
    c->ready = false;
    if (c->closed && c->gone)
        pt_conv_remove(s, c);
    else
        pt_conv_settle(s, c);
}

static void because(struct pt_streams *s, int64_t time_ns, uint64_t tie)
{
    struct pt_key key = { time_ns, tie };

    if (pt_key_before(s->reason, key))
        s->reason = key;
}

/* Wakes the flow of the first alarm. */
static void ring(struct pt_streams *s, struct pt_alarm *al)
{
    struct pt_conv *c = (struct pt_conv *)(void *)((char *)al - offsetof(struct pt_conv, alarm));

    pt_alarms_cancel(&s->alarms, al);
    if (c->tick <= al->due_ns)
        c->tick = al->due_ns + 1;
    if (c->end_ns && c->end_ns < c->tick) {
        if (c->closed) {
            pt_conv_remove(s, c);
            return;
        }
        c->ending = true;
    }
    pt_conv_ready(s, c);
}

/* Ends the flow that was last seen longest ago. */
static void end_oldest(struct pt_streams *s, bool idle)
{
    struct pt_conv *c = (struct pt_conv *)pt_flows_oldest(&s->flows);

    if (c->closed) {
        pt_conv_remove(s, c);
        return;
    }
    s->stats.flows_evicted += idle;
    c->ending = c->gone = true;
    pt_conv_ready(s, c);
}

/* Does what became due first: an alarm, or the end of an idle flow. At the end of the run, when
 * nothing is due any more, all flows end in the order in which they were last seen. */
static bool step_time(struct pt_streams *s)
{
    struct pt_alarm *al = pt_alarms_first(&s->alarms);
    const struct pt_conv *old = (struct pt_conv *)pt_flows_oldest(&s->flows);
    struct pt_key ring_at = PT_KEY_LAST;
    struct pt_key idle_at = PT_KEY_LAST;
    bool rings;

    if (al && al->due_ns < s->now_ns)
        ring_at = (struct pt_key){ al->due_ns, PT_KEY_DUE | al->serial };
    if (old && old->flow.seen_ns + s->cfg.idle_ns < s->now_ns)
        idle_at =
                (struct pt_key){ old->flow.seen_ns + s->cfg.idle_ns, PT_KEY_DUE | old->last.order };
    rings = !pt_key_before(idle_at, ring_at);
    if (rings && ring_at.time_ns != INT64_MAX) {
        because(s, ring_at.time_ns, ring_at.tie);
        ring(s, al);
    } else if (!rings) {
        because(s, idle_at.time_ns, idle_at.tie);
        end_oldest(s, true);
    } else if (old && s->finishing && !s->has_seg) {
        because(s, INT64_MAX, old->last.order);
        end_oldest(s, false);
    } else {
        return false;
    }
    return true;
}

enum pt_stream_kind pt_streams_next(struct pt_streams *s, struct pt_stream_event *ev)
{
    pt_store_free(&s->store, s->spent);
    s->spent = NULL;
    for (;;) {
        if (s->ready_head) {
            if (pt_conv_step(s, s->ready_head, ev)) {
                ev->key = s->reason;
                return ev->kind;
            }
            put_down(s);
        } else if (step_time(s)) {
            continue;
        } else if (s->has_seg) {
            because(s, s->now_ns, s->at.order);
            s->has_seg = !pt_streams_take(s);
        } else {
            s->stats.waiting_bytes = s->store.waiting_bytes;
            ev->kind = PT_STREAM_NONE;
            return PT_STREAM_NONE;
        }
    }
}

const struct pt_stream_stats *pt_streams_stats(const struct pt_streams *s)
{
    return &s->stats;
}
