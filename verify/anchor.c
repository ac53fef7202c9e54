/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/anchor.h"

#include <string.h>

#include "verify/lcs.h"

struct content_entry {
    uint64_t id;
    uint32_t s_cnt;
    uint32_t t_cnt;
    uint32_t s_first; /* indices */
    uint32_t s_last;
    uint32_t t_first;
    uint32_t t_last;
    uint32_t used;
};

enum identity { BY_CONTENT, BY_TIME, BY_BOTH };

struct content_table {
    struct content_entry *entry;
    uint32_t mask;
    enum identity by; /* BY_BOTH: the time only if all have one */
};

static uint64_t id_of(const struct pt_item *item, enum identity by)
{
    return by == BY_TIME ? (uint64_t)item->timestamp_ms * 0x9e3779b97f4a7c15u
                         : pt_item_id(item, by == BY_BOTH);
}

/* A sequence of neighbours, none unseen between them, as content of its own. */
struct gram_entry {
    uint64_t id;
    uint32_t s_cnt;
    uint32_t t_cnt;
    uint32_t t_idx; /* of its last record */
    uint32_t used;
};

struct gram_table {
    struct gram_entry *entry;
    uint32_t mask;
    uint32_t len;
    const struct content_table *contents;
};

static struct content_entry *find(const struct content_table *tab, const struct pt_item *item)
{
    uint64_t id = id_of(item, tab->by);
    uint32_t at = (uint32_t)(id ^ id >> 32) & tab->mask;

    while (tab->entry[at].used && tab->entry[at].id != id)
        at = (at + 1) & tab->mask;
    return &tab->entry[at];
}

static struct content_entry *enter(const struct content_table *tab, const struct pt_item *item)
{
    struct content_entry *e = find(tab, item);

    e->id = id_of(item, tab->by);
    e->used = 1;
    return e;
}

/* Of [s_at, s_end) and [t_at, t_end). False: no memory. */
static bool count_contents(struct pt_mem *mem, const struct pt_window *w, uint32_t s_at,
                           uint32_t s_end, uint32_t t_at, uint32_t t_end, enum identity by,
                           struct content_table *tab)
{
    tab->mask = 15;
    while (tab->mask < 2 * (s_end - s_at + t_end - t_at))
        tab->mask = tab->mask * 2 + 1;
    tab->entry = pt_mem_zalloc(mem, ((size_t)tab->mask + 1) * sizeof(*tab->entry));
    if (!tab->entry)
        return false;
    tab->by = by;
    if (by == BY_BOTH && !pt_items_timed(w->s + s_at, s_end - s_at, w->t + t_at, t_end - t_at))
        tab->by = BY_CONTENT;
    for (uint32_t i = s_at; i < s_end; i++) {
        struct content_entry *e = enter(tab, &w->s[i]);

        e->s_first = e->s_cnt++ ? e->s_first : i;
        e->s_last = i;
    }
    for (uint32_t j = t_at; j < t_end; j++) {
        struct content_entry *e = enter(tab, &w->t[j]);

        e->t_first = e->t_cnt++ ? e->t_first : j;
        e->t_last = j;
    }
    return true;
}

static void drop_contents(struct pt_mem *mem, struct content_table *tab)
{
    pt_mem_free(mem, tab->entry, ((size_t)tab->mask + 1) * sizeof(*tab->entry));
}

static struct gram_entry *gram_find(const struct gram_table *tab, uint64_t id)
{
    uint32_t at = (uint32_t)(id ^ id >> 32) & tab->mask;

    while (tab->entry[at].used && tab->entry[at].id != id)
        at = (at + 1) & tab->mask;
    return &tab->entry[at];
}

/* The identity of the len records that end at `last`; false: they are no neighbours. */
static bool gram_id(const struct gram_table *tab, const struct pt_item *item, uint32_t last,
                    uint64_t *ret_id)
{
    uint64_t id = 0;

    if (last + 1 < tab->len)
        return false;
    for (uint32_t k = 0; k < tab->len; k++) {
        const struct pt_item *e = &item[last + 1 - tab->len + k];

        if (k && (e->flags & PT_ITEM_GAP_BEFORE))
            return false;
        id = (id ^ id_of(e, tab->contents->by)) * 0x9e3779b97f4a7c15u;
        id ^= id >> 31;
    }
    *ret_id = id;
    return true;
}

static bool count_grams(struct pt_mem *mem, const struct pt_window *w, uint32_t len,
                        const struct content_table *contents, struct gram_table *tab)
{
    uint64_t id;

    *tab = (struct gram_table){ .mask = 15, .len = len, .contents = contents };
    while (tab->mask < 2 * (w->s_cnt + w->t_cnt))
        tab->mask = tab->mask * 2 + 1;
    tab->entry = pt_mem_zalloc(mem, ((size_t)tab->mask + 1) * sizeof(*tab->entry));
    if (!tab->entry)
        return false;
    for (int side = 0; side < 2; side++) {
        const struct pt_item *item = side ? w->t : w->s;

        for (uint32_t i = 0; i < (side ? w->t_cnt : w->s_cnt); i++) {
            struct gram_entry *e;

            if (!gram_id(tab, item, i, &id))
                continue;
            e = gram_find(tab, id);
            e->id = id;
            e->used = 1;
            e->s_cnt += !side;
            e->t_cnt += side;
            e->t_idx = side ? i : e->t_idx;
        }
    }
    return true;
}

static void drop_grams(struct pt_mem *mem, const struct gram_table *tab)
{
    pt_mem_free(mem, tab->entry, ((size_t)tab->mask + 1) * sizeof(*tab->entry));
}

/* Index into t of the last record of the gram that ends at s[i], if it is the only one of its kind
 * on either side; else PT_LCS_NONE. */
static uint32_t sole_gram(const struct gram_table *tab, const struct pt_window *w, uint32_t i)
{
    const struct gram_entry *e;
    uint64_t id;

    if (!gram_id(tab, w->s, i, &id))
        return PT_LCS_NONE;
    e = gram_find(tab, id);
    return e->s_cnt == 1 && e->t_cnt == 1 ? e->t_idx : PT_LCS_NONE;
}

static bool is_repeated(const struct content_table *tab, const struct pt_window *w)
{
    for (uint32_t i = 0; i < w->s_cnt; i++)
        if (find(tab, &w->s[i])->s_cnt > 1)
            return true;
    return false;
}

void pt_anchor_surplus(struct pt_mem *mem, const struct pt_window *w, uint32_t s_at, uint32_t s_end,
                       uint32_t t_at, uint32_t t_end, uint8_t *class_s, uint8_t *class_t,
                       uint8_t surplus)
{
    struct content_table tab;

    if (!count_contents(mem, w, s_at, s_end, t_at, t_end, BY_BOTH, &tab))
        return;
    for (uint32_t i = s_end; i-- > s_at;) {
        struct content_entry *e = find(&tab, &w->s[i]);

        if (e->s_cnt > e->t_cnt) {
            e->s_cnt--;
            class_s[i] = surplus;
        }
    }
    for (uint32_t j = t_end; j-- > t_at;) {
        struct content_entry *e = find(&tab, &w->t[j]);

        if (e->t_cnt > e->s_cnt) {
            e->t_cnt--;
            class_t[j] = surplus;
        }
    }
    drop_contents(mem, &tab);
}

/* Keeps of the candidates in w->match the longest chain that rises on both sides (patience
 * sorting). */
static bool keep_longest_chain(struct pt_mem *mem, const struct pt_window *w)
{
    uint32_t *top = pt_mem_alloc(
            mem, (size_t)w->s_cnt * 4); /* s index that ends the best chain of length k+1 */
    uint32_t *prev = pt_mem_alloc(mem, (size_t)w->s_cnt * 4); /* s index before it in its chain */
    uint32_t cnt = 0;
    uint32_t at;
    bool ok = top && prev;

    for (uint32_t i = 0; ok && i < w->s_cnt; i++) {
        uint32_t lo = 0;
        uint32_t len = cnt;

        if (w->match[i] == PT_LCS_NONE)
            continue;
        while (len) {
            uint32_t half = len / 2;

            if (w->match[top[lo + half]] < w->match[i]) {
                lo += half + 1;
                len -= half + 1;
            } else {
                len = half;
            }
        }
        prev[i] = lo ? top[lo - 1] : PT_LCS_NONE;
        top[lo] = i;
        if (lo == cnt)
            cnt++;
    }
    if (ok) {
        at = cnt ? top[cnt - 1] : PT_LCS_NONE;
        for (uint32_t i = w->s_cnt; i-- > 0;) {
            if (i == at)
                at = prev[i];
            else
                w->match[i] = PT_LCS_NONE;
        }
    }
    pt_mem_free(mem, top, (size_t)w->s_cnt * 4);
    pt_mem_free(mem, prev, (size_t)w->s_cnt * 4);
    return ok;
}

/* Two neighbours on both sides with nothing unseen in front of the later ones. */
static bool adjacent(const struct pt_window *w, uint32_t s_later, uint32_t t_later)
{
    return !((w->s[s_later].flags | w->t[t_later].flags) & PT_ITEM_GAP_BEFORE);
}

/* One region between two matches (or the window's ends): [s_at, s_end) and [t_at, t_end) are
 * unmatched. Equal neighbours of the match before, then of the match behind, are matches
 * themselves. */
static void extend_region(const struct pt_window *w, uint32_t s_at, uint32_t t_at, uint32_t s_end,
                          uint32_t t_end, bool from_before, bool from_behind)
{
    while (from_before && s_at < s_end && t_at < t_end && adjacent(w, s_at, t_at) &&
           pt_item_equal(&w->s[s_at], &w->t[t_at]))
        w->match[s_at++] = t_at++;
    while (from_behind && s_at < s_end && t_at < t_end && adjacent(w, s_end, t_end) &&
           pt_item_equal(&w->s[s_end - 1], &w->t[t_end - 1]))
        w->match[--s_end] = --t_end;
}

static void extend_matches(const struct pt_window *w)
{
    uint32_t s_at = 0;
    uint32_t t_at = 0;
    bool from_before = w->left_anchored;

    for (uint32_t i = 0; i <= w->s_cnt; i++) {
        bool last = i == w->s_cnt;

        if (!last && w->match[i] == PT_LCS_NONE)
            continue;
        extend_region(w, s_at, t_at, i, last ? w->t_cnt : w->match[i], from_before, !last);
        if (!last) {
            s_at = i + 1;
            t_at = w->match[i] + 1;
            from_before = true;
        }
    }
}

uint32_t pt_anchor_run_end(const struct pt_window *w, uint32_t at)
{
    uint32_t end = at + 1;

    while (end < w->s_cnt && w->match[end] == w->match[end - 1] + 1 &&
           adjacent(w, end, w->match[end]))
        end++;
    return end;
}

int64_t pt_anchor_delta(const struct pt_window *w, uint32_t i)
{
    return w->t[w->match[i]].offset - w->s[i].offset;
}

/* --- what a run of matches proves --- */

/*
 * A run beside something unseen may be a coincidence: other copies of its records, whose own
 * partners were not seen. How unlikely that is, in bits: where a content comes up once among D, and
 * a share q of all records repeat something, a record at any other place agrees by chance q/D of
 * the time. A repeated content counts by its frequency, and only as far as it does not follow from
 * the record before it (runs of equal ones, and sequences that come over and over, prove nothing).
 * A time that no other record has counts as well; one that neighbours share, only where the run
 * passes from it to the next. A run at the offset distance of the proven run beside it needs
 * little; one at a new distance is a guess among as many as there are records. The more is
 * repeated, the more it takes.
 */
#define PROOF_SAME 5u
#define PROOF_GUESS 13u
#define PROOF_REPEATED 27u
/* A whole stretch between two gaps that agrees at the distance before it leaves nothing to claim
 * but its matches. */
#define PROOF_STRETCH 24u
/* Periods that say nothing new there, and in how many records before this one they must show. */
#define LAG_MAX 32u
#define LAG_CONTEXT 8u
/* At a new distance the run must not fit elsewhere: so many of its records, or all, agree at
 * another distance, and none contradicts. So many records say where to look. */
#define ELSEWHERE_MIN 4u
#define ELSEWHERE_LOOKS 8u
#define ELSEWHERE_AROUND 64u

/* How often each value comes up in a window. */
struct variety {
    struct content_table table;
    uint64_t repeats; /* records whose value comes up elsewhere on their side, and one */
    uint32_t kinds;
};

struct weights {
    struct variety contents;
    struct variety times; /* if all have one */
    struct gram_table pairs;
    uint64_t records;
    bool timed;
};

static uint32_t log2_of(uint64_t x)
{
    return x ? 63u - (uint32_t)__builtin_clzll(x) : 0;
}

static bool variety_open(struct pt_mem *mem, const struct pt_window *w, enum identity by,
                         struct variety *v)
{
    *v = (struct variety){ .repeats = 1 };
    if (!count_contents(mem, w, 0, w->s_cnt, 0, w->t_cnt, by, &v->table))
        return false;
    for (uint32_t at = 0; at <= v->table.mask; at++) {
        const struct content_entry *e = &v->table.entry[at];

        v->kinds += e->used;
        v->repeats += (e->s_cnt > 1 ? e->s_cnt : 0) + (e->t_cnt > 1 ? e->t_cnt : 0);
    }
    return true;
}

static void weights_close(struct pt_mem *mem, struct weights *x)
{
    if (x->pairs.entry)
        drop_grams(mem, &x->pairs);
    if (x->times.table.entry)
        drop_contents(mem, &x->times.table);
    if (x->contents.table.entry)
        drop_contents(mem, &x->contents.table);
}

static bool weights_open(struct pt_mem *mem, const struct pt_window *w, struct weights *x)
{
    *x = (struct weights){ .records = (uint64_t)w->s_cnt + w->t_cnt,
                           .timed = pt_items_timed(w->s, w->s_cnt, w->t, w->t_cnt) };
    if (variety_open(mem, w, BY_CONTENT, &x->contents) &&
        (!x->timed || variety_open(mem, w, BY_TIME, &x->times)) &&
        count_grams(mem, w, 2, &x->contents.table, &x->pairs))
        return true;
    weights_close(mem, x);
    return false;
}

/* Of what comes up once on each side. */
static uint32_t weight_of_sole(const struct weights *x, const struct variety *v)
{
    return log2_of(v->kinds * (x->records + 1) / v->repeats);
}

/* The record at i, in a run that begins at `at`, goes on like the same sequence a bit earlier. */
static bool goes_round(const struct pt_window *w, uint32_t at, uint32_t i)
{
    for (uint32_t lag = 1; lag <= LAG_MAX && at + lag + LAG_CONTEXT <= i; lag++) {
        uint32_t k = 0;

        while (k <= LAG_CONTEXT && w->s[i - k].content == w->s[i - k - lag].content)
            k++;
        if (k > LAG_CONTEXT)
            return true;
    }
    return false;
}

static uint32_t weight_of_content(const struct weights *x, const struct pt_window *w, uint32_t i,
                                  bool behind, bool free)
{
    const struct content_entry *e = find(&x->contents.table, &w->s[i]);
    const struct content_entry *before = behind ? find(&x->contents.table, &w->s[i - 1]) : NULL;
    uint32_t bits = e->s_cnt == 1 && e->t_cnt == 1 ? weight_of_sole(x, &x->contents)
                                                   : log2_of(x->records / (e->s_cnt + e->t_cnt));
    uint64_t id;

    if (free && before && w->s[i].content == w->s[i - 1].content)
        return 0;
    if (!free && before && before->s_cnt + before->t_cnt > 2 && gram_id(&x->pairs, w->s, i, &id)) {
        const struct gram_entry *pair = gram_find(&x->pairs, id);
        uint32_t next = log2_of((before->s_cnt + before->t_cnt) / (pair->s_cnt + pair->t_cnt));

        bits = next < bits ? next : bits;
    }
    return bits;
}

/* What s[i] adds to a run in which s[i-1] is, or not; free: also what follows from that one. */
static uint32_t weight_of(const struct weights *x, const struct pt_window *w, uint32_t i,
                          bool behind, bool free)
{
    uint32_t bits = weight_of_content(x, w, i, behind, free);
    const struct content_entry *e = x->timed ? find(&x->times.table, &w->s[i]) : NULL;

    if (!e)
        return bits;
    if (e->s_cnt == 1 && e->t_cnt == 1)
        return bits + weight_of_sole(x, &x->times);
    if (behind && w->s[i].timestamp_ms != w->s[i - 1].timestamp_ms)
        return bits + log2_of(x->records / (e->s_cnt + e->t_cnt));
    return bits;
}

static uint32_t weight_of_run(const struct weights *x, const struct pt_window *w, uint32_t at,
                              uint32_t end, bool free)
{
    uint32_t bits = 0;

    for (uint32_t i = at; i < end && bits < 64; i++)
        if (!free || !goes_round(w, at, i))
            bits += weight_of(x, w, i, i > at, free);
    return bits;
}

/* It begins and ends where something was not seen, or the window ends. */
static bool is_stretch(const struct pt_window *w, uint32_t at, uint32_t end)
{
    uint32_t t_at = w->match[at];
    uint32_t t_end = w->match[end - 1] + 1;
    uint32_t before = w->s[at].flags | w->t[t_at].flags;
    uint32_t behind = (end < w->s_cnt ? w->s[end].flags : PT_ITEM_GAP_BEFORE) |
                      (t_end < w->t_cnt ? w->t[t_end].flags : PT_ITEM_GAP_BEFORE);

    return (before & PT_ITEM_GAP_BEFORE) && (behind & PT_ITEM_GAP_BEFORE);
}

/* What of PROOF_REPEATED is needed: by the share of records that neither content nor time tells
 * from every other one. */
static uint32_t proof_repeated(const struct weights *x)
{
    uint64_t part = PROOF_REPEATED * (x->contents.repeats - 1) / x->records;

    return (uint32_t)(x->timed ? part * (x->times.repeats - 1) / x->records : part);
}

/* Index of the first of cnt items at off or behind it. */
static uint32_t index_of(const struct pt_item *item, uint32_t cnt, int64_t off)
{
    uint32_t lo = 0;

    while (cnt) {
        uint32_t half = cnt / 2;

        if (item[lo + half].offset < off) {
            lo += half + 1;
            cnt -= half + 1;
        } else {
            cnt = half;
        }
    }
    return lo;
}

/* The records of the run and around it, on both sides, agree with what is at that other distance,
 * and nothing there contradicts them. */
static bool is_at_distance(const struct pt_window *w, uint32_t at, uint32_t end, int64_t delta)
{
    uint32_t s_at = at > ELSEWHERE_AROUND ? at - ELSEWHERE_AROUND : 0;
    uint32_t s_end = end + ELSEWHERE_AROUND < w->s_cnt ? end + ELSEWHERE_AROUND : w->s_cnt;
    uint32_t t_at = w->match[at] > ELSEWHERE_AROUND ? w->match[at] - ELSEWHERE_AROUND : 0;
    uint32_t t_end = w->match[end - 1] + 1 + ELSEWHERE_AROUND;
    uint32_t agree = 0;

    for (uint32_t i = s_at; i < s_end; i++) {
        int64_t off = w->s[i].offset + delta;
        uint32_t j = index_of(w->t, w->t_cnt, off);

        if (j == w->t_cnt || w->t[j].offset != off)
            continue;
        if (!pt_item_equal(&w->s[i], &w->t[j]))
            return false;
        agree++;
    }
    for (uint32_t j = t_at; j < t_end && j < w->t_cnt; j++) {
        int64_t off = w->t[j].offset - delta;
        uint32_t i = index_of(w->s, w->s_cnt, off);

        if (i == w->s_cnt || w->s[i].offset != off)
            continue;
        if (!pt_item_equal(&w->s[i], &w->t[j]))
            return false;
        agree++;
    }
    return agree >= ELSEWHERE_MIN || agree >= end - at;
}

/* Whether the sequence comes over again, so that the run may as well stand elsewhere. Some of its
 * records show at which distances to look. */
static bool fits_elsewhere(const struct weights *x, const struct pt_window *w, uint32_t at,
                           uint32_t end)
{
    int64_t delta = pt_anchor_delta(w, at);
    uint32_t step = (end - at) / ELSEWHERE_LOOKS + 1;

    for (uint32_t i = at; i < end; i += step) {
        const struct content_entry *e = find(&x->contents.table, &w->s[i]);
        const int64_t by[] = {
            w->t[e->t_first].offset - w->s[i].offset,
            w->t[e->t_last].offset - w->s[i].offset,
            w->t[w->match[i]].offset - w->s[e->s_first].offset,
            w->t[w->match[i]].offset - w->s[e->s_last].offset,
        };

        for (size_t k = 0; k < sizeof(by) / sizeof(*by); k++)
            if (by[k] != delta && is_at_distance(w, at, end, by[k]))
                return true;
    }
    return false;
}

static bool is_proven(const struct weights *x, const struct pt_window *w, uint32_t at, uint32_t end,
                      bool same_delta)
{
    uint32_t need = (same_delta ? PROOF_SAME : PROOF_GUESS) + proof_repeated(x);

    if (weight_of_run(x, w, at, end, false) >= need)
        return same_delta || !fits_elsewhere(x, w, at, end);
    return same_delta && is_stretch(w, at, end) &&
           weight_of_run(x, w, at, end, true) >= PROOF_STRETCH;
}

/* Gives up the runs that nothing proves. One that is proven helps those beside it, forwards first.
 * proven[i]: of the run that begins at s[i]. */
static void drop_unproven(const struct pt_window *w, const struct weights *x, uint8_t *proven)
{
    bool has_delta = w->left_anchored;
    int64_t delta = w->left_delta;
    uint32_t end;

    for (uint32_t i = 0; i < w->s_cnt; i = end) {
        end = i + 1;
        if (w->match[i] == PT_LCS_NONE)
            continue;
        end = pt_anchor_run_end(w, i);
        proven[i] = is_proven(x, w, i, end, has_delta && delta == pt_anchor_delta(w, i));
        if (proven[i]) {
            has_delta = true;
            delta = pt_anchor_delta(w, end - 1);
        }
    }
    has_delta = false;
    for (uint32_t i = w->s_cnt; i-- > 0;) {
        bool begins = w->match[i] != PT_LCS_NONE && (i == 0 || pt_anchor_run_end(w, i - 1) == i);

        if (!begins)
            continue;
        end = pt_anchor_run_end(w, i);
        if (!proven[i])
            proven[i] = is_proven(x, w, i, end, has_delta && delta == pt_anchor_delta(w, end - 1));
        if (proven[i]) {
            has_delta = true;
            delta = pt_anchor_delta(w, i);
        }
    }
    for (uint32_t i = 0; i < w->s_cnt; i = end) {
        end = i + 1;
        if (w->match[i] == PT_LCS_NONE)
            continue;
        end = pt_anchor_run_end(w, i);
        if (!proven[i])
            memset(&w->match[i], 0xff, (size_t)(end - i) * sizeof(*w->match));
    }
}

bool pt_anchor_firm(struct pt_mem *mem, const struct pt_window *w, uint8_t *firm)
{
    struct weights x;
    uint32_t bits = 0;
    uint32_t need;

    if (!weights_open(mem, w, &x))
        return false;
    need = PROOF_GUESS + proof_repeated(&x);
    for (uint32_t i = 0; i < w->s_cnt; i++) {
        bool behind = i > 0 && w->match[i] != PT_LCS_NONE && w->match[i - 1] != PT_LCS_NONE &&
                      pt_anchor_run_end(w, i - 1) != i;

        bits = behind ? bits : 0;
        if (w->match[i] != PT_LCS_NONE)
            bits += weight_of(&x, w, i, behind, false);
        firm[i] = w->match[i] != PT_LCS_NONE && bits >= need;
    }
    weights_close(mem, &x);
    return true;
}

bool pt_anchor_repeated(struct pt_mem *mem, const struct pt_window *w)
{
    struct weights x;
    bool repeated;

    if (!weights_open(mem, w, &x))
        return true;
    repeated = proof_repeated(&x) > 0;
    weights_close(mem, &x);
    return repeated;
}

bool pt_anchor_trim(struct pt_mem *mem, const struct pt_window *w, uint32_t s_at)
{
    struct weights x;
    uint32_t i = w->s_cnt;
    bool gave_up = false;

    if (!weights_open(mem, w, &x)) {
        memset(w->match + s_at, 0xff, (size_t)(w->s_cnt - s_at) * sizeof(*w->match));
        return true;
    }
    while (i > s_at && proof_repeated(&x)) {
        uint32_t end = i;
        uint32_t before;
        bool same;

        if (w->match[--i] == PT_LCS_NONE)
            continue;
        while (i > s_at && w->match[i - 1] != PT_LCS_NONE && pt_anchor_run_end(w, i - 1) != i)
            i--;
        for (before = i; before > 0 && w->match[before - 1] == PT_LCS_NONE; before--)
            ;
        same = before ? pt_anchor_delta(w, before - 1) == pt_anchor_delta(w, i)
                      : w->left_anchored && w->left_delta == pt_anchor_delta(w, i);
        if (is_proven(&x, w, i, end, same))
            break;
        memset(&w->match[i], 0xff, (size_t)(end - i) * sizeof(*w->match));
        gave_up = true;
    }
    weights_close(mem, &x);
    return gave_up;
}

/* Grams, for what is not the only one of its content. */
static void match_grams(struct pt_mem *mem, const struct pt_window *w,
                        const struct content_table *contents, uint32_t len)
{
    struct gram_table grams;

    if (!is_repeated(contents, w) || !count_grams(mem, w, len, contents, &grams))
        return;
    for (uint32_t i = 0; i < w->s_cnt; i++) {
        uint32_t j = sole_gram(&grams, w, i);

        for (uint32_t k = 0; j != PT_LCS_NONE && k < len; k++)
            if (w->match[i - k] == PT_LCS_NONE && pt_item_equal(&w->s[i - k], &w->t[j - k]))
                w->match[i - k] = j - k;
    }
    drop_grams(mem, &grams);
}

/* One region between two matches, as above: what agrees at the distance before it, up to the first
 * that does not. */
static void follow_delta(const struct pt_window *w, uint32_t s_at, uint32_t t_at, uint32_t s_end,
                         uint32_t t_end, int64_t delta)
{
    while (s_at < s_end && t_at < t_end) {
        int64_t want = w->s[s_at].offset + delta;

        if (w->t[t_at].offset < want) {
            t_at++;
        } else if (w->t[t_at].offset > want) {
            s_at++;
        } else if (pt_item_equal(&w->s[s_at], &w->t[t_at])) {
            w->match[s_at++] = t_at++;
        } else {
            return;
        }
    }
}

static void follow_deltas(const struct pt_window *w)
{
    uint32_t s_at = 0;
    uint32_t t_at = 0;
    bool has_delta = w->left_anchored;
    int64_t delta = w->left_delta;

    for (uint32_t i = 0; i <= w->s_cnt; i++) {
        bool last = i == w->s_cnt;
        uint32_t t_end;

        if (!last && w->match[i] == PT_LCS_NONE)
            continue;
        t_end = last ? w->t_cnt : w->match[i];
        if (has_delta)
            follow_delta(w, s_at, t_at, i, t_end, delta);
        if (last)
            return;
        s_at = i + 1;
        t_at = t_end + 1;
        has_delta = true;
        delta = pt_anchor_delta(w, i);
    }
}

bool pt_anchor_solve(struct pt_mem *mem, const struct pt_window *w, uint32_t anchor_run)
{
    uint8_t *proven = pt_mem_zalloc(mem, w->s_cnt);
    struct content_table tab = { 0 };
    struct weights x;
    bool ok = false;

    memset(w->match, 0xff, (size_t)w->s_cnt * sizeof(*w->match));
    if (!proven || !weights_open(mem, w, &x))
        goto out;
    if (!count_contents(mem, w, 0, w->s_cnt, 0, w->t_cnt, BY_BOTH, &tab)) {
        weights_close(mem, &x);
        goto out;
    }
    for (uint32_t i = 0; i < w->s_cnt; i++) {
        const struct content_entry *e = find(&tab, &w->s[i]);

        if (e->s_cnt == 1 && e->t_cnt == 1 && pt_item_equal(&w->s[i], &w->t[e->t_last]))
            w->match[i] = e->t_last;
    }
    match_grams(mem, w, &tab, anchor_run);
    drop_contents(mem, &tab);
    ok = keep_longest_chain(mem, w);
    if (!ok)
        memset(w->match, 0xff, (size_t)w->s_cnt * sizeof(*w->match));
    extend_matches(w);
    follow_deltas(w);
    drop_unproven(w, &x, proven);
    weights_close(mem, &x);
out:
    pt_mem_free(mem, proven, w->s_cnt);
    return ok;
}
