/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_STREAM_PVT_H
#define PT_DATAPLANE_STREAM_PVT_H
/*
 * What the sources of the stream stage share: stream.c (the whole, its clock and its loop),
 * stream_find.c (whose segment it is), stream_take.c (what it changes), stream_gap.c (what is
 * missing) and stream_step.c (what comes out next). The rules are
 * written at the top of stream.c.
 */
#include "dataplane/alarm.h"
#include "dataplane/flow.h"
#include "dataplane/reorder.h"
#include "dataplane/stream.h"

#define PT_AHEAD_MAX                                                                               \
    (1 << 30) /* the largest TCP window (RFC 7323): nothing valid is further ahead */
#define PT_BEHIND_MAX                                                                              \
    (64 << 20) /* a retransmission is not further behind: windows in use are smaller */
#define PT_LINGER_NS                                                                               \
    10000000000ll /* a closed flow's stragglers (FIN and its ACK again) come within 10 s */
#define PT_COPY_NS 10000000ll      /* the mirror's second copy comes within 10 ms ... */
#define PT_COPY_NO_ID_NS 1000000ll /* ... or 1 ms where the sender does not number its packets */
#define PT_RECENT_CNT 4            /* segments of a direction remembered for that */
#define PT_EVICT_TRIES 4           /* flows evicted to make room for one segment's */
#define PT_YIELD_FLOWS 16u         /* flows ended together for what they hold */
#define PT_WORTH_LEN 32768         /* of one side alone without a hole: chance does not do that */

struct pt_recent {
    uint32_t hash; /* of all that a copy has in common; 0: none */
    uint32_t time; /* in units of 1024 ns */
};

/* One direction. Made by the first segment of its side. Positions: see reorder.h. */
struct pt_dir {
    struct pt_pieces wait; /* what cannot come out yet */
    uint64_t next;         /* all before it came out or was declared lost */
    uint64_t high;         /* all before it was sent, by the sender's own sequence numbers */
    uint64_t fin;          /* where the data ends, if has_fin */
    uint64_t proven;       /* acknowledged by the other side more than a hold-off ago */
    uint64_t proof;        /* acknowledged at proof_ns: proven a hold-off later, if above that */
    uint64_t sent;         /* known as sent at sent_ns, if above next */
    uint64_t excused;   /* next + 1: an acknowledged last byte that may be a FIN; not waited for */
    uint64_t hole_from; /* the last hole, to tell late bytes from retransmitted ones */
    uint64_t hole_end;
    int64_t start_ns;
    int64_t proof_ns;
    int64_t sent_ns;
    uint32_t start;    /* sequence number of the first byte, if has_syn */
    uint32_t ack_said; /* highest acknowledgement that this side sent, if has_ack_said */
    uint32_t ack_out;  /* highest one of the bytes that came out, if has_ack_out */
    uint32_t stray;    /* end of the last segment outside the window, if has_stray */
    struct pt_recent recent[PT_RECENT_CNT];
    uint8_t recent_idx;
    bool has_syn;
    bool has_fin;
    bool has_ack_said;
    bool has_ack_out;
    bool has_stray;
    bool held;        /* the start may still move back: nothing comes out */
    bool lead;        /* the hole of unknown length is still to be told */
    bool proof_twice; /* proven was above next already, before it rose last */
};

struct pt_conv {         /* a connection */
    struct pt_flow flow; /* first */
    struct pt_alarm alarm;
    struct pt_dir *dir[2];
    void *user;
    struct pt_stream_lost lost;
    struct pt_packet_ref last; /* last packet of this flow */
    int64_t tick;              /* packet time as far as this flow has got */
    int64_t end_ns;            /* when it is over (or forgotten, if closed), 0: not known */
    struct pt_conv *ready_next;
    int8_t initiator;
    bool ready;
    bool opened;     /* OPEN came out */
    uint8_t payload; /* sides that sent some: bits 1 << side */
    bool rst;
    bool ending; /* resolve all that waits, then close */
    bool closed; /* CLOSE came out; kept for stragglers */
    bool gone;   /* do not keep it once it is closed */
    bool hurry;  /* the store is full: give up one wait */
};

/* In-order bytes of the segment in hand, lent on. */
struct pt_direct {
    struct pt_conv *conv; /* NULL: none */
    int side;
    uint64_t start; /* at or behind next; a gap before it is given up */
    const uint8_t *data;
    uint32_t len;
    uint32_t miss;
    uint32_t ack;
    bool has_ack;
};

struct pt_streams {
    struct pt_streams_cfg cfg;
    struct pt_mem *mem;
    struct pt_flows flows;
    struct pt_alarms alarms;
    struct pt_store store;
    struct pt_stream_stats stats;
    int64_t now_ns;        /* packet time; never goes back */
    struct pt_key reason;  /* what is heard out now became ready by this; never goes back */
    struct pt_segment seg; /* in hand, if has_seg */
    struct pt_packet_ref at;
    bool has_seg;
    bool finishing;
    int evict_cnt; /* flows evicted for the segment in hand */
    struct pt_direct direct;
    struct pt_piece *spent; /* its bytes are lent until the next call */
    struct pt_conv *ready_head;
    struct pt_conv *ready_tail;
};

/* Position of sequence number seq, the one nearest to pos. */
static inline uint64_t pt_seq_at(uint64_t pos, uint32_t seq)
{
    return pos + (uint64_t)(int64_t)(int32_t)(seq - (uint32_t)pos);
}

/* Sequence number of the first payload byte. */
static inline uint32_t pt_seq_of_data(const struct pt_segment *seg)
{
    return seg->seq + ((seg->flags & PT_TCP_SYN) ? 1 : 0);
}

/* The distance from next to seq and the segment's end are within what a window allows. */
static inline bool pt_seq_fits(const struct pt_dir *d, const struct pt_segment *seg)
{
    int64_t at = (int32_t)(pt_seq_of_data(seg) - (uint32_t)d->next);

    return at >= -PT_BEHIND_MAX && at + seg->pay_len + seg->pay_missing <= PT_AHEAD_MAX;
}

/* How far the one side of a flow got that was seen, holes included. */
static inline uint64_t pt_dir_carried(const struct pt_dir *d)
{
    uint64_t len = d->next - ((1ull << 32) + d->start);

    return len > INT64_MAX ? 0 : len; /* its start was moved back, and nothing came of it */
}

/* All that its sender had to say came out or was declared lost. */
static inline bool pt_dir_past_fin(const struct pt_dir *d)
{
    return d->has_fin && d->next >= d->fin;
}

/* stream.c */
void pt_conv_ready(struct pt_streams *s, struct pt_conv *c);  /* it may have something to tell */
void pt_conv_remove(struct pt_streams *s, struct pt_conv *c); /* frees it; not while it is ready */

/* stream_find.c: pt_streams_find returns the connection of the segment in hand and its side, whose
 * direction is there. NULL: it is refused or, if *ret_again, flows that are ready now must be heard
 * out first. */
struct pt_conv *pt_streams_find(struct pt_streams *s, int *ret_side, bool *ret_again);

/* stream_take.c: pt_streams_take works the segment in hand into its flow. true: done; false: flows
 * that are ready now must be heard out first, then again. */
bool pt_streams_take(struct pt_streams *s);

/* stream_gap.c */
/* A gap that stands before what comes out next: [next, end). */
struct pt_gap {
    uint64_t end;   /* 0: there is none, or nothing proves it yet */
    int64_t due_ns; /* when to look again; INT64_MIN: it counts now */
};

/* pt_conv_acked: position up to which the other side acknowledged `side`, 0 if not known. */
uint64_t pt_conv_acked(const struct pt_conv *c, int side);
/* pt_gap_find: the gap before what comes out next of `side`. */
struct pt_gap pt_gap_find(const struct pt_streams *s, const struct pt_conv *c, int side);
/* pt_gap_find_last: the same when there is no more waiting: all known to have been sent and not
 * here. */
struct pt_gap pt_gap_find_last(const struct pt_conv *c, int side);
/* pt_gap_without_fin: where the lost bytes of a gap that ends at end and has nothing behind it end.
 */
uint64_t pt_gap_without_fin(const struct pt_conv *c, int side, uint64_t end);
/* pt_gap_roll: what was acknowledged a hold-off ago is proven now. true: that changed something. */
bool pt_gap_roll(const struct pt_streams *s, struct pt_conv *c, int side);
/* pt_gap_note begins the waits for what is missing after the flow was heard out. */
void pt_gap_note(struct pt_conv *c, int side);

/* stream_step.c */
/* pt_conv_step fills *ev with the next event of c or returns NONE. */
enum pt_stream_kind pt_conv_step(struct pt_streams *s, struct pt_conv *c,
                                 struct pt_stream_event *ev);
/* pt_conv_settle sets what c waits for after it was heard out, and its alarm. */
void pt_conv_settle(struct pt_streams *s, struct pt_conv *c);
/* pt_conv_blocked: bytes of `side` that acknowledge ack must wait for the other side's. */
bool pt_conv_blocked(const struct pt_conv *c, int side, bool has_ack, uint32_t ack);

#endif
