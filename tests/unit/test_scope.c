/* SPDX-License-Identifier: Apache-2.0 */
/* Silence is not parity: a comparison in which all that was seen is equal, and one thing that
 * should have been seen was not. Each row takes one thing away; its twin shows that the same thing
 * at rest is no warning. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/observe.h"

static void whole(struct world *w)
{
    world_open(w, 64u << 20);
    tell_client(w, SRC, 0, 1);
    tell_client(w, TGT, 1, 1);
    tell_broker(w, SRC, 1, "10.0.0.1");
    tell_broker(w, TGT, 1, "10.0.1.1");
    tell_topic(w, SRC, 0, "t", 1);
    tell_topic(w, TGT, 1, "t", 2);
    tell_partition(w, SRC, 0, 0, 1);
    tell_partition(w, TGT, 1, 0, 1);
    tell_produce(w, SRC, 0, 0, 0, 0, 100);
    tell_produce(w, TGT, 1, 0, 0, 0, 100);
}

static void nothing(struct world *w)
{
    (void)w;
}

static void unpaired_topic(struct world *w)
{
    tell_topic(w, SRC, 2, "only-here", 3);
    tell_produce(w, SRC, 2, 0, 0, 0, 10);
}

static void unpaired_topic_at_rest(struct world *w)
{
    tell_topic(w, SRC, 2, "only-here", 3);
    tell_partition(w, SRC, 2, 0, 1);
    tell_bounds(w, SRC, 2, 0, 10, 0);
}

static void unpaired_topic_moves(struct world *w)
{
    unpaired_topic_at_rest(w);
    tell_bounds(w, SRC, 2, 0, 11, 0);
    world_wait(w, 2000);
    tell_bounds(w, SRC, 2, 0, 11, 0);
}

static void unpaired_on_target(struct world *w)
{
    tell_topic(w, TGT, 2, "only-there", 3);
    tell_produce(w, TGT, 2, 0, 0, 0, 10);
}

static void internal_topic(struct world *w)
{
    tell_topic(w, SRC, 2, "__consumer_offsets", 3);
    tell_produce(w, SRC, 2, 0, 0, 0, 10);
}

static void broker_away(struct world *w)
{
    tell_broker(w, SRC, 2, "10.0.0.2");
    tell_partition(w, SRC, 0, 1, 2);
    tell_partition(w, TGT, 1, 1, 1);
}

static void broker_away_that_leads_nothing(struct world *w)
{
    tell_broker(w, SRC, 2, "10.0.0.2");
}

static void target_without_evidence(struct world *w)
{
    tell_partition(w, TGT, 1, 1, 1);
    tell_produce(w, SRC, 0, 1, 0, 500, 10);
}

static void target_known_empty(struct world *w)
{
    tell_produce(w, SRC, 0, 1, 0, 500, 10);
    tell_bounds(w, TGT, 1, 1, 0, 0);
}

static void target_bounds_only(struct world *w)
{
    tell_produce(w, SRC, 0, 1, 0, 500, 10);
    tell_bounds(w, TGT, 1, 1, 10, 0);
}

static void source_not_seen(struct world *w)
{
    tell_partition(w, SRC, 0, 1, 1);
    tell_produce(w, TGT, 1, 1, 0, 500, 10);
}

static void idle_partition(struct world *w)
{
    tell_partition(w, SRC, 0, 1, 1);
    tell_partition(w, TGT, 1, 1, 1);
}

static void end_moves_on(struct world *w)
{
    tell_bounds(w, SRC, 0, 0, 100, 0);
    tell_bounds(w, SRC, 0, 0, 120, 0);
    world_wait(w, 2000);
    tell_bounds(w, SRC, 0, 0, 120, 0);
}

static void end_moved_just_now(struct world *w)
{
    tell_bounds(w, SRC, 0, 0, 100, 0);
    tell_bounds(w, SRC, 0, 0, 120, 0);
}

static void test_scope(void **state)
{
    static const struct {
        void (*what)(struct world *w);
        int code; /* expected warning, -1 none */
        enum pt_verdict verdict;
        const char *why;
    } row[] = {
        { nothing, -1, PT_VERDICT_PARITY, "nothing is missing" },
        { unpaired_topic, PT_FINDING_TOPIC_UNPAIRED, PT_VERDICT_INCONCLUSIVE, "source only" },
        { unpaired_topic_at_rest, -1, PT_VERDICT_PARITY, "it stood still" },
        { unpaired_topic_moves, PT_FINDING_TOPIC_UNPAIRED, PT_VERDICT_INCONCLUSIVE, "it moved" },
        { unpaired_on_target, -1, PT_VERDICT_PARITY, "target only" },
        { internal_topic, -1, PT_VERDICT_PARITY, "internal" },
        { broker_away, PT_FINDING_BROKER_NOT_SEEN, PT_VERDICT_INCONCLUSIVE,
          "leader not on the tap" },
        { broker_away_that_leads_nothing, -1, PT_VERDICT_PARITY, "it leads nothing" },
        { target_without_evidence, PT_FINDING_NO_EVIDENCE_PATH, PT_VERDICT_INCONCLUSIVE, "" },
        { target_known_empty, -1, PT_VERDICT_PARITY, "known to be empty: pending" },
        { target_bounds_only, PT_FINDING_PARTITION_NOT_SEEN, PT_VERDICT_INCONCLUSIVE, "" },
        { source_not_seen, PT_FINDING_PARTITION_NOT_SEEN, PT_VERDICT_INCONCLUSIVE, "" },
        { idle_partition, -1, PT_VERDICT_PARITY, "nothing on either side" },
        { end_moves_on, PT_FINDING_PARTITION_NOT_SEEN, PT_VERDICT_INCONCLUSIVE,
          "records not seen" },
        { end_moved_just_now, -1, PT_VERDICT_PARITY, "the capture ends here" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        const struct pt_result *r;
        uint64_t warnings = 0;

        print_message("row %zu: %s\n", i, row[i].why);
        whole(&w);
        row[i].what(&w);
        r = world_finish(&w);
        for (size_t k = 0; k < r->finding_cnt; k++) {
            print_message("  %s\n", r->findings[k].message);
            warnings += row[i].code < 0 && pt_finding_inconclusive(r->findings[k].code);
        }
        assert_int_equal(broken_sum(r), -1);
        assert_int_equal(r->verdict, row[i].verdict);
        assert_int_equal(warnings, 0);
        if (row[i].code >= 0)
            assert_true(found(r, (enum pt_finding_code)row[i].code) > 0);
        assert_int_equal(world_close(&w), 0);
    }
}

static void test_nothing_at_all(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    world_open(&w, 16u << 20);
    r = world_finish(&w);
    assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
    assert_int_equal(found(r, PT_FINDING_NOTHING_CERTIFIED), 1);
    world_close(&w);
}

static void test_excluded(void **state)
{
    static const char *const excluded[] = { "only-*" };
    struct world w = { .policy = pt_policy_default };
    const struct pt_result *r;

    (void)state;
    w.policy.excluded = excluded;
    w.policy.excluded_cnt = 1;
    whole(&w);
    unpaired_topic(&w);
    r = world_finish(&w);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    assert_int_equal(r->unpaired_cnt, 1);
    assert_int_equal(r->unpaired[0].records, 10);
    assert_string_equal(r->unpaired[0].why, "out of scope by configuration");
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scope),
        cmocka_unit_test(test_nothing_at_all),
        cmocka_unit_test(test_excluded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
