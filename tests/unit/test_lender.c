/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that what a worker observes reaches the sink byte for byte, message by message and key by
 * key as it would without a lender, in whatever order the lent batches are done and by whomever:
 *
 *   orders   the test itself claims jobs and finishes them in a random order
 *   threads  helpers of their own threads, small rooms: the worker has to wait, and to help itself
 *   bounds   nothing is lent when nobody is idle, or a bound is reached
 *   full     the last open ticket is waited for
 *
 * Among the batches are some that cannot be decoded, and some that the helper's budget does not
 * suffice for. What is expected is decoded by a reader that knows nothing of lending.
 */
#include <inttypes.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <zstd.h>

#include "batch_build.h"
#include "dataplane/lender.h"

#define MESSAGES 1500u
#define RECORDS_MAX 600u
#define LARGE_SZ (3u << 20) /* of a value: more than a lender of LENDER_SZ decodes */
#define LENDER_SZ (4u << 20)
#define HELPERS 2u
#define CLAIMS 16u

struct log { /* key and message, one behind the other */
    uint8_t *data;
    size_t sz;
    size_t cap;
};

struct bench {
    struct pt_mem mem; /* of the parser, and of the reader that says what is right */
    struct pt_mem lender_mem[1 + HELPERS];
    struct pt_lenders *lenders;
    struct pt_lender *lender[1 + HELPERS]; /* the first is the worker's */
    struct pt_parser *parser;
    struct pt_batch_reader *reader;
    struct pt_obs_out out;
    struct pt_obs_out want;
    struct pt_key key;
    struct log got;
    struct log expected;
    uint64_t lent;
    uint64_t seed;
    _Atomic bool stop;
};

static uint32_t below(struct bench *t, uint32_t n)
{
    t->seed = t->seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(t->seed >> 33) % n;
}

static void write_down(struct log *log, struct pt_key key, const uint8_t *buf, size_t sz)
{
    for (size_t off = 0; off < sz;) {
        const struct pt_obs *o = (const void *)(buf + off);

        if (log->cap - log->sz < sizeof(key) + o->size) {
            log->cap = 2 * log->cap + sizeof(key) + o->size;
            log->data = realloc(log->data, log->cap);
            assert_non_null(log->data);
        }
        memcpy(log->data + log->sz, &key, sizeof(key));
        memcpy(log->data + log->sz + sizeof(key), o, o->size);
        log->sz += sizeof(key) + o->size;
        off += o->size;
    }
}

static void sink(void *arg, struct pt_key key, const uint8_t *buf, size_t sz)
{
    write_down(&((struct bench *)arg)->got, key, buf, sz);
}

static void flush_out(struct pt_obs_out *out)
{
    struct bench *t = out->flush_arg;

    if (out->used_sz)
        pt_lender_pass(t->lender[0], t->key, out->buf, out->used_sz);
    out->used_sz = 0;
}

static void flush_want(struct pt_obs_out *out)
{
    struct bench *t = out->flush_arg;

    write_down(&t->expected, t->key, out->buf, out->used_sz);
    out->used_sz = 0;
}

static void lay(struct bench *t, uint64_t seed, unsigned helper_cnt)
{
    struct pt_parser_cfg cfg = pt_parser_cfg_default;

    memset(t, 0, sizeof(*t));
    t->seed = seed;
    cfg.seen_slots = 1024;
    pt_mem_init(&t->mem, 64u << 20);
    t->lenders = aligned_alloc(alignof(struct pt_lenders), sizeof(*t->lenders));
    assert_non_null(t->lenders);
    memset(t->lenders, 0, sizeof(*t->lenders));
    t->out = (struct pt_obs_out){
        .buf = malloc(PT_OBS_OUT_MIN), .buf_sz = PT_OBS_OUT_MIN, .flush = flush_out, .flush_arg = t
    };
    t->want = (struct pt_obs_out){
        .buf = malloc(PT_OBS_OUT_MIN), .buf_sz = PT_OBS_OUT_MIN, .flush = flush_want, .flush_arg = t
    };
    assert_int_equal(pt_parser_open(&t->mem, &cfg, &t->out, &t->parser), 0);
    assert_int_equal(pt_batch_reader_open(&t->mem, &cfg.batch, &t->reader), 0);
    for (unsigned i = 0; i <= helper_cnt; i++) {
        struct pt_lender_cfg lender_cfg = {
            .lenders = t->lenders,
            .mem = &t->lender_mem[i],
            .parser_mem = &t->mem,
            .batch = cfg.batch,
            .sink = sink,
            .sink_arg = t,
        };

        pt_mem_init(&t->lender_mem[i], LENDER_SZ);
        assert_int_equal(pt_lender_open(&lender_cfg, &t->lender[i]), 0);
    }
    t->lender[0]->parser = t->parser;
}

static void clear(struct bench *t)
{
    for (unsigned i = 0; i <= HELPERS; i++) {
        if (t->lender[i])
            pt_lender_close(t->lender[i]);
        assert_int_equal(t->lender_mem[i].used_sz, 0);
    }
    pt_batch_reader_close(t->reader);
    pt_parser_close(t->parser);
    assert_int_equal(t->mem.used_sz, 0);
    free(t->lenders);
    free(t->out.buf);
    free(t->want.buf);
    free(t->got.data);
    free(t->expected.data);
}

/* Null records; those with a large offset need a byte more. */
static size_t put_nulls(uint8_t *p, uint32_t cnt)
{
    uint8_t *start = p;

    for (uint32_t i = 0; i < cnt; i++) {
        *p++ = i < 64 ? 12 : 14;
        *p++ = 0;
        *p++ = 0;
        if (i >= 64)
            *p++ = (uint8_t)(0x80 | (2 * i & 0x7f));
        *p++ = (uint8_t)(i < 64 ? 2 * i : 2 * i >> 7);
        *p++ = 1;
        *p++ = 0;
        *p++ = 0;
    }
    return (size_t)(p - start);
}

/* One record with a value of LARGE_SZ zeros. */
static size_t put_large(uint8_t *p)
{
    static const uint8_t head[] = { 0, 0, 0, 1 };
    static const uint8_t value_len[] = { 0x80, 0x80, 0x80, 0x03 }; /* zigzag of 3 << 20 */
    uint32_t len = 2 * (sizeof(head) + sizeof(value_len) + LARGE_SZ + 1);
    uint8_t *start = p;

    for (; len > 0x7f; len >>= 7)
        *p++ = (uint8_t)(len | 0x80);
    *p++ = (uint8_t)len;
    memcpy(p, head, sizeof(head));
    memcpy(p + sizeof(head), value_len, sizeof(value_len));
    p += sizeof(head) + sizeof(value_len);
    memset(p, 0, LARGE_SZ + 1);
    return (size_t)(p - start) + LARGE_SZ + 1;
}

static struct pt_view make_batch(struct bench *t, struct bytes *b)
{
    static uint8_t plain[LARGE_SZ + 64];
    static uint8_t packed[1 << 15];
    uint32_t cnt = below(t, 40) ? 1 + below(t, RECORDS_MAX) : 0; /* 0: large */
    size_t sz = cnt ? put_nulls(plain, cnt) : put_large(plain);
    struct batch_spec spec = { .count = cnt ? (int32_t)cnt : 1, .attributes = PT_CODEC_ZSTD };

    spec.last_offset_delta = spec.count - 1;
    sz = ZSTD_compress(packed, sizeof(packed), plain, sz, 1);
    assert_false(ZSTD_isError(sz));
    if (!below(t, 10))
        packed[sz / 2] ^= 0x55; /* mostly then it cannot be decoded; the checksum is right */
    b->len = 0;
    put_batch(b, &spec, packed, sz);
    return (struct pt_view){ b->data, b->len };
}

static void put_batch_obs(struct bench *t)
{
    static struct bytes bytes;
    const struct pt_packet_ref at = { .order = below(t, 1000) };
    struct pt_view v = make_batch(t, &bytes);
    struct pt_obs_ticket ticket = { .order = 1 };
    const struct pt_record *rec;
    struct pt_obs_ticket *o;
    struct pt_batch b;
    enum pt_status st;

    assert_int_equal(pt_batch_check(t->reader, v.data, v.len, &b), PT_OK);
    ticket.batch = (struct pt_obs_batch){ .cert_from = below(t, 1000),
                                          .record_cnt = b.record_cnt,
                                          .records_here = b.record_cnt };
    if (t->lender[0]->handoff.take(t->lender[0], v, &b, false, &ticket.ticket)) {
        o = pt_obs_put(&t->out, PT_OBS_TICKET, 1, &at, sizeof(*o), 0);
        ticket.batch.head = o->batch.head;
        *o = ticket;
        t->lent++;
    } else {
        ticket.ticket = UINT64_MAX;
    }
    st = pt_batch_records(t->reader, v.data, v.len, false, &b, &rec);
    ticket.batch.head = *(const struct pt_obs *)pt_obs_put(&t->want, PT_OBS_BATCH, 1, &at,
                                                           sizeof(ticket.batch), 0);
    t->want.used_sz -= (uint32_t)sizeof(ticket.batch);
    pt_handoff_settle(t->parser, &t->want, &ticket, st, rec);
    if (ticket.ticket == UINT64_MAX)
        pt_handoff_settle(t->parser, &t->out, &ticket, st, rec);
}

static void put_plain(struct bench *t)
{
    const struct pt_packet_ref at = { .order = below(t, 1000) };

    pt_obs_put(&t->out, PT_OBS_BOUNDS, 0, &at, sizeof(struct pt_obs_bounds), 0);
    pt_obs_put(&t->want, PT_OBS_BOUNDS, 0, &at, sizeof(struct pt_obs_bounds), 0);
}

static void next_key(struct bench *t)
{
    flush_out(&t->out);
    flush_want(&t->want);
    if (!pt_lender_holds(t->lender[0])) /* so nothing that comes now overtakes anything */
        assert_int_equal(t->got.sz, t->expected.sz);
    t->key.tie++;
}

static void check(struct bench *t, uint64_t seed)
{
    pt_lender_finish(t->lender[0]);
    assert_false(pt_lender_holds(t->lender[0]));
    if (t->got.sz != t->expected.sz || memcmp(t->got.data, t->expected.data, t->got.sz))
        fail_msg("seed %" PRIu64 ": %zu bytes, expected were %zu", seed, t->got.sz, t->expected.sz);
}

/* Jobs that the test has claimed. */
struct claims {
    struct pt_job *job[CLAIMS];
    unsigned cnt;
};

static void finish_one(struct bench *t, struct claims *c)
{
    unsigned i = below(t, c->cnt);

    pt_job_decode(c->job[i], t->lender[1]->reader);
    pt_job_finish(c->job[i]);
    c->job[i] = c->job[--c->cnt];
}

static void test_orders(void **state)
{
    static struct bench t;

    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct claims c = { .cnt = 0 };

        lay(&t, seed, 1);
        atomic_store(&t.lenders->idle_cnt, 100);
        for (unsigned i = 0; i < MESSAGES; i++) {
            /* Else the worker would wait for a job that only this thread can finish. */
            while (c.cnt && pt_lane_used_sz(t.lender[0]->held) > 400u << 10)
                finish_one(&t, &c);
            if (below(&t, 3))
                put_batch_obs(&t);
            else
                put_plain(&t);
            if (!below(&t, 4))
                next_key(&t);
            if (c.cnt < CLAIMS && below(&t, 2) && (c.job[c.cnt] = pt_jobs_claim(t.lender[0]->jobs)))
                c.cnt++;
            if (c.cnt && below(&t, 2))
                finish_one(&t, &c);
            if (!below(&t, 8))
                (void)pt_lender_step(t.lender[0]);
        }
        while (c.cnt)
            finish_one(&t, &c);
        next_key(&t);
        check(&t, seed);
        assert_true(t.lent > MESSAGES / 4);
        clear(&t);
    }
}

struct helper {
    struct bench *t;
    struct pt_lender *lender;
};

static void *run_helper(void *arg)
{
    struct helper *h = arg;

    while (!atomic_load(&h->t->stop))
        (void)pt_lender_help(h->lender);
    pt_lender_finish(h->lender);
    return NULL;
}

static void test_threads(void **state)
{
    static struct bench t;
    struct helper helper[HELPERS];
    pthread_t thread[HELPERS];

    (void)state;
    lay(&t, 99, HELPERS);
    for (unsigned i = 0; i < HELPERS; i++) {
        helper[i] = (struct helper){ &t, t.lender[1 + i] };
        assert_int_equal(pthread_create(&thread[i], NULL, run_helper, &helper[i]), 0);
    }
    while (atomic_load(&t.lenders->idle_cnt) < HELPERS)
        ;
    for (unsigned i = 0; i < 2 * MESSAGES; i++) {
        put_batch_obs(&t);
        if (!below(&t, 4))
            next_key(&t);
    }
    next_key(&t);
    check(&t, 99);
    atomic_store(&t.stop, true);
    for (unsigned i = 0; i < HELPERS; i++)
        pthread_join(thread[i], NULL);
    assert_true(t.lent > 0);
    assert_int_equal(atomic_load(&t.lenders->idle_cnt), 0);
    clear(&t);
}

static void test_bounds(void **state)
{
    static struct bench t;
    uint64_t lent;

    (void)state;
    lay(&t, 7, 0);
    for (unsigned i = 0; i < 10; i++)
        put_batch_obs(&t);
    assert_int_equal(t.lent, 0); /* nobody is idle */
    atomic_store(&t.lenders->idle_cnt, 1);
    for (unsigned i = 0; i < 10; i++)
        put_batch_obs(&t);
    assert_in_range(t.lent, 1, 4); /* as many as one can do soon */
    atomic_store(&t.lenders->idle_cnt, 1000);
    for (unsigned i = 0; i < PT_JOBS_MAX + 10; i++)
        put_batch_obs(&t);
    lent = t.lent;
    assert_int_equal(lent, PT_JOBS_MAX);
    /* Nobody helps: in the end the worker decodes them itself. */
    for (unsigned i = 0; i < 4 * MESSAGES; i++)
        put_batch_obs(&t);
    next_key(&t);
    check(&t, 7);
    assert_true(t.lent > lent);
    clear(&t);
}

/* The room for what is held is full behind the only open ticket: once that is settled, nothing is
 * kept back any more. */
static void test_full(void **state)
{
    static struct bench t;

    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        lay(&t, seed, 0);
        atomic_store(&t.lenders->idle_cnt, 1);
        put_batch_obs(&t);
        next_key(&t);
        assert_int_equal(t.lent, 1);
        atomic_store(&t.lenders->idle_cnt, 0);
        while (pt_lender_holds(t.lender[0])) {
            put_plain(&t);
            next_key(&t);
        }
        for (unsigned i = 0; i < 10; i++) {
            put_plain(&t);
            next_key(&t);
        }
        check(&t, seed);
        clear(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_orders),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_full),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
