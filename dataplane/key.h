/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_KEY_H
#define PT_DATAPLANE_KEY_H
/*
 * The place of anything that happens in the one sequence of a run, so that what several workers
 * found can be put in order again, whatever their number and speed.
 *
 * time_ns is packet time as far as the run had got: it never goes back, also where a capture's
 * does. tie tells apart what has the same time: packets first, by their place in the merged order
 * of all taps (below 2^63), then what became due at that very moment (bit 63 set, then the number
 * of the first packet of the connection that waited).
 */
#include <stdbool.h>
#include <stdint.h>

struct pt_key {
    int64_t time_ns;
    uint64_t tie;
};

#define PT_KEY_DUE (1ull << 63)

#define PT_KEY_FIRST ((struct pt_key){ INT64_MIN, 0 })
#define PT_KEY_LAST ((struct pt_key){ INT64_MAX, UINT64_MAX })

static inline bool pt_key_before(struct pt_key a, struct pt_key b)
{
    return a.time_ns != b.time_ns ? a.time_ns < b.time_ns : a.tie < b.tie;
}

#endif
