/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/world.h"

#include <stdlib.h>
#include <string.h>

#define PRODUCERS_MAX 4u
#define CONSUMERS_MAX 2u
#define BATCH_MAX 256u
#define MOVE_MAX 50u
#define REPLAY_MAX 200u
#define QUIET_NS 4000000000ll
#define HEARTBEAT_NS 400000000ll
#define CHANGED 0x80000000u /* of a content that the replicator changed */

struct producer {
    struct client client;
    int16_t acks;
    enum batch_codec codec;
    int64_t producer_id; /* -1 none */
    int32_t sequence[PARTITIONS_MAX];
    bool transactional;
    unsigned in_txn;  /* requests of the open transaction */
    unsigned txn_max; /* it ends behind so many */
    bool touched[PARTITIONS_MAX];
};

/* What the replicator has read and not yet written, of one partition. */
struct queue {
    struct place *place;
    uint32_t cnt;
    uint32_t cap;
    int64_t read; /* source offset up to which it was taken over */
};

struct side { /* of one cluster */
    struct mirror mirror;
    struct wire wire;
    struct talk talk;
    struct client follower[BROKERS_MAX];
    struct client consumer[CONSUMERS_MAX];
    uint32_t consumer_cnt;
};

struct run {
    struct world *w;
    const struct world_cfg *cfg;
    uint64_t rng;
    uint64_t next_value;
    uint64_t written;
    struct side side[2];
    struct producer producer[PRODUCERS_MAX];
    struct client reader; /* the replicator's two ends */
    struct producer writer;
    struct queue queue[PARTITIONS_MAX];
    uint32_t lag; /* records that the replicator leaves waiting */
    uint32_t value_sz;
    bool compacts;      /* the source's topic is compacted: then every record has a key */
    const char *policy; /* as the brokers state it to the replicator; NULL: it never asks */
};

static uint32_t below(struct run *r, uint32_t n)
{
    r->rng = r->rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((r->rng >> 33) * n >> 31);
}

static bool chance(struct run *r, double share)
{
    return share > 0 && below(r, 1u << 30) < share * (1u << 30);
}

static int64_t now_ms(const struct run *r)
{
    return r->side[0].wire.now_ns / 1000000;
}

static struct place new_record(struct run *r)
{
    uint64_t key = below(r, 8) ? 1 + below(r, 5000) : 0;
    uint64_t value = r->cfg->repeats && below(r, 10) ? 1 + below(r, 5) : 1 + r->next_value++;

    if (r->cfg->repeats)
        key = below(r, 10) ? key % 3 : key;
    if (r->compacts && !key)
        key = 1;
    /* A third of the records of one moment have its time. */
    return (struct place){ .content = key << 32 | (value & (CHANGED - 1)),
                           .timestamp_ms = now_ms(r) - (below(r, 3) ? below(r, 50) : 0),
                           .from = -1 };
}

/* Producers. */

/* One batch for each of up to three partitions of one leader. */
static void write_some(struct run *r, unsigned index, struct producer *p, uint32_t leader,
                       const uint32_t *partition, uint32_t cnt, struct place *const *place,
                       const uint32_t *place_cnt)
{
    const struct stored_batch *batch[PARTITIONS_MAX];
    struct batch_spec spec = { .codec = p->codec,
                               .flags = p->transactional ? BATCH_TXN : 0,
                               .producer_id = p->producer_id,
                               .producer_epoch = p->producer_id < 0 ? -1 : 0,
                               .base_sequence = -1,
                               .value_sz = r->value_sz };

    for (uint32_t i = 0; i < cnt; i++) {
        if (p->producer_id >= 0)
            spec.base_sequence = p->sequence[partition[i]];
        p->sequence[partition[i]] += (int32_t)place_cnt[i];
        p->touched[partition[i]] = true;
        batch[i] = log_append(&r->w->cluster[index], partition[i], &spec, p->acks < 0, place[i],
                              place_cnt[i]);
    }
    client_produce(&p->client, leader, p->acks, partition, batch, cnt);
    if (p->acks == 1)
        client_produced(&p->client, leader);
}

static void end_txn(struct run *r, struct producer *p)
{
    bool commit = below(r, 4) != 0;

    for (uint32_t i = 0; i < r->w->story.partitions; i++) {
        if (p->touched[i])
            log_end_txn(&r->w->cluster[0], i, p->producer_id, commit, now_ms(r));
        p->touched[i] = false;
    }
    p->in_txn = 0;
    p->txn_max = 1 + below(r, 10);
    r->w->story.transactions++;
}

static void produce(struct run *r, struct producer *p)
{
    static struct place record[3][BATCH_MAX];
    struct place *const place[3] = { record[0], record[1], record[2] };
    const struct cluster *k = &r->w->cluster[0];
    uint32_t leader = below(r, k->replicas);
    uint32_t partition[3];
    uint32_t place_cnt[3];
    uint32_t cnt = 0;

    if (p->transactional && p->in_txn >= p->txn_max) {
        if (!client_waits(&p->client))
            end_txn(r, p);
        return;
    }
    if (p->client.produce_cnt[leader] == TALK_INFLIGHT_MAX)
        return;
    for (uint32_t i = below(r, k->partitions), n = 0; n < k->partitions && cnt < 3; n++) {
        uint32_t at = (i + n) % k->partitions;

        if (k->log[at].leader != leader || (cnt && below(r, 2)))
            continue;
        partition[cnt] = at;
        place_cnt[cnt] = 1 + below(r, r->w->story.batch_records);
        for (uint32_t m = 0; m < place_cnt[cnt]; m++)
            record[cnt][m] = new_record(r);
        r->written += place_cnt[cnt++];
    }
    if (!cnt)
        return;
    write_some(r, 0, p, leader, partition, cnt, place, place_cnt);
    p->in_txn++;
}

/* Brokers and readers. */

static void let_fetch(struct run *r, struct client *c, bool now)
{
    for (uint32_t b = 0; b < c->t->cluster->replicas; b++) {
        if (!c->connected[b])
            continue;
        client_ask(c, b);
        if (client_has_news(c, b) ? now || below(r, 3) : now && !below(r, 4)) {
            client_answer(c, b);
            client_ask(c, b);
        }
    }
}

static void answer_all(struct client *c)
{
    for (uint32_t b = 0; b < c->t->cluster->replicas; b++)
        while (c->connected[b] && client_produced(c, b))
            ;
}

/* What only the old leader had is gone, and its followers have less. */
static void change_leader(struct run *r, unsigned index)
{
    struct cluster *k = &r->w->cluster[index];
    uint32_t p = below(r, k->partitions);
    uint32_t leader = below(r, k->replicas);
    int64_t leo = k->log[p].leo;

    if (leader == k->log[p].leader || !log_new_leader(k, p, leader))
        return;
    r->w->story.leader_changes++;
    r->w->story.truncated += (uint32_t)(leo - k->log[p].leo);
    for (uint32_t i = 0; i < k->replicas; i++)
        if (r->side[index].follower[i].position[p] > k->log[p].leo)
            r->side[index].follower[i].position[p] = k->log[p].leo;
    /* A new leader has what it fetched; an old one what it wrote. */
    for (uint32_t i = 0; i < k->replicas; i++)
        if (k->log[p].replica_leo[i] > r->side[index].follower[i].position[p])
            r->side[index].follower[i].position[p] = k->log[p].replica_leo[i];
    for (uint32_t i = 0; i < r->side[index].consumer_cnt; i++)
        client_metadata(&r->side[index].consumer[i], leader);
    client_metadata(index ? &r->writer.client : &r->reader, leader);
    if (!index && r->policy)
        client_configs(&r->reader, leader, r->policy);
}

/* Compaction takes some records of a batch to which no reader has come yet. (Which records a broker
 * may take is left aside: any may have been written again behind it. Nor does it come so soon that
 * one reader is given a record and the next, moments later, is not.) */
static void compact(struct run *r)
{
    uint32_t p = below(r, r->w->story.partitions);
    struct sim_log *l = &r->w->cluster[0].log[p];
    uint32_t i = log_find(l, r->reader.position[p]);
    bool any = false;

    for (uint32_t c = 0; i < l->batch_cnt && c < r->side[0].consumer_cnt; c++)
        if (r->side[0].consumer[c].position[p] > l->batch[i].base)
            return;
    if (i >= l->batch_cnt || l->batch[i].base < r->reader.position[p] ||
        l->batch[i].base + l->batch[i].cnt > l->hw || l->batch[i].spec.flags)
        return;
    for (uint32_t n = 1; n < l->batch[i].cnt; n++) {
        if (below(r, 3))
            continue;
        l->place[l->batch[i].base + n].cleaned = l->place[l->batch[i].base + n].content;
        l->place[l->batch[i].base + n].content = 0;
        r->w->story.compacted++;
        any = true;
    }
    if (any)
        log_compact(&r->w->cluster[0], p, &l->batch[i]);
}

/* The replicator. */

static void enqueue(struct queue *q, struct place place)
{
    if (q->cnt == q->cap) {
        q->cap = q->cap ? 2 * q->cap : 256;
        q->place = realloc(q->place, q->cap * sizeof(*q->place));
        if (!q->place)
            abort();
    }
    q->place[q->cnt++] = place;
}

/* Puts it back into the queue, up to MOVE_MAX records before its end. */
static void move_back(struct run *r, struct queue *q)
{
    uint32_t by = 1 + below(r, MOVE_MAX);
    struct place moved = q->place[q->cnt - 1];

    if (by >= q->cnt)
        return;
    moved.origin = ORIGIN_MOVED;
    memmove(&q->place[q->cnt - by], &q->place[q->cnt - by - 1], by * sizeof(*q->place));
    q->place[q->cnt - by - 1] = moved;
}

static void take_over(struct run *r, uint32_t p, int64_t off)
{
    const struct world_faults *f = &r->cfg->faults;
    struct place *was = &r->w->cluster[0].log[p].place[off];
    struct place place = { .content = was->content,
                           .timestamp_ms = was->timestamp_ms,
                           .from = off,
                           .origin = ORIGIN_SAME };
    struct queue *q = &r->queue[p];

    if (chance(r, f->drop)) {
        was->dropped = true;
        return;
    }
    if (chance(r, f->extra)) {
        struct place extra = new_record(r);

        extra.origin = ORIGIN_EXTRA;
        enqueue(q, extra);
    }
    if (chance(r, f->change)) {
        place.content |= CHANGED;
        place.origin = ORIGIN_CHANGED;
    }
    enqueue(q, place);
    if (place.origin == ORIGIN_SAME && chance(r, f->copy)) {
        place.origin = ORIGIN_COPY;
        enqueue(q, place);
    } else if (place.origin == ORIGIN_SAME && chance(r, f->move)) {
        move_back(r, q);
    }
}

/* Writes the last records once more, as after a restart that had not stored its offsets. */
static void replay(struct run *r, uint32_t p)
{
    uint32_t cnt = 1 + below(r, REPLAY_MAX);
    struct queue *q = &r->queue[p];
    uint32_t end = q->cnt;

    for (uint32_t i = end > cnt ? end - cnt : 0; i < end; i++) {
        struct place again = q->place[i];

        if (again.origin != ORIGIN_SAME)
            continue;
        again.origin = ORIGIN_COPY;
        enqueue(q, again);
    }
}

/* What an answer has brought. Of an aborted transaction nothing is taken over by one who reads
 * committed records only. */
static void take_read(struct run *r)
{
    for (uint32_t p = 0; p < r->w->story.partitions; p++) {
        const struct sim_log *l = &r->w->cluster[0].log[p];
        struct queue *q = &r->queue[p];

        for (; q->read < r->reader.position[p]; q->read++) {
            if (l->place[q->read].content)
                take_over(r, p, q->read);
            if (chance(r, r->cfg->faults.replay))
                replay(r, p);
        }
    }
}

static void write_out(struct run *r, uint32_t p, bool all)
{
    const struct cluster *k = &r->w->cluster[1];
    struct queue *q = &r->queue[p];
    uint32_t cnt = 1 + below(r, r->w->story.batch_records * 2);
    struct place *place = q->place;

    if (cnt > BATCH_MAX)
        cnt = BATCH_MAX;
    if (cnt > q->cnt)
        cnt = q->cnt;
    if (!cnt || (!all && q->cnt < r->lag) ||
        r->writer.client.produce_cnt[k->log[p].leader] == TALK_INFLIGHT_MAX)
        return;
    write_some(r, 1, &r->writer, k->log[p].leader, &p, 1, &place, &cnt);
    q->cnt -= cnt;
    memmove(q->place, q->place + cnt, q->cnt * sizeof(*q->place));
}

static void replicate(struct run *r, bool all)
{
    let_fetch(r, &r->reader, all);
    take_read(r);
    for (uint32_t p = 0; p < r->w->story.partitions; p++)
        if (all || below(r, 2))
            write_out(r, p, all);
}

/* The run. */

static void serve(struct run *r, unsigned index, bool now)
{
    struct side *s = &r->side[index];

    for (uint32_t i = 0; i < s->talk.cluster->replicas; i++)
        let_fetch(r, &s->follower[i], now || below(r, 2));
    for (uint32_t i = 0; i < s->consumer_cnt; i++)
        if (now || !below(r, 3))
            let_fetch(r, &s->consumer[i], now);
}

static void pass_time(struct run *r, int64_t ns)
{
    int64_t now_ns = r->side[0].wire.now_ns > r->side[1].wire.now_ns ? r->side[0].wire.now_ns
                                                                     : r->side[1].wire.now_ns;

    r->side[0].wire.now_ns = now_ns + ns;
    r->side[1].wire.now_ns = now_ns + ns;
}

static void attach(struct run *r)
{
    double share = (double)r->written / (double)r->cfg->records;

    for (unsigned i = 0; i < 2; i++)
        r->side[i].mirror.off =
                share < r->cfg->attach[i] || (r->cfg->detach[i] < 1 && share >= r->cfg->detach[i]);
}

static bool is_drained(const struct run *r)
{
    for (uint32_t p = 0; p < r->w->story.partitions; p++) {
        if (r->queue[p].cnt || r->queue[p].read < r->w->cluster[0].log[p].leo)
            return false;
        for (unsigned i = 0; i < 2; i++)
            if (r->w->cluster[i].log[p].hw < r->w->cluster[i].log[p].leo)
                return false;
        for (unsigned i = 0; i < 2; i++)
            for (uint32_t c = 0; c < r->side[i].consumer_cnt; c++)
                if (r->side[i].consumer[c].position[p] < r->w->cluster[i].log[p].leo)
                    return false;
    }
    return !client_waits(&r->writer.client);
}

static void answer_producers(struct run *r)
{
    for (uint32_t i = 0; i < r->w->story.producers; i++)
        answer_all(&r->producer[i].client);
    answer_all(&r->writer.client);
}

static void live(struct run *r)
{
    while (r->written < r->cfg->records) {
        attach(r);
        for (uint32_t i = 0; i < r->w->story.producers; i++)
            if (!below(r, 2))
                produce(r, &r->producer[i]);
        serve(r, 0, false);
        answer_producers(r);
        if (r->compacts && !below(r, 100))
            compact(r);
        replicate(r, false);
        serve(r, 1, false);
        answer_producers(r);
        for (unsigned i = 0; i < 2; i++)
            if (!below(r, 400))
                change_leader(r, i);
        pass_time(r, 50000 + below(r, 2000000));
    }
}

static void drain(struct run *r)
{
    for (uint32_t i = 0; i < r->w->story.producers; i++)
        if (r->producer[i].transactional)
            end_txn(r, &r->producer[i]);
    while (!is_drained(r)) {
        attach(r);
        serve(r, 0, true);
        answer_producers(r);
        replicate(r, true);
        serve(r, 1, true);
        answer_producers(r);
        pass_time(r, 1000000);
    }
    for (int64_t ns = 0; ns < QUIET_NS; ns += HEARTBEAT_NS) {
        pass_time(r, HEARTBEAT_NS);
        for (int i = 0; i < 4; i++) {
            serve(r, 0, true);
            let_fetch(r, &r->reader, true);
            serve(r, 1, true);
        }
    }
}

/* Who there is. */

static void draw_client(struct run *r, struct client *c, const char *id, int32_t replica)
{
    *c = (struct client){ .id = id,
                          .replica = replica,
                          .produce_version = below(r, 2) ? 8 : 9,
                          .fetch_version = 11 + (int)below(r, 3),
                          .fetch_max = 4096u << below(r, 9) };
}

static void draw_side(struct run *r, unsigned index)
{
    static const char *const follower_id[] = { "broker-1-fetcher-0", "broker-2-fetcher-0",
                                               "broker-3-fetcher-0", "broker-4-fetcher-0" };
    static const char *const consumer_id[] = { "consumer-a-1", "consumer-b-1" };
    uint32_t net = 10u << 24 | 88u << 16;
    struct side *s = &r->side[index];

    s->consumer_cnt = below(r, CONSUMERS_MAX + 1);
    if (r->w->cluster[index].replicas == 1 && !s->consumer_cnt)
        s->consumer_cnt = 1; /* else nobody shows what became of transactions */
    s->talk = (struct talk){ .wire = &s->wire,
                             .oracle = &r->w->oracle[index],
                             .cluster = &r->w->cluster[index],
                             .session_id = 100000 };
    for (uint32_t i = 0; i < s->talk.cluster->replicas; i++) {
        draw_client(r, &s->follower[i], follower_id[i], (int32_t)i + 1);
        client_connect(&s->follower[i], &s->talk, net | (index + 1) << 8 | (i + 1),
                       (uint16_t)(50000 + 10 * i), (int)i);
    }
    for (uint32_t i = 0; i < s->consumer_cnt; i++) {
        draw_client(r, &s->consumer[i], consumer_id[i], -1);
        s->consumer[i].committed = below(r, 2);
        client_connect(&s->consumer[i], &s->talk, net | 4u << 8 | (i + 1),
                       (uint16_t)(41000 + 10 * i), -1);
    }
    r->w->story.consumers[index] = s->consumer_cnt;
}

static void draw_producers(struct run *r)
{
    static const char *const id[] = { "producer-1", "producer-2", "producer-3", "producer-4" };
    uint32_t net = 10u << 24 | 88u << 16 | 4u << 8;

    r->w->story.producers = 1 + below(r, PRODUCERS_MAX);
    for (uint32_t i = 0; i < r->w->story.producers; i++) {
        struct producer *p = &r->producer[i];

        draw_client(r, &p->client, id[i], -1);
        p->acks = below(r, 3) ? -1 : (int16_t)below(r, 2);
        p->codec = (enum batch_codec)below(r, CODEC_CNT);
        p->producer_id = p->acks < 0 && below(r, 2) ? 1000 + (int64_t)i : -1;
        p->transactional = p->producer_id >= 0 && below(r, 2);
        p->txn_max = 1 + below(r, 10);
        client_connect(&p->client, &r->side[0].talk, net | (20 + i), (uint16_t)(42000 + 10 * i),
                       -1);
    }
}

static void draw_replicator(struct run *r)
{
    uint32_t ip = 10u << 24 | 88u << 16 | 4u << 8 | 99;

    draw_client(r, &r->reader, "replicator-reader", -1);
    r->reader.committed = below(r, 4) != 0;
    r->w->story.reads_all = !r->reader.committed;
    client_connect(&r->reader, &r->side[0].talk, ip, 43000, -1);
    if (r->policy)
        client_configs(&r->reader, 0, r->policy);
    r->writer = (struct producer){ .acks = -1,
                                   .codec = (enum batch_codec)below(r, CODEC_CNT),
                                   .producer_id = below(r, 2) ? 7000 : -1 };
    draw_client(r, &r->writer.client, "replicator-writer", -1);
    client_connect(&r->writer.client, &r->side[1].talk, ip, 43100, -1);
    r->lag = 1 + below(r, 500);
}

static void draw_world(struct run *r)
{
    struct world *w = r->w;

    w->story.partitions = 1 + below(r, PARTITIONS_MAX);
    w->story.batch_records = 1u << below(r, 7);
    if (r->cfg->batch_records)
        w->story.batch_records = r->cfg->batch_records;
    for (unsigned i = 0; i < 2; i++) {
        w->story.replicas[i] = 1 + below(r, 3);
        cluster_init(&w->cluster[i], i, w->story.replicas[i], w->story.partitions);
    }
    r->value_sz = 8u << below(r, 4);
    r->compacts = !below(r, 4);
    r->policy = !r->compacts ? "delete" : below(r, 2) ? "compact" : NULL;
    for (unsigned i = 0; i < 2; i++) {
        r->side[i].wire.mss = below(r, 4) ? WIRE_MSS : 8192;
        r->side[i].wire.retransmit = below(r, 2) ? 0.001 : 0;
        r->side[i].mirror.off = r->cfg->attach[i] > 0;
    }
    draw_side(r, 0);
    draw_side(r, 1);
    draw_producers(r);
    draw_replicator(r);
    w->story.fetch_version[0] = (uint32_t)r->reader.fetch_version;
}

/* What was aborted after it had been copied is on the target only. */
static void find_aborted_copies(struct run *r)
{
    for (uint32_t p = 0; p < r->w->story.partitions; p++) {
        const struct place *source = r->w->cluster[0].log[p].place;
        const struct sim_log *l = &r->w->cluster[1].log[p];

        for (int64_t off = 0; off < l->leo; off++)
            if (l->place[off].from >= 0 && !source[l->place[off].from].content) {
                l->place[off].from = -1;
                l->place[off].origin = ORIGIN_EXTRA;
            }
    }
}

static void finish(struct run *r)
{
    find_aborted_copies(r);
    for (unsigned i = 0; i < 2; i++) {
        for (uint32_t n = 0; n < r->w->story.replicas[i]; n++)
            client_finish(&r->side[i].follower[n]);
        for (uint32_t n = 0; n < r->side[i].consumer_cnt; n++)
            client_finish(&r->side[i].consumer[n]);
        buf_fini(&r->side[i].talk.msg);
        r->w->packets[i] = r->side[i].wire.packets;
        r->w->lost[i] = r->side[i].mirror.lost;
    }
    for (uint32_t n = 0; n < r->w->story.producers; n++)
        client_finish(&r->producer[n].client);
    client_finish(&r->reader);
    client_finish(&r->writer.client);
    for (uint32_t p = 0; p < PARTITIONS_MAX; p++)
        free(r->queue[p].place);
}

int world_run(struct world *w, const struct world_cfg *cfg, const char *source_path,
              const char *target_path)
{
    const char *const path[2] = { source_path, target_path };
    struct run *r = calloc(1, sizeof(*r));
    int rc = 0;

    *w = (struct world){ 0 };
    if (!r)
        return -1;
    r->w = w;
    r->cfg = cfg;
    r->rng = cfg->seed * 0x9e3779b97f4a7c15u + 1;
    for (unsigned i = 0; !rc && i < 2; i++) {
        rc = mirror_open(&r->side[i].mirror, path[i], &cfg->mirror[i], &w->oracle[i]);
        wire_init(&r->side[i].wire, &r->side[i].mirror);
    }
    if (rc)
        goto out;
    draw_world(r);
    live(r);
    drain(r);
    finish(r);
    for (unsigned i = 0; i < 2; i++) {
        int bad = mirror_close(&r->side[i].mirror);

        rc = rc ? rc : bad;
        oracle_judge(&w->oracle[i]);
    }
out:
    free(r);
    return rc;
}

void world_fini(struct world *w)
{
    for (unsigned i = 0; i < 2; i++) {
        cluster_fini(&w->cluster[i]);
        oracle_fini(&w->oracle[i]);
    }
}
