/* SPDX-License-Identifier: Apache-2.0 */
/* pt_lcs_solve against the textbook table: the length is the longest possible, and what it returns
 * is a common subsequence. Small alphabets reach Myers' walk with many ties, long random inputs
 * reach Hunt-Szymanski. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "verify/lcs.h"

#define LEN_MAX 1600

static uint64_t rng_state;

static uint32_t rng(uint32_t below)
{
    rng_state = rng_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(rng_state >> 33) % below;
}

static uint32_t table_length(const struct pt_item *s, uint32_t n, const struct pt_item *t,
                             uint32_t m)
{
    static uint32_t row[2][LEN_MAX + 1];

    for (uint32_t j = 0; j <= m; j++)
        row[0][j] = row[1][j] = 0;
    for (uint32_t i = 1; i <= n; i++)
        for (uint32_t j = 1; j <= m; j++) {
            uint32_t up = row[!(i & 1)][j];
            uint32_t left = row[i & 1][j - 1];

            row[i & 1][j] = pt_item_equal(&s[i - 1], &t[j - 1]) ? row[!(i & 1)][j - 1] + 1
                                                                : (up > left ? up : left);
        }
    return row[n & 1][m];
}

static void check(const struct pt_item *s, uint32_t n, const struct pt_item *t, uint32_t m)
{
    struct pt_mem mem;
    uint32_t match[LEN_MAX];
    uint32_t len = 0;
    int64_t last = -1;

    pt_mem_init(&mem, 1ull << 30);
    assert_true(pt_lcs_solve(&mem, s, n, t, m, 0, match));
    for (uint32_t i = 0; i < n; i++) {
        if (match[i] == PT_LCS_NONE)
            continue;
        assert_true(match[i] < m);
        assert_true((int64_t)match[i] > last);
        assert_true(pt_item_equal(&s[i], &t[match[i]]));
        last = match[i];
        len++;
    }
    assert_int_equal(len, table_length(s, n, t, m));
    assert_int_equal(mem.used_sz, 0);
}

static void test_random(void **state)
{
    static struct pt_item s[LEN_MAX];
    static struct pt_item t[LEN_MAX];
    static const struct {
        uint32_t len;
        uint32_t alphabet;
        uint32_t rounds;
        const char *why;
    } rows[] = {
        { 12, 2, 4000, "many equally long ones" },
        { 40, 4, 2000, "repeated contents" },
        { 60, 1000, 1000, "nearly all unique" },
        { 1500, 3, 2, "many differences, many pairs" },
        { 1500, 5000, 4, "more differences than Myers' bound" },
    };

    (void)state;
    rng_state = 20260801;
    print_message("seed %llu\n", (unsigned long long)rng_state);
    for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++)
        for (uint32_t round = 0; round < rows[r].rounds; round++) {
            uint32_t n = rng(rows[r].len) + (rows[r].len > 1000 ? 60 : 0);
            uint32_t m = rng(rows[r].len) + (rows[r].len > 1000 ? 60 : 0);

            for (uint32_t i = 0; i < n; i++)
                s[i] = (struct pt_item){ .content = rng(rows[r].alphabet), .timestamp_ms = 7 };
            for (uint32_t j = 0; j < m; j++)
                t[j] = (struct pt_item){ .content = rng(rows[r].alphabet),
                                         .timestamp_ms = rng(10) ? 7 : 8 };
            check(s, n, t, m);
        }
}

static void test_few_edits(void **state)
{
    static struct pt_item s[LEN_MAX];
    static struct pt_item t[LEN_MAX];

    (void)state;
    rng_state = 7;
    for (int round = 0; round < 20; round++) {
        uint32_t m = 0;

        for (uint32_t i = 0; i < 1000; i++) {
            s[i] = (struct pt_item){ .content = rng(20) };
            if (rng(50))
                t[m++] = s[i];
            if (!rng(50))
                t[m++] = (struct pt_item){ .content = rng(20) };
        }
        check(s, 1000, t, m);
    }
}

/* A period of four; one record twice, and much later many strangers in front of the last two. The
 * strangers may not be made cheaper by a start that skips three records to be one period on. */
static void test_open_rest(void **state)
{
    static struct pt_item s[100];
    static struct pt_item t[200];
    uint32_t match[100];
    struct pt_mem mem;
    uint32_t m = 0;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        s[i].content = 1 + i % 4;
        for (uint32_t k = 0; i == 70 && k < 40; k++)
            t[m++].content = 100 + k;
        t[m++] = s[i];
        if (i == 13)
            t[m++] = s[i];
    }
    pt_mem_init(&mem, 1 << 20);
    assert_true(pt_lcs_solve(&mem, s, 100, t, m, PT_LCS_S_OPEN | PT_LCS_T_OPEN, match));
    for (uint32_t i = 0; i < 70; i++)
        assert_int_equal(match[i], i < 14 ? i : i + 1);
    assert_int_equal(mem.used_sz, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_few_edits),
        cmocka_unit_test(test_open_rest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
