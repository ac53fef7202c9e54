/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_TOP_VIEW_H
#define PT_TOOLS_TOP_VIEW_H
/*
 * Composes the page of `paritap top`: what two snapshots of a segment say, and the findings that
 * were followed, in however many rows and columns there are. Rates are taken between the
 * snapshots. Pure: the terminal is cmd_top.c's.
 *
 *   verdict so far, sums
 *   who writes, and whether he still does
 *   Taps       rate and loss
 *   Cores      load, overload
 *   Clusters
 *   Topics     those with divergences first, then those with lag
 *   Findings   the latest first
 *   keys
 *
 * Short of rows, each section gives up its last ones and says how many.
 */
#include "tools/screen.h"
#include "tools/snapshot.h"

#define PT_TOP_FINDINGS_MAX 64

struct pt_top {
    const struct pt_snapshot *now;
    const struct pt_snapshot *before;        /* NULL, or of the same run and older: for rates */
    const struct pt_segment_finding *latest; /* newest first */
    size_t latest_cnt;
    uint64_t missed; /* findings overwritten before top could read them */
};

/* pt_top_draw fills the whole screen. -ENOMEM: it is left half drawn. */
int pt_top_draw(const struct pt_top *top, struct pt_screen *s);

#endif
