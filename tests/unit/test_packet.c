/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame becomes the TCP segment that is in it, or the reason why not. Frames are put together
 * from the headers of the RFCs; each row says what is special. Then every frame is cut behind every
 * byte, in a heap block of its own: what is left is a beginning of the payload with the rest
 * counted as missing, or CUT. Numbers that mirrors gave, and fragments, have rows of their own.
 * (Real traffic is compared with tshark's counts in test_capture.c.)
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
#define TCP_SUM(sum) "c000 2384 01020304 05060708 5018 ffff " sum " 0000 "
#define TCP_TS TCP_OFF("80") "0101080a 00000001 00000002 "
#define PAY "7061796c6f6164 "
#define UDP_VXLAN "d000 12b5 0000 0000 "
#define VXLAN "08000000 00030900 "
#define MIRROR(len)                                                                                \
    ETH4 IP4_UDP(len)                                                                              \
    UDP_VXLAN VXLAN
#define IP4_GRE(len) "4500 " len " 9999 4000 40 2f 0000 c0a80001 c0a80002 "
#define GRE(len, head) ETH4 IP4_GRE(len) head
#define ERSPAN2 "1000 88be 00000010 1001 0c07 00000003 "
#define ERSPAN3(flags) "1000 22eb 00000011 2001 0c08 00112233 0000 " flags " "
#define IP4_GENEVE(len) IP4_UDP(len) "d000 17c1 0000 0000 "
#define FRAME ETH4 IP4("002f") TCP PAY
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
    { 1, ETH6 IP6("0023", "2c") "06 00 0001 12345678 " TCP PAY, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "IPv6 first fragment that is no multiple of 8" },
    { 1, ETH6 IP6("0023", "2c") "06 00 0550 12345678 " TCP PAY, PT_PACKET_FRAGMENT, 0, 0, 0, 0,
      "IPv6 last fragment" },
    { 1, ETH6 IP6("0004", "00") "06 00 0502 0000 0100 " TCP, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "extension header beyond the payload length" },
    { 1, ETH6 IP6("0023", "00") "06 09 0502 0000 0100 " TCP PAY, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "extension header longer than the packet" },
    { 1, ETH6 IP6("0008", "3a") "8000 0000 0000 0000 ", PT_PACKET_NOT_TCP, 0, 0, 0, 0, "ICMPv6" },
    { 1, ETH4 IP4_FLAGS("2000") TCP PAY, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "first fragment that is no multiple of 8" },
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
    { 1, GRE("0055", "0000 6558 ") FRAME, PT_PACKET_TCP, 4, 1, 0, 0, "GRE, Ethernet" },
    { 1, GRE("0047", "0000 0800 ") IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 1, 0, 0, "GRE, IPv4" },
    { 1, GRE("005b", "0000 86dd ") IP6("001b", "06") TCP PAY PAD, PT_PACKET_TCP, 6, 1, 0, 0,
      "GRE, IPv6, outer padding" },
    { 1, GRE("0061", "b000 6558 c0c00000 00000007 00000010 ") FRAME, PT_PACKET_TCP, 4, 1, 0, 0,
      "GRE with checksum, key and sequence number" },
    { 1, ETH6 IP6("0041", "2f") "0000 6558 " FRAME, PT_PACKET_TCP, 4, 1, 0, 0, "GRE over IPv6" },
    { 1, GRE("0044", "0000 8847 ") "00064140 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 1, 0, 7,
      "GRE, MPLS; the last bytes are outside of the outer packet" },
    { 1, GRE("0055", "4000 6558 ") FRAME, PT_PACKET_NOT_TCP, 0, 0, 0, 0, "GRE, source routes" },
    { 1, GRE("0055", "0001 6558 ") FRAME, PT_PACKET_NOT_TCP, 0, 0, 0, 0, "PPTP" },
    { 1, GRE("0055", "0000 880b ") FRAME, PT_PACKET_NOT_IP, 0, 0, 0, 0, "GRE, PPP" },
    { 1, GRE("0017", "0000 65"), PT_PACKET_MALFORMED, 0, 0, 0, 0, "no room for a GRE header" },
    { 1, GRE("001c", "b000 6558 00000000 ") FRAME, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "GRE without the key that it promises" },
    { 1, GRE("0020", "b000 6558 00000000 00000000 ") FRAME, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "GRE without the sequence number that it promises" },
    { 1, GRE("0055", "0000 88be ") FRAME, PT_PACKET_TCP, 4, 1, 0, 0, "ERSPAN I" },
    { 1, GRE("0061", ERSPAN2) FRAME, PT_PACKET_TCP, 4, 1, 0, 0, "ERSPAN II" },
    { 1, GRE("0061", "1000 88be 00000010 1001 0e07 00000003 ") ETH4 IP4("05dc") TCP PAY,
      PT_PACKET_TCP, 4, 1, 0, 1453, "ERSPAN II, truncated by the mirror" },
    { 1, GRE("0061", ERSPAN2) MACS "8100 0064 0800 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 1, 0, 4,
      "ERSPAN II, tagged; cut by the outer length" },
    { 1, GRE("0061", "1000 88be 00000010 3001 0c07 00000003 ") FRAME, PT_PACKET_NOT_TCP, 0, 0, 0, 0,
      "ERSPAN of an unknown version" },
    { 1, GRE("0020", "1000 88be 00000010 1001 0c07 ") FRAME, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "no room for the ERSPAN header" },
    { 1, GRE("0065", ERSPAN3("0000")) FRAME, PT_PACKET_TCP, 4, 1, 0, 0, "ERSPAN III" },
    { 1, GRE("0065", "1000 88be 00000011 2001 0c08 00112233 0000 8000 ") FRAME, PT_PACKET_TCP, 4, 1,
      0, 0, "ERSPAN III under the number of the others" },
    { 1, GRE("006d", ERSPAN3("8001") "0102030405060708 ") FRAME, PT_PACKET_TCP, 4, 1, 0, 0,
      "ERSPAN III with a subheader" },
    { 1, GRE("0057", ERSPAN3("0800")) IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 1, 0, 0,
      "ERSPAN III, an IP packet" },
    { 1, GRE("0065", ERSPAN3("0400")) FRAME, PT_PACKET_NOT_IP, 0, 0, 0, 0,
      "ERSPAN III, another kind of frame" },
    { 1, GRE("0028", ERSPAN3("0001")) FRAME, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "ERSPAN III without the subheader that it promises" },
    { 1, GRE("0024", ERSPAN3("0000")) FRAME, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "no room for the ERSPAN III header" },
    { 1, ETH4 IP4_GENEVE("0061") "0000 6558 00000700 " FRAME, PT_PACKET_TCP, 4, 1, 0, 0, "GENEVE" },
    { 1, ETH4 IP4_GENEVE("0069") "0240 6558 00000700 0102 80 01 00000000 " FRAME, PT_PACKET_TCP, 4,
      1, 0, 0, "GENEVE with an option" },
    { 1, ETH4 IP4_GENEVE("0053") "0000 0800 00000700 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 1, 0,
      0, "GENEVE, IPv4" },
    { 1, ETH4 IP4_GENEVE("0061") "4000 6558 00000700 " FRAME, PT_PACKET_NOT_TCP, 0, 0, 0, 0,
      "GENEVE of a later version" },
    { 1, ETH4 IP4_GENEVE("0061") "3f00 6558 00000700 " FRAME, PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "GENEVE options beyond the packet" },
    { 1, ETH4 IP4_GENEVE("0020") "0000 6558 00000700 ", PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "no room for the GENEVE header" },
    { 1, MACS "8847 00064140 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4, 0, 0, 0, "MPLS" },
    { 1, MACS "8100 0007 8848 00064040 00065140 " IP6("001b", "06") TCP PAY, PT_PACKET_TCP, 6, 0, 0,
      0, "MPLS, tagged, two labels, IPv6" },
    { 1, MACS "8847 00064140 " FRAME, PT_PACKET_TCP, 4, 0, 0, 0,
      "pseudowire; the address begins like a control word" },
    { 1, MACS "8847 00064140 00001234 " FRAME, PT_PACKET_TCP, 4, 0, 0, 0,
      "pseudowire with a control word" },
    { 1,
      MACS "8847 00064140 "
           "a20000000001 020000000002 8100 0009 0800 " IP4("002f") TCP PAY,
      PT_PACKET_TCP, 4, 0, 0, 0, "pseudowire, tagged" },
    { 1, MACS "8847 00064140 420000000001 620000000002 0800 " IP4("002f") TCP PAY, PT_PACKET_TCP, 4,
      0, 0, 0, "pseudowire; the address begins like IPv4" },
    { 1, MACS "8847 00064140 620000000001 020000000002 86dd " IP6("001b", "06") TCP PAY,
      PT_PACKET_TCP, 6, 0, 0, 0, "pseudowire; the address begins like IPv6" },
    { 1,
      MACS "8847 00064140 4500 002f 1234 4000 40 06 0000 08000001 0a000002 0016 0035 00000000 "
           "00000000 50 10 ffff 0000 0000 " PAY,
      PT_PACKET_TCP, 0, 0, 0, 0, "IPv4 whose source begins like an EtherType" },
    { 1, MACS "8847 00064140 " MACS "8847 00064140 " FRAME, PT_PACKET_TCP, 4, 0, 0, 0,
      "pseudowire in a pseudowire" },
    { 1, MACS "8847 00064140 " PAD PAD, PT_PACKET_NOT_IP, 0, 0, 0, 0, "MPLS, something else" },
    { 1, MACS "8847 00064140 00000000 ", PT_PACKET_NOT_IP, 0, 0, 0, 0, "MPLS, too short for IP" },
    { 1, MACS "8847 00064040 00065040 0006", PT_PACKET_MALFORMED, 0, 0, 0, 0,
      "a label stack without an end" },
    { 1,
      MACS "8847 00064040 00064040 00064040 00064040 00064040 00064040 00064040 00064040 "
           "00064140 " IP4("002f") TCP PAY,
      PT_PACKET_MALFORMED, 0, 0, 0, 0, "nine labels" },
    { 1,
      MACS "8847 00064140 " MACS "8847 00064140 " MACS "8847 00064140 " MACS "8847 00064140 " MACS
           "8847 00064140 " MACS "8847 00064140 " FRAME,
      PT_PACKET_MALFORMED, 0, 0, 0, 0, "pseudowires without end" },
    { 1,
      MIRROR("00c5") GRE("0093", ERSPAN2)
              ETH4 IP4_GENEVE("0061") "0000 6558 00000700 " ETH4 IP4("002f") TCP PAY PAD,
      PT_PACKET_TCP, 4, 3, 0, 0, "GENEVE in ERSPAN II in VXLAN" },
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

    struct pt_wrap wrap;

    return pt_packet_decode(&f, ret_seg, &wrap);
}

/* family 0: another segment than that of all rows. */
static void expect_segment(const struct row *r, const struct pt_segment *seg)
{
    static const uint8_t ip4[2][16] = { "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\1",
                                        "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\0\2" };
    static const uint8_t ip6[2][16] = { "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\1",
                                        "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\2" };

    if (!r->family)
        return;
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

/* Numbers of mirrors. */
static void test_numbers(void **state)
{
    static const struct {
        const char *hex;
        enum pt_packet_kind kind;
        bool numbered;
        uint32_t seq;
        uint32_t session;
        uint32_t protocol;
        const char *why;
    } row[] = {
        { GRE("0055", "0000 88be ") FRAME, PT_PACKET_TCP, false, 0, 0, 0, "ERSPAN I has none" },
        { GRE("0061", ERSPAN2) FRAME, PT_PACKET_TCP, true, 16, 7, 0x88be, "ERSPAN II" },
        { GRE("0065", ERSPAN3("0000")) FRAME, PT_PACKET_TCP, true, 17, 8, 0x22eb, "ERSPAN III" },
        { GRE("0061", "b000 6558 c0c00000 00000007 00000010 ") FRAME, PT_PACKET_TCP, true, 16, 7,
          0x6558, "GRE with a key" },
        { GRE("0059", "1000 6558 fffffff0 ") FRAME, PT_PACKET_TCP, true, 0xfffffff0, 0, 0x6558,
          "GRE without a key" },
        { GRE("0059", "2000 6558 fffffff0 ") FRAME, PT_PACKET_TCP, false, 0, 0, 0, "only a key" },
        { GRE("0061", ERSPAN2) MACS "0806 " PAD PAD PAD PAD PAD, PT_PACKET_NOT_IP, true, 16, 7,
          0x88be, "not only TCP is numbered" },
        { GRE("0024", ERSPAN2), PT_PACKET_CUT, true, 16, 7, 0x88be, "nor only what is whole" },
        { GRE("0024", ERSPAN2 ETH4) IP4_FLAGS("0010") TCP PAY, PT_PACKET_CUT, true, 16, 7, 0x88be,
          "a mirror that truncates everything" },
        { GRE("0061", ERSPAN2) ETH4 IP4_FLAGS("0010") TCP PAY, PT_PACKET_FRAGMENT, true, 16, 7,
          0x88be, "a mirrored fragment" },
        { GRE("0095", ERSPAN2) GRE("0065", ERSPAN3("0000")) FRAME, PT_PACKET_TCP, true, 16, 7,
          0x88be, "the outermost counts" },
        { MIRROR("0093") GRE("0065", ERSPAN3("0000")) FRAME, PT_PACKET_TCP, true, 17, 8, 0x22eb,
          "the outermost that has one" },
    };
    static const uint8_t outer[2][16] = { "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\xa8\0\1",
                                          "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\xa8\0\2" };

    (void)state;
    for (size_t i = 0; i < ROWS(row); i++) {
        uint8_t data[1024];
        uint32_t len = (uint32_t)from_hex(row[i].hex, data, sizeof(data));
        struct pt_frame f = { .data = data, .cap_len = len, .wire_len = len, .link_type = 1 };
        struct pt_segment seg;
        struct pt_wrap wrap;

        print_message("%s\n", row[i].why);
        memset(&wrap, 0xff, sizeof(wrap));
        assert_int_equal(pt_packet_decode(&f, &seg, &wrap), row[i].kind);
        assert_int_equal(wrap.numbered, row[i].numbered);
        if (!wrap.numbered)
            continue;
        assert_int_equal(wrap.seq, row[i].seq);
        assert_int_equal(wrap.mirror.session, row[i].session);
        assert_int_equal(wrap.mirror.protocol, row[i].protocol);
        assert_memory_equal(wrap.mirror.src, outer[0], 16);
        assert_memory_equal(wrap.mirror.dst, outer[1], 16);
    }
}

#define PART8 "6672616731323334 "

static const struct fragment_row {
    const char *hex;
    enum pt_packet_kind kind;
    uint8_t version;
    uint8_t proto;
    uint8_t tunnels;
    bool more;
    uint32_t off;
    uint32_t missing;
    uint32_t id;
    const char *why;
} fragment_rows[] = {
    { ETH4 "4500 001c 1234 2000 40 06 0000 0a000001 0a000002 " PART8 PAD, PT_PACKET_FRAGMENT, 4, 6,
      0, true, 0, 0, 0x1234, "IPv4, first, padding" },
    { ETH4 "4500 001c 1234 2123 40 06 0000 0a000001 0a000002 " PART8, PT_PACKET_FRAGMENT, 4, 6, 0,
      true, 0x123 * 8, 0, 0x1234, "IPv4, middle" },
    { ETH4 "4500 001c 1234 1ffe 40 06 0000 0a000001 0a000002 " PART8, PT_PACKET_FRAGMENT, 4, 6, 0,
      false, 0x1ffe * 8, 0, 0x1234, "IPv4, last, as far as it goes" },
    { ETH4 "4500 001c 1234 1fff 40 06 0000 0a000001 0a000002 " PART8, PT_PACKET_MALFORMED, 0, 0, 0,
      false, 0, 0, 0, "IPv4, farther than it goes" },
    { ETH4 "4500 0014 1234 2010 40 06 0000 0a000001 0a000002 ", PT_PACKET_MALFORMED, 0, 0, 0, false,
      0, 0, 0, "IPv4, nothing in it" },
    { ETH4 "4500 001b 1234 2000 40 06 0000 0a000001 0a000002 " PART8, PT_PACKET_MALFORMED, 0, 0, 0,
      false, 0, 0, 0, "IPv4, no multiple of 8, but more to come" },
    { ETH4 "4500 001c 1234 2000 40 01 0000 0a000001 0a000002 " PART8, PT_PACKET_NOT_TCP, 0, 0, 0,
      false, 0, 0, 0, "ICMP: nothing to look for in there" },
    { ETH4 "4500 05dc 1234 2000 40 11 0000 0a000001 0a000002 " PART8, PT_PACKET_FRAGMENT, 4, 17, 0,
      true, 0, 1472, 0x1234, "IPv4, UDP, cut by the snap length" },
    { ETH4 "4500 001c 1234 2000 40 2f 0000 0a000001 0a000002 " PART8, PT_PACKET_FRAGMENT, 4, 47, 0,
      true, 0, 0, 0x1234, "GRE: the mirror's own packet" },
    { GRE("0042", "0000 6558 ") ETH4 "4500 001c 1234 2000 40 06 0000 0a000001 0a000002 " PART8,
      PT_PACKET_FRAGMENT, 4, 6, 1, true, 0, 0, 0x1234, "a mirrored fragment" },
    { ETH6 IP6("0010", "2c") "06 00 0001 12345678 " PART8, PT_PACKET_FRAGMENT, 6, 6, 0, true, 0, 0,
      0x12345678, "IPv6, first" },
    { ETH6 IP6("000d", "2c") "06 00 0550 12345678 " PART8, PT_PACKET_FRAGMENT, 6, 6, 0, false,
      0x550, 0, 0x12345678, "IPv6, last, 5 bytes" },
    { ETH6 IP6("0018", "00") "2c 00 0502 0000 0100 3c 00 0001 12345678 " PART8, PT_PACKET_FRAGMENT,
      6, 60, 0, true, 0, 0, 0x12345678, "IPv6, other headers before and behind" },
    { ETH6 IP6("0010", "2c") "3a 00 0001 12345678 " PART8, PT_PACKET_NOT_TCP, 0, 0, 0, false, 0, 0,
      0, "ICMPv6" },
    { ETH6 IP6("0010", "2c") "06 00 fff8 12345678 " PART8, PT_PACKET_MALFORMED, 0, 0, 0, false, 0,
      0, 0, "IPv6, farther than it goes" },
    { ETH6 IP6("0008", "2c") "06 00 0551 12345678 ", PT_PACKET_MALFORMED, 0, 0, 0, false, 0, 0, 0,
      "IPv6, nothing in it" },
};

static void test_fragments(void **state)
{
    (void)state;
    for (size_t i = 0; i < ROWS(fragment_rows); i++) {
        const struct fragment_row *r = &fragment_rows[i];
        uint8_t data[1024];
        uint32_t len = (uint32_t)from_hex(r->hex, data, sizeof(data));
        struct pt_frame f = { .data = data, .cap_len = len, .wire_len = len, .link_type = 1 };
        struct pt_segment seg;
        struct pt_wrap wrap;

        print_message("%s\n", r->why);
        assert_int_equal(pt_packet_decode(&f, &seg, &wrap), r->kind);
        if (r->kind != PT_PACKET_FRAGMENT)
            continue;
        assert_int_equal(wrap.frag.version, r->version);
        assert_int_equal(wrap.frag.proto, r->proto);
        assert_int_equal(wrap.frag.tunnels, r->tunnels);
        assert_int_equal(wrap.frag.more, r->more);
        assert_int_equal(wrap.frag.off, r->off);
        assert_int_equal(wrap.frag.missing, r->missing);
        assert_int_equal(wrap.frag.id, r->id);
        assert_memory_equal(wrap.frag.data, "frag1234", wrap.frag.len);
        assert_int_equal(wrap.frag.len, r->off == 0x550 ? 5 : 8);
        assert_int_equal(wrap.frag.src[15], 1);
        assert_int_equal(wrap.frag.dst[15], 2);
    }
}

/* What stood behind an IP header goes on as if it had stood there in one piece. */
static void test_resume(void **state)
{
    static const struct {
        const char *hex;
        uint8_t version;
        uint8_t proto;
        uint8_t tunnels;
        uint32_t missing;
        enum pt_packet_kind kind;
        uint8_t ret_tunnels;
        const char *why;
    } row[] = {
        { TCP PAY, 4, 6, 0, 0, PT_PACKET_TCP, 0, "TCP" },
        { TCP PAY, 4, 6, 4, 9, PT_PACKET_TCP, 4, "TCP, cut, in the innermost of all wrappers" },
        { TCP_SUM("fefa") PAY, 4, 6, 0, 0, PT_PACKET_TCP, 0, "the right checksum" },
        { TCP_SUM("0024") PAY, 4, 6, 0, 0, PT_PACKET_TCP, 0, "a checksum left to the device" },
        { TCP_SUM("fefb") PAY, 4, 6, 0, 0, PT_PACKET_MIXED, 0, "a wrong checksum" },
        { TCP_SUM("fefb") PAY, 4, 6, 0, 1, PT_PACKET_TCP, 0, "who knows, if not all is there" },
        { ERSPAN2 ETH4 IP4("002f") TCP_SUM("1234") PAY, 4, 47, 0, 0, PT_PACKET_MIXED, 0,
          "a wrong checksum in what was mirrored" },
        { "06 00 0502 0000 0100 " TCP PAY, 6, 60, 0, 0, PT_PACKET_TCP, 0, "an IPv6 header" },
        { "06 00 0502 0000 0100 " TCP PAY, 4, 60, 0, 0, PT_PACKET_NOT_TCP, 0, "not in IPv4" },
        { "06 00 0001 12345678 " TCP PAY, 6, 44, 0, 0, PT_PACKET_MALFORMED, 0,
          "no fragment of a fragment" },
        { ERSPAN2 FRAME, 4, 47, 0, 0, PT_PACKET_TCP, 1, "ERSPAN II" },
        { ERSPAN2 FRAME, 4, 47, 4, 0, PT_PACKET_NOT_TCP, 0, "one wrapper too many" },
        { "d000 0035 0010 0000 0102030405060708 ", 4, 17, 0, 0, PT_PACKET_NOT_TCP, 0, "DNS" },
        { "c000 2384 0102", 4, 6, 0, 40, PT_PACKET_CUT, 0, "a cut TCP header" },
    };

    (void)state;
    for (size_t i = 0; i < ROWS(row); i++) {
        uint8_t data[256];
        struct pt_fragment whole = { .src = { [15] = 1 },
                                     .dst = { [15] = 2 },
                                     .id = 0x51234,
                                     .version = row[i].version,
                                     .proto = row[i].proto,
                                     .tunnels = row[i].tunnels,
                                     .len = (uint32_t)from_hex(row[i].hex, data, sizeof(data)),
                                     .missing = row[i].missing,
                                     .data = data };
        struct pt_segment seg;
        struct pt_wrap wrap;

        print_message("%s\n", row[i].why);
        assert_int_equal(pt_packet_resume(&whole, &seg, &wrap), row[i].kind);
        if (row[i].kind != PT_PACKET_TCP)
            continue;
        assert_int_equal(seg.tunnels, row[i].ret_tunnels);
        assert_int_equal(seg.seq, 0x01020304);
        assert_int_equal(seg.src.ip[15], 1);
        assert_int_equal(seg.dst.ip[15], 2);
        assert_int_equal(seg.ip_id, row[i].version == 4 ? 0x1234 : 0);
        assert_int_equal(seg.pay_len, 7);
        assert_int_equal(seg.pay_missing, row[i].missing);
        assert_int_equal(wrap.numbered, row[i].proto == 47);
    }
}

/* No payload is missing where nothing but options were cut off, yet the checksum cannot be told. */
static void test_resume_cut_options(void **state)
{
    uint8_t head[64];
    uint32_t len = (uint32_t)from_hex(TCP_SUM("fefb"), head, sizeof(head));
    uint8_t *data = malloc(len);
    struct pt_fragment whole = {
        .version = 4, .proto = 6, .len = len, .missing = 20, .data = data
    };
    struct pt_segment seg;
    struct pt_wrap wrap;

    (void)state;
    assert_non_null(data);
    head[12] = 10 << 4; /* header length in words: 20 bytes of options */
    memcpy(data, head, len);
    assert_int_equal(pt_packet_resume(&whole, &seg, &wrap), PT_PACKET_TCP);
    assert_int_equal(seg.pay_len, 0);
    assert_int_equal(seg.pay_missing, 0);
    free(data);
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(pt_packet_kind_name(PT_PACKET_MALFORMED),
                        "header lengths that contradict each other");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),    cmocka_unit_test(test_snapped),
        cmocka_unit_test(test_numbers), cmocka_unit_test(test_fragments),
        cmocka_unit_test(test_resume),  cmocka_unit_test(test_resume_cut_options),
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
