/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_INTAKE_H
#define PT_DATAPLANE_INTAKE_H
/*
 * What a thread that takes frames does with each: decode it, put fragments together, count it, give
 * it its place in the run (key.h), and say which worker its connection belongs to. One intake a
 * thread: the reader of a replay, or a worker that polls ports. It may be opened and closed by
 * another.
 */
#include "dataplane/fragment.h"
#include "dataplane/key.h"
#include "dataplane/mirror.h"
#include "dataplane/packet.h"

#define PT_INPUT_MAX 1024 /* files or ports of one run */

/* The same of each input; what it counts adds up to the whole. */
struct pt_tap_stats {
    uint64_t kind[PT_PACKET_KIND_CNT];
    uint64_t payload_bytes; /* of TCP, copies made by the mirror included */
    uint64_t cut_frames;    /* of all kinds, shortened by the snap length */
    uint64_t cut_bytes;
};

struct pt_packet_stats {
    uint64_t frames;
    uint64_t bytes;     /* on the wire */
    uint64_t cut_bytes; /* of these, not captured */
    uint64_t kind[PT_PACKET_KIND_CNT];
    uint64_t tunnelled;
    struct pt_tap_stats tap[PT_INPUT_MAX];
};

struct pt_intake {
    struct pt_packet_stats stats;
    int64_t now_ns; /* packet time reached by TCP segments; never goes back */
    struct pt_mem mem;
    struct pt_fragments fragments;
    struct pt_mirrors mirrors;
};

/* A TCP segment on its way to its worker. One that was put together from fragments is at the packet
 * that made it whole. */
struct pt_taken {
    struct pt_segment seg;
    struct pt_packet_ref at;
    struct pt_key key;
    struct pt_datagram *whole; /* the payload lies in here; NULL: in the frame */
};

/* pt_intake_sz: memory that an intake may take. */
uint64_t pt_intake_sz(const struct pt_fragments_cfg *cfg);

/* 0 or -errno. */
int pt_intake_open(struct pt_intake *in, const struct pt_fragments_cfg *cfg);
/* pt_intake_close: also of one that was never opened: all zero. Nobody has a segment of it any
 * more. */
void pt_intake_close(struct pt_intake *in);

/* pt_intake_frame takes one frame of an input; order is its place in the run. True: *ret_t is a TCP
 * segment, to be given back by pt_taken_done when it is worked off. */
bool pt_intake_frame(struct pt_intake *in, const struct pt_frame *f, uint32_t input, uint64_t order,
                     struct pt_taken *ret_t);

/* pt_taken_done: by any thread. */
static inline void pt_taken_done(const struct pt_taken *t)
{
    if (t->whole)
        pt_datagram_done(t->whole);
}

/* pt_intake_finish: no frame will follow; fragments that wait are given up. */
void pt_intake_finish(struct pt_intake *in);

/* pt_intake_hash: the symmetric Toeplitz hash of a segment's addresses and ports, or addresses
 * only (hw/toeplitz.h), as a device with our key takes it. */
uint32_t pt_intake_hash(const struct pt_segment *seg, bool addresses_only);

/* pt_intake_owner: the worker [0, worker_cnt) that all segments of this connection go to, in either
 * direction. The same choice as that of a device with our hash key and table (hw/nic_plan.h). */
unsigned pt_intake_owner(const struct pt_segment *seg, unsigned worker_cnt);

#endif
