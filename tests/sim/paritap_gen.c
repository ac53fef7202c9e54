/* SPDX-License-Identifier: Apache-2.0 */
/* paritap-gen: writes a capture of two clusters that carry the same records (kafka_gen.h). */
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/kafka_gen.h"

static const char usage_text[] =
        "usage: paritap-gen [OPTIONS] FILE\n"
        "Writes a capture (pcap, ns) of a source cluster 10.88.1.0/24 and a target cluster\n"
        "10.88.2.0/24 that carry the same records: Produce and follower Fetch of every batch.\n"
        "  --bytes N        size of the capture (1000000000)\n"
        "  --record-size N  bytes of a value (1024)\n"
        "  --batch N        records of a batch (16)\n"
        "  --partitions N   (6)\n"
        "  --replicas N     brokers of each cluster, 1..8 (3)\n"
        "  --codec NAME     none, lz4, zstd (none)\n"
        "  --skip-every N   every N-th record is missing on the target (0: none)\n"
        "  --seed N         (1)\n";

static uint64_t number(const char *s)
{
    char *end;
    unsigned long long v = strtoull(s, &end, 10);

    if (*end || end == s) {
        fprintf(stderr, "paritap-gen: '%s' is not a number\n%s", s, usage_text);
        exit(2);
    }
    return v;
}

static enum batch_codec codec(const char *s)
{
    if (!strcmp(s, "none"))
        return CODEC_NONE;
    if (!strcmp(s, "lz4"))
        return CODEC_LZ4;
    if (!strcmp(s, "zstd"))
        return CODEC_ZSTD;
    fprintf(stderr, "paritap-gen: no codec '%s'\n%s", s, usage_text);
    exit(2);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "bytes", required_argument, NULL, 'b' },
        { "record-size", required_argument, NULL, 'r' },
        { "batch", required_argument, NULL, 'n' },
        { "partitions", required_argument, NULL, 'p' },
        { "replicas", required_argument, NULL, 'R' },
        { "codec", required_argument, NULL, 'c' },
        { "skip-every", required_argument, NULL, 's' },
        { "seed", required_argument, NULL, 'S' },
        { 0 },
    };
    struct kafka_gen_cfg cfg = { .file_sz = 1000000000,
                                 .record_sz = 1024,
                                 .batch_records = 16,
                                 .partitions = 6,
                                 .replicas = 3,
                                 .seed = 1 };
    struct kafka_gen_truth truth;
    struct mirror mirror;
    struct wire w;
    int opt;

    while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (opt) {
        case 'b':
            cfg.file_sz = number(optarg);
            break;
        case 'r':
            cfg.record_sz = (uint32_t)number(optarg);
            break;
        case 'n':
            cfg.batch_records = (uint32_t)number(optarg);
            break;
        case 'p':
            cfg.partitions = (uint32_t)number(optarg);
            break;
        case 'R':
            cfg.replicas = (uint32_t)number(optarg);
            break;
        case 'c':
            cfg.codec = codec(optarg);
            break;
        case 's':
            cfg.skip_every = (uint32_t)number(optarg);
            break;
        case 'S':
            cfg.seed = number(optarg);
            break;
        default:
            fputs(usage_text, stderr);
            return 2;
        }
    }
    if (optind != argc - 1) {
        fputs(usage_text, stderr);
        return 2;
    }
    if (mirror_open(&mirror, argv[optind], NULL, NULL)) {
        perror(argv[optind]);
        return 2;
    }
    wire_init(&w, &mirror);
    if (kafka_gen_run(&w, &cfg, &truth) || mirror_close(&mirror)) {
        fprintf(stderr, "paritap-gen: %s could not be written\n", argv[optind]);
        return 2;
    }
    printf("%s: %llu packets, %llu bytes, %llu source records, %llu target records\n", argv[optind],
           (unsigned long long)w.packets, (unsigned long long)mirror.bytes,
           (unsigned long long)truth.source_records, (unsigned long long)truth.target_records);
    return 0;
}
