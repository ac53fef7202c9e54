/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_BATCH_PVT_H
#define PT_PARSER_BATCH_PVT_H
/*
 * What batch.c (magic 2, and the doors that parser/batch.h describes) and message_set.c (magic 0,
 * 1) share: the reader with its scratch. Nobody else includes this.
 */
#include "parser/batch.h"

struct pt_batch_reader {
    struct pt_mem *mem;
    struct pt_batch_cfg cfg;
    struct pt_codec_ctx *codec;
    uint8_t *inflated; /* grows by doubling up to cfg.inflated_max */
    size_t inflated_sz;
    struct pt_record *rec; /* grows likewise up to cfg.record_max */
    uint32_t rec_sz;       /* room in records */
    uint32_t rec_cnt;

    /* For pt_batch_value: the last decoded records, and how far it walked through them. */
    struct pt_cursor records;
    struct pt_cursor value_at;
    uint32_t value_idx;
    uint8_t magic;
};

/* pt_reader_inflate decompresses into r->inflated and gives a cursor over it. PT_OVERSIZE past
 * inflated_max, or when the budget has no more. */
enum pt_status pt_reader_inflate(struct pt_batch_reader *r, enum pt_codec codec, unsigned magic,
                                 const uint8_t *data, size_t len, struct pt_cursor *ret_records);

/* pt_reader_room makes room for cnt records; PT_OVERSIZE past record_max or the budget. */
enum pt_status pt_reader_room(struct pt_batch_reader *r, uint32_t cnt);

/* pt_fingerprint is pt_batch.fingerprint: covered is what the checksum covers. */
uint64_t pt_fingerprint(const struct pt_batch_reader *r, uint32_t crc, struct pt_view covered,
                        const struct pt_batch *b);

/* The magic 0/1 sides of pt_batch_check and pt_batch_records; len and magic are checked already. */
enum pt_status pt_message_check(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                                struct pt_batch *out);
enum pt_status pt_message_records(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                                  bool produce, struct pt_batch *out);

/* pt_message_views steps over one plain message of a set that was decoded before. */
void pt_message_views(struct pt_cursor *c, struct pt_view *ret_key, struct pt_view *ret_value);

#endif
