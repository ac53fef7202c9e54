/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_STREAM_H
#define PT_DATAPLANE_STREAM_H
/*
 * TCP segments in, in-order bytes of both directions out. One bounded two-sided flow table a core.
 * A push takes one segment; pt_streams_next is then pulled until it says NONE, and every event is
 * handled before the next. In-order bytes are lent from the packet itself; only what comes out of
 * order is copied, within the budget.
 *
 * Promises:
 *  - bytes come out once, in order, per direction; a copy made by the mirror, a retransmission, a
 *    keep-alive and an overlap change nothing (overlapping bytes that differ from what still waits
 * are counted; which of the two comes out is not promised);
 *  - a hole is declared only on evidence (the other side acknowledged past it, FIN/RST, or the time
 * or space bound) and after a hold-off in packet time, so that reordering and acknowledgements that
 * the mirror delivers before their data cost nothing;
 *  - cause before effect: bytes of one direction come out only after the bytes that they
 * acknowledge in the other direction did, or were declared lost. So a request is always seen before
 * its response. A side of which nothing was seen is not waited for;
 *  - attach in mid-connection is normal: the first segment seen starts the direction, preceded by a
 *    hole of unknown length (len 0) if no SYN was seen; bytes that turn up before that start within
 *    the hold-off move it back;
 *  - a snap-length cut is a hole (PT_LOST_TRUNCATED) behind the bytes that are there;
 *  - sequence wrap, port reuse (SYN with another sequence on a live flow), RST, half-seen
 * connections and a direction that never appears all have a written behaviour in stream.c;
 *  - what comes out of a flow depends on the packets of that flow only, not on when those of others
 *    pass (as long as no bound is met), so it is the same at any number of workers.
 */
#include "dataplane/key.h"
#include "dataplane/packet.h"
#include "hw/memory.h"
#include "parser/observation.h"

struct pt_streams;

struct pt_streams_cfg {
    uint32_t flow_max;  /* connections at once; the longest idle one is closed when full; default 1M
                         */
    uint64_t store_max; /* bytes kept out of order, all flows; default 256 MiB */
    uint32_t store_flow_max; /* the same, one direction; default 8 MiB */
    int64_t hold_off_ns; /* wait this long in packet time before evidence of loss counts; default
                            200 ms */
    int64_t patience_ns; /* wait this long for what nobody acknowledged: a retransmission may come;
                            default 2 s, at least hold_off_ns */
    int64_t idle_ns; /* a flow silent for longer is closed; default 20 min (Kafka's own is 10) */
};

extern const struct pt_streams_cfg pt_streams_cfg_default;

enum pt_stream_kind {
    PT_STREAM_NONE,  /* nothing more from what was pushed */
    PT_STREAM_OPEN,  /* flow is new: the owner may set *user. Comes before a flow's first other
                        event, so that a flow without payload costs the owner nothing */
    PT_STREAM_BYTES, /* data/len in order from `side` */
    PT_STREAM_HOLE,  /* len bytes (0: unknown) of `side` will never come; reason */
    PT_STREAM_CLOSE  /* both sides are done, or the flow was evicted; *user must be given up now */
};

/* What a flow has lost so far, by side; without what the snap length cut. */
struct pt_stream_lost {
    uint64_t bytes[2];
    uint64_t holes;
};

struct pt_stream_event {
    enum pt_stream_kind kind;
    int side;            /* 0: endpoint a, 1: endpoint b */
    const uint8_t *data; /* PT_STREAM_BYTES only; borrowed until the next call */
    uint64_t len;
    enum pt_lost_reason reason;
    struct pt_key key;       /* place in the run of what made it come out: the packet pushed, or the
                                moment at which a wait was over; never goes back */
    struct pt_packet_ref at; /* packet that carried data; for a hole the packet behind it if one
                                waits, else, as for opens and closes, the flow's last */
    const struct pt_endpoint *a;
    const struct pt_endpoint *b;
    int initiator; /* side that sent the SYN, -1 not seen */
    bool one_way;  /* CLOSE: of a flow with payload only `side` was seen, which sent about len bytes
                    */
    uint64_t flow; /* names the flow: order of the packet that began it */
    const struct pt_stream_lost *lost;
    void **user; /* the owner's pointer of this flow, NULL at OPEN */
};

/*
 * Counters, one list. They only grow, but for waiting_bytes, which is a gauge (0 after the end). At
 * any time between two pushes: payload pushed (pay_len) = payload_bytes + copied_bytes
 *   payload_bytes = in_order_bytes + reordered_bytes + retransmitted_bytes + late_bytes +
 * stale_bytes
 *                 + waiting_bytes
 * and what came out as BYTES is in_order_bytes + reordered_bytes, as HOLE hole_bytes.
 */
#define PT_STREAM_COUNTERS(X)                                                                      \
    X(segments, "TCP segments pushed")                                                             \
    X(segments_copies, "of these, copies made by the mirror (same packet again)")                  \
    X(segments_refused, "of these, without a flow: nothing to start one with, or no room")         \
    X(payload_bytes, "TCP payload bytes in segments that are no copies")                           \
    X(in_order_bytes, "passed on straight from the packet")                                        \
    X(reordered_bytes, "passed on after waiting")                                                  \
    X(copied_bytes, "payload of copies made by the mirror")                                        \
    X(retransmitted_bytes, "already passed on or waiting")                                         \
    X(late_bytes, "came after they had been declared lost")                                        \
    X(stale_bytes,                                                                                 \
      "outside any window, of refused segments, or before the start of what is followed")          \
    X(waiting_bytes, "waiting now")                                                                \
    X(hole_bytes, "declared lost")                                                                 \
    X(holes, "holes declared (of known length)")                                                   \
    X(truncated_bytes, "of the bytes declared lost, cut by the snap length")                       \
    X(cut_short, "times that the store was full, so that something waiting was given up early")    \
    X(overlaps_differ, "overlapping bytes that are not the same")                                  \
    X(keepalives, "keep-alive probes")                                                             \
    X(flows, "connections seen")                                                                   \
    X(flows_empty, "of these, without payload")                                                    \
    X(flows_midstream, "of these, without a SYN")                                                  \
    X(flows_one_sided, "of these, with one direction only")                                        \
    X(flows_evicted, "closed because the table was full or they were idle")                        \
    X(resets, "connections ended by RST")

struct pt_stream_stats {
#define X(name, help) uint64_t name;
    PT_STREAM_COUNTERS(X)
#undef X
};

int pt_streams_open(struct pt_mem *mem, const struct pt_streams_cfg *cfg,
                    struct pt_streams **ret_s);
void pt_streams_close(struct pt_streams *s);

/* pt_streams_advance: packet time is time_ns now, also if the packets that show it belong to other
 * workers, or there are none. What became due comes out before anything else: pull the events. */
void pt_streams_advance(struct pt_streams *s, int64_t time_ns);

/* pt_streams_push takes one segment, whose time counts as for pt_streams_advance; its payload must
 * stay valid until pt_streams_next says NONE. */
void pt_streams_push(struct pt_streams *s, const struct pt_segment *seg,
                     const struct pt_packet_ref *at);

/* pt_streams_yield: the owner has no room for more. Up to flow_cnt flows that are not worth keeping
 * (flow.h) are ended, those that were idle longest; what is under way is heard out first. Between
 * two calls of pt_streams_next. False: there was none. */
bool pt_streams_yield(struct pt_streams *s, unsigned flow_cnt);

/* pt_streams_finish: no packet will follow. Everything that waits is resolved, every flow is
 * closed; pull the events as after a push. */
void pt_streams_finish(struct pt_streams *s);

/* pt_streams_next fills *ev and returns its kind. */
enum pt_stream_kind pt_streams_next(struct pt_streams *s, struct pt_stream_event *ev);

const struct pt_stream_stats *pt_streams_stats(const struct pt_streams *s);

#endif
