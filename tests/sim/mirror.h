/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_MIRROR_H
#define PT_TESTS_SIM_MIRROR_H
/*
 * A mirror port and what is wrong with it: what it is given as frames on the wire it writes as a
 * capture (nanosecond pcap) with losses, copies, disorder, cut frames and a clock of its own, and
 * it tells the oracle what was kept. The same seed always does the same.
 */
#include <stdio.h>

#include "tests/sim/oracle.h"

#define MIRROR_FRAME_MAX 9216u

struct mirror_cfg {
    double loss;       /* share of the frames, 0..1 */
    double burst;      /* that are lost in runs of this many on average, at least 1 */
    double copies;     /* share of the frames that come twice */
    double reorder;    /* share of the frames that come later, behind up to 8 others */
    double one_way;    /* share of the directions that are not mirrored at all */
    uint32_t snap_len; /* 0: whole frames */
    int64_t clock_ns;  /* what its clock is ahead */
    uint64_t seed;
};

struct mirror_late { /* a frame that waits */
    uint8_t data[MIRROR_FRAME_MAX];
    size_t len;
    unsigned behind; /* this many others; 0: none waits */
};

struct mirror {
    struct mirror_cfg cfg;
    FILE *f;
    struct oracle *oracle; /* NULL: nobody asks */
    uint64_t rng;
    bool off; /* not attached: nothing is seen */
    bool in_burst;
    struct mirror_late late;
    int64_t now_ns; /* of the last frame */
    uint64_t passed;
    uint64_t lost;
    uint64_t bytes; /* of the file */
};

/* mirror_open creates path; 0 or -errno. cfg NULL: a perfect one. oracle is borrowed. */
int mirror_open(struct mirror *m, const char *path, const struct mirror_cfg *cfg,
                struct oracle *oracle);
int mirror_close(struct mirror *m); /* 0, or -EIO when not all could be written */

/* What a frame carries, for the oracle: [off, off + len) of a direction, the last bytes of it. */
struct mirror_load {
    uint32_t dir;
    bool syn;
    uint64_t off;
    uint32_t len;
};

void mirror_frame(struct mirror *m, int64_t now_ns, const uint8_t *frame, size_t len,
                  const struct mirror_load *load);

#endif
