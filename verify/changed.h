/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_CHANGED_H
#define PT_VERIFY_CHANGED_H
/*
 * Settled offsets of a log that turned out to hold another record than the one that was compared:
 * a later leader wrote over it, or two sightings contradict each other. A verdict is of what was
 * compared; of what is there now nothing is known, since what is settled is not compared anew.
 */
#include <stdbool.h>

#include "verify/ranges.h"

struct pt_changed {
    struct pt_ranges at;
    int64_t from;   /* the lowest of them; INT64_MAX: none */
    bool unknown;   /* some did not find room: from `from` on it may be any */
    uint64_t total; /* of those that were told, each offset once, if they found room */
    /* Slots that were given up: the last one of which the leader was known, and its epoch; and one
     * past all of them. */
    int64_t given_up;
    int32_t given_up_epoch;
    int64_t given_up_end;
};

void pt_changed_init(struct pt_changed *c, struct pt_mem *mem);
void pt_changed_fini(struct pt_changed *c);

/* pt_changed_add: [from, to), which was settled, holds something else. */
void pt_changed_add(struct pt_changed *c, int64_t from, int64_t to);

/* pt_changed_give_up: the slot at off, which rises, goes; a leader of that epoch wrote it, -1 not
 * known. */
void pt_changed_give_up(struct pt_changed *c, int64_t off, int32_t epoch);

/* pt_changed_look: a leader of that epoch, -1 not known, wrote a batch at base. If what was given
 * up there was written by an earlier one, the log was written anew from base on. */
void pt_changed_look(struct pt_changed *c, int64_t base, int32_t epoch);

/* pt_changed_same: how many offsets from off on, max at the most, are alike; and what they are. */
uint64_t pt_changed_same(const struct pt_changed *c, int64_t off, uint64_t max, bool *ret_changed);

#endif
