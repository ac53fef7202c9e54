/* SPDX-License-Identifier: Apache-2.0 */
/* A set of ranges against a plain bitmap, by random additions and removals; and a budget that is
 * spent: an addition is refused whole, a removal takes at least what it was asked for. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "verify/ranges.h"

#define SPAN 300

static void compare(const struct pt_ranges *r, const bool bit[SPAN])
{
    for (size_t i = 0; i < r->cnt; i++) {
        assert_true(r->r[i].from < r->r[i].to);
        assert_true(i == 0 || r->r[i - 1].to < r->r[i].from);
    }
    for (int64_t off = 0; off < SPAN; off++) {
        int64_t until = off;
        int64_t next = off;
        uint64_t cnt = 0;

        while (until < SPAN && bit[until])
            until++;
        while (next < SPAN && !bit[next])
            next++;
        for (int64_t i = off; i < SPAN; i++)
            cnt += bit[i];
        assert_int_equal(pt_ranges_has(r, off), bit[off]);
        assert_int_equal(pt_ranges_until(r, off), until);
        assert_int_equal(pt_ranges_next(r, off), next == SPAN ? INT64_MAX : next);
        assert_int_equal(pt_ranges_count(r, off, SPAN), cnt);
    }
}

static void test_against_bitmap(void **state)
{
    unsigned seed = 4711;
    struct pt_mem mem;
    struct pt_ranges r;
    bool bit[SPAN] = { false };

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    pt_mem_init(&mem, 1 << 20);
    pt_ranges_init(&r, &mem);
    for (int i = 0; i < 3000; i++) {
        int64_t from = rand() % SPAN;
        int64_t to = from + rand() % 20;
        bool add = rand() % 5 < 2;

        if (to > SPAN)
            to = SPAN;
        if (add)
            assert_true(pt_ranges_add(&r, from, to));
        else
            pt_ranges_remove(&r, from, to);
        for (int64_t k = from; k < to; k++)
            bit[k] = add;
        if (i % 10 == 0)
            compare(&r, bit);
    }
    pt_ranges_fini(&r);
    assert_int_equal(mem.used_sz, 0);
}

static void test_budget(void **state)
{
    struct pt_mem mem;
    struct pt_ranges r;

    (void)state;
    pt_mem_init(&mem, 2 * sizeof(struct pt_range));
    pt_ranges_init(&r, &mem);
    assert_true(pt_ranges_add(&r, 0, 10));
    assert_true(pt_ranges_add(&r, 20, 30));
    assert_false(pt_ranges_add(&r, 40, 50));
    assert_int_equal(pt_ranges_count(&r, 0, INT64_MAX), 20);
    assert_true(pt_ranges_add(&r, 10, 15)); /* joins: needs no room */
    pt_ranges_remove(&r, 3, 5);             /* would split, has no room: takes more */
    assert_true(pt_ranges_has(&r, 2));
    assert_int_equal(pt_ranges_count(&r, 3, 5), 0);
    assert_int_equal(pt_ranges_count(&r, 20, 30), 10);
    pt_ranges_fini(&r);
}

static void test_ends_of_the_world(void **state)
{
    struct pt_mem mem;
    struct pt_ranges r;

    (void)state;
    pt_mem_init(&mem, 1 << 16);
    pt_ranges_init(&r, &mem);
    assert_true(pt_ranges_add(&r, 0, INT64_MAX));
    assert_int_equal(pt_ranges_count(&r, 0, INT64_MAX), INT64_MAX);
    pt_ranges_remove(&r, 5, INT64_MAX);
    assert_int_equal(pt_ranges_until(&r, 0), 5);
    pt_ranges_fini(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_bitmap),
        cmocka_unit_test(test_budget),
        cmocka_unit_test(test_ends_of_the_world),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
