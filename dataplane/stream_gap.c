/* SPDX-License-Identifier: Apache-2.0 */
/* What is missing in a direction, and when it counts as lost. The rules are at the top of stream.c.
 */
#include "dataplane/stream_pvt.h"

uint64_t pt_conv_acked(const struct pt_conv *c, int side)
{
    const struct pt_dir *d = c->dir[side];
    const struct pt_dir *peer = c->dir[!side];
    uint64_t pos;

    if (!peer || !peer->has_ack_said)
        return 0;
    pos = pt_seq_at(d->next, peer->ack_said);
    if (pos > d->next + PT_AHEAD_MAX)
        return 0;
    return d->has_fin && pos > d->fin ? d->fin : pos;
}

/* From here on it counts as waiting; one byte behind next may be excused as a FIN. */
static uint64_t wait_base(const struct pt_dir *d)
{
    return !d->wait.head && d->excused > d->next ? d->excused : d->next;
}

/* Where nothing follows, the last byte that was acknowledged or skipped can be a FIN that was not
 * seen: it can if it is the only one, or if the other side is closing too. */
uint64_t pt_gap_without_fin(const struct pt_conv *c, int side, uint64_t end)
{
    const struct pt_dir *d = c->dir[side];
    const struct pt_dir *peer = c->dir[!side];

    if (d->has_fin)
        return end;
    return end == d->next + 1 || (peer && peer->has_fin) ? end - 1 : end;
}

struct pt_gap pt_gap_find(const struct pt_streams *s, const struct pt_conv *c, int side)
{
    const struct pt_dir *d = c->dir[side];
    const struct pt_piece *head = d ? d->wait.head : NULL;
    struct pt_gap g = { .due_ns = INT64_MAX };
    uint64_t base;
    bool part;

    if (!d || d->held || pt_dir_past_fin(d) || (head && head->start <= d->next))
        return g;
    base = wait_base(d);
    if (head) {
        g.end = head->start;
        g.due_ns = head->time_ns + s->cfg.patience_ns;
    } else if (d->sent > base) {
        g.end = d->sent;
        g.due_ns = d->sent_ns + s->cfg.patience_ns;
    }
    /* Where more of it is acknowledged but not proven, one more hold-off makes one hole of it. */
    part = d->proven > base && !(head && d->proven >= head->start);
    if (d->proven > base && (!part || d->proof_twice || d->proof <= d->proven)) {
        g.end = part ? d->proven : head->start;
        g.due_ns = INT64_MIN;
    } else if (d->proof > base && d->proof_ns + s->cfg.hold_off_ns < g.due_ns) {
        g.end = 0;
        g.due_ns = d->proof_ns + s->cfg.hold_off_ns;
    }
    return g;
}

struct pt_gap pt_gap_find_last(const struct pt_conv *c, int side)
{
    const struct pt_dir *d = c->dir[side];
    const struct pt_piece *head = d ? d->wait.head : NULL;
    struct pt_gap g = { 0 };
    uint64_t end;

    if (!d || pt_dir_past_fin(d) || (head && head->start <= d->next))
        return g;
    end = pt_conv_acked(c, side);
    if (d->high > end)
        end = d->high;
    if (head)
        g.end = head->start;
    else if (end > wait_base(d))
        g.end = end;
    return g;
}

bool pt_gap_roll(const struct pt_streams *s, struct pt_conv *c, int side)
{
    struct pt_dir *d = c->dir[side];
    uint64_t acked;

    if (d->proof <= d->proven || d->proof_ns + s->cfg.hold_off_ns >= c->tick)
        return false;
    acked = pt_conv_acked(c, side);
    d->proof_twice = d->proven > wait_base(d);
    d->proven = d->proof;
    if (acked > d->proof) {
        d->proof = acked;
        d->proof_ns = c->tick;
    }
    return true;
}

void pt_gap_note(struct pt_conv *c, int side)
{
    struct pt_dir *d = c->dir[side];
    uint64_t acked = pt_conv_acked(c, side);
    uint64_t base = wait_base(d);

    if (d->proof <= d->proven || d->proof <= base) {
        if (acked > base && acked > d->proven) {
            d->proof = acked;
            d->proof_ns = c->tick;
        }
    }
    if (d->sent <= base && d->high > base) {
        d->sent = d->high;
        d->sent_ns = c->tick;
    }
}
