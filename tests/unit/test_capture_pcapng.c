/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapng files are read as the draft says: every kind of packet block, several interfaces with
 * their own clocks, several sections, both byte orders; cut or garbled, they give what was before
 * that. Truth: files made by hand from the draft; the numbers of packets are those that
 * tshark 4.0.17 shows for such a file.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/make_capture.h"

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

/* A packet is given as soon as its bytes are there, wherever behind them the file ends. */
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
        { PACKET_1 + 4, 0xfffffffc, 1, "ends inside a block",
          "length of packet 1's block: all 4 GiB" },
        { PACKET_1 + 4, 50, 0, "impossible length", "not a multiple of 4" },
        { PACKET_1 + 4, 8, 0, "impossible length", "shorter than its own frame" },
        { PACKET_1 + 4, 28, 0, "too short", "no room for the packet's head" },
        { PACKET_1 + 8, 1, 0, "not described", "interface 1 of 1" },
        { PACKET_1 + 20, 0xffffffff, 0, "shorter than the packet", "captured length: 4 GiB" },
        { PACKET_1 + 20, 64 - 32 + 1, 0, "shorter than the packet",
          "captured length: block and 1 byte" },
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pcapng),
        cmocka_unit_test(test_pcapng_cut),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
