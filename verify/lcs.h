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

/* pt_lcs_solve writes match[i] in [0,t_cnt) or PT_LCS_NONE for every i in [0,s_cnt). False: over
 * both bounds or out of memory; match is then all PT_LCS_NONE. */
bool pt_lcs_solve(struct pt_mem *mem, const struct pt_item *s, uint32_t s_cnt,
                  const struct pt_item *t, uint32_t t_cnt, uint32_t *match);

#endif
