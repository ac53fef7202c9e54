/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/codec.h"

#include <errno.h>
#include <libdeflate.h>
#include <lz4.h>
#include <snappy-c.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "parser/cursor.h"

struct pt_codec_ctx {
    struct libdeflate_decompressor *gzip;
    ZSTD_DCtx *zstd;
};

/* What a decoder of one codec has to fill; used_len grows from 0. */
struct sink {
    uint8_t *data;
    size_t max;
    size_t used_len;
};

const char *pt_codec_name(unsigned codec)
{
    static const char *const names[PT_CODEC_CNT] = { "none", "gzip", "snappy", "lz4", "zstd" };

    return codec < PT_CODEC_CNT ? names[codec] : "unknown";
}

int pt_codec_open(struct pt_codec_ctx **ret_ctx)
{
    struct pt_codec_ctx *ctx = calloc(1, sizeof(*ctx));

    if (!ctx)
        return -ENOMEM;
    ctx->gzip = libdeflate_alloc_decompressor();
    ctx->zstd = ZSTD_createDCtx();
    if (!ctx->gzip || !ctx->zstd) {
        pt_codec_close(ctx);
        return -ENOMEM;
    }
    *ret_ctx = ctx;
    return 0;
}

void pt_codec_close(struct pt_codec_ctx *ctx)
{
    if (!ctx)
        return;
    if (ctx->gzip)
        libdeflate_free_decompressor(ctx->gzip);
    ZSTD_freeDCtx(ctx->zstd);
    free(ctx);
}

static enum pt_status inflate_gzip(struct pt_codec_ctx *ctx, struct pt_cursor c, struct sink *s)
{
    do {
        size_t in_len = 0;
        size_t out_len = 0;

        switch (libdeflate_gzip_decompress_ex(ctx->gzip, c.at, pt_cur_left(&c),
                                              s->data + s->used_len, s->max - s->used_len, &in_len,
                                              &out_len)) {
        case LIBDEFLATE_SUCCESS:
            break;
        case LIBDEFLATE_INSUFFICIENT_SPACE:
            return PT_OVERSIZE;
        default:
            return PT_BAD_CODEC;
        }
        s->used_len += out_len;
        pt_cur_take(&c, in_len);
    } while (pt_cur_left(&c));
    return PT_OK;
}

static enum pt_status inflate_snappy_block(const uint8_t *in, size_t in_len, struct sink *s)
{
    const char *text = (const char *)in;
    size_t out_len = 0;

    if (snappy_uncompressed_length(text, in_len, &out_len) != SNAPPY_OK)
        return PT_BAD_CODEC;
    if (out_len > s->max - s->used_len)
        return PT_OVERSIZE;
    if (snappy_uncompress(text, in_len, (char *)s->data + s->used_len, &out_len) != SNAPPY_OK)
        return PT_BAD_CODEC;
    s->used_len += out_len;
    return PT_OK;
}

#define XERIAL_HEADER_SZ 16

static enum pt_status inflate_snappy(struct pt_cursor c, struct sink *s)
{
    static const uint8_t magic[8] = { 0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0 };

    if (pt_cur_left(&c) < XERIAL_HEADER_SZ || memcmp(c.at, magic, sizeof(magic)))
        return inflate_snappy_block(c.at, pt_cur_left(&c), s);
    while (pt_cur_left(&c)) {
        const uint8_t *block;
        uint32_t block_len;
        enum pt_status st;

        /* snappy-java reads concatenated streams, so a header may come again. */
        if (pt_cur_left(&c) >= XERIAL_HEADER_SZ && !memcmp(c.at, magic, sizeof(magic))) {
            pt_cur_take(&c, XERIAL_HEADER_SZ);
            continue;
        }
        block_len = (uint32_t)pt_cur_i32(&c);
        block = pt_cur_take(&c, block_len);
        if (!block)
            return PT_BAD_CODEC;
        st = inflate_snappy_block(block, block_len, s);
        if (st != PT_OK)
            return st;
    }
    return PT_OK;
}

#define LZ4_MAGIC 0x184d2204u
#define LZ4_WINDOW_SZ 65536u
#define LZ4_STORED 0x80000000u /* of a block's length: not compressed */

struct lz4_header {
    bool linked; /* a block may copy from the blocks before it */
    bool has_block_sum;
    bool has_content_sum;
    bool has_content_size;
    uint64_t content_sz;
    uint32_t block_max;
};

static uint32_t cur_le32(struct pt_cursor *c)
{
    return __builtin_bswap32((uint32_t)pt_cur_i32(c));
}

/* Reads an LZ4 frame header; false if it is none, or one with a feature that Kafka cannot use. */
static bool lz4_header(struct pt_cursor *c, unsigned magic, struct lz4_header *h)
{
    const uint8_t *descriptor;
    uint8_t flg;
    uint8_t bd;
    uint8_t sum;

    if (cur_le32(c) != LZ4_MAGIC)
        return false;
    descriptor = c->at;
    flg = (uint8_t)pt_cur_i8(c);
    bd = (uint8_t)pt_cur_i8(c);
    *h = (struct lz4_header){ .linked = !(flg & 0x20),
                              .has_block_sum = flg & 0x10,
                              .has_content_size = flg & 0x08,
                              .has_content_sum = flg & 0x04 };
    if (h->has_content_size)
        h->content_sz = __builtin_bswap64((uint64_t)pt_cur_i64(c));
    sum = (uint8_t)pt_cur_i8(c);
    /* Version 01, no dictionary, reserved bits clear, block size 64 KiB ... 4 MiB. */
    if (!pt_cur_ok(c) || (flg & 0xc3) != 0x40 || (bd & 0x8f) || bd < 0x40)
        return false;
    h->block_max = 1u << (8 + 2 * (bd >> 4));
    return magic == 0 ||
           sum == (XXH32(descriptor, (size_t)(c->at - 1 - descriptor), 0) >> 8 & 0xff);
}

/* One block of LZ4 behind [out_start, ...) that earlier blocks of its frame wrote. */
static enum pt_status lz4_block(const struct lz4_header *h, const uint8_t *in, uint32_t in_len,
                                bool stored, size_t frame_off, struct sink *s)
{
    size_t room = s->max - s->used_len;
    size_t window = h->linked ? s->used_len - frame_off : 0;
    char *out = (char *)s->data + s->used_len;
    bool cut = room < h->block_max;
    int len;

    if (stored) {
        if (in_len > h->block_max)
            return PT_BAD_CODEC;
        if (in_len > room)
            return PT_OVERSIZE;
        memcpy(out, in, in_len);
        s->used_len += in_len;
        return PT_OK;
    }
    if (window > LZ4_WINDOW_SZ)
        window = LZ4_WINDOW_SZ;
    len = LZ4_decompress_safe_usingDict((const char *)in, out, (int)in_len,
                                        (int)(cut ? room : h->block_max), out - window,
                                        (int)window);
    /* liblz4 does not tell a full buffer from bad input: with less room than a block may need it is
     * called too large, and the caller may try again with more. */
    if (len < 0)
        return cut ? PT_OVERSIZE : PT_BAD_CODEC;
    s->used_len += (size_t)len;
    return PT_OK;
}

static enum pt_status lz4_frame(struct pt_cursor *c, unsigned magic, struct sink *s)
{
    size_t frame_off = s->used_len;
    struct lz4_header h;

    if (!lz4_header(c, magic, &h))
        return PT_BAD_CODEC;
    for (;;) {
        uint32_t len = cur_le32(c);
        const uint8_t *in = pt_cur_take(c, len & ~LZ4_STORED);
        enum pt_status st;

        if (!in)
            return PT_BAD_CODEC;
        if (!len)
            break;
        if (h.has_block_sum)
            pt_cur_take(c, 4);
        st = lz4_block(&h, in, len & ~LZ4_STORED, len & LZ4_STORED, frame_off, s);
        if (st != PT_OK)
            return st;
    }
    if (h.has_content_sum)
        pt_cur_take(c, 4);
    if (!pt_cur_ok(c) || (h.has_content_size && h.content_sz != s->used_len - frame_off))
        return PT_BAD_CODEC;
    return PT_OK;
}

static enum pt_status inflate_lz4(struct pt_cursor c, unsigned magic, struct sink *s)
{
    enum pt_status st;

    do
        st = lz4_frame(&c, magic, s);
    while (st == PT_OK && pt_cur_left(&c));
    return st;
}

static enum pt_status inflate_zstd(struct pt_codec_ctx *ctx, struct pt_cursor c, struct sink *s)
{
    size_t len = ZSTD_decompressDCtx(ctx->zstd, s->data, s->max, c.at, pt_cur_left(&c));

    if (ZSTD_isError(len))
        return ZSTD_getErrorCode(len) == ZSTD_error_dstSize_tooSmall ? PT_OVERSIZE : PT_BAD_CODEC;
    s->used_len = len;
    return PT_OK;
}

enum pt_status pt_codec_inflate(struct pt_codec_ctx *ctx, enum pt_codec codec, unsigned magic,
                                const uint8_t *in, size_t in_len, uint8_t *out, size_t out_max,
                                size_t *ret_len)
{
    struct sink s = { .data = out, .max = out_max, .used_len = 0 };
    enum pt_status st = PT_BAD_CODEC;

    if (!in_len)
        return PT_BAD_CODEC;
    switch (codec) {
    case PT_CODEC_GZIP:
        st = inflate_gzip(ctx, pt_cur(in, in_len), &s);
        break;
    case PT_CODEC_SNAPPY:
        st = inflate_snappy(pt_cur(in, in_len), &s);
        break;
    case PT_CODEC_LZ4:
        st = inflate_lz4(pt_cur(in, in_len), magic, &s);
        break;
    case PT_CODEC_ZSTD:
        st = inflate_zstd(ctx, pt_cur(in, in_len), &s);
        break;
    case PT_CODEC_NONE:
    case PT_CODEC_CNT:
        break;
    }
    if (st == PT_OK)
        *ret_len = s.used_len;
    return st;
}
