/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that nobody can make the parser say what no broker said. Records may hold recorded Kafka
 * frames, whole and right, that name a topic "evil"; a hole or a late start may lead us right in
 * front of them. Clients may give all their requests one correlation id. Topics may have names that
 * no topic has. Each time nothing must come out about what is not there, and what is there must
 * come out again soon.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch_build.h"
#include "parser/conn.h"

#define TOPIC_CNT 16

struct tap {
    struct pt_mem mem;
    struct pt_obs_out out;
    struct pt_parser *parser;
    struct pt_conn *conn;
    uint8_t *buf;
    char name[TOPIC_CNT][PT_TOPIC_NAME_MAX + 1];
    int topic_cnt;
    char log[8192]; /* a batch: "name@base", an outcome: "name+base" or "name?" */
};

static void flush(struct pt_obs_out *out)
{
    struct tap *t = out->flush_arg;

    for (uint32_t off = 0; off < out->used_sz;) {
        const void *m = out->buf + off;
        const struct pt_obs *o = m;
        const struct pt_obs_topic *topic = m;
        const struct pt_obs_batch *b = m;
        const struct pt_obs_produce_outcome *p = m;
        size_t len = strlen(t->log);

        if (o->kind == PT_OBS_TOPIC) {
            assert_int_equal(o->topic, t->topic_cnt);
            assert_true(t->topic_cnt < TOPIC_CNT);
            memcpy(t->name[t->topic_cnt++], topic->name, topic->name_len);
        } else if (o->kind == PT_OBS_BATCH) {
            snprintf(t->log + len, sizeof(t->log) - len, " %.20s%c%ld", t->name[o->topic],
                     b->status                     ? '!'
                     : b->source == PT_SRC_PRODUCE ? '<'
                                                   : '@',
                     (long)b->base_offset);
        } else if (o->kind == PT_OBS_PRODUCE_OUTCOME && p->outcome == PT_PRODUCE_ACKED) {
            snprintf(t->log + len, sizeof(t->log) - len, " %s+%ld#%u", t->name[o->topic],
                     (long)p->base_offset, p->request);
        } else if (o->kind == PT_OBS_PRODUCE_OUTCOME) {
            snprintf(t->log + len, sizeof(t->log) - len, " %s?#%u", t->name[o->topic], p->request);
        }
        off += o->size;
    }
    out->used_sz = 0;
}

static void tap_open(struct tap *t, int initiator)
{
    const struct pt_endpoint ep[2] = { { .port = 50000 }, { .port = 9092 } };
    struct pt_parser_cfg cfg = pt_parser_cfg_default;

    memset(t, 0, sizeof(*t));
    cfg.seen_slots = 16;
    pt_mem_init(&t->mem, 1u << 28);
    t->buf = malloc(PT_OBS_OUT_MIN);
    t->out = (struct pt_obs_out){
        .buf = t->buf, .buf_sz = PT_OBS_OUT_MIN, .flush = flush, .flush_arg = t
    };
    assert_int_equal(pt_parser_open(&t->mem, &cfg, &t->out, &t->parser), 0);
    t->conn = pt_conn_open(t->parser, PT_CLUSTER_SOURCE, &ep[0], &ep[1], initiator);
    if (initiator < 0) {
        const struct pt_packet_ref at = { 0 };

        pt_conn_hole(t->conn, 0, 0, PT_LOST_TAP_GAP, &at);
        pt_conn_hole(t->conn, 1, 0, PT_LOST_TAP_GAP, &at);
    }
}

static void expect(struct tap *t, const char *log)
{
    flush(&t->out);
    assert_string_equal(t->log, log);
    t->log[0] = 0;
}

static void tap_close(struct tap *t, const char *log)
{
    const struct pt_packet_ref at = { 0 };
    const struct pt_parser_stats *s = pt_parser_stats(t->parser);

    pt_conn_close(t->conn, &at);
    expect(t, log);
    assert_int_equal(s->frames, s->requests + s->responses + s->orphan_responses + s->sasl_frames +
                                        s->lost_frames);
    pt_parser_close(t->parser);
    assert_int_equal(t->mem.used_sz, 0);
    free(t->buf);
}

/* send_part gives [from, to) in one piece. */
static void send_part(struct tap *t, int side, const struct bytes *b, size_t from, size_t to)
{
    const struct pt_packet_ref at = { 0 };
    uint8_t *own = malloc(to - from);

    memcpy(own, b->data + from, to - from);
    pt_conn_bytes(t->conn, side, own, to - from, &at);
    free(own);
}

static void send_from(struct tap *t, int side, const struct bytes *b, size_t from)
{
    send_part(t, side, b, from, b->len);
}

static void hole(struct tap *t, int side, uint64_t len)
{
    const struct pt_packet_ref at = { 0 };

    pt_conn_hole(t->conn, side, len, PT_LOST_TAP_GAP, &at);
}

/* Frames. begin leaves room for the size, which end fills in. */

static size_t begin(struct bytes *b)
{
    put_int(b, 0, 4);
    return b->len;
}

static void end(struct bytes *b, size_t start)
{
    set_int(b->data + start - 4, b->len - start, 4);
}

static void put_name(struct bytes *b, const char *name)
{
    put_int(b, strlen(name), 2);
    put(b, name, strlen(name));
}

static size_t begin_request(struct bytes *b, uint32_t api, int32_t id, const char *client)
{
    size_t start = begin(b);

    put_int(b, api, 4);
    put_int(b, (uint32_t)id, 4);
    put_name(b, client);
    return start;
}

/* One record with a value. */
static void put_value_batch(struct bytes *b, int64_t base, const struct bytes *value)
{
    const struct batch_spec spec = { base, 0, 1, 0 };
    static struct bytes payload;
    size_t len = value ? value->len : 1;
    uint64_t body = 1 + 1 + 1 + 1 + 5 + len + 1;

    payload.len = 0;
    for (int i = 0; i < 5; i++) /* the length as a varint of five bytes */
        put_int(&payload, (body * 2 >> 7 * i & 0x7f) | (i < 4 ? 0x80u : 0), 1);
    put(&payload, "\0\0\0\1", 4); /* attributes, deltas, null key */
    for (int i = 0; i < 5; i++)
        put_int(&payload, (len * 2 >> 7 * i & 0x7f) | (i < 4 ? 0x80u : 0), 1);
    put(&payload, value ? (const void *)value->data : "x", len);
    put_int(&payload, 0, 1);
    put_batch(b, &spec, payload.data, payload.len);
}

#define PRODUCE_7 0x00000007u
#define FETCH_4 0x00010004u

static void put_produce(struct bytes *b, int32_t id, const char *client, const char *topic,
                        const struct bytes *value)
{
    size_t start = begin_request(b, PRODUCE_7, id, client);
    size_t records;

    put_int(b, 0xffff, 2);
    put_int(b, 0xffff, 2);
    put_int(b, 30000, 4);
    put_int(b, 1, 4);
    put_name(b, topic);
    put_int(b, 1, 4);
    put_int(b, 0, 4);
    records = begin(b);
    put_value_batch(b, 0, value);
    end(b, records);
    end(b, start);
}

static void put_produced(struct bytes *b, int32_t id, const char *topic, int64_t base)
{
    size_t start = begin(b);

    put_int(b, (uint32_t)id, 4);
    put_int(b, 1, 4);
    put_name(b, topic);
    put_int(b, 1, 4);
    put_int(b, 0, 4);
    put_int(b, 0, 2);
    put_int(b, (uint64_t)base, 8);
    put_int(b, UINT64_MAX, 8);
    put_int(b, UINT64_MAX, 8);
    put_int(b, 0, 4);
    end(b, start);
}

static void put_fetch(struct bytes *b, int32_t id, const char *topic, int64_t offset)
{
    size_t start = begin_request(b, FETCH_4, id, "app");

    put_int(b, UINT32_MAX, 4);
    put_int(b, 500, 4);
    put_int(b, 1, 4);
    put_int(b, 1 << 20, 4);
    put_int(b, 0, 1);
    put_int(b, 1, 4);
    put_name(b, topic);
    put_int(b, 1, 4);
    put_int(b, 0, 4);
    put_int(b, (uint64_t)offset, 8);
    put_int(b, 1 << 20, 4);
    end(b, start);
}

/* Up to the length of the records. */
static void put_fetched_head(struct bytes *b, int32_t id, const char *topic)
{
    put_int(b, (uint32_t)id, 4);
    put_int(b, 0, 4);
    put_int(b, 1, 4);
    put_name(b, topic);
    put_int(b, 1, 4);
    put_int(b, 0, 4);
    put_int(b, 0, 2);
    put_int(b, 1000, 8);
    put_int(b, 1000, 8);
    put_int(b, UINT32_MAX, 4);
}

static void put_fetched(struct bytes *b, int32_t id, const char *topic, int64_t base,
                        const struct bytes *value)
{
    size_t start = begin(b);
    size_t records;

    put_fetched_head(b, id, topic);
    records = begin(b);
    put_value_batch(b, base, value);
    end(b, records);
    end(b, start);
}

/* offset_of finds what is recorded inside. */
static size_t offset_of(const struct bytes *b, const struct bytes *inner)
{
    uint8_t *p = memmem(b->data, b->len, inner->data, inner->len);

    assert_non_null(p);
    return (size_t)(p - b->data);
}

static struct bytes inner;
static struct bytes outer;
static struct bytes other;

/* A consumer reads a topic in whose records somebody wrote a response to this very request. */
static void test_response_in_records(void **state)
{
    struct tap t;
    size_t from;

    (void)state;
    for (int attach = 0; attach < 2; attach++) {
        tap_open(&t, attach ? -1 : 0);
        outer.len = 0;
        put_fetch(&outer, 6, "good", 10);
        send_from(&t, 0, &outer, 0);
        outer.len = inner.len = 0;
        put_fetched(&inner, 7, "evil", 66, NULL);
        put_fetched(&outer, 6, "good", 10, NULL);
        send_from(&t, 1, &outer, 0);
        expect(&t, attach ? " good@10" : " good@10");
        outer.len = 0;
        put_fetch(&outer, 7, "good", 11);
        send_from(&t, 0, &outer, 0);
        outer.len = 0;
        put_fetched(&outer, 7, "good", 11, &inner);
        from = offset_of(&outer, &inner);
        hole(&t, 1, from);
        send_from(&t, 1, &outer, from);
        for (int id = 8; id < 12; id++) {
            outer.len = 0;
            put_fetch(&outer, id, "good", 4 + id);
            send_from(&t, 0, &outer, 0);
            outer.len = 0;
            put_fetched(&outer, id, "good", 4 + id, NULL);
            send_from(&t, 1, &outer, 0);
        }
        /* The frame that is none swallows or breaks at most one answer. */
        flush(&t.out);
        assert_null(strstr(t.log, "evil"));
        assert_non_null(strstr(t.log, "good@14 good@15"));
        t.log[0] = 0;
        tap_close(&t, "");
    }
}

/* A producer writes recorded requests of others; a hole leads right to the first of them. */
static void test_request_in_records(void **state)
{
    struct tap t;
    size_t from;

    (void)state;
    tap_open(&t, 0);
    outer.len = inner.len = 0;
    put_produce(&outer, 1, "recorder", "good", NULL);
    send_from(&t, 0, &outer, 0);
    other.len = 0;
    put_produced(&other, 1, "good", 100);
    send_from(&t, 1, &other, 0);
    expect(&t, " good<0 good+100#1");
    for (int id = 500; id < 505; id++)
        put_produce(&inner, id, "somebody", "evil", NULL);
    outer.len = 0;
    put_produce(&outer, 2, "recorder", "good", &inner);
    from = offset_of(&outer, &inner);
    hole(&t, 0, from);
    send_from(&t, 0, &outer, from);
    outer.len = 0;
    put_produce(&outer, 3, "recorder", "good", NULL);
    send_from(&t, 0, &outer, 0);
    other.len = 0;
    put_produced(&other, 2, "good", 101);
    put_produced(&other, 3, "good", 102);
    send_from(&t, 1, &other, 0);
    expect(&t, " good<0 good+102#2");
    tap_close(&t, "");
}

/* The capture starts in the middle of a Produce whose record holds a long recorded conversation.
 * The broker's answers meet recorded requests with the same ids, but name what those did not write
 * to. The recorded frames may even be the last bytes of it, so that no size is ever wrong. */
static void test_conversation(void **state)
{
    struct tap t;
    size_t from;

    (void)state;
    for (int recorded = 1; recorded < 60; recorded += 7)
        for (int last = 0; last < 2; last++) {
            tap_open(&t, -1);
            inner.len = outer.len = 0;
            for (int id = 1; id <= recorded; id++)
                put_produce(&inner, id, "somebody", "evil", NULL);
            put_produce(&outer, 5, "recorder", "good", &inner);
            from = offset_of(&outer, &inner);
            if (last)
                outer.len = from + inner.len;
            send_from(&t, 0, &outer, from);
            for (int id = 5; id < 12; id++) {
                if (id > 5) {
                    outer.len = 0;
                    put_produce(&outer, id, "recorder", "good", NULL);
                    send_from(&t, 0, &outer, 0);
                }
                other.len = 0;
                put_produced(&other, id, "good", 100 + id);
                send_from(&t, 1, &other, 0);
            }
            flush(&t.out);
            if (strstr(t.log, "evil") || !strstr(t.log, "good+109") || !strstr(t.log, "good+111"))
                fail_msg("%d recorded requests: %s", recorded, t.log);
            t.log[0] = 0;
            tap_close(&t, "");
        }
}

/* The capture starts in the middle of a response that holds recorded answers to the very requests
 * that a client sends while that response is still under way. */
static void test_answers(void **state)
{
    struct tap t;
    size_t from;

    (void)state;
    tap_open(&t, -1);
    inner.len = 0;
    for (int id = 7; id < 10; id++)
        put_fetched(&inner, id, "evil", 60 + id, NULL);
    for (int id = 7; id < 10; id++) {
        outer.len = 0;
        put_fetch(&outer, id, "good", 4 + id);
        send_from(&t, 0, &outer, 0);
    }
    outer.len = 0;
    put_fetched(&outer, 6, "good", 10, &inner);
    from = offset_of(&outer, &inner);
    send_from(&t, 1, &outer, from);
    for (int id = 7; id < 14; id++) {
        outer.len = 0;
        put_fetched(&outer, id, "good", 4 + id, NULL);
        send_from(&t, 1, &outer, 0);
        if (id < 9)
            continue;
        outer.len = 0;
        put_fetch(&outer, id + 1, "good", 5 + id);
        send_from(&t, 0, &outer, 0);
    }
    flush(&t.out);
    if (strstr(t.log, "evil") || !strstr(t.log, "good@16 good@17"))
        fail_msg("%s", t.log);
    t.log[0] = 0;
    tap_close(&t, "");
}

/* A record of a fetched batch holds a whole batch, and a hole leads right to that. What comes
 * behind is found. */
static void test_batch_in_records(void **state)
{
    struct tap t;

    (void)state;
    for (int64_t base = 11; base < 14; base++) {
        size_t start;
        size_t records;
        size_t first;
        size_t from;

        tap_open(&t, 0);
        outer.len = inner.len = 0;
        put_fetch(&outer, 1, "good", 10);
        send_from(&t, 0, &outer, 0);
        put_value_batch(&inner, base, NULL);
        outer.len = 0;
        start = begin(&outer);
        put_fetched_head(&outer, 1, "good");
        records = begin(&outer);
        put_value_batch(&outer, 10, NULL);
        first = outer.len;
        put_value_batch(&outer, 11, &inner);
        put_value_batch(&outer, 12, NULL);
        put_value_batch(&outer, 13, NULL);
        end(&outer, records);
        end(&outer, start);
        from = offset_of(&outer, &inner);
        send_part(&t, 1, &outer, 0, first);
        hole(&t, 1, from - first);
        send_from(&t, 1, &outer, from);
        expect(&t, " good@10 good@12 good@13");
        assert_int_equal(pt_parser_stats(t.parser)->batches_unproven, 1);
        tap_close(&t, "");
    }
}

/* The capture starts in the middle of a response whose records hold a long recorded conversation:
 * what looks like requests comes from the broker. It must not stay so. */
static void test_direction(void **state)
{
    struct tap t;
    size_t from;

    (void)state;
    for (int recorded = 1; recorded < 60; recorded += 7) {
        tap_open(&t, -1);
        inner.len = outer.len = 0;
        for (int id = 1; id <= recorded; id++)
            put_produce(&inner, id, "somebody", "evil", NULL);
        put_fetched(&outer, 6, "good", 10, &inner);
        from = offset_of(&outer, &inner);
        send_from(&t, 1, &outer, from);
        for (int id = 7; id < 12; id++) {
            outer.len = 0;
            put_fetch(&outer, id, "good", 4 + id);
            send_from(&t, 0, &outer, 0);
            outer.len = 0;
            put_fetched(&outer, id, "good", 4 + id, NULL);
            send_from(&t, 1, &outer, 0);
        }
        flush(&t.out);
        if (!strstr(t.log, "good@14 good@15"))
            fail_msg("%d recorded requests: %s", recorded, t.log);
        assert_null(strchr(t.log, '+'));
        t.log[0] = 0;
        tap_close(&t, "");
    }
}

/* All requests carry the same id; an answer is lost. The client waits for each answer. */
static void test_same_id(void **state)
{
    struct tap t;

    (void)state;
    tap_open(&t, 0);
    for (int i = 0; i < 4; i++) {
        outer.len = other.len = 0;
        put_produce(&outer, 5, "simple", "good", NULL);
        put_produced(&other, 5, "good", 100 + i);
        send_from(&t, 0, &outer, 0);
        if (i == 1)
            hole(&t, 1, other.len);
        else
            send_from(&t, 1, &other, 0);
    }
    expect(&t, " good<0 good+100#1 good<0 good?#2 good<0 good+102#3 good<0 good+103#4");
    tap_close(&t, "");
}

/* The same of a client that does not wait: after the loss nobody knows which answer is whose. */
static void test_same_id_pipelined(void **state)
{
    struct tap t;

    (void)state;
    for (int lost = 0; lost < 2; lost++) {
        tap_open(&t, 0);
        outer.len = other.len = 0;
        put_produce(&outer, 5, "simple", "good", NULL);
        put_produced(&other, 5, "good", 100);
        send_from(&t, 0, &outer, 0);
        send_from(&t, 0, &outer, 0);
        send_from(&t, 1, &other, 0);
        other.len = 0;
        put_produced(&other, 5, "good", 101);
        send_from(&t, 1, &other, 0);
        expect(&t, " good<0 good<0 good+100#1 good+101#2");
        send_from(&t, 0, &outer, 0);
        if (lost)
            hole(&t, 0, outer.len);
        else
            send_from(&t, 0, &outer, 0);
        other.len = 0;
        if (lost)
            put_produced(&other, 5, "good", 102);
        else
            hole(&t, 1, 53);
        put_produced(&other, 5, "good", 103);
        put_produced(&other, 5, "good", 104);
        send_from(&t, 0, &outer, 0);
        send_from(&t, 1, &other, 0);
        flush(&t.out);
        assert_null(strchr(t.log, '+'));
        t.log[0] = 0;
        tap_close(&t, "");
    }
}

/* Two names that are the same in what a topic's name can hold are two. */
static void test_long_names(void **state)
{
    char name[301];
    struct tap t;

    (void)state;
    memset(name, 'n', 300);
    name[300] = 0;
    tap_open(&t, 0);
    outer.len = other.len = 0;
    put_fetch(&outer, 1, name, 0);
    put_fetched(&other, 1, name, 0, NULL);
    send_from(&t, 0, &outer, 0);
    send_from(&t, 1, &other, 0);
    assert_int_equal(pt_parser_stats(t.parser)->topics_refused, 2);
    tap_close(&t, "");
}

/* The largest offset that a field can hold. */
static void test_last_offset(void **state)
{
    struct tap t;

    (void)state;
    tap_open(&t, 0);
    outer.len = other.len = 0;
    put_fetch(&outer, 1, "good", 5);
    put_fetched(&other, 1, "good", INT64_MAX, NULL);
    send_from(&t, 0, &outer, 0);
    send_from(&t, 1, &other, 0);
    tap_close(&t, " good!9223372036854775807");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_response_in_records),
        cmocka_unit_test(test_request_in_records),
        cmocka_unit_test(test_conversation),
        cmocka_unit_test(test_answers),
        cmocka_unit_test(test_batch_in_records),
        cmocka_unit_test(test_direction),
        cmocka_unit_test(test_same_id),
        cmocka_unit_test(test_same_id_pipelined),
        cmocka_unit_test(test_long_names),
        cmocka_unit_test(test_last_offset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
