/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_LIVE_H
#define PT_VERIFY_LIVE_H
/*
 * What a shard shows of itself while it runs, for those who watch: counts so far, pairs that
 * changed, findings as they come. Called by the shard's own thread, between two observations;
 * nothing of what the shard will conclude is changed by it. The same calls also work behind
 * pt_shard_finish, for what came up last.
 */
#include <stdatomic.h>

#include "verify/result.h"
#include "verify/shard.h"

struct pt_live_cluster {
    const char *cluster_id; /* NULL: not stated */
    uint64_t brokers;
    uint64_t brokers_seen;
    uint64_t logs;
    uint64_t records; /* certified and settled */
};

void pt_shard_live_cluster(const struct pt_shard *s, enum pt_cluster cluster,
                           struct pt_live_cluster *ret);

/* A pair as it stands. The sums of the report hold: what is certified on one side and not yet
 * judged is pending; unseen[] by reason is not filled in. */
struct pt_live_pair {
    uint64_t number; /* from 0, in the order of birth; never given to another pair */
    bool gone;       /* it was taken apart: all else is zero, and it does not come any more */
    struct pt_pair_result sum;
    uint64_t lag_records; /* source records without a copy yet */
    int64_t lag_ns;       /* packet time: the age of the oldest of them, or, if there is none, how
                             long the last copy took; -1: not known */
};

/* pt_shard_live_next gives the next pair that has changed, or waits for something, since it was
 * last given; false: no more for now. */
bool pt_shard_live_next(struct pt_shard *s, struct pt_live_pair *ret);

/* pt_shard_live_total: records of findings of a code so far, also of those that nobody keeps. */
uint64_t pt_shard_live_total(const struct pt_shard *s, enum pt_finding_code code);

/* pt_shard_live_finding gives the next finding that was not given yet: true, with ret_f->pair the
 * number of its pair. A leftover that waits for its verdict is given as what it would be now;
 * should the verdict be another, that is given, too. Of a finding that grew, since more records
 * joined it, only the new ones. Findings of two topics of which no record has been recognised on
 * the other side are kept back until the end: they may turn out to be strangers. Strings are valid
 * until the next call. */
bool pt_shard_live_finding(struct pt_shard *s, struct pt_finding *ret_f);

/* pt_shard_live_canon writes, for each topic number of a lane, the hash under which its partitions
 * are shed (parser/shed.h): of the topic's name on the source, so that both clusters shed the same
 * ones. Numbers from canon_cnt on are left out; 0: not known. Relaxed stores. */
void pt_shard_live_canon(const struct pt_shard *s, uint32_t lane, _Atomic uint32_t *canon,
                         uint32_t canon_cnt);

/* pt_shard_live_taken_back: records of findings that were given and have been taken back since,
 * because their topics turned out to be paired with others, or what came later explains them. */
uint64_t pt_shard_live_taken_back(const struct pt_shard *s);

#endif
