/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/live.h"

#include "parser/shed.h"
#include "verify/shard_pvt.h"
#include "verify/tell.h"

void pt_shard_live_cluster(const struct pt_shard *s, enum pt_cluster cluster,
                           struct pt_live_cluster *ret)
{
    const struct pt_registry *r = s->registry;

    *ret = (struct pt_live_cluster){ .cluster_id = r->cluster_id[cluster],
                                     .brokers = r->broker_cnt[cluster] };
    for (size_t i = 0; i < r->broker_cnt[cluster]; i++)
        ret->brokers_seen += pt_registry_broker_seen(r, (uint8_t)cluster, &r->broker[cluster][i]);
    for (size_t i = 0; i < s->log_cnt; i++) {
        if (s->log[i]->cluster != cluster)
            continue;
        ret->logs++;
        ret->records += s->log[i]->records;
    }
}

/* [first, last certified offset] and how much of it is certified. */
static void add_offsets(const struct pt_log *l, struct pt_pair_result *sum, uint64_t *ret_unseen)
{
    uint64_t certified = 0;
    uint64_t observed;

    *ret_unseen = 0;
    if (!l->certified.cnt)
        return;
    for (size_t i = 0; i < l->certified.cnt; i++)
        certified += (uint64_t)(l->certified.r[i].to - l->certified.r[i].from);
    observed = (uint64_t)(l->certified.r[l->certified.cnt - 1].to - l->certified.r[0].from);
    sum->offsets_observed += observed;
    sum->offsets_certified += certified;
    *ret_unseen = observed - certified;
}

/* The first source record behind the last match that has no verdict; its age. */
static int64_t oldest_ns(struct pt_pair *p)
{
    struct pt_log *l = p->log[PT_CLUSTER_SOURCE];
    int64_t off = pt_slots_next(&l->slots, p->matched_end[PT_CLUSTER_SOURCE]);

    return off == INT64_MAX ? INT64_MAX : pt_log_seen_ns(l, off, INT64_MAX);
}

static void fill_lag(struct pt_pair *p, struct pt_live_pair *ret)
{
    const struct pt_log *l = p->log[PT_CLUSTER_SOURCE];
    int64_t end = l->certified.cnt ? l->certified.r[l->certified.cnt - 1].to : 0;
    int64_t since_ns = oldest_ns(p);
    int64_t age_ns = since_ns == INT64_MAX ? -1 : p->env->now_ns - since_ns;

    ret->lag_ns = p->sum.verified ? p->lag_ns : -1;
    ret->lag_records = ret->sum.pending_source;
    if (l->cursor >= 0 && end > l->cursor)
        ret->lag_records += (uint64_t)(end - l->cursor);
    /* Younger ones are not compared yet, whether their copies are there or not. */
    if (age_ns <= PT_SETTLE_NS + PT_FEED_NS)
        ret->lag_records = 0;
    else if (ret->lag_records && age_ns > ret->lag_ns)
        ret->lag_ns = age_ns;
}

/* What was told early counts as if it were the verdict. */
static void add_early(struct pt_pair_result *sum, const struct pt_pair_result *early)
{
    sum->missing += early->missing;
    sum->extra += early->extra;
    sum->duplicated += early->duplicated;
    sum->reordered += early->reordered;
    sum->mutated += early->mutated;
    sum->missing_or_reordered += early->missing_or_reordered;
}

static void fill_pair(struct pt_pair *p, struct pt_live_pair *ret)
{
    struct pt_pair_result *sum = &ret->sum;
    uint64_t judged;

    *ret = (struct pt_live_pair){ .number = p->number, .sum = p->sum };
    add_early(sum, &p->early);
    sum->source = pt_log_name_of(p->log[PT_CLUSTER_SOURCE]);
    sum->target = pt_log_name_of(p->log[PT_CLUSTER_TARGET]);
    sum->offsets_observed = sum->offsets_certified = 0;
    add_offsets(p->log[PT_CLUSTER_SOURCE], sum, &sum->unseen_source);
    add_offsets(p->log[PT_CLUSTER_TARGET], sum, &sum->unseen_target);
    if (sum->source_records < p->given[PT_CLUSTER_SOURCE])
        sum->source_records = p->given[PT_CLUSTER_SOURCE];
    if (sum->target_records < p->given[PT_CLUSTER_TARGET])
        sum->target_records = p->given[PT_CLUSTER_TARGET];
    judged = sum->verified + sum->mutated + sum->reordered + sum->missing + sum->compacted +
             sum->missing_or_reordered + sum->ambiguous_source + sum->unverifiable_source +
             sum->pending_source;
    sum->pending_source += sum->source_records - judged;
    judged = sum->verified + sum->mutated + sum->reordered + sum->extra + sum->duplicated +
             sum->ambiguous_target + sum->unverifiable_target + sum->pending_target;
    sum->pending_target += sum->target_records - judged;
    fill_lag(p, ret);
}

/* Whether anything of it can look different now. */
static bool is_moving(const struct pt_pair *p)
{
    return !p->looked || p->log[0]->waiting || p->log[1]->waiting;
}

void pt_shard_live_gone(struct pt_shard *s, uint64_t number)
{
    s->live_begun = false; /* it may be the very next one */
    if (s->live_gone_cnt == s->live_gone_cap) {
        size_t cap = s->live_gone_cap ? 2 * s->live_gone_cap : 64;
        uint64_t *gone = pt_mem_resize(s->mem, s->live_gone, s->live_gone_cap * sizeof(*gone),
                                       cap * sizeof(*gone));

        if (!gone)
            return; /* those who watch go on seeing it as it was */
        s->live_gone = gone;
        s->live_gone_cap = cap;
    }
    s->live_gone[s->live_gone_cnt++] = number;
}

bool pt_shard_live_next(struct pt_shard *s, struct pt_live_pair *ret)
{
    struct pt_pair *p = s->live_pair;

    if (s->live_gone_cnt) {
        *ret = (struct pt_live_pair){ .number = s->live_gone[--s->live_gone_cnt], .gone = true };
        return true;
    }
    if (!s->live_begun) {
        s->live_begun = true;
        p = s->pairs;
    }
    while (p && !is_moving(p))
        p = p->next;
    if (!p) {
        s->live_begun = false;
        return false;
    }
    s->live_pair = p->next;
    p->looked = true;
    fill_pair(p, ret);
    return true;
}

uint64_t pt_shard_live_total(const struct pt_shard *s, enum pt_finding_code code)
{
    return s->findings.total[code] + s->findings.early_total[code];
}

/* Whether a fact may be told: not as long as it may be taken back for want of any match. At the end
 * that has been decided. */
static bool may_be_told(const struct pt_shard *s, const struct pt_fact *fact)
{
    const struct pt_pair *p = fact->pair;

    return !p || s->finished || p->source_topic->recognised || p->sum.rule == PT_PAIR_CONFIGURED;
}

/* The finding of a fact, with its clients told for it alone. */
static struct pt_finding tell(struct pt_shard *s, const struct pt_fact *fact)
{
    struct pt_fact one = *fact;
    const struct pt_pair *pair = pt_fact_pair(fact);
    struct pt_finding f;

    for (uint32_t i = 0; i < PT_CLUSTER_CNT; i++) {
        uint32_t client = fact->site[i].client;

        one.site[i].client = PT_NO_CLIENT;
        if (!fact->site[i].log || client >= s->clients.cnt)
            continue;
        s->live_info[i] = pt_tell_client(&s->live_arena, &s->clients.c[client]);
        one.site[i].client = i;
    }
    f = pt_tell_finding(&s->live_arena, &one, s->live_info, PT_CLUSTER_CNT);
    f.pair = pair ? (int64_t)pair->number : -1;
    return f;
}

/* The next fact that has a verdict, or has grown. */
static bool next_fact(struct pt_shard *s, struct pt_finding *ret_f)
{
    struct pt_findings *f = &s->findings;

    if (f->went_back) {
        s->live_fact = f->fresh_from;
        s->live_kept = false;
        f->went_back = false;
    }
    for (; s->live_fact < f->cnt; s->live_fact++) {
        struct pt_fact *fact = &f->fact[s->live_fact];
        struct pt_fact rest = pt_fact_rest(fact);

        if (rest.cnt && may_be_told(s, fact)) {
            *ret_f = tell(s, &rest);
            fact->given = fact->cnt;
            return true;
        }
        s->live_kept |= rest.cnt != 0;
        f->fresh_from += !s->live_kept && f->fresh_from == s->live_fact;
    }
    s->live_fact = f->fresh_from;
    s->live_kept = false;
    return false;
}

bool pt_shard_live_finding(struct pt_shard *s, struct pt_finding *ret_f)
{
    struct pt_findings *f = &s->findings;

    f->watched = true;
    pt_arena_fini(&s->live_arena);
    s->live_arena = (struct pt_arena){ .mem = s->mem };
    if (s->live_early < f->early_cnt) {
        *ret_f = tell(s, &f->early[s->live_early++]);
        return true;
    }
    s->live_early = f->early_cnt = 0;
    return next_fact(s, ret_f);
}

static uint32_t canon_of(const struct pt_topic_ref *ref)
{
    const struct pt_name *n = ref->name;
    const struct pt_topic *t = ref->id ? ref->id->topic : NULL;

    if (!t && n && n->inc_cnt)
        t = n->inc[n->inc_cnt - 1];
    if (t && t->name->cluster == PT_CLUSTER_TARGET && t->partner)
        t = t->partner;
    if (t)
        n = t->name;
    return n ? pt_shed_canon((struct pt_view){ (const uint8_t *)n->text, n->len }) : 0;
}

void pt_shard_live_canon(const struct pt_shard *s, uint32_t lane, _Atomic uint32_t *canon,
                         uint32_t canon_cnt)
{
    const struct pt_lane_names *names = &s->registry->lane[lane];

    for (uint32_t i = 0; i < names->topic_cap && i < canon_cnt; i++)
        atomic_store_explicit(&canon[i], canon_of(&names->topic[i]), memory_order_relaxed);
}

uint64_t pt_shard_live_taken_back(const struct pt_shard *s)
{
    return s->findings.taken_back;
}
