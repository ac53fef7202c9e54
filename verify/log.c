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
    pt_producers_init(&l->producers, env->mem, &env->stats->producers_forgotten);
    for (size_t i = 0; i < PT_LOST_REASON_CNT; i++)
        pt_ranges_init(&l->lost[i], env->mem);
    pt_changed_init(&l->changed, env->mem);
    l->log_start = -1;
    l->hw_first = -1;
    l->grew_ns = INT64_MIN;
    l->hw_max = -1;
    l->cursor = -1;
    l->epoch = -1;
    l->lost_ns = INT64_MIN;
    l->shed_ns = INT64_MIN;
    l->committed_ns = INT64_MIN;
    l->committed_before_ns = INT64_MIN;
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
    pt_changed_fini(&l->changed);
    pt_markers_fini(&l->markers);
    pt_producers_fini(&l->producers);
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

static void commit_up_to(struct pt_log *l, int64_t end)
{
    if (end <= l->committed_end)
        return;
    if (l->env->now_ns > l->committed_ns) {
        l->committed_before = l->committed_end;
        l->committed_before_ns = l->committed_ns;
        l->committed_ns = l->env->now_ns;
    }
    l->committed_end = end;
}

/* A leader of the same epoch goes on behind what the high watermark had passed before: so what it
 * wrote there was not lost with it, and stands. Each offset is looked at once. */
static void stand(struct pt_log *l, const struct pt_sighting *b)
{
    int64_t end = b->at.time_ns > l->committed_ns ? l->committed_end : l->committed_before;
    uint16_t *state;

    if (b->source == PT_SRC_PRODUCE || b->leader_epoch < 0 ||
        b->at.time_ns <= l->committed_before_ns)
        return;
    if (end > b->base)
        end = b->base;
    for (int64_t off; (off = pt_slots_next(&l->slots, l->stood)) < end; l->stood = off + 1) {
        const struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);

        if (l->evidence[slot->evidence].leader_epoch == b->leader_epoch)
            *state |= PT_SLOT_STANDS;
    }
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

/* What of [b->base, b->last] may be in the log still: b->last, or where a later leader went on. */
static int64_t last_held(const struct pt_log *l, const struct pt_sighting *b)
{
    int64_t end = pt_leaders_end(l, b->leader_epoch);

    return b->last < end ? b->last : end - 1;
}

/* What a batch says of the log as a whole, whether its records came with it or before. */
static void learn(struct pt_log *l, const struct pt_sighting *b)
{
    stand(l, b);
    commit_by(l, b);
    note_tail(l, b);
    pt_leaders_pass(l, b);
}

/* An offset got its first evidence. */
static enum pt_credit note_growth(struct pt_log *l, const struct pt_sighting *b)
{
    if (b->at.time_ns > l->grew_ns)
        l->grew_ns = b->at.time_ns;
    return PT_CREDIT_NEW;
}

static bool add_marker(struct pt_log *l, const struct pt_sighting *b)
{
    struct pt_marker marker = { .producer_id = b->producer_id,
                                .offset = b->base,
                                .time_ns = b->at.time_ns,
                                .commit = b->flags & PT_BATCH_COMMIT };

    return !(b->flags & (PT_BATCH_COMMIT | PT_BATCH_ABORT)) || pt_markers_add(&l->markers, &marker);
}

enum pt_credit pt_log_credit(struct pt_log *l, const struct pt_sighting *whole,
                             const struct pt_record *rec, uint32_t rec_cnt)
{
    struct pt_sighting held = *whole;
    struct pt_sighting *b = &held;
    uint32_t ev = pt_evidence_new(l, whole);
    struct pt_meeting m = { .b = b, .ev = ev, .met = PT_NO_EVIDENCE };
    enum pt_placed placed = PT_PLACED;
    uint32_t cnt = 0; /* placed */
    int64_t at = b->cert_from;
    bool credited = false; /* if nothing of it is in the log */

    if (ev == PT_NO_EVIDENCE)
        return PT_CREDIT_REFUSED;
    pt_changed_look(&l->changed, b->base, b->leader_epoch);
    b->last = last_held(l, whole); /* from here on: what is below its end could be stored */
    for (; cnt < rec_cnt; cnt++) {
        int64_t off = b->base + rec[cnt].offset_delta;
        struct pt_record r = rec[cnt];

        if (off > b->last)
            break;
        if (b->append_time_ms >= 0)
            r.timestamp_ms = b->append_time_ms;
        placed = pt_sighting_place(l, &m, off, &r);
        if (placed != PT_PLACED) {
            b->last = off - 1;
            break;
        }
        if (off > at)
            pt_gone_mark(l, at, off, b);
        at = off + 1;
    }
    pt_sighting_settle(l, &m, rec, cnt);
    if (b->last >= b->base && !add_marker(l, b)) {
        placed = PT_PLACED_NOT;
        b->last = b->base - 1;
    }
    if (b->last >= b->base) {
        pt_gone_mark(l, at, b->last + 1, b);
        note_format(l, b, b->cert_from, b->last + 1);
        credited = certify(l, b->cert_from, b->last + 1);
        learn(l, b);
    }
    if (l->evidence[ev].refs == 0)
        pt_evidence_free(l, ev);
    if (placed == PT_PLACED_NOT) {
        commit_by(l, whole);
        return PT_CREDIT_REFUSED;
    }
    return credited ? note_growth(l, b) : PT_CREDIT_AGAIN;
}

/* What a follower was given first, a consumer has got as well: a batch that ended at `last`. */
static void make_sure(struct pt_log *l, const struct pt_sighting *b, int64_t last)
{
    int64_t at = b->base;
    uint16_t *state;

    for (int64_t off; (off = pt_slots_next(&l->slots, at)) <= b->last; at = off + 1) {
        const struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);
        struct pt_evidence *ev = &l->evidence[slot->evidence];

        if ((*state & (PT_SLOT_DISPUTED | PT_SLOT_GONE)) || !pt_evidence_is_of(ev, b, last))
            continue;
        *state |= PT_SLOT_SURE | PT_SLOT_READ;
        pt_evidence_read(ev, b);
    }
}

enum pt_credit pt_log_again(struct pt_log *l, const struct pt_sighting *whole)
{
    struct pt_sighting held = *whole;
    struct pt_sighting *b = &held;
    bool credited = false;

    b->last = last_held(l, whole);
    if (b->last < b->base)
        return PT_CREDIT_AGAIN;
    pt_changed_look(&l->changed, b->base, b->leader_epoch);
    if (pt_ranges_until(&l->certified, b->base) <= b->last) /* or settled long ago */
        return b->last < l->cursor ? PT_CREDIT_AGAIN : PT_CREDIT_REFUSED;
    if (b->cert_from < b->base) {
        pt_gone_mark(l, b->cert_from, b->base, b);
        note_format(l, b, b->cert_from, b->base);
        credited = certify(l, b->cert_from, b->base);
    }
    if (b->source == PT_SRC_FETCH_CONSUMER)
        make_sure(l, b, whole->last);
    learn(l, b);
    return credited ? note_growth(l, b) : PT_CREDIT_AGAIN;
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
        pt_gone_trim(l, b->log_start_offset, b->head.at.time_ns);
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

/* The first cnt ones, which were settled up to `settled`. */
static void drop_chunks(struct pt_log *l, size_t cnt, int64_t settled)
{
    for (size_t k = 0; k < cnt; k++)
        for (int64_t i = 0; i < PT_CHUNK_SLOTS; i++) {
            const struct pt_chunk *c = l->slots.chunk[k];

            if (c->state[i] == PT_SLOT_EMPTY)
                continue;
            if (c->first + i < settled)
                pt_changed_give_up(&l->changed, c->first + i,
                                   l->evidence[c->slot[i].evidence].leader_epoch);
            pt_evidence_drop(l, c->slot[i].evidence);
        }
    pt_slots_drop(&l->slots, cnt);
    l->trimmed |= cnt > 0;
}

void pt_log_release(struct pt_log *l, int64_t off)
{
    size_t cnt = 0;

    while (cnt < l->slots.cnt && l->slots.chunk[cnt]->first <= off - PT_CHUNK_SLOTS)
        cnt++;
    drop_chunks(l, cnt, l->cursor);
}

void pt_log_evict(struct pt_log *l)
{
    int64_t from = l->slots.chunk[0]->first;
    int64_t to = from + PT_CHUNK_SLOTS;
    int64_t settled = l->cursor;

    if (from < l->cursor)
        from = l->cursor;
    if (from < to) {
        l->env->stats->slots_evicted += pt_ranges_count(&l->certified, from, to);
        pt_ranges_remove(&l->certified, from, to);
        pt_ranges_add(&l->lost[PT_LOST_EVICTED], from, to);
        if (l->cursor >= 0) {
            l->cursor = to;
            l->gap = true;
            pt_producers_break(&l->producers, to);
        }
    }
    drop_chunks(l, 1, settled);
}
