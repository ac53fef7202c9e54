/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_PLAN_TEXT_H
#define PT_TOOLS_PLAN_TEXT_H
/*
 * The capture plan (hw/nic_plan.h) for a person, as `paritapd --plan` prints it: ports, who polls
 * what on which core, buffers, what a core can carry, and at the end everything that could be
 * better. The network engineer reads it before the cable is plugged in.
 */
#include <stdio.h>

#include "hw/host.h"
#include "hw/nic_plan.h"

struct pt_plan_text_cfg {
    bool colour;
};

/* pt_plan_text prints the plan that pt_nic_plan_make made of req. problems (may be NULL) are those
 * of the host, each printed with its command. */
void pt_plan_text(const struct pt_nic_request *req, const struct pt_nic_plan *plan,
                  const struct pt_host_problems *problems, const struct pt_plan_text_cfg *cfg,
                  FILE *f);

#endif
