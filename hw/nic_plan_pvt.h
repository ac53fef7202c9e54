/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_NIC_PLAN_PVT_H
#define PT_HW_NIC_PLAN_PVT_H
/*
 * The steps of pt_nic_plan_make, in the order in which they run; each may rely on what those before
 * it wrote into the plan. All return 0, or -errno with err set.
 */
#include "hw/nic_plan.h"

/* nic_plan_cores.c: a core for each worker and shard. */
int pt_nic_plan_cores(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                      struct pt_nic_error *err);
void pt_nic_plan_core_notes(const struct pt_nic_request *req, struct pt_nic_plan *plan);

/* nic_plan_queues.c: where connections meet, queues, hash, and who polls. */
int pt_nic_plan_queues(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                       struct pt_nic_error *err);

/* nic_plan_rules.c: flow rules. */
void pt_nic_plan_rules(const struct pt_nic_request *req, struct pt_nic_plan *plan);

/* nic_plan_buffers.c: frames, descriptors, pools, memory. */
int pt_nic_plan_buffers(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                        struct pt_nic_error *err);

/* pt_nic_note adds a warning; port -1 for none in particular. */
void pt_nic_note(struct pt_nic_plan *plan, enum pt_nic_note_kind kind, int port, const char *fmt,
                 ...) __attribute__((format(printf, 4, 5)));

/* pt_nic_refuse sets err and returns -EINVAL. */
int pt_nic_refuse(struct pt_nic_error *err, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

#endif
