/* SPDX-License-Identifier: Apache-2.0 */
/* A budget is kept to the byte: what does not fit is refused, counted, and changes nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "hw/memory.h"

static void test_budget(void **state)
{
    struct pt_mem m;
    void *a;
    void *b;

    (void)state;
    pt_mem_init(&m, 100);
    a = pt_mem_alloc(&m, 60);
    assert_non_null(a);
    assert_null(pt_mem_alloc(&m, 41));
    assert_int_equal(m.refused_cnt, 1);
    assert_int_equal(m.used_sz, 60);
    b = pt_mem_resize(&m, a, 60, 100);
    assert_non_null(b);
    assert_null(pt_mem_resize(&m, b, 100, 101));
    assert_int_equal(m.used_sz, 100);
    b = pt_mem_resize(&m, b, 100, 10);
    assert_int_equal(m.used_sz, 10);
    pt_mem_free(&m, b, 10);
    assert_int_equal(m.used_sz, 0);
    assert_int_equal(m.peak_sz, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_budget) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
