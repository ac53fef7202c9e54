/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash is that of the RSS specification: the verification suite that Microsoft publishes with
 * it ("Verifying the RSS Hash Calculation", Windows driver documentation), IPv4 and IPv6, with and
 * without ports. With the symmetric key both directions of 10,000 random connections give the same
 * value, the quick form agrees with the specification, and queues get even shares.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "hw/toeplitz.h"

#define FLOW_CNT 10000u
#define SEED 0x9e3779b97f4a7c15ull

static const uint8_t published_key[40] = {
    0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
    0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
    0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const struct vector {
    const char *why;
    int family;
    const char *src;
    const char *dst;
    uint16_t sport;
    uint16_t dport;
    uint32_t addresses; /* the hash without ports */
    uint32_t tuple;
} vectors[] = {
    { "IPv4, 1st published row", AF_INET, "66.9.149.187", "161.142.100.80", 2794, 1766, 0x323e8fc2,
      0x51ccc178 },
    { "IPv4, 2nd", AF_INET, "199.92.111.2", "65.69.140.83", 14230, 4739, 0xd718262a, 0xc626b0ea },
    { "IPv4, 3rd", AF_INET, "24.19.198.95", "12.22.207.184", 12898, 38024, 0xd2d0a5de, 0x5c2b394a },
    { "IPv4, 4th", AF_INET, "38.27.205.30", "209.142.163.6", 48228, 2217, 0x82989176, 0xafc7327f },
    { "IPv4, 5th", AF_INET, "153.39.163.191", "202.188.127.2", 44251, 1303, 0x5d1809c5,
      0x10e828a2 },
    { "IPv6, 1st", AF_INET6, "3ffe:2501:200:1fff::7", "3ffe:2501:200:3::1", 2794, 1766, 0x2cc18cd5,
      0x40207d3d },
    { "IPv6, multicast", AF_INET6, "3ffe:501:8::260:97ff:fe40:efab", "ff02::1", 14230, 4739,
      0x0f0c461c, 0xdde51bbf },
    { "IPv6, link-local", AF_INET6, "3ffe:1900:4545:3:200:f8ff:fe21:67cf",
      "fe80::200:f8ff:fe21:67cf", 44251, 38024, 0x4b61e985, 0x02d1feef },
};

static size_t tuple_of(const struct vector *v, uint8_t tuple[PT_TOEPLITZ_V6_SZ])
{
    size_t address_sz = v->family == AF_INET ? 4 : 16;
    uint16_t sport = htons(v->sport);
    uint16_t dport = htons(v->dport);

    assert_int_equal(inet_pton(v->family, v->src, tuple), 1);
    assert_int_equal(inet_pton(v->family, v->dst, tuple + address_sz), 1);
    memcpy(tuple + 2 * address_sz, &sport, 2);
    memcpy(tuple + 2 * address_sz + 2, &dport, 2);
    return 2 * address_sz;
}

static void test_published(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
        const struct vector *v = &vectors[i];
        uint8_t tuple[PT_TOEPLITZ_V6_SZ];
        size_t addresses_sz = tuple_of(v, tuple);

        print_message("  %s\n", v->why);
        assert_int_equal(pt_toeplitz(published_key, tuple, addresses_sz), v->addresses);
        assert_int_equal(pt_toeplitz(published_key, tuple, addresses_sz + 4), v->tuple);
    }
}

static uint64_t next_random(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    return *state;
}

static void reverse(const uint8_t *tuple, size_t len, uint8_t *other)
{
    size_t address_sz = (len - 4) / 2;

    memcpy(other, tuple + address_sz, address_sz);
    memcpy(other + address_sz, tuple, address_sz);
    memcpy(other + 2 * address_sz, tuple + 2 * address_sz + 2, 2);
    memcpy(other + 2 * address_sz + 2, tuple + 2 * address_sz, 2);
}

static void test_symmetric(void **state)
{
    uint8_t key[PT_TOEPLITZ_KEY_MAX];
    uint64_t rnd = SEED;
    unsigned unequal_cnt = 0;

    (void)state;
    print_message("  seed %#llx\n", (unsigned long long)rnd);
    pt_toeplitz_symmetric_key(key, sizeof(key));
    for (unsigned i = 0; i < FLOW_CNT; i++) {
        size_t len = i & 1 ? PT_TOEPLITZ_V6_SZ : PT_TOEPLITZ_V4_SZ;
        uint8_t there[PT_TOEPLITZ_V6_SZ];
        uint8_t back[PT_TOEPLITZ_V6_SZ];
        uint32_t hash;

        for (size_t at = 0; at < len; at++)
            there[at] = (uint8_t)(next_random(&rnd) >> 24);
        reverse(there, len, back);
        hash = pt_toeplitz(key, there, len);
        assert_int_equal(pt_toeplitz(key, back, len), hash);
        assert_int_equal(pt_toeplitz_symmetric(there, len), hash);
        assert_int_equal(pt_toeplitz_symmetric(back, len), hash);
        /* The test would see nothing if any key were symmetric. */
        unequal_cnt +=
                pt_toeplitz(published_key, there, len) != pt_toeplitz(published_key, back, len);
    }
    assert_true(unequal_cnt > FLOW_CNT * 99 / 100);
}

/* Clients of one subnet with ephemeral ports against three brokers: each queue gets its share. */
static void test_spread(void **state)
{
    static const unsigned queue_cnts[] = { 2, 3, 4, 8, 16 };
    uint64_t rnd = SEED;

    (void)state;
    for (size_t c = 0; c < sizeof(queue_cnts) / sizeof(queue_cnts[0]); c++) {
        unsigned share[16] = { 0 };
        unsigned even = FLOW_CNT / queue_cnts[c];

        for (unsigned i = 0; i < FLOW_CNT; i++) {
            uint64_t r = next_random(&rnd) >> 8;
            uint16_t port = (uint16_t)(32768 + (r >> 8 & 0x7fff));
            uint8_t tuple[PT_TOEPLITZ_V4_SZ] = { 10,
                                                 0,
                                                 1,
                                                 (uint8_t)r,
                                                 10,
                                                 0,
                                                 2,
                                                 (uint8_t)(1 + (r >> 40) % 3),
                                                 (uint8_t)(port >> 8),
                                                 (uint8_t)port,
                                                 0x23,
                                                 0x84 };
            uint32_t hash = pt_toeplitz_symmetric(tuple, sizeof(tuple));

            share[pt_toeplitz_queue(hash, 128, queue_cnts[c])]++;
        }
        for (unsigned q = 0; q < queue_cnts[c]; q++)
            assert_in_range(share[q], even * 3 / 4, even * 5 / 4);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published),
        cmocka_unit_test(test_symmetric),
        cmocka_unit_test(test_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
