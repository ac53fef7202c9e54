/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_PAIR_MAP_H
#define PT_VERIFY_PAIR_MAP_H
/*
 * The offset map of a pair: which source offset was verified against which target offset, in runs.
 * What was verified counts only as long as both logs hold it (changed.h). Used by pair.c only.
 */
#include "verify/pair.h"

/* pt_pair_map_add: cnt offsets of both sides from these on are verified. Without memory the run is
 * not in the map, and is counted as dropped. */
void pt_pair_map_add(struct pt_pair *p, int64_t source, int64_t target, uint64_t cnt);

/* pt_pair_map_take_back: records that were verified, and of which one side does not hold its own
 * any more, become unverifiable: that they were the same once proves nothing of what is there now.
 * What other settled records gave way to counts as records that cannot be verified. */
void pt_pair_map_take_back(struct pt_pair *p);

#endif
