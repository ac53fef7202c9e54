/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows when the ladder goes up and down: look by look in a table, in a simulated queue whose
 * service gets cheaper with each level, and what the history keeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/ladder.h"
#include "parser/shed.h"

#define START_NS 1000000000000ll

/* Looks of one kind, one after the other, and the level behind them. */
struct row {
    struct pt_ladder_look look[2]; /* two workers */
    unsigned cnt;
    unsigned level;
    const char *why;
};

#define CALM                                                                                       \
    {                                                                                              \
        .busy = 300, .backlog = 10                                                                 \
    }
#define LOSS                                                                                       \
    {                                                                                              \
        .busy = 1000, .backlog = 990, .lost = 7                                                    \
    }
#define WORK                                                                                       \
    {                                                                                              \
        .busy = 900, .backlog = 300                                                                \
    }

static const struct row rows[] = {
    { { CALM, CALM }, 100, 0, "nothing to do" },
    { { { .busy = 1000, .backlog = 700 }, CALM }, 100, 0, "busy without loss is no overload" },
    { { CALM, LOSS }, 1, 1, "one worker is enough" },
    { { WORK, WORK }, 500, 1, "neither overload nor calm: it stays" },
    { { { .lane_full = 1 }, CALM }, 1, 2, "a full lane" },
    { { { .backlog = 750 }, CALM }, 1, 3, "a queue that is going to overflow" },
    { { LOSS, LOSS }, 3, 6, "one level a look, however much is lost" },
    { { LOSS, LOSS }, 9, 6, "there is no level above" },
    { { CALM, CALM }, 50, 6, "not calm for long enough: 4.9 s" },
    { { CALM, CALM }, 1, 5, "5 s" },
    { { CALM, CALM }, 49, 5, "the time begins anew" },
    { { CALM, WORK }, 1, 5, "one worker is not calm" },
    { { CALM, CALM }, 50, 5, "so it begins anew" },
    { { CALM, CALM }, 1, 4, "" },
    { { LOSS, CALM }, 1, 5, "overload right behind a level down" },
    { { CALM, CALM }, 100, 5, "now it takes twice as long" },
    { { CALM, CALM }, 1, 4, "10 s" },
    { { { .busy = 600, .backlog = 100 }, CALM }, 100, 3, "the limits belong to calm; still 10 s" },
    { { WORK, CALM }, 60, 3, "" },
    { { LOSS, CALM }, 1, 4, "overload long behind a level down has nothing to do with it" },
    { { CALM, CALM }, 50, 4, "" },
    { { CALM, CALM }, 1, 3, "so it is 5 s again" },
    { { CALM, CALM }, 150, 0, "and so on, down to nothing" },
    { { CALM, CALM }, 100, 0, "there is no level below" },
};

static void test_table(void **state)
{
    struct pt_ladder_change now = { 0 };
    int64_t time_ns = START_NS;
    struct pt_ladder l;

    (void)state;
    pt_ladder_init(&l);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (unsigned k = 0; k < rows[i].cnt; k++, time_ns += PT_LADDER_LOOK_NS)
            now = pt_ladder_look(&l, time_ns, rows[i].look, 2);
        if (now.level != rows[i].level)
            fail_msg("row %zu (%s): level %u, not %u", i, rows[i].why, now.level, rows[i].level);
    }
    assert_int_equal(l.level_max, 6);
}

static void test_levels(void **state)
{
    static const struct pt_ladder_look loss = LOSS;
    static const struct {
        uint8_t step;
        uint32_t share;
    } levels[] = {
        { PT_SHED_KNOWN, 0 },
        { PT_SHED_PARTITIONS, 1u << 30 },
        { PT_SHED_PARTITIONS, 2u << 30 },
        { PT_SHED_PARTITIONS, 3u << 30 },
        { PT_SHED_HEADERS, UINT32_MAX },
        { PT_SHED_COUNT_ONLY, UINT32_MAX },
    };
    struct pt_ladder l;

    (void)state;
    pt_ladder_init(&l);
    for (size_t i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
        struct pt_ladder_change now = pt_ladder_look(&l, START_NS, &loss, 1);

        assert_int_equal(now.level, i + 1);
        assert_int_equal(now.step, levels[i].step);
        assert_int_equal(now.share, levels[i].share);
    }
}

/* A queue of 4096 packets in front of one worker, in looks. cost: what a packet costs at each
 * level, in capacity of level 0. */
struct queue {
    struct pt_ladder l;
    double waiting;
    int64_t time_ns;
    uint64_t lost;
    unsigned level;
};

#define QUEUE_MAX 4096.0
#define CAPACITY 10000.0 /* packets a look at level 0 */

static const double cost[PT_LADDER_LEVEL_CNT] = { 1.0, 0.9, 0.7, 0.5, 0.35, 0.25, 0.05 };

static void serve(struct queue *q, double load)
{
    double come = load * CAPACITY;
    double can = CAPACITY / cost[q->level];
    double done = q->waiting + come < can ? q->waiting + come : can;
    double left = q->waiting + come - done;
    struct pt_ladder_look look = { .busy = (uint16_t)(1000 * done / can) };

    look.lost = left > QUEUE_MAX ? (uint64_t)(left - QUEUE_MAX) : 0;
    q->waiting = left > QUEUE_MAX ? QUEUE_MAX : left;
    look.backlog = (uint16_t)(1000 * q->waiting / QUEUE_MAX);
    q->lost += look.lost;
    q->time_ns += PT_LADDER_LOOK_NS;
    q->level = pt_ladder_look(&q->l, q->time_ns, &look, 1).level;
}

static void check_history(const struct pt_ladder *l)
{
    int64_t at_levels = 0;
    unsigned before = 0;

    for (size_t i = 0; i < pt_ladder_changes(l); i++) {
        const struct pt_ladder_change *c = pt_ladder_change_at(l, i);

        if (c->level + 1u != before && c->level != before + 1u)
            fail_msg("change %zu goes from level %u to %u", i, before, c->level);
        before = c->level;
    }
    assert_int_equal(before, l->level);
    for (size_t i = 0; i < PT_LADDER_LEVEL_CNT; i++)
        at_levels += l->level_ns[i];
    assert_int_equal(at_levels, l->look_ns - START_NS - PT_LADDER_LOOK_NS);
}

static void test_queue(void **state)
{
    struct queue q = { .time_ns = START_NS };
    uint64_t lost;

    (void)state;
    pt_ladder_init(&q.l);
    for (unsigned i = 0; i < 100; i++)
        serve(&q, 0.8);
    assert_int_equal(q.level, 0);
    assert_int_equal(q.lost, 0);
    for (unsigned i = 0; i < 10; i++)
        serve(&q, 3.0);
    /* Level 5 reads four times as much as level 0: there it holds, within a second. */
    assert_int_equal(q.level, 5);
    lost = q.lost;
    for (unsigned i = 0; i < 3000; i++)
        serve(&q, 3.0);
    assert_int_equal(q.level, 5);
    assert_int_equal(q.lost, lost);
    for (unsigned i = 0; i < 5 * 51; i++)
        serve(&q, 0.3);
    assert_int_equal(q.level, 0);
    assert_int_equal(q.lost, lost);
    assert_int_equal(pt_ladder_changes(&q.l), 10);
    check_history(&q.l);
}

/* A load that is calm at a level and too much for the one below must not be tried every 5 s. */
static void test_relapse(void **state)
{
    struct queue q = { .time_ns = START_NS };

    (void)state;
    pt_ladder_init(&q.l);
    for (unsigned i = 0; i < 600 * 10; i++)
        serve(&q, q.level >= 6 ? 5.0 : 4.1);
    assert_true(q.l.change_cnt < 6 + 2 * 13);
    check_history(&q.l);
}

/* More changes than are kept: the latest are there, and the sums are whole. */
static void test_history(void **state)
{
    static const struct pt_ladder_look calm = CALM;
    static const struct pt_ladder_look loss = LOSS;
    int64_t time_ns = START_NS;
    struct pt_ladder l;

    (void)state;
    pt_ladder_init(&l);
    pt_ladder_look(&l, time_ns, &calm, 1);
    for (unsigned i = 0; i < 200; i++) {
        pt_ladder_look(&l, time_ns += PT_LADDER_LOOK_NS, &loss, 1);
        time_ns += 10 * PT_LADDER_CALM_MAX_NS;
        pt_ladder_look(&l, time_ns, &calm, 1);
        time_ns += PT_LADDER_CALM_MAX_NS;
        pt_ladder_look(&l, time_ns, &calm, 1);
    }
    assert_int_equal(l.change_cnt, 400);
    assert_int_equal(pt_ladder_changes(&l), PT_LADDER_CHANGE_MAX);
    assert_int_equal(pt_ladder_change_at(&l, PT_LADDER_CHANGE_MAX - 1)->time_ns, time_ns);
    for (size_t i = 1; i < PT_LADDER_CHANGE_MAX; i++)
        assert_true(pt_ladder_change_at(&l, i - 1)->time_ns < pt_ladder_change_at(&l, i)->time_ns);
    assert_int_equal(l.level_ns[0] + l.level_ns[1], time_ns - START_NS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table),   cmocka_unit_test(test_levels),
        cmocka_unit_test(test_queue),   cmocka_unit_test(test_relapse),
        cmocka_unit_test(test_history),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
