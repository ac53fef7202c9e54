/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A record meets what its offset holds already: it is the same, or a converted copy, or it is not.
 *
 * What contradicts each other is said once an offset. From then on the offset is disputed: nothing
 * that comes later is compared with it or changes it. Which of several copies comes with its
 * records, and which as bytes that were seen before (parser/seen.h), depends on chance; so what
 * either does to a slot must be the same: a copy that was credited here before confirms the slots
 * that are of its own batch and leader epoch, and not disputed, and does nothing else
 * (pt_log_again).
 */
#include "verify/log_pvt.h"

uint16_t pt_sighting_state(const struct pt_sighting *b)
{
    unsigned state = b->flags & PT_BATCH_CONTROL ? PT_SLOT_CONTROL : PT_SLOT_DATA;

    state |= b->source == PT_SRC_PRODUCE ? PT_SLOT_PRODUCED : PT_SLOT_FETCHED;
    if (b->flags & PT_BATCH_LOG_APPEND)
        state |= PT_SLOT_LOG_APPEND;
    if ((b->flags & PT_BATCH_TRANSACTIONAL) && !(b->flags & PT_BATCH_CONTROL))
        state |= PT_SLOT_TXN;
    if (b->source == PT_SRC_FETCH_CONSUMER || (b->source == PT_SRC_PRODUCE && b->acks_all))
        state |= PT_SLOT_SURE;
    if (b->source == PT_SRC_FETCH_CONSUMER)
        state |= PT_SLOT_READ;
    return (uint16_t)state;
}

enum change { SAME, TAKE_NEW, KEEP_OLD, DIFFERS };

/* What a record seen at an offset that already holds one means. Lawful are: the broker's append
 * time in place of the producer's, and what a format conversion cannot carry (headers before magic
 * 2, timestamps before magic 1). */
static enum change compare(const struct pt_slot *old, uint16_t old_state, uint8_t old_magic,
                           const struct pt_record *rec, const struct pt_sighting *b)
{
    uint16_t state = pt_sighting_state(b);
    uint8_t magic_min = old_magic < b->magic ? old_magic : b->magic;
    bool converted = old_magic != b->magic && magic_min < 2;

    if ((old_state & PT_SLOT_KIND) != (state & PT_SLOT_KIND))
        return DIFFERS;
    if (old->content != rec->content &&
        !(converted && old->key == rec->key && old->value == rec->value))
        return DIFFERS;
    if (old->timestamp_ms != rec->timestamp_ms && !(converted && magic_min == 0) &&
        !((old_state | state) & PT_SLOT_LOG_APPEND))
        return DIFFERS;
    if (b->magic != old_magic)
        return b->magic > old_magic ? TAKE_NEW : KEEP_OLD;
    if (old->timestamp_ms == rec->timestamp_ms && !((old_state ^ state) & PT_SLOT_LOG_APPEND))
        return SAME;
    /* What a fetch says of the time is what the log holds; the first one, if they differ. (A broker
     * answers a repeated Produce with the largest timestamp of the batch, as if that were its
     * append time.) */
    if (old_state & state & PT_SLOT_FETCHED)
        return KEEP_OLD;
    if ((old_state ^ state) & PT_SLOT_FETCHED)
        return state & PT_SLOT_FETCHED ? TAKE_NEW : KEEP_OLD;
    return state & PT_SLOT_LOG_APPEND ? TAKE_NEW : KEEP_OLD;
}

static void report_change(struct pt_log *l, int64_t off, const struct pt_record *rec,
                          const struct pt_sighting *b, enum pt_finding_code code)
{
    struct pt_fact fact = { .code = code, .cluster = l->cluster, .cnt = 1 };

    fact.site[l->cluster] = (struct pt_site){ .log = l,
                                              .offset = off,
                                              .timestamp_ms = rec->timestamp_ms,
                                              .key = rec->key,
                                              .client = b->client,
                                              .at = b->at };
    pt_findings_add(l->env->findings, &fact);
}

static bool has_same_part(const struct pt_slot *old, const struct pt_record *rec)
{
    return (old->key && old->key == rec->key) || (old->value && old->value == rec->value);
}

/* What is not committed (a Produce that only the leader acknowledged, what a follower was given)
 * can lose its place lawfully when the leader changes. It is only held against the log if the
 * leader was the same, or if what is there now is recognisably the same record: of the same time,
 * with the same key or value. */
static bool may_have_lost_place(const struct pt_slot *old, uint16_t old_state,
                                const struct pt_evidence *was, const struct pt_record *rec,
                                const struct pt_sighting *b)
{
    bool weak = !(old_state & PT_SLOT_SURE) || (b->source == PT_SRC_PRODUCE && !b->acks_all);
    bool same_leader = was->leader_epoch >= 0 && was->leader_epoch == b->leader_epoch;

    return weak && !same_leader &&
           !(old->timestamp_ms == rec->timestamp_ms && has_same_part(old, rec));
}

/* The broker's time tells nothing of a record, and some formats have none. */
static bool is_recognised(const struct pt_slot *old, uint16_t old_state,
                          const struct pt_record *rec, const struct pt_sighting *b)
{
    bool timed = old->timestamp_ms >= 0 && rec->timestamp_ms >= 0 &&
                 !((old_state | pt_sighting_state(b)) & PT_SLOT_LOG_APPEND);

    return has_same_part(old, rec) && !(timed && old->timestamp_ms != rec->timestamp_ms);
}

/* Of two records at one offset that were both committed, and cannot be one, one is lost, whichever
 * leader came first. A Produce shows that if it was sent when the offset had been committed for a
 * while (two answers on their way at once may be taken for each other), and its batch repeats
 * nothing of what was there (else it is the same batch, changed). */
static bool is_lost(const struct pt_log *l, const struct pt_meeting *m, int64_t off,
                    const struct pt_slot *old, uint16_t old_state, const struct pt_record *rec)
{
    const struct pt_sighting *b = m->b;
    int64_t since_ns = off < l->committed_before ? l->committed_before_ns : l->committed_ns;

    return b->source == PT_SRC_PRODUCE && (old_state & PT_SLOT_KIND) == PT_SLOT_DATA &&
           b->at.time_ns - PT_SETTLE_NS >= since_ns && m->met == PT_NO_EVIDENCE &&
           pt_log_gone(l, off, b->at.time_ns) == PT_GONE_NOT &&
           !is_recognised(old, old_state, rec, b);
}

static void fill(struct pt_slot *slot, const struct pt_record *rec)
{
    slot->content = rec->content;
    slot->timestamp_ms = rec->timestamp_ms;
    slot->key = rec->key;
    slot->value = rec->value;
    slot->headers = rec->headers;
}

/* Two records at one offset, and no leader is known to have written one of them over the other. */
static void dispute(struct pt_log *l, const struct pt_meeting *m, int64_t off, struct pt_slot *slot,
                    uint16_t *state, const struct pt_record *rec)
{
    const struct pt_sighting *b = m->b;
    const struct pt_evidence *was = &l->evidence[slot->evidence];
    bool later = was->leader_epoch >= 0 && was->leader_epoch < b->leader_epoch;
    uint16_t seen = *state & PT_SLOT_SEEN;
    uint16_t now = pt_sighting_state(b);
    bool reported = !may_have_lost_place(slot, *state, was, rec, b);

    /* What is reported and not recognised was committed, both of it. */
    if (reported && (later || is_lost(l, m, off, slot, *state, rec)))
        report_change(l, off, rec, b, PT_FINDING_ACKED_LOST);
    else if (reported)
        report_change(l, off, rec, b,
                      seen & now ? PT_FINDING_LOG_REWRITTEN : PT_FINDING_PRODUCE_FETCH_DIFFER);
    if (!(now & PT_SLOT_FETCHED) &&
        ((seen & PT_SLOT_FETCHED) || (!reported && (*state & PT_SLOT_SURE)))) {
        /* What was fetched is what the log holds; and so is what was committed, until a fetch shows
         * that what only a leader acknowledged has its place. */
        *state |= reported ? PT_SLOT_DISPUTED : 0;
        return;
    }
    if (reported || was->leader_epoch >= 0)
        now |= PT_SLOT_DISPUTED;
    now |= *state & PT_SLOT_GONE;
    fill(slot, rec);
    *state = now;
    pt_evidence_move(l, slot, m->ev);
}

/* The evidence of b is to take the place of the one that there is: it is the earlier one, or the
 * other one was down-converted, which does not even show whose transaction it is. */
static bool is_better(const struct pt_evidence *was, const struct pt_sighting *b)
{
    return (b->at.order < was->at.order && b->magic >= was->magic) ||
           (was->source != PT_SRC_PRODUCE && was->magic < b->magic);
}

/* The same record in another batch of the same leader. */
static bool is_elsewhere(const struct pt_log *l, const struct pt_meeting *m,
                         const struct pt_evidence *was)
{
    const struct pt_sighting *b = m->b;
    int64_t last = b->base + l->evidence[m->ev].last_delta;

    return b->leader_epoch >= 0 && b->leader_epoch == was->leader_epoch &&
           !pt_evidence_is_of(was, b, last);
}

/* The offset holds this record already, or a converted copy of it. */
static void confirm(struct pt_log *l, struct pt_meeting *m, struct pt_slot *slot, uint16_t *state,
                    enum change change, const struct pt_record *rec)
{
    const struct pt_sighting *b = m->b;
    const struct pt_evidence *was = &l->evidence[slot->evidence];
    uint16_t now = pt_sighting_state(b);

    if (is_elsewhere(l, m, was))
        return;
    if (*state & PT_SLOT_GONE)
        now &= (uint16_t) ~(PT_SLOT_SURE | PT_SLOT_READ);
    if (change == TAKE_NEW) {
        fill(slot, rec);
        *state = (uint16_t)((*state & (PT_SLOT_KEEP | PT_SLOT_SEEN)) | now);
    } else {
        *state |= now & (PT_SLOT_SEEN | PT_SLOT_SURE | PT_SLOT_READ);
    }
    if (now & PT_SLOT_READ)
        pt_evidence_read(&l->evidence[slot->evidence], b);
    m->unsettled |=
            is_better(was, b) || (b->leader_epoch >= 0 && b->leader_epoch > was->leader_epoch);
    if (m->met == PT_NO_EVIDENCE)
        m->met = slot->evidence;
    m->met_more |= m->met != slot->evidence;
    m->older |= was->leader_epoch >= 0 && was->leader_epoch < b->leader_epoch;
}

/* What the offset holds was written by another leader than what b shows; or that may be. Only
 * between batches of which both epochs are known is it certain which came first. Of an unknown one
 * it is believed where nothing was committed yet: what is seen there anew is what counts. */
static void replace(struct pt_log *l, int64_t off, uint16_t state, const struct pt_evidence *was,
                    const struct pt_sighting *b)
{
    if (was->leader_epoch >= 0 && b->leader_epoch >= 0
                ? b->leader_epoch > was->leader_epoch && !(state & PT_SLOT_SURE)
                : off >= l->committed_end)
        pt_leaders_truncate(l, off, b->leader_epoch, false);
}

/* A later leader has written this offset: from here on nothing of b is in the log any more. If the
 * record is another one, and was committed, it is lost. */
static bool is_stale(struct pt_log *l, int64_t off, const struct pt_evidence *was,
                     enum change change, const struct pt_record *rec, const struct pt_sighting *b)
{
    if (b->leader_epoch < 0 || b->leader_epoch >= was->leader_epoch)
        return false;
    if (change == DIFFERS && (pt_sighting_state(b) & PT_SLOT_SURE))
        report_change(l, off, rec, b, PT_FINDING_ACKED_LOST);
    pt_leaders_began(l, off, was->leader_epoch);
    return true;
}

static void credit(struct pt_log *l, const struct pt_meeting *m, int64_t off, struct pt_slot *slot,
                   uint16_t *state, const struct pt_record *rec)
{
    fill(slot, rec);
    *state = pt_sighting_state(m->b);
    slot->evidence = m->ev;
    l->evidence[m->ev].refs++;
    l->env->stats->records_credited++;
    l->fresh++;
    if (!l->waiting) {
        l->waiting = true;
        l->waiting_next = l->env->waiting;
        l->env->waiting = l;
    }
    /* An answer that passed before this one showed that the record was gone. */
    if ((*state & PT_SLOT_KIND) == PT_SLOT_DATA && l->certified.cnt &&
        off < l->certified.r[l->certified.cnt - 1].to && pt_ranges_has(&l->certified, off))
        pt_gone_before(l, off, state, m->b);
}

enum pt_placed pt_sighting_place(struct pt_log *l, struct pt_meeting *m, int64_t off,
                                 const struct pt_record *rec)
{
    const struct pt_sighting *b = m->b;
    uint16_t *state;
    struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);
    enum change change = SAME;

    if (slot && (*state & PT_SLOT_DISPUTED))
        return PT_PLACED;
    if (slot) {
        const struct pt_evidence *was = &l->evidence[slot->evidence];

        change = compare(slot, *state, was->magic, rec, b);
        if (is_stale(l, off, was, change, rec, b))
            return PT_PLACED_STALE;
        if (change == DIFFERS) {
            m->contradicted = true;
            pt_log_changed(l, off);
            replace(l, off, *state, was, b);
            slot = pt_slots_get(&l->slots, off, &state);
        }
    }
    if (slot && change == DIFFERS)
        dispute(l, m, off, slot, state, rec);
    else if (slot)
        confirm(l, m, slot, state, change, rec);
    if (slot || off < l->cursor)
        return PT_PLACED; /* below the cursor: settled and given up, or unseen when it was settled
                           */
    slot = pt_slots_make(&l->slots, off, &state);
    if (!slot)
        return PT_PLACED_NOT;
    credit(l, m, off, slot, state, rec);
    return PT_PLACED;
}

/* A record of another batch by the same content at the same place: what was fetched counts. */
static void settle_other(struct pt_log *l, const struct pt_meeting *m, struct pt_slot *slot)
{
    if (m->b->leader_epoch > l->evidence[slot->evidence].leader_epoch)
        pt_evidence_move(l, slot, m->ev);
}

/* The earlier of both becomes, or stays, the evidence; and it is held as a fetch shows it. */
static void settle_same(struct pt_log *l, const struct pt_meeting *m, struct pt_slot *slot)
{
    const struct pt_evidence *was = &l->evidence[slot->evidence];
    bool better = is_better(was, m->b);
    bool fetched = m->b->leader_epoch > was->leader_epoch;

    if (better && was->leader_epoch >= 0 && m->b->leader_epoch < 0)
        pt_evidence_hold(l, slot, m->ev, slot->evidence);
    else if (better)
        pt_evidence_move(l, slot, m->ev);
    else if (fetched)
        pt_evidence_hold(l, slot, slot->evidence, m->ev);
}

void pt_sighting_settle(struct pt_log *l, const struct pt_meeting *m, const struct pt_record *rec,
                        uint32_t rec_cnt)
{
    const struct pt_sighting *b = m->b;
    uint16_t *state;

    if (!m->unsettled)
        return;
    if (m->older)
        pt_leaders_began(l, b->base, b->leader_epoch);
    if (!m->contradicted && !m->met_more && !is_better(&l->evidence[m->met], b) &&
        l->evidence[m->met].base == b->base &&
        l->evidence[m->met].last_delta == b->last - b->base) { /* mostly */
        l->evidence[m->met].leader_epoch = b->leader_epoch;
        l->evidence[m->met].fingerprint = b->fingerprint;
        return;
    }
    for (uint32_t i = 0; i < rec_cnt; i++) {
        struct pt_slot *slot = pt_slots_get(&l->slots, b->base + rec[i].offset_delta, &state);

        if (!slot || (*state & PT_SLOT_DISPUTED) || slot->evidence == m->ev ||
            is_elsewhere(l, m, &l->evidence[slot->evidence]))
            continue;
        if (m->contradicted)
            settle_other(l, m, slot);
        else
            settle_same(l, m, slot);
    }
}
