/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that the seen table never says yes for anything but the same bytes at the same offset of
 * the same log, nor for what came before its records were sent; that it may forget; and that two
 * threads that write the same slots make misses, never wrong hits (built with ThreadSanitizer,
 * too).
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parser/seen.h"

#define ORDER 1000u

static void test_key(void **state)
{
    const struct pt_seen_key key = { 4, 7, 100, 0xabc, 3 };
    const struct {
        struct pt_seen_key key;
        uint64_t order;
        bool hit;
        const char *why;
    } rows[] = {
        { { 4, 7, 100, 0xabc, 3 }, ORDER + 1, true, "the same, later" },
        { { 4, 7, 100, 0xabc, 3 }, ORDER, false, "it began in the packet that was in hand" },
        { { 4, 7, 100, 0xabc, 3 }, ORDER - 1, false, "it began before that" },
        { { 4, 7, 100, 0xabd, 3 }, ORDER + 1, false, "other bytes" },
        { { 4, 7, 101, 0xabc, 3 }, ORDER + 1, false, "another offset" },
        { { 5, 7, 100, 0xabc, 3 }, ORDER + 1, false, "another topic" },
        { { 4, 8, 100, 0xabc, 3 }, ORDER + 1, false, "another partition" },
        { { 4, 7, 100, 0xabc, 4 }, ORDER + 1, false, "another leader wrote it" },
    };
    struct pt_seen s;
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    assert_int_equal(pt_seen_open(&s, &mem, 3), -EINVAL);
    /* One slot only: whatever is asked for meets the entry, and nothing but the key decides. */
    assert_int_equal(pt_seen_open(&s, &mem, 1), 0);
    assert_false(pt_seen_find(&s, &(struct pt_seen_key){ 0 }, UINT64_MAX));
    pt_seen_add(&s, &key, ORDER);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (pt_seen_find(&s, &rows[i].key, rows[i].order) != rows[i].hit)
            fail_msg("%s", rows[i].why);
    pt_seen_add(&s, &(struct pt_seen_key){ 4, 7, 200, 0xdef, 3 }, ORDER);
    assert_false(pt_seen_find(&s, &key, ORDER + 1));
    pt_seen_close(&s, &mem);
    assert_int_equal(mem.used_sz, 0);
}

static struct pt_seen_key nth(int i)
{
    return (struct pt_seen_key){ 1, i % 8, i / 8 * 10, 0x1000u + (unsigned)i, 3 };
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
        pt_seen_add(&s, &(struct pt_seen_key){ 1, i % 8, i / 8 * 10, 0x1000u + (unsigned)i, 3 }, 1);
    for (int i = 0; i < 1024; i++) {
        struct pt_seen_key key = nth(i);

        kept += pt_seen_find(&s, &key, 2);
    }
    assert_true(kept > 800); /* 1024 in 4096 slots: about 11 of 100 meet another */
    pt_seen_close(&s, &mem);
}

#define ROUNDS 200000

struct writer {
    struct pt_seen *s;
    int64_t first; /* offsets first, first + 2, ... are this thread's: with orders of their own */
    uint64_t wrong;
};

/* Entry n has fingerprint n, offset n and order n: whoever is told of entry n with another order
 * than n was told a mixture. */
static void *write_and_ask(void *arg)
{
    struct writer *w = arg;

    for (int64_t n = w->first; n < ROUNDS; n += 2) {
        struct pt_seen_key mine = { 9, 1, n, (uint64_t)n, 3 };
        struct pt_seen_key never = { 9, 1, n, (uint64_t)n + 1, 3 };
        struct pt_seen_key other = { 9, 1, n ^ 1, (uint64_t)(n ^ 1), 3 };

        pt_seen_add(w->s, &mine, (uint64_t)n);
        w->wrong += pt_seen_find(w->s, &never, UINT64_MAX - 1);
        w->wrong += pt_seen_find(w->s, &mine, (uint64_t)n);
        w->wrong += pt_seen_find(w->s, &other, (uint64_t)(n ^ 1));
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct pt_seen s;
    struct pt_mem mem;
    struct writer w[2] = { { .s = &s, .first = 0 }, { .s = &s, .first = 1 } };
    pthread_t thread[2];

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    assert_int_equal(pt_seen_open(&s, &mem, 2), 0); /* all meet in two slots */
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, write_and_ask, &w[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(w[0].wrong + w[1].wrong, 0);
    pt_seen_close(&s, &mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_key),
        cmocka_unit_test(test_spread),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
