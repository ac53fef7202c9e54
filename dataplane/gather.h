/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_GATHER_H
#define PT_DATAPLANE_GATHER_H
/*
 * What several workers observed, put into one order and given to the shard. Each worker has a lane
 * (lane.h) with messages in the order of their keys (key.h); the message with the lowest key of all
 * goes first. A lane that is empty holds the others up only as far as it may still bring something
 * earlier, so each worker also tells its frontier: nothing at or before that key will come.
 *
 * In a replay that is exact, and the sequence is the same at any number of workers. In a live run a
 * worker that does not speak is not waited for longer than wait_ns of wall time: then what came,
 * and comes, is taken until it speaks again, and what comes late from it is counted.
 */
#include <stdbool.h>

#include "dataplane/lane.h"
#include "verify/shard.h"

#define PT_GATHER_LANES_MAX 64

enum pt_gather_kind {
    PT_GATHER_OBS = 1,  /* body: observations */
    PT_GATHER_FRONTIER, /* no body: nothing at or before this key will come */
    PT_GATHER_END       /* no body: nothing will come */
};

struct pt_gather {
    struct pt_shard *shard;
    struct pt_lane *lane[PT_GATHER_LANES_MAX];
    struct pt_key frontier[PT_GATHER_LANES_MAX];
    bool ended[PT_GATHER_LANES_MAX];
    bool silent[PT_GATHER_LANES_MAX]; /* was waited for in vain, and has not spoken since */
    unsigned lane_cnt;
    int64_t wait_ns;   /* 0: for ever */
    int64_t since_ns;  /* held up since then, wall time; 0: not held up */
    struct pt_key at;  /* where the sequence stands */
    uint64_t late_cnt; /* messages whose place was passed already */
};

void pt_gather_init(struct pt_gather *g, struct pt_shard *shard, int64_t wait_ns);
void pt_gather_add(struct pt_gather *g, struct pt_lane *lane);

/* pt_gather_step gives the shard up to max messages, and returns how many; 0: nothing may go now.
 * wall_ns is any steady clock. */
unsigned pt_gather_step(struct pt_gather *g, unsigned max, int64_t wall_ns);

/* pt_gather_reached: up to where the sequence is complete, as far as lanes have told. */
struct pt_key pt_gather_reached(struct pt_gather *g);

/* pt_gather_ended: every lane has said PT_GATHER_END. */
bool pt_gather_ended(const struct pt_gather *g);

/* pt_gather_send puts a message of one worker into its lane; false: full. */
bool pt_gather_send(struct pt_lane *lane, enum pt_gather_kind kind, struct pt_key key,
                    const uint8_t *body, size_t body_sz);

#endif
