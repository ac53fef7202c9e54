/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_REPORT_JSON_H
#define PT_TOOLS_REPORT_JSON_H
/*
 * The report for programs: one JSON object whose names stay (tools/report.schema.json describes
 * it). The same packets give the same bytes.
 */
#include "tools/report.h"

/* pt_report_json writes the whole object. 0 or -ENOMEM; errors of f are the caller's to ask for. */
int pt_report_json(const struct pt_report *r, FILE *f);

#endif
