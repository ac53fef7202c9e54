/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_INPUT_CLOCKS_H
#define PT_TOOLS_INPUT_CLOCKS_H
/*
 * The clocks of a replay's files: as the operator says, or as their packets prove
 * (dataplane/clock.h). For that the first packets of files of the same cluster are looked at before
 * the run; what cannot be read twice (pipes) is not.
 */
#include "tools/config.h"
#include "tools/report.h"

/* pt_input_clocks fills the clocks of inputs [0, input_cnt). 0 or -ENOMEM. */
int pt_input_clocks(const struct pt_config *cfg, struct pt_report_input *inputs, size_t input_cnt);

/* pt_input_clocks_tell writes a line for each clock that differs by the packets. */
void pt_input_clocks_tell(const struct pt_report_input *inputs, size_t input_cnt, FILE *f);

#endif
