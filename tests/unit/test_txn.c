/* SPDX-License-Identifier: Apache-2.0 */
/* Which records of transactions count: by markers, by read_committed lists; and that neither
 * decides once an offset that could hold another marker was not seen. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/observe.h"

static void open_single(struct world *w)
{
    w->policy = pt_policy_default;
    w->policy.single = true;
    world_open(w, 16u << 20);
    tell_topic(w, SRC, 0, "t", 1);
}

static void data(struct world *w, int64_t base, uint32_t cnt, int64_t pid)
{
    w->request++;
    tell_batch(w, &(struct say){ .source = PT_SRC_FETCH_CONSUMER,
                                 .flags = PT_BATCH_TRANSACTIONAL,
                                 .from = -1,
                                 .base = base,
                                 .cnt = cnt,
                                 .first = (uint64_t)base,
                                 .pid = pid });
}

static struct pt_obs_aborted *listed(struct world *w, int64_t from, int64_t to, int64_t pid,
                                     int64_t first)
{
    struct pt_obs_aborted *o = tell(w, PT_OBS_ABORTED, SRC, sizeof(*o), pid >= 0 ? 16 : 0);

    o->head.topic = 0;
    o->head.partition = 0;
    o->from = from;
    o->to = to;
    if (pid >= 0) {
        o->cnt = 1;
        o->txn[0] = (struct pt_obs_aborted_txn){ .producer_id = pid, .first_offset = first };
    }
    return o;
}

static void check(struct world *w, uint64_t records, uint64_t aborted, uint64_t undecided)
{
    const struct pt_result *r = world_finish(w);

    assert_int_equal(r->logs[0].records, records);
    assert_int_equal(r->logs[0].aborted, aborted);
    assert_int_equal(r->logs[0].undecided, undecided);
    assert_int_equal(world_close(w), 0);
}

static void test_markers(void **state)
{
    struct world w = { 0 };

    (void)state;
    open_single(&w);
    data(&w, 0, 5, 7);
    data(&w, 5, 5, 8);
    tell_marker(&w, SRC, 0, 0, 10, 8, false);
    tell_marker(&w, SRC, 0, 0, 11, 7, true);
    data(&w, 12, 3, 7);
    tell_marker(&w, SRC, 0, 0, 15, 7, false);
    check(&w, 5, 8, 0);
}

static void test_open_transaction_stays_undecided(void **state)
{
    struct world w = { 0 };

    (void)state;
    open_single(&w);
    data(&w, 0, 5, 7);
    data(&w, 5, 5, 8);
    tell_marker(&w, SRC, 0, 0, 10, 8, true);
    check(&w, 5, 0, 5);
}

static void test_unseen_offset_before_the_marker(void **state)
{
    struct world w = { 0 };

    (void)state;
    open_single(&w);
    data(&w, 0, 5, 7);
    tell_marker(&w, SRC, 0, 0, 6, 7, true); /* 5 may be an ABORT of the same producer */
    check(&w, 0, 0, 5);
}

static void test_read_committed_list(void **state)
{
    static const struct {
        const char *why;
        int64_t from;
        int64_t to;
        int64_t pid;
        int64_t first;
        uint64_t records;
        uint64_t aborted;
        bool torn;
    } row[] = {
        { "not listed: committed", 0, 10, -1, 0, 10, 0, false },
        { "listed: aborted, the other one committed", 0, 10, 8, 5, 5, 5, false },
        { "listed from before the response", 13, 20, 7, 5, 5, 2, false },
        { "listed from before a hole in it: it may have ended there", 13, 20, 7, 5, 5, 0, true },
        { "another producer's", 0, 10, 9, 0, 10, 0, false },
        { "what it does not cover stays open", 0, 5, -1, 0, 5, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        int64_t base;

        print_message("%s\n", row[i].why);
        open_single(&w);
        base = row[i].to > 10 ? 10 : 0; /* in front of it nothing was seen */
        data(&w, base, 5, 7);
        data(&w, base + 5, 5, 8);
        listed(&w, row[i].from, row[i].to, row[i].pid, row[i].first)->torn = row[i].torn;
        check(&w, row[i].records, row[i].aborted, 10 - row[i].records - row[i].aborted);
    }
}

/* One aborted transaction and the next, committed one of the same producer in one response. */
static void test_list_ends_at_the_marker(void **state)
{
    struct world w = { 0 };

    (void)state;
    open_single(&w);
    data(&w, 0, 5, 7);
    tell_marker(&w, SRC, 0, 0, 5, 7, false);
    data(&w, 6, 4, 7);
    (void)listed(&w, 0, 10, 7, 0);
    check(&w, 4, 5, 0);
}

/* Aborted on the source, there on the target: that is extra. Aborted on both: nothing at all. */
static void test_aborted_leak(void **state)
{
    for (int leak = 0; leak < 2; leak++) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        world_open(&w, 16u << 20);
        tell_topic(&w, SRC, 0, "t", 1);
        tell_topic(&w, TGT, 1, "t", 2);
        tell_produce(&w, SRC, 0, 0, 0, 100, 20);
        data(&w, 20, 5, 7);
        tell_marker(&w, SRC, 0, 0, 25, 7, false);
        tell_produce(&w, SRC, 0, 0, 26, 200, 20);
        tell_produce(&w, TGT, 1, 0, 0, 100, 20);
        if (leak)
            tell_produce(&w, TGT, 1, 0, 20, 20, 5);
        tell_produce(&w, TGT, 1, 0, leak ? 25 : 20, 200, 20);
        r = world_finish(&w);
        assert_int_equal(broken_sum(r), -1);
        assert_int_equal(r->pairs[0].verified, 40);
        assert_int_equal(r->pairs[0].extra, leak ? 5 : 0);
        assert_int_equal(r->verdict, leak ? PT_VERDICT_DIVERGENT : PT_VERDICT_PARITY);
        world_close(&w);
    }
}

/* An open transaction is pending, and says nothing about what the target has in its place. */
static void test_open_transaction_is_pending(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    world_open(&w, 16u << 20);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_topic(&w, TGT, 1, "t", 2);
    tell_produce(&w, SRC, 0, 0, 0, 100, 20);
    data(&w, 20, 5, 7);
    tell_produce(&w, TGT, 1, 0, 0, 100, 20);
    tell_produce(&w, TGT, 1, 0, 20, 20, 5); /* the mirror reads uncommitted */
    r = world_finish(&w);
    assert_int_equal(broken_sum(r), -1);
    assert_int_equal(r->pairs[0].pending_source, 5);
    assert_int_equal(r->pairs[0].extra, 0);
    assert_int_not_equal(r->verdict, PT_VERDICT_DIVERGENT);
    world_close(&w);
}

/* A transaction that is open while thousands of records behind it settle: they wait for it. */
static void test_running_waits_for_the_marker(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    world_open(&w, 64u << 20);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_topic(&w, TGT, 1, "t", 2);
    tell_produce(&w, SRC, 0, 0, 0, 10000, 20);
    data(&w, 20, 5, 7);
    for (int i = 0; i < 40; i++)
        tell_produce(&w, SRC, 0, 0, 25 + i * 100, 20000 + (uint64_t)i * 100, 100);
    tell_produce(&w, TGT, 1, 0, 0, 10000, 20);
    for (int i = 0; i < 20; i++)
        tell_produce(&w, TGT, 1, 0, 20 + i * 100, 20000 + (uint64_t)i * 100, 100);
    tell_marker(&w, SRC, 0, 0, 4025, 7, false);
    for (int i = 20; i < 40; i++)
        tell_produce(&w, TGT, 1, 0, 20 + i * 100, 20000 + (uint64_t)i * 100, 100);
    r = world_finish(&w);
    assert_int_equal(broken_sum(r), -1);
    assert_int_equal(r->pairs[0].verified, 4020);
    assert_int_equal(r->pairs[0].pending_source, 0);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_markers),
        cmocka_unit_test(test_open_transaction_stays_undecided),
        cmocka_unit_test(test_unseen_offset_before_the_marker),
        cmocka_unit_test(test_read_committed_list),
        cmocka_unit_test(test_list_ends_at_the_marker),
        cmocka_unit_test(test_aborted_leak),
        cmocka_unit_test(test_open_transaction_is_pending),
        cmocka_unit_test(test_running_waits_for_the_marker),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
