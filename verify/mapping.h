/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_MAPPING_H
#define PT_VERIFY_MAPPING_H
/*
 * Which target topic carries which source topic, by name alone. In this order:
 *   1. the configuration says so;
 *   2. "alias.topic" exists, and the alias is known: configured, or learned from the names that
 * MirrorMaker 2 gives its own topics on the target;
 *   3. the same name exists;
 *   4. "x.topic" exists for exactly one x.
 */
#include <stdbool.h>

#include "verify/policy.h"
#include "verify/registry.h"
#include "verify/result.h"

enum pt_unpaired_why {
    PT_UNPAIRED_NOT,
    PT_UNPAIRED_INTERNAL,
    PT_UNPAIRED_EXCLUDED,
    PT_UNPAIRED_NO_PARTNER,  /* no topic of a fitting name */
    PT_UNPAIRED_AMBIGUOUS,   /* several fitting names */
    PT_UNPAIRED_TAKEN,       /* its partner carries another topic */
    PT_UNPAIRED_INCARNATION, /* no incarnation left to pair it with */
    PT_UNPAIRED_TARGET_ONLY,
    PT_UNPAIRED_UNNAMED
};

const char *pt_unpaired_text(enum pt_unpaired_why why);

struct pt_mapped {
    struct pt_name *target; /* NULL: none, and why not */
    enum pt_pair_rule rule;
    enum pt_unpaired_why why;
};

/* pt_mapping_scan looks through all names of the target for copies with a prefix. Again when names
 * came up. */
void pt_mapping_scan(const struct pt_policy *policy, struct pt_registry *r,
                     struct pt_name *const *names, size_t cnt);

/* pt_mapping_find maps a source topic as of the last scan. */
struct pt_mapped pt_mapping_find(const struct pt_policy *policy, const struct pt_registry *r,
                                 const struct pt_name *source);

#endif
