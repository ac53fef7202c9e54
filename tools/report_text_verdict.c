/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/report_text.h"

#include "tools/values.h"

/* Reasons shown below the verdict; the rest is in the findings. */
#define REASONS_MAX 6

static const char *plural(uint64_t cnt)
{
    return cnt == 1 ? "" : "s";
}

/* in_cluster counts divergences that need no second cluster: those behind the RECORD_* codes. */
static uint64_t in_cluster(const struct pt_result *res)
{
    uint64_t cnt = 0;

    for (int c = PT_FINDING_BATCH_CRC_BAD; c < PT_FINDING_CODE_CNT; c++) {
        if (pt_finding_severity((enum pt_finding_code)c) == PT_SEV_DIVERGENCE)
            cnt += res->finding_total[c];
    }
    return cnt;
}

static void verdict_single(const struct pt_report *r, struct pt_text *t)
{
    const struct pt_result *res = r->result;
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];
    uint64_t wrong = in_cluster(res);
    uint64_t records = 0;

    for (size_t i = 0; i < res->log_cnt; i++)
        records += res->logs[i].records;
    if (r->verdict == PT_VERDICT_DIVERGENT) {
        pt_text_styled(t, PT_STYLE_BAD, "DIVERGENT");
        pt_text_put(t, "  %s finding%s within this cluster; ", pt_text_count(wrong, a),
                    plural(wrong));
    } else if (r->verdict == PT_VERDICT_PARITY && !records) {
        pt_text_styled(t, PT_STYLE_WARN, "NOTHING SEEN");
        pt_text_put(t, "  no record passed this tap, so nothing was checked; see below what did.");
        pt_text_end(t);
        return;
    } else if (r->verdict == PT_VERDICT_PARITY) {
        pt_text_styled(t, PT_STYLE_GOOD, "CLEAN");
        pt_text_put(t, "  nothing wrong within this cluster; ");
    } else {
        pt_text_styled(t, PT_STYLE_WARN, "INCONCLUSIVE");
        pt_text_put(t, "  ");
    }
    pt_text_put(t, "%s record%s in %s log%s.", pt_text_count(records, a), plural(records),
                pt_text_count(res->log_cnt, b), plural(res->log_cnt));
    pt_text_end(t);
}

static void verdict_pairs(const struct pt_report *r, struct pt_text *t)
{
    const struct pt_result *res = r->result;
    uint64_t verified = 0;
    uint64_t divergent = 0;
    uint64_t certified = 0;
    uint64_t observed = 0;
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];
    char c[PT_TEXT_MAX];
    uint64_t inner = in_cluster(res);

    for (size_t i = 0; i < res->pair_cnt; i++) {
        verified += res->pairs[i].verified;
        divergent += pt_pair_divergent(&res->pairs[i]);
        certified += res->pairs[i].offsets_certified;
        observed += res->pairs[i].offsets_observed;
    }
    pt_text_count(verified, a);
    pt_text_percent(certified, observed, c);
    switch (r->verdict) {
    case PT_VERDICT_PARITY:
        pt_text_styled(t, PT_STYLE_GOOD, "PARITY");
        pt_text_put(t, "  %s records verified on both, 0 divergent; coverage %s.", a, c);
        break;
    case PT_VERDICT_DIVERGENT:
        pt_text_styled(t, PT_STYLE_BAD, "DIVERGENT");
        pt_text_put(t, "  %s record%s differ, %s verified equal; coverage %s",
                    pt_text_count(divergent, b), plural(divergent), a, c);
        if (inner)
            pt_text_put(t, "; %s within a cluster", pt_text_count(inner, b));
        pt_text_put(t, ".");
        break;
    default:
        pt_text_styled(t, PT_STYLE_WARN, "INCONCLUSIVE");
        if (!observed)
            pt_text_put(t, "  nothing could be compared.");
        else
            pt_text_put(t, "  %s verified, 0 divergent, but with gaps; coverage %s.", a, c);
    }
    pt_text_end(t);
}

/* The most common reasons for having seen nothing are in how it was captured. */
static void capture_reasons(const struct pt_report *r, struct pt_text *t)
{
    char buf[PT_TEXT_MAX];

    for (int c = 0; c < (r->single ? 1 : PT_CLUSTER_CNT); c++) {
        uint64_t kafka = 0;
        uint64_t tls = 0;

        for (size_t i = 0; i < r->conn_cnt; i++) {
            if (r->conns[i].cluster != c)
                continue;
            kafka += r->conns[i].kind == PT_CONN_KAFKA ? r->conns[i].connections : 0;
            tls += r->conns[i].kind == PT_CONN_TLS ? r->conns[i].connections : 0;
        }
        if (kafka)
            continue;
        pt_text_put(t, "  - ");
        pt_text_wrap(t, 4);
        pt_text_item(t, "no Kafka connection");
        if (!r->single)
            pt_text_item(t, "of the %s", pt_cluster_name(c));
        pt_text_item(t, "could be read");
        if (tls)
            pt_text_item(t, "(%s encrypted)", pt_text_count(tls, buf));
        pt_text_put(t, ":");
        pt_text_words(t, r->single ? "is this the right capture?"
                                   : "are the captures and the brokers' addresses the right ones?");
        pt_text_end(t);
    }
    if (r->packets->cut_bytes && (r->single || r->verdict != PT_VERDICT_PARITY)) {
        pt_text_put(t, "  - packets were cut when they were captured: use tcpdump -s 0");
        pt_text_end(t);
    }
}

/* What stands against a verdict of parity, also where divergences outrank it. */
static void reasons(const struct pt_report *r, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    size_t shown = 0;
    size_t more = 0;

    if (r->stopped) {
        pt_text_put(t, "  - reading stopped early: %s", r->stopped);
        pt_text_end(t);
    }
    capture_reasons(r, t);
    for (size_t i = 0; i < r->input_cnt; i++) {
        if (!r->inputs[i].truncated)
            continue;
        pt_text_put(t, "  - ");
        pt_text_wrap(t, 4);
        pt_text_item(t, "%s is cut off:", pt_text_safe(t, pt_input_name(&r->inputs[i]), safe));
        pt_text_words(t, pt_text_safe(t, r->inputs[i].trouble, safe));
        pt_text_end(t);
    }
    for (size_t i = 0; i < r->result->finding_cnt; i++) {
        const struct pt_finding *f = &r->result->findings[i];

        if (!pt_finding_inconclusive(f->code))
            continue;
        if (shown == REASONS_MAX) {
            more++;
            continue;
        }
        shown++;
        pt_text_put(t, "  - ");
        pt_text_wrap(t, 4);
        pt_text_item(t, "%s:", pt_finding_code_name(f->code));
        pt_text_words(t, pt_text_safe(t, f->message, safe));
        pt_text_end(t);
    }
    if (more) {
        pt_text_put(t, "  - and %zu more of this kind, see the findings", more);
        pt_text_end(t);
    }
}

void pt_report_text_verdict(const struct pt_report *r, struct pt_text *t)
{
    if (r->single)
        verdict_single(r, t);
    else
        verdict_pairs(r, t);
    reasons(r, t);
}
