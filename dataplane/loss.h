/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_LOSS_H
#define PT_DATAPLANE_LOSS_H
/*
 * The loss story: when, where and in what pieces TCP bytes are missing, so that a network engineer
 * can see what the tap suffers from. Each worker tells its own of what its streams say (holes,
 * copies, closed connections); the stories of all workers are then put into one. A run without loss
 * pays nothing for it.
 *
 * It is a plain value of fixed size, and what it says does not depend on the order in which it was
 * told or put together: sums, extremes, the worst connections by exact figures, slices of time
 * whose width only depends on the span that they have to cover, and a sample of moments that is
 * chosen by a hash. So a report is the same at any number of workers.
 *
 *   slices    time cut into at most PT_LOSS_SLICE_CNT equal parts, 2^-9 s * 2^k wide
 *   moments   stretches of 10 ms in which something was lost: on one connection or on several? Of
 *             more than PT_LOSS_MOMENT_CNT those with the lowest hashes are kept
 *   worst     the connections with the most bytes lost
 *   one_way   the connections with the most bytes of which one direction was never seen
 */
#include "dataplane/intake.h"
#include "dataplane/stream.h"

#define PT_LOSS_SLICE_CNT 60
#define PT_LOSS_SLICE_MIN_NS 1953125ll /* 2^-9 s, so that long slices are whole seconds */
#define PT_LOSS_MOMENT_NS 10000000ll   /* a full buffer of a switch drops for about that long */
#define PT_LOSS_MOMENT_CNT 512
#define PT_LOSS_WORST_CNT 16

/* Sizes of holes: name and the most bytes of it. One Ethernet segment carries up to 1460. */
#define PT_LOSS_SIZE_LIST(X)                                                                       \
    X(ONE, "one segment", 1460)                                                                    \
    X(FEW, "up to 10 segments", 14600)                                                             \
    X(MANY, "up to 64 KiB", 65536)                                                                 \
    X(LONG, "up to 1 MiB", 1048576)                                                                \
    X(HUGE, "more", UINT64_MAX)

enum pt_loss_size {
#define X(name, text, max) PT_LOSS_##name,
    PT_LOSS_SIZE_LIST(X)
#undef X
            PT_LOSS_SIZE_CNT
};

struct pt_loss_sum {
    uint64_t holes;
    uint64_t bytes;
};

struct pt_loss_tap { /* by input */
    struct pt_loss_sum lost;
    uint64_t copies; /* segments that the mirror brought again */
    uint64_t copied_bytes;
};

struct pt_loss_cluster { /* by enum pt_cluster, those of neither last */
    struct pt_loss_sum lost;
    uint64_t connections; /* that lost something */
    uint64_t one_way;     /* with payload, and one direction never seen */
    uint64_t one_way_bytes;
};

struct pt_loss_conn {
    uint64_t flow;        /* names the connection in this run */
    struct pt_endpoint a; /* a is the client, as far as the SYN or the port numbers tell */
    struct pt_endpoint b;
    uint64_t bytes[2]; /* worst: lost of what a and b sent; one_way: carried */
    uint64_t holes;
    int64_t last_ns; /* packet time of the last of it */
    uint8_t cluster;
};

struct pt_loss_top {
    struct pt_loss_conn conn[PT_LOSS_WORST_CNT]; /* in no order until pt_loss_end */
    uint32_t conn_cnt;
};

struct pt_loss_moment {
    uint64_t hash; /* of the time; one to one */
    uint64_t flow; /* the first connection that lost */
    uint64_t holes;
    bool shared; /* others did, too */
};

struct pt_loss {
    struct pt_loss_sum lost; /* not seen */
    struct pt_loss_sum cut;  /* cut off by the snap length */
    struct pt_loss_sum size[PT_LOSS_SIZE_CNT];
    struct pt_loss_cluster cluster[PT_CLUSTER_CNT + 1];
    struct pt_loss_tap tap[PT_INPUT_MAX];
    struct pt_loss_top worst;
    struct pt_loss_top one_way;
    struct pt_loss_moment moment[PT_LOSS_MOMENT_CNT]; /* by hash */
    uint32_t moment_cnt;
    /* Slice i begins at (slice_from + i) * (PT_LOSS_SLICE_MIN_NS << slice_shift). */
    struct pt_loss_sum slice[PT_LOSS_SLICE_CNT][PT_CLUSTER_CNT + 1];
    uint32_t slice_cnt;
    unsigned slice_shift;
    int64_t slice_from;
    int64_t from_ns; /* packet time of the first and last TCP segment, if any was seen */
    int64_t to_ns;
    bool any;
};

/* What it looks like, for a person: code and words. */
#define PT_LOSS_SIGN_LIST(X)                                                                       \
    X(SNAP_LENGTH, "snap_length",                                                                  \
      "Packets are cut off: the snap length (or the packet broker's slicing) is too short. "       \
      "Capture whole packets (tcpdump -s 0).")                                                     \
    X(ONE_DIRECTION, "one_direction",                                                              \
      "Of many connections only one direction is there: an asymmetric mirror. Mirror both "        \
      "receive and transmit of the brokers' ports, or give the other fibre's file as well.")       \
    X(TAP_OVERLOADED, "tap_overloaded",                                                            \
      "Many connections lose at the same moments: the tap itself drops, in bursts. A mirror port " \
      "with more traffic than it can carry, or a capturing host that does not keep up.")           \
    X(ONE_CONNECTION, "one_connection",                                                            \
      "Nearly all loss is on one connection: a part of its path is not mirrored (a member of a "   \
      "bundle, a second path), rather than a tap that is too slow.")                               \
    X(SCATTERED, "scattered",                                                                      \
      "Single losses at unrelated moments: a mirror that is close to its limit, or bit errors on " \
      "the way to the capturing host.")                                                            \
    X(MIRRORED_TWICE, "mirrored_twice",                                                            \
      "Many packets arrive twice: they pass two mirrored ports or VLANs. Harmless here, but it "   \
      "doubles the load on the mirror port.")

enum pt_loss_sign {
#define X(name, code, text) PT_LOSS_SIGN_##name,
    PT_LOSS_SIGN_LIST(X)
#undef X
            PT_LOSS_SIGN_CNT
};

/* pt_loss_segment: a TCP segment of the run passed at time_ns. */
static inline void pt_loss_segment(struct pt_loss *l, int64_t time_ns)
{
    if (!l->any || time_ns < l->from_ns)
        l->from_ns = time_ns;
    if (!l->any || time_ns > l->to_ns)
        l->to_ns = time_ns;
    l->any = true;
}

/* pt_loss_copy: a segment of this input was a copy made by the mirror, with so many bytes. */
void pt_loss_copy(struct pt_loss *l, uint32_t input, uint64_t bytes);

/* pt_loss_event takes PT_STREAM_HOLE and PT_STREAM_CLOSE of a connection of this cluster. */
void pt_loss_event(struct pt_loss *l, uint8_t cluster, const struct pt_stream_event *ev);

/* pt_loss_add adds another worker's story. */
void pt_loss_add(struct pt_loss *l, const struct pt_loss *other);

/* pt_loss_end: the story is whole. Slices then cover all of the capture, the connections are in
 * order, the worst first. */
void pt_loss_end(struct pt_loss *l);

/* pt_loss_shared counts holes in the moments that were kept, and those of them at whose moment
 * other connections lost something, too. */
void pt_loss_shared(const struct pt_loss *l, uint64_t *ret_holes, uint64_t *ret_shared);

/* pt_loss_signs says what it looks like: bits 1 << enum pt_loss_sign; 0: there is nothing to say.
 */
unsigned pt_loss_signs(const struct pt_loss *l, const struct pt_packet_stats *packets,
                       const struct pt_stream_stats *streams);

#endif
