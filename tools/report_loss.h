/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_REPORT_LOSS_H
#define PT_TOOLS_REPORT_LOSS_H
/*
 * The loss story (dataplane/loss.h) in both forms of the report: what the tap lost, when, where, in
 * what pieces, what it looks like, and what it cost in coverage.
 */
#include "tools/json_out.h"
#include "tools/report.h"
#include "tools/text_out.h"

/* pt_report_loss_json writes the member "loss". */
void pt_report_loss_json(const struct pt_report *r, struct pt_json *j);

/* pt_report_loss_text writes the section, with its heading. */
void pt_report_loss_text(const struct pt_report *r, struct pt_text *t);

#endif
