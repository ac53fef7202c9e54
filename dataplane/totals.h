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
    struct pt_fragment_stats fragments;
    struct pt_mirror_stats mirror; /* of the rows */
    struct pt_stream_stats streams;
    struct pt_parser_stats parser;
    struct pt_loss loss;
    struct pt_api_row *apis;
    size_t api_cnt;
    struct pt_conn_row *conns;
    size_t conn_cnt;
    struct pt_mirror_row *mirrors;
    size_t mirror_cnt;
    bool refused; /* rows are missing: no memory */
};

void pt_totals_fini(struct pt_totals *t);

/* pt_totals_intake adds what an intake that stands still has counted. */
void pt_totals_intake(struct pt_totals *t, const struct pt_intake *in);

/* pt_totals_add adds other totals. */
void pt_totals_add(struct pt_totals *t, const struct pt_totals *other);

/* pt_totals_saw_all: whatever passed the taps of a cluster was seen, as far as streams, fragments
 * and mirrors can tell. Holes do not say it all: a packet that was lost behind the last one of its
 * connection leaves none, nor does a direction that is not mirrored at all. */
bool pt_totals_saw_all(const struct pt_totals *t, enum pt_cluster cluster);

/* pt_totals_worker adds a worker that stands still. */
void pt_totals_worker(struct pt_totals *t, const struct pt_worker *w);

#endif
