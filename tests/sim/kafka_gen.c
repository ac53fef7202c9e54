/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/kafka_gen.h"

#include <errno.h>
#include <lz4frame.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "hw/crc32c.h"

#define BROKERS_MAX 8
#define TOPIC "gen.orders"
#define BATCH_HEADER_SZ 61u
#define API_PRODUCE 0
#define API_FETCH 1
#define API_METADATA 3

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
};

struct cluster {
    int index;
    struct wire_conn producer[BROKERS_MAX];             /* to each leader */
    struct wire_conn fetcher[BROKERS_MAX][BROKERS_MAX]; /* [follower][leader] */
    int32_t correlation_id;
    int64_t *end_offset; /* per partition */
};

struct gen {
    struct wire *w;
    const struct kafka_gen_cfg *cfg;
    struct cluster cluster[2];
    struct buf records;
    struct buf packed;
    struct buf batch;
    struct buf msg;
    uint64_t rng;
    uint64_t record_no;
};

static void need(struct buf *b, size_t len)
{
    if (b->len + len <= b->cap)
        return;
    b->cap = (b->len + len) * 2;
    b->data = realloc(b->data, b->cap);
    if (!b->data)
        abort();
}

static void put(struct buf *b, const void *data, size_t len)
{
    need(b, len);
    memcpy(b->data + b->len, data, len);
    b->len += len;
}

static void put_be(struct buf *b, uint64_t v, unsigned len)
{
    uint8_t raw[8];

    for (unsigned i = 0; i < len; i++)
        raw[i] = (uint8_t)(v >> 8 * (len - 1 - i));
    put(b, raw, len);
}

static void put_varint(struct buf *b, int64_t v)
{
    uint64_t u = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    uint8_t raw[10];
    unsigned n = 0;

    do {
        raw[n] = (uint8_t)(u & 0x7f) | (u > 0x7f ? 0x80 : 0);
        n++;
        u >>= 7;
    } while (u);
    put(b, raw, n);
}

static void put_string(struct buf *b, const char *s)
{
    put_be(b, strlen(s), 2);
    put(b, s, strlen(s));
}

static unsigned varint_len(int64_t v)
{
    uint64_t u = (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
    unsigned n = 1;

    while (u >>= 7)
        n++;
    return n;
}

/* Values are words of hex digits: text that compresses like JSON does, different in every record.
 */
static void put_value(struct gen *g, uint64_t record_no, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    uint64_t x = record_no * 0x9e3779b97f4a7c15u + g->cfg->seed;
    uint8_t *at;

    need(&g->records, len);
    at = g->records.data + g->records.len;
    for (size_t i = 0; i < len; i++) {
        if (i % 16 == 0) {
            x ^= x >> 29;
            x *= 0xbf58476d1ce4e5b9u;
            x ^= x >> 32;
        }
        at[i] = (uint8_t)hex[x >> 4 * (i % 16) & 15];
    }
    g->records.len += len;
}

static void put_record(struct gen *g, uint64_t record_no, int32_t delta, size_t value_len)
{
    char key[32];
    int key_len = snprintf(key, sizeof(key), "key-%llu", (unsigned long long)record_no % 4096);
    int64_t body = 1 + 1 + varint_len(delta) + varint_len(key_len) + key_len +
                   varint_len((int64_t)value_len) + (int64_t)value_len + 1;

    put_varint(&g->records, body);
    put_be(&g->records, 0, 1);
    put_varint(&g->records, 0);
    put_varint(&g->records, delta);
    put_varint(&g->records, key_len);
    put(&g->records, key, (size_t)key_len);
    put_varint(&g->records, (int64_t)value_len);
    put_value(g, record_no, value_len);
    put_varint(&g->records, 0);
}

static const struct buf *pack(struct gen *g)
{
    g->packed.len = 0;
    if (g->cfg->codec == 4) {
        need(&g->packed, ZSTD_compressBound(g->records.len));
        g->packed.len =
                ZSTD_compress(g->packed.data, g->packed.cap, g->records.data, g->records.len, 1);
    } else if (g->cfg->codec == 3) {
        LZ4F_preferences_t pref = { .frameInfo = { .blockMode = LZ4F_blockIndependent } };

        need(&g->packed, LZ4F_compressFrameBound(g->records.len, &pref));
        g->packed.len = LZ4F_compressFrame(g->packed.data, g->packed.cap, g->records.data,
                                           g->records.len, &pref);
    }
    return g->cfg->codec ? &g->packed : &g->records;
}

/* One batch of the records [first, first+cnt) without those that the target does not get. Returns
 * how many it holds. base_offset and leader epoch are left for the broker. */
static uint32_t make_batch(struct gen *g, int cluster, uint64_t first, uint32_t cnt)
{
    const struct buf *body;
    uint32_t kept = 0;

    g->records.len = 0;
    for (uint64_t i = first; i < first + cnt; i++) {
        if (cluster == 1 && g->cfg->skip_every && i % g->cfg->skip_every == g->cfg->skip_every - 1)
            continue;
        put_record(g, i, (int32_t)kept++, g->cfg->record_sz);
    }
    if (!kept)
        return 0;
    body = pack(g);
    g->batch.len = 0;
    put_be(&g->batch, 0, 8);
    put_be(&g->batch, BATCH_HEADER_SZ - 12 + body->len, 4);
    put_be(&g->batch, UINT32_MAX, 4);
    put_be(&g->batch, 2, 1);
    put_be(&g->batch, 0, 4);
    put_be(&g->batch, (uint64_t)g->cfg->codec, 2);
    put_be(&g->batch, kept - 1, 4);
    put_be(&g->batch, 1700000000000 + first, 8);
    put_be(&g->batch, 1700000000000 + first, 8);
    put_be(&g->batch, UINT64_MAX, 8);
    put_be(&g->batch, UINT16_MAX, 2);
    put_be(&g->batch, UINT32_MAX, 4);
    put_be(&g->batch, kept, 4);
    put(&g->batch, body->data, body->len);
    {
        uint32_t crc = pt_crc32c(0, g->batch.data + 21, g->batch.len - 21);

        for (int i = 0; i < 4; i++)
            g->batch.data[17 + i] = (uint8_t)(crc >> 8 * (3 - i));
    }
    return kept;
}

static void begin_request(struct gen *g, int api, int version, int32_t correlation_id,
                          const char *client_id)
{
    g->msg.len = 0;
    put_be(&g->msg, 0, 4);
    put_be(&g->msg, (uint64_t)api, 2);
    put_be(&g->msg, (uint64_t)version, 2);
    put_be(&g->msg, (uint32_t)correlation_id, 4);
    put_string(&g->msg, client_id);
}

static void begin_response(struct gen *g, int32_t correlation_id)
{
    g->msg.len = 0;
    put_be(&g->msg, 0, 4);
    put_be(&g->msg, (uint32_t)correlation_id, 4);
}

static void send_msg(struct gen *g, struct wire_conn *c, int side)
{
    uint32_t size = (uint32_t)g->msg.len - 4;

    for (int i = 0; i < 4; i++)
        g->msg.data[i] = (uint8_t)(size >> 8 * (3 - i));
    wire_send(g->w, c, side, g->msg.data, g->msg.len);
}

/* Metadata v5: who the brokers are and who leads what. */
static void metadata(struct gen *g, struct cluster *k, struct wire_conn *c)
{
    uint32_t replicas = g->cfg->replicas;
    char text[64];

    begin_request(g, API_METADATA, 5, ++k->correlation_id, "gen-producer");
    put_be(&g->msg, 1, 4);
    put_string(&g->msg, TOPIC);
    put_be(&g->msg, 0, 1);
    send_msg(g, c, 0);
    begin_response(g, k->correlation_id);
    put_be(&g->msg, 0, 4);
    put_be(&g->msg, replicas, 4);
    for (uint32_t i = 0; i < replicas; i++) {
        put_be(&g->msg, i + 1, 4);
        snprintf(text, sizeof(text), "10.88.%d.%u", k->index + 1, i + 1);
        put_string(&g->msg, text);
        put_be(&g->msg, 9092, 4);
        put_be(&g->msg, UINT16_MAX, 2);
    }
    put_string(&g->msg, k->index ? "generated-target-00000" : "generated-source-00000");
    put_be(&g->msg, 1, 4);
    put_be(&g->msg, 1, 4);
    put_be(&g->msg, 0, 2);
    put_string(&g->msg, TOPIC);
    put_be(&g->msg, 0, 1);
    put_be(&g->msg, g->cfg->partitions, 4);
    for (uint32_t p = 0; p < g->cfg->partitions; p++) {
        put_be(&g->msg, 0, 2);
        put_be(&g->msg, p, 4);
        put_be(&g->msg, p % replicas + 1, 4);
        for (int list = 0; list < 2; list++) { /* replicas, in-sync replicas */
            put_be(&g->msg, replicas, 4);
            for (uint32_t i = 0; i < replicas; i++)
                put_be(&g->msg, i + 1, 4);
        }
        put_be(&g->msg, 0, 4);
    }
    send_msg(g, c, 1);
}

static void follower_fetch(struct gen *g, struct cluster *k, uint32_t follower, uint32_t leader,
                           uint32_t partition, int64_t hw)
{
    struct wire_conn *c = &k->fetcher[follower][leader];
    int64_t offset = k->end_offset[partition];
    char client_id[32];

    snprintf(client_id, sizeof(client_id), "broker-%u-fetcher-0", follower + 1);
    begin_request(g, API_FETCH, 11, ++k->correlation_id, client_id);
    put_be(&g->msg, follower + 1, 4);
    put_be(&g->msg, 500, 4);
    put_be(&g->msg, 1, 4);
    put_be(&g->msg, 10485760, 4);
    put_be(&g->msg, 0, 1);
    put_be(&g->msg, 0, 4);
    put_be(&g->msg, UINT32_MAX, 4);
    put_be(&g->msg, 1, 4);
    put_string(&g->msg, TOPIC);
    put_be(&g->msg, 1, 4);
    put_be(&g->msg, partition, 4);
    put_be(&g->msg, 0, 4);
    put_be(&g->msg, (uint64_t)offset, 8);
    put_be(&g->msg, 0, 8);
    put_be(&g->msg, 1048576, 4);
    put_be(&g->msg, 0, 4);
    put_string(&g->msg, "");
    send_msg(g, c, 0);

    for (int i = 0; i < 8; i++)
        g->batch.data[i] = (uint8_t)((uint64_t)offset >> 8 * (7 - i));
    memset(g->batch.data + 12, 0, 4);
    begin_response(g, k->correlation_id);
    put_be(&g->msg, 0, 4);
    put_be(&g->msg, 0, 2);
    put_be(&g->msg, 0, 4);
    put_be(&g->msg, 1, 4);
    put_string(&g->msg, TOPIC);
    put_be(&g->msg, 1, 4);
    put_be(&g->msg, partition, 4);
    put_be(&g->msg, 0, 2);
    put_be(&g->msg, (uint64_t)hw, 8);
    put_be(&g->msg, (uint64_t)hw, 8);
    put_be(&g->msg, 0, 8);
    put_be(&g->msg, UINT32_MAX, 4);
    put_be(&g->msg, UINT32_MAX, 4);
    put_be(&g->msg, g->batch.len, 4);
    put(&g->msg, g->batch.data, g->batch.len);
    send_msg(g, c, 1);
}

static void produce(struct gen *g, struct cluster *k, uint32_t partition, uint32_t cnt)
{
    uint32_t leader = partition % g->cfg->replicas;
    struct wire_conn *c = &k->producer[leader];
    int32_t id = ++k->correlation_id;
    int64_t base = k->end_offset[partition];

    begin_request(g, API_PRODUCE, 8, id, "gen-producer");
    put_be(&g->msg, UINT16_MAX, 2);
    put_be(&g->msg, UINT16_MAX, 2);
    put_be(&g->msg, 30000, 4);
    put_be(&g->msg, 1, 4);
    put_string(&g->msg, TOPIC);
    put_be(&g->msg, 1, 4);
    put_be(&g->msg, partition, 4);
    put_be(&g->msg, g->batch.len, 4);
    put(&g->msg, g->batch.data, g->batch.len);
    send_msg(g, c, 0);
    for (uint32_t f = 0; f < g->cfg->replicas; f++)
        if (f != leader)
            follower_fetch(g, k, f, leader, partition, base);
    begin_response(g, id);
    put_be(&g->msg, 1, 4);
    put_string(&g->msg, TOPIC);
    put_be(&g->msg, 1, 4);
    put_be(&g->msg, partition, 4);
    put_be(&g->msg, 0, 2);
    put_be(&g->msg, (uint64_t)base, 8);
    put_be(&g->msg, UINT64_MAX, 8);
    put_be(&g->msg, 0, 8);
    put_be(&g->msg, 0, 4);
    put_be(&g->msg, UINT16_MAX, 2);
    put_be(&g->msg, 0, 4);
    send_msg(g, c, 1);
    k->end_offset[partition] = base + cnt;
}

static void connect_all(struct gen *g, struct cluster *k)
{
    uint32_t net = 10u << 24 | 88u << 16 | (uint32_t)(k->index + 1) << 8;
    uint32_t client = 10u << 24 | 88u << 16 | 4u << 8 | 1;
    uint16_t port = 40000;

    for (uint32_t l = 0; l < g->cfg->replicas; l++) {
        wire_connect(g->w, &k->producer[l], client, (uint16_t)(port + 1000 * k->index + (int)l),
                     net | (l + 1), 9092);
        metadata(g, k, &k->producer[l]);
        for (uint32_t f = 0; f < g->cfg->replicas; f++)
            if (f != l)
                wire_connect(g->w, &k->fetcher[f][l], net | (f + 1),
                             (uint16_t)(port + 100 + (int)l), net | (l + 1), 9092);
    }
}

int kafka_gen_run(struct wire *w, const struct kafka_gen_cfg *cfg,
                  struct kafka_gen_truth *ret_truth)
{
    struct gen g = { .w = w, .cfg = cfg, .cluster = { { .index = 0 }, { .index = 1 } } };
    uint32_t partition = 0;
    int rc = -EINVAL;

    *ret_truth = (struct kafka_gen_truth){ 0 };
    if (!cfg->replicas || cfg->replicas > BROKERS_MAX || !cfg->partitions || !cfg->batch_records)
        return rc;
    for (int k = 0; k < 2; k++) {
        g.cluster[k].end_offset = calloc(cfg->partitions, sizeof(int64_t));
        if (!g.cluster[k].end_offset) {
            rc = -ENOMEM;
            goto out;
        }
        connect_all(&g, &g.cluster[k]);
    }
    while (w->bytes < cfg->file_sz) {
        for (int k = 0; k < 2; k++) {
            uint32_t cnt = make_batch(&g, k, g.record_no, cfg->batch_records);

            if (cnt)
                produce(&g, &g.cluster[k], partition, cnt);
            *(k ? &ret_truth->target_records : &ret_truth->source_records) += cnt;
        }
        g.record_no += cfg->batch_records;
        partition = (partition + 1) % cfg->partitions;
    }
    rc = 0;
out:
    free(g.cluster[0].end_offset);
    free(g.cluster[1].end_offset);
    free(g.records.data);
    free(g.packed.data);
    free(g.batch.data);
    free(g.msg.data);
    return rc;
}
