/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/pair.h"

#include <string.h>

#include "verify/pair_map.h"

#define FEED_ITEMS 256u
/* Equal records in a row that are looked at, each way. */
#define EQUAL_MAX 64

struct pt_pair *pt_pair_open(struct pt_ledger *env, const struct pt_align_cfg *cfg,
                             enum pt_pair_rule rule, struct pt_log *source, struct pt_log *target)
{
    struct pt_pair *p = pt_mem_zalloc(env->mem, sizeof(*p));

    if (!p)
        return NULL;
    p->env = env;
    p->source_topic = source->topic;
    p->log[PT_CLUSTER_SOURCE] = source;
    p->log[PT_CLUSTER_TARGET] = target;
    p->sum.rule = rule;
    pt_ranges_init(&p->pending, env->mem);
    if (pt_align_open(env->mem, cfg, &p->align))
        p->align = NULL;
    for (size_t i = 0; i < PT_CLUSTER_CNT; i++) {
        p->log[i]->pair = p;
        if (p->log[i]->cursor >= 0)
            p->log[i]->gap = true; /* settled for lack of memory before it had a pair */
    }
    return p;
}

void pt_pair_close(struct pt_pair *p)
{
    struct pt_mem *mem = p->env->mem;

    p->log[0]->pair = NULL;
    p->log[1]->pair = NULL;
    if (p->align)
        pt_align_close(p->align);
    pt_ranges_fini(&p->pending);
    pt_told_fini(&p->told, mem);
    pt_mem_free(mem, p->map, p->map_cap * sizeof(*p->map));
    pt_mem_free(mem, p, sizeof(*p));
}

/* The count of a kind among what was told early. */
static uint64_t *early_count(struct pt_pair *p, enum pt_finding_code code)
{
    struct pt_pair_result *e = &p->early;

    switch (code) {
    case PT_FINDING_RECORD_MISSING:
        return &e->missing;
    case PT_FINDING_RECORD_EXTRA:
        return &e->extra;
    case PT_FINDING_RECORD_DUPLICATED:
        return &e->duplicated;
    case PT_FINDING_RECORD_REORDERED:
        return &e->reordered;
    case PT_FINDING_RECORD_MUTATED:
        return &e->mutated;
    default:
        return &e->missing_or_reordered;
    }
}

/* What was told early of a pair that is taken apart. */
static void forget_told(struct pt_pair *p)
{
    for (int c = PT_FINDING_RECORD_MISSING; c <= PT_FINDING_RECORD_MISSING_OR_REORDERED; c++) {
        uint64_t *cnt = early_count(p, (enum pt_finding_code)c);

        p->env->findings->early_total[c] -= *cnt;
        p->env->findings->taken_back += *cnt;
        *cnt = 0;
    }
    pt_told_fini(&p->told, p->env->mem);
}

bool pt_pair_dissolve(struct pt_pair *p)
{
    if (p->log[0]->trimmed || p->log[1]->trimmed || p->env->findings->dropped)
        return false;
    forget_told(p);
    pt_findings_forget(p->env->findings, p);
    pt_log_rewind(p->log[0]);
    pt_log_rewind(p->log[1]);
    return true;
}

/* What matches teach about time: how far the target lags, and until when the replication went on.
 */
static void learn_times(struct pt_pair *p, const struct pt_align_event *ev)
{
    for (uint64_t i = 0; i < ev->cnt; i++) {
        int64_t s = pt_log_seen_ns(p->log[0], ev->source_offset + (int64_t)i, INT64_MIN);
        int64_t t = pt_log_seen_ns(p->log[1], ev->target_offset + (int64_t)i, INT64_MIN);

        if (s == INT64_MIN || t == INT64_MIN)
            continue;
        if (t >= p->lag_arrived_ns) {
            p->lag_arrived_ns = t;
            p->lag_ns = t > s ? t - s : 0;
        }
        if (t - s < p->lag_min_ns)
            p->lag_min_ns = t - s;
        if (s > p->source_topic->matched_ns)
            p->source_topic->matched_ns = s;
    }
}

static void on_match(struct pt_pair *p, const struct pt_align_event *ev)
{
    int64_t s_end = ev->source_offset + (int64_t)ev->cnt;
    int64_t t_end = ev->target_offset + (int64_t)ev->cnt;

    p->sum.verified += ev->cnt;
    p->source_topic->recognised = true;
    pt_pair_map_add(p, ev->source_offset, ev->target_offset, ev->cnt);
    if (s_end > p->matched_end[0])
        p->matched_end[0] = s_end;
    if (t_end > p->matched_end[1])
        p->matched_end[1] = t_end;
    learn_times(p, ev);
}

static struct pt_fact fact_of(struct pt_pair *p, enum pt_finding_code code, int64_t source_offset,
                              int64_t target_offset, uint32_t parts)
{
    struct pt_fact fact = { .code = code, .cluster = -1, .parts = parts, .cnt = 1, .pair = p };

    if (source_offset >= 0)
        fact.site[0] = pt_log_site(p->log[0], source_offset);
    if (target_offset >= 0)
        fact.site[1] = pt_log_site(p->log[1], target_offset);
    return fact;
}

static void report(struct pt_pair *p, enum pt_finding_code code, int64_t source_offset,
                   int64_t target_offset, uint32_t parts)
{
    struct pt_fact fact = fact_of(p, code, source_offset, target_offset, parts);

    fact.given = p->told_code == code;
    p->told_open -= fact.given;
    pt_findings_add(p->env->findings, &fact);
}

/* A verdict has come: what was told early of its records does not count beside it any more.
 * p->told_code says what that was, until the next event. */
static void take_told(struct pt_pair *p, const struct pt_align_event *ev)
{
    const int64_t off[PT_CLUSTER_CNT] = { ev->source_offset, ev->target_offset };
    struct pt_told_entry e;

    p->told_code = PT_FINDING_CODE_CNT;
    if (!p->told.cnt || ev->kind == PT_ALIGN_MATCH)
        return;
    for (int side = 0; side < PT_CLUSTER_CNT; side++) {
        if (off[side] < 0 || !pt_told_take(&p->told, side, off[side], &e))
            continue;
        if (e.partner < 0 || e.partner == off[!side])
            p->told_code = (enum pt_finding_code)e.code;
        p->told_open++;
        p->env->findings->early_total[e.code]--;
        --*early_count(p, (enum pt_finding_code)e.code);
    }
}

/* By how much later than the target's clock says something may have been by the source's. The next
 * match tells, too, since it may be the first. */
static int64_t clock_doubt(struct pt_pair *p, const struct pt_align_event *ev, int64_t target_ns)
{
    int64_t source_ns = pt_log_seen_ns(p->log[0], ev->next_source_offset, INT64_MIN);
    int64_t lag_ns = source_ns == INT64_MIN || source_ns < target_ns ? 0 : target_ns - source_ns;

    if (p->lag_min_ns < lag_ns)
        lag_ns = p->lag_min_ns;
    return lag_ns < INT64_MIN / 4 ? INT64_MAX / 2 : PT_CLOCK_DOUBT_NS - 2 * lag_ns;
}

/* Of equal records in a row on the source, the one at off among them, some are lawfully gone: which
 * of them is left over cannot be told. */
static bool equal_one_gone(struct pt_log *l, int64_t off)
{
    const struct pt_slot *slot;
    const struct pt_slot *other;
    uint16_t *state;

    slot = off >= 0 ? pt_slots_get(&l->slots, off, &state) : NULL;
    for (int64_t step = -1; slot && step <= 1; step += 2)
        for (int64_t k = off + step; k >= 0 && k != off + step * EQUAL_MAX; k += step) {
            other = pt_slots_get(&l->slots, k, &state);
            if (!other || other->content != slot->content ||
                other->timestamp_ms != slot->timestamp_ms)
                break;
            if (pt_log_gone(l, k, INT64_MAX) != PT_GONE_NOT)
                return true;
        }
    return false;
}

/* When the mirror had passed a leftover of the source at the latest: the next record that it did
 * carry was seen on the target. INT64_MAX: there is none yet; INT64_MIN: nobody knows any more. */
static int64_t passed_at(const struct pt_pair *p, const struct pt_align_event *ev)
{
    return ev->next_target_offset < 0
                   ? INT64_MAX
                   : pt_log_seen_ns(p->log[1], ev->next_target_offset, INT64_MIN);
}

/* Whether it was lawfully gone from the source before the mirror passed it. That it was still there
 * then is only proven as far as the clocks of the two taps agree. */
static enum pt_gone_when was_gone(struct pt_pair *p, const struct pt_align_event *ev)
{
    int64_t passed_ns = passed_at(p, ev);
    enum pt_gone_when when = pt_log_gone(p->log[0], ev->source_offset, passed_ns);

    if (when == PT_GONE_NOT && passed_ns > INT64_MIN && passed_ns < INT64_MAX / 2 &&
        pt_log_gone(p->log[0], ev->source_offset, passed_ns + clock_doubt(p, ev, passed_ns)) !=
                PT_GONE_NOT)
        when = PT_GONE_MAYBE;
    if (when == PT_GONE_NOT && equal_one_gone(p->log[0], ev->source_offset))
        when = PT_GONE_MAYBE;
    return when;
}

/* This side's topic has incarnations without a partner: their records may be what is left over on
 * the other side. */
static bool extra_incarnation(const struct pt_pair *p, enum pt_cluster side)
{
    return p->log[side]->topic->name->inc_cnt > p->log[!side]->topic->name->inc_cnt;
}

/* Whether the place of a leftover on the other side may have held its partner once:
 *  - an offset there is certified to be empty, and logs are dense when they are written;
 *  - it lies in front of the first match, and the other log has lost its beginning;
 *  - the other topic has another incarnation, which is compared with nothing;
 *  - of an offset there only a down-converted answer was seen, so that its record looks different;
 *  - the other log was written anew when its records had been compared, and only the first ones
 *    were.
 */
static bool may_have_been_there(const struct pt_pair *p, enum pt_cluster side,
                                const struct pt_align_event *ev)
{
    const struct pt_log *l = p->log[side];
    int64_t prev = side == PT_CLUSTER_SOURCE ? ev->prev_source_offset : ev->prev_target_offset;
    int64_t next = side == PT_CLUSTER_SOURCE ? ev->next_source_offset : ev->next_target_offset;

    return (prev < 0 && l->log_start > 0) || extra_incarnation(p, side) ||
           pt_log_has_hole(l, prev, next) ||
           pt_log_reduced(l, prev + 1, next < 0 ? INT64_MAX : next) ||
           l->changed.from < (next < 0 ? INT64_MAX : next);
}

/* A record of which only a down-converted answer was seen looks like none on the other side, and
 * may be one of an aborted transaction. One that was compared before the log was written anew may
 * not be there any more. */
static bool looks_different(const struct pt_log *l, int64_t off)
{
    return pt_log_reduced(l, off, off + 1) || off >= l->changed.from;
}

/* Whether a record may have been gone from the source before the mirror came to it, although the
 * tap did not see that: the topic is not known to be one whose policy is `delete` alone, and nobody
 * was seen to be given the record, who would show that it was still there, or it was too long
 * before. (A compacted topic takes no record without a key.) Or what would have shown it was shed.
 * passed_ns as passed_at. */
static bool may_have_been_gone(const struct pt_pair *p, int64_t off, int64_t passed_ns)
{
    const struct pt_slot *slot;
    uint16_t *state;
    int64_t read_ns;

    if (pt_log_shed_since(p->log[0], pt_log_seen_ns(p->log[0], off, INT64_MIN)))
        return true;
    if (p->source_topic->cleanup == PT_CLEANUP_DELETE)
        return false;
    slot = pt_slots_get(&p->log[0]->slots, off, &state);
    if (!slot || !slot->key || !(*state & PT_SLOT_READ))
        return !slot || slot->key;
    read_ns = p->log[0]->evidence[slot->evidence].read_ns;
    return passed_ns == INT64_MIN ||
           (passed_ns < INT64_MAX && passed_ns - PT_READ_LASTS_NS > read_ns);
}

static void on_maybe_compacted(struct pt_pair *p)
{
    p->sum.unverifiable_source++;
    p->maybe_compacted += p->source_topic->cleanup == 0;
}

/* A leftover of the source. */
static void on_source_only(struct pt_pair *p, const struct pt_align_event *ev,
                           enum pt_finding_code code, uint64_t *cnt)
{
    enum pt_gone_when gone = was_gone(p, ev);

    if (gone == PT_GONE_BEFORE) {
        p->sum.compacted++;
    } else if (gone == PT_GONE_MAYBE || looks_different(p->log[0], ev->source_offset) ||
               may_have_been_there(p, PT_CLUSTER_TARGET, ev)) {
        p->sum.unverifiable_source++;
    } else if (may_have_been_gone(p, ev->source_offset, passed_at(p, ev))) {
        on_maybe_compacted(p);
    } else {
        (*cnt)++;
        report(p, code, ev->source_offset, -1, 0);
    }
}

/* Whether the source's end was stated after the target's record had appeared: otherwise its source
 * may have been written and not been seen yet. Records that are on the target before they are on
 * the source tell how far the two clocks, or the two writes, may be apart. */
static bool source_ended_before(struct pt_pair *p, int64_t target_offset)
{
    int64_t seen_ns = pt_log_seen_ns(p->log[1], target_offset, INT64_MAX);
    int64_t margin = p->lag_min_ns > INT64_MIN / 2 ? -2 * p->lag_min_ns : INT64_MAX;

    return seen_ns < INT64_MAX - margin && p->log[0]->hw_ns > seen_ns + margin;
}

/* A leftover of the target. Behind the last match it counts only if the source's end is known. */
static void on_target_only(struct pt_pair *p, const struct pt_align_event *ev,
                           enum pt_finding_code code, uint64_t *cnt)
{
    bool tail = ev->next_source_offset < 0;

    if (looks_different(p->log[1], ev->target_offset) ||
        may_have_been_there(p, PT_CLUSTER_SOURCE, ev)) {
        p->sum.unverifiable_target++;
    } else if (tail && !source_ended_before(p, ev->target_offset)) {
        p->sum.pending_target++;
    } else {
        (*cnt)++;
        report(p, code, -1, ev->target_offset, 0);
    }
}

/* It may be a copy of any record of the source that found no partner. */
static void note_unsure(struct pt_pair *p, const struct pt_align_event *ev)
{
    if (ev->target_offset >= p->unsure_end)
        p->unsure_end = ev->target_offset + 1;
}

static void on_mutated(struct pt_pair *p, const struct pt_align_event *ev)
{
    if (may_have_been_there(p, PT_CLUSTER_SOURCE, ev) ||
        may_have_been_there(p, PT_CLUSTER_TARGET, ev)) {
        p->sum.unverifiable_source++;
        p->sum.unverifiable_target++;
        return;
    }
    p->sum.mutated++;
    /* A copy that was changed keeps its time, or all but its time. */
    if (!(ev->parts & PT_PART_TIMESTAMP) || ev->parts == PT_PART_TIMESTAMP)
        p->source_topic->recognised = true;
    report(p, PT_FINDING_RECORD_MUTATED, ev->source_offset, ev->target_offset, ev->parts);
}

static void on_reordered(struct pt_pair *p, const struct pt_align_event *ev)
{
    p->source_topic->recognised = true;
    if (looks_different(p->log[0], ev->source_offset) ||
        looks_different(p->log[1], ev->target_offset)) {
        p->sum.unverifiable_source++;
        p->sum.unverifiable_target++;
        return;
    }
    p->sum.reordered++;
    report(p, PT_FINDING_RECORD_REORDERED, ev->source_offset, ev->target_offset, 0);
}

/* Whether the two topics are known to belong together, so that nothing that is told of them will be
 * withdrawn. */
static bool may_be_shown(const struct pt_pair *p)
{
    return p->source_topic->recognised || p->sum.rule == PT_PAIR_CONFIGURED;
}

/* Whether what is told early of a leftover would stand as things are: the same doubts as above. */
static bool would_stand(struct pt_pair *p, const struct pt_align_event *ev)
{
    switch (ev->kind) {
    case PT_ALIGN_MISSING:
    case PT_ALIGN_MISSING_OR_REORDERED:
        return was_gone(p, ev) == PT_GONE_NOT && !looks_different(p->log[0], ev->source_offset) &&
               !may_have_been_there(p, PT_CLUSTER_TARGET, ev) &&
               !may_have_been_gone(p, ev->source_offset, passed_at(p, ev));
    case PT_ALIGN_EXTRA:
    case PT_ALIGN_DUPLICATED:
        return !looks_different(p->log[1], ev->target_offset) &&
               !may_have_been_there(p, PT_CLUSTER_SOURCE, ev);
    case PT_ALIGN_MUTATED:
        return !may_have_been_there(p, PT_CLUSTER_SOURCE, ev) &&
               !may_have_been_there(p, PT_CLUSTER_TARGET, ev);
    default:
        return true;
    }
}

static enum pt_finding_code code_of(enum pt_align_kind kind)
{
    switch (kind) {
    case PT_ALIGN_MISSING:
        return PT_FINDING_RECORD_MISSING;
    case PT_ALIGN_EXTRA:
        return PT_FINDING_RECORD_EXTRA;
    case PT_ALIGN_DUPLICATED:
        return PT_FINDING_RECORD_DUPLICATED;
    case PT_ALIGN_REORDERED:
        return PT_FINDING_RECORD_REORDERED;
    case PT_ALIGN_MUTATED:
        return PT_FINDING_RECORD_MUTATED;
    default:
        return PT_FINDING_RECORD_MISSING_OR_REORDERED;
    }
}

/* Writes down that something is told of these two records, or of one of them; false: no memory. */
static bool note_told(struct pt_pair *p, enum pt_finding_code code, int64_t s, int64_t t)
{
    struct pt_mem *mem = p->env->mem;
    struct pt_told_entry e;

    if (s >= 0 && !pt_told_add(&p->told, mem, PT_CLUSTER_SOURCE, s, t, code))
        return false;
    if (t < 0 || pt_told_add(&p->told, mem, PT_CLUSTER_TARGET, t, s, code))
        return true;
    if (s >= 0)
        pt_told_take(&p->told, PT_CLUSTER_SOURCE, s, &e);
    return false;
}

/* Of a duplicate the source offset is that of its original, which has a verdict of its own. */
static void on_early(struct pt_pair *p, const struct pt_align_event *ev)
{
    enum pt_finding_code code = code_of(ev->kind);
    int64_t s = ev->kind == PT_ALIGN_DUPLICATED ? -1 : ev->source_offset;
    int64_t t = ev->target_offset;
    struct pt_told_entry e;
    struct pt_fact fact;

    if (!p->env->findings->watched || !may_be_shown(p) || !would_stand(p, ev) ||
        (s >= 0 && pt_told_has(&p->told, PT_CLUSTER_SOURCE, s)) ||
        (t >= 0 && pt_told_has(&p->told, PT_CLUSTER_TARGET, t)) || !note_told(p, code, s, t))
        return;
    fact = fact_of(p, code, s, t, ev->parts);
    if (pt_findings_early(p->env->findings, &fact))
        ++*early_count(p, code);
    else if (s >= 0)
        pt_told_take(&p->told, PT_CLUSTER_SOURCE, s, &e);
    else
        pt_told_take(&p->told, PT_CLUSTER_TARGET, t, &e);
}

static void on_event(struct pt_pair *p, const struct pt_align_event *ev)
{
    struct pt_pair_result *sum = &p->sum;

    if (ev->early) {
        on_early(p, ev);
        return;
    }
    take_told(p, ev);
    switch (ev->kind) {
    case PT_ALIGN_MATCH:
        on_match(p, ev);
        break;
    case PT_ALIGN_MUTATED:
        on_mutated(p, ev);
        break;
    case PT_ALIGN_REORDERED:
        on_reordered(p, ev);
        break;
    case PT_ALIGN_MISSING:
        on_source_only(p, ev, PT_FINDING_RECORD_MISSING, &sum->missing);
        break;
    case PT_ALIGN_EXTRA:
        on_target_only(p, ev, PT_FINDING_RECORD_EXTRA, &sum->extra);
        break;
    case PT_ALIGN_DUPLICATED:
        on_target_only(p, ev, PT_FINDING_RECORD_DUPLICATED, &sum->duplicated);
        break;
    case PT_ALIGN_MISSING_OR_REORDERED:
        on_source_only(p, ev, PT_FINDING_RECORD_MISSING_OR_REORDERED, &sum->missing_or_reordered);
        break;
    case PT_ALIGN_AMBIGUOUS_SOURCE:
        on_source_only(p, ev, PT_FINDING_RECORD_COUNT_DIFFERS, &sum->ambiguous_source);
        break;
    case PT_ALIGN_AMBIGUOUS_TARGET:
        note_unsure(p, ev);
        on_target_only(p, ev, PT_FINDING_RECORD_COUNT_DIFFERS, &sum->ambiguous_target);
        break;
    case PT_ALIGN_UNVERIFIABLE_SOURCE:
        sum->unverifiable_source++;
        break;
    case PT_ALIGN_UNVERIFIABLE_TARGET:
        note_unsure(p, ev);
        sum->unverifiable_target++;
        break;
    case PT_ALIGN_PENDING_SOURCE:
        sum->pending_source++;
        /* Refused: it stays pending, whatever else is known. */
        pt_ranges_add(&p->pending, ev->source_offset, ev->source_offset + 1);
        break;
    case PT_ALIGN_PENDING_TARGET:
        sum->pending_target++;
        break;
    }
    /* Told, and not reported, or as something else. */
    p->env->findings->taken_back += p->told_open;
    p->told_open = 0;
}

/* Works off what was given, as far as it goes. */
static void run(struct pt_pair *p)
{
    struct pt_align_event ev;

    do {
        pt_align_run(p->align);
        while (pt_align_next(p->align, &ev))
            on_event(p, &ev);
    } while (!pt_align_idle(p->align));
}

/* Gives what one side has settled, as far as the alignment takes it; *ret_all: there is no more.
 * What it has no memory for is a gap, and stays without a verdict. Returns how many were settled.
 */
static size_t push(struct pt_pair *p, enum pt_cluster side, unsigned how, bool *ret_all)
{
    struct pt_item item[FEED_ITEMS];
    size_t total = 0;

    *ret_all = false;
    for (;;) {
        size_t room = pt_align_room(p->align, (enum pt_side)side);
        size_t cnt = 0;

        if (room > FEED_ITEMS)
            room = FEED_ITEMS;
        while (cnt < room && pt_log_next(p->log[side], how, &item[cnt]))
            cnt++;
        if (cnt && pt_align_push(p->align, (enum pt_side)side, item, cnt) < cnt)
            p->log[side]->gap = true;
        p->given[side] += cnt;
        total += cnt;
        if (cnt < room || !room) {
            *ret_all = cnt < room;
            return total;
        }
    }
}

void pt_pair_feed(struct pt_pair *p, unsigned how)
{
    size_t cnt = p->align != NULL;
    bool all;

    p->looked = false;
    while (cnt) {
        cnt = push(p, PT_CLUSTER_SOURCE, how, &all);
        cnt += push(p, PT_CLUSTER_TARGET, how, &all);
        run(p);
    }
    pt_pair_map_take_back(p);
}

void pt_pair_hurry(struct pt_pair *p)
{
    struct pt_align_event ev;

    if (p->hurried_ns == p->env->now_ns)
        return;
    p->hurried_ns = p->env->now_ns;
    pt_pair_feed(p, PT_SETTLE_RUNNING);
    if (!p->align)
        return;
    pt_align_hurry(p->align);
    while (pt_align_next(p->align, &ev))
        on_event(p, &ev);
}

/* The source's end does not count for a target that went on after it was stated. */
static enum pt_end ending(struct pt_pair *p, int side)
{
    enum pt_end end = pt_log_ending(p->log[side]);

    if (end == PT_END_COMPLETE && side == PT_CLUSTER_SOURCE &&
        !source_ended_before(p, pt_log_end(p->log[1]) - 1))
        return PT_END_STATED;
    return end;
}

/* Everything is settled and given; each log's end is told to the alignment as soon as it is
 * reached, because only then the other one can go on alone. */
static void feed_to_the_end(struct pt_pair *p)
{
    bool ended[PT_CLUSTER_CNT] = { false, false };
    int stuck = 0;

    while (stuck < 2 && !(ended[0] && ended[1])) {
        size_t cnt = 0;

        for (int side = 0; side < PT_CLUSTER_CNT; side++) {
            if (ended[side])
                continue;
            cnt += push(p, (enum pt_cluster)side, PT_SETTLE_ALL, &ended[side]);
            if (ended[side])
                pt_align_end(p->align, (enum pt_side)side, ending(p, side));
        }
        run(p);
        stuck = cnt ? 0 : stuck + 1; /* only without memory: what is left gets no verdict */
    }
}

void pt_pair_finish(struct pt_pair *p)
{
    struct pt_pair_result *sum = &p->sum;
    struct pt_item item;
    uint64_t verdicts[PT_CLUSTER_CNT];

    if (p->align)
        feed_to_the_end(p);
    for (int side = 0; side < PT_CLUSTER_CNT; side++)
        while (pt_log_next(p->log[side], PT_SETTLE_ALL, &item))
            p->given[side]++;
    pt_pair_map_take_back(p);
    sum->source_records = p->given[0] + p->log[0]->records_alone + p->log[0]->undecided;
    sum->target_records = p->given[1] + p->log[1]->records_alone + p->log[1]->undecided;
    sum->pending_source += p->log[0]->undecided;
    sum->pending_target += p->log[1]->undecided;
    verdicts[0] = sum->verified + sum->mutated + sum->reordered + sum->missing + sum->compacted +
                  sum->missing_or_reordered + sum->ambiguous_source + sum->unverifiable_source +
                  sum->pending_source;
    verdicts[1] = sum->verified + sum->mutated + sum->reordered + sum->extra + sum->duplicated +
                  sum->ambiguous_target + sum->unverifiable_target + sum->pending_target;
    /* Settled alone before there was a pair, or without memory to compare them. */
    sum->unverifiable_source += sum->source_records - verdicts[0];
    sum->unverifiable_target += sum->target_records - verdicts[1];
}

uint64_t pt_pair_withdraw(struct pt_pair *p)
{
    struct pt_pair_result *sum = &p->sum;
    uint64_t accused = sum->missing + sum->extra + sum->duplicated + sum->reordered + sum->mutated +
                       sum->missing_or_reordered + sum->ambiguous_source + sum->ambiguous_target;

    uint64_t total[PT_FINDING_CODE_CNT];

    if (!accused)
        return 0;
    /* Also of findings that were only counted. */
    memcpy(total, p->env->findings->total, sizeof(total));
    total[PT_FINDING_RECORD_MISSING] -= sum->missing;
    total[PT_FINDING_RECORD_EXTRA] -= sum->extra;
    total[PT_FINDING_RECORD_DUPLICATED] -= sum->duplicated;
    total[PT_FINDING_RECORD_REORDERED] -= sum->reordered;
    total[PT_FINDING_RECORD_MUTATED] -= sum->mutated;
    total[PT_FINDING_RECORD_MISSING_OR_REORDERED] -= sum->missing_or_reordered;
    total[PT_FINDING_RECORD_COUNT_DIFFERS] -= sum->ambiguous_source + sum->ambiguous_target;
    pt_findings_forget(p->env->findings, p);
    memcpy(p->env->findings->total, total, sizeof(total));
    sum->unverifiable_source += sum->missing + sum->reordered + sum->mutated +
                                sum->missing_or_reordered + sum->ambiguous_source;
    sum->unverifiable_target +=
            sum->extra + sum->duplicated + sum->reordered + sum->mutated + sum->ambiguous_target;
    sum->missing = sum->extra = sum->duplicated = sum->reordered = sum->mutated = 0;
    sum->missing_or_reordered = 0;
    sum->ambiguous_source = sum->ambiguous_target = 0;
    return accused;
}

/* When the newest record of any of the topic's partitions was first seen. */
static int64_t topic_grew_ns(const struct pt_topic *t)
{
    int64_t ns = INT64_MIN;

    for (size_t i = 0; i < t->part_cnt; i++)
        if (t->part[i].log && t->part[i].log->grew_ns > ns)
            ns = t->part[i].log->grew_ns;
    return ns;
}

/*
 * When is a record that is pending at the end really missing? A replicator that is merely slow, or
 * stopped, must not be accused, and one that skipped the last record of a partition must not get
 * away with it. All must hold:
 *  - the target's taps lost nothing and show all brokers that are known, so that whatever was
 * appended until their last packet was seen, and its log is certified from the last match to its
 * end, with nothing in it undecided or pending, and no record behind that match of which nothing
 * was found out;
 *  - replication went past the record: another one of the same source topic, of any partition, that
 * was written with it or later, has arrived;
 *  - replication is over: nothing was written to the topic, on either cluster, for far longer than
 * the lag of the last record that arrived in this pair. While anything is under way, nothing is
 * said.
 */
static bool is_overdue(const struct pt_pair *p, int64_t off, int64_t commit_ns)
{
    int64_t end_ns = p->env->tap_end_ns[PT_CLUSTER_TARGET];
    int64_t quiet_ns = PT_QUIET_MIN_NS;
    int64_t since_ns;

    if (end_ns == INT64_MIN || commit_ns == INT64_MAX || !p->sum.verified ||
        p->lag_ns > INT64_MAX / 4)
        return false;
    if (p->lag_ns * PT_QUIET_LAGS > quiet_ns)
        quiet_ns = p->lag_ns * PT_QUIET_LAGS;
    since_ns = topic_grew_ns(p->source_topic);
    if (commit_ns > since_ns)
        since_ns = commit_ns;
    return end_ns - since_ns >= quiet_ns &&
           end_ns - topic_grew_ns(p->source_topic->partner) >= PT_QUIET_MIN_NS &&
           p->source_topic->matched_ns >= pt_log_seen_ns(p->log[0], off, INT64_MAX);
}

static bool is_older(const struct pt_pair *p, int64_t time_ns, int64_t max_lag_ns)
{
    return time_ns < p->env->now_ns && p->env->now_ns - time_ns > max_lag_ns;
}

/* Source records whose transaction is open, or that nobody has committed, for too long. */
static uint64_t open_too_long(struct pt_pair *p, int64_t max_lag_ns)
{
    const struct pt_ranges *open = &p->log[0]->open;
    uint64_t cnt = 0;

    for (size_t i = 0; i < open->cnt; i++)
        for (int64_t off = open->r[i].from; off < open->r[i].to; off++)
            cnt += is_older(p, pt_log_seen_ns(p->log[0], off, INT64_MAX), max_lag_ns);
    return cnt;
}

uint64_t pt_pair_conclude(struct pt_pair *p, int64_t max_lag_ns)
{
    const struct pt_log *target = p->log[1];
    int64_t from = p->matched_end[1];
    bool target_certified =
            target->hw_max >= 0 && !p->sum.pending_target && p->unsure_end <= from &&
            !extra_incarnation(p, PT_CLUSTER_TARGET) &&
            (from >= target->hw_max || pt_ranges_until(&target->certified, from) >= target->hw_max);
    int64_t target_ns = p->env->seen_ns[PT_CLUSTER_TARGET];
    bool dark = target_ns == INT64_MIN || p->env->now_ns - target_ns > PT_DARK_NS;
    uint64_t stalled = open_too_long(p, max_lag_ns);

    p->looked = false;
    for (size_t i = 0; i < p->pending.cnt; i++) {
        for (int64_t off = p->pending.r[i].from; off < p->pending.r[i].to; off++) {
            int64_t commit_ns = pt_txn_commit_ns(p->log[0], off);

            if (looks_different(p->log[0], off)) {
                p->sum.pending_source--;
                p->sum.unverifiable_source++;
            } else if (target_certified && is_overdue(p, off, commit_ns)) {
                p->sum.pending_source--;
                if (pt_log_gone(p->log[0], off, INT64_MAX) != PT_GONE_NOT) {
                    p->sum.compacted++;
                } else if (may_have_been_gone(p, off, INT64_MAX)) {
                    on_maybe_compacted(p);
                } else {
                    p->sum.missing++;
                    report(p, PT_FINDING_RECORD_MISSING, off, -1, 0);
                }
            } else if (is_older(p, commit_ns, max_lag_ns)) {
                stalled++;
            } else if (commit_ns != INT64_MAX && (dark || commit_ns > target_ns)) {
                /* Nobody looked whether it came. */
                p->sum.pending_source--;
                p->sum.unverifiable_source++;
            }
        }
    }
    return stalled;
}

int64_t pt_pair_done(const struct pt_pair *p, enum pt_cluster side)
{
    return p->align ? pt_align_done(p->align, (enum pt_side)side) : 0;
}
