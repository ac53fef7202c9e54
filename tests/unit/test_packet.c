/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame becomes the TCP segment that is in it, or the reason why not. Frames are put together
 * from the headers of the RFCs; each row says what is special. Then every frame is cut behind every
 * byte, in a heap block of its own: what is left is a beginning of the payload with the rest
 * counted as missing, or CUT. (Real traffic is compared with tshark's counts in test_capture.c.)
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dataplane/packet.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

/* Headers, as hex; a blank separates nothing. TCP here: port 49152 -> 9092, seq 0x01020304, ack
 * 0x05060708, flags PSH|ACK; the payload is "payload". */
#define MACS "020000000001 020000000002 "
#define ETH4 MACS "0800 "
#define ETH6 MACS "86dd "
#define IP4(len) "4500 " len " 1234 4000 40 06 0000 0a000001 0a000002 "
#define IP4_FLAGS(flags) "4500 002f 1234 " flags " 40 06 0000 0a000001 0a000002 "
#define IP4_UDP(len) "4500 " len " 9999 4000 40 11 0000 c0a80001 c0a80002 "
#define IP6(len, next)                                                                             \
    "60000000 " len " " next " 40 20010db8000000000000000000000001 "                               \
    "20010db8000000000000000000000002 "
#define TCP_OFF(off) "c000 2384 01020304 05060708 " off " 18 ffff 0000 0000 "
#define TCP TCP_OFF("50")
#define TCP_TS TCP_OFF("80") "0101080a 00000001 00000002 "
#define PAY "7061796c6f6164 "
#define UDP_VXLAN "d000 12b5 0000 0000 "
#define VXLAN "08000000 00030900 "
#define MIRROR(len)                                                                                \
    ETH4 IP4_UDP(len)                                                                              \
    UDP_VXLAN VXLAN
#define PAD "00000000000000000000 "

struct row {
    uint32_t link_type;
    const char *hex;
    enum pt_packet_kind kind;
    int family; /* 4 or 6, of the segment */
    uint8_t tunnels;
    uint32_t more_wire; /* bytes that the snap length took */
    uint32_t missing;   /* expected */
    const char *why;
};

static const struct row rows[] = {
    { 1, ETH4 IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0, "plain" },
    { 1, ETH4 IP4("002f") TCP PAY PAD, PT_PACKET_TCP, 4, 0, 0, 0, "padding is no payload" },
    { 1, ETH4 IP4("003b") TCP_TS PAY, PT_PACKET_TCP, 4, 0, 0, 0, "TCP options" },
    { 1, ETH4 "4600 0033 1234 4000 40 06 0000 0a000001 0a000002 94040000 " TCP PAY, PT_PACKET_TCP,
      4, 0, 0, 0, "IPv4 option: router alert" },
    { 1, ETH4 IP4("0000") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0,
      "total length 0: segmentation offload" },
    { 1, ETH4 IP4("0000") TCP PAY, PT_PACKET_TCP, 4, 0, 70000, 70000, "the same, snapped" },
    { 1, ETH4 IP4("05dc") TCP PAY, PT_PACKET_TCP, 4, 0, 1453, 1453, "snap length" },
    { 1, ETH4 IP4("05dc") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 1453, "cut by a mirror before the tap" },
    { 1, MACS "8100 0064 0800 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0, "802.1Q" },
    { 1, MACS "88a8 0064 8100 0065 0800 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0,
      "802.1ad" },
    { 1, MACS "9100 0064 9100 0065 8100 0001 86dd " IP6("001b", "06") TCP PAY, PT_PACKET_TCP, 6, 0,
      0, 0, "old QinQ, three deep" },
    { 1, MACS "8100 0001 8100 0001 8100 0001 8100 0001 8100 0001 0800 " IP4("002f") TCP PAY,
      PT_PACKET_MALFORMED, 0, 0, 0, 0, "five tags" },
    { 1, ETH6 IP6("001b", "06") TCP PAY, PT_PACKET_TCP, 6, 0, 0, 0, "IPv6" },
    { 1, ETH6 IP6("001b", "06") TCP PAY PAD, PT_PACKET_TCP, 6, 0, 0, 0, "IPv6, padding" },
    { 1, ETH6 IP6("0000", "00") "06 00 c204 00011170 " TCP PAY, PT_PACKET_TCP, 6, 0, 0, 0,
      "IPv6 jumbo payload: the length is in the option, the frame says it too" },
    { 1, ETH6 IP6("0023", "00") "06 00 0502 0000 0100 " TCP PAY, PT_PACKET_TCP, 6, 0, 0, 0,
      "hop-by-hop" },
    { 1,
      ETH6 IP6("0053", "3c") "2b 00 0104 00000000 "
                             "33 02 0100 00000000 " PAD "000000000000 "
                             "06 04 0000 00000001 00000001 " PAD "0000 " TCP PAY,
      PT_PACKET_TCP, 6, 0, 0, 0, "destination options, routing, authentication" },
    { 1, ETH6 IP6("0023", "2c") "06 00 0000 12345678 " TCP PAY, PT_PACKET_TCP, 6, 0, 0, 0,
      "a fragment header on a whole packet (RFC 6946)" },
    { 1, ETH6 IP6("0023", "2c") "06 00 0001 12345678 " TCP PAY, PT_PACKET_FRAGMENT, 0, 0, 0, 0,
      "IPv6 first fragment" },
    { 1, ETH6 IP6("0023", "2c") "06 00 0550 12345678 " TCP PAY, PT_PACKET_FRAGMENT, 0, 0, 0, 0,
      "IPv6 last fragment" },
    { 1, ETH6 IP6("0004", "00") "06 00 0502 0000 0100 " TCP, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "extension header beyond the payload length" },
    { 1, ETH6 IP6("0023", "00") "06 09 0502 0000 0100 " TCP PAY, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "extension header longer than the packet" },
    { 1, ETH6 IP6("0008", "3a") "8000 0000 0000 0000 ", PT_PACKET_NOT_TCP, 0, 0, 0, 0, "ICMPv6" },
    { 1, ETH4 IP4_FLAGS("2000") TCP PAY, PT_PACKET_FRAGMENT, 0, 0, 0, 0, "first fragment" },
    { 1, ETH4 IP4_FLAGS("0010") TCP PAY, PT_PACKET_FRAGMENT, 0, 0, 0, 0, "last fragment" },
    { 1, ETH4 IP4_FLAGS("8000") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0,
      "the reserved flag is no fragment" },
    { 1, MACS "0806 0001 0800 0604 0001 " PAD PAD, PT_PACKET_NOT_IP, 0, 0, 0, 0, "ARP" },
    { 1, MACS "0026 4242 03 00000000 " PAD PAD PAD, PT_PACKET_NOT_IP, 0, 0, 0, 0,
      "802.3: spanning tree" },
    { 1, ETH4 "4400 002f 1234 4000 40 06 0000 0a000001 0a000002 " TCP PAY, PT_PACKET_MALFORMED, 0,
      0, 0, 0, "IPv4 header shorter than 20" },
    { 1, ETH4 "4f00 002f 1234 4000 40 06 0000 0a000001 0a000002 " TCP PAY, PT_PACKET_MALFORMED, 0,
      0, 0, 0, "IPv4 header longer than the packet" },
    { 1, ETH4 IP4("0013") TCP PAY, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "total length below the header's" },
    { 1, ETH4 IP4("0027") TCP PAY, PT_PACKET_MALFORMED, 0, 0, 0, 0, "no room for a TCP header" },
    { 1, ETH4 IP4("002f") TCP_OFF("40") PAY, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "TCP header below 20" },
    { 1, ETH4 IP4("002f") TCP_OFF("80") PAY, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "TCP header beyond the packet" },
    { 1, ETH4 IP6("001b", "06") TCP PAY, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "IPv6 announced as IPv4" },
    { 1, ETH6 IP4("002f") TCP PAY PAD, PT_PACKET_MALFORMED, 0, 0, 0, 0, "IPv4 announced as IPv6" },
    { 1, ETH4 IP4_UDP("0024") "d000 0035 0010 0000 0102030405060708 ", PT_PACKET_NOT_TCP, 0, 0, 0,
      0, "DNS" },
    { 113, "0000 0001 0006 020000000001 0000 0800 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0,
      "Linux cooked v1" },
    { 113, "0000 0001 0006 020000000001 0000 8100 0007 0800 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4,
      0, 0, 0, "Linux cooked v1, tagged" },
    { 276, "86dd 0000 00000002 0001 04 06 020000000001 0000 " IP6("001b", "06") TCP PAY,
      PT_PACKET_TCP, 6, 0, 0, 0, "Linux cooked v2" },
    { 0, "02000000 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0,
      "BSD loopback, little-endian host" },
    { 0, "00000002 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0,
      "BSD loopback, big-endian host" },
    { 0, "1e000000 " IP6("001b", "06") TCP PAY, PT_PACKET_TCP, 6, 0, 0, 0,
      "BSD loopback, Darwin's AF_INET6" },
    { 108, "00000018 " IP6("001b", "06") TCP PAY, PT_PACKET_TCP, 6, 0, 0, 0, "OpenBSD loopback" },
    { 0, "07000000 " IP4("002f") TCP PAY, PT_PACKET_NOT_IP, 0, 0, 0, 0,
      "BSD loopback, another family" },
    { 101, IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0, "raw" },
    { 12, IP6("001b", "06") TCP PAY, PT_PACKET_TCP, 6, 0, 0, 0, "raw, Linux' old number" },
    { 14, IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0, "raw, OpenBSD's old number" },
    { 228, IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0, "raw IPv4" },
    { 229, IP6("001b", "06") TCP PAY, PT_PACKET_TCP, 6, 0, 0, 0, "raw IPv6" },
    { 105, IP4("002f") TCP PAY, PT_PACKET_LINK_TYPE, 0, 0, 0, 0, "802.11" },
    { 1, MIRROR("0061") ETH4 IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 1, 0, 0, "VXLAN" },
    { 1, MIRROR("0061") ETH4 IP4("002f") TCP PAY PAD, PT_PACKET_TCP, 4, 1, 0, 0,
      "VXLAN, outer padding" },
    { 1, MIRROR("0061") ETH4 IP4("0000") TCP PAY PAD, PT_PACKET_TCP, 4, 1, 0, 0,
      "VXLAN, inner length 0: the outer one bounds it" },
    { 1, MIRROR("005e") ETH4 IP4("05dc") TCP PAY, PT_PACKET_TCP, 4, 1, 0, 1456,
      "VXLAN, the mirrored frame cut: 4 payload bytes inside the outer packet, 3 behind it" },
    { 1, MIRROR("00d9") MIRROR("00a7") MIRROR("0075") ETH6 IP6("001b", "06") TCP PAY PAD,
      PT_PACKET_TCP, 6, 3, 0, 0, "VXLAN, three deep" },
    { 1, MIRROR("00f7") MIRROR("00c5") MIRROR("0093") MIRROR("0061") ETH4 IP4("002f") TCP PAY,
      PT_PACKET_TCP, 4, 4, 0, 0, "VXLAN, four deep" },
    { 1,
      MIRROR("0129") MIRROR("00f7") MIRROR("00c5") MIRROR("0093") MIRROR("0061") ETH4 IP4("002f")
              TCP PAY,
      PT_PACKET_NOT_TCP, 0, 0, 0, 0, "VXLAN, five deep: one too many" },
    { 1, ETH4 IP4_UDP("0061") UDP_VXLAN "00000000 00030900 " ETH4 IP4("002f") TCP PAY,
      PT_PACKET_NOT_TCP, 0, 0, 0, 0, "VXLAN without its flag is something else" },
    { 1, MIRROR("0052") MACS "0806 " PAD PAD "00000000000000000000 ", PT_PACKET_NOT_IP, 0, 0, 0, 0,
      "ARP in VXLAN" },
};

static size_t from_hex(const char *hex, uint8_t *out, size_t out_sz)
{
    size_t len = 0;

    for (; *hex; hex++) {
        char pair[3] = { 0 };

        if (*hex == ' ')
            continue;
        pair[0] = *hex++;
        pair[1] = *hex;
        assert_true(len < out_sz);
        out[len++] = (uint8_t)strtoul(pair, NULL, 16);
    }
    return len;
}

static enum pt_packet_kind decode(uint32_t link_type, const uint8_t *data, size_t len,
                                  size_t wire_len, struct pt_segment *ret_seg)
{
    const struct pt_frame f = { .data = data,
                                .cap_len = (uint32_t)len,
                                .wire_len = (uint32_t)wire_len,
                                .link_type = link_type };

    return pt_packet_decode(&f, ret_seg);
}

static void expect_segment(const struct row *r, const struct pt_segment *seg)
{
    static const uint8_t ip4[2][16] = { "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1",
                                        "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\2" };
    static const uint8_t ip6[2][16] = { "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1",
                                        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2" };

    assert_memory_equal(seg->src.ip, r->family == 4 ? ip4[0] : ip6[0], 16);
    assert_memory_equal(seg->dst.ip, r->family == 4 ? ip4[1] : ip6[1], 16);
    assert_int_equal(seg->src.port, 49152);
    assert_int_equal(seg->dst.port, 9092);
    assert_int_equal(seg->seq, 0x01020304);
    assert_int_equal(seg->ack, 0x05060708);
    assert_int_equal(seg->flags, PT_TCP_ACK | 0x08);
    assert_int_equal(seg->ip_id, r->family == 4 ? 0x1234 : 0);
    assert_int_equal(seg->tunnels, r->tunnels);
}

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct row *r = &rows[i];
        struct pt_segment seg;
        uint8_t data[1024];
        size_t len = from_hex(r->hex, data, sizeof(data));

        print_message("%s\n", r->why);
        assert_int_equal(decode(r->link_type, data, len, len + r->more_wire, &seg), r->kind);
        if (r->kind != PT_PACKET_TCP)
            continue;
        expect_segment(r, &seg);
        assert_memory_equal(seg.pay, "payload", seg.pay_len < 7 ? seg.pay_len : 7);
        assert_int_equal(seg.pay_missing, r->missing);
    }
}

/* The row's frame, captured to each shorter length. */
static void test_snapped(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(rows); i++) {
        const struct row *r = &rows[i];
        uint8_t data[1024];
        size_t len = from_hex(r->hex, data, sizeof(data));
        struct pt_segment whole;
        uint32_t total;

        if (decode(r->link_type, data, len, len + r->more_wire, &whole) != PT_PACKET_TCP)
            continue;
        total = whole.pay_len + whole.pay_missing;
        for (size_t cut = 0; cut < len; cut++) {
            uint8_t *piece = malloc(cut ? cut : 1);
            struct pt_segment seg;
            enum pt_packet_kind kind;

            assert_non_null(piece);
            memcpy(piece, data, cut);
            kind = decode(r->link_type, piece, cut, len + r->more_wire, &seg);
            if (kind == PT_PACKET_TCP) {
                expect_segment(r, &seg);
                assert_int_equal(seg.pay_len + seg.pay_missing, total);
                assert_true(seg.pay_len <= whole.pay_len);
                assert_memory_equal(seg.pay, "payload", seg.pay_len < 7 ? seg.pay_len : 7);
            } else if (cut > 0) {
                assert_int_equal(kind, PT_PACKET_CUT);
            }
            free(piece);
        }
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(pt_packet_kind_name(PT_PACKET_FRAGMENT), "IP fragments (not reassembled)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_snapped),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
