/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_STREAM_UTIL_H
#define PT_TESTS_STREAM_UTIL_H
/* What the tests of the stream stage share: endpoints, and the sums that its counters promise. */
#include <stdbool.h>
#include <string.h>

#include "dataplane/stream.h"

static inline struct pt_endpoint stream_endpoint(uint8_t host, uint16_t port)
{
    struct pt_endpoint e = { .port = port };

    memcpy(e.ip, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0", 15);
    e.ip[15] = host;
    return e;
}

/* stream_sums_hold: every payload byte pushed is in exactly one place. */
static inline bool stream_sums_hold(const struct pt_stream_stats *st, uint64_t pushed_bytes)
{
    return st->payload_bytes + st->copied_bytes == pushed_bytes &&
           st->payload_bytes == st->in_order_bytes + st->reordered_bytes + st->retransmitted_bytes +
                                        st->late_bytes + st->stale_bytes + st->waiting_bytes;
}

#endif
