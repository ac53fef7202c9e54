/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_FRAME_H
#define PT_PARSER_FRAME_H
/*
 * Cuts one direction of a connection into frames, and a frame into what its body is made of. Bytes
 * come in any pieces and with holes; the caller pulls events until a piece is used up:
 *
 *   pt_frame_feed / pt_frame_hole -> { pt_frame_next -> event, answer ... } until it returns false
 *
 *   size 4 | header | body: fields ... | records: entry, entry, ... | fields ... | next size 4
 *
 * A frame's size is an anchor: the next frame begins there, whatever is lost before. In the same
 * way the end of a records field and the end of an entry are anchors. So a hole costs within an
 * entry whose size is known       that entry, over a boundary within a records field    the rest of
 * that field, in other bytes of a body                  the rest of that body, over the boundary
 * between frames          the step: the start of each later piece, and for a while every place that
 * may hold a size, is then offered to the caller as a possible frame start. Behind a hole in a
 * records field the caller may have the next batch looked for (pt_frame_find), and behind one that
 * costs the rest of a body be given what is left of the frame (pt_frame_tail).
 *
 * Bytes are read in place. Only what must be contiguous and lies in several pieces is copied, into
 * one buffer from the budget, which is given back when it is empty. Views of an event are valid
 * until the next call. One owner, no threads.
 */
#include "hw/memory.h"
#include "parser/observation.h"
#include "parser/walk.h"

struct pt_frame_cfg {
    uint32_t frame_max;  /* a size above this is not believed */
    uint32_t gather_max; /* an entry larger than this is not gathered: PT_FRAME_ENTRY_OVERSIZE */
};

/* Written by all directions of one parser. */
struct pt_frame_counts {
    uint64_t frame_bytes;    /* passed in step */
    uint64_t unframed_bytes; /* passed out of step */
    uint64_t frames;         /* size fields believed */
    uint64_t resyncs;        /* back in step after bytes were passed out of step */
    uint64_t memory_refused;
};

enum pt_frame_event_kind {
    PT_FRAME_TRY,   /* out of step; bytes may be a frame's start. Answer: pt_frame_lock, _drop or
                       _want; without an answer the rest of the piece is passed over */
    PT_FRAME_HEAD,  /* bytes: what stands behind the size, frame_left in all. Answer: pt_frame_body,
                       _want  or _unlock; without an answer the frame is skipped by its size */
    PT_FRAME_FIELD, /* walk says what */
    PT_FRAME_ENTRY, /* bytes: a whole entry of the records field */
    PT_FRAME_ENTRY_OVERSIZE, /* bytes: the first of an entry that is too large to be gathered */
    PT_FRAME_ENTRY_HEAD,     /* bytes: the first of an entry; the rest is not wanted (heads_only) */
    PT_FRAME_ENTRY_PARTIAL,  /* the records field ends within its last entry; bytes: its
                                prefix, if that is there */
    PT_FRAME_ENTRY_BAD,      /* entry_len is impossible: the rest of the field cannot be read */
    PT_FRAME_ENTRY_LOST,     /* a hole in one entry; bytes: what was seen in front of the hole */
    PT_FRAME_RECORDS_LOST,   /* a hole: the rest of the records field from here on; bytes as above.
                                Answer: pt_frame_find */
    PT_FRAME_ENTRY_FOUND, /* bytes: what may be a whole batch behind a hole. Answer: pt_frame_found
                             if it is one; without an answer the search goes on */
    PT_FRAME_RECORDS_END, /* only behind a field that has bytes */
    PT_FRAME_BODY_END,    /* trailing: bytes behind the last field */
    PT_FRAME_BODY_BAD,    /* the rest of the body is skipped; status says why */
    PT_FRAME_BODY_LOST,   /* a hole: the rest of the body is not read. Answer: pt_frame_tail */
    PT_FRAME_TAIL,        /* bytes: all that is left of the frame, or nothing. Answer:
                             pt_frame_rejoin; without an answer it is skipped */
    PT_FRAME_HEAD_LOST,   /* a hole in the header: the frame is skipped by its size */
    PT_FRAME_UNLOCKED     /* out of step from here on: a hole, or an impossible size */
};

struct pt_frame_event {
    enum pt_frame_event_kind kind;
    enum pt_status status;
    enum pt_lost_reason reason; /* of the hole, where there is one */
    struct pt_packet_ref at;    /* packet with the first of bytes (TRY, HEAD: of the frame) */
    struct pt_view bytes;
    struct pt_walk_event walk;
    uint32_t frame_left; /* bytes of the frame from bytes on */
    uint32_t trailing;
    bool start;  /* TRY: at the start of a piece, or by pt_frame_hop */
    bool last;   /* TRY: no more bytes will come, pt_frame_want is no answer */
    bool landed; /* RECORDS_LOST: the last entry, by its size, ends with the field */
};

/* Bytes out of step in which a frame is looked for everywhere: behind a loss the next one is not
 * farther, but in a large frame, and what follows that mostly begins a piece. */
#define PT_FRAME_SEARCH_MAX (1u << 20)

/* Brokers may write a response in many small segments. */
#define PT_FRAME_MARKS 16

struct pt_frame_mark { /* which packet gave the gathered bytes from off on */
    uint32_t off;
    struct pt_packet_ref at;
};

struct pt_frame {
    const struct pt_frame_cfg *cfg;
    struct pt_mem *mem;
    struct pt_frame_counts *counts;

    const uint8_t *at; /* the piece: what is left of it */
    const uint8_t *end;
    struct pt_packet_ref piece_at;
    uint64_t hole_len;
    bool hole_unknown;
    enum pt_lost_reason hole_reason;

    uint8_t *gather; /* [gather_off, gather_end) stand in front of at */
    uint32_t gather_sz;
    uint32_t gather_off;
    uint32_t gather_end;
    uint32_t topped; /* bytes at the end of gather that the present piece gave */
    uint32_t mark_cnt;
    struct pt_frame_mark mark[PT_FRAME_MARKS]; /* the first, and ... */
    struct pt_frame_mark *more;                /* ... the rest, if mark_all */
    uint32_t more_max;

    uint8_t state;
    bool try_here;   /* out of step: a frame may start at look ... */
    bool start;      /* ... where a piece does, too */
    bool first;      /* a piece starts at pos */
    bool waiting;    /* somebody asked for more bytes than there are */
    bool passed;     /* bytes were passed out of step */
    bool mark_all;   /* of what is gathered every packet matters: it may be a whole frame */
    bool early;      /* a hole waits until the bytes in front of it are used up */
    bool heads_only; /* the caller's: of entries that begin from now on only the first
                        PT_BATCH_HEADER_SZ bytes are wanted */
    uint32_t eaten;  /* bytes of the last event, consumed at the next call */
    uint32_t want;
    uint32_t look;     /* out of step: the place that is offered, behind pos */
    uint32_t hop;      /* behind pos, too: see pt_frame_hop; 0: none */
    uint32_t search;   /* what is left of PT_FRAME_SEARCH_MAX; the caller may set it at first */
    uint32_t size_min; /* below it a size is not believed */
    uint64_t pos;      /* stream position behind everything consumed */
    uint64_t frame_off;
    uint64_t frame_end;
    uint64_t records_end;
    uint64_t entry_end;
    struct pt_packet_ref frame_at;
    struct pt_walk walk;
};

/* pt_frame_init starts out of step at position 0. cfg and counts are borrowed. */
void pt_frame_init(struct pt_frame *f, struct pt_mem *mem, const struct pt_frame_cfg *cfg,
                   struct pt_frame_counts *counts);

/* pt_frame_fini gives the buffer back and returns how many bytes belong to a frame that is not
 * complete (they are then taken out of counts->frame_bytes). */
uint64_t pt_frame_fini(struct pt_frame *f);

/* pt_frame_feed hands over the next in-order bytes; the ones before must be used up. */
void pt_frame_feed(struct pt_frame *f, const uint8_t *data, size_t len,
                   const struct pt_packet_ref *at);

/* pt_frame_hole says that the next len bytes are missing; 0: an unknown number. */
void pt_frame_hole(struct pt_frame *f, uint64_t len, enum pt_lost_reason reason,
                   const struct pt_packet_ref *at);

/* pt_frame_next returns false when everything handed over is used up. */
bool pt_frame_next(struct pt_frame *f, struct pt_frame_event *ev);

/* Answers to PT_FRAME_TRY and PT_FRAME_HEAD. */

/* pt_frame_want asks for the same event with at least len contiguous bytes (for HEAD: at most
 * frame_left; more than PT_FRAME_WANT_MAX is refused like no answer). */
#define PT_FRAME_WANT_MAX 65536u
void pt_frame_want(struct pt_frame *f, uint32_t len);

/* pt_frame_want_whole asks for PT_FRAME_HEAD with all of the frame; false: that is more than
 * gather_max. */
bool pt_frame_want_whole(struct pt_frame *f);

/* pt_frame_lock: a frame starts at the first of the bytes offered. */
void pt_frame_lock(struct pt_frame *f);

/* pt_frame_drop passes over len bytes; what follows is offered as a frame's start. */
void pt_frame_drop(struct pt_frame *f, uint32_t len);

/* pt_frame_hop: if len bytes are passed over, what follows may be a frame's start as if a piece
 * began there. Other places before it are offered as well. */
void pt_frame_hop(struct pt_frame *f, uint64_t len);

/* pt_frame_body walks the body by its layout, head_sz bytes behind the size. */
void pt_frame_body(struct pt_frame *f, uint32_t head_sz, const struct pt_layout *layout);

/* pt_frame_skip, after PT_FRAME_FIELD: the rest of the body is not wanted, and gives no event. */
void pt_frame_skip(struct pt_frame *f);

/* pt_frame_find, after PT_FRAME_RECORDS_LOST, or another event of an entry: what looks like a batch
 * of magic 2 is to be offered.
 */
void pt_frame_find(struct pt_frame *f);

/* pt_frame_found, after PT_FRAME_ENTRY_FOUND: it is one, and the entries go on behind it. */
void pt_frame_found(struct pt_frame *f);

/* pt_frame_tail, after PT_FRAME_BODY_LOST: what stands behind the last hole in this frame is to be
 * given as a whole; nothing, if that is more than gather_max. */
void pt_frame_tail(struct pt_frame *f);

/* pt_frame_rejoin, after PT_FRAME_TAIL: skip bytes further on the body goes on as *walk says. */
void pt_frame_rejoin(struct pt_frame *f, uint32_t skip, const struct pt_walk *walk);

/* pt_frame_unlock says that no frame starts here after all. Also valid after BODY_BAD. */
void pt_frame_unlock(struct pt_frame *f);

/* pt_frame_in_step tells whether frame boundaries are known; pt_frame_at_head, whether a size was
 * read and its header was not. */
bool pt_frame_in_step(const struct pt_frame *f);
bool pt_frame_at_head(const struct pt_frame *f);

#endif
