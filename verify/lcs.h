/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_LCS_H
#define PT_VERIFY_LCS_H
/*
 * Longest common subsequence of two runs of records, exact or refused. Few differences: Myers'
 * O(ND) walk. Many, but few equal pairs (the normal case: contents differ): Hunt and Szymanski over
 * the equal pairs. Both give a longest one; where several are equally long the choice is
 * deterministic.
 */
#include "hw/memory.h"
#include "verify/align.h"

#define PT_LCS_NONE UINT32_MAX

/* Differences up to which Myers' walk is tried: its history takes (D+1)^2 * 4 bytes, 1 MiB. */
#define PT_LCS_D_MAX 511u
/* Equal pairs up to which Hunt-Szymanski is tried: 12 bytes each, 48 MiB at worst. */
#define PT_LCS_PAIRS_MAX (4u << 20)

/* pt_item_equal: the same record (design.md section 5): content, and the timestamp where both keep
 * it. */
static inline bool pt_item_equal(const struct pt_item *a, const struct pt_item *b)
{
    if (a->content != b->content)
        return false;
    return a->timestamp_ms == b->timestamp_ms || ((a->flags | b->flags) & PT_ITEM_LOG_APPEND);
}

/* pt_items_timed: no record of these two runs lacks its own time, so that the time belongs to its
 * identity. */
static inline bool pt_items_timed(const struct pt_item *s, uint32_t s_cnt, const struct pt_item *t,
                                  uint32_t t_cnt)
{
    uint32_t flags = 0;

    for (uint32_t i = 0; i < s_cnt; i++)
        flags |= s[i].flags;
    for (uint32_t j = 0; j < t_cnt; j++)
        flags |= t[j].flags;
    return !(flags & PT_ITEM_LOG_APPEND);
}

/* pt_item_id: equal for equal records of such runs, and (but for chance) only for these; without
 * times it is the content. Repeated contents of different times are not repeated then. */
static inline uint64_t pt_item_id(const struct pt_item *a, bool timed)
{
    uint64_t z = timed ? (uint64_t)a->timestamp_ms * 0x9e3779b97f4a7c15u : 0;

    return a->content ^ z ^ z >> 29;
}

/* Which of the two goes on behind its run: then what the other one has left over there, when it
 * comes to its end, is no difference yet. */
#define PT_LCS_S_OPEN 0x1u
#define PT_LCS_T_OPEN 0x2u

/* pt_lcs_solve writes match[i] in [0,t_cnt) or PT_LCS_NONE for every i in [0,s_cnt). open:
 * PT_LCS_*_OPEN; a longest subsequence would make up for each difference by records from the other
 * side's rest, where contents repeat; so the fewest differences count up to the end of a run that
 * goes on. False: over both bounds or out of memory; match is then all PT_LCS_NONE. */
bool pt_lcs_solve(struct pt_mem *mem, const struct pt_item *s, uint32_t s_cnt,
                  const struct pt_item *t, uint32_t t_cnt, unsigned open, uint32_t *match);

#endif
