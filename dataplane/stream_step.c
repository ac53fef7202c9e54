/* SPDX-License-Identifier: Apache-2.0 */
/* What comes out of a flow next. The rules are at the top of stream.c. */
#include "dataplane/stream_pvt.h"

bool pt_conv_blocked(const struct pt_conv *c, int side, bool has_ack, uint32_t ack)
{
    const struct pt_dir *peer = c->dir[!side];
    uint64_t have;
    uint64_t want;

    if (!has_ack || !peer || pt_dir_past_fin(peer))
        return false;
    have = peer->next > peer->excused ? peer->next : peer->excused;
    want = pt_seq_at(peer->next, ack);
    return want > have && pt_conv_acked(c, !side) > have && want <= peer->next + PT_AHEAD_MAX;
}

static bool head_blocked(const struct pt_conv *c, int side)
{
    const struct pt_piece *p = c->dir[side]->wait.head;

    return pt_conv_blocked(c, side, p->has_ack, p->ack);
}

static enum pt_stream_kind tell(struct pt_conv *c, enum pt_stream_kind kind, int side,
                                const struct pt_packet_ref *at, struct pt_stream_event *ev)
{
    *ev = (struct pt_stream_event){
        .kind = kind,
        .side = side,
        .at = *at,
        .a = &c->flow.a,
        .b = &c->flow.b,
        .initiator = c->initiator,
        .flow = c->alarm.serial,
        .lost = &c->lost,
        .user = &c->user,
    };
    return kind;
}

/* What must be told before anything else of a side: NONE when nothing. */
static enum pt_stream_kind tell_lead(struct pt_conv *c, int side, const struct pt_packet_ref *at,
                                     struct pt_stream_event *ev)
{
    struct pt_dir *d = c->dir[side];

    if (!c->opened) {
        c->opened = true;
        return tell(c, PT_STREAM_OPEN, side, at, ev);
    }
    if (!d->lead)
        return PT_STREAM_NONE;
    d->lead = false;
    ev->kind = tell(c, PT_STREAM_HOLE, side, at, ev);
    ev->reason = PT_LOST_TAP_GAP;
    return PT_STREAM_HOLE;
}

static enum pt_stream_kind tell_hole(struct pt_streams *s, struct pt_conv *c, int side,
                                     uint64_t end, enum pt_lost_reason reason,
                                     const struct pt_packet_ref *at, struct pt_stream_event *ev)
{
    struct pt_dir *d = c->dir[side];

    if (tell_lead(c, side, at, ev))
        return ev->kind;
    tell(c, PT_STREAM_HOLE, side, at, ev);
    ev->len = end - d->next;
    ev->reason = reason;
    s->stats.holes++;
    s->stats.hole_bytes += ev->len;
    if (reason == PT_LOST_TRUNCATED) {
        s->stats.truncated_bytes += ev->len;
    } else {
        c->lost.bytes[side] += ev->len;
        c->lost.holes++;
    }
    d->hole_from = d->next;
    d->hole_end = end;
    d->next = end;
    return PT_STREAM_HOLE;
}

static enum pt_stream_kind tell_bytes(struct pt_conv *c, int side, const uint8_t *data,
                                      uint32_t len, const struct pt_packet_ref *at,
                                      struct pt_stream_event *ev)
{
    tell(c, PT_STREAM_BYTES, side, at, ev);
    ev->data = data;
    ev->len = len;
    c->dir[side]->next += len;
    return PT_STREAM_BYTES;
}

static void note_ack_out(struct pt_dir *d, bool has_ack, uint32_t ack)
{
    if (has_ack && (!d->has_ack_out || (int32_t)(ack - d->ack_out) > 0)) {
        d->ack_out = ack;
        d->has_ack_out = true;
    }
}

/* Bytes of the segment in hand. */
static enum pt_stream_kind step_direct(struct pt_streams *s, struct pt_conv *c,
                                       struct pt_stream_event *ev)
{
    struct pt_direct *x = &s->direct;
    struct pt_dir *d = c->dir[x->side];
    struct pt_overlap o;

    if (x->start > d->next)
        return tell_hole(s, c, x->side, x->start, PT_LOST_TAP_GAP, &s->at, ev);
    if (tell_lead(c, x->side, &s->at, ev))
        return ev->kind;
    if (x->len) {
        tell_bytes(c, x->side, x->data, x->len, &s->at, ev);
        pt_store_trim(&s->store, &d->wait, x->start, x->data, x->len, &o);
        s->stats.retransmitted_bytes += o.ousted;
        s->stats.overlaps_differ += o.differ;
        s->stats.in_order_bytes += x->len;
        note_ack_out(d, x->has_ack, x->ack);
        x->start += x->len;
        x->len = 0;
        if (!x->miss)
            x->conv = NULL;
        return PT_STREAM_BYTES;
    }
    x->conv = NULL;
    return tell_hole(s, c, x->side, x->start + x->miss, PT_LOST_TRUNCATED, &s->at, ev);
}

/* The first piece of a side, whose turn it is, up to position end. */
static enum pt_stream_kind step_head(struct pt_streams *s, struct pt_conv *c, int side,
                                     uint64_t end, struct pt_stream_event *ev)
{
    struct pt_dir *d = c->dir[side];
    struct pt_piece *p = d->wait.head;
    uint32_t len = end - p->start < p->len ? (uint32_t)(end - p->start) : p->len;

    if (tell_lead(c, side, &p->at, ev))
        return ev->kind;
    if (p->len) {
        tell_bytes(c, side, p->data, len, &p->at, ev);
        note_ack_out(d, p->has_ack, p->ack);
        s->stats.reordered_bytes += len;
        s->store.waiting_bytes -= len;
        p->start += len;
        p->data += len;
        p->len -= len;
    } else {
        tell_hole(s, c, side, p->start + p->miss, PT_LOST_TRUNCATED, &p->at, ev);
        p->miss = 0;
    }
    if (!p->len && !p->miss)
        s->spent = pt_store_take(&s->store, &d->wait);
    return ev->kind;
}

static bool head_is_next(const struct pt_dir *d)
{
    return d && !d->held && d->wait.head && d->wait.head->start <= d->next;
}

/* The side whose first piece may come out, and up to where, or -1. */
static int pick_head(const struct pt_conv *c, uint64_t *ret_end)
{
    bool is_next[2] = { head_is_next(c->dir[0]), head_is_next(c->dir[1]) };
    int later;

    for (int side = 0; side < 2; side++)
        if (is_next[side] && !head_blocked(c, side)) {
            *ret_end = UINT64_MAX;
            return side;
        }
    if (!is_next[0] || !is_next[1])
        return -1;
    /* Each claims to answer the other: the later one is a retransmission, so its bytes are older,
     * as far as the other answers them. */
    later = c->dir[0]->wait.head->at.order > c->dir[1]->wait.head->at.order ? 0 : 1;
    *ret_end = pt_seq_at(c->dir[later]->next, c->dir[!later]->wait.head->ack);
    return later;
}

/* Gives up a gap. NONE if it was only excused; then the flow may go on. */
static enum pt_stream_kind step_gap(struct pt_streams *s, struct pt_conv *c, int side, uint64_t end,
                                    struct pt_stream_event *ev)
{
    struct pt_dir *d = c->dir[side];
    uint64_t data_end = d->wait.head ? end : pt_gap_without_fin(c, side, end);

    if (d->has_fin && data_end > d->fin)
        data_end = d->fin;

    if (data_end <= d->next) {
        d->excused = end;
        return PT_STREAM_NONE;
    }
    return tell_hole(s, c, side, data_end, PT_LOST_TAP_GAP,
                     d->wait.head ? &d->wait.head->at : &c->last, ev);
}

/* Lets go of what has waited long enough. true: *ev is filled or the flow changed. */
static bool step_due(struct pt_streams *s, struct pt_conv *c, struct pt_stream_event *ev)
{
    for (int side = 0; side < 2; side++) {
        struct pt_dir *d = c->dir[side];
        struct pt_gap g;

        if (!d)
            continue;
        if (d->held && d->start_ns + s->cfg.hold_off_ns < c->tick) {
            d->held = false;
            return true;
        }
        if (pt_gap_roll(s, c, side))
            return true;
        g = pt_gap_find(s, c, side);
        if (!g.end || g.due_ns >= c->tick)
            continue;
        step_gap(s, c, side, g.end, ev);
        return true;
    }
    return false;
}

/* Lets go of one thing that waits, due or not. true: as above. */
static bool step_early(struct pt_streams *s, struct pt_conv *c, struct pt_stream_event *ev)
{
    for (int side = 0; side < 2; side++) {
        if (c->dir[side] && c->dir[side]->held) {
            c->dir[side]->held = false;
            return true;
        }
    }
    for (int side = 0; side < 2; side++) {
        struct pt_gap g = pt_gap_find_last(c, side);

        if (g.end) {
            step_gap(s, c, side, g.end, ev);
            return true;
        }
    }
    return false;
}

static bool dir_done(const struct pt_dir *d, const struct pt_dir *peer)
{
    if (d->has_fin)
        return pt_dir_past_fin(d);
    return !d->wait.head && d->excused == d->next + 1 && peer->has_fin;
}

static bool is_over(const struct pt_conv *c)
{
    return c->dir[0] && c->dir[1] && dir_done(c->dir[0], c->dir[1]) &&
           dir_done(c->dir[1], c->dir[0]);
}

static enum pt_stream_kind step_close(struct pt_streams *s, struct pt_conv *c,
                                      struct pt_stream_event *ev)
{
    if (!c->opened) {
        c->opened = true;
        return tell(c, PT_STREAM_OPEN, 0, &c->last, ev);
    }
    for (int side = 0; side < 2; side++) /* only what lies behind a FIN can be left */
        if (c->dir[side])
            s->stats.stale_bytes += pt_store_cut(&s->store, &c->dir[side]->wait, 0);
    c->closed = true;
    c->end_ns = c->tick + PT_LINGER_NS;
    s->stats.flows_empty += !c->payload;
    s->stats.flows_midstream += c->initiator < 0;
    s->stats.flows_one_sided += !c->dir[0] || !c->dir[1];
    tell(c, PT_STREAM_CLOSE, !c->dir[0], &c->last, ev);
    ev->one_way = c->payload && !(c->dir[0] && c->dir[1]);
    ev->len = ev->one_way ? pt_dir_carried(c->dir[ev->side]) : 0;
    return PT_STREAM_CLOSE;
}

enum pt_stream_kind pt_conv_step(struct pt_streams *s, struct pt_conv *c,
                                 struct pt_stream_event *ev)
{
    ev->kind = PT_STREAM_NONE;
    for (;;) {
        uint64_t end;
        int side;

        if (c->closed)
            return PT_STREAM_NONE;
        if (s->direct.conv == c)
            return step_direct(s, c, ev);
        side = pick_head(c, &end);
        if (side >= 0)
            return step_head(s, c, side, end, ev);
        if (is_over(c))
            return step_close(s, c, ev);
        if (c->hurry) {
            step_early(s, c, ev);
            c->hurry = ev->kind == PT_STREAM_OPEN || (ev->kind == PT_STREAM_HOLE && !ev->len);
        } else if (c->ending) {
            if (!step_early(s, c, ev))
                return step_close(s, c, ev);
        } else if (!step_due(s, c, ev)) {
            return PT_STREAM_NONE;
        }
        if (ev->kind)
            return ev->kind;
    }
}

void pt_conv_settle(struct pt_streams *s, struct pt_conv *c)
{
    int64_t due_ns = c->end_ns ? c->end_ns : INT64_MAX;

    for (int side = 0; side < 2 && !c->closed; side++) {
        struct pt_dir *d = c->dir[side];
        struct pt_gap g;

        if (!d)
            continue;
        pt_gap_note(c, side);
        g = pt_gap_find(s, c, side);
        if (d->held)
            g.due_ns = d->start_ns + s->cfg.hold_off_ns;
        if (g.due_ns < due_ns)
            due_ns = g.due_ns;
        /* One side is done and the other was never seen: it gets as long as a retransmission. */
        if (!c->dir[!side] && pt_dir_past_fin(d) && !c->end_ns) {
            c->end_ns = c->tick + s->cfg.patience_ns;
            if (c->end_ns < due_ns)
                due_ns = c->end_ns;
        }
    }
    if (due_ns == INT64_MAX)
        pt_alarms_cancel(&s->alarms, &c->alarm);
    else
        pt_alarms_set(&s->alarms, &c->alarm, due_ns);
}
