/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_PAIR_H
#define PT_VERIFY_PAIR_H
/*
 * The comparison of one source log with one target log: settled records go to the alignment, and
 * what comes out is judged once more by what the alignment cannot know: what is lawfully gone, what
 * may have been compacted before anybody looked, what came too late to be expected. Doubt always
 * makes a leftover unverifiable or pending, never a divergence and never a match.
 */
#include "verify/align.h"
#include "verify/log.h"
#include "verify/policy.h"
#include "verify/registry.h"
#include "verify/result.h"
#include "verify/told.h"

/* When everything has been quiet for this long, and for so many times the lag that the pair had
 * last, a replicator in good health has nothing left to do. */
#define PT_QUIET_MIN_NS 1000000000ll
#define PT_QUIET_LAGS 2

/* Records of each side from which on it means something that none was recognised on the other. */
#define PT_STRANGERS_MIN 16

/* If nothing was seen of the target for this long at the end, its capture may have ended. */
#define PT_DARK_NS 1000000000ll

/* Clocks of two clusters' taps that nobody has set apart are closer than this; where records arrive
 * on the target before they are on the source, they may be twice as far apart as that says. */
#define PT_CLOCK_DOUBT_NS 5000000000ll

/* A record that a consumer got was there when the mirror passed it, if that was no longer after. */
#define PT_READ_LASTS_NS 10000000000ll

struct pt_pair {
    struct pt_pair *next; /* all pairs of a shard */
    struct pt_ledger *env;
    struct pt_topic *source_topic;
    struct pt_log *log[PT_CLUSTER_CNT];
    struct pt_align *align;    /* NULL: memory refused; nothing can be verified */
    struct pt_pair_result sum; /* counts; names are filled in for the report */
    struct pt_map_run *map;
    size_t map_cnt;
    size_t map_cap;
    struct pt_told told;              /* early, of records without verdict, ... */
    struct pt_pair_result early;      /* ... and how many of each kind */
    enum pt_finding_code told_code;   /* of the verdict at hand; PT_FINDING_CODE_CNT: nothing */
    uint64_t told_open;               /* told of its records, and not reported yet */
    struct pt_ranges pending;         /* source offsets behind the last anchor */
    uint64_t given[PT_CLUSTER_CNT];   /* records given to the alignment */
    uint64_t changed[PT_CLUSTER_CNT]; /* offsets of which it is known that they changed since */
    uint64_t maybe_compacted; /* source records without a copy, of a topic of unknown policy */
    int64_t lag_ns;           /* of the match that arrived last, */
    int64_t lag_arrived_ns;   /* at this time on the target */
    int64_t hurried_ns;       /* packet time of the last pt_pair_hurry */
    int64_t lag_min_ns;       /* below 0: the clocks differ, or the target is written first */
    int64_t matched_end[PT_CLUSTER_CNT]; /* one past the last matched offset, 0 none */
    int64_t unsure_end; /* one past the last target record of which it is not known what it is */
    int64_t index;      /* in the report */
    uint64_t number;    /* of this pair, from its birth on (live.h) */
    bool looked;        /* live.h has given it out as it is */
};

/* pt_pair_open: NULL when memory is refused. Takes both logs (their pair is set). */
struct pt_pair *pt_pair_open(struct pt_ledger *env, const struct pt_align_cfg *cfg,
                             enum pt_pair_rule rule, struct pt_log *source, struct pt_log *target);

/* pt_pair_close frees the pair; its logs have none then. */
void pt_pair_close(struct pt_pair *p);

/* pt_pair_dissolve takes everything back that the pair has found and rewinds its logs, so that they
 * can be paired anew. False: too late, records were given up already; nothing was done. */
bool pt_pair_dissolve(struct pt_pair *p);

/* pt_pair_feed gives settled records of both logs to the alignment and takes what comes out. */
void pt_pair_feed(struct pt_pair *p, unsigned how);

/* pt_pair_hurry: some time has passed. What has no verdict yet is told to those who watch. Called
 * for either of its logs, it is done once at a time. */
void pt_pair_hurry(struct pt_pair *p);

/* pt_pair_finish: everything is fed, the alignment is ended. */
void pt_pair_finish(struct pt_pair *p);

/* pt_pair_withdraw takes back every divergence between the two logs: they may have nothing to do
 * with each other. Before pt_pair_conclude. Returns how many records it was about. */
uint64_t pt_pair_withdraw(struct pt_pair *p);

/* pt_pair_conclude decides, when all pairs are finished, which pending records are missing. Returns
 * how many of those that stay pending are older than max_lag_ns. */
uint64_t pt_pair_conclude(struct pt_pair *p, int64_t max_lag_ns);

/* pt_pair_done: below this offset slots of this side are not needed any more. */
int64_t pt_pair_done(const struct pt_pair *p, enum pt_cluster side);

#endif
