/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/shed.h"

#include <xxhash.h>

/* No key: two hosts that shed must agree, and who could choose names such that theirs are read is
 * an administrator of both clusters. */
#define SEED 0x73686564u

uint32_t pt_shed_canon(struct pt_view name)
{
    uint32_t h = (uint32_t)(XXH3_64bits_withSeed(name.data, name.len, SEED) >> 32);

    return h ? h : 1;
}

bool pt_shed_partition(uint32_t canon, int32_t partition, uint32_t share)
{
    uint64_t h = ((uint64_t)canon << 32 | (uint32_t)partition) * 0x9e3779b97f4a7c15u;

    h = (h ^ h >> 32) * 0xc4ceb9fe1a85ec53u;
    return canon && (uint32_t)(h >> 32) < share;
}
