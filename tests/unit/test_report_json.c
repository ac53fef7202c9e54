/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The JSON report: jansson, which had no part in writing it, reads it back, and every name of the
 * contract holds the value of the hand-made report. Two writes give the same bytes. With a file
 * name as argument the program only writes that report there (with "ports" behind it, that of a
 * live run): the schema test reads it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <jansson.h>
#include <stdlib.h>

#include "fake_report.h"
#include "tools/json_out.h"
#include "tools/report_json.h"

static char *written(const struct pt_report *r)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    assert_non_null(f);
    assert_int_equal(pt_report_json(r, f), 0);
    assert_int_equal(fclose(f), 0);
    return text;
}

static json_t *parsed(const struct pt_report *r)
{
    char *text = written(r);
    json_error_t err;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &err);

    if (!root)
        fail_msg("%s at line %d: %.200s", err.text, err.line, text);
    free(text);
    return root;
}

static json_int_t num(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_integer(v))
        fail_msg("%s is no integer", key);
    return json_integer_value(v);
}

static const char *str(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    if (!json_is_string(v))
        fail_msg("%s is no string", key);
    return json_string_value(v);
}

static void test_pairs(void **state)
{
    struct pt_report r = fake_report();
    json_t *root = parsed(&r);
    const json_t *p = json_array_get(json_object_get(root, "pairs"), 0);
    const json_t *map = json_object_get(p, "offset_map");
    const json_t *unseen = json_object_get(p, "unseen");

    (void)state;
    assert_string_equal(str(root, "format"), "paritap-report");
    assert_int_equal(num(root, "version"), 1);
    assert_string_equal(str(root, "verdict"), "divergent");
    assert_string_equal(str(json_object_get(p, "source"), "topic"), "orders");
    /* base64.urlsafe_b64encode of the 16 bytes, by Python. */
    assert_string_equal(str(json_object_get(p, "source"), "topic_id"), "VC9rXksaTmy_UwoB_wB-PQ");
    assert_true(json_is_null(json_object_get(json_object_get(p, "target"), "topic_id")));
    assert_int_equal(num(p, "source_records"), 69);
    assert_int_equal(num(p, "verified"), 60);
    assert_int_equal(num(p, "ambiguous"), 4);    /* 1 missing or reordered, 2 source, 1 target */
    assert_int_equal(num(p, "unverifiable"), 5); /* 2 + 3 */
    assert_int_equal(num(unseen, "tap_gap"), 10);
    assert_int_equal(num(unseen, "oversize"), 1);
    assert_int_equal(json_object_size(unseen), 2);
    assert_true(json_real_value(json_object_get(p, "coverage")) >= 140.0 / 151.0);
    assert_true(json_real_value(json_object_get(p, "coverage")) <= 140.0 / 151.0);
    assert_int_equal(json_array_size(map), 2);
    assert_int_equal(num(json_array_get(map, 1), "source_from"), 42);
    assert_int_equal(num(json_array_get(map, 1), "target_from"), 41);
    assert_int_equal(num(json_array_get(map, 1), "count"), 20);
    p = json_array_get(json_object_get(root, "pairs"), 1);
    assert_int_equal(num(p, "pending"), 3);
    assert_int_equal(num(json_array_get(json_object_get(p, "offset_map"), 0), "target_from"),
                     1000000000000);
    json_decref(root);
}

static void test_findings(void **state)
{
    struct pt_report r = fake_report();
    json_t *root = parsed(&r);
    const json_t *all = json_object_get(root, "findings");
    const json_t *f = json_array_get(all, 0);
    const json_t *place = json_object_get(f, "source");

    (void)state;
    assert_int_equal(json_array_size(all), 3);
    assert_string_equal(str(f, "code"), "RECORD_MISSING");
    assert_string_equal(str(f, "severity"), "divergence");
    assert_int_equal(num(f, "pair"), 0);
    assert_true(json_is_null(json_object_get(f, "cluster")));
    assert_true(json_is_null(json_object_get(f, "target")));
    assert_int_equal(num(place, "offset"), 40);
    /* date -u -d @1700000000: 2023-11-14 22:13:20 */
    assert_string_equal(str(place, "timestamp"), "2023-11-14T22:13:20.123Z");
    assert_string_equal(str(place, "time"), "2023-11-14T22:13:21.000000007Z");
    assert_string_equal(str(place, "file"), "source.pcap");
    assert_int_equal(num(place, "packet"), 17);
    assert_string_equal(str(place, "client_id"), "producer-1");
    assert_string_equal(str(place, "client_addr"), "10.88.4.1:41000");

    f = json_array_get(all, 1);
    assert_int_equal(json_array_size(json_object_get(f, "parts")), 2);
    assert_true(json_is_null(json_object_get(json_object_get(f, "source"), "timestamp")));
    assert_true(json_is_null(json_object_get(json_object_get(f, "source"), "key_hash")));
    place = json_object_get(f, "target");
    assert_true(json_is_null(json_object_get(place, "packet")));
    assert_true(json_is_null(json_object_get(place, "timestamp"))); /* year 292277026 */
    assert_int_equal(num(place, "timestamp_ms"), INT64_MAX);
    assert_string_equal(str(place, "client_id"), "evil\033[2J\xef\xbf\xbd");

    f = json_array_get(all, 2);
    assert_true(json_is_null(json_object_get(f, "pair")));
    assert_string_equal(str(f, "cluster"), "source");
    json_decref(root);
}

static void test_clusters(void **state)
{
    struct pt_report r = fake_report();
    json_t *root = parsed(&r);
    const json_t *clusters = json_object_get(root, "clusters");
    const json_t *src = json_array_get(clusters, 0);
    const json_t *log = json_array_get(json_object_get(src, "logs"), 0);
    const json_t *apis = json_object_get(src, "apis");
    const json_t *input = json_array_get(json_object_get(root, "inputs"), 1);

    (void)state;
    assert_int_equal(json_array_size(clusters), 2);
    assert_string_equal(str(src, "role"), "source");
    assert_string_equal(str(src, "cluster_id"), "AbCdEf");
    assert_true(json_is_null(json_object_get(json_array_get(clusters, 1), "cluster_id")));
    assert_int_equal(num(json_object_get(src, "connections"), "total"), 7);
    assert_int_equal(num(json_object_get(src, "connections"), "tls"), 2);
    assert_string_equal(str(json_array_get(apis, 0), "api"), "Produce");
    assert_string_equal(str(json_array_get(apis, 1), "api"), "api_999");
    assert_int_equal(num(log, "last_offset"), 75);
    assert_true(json_is_null(json_object_get(log, "log_start_offset")));
    assert_string_equal(str(json_array_get(json_object_get(log, "batches"), 0), "codec"), "zstd");
    assert_string_equal(str(json_array_get(json_object_get(log, "batches"), 0), "source"),
                        "produce");
    assert_string_equal(str(input, "file"), "target \"x\".pcap");
    assert_null(json_object_get(input, "port"));
    assert_null(json_object_get(input, "missed"));
    assert_string_equal(str(input, "role"), "target");
    assert_true(json_is_true(json_object_get(input, "truncated")));
    json_decref(root);
}

/* A live run has ports, and what they lost is in the books. */
static void test_ports(void **state)
{
    struct pt_report r = fake_live_report();
    json_t *root = parsed(&r);
    const json_t *port = json_array_get(json_object_get(root, "inputs"), 0);
    const json_t *other = json_array_get(json_object_get(root, "inputs"), 1);
    const json_t *place =
            json_object_get(json_array_get(json_object_get(root, "findings"), 0), "source");
    const json_t *packets = json_object_get(json_object_get(root, "ledger"), "packets");

    (void)state;
    assert_string_equal(str(port, "port"), "0000:3b:00.0");
    assert_null(json_object_get(port, "file"));
    assert_int_equal(num(port, "packets"), 905);
    assert_int_equal(num(port, "missed"), 11);
    assert_int_equal(num(port, "no_buffer"), 12);
    assert_int_equal(num(port, "errors"), 13);
    assert_int_equal(num(port, "lost"), 5);
    assert_true(json_is_null(json_object_get(port, "trouble")));
    assert_int_equal(num(other, "lost"), 2);
    assert_string_equal(str(place, "file"), "0000:3b:00.0");
    assert_int_equal(num(packets, "total"), 1007);
    assert_int_equal(num(json_object_get(packets, "parts"), "lost"), 7);
    assert_int_equal(num(packets, "residue"), 0);
    json_decref(root);

    /* Stopped: what is left behind is what neither a worker took nor was given up. */
    r.stopped = "interrupted";
    root = parsed(&r);
    packets = json_object_get(json_object_get(root, "ledger"), "packets");
    assert_int_equal(num(json_object_get(packets, "parts"), "left_when_stopped"), 0);
    assert_int_equal(num(packets, "residue"), 0);
    json_decref(root);
}

static void test_ledger(void **state)
{
    struct pt_report r = fake_report();
    json_t *root = parsed(&r);
    const json_t *ledger = json_object_get(root, "ledger");

    (void)state;
    assert_int_equal(num(json_object_get(ledger, "packets"), "residue"), 0);
    assert_int_equal(num(json_object_get(ledger, "stream_bytes"), "residue"), 10);
    assert_int_equal(num(json_object_get(ledger, "frames"), "residue"), 0);
    assert_int_equal(num(json_object_get(ledger, "batches"), "residue"), 0);
    assert_int_equal(num(json_object_get(ledger, "offsets"), "residue"), 0);
    assert_int_equal(num(json_object_get(ledger, "offsets"), "total"), 151 + 63);
    json_decref(root);
}

static void test_same_bytes(void **state)
{
    struct pt_report r = fake_report();
    char *a = written(&r);
    char *b = written(&r);

    (void)state;
    assert_string_equal(a, b);
    free(a);
    free(b);
}

static void test_inspect(void **state)
{
    struct pt_report r = fake_report();
    json_t *root;

    (void)state;
    r.single = true;
    r.verdict = PT_VERDICT_INCONCLUSIVE;
    r.stopped = "interrupted by the operator";
    root = parsed(&r);
    assert_int_equal(json_array_size(json_object_get(root, "clusters")), 1);
    assert_string_equal(str(root, "verdict"), "inconclusive");
    assert_string_equal(str(root, "stopped"), "interrupted by the operator");
    json_decref(root);
}

static void test_utf8(void **state)
{
    static const struct {
        const char *text;
        unsigned len;
        const char *why;
    } rows[] = {
        { "a", 1, "ASCII" },
        { "\xc3\xa9", 2, "two bytes" },
        { "\xe2\x86\x92", 3, "three bytes" },
        { "\xf0\x9f\x98\x80", 4, "four bytes" },
        { "\xc0\x80", 0, "overlong zero" },
        { "\xe0\x80\xaf", 0, "overlong slash" },
        { "\xed\xa0\x80", 0, "surrogate" },
        { "\xf4\x90\x80\x80", 0, "above U+10FFFF" },
        { "\xe2\x86", 0, "cut short" },
        { "\x86", 0, "continuation first" },
        { "\xff", 0, "never valid" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (pt_utf8_len(rows[i].text) != rows[i].len)
            fail_msg("%s: %u", rows[i].why, pt_utf8_len(rows[i].text));
    }
}

static int write_report(const char *path, bool ports)
{
    struct pt_report r = ports ? fake_live_report() : fake_report();
    FILE *f = fopen(path, "w");

    if (!f)
        return 1;
    return pt_report_json(&r, f) || fclose(f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),      cmocka_unit_test(test_findings),
        cmocka_unit_test(test_clusters),   cmocka_unit_test(test_ledger),
        cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_inspect),
        cmocka_unit_test(test_utf8),       cmocka_unit_test(test_ports),
    };

    if (argc >= 2)
        return write_report(argv[1], argc == 3);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
