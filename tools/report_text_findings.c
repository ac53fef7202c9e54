/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/report_text.h"

#include <inttypes.h>

#include "tools/values.h"

/* Shown without --all. */
#define FIRST_FINDINGS 20

static enum pt_style style_of(enum pt_severity s)
{
    return s == PT_SEV_DIVERGENCE ? PT_STYLE_BAD
           : s == PT_SEV_WARNING  ? PT_STYLE_WARN
                                  : PT_STYLE_BOLD;
}

static void totals(const struct pt_result *res, struct pt_text *t)
{
    char buf[PT_TEXT_MAX];

    pt_text_put(t, "  ");
    pt_text_wrap(t, 2);
    for (int c = 0; c < PT_FINDING_CODE_CNT; c++) {
        if (res->finding_total[c])
            pt_text_listed(t, "%s x %s", pt_finding_code_name((enum pt_finding_code)c),
                           pt_text_count(res->finding_total[c], buf));
    }
    pt_text_end(t);
}

/* where writes "orders-0 @304". */
static void where(const struct pt_place *p, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];

    pt_text_put(t, "%s-%d", pt_text_safe(t, p->topic, safe), p->partition);
    if (p->offset >= 0)
        pt_text_put(t, " @%" PRId64, p->offset);
}

/* evidence writes who sent it, when, and the packet to open. */
static void evidence(const char *side, const struct pt_report *r, const struct pt_place *p,
                     bool record, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];

    pt_text_put(t, "      %s", side);
    pt_text_pad(t, 13);
    pt_text_wrap(t, 13);
    if (p->at.packet && p->at.input < r->input_cnt) {
        pt_text_listed(t, "%s", pt_text_safe(t, pt_input_name(&r->inputs[p->at.input]), safe));
        pt_text_item(t, "packet %" PRIu64, p->at.packet);
        if (pt_text_time_ns(p->at.time_ns, buf))
            pt_text_listed(t, "at %s", buf);
    }
    if (p->client) {
        pt_text_listed(t, "by \"%s\"", pt_text_safe(t, p->client->client_id, safe));
        pt_text_item(t, "%s", pt_text_safe(t, p->client->client_addr, safe));
    }
    if (record && p->timestamp_ms != -1) {
        if (pt_text_time_ms(p->timestamp_ms, buf))
            pt_text_listed(t, "record's time %s", buf);
        else
            pt_text_listed(t, "record's time %" PRId64 " ms", p->timestamp_ms);
    }
    if (record && p->offset >= 0) {
        if (p->key_null)
            pt_text_listed(t, "null key");
        else
            pt_text_listed(t, "key hash %08x", p->key_hash);
    }
    pt_text_end(t);
}

static void parts(uint32_t mask, struct pt_text *t)
{
    static const char *const name[] = { "key", "value", "headers", "timestamp" };
    char list[64];
    size_t at = 0;

    for (unsigned i = 0; i < 4; i++) {
        if (mask & 1u << i)
            at += (size_t)snprintf(list + at, sizeof(list) - at, "%s%s", at ? ", " : "", name[i]);
    }
    if (!at)
        return;
    pt_text_put(t, ",");
    pt_text_wrap(t, 6);
    pt_text_item(t, "differs in %s", list);
}

/* head writes number, code, and for records where they are. */
static void head(size_t number, const struct pt_finding *f, struct pt_text *t)
{
    bool placed = f->source.valid || f->target.valid;
    char buf[PT_TEXT_MAX];

    pt_text_put(t, "%4zu. ", number);
    pt_text_styled(t, style_of(pt_finding_severity(f->code)), "%s", pt_finding_code_name(f->code));
    if (placed || f->cnt > 1)
        pt_text_put(t, "  ");
    if (f->source.valid)
        where(&f->source, t);
    if (f->source.valid && f->target.valid)
        pt_text_put(t, " %s ", pt_text_arrow(t));
    if (f->target.valid)
        where(&f->target, t);
    if (f->cnt > 1)
        pt_text_put(t, "%s%s %s", placed ? "  " : "", pt_text_count(f->cnt, buf),
                    placed ? "records" : "times");
    parts(f->parts, t);
    pt_text_end(t);
}

/* About a record, with content and time, and not about a batch, a log or a whole cluster. */
static bool is_record(const struct pt_finding *f)
{
    return f->code < PT_FINDING_BATCH_CRC_BAD && (f->source.valid || f->target.valid);
}

static void finding(size_t number, const struct pt_report *r, const struct pt_finding *f,
                    struct pt_text *t)
{
    char safe[PT_SAFE_MAX];

    head(number, f, t);
    pt_text_pad(t, 6);
    pt_text_wrap(t, 6);
    /* The line above says where; what kind of difference it is, the code's own words say best. */
    pt_text_words(t,
                  pt_text_safe(t, is_record(f) ? pt_finding_code_help(f->code) : f->message, safe));
    pt_text_end(t);
    if (f->source.valid)
        evidence("source", r, &f->source, is_record(f), t);
    if (f->target.valid)
        evidence("target", r, &f->target, is_record(f), t);
}

void pt_report_text_findings(const struct pt_report *r, struct pt_text *t, bool all)
{
    const struct pt_result *res = r->result;
    size_t shown = res->finding_cnt;
    char buf[PT_TEXT_MAX];

    pt_text_heading(t, "Findings");
    if (!res->finding_cnt) {
        pt_text_put(t, "  none");
        pt_text_end(t);
        return;
    }
    totals(res, t);
    if (!all && shown > FIRST_FINDINGS)
        shown = FIRST_FINDINGS;
    for (size_t i = 0; i < shown; i++)
        finding(i + 1, r, &res->findings[i], t);
    if (shown < res->finding_cnt) {
        pt_text_put(t, "  ... and %s more: --all shows every one, --json FILE writes them.",
                    pt_text_count(res->finding_cnt - shown, buf));
        pt_text_end(t);
    }
}
