/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/log.h"

#include <string.h>

#include "verify/log_pvt.h"

struct pt_log *pt_log_open(struct pt_ledger *env, struct pt_topic *topic, uint8_t cluster,
                           int32_t partition)
{
    struct pt_log *l = pt_mem_zalloc(env->mem, sizeof(*l));

    if (!l)
        return NULL;
    l->env = env;
    l->topic = topic;
    l->cluster = cluster;
    l->partition = partition;
    pt_slots_init(&l->slots, env->mem);
    pt_ranges_init(&l->certified, env->mem);
    pt_ranges_init(&l->holes, env->mem);
    pt_ranges_init(&l->open, env->mem);
    pt_ranges_init(&l->reduced, env->mem);
    pt_markers_init(&l->markers, env->mem);
    for (size_t i = 0; i < PT_LOST_REASON_CNT; i++)
        pt_ranges_init(&l->lost[i], env->mem);
    l->log_start = -1;
    l->hw_first = -1;
    l->grew_ns = INT64_MIN;
    l->hw_max = -1;
    l->cursor = -1;
    l->epoch = -1;
    l->lost_ns = INT64_MIN;
    l->shed_ns = INT64_MIN;
    l->tail_ns = INT64_MIN;
    return l;
}

void pt_log_close(struct pt_log *l)
{
    struct pt_mem *mem = l->env->mem;

    pt_slots_fini(&l->slots);
    pt_ranges_fini(&l->certified);
    pt_ranges_fini(&l->holes);
    pt_ranges_fini(&l->open);
    pt_ranges_fini(&l->reduced);
    pt_markers_fini(&l->markers);
    for (size_t i = 0; i < PT_LOST_REASON_CNT; i++)
        pt_ranges_fini(&l->lost[i]);
    pt_mem_free(mem, l->evidence, l->evidence_cap * sizeof(*l->evidence));
    pt_mem_free(mem, l->gone, l->gone_cap * sizeof(*l->gone));
    pt_mem_free(mem, l->trim, l->trim_cap * sizeof(*l->trim));
    pt_mem_free(mem, l->bad, l->bad_cap * sizeof(*l->bad));
    pt_mem_free(mem, l->rows, l->row_cap * sizeof(*l->rows));
    pt_mem_free(mem, l, sizeof(*l));
}

bool pt_log_grow(struct pt_log *l, void **p, size_t cnt, size_t *cap, size_t elem_sz)
{
    size_t bigger = *cap ? *cap * 2 : 8;
    void *q;

    if (cnt < *cap)
        return true;
    q = pt_mem_resize(l->env->mem, *p, *cap * elem_sz, bigger * elem_sz);
    if (!q)
        return false;
    *p = q;
    *cap = bigger;
    return true;
}

/* Index of a new evidence with no references yet, or UINT32_MAX if memory is refused. */
static uint32_t evidence_new(struct pt_log *l, const struct pt_sighting *b)
{
    size_t i;

    if (l->evidence_free) {
        i = l->evidence_free - 1;
        l->evidence_free = (size_t)l->evidence[i].producer_id;
    } else {
        void *p = l->evidence;

        if (l->evidence_cnt >= UINT32_MAX ||
            !pt_log_grow(l, &p, l->evidence_cnt, &l->evidence_cap, sizeof(*l->evidence)))
            return UINT32_MAX;
        l->evidence = p;
        i = l->evidence_cnt++;
    }
    l->evidence[i] = (struct pt_evidence){
        .at = b->at,
        .producer_id = b->producer_id,
        .client = b->client,
        .source = b->source,
        .magic = b->magic,
        .leader_epoch = b->leader_epoch,
    };
    return (uint32_t)i;
}

static void evidence_free(struct pt_log *l, uint32_t i)
{
    l->evidence[i].producer_id = (int64_t)l->evidence_free;
    l->evidence_free = (size_t)i + 1;
}

static void evidence_drop(struct pt_log *l, uint32_t i)
{
    if (--l->evidence[i].refs == 0)
        evidence_free(l, i);
}

/* A log may lose its uncommitted end when the leader changes: what is seen there anew is what
 * counts. */
static void forget_from(struct pt_log *l, int64_t from)
{
    uint16_t *state;
    int64_t at = from;

    for (int64_t off; (off = pt_slots_next(&l->slots, at)) != INT64_MAX; at = off + 1) {
        struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);

        evidence_drop(l, slot->evidence);
        *state = PT_SLOT_EMPTY;
    }
    pt_ranges_remove(&l->certified, from, INT64_MAX);
    pt_markers_cut(&l->markers, 0, from);
}

/* What a slot's state becomes when this batch fills it. */
static uint16_t state_of(const struct pt_sighting *b)
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
    uint16_t state = state_of(b);
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
    /* What a fetch says of the time is what the log holds. (A broker answers a repeated Produce
     * with the largest timestamp of the batch, as if that were its append time.) */
    if ((old_state ^ state) & PT_SLOT_FETCHED)
        return state & PT_SLOT_FETCHED ? TAKE_NEW : KEEP_OLD;
    return state & PT_SLOT_LOG_APPEND ? TAKE_NEW : KEEP_OLD;
}

static void report_change(struct pt_log *l, int64_t off, const struct pt_record *rec,
                          const struct pt_sighting *b, bool produce_and_fetch)
{
    struct pt_fact fact = {
        .code = produce_and_fetch ? PT_FINDING_PRODUCE_FETCH_DIFFER : PT_FINDING_LOG_REWRITTEN,
        .cluster = l->cluster,
        .cnt = 1,
    };

    fact.site[l->cluster] = (struct pt_site){ .log = l,
                                              .offset = off,
                                              .timestamp_ms = rec->timestamp_ms,
                                              .key = rec->key,
                                              .client = b->client,
                                              .at = b->at };
    pt_findings_add(l->env->findings, &fact);
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
           !(old->timestamp_ms == rec->timestamp_ms &&
             ((old->key && old->key == rec->key) || (old->value && old->value == rec->value)));
}

static void fill(struct pt_slot *slot, const struct pt_record *rec)
{
    slot->content = rec->content;
    slot->timestamp_ms = rec->timestamp_ms;
    slot->key = rec->key;
    slot->value = rec->value;
    slot->headers = rec->headers;
}

/* The offset holds something already: compare, report, keep the earliest evidence. */
static void confirm(struct pt_log *l, int64_t off, struct pt_slot *slot, uint16_t *state,
                    const struct pt_record *rec, const struct pt_sighting *b, uint32_t ev)
{
    struct pt_evidence *was = &l->evidence[slot->evidence];
    enum change change = compare(slot, *state, was->magic, rec, b);
    bool earlier = b->at.order < was->at.order;
    int32_t epoch = was->leader_epoch;
    uint16_t seen = *state & PT_SLOT_SEEN;
    uint16_t now = state_of(b);

    if (change == DIFFERS) {
        if (!may_have_lost_place(slot, *state, was, rec, b))
            report_change(l, off, rec, b, !(seen & now));
        /* What was fetched is what the log holds. */
        if (!(now & PT_SLOT_FETCHED) && (seen & PT_SLOT_FETCHED))
            return;
        fill(slot, rec);
        *state = now;
        earlier = true;
    } else if (change == TAKE_NEW) {
        fill(slot, rec);
        *state = (uint16_t)((*state & PT_SLOT_KEEP) | seen | now);
        /* A down-converted sighting does not even show whose transaction it is. */
        earlier |= was->source != PT_SRC_PRODUCE && was->magic < b->magic;
    } else if (b->magic < was->magic) {
        *state |= now & (PT_SLOT_SEEN | PT_SLOT_SURE | PT_SLOT_READ);
        return;
    } else {
        *state |= now & (PT_SLOT_SEEN | PT_SLOT_SURE | PT_SLOT_READ);
    }
    /* A Produce does not say whose it became. */
    if (change != DIFFERS && epoch < 0)
        was->leader_epoch = b->leader_epoch;
    else if (change != DIFFERS && earlier && b->leader_epoch < 0)
        l->evidence[ev].leader_epoch = epoch;
    if (earlier) {
        evidence_drop(l, slot->evidence);
        slot->evidence = ev;
        l->evidence[ev].refs++;
    }
}

/* place puts one record at its offset; false if memory is refused. */
static bool place(struct pt_log *l, int64_t off, const struct pt_record *rec,
                  const struct pt_sighting *b, uint32_t ev)
{
    uint16_t *state;
    struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);

    if (slot && off >= l->committed_end &&
        compare(slot, *state, l->evidence[slot->evidence].magic, rec, b) == DIFFERS) {
        forget_from(l, off);
        slot = NULL;
    }
    if (slot) {
        confirm(l, off, slot, state, rec, b, ev);
        return true;
    }
    if (off < l->cursor)
        return true; /* settled and given up, or unseen when it was settled */
    slot = pt_slots_make(&l->slots, off, &state);
    if (!slot)
        return false;
    fill(slot, rec);
    *state = state_of(b);
    slot->evidence = ev;
    l->evidence[ev].refs++;
    l->env->stats->records_credited++;
    l->fresh++;
    if (!l->waiting) {
        l->waiting = true;
        l->waiting_next = l->env->waiting;
        l->env->waiting = l;
    }
    return true;
}

/* Data in [from, to) that a fetch certified to be absent at that time. */
static void mark_gone(struct pt_log *l, int64_t from, int64_t to, int64_t time_ns)
{
    uint16_t *state;

    for (int64_t off; (off = pt_slots_next(&l->slots, from)) < to; from = off + 1) {
        pt_slots_get(&l->slots, off, &state);
        if ((*state & PT_SLOT_KIND) == PT_SLOT_DATA)
            pt_log_gone_add(l, off, time_ns);
    }
}

static void commit_up_to(struct pt_log *l, int64_t end)
{
    if (end > l->committed_end)
        l->committed_end = end;
}

/* certify makes [from, to) certified, but for what was settled as unseen. True if that is new for
 * any offset. */
static bool certify(struct pt_log *l, int64_t from, int64_t to)
{
    uint64_t known;

    if (from < l->cursor) {
        int64_t end = to < l->cursor ? to : l->cursor;

        l->env->stats->late_evidence +=
                (uint64_t)(end - from) - pt_ranges_count(&l->certified, from, end);
        from = end;
    }
    if (from >= to)
        return false;
    known = pt_ranges_count(&l->certified, from, to);
    return known < (uint64_t)(to - from) && pt_ranges_add(&l->certified, from, to);
}

/* Notes by what [from, to) is known; before it is certified. */
static void note_format(struct pt_log *l, const struct pt_sighting *b, int64_t from, int64_t to)
{
    l->holds_v2 |= b->magic >= 2;
    l->appended |= b->source == PT_SRC_PRODUCE;
    if (from < l->cursor)
        from = l->cursor;
    if (from >= to)
        return;
    if (b->source == PT_SRC_PRODUCE || b->magic >= 2) {
        pt_ranges_remove(&l->reduced, from, to);
        return;
    }
    for (int64_t end; (from = pt_ranges_until(&l->certified, from)) < to; from = end) {
        end = pt_ranges_next(&l->certified, from);
        end = end < to ? end : to;
        if (!pt_ranges_add(&l->reduced, from, end))
            l->reduced_unknown = true;
    }
}

bool pt_log_reduced(const struct pt_log *l, int64_t from, int64_t to)
{
    /* The newer batches may be among what was shed. */
    bool converted = l->holds_v2 || l->env->shed_ns[l->cluster] > INT64_MIN;

    return converted && (l->reduced_unknown || pt_ranges_count(&l->reduced, from, to) > 0);
}

/* The end of what is certified was seen again, or anew. */
static void note_tail(struct pt_log *l, const struct pt_sighting *b)
{
    if (l->certified.cnt && b->last + 1 >= l->certified.r[l->certified.cnt - 1].to)
        l->tail_ns = l->env->now_ns;
}

static void commit_by(struct pt_log *l, const struct pt_sighting *b)
{
    if (b->source == PT_SRC_FETCH_CONSUMER || (b->source == PT_SRC_PRODUCE && b->acks_all))
        commit_up_to(l, b->last + 1);
}

enum pt_credit pt_log_credit(struct pt_log *l, const struct pt_sighting *b,
                             const struct pt_record *rec, uint32_t rec_cnt)
{
    uint32_t ev = evidence_new(l, b);
    int64_t end = b->last + 1; /* what is below it could be stored */
    int64_t at = b->cert_from;
    bool credited;

    if (ev == UINT32_MAX)
        return PT_CREDIT_REFUSED;
    for (uint32_t i = 0; i < rec_cnt; i++) {
        int64_t off = b->base + rec[i].offset_delta;
        struct pt_record r = rec[i];

        if (b->append_time_ms >= 0)
            r.timestamp_ms = b->append_time_ms;
        if (!place(l, off, &r, b, ev)) {
            end = off;
            break;
        }
        if (off > at)
            mark_gone(l, at, off, b->at.time_ns);
        at = off + 1;
    }
    if (at < end)
        mark_gone(l, at, end, b->at.time_ns);
    if (b->flags & (PT_BATCH_COMMIT | PT_BATCH_ABORT)) {
        struct pt_marker marker = { .producer_id = b->producer_id,
                                    .offset = b->base,
                                    .time_ns = b->at.time_ns,
                                    .commit = b->flags & PT_BATCH_COMMIT };

        if (!pt_markers_add(&l->markers, &marker))
            end = b->base < end ? b->base : end;
    }
    note_format(l, b, b->cert_from, end);
    credited = certify(l, b->cert_from, end);
    commit_by(l, b);
    note_tail(l, b);
    if (l->evidence[ev].refs == 0)
        evidence_free(l, ev);
    if (end <= b->last)
        return PT_CREDIT_REFUSED;
    if (!credited)
        return PT_CREDIT_AGAIN;
    if (b->at.time_ns > l->grew_ns)
        l->grew_ns = b->at.time_ns;
    return PT_CREDIT_NEW;
}

/* What a follower was given first, a consumer has got as well. */
static void make_sure(struct pt_log *l, const struct pt_sighting *b)
{
    uint16_t *state;
    int64_t off = pt_slots_next(&l->slots, b->base);

    if (off > b->last || !pt_slots_get(&l->slots, off, &state) || (*state & PT_SLOT_READ))
        return; /* batches are confirmed as a whole */
    for (; off <= b->last; off = pt_slots_next(&l->slots, off + 1)) {
        pt_slots_get(&l->slots, off, &state);
        *state |= PT_SLOT_SURE | PT_SLOT_READ;
    }
}

bool pt_log_again(struct pt_log *l, const struct pt_sighting *b)
{
    if (pt_ranges_until(&l->certified, b->base) <= b->last)
        return b->last < l->cursor; /* settled long ago */
    if (b->cert_from < b->base) {
        mark_gone(l, b->cert_from, b->base, b->at.time_ns);
        note_format(l, b, b->cert_from, b->base);
        certify(l, b->cert_from, b->base);
    }
    commit_by(l, b);
    if (b->source == PT_SRC_FETCH_CONSUMER)
        make_sure(l, b);
    note_tail(l, b);
    return true;
}

void pt_log_bounds(struct pt_log *l, const struct pt_obs_bounds *b)
{
    int64_t hw = b->high_watermark;

    if (hw >= 0) {
        if (l->hw_first < 0)
            l->hw_first = hw;
        if (hw > l->hw_max) {
            l->hw_max = hw;
            l->hw_since_ns = b->head.at.time_ns;
            l->hw_ns = INT64_MIN;
        }
        /* A lower one is a follower's, or older: it says nothing about the end. */
        if (hw == l->hw_max && b->head.at.time_ns > l->hw_ns)
            l->hw_ns = b->head.at.time_ns;
        commit_up_to(l, hw);
    }
    if (b->log_start_offset >= 0)
        pt_log_trim_add(l, b->log_start_offset, b->head.at.time_ns);
}

void pt_log_count(struct pt_log *l, const struct pt_obs_batch *b)
{
    bool produce = b->source == PT_SRC_PRODUCE;
    struct pt_batch_row *row = NULL;
    void *p = l->rows;

    for (size_t i = 0; i < l->row_cnt && !row; i++)
        if (l->rows[i].produce == produce && l->rows[i].magic == b->magic &&
            l->rows[i].codec == b->codec)
            row = &l->rows[i];
    if (!row) {
        if (!pt_log_grow(l, &p, l->row_cnt, &l->row_cap, sizeof(*row)))
            return;
        l->rows = p;
        row = &l->rows[l->row_cnt++];
        *row = (struct pt_batch_row){ .produce = produce, .magic = b->magic, .codec = b->codec };
    }
    row->batches++;
    row->records += b->record_cnt;
    row->crc_bad += b->status == PT_BAD_CRC;
}

int64_t pt_log_end(const struct pt_log *l)
{
    int64_t end = l->committed_end > l->lost_end ? l->committed_end : l->lost_end;

    if (l->certified.cnt && l->certified.r[l->certified.cnt - 1].to > end)
        end = l->certified.r[l->certified.cnt - 1].to;
    return end;
}

struct pt_site pt_log_site(struct pt_log *l, int64_t off)
{
    struct pt_site site = { .log = l, .offset = off, .timestamp_ms = -1, .client = PT_NO_CLIENT };
    uint16_t *state;
    const struct pt_slot *slot = off >= 0 ? pt_slots_get(&l->slots, off, &state) : NULL;

    if (slot) {
        site.timestamp_ms = slot->timestamp_ms;
        site.key = slot->key;
        site.client = l->evidence[slot->evidence].client;
        site.at = l->evidence[slot->evidence].at;
    }
    return site;
}

int64_t pt_log_seen_ns(struct pt_log *l, int64_t off, int64_t def)
{
    uint16_t *state;
    const struct pt_slot *slot = off >= 0 ? pt_slots_get(&l->slots, off, &state) : NULL;

    return slot ? l->evidence[slot->evidence].at.time_ns : def;
}

static void drop_chunks(struct pt_log *l, size_t cnt)
{
    for (size_t k = 0; k < cnt; k++)
        for (size_t i = 0; i < PT_CHUNK_SLOTS; i++)
            if (l->slots.chunk[k]->state[i] != PT_SLOT_EMPTY)
                evidence_drop(l, l->slots.chunk[k]->slot[i].evidence);
    pt_slots_drop(&l->slots, cnt);
    l->trimmed |= cnt > 0;
}

void pt_log_release(struct pt_log *l, int64_t off)
{
    size_t cnt = 0;

    while (cnt < l->slots.cnt && l->slots.chunk[cnt]->first <= off - PT_CHUNK_SLOTS)
        cnt++;
    drop_chunks(l, cnt);
}

void pt_log_evict(struct pt_log *l)
{
    int64_t from = l->slots.chunk[0]->first;
    int64_t to = from + PT_CHUNK_SLOTS;

    if (from < l->cursor)
        from = l->cursor;
    if (from < to) {
        l->env->stats->slots_evicted += pt_ranges_count(&l->certified, from, to);
        pt_ranges_remove(&l->certified, from, to);
        pt_ranges_add(&l->lost[PT_LOST_EVICTED], from, to);
        if (l->cursor >= 0) {
            l->cursor = to;
            l->gap = true;
        }
    }
    drop_chunks(l, 1);
}
