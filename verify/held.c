/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a batch says as a whole, when the log settles its first record: whether its producer's
 * numbers go on, and whether it was one that a broker had refused. What is not known to be in the
 * log, or came in an old format, in which producers do not show, leaves open what else there was.
 */
#include "verify/log_pvt.h"
#include "verify/refused.h"
#include "verify/registry.h"

/* Whether what the slot holds is what the log holds there: it was fetched, or all replicas have
 * acknowledged it, and nothing contradicts that. */
static bool is_held(uint16_t state)
{
    return (state & (PT_SLOT_FETCHED | PT_SLOT_SURE)) && !(state & PT_SLOT_DISPUTED);
}

/* Not of internal topics: the coordinators of Kafka write there in a producer's name and number
 * each batch from 0. */
static void check_sequence(struct pt_log *l, const struct pt_evidence *ev,
                           const struct pt_slot *slot, uint16_t state)
{
    const struct pt_produced b = { .producer_id = ev->producer_id,
                                   .base = ev->base,
                                   .last = ev->base + ev->last_delta,
                                   .produced_ns =
                                           ev->source == PT_SRC_PRODUCE ? ev->at.time_ns : -1,
                                   .timestamp_ms = slot->timestamp_ms,
                                   .content = slot->content,
                                   .base_sequence = ev->base_sequence,
                                   .producer_epoch = ev->producer_epoch,
                                   .log_append = state & PT_SLOT_LOG_APPEND };
    int32_t expected = -1;
    enum pt_sequence seq = pt_producers_pass(&l->producers, &b, l->log_start, &expected);
    struct pt_fact fact = { .cluster = l->cluster };

    if (seq == PT_SEQUENCE_FITS)
        return;
    fact.code = seq == PT_SEQUENCE_GAP ? PT_FINDING_SEQUENCE_GAP : PT_FINDING_SEQUENCE_REPEATED;
    fact.cnt = seq == PT_SEQUENCE_GAP ? 1 : (uint64_t)ev->last_delta + 1;
    fact.site[l->cluster] = pt_log_site(l, ev->base);
    pt_findings_say(l->env->findings, &fact, "producer %lld, epoch %d: %d where %d was due",
                    (long long)b.producer_id, b.producer_epoch, b.base_sequence, expected);
}

void pt_held_pass(struct pt_log *l, int64_t off, const struct pt_slot *slot, uint16_t state)
{
    const struct pt_evidence *ev = &l->evidence[slot->evidence];
    bool shown = ev->source == PT_SRC_PRODUCE || ev->magic >= 2;

    if (!is_held(state) || !shown || (ev->producer_id >= 0 && ev->base_sequence < 0)) {
        pt_producers_break(&l->producers, off + 1);
        return;
    }
    if (off != ev->base)
        return;
    if (ev->producer_id >= 0 && !l->topic->name->internal)
        check_sequence(l, ev, slot, state);
    if (l->refused && !(state & PT_SLOT_PRODUCED)) {
        uint16_t *last_state;
        const struct pt_slot *last = pt_slots_get(&l->slots, off + ev->last_delta, &last_state);

        if (last)
            pt_refusals_held(l->env->refusals, l, ev, slot, last);
    }
}
