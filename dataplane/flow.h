/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_FLOW_H
#define PT_DATAPLANE_FLOW_H
/*
 * The table of connections: found by their two endpoints, from whichever side a segment comes, and
 * kept in the order in which they were last seen, so that the longest idle one is at hand. A flow
 * begins as one that nobody would miss; its user says when it has proven to be worth keeping. When
 * room is needed those that have not go first, so a flood of them cannot push out the others.
 * Bounded by flow_max and by the memory budget. It knows nothing of TCP: its user embeds struct
 * pt_flow as the first member of what it keeps for a connection. One table belongs to one core.
 *
 * A lookup costs one hash of each endpoint and, at a load below one, about one comparison. Nothing
 * is decided by the order of the buckets, so the hash changes no result.
 */
#include <stddef.h>
#include <stdint.h>

#include "hw/memory.h"
#include "parser/conn.h"

struct pt_flow {
    struct pt_endpoint a; /* sent the first segment that was seen */
    struct pt_endpoint b;
    uint32_t hash : 31;
    uint32_t worth : 1; /* row it is in */
    int64_t seen_ns;    /* time of the last touch, */
    uint64_t touch;     /* and its number */
    struct pt_flow *chain;
    struct pt_flow *newer;
    struct pt_flow *older;
};

struct pt_flows {
    struct pt_mem *mem;
    struct pt_flow **bucket;
    uint32_t bucket_cnt; /* power of two */
    uint32_t flow_cnt;
    uint32_t flow_max;
    size_t flow_sz;
    uint64_t touch_cnt;
    struct pt_flow_row {
        struct pt_flow *newest;
        struct pt_flow *oldest;
    } row[2]; /* by worth */
};

#define PT_FLOW_MAX (1u << 28) /* no table is larger: its buckets alone are 2 GiB then */

/* pt_flows_init: flow_max in [1, PT_FLOW_MAX], flow_sz >= sizeof(struct pt_flow) is what add
 * allocates. 0, -EINVAL or -ENOMEM. */
int pt_flows_init(struct pt_flows *t, struct pt_mem *mem, uint32_t flow_max, size_t flow_sz);

/* pt_flows_fini gives the buckets back; every flow must have been removed. */
void pt_flows_fini(struct pt_flows *t);

/* pt_flows_find returns the flow between two endpoints or NULL; *ret_side is the side that src is.
 */
struct pt_flow *pt_flows_find(const struct pt_flows *t, const struct pt_endpoint *src,
                              const struct pt_endpoint *dst, int *ret_side);

/* pt_flows_add makes a flow of zeroes with a = src, b = dst, which must not be in the table, as the
 * newest. NULL when the table is full or the budget spent. */
struct pt_flow *pt_flows_add(struct pt_flows *t, const struct pt_endpoint *src,
                             const struct pt_endpoint *dst, int64_t now_ns);

/* pt_flows_touch makes f the newest. now_ns never goes back. */
void pt_flows_touch(struct pt_flows *t, struct pt_flow *f, int64_t now_ns);

/* pt_flows_keep: f, which was touched last of all, is worth keeping from now on. */
void pt_flows_keep(struct pt_flows *t, struct pt_flow *f);

/* pt_flows_oldest returns the flow that was touched longest ago, or NULL. */
struct pt_flow *pt_flows_oldest(const struct pt_flows *t);

/* pt_flows_spare returns the flow to be given up first: the oldest of those that are not worth
 * keeping, else of the others; NULL: there is none. */
struct pt_flow *pt_flows_spare(const struct pt_flows *t);

/* pt_flows_remove takes f out and frees it. */
void pt_flows_remove(struct pt_flows *t, struct pt_flow *f);

#endif
