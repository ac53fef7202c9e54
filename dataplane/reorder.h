/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_REORDER_H
#define PT_DATAPLANE_REORDER_H
/*
 * Bytes of one direction that cannot come out yet, as a sorted list of pieces that do not overlap:
 *
 *      next         piece              piece
 *   ....|----gap----[data][miss]--gap--[data]
 *
 * A piece is what one segment added: its captured bytes, then those that the snap length took
 * (miss). Positions are stream positions (64 bits, the low 32 are the sequence number). What is
 * there stays: an overlapping part of a new segment is not taken, except that a new segment takes
 * the place of pieces that lie wholly within its captured bytes. So one segment always adds at most
 * one piece, and work and memory are bounded: a piece is charged PT_PIECE_CHARGE_MIN bytes at
 * least, which also bounds the length of the list that an insertion may have to walk.
 */
#include <stdbool.h>
#include <stdint.h>

#include "hw/memory.h"
#include "parser/packet_ref.h"

struct pt_piece {
    struct pt_piece *prev;
    struct pt_piece *next;
    uint64_t start;
    const uint8_t *data;
    uint32_t len;
    uint32_t miss;
    uint32_t ack; /* the bytes depend on no more of the other side than this, if has_ack */
    bool has_ack;
    int64_t time_ns; /* when it began to wait */
    struct pt_packet_ref at;
    size_t alloc_sz;
    uint8_t buf[];
};

struct pt_pieces {
    struct pt_piece *head;
    struct pt_piece *tail;
    uint64_t charged_sz;
};

#define PT_PIECE_CHARGE_MIN 1024u

/* What all directions of one core share. */
struct pt_store {
    struct pt_mem *mem;
    uint64_t store_max; /* charged bytes, all directions */
    uint64_t dir_max;   /* charged bytes, one direction */
    uint64_t charged_sz;
    uint64_t waiting_bytes; /* captured bytes in pieces */
};

/* What an insertion found; bytes are captured ones. */
struct pt_overlap {
    uint64_t refused; /* of the new segment: were there already */
    uint64_t ousted;  /* of pieces that gave place */
    uint64_t differ;  /* of both: not the same as what they met */
};

static inline uint64_t pt_piece_end(const struct pt_piece *p)
{
    return p->start + p->len + p->miss;
}

/* pt_store_add copies a segment that begins at new->start (fields start, data, len, miss, ack,
 * has_ack, time_ns, at) into list l. 0, or -ENOSPC with nothing changed when a bound or the memory
 * budget does not allow it; *ret_o says what met what. */
int pt_store_add(struct pt_store *st, struct pt_pieces *l, const struct pt_piece *new,
                 struct pt_overlap *ret_o);

/* pt_store_own_bound: it is list l's own bound that does not allow to add new, not what others
 * keep.
 */
bool pt_store_own_bound(const struct pt_store *st, const struct pt_pieces *l,
                        const struct pt_piece *new);

/* pt_store_limit: a segment that ended at end acknowledged ack, so no byte before end depends on
 * more. (A retransmission acknowledges more than its bytes depend on.) Called before the segment
 * itself is added; so acknowledgements never fall along the list. */
void pt_store_limit(struct pt_pieces *l, uint64_t end, uint32_t ack);

/* pt_store_trim: the bytes [from, from + len) at data came out past the list: what of it is before
 * their end goes. ret_o->ousted and differ say how much; refused is 0. */
void pt_store_trim(struct pt_store *st, struct pt_pieces *l, uint64_t from, const uint8_t *data,
                   uint64_t len, struct pt_overlap *ret_o);

/* pt_store_take takes the first piece out of the list; its owner frees it. */
struct pt_piece *pt_store_take(struct pt_store *st, struct pt_pieces *l);

/* pt_store_cut frees all pieces that begin at or behind end; returns their captured bytes. */
uint64_t pt_store_cut(struct pt_store *st, struct pt_pieces *l, uint64_t end);

void pt_store_free(struct pt_store *st, struct pt_piece *p); /* p may be NULL */

#endif
