/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/result.h"

static const struct {
    const char *name;
    const char *help;
    enum pt_severity severity;
    bool inconclusive;
} finding_codes[PT_FINDING_CODE_CNT] = {
#define X(n, sev, inc, h)                                                                          \
    [PT_FINDING_##n] = { .name = #n, .help = h, .severity = PT_SEV_##sev, .inconclusive = inc },
    PT_FINDING_LIST(X)
#undef X
};

const char *pt_finding_code_name(enum pt_finding_code code)
{
    return finding_codes[code].name;
}

const char *pt_finding_code_help(enum pt_finding_code code)
{
    return finding_codes[code].help;
}

enum pt_severity pt_finding_severity(enum pt_finding_code code)
{
    return finding_codes[code].severity;
}

bool pt_finding_inconclusive(enum pt_finding_code code)
{
    return finding_codes[code].inconclusive;
}
