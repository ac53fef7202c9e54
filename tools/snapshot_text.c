/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/snapshot_text.h"

#include <inttypes.h>
#include <string.h>

#include "tools/report.h"

const char *pt_text_span(int64_t ns, char buf[PT_TEXT_MAX])
{
    int64_t sec = ns / 1000000000;

    if (ns < 0)
        snprintf(buf, PT_TEXT_MAX, "-");
    else if (sec < 1)
        snprintf(buf, PT_TEXT_MAX, "%" PRId64 " ms", ns / 1000000);
    else if (sec < 60)
        snprintf(buf, PT_TEXT_MAX, "%" PRId64 ".%" PRId64 " s", sec, ns / 100000000 % 10);
    else if (sec < 3600)
        snprintf(buf, PT_TEXT_MAX, "%" PRId64 "m %02" PRId64 "s", sec / 60, sec % 60);
    else
        snprintf(buf, PT_TEXT_MAX, "%" PRId64 "h %02" PRId64 "m", sec / 3600, sec / 60 % 60);
    return buf;
}

const char *pt_segment_place_text(const struct pt_text *t, const struct pt_segment_place *p,
                                  char *buf, size_t buf_sz)
{
    char safe[PT_SAFE_MAX];

    pt_text_safe(t, p->topic.s, safe);
    if (p->offset >= 0)
        snprintf(buf, buf_sz, "%s-%d @%" PRId64, safe, p->partition, p->offset);
    else
        snprintf(buf, buf_sz, "%s-%d", safe, p->partition);
    return buf;
}

void pt_snapshot_text_life(const struct pt_snapshot *s, struct pt_text *t)
{
    char program[PT_SAFE_MAX];
    char host[PT_SAFE_MAX];
    char age[PT_TEXT_MAX];

    pt_text_safe(t, s->id.program.s, program);
    pt_text_safe(t, s->id.host.s, host);
    pt_text_span(s->beat_age_ns, age);
    pt_text_put(t, "%s on %s, pid %u: ", program, host, s->id.pid);
    switch (s->life) {
    case PT_SEGMENT_ALIVE:
        pt_text_styled(t, PT_STYLE_GOOD, "%s", pt_segment_state_name(s->state));
        break;
    case PT_SEGMENT_STALE:
        pt_text_styled(t, PT_STYLE_WARN, "STALE");
        pt_text_put(t, " - no heartbeat for %s; this is its last state", age);
        break;
    case PT_SEGMENT_DEAD:
        pt_text_styled(t, PT_STYLE_BAD, "DEAD");
        pt_text_put(t, " - killed or crashed %s ago; this is its last state", age);
        break;
    case PT_SEGMENT_OVER:
        pt_text_put(t, "ended %s ago", age);
        break;
    }
    pt_text_end(t);
}

static void verdict(const struct pt_snapshot *s, struct pt_text *t)
{
    const struct pt_segment_run *run = &s->run;
    bool final = s->life == PT_SEGMENT_OVER;
    char safe[PT_SAFE_MAX];
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];
    char c[PT_TEXT_MAX];

    switch (run->verdict) {
    case PT_SEGMENT_PARITY:
        pt_text_styled(t, PT_STYLE_GOOD, "PARITY");
        break;
    case PT_SEGMENT_DIVERGENT:
        pt_text_styled(t, PT_STYLE_BAD, "DIVERGENT");
        break;
    case PT_SEGMENT_INCONCLUSIVE:
        pt_text_styled(t, PT_STYLE_WARN, "INCONCLUSIVE");
        break;
    default:
        pt_text_styled(t, PT_STYLE_WARN, "NO VERDICT YET");
    }
    pt_text_put(t, "%s  %s records verified, %s divergent; coverage %s.", final ? "" : " so far",
                pt_text_count(run->verified, a), pt_text_count(run->divergent, b),
                pt_text_percent(run->offsets_certified, run->offsets_observed, c));
    pt_text_end(t);
    if (run->note.s[0]) {
        pt_text_put(t, "  ");
        pt_text_wrap(t, 2);
        pt_text_words(t, pt_text_safe(t, run->note.s, safe));
        pt_text_end(t);
    }
}

static void taps(const struct pt_snapshot *s, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];

    pt_text_heading(t, "Taps");
    for (size_t i = 0; i < s->tap_cnt; i++) {
        const struct pt_segment_tap *tap = &s->taps[i];

        pt_text_put(t, "  %s: %s, %s packets, %s", pt_segment_role_name(tap->role),
                    pt_text_safe(t, tap->name.s, safe), pt_text_count(tap->packets, a),
                    pt_text_bytes(tap->bytes, b));
        if (tap->lost)
            pt_text_styled(t, PT_STYLE_BAD, ", %s lost", pt_text_count(tap->lost, a));
        if (tap->finished)
            pt_text_put(t, ", finished");
        pt_text_end(t);
    }
}

static void cores(const struct pt_snapshot *s, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    char a[PT_TEXT_MAX];

    if (!s->core_cnt)
        return;
    pt_text_heading(t, "Cores");
    for (size_t i = 0; i < s->core_cnt; i++) {
        const struct pt_segment_core *c = &s->cores[i];

        pt_text_put(t, "  %s", pt_text_safe(t, c->name.s, safe));
        if (c->cpu >= 0)
            pt_text_put(t, " (cpu %d)", c->cpu);
        if (c->busy_permille != UINT32_MAX)
            pt_text_put(t, ": %u %% busy", c->busy_permille / 10);
        pt_text_put(t, ", %s packets", pt_text_count(c->packets, a));
        pt_text_put(t, ", %s batches", pt_text_count(c->batches, a));
        pt_text_put(t, ", %s records", pt_text_count(c->records, a));
        if (c->shed || c->ladder_step)
            pt_text_styled(t, PT_STYLE_BAD, ", overload step %u, %s batches shed", c->ladder_step,
                           pt_text_count(c->shed, a));
        pt_text_end(t);
    }
}

static void clusters(const struct pt_snapshot *s, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    char a[PT_TEXT_MAX];

    if (!s->cluster_cnt)
        return;
    pt_text_heading(t, "Clusters");
    for (size_t i = 0; i < s->cluster_cnt; i++) {
        const struct pt_segment_cluster *c = &s->clusters[i];
        bool none = c->role == PT_SEGMENT_BOTH;

        pt_text_put(t, "  %s", none ? "unassigned" : pt_segment_role_name(c->role));
        if (c->cluster_id.s[0])
            pt_text_put(t, " (%s)", pt_text_safe(t, c->cluster_id.s, safe));
        if (!none)
            pt_text_put(t, ": %" PRIu64 " of %" PRIu64 " brokers seen", c->brokers_seen,
                        c->brokers);
        pt_text_put(t, "%s %s connections", none ? ":" : ",", pt_text_count(c->connections, a));
        if (c->opaque_connections)
            pt_text_put(t, ", %s encrypted", pt_text_count(c->opaque_connections, a));
        if (c->other_connections)
            pt_text_put(t, ", %s others", pt_text_count(c->other_connections, a));
        if (!none) {
            pt_text_put(t, ", %s logs", pt_text_count(c->logs, a));
            pt_text_put(t, ", %s records", pt_text_count(c->records, a));
        }
        pt_text_end(t);
    }
}

/* cell writes right-aligned; numbers of 0 are dim. */
static void cell(struct pt_text *t, uint64_t v, unsigned column, enum pt_style style)
{
    char buf[PT_TEXT_MAX];

    pt_text_count(v, buf);
    if (column > strlen(buf))
        pt_text_pad(t, column - (unsigned)strlen(buf));
    if (t->column && column <= t->column)
        pt_text_put(t, " ");
    pt_text_styled(t, v ? style : PT_STYLE_DIM, "%s", buf);
}

static void topic_row(struct pt_text *t, const char *name, const struct pt_topic_sums *sum)
{
    char buf[PT_TEXT_MAX];

    pt_text_put(t, "  %s", name);
    if (t->column > 30)
        pt_text_end(t);
    cell(t, sum->source_records, 42, PT_STYLE_BOLD);
    cell(t, sum->verified, 53, PT_STYLE_GOOD);
    cell(t, sum->divergent, 63, PT_STYLE_BAD);
    cell(t, sum->unseen, 71, PT_STYLE_WARN);
    cell(t, sum->lag_records, 79, PT_STYLE_WARN);
    pt_text_pad(t, 80);
    pt_text_put(t, "%9s", pt_text_span(sum->lag_ns, buf));
    pt_text_put(t, " %9s", pt_text_percent(sum->offsets_certified, sum->offsets_observed, buf));
    pt_text_end(t);
}

static void partition_row(struct pt_text *t, const struct pt_segment_pair *p)
{
    const struct pt_topic_sums sum = {
        .source_records = p->source_records,
        .verified = p->verified,
        .divergent = pt_segment_pair_divergent(p),
        .unseen = p->unseen_source + p->unseen_target,
        .lag_records = p->lag_records,
        .lag_ns = p->lag_ns,
        .offsets_certified = p->offsets_certified,
        .offsets_observed = p->offsets_observed,
    };
    char name[40];

    snprintf(name, sizeof(name), "  partition %d", p->source_partition);
    topic_row(t, name, &sum);
}

static void topics(const struct pt_snapshot *s, struct pt_text *t, bool all)
{
    char source[PT_SAFE_MAX];
    char target[PT_SAFE_MAX];
    char name[2 * PT_SAFE_MAX + 64];
    char buf[PT_TEXT_MAX];

    pt_text_heading(t, "Topics");
    if (!s->topic_cnt) {
        pt_text_put(t, "  no pair of logs yet");
        pt_text_end(t);
        return;
    }
    pt_text_styled(t, PT_STYLE_DIM, "  %-30s %9s %10s %9s %7s %7s %9s %9s", "topic (partitions)",
                   "source", "verified", "divergent", "unseen", "lag", "for", "coverage");
    pt_text_end(t);
    for (size_t i = 0; i < s->topic_cnt; i++) {
        const struct pt_topic_sums *sum = &s->topics[i];

        pt_text_safe(t, sum->first->source_topic.s, source);
        pt_text_safe(t, sum->first->target_topic.s, target);
        if (strcmp(source, target))
            snprintf(name, sizeof(name), "%s %s %s (%zu)", source, pt_text_arrow(t), target,
                     sum->partitions);
        else
            snprintf(name, sizeof(name), "%s (%zu)", source, sum->partitions);
        topic_row(t, name, sum);
        for (size_t k = 0; all && k < sum->partitions; k++)
            partition_row(t, &sum->first[k]);
    }
    if (s->pair_refused) {
        pt_text_put(t, "  and %s partitions for which the segment has no room (segment.pairs)",
                    pt_text_count(s->pair_refused, buf));
        pt_text_end(t);
    }
}

static void totals(const struct pt_snapshot *s, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];
    bool any = false;

    pt_text_heading(t, "Findings");
    pt_text_put(t, "  ");
    pt_text_wrap(t, 2);
    for (size_t i = 0; i < s->code_cnt; i++) {
        if (!s->codes[i].total)
            continue;
        pt_text_listed(t, "%s x %s", pt_text_safe(t, s->codes[i].name.s, safe),
                       pt_text_count(s->codes[i].total, buf));
        any = true;
    }
    if (!any)
        pt_text_put(t, "none");
    pt_text_end(t);
}

void pt_snapshot_text(const struct pt_snapshot *s, struct pt_text *t, bool all)
{
    char a[PT_TEXT_MAX];

    verdict(s, t);
    pt_snapshot_text_life(s, t);
    if (s->run.time_ns) {
        pt_text_put(t, "packet time %s", pt_text_time_ns(s->run.time_ns, a) ? a : "-");
        pt_text_end(t);
    }
    taps(s, t);
    cores(s, t);
    clusters(s, t);
    topics(s, t, all);
    totals(s, t);
}

static void evidence(const char *side, const struct pt_segment_reader *r,
                     const struct pt_segment_place *p, struct pt_text *t)
{
    struct pt_segment_tap tap;
    char safe[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];

    if (!(p->flags & PT_SEGMENT_PLACE_VALID) || !p->packet)
        return;
    pt_text_put(t, "      %s", side);
    pt_text_pad(t, 13);
    pt_text_wrap(t, 13);
    if (p->tap >= 0 && pt_segment_get_tap(r, (uint32_t)p->tap, &tap))
        pt_text_listed(t, "%s", pt_text_safe(t, tap.name.s, safe));
    pt_text_item(t, "packet %" PRIu64, p->packet);
    if (pt_text_time_ns(p->time_ns, buf))
        pt_text_listed(t, "at %s", buf);
    if (p->client_addr.s[0]) {
        pt_text_listed(t, "by \"%s\"", pt_text_safe(t, p->client_id.s, safe));
        pt_text_item(t, "%s", pt_text_safe(t, p->client_addr.s, safe));
    }
    pt_text_end(t);
}

static void parts(uint32_t mask, struct pt_text *t)
{
    static const char *const name[] = { "key", "value", "headers", "timestamp" };
    const char *between = "  differs in ";

    for (unsigned i = 0; i < 4; i++) {
        if (!(mask & 1u << i))
            continue;
        pt_text_put(t, "%s%s", between, name[i]);
        between = ", ";
    }
}

void pt_snapshot_text_finding(const struct pt_segment_reader *r, const struct pt_segment_finding *f,
                              struct pt_text *t)
{
    bool source = f->source.flags & PT_SEGMENT_PLACE_VALID;
    bool target = f->target.flags & PT_SEGMENT_PLACE_VALID;
    enum pt_style style = f->severity == PT_SEGMENT_DIVERGENCE ? PT_STYLE_BAD
                          : f->severity == PT_SEGMENT_WARNING  ? PT_STYLE_WARN
                                                               : PT_STYLE_BOLD;
    char where[PT_SAFE_MAX + 48];
    char safe[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];

    pt_text_put(t, "  ");
    pt_text_styled(t, style, "%s", pt_text_safe(t, f->code.s, safe));
    pt_text_put(t, "  ");
    if (source)
        pt_text_put(t, "%s", pt_segment_place_text(t, &f->source, where, sizeof(where)));
    if (source && target)
        pt_text_put(t, " %s ", pt_text_arrow(t));
    if (target)
        pt_text_put(t, "%s", pt_segment_place_text(t, &f->target, where, sizeof(where)));
    if (f->cnt > 1)
        pt_text_put(t, "  %s %s", pt_text_count(f->cnt, buf),
                    source || target ? "records" : "times");
    parts(f->parts, t);
    pt_text_end(t);
    /* About records the line above says it all. */
    if (strncmp(f->code.s, "RECORD_", 7) || (!source && !target)) {
        pt_text_pad(t, 6);
        pt_text_wrap(t, 6);
        pt_text_words(t, pt_text_safe(t, f->message.s, safe));
        pt_text_end(t);
    }
    evidence("source", r, &f->source, t);
    evidence("target", r, &f->target, t);
}
