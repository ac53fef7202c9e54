/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that what is held comes out whole and in order, or not at all: when it is passed on, when
 * it is forgotten, when it grows past its own limit or the budget of all, and when there is no
 * memory. Nothing is left behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parser/hold.h"

struct tap {
    struct pt_mem mem;
    struct pt_hold_budget budget;
    struct pt_hold hold;
    struct pt_obs_out out;
    uint8_t *buf;
    uint64_t next; /* number of the message that comes next */
};

static void flush(struct pt_obs_out *out)
{
    struct tap *t = out->flush_arg;

    for (uint32_t off = 0; off < out->used_sz;) {
        const void *m = out->buf + off;
        const struct pt_obs_bounds *o = m;

        assert_int_equal(o->high_watermark, t->next++);
        off += o->head.size;
    }
    out->used_sz = 0;
}

static void tap_open(struct tap *t, uint64_t memory, uint64_t budget)
{
    *t = (struct tap){ .buf = malloc(PT_OBS_OUT_MIN) };
    pt_mem_init(&t->mem, memory);
    assert_int_equal(pt_hold_budget_open(&t->budget, &t->mem, budget), 0);
    pt_hold_init(&t->hold, &t->budget);
    t->out = (struct pt_obs_out){
        .buf = t->buf, .buf_sz = PT_OBS_OUT_MIN, .flush = flush, .flush_arg = t
    };
}

static void tap_close(struct tap *t)
{
    assert_int_equal(t->budget.used_sz, 0);
    pt_hold_budget_close(&t->budget);
    assert_int_equal(t->mem.used_sz, 0);
    free(t->buf);
}

/* put writes messages [from, to), each of a batch. */
static void put(struct tap *t, uint64_t from, uint64_t to)
{
    const struct pt_packet_ref at = { 0 };

    for (uint64_t i = from; i < to; i++) {
        struct pt_obs_bounds *o =
                pt_obs_put(&t->hold.out, PT_OBS_BOUNDS, 0, &at, sizeof(*o), i * 7 % 8000);

        o->high_watermark = (int64_t)i;
        t->hold.batch_cnt++;
    }
}

static void test_pass(void **state)
{
    struct tap t;

    (void)state;
    tap_open(&t, 1u << 24, 1u << 23);
    assert_int_equal(t.mem.used_sz, PT_OBS_OUT_MIN); /* an empty hold costs nothing */
    put(&t, 0, 300);
    assert_int_equal(t.next, 0);
    assert_int_equal(pt_hold_pass(&t.hold, &t.out), 0);
    flush(&t.out);
    assert_int_equal(t.next, 300);
    put(&t, 300, 310);
    assert_int_equal(pt_hold_forget(&t.hold), 10);
    put(&t, 300, 301); /* the numbers go on: the ten were not heard of */
    assert_int_equal(pt_hold_pass(&t.hold, &t.out), 0);
    flush(&t.out);
    assert_int_equal(t.next, 301);
    tap_close(&t);
}

static void test_overflow(void **state)
{
    static const struct {
        const char *why;
        uint64_t memory;
        uint64_t budget;
    } rows[] = {
        { "its own limit", 1u << 24, 1u << 23 },
        { "the budget of all", 1u << 24, 100u << 10 },
        { "no room for a first message", 1u << 24, PT_HOLD_MIN - 1 },
        { "no memory", PT_OBS_OUT_MIN + PT_HOLD_MIN, 1u << 23 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tap t;

        tap_open(&t, rows[i].memory, rows[i].budget);
        put(&t, 0, 1000); /* 4 MB */
        assert_int_equal(pt_hold_pass(&t.hold, &t.out), 1000);
        assert_int_equal(t.out.used_sz, 0);
        put(&t, 0, 1);
        assert_int_equal(pt_hold_pass(&t.hold, &t.out), rows[i].budget < PT_HOLD_MIN);
        flush(&t.out);
        tap_close(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pass),
        cmocka_unit_test(test_overflow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
