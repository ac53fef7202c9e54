/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_CLOCK_H
#define PT_DATAPLANE_CLOCK_H
/*
 * By how much the clocks of captures differ that were recorded side by side (taps of several
 * brokers, the two fibres of one tap), as far as their packets prove it. Files are merged by time,
 * so a file whose clock is behind brings its packets too early: answers before their questions.
 *
 * Two facts bound the difference of two files:
 *  - cause before effect: bytes in the one that are acknowledged in the other were there before the
 *    acknowledgement. Each direction of a connection bounds it from one side;
 *  - a packet that is in both passed both taps at nearly the same time. With packets both ways the
 *    time between the taps bounds it, too.
 * A file is only moved if no difference at all is refuted by more than the slack; then by the
 * middle of the bounds. Bounds leave out the extreme sixteenth, since a packet that was lost to one
 * tap and sent again looks like an effect before its cause. A difference that changes while the
 * files run is not followed.
 *
 * Files that share no connection tell nothing of each other, so neither do the taps of different
 * clusters. The first file of those that are joined by connections is right, or those are that were
 * given (PT_CLOCK_GIVEN).
 *
 * Used before a run, by one thread; what it keeps is bounded (PT_CLOCK_ROW_MAX): of more, a sample
 * of the same stream positions in all files. Files in, the same answer out.
 */
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/packet.h"

#define PT_CLOCK_ROW_MAX (1u << 18)     /* 24 bytes each */
#define PT_CLOCK_SLACK_NS 1000000ll     /* less than this is the noise of time stamps */
#define PT_CLOCK_PAIRS_MIN 8u           /* fewer prove nothing */
#define PT_CLOCK_PACKETS_MAX (1u << 20) /* looked at in all files together */

enum pt_clock_how {
    PT_CLOCK_AS_RECORDED = 0,
    PT_CLOCK_GIVEN,    /* by the operator */
    PT_CLOCK_ESTIMATED /* differs, by the packets */
};

/* What is known of an input's clock. */
struct pt_clock {
    enum pt_clock_how how;
    int64_t offset_ns; /* to be added to the times of its packets */
    /* ESTIMATED only: */
    uint32_t against; /* the input that it was compared with */
    uint64_t pairs;   /* of packets that bound it */
    int64_t low_ns;   /* bounds of the offset; INT64_MIN, INT64_MAX: none */
    int64_t high_ns;
};

struct pt_clocks;

/* pt_clocks_open for input_cnt (up to 65536) inputs. 0 or -ENOMEM. */
int pt_clocks_open(uint32_t input_cnt, struct pt_clocks **ret_c);

/* pt_clocks_segment takes a segment of an input, in whatever order. */
void pt_clocks_segment(struct pt_clocks *c, uint32_t input, int64_t time_ns,
                       const struct pt_segment *seg);

/* pt_clocks_read gives it the first packets of a capture file, so many at most. A file that cannot
 * be read tells nothing. */
void pt_clocks_read(struct pt_clocks *c, uint32_t input, const char *path, uint64_t packet_max);

/* pt_clocks_solve fills clock[0, input_cnt). Those that are GIVEN stay as they are. */
void pt_clocks_solve(struct pt_clocks *c, struct pt_clock *clock);

void pt_clocks_close(struct pt_clocks *c);

#endif
