/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole comparisons from hand-made observations: what the report says of two small clusters whose
 * truth is known because it was written here. Each kind of evidence has a twin test in which it is
 * taken away: the verdict must fall back to unseen, pending or inconclusive, never to parity and
 * never to a divergence.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/observe.h"

#define MEM (64u << 20)

/* Both clusters know topic t as number 0 (source) and 1 (target), with a healthy world around it.
 */
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

static void test_parity(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    for (int i = 0; i < 30; i++) {
        tell_produce(&w, SRC, 0, 0, i * 100, (uint64_t)i * 100, 100);
        tell_produce(&w, TGT, 1, 0, i * 100, (uint64_t)i * 100, 100);
    }
    r = end(&w);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    assert_int_equal(r->pair_cnt, 1);
    assert_int_equal(r->pairs[0].verified, 3000);
    assert_int_equal(r->pairs[0].source_records, 3000);
    assert_int_equal(r->pairs[0].map_cnt, 1);
    assert_int_equal(r->pairs[0].map[0].cnt, 3000);
    assert_int_equal(r->finding_cnt, 0);
    assert_int_equal(r->pairs[0].rule, PT_PAIR_SAME_NAME);
    assert_int_equal(r->log_cnt, 2);
    assert_int_equal(r->logs[0].batch_row_cnt, 1);
    assert_int_equal(r->logs[0].batches[0].batches, 30);
    assert_int_equal(r->logs[0].batches[0].records, 3000);
    assert_string_equal(r->clients[0].client_addr, "10.0.9.1:40000");
    assert_string_equal(r->clients[0].broker_addr, "10.0.0.1:9092");
    assert_string_equal(r->clients[0].client_id, "app");
    assert_string_equal(r->clients[0].software, "v1");
    assert_int_equal(world_close(&w), 0);
}

/* The same truth, seen by different means. */
static void test_faults_named(void **state)
{
    static const uint64_t target[] = { 0,  1,  2,  4,  5,  6,  7,  7,  8,  9, 500,
                                       10, 11, 12, 13, 14, 15, 16, 17, 18, 19 };
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 20);
    w.request++;
    tell_batch(&w, &(struct say){ .cluster = TGT,
                                  .topic = 1,
                                  .client = 1,
                                  .source = PT_SRC_FETCH_CONSUMER,
                                  .cnt = 21,
                                  .content = target });
    tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
    r = end(&w);
    assert_int_equal(r->verdict, PT_VERDICT_DIVERGENT);
    assert_int_equal(r->pairs[0].verified, 19);
    assert_int_equal(r->pairs[0].missing, 1);
    assert_int_equal(r->pairs[0].extra, 1);
    assert_int_equal(r->pairs[0].duplicated, 1);
    assert_int_equal(r->finding_cnt, 3);
    for (size_t i = 0; i < r->finding_cnt; i++) {
        const struct pt_finding *f = &r->findings[i];

        assert_int_equal(f->pair, 0);
        assert_int_equal(f->cnt, 1);
        if (f->code == PT_FINDING_RECORD_MISSING) {
            assert_true(f->source.valid);
            assert_false(f->target.valid);
            assert_string_equal(f->source.topic, "t");
            assert_int_equal(f->source.offset, 3);
            assert_int_equal(f->source.timestamp_ms, make_record(3, 0).timestamp_ms);
            assert_int_equal(f->source.key_hash, make_record(3, 0).key);
            assert_int_equal(f->source.at.packet, 5); /* behind two clients and two topics */
            assert_string_equal(f->source.client->client_id, "app");
            assert_string_equal(f->message,
                                "source t-0@3: on the source, certified absent on the target");
        } else if (f->code == PT_FINDING_RECORD_EXTRA) {
            assert_int_equal(f->target.offset, 10);
            assert_int_equal(f->target.at.packet, 7);
            assert_string_equal(f->target.client->broker_addr, "10.0.1.1:9092");
        } else {
            assert_int_equal(f->code, PT_FINDING_RECORD_DUPLICATED);
        }
    }
    assert_int_equal(world_close(&w), 0);
}

static void test_missing_run_is_one_finding(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
    tell_produce(&w, SRC, 0, 0, 0, 0, 100);
    tell_produce(&w, TGT, 1, 0, 0, 0, 40);
    tell_produce(&w, TGT, 1, 0, 40, 60, 40);
    r = end(&w);
    assert_int_equal(found(r, PT_FINDING_RECORD_MISSING), 20);
    assert_int_equal(r->finding_cnt, 1);
    assert_int_equal(r->findings[0].cnt, 20);
    assert_int_equal(r->findings[0].source.offset, 40);
    world_close(&w);
}

/* The target's batch in the middle is not on the tap: no claim about what it may have held. */
static void test_hole_on_target_is_not_missing(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 100);
    tell_produce(&w, TGT, 1, 0, 0, 0, 40);
    tell_produce(&w, TGT, 1, 0, 60, 60, 40);
    r = end(&w);
    assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
    assert_int_equal(found(r, PT_FINDING_RECORD_MISSING), 0);
    assert_int_equal(found(r, PT_FINDING_COVERAGE_LOW), 1);
    assert_int_equal(r->pairs[0].unseen_target, 20);
    assert_int_equal(r->pairs[0].unseen[PT_LOST_NOT_ON_TAP], 20);
    assert_int_equal(r->pairs[0].unverifiable_source, 20);
    assert_int_equal(r->pairs[0].verified, 80);
    world_close(&w);
}

/* The same with the certificate of a fetch that asked for offset 40: then nothing is there. */
static void test_fetch_certifies_the_gap(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 100);
    tell_produce(&w, TGT, 1, 0, 0, 0, 40);
    tell_fetch(&w, TGT, 1, 0, 40, 60, 60, 40);
    r = end(&w);
    assert_int_equal(r->pairs[0].unseen_target, 0);
    /* Offsets are dense when they are written: something was at 40..59 once. Not an accusation. */
    assert_int_equal(found(r, PT_FINDING_RECORD_MISSING), 0);
    assert_int_equal(r->pairs[0].unverifiable_source, 20);
    assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
    world_close(&w);
}

static void test_unanswered_produce_is_no_evidence(void **state)
{
    static const struct {
        const char *why;
        int8_t acks;
        enum pt_produce_outcome outcome;
        bool told;
        bool hw;
        uint64_t records;
        int32_t replicas; /* stated; 0: not */
        bool whole;       /* the tap lost nothing */
    } row[] = {
        { "acks=all and error 0: committed", -1, PT_PRODUCE_ACKED, true, false, 10, 0, false },
        { "acks=1 is not committed yet", 1, PT_PRODUCE_ACKED, true, false, 0, 0, false },
        { "acks=1, and a watermark beyond it", 1, PT_PRODUCE_ACKED, true, true, 10, 0, true },
        { "the same, but a new leader may have written there unseen", 1, PT_PRODUCE_ACKED, true,
          true, 0, 0, false },
        { "acks=1 of one replica", 1, PT_PRODUCE_ACKED, true, false, 10, 1, false },
        { "acks=1 of two replicas", 1, PT_PRODUCE_ACKED, true, false, 0, 2, false },
        { "acks=0 of one replica", 0, PT_PRODUCE_UNKNOWN, true, false, 0, 1, false },
        { "refused", -1, PT_PRODUCE_REJECTED, true, false, 0, 0, false },
        { "time-out: it may exist", -1, PT_PRODUCE_UNKNOWN, true, false, 0, 0, false },
        { "no answer on the tap", -1, PT_PRODUCE_ACKED, false, false, 0, 0, false },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        struct say say = { .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 10 };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        both(&w);
        if (row[i].replicas)
            tell_partition(&w, SRC, 0, 0, 1)->replica_cnt = row[i].replicas;
        w.request++;
        tell_batch(&w, &say);
        if (row[i].told)
            tell_outcome(&w, &say, 0, row[i].acks, row[i].outcome, -1);
        if (row[i].hw)
            tell_bounds(&w, SRC, 0, 0, 10, 0);
        if (row[i].whole)
            pt_shard_tap_end(w.s, PT_CLUSTER_SOURCE, w.at.time_ns);
        r = end(&w);
        assert_int_equal(r->logs[0].records, row[i].records);
        assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
        world_close(&w);
    }
}

/* A Produce without an answer may be in the log or not; a consumer's fetch shows that it is. */
static void test_open_produce_and_a_fetch_of_it(void **state)
{
    static const struct {
        const char *why;
        bool told;
        int8_t acks;
    } open[] = {
        { "its answer was lost, and nobody knows yet", false, -1 },
        { "its answer was lost", true, -1 },
        { "acks=0 asks for none", true, 0 },
    };
    static const struct {
        const char *why;
        uint8_t source; /* PT_SRC_PRODUCE: nobody */
        uint64_t verified;
    } seen[] = {
        { "nobody fetches it", PT_SRC_PRODUCE, 0 },
        { "a follower does: it is in the log, but may lose its place", PT_SRC_FETCH_FOLLOWER, 0 },
        { "a consumer does", PT_SRC_FETCH_CONSUMER, 10 },
    };

    (void)state;
    for (size_t i = 0; i < 9; i++) {
        struct world w = { 0 };
        struct say say = { .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 10 };
        const struct pt_result *r;

        print_message("%s, %s\n", open[i / 3].why, seen[i % 3].why);
        both(&w);
        w.request++;
        tell_batch(&w, &say);
        if (open[i / 3].told)
            tell_outcome(&w, &say, -1, open[i / 3].acks, PT_PRODUCE_UNKNOWN, -1);
        say.source = seen[i % 3].source;
        if (say.source != PT_SRC_PRODUCE)
            tell_batch(&w, &say);
        tell_produce(&w, TGT, 1, 0, 0, 0, 10);
        r = end(&w);
        assert_int_equal(r->logs[0].records, seen[i % 3].verified);
        assert_int_equal(r->pairs[0].verified, seen[i % 3].verified);
        assert_int_equal(r->verdict,
                         seen[i % 3].verified ? PT_VERDICT_PARITY : PT_VERDICT_INCONCLUSIVE);
        assert_int_equal(world_close(&w), 0);
    }
}

/* A record of the target is extra only if the source is known to have ended, later than it
 * appeared. */
static void test_extra_at_the_end_needs_a_later_watermark(void **state)
{
    for (int later = 0; later < 2; later++) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 50);
        tell_bounds(&w, SRC, 0, 0, 50, 0);
        tell_produce(&w, TGT, 1, 0, 0, 0, 51);
        if (later)
            tell_bounds(&w, SRC, 0, 0, 50, 0);
        r = end(&w);
        assert_int_equal(r->pairs[0].extra, later);
        assert_int_equal(r->pairs[0].pending_target, !later);
        assert_int_equal(r->verdict, later ? PT_VERDICT_DIVERGENT : PT_VERDICT_PARITY);
        world_close(&w);
    }
}

/* A record at the end of the source is pending, until everything proves that it will not come. */
static void test_overdue_record_is_missing(void **state)
{
    static const struct {
        const char *why;
        int64_t quiet_ms; /* from the last record until the target's last packet */
        bool others;      /* a later record of the topic, in another partition, arrived */
        bool whole;       /* the target's taps lost nothing */
        bool watermark;   /* the target's end is known */
        bool matched;     /* the pair had matches */
        bool brokers;     /* all of the target are on the tap */
        uint64_t missing;
    } row[] = {
        { "everything proves it", 3000, true, true, true, true, true, 1 },
        { "the quiet is too short", 500, true, true, true, true, true, 0 },
        { "nothing shows that the replication went past it", 3000, false, true, true, true, true,
          0 },
        { "the target's taps have holes", 3000, true, false, true, true, true, 0 },
        { "the target's end was never stated", 3000, true, true, false, true, true, 0 },
        { "this partition was never replicated", 3000, true, true, true, false, true, 0 },
        { "a broker that may lead now is not on the tap", 3000, true, true, true, true, false, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        both(&w);
        tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
        tell_produce(&w, SRC, 0, 0, 0, 0, 20);
        if (row[i].matched)
            tell_produce(&w, TGT, 1, 0, 0, 0, 20);
        tell_produce(&w, SRC, 0, 0, 20, 20, 1);
        if (!row[i].brokers)
            tell_broker(&w, TGT, 2, "10.0.1.2");
        if (row[i].others) {
            tell_produce(&w, SRC, 0, 1, 0, 1000, 20);
            tell_produce(&w, TGT, 1, 1, 0, 1000, 20);
        }
        if (row[i].watermark)
            tell_bounds(&w, TGT, 1, 0, row[i].matched ? 20 : 0, 0);
        world_wait(&w, row[i].quiet_ms);
        if (row[i].whole)
            pt_shard_tap_end(w.s, PT_CLUSTER_TARGET, w.at.time_ns);
        r = end(&w);
        assert_int_equal(r->pairs[0].missing, row[i].missing);
        assert_int_equal(r->pairs[0].pending_source, (row[i].matched ? 1 : 21) - row[i].missing);
        world_close(&w);
    }
}

static void test_stalled(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 20);
    tell_produce(&w, TGT, 1, 0, 0, 0, 20);
    tell_produce(&w, SRC, 0, 0, 20, 20, 5);
    world_wait(&w, 61000);
    tell_bounds(&w, SRC, 0, 0, 25, 0);
    r = end(&w);
    assert_int_equal(found(r, PT_FINDING_REPLICATION_STALLED), 5);
    assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
    world_close(&w);
}

/* Compacted away before the mirror passed, or only afterwards. */
static void test_compaction_on_the_source(void **state)
{
    static const int32_t delta[] = { 0,  1,  2,  4,  5,  6,  7,  8,  9, 10,
                                     11, 12, 13, 14, 15, 16, 17, 18, 19 };
    static const uint64_t content[] = { 0,  1,  2,  4,  5,  6,  7,  8,  9, 10,
                                        11, 12, 13, 14, 15, 16, 17, 18, 19 };
    const struct say cleaned = { .cluster = SRC,
                                 .source = PT_SRC_FETCH_CONSUMER,
                                 .cnt = 19,
                                 .content = content,
                                 .delta = delta };
    const struct say mirrored = { .cluster = TGT,
                                  .topic = 1,
                                  .client = 1,
                                  .source = PT_SRC_FETCH_CONSUMER,
                                  .cnt = 19,
                                  .content = content };

    for (int before = 0; before < 2; before++) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 20);
        w.request++;
        tell_batch(&w, before ? &cleaned : &mirrored);
        w.request++;
        tell_batch(&w, before ? &mirrored : &cleaned);
        r = end(&w);
        assert_int_equal(r->pairs[0].compacted, before);
        /* It was noticed afterwards; it may have gone before. */
        assert_int_equal(r->pairs[0].unverifiable_source, !before);
        assert_int_equal(r->pairs[0].missing, 0);
        assert_int_equal(r->verdict, before ? PT_VERDICT_PARITY : PT_VERDICT_INCONCLUSIVE);
        world_close(&w);
    }
}

/* The log start passes records before the mirror reads them. */
static void test_retention_on_the_source(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 40);
    tell_bounds(&w, SRC, 0, 0, 40, 10);
    tell_produce(&w, TGT, 1, 0, 0, 10, 30);
    r = end(&w);
    assert_int_equal(r->pairs[0].compacted, 10);
    assert_int_equal(r->pairs[0].verified, 30);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    world_close(&w);
}

/* The target still has what the source had lost before the capture began. */
static void test_older_records_of_the_target_are_not_extra(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_bounds(&w, SRC, 0, 0, 140, 100);
    tell_fetch(&w, SRC, 0, 0, 100, 100, 100, 40);
    tell_fetch(&w, TGT, 1, 0, 0, 0, 60, 80);
    r = end(&w);
    assert_int_equal(r->pairs[0].extra, 0);
    assert_int_equal(r->pairs[0].verified, 40);
    assert_int_equal(r->pairs[0].unverifiable_target, 40);
    assert_int_not_equal(r->verdict, PT_VERDICT_DIVERGENT);
    world_close(&w);
}

static void test_crc_and_malformed(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;
    struct say bad = { .cluster = SRC,
                       .source = PT_SRC_FETCH_CONSUMER,
                       .status = PT_BAD_CRC,
                       .base = 10,
                       .from = -1,
                       .cnt = 5,
                       .first = 10 };

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 10);
    for (int i = 0; i < 3; i++) { /* followers and consumers see it again */
        w.request++;
        tell_batch(&w, &bad);
    }
    bad.status = PT_BAD_CODEC;
    bad.base = 15;
    bad.first = 15;
    w.request++;
    tell_batch(&w, &bad);
    tell_produce(&w, SRC, 0, 0, 20, 20, 10);
    tell_produce(&w, TGT, 1, 0, 0, 0, 30);
    r = end(&w);
    assert_int_equal(found(r, PT_FINDING_BATCH_CRC_BAD), 1);
    assert_int_equal(found(r, PT_FINDING_BATCH_MALFORMED), 1);
    assert_int_equal(r->pairs[0].unseen[PT_LOST_CRC_BAD], 5);
    assert_int_equal(r->pairs[0].unseen[PT_LOST_MALFORMED], 5);
    assert_int_equal(r->pairs[0].extra, 0);
    assert_int_equal(r->logs[0].batches[1].batches, 4);
    assert_int_equal(r->logs[0].batches[1].crc_bad, 3);
    assert_int_equal(r->verdict, PT_VERDICT_DIVERGENT);
    world_close(&w);
}

static void test_late_name(void **state)
{
    for (int named = 0; named < 2; named++) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        world_open(&w, MEM);
        tell_topic(&w, SRC, 0, NULL, 9); /* by id only */
        tell_topic(&w, TGT, 1, "t", 2);
        tell_produce(&w, SRC, 0, 0, 0, 0, 1000);
        tell_bounds(&w, SRC, 0, 0, 1000, 0);
        tell_produce(&w, TGT, 1, 0, 0, 0, 1000);
        if (named)
            tell_topic_id(&w, SRC, "t", 9);
        r = end(&w);
        assert_int_equal(r->verdict, named ? PT_VERDICT_PARITY : PT_VERDICT_INCONCLUSIVE);
        assert_int_equal(found(r, PT_FINDING_TOPIC_ID_UNKNOWN), !named);
        assert_int_equal(r->pair_cnt, named);
        if (!named)
            assert_int_equal(r->unpaired[1].records, 1000);
        assert_int_equal(world_close(&w), 0);
    }
}

static const struct pt_given_id given[] = {
    { .topic = "t", .file = "ids", .line = 3, .id = { 9, [15] = 7 } }
};

/* What the operator calls an id is compared; unless the cluster itself calls it otherwise: then
 * nothing that was found counts, and the report says which line is wrong. */
static void test_given_name(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        struct world w = { .policy = pt_policy_default };
        const struct pt_result *r;

        w.policy.given_ids = given;
        w.policy.given_id_cnt = 1;
        world_open(&w, MEM);
        tell_topic(&w, SRC, 0, NULL, 9); /* by id only */
        tell_topic(&w, SRC, 3, "t", 0);
        tell_topic(&w, TGT, 1, "t", 2);
        tell_produce(&w, SRC, 3, 0, 0, 0, 1000);
        tell_fetch(&w, SRC, 0, 0, 0, 0, wrong ? 5000 : 0, 1000);
        tell_bounds(&w, SRC, 0, 0, 1000, 0);
        tell_produce(&w, TGT, 1, 0, 0, wrong ? 2000 : 0, 1000);
        if (wrong) {
            tell_topic_id(&w, SRC, "other", 9);
            tell_fetch(&w, SRC, 0, 0, 1000, 1000, 6000, 5);
        }
        r = end(&w);
        assert_int_equal(found(r, PT_FINDING_TOPIC_ID_UNKNOWN), 0);
        assert_int_equal(found(r, PT_FINDING_TOPIC_ID_MISNAMED), wrong);
        assert_int_equal(r->verdict, wrong ? PT_VERDICT_INCONCLUSIVE : PT_VERDICT_PARITY);
        assert_int_equal(r->pairs[0].verified, wrong ? 0 : 1000);
        assert_int_equal(broken_sum(r), -1);
        assert_int_equal(r->topic_id_cnt, 2);
        assert_string_equal(r->topic_ids[0].topic, wrong ? "other" : "t");
        assert_int_equal(world_close(&w), 0);
    }
}

/* Where packets were lost a topic may have been deleted and made again unseen: what is told by its
 * name alone is then only held against it while its id is shown to live. */
static void test_made_again_unseen(void **state)
{
    static const struct {
        const char *why;
        bool loss;
        bool id_lives; /* is seen in use again, behind all of it */
        bool accused;
    } row[] = {
        { "nothing was lost", false, false, true },
        { "the topic may be another one", true, false, false },
        { "it is the same one", true, true, true },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        world_open(&w, MEM);
        tell_topic(&w, SRC, 0, NULL, 9);
        tell_topic_id(&w, SRC, "t", 9);
        tell_topic(&w, SRC, 2, "t", 0);
        tell_topic(&w, TGT, 1, "t", 2);
        tell_produce(&w, SRC, 2, 0, 0, 0, 50);
        tell_produce(&w, TGT, 1, 0, 0, 0, 50);
        tell_produce(&w, SRC, 2, 0, 0, 1000, 50);
        tell_produce(&w, TGT, 1, 0, 50, 1000, 50);
        if (row[i].id_lives)
            tell_bounds(&w, SRC, 0, 0, 50, 0);
        if (row[i].loss)
            pt_shard_note(w.s, PT_FINDING_TAP_LOSS, -1, 1, "loss");
        r = end(&w);
        assert_int_equal(found(r, PT_FINDING_LOG_REWRITTEN), row[i].accused ? 50 : 0);
        assert_int_equal(found(r, PT_FINDING_TOPIC_UNPAIRED), !row[i].accused);
        assert_int_equal(r->verdict,
                         row[i].accused ? PT_VERDICT_DIVERGENT : PT_VERDICT_INCONCLUSIVE);
        assert_int_equal(broken_sum(r), -1);
        assert_int_equal(world_close(&w), 0);
    }
}

/* The first life that is seen here need not be the first that is seen there. */
static void test_a_life_unseen(void **state)
{
    (void)state;
    for (int loss = 0; loss < 2; loss++) {
        struct world w = { 0 };
        const struct pt_result *r;

        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 50);
        tell_bounds(&w, SRC, 0, 0, 50, 0);
        tell_produce(&w, TGT, 1, 0, 0, 0, 25);
        tell_produce(&w, TGT, 1, 0, 25, 9000, 2);
        tell_produce(&w, TGT, 1, 0, 27, 25, 25);
        tell_topic(&w, TGT, 3, "t", 12);
        tell_produce(&w, TGT, 3, 0, 0, 0, 50);
        if (loss)
            pt_shard_note(w.s, PT_FINDING_TAP_LOSS, -1, 1, "loss");
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, 50);
        assert_int_equal(r->pairs[0].extra, loss ? 0 : 2);
        assert_int_equal(r->verdict, loss ? PT_VERDICT_INCONCLUSIVE : PT_VERDICT_DIVERGENT);
        assert_int_equal(broken_sum(r), -1);
        assert_int_equal(world_close(&w), 0);
    }
}

static void test_incarnations(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    both(&w);
    tell_produce(&w, SRC, 0, 0, 0, 0, 50);
    tell_produce(&w, TGT, 1, 0, 0, 0, 50);
    tell_deleted(&w, SRC, 1);
    tell_deleted(&w, TGT, 2);
    tell_topic(&w, SRC, 2, "t", 11);
    tell_topic(&w, TGT, 3, "t", 12);
    tell_produce(&w, SRC, 2, 0, 0, 500, 30);
    tell_produce(&w, TGT, 3, 0, 0, 500, 30);
    r = end(&w);
    assert_int_equal(r->pair_cnt, 2);
    assert_int_equal(r->pairs[0].verified, 50);
    assert_int_equal(r->pairs[1].verified, 30);
    assert_int_equal(r->pairs[1].source.incarnation, 1);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    world_close(&w);
}

/* A better rule turns up after the comparison has begun. */
static void test_pairs_again_by_a_better_rule(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    world_open(&w, MEM);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_topic(&w, TGT, 1, "t", 2); /* another topic that happens to have that name */
    tell_produce(&w, SRC, 0, 0, 0, 0, 3000);
    tell_produce(&w, TGT, 1, 0, 0, 70000, 3000);
    tell_topic(&w, TGT, 2, "dc1.t", 3);
    tell_topic(&w, TGT, 3, "dc1.heartbeats", 4);
    tell_produce(&w, TGT, 2, 0, 0, 0, 3000);
    r = end(&w);
    assert_int_equal(r->pair_cnt, 1);
    assert_string_equal(r->pairs[0].target.topic, "dc1.t");
    assert_int_equal(r->pairs[0].rule, PT_PAIR_ALIAS);
    assert_int_equal(r->pairs[0].verified, 3000);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    assert_int_equal(r->unpaired_cnt, 1);
    world_close(&w);
}

/* Batches that come without records because their bytes passed before. */
static void test_seen_again(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;
    struct say produced = { .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 10 };
    struct say followed = {
        .cluster = SRC, .source = PT_SRC_FETCH_FOLLOWER, .cnt = 10, .again = true, .client = 5
    };

    (void)state;
    both(&w);
    /* A follower fetches the batch before its answer passes. */
    w.request = 1;
    tell_batch(&w, &produced);
    tell_batch(&w, &followed);
    tell_outcome(&w, &produced, 0, -1, PT_PRODUCE_ACKED, -1);
    /* The answer to a first try is lost; the retry is the same bytes. */
    w.request = 2;
    produced.first = 10;
    tell_batch(&w, &produced);
    tell_outcome(&w, &produced, -1, -1, PT_PRODUCE_UNKNOWN, -1);
    w.request = 3;
    produced.again = true;
    tell_batch(&w, &produced);
    tell_outcome(&w, &produced, 10, -1, PT_PRODUCE_ACKED, -1);
    tell_produce(&w, TGT, 1, 0, 0, 0, 20);
    r = end(&w);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    assert_int_equal(r->pairs[0].verified, 20);
    assert_int_equal(pt_shard_stats(w.s)->batches_no_outcome, 1);
    world_close(&w);
}

/* Running out of memory costs coverage, never truth. */
static void test_eviction(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    world_open(&w, 6u << 20);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_topic(&w, TGT, 1, "t", 2);
    for (int i = 0; i < 400; i++)
        tell_produce(&w, SRC, 0, 0, i * 250, (uint64_t)i * 250, 250);
    for (int i = 0; i < 400; i++)
        tell_produce(&w, TGT, 1, 0, i * 250, (uint64_t)i * 250, 250);
    r = end(&w);
    assert_true(pt_shard_stats(w.s)->slots_evicted > 0);
    assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
    assert_int_equal(r->finding_total[PT_FINDING_RECORD_MISSING], 0);
    assert_int_equal(r->finding_total[PT_FINDING_RECORD_EXTRA], 0);
    assert_true(w.mem.peak_sz <= 6u << 20);
    assert_int_equal(world_close(&w), 0);
}

/* In step, the same traffic fits: what is compared is given up. Other logs don't eat the budget. */
static void test_long_run_in_small_memory(void **state)
{
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    world_open(&w, 12u << 20);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_topic(&w, TGT, 1, "t", 2);
    tell_topic(&w, SRC, 2, "__consumer_offsets", 3);
    for (int i = 0; i < 2000; i++) {
        tell_produce(&w, SRC, 0, 0, i * 250, (uint64_t)i * 250, 250);
        tell_produce(&w, SRC, 2, 0, i * 250, (uint64_t)i * 250, 250);
        tell_produce(&w, TGT, 1, 0, i * 250, (uint64_t)i * 250, 250);
    }
    r = end(&w);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    assert_int_equal(r->pairs[0].verified, 500000);
    assert_int_equal(pt_shard_stats(w.s)->slots_evicted, 0);
    assert_int_equal(r->logs[0].records, 500000);
    assert_true(r->logs[0].internal);
    world_close(&w);
}

/* Nonsense from another process: counted, nothing else happens. */
static void test_nonsense(void **state)
{
    unsigned seed = 99;
    struct pt_mem mem;

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 300; round++) {
        uint64_t buf[512];
        struct pt_shard *s;

        pt_mem_init(&mem, 4u << 20);
        assert_int_equal(pt_shard_open(&mem, &pt_policy_default, &s), 0);
        for (size_t i = 0; i < 512; i++)
            buf[i] = rand() % 3 ? (uint64_t)rand() % 7 : (uint64_t)rand() << 33 ^ (uint64_t)rand();
        for (size_t at = 0; at + 60 < 512;) {
            struct pt_obs *o = (struct pt_obs *)(void *)&buf[at];

            o->kind = (uint16_t)(rand() % 15);
            o->version = (uint8_t)(rand() % 10 ? 1 : 2);
            o->cluster = (uint8_t)(rand() % 4);
            o->size = (uint32_t)(6 + rand() % 40) * 8;
            o->topic = (uint32_t)(rand() % 4);
            o->partition = rand() % 3;
            at += o->size / 8;
        }
        pt_shard_consume(s, (uint32_t)(rand() % 300), (const uint8_t *)buf, sizeof(buf));
        pt_shard_finish(s);
        assert_int_equal(broken_sum(pt_shard_finish(s)), -1);
        pt_shard_close(s);
        assert_int_equal(mem.used_sz, 0);
    }
}

/* A random story with losses on both sides, told in whole buffers and piece by piece: the same
 * report. And since both sides tell of the same records, nothing that the losses do is a
 * divergence. */
static void test_losses_and_grouping(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        struct pt_pair_result sum[2];
        uint64_t verified = 0;

        print_message("seed %u\n", seed);
        for (int one_by_one = 0; one_by_one < 2; one_by_one++) {
            struct world w = { .one_by_one = one_by_one };
            int64_t at[2] = { 0, 0 };
            const struct pt_result *r;

            srand(seed);
            both(&w);
            while (at[1] < 20000) {
                uint8_t c = at[0] < 20000 && (at[0] == at[1] || rand() % 2) ? SRC : TGT;
                int64_t most = c == SRC ? 300 : at[0] - at[1];
                uint32_t cnt = (uint32_t)(1 + rand() % (most > 300 ? 300 : most));
                bool fetch = rand() % 3 == 0;

                if (rand() % 20 == 0)
                    ; /* the tap misses it */
                else if (fetch)
                    tell_fetch(&w, c, c, 0, rand() % 2 ? at[c] : -1, at[c], (uint64_t)at[c], cnt);
                else
                    tell_produce(&w, c, c, 0, at[c], (uint64_t)at[c], cnt);
                at[c] += cnt;
            }
            r = end(&w);
            assert_int_not_equal(r->verdict, PT_VERDICT_DIVERGENT);
            for (size_t i = 0; i < r->pairs[0].map_cnt; i++) /* the truth: equal offsets */
                assert_int_equal(r->pairs[0].map[i].source_from, r->pairs[0].map[i].target_from);
            sum[one_by_one] = r->pairs[0];
            sum[one_by_one].source.topic = sum[one_by_one].target.topic = NULL;
            sum[one_by_one].map = NULL;
            verified = r->pairs[0].verified;
            world_close(&w);
        }
        assert_memory_equal(&sum[0], &sum[1], sizeof(sum[0]));
        assert_true(verified > 12000);
    }
}

static void test_single(void **state)
{
    struct world w = { .policy = pt_policy_default };
    const struct pt_result *r;

    (void)state;
    w.policy.single = true;
    world_open(&w, MEM);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_produce(&w, SRC, 0, 0, 0, 0, 50);
    r = end(&w);
    assert_int_equal(r->verdict, PT_VERDICT_PARITY);
    assert_int_equal(r->pair_cnt, 0);
    assert_int_equal(r->logs[0].records, 50);
    world_close(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parity),
        cmocka_unit_test(test_faults_named),
        cmocka_unit_test(test_missing_run_is_one_finding),
        cmocka_unit_test(test_hole_on_target_is_not_missing),
        cmocka_unit_test(test_fetch_certifies_the_gap),
        cmocka_unit_test(test_unanswered_produce_is_no_evidence),
        cmocka_unit_test(test_open_produce_and_a_fetch_of_it),
        cmocka_unit_test(test_extra_at_the_end_needs_a_later_watermark),
        cmocka_unit_test(test_overdue_record_is_missing),
        cmocka_unit_test(test_stalled),
        cmocka_unit_test(test_compaction_on_the_source),
        cmocka_unit_test(test_retention_on_the_source),
        cmocka_unit_test(test_older_records_of_the_target_are_not_extra),
        cmocka_unit_test(test_crc_and_malformed),
        cmocka_unit_test(test_late_name),
        cmocka_unit_test(test_given_name),
        cmocka_unit_test(test_made_again_unseen),
        cmocka_unit_test(test_a_life_unseen),
        cmocka_unit_test(test_incarnations),
        cmocka_unit_test(test_pairs_again_by_a_better_rule),
        cmocka_unit_test(test_seen_again),
        cmocka_unit_test(test_eviction),
        cmocka_unit_test(test_long_run_in_small_memory),
        cmocka_unit_test(test_nonsense),
        cmocka_unit_test(test_losses_and_grouping),
        cmocka_unit_test(test_single),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
