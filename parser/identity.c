/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/identity.h"

#include "hw/hash.h"

static inline uint64_t not_0(uint64_t hash)
{
    return hash ? hash : 1;
}

static inline uint64_t hash_part(uint64_t hash_key, struct pt_view v)
{
    return v.data ? not_0(pt_hash64(hash_key, v.data, v.len)) : 0;
}

static inline uint32_t digest(uint64_t part)
{
    uint32_t low = (uint32_t)part;

    return !part ? 0 : low ? low : 1;
}

uint64_t pt_identity_headers(uint64_t hash_key, uint64_t before, struct pt_view name,
                             struct pt_view value)
{
    const uint64_t words[3] = { before, hash_part(hash_key, name), hash_part(hash_key, value) };

    return not_0(pt_hash64(hash_key, words, sizeof(words)));
}

void pt_identity_record(uint64_t hash_key, struct pt_view key, struct pt_view value,
                        uint64_t headers, struct pt_record *rec)
{
    const uint64_t words[3] = { hash_part(hash_key, key), hash_part(hash_key, value), headers };

    rec->content = pt_hash64(hash_key, words, sizeof(words));
    rec->key = digest(words[0]);
    rec->value = digest(words[1]);
    rec->headers = digest(headers);
}
