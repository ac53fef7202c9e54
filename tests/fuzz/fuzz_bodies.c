/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies of any API and version: the first bytes choose the layout and the pieces, the rest is the
 * body. The same bytes in other pieces give the same events and the same end; their number is
 * bounded by the body; a walk asks for and consumes no more than it was given (see walk_trace.h).
 *
 * Input: api key or record type (1), version (1), 0 request 1 response 2 record (1), seed (1),
 * body.
 */
#include "tests/fuzz/fuzz.h"
#include "tests/walk_trace.h"

/* An element of one byte can be a struct around a struct around an array: BEGIN and END of each. */
#define EVENTS_PER_BYTE (2 * PT_WALK_DEPTH_MAX)

static const struct pt_layout *choose(const uint8_t *data)
{
    switch (data[2] % 3) {
    case 0:
        return pt_layout_find(data[0], PT_DIR_REQUEST, data[1]);
    case 1:
        return pt_layout_find(data[0], PT_DIR_RESPONSE, data[1]);
    default:
        return pt_layout_find_record(data[0], data[1]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct pt_layout *l = len < 4 ? NULL : choose(data);
    uint64_t seeds[3] = { 0, 1, len < 4 ? 0 : 2u + data[3] };
    struct walk_trace first;

    if (!l)
        return 0;
    first = walk_trace(l, data + 4, len - 4, 0);
    for (int i = 0; i < 3; i++) {
        struct walk_trace t = walk_trace(l, data + 4, len - 4, seeds[i]);

        FUZZ_CHECK(!t.broken);
        FUZZ_CHECK(t.status != PT_NEED_MORE);
        FUZZ_CHECK(t.status == first.status && t.rest == first.rest);
        FUZZ_CHECK(strcmp(t.text, first.text) == 0);
        FUZZ_CHECK(t.event_cnt <= EVENTS_PER_BYTE * (len + 1));
        walk_trace_free(&t);
    }
    walk_trace_free(&first);
    return 0;
}
