/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_WORLD_H
#define PT_TESTS_SIM_WORLD_H
/*
 * Two clusters and those who use them: producers write to the source (idempotent, in transactions,
 * acks 0, 1, all), followers replicate, consumers read, a replicator reads the source and writes to
 * the target, late and with known faults. Leaders change, and what only an old leader had is
 * gone. All of it passes two mirrors, and the truth is known by construction. A seed decides
 * everything that is not set.
 */
#include "tests/sim/talk.h"

/* Faults of the replicator, shares of the records. */
struct world_faults {
    double drop;
    double copy;
    double change;
    double extra;
    double move;   /* comes up to 50 records later */
    double replay; /* goes back up to 200 records and writes them again */
};

struct world_cfg {
    uint64_t seed;
    uint64_t records;       /* of the source, about */
    bool repeats;           /* many records are equal */
    uint32_t batch_records; /* of a batch at most; 0: is drawn */
    struct world_faults faults;
    struct mirror_cfg mirror[2];
    double attach[2]; /* that mirror begins when this share of the records was written */
    double detach[2]; /* and ends at this one; 1: it stays */
};

/* What was drawn, for a person. */
struct world_story {
    uint32_t partitions;
    uint32_t replicas[2];
    uint32_t producers;
    uint32_t consumers[2];
    uint32_t leader_changes;
    uint32_t truncated; /* records */
    uint32_t transactions;
    uint32_t compacted; /* records that the replicator never saw */
    bool reads_all;     /* it copies what is aborted later, too */
    uint32_t fetch_version[2];
    uint32_t batch_records;
};

struct world {
    struct cluster cluster[2];
    struct oracle oracle[2];
    struct world_story story;
    uint64_t packets[2];
    uint64_t lost[2];
};

/* world_run writes both captures. 0 or -errno. */
int world_run(struct world *w, const struct world_cfg *cfg, const char *source_path,
              const char *target_path);
void world_fini(struct world *w);

#endif
