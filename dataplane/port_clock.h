/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_PORT_CLOCK_H
#define PT_DATAPLANE_PORT_CLOCK_H
/*
 * A device's clock as time of day. The device counts ticks of unknown length from an unknown start,
 * so its clock is read now and then beside two of the host: the monotonic one says how long a tick
 * is, over all the time since the first reading, and the time of day says when the last reading
 * was. A step of the time of day therefore moves the packets' time once, and never bends it.
 *
 * One clock a queue, written by the worker that polls it; no DPDK.
 */
#include <stdbool.h>
#include <stdint.h>

#define PT_PORT_CLOCK_NS 1000000000 /* between two readings */

struct pt_port_clock {
    uint64_t first_tick;
    int64_t first_mono_ns;
    uint64_t tick; /* of the last reading */
    int64_t mono_ns;
    int64_t real_ns;
    double ns_per_tick; /* 0: not known before the second reading */
};

/* pt_port_clock_init takes the first reading, pt_port_clock_read a later one: the device's ticks,
 * CLOCK_MONOTONIC and CLOCK_REALTIME of about the same moment. A reading in which one of the clocks
 * stands still or goes back is not used, except as the place where the time of day is. */
void pt_port_clock_init(struct pt_port_clock *c, uint64_t tick, int64_t mono_ns, int64_t real_ns);
void pt_port_clock_read(struct pt_port_clock *c, uint64_t tick, int64_t mono_ns, int64_t real_ns);

/* pt_port_clock_due: the last reading is about a second old. */
bool pt_port_clock_due(const struct pt_port_clock *c, int64_t mono_ns);

/* pt_port_clock_ns: nanoseconds since the epoch of a packet's tick, before or after the reading. */
int64_t pt_port_clock_ns(const struct pt_port_clock *c, uint64_t tick);

#endif
