/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/packet.h"

const char *pt_packet_kind_name(enum pt_packet_kind kind)
{
    static const char *const names[PT_PACKET_KIND_CNT] = {
#define X(name, help) [PT_PACKET_##name] = help,
        PT_PACKET_LIST(X)
#undef X
    };

    return names[kind];
}
