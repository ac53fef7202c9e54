/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_SUSPECTS_H
#define PT_VERIFY_SUSPECTS_H
/*
 * What can be held against a cluster only once everything is known: whether anything escaped the
 * tap, and what was said of the topic later.
 *
 *  - ACKED_LOST of a record inside the log, whose offset a fetch shows to be empty: a cleaner does
 *    that. It is a loss if the topic's cleanup.policy was stated as `delete`, never as anything
 *    else, nobody was seen to change it, and nothing that could have done so escaped us. (Records
 *    that retention or DeleteRecords removed lie below the log start, and never get here. Where a
 *    later leader has cut the log, that is a loss whatever the policy: leaders.c.)
 *  - GHOST_WRITE: refused.h.
 */
#include "verify/shard_pvt.h"

/* More are counted (pt_findings.dropped), and not held against anybody. */
#define PT_SUSPECTS_MAX 65536u

/* pt_shard_judge turns those that hold into findings; when all logs are settled. */
void pt_shard_judge(struct pt_shard *s);

/* pt_shard_complete: nothing of the cluster was lost on the tap, shed, or encrypted, and all of its
 * brokers, which it has named, were on it. */
bool pt_shard_complete(const struct pt_shard *s, uint8_t cluster);

#endif
