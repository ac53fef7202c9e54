/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what becomes of each frame at the door: it is counted under what it is, gets a key that
 * never goes back although a file's time does, and belongs to a worker that is the same for both
 * directions. The hash is compared with the bit-by-bit one of hw/toeplitz.h over a tuple that is
 * laid out here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/intake.h"
#include "hw/toeplitz.h"

#define WIRE 74u /* Ethernet, IPv4, TCP and 20 bytes of payload */

/* clang-format off */
static const uint8_t tcp_frame[WIRE] = {
    2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x08, 0x00,
    0x45, 0, 0, WIRE - 14, 0x12, 0x34, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2,
    0xc0, 0x00, 0x23, 0x84, 1, 2, 3, 4, 5, 6, 7, 8, 0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0,
    'p', 'a', 'y', 'l', 'o', 'a', 'd'
};
/* clang-format on */

static struct pt_frame frame(const uint8_t *data, uint32_t cap_len, int64_t time_ns)
{
    return (struct pt_frame){ .data = data,
                              .cap_len = cap_len,
                              .wire_len = WIRE,
                              .time_ns = time_ns,
                              .packet = 77,
                              .link_type = 1 };
}

static void test_counters(void **state)
{
    uint8_t arp[WIRE];
    uint8_t udp[WIRE];
    const struct {
        const uint8_t *data;
        uint32_t cap_len;
        uint32_t link_type;
        enum pt_packet_kind kind;
    } row[] = {
        { tcp_frame, WIRE, 1, PT_PACKET_TCP },      { tcp_frame, WIRE - 10, 1, PT_PACKET_TCP },
        { arp, WIRE, 1, PT_PACKET_NOT_IP },         { udp, WIRE, 1, PT_PACKET_NOT_TCP },
        { tcp_frame, 20, 1, PT_PACKET_CUT },        { tcp_frame, WIRE, 9999, PT_PACKET_LINK_TYPE },
        { tcp_frame, WIRE - 20, 1, PT_PACKET_TCP },
    };
    struct pt_packet_stats want = { 0 };
    struct pt_intake in;

    (void)state;
    memcpy(arp, tcp_frame, WIRE);
    arp[13] = 6;
    memcpy(udp, tcp_frame, WIRE);
    udp[23] = 17;
    assert_int_equal(pt_intake_open(&in, &pt_fragments_cfg_default), 0);
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct pt_frame f = frame(row[i].data, row[i].cap_len, 5);
        struct pt_taken t;

        f.link_type = row[i].link_type;
        assert_int_equal(pt_intake_frame(&in, &f, i % 2, i, &t), row[i].kind == PT_PACKET_TCP);
        want.frames++;
        want.bytes += WIRE;
        want.cut_bytes += WIRE - row[i].cap_len;
        want.kind[row[i].kind]++;
        want.tap[i % 2].kind[row[i].kind]++;
        want.tap[i % 2].payload_bytes +=
                row[i].kind == PT_PACKET_TCP ? row[i].cap_len - (WIRE - 20) : 0;
        want.tap[i % 2].cut_frames += row[i].cap_len < WIRE;
        want.tap[i % 2].cut_bytes += WIRE - row[i].cap_len;
        assert_memory_equal(&in.stats, &want, sizeof(want));
    }
    pt_intake_close(&in);
}

/* A VXLAN mirror around the same frame: its inner segment, and counted as tunnelled. */
static void test_tunnelled(void **state)
{
    /* clang-format off */
    static const uint8_t outer[50] = {
        2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 0x08, 0x00,
        0x45, 0, 0, WIRE + 36, 0x99, 0x99, 0x40, 0, 64, 17, 0, 0, 192, 168, 0, 1, 192, 168, 0, 2,
        0xd0, 0x00, 0x12, 0xb5, 0, WIRE + 16, 0, 0, 8, 0, 0, 0, 0, 3, 9, 0
    };
    /* clang-format on */
    uint8_t data[sizeof(outer) + WIRE];
    struct pt_frame f = frame(data, sizeof(data), 1);
    struct pt_intake in;
    struct pt_taken t;

    (void)state;
    memcpy(data, outer, sizeof(outer));
    memcpy(data + sizeof(outer), tcp_frame, WIRE);
    f.wire_len = sizeof(data);
    assert_int_equal(pt_intake_open(&in, &pt_fragments_cfg_default), 0);
    assert_true(pt_intake_frame(&in, &f, 0, 1, &t));
    assert_int_equal(t.seg.src.port, 0xc000);
    assert_int_equal(in.stats.tunnelled, 1);
    pt_intake_close(&in);
}

/* Of an Ethernet frame around IPv4: the fragment with [off, off + len) of its payload. Returns the
 * length of the frame. */
static uint32_t cut_out(const uint8_t *frame, uint32_t off, uint32_t len, bool more, uint8_t *ret)
{
    uint32_t total = 20 + len;

    memcpy(ret, frame, 34);
    ret[16] = (uint8_t)(total >> 8);
    ret[17] = (uint8_t)total;
    ret[20] = (uint8_t)((more ? 0x20 : 0) | off / 8 >> 8);
    ret[21] = (uint8_t)(off / 8);
    memcpy(ret + 34, frame + 34 + off, len);
    return 14 + total;
}

/* The frame as ERSPAN II sends it, with this number, which the outer packet has, too. */
static uint32_t mirrored(const uint8_t *frame, uint32_t len, uint8_t number, uint8_t *ret)
{
    /* clang-format off */
    const uint8_t outer[50] = {
        2, 0, 0, 0, 0, 3, 2, 0, 0, 0, 0, 4, 0x08, 0x00,
        0x45, 0, 0, (uint8_t)(len + 36), 0, number, 0, 0, 64, 47, 0, 0,
        192, 168, 0, 1, 192, 168, 0, 2,
        0x10, 0x00, 0x88, 0xbe, 0, 0, 0, number, 0x10, 0, 0, 7, 0, 0, 0, 0
    };
    /* clang-format on */

    memcpy(ret, outer, sizeof(outer));
    memcpy(ret + sizeof(outer), frame, len);
    return (uint32_t)sizeof(outer) + len;
}

/* A segment in two fragments, each of which a mirror sent in two fragments; then one of which the
 * last one is not there. */
static void test_fragments(void **state)
{
    static const struct {
        uint8_t number; /* of the mirror's packet */
        bool last;      /* of its fragments */
        bool is_tcp;
    } row[] = { { 5, true, false },  { 5, false, false }, { 6, false, false }, { 6, true, true },
                { 8, false, false }, { 8, true, false },  { 9, false, false } };
    uint8_t inner[2][WIRE];
    uint8_t outer[2 * WIRE];
    uint8_t data[2 * WIRE];
    uint32_t inner_len[2];
    struct pt_intake in;
    struct pt_taken t;

    (void)state;
    inner_len[0] = cut_out(tcp_frame, 0, 24, true, inner[0]);
    inner_len[1] = cut_out(tcp_frame, 24, 16, false, inner[1]);
    assert_int_equal(pt_intake_open(&in, &pt_fragments_cfg_default), 0);
    for (uint32_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        unsigned which = row[i].number == 6 || row[i].number == 9;
        uint32_t len;
        struct pt_frame f;

        if (i == 4) /* another segment */
            inner[0][19] = inner[1][19] = 0x77;
        len = mirrored(inner[which], inner_len[which], row[i].number, outer) - 34;
        len = row[i].last ? cut_out(outer, 40, len - 40, false, data)
                          : cut_out(outer, 0, 40, true, data);
        f = frame(data, len, 1000 + i);
        f.wire_len = len;
        f.packet = i;
        memset(&t, 0xff, sizeof(t));
        assert_int_equal(pt_intake_frame(&in, &f, 2, i + 1, &t), row[i].is_tcp);
        if (!row[i].is_tcp) {
            assert_null(t.whole);
            continue;
        }
        assert_non_null(t.whole);
        memset(data, 0, sizeof(data)); /* the payload is not in there */
        assert_int_equal(t.seg.src.port, 0xc000);
        assert_int_equal(t.seg.src.ip[12], 10);
        assert_int_equal(t.seg.ip_id, 0x1234);
        assert_int_equal(t.seg.tunnels, 1);
        assert_int_equal(t.seg.pay_len, 20);
        assert_int_equal(t.seg.pay_missing, 0);
        assert_memory_equal(t.seg.pay, tcp_frame + 54, 20);
        assert_int_equal(t.at.packet, i); /* that which made it whole */
        assert_int_equal(t.at.time_ns, 1000 + i);
        assert_int_equal(t.key.tie, i + 1);
        pt_taken_done(&t);
    }
    assert_int_equal(in.stats.kind[PT_PACKET_TCP], 1);
    assert_int_equal(in.stats.kind[PT_PACKET_FRAGMENT], 6);
    assert_int_equal(in.stats.tunnelled, 1);
    assert_int_equal(in.fragments.stats.fragments, 7 + 3);
    assert_int_equal(in.fragments.stats.fragments_joined, 6 + 2);
    assert_int_equal(in.fragments.stats.datagrams, 4);
    assert_int_equal(in.fragments.stats.fragments_waiting, 2);
    pt_intake_finish(&in);
    assert_int_equal(in.fragments.stats.fragments_waiting, 0);
    assert_int_equal(in.fragments.used_sz, 0); /* nothing is lent any more */
    assert_int_equal(in.fragments.stats.datagrams_late, 2);
    assert_int_equal(in.mirrors.session_cnt, 1);
    assert_int_equal(in.mirrors.session[0]->row.input, 2);
    assert_int_equal(in.mirrors.session[0]->row.expected, 4); /* 9 never was a whole packet */
    assert_int_equal(in.mirrors.session[0]->row.received, 3);
    pt_intake_close(&in);
}

static void test_keys(void **state)
{
    static const struct {
        int64_t time_ns;
        int64_t key_ns;
        bool is_tcp;
        const char *why;
    } row[] = {
        { -50, -50, true, "before 1970: a clock that was never set" },
        { 100, 100, true, "goes on" },
        { 40, 100, true, "back: the run's time stays" },
        { 100, 100, true, "the same time" },
        { 900, 100, false, "what is no TCP does not move the run's time" },
        { 200, 200, true, "goes on" },
    };
    struct pt_intake in;
    struct pt_key last = PT_KEY_FIRST;

    (void)state;
    assert_int_equal(pt_intake_open(&in, &pt_fragments_cfg_default), 0);
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct pt_frame f = frame(tcp_frame, row[i].is_tcp ? WIRE : 20, row[i].time_ns);
        struct pt_taken t = { .key = PT_KEY_LAST };

        print_message("%s\n", row[i].why);
        assert_int_equal(pt_intake_frame(&in, &f, 3, i + 10, &t), row[i].is_tcp);
        assert_int_equal(in.now_ns, row[i].key_ns);
        if (!row[i].is_tcp)
            continue;
        assert_int_equal(t.key.time_ns, row[i].key_ns);
        assert_int_equal(t.key.tie, i + 10);
        assert_true(pt_key_before(last, t.key));
        /* The segment keeps the time that the file gave it. */
        assert_int_equal(t.at.time_ns, row[i].time_ns);
        assert_int_equal(t.at.order, i + 10);
        assert_int_equal(t.at.packet, 77);
        assert_int_equal(t.at.input, 3);
        assert_ptr_equal(t.seg.pay, tcp_frame + 54);
        assert_int_equal(t.seg.pay_len, 20);
        assert_null(t.whole);
        last = t.key;
    }
    pt_intake_close(&in);
}

static void any_address(uint8_t ip[16], bool v4, unsigned *seed)
{
    for (size_t i = 0; i < 16; i++)
        ip[i] = (uint8_t)rand_r(seed);
    if (v4) {
        memset(ip, 0, 10);
        ip[10] = ip[11] = 0xff;
    } else {
        ip[0] = 0x20; /* never one of the addresses that stand for IPv4 */
    }
}

static struct pt_segment any_segment(bool v4, unsigned *seed)
{
    struct pt_segment seg = { .src.port = (uint16_t)rand_r(seed),
                              .dst.port = (uint16_t)rand_r(seed) };

    any_address(seg.src.ip, v4, seed);
    any_address(seg.dst.ip, v4, seed);
    return seg;
}

static uint32_t hash_by_hand(const struct pt_segment *seg, bool v4, bool addresses_only)
{
    uint8_t key[PT_TOEPLITZ_KEY_MAX];
    uint8_t tuple[PT_TOEPLITZ_V6_SZ];
    size_t ip_sz = v4 ? 4 : 16;
    size_t sz = 0;

    pt_toeplitz_symmetric_key(key, sizeof(key));
    for (size_t i = 16 - ip_sz; i < 16; i++)
        tuple[sz++] = seg->src.ip[i];
    for (size_t i = 16 - ip_sz; i < 16; i++)
        tuple[sz++] = seg->dst.ip[i];
    if (!addresses_only) {
        tuple[sz++] = (uint8_t)(seg->src.port >> 8);
        tuple[sz++] = (uint8_t)(seg->src.port & 0xff);
        tuple[sz++] = (uint8_t)(seg->dst.port >> 8);
        tuple[sz++] = (uint8_t)(seg->dst.port & 0xff);
        assert_int_equal(sz, v4 ? PT_TOEPLITZ_V4_SZ : PT_TOEPLITZ_V6_SZ);
    }
    return pt_toeplitz(key, tuple, sz);
}

static void test_hash(void **state)
{
    unsigned seed = 20240613;

    (void)state;
    print_message("seed %u\n", seed);
    for (unsigned i = 0; i < 4000; i++) {
        bool v4 = i & 1;
        bool addresses_only = i & 2;
        struct pt_segment seg = any_segment(v4, &seed);
        struct pt_segment back = seg;
        uint32_t hash = pt_intake_hash(&seg, addresses_only);

        back.src = seg.dst;
        back.dst = seg.src;
        assert_int_equal(hash, hash_by_hand(&seg, v4, addresses_only));
        assert_int_equal(hash, pt_intake_hash(&back, addresses_only));
        for (unsigned workers = 1; workers <= 64; workers++) {
            unsigned owner = pt_intake_owner(&seg, workers);

            assert_true(owner < workers);
            assert_int_equal(owner, pt_intake_owner(&back, workers));
        }
        assert_int_equal(pt_intake_owner(&seg, 0), 0);
        seg.src.port ^= 0x5555;
        assert_int_equal(pt_intake_hash(&seg, addresses_only) == hash, addresses_only);
    }
}

/* Clients of one network, whose ports are the ephemeral ones, to a few brokers: everybody gets
 * about the same share of the connections. */
static void test_owners_even(void **state)
{
    unsigned seed = 20240614;

    (void)state;
    print_message("seed %u\n", seed);
    for (unsigned workers = 2; workers <= 16; workers++) {
        unsigned cnt[16] = { 0 };
        const unsigned all = 20000;

        for (unsigned i = 0; i < all; i++) {
            struct pt_segment seg = any_segment(true, &seed);

            memcpy(seg.src.ip + 12, (uint8_t[]){ 10, 20 }, 2);
            memcpy(seg.dst.ip + 12, (uint8_t[]){ 10, 21, 0, (uint8_t)(1 + i % 5) }, 4);
            seg.src.port = (uint16_t)(32768 + rand_r(&seed) % 28232);
            seg.dst.port = 9092;
            cnt[pt_intake_owner(&seg, workers)]++;
        }
        for (unsigned i = 0; i < workers; i++)
            if (cnt[i] < all / workers * 85 / 100 || cnt[i] > all / workers * 115 / 100)
                fail_msg("worker %u of %u has %u of %u connections", i, workers, cnt[i], all);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters),  cmocka_unit_test(test_tunnelled),
        cmocka_unit_test(test_fragments), cmocka_unit_test(test_keys),
        cmocka_unit_test(test_hash),      cmocka_unit_test(test_owners_even),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
