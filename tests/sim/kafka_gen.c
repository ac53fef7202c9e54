/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/kafka_gen.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/batch.h"

#define BROKERS_MAX 8
#define TOPIC "gen.orders"
#define API_PRODUCE 0
#define API_FETCH 1
#define API_METADATA 3

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
    struct batch_writer writer;
    struct batch_record *rec; /* of one batch */
    struct buf batch;
    struct buf msg;
    uint64_t record_no;
};

/* One batch of the records [first, first+cnt) without those that the target does not get. Returns
 * how many it holds. base_offset and leader epoch are left for the broker. */
static uint32_t make_batch(struct gen *g, int cluster, uint64_t first, uint32_t cnt)
{
    const struct batch_spec spec = { .codec = g->cfg->codec,
                                     .producer_id = -1,
                                     .producer_epoch = -1,
                                     .base_sequence = -1,
                                     .value_sz = g->cfg->record_sz };
    uint32_t kept = 0;

    for (uint64_t i = first; i < first + cnt; i++) {
        if (cluster == 1 && g->cfg->skip_every && i % g->cfg->skip_every == g->cfg->skip_every - 1)
            continue;
        g->rec[kept++] = (struct batch_record){ (i % 4096 + 1) << 32 | (uint32_t)(i + g->cfg->seed),
                                                1700000000000 + (int64_t)first };
    }
    g->batch.len = 0;
    if (kept)
        batch_put(&g->writer, &g->batch, &spec, g->rec, kept);
    return kept;
}

static void begin_request(struct gen *g, int api, int version, int32_t correlation_id,
                          const char *client_id)
{
    g->msg.len = 0;
    buf_be(&g->msg, 0, 4);
    buf_be(&g->msg, (uint64_t)api, 2);
    buf_be(&g->msg, (uint64_t)version, 2);
    buf_be(&g->msg, (uint32_t)correlation_id, 4);
    buf_string(&g->msg, false, client_id);
}

static void begin_response(struct gen *g, int32_t correlation_id)
{
    g->msg.len = 0;
    buf_be(&g->msg, 0, 4);
    buf_be(&g->msg, (uint32_t)correlation_id, 4);
}

static void send_msg(struct gen *g, struct wire_conn *c, int side)
{
    buf_be_at(g->msg.data, g->msg.len - 4, 4);
    wire_send(g->w, c, side, g->msg.data, g->msg.len);
}

/* Metadata v5: who the brokers are and who leads what. */
static void metadata(struct gen *g, struct cluster *k, struct wire_conn *c)
{
    uint32_t replicas = g->cfg->replicas;
    char text[64];

    begin_request(g, API_METADATA, 5, ++k->correlation_id, "gen-producer");
    buf_be(&g->msg, 1, 4);
    buf_string(&g->msg, false, TOPIC);
    buf_be(&g->msg, 0, 1);
    send_msg(g, c, 0);
    begin_response(g, k->correlation_id);
    buf_be(&g->msg, 0, 4);
    buf_be(&g->msg, replicas, 4);
    for (uint32_t i = 0; i < replicas; i++) {
        buf_be(&g->msg, i + 1, 4);
        snprintf(text, sizeof(text), "10.88.%d.%u", k->index + 1, i + 1);
        buf_string(&g->msg, false, text);
        buf_be(&g->msg, 9092, 4);
        buf_be(&g->msg, UINT16_MAX, 2);
    }
    buf_string(&g->msg, false, k->index ? "generated-target-00000" : "generated-source-00000");
    buf_be(&g->msg, 1, 4);
    buf_be(&g->msg, 1, 4);
    buf_be(&g->msg, 0, 2);
    buf_string(&g->msg, false, TOPIC);
    buf_be(&g->msg, 0, 1);
    buf_be(&g->msg, g->cfg->partitions, 4);
    for (uint32_t p = 0; p < g->cfg->partitions; p++) {
        buf_be(&g->msg, 0, 2);
        buf_be(&g->msg, p, 4);
        buf_be(&g->msg, p % replicas + 1, 4);
        for (int list = 0; list < 2; list++) { /* replicas, in-sync replicas */
            buf_be(&g->msg, replicas, 4);
            for (uint32_t i = 0; i < replicas; i++)
                buf_be(&g->msg, i + 1, 4);
        }
        buf_be(&g->msg, 0, 4);
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
    buf_be(&g->msg, follower + 1, 4);
    buf_be(&g->msg, 500, 4);
    buf_be(&g->msg, 1, 4);
    buf_be(&g->msg, 10485760, 4);
    buf_be(&g->msg, 0, 1);
    buf_be(&g->msg, 0, 4);
    buf_be(&g->msg, UINT32_MAX, 4);
    buf_be(&g->msg, 1, 4);
    buf_string(&g->msg, false, TOPIC);
    buf_be(&g->msg, 1, 4);
    buf_be(&g->msg, partition, 4);
    buf_be(&g->msg, 0, 4);
    buf_be(&g->msg, (uint64_t)offset, 8);
    buf_be(&g->msg, 0, 8);
    buf_be(&g->msg, 1048576, 4);
    buf_be(&g->msg, 0, 4);
    buf_string(&g->msg, false, "");
    send_msg(g, c, 0);

    batch_place(g->batch.data, offset, 0);
    begin_response(g, k->correlation_id);
    buf_be(&g->msg, 0, 4);
    buf_be(&g->msg, 0, 2);
    buf_be(&g->msg, 0, 4);
    buf_be(&g->msg, 1, 4);
    buf_string(&g->msg, false, TOPIC);
    buf_be(&g->msg, 1, 4);
    buf_be(&g->msg, partition, 4);
    buf_be(&g->msg, 0, 2);
    buf_be(&g->msg, (uint64_t)hw, 8);
    buf_be(&g->msg, (uint64_t)hw, 8);
    buf_be(&g->msg, 0, 8);
    buf_be(&g->msg, UINT32_MAX, 4);
    buf_be(&g->msg, UINT32_MAX, 4);
    buf_be(&g->msg, g->batch.len, 4);
    buf_put(&g->msg, g->batch.data, g->batch.len);
    send_msg(g, c, 1);
}

static void produce(struct gen *g, struct cluster *k, uint32_t partition, uint32_t cnt)
{
    uint32_t leader = partition % g->cfg->replicas;
    struct wire_conn *c = &k->producer[leader];
    int32_t id = ++k->correlation_id;
    int64_t base = k->end_offset[partition];

    begin_request(g, API_PRODUCE, 8, id, "gen-producer");
    buf_be(&g->msg, UINT16_MAX, 2);
    buf_be(&g->msg, UINT16_MAX, 2);
    buf_be(&g->msg, 30000, 4);
    buf_be(&g->msg, 1, 4);
    buf_string(&g->msg, false, TOPIC);
    buf_be(&g->msg, 1, 4);
    buf_be(&g->msg, partition, 4);
    buf_be(&g->msg, g->batch.len, 4);
    buf_put(&g->msg, g->batch.data, g->batch.len);
    send_msg(g, c, 0);
    for (uint32_t f = 0; f < g->cfg->replicas; f++)
        if (f != leader)
            follower_fetch(g, k, f, leader, partition, base);
    begin_response(g, id);
    buf_be(&g->msg, 1, 4);
    buf_string(&g->msg, false, TOPIC);
    buf_be(&g->msg, 1, 4);
    buf_be(&g->msg, partition, 4);
    buf_be(&g->msg, 0, 2);
    buf_be(&g->msg, (uint64_t)base, 8);
    buf_be(&g->msg, UINT64_MAX, 8);
    buf_be(&g->msg, 0, 8);
    buf_be(&g->msg, 0, 4);
    buf_be(&g->msg, UINT16_MAX, 2);
    buf_be(&g->msg, 0, 4);
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
    g.rec = calloc(cfg->batch_records, sizeof(*g.rec));
    if (!g.rec)
        return -ENOMEM;
    for (int k = 0; k < 2; k++) {
        g.cluster[k].end_offset = calloc(cfg->partitions, sizeof(int64_t));
        if (!g.cluster[k].end_offset) {
            rc = -ENOMEM;
            goto out;
        }
        connect_all(&g, &g.cluster[k]);
    }
    while (w->mirror->bytes < cfg->file_sz) {
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
    free(g.rec);
    batch_writer_fini(&g.writer);
    buf_fini(&g.batch);
    buf_fini(&g.msg);
    return rc;
}
