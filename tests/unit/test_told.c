/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What was told early is found again until it is taken out, whatever else came and went: random
 * adding and taking against a plain array, at offsets that crowd together, and at any fill; and
 * what happens when memory is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "verify/told.h"

#define OFFSETS 700

struct model {
    int code[2][OFFSETS]; /* -1: not there */
    size_t cnt;
    int64_t offset[OFFSETS];
    int offset_cnt;
};

/* Nothing is there. Offsets are neighbours, or far apart; few of them make a small table, whose end
 * and start are often passed. */
static void begin(struct model *m, int offset_cnt, unsigned shift, unsigned *seed)
{
    memset(m, 0xff, sizeof(*m));
    m->cnt = 0;
    m->offset_cnt = offset_cnt;
    for (int k = 0; k < offset_cnt; k++)
        m->offset[k] = ((int64_t)k << shift) + (shift ? rand_r(seed) % (1 << shift) : 0);
}

static void expect_all(const struct pt_told *t, const struct model *m, unsigned run)
{
    assert_int_equal(t->cnt, m->cnt);
    for (int side = 0; side < 2; side++)
        for (int k = 0; k < m->offset_cnt; k++)
            if (pt_told_has(t, side, m->offset[k]) != (m->code[side][k] >= 0))
                fail_msg("run %u: side %d, offset %lld", run, side, (long long)m->offset[k]);
}

static void operate(struct pt_told *t, struct pt_mem *mem, struct model *m, unsigned fill,
                    unsigned *seed)
{
    int side = rand_r(seed) % 2;
    int k = rand_r(seed) % m->offset_cnt;
    int64_t offset = m->offset[k];
    bool there = m->code[side][k] >= 0;
    enum pt_finding_code code = PT_FINDING_CODE_CNT;

    if (!there && (unsigned)rand_r(seed) % 100 < fill) {
        code = (enum pt_finding_code)(rand_r(seed) % PT_FINDING_CODE_CNT);
        assert_true(pt_told_add(t, mem, side, offset, code));
        m->code[side][k] = (int)code;
        m->cnt++;
    } else if ((unsigned)rand_r(seed) % 100 >= fill || !there) {
        assert_int_equal(pt_told_take(t, side, offset, &code), there);
        assert_int_equal(code, there ? m->code[side][k] : PT_FINDING_CODE_CNT);
        m->cnt -= there;
        m->code[side][k] = -1;
    }
    assert_int_equal(pt_told_has(t, side, offset), m->code[side][k] >= 0);
    assert_true(t->cnt * 2 <= t->cap);
}

static void test_random(void **state)
{
    static const unsigned shifts[] = { 0, 1, 7, 28 };
    static struct model m;
    unsigned seed = 20240612;

    (void)state;
    print_message("seed %u\n", seed);
    for (unsigned run = 0; run < 40; run++) {
        struct pt_told t = { 0 };
        struct pt_mem mem;

        pt_mem_init(&mem, 1u << 20);
        begin(&m, run % 2 ? OFFSETS : 10 + rand_r(&seed) % 30,
              shifts[run / 2 % (sizeof(shifts) / sizeof(*shifts))], &seed);
        for (unsigned phase = 0; phase < 4; phase++) {
            /* It fills, and empties again. */
            unsigned fill = phase % 2 ? 10 : 50 + (unsigned)rand_r(&seed) % 50;

            for (unsigned n = 0; n < 4000; n++)
                operate(&t, &mem, &m, fill, &seed);
            expect_all(&t, &m, run);
        }
        pt_told_fini(&t, &mem);
        assert_int_equal(mem.used_sz, 0);
    }
}

/* Filled to the brim, then emptied in another order: every step leaves the others findable. */
static void test_every_order(void **state)
{
    static struct model m;

    (void)state;
    for (unsigned turn = 1; turn < 31; turn += 2) {
        struct pt_told t = { 0 };
        struct pt_mem mem;
        enum pt_finding_code code;

        pt_mem_init(&mem, 1u << 20);
        begin(&m, 32, 0, NULL);
        for (int k = 0; k < 32; k++) {
            assert_true(pt_told_add(&t, &mem, 0, k, PT_FINDING_RECORD_MISSING));
            m.code[0][k] = PT_FINDING_RECORD_MISSING;
            m.cnt++;
        }
        assert_int_equal(t.cap, 64);
        for (unsigned n = 0; n < 32; n++) {
            unsigned k = n * turn % 32;

            assert_true(pt_told_take(&t, 0, k, &code));
            assert_false(pt_told_take(&t, 0, k, &code));
            m.code[0][k] = -1;
            m.cnt--;
            expect_all(&t, &m, turn);
        }
        pt_told_fini(&t, &mem);
        assert_int_equal(mem.used_sz, 0);
    }
}

static void test_no_memory(void **state)
{
    struct pt_told t = { 0 };
    enum pt_finding_code code = PT_FINDING_TAP_LOSS;
    struct pt_mem mem;
    int64_t cnt = 0;

    (void)state;
    pt_mem_init(&mem, 3 * 64 * sizeof(struct pt_told_entry));
    assert_false(pt_told_has(&t, 0, 0));
    assert_false(pt_told_take(&t, 0, 0, &code));
    assert_int_equal(code, PT_FINDING_TAP_LOSS);
    while (pt_told_add(&t, &mem, 1, cnt, PT_FINDING_RECORD_EXTRA))
        cnt++;
    /* Refused: what was there stays. */
    assert_int_equal(cnt, 64);
    assert_int_equal(t.cnt, 64);
    for (int64_t off = 0; off < cnt; off++)
        assert_true(pt_told_has(&t, 1, off));
    assert_false(pt_told_has(&t, 1, cnt));
    assert_true(pt_told_take(&t, 1, 5, &code));
    assert_int_equal(code, PT_FINDING_RECORD_EXTRA);
    assert_true(pt_told_add(&t, &mem, 1, 5, PT_FINDING_RECORD_MUTATED));
    pt_told_fini(&t, &mem);
    assert_int_equal(mem.used_sz, 0);
    assert_false(pt_told_has(&t, 1, 5));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_every_order),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
