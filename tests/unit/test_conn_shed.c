/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what each step of shedding leaves of real conversations (clients/): the same frames and
 * requests, the same messages however the bytes are cut, and, when the step changes between any two
 * bytes, nothing that step 0 would not have said: each batch with a certificate that reaches no
 * further, each outcome the same or unknown, each list of aborted transactions for a part of what
 * it was for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "talk.h"

#define TOPICS_MAX 256
#define PARTS_MAX 97u

static const char *const names[] = {
    "java09-console", "kafka-python-202",     "kafkajs-224",    "kcat-09",
    "kcat171-codecs", "rdk202-acks0-09",      "rdk202-txn",     "rdk215-acks",
    "rdk215-codecs",  "rdk215-version-sweep", "replication-09", "sarama-1221-v010"
};
#define NAME_CNT (sizeof(names) / sizeof(names[0]))

static uint32_t seed = 20250611u;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

struct result {
    uint8_t *obs;
    size_t obs_sz;
    struct pt_parser_stats stats;
};

static void keep(struct pt_obs_out *out)
{
    struct result *r = out->flush_arg;

    r->obs = realloc(r->obs, r->obs_sz + out->used_sz + 1);
    assert_non_null(r->obs);
    memcpy(r->obs + r->obs_sz, out->buf, out->used_sz);
    r->obs_sz += out->used_sz;
    out->used_sz = 0;
}

struct how {
    uint8_t step;
    uint32_t share;
    bool change;       /* the step, between any two parts */
    uint32_t part_max; /* bytes; 0: as captured */
};

static void feed(struct pt_parser *parser, struct pt_conn *c, const struct talk_piece *p,
                 const struct how *how)
{
    for (uint32_t off = 0; off < p->len;) {
        uint32_t n = how->part_max ? 1 + rnd(how->part_max) : p->len;
        uint8_t *own;

        n = n < p->len - off ? n : p->len - off;
        own = malloc(n);
        assert_non_null(own);
        memcpy(own, p->data + off, n);
        if (how->change && !rnd(3))
            pt_parser_shed(parser, &(struct pt_shed){ .step = (uint8_t)rnd(PT_SHED_STEP_CNT),
                                                      .share = rnd(4) << 30 });
        pt_conn_bytes(c, p->side, own, n, &p->at);
        free(own);
        off += n;
    }
}

static void run(const struct talk *t, const struct how *how, struct result *ret)
{
    struct pt_conn **conn = calloc(t->conn_cnt, sizeof(struct pt_conn *));
    struct pt_parser_cfg cfg = pt_parser_cfg_default;
    uint8_t *buf = malloc(PT_OBS_OUT_MIN);
    struct pt_obs_out out = {
        .buf = buf, .buf_sz = PT_OBS_OUT_MIN, .flush = keep, .flush_arg = ret
    };
    struct pt_packet_ref end = { 0 };
    struct pt_parser *parser;
    struct pt_mem mem;

    *ret = (struct result){ 0 };
    cfg.seen_slots = 1024;
    cfg.shed.step = how->step;
    cfg.shed.share = how->share;
    pt_mem_init(&mem, 1u << 30);
    assert_int_equal(pt_parser_open(&mem, &cfg, &out, &parser), 0);
    for (size_t i = 0; i < t->conn_cnt; i++)
        conn[i] = pt_conn_open(parser, PT_CLUSTER_SOURCE, &t->conn[i].ep[0], &t->conn[i].ep[1],
                               t->conn[i].initiator);
    for (size_t i = 0; i < t->piece_cnt; i++) {
        feed(parser, conn[t->piece[i].conn], &t->piece[i], how);
        end = t->piece[i].at;
    }
    for (size_t i = 0; i < t->conn_cnt; i++)
        pt_conn_close(conn[i], &end);
    keep(&out);
    ret->stats = *pt_parser_stats(parser);
    pt_parser_close(parser);
    assert_int_equal(mem.used_sz, 0);
    free(buf);
    free(conn);
}

#define EACH_OBS(r, o)                                                                             \
    for (const struct pt_obs *o = (const void *)(r)->obs;                                          \
         (const uint8_t *)o < (r)->obs + (r)->obs_sz;                                              \
         o = (const void *)((const uint8_t *)o + o->size))

/* Numbers differ where bodies were skipped: a topic is its name, or its id. */
struct topics {
    char text[TOPICS_MAX][PT_TOPIC_NAME_MAX + 17];
};

static void topics_of(const struct result *r, struct topics *t)
{
    EACH_OBS(r, o)
    {
        const struct pt_obs_topic *m = (const void *)o;

        if (o->kind != PT_OBS_TOPIC)
            continue;
        assert_true(o->topic < TOPICS_MAX);
        memset(t->text[o->topic], 0, sizeof(t->text[0]));
        memcpy(t->text[o->topic], m->id, 16);
        memcpy(t->text[o->topic] + 16, m->name, m->name_len);
    }
}

static bool same_log(const struct topics *t, const struct pt_obs *a, const struct topics *u,
                     const struct pt_obs *b)
{
    return a->kind == b->kind && a->partition == b->partition &&
           !memcmp(t->text[a->topic], u->text[b->topic], sizeof(t->text[0]));
}

/* What was said is a part of what step 0 says. */
static bool follows(const struct pt_obs *o, const struct pt_obs *whole)
{
    const struct pt_obs_batch *b = (const void *)o;
    const struct pt_obs_batch *b0 = (const void *)whole;
    const struct pt_obs_produce_outcome *p = (const void *)o;
    const struct pt_obs_produce_outcome *p0 = (const void *)whole;
    const struct pt_obs_aborted *a = (const void *)o;
    const struct pt_obs_aborted *a0 = (const void *)whole;

    switch (o->kind) {
    case PT_OBS_BATCH:
        return o->at.order == whole->at.order && b->fingerprint == b0->fingerprint &&
               b->base_offset == b0->base_offset && b->last_offset == b0->last_offset &&
               b->source <= PT_SRC_FETCH_FOLLOWER && b->cert_from >= b0->cert_from &&
               b->status == b0->status && b->request == b0->request;
    case PT_OBS_PRODUCE_OUTCOME:
        return p->request == p0->request && p->client == p0->client &&
               (p->outcome == PT_PRODUCE_UNKNOWN ||
                (p->outcome == p0->outcome && p->base_offset == p0->base_offset));
    case PT_OBS_ABORTED:
        return a->from >= a0->from && a->to <= a0->to && a->cnt == a0->cnt;
    default:
        return true;
    }
}

static void check_part(const char *what, const struct result *r, const struct result *whole)
{
    static struct topics t;
    static struct topics t0;

    topics_of(r, &t);
    topics_of(whole, &t0);
    EACH_OBS(r, o)
    {
        const void *m = o;
        bool found = false;

        if (o->kind == PT_OBS_LOST && ((const struct pt_obs_lost *)m)->reason != PT_LOST_SHED)
            fail_msg("%s: lost otherwise at packet %llu", what, (unsigned long long)o->at.packet);
        if (o->kind != PT_OBS_BATCH && o->kind != PT_OBS_PRODUCE_OUTCOME &&
            o->kind != PT_OBS_ABORTED)
            continue;
        EACH_OBS(whole, w)
        {
            if (w->kind == o->kind && same_log(&t, o, &t0, w) && follows(o, w)) {
                found = true;
                break;
            }
        }
        if (!found)
            fail_msg("%s: message of kind %u at packet %llu", what, o->kind,
                     (unsigned long long)o->at.packet);
    }
}

static uint64_t count(const struct result *r, uint16_t kind)
{
    uint64_t cnt = 0;

    EACH_OBS(r, o)
    cnt += o->kind == kind;
    return cnt;
}

static void check_counts(const char *what, const struct result *r, const struct result *whole)
{
    const struct pt_parser_stats *s = &r->stats;

    assert_int_equal(s->fed_bytes + s->hole_bytes,
                     s->frame_bytes + s->unframed_bytes + s->other_bytes + s->pending_bytes);
    assert_int_equal(s->frames, s->requests + s->responses + s->orphan_responses + s->sasl_frames +
                                        s->lost_frames);
    if (s->frames != whole->stats.frames || s->requests != whole->stats.requests ||
        s->responses != whole->stats.responses ||
        s->unanswered_requests != whole->stats.unanswered_requests)
        fail_msg("%s: frames %llu, requests %llu, responses %llu, unanswered %llu", what,
                 (unsigned long long)s->frames, (unsigned long long)s->requests,
                 (unsigned long long)s->responses, (unsigned long long)s->unanswered_requests);
}

/* Of each entry of a records field it is known what became of it. */
static uint64_t entries(const struct pt_parser_stats *s)
{
    return s->batches + s->shed_known + s->batches_shed;
}

/* Where a connection begins in the middle each part is tried as a frame's start. */
static bool is_whole(const struct talk *t)
{
    for (size_t i = 0; i < t->conn_cnt; i++)
        if (t->conn[i].initiator < 0)
            return false;
    return true;
}

static void test_steps(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAME_CNT; i++) {
        struct result whole;
        char file[256];
        struct talk t;

        snprintf(file, sizeof(file), "clients/%s.pcap", names[i]);
        talk_load(file, &t);
        run(&t, &(struct how){ 0 }, &whole);
        for (uint8_t step = 0; step < PT_SHED_STEP_CNT; step++) {
            struct how how = { .step = step, .share = 2u << 30 };
            struct result r;
            char what[64];

            snprintf(what, sizeof(what), "%s, step %u", names[i], step);
            run(&t, &how, &r);
            check_counts(what, &r, &whole);
            check_part(what, &r, &whole);
            if (step < PT_SHED_COUNT_ONLY && entries(&r.stats) != entries(&whole.stats))
                fail_msg("%s: %llu entries", what, (unsigned long long)entries(&r.stats));
            if (step >= PT_SHED_HEADERS && count(&r, PT_OBS_BATCH))
                fail_msg("%s: batches", what);
            if (step == PT_SHED_COUNT_ONLY && !r.stats.bodies_shed && entries(&whole.stats))
                fail_msg("%s: bodies", what);
            for (how.part_max = 1; is_whole(&t) && how.part_max <= PARTS_MAX; how.part_max += 48) {
                struct result cut;

                run(&t, &how, &cut);
                if (cut.obs_sz != r.obs_sz || memcmp(cut.obs, r.obs, r.obs_sz) != 0)
                    fail_msg("%s: other messages in parts of %u", what, how.part_max);
                free(cut.obs);
            }
            free(r.obs);
        }
        free(whole.obs);
        talk_free(&t);
    }
}

static void test_changing(void **state)
{
    (void)state;
    for (size_t i = 0; i < NAME_CNT; i++) {
        struct result whole;
        char file[256];
        struct talk t;

        snprintf(file, sizeof(file), "clients/%s.pcap", names[i]);
        talk_load(file, &t);
        run(&t, &(struct how){ 0 }, &whole);
        for (unsigned k = 0; k < 8; k++) {
            struct how how = { .change = true, .part_max = k % 2 ? 0 : 16u << k };
            struct result r;
            char what[64];

            snprintf(what, sizeof(what), "%s, seed %u", names[i], seed);
            run(&t, &how, &r);
            check_counts(what, &r, &whole);
            check_part(what, &r, &whole);
            free(r.obs);
        }
        free(whole.obs);
        talk_free(&t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_steps),
        cmocka_unit_test(test_changing),
    };

    printf("seed %u\n", seed);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
