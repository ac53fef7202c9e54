/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/places.h"

#include <string.h>

#include "verify/lcs.h"

#define NONE UINT64_MAX
/* Matched records before and behind a place that tell what is common there. */
#define NEIGHBOURS 512u

void pt_places_init(struct pt_places *p, struct pt_mem *mem, uint32_t horizon,
                    struct pt_events *events)
{
    *p = (struct pt_places){
        .mem = mem,
        .horizon = horizon,
        .events = events,
        .gap_at = { NONE, NONE },
        .prev = { -1, -1 },
    };
    pt_history_init(&p->history, mem, horizon);
}

/* --- leftovers: a FIFO whose entries are also found by content --- */

static size_t bucket_of(const struct pt_leftovers *l, uint64_t content)
{
    return (size_t)(content ^ content >> 32) & (l->cap - 1);
}

static struct pt_leftover *left_at(const struct pt_leftovers *l, uint64_t number)
{
    return &l->ring[number & (l->cap - 1)];
}

static void left_link(struct pt_leftovers *l, uint64_t number)
{
    struct pt_leftover *e = left_at(l, number);
    size_t b = bucket_of(l, e->item.content);

    e->next = NONE;
    if (l->bucket_head[b] == NONE)
        l->bucket_head[b] = number;
    else
        left_at(l, l->bucket_tail[b])->next = number;
    l->bucket_tail[b] = number;
}

static bool left_grow(struct pt_mem *mem, struct pt_leftovers *l)
{
    struct pt_leftovers old = *l;
    size_t cap = old.cap ? old.cap * 2 : 64;

    l->ring = pt_mem_alloc(mem, cap * sizeof(*l->ring));
    l->bucket_head = pt_mem_alloc(mem, cap * sizeof(uint64_t));
    l->bucket_tail = pt_mem_alloc(mem, cap * sizeof(uint64_t));
    if (!l->ring || !l->bucket_head || !l->bucket_tail) {
        pt_mem_free(mem, l->ring, cap * sizeof(*l->ring));
        pt_mem_free(mem, l->bucket_head, cap * sizeof(uint64_t));
        pt_mem_free(mem, l->bucket_tail, cap * sizeof(uint64_t));
        *l = old;
        return false;
    }
    l->cap = cap;
    memset(l->bucket_head, 0xff, cap * sizeof(uint64_t));
    for (uint64_t i = old.head; i < old.end; i++) {
        *left_at(l, i) = *left_at(&old, i);
        left_link(l, i);
    }
    pt_mem_free(mem, old.ring, old.cap * sizeof(*old.ring));
    pt_mem_free(mem, old.bucket_head, old.cap * sizeof(uint64_t));
    pt_mem_free(mem, old.bucket_tail, old.cap * sizeof(uint64_t));
    return true;
}

static bool left_push(struct pt_mem *mem, struct pt_leftovers *l, const struct pt_item *item,
                      uint64_t place, bool open)
{
    if (l->end - l->head == l->cap && !left_grow(mem, l))
        return false;
    *left_at(l, l->end) =
            (struct pt_leftover){ .item = *item, .place = place, .open = open, .copied = -1 };
    left_link(l, l->end++);
    return true;
}

/* Oldest entry leaves. It is the head of its bucket, because buckets are in order of arrival too.
 */
static void left_pop(struct pt_leftovers *l)
{
    const struct pt_leftover *e = left_at(l, l->head);

    l->bucket_head[bucket_of(l, e->item.content)] = e->next;
    l->head++;
}

/* The oldest waiting equal record. */
static struct pt_leftover *left_find(const struct pt_leftovers *l, const struct pt_item *item)
{
    if (!l->cap)
        return NULL;
    for (uint64_t i = l->bucket_head[bucket_of(l, item->content)]; i != NONE;
         i = left_at(l, i)->next) {
        struct pt_leftover *e = left_at(l, i);

        if (!e->done && pt_item_equal(&e->item, item))
            return e;
    }
    return NULL;
}

/* Of a source record that was moved, the other copies on the target. */
static void left_copied(struct pt_leftovers *l, const struct pt_item *source)
{
    if (!l->cap)
        return;
    for (uint64_t i = l->bucket_head[bucket_of(l, source->content)]; i != NONE;
         i = left_at(l, i)->next) {
        struct pt_leftover *e = left_at(l, i);

        if (!e->done && pt_item_equal(&e->item, source))
            e->copied = source->offset;
    }
}

/* --- contents of records whose place was not seen --- */

static uint64_t *unplaced_find(const struct pt_unplaced *u, uint64_t content)
{
    size_t at = (size_t)(content ^ content >> 32) & (u->cap - 1);

    while (u->content[at] && u->content[at] != content)
        at = (at + 1) & (u->cap - 1);
    return &u->content[at];
}

static bool unplaced_grow(struct pt_mem *mem, struct pt_unplaced *u)
{
    struct pt_unplaced old = *u;

    if (2 * (old.cnt + 1) <= old.cap)
        return true;
    u->cap = old.cap ? 2 * old.cap : 64;
    u->content = pt_mem_zalloc(mem, u->cap * sizeof(*u->content));
    if (!u->content) {
        *u = old;
        return false;
    }
    for (size_t i = 0; i < old.cap; i++)
        if (old.content[i])
            *unplaced_find(u, old.content[i]) = old.content[i];
    pt_mem_free(mem, old.content, old.cap * sizeof(*old.content));
    return true;
}

static void unplaced_drop(struct pt_mem *mem, struct pt_unplaced *u)
{
    pt_mem_free(mem, u->content, u->cap * sizeof(*u->content));
    *u = (struct pt_unplaced){ 0 };
}

/* Under what an item is found: with its time, if it has one of its own; any_time: whatever the
 * other one's time is. */
static uint64_t unplaced_key(const struct pt_item *item, bool any_time)
{
    bool timeless = item->flags & PT_ITEM_LOG_APPEND;
    uint64_t z = any_time ? 1u + timeless : (uint64_t)item->timestamp_ms * 4;

    z = item->content ^ z * 0x9e3779b97f4a7c15u;
    return z ? z : 1;
}

static void unplaced_put(struct pt_places *p, struct pt_unplaced *u, uint64_t key)
{
    uint64_t *slot;

    if (!unplaced_grow(p->mem, u)) {
        p->unplaced_unknown = true; /* then every leftover may be one */
        return;
    }
    slot = unplaced_find(u, key);
    u->cnt += !*slot;
    *slot = key;
}

static void unplaced_add(struct pt_places *p, enum pt_side side, const struct pt_item *item)
{
    struct pt_unplaced *u = &p->unplaced[side][0];

    if (p->passed[0] + p->passed[1] - p->unplaced_at > 2 * (uint64_t)p->horizon) {
        for (int i = 0; i < 2; i++) {
            unplaced_drop(p->mem, &p->unplaced[i][1]);
            p->unplaced[i][1] = p->unplaced[i][0];
            p->unplaced[i][0] = (struct pt_unplaced){ 0 };
        }
        p->unplaced_at = p->passed[0] + p->passed[1];
    }
    unplaced_put(p, u, unplaced_key(item, true));
    if (!(item->flags & PT_ITEM_LOG_APPEND))
        unplaced_put(p, u, unplaced_key(item, false));
}

static bool unplaced_has(const struct pt_places *p, enum pt_side side, uint64_t key)
{
    for (int half = 0; half < 2; half++)
        if (p->unplaced[side][half].cap && *unplaced_find(&p->unplaced[side][half], key))
            return true;
    return p->unplaced_unknown;
}

/* An equal record of `side` was such a one. */
static bool is_unplaced(const struct pt_places *p, enum pt_side side, const struct pt_item *item)
{
    struct pt_item other = *item;

    other.flags = PT_ITEM_LOG_APPEND;
    if (unplaced_has(p, side, unplaced_key(&other, true)))
        return true;
    if (!(item->flags & PT_ITEM_LOG_APPEND))
        return unplaced_has(p, side, unplaced_key(item, false));
    other.flags = 0;
    return unplaced_has(p, side, unplaced_key(&other, true));
}

void pt_places_fini(struct pt_places *p)
{
    for (int side = 0; side < 2; side++) {
        struct pt_leftovers *l = &p->left[side];

        pt_mem_free(p->mem, l->ring, l->cap * sizeof(*l->ring));
        pt_mem_free(p->mem, l->bucket_head, l->cap * sizeof(uint64_t));
        pt_mem_free(p->mem, l->bucket_tail, l->cap * sizeof(uint64_t));
        for (int half = 0; half < 2; half++)
            unplaced_drop(p->mem, &p->unplaced[side][half]);
    }
    pt_mem_free(p->mem, p->ring, p->cap * sizeof(*p->ring));
    pt_history_fini(&p->history);
}

/* --- places --- */

static struct pt_place *place_at(const struct pt_places *p, uint64_t number)
{
    return &p->ring[number & (p->cap - 1)];
}

static bool place_open(struct pt_places *p)
{
    if (p->open)
        return true;
    if (p->end - p->head == p->cap) {
        size_t cap = p->cap ? p->cap * 2 : 16;
        struct pt_place *ring = pt_mem_alloc(p->mem, cap * sizeof(*ring));

        if (!ring)
            return false;
        for (uint64_t i = p->head; i < p->end; i++)
            ring[i & (cap - 1)] = *place_at(p, i);
        pt_mem_free(p->mem, p->ring, p->cap * sizeof(*ring));
        p->ring = ring;
        p->cap = cap;
    }
    *place_at(p, p->end++) = (struct pt_place){
        .prev = { p->prev[0], p->prev[1] },
        .next = { -1, -1 },
        .at = { p->passed[0], p->passed[1] },
        .left_end = { p->left[0].end, p->left[1].end },
        .history_at = p->history.end,
    };
    p->open = true;
    return true;
}

static void pass(struct pt_places *p, enum pt_side side, const struct pt_item *item)
{
    p->passed[side]++;
    p->passed_end[side] = item->offset + 1;
}

void pt_places_match(struct pt_places *p, const struct pt_item *s, const struct pt_item *t)
{
    if (p->open) {
        struct pt_place *pl = place_at(p, p->end - 1);

        pl->next[PT_SIDE_SOURCE] = s->offset;
        pl->next[PT_SIDE_TARGET] = t->offset;
        pl->closed_at = p->early_cnt;
        p->open = false;
    }
    p->prev[PT_SIDE_SOURCE] = s->offset;
    p->prev[PT_SIDE_TARGET] = t->offset;
    pass(p, PT_SIDE_SOURCE, s);
    pass(p, PT_SIDE_TARGET, t);
    pt_history_add(&p->history, s);
}

void pt_places_gap(struct pt_places *p, enum pt_side side)
{
    p->gap_at[side] = p->passed[side];
}

static void emit(struct pt_places *p, const struct pt_place *pl, enum pt_align_kind kind,
                 uint32_t parts, int64_t source_offset, int64_t target_offset)
{
    struct pt_align_event e = {
        .kind = kind,
        .parts = parts,
        .source_offset = source_offset,
        .target_offset = target_offset,
        .cnt = 1,
        .prev_source_offset = pl ? pl->prev[0] : p->prev[0],
        .prev_target_offset = pl ? pl->prev[1] : p->prev[1],
        .next_source_offset = pl ? pl->next[0] : -1,
        .next_target_offset = pl ? pl->next[1] : -1,
    };

    pt_events_put(p->events, &e);
}

static void emit_early(struct pt_places *p, const struct pt_place *pl, enum pt_align_kind kind,
                       uint32_t parts, int64_t source_offset, int64_t target_offset)
{
    struct pt_align_event *e;

    emit(p, pl, kind, parts, source_offset, target_offset);
    e = &p->events->ring[(p->events->head + p->events->cnt - 1) & (p->events->cap - 1)];
    e->early = true;
}

static void emit_one(struct pt_places *p, const struct pt_place *pl, enum pt_side side,
                     int64_t offset, enum pt_align_kind kind)
{
    emit(p, pl, kind, 0, side == PT_SIDE_SOURCE ? offset : -1,
         side == PT_SIDE_TARGET ? offset : -1);
}

void pt_places_give_up(struct pt_places *p, enum pt_side side, const struct pt_item *item,
                       enum pt_align_kind kind)
{
    pass(p, side, item);
    emit_one(p, NULL, side, item->offset, kind);
}

/* A source record that was moved is matched all the same: other copies of it, here and to come, are
 * surplus. */
static void moved(struct pt_places *p, const struct pt_item *source)
{
    left_copied(&p->left[PT_SIDE_TARGET], source);
    pt_history_add(&p->history, source);
}

/* Nothing was not seen within the horizon before. */
static bool seen_lately(const struct pt_places *p)
{
    for (int side = 0; side < 2; side++)
        if (p->gap_at[side] != NONE && p->gap_at[side] + p->horizon > p->passed[side])
            return false;
    return true;
}

/* A record that turns up where it does not belong, when all around is seen, is told as soon as it
 * comes. Beside unseen offsets that waits for what else there is of its content. */
static bool add_reordered(struct pt_places *p, enum pt_side side, const struct pt_item *item,
                          unsigned how)
{
    struct pt_leftover *twin =
            how == PT_LEFT_SHUT && seen_lately(p) ? left_find(&p->left[!side], item) : NULL;
    int64_t offsets[2];

    if (!twin || twin->open || twin->surplus)
        return false;
    offsets[side] = item->offset;
    offsets[!side] = twin->item.offset;
    twin->done = true;
    moved(p, side == PT_SIDE_SOURCE ? item : &twin->item);
    emit(p, place_at(p, twin->place), PT_ALIGN_REORDERED, 0, offsets[0], offsets[1]);
    return true;
}

void pt_places_add(struct pt_places *p, enum pt_side side, const struct pt_item *item, unsigned how)
{
    pass(p, side, item);
    if (add_reordered(p, side, item, how))
        return;
    if (place_open(p) && left_push(p->mem, &p->left[side], item, p->end - 1, how & PT_LEFT_OPEN)) {
        left_at(&p->left[side], p->left[side].end - 1)->surplus = how & PT_LEFT_SURPLUS;
        place_at(p, p->end - 1)->left_end[side] = p->left[side].end;
        return;
    }
    /* No memory to wait for what explains it, nor for the match that closes its place. */
    emit_one(p, NULL, side, item->offset,
             side == PT_SIDE_SOURCE ? PT_ALIGN_UNVERIFIABLE_SOURCE : PT_ALIGN_UNVERIFIABLE_TARGET);
}

void pt_places_void(struct pt_places *p)
{
    if (!p->open)
        return;
    for (int side = 0; side < 2; side++) {
        struct pt_leftovers *l = &p->left[side];

        for (uint64_t i = l->end; i-- > l->head && left_at(l, i)->place == p->end - 1;)
            left_at(l, i)->open = true;
    }
}

int64_t pt_places_done(const struct pt_places *p, enum pt_side side)
{
    const struct pt_leftovers *l = &p->left[side];

    for (uint64_t i = l->head; i < l->end; i++)
        if (!left_at(l, i)->done)
            return left_at(l, i)->item.offset;
    return p->passed_end[side];
}

size_t pt_places_waiting(const struct pt_places *p)
{
    return (size_t)(p->left[0].end - p->left[0].head + p->left[1].end - p->left[1].head);
}

/* Records that both logs have shown since: what may be elsewhere is looked for in either. */
static uint64_t age(const struct pt_places *p, const struct pt_place *pl)
{
    uint64_t s = p->passed[0] - pl->at[0];
    uint64_t t = p->passed[1] - pl->at[1];

    return s < t ? s : t;
}

/* A quarter of the horizon late, so that many are resolved with one index of the history. */
bool pt_places_due(const struct pt_places *p)
{
    if (p->head == p->end || (p->open && p->head + 1 == p->end))
        return false;
    return age(p, place_at(p, p->head)) >= p->horizon + p->horizon / 4;
}

/* What was not seen within the horizon of a place could hold the explanation of what is left in it.
 */
static bool near_gap(const struct pt_places *p, const struct pt_place *pl, enum pt_side side)
{
    return p->gap_at[side] != NONE && p->gap_at[side] + p->horizon > pl->at[side];
}

struct resolution {
    struct pt_places *p;
    const struct pt_place *pl;
    const enum pt_end *ends; /* of both logs, once they have ended; else NULL */
    bool tail;               /* the place lies behind the last match */
    bool unordered;          /* ... and what belongs together in it was not told */
    bool early;              /* nothing is decided: what would be is told */
};

/* Something that was not seen may be the partner of this record in its own place: nothing follows
 * from its absence there. */
static bool is_open(const struct resolution *r, enum pt_side side, const struct pt_leftover *e)
{
    bool behind_all = r->p->open && e->place + 1 == r->p->end;

    return e->open || (behind_all && (!r->ends || r->ends[!side] == PT_END_UNSEEN));
}

static bool near_any_gap(const struct resolution *r)
{
    return near_gap(r->p, r->pl, PT_SIDE_SOURCE) || near_gap(r->p, r->pl, PT_SIDE_TARGET);
}

/* A target record behind the last match: its original may still come. */
static bool is_waiting(const struct resolution *r)
{
    return r->tail && r->ends[PT_SIDE_SOURCE] != PT_END_COMPLETE &&
           r->ends[PT_SIDE_SOURCE] != PT_END_STATED;
}

static bool timestamps_compare(const struct pt_item *s, const struct pt_item *t)
{
    return !((s->flags | t->flags) & PT_ITEM_LOG_APPEND);
}

/* Fields that both have and that agree: PT_PART_*; none if it is one only. */
static uint32_t common_parts(const struct pt_item *s, const struct pt_item *t)
{
    uint32_t common = 0;

    if (s->key && s->key == t->key)
        common |= PT_PART_KEY;
    if (s->value && s->value == t->value)
        common |= PT_PART_VALUE;
    if (timestamps_compare(s, t) && s->timestamp_ms == t->timestamp_ms)
        common |= PT_PART_TIMESTAMP;
    return common & (common - 1) ? common : 0;
}

/* Beside something unseen, t could be a copy of a record that was not seen, and s stand where
 * nobody looked; in the tail, the unchanged copy of s could still come. That they are one record
 * all the same rests on what they have in common: it says nothing if others around have it, too. */
static bool is_surely_mutation(const struct resolution *r, const struct pt_item *s,
                               const struct pt_item *t)
{
    const struct pt_places *p = r->p;
    uint32_t common = common_parts(s, t);
    uint64_t oldest = pt_history_oldest(&p->history);
    uint64_t at = r->pl->history_at > oldest + NEIGHBOURS ? r->pl->history_at - NEIGHBOURS : oldest;

    if (!common)
        return false;
    for (; at < p->history.end && at < r->pl->history_at + NEIGHBOURS; at++) {
        const struct pt_matched *m = pt_history_at(&p->history, at);

        if ((!(common & PT_PART_KEY) || m->key == s->key) &&
            (!(common & PT_PART_VALUE) || m->value == s->value) &&
            (!(common & PT_PART_TIMESTAMP) || m->timestamp_ms == s->timestamp_ms))
            return false;
    }
    return true;
}

static bool is_mutation(const struct pt_item *s, const struct pt_item *t)
{
    if (s->key && s->key == t->key)
        return true;
    if (s->value && s->value == t->value)
        return true;
    return !s->key && !t->key && timestamps_compare(s, t) && s->timestamp_ms == t->timestamp_ms;
}

static uint32_t parts_of(const struct pt_item *s, const struct pt_item *t)
{
    uint32_t parts = 0;

    if (s->key != t->key)
        parts |= PT_PART_KEY;
    if (s->value != t->value)
        parts |= PT_PART_VALUE;
    if (s->headers != t->headers)
        parts |= PT_PART_HEADERS;
    if (timestamps_compare(s, t) && s->timestamp_ms != t->timestamp_ms)
        parts |= PT_PART_TIMESTAMP;
    /* Contents differ by 64 bits; should all 32-bit digests agree, the value is the likeliest. */
    return parts ? parts : PT_PART_VALUE;
}

static bool is_told_early(enum pt_align_kind kind)
{
    return kind == PT_ALIGN_MISSING || kind == PT_ALIGN_EXTRA || kind == PT_ALIGN_DUPLICATED ||
           kind == PT_ALIGN_MUTATED || kind == PT_ALIGN_REORDERED ||
           kind == PT_ALIGN_MISSING_OR_REORDERED;
}

static void say(const struct resolution *r, const struct pt_place *pl, enum pt_align_kind kind,
                uint32_t parts, int64_t source_offset, int64_t target_offset)
{
    if (!r->early)
        emit(r->p, pl, kind, parts, source_offset, target_offset);
    else if (is_told_early(kind))
        emit_early(r->p, pl, kind, parts, source_offset, target_offset);
}

static void say_one(const struct resolution *r, enum pt_side side, int64_t offset,
                    enum pt_align_kind kind)
{
    say(r, r->pl, kind, 0, side == PT_SIDE_SOURCE ? offset : -1,
        side == PT_SIDE_TARGET ? offset : -1);
}

/* A source record without partner. Both neighbours are matched and nothing between them is unseen,
 * so it is certified absent from its place; it is missing if the target shows everything around. */
static enum pt_align_kind source_verdict(const struct resolution *r, const struct pt_item *s)
{
    /* Behind the last match: its place is among what was not seen, or whether it still comes cannot
     * be known. */
    if (r->tail)
        return r->ends[PT_SIDE_TARGET] == PT_END_UNSEEN ? PT_ALIGN_UNVERIFIABLE_SOURCE
                                                        : PT_ALIGN_PENDING_SOURCE;
    if (!near_gap(r->p, r->pl, PT_SIDE_TARGET))
        return PT_ALIGN_MISSING;
    /* It may stand where the target was not seen. If the same content is matched elsewhere, not
     * even which of the copies is displaced is known. */
    return pt_history_find(&r->p->history, s) ? PT_ALIGN_AMBIGUOUS_SOURCE
                                              : PT_ALIGN_MISSING_OR_REORDERED;
}

/* A target record without partner. Extra if the source shows everything around; in the tail the
 * source must be certified to its end, and none of what it has left over may be its original. */
static enum pt_align_kind target_verdict(const struct resolution *r, bool copy)
{
    if (is_waiting(r))
        return r->ends[PT_SIDE_SOURCE] == PT_END_UNSEEN ? PT_ALIGN_UNVERIFIABLE_TARGET
                                                        : PT_ALIGN_PENDING_TARGET;
    if (near_gap(r->p, r->pl, PT_SIDE_SOURCE) || (r->unordered && !copy))
        return PT_ALIGN_AMBIGUOUS_TARGET;
    return copy ? PT_ALIGN_DUPLICATED : PT_ALIGN_EXTRA;
}

static enum pt_align_kind by_side(enum pt_side side, enum pt_align_kind source,
                                  enum pt_align_kind target)
{
    return side == PT_SIDE_SOURCE ? source : target;
}

/* The same record is left over on both sides, and neither stands where the other's place is, all of
 * which was seen: only its order can differ. */
static void say_reordered(const struct resolution *r, enum pt_side side, struct pt_leftover *e,
                          struct pt_leftover *twin)
{
    int64_t offsets[2];

    offsets[side] = e->item.offset;
    offsets[!side] = twin->item.offset;
    if (!r->early) {
        twin->done = true;
        moved(r->p, side == PT_SIDE_SOURCE ? &e->item : &twin->item);
    }
    say(r, r->early ? place_at(r->p, twin->place) : r->pl, PT_ALIGN_REORDERED, 0, offsets[0],
        offsets[1]);
}

/* Verdicts that do not depend on the other leftovers of the place. False: it is compared with them.
 */
static bool resolve_alone(const struct resolution *r, enum pt_side side, struct pt_leftover *e)
{
    const struct pt_matched *original = pt_history_find(&r->p->history, &e->item);
    struct pt_leftover *twin = left_find(&r->p->left[!side], &e->item);
    bool elsewhere = twin || is_unplaced(r->p, !side, &e->item);
    bool open = is_open(r, side, e);

    if (e->surplus) {
        if (!r->early)
            unplaced_add(r->p, side, &e->item);
        say_one(r, side, e->item.offset,
                by_side(side, PT_ALIGN_AMBIGUOUS_SOURCE, PT_ALIGN_AMBIGUOUS_TARGET));
    } else if (open && (e->open || !r->tail)) {
        if (!r->early)
            unplaced_add(r->p, side, &e->item);
        say_one(r, side, e->item.offset,
                by_side(side, PT_ALIGN_UNVERIFIABLE_SOURCE, PT_ALIGN_UNVERIFIABLE_TARGET));
    } else if (twin && r->tail && twin->place + 1 == r->p->end) {
        /* Both behind the last match, where nothing told which belong together. */
        say_one(r, side, e->item.offset,
                side == PT_SIDE_SOURCE ? source_verdict(r, &e->item)
                : is_waiting(r)        ? target_verdict(r, false)
                                       : PT_ALIGN_UNVERIFIABLE_TARGET);
    } else if (twin && !open && !is_open(r, !side, twin) && (!original || !near_any_gap(r))) {
        say_reordered(r, side, e, twin);
    } else if (elsewhere && side == PT_SIDE_SOURCE && !r->tail) {
        /* Not in its place. If no equal record has its own, it is this one that is gone or moved;
         * else not even which of the copies is displaced is known. */
        if (!r->early)
            unplaced_add(r->p, side, &e->item);
        say_one(r, side, e->item.offset,
                original ? PT_ALIGN_AMBIGUOUS_SOURCE : PT_ALIGN_MISSING_OR_REORDERED);
    } else if (elsewhere && side == PT_SIDE_TARGET && !is_waiting(r)) {
        /* Not in its place either; whether it was moved or is one too many depends on what was not
         * seen around its twin. */
        if (!r->early)
            unplaced_add(r->p, side, &e->item);
        say_one(r, side, e->item.offset, PT_ALIGN_AMBIGUOUS_TARGET);
    } else if (side == PT_SIDE_TARGET && (original || e->copied >= 0)) {
        say(r, r->pl, target_verdict(r, true), 0, original ? original->offset : e->copied,
            e->item.offset);
    } else {
        return false;
    }
    return true;
}

/* The next leftover of the place that is to be compared with those of the other side. NULL: none.
 */
static struct pt_leftover *next_left(const struct resolution *r, enum pt_side side, uint64_t *at)
{
    struct pt_leftovers *l = &r->p->left[side];

    while (*at < r->pl->left_end[side]) {
        struct pt_leftover *e = left_at(l, (*at)++);

        if (!e->done && !resolve_alone(r, side, e))
            return e;
    }
    return NULL;
}

/* The source's record is not in its place, changed, missing or moved; what stands there may be its
 * changed copy, or that of a record that was not seen. */
static void say_unlike(const struct resolution *r, const struct pt_item *s, const struct pt_item *t)
{
    say_one(r, PT_SIDE_SOURCE, s->offset,
            r->tail ? source_verdict(r, s) : PT_ALIGN_MISSING_OR_REORDERED);
    say_one(r, PT_SIDE_TARGET, t->offset, PT_ALIGN_AMBIGUOUS_TARGET);
}

/* All leftovers of a place; those of each side begin at at[]. */
static void judge_place(const struct resolution *r, uint64_t at[2])
{

    for (;;) {
        struct pt_leftover *s = next_left(r, PT_SIDE_SOURCE, &at[0]);
        struct pt_leftover *t = next_left(r, PT_SIDE_TARGET, &at[1]);

        if (!s && !t)
            break;
        /* k-th with k-th in the same place: the record that should stand there stands there
         * changed. In the tail this needs the source's end, else the target's record may have a
         * partner of its own. */
        if (s && t && is_mutation(&s->item, &t->item) && !is_waiting(r) && !r->unordered) {
            bool sure = (!near_any_gap(r) && !r->tail) || is_surely_mutation(r, &s->item, &t->item);

            if (sure)
                say(r, r->pl, PT_ALIGN_MUTATED, parts_of(&s->item, &t->item), s->item.offset,
                    t->item.offset);
            else
                say_unlike(r, &s->item, &t->item);
            continue;
        }
        if (s)
            say_one(r, PT_SIDE_SOURCE, s->item.offset, source_verdict(r, &s->item));
        if (t)
            say_one(r, PT_SIDE_TARGET, t->item.offset, target_verdict(r, false));
    }
}

/* Equal records of both sides are left over in the newest place. */
static bool is_unordered(const struct pt_places *p, uint64_t s_at, uint64_t s_end)
{
    for (uint64_t i = s_at; i < s_end; i++) {
        const struct pt_leftover *twin =
                left_find(&p->left[PT_SIDE_TARGET], &left_at(&p->left[PT_SIDE_SOURCE], i)->item);

        if (twin && twin->place + 1 == p->end)
            return true;
    }
    return false;
}

static void resolve_place(struct pt_places *p, const struct pt_place *pl, const enum pt_end *ends)
{
    uint64_t at[2] = { p->left[0].head, p->left[1].head };
    bool tail = p->open && p->head + 1 == p->end;
    const struct resolution r = { .p = p,
                                  .pl = pl,
                                  .ends = ends,
                                  .tail = tail,
                                  .unordered = tail && is_unordered(p, at[0], pl->left_end[0]) };

    judge_place(&r, at);
    for (int side = 0; side < 2; side++)
        while (p->left[side].head < pl->left_end[side])
            left_pop(&p->left[side]);
}

static void resolve_until(struct pt_places *p, uint64_t end, const enum pt_end *ends)
{
    if (p->head == end)
        return;
    pt_history_index(&p->history); /* refused: what would be a copy is called extra */
    for (; p->head < end; p->head++) {
        struct pt_place pl = *place_at(p, p->head);

        resolve_place(p, &pl, ends);
    }
    pt_history_unindex(&p->history);
}

void pt_places_resolve(struct pt_places *p)
{
    uint64_t end = p->head;
    uint64_t closed_end = p->open ? p->end - 1 : p->end;

    while (end < closed_end && age(p, place_at(p, end)) >= p->horizon)
        end++;
    resolve_until(p, end, NULL);
}

bool pt_places_untold(const struct pt_places *p)
{
    uint64_t closed_end = p->open ? p->end - 1 : p->end;

    return p->early_end < closed_end && p->head < closed_end;
}

void pt_places_early(struct pt_places *p)
{
    uint64_t closed_end = p->open ? p->end - 1 : p->end;
    uint64_t n = p->early_end > p->head ? p->early_end : p->head;

    p->early_cnt++;
    if (n == closed_end || place_at(p, n)->closed_at + 2 > p->early_cnt)
        return;
    pt_history_index(&p->history); /* refused: what would be a copy is called extra */
    for (; n < closed_end && place_at(p, n)->closed_at + 2 <= p->early_cnt; n++) {
        const struct resolution r = { .p = p, .pl = place_at(p, n), .early = true };
        uint64_t at[2];

        for (int side = 0; side < 2; side++)
            at[side] = n > p->head ? place_at(p, n - 1)->left_end[side] : p->left[side].head;
        judge_place(&r, at);
    }
    p->early_end = n;
    pt_history_unindex(&p->history);
}

/* Records of `side` wait behind the last match. */
static bool has_tail(const struct pt_places *p, enum pt_side side)
{
    const struct pt_leftovers *l = &p->left[side];

    return p->open && l->head < l->end && left_at(l, l->end - 1)->place + 1 == p->end;
}

void pt_places_finish(struct pt_places *p, const enum pt_end end[2])
{
    /* A log that may go on, and is behind the other one, may still show what is missed in it. */
    for (int side = 0; side < 2; side++)
        if (end[side] == PT_END_UNSEEN ||
            (end[side] != PT_END_COMPLETE && has_tail(p, (enum pt_side) !side)))
            pt_places_gap(p, (enum pt_side)side);
    resolve_until(p, p->end, end);
    p->open = false;
}
