/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_SNAPSHOT_H
#define PT_TOOLS_SNAPSHOT_H
/*
 * A copy of everything that a segment's tables say at one moment, for whoever shows it: rows that
 * were put, without gaps, pairs sorted by topic. Findings are not in it: they are followed one by
 * one (segment_reader.h).
 */
#include "dataplane/segment_reader.h"

/* What the pairs of one topic add up to. */
struct pt_topic_sums {
    const struct pt_segment_pair *first; /* its partitions: [first, first+partitions) */
    size_t partitions;
    uint64_t source_records;
    uint64_t target_records;
    uint64_t verified;
    uint64_t divergent;
    uint64_t unseen;
    uint64_t pending;
    uint64_t offsets_certified;
    uint64_t offsets_observed;
    uint64_t lag_records;
    int64_t lag_ns; /* the largest; -1: not known */
};

struct pt_snapshot {
    struct pt_segment_identity id;
    enum pt_segment_life life;
    enum pt_segment_state state;
    int64_t beat_age_ns;
    int64_t taken_ns; /* CLOCK_MONOTONIC: for rates between two snapshots */
    struct pt_segment_run run;
#define X(NAME, name, rows)                                                                        \
    struct pt_segment_##name *name##s;                                                             \
    size_t name##_cnt;                                                                             \
    uint64_t name##_refused; /* rows that did not fit into the segment */
    PT_SEGMENT_TABLE_LIST(X)
#undef X
    struct pt_topic_sums *topics;
    size_t topic_cnt;
};

/* pt_snapshot_take fills a new *ret_s. 0 or -ENOMEM with nothing to free. */
int pt_snapshot_take(const struct pt_segment_reader *r, struct pt_snapshot *ret_s);
void pt_snapshot_free(struct pt_snapshot *s);

uint64_t pt_segment_pair_divergent(const struct pt_segment_pair *p);

const char *pt_segment_verdict_name(uint32_t verdict); /* "parity", "none yet" */
const char *pt_segment_role_name(uint32_t role);
const char *pt_segment_life_name(enum pt_segment_life life);
int pt_segment_verdict_exit(uint32_t verdict); /* 0 parity, 1 divergent, 3 everything else */

#endif
