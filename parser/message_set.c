/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/batch_pvt.h"

#include <libdeflate.h>

#include "parser/identity.h"

/* Message: offset 8 | size 4 | crc 4 | magic 1 | attributes 1 | [timestamp 8] | key | value, where
 * key and value are length 4 (-1 null) and bytes. */
#define MESSAGE_SZ_MIN 26 /* magic 0, both null */

struct message {
    int64_t offset;
    int64_t timestamp_ms;
    struct pt_view covered; /* by the checksum */
    struct pt_view key;
    struct pt_view value;
    uint32_t crc;
    uint8_t magic;
    uint8_t codec;
    bool log_append;
};

static struct pt_view cur_bytes(struct pt_cursor *c)
{
    int32_t len = pt_cur_i32(c);
    struct pt_view v = { NULL, 0 };

    if (len < -1) {
        pt_cur_fail(c);
    } else if (len >= 0) {
        v.data = pt_cur_take(c, (size_t)len);
        v.len = v.data ? (size_t)len : 0;
    }
    return v;
}

/* Steps over one message; false if c does not start with one, or its fields do not fill it. */
static bool read_message(struct pt_cursor *c, struct message *m)
{
    struct pt_cursor body;
    uint8_t attributes;
    int32_t size;

    *m = (struct message){ .offset = pt_cur_i64(c) };
    size = pt_cur_i32(c);
    if (size < 0 || (size_t)size > pt_cur_left(c)) {
        pt_cur_fail(c);
        return false;
    }
    body = pt_cur(pt_cur_take(c, (size_t)size), (size_t)size);
    m->crc = (uint32_t)pt_cur_i32(&body);
    m->covered = (struct pt_view){ body.at, pt_cur_left(&body) };
    m->magic = (uint8_t)pt_cur_i8(&body);
    attributes = (uint8_t)pt_cur_i8(&body);
    m->codec = attributes & 7;
    m->log_append = m->magic == 1 && attributes & 8;
    m->timestamp_ms = m->magic == 1 ? pt_cur_i64(&body) : -1;
    m->key = cur_bytes(&body);
    m->value = cur_bytes(&body);
    return pt_cur_ok(&body) && !pt_cur_left(&body);
}

static bool crc_matches(const struct message *m)
{
    return libdeflate_crc32(0, m->covered.data, m->covered.len) == m->crc;
}

enum pt_status pt_message_check(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                                struct pt_batch *out)
{
    struct pt_cursor c = pt_cur(data, len);
    struct message m;
    bool well_formed;

    if (len < (out->magic ? MESSAGE_SZ_MIN + 8 : MESSAGE_SZ_MIN))
        return PT_BAD_LENGTH;
    well_formed = read_message(&c, &m);
    out->base_offset = m.offset;
    out->last_offset = m.offset;
    out->base_timestamp_ms = m.timestamp_ms;
    out->max_timestamp_ms = m.timestamp_ms;
    out->producer_id = -1;
    out->producer_epoch = -1;
    out->base_sequence = -1;
    out->leader_epoch = -1;
    out->codec = m.codec;
    out->record_cnt = m.codec == PT_CODEC_NONE;
    out->flags = m.log_append ? PT_BATCH_LOG_APPEND : 0;
    out->fingerprint = pt_fingerprint(r, m.crc, m.covered, out);
    if (!crc_matches(&m))
        return PT_BAD_CRC;
    if (!well_formed)
        return PT_BAD_LENGTH;
    return m.offset < 0 ? PT_BAD_VALUE : PT_OK;
}

/* Reads the plain messages of a wrapper; deltas are relative to the first one's offset. */
static enum pt_status read_inner(struct pt_batch_reader *r, struct pt_cursor c,
                                 const struct message *wrapper, bool produce, int64_t *ret_first,
                                 int64_t *ret_last)
{
    int64_t first = 0;
    int64_t last = -1;
    uint32_t cnt = 0;

    for (; pt_cur_left(&c); cnt++) {
        struct pt_record *rec;
        struct message m;
        enum pt_status st;

        if (!read_message(&c, &m))
            return PT_BAD_RECORD;
        /* Kafka's readers since 0.10 want the wrapper's magic inside. But kafka-node 5 put magic 1
         * into wrappers of magic 0, and 0.9 brokers stored that. */
        if (m.magic > 1 || m.codec != PT_CODEC_NONE)
            return PT_BAD_RECORD;
        if (!crc_matches(&m))
            return PT_BAD_CRC;
        if (produce)
            m.offset = cnt;
        if (m.offset <= last)
            return PT_BAD_RECORD;
        if (!cnt)
            first = m.offset;
        last = m.offset;
        if (last - first > INT32_MAX)
            return PT_BAD_RECORD;
        st = pt_reader_room(r, cnt + 1);
        if (st != PT_OK)
            return st;
        rec = &r->rec[cnt];
        pt_identity_record(r->cfg.hash_key, m.key, m.value, 0, rec);
        rec->timestamp_ms = wrapper->log_append ? wrapper->timestamp_ms : m.timestamp_ms;
        rec->offset_delta = (int32_t)(last - first);
    }
    if (!cnt)
        return PT_BAD_RECORD;
    r->rec_cnt = cnt;
    *ret_first = first;
    *ret_last = last;
    return PT_OK;
}

static enum pt_status read_wrapper(struct pt_batch_reader *r, const struct message *wrapper,
                                   bool produce, struct pt_batch *out)
{
    enum pt_status st;
    int64_t first;
    int64_t last;

    /* zstd came after these formats; brokers answer error 76. */
    if (wrapper->codec > PT_CODEC_LZ4)
        return PT_BAD_CODEC;
    if (!wrapper->value.data)
        return PT_BAD_RECORD;
    st = pt_reader_inflate(r, (enum pt_codec)wrapper->codec, wrapper->magic, wrapper->value.data,
                           wrapper->value.len, &r->records);
    if (st == PT_OK)
        st = read_inner(r, r->records, wrapper, produce, &first, &last);
    if (st != PT_OK)
        return st;
    /* Inner offsets are absolute in magic 0, and in magic 1 relative to an unknown base that the
     * wrapper's offset, which is that of the last message, gives away. A wrapper's offset 0 comes
     * from versions of librdkafka that did not set it: then, as in Kafka's own reader, the base is
     * 0. */
    if (wrapper->magic == 1 && !produce && wrapper->offset) {
        if (last > wrapper->offset)
            return PT_BAD_RECORD;
        first += wrapper->offset - last;
        last = wrapper->offset;
    }
    out->base_offset = first;
    out->last_offset = last;
    out->record_cnt = r->rec_cnt;
    out->base_timestamp_ms = r->rec[0].timestamp_ms;
    return PT_OK;
}

enum pt_status pt_message_records(struct pt_batch_reader *r, const uint8_t *data, size_t len,
                                  bool produce, struct pt_batch *out)
{
    struct pt_cursor c = pt_cur(data, len);
    enum pt_status st;
    struct message m;

    if (!read_message(&c, &m))
        return PT_BAD_LENGTH;
    if (m.codec != PT_CODEC_NONE)
        return read_wrapper(r, &m, produce, out);
    st = pt_reader_room(r, 1);
    if (st != PT_OK)
        return st;
    pt_identity_record(r->cfg.hash_key, m.key, m.value, 0, &r->rec[0]);
    r->rec[0].timestamp_ms = m.timestamp_ms;
    r->rec[0].offset_delta = 0;
    r->records = pt_cur(data, len);
    r->rec_cnt = 1;
    if (produce)
        out->base_offset = out->last_offset = 0;
    return PT_OK;
}

void pt_message_views(struct pt_cursor *c, struct pt_view *ret_key, struct pt_view *ret_value)
{
    struct message m;

    read_message(c, &m);
    *ret_key = m.key;
    *ret_value = m.value;
}
