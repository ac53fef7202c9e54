/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who told of a record first, and in which batch the log holds it. Mostly that is one batch; a
 * broker that converts formats may make one of several, and then a slot refers to an evidence that
 * joins the two.
 */
#include "verify/log_pvt.h"

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Index of an evidence to fill in, or PT_NO_EVIDENCE. */
static uint32_t take(struct pt_log *l)
{
    void *p = l->evidence;
    uint32_t i;

    if (l->evidence_free) {
        i = (uint32_t)(l->evidence_free - 1);
        l->evidence_free = (size_t)l->evidence[i].producer_id;
        return i;
    }
    if (l->evidence_cnt >= PT_NO_EVIDENCE ||
        !pt_log_grow(l, &p, l->evidence_cnt, &l->evidence_cap, sizeof(*l->evidence)))
        return PT_NO_EVIDENCE;
    l->evidence = p;
    return (uint32_t)l->evidence_cnt++;
}

uint32_t pt_evidence_new(struct pt_log *l, const struct pt_sighting *b)
{
    uint32_t i = take(l);

    if (i != PT_NO_EVIDENCE)
        l->evidence[i] = (struct pt_evidence){
            .at = b->at,
            .read_ns = b->source == PT_SRC_FETCH_CONSUMER ? b->at.time_ns : INT64_MIN,
            .producer_id = b->producer_id,
            .fingerprint = b->fingerprint,
            .base = b->base,
            .last_delta = (int32_t)(b->last - b->base),
            .client = b->client,
            .leader_epoch = b->leader_epoch,
            .base_sequence = b->base_sequence,
            .producer_epoch = b->producer_epoch,
            .source = b->source,
            .magic = b->magic,
        };
    l->joined = (struct pt_joined){ .to = PT_NO_EVIDENCE };
    return i;
}

void pt_evidence_free(struct pt_log *l, uint32_t i)
{
    if (l->joined.to == i)
        l->joined.to = PT_NO_EVIDENCE;
    l->evidence[i].producer_id = (int64_t)l->evidence_free;
    l->evidence_free = (size_t)i + 1;
}

void pt_evidence_drop(struct pt_log *l, uint32_t i)
{
    if (--l->evidence[i].refs == 0)
        pt_evidence_free(l, i);
}

void pt_evidence_move(struct pt_log *l, struct pt_slot *slot, uint32_t to)
{
    uint32_t from = slot->evidence;

    l->evidence[to].refs++;
    l->evidence[to].read_ns = later(l->evidence[to].read_ns, l->evidence[from].read_ns);
    slot->evidence = to;
    pt_evidence_drop(l, from);
}

bool pt_evidence_is_of(const struct pt_evidence *ev, const struct pt_sighting *b, int64_t last)
{
    return ev->leader_epoch == b->leader_epoch && ev->fingerprint == b->fingerprint &&
           ev->base == b->base && ev->last_delta == last - b->base;
}

/* One that was seen first as `first`, and that the log holds in the batch of `in`; the same as for
 * the record before, if that was so, too. */
static uint32_t join(struct pt_log *l, uint32_t first, uint32_t in)
{
    struct pt_evidence both = l->evidence[first];
    uint32_t i;

    if (l->joined.to != PT_NO_EVIDENCE && l->joined.first == first && l->joined.in == in)
        return l->joined.to;
    i = take(l);
    if (i == PT_NO_EVIDENCE)
        return first;
    both.refs = 0;
    both.read_ns = later(both.read_ns, l->evidence[in].read_ns);
    both.fingerprint = l->evidence[in].fingerprint;
    both.base = l->evidence[in].base;
    both.last_delta = l->evidence[in].last_delta;
    both.leader_epoch = l->evidence[in].leader_epoch;
    both.base_sequence = -1; /* it was that of another batch */
    l->evidence[i] = both;
    l->joined = (struct pt_joined){ .first = first, .in = in, .to = i };
    return i;
}

void pt_evidence_hold(struct pt_log *l, struct pt_slot *slot, uint32_t first, uint32_t in)
{
    struct pt_evidence *f = &l->evidence[first];
    const struct pt_evidence *b = &l->evidence[in];

    if (f->base != b->base || f->last_delta != b->last_delta) {
        first = join(l, first, in);
    } else {
        f->leader_epoch = b->leader_epoch;
        f->fingerprint = b->fingerprint;
    }
    if (slot->evidence != first)
        pt_evidence_move(l, slot, first);
}
