/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/anchor.h"

#include <string.h>

#include "verify/lcs.h"

struct content_entry {
    uint64_t content;
    uint32_t s_cnt;
    uint32_t t_cnt;
    uint32_t t_idx;
    uint32_t used;
};

struct content_table {
    struct content_entry *entry;
    uint32_t mask;
};

static struct content_entry *find(const struct content_table *tab, uint64_t content)
{
    uint32_t at = (uint32_t)(content ^ content >> 32) & tab->mask;

    while (tab->entry[at].used && tab->entry[at].content != content)
        at = (at + 1) & tab->mask;
    return &tab->entry[at];
}

static struct content_entry *enter(const struct content_table *tab, uint64_t content)
{
    struct content_entry *e = find(tab, content);

    e->content = content;
    e->used = 1;
    return e;
}

static bool count_contents(struct pt_mem *mem, const struct pt_window *w, struct content_table *tab)
{
    tab->mask = 15;
    while (tab->mask < 2 * (w->s_cnt + w->t_cnt))
        tab->mask = tab->mask * 2 + 1;
    tab->entry = pt_mem_zalloc(mem, ((size_t)tab->mask + 1) * sizeof(*tab->entry));
    if (!tab->entry)
        return false;
    for (uint32_t i = 0; i < w->s_cnt; i++)
        enter(tab, w->s[i].content)->s_cnt++;
    for (uint32_t j = 0; j < w->t_cnt; j++) {
        struct content_entry *e = enter(tab, w->t[j].content);

        e->t_cnt++;
        e->t_idx = j;
    }
    return true;
}

static void drop_contents(struct pt_mem *mem, struct content_table *tab)
{
    pt_mem_free(mem, tab->entry, ((size_t)tab->mask + 1) * sizeof(*tab->entry));
}

bool pt_anchor_unique(struct pt_mem *mem, const struct pt_window *w, uint8_t *unique)
{
    struct content_table tab;

    if (!count_contents(mem, w, &tab))
        return false;
    for (uint32_t i = 0; i < w->s_cnt; i++) {
        const struct content_entry *e = find(&tab, w->s[i].content);

        unique[i] = e->s_cnt == 1 && e->t_cnt == 1;
    }
    drop_contents(mem, &tab);
    return true;
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

/* A run: matches that are neighbours on both sides with nothing unseen between. */
static uint32_t run_end(const struct pt_window *w, uint32_t at)
{
    uint32_t end = at + 1;

    while (end < w->s_cnt && w->match[end] == w->match[end - 1] + 1 &&
           adjacent(w, end, w->match[end]))
        end++;
    return end;
}

static int64_t delta_of(const struct pt_window *w, uint32_t i)
{
    return w->t[w->match[i]].offset - w->s[i].offset;
}

/* One record with the same content and timestamp, alone at a distance that nothing around it has,
 * could be another copy of a record whose own partner was not seen. Two in a row, or an offset
 * distance shared with the run before or behind, rule that out. Without timestamps it takes
 * anchor_run in a row. */
static void drop_lone_runs(const struct pt_window *w, uint32_t anchor_run)
{
    bool has_before = w->left_anchored;
    int64_t delta_before = w->left_delta;

    for (uint32_t i = 0; i < w->s_cnt;) {
        uint32_t end;
        uint32_t next;
        bool timeless;

        if (w->match[i] == PT_LCS_NONE) {
            i++;
            continue;
        }
        end = run_end(w, i);
        for (next = end; next < w->s_cnt && w->match[next] == PT_LCS_NONE; next++)
            ;
        timeless = (w->s[i].flags | w->t[w->match[i]].flags) & PT_ITEM_LOG_APPEND;
        if (end - i >= (timeless ? anchor_run : 2) ||
            (has_before && delta_before == delta_of(w, i)) ||
            (next < w->s_cnt && delta_of(w, next) == delta_of(w, end - 1))) {
            has_before = true;
            delta_before = delta_of(w, end - 1);
        } else {
            for (uint32_t k = i; k < end; k++)
                w->match[k] = PT_LCS_NONE;
        }
        i = end;
    }
}

bool pt_anchor_solve(struct pt_mem *mem, const struct pt_window *w, uint32_t anchor_run)
{
    struct content_table tab;
    bool ok;

    memset(w->match, 0xff, (size_t)w->s_cnt * sizeof(*w->match));
    if (!count_contents(mem, w, &tab))
        return false;
    for (uint32_t i = 0; i < w->s_cnt; i++) {
        const struct content_entry *e = find(&tab, w->s[i].content);

        if (e->s_cnt == 1 && e->t_cnt == 1 && pt_item_equal(&w->s[i], &w->t[e->t_idx]))
            w->match[i] = e->t_idx;
    }
    drop_contents(mem, &tab);
    ok = keep_longest_chain(mem, w);
    if (!ok)
        memset(w->match, 0xff, (size_t)w->s_cnt * sizeof(*w->match));
    extend_matches(w);
    drop_lone_runs(w, anchor_run);
    return ok;
}
