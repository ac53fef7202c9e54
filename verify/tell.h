/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_TELL_H
#define PT_VERIFY_TELL_H
/*
 * What was found, in words: facts become findings with places, clients and a sentence, for the
 * report at the end (conclude.c) and for whoever watches the run (live.c). Strings live in the
 * caller's arena.
 */
#include "verify/arena.h"
#include "verify/clients.h"
#include "verify/findings.h"
#include "verify/log.h"

struct pt_log_name pt_log_name_of(const struct pt_log *l);

struct pt_client_info pt_tell_client(struct pt_arena *a, const struct pt_client *c);

/* pt_fact_pair: the pair that a fact is about, or NULL. */
const struct pt_pair *pt_fact_pair(const struct pt_fact *fact);

/* pt_tell_finding: clients are by the shard's numbers; one that is not among them is not named. The
 * finding's pair is the caller's to fill in. */
struct pt_finding pt_tell_finding(struct pt_arena *a, const struct pt_fact *fact,
                                  const struct pt_client_info *clients, size_t client_cnt);

#endif
