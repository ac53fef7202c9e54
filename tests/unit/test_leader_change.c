/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What brokers and producers do when something goes wrong between them, and what a tap sees of it:
 * each story is lawful, so that nothing may be found; and each is told once more with the evidence
 * gone on which its verdict rests: then the records are pending, unseen or unverifiable.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/observe.h"

static void both(struct world *w)
{
    world_open(w, 16u << 20);
    tell_client(w, SRC, 0, 1);
    tell_client(w, TGT, 1, 1);
    tell_topic(w, SRC, 0, "t", 1);
    tell_topic(w, TGT, 1, "t", 2);
}

/* Nothing may be held against anybody. */
static const struct pt_result *end(struct world *w)
{
    const struct pt_result *r = world_finish(w);

    assert_int_equal(broken_sum(r), -1);
    assert_true(batches_add_up(w->s));
    assert_int_not_equal(r->verdict, PT_VERDICT_DIVERGENT);
    return r;
}

static void tell_by(struct world *w, uint8_t source, int64_t base, uint64_t first, uint32_t cnt,
                    int32_t epoch)
{
    w->request++;
    tell_batch(w, &(struct say){ .cluster = SRC,
                                 .source = source,
                                 .from = base,
                                 .base = base,
                                 .cnt = cnt,
                                 .first = first,
                                 .epoch = epoch });
}

/* acks=1: the leader of epoch 3 acknowledges 5..9 and dies. A follower had got them. The next
 * leader writes others there, and only those come to the target. Afterwards a copy of what the old
 * leader wrote passes once more. */
static void test_truncation_after_acks_1(void **state)
{
    for (int fetched = 1; fetched >= 0; fetched--) {
        struct world w = { 0 };
        struct say asked = { .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 5, .first = 5 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 5);
        tell_bounds(&w, SRC, 0, 0, 5, 0);
        w.request++;
        tell_batch(&w, &asked);
        tell_outcome(&w, &asked, 5, 1, PT_PRODUCE_ACKED, -1);
        tell_by(&w, PT_SRC_FETCH_FOLLOWER, 5, 5, 5, 3);
        if (fetched) { /* else the tap misses what the new leader wrote */
            tell_by(&w, PT_SRC_FETCH_FOLLOWER, 5, 100, 3, 4);
            tell_by(&w, PT_SRC_FETCH_CONSUMER, 5, 100, 3, 4);
            tell_bounds(&w, SRC, 0, 0, 8, 0);
        }
        tell_by(&w, PT_SRC_FETCH_FOLLOWER, 5, 5, 5, 3);
        tell_produce(&w, TGT, 1, 0, 0, 0, 5);
        tell_produce(&w, TGT, 1, 0, 5, 100, 3);
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, fetched ? 8 : 5);
        assert_int_equal(r->pairs[0].pending_source, fetched ? 0 : 5);
        assert_int_equal(r->pairs[0].unverifiable_target + r->pairs[0].pending_target,
                         fetched ? 0 : 3);
        assert_int_equal(r->verdict, fetched ? PT_VERDICT_PARITY : PT_VERDICT_INCONCLUSIVE);
        world_close(&w);
    }
}

/* The records of epoch 4 begin at 8: so those of epoch 3 at 8 and 9 are gone, and those in front of
 * them may have been written anew, too, where the tap did not see it. Only if a consumer has got
 * them is it certain that they stand. */
static void test_log_goes_on_in_front(void **state)
{
    for (int read = 1; read >= 0; read--) {
        struct world w = { 0 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 5);
        tell_by(&w, PT_SRC_FETCH_FOLLOWER, 5, 5, 3, 3);
        tell_by(&w, PT_SRC_FETCH_FOLLOWER, 8, 8, 2, 3);
        tell_by(&w, PT_SRC_FETCH_CONSUMER, 8, 200, 4, 4);
        if (read)
            tell_by(&w, PT_SRC_FETCH_CONSUMER, 5, 5, 3, 3);
        tell_bounds(&w, SRC, 0, 0, 12, 0);
        tell_produce(&w, TGT, 1, 0, 0, 0, 5);
        tell_produce(&w, TGT, 1, 0, 5, 5, 3);
        tell_produce(&w, TGT, 1, 0, 8, 200, 4);
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, read ? 12 : 9);
        assert_int_equal(r->pairs[0].pending_source, read ? 0 : 3);
        assert_int_equal(r->pairs[0].source_records, 12);
        world_close(&w);
    }
}

/* The answer never passes; the producer sends the same batch again, and the broker, which has it,
 * says where it is (or, in old releases, only that it has it). */
static void test_retry_after_a_lost_answer(void **state)
{
    enum how { ORIGINAL_OFFSET, DUPLICATE_ERROR, NO_ANSWER };
    static const struct {
        enum how how;
        bool fetched;
        uint64_t verified;
    } row[] = {
        { ORIGINAL_OFFSET, true, 15 },  { ORIGINAL_OFFSET, false, 15 },
        { DUPLICATE_ERROR, true, 15 },  { NO_ANSWER, true, 15 },
        { DUPLICATE_ERROR, false, 10 }, { NO_ANSWER, false, 10 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        struct say say = {
            .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 5, .pid = 7, .idempotent = true
        };
        const struct pt_result *r;

        both(&w);
        tell_bounds(&w, SRC, 0, 0, 0, 0);
        for (int k = 0; k < 3; k++) {
            say.first = 5 * (uint64_t)k;
            say.seq = 5 * k;
            w.request++;
            tell_batch(&w, &say);
            if (k == 1) { /* nothing; then once more */
                w.request++;
                tell_batch(&w, &say);
            }
            if (k != 1 || row[i].how == ORIGINAL_OFFSET)
                tell_outcome(&w, &say, 5 * k, -1, PT_PRODUCE_ACKED, -1);
            else if (row[i].how == DUPLICATE_ERROR)
                tell_outcome(&w, &say, -1, -1, PT_PRODUCE_UNKNOWN, -1);
        }
        if (row[i].fetched) {
            say.source = PT_SRC_FETCH_CONSUMER;
            say.first = say.seq = 5;
            say.from = say.base = 5;
            say.epoch = 3;
            w.request++;
            tell_batch(&w, &say);
        }
        tell_produce(&w, TGT, 1, 0, 0, 0, 15);
        tell_bounds(&w, SRC, 0, 0, 15, 0);
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, row[i].verified);
        assert_int_equal(r->pairs[0].unseen_source, 15 - row[i].verified);
        assert_int_equal(r->pairs[0].unverifiable_target, 15 - row[i].verified);
        assert_int_equal(found(r, PT_FINDING_SEQUENCE_GAP), 0);
        assert_int_equal(found(r, PT_FINDING_SEQUENCE_REPEATED), 0);
        world_close(&w);
    }
}

/* The tap comes when a transaction is half written: of its records only 5..9 pass, then its end.
 * Without that end they stay open. */
static void test_tap_begins_in_a_transaction(void **state)
{
    for (int marker = 1; marker >= 0; marker--) {
        struct world w = { 0 };
        struct say say = { .cluster = SRC,
                           .source = PT_SRC_PRODUCE,
                           .cnt = 5,
                           .first = 5,
                           .flags = PT_BATCH_TRANSACTIONAL,
                           .pid = 7,
                           .idempotent = true,
                           .seq = 5 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        w.request++;
        tell_batch(&w, &say);
        tell_outcome(&w, &say, 5, -1, PT_PRODUCE_ACKED, -1);
        if (marker)
            tell_marker(&w, SRC, 0, 0, 10, 7, true);
        tell_bounds(&w, SRC, 0, 0, 11, 0);
        tell_produce(&w, TGT, 1, 0, 5, 5, 5);
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, marker ? 5 : 0);
        assert_int_equal(r->pairs[0].pending_source, marker ? 0 : 5);
        assert_int_equal(r->pairs[0].extra, 0);
        assert_int_equal(found(r, PT_FINDING_SEQUENCE_GAP), 0);
        world_close(&w);
    }
}

/* Only the answer was lost on the tap. A consumer shows what became of the batch, or nobody does.
 */
static void test_ack_lost(void **state)
{
    for (int fetched = 1; fetched >= 0; fetched--) {
        struct world w = { 0 };
        struct say say = { .cluster = SRC, .source = PT_SRC_PRODUCE, .cnt = 5, .first = 5 };
        const struct pt_result *r;

        (void)state;
        both(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 5);
        w.request++;
        tell_batch(&w, &say);
        tell_produce(&w, SRC, 0, 0, 10, 10, 5);
        if (fetched)
            tell_by(&w, PT_SRC_FETCH_CONSUMER, 5, 5, 5, 3);
        tell_produce(&w, TGT, 1, 0, 0, 0, 15);
        tell_bounds(&w, SRC, 0, 0, 15, 0);
        r = end(&w);
        assert_int_equal(r->pairs[0].verified, fetched ? 15 : 10);
        assert_int_equal(r->pairs[0].unseen[PT_LOST_NO_OUTCOME], fetched ? 0 : 5);
        assert_int_equal(r->pairs[0].unverifiable_target, fetched ? 0 : 5);
        assert_int_equal(r->verdict, fetched ? PT_VERDICT_PARITY : PT_VERDICT_INCONCLUSIVE);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truncation_after_acks_1),
        cmocka_unit_test(test_log_goes_on_in_front),
        cmocka_unit_test(test_retry_after_a_lost_answer),
        cmocka_unit_test(test_tap_begins_in_a_transaction),
        cmocka_unit_test(test_ack_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
