/* SPDX-License-Identifier: Apache-2.0 */
/* Streams that other encoders wrote (data/codec, see scripts/gen-codec-vectors) give back their
 * text; in a buffer of exactly its size, and OVERSIZE in any smaller one; and a stream that is cut,
 * or that has a byte too many, is BAD_CODEC. All input and output are heap blocks of their own, for
 * the sanitizer. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "parser/codec.h"

#define TEXT_LEN 154000

static const struct {
    enum pt_codec codec;
    const char *name;
    unsigned magic;
} vectors[] = {
    { PT_CODEC_GZIP, "gzip", 2 },
    { PT_CODEC_GZIP, "gzip-stored", 2 },
    { PT_CODEC_GZIP, "gzip-members", 2 },
    { PT_CODEC_SNAPPY, "snappy-raw", 2 },
    { PT_CODEC_SNAPPY, "snappy-xerial", 2 },
    { PT_CODEC_SNAPPY, "snappy-xerial-twice", 2 },
    { PT_CODEC_LZ4, "lz4", 0 },
    { PT_CODEC_LZ4, "lz4", 2 },
    { PT_CODEC_LZ4, "lz4-linked", 2 },
    { PT_CODEC_LZ4, "lz4-size", 2 },
    { PT_CODEC_LZ4, "lz4-sums", 2 },
    { PT_CODEC_LZ4, "lz4-4mb", 2 },
    { PT_CODEC_LZ4, "lz4-frames", 2 },
    { PT_CODEC_LZ4, "lz4-legacy", 0 },
    { PT_CODEC_ZSTD, "zstd", 2 },
    { PT_CODEC_ZSTD, "zstd-no-size", 2 },
    { PT_CODEC_ZSTD, "zstd-sum", 2 },
    { PT_CODEC_ZSTD, "zstd-frames", 2 },
};

#define VECTOR_CNT (sizeof(vectors) / sizeof(vectors[0]))

static struct pt_codec_ctx *ctx;

static int setup(void **state)
{
    (void)state;
    return pt_codec_open(&ctx);
}

static int teardown(void **state)
{
    (void)state;
    pt_codec_close(ctx);
    return 0;
}

static char *make_text(void)
{
    char *text = malloc(TEXT_LEN + 1);

    for (unsigned i = 0; i < TEXT_LEN / 11; i++)
        snprintf(text + 11 * i, 12, "record %03u\n", i % 250);
    return text;
}

static uint8_t *read_vector(const char *name, size_t *ret_len)
{
    char path[4096];
    uint8_t *data;
    long len;
    FILE *f;

    snprintf(path, sizeof(path), "%s/codec/%s.bin", getenv("PT_UNIT_DATA"), name);
    f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);
    data = malloc((size_t)len);
    assert_int_equal(fread(data, 1, (size_t)len, f), len);
    fclose(f);
    *ret_len = (size_t)len;
    return data;
}

/* Inflates from a block of exactly in_len into one of exactly out_max; compares with text if OK. */
static enum pt_status inflate(enum pt_codec codec, unsigned magic, const uint8_t *in, size_t in_len,
                              size_t out_max, const char *text)
{
    uint8_t *exact = malloc(in_len ? in_len : 1);
    uint8_t *out = malloc(out_max ? out_max : 1);
    size_t len = 12345;
    enum pt_status st;

    memcpy(exact, in, in_len);
    st = pt_codec_inflate(ctx, codec, magic, exact, in_len, out, out_max, &len);
    if (st == PT_OK)
        assert_true(len <= out_max && !memcmp(out, text, len));
    if (st == PT_OK && out_max == TEXT_LEN)
        assert_int_equal(len, TEXT_LEN);
    if (st != PT_OK)
        assert_int_equal(len, 12345);
    free(exact);
    free(out);
    return st;
}

static void test_vectors(void **state)
{
    char *text = make_text();

    (void)state;
    for (size_t i = 0; i < VECTOR_CNT; i++) {
        size_t len;
        uint8_t *in = read_vector(vectors[i].name, &len);
        enum pt_status st = inflate(vectors[i].codec, vectors[i].magic, in, len, TEXT_LEN, text);

        if (st != PT_OK)
            fail_msg("%s: %s", vectors[i].name, pt_status_name(st));
        if (inflate(vectors[i].codec, vectors[i].magic, in, len, TEXT_LEN * 40, text) != PT_OK)
            fail_msg("%s: more room than needed", vectors[i].name);
        free(in);
    }
    free(text);
}

static void test_oversize(void **state)
{
    static const size_t sizes[] = { 0, 1, 100, 32768, 65536, 65537, TEXT_LEN / 2, TEXT_LEN - 1 };
    char *text = make_text();

    (void)state;
    for (size_t i = 0; i < VECTOR_CNT; i++) {
        size_t len;
        uint8_t *in = read_vector(vectors[i].name, &len);

        for (size_t k = 0; k < sizeof(sizes) / sizeof(sizes[0]); k++) {
            enum pt_status st =
                    inflate(vectors[i].codec, vectors[i].magic, in, len, sizes[k], text);

            if (st != PT_OVERSIZE)
                fail_msg("%s in %zu: %s", vectors[i].name, sizes[k], pt_status_name(st));
        }
        free(in);
    }
    free(text);
}

/* Cut anywhere, a stream is bad, except between two whole members or frames. */
static void test_cut(void **state)
{
    char *text = make_text();

    (void)state;
    for (size_t i = 0; i < VECTOR_CNT; i++) {
        bool several = strstr(vectors[i].name, "members") || strstr(vectors[i].name, "frames") ||
                       strstr(vectors[i].name, "xerial") || strstr(vectors[i].name, "stored");
        unsigned ok_cnt = 0;
        size_t len;
        uint8_t *in = read_vector(vectors[i].name, &len);

        for (size_t cut = 0; cut < len; cut += 1 + cut / 16) {
            enum pt_status st =
                    inflate(vectors[i].codec, vectors[i].magic, in, cut, TEXT_LEN * 2, text);

            if (st != PT_BAD_CODEC && !(several && st == PT_OK))
                fail_msg("%s cut at %zu: %s", vectors[i].name, cut, pt_status_name(st));
            ok_cnt += st == PT_OK;
        }
        assert_true(ok_cnt < 10);
        in = realloc(in, len + 1);
        in[len] = 0;
        if (inflate(vectors[i].codec, vectors[i].magic, in, len + 1, TEXT_LEN * 2, text) !=
            PT_BAD_CODEC)
            fail_msg("%s: byte behind the end", vectors[i].name);
        free(in);
    }
    free(text);
}

static void test_wrong(void **state)
{
    static const struct {
        enum pt_codec codec;
        const char *in;
        size_t len;
        const char *why;
    } rows[] = {
#define ROW(codec, bytes, why) { PT_CODEC_##codec, bytes, sizeof(bytes) - 1, why }
#define LZ4_HEADER "\x04\x22\x4d\x18\x60\x40\x82"
        ROW(NONE, "x", "not compressed"),
        ROW(CNT, "x", "no codec"),
        ROW(GZIP, "\x1f\x8b\x08\0\0\0\0\0\0\0", "no data"),
        ROW(SNAPPY, "\x82SNAPPY\0\0\0\0\1\0\0\0\1\xff\xff\xff\xff", "block of length -1"),
        ROW(SNAPPY, "\x82SNAPPY\0\0\0\0\1\0\0\0\1\0\0\0\x7f\0", "block past the end"),
        ROW(SNAPPY, "\x0a\xff\xff", "literal past the end"),
        ROW(SNAPPY, "\x04\x01\x09\x00", "copy from in front of the start"),
        ROW(LZ4, LZ4_HEADER, "no end mark"),
        ROW(LZ4, LZ4_HEADER "\x02\0\0\0\x0f\x41", "block that does not end in literals"),
        ROW(LZ4, LZ4_HEADER "\x09\0\0\0\x04\x01\0\x50\x41\x41\x41\x41\x41\0\0\0\0",
            "copy from in front of the start"),
        ROW(LZ4, LZ4_HEADER "\x01\0\x01\x80", "stored block larger than 64 KiB"),
        ROW(LZ4, "\x04\x22\x4d\x18\x40\x40\0\x09\0\0\0\x04\x01\0\x50\x41\x41\x41\x41\x41\0\0\0\0",
            "the same with linked blocks"),
        ROW(LZ4,
            "\x04\x22\x4d\x18\x40\x40\0\x01\0\0\x80\x41"
            "\x09\0\0\0\x04\x02\0\x50\x41\x41\x41\x41\x41\0\0\0\0",
            "the same in the second block"),
        ROW(LZ4, "\x04\x22\x4d\x18\x68\x40\x02\0\0\0\0\0\0\0\0\x01\0\0\x80\x41\0\0\0\0",
            "content size 2, one byte"),
        ROW(LZ4, "\x04\x22\x4d\x18\x20\x40\x82\0\0\0\0", "version 00"),
        ROW(LZ4, "\x04\x22\x4d\x18\x60\x30\x82\0\0\0\0", "block size code 3"),
        ROW(LZ4, "\x02\x21\x4c\x18\0\0\0\0", "legacy frame of the lz4 program"),
        ROW(ZSTD, "\x28\xb5\x2f\xfd", "only the magic number"),
#undef ROW
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        for (unsigned magic = 0; magic <= 2; magic++)
            if (inflate(rows[i].codec, magic, (const uint8_t *)rows[i].in, rows[i].len, 1 << 20,
                        "") != PT_BAD_CODEC)
                fail_msg("%s", rows[i].why);
}

/* A stored block may be as large as the frame's header says, not larger. */
static void test_lz4_stored(void **state)
{
    static uint8_t in[7 + 4 + 65537 + 4] = LZ4_HEADER;
    static uint8_t out[1 << 18];
    uint8_t *end;

    (void)state;
    for (size_t len = 65535; len <= 65537; len++) {
        memcpy(in + 7, &(const uint32_t){ 0x80000000u | (uint32_t)len }, 4);
        memset(in + 11, 'A', len);
        end = in + 11 + len;
        memset(end, 0, 4);
        assert_int_equal(pt_codec_inflate(ctx, PT_CODEC_LZ4, 2, in, (size_t)(end + 4 - in), out,
                                          sizeof(out), &(size_t){ 0 }),
                         len <= 65536 ? PT_OK : PT_BAD_CODEC);
    }
}

/* What snappy-java writes when it was given nothing. */
static void test_xerial_empty(void **state)
{
    static const uint8_t in[] = "\x82SNAPPY\0\0\0\0\1\0\0\0\1";
    uint8_t out[1];
    size_t len = 1;

    (void)state;
    assert_int_equal(pt_codec_inflate(ctx, PT_CODEC_SNAPPY, 2, in, 16, out, 1, &len), PT_OK);
    assert_int_equal(len, 0);
}

/* Only magic 0 forgives the wrong header checksum. */
static void test_lz4_legacy(void **state)
{
    char *text = make_text();
    size_t len;
    uint8_t *in = read_vector("lz4-legacy", &len);

    (void)state;
    assert_int_equal(inflate(PT_CODEC_LZ4, 0, in, len, TEXT_LEN, text), PT_OK);
    assert_int_equal(inflate(PT_CODEC_LZ4, 1, in, len, TEXT_LEN, text), PT_BAD_CODEC);
    assert_int_equal(inflate(PT_CODEC_LZ4, 2, in, len, TEXT_LEN, text), PT_BAD_CODEC);
    free(in);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),    cmocka_unit_test(test_oversize),
        cmocka_unit_test(test_cut),        cmocka_unit_test(test_wrong),
        cmocka_unit_test(test_lz4_stored), cmocka_unit_test(test_xerial_empty),
        cmocka_unit_test(test_lz4_legacy),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
