/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_LOG_PVT_H
#define PT_VERIFY_LOG_PVT_H
/*
 * What the sources of a log share:
 *
 *   log.c     evidence in, slots, certificates
 *   gone.c    what is lawfully gone
 *   lost.c    what passed and gave no evidence
 *   txn.c     what became of transactions
 *   settle.c  records out, in offset order
 */
#include "verify/log.h"

/* pt_log_grow makes room for one more element of elem_sz in an array of the log; false if refused.
 */
bool pt_log_grow(struct pt_log *l, void **p, size_t cnt, size_t *cap, size_t elem_sz);

/* pt_log_gone_add: the record at off was certified absent at that time. */
void pt_log_gone_add(struct pt_log *l, int64_t off, int64_t time_ns);

/* pt_log_trim_add takes a statement of the log start. */
void pt_log_trim_add(struct pt_log *l, int64_t log_start, int64_t time_ns);

#endif
