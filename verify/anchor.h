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

/* pt_anchor_run_end: one past the run of s[at], which is matched: neighbours on both sides with
 * nothing unseen between. pt_anchor_delta: target offset - source offset of that match. */
uint32_t pt_anchor_run_end(const struct pt_window *w, uint32_t at);
int64_t pt_anchor_delta(const struct pt_window *w, uint32_t at);

/* pt_anchor_firm marks in firm[i] whether the run of matches up to s[i] proves its place by itself.
 * False: no memory. */
bool pt_anchor_firm(struct pt_mem *mem, const struct pt_window *w, uint8_t *firm);

/* pt_anchor_repeated: contents are repeated so often that equal records prove little. */
bool pt_anchor_repeated(struct pt_mem *mem, const struct pt_window *w);

/* pt_anchor_trim: one of the logs may go on behind the window, so that its end does not belong to
 * the other one's. Of repeated contents the last matches, from s_at on, are given up unless the run
 * they stand in proves them: then nothing is known of what lies behind the last match that is left,
 * and it returns true. */
bool pt_anchor_trim(struct pt_mem *mem, const struct pt_window *w, uint32_t s_at);

/* pt_anchor_surplus writes `surplus` into the class of as many records of the region [s_at, s_end)
 * and [t_at, t_end) as one side has more than the other, content by content: whatever the order,
 * so many have no partner there. Without memory it marks none. */
void pt_anchor_surplus(struct pt_mem *mem, const struct pt_window *w, uint32_t s_at, uint32_t s_end,
                       uint32_t t_at, uint32_t t_end, uint8_t *class_s, uint8_t *class_t,
                       uint8_t surplus);

#endif
