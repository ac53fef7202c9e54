/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers of mirrors in, loss out: rows of sequences with what they mean; then random sequences of
 * which some numbers are left out, moved and copied, whose loss must be exact as long as nothing is
 * moved beyond the window. Sessions are told apart, and bounded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/mirror.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))
#define NUMBERS_MAX 12

static struct pt_mirror_stats sum(const struct pt_mirrors *m)
{
    struct pt_mirror_row rows[PT_MIRROR_MAX];
    size_t cnt = 0;

    for (unsigned i = 0; i < m->session_cnt; i++)
        pt_mirror_rows_add(rows, &cnt, &m->session[i]->row);
    assert_int_equal(cnt, m->session_cnt);
    return pt_mirror_sum(rows, cnt, PT_MIRROR_ALL);
}

static void test_rows(void **state)
{
    static const struct {
        uint32_t number[NUMBERS_MAX];
        unsigned cnt;
        uint64_t packets;
        uint64_t lost;
        uint64_t again;
        uint64_t strays;
        uint64_t restarts;
        const char *why;
    } row[] = {
        { { 5 }, 1, 1, 0, 0, 0, 0, "one" },
        { { 5, 6, 7, 8 }, 4, 4, 0, 0, 0, 0, "all there" },
        { { 5, 6, 9 }, 3, 3, 2, 0, 0, 0, "a gap" },
        { { 5, 6, 9, 8, 7 }, 5, 5, 0, 0, 0, 0, "late: no gap" },
        { { 5, 6, 6, 7, 5 }, 5, 3, 0, 2, 0, 0, "copies" },
        { { 5, 5, 8, 8 }, 4, 2, 2, 2, 0, 0, "copies, and a gap" },
        { { 7, 5, 8 }, 3, 3, 1, 0, 0, 0, "begins out of order" },
        { { 0xfffffffe, 0xffffffff, 1 }, 3, 3, 1, 0, 0, 0, "goes round, without 0" },
        { { 1, 0xffffffff, 0 }, 3, 3, 0, 0, 0, 0, "goes round, late" },
        { { 10, 10 + (1 << 24) - 1 }, 2, 2, (1 << 24) - 2, 0, 0, 0, "the largest gap" },
        { { 10, 10 + (1 << 24), 11 }, 3, 2, 0, 0, 1, 0, "a stray far ahead" },
        { { 10000, 10000 - 4095, 10001 }, 3, 3, 4094, 0, 0, 0, "as late as can be" },
        { { 10000, 10000 - 4096, 10001 }, 3, 2, 0, 0, 1, 0, "too late" },
        { { 1000000, 0, 1, 2, 4 }, 5, 5, 1, 0, 0, 1, "a new start" },
        { { 1000000, 0, 3, 1 }, 4, 4, 1, 0, 0, 1, "a new start with a gap, and out of order" },
        { { 1000000, 1, 0, 2, 3 },
          5,
          4,
          1,
          0,
          1,
          1,
          "a new start, out of order: its first is a stray" },
        { { 1000000, 0, 0, 1 }, 4, 3, 0, 0, 1, 1, "a new start in two copies" },
        { { 1000000, 0, 1000001, 1, 1000002 }, 5, 3, 0, 0, 2, 0, "strays with others between" },
        { { 1000000, 0, 1, 1000001, 1000002 },
          5,
          5,
          999999,
          0,
          0,
          1,
          "a new start that none was: what is wrong cannot be known" },
        { { 9, 2000000000, 2000000001, 9, 10 }, 5, 5, 0, 0, 0, 2, "two new starts" },
    };
    static const struct pt_mirror_id id = { .session = 1 };

    (void)state;
    for (size_t i = 0; i < ROWS(row); i++) {
        struct pt_mirrors m;
        struct pt_mirror_stats s;
        struct pt_mem mem;

        print_message("%s\n", row[i].why);
        pt_mem_init(&mem, UINT64_MAX);
        pt_mirrors_init(&m, &mem);
        for (unsigned k = 0; k < row[i].cnt; k++)
            pt_mirrors_take(&m, &id, 0, row[i].number[k]);
        s = sum(&m);
        assert_int_equal(s.sessions, 1);
        assert_int_equal(s.packets, row[i].packets);
        assert_int_equal(s.lost, row[i].lost);
        assert_int_equal(s.again, row[i].again);
        assert_int_equal(s.strays, row[i].strays);
        assert_int_equal(s.restarts, row[i].restarts);
        pt_mirrors_close(&m);
        assert_int_equal(mem.used_sz, 0);
    }
}

/* Numbers, of which some are left out; others come up to some hundred places later, or
 * again. */
static void test_random(void **state)
{
    enum { CNT = 200000, FAR = 700 };
    static uint32_t at[CNT + FAR + 1][4];
    static uint8_t held[CNT + FAR + 1];
    static const struct pt_mirror_id id = { .session = 1 };
    unsigned seed = 2890;
    uint64_t lost = 0;
    uint64_t again = 0;
    struct pt_mirrors m;
    struct pt_mirror_stats s;
    struct pt_mem mem;

    (void)state;
    print_message("seed %u\n", seed);
    pt_mem_init(&mem, UINT64_MAX);
    pt_mirrors_init(&m, &mem);
    for (uint32_t n = 0; n < CNT; n++) {
        uint32_t number = 0xffff0000 + n; /* goes round */
        int what = rand_r(&seed) % 100;
        uint32_t later = n + (uint32_t)rand_r(&seed) % FAR;

        for (unsigned k = 0; k < held[n]; k++)
            pt_mirrors_take(&m, &id, 0, at[n][k]);
        if (n > 0 && n < CNT - 1 && what < 5) {
            lost++;
        } else if (what < 10 && n < CNT - FAR - 1 && held[later + 1] < 4) {
            at[later + 1][held[later + 1]++] = number;
        } else {
            pt_mirrors_take(&m, &id, 0, number);
            if (what < 15) {
                pt_mirrors_take(&m, &id, 0, number);
                again++;
            }
        }
    }
    s = sum(&m);
    assert_int_equal(s.lost, lost);
    assert_int_equal(s.again, again);
    assert_int_equal(s.packets, CNT - lost);
    assert_int_equal(s.strays + s.restarts, 0);
    pt_mirrors_close(&m);
}

static void test_sessions(void **state)
{
    struct pt_mirror_id id[5] = {
        { .session = 1 }, { .session = 2 }, { .session = 1 }, { .session = 1 }, { .session = 1 }
    };
    struct pt_mirrors m;
    struct pt_mem mem;

    (void)state;
    id[2].src[0] = 1;
    id[3].dst[0] = 1;
    id[4].protocol = 1;
    pt_mem_init(&mem, UINT64_MAX);
    pt_mirrors_init(&m, &mem);
    for (uint32_t n = 0; n < 10; n++)
        for (uint32_t i = 0; i < 5; i++) {
            pt_mirrors_take(&m, &id[i], 0, n * 100 + i);
            pt_mirrors_take(&m, &id[i], 1, n * (i + 2));
        }
    assert_int_equal(m.session_cnt, 10);
    for (unsigned i = 0; i < 10; i++) {
        const struct pt_mirror_row *row = &m.session[i]->row;

        assert_int_equal(row->received, 10);
        assert_int_equal(row->expected, row->input ? 9 * (i / 2 + 2) + 1 : 901);
    }
    pt_mirrors_close(&m);
    assert_int_equal(mem.used_sz, 0);
}

static void test_too_many(void **state)
{
    struct pt_mirrors m;
    struct pt_mem mem;

    (void)state;
    for (unsigned limit = 0; limit < 2; limit++) {
        uint32_t max = limit ? 3 : PT_MIRROR_MAX;

        pt_mem_init(&mem, limit ? 3 * sizeof(struct pt_mirror_session) : UINT64_MAX);
        pt_mirrors_init(&m, &mem);
        for (uint32_t n = 0; n < 3; n++)
            for (uint32_t i = 0; i < max + 5; i++) {
                struct pt_mirror_id id = { .session = i };

                pt_mirrors_take(&m, &id, 0, n);
            }
        assert_int_equal(m.session_cnt, max);
        assert_int_equal(m.refused, 15);
        assert_int_equal(sum(&m).packets, 3 * max);
        assert_int_equal(sum(&m).lost, 0);
        pt_mirrors_close(&m);
    }
}

/* One session over several intakes: never too much, and nearly all. */
static void test_spread(void **state)
{
    static const struct pt_mirror_id id = { .session = 1 };
    unsigned seed = 5757;
    struct pt_mirror_row rows[4];
    struct pt_mirror_stats s;
    struct pt_mirrors m[4];
    struct pt_mem mem;
    uint64_t lost = 0;
    size_t cnt = 0;

    (void)state;
    print_message("seed %u\n", seed);
    pt_mem_init(&mem, UINT64_MAX);
    for (unsigned i = 0; i < 4; i++)
        pt_mirrors_init(&m[i], &mem);
    for (uint32_t n = 0; n < 100000; n++) {
        if (rand_r(&seed) % 50 == 0 && n)
            lost++;
        else
            pt_mirrors_take(&m[rand_r(&seed) % 4], &id, 0, n);
    }
    for (unsigned i = 0; i < 4; i++)
        pt_mirror_rows_add(rows, &cnt, &m[i].session[0]->row);
    assert_int_equal(cnt, 1);
    s = pt_mirror_sum(rows, cnt, 0);
    assert_true(s.lost <= lost && s.lost + 100 > lost);
    for (unsigned i = 0; i < 4; i++)
        pt_mirrors_close(&m[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),     cmocka_unit_test(test_random),
        cmocka_unit_test(test_sessions), cmocka_unit_test(test_too_many),
        cmocka_unit_test(test_spread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
