/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_REPORT_TEXT_H
#define PT_TOOLS_REPORT_TEXT_H
/*
 * The report for people: the verdict in the first line, then what it rests on. Meant for 100
 * columns and for someone who reads it in an incident: what differs, where, and which packet shows
 * it.
 */
#include "tools/report.h"
#include "tools/text_out.h"

struct pt_report_text_cfg {
    bool all;          /* every finding and client, not only the first */
    bool verdict_only; /* --quiet */
    bool colour;       /* if the terminal has it */
};

void pt_report_text(const struct pt_report *r, const struct pt_report_text_cfg *cfg, FILE *f);

/* The parts, in the order of the page. Each begins with its own heading. */
void pt_report_text_verdict(const struct pt_report *r, struct pt_text *t);
void pt_report_text_topics(const struct pt_report *r, struct pt_text *t);
void pt_report_text_logs(const struct pt_report *r, struct pt_text *t);
void pt_report_text_clusters(const struct pt_report *r, struct pt_text *t, bool all);
void pt_report_text_findings(const struct pt_report *r, struct pt_text *t, bool all);
void pt_report_text_not_looked_at(const struct pt_report *r, struct pt_text *t);
void pt_report_text_books(const struct pt_report *r, struct pt_text *t);

#endif
