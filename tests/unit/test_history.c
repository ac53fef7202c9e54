/* SPDX-License-Identifier: Apache-2.0 */
/* The newest matched records: what is found in them, when the ring has wrapped, when it grew behind
 * an index, and when memory is refused. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "verify/history.h"

static struct pt_item item(uint64_t content, int64_t time_ms)
{
    return (struct pt_item){ .content = content, .timestamp_ms = time_ms };
}

static void add(struct pt_history *h, uint64_t from, uint64_t cnt)
{
    for (uint64_t i = from; i < from + cnt; i++) {
        struct pt_item s = item(1000 + i % 10, (int64_t)i);

        s.offset = (int64_t)i;
        pt_history_add(h, &s);
    }
}

/* Records n, n+1, ... as they were added; of the last one the content differs if so asked. */
static bool has_run(const struct pt_history *h, uint64_t n, size_t cnt, bool other)
{
    struct pt_item run[100];

    for (size_t i = 0; i < cnt; i++)
        run[i] = item(1000 + (n + i) % 10, (int64_t)(n + i));
    run[cnt - 1].content += other ? 100 : 0;
    return pt_history_has_run(h, run, cnt);
}

static void test_found(void **state)
{
    struct pt_history h;
    struct pt_item any = item(1003, 77);
    struct pt_item around[2] = { item(1009, 0), item(1008, 0) };
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 1 << 20);
    pt_history_init(&h, &mem, 256);
    assert_true(pt_history_index(&h));
    assert_null(pt_history_find(&h, &any));
    pt_history_unindex(&h);

    add(&h, 0, 400);                        /* it holds 512 */
    assert_null(pt_history_find(&h, &any)); /* no index */
    assert_true(pt_history_index(&h));
    assert_null(pt_history_find(&h, &any)); /* of another time */
    any.flags = PT_ITEM_LOG_APPEND;
    assert_int_equal(pt_history_find(&h, &any)->offset, 393);
    assert_true(has_run(&h, 0, 50, false));
    assert_true(has_run(&h, 350, 50, false));
    assert_false(has_run(&h, 350, 50, true));
    assert_false(has_run(&h, 351, 50, false)); /* beyond the newest */
    add(&h, 400, 500); /* the index that stands does not know them, and is not misled by them */
    assert_false(has_run(&h, 0, 50, false));
    pt_history_unindex(&h);

    assert_int_equal(pt_history_oldest(&h), 388);
    assert_int_equal(pt_history_at(&h, 388)->offset, 388);
    assert_true(pt_history_index(&h));
    assert_true(has_run(&h, 388, 64, false));
    assert_true(has_run(&h, 490, 64, false)); /* over the ring's end */
    assert_false(has_run(&h, 387, 64, false));
    assert_true(has_run(&h, 836, 64, false));
    assert_false(has_run(&h, 837, 64, false));
    around[0].flags = around[1].flags = PT_ITEM_LOG_APPEND;
    assert_true(pt_history_has_run(&h, around, 1));
    assert_false(pt_history_has_run(&h, around, 2)); /* the newest, and what stands behind it in the
                                                        ring: the oldest */
    pt_history_fini(&h);
    assert_int_equal(mem.used_sz, 0);
}

static void test_refused(void **state)
{
    struct pt_history h;
    struct pt_item s = item(1, 1);
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 256 * sizeof(struct pt_matched));
    pt_history_init(&h, &mem, 256);
    add(&h, 0, 600); /* as many as it has room for */
    assert_int_equal(pt_history_oldest(&h), 344);
    assert_false(pt_history_index(&h));
    assert_null(pt_history_find(&h, &s));
    assert_false(pt_history_has_run(&h, &s, 1));
    pt_history_fini(&h);
    assert_int_equal(mem.used_sz, 0);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
