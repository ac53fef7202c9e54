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
#include "verify/pair.h"

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
        struct say say = { .cluster = c,
                           .topic = c,
                           .client = c,
                           .partition = 1,
                           .source = PT_SRC_PRODUCE,
                           .cnt = 20,
                           .first = 100 };
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
        assert_true(found(r, PT_FINDING_PARTITION_NOT_SEEN) +
                    found(r, PT_FINDING_NO_EVIDENCE_PATH));
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

static void tell_deleted_name(struct world *w, uint8_t cluster, const char *name)
{
    struct pt_obs_topic_id *o = tell(w, PT_OBS_TOPIC_DELETED, cluster, sizeof(*o), strlen(name));

    o->name_len = (uint32_t)strlen(name);
    memcpy(o->name, name, strlen(name));
}

/* Records [base, base + cnt) with contents from `first`, in one consumer's fetch that certifies
 * from `from`, in an old format. */
static void tell_old_fetch(struct world *w, uint8_t c, int64_t from, int64_t base, uint64_t first,
                           uint32_t cnt)
{
    w->request++;
    tell_batch(w, &(struct say){ .cluster = c,
                                 .topic = c,
                                 .client = c,
                                 .source = PT_SRC_FETCH_CONSUMER,
                                 .magic = 1,
                                 .plain = true,
                                 .from = from,
                                 .base = base,
                                 .cnt = cnt,
                                 .first = first });
}

static void tell_txn(struct world *w, uint8_t c, int64_t base, uint64_t first, uint32_t cnt,
                     int64_t pid)
{
    struct say say = { .cluster = c,
                       .topic = c,
                       .client = c,
                       .source = PT_SRC_PRODUCE,
                       .cnt = cnt,
                       .first = first,
                       .flags = PT_BATCH_TRANSACTIONAL,
                       .pid = pid };

    w->request++;
    tell_batch(w, &say);
    tell_outcome(w, &say, base, -1, PT_PRODUCE_ACKED, -1);
}

/* The source's topic was made anew, the mirror went on into the old target topic. Of the partition
 * that is seen late, too, the target's surplus may come from either incarnation. */
static void test_incarnations_of_late_partitions(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_topic_id(&w, SRC, "t", 1);
    tell_topic_id(&w, SRC, "t", 3);
    for (int i = 0; i < 30; i++) {
        tell_produce(&w, SRC, 0, 0, i * 100, (uint64_t)i * 100, 100);
        tell_produce(&w, TGT, 1, 0, i * 100, (uint64_t)i * 100, 100);
    }
    tell_produce(&w, SRC, 0, 1, 0, 7000, 10);
    tell_produce(&w, TGT, 1, 1, 0, 7000, 15);
    tell_bounds(&w, SRC, 0, 1, 10, 0);
    r = end(&w);
    assert_int_equal(r->pair_cnt, 2);
    assert_int_equal(r->pairs[1].extra, 0);
    assert_int_not_equal(r->verdict, PT_VERDICT_DIVERGENT);
    world_close(&w);
}

/* The source's records are older than the last thing that was seen of the target, but then nothing
 * was seen of it for seconds: they may have arrived in the meantime. */
static void test_target_dark_at_the_end(void **state)
{
    for (int dark = 0; dark < 2; dark++) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 50);
        tell_produce(&w, SRC, 0, 0, 50, 50, 50);
        tell_produce(&w, TGT, 1, 0, 0, 0, 50);
        world_wait(&w, dark ? 4000 : 100);
        if (dark) { /* its connections end with the capture, and what was open stays so */
            struct say open = { .cluster = TGT, .topic = 1, .client = 1 };

            w.request++;
            tell_outcome(&w, &open, -1, -1, PT_PRODUCE_UNKNOWN, -1);
        }
        tell_bounds(&w, SRC, 0, 0, 100, 0);
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, 50);
        assert_int_equal(r->pairs[0].pending_source, dark ? 0 : 50);
        assert_int_equal(r->pairs[0].unverifiable_source, dark ? 50 : 0);
        assert_int_equal(r->verdict, dark ? PT_VERDICT_INCONCLUSIVE : PT_VERDICT_PARITY);
        world_close(&w);
    }
}

/* Names alone make no pair: the topics have nothing in common. */
static void test_unrelated_topics(void **state)
{
    static const struct {
        const char *why;
        const char *target;
        const char *copy;     /* of the source, on the target */
        uint64_t finding_max; /* findings kept; 0: the usual */
        bool configured;      /* the operator says that they are a pair */
        bool changed;         /* all records are copies, but without their headers */
    } row[] = {
        { "the only topic with a prefix is another one", .target = "archive.orders" },
        { "active-active: each side has its own, and a copy of the other one's", .target = "orders",
          .copy = "east.orders" },
        { "more findings than are kept", .target = "orders", .finding_max = 3 },
        { "a pair by configuration", .target = "orders", .configured = true },
        { "copies, each of them changed", .target = "orders", .changed = true },
    };

    static const struct pt_topic_rule same = { "orders", "orders" };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        w.policy = pt_policy_default;
        if (row[i].finding_max)
            w.policy.finding_max = row[i].finding_max;
        w.policy.rules = &same;
        w.policy.rule_cnt = row[i].configured;
        world_open(&w, MEM);
        tell_topic(&w, SRC, 0, "orders", 1);
        tell_topic(&w, TGT, 1, row[i].target, 2);
        tell_produce(&w, SRC, 0, 0, 0, 0, 50);
        if (row[i].changed)
            tell_batch(&w, &(struct say){ .cluster = TGT,
                                          .topic = 1,
                                          .cnt = 50,
                                          .plain = true,
                                          .source = PT_SRC_FETCH_CONSUMER });
        else
            for (int k = 0; k < 60; k++) /* interleaved with gaps, so that findings are many */
                tell_produce(&w, TGT, 1, 0, k, (uint64_t)(1000 + k * 7), 1);
        if (row[i].copy) {
            tell_topic(&w, TGT, 2, row[i].copy, 3);
            tell_produce(&w, TGT, 2, 0, 0, 0, 50);
        }
        tell_bounds(&w, SRC, 0, 0, 50, 0);
        r = end(&w);
        assert_int_equal(r->verdict, row[i].configured || row[i].changed ? PT_VERDICT_DIVERGENT
                                                                         : PT_VERDICT_INCONCLUSIVE);
        world_close(&w);
    }
}

/* A Produce that only the leader acknowledged lost its place when another leader was elected; the
 * record that took it has the same key, or the same content. */
static void test_weak_produce_loses_its_place(void **state)
{
    for (int same = 0; same < 2; same++) {
        static const uint64_t heartbeat[] = { 7, 7, 7, 7, 7 };
        struct world w = { 0 };
        struct say say = {
            .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 5, .content = heartbeat
        };
        const struct pt_result *r;

        (void)state;
        both(&w);
        w.request++;
        tell_batch(&w, &say);
        tell_outcome(&w, &say, 0, 1, PT_PRODUCE_ACKED, -1);
        tell_bounds(&w, SRC, 0, 0, 5, 0);
        w.request++;
        say.source = PT_SRC_FETCH_CONSUMER;
        say.shift_ms = 4000;
        say.plain = !same;
        tell_batch(&w, &say);
        r = end(&w);
        assert_int_equal(found(r, PT_FINDING_PRODUCE_FETCH_DIFFER), 0);
        world_close(&w);
    }
}

/* A leader that does not know yet that it is none any more acknowledges records where the new one
 * has committed others: those stand. */
static void test_weak_produce_takes_no_place(void **state)
{
    struct world w = { 0 };
    struct say late = { .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 5, .first = 100 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 10);
    w.request++;
    tell_batch(&w, &late);
    tell_outcome(&w, &late, 5, 1, PT_PRODUCE_ACKED, -1);
    tell_bounds(&w, SRC, 0, 0, 10, 0);
    tell_produce(&w, TGT, 1, 0, 0, 0, 10);
    r = end(&w);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    assert_int_equal(r->pairs[0].verified, 10);
    world_close(&w);
}

/* A follower fetched what was never committed: its leader died, the next one wrote another record
 * there. That is how Kafka works, whatever order the tap shows it in. But what a consumer got, or
 * what all replicas acknowledged, may not change. */
static void test_uncommitted_record_is_replaced(void **state)
{
    static const struct {
        const char *why;
        bool produce_first;
        bool consumer_saw_it; /* the first record */
        bool again;           /* ... as a batch whose bytes were seen before */
        uint64_t rewritten;
    } row[] = {
        { "only a follower had it", false, false, false, 0 },
        { "produced with acks=all, but never answered", true, false, false, 0 },
        { "a consumer had it", false, true, false, 5 },
        { "a consumer had it, its bytes were known already", false, true, true, 5 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        struct say old = { .cluster = SRC,
                           .source = PT_SRC_FETCH_FOLLOWER,
                           .cnt = 5,
                           .first = 5,
                           .from = -1,
                           .base = 5 };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 5);
        if (row[i].produce_first) {
            struct say asked = { .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 5, .first = 5 };

            w.request++;
            tell_batch(&w, &asked);
        }
        w.request++;
        tell_batch(&w, &old);
        if (row[i].consumer_saw_it) {
            w.request++;
            old.source = PT_SRC_FETCH_CONSUMER;
            old.again = row[i].again;
            tell_batch(&w, &old);
        }
        tell_bounds(&w, SRC, 0, 0, 10, 0);
        tell_fetch(&w, SRC, 0, 0, 5, 5, 100, 5);
        tell_produce(&w, TGT, 1, 0, 0, 0, 5);
        tell_produce(&w, TGT, 1, 0, 5, 100, 5);
        r = end(&w);
        assert_int_equal(found(r, PT_FINDING_LOG_REWRITTEN), row[i].rewritten);
        assert_int_equal(r->pairs[0].verified, 10);
        world_close(&w);
    }
}

/* Something of the target's log passed behind the last thing seen of it, and could not be read:
 * what is left over on the source may have been in it. */
static void test_lost_at_the_end(void **state)
{
    for (int back = 0; back < 2; back++) {
        struct world w = { 0 };
        struct pt_obs_lost *lost;
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 100);
        tell_produce(&w, TGT, 1, 0, 0, 0, 50);
        lost = tell(&w, PT_OBS_LOST, TGT, sizeof(*lost), 0);
        lost->head.topic = 1;
        lost->head.partition = 0;
        lost->from = lost->to = -1;
        lost->reason = PT_LOST_TAP_GAP;
        if (back) /* the next one is a neighbour of the last: nothing was lost of the log */
            tell_produce(&w, TGT, 1, 0, 50, 50, 10);
        r = end(&w);
        assert_int_equal(r->pairs[0].pending_source, back ? 40 : 0);
        assert_int_equal(r->pairs[0].unverifiable_source, back ? 0 : 50);
        world_close(&w);
    }
}

/* The oldest format has no timestamps: a mirror gives the copies its own. But a copy in a newer
 * format that lost its time is changed. */
static void test_no_timestamp(void **state)
{
    for (int64_t side = 0; side < 2; side++) {
        static const uint64_t one[] = { 9 };
        struct world w = { 0 };
        struct say say = { .source = PT_SRC_FETCH_CONSUMER, .cnt = 1, .content = one };
        const struct pt_result *r;

        (void)state;
        both(&w);
        for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++) {
            bool bare = c == side;

            w.request++;
            say.cluster = c;
            say.topic = c;
            say.shift_ms = bare ? -1700000000009ll - 1 : 0;
            tell_batch(&w, &say);
            tell_bounds(&w, c, c, 0, 1, 0);
        }
        tell_bounds(&w, SRC, 0, 0, 1, 0);
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, side == SRC);
        assert_int_equal(r->pairs[0].mutated, side == TGT);
        world_close(&w);
    }
}

/* Records were appended, then the tap was blind; the only watermark that passed says that there are
 * more, on both sides. */
static void test_more_than_was_appended_in_sight(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        tell_produce(&w, c, c, 0, 0, 0, 50);
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        tell_bounds(&w, c, c, 0, 100, 0);
    world_wait(&w, 3000);
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        tell_produce(&w, c, c, 1, 0, 500, 50);
    r = end(&w);
    assert_int_equal(r->pairs[0].verified, 50);
    assert_int_equal(found(r, PT_FINDING_PARTITION_NOT_SEEN), 2);
    assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
    world_close(&w);
}

/* A broker answers a repeated Produce with the batch's own largest timestamp as if it were the
 * append time. What the log keeps is what a fetch shows, and that is compared. */
static void test_append_time_of_a_repeated_produce(void **state)
{
    for (int again = 0; again < 2; again++) {
        struct world w = { 0 };
        struct say say = { .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 5, .first = 10 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        w.request++;
        tell_batch(&w, &say);
        tell_outcome(&w, &say, 0, -1, PT_PRODUCE_ACKED, 1700000000014ll);
        if (again) {
            tell_fetch(&w, SRC, 0, 0, 0, 0, 10, 5);
        } else { /* the fetch came first */
            world_close(&w);
            both(&w);
            tell_fetch(&w, SRC, 0, 0, 0, 0, 10, 5);
            w.request++;
            tell_batch(&w, &say);
            tell_outcome(&w, &say, 0, -1, PT_PRODUCE_ACKED, 1700000000014ll);
        }
        w.request++;
        tell_batch(&w, &(struct say){ .cluster = TGT,
                                      .topic = 1,
                                      .client = 1,
                                      .cnt = 5,
                                      .first = 10,
                                      .source = PT_SRC_FETCH_CONSUMER,
                                      .shift_ms = 3 });
        tell_bounds(&w, TGT, 1, 0, 5, 0);
        tell_bounds(&w, SRC, 0, 0, 5, 0);
        r = end(&w);
        assert_int_equal(found(r, PT_FINDING_PRODUCE_FETCH_DIFFER), 0);
        assert_int_equal(r->pairs[0].verified, 0);
        assert_int_equal(r->pairs[0].mutated, 5);
        world_close(&w);
    }
}

/* An old consumer gets what an old format can carry. Headers are missing in its answers, not in the
 * log. */
static void test_down_converted_records(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 10);
    tell_old_fetch(&w, SRC, 0, 0, 0, 10);
    tell_old_fetch(&w, SRC, 10, 10, 10, 10);
    tell_produce(&w, SRC, 0, 0, 20, 20, 10);
    tell_produce(&w, TGT, 1, 0, 0, 0, 30);
    tell_bounds(&w, SRC, 0, 0, 30, 0);
    r = end(&w);
    assert_int_equal(r->pairs[0].verified, 20);
    assert_int_equal(r->pairs[0].mutated, 0);
    assert_int_equal(r->pairs[0].missing, 0);
    assert_int_equal(r->pairs[0].extra, 0);
    assert_int_equal(found(r, PT_FINDING_LOG_REWRITTEN), 0);
    assert_int_equal(found(r, PT_FINDING_PRODUCE_FETCH_DIFFER), 0);
    assert_int_equal(r->pairs[0].unverifiable_source, 10);
    assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
    world_close(&w);
}

/* ... nor does it carry markers: what looks like a hole may have ended a transaction. */
static void test_down_conversion_hides_markers(void **state)
{
    static const int32_t delta[] = { 0, 1, 2, 3, 4, 6, 7, 8, 9 };
    static const uint64_t content[] = { 0, 1, 2, 3, 4, 6, 7, 8, 9 };
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_txn(&w, SRC, 0, 0, 5, 7); /* aborted: the marker is at 5 */
    tell_txn(&w, SRC, 6, 6, 4, 7);
    w.request++;
    tell_batch(&w, &(struct say){ .cluster = SRC,
                                  .source = PT_SRC_FETCH_CONSUMER,
                                  .magic = 1,
                                  .plain = true,
                                  .cnt = 9,
                                  .content = content,
                                  .delta = delta });
    tell_marker(&w, SRC, 0, 0, 10, 7, true);
    tell_produce(&w, SRC, 0, 0, 11, 11, 5);
    tell_produce(&w, TGT, 1, 0, 0, 6, 4);
    tell_produce(&w, TGT, 1, 0, 4, 11, 5);
    tell_bounds(&w, TGT, 1, 0, 9, 0);
    tell_bounds(&w, SRC, 0, 0, 16, 0);
    r = end(&w);
    assert_int_equal(r->pairs[0].missing, 0);
    assert_int_equal(r->pairs[0].extra, 0);
    assert_int_not_equal(r->verdict, PT_VERDICT_DIVERGENT);
    world_close(&w);
}

/* ... nor that a record belongs to a transaction. */
static void test_down_conversion_hides_transactions(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 10);
    tell_old_fetch(&w, SRC, 10, 10, 10, 5); /* aborted, but that does not show */
    tell_produce(&w, SRC, 0, 0, 16, 16, 10);
    tell_old_fetch(&w, SRC, 15, 16, 16, 10);
    tell_produce(&w, TGT, 1, 0, 0, 0, 10);
    tell_produce(&w, TGT, 1, 0, 10, 16, 10);
    tell_bounds(&w, SRC, 0, 0, 26, 0);
    r = end(&w);
    assert_int_equal(r->pairs[0].verified, 20);
    assert_int_equal(r->pairs[0].missing, 0);
    assert_int_equal(r->pairs[0].unverifiable_source, 5);
    world_close(&w);
}

/* The old consumer came first: what the new one shows must not depend on that. */
static void test_transaction_behind_an_old_sighting(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_old_fetch(&w, SRC, 0, 0, 0, 5);
    w.request++;
    tell_batch(&w, &(struct say){ .cluster = SRC,
                                  .source = PT_SRC_FETCH_CONSUMER,
                                  .cnt = 5,
                                  .flags = PT_BATCH_TRANSACTIONAL,
                                  .pid = 7 });
    tell_marker(&w, SRC, 0, 0, 5, 7, true);
    tell_produce(&w, TGT, 1, 0, 0, 0, 5);
    r = end(&w);
    assert_int_equal(r->pairs[0].verified, 5);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    world_close(&w);
}

/* An old client deletes by name, and no answer ever names an id. */
static void test_topic_deleted_by_name(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    world_open(&w, MEM);
    tell_topic(&w, SRC, 0, "t", 0);
    tell_topic(&w, TGT, 1, "t", 0);
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        tell_produce(&w, c, c, 0, 0, 0, 10);
    tell_deleted_name(&w, SRC, "t");
    tell_deleted_name(&w, TGT, "t");
    world_wait(&w, 2000);
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        tell_produce(&w, c, c, 0, 0, 500, 10);
    r = end(&w);
    assert_int_equal(found(r, PT_FINDING_LOG_REWRITTEN), 0);
    assert_int_equal(r->pair_cnt, 2);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    world_close(&w);
}

/* A transaction that nobody ends is no evidence of anything. */
static void test_undecided_for_too_long(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 1, 0, 100, 20);
    tell_produce(&w, TGT, 1, 1, 0, 100, 20);
    tell_txn(&w, SRC, 0, 0, 20, 7);
    tell_produce(&w, TGT, 1, 0, 0, 0, 20);
    world_wait(&w, 61000);
    tell_bounds(&w, SRC, 0, 0, 20, 0);
    tell_bounds(&w, TGT, 1, 0, 20, 0);
    r = end(&w);
    assert_int_equal(r->pairs[0].pending_source, 20);
    assert_int_equal(r->pairs[0].extra, 0);
    assert_int_equal(found(r, PT_FINDING_REPLICATION_STALLED), 20);
    assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
    world_close(&w);
}

/* The clock of the host that captured the source is ahead by ten seconds. Then "stated later" is
 * not later. */
static void test_clocks_differ(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    world_wait(&w, 10000);
    tell_produce(&w, SRC, 0, 0, 0, 0, 50);
    world_wait(&w, -9900);
    tell_produce(&w, TGT, 1, 0, 0, 0, 50);
    world_wait(&w, 10900);
    tell_bounds(&w, SRC, 0, 0, 50, 0); /* one second after the records, then that capture ends */
    world_wait(&w, -6000);
    tell_produce(&w, TGT, 1, 0, 50, 50, 1); /* four seconds later */
    r = end(&w);
    assert_int_equal(r->pairs[0].extra, 0);
    assert_int_equal(r->pairs[0].pending_target, 1);
    world_close(&w);
}

/* The request was lost, its answer was not: a record is there. A follower that lags states the old
 * end once more. */
static void test_answer_without_its_request(void **state)
{
    struct world w = { 0 };
    struct say say = { .cluster = SRC, .source = PT_SRC_PRODUCE };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 50);
    tell_bounds(&w, SRC, 0, 0, 50, 0);
    w.request++;
    tell_outcome(&w, &say, 50, -1, PT_PRODUCE_ACKED, -1);
    tell_produce(&w, TGT, 1, 0, 0, 0, 51);
    tell_bounds(&w, SRC, 0, 0, 50, 0);
    r = end(&w);
    assert_int_equal(r->pairs[0].extra, 0);
    assert_int_equal(r->pairs[0].unverifiable_target, 1);
    world_close(&w);
}

/* The capture begins in the middle of both logs; later the beginning of both is deleted. Equal
 * contents with append times must not be matched by their place behind that. */
static void test_log_start_moves_past_the_first_sighting(void **state)
{
    uint64_t same[30];
    struct world w = { 0 };
    struct say say = {
        .source = PT_SRC_FETCH_CONSUMER, .from = -1, .content = same, .flags = PT_BATCH_LOG_APPEND
    };
    const struct pt_result *r;

    (void)state;
    for (size_t i = 0; i < 30; i++)
        same[i] = 7;
    both(&w);
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++) {
        tell_bounds(&w, c, c, 0, 70, 0);
        w.request++;
        say.cluster = c;
        say.topic = c;
        say.base = c ? 40 : 50;
        say.cnt = c ? 30 : 20;
        tell_batch(&w, &say);
        tell_bounds(&w, c, c, 0, 70, 60);
    }
    r = end(&w);
    assert_int_equal(r->pairs[0].verified, 0);
    world_close(&w);
}

/* Gone from the source, first noticed after the mirror had passed: when it went is not known. With
 * retention, a log start that was stated in between says that it was still there; but only if that
 * was so much later that the clocks of the two taps do not matter. */
static void test_gone_at_an_unknown_time(void **state)
{
    static const struct {
        bool restated;
        int64_t later_ns;
        unsigned missing;
    } row[] = {
        { false, 0, 0 },
        { true, PT_CLOCK_DOUBT_NS / 2, 0 },
        { true, PT_CLOCK_DOUBT_NS + 1000, 10 },
    };

    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
        tell_bounds(&w, SRC, 0, 0, 0, 0);
        tell_produce(&w, SRC, 0, 0, 0, 0, 40);
        tell_produce(&w, TGT, 1, 0, 0, 10, 30);
        w.at.time_ns += row[i].later_ns;
        if (row[i].restated)
            tell_bounds(&w, SRC, 0, 0, 40, 0);
        tell_bounds(&w, SRC, 0, 0, 40, 20);
        r = end(&w);
        assert_int_equal(r->pairs[0].missing, row[i].missing);
        assert_int_equal(r->pairs[0].compacted, 0);
        assert_int_equal(r->pairs[0].unverifiable_source, 10 - row[i].missing);
        world_close(&w);
    }
}

/* Record 10 is not on the target. It may have been compacted away before the mirror came to it,
 * unless something speaks against that: that the topic is known not to be compacted, or cannot be,
 * since it takes records without a key, or that a consumer got it at about that time. Where the
 * policy was never stated, there is no parity without it. */
static void test_maybe_compacted(void **state)
{
    static const struct {
        unsigned policy; /* 0: no broker stated it */
        bool no_key;
        bool read;
        int64_t later_ns; /* the mirror came */
        bool again;       /* read by somebody in between */
        unsigned missing;
    } row[] = {
        { 0, false, false, 0, false, 0 },
        { PT_CLEANUP_OTHER, false, false, 0, false, 0 },
        { PT_CLEANUP_DELETE, false, false, 0, false, 1 },
        { PT_CLEANUP_DELETE, false, true, 2 * PT_READ_LASTS_NS, false, 1 },
        { 0, true, false, 0, false, 1 },
        { 0, false, true, PT_READ_LASTS_NS / 2, false, 1 },
        { 0, false, true, 2 * PT_READ_LASTS_NS, false, 0 },
        { 0, false, true, 2 * PT_READ_LASTS_NS, true, 1 },
        { PT_CLEANUP_OTHER, false, true, PT_READ_LASTS_NS / 2, false, 1 },
        { PT_CLEANUP_OTHER, false, true, 2 * PT_READ_LASTS_NS, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct world w = { 0 };
        struct say say = { .source = row[i].read ? PT_SRC_FETCH_CONSUMER : PT_SRC_PRODUCE,
                           .no_key = row[i].no_key,
                           .cnt = 400 };
        const struct pt_result *r;

        both(&w);
        if (row[i].policy)
            tell_cleanup(&w, SRC, 0, row[i].policy);
        tell_batch(&w, &say);
        if (!row[i].read)
            tell_outcome(&w, &say, 0, -1, PT_PRODUCE_ACKED, -1);
        w.at.time_ns += row[i].later_ns;
        say.again = true;
        w.request++;
        if (row[i].again)
            tell_batch(&w, &say);
        for (int half = 0; half < 2; half++) {
            say = (struct say){ .cluster = TGT,
                                .topic = 1,
                                .client = 1,
                                .source = PT_SRC_FETCH_CONSUMER,
                                .no_key = row[i].no_key,
                                .from = half * 10,
                                .base = half * 10,
                                .first = (unsigned)half * 11,
                                .cnt = half ? 389 : 10 };
            w.request++;
            tell_batch(&w, &say);
        }
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, 399);
        assert_int_equal(r->pairs[0].missing, row[i].missing);
        assert_int_equal(r->pairs[0].unverifiable_source, 1 - row[i].missing);
        assert_int_equal(r->verdict, row[i].missing  ? PT_VERDICT_DIVERGENT
                                     : row[i].policy ? PT_VERDICT_PARITY
                                                     : PT_VERDICT_INCONCLUSIVE);
        assert_int_equal(found(r, PT_FINDING_COVERAGE_LOW), r->verdict == PT_VERDICT_INCONCLUSIVE);
        world_close(&w);
    }
}

/* More steps of the log start than are kept, long before the record that the mirror skipped. */
static void test_many_steps_of_the_log_start(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
    tell_produce(&w, SRC, 0, 0, 0, 0, 1000);
    tell_bounds(&w, SRC, 0, 0, 1000, 0);
    tell_produce(&w, TGT, 1, 0, 0, 0, 500);
    for (int i = 1; i <= 400; i++)
        tell_bounds(&w, SRC, 0, 0, 1000, i);
    tell_produce(&w, TGT, 1, 0, 500, 501, 499);
    w.at.time_ns += 2 * PT_CLOCK_DOUBT_NS;
    tell_bounds(&w, SRC, 0, 0, 1000, 400); /* still there */
    for (int i = 401; i <= 600; i++)
        tell_bounds(&w, SRC, 0, 0, 1000, i);
    r = end(&w);
    assert_int_equal(r->pairs[0].compacted, 0);
    assert_int_equal(r->pairs[0].missing, 1);
    assert_int_equal(r->pairs[0].verified, 999);
    world_close(&w);
}

/* However little memory there is, and wherever it runs out: no divergence but the one record that
 * is missing, and no parity while it is. */
static void test_any_amount_of_memory(void **state)
{
    unsigned parity[2] = { 0 };

    (void)state;
    for (uint64_t sz = 300000; sz < 3000000; sz += 7013) {
        for (int missing = 0; missing < 2; missing++) {
            struct world w = { .policy = pt_policy_default };
            const struct pt_result *r;
            int64_t at[PT_CLUSTER_CNT] = { 0 };
            uint64_t named;

            w.policy.align.window_min = 64;
            w.policy.align.window_max = 1024;
            w.policy.align.horizon = 1024;
            pt_mem_init(&w.mem, sz);
            w.out = (struct pt_obs_out){ .buf = malloc(PT_OBS_OUT_MIN),
                                         .buf_sz = PT_OBS_OUT_MIN,
                                         .flush = world_flush,
                                         .flush_arg = &w };
            w.at = (struct pt_packet_ref){ .time_ns = 1000000000000000000ll };
            if (pt_shard_open(&w.mem, &w.policy, &w.s)) {
                free(w.out.buf);
                continue;
            }
            tell_topic(&w, SRC, 0, "t", 1);
            tell_topic(&w, TGT, 1, "t", 2);
            tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
            for (int i = 0; i < 60; i++) {
                uint32_t skip = missing && i == 30;

                tell_produce(&w, SRC, 0, 0, at[SRC], (uint64_t)i * 100, 100);
                at[SRC] += 100;
                if (i % 7 == 3)
                    tell_fetch(&w, SRC, 0, 0, at[SRC] - 100, at[SRC] - 100, (uint64_t)i * 100, 100);
                tell_produce(&w, TGT, 1, 0, at[TGT], (uint64_t)i * 100 + skip, 100 - skip);
                at[TGT] += 100 - skip;
            }
            for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
                tell_bounds(&w, c, c, 0, at[c], 0);
            r = world_finish(&w);
            assert_int_equal(broken_books(r), -1);
            if (!pt_shard_stats(w.s)->map_runs_dropped)
                assert_int_equal(broken_sum(r), -1);
            named = 0;
            for (size_t i = 0; i < r->finding_cnt; i++)
                if (pt_finding_severity(r->findings[i].code) == PT_SEV_DIVERGENCE) {
                    assert_int_equal(r->findings[i].source.offset, 3000);
                    named += r->findings[i].cnt;
                }
            assert_true(named <= (unsigned)missing);
            assert_true(missing || r->verdict != PT_VERDICT_DIVERGENT);
            assert_true(!missing || r->verdict != PT_VERDICT_PARITY);
            if (r->verdict == PT_VERDICT_PARITY)
                assert_true(r->pairs[0].verified >= 5900);
            parity[missing] += r->verdict != PT_VERDICT_INCONCLUSIVE;
            assert_int_equal(world_close(&w), 0);
        }
    }
    assert_true(parity[0] > 10 && parity[1] > 10);
}

/* The same record twice in a row, one of which is cleaned away before the mirror comes to it: which
 * of them is left over on the source cannot be told. */
static void test_one_of_two_equal_ones_gone(void **state)
{
    static const uint64_t asked[] = { 0, 1, 1, 2 };
    static const uint64_t left[] = { 0, 1, 2 };
    static const int32_t at[][3] = { { 0, 2, 3 }, { 0, 1, 3 } };

    (void)state;
    for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
        struct world w = { 0 };
        const struct pt_result *r;

        world_open(&w, 16u << 20);
        tell_client(&w, SRC, 0, 1);
        tell_client(&w, TGT, 1, 1);
        tell_topic(&w, SRC, 0, "t", 1);
        tell_topic(&w, TGT, 1, "t", 2);
        w.request++;
        tell_batch(&w, &(struct say){ .source = PT_SRC_PRODUCE, .cnt = 4, .content = asked });
        tell_outcome(&w, &(struct say){ .source = PT_SRC_PRODUCE, .cnt = 4 }, 0, -1,
                     PT_PRODUCE_ACKED, -1);
        w.request++;
        tell_batch(&w, &(struct say){ .source = PT_SRC_FETCH_CONSUMER,
                                      .cnt = 3,
                                      .last = 3,
                                      .content = left,
                                      .delta = at[i],
                                      .epoch = 3 });
        tell_bounds(&w, SRC, 0, 0, 4, 0);
        tell_produce(&w, TGT, 1, 0, 0, 0, 3);
        tell_bounds(&w, TGT, 1, 0, 3, 0);
        r = world_finish(&w);
        assert_int_equal(r->pairs[0].verified, 3);
        assert_int_equal(r->pairs[0].missing, 0);
        assert_int_not_equal(r->verdict, PT_VERDICT_DIVERGENT);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_of_two_equal_ones_gone),
        cmocka_unit_test(test_produce_without_answers),
        cmocka_unit_test(test_one_capture_ends_early),
        cmocka_unit_test(test_incarnations_of_late_partitions),
        cmocka_unit_test(test_target_dark_at_the_end),
        cmocka_unit_test(test_unrelated_topics),
        cmocka_unit_test(test_weak_produce_loses_its_place),
        cmocka_unit_test(test_weak_produce_takes_no_place),
        cmocka_unit_test(test_uncommitted_record_is_replaced),
        cmocka_unit_test(test_lost_at_the_end),
        cmocka_unit_test(test_no_timestamp),
        cmocka_unit_test(test_more_than_was_appended_in_sight),
        cmocka_unit_test(test_any_amount_of_memory),
        cmocka_unit_test(test_append_time_of_a_repeated_produce),
        cmocka_unit_test(test_down_converted_records),
        cmocka_unit_test(test_down_conversion_hides_markers),
        cmocka_unit_test(test_down_conversion_hides_transactions),
        cmocka_unit_test(test_transaction_behind_an_old_sighting),
        cmocka_unit_test(test_topic_deleted_by_name),
        cmocka_unit_test(test_undecided_for_too_long),
        cmocka_unit_test(test_clocks_differ),
        cmocka_unit_test(test_answer_without_its_request),
        cmocka_unit_test(test_log_start_moves_past_the_first_sighting),
        cmocka_unit_test(test_gone_at_an_unknown_time),
        cmocka_unit_test(test_maybe_compacted),
        cmocka_unit_test(test_many_steps_of_the_log_start),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
