/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/top_view.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tools/snapshot_text.h"

#define PLAIN PT_SCREEN_PLAIN
#define STYLE(name) (1u + PT_STYLE_##name)

enum section { TAPS, CORES, CLUSTERS, TOPICS, FINDINGS, SECTION_CNT };

/* Rows above and below the sections. */
#define HEAD_ROWS 2u
#define FOOT_ROWS 1u

#define SPARE_MAX 60u

/* spare is what the terminal has beyond 80 columns: the names get it, all numbers move right. */
static unsigned spare(const struct pt_screen *s)
{
    unsigned more = s->columns > 80 ? s->columns - 80 : 0;

    return more < SPARE_MAX ? more : SPARE_MAX;
}

/* A text for showing: harmless and ASCII. */
static const char *safe(const char *s, char buf[PT_SAFE_MAX])
{
    const struct pt_text ascii = { .utf8 = false };

    return pt_text_safe(&ascii, s, buf);
}

/* rate is per second between the snapshots; false if there is none to be had. */
static bool rate(const struct pt_top *top, uint64_t now, uint64_t before, double *ret)
{
    int64_t ns = top->before ? top->now->taken_ns - top->before->taken_ns : 0;

    if (ns <= 0 || now < before)
        return false;
    *ret = (double)(now - before) * 1e9 / (double)ns;
    return true;
}

/* put_rate: when nobody writes any more, the last count instead. */
static void put_rate(const struct pt_top *top, struct pt_screen *s, unsigned row, unsigned end,
                     uint64_t now, const uint64_t *before, bool bytes)
{
    char buf[PT_TEXT_MAX];
    bool gone = top->now->life == PT_SEGMENT_DEAD || top->now->life == PT_SEGMENT_OVER;
    double v;

    if (gone)
        pt_screen_right(s, row, end, PLAIN, "%s",
                        bytes ? pt_text_bytes(now, buf) : pt_text_count(now, buf));
    else if (!before || !rate(top, now, *before, &v))
        pt_screen_right(s, row, end, STYLE(DIM), "-");
    else if (bytes)
        pt_screen_right(s, row, end, PLAIN, "%s/s", pt_text_bytes((uint64_t)v, buf));
    else
        pt_screen_right(s, row, end, PLAIN, "%s/s", pt_text_count((uint64_t)v, buf));
}

static void put_count(struct pt_screen *s, unsigned row, unsigned end, uint64_t v, unsigned style)
{
    char buf[PT_TEXT_MAX];

    pt_screen_right(s, row, end, v ? style : STYLE(DIM), "%s", pt_text_count(v, buf));
}

static void draw_verdict(const struct pt_top *top, struct pt_screen *s)
{
    static const struct {
        const char *text;
        unsigned style;
    } of[] = { { "NO VERDICT YET", STYLE(WARN) },
               { "PARITY", STYLE(GOOD) },
               { "DIVERGENT", STYLE(BAD) },
               { "INCONCLUSIVE", STYLE(WARN) } };
    const struct pt_segment_run *run = &top->now->run;
    uint32_t v = run->verdict < sizeof(of) / sizeof(of[0]) ? run->verdict : 0;
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];
    unsigned at = pt_screen_put(s, 0, 0, of[v].style, "%s", of[v].text);

    if (v && top->now->life != PT_SEGMENT_OVER)
        at = pt_screen_put(s, 0, at, PLAIN, " so far");
    at = pt_screen_put(s, 0, at, PLAIN, "  %s verified", pt_text_count(run->verified, a));
    at = pt_screen_put(s, 0, at, run->divergent ? STYLE(BAD) : PLAIN, "  %s divergent",
                       pt_text_count(run->divergent, a));
    pt_screen_put(s, 0, at, PLAIN, "  %s unseen  coverage %s", pt_text_count(run->unseen, a),
                  pt_text_percent(run->offsets_certified, run->offsets_observed, b));
}

static void draw_life(const struct pt_top *top, struct pt_screen *s)
{
    const struct pt_snapshot *now = top->now;
    char program[PT_SAFE_MAX];
    char host[PT_SAFE_MAX];
    char age[PT_TEXT_MAX];
    unsigned at =
            pt_screen_put(s, 1, 0, PLAIN, "%s on %s, pid %u: ", safe(now->id.program.s, program),
                          safe(now->id.host.s, host), now->id.pid);

    pt_text_span(now->beat_age_ns, age);
    switch (now->life) {
    case PT_SEGMENT_ALIVE:
        at = pt_screen_put(s, 1, at, STYLE(GOOD), "%s", pt_segment_state_name(now->state));
        break;
    case PT_SEGMENT_STALE:
        at = pt_screen_put(s, 1, at, STYLE(WARN), "STALE: no heartbeat for %s", age);
        break;
    case PT_SEGMENT_DEAD:
        at = pt_screen_put(s, 1, at, STYLE(BAD), "DEAD for %s; the last state", age);
        break;
    case PT_SEGMENT_OVER:
        at = pt_screen_put(s, 1, at, PLAIN, "ended %s ago", age);
        break;
    }
    if (now->run.memory_max_sz && s->columns >= 100)
        pt_screen_put(s, 1, at + 2, PLAIN, "memory %s",
                      pt_text_percent(now->run.memory_used_sz, now->run.memory_max_sz, age));
}

static void tap_title(const struct pt_top *top, struct pt_screen *s, unsigned row)
{
    unsigned x = spare(s);

    (void)top;
    pt_screen_put(s, row, 0, STYLE(BOLD), "Taps");
    pt_screen_right(s, row, x + 43, STYLE(DIM), "packets");
    pt_screen_right(s, row, x + 56, STYLE(DIM), "bytes");
    pt_screen_right(s, row, x + 67, STYLE(DIM), "loss");
    pt_screen_right(s, row, x + 80, STYLE(DIM), "lost");
}

static void tap_row(const struct pt_top *top, struct pt_screen *s, unsigned row, size_t i)
{
    const struct pt_segment_tap *tap = &top->now->taps[i];
    const struct pt_segment_tap *old = NULL;
    unsigned x = spare(s);
    char name[PT_SAFE_MAX];

    if (top->before && i < top->before->tap_cnt)
        old = &top->before->taps[i];
    pt_screen_fit(s, row, 2, x + 22, PLAIN, safe(tap->name.s, name));
    pt_screen_put(s, row, x + 23, PLAIN, "%s", pt_segment_role_name(tap->role));
    if (tap->finished) {
        put_count(s, row, x + 43, tap->packets, PLAIN);
        pt_screen_right(s, row, x + 56, PLAIN, "%s", pt_text_bytes(tap->bytes, name));
        pt_screen_right(s, row, x + 67, STYLE(DIM), "finished");
    } else {
        put_rate(top, s, row, x + 43, tap->packets, old ? &old->packets : NULL, false);
        put_rate(top, s, row, x + 56, tap->bytes, old ? &old->bytes : NULL, true);
        put_rate(top, s, row, x + 67, tap->lost, old ? &old->lost : NULL, false);
    }
    put_count(s, row, x + 80, tap->lost, STYLE(BAD));
}

static void core_title(const struct pt_top *top, struct pt_screen *s, unsigned row)
{
    unsigned x = spare(s);

    (void)top;
    pt_screen_put(s, row, 0, STYLE(BOLD), "Cores");
    pt_screen_right(s, row, x + 20, STYLE(DIM), "cpu");
    pt_screen_right(s, row, x + 27, STYLE(DIM), "busy");
    pt_screen_right(s, row, x + 43, STYLE(DIM), "packets");
    pt_screen_right(s, row, x + 56, STYLE(DIM), "records");
    pt_screen_right(s, row, x + 63, STYLE(DIM), "queue");
    pt_screen_right(s, row, x + 80, STYLE(DIM), "overload: shed");
}

static void core_row(const struct pt_top *top, struct pt_screen *s, unsigned row, size_t i)
{
    const struct pt_segment_core *c = &top->now->cores[i];
    const struct pt_segment_core *old = NULL;
    char name[PT_SAFE_MAX];
    unsigned x = spare(s);
    uint32_t busy = c->busy_permille;

    if (top->before && i < top->before->core_cnt)
        old = &top->before->cores[i];
    pt_screen_fit(s, row, 2, x + 16, PLAIN, safe(c->name.s, name));
    if (c->cpu >= 0)
        pt_screen_right(s, row, x + 20, PLAIN, "%d", c->cpu);
    if (busy <= 1000)
        pt_screen_right(s, row, x + 27,
                        busy > 900   ? STYLE(BAD)
                        : busy > 700 ? STYLE(WARN)
                                     : PLAIN,
                        "%u %%", busy / 10);
    else
        pt_screen_right(s, row, x + 27, STYLE(DIM), "-");
    put_rate(top, s, row, x + 43, c->packets, old ? &old->packets : NULL, false);
    put_rate(top, s, row, x + 56, c->records, old ? &old->records : NULL, false);
    if (c->queue_max_sz)
        pt_screen_right(s, row, x + 63, PLAIN, "%.0f %%",
                        (double)c->queue_used_sz * 100 / (double)c->queue_max_sz);
    if (c->ladder_step)
        pt_screen_put(s, row, x + 65, STYLE(BAD), "step %u", c->ladder_step);
    put_count(s, row, x + 80, c->shed, STYLE(BAD));
}

static void cluster_title(const struct pt_top *top, struct pt_screen *s, unsigned row)
{
    unsigned x = spare(s);

    (void)top;
    pt_screen_put(s, row, 0, STYLE(BOLD), "Clusters");
    pt_screen_right(s, row, x + 44, STYLE(DIM), "brokers");
    pt_screen_right(s, row, x + 52, STYLE(DIM), "conns");
    pt_screen_right(s, row, x + 59, STYLE(DIM), "TLS");
    pt_screen_right(s, row, x + 66, STYLE(DIM), "logs");
    pt_screen_right(s, row, x + 80, STYLE(DIM), "records");
}

static void cluster_row(const struct pt_top *top, struct pt_screen *s, unsigned row, size_t i)
{
    const struct pt_segment_cluster *c = &top->now->clusters[i];
    char id[PT_SAFE_MAX];
    unsigned x = spare(s);
    bool all = c->brokers_seen == c->brokers;

    pt_screen_put(s, row, 2, PLAIN, "%s",
                  c->role == PT_SEGMENT_BOTH ? "unassigned" : pt_segment_role_name(c->role));
    pt_screen_fit(s, row, 13, x + 36, STYLE(DIM), safe(c->cluster_id.s, id));
    pt_screen_right(s, row, x + 44, all ? PLAIN : STYLE(WARN), "%" PRIu64 "/%" PRIu64,
                    c->brokers_seen, c->brokers);
    put_count(s, row, x + 52, c->connections, PLAIN);
    put_count(s, row, x + 59, c->opaque_connections, STYLE(WARN));
    put_count(s, row, x + 66, c->logs, PLAIN);
    put_count(s, row, x + 80, c->records, PLAIN);
}

static void topic_title(const struct pt_top *top, struct pt_screen *s, unsigned row)
{
    unsigned x = spare(s);

    (void)top;
    pt_screen_put(s, row, 0, STYLE(BOLD), "Topics");
    pt_screen_right(s, row, x + 36, STYLE(DIM), "verified");
    pt_screen_right(s, row, x + 46, STYLE(DIM), "divergent");
    pt_screen_right(s, row, x + 54, STYLE(DIM), "unseen");
    pt_screen_right(s, row, x + 61, STYLE(DIM), "lag");
    pt_screen_right(s, row, x + 71, STYLE(DIM), "for");
    pt_screen_right(s, row, x + 80, STYLE(DIM), "coverage");
}

static void topic_row(struct pt_screen *s, unsigned row, const struct pt_topic_sums *t)
{
    char name[PT_SAFE_MAX + 32];
    char buf[PT_SAFE_MAX];
    unsigned x = spare(s);

    snprintf(name, sizeof(name), "%s (%zu)", safe(t->first->source_topic.s, buf), t->partitions);
    pt_screen_fit(s, row, 2, x + 25, PLAIN, name);
    put_count(s, row, x + 36, t->verified, STYLE(GOOD));
    put_count(s, row, x + 46, t->divergent, STYLE(BAD));
    put_count(s, row, x + 54, t->unseen, STYLE(WARN));
    put_count(s, row, x + 61, t->lag_records, STYLE(WARN));
    pt_screen_right(s, row, x + 71, PLAIN, "%s", pt_text_span(t->lag_ns, buf));
    pt_screen_right(s, row, x + 80, PLAIN, "%s",
                    pt_text_percent(t->offsets_certified, t->offsets_observed, buf));
}

static void finding_title(const struct pt_top *top, struct pt_screen *s, unsigned row)
{
    unsigned at = pt_screen_put(s, row, 0, STYLE(BOLD), "Findings");
    char name[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];

    if (top->missed)
        at = pt_screen_put(s, row, at, STYLE(WARN), "  %s not read in time",
                           pt_text_count(top->missed, buf));
    for (size_t i = 0; i < top->now->code_cnt; i++) {
        const struct pt_segment_code *c = &top->now->codes[i];

        if (c->total)
            at = pt_screen_put(s, row, at, STYLE(DIM), "  %s x %s", safe(c->name.s, name),
                               pt_text_count(c->total, buf));
    }
}

static void finding_row(const struct pt_top *top, struct pt_screen *s, unsigned row, size_t i)
{
    const struct pt_text ascii = { .utf8 = false };
    const struct pt_segment_finding *f = &top->latest[i];
    bool source = f->source.flags & PT_SEGMENT_PLACE_VALID;
    bool target = f->target.flags & PT_SEGMENT_PLACE_VALID;
    unsigned style = f->severity == PT_SEGMENT_DIVERGENCE ? STYLE(BAD)
                     : f->severity == PT_SEGMENT_WARNING  ? STYLE(WARN)
                                                          : PLAIN;
    char a[PT_SAFE_MAX + 48];
    char b[PT_SAFE_MAX + 48];
    unsigned at = pt_screen_put(s, row, 2, style, "%s", safe(f->code.s, a));

    if (!source && !target) {
        pt_screen_put(s, row, at + 2, PLAIN, "%s", safe(f->message.s, a));
        return;
    }
    if (source)
        pt_segment_place_text(&ascii, &f->source, a, sizeof(a));
    if (target)
        pt_segment_place_text(&ascii, &f->target, b, sizeof(b));
    at = pt_screen_put(s, row, at + 2, PLAIN, "%s%s%s", source ? a : "",
                       source && target ? " -> " : "", target ? b : "");
    if (f->cnt > 1)
        pt_screen_put(s, row, at + 2, PLAIN, "%s records", pt_text_count(f->cnt, a));
}

/* What needs a look comes first. */
static int by_urgency(const void *a, const void *b)
{
    const struct pt_topic_sums *x = *(const struct pt_topic_sums *const *)a;
    const struct pt_topic_sums *y = *(const struct pt_topic_sums *const *)b;

    if (x->divergent != y->divergent)
        return x->divergent < y->divergent ? 1 : -1;
    if (x->lag_records != y->lag_records)
        return x->lag_records < y->lag_records ? 1 : -1;
    return x < y ? -1 : x > y;
}

/* share_rows hands out the rows one by one, a title with the first row of a section, until all
 * sections have what they want. Topics and findings come first in each turn. */
static void share_rows(const size_t want[SECTION_CNT], unsigned rows, size_t got[SECTION_CNT])
{
    static const enum section turn[] = { TOPICS, FINDINGS, TAPS, CORES, CLUSTERS };
    bool more = true;

    memset(got, 0, SECTION_CNT * sizeof(got[0]));
    while (rows && more) {
        more = false;
        for (size_t i = 0; i < SECTION_CNT; i++) {
            enum section k = turn[i];
            unsigned price = got[k] ? 1 : 2;

            if (got[k] == want[k] || rows < price)
                continue;
            got[k]++;
            rows -= price;
            more = true;
        }
    }
}

static unsigned draw_section(const struct pt_top *top, struct pt_screen *s, enum section k,
                             unsigned row, size_t got, size_t want,
                             const struct pt_topic_sums *const *topics)
{
    static void (*const title[])(const struct pt_top *, struct pt_screen *,
                                 unsigned) = { tap_title, core_title, cluster_title, topic_title,
                                               finding_title };

    if (!got)
        return row;
    title[k](top, s, row++);
    for (size_t i = 0; i < got; i++, row++) {
        if (i + 1 == got && got < want && got > 1)
            pt_screen_put(s, row, 2, STYLE(DIM), "and %zu more", want - i);
        else if (k == TAPS)
            tap_row(top, s, row, i);
        else if (k == CORES)
            core_row(top, s, row, i);
        else if (k == CLUSTERS)
            cluster_row(top, s, row, i);
        else if (k == TOPICS)
            topic_row(s, row, topics[i]);
        else
            finding_row(top, s, row, i);
    }
    return row;
}

int pt_top_draw(const struct pt_top *top, struct pt_screen *s)
{
    const struct pt_snapshot *now = top->now;
    const size_t want[SECTION_CNT] = {
        [TAPS] = now->tap_cnt,     [CORES] = now->core_cnt,      [CLUSTERS] = now->cluster_cnt,
        [TOPICS] = now->topic_cnt, [FINDINGS] = top->latest_cnt,
    };
    const struct pt_topic_sums **topics = calloc(now->topic_cnt + 1, sizeof(*topics));
    unsigned taken = HEAD_ROWS + FOOT_ROWS;
    unsigned row = HEAD_ROWS;
    size_t got[SECTION_CNT];

    if (!topics)
        return -ENOMEM;
    for (size_t i = 0; i < now->topic_cnt; i++)
        topics[i] = &now->topics[i];
    qsort(topics, now->topic_cnt, sizeof(*topics), by_urgency);
    draw_verdict(top, s);
    draw_life(top, s);
    share_rows(want, s->rows > taken ? s->rows - taken : 0, got);
    for (int k = 0; k < SECTION_CNT; k++)
        row = draw_section(top, s, (enum section)k, row, got[k], want[k], topics);
    if (s->rows > HEAD_ROWS) {
        char note[PT_SAFE_MAX];

        pt_screen_put(s, s->rows - 1, 0, STYLE(DIM), "q quit   %s", safe(now->run.note.s, note));
    }
    free(topics);
    return 0;
}
