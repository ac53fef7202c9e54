/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_HISTORY_H
#define PT_VERIFY_HISTORY_H
/*
 * The newest matched records of a pair: to recognise copies and sequences that come over again, and
 * to know what neighbours have in common. A ring that grows up to its limit; where memory is
 * refused it stays as it is, and older records are forgotten earlier. Records are found by content
 * only while an index stands, which is built when conflicts are looked at: they are rare.
 */
#include "hw/memory.h"
#include "verify/align.h"

struct pt_matched {
    uint64_t content;
    int64_t timestamp_ms; /* INT64_MIN: not compared */
    int64_t offset;       /* on the source */
    uint32_t key;
    uint32_t value;
};

struct pt_history {
    struct pt_mem *mem;
    struct pt_matched *ring;
    size_t cap; /* power of two */
    size_t limit;
    uint64_t end;   /* records ever added: their numbers */
    uint32_t *head; /* the index: by content the place in the ring + 1, 0 none; NULL: none stands */
    uint32_t *next;
    size_t index_cap; /* cap when it was built */
};

/* pt_history_init: of at least `horizon` records. */
void pt_history_init(struct pt_history *h, struct pt_mem *mem, uint32_t horizon);
void pt_history_fini(struct pt_history *h);

/* pt_history_add: this source record is matched. An index that stands does not know it. */
void pt_history_add(struct pt_history *h, const struct pt_item *s);

/* pt_history_oldest: number of the oldest one that is still there; pt_history_at: that of number n.
 */
uint64_t pt_history_oldest(const struct pt_history *h);
const struct pt_matched *pt_history_at(const struct pt_history *h, uint64_t n);

/* pt_history_index: false: no memory; then nothing is found. */
bool pt_history_index(struct pt_history *h);
void pt_history_unindex(struct pt_history *h);

/* pt_history_find: the newest one that equals this record, or NULL. */
const struct pt_matched *pt_history_find(const struct pt_history *h, const struct pt_item *item);

/* pt_history_has_run: cnt > 0 records came before, one behind the other. True also where it was too
 * much to look at all places. */
bool pt_history_has_run(const struct pt_history *h, const struct pt_item *item, size_t cnt);

#endif
