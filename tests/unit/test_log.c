/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of one log: what certifies what, what a second sighting that differs means, and what
 * is lawful. Seen through a shard that looks at one cluster only. */
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

static void test_certificates(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;
    const struct pt_log_result *l;

    (void)state;
    open_single(&w);
    tell_fetch(&w, SRC, 0, 0, -1, 10, 10, 5); /* the asked offset is not known */
    tell_fetch(&w, SRC, 0, 0, 20, 25, 25, 5); /* asked for 20: 20..24 are holes */
    tell_produce(&w, SRC, 0, 0, 30, 30, 5);   /* contiguous with it */
    r = world_finish(&w);
    l = &r->logs[0];
    assert_int_equal(l->first_offset, 10);
    assert_int_equal(l->last_offset, 34);
    assert_int_equal(l->records, 15);
    assert_int_equal(l->unseen, 5); /* 15..19 */
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    world_close(&w);
}

static void test_follower_needs_a_watermark(void **state)
{
    for (int hw = 0; hw < 2; hw++) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        open_single(&w);
        w.request++;
        tell_batch(&w, &(struct say){ .source = PT_SRC_FETCH_FOLLOWER, .cnt = 10 });
        if (hw)
            tell_bounds(&w, SRC, 0, 0, 6, 0);
        pt_shard_tap_end(w.s, PT_CLUSTER_SOURCE, w.at.time_ns);
        r = world_finish(&w);
        assert_int_equal(r->logs[0].records, hw ? 6 : 0);
        assert_int_equal(r->logs[0].undecided, hw ? 4 : 10);
        world_close(&w);
    }
}

/* Offsets 0..4 were read, 5..7 seen before they were committed, 8..9 read; the watermark is 10.
 * What was seen at 5..7 counts if no other leader can have written there since. */
static void test_uncommitted_stands(void **state)
{
    static const struct {
        const char *why;
        int32_t before; /* epochs; 0: not known */
        uint8_t source; /* of 5..7 */
        int32_t own;
        int32_t behind;
        uint64_t undecided;
    } row[] = {
        { "between records of one leader", 3, PT_SRC_PRODUCE, 0, 3, 0 },
        { "the leader changed", 3, PT_SRC_PRODUCE, 0, 4, 3 },
        { "who led before is not known", 0, PT_SRC_PRODUCE, 0, 4, 3 },
        { "who led behind is not known", 3, PT_SRC_PRODUCE, 0, 0, 3 },
        { "a follower got it of the same leader", 2, PT_SRC_FETCH_FOLLOWER, 3, 3, 0 },
        { "a follower got it of an earlier one", 3, PT_SRC_FETCH_FOLLOWER, 3, 4, 3 },
        { "a consumer got it", 3, PT_SRC_FETCH_CONSUMER, 3, 4, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        struct say say = { .source = row[i].source, .cnt = 3, .first = 5, .epoch = row[i].own };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        open_single(&w);
        w.request++;
        tell_batch(&w, &(struct say){
                               .source = PT_SRC_FETCH_CONSUMER, .cnt = 5, .epoch = row[i].before });
        w.request++;
        if (row[i].source == PT_SRC_PRODUCE) {
            tell_batch(&w, &say);
            tell_outcome(&w, &say, 5, 1, PT_PRODUCE_ACKED, -1);
        } else {
            say.base = say.from = 5;
            tell_batch(&w, &say);
        }
        w.request++;
        tell_batch(&w, &(struct say){ .source = PT_SRC_FETCH_CONSUMER,
                                      .from = 8,
                                      .base = 8,
                                      .cnt = 2,
                                      .first = 8,
                                      .epoch = row[i].behind });
        tell_bounds(&w, SRC, 0, 0, 10, 0);
        r = world_finish(&w);
        assert_int_equal(r->logs[0].undecided, row[i].undecided);
        assert_int_equal(r->logs[0].records, 10 - row[i].undecided);
        world_close(&w);
    }
}

/* First sighting and second sighting of offsets 0..9; what comes of the second. */
static void test_second_sighting(void **state)
{
    static const uint64_t other[] = { 0, 1, 2, 3, 77, 5, 6, 7, 8, 9 };
    static const struct {
        const char *why;
        struct say first;
        int8_t acks; /* of the first, if a Produce */
        struct say second;
        int64_t hw; /* stated between */
        enum pt_finding_code code;
        uint64_t cnt;
    } row[] = {
        { "the same",
          { .source = PT_SRC_PRODUCE },
          -1,
          { .source = PT_SRC_FETCH_CONSUMER },
          -1,
          PT_FINDING_PRODUCE_FETCH_DIFFER,
          0 },
        { "a fetched record is another than the produced one",
          { .source = PT_SRC_PRODUCE },
          -1,
          { .source = PT_SRC_FETCH_CONSUMER, .content = other },
          -1,
          PT_FINDING_PRODUCE_FETCH_DIFFER,
          1 },
        { "a committed offset changes",
          { .source = PT_SRC_FETCH_CONSUMER },
          0,
          { .source = PT_SRC_FETCH_CONSUMER, .content = other },
          -1,
          PT_FINDING_LOG_REWRITTEN,
          1 },
        { "not committed yet: a new leader may have another",
          { .source = PT_SRC_FETCH_FOLLOWER },
          0,
          { .source = PT_SRC_FETCH_FOLLOWER, .content = other },
          -1,
          PT_FINDING_LOG_REWRITTEN,
          0 },
        { "the same, below a watermark that may count the new leader's record",
          { .source = PT_SRC_FETCH_FOLLOWER, .epoch = 3 },
          0,
          { .source = PT_SRC_FETCH_FOLLOWER, .content = other, .epoch = 4 },
          10,
          PT_FINDING_LOG_REWRITTEN,
          0 },
        { "the same, by one leader",
          { .source = PT_SRC_FETCH_FOLLOWER, .epoch = 3 },
          0,
          { .source = PT_SRC_FETCH_FOLLOWER, .content = other, .epoch = 3 },
          10,
          PT_FINDING_LOG_REWRITTEN,
          1 },
        { "acks=1 lost its place",
          { .source = PT_SRC_PRODUCE },
          1,
          { .source = PT_SRC_FETCH_CONSUMER, .content = other },
          10,
          PT_FINDING_PRODUCE_FETCH_DIFFER,
          0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        struct say first = row[i].first;
        struct say second = row[i].second;
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        open_single(&w);
        w.request++;
        first.cnt = second.cnt = 10;
        tell_batch(&w, &first);
        if (first.source == PT_SRC_PRODUCE)
            tell_outcome(&w, &first, 0, row[i].acks, PT_PRODUCE_ACKED, -1);
        if (row[i].hw >= 0)
            tell_bounds(&w, SRC, 0, 0, row[i].hw, 0);
        for (int again = 0; again < 2; again++) { /* told once, however often it is seen */
            w.request++;
            tell_batch(&w, &second);
        }
        r = world_finish(&w);
        assert_int_equal(found(r, row[i].code), row[i].cnt);
        assert_int_equal(r->finding_cnt, row[i].cnt);
        if (row[i].cnt)
            assert_int_equal(r->findings[0].source.offset, 4);
        world_close(&w);
    }
}

/* Conversions and append times are the broker's business. */
static void test_lawful_differences(void **state)
{
    struct world w = { 0 };
    struct say say = { .source = PT_SRC_PRODUCE, .cnt = 10 };
    const struct pt_result *r;

    (void)state;
    open_single(&w);
    w.request = 1;
    tell_batch(&w, &say);
    tell_outcome(&w, &say, 0, -1, PT_PRODUCE_ACKED, 1800000000000ll); /* append time told */
    w.request = 2;
    say.source = PT_SRC_FETCH_CONSUMER;
    say.flags = PT_BATCH_LOG_APPEND;
    tell_batch(&w, &say); /* with a time of its own */
    w.request = 3;
    say.flags = 0;
    say.magic = 1;
    tell_batch(&w, &say); /* converted down for an old consumer */
    r = world_finish(&w);
    assert_int_equal(r->finding_cnt, 0);
    assert_int_equal(r->logs[0].records, 10);
    world_close(&w);
}

static void test_order_in_one_response(void **state)
{
    for (int same = 0; same < 2; same++) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        open_single(&w);
        tell_fetch(&w, SRC, 0, 0, -1, 10, 10, 5);
        if (same)
            w.request--;
        tell_fetch(&w, SRC, 0, 0, -1, 5, 5, 5);
        r = world_finish(&w);
        assert_int_equal(found(r, PT_FINDING_OFFSET_ORDER), same);
        world_close(&w);
    }
}

/* A CRC failure that a good sighting follows: the slots are filled, the failure was there all the
 * same. */
static void test_bad_then_good(void **state)
{
    struct world w = { 0 };
    struct say say = { .source = PT_SRC_FETCH_CONSUMER, .cnt = 10, .status = PT_BAD_CRC };
    const struct pt_result *r;

    (void)state;
    open_single(&w);
    tell_batch(&w, &say);
    say.status = PT_OK;
    say.fingerprint = 5;
    w.request++;
    tell_batch(&w, &say);
    r = world_finish(&w);
    assert_int_equal(r->logs[0].records, 10);
    assert_int_equal(found(r, PT_FINDING_BATCH_CRC_BAD), 1);
    assert_int_equal(r->findings[0].source.at.packet, 2);
    world_close(&w);
}

/* The earliest sighting is the evidence, also if its offsets became known later. */
static void test_earliest_evidence(void **state)
{
    struct world w = { 0 };
    struct say say = { .source = PT_SRC_PRODUCE, .cnt = 10 };
    const struct pt_result *r;
    static const uint64_t target[] = { 0, 1, 2, 3, 5, 6, 7, 8, 9 };

    (void)state;
    world_open(&w, 16u << 20);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_topic(&w, TGT, 1, "t", 2);
    w.request = 1;
    tell_batch(&w, &say); /* packet 3 */
    w.request = 2;
    tell_batch(&w, &(struct say){ .source = PT_SRC_FETCH_FOLLOWER, .cnt = 10 });
    w.request = 1;
    tell_outcome(&w, &say, 0, -1, PT_PRODUCE_ACKED, -1);
    w.request = 3;
    tell_batch(&w, &(struct say){ .cluster = TGT,
                                  .topic = 1,
                                  .source = PT_SRC_FETCH_CONSUMER,
                                  .cnt = 9,
                                  .content = target });
    tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
    pt_shard_tap_end(w.s, PT_CLUSTER_SOURCE, w.at.time_ns);
    r = world_finish(&w);
    assert_int_equal(found(r, PT_FINDING_RECORD_MISSING), 1);
    assert_int_equal(r->findings[0].source.at.packet, 3);
    world_close(&w);
}

static void tell_lost(struct world *w, int64_t from, int64_t to, enum pt_lost_reason reason)
{
    struct pt_obs_lost *o = tell(w, PT_OBS_LOST, SRC, sizeof(*o), 0);

    o->head.topic = 0;
    o->head.partition = 0;
    o->from = from;
    o->to = to;
    o->reason = reason;
}

/* Each unseen offset has one reason, also if it was lost twice. */
static void test_lost_reasons(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    world_open(&w, 16u << 20);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_topic(&w, TGT, 1, "t", 2);
    tell_produce(&w, SRC, 0, 0, 0, 0, 10);
    tell_lost(&w, 10, 15, PT_LOST_TRUNCATED);
    tell_lost(&w, 10, 12, PT_LOST_TAP_GAP);
    tell_lost(&w, -1, -1, PT_LOST_MALFORMED);
    tell_produce(&w, SRC, 0, 0, 20, 20, 10);
    tell_produce(&w, TGT, 1, 0, 0, 0, 30);
    r = world_finish(&w);
    assert_int_equal(broken_sum(r), -1);
    assert_int_equal(r->pairs[0].unseen[PT_LOST_TRUNCATED], 3);
    assert_int_equal(r->pairs[0].unseen[PT_LOST_TAP_GAP], 2);
    assert_int_equal(r->pairs[0].unseen[PT_LOST_MALFORMED], 5); /* nothing better is known */
    assert_int_equal(r->pairs[0].unseen_source, 10);
    assert_int_equal(r->pairs[0].unverifiable_target, 10);
    world_close(&w);
}

/* Old formats: several entries in one request get consecutive offsets. */
static void test_entries_of_one_request(void **state)
{
    struct world w = { 0 };
    struct say say = { .source = PT_SRC_PRODUCE, .cnt = 3, .magic = 1, .from = -1 };
    const struct pt_result *r;

    (void)state;
    open_single(&w);
    w.request++;
    for (int i = 0; i < 4; i++) {
        say.base = i * 3;
        say.first = (uint64_t)i * 3;
        tell_batch(&w, &say);
    }
    tell_outcome(&w, &say, 100, -1, PT_PRODUCE_ACKED, -1);
    r = world_finish(&w);
    assert_int_equal(r->logs[0].first_offset, 100);
    assert_int_equal(r->logs[0].last_offset, 111);
    assert_int_equal(r->logs[0].records, 12);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_follower_needs_a_watermark),
        cmocka_unit_test(test_uncommitted_stands),
        cmocka_unit_test(test_second_sighting),
        cmocka_unit_test(test_lawful_differences),
        cmocka_unit_test(test_order_in_one_response),
        cmocka_unit_test(test_bad_then_good),
        cmocka_unit_test(test_earliest_evidence),
        cmocka_unit_test(test_lost_reasons),
        cmocka_unit_test(test_entries_of_one_request),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
