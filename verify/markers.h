/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_MARKERS_H
#define PT_VERIFY_MARKERS_H
/*
 * The transaction markers of one log, by producer and offset. A transactional record is decided by
 * the next marker of its producer behind it (kafka-wire: "visibility check"). Owned by one log.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/memory.h"

struct pt_marker {
    int64_t producer_id;
    int64_t offset;
    int64_t time_ns; /* first seen */
    bool commit;
};

struct pt_markers {
    struct pt_mem *mem;
    struct pt_marker *m; /* sorted by producer, then offset */
    size_t cnt;
    size_t cap;
};

void pt_markers_init(struct pt_markers *s, struct pt_mem *mem);
void pt_markers_fini(struct pt_markers *s);

/* pt_markers_add: false if memory is refused; the caller must then not certify that offset, since
 * the marker behind it would decide in its place. A marker seen again keeps its first time. */
bool pt_markers_add(struct pt_markers *s, const struct pt_marker *marker);

/* pt_markers_next returns the producer's first marker at an offset > off, or NULL. */
const struct pt_marker *pt_markers_next(const struct pt_markers *s, int64_t producer_id,
                                        int64_t off);

/* pt_markers_forget forgets those in [from, to). */
void pt_markers_forget(struct pt_markers *s, int64_t from, int64_t to);

#endif
