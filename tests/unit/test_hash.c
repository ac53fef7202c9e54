/* SPDX-License-Identifier: Apache-2.0 */
/* pt_hash64 is seeded XXH3-64 at every length: compared with libxxhash's portable function, another
 * implementation than the one that is used. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <xxhash.h>

#include "hw/hash.h"

static void test_is_xxh3(void **state)
{
    static uint8_t buf[4096];
    const uint64_t keys[] = { 0, 1, 0x9e3779b97f4a7c15u, UINT64_MAX };

    (void)state;
    for (size_t i = 0; i < sizeof(buf); i++)
        buf[i] = (uint8_t)(i * 167 + (i >> 8));
    for (size_t k = 0; k < sizeof(keys) / sizeof(keys[0]); k++)
        for (size_t len = 0; len < sizeof(buf) - 3; len++)
            if (pt_hash64(keys[k], buf + 3, len) != XXH3_64bits_withSeed(buf + 3, len, keys[k]))
                fail_msg("key %zu length %zu", k, len);
    assert_int_equal(pt_hash64(7, NULL, 0), pt_hash64(7, buf, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_is_xxh3) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
