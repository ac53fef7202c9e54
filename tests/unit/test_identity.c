/* SPDX-License-Identifier: Apache-2.0 */
/* Records that differ in any one thing have different identities, equal ones the same, and another
 * key gives another identity. (Over formats and codecs: test_batch.) */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>

#include "parser/identity.h"

#define NONE "-" /* stands for null */

static struct pt_view view(const char *s)
{
    struct pt_view v = { NULL, 0 };

    if (strcmp(s, NONE)) {
        v.data = (const uint8_t *)s;
        v.len = strlen(s);
    }
    return v;
}

struct row {
    const char *key;
    const char *value;
    const char *headers[6]; /* names and values */
    const char *why;
};

static struct pt_record identify(uint64_t hash_key, const struct row *row)
{
    struct pt_record rec = { .offset_delta = 77, .timestamp_ms = 78 };
    uint64_t headers = 0;

    for (unsigned i = 0; i < 6 && row->headers[i]; i += 2)
        headers = pt_identity_headers(hash_key, headers, view(row->headers[i]),
                                      view(row->headers[i + 1]));
    pt_identity_record(hash_key, view(row->key), view(row->value), headers, &rec);
    assert_int_equal(rec.offset_delta, 77);
    assert_int_equal(rec.timestamp_ms, 78);
    return rec;
}

static void test_all_differ(void **state)
{
    static const struct row rows[] = {
        { "k", "v", { NULL }, "plain" },
        { "v", "k", { NULL }, "key and value swapped" },
        { "kv", "", { NULL }, "all in the key" },
        { "", "kv", { NULL }, "all in the value" },
        { NONE, "kv", { NULL }, "null key" },
        { "kv", NONE, { NULL }, "tombstone" },
        { NONE, NONE, { NULL }, "both null" },
        { "", "", { NULL }, "both empty" },
        { "", NONE, { NULL }, "empty, null" },
        { NONE, "", { NULL }, "null, empty" },
        { "k", "v", { "a", "b" }, "header" },
        { "k", "v", { "b", "a" }, "its name and value swapped" },
        { "k", "v", { "ab", "" }, "all in its name" },
        { "k", "v", { "", "ab" }, "all in its value" },
        { "k", "v", { "ab", NONE }, "null header" },
        { "k", "v", { "", "" }, "empty header" },
        { "k", "v", { "", NONE }, "empty name, null value" },
        { "k", "v", { "a", "b", "a", "b" }, "header twice" },
        { "k", "v", { "a", "b", "c", "d" }, "two headers" },
        { "k", "v", { "c", "d", "a", "b" }, "in the other order" },
        { "k", "v", { "a", "d", "c", "b" }, "values exchanged" },
        { "k", "v", { "a", "b", "c", "d", "", "" }, "three headers" },
    };
    const size_t cnt = sizeof(rows) / sizeof(rows[0]);

    (void)state;
    for (size_t i = 0; i < cnt; i++) {
        struct pt_record a = identify(5, &rows[i]);
        struct pt_record same = identify(5, &rows[i]);
        struct pt_record other_key = identify(6, &rows[i]);

        assert_memory_equal(&a, &same, sizeof(a));
        assert_int_not_equal(a.content, other_key.content);
        assert_int_equal(a.key == 0, !strcmp(rows[i].key, NONE));
        assert_int_equal(a.value == 0, !strcmp(rows[i].value, NONE));
        assert_int_equal(a.headers == 0, !rows[i].headers[0]);
        for (size_t k = 0; k < i; k++) {
            struct pt_record b = identify(5, &rows[k]);

            if (a.content == b.content)
                fail_msg("%s == %s", rows[i].why, rows[k].why);
            assert_int_equal(a.key == b.key, !strcmp(rows[i].key, rows[k].key));
            assert_int_equal(a.value == b.value, !strcmp(rows[i].value, rows[k].value));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_all_differ) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
