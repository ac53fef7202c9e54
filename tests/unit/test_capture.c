/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcap files are read as the draft says, in both byte orders; a file that ends too early gives the
 * packets before that, and says so; what is no capture is refused in words. Truth: files made by
 * hand from the draft, and for real captures the counts that tshark 4.0.17 gives.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <errno.h>
#include <cmocka.h>
#include <sys/stat.h>

#include "dataplane/packet.h"
#include "tests/unit/make_capture.h"

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
        put_pcap_packet(&m, 1700000000, 123456, any_bytes, 60, 60);
        put_pcap_packet(&m, 0xffffffff, 0, any_bytes, 10, 1514);
        put_pcap_packet(&m, 0, 0, any_bytes, 0, 0);
        put_pcap_packet(&m, 1, 0, any_bytes, 5, 3);
        cap = open_bytes(m.data, m.len);
        expect_frames(cap, want, ROWS(want));
        assert_int_equal(pt_capture_info(cap)->bytes, 60 + 1514 + 5);
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
        put_pcap_packet(&m, i, 0, any_bytes, 20 * i, 20 * i);
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

static void test_pcap_garbage(void **state)
{
    static const struct {
        uint32_t snap;
        uint32_t cap_len;
        const char *says;
        const char *why;
    } rows[] = {
        { 100, 100 + 262144, "ends inside packet 2",
          "still believed: the slack above the snap length" },
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
        put_pcap_packet(&m, 1, 1, any_bytes, 60, 60);
        put_pcap_packet(&m, 1, 1, any_bytes, 60, 60);
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
    put_bytes(&m, any_bytes, 60);
    put_u32(&m, 7);
    put_u32(&m, 0);
    put_u32(&m, 9);
    put_u32(&m, 70);
    put_bytes(&m, "\2\0\0\0\0\0\0\0", 8);
    put_bytes(&m, any_bytes, 9);
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
        { "\x7f"
          "ELF\2\1\1\0\0\0\0\0\0\0\0\0",
          16, NULL, -EBADMSG, "no capture" },
        { "\xfd"
          "7zXZ\0\0\4",
          8, NULL, -ENOTSUP, "xz -d" },
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

/* packets, bytes on the wire, TCP segments, TCP payload: tshark -T fields -e frame.len -e tcp.len,
 * summed. */
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
        struct pt_wrap wrap;
        struct pt_frame f;
        char path[4096];
        int rc;

        snprintf(path, sizeof(path), "%s/%s/%s", getenv("PT_CAPTURES"),
                 strstr(rows[i].name, ".gz") ? "pairs" : "clients", rows[i].name);
        cap = open_path(path);
        while ((rc = pt_capture_next(cap, &f)) == 1) {
            if (pt_packet_decode(&f, &seg, &wrap) != PT_PACKET_TCP)
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
        cmocka_unit_test(test_pcap),         cmocka_unit_test(test_pcap_cut),
        cmocka_unit_test(test_pcap_garbage), cmocka_unit_test(test_libpcap),
        cmocka_unit_test(test_refused),      cmocka_unit_test(test_no_permission),
        cmocka_unit_test(test_real),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
