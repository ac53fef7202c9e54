/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows the beginnings that a connection may have and the ends that a produce may have: short
 * dialogues, written by hand from the protocol (kafka-wire.md 1), each whole and byte by byte.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parser/conn.h"

/* Bytes in hex; client "app" is 0003617070. */
#define APP "0003617070"
#define VERSIONS(id)                                                                               \
    "0000000d"                                                                                     \
    "00120000" id APP /* ApiVersions v0 */
#define VERSIONS_ANSWER(id)                                                                        \
    "0000000a" id "0000"                                                                           \
    "00000000" /* no error, no keys */
#define METADATA(id)                                                                               \
    "00000011"                                                                                     \
    "00030000" id APP "00000000"
#define METADATA_ANSWER(id)                                                                        \
    "0000000c" id "00000000"                                                                       \
    "00000000"
#define HANDSHAKE_0(id)                                                                            \
    "00000014"                                                                                     \
    "00110000" id APP "0005504c41494e" /* PLAIN */
#define HANDSHAKE_ANSWER(id)                                                                       \
    "0000000a" id "0000"                                                                           \
    "00000000"
#define PRODUCE(id, acks) /* v2, topic "t", partition 5, no entries but one that is cut off */     \
    "0000002b"                                                                                     \
    "00000002" id APP acks "000003e8"                                                              \
    "00000001"                                                                                     \
    "000174"                                                                                       \
    "00000001"                                                                                     \
    "00000005"                                                                                     \
    "00000005"                                                                                     \
    "0000000000"
#define PRODUCE_ANSWER(id, error)                                                                  \
    "00000029" id "00000001"                                                                       \
    "000174"                                                                                       \
    "00000001"                                                                                     \
    "00000005" error "0000000000000064"                                                            \
    "ffffffffffffffff"                                                                             \
    "00000000"

struct seen {
    int outcome[3];
    uint32_t acked_request;
};

static void flush(struct pt_obs_out *out)
{
    struct seen *s = out->flush_arg;

    for (uint32_t off = 0; off < out->used_sz;) {
        const struct pt_obs *o = (const void *)(out->buf + off);

        if (o->kind == PT_OBS_PRODUCE_OUTCOME) {
            const struct pt_obs_produce_outcome *p = (const void *)o;

            assert_int_equal(o->partition, 5);
            assert_int_equal(p->base_offset, p->outcome == PT_PRODUCE_ACKED ? 100 : -1);
            s->outcome[p->outcome]++;
            if (p->outcome == PT_PRODUCE_ACKED)
                s->acked_request = p->request;
        }
        off += o->size;
    }
    out->used_sz = 0;
}

static void feed_hex(struct pt_conn *c, int side, const char *hex, size_t step)
{
    const struct pt_packet_ref at = { 0 };
    uint8_t bytes[512];
    size_t len = strlen(hex) / 2;

    for (size_t i = 0; i < len; i++) {
        unsigned v;

        assert_int_equal(sscanf(hex + 2 * i, "%2x", &v), 1);
        bytes[i] = (uint8_t)v;
    }
    for (size_t i = 0; i < len; i += step) {
        size_t n = len - i < step ? len - i : step;
        uint8_t *own = malloc(n);

        memcpy(own, bytes + i, n);
        pt_conn_bytes(c, side, own, n, &at);
        free(own);
    }
}

struct row {
    const char *why;
    const char *turn[8]; /* from side 0, from side 1, ... */
    uint64_t requests;
    uint64_t responses;
    uint64_t sasl;
    enum pt_conn_kind kind;
    int acked;
    int rejected;
    int unknown;
    uint32_t acked_request; /* number of the one that is acknowledged */
};

static void run(const struct row *row, size_t step, int initiator)
{
    const struct pt_endpoint a = { .port = 9092 }; /* the port says nothing */
    const struct pt_endpoint b = { .port = 50000 };
    struct pt_parser_cfg cfg = pt_parser_cfg_default;
    uint8_t *buf = malloc(PT_OBS_OUT_MIN);
    struct seen seen = { 0 };
    struct pt_obs_out out = {
        .buf = buf, .buf_sz = PT_OBS_OUT_MIN, .flush = flush, .flush_arg = &seen
    };
    const struct pt_packet_ref at = { 0 };
    const struct pt_parser_stats *s;
    const struct pt_conn_row *rows;
    struct pt_parser *p;
    struct pt_conn *c;
    struct pt_mem mem;

    cfg.seen_slots = 16;
    pt_mem_init(&mem, 1u << 26);
    assert_int_equal(pt_parser_open(&mem, &cfg, &out, &p), 0);
    c = pt_conn_open(p, PT_CLUSTER_SOURCE, &a, &b, initiator);
    for (int i = 0; i < 8 && row->turn[i]; i++)
        feed_hex(c, i & 1, row->turn[i], step);
    pt_conn_close(c, &at);
    flush(&out);
    s = pt_parser_stats(p);
    if (s->requests != row->requests || s->responses != row->responses ||
        s->sasl_frames != row->sasl || seen.outcome[PT_PRODUCE_ACKED] != row->acked ||
        seen.outcome[PT_PRODUCE_REJECTED] != row->rejected ||
        seen.outcome[PT_PRODUCE_UNKNOWN] != row->unknown ||
        seen.acked_request != row->acked_request)
        fail_msg("%s, pieces of %zu: %lu requests, %lu responses, %lu sasl, %d acked, %d rejected, "
                 "%d unknown",
                 row->why, step, (unsigned long)s->requests, (unsigned long)s->responses,
                 (unsigned long)s->sasl_frames, seen.outcome[PT_PRODUCE_ACKED],
                 seen.outcome[PT_PRODUCE_REJECTED], seen.outcome[PT_PRODUCE_UNKNOWN]);
    assert_int_equal(pt_parser_conn_rows(p, &rows), 1);
    assert_int_equal(rows[0].kind, row->kind);
    assert_int_equal(s->fed_bytes,
                     s->frame_bytes + s->unframed_bytes + s->other_bytes + s->pending_bytes);
    pt_parser_close(p);
    assert_int_equal(mem.used_sz, 0);
    free(buf);
}

#define ID1 "00000001"
#define ID2 "00000002"
#define ID3 "00000003"

static void test_beginnings(void **state)
{
    static const struct row rows[] = {
        { "plain",
          { VERSIONS(ID1), VERSIONS_ANSWER(ID1), METADATA(ID2), METADATA_ANSWER(ID2) },
          2,
          2,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          0,
          0 },
        { "PROXY protocol v1",
          { "50524f585920554e4b4e4f574e0d0a" VERSIONS(ID1), VERSIONS_ANSWER(ID1) },
          1,
          1,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          0,
          0 },
        { "PROXY protocol v2",
          { "0d0a0d0a000d0a515549540a21110004aabbccdd" VERSIONS(ID1), VERSIONS_ANSWER(ID1) },
          1,
          1,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          0,
          0 },
        { "HTTP",
          { "474554202f20485454502f312e310d0a0d0a", "485454502f312e3120323030" },
          0,
          0,
          0,
          PT_CONN_OTHER,
          0,
          0,
          0,
          0 },
        { "SASL with raw tokens: the last server token is empty",
          { HANDSHAKE_0(ID1), HANDSHAKE_ANSWER(ID1),
            "00000006"
            "006100626363",
            "00000000", METADATA(ID2), METADATA_ANSWER(ID2) },
          2,
          2,
          2,
          PT_CONN_KAFKA,
          0,
          0,
          0,
          0 },
        { "GSSAPI without a handshake",
          { "00000008"
            "6006010203040506",
            "00000008"
            "6006070809101112",
            METADATA(ID1), METADATA_ANSWER(ID1) },
          1,
          1,
          2,
          PT_CONN_KAFKA,
          0,
          0,
          0,
          0 },
        { "an answered request is missed",
          { VERSIONS(ID1) METADATA(ID2), METADATA_ANSWER(ID2) },
          2,
          1,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          0,
          0 },
        { "nothing like Kafka",
          { "0000002a0000000000000000000000000000000000000000000000000000", "00000000" },
          0,
          0,
          0,
          PT_CONN_UNDECIDED,
          0,
          0,
          0,
          0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run(&rows[i], 1000, 0);
        run(&rows[i], 1, 0);
        run(&rows[i], 11, 0);
    }
}

static void test_attach(void **state)
{
    static const struct row rows[] = {
        { "the answer to a request before the capture comes first",
          { "", METADATA_ANSWER(ID1), METADATA(ID2), METADATA_ANSWER(ID2), VERSIONS(ID3),
            VERSIONS_ANSWER(ID3) },
          2,
          2,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          0,
          0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        run(&rows[i], 1000, -1);
}

static void test_outcomes(void **state)
{
    static const struct row rows[] = {
        { "acknowledged",
          { PRODUCE(ID1, "ffff"), PRODUCE_ANSWER(ID1, "0000") },
          1,
          1,
          0,
          PT_CONN_KAFKA,
          1,
          0,
          0,
          1 },
        { "rejected: too large",
          { PRODUCE(ID1, "ffff"), PRODUCE_ANSWER(ID1, "000a") },
          1,
          1,
          0,
          PT_CONN_KAFKA,
          0,
          1,
          0,
          0 },
        { "timed out: may exist",
          { PRODUCE(ID1, "ffff"), PRODUCE_ANSWER(ID1, "0007") },
          1,
          1,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          1,
          0 },
        { "too few replicas after the append",
          { PRODUCE(ID1, "ffff"), PRODUCE_ANSWER(ID1, "0014") },
          1,
          1,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          1,
          0 },
        { "never answered", { PRODUCE(ID1, "0001") }, 1, 0, 0, PT_CONN_KAFKA, 0, 0, 1, 0 },
        { "its answer is missed",
          { PRODUCE(ID1, "0001") METADATA(ID2), METADATA_ANSWER(ID2) },
          2,
          1,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          1,
          0 },
        { "its answer is cut off before it can be told from chance",
          { PRODUCE(ID1, "0001"), "00000029" ID1 "00000001"
                                  "0001" },
          1,
          0,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          1,
          0 },
        { "its answer is cut off in the body",
          { VERSIONS(ID1), VERSIONS_ANSWER(ID1), PRODUCE(ID2, "0001"),
            "00000029" ID2 "00000001"
            "0001" },
          2,
          2,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          1,
          0 },
        { "acks=0",
          { PRODUCE(ID1, "0000") METADATA(ID2), METADATA_ANSWER(ID2) },
          2,
          1,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          1,
          0 },
        { "its answer is missed, and the next one carries the same name",
          { PRODUCE(ID1, "0001") PRODUCE(ID2, "0001"), PRODUCE_ANSWER(ID2, "0000") },
          2,
          1,
          0,
          PT_CONN_KAFKA,
          1,
          0,
          1,
          2 },
        { "acks=0, answered all the same",
          { PRODUCE(ID1, "0000"), PRODUCE_ANSWER(ID1, "0000") },
          1,
          1,
          0,
          PT_CONN_KAFKA,
          0,
          0,
          1,
          0 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        run(&rows[i], 1000, 0);
        run(&rows[i], 1, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_beginnings),
        cmocka_unit_test(test_attach),
        cmocka_unit_test(test_outcomes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
