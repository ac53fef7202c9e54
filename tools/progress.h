/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_PROGRESS_H
#define PT_TOOLS_PROGRESS_H
/*
 * A bar on the terminal while files are read: share, rate, time to go. On anything but a terminal
 * it is silent. The wall clock is only for the person: it decides nothing.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/capture.h"

struct pt_progress {
    bool shown;
    int64_t start_ns;
    int64_t next_ns;
};

/* pt_progress_begin: shown only if wanted and stderr is a terminal. */
void pt_progress_begin(struct pt_progress *p, bool wanted);

/* pt_progress_update draws at most ten times a second; cheap enough for every few thousand packets.
 */
void pt_progress_update(struct pt_progress *p, struct pt_capture *const *caps, size_t cap_cnt);

/* pt_progress_end removes the bar. */
void pt_progress_end(struct pt_progress *p);

#endif
