/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_JUDGE_H
#define PT_TESTS_SIM_JUDGE_H
/*
 * Holds a report on two logs against the truth. It shares nothing with the alignment: it knows what
 * was done to each record, and asks of each claim whether that is so.
 *
 * False divergence: a record is named that the truth does not know as such. Where records can be
 * told apart kind and record must both be right; where contents repeat, the place: within reach of
 * an injected fault, and no more of them than there are faults.
 * False match: a verified pair of different contents, or one of two records that were never the
 * same, unless a fault is near and the contents are equal.
 */
#include <stdio.h>

#include "tests/sim/two_logs.h"
#include "verify/result.h"

struct judge_log {
    int64_t base;        /* offset of index 0 */
    const uint8_t *seen; /* by index: a batch that was told holds it */
    uint32_t known;      /* nothing was told of this index and those behind it, nor that they exist:
                            as far as anybody can know the log ended there */
};

struct judged {
    uint64_t records;           /* certified, both sides */
    uint64_t false_divergences; /* claims */
    uint64_t false_matches;
    uint64_t wrong_sums;
    uint64_t comparable[2]; /* source records that are seen with an equal copy; 1: of worlds where
                               records can be told apart */
    uint64_t verified[2];
    uint64_t faults; /* seen whole with their neighbours, and not beside another one; where
                        contents repeat, none is counted */
    uint64_t named;  /* ... of which every record is named */
    uint64_t exact;  /* ... by its own kind */
    uint64_t by_kind[TWO_FAULT_KIND_CNT][3]; /* the same three */
};

/* judge_report adds what it finds to *sum; what is wrong is told to `log` unless that is NULL.
 * Returns false if anything is wrong. */
bool judge_report(const struct two_logs *l, const struct judge_log log[2],
                  const struct pt_result *r, struct judged *sum, FILE *out);

/* judge_finding: this finding about the two logs is true. */
bool judge_finding(const struct two_logs *l, const struct judge_log log[2],
                   const struct pt_finding *f);

#endif
