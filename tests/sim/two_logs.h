/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_TWO_LOGS_H
#define PT_TESTS_SIM_TWO_LOGS_H
/*
 * Two logs of which everything is known: a source of random contents, a target copied from it with
 * injected faults, and for every record where it came from and which fault is near. The memory is
 * the caller's struct, used again for the next pair.
 */
#include <stdbool.h>
#include <stdint.h>

#define TWO_LOGS_MAX 65536u
#define TWO_LOGS_FAULTS_MAX 8192u
#define TWO_LOGS_NONE UINT32_MAX

struct two_rng {
    uint64_t state;
};

uint32_t two_rng_below(struct two_rng *r, uint32_t below);

enum two_contents {
    TWO_UNIQUE,  /* each its own */
    TWO_FEW,     /* one of a few values, independently */
    TWO_MIXED,   /* half of them one of 16 values */
    TWO_RUNS,    /* runs of equal ones */
    TWO_ONE,     /* all equal */
    TWO_PERIODIC /* a short sequence over and over */
};

enum two_times {
    TWO_TIMES_OWN,    /* no two records of one time */
    TWO_TIMES_BATCH,  /* some tens of neighbours of one time */
    TWO_TIMES_EQUAL,  /* all of one time */
    TWO_TIMES_APPEND, /* the target's broker stamps its own */
};

enum two_fault_kind {
    TWO_DROP,
    TWO_MUTATE,
    TWO_EXTRA,
    TWO_DOUBLE,  /* the same record once more, at once */
    TWO_REPLAY,  /* the last records once more */
    TWO_SWAP,    /* with the next one */
    TWO_MOVE,    /* later by up to 200 records */
    TWO_REPLACE, /* one gone, another in its place */
    TWO_FAULT_KIND_CNT
};

struct two_logs_cfg {
    uint32_t len;
    enum two_contents contents;
    enum two_times times;
    uint32_t values;      /* of TWO_FEW and TWO_PERIODIC */
    uint32_t keys;        /* how many; 0: all null */
    uint32_t faults_ppm;  /* of records that something happens to */
    uint32_t markers_ppm; /* offsets taken by transaction markers, on each side */
};

struct two_record {
    uint64_t content;
    int64_t timestamp_ms;
    uint32_t key;
    uint32_t value;
    uint32_t headers;
    uint32_t origin; /* index of the source record that it is (a changed copy of); NONE: injected */
    uint32_t changed; /* PT_PART_* of a mutated copy */
    bool control;     /* a marker, no record */
    uint8_t near;     /* bits of enum two_fault_kind of faults at this place */
};

struct two_fault {
    enum two_fault_kind kind;
    uint32_t at[2]; /* indices, source and target, from which on */
    uint32_t end[2];
};

/* Index i of a log is its i-th offset. */
struct two_logs {
    struct two_logs_cfg cfg;
    struct two_record rec[2][TWO_LOGS_MAX];
    uint32_t cnt[2];
    uint32_t copies[TWO_LOGS_MAX]; /* unchanged copies on the target, by source index */
    struct two_fault fault[TWO_LOGS_FAULTS_MAX];
    uint32_t fault_cnt;
};

/* two_logs_make fills l by cfg. */
void two_logs_make(struct two_logs *l, const struct two_logs_cfg *cfg, struct two_rng *rng);

/* two_logs_named: a record can be told from every other one, so that findings can be held against
 * the truth one by one. */
bool two_logs_named(const struct two_logs *l);

#endif
