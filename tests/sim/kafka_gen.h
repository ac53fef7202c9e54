/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_KAFKA_GEN_H
#define PT_TESTS_SIM_KAFKA_GEN_H
/*
 * Two Kafka clusters with the same records, as traffic: a producer writes each batch to the leader
 * of its partition, the leader's followers fetch it, the producer gets its answer; and the same
 * again on the target, with its own offsets, batches and connections. All records differ. The truth
 * is known by construction: what `skip_every` drops on the target is missing there, nothing else
 * differs.
 */
#include "tests/sim/batch.h"
#include "tests/sim/wire.h"

struct kafka_gen_cfg {
    uint64_t file_sz;       /* stop when the capture has about this many bytes */
    uint32_t record_sz;     /* bytes of a value */
    uint32_t batch_records; /* records of one batch */
    uint32_t partitions;
    uint32_t replicas;   /* brokers of each cluster; each batch is fetched replicas-1 times */
    uint32_t skip_every; /* every n-th record is not on the target; 0: all are */
    uint64_t seed;
    enum batch_codec codec;
};

struct kafka_gen_truth {
    uint64_t source_records;
    uint64_t target_records;
};

/* Broker i of cluster k (0 source, 1 target) is 10.88.(k+1).(i+1):9092. */
int kafka_gen_run(struct wire *w, const struct kafka_gen_cfg *cfg,
                  struct kafka_gen_truth *ret_truth);

#endif
