/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/batch.h"

#include <lz4frame.h>
#include <snappy-c.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#include "hw/crc32c.h"

void batch_writer_fini(struct batch_writer *w)
{
    buf_fini(&w->records);
    buf_fini(&w->packed);
}

/* Hex digits that depend on the content: text that compresses as JSON does. */
static void put_value(struct buf *b, uint64_t content, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t x = content;

    buf_need(b, len);
    for (size_t i = 0; i < len; i++) {
        if (i % 16 == 0 && i) {
            x ^= x >> 29;
            x *= 0xbf58476d1ce4e5b9u;
            x ^= x >> 32;
        }
        b->data[b->len++] = (uint8_t)hex[x >> 4 * (i % 16) & 15];
    }
}

static void put_record(struct buf *b, const struct batch_record *rec, int64_t delta,
                       int64_t time_delta, uint32_t value_sz)
{
    char key[16];
    int key_len = -1;
    int64_t body;

    if (rec->content >> 32)
        key_len = snprintf(key, sizeof(key), "k%llx", (unsigned long long)rec->content >> 32);
    body = 1 + buf_varint_len(time_delta) + buf_varint_len(delta) + buf_varint_len(key_len) +
           (key_len > 0 ? key_len : 0) + buf_varint_len(value_sz) + value_sz + 1;
    buf_varint(b, body);
    buf_be(b, 0, 1);
    buf_varint(b, time_delta);
    buf_varint(b, delta);
    buf_varint(b, key_len);
    if (key_len > 0)
        buf_put(b, key, (size_t)key_len);
    buf_varint(b, value_sz);
    put_value(b, rec->content, value_sz);
    buf_varint(b, 0);
}

static void must(bool ok)
{
    if (!ok)
        abort();
}

static void gzip(struct buf *out, const struct buf *in)
{
    z_stream z = { 0 };

    must(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
    buf_need(out, deflateBound(&z, in->len));
    z.next_in = in->data;
    z.avail_in = (uInt)in->len;
    z.next_out = out->data;
    z.avail_out = (uInt)out->cap;
    must(deflate(&z, Z_FINISH) == Z_STREAM_END);
    out->len = z.total_out;
    deflateEnd(&z);
}

static const struct buf *pack(struct batch_writer *w, enum batch_codec codec)
{
    const struct buf *in = &w->records;
    struct buf *out = &w->packed;
    LZ4F_preferences_t pref = { .frameInfo = { .blockMode = LZ4F_blockIndependent } };

    out->len = 0;
    switch (codec) {
    case CODEC_GZIP:
        gzip(out, in);
        break;
    case CODEC_SNAPPY:
        buf_need(out, snappy_max_compressed_length(in->len));
        out->len = out->cap;
        must(snappy_compress((const char *)in->data, in->len, (char *)out->data, &out->len) ==
             SNAPPY_OK);
        break;
    case CODEC_LZ4:
        buf_need(out, LZ4F_compressFrameBound(in->len, &pref));
        out->len = LZ4F_compressFrame(out->data, out->cap, in->data, in->len, &pref);
        break;
    case CODEC_ZSTD:
        buf_need(out, ZSTD_compressBound(in->len));
        out->len = ZSTD_compress(out->data, out->cap, in->data, in->len, 1);
        break;
    case CODEC_NONE:
    case CODEC_CNT:
        return in;
    }
    return out;
}

static void put_header(struct batch_writer *w, struct buf *out, const struct batch_spec *spec,
                       int64_t first_ms, int64_t max_ms, uint32_t offset_cnt, uint32_t cnt)
{
    const struct buf *body = pack(w, spec->codec);
    size_t start = out->len;

    buf_be(out, 0, 8);
    buf_be(out, BATCH_HEADER_SZ - 12 + body->len, 4);
    buf_be(out, UINT32_MAX, 4);
    buf_be(out, 2, 1);
    buf_be(out, 0, 4);
    buf_be(out, (uint64_t)spec->codec | spec->flags, 2);
    buf_be(out, offset_cnt - 1, 4);
    buf_be(out, (uint64_t)first_ms, 8);
    buf_be(out, (uint64_t)max_ms, 8);
    buf_be(out, (uint64_t)spec->producer_id, 8);
    buf_be(out, (uint16_t)spec->producer_epoch, 2);
    buf_be(out, (uint32_t)spec->base_sequence, 4);
    buf_be(out, cnt, 4);
    buf_put(out, body->data, body->len);
    buf_be_at(out->data + start + 17, pt_crc32c(0, out->data + start + 21, out->len - start - 21),
              4);
}

void batch_put(struct batch_writer *w, struct buf *out, const struct batch_spec *spec,
               const struct batch_record *rec, uint32_t cnt)
{
    int64_t max_ms = rec[0].timestamp_ms;
    uint32_t kept = 0;

    w->records.len = 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (!rec[i].content)
            continue;
        kept++;
        put_record(&w->records, &rec[i], i, rec[i].timestamp_ms - rec[0].timestamp_ms,
                   spec->value_sz);
        if (rec[i].timestamp_ms > max_ms)
            max_ms = rec[i].timestamp_ms;
    }
    put_header(w, out, spec, rec[0].timestamp_ms, max_ms, cnt, kept);
}

void batch_put_marker(struct batch_writer *w, struct buf *out, int64_t producer_id,
                      int16_t producer_epoch, bool commit, int64_t timestamp_ms)
{
    const struct batch_spec spec = { .flags = BATCH_TXN | BATCH_CONTROL,
                                     .producer_id = producer_id,
                                     .producer_epoch = producer_epoch,
                                     .base_sequence = -1 };

    w->records.len = 0;
    buf_varint(&w->records, 1 + 1 + 1 + 1 + 4 + 1 + 6 + 1);
    buf_be(&w->records, 0, 1);
    buf_varint(&w->records, 0);
    buf_varint(&w->records, 0);
    buf_varint(&w->records, 4);
    buf_be(&w->records, 0, 2); /* version */
    buf_be(&w->records, commit, 2);
    buf_varint(&w->records, 6);
    buf_be(&w->records, 0, 2); /* version, coordinator epoch */
    buf_be(&w->records, 0, 4);
    buf_varint(&w->records, 0);
    put_header(w, out, &spec, timestamp_ms, timestamp_ms, 1, 1);
}

void batch_place(uint8_t *data, int64_t base_offset, int32_t leader_epoch)
{
    buf_be_at(data, (uint64_t)base_offset, 8);
    buf_be_at(data + 12, (uint32_t)leader_epoch, 4);
}
