/* SPDX-License-Identifier: Apache-2.0 */
/* The plain CRC-32C agrees with the published vectors (RFC 3720 B.4 and the check value of the CRC
 * catalogue); the accelerated one agrees with the plain one at every length up to past its largest
 * block, at every alignment, and wherever the bytes are cut in two. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "hw/crc32c.h"

static void fill(uint8_t *buf, size_t len, uint64_t seed)
{
    for (size_t i = 0; i < len; i++) {
        seed = seed * 6364136223846793005u + 1442695040888963407u;
        buf[i] = (uint8_t)(seed >> 56);
    }
}

static void test_vectors(void **state)
{
    uint8_t up[32];
    uint8_t down[32];
    uint8_t ones[32];
    uint8_t zeros[32] = { 0 };
    const struct {
        const void *data;
        size_t len;
        uint32_t crc;
        const char *why;
    } rows[] = {
        { "", 0, 0, "nothing" },
        { "123456789", 9, 0xe3069283, "check value of CRC-32/ISCSI" },
        { zeros, 32, 0x8a9136aa, "RFC 3720: 32 bytes of zeroes" },
        { ones, 32, 0x62a8ab43, "RFC 3720: 32 bytes of ones" },
        { up, 32, 0x46dd794e, "RFC 3720: 32 incrementing bytes" },
        { down, 32, 0x113fdb5c, "RFC 3720: 32 decrementing bytes" },
    };

    (void)state;
    memset(ones, 0xff, sizeof(ones));
    for (unsigned i = 0; i < 32; i++) {
        up[i] = (uint8_t)i;
        down[i] = (uint8_t)(31 - i);
    }
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (pt_crc32c_plain(0, rows[i].data, rows[i].len) != rows[i].crc ||
            pt_crc32c(0, rows[i].data, rows[i].len) != rows[i].crc)
            fail_msg("%s", rows[i].why);
    }
}

static void test_lengths(void **state)
{
    static uint8_t buf[5000 + 16];
    uint32_t plain = 0;

    (void)state;
    fill(buf, sizeof(buf), 1);
    for (size_t off = 0; off < 16; off++) {
        plain = 0;
        for (size_t len = 0; len <= 5000; len++) {
            if (pt_crc32c(0, buf + off, len) != plain)
                fail_msg("offset %zu length %zu", off, len);
            plain = pt_crc32c_plain(plain, buf + off + len, 1);
        }
    }
}

static void test_pieces(void **state)
{
    static uint8_t buf[9000];
    uint32_t whole;

    (void)state;
    fill(buf, sizeof(buf), 2);
    whole = pt_crc32c_plain(0, buf, sizeof(buf));
    for (size_t cut = 0; cut <= sizeof(buf); cut += 7) {
        uint32_t head = pt_crc32c(0, buf, cut);

        assert_int_equal(pt_crc32c(head, buf + cut, sizeof(buf) - cut), whole);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),
        cmocka_unit_test(test_lengths),
        cmocka_unit_test(test_pieces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
