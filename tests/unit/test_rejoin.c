/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what a hole over the end of a partition's records costs: that partition's rest and the one
 * that begins in the hole, and none behind. A Fetch response of four partitions with two batches
 * each is written by hand (versions 4 and 12) and gets every hole there can be. And what is not
 * certain is not told: a recorded partition within records, another topic behind it, offsets that
 * were not asked for, partitions twice or more than announced, a wrong checksum.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch_build.h"
#include "parser/conn.h"

#define PARTITIONS 4

struct tap {
    struct pt_mem mem;
    struct pt_obs_out out;
    struct pt_parser *parser;
    struct pt_conn *conn;
    uint8_t *buf;
    size_t step;        /* bytes of a packet */
    char log[1024];     /* a batch: "partition@base+records" */
    uint64_t order[64]; /* of the packet of each */
    unsigned cnt;
};

static struct bytes frame;

static void flush(struct pt_obs_out *out)
{
    struct tap *t = out->flush_arg;

    for (uint32_t off = 0; off < out->used_sz;) {
        const void *m = out->buf + off;
        const struct pt_obs *o = m;
        const struct pt_obs_batch *b = m;
        const struct pt_obs_bounds *bounds = m;
        size_t len = strlen(t->log);

        if (o->kind == PT_OBS_BATCH) {
            assert_int_equal(b->status, PT_OK);
            snprintf(t->log + len, sizeof(t->log) - len, " %d@%ld+%u", o->partition,
                     (long)b->base_offset, b->record_cnt);
            t->order[t->cnt++] = o->at.order;
        } else if (o->kind == PT_OBS_BOUNDS) {
            assert_int_equal(bounds->high_watermark, 1000 + o->partition);
        }
        off += o->size;
    }
    out->used_sz = 0;
}

static void tap_open(struct tap *t)
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
    t->conn = pt_conn_open(t->parser, PT_CLUSTER_SOURCE, &ep[0], &ep[1], 0);
}

static void tap_close(struct tap *t)
{
    const struct pt_packet_ref at = { 0 };
    const struct pt_parser_stats *s = pt_parser_stats(t->parser);

    pt_conn_close(t->conn, &at);
    flush(&t->out);
    assert_int_equal(s->fed_bytes + s->hole_bytes,
                     s->frame_bytes + s->unframed_bytes + s->other_bytes + s->pending_bytes);
    assert_int_equal(s->frames, s->requests + s->responses + s->orphan_responses + s->sasl_frames +
                                        s->lost_frames);
    pt_parser_close(t->parser);
    assert_int_equal(t->mem.used_sz, 0);
    free(t->buf);
}

/* send gives the frame without [from, to), in packets that are numbered by their offset. */
static void send(struct tap *t, int side, size_t from, size_t to)
{
    set_int(frame.data, frame.len - 4, 4);
    for (size_t at = 0; at < frame.len;) {
        struct pt_packet_ref ref = { .order = at };
        size_t end = at < from ? from : frame.len;
        uint8_t *own;

        if (at == from && to > from) {
            pt_conn_hole(t->conn, side, to - from, PT_LOST_TAP_GAP, &ref);
            at = to;
            continue;
        }
        if (t->step && end - at > t->step)
            end = at + t->step;
        own = malloc(end - at);
        memcpy(own, frame.data + at, end - at);
        pt_conn_bytes(t->conn, side, own, end - at, &ref);
        free(own);
        at = end;
    }
    flush(&t->out);
}

static bool flex(int version)
{
    return version >= 12;
}

static void put_cnt(int version, uint32_t cnt)
{
    put_int(&frame, flex(version) ? cnt + 1 : cnt, flex(version) ? 1 : 4);
}

static void put_tags(int version)
{
    if (flex(version))
        put_int(&frame, 0, 1);
}

static void put_name(int version, const char *name)
{
    put_int(&frame, strlen(name) + flex(version), flex(version) ? 1 : 2);
    put(&frame, name, strlen(name));
}

static int64_t offset_of(int partition)
{
    return 100 * (partition + 1);
}

/* The request asks for the first cnt partitions. */
static void ask(struct tap *t, int version, int32_t id, int cnt)
{
    frame.len = 0;
    put_int(&frame, 0, 4);
    put_int(&frame, 0x00010000u | (unsigned)version, 4);
    put_int(&frame, (uint32_t)id, 4);
    put(&frame, "\0\3app", 5);
    put_tags(version);
    put_int(&frame, UINT32_MAX, 4);
    put_int(&frame, 500, 4);
    put_int(&frame, 1, 4);
    put_int(&frame, 1 << 20, 4);
    put_int(&frame, 0, 1);
    if (version >= 7) {
        put_int(&frame, 0, 4);
        put_int(&frame, UINT32_MAX, 4);
    }
    put_cnt(version, 1);
    put_name(version, "t");
    put_cnt(version, (uint32_t)cnt);
    for (int p = 0; p < cnt; p++) {
        put_int(&frame, (uint32_t)p, 4);
        if (version >= 9)
            put_int(&frame, UINT32_MAX, 4);
        put_int(&frame, (uint64_t)offset_of(p), 8);
        if (version >= 12)
            put_int(&frame, UINT32_MAX, 4);
        if (version >= 5)
            put_int(&frame, UINT64_MAX, 8);
        put_int(&frame, 1 << 20, 4);
        put_tags(version);
    }
    put_tags(version);
    if (version >= 7)
        put_cnt(version, 0);
    if (version >= 11)
        put_name(version, "");
    put_tags(version);
    send(t, 0, 0, 0);
}

/* A batch whose records are all the same but one: its value, or that of its header, is inner. */
static void put_records(int64_t base, int cnt, const struct bytes *inner, bool in_header)
{
    const struct batch_spec spec = { base, cnt - 1, cnt, 0 };
    static struct bytes payload;

    payload.len = 0;
    for (int i = 0; i < cnt; i++) {
        size_t len = inner ? inner->len : 1;
        uint64_t body =
                in_header ? 1 + 1 + 1 + 1 + 1 + 1 + 2 + 3 + len : 1 + 1 + 1 + 1 + 3 + len + 1;

        for (int k = 0; k < 3; k++) /* a varint of three bytes */
            put_int(&payload, (body * 2 >> 7 * k & 0x7f) | (k < 2 ? 0x80u : 0), 1);
        put(&payload, "\0\0", 2);
        put_int(&payload, (unsigned)i * 2, 1);
        if (in_header)
            put(&payload, "\1\1\2\2h", 5); /* no key, no value, one header "h" */
        else
            put(&payload, "\1", 1);
        for (int k = 0; k < 3; k++)
            put_int(&payload, (len * 2 >> 7 * k & 0x7f) | (k < 2 ? 0x80u : 0), 1);
        put(&payload, inner ? (const void *)inner->data : "x", len);
        if (!in_header)
            put_int(&payload, 0, 1);
    }
    put_batch(&frame, &spec, payload.data, payload.len);
}

static size_t begin_partition(int version, int p)
{
    put_int(&frame, (uint32_t)p, 4);
    put_int(&frame, 0, 2);
    put_int(&frame, 1000 + (unsigned)p, 8);
    put_int(&frame, 1000 + (unsigned)p, 8);
    if (version >= 5)
        put_int(&frame, 0, 8);
    put_int(&frame, flex(version) ? 0 : UINT32_MAX, flex(version) ? 1 : 4);
    if (version >= 11)
        put_int(&frame, UINT32_MAX, 4);
    put_int(&frame, 0, flex(version) ? 3 : 4);
    return frame.len;
}

static void end_partition(int version, size_t start)
{
    uint64_t len = frame.len - start;

    if (flex(version)) {
        for (unsigned k = 0; k < 3; k++)
            frame.data[start - 3 + k] =
                    (uint8_t)(((len + 1) >> 7 * k & 0x7f) | (k < 2 ? 0x80u : 0));
    } else {
        set_int(frame.data + start - 4, len, 4);
    }
    put_tags(version);
}

static void put_partition(int version, int p, int64_t base)
{
    size_t start = begin_partition(version, p);

    put_records(base, 1, NULL, false);
    put_records(base + 1, 2, NULL, false);
    end_partition(version, start);
}

static void begin_answer(int version, int32_t id, int topics, int cnt)
{
    frame.len = 0;
    put_int(&frame, 0, 4);
    put_int(&frame, (uint32_t)id, 4);
    put_tags(version);
    put_int(&frame, 0, 4);
    if (version >= 7) {
        put_int(&frame, 0, 2);
        put_int(&frame, 0, 4);
    }
    put_cnt(version, (uint32_t)topics);
    put_name(version, "t");
    put_cnt(version, (uint32_t)cnt);
}

static void end_answer(int version)
{
    put_tags(version);
    put_tags(version);
}

static bool told(const struct tap *t, int partition, int64_t base, int cnt)
{
    char word[64];

    snprintf(word, sizeof(word), " %d@%ld+%d", partition, (long)base, cnt);
    return strstr(t->log, word);
}

static void test_every_hole(void **state)
{
    static const int versions[] = { 4, 12 };

    (void)state;
    for (unsigned v = 0; v < 2; v++) {
        int version = versions[v];
        size_t start[PARTITIONS + 1];
        size_t first;

        begin_answer(version, 1, 1, PARTITIONS);
        for (int p = 0; p < PARTITIONS; p++) {
            start[p] = frame.len;
            put_partition(version, p, offset_of(p));
        }
        start[PARTITIONS] = frame.len;
        end_answer(version);
        first = start[0] + 4; /* the first partition has begun */
        for (size_t from = first; from < start[PARTITIONS]; from += 5)
            for (size_t to = from + 1; to < frame.len; to += 7) {
                static struct bytes whole;
                unsigned cnt = 0;
                struct tap t;

                tap_open(&t);
                whole = frame;
                ask(&t, version, 1, PARTITIONS);
                frame = whole;
                t.step = (from + to) % 3 ? 1 + (from + to) % 97 : 0;
                send(&t, 1, from, to);
                for (int p = 0; p < PARTITIONS; p++) {
                    bool whole_here = start[p] >= to || start[p + 1] <= from;

                    if (whole_here &&
                        !(told(&t, p, offset_of(p), 1) && told(&t, p, offset_of(p) + 1, 2)))
                        fail_msg("v%d, hole %zu..%zu, partition %d at %zu:%s", version, from, to, p,
                                 start[p], t.log);
                    cnt += told(&t, p, offset_of(p), 1);
                    cnt += told(&t, p, offset_of(p) + 1, 2);
                }
                assert_int_equal(cnt, t.cnt); /* and nothing else */
                for (unsigned i = 0; i + 1 < t.cnt; i++)
                    assert_true(t.order[i] <= t.order[i + 1]);
                ask(&t, version, 2, 1); /* it goes on */
                begin_answer(version, 2, 1, 1);
                put_partition(version, 0, 100);
                end_answer(version);
                send(&t, 1, 0, 0);
                assert_int_equal(t.cnt, cnt + 2);
                tap_close(&t);
                frame = whole;
            }
    }
}

struct odd {
    const char *why;
    int asked;     /* partitions */
    int announced; /* partitions */
    int topics;
    int second;  /* number that the third partition has */
    int64_t add; /* to the third one's offsets */
    bool crc;    /* of its last batch is wrong */
    const char *log;
};

/* A hole from within the first partition's records to within the second's. */
static void test_what_is_not_certain(void **state)
{
    static const struct odd odd[] = {
        { "all is well", 4, 4, 1, 2, 0, false, " 0@100+1 2@300+1 2@301+2 3@400+1 3@401+2" },
        { "asked for an offset within the batch", 4, 4, 1, 2, -1, false,
          " 0@100+1 3@400+1 3@401+2" },
        { "not what was asked for", 4, 4, 1, 2, 1, false, " 0@100+1 3@400+1 3@401+2" },
        { "not asked for", 3, 4, 1, 2, 0, false, " 0@100+1" },
        { "another topic follows", 4, 4, 2, 2, 0, false, " 0@100+1" },
        { "more than were announced", 4, 2, 1, 2, 0, false, " 0@100+1 3@400+1 3@401+2" },
        { "twice the same", 4, 4, 1, 3, 100, false, " 0@100+1 3@400+1 3@401+2" },
        { "a wrong checksum", 4, 4, 1, 2, 0, true, " 0@100+1 3@400+1 3@401+2" },
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
        const struct odd *o = &odd[i];
        size_t from;
        size_t to;
        struct tap t;

        tap_open(&t);
        ask(&t, 4, 1, o->asked);
        begin_answer(4, 1, o->topics, o->announced);
        put_partition(4, 0, 100);
        from = frame.len - 20;
        put_partition(4, 1, 200);
        to = frame.len - 20;
        put_partition(4, o->second, offset_of(2) + o->add);
        frame.data[frame.len - 1] ^= o->crc;
        put_partition(4, 3, 400);
        if (o->topics > 1) {
            put_name(4, "u");
            put_cnt(4, 0);
        }
        send(&t, 1, from, to);
        if (strcmp(t.log, o->log))
            fail_msg("%s:%s", o->why, t.log);
        tap_close(&t);
    }
}

/* What the second partition's last record holds is a recorded answer to this very request: as the
 * value, and as the value of a header, behind which nothing of the record stands. Its first batch
 * has three records. */
static void test_recorded(void **state)
{
    (void)state;
    for (int in_header = 0; in_header < 2; in_header++) {
        static struct bytes inner;
        size_t records;
        size_t from;
        size_t to;
        struct tap t;

        tap_open(&t);
        ask(&t, 4, 1, PARTITIONS);
        frame.len = 0;
        records = begin_partition(4, 2);
        put_records(300, 3, NULL, false);
        end_partition(4, records);
        inner = frame;
        begin_answer(4, 1, 1, PARTITIONS);
        put_partition(4, 0, 100);
        from = frame.len - 20;
        records = begin_partition(4, 1);
        put_records(200, 1, &inner, in_header);
        end_partition(4, records);
        to = (size_t)((uint8_t *)memmem(frame.data, frame.len, inner.data, inner.len) - frame.data);
        put_partition(4, 2, 300);
        put_partition(4, 3, 400);
        send(&t, 1, from, to);
        assert_string_equal(t.log, " 0@100+1 2@300+1 2@301+2 3@400+1 3@401+2");
        tap_close(&t);
    }
}

/* Two holes: what stands behind the second is read. */
static void test_two_holes(void **state)
{
    static struct bytes whole;
    const struct pt_packet_ref at = { 0 };
    size_t start[PARTITIONS];
    struct tap t;

    (void)state;
    tap_open(&t);
    ask(&t, 12, 1, PARTITIONS);
    begin_answer(12, 1, 1, PARTITIONS);
    for (int p = 0; p < PARTITIONS; p++) {
        start[p] = frame.len;
        put_partition(12, p, offset_of(p));
    }
    end_answer(12);
    set_int(frame.data, frame.len - 4, 4);
    whole = frame;
    pt_conn_bytes(t.conn, 1, whole.data, start[1] - 9, &at);
    pt_conn_hole(t.conn, 1, 30, PT_LOST_TAP_GAP, &at);
    pt_conn_bytes(t.conn, 1, whole.data + start[1] + 21, start[2] + 30 - start[1] - 21, &at);
    pt_conn_hole(t.conn, 1, start[3] - start[2] - 30, PT_LOST_TAP_GAP, &at);
    pt_conn_bytes(t.conn, 1, whole.data + start[3], whole.len - start[3], &at);
    flush(&t.out);
    assert_string_equal(t.log, " 0@100+1 3@400+1 3@401+2");
    tap_close(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_hole),
        cmocka_unit_test(test_what_is_not_certain),
        cmocka_unit_test(test_recorded),
        cmocka_unit_test(test_two_holes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
