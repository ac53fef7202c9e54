/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Captures are read as their drafts say, in both byte orders; the same bytes give the same packets
 * mapped, packed or piped; a file that ends too early gives the packets before that, and says so; what is no
 * capture is refused in words. Truth: files made by hand from the drafts, and for real captures the
 * counts that tshark 4.0.17 gives.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <errno.h>
#include <cmocka.h>
#include <sys/stat.h>
#include <zlib.h>
#include <zstd.h>

#include "dataplane/packet.h"
#include "tests/unit/make_capture.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static const uint8_t bytes[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

struct want {
    uint64_t packet;
    int64_t time_ns;
    uint32_t link_type;
    uint32_t cap_len;
    uint32_t wire_len;
};

static struct pt_capture *open_path(const char *path)
{
    struct pt_capture *cap = NULL;
    const char *err = NULL;

    if (pt_capture_open(path, &cap, &err) < 0)
        fail_msg("%s", err);
    return cap;
}

static struct pt_capture *open_bytes(const void *data, size_t len)
{
    int fd = memory_file(data, len);
    char path[32];
    struct pt_capture *cap = open_path(fd_path(fd, path));

    close(fd);
    return cap;
}

static void expect_frames(struct pt_capture *cap, const struct want *want, size_t want_cnt)
{
    struct pt_frame f;

    for (size_t i = 0; i < want_cnt; i++) {
        assert_int_equal(pt_capture_next(cap, &f), 1);
        assert_int_equal(f.packet, want[i].packet);
        assert_int_equal(f.time_ns, want[i].time_ns);
        assert_int_equal(f.link_type, want[i].link_type);
        assert_int_equal(f.cap_len, want[i].cap_len);
        assert_int_equal(f.wire_len, want[i].wire_len);
        assert_memory_equal(f.data, bytes, f.cap_len);
    }
    assert_int_equal(pt_capture_next(cap, &f), 0);
    assert_int_equal(pt_capture_next(cap, &f), 0); /* the end stays the end */
    assert_int_equal(pt_capture_info(cap)->packets, want_cnt);
    assert_string_equal(pt_capture_info(cap)->trouble, "");
    assert_false(pt_capture_info(cap)->truncated);
    assert_int_equal(pt_capture_info(cap)->file_read, pt_capture_info(cap)->file_sz);
}

static void test_pcap(void **state)
{
    static const struct {
        uint32_t magic;
        uint32_t unit_ns;
        bool big;
        const char *why;
    } rows[] = {
        { 0xa1b2c3d4, 1000, false, "microseconds, little-endian" },
        { 0xa1b2c3d4, 1000, true, "microseconds, big-endian" },
        { 0xa1b23c4d, 1, false, "nanoseconds, little-endian" },
        { 0xa1b23c4d, 1, true, "nanoseconds, big-endian" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct make m = { .big = rows[i].big };
        const struct want want[] = {
            { 1, 1700000000000000000 + 123456 * (int64_t)rows[i].unit_ns, 113, 60, 60 },
            { 2, 4294967295000000000, 113, 10, 1514 }, /* the last second that fits; snapped */
            { 3, 0, 113, 0, 0 },
            { 4, 1000000000, 113, 5, 5 }, /* a wire length below the captured one is a lie */
        };
        struct pt_capture *cap;

        print_message("%s\n", rows[i].why);
        put_pcap_header(&m, rows[i].magic, 65535, 0x10000000 | 113); /* with a checksum length */
        put_pcap_packet(&m, 1700000000, 123456, bytes, 60, 60);
        put_pcap_packet(&m, 0xffffffff, 0, bytes, 10, 1514);
        put_pcap_packet(&m, 0, 0, bytes, 0, 0);
        put_pcap_packet(&m, 1, 0, bytes, 5, 3);
        cap = open_bytes(m.data, m.len);
        expect_frames(cap, want, ROWS(want));
        assert_int_equal(pt_capture_info(cap)->bytes, 60 + 1514 + 5);
        pt_capture_close(cap);
    }
}

static void put_section(struct make *m)
{
    size_t at = begin_block(m, 0x0a0d0d0a);

    put_u32(m, 0x1a2b3c4d);
    put_u16(m, 1);
    put_u16(m, 0);
    put_int(m, UINT64_MAX, 8);
    end_block_at(m, at);
}

/* An interface; a tsresol of 0 means: no such option. */
static void put_iface(struct make *m, uint16_t link, uint32_t snap, uint8_t tsresol, int64_t offset)
{
    size_t at = begin_block(m, 1);

    put_u16(m, link);
    put_u16(m, 0);
    put_u32(m, snap);
    put_u16(m, 2); /* if_name, with padding */
    put_u16(m, 5);
    put_bytes(m, "eth0:\0\0\0", 8);
    if (tsresol) {
        put_u16(m, 9);
        put_u16(m, 1);
        put_bytes(m, &tsresol, 1);
        put_bytes(m, "\0\0\0", 3);
    }
    if (offset) {
        put_u16(m, 14);
        put_u16(m, 8);
        put_int(m, (uint64_t)offset, 8);
    }
    put_u32(m, 0);
    end_block_at(m, at);
}

static void put_packet(struct make *m, uint32_t iface, uint64_t units, uint32_t cap_len,
                       uint32_t wire_len)
{
    size_t at = begin_block(m, 6);

    put_u32(m, iface);
    put_u32(m, units >> 32);
    put_u32(m, units & 0xffffffff);
    put_u32(m, cap_len);
    put_u32(m, wire_len);
    put_bytes(m, bytes, cap_len);
    while (m->len % 4)
        put_bytes(m, "", 1);
    put_u16(m, 1); /* a comment */
    put_u16(m, 3);
    put_bytes(m, "hm.\0\0\0\0", 8);
    end_block_at(m, at);
}

static void put_packet_old(struct make *m, uint16_t iface, uint64_t units, uint32_t cap_len)
{
    size_t at = begin_block(m, 2);

    put_u16(m, iface);
    put_u16(m, 7); /* drops */
    put_u32(m, units >> 32);
    put_u32(m, units & 0xffffffff);
    put_u32(m, cap_len);
    put_u32(m, cap_len);
    put_bytes(m, bytes, cap_len);
    end_block_at(m, at);
}

static void put_simple(struct make *m, uint32_t here, uint32_t wire_len)
{
    size_t at = begin_block(m, 3);

    put_u32(m, wire_len);
    put_bytes(m, bytes, here);
    end_block_at(m, at);
}

static void put_other(struct make *m, uint32_t type, size_t len)
{
    size_t at = begin_block(m, type);

    put_bytes(m, bytes, len);
    end_block_at(m, at);
}

/* Two sections in two byte orders, with everything that a block can be. */
static void make_pcapng(struct make *m, bool big)
{
    m->big = big;
    put_section(m);
    put_iface(m, 1, 262144, 0, 0);
    put_packet(m, 0, 1700000000123456, 60, 60);
    put_other(m, 0x777, 41);
    put_iface(m, 113, 40, 9, 0);
    put_packet(m, 1, 1700000000123456789, 21, 1514);
    put_packet_old(m, 1, 1700000000000000001, 7);
    put_simple(m, 33, 33);
    put_other(m, 5, 12);     /* statistics */
    put_other(m, 0xbad, 12); /* custom: Wireshark gives it a number */
    put_iface(m, 101, 0, 3, -5);
    put_packet(m, 2, 7000, 3, 3);
    put_iface(m, 276, 0, 0x80 | 10, 1);
    put_packet(m, 3, 1536, 0, 99);
    put_iface(m, 276, 0, 12, 0);
    put_packet(m, 4, 1999, 1, 1);
    m->big = !big;
    put_section(m);
    put_iface(m, 228, 16, 0, 0);
    put_simple(m, 16, 1000);
    put_packet(m, 0, 1, 2, 2);
}

static const struct want pcapng_want[] = {
    { 1, 1700000000123456000, 1, 60, 60 },
    { 2, 1700000000123456789, 113, 21, 1514 },
    { 3, 1700000000000000001, 113, 7, 7 },
    { 4, 1700000000000000001, 1, 33, 33 }, /* simple: interface 0, the time before */
    { 6, 2000000000, 101, 3, 3 },          /* 5 is the custom block; 7000 ms - 5 s */
    { 7, 2500000000, 276, 0, 99 },         /* 1536/1024 s + 1 s */
    { 8, 1, 276, 1, 1 },                   /* 1999 ps, cut to nanoseconds */
    { 9, 1, 228, 16, 1000 },               /* new section, new interface 0; its snap length */
    { 10, 1000, 228, 2, 2 },
};

static void test_pcapng(void **state)
{
    (void)state;
    for (int big = 0; big < 2; big++) {
        struct make m = { 0 };
        struct pt_capture *cap;

        make_pcapng(&m, big);
        cap = open_bytes(m.data, m.len);
        expect_frames(cap, pcapng_want, ROWS(pcapng_want));
        pt_capture_close(cap);
    }
}

/* Cut behind every byte: whole packets are given, and the end is clean only between two of them. */
static void test_pcap_cut(void **state)
{
    struct make m = { 0 };
    size_t ends[4];

    (void)state;
    put_pcap_header(&m, 0xa1b2c3d4, 65535, 1);
    ends[0] = m.len;
    for (uint32_t i = 1; i < ROWS(ends); i++) {
        put_pcap_packet(&m, i, 0, bytes, 20 * i, 20 * i);
        ends[i] = m.len;
    }
    for (size_t cut = 24; cut <= m.len; cut++) {
        struct pt_capture *cap = open_bytes(m.data, cut);
        const struct pt_capture_info *info = pt_capture_info(cap);
        struct pt_frame f;
        size_t whole = 0;
        char off[32];

        while (whole + 1 < ROWS(ends) && ends[whole + 1] <= cut)
            whole++;
        for (size_t i = 0; i < whole; i++)
            assert_int_equal(pt_capture_next(cap, &f), 1);
        assert_int_equal(pt_capture_next(cap, &f), 0);
        assert_int_equal(info->truncated, cut != ends[whole]);
        snprintf(off, sizeof(off), "at byte %zu", cut);
        assert_int_equal(info->trouble[0] != '\0', info->truncated);
        assert_true(!info->truncated || strstr(info->trouble, off));
        pt_capture_close(cap);
    }
}

static void test_pcapng_cut(void **state)
{
    struct make m = { 0 };
    size_t data_end[4]; /* a packet is given as soon as its bytes are there */
    size_t block_end[4];

    (void)state;
    put_section(&m);
    put_iface(&m, 1, 0, 0, 0);
    data_end[0] = block_end[0] = m.len;
    for (uint32_t i = 1; i < ROWS(block_end); i++) {
        data_end[i] = m.len + 28 + 19 * i;
        put_packet(&m, 0, i, 19 * i, 19 * i);
        block_end[i] = m.len;
    }
    for (size_t cut = data_end[0]; cut <= m.len; cut++) {
        struct pt_capture *cap = open_bytes(m.data, cut);
        size_t whole = 0;
        size_t packets = 0;
        struct pt_frame f;

        while (whole + 1 < ROWS(data_end) && data_end[whole + 1] <= cut)
            whole++;
        while (pt_capture_next(cap, &f) == 1)
            packets++;
        assert_int_equal(packets, whole);
        assert_int_equal(pt_capture_info(cap)->truncated, cut != block_end[whole]);
        pt_capture_close(cap);
    }
}

/* Length fields that cannot be true end the reading there; nothing is allocated for them. */
static void test_garbage(void **state)
{
    enum { PACKET_1 = 28 + 36 }; /* behind the section and the interface */
    static const struct {
        size_t at; /* where 4 bytes of the pcapng file below are overwritten, */
        uint32_t value;
        size_t packets; /* and how many packets are still read */
        const char *says;
        const char *why;
    } rows[] = {
        { PACKET_1 + 4, 0xfffffffc, 1, "ends inside a block", "length of packet 1's block: all 4 GiB" },
        { PACKET_1 + 4, 50, 0, "impossible length", "not a multiple of 4" },
        { PACKET_1 + 4, 8, 0, "impossible length", "shorter than its own frame" },
        { PACKET_1 + 4, 28, 0, "too short", "no room for the packet's head" },
        { PACKET_1 + 8, 1, 0, "not described", "interface 1 of 1" },
        { PACKET_1 + 20, 0xffffffff, 0, "shorter than the packet", "captured length: 4 GiB" },
        { PACKET_1 + 20, 64 - 32 + 1, 0, "shorter than the packet", "captured length: block and 1 byte" },
        { PACKET_1 + 60, 60, 1, "two different lengths", "the length at the block's end" },
        { 28 + 18, 0xffff0000 | 1000, 0, "longer than itself", "an option of the interface" },
    };
    struct make good = { 0 };

    (void)state;
    put_section(&good);
    put_iface(&good, 1, 0, 0, 0);
    assert_int_equal(good.len, PACKET_1);
    put_packet(&good, 0, 1, 20, 20);
    assert_int_equal(good.len, PACKET_1 + 64);
    put_packet(&good, 0, 2, 20, 20);
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct make m = good;
        struct pt_capture *cap;
        size_t packets = 0;
        struct pt_frame f;

        print_message("%s\n", rows[i].why);
        m.len = rows[i].at;
        put_u32(&m, rows[i].value);
        cap = open_bytes(m.data, good.len);
        while (pt_capture_next(cap, &f) == 1)
            packets++;
        assert_int_equal(packets, rows[i].packets);
        assert_true(pt_capture_info(cap)->truncated);
        if (!strstr(pt_capture_info(cap)->trouble, rows[i].says))
            fail_msg("%s", pt_capture_info(cap)->trouble);
        pt_capture_close(cap);
    }
}

static void test_pcap_garbage(void **state)
{
    static const struct {
        uint32_t snap;
        uint32_t cap_len;
        const char *says;
        const char *why;
    } rows[] = {
        { 100, 100 + 262144, "ends inside packet 2", "still believed: the slack above the snap length" },
        { 100, 101 + 262144, "says it has", "a byte more is not" },
        { 0xffffffff, 1u << 20, "ends inside packet 2", "the most that is ever believed" },
        { 0xffffffff, (1u << 20) + 1, "says it has", "a boundless snap length has a bound here" },
        { 0, 0xffffffff, "says it has", "4 GiB" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        struct make m = { 0 };
        struct pt_capture *cap;
        struct pt_frame f;

        print_message("%s\n", rows[i].why);
        put_pcap_header(&m, 0xa1b2c3d4, rows[i].snap, 1);
        put_pcap_packet(&m, 1, 1, bytes, 60, 60);
        put_pcap_packet(&m, 1, 1, bytes, 60, 60);
        m.len = 24 + 76 + 8;
        put_u32(&m, rows[i].cap_len);
        cap = open_bytes(m.data, 24 + 2 * 76);
        assert_int_equal(pt_capture_next(cap, &f), 1);
        assert_int_equal(pt_capture_next(cap, &f), 0);
        assert_true(pt_capture_info(cap)->truncated);
        if (!strstr(pt_capture_info(cap)->trouble, rows[i].says))
            fail_msg("%s", pt_capture_info(cap)->trouble);
        pt_capture_close(cap);
    }
}

/* Modified pcap (Kuznetzov): 8 bytes more in each packet's header; read by libpcap. */
static void test_libpcap(void **state)
{
    static const struct want want[] = { { 1, 5000006000, 1, 60, 60 }, { 2, 7000000000, 1, 9, 70 } };
    struct make m = { 0 };
    struct pt_capture *cap;
    struct pt_frame f;

    (void)state;
    put_pcap_header(&m, 0xa1b2cd34, 65535, 1);
    put_pcap_packet(&m, 5, 6, NULL, 0, 60);
    m.len -= 8;
    put_u32(&m, 60);
    put_u32(&m, 60);
    put_bytes(&m, "\2\0\0\0\0\0\0\0", 8);
    put_bytes(&m, bytes, 60);
    put_u32(&m, 7);
    put_u32(&m, 0);
    put_u32(&m, 9);
    put_u32(&m, 70);
    put_bytes(&m, "\2\0\0\0\0\0\0\0", 8);
    put_bytes(&m, bytes, 9);
    cap = open_bytes(m.data, m.len);
    expect_frames(cap, want, ROWS(want));
    pt_capture_close(cap);

    cap = open_bytes(m.data, m.len - 1);
    assert_int_equal(pt_capture_next(cap, &f), 1);
    assert_int_equal(pt_capture_next(cap, &f), 0);
    assert_true(pt_capture_info(cap)->truncated);
    assert_non_null(strstr(pt_capture_info(cap)->trouble, "packet 2"));
    pt_capture_close(cap);
}

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
static void expect_same_piped(const uint8_t *plain, size_t plain_len, const uint8_t *data, size_t len,
                              bool as_stdin)
{
    struct writer w = { .data = data, .len = len, .seed = 20240501 };
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
    for (size_t i = 0; i < ROWS(names); i++) {
        uint8_t *data = load(names[i], &len);

        expect_backings_agree(data, len);
        expect_backings_agree(data, len - 7); /* also where it is cut */
        free(data);
    }
    make_pcapng(&m, true);
    expect_backings_agree(m.data, m.len);
    /* A block larger than any window, to be stepped over, and a packet behind it. */
    m = (struct make){ 0 };
    put_section(&m);
    put_iface(&m, 1, 0, 0, 0);
    len = m.len;
    big = calloc(1, (3u << 20) + 4096);
    assert_non_null(big);
    m.len = 0;
    put_u32(&m, 0x999);
    put_u32(&m, 3u << 20);
    memcpy(big + len + (3u << 20) - 4, m.data + 4, 4);
    memcpy(big + len, m.data, 8);
    m.len = 0;
    put_section(&m);
    put_iface(&m, 1, 0, 0, 0);
    memcpy(big, m.data, len);
    m.len = 0;
    put_packet(&m, 0, 1, 60, 60);
    memcpy(big + len + (3u << 20), m.data, m.len);
    expect_backings_agree(big, len + (3u << 20) + m.len);
    expect_backings_agree(big, len + (2u << 20));
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
            print_message("%zu of %zu bytes: %s\n", k < ROWS(cuts) ? cuts[k] : packed_len, packed_len,
                          pt_capture_info(b)->trouble);
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

static void test_refused(void **state)
{
    static const struct {
        const char *data; /* NULL: the path is opened as it is */
        size_t len;
        const char *path;
        int rc;
        const char *says;
    } rows[] = {
        { NULL, 0, "/nonexistent/x.pcap", -ENOENT, "no such file" },
        { NULL, 0, "/", -EISDIR, "directory" },
        { NULL, 0, "/dev/null", -ENODATA, "empty" },
        { "", 0, NULL, -ENODATA, "empty" },
        { "{\"records\": [1, 2, 3]}\n", 23, NULL, -EBADMSG, "is text" },
        { "x", 1, NULL, -EBADMSG, "is text" },
        { "\x7f" "ELF\2\1\1\0\0\0\0\0\0\0\0\0", 16, NULL, -EBADMSG, "no capture" },
        { "\xfd" "7zXZ\0\0\4", 8, NULL, -ENOTSUP, "xz -d" },
        { "snoop\0\0\0\0\0\0\2\0\0\0\4", 16, NULL, -ENOTSUP, "editcap" },
        { "\xd4\xc3\xb2\xa1\2\0\4\0", 8, NULL, -ENODATA, "pcap file header at byte 8" },
        { "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\1\0", 14, NULL, -ENODATA, "at byte 14" },
        { "\x0a\x0d\x0d\x0a\x1c\0\0\0\x4d\x3c\x2b\x1a\7\0\0\0\0\0\0\0\0\0\0\0\x1c\0\0\0", 28, NULL,
          -ENODATA, "version" },
        { "\x1f\x8b\x08\0\0\0\0\0\0\3\xff\xff\xff", 13, NULL, -EBADMSG, "gzip data broken" },
        { "\x1f\x8b\x08\0\0", 5, NULL, -EBADMSG, "cut off" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        int fd = rows[i].data ? memory_file(rows[i].data, rows[i].len) : -1;
        struct pt_capture *cap = NULL;
        const char *err = NULL;
        char buf[32];
        const char *path = rows[i].data ? fd_path(fd, buf) : rows[i].path;
        int rc = pt_capture_open(path, &cap, &err);

        print_message("%d %s\n", rc, err);
        assert_int_equal(rc, rows[i].rc);
        assert_null(cap);
        assert_non_null(strstr(err, path));
        assert_non_null(strstr(err, rows[i].says));
        if (fd >= 0)
            close(fd);
    }
}

static void test_no_permission(void **state)
{
    char path[] = "/tmp/pt-test-capture-XXXXXX";
    struct pt_capture *cap = NULL;
    const char *err = NULL;
    int fd = mkstemp(path);
    bool root = geteuid() == 0;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, 0), 0);
    if (root)
        assert_int_equal(seteuid(65534), 0);
    assert_int_equal(pt_capture_open(path, &cap, &err), -EACCES);
    assert_non_null(strstr(err, "may not read"));
    if (root)
        assert_int_equal(seteuid(0), 0);
    unlink(path);
    close(fd);
}

/* packets, bytes on the wire, TCP segments, TCP payload: tshark -T fields -e frame.len -e tcp.len, summed. */
static void test_real(void **state)
{
    static const struct {
        const char *name;
        uint64_t packets;
        uint64_t bytes;
        uint64_t segments;
        uint64_t payload;
    } rows[] = {
        { "java09-console.pcap", 398, 94630, 398, 68066 },
        { "java09-perf.pcap", 41, 7748, 41, 4998 },
        { "kafka-python-202-v010.pcap", 121, 47461, 121, 39379 },
        { "kafka-python-202-v09.pcap", 255, 79246, 255, 62236 },
        { "kafka-python-202.pcap", 368, 101290, 368, 76682 },
        { "kafkajs-224.pcap", 480, 151241, 480, 119289 },
        { "kafkanode-500.pcap", 138, 54216, 138, 45060 },
        { "kcat-09.pcap", 341, 87652, 341, 65054 },
        { "kcat171-bigrecord.pcap", 655, 791346, 655, 748036 },
        { "kcat171-codecs.pcap", 670, 132036, 670, 87384 },
        { "net-lo-gso64k-badcsum.pcap", 464, 604100, 464, 573188 },
        { "net-lo-mtu1500-badcsum.pcap", 924, 635138, 924, 573850 },
        { "net-vxlan.pcap", 151, 30501, 141, 12793 },
        { "nokafka-344.pcap", 221, 64616, 221, 49950 },
        { "rdk202-acks0-09.pcap", 45, 12014, 45, 9012 },
        { "rdk202-codecs.pcap", 765, 141607, 765, 90557 },
        { "rdk202-txn.pcap", 467, 92207, 467, 61065 },
        { "rdk215-acks.pcap", 128, 23968, 128, 15376 },
        { "rdk215-apiversions-fallback.pcap", 179, 26121, 179, 14163 },
        { "rdk215-codecs.pcap", 779, 145666, 779, 93612 },
        { "rdk215-txn.pcap", 479, 96818, 479, 64852 },
        { "rdk215-version-sweep.pcap", 2638, 412132, 2638, 235800 },
        { "replication-09.pcap", 745, 91746, 745, 42476 },
        { "sarama-1221-v010.pcap", 160, 51060, 160, 40404 },
        { "sarama-1221-v09.pcap", 519, 102511, 519, 68129 },
        { "tls-09.pcap", 138, 37760, 138, 28644 },
        { "dual-write-source.pcap.gz", 1431, 475032, 1431, 380258 },
        { "dual-write-target.pcap.gz", 309, 194827, 309, 174293 },
        { "late-source.pcap.gz", 25922, 4826647, 25922, 3115311 },
        { "late-target.pcap.gz", 1957, 765492, 1957, 636114 },
        { "link-source.pcap.gz", 986, 427153, 986, 361777 },
        { "link-target.pcap.gz", 272, 187707, 272, 169643 },
        { "mirror-faults-source.pcap.gz", 2310, 879814, 2310, 727038 },
        { "mirror-faults-target.pcap.gz", 255, 142536, 255, 125582 },
        { "mm2-clean-source.pcap.gz", 8995, 2023945, 8995, 1428183 },
        { "mm2-clean-target.pcap.gz", 2422, 1077738, 2422, 917018 },
        { "old-source.pcap.gz", 12507, 2170589, 12507, 1342563 },
        { "old-target.pcap.gz", 2817, 841845, 2817, 654631 },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        uint64_t segments = 0;
        uint64_t payload = 0;
        struct pt_capture *cap;
        struct pt_segment seg;
        struct pt_frame f;
        char path[4096];
        int rc;

        snprintf(path, sizeof(path), "%s/%s/%s", getenv("PT_CAPTURES"),
                 strstr(rows[i].name, ".gz") ? "pairs" : "clients", rows[i].name);
        cap = open_path(path);
        while ((rc = pt_capture_next(cap, &f)) == 1) {
            if (pt_packet_decode(&f, &seg) != PT_PACKET_TCP)
                continue;
            segments++;
            payload += seg.pay_len;
            assert_int_equal(seg.pay_missing, 0);
        }
        assert_int_equal(rc, 0);
        if (pt_capture_info(cap)->packets != rows[i].packets ||
            pt_capture_info(cap)->bytes != rows[i].bytes || segments != rows[i].segments ||
            payload != rows[i].payload)
            fail_msg("%s differs", rows[i].name);
        assert_false(pt_capture_info(cap)->truncated);
        pt_capture_close(cap);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcap),          cmocka_unit_test(test_pcapng),
        cmocka_unit_test(test_pcap_cut),      cmocka_unit_test(test_pcapng_cut),
        cmocka_unit_test(test_garbage),       cmocka_unit_test(test_pcap_garbage),
        cmocka_unit_test(test_libpcap),       cmocka_unit_test(test_backings),
        cmocka_unit_test(test_packed_damage), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_permission), cmocka_unit_test(test_real),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
