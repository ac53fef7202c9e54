/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_BATCH_H
#define PT_PARSER_BATCH_H
/*
 * One entry of a records field: a record batch (magic 2) or a message / compressed message set
 * (magic 0, 1). Called by the body handlers with the whole entry contiguous; checks the CRC, then
 * decompresses, walks the records and gives each its identity (design.md section 5).
 *
 *   magic 2:  base_offset 8 | batch_length 4 | leader_epoch 4 | magic 1 | crc 4 |<- CRC-32C covers
 *             attributes 2 | last_offset_delta 4 | base_ts 8 | max_ts 8 | pid 8 | epoch 2 |
 *             base_seq 4 | count 4 | records, plain or one compressed stream
 *   magic 0:  offset 8 | size 4 | crc 4 |<- CRC-32 covers  magic 1 | attributes 1 | key | value
 *   magic 1:  the same with timestamp 8 behind attributes
 *
 * Memory: a struct pt_batch_reader holds scratch for decompression and records, which grows with
 * what is read up to the bounds of its configuration; one reader per core. Nothing of the input is
 * kept.
 */
#include "hw/memory.h"
#include "parser/codec.h"
#include "parser/cursor.h"
#include "parser/observation.h"
#include "parser/status.h"

/* base_offset/offset and batch_length/size: known before anything else of an entry. */
#define PT_ENTRY_PREFIX_SZ 12
/* Up to and including the magic byte, at the same place in all formats. */
#define PT_ENTRY_MAGIC_OFF 16
#define PT_BATCH_HEADER_SZ 61

struct pt_batch_cfg {
    uint64_t hash_key;     /* keys every identity; a fixed default in replay */
    uint32_t inflated_max; /* bytes that one batch may decompress to; a larger one is OVERSIZE */
    uint32_t record_max;   /* records of one batch; a larger count is OVERSIZE */
};

/* What the header says, and, once read, the records. Fields of a batch whose status is PT_BAD_CRC
 * are hearsay. */
struct pt_batch {
    int64_t base_offset; /* as on the wire; old compressed sets: of the first record, derived from
                            the inner offsets; 0 once the records of a Produce are read */
    int64_t last_offset;
    int64_t producer_id;
    int64_t base_timestamp_ms;
    int64_t max_timestamp_ms;
    uint64_t fingerprint; /* over magic, CRC, length, count and the first and last 64 bytes of what
                             the CRC covers; keyed */
    uint32_t batch_sz;    /* prefix included */
    uint32_t record_cnt;
    int32_t base_sequence;
    int32_t leader_epoch;
    int16_t producer_epoch;
    uint16_t flags; /* PT_BATCH_TRANSACTIONAL, _CONTROL, _COMMIT, _ABORT, _LOG_APPEND */
    uint8_t magic;
    uint8_t codec;
};

struct pt_batch_reader;

/* pt_batch_reader_open takes its scratch from mem. 0 or -EINVAL / -ENOMEM. */
int pt_batch_reader_open(struct pt_mem *mem, const struct pt_batch_cfg *cfg,
                         struct pt_batch_reader **ret_reader);
void pt_batch_reader_close(struct pt_batch_reader *r);

/* pt_entry_size returns the whole size of the entry that starts with these PT_ENTRY_PREFIX_SZ
 * bytes, prefix included, or 0 if its length field is below the smallest entry (14). */
uint32_t pt_entry_size(const uint8_t prefix[PT_ENTRY_PREFIX_SZ], int64_t *ret_offset);

/* pt_batch_likely: these PT_BATCH_HEADER_SZ bytes may be the header of a batch of magic 2, by what
 * its fields can hold: some sixty bits that random bytes do not meet. Offsets above 2^48 are none.
 */
bool pt_batch_likely(const uint8_t head[PT_BATCH_HEADER_SZ]);

/* pt_batch_head reads the header of the whole entry [data, data+len) of magic 2 and makes its
 * fingerprint, without a look at the checksum: everything in out is hearsay, until the fingerprint
 * proves to be that of a batch whose checksum was good. Then all that the fingerprint covers is
 * proven with it: last_offset - base_offset, flags, producer, counts; not base_offset and
 * leader_epoch, which no checksum covers. False: another format, or no header. */
bool pt_batch_head(const struct pt_batch_reader *r, const uint8_t *data, size_t len,
                   struct pt_batch *out);

/* pt_batch_check reads the header of the whole entry [data, data+len) and verifies its checksum.
 * PT_OK, PT_BAD_CRC (out filled, hearsay), PT_BAD_MAGIC, PT_BAD_LENGTH, PT_BAD_VALUE. For a
 * compressed old-format set record_cnt and base_offset are only known after pt_batch_records. */
enum pt_status pt_batch_check(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                              struct pt_batch *out);

/* pt_batch_records decodes the records of an entry that pt_batch_check called PT_OK. On PT_OK
 * *ret_rec points to out->record_cnt records in the reader's scratch, valid until the next call, in
 * offset order, offset_delta relative to out->base_offset (which, like last_offset and record_cnt,
 * is completed here for old formats). Control batches give their one record and PT_BATCH_COMMIT /
 * _ABORT. produce: offsets on the wire are the client's own (old clients write 0 everywhere), so
 * records are numbered 0, 1, 2 ... and base_offset is 0; last_offset is then that of this entry
 * alone. PT_BAD_CODEC, PT_BAD_RECORD, PT_BAD_LENGTH, PT_BAD_CRC (an inner message of an old set),
 * PT_OVERSIZE otherwise; then nothing was returned. */
enum pt_status pt_batch_records(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                                int produce, struct pt_batch *out,
                                const struct pt_record **ret_rec);

/* pt_batch_value is for the few logs whose records paritap itself must read (the controllers'
 * metadata log): views of key and value of record idx of the batch that pt_batch_records decoded
 * last. PT_OK, or PT_BAD_VALUE past the last record, or when that failed. Valid until the reader's
 * next decode, and for uncompressed batches only as long as the bytes of the entry are. */
enum pt_status pt_batch_value(struct pt_batch_reader *r, uint32_t idx, struct pt_view *ret_key,
                              struct pt_view *ret_value);

#endif
