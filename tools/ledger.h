/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_LEDGER_H
#define PT_TOOLS_LEDGER_H
/*
 * The books: for each layer a total and the parts that it must be the sum of. The residue is what
 * the parts leave unexplained; it is 0, or paritap has lost count of something and says so.
 */
#include "tools/report.h"

#define PT_LEDGER_ROW_MAX 12

struct pt_ledger_row {
    const char *name;
    uint64_t cnt;
};

struct pt_ledger {
    const char *layer; /* "packets" */
    const char *total_name;
    uint64_t total;
    struct pt_ledger_row part[PT_LEDGER_ROW_MAX]; /* add up to total */
    size_t part_cnt;
    int64_t residue; /* total - sum of parts */
};

enum pt_ledger_layer {
    PT_LEDGER_PACKETS,
    PT_LEDGER_STREAM_BYTES,
    PT_LEDGER_FRAME_BYTES,
    PT_LEDGER_FRAMES,
    PT_LEDGER_BATCHES,
    PT_LEDGER_OFFSETS,
    PT_LEDGER_CNT
};

/* Every counter of a stage, from the list of the room that keeps it. */
struct pt_counter_row {
    const char *name;
    size_t off; /* of the uint64_t in the stage's struct */
};

struct pt_counters {
    const char *stage; /* "stream" */
    const void *stats;
    const struct pt_counter_row *row;
    size_t row_cnt;
};

enum pt_counter_stage {
    PT_COUNTERS_PACKET,
    PT_COUNTERS_FRAGMENT,
    PT_COUNTERS_MIRROR,
    PT_COUNTERS_STREAM,
    PT_COUNTERS_PARSER,
    PT_COUNTERS_SHARD,
    PT_COUNTERS_CNT
};

void pt_counters_build(const struct pt_report *r, struct pt_counters ret[PT_COUNTERS_CNT]);
uint64_t pt_counter_value(const struct pt_counters *c, size_t row);

/* pt_ledger_packet_part names the part of the packets that are of this kind. */
const char *pt_ledger_packet_part(unsigned kind);

void pt_ledger_build(const struct pt_report *r, struct pt_ledger ret[PT_LEDGER_CNT]);

#endif
