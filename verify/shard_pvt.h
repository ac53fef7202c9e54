/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_SHARD_PVT_H
#define PT_VERIFY_SHARD_PVT_H
/*
 * What the sources of a shard share:
 *
 *   shard.c    messages in: checked, put together, given their meaning
 *   deliver.c  batches of named topics to their logs, produced ones by way of the floating store
 *   pairs.c    which logs are compared; when; what is given up when memory runs short
 *   suspects.c what can be held against a cluster only in the end
 *   scope.c    what should have been seen and was not
 *   conclude.c the report
 */
#include "verify/arena.h"
#include "verify/clients.h"
#include "verify/findings.h"
#include "verify/floating.h"
#include "verify/log.h"
#include "verify/mapping.h"
#include "verify/pair.h"
#include "verify/refused.h"
#include "verify/registry.h"
#include "verify/shard.h"

/* A pair is looked at when one of its logs has gathered so many records, and at every multiple of
 * this packet time, if any of its records waits. */
#define PT_FEED_RECORDS 1024u
#define PT_FEED_NS 250000000ll

/* The batch of a lane that is being put together, and the last one of its fetch response. */
struct pt_lane {
    bool open; /* records are still to come */
    bool lost; /* memory refused: they are skipped */
    struct pt_obs_batch batch;
    struct pt_record *rec;
    uint32_t rec_cnt;
    uint32_t rec_cap;
    bool fetch_valid;
    uint32_t fetch_client;
    uint32_t fetch_request;
    uint32_t fetch_topic;
    int32_t fetch_partition;
    int64_t fetch_last;
};

struct pt_shard {
    struct pt_mem *mem;
    struct pt_policy policy;
    struct pt_shard_stats stats;
    struct pt_findings findings;
    struct pt_findings suspects;
    struct pt_refusals *refusals;
    struct pt_ledger env;
    struct pt_registry *registry;
    struct pt_clients clients;
    struct pt_floating *floating;
    struct pt_lane lane[PT_LANE_MAX];
    struct pt_log **log; /* all logs, in the order of their first sighting */
    size_t log_cnt;
    size_t log_cap;
    struct pt_pair *pairs;
    int64_t feed_ns;       /* packet time at which pairs are looked at next */
    uint64_t pair_cnt;     /* pairs ever made */
    uint64_t relief_sz;    /* memory in use at which room must be made */
    struct pt_arena arena; /* the report's */
    struct pt_result result;
    bool finished;
    /* Where those who watch the run stand (live.c). */
    struct pt_pair *live_pair;
    bool live_begun;
    uint64_t *live_gone; /* numbers of pairs that were taken apart, to be told */
    size_t live_gone_cnt;
    size_t live_gone_cap;
    size_t live_fact;  /* next one to look at */
    bool live_kept;    /* one before it is kept back */
    size_t live_early; /* next one of those told early */
    struct pt_arena live_arena;
    struct pt_client_info live_info[PT_CLUSTER_CNT];
};

/* deliver.c */

/* pt_shard_log returns the log of a partition, made if need be; NULL: refused. */
struct pt_log *pt_shard_log(struct pt_shard *s, struct pt_topic *t, int32_t partition);

/* pt_shard_batch takes a whole batch of a named topic. */
void pt_shard_batch(struct pt_shard *s, uint32_t lane, struct pt_topic *t,
                    const struct pt_obs_batch *b, const struct pt_record *rec, uint32_t rec_cnt);
void pt_shard_outcome(struct pt_shard *s, uint32_t lane, struct pt_topic *t,
                      const struct pt_obs_produce_outcome *o);

/* pt_shard_float_ended counts a floating batch that will get no answer any more. */
void pt_shard_float_ended(struct pt_shard *s, const struct pt_float *e, bool forgotten);

/* pairs.c */

/* pt_shard_map pairs topics by what is known now. */
void pt_shard_map(struct pt_shard *s);

/* pt_shard_pair_log: this log is new, or its topic's partner is. */
void pt_shard_pair_log(struct pt_shard *s, struct pt_log *l);

/* pt_shard_feed looks at all pairs with records that wait. */
void pt_shard_feed(struct pt_shard *s);

/* pt_shard_work is called behind every batch: compares what has settled, makes room. */
void pt_shard_work(struct pt_shard *s, struct pt_log *l);

/* pt_shard_pair_all: at the end every partition of paired topics that shows records on one side
 * gets its pair, if need be with an empty log on the other. */
void pt_shard_pair_all(struct pt_shard *s);

/* pt_shard_names gives all names sorted by cluster and text, in scratch of the arena; NULL:
 * refused. */
struct pt_name **pt_shard_names(struct pt_shard *s, size_t *ret_cnt);

/* live.c: the pair of this number was taken apart. */
void pt_shard_live_gone(struct pt_shard *s, uint64_t number);

/* scope.c */

/* pt_shard_scope adds what was not looked at, when all pairs are concluded. */
void pt_shard_scope(struct pt_shard *s);

/* pt_log_seen: anything of its records was seen. */
bool pt_log_seen(const struct pt_log *l);

/* conclude.c */

/* pt_shard_conclude makes the report. Never NULL: where memory is refused it is inconclusive and
 * says less. */
const struct pt_result *pt_shard_conclude(struct pt_shard *s);

#endif
