/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The same bytes give the same packets mapped, packed with gzip or zstd, and piped in pieces of
 * random sizes (the seed is printed); a packed file that is cut or damaged gives a true beginning.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>
#include <pthread.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "tests/unit/make_capture.h"

#define SEED 20240501u
#define BIG_SZ (3u << 20)

struct writer {
    const uint8_t *data;
    size_t len;
    int fd;
    unsigned seed;
};

/* write_pieces feeds a pipe in pieces of random sizes, 1 to 5000 bytes. */
static void *write_pieces(void *arg)
{
    struct writer *w = arg;
    size_t done = 0;

    while (done < w->len) {
        size_t piece = 1 + (size_t)rand_r(&w->seed) % 5000;

        if (piece > w->len - done)
            piece = w->len - done;
        if (write(w->fd, w->data + done, piece) != (ssize_t)piece)
            break;
        done += piece;
    }
    close(w->fd);
    return NULL;
}

static size_t pack_gzip(const uint8_t *data, size_t len, uint8_t **ret_packed)
{
    size_t half = len / 2;
    size_t max = 2 * (compressBound(len) + 64);
    z_stream z = { 0 };

    *ret_packed = malloc(max);
    assert_non_null(*ret_packed);
    z.next_out = *ret_packed;
    z.avail_out = (uInt)max;
    for (int member = 0; member < 2; member++) { /* as cat a.gz b.gz makes them */
        assert_int_equal(deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
        z.next_in = (Bytef *)(uintptr_t)(member ? data + half : data);
        z.avail_in = (uInt)(member ? len - half : half);
        assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
        assert_int_equal(deflateEnd(&z), Z_OK);
    }
    return max - z.avail_out;
}

static size_t pack_zstd(const uint8_t *data, size_t len, uint8_t **ret_packed)
{
    size_t half = len / 3;
    size_t max = ZSTD_compressBound(half) + ZSTD_compressBound(len - half);
    ZSTD_CCtx *z = ZSTD_createCCtx();
    size_t made = 0;

    *ret_packed = malloc(max);
    assert_non_null(*ret_packed);
    assert_non_null(z);
    ZSTD_CCtx_setParameter(z, ZSTD_c_checksumFlag, 1); /* as the zstd program does */
    made += ZSTD_compress2(z, *ret_packed, max, data, half);
    made += ZSTD_compress2(z, *ret_packed + made, max - made, data + half, len - half);
    assert_true(made <= max);
    ZSTD_freeCCtx(z);
    return made;
}

static void expect_same(struct pt_capture *a, struct pt_capture *b)
{
    struct pt_frame x;
    struct pt_frame y;
    int rc;

    do {
        rc = pt_capture_next(a, &x);
        assert_int_equal(pt_capture_next(b, &y), rc);
        if (rc != 1)
            break;
        assert_int_equal(x.packet, y.packet);
        assert_int_equal(x.time_ns, y.time_ns);
        assert_int_equal(x.link_type, y.link_type);
        assert_int_equal(x.cap_len, y.cap_len);
        assert_int_equal(x.wire_len, y.wire_len);
        assert_memory_equal(x.data, y.data, x.cap_len);
    } while (true);
    assert_int_equal(pt_capture_info(a)->truncated, pt_capture_info(b)->truncated);
    assert_string_equal(pt_capture_info(a)->trouble, pt_capture_info(b)->trouble);
}

/* expect_same_piped reads data through a pipe, as a path or as standard input. */
static void expect_same_piped(const uint8_t *plain, size_t plain_len, const uint8_t *data,
                              size_t len, bool as_stdin)
{
    struct writer w = { .data = data, .len = len, .seed = SEED };
    struct pt_capture *a = open_bytes(plain, plain_len);
    struct pt_capture *b;
    int saved = dup(STDIN_FILENO);
    pthread_t thread;
    char path[32];
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    w.fd = ends[1];
    assert_int_equal(pthread_create(&thread, NULL, write_pieces, &w), 0);
    if (as_stdin)
        assert_true(dup2(ends[0], STDIN_FILENO) >= 0);
    b = open_path(as_stdin ? "-" : fd_path(ends[0], path));
    assert_int_equal(pt_capture_info(b)->file_sz, 0);
    expect_same(a, b);
    assert_int_equal(pt_capture_info(b)->file_read, len);
    pthread_join(thread, NULL);
    pt_capture_close(a);
    pt_capture_close(b);
    close(ends[0]);
    if (saved >= 0) {
        dup2(saved, STDIN_FILENO);
        close(saved);
    }
}

static uint8_t *load(const char *name, size_t *ret_len)
{
    char path[4096];
    struct stat st;
    uint8_t *data;
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", getenv("PT_CAPTURES"), name);
    f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fstat(fileno(f), &st), 0);
    data = malloc((size_t)st.st_size);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, (size_t)st.st_size, f), st.st_size);
    fclose(f);
    *ret_len = (size_t)st.st_size;
    return data;
}

static void expect_backings_agree(const uint8_t *data, size_t len)
{
    size_t (*const packs[])(const uint8_t *, size_t, uint8_t **) = { pack_gzip, pack_zstd };

    expect_same_piped(data, len, data, len, false);
    expect_same_piped(data, len, data, len, true);
    for (size_t i = 0; i < ROWS(packs); i++) {
        uint8_t *packed;
        size_t packed_len = packs[i](data, len, &packed);
        struct pt_capture *a = open_bytes(data, len);
        struct pt_capture *b = open_bytes(packed, packed_len);

        expect_same(a, b);
        pt_capture_close(a);
        pt_capture_close(b);
        expect_same_piped(data, len, packed, packed_len, true);
        free(packed);
    }
}

static void test_backings(void **state)
{
    static const char *const names[] = { "clients/net-lo-gso64k-badcsum.pcap",
                                         "clients/rdk215-version-sweep.pcap" };
    struct make m = { 0 };
    uint8_t *big;
    size_t len;

    (void)state;
    print_message("seed %u\n", SEED);
    for (size_t i = 0; i < ROWS(names); i++) {
        uint8_t *data = load(names[i], &len);

        expect_backings_agree(data, len);
        expect_backings_agree(data, len - 7); /* also where it is cut */
        free(data);
    }
    put_section(&m);
    put_iface(&m, 1, 0, 9, 0);
    for (uint32_t i = 0; i < 60; i++) {
        put_packet(&m, 0, i, i, i);
        put_other(&m, 0x777, i);
    }
    expect_backings_agree(m.data, m.len);

    /* A block larger than any window, to be stepped over, and a packet behind it. */
    big = calloc(1, BIG_SZ + MAKE_MAX);
    assert_non_null(big);
    m.len = 0;
    put_section(&m);
    put_iface(&m, 1, 0, 0, 0);
    len = m.len;
    put_u32(&m, 0x999);
    put_u32(&m, BIG_SZ);
    memcpy(big, m.data, m.len);
    m.len = 0;
    put_u32(&m, BIG_SZ);
    put_packet(&m, 0, 1, 60, 60);
    memcpy(big + len + BIG_SZ - 4, m.data, m.len);
    expect_backings_agree(big, len + BIG_SZ - 4 + m.len);
    expect_backings_agree(big, len + BIG_SZ / 2);
    free(big);
}

/* A packed file that is cut or damaged gives a true beginning, and says what happened. */
static void test_packed_damage(void **state)
{
    size_t (*const packs[])(const uint8_t *, size_t, uint8_t **) = { pack_gzip, pack_zstd };
    size_t len;
    uint8_t *data = load("clients/rdk202-txn.pcap", &len);

    (void)state;
    for (size_t i = 0; i < ROWS(packs); i++) {
        uint8_t *packed;
        size_t packed_len = packs[i](data, len, &packed);
        const size_t cuts[] = { packed_len - 1, packed_len * 9 / 10, packed_len * 2 / 3 };

        for (size_t k = 0; k <= ROWS(cuts); k++) {
            struct pt_capture *a = open_bytes(data, len);
            struct pt_capture *b;
            struct pt_frame x;
            struct pt_frame y;

            if (k == ROWS(cuts))
                packed[packed_len * 3 / 4] ^= 0x55;
            b = open_bytes(packed, k < ROWS(cuts) ? cuts[k] : packed_len);
            while (pt_capture_next(b, &y) == 1) {
                assert_int_equal(pt_capture_next(a, &x), 1);
                if (k < ROWS(cuts)) {
                    assert_int_equal(x.cap_len, y.cap_len);
                    assert_memory_equal(x.data, y.data, x.cap_len);
                }
            }
            print_message("%zu of %zu bytes: %s\n", k < ROWS(cuts) ? cuts[k] : packed_len,
                          packed_len, pt_capture_info(b)->trouble);
            assert_true(pt_capture_info(b)->truncated);
            /* A flipped bit may first be seen as a broken packet. */
            assert_true(k == ROWS(cuts) ||
                        strstr(pt_capture_info(b)->trouble, i ? "zstd" : "gzip"));
            pt_capture_close(a);
            pt_capture_close(b);
        }
        free(packed);
    }
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backings),
        cmocka_unit_test(test_packed_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
