/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_LANE_H
#define PT_DATAPLANE_LANE_H
/*
 * A bounded one-way road for messages from one thread to one other: packets to a worker,
 * observations to a shard, buffers back to their owner. The ring is DPDK's rte_ring, of words of 8
 * bytes, written and read in place; what is added here is that every message lies in one piece:
 *
 *   |head|body......|head|body..|head|pad to the end of the memory| -> |head|body ...
 *
 * It never waits. When it is full the producer gets NULL, and its owner's policy applies. It needs
 * neither EAL nor huge pages.
 *
 *   producer: pt_lane_room, write, pt_lane_push        consumer: pt_lane_first, read, pt_lane_pop
 */
#include <stdint.h>

#include "dataplane/key.h"
#include "hw/memory.h"

struct pt_lane_head {
    uint32_t size; /* with this head and the body, bytes, multiple of 8 */
    uint32_t kind; /* the owner's */
    struct pt_key key;
};

_Static_assert(sizeof(struct pt_lane_head) % 8 == 0, "whole words");

#define PT_LANE_KIND_PAD UINT32_MAX /* used here */

struct pt_lane;

/* pt_lane_open: room_sz is a power of two, at least 4096; a message may have half of it. 0, -EINVAL
 * or -ENOMEM. mem is only used by open and close, so that both belong to one thread. */
int pt_lane_open(struct pt_mem *mem, uint32_t room_sz, struct pt_lane **ret_lane);
void pt_lane_close(struct pt_lane *l);

/* pt_lane_room returns a message of body_sz bytes with its size filled in, to be completed and
 * pushed before the next call; NULL: full. */
struct pt_lane_head *pt_lane_room(struct pt_lane *l, size_t body_sz);
void pt_lane_push(struct pt_lane *l);

/* pt_lane_first returns the oldest message, which stays until pt_lane_pop, or NULL: empty. */
const struct pt_lane_head *pt_lane_first(struct pt_lane *l);
void pt_lane_pop(struct pt_lane *l);

/* pt_lane_used_sz: bytes under way, about. Any thread. */
uint32_t pt_lane_used_sz(const struct pt_lane *l);
uint32_t pt_lane_room_sz(const struct pt_lane *l);

#endif
