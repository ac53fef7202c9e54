/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_SHARD_H
#define PT_VERIFY_SHARD_H
/*
 * A shard owns a share of all logs and everything that is concluded about them: it reads
 * observations in packet order, keeps topics, logs and clusters, feeds settled records of paired
 * logs to their alignment, and turns what comes out into findings. One thread; memory from one
 * budget.
 *
 *   observations -> registry (topics, brokers) -> log (slots, certificates, transactions)
 *                                                   -> align -> findings, offset map
 *
 * Nothing here depends on how observations were grouped into calls: decisions are taken at
 * fixed points of the sequence.
 */
#include "hw/memory.h"
#include "verify/policy.h"
#include "verify/result.h"

struct pt_shard;

/* Where observations and what became of them add up:
 * batches = credited + again + unusable + rejected + no_outcome + floating_full + unnamed +
 * unassigned, once the shard is finished. */
#define PT_SHARD_COUNTERS(X)                                                                       \
    X(messages_bad, "observations of another version or shape")                                    \
    X(batches, "batch observations")                                                               \
    X(batches_credited, "gave at least one offset its first evidence")                             \
    X(batches_again, "all of their offsets were known")                                            \
    X(batches_unusable, "checksum or content bad, or over a budget")                               \
    X(batches_rejected, "produced and refused by the broker")                                      \
    X(batches_no_outcome, "produced, answer not seen or none asked for")                           \
    X(batches_floating_full, "produced, forgotten before the answer: budget")                      \
    X(batches_unnamed, "of topics that were never named")                                          \
    X(batches_unassigned, "of connections that belong to neither cluster")                         \
    X(records_credited, "records that were credited to an offset")                                 \
    X(slots_evicted, "offsets given up for lack of memory before they were aligned")               \
    X(late_evidence, "offsets that arrived after their verdict")                                   \
    X(messages_refused, "observations dropped: memory, or a limit")                                \
    X(leaders_joined, "changes of leader that share a place in a log's list, which is full")       \
    X(producers_forgotten, "producers whose next batch is not expected: limit, or memory")         \
    X(refused_dropped, "refused batches not kept, so that nothing is said of ghosts")              \
    X(map_runs_dropped, "runs of the offset map that memory had no room for")

/* What the work was; see PT_PARSER_WORK_COUNTERS. */
#define PT_SHARD_WORK_COUNTERS(X) X(messages, "observations read")

struct pt_shard_stats {
#define X(name, help) uint64_t name;
    PT_SHARD_COUNTERS(X)
    PT_SHARD_WORK_COUNTERS(X)
#undef X
};

int pt_shard_open(struct pt_mem *mem, const struct pt_policy *policy, struct pt_shard **ret_s);
void pt_shard_close(struct pt_shard *s);

/* pt_shard_consume reads whole messages [buf, buf+sz) of one lane, in order. */
void pt_shard_consume(struct pt_shard *s, uint32_t lane, const uint8_t *buf, size_t sz);

/* pt_shard_tick: packet time has come to time_ns, though nothing was observed. */
void pt_shard_tick(struct pt_shard *s, int64_t time_ns);

/* pt_shard_note adds a warning that other rooms found (TAP_LOSS, OPAQUE_TLS, TCP_OVERLAP_DIFFERS).
 */
void pt_shard_note(struct pt_shard *s, enum pt_finding_code code, int cluster, uint64_t cnt,
                   const char *message);

/* pt_shard_tap_end: the last packet of `cluster` had this time, and no packet of it was lost:
 * whatever passed until then was seen. Before pt_shard_finish, if it can be said at all. */
void pt_shard_tap_end(struct pt_shard *s, enum pt_cluster cluster, int64_t time_ns);

/* pt_shard_finish: no observation will follow. Everything pending is resolved as far as the
 * evidence goes, scope is checked, the verdict is made. */
const struct pt_result *pt_shard_finish(struct pt_shard *s);

const struct pt_shard_stats *pt_shard_stats(const struct pt_shard *s);

#endif
