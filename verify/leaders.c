/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Leader epochs never fall along a log: what a leader of epoch e wrote at some offset stands on
 * what it had, and everything behind that is of e or later. So one batch of a later epoch proves
 * that what earlier leaders wrote at its offsets and behind them is not in the log any more. That
 * is lawful for what was not committed. Copies of it may still pass later (another tap, another
 * connection), as records or as bytes that were seen before; they are known by their epoch.
 */
#include <string.h>

#include "verify/log_pvt.h"

int64_t pt_leaders_end(const struct pt_log *l, int32_t epoch)
{
    for (size_t i = 0; epoch >= 0 && i < l->leader_cnt; i++)
        if (l->leader[i].epoch > epoch)
            return l->leader[i].from;
    return INT64_MAX;
}

void pt_leaders_began(struct pt_log *l, int64_t from, int32_t epoch)
{
    size_t kept = 0;
    size_t at;

    for (size_t i = 0; i < l->leader_cnt; i++)
        if (l->leader[i].from < from || l->leader[i].epoch > epoch)
            l->leader[kept++] = l->leader[i];
    l->leader_cnt = kept;
    for (at = 0; at < kept && l->leader[at].from < from; at++)
        if (l->leader[at].epoch >= epoch)
            return; /* known, and more */
    if (at < kept && l->leader[at].from == from)
        return;
    if (kept == PT_LEADERS_MAX) { /* the oldest two become one that takes more away than both */
        l->leader[1].from = l->leader[0].from;
        memmove(l->leader, l->leader + 1, (kept - 1) * sizeof(*l->leader));
        l->leader_cnt = --kept;
        at -= at > 0;
        l->env->stats->leaders_joined++;
    }
    memmove(&l->leader[at + 1], &l->leader[at], (kept - at) * sizeof(*l->leader));
    l->leader[at] = (struct pt_leader){ from, epoch };
    l->leader_cnt++;
}

/* An acknowledged record is lost: the log has been cut below it. */
static void report_lost(struct pt_log *l, int64_t off)
{
    struct pt_fact fact = { .code = PT_FINDING_ACKED_LOST, .cluster = l->cluster, .cnt = 1 };

    fact.site[l->cluster] = pt_log_site(l, off);
    pt_findings_add(l->env->findings, &fact);
}

/* Whether this slot stays when the log is cut by a leader of that epoch. Of unknown epochs, what is
 * acknowledged may have come behind what we have seen. */
static bool stays(const struct pt_evidence *ev, uint16_t state, int32_t epoch, bool sure)
{
    bool acked = (state & PT_SLOT_SURE) && (state & PT_SLOT_KIND) == PT_SLOT_DATA;

    return (state & PT_SLOT_DISPUTED) || (epoch >= 0 && ev->leader_epoch >= epoch) ||
           (acked && (!sure || ev->leader_epoch < 0));
}

void pt_leaders_truncate(struct pt_log *l, int64_t from, int32_t epoch, bool sure)
{
    int64_t kept = INT64_MAX; /* from here on only what is forgotten loses its certificate */
    int32_t latest = -1;      /* of what is forgotten */
    uint16_t *state;
    int64_t at = from;

    for (int64_t off; (off = pt_slots_next(&l->slots, at)) != INT64_MAX; at = off + 1) {
        const struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);
        const struct pt_evidence *ev = &l->evidence[slot->evidence];

        if (stays(ev, *state, epoch, sure)) {
            bool whole = epoch >= 0 && ev->leader_epoch >= epoch && ev->base > from;
            int64_t first = whole ? ev->base : off;

            kept = first < kept ? first : kept;
            continue;
        }
        if (ev->leader_epoch > latest)
            latest = ev->leader_epoch;
        if ((*state & PT_SLOT_SURE) && (*state & PT_SLOT_KIND) == PT_SLOT_DATA)
            report_lost(l, off);
        if (off > kept && !(*state & PT_SLOT_GONE)) {
            pt_ranges_remove(&l->certified, off, off + 1);
            pt_markers_forget(&l->markers, off, off + 1);
        }
        pt_log_changed(l, off);
        pt_evidence_drop(l, slot->evidence);
        *state = PT_SLOT_EMPTY;
    }
    pt_ranges_remove(&l->certified, from, kept);
    pt_markers_forget(&l->markers, from, kept);
    if (epoch >= 0 || latest >= 0)
        pt_leaders_began(l, from, epoch >= 0 ? epoch : latest + 1);
}

void pt_leaders_pass(struct pt_log *l, const struct pt_sighting *b)
{
    uint16_t *state;
    int64_t off;
    const struct pt_slot *slot;

    if (b->source != PT_SRC_FETCH_CONSUMER || b->leader_epoch < 0 || !l->certified.cnt ||
        l->certified.r[l->certified.cnt - 1].to <= b->last + 1)
        return;
    off = pt_slots_next(&l->slots, b->last + 1);
    slot = off < INT64_MAX ? pt_slots_get(&l->slots, off, &state) : NULL;
    if (slot && !(*state & PT_SLOT_DISPUTED) && l->evidence[slot->evidence].leader_epoch >= 0 &&
        l->evidence[slot->evidence].leader_epoch < b->leader_epoch)
        pt_leaders_truncate(l, b->last + 1, b->leader_epoch, true);
}
