/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Differences of clocks against the truth: conversations of known delay, seen by taps of known
 * clocks. What is found is within the delays; what is not proven is not moved: clocks that are
 * right, files that follow each other, a packet that merely takes long from one tap to the other,
 * and a few segments that were sent again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/clock.h"
#include "tests/unit/stream_util.h"

#define MS 1000000ll
#define SECOND (1000 * MS)

/* Who sees the packets of client and server, by which clock, and how much later. */
struct tap {
    bool sees[2];
    int64_t clock_ns;
    int64_t later_ns[2];
};

struct talk {
    struct pt_clocks *c;
    const struct tap *tap;
    uint32_t tap_cnt;
    struct pt_endpoint end[2];
    uint32_t seq[2];
    uint16_t ip_id;
    int64_t now_ns;
};

static void say(struct talk *t, int side, uint32_t len)
{
    struct pt_segment seg = { .src = t->end[side],
                              .dst = t->end[!side],
                              .seq = t->seq[side],
                              .ack = t->seq[!side],
                              .pay_len = len,
                              .ip_id = ++t->ip_id,
                              .flags = PT_TCP_ACK };

    t->seq[side] += len;
    for (uint32_t i = 0; i < t->tap_cnt; i++)
        if (t->tap[i].sees[side])
            pt_clocks_segment(t->c, i, t->now_ns + t->tap[i].clock_ns + t->tap[i].later_ns[side],
                              &seg);
}

/* Questions and answers, each `delay_ns` behind what it answers. */
static void converse(struct pt_clocks *c, const struct tap *tap, uint32_t tap_cnt, uint16_t port,
                     int rounds, int64_t delay_ns)
{
    struct talk t = { .c = c,
                      .tap = tap,
                      .tap_cnt = tap_cnt,
                      .end = { stream_endpoint(1, port), stream_endpoint(2, 9092) },
                      .seq = { 4294967000u, 77 },
                      .now_ns = 1700000000 * SECOND };

    for (int i = 0; i < rounds; i++) {
        t.now_ns += 10 * MS;
        say(&t, 0, 100);
        t.now_ns += delay_ns;
        say(&t, 1, 50);
        t.now_ns += delay_ns;
        say(&t, 0, 0);
    }
}

static void expect(struct pt_clocks *c, const int64_t *moved_ns, uint32_t cnt, int64_t slack_ns)
{
    struct pt_clock clock[4] = { 0 };

    pt_clocks_solve(c, clock);
    for (uint32_t i = 0; i < cnt; i++) {
        assert_int_equal(clock[i].how, moved_ns[i] ? PT_CLOCK_ESTIMATED : PT_CLOCK_AS_RECORDED);
        assert_in_range(clock[i].offset_ns - moved_ns[i] + slack_ns, 0, 2 * slack_ns);
        if (moved_ns[i]) {
            assert_true(clock[i].pairs >= PT_CLOCK_PAIRS_MIN);
            assert_true(clock[i].low_ns <= clock[i].offset_ns);
            assert_true(clock[i].offset_ns <= clock[i].high_ns);
        }
    }
    pt_clocks_close(c);
}

static struct pt_clocks *open_clocks(uint32_t cnt)
{
    struct pt_clocks *c;

    assert_int_equal(pt_clocks_open(cnt, &c), 0);
    return c;
}

static void test_fibres(void **state)
{
    static const int64_t off[] = { 0, 300 * MS, -5 * SECOND, 3 * MS, MS / 2 };

    (void)state;
    for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
        const struct tap tap[2] = { { .sees = { true, false } },
                                    { .sees = { false, true }, .clock_ns = off[i] } };
        const int64_t moved[2] = { 0, llabs(off[i]) > MS ? -off[i] : 0 };
        struct pt_clocks *c = open_clocks(2);

        converse(c, tap, 2, 40000, 200, MS / 4);
        expect(c, moved, 2, MS / 2);
    }
}

/* Two taps of one connection, the link between them slow: both ways together tell what is clock and
 * what is way. */
static void test_copies(void **state)
{
    static const struct {
        int64_t clock_ns;
        int64_t way_ns;
        int64_t moved_ns;
        const char *why;
    } row[] = {
        { 0, 40 * MS, 0, "right clocks, a long way" },
        { 700 * MS, 40 * MS, -700 * MS, "another clock, a long way" },
        { -700 * MS, 0, 700 * MS, "behind, side by side" },
        { 30 * MS, 40 * MS, 0, "less than the way may be" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        const struct tap tap[2] = { { .sees = { true, true }, .later_ns = { 0, row[i].way_ns } },
                                    { .sees = { true, true },
                                      .clock_ns = row[i].clock_ns,
                                      .later_ns = { row[i].way_ns, 0 } } };
        const int64_t moved[2] = { 0, row[i].moved_ns };
        struct pt_clocks *c = open_clocks(2);

        print_message("%s\n", row[i].why);
        converse(c, tap, 2, 40000, 50, 100 * MS);
        expect(c, moved, 2, MS);
    }
}

/* Three taps in a row, of which neighbours share connections; and one that shares none. */
static void test_chain(void **state)
{
    const struct tap one[3] = { { .sees = { true, false } },
                                { .sees = { false, true }, .clock_ns = 2 * SECOND } };
    const struct tap two[3] = { { .clock_ns = 0 },
                                { .sees = { true, false }, .clock_ns = 2 * SECOND },
                                { .sees = { false, true }, .clock_ns = -9 * SECOND } };
    const int64_t moved[4] = { 0, -2 * SECOND, 9 * SECOND, 0 };
    struct pt_clock clock[4] = { { 0 }, { 0 }, { .how = PT_CLOCK_GIVEN, .offset_ns = -SECOND } };
    struct pt_clocks *c = open_clocks(4);

    (void)state;
    converse(c, one, 3, 40000, 100, MS / 4);
    converse(c, two, 3, 40001, 100, MS / 4);
    expect(c, moved, 4, MS);

    /* What is given is right, and the others follow it. */
    c = open_clocks(4);
    converse(c, one, 3, 40000, 100, MS / 4);
    converse(c, two, 3, 40001, 100, MS / 4);
    pt_clocks_solve(c, clock);
    assert_int_equal(clock[2].how, PT_CLOCK_GIVEN);
    assert_int_equal(clock[2].offset_ns, -SECOND);
    assert_in_range(clock[1].offset_ns + 12 * SECOND + MS, 0, 2 * MS);
    assert_in_range(clock[0].offset_ns + 10 * SECOND + MS, 0, 2 * MS);
    pt_clocks_close(c);
}

/* Bytes that a tap saw only when they were sent again look like an effect before its cause. */
static void test_sent_again(void **state)
{
    const struct tap tap[2] = { { .sees = { true, false } }, { .sees = { false, true } } };
    const struct tap late[2] = { { .sees = { true, false }, .later_ns = { SECOND, 0 } },
                                 { .sees = { false, true } } };
    const int64_t moved[2] = { 0, 0 };
    struct pt_clocks *c = open_clocks(2);

    (void)state;
    converse(c, tap, 2, 40000, 300, MS / 4);
    converse(c, late, 2, 40001, 5, MS / 4);
    expect(c, moved, 2, MS);
}

/* Too little to prove anything. */
static void test_few(void **state)
{
    const struct tap tap[2] = { { .sees = { true, false } },
                                { .sees = { false, true }, .clock_ns = SECOND } };
    const int64_t moved[2] = { 0, 0 };
    struct pt_clocks *c = open_clocks(2);

    (void)state;
    converse(c, tap, 2, 40000, 3, MS / 4);
    expect(c, moved, 2, MS);
}

/* More than is kept: a sample of the same positions in both. */
static void test_many(void **state)
{
    const struct tap tap[2] = { { .sees = { true, false } },
                                { .sees = { false, true }, .clock_ns = SECOND } };
    const int64_t moved[2] = { 0, -SECOND };
    struct pt_clocks *c = open_clocks(2);

    (void)state;
    for (uint16_t i = 0; i < 300; i++)
        converse(c, tap, 2, (uint16_t)(20000 + i), 1000, MS / 4);
    expect(c, moved, 2, MS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fibres), cmocka_unit_test(test_copies),
        cmocka_unit_test(test_chain),  cmocka_unit_test(test_sent_again),
        cmocka_unit_test(test_few),    cmocka_unit_test(test_many),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
