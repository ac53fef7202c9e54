/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the ledger to a sequence of records: offsets in rising order, each passed once. Holes,
 * markers and aborted records are passed without a trace, because it is certain that no committed
 * record is there; behind an offset that is unseen or undecided the next record carries
 * PT_ITEM_GAP_BEFORE.
 */
#include "verify/log_pvt.h"

/* The log began at off, when it was first heard of or later. A log start that moved past off behind
 * that says nothing about what had been in front of it. */
static bool is_log_start(const struct pt_log *l, int64_t off)
{
    bool start = off == 0 || (l->trim_cnt && off <= l->trim[0].log_start);

    for (size_t k = 0; k < l->trim_cnt && !start; k++)
        start = off == l->trim[k].log_start;
    return start;
}

/* The first offset to settle. Offset 0, or a log start that the broker states, is an anchor; a log
 * that begins anywhere else has a gap in front of it. */
static bool begin(struct pt_log *l, unsigned how)
{
    int64_t first = pt_ranges_next(&l->certified, 0);
    bool anchored = is_log_start(l, first) && !l->lost[PT_LOST_EVICTED].cnt;

    if (first == INT64_MAX || (!anchored && !(how & PT_SETTLE_GAPS)))
        return false;
    l->cursor = first;
    l->gap = !anchored;
    return true;
}

static void pass_hole(struct pt_log *l, int64_t to)
{
    if (!pt_ranges_add(&l->holes, l->cursor, to))
        l->holes_unknown = true;
    l->cursor = to;
    pt_producers_break(&l->producers, to);
}

/* There is no timestamp to compare: the original never had one (whoever copies it may give it one),
 * or the copy's format has no room for it. */
static bool has_no_time(const struct pt_log *l, const struct pt_slot *slot)
{
    return slot->timestamp_ms < 0 &&
           (l->cluster == PT_CLUSTER_SOURCE || l->evidence[slot->evidence].magic == 0);
}

/* Whether what was seen at off is what the log holds now that the high watermark has passed it. It
 * is if it was committed when it was seen, or its leader was seen to go on after that. Else a
 * leader may have lost it, and the next one may have written other records there that the tap did
 * not see, which the watermark counts as well. Epochs never fall with the offset, and one leader
 * writes an offset once: so it is there if a record behind it of which that is known has the same
 * epoch. What only a Produce showed has none of its own, but not a lower one than the record before
 * it; and nothing is older than epoch 0. Behind the last that is known nothing can be said once the
 * tap has lost something.
 */
static bool stands(struct pt_log *l, int64_t off, const struct pt_slot *slot, uint16_t state)
{
    const uint16_t known = PT_SLOT_SURE | PT_SLOT_STANDS;
    int32_t own = l->evidence[slot->evidence].leader_epoch;
    int32_t epoch = own >= 0 ? own : l->epoch;
    uint16_t *other;

    if (state & (known | PT_SLOT_COMMITTED))
        return true;
    if (l->proof_epoch != epoch || l->proof_at <= off)
        l->proof_at = off + 1;
    l->proof_epoch = epoch;
    for (int64_t at; (at = pt_slots_next(&l->slots, l->proof_at)) != INT64_MAX;) {
        slot = pt_slots_get(&l->slots, at, &other);
        own = l->evidence[slot->evidence].leader_epoch;
        if (own >= 0 && (*other & known || own > (epoch < 0 ? 0 : epoch)))
            return own == epoch || own == 0;
        l->proof_at = at + 1;
    }
    return l->env->tap_end_ns[l->cluster] > INT64_MIN;
}

/* What lies at the cursor, which is certified and has a slot. True: a record. */
static bool settle_slot(struct pt_log *l, unsigned how, bool *ret_stop, struct pt_item *ret_item)
{
    int64_t off = l->cursor;
    uint16_t *state;
    const struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);
    enum pt_txn_state txn = PT_TXN_UNDECIDED;
    bool held;

    if (how == PT_SETTLE_RUNNING &&
        l->env->now_ns - l->evidence[slot->evidence].at.time_ns < PT_SETTLE_NS) {
        *ret_stop = true;
        return false;
    }
    if ((*state & PT_SLOT_KIND) == PT_SLOT_CONTROL) {
        l->control++;
        l->cursor++;
        return false;
    }
    held = off < l->committed_end && stands(l, off, slot, *state);
    if (held)
        txn = pt_txn_decide(l, off, slot, *state);
    if (txn == PT_TXN_UNDECIDED && how != PT_SETTLE_ALL) {
        *ret_stop = true;
        return false;
    }
    if (held)
        pt_held_pass(l, off, slot, *state);
    else
        pt_producers_break(&l->producers, off + 1);
    l->cursor++;
    if (txn == PT_TXN_UNDECIDED) {
        l->undecided++;
        /* Refused: it stays pending, whatever its age. */
        pt_ranges_add(&l->open, off, off + 1);
        l->gap = true;
        return false;
    }
    if (l->evidence[slot->evidence].leader_epoch >= 0)
        l->epoch = l->evidence[slot->evidence].leader_epoch;
    if (txn == PT_TXN_ABORTED) {
        l->aborted++;
        return false;
    }
    *ret_item = (struct pt_item){ .content = slot->content,
                                  .timestamp_ms = slot->timestamp_ms,
                                  .offset = off,
                                  .key = slot->key,
                                  .value = slot->value,
                                  .headers = slot->headers };
    if (l->gap)
        ret_item->flags |= PT_ITEM_GAP_BEFORE;
    if ((*state & PT_SLOT_LOG_APPEND) || has_no_time(l, slot))
        ret_item->flags |= PT_ITEM_LOG_APPEND;
    l->gap = false;
    l->records++;
    return true;
}

bool pt_log_next(struct pt_log *l, unsigned how, struct pt_item *ret_item)
{
    bool stop = false;

    if (l->cursor < 0 && !begin(l, how))
        return false;
    while (!stop) {
        int64_t end = pt_ranges_until(&l->certified, l->cursor);
        int64_t off;

        if (end == l->cursor) {
            int64_t next = pt_ranges_next(&l->certified, l->cursor);

            if (!(how & PT_SETTLE_GAPS) || next == INT64_MAX)
                return false;
            l->cursor = next;
            l->gap = true;
            pt_producers_break(&l->producers, next);
            continue;
        }
        off = pt_slots_next(&l->slots, l->cursor);
        if (off > l->cursor)
            pass_hole(l, off < end ? off : end);
        else if (settle_slot(l, how, &stop, ret_item))
            return true;
    }
    return false;
}

void pt_log_rewind(struct pt_log *l)
{
    l->cursor = -1;
    l->gap = false;
    l->epoch = -1;
    l->holes_unknown = false;
    pt_ranges_fini(&l->holes);
    pt_ranges_fini(&l->open);
    pt_changed_fini(&l->changed);
    l->records = 0;
    l->records_alone = 0;
    l->aborted = 0;
    l->control = 0;
    l->undecided = 0;
}

enum pt_end pt_log_ending(const struct pt_log *l)
{
    int64_t end = pt_log_end(l);
    int64_t lost_ns = l->lost_ns;
    bool stated = l->hw_max >= 0;

    if (l->env->shed_ns[l->cluster] > lost_ns)
        lost_ns = l->env->shed_ns[l->cluster];

    if (l->cursor < 0) { /* nothing is certified: it may be empty */
        if (stated && end <= l->hw_max && (l->hw_max == 0 || l->hw_max == l->log_start))
            return PT_END_COMPLETE;
        return end > 0 ? PT_END_UNSEEN : PT_END_OPEN;
    }
    if (l->gap || l->cursor < end)
        return PT_END_UNSEEN;
    /* What was lost may have been the next records, unless the end was stated, or seen, since then.
     */
    if (lost_ns > l->tail_ns && !(stated && l->hw_ns > lost_ns))
        return PT_END_UNSEEN;
    return stated ? PT_END_COMPLETE : PT_END_OPEN;
}

bool pt_log_has_hole(const struct pt_log *l, int64_t a, int64_t b)
{
    return l->holes_unknown ||
           pt_ranges_count(&l->holes, a < 0 ? 0 : a + 1, b < 0 ? INT64_MAX : b) > 0;
}
