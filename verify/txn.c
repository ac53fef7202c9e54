/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which records of transactions count. Two proofs, and nothing else decides:
 *  - the next marker of the same producer behind the record, if every offset up to it is certified
 * (an unseen offset between them could be another marker, and so could one that only an old
 * consumer's answer shows, which carries none);
 *  - a read_committed response over the record: it lists every aborted transaction that overlaps
 * it.
 */
#include "verify/log.h"

enum pt_txn_state pt_txn_decide(const struct pt_log *l, int64_t off, const struct pt_slot *slot,
                                uint16_t state)
{
    const struct pt_marker *m;

    if (!(state & PT_SLOT_TXN) || (state & PT_SLOT_COMMITTED))
        return PT_TXN_COMMITTED;
    if (state & PT_SLOT_ABORTED)
        return PT_TXN_ABORTED;
    m = pt_markers_next(&l->markers, l->evidence[slot->evidence].producer_id, off);
    if (!m || pt_ranges_until(&l->certified, off) <= m->offset || pt_log_reduced(l, off, m->offset))
        return PT_TXN_UNDECIDED;
    return m->commit ? PT_TXN_COMMITTED : PT_TXN_ABORTED;
}

/* What the list says about a record of this producer. The latest transaction listed that began at
 * or before it holds it, unless a marker in the response ended that one before the record. (If
 * the response begins at `from`, no marker in front of that can be meant: a transaction that had
 * ended there would not be listed.) */
static enum pt_txn_state listed(const struct pt_log *l, const struct pt_obs_aborted *a, int64_t off,
                                int64_t producer_id)
{
    const struct pt_marker *m;
    int64_t first = -1;

    for (uint32_t i = 0; i < a->cnt; i++)
        if (a->txn[i].producer_id == producer_id && a->txn[i].first_offset <= off &&
            a->txn[i].first_offset > first)
            first = a->txn[i].first_offset;
    if (first < 0)
        return PT_TXN_COMMITTED;
    if (first < a->from && !a->torn)
        first = a->from;
    if (pt_ranges_until(&l->certified, first) <= off || pt_log_reduced(l, first, off))
        return PT_TXN_UNDECIDED;
    m = pt_markers_next(&l->markers, producer_id, first - 1);
    return m && m->offset < off ? PT_TXN_COMMITTED : PT_TXN_ABORTED;
}

void pt_txn_listed(struct pt_log *l, const struct pt_obs_aborted *a)
{
    int64_t at = a->from > l->cursor ? a->from : l->cursor;
    uint16_t *state;

    for (int64_t off; (off = pt_slots_next(&l->slots, at)) < a->to; at = off + 1) {
        const struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);
        enum pt_txn_state said;

        if (!(*state & PT_SLOT_TXN) || (*state & (PT_SLOT_COMMITTED | PT_SLOT_ABORTED)))
            continue;
        said = listed(l, a, off, l->evidence[slot->evidence].producer_id);
        if (said == PT_TXN_COMMITTED)
            *state |= PT_SLOT_COMMITTED;
        else if (said == PT_TXN_ABORTED)
            *state |= PT_SLOT_ABORTED;
    }
}

int64_t pt_txn_commit_ns(struct pt_log *l, int64_t off)
{
    uint16_t *state;
    const struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);
    const struct pt_evidence *ev;
    const struct pt_marker *m;

    if (!slot)
        return INT64_MAX;
    ev = &l->evidence[slot->evidence];
    if (!(*state & PT_SLOT_TXN))
        return ev->at.time_ns;
    m = pt_markers_next(&l->markers, ev->producer_id, off);
    if (!m || pt_ranges_until(&l->certified, off) <= m->offset || pt_log_reduced(l, off, m->offset))
        return INT64_MAX;
    return m->time_ns > ev->at.time_ns ? m->time_ns : ev->at.time_ns;
}
