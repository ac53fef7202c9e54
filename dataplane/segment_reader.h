/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_SEGMENT_READER_H
#define PT_DATAPLANE_SEGMENT_READER_H
/*
 * Reads the segment of a run (segment.h is the layout), read-only and without a trace: the writer
 * cannot tell how many readers there are. Nothing in shared memory is believed: the section list is
 * checked once and copied, everything else is copied out before it is looked at, texts are
 * terminated, and numbers that index something are checked by whoever uses them.
 *
 * An object of this module belongs to one thread. The one thing it cannot survive is that the owner
 * truncates the object while it is mapped; paritap never does.
 */
#include <stdbool.h>
#include <stddef.h>

#include "dataplane/segment.h"

/* The heartbeat is late when it is older than this, or than four of its intervals. */
#define PT_SEGMENT_STALE_NS 1500000000ll

/* Whether there is still somebody who writes. */
enum pt_segment_life {
    PT_SEGMENT_ALIVE,
    PT_SEGMENT_STALE, /* exists, but its heartbeat is old: stopped, or starved of its core */
    PT_SEGMENT_DEAD,  /* gone without a word: killed, or crashed */
    PT_SEGMENT_OVER   /* said that it ended */
};

/* A section as it was checked at open. */
struct pt_segment_view {
    const uint8_t *base;
    const struct pt_segment_section *live; /* for used and refused */
    uint32_t stride;
    uint32_t row_max;
};

/* Identity, copied at open. */
struct pt_segment_identity {
    uint32_t pid;
    uint64_t run_id;
    int64_t start_ns;
    int64_t beat_every_ns;
    struct pt_segment_text64 program;
    struct pt_segment_text64 host;
};

struct pt_segment_reader {
    int fd; /* -1: attached to plain memory */
    const struct pt_segment_head *head;
    size_t mapped_sz;
    struct pt_segment_identity id;
    struct pt_segment_view table[PT_SEGMENT_TABLE_CNT];
    struct pt_segment_view ring[PT_SEGMENT_RING_MAX];
    uint32_t ring_cnt;
    char trouble[320]; /* what went wrong, in one sentence for a person */
};

/* pt_segment_reader_open maps the segment of that name. 0, or -errno with r->trouble set: -ENOENT,
 * -EACCES, -EAGAIN the writer is just starting, -EPROTO another version, -EINVAL no segment, or a
 * broken one. */
int pt_segment_reader_open(struct pt_segment_reader *r, const char *name);

/* pt_segment_reader_attach reads [mem, mem+sz) instead, 64-byte aligned, which the caller keeps
 * until pt_segment_reader_close. Whether the writer lives can only be told from its heartbeat. */
int pt_segment_reader_attach(struct pt_segment_reader *r, const void *mem, size_t sz);

void pt_segment_reader_close(struct pt_segment_reader *r);

/* pt_segment_reader_replaced: the name now stands for another object than the one that is open. */
bool pt_segment_reader_replaced(const struct pt_segment_reader *r, const char *name);

enum pt_segment_life pt_segment_reader_life(const struct pt_segment_reader *r);
enum pt_segment_state pt_segment_reader_state(const struct pt_segment_reader *r);
int64_t pt_segment_reader_beat_age_ns(const struct pt_segment_reader *r); /* 0 and more */

/* Rows [0,cnt) may be there. */
uint32_t pt_segment_reader_row_cnt(const struct pt_segment_reader *r, enum pt_segment_table table);

/* Rows for which the table had no room. */
uint64_t pt_segment_reader_refused(const struct pt_segment_reader *r, enum pt_segment_table table);

/* pt_segment_get_run(r, idx, &row), get_tap, get_core, ...: true and a whole row, or false and
 * *ret_row untouched: not put yet, no such row, or overwritten faster than it could be copied. */
#define X(NAME, name, rows)                                                                        \
    bool pt_segment_get_##name(const struct pt_segment_reader *r, uint32_t idx,                    \
                               struct pt_segment_##name *ret_row);
PT_SEGMENT_TABLE_LIST(X)
#undef X

/* Where a reader is in the rings. */
struct pt_segment_cursor {
    uint64_t next[PT_SEGMENT_RING_MAX];
    uint64_t missed; /* findings that were overwritten before they were read */
};

/* pt_segment_cursor_begin: every finding of the run is to be read (those that are gone already will
 * count as missed), or with latest the last `latest` of each ring and what comes then. */
void pt_segment_cursor_begin(const struct pt_segment_reader *r, struct pt_segment_cursor *c,
                             uint64_t latest);
#define PT_SEGMENT_ALL_FINDINGS UINT64_MAX

/* pt_segment_reader_next: true and the next finding of some ring, or false: nothing new for now. */
bool pt_segment_reader_next(const struct pt_segment_reader *r, struct pt_segment_cursor *c,
                            struct pt_segment_finding *ret_f);

const char *pt_segment_state_name(enum pt_segment_state state); /* "running" */

#endif
