/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Silence is not parity: what should have passed the tap and did not. Only activity counts. A log
 * that exists and stood still is information; one that moved, or whose leader the tap cannot see,
 * is not.
 */
#include <stdio.h>

#include "verify/shard_pvt.h"

/* A watermark stated so shortly before the end may be ahead of the records that it counts. */
#define HW_SETTLE_NS 1000000000ll

static const char *const cluster_text[PT_CLUSTER_CNT] = { "source", "target" };

bool pt_log_seen(const struct pt_log *l)
{
    return l && (l->certified.cnt || l->row_cnt);
}

/* Whether any of its records has an offset: a batch alone (unanswered, broken) proves nothing. */
static bool is_certified(const struct pt_log *l)
{
    return l && l->certified.cnt;
}

static bool is_empty(const struct pt_log *l)
{
    return l && (l->hw_max == 0 || (l->hw_max > 0 && l->hw_max == l->log_start));
}

/* Its end moved on during the capture, to where no record was seen: from an earlier end that was
 * stated, or from where a Produce has put it. */
static bool advanced_unseen(const struct pt_shard *s, const struct pt_log *l)
{
    int64_t end = l && l->certified.cnt ? l->certified.r[l->certified.cnt - 1].to : 0;

    return l && (l->hw_max > l->hw_first || l->appended) && l->hw_max > end &&
           s->env.now_ns - l->hw_since_ns > HW_SETTLE_NS;
}

/* What was shed lies, or may lie, behind the last record that was seen, where no offset tells that
 * something is missing. */
static bool is_shed(const struct pt_log *l)
{
    const struct pt_ranges *shed;
    int64_t since;
    int64_t end;

    if (!l)
        return false;
    shed = &l->lost[PT_LOST_SHED];
    end = l->certified.cnt ? l->certified.r[l->certified.cnt - 1].to : 0;
    if (shed->cnt && shed->r[shed->cnt - 1].to > end)
        return true;
    since = l->env->shed_ns[l->cluster];
    if (l->lost_somewhere[PT_LOST_SHED] && l->shed_ns > since)
        since = l->shed_ns;
    return since > l->tail_ns && !(l->hw_ns > since && l->hw_max <= end);
}

/* Seen, and not merely as markers and aborted transactions: the other cluster should show it too.
 */
static bool has_records(const struct pt_log *l)
{
    return pt_log_seen(l) && (l->records || l->undecided || !l->certified.cnt);
}

static bool leader_unseen(const struct pt_shard *s, uint8_t cluster, const struct pt_part *part)
{
    const struct pt_broker *b =
            part ? pt_registry_node(s->registry, cluster, part->leader_id) : NULL;

    return b && !pt_registry_broker_seen(s->registry, cluster, b);
}

static bool in_scope(const struct pt_topic *t)
{
    return t->partner || (t->why != PT_UNPAIRED_INTERNAL && t->why != PT_UNPAIRED_EXCLUDED &&
                          t->why != PT_UNPAIRED_TARGET_ONLY);
}

static void say_partition(struct pt_shard *s, enum pt_finding_code code, uint8_t cluster,
                          const struct pt_topic *t, int32_t partition, const char *why)
{
    struct pt_fact fact = { .code = code, .cluster = cluster, .cnt = 1 };

    pt_findings_say(&s->findings, &fact, "%s-%d on the %s: %s", t->name->text, partition,
                    cluster_text[cluster], why);
}

/* One partition of one side of a paired topic. */
static void check_side(struct pt_shard *s, uint8_t cluster, const struct pt_topic *t,
                       int32_t partition, const struct pt_log *other)
{
    const struct pt_part *part = pt_topic_part(t, partition);
    const struct pt_log *l = part ? part->log : NULL;

    if (is_shed(l)) {
        say_partition(s, PT_FINDING_PARTITION_NOT_SEEN, cluster, t, partition,
                      "the last of its batches were not looked into: overload");
    } else if (advanced_unseen(s, l)) {
        say_partition(s, PT_FINDING_PARTITION_NOT_SEEN, cluster, t, partition,
                      "its end advanced to where no record was seen");
    } else if (is_certified(l) || is_empty(l)) {
        return;
    } else if (pt_log_seen(l)) {
        say_partition(s, PT_FINDING_PARTITION_NOT_SEEN, cluster, t, partition,
                      "its batches passed, but what became of them was not seen");
    } else if (has_records(other) && cluster == PT_CLUSTER_TARGET && !(l && l->hw_max >= 0)) {
        say_partition(s, PT_FINDING_NO_EVIDENCE_PATH, cluster, t, partition,
                      "neither Produce nor Fetch of it passed the tap");
    } else if (has_records(other)) {
        say_partition(s, PT_FINDING_PARTITION_NOT_SEEN, cluster, t, partition,
                      "none of its records were seen, the other cluster's were");
    } else if (leader_unseen(s, cluster, part)) {
        say_partition(s, PT_FINDING_PARTITION_NOT_SEEN, cluster, t, partition,
                      "its leader is not on the tap");
    }
}

static void check_partitions(struct pt_shard *s, const struct pt_topic *t)
{
    const struct pt_topic *other = t->partner;

    for (size_t i = 0; i < t->part_cnt; i++) {
        const struct pt_part *o = pt_topic_part(other, t->part[i].partition);

        check_side(s, PT_CLUSTER_SOURCE, t, t->part[i].partition, o ? o->log : NULL);
        check_side(s, PT_CLUSTER_TARGET, other, t->part[i].partition, t->part[i].log);
    }
    for (size_t i = 0; i < other->part_cnt; i++) {
        int32_t partition = other->part[i].partition;

        if (pt_topic_part(t, partition))
            continue;
        check_side(s, PT_CLUSTER_SOURCE, t, partition, other->part[i].log);
        check_side(s, PT_CLUSTER_TARGET, other, partition, NULL);
    }
}

static void check_unpaired(struct pt_shard *s, const struct pt_topic *t)
{
    struct pt_fact fact = { .code = PT_FINDING_TOPIC_UNPAIRED,
                            .cluster = PT_CLUSTER_SOURCE,
                            .cnt = 1 };
    bool active = false;

    for (size_t i = 0; i < t->part_cnt; i++)
        active |= pt_log_seen(t->part[i].log) || advanced_unseen(s, t->part[i].log) ||
                  (t->part[i].log && t->part[i].log->shed_ns > INT64_MIN);
    if (active)
        pt_findings_say(&s->findings, &fact, "source topic %s has records and no partner: %s",
                        t->name->text, pt_unpaired_text((enum pt_unpaired_why)t->why));
}

/* Brokers that lead partitions in scope. */
static void check_broker(struct pt_shard *s, uint8_t cluster, const struct pt_broker *b,
                         struct pt_name *const *names, size_t cnt)
{
    struct pt_fact fact = { .code = PT_FINDING_BROKER_NOT_SEEN, .cluster = cluster, .cnt = 1 };
    uint64_t leads = 0;

    if (pt_registry_broker_seen(s->registry, cluster, b))
        return;
    for (size_t i = 0; i < cnt; i++)
        for (size_t k = 0; names[i]->cluster == cluster && k < names[i]->inc_cnt; k++) {
            const struct pt_topic *t = names[i]->inc[k];

            for (size_t n = 0; n < t->part_cnt && in_scope(t) && !t->deleted; n++)
                if (t->part[n].leader_id == b->node_id)
                    leads += t->partner || pt_log_seen(t->part[n].log) ||
                             advanced_unseen(s, t->part[n].log);
        }
    if (leads)
        pt_findings_say(&s->findings, &fact,
                        "%s broker %d (%s) leads %llu partitions in scope and is not on the tap",
                        cluster_text[cluster], b->node_id, b->host_cnt ? b->host[0] : "?",
                        (unsigned long long)leads);
}

static void check_coverage(struct pt_shard *s)
{
    struct pt_fact nothing = { .code = PT_FINDING_NOTHING_CERTIFIED, .cluster = -1, .cnt = 1 };
    uint64_t both = 0;

    for (const struct pt_pair *p = s->pairs; p; p = p->next) {
        struct pt_fact low = {
            .code = PT_FINDING_COVERAGE_LOW, .cluster = -1, .cnt = 1, .pair = p
        };
        const struct pt_pair_result *r = &p->sum;
        uint64_t records = r->source_records + r->target_records;
        /* A record may be on its way to the target, but not to the source. */
        uint64_t doubtful = r->unverifiable_source + r->unverifiable_target + r->pending_target;
        uint64_t changed = p->log[0]->changed.total + p->log[1]->changed.total;
        const char *name = p->source_topic->name->text;
        int32_t part = p->log[0]->partition;

        both += r->verified + r->mutated + r->reordered;
        if (r->offsets_observed &&
            (double)r->offsets_certified < s->policy.min_coverage * (double)r->offsets_observed)
            pt_findings_say(&s->findings, &low, "%s-%d: %llu of %llu offsets were certified", name,
                            part, (unsigned long long)r->offsets_certified,
                            (unsigned long long)r->offsets_observed);
        else if ((double)(records - doubtful) < s->policy.min_coverage * (double)records)
            pt_findings_say(&s->findings, &low,
                            "%s-%d: %llu of %llu records could not be verified: their place on the "
                            "other side was not seen%s%s",
                            name, part, (unsigned long long)doubtful, (unsigned long long)records,
                            changed ? ", or a log was written anew" : "",
                            p->maybe_compacted ? ", or they may have been compacted away" : "");
        else if (p->maybe_compacted)
            pt_findings_say(
                    &s->findings, &low,
                    "%s-%d: %llu records of the source were not copied, and it is not known "
                    "that they were not compacted away before: let a broker state the "
                    "topic's cleanup.policy on the tap (kafka-configs --describe --all)",
                    name, part, (unsigned long long)p->maybe_compacted);
        else if (changed)
            pt_findings_say(
                    &s->findings, &low,
                    "%s-%d: %llu records were compared, and gave way to others or were cut "
                    "off afterwards: what the log holds there now was compared with nothing",
                    name, part, (unsigned long long)changed);
    }
    if (!both)
        pt_findings_say(&s->findings, &nothing, "no record was certified on both sides");
}

void pt_shard_scope(struct pt_shard *s)
{
    struct pt_fact blind = { .code = PT_FINDING_NOTHING_CERTIFIED, .cluster = -1, .cnt = 1 };
    struct pt_name **names;
    size_t cnt = 0;

    names = pt_shard_names(s, &cnt);
    if (!names) {
        pt_findings_say(&s->findings, &blind, "memory budget spent: the scope was not checked");
        return;
    }
    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        for (size_t i = 0; i < s->registry->broker_cnt[c]; i++)
            check_broker(s, c, &s->registry->broker[c][i], names, cnt);
    for (size_t i = 0; i < cnt && names[i]->cluster == PT_CLUSTER_SOURCE; i++)
        for (size_t k = 0; k < names[i]->inc_cnt; k++) {
            const struct pt_topic *t = names[i]->inc[k];

            if (!in_scope(t))
                continue;
            if (t->partner)
                check_partitions(s, t);
            else
                check_unpaired(s, t);
        }
    pt_mem_free(s->mem, names, cnt * sizeof(struct pt_name *));
    check_coverage(s);
}
