/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_TOTALS_H
#define PT_DATAPLANE_TOTALS_H
/*
 * What all workers of a run have counted, in one: sums of their counters, and their rows put
 * together. Plain values, so that they can also be made of copies of what workers posted.
 */
#include "dataplane/worker.h"

struct pt_totals {
    struct pt_packet_stats packets;
    struct pt_stream_stats streams;
    struct pt_parser_stats parser;
    struct pt_api_row *apis;
    size_t api_cnt;
    struct pt_conn_row *conns;
    size_t conn_cnt;
    bool refused; /* rows are missing: no memory */
};

void pt_totals_fini(struct pt_totals *t);

void pt_totals_packets(struct pt_totals *t, const struct pt_packet_stats *s);

/* pt_totals_add adds other totals. */
void pt_totals_add(struct pt_totals *t, const struct pt_totals *other);

/* pt_totals_worker adds a worker that stands still. */
void pt_totals_worker(struct pt_totals *t, const struct pt_worker *w);

#endif
