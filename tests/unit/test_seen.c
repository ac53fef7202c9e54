/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that the seen table never says yes for anything but the same bytes at the same offset of
 * the same log, and that it may forget.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parser/seen.h"

static void test_key(void **state)
{
    const struct pt_log_ref log = { 4, 7 };
    struct pt_seen s;
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    assert_int_equal(pt_seen_open(&s, &mem, 3), -EINVAL);
    /* One slot only: whatever is asked for meets the entry, and nothing but the key decides. */
    assert_int_equal(pt_seen_open(&s, &mem, 1), 0);
    assert_false(pt_seen_find(&s, (struct pt_log_ref){ 0, 0 }, 0, 0));
    pt_seen_add(&s, log, 100, 0xabc);
    assert_true(pt_seen_find(&s, log, 100, 0xabc));
    assert_false(pt_seen_find(&s, log, 100, 0xabd));
    assert_false(pt_seen_find(&s, log, 101, 0xabc));
    assert_false(pt_seen_find(&s, (struct pt_log_ref){ 5, 7 }, 100, 0xabc));
    assert_false(pt_seen_find(&s, (struct pt_log_ref){ 4, 8 }, 100, 0xabc));
    pt_seen_add(&s, log, 200, 0xdef);
    assert_false(pt_seen_find(&s, log, 100, 0xabc));
    pt_seen_close(&s, &mem);
    assert_int_equal(mem.used_sz, 0);
}

static void test_spread(void **state)
{
    struct pt_seen s;
    struct pt_mem mem;
    int kept = 0;

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    assert_int_equal(pt_seen_open(&s, &mem, 4096), 0);
    for (int i = 0; i < 1024; i++)
        pt_seen_add(&s, (struct pt_log_ref){ 1, i % 8 }, i / 8 * 10, 0x1000u + (unsigned)i);
    for (int i = 0; i < 1024; i++)
        kept += pt_seen_find(&s, (struct pt_log_ref){ 1, i % 8 }, i / 8 * 10,
                             0x1000u + (unsigned)i);
    assert_true(kept > 800); /* 1024 in 4096 slots: about 11 of 100 meet another */
    pt_seen_close(&s, &mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
