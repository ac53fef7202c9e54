/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/lcs.h"

#include <string.h>

/* Beside an open end, where both have something left over behind the last match, fewer differences
 * there must not pay for more of them in front of it: it is solved again without that rest, until
 * there is none, at the most so often. */
#define ROUNDS_MAX 16u

struct problem {
    struct pt_mem *mem;
    const struct pt_item *s;
    const struct pt_item *t;
    uint32_t n; /* what is left between the common ends */
    uint32_t m;
    uint32_t t_base; /* of t within the caller's run */
    uint32_t *match; /* of s[0] */
    bool timed;      /* of all of s and t */
    unsigned open;
};

/* Myers: furthest[k] is how far into s the diagonal k = x - y reaches with d differences. A copy of
 * it before each d lets the path be walked back. */
static void myers_back(const struct problem *p, const int32_t *history, int32_t d_end, int32_t x,
                       int32_t y)
{
    for (int32_t d = d_end; d >= 0; d--) {
        const int32_t *v = history + (size_t)d * (size_t)d + d; /* v[k], k in [-d, d] */
        int32_t k = x - y;
        bool down = k == -d || (k != d && v[k - 1] < v[k + 1]);
        int32_t prev_x = d ? v[down ? k + 1 : k - 1] : 0;
        int32_t prev_y = d ? prev_x - (down ? k + 1 : k - 1) : 0;
        int32_t snake_x = d && !down ? prev_x + 1 : prev_x;

        while (x > snake_x) {
            x--;
            y--;
            p->match[x] = p->t_base + (uint32_t)y;
        }
        x = prev_x;
        y = prev_y;
    }
}

static int32_t extend(const struct problem *p, int32_t x, int32_t y)
{
    while (x < (int32_t)p->n && y < (int32_t)p->m && pt_item_equal(&p->s[x], &p->t[y])) {
        x++;
        y++;
    }
    return x;
}

/* The walk has come to where both runs end, or one that goes on. */
static bool at_end(const struct problem *p, int32_t x, int32_t y)
{
    bool s_end = x == (int32_t)p->n;
    bool t_end = y == (int32_t)p->m;

    return (s_end && t_end) || (s_end && (p->open & PT_LCS_S_OPEN)) ||
           (t_end && (p->open & PT_LCS_T_OPEN));
}

static bool myers(const struct problem *p)
{
    uint32_t d_max = p->n + p->m < PT_LCS_D_MAX ? p->n + p->m : PT_LCS_D_MAX;
    size_t row_cnt = 2 * (size_t)d_max + 3;
    size_t history_cnt = ((size_t)d_max + 1) * (d_max + 1);
    int32_t *row = pt_mem_zalloc(p->mem, row_cnt * sizeof(*row));
    int32_t *history = pt_mem_alloc(p->mem, history_cnt * sizeof(*history));
    bool found = false;
    int32_t best_x = 0;
    int32_t best_k = 0;

    if (!row || !history)
        goto out;
    for (int32_t d = 0; d <= (int32_t)d_max && !found; d++) {
        int32_t *v = row + d_max + 1;

        /* Row d of the history starts at d*d and has 2d+1 entries: furthest before step d. */
        memcpy(history + (size_t)d * (size_t)d, v - d, (2 * (size_t)d + 1) * sizeof(*v));
        for (int32_t k = -d; k <= d; k += 2) {
            bool down = k == -d || (k != d && v[k - 1] < v[k + 1]);
            int32_t x = d ? (down ? v[k + 1] : v[k - 1] + 1) : 0;

            if (x > (int32_t)p->n || x - k > (int32_t)p->m) {
                v[k] = x;
                continue;
            }
            v[k] = extend(p, x, x - k);
            if (at_end(p, v[k], v[k] - k) && (!found || 2 * v[k] - k > 2 * best_x - best_k)) {
                found = true;
                best_x = v[k];
                best_k = k;
            }
        }
        if (found) /* of those with as few differences the one with most matches */
            myers_back(p, history, d, best_x, best_x - best_k);
    }
out:
    pt_mem_free(p->mem, row, row_cnt * sizeof(*row));
    pt_mem_free(p->mem, history, history_cnt * sizeof(*history));
    return found;
}

/* Hunt-Szymanski: positions of each content in t, last first; best[k] ends the common subsequence
 * of length k+1 that ends earliest in t. */
struct pair_node {
    uint32_t s_idx;
    uint32_t t_idx;
    uint32_t prev; /* node number, PT_LCS_NONE: none */
};

struct positions {
    uint32_t *bucket; /* number of the last position in t with that content, PT_LCS_NONE: empty */
    uint32_t *next;   /* position before, of the same content */
    uint32_t mask;
};

static uint32_t *bucket_of(const struct problem *p, const struct positions *pos,
                           const struct pt_item *item)
{
    uint64_t id = pt_item_id(item, p->timed);
    uint32_t at = (uint32_t)(id ^ id >> 32) & pos->mask;

    while (pos->bucket[at] != PT_LCS_NONE && pt_item_id(&p->t[pos->bucket[at]], p->timed) != id)
        at = (at + 1) & pos->mask;
    return &pos->bucket[at];
}

static uint32_t lower_bound(const uint32_t *best_t, uint32_t cnt, uint32_t t_idx)
{
    uint32_t lo = 0;

    while (cnt) {
        uint32_t half = cnt / 2;

        if (best_t[lo + half] < t_idx) {
            lo += half + 1;
            cnt -= half + 1;
        } else {
            cnt = half;
        }
    }
    return lo;
}

struct chains {
    struct pair_node *node;
    uint32_t node_cnt;
    uint32_t node_cap;
    uint32_t *best_t; /* t_idx of best[k] */
    uint32_t *best_node;
    uint32_t best_cnt;
};

static bool add_pair(const struct problem *p, struct chains *c, uint32_t s_idx, uint32_t t_idx)
{
    uint32_t k = lower_bound(c->best_t, c->best_cnt, t_idx);

    if (k < c->best_cnt && c->best_t[k] == t_idx)
        return true;
    if (c->node_cnt == c->node_cap) {
        uint32_t cap = c->node_cap ? c->node_cap * 2 : 4096;
        void *grown = cap > PT_LCS_PAIRS_MAX
                              ? NULL
                              : pt_mem_resize(p->mem, c->node, c->node_cap * sizeof(*c->node),
                                              cap * sizeof(*c->node));

        if (!grown)
            return false;
        c->node = grown;
        c->node_cap = cap;
    }
    c->node[c->node_cnt] = (struct pair_node){
        .s_idx = s_idx,
        .t_idx = t_idx,
        .prev = k ? c->best_node[k - 1] : PT_LCS_NONE,
    };
    c->best_t[k] = t_idx;
    c->best_node[k] = c->node_cnt++;
    if (k == c->best_cnt)
        c->best_cnt++;
    return true;
}

static bool all_pairs(const struct problem *p, const struct positions *pos, struct chains *c)
{
    uint64_t looked_at = 0;
    /* Beside an open end it must be as good as certain which pairs belong together. */
    uint64_t limit = p->open ? 2 * ((uint64_t)p->n + p->m) : 4ull * PT_LCS_PAIRS_MAX;

    for (uint32_t i = 0; i < p->n; i++) {
        for (uint32_t j = *bucket_of(p, pos, &p->s[i]); j != PT_LCS_NONE; j = pos->next[j]) {
            if (++looked_at > limit)
                return false;
            if (pt_item_equal(&p->s[i], &p->t[j]) && !add_pair(p, c, i, j))
                return false;
        }
    }
    return true;
}

static bool hunt_szymanski(const struct problem *p)
{
    struct positions pos = { .mask = 15 };
    struct chains c = { 0 };
    uint32_t best_cap = p->n < p->m ? p->n : p->m;
    bool solved = false;

    while (pos.mask < 2 * p->m)
        pos.mask = pos.mask * 2 + 1;
    pos.bucket = pt_mem_alloc(p->mem, ((size_t)pos.mask + 1) * 4);
    pos.next = pt_mem_alloc(p->mem, (size_t)p->m * 4);
    c.best_t = pt_mem_alloc(p->mem, (size_t)best_cap * 4);
    c.best_node = pt_mem_alloc(p->mem, (size_t)best_cap * 4);
    if (!pos.bucket || !pos.next || !c.best_t || !c.best_node)
        goto out;
    memset(pos.bucket, 0xff, ((size_t)pos.mask + 1) * 4);
    for (uint32_t j = 0; j < p->m; j++) {
        uint32_t *b = bucket_of(p, &pos, &p->t[j]);

        pos.next[j] = *b;
        *b = j;
    }
    solved = all_pairs(p, &pos, &c);
    if (solved && c.best_cnt)
        for (uint32_t at = c.best_node[c.best_cnt - 1]; at != PT_LCS_NONE; at = c.node[at].prev)
            p->match[c.node[at].s_idx] = p->t_base + c.node[at].t_idx;
out:
    pt_mem_free(p->mem, pos.bucket, ((size_t)pos.mask + 1) * 4);
    pt_mem_free(p->mem, pos.next, (size_t)p->m * 4);
    pt_mem_free(p->mem, c.best_t, (size_t)best_cap * 4);
    pt_mem_free(p->mem, c.best_node, (size_t)best_cap * 4);
    pt_mem_free(p->mem, c.node, c.node_cap * sizeof(*c.node));
    return solved;
}

/* Of equal records in a row the walk leaves over the last ones; without an open end, where the
 * common end is matched first, it would be the first ones. So it shall be here: of the last that
 * are left over. */
static void slide(const struct pt_item *s, uint32_t s_cnt, const struct pt_item *t, uint32_t *match)
{
    uint32_t end = s_cnt;
    uint32_t at;

    while (end > 0 && match[end - 1] != PT_LCS_NONE)
        end--;
    for (at = end; at > 0 && match[at - 1] == PT_LCS_NONE; at--)
        ;
    while (end < s_cnt && at > 0 && match[at - 1] != PT_LCS_NONE &&
           pt_item_equal(&s[end - 1], &t[match[at - 1]])) {
        match[--end] = match[--at];
        match[at] = PT_LCS_NONE;
    }
}

static bool solve(struct pt_mem *mem, const struct pt_item *s, uint32_t s_cnt,
                  const struct pt_item *t, uint32_t t_cnt, unsigned open, uint32_t *match)
{
    uint32_t head = 0;
    uint32_t tail = 0;
    struct problem p;

    if (!s_cnt)
        return true;
    memset(match, 0xff, (size_t)s_cnt * sizeof(*match));
    if (!t_cnt)
        return true;
    while (head < s_cnt && head < t_cnt && pt_item_equal(&s[head], &t[head])) {
        match[head] = head;
        head++;
    }
    while (!open && tail < s_cnt - head && tail < t_cnt - head &&
           pt_item_equal(&s[s_cnt - 1 - tail], &t[t_cnt - 1 - tail])) {
        match[s_cnt - 1 - tail] = t_cnt - 1 - tail;
        tail++;
    }
    p = (struct problem){ .mem = mem,
                          .s = s + head,
                          .t = t + head,
                          .n = s_cnt - head - tail,
                          .m = t_cnt - head - tail,
                          .t_base = head,
                          .match = match + head,
                          .open = open };
    p.timed = pt_items_timed(p.s, p.n, p.t, p.m);
    if (!p.n || !p.m || myers(&p) || hunt_szymanski(&p)) {
        if (open)
            slide(s, s_cnt, t, match);
        return true;
    }
    memset(match, 0xff, (size_t)s_cnt * sizeof(*match));
    return false;
}

/* How many of s, and of t, lie up to the last match. */
static void matched_end(const uint32_t *match, uint32_t s_cnt, uint32_t *ret_s, uint32_t *ret_t)
{
    while (s_cnt > 0 && match[s_cnt - 1] == PT_LCS_NONE)
        s_cnt--;
    *ret_s = s_cnt;
    *ret_t = s_cnt ? match[s_cnt - 1] + 1 : 0;
}

bool pt_lcs_solve(struct pt_mem *mem, const struct pt_item *s, uint32_t s_cnt,
                  const struct pt_item *t, uint32_t t_cnt, unsigned open, uint32_t *match)
{
    uint32_t s_end = s_cnt;
    uint32_t t_end = t_cnt;

    if (!solve(mem, s, s_cnt, t, t_cnt, open, match))
        return false;
    for (unsigned round = 0; open; round++) {
        uint32_t s_last;
        uint32_t t_last;

        matched_end(match, s_end, &s_last, &t_last);
        if (s_last == s_end || t_last == t_end)
            break;
        s_end = s_last;
        t_end = t_last;
        if (round == ROUNDS_MAX || !solve(mem, s, s_end, t, t_end, open, match)) {
            memset(match, 0xff, (size_t)s_cnt * sizeof(*match));
            return false;
        }
    }
    return true;
}
