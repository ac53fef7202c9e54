/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/port_clock.h"

void pt_port_clock_init(struct pt_port_clock *c, uint64_t tick, int64_t mono_ns, int64_t real_ns)
{
    *c = (struct pt_port_clock){
        .first_tick = tick,
        .first_mono_ns = mono_ns,
        .tick = tick,
        .mono_ns = mono_ns,
        .real_ns = real_ns,
    };
}

void pt_port_clock_read(struct pt_port_clock *c, uint64_t tick, int64_t mono_ns, int64_t real_ns)
{
    if (tick > c->first_tick && mono_ns > c->first_mono_ns)
        c->ns_per_tick = (double)(mono_ns - c->first_mono_ns) / (double)(tick - c->first_tick);
    c->tick = tick;
    c->mono_ns = mono_ns;
    c->real_ns = real_ns;
}

bool pt_port_clock_due(const struct pt_port_clock *c, int64_t mono_ns)
{
    return mono_ns - c->mono_ns >= PT_PORT_CLOCK_NS;
}

int64_t pt_port_clock_ns(const struct pt_port_clock *c, uint64_t tick)
{
    /* The difference is at most some seconds, so that a double holds its nanoseconds exactly. */
    return c->real_ns + (int64_t)((double)(int64_t)(tick - c->tick) * c->ns_per_tick);
}
