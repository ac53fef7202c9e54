/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows when a remembered fetch offset may be believed (kafka-wire.md 4.1 to 4.5): short dialogues,
 * each with what the response to the last request may be certified from. An offset that is wrongly
 * known would certify holes that nobody saw, so every doubt must give -1.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parser/fetch_session.h"

static const struct pt_log_ref A = { 3, 0 };
static const struct pt_log_ref B = { 3, 1 };

struct side {
    struct pt_mem mem;
    struct pt_fetch_budget budget;
    struct pt_fetch_session s;
    uint32_t number;
};

static void open_side(struct side *x, uint64_t max)
{
    *x = (struct side){ .budget = { .max_cnt = max } };
    pt_mem_init(&x->mem, 1u << 24);
    pt_fetch_session_init(&x->s, &x->mem, &x->budget);
}

static void close_side(struct side *x)
{
    pt_fetch_session_fini(&x->s);
    assert_int_equal(x->mem.used_sz, 0);
    assert_int_equal(x->budget.used_cnt, 0);
}

static void request(struct side *x, int32_t id, int32_t epoch)
{
    x->number++;
    pt_fetch_session_request(&x->s, id, epoch);
}

static void name(struct side *x, struct pt_log_ref log, int64_t offset)
{
    pt_fetch_session_name(&x->s, log, offset, x->number);
}

static int64_t asked(const struct side *x, struct pt_log_ref log)
{
    return pt_fetch_session_offset(&x->s, log, x->number);
}

/* A full fetch of A at 100 and B at 200, answered with session 9. */
static void start(struct side *x)
{
    open_side(x, 1000);
    request(x, 0, 0);
    name(x, A, 100);
    name(x, B, 200);
    pt_fetch_session_response(&x->s, 0, 9);
    assert_int_equal(asked(x, A), 100);
    assert_int_equal(asked(x, B), 200);
}

/* Named twice, at two offsets: one of the answers would be certified from the wrong one. */
static void test_twice(void **state)
{
    struct side x;

    (void)state;
    open_side(&x, 1000);
    request(&x, 0, -1);
    name(&x, A, 100);
    name(&x, B, 200);
    name(&x, A, 90);
    name(&x, B, 200);
    assert_int_equal(asked(&x, A), -1);
    assert_int_equal(asked(&x, B), 200);
    name(&x, A, 90);
    assert_int_equal(asked(&x, A), -1);
    request(&x, 0, -1);
    name(&x, A, 90);
    assert_int_equal(asked(&x, A), 90);
    close_side(&x);
}

static void test_incremental(void **state)
{
    struct side x;

    (void)state;
    start(&x);
    pt_fetch_session_data(&x.s, A, x.number);
    assert_int_equal(asked(&x, A), -1); /* a second copy of it would be something else */
    request(&x, 9, 1);
    name(&x, A, 150);
    assert_int_equal(asked(&x, A), 150);
    assert_int_equal(asked(&x, B), 200); /* not named again: unchanged */
    request(&x, 9, 2);
    assert_int_equal(asked(&x, A), 150);
    pt_fetch_session_forget(&x.s, A);
    assert_int_equal(asked(&x, A), -1);
    assert_int_equal(asked(&x, B), 200);
    close_side(&x);
}

static void test_doubt(void **state)
{
    static const struct {
        int32_t id;
        int32_t epoch;
        const char *why;
    } rows[] = {
        { 9, 2, "an epoch is missing" }, { 9, 0, "a new full fetch in place of the session" },
        { 8, 1, "another session" },     { 0, -1, "a fetch without a session" },
        { 0, 0, "a new session" },       { 9, -1, "the session is closed" },
    };
    struct side x;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        start(&x);
        request(&x, rows[i].id, rows[i].epoch);
        name(&x, B, 250);
        if (asked(&x, A) != -1 || asked(&x, B) != 250)
            fail_msg("%s", rows[i].why);
        close_side(&x);
    }
}

static void test_errors_and_misses(void **state)
{
    struct side x;

    (void)state;
    start(&x);
    request(&x, 9, 1);
    pt_fetch_session_response(&x.s, 70, 0); /* the broker forgot the session */
    assert_int_equal(asked(&x, A), -1);
    close_side(&x);
    start(&x);
    pt_fetch_session_void(&x.s); /* something was missed */
    request(&x, 9, 1);
    name(&x, A, 150);
    assert_int_equal(asked(&x, A), 150);
    assert_int_equal(asked(&x, B), -1);
    request(&x, 9, 2); /* the chain goes on from there */
    assert_int_equal(asked(&x, A), 150);
    close_side(&x);
}

static void test_pipelined(void **state)
{
    struct side x;

    (void)state;
    start(&x);
    request(&x, 9, 1);
    name(&x, A, 150);
    /* The response to the request before must not see what this one set, nor undo it. */
    assert_int_equal(pt_fetch_session_offset(&x.s, A, x.number - 1), -1);
    pt_fetch_session_data(&x.s, A, x.number - 1);
    assert_int_equal(asked(&x, A), 150);
    close_side(&x);
}

static void test_wrap(void **state)
{
    struct side x;

    (void)state;
    open_side(&x, 1000);
    request(&x, 9, INT32_MAX);
    name(&x, A, 100);
    request(&x, 9, 1); /* epochs go round without 0 */
    assert_int_equal(asked(&x, A), 100);
    close_side(&x);
}

static void test_bounds(void **state)
{
    struct side x;

    (void)state;
    open_side(&x, 4096);
    for (int round = 0; round < 3; round++) {
        request(&x, 0, -1);
        for (int32_t i = 0; i < 5000; i++)
            name(&x, (struct pt_log_ref){ 1, i }, i);
        for (int32_t i = 0; i < 5000; i++) {
            int64_t offset = asked(&x, (struct pt_log_ref){ 1, i });

            assert_true(offset == i || offset == -1);
            assert_true(i > 1000 || offset == i);
        }
        assert_true(x.budget.used_cnt <= 4096);
    }
    assert_true(x.budget.refused_cnt > 0);
    close_side(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_twice),     cmocka_unit_test(test_incremental),
        cmocka_unit_test(test_doubt),     cmocka_unit_test(test_errors_and_misses),
        cmocka_unit_test(test_pipelined), cmocka_unit_test(test_wrap),
        cmocka_unit_test(test_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
