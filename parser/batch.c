/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/batch.h"

#include <errno.h>

#include "hw/crc32c.h"
#include "hw/hash.h"
#include "parser/batch_pvt.h"
#include "parser/identity.h"

#define ATTRIBUTES_OFF 21 /* the checksum covers from here on */

#define ATTRIBUTE_CODEC 0x07
#define ATTRIBUTE_LOG_APPEND 0x08
#define ATTRIBUTE_TRANSACTIONAL 0x10
#define ATTRIBUTE_CONTROL 0x20

/* Smallest record: length, attributes, both deltas, null key and value, no headers: a byte each. */
#define RECORD_SZ_MIN 7
#define HEADER_SZ_MIN 2

/* Enough for most batches, so that growing is rare; and one batch's bytes stay in the cache. */
#define INFLATED_SZ_START (256u * 1024u)
#define RECORDS_START 1024u

#define CONTROL_ABORT 0
#define CONTROL_COMMIT 1

int pt_batch_reader_open(struct pt_mem *mem, const struct pt_batch_cfg *cfg,
                         struct pt_batch_reader **ret_reader)
{
    struct pt_batch_reader *r;

    if (!cfg->inflated_max || !cfg->record_max)
        return -EINVAL;
    r = pt_mem_zalloc(mem, sizeof(*r));
    if (!r)
        return -ENOMEM;
    r->mem = mem;
    r->cfg = *cfg;
    if (pt_codec_open(&r->codec)) {
        pt_batch_reader_close(r);
        return -ENOMEM;
    }
    *ret_reader = r;
    return 0;
}

void pt_batch_reader_close(struct pt_batch_reader *r)
{
    if (!r)
        return;
    pt_codec_close(r->codec);
    pt_mem_free(r->mem, r->inflated, r->inflated_sz);
    pt_mem_free(r->mem, r->rec, r->rec_sz * sizeof(*r->rec));
    pt_mem_free(r->mem, r, sizeof(*r));
}

/* The next size of a buffer that starts at start, doubles, and ends at max; 0 if it is there. */
static uint32_t next_size(size_t size, uint32_t start, uint32_t max)
{
    if (size >= max)
        return 0;
    if (size > max / 2)
        return max;
    return size ? (uint32_t)(2 * size) : start < max ? start : max;
}

static bool grow_inflated(struct pt_batch_reader *r)
{
    uint32_t size = next_size(r->inflated_sz, INFLATED_SZ_START, r->cfg.inflated_max);
    uint8_t *p = size ? pt_mem_resize(r->mem, r->inflated, r->inflated_sz, size) : NULL;

    if (!p)
        return false;
    r->inflated = p;
    r->inflated_sz = size;
    return true;
}

enum pt_status pt_reader_inflate(struct pt_batch_reader *r, enum pt_codec codec, unsigned magic,
                                 const uint8_t *data, size_t len, struct pt_cursor *ret_records)
{
    size_t inflated_len = 0;
    enum pt_status st = PT_OVERSIZE;

    /* What does not fit is read again with twice the room: at most twice the work, and only until
     * the buffer has the size that this traffic needs. */
    while (r->inflated_sz || grow_inflated(r)) {
        st = pt_codec_inflate(r->codec, codec, magic, data, len, r->inflated, r->inflated_sz,
                              &inflated_len);
        if (st != PT_OVERSIZE || !grow_inflated(r))
            break;
    }
    if (st == PT_OK)
        *ret_records = pt_cur(r->inflated, inflated_len);
    return st;
}

enum pt_status pt_reader_room(struct pt_batch_reader *r, uint32_t cnt)
{
    if (cnt > r->cfg.record_max)
        return PT_OVERSIZE;
    while (cnt > r->rec_sz) {
        uint32_t size = next_size(r->rec_sz, RECORDS_START, r->cfg.record_max);
        struct pt_record *p =
                pt_mem_resize(r->mem, r->rec, r->rec_sz * sizeof(*p), size * sizeof(*p));

        if (!p)
            return PT_OVERSIZE;
        r->rec = p;
        r->rec_sz = size;
    }
    return PT_OK;
}

#define FINGERPRINT_END_SZ 64u

uint64_t pt_fingerprint(const struct pt_batch_reader *r, uint32_t crc, struct pt_view covered,
                        const struct pt_batch *b)
{
    uint32_t end_sz = covered.len < FINGERPRINT_END_SZ ? (uint32_t)covered.len : FINGERPRINT_END_SZ;
    struct {
        uint32_t words[4];
        uint8_t first[FINGERPRINT_END_SZ];
        uint8_t last[FINGERPRINT_END_SZ];
    } text = { .words = { crc, b->batch_sz, b->record_cnt, b->magic } };

    memcpy(text.first, covered.data, end_sz);
    memcpy(text.last, covered.data + covered.len - end_sz, end_sz);
    return pt_hash64(r->cfg.hash_key, &text, sizeof(text));
}

uint32_t pt_entry_size(const uint8_t prefix[PT_ENTRY_PREFIX_SZ], int64_t *ret_offset)
{
    uint32_t len = pt_be32(prefix + 8);

    *ret_offset = (int64_t)pt_be64(prefix);
    return len < 14 || len > INT32_MAX ? 0 : PT_ENTRY_PREFIX_SZ + len;
}

#define OFFSET_MAX (1ll << 48)

bool pt_batch_likely(const uint8_t head[PT_BATCH_HEADER_SZ])
{
    struct pt_cursor c = pt_cur(head, PT_BATCH_HEADER_SZ);
    int64_t base_offset = pt_cur_i64(&c);
    int32_t batch_length = pt_cur_i32(&c);
    uint16_t attributes;
    int32_t last_offset_delta;
    int32_t record_cnt;
    int8_t magic;

    (void)pt_cur_i32(&c); /* leader_epoch */
    magic = pt_cur_i8(&c);
    (void)pt_cur_i32(&c); /* crc */
    attributes = (uint16_t)pt_cur_i16(&c);
    last_offset_delta = pt_cur_i32(&c);
    (void)pt_cur_take(&c, 30); /* timestamps, producer */
    record_cnt = pt_cur_i32(&c);
    return magic == 2 && base_offset >= 0 && base_offset < OFFSET_MAX &&
           batch_length >= PT_BATCH_HEADER_SZ - PT_ENTRY_PREFIX_SZ && attributes < 0x80 &&
           last_offset_delta >= 0 && record_cnt >= 0 &&
           record_cnt <= (int64_t)last_offset_delta + 1;
}

/* A header's fields that struct pt_batch has no room for. */
struct raw_head {
    struct pt_view covered; /* by the checksum */
    int32_t last_offset_delta;
    int32_t record_cnt;
    uint32_t crc;
};

static bool read_head(const struct pt_batch_reader *r, const uint8_t *data, size_t len,
                      struct pt_batch *out, struct raw_head *raw)
{
    struct pt_cursor c = pt_cur(data + PT_ENTRY_PREFIX_SZ, len - PT_ENTRY_PREFIX_SZ);
    uint16_t attributes;

    raw->covered = (struct pt_view){ data + ATTRIBUTES_OFF, len - ATTRIBUTES_OFF };
    out->leader_epoch = pt_cur_i32(&c);
    pt_cur_i8(&c); /* magic */
    raw->crc = (uint32_t)pt_cur_i32(&c);
    attributes = (uint16_t)pt_cur_i16(&c);
    raw->last_offset_delta = pt_cur_i32(&c);
    out->base_timestamp_ms = pt_cur_i64(&c);
    out->max_timestamp_ms = pt_cur_i64(&c);
    out->producer_id = pt_cur_i64(&c);
    out->producer_epoch = pt_cur_i16(&c);
    out->base_sequence = pt_cur_i32(&c);
    raw->record_cnt = pt_cur_i32(&c);
    if (!pt_cur_ok(&c))
        return false;
    out->codec = attributes & ATTRIBUTE_CODEC;
    out->flags = 0;
    if (attributes & ATTRIBUTE_LOG_APPEND)
        out->flags |= PT_BATCH_LOG_APPEND;
    if (attributes & ATTRIBUTE_TRANSACTIONAL)
        out->flags |= PT_BATCH_TRANSACTIONAL;
    if (attributes & ATTRIBUTE_CONTROL)
        out->flags |= PT_BATCH_CONTROL;
    out->record_cnt = raw->record_cnt < 0 ? 0 : (uint32_t)raw->record_cnt;
    out->last_offset = (int64_t)((uint64_t)out->base_offset + (uint64_t)raw->last_offset_delta);
    out->fingerprint = pt_fingerprint(r, raw->crc, raw->covered, out);
    return true;
}

static enum pt_status check_batch(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                                  struct pt_batch *out)
{
    struct raw_head raw;

    if (!read_head(r, data, len, out, &raw))
        return PT_BAD_LENGTH;
    if (pt_crc32c(0, raw.covered.data, raw.covered.len) != raw.crc)
        return PT_BAD_CRC;
    if (out->base_offset < 0 || raw.last_offset_delta < 0 || out->last_offset < out->base_offset)
        return PT_BAD_VALUE;
    /* Compaction leaves a batch with fewer records than offsets, or none. */
    if (raw.record_cnt < 0 || raw.record_cnt > (int64_t)raw.last_offset_delta + 1)
        return PT_BAD_VALUE;
    return PT_OK;
}

/* begin fills in what stands in front of the checksum, in all formats. */
static bool begin(const uint8_t *data, size_t len, struct pt_batch *out)
{
    *out = (struct pt_batch){ 0 };
    if (len <= PT_ENTRY_MAGIC_OFF || pt_entry_size(data, &out->base_offset) != len)
        return false;
    out->batch_sz = (uint32_t)len;
    out->magic = data[PT_ENTRY_MAGIC_OFF];
    return true;
}

bool pt_batch_head(const struct pt_batch_reader *r, const uint8_t *data, size_t len,
                   struct pt_batch *out)
{
    struct raw_head raw;

    return begin(data, len, out) && out->magic == 2 && read_head(r, data, len, out, &raw);
}

enum pt_status pt_batch_check(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                              struct pt_batch *out)
{
    if (!begin(data, len, out))
        return PT_BAD_LENGTH;
    switch (out->magic) {
    case 0:
    case 1:
        return pt_message_check(r, data, len, out);
    case 2:
        return check_batch(r, data, len, out);
    default:
        return PT_BAD_MAGIC;
    }
}

struct raw_record {
    int64_t timestamp_delta;
    int32_t offset_delta;
    struct pt_view key;
    struct pt_view value;
    uint64_t headers; /* pt_identity_headers */
};

static inline struct pt_view cur_bytes(struct pt_cursor *c, int32_t len_min)
{
    int32_t len = pt_cur_varint32(c);
    struct pt_view v = { NULL, 0 };

    if (len < len_min) {
        pt_cur_fail(c);
    } else if (len >= 0) {
        v.data = pt_cur_take(c, (size_t)len);
        v.len = v.data ? (size_t)len : 0;
    }
    return v;
}

/* Steps over one record; false if c does not start with one, or its fields do not fill it. */
static inline bool read_record(struct pt_cursor *c, uint64_t hash_key, struct raw_record *rec)
{
    int32_t len = pt_cur_varint32(c);
    int32_t header_cnt;
    struct pt_cursor body;

    if (len < 0 || (size_t)len > pt_cur_left(c)) {
        pt_cur_fail(c);
        return false;
    }
    body = pt_cur(pt_cur_take(c, (size_t)len), (size_t)len);
    pt_cur_i8(&body); /* attributes, unused so far */
    rec->timestamp_delta = pt_cur_varint64(&body);
    rec->offset_delta = pt_cur_varint32(&body);
    rec->key = cur_bytes(&body, -1);
    rec->value = cur_bytes(&body, -1);
    header_cnt = pt_cur_varint32(&body);
    if (header_cnt < 0 || (size_t)header_cnt > pt_cur_left(&body) / HEADER_SZ_MIN)
        return false;
    rec->headers = 0;
    for (int32_t i = 0; i < header_cnt; i++) {
        struct pt_view name = cur_bytes(&body, 0);
        struct pt_view value = cur_bytes(&body, -1);

        rec->headers = pt_identity_headers(hash_key, rec->headers, name, value);
    }
    return pt_cur_ok(&body) && !pt_cur_left(&body);
}

static enum pt_status read_records(struct pt_batch_reader *r, struct pt_cursor c, bool produce,
                                   const struct pt_batch *b)
{
    int64_t last_offset_delta = b->last_offset - b->base_offset;
    int32_t before = -1;

    for (uint32_t i = 0; i < b->record_cnt; i++) {
        struct pt_record *rec = &r->rec[i];
        struct raw_record raw;

        if (!read_record(&c, r->cfg.hash_key, &raw))
            return PT_BAD_RECORD;
        if (produce)
            raw.offset_delta = (int32_t)i;
        if (raw.offset_delta <= before || raw.offset_delta > last_offset_delta)
            return PT_BAD_RECORD;
        before = raw.offset_delta;
        pt_identity_record(r->cfg.hash_key, raw.key, raw.value, raw.headers, rec);
        rec->offset_delta = raw.offset_delta;
        rec->timestamp_ms = b->max_timestamp_ms;
        if (!(b->flags & PT_BATCH_LOG_APPEND))
            rec->timestamp_ms =
                    (int64_t)((uint64_t)b->base_timestamp_ms + (uint64_t)raw.timestamp_delta);
    }
    return pt_cur_left(&c) ? PT_BAD_RECORD : PT_OK;
}

/* The marker that ends a transaction is a single record with key version 2 | type 2. Other types
 * are the business of KRaft, and are to be ignored. */
static enum pt_status read_control(struct pt_cursor c, struct pt_batch *b)
{
    struct raw_record raw;
    struct pt_cursor key;
    int16_t type;

    if (!read_record(&c, 0, &raw))
        return PT_BAD_RECORD;
    key = pt_cur(raw.key.data, raw.key.len);
    pt_cur_i16(&key); /* version: later ones only append */
    type = pt_cur_i16(&key);
    if (!pt_cur_ok(&key))
        return PT_BAD_RECORD;
    if (type == CONTROL_ABORT)
        b->flags |= PT_BATCH_ABORT;
    if (type == CONTROL_COMMIT)
        b->flags |= PT_BATCH_COMMIT;
    return PT_OK;
}

static enum pt_status batch_records(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                                    bool produce, struct pt_batch *b)
{
    const uint8_t *payload = data + PT_BATCH_HEADER_SZ;
    size_t payload_len = len - PT_BATCH_HEADER_SZ;
    enum pt_status st;

    if (b->record_cnt > r->cfg.record_max)
        return PT_OVERSIZE;
    r->records = pt_cur(payload, payload_len);
    /* The cleaner clears the codec of a batch that it empties, but nothing depends on that. */
    if (b->codec != PT_CODEC_NONE && payload_len) {
        st = pt_reader_inflate(r, (enum pt_codec)b->codec, b->magic, payload, payload_len,
                               &r->records);
        if (st != PT_OK)
            return st;
    }
    if (b->record_cnt > pt_cur_left(&r->records) / RECORD_SZ_MIN)
        return PT_BAD_RECORD;
    st = pt_reader_room(r, b->record_cnt);
    if (st == PT_OK)
        st = read_records(r, r->records, produce, b);
    if (st == PT_OK && b->flags & PT_BATCH_CONTROL && b->record_cnt)
        st = read_control(r->records, b);
    if (st != PT_OK)
        return st;
    r->rec_cnt = b->record_cnt;
    if (produce) {
        b->last_offset -= b->base_offset;
        b->base_offset = 0;
    }
    return PT_OK;
}

enum pt_status pt_batch_records(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                                int produce, struct pt_batch *out, const struct pt_record **ret_rec)
{
    enum pt_status st;

    r->rec_cnt = 0;
    r->value_idx = 0;
    r->magic = out->magic;
    if (out->magic == 2)
        st = batch_records(r, data, len, produce, out);
    else
        st = pt_message_records(r, data, len, produce, out);
    if (st != PT_OK) {
        r->rec_cnt = 0;
        return st;
    }
    r->value_at = r->records;
    *ret_rec = r->rec;
    return PT_OK;
}

enum pt_status pt_batch_value(struct pt_batch_reader *r, uint32_t idx, struct pt_view *ret_key,
                              struct pt_view *ret_value)
{
    if (idx >= r->rec_cnt)
        return PT_BAD_VALUE;
    /* Records are walked again, not remembered; from the last one on, so that a loop is linear. */
    if (idx < r->value_idx) {
        r->value_at = r->records;
        r->value_idx = 0;
    }
    for (; r->value_idx <= idx; r->value_idx++) {
        if (r->magic == 2) {
            struct raw_record raw;

            read_record(&r->value_at, r->cfg.hash_key, &raw);
            *ret_key = raw.key;
            *ret_value = raw.value;
        } else {
            pt_message_views(&r->value_at, ret_key, ret_value);
        }
    }
    return PT_OK;
}
