/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/align.h"

#include <errno.h>
#include <string.h>

#include "verify/anchor.h"
#include "verify/lcs.h"
#include "verify/places.h"

/* Records of one side that are taken while the other side has shown nothing. */
#define LEAD_MAX 256u
/* Waiting events at which a run stops until they are taken. */
#define EVENTS_MAX 16384u
/* Product of the records of both sides up to which a window may be tried again and again: it takes
 * less than a millisecond. */
#define CHEAP_WINDOW (512u * 512u)

struct queue {
    struct pt_item *item; /* [head, head+cnt) wait */
    size_t cap;
    size_t head;
    size_t cnt;
    bool ended;
};

struct pt_align {
    struct pt_mem *mem;
    struct pt_align_cfg cfg;
    struct queue q[2];
    enum pt_end end[2];
    uint32_t window;    /* records a side that the next conflict is solved with */
    bool left_anchored; /* what lies before the queues is matched, or is the start of both logs */
    bool started;
    bool carry_gap; /* something unseen lies in the place that is open */
    bool idle;
    bool finished;
    bool hurry;      /* a window need not be full */
    size_t tried[2]; /* records in the queues when that was tried in vain */
    int64_t left_delta;
    struct pt_align_event run; /* MATCH that is being extended, cnt 0: none */
    struct pt_events events;
    struct pt_places places;
};

const struct pt_align_cfg pt_align_cfg_default = {
    .window_min = 4096,
    .window_max = 65536,
    .anchor_run = 8,
    .horizon = 65536,
};

int pt_align_open(struct pt_mem *mem, const struct pt_align_cfg *cfg, struct pt_align **ret_a)
{
    struct pt_align *a;

    if (!cfg->window_min || cfg->window_max < cfg->window_min || !cfg->anchor_run || !cfg->horizon)
        return -EINVAL;
    a = pt_mem_zalloc(mem, sizeof(*a));
    if (!a)
        return -ENOMEM;
    a->mem = mem;
    a->cfg = *cfg;
    a->window = cfg->window_min;
    a->idle = true;
    pt_places_init(&a->places, mem, cfg->horizon, &a->events);
    *ret_a = a;
    return 0;
}

void pt_align_close(struct pt_align *a)
{
    if (!a)
        return;
    for (int side = 0; side < 2; side++)
        pt_mem_free(a->mem, a->q[side].item, a->q[side].cap * sizeof(struct pt_item));
    pt_places_fini(&a->places);
    pt_mem_free(a->mem, a->events.ring, a->events.cap * sizeof(*a->events.ring));
    pt_mem_free(a->mem, a, sizeof(*a));
}

size_t pt_align_room(const struct pt_align *a, enum pt_side side)
{
    const struct queue *other = &a->q[!side];
    size_t limit = a->window;

    if (!other->cnt && !other->ended && limit > LEAD_MAX)
        limit = LEAD_MAX;
    return a->q[side].cnt < limit ? limit - a->q[side].cnt : 0;
}

size_t pt_align_push(struct pt_align *a, enum pt_side side, const struct pt_item *items, size_t cnt)
{
    struct queue *q = &a->q[side];

    if (q->head && q->head + q->cnt + cnt > q->cap) {
        memmove(q->item, q->item + q->head, q->cnt * sizeof(*q->item));
        q->head = 0;
    }
    if (q->cnt + cnt > q->cap) {
        size_t cap = q->cap ? q->cap : LEAD_MAX;
        struct pt_item *grown;

        while (cap < q->cnt + cnt)
            cap *= 2;
        grown = pt_mem_resize(a->mem, q->item, q->cap * sizeof(*grown), cap * sizeof(*grown));
        if (grown) {
            q->item = grown;
            q->cap = cap;
        } else {
            cnt = q->cap - q->cnt;
        }
    }
    if (cnt)
        memcpy(q->item + q->head + q->cnt, items, cnt * sizeof(*items));
    q->cnt += cnt;
    return cnt;
}

void pt_align_end(struct pt_align *a, enum pt_side side, enum pt_end end)
{
    a->q[side].ended = true;
    a->end[side] = end;
}

static void drop(struct queue *q, size_t cnt)
{
    q->head += cnt;
    q->cnt -= cnt;
    if (!q->cnt)
        q->head = 0;
}

static void flush_run(struct pt_align *a)
{
    if (a->run.cnt)
        pt_events_put(&a->events, &a->run);
    a->run.cnt = 0;
}

/* A matched pair. Needs room for one event. */
static void match(struct pt_align *a, const struct pt_item *s, const struct pt_item *t)
{
    int64_t cnt = (int64_t)a->run.cnt;

    pt_places_match(&a->places, s, t);
    if (cnt && s->offset == a->run.source_offset + cnt && t->offset == a->run.target_offset + cnt) {
        a->run.cnt++;
        return;
    }
    flush_run(a);
    a->run = (struct pt_align_event){
        .kind = PT_ALIGN_MATCH,
        .source_offset = s->offset,
        .target_offset = t->offset,
        .cnt = 1,
        .prev_source_offset = -1,
        .prev_target_offset = -1,
        .next_source_offset = -1,
        .next_target_offset = -1,
    };
}

/* Places fall due at fixed counts of records, wherever a run begins or ends. False: no memory. */
static bool resolve_due(struct pt_align *a)
{
    if (!pt_places_due(&a->places))
        return true;
    if (!pt_events_reserve(a->mem, &a->events, pt_places_waiting(&a->places)))
        return false;
    pt_places_resolve(&a->places);
    return true;
}

/* Equal records with nothing unseen before them pass straight through. */
static bool pass_equal(struct pt_align *a)
{
    struct queue *qs = &a->q[PT_SIDE_SOURCE];
    struct queue *qt = &a->q[PT_SIDE_TARGET];

    while (qs->cnt && qt->cnt && a->left_anchored) {
        const struct pt_item *s = &qs->item[qs->head];
        const struct pt_item *t = &qt->item[qt->head];

        if (((s->flags | t->flags) & PT_ITEM_GAP_BEFORE) || !pt_item_equal(s, t))
            break;
        if (a->events.cnt >= EVENTS_MAX)
            return false;
        if (!pt_events_reserve(a->mem, &a->events, 1) || !resolve_due(a) ||
            !pt_events_reserve(a->mem, &a->events, 1))
            return false;
        match(a, s, t);
        a->left_delta = t->offset - s->offset;
        drop(qs, 1);
        drop(qt, 1);
    }
    return true;
}

/* --- a conflict: one window of both sides is solved --- */

enum leftover_class {
    CLOSED = 0,
    UNSEEN_NEAR = 1,
    NOT_SOLVED = 2, /* all was seen, but its order was too much to work out */
    SURPLUS = 3     /* there are too many of them, whatever was not seen or not worked out */
};

struct solution {
    struct pt_window w;
    uint8_t *class_s; /* enum leftover_class of unmatched records */
    uint8_t *class_t;
    uint8_t *firm;
    bool repeated;  /* pt_anchor_repeated */
    uint32_t s_cut; /* how much of the window is decided */
    uint32_t t_cut;
};

static bool gap_between(const struct pt_window *w, uint32_t s_at, uint32_t t_at, uint32_t s_end,
                        uint32_t t_end)
{
    uint32_t flags = 0;

    for (uint32_t i = s_at; i <= s_end && i < w->s_cnt; i++)
        flags |= w->s[i].flags;
    for (uint32_t j = t_at; j <= t_end && j < w->t_cnt; j++)
        flags |= w->t[j].flags;
    return flags & PT_ITEM_GAP_BEFORE;
}

/* One region between two matches, its end inclusive of the matched record's own gap flag. Where
 * something was not seen, nothing can be said about leftovers; else the region is solved exactly.
 */
static void refine_region(struct pt_align *a, struct solution *sol, uint32_t s_at, uint32_t t_at,
                          uint32_t s_end, uint32_t t_end, bool gap, unsigned open)
{
    struct pt_window *w = &sol->w;
    uint8_t class = CLOSED;

    if (gap || gap_between(w, s_at, t_at, s_end, t_end)) {
        class = UNSEEN_NEAR;
    } else if (s_at < s_end && t_at < t_end) {
        if (!pt_lcs_solve(a->mem, w->s + s_at, s_end - s_at, w->t + t_at, t_end - t_at, open,
                          w->match + s_at))
            class = NOT_SOLVED;
        for (uint32_t i = s_at; i < s_end; i++)
            if (w->match[i] != PT_LCS_NONE)
                w->match[i] += t_at;
    }
    memset(sol->class_s + s_at, class, s_end - s_at);
    memset(sol->class_t + t_at, class, t_end - t_at);
    if (class == NOT_SOLVED && s_end < w->s_cnt)
        pt_anchor_surplus(a->mem, w, s_at, s_end, t_at, t_end, sol->class_s, sol->class_t, SURPLUS);
}

/* Which logs may go on behind the window: PT_LCS_*_OPEN. Also one whose end was stated before the
 * other one's last records. */
static unsigned going_on(const struct pt_align *a, bool final)
{
    unsigned open = 0;

    if (!final || a->end[PT_SIDE_SOURCE] != PT_END_COMPLETE)
        open |= PT_LCS_S_OPEN;
    if (!final || a->end[PT_SIDE_TARGET] != PT_END_COMPLETE)
        open |= PT_LCS_T_OPEN;
    return open;
}

/* What that means for the comparison. Where contents repeat, both always go on: an end was stated
 * at some time, and the other log's rest may have been written later, or have to be copied yet. */
static unsigned open_ends(const struct solution *sol)
{
    return sol->repeated ? PT_LCS_S_OPEN | PT_LCS_T_OPEN : 0;
}

static bool is_stated(enum pt_end end)
{
    return end == PT_END_COMPLETE || end == PT_END_STATED;
}

/* The last window, unless both logs are known to end where it does. */
static void trim(const struct pt_align *a, struct solution *sol, uint32_t s_at)
{
    const struct pt_window *w = &sol->w;
    uint32_t i = w->s_cnt;

    if ((is_stated(a->end[0]) && is_stated(a->end[1])) || !pt_anchor_trim(a->mem, w, s_at))
        return;
    while (i > 0 && w->match[i - 1] == PT_LCS_NONE)
        i--;
    memset(sol->class_s + i, UNSEEN_NEAR, w->s_cnt - i);
    i = i ? w->match[i - 1] + 1 : 0;
    memset(sol->class_t + i, UNSEEN_NEAR, w->t_cnt - i);
}

static void refine(struct pt_align *a, struct solution *sol, bool final)
{
    struct pt_window *w = &sol->w;
    bool gap = a->carry_gap;
    uint32_t s_at = 0;
    uint32_t t_at = 0;

    for (uint32_t i = 0; i < w->s_cnt; i++) {
        if (w->match[i] == PT_LCS_NONE)
            continue;
        refine_region(a, sol, s_at, t_at, i, w->match[i], gap, 0);
        s_at = i + 1;
        t_at = w->match[i] + 1;
        gap = false;
    }
    /* Behind the last match: the end of both logs, or of the window (then it is not decided yet).
     */
    refine_region(a, sol, s_at, t_at, w->s_cnt, w->t_cnt, gap, open_ends(sol));
    if (final)
        trim(a, sol, s_at);
}

/* Whether `support` matches between a place and something unseen say enough of what is left over in
 * it. If fewer were moved than are left over, it may be them that are in the wrong place. */
static bool is_supported(const struct pt_align *a, uint32_t support, uint32_t left_over)
{
    return support >= a->cfg.anchor_run || support >= left_over;
}

/* Whether what is left over on one side may have its partner in the rest of the other, which goes
 * on. */
static bool may_go_on(unsigned open, uint32_t s_left, uint32_t t_left)
{
    return (s_left && open & PT_LCS_T_OPEN) || (t_left && open & PT_LCS_S_OPEN);
}

static uint32_t max_of(uint32_t x, uint32_t y)
{
    return x > y ? x : y;
}

static void open_region(const struct solution *sol, uint32_t s_at, uint32_t t_at, uint32_t s_end,
                        uint32_t t_end)
{
    memset(sol->class_s + s_at, UNSEEN_NEAR, s_end - s_at);
    memset(sol->class_t + t_at, UNSEEN_NEAR, t_end - t_at);
}

/* Where the last match in front of the unseen offsets was: index in the window, -1 before it, and
 * offset. */
struct strong {
    int64_t at[2];
    int64_t offset[2];
    bool valid;
};

/* From a strong match to this one a side shows more records than the other one has offsets: so many
 * of them are too many, whatever was not seen. They are taken from the end of the place. */
static void keep_surplus(const struct solution *sol, const struct strong *from, uint32_t s_end,
                         uint32_t t_end, const uint32_t left_over[2])
{
    const struct pt_window *w = &sol->w;
    int64_t shown[2] = { s_end - from->at[0] - 1, t_end - from->at[1] - 1 };
    int64_t offsets[2] = { w->s[s_end].offset - from->offset[0] - 1,
                           w->t[t_end].offset - from->offset[1] - 1 };

    for (int side = 0; side < 2 && from->valid; side++) {
        int64_t surplus = shown[side] - offsets[!side];

        if (surplus > left_over[side])
            surplus = left_over[side];
        if (surplus > 0)
            memset((side ? sol->class_t + t_end : sol->class_s + s_end) - surplus, SURPLUS,
                   (size_t)surplus);
    }
}

/* What is left over between two matches rests on them, and on those that they stand together with:
 * a few beside an unseen rest of their log are a poor witness. From both ends of the window. */
static void weaken(const struct pt_align *a, struct solution *sol, bool final)
{
    const struct pt_window *w = &sol->w;
    bool anchored = a->left_anchored && !a->carry_gap;
    struct strong strong = { { -1, -1 }, { a->places.prev[0], a->places.prev[1] }, anchored };
    uint32_t support = anchored ? UINT32_MAX / 2 : 0;
    uint32_t s_at = 0;
    uint32_t t_at = 0;
    uint32_t s_end = w->s_cnt;
    uint32_t t_end = w->t_cnt;
    unsigned open;

    for (uint32_t i = 0; i < w->s_cnt; i++) {
        uint32_t j = w->match[i];
        uint32_t left_over[2] = { i - s_at, j - t_at };

        if (j == PT_LCS_NONE)
            continue;
        if (gap_between(w, s_at, t_at, i, j)) {
            if (s_at && support >= a->cfg.anchor_run)
                strong = (struct strong){ { s_at - 1, t_at - 1 },
                                          { w->s[s_at - 1].offset, w->t[t_at - 1].offset },
                                          true };
            support = 0;
        } else if (!is_supported(a, support, max_of(left_over[0], left_over[1]))) {
            open_region(sol, s_at, t_at, i, j);
            keep_surplus(sol, &strong, i, j, left_over);
        }
        support++;
        s_at = i + 1;
        t_at = j + 1;
    }
    open = going_on(a, final);
    if (gap_between(w, s_at, t_at, w->s_cnt, w->t_cnt) || sol->repeated)
        open = PT_LCS_S_OPEN | PT_LCS_T_OPEN;
    support = open ? 0 : UINT32_MAX / 2;
    for (uint32_t i = w->s_cnt; i-- > 0;) {
        uint32_t j = w->match[i];

        if (j == PT_LCS_NONE)
            continue;
        if (s_end == w->s_cnt) {
            ; /* behind the last match: nothing rests on what follows */
        } else if (gap_between(w, i + 1, j + 1, s_end, t_end)) {
            open = PT_LCS_S_OPEN | PT_LCS_T_OPEN;
            support = 0;
        } else if (may_go_on(open, s_end - i - 1, t_end - j - 1) &&
                   !is_supported(a, support, max_of(s_end - i - 1, t_end - j - 1))) {
            open_region(sol, i + 1, j + 1, s_end, t_end);
        }
        support++;
        s_end = i;
        t_end = j;
    }
    if (s_end < w->s_cnt && !gap_between(w, 0, 0, s_end, t_end) && may_go_on(open, s_end, t_end) &&
        !is_supported(a, support, max_of(s_end, t_end)))
        open_region(sol, 0, 0, s_end, t_end);
}

/* The last place where the window's solution cannot be changed by what follows: a run of anchor_run
 * matches that proves itself. */
static bool stable_cut(struct pt_align *a, struct solution *sol)
{
    const struct pt_window *w = &sol->w;
    uint32_t run = 0;
    bool firm = false;

    for (uint32_t i = w->s_cnt; i-- > 0;) {
        uint32_t next = i + 1;
        bool joined = run && w->match[i] != PT_LCS_NONE && w->match[i] + 1 == w->match[next] &&
                      !((w->s[next].flags | w->t[w->match[next]].flags) & PT_ITEM_GAP_BEFORE);

        if (w->match[i] == PT_LCS_NONE) {
            run = 0;
            continue;
        }
        if (!joined) {
            run = 0;
            firm = false;
            sol->s_cut = i + 1;
            sol->t_cut = w->match[i] + 1;
        }
        run++;
        firm |= sol->firm[i];
        if (run >= a->cfg.anchor_run && firm)
            return true;
    }
    return false;
}

/* More than half of the target's records came before. */
static bool is_replay(struct pt_align *a, const struct pt_window *w)
{
    struct pt_history *h = &a->places.history;
    uint32_t seen = 0;

    pt_history_index(h);
    for (uint32_t j = 0; j < w->t_cnt; j++)
        seen += pt_history_find(h, &w->t[j]) != NULL;
    pt_history_unindex(h);
    return 2 * (uint64_t)seen > w->t_cnt;
}

/* At the largest window without a stable place: give way, and claim as little as possible. */
static void forced_cut(struct pt_align *a, struct solution *sol, bool gap)
{
    const struct pt_window *w = &sol->w;

    for (uint32_t i = w->s_cnt; i-- > 0;)
        if (w->match[i] != PT_LCS_NONE) {
            sol->s_cut = i + 1;
            sol->t_cut = w->match[i] + 1;
            return;
        }
    sol->t_cut = w->t_cnt;
    sol->s_cut = w->s_cnt;
    /* Of a log that has ended all that is left is here: it waits for more of the other one. */
    if (w->s_cnt < a->window || w->t_cnt < a->window) {
        if (w->t_cnt < a->window && w->s_cnt)
            sol->t_cut = 0;
        else if (w->t_cnt)
            sol->s_cut = 0;
        return;
    }
    /* A replay longer than the window repeats what is matched already: the source waits. */
    if (is_replay(a, w)) {
        sol->s_cut = 0;
        return;
    }
    /* Nothing in common: each side's partners may lie behind the other side's window, so nothing is
     * known of any single record; only that the order differs, where both go on from a match. */
    memset(sol->class_s, UNSEEN_NEAR, w->s_cnt);
    memset(sol->class_t, UNSEEN_NEAR, w->t_cnt);
    if (a->left_anchored && !gap)
        sol->class_s[0] = SURPLUS;
}

static void leave(struct pt_align *a, enum pt_side side, const struct pt_item *item, uint8_t class,
                  bool shut)
{
    unsigned how = class == UNSEEN_NEAR ? PT_LEFT_OPEN : class == SURPLUS ? PT_LEFT_SURPLUS : 0;

    if (item->flags & PT_ITEM_GAP_BEFORE)
        pt_places_gap(&a->places, side);
    if (class == NOT_SOLVED) {
        pt_places_give_up(&a->places, side, item,
                          side == PT_SIDE_SOURCE ? PT_ALIGN_UNVERIFIABLE_SOURCE
                                                 : PT_ALIGN_UNVERIFIABLE_TARGET);
        return;
    }
    if (class == UNSEEN_NEAR && !a->carry_gap) {
        pt_places_void(&a->places);
        a->carry_gap = true;
    }
    pt_places_add(&a->places, side, item, shut ? how | PT_LEFT_SHUT : how);
}

/* Takes what is decided out of the queues, in order. Leftovers of a region come before the match
 * behind it, source first. */
static void apply(struct pt_align *a, const struct solution *sol)
{
    const struct pt_window *w = &sol->w;
    uint32_t last = sol->s_cut; /* one past the last match */
    uint32_t j = 0;

    while (last > 0 && w->match[last - 1] == PT_LCS_NONE)
        last--;
    for (uint32_t i = 0; i <= sol->s_cut; i++) {
        bool matched = i < sol->s_cut && w->match[i] != PT_LCS_NONE;
        uint32_t t_end = matched ? w->match[i] : sol->t_cut;

        if (i < sol->s_cut && !matched) {
            leave(a, PT_SIDE_SOURCE, &w->s[i], sol->class_s[i], i < last);
            continue;
        }
        for (; j < t_end; j++)
            leave(a, PT_SIDE_TARGET, &w->t[j], sol->class_t[j], i < last);
        if (!matched)
            break;
        for (int side = 0; side < 2; side++)
            if ((side ? w->t[j].flags : w->s[i].flags) & PT_ITEM_GAP_BEFORE)
                pt_places_gap(&a->places, (enum pt_side)side);
        match(a, &w->s[i], &w->t[j]);
        a->left_anchored = true;
        a->left_delta = w->t[j].offset - w->s[i].offset;
        a->carry_gap = false;
        j++;
    }
    /* Behind leftovers that no match closed, equal heads are no neighbours of anything known. */
    if (!sol->s_cut || w->match[sol->s_cut - 1] + 1 != sol->t_cut)
        a->left_anchored = false;
    drop(&a->q[PT_SIDE_SOURCE], sol->s_cut);
    drop(&a->q[PT_SIDE_TARGET], sol->t_cut);
}

static bool solution_open(struct pt_align *a, struct solution *sol)
{
    uint32_t n = sol->w.s_cnt;
    uint32_t m = sol->w.t_cnt;

    sol->w.match = pt_mem_alloc(a->mem, (size_t)n * sizeof(uint32_t));
    sol->class_s = pt_mem_zalloc(a->mem, n);
    sol->class_t = pt_mem_zalloc(a->mem, m);
    sol->firm = pt_mem_zalloc(a->mem, n);
    return sol->w.match && sol->class_s && sol->class_t && sol->firm;
}

static void solution_close(struct pt_align *a, struct solution *sol)
{
    pt_mem_free(a->mem, sol->w.match, (size_t)sol->w.s_cnt * sizeof(uint32_t));
    pt_mem_free(a->mem, sol->class_s, sol->w.s_cnt);
    pt_mem_free(a->mem, sol->class_t, sol->w.t_cnt);
    pt_mem_free(a->mem, sol->firm, sol->w.s_cnt);
}

/* In the last window, of repeated contents: less would be left over if both logs ended together
 * than there is with their ends open. Then nothing is known of what is left over. */
static bool fits_closed(struct pt_align *a, const struct solution *sol)
{
    const struct pt_window *w = &sol->w;
    uint32_t *closed = pt_mem_alloc(a->mem, (size_t)w->s_cnt * sizeof(*closed));
    uint32_t matched[2] = { 0, 0 };
    bool better = true; /* without memory */

    if (closed && pt_lcs_solve(a->mem, w->s, w->s_cnt, w->t, w->t_cnt, 0, closed)) {
        for (uint32_t i = 0; i < w->s_cnt; i++) {
            matched[0] += w->match[i] != PT_LCS_NONE;
            matched[1] += closed[i] != PT_LCS_NONE;
        }
        better = matched[1] > matched[0];
    }
    pt_mem_free(a->mem, closed, (size_t)w->s_cnt * sizeof(*closed));
    return better;
}

/* Of what anchors prove: a run at another distance than what is in front of it, whose records all
 * came before in the same order, may be another copy of them. It is given up. */
static void drop_repeats(struct pt_align *a, const struct pt_window *w)
{
    struct pt_history *h = &a->places.history;
    int64_t delta = a->left_anchored ? a->left_delta : INT64_MIN;
    bool indexed = false;
    uint32_t end;

    for (uint32_t i = 0; i < w->s_cnt; i = end) {
        end = i + 1;
        if (w->match[i] == PT_LCS_NONE)
            continue;
        end = pt_anchor_run_end(w, i);
        if (pt_anchor_delta(w, i) == delta)
            continue;
        indexed = indexed || pt_history_index(h);
        if (!indexed || pt_history_has_run(h, &w->s[i], end - i))
            memset(&w->match[i], 0xff, (size_t)(end - i) * sizeof(*w->match));
        else
            delta = pt_anchor_delta(w, i);
    }
    pt_history_unindex(h);
}

static bool solve_window(struct pt_align *a, struct solution *sol, bool final)
{
    struct pt_window *w = &sol->w;
    bool gap = a->carry_gap || gap_between(w, 0, 0, w->s_cnt, w->t_cnt);

    sol->repeated = pt_anchor_repeated(a->mem, w);
    if (gap || !pt_lcs_solve(a->mem, w->s, w->s_cnt, w->t, w->t_cnt, open_ends(sol), w->match)) {
        if (!pt_anchor_solve(a->mem, w, a->cfg.anchor_run))
            return false;
        drop_repeats(a, w);
        refine(a, sol, final);
    } else if (final) {
        if (sol->repeated && fits_closed(a, sol))
            open_region(sol, 0, 0, w->s_cnt, w->t_cnt);
        trim(a, sol, 0);
    }
    weaken(a, sol, final);
    if (final) {
        sol->s_cut = w->s_cnt;
        sol->t_cut = w->t_cnt;
        return true;
    }
    if (!pt_anchor_firm(a->mem, w, sol->firm))
        return false;
    if (stable_cut(a, sol))
        return true;
    sol->s_cut = sol->t_cut = 0;
    if (a->window >= a->cfg.window_max && !a->hurry)
        forced_cut(a, sol, gap);
    return true;
}

/* Whether a window that is not full is worth a try: there are records on both sides, more than last
 * time; a quarter more if they are many, so that the cost of what cannot be solved stays bounded.
 */
static bool may_hurry(struct pt_align *a)
{
    bool cheap = (uint64_t)a->q[0].cnt * a->q[1].cnt <= CHEAP_WINDOW;
    bool more = false;

    if (!a->hurry || !a->q[0].cnt || !a->q[1].cnt)
        return false;
    for (int side = 0; side < 2; side++)
        more |= a->q[side].cnt > a->tried[side] + (cheap ? 0 : a->tried[side] / 4);
    for (int side = 0; side < 2; side++)
        a->tried[side] = more ? a->q[side].cnt : a->tried[side];
    return more;
}

/* Solves the next window. False: more records, or memory, are needed. */
static bool solve(struct pt_align *a)
{
    static const struct pt_item nothing; /* of an empty side; so that none is NULL */
    struct queue *qs = &a->q[PT_SIDE_SOURCE];
    struct queue *qt = &a->q[PT_SIDE_TARGET];
    struct solution sol = { 0 };
    bool all = qs->ended && qt->ended && qs->cnt <= a->window && qt->cnt <= a->window;
    bool full = (qs->cnt >= a->window || qs->ended) && (qt->cnt >= a->window || qt->ended);
    bool went_on = false;

    if (!qs->cnt && !qt->cnt)
        return false;
    if (!full && !may_hurry(a))
        return false;
    sol.w = (struct pt_window){
        .s = qs->cnt ? qs->item + qs->head : &nothing,
        .t = qt->cnt ? qt->item + qt->head : &nothing,
        .s_cnt = (uint32_t)(qs->cnt < a->window ? qs->cnt : a->window),
        .t_cnt = (uint32_t)(qt->cnt < a->window ? qt->cnt : a->window),
        .left_anchored = a->left_anchored,
        .left_delta = a->left_delta,
    };
    if (solution_open(a, &sol) &&
        pt_events_reserve(a->mem, &a->events,
                          (size_t)sol.w.s_cnt + sol.w.t_cnt + pt_places_waiting(&a->places) + 2) &&
        solve_window(a, &sol, all)) {
        went_on = true;
        if (sol.s_cut || sol.t_cut) {
            apply(a, &sol);
            a->window = a->cfg.window_min;
            a->tried[0] = a->tried[1] = 0;
        } else if (!full) {
            went_on = false;
        } else {
            a->window = a->window > a->cfg.window_max / 4 ? a->cfg.window_max : a->window * 4;
        }
    }
    solution_close(a, &sol);
    return went_on;
}

/* Whether both logs begin where they really begin, or their first records stand behind something
 * unseen. */
static bool start(struct pt_align *a)
{
    const struct queue *qs = &a->q[PT_SIDE_SOURCE];
    const struct queue *qt = &a->q[PT_SIDE_TARGET];

    if ((!qs->cnt && !qs->ended) || (!qt->cnt && !qt->ended))
        return false;
    a->started = true;
    a->left_anchored = !((qs->cnt ? qs->item[qs->head].flags : 0) & PT_ITEM_GAP_BEFORE) &&
                       !((qt->cnt ? qt->item[qt->head].flags : 0) & PT_ITEM_GAP_BEFORE);
    if (a->left_anchored && qs->cnt && qt->cnt)
        a->left_delta = qt->item[qt->head].offset - qs->item[qs->head].offset;
    return true;
}

void pt_align_run(struct pt_align *a)
{
    a->idle = true;
    if (!a->started && !start(a))
        return;
    for (;;) {
        if (a->events.cnt >= EVENTS_MAX || !pass_equal(a)) {
            a->idle = !a->events.cnt;
            break;
        }
        if (!resolve_due(a) || !solve(a))
            break;
    }
    if (!pt_events_reserve(a->mem, &a->events, pt_places_waiting(&a->places) + 1))
        return;
    flush_run(a);
    if (a->q[0].ended && a->q[1].ended && !a->q[0].cnt && !a->q[1].cnt && !a->finished) {
        a->finished = true;
        pt_places_finish(&a->places, a->end);
    }
}

void pt_align_hurry(struct pt_align *a)
{
    a->hurry = true;
    pt_align_run(a);
    a->hurry = false;
    if (a->started && a->idle &&
        pt_events_reserve(a->mem, &a->events, pt_places_waiting(&a->places)))
        pt_places_early(&a->places);
}

bool pt_align_restless(const struct pt_align *a)
{
    return pt_places_untold(&a->places);
}

bool pt_align_idle(const struct pt_align *a)
{
    return a->idle;
}

bool pt_align_next(struct pt_align *a, struct pt_align_event *ret_ev)
{
    return pt_events_take(&a->events, ret_ev);
}

int64_t pt_align_done(const struct pt_align *a, enum pt_side side)
{
    return pt_places_done(&a->places, side);
}
