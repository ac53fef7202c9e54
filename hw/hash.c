/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/hash.h"

#include <xxh_x86dispatch.h>

uint64_t pt_hash64(uint64_t key, const void *data, size_t len)
{
    /* Not XXH3_64bits_withSeed: the shared library compiles that for SSE2, many times slower for
     * long input. The dispatch function picks the CPU's widest vectors, and is no slower for short
     * input than an inlined copy. */
    return XXH3_64bits_withSeed_dispatch(data, len, key);
}
