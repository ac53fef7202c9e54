/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_BACKOFF_H
#define PT_DATAPLANE_BACKOFF_H
/*
 * What a thread does while it has nothing to do: look again a few times, let others run, then sleep
 * for a moment, at most PT_BACKOFF_NS. Zeroed by whoever found something.
 */
#include <sched.h>
#include <time.h>

#define PT_BACKOFF_LOOKS 64u
#define PT_BACKOFF_YIELDS 16u
/* A lane of 1 MiB takes longer to fill at 10 Gbit/s; a port's ring of 1024 packets of 1500 bytes
 * lasts 1.2 ms. */
#define PT_BACKOFF_NS 100000

struct pt_backoff {
    unsigned looks;
};

static inline void pt_backoff_wait(struct pt_backoff *b)
{
    const struct timespec pause = { .tv_nsec = PT_BACKOFF_NS };

    if (b->looks < PT_BACKOFF_LOOKS)
        __builtin_ia32_pause();
    else if (b->looks < PT_BACKOFF_LOOKS + PT_BACKOFF_YIELDS)
        sched_yield();
    else
        nanosleep(&pause, NULL);
    b->looks += b->looks < PT_BACKOFF_LOOKS + PT_BACKOFF_YIELDS;
}

#endif
