/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/snapshot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define X(NAME, name, rows)                                                                        \
    static int take_##name(const struct pt_segment_reader *r, struct pt_snapshot *s)               \
    {                                                                                              \
        uint32_t cnt = pt_segment_reader_row_cnt(r, PT_SEGMENT_TABLE_##NAME);                      \
                                                                                                   \
        s->name##_refused = pt_segment_reader_refused(r, PT_SEGMENT_TABLE_##NAME);                 \
        s->name##s = calloc(cnt + 1, sizeof(*s->name##s));                                         \
        if (!s->name##s)                                                                           \
            return -ENOMEM;                                                                        \
        for (uint32_t i = 0; i < cnt; i++)                                                         \
            s->name##_cnt += pt_segment_get_##name(r, i, &s->name##s[s->name##_cnt]);              \
        return 0;                                                                                  \
    }
PT_SEGMENT_TABLE_LIST(X)
#undef X

static int by_topic(const void *a, const void *b)
{
    const struct pt_segment_pair *x = a;
    const struct pt_segment_pair *y = b;
    int rc = strcmp(x->source_topic.s, y->source_topic.s);

    if (!rc)
        rc = strcmp(x->target_topic.s, y->target_topic.s);
    if (!rc)
        rc = (x->source_partition > y->source_partition) -
             (x->source_partition < y->source_partition);
    if (!rc)
        rc = (x->incarnation > y->incarnation) - (x->incarnation < y->incarnation);
    return rc;
}

uint64_t pt_segment_pair_divergent(const struct pt_segment_pair *p)
{
    return p->missing + p->extra + p->duplicated + p->reordered + p->mutated + p->ambiguous;
}

static void add(struct pt_topic_sums *t, const struct pt_segment_pair *p)
{
    t->partitions++;
    t->source_records += p->source_records;
    t->target_records += p->target_records;
    t->verified += p->verified;
    t->divergent += pt_segment_pair_divergent(p);
    t->unseen += p->unseen_source + p->unseen_target;
    t->pending += p->pending;
    t->offsets_certified += p->offsets_certified;
    t->offsets_observed += p->offsets_observed;
    t->lag_records += p->lag_records;
    if (p->lag_ns > t->lag_ns)
        t->lag_ns = p->lag_ns;
}

static int sum_topics(struct pt_snapshot *s)
{
    qsort(s->pairs, s->pair_cnt, sizeof(*s->pairs), by_topic);
    s->topics = calloc(s->pair_cnt + 1, sizeof(*s->topics));
    if (!s->topics)
        return -ENOMEM;
    for (size_t i = 0; i < s->pair_cnt; i++) {
        const struct pt_segment_pair *p = &s->pairs[i];
        struct pt_topic_sums *t = s->topic_cnt ? &s->topics[s->topic_cnt - 1] : NULL;

        if (!t || strcmp(t->first->source_topic.s, p->source_topic.s) ||
            strcmp(t->first->target_topic.s, p->target_topic.s)) {
            t = &s->topics[s->topic_cnt++];
            *t = (struct pt_topic_sums){ .first = p, .lag_ns = -1 };
        }
        add(t, p);
    }
    return 0;
}

int pt_snapshot_take(const struct pt_segment_reader *r, struct pt_snapshot *ret_s)
{
    struct pt_snapshot s = { .id = r->id };
    struct timespec now;
    int rc = 0;

    clock_gettime(CLOCK_MONOTONIC, &now);
    s.taken_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    /* The state first: if it says ENDED, the rows are the last ones. */
    s.life = pt_segment_reader_life(r);
    s.state = pt_segment_reader_state(r);
    s.beat_age_ns = pt_segment_reader_beat_age_ns(r);
#define X(NAME, name, rows)                                                                        \
    if (!rc)                                                                                       \
        rc = take_##name(r, &s);
    PT_SEGMENT_TABLE_LIST(X)
#undef X
    if (!rc)
        rc = sum_topics(&s);
    if (rc) {
        pt_snapshot_free(&s);
        return rc;
    }
    if (s.run_cnt)
        s.run = s.runs[0];
    *ret_s = s;
    return 0;
}

void pt_snapshot_free(struct pt_snapshot *s)
{
#define X(NAME, name, rows) free(s->name##s);
    PT_SEGMENT_TABLE_LIST(X)
#undef X
    free(s->topics);
    *s = (struct pt_snapshot){ 0 };
}

const char *pt_segment_verdict_name(uint32_t verdict)
{
    switch (verdict) {
    case PT_SEGMENT_PARITY:
        return "parity";
    case PT_SEGMENT_DIVERGENT:
        return "divergent";
    case PT_SEGMENT_INCONCLUSIVE:
        return "inconclusive";
    default:
        return "none yet";
    }
}

int pt_segment_verdict_exit(uint32_t verdict)
{
    return verdict == PT_SEGMENT_PARITY ? 0 : verdict == PT_SEGMENT_DIVERGENT ? 1 : 3;
}

const char *pt_segment_role_name(uint32_t role)
{
    return role == PT_SEGMENT_SOURCE ? "source" : role == PT_SEGMENT_TARGET ? "target" : "both";
}

const char *pt_segment_life_name(enum pt_segment_life life)
{
    static const char *const name[] = { "alive", "stale", "dead", "ended" };

    return name[life];
}
