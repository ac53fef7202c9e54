/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_OBSERVE_H
#define PT_TESTS_OBSERVE_H
/*
 * Hand-made observations for tests of verify/: a small world of two clusters, in which record
 * number c has content, key and timestamp made from c, and everything that is told takes one packet
 * and one millisecond.
 */
#include <stdlib.h>
#include <string.h>

#include "parser/observation.h"
#include "parser/status.h"
#include "verify/shard.h"

#define SRC PT_CLUSTER_SOURCE
#define TGT PT_CLUSTER_TARGET

struct world {
    struct pt_mem mem;
    struct pt_policy policy;
    struct pt_shard *s;
    struct pt_obs_out out;
    struct pt_packet_ref at;
    uint32_t request;
    bool one_by_one; /* hand over each thing told at once, instead of whole buffers */
};

static inline void world_flush(struct pt_obs_out *out)
{
    struct world *w = out->flush_arg;

    pt_shard_consume(w->s, 0, out->buf, out->used_sz);
    out->used_sz = 0;
}

static inline void world_open(struct world *w, uint64_t mem_sz)
{
    pt_mem_init(&w->mem, mem_sz);
    if (!w->policy.finding_max)
        w->policy = pt_policy_default;
    w->out = (struct pt_obs_out){ .buf = malloc(PT_OBS_OUT_MIN),
                                  .buf_sz = PT_OBS_OUT_MIN,
                                  .flush = world_flush,
                                  .flush_arg = w };
    w->at = (struct pt_packet_ref){ .order = 0, .time_ns = 1000000000000000000ll, .packet = 0 };
    if (!w->out.buf || pt_shard_open(&w->mem, &w->policy, &w->s))
        abort();
}

static inline const struct pt_result *world_finish(struct world *w)
{
    world_flush(&w->out);
    return pt_shard_finish(w->s);
}

/* Returns what the shard failed to give back. */
static inline uint64_t world_close(struct world *w)
{
    pt_shard_close(w->s);
    free(w->out.buf);
    return w->mem.used_sz;
}

static inline void world_wait(struct world *w, int64_t ms)
{
    w->at.time_ns += ms * 1000000;
}

static inline void *tell(struct world *w, enum pt_obs_kind kind, uint8_t cluster, size_t body_sz,
                         size_t tail_sz)
{
    w->at.order++;
    w->at.packet++;
    world_wait(w, 1);
    if (w->one_by_one)
        world_flush(&w->out);
    return pt_obs_put(&w->out, kind, cluster, &w->at, body_sz, tail_sz);
}

static inline void make_id(uint8_t id[16], unsigned n)
{
    memset(id, 0, 16);
    id[0] = (uint8_t)n;
    id[15] = 7;
}

/* id 0: none */
static inline void tell_topic(struct world *w, uint8_t cluster, uint32_t number, const char *name,
                              unsigned id)
{
    size_t len = name ? strlen(name) : 0;
    struct pt_obs_topic *o = tell(w, PT_OBS_TOPIC, cluster, sizeof(*o), len);

    o->head.topic = number;
    if (id)
        make_id(o->id, id);
    o->name_len = (uint32_t)len;
    if (len)
        memcpy(o->name, name, len);
}

static inline void tell_topic_id(struct world *w, uint8_t cluster, const char *name, unsigned id)
{
    size_t len = strlen(name);
    struct pt_obs_topic_id *o = tell(w, PT_OBS_TOPIC_ID, cluster, sizeof(*o), len);

    make_id(o->id, id);
    o->name_len = (uint32_t)len;
    memcpy(o->name, name, len);
}

static inline void tell_deleted(struct world *w, uint8_t cluster, unsigned id)
{
    struct pt_obs_topic_id *o = tell(w, PT_OBS_TOPIC_DELETED, cluster, sizeof(*o), 0);

    make_id(o->id, id);
}

/* A connection of client `client` to the broker 10.0.<cluster>.<broker>. */
static inline void tell_client(struct world *w, uint8_t cluster, uint32_t client, uint8_t broker)
{
    static const uint8_t v4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    struct pt_obs_client *o = tell(w, PT_OBS_CLIENT, cluster, sizeof(*o), 5);

    o->client = client;
    o->client_port = (uint16_t)(40000 + client);
    o->broker_port = 9092;
    memcpy(o->client_ip, v4, 12);
    memcpy(o->broker_ip, v4, 12);
    memcpy(o->client_ip + 12, (uint8_t[]){ 10, 0, 9, 1 }, 4);
    memcpy(o->broker_ip + 12, (uint8_t[]){ 10, 0, cluster, broker }, 4);
    o->client_id_len = 3;
    o->software_len = 2;
    memcpy(o->text, "appv1", 5);
}

static inline void tell_broker(struct world *w, uint8_t cluster, int32_t node, const char *host)
{
    struct pt_obs_broker *o = tell(w, PT_OBS_BROKER, cluster, sizeof(*o), strlen(host));

    o->node_id = node;
    o->port = 9092;
    o->host_len = (uint32_t)strlen(host);
    memcpy(o->host, host, strlen(host));
}

static inline struct pt_obs_partition *
tell_partition(struct world *w, uint8_t cluster, uint32_t topic, int32_t partition, int32_t leader)
{
    struct pt_obs_partition *o = tell(w, PT_OBS_PARTITION, cluster, sizeof(*o), 0);

    o->head.topic = topic;
    o->head.partition = partition;
    o->leader_id = leader;
    o->leader_epoch = -1;
    o->replica_cnt = -1;
    return o;
}

static inline struct pt_record make_record(uint64_t c, int32_t offset_delta)
{
    return (struct pt_record){ .content = c * 0x9e3779b97f4a7c15ull | 1,
                               .timestamp_ms = 1700000000000ll + (int64_t)c,
                               .key = (uint32_t)(c * 2654435761u) | 1,
                               .value = (uint32_t)(c * 40503u) | 1,
                               .headers = 5,
                               .offset_delta = offset_delta };
}

/* What a batch is like; the rest is the usual. */
struct say {
    uint8_t cluster;
    uint32_t topic;
    int32_t partition;
    uint32_t client;
    uint8_t source;
    uint8_t status;
    uint16_t flags;
    uint8_t magic;
    int64_t from; /* cert_from; 0 with base > 0 certifies from 0, -1: nothing in front */
    int64_t base; /* Produce: 0 */
    uint32_t cnt;
    uint64_t first; /* content of the first record, counting up */
    int64_t pid;
    uint64_t fingerprint; /* 0: made from the contents */
    bool again;
    const uint64_t *content; /* instead of counting up from first */
    const int32_t *delta;    /* offset deltas, instead of 0, 1, 2 ... */
    int64_t last;            /* 0: that of the last record */
    int32_t epoch;           /* of the leader; 0: not known */
    int64_t shift_ms;        /* added to all timestamps */
    bool plain;              /* without headers: what an old format can carry */
    bool no_key;
    bool idempotent; /* by producer pid, with seq and pepoch */
    int32_t seq;
    int16_t pepoch;
};

static inline void tell_batch(struct world *w, const struct say *say)
{
    bool records = say->status == PT_OK && !say->again;
    struct pt_obs_batch *b = tell(w, PT_OBS_BATCH, say->cluster, sizeof(*b), 0);
    uint32_t done = 0;

    b->head.topic = say->topic;
    b->head.partition = say->partition;
    b->cert_from = say->from < 0 ? say->base : say->from;
    b->base_offset = say->base;
    b->last_offset =
            say->last ? say->last
                      : say->base + (say->delta ? say->delta[say->cnt - 1] : (int32_t)say->cnt - 1);
    b->producer_id = say->idempotent || say->flags & (PT_BATCH_TRANSACTIONAL | PT_BATCH_CONTROL)
                             ? say->pid
                             : -1;
    b->fingerprint = say->fingerprint ? say->fingerprint : say->first * 977 + say->cnt;
    b->record_cnt = say->cnt;
    b->records_here = records ? say->cnt : 0;
    b->client = say->client;
    b->request = w->request;
    b->base_sequence = say->idempotent ? say->seq : -1;
    b->producer_epoch = say->idempotent ? say->pepoch : -1;
    b->leader_epoch = say->epoch ? say->epoch : -1;
    b->flags = (uint16_t)(say->flags | (say->again ? PT_BATCH_SEEN_AGAIN : 0));
    b->source = say->source;
    b->status = say->status;
    b->magic = say->magic ? say->magic : 2;
    while (records && done < say->cnt) {
        uint32_t n = say->cnt - done > PT_OBS_RECORDS_MAX ? PT_OBS_RECORDS_MAX : say->cnt - done;
        struct pt_obs_records *r = pt_obs_put(&w->out, PT_OBS_RECORDS, say->cluster, &w->at,
                                              sizeof(*r), n * sizeof(struct pt_record));

        r->cnt = n;
        for (uint32_t i = 0; i < n; i++, done++) {
            r->rec[i] = make_record(say->content ? say->content[done] : say->first + done,
                                    say->delta ? say->delta[done] : (int32_t)done);
            r->rec[i].timestamp_ms += say->shift_ms;
            if (say->no_key)
                r->rec[i].key = 0;
            if (say->plain) {
                r->rec[i].content ^= 0x5555;
                r->rec[i].headers = 0;
            }
        }
    }
}

static inline void tell_outcome(struct world *w, const struct say *say, int64_t base, int8_t acks,
                                enum pt_produce_outcome outcome, int64_t append_ms)
{
    struct pt_obs_produce_outcome *o = tell(w, PT_OBS_PRODUCE_OUTCOME, say->cluster, sizeof(*o), 0);

    o->head.topic = say->topic;
    o->head.partition = say->partition;
    o->base_offset = base;
    o->log_append_time_ms = append_ms;
    o->client = say->client;
    o->request = w->request;
    o->acks = acks;
    o->outcome = (uint8_t)outcome;
}

static inline void tell_refused(struct world *w, const struct say *say, int16_t error_code)
{
    struct pt_obs_produce_outcome *o = tell(w, PT_OBS_PRODUCE_OUTCOME, say->cluster, sizeof(*o), 0);

    o->head.topic = say->topic;
    o->head.partition = say->partition;
    o->base_offset = -1;
    o->log_append_time_ms = -1;
    o->client = say->client;
    o->request = w->request;
    o->error_code = error_code;
    o->acks = -1;
    o->outcome = PT_PRODUCE_REJECTED;
}

static inline void tell_cleanup(struct world *w, uint8_t cluster, uint32_t topic, uint32_t policy)
{
    struct pt_obs_cleanup *o = tell(w, PT_OBS_CLEANUP, cluster, sizeof(*o), 0);

    o->head.topic = topic;
    o->policy = policy;
}

/* A Produce with acks=all and its answer. */
static inline void tell_produce(struct world *w, uint8_t cluster, uint32_t topic, int32_t partition,
                                int64_t base, uint64_t first, uint32_t cnt)
{
    struct say say = { .cluster = cluster,
                       .topic = topic,
                       .partition = partition,
                       .source = PT_SRC_PRODUCE,
                       .cnt = cnt,
                       .first = first };

    w->request++;
    tell_batch(w, &say);
    tell_outcome(w, &say, base, -1, PT_PRODUCE_ACKED, -1);
}

/* A consumer's fetch from offset `from` that returns records at [base, base+cnt). */
static inline void tell_fetch(struct world *w, uint8_t cluster, uint32_t topic, int32_t partition,
                              int64_t from, int64_t base, uint64_t first, uint32_t cnt)
{
    w->request++;
    tell_batch(w, &(struct say){ .cluster = cluster,
                                 .topic = topic,
                                 .partition = partition,
                                 .source = PT_SRC_FETCH_CONSUMER,
                                 .from = from,
                                 .base = base,
                                 .cnt = cnt,
                                 .first = first });
}

static inline void tell_bounds(struct world *w, uint8_t cluster, uint32_t topic, int32_t partition,
                               int64_t hw, int64_t log_start)
{
    struct pt_obs_bounds *o = tell(w, PT_OBS_BOUNDS, cluster, sizeof(*o), 0);

    o->head.topic = topic;
    o->head.partition = partition;
    o->high_watermark = hw;
    o->last_stable_offset = -1;
    o->log_start_offset = log_start;
    o->fetch_offset = -1;
    o->source = PT_SRC_FETCH_CONSUMER;
}

static inline void tell_marker(struct world *w, uint8_t cluster, uint32_t topic, int32_t partition,
                               int64_t offset, int64_t pid, bool commit)
{
    w->request++;
    tell_batch(w, &(struct say){ .cluster = cluster,
                                 .topic = topic,
                                 .partition = partition,
                                 .source = PT_SRC_FETCH_CONSUMER,
                                 .flags = (uint16_t)(PT_BATCH_TRANSACTIONAL | PT_BATCH_CONTROL |
                                                     (commit ? PT_BATCH_COMMIT : PT_BATCH_ABORT)),
                                 .from = -1,
                                 .base = offset,
                                 .cnt = 1,
                                 .first = 900000 + (uint64_t)offset,
                                 .pid = pid });
}

static inline uint64_t found(const struct pt_result *r, enum pt_finding_code code)
{
    return r->finding_total[code];
}

/* The sums of the report's contract; returns the first pair that breaks them, -1 if none. */
static inline long broken_books(const struct pt_result *r)
{
    for (size_t i = 0; i < r->pair_cnt; i++) {
        const struct pt_pair_result *p = &r->pairs[i];
        uint64_t unseen = 0;

        for (size_t k = 0; k < PT_LOST_REASON_CNT; k++)
            unseen += p->unseen[k];
        if (p->source_records != p->verified + p->mutated + p->reordered + p->missing +
                                         p->compacted + p->missing_or_reordered +
                                         p->ambiguous_source + p->unverifiable_source +
                                         p->pending_source)
            return (long)i;
        if (p->target_records != p->verified + p->mutated + p->reordered + p->extra +
                                         p->duplicated + p->ambiguous_target +
                                         p->unverifiable_target + p->pending_target)
            return (long)i;
        if (unseen != p->unseen_source + p->unseen_target ||
            p->offsets_observed != p->offsets_certified + unseen)
            return (long)i;
    }
    return -1;
}

/* The same, with the offset map, of which runs are dropped where memory is refused. */
static inline long broken_sum(const struct pt_result *r)
{
    for (size_t i = 0; i < r->pair_cnt; i++) {
        uint64_t map = 0;

        for (size_t k = 0; k < r->pairs[i].map_cnt; k++)
            map += r->pairs[i].map[k].cnt;
        if (map != r->pairs[i].verified)
            return (long)i;
    }
    return broken_books(r);
}

/* The ledger of batches. */
static inline bool batches_add_up(const struct pt_shard *s)
{
    const struct pt_shard_stats *t = pt_shard_stats(s);

    return t->batches == t->batches_credited + t->batches_again + t->batches_unusable +
                                 t->batches_rejected + t->batches_no_outcome +
                                 t->batches_floating_full + t->batches_unnamed +
                                 t->batches_unassigned;
}

#endif
