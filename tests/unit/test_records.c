/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what a Fetch response certifies (observation.h, PT_OBS_BATCH, _ABORTED, _LOST). Requests
 * and responses of Fetch v7 are written by hand, one topic and partition, and what comes out is
 * read as text:
 *
 *   F100 asked for (or F?) | [from base..last] a batch and its certificate, k: from what is known,
 *   s: seen before, !: not usable | L(from to) lost | A[from to)n aborted list of n
 *
 * A certificate that is too wide would prove records absent that were only not seen.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch_build.h"
#include "parser/conn.h"

#define BATCHES_MAX 4

struct side {
    struct pt_mem mem;
    struct pt_obs_out out;
    struct pt_parser *parser;
    struct pt_conn *conn;
    uint8_t *buf;
    char text[512];
    size_t text_len;
    int32_t id;
    uint8_t isolation;
    struct bytes b;
    size_t batch_at[BATCHES_MAX + 1];
};

static void say(struct side *x, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    x->text_len += (size_t)vsnprintf(x->text + x->text_len, sizeof(x->text) - x->text_len, fmt, ap);
    va_end(ap);
    assert_true(x->text_len < sizeof(x->text));
}

static void say_batch(struct side *x, const struct pt_obs_batch *b)
{
    if (b->status) {
        say(x, "!");
        return;
    }
    say(x, "[%ld %ld..%ld]%s%s", (long)b->cert_from, (long)b->base_offset, (long)b->last_offset,
        b->flags & PT_BATCH_FROM_KNOWN ? "k" : "", b->flags & PT_BATCH_SEEN_AGAIN ? "s" : "");
}

static void flush(struct pt_obs_out *out)
{
    struct side *x = out->flush_arg;

    for (uint32_t off = 0; off < out->used_sz;) {
        const void *m = out->buf + off;
        const struct pt_obs *o = m;
        const struct pt_obs_bounds *bounds = m;
        const struct pt_obs_lost *lost = m;
        const struct pt_obs_aborted *aborted = m;

        if (o->kind == PT_OBS_BATCH)
            say_batch(x, m);
        else if (o->kind == PT_OBS_BOUNDS && bounds->fetch_offset < 0)
            say(x, "F?");
        else if (o->kind == PT_OBS_BOUNDS)
            say(x, "F%ld", (long)bounds->fetch_offset);
        else if (o->kind == PT_OBS_LOST)
            say(x, "L(%ld %ld)", (long)lost->from, (long)lost->to);
        else if (o->kind == PT_OBS_ABORTED)
            say(x, "A[%ld %ld)%u", (long)aborted->from, (long)aborted->to, aborted->cnt);
        off += o->size;
    }
    out->used_sz = 0;
}

static void open_side(struct side *x)
{
    const struct pt_endpoint ep[2] = { { .port = 50000 }, { .port = 9092 } };
    struct pt_parser_cfg cfg = pt_parser_cfg_default;

    memset(x, 0, sizeof(*x));
    cfg.seen_slots = 1024;
    pt_mem_init(&x->mem, 1u << 28);
    x->buf = malloc(PT_OBS_OUT_MIN);
    x->out = (struct pt_obs_out){
        .buf = x->buf, .buf_sz = PT_OBS_OUT_MIN, .flush = flush, .flush_arg = x
    };
    assert_int_equal(pt_parser_open(&x->mem, &cfg, &x->out, &x->parser), 0);
    x->conn = pt_conn_open(x->parser, PT_CLUSTER_SOURCE, &ep[0], &ep[1], 0);
}

static void close_side(struct side *x)
{
    const struct pt_packet_ref at = { 0 };

    pt_conn_close(x->conn, &at);
    pt_parser_close(x->parser);
    assert_int_equal(x->mem.used_sz, 0);
    free(x->buf);
}

static void expect(struct side *x, const char *text)
{
    flush(&x->out);
    assert_string_equal(x->text, text);
    x->text_len = 0;
    x->text[0] = 0;
}

/* feed sends x->b without [from, to). */
static void feed(struct side *x, int side, size_t from, size_t to)
{
    const struct pt_packet_ref at = { .order = ++x->out.order };

    set_int(x->b.data, x->b.len - 4, 4);
    if (from)
        pt_conn_bytes(x->conn, side, x->b.data, from, &at);
    if (to > from)
        pt_conn_hole(x->conn, side, to - from, PT_LOST_TAP_GAP, &at);
    if (x->b.len > to)
        pt_conn_bytes(x->conn, side, x->b.data + to, x->b.len - to, &at);
}

/* request asks from offset on; -1: the partition is not named (incremental). */
static void request(struct side *x, int32_t session, int32_t epoch, int64_t offset)
{
    struct bytes *b = &x->b;

    b->len = 0;
    put_int(b, 0, 4);
    put_int(b, 0x00010007, 4);
    put_int(b, (uint32_t)++x->id, 4);
    put(b, "\0\3app", 5);
    put_int(b, UINT32_MAX, 4); /* replica_id */
    put_int(b, 500, 4);
    put_int(b, 1, 4);
    put_int(b, 1 << 20, 4);
    put_int(b, x->isolation, 1);
    put_int(b, (uint32_t)session, 4);
    put_int(b, (uint32_t)epoch, 4);
    put_int(b, offset >= 0, 4);
    if (offset >= 0) {
        put(b, "\0\1t", 3);
        put_int(b, 1, 4);
        put_int(b, 0, 4);
        put_int(b, (uint64_t)offset, 8);
        put_int(b, UINT64_MAX, 8);
        put_int(b, 1 << 20, 4);
    }
    put_int(b, 0, 4); /* forgotten */
    feed(x, 0, 0, 0);
}

struct item { /* a batch; cnt 0 ends the list */
    int64_t base;
    int32_t cnt;
    uint16_t attributes;
};

static void put_records(struct bytes *b, const struct item *i)
{
    const struct batch_spec spec = { i->base, i->cnt - 1, i->cnt, i->attributes };
    uint8_t payload[64 * 7];

    for (int k = 0; k < i->cnt; k++)
        memcpy(payload + 7 * k, (const uint8_t[]){ 12, 0, 0, (uint8_t)(2 * k), 1, 0, 0 }, 7);
    put_batch(b, &spec, payload, 7u * (unsigned)i->cnt);
}

/* answer builds the response to the last request; feed sends it. */
static void answer(struct side *x, int32_t session, const struct item *items)
{
    struct bytes *b = &x->b;
    size_t len_at;
    int n = 0;

    b->len = 0;
    put_int(b, 0, 4);
    put_int(b, (uint32_t)x->id, 4);
    put_int(b, 0, 4);
    put_int(b, 0, 2);
    put_int(b, (uint32_t)session, 4);
    put_int(b, 1, 4);
    put(b, "\0\1t", 3);
    put_int(b, 1, 4);
    put_int(b, 0, 4);
    put_int(b, 0, 2);
    put_int(b, 1000, 8);
    put_int(b, 1000, 8);
    put_int(b, 0, 8);
    if (x->isolation) {
        put_int(b, 1, 4);
        put_int(b, 77, 8);
        put_int(b, 105, 8);
    } else {
        put_int(b, UINT32_MAX, 4);
    }
    len_at = b->len;
    put_int(b, 0, 4);
    for (; items[n].cnt; n++) {
        x->batch_at[n] = b->len;
        put_records(b, &items[n]);
    }
    x->batch_at[n] = b->len;
    set_int(b->data + len_at, b->len - len_at - 4, 4);
}

static const struct item THREE[] = { { 100, 10, 0 }, { 115, 5, 0 }, { 120, 5, 0 }, { 0 } };

static void test_whole(void **state)
{
    static const struct {
        int64_t asked;
        const char *text;
        const char *why;
    } rows[] = {
        { 100, "F100[100 100..109]k[110 115..119]k[120 120..124]k",
          "gaps between batches are absent" },
        { 90, "F90[90 100..109]k[110 115..119]k[120 120..124]k",
          "so is what was asked for in front" },
        { 105, "F105[100 100..109]k[110 115..119]k[120 120..124]k", "asked for within a batch" },
        { 110, "F110[100 100..109][110 115..119]k[120 120..124]k",
          "asked for behind the first batch" },
    };
    struct side x;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        open_side(&x);
        request(&x, 0, -1, rows[i].asked);
        answer(&x, 0, THREE);
        feed(&x, 1, 0, 0);
        flush(&x.out);
        if (strcmp(x.text, rows[i].text))
            fail_msg("%s: %s", rows[i].why, x.text);
        close_side(&x);
    }
}

static void test_holes(void **state)
{
    struct side x;

    (void)state;
    open_side(&x);
    request(&x, 0, -1, 90);
    answer(&x, 0, THREE);
    feed(&x, 1, x.batch_at[1] + 70, x.batch_at[1] + 71);
    expect(&x, "F90[90 100..109]kL(110 119)[120 120..124]");
    request(&x, 0, -1, 90);
    answer(&x, 0, THREE);
    feed(&x, 1, x.batch_at[1] + 20, x.batch_at[1] + 30); /* its last offset is missing */
    expect(&x, "F90[90 100..109]ksL(110 -1)[120 120..124]s");
    request(&x, 0, -1, 90);
    answer(&x, 0, THREE);
    feed(&x, 1, x.batch_at[0] + 70, x.batch_at[1] + 1);
    expect(&x, "F90L(90 -1)");
    request(&x, 0, -1, 100);
    answer(&x, 0, THREE);
    feed(&x, 1, 0, 0);
    expect(&x, "F100[100 100..109]ks[110 115..119]k[120 120..124]ks");
    close_side(&x);
}

static void test_bad_batch(void **state)
{
    struct side x;

    (void)state;
    open_side(&x);
    request(&x, 0, -1, 100);
    answer(&x, 0, THREE);
    x.b.data[x.batch_at[1] + 65] ^= 1;
    feed(&x, 1, 0, 0);
    expect(&x, "F100[100 100..109]k![120 120..124]");
    close_side(&x);
}

static void test_partial(void **state)
{
    struct side x;

    (void)state;
    open_side(&x);
    request(&x, 0, -1, 100);
    answer(&x, 0, THREE);
    x.b.len -= 3; /* the broker cut the last batch */
    set_int(x.b.data + x.batch_at[0] - 4, x.b.len - x.batch_at[0], 4);
    feed(&x, 1, 0, 0);
    expect(&x, "F100[100 100..109]k[110 115..119]k");
    assert_int_equal(pt_parser_stats(x.parser)->batches_partial, 1);
    assert_int_equal(pt_parser_stats(x.parser)->batches_lost, 0);
    close_side(&x);
}

static void test_session(void **state)
{
    static const struct item first[] = { { 100, 10, 0 }, { 0 } };
    static const struct item next[] = { { 115, 5, 0 }, { 0 } };
    struct side x;

    (void)state;
    open_side(&x);
    request(&x, 0, 0, 100);
    answer(&x, 9, first);
    feed(&x, 1, 0, 0);
    expect(&x, "F100[100 100..109]k");
    request(&x, 9, 1, 110);
    answer(&x, 9, (const struct item[]){ { 0 } });
    feed(&x, 1, 0, 0);
    expect(&x, "F110");
    request(&x, 9, 2, -1); /* not named: what was asked before */
    answer(&x, 9, next);
    feed(&x, 1, 0, 0);
    expect(&x, "F110[110 115..119]k");
    request(&x, 9, 4, -1); /* an epoch is missing */
    answer(&x, 9, next);
    feed(&x, 1, 0, 0);
    expect(&x, "F?[115 115..119]s");
    request(&x, 9, 5, 110);
    answer(&x, 9, next);
    feed(&x, 1, 30, 31); /* a hole in the response: what it said is not known */
    request(&x, 9, 6, -1);
    answer(&x, 9, next);
    feed(&x, 1, 0, 0);
    expect(&x, "F?[115 115..119]s");
    request(&x, 9, 7, 110);
    request(&x, 9, 8, -1); /* the first of two is never answered */
    answer(&x, 9, next);
    feed(&x, 1, 0, 0);
    expect(&x, "F?[115 115..119]s");
    close_side(&x);
}

#define TXN 0x10

static void test_aborted(void **state)
{
    static const struct item plain[] = { { 100, 10, 0 }, { 0 } };
    static const struct item txn[] = { { 100, 5, TXN }, { 105, 5, TXN }, { 110, 5, 0 }, { 0 } };
    struct side x;

    (void)state;
    open_side(&x);
    x.isolation = 1;
    request(&x, 0, -1, 90);
    answer(&x, 0, plain);
    feed(&x, 1, 0, 0);
    expect(&x, "F90[90 100..109]k"); /* nothing transactional, nothing to tell */
    request(&x, 0, -1, 90);
    answer(&x, 0, txn);
    feed(&x, 1, 0, 0);
    expect(&x, "F90[90 100..104]k[105 105..109]k[110 110..114]kA[90 115)1");
    request(&x, 0, -1, 90);
    answer(&x, 0, txn);
    feed(&x, 1, x.batch_at[1] + 70, x.batch_at[1] + 72);
    expect(&x, "F90[90 100..104]ksL(105 109)A[90 105)1[110 110..114]s");
    close_side(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),     cmocka_unit_test(test_holes),
        cmocka_unit_test(test_bad_batch), cmocka_unit_test(test_partial),
        cmocka_unit_test(test_session),   cmocka_unit_test(test_aborted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
