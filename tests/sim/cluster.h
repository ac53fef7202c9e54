/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_CLUSTER_H
#define PT_TESTS_SIM_CLUSTER_H
/*
 * What brokers hold: the logs of one topic, with leaders, replicas, high watermarks, transactions,
 * and the truth of each offset. Nothing is said here (talk.h); it only happens.
 *
 *   0 ........ hw ........ leo
 *   committed |  only some  |   the followers' ends lie in [hw, leo]
 */
#include "tests/sim/batch.h"

#define BROKERS_MAX 4u
#define PARTITIONS_MAX 8u

/* How a record of the target came there. */
enum origin { ORIGIN_NONE, ORIGIN_SAME, ORIGIN_COPY, ORIGIN_CHANGED, ORIGIN_EXTRA, ORIGIN_MOVED };

/* The truth of one offset. */
struct place {
    uint64_t content; /* 0: no record that counts: a marker, aborted, or cleaned away */
    uint64_t cleaned; /* content of what was cleaned away */
    int64_t timestamp_ms;
    int64_t from;   /* target: offset on the source; -1 none */
    uint8_t origin; /* target: enum origin */
    bool dropped;   /* source: the replicator left it out */
};

struct stored_batch {
    int64_t base;
    uint32_t cnt;
    uint32_t serial; /* never used again, whatever is truncated */
    size_t off;      /* in bytes */
    size_t sz;
    int64_t producer_id;
    struct batch_spec spec;
    bool safe; /* the producer waits for all replicas, or a broker wrote it */
};

struct txn { /* of one producer in one log */
    int64_t producer_id;
    int64_t first;
    int64_t end; /* behind the marker; -1: open */
    bool aborted;
};

struct sim_log {
    uint32_t leader;
    int32_t epoch;
    int64_t leo;
    int64_t hw;
    int64_t replica_leo[BROKERS_MAX];
    struct buf bytes;
    struct stored_batch *batch;
    uint32_t batch_cnt;
    uint32_t batch_cap;
    uint32_t serial_cnt;
    bool *dead; /* by serial: truncated */
    uint32_t dead_cap;
    struct place *place;
    int64_t place_cap;
    struct txn *txn;
    uint32_t txn_cnt;
    uint32_t txn_cap;
    uint32_t txn_done; /* all before are over, and below hw */
};

struct cluster {
    unsigned index; /* 0 source, 1 target */
    uint32_t replicas;
    uint32_t partitions;
    struct sim_log log[PARTITIONS_MAX];
    struct batch_writer writer;
    struct batch_record *scratch; /* of one batch */
    uint32_t scratch_cap;
};

void cluster_init(struct cluster *k, unsigned index, uint32_t replicas, uint32_t partitions);
void cluster_fini(struct cluster *k);

/* log_append writes cnt records, whose truth is `place`, at the end of the leader's log. */
const struct stored_batch *log_append(struct cluster *k, uint32_t partition,
                                      const struct batch_spec *spec, bool safe,
                                      const struct place *place, uint32_t cnt);

/* log_end_txn writes the marker of this producer's open transaction. */
void log_end_txn(struct cluster *k, uint32_t partition, int64_t producer_id, bool commit,
                 int64_t timestamp_ms);

/* log_compact writes the batch anew without the records whose truth has no content any more. It may
 * take more bytes than it did. */
void log_compact(struct cluster *k, uint32_t partition, struct stored_batch *b);

/* log_replicated: that replica has everything below leo. The high watermark follows. */
void log_replicated(struct sim_log *l, uint32_t replicas, uint32_t replica, int64_t leo);

/* log_new_leader makes another replica the leader; what it does not have is gone. False: it may
 * not, since a record that was promised would be gone. */
bool log_new_leader(struct cluster *k, uint32_t partition, uint32_t leader);

/* log_lso: everything below is decided and committed. */
int64_t log_lso(const struct sim_log *l);

/* log_find returns the index of the first batch that ends behind off, or batch_cnt. */
uint32_t log_find(const struct sim_log *l, int64_t off);

#endif
