/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_SLOTS_H
#define PT_VERIFY_SLOTS_H
/*
 * The records of one log by offset, in chunks of 256, sorted, sparse. A slot says what the offset
 * holds; who told so first is its `evidence`, an index that the log gives meaning to. Owned by one
 * log.
 */
#include <stddef.h>
#include <stdint.h>

#include "hw/memory.h"

#define PT_CHUNK_SLOTS 256

/* State of a slot: what the offset holds, how its batch marked it, where it was seen, and what a
 * read_committed response said of its transaction. */
#define PT_SLOT_EMPTY 0x00u
#define PT_SLOT_DATA 0x01u
#define PT_SLOT_CONTROL 0x02u
#define PT_SLOT_KIND 0x03u
#define PT_SLOT_COMMITTED 0x04u
#define PT_SLOT_ABORTED 0x08u
#define PT_SLOT_PRODUCED 0x10u
#define PT_SLOT_FETCHED 0x20u
#define PT_SLOT_LOG_APPEND 0x40u
#define PT_SLOT_TXN 0x80u
/* A consumer got it, or all replicas have acknowledged it: this record was committed here. A high
 * watermark alone does not tell whose record it counts, once the leader has changed. */
#define PT_SLOT_SURE 0x100u
#define PT_SLOT_READ 0x200u /* a consumer got it */
/* What was seen at this offset contradicts itself, and that is settled: nothing changes it. */
#define PT_SLOT_DISPUTED 0x400u
/* It was certified absent since: nobody is given it any more. */
#define PT_SLOT_GONE 0x800u
/* The leader that wrote it was seen to go on after the high watermark had passed it. */
#define PT_SLOT_STANDS 0x1000u
#define PT_SLOT_KEEP                                                                               \
    (PT_SLOT_COMMITTED | PT_SLOT_ABORTED | PT_SLOT_SURE | PT_SLOT_READ | PT_SLOT_GONE |            \
     PT_SLOT_STANDS)
#define PT_SLOT_SEEN (PT_SLOT_PRODUCED | PT_SLOT_FETCHED)

struct pt_slot {
    uint64_t content;
    int64_t timestamp_ms;
    uint32_t key;
    uint32_t value;
    uint32_t headers;
    uint32_t evidence;
};

struct pt_chunk {
    int64_t first; /* offset of slot[0], a multiple of PT_CHUNK_SLOTS */
    uint16_t state[PT_CHUNK_SLOTS];
    struct pt_slot slot[PT_CHUNK_SLOTS];
};

struct pt_slots {
    struct pt_mem *mem;
    struct pt_chunk **chunk;
    size_t cnt;
    size_t cap;
    size_t hint; /* chunk of the last look-up */
};

void pt_slots_init(struct pt_slots *s, struct pt_mem *mem);
void pt_slots_fini(struct pt_slots *s);

/* pt_slots_get returns the slot of off and its state, or NULL if it is empty. */
struct pt_slot *pt_slots_get(struct pt_slots *s, int64_t off, uint16_t **ret_state);

/* pt_slots_make is pt_slots_get that makes room for off where there is none (its state may be
 * EMPTY). NULL: memory refused. off >= 0. */
struct pt_slot *pt_slots_make(struct pt_slots *s, int64_t off, uint16_t **ret_state);

/* pt_slots_next returns the lowest offset >= off with a slot that is not empty, or INT64_MAX. */
int64_t pt_slots_next(struct pt_slots *s, int64_t off);

/* pt_slots_drop frees the first cnt chunks. */
void pt_slots_drop(struct pt_slots *s, size_t cnt);

#endif
