/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/report_text.h"

#include <inttypes.h>
#include <string.h>

#include "parser/batch.h"
#include "tools/report_loss.h"
#include "tools/values.h"

/* Columns of the tables for names; a longer name has a line of its own. What a terminal is narrower
 * than PT_TEXT_COLUMNS, this column is. */
#define NAME_COLUMNS 30

struct sums {
    uint64_t source;
    uint64_t target;
    uint64_t verified;
    uint64_t missing;
    uint64_t extra;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t mutated;
    uint64_t ambiguous;
    uint64_t divergent;
    uint64_t compacted;
    uint64_t unverifiable;
    uint64_t pending;
    uint64_t unseen;
    uint64_t unseen_why[PT_LOST_REASON_CNT];
    uint64_t certified;
    uint64_t observed;
};

static void add(struct sums *s, const struct pt_pair_result *p)
{
    s->source += p->source_records;
    s->target += p->target_records;
    s->verified += p->verified;
    s->missing += p->missing;
    s->extra += p->extra;
    s->duplicated += p->duplicated;
    s->reordered += p->reordered;
    s->mutated += p->mutated;
    s->ambiguous += pt_pair_ambiguous(p);
    s->divergent += pt_pair_divergent(p);
    s->compacted += p->compacted;
    s->unverifiable += pt_pair_unverifiable(p);
    s->pending += pt_pair_pending(p);
    s->unseen += p->unseen_source + p->unseen_target;
    for (size_t k = 0; k < PT_LOST_REASON_CNT; k++)
        s->unseen_why[k] += p->unseen[k];
    s->certified += p->offsets_certified;
    s->observed += p->offsets_observed;
}

static const char *plural(uint64_t cnt)
{
    return cnt == 1 ? "" : "s";
}

static bool same_topic(const struct pt_pair_result *a, const struct pt_pair_result *b)
{
    return !strcmp(a->source.topic, b->source.topic) && !strcmp(a->target.topic, b->target.topic);
}

/* right_edge turns a column of a page of PT_TEXT_COLUMNS into the one of this page. */
static unsigned right_edge(const struct pt_text *t, unsigned column)
{
    return column - (PT_TEXT_COLUMNS - t->columns);
}

/* cell writes a right-aligned number that ends at `column`; zeros are dim, so that the eye finds
   the rest. */
static void cell(struct pt_text *t, uint64_t v, unsigned column, enum pt_style style)
{
    char buf[PT_TEXT_MAX];

    column = right_edge(t, column);
    pt_text_count(v, buf);
    if (column > strlen(buf))
        pt_text_pad(t, column - (unsigned)strlen(buf));
    if (t->column && column <= t->column)
        pt_text_put(t, " ");
    pt_text_styled(t, v ? style : PT_STYLE_DIM, "%s", buf);
}

static void cell_text(struct pt_text *t, const char *s, unsigned column)
{
    column = right_edge(t, column);
    pt_text_pad(t, column - (unsigned)strlen(s));
    pt_text_put(t, "%s", s);
}

/* A column and where it ends. */
struct table_column {
    unsigned end;
    const char *name;
};

static const struct table_column topic_columns[] = {
    { 40, "source" }, { 50, "target" },  { 60, "verified" }, { 70, "divergent" },
    { 79, "unseen" }, { 88, "pending" }, { 98, "coverage" },
};

static const struct table_column log_columns[] = {
    { 43, "first" },   { 56, "last" },    { 66, "records" },
    { 75, "control" }, { 84, "aborted" }, { 93, "unseen" },
};

static void table_head(struct pt_text *t, const char *name, const struct table_column *column,
                       size_t cnt)
{
    pt_text_put(t, "  ");
    pt_text_styled(t, PT_STYLE_DIM, "%s", name);
    for (size_t i = 0; i < cnt; i++) {
        pt_text_pad(t, right_edge(t, column[i].end) - (unsigned)strlen(column[i].name));
        pt_text_styled(t, PT_STYLE_DIM, "%s", column[i].name);
    }
    pt_text_end(t);
}

static void detail(struct pt_text *t, uint64_t cnt, const char *what)
{
    char buf[PT_TEXT_MAX];

    if (cnt)
        pt_text_listed(t, "%s %s", pt_text_count(cnt, buf), what);
}

/* The line below a topic: only what is not zero. */
static void topic_details(const struct sums *s, struct pt_text *t)
{
    char buf[PT_TEXT_MAX];

    if (s->divergent) {
        pt_text_put(t, "    divergent:");
        pt_text_wrap(t, 6);
        detail(t, s->missing, "missing");
        detail(t, s->extra, "extra");
        detail(t, s->duplicated, "duplicated");
        detail(t, s->reordered, "reordered");
        detail(t, s->mutated, "mutated");
        detail(t, s->ambiguous, "ambiguous (proven different, not nameable)");
        pt_text_end(t);
    }
    if (s->unseen) {
        pt_text_put(t, "    unseen:");
        pt_text_wrap(t, 6);
        for (unsigned k = 0; k < PT_LOST_REASON_CNT; k++) {
            if (s->unseen_why[k])
                pt_text_listed(t, "%s %s (%s)", pt_text_count(s->unseen_why[k], buf),
                               pt_lost_reason_name(k), pt_lost_reason_help(k));
        }
        pt_text_end(t);
    }
    if (s->unverifiable) {
        pt_text_put(t, "    unverifiable:");
        pt_text_wrap(t, 6);
        pt_text_listed(t, "%s not seen on the other side", pt_text_count(s->unverifiable, buf));
        pt_text_listed(t, "written anew");
        pt_text_listed(t, "or maybe compacted away");
        pt_text_end(t);
    }
    if (s->compacted) {
        pt_text_put(t, "    compacted: %s, lawfully gone from the source before they were copied",
                    pt_text_count(s->compacted, buf));
        pt_text_end(t);
    }
}

static void topic_row(struct pt_text *t, const char *name, const struct sums *s)
{
    char buf[PT_TEXT_MAX];

    pt_text_put(t, "  %s", name);
    if (t->column > right_edge(t, NAME_COLUMNS))
        pt_text_end(t);
    cell(t, s->source, 40, PT_STYLE_BOLD);
    cell(t, s->target, 50, PT_STYLE_BOLD);
    cell(t, s->verified, 60, PT_STYLE_GOOD);
    cell(t, s->divergent, 70, PT_STYLE_BAD);
    cell(t, s->unseen, 79, PT_STYLE_WARN);
    cell(t, s->pending, 88, PT_STYLE_WARN);
    cell_text(t, pt_text_percent(s->certified, s->observed, buf), 98);
    pt_text_end(t);
}

static void topic_name(const struct pt_text *t, const struct pt_pair_result *p, size_t partitions,
                       char *buf, size_t buf_sz)
{
    char source[PT_SAFE_MAX];
    char target[PT_SAFE_MAX];

    pt_text_safe(t, p->source.topic, source);
    pt_text_safe(t, p->target.topic, target);
    if (strcmp(source, target))
        snprintf(buf, buf_sz, "%s %s %s (%zu, %s)", source, pt_text_arrow(t), target, partitions,
                 pt_pair_rule_name(p->rule));
    else
        snprintf(buf, buf_sz, "%s (%zu)", source, partitions);
}

void pt_report_text_topics(const struct pt_report *r, struct pt_text *t)
{
    const struct pt_result *res = r->result;
    struct sums all = { 0 };
    char name[2 * PT_SAFE_MAX + 64];
    size_t topics = 0;
    size_t next;

    pt_text_heading(t, "Topics (partitions): records certified on each side, what became of them");
    if (!res->pair_cnt) {
        pt_text_put(t, "  No topic of the source was found on the target.");
        pt_text_end(t);
        return;
    }
    table_head(t, "topic", topic_columns, sizeof(topic_columns) / sizeof(topic_columns[0]));
    for (size_t i = 0; i < res->pair_cnt; i = next) {
        struct sums topic = { 0 };

        for (next = i; next < res->pair_cnt && same_topic(&res->pairs[i], &res->pairs[next]);
             next++) {
            add(&topic, &res->pairs[next]);
            add(&all, &res->pairs[next]);
        }
        topic_name(t, &res->pairs[i], next - i, name, sizeof(name));
        topic_row(t, name, &topic);
        topic_details(&topic, t);
        topics++;
    }
    if (topics > 1)
        topic_row(t, "all", &all);
}

void pt_report_text_logs(const struct pt_report *r, struct pt_text *t)
{
    const struct pt_result *res = r->result;
    char safe[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];

    pt_text_heading(t, "Logs");
    if (!res->log_cnt) {
        pt_text_put(t, "  none");
        pt_text_end(t);
        return;
    }
    table_head(t, "topic-partition", log_columns, sizeof(log_columns) / sizeof(log_columns[0]));
    for (size_t i = 0; i < res->log_cnt; i++) {
        const struct pt_log_result *log = &res->logs[i];

        pt_text_safe(t, log->name.topic[0] ? log->name.topic : "(unnamed topic id)", safe);
        pt_text_put(t, "  %s-%d", safe, log->name.partition);
        if (t->column > right_edge(t, NAME_COLUMNS))
            pt_text_end(t);
        pt_text_pad(t, right_edge(t, NAME_COLUMNS));
        if (log->first_offset >= 0)
            pt_text_put(t, " %12" PRId64 " %12" PRId64, log->first_offset, log->last_offset);
        else
            pt_text_put(t, " %12s %12s", "-", "-");
        cell(t, log->records, 66, PT_STYLE_BOLD);
        cell(t, log->control, 75, PT_STYLE_DIM);
        cell(t, log->aborted, 84, PT_STYLE_DIM);
        cell(t, log->unseen, 93, PT_STYLE_WARN);
        pt_text_end(t);
        if (log->undecided) {
            pt_text_put(t, "    undecided: %s, of open transactions or above the high watermark",
                        pt_text_count(log->undecided, buf));
            pt_text_end(t);
        }
        for (size_t k = 0; k < log->batch_row_cnt; k++) {
            const struct pt_batch_row *b = &log->batches[k];

            pt_text_put(t, "    %s: magic %u, %s, %s batch%s", b->produce ? "produce" : "fetch",
                        b->magic, pt_codec_name(b->codec), pt_text_count(b->batches, buf),
                        b->batches == 1 ? "" : "es");
            pt_text_put(t, ", %s record%s", pt_text_count(b->records, buf), plural(b->records));
            if (b->crc_bad) {
                pt_text_put(t, ", ");
                pt_text_styled(t, PT_STYLE_BAD, "%s with a wrong checksum",
                               pt_text_count(b->crc_bad, buf));
            }
            pt_text_end(t);
        }
    }
}

void pt_report_text(const struct pt_report *r, const struct pt_report_text_cfg *cfg, FILE *f)
{
    struct pt_text t;

    pt_text_init(&t, f, cfg->colour);
    pt_report_text_verdict(r, &t);
    if (cfg->verdict_only)
        return;
    if (r->single)
        pt_report_text_logs(r, &t);
    else
        pt_report_text_topics(r, &t);
    pt_report_text_clusters(r, &t, cfg->all);
    pt_report_text_findings(r, &t, cfg->all);
    pt_report_text_not_looked_at(r, &t);
    pt_report_loss_text(r, &t);
    pt_report_text_books(r, &t);
}
