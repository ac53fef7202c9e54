/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every body of every API and version that Kafka's own classes wrote (data/body_vectors.txt.gz, see
 * scripts/gen-body-vectors) walks to the values that were put in, in any pieces, and is consumed to
 * the byte; no layout is without such a body. Bodies that no sane sender writes are refused, for
 * the reason given in their row.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <zlib.h>

#include "tests/walk_trace.h"

#define LINE_MAX_SZ (1u << 20)

/* Each body: whole, one by one, and at random. */
static const uint64_t seeds[] = { 0, 1, 20, 21 };

static size_t from_hex(const char *hex, uint8_t *out)
{
    size_t len = 0;
    unsigned byte;

    while (sscanf(hex, " %2x%n", &byte, &(int){ 0 }) == 1) {
        out[len++] = (uint8_t)byte;
        hex += strspn(hex, " ");
        hex += 2;
    }
    return len;
}

static const struct pt_layout *find(int key, const char *what, int version)
{
    if (strcmp(what, "record") == 0)
        return pt_layout_find_record((uint32_t)key, (uint32_t)version);
    return pt_layout_find((int16_t)key, strcmp(what, "request") ? PT_DIR_RESPONSE : PT_DIR_REQUEST,
                          (int16_t)version);
}

/* A line of the vectors: `key what version` TAB hex TAB events. */
static void check_vector(char *line, const struct pt_layout **ret_layout)
{
    uint8_t *body = malloc(strlen(line));
    char *hex = strchr(line, '\t') + 1;
    char *events = strchr(hex, '\t') + 1;
    char what[16];
    size_t len;
    int key;
    int version;

    assert_int_equal(sscanf(line, "%d %15s %d", &key, what, &version), 3);
    hex[-1] = events[-1] = '\0';
    len = from_hex(hex, body);
    *ret_layout = find(key, what, version);
    assert_non_null(*ret_layout);
    for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
        struct walk_trace t = walk_trace(*ret_layout, body, len, seeds[i]);

        if (t.status || t.broken || t.rest || strcmp(t.text, events) != 0)
            fail_msg("%s, pieces %d: %s, %s, %u left\nbody %s\nwant %s\nhave %s", line,
                     (int)seeds[i], pt_status_name(t.status), t.broken ? t.broken : "", t.rest, hex,
                     events, t.text);
        walk_trace_free(&t);
    }
    free(body);
}

static void test_vectors(void **state)
{
    static const struct pt_layout *seen[8192];
    char *line = malloc(LINE_MAX_SZ);
    size_t seen_cnt = 0;
    char path[4096];
    gzFile f;

    (void)state;
    snprintf(path, sizeof(path), "%s/body_vectors.txt.gz", getenv("PT_UNIT_DATA"));
    f = gzopen(path, "rb");
    assert_non_null(f);
    while (gzgets(f, line, LINE_MAX_SZ)) {
        assert_true(seen_cnt < 8192);
        line[strcspn(line, "\n")] = '\0';
        check_vector(line, &seen[seen_cnt++]);
    }
    gzclose(f);
    free(line);
    for (int key = 0; key < PT_API_CNT + PT_RECORD_CNT; key++) {
        const struct pt_layout *l;

        for (int v = 0;; v++) {
            for (int dir = 0; dir < 2; dir++) {
                bool found = false;

                l = key < PT_API_CNT
                            ? pt_layout_find((int16_t)key, dir, (int16_t)v)
                            : pt_layout_find_record((uint32_t)(key - PT_API_CNT), (uint32_t)v);
                for (size_t i = 0; i < seen_cnt && l; i++)
                    found = found || seen[i] == l;
                if (l && !found)
                    fail_msg("no body for key %d, direction %d, version %d", key, dir, v);
            }
            if (!l)
                break;
        }
    }
}

struct bad_row {
    const char *why;
    int key;
    const char *what;
    int version;
    const char *hex;
    enum pt_status status;
    uint32_t rest;
};

/* Layouts used: ApiVersions (18), Metadata (3), Produce (0), Fetch (1), SaslAuthenticate (36),
 * DescribeTopicPartitions (75). */
static const struct bad_row bad_rows[] = {
    { "an empty body is whole", 18, "request", 0, "", PT_OK, 0 },
    { "librdkafka sends four bytes more", 18, "request", 0, "00000000", PT_OK, 4 },
    { "the body ends where a field should be", 18, "request", 3, "", PT_BAD_LENGTH, 0 },
    { "the body ends inside an integer", 18, "response", 0, "00", PT_BAD_LENGTH, 1 },
    { "array counted with room for no element", 18, "response", 0, "0000 00000001 0000 0000",
      PT_BAD_LENGTH, 8 },
    { "array count near 2^31", 18, "response", 0, "0000 7fffffff 000000000000", PT_BAD_LENGTH, 10 },
    { "array count below -1", 3, "request", 1, "fffffffe", PT_BAD_LENGTH, 4 },
    { "null array is legal here", 3, "request", 1, "ffffffff", PT_OK, 0 },
    { "null array where it must not be", 3, "request", 0, "ffffffff", PT_BAD_VALUE, 4 },
    { "null string where it must not be", 3, "request", 0, "00000001 ffff", PT_BAD_VALUE, 2 },
    { "string length below -1", 3, "request", 0, "00000001 8000", PT_BAD_LENGTH, 2 },
    { "string longer than the body", 3, "request", 0, "00000001 0002 61", PT_BAD_LENGTH, 3 },
    { "large bytes longer than the body", 36, "request", 0, "7fffffff 61", PT_BAD_LENGTH, 5 },
    { "compact null where it must not be", 18, "request", 3, "00 00 00", PT_BAD_VALUE, 3 },
    { "compact string longer than the body", 18, "request", 3, "04 61 00", PT_BAD_LENGTH, 3 },
    { "compact length of 2^32 - 1", 18, "request", 3, "ffffffff0f 00 00", PT_BAD_LENGTH, 7 },
    { "varint above 32 bits", 18, "request", 3, "ffffffff1f 00 00", PT_BAD_VARINT, 7 },
    { "varint of six bytes", 18, "request", 3, "808080808000 00", PT_BAD_VARINT, 7 },
    { "varint cut by the body's end", 18, "request", 3, "80", PT_BAD_LENGTH, 1 },
    { "zero written in two bytes is still zero", 18, "request", 3, "01 01 8000", PT_OK, 0 },
    { "unknown tag is passed over", 18, "request", 3, "01 01 01 05 02 abcd", PT_OK, 0 },
    { "unknown tag without content", 18, "request", 3, "01 01 01 05 00", PT_OK, 0 },
    { "unknown tag longer than the body", 18, "request", 3, "01 01 01 05 03 abcd", PT_BAD_LENGTH,
      4 },
    { "more tags than bytes", 18, "request", 3, "01 01 02 05 00", PT_BAD_LENGTH, 3 },
    { "tag count near 2^32", 18, "request", 3, "01 01 ffffffff0f 05 00", PT_BAD_LENGTH, 7 },
    { "known tag (finalized_features_epoch) is a value", 18, "response", 3,
      "0000 01 00000000 01 01 08 0000000000000005", PT_OK, 0 },
    { "known tag smaller than its type", 18, "response", 3,
      "0000 01 00000000 01 01 07 00000000000005", PT_BAD_LENGTH, 7 },
    { "known tag smaller than its type, the body goes on", 18, "response", 3,
      "0000 01 00000000 01 01 07 0000000000000500", PT_BAD_LENGTH, 8 },
    { "known tag larger than its type", 18, "response", 3,
      "0000 01 00000000 01 01 09 000000000000000500", PT_BAD_LENGTH, 1 },
    { "known tag whose array does not fit in it", 18, "response", 3,
      "0000 01 00000000 01 00 01 02 00000000000000", PT_BAD_LENGTH, 8 },
    { "known tag whose string goes on behind it", 18, "response", 3,
      "0000 01 00000000 01 00 07 02 08 61 0000 0000 0000", PT_BAD_LENGTH, 8 },
    { "a null struct has no fields", 75, "request", 0, "01 00000000 ff 00", PT_OK, 0 },
    { "marker of a struct: anything not negative", 75, "request", 0,
      "01 00000000 00 01 00000001 00 00", PT_OK, 0 },
    { "marker of a struct is missing", 75, "request", 0, "01 00000000", PT_BAD_LENGTH, 0 },
    { "records longer than the body", 0, "request", 3,
      "ffff 0001 00000001 00000001 0001 61 00000001 00000000 00000003 0102", PT_BAD_LENGTH, 6 },
    { "records of length -2", 0, "request", 3,
      "ffff 0001 00000001 00000001 0001 61 00000001 00000000 fffffffe 0102", PT_BAD_LENGTH, 6 },
    { "null records are legal", 0, "request", 3,
      "ffff 0001 00000001 00000001 0001 61 00000001 00000000 ffffffff", PT_OK, 0 },
};

static void test_bad(void **state)
{
    (void)state;
    for (size_t r = 0; r < sizeof(bad_rows) / sizeof(bad_rows[0]); r++) {
        const struct bad_row *row = &bad_rows[r];
        uint8_t body[256];
        size_t len = from_hex(row->hex, body);

        for (size_t i = 0; i < sizeof(seeds) / sizeof(seeds[0]); i++) {
            struct walk_trace t =
                    walk_trace(find(row->key, row->what, row->version), body, len, seeds[i]);

            if (t.status != row->status || t.broken || t.rest != row->rest)
                fail_msg("%s: %s, %s, %u left\n%s", row->why, pt_status_name(t.status),
                         t.broken ? t.broken : "", t.rest, t.text);
            walk_trace_free(&t);
        }
    }
}

/* SaslAuthenticate v0 is a single value of bytes. Up to PT_WALK_NEED_MAX it is seen, above only its
 * length. */
static void test_large_value(void **state)
{
    static const struct {
        uint32_t len;
        bool seen;
    } rows[] = { { PT_WALK_NEED_MAX, true }, { PT_WALK_NEED_MAX + 1, false }, { 1000000, false } };
    static const uint64_t some_seeds[] = { 0, 7, 8 };

    (void)state;
    for (size_t r = 0; r < sizeof(rows) / sizeof(rows[0]); r++) {
        size_t sz = 4 + rows[r].len;
        uint8_t *body = calloc(1, sz);

        for (unsigned i = 0; i < 4; i++)
            body[i] = (uint8_t)(rows[r].len >> (24 - 8 * i));
        for (size_t i = 0; i < 3; i++) {
            struct walk_trace t =
                    walk_trace(pt_layout_find(PT_API_SASL_AUTHENTICATE, PT_DIR_REQUEST, 0), body,
                               sz, some_seeds[i]);
            char want[64];

            assert_int_equal(t.status, PT_OK);
            assert_null(t.broken);
            assert_int_equal(t.rest, 0);
            snprintf(want, sizeof(want), rows[r].seen ? "auth_bytes='0000" : "auth_bytes=%u ",
                     rows[r].len);
            assert_memory_equal(t.text, want, strlen(want));
            walk_trace_free(&t);
        }
        free(body);
    }
}

/* Kafka's strings end at 32767 bytes in flexible versions too, where the length could say more. */
static void test_long_string(void **state)
{
    static const uint8_t prefix[2][3] = { { 0x80, 0x80, 0x02 }, { 0x81, 0x80, 0x02 } };

    (void)state;
    for (int i = 0; i < 2; i++) {
        uint8_t body[3 + 32768 + 2] = { 0 };
        struct walk_trace t;

        memcpy(body, prefix[i], 3);
        body[3 + 32767] = 1; /* the empty string that follows */
        t = walk_trace(pt_layout_find(PT_API_API_VERSIONS, PT_DIR_REQUEST, 3), body, sizeof(body),
                       0);
        assert_int_equal(t.status, i ? PT_BAD_LENGTH : PT_OK);
        assert_int_equal(t.rest, i ? sizeof(body) : 1);
        walk_trace_free(&t);
    }
}

/* More than announced cannot be skipped; a walk that is over stays over. */
static void test_skip_too_much(void **state)
{
    static const uint8_t body[] = { 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, 'a', 0,
                                    0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2, 1, 2 };
    struct pt_cursor c = pt_cur(body, sizeof(body));
    struct pt_walk_event ev = { .kind = PT_WALK_END };
    struct pt_walk w;
    uint32_t needed;

    (void)state;
    pt_walk_begin(&w, pt_layout_find(PT_API_PRODUCE, PT_DIR_REQUEST, 0), sizeof(body));
    do
        assert_int_equal(pt_walk_next(&w, &c, &ev, &needed), PT_OK);
    while (ev.kind != PT_WALK_RECORDS);
    assert_int_equal(ev.i64, 2);
    pt_walk_skip(&w, 1);
    assert_int_equal(w.body_left, 1);
    pt_walk_skip(&w, 2);
    assert_int_equal(pt_walk_next(&w, &c, &ev, &needed), PT_BAD_LENGTH);
    assert_int_equal(pt_walk_next(&w, &c, &ev, &needed), PT_BAD_LENGTH);
}

/* Names, versions and header versions as the protocol's documents have them (KIP-482, KIP-511). */
static void test_lookup(void **state)
{
    static const struct {
        const char *why;
        int16_t key;
        enum pt_dir dir;
        int16_t version;
        int header;
    } rows[] = {
        { "never flexible", PT_API_SASL_HANDSHAKE, PT_DIR_REQUEST, 1, 1 },
        { "last before flexible", PT_API_PRODUCE, PT_DIR_REQUEST, 8, 1 },
        { "first flexible", PT_API_PRODUCE, PT_DIR_REQUEST, 9, 2 },
        { "last before flexible", PT_API_FETCH, PT_DIR_RESPONSE, 11, 0 },
        { "first flexible", PT_API_FETCH, PT_DIR_RESPONSE, 12, 1 },
        { "flexible request", PT_API_API_VERSIONS, PT_DIR_REQUEST, 3, 2 },
        { "read by clients that do not know the version", PT_API_API_VERSIONS, PT_DIR_RESPONSE, 3,
          0 },
        { "the only request without client id", PT_API_CONTROLLED_SHUTDOWN, PT_DIR_REQUEST, 0, 0 },
        { "with client id", PT_API_CONTROLLED_SHUTDOWN, PT_DIR_REQUEST, 1, 1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct pt_layout *l = pt_layout_find(rows[i].key, rows[i].dir, rows[i].version);

        assert_non_null(l);
        if (pt_layout_header_version(l) != rows[i].header)
            fail_msg("%s: key %d version %d", rows[i].why, rows[i].key, rows[i].version);
    }
    assert_string_equal(pt_api_name(0), "Produce");
    assert_string_equal(pt_api_name(18), "ApiVersions");
    assert_string_equal(pt_api_name(74), "ListConfigResources");
    assert_null(pt_api_name(-1));
    assert_null(pt_api_name(10000));
    assert_int_equal(pt_api_max_version(1), 18);
    assert_int_equal(pt_api_max_version(-1), -1);
    assert_int_equal(pt_api_max_version(10000), -1);
    assert_null(pt_layout_find(1, PT_DIR_REQUEST, 19));
    assert_null(pt_layout_find(1, PT_DIR_REQUEST, -1));
    assert_null(pt_layout_find(INT16_MIN, PT_DIR_RESPONSE, 0));
    assert_null(pt_layout_find(INT16_MAX, PT_DIR_RESPONSE, 0));
    assert_non_null(pt_layout_find_record(2, 0)); /* TopicRecord */
    assert_null(pt_layout_find_record(2, 1));
    assert_null(pt_layout_find_record(6, 0)); /* a number that was never given */
    assert_null(pt_layout_find_record(UINT32_MAX, UINT32_MAX));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_vectors),       cmocka_unit_test(test_bad),
        cmocka_unit_test(test_large_value),   cmocka_unit_test(test_long_string),
        cmocka_unit_test(test_skip_too_much), cmocka_unit_test(test_lookup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
