/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/status.h"

const char *pt_status_name(enum pt_status st)
{
    static const char *const names[PT_STATUS_CNT] = {
#define X(name, text) [PT_##name] = text,
        PT_STATUS_LIST(X)
#undef X
    };

    return (unsigned)st < PT_STATUS_CNT ? names[st] : "unknown status";
}
