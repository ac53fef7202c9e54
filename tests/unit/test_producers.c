/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idempotent producers: what their sequence numbers must be, and that nothing is expected where
 * something between two batches is not known, or the broker may have forgotten the producer. First
 * the table alone, then a whole log, with the evidence taken away piece by piece.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/observe.h"
#include "verify/producers.h"

#define SECOND 1000000000ll

/* Ten records of producer 7, epoch 0. */
static struct pt_produced batch(int64_t base, int32_t seq)
{
    return (struct pt_produced){ .producer_id = 7,
                                 .base = base,
                                 .last = base + 9,
                                 .produced_ns = SECOND,
                                 .timestamp_ms = 1000,
                                 .content = (uint64_t)seq + 1,
                                 .base_sequence = seq };
}

static void test_rules(void **state)
{
    static const struct {
        const char *why;
        int32_t first;
        int32_t second;
        int16_t epoch;     /* of the second */
        int64_t broken;    /* before the second; 0 nowhere */
        int64_t log_start; /* stated */
        int64_t later_ns;
        enum pt_sequence want;
    } row[] = {
        { "it goes on", 100, 110, 0, 0, 0, 0, PT_SEQUENCE_FITS },
        { "ten are left out", 100, 120, 0, 0, 0, 0, PT_SEQUENCE_GAP },
        { "the same again", 100, 100, 0, 0, 0, 0, PT_SEQUENCE_REPEATED },
        { "half of it again", 100, 105, 0, 0, 0, 0, PT_SEQUENCE_REPEATED },
        { "round the end", 2147483643, 5, 0, 0, 0, 0, PT_SEQUENCE_FITS },
        { "to 0 behind the highest", 2147483638, 0, 0, 0, 0, 0, PT_SEQUENCE_FITS },
        { "round the end, one left out", 2147483643, 6, 0, 0, 0, 0, PT_SEQUENCE_GAP },
        { "a new epoch begins at 0", 100, 0, 1, 0, 0, 0, PT_SEQUENCE_FITS },
        { "the broker had dropped the producer", 100, 0, 0, 0, 0, 0, PT_SEQUENCE_FITS },
        { "the first batch twice", 0, 0, 0, 0, 0, 0, PT_SEQUENCE_REPEATED },
        { "something in between is not known", 100, 120, 0, 10, 0, 0, PT_SEQUENCE_FITS },
        { "... nor for the repeated", 100, 100, 0, 10, 0, 0, PT_SEQUENCE_FITS },
        { "what is not known lies in front of both", 100, 120, 0, 5, 0, 0, PT_SEQUENCE_GAP },
        { "the log start has passed", 100, 120, 0, 0, 10, 0, PT_SEQUENCE_FITS },
        { "silent for long", 100, 120, 0, 0, 0, PT_PRODUCER_SILENCE_NS, PT_SEQUENCE_FITS },
        { "silent for less", 100, 120, 0, 0, 0, PT_PRODUCER_SILENCE_NS - 1, PT_SEQUENCE_GAP },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct pt_produced first = batch(0, row[i].first);
        struct pt_produced second = batch(10, row[i].second);
        struct pt_producers s;
        uint64_t forgotten = 0;
        int32_t expected = -1;
        struct pt_mem mem;

        pt_mem_init(&mem, 1u << 20);
        pt_producers_init(&s, &mem, &forgotten);
        second.producer_epoch = row[i].epoch;
        second.produced_ns += row[i].later_ns;
        if (row[i].broken == 5)
            pt_producers_break(&s, 5);
        assert_int_equal(pt_producers_pass(&s, &first, 0, &expected), PT_SEQUENCE_FITS);
        if (row[i].broken > 5)
            pt_producers_break(&s, row[i].broken);
        if (pt_producers_pass(&s, &second, row[i].log_start, &expected) != row[i].want)
            fail_msg("%s", row[i].why);
        assert_int_equal(expected,
                         row[i].want == PT_SEQUENCE_FITS
                                 ? -1
                                 : (int64_t)((uint32_t)(row[i].first + 10u) & 0x7fffffff));
        pt_producers_fini(&s);
        assert_int_equal(mem.used_sz, 0);
    }
}

/* Without the time of both Produce requests it is timestamps of one kind, or nothing. */
static void test_clock(void **state)
{
    static const struct {
        bool log_append[2];
        int64_t timestamp_ms[2];
        enum pt_sequence want;
    } row[] = {
        { { false, false }, { 1000, 2000 }, PT_SEQUENCE_GAP },
        { { true, true }, { 1000, 2000 }, PT_SEQUENCE_GAP },
        { { false, true }, { 1000, 2000 }, PT_SEQUENCE_FITS },
        { { false, false }, { 1000, 200000 }, PT_SEQUENCE_FITS },
        { { false, false }, { -1, -1 }, PT_SEQUENCE_FITS },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct pt_producers s;
        uint64_t forgotten = 0;
        int32_t expected;
        struct pt_mem mem;

        pt_mem_init(&mem, 1u << 20);
        pt_producers_init(&s, &mem, &forgotten);
        for (int k = 0; k < 2; k++) {
            struct pt_produced b = batch(10 * k, 100 + 20 * k);

            b.produced_ns = -1;
            b.log_append = row[i].log_append[k];
            b.timestamp_ms = row[i].timestamp_ms[k];
            assert_int_equal(pt_producers_pass(&s, &b, 0, &expected),
                             k ? row[i].want : PT_SEQUENCE_FITS);
        }
        pt_producers_fini(&s);
    }
}

/* Of the one that wrote longest ago nothing is expected any more; of the others all is. */
static void test_limit(void **state)
{
    struct pt_producers s;
    uint64_t forgotten = 0;
    int32_t expected;
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    pt_producers_init(&s, &mem, &forgotten);
    for (int64_t i = 0; i <= PT_PRODUCERS_MAX; i++) {
        struct pt_produced b = batch(10 * i, 100);

        b.producer_id = i * 7919 % 1000003;
        assert_int_equal(pt_producers_pass(&s, &b, 0, &expected), PT_SEQUENCE_FITS);
    }
    assert_int_equal(forgotten, 1);
    for (int64_t i = 1; i <= PT_PRODUCERS_MAX; i++) {
        struct pt_produced b = batch(10 * (PT_PRODUCERS_MAX + i), 300);

        b.producer_id = i * 7919 % 1000003;
        assert_int_equal(pt_producers_pass(&s, &b, 0, &expected), PT_SEQUENCE_GAP);
    }
    assert_int_equal(forgotten, 1);
    struct pt_produced b = batch(100000, 300);

    b.producer_id = 0;
    assert_int_equal(pt_producers_pass(&s, &b, 0, &expected), PT_SEQUENCE_FITS);
    pt_producers_fini(&s);
    assert_int_equal(mem.used_sz, 0);
}

/* A log of three batches of producer 7 at 0, 10 and 20. */
enum seen { PRODUCED, FETCHED, CONVERTED, UNSEEN_HERE, HOLE_HERE, ACKS_1 };

static void tell_idempotent(struct world *w, enum seen how, int64_t base, int32_t seq,
                            uint64_t first)
{
    struct say say = {
        .cnt = 10, .first = first, .pid = 7, .idempotent = true, .seq = seq, .pepoch = 0
    };

    if (how == UNSEEN_HERE || how == HOLE_HERE)
        return;
    w->request++;
    if (how == PRODUCED || how == ACKS_1) {
        say.source = PT_SRC_PRODUCE;
        tell_batch(w, &say);
        tell_outcome(w, &say, base, how == ACKS_1 ? 1 : -1, PT_PRODUCE_ACKED, -1);
        return;
    }
    say.source = PT_SRC_FETCH_CONSUMER;
    say.base = base;
    say.from = -1;
    say.epoch = 3;
    if (how == CONVERTED) {
        say.magic = 1;
        say.plain = true;
        say.idempotent = false;
    }
    tell_batch(w, &say);
}

static void test_in_a_log(void **state)
{
    static const struct {
        const char *why;
        enum seen how[3];
        int32_t seq[3];
        uint64_t gap;
        uint64_t repeated;
    } row[] = {
        { "produced, in order", { PRODUCED, PRODUCED, PRODUCED }, { 0, 10, 20 }, 0, 0 },
        { "fetched, in order", { FETCHED, FETCHED, FETCHED }, { 0, 10, 20 }, 0, 0 },
        { "one left out", { PRODUCED, PRODUCED, PRODUCED }, { 0, 20, 30 }, 1, 0 },
        { "... as fetched", { FETCHED, FETCHED, FETCHED }, { 0, 20, 30 }, 1, 0 },
        { "... of both", { PRODUCED, FETCHED, PRODUCED }, { 0, 20, 30 }, 1, 0 },
        { "one twice", { FETCHED, FETCHED, FETCHED }, { 10, 20, 20 }, 0, 10 },
        { "two left out", { FETCHED, FETCHED, FETCHED }, { 0, 20, 40 }, 2, 0 },
        /* The evidence is taken away. */
        { "the one between was not seen", { FETCHED, UNSEEN_HERE, FETCHED }, { 0, 0, 20 }, 0, 0 },
        { "... and numbers do not fit", { FETCHED, UNSEEN_HERE, FETCHED }, { 0, 0, 30 }, 0, 0 },
        { "the one between was compacted", { FETCHED, HOLE_HERE, FETCHED }, { 0, 0, 30 }, 0, 0 },
        { "the one between was converted", { FETCHED, CONVERTED, FETCHED }, { 0, 0, 30 }, 0, 0 },
        { "only the leader had one", { FETCHED, ACKS_1, FETCHED }, { 0, 20, 30 }, 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { .policy = pt_policy_default };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        w.policy.single = true;
        world_open(&w, 16u << 20);
        tell_topic(&w, SRC, 0, "t", 1);
        for (int k = 0; k < 3; k++)
            tell_idempotent(&w, row[i].how[k], 10 * k, row[i].seq[k], (uint64_t)k * 10);
        if (row[i].how[1] == HOLE_HERE)
            tell_fetch(&w, SRC, 0, 0, 10, 30, 30, 1);
        tell_bounds(&w, SRC, 0, 0, 30, 0);
        r = world_finish(&w);
        assert_int_equal(found(r, PT_FINDING_SEQUENCE_GAP), row[i].gap);
        assert_int_equal(found(r, PT_FINDING_SEQUENCE_REPEATED), row[i].repeated);
        assert_int_equal(r->verdict,
                         row[i].gap + row[i].repeated ? PT_VERDICT_DIVERGENT : PT_VERDICT_PARITY);
        assert_int_equal(world_close(&w), 0);
    }
}

/* The group coordinator writes a transaction's commits in its producer's name, each batch from 0
 * on, and commits may be the same twice. */
static void test_coordinator(void **state)
{
    for (int internal = 0; internal < 2; internal++) {
        struct world w = { .policy = pt_policy_default };
        const struct pt_result *r;

        (void)state;
        w.policy.single = true;
        world_open(&w, 16u << 20);
        tell_topic(&w, SRC, 0, internal ? "__consumer_offsets" : "t", 1);
        for (int k = 0; k < 2; k++)
            tell_idempotent(&w, FETCHED, 10 * k, 0, 0);
        tell_bounds(&w, SRC, 0, 0, 20, 0);
        r = world_finish(&w);
        assert_int_equal(found(r, PT_FINDING_SEQUENCE_REPEATED), internal ? 0 : 10);
        world_close(&w);
    }
}

/* A log that is compared anew, because a better pair turned up, is not counted twice. */
static void test_settled_anew(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    world_open(&w, 64u << 20);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_topic(&w, TGT, 1, "t", 2);
    for (int k = 0; k < 150; k++)
        tell_idempotent(&w, PRODUCED, 10 * k, 10 * k + (k >= 50) * 10, (uint64_t)k * 10);
    tell_produce(&w, TGT, 1, 0, 0, 70000, 1500);
    world_wait(&w, 2000);
    tell_bounds(&w, SRC, 0, 0, 1500, 0);
    tell_topic(&w, TGT, 2, "dc1.t", 3);
    tell_topic(&w, TGT, 3, "dc1.heartbeats", 4);
    tell_produce(&w, TGT, 2, 0, 0, 0, 1500);
    r = world_finish(&w);
    assert_int_equal(r->pairs[0].rule, PT_PAIR_ALIAS);
    assert_int_equal(r->pairs[0].verified, 1500);
    assert_int_equal(found(r, PT_FINDING_SEQUENCE_GAP), 1);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),       cmocka_unit_test(test_clock),
        cmocka_unit_test(test_limit),       cmocka_unit_test(test_in_a_log),
        cmocka_unit_test(test_coordinator), cmocka_unit_test(test_settled_anew),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
