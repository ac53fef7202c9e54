/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The report for people: the verdict is the first line, what a reviewer needs is on the page, no
 * line is wider than 100 columns (80 on a narrow terminal), and nothing that came from the wire
 * reaches the terminal raw. With -p the program prints the hand-made report, for looking at.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "fake_report.h"
#include "tools/report_text.h"

static char *page(const struct pt_report *r, struct pt_report_text_cfg cfg)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    assert_non_null(f);
    pt_report_text(r, &cfg, f);
    assert_int_equal(fclose(f), 0);
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
        "orders -> dr.orders (2, alias)",
        "1 missing, 2 extra, 1 duplicated, 1 reordered, 1 mutated",
        "10 tap_gap",
        "94.859 %", /* (140 + 63) / (151 + 63), rounded down, by bc */
        "RECORD_MUTATED  orders-0 @41 -> dr.orders-0 @40, differs in value, timestamp",
        "source.pcap packet 17, at 2023-11-14T22:13:21.000000007Z",
        "by \"producer-1\"\n             10.88.4.1:41000",
        "BROKER_NOT_SEEN: broker 2 leads active partitions",
        "(NOT on the tap)",
        "encrypted (TLS): 2 connections to 10.88.1.1:9093",
        "unknown api 999 v0 x 2",
        "only on the target: new-topic",
        "residue 10",
        "is cut off: ends inside packet 101",
        "source: 28.5 kB of TCP payload in 5 holes, on 3 connections",
        "a mark is 0.25 s, the first from 2023-11-14T22:13:20.000000000Z; up to 28.0 kB",
        "source     |. # |",
        "target     |  . |",
        "in pieces: 4 of one segment, 2 of up to 64 KiB",
        "66.666 % of the holes fell within 10 ms of one on another connection",
        "client 10.88.4.1:41000, broker 10.88.1.1:9092: 2.5 kB from the client,",
        "only one direction was seen of 1 connection with 7.8 kB:",
        "89 copies made by the mirror (10",
        "3 packets cut by the snap length, 300 B gone",
        "cost on the target: 7 offsets not seen: 6 tap_gap, 1 oversize",
        "It looks like: Many connections lose at the same moments",
        "It looks like: Packets are cut off",
        "It looks like: Of many connections only one direction is there",
    };
    struct pt_report r = fake_report();
    char *text = page(&r, (struct pt_report_text_cfg){ .colour = true });

    (void)state;
    assert_int_equal(strncmp(text, "DIVERGENT  10 records differ, 90 verified", 41), 0);
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        has(text, parts[i]);
    assert_null(strchr(text, '\033')); /* no terminal: no colours, and never the client's codes */
    has(text, "evil\\x1b[2J\\xff");
    for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
        if (strcspn(line, "\n") > 100)
            fail_msg("wider than 100 columns: %.*s", (int)strcspn(line, "\n"), line);
    }
    free(text);
}

/* On a terminal of 80 columns the tables fit, and so do the lines of our own words. */
static void test_narrow_terminal(void **state)
{
    struct winsize size = { .ws_row = 24, .ws_col = 80 };
    struct pt_report r = fake_report();
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    struct pt_text t;
    FILE *f;

    (void)state;
    assert_true(master >= 0);
    assert_int_equal(grantpt(master) | unlockpt(master), 0);
    f = fdopen(open(ptsname(master), O_RDWR | O_NOCTTY), "r+");
    assert_non_null(f);
    assert_int_equal(ioctl(fileno(f), TIOCSWINSZ, &size), 0);
    pt_text_init(&t, f, false);
    assert_int_equal(t.columns, 80);
    fclose(f);
    close(master);

    t.f = tmpfile();
    assert_non_null(t.f);
    pt_report_text_verdict(&r, &t);
    pt_report_text_topics(&r, &t);
    pt_report_text_logs(&r, &t);
    pt_report_text_findings(&r, &t, true);
    rewind(t.f);
    for (char line[1024]; fgets(line, sizeof(line), t.f);) {
        if (strcspn(line, "\n") > 80)
            fail_msg("wider than 80 columns: %s", line);
    }
    fclose(t.f);
}

static void test_verdict_lines(void **state)
{
    static const struct {
        enum pt_verdict verdict;
        bool single;
        const char *first;
    } rows[] = {
        { PT_VERDICT_PARITY, false, "PARITY  90 records verified" },
        { PT_VERDICT_INCONCLUSIVE, false, "INCONCLUSIVE  90 verified, 0 divergent, but" },
        { PT_VERDICT_PARITY, true, "CLEAN  nothing wrong within this cluster; 70 records" },
        { PT_VERDICT_DIVERGENT, true, "DIVERGENT  0 findings within this cluster" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_report r = fake_report();
        char *text;

        r.verdict = rows[i].verdict;
        r.single = rows[i].single;
        text = page(&r, (struct pt_report_text_cfg){ .verdict_only = true });
        if (strncmp(text, rows[i].first, strlen(rows[i].first)))
            fail_msg("expected \"%s\", got %s", rows[i].first, text);
        assert_null(strstr(text, "Findings"));
        free(text);
    }
}

/* Who captured the wrong thing learns it from the first lines. */
static void test_nothing_seen(void **state)
{
    static const struct pt_result nothing = { .verdict = PT_VERDICT_PARITY };
    struct pt_packet_stats packets = { .cut_bytes = 1 };
    struct pt_report r = fake_report();
    char *text;

    (void)state;
    r.verdict = PT_VERDICT_PARITY;
    r.single = true;
    r.result = &nothing;
    r.conn_cnt = 0;
    r.packets = &packets;
    text = page(&r, (struct pt_report_text_cfg){ .verdict_only = true });
    has(text, "NOTHING SEEN  ");
    has(text, "no Kafka connection could be read");
    has(text, "use tcpdump -s 0");
    free(text);
    r.verdict = PT_VERDICT_INCONCLUSIVE;
    r.single = false;
    text = page(&r, (struct pt_report_text_cfg){ .verdict_only = true });
    has(text, "INCONCLUSIVE  nothing could be compared");
    has(text, "no Kafka connection of the source could be read");
    has(text, "no Kafka connection of the target could be read");
    free(text);
}

/* Ports stand where files do, and say what they lost. */
static void test_ports(void **state)
{
    struct pt_report r = fake_live_report();
    char *text = page(&r, (struct pt_report_text_cfg){ 0 });

    (void)state;
    has(text, "0000:3b:00.0 packet 17, at 2023-11-14T22:13:21.000000007Z");
    has(text, "  source: 0000:3b:00.0, 905 packets, 123.5 kB, 41 lost: 11 missed by the device,");
    has(text, "12 without a free buffer, 13 bad frames, 5 given up before a worker");
    has(text, "102 packets, 10.0 kB, 2 lost: 2 given up before a worker;");
    has(text, "    41 lost before it, as the mirror's numbers say");
    has(text, "not put together: 3 IP fragments");
    has(text, "+ 7 lost");
    free(text);
}

static void test_first_findings(void **state)
{
    struct pt_finding many[50];
    struct pt_result res = fake_result;
    struct pt_report r = fake_report();
    char *few;
    char *all;

    (void)state;
    for (size_t i = 0; i < 50; i++)
        many[i] = fake_findings[0];
    res.findings = many;
    res.finding_cnt = 50;
    r.result = &res;
    few = page(&r, (struct pt_report_text_cfg){ 0 });
    all = page(&r, (struct pt_report_text_cfg){ .all = true });
    has(few, "  20. RECORD_MISSING");
    assert_null(strstr(few, "  21. RECORD_MISSING"));
    has(few, "and 30 more");
    has(all, "  50. RECORD_MISSING");
    free(few);
    free(all);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_page),           cmocka_unit_test(test_narrow_terminal),
        cmocka_unit_test(test_verdict_lines),  cmocka_unit_test(test_nothing_seen),
        cmocka_unit_test(test_first_findings), cmocka_unit_test(test_ports),
    };
    struct pt_report r = fake_report();

    if (argc == 2 && !strcmp(argv[1], "-p")) {
        pt_report_text(&r, &(struct pt_report_text_cfg){ .colour = true }, stdout);
        return 0;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
