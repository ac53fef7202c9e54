/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/shard.h"

#include <errno.h>
#include <string.h>

#include "parser/batch.h"
#include "verify/suspects.h"

int pt_shard_open(struct pt_mem *mem, const struct pt_policy *policy, struct pt_shard **ret_s)
{
    struct pt_shard *s = pt_mem_zalloc(mem, sizeof(*s));

    if (!s)
        return -ENOMEM;
    s->mem = mem;
    s->policy = *policy;
    s->arena.mem = mem;
    s->live_arena.mem = mem;
    s->relief_sz = mem->limit_sz - mem->limit_sz / 4;
    s->feed_ns = INT64_MIN;
    pt_findings_init(&s->findings, mem, policy->finding_max);
    pt_findings_init(&s->suspects, mem, PT_SUSPECTS_MAX);
    pt_clients_init(&s->clients, mem);
    s->env = (struct pt_ledger){
        .mem = mem,
        .stats = &s->stats,
        .findings = &s->findings,
        .suspects = &s->suspects,
        .now_ns = INT64_MIN,
        .seen_ns = { INT64_MIN, INT64_MIN },
        .tap_end_ns = { INT64_MIN, INT64_MIN },
        .shed_ns = { INT64_MIN, INT64_MIN },
    };
    s->registry = pt_registry_open(mem, policy->waiting_max_sz);
    s->floating = pt_floating_open(mem, policy->floating_max_sz);
    s->refusals = s->env.refusals = pt_refusals_open(mem, &s->stats.refused_dropped);
    if (!s->registry || !s->floating || !s->refusals) {
        pt_shard_close(s);
        return -ENOMEM;
    }
    pt_registry_give(s->registry, policy->given_ids, policy->given_id_cnt);
    *ret_s = s;
    return 0;
}

void pt_shard_close(struct pt_shard *s)
{
    struct pt_mem *mem;

    if (!s)
        return;
    mem = s->mem;
    pt_arena_fini(&s->arena);
    pt_arena_fini(&s->live_arena);
    pt_mem_free(mem, s->live_gone, s->live_gone_cap * sizeof(*s->live_gone));
    for (struct pt_pair *p = s->pairs, *next; p; p = next) {
        next = p->next;
        pt_pair_close(p);
    }
    for (size_t i = 0; i < s->log_cnt; i++)
        pt_log_close(s->log[i]);
    pt_mem_free(mem, s->log, s->log_cap * sizeof(struct pt_log *));
    for (size_t i = 0; i < PT_LANE_MAX; i++)
        pt_mem_free(mem, s->lane[i].rec, s->lane[i].rec_cap * sizeof(struct pt_record));
    if (s->floating)
        pt_floating_close(s->floating);
    if (s->registry)
        pt_registry_close(s->registry);
    pt_clients_fini(&s->clients);
    if (s->refusals)
        pt_refusals_close(s->refusals);
    pt_findings_fini(&s->suspects);
    pt_findings_fini(&s->findings);
    pt_mem_free(mem, s, sizeof(*s));
}

/* Whether the message is as large as its kind and its own counts need. */
static bool size_fits(const struct pt_obs *o)
{
    static const uint32_t body_sz[] = {
        [PT_OBS_TOPIC] = offsetof(struct pt_obs_topic, name),
        [PT_OBS_TOPIC_ID] = offsetof(struct pt_obs_topic_id, name),
        [PT_OBS_TOPIC_DELETED] = offsetof(struct pt_obs_topic_id, name),
        [PT_OBS_CLIENT] = offsetof(struct pt_obs_client, text),
        [PT_OBS_CLUSTER_ID] = offsetof(struct pt_obs_cluster_id, id),
        [PT_OBS_BROKER] = offsetof(struct pt_obs_broker, host),
        [PT_OBS_PARTITION] = sizeof(struct pt_obs_partition),
        [PT_OBS_BATCH] = sizeof(struct pt_obs_batch),
        [PT_OBS_RECORDS] = sizeof(struct pt_obs_records),
        [PT_OBS_PRODUCE_OUTCOME] = sizeof(struct pt_obs_produce_outcome),
        [PT_OBS_BOUNDS] = sizeof(struct pt_obs_bounds),
        [PT_OBS_ABORTED] = sizeof(struct pt_obs_aborted),
        [PT_OBS_LOST] = sizeof(struct pt_obs_lost),
        [PT_OBS_CLEANUP] = sizeof(struct pt_obs_cleanup),
    };
    const void *m = o;
    uint64_t tail = 0;

    if (o->kind == 0 || o->kind >= sizeof(body_sz) / sizeof(*body_sz) || o->size < body_sz[o->kind])
        return false;
    switch (o->kind) {
    case PT_OBS_TOPIC:
        tail = ((const struct pt_obs_topic *)m)->name_len;
        break;
    case PT_OBS_TOPIC_ID:
    case PT_OBS_TOPIC_DELETED:
        tail = ((const struct pt_obs_topic_id *)m)->name_len;
        break;
    case PT_OBS_CLIENT:
        tail = (uint64_t)((const struct pt_obs_client *)m)->client_id_len +
               ((const struct pt_obs_client *)m)->software_len;
        break;
    case PT_OBS_CLUSTER_ID:
        tail = ((const struct pt_obs_cluster_id *)m)->id_len;
        break;
    case PT_OBS_BROKER:
        tail = ((const struct pt_obs_broker *)m)->host_len;
        break;
    case PT_OBS_RECORDS:
        tail = (uint64_t)((const struct pt_obs_records *)m)->cnt * sizeof(struct pt_record);
        break;
    case PT_OBS_ABORTED:
        tail = (uint64_t)((const struct pt_obs_aborted *)m)->cnt *
               sizeof(struct pt_obs_aborted_txn);
        break;
    default:
        break;
    }
    return tail <= o->size - body_sz[o->kind];
}

static bool batch_fits(const struct pt_obs_batch *b)
{
    if (b->source >= PT_SRC_CNT || b->status >= PT_STATUS_CNT || b->magic > 2 ||
        b->codec >= PT_CODEC_CNT || b->head.partition < 0)
        return false;
    if (b->status != PT_OK)
        return b->records_here == 0;
    if (b->base_offset < 0 || b->last_offset < b->base_offset || b->last_offset == INT64_MAX ||
        b->last_offset - b->base_offset > INT32_MAX)
        return false;
    return b->flags & PT_BATCH_SEEN_AGAIN ? b->records_here == 0 : b->records_here == b->record_cnt;
}

/* Offsets of a batch's records rise, and lie in it. */
static bool records_fit(const struct pt_obs_batch *b, const struct pt_record *rec, uint32_t cnt)
{
    int64_t last = -1;

    for (uint32_t i = 0; i < cnt; i++) {
        if (rec[i].offset_delta <= last || rec[i].offset_delta > b->last_offset - b->base_offset)
            return false;
        last = rec[i].offset_delta;
    }
    return true;
}

static void on_partition(struct pt_shard *s, struct pt_topic *t, const struct pt_obs_partition *o)
{
    struct pt_part *part = pt_registry_part(s->registry, t, o->head.partition);

    if (!part) {
        s->stats.messages_refused++;
        return;
    }
    part->stated = true;
    if (o->replica_cnt > 0)
        part->replica_cnt = o->replica_cnt;
    if (o->leader_epoch >= 0 && o->leader_epoch < part->leader_epoch)
        return; /* an old answer */
    part->leader_id = o->leader_id;
    part->leader_epoch = o->leader_epoch;
}

static void on_bounds(struct pt_shard *s, struct pt_log *l, const struct pt_obs_bounds *o)
{
    if (o->error_code == 0)
        pt_registry_answered(s->registry, l->cluster, pt_topic_part(l->topic, l->partition));
    pt_log_bounds(l, o);
}

/* A message about a topic that has a name. */
static void dispatch_topic(struct pt_shard *s, uint32_t lane, struct pt_topic *t,
                           const struct pt_obs *o, const struct pt_record *rec, uint32_t rec_cnt)
{
    const void *m = o;
    const struct pt_obs_lost *lost = m;
    struct pt_log *l;

    switch (o->kind) {
    case PT_OBS_BATCH:
        pt_shard_batch(s, lane, t, m, rec, rec_cnt);
        return;
    case PT_OBS_PRODUCE_OUTCOME:
        pt_shard_outcome(s, lane, t, m);
        return;
    case PT_OBS_PARTITION:
        on_partition(s, t, m);
        return;
    case PT_OBS_CLEANUP:
        t->cleanup |= (uint8_t)((const struct pt_obs_cleanup *)m)->policy;
        return;
    default:
        break;
    }
    l = pt_shard_log(s, t, o->partition);
    if (!l)
        s->stats.messages_refused++;
    else if (o->kind == PT_OBS_BOUNDS)
        on_bounds(s, l, m);
    else if (o->kind == PT_OBS_ABORTED)
        pt_txn_listed(l, m);
    else if (lost->reason == PT_LOST_SHED)
        pt_log_shed(l, lost);
    else if (lost->reason < PT_LOST_REASON_CNT)
        pt_log_lost(l, lost->from, lost->to, (enum pt_lost_reason)lost->reason);
    else
        s->stats.messages_bad++;
}

/* What waited for the name of this id goes its way, in order. */
static void replay_waiting(struct pt_shard *s, struct pt_id *id)
{
    for (struct pt_waiting *w; id->topic && (w = pt_registry_waited(s->registry, id));) {
        dispatch_topic(s, w->lane, id->topic, (const struct pt_obs *)w->bytes,
                       w->rec_cnt ? pt_waiting_records(w) : NULL, w->rec_cnt);
        pt_registry_free_waiting(s->registry, w);
    }
}

static void to_topic(struct pt_shard *s, uint32_t lane, const struct pt_obs *o,
                     const struct pt_record *rec, uint32_t rec_cnt)
{
    struct pt_id *id;
    struct pt_topic *t = pt_registry_resolve(s->registry, lane, o, &id);
    bool is_batch = o->kind == PT_OBS_BATCH;
    uint64_t dropped = 0;

    if (t) {
        dispatch_topic(s, lane, t, o, rec, rec_cnt);
        return;
    }
    if (!id) {
        s->stats.messages_bad++;
        s->stats.batches_unusable += is_batch;
        return;
    }
    if (is_batch) {
        id->batch_cnt++;
        id->record_cnt += ((const struct pt_obs_batch *)(const void *)o)->record_cnt;
        id->used_by_client |=
                ((const struct pt_obs_batch *)(const void *)o)->source != PT_SRC_FETCH_FOLLOWER;
    }
    if (!pt_registry_wait(s->registry, id, lane, o, rec, rec_cnt, &dropped))
        dropped += is_batch;
    s->stats.batches_unnamed += dropped;
}

/* The batch of this lane is whole, or given up. */
static void end_batch(struct pt_shard *s, uint32_t lane, const struct pt_record *rec)
{
    struct pt_lane *ln = &s->lane[lane];

    ln->open = false;
    if (ln->lost) {
        s->stats.messages_refused++;
        s->stats.batches_unusable++;
    } else if (ln->rec_cnt < ln->batch.records_here || !records_fit(&ln->batch, rec, ln->rec_cnt)) {
        s->stats.messages_bad++;
        s->stats.batches_unusable++;
    } else {
        to_topic(s, lane, &ln->batch.head, rec, ln->rec_cnt);
    }
    ln->rec_cnt = 0;
}

static void on_batch(struct pt_shard *s, uint32_t lane, const struct pt_obs_batch *b)
{
    struct pt_lane *ln = &s->lane[lane];

    s->stats.batches++;
    if (b->head.cluster >= PT_CLUSTER_CNT) {
        s->stats.batches_unassigned++;
        return;
    }
    if (!batch_fits(b)) {
        s->stats.messages_bad++;
        s->stats.batches_unusable++;
        return;
    }
    ln->batch = *b;
    ln->batch.head.size = sizeof(*b);
    ln->open = true;
    ln->lost = false;
    ln->rec_cnt = 0;
    if (!b->records_here)
        end_batch(s, lane, NULL);
}

static void on_records(struct pt_shard *s, uint32_t lane, const struct pt_obs_records *r)
{
    struct pt_lane *ln = &s->lane[lane];

    if (r->head.cluster >= PT_CLUSTER_CNT)
        return;
    if (!ln->open || r->cnt > ln->batch.records_here - ln->rec_cnt) {
        s->stats.messages_bad++;
        return;
    }
    if (r->cnt == ln->batch.records_here) { /* the usual case: nothing to put together */
        ln->rec_cnt = r->cnt;
        end_batch(s, lane, r->rec);
        return;
    }
    if (ln->rec_cap - ln->rec_cnt < r->cnt && !ln->lost) {
        uint64_t cap = ln->rec_cap ? ln->rec_cap : PT_OBS_RECORDS_MAX;
        struct pt_record *rec;

        while (cap < (uint64_t)ln->rec_cnt + r->cnt)
            cap *= 2;
        rec = pt_mem_resize(s->mem, ln->rec, ln->rec_cap * sizeof(*rec), cap * sizeof(*rec));
        ln->lost = !rec || cap > UINT32_MAX;
        if (rec) {
            ln->rec = rec;
            ln->rec_cap = (uint32_t)cap;
        }
    }
    if (!ln->lost)
        memcpy(ln->rec + ln->rec_cnt, r->rec, r->cnt * sizeof(*r->rec));
    ln->rec_cnt += r->cnt;
    if (ln->rec_cnt == ln->batch.records_here)
        end_batch(s, lane, ln->rec);
}

static void on_client(struct pt_shard *s, uint32_t lane, const struct pt_obs_client *o)
{
    if (!pt_clients_learn(&s->clients, lane, o))
        s->stats.messages_refused++;
    pt_registry_served(s->registry, o->head.cluster, o->broker_ip);
}

/* A connection was not read for a while: that may have been of any log. */
static void on_shed(struct pt_shard *s, const struct pt_obs *o)
{
    int64_t *shed_ns = &s->env.shed_ns[o->cluster];

    if (s->env.now_ns + PT_SHED_TOLD_NS > *shed_ns)
        *shed_ns = s->env.now_ns + PT_SHED_TOLD_NS;
    s->env.shed[o->cluster] = true;
}

static void dispatch(struct pt_shard *s, uint32_t lane, const struct pt_obs *o)
{
    const void *m = o;
    const struct pt_obs_lost *lost = m;
    const struct pt_obs_topic *topic = m;
    const struct pt_obs_topic_id *topic_id = m;
    struct pt_id *id = NULL;
    bool ok = true;

    switch (o->kind) {
    case PT_OBS_TOPIC:
        ok = topic->name_len <= PT_TOPIC_NAME_MAX && pt_registry_topic(s->registry, lane, topic);
        id = pt_registry_id(s->registry, o->cluster, topic->id);
        break;
    case PT_OBS_TOPIC_ID:
        ok = topic_id->name_len <= PT_TOPIC_NAME_MAX && pt_registry_topic_id(s->registry, topic_id);
        id = pt_registry_id(s->registry, o->cluster, topic_id->id);
        break;
    case PT_OBS_TOPIC_DELETED:
        pt_registry_deleted(s->registry, topic_id);
        break;
    case PT_OBS_CLIENT:
        on_client(s, lane, m);
        break;
    case PT_OBS_CLUSTER_ID:
        ok = pt_registry_cluster_id(s->registry, m);
        break;
    case PT_OBS_BROKER:
        ok = pt_registry_broker(s->registry, m);
        break;
    case PT_OBS_LOST:
        if (o->topic == UINT32_MAX && lost->reason == PT_LOST_SHED) {
            on_shed(s, o);
            break;
        }
        /* fallthrough */
    default:
        to_topic(s, lane, o, NULL, 0);
        break;
    }
    if (id)
        replay_waiting(s, id);
    s->stats.messages_refused += !ok;
}

/* The cluster itself shows something of a log at this time. (That something was lost, or got no
 * answer, may be told at any later time.) */
static bool shows_log(const struct pt_obs *o)
{
    const void *m = o;

    return o->cluster < PT_CLUSTER_CNT &&
           (o->kind == PT_OBS_BATCH || o->kind == PT_OBS_BOUNDS ||
            (o->kind == PT_OBS_PRODUCE_OUTCOME &&
             ((const struct pt_obs_produce_outcome *)m)->outcome != PT_PRODUCE_UNKNOWN));
}

/* Packet time has come to time_ns. */
static void pass_time(struct pt_shard *s, int64_t time_ns)
{
    if (time_ns <= s->env.now_ns)
        return;
    if (time_ns >= s->feed_ns) {
        if (s->feed_ns != INT64_MIN) {
            s->env.now_ns = time_ns - time_ns % PT_FEED_NS;
            pt_shard_feed(s); /* before anything of the new time counts */
        }
        s->feed_ns = time_ns - time_ns % PT_FEED_NS + PT_FEED_NS;
    }
    s->env.now_ns = time_ns;
}

static void consume(struct pt_shard *s, uint32_t lane, const struct pt_obs *o)
{
    const void *m = o;

    s->stats.messages++;
    if (o->version != PT_OBS_VERSION || o->cluster > PT_CLUSTER_NONE || !size_fits(o)) {
        s->stats.messages_bad++;
        return;
    }
    pass_time(s, o->at.time_ns);
    if (shows_log(o) && o->at.time_ns > s->env.seen_ns[o->cluster])
        s->env.seen_ns[o->cluster] = o->at.time_ns;
    if (s->lane[lane].open && o->kind != PT_OBS_RECORDS)
        end_batch(s, lane, NULL); /* its records never came */
    if (o->kind == PT_OBS_BATCH)
        on_batch(s, lane, m);
    else if (o->kind == PT_OBS_RECORDS)
        on_records(s, lane, m);
    else if (o->cluster < PT_CLUSTER_CNT)
        dispatch(s, lane, o);
}

void pt_shard_consume(struct pt_shard *s, uint32_t lane, const uint8_t *buf, size_t sz)
{
    if (lane >= PT_LANE_MAX || s->finished) {
        s->stats.messages_bad += sz > 0;
        return;
    }
    while (sz) {
        const struct pt_obs *o = (const struct pt_obs *)(const void *)buf;

        if (sz < sizeof(*o) || o->size < sizeof(*o) || o->size % 8 || o->size > sz) {
            s->stats.messages_bad++; /* where the next one begins is not known */
            return;
        }
        consume(s, lane, o);
        buf += o->size;
        sz -= o->size;
    }
}

void pt_shard_tick(struct pt_shard *s, int64_t time_ns)
{
    pass_time(s, time_ns);
}

void pt_shard_note(struct pt_shard *s, enum pt_finding_code code, int cluster, uint64_t cnt,
                   const char *message)
{
    struct pt_fact fact = { .code = code, .cluster = cluster, .cnt = cnt };

    pt_findings_say(&s->findings, &fact, "%s", message);
}

/* What can no longer be answered or named. */
static void end_waiting(struct pt_shard *s)
{
    for (uint32_t i = 0; i < PT_LANE_MAX; i++)
        if (s->lane[i].open)
            end_batch(s, i, NULL);
    for (struct pt_float *e; (e = s->floating->oldest);) {
        pt_floating_take(s->floating, e);
        pt_shard_float_ended(s, e, false);
        pt_floating_free(s->floating, e);
    }
    for (size_t b = 0; b < PT_REGISTRY_BUCKETS; b++)
        for (struct pt_id *id = s->registry->ids[b]; id; id = id->next) {
            for (size_t i = 0; id->topic && id->dropped_cnt && i < id->topic->part_cnt; i++)
                if (id->topic->part[i].log)
                    pt_log_lost(id->topic->part[i].log, -1, -1, PT_LOST_UNNAMED);
            for (struct pt_waiting *w; (w = pt_registry_waited(s->registry, id));) {
                s->stats.batches_unnamed += ((const struct pt_obs *)w->bytes)->kind == PT_OBS_BATCH;
                pt_registry_free_waiting(s->registry, w);
            }
        }
}

/* Names alone do not make a pair. Two topics of which no record was recognised on the other side,
 * in no partition, are strangers as far as anybody knows (each site's own topic of that name, say),
 * unless the operator paired them. A handful of records that all differ says nothing of that kind.
 */
static void part_strangers(struct pt_shard *s)
{
    for (struct pt_pair *p = s->pairs; p; p = p->next) {
        struct pt_fact fact = { .code = PT_FINDING_TOPIC_UNPAIRED,
                                .cluster = PT_CLUSTER_SOURCE,
                                .cnt = 1 };

        if (p->given[0] < PT_STRANGERS_MIN || p->given[1] < PT_STRANGERS_MIN ||
            p->sum.rule == PT_PAIR_CONFIGURED || p->source_topic->recognised ||
            !pt_pair_withdraw(p))
            continue;
        pt_findings_say(&s->findings, &fact,
                        "source %s-%d: not one of its records is in target topic %s; the names "
                        "alone do not make them a pair",
                        p->source_topic->name->text, p->log[0]->partition,
                        p->log[1]->topic->name->text);
    }
}

static void withdraw_pairs(struct pt_shard *s, const struct pt_topic *t)
{
    for (struct pt_pair *p = s->pairs; p; p = p->next)
        if (p->source_topic == t || p->log[PT_CLUSTER_TARGET]->topic == t)
            pt_pair_withdraw(p);
}

static void say_of_log(struct pt_shard *s, const struct pt_log *l, const char *why)
{
    struct pt_fact fact = { .code = PT_FINDING_TOPIC_UNPAIRED, .cluster = l->cluster, .cnt = 1 };

    pt_findings_say(&s->findings, &fact, "%s-%d on the %s %s", l->topic->name->text, l->partition,
                    l->cluster == PT_CLUSTER_SOURCE ? "source" : "target", why);
}

/* Of topics that the operator misnamed nothing that was found counts. Behind part_strangers. */
static void withdraw_misnamed(struct pt_shard *s)
{
    for (size_t i = 0; i < s->log_cnt; i++) {
        struct pt_log *l = s->log[i];

        if (!l->topic->misnamed)
            continue;
        withdraw_pairs(s, l->topic);
        pt_findings_forget_log(&s->findings, l, PT_FINDING_CODE_CNT);
        say_of_log(s, l,
                   "holds batches of a topic that was misnamed (TOPIC_ID_MISNAMED): nothing "
                   "of it counts");
    }
}

/* Where packets were lost a topic may have been made again unseen. Then a log that contradicts
 * itself may be two, if some of it was told by name alone and nothing proves of which of both. */
static void withdraw_mixed(struct pt_shard *s)
{
    static const enum pt_finding_code contradictions[] = {
        PT_FINDING_LOG_REWRITTEN, PT_FINDING_PRODUCE_FETCH_DIFFER, PT_FINDING_ACKED_LOST,
        PT_FINDING_SEQUENCE_GAP,  PT_FINDING_SEQUENCE_REPEATED,
    };

    for (size_t i = 0; i < s->log_cnt; i++) {
        struct pt_log *l = s->log[i];
        uint64_t cnt = 0;

        if (pt_topic_is_sure(l->topic))
            continue;
        for (size_t k = 0; k < sizeof(contradictions) / sizeof(*contradictions); k++)
            cnt += pt_findings_forget_log(&s->findings, l, contradictions[k]);
        if (!cnt)
            continue;
        withdraw_pairs(s, l->topic);
        say_of_log(s, l,
                   "contradicts itself, or is two: the topic may have been made again where "
                   "packets were lost");
    }
}

/* In the same way the first life of a topic that was seen on one side may not be the first that was
 * seen on the other. */
static void withdraw_other_lives(struct pt_shard *s)
{
    for (struct pt_pair *p = s->pairs; p; p = p->next)
        if (p->source_topic->name->inc_cnt != p->log[PT_CLUSTER_TARGET]->topic->name->inc_cnt &&
            pt_pair_withdraw(p))
            say_of_log(s, p->log[PT_CLUSTER_SOURCE],
                       "may have been compared with another life of "
                       "its topic: packets were lost");
}

static void conclude_pair(struct pt_shard *s, struct pt_pair *p)
{
    struct pt_fact fact = { .code = PT_FINDING_REPLICATION_STALLED, .cluster = -1, .pair = p };

    fact.cnt = pt_pair_conclude(p, s->policy.max_lag_ns);
    if (fact.cnt)
        pt_findings_say(&s->findings, &fact,
                        "%llu records of %s-%d are pending for longer than the allowed lag",
                        (unsigned long long)fact.cnt, p->source_topic->name->text,
                        p->log[0]->partition);
}

void pt_shard_tap_end(struct pt_shard *s, enum pt_cluster cluster, int64_t time_ns)
{
    s->env.tap_end_ns[cluster] = time_ns;
}

const struct pt_result *pt_shard_finish(struct pt_shard *s)
{
    struct pt_item item;

    if (s->finished)
        return &s->result;
    s->finished = true;
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        /* It passed, but was not seen; or at a broker that is not on the tap. */
        if (s->env.shed[c] || !pt_registry_all_seen(s->registry, c))
            s->env.tap_end_ns[c] = INT64_MIN;
    end_waiting(s);
    if (!s->policy.single)
        pt_shard_pair_all(s);
    for (struct pt_pair *p = s->pairs; p; p = p->next)
        pt_pair_finish(p);
    part_strangers(s);
    for (size_t i = 0; i < s->log_cnt; i++)
        while (!s->log[i]->pair && pt_log_next(s->log[i], PT_SETTLE_ALL, &item))
            ;
    withdraw_misnamed(s);
    if (s->findings.total[PT_FINDING_TAP_LOSS]) {
        withdraw_mixed(s);
        withdraw_other_lives(s);
    }
    for (struct pt_pair *p = s->pairs; p; p = p->next)
        conclude_pair(s, p);
    pt_shard_judge(s);
    return pt_shard_conclude(s);
}

const struct pt_shard_stats *pt_shard_stats(const struct pt_shard *s)
{
    return &s->stats;
}
