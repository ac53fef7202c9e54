/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Situations in which a report once said more than was seen, or less: each is a hand-made sequence
 * of observations as real clusters produce it, with the one answer that the evidence allows. What
 * cannot be known must be unverifiable, pending or inconclusive; what is known must be said.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/observe.h"

#define MEM (64u << 20)

/* Topic t, number 0 on the source and 1 on the target, ids 1 and 2. */
static void both(struct world *w)
{
    world_open(w, MEM);
    tell_client(w, SRC, 0, 1);
    tell_client(w, TGT, 1, 1);
    tell_topic(w, SRC, 0, "t", 1);
    tell_topic(w, TGT, 1, "t", 2);
}

static const struct pt_result *end(struct world *w)
{
    const struct pt_result *r = world_finish(w);

    assert_int_equal(broken_sum(r), -1);
    assert_true(batches_add_up(w->s));
    return r;
}

/* One partition is verified; of the other one the target's tap shows the Produce requests but none
 * of the answers (a mirror port that copies one direction). */
static void test_produce_without_answers(void **state)
{
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++) {
        struct world w = { 0 };
        struct say say = { .cluster = c, .topic = c, .client = c, .partition = 1,
                           .source = PT_SRC_PRODUCE, .cnt = 20, .first = 100 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 50);
        tell_produce(&w, TGT, 1, 0, 0, 0, 50);
        tell_produce(&w, !c, !c, 1, 0, 100, 20);
        w.request++;
        tell_batch(&w, &say);
        r = end(&w);
        assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
        assert_true(found(r, PT_FINDING_PARTITION_NOT_SEEN) + found(r, PT_FINDING_NO_EVIDENCE_PATH));
        world_close(&w);
    }
}

/* The capture of one cluster ends before the other one's: what came later on that one has nothing
 * to be compared with. */
static void test_one_capture_ends_early(void **state)
{
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 50);
        tell_produce(&w, TGT, 1, 0, 0, 0, 50);
        for (int i = 0; i < 10; i++)
            tell_produce(&w, c, c, 0, 50 + 10 * i, (uint64_t)(50 + 10 * i), 10);
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, 50);
        assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
        assert_int_equal(found(r, PT_FINDING_COVERAGE_LOW), 1);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_produce_without_answers),
        cmocka_unit_test(test_one_capture_ends_early),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
