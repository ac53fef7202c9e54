/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the verifier must not conclude where something was shed: each case is told twice, with and
 * without the message that says so, and the difference is the doubt that it brings.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/unit/observe.h"

#define MEM (64u << 20)

/* What is said of the shedding. */
enum said {
    NOTHING,
    BATCH,      /* of partition 0, with offsets */
    SOMEWHERE,  /* of partition 0, a produced one */
    BODY,       /* of a connection to the cluster */
    OTHER_SIDE, /* of a connection to the other cluster */
    KNOWN,      /* a batch that was seen before */
    SAID_CNT
};

static const char *const texts[SAID_CNT] = { "nothing", "a batch",    "a produced batch",
                                             "a body",  "other side", "a known batch" };

static void tell_shed(struct world *w, uint8_t cluster, enum said said, int64_t from, int64_t to)
{
    struct pt_obs_lost *o;

    if (said == NOTHING)
        return;
    if (said == OTHER_SIDE)
        cluster = !cluster;
    o = tell(w, PT_OBS_LOST, cluster, sizeof(*o), 0);
    o->from = o->to = -1;
    o->reason = PT_LOST_SHED;
    if (said == BODY || said == OTHER_SIDE)
        return;
    o->head.topic = cluster;
    o->head.partition = 0;
    o->magic = 2;
    if (said == SOMEWHERE)
        return;
    o->known = said == KNOWN;
    o->from = from;
    o->to = to;
}

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

/* Record 10 is not on the target. A fetch between may have shown that it was compacted away before
 * the mirror came to it; one before it was written may not. */
static void test_gone(void **state)
{
    static const uint64_t after[SAID_CNT] = { 1, 0, 0, 0, 1, 1 };

    (void)state;
    for (unsigned before = 0; before < 2; before++)
        for (unsigned said = 0; said < SAID_CNT; said++) {
            struct world w = { 0 };
            const struct pt_result *r;

            both(&w);
            if (before) {
                tell_shed(&w, SRC, said, 0, 20);
                world_wait(&w, 200);
            }
            tell_fetch(&w, SRC, 0, 0, 0, 0, 0, 20);
            if (!before)
                tell_shed(&w, SRC, said, 0, 20);
            tell_produce(&w, TGT, 1, 0, 0, 0, 10);
            tell_produce(&w, TGT, 1, 0, 10, 11, 9);
            world_wait(&w, 200);
            tell_bounds(&w, SRC, 0, 0, 20, 0);
            tell_bounds(&w, TGT, 1, 0, 19, 0);
            r = end(&w);
            if (r->pairs[0].missing != (before ? 1 : after[said]) ||
                r->pairs[0].missing + r->pairs[0].unverifiable_source != 1)
                fail_msg("%s, before %u: %llu missing", texts[said], before,
                         (unsigned long long)r->pairs[0].missing);
            world_close(&w);
        }
}

/* Record 20 is overdue, if the target's tap saw everything. */
static void test_overdue(void **state)
{
    static const uint64_t missing[SAID_CNT] = { 1, 0, 0, 0, 0, 1 };

    (void)state;
    for (unsigned said = 0; said < SAID_CNT; said++) {
        struct world w = { 0 };
        const struct pt_result *r;

        both(&w);
        tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
        tell_produce(&w, SRC, 0, 0, 0, 0, 20);
        tell_produce(&w, TGT, 1, 0, 0, 0, 20);
        tell_produce(&w, SRC, 0, 0, 20, 20, 1);
        tell_produce(&w, SRC, 0, 1, 0, 1000, 20);
        tell_produce(&w, TGT, 1, 1, 0, 1000, 20);
        tell_shed(&w, TGT, said, said == KNOWN ? 0 : 20, said == KNOWN ? 20 : 21);
        world_wait(&w, 200);
        tell_bounds(&w, TGT, 1, 0, 20, 0);
        world_wait(&w, 3000);
        for (unsigned c = 0; c < PT_CLUSTER_CNT; c++)
            pt_shard_tap_end(w.s, (enum pt_cluster)c, w.at.time_ns);
        r = end(&w);
        if (r->pairs[0].missing != missing[said])
            fail_msg("%s: %llu missing", texts[said], (unsigned long long)r->pairs[0].missing);
        world_close(&w);
    }
}

/* The target has one more, and the source's end was seen behind it, if nothing was shed since. */
static void test_end(void **state)
{
    static const uint64_t extra[SAID_CNT] = { 1, 0, 0, 0, 1, 1 };

    (void)state;
    for (unsigned said = 0; said < SAID_CNT; said++) {
        struct world w = { 0 };
        const struct pt_result *r;

        both(&w);
        tell_fetch(&w, SRC, 0, 0, 0, 0, 0, 20);
        tell_fetch(&w, TGT, 1, 0, 0, 0, 0, 21);
        world_wait(&w, 1000);
        tell_bounds(&w, SRC, 0, 0, 20, 0);
        tell_bounds(&w, TGT, 1, 0, 21, 0);
        tell_shed(&w, SRC, said, said == KNOWN ? 0 : 20, said == KNOWN ? 20 : 21);
        r = end(&w);
        if (r->pairs[0].extra != extra[said])
            fail_msg("%s: %llu extra", texts[said], (unsigned long long)r->pairs[0].extra);
        world_close(&w);
    }
}

/* All that was seen is equal. What was shed behind it must not pass for nothing, unless the end was
 * stated since; and what was shed in between is unseen, and says so. */
static void test_not_silent(void **state)
{
    static const bool parity[SAID_CNT] = { true, false, false, false, false, true };

    (void)state;
    for (unsigned stated = 0; stated < 2; stated++)
        for (unsigned said = 0; said < SAID_CNT; said++) {
            struct world w = { 0 };
            const struct pt_result *r;
            bool expected = parity[said] || (stated && said != BATCH);

            both(&w);
            tell_fetch(&w, SRC, 0, 0, 0, 0, 0, 20);
            tell_fetch(&w, TGT, 1, 0, 0, 0, 0, 20);
            tell_bounds(&w, SRC, 0, 0, 20, 0);
            tell_bounds(&w, TGT, 1, 0, 20, 0);
            tell_shed(&w, SRC, said, said == KNOWN ? 0 : 20, said == KNOWN ? 20 : 30);
            world_wait(&w, 200);
            for (uint8_t c = 0; stated && c < 2; c++)
                tell_bounds(&w, c, c, 0, 20, 0);
            r = end(&w);
            if ((r->verdict == PT_VERDICT_PARITY) != expected)
                fail_msg("%s, stated %u: verdict %d", texts[said], stated, r->verdict);
            assert_int_equal(found(r, PT_FINDING_PARTITION_NOT_SEEN), !expected);
            world_close(&w);
        }
}

static void test_reason(void **state)
{
    (void)state;
    for (unsigned said = 1; said < SAID_CNT; said++) {
        struct world w = { 0 };
        const struct pt_result *r;
        uint64_t shed = said == OTHER_SIDE ? 0 : 10;

        both(&w);
        tell_fetch(&w, SRC, 0, 0, 0, 0, 0, 20);
        tell_fetch(&w, TGT, 1, 0, 0, 0, 0, 40);
        tell_shed(&w, SRC, said, 20, 30);
        tell_fetch(&w, SRC, 0, 0, 30, 30, 30, 10);
        r = end(&w);
        assert_int_equal(r->pairs[0].unseen_source, 10);
        assert_int_equal(r->pairs[0].unseen[PT_LOST_SHED], shed);
        assert_int_equal(r->pairs[0].unseen[PT_LOST_NOT_ON_TAP], 10 - shed);
        assert_int_equal(r->pairs[0].verified, 30);
        assert_int_equal(r->pairs[0].extra, 0);
        world_close(&w);
    }
}

/* Only an old consumer's answer is seen, without headers. If the log held newer batches, as what
 * was shed was or may have been, that is why. */
static void test_converted(void **state)
{
    static const uint64_t mutated[SAID_CNT] = { 20, 0, 0, 0, 20, 0 };

    (void)state;
    for (unsigned said = 0; said < SAID_CNT; said++) {
        struct world w = { 0 };
        const struct pt_result *r;

        both(&w);
        tell_shed(&w, SRC, said, 0, 20);
        world_wait(&w, 200);
        w.request++;
        tell_batch(&w, &(struct say){ .cluster = SRC,
                                      .source = PT_SRC_FETCH_CONSUMER,
                                      .magic = 1,
                                      .plain = true,
                                      .cnt = 20 });
        tell_fetch(&w, TGT, 1, 0, 0, 0, 0, 20);
        tell_bounds(&w, SRC, 0, 0, 20, 0);
        tell_bounds(&w, TGT, 1, 0, 20, 0);
        r = end(&w);
        if (r->pairs[0].mutated != mutated[said])
            fail_msg("%s: %llu mutated", texts[said], (unsigned long long)r->pairs[0].mutated);
        world_close(&w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gone),   cmocka_unit_test(test_overdue),
        cmocka_unit_test(test_end),    cmocka_unit_test(test_not_silent),
        cmocka_unit_test(test_reason), cmocka_unit_test(test_converted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
