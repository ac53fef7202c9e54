/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_NIC_RATES_H
#define PT_HW_NIC_RATES_H
/*
 * What one core can carry, estimated from measured pieces: take a packet, check the CRC,
 * decompress, read and hash records. The pieces were measured on ANOTHER machine (a 2-core virtual
 * Xeon, Cascade Lake at 2.5 GHz; data in memory, not in the cache), one at a time, and TCP and
 * frame parsing are not among them: a figure here is an upper bound for planning, never a promise.
 * PERF.md has what was measured end to end.
 *
 * Costs are whole picoseconds, so that the same question always has the same answer.
 */
#include <stdint.h>

enum pt_rate_codec {
    PT_RATE_NONE,
    PT_RATE_GZIP,
    PT_RATE_SNAPPY,
    PT_RATE_LZ4,
    PT_RATE_ZSTD,
    PT_RATE_CODEC_CNT,
};

struct pt_rate {
    const char *name;
    uint32_t ratio_percent; /* uncompressed bytes for 100 compressed ones */
    uint32_t decompress_ps; /* per uncompressed byte */
};

extern const struct pt_rate pt_rates[PT_RATE_CODEC_CNT];

/* Shares of the codecs in the payload on the wire, percent; they add up to 100. */
struct pt_rate_mix {
    uint8_t percent[PT_RATE_CODEC_CNT];
};

/* pt_rate_mbps is what a core carries, Mbit/s on the wire in 1500-byte frames. With `handed_over`
 * packets come from another core through a ring. */
uint32_t pt_rate_mbps(const struct pt_rate_mix *mix, int handed_over);

/* pt_rate_only is a mix of one codec. */
struct pt_rate_mix pt_rate_only(enum pt_rate_codec codec);

#endif
