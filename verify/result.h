/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_RESULT_H
#define PT_VERIFY_RESULT_H
/*
 * What verification found, as plain values for reporters (the report's contract, in C). Owned
 * by the shard, valid until it is closed; strings are terminated and never NULL unless said.
 * Nothing here is computed by a reporter.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser/observation.h"
#include "verify/align.h"

enum pt_verdict { PT_VERDICT_PARITY = 0, PT_VERDICT_DIVERGENT = 1, PT_VERDICT_INCONCLUSIVE = 3 };

enum pt_severity { PT_SEV_INFO = 0, PT_SEV_WARNING = 1, PT_SEV_DIVERGENCE = 2 };

/* code, severity, makes the verdict inconclusive, what it says */
#define PT_FINDING_LIST(X)                                                                         \
    X(RECORD_MISSING, DIVERGENCE, 0, "on the source, certified absent on the target")              \
    X(RECORD_EXTRA, DIVERGENCE, 0, "on the target, certified absent on the source")                \
    X(RECORD_DUPLICATED, DIVERGENCE, 0, "surplus copy on the target")                              \
    X(RECORD_REORDERED, DIVERGENCE, 0, "on both, in another order")                                \
    X(RECORD_MUTATED, DIVERGENCE, 0, "on both, with different content")                            \
    X(RECORD_MISSING_OR_REORDERED, DIVERGENCE, 0, "absent from its place on the target")           \
    X(RECORD_COUNT_DIFFERS, DIVERGENCE, 0, "different in count or order beside unseen offsets")    \
    X(BATCH_CRC_BAD, DIVERGENCE, 0, "checksum of a batch does not match")                          \
    X(BATCH_MALFORMED, DIVERGENCE, 0, "batch that cannot be decoded")                              \
    X(OFFSET_ORDER, DIVERGENCE, 0, "offsets of a log out of order")                                \
    X(LOG_REWRITTEN, DIVERGENCE, 0, "a committed offset holds another record than before")         \
    X(PRODUCE_FETCH_DIFFER, DIVERGENCE, 0, "fetched record differs from the produced one")         \
    X(ACKED_LOST, DIVERGENCE, 0, "acknowledged record that the log does not hold any more")        \
    X(GHOST_WRITE, DIVERGENCE, 0, "the log holds records whose Produce was refused")               \
    X(SEQUENCE_GAP, DIVERGENCE, 0, "a producer's sequence numbers leave some out")                 \
    X(SEQUENCE_REPEATED, DIVERGENCE, 0, "a producer's sequence numbers come again")                \
    X(TOPIC_UNPAIRED, WARNING, 1, "source topic with records and without a partner")               \
    X(BROKER_NOT_SEEN, WARNING, 1, "broker that leads active partitions is not on the tap")        \
    X(PARTITION_NOT_SEEN, WARNING, 1, "active partition without its records on the tap")           \
    X(NO_EVIDENCE_PATH, WARNING, 1, "neither Produce nor Fetch of a log on the tap")               \
    X(REPLICATION_STALLED, WARNING, 1, "records pending for longer than the allowed lag")          \
    X(COVERAGE_LOW, WARNING, 1, "less certified than asked for")                                   \
    X(NOTHING_CERTIFIED, WARNING, 1, "no record was certified on both sides")                      \
    X(TOPIC_ID_UNKNOWN, WARNING, 0, "topic id that was never named on the tap")                    \
    X(TOPIC_ID_MISNAMED, WARNING, 0, "the cluster calls a topic id otherwise than was given")      \
    X(TAP_LOSS, WARNING, 0, "the capture has holes")                                               \
    X(OPAQUE_TLS, WARNING, 0, "encrypted connections")                                             \
    X(TCP_OVERLAP_DIFFERS, WARNING, 0, "the same TCP bytes passed with different content")

enum pt_finding_code {
#define X(name, sev, inconclusive, help) PT_FINDING_##name,
    PT_FINDING_LIST(X)
#undef X
            PT_FINDING_CODE_CNT
};

const char *pt_finding_code_name(enum pt_finding_code code);
const char *pt_finding_code_help(enum pt_finding_code code);
enum pt_severity pt_finding_severity(enum pt_finding_code code);
bool pt_finding_inconclusive(enum pt_finding_code code);

struct pt_client_info {
    const char *client_id;
    const char *client_addr; /* "10.88.4.1:41000", "[::1]:41000" */
    const char *broker_addr;
    const char *software; /* "name version" or "" */
    uint8_t cluster;
    uint64_t batches_produced;
    uint64_t batches_fetched;
};

/* One side of a finding: a record and where it was seen first. */
struct pt_place {
    bool valid;
    const char *topic;
    int32_t partition;
    int64_t offset;       /* -1 not known */
    int64_t timestamp_ms; /* the record's own; -1 none */
    uint32_t key_hash;    /* 0: null key */
    bool key_null;
    struct pt_packet_ref at;
    const struct pt_client_info *client; /* NULL unknown */
};

struct pt_finding {
    enum pt_finding_code code;
    int64_t pair;   /* index into pairs, -1 none */
    int cluster;    /* enum pt_cluster, -1 none */
    uint32_t parts; /* PT_PART_* */
    uint64_t cnt;   /* strictly consecutive offsets from the one named */
    struct pt_place source;
    struct pt_place target;
    const char *message; /* one sentence for a person */
};

struct pt_map_run {
    int64_t source_from;
    int64_t target_from;
    uint64_t cnt;
};

enum pt_pair_rule { PT_PAIR_SAME_NAME, PT_PAIR_ALIAS, PT_PAIR_CONFIGURED };

struct pt_log_name {
    const char *topic; /* "" if never named */
    int32_t partition;
    uint32_t incarnation; /* 0 for the oldest topic of that name seen */
    bool has_id;
    uint8_t id[16];
};

struct pt_pair_result {
    struct pt_log_name source;
    struct pt_log_name target;
    enum pt_pair_rule rule;
    uint64_t source_records;
    uint64_t target_records;
    uint64_t verified;
    uint64_t missing;
    uint64_t extra;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t mutated;
    uint64_t missing_or_reordered; /* source records: part of `ambiguous` in the report's sums */
    uint64_t ambiguous_source;
    uint64_t ambiguous_target;
    uint64_t compacted;
    uint64_t unverifiable_source;
    uint64_t unverifiable_target;
    uint64_t pending_source;
    uint64_t pending_target;
    uint64_t unseen_source; /* offsets */
    uint64_t unseen_target;
    uint64_t unseen[PT_LOST_REASON_CNT]; /* offsets, both sides, by reason; sums to the two above */
    uint64_t unseen_by[PT_CLUSTER_CNT][PT_LOST_REASON_CNT]; /* the same by side */
    uint64_t offsets_certified; /* both sides, within the observed intervals */
    uint64_t offsets_observed;
    const struct pt_map_run *map;
    size_t map_cnt;
};

struct pt_batch_row { /* every sighting counts, also of a batch seen before */
    bool produce;
    uint8_t magic;
    uint8_t codec;
    uint64_t batches;
    uint64_t records;
    uint64_t crc_bad;
};

struct pt_log_result {
    uint8_t cluster;
    struct pt_log_name name;
    bool internal;        /* never paired: __* and a replicator's own */
    int64_t first_offset; /* certified; -1 none */
    int64_t last_offset;
    int64_t log_start_offset; /* -1 unknown */
    int64_t high_watermark;   /* highest seen, -1 */
    uint64_t records;         /* committed data records certified */
    uint64_t aborted;
    uint64_t control;
    uint64_t undecided; /* of open transactions, or above the high watermark */
    uint64_t unseen;
    const struct pt_batch_row *batches;
    size_t batch_row_cnt;
};

struct pt_unpaired {
    uint8_t cluster;
    struct pt_log_name name;
    uint64_t records;
    const char *why;
};

/* What a topic id is called: by the cluster, or as it was given. */
struct pt_topic_id_row {
    const char *topic;
    uint8_t cluster;
    uint8_t id[16];
};

struct pt_broker_result {
    uint8_t cluster;
    int32_t node_id;
    const char *host; /* "" unknown */
    int32_t port;
    bool seen; /* on the tap, by address or by what it answered */
};

struct pt_result {
    enum pt_verdict verdict;
    const char *cluster_id[PT_CLUSTER_CNT]; /* NULL not seen */
    const struct pt_pair_result *pairs;     /* by source topic, partition, incarnation */
    size_t pair_cnt;
    const struct pt_unpaired *unpaired;
    size_t unpaired_cnt;
    const struct pt_log_result *logs; /* by cluster, topic, incarnation, partition */
    size_t log_cnt;
    const struct pt_finding *findings; /* by pair, then offset; then those without a pair */
    size_t finding_cnt;
    uint64_t finding_total[PT_FINDING_CODE_CNT]; /* also those that were not kept */
    const struct pt_topic_id_row *topic_ids;     /* by cluster, topic, age */
    size_t topic_id_cnt;
    const struct pt_broker_result *brokers;
    size_t broker_cnt;
    const struct pt_client_info *clients;
    size_t client_cnt;
    /* ledger of batches: messages received = credited + again + unusable + ... ; see shard.h */
    uint64_t records_certified;
};

#endif
