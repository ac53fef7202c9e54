/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes, durations, addresses and times: what is accepted, what is refused, and that texts parse
   back. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "tools/values.h"

static void test_sizes(void **state)
{
    static const struct {
        const char *text;
        int rc;
        uint64_t sz;
        const char *why;
    } rows[] = {
        { "0", 0, 0, "zero" },
        { "65536", 0, 65536, "bytes" },
        { "512MiB", 0, 536870912, "binary unit" },
        { "2G", 0, 2147483648, "short unit" },
        { "2 gib", 0, 2147483648, "case and a space" },
        { "16777215TiB", 0, 18446742974197923840ull, "the largest that fits" },
        { "16777216TiB", -1, 0, "2^64 does not fit" },
        { "18446744073709551616", -1, 0, "2^64 does not fit" },
        { "-1", -1, 0, "sign" },
        { "", -1, 0, "empty" },
        { "MiB", -1, 0, "no number" },
        { "1.5G", -1, 0, "fraction" },
        { "1Gx", -1, 0, "trailing text" },
    };
    struct pt_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint64_t sz = 77;
        char buf[PT_TEXT_MAX];
        int rc = pt_parse_size(rows[i].text, &sz, &err);

        if (!!rc != !!rows[i].rc || sz != (rc ? 77 : rows[i].sz))
            fail_msg("%s: %d %lu", rows[i].why, rc, (unsigned long)sz);
        if (rc)
            continue;
        assert_int_equal(pt_parse_size(pt_text_size(sz, buf), &sz, &err), 0);
        assert_int_equal(sz, rows[i].sz);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t ns;
        const char *why;
    } rows[] = {
        { "60", 0, 60000000000, "bare number is seconds" },
        { "60s", 0, 60000000000, "seconds" },
        { "200ms", 0, 200000000, "milliseconds" },
        { "5m", 0, 300000000000, "minutes" },
        { "1h", 0, 3600000000000, "hours" },
        { "7ns", 0, 7, "nanoseconds" },
        { "9223372036s", 0, 9223372036000000000, "as long as 63 bits hold" },
        { "9223372037s", -1, 0, "longer" },
        { "5 parsecs", -1, 0, "unknown unit" },
        { "-5s", -1, 0, "sign" },
    };
    struct pt_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ns = 77;
        char buf[PT_TEXT_MAX];
        int rc = pt_parse_duration(rows[i].text, &ns, &err);

        if (!!rc != !!rows[i].rc || ns != (rc ? 77 : rows[i].ns))
            fail_msg("%s: %d %ld", rows[i].why, rc, (long)ns);
        if (rc)
            continue;
        assert_int_equal(pt_parse_duration(pt_text_duration(ns, buf), &ns, &err), 0);
        assert_int_equal(ns, rows[i].ns);
    }
}

static void test_offsets(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t ns;
        const char *why;
    } rows[] = {
        { "-0.3", 0, -300000000, "a clock that is ahead" },
        { "+250ms", 0, 250000000, "with a unit" },
        { "12.000000001", 0, 12000000001, "nine decimals" },
        { "0", 0, 0, "as recorded, whatever is estimated" },
        { "87600h", 0, 315360000000000000, "ten years" },
        { "87601h", -1, 0, "more than that" },
        { "1.0000000001", -1, 0, "ten decimals" },
        { ".5", -1, 0, "no digit before the point" },
        { "1.5ms", -1, 0, "decimals are seconds" },
        { "--1", -1, 0, "two signs" },
        { "", -1, 0, "nothing" },
    };
    struct pt_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int64_t ns = 77;
        char buf[PT_TEXT_MAX];
        int rc = pt_parse_offset(rows[i].text, &ns, &err);

        if (!!rc != !!rows[i].rc || ns != (rc ? 77 : rows[i].ns))
            fail_msg("%s: %d %ld", rows[i].why, rc, (long)ns);
        if (rc)
            continue;
        assert_int_equal(pt_parse_offset(pt_text_duration(ns, buf), &ns, &err), 0);
        assert_int_equal(ns, rows[i].ns);
    }
}

static void test_addresses(void **state)
{
    static const struct {
        const char *text;
        const char *back; /* NULL: refused */
        unsigned prefix_len;
        unsigned port;
        const char *why;
    } rows[] = {
        { "10.88.1.1", "10.88.1.1", 128, 0, "one address" },
        { "10.88.1.1:9092", "10.88.1.1:9092", 128, 9092, "with port" },
        { "10.88.1.0/24", "10.88.1.0/24", 120, 0, "network" },
        { "10.88.1.0/24:9092", "10.88.1.0/24:9092", 120, 9092, "network with port" },
        { "0.0.0.0/0", "0.0.0.0/0", 96, 0, "all of IPv4, nothing of IPv6" },
        { "fd00::1", "[fd00::1]", 128, 0, "IPv6 needs no brackets" },
        { "[fd00::1]:9092", "[fd00::1]:9092", 128, 9092, "with port it does" },
        { "fd00::/8", "[fd00::]/8", 8, 0, "IPv6 network" },
        { "[fd00::]/8:9092", "[fd00::]/8:9092", 8, 9092, "IPv6 network with port" },
        { "10.88.1.1:", NULL, 0, 0, "port missing" },
        { "10.88.1.1:65536", NULL, 0, 0, "port too large" },
        { "10.88.1.1:-1", NULL, 0, 0, "port negative" },
        { "10.88.1.1/33", NULL, 0, 0, "prefix too long" },
        { "10.88.1.1/", NULL, 0, 0, "prefix missing" },
        { "fd00::/129", NULL, 0, 0, "prefix too long for IPv6" },
        { "10.88.1", NULL, 0, 0, "not an address" },
        { "broker-1.example:9092", NULL, 0, 0, "names are not looked up" },
        { "", NULL, 0, 0, "empty" },
    };
    struct pt_error err;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_cidr c = { .port = 77 };
        char buf[PT_TEXT_MAX];
        int rc = pt_parse_cidr(rows[i].text, &c, &err);

        if (!rc != !!rows[i].back)
            fail_msg("%s: %d", rows[i].why, rc);
        if (rc) {
            assert_int_equal(c.port, 77);
            assert_non_null(strstr(err.text, rows[i].text));
            continue;
        }
        assert_int_equal(c.prefix_len, rows[i].prefix_len);
        assert_int_equal(c.port, rows[i].port);
        assert_string_equal(pt_text_cidr(&c, buf), rows[i].back);
    }
}

static void test_times(void **state)
{
    char buf[PT_TEXT_MAX];

    (void)state;
    /* All by: date -u -d @SECONDS */
    assert_string_equal(pt_text_time_ms(0, buf), "1970-01-01T00:00:00.000Z");
    assert_string_equal(pt_text_time_ms(-2, buf), "1969-12-31T23:59:59.998Z");
    assert_string_equal(pt_text_time_ms(951782400001, buf), "2000-02-29T00:00:00.001Z");
    assert_string_equal(pt_text_time_ms(253402300799999, buf), "9999-12-31T23:59:59.999Z");
    assert_null(pt_text_time_ms(253402300800000, buf));
    assert_null(pt_text_time_ms(INT64_MAX, buf));
    assert_null(pt_text_time_ms(INT64_MIN, buf));
    assert_string_equal(pt_text_time_ns(1700000000000000001, buf),
                        "2023-11-14T22:13:20.000000001Z");
    assert_string_equal(pt_text_time_ns(-1, buf), "1969-12-31T23:59:59.999999999Z");
    assert_non_null(pt_text_time_ns(INT64_MIN, buf));
}

static void test_numbers(void **state)
{
    struct pt_error err;
    char buf[PT_TEXT_MAX];
    double share = 7;
    uint64_t v = 7;

    (void)state;
    assert_string_equal(pt_text_count(0, buf), "0");
    assert_string_equal(pt_text_count(999, buf), "999");
    assert_string_equal(pt_text_count(12000431, buf), "12,000,431");
    assert_string_equal(pt_text_real(0.99, buf), "0.99");
    assert_string_equal(pt_text_real(1, buf), "1");
    assert_string_equal(pt_text_real(1.0 / 3, buf), "0.3333333333333333");
    assert_string_equal(pt_text_bytes(999, buf), "999 B");
    assert_string_equal(pt_text_bytes(123456, buf), "123.5 kB");
    assert_int_equal(pt_parse_u64("0xff", &v, &err), 0);
    assert_int_equal(v, 255);
    assert_int_not_equal(pt_parse_u64("ff", &v, &err), 0);
    assert_int_not_equal(pt_parse_u64("0x", &v, &err), 0);
    assert_int_not_equal(pt_parse_u64("-3", &v, &err), 0);
    assert_int_equal(pt_parse_ratio("99.5%", &share, &err), 0);
    assert_true(share > 0.99499 && share < 0.99501);
    assert_int_not_equal(pt_parse_ratio("nan", &share, &err), 0);
    assert_int_not_equal(pt_parse_ratio("", &share, &err), 0);
    assert_int_not_equal(pt_parse_ratio("1x", &share, &err), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sizes),   cmocka_unit_test(test_durations),
        cmocka_unit_test(test_offsets), cmocka_unit_test(test_addresses),
        cmocka_unit_test(test_times),   cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
