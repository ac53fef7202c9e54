/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From what was concluded to the report's rows: names, sorted, sentences. Nothing is decided here
 * but the verdict.
 */
#include <stdlib.h>
#include <string.h>

#include "verify/shard_pvt.h"
#include "verify/tell.h"

static int compare_u64(uint64_t a, uint64_t b)
{
    return a < b ? -1 : a > b;
}

static int compare_i64(int64_t a, int64_t b)
{
    return a < b ? -1 : a > b;
}

/* [first, end) from the first to the last certified offset; false if nothing is certified. */
static bool interval(const struct pt_log *l, int64_t *ret_first, int64_t *ret_end)
{
    if (!l->certified.cnt)
        return false;
    *ret_first = l->certified.r[0].from;
    *ret_end = l->certified.r[l->certified.cnt - 1].to;
    return true;
}

/* Adds the unseen offsets of one log to unseen[], each under the first reason that explains it;
 * what none explains is put down to something that was lost without offsets, else it never passed
 * the tap. */
static uint64_t explain_unseen(const struct pt_log *l, uint64_t unseen[PT_LOST_REASON_CNT])
{
    struct pt_ranges left;
    enum pt_lost_reason rest = PT_LOST_NOT_ON_TAP;
    uint64_t total = 0;
    uint64_t explained = 0;
    bool whole = true;

    pt_ranges_init(&left, l->env->mem);
    for (size_t i = 0; i + 1 < l->certified.cnt; i++) {
        total += (uint64_t)(l->certified.r[i + 1].from - l->certified.r[i].to);
        whole = whole && pt_ranges_add(&left, l->certified.r[i].to, l->certified.r[i + 1].from);
    }
    for (size_t reason = 0; whole && reason < PT_LOST_REASON_CNT; reason++) {
        const struct pt_ranges *lost = &l->lost[reason];

        for (size_t i = 0; i < lost->cnt; i++) {
            uint64_t cnt = pt_ranges_count(&left, lost->r[i].from, lost->r[i].to);

            unseen[reason] += cnt;
            explained += cnt;
            if (cnt)
                pt_ranges_remove(&left, lost->r[i].from, lost->r[i].to);
        }
        bool somewhere = l->lost_somewhere[reason] ||
                         (reason == PT_LOST_SHED && l->env->shed_ns[l->cluster] > INT64_MIN);

        if (somewhere && rest == PT_LOST_NOT_ON_TAP)
            rest = (enum pt_lost_reason)reason;
    }
    unseen[rest] += total - explained;
    pt_ranges_fini(&left);
    return total;
}

/* Coverage of a pair: both logs over their observed intervals. */
static void sum_offsets(struct pt_pair *p)
{
    struct pt_pair_result *r = &p->sum;
    uint64_t *unseen[PT_CLUSTER_CNT] = { &r->unseen_source, &r->unseen_target };

    for (size_t i = 0; i < PT_CLUSTER_CNT; i++) {
        int64_t first;
        int64_t end;

        if (!interval(p->log[i], &first, &end))
            continue;
        *unseen[i] = explain_unseen(p->log[i], r->unseen_by[i]);
        for (size_t reason = 0; reason < PT_LOST_REASON_CNT; reason++)
            r->unseen[reason] += r->unseen_by[i][reason];
        r->offsets_observed += (uint64_t)(end - first);
        r->offsets_certified += (uint64_t)(end - first) - *unseen[i];
    }
}

static int pair_order(const void *a, const void *b)
{
    const struct pt_log *x = (*(struct pt_pair *const *)a)->log[0];
    const struct pt_log *y = (*(struct pt_pair *const *)b)->log[0];
    int order = strcmp(x->topic->name->text, y->topic->name->text);

    if (!order)
        order = compare_i64(x->partition, y->partition);
    return order ? order : compare_u64(x->topic->incarnation, y->topic->incarnation);
}

/* Each of these makes one part of the report; false: memory is refused. */

static bool make_pairs(struct pt_shard *s)
{
    struct pt_pair_result *rows;
    struct pt_pair **sorted;
    size_t cnt = 0;

    for (struct pt_pair *p = s->pairs; p; p = p->next)
        cnt += pt_log_seen(p->log[0]) || pt_log_seen(p->log[1]);
    sorted = pt_arena_alloc(&s->arena, cnt * sizeof(struct pt_pair *));
    rows = pt_arena_alloc(&s->arena, cnt * sizeof(*rows));
    if (!sorted || !rows)
        return false;
    cnt = 0;
    for (struct pt_pair *p = s->pairs; p; p = p->next) {
        p->index = -1;
        if (pt_log_seen(p->log[0]) || pt_log_seen(p->log[1]))
            sorted[cnt++] = p;
    }
    qsort(sorted, cnt, sizeof(struct pt_pair *), pair_order);
    for (size_t i = 0; i < cnt; i++) {
        struct pt_pair *p = sorted[i];

        p->index = (int64_t)i;
        p->sum.source = pt_log_name_of(p->log[0]);
        p->sum.target = pt_log_name_of(p->log[1]);
        p->sum.map = p->map;
        p->sum.map_cnt = p->map_cnt;
        rows[i] = p->sum;
    }
    s->result.pairs = rows;
    s->result.pair_cnt = cnt;
    return true;
}

static int log_order(const void *a, const void *b)
{
    const struct pt_log *x = *(struct pt_log *const *)a;
    const struct pt_log *y = *(struct pt_log *const *)b;
    int order = compare_u64(x->cluster, y->cluster);

    if (!order)
        order = strcmp(x->topic->name->text, y->topic->name->text);
    if (!order)
        order = compare_u64(x->topic->incarnation, y->topic->incarnation);
    return order ? order : compare_i64(x->partition, y->partition);
}

static int row_order(const void *a, const void *b)
{
    const struct pt_batch_row *x = a;
    const struct pt_batch_row *y = b;

    if (x->produce != y->produce)
        return x->produce ? -1 : 1;
    return x->magic != y->magic ? compare_u64(x->magic, y->magic) : compare_u64(x->codec, y->codec);
}

static bool make_logs(struct pt_shard *s)
{
    struct pt_log_result *rows = pt_arena_alloc(&s->arena, s->log_cnt * sizeof(*rows));

    if (!rows)
        return false;
    if (s->log_cnt)
        qsort(s->log, s->log_cnt, sizeof(struct pt_log *), log_order);
    for (size_t i = 0; i < s->log_cnt; i++) {
        struct pt_log *l = s->log[i];
        uint64_t unseen[PT_LOST_REASON_CNT] = { 0 };
        int64_t first = -1;
        int64_t end = 0;

        interval(l, &first, &end);
        if (l->row_cnt)
            qsort(l->rows, l->row_cnt, sizeof(*l->rows), row_order);
        rows[i] = (struct pt_log_result){ .cluster = l->cluster,
                                          .name = pt_log_name_of(l),
                                          .internal = l->topic->name->internal,
                                          .first_offset = first,
                                          .last_offset = end - 1,
                                          .log_start_offset = l->log_start,
                                          .high_watermark = l->hw_max,
                                          .records = l->records,
                                          .aborted = l->aborted,
                                          .control = l->control,
                                          .undecided = l->undecided,
                                          .unseen = explain_unseen(l, unseen),
                                          .batches = l->rows,
                                          .batch_row_cnt = l->row_cnt };
        s->result.records_certified += l->records;
    }
    s->result.logs = rows;
    s->result.log_cnt = s->log_cnt;
    return true;
}

static int id_order(const void *a, const void *b)
{
    const struct pt_id *x = *(struct pt_id *const *)a;
    const struct pt_id *y = *(struct pt_id *const *)b;

    return x->cluster != y->cluster ? compare_u64(x->cluster, y->cluster)
                                    : memcmp(x->id, y->id, sizeof(x->id));
}

static void say_unnamed(struct pt_shard *s, const struct pt_id *id)
{
    static const char *const side[PT_CLUSTER_CNT] = { "source", "target" };
    struct pt_fact fact = { .code = PT_FINDING_TOPIC_ID_UNKNOWN, .cluster = id->cluster, .cnt = 1 };
    char text[PT_TOPIC_ID_TEXT_SZ];

    pt_findings_say(&s->findings, &fact,
                    "%llu batches, %llu records of topic id %s, which was never named on the tap. "
                    "Name it with --topic-ids %s%sFILE; what kafka-topics.sh --describe prints "
                    "will do as the file",
                    (unsigned long long)id->batch_cnt, (unsigned long long)id->record_cnt,
                    pt_topic_id_text(id->id, text), s->policy.single ? "" : side[id->cluster],
                    s->policy.single ? "" : "=");
    /* What only followers fetch are mostly Kafka's own topics, whose name no client asks for. */
    fact.code = PT_FINDING_TOPIC_UNPAIRED;
    if (id->cluster == PT_CLUSTER_SOURCE && id->record_cnt && id->used_by_client &&
        !s->policy.single)
        pt_findings_say(&s->findings, &fact, "source topic id %s has records and no partner: %s",
                        text, pt_unpaired_text(PT_UNPAIRED_UNNAMED));
}

/* Ids without a name that carried batches, sorted; *ret_cnt of them, in the arena. */
static struct pt_id **unnamed_ids(struct pt_shard *s, size_t *ret_cnt)
{
    struct pt_id **ids;
    size_t cnt = 0;

    for (size_t b = 0; b < PT_REGISTRY_BUCKETS; b++)
        for (const struct pt_id *id = s->registry->ids[b]; id; id = id->next)
            cnt += !id->topic && id->batch_cnt;
    ids = pt_arena_alloc(&s->arena, cnt * sizeof(struct pt_id *));
    *ret_cnt = 0;
    for (size_t b = 0; ids && b < PT_REGISTRY_BUCKETS; b++)
        for (struct pt_id *id = s->registry->ids[b]; id; id = id->next)
            if (!id->topic && id->batch_cnt)
                ids[(*ret_cnt)++] = id;
    if (ids)
        qsort(ids, cnt, sizeof(struct pt_id *), id_order);
    return ids;
}

/* Behind make_logs, whose order it takes over. */
static bool make_unpaired(struct pt_shard *s)
{
    size_t id_cnt = 0;
    struct pt_id **ids = unnamed_ids(s, &id_cnt);
    struct pt_unpaired *rows = pt_arena_alloc(&s->arena, (s->log_cnt + id_cnt) * sizeof(*rows));
    size_t cnt = 0;

    if (!ids || !rows)
        return false;
    for (size_t i = 0; i < s->log_cnt && !s->policy.single; i++) {
        const struct pt_log *l = s->log[i];

        if (l->pair || !pt_log_seen(l))
            continue;
        rows[cnt++] = (struct pt_unpaired){
            .cluster = l->cluster,
            .name = pt_log_name_of(l),
            .records = l->records,
            .why = pt_unpaired_text((enum pt_unpaired_why)l->topic->why),
        };
    }
    for (size_t i = 0; i < id_cnt; i++) {
        struct pt_unpaired *row = &rows[cnt++];

        *row = (struct pt_unpaired){ .cluster = ids[i]->cluster,
                                     .name = { .topic = "", .partition = -1, .has_id = true },
                                     .records = ids[i]->record_cnt,
                                     .why = pt_unpaired_text(PT_UNPAIRED_UNNAMED) };
        memcpy(row->name.id, ids[i]->id, sizeof(row->name.id));
        say_unnamed(s, ids[i]);
    }
    s->result.unpaired = rows;
    s->result.unpaired_cnt = cnt;
    return true;
}

/* Names that were given and are not what the cluster says, in the order in which they were given.
 */
static void say_misnamed(struct pt_shard *s)
{
    const struct pt_registry *r = s->registry;

    for (size_t i = 0; i < r->given_cnt; i++) {
        const struct pt_given_id *given = &r->given[i];
        const struct pt_id *id = pt_registry_find_id(r, given->cluster, given->id);
        struct pt_fact fact = { .code = PT_FINDING_TOPIC_ID_MISNAMED,
                                .cluster = given->cluster,
                                .cnt = 1 };
        char text[PT_TOPIC_ID_TEXT_SZ];

        if (id && id->wrong)
            pt_findings_say(&s->findings, &fact,
                            "topic id %s is %s by %s:%u, but the cluster itself calls it %s: take "
                            "that line out",
                            pt_topic_id_text(given->id, text), given->topic, given->file,
                            given->line, id->topic ? id->topic->name->text : "otherwise");
    }
}

/* Names with their ids, of those that have one. */
static bool make_topic_ids(struct pt_shard *s)
{
    struct pt_name **names;
    struct pt_topic_id_row *rows;
    size_t name_cnt = 0;
    size_t cnt = 0;

    names = pt_shard_names(s, &name_cnt);
    if (!names)
        return false;
    for (size_t i = 0; i < name_cnt; i++)
        cnt += names[i]->inc_cnt;
    rows = pt_arena_alloc(&s->arena, cnt * sizeof(*rows));
    for (size_t i = 0; rows && i < name_cnt; i++)
        for (size_t k = 0; k < names[i]->inc_cnt; k++) {
            const struct pt_topic *t = names[i]->inc[k];
            struct pt_topic_id_row *row = &rows[s->result.topic_id_cnt];

            if (!t->has_id)
                continue;
            *row = (struct pt_topic_id_row){ .topic = names[i]->text,
                                             .cluster = names[i]->cluster };
            memcpy(row->id, t->id, sizeof(row->id));
            s->result.topic_id_cnt++;
        }
    s->result.topic_ids = rows;
    pt_mem_free(s->mem, names, name_cnt * sizeof(struct pt_name *));
    return rows != NULL;
}

static int broker_order(const void *a, const void *b)
{
    return compare_i64(((const struct pt_broker *)a)->node_id,
                       ((const struct pt_broker *)b)->node_id);
}

static bool make_brokers(struct pt_shard *s)
{
    struct pt_registry *r = s->registry;
    struct pt_broker_result *rows =
            pt_arena_alloc(&s->arena, (r->broker_cnt[0] + r->broker_cnt[1]) * sizeof(*rows));

    if (!rows)
        return false;
    s->result.brokers = rows;
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++) {
        if (r->broker_cnt[c])
            qsort(r->broker[c], r->broker_cnt[c], sizeof(struct pt_broker), broker_order);
        for (size_t i = 0; i < r->broker_cnt[c]; i++) {
            const struct pt_broker *b = &r->broker[c][i];

            rows[s->result.broker_cnt++] =
                    (struct pt_broker_result){ .cluster = c,
                                               .node_id = b->node_id,
                                               .host = b->host_cnt ? b->host[0] : "",
                                               .port = b->host_cnt ? b->port[0] : -1,
                                               .seen = pt_registry_broker_seen(r, c, b) };
        }
    }
    return true;
}

static bool make_clients(struct pt_shard *s)
{
    struct pt_client_info *rows = pt_arena_alloc(&s->arena, s->clients.cnt * sizeof(*rows));

    if (!rows)
        return false;
    for (size_t i = 0; i < s->clients.cnt; i++) {
        const struct pt_client *c = &s->clients.c[i];

        rows[i] = pt_tell_client(&s->arena, c);
    }
    s->result.clients = rows;
    s->result.client_cnt = s->clients.cnt;
    return true;
}

static int place_order(const struct pt_place *a, const struct pt_place *b)
{
    if (!a->valid || !b->valid)
        return (int)b->valid - (int)a->valid; /* those without a place come last */
    return compare_i64(a->offset, b->offset);
}

/* By pair, then offset, with those of the source first where they cannot be compared; then those
 * without a pair by code, cluster, and place. Ends with the packet, so that the order is total. */
static int finding_order(const void *a, const void *b)
{
    const struct pt_finding *x = a;
    const struct pt_finding *y = b;
    const struct pt_place *px = x->source.valid ? &x->source : &x->target;
    const struct pt_place *py = y->source.valid ? &y->source : &y->target;
    int order = compare_u64((uint64_t)x->pair, (uint64_t)y->pair); /* -1 comes last */

    if (!order && x->pair >= 0)
        order = place_order(px, py);
    if (!order && x->pair >= 0)
        order = compare_u64(y->source.valid, x->source.valid);
    if (!order)
        order = compare_u64(x->code, y->code);
    if (!order)
        order = compare_i64(x->cluster, y->cluster);
    if (!order && px->valid && py->valid)
        order = strcmp(px->topic, py->topic);
    if (!order && px->valid && py->valid)
        order = compare_i64(px->partition, py->partition);
    if (!order)
        order = place_order(px, py);
    if (!order)
        order = strcmp(x->message, y->message);
    return order ? order : compare_u64(px->at.order, py->at.order);
}

static bool make_findings(struct pt_shard *s)
{
    size_t cnt = s->findings.cnt;
    struct pt_finding *rows = pt_arena_alloc(&s->arena, cnt * sizeof(*rows));

    memcpy(s->result.finding_total, s->findings.total, sizeof(s->result.finding_total));
    if (!rows)
        return false;
    for (size_t i = 0; i < cnt; i++) {
        const struct pt_fact *fact = &s->findings.fact[i];
        const struct pt_pair *pair = pt_fact_pair(fact);

        rows[i] = pt_tell_finding(&s->arena, fact, s->result.clients, s->result.client_cnt);
        rows[i].pair = pair ? pair->index : -1;
    }
    qsort(rows, cnt, sizeof(*rows), finding_order);
    s->result.findings = rows;
    s->result.finding_cnt = cnt;
    return true;
}

static enum pt_verdict judge(const uint64_t total[PT_FINDING_CODE_CNT], bool single)
{
    enum pt_verdict verdict = PT_VERDICT_PARITY;

    for (enum pt_finding_code c = 0; c < PT_FINDING_CODE_CNT; c++) {
        if (total[c] && pt_finding_severity(c) == PT_SEV_DIVERGENCE)
            return PT_VERDICT_DIVERGENT;
        if (total[c] && pt_finding_inconclusive(c) && !single)
            verdict = PT_VERDICT_INCONCLUSIVE;
    }
    return verdict;
}

const struct pt_result *pt_shard_conclude(struct pt_shard *s)
{
    bool whole;

    for (struct pt_pair *p = s->pairs; p; p = p->next)
        sum_offsets(p);
    /* From here on records are not needed any more: what is found has its places with it. */
    for (size_t i = 0; i < s->log_cnt; i++)
        pt_slots_fini(&s->log[i]->slots);
    if (!s->policy.single)
        pt_shard_scope(s);
    whole = make_clients(s);
    whole = make_pairs(s) && whole;
    whole = make_logs(s) && whole;
    whole = make_unpaired(s) && whole;
    say_misnamed(s);
    whole = make_topic_ids(s) && whole;
    whole = make_brokers(s) && whole;
    whole = make_findings(s) && whole;
    for (size_t c = 0; c < PT_CLUSTER_CNT; c++)
        s->result.cluster_id[c] = s->registry->cluster_id[c];
    s->result.verdict = judge(s->result.finding_total, s->policy.single);
    if (!whole && s->result.verdict == PT_VERDICT_PARITY)
        s->result.verdict =
                PT_VERDICT_INCONCLUSIVE; /* a report with parts missing proves nothing */
    return &s->result;
}
