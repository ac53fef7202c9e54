/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Records that were compared, and gave way to others afterwards: an unclean election. That both
 * sides once held the same proves nothing of what the log holds now.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/observe.h"
#include "verify/changed.h"
#include "verify/shard_pvt.h"

#define CNT 600 /* records on each side: of slots, more than two chunks */

static void tell_by(struct world *w, uint8_t cluster, uint8_t source, int64_t base, uint64_t first,
                    uint32_t cnt, int32_t epoch)
{
    w->request++;
    tell_batch(w, &(struct say){ .cluster = cluster,
                                 .topic = cluster,
                                 .source = source,
                                 .from = base,
                                 .base = base,
                                 .cnt = cnt,
                                 .first = first,
                                 .epoch = epoch });
}

/* All that came before is committed, and the leader goes on behind it: so it stands. */
static void settle(struct world *w)
{
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        tell_bounds(w, c, c, 0, CNT, 0);
    world_wait(w, 1000);
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        tell_by(w, c, PT_SRC_FETCH_FOLLOWER, CNT, CNT, 1, 3);
    world_wait(w, 1000);
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        tell_bounds(w, c, c, 0, CNT + 1, 0);
    world_flush(&w->out);
}

/* The slots of what is settled go, in whole chunks: up to 512. */
static void forget(struct world *w)
{
    for (size_t i = 0; i < w->s->log_cnt; i++)
        pt_log_release(w->s->log[i], w->s->log[i]->cursor);
}

static void test_rewritten(void **state)
{
    static const struct {
        const char *why;
        uint8_t side; /* on which the log is cut, here: */
        int64_t at;
        bool forgotten; /* what was settled is not held any more */
        uint64_t first; /* of what it holds now, from there on */
        uint32_t cnt;
        int32_t epoch;
        uint64_t unverifiable[PT_CLUSTER_CNT];
        uint64_t verified;
    } row[] = {
        { "nothing changed", SRC, 500, false, 500, 100, 3, { 0, 0 }, 600 },
        { "the same by another leader", SRC, 500, false, 500, 100, 4, { 0, 0 }, 600 },
        { "the same, and not all of it", SRC, 500, false, 500, 40, 4, { 60, 60 }, 540 },
        { "the source has others", SRC, 500, false, 9000, 10, 4, { 100, 100 }, 500 },
        { "the target has others", TGT, 500, false, 9000, 10, 4, { 100, 100 }, 500 },
        { "hardly any", SRC, 599, false, 9000, 1, 4, { 1, 1 }, 599 },
        { "forgotten, and seen again", SRC, 500, true, 500, 100, 3, { 0, 0 }, 600 },
        { "forgotten, and written by another leader",
          SRC,
          500,
          true,
          500,
          100,
          4,
          { 12, 12 },
          588 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct world w = { 0 };
        const struct pt_pair_result *p;
        const struct pt_result *r;

        print_message("%s\n", row[i].why);
        world_open(&w, 16u << 20);
        for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++) {
            tell_client(&w, c, c, 1);
            tell_topic(&w, c, c, "t", 1u + c);
            tell_by(&w, c, PT_SRC_FETCH_FOLLOWER, 0, 0, CNT, 3);
        }
        settle(&w);
        if (row[i].forgotten)
            forget(&w);
        tell_by(&w, row[i].side, PT_SRC_FETCH_CONSUMER, row[i].at, row[i].first, row[i].cnt,
                row[i].epoch);
        r = world_finish(&w);
        p = &r->pairs[0];
        assert_int_equal(broken_sum(r), -1);
        assert_int_equal(p->verified, row[i].verified);
        assert_int_equal(p->unverifiable_source, row[i].unverifiable[0]);
        assert_int_equal(p->unverifiable_target, row[i].unverifiable[1]);
        assert_int_equal(r->verdict,
                         row[i].verified < CNT ? PT_VERDICT_INCONCLUSIVE : PT_VERDICT_PARITY);
        world_close(&w);
    }
}

/* Memory is refused: then it may be any of them. */
static void test_no_room(void **state)
{
    struct pt_changed c;
    struct pt_mem mem;
    bool changed;

    (void)state;
    pt_mem_init(&mem, 0);
    pt_changed_init(&c, &mem);
    assert_int_equal(pt_changed_same(&c, 5, 20, &changed), 20);
    assert_false(changed);
    pt_changed_add(&c, 10, 11);
    assert_int_equal(pt_changed_same(&c, 5, 20, &changed), 5);
    assert_false(changed);
    assert_int_equal(pt_changed_same(&c, 10, 20, &changed), 20);
    assert_true(changed);
    assert_int_equal(c.from, 10);
    pt_changed_fini(&c);
}

/* Of slots that were given up the last one and the latest leader are known. */
static void test_given_up(void **state)
{
    static const struct {
        int64_t base;
        int32_t epoch;
        uint64_t changed;
    } row[] = {
        { 10, 7, 0 }, { 10, 6, 0 }, { 10, -1, 0 }, { 10, 8, 10 }, { 19, 8, 1 }, { 20, 8, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct pt_changed c;
        struct pt_mem mem;

        pt_mem_init(&mem, 1 << 20);
        pt_changed_init(&c, &mem);
        pt_changed_look(&c, row[i].base, row[i].epoch);
        assert_int_equal(c.total, 0);
        for (int64_t off = 0; off < 20; off++)
            pt_changed_give_up(&c, off, off < 15 ? 5 : 7);
        pt_changed_look(&c, row[i].base, row[i].epoch);
        assert_int_equal(c.total, row[i].changed);
        pt_changed_fini(&c);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rewritten),
        cmocka_unit_test(test_no_room),
        cmocka_unit_test(test_given_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
