/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "verify/shard_pvt.h"

static int name_order(const void *a, const void *b)
{
    const struct pt_name *x = *(struct pt_name *const *)a;
    const struct pt_name *y = *(struct pt_name *const *)b;

    if (x->cluster != y->cluster)
        return x->cluster < y->cluster ? -1 : 1;
    return strcmp(x->text, y->text);
}

struct pt_name **pt_shard_names(struct pt_shard *s, size_t *ret_cnt)
{
    size_t cnt = pt_registry_names(s->registry, NULL, 0);
    struct pt_name **names = pt_mem_alloc(s->mem, cnt * sizeof(struct pt_name *));

    if (!names)
        return NULL;
    pt_registry_names(s->registry, names, cnt);
    qsort(names, cnt, sizeof(struct pt_name *), name_order);
    *ret_cnt = cnt;
    return names;
}

/* What the incarnations of one source name want to be paired with: the k-th with the k-th. A target
 * that another source topic wants already stays with that. */
static void want(struct pt_shard *s, struct pt_name *source)
{
    struct pt_mapped m = pt_mapping_find(&s->policy, s->registry, source);
    size_t target_cnt = m.target ? m.target->inc_cnt : 0;

    for (size_t k = 0; k < source->inc_cnt; k++) {
        struct pt_topic *t = source->inc[k];

        t->wanted = k < target_cnt ? m.target->inc[k] : NULL;
        t->rule = (uint8_t)m.rule;
        t->why = (uint8_t)m.why;
        if (t->wanted && t->wanted->wanted) {
            t->wanted = NULL;
            t->why = PT_UNPAIRED_TAKEN;
        } else if (t->wanted) {
            t->wanted->wanted = t;
        } else if (m.target) {
            t->why = PT_UNPAIRED_INCARNATION;
        }
    }
}

static void forget_pair(struct pt_shard *s, struct pt_pair *p)
{
    struct pt_pair **link = &s->pairs;

    while (*link != p)
        link = &(*link)->next;
    *link = p->next;
    pt_shard_live_gone(s, p->number);
    pt_pair_close(p);
}

/* Takes a source topic's pairs apart, if that is still possible: a better rule has turned up. */
static void part_from(struct pt_shard *s, struct pt_topic *t)
{
    for (size_t i = 0; i < t->part_cnt; i++)
        if (t->part[i].log && t->part[i].log->pair &&
            (t->part[i].log->trimmed || t->part[i].log->pair->log[1]->trimmed ||
             s->findings.dropped))
            return;
    for (size_t i = 0; i < t->part_cnt; i++) {
        struct pt_pair *p = t->part[i].log ? t->part[i].log->pair : NULL;

        if (p) {
            pt_pair_dissolve(p);
            forget_pair(s, p);
        }
    }
    t->partner->partner = NULL;
    t->partner = NULL;
    t->recognised = false;
    t->matched_ns = INT64_MIN;
}

static void marry(struct pt_shard *s, struct pt_topic *t)
{
    if (t->partner || !t->wanted || t->wanted->partner)
        return;
    t->partner = t->wanted;
    t->partner->partner = t;
    t->partner->rule = t->rule;
    for (size_t i = 0; i < t->part_cnt; i++)
        if (t->part[i].log)
            pt_shard_pair_log(s, t->part[i].log);
}

void pt_shard_map(struct pt_shard *s)
{
    struct pt_name **names;
    size_t cnt = 0;

    if (!s->registry->changed || s->policy.single)
        return;
    names = pt_shard_names(s, &cnt);
    if (!names)
        return; /* tried again at the next occasion */
    s->registry->changed = false;
    pt_mapping_scan(&s->policy, s->registry, names, cnt);
    for (size_t i = 0; i < cnt; i++)
        for (size_t k = 0; k < names[i]->inc_cnt; k++) {
            struct pt_topic *t = names[i]->inc[k];

            t->wanted = NULL;
            t->why = (uint8_t)(names[i]->internal ? PT_UNPAIRED_INTERNAL
                               : pt_policy_excludes(&s->policy, names[i]->text)
                                       ? PT_UNPAIRED_EXCLUDED
                                       : PT_UNPAIRED_TARGET_ONLY);
        }
    for (size_t i = 0; i < cnt && names[i]->cluster == PT_CLUSTER_SOURCE; i++)
        want(s, names[i]);
    for (size_t i = 0; i < cnt && names[i]->cluster == PT_CLUSTER_SOURCE; i++)
        for (size_t k = 0; k < names[i]->inc_cnt; k++)
            if (names[i]->inc[k]->partner && names[i]->inc[k]->partner != names[i]->inc[k]->wanted)
                part_from(s, names[i]->inc[k]);
    for (size_t i = 0; i < cnt && names[i]->cluster == PT_CLUSTER_SOURCE; i++)
        for (size_t k = 0; k < names[i]->inc_cnt; k++)
            marry(s, names[i]->inc[k]);
    pt_mem_free(s->mem, names, cnt * sizeof(struct pt_name *));
}

void pt_shard_pair_log(struct pt_shard *s, struct pt_log *l)
{
    struct pt_topic *partner = l->topic->partner;
    const struct pt_part *part = partner ? pt_topic_part(partner, l->partition) : NULL;
    struct pt_log *other = part ? part->log : NULL;
    bool is_source = l->cluster == PT_CLUSTER_SOURCE;
    struct pt_pair *p;

    if (!other || l->pair || other->pair)
        return;
    p = pt_pair_open(&s->env, &s->policy.align, (enum pt_pair_rule)l->topic->rule,
                     is_source ? l : other, is_source ? other : l);
    if (!p)
        return;
    p->next = s->pairs;
    p->number = s->pair_cnt++;
    s->pairs = p;
    /* Records that came before the pair did. */
    for (size_t i = 0; i < PT_CLUSTER_CNT; i++)
        if (!p->log[i]->waiting && p->log[i]->certified.cnt) {
            p->log[i]->waiting = true;
            p->log[i]->waiting_next = s->env.waiting;
            s->env.waiting = p->log[i];
        }
}

void pt_shard_pair_all(struct pt_shard *s)
{
    pt_shard_map(s);
    for (size_t i = 0; i < s->log_cnt; i++) {
        struct pt_log *l = s->log[i];
        struct pt_topic *partner = l->topic->partner;

        if (l->pair || !partner || !pt_log_seen(l))
            continue;
        if (pt_shard_log(s, partner, l->partition))
            pt_shard_pair_log(s, l);
    }
}

static void release_done(struct pt_log *l)
{
    int64_t done = l->cursor;

    if (l->pair) {
        int64_t aligned = pt_pair_done(l->pair, (enum pt_cluster)l->cluster);

        done = aligned < done ? aligned : done;
    }
    pt_log_release(l, done);
}

/* Counts what is certain in a log that nothing is compared with, so that its slots can go. */
static void settle_alone(struct pt_log *l)
{
    struct pt_item item;

    while (pt_log_next(l, PT_SETTLE_GAPS, &item))
        l->records_alone++;
}

static bool roomy(const struct pt_shard *s)
{
    return s->mem->used_sz <= s->mem->limit_sz / 2;
}

/*
 * When memory runs short, in this order, until half of the budget is free again:
 *  1. slots that are aligned already;
 *  2. slots of logs that are compared with nothing: their records are counted, then forgotten;
 *  3. what waits behind an unseen offset is compared now: what fills that gap later comes too late;
 *  4. the oldest slots of the longest log become UNSEEN (evicted).
 */
static void relieve(struct pt_shard *s)
{
    pt_shard_map(s);
    for (size_t i = 0; i < s->log_cnt; i++)
        release_done(s->log[i]);
    for (size_t i = 0; i < s->log_cnt && !roomy(s); i++)
        if (!s->log[i]->pair) {
            settle_alone(s->log[i]);
            release_done(s->log[i]);
        }
    for (struct pt_pair *p = s->pairs; p && !roomy(s); p = p->next) {
        pt_pair_feed(p, PT_SETTLE_GAPS);
        release_done(p->log[0]);
        release_done(p->log[1]);
    }
    while (!roomy(s)) {
        struct pt_log *longest = NULL;

        for (size_t i = 0; i < s->log_cnt; i++)
            if (s->log[i]->slots.cnt && (!longest || s->log[i]->slots.cnt > longest->slots.cnt))
                longest = s->log[i];
        if (!longest)
            break;
        for (size_t n = longest->slots.cnt / 2 + 1; n; n--)
            pt_log_evict(longest);
    }
    /* If that much is in use for other things, don't search again for every batch. */
    s->relief_sz = s->mem->limit_sz - s->mem->limit_sz / 4;
    if (s->mem->used_sz + s->mem->limit_sz / 16 > s->relief_sz)
        s->relief_sz = s->mem->used_sz + s->mem->limit_sz / 16;
}

/* A log whose records are all too new, or behind something undecided, goes on waiting. */
void pt_shard_feed(struct pt_shard *s)
{
    struct pt_log *l;

    pt_shard_map(s);
    l = s->env.waiting;
    s->env.waiting = NULL;
    for (struct pt_log *next; l; l = next) {
        int64_t end = l->certified.cnt ? l->certified.r[l->certified.cnt - 1].to : 0;

        next = l->waiting_next;
        l->waiting = false;
        if (!l->pair)
            continue; /* taken up again when it has records anew, or a pair */
        pt_pair_feed(l->pair, PT_SETTLE_RUNNING);
        if (l->cursor >= end)
            continue;
        l->waiting = true;
        l->waiting_next = s->env.waiting;
        s->env.waiting = l;
    }
}

void pt_shard_work(struct pt_shard *s, struct pt_log *l)
{
    if (l->fresh >= PT_FEED_RECORDS) {
        l->fresh = 0;
        pt_shard_map(s);
        if (l->pair)
            pt_pair_feed(l->pair, PT_SETTLE_RUNNING);
    }
    if (s->mem->used_sz >= s->relief_sz)
        relieve(s);
}
