/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_SEGMENT_PVT_H
#define PT_DATAPLANE_SEGMENT_PVT_H
/*
 * What the segment's writer and reader share beside the layout: names, and the lock by which the
 * kernel says whether a writer lives.
 */
#include <stdbool.h>
#include <stddef.h>

#include "dataplane/segment.h"

#define PT_SEGMENT_NAME_MAX 200

struct pt_segment_table_info {
    const char *name;
    uint32_t row_sz;
    uint32_t row_default;
};

const struct pt_segment_table_info *pt_segment_table_info(enum pt_segment_table table);

/* pt_segment_shm_name makes "/NAME" of NAME or /NAME; -EINVAL if it is empty, too long, or has
 * other characters than letters, digits, '.', '_', '-'. */
int pt_segment_shm_name(const char *name, char buf[PT_SEGMENT_NAME_MAX]);

/* A writer holds an open-file-description lock for writing on its object as long as it lives: the
 * kernel gives it up however the process ends, and no process id can be mistaken for another.
 * Asking takes no lock. */
int pt_segment_lock(int fd); /* 0, or -errno: another one holds it */
bool pt_segment_locked_by_writer(int fd);

int64_t pt_segment_clock_ns(void); /* CLOCK_MONOTONIC */

#endif
