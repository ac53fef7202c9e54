/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The page of `paritap top`, drawn from snapshots made by hand: what must be on it at 80x24, rates
 * between two snapshots, what comes first, that a section which is cut says by how much, and that
 * a writer who is late or dead is called so. Any size of terminal is drawn without a trace outside
 * of it. With -p the program prints the page, for looking at.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/segment_writer.h"
#include "tools/top_view.h"

#define TOPICS 30

static struct pt_segment_tap taps[2][2];
static struct pt_segment_core cores[2][1];
static struct pt_segment_cluster clusters[2];
static struct pt_segment_pair pairs[TOPICS];
static struct pt_topic_sums topics[TOPICS];
static struct pt_segment_code codes[1];
static struct pt_segment_finding finding;

/* Two snapshots two seconds apart; the second is what is shown. */
static struct pt_snapshot snapshot(int second)
{
    struct pt_snapshot s = {
        .id = { .pid = 4711, .run_id = 1 },
        .life = PT_SEGMENT_ALIVE,
        .state = PT_SEGMENT_RUNNING,
        .beat_age_ns = 100000000,
        .taken_ns = 1000000000 + second * 2000000000ll,
        .run = { .verdict = PT_SEGMENT_DIVERGENT,
                 .verified = 12000431,
                 .divergent = 3,
                 .unseen = 37,
                 .offsets_certified = 999,
                 .offsets_observed = 1000 },
        .taps = taps[second],
        .tap_cnt = 2,
        .cores = cores[second],
        .core_cnt = 1,
        .clusters = clusters,
        .cluster_cnt = 2,
        .codes = codes,
        .code_cnt = 1,
        .topics = topics,
        .topic_cnt = TOPICS,
    };

    PT_SEGMENT_SET(s.id.program, "paritap 1.2.3");
    PT_SEGMENT_SET(s.id.host, "probe");
    return s;
}

static int make(void **state)
{
    (void)state;
    for (int second = 0; second < 2; second++) {
        for (uint32_t i = 0; i < 2; i++) {
            struct pt_segment_tap *tap = &taps[second][i];

            *tap = (struct pt_segment_tap){ .role = i };
            PT_SEGMENT_SET(tap->name, i ? "0000:17:00.1" : "0000:17:00.0");
        }
        PT_SEGMENT_SET(cores[second][0].name, "worker 0");
        cores[second][0].cpu = 5;
        cores[second][0].busy_permille = 955;
    }
    taps[0][0].packets = 1000000;
    taps[1][0].packets = 1000000 + 2 * 654321; /* in two seconds */
    taps[1][0].bytes = 2 * 800000000ull;
    taps[1][1].lost = 22;
    cores[1][0].shed = 9;
    cores[1][0].ladder_step = 1;
    clusters[0] = (struct pt_segment_cluster){ .brokers = 3, .brokers_seen = 2 };
    clusters[1] = (struct pt_segment_cluster){ .role = PT_SEGMENT_TARGET };
    for (int i = 0; i < TOPICS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "topic-%02d", i);
        PT_SEGMENT_SET(pairs[i].source_topic, name);
        topics[i] = (struct pt_topic_sums){
            .first = &pairs[i],
            .partitions = 2,
            .verified = 5,
            .divergent = i == 17 ? 3 : 0,
            .lag_records = i == 4 ? 88 : 0,
            .lag_ns = i == 4 ? 61000000000 : -1,
            .offsets_certified = 1,
            .offsets_observed = 1,
        };
    }
    PT_SEGMENT_SET(pairs[17].source_topic, "evil\033[2J\xff");
    PT_SEGMENT_SET(codes[0].name, "RECORD_MISSING");
    codes[0].total = 3;
    finding = (struct pt_segment_finding){ .severity = PT_SEGMENT_DIVERGENCE, .cnt = 3 };
    PT_SEGMENT_SET(finding.code, "RECORD_MISSING");
    finding.source.flags = PT_SEGMENT_PLACE_VALID;
    finding.source.offset = 304;
    PT_SEGMENT_SET(finding.source.topic, "orders");
    return 0;
}

/* page returns the screen as lines without spaces at their ends. */
static char *page(const struct pt_top *top, unsigned rows, unsigned columns)
{
    struct pt_screen s = { 0 };
    char *text = calloc(1, (size_t)rows * (columns + 1) + 1);
    size_t at = 0;

    assert_non_null(text);
    assert_int_equal(pt_screen_resize(&s, rows, columns), 0);
    assert_int_equal(pt_top_draw(top, &s), 0);
    for (unsigned row = 0; row < rows; row++) {
        unsigned len = columns;

        while (len && s.ch[(size_t)row * columns + len - 1] == ' ')
            len--;
        memcpy(text + at, s.ch + (size_t)row * columns, len);
        at += len;
        text[at++] = '\n';
    }
    pt_screen_free(&s);
    return text;
}

static void has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("not on the page: %s\n%s", part, text);
}

static void test_page(void **state)
{
    static const char *const parts[] = {
        "DIVERGENT so far  12,000,431 verified  3 divergent  37 unseen  coverage 99.900 %",
        "paritap 1.2.3 on probe, pid 4711: running",
        " 654,321/s", /* packets between the snapshots over two seconds */
        "800.0 MB/s",
        " 11/s ", /* loss */
        "95 %",
        "step 1",
        "2/3", /* brokers */
        "evil\\x1b[2J\\xff (2)",
        "88    1m 01s",
        "RECORD_MISSING x 3",
        "RECORD_MISSING  orders-0 @304  3 records",
        "2 not read in time",
        "q quit",
    };
    struct pt_snapshot now = snapshot(1);
    struct pt_snapshot before = snapshot(0);
    struct pt_top top = {
        .now = &now, .before = &before, .latest = &finding, .latest_cnt = 1, .missed = 2
    };
    char *text = page(&top, 24, 80);
    unsigned topics_shown = 0;
    unsigned more = 0;
    const char *at;

    (void)state;
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        has(text, parts[i]);
    assert_null(strchr(text, '\033'));
    /* What diverges first, what lags next, the others by name. */
    assert_true(strstr(text, "evil") < strstr(text, "topic-04"));
    assert_true(strstr(text, "topic-04") < strstr(text, "topic-00"));
    assert_true(strstr(text, "topic-00") < strstr(text, "topic-01"));
    /* All 30 topics are shown or counted. */
    for (at = text; (at = strstr(at, " (2)")); at++)
        topics_shown++;
    at = strstr(text, "and ");
    assert_non_null(at);
    assert_int_equal(sscanf(at, "and %u more", &more), 1);
    assert_int_equal(topics_shown + more, TOPICS);
    free(text);

    text = page(&top, 60, 160); /* room for all */
    assert_null(strstr(text, " more"));
    has(text, "topic-29");
    free(text);
}

static void test_no_rates_at_first(void **state)
{
    struct pt_snapshot now = snapshot(1);
    struct pt_top top = { .now = &now };
    char *text = page(&top, 24, 80);

    (void)state;
    assert_null(strstr(text, "/s"));
    assert_null(strstr(text, "not read in time"));
    free(text);
}

static void test_writer(void **state)
{
    static const struct {
        enum pt_segment_life life;
        int64_t age_ns;
        const char *part;
        const char *packets; /* counts, where there are no rates any more */
    } rows[] = {
        { PT_SEGMENT_ALIVE, 0, ": running", " 654,321/s" },
        { PT_SEGMENT_STALE, 4200000000, "STALE: no heartbeat for 4.2 s", " 654,321/s" },
        { PT_SEGMENT_DEAD, 3 * 3600 * 1000000000ll, "DEAD for 3h 00m", " 2,308,642 " },
        { PT_SEGMENT_OVER, 59000000, "ended 59 ms ago", " 2,308,642 " },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_snapshot now = snapshot(1);
        struct pt_snapshot before = snapshot(0);
        struct pt_top top = { .now = &now, .before = &before };
        char *text;

        now.life = rows[i].life;
        now.beat_age_ns = rows[i].age_ns;
        text = page(&top, 24, 80);
        has(text, rows[i].part);
        has(text, rows[i].packets);
        has(text, "12,000,431 verified"); /* the last state, whatever happened */
        free(text);
    }
}

/* Every size, also one without room for anything; the sanitizers watch the edges. */
static void test_sizes(void **state)
{
    struct pt_snapshot now = snapshot(1);
    struct pt_top top = { .now = &now, .before = &now, .latest = &finding, .latest_cnt = 1 };

    (void)state;
    for (unsigned rows = 0; rows < 30; rows++) {
        for (unsigned columns = 0; columns < 120; columns += 7)
            free(page(&top, rows, columns));
    }
}

/* Long names lose their middle, never their end: that is where topics differ. */
static void test_fit(void **state)
{
    static const struct {
        unsigned end;
        const char *text;
        const char *want;
        const char *why;
    } rows[] = {
        { 10, "orders", "orders", "fits" },
        { 6, "orders", "orders", "fits exactly" },
        { 8, "customer-orders", "cus..ers", "cut in the middle" },
        { 3, "orders", "ord", "too narrow for dots" },
        { 0, "orders", "", "no room" },
    };
    struct pt_screen s = { 0 };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char want[21];

        assert_int_equal(pt_screen_resize(&s, 1, 20), 0);
        pt_screen_fit(&s, 0, 0, rows[i].end, PT_SCREEN_PLAIN, rows[i].text);
        snprintf(want, sizeof(want), "%-20s", rows[i].want);
        if (memcmp(s.ch, want, 20))
            fail_msg("%s: \"%.20s\"", rows[i].why, s.ch);
    }
    pt_screen_free(&s);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_page, make),
        cmocka_unit_test_setup(test_no_rates_at_first, make),
        cmocka_unit_test_setup(test_writer, make),
        cmocka_unit_test_setup(test_sizes, make),
        cmocka_unit_test(test_fit),
    };

    if (argc > 1 && !strcmp(argv[1], "-p")) {
        struct pt_snapshot now;
        struct pt_snapshot before;
        struct pt_top top = { .now = &now, .before = &before, .latest = &finding, .latest_cnt = 1 };
        char *text;

        make(NULL);
        now = snapshot(1);
        before = snapshot(0);
        text = page(&top, 24, 80);
        fputs(text, stdout);
        free(text);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
