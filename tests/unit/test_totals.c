/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several workers have counted becomes one: every counter of every list is summed, rows that
 * say the same of the same are one row, and the order in which workers are added does not matter
 * but for the order of the rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/totals.h"

/* Every counter its own number, so that none can be taken for another. */
static void number(void *stats, size_t sz, uint64_t from)
{
    uint64_t *c = stats;

    for (size_t i = 0; i < sz / sizeof(*c); i++)
        c[i] = from + i;
}

static void expect_sum(const void *sum, size_t sz, uint64_t from_a, uint64_t from_b)
{
    const uint64_t *c = sum;

    for (size_t i = 0; i < sz / sizeof(*c); i++)
        assert_int_equal(c[i], from_a + from_b + 2 * i);
}

static void test_counters(void **state)
{
    struct pt_totals sum = { 0 };
    struct pt_totals a = { 0 };
    struct pt_totals b = { 0 };

    (void)state;
    number(&a.packets, sizeof(a.packets), 1000);
    number(&a.fragments, sizeof(a.fragments), 7000);
    number(&a.streams, sizeof(a.streams), 2000);
    number(&a.parser, sizeof(a.parser), 3000);
    number(&b.packets, sizeof(b.packets), 1);
    number(&b.fragments, sizeof(b.fragments), 60);
    number(&b.streams, sizeof(b.streams), UINT64_C(1) << 40);
    number(&b.parser, sizeof(b.parser), 500);
    pt_totals_add(&sum, &a);
    pt_totals_add(&sum, &b);
    expect_sum(&sum.packets, sizeof(sum.packets), 1000, 1);
    expect_sum(&sum.fragments, sizeof(sum.fragments), 7000, 60);
    expect_sum(&sum.streams, sizeof(sum.streams), 2000, UINT64_C(1) << 40);
    expect_sum(&sum.parser, sizeof(sum.parser), 3000, 500);
    assert_int_equal(sum.api_cnt + sum.conn_cnt, 0);
    assert_false(sum.refused);
    pt_totals_fini(&sum);
}

/* Two workers that saw parts of one mirror session each, and one of them another session. */
static void test_intakes(void **state)
{
    static const struct pt_mirror_id id[2] = { { .session = 7 }, { .session = 8 } };
    struct pt_totals sum = { 0 };
    struct pt_totals other = { 0 };
    struct pt_intake in[2];

    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        assert_int_equal(pt_intake_open(&in[i], &pt_fragments_cfg_default), 0);
        number(&in[i].stats, sizeof(in[i].stats), i ? 1000 : 1);
        number(&in[i].fragments.stats, sizeof(in[i].fragments.stats), i ? 5000 : 6);
        in[i].mirrors.refused = 3;
    }
    /* 0..9 of which 3 and 4 are nowhere; the second worker has the even ones, but the last. */
    for (unsigned n = 0; n < 10; n++)
        if (n != 3 && n != 4)
            pt_mirrors_take(&in[n % 2 == 0 && n < 8].mirrors, &id[0], 2, n);
    pt_mirrors_take(&in[0].mirrors, &id[1], 1, 100);
    pt_mirrors_take(&in[0].mirrors, &id[1], 1, 105);
    pt_totals_intake(&other, &in[0]);
    assert_int_equal(other.mirror.sessions, 2);
    pt_totals_intake(&sum, &in[1]);
    pt_totals_add(&sum, &other);
    expect_sum(&sum.packets, sizeof(sum.packets), 1000, 1);
    expect_sum(&sum.fragments, sizeof(sum.fragments), 5000, 6);
    assert_int_equal(sum.mirror_cnt, 2);
    assert_int_equal(sum.mirror.sessions, 2);
    assert_int_equal(sum.mirror.packets, 10);
    /* The longest span that one worker saw is 1..9: of it, one packet too few seems lost. */
    assert_int_equal(sum.mirror.lost, 1 + 4);
    assert_int_equal(sum.mirror.refused, 6);
    assert_int_equal(pt_mirror_sum(sum.mirrors, sum.mirror_cnt, 1).lost, 4);
    assert_int_equal(pt_mirror_sum(sum.mirrors, sum.mirror_cnt, 2).lost, 1);
    assert_int_equal(pt_mirror_sum(sum.mirrors, sum.mirror_cnt, 3).sessions, 0);
    pt_totals_fini(&sum);
    pt_totals_fini(&other);
    for (unsigned i = 0; i < 2; i++)
        pt_intake_close(&in[i]);
}

/* Each of these alone means that something may have passed unseen. */
static void test_saw_all(void **state)
{
    struct pt_totals t = { 0 };
    uint64_t *const loss[] = {
        &t.streams.holes,
        &t.mirror.lost,
        &t.mirror.restarts,
        &t.mirror.refused,
        &t.fragments.datagrams_late,
        &t.fragments.datagrams_evicted,
        &t.fragments.datagrams_differ,
        &t.fragments.fragments_refused,
        &t.packets.kind[PT_PACKET_CUT],
        &t.packets.kind[PT_PACKET_MIXED],
        &t.loss.cluster[PT_CLUSTER_SOURCE].one_way,
    };

    (void)state;
    t.loss.cluster[PT_CLUSTER_TARGET].one_way = 9;
    t.packets.kind[PT_PACKET_FRAGMENT] = t.packets.kind[PT_PACKET_TCP] = 9;
    t.fragments.fragments = t.fragments.fragments_again = 9;
    t.mirror.packets = t.mirror.again = t.mirror.strays = 9;
    assert_true(pt_totals_saw_all(&t, PT_CLUSTER_SOURCE));
    for (size_t i = 0; i < sizeof(loss) / sizeof(loss[0]); i++) {
        *loss[i] = 1;
        assert_false(pt_totals_saw_all(&t, PT_CLUSTER_SOURCE));
        *loss[i] = 0;
    }
}

static struct pt_conn_row conn(uint8_t cluster, uint8_t kind, uint8_t host, uint16_t port,
                               const char *note, uint64_t cnt)
{
    struct pt_conn_row row = { .cluster = cluster,
                               .kind = kind,
                               .broker.port = port,
                               .connections = cnt,
                               .bytes = cnt * 100 };

    row.broker.ip[15] = host;
    snprintf(row.note, sizeof(row.note), "%s", note);
    return row;
}

static void test_conn_rows(void **state)
{
    struct pt_conn_row first[] = {
        conn(0, PT_CONN_KAFKA, 1, 9092, "", 1),
        conn(0, PT_CONN_TLS, 1, 9092, "TLS 1.3 a", 2),
        conn(1, PT_CONN_KAFKA, 1, 9092, "", 4),
        conn(0, PT_CONN_KAFKA, 2, 9092, "", 8),
    };
    struct pt_conn_row second[] = {
        conn(0, PT_CONN_KAFKA, 1, 9093, "", 16),
        conn(0, PT_CONN_TLS, 1, 9092, "TLS 1.3 b", 32),
        conn(0, PT_CONN_KAFKA, 2, 9092, "", 64),
        conn(0, PT_CONN_KAFKA, 1, 9092, "", 128),
        conn(0, PT_CONN_TLS, 1, 9092, "TLS 1.3 a", 256),
    };
    static const uint64_t want[] = { 1 + 128, 2 + 256, 4, 8 + 64, 16, 32 };
    struct pt_totals a = { .conns = first, .conn_cnt = 4 };
    struct pt_totals b = { .conns = second, .conn_cnt = 5 };
    struct pt_totals sum = { 0 };

    (void)state;
    pt_totals_add(&sum, &a);
    pt_totals_add(&sum, &b);
    assert_int_equal(sum.conn_cnt, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(sum.conns[i].connections, want[i]);
        assert_int_equal(sum.conns[i].bytes, want[i] * 100);
    }
    assert_int_equal(sum.conns[5].broker.port, 9092);
    assert_string_equal(sum.conns[5].note, "TLS 1.3 b");
    assert_int_equal(first[0].connections, 1); /* what was added stays as it was */
    pt_totals_fini(&sum);
    assert_int_equal(sum.conn_cnt, 0);
    assert_null(sum.conns);
}

static void test_api_rows(void **state)
{
    static const uint64_t weight[3] = { 1, 1000, 1000000 };
    struct pt_api_row rows[3][12];
    struct pt_totals sum = { 0 };

    (void)state;
    /* Three workers; worker w saw APIs w to w+5 in both clusters, the second one also twice. */
    for (int16_t w = 0; w < 3; w++) {
        struct pt_totals one = { .apis = rows[w], .api_cnt = 12 };

        for (int16_t i = 0; i < 12; i++)
            rows[w][i] = (struct pt_api_row){ .cluster = i & 1,
                                              .api_key = (int16_t)(w + i / 2),
                                              .api_version = (int16_t)(i / 2 == 1 ? 7 : 9),
                                              .requests = weight[w],
                                              .responses = 2 * weight[w],
                                              .unparsed = 3 * weight[w] };
        pt_totals_add(&sum, &one);
    }
    /* 8 APIs of version 9 and 3 of version 7, of which one (key 1..3) each has version 9, too. */
    for (size_t i = 0; i < sum.api_cnt; i++) {
        uint64_t want = 0;

        for (size_t w = 0; w < 3; w++)
            for (size_t k = 0; k < 12; k++)
                if (rows[w][k].cluster == sum.apis[i].cluster &&
                    rows[w][k].api_key == sum.apis[i].api_key &&
                    rows[w][k].api_version == sum.apis[i].api_version)
                    want += weight[w];
        assert_int_equal(sum.apis[i].requests, want);
        assert_int_equal(sum.apis[i].responses, 2 * want);
        assert_int_equal(sum.apis[i].unparsed, 3 * want);
        for (size_t k = 0; k < i; k++)
            assert_false(sum.apis[k].cluster == sum.apis[i].cluster &&
                         sum.apis[k].api_key == sum.apis[i].api_key &&
                         sum.apis[k].api_version == sum.apis[i].api_version);
    }
    assert_int_equal(sum.api_cnt, 2 * (8 + 3));
    pt_totals_fini(&sum);
}

/* That rows are missing is never forgotten. */
static void test_refused_stays(void **state)
{
    struct pt_totals sum = { 0 };
    struct pt_totals refused = { .refused = true };
    struct pt_totals whole = { 0 };

    (void)state;
    pt_totals_add(&sum, &whole);
    assert_false(sum.refused);
    pt_totals_add(&sum, &refused);
    pt_totals_add(&sum, &whole);
    assert_true(sum.refused);
    pt_totals_fini(&sum);
    assert_false(sum.refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_counters), cmocka_unit_test(test_intakes),
        cmocka_unit_test(test_saw_all),  cmocka_unit_test(test_conn_rows),
        cmocka_unit_test(test_api_rows), cmocka_unit_test(test_refused_stays),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
