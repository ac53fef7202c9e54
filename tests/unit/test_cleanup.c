/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of a topic's cleanup policy: each dialogue is written field by field from the
 * protocol, whole and byte by byte. What does not succeed, or is about something else, says
 * nothing; what may change the policy says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hw/crc32c.h"
#include "parser/conn.h"

struct bytes {
    uint8_t at[512];
    size_t cnt;
};

static void put(struct bytes *b, uint64_t v, size_t sz)
{
    for (size_t i = sz; i-- > 0;)
        b->at[b->cnt++] = (uint8_t)(v >> 8 * i);
}

/* A string, or a compact one; NULL: null. */
static void text(struct bytes *b, const char *s, bool compact)
{
    size_t len = s ? strlen(s) : 0;

    if (compact)
        put(b, s ? len + 1 : 0, 1);
    else
        put(b, s ? len : 0xffff, 2);
    memcpy(b->at + b->cnt, s ? s : "", len);
    b->cnt += len;
}

static void request(struct bytes *b, uint16_t api, uint16_t version, uint32_t id, bool flexible)
{
    b->cnt = 4;
    put(b, api, 2);
    put(b, version, 2);
    put(b, id, 4);
    text(b, "app", false);
    if (flexible)
        put(b, 0, 1);
}

static void response(struct bytes *b, uint32_t id, bool flexible)
{
    b->cnt = 4;
    put(b, id, 4);
    if (flexible)
        put(b, 0, 1);
    put(b, 0, 4); /* throttle time: the first field of all of them */
}

struct row {
    const char *why;
    uint16_t
            api; /* 19 CreateTopics v5, 32 DescribeConfigs v1, 33 AlterConfigs v0, 44 Incremental */
    uint8_t resource_type;
    uint16_t error;
    bool dry_run;
    const char *name;
    const char *value;
    uint8_t operation;
    uint32_t want; /* 0: nothing is said */
};

static void create(const struct row *r, struct bytes *req, struct bytes *res)
{
    request(req, 19, 5, 1, true);
    put(req, 2, 1); /* one topic */
    text(req, "t", true);
    put(req, 1, 4);
    put(req, 1, 2);
    put(req, 1, 1); /* no assignments, */
    put(req, 1, 1); /* no configurations, */
    put(req, 0, 1); /* no tags */
    put(req, 1000, 4);
    put(req, r->dry_run, 1);
    put(req, 0, 1);
    response(res, 1, true);
    put(res, 2, 1);
    text(res, "t", true);
    put(res, r->error, 2);
    text(res, NULL, true);
    put(res, 1, 4);
    put(res, 1, 2);
    put(res, 3, 1); /* two configurations */
    for (int i = 0; i < 2; i++) {
        text(res, i ? r->name : "compression.type", true);
        text(res, i ? r->value : "producer", true);
        put(res, 0, 1);
        put(res, 5, 1);
        put(res, 0, 1);
        put(res, 0, 1);
    }
    put(res, 0, 2); /* tags of the topic and of the body */
}

static void describe(const struct row *r, struct bytes *req, struct bytes *res)
{
    request(req, 32, 1, 1, false);
    put(req, 1, 4);
    put(req, r->resource_type, 1);
    text(req, "t", false);
    put(req, UINT32_MAX, 4);
    put(req, 1, 1); /* with synonyms */
    response(res, 1, false);
    put(res, 1, 4);
    put(res, r->error, 2);
    text(res, NULL, false);
    put(res, r->resource_type, 1);
    text(res, "t", false);
    put(res, 1, 4);
    text(res, r->name, false);
    text(res, r->value, false);
    put(res, 0, 1);
    put(res, 1, 1);
    put(res, 0, 1);
    put(res, 1, 4); /* the broker's default, which is not what holds */
    text(res, "cleanup.policy", false);
    text(res, "compact", false);
    put(res, 5, 1);
}

static void alter(const struct row *r, struct bytes *req, struct bytes *res)
{
    request(req, r->api, 0, 1, false);
    put(req, 1, 4);
    put(req, r->resource_type, 1);
    text(req, "t", false);
    put(req, 1, 4);
    text(req, r->name, false);
    if (r->api == 44)
        put(req, r->operation, 1);
    text(req, r->value, false);
    put(req, r->dry_run, 1);
    response(res, 1, false);
    put(res, 1, 4);
    put(res, r->error, 2);
    text(res, NULL, false);
    put(res, r->resource_type, 1);
    text(res, "t", false);
}

/* A record of the controllers' metadata log, in a fetch of it. */
static void metadata_log(const struct row *r, struct bytes *req, struct bytes *res)
{
    struct bytes value = { 0 };
    struct bytes crc = { 0 };
    size_t batch;

    request(req, 1, 4, 1, false);
    put(req, 3, 4); /* replica 3 */
    put(req, 0, 4);
    put(req, 0, 4);
    put(req, 1000, 4);
    put(req, 0, 1);
    put(req, 1, 4);
    text(req, "__cluster_metadata", false);
    put(req, 1, 4);
    put(req, 0, 4);
    put(req, 0, 8);
    put(req, 1000, 4);

    put(&value, 0x010400, 3); /* frame, ConfigRecord, version 0 */
    put(&value, r->resource_type, 1);
    text(&value, "t", true);
    text(&value, r->name, true);
    text(&value, r->value, true);
    put(&value, 0, 1);

    response(res, 1, false);
    put(res, 1, 4);
    text(res, "__cluster_metadata", false);
    put(res, 1, 4);
    put(res, 0, 4);
    put(res, 0, 2);
    put(res, 1, 8);
    put(res, 1, 8);
    put(res, 0, 4);
    put(res, 61 + 7 + value.cnt, 4);
    batch = res->cnt;
    put(res, 0, 8);
    put(res, 49 + 7 + value.cnt, 4);
    put(res, 1, 4);
    put(res, 2, 1);
    put(res, 0, 4); /* its checksum, later */
    put(res, 0, 2);
    put(res, 0, 4);
    put(res, 1000, 8);
    put(res, 1000, 8);
    put(res, UINT64_MAX, 8);
    put(res, UINT16_MAX, 2);
    put(res, UINT32_MAX, 4);
    put(res, 1, 4);
    put(res, 2 * (6 + value.cnt), 1); /* signed varints: twice */
    put(res, 0x000000, 3);
    put(res, 1, 1); /* null key */
    put(res, 2 * value.cnt, 1);
    memcpy(res->at + res->cnt, value.at, value.cnt);
    res->cnt += value.cnt;
    put(res, 0, 1);
    put(&crc, pt_crc32c(0, res->at + batch + 21, res->cnt - batch - 21), 4);
    memcpy(res->at + batch + 17, crc.at, 4);
}

static void flush(struct pt_obs_out *out)
{
    uint32_t *said = out->flush_arg;

    for (uint32_t off = 0; off < out->used_sz;) {
        const struct pt_obs *o = (const void *)(out->buf + off);

        if (o->kind == PT_OBS_CLEANUP) {
            assert_int_equal(*said, 0); /* once */
            *said = ((const struct pt_obs_cleanup *)(const void *)o)->policy;
            assert_int_not_equal(o->topic, UINT32_MAX);
        }
        off += o->size;
    }
    out->used_sz = 0;
}

static void feed(struct pt_conn *c, int side, struct bytes *b, size_t step)
{
    const struct pt_packet_ref at = { 0 };
    size_t cnt = b->cnt;

    b->cnt = 0;
    put(b, cnt - 4, 4);
    for (size_t i = 0; i < cnt; i += step) {
        size_t n = cnt - i < step ? cnt - i : step;
        uint8_t *own = malloc(n);

        memcpy(own, b->at + i, n);
        pt_conn_bytes(c, side, own, n, &at);
        free(own);
    }
}

static uint32_t said_of(const struct row *r, size_t step)
{
    const struct pt_endpoint ep[2] = { { .port = 50000 }, { .port = 9092 } };
    const struct pt_packet_ref at = { 0 };
    uint32_t said = 0;
    struct pt_parser_cfg cfg = pt_parser_cfg_default;
    struct pt_obs_out out = {
        .buf = malloc(PT_OBS_OUT_MIN), .buf_sz = PT_OBS_OUT_MIN, .flush = flush, .flush_arg = &said
    };
    struct bytes req = { 0 };
    struct bytes res = { 0 };
    struct pt_parser *p;
    struct pt_conn *c;
    struct pt_mem mem;

    cfg.seen_slots = 16;
    pt_mem_init(&mem, 1u << 26);
    assert_int_equal(pt_parser_open(&mem, &cfg, &out, &p), 0);
    c = pt_conn_open(p, PT_CLUSTER_SOURCE, &ep[0], &ep[1], 0);
    if (r->api == 19)
        create(r, &req, &res);
    else if (r->api == 32)
        describe(r, &req, &res);
    else if (r->api == 1)
        metadata_log(r, &req, &res);
    else
        alter(r, &req, &res);
    feed(c, 0, &req, step);
    feed(c, 1, &res, step);
    pt_conn_close(c, &at);
    flush(&out);
    assert_int_equal(pt_parser_stats(p)->responses, 1);
    assert_int_equal(pt_parser_stats(p)->unparsed_bodies, 0);
    pt_parser_close(p);
    free(out.buf);
    assert_int_equal(mem.used_sz, 0);
    return said;
}

static void test_said(void **state)
{
#define POLICY "cleanup.policy"
    static const struct row row[] = {
        { "created", 19, 2, 0, false, POLICY, "delete", 0, PT_CLEANUP_DELETE },
        { "created, compacted", 19, 2, 0, false, POLICY, "compact", 0, PT_CLEANUP_OTHER },
        { "both of it", 19, 2, 0, false, POLICY, "compact,delete", 0, PT_CLEANUP_OTHER },
        { "not created", 19, 2, 36, false, POLICY, "delete", 0, 0 },
        { "only tried", 19, 2, 0, true, POLICY, "delete", 0, 0 },
        { "something else", 19, 2, 0, false, "cleanup.polic", "delete", 0, 0 },
        { "described", 32, 2, 0, false, POLICY, "delete", 0, PT_CLEANUP_DELETE },
        { "described, compacted", 32, 2, 0, false, POLICY, "compact", 0, PT_CLEANUP_OTHER },
        { "of a broker", 32, 4, 0, false, POLICY, "delete", 0, 0 },
        { "an error", 32, 2, 29, false, POLICY, "delete", 0, 0 },
        { "something else described", 32, 2, 0, false, "retention.ms", "delete", 0, 0 },
        { "to be compacted", 44, 2, 0, false, POLICY, "compact", 0, PT_CLEANUP_OTHER },
        { "that fails: who knows", 44, 2, 29, false, POLICY, "compact", 0, PT_CLEANUP_OTHER },
        { "back to the default", 44, 2, 0, false, POLICY, NULL, 1, PT_CLEANUP_OTHER },
        { "one more", 44, 2, 0, false, POLICY, "delete", 2, PT_CLEANUP_OTHER },
        { "to be deleted: no doubt", 44, 2, 0, false, POLICY, "delete", 0, 0 },
        { "something else altered", 44, 2, 0, false, "retention.ms", "1", 0, 0 },
        { "all replaced", 33, 2, 0, false, "retention.ms", "1", 0, PT_CLEANUP_OTHER },
        { "recorded", 1, 2, 0, false, POLICY, "delete", 0, PT_CLEANUP_DELETE },
        { "recorded, compacted", 1, 2, 0, false, POLICY, "compact", 0, PT_CLEANUP_OTHER },
        { "recorded as gone", 1, 2, 0, false, POLICY, NULL, 0, PT_CLEANUP_OTHER },
        { "of a broker, recorded", 1, 4, 0, false, POLICY, "delete", 0, 0 },
        { "something else recorded", 1, 2, 0, false, "retention.ms", "1", 0, 0 },
        { "all replaced, and this as it was", 33, 2, 0, false, POLICY, "delete", 0, 0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
        for (size_t step = 1; step <= 512; step += 511)
            if (said_of(&row[i], step) != row[i].want)
                fail_msg("%s: %u", row[i].why, said_of(&row[i], step));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_said),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
