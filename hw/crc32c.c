/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/crc32c.h"

#include <immintrin.h>
#include <string.h>

/* The polynomial 0x1EDC6F41 with its bits reflected. */
#define POLYNOMIAL 0x82f63b78u

uint32_t pt_crc32c_plain(uint32_t crc, const void *data, size_t len)
{
    const uint8_t *p = data;

    crc = ~crc;
    for (size_t i = 0; i < len; i++) {
        crc ^= p[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (POLYNOMIAL & (0u - (crc & 1)));
    }
    return ~crc;
}

static inline uint64_t load64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return v;
}

/* crc32q has a latency of three cycles and a throughput of one, so three lanes side by side keep it
 * busy. A block is three lanes of lane_sz bytes; behind it lanes a and b are moved over the bytes
 * that follow them: a carry-less product with x^(8*distance-33) mod P, which the last crc32q of lane
 * c reduces on the way (it multiplies by x^32, and the reflected product is short by one x). */
struct block {
    uint32_t lane_sz;
    uint32_t shift_a; /* over two lanes */
    uint32_t shift_b; /* over one lane */
};

static const struct block blocks[] = {
    { 1024, 0xa51b6135, 0x170076fa },
    { 256, 0xdd7e3b0c, 0xb9e02b86 },
    { 64, 0x0d3b6092, 0x9e4addf8 },
};

__attribute__((target("pclmul"))) static inline uint64_t multiply(uint64_t a, uint32_t b)
{
    __m128i product = _mm_clmulepi64_si128(_mm_cvtsi64_si128((int64_t)a),
                                           _mm_cvtsi64_si128((int64_t)b), 0);

    return (uint64_t)_mm_cvtsi128_si64(product);
}

__attribute__((target("pclmul"))) static inline uint64_t crc_block(const struct block *blk,
                                                                   uint64_t a, const uint8_t *p)
{
    const uint8_t *last = p + blk->lane_sz - 8;
    size_t lane_sz = blk->lane_sz;
    uint64_t b = 0;
    uint64_t c = 0;

    for (; p < last; p += 8) {
        a = _mm_crc32_u64(a, load64(p));
        b = _mm_crc32_u64(b, load64(p + lane_sz));
        c = _mm_crc32_u64(c, load64(p + 2 * lane_sz));
    }
    a = _mm_crc32_u64(a, load64(p));
    b = _mm_crc32_u64(b, load64(p + lane_sz));
    return _mm_crc32_u64(c, load64(p + 2 * lane_sz) ^ multiply(a, blk->shift_a) ^
                                    multiply(b, blk->shift_b));
}

static inline uint64_t crc_serial(uint64_t crc, const uint8_t *p, size_t len)
{
    for (; len >= 8; len -= 8, p += 8)
        crc = _mm_crc32_u64(crc, load64(p));
    for (; len; len--, p++)
        crc = _mm_crc32_u8((uint32_t)crc, *p);
    return crc;
}

__attribute__((target("pclmul"))) static uint32_t crc_lanes(uint32_t start, const uint8_t *p,
                                                            size_t len)
{
    uint64_t crc = start;

    for (unsigned i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
        size_t block_sz = 3 * (size_t)blocks[i].lane_sz;

        for (; len >= block_sz; len -= block_sz, p += block_sz)
            crc = crc_block(&blocks[i], crc, p);
    }
    return (uint32_t)crc_serial(crc, p, len);
}

uint32_t pt_crc32c(uint32_t crc, const void *data, size_t len)
{
    /* The compiler's run time asked CPUID before main; this is one test of a bit. */
    if (__builtin_cpu_supports("pclmul"))
        return ~crc_lanes(~crc, data, len);
    return ~(uint32_t)crc_serial((uint32_t)~crc, data, len);
}
