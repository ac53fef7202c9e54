/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_LOG_PVT_H
#define PT_VERIFY_LOG_PVT_H
/*
 * What the sources of a log share:
 *
 *   log.c       batches and bounds in, certificates
 *   evidence.c  who told of a record
 *   sighting.c  a record meets what its offset holds already
 *   leaders.c   ends of the log that a new leader did not have
 *   gone.c      what is gone, lawfully or not
 *   held.c      batches that the log holds, as a whole
 *   lost.c      what passed and gave no evidence
 *   txn.c       what became of transactions
 *   settle.c    records out, in offset order
 */
#include "verify/log.h"

#define PT_NO_EVIDENCE UINT32_MAX

/* pt_log_changed: the record at off is not what was seen there first. */
static inline void pt_log_changed(struct pt_log *l, int64_t off)
{
    if (off < l->cursor)
        pt_changed_add(&l->changed, off, off + 1);
}

/* pt_log_grow makes room for one more element of elem_sz in an array of the log; false if refused.
 */
bool pt_log_grow(struct pt_log *l, void **p, size_t cnt, size_t *cap, size_t elem_sz);

/* evidence.c */

/* pt_evidence_read: a consumer got what this evidence is of with b. */
static inline void pt_evidence_read(struct pt_evidence *ev, const struct pt_sighting *b)
{
    if (ev->read_ns < b->at.time_ns)
        ev->read_ns = b->at.time_ns;
}

/* pt_evidence_new: index of a new evidence with no references yet, or PT_NO_EVIDENCE if memory is
 * refused. */
uint32_t pt_evidence_new(struct pt_log *l, const struct pt_sighting *b);
void pt_evidence_free(struct pt_log *l, uint32_t i);

/* pt_evidence_drop takes a slot's reference back; pt_evidence_move makes it refer to `to`. */
void pt_evidence_drop(struct pt_log *l, uint32_t i);
void pt_evidence_move(struct pt_log *l, struct pt_slot *slot, uint32_t to);

/* pt_evidence_hold: the log holds this slot's record in the batch of evidence `in`, as a fetch
 * shows it; `first` showed it first, and becomes the slot's. */
void pt_evidence_hold(struct pt_log *l, struct pt_slot *slot, uint32_t first, uint32_t in);

/* pt_evidence_is_of: a fetch has shown these slots in the very batch of b, whose last offset is
 * `last`. */
bool pt_evidence_is_of(const struct pt_evidence *ev, const struct pt_sighting *b, int64_t last);

/* sighting.c */

/* pt_sighting_state: what a slot's state becomes when this batch fills it. */
uint16_t pt_sighting_state(const struct pt_sighting *b);

enum pt_placed {
    PT_PLACED,
    PT_PLACED_NOT,   /* memory is refused */
    PT_PLACED_STALE, /* neither this record nor what follows it is in the log any more */
};

/* A batch that is being placed, and what its records have met so far. */
struct pt_meeting {
    const struct pt_sighting *b;
    uint32_t ev;   /* its own evidence */
    uint32_t met;  /* evidence of the first record that was there already, PT_NO_EVIDENCE none */
    bool met_more; /* ... and of others */
    bool contradicted; /* some offset held another record: so it is another batch, all of it */
    bool older;        /* what was there was written by an earlier leader */
    bool unsettled;    /* slots may have to refer to another evidence */
};

/* pt_sighting_place puts one record at its offset. */
enum pt_placed pt_sighting_place(struct pt_log *l, struct pt_meeting *m, int64_t off,
                                 const struct pt_record *rec);

/* pt_sighting_settle: all of its records [0, rec_cnt) are placed. Now it is known whether it is the
 * batch that was seen before, and of which leader. */
void pt_sighting_settle(struct pt_log *l, const struct pt_meeting *m, const struct pt_record *rec,
                        uint32_t rec_cnt);

/* leaders.c */

/* pt_leaders_end: where the log ends for batches of that epoch: from there on it holds what later
 * leaders wrote. INT64_MAX: nothing of that kind is known. */
int64_t pt_leaders_end(const struct pt_log *l, int32_t epoch);

/* pt_leaders_began: from `from` on the log holds nothing that was written before that epoch. */
void pt_leaders_began(struct pt_log *l, int64_t from, int32_t epoch);

/* pt_leaders_truncate: at `from` the log holds what a leader of that epoch (-1 not known) wrote. So
 * whatever older leaders wrote there and behind it is not in it any more: it is forgotten. sure: a
 * consumer was given that; then what was acknowledged is lost, else it stays. */
void pt_leaders_truncate(struct pt_log *l, int64_t from, int32_t epoch, bool sure);

/* pt_leaders_pass looks whether a batch of a consumer shows that what lies behind it is not there
 * any more. */
void pt_leaders_pass(struct pt_log *l, const struct pt_sighting *b);

/* held.c */

/* pt_held_pass: the record at off, in this slot, is settled: it is committed. */
void pt_held_pass(struct pt_log *l, int64_t off, const struct pt_slot *slot, uint16_t state);

/* gone.c */

/* pt_gone_mark: data in [from, to) was certified absent by b. */
void pt_gone_mark(struct pt_log *l, int64_t from, int64_t to, const struct pt_sighting *b);

/* pt_gone_before: a record at off is shown by b, and had been certified absent before: by an answer
 * that overtook that of its Produce, or whoever shows it now contradicts the other. */
void pt_gone_before(struct pt_log *l, int64_t off, uint16_t *state, const struct pt_sighting *b);

/* pt_gone_trim takes a statement of the log start. */
void pt_gone_trim(struct pt_log *l, int64_t log_start, int64_t time_ns);

#endif
