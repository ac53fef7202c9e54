/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_RUN_H
#define PT_TOOLS_RUN_H
/*
 * One pass over the files of the options: captures -> merge -> pipeline -> reports. What `replay`
 * and `inspect` have in common, which is all but the words.
 */
#include "tools/options.h"

/* pt_run reads, reports and returns the exit code. Trouble is told on stderr. */
int pt_run(struct pt_options *o, bool single);

#endif
