/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that waiting requests keep their order through growth and wrap, that the two limits are
 * told, and that log lists are owned by whoever holds the request.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "parser/exchange.h"

static void push(struct pt_exchange *x, uint32_t number, bool silent)
{
    const struct pt_request req = { .number = number,
                                    .correlation_id = (int32_t)(1000 + number),
                                    .silent = silent };

    assert_true(pt_exchange_push(x, &req));
}

static void test_order(void **state)
{
    struct pt_request req;
    struct pt_exchange x;
    struct pt_mem mem;
    uint32_t in = 0;
    uint32_t out = 0;

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    pt_exchange_init(&x, &mem, 4096);
    assert_int_equal(mem.used_sz, 0); /* costs nothing before the first request */
    for (int round = 1; round < 40; round++) {
        for (int i = 0; i < round; i++)
            push(&x, in++, false);
        for (int i = 0; i < round - 1; i++) {
            assert_int_equal(pt_exchange_find(&x, (int32_t)(1000 + out)), 0);
            assert_int_equal(pt_exchange_find(&x, (int32_t)(999 + in)), in - out - 1);
            assert_int_equal(pt_exchange_find(&x, (int32_t)(1000 + in)), -1);
            assert_ptr_equal(pt_exchange_number(&x, out), pt_exchange_peek(&x, 0));
            assert_true(pt_exchange_pop(&x, &req));
            assert_int_equal(req.number, out++);
            assert_null(pt_exchange_number(&x, req.number));
        }
    }
    pt_exchange_fini(&x);
    assert_int_equal(mem.used_sz, 0);
}

static void test_limits(void **state)
{
    struct pt_exchange x;
    struct pt_request req = { 0 };
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    pt_exchange_init(&x, &mem, 20);
    for (uint32_t i = 0; i < 20; i++) {
        assert_false(pt_exchange_full(&x));
        push(&x, i, false);
    }
    assert_true(pt_exchange_full(&x));
    pt_exchange_fini(&x);
    /* Requests that nobody answers leave much earlier. */
    for (uint32_t i = 0; i < PT_EXCHANGE_SILENT_MAX; i++) {
        assert_false(pt_exchange_full(&x));
        push(&x, i, true);
    }
    assert_true(pt_exchange_full(&x));
    pt_exchange_fini(&x);
    pt_mem_init(&mem, 0);
    assert_false(pt_exchange_push(&x, &req));
    assert_int_equal(x.cnt, 0);
}

static void test_logs(void **state)
{
    const struct pt_log_ref a = { 1, 0 };
    const struct pt_log_ref b = { 1, 1 };
    const struct pt_log_ref c = { 0, 7 };
    const struct pt_log_ref d = { 2, 0 };
    struct pt_request req = { 0 };
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    assert_true(pt_request_add_log(&mem, &req, a));
    assert_true(pt_request_add_log(&mem, &req, b));
    assert_true(pt_request_add_log(&mem, &req, c));
    assert_true(pt_request_add_log(&mem, &req, b));
    assert_int_equal(pt_request_take_log(&req, a), PT_TAKE_ONE);
    assert_int_equal(pt_request_take_log(&req, a), PT_TAKE_NONE);
    assert_int_equal(pt_request_take_log(&req, b), PT_TAKE_TWICE);
    assert_int_equal(pt_request_take_log(&req, b), PT_TAKE_TWICE);
    assert_int_equal(pt_request_take_log(&req, c), PT_TAKE_ONE);
    assert_int_equal(pt_request_take_log(&req, d), PT_TAKE_NONE);
    pt_request_free(&mem, &req);
    assert_int_equal(mem.used_sz, 0);
    pt_mem_init(&mem, 1);
    assert_false(pt_request_add_log(&mem, &req, a));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_logs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
