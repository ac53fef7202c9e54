/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/nic_rates.h"

#define FRAME_SZ 1500u
/* rte_eth_rx_burst of 32 and a first touch: 118 to 190 ns a packet (net_pcap, infinite_rx). */
#define PACKET_PS 190000u
/* Buffers that one core takes and another frees: 13.5 million/s against 131 on the same core. */
#define HAND_OVER_PS 75000u
#define CRC_PS 92u     /* 10.9 GB/s from memory */
#define HASH_PS 98u    /* XXH3 64 bits, 10.2 GB/s from memory */
#define RECORDS_PS 32u /* 32 ns beyond CRC and hash for a record of 1000 bytes */

/* Decompression by the libraries that parser/codec.c uses, 64 KiB blocks of JSON-like records. */
const struct pt_rate pt_rates[PT_RATE_CODEC_CNT] = {
    [PT_RATE_NONE] = { "none", 100, 0 },
    [PT_RATE_GZIP] = { "gzip", 360, 2380 },     /* libdeflate, 0.42 GB/s */
    [PT_RATE_SNAPPY] = { "snappy", 215, 1124 }, /* 0.89 GB/s */
    [PT_RATE_LZ4] = { "lz4", 220, 540 },        /* 1.85 GB/s */
    [PT_RATE_ZSTD] = { "zstd", 350, 1250 },     /* 0.80 GB/s */
};

static uint64_t wire_byte_ps(const struct pt_rate *rate)
{
    return CRC_PS +
           (uint64_t)rate->ratio_percent * (rate->decompress_ps + HASH_PS + RECORDS_PS) / 100;
}

uint32_t pt_rate_mbps(const struct pt_rate_mix *mix, int handed_over)
{
    uint64_t frame_ps = PACKET_PS + (handed_over ? HAND_OVER_PS : 0);

    for (unsigned i = 0; i < PT_RATE_CODEC_CNT; i++)
        frame_ps += mix->percent[i] * wire_byte_ps(&pt_rates[i]) * FRAME_SZ / 100;
    /* bits / ps = Tbit/s */
    return (uint32_t)(FRAME_SZ * 8ull * 1000000ull / frame_ps);
}

struct pt_rate_mix pt_rate_only(enum pt_rate_codec codec)
{
    struct pt_rate_mix mix = { 0 };

    mix.percent[codec] = 100;
    return mix;
}
