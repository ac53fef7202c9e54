/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_ANCHOR_H
#define PT_VERIFY_ANCHOR_H
/*
 * Matches that hold although something between the records was not seen. An anchor is a content
 * that occurs once on either side of the window; the longest increasing chain of anchors is
 * extended over adjacent equal records (nothing unseen between them proves repeated contents too),
 * and a short run that nothing corroborates is given up: coverage is lost, no claim is made.
 */
#include "hw/memory.h"
#include "verify/align.h"

struct pt_window {
    const struct pt_item *s;
    const struct pt_item *t;
    uint32_t s_cnt;
    uint32_t t_cnt;
    uint32_t *match;    /* per s: index into t, or PT_LCS_NONE */
    bool left_anchored; /* what lies before the window is matched, or is both logs' start */
    int64_t left_delta; /* target offset - source offset there */
};

/* pt_anchor_solve writes w->match. anchor_run: consecutive matches that need no other proof. False:
 * out of memory, nothing matches. */
bool pt_anchor_solve(struct pt_mem *mem, const struct pt_window *w, uint32_t anchor_run);

/* pt_anchor_unique marks in unique[i] whether s[i]'s content occurs once on both sides. False: no
 * memory. */
bool pt_anchor_unique(struct pt_mem *mem, const struct pt_window *w, uint8_t *unique);

#endif
