/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Acknowledged records that are gone (ACKED_LOST), and refused ones that are there (GHOST_WRITE).
 * Each claim is made once with all the evidence that it needs, and then with every piece of it
 * taken away in turn: then nothing may be claimed.
 */
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

/* The tap shows all of the cluster: its one broker, and no packet was lost. */
static void tell_complete(struct world *w, int64_t high_watermark)
{
    tell_broker(w, SRC, 1, "10.0.0.1");
    tell_client(w, SRC, 0, 1);
    tell_bounds(w, SRC, 0, 0, high_watermark, 0);
}

static void end_complete(struct world *w)
{
    world_flush(&w->out);
    pt_shard_tap_end(w->s, SRC, w->at.time_ns);
}

/* Produced with acks=all at [10, 15), where a consumer that asks for 10 later finds nothing. */
static void test_hole(void **state)
{
    enum { NONE, POLICY, COMPACTED, ALTERED, ACKS, TAP, BROKER, TLS, OLD_FORMAT, START, LATE_ACK };
    static const struct {
        const char *why;
        int without;
        uint64_t lost;
    } row[] = {
        { "all the evidence", NONE, 5 },
        { "the acknowledgement passed after the fetch", LATE_ACK, 5 },
        { "the cleanup policy is not known", POLICY, 0 },
        { "it is compact", COMPACTED, 0 },
        { "it was to be changed", ALTERED, 0 },
        { "only the leader had acknowledged", ACKS, 0 },
        { "the tap lost a packet", TAP, 0 },
        { "another broker was not on the tap", BROKER, 0 },
        { "some connections were encrypted", TLS, 0 },
        { "the answer was down-converted", OLD_FORMAT, 0 },
        { "the log start had passed", START, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        int without = row[i].without;
        struct world w = { 0 };
        struct say asked = { .source = PT_SRC_PRODUCE, .cnt = 5, .first = 10 };
        struct say got = { .source = PT_SRC_FETCH_CONSUMER,
                           .from = 10,
                           .base = 15,
                           .cnt = 5,
                           .first = 15,
                           .epoch = 3 };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        open_single(&w);
        tell_complete(&w, 0);
        if (without == BROKER)
            tell_broker(&w, SRC, 2, "10.0.0.2");
        if (without != POLICY)
            tell_cleanup(&w, SRC, 0, without == COMPACTED ? PT_CLEANUP_OTHER : PT_CLEANUP_DELETE);
        tell_produce(&w, SRC, 0, 0, 0, 0, 10);
        w.request = 50;
        tell_batch(&w, &asked);
        if (without != LATE_ACK)
            tell_outcome(&w, &asked, 10, without == ACKS ? 1 : -1, PT_PRODUCE_ACKED, -1);
        if (without == START)
            tell_bounds(&w, SRC, 0, 0, 20, 15);
        if (without == OLD_FORMAT)
            got.magic = 1;
        w.request = 51;
        tell_batch(&w, &got);
        w.request = 50;
        if (without == LATE_ACK)
            tell_outcome(&w, &asked, 10, -1, PT_PRODUCE_ACKED, -1);
        w.request = 52;
        tell_batch(&w, &got); /* however often that is seen */
        if (without == ALTERED)
            tell_cleanup(&w, SRC, 0, PT_CLEANUP_OTHER);
        if (without == TLS)
            pt_shard_note(w.s, PT_FINDING_OPAQUE_TLS, SRC, 1, "tls");
        if (without != TAP)
            end_complete(&w);
        r = world_finish(&w);
        assert_int_equal(found(r, PT_FINDING_ACKED_LOST), row[i].lost);
        assert_int_equal(r->verdict, row[i].lost ? PT_VERDICT_DIVERGENT : PT_VERDICT_PARITY);
        if (row[i].lost) {
            assert_int_equal(r->findings[0].source.offset, 10);
            assert_int_equal(r->findings[0].cnt, 5);
        }
        assert_int_equal(world_close(&w), 0);
    }
}

/* A new leader has not got what was acknowledged: the log goes on in front of it, or has other
 * records in its place. That needs no policy. [0, 10) is by the leader of epoch 3. */
static void test_cut(void **state)
{
    static const struct {
        const char *why;
        int8_t acks;        /* of the records at 5..9 */
        uint8_t old_source; /* who fetched them */
        int32_t old_epoch;
        uint8_t new_source; /* who fetched what took the place of 5 and 6 */
        int32_t new_epoch;
        bool again; /* the same bytes are seen once more, without records */
        uint64_t lost;
        uint64_t other; /* LOG_REWRITTEN + PRODUCE_FETCH_DIFFER */
    } row[] = {
        { "acknowledged by all, and cut", -1, PT_SRC_FETCH_FOLLOWER, 3, PT_SRC_FETCH_CONSUMER, 4,
          false, 5, 0 },
        { "a consumer had it", 1, PT_SRC_FETCH_CONSUMER, 3, PT_SRC_FETCH_CONSUMER, 4, false, 5, 0 },
        { "a follower shows it first", -1, PT_SRC_FETCH_FOLLOWER, 3, PT_SRC_FETCH_FOLLOWER, 4,
          false, 2, 0 },
        { "... then a consumer", -1, PT_SRC_FETCH_FOLLOWER, 3, PT_SRC_FETCH_FOLLOWER, 4, true, 5,
          0 },
        /* The evidence is taken away. */
        { "only the leader had acknowledged", 1, PT_SRC_FETCH_FOLLOWER, 3, PT_SRC_FETCH_CONSUMER, 4,
          false, 0, 0 },
        { "by the same leader: nothing was cut", -1, PT_SRC_FETCH_FOLLOWER, 3,
          PT_SRC_FETCH_CONSUMER, 3, false, 0, 2 },
        { "by whom it was written is not known", -1, PT_SRC_FETCH_FOLLOWER, 3,
          PT_SRC_FETCH_CONSUMER, 0, false, 0, 2 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        struct say asked = { .source = PT_SRC_PRODUCE, .cnt = 5, .first = 5 };
        struct say old = { .source = row[i].old_source,
                           .from = 5,
                           .base = 5,
                           .cnt = 5,
                           .first = 5,
                           .epoch = row[i].old_epoch };
        struct say new = { .source = row[i].new_source,
                           .from = 5,
                           .base = 5,
                           .cnt = 2,
                           .first = 100,
                           .epoch = row[i].new_epoch };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        open_single(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 5);
        w.request++;
        tell_batch(&w, &asked);
        tell_outcome(&w, &asked, 5, row[i].acks, PT_PRODUCE_ACKED, -1);
        w.request++;
        tell_batch(&w, &old);
        w.request++;
        tell_batch(&w, &new);
        new.source = row[i].again ? PT_SRC_FETCH_CONSUMER : new.source;
        new.again = row[i].again;
        w.request++;
        tell_batch(&w, &new);
        old.again = true; /* a copy that was late: it is not in the log any more */
        w.request++;
        tell_batch(&w, &old);
        r = world_finish(&w);
        assert_int_equal(found(r, PT_FINDING_ACKED_LOST), row[i].lost);
        assert_int_equal(found(r, PT_FINDING_LOG_REWRITTEN) +
                                 found(r, PT_FINDING_PRODUCE_FETCH_DIFFER),
                         row[i].other);
        assert_int_equal(world_close(&w), 0);
    }
}

/* Records that were committed at 5..9, and a Produce that all replicas acknowledge at 5 and 6, of
 * other records. By which leaders is not known, but one of both is lost. */
static void test_overwritten(void **state)
{
    enum {
        NONE,
        WATERMARK,
        ACKS,
        NEW_ACKS,
        NEW_ACKS_READ,
        FETCHED,
        AT_ONCE,
        SOON,
        REPEATS,
        CHANGED,
        OTHER_TIME,
        BROKER_TIME,
        NO_TIME,
        MARKER,
        COMPACTED,
        START,
    };
    static const uint64_t repeats[] = { 5, 101 };
    static const uint64_t changed[] = { 5, 6 };
    static const struct {
        const char *why;
        int without;
        bool read; /* the old ones, by a consumer; else all replicas acknowledged them */
        uint64_t lost;
        uint64_t other; /* LOG_REWRITTEN + PRODUCE_FETCH_DIFFER */
    } row[] = {
        { "all replicas had acknowledged both", NONE, false, 2, 0 },
        { "a consumer had the old ones", NONE, true, 2, 0 },
        { "the watermark passes before the answer", WATERMARK, false, 2, 0 },
        { "the new ones have the same keys by chance", OTHER_TIME, false, 2, 0 },
        /* The evidence is taken away. */
        { "only the leader had acknowledged the old ones", ACKS, false, 0, 0 },
        { "only the leader has acknowledged the new ones", NEW_ACKS, false, 0, 0 },
        { "... and a consumer gets them", NEW_ACKS_READ, false, 0, 2 },
        { "the new ones were fetched: since when they are there is not known", FETCHED, false, 0,
          2 },
        { "both were on their way at once", AT_ONCE, false, 0, 2 },
        { "the new ones were sent at once behind the answer", SOON, false, 0, 2 },
        { "the new batch repeats a part of the old one", REPEATS, false, 0, 1 },
        { "the new ones are the old ones, changed", CHANGED, false, 0, 2 },
        { "... perhaps, by their keys: the time is the broker's", BROKER_TIME, false, 0, 2 },
        { "... or the format has none", NO_TIME, false, 0, 2 },
        { "the old one was a marker", MARKER, true, 1, 1 },
        { "the old ones were gone before", COMPACTED, false, 0, 2 },
        { "some of the old ones lay below the log start", START, false, 1, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        int without = row[i].without;
        bool same = without >= CHANGED && without <= NO_TIME;
        bool weak = without == NEW_ACKS || without == NEW_ACKS_READ;
        int64_t append_ms = without == BROKER_TIME ? 1700000100000ll : -1;
        struct world w = { 0 };
        struct say old = { .source = PT_SRC_PRODUCE, .cnt = 5, .first = 5 };
        struct say new = { .source = PT_SRC_PRODUCE,
                           .cnt = 2,
                           .first = 100,
                           .content = without == REPEATS ? repeats
                                      : same             ? changed
                                                         : NULL,
                           .plain = same,
                           .shift_ms = without == OTHER_TIME ? 700
                                       : without == NO_TIME  ? -1700000000010ll
                                                             : 0,
                           .fingerprint = 4711 };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        open_single(&w);
        tell_produce(&w, SRC, 0, 0, 0, 0, 5);
        world_wait(&w, 600);
        if (without == MARKER)
            tell_marker(&w, SRC, 0, 0, 5, 7, true);
        w.request = 10;
        if (row[i].read) {
            int64_t at = without == MARKER ? 6 : 5;

            tell_fetch(&w, SRC, 0, 0, at, at, (uint64_t)at, (uint32_t)(10 - at));
        } else {
            tell_batch(&w, &old);
        }
        if (without == AT_ONCE) {
            w.request = 11;
            tell_batch(&w, &new);
        }
        w.request = 10;
        if (!row[i].read)
            tell_outcome(&w, &old, 5, without == ACKS ? 1 : -1, PT_PRODUCE_ACKED, append_ms);
        if (without == COMPACTED)
            tell_fetch(&w, SRC, 0, 0, 5, 10, 10, 5);
        if (without == START)
            tell_bounds(&w, SRC, 0, 0, 10, 6);
        if (without != SOON)
            world_wait(&w, 600);
        w.request = 11;
        if (without == FETCHED) {
            new.source = PT_SRC_FETCH_CONSUMER;
            new.from = new.base = 5;
            new.epoch = 4;
        }
        if (without != AT_ONCE)
            tell_batch(&w, &new);
        if (without == WATERMARK)
            tell_bounds(&w, SRC, 0, 0, 12, 0);
        if (without != FETCHED)
            tell_outcome(&w, &new, 5, weak ? 1 : -1, PT_PRODUCE_ACKED,
                         without == BROKER_TIME ? append_ms + 700 : -1);
        if (without == NEW_ACKS_READ)
            tell_fetch(&w, SRC, 0, 0, 5, 5, 100, 2);
        r = world_finish(&w);
        assert_int_equal(found(r, PT_FINDING_ACKED_LOST), row[i].lost);
        assert_int_equal(found(r, PT_FINDING_LOG_REWRITTEN) +
                                 found(r, PT_FINDING_PRODUCE_FETCH_DIFFER),
                         row[i].other);
        assert_int_equal(world_close(&w), 0);
    }
}

/* A Produce that is answered with an error, and a consumer that gets its records. */
static void test_ghost(void **state)
{
    enum {
        NONE,
        TAP,
        BROKER,
        IN_SIGHT,
        ACKED,
        UNKNOWN,
        UNANSWERED,
        EARLIER,
        OTHER_RECORD,
        OTHER_SEQUENCE,
        UNREAD,
    };
    static const struct {
        const char *why;
        int without;
        int16_t error_code;
        bool idempotent;
        int32_t seq; /* first one of that producer that is in sight */
        uint64_t ghosts;
    } row[] = {
        { "not to be sent again", NONE, 87, true, 5, 5 },
        { "nor without a producer id", NONE, 10, false, 0, 5 },
        { "refused twice", NONE, 10, true, 5, 5 },
        { "sent again perhaps, but all of it in sight", NONE, 19, true, 0, 5 },
        { "... and not from its beginning", NONE, 19, true, 5, 0 },
        { "... or not to be told by its sequence", NONE, 19, false, 0, 0 },
        { "an error that says nothing of the log", NONE, 45, true, 0, 0 },
        { "the tap lost a packet", TAP, 87, true, 5, 0 },
        { "another broker was not on the tap", BROKER, 87, true, 5, 0 },
        { "the log may have held it before", IN_SIGHT, 87, true, 5, 0 },
        { "a second attempt was acknowledged", ACKED, 87, true, 5, 0 },
        { "a second attempt timed out", UNKNOWN, 87, true, 5, 0 },
        { "a second attempt stayed without an answer", UNANSWERED, 87, true, 5, 0 },
        { "a first attempt had timed out", EARLIER, 87, true, 5, 0 },
        { "the log holds another record", OTHER_RECORD, 87, true, 5, 0 },
        { "... or one of another number", OTHER_SEQUENCE, 87, true, 5, 0 },
        { "nobody read it", UNREAD, 87, true, 5, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        int without = row[i].without;
        struct world w = { 0 };
        struct say say = { .source = PT_SRC_PRODUCE,
                           .cnt = 5,
                           .first = 40,
                           .pid = 7,
                           .idempotent = row[i].idempotent,
                           .seq = row[i].seq };
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        open_single(&w);
        tell_complete(&w, without == IN_SIGHT ? 20 : 0);
        if (without == BROKER)
            tell_broker(&w, SRC, 2, "10.0.0.2");
        tell_produce(&w, SRC, 0, 0, 0, 0, 10);
        for (int k = 0; k < 2; k++) {
            w.request++;
            tell_batch(&w, &say);
            if (!k && without == EARLIER)
                tell_outcome(&w, &say, -1, -1, PT_PRODUCE_UNKNOWN, -1);
            else if (!k || without == EARLIER)
                tell_refused(&w, &say, row[i].error_code);
            else if (without == ACKED)
                tell_outcome(&w, &say, 10, -1, PT_PRODUCE_ACKED, -1);
            else if (without == UNKNOWN)
                tell_outcome(&w, &say, -1, -1, PT_PRODUCE_UNKNOWN, -1);
            else if (without != UNANSWERED)
                tell_refused(&w, &say, row[i].error_code);
        }
        say.source = PT_SRC_FETCH_CONSUMER;
        say.from = say.base = 10;
        say.epoch = 3;
        say.first += without == OTHER_RECORD;
        say.seq += without == OTHER_SEQUENCE;
        w.request++;
        if (without != UNREAD)
            tell_batch(&w, &say);
        if (without != TAP)
            end_complete(&w);
        r = world_finish(&w);
        assert_int_equal(found(r, PT_FINDING_GHOST_WRITE), row[i].ghosts);
        assert_int_equal(r->verdict, row[i].ghosts ? PT_VERDICT_DIVERGENT : PT_VERDICT_PARITY);
        if (row[i].ghosts)
            assert_int_equal(r->findings[0].source.offset, 10);
        assert_int_equal(world_close(&w), 0);
    }
}

/* When more was refused than is kept, nothing is said of ghosts. */
static void test_many_refused(void **state)
{
    for (uint32_t cnt = 100; cnt <= 20000; cnt += 19900) {
        struct world w = { 0 };
        struct say say = { .source = PT_SRC_PRODUCE, .cnt = 1 };
        const struct pt_result *r;

        (void)state;
        open_single(&w);
        tell_complete(&w, 0);
        for (uint32_t i = 0; i < cnt; i++) {
            w.request++;
            say.first = i;
            tell_batch(&w, &say);
            tell_refused(&w, &say, 87);
        }
        tell_fetch(&w, SRC, 0, 0, 0, 0, 5, 1);
        end_complete(&w);
        r = world_finish(&w);
        assert_int_equal(found(r, PT_FINDING_GHOST_WRITE), cnt == 100);
        assert_int_equal(pt_shard_stats(w.s)->refused_dropped > 0, cnt > 100);
        assert_int_equal(world_close(&w), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hole),         cmocka_unit_test(test_cut),
        cmocka_unit_test(test_overwritten),  cmocka_unit_test(test_ghost),
        cmocka_unit_test(test_many_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
