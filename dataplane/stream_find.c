/* SPDX-License-Identifier: Apache-2.0 */
/* Which connection a segment belongs to: a known one, a new one, or none. */
#include "dataplane/stream_pvt.h"

/* x is at or up to PT_BEHIND_MAX behind y. */
static bool close_behind(uint32_t x, uint32_t y)
{
    return y - x <= PT_BEHIND_MAX;
}

/* A SYN on a flow that is there: is it another connection's? */
static bool is_other_syn(const struct pt_streams *s, const struct pt_conv *c, int side,
                         const struct pt_segment *seg)
{
    const struct pt_dir *d = c->dir[side];
    const struct pt_dir *peer = c->dir[!side];

    if (d && d->has_syn)
        return pt_seq_of_data(seg) != d->start;
    if (c->closed)
        return true;
    if (d) /* late, when its bytes were given up already, it is still this one's */
        return d->start_ns + s->cfg.hold_off_ns < s->now_ns ||
               !close_behind(pt_seq_of_data(seg), (uint32_t)d->next);
    /* This side was not seen yet: its SYN came behind what the other side sent. */
    if (seg->flags & PT_TCP_ACK)
        return peer->has_syn ? seg->ack - peer->start > (uint32_t)peer->high - peer->start
                             : !peer->held;
    if (!peer->has_ack_said)
        return false;
    return !(peer->has_syn || peer->held) || !close_behind(pt_seq_of_data(seg), peer->ack_said);
}

/* The segment belongs to a later connection between the same two endpoints. */
static bool is_other_conversation(const struct pt_streams *s, const struct pt_conv *c, int side,
                                  const struct pt_segment *seg)
{
    const struct pt_dir *d = c->dir[side];

    if (seg->flags & PT_TCP_RST)
        return false;
    if (seg->flags & PT_TCP_SYN)
        return is_other_syn(s, c, side, seg);
    if (!seg->pay_len)
        return false;
    if (c->closed)
        return !d || seg->seq == (uint32_t)d->next || !close_behind(seg->seq, (uint32_t)d->next);
    return d && d->has_stray && seg->seq == d->stray && !pt_seq_fits(d, seg);
}

static void end_now(struct pt_streams *s, struct pt_conv *c)
{
    c->ending = true;
    c->gone = true;
    pt_conv_ready(s, c);
}

/* Makes room by giving up another flow than c, which may be NULL. false: there is none; if
 * *ret_again it must be heard out first. */
static bool evict(struct pt_streams *s, const struct pt_conv *c, bool *ret_again)
{
    struct pt_conv *old = (struct pt_conv *)pt_flows_spare(&s->flows);

    *ret_again = false;
    if (!old || old == c || s->evict_cnt++ >= PT_EVICT_TRIES)
        return false;
    if (old->closed) {
        pt_conv_remove(s, old);
        return true;
    }
    s->stats.flows_evicted++;
    end_now(s, old);
    *ret_again = true;
    return true;
}

/* A new flow for the segment in hand. NULL: refused, or *ret_again. */
static struct pt_conv *open_conv(struct pt_streams *s, bool *ret_again)
{
    const struct pt_segment *seg = &s->seg;
    struct pt_conv *c = NULL;

    *ret_again = false;
    if (seg->flags & PT_TCP_RST)
        return NULL;
    if ((seg->flags & (PT_TCP_FIN | PT_TCP_SYN)) == PT_TCP_FIN && !seg->pay_len)
        return NULL;
    do {
        if (!pt_alarms_reserve(&s->alarms, s->flows.flow_cnt + 1))
            c = (struct pt_conv *)pt_flows_add(&s->flows, &seg->src, &seg->dst, s->now_ns);
    } while (!c && evict(s, NULL, ret_again) && !*ret_again);
    if (!c)
        return NULL;
    c->alarm.serial = s->at.order; /* one packet begins one connection at most */
    c->initiator = -1;
    c->tick = s->now_ns;
    return c;
}

/* The first segment of a side: where its bytes begin. */
static struct pt_dir *open_dir(struct pt_streams *s, struct pt_conv *c, int side)
{
    const struct pt_segment *seg = &s->seg;
    struct pt_dir *peer = c->dir[!side];
    struct pt_dir *d = pt_mem_zalloc(s->mem, sizeof(*d));

    if (!d)
        return NULL;
    d->start = pt_seq_of_data(seg);
    d->next = (1ull << 32) + d->start;
    d->start_ns = s->now_ns;
    d->held = d->lead = true;
    /* Nothing comes out that was acknowledged by what came out already. */
    if (peer && peer->has_ack_out && pt_seq_at(d->next, peer->ack_out) > d->next &&
        pt_seq_at(d->next, peer->ack_out) <= d->next + PT_AHEAD_MAX) {
        d->next = pt_seq_at(d->next, peer->ack_out);
        d->held = false;
    }
    if (peer && peer->has_ack_said && pt_seq_at(d->next, peer->ack_said) > d->next + PT_AHEAD_MAX)
        peer->has_ack_said = false;
    d->high = d->next;
    if (!c->rst)
        c->end_ns = 0;
    c->dir[side] = d;
    s->stats.flows += !peer;
    return d;
}

struct pt_conv *pt_streams_find(struct pt_streams *s, int *ret_side, bool *ret_again)
{
    const struct pt_segment *seg = &s->seg;
    int side = 0;
    struct pt_conv *c = (struct pt_conv *)pt_flows_find(&s->flows, &seg->src, &seg->dst, &side);

    *ret_again = false;
    if (c && is_other_conversation(s, c, side, seg)) {
        if (!c->closed) {
            end_now(s, c);
            *ret_again = true;
            return NULL;
        }
        pt_conv_remove(s, c);
        c = NULL;
    }
    if (!c) {
        side = 0;
        c = open_conv(s, ret_again);
    }
    while (c && !c->dir[side] && !open_dir(s, c, side)) {
        bool bare = !c->dir[!side];

        if (!bare)
            pt_flows_touch(&s->flows, &c->flow, s->now_ns);
        if (evict(s, c, ret_again) && !*ret_again)
            continue;
        if (bare)
            pt_conv_remove(s, c);
        c = NULL;
    }
    *ret_side = side;
    return c;
}
