/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_ANSWERS_H
#define PT_TESTS_ANSWERS_H
/*
 * Fetch responses written by hand from the protocol (kafka-wire.md 4), and a connection that they
 * are sent on: what is told of it stands in a line of text.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch_build.h"
#include "parser/conn.h"

#define TOPIC "orders"
#define VERSION_MAX 18
#define PORT 9092 /* of the broker */

static struct bytes frame;

/* Frames, by version: lengths and counts are compact from 12 on, topics are ids from 13 on. */

static inline size_t begin_frame(uint32_t id)
{
    put_int(&frame, 0, 4);
    put_int(&frame, id, 4);
    return frame.len - 4;
}

static inline void end_frame(size_t start)
{
    set_int(frame.data + start - 4, frame.len - start, 4);
}

static inline void put_tags(int version)
{
    if (version >= 12)
        put_int(&frame, 0, 1);
}

static inline void put_cnt(int version, uint32_t cnt)
{
    put_int(&frame, version >= 12 ? cnt + 1 : cnt, version >= 12 ? 1 : 4);
}

static inline void put_topic(int version, const char *name)
{
    static const uint8_t id[16] = { 9, 9 };

    if (version >= 13) {
        put(&frame, id, 16);
        return;
    }
    put_int(&frame, strlen(name) + (version >= 12), version >= 12 ? 1 : 2);
    put(&frame, name, strlen(name));
}

/* A batch of one record, an "x". */
static inline void put_one(int64_t base)
{
    const struct batch_spec spec = { base, 0, 1, 0 };

    put_batch(&frame, &spec, "\x0e\0\0\0\1\2x\0", 8);
}

struct answer {
    int version;
    uint32_t id;
    const char *topic; /* NULL: TOPIC */
    int64_t base[3];   /* of batches, until one that is 0 */
    uint32_t session;
    int32_t partition;
    unsigned cut; /* bytes of a last batch that is cut off */
};

/* Returns where the session's id stands. */
static inline size_t put_answer(const struct answer *a)
{
    int v = a->version;
    size_t start = begin_frame(a->id);
    size_t session = 0;
    size_t records;
    size_t len;

    put_tags(v); /* of the header */
    if (v >= 1)
        put_int(&frame, 0, 4);
    if (v >= 7) {
        put_int(&frame, 0, 2);
        session = frame.len;
        put_int(&frame, a->session, 4);
    }
    put_cnt(v, 1);
    put_topic(v, a->topic ? a->topic : TOPIC);
    put_cnt(v, 1);
    put_int(&frame, (uint32_t)a->partition, 4);
    put_int(&frame, 0, 2);
    put_int(&frame, 1000, 8); /* high watermark */
    if (v >= 4)
        put_int(&frame, 1000, 8);
    if (v >= 5)
        put_int(&frame, 3, 8); /* log start */
    if (v >= 4)
        put_int(&frame, v >= 12 ? 0 : UINT32_MAX, v >= 12 ? 1 : 4);
    if (v >= 11)
        put_int(&frame, UINT32_MAX, 4);
    records = frame.len;
    put_int(&frame, 0, v >= 12 ? 2 : 4);
    for (int i = 0; i < 3 && a->base[i]; i++)
        put_one(a->base[i]);
    if (a->cut) {
        put_one(5000);
        frame.len -= 69 - a->cut;
    }
    len = frame.len - records - (v >= 12 ? 2 : 4);
    if (v >= 12) { /* a varint of two bytes */
        frame.data[records] = (uint8_t)((len + 1) | 0x80);
        frame.data[records + 1] = (uint8_t)((len + 1) >> 7);
    } else {
        set_int(frame.data + records, len, 4);
    }
    put_tags(v);
    put_tags(v);
    put_tags(v);
    end_frame(start);
    return session;
}

/* The connection: side 1 is the broker. */

struct tap {
    struct pt_mem mem;
    struct pt_obs_out out;
    struct pt_parser *parser;
    struct pt_conn *conn;
    uint8_t *buf;
    uint64_t order;
    size_t step; /* bytes of a packet */
    uint32_t last_request;
    char log[4096]; /* a batch: "base<cert_from" with c: consumer's, f: follower's; bounds: "hw" */
};

static inline void flush(struct pt_obs_out *out)
{
    struct tap *t = out->flush_arg;

    for (uint32_t off = 0; off < out->used_sz;) {
        const void *m = out->buf + off;
        const struct pt_obs *o = m;
        const struct pt_obs_batch *b = m;
        const struct pt_obs_bounds *bounds = m;
        const struct pt_obs_produce_outcome *p = m;
        size_t len = strlen(t->log);

        if (o->kind == PT_OBS_BATCH) {
            snprintf(t->log + len, sizeof(t->log) - len, " %ld<%ld%c", (long)b->cert_from,
                     (long)b->base_offset, "pcf"[b->source]);
            t->last_request = b->request;
        } else if (o->kind == PT_OBS_BOUNDS) {
            snprintf(t->log + len, sizeof(t->log) - len, " hw%ld(%ld)",
                     (long)bounds->high_watermark, (long)bounds->fetch_offset);
        } else if (o->kind == PT_OBS_PRODUCE_OUTCOME) {
            snprintf(t->log + len, sizeof(t->log) - len, " %s",
                     p->outcome == PT_PRODUCE_UNKNOWN ? "unknown" : "?");
        } else if (o->kind == PT_OBS_TOPIC_ID) {
            snprintf(t->log + len, sizeof(t->log) - len, " id");
        } else if (o->kind == PT_OBS_LOST && o->topic != UINT32_MAX) {
            snprintf(t->log + len, sizeof(t->log) - len, " lost");
        }
        off += o->size;
    }
    out->used_sz = 0;
}

/* initiator: see pt_conn_open. */
static inline void tap_open_by(struct tap *t, size_t step, const struct pt_parser_cfg *cfg,
                               int initiator)
{
    const struct pt_endpoint ep[2] = { { .port = 50000 }, { .port = PORT } };
    struct pt_parser_cfg own = *cfg;

    *t = (struct tap){ .step = step };
    own.seen_slots = 16;
    pt_mem_init(&t->mem, 1u << 26);
    t->buf = malloc(PT_OBS_OUT_MIN);
    t->out = (struct pt_obs_out){
        .buf = t->buf, .buf_sz = PT_OBS_OUT_MIN, .flush = flush, .flush_arg = t
    };
    assert_int_equal(pt_parser_open(&t->mem, &own, &t->out, &t->parser), 0);
    t->conn = pt_conn_open(t->parser, PT_CLUSTER_SOURCE, &ep[0], &ep[1], initiator);
}

static inline void tap_open(struct tap *t, size_t step, const struct pt_parser_cfg *cfg)
{
    tap_open_by(t, step, cfg, 0);
}

static inline void expect(struct tap *t, const char *log)
{
    flush(&t->out);
    assert_string_equal(t->log, log);
    t->log[0] = 0;
}

static inline void tap_close(struct tap *t, uint64_t orphans, uint64_t read)
{
    const struct pt_packet_ref at = { 0 };
    const struct pt_parser_stats *s = pt_parser_stats(t->parser);

    pt_conn_close(t->conn, &at);
    flush(&t->out);
    assert_int_equal(s->orphan_responses, orphans);
    assert_int_equal(s->orphan_responses_read, read);
    assert_int_equal(s->bad_bodies, 0);
    assert_int_equal(s->frames, s->requests + s->responses + s->orphan_responses + s->sasl_frames +
                                        s->lost_frames);
    assert_int_equal(s->fed_bytes + s->hole_bytes,
                     s->frame_bytes + s->unframed_bytes + s->other_bytes + s->pending_bytes);
    pt_parser_close(t->parser);
    assert_int_equal(t->mem.used_sz, 0);
    free(t->buf);
}

/* send gives [from, to) of the frame, in packets. */
static inline void send_part(struct tap *t, int side, size_t from, size_t to)
{
    while (from < to) {
        const struct pt_packet_ref at = { .order = ++t->order, .packet = t->order };
        size_t len = to - from < t->step ? to - from : t->step;
        uint8_t *own = malloc(len);

        memcpy(own, frame.data + from, len);
        pt_conn_bytes(t->conn, side, own, len, &at);
        free(own);
        from += len;
    }
}

static inline void send_frame(struct tap *t, int side)
{
    send_part(t, side, 0, frame.len);
}

static inline void answer(struct tap *t, const struct answer *a)
{
    frame.len = 0;
    put_answer(a);
    send_frame(t, 1);
}

static inline void hole(struct tap *t, int side, uint64_t len)
{
    const struct pt_packet_ref at = { .order = ++t->order, .packet = t->order };

    pt_conn_hole(t->conn, side, len, PT_LOST_TAP_GAP, &at);
}

#endif
