/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_LEDGER_H
#define PT_TOOLS_LEDGER_H
/*
 * The books: for each layer a total and the parts that it must be the sum of. The residue is what
 * the parts leave unexplained; it is 0, or paritap has lost count of something and says so.
 */
#include "tools/report.h"

#define PT_LEDGER_ROW_MAX 24

struct pt_ledger_row {
    const char *name;
    uint64_t cnt;
    const char *help;
};

struct pt_ledger {
    const char *layer; /* "packets" */
    const char *total_name;
    uint64_t total;
    struct pt_ledger_row part[PT_LEDGER_ROW_MAX]; /* add up to total */
    size_t part_cnt;
    struct pt_ledger_row also[PT_LEDGER_ROW_MAX]; /* of interest, outside the sum */
    size_t also_cnt;
    int64_t residue; /* total - sum of parts */
};

enum pt_ledger_layer {
    PT_LEDGER_PACKETS,
    PT_LEDGER_STREAM_BYTES,
    PT_LEDGER_FRAMES,
    PT_LEDGER_BATCHES,
    PT_LEDGER_OFFSETS,
    PT_LEDGER_CNT
};

void pt_ledger_build(const struct pt_report *r, struct pt_ledger ret[PT_LEDGER_CNT]);

#endif
