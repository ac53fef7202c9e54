/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/toeplitz.h"

/* One period of the symmetric key, three times: 32 bits from any of 16 places can be cut of it. */
#define KEY_PERIODS 0x6d5a6d5a6d5aull

void pt_toeplitz_symmetric_key(uint8_t *key, size_t key_sz)
{
    for (size_t i = 0; i < key_sz; i++)
        key[i] = i & 1 ? 0x5a : 0x6d;
}

uint32_t pt_toeplitz(const uint8_t *key, const uint8_t *tuple, size_t len)
{
    uint32_t window =
            (uint32_t)key[0] << 24 | (uint32_t)key[1] << 16 | (uint32_t)key[2] << 8 | key[3];
    uint32_t hash = 0;

    for (size_t i = 0; i < len; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            if (tuple[i] & 0x80u >> bit)
                hash ^= window;
            window = window << 1 | (key[i + 4] >> (7 - bit) & 1u);
        }
    }
    return hash;
}

uint32_t pt_toeplitz_symmetric(const uint8_t *tuple, size_t len)
{
    uint32_t hash = 0;
    unsigned folded = 0;

    for (size_t i = 0; i + 1 < len; i += 2)
        folded ^= (unsigned)tuple[i] << 8 | tuple[i + 1];
    for (unsigned bit = 0; bit < 16; bit++)
        hash ^= (uint32_t)(KEY_PERIODS >> (16 - bit)) & (0u - (folded >> (15 - bit) & 1u));
    return hash;
}
