/* SPDX-License-Identifier: Apache-2.0 */
/* Decompression: the libraries that could read each codec, side by side in one run on the same
 * bytes, in GB/s of output (best of ROUNDS). The rows of PERF.md come from here. Usage: bench_codec
 */
#include <libdeflate.h>
#include <isa-l/igzip_lib.h>
#include <lz4.h>
#include <lz4frame.h>
#include <snappy-c.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>
#include <zstd.h>

#include "parser/codec.h"

#define ROUNDS 15
#define OUT_MAX (2u << 20)

struct bench {
    struct pt_codec_ctx *ctx;
    struct libdeflate_decompressor *deflate;
    struct inflate_state igzip;
    z_stream zlib;
    ZSTD_DCtx *zstd;
    LZ4F_dctx *lz4f;
    const uint8_t *in;
    size_t in_len;
    uint8_t *out;
};

typedef size_t (*inflate_fn)(struct bench *b);

static size_t by_codec(struct bench *b, enum pt_codec codec)
{
    size_t len = 0;

    if (pt_codec_inflate(b->ctx, codec, 0, b->in, b->in_len, b->out, OUT_MAX, &len) != PT_OK)
        return 0;
    return len;
}

static size_t ours_gzip(struct bench *b)
{
    return by_codec(b, PT_CODEC_GZIP);
}

static size_t ours_snappy(struct bench *b)
{
    return by_codec(b, PT_CODEC_SNAPPY);
}

static size_t ours_lz4(struct bench *b)
{
    return by_codec(b, PT_CODEC_LZ4);
}

static size_t ours_zstd(struct bench *b)
{
    return by_codec(b, PT_CODEC_ZSTD);
}

static size_t gzip_libdeflate(struct bench *b)
{
    size_t len = 0;

    libdeflate_gzip_decompress(b->deflate, b->in, b->in_len, b->out, OUT_MAX, &len);
    return len;
}

static size_t gzip_igzip(struct bench *b)
{
    isal_inflate_init(&b->igzip);
    b->igzip.crc_flag = ISAL_GZIP;
    b->igzip.next_in = (uint8_t *)(uintptr_t)b->in;
    b->igzip.avail_in = (uint32_t)b->in_len;
    b->igzip.next_out = b->out;
    b->igzip.avail_out = OUT_MAX;
    isal_inflate(&b->igzip);
    return b->igzip.total_out;
}

static size_t gzip_zlib(struct bench *b)
{
    inflateReset(&b->zlib);
    b->zlib.next_in = (uint8_t *)(uintptr_t)b->in;
    b->zlib.avail_in = (uInt)b->in_len;
    b->zlib.next_out = b->out;
    b->zlib.avail_out = OUT_MAX;
    inflate(&b->zlib, Z_FINISH);
    return b->zlib.total_out;
}

static size_t lz4_lz4f(struct bench *b)
{
    const LZ4F_decompressOptions_t opt = { .stableDst = 1 };
    size_t in = 0;
    size_t out = 0;

    LZ4F_resetDecompressionContext(b->lz4f);
    while (in < b->in_len) {
        size_t in_len = b->in_len - in;
        size_t out_len = OUT_MAX - out;

        if (LZ4F_isError(
                    LZ4F_decompress(b->lz4f, b->out + out, &out_len, b->in + in, &in_len, &opt)))
            return 0;
        in += in_len;
        out += out_len;
    }
    return out;
}

static size_t zstd_stream(struct bench *b)
{
    ZSTD_inBuffer in = { b->in, b->in_len, 0 };
    ZSTD_outBuffer out = { b->out, OUT_MAX, 0 };

    ZSTD_DCtx_reset(b->zstd, ZSTD_reset_session_only);
    while (in.pos < in.size)
        if (ZSTD_isError(ZSTD_decompressStream(b->zstd, &out, &in)))
            return 0;
    return out.pos;
}

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* Lines like an application's: field names that repeat, numbers and hex that do not. */
static void make_text(char *text, size_t len)
{
    uint64_t seed = 42;
    size_t at = 0;

    while (at + 1024 < len) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        at += (size_t)snprintf(text + at, len - at,
                               "{\"orderId\":\"%016llx\",\"customer\":%u,\"amount\":%u.%02u,"
                               "\"currency\":\"EUR\",\"status\":\"CONFIRMED\",\"ts\":17000%08u}",
                               (unsigned long long)seed, (unsigned)(seed >> 33) % 100000,
                               (unsigned)(seed >> 20) % 1000, (unsigned)(seed >> 40) % 100,
                               (unsigned)(seed >> 30) % 100000000);
    }
    memset(text + at, ' ', len - at);
}

static size_t compress_as(int codec, const char *text, size_t len, uint8_t *out, size_t out_max)
{
    size_t out_len = out_max;

    switch (codec) {
    case PT_CODEC_GZIP: {
        struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);

        out_len = libdeflate_gzip_compress(c, text, len, out, out_max);
        libdeflate_free_compressor(c);
        return out_len;
    }
    case PT_CODEC_SNAPPY:
        snappy_compress(text, len, (char *)out, &out_len);
        return out_len;
    case PT_CODEC_LZ4: {
        LZ4F_preferences_t p = { 0 };

        p.frameInfo.blockMode = LZ4F_blockIndependent;
        return LZ4F_compressFrame(out, out_max, text, len, &p);
    }
    default:
        return ZSTD_compress(out, out_max, text, len, 3);
    }
}

int main(void)
{
    static const struct {
        int codec;
        const char *name;
        inflate_fn fn;
    } rows[] = {
        { PT_CODEC_GZIP, "gzip ours", ours_gzip },
        { PT_CODEC_GZIP, "gzip libdeflate", gzip_libdeflate },
        { PT_CODEC_GZIP, "gzip igzip", gzip_igzip },
        { PT_CODEC_GZIP, "gzip zlib", gzip_zlib },
        { PT_CODEC_SNAPPY, "snappy ours", ours_snappy },
        { PT_CODEC_LZ4, "lz4 ours", ours_lz4 },
        { PT_CODEC_LZ4, "lz4 LZ4F", lz4_lz4f },
        { PT_CODEC_ZSTD, "zstd ours", ours_zstd },
        { PT_CODEC_ZSTD, "zstd stream", zstd_stream },
    };
    static const size_t sizes[] = { 1024, 16384, 65536, 1u << 20 };
    static struct bench b;
    char *text = malloc(1u << 20);
    uint8_t *in = malloc(OUT_MAX);

    if (!text || !in || pt_codec_open(&b.ctx) || inflateInit2(&b.zlib, 31) != Z_OK ||
        LZ4F_isError(LZ4F_createDecompressionContext(&b.lz4f, LZ4F_VERSION)))
        return 1;
    b.deflate = libdeflate_alloc_decompressor();
    b.zstd = ZSTD_createDCtx();
    b.out = malloc(OUT_MAX);
    b.in = in;
    make_text(text, 1u << 20);
    printf("%-18s", "GB/s of output");
    for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++)
        printf("%9zu", sizes[s]);
    printf("\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        printf("%-18s", rows[i].name);
        for (size_t s = 0; s < sizeof(sizes) / sizeof(sizes[0]); s++) {
            size_t times = (4u << 20) / sizes[s];
            double best = 1e9;

            b.in_len = compress_as(rows[i].codec, text, sizes[s], in, OUT_MAX);
            for (unsigned r = 0; r < ROUNDS; r++) {
                double t = now();

                for (size_t k = 0; k < times; k++)
                    if (rows[i].fn(&b) != sizes[s] || memcmp(b.out, text, 16))
                        return 1;
                t = now() - t;
                best = t < best ? t : best;
            }
            printf("%9.3f", (double)(times * sizes[s]) / best * 1e-9);
        }
        printf("\n");
    }
    return 0;
}
