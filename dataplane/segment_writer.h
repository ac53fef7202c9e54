/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_SEGMENT_WRITER_H
#define PT_DATAPLANE_SEGMENT_WRITER_H
/*
 * Publishes a run in shared memory (segment.h is the layout). The process that captures creates one
 * segment at its start; then each thread puts the rows that are its own, at its own pace, and
 * appends findings to its own ring. Nothing here waits, allocates or calls the kernel after
 * pt_segment_create, but for pt_segment_close.
 *
 *   who                       calls
 *   main thread               create, take (a row for each tap, core, ...), set_state, close
 *   housekeeping              beat, put_run, put_tap, put_cluster, put_code
 *   each worker and shard     put_core of its row
 *   each shard                take and put_pair for the pairs it finds, append to its ring
 *
 * A row and a ring have one writing thread. take may be called by any thread at any time.
 */
#include <stddef.h>
#include <sys/types.h>

#include "dataplane/segment.h"

struct pt_segment_cfg {
    const char *name;    /* "paritap" or "/paritap": an object in /dev/shm */
    const char *program; /* name and version */
    mode_t mode;         /* of the object; others than the owner can only be let read it */
    gid_t group;         /* (gid_t)-1: the process's own */
    uint32_t row_max[PT_SEGMENT_TABLE_CNT]; /* 1..PT_SEGMENT_ROW_MAX */
    uint32_t ring_cnt;                      /* 1..PT_SEGMENT_RING_MAX: threads that append */
    uint32_t ring_slots;                    /* findings that a reader may be behind, each 1.2 KB */
    int64_t beat_every_ns;                  /* how often the caller means to call beat */
};

/* Default: 0640, 4096 findings, heartbeat every 500 ms. */
void pt_segment_cfg_init(struct pt_segment_cfg *cfg);

struct pt_segment_writer {
    int fd;
    struct pt_segment_head *head;
    size_t total_sz;
    char trouble[320]; /* what went wrong, in one sentence for a person */
};

/* pt_segment_footprint returns the bytes of shared memory that cfg asks for, 0 if cfg is wrong. */
size_t pt_segment_footprint(const struct pt_segment_cfg *cfg);

/* pt_segment_create makes the object, in state STARTING. One that a dead writer left is replaced;
 * its readers keep what they have mapped. 0, or -errno with s->trouble set: -EBUSY a live writer
 * has that name, -EEXIST the name belongs to something else, -EINVAL cfg is wrong, -EACCES, -ENOSPC
 * /dev/shm is full, ... */
int pt_segment_create(struct pt_segment_writer *s, const struct pt_segment_cfg *cfg);

/* pt_segment_close leaves the object for readers, in state ENDED. */
void pt_segment_close(struct pt_segment_writer *s);

/* pt_segment_take returns the index of a row that nobody has, or -1 when the table is full: counted
 * as refused. It is shown once it was put. */
int64_t pt_segment_take(struct pt_segment_writer *s, enum pt_segment_table table);

/* pt_segment_put_run(s, row_idx, &row), put_tap, put_core, ...: publish a new state of a row that
 * was taken; with row_idx -1 (take had none) they do nothing. */
void pt_segment_put(struct pt_segment_writer *s, enum pt_segment_table table, int64_t row_idx,
                    const void *row);

#define X(NAME, name, rows)                                                                        \
    static inline void pt_segment_put_##name(struct pt_segment_writer *s, int64_t row_idx,         \
                                             const struct pt_segment_##name *row)                  \
    {                                                                                              \
        pt_segment_put(s, PT_SEGMENT_TABLE_##NAME, row_idx, row);                                  \
    }
PT_SEGMENT_TABLE_LIST(X)
#undef X

/* pt_segment_append publishes a finding in ring [0,ring_cnt). The oldest one there goes. */
void pt_segment_append(struct pt_segment_writer *s, uint32_t ring,
                       const struct pt_segment_finding *f);

void pt_segment_beat(struct pt_segment_writer *s);
void pt_segment_set_state(struct pt_segment_writer *s, enum pt_segment_state state);

/* PT_SEGMENT_SET fills a text of a row and marks it if it was cut. NULL is the empty text. */
#define PT_SEGMENT_SET(text, src) ((text).cut = pt_segment_copy((text).s, sizeof((text).s), (src)))

/* pt_segment_copy: 1 if src did not fit; a character of UTF-8 is not cut in two. The rest of dst is
 * zeroed. */
uint8_t pt_segment_copy(char *dst, size_t dst_sz, const char *src);

#endif
