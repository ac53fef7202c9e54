/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paritap-floor FILE...: the least that proving parity costs. Reads captures with the same reader
 * and decoder as paritap, and does to all TCP payload the two things that cannot be left out:
 * CRC-32C, which every batch carries, and XXH3, which the comparison needs. No streams, no parsing.
 * What paritap takes longer than this, in the same run on the same file, is its own.
 */
#include <inttypes.h>
#include <stdio.h>
#include <time.h>

#include <xxh_x86dispatch.h> /* plain XXH3_64bits of the shared library is ten times slower */

#include "dataplane/packet.h"
#include "hw/crc32c.h"

struct floor_sums {
    uint64_t packets;
    uint64_t payload;
    uint32_t crc; /* over all payload, in file order */
    uint64_t xxh; /* sum of the packets' hashes */
};

static int read_file(const char *path, struct floor_sums *sums)
{
    struct pt_capture *cap;
    struct pt_segment seg;
    struct pt_wrap wrap;
    struct pt_frame f;
    const char *err;
    int rc = pt_capture_open(path, &cap, &err);

    if (rc < 0) {
        fprintf(stderr, "paritap-floor: %s\n", err);
        return rc;
    }
    while ((rc = pt_capture_next(cap, &f)) == 1) {
        if (pt_packet_decode(&f, &seg, &wrap) != PT_PACKET_TCP || seg.pay_len == 0)
            continue;
        sums->payload += seg.pay_len;
        sums->crc = pt_crc32c(sums->crc, seg.pay, seg.pay_len);
        sums->xxh += XXH3_64bits_dispatch(seg.pay, seg.pay_len);
    }
    sums->packets += pt_capture_info(cap)->packets;
    if (pt_capture_info(cap)->trouble[0])
        fprintf(stderr, "paritap-floor: %s: %s\n", path, pt_capture_info(cap)->trouble);
    pt_capture_close(cap);
    return rc;
}

static double seconds(clockid_t clock)
{
    struct timespec t;

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

int main(int argc, char **argv)
{
    struct floor_sums sums = { 0 };
    double wall = seconds(CLOCK_MONOTONIC);
    double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID);

    if (argc < 2 || (argv[1][0] == '-' && argv[1][1])) {
        fprintf(stderr,
                "usage: paritap-floor FILE...\n"
                "FILE is a pcap or pcapng file, plain, gzip or zstd; - is standard input.\n");
        return 2;
    }
    for (int i = 1; i < argc; i++)
        if (read_file(argv[i], &sums) < 0)
            return 2;
    wall = seconds(CLOCK_MONOTONIC) - wall;
    cpu = seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu;

    printf("packets       %" PRIu64 "\n", sums.packets);
    printf("payload_bytes %" PRIu64 "\n", sums.payload);
    printf("seconds       %.6f\n", wall);
    printf("cpu_seconds   %.6f\n", cpu);
    printf("gb_per_second %.3f\n", wall > 0 ? (double)sums.payload / wall / 1e9 : 0.0);
    printf("crc32c        %08" PRIx32 "\n", sums.crc);
    printf("xxh3_sum      %016" PRIx64 "\n", sums.xxh);
    return 0;
}
