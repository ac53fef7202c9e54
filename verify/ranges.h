/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_RANGES_H
#define PT_VERIFY_RANGES_H
/*
 * A set of offsets as sorted, disjoint, not adjacent ranges: certificates, holes, losses. Appending
 * at the end, the normal case, costs nothing; everything else is a binary search and a move. Memory
 * comes from a budget and the number of ranges is bounded; what a refusal means is written at each
 * function, so that a caller can choose the side on which it errs.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/memory.h"

/* 1 MiB a set. A log in more pieces than this has lost every second batch. */
#define PT_RANGES_MAX 65536u

struct pt_range {
    int64_t from;
    int64_t to; /* one past the last */
};

struct pt_ranges {
    struct pt_mem *mem;
    struct pt_range *r;
    size_t cnt;
    size_t cap;
};

void pt_ranges_init(struct pt_ranges *s, struct pt_mem *mem);
void pt_ranges_fini(struct pt_ranges *s);

/* pt_ranges_add joins [from, to) to the set; nothing if it is empty. False: refused, the set is as
 * before. */
bool pt_ranges_add(struct pt_ranges *s, int64_t from, int64_t to);

/* pt_ranges_remove takes [from, to) out. Where a split is refused, everything from `from` to the
 * end of that range goes: the set may lose more than asked for, never less. */
void pt_ranges_remove(struct pt_ranges *s, int64_t from, int64_t to);

bool pt_ranges_has(const struct pt_ranges *s, int64_t off);

/* pt_ranges_until returns the first offset >= off that is not in the set. */
int64_t pt_ranges_until(const struct pt_ranges *s, int64_t off);

/* pt_ranges_next returns the first offset >= off that is in the set, or INT64_MAX. */
int64_t pt_ranges_next(const struct pt_ranges *s, int64_t off);

/* pt_ranges_count returns how many offsets of [from, to) are in the set. */
uint64_t pt_ranges_count(const struct pt_ranges *s, int64_t from, int64_t to);

#endif
