/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/judge.h"

#include <inttypes.h>
#include <string.h>

#include "verify/align.h"

#define BIT(kind) (1u << (kind))
#define DISPLACED (BIT(TWO_SWAP) | BIT(TWO_MOVE))
#define GONE (BIT(TWO_DROP) | BIT(TWO_REPLACE))

/* What is claimed of each record: one more than the finding's code, 0 none. */
struct claims {
    uint8_t code[2][TWO_LOGS_MAX];
    uint8_t matched[2][TWO_LOGS_MAX];
    uint32_t faulted; /* claims where contents repeat */
};

struct court {
    const struct two_logs *l;
    const struct judge_log *log;
    struct claims *claims;
    struct judged *sum;
    FILE *out;
};

static const struct two_record *record_at(const struct two_logs *l, const struct judge_log *log,
                                          int side, int64_t offset)
{
    int64_t i = offset - log[side].base;

    if (i < 0 || i >= (int64_t)l->cnt[side] || !log[side].seen[i] || l->rec[side][i].control)
        return NULL;
    return &l->rec[side][i];
}

static bool is_copy_of(const struct two_logs *l, const struct two_record *s,
                       const struct two_record *t)
{
    return t->origin == (uint32_t)(s - l->rec[0]) && !t->changed;
}

/* Copies that the target had when it was looked at last. */
static uint32_t copies_of(const struct two_logs *l, const struct judge_log log[2],
                          const struct two_record *s)
{
    uint32_t cnt = l->copies[s - l->rec[0]];

    for (uint32_t j = log[1].known; cnt && j < l->cnt[1]; j++)
        cnt -= is_copy_of(l, s, &l->rec[1][j]);
    return cnt;
}

/* More than one fault is near: a record that was changed beside another fault may lawfully be
 * compared with something else. */
static bool several_near(const struct two_record *r)
{
    return r->near & (r->near - 1u);
}

static bool mutated_rightly(const struct two_logs *l, const struct judge_log log[2],
                            const struct pt_finding *f, const struct two_record *s,
                            const struct two_record *t)
{
    if (!s || !t || copies_of(l, log, s))
        return false;
    if (t->origin == (uint32_t)(s - l->rec[0]))
        return t->changed == f->parts;
    return (t->origin == TWO_LOGS_NONE || t->changed) && (several_near(s) || several_near(t));
}

/* One that was moved passed it, or it is that one. */
static bool is_passed(const struct two_logs *l, const struct two_record *s)
{
    uint32_t i = (uint32_t)(s - l->rec[0]);

    for (uint32_t f = 0; f < l->fault_cnt; f++)
        if ((l->fault[f].kind == TWO_MOVE || l->fault[f].kind == TWO_SWAP) &&
            l->fault[f].at[0] <= i && i < l->fault[f].end[0])
            return true;
    return false;
}

static bool copy_is_seen(const struct two_logs *l, const struct judge_log log[2],
                         const struct two_record *s)
{
    for (uint32_t j = 0; j < l->cnt[1]; j++)
        if (is_copy_of(l, s, &l->rec[1][j]) && log[1].seen[j])
            return true;
    return false;
}

/* One is gone among those in front of it whose copies nobody saw: which one of them, only the
 * number of the unseen offsets tells, that is, not at all. */
static bool one_is_gone(const struct two_logs *l, const struct judge_log log[2],
                        const struct two_record *s)
{
    for (; s >= l->rec[0]; s--) {
        if (s->control || (s->near & DISPLACED))
            continue;
        if (!copies_of(l, log, s))
            return true;
        if (copy_is_seen(l, log, s))
            return false;
    }
    return false;
}

/* Without a key and without a time of its own nothing says what a record with another value was. */
static bool is_unlike(const struct two_logs *l, const struct two_record *r)
{
    return !l->cfg.keys && l->cfg.times == TWO_TIMES_APPEND && (r->near & BIT(TWO_MUTATE));
}

/* Records can be told apart. */
static bool is_true_named(const struct two_logs *l, const struct judge_log log[2],
                          const struct pt_finding *f, const struct two_record *s,
                          const struct two_record *t)
{
    bool lost = s && !copies_of(l, log, s);
    bool not_yet = lost && l->copies[s - l->rec[0]]; /* moved to where nobody looked any more */
    bool strange = t && (t->origin == TWO_LOGS_NONE || t->changed);
    bool surplus = t && !strange && l->copies[t->origin] > 1;

    switch (f->code) {
    case PT_FINDING_RECORD_MISSING:
        return lost && ((s->near & GONE) || not_yet || several_near(s) || is_unlike(l, s));
    case PT_FINDING_RECORD_EXTRA:
        return strange && (!t->changed || several_near(t) || is_unlike(l, t) ||
                           (t->near & (BIT(TWO_DOUBLE) | BIT(TWO_REPLAY))));
    case PT_FINDING_RECORD_DUPLICATED:
        return surplus;
    case PT_FINDING_RECORD_REORDERED:
        return s && t && is_copy_of(l, s, t) &&
               (((s->near | t->near) & DISPLACED) || is_passed(l, s));
    case PT_FINDING_RECORD_MUTATED:
        return mutated_rightly(l, log, f, s, t);
    case PT_FINDING_RECORD_MISSING_OR_REORDERED:
        return s && (lost || (s->near & DISPLACED));
    case PT_FINDING_RECORD_COUNT_DIFFERS:
        if (s)
            return lost || (s->near & DISPLACED) || copies_of(l, log, s) > 1 ||
                   one_is_gone(l, log, s);
        return t && (strange || surplus || (t->near & DISPLACED));
    default:
        return false;
    }
}

static bool is_true(const struct two_logs *l, const struct judge_log log[2],
                    const struct pt_finding *f, const struct two_record *s,
                    const struct two_record *t)
{
    if ((f->source.valid && !s) || (f->target.valid && !t) || (!s && !t))
        return false;
    if (f->code < PT_FINDING_RECORD_MISSING || f->code > PT_FINDING_RECORD_COUNT_DIFFERS)
        return false;
    if (two_logs_named(l))
        return is_true_named(l, log, f, s, t);
    if (l->cfg.contents == TWO_ONE || l->cfg.contents == TWO_PERIODIC)
        return l->fault_cnt > 0;
    return (s && s->near) || (t && t->near);
}

bool judge_finding(const struct two_logs *l, const struct judge_log log[2],
                   const struct pt_finding *f)
{
    for (int64_t k = 0; k < (int64_t)f->cnt; k++)
        if (!is_true(l, log, f, f->source.valid ? record_at(l, log, 0, f->source.offset + k) : NULL,
                     f->target.valid ? record_at(l, log, 1, f->target.offset + k) : NULL))
            return false;
    return true;
}

static void tell_false(const struct court *c, const struct pt_finding *f, int64_t k)
{
    if (!c->out)
        return;
    fprintf(c->out, "  false %s:", pt_finding_code_name(f->code));
    for (int side = 0; side < 2; side++) {
        const struct pt_place *pl = side ? &f->target : &f->source;
        const struct two_record *r =
                pl->valid ? record_at(c->l, c->log, side, pl->offset + k) : NULL;

        if (!pl->valid)
            continue;
        fprintf(c->out, " %s %" PRId64, side ? "target" : "source", pl->offset + k);
        if (r)
            fprintf(c->out, " (origin %d changed %u near %02x copies %u)", (int)r->origin,
                    r->changed, r->near, r->origin == TWO_LOGS_NONE ? 0 : c->l->copies[r->origin]);
    }
    fprintf(c->out, "\n");
}

static void judge_findings(const struct court *c, const struct pt_result *r)
{
    for (size_t i = 0; i < r->finding_cnt; i++) {
        const struct pt_finding *f = &r->findings[i];

        if (pt_finding_severity(f->code) != PT_SEV_DIVERGENCE)
            continue;
        for (int64_t k = 0; k < (int64_t)f->cnt; k++) {
            const struct two_record *s =
                    f->source.valid ? record_at(c->l, c->log, 0, f->source.offset + k) : NULL;
            const struct two_record *t =
                    f->target.valid ? record_at(c->l, c->log, 1, f->target.offset + k) : NULL;

            if (s)
                c->claims->code[0][s - c->l->rec[0]] = (uint8_t)(f->code + 1);
            if (t)
                c->claims->code[1][t - c->l->rec[1]] = (uint8_t)(f->code + 1);
            c->claims->faulted++;
            if (is_true(c->l, c->log, f, s, t))
                continue;
            c->sum->false_divergences++;
            tell_false(c, f, k);
        }
    }
}

/* No more is different than was made different: a longest common subsequence cannot be shorter than
 * the one that the faults left. */
static void judge_count(const struct court *c)
{
    uint64_t made = 0;

    for (uint32_t f = 0; f < c->l->fault_cnt; f++) {
        const struct two_fault *e = &c->l->fault[f];
        uint64_t cnt = e->end[1] - e->at[1];

        if (e->kind == TWO_DROP)
            cnt = e->end[0] - e->at[0];
        else if (e->kind != TWO_EXTRA && e->kind != TWO_REPLAY)
            cnt = 2;
        made += cnt;
    }
    if (c->claims->faulted <= made)
        return;
    c->sum->false_divergences += c->claims->faulted - made;
    if (c->out)
        fprintf(c->out, "  %u differences of %" PRIu64 " that were made\n", c->claims->faulted,
                made);
}

static bool match_is_true(const struct court *c, const struct two_record *s,
                          const struct two_record *t)
{
    bool append = c->l->cfg.times == TWO_TIMES_APPEND;

    if (s->content != t->content || (!append && s->timestamp_ms != t->timestamp_ms))
        return false;
    if (is_copy_of(c->l, s, t))
        return true;
    if (two_logs_named(c->l))
        return false;
    /* Where a sequence goes on like itself wherever it is cut, two faults may cancel out. */
    if (c->l->cfg.contents == TWO_ONE || c->l->cfg.contents == TWO_PERIODIC)
        return c->l->fault_cnt > 0;
    return s->near || t->near;
}

static void judge_matches(const struct court *c, const struct pt_pair_result *p)
{
    for (size_t i = 0; i < p->map_cnt; i++)
        for (int64_t k = 0; k < (int64_t)p->map[i].cnt; k++) {
            int64_t s_off = p->map[i].source_from + k;
            int64_t t_off = p->map[i].target_from + k;
            const struct two_record *s = record_at(c->l, c->log, 0, s_off);
            const struct two_record *t = record_at(c->l, c->log, 1, t_off);

            if (s && t && match_is_true(c, s, t) && !c->claims->matched[0][s - c->l->rec[0]]++ &&
                !c->claims->matched[1][t - c->l->rec[1]]++)
                continue;
            c->sum->false_matches++;
            if (c->out)
                fprintf(c->out,
                        "  false match: source %" PRId64 " target %" PRId64
                        " (%d and %d, of origin %d)\n",
                        s_off, t_off, (int)(s_off - c->log[0].base), (int)(t_off - c->log[1].base),
                        t ? (int)t->origin : -2);
        }
}

static uint64_t seen_records(const struct court *c, int side)
{
    uint64_t cnt = 0;

    for (uint32_t i = 0; i < c->l->cnt[side]; i++)
        cnt += c->log[side].seen[i] && !c->l->rec[side][i].control;
    return cnt;
}

/* Certified and unseen offsets, of the interval from the first to the last certified one. */
static void intervals(const struct court *c, uint64_t certified[2], uint64_t unseen[2])
{
    for (int side = 0; side < 2; side++) {
        uint64_t hole = 0;

        certified[side] = unseen[side] = 0;
        for (uint32_t i = 0; i < c->l->cnt[side]; i++) {
            if (!c->log[side].seen[i]) {
                hole += certified[side] > 0;
                continue;
            }
            certified[side]++;
            unseen[side] += hole;
            hole = 0;
        }
    }
}

static void expect(const struct court *c, const char *what, uint64_t got, uint64_t want)
{
    if (got == want)
        return;
    c->sum->wrong_sums++;
    if (c->out)
        fprintf(c->out, "  %s: report says %" PRIu64 ", truth is %" PRIu64 "\n", what, got, want);
}

static void judge_sums(const struct court *c, const struct pt_result *r,
                       const struct pt_pair_result *p)
{
    uint64_t certified[2];
    uint64_t unseen[2];
    uint64_t by_code[PT_FINDING_CODE_CNT] = { 0 };
    bool divergent = false;

    intervals(c, certified, unseen);
    for (size_t i = 0; i < r->finding_cnt; i++) {
        by_code[r->findings[i].code] += r->findings[i].cnt;
        divergent |= pt_finding_severity(r->findings[i].code) == PT_SEV_DIVERGENCE;
    }
    expect(c, "source_records", p->source_records, seen_records(c, 0));
    expect(c, "target_records", p->target_records, seen_records(c, 1));
    expect(c, "unseen_source", p->unseen_source, unseen[0]);
    expect(c, "unseen_target", p->unseen_target, unseen[1]);
    expect(c, "offsets_certified", p->offsets_certified, certified[0] + certified[1]);
    expect(c, "parts of source_records",
           p->verified + p->mutated + p->reordered + p->missing + p->compacted +
                   p->missing_or_reordered + p->ambiguous_source + p->unverifiable_source +
                   p->pending_source,
           p->source_records);
    expect(c, "parts of target_records",
           p->verified + p->mutated + p->reordered + p->extra + p->duplicated +
                   p->ambiguous_target + p->unverifiable_target + p->pending_target,
           p->target_records);
    expect(c, "findings of missing", by_code[PT_FINDING_RECORD_MISSING], p->missing);
    expect(c, "findings of extra", by_code[PT_FINDING_RECORD_EXTRA], p->extra);
    expect(c, "findings of duplicated", by_code[PT_FINDING_RECORD_DUPLICATED], p->duplicated);
    expect(c, "findings of reordered", by_code[PT_FINDING_RECORD_REORDERED], p->reordered);
    expect(c, "findings of mutated", by_code[PT_FINDING_RECORD_MUTATED], p->mutated);
    expect(c, "divergent", r->verdict == PT_VERDICT_DIVERGENT, divergent);
}

/* --- what should have been found --- */

/* [at-2, end+2) is seen on both sides, and nothing else happened there. */
static bool is_certified(const struct court *c, const struct two_fault *f)
{
    for (int side = 0; side < 2; side++) {
        if (f->at[side] < 2 || f->end[side] + 2 > c->l->cnt[side])
            return false;
        for (uint32_t i = f->at[side] - 2; i < f->end[side] + 2; i++)
            if (!c->log[side].seen[i] || (c->l->rec[side][i].near & ~BIT(f->kind)))
                return false;
    }
    return true;
}

static uint32_t claims_in(const struct court *c, const struct two_fault *f, int side,
                          enum pt_finding_code code)
{
    uint32_t cnt = 0;

    for (uint32_t i = f->at[side]; i < f->end[side]; i++) {
        uint8_t said = c->claims->code[side][i];

        cnt += said && (code == PT_FINDING_CODE_CNT || said == code + 1u);
    }
    return cnt;
}

static uint32_t records_in(const struct court *c, const struct two_fault *f, int side)
{
    uint32_t cnt = 0;

    for (uint32_t i = f->at[side]; i < f->end[side]; i++)
        cnt += !c->l->rec[side][i].control;
    return cnt;
}

/* How many records of it a report must name, and by what. */
static bool is_named(const struct court *c, const struct two_fault *f, bool exact)
{
    static const struct {
        int side;
        enum pt_finding_code code;
    } what[TWO_FAULT_KIND_CNT] = {
        [TWO_DROP] = { 0, PT_FINDING_RECORD_MISSING },
        [TWO_MUTATE] = { 0, PT_FINDING_RECORD_MUTATED },
        [TWO_EXTRA] = { 1, PT_FINDING_RECORD_EXTRA },
        [TWO_DOUBLE] = { 1, PT_FINDING_RECORD_DUPLICATED },
        [TWO_REPLAY] = { 1, PT_FINDING_RECORD_DUPLICATED },
        [TWO_SWAP] = { 0, PT_FINDING_RECORD_REORDERED },
        [TWO_MOVE] = { 0, PT_FINDING_RECORD_REORDERED },
        [TWO_REPLACE] = { 0, PT_FINDING_RECORD_MISSING },
    };
    int side = what[f->kind].side;
    struct two_fault where = *f;
    uint32_t need = records_in(c, f, side);

    if (f->kind == TWO_REPLAY) {
        need /= 2;
    } else if (f->kind == TWO_SWAP || f->kind == TWO_MOVE || f->kind == TWO_DOUBLE) {
        where.end[0] += 2;
        need = 1;
    }
    return claims_in(c, &where, side, exact ? what[f->kind].code : PT_FINDING_CODE_CNT) >= need;
}

static void judge_recall(const struct court *c, const struct pt_pair_result *p)
{
    static uint8_t found[TWO_LOGS_MAX];

    memset(found, 0, c->l->cnt[0]);
    for (uint32_t j = 0; j < c->l->cnt[1]; j++) {
        const struct two_record *t = &c->l->rec[1][j];

        if (c->log[1].seen[j] && t->origin != TWO_LOGS_NONE && !t->changed)
            found[t->origin] = 1;
    }
    for (uint32_t i = 0; i < c->l->cnt[0]; i++)
        c->sum->comparable[two_logs_named(c->l)] += c->log[0].seen[i] && found[i];
    c->sum->verified[two_logs_named(c->l)] += p->verified;
    for (uint32_t i = 0; i < c->l->fault_cnt && two_logs_named(c->l); i++) {
        const struct two_fault *f = &c->l->fault[i];
        bool named;
        bool exact;

        if (!is_certified(c, f))
            continue;
        named = is_named(c, f, false);
        exact = is_named(c, f, true);
        c->sum->faults++;
        c->sum->named += named;
        c->sum->exact += exact;
        c->sum->by_kind[f->kind][0]++;
        c->sum->by_kind[f->kind][1] += named;
        c->sum->by_kind[f->kind][2] += exact;
    }
}

bool judge_report(const struct two_logs *l, const struct judge_log log[2],
                  const struct pt_result *r, struct judged *sum, FILE *out)
{
    static struct claims claims;
    static const struct pt_pair_result none;
    struct court c = { .l = l, .log = log, .claims = &claims, .sum = sum, .out = out };
    const struct pt_pair_result *p = r->pair_cnt ? &r->pairs[0] : &none;
    uint64_t wrong = sum->false_divergences + sum->false_matches + sum->wrong_sums;

    for (int side = 0; side < 2; side++) {
        memset(claims.code[side], 0, l->cnt[side]);
        memset(claims.matched[side], 0, l->cnt[side]);
        sum->records += seen_records(&c, side);
    }
    claims.faulted = 0;
    judge_findings(&c, r);
    judge_count(&c);
    judge_matches(&c, p);
    judge_sums(&c, r, p);
    judge_recall(&c, p);
    return wrong == sum->false_divergences + sum->false_matches + sum->wrong_sums;
}
