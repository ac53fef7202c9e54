/* SPDX-License-Identifier: Apache-2.0 */
/* What was told early goes out of the sums once its records have verdicts, whichever those are. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "observe.h"
#include "verify/live.h"

/* Another record with the digests of c. */
#define CHANGED(c) ((c) + (1ull << 32))

static void tell_contents(struct world *w, uint8_t cluster, int64_t base, const uint64_t *content,
                          uint32_t cnt)
{
    struct say say = { .cluster = cluster,
                       .topic = cluster,
                       .source = PT_SRC_PRODUCE,
                       .cnt = cnt,
                       .first = content[0],
                       .content = content };

    w->request++;
    tell_batch(w, &say);
    tell_outcome(w, &say, base, -1, PT_PRODUCE_ACKED, -1);
}

/* Three seconds pass; all findings are taken. Returns how many of this code. */
static uint64_t watch(struct world *w, enum pt_finding_code code)
{
    struct pt_finding f;
    uint64_t cnt = 0;

    for (int i = 0; i < 30; i++) {
        world_wait(w, 100);
        world_flush(&w->out);
        pt_shard_tick(w->s, w->at.time_ns);
        while (pt_shard_live_finding(w->s, &f))
            cnt += f.code == code ? f.cnt : 0;
    }
    return cnt;
}

/* Told as one changed record; then its own copy turns up elsewhere, so that it was moved and the
 * other one is extra. */
static void test_two_verdicts_of_one_finding(void **state)
{
    struct world w = { .mem = { 0 } };
    uint64_t source[100];
    uint64_t target[101];
    const struct pt_result *r;

    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        source[i] = 100 + i;
        target[i < 51 ? i : i + 1] = 100 + i;
    }
    target[10] = CHANGED(110);
    target[51] = 110;
    world_open(&w, 64u << 20);
    tell_topic(&w, SRC, 0, "t", 0);
    tell_topic(&w, TGT, 1, "t", 0);
    (void)watch(&w, PT_FINDING_RECORD_MUTATED);
    tell_contents(&w, SRC, 0, source, 100);
    tell_contents(&w, TGT, 0, target, 51);
    assert_int_equal(watch(&w, PT_FINDING_RECORD_MUTATED), 1);
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_MUTATED), 1);
    tell_contents(&w, TGT, 51, target + 51, 50);
    (void)watch(&w, PT_FINDING_RECORD_REORDERED);
    tell_bounds(&w, SRC, 0, 0, 100, 0);
    tell_bounds(&w, TGT, 1, 0, 101, 0);
    r = world_finish(&w);
    assert_int_equal(found(r, PT_FINDING_RECORD_REORDERED), 1);
    assert_int_equal(found(r, PT_FINDING_RECORD_EXTRA), 1);
    assert_int_equal(found(r, PT_FINDING_RECORD_MUTATED), 0);
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_MUTATED), 0);
    assert_int_equal(world_close(&w), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_two_verdicts_of_one_finding),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
