/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A binary heap of the inputs, ordered by the time of the one frame that each holds ready. Only the
 * root has lent its frame to the caller, so only the root's capture is read on. Where a file's
 * clock goes back, its frame is before all others and comes next, so that no clamping is needed.
 */
#include "dataplane/capture.h"

#include <errno.h>
#include <stdlib.h>

struct merge_input {
    struct pt_capture *cap;
    int64_t offset_ns;
    struct pt_frame frame;
};

struct pt_merge {
    struct merge_input *inputs;
    uint32_t *heap; /* indexes into inputs */
    size_t input_cnt;
    size_t heap_cnt;
    size_t started; /* inputs of which the first frame was read */
    bool lent;      /* the root's frame was given out: read on before it is compared again */
};

int pt_merge_open(struct pt_capture **caps, size_t cap_cnt, struct pt_merge **ret_merge)
{
    struct pt_merge *m = calloc(1, sizeof(*m));

    if (!m)
        return -ENOMEM;
    m->inputs = calloc(cap_cnt ? cap_cnt : 1, sizeof(*m->inputs));
    m->heap = calloc(cap_cnt ? cap_cnt : 1, sizeof(*m->heap));
    if (!m->inputs || !m->heap) {
        pt_merge_close(m);
        return -ENOMEM;
    }
    m->input_cnt = cap_cnt;
    for (size_t i = 0; i < cap_cnt; i++)
        m->inputs[i] = (struct merge_input){ .cap = caps[i] };
    *ret_merge = m;
    return 0;
}

void pt_merge_shift(struct pt_merge *m, uint32_t input, int64_t offset_ns)
{
    m->inputs[input].offset_ns = offset_ns;
}

/* The times of a file may be anything. */
static int read_on(struct merge_input *in)
{
    int rc = pt_capture_next(in->cap, &in->frame);

    if (rc == 1 && __builtin_add_overflow(in->frame.time_ns, in->offset_ns, &in->frame.time_ns))
        in->frame.time_ns = in->offset_ns < 0 ? INT64_MIN : INT64_MAX;
    return rc;
}

static bool before(const struct pt_merge *m, uint32_t a, uint32_t b)
{
    if (m->inputs[a].frame.time_ns != m->inputs[b].frame.time_ns)
        return m->inputs[a].frame.time_ns < m->inputs[b].frame.time_ns;
    return a < b;
}

static void sift_up(struct pt_merge *m, size_t at)
{
    while (at > 0 && before(m, m->heap[at], m->heap[(at - 1) / 2])) {
        size_t up = (at - 1) / 2;
        uint32_t idx = m->heap[at];

        m->heap[at] = m->heap[up];
        m->heap[up] = idx;
        at = up;
    }
}

static void sift_down(struct pt_merge *m)
{
    size_t at = 0;

    for (;;) {
        size_t low = at;
        uint32_t idx = m->heap[at];

        for (size_t child = 2 * at + 1; child <= 2 * at + 2 && child < m->heap_cnt; child++)
            if (before(m, m->heap[child], m->heap[low]))
                low = child;
        if (low == at)
            return;
        m->heap[at] = m->heap[low];
        m->heap[low] = idx;
        at = low;
    }
}

int pt_merge_next(struct pt_merge *m, struct pt_frame *ret_frame, uint32_t *ret_input)
{
    int rc;

    while (m->started < m->input_cnt) {
        uint32_t idx = (uint32_t)m->started++;

        rc = read_on(&m->inputs[idx]);
        if (rc < 0) {
            *ret_input = idx;
            return rc;
        }
        if (rc == 1) {
            m->heap[m->heap_cnt] = idx;
            sift_up(m, m->heap_cnt++);
        }
    }
    if (m->lent) {
        uint32_t idx = m->heap[0];

        m->lent = false;
        rc = read_on(&m->inputs[idx]);
        if (rc != 1)
            m->heap[0] = m->heap[--m->heap_cnt];
        if (m->heap_cnt > 0)
            sift_down(m);
        if (rc < 0) {
            *ret_input = idx;
            return rc;
        }
    }
    if (m->heap_cnt == 0)
        return 0;
    *ret_frame = m->inputs[m->heap[0]].frame;
    *ret_input = m->heap[0];
    m->lent = true;
    return 1;
}

void pt_merge_close(struct pt_merge *m)
{
    if (!m)
        return;
    free(m->inputs);
    free(m->heap);
    free(m);
}
