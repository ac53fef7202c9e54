/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/policy.h"

#include <fnmatch.h>

const struct pt_policy pt_policy_default = {
    .max_lag_ns = 60ll * 1000000000ll,
    .min_coverage = 0.99,
    .finding_max = 100000,
    .waiting_max_sz = 256ull << 20,
    .floating_max_sz = 256ull << 20,
    .align = { .window_min = 4096, .window_max = 65536, .anchor_run = 8, .horizon = 65536 },
};

bool pt_policy_excludes(const struct pt_policy *p, const char *topic)
{
    for (size_t i = 0; i < p->excluded_cnt; i++)
        if (!fnmatch(p->excluded[i], topic, 0))
            return true;
    return false;
}

bool pt_policy_includes(const struct pt_policy *p, const char *topic)
{
    for (size_t i = 0; i < p->included_cnt; i++)
        if (!fnmatch(p->included[i], topic, 0))
            return true;
    return !p->included_cnt;
}
