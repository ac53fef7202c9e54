/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "verify/shard_pvt.h"

struct pt_log *pt_shard_log(struct pt_shard *s, struct pt_topic *t, int32_t partition)
{
    struct pt_part *part = pt_registry_part(s->registry, t, partition);

    if (!part || part->log)
        return part ? part->log : NULL;
    if (s->log_cnt == s->log_cap) {
        size_t cap = s->log_cap ? s->log_cap * 2 : 64;
        struct pt_log **log = pt_mem_resize(s->mem, s->log, s->log_cap * sizeof(struct pt_log *),
                                            cap * sizeof(struct pt_log *));

        if (!log)
            return NULL;
        s->log = log;
        s->log_cap = cap;
    }
    part->log = pt_log_open(&s->env, t, t->name->cluster, partition);
    if (!part->log)
        return NULL;
    s->log[s->log_cnt++] = part->log;
    pt_shard_pair_log(s, part->log);
    return part->log;
}

static struct pt_sighting sighting_of(const struct pt_obs_batch *b, uint32_t client)
{
    return (struct pt_sighting){
        .at = b->head.at,
        .cert_from =
                b->cert_from >= 0 && b->cert_from < b->base_offset ? b->cert_from : b->base_offset,
        .base = b->base_offset,
        .last = b->last_offset,
        .producer_id = b->producer_id,
        .append_time_ms = -1,
        .fingerprint = b->fingerprint,
        .client = client,
        .leader_epoch = b->source == PT_SRC_PRODUCE ? -1 : b->leader_epoch,
        .base_sequence = b->base_sequence,
        .producer_epoch = b->producer_epoch,
        .flags = b->flags,
        .source = b->source,
        .magic = b->magic,
    };
}

static void count_credit(struct pt_shard *s, enum pt_credit credit)
{
    s->stats.batches_credited += credit == PT_CREDIT_NEW;
    s->stats.batches_again += credit == PT_CREDIT_AGAIN;
    s->stats.batches_unusable += credit == PT_CREDIT_REFUSED;
}

/* A batch without its records: they were sent before, at these offsets, or they are still floating.
 */
static enum pt_credit credit_again(struct pt_shard *s, struct pt_log *l,
                                   const struct pt_sighting *b)
{
    enum pt_credit credit = pt_log_again(l, b);
    const struct pt_float *e;

    if (credit != PT_CREDIT_REFUSED)
        return credit;
    e = pt_floating_same(s->floating, l, b->fingerprint);
    if (!e || e->b.last - e->b.base != b->last - b->base)
        return PT_CREDIT_REFUSED;
    return pt_log_credit(l, b, e->rec, e->rec_cnt);
}

/* Batches of one partition in one fetch response must rise. */
static void check_order(struct pt_shard *s, uint32_t lane, struct pt_log *l,
                        const struct pt_obs_batch *b, uint32_t client)
{
    struct pt_lane *ln = &s->lane[lane];
    bool same = ln->fetch_valid && ln->fetch_client == b->client &&
                ln->fetch_request == b->request && ln->fetch_topic == b->head.topic &&
                ln->fetch_partition == b->head.partition;

    if (same && b->base_offset <= ln->fetch_last) {
        struct pt_fact fact = { .code = PT_FINDING_OFFSET_ORDER, .cluster = l->cluster, .cnt = 1 };

        fact.site[l->cluster] = (struct pt_site){ .log = l,
                                                  .offset = b->base_offset,
                                                  .timestamp_ms = -1,
                                                  .client = client,
                                                  .at = b->head.at };
        pt_findings_add(&s->findings, &fact);
    }
    ln->fetch_valid = true;
    ln->fetch_client = b->client;
    ln->fetch_request = b->request;
    ln->fetch_topic = b->head.topic;
    ln->fetch_partition = b->head.partition;
    ln->fetch_last = b->last_offset;
}

void pt_shard_float_ended(struct pt_shard *s, const struct pt_float *e, bool forgotten)
{
    if (e->answered)
        return;
    pt_refusals_attempt(s->refusals, e, forgotten);
    if (forgotten)
        s->stats.batches_floating_full++;
    else
        s->stats.batches_no_outcome++;
    pt_log_lost(e->log, -1, -1, PT_LOST_NO_OUTCOME);
}

static void float_batch(struct pt_shard *s, uint32_t lane, struct pt_log *l,
                        const struct pt_obs_batch *b, const struct pt_sighting *seen,
                        const struct pt_record *rec, uint32_t rec_cnt)
{
    struct pt_float_key key = { .client = seen->client,
                                .request = b->request,
                                .lane = lane,
                                .topic = b->head.topic,
                                .partition = b->head.partition };

    for (struct pt_float *e; (e = pt_floating_make_room(s->floating, rec_cnt));) {
        pt_shard_float_ended(s, e, true);
        pt_floating_free(s->floating, e);
    }
    if (b->flags & PT_BATCH_SEEN_AGAIN)
        rec = NULL;
    if (!pt_floating_add(s->floating, &key, l, seen, rec, rec_cnt)) {
        s->stats.batches_floating_full++;
        pt_log_lost(l, -1, -1, PT_LOST_NO_OUTCOME);
    }
}

void pt_shard_batch(struct pt_shard *s, uint32_t lane, struct pt_topic *t,
                    const struct pt_obs_batch *b, const struct pt_record *rec, uint32_t rec_cnt)
{
    struct pt_log *l = pt_shard_log(s, t, b->head.partition);
    uint32_t client = pt_clients_number(&s->clients, lane, b->client);
    struct pt_sighting seen = sighting_of(b, client);
    bool produce = b->source == PT_SRC_PRODUCE;

    if (!l) {
        s->stats.batches_unusable++;
        s->stats.messages_refused++;
        return;
    }
    pt_log_count(l, b);
    if (client != PT_NO_CLIENT && produce)
        s->clients.c[client].batches_produced++;
    else if (client != PT_NO_CLIENT)
        s->clients.c[client].batches_fetched++;
    l->seen_produce |= produce;
    l->seen_fetch |= !produce;
    if (!produce)
        pt_registry_answered(s->registry, l->cluster, pt_topic_part(t, l->partition));
    if (b->status != PT_OK) {
        s->stats.batches_unusable++;
        pt_log_bad(l, &seen, b->status);
        return;
    }
    if (produce) {
        if (b->producer_id >= 0 && b->base_sequence == 0)
            pt_producers_begin(&l->producers, b->producer_id, b->producer_epoch);
        float_batch(s, lane, l, b, &seen, rec, rec_cnt);
    } else {
        check_order(s, lane, l, b, client);
        count_credit(s, b->flags & PT_BATCH_SEEN_AGAIN ? credit_again(s, l, &seen)
                                                       : pt_log_credit(l, &seen, rec, rec_cnt));
    }
    pt_shard_work(s, l);
}

/* An acknowledged batch gets its offsets. */
static void acknowledge(struct pt_shard *s, struct pt_float *e,
                        const struct pt_obs_produce_outcome *o)
{
    const struct pt_part *part = pt_topic_part(e->log->topic, e->log->partition);
    struct pt_sighting b = e->b;

    if (b.last > INT64_MAX - 1 - o->base_offset) {
        s->stats.messages_bad++;
        count_credit(s, PT_CREDIT_REFUSED);
        return;
    }
    b.base += o->base_offset;
    b.last += o->base_offset;
    b.cert_from = b.base;
    /* With a single replica the leader's word is everybody's. */
    b.acks_all = o->acks == -1 || (o->acks == 1 && part && part->replica_cnt == 1);
    if (o->log_append_time_ms >= 0) {
        b.append_time_ms = o->log_append_time_ms;
        b.flags |= PT_BATCH_LOG_APPEND;
    }
    count_credit(s, e->has_records ? pt_log_credit(e->log, &b, e->rec, e->rec_cnt)
                                   : credit_again(s, e->log, &b));
}

void pt_shard_outcome(struct pt_shard *s, uint32_t lane, struct pt_topic *t,
                      const struct pt_obs_produce_outcome *o)
{
    struct pt_float_key key = { .client = pt_clients_number(&s->clients, lane, o->client),
                                .request = o->request,
                                .lane = lane,
                                .topic = o->head.topic,
                                .partition = o->head.partition };
    const struct pt_part *part = pt_topic_part(t, o->head.partition);
    bool acked = o->outcome == PT_PRODUCE_ACKED && o->base_offset >= 0;
    struct pt_log *unseen = acked && !pt_floating_find(s->floating, &key)
                                    ? pt_shard_log(s, t, o->head.partition)
                                    : NULL;

    if (unseen && o->base_offset < INT64_MAX) /* the request itself was not seen */
        pt_log_reaches(unseen, o->base_offset + 1);
    if (part && o->outcome == PT_PRODUCE_ACKED)
        pt_registry_answered(s->registry, t->name->cluster, part);
    for (struct pt_float *e; (e = pt_floating_find(s->floating, &key));) {
        struct pt_log *l = e->log;

        if (acked) {
            pt_refusals_attempt(s->refusals, e, false);
            pt_floating_take(s->floating, e);
            acknowledge(s, e, o);
            pt_floating_free(s->floating, e);
        } else if (o->outcome == PT_PRODUCE_REJECTED) {
            s->stats.batches_rejected++;
            pt_refusals_note(s->refusals, e, o->error_code);
            pt_floating_answer(s->floating, e);
        } else {
            if (o->acks != 0) /* those without an answer are not sent again */
                pt_refusals_attempt(s->refusals, e, true);
            pt_shard_float_ended(s, e, false);
            pt_floating_answer(s->floating, e);
        }
        pt_shard_work(s, l);
    }
}
