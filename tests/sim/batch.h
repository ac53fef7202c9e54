/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_BATCH_H
#define PT_TESTS_SIM_BATCH_H
/*
 * Record batches (magic 2) as producers and brokers write them. A record is what it carries, as
 * one number: the key is made of the high half (0: null), the value of all of it, so that two
 * records are equal exactly if their contents and timestamps are.
 *
 *   base_offset 8 | length 4 | leader_epoch 4 | magic 1 | crc 4 | attributes 2 | ... | records
 *   by the broker                                        over all behind it
 */
#include "tests/sim/buf.h"

#define BATCH_HEADER_SZ 61u
#define BATCH_TXN 0x10u
#define BATCH_CONTROL 0x20u

enum batch_codec { CODEC_NONE, CODEC_GZIP, CODEC_SNAPPY, CODEC_LZ4, CODEC_ZSTD, CODEC_CNT };

struct batch_record {
    uint64_t content; /* 0: compaction took it, but not its offset */
    int64_t timestamp_ms;
};

struct batch_spec {
    enum batch_codec codec;
    uint16_t flags;
    int64_t producer_id; /* -1 none */
    int16_t producer_epoch;
    int32_t base_sequence;
    uint32_t value_sz; /* bytes of a value, at least 8 */
};

/* What writing batches needs in between. */
struct batch_writer {
    struct buf records;
    struct buf packed;
};

void batch_writer_fini(struct batch_writer *w);

/* batch_put appends one batch of cnt >= 1 offsets to out, at base offset 0. */
void batch_put(struct batch_writer *w, struct buf *out, const struct batch_spec *spec,
               const struct batch_record *rec, uint32_t cnt);

/* batch_put_marker appends the control batch that ends a transaction. */
void batch_put_marker(struct batch_writer *w, struct buf *out, int64_t producer_id,
                      int16_t producer_epoch, bool commit, int64_t timestamp_ms);

/* batch_place writes what the broker decides into the batch at data. */
void batch_place(uint8_t *data, int64_t base_offset, int32_t leader_epoch);

#endif
