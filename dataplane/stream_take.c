/* SPDX-License-Identifier: Apache-2.0 */
/* What a segment changes in its flow. The rules are at the top of stream.c. */
#include "dataplane/stream_pvt.h"

static uint32_t recent_hash(const struct pt_segment *seg)
{
    uint64_t h = ((uint64_t)seg->seq << 32 | seg->ack) * 0x9e3779b97f4a7c15u;

    h ^= h >> 29;
    h += (uint64_t)(seg->pay_len + seg->pay_missing) << 32 | (uint64_t)seg->ip_id << 16 |
         seg->flags;
    h *= 0xbf58476d1ce4e5b9u;
    h ^= h >> 32;
    return (uint32_t)h | 1;
}

/* Was the same packet here a moment ago? If not it is remembered. The hash may err: it decides only
 * how bytes that are known already are counted. */
static bool is_copy(const struct pt_streams *s, struct pt_dir *d, const struct pt_segment *seg)
{
    int64_t limit_ns = seg->ip_id ? PT_COPY_NS : PT_COPY_NO_ID_NS;
    uint32_t now = (uint32_t)((uint64_t)s->now_ns / 1024);
    uint32_t hash = recent_hash(seg);

    for (int i = 0; i < PT_RECENT_CNT; i++)
        if (d->recent[i].hash == hash && now - d->recent[i].time <= limit_ns / 1024)
            return true;
    d->recent[d->recent_idx] = (struct pt_recent){ .hash = hash, .time = now };
    d->recent_idx = (uint8_t)((d->recent_idx + 1) % PT_RECENT_CNT);
    return false;
}

static void refuse(struct pt_streams *s)
{
    s->stats.segments_refused++;
    s->stats.payload_bytes += s->seg.pay_len;
    s->stats.stale_bytes += s->seg.pay_len;
}

static void take_syn(struct pt_conv *c, int side, const struct pt_segment *seg)
{
    struct pt_dir *d = c->dir[side];

    c->initiator = (int8_t)((seg->flags & PT_TCP_ACK) ? !side : side);
    if (d->has_syn)
        return;
    d->has_syn = true;
    d->start = pt_seq_of_data(seg);
    if (!d->held)
        return; /* acknowledged bytes of its own were given up already: the lead stays */
    d->next = pt_seq_at(d->next, d->start);
    d->held = d->lead = false;
}

static void take_ack(struct pt_conv *c, int side, uint32_t ack)
{
    struct pt_dir *d = c->dir[side];
    const struct pt_dir *peer = c->dir[!side];

    if (peer) {
        int32_t at = (int32_t)(ack - (uint32_t)peer->next);

        if (at > PT_AHEAD_MAX || at < -PT_BEHIND_MAX)
            return;
    }
    if (!d->has_ack_said || (int32_t)(ack - d->ack_said) > 0) {
        d->ack_said = ack;
        d->has_ack_said = true;
    }
}

/* What of the segment in hand can count, as its captured bytes are sorted out. */
struct part {
    struct pt_piece p; /* what is left to pass on */
    uint32_t old;      /* known already */
    uint32_t late;     /* declared lost already */
    uint32_t stale;    /* outside */
};

static uint64_t overlap(uint64_t from, uint64_t end, uint64_t from2, uint64_t end2)
{
    from = from > from2 ? from : from2;
    end = end < end2 ? end : end2;
    return from < end ? end - from : 0;
}

/* Cuts what lies before next; a start that is still held moves back instead. */
static void cut_front(const struct pt_conv *c, int side, struct part *x)
{
    const struct pt_dir *d = c->dir[side];
    const struct pt_dir *peer = c->dir[!side];
    uint64_t next = d->next;
    uint32_t cut;

    if (d->held && x->p.start < next) {
        next = x->p.start;
        if (peer && peer->has_ack_out && pt_seq_at(d->next, peer->ack_out) > next)
            next = pt_seq_at(d->next, peer->ack_out);
        if (next > d->next)
            next = d->next;
    }
    if (x->p.start >= next)
        return;
    cut = next - x->p.start < x->p.len ? (uint32_t)(next - x->p.start) : x->p.len;
    if (d->held) {
        x->stale += cut;
    } else {
        x->late = (uint32_t)overlap(x->p.start, x->p.start + cut, d->hole_from, d->hole_end);
        x->old += cut - x->late;
    }
    if (pt_piece_end(&x->p) <= next) {
        x->p.miss = 0;
    } else if (x->p.len == cut) {
        x->p.miss = (uint32_t)(pt_piece_end(&x->p) - next);
    }
    x->p.start = next;
    x->p.data += cut;
    x->p.len -= cut;
}

static void cut_back(const struct pt_dir *d, struct part *x)
{
    uint32_t keep;

    if (!d->has_fin || pt_piece_end(&x->p) <= d->fin)
        return;
    keep = x->p.start < d->fin ? (uint32_t)(d->fin - x->p.start) : 0;
    if (keep < x->p.len) {
        x->stale += x->p.len - keep;
        x->p.len = keep;
        x->p.miss = 0;
    } else {
        x->p.miss = keep - x->p.len;
    }
}

/* A probe repeats the last byte, or sends none in its place. */
static bool is_keepalive(const struct pt_conv *c, int side, const struct pt_piece *p, uint8_t flags)
{
    const struct pt_dir *d = c->dir[side];

    return p->len + p->miss <= 1 && p->start + 1 == d->high && p->start < d->next &&
           !(flags & (PT_TCP_SYN | PT_TCP_FIN | PT_TCP_RST)) &&
           (!d->held || pt_conv_acked(c, side) >= d->high);
}

static bool waits(const struct pt_conv *c, int side)
{
    return c->dir[side] && c->dir[side]->wait.head;
}

/* There is no room to let *p wait. true: something else is given up first: flows that are not worth
 * keeping for one that is, if what they hold is in its way; then what else of the flow waits. */
static bool make_room(struct pt_streams *s, struct pt_conv *c, int side, const struct pt_piece *p)
{
    struct pt_dir *d = c->dir[side];

    if (c->flow.worth && !pt_store_own_bound(&s->store, &d->wait, p) &&
        pt_streams_yield(s, PT_YIELD_FLOWS))
        return true;
    s->stats.cut_short++;
    if (d->held && !d->wait.head) {
        d->held = false;
        if (p->start < d->next)
            d->next = p->start;
    }
    if (!waits(c, 0) && !waits(c, 1) && !pt_conv_blocked(c, side, p->has_ack, p->ack))
        return false;
    c->hurry = true;
    pt_conv_ready(s, c);
    return true;
}

/* Bytes that the snap length took reach to the next piece at most. */
static void lend(struct pt_streams *s, struct pt_conv *c, int side, const struct pt_piece *p)
{
    uint64_t end = p->start + p->len;
    const struct pt_piece *q = c->dir[side]->wait.head;
    uint32_t miss = p->miss;

    for (; q && q->start < pt_piece_end(p); q = q->next) {
        if (pt_piece_end(q) <= end)
            continue;
        miss = q->start > end ? (uint32_t)(q->start - end) : 0;
        break;
    }
    s->direct = (struct pt_direct){
        .conv = p->len || miss ? c : NULL,
        .side = side,
        .start = p->start,
        .data = p->data,
        .len = p->len,
        .miss = miss,
        .ack = p->ack,
        .has_ack = p->has_ack,
    };
}

/* Passes on what is new of the segment in hand, or keeps it. false: again later. */
static bool take_data(struct pt_streams *s, struct pt_conv *c, int side, struct part *x)
{
    struct pt_dir *d = c->dir[side];
    const struct pt_piece *head = d->wait.head;
    struct pt_piece *p = &x->p;
    struct pt_overlap o;
    uint32_t ack = p->ack;

    /* The first data shows that the empty segment before it was a keep-alive. */
    if (d->lead && !d->has_syn && !head && p->start == d->next + 1)
        d->next = p->start;
    if (head && head->has_ack && (int32_t)(head->ack - ack) < 0)
        ack = head->ack;
    if (!d->held && p->start == d->next && !pt_conv_blocked(c, side, p->has_ack, ack)) {
        lend(s, c, side, p);
        return true;
    }
    if (pt_store_add(&s->store, &d->wait, p, &o)) {
        if (make_room(s, c, side, p))
            return false;
        lend(s, c, side, p);
        return true;
    }
    if (d->held && p->start < d->next)
        d->next = p->start;
    x->old += (uint32_t)o.refused;
    s->stats.retransmitted_bytes += o.ousted;
    s->stats.overlaps_differ += o.differ;
    return true;
}

static void count(struct pt_streams *s, const struct part *x, bool copy)
{
    struct pt_stream_stats *st = &s->stats;

    if (copy && x->old + x->late + x->stale == s->seg.pay_len) {
        st->segments_copies++;
        st->copied_bytes += s->seg.pay_len;
        return;
    }
    st->payload_bytes += s->seg.pay_len;
    st->retransmitted_bytes += x->old;
    st->late_bytes += x->late;
    st->stale_bytes += x->stale;
}

static void take_fin(struct pt_streams *s, struct pt_dir *d, uint64_t end)
{
    if (d->has_fin || end < d->next)
        return;
    d->has_fin = true;
    d->fin = end;
    s->stats.stale_bytes += pt_store_cut(&s->store, &d->wait, end);
}

static void take_rst(struct pt_streams *s, struct pt_conv *c, struct part *x, bool fits)
{
    x->stale += x->p.len;
    if (!fits || c->rst || c->closed)
        return;
    c->rst = true;
    c->end_ns = s->now_ns + s->cfg.hold_off_ns;
    s->stats.resets++;
}

/* The segment in hand has a flow and its side is known. false: again later. */
static bool take_into(struct pt_streams *s, struct pt_conv *c, int side)
{
    const struct pt_segment *seg = &s->seg;
    struct pt_dir *d = c->dir[side];
    struct part x = { .p = { .data = seg->pay,
                             .len = seg->pay_len,
                             .miss = seg->pay_missing,
                             .ack = seg->ack,
                             .has_ack = seg->flags & PT_TCP_ACK,
                             .time_ns = s->now_ns,
                             .at = s->at } };
    bool fits = pt_seq_fits(d, seg);
    uint64_t end;

    if (seg->flags & PT_TCP_RST) {
        take_rst(s, c, &x, fits);
        count(s, &x, is_copy(s, d, seg));
        return true;
    }
    if (!fits) {
        x.stale = x.p.len;
        if (x.p.len) {
            d->stray = seg->seq + seg->pay_len + seg->pay_missing;
            d->has_stray = true;
        }
        count(s, &x, is_copy(s, d, seg));
        return true;
    }
    if (seg->flags & PT_TCP_SYN)
        take_syn(c, side, seg);
    if (x.p.has_ack)
        take_ack(c, side, seg->ack);
    x.p.start = pt_seq_at(d->next, pt_seq_of_data(seg));
    end = pt_piece_end(&x.p);
    if (x.p.has_ack)
        pt_store_limit(&d->wait, end, seg->ack);
    if (is_keepalive(c, side, &x.p, seg->flags)) {
        bool copy = is_copy(s, d, seg);

        x.old = x.p.len;
        s->stats.keepalives += !copy;
        count(s, &x, copy);
        return true;
    }
    cut_back(d, &x);
    cut_front(c, side, &x);
    if (x.p.len + x.p.miss && !c->closed) {
        if (!take_data(s, c, side, &x))
            return false;
        c->payload |= (uint8_t)(1 << side);
    } else if (c->closed) {
        x.stale += x.p.len;
    }
    if (end > d->high)
        d->high = end;
    if (seg->flags & PT_TCP_FIN && !c->closed)
        take_fin(s, d, end);
    count(s, &x, is_copy(s, d, seg));
    return true;
}

/* The segment in hand shows that this connection works: see END at the top of stream.c. */
static bool is_worth(const struct pt_streams *s, const struct pt_conv *c, int side)
{
    const struct pt_dir *peer = c->dir[!side];

    if (!peer)
        return c->payload && pt_dir_carried(c->dir[side]) >= PT_WORTH_LEN && !c->lost.holes;
    return c->payload == 3 && s->seg.flags & PT_TCP_ACK && s->seg.ack == (uint32_t)peer->high;
}

bool pt_streams_take(struct pt_streams *s)
{
    int side;
    bool again;
    struct pt_conv *c = pt_streams_find(s, &side, &again);

    if (!c) {
        if (!again)
            refuse(s);
        return !again;
    }
    pt_flows_touch(&s->flows, &c->flow, s->now_ns);
    if (c->tick < s->now_ns)
        c->tick = s->now_ns;
    c->last = s->at;
    if (!take_into(s, c, side))
        return false;
    if (!c->flow.worth && is_worth(s, c, side))
        pt_flows_keep(&s->flows, &c->flow);
    pt_conv_ready(s, c);
    return true;
}
