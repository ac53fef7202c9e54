/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that a whole recorded conversation becomes the right observations. The bytes are real
 * (clients/, 26 captures of 10 client libraries from Kafka 0.9 on); what must come out was found by
 * another reader and stands in the .json beside each capture. Then the same bytes in other pieces
 * must give the same messages, and with a hole anywhere nothing that was not there before: what is
 * lost is lost, never different.
 */
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parser/walk.h"
#include "talk.h"

#define SEED 20240607u

/* Everything a parser sent, and what it counted. */
struct result {
    uint8_t *obs;
    size_t obs_sz;
    struct pt_parser_stats stats;
    struct pt_api_row *api;
    size_t api_cnt;
    struct pt_conn_row *row;
    size_t row_cnt;
};

static void keep_all(struct pt_obs_out *out)
{
    struct result *r = out->flush_arg;

    if (!out->used_sz)
        return;
    r->obs = realloc(r->obs, r->obs_sz + out->used_sz);
    assert_non_null(r->obs);
    memcpy(r->obs + r->obs_sz, out->buf, out->used_sz);
    r->obs_sz += out->used_sz;
    out->used_sz = 0;
}

/* How a conversation is replayed: cut into random pieces, and with one hole in one direction. */
struct replay {
    uint32_t split_max; /* largest piece, 0: as captured */
    uint32_t hole_conn;
    int hole_side;
    uint64_t hole_off;
    uint64_t hole_len; /* 0: none */
    bool hole_unknown; /* its length is not told */
    uint64_t spare_sz; /* memory beyond what the parser takes at once; 0: plenty */
};

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

static void feed(struct pt_conn *c, const struct talk_piece *p, const uint8_t *data, uint32_t len,
                 uint32_t split_max)
{
    while (len) {
        uint32_t n = split_max ? 1 + rnd(split_max) : len;
        uint8_t *own;

        if (n > len)
            n = len;
        own = malloc(n); /* so that reading past it is seen */
        assert_non_null(own);
        memcpy(own, data, n);
        pt_conn_bytes(c, p->side, own, n, &p->at);
        free(own);
        data += n;
        len -= n;
    }
}

/* feed_holed feeds what the hole leaves of one piece, which begins at off in its stream. */
static void feed_holed(struct pt_conn *c, const struct talk_piece *p, uint64_t off,
                       const struct replay *how)
{
    uint64_t from = how->hole_off > off ? how->hole_off - off : 0;
    uint64_t to = how->hole_off + how->hole_len > off ? how->hole_off + how->hole_len - off : 0;

    if (from > p->len)
        from = p->len;
    if (to > p->len)
        to = p->len;
    if (from >= to) {
        feed(c, p, p->data, p->len, 0);
        return;
    }
    feed(c, p, p->data, (uint32_t)from, 0);
    if (!how->hole_unknown)
        pt_conn_hole(c, p->side, to - from, PT_LOST_TAP_GAP, &p->at);
    else if (off + from == how->hole_off)
        pt_conn_hole(c, p->side, 0, PT_LOST_TAP_GAP, &p->at);
    feed(c, p, p->data + to, p->len - (uint32_t)to, 0);
}

static void run(const struct talk *t, const struct replay *how, struct result *ret)
{
    struct pt_conn **conn = calloc(t->conn_cnt, sizeof(struct pt_conn *));
    uint64_t(*off)[2] = calloc(t->conn_cnt, sizeof(*off));
    struct pt_parser_cfg cfg = pt_parser_cfg_default;
    uint8_t *buf = malloc(PT_OBS_OUT_MIN);
    struct pt_obs_out out = { .buf = buf, .buf_sz = PT_OBS_OUT_MIN, .flush = keep_all };
    const struct pt_api_row *api;
    const struct pt_conn_row *row;
    struct pt_packet_ref end = { 0 };
    struct pt_parser *parser;
    struct pt_mem mem;

    *ret = (struct result){ 0 };
    out.flush_arg = ret;
    cfg.seen_slots = 1024;
    pt_mem_init(&mem, 1u << 30);
    assert_int_equal(pt_parser_open(&mem, &cfg, &out, &parser), 0);
    if (how->spare_sz)
        mem.limit_sz = mem.used_sz + how->spare_sz;
    for (size_t i = 0; i < t->conn_cnt; i++)
        conn[i] = pt_conn_open(parser, PT_CLUSTER_SOURCE, &t->conn[i].ep[0], &t->conn[i].ep[1],
                               t->conn[i].initiator);
    for (size_t i = 0; i < t->piece_cnt; i++) {
        const struct talk_piece *p = &t->piece[i];

        end = p->at;
        if (!p->len || !conn[p->conn])
            continue;
        if (how->hole_len && p->conn == how->hole_conn && p->side == how->hole_side)
            feed_holed(conn[p->conn], p, off[p->conn][p->side], how);
        else
            feed(conn[p->conn], p, p->data, p->len, how->split_max);
        off[p->conn][p->side] += p->len;
    }
    for (size_t i = 0; i < t->conn_cnt; i++)
        if (conn[i])
            pt_conn_close(conn[i], &end);
    keep_all(&out);
    ret->stats = *pt_parser_stats(parser);
    ret->api_cnt = pt_parser_api_rows(parser, &api);
    ret->api = malloc(ret->api_cnt * sizeof(*api) + 1);
    if (api)
        memcpy(ret->api, api, ret->api_cnt * sizeof(*api));
    ret->row_cnt = pt_parser_conn_rows(parser, &row);
    ret->row = malloc(ret->row_cnt * sizeof(*row) + 1);
    if (row)
        memcpy(ret->row, row, ret->row_cnt * sizeof(*row));
    pt_parser_close(parser);
    assert_int_equal(mem.used_sz, 0);
    free(buf);
    free(conn);
    free(off);
}

static void result_free(struct result *r)
{
    free(r->obs);
    free(r->api);
    free(r->row);
}

/* Both ledgers of conn.h. */
static void check_ledger(const struct pt_parser_stats *s)
{
    assert_int_equal(s->fed_bytes + s->hole_bytes,
                     s->frame_bytes + s->unframed_bytes + s->other_bytes + s->pending_bytes);
    assert_int_equal(s->frames, s->requests + s->responses + s->orphan_responses + s->sasl_frames +
                                        s->lost_frames);
}

/* Topics of one result: name by number, joined through what the cluster said of ids. */
#define TOPICS_MAX 256

struct names {
    char name[TOPICS_MAX][64];
    uint8_t id[TOPICS_MAX][16];
    size_t cnt;
};

#define EACH_OBS(r, o)                                                                             \
    for (const struct pt_obs *o = (const void *)(r)->obs;                                          \
         (const uint8_t *)o < (r)->obs + (r)->obs_sz;                                              \
         o = (const void *)((const uint8_t *)o + o->size))

static void names_of(const struct result *r, struct names *n)
{
    memset(n, 0, sizeof(*n));
    EACH_OBS(r, o)
    {
        const struct pt_obs_topic *t = (const void *)o;

        if (o->kind != PT_OBS_TOPIC)
            continue;
        assert_int_equal(o->topic, n->cnt);
        assert_true(n->cnt < TOPICS_MAX);
        snprintf(n->name[n->cnt], sizeof(n->name[0]), "%.*s", (int)t->name_len, t->name);
        memcpy(n->id[n->cnt++], t->id, 16);
    }
    EACH_OBS(r, o)
    {
        const struct pt_obs_topic_id *t = (const void *)o;

        if (o->kind != PT_OBS_TOPIC_ID)
            continue;
        for (size_t i = 0; i < n->cnt; i++)
            if (!n->name[i][0] && !memcmp(n->id[i], t->id, 16))
                snprintf(n->name[i], sizeof(n->name[0]), "%.*s", (int)t->name_len, t->name);
    }
}

static const char *const captures[] = {
    "java09-console",
    "java09-perf",
    "kafka-python-202-v010",
    "kafka-python-202",
    "kafka-python-202-v09",
    "kafkajs-224",
    "kafkanode-500",
    "kcat-09",
    "kcat171-bigrecord",
    "kcat171-codecs",
    "net-lo-gso64k-badcsum",
    "net-lo-mtu1500-badcsum",
    "net-vxlan",
    "nokafka-344",
    "rdk202-acks0-09",
    "rdk202-codecs",
    "rdk202-txn",
    "rdk215-acks",
    "rdk215-apiversions-fallback",
    "rdk215-codecs",
    "rdk215-txn",
    "rdk215-version-sweep",
    "replication-09",
    "sarama-1221-v010",
    "sarama-1221-v09",
    "tls-09",
};
#define CAPTURE_CNT (sizeof(captures) / sizeof(captures[0]))

static void load(const char *name, struct talk *t)
{
    char file[256];

    snprintf(file, sizeof(file), "clients/%s.pcap", name);
    talk_load(file, t);
}

static json_t *truth_of(const char *name)
{
    char file[1024];
    json_error_t err;
    json_t *j;

    snprintf(file, sizeof(file), "%s/clients/%s.json", getenv("PT_CAPTURES"), name);
    j = json_load_file(file, 0, &err);
    assert_non_null(j);
    return j;
}

static int64_t number(const json_t *j, const char *key)
{
    return json_integer_value(json_object_get(j, key));
}

struct sum {
    int64_t batches;
    int64_t records;
    int64_t crc_bad;
};

static struct sum sum_of(const struct result *r, const struct names *n, const json_t *set)
{
    const char *topic = json_string_value(json_object_get(set, "topic"));
    const char *codec = json_string_value(json_object_get(set, "codec"));
    bool produce = !strcmp(json_string_value(json_object_get(set, "src")), "Produce");
    struct sum s = { 0 };

    EACH_OBS(r, o)
    {
        const struct pt_obs_batch *b = (const void *)o;

        if (o->kind != PT_OBS_BATCH || strcmp(n->name[o->topic], topic) ||
            (b->source == PT_SRC_PRODUCE) != produce || b->magic != number(set, "magic") ||
            strcmp(pt_codec_name(b->codec), codec))
            continue;
        s.batches++;
        s.records += b->record_cnt;
        s.crc_bad += b->status == PT_BAD_CRC;
    }
    return s;
}

static void check_sets(const char *name, const struct result *r, const json_t *truth)
{
    static struct names n;
    int64_t total = 0;
    int64_t sent = 0;
    const json_t *set;
    size_t i;

    names_of(r, &n);
    json_array_foreach(json_object_get(truth, "record_sets"), i, set)
    {
        struct sum s = sum_of(r, &n, set);

        if (s.batches != number(set, "batches") || s.records != number(set, "records") ||
            s.crc_bad != number(set, "crc_bad"))
            fail_msg("%s: set %zu (%s): %ld batches, %ld records, %ld bad", name, i,
                     json_string_value(json_object_get(set, "topic")), (long)s.batches,
                     (long)s.records, (long)s.crc_bad);
        total += s.batches;
    }
    EACH_OBS(r, o)
    sent += o->kind == PT_OBS_BATCH;
    if (sent != total)
        fail_msg("%s: %ld batches, there are %ld", name, (long)sent, (long)total);
}

static void check_versions(const char *name, const struct result *r, const json_t *truth)
{
    const char *api;
    json_t *j;

    json_object_foreach(json_object_get(truth, "versions"), api, j)
    {
        int key = atoi(strchr(api, '(') + 1);
        const char *p = json_string_value(j);

        for (; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
            int version;
            int cnt;
            uint64_t found = 0;

            assert_int_equal(sscanf(p, "v%d x%d", &version, &cnt), 2);
            for (size_t i = 0; i < r->api_cnt; i++)
                if (r->api[i].api_key == key && r->api[i].api_version == version)
                    found += r->api[i].requests;
            if (found != (uint64_t)cnt)
                fail_msg("%s: %s v%d: %lu requests, there are %d", name, api, version,
                         (unsigned long)found, cnt);
        }
    }
}

/* The mock broker of version-sweep leaves log_start_offset out of Produce v5 responses. */
static uint64_t known_bad(const char *name)
{
    return strcmp(name, "rdk215-version-sweep") ? 0 : 4;
}

static void test_truth(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAPTURE_CNT; i++) {
        const struct replay plain = { 0 };
        json_t *truth = truth_of(captures[i]);
        const json_t *notes = json_object_get(truth, "notes");
        int64_t requests = number(truth, "requests");
        int64_t responses = number(truth, "responses");
        struct result r;
        struct talk t;

        load(captures[i], &t);
        run(&t, &plain, &r);
        check_ledger(&r.stats);
        check_sets(captures[i], &r, truth);
        check_versions(captures[i], &r, truth);
        /* The other reader does not pair answers to acks=0, and not those that the capture's end
         * cuts. */
        responses += number(notes, "resp_without_req") + (int64_t)r.stats.lost_bodies;
        assert_true((int64_t)r.stats.lost_bodies <= number(notes, "resp_tail_unparsed"));
        if (r.stats.requests != (uint64_t)requests || r.stats.responses != (uint64_t)responses ||
            r.stats.bad_bodies != known_bad(captures[i]) || r.stats.unparsed_bodies ||
            r.stats.wrong_locks || r.stats.orphan_responses)
            fail_msg("%s: %lu requests of %ld, %lu responses of %ld, %lu bad, %lu unparsed, %lu "
                     "wrong"
                     " locks, %lu orphans",
                     captures[i], (unsigned long)r.stats.requests, (long)requests,
                     (unsigned long)r.stats.responses, (long)responses,
                     (unsigned long)r.stats.bad_bodies, (unsigned long)r.stats.unparsed_bodies,
                     (unsigned long)r.stats.wrong_locks, (unsigned long)r.stats.orphan_responses);
        result_free(&r);
        talk_free(&t);
        json_decref(truth);
    }
}

/* What is not Kafka is searched for frames at the start of each piece: it depends on the pieces. */
static void drop_zookeeper(struct talk *t)
{
    for (size_t i = 0; i < t->piece_cnt; i++) {
        const struct talk_conn *c = &t->conn[t->piece[i].conn];

        if (c->ep[0].port == 2181 || c->ep[1].port == 2181)
            t->piece[i].len = 0;
    }
}

static void test_split(void **state)
{
    static const uint32_t split_max[] = { 1, 7, 100, 3000 };

    (void)state;
    print_message("seed %u\n", SEED);
    seed = SEED;
    for (size_t i = 0; i < CAPTURE_CNT; i++) {
        const struct replay plain = { 0 };
        struct result whole;
        struct talk t;

        load(captures[i], &t);
        drop_zookeeper(&t);
        run(&t, &plain, &whole);
        for (size_t k = 0; k < sizeof(split_max) / sizeof(split_max[0]); k++) {
            const struct replay how = { .split_max = split_max[k] };
            struct result r;

            run(&t, &how, &r);
            if (r.obs_sz != whole.obs_sz || (r.obs_sz && memcmp(r.obs, whole.obs, r.obs_sz)) ||
                memcmp(&r.stats, &whole.stats, sizeof(r.stats)))
                fail_msg("%s: pieces of up to %u bytes give something else", captures[i],
                         split_max[k]);
            result_free(&r);
        }
        result_free(&whole);
        talk_free(&t);
    }
}

/* What a batch is, without what depends on what was seen before it. */
struct fact {
    uint64_t fingerprint;
    int64_t base_offset;
    int64_t last_offset;
    int64_t cert_from;
    uint64_t order; /* of the packet */
    char topic[64];
    int32_t partition;
    uint8_t source;
    uint8_t status;
};

static size_t facts_of(const struct result *r, struct fact **ret)
{
    static struct names n;
    struct fact *f = NULL;
    size_t cnt = 0;

    names_of(r, &n);
    EACH_OBS(r, o)
    {
        const struct pt_obs_batch *b = (const void *)o;

        if (o->kind != PT_OBS_BATCH)
            continue;
        f = realloc(f, (cnt + 1) * sizeof(*f));
        assert_non_null(f);
        memset(&f[cnt], 0, sizeof(*f));
        f[cnt].fingerprint = b->fingerprint;
        f[cnt].base_offset = b->base_offset;
        f[cnt].last_offset = b->last_offset;
        f[cnt].cert_from = b->cert_from;
        f[cnt].order = o->at.order;
        memcpy(f[cnt].topic, n.name[o->topic], sizeof(f[cnt].topic));
        f[cnt].partition = o->partition;
        f[cnt].source = b->source;
        f[cnt].status = b->status;
        cnt++;
    }
    *ret = f;
    return cnt;
}

static bool is_fact(const struct fact *f, const struct fact *all, size_t cnt)
{
    for (size_t i = 0; i < cnt; i++)
        if (all[i].order == f->order && all[i].base_offset == f->base_offset &&
            all[i].last_offset == f->last_offset && all[i].fingerprint == f->fingerprint &&
            all[i].partition == f->partition && all[i].status == f->status &&
            /* A consumer may be taken for a follower, never the other way; an id may be unnamed. */
            (all[i].source == f->source ||
             (all[i].source == PT_SRC_FETCH_CONSUMER && f->source == PT_SRC_FETCH_FOLLOWER)) &&
            (!f->topic[0] || !strcmp(f->topic, all[i].topic)) && f->cert_from >= all[i].cert_from)
            return true;
    return false;
}

static size_t outcomes_of(const struct result *r, uint8_t outcome)
{
    size_t cnt = 0;

    EACH_OBS(r, o)
    cnt += o->kind == PT_OBS_PRODUCE_OUTCOME &&
           ((const struct pt_obs_produce_outcome *)(const void *)o)->outcome == outcome;
    return cnt;
}

static uint64_t stream_sz(const struct talk *t, uint32_t conn, int side)
{
    uint64_t sz = 0;

    for (size_t i = 0; i < t->piece_cnt; i++)
        if (t->piece[i].conn == conn && t->piece[i].side == side)
            sz += t->piece[i].len;
    return sz;
}

static void test_holes(void **state)
{
    static const char *const few[] = { "rdk215-txn", "kafkajs-224", "kafka-python-202-v09",
                                       "replication-09", "kcat171-codecs" };
    static const uint32_t lens[] = { 1, 30, 400, 1448, 6000 };
    uint64_t kept = 0;
    uint64_t all_cnt = 0;

    (void)state;
    print_message("seed %u\n", SEED);
    seed = SEED;
    for (size_t i = 0; i < sizeof(few) / sizeof(few[0]); i++) {
        const struct replay plain = { 0 };
        struct result whole;
        struct fact *all;
        struct talk t;
        size_t cnt;

        load(few[i], &t);
        run(&t, &plain, &whole);
        cnt = facts_of(&whole, &all);
        for (int k = 0; k < 150; k++) {
            struct replay how = { .hole_conn = rnd((uint32_t)t.conn_cnt),
                                  .hole_side = (int)rnd(2),
                                  .hole_len = lens[rnd(5)],
                                  .hole_unknown = rnd(8) == 0 };
            struct result r;
            struct fact *f;
            size_t f_cnt;

            how.hole_off = rnd((uint32_t)stream_sz(&t, how.hole_conn, how.hole_side) + 1);
            run(&t, &how, &r);
            f_cnt = facts_of(&r, &f);
            if (!how.hole_unknown)
                check_ledger(&r.stats);
            for (size_t j = 0; j < f_cnt; j++)
                if (!is_fact(&f[j], all, cnt))
                    fail_msg("%s: hole of %lu at %lu of connection %u side %d: packet %lu, %s-%d "
                             "%ld..%ld status %d is new",
                             few[i], (unsigned long)how.hole_len, (unsigned long)how.hole_off,
                             how.hole_conn, how.hole_side, (unsigned long)f[j].order, f[j].topic,
                             f[j].partition, (long)f[j].base_offset, (long)f[j].last_offset,
                             f[j].status);
            assert_true(outcomes_of(&r, PT_PRODUCE_ACKED) <= outcomes_of(&whole, PT_PRODUCE_ACKED));
            kept += f_cnt;
            all_cnt += cnt;
            free(f);
            result_free(&r);
        }
        free(all);
        result_free(&whole);
        talk_free(&t);
    }
    print_message("%lu of %lu batches survive one hole\n", (unsigned long)kept,
                  (unsigned long)all_cnt);
    assert_true(kept * 100 >= all_cnt * 97);
}

/* With hardly any memory little is read, but nothing that is not there, and every byte is accounted
 * for. */
static void test_budgets(void **state)
{
    static const uint64_t spare_sz[] = { 1,     1000,  3000,  6000,   9000,  13000,
                                         20000, 40000, 70000, 150000, 400000 };
    uint64_t refused = 0;

    (void)state;
    seed = SEED;
    for (size_t i = 0; i < CAPTURE_CNT; i++) {
        const struct replay plain = { 0 };
        struct result whole;
        struct fact *all;
        struct talk t;
        size_t cnt;

        load(captures[i], &t);
        run(&t, &plain, &whole);
        cnt = facts_of(&whole, &all);
        for (size_t k = 0; k < 3 * sizeof(spare_sz) / sizeof(spare_sz[0]); k++) {
            static const uint32_t split_max[] = { 0, 50, 2000 };
            struct replay how = { .spare_sz = spare_sz[k / 3] + rnd(900),
                                  .split_max = split_max[k % 3] };
            struct result r;
            struct fact *f;
            size_t f_cnt;

            run(&t, &how, &r);
            f_cnt = facts_of(&r, &f);
            check_ledger(&r.stats);
            refused += r.stats.memory_refused > 0;
            for (size_t j = 0; j < f_cnt; j++)
                if (f[j].status != PT_OVERSIZE && !is_fact(&f[j], all, cnt))
                    fail_msg("%s: %lu bytes to spare: packet %lu, %s-%d %ld..%ld status %d is new",
                             captures[i], (unsigned long)how.spare_sz, (unsigned long)f[j].order,
                             f[j].topic, f[j].partition, (long)f[j].base_offset,
                             (long)f[j].last_offset, f[j].status);
            free(f);
            result_free(&r);
        }
        free(all);
        result_free(&whole);
        talk_free(&t);
    }
    assert_true(refused > CAPTURE_CNT);
}

static void test_tls(void **state)
{
    const struct replay plain = { 0 };
    struct result r;
    struct talk t;

    (void)state;
    load("tls-09", &t);
    run(&t, &plain, &r);
    assert_int_equal(r.stats.other_bytes, r.stats.fed_bytes);
    assert_int_equal(r.row_cnt, 1);
    assert_int_equal(r.row[0].kind, PT_CONN_TLS);
    assert_int_equal(r.row[0].broker.port, 9093);
    assert_int_equal(r.row[0].bytes, r.stats.fed_bytes);
    assert_memory_equal(r.row[0].note, "TLS 1.2", 7);
    result_free(&r);
    talk_free(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_truth),   cmocka_unit_test(test_split), cmocka_unit_test(test_holes),
        cmocka_unit_test(test_budgets), cmocka_unit_test(test_tls),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
