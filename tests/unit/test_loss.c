/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The loss story is the same however it was split among workers and in whatever order it was told;
 * its worst connections, slices and moments are those of a plain count of everything. And what it
 * looks like is named: one case for each sign. The seed is printed; PT_SEED=N repeats it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "dataplane/loss.h"
#include "tests/unit/stream_util.h"

#define FLOW_CNT 60
#define HOLE_CNT 4000
#define WORKER_CNT 3

struct flow {
    struct pt_endpoint a;
    struct pt_endpoint b;
    struct pt_stream_lost lost;
};

/* A hole as streams tell it. */
static void lose(struct pt_loss *l, struct flow *f, uint64_t name, int side, uint64_t len,
                 int64_t time_ns)
{
    struct pt_stream_event ev = {
        .kind = PT_STREAM_HOLE,
        .side = side,
        .len = len,
        .reason = PT_LOST_TAP_GAP,
        .at = { .time_ns = time_ns, .input = (uint32_t)(name % 3) },
        .a = &f->a,
        .b = &f->b,
        .initiator = -1,
        .flow = name,
        .lost = &f->lost,
    };

    f->lost.bytes[side] += len;
    f->lost.holes++;
    pt_loss_event(l, (uint8_t)(name % 2), &ev);
}

static void make_flows(struct flow *flow, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        flow[i] = (struct flow){ .a = stream_endpoint((uint8_t)i, (uint16_t)(40000 + i)),
                                 .b = stream_endpoint(200, 9092) };
}

static struct pt_loss *new_loss(void)
{
    struct pt_loss *l = calloc(1, sizeof(*l));

    assert_non_null(l);
    return l;
}

/* Everything that reports read. Of moments that are shared the first connection says nothing. */
static void expect_same(struct pt_loss *a, struct pt_loss *b)
{
    uint64_t holes[2];
    uint64_t shared[2];

    pt_loss_shared(a, &holes[0], &shared[0]);
    pt_loss_shared(b, &holes[1], &shared[1]);
    assert_int_equal(holes[0], holes[1]);
    assert_int_equal(shared[0], shared[1]);
    memset(a->moment, 0, sizeof(a->moment));
    memset(b->moment, 0, sizeof(b->moment));
    assert_memory_equal(a, b, sizeof(*a));
}

static void test_any_split(void **state)
{
    const char *env = getenv("PT_SEED");
    unsigned seed = env ? (unsigned)atoi(env) : (unsigned)time(NULL);

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int round = 0; round < 30; round++) {
        struct flow flow[FLOW_CNT];
        struct flow again[FLOW_CNT];
        struct pt_loss *one = new_loss();
        struct pt_loss *sum = new_loss();
        struct pt_loss *part[WORKER_CNT];
        int64_t span_ns = 1000000ll << rand() % 24;

        make_flows(flow, FLOW_CNT);
        make_flows(again, FLOW_CNT);
        for (int w = 0; w < WORKER_CNT; w++)
            part[w] = new_loss();
        for (int i = 0; i < HOLE_CNT; i++) {
            unsigned f = (unsigned)(rand() % FLOW_CNT);
            int64_t time_ns = 1700000000000000000 + rand() % span_ns;
            uint64_t len = 1 + (uint64_t)rand() % (1u << rand() % 22);

            pt_loss_segment(one, time_ns);
            lose(one, &flow[f], f + 1, i % 2, len, time_ns);
            pt_loss_segment(part[f % WORKER_CNT], time_ns);
            lose(part[f % WORKER_CNT], &again[f], f + 1, i % 2, len, time_ns);
        }
        for (int w = WORKER_CNT; w-- > 0;) {
            pt_loss_add(sum, part[w]);
            free(part[w]);
        }
        pt_loss_end(one);
        pt_loss_end(sum);
        assert_true(one->slice_cnt > PT_LOSS_SLICE_CNT / 2 - 2 || !one->slice_shift);
        for (uint32_t i = 0; i < one->worst.conn_cnt; i++) {
            const struct pt_loss_conn *c = &one->worst.conn[i];
            uint64_t bytes = c->bytes[0] + c->bytes[1];
            unsigned worse = 0;

            for (int f = 0; f < FLOW_CNT; f++)
                worse += flow[f].lost.bytes[0] + flow[f].lost.bytes[1] > bytes;
            assert_in_range(worse, 0, i);
            assert_int_equal(bytes,
                             flow[c->flow - 1].lost.bytes[0] + flow[c->flow - 1].lost.bytes[1]);
        }
        expect_same(one, sum);
        free(one);
        free(sum);
    }
}

/* Time is cut into equal slices over the whole capture; each hole is in its own. */
static void test_slices(void **state)
{
    struct pt_loss *l = new_loss();
    struct flow flow;
    uint64_t sum = 0;

    (void)state;
    make_flows(&flow, 1);
    pt_loss_segment(l, -3000000000);
    lose(l, &flow, 2, 0, 100, 2000000000);
    lose(l, &flow, 2, 0, 1000, 2100000000);
    lose(l, &flow, 2, 0, 10, -1);
    pt_loss_segment(l, 60000000000);
    pt_loss_end(l);
    assert_int_equal(PT_LOSS_SLICE_MIN_NS << l->slice_shift, 2000000000);
    assert_int_equal(l->slice_from, -2);
    assert_int_equal(l->slice_cnt, 33);
    assert_int_equal(l->slice[1][0].bytes, 10);
    assert_int_equal(l->slice[3][0].bytes, 1100);
    assert_int_equal(l->slice[3][0].holes, 2);
    for (uint32_t i = 0; i < l->slice_cnt; i++)
        sum += l->slice[i][0].bytes;
    assert_int_equal(sum, l->lost.bytes);
    free(l);
}

static unsigned signs_of(struct pt_loss *l, uint64_t segments, uint64_t copies, uint64_t flows,
                         uint64_t cut_bytes)
{
    struct pt_packet_stats packets = { .cut_bytes = cut_bytes };
    struct pt_stream_stats streams = { .segments = segments,
                                       .segments_copies = copies,
                                       .flows = flows };

    return pt_loss_signs(l, &packets, &streams);
}

static void test_signs(void **state)
{
    struct pt_loss *l = new_loss();
    struct flow flow[10];
    struct pt_stream_event close = { .kind = PT_STREAM_CLOSE, .one_way = true, .len = 500 };

    (void)state;
    make_flows(flow, 10);
    assert_int_equal(signs_of(l, 1000, 10, 10, 0), 0);
    assert_int_equal(signs_of(l, 1000, 500, 10, 0), 1u << PT_LOSS_SIGN_MIRRORED_TWICE);
    assert_int_equal(signs_of(l, 1000, 0, 10, 1), 1u << PT_LOSS_SIGN_SNAP_LENGTH);
    pt_loss_segment(l, 0);
    pt_loss_segment(l, 10000000000);
    lose(l, &flow[0], 1, 0, 1000, 1000000000);
    lose(l, &flow[1], 2, 0, 1000, 3000000000);
    assert_int_equal(signs_of(l, 1000, 0, 10, 0), 1u << PT_LOSS_SIGN_SCATTERED);
    for (int i = 0; i < 9; i++)
        lose(l, &flow[2], 3, 1, 9000, 4000000000 + i * 100000000ll);
    assert_int_equal(signs_of(l, 1000, 0, 10, 0), 1u << PT_LOSS_SIGN_ONE_CONNECTION);
    for (int i = 0; i < 40; i++)
        lose(l, &flow[i % 10], (uint64_t)i % 10 + 1, 1, 1000, 8000000000 + i * 100000ll);
    assert_int_equal(signs_of(l, 1000, 0, 10, 0), 1u << PT_LOSS_SIGN_TAP_OVERLOADED);
    free(l);

    /* A fast link: single losses, and yet some of each moment. */
    for (int bursts = 0; bursts < 2; bursts++) {
        make_flows(flow, 10);
        l = new_loss();
        pt_loss_segment(l, 0);
        pt_loss_segment(l, 1000000000);
        for (int i = 0; i < 1000; i++)
            lose(l, &flow[i % 10], (uint64_t)i % 10 + 1, 1, bursts && i % 3 == 0 ? 20000 : 1000,
                 i * 1000000ll);
        assert_int_equal(signs_of(l, 100000, 0, 10, 0),
                         1u << (bursts ? PT_LOSS_SIGN_TAP_OVERLOADED : PT_LOSS_SIGN_SCATTERED));
        free(l);
    }

    l = new_loss();
    close.a = &flow[0].a;
    close.b = &flow[0].b;
    close.flow = 7;
    close.side = 1;
    close.initiator = 1;
    close.lost = &flow[0].lost;
    pt_loss_event(l, PT_CLUSTER_TARGET, &close);
    assert_int_equal(signs_of(l, 1000, 0, 10, 0), 1u << PT_LOSS_SIGN_ONE_DIRECTION);
    assert_int_equal(signs_of(l, 1000, 0, 11, 0), 0); /* less than a tenth */
    assert_int_equal(l->cluster[PT_CLUSTER_TARGET].one_way_bytes, 500);
    assert_memory_equal(&l->one_way.conn[0].a, &flow[0].b, sizeof(flow[0].b));
    assert_int_equal(l->one_way.conn[0].bytes[0], 500); /* the initiator is the client */
    free(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_split),
        cmocka_unit_test(test_slices),
        cmocka_unit_test(test_signs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
