/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_POLICY_H
#define PT_VERIFY_POLICY_H
/*
 * What the operator has decided about the comparison. Filled by tools/ from configuration and
 * command line, const from then on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "verify/align.h"

struct pt_topic_rule {
    const char *source; /* topic name on the source */
    const char *target; /* topic name on the target */
};

/* A topic id that the operator knows the name of. The cluster's own word goes before it. */
struct pt_given_id {
    const char *topic;
    const char *file; /* where it is given, for messages */
    uint32_t line;
    uint8_t cluster; /* enum pt_cluster */
    uint8_t id[16];
};

struct pt_policy {
    const struct pt_given_id *given_ids; /* sorted by cluster and id; an id has one name */
    size_t given_id_cnt;
    const struct pt_topic_rule *rules; /* explicit map: goes before every other rule */
    size_t rule_cnt;
    const char *const *excluded; /* topics out of scope (either cluster's name); fnmatch patterns */
    size_t excluded_cnt;
    const char *const *included; /* if any: only topics whose source name matches are in scope */
    size_t included_cnt;
    const char *const *aliases; /* aliases of the source in "alias.topic" (MM2); learned if none */
    size_t alias_cnt;
    int64_t max_lag_ns;   /* pending records older than this: REPLICATION_STALLED; default 60 s */
    double min_coverage;  /* default 0.99 */
    uint64_t finding_max; /* findings kept in full; more are counted; default 100000 */
    uint64_t waiting_max_sz; /* observations of not yet named topics, bytes; default 256 MiB */
    uint64_t
            floating_max_sz; /* produced batches waiting for their answer, bytes; default 256 MiB */
    bool single;             /* one cluster only (inspect): no pairs, no scope */
    struct pt_align_cfg align;
};

extern const struct pt_policy pt_policy_default;

/* pt_policy_excludes: this topic, of either cluster, is out of scope by configuration. */
bool pt_policy_excludes(const struct pt_policy *p, const char *topic);

/* pt_policy_includes: this source topic is in the list of those in scope, or there is no such list.
 */
bool pt_policy_includes(const struct pt_policy *p, const char *topic);

#endif
