/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what a Fetch response certifies (observation.h, PT_OBS_BATCH, _ABORTED, _LOST). Requests
 * and responses of Fetch v7 are written by hand, one topic and partition, and what comes out is
 * read as text:
 *
 *   F100 asked for (or F?) | [from base..last] a batch and its certificate, k: from what is known,
 *   s: seen before, !: not usable | L(from to) lost | X(from to) shed, k: known | N a whole body
 * shed | A[from to)n aborted list of n
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
    const char *topic; /* NULL: t */
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

static void say_shed(struct side *x, const struct pt_obs_lost *o)
{
    if (o->head.topic == UINT32_MAX) {
        say(x, "N");
        return;
    }
    assert_int_equal(o->magic, 2);
    say(x, "X(%ld %ld)%s", (long)o->from, (long)o->to, o->known ? "k" : "");
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
        else if (o->kind == PT_OBS_LOST && lost->reason == PT_LOST_SHED)
            say_shed(x, lost);
        else if (o->kind == PT_OBS_LOST)
            say(x, "L(%ld %ld)", (long)lost->from, (long)lost->to);
        else if (o->kind == PT_OBS_ABORTED)
            say(x, "A[%ld %ld)%u%s", (long)aborted->from, (long)aborted->to, aborted->cnt,
                aborted->torn ? "torn" : "");
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

static void put_topic(struct side *x)
{
    const char *topic = x->topic ? x->topic : "t";

    put_int(&x->b, strlen(topic), 2);
    put(&x->b, topic, strlen(topic));
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
        put_topic(x);
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
    int32_t cleaned; /* offsets behind the last record that are empty */
};

static void put_records(struct bytes *b, const struct item *i)
{
    const struct batch_spec spec = { i->base, i->cnt - 1 + i->cleaned, i->cnt, i->attributes };
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
    put_topic(x);
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

static const struct item THREE[] = { { 100, 10, 0, 0 }, { 115, 5, 0, 0 }, { 120, 5, 0, 0 }, { 0 } };

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

/* The checksum covers offsets and count, whatever the records are: so the next batch follows from
 * this one, as it must if somebody else is to find out. A marker is nothing but its record. */
static void test_undecodable(void **state)
{
    static const struct {
        uint16_t attributes;
        const char *text;
    } rows[] = {
        { 0, "F100[100 100..109]k![120 120..124]k" },
        { PT_CODEC_ZSTD, "F100[100 100..109]k![120 120..124]k" },
        { 0x20, "F100[100 100..109]k![120 120..124]" },
    };
    struct side x;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        uint8_t *entry;

        open_side(&x);
        request(&x, 0, -1, 100);
        answer(&x, 0, THREE);
        entry = x.b.data + x.batch_at[1];
        set_int(entry + 21, rows[i].attributes, 2);
        entry[61] ^= 0x40;
        fix_crc(entry, x.batch_at[2] - x.batch_at[1]);
        feed(&x, 1, 0, 0);
        expect(&x, rows[i].text);
        assert_int_equal(pt_parser_stats(x.parser)->batches_malformed, 1);
        close_side(&x);
    }
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
    static const struct item first[] = { { 100, 10, 0, 0 }, { 0 } };
    static const struct item next[] = { { 115, 5, 0, 0 }, { 0 } };
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
    static const struct item plain[] = { { 100, 10, 0, 0 }, { 0 } };
    static const struct item txn[] = {
        { 100, 5, TXN, 0 }, { 105, 5, TXN, 0 }, { 110, 5, 0, 0 }, { 0 }
    };
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
    request(&x, 0, -1, 90);
    answer(&x, 0, txn);
    feed(&x, 1, x.batch_at[0] + 70, x.batch_at[0] + 72);
    expect(&x, "F90L(90 104)[105 105..109]s[110 110..114]ksA[105 115)1torn");
    close_side(&x);
}

/* fetch asks for offset and gets items at that step, the batches from number `from` on at another.
 */
static void fetch(struct side *x, int64_t offset, const struct item *items, uint8_t step, int from,
                  uint8_t then)
{
    struct pt_packet_ref at;
    size_t cut;

    pt_parser_shed(x->parser, &(struct pt_shed){ .step = step, .share = UINT32_MAX });
    request(x, 0, -1, offset);
    answer(x, 0, items);
    set_int(x->b.data, x->b.len - 4, 4);
    at = (struct pt_packet_ref){ .order = ++x->out.order };
    cut = from < 0 ? x->b.len : x->batch_at[from] + 3;
    pt_conn_bytes(x->conn, 1, x->b.data, cut, &at);
    pt_parser_shed(x->parser, &(struct pt_shed){ .step = then, .share = UINT32_MAX });
    if (cut < x->b.len)
        pt_conn_bytes(x->conn, 1, x->b.data + cut, x->b.len - cut, &at);
}

/* What was told before comes without its records; not if they say which offsets are empty. */
static void test_again(void **state)
{
    static const struct item two[] = { { 100, 10, 0, 0 }, { 110, 5, 0, 1 }, { 0 } };
    struct side x;

    (void)state;
    open_side(&x);
    fetch(&x, 100, two, PT_SHED_NONE, -1, PT_SHED_NONE);
    expect(&x, "F100[100 100..109]k[110 110..115]k");
    fetch(&x, 100, two, PT_SHED_NONE, -1, PT_SHED_NONE);
    expect(&x, "F100[100 100..109]ks[110 110..115]k");
    close_side(&x);
}

static void test_shed_known(void **state)
{
    static const struct item more[] = { { 115, 5, 0, 0 }, { 121, 5, 0, 0 }, { 0 } };
    struct side x;

    (void)state;
    open_side(&x);
    fetch(&x, 100, THREE, PT_SHED_KNOWN, -1, PT_SHED_KNOWN);
    expect(&x, "F100[100 100..109]k[110 115..119]k[120 120..124]k"); /* all of it is new */
    fetch(&x, 90, THREE, PT_SHED_KNOWN, -1, PT_SHED_KNOWN);
    expect(&x, "F90X(90 100)X(100 110)kX(110 115)X(115 120)kX(120 125)k");
    fetch(&x, 110, more, PT_SHED_KNOWN, -1, PT_SHED_KNOWN); /* 120 is absent all the same */
    expect(&x, "F110X(110 115)X(115 120)k[120 121..125]k");
    fetch(&x, 105, THREE, PT_SHED_KNOWN, 1, PT_SHED_NONE);
    expect(&x, "F105X(100 110)k[110 115..119]ks[120 120..124]ks");
    fetch(&x, 110, THREE, PT_SHED_KNOWN, 1, PT_SHED_NONE); /* it was not this that was asked for */
    expect(&x, "F110X(100 110)k[110 115..119]ks[120 120..124]ks");
    assert_int_equal(pt_parser_stats(x.parser)->shed_known, 6);
    assert_int_equal(pt_parser_stats(x.parser)->batches_shed, 0);
    close_side(&x);
}

static void test_shed_headers(void **state)
{
    static const uint8_t steps[] = { PT_SHED_PARTITIONS, PT_SHED_HEADERS };
    struct side x;

    (void)state;
    for (size_t i = 0; i < sizeof(steps); i++) {
        open_side(&x);
        fetch(&x, 90, THREE, steps[i], -1, steps[i]);
        expect(&x, "F90X(90 110)X(115 120)X(120 125)"); /* nothing between them is told absent */
        fetch(&x, 90, THREE, steps[i], 1, PT_SHED_NONE);
        expect(&x, "F90X(90 110)[115 115..119][120 120..124]k");
        fetch(&x, 90, THREE, PT_SHED_NONE, 1, steps[i]);
        expect(&x, "F90[90 100..109]kX(110 120)X(120 125)");
        request(&x, 0, -1, 90);
        answer(&x, 0, THREE);
        feed(&x, 1, x.batch_at[0] + 70, x.batch_at[0] + 72); /* behind the header: not missed */
        expect(&x, "F90X(90 110)X(115 120)X(120 125)");
        x.topic = "__cluster_metadata";
        fetch(&x, 90, THREE, steps[i], -1, PT_SHED_NONE);
        expect(&x, "F90[90 100..109]k[110 115..119]k[120 120..124]k");
        assert_int_equal(pt_parser_stats(x.parser)->batches_shed, 3 + 1 + 2 + 3);
        close_side(&x);
    }
}

static void test_shed_share(void **state)
{
    static const char *const all = "F90[90 100..109]k[110 115..119]k[120 120..124]k";
    static const char *const none = "F90X(90 110)X(115 120)X(120 125)";
    uint32_t own = pt_shed_canon((struct pt_view){ (const uint8_t *)"t", 1 });
    _Atomic uint32_t canon[1] = { 0 };
    uint32_t share = 0;
    struct pt_shed shed = { .step = PT_SHED_PARTITIONS, .canon = canon, .canon_cnt = 1 };
    const struct {
        const _Atomic uint32_t *canon;
        uint32_t canon_cnt;
        uint32_t value;
        int32_t more; /* share, beyond that of t-0 */
        const char *text;
        const char *why;
    } rows[] = {
        { NULL, 0, 0, 0, all, "its own name, right below its hash" },
        { NULL, 0, 0, 1, none, "right above" },
        { canon, 1, own, 0, all, "the same by its canonical name" },
        { canon, 1, own, 1, none, "" },
        { canon, 1, 0, 1, all, "not known yet" },
        { canon, 0, own, 1, all, "beyond the table" },
    };

    (void)state;
    for (uint32_t bit = 1u << 31; bit; bit >>= 1)
        if (!pt_shed_partition(own, 0, share | bit))
            share |= bit;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct side x;

        open_side(&x);
        atomic_store(&canon[0], rows[i].value);
        shed.canon = rows[i].canon;
        shed.canon_cnt = rows[i].canon_cnt;
        shed.share = share + (uint32_t)rows[i].more;
        pt_parser_shed(x.parser, &shed);
        request(&x, 0, -1, 90);
        answer(&x, 0, THREE);
        feed(&x, 1, 0, 0);
        flush(&x.out);
        if (strcmp(x.text, rows[i].text) != 0)
            fail_msg("row %zu (%s): %s", i, rows[i].why, x.text);
        close_side(&x);
    }
}

static void test_shed_bodies(void **state)
{
    static const struct item next[] = { { 115, 5, 0, 0 }, { 0 } };
    struct side x;

    (void)state;
    open_side(&x);
    request(&x, 0, 0, 110);
    answer(&x, 9, (const struct item[]){ { 0 } });
    feed(&x, 1, 0, 0);
    expect(&x, "F110");
    pt_parser_shed(x.parser, &(struct pt_shed){ .step = PT_SHED_COUNT_ONLY });
    request(&x, 9, 1, -1);
    answer(&x, 9, next);
    feed(&x, 1, 0, 0);
    expect(&x, "N"); /* told once for a while */
    pt_parser_shed(x.parser, &(struct pt_shed){ 0 });
    request(&x, 9, 2, -1);
    answer(&x, 9, next);
    feed(&x, 1, 0, 0);
    expect(&x, "F?[115 115..119]"); /* what was asked for is not known any more */
    assert_int_equal(pt_parser_stats(x.parser)->bodies_shed, 2);
    assert_int_equal(pt_parser_stats(x.parser)->requests, 3);
    assert_int_equal(pt_parser_stats(x.parser)->responses, 3);
    close_side(&x);
}

static void test_shed_aborted(void **state)
{
    static const struct item txn[] = {
        { 100, 5, TXN, 0 }, { 105, 5, TXN, 0 }, { 110, 5, TXN, 0 }, { 0 }
    };
    struct side x;

    (void)state;
    open_side(&x);
    x.isolation = 1;
    fetch(&x, 90, txn, PT_SHED_NONE, 2, PT_SHED_HEADERS);
    expect(&x, "F90[90 100..104]k[105 105..109]kX(110 115)A[90 110)1");
    fetch(&x, 90, txn, PT_SHED_HEADERS, 2, PT_SHED_NONE);
    expect(&x, "F90X(90 105)X(105 110)[110 110..114]A[110 115)1torn");
    fetch(&x, 90, txn, PT_SHED_KNOWN, 2, PT_SHED_NONE);
    expect(&x, "F90X(90 100)X(100 105)kX(105 110)k[110 110..114]ksA[110 115)1");
    close_side(&x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole),        cmocka_unit_test(test_holes),
        cmocka_unit_test(test_bad_batch),    cmocka_unit_test(test_undecodable),
        cmocka_unit_test(test_partial),      cmocka_unit_test(test_session),
        cmocka_unit_test(test_aborted),      cmocka_unit_test(test_again),
        cmocka_unit_test(test_shed_known),   cmocka_unit_test(test_shed_headers),
        cmocka_unit_test(test_shed_share),   cmocka_unit_test(test_shed_bodies),
        cmocka_unit_test(test_shed_aborted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
