/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paritap-lose: copies a capture while leaving frames out, as a tap does that loses: at random, or
 * all that one host or one pair of hosts sent each other. For tests only. What it left out is
 * printed as name=value pairs; the same seed and input always give the same output.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pcap/pcap.h>
#include <zlib.h>

#define DROP_MAX 16

static const char usage[] =
        "usage: paritap-lose [--rate R] [--bursts MEAN] [--seed N] [--drop-host IP]... "
        "[--drop-pair IP IP]... IN OUT\n"
        "  --rate R           leave out this share of the frames, 0 <= R < 1 (default 0)\n"
        "  --bursts MEAN      in runs of this many on average (default 1: each frame by itself)\n"
        "  --seed N           another N, other frames (default 1)\n"
        "  --drop-host IP     leave out all frames from and to this address; up to 16\n"
        "  --drop-pair IP IP  leave out all frames between these two\n"
        "IN is pcap, pcapng or either of them in gzip; OUT becomes a plain nanosecond pcap.\n";

struct loser {
    double rate;
    double bursts;
    uint64_t seed;
    bool in_burst;
    char drop[DROP_MAX][128]; /* as pcap filters */
    struct bpf_program program[DROP_MAX];
    int drop_cnt;
    uint64_t frame_cnt;
    uint64_t random_cnt;
    uint64_t address_cnt;
    uint64_t lost_bytes;
};

/* splitmix64: a double in [0, 1) */
static double draw(struct loser *l)
{
    uint64_t z = l->seed += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    z ^= z >> 31;
    return (double)(z >> 11) / 9007199254740992.0;
}

/* Two states, so that runs have the wanted mean and all of them together the wanted share. */
static bool lose_at_random(struct loser *l)
{
    double leave = 1 / l->bursts;
    double enter = l->rate * leave / (1 - l->rate);

    if (l->bursts <= 1)
        l->in_burst = draw(l) < l->rate;
    else
        l->in_burst = l->in_burst ? draw(l) >= leave : draw(l) < enter;
    return l->in_burst;
}

static bool lose_by_address(const struct loser *l, const struct pcap_pkthdr *h, const u_char *data)
{
    for (int i = 0; i < l->drop_cnt; i++)
        if (pcap_offline_filter(&l->program[i], h, data))
            return true;
    return false;
}

static int copy(struct loser *l, pcap_t *in, pcap_dumper_t *out)
{
    struct pcap_pkthdr *h;
    const u_char *data;
    int rc;

    while ((rc = pcap_next_ex(in, &h, &data)) == 1) {
        bool random =
                lose_at_random(l); /* drawn for each frame: addresses don't change the others */
        bool address = lose_by_address(l, h, data);

        l->frame_cnt++;
        if (!random && !address) {
            pcap_dump((u_char *)out, h, data);
            continue;
        }
        l->address_cnt += address;
        l->random_cnt += random && !address;
        l->lost_bytes += h->len;
    }
    return rc == PCAP_ERROR_BREAK ? 0 : -1;
}

static ssize_t read_gz(void *cookie, char *buf, size_t sz)
{
    return gzread(cookie, buf, (unsigned)sz);
}

static int close_gz(void *cookie)
{
    return gzclose_r(cookie);
}

static pcap_t *open_in(const char *path, char *err)
{
    cookie_io_functions_t io = { .read = read_gz, .close = close_gz };
    gzFile gz = gzopen(path, "rb"); /* reads plain files as they are */
    FILE *f = gz ? fopencookie(gz, "rb", io) : NULL;
    pcap_t *in;

    if (!f) {
        snprintf(err, PCAP_ERRBUF_SIZE, "%s", strerror(errno));
        if (gz)
            gzclose_r(gz);
        return NULL;
    }
    in = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, err);
    if (!in)
        fclose(f);
    return in;
}

static int run(struct loser *l, const char *in_path, const char *out_path)
{
    char err[PCAP_ERRBUF_SIZE] = "";
    pcap_dumper_t *dump = NULL;
    pcap_t *out = NULL;
    pcap_t *in = open_in(in_path, err);
    int rc = -1;

    if (!in) {
        fprintf(stderr, "paritap-lose: %s: %s\n", in_path, err);
        return -1;
    }
    for (int i = 0; i < l->drop_cnt; i++) {
        if (pcap_compile(in, &l->program[i], l->drop[i], 1, PCAP_NETMASK_UNKNOWN)) {
            fprintf(stderr, "paritap-lose: '%s': %s\n", l->drop[i], pcap_geterr(in));
            goto out;
        }
    }
    out = pcap_open_dead_with_tstamp_precision(pcap_datalink(in), pcap_snapshot(in),
                                               PCAP_TSTAMP_PRECISION_NANO);
    dump = out ? pcap_dump_open(out, out_path) : NULL;
    if (!dump) {
        fprintf(stderr, "paritap-lose: %s\n", out ? pcap_geterr(out) : "out of memory");
        goto out;
    }
    rc = copy(l, in, dump);
    if (rc)
        fprintf(stderr, "paritap-lose: %s: %s\n", in_path, pcap_geterr(in));
    if (pcap_dump_flush(dump)) {
        fprintf(stderr, "paritap-lose: %s: cannot write\n", out_path);
        rc = -1;
    }
out:
    for (int i = 0; i < l->drop_cnt; i++)
        pcap_freecode(&l->program[i]);
    if (dump)
        pcap_dump_close(dump);
    if (out)
        pcap_close(out);
    pcap_close(in);
    return rc;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "rate", required_argument, NULL, 'r' },
        { "bursts", required_argument, NULL, 'b' },
        { "seed", required_argument, NULL, 's' },
        { "drop-host", required_argument, NULL, 'h' },
        { "drop-pair", required_argument, NULL, 'p' },
        { NULL, 0, NULL, 0 },
    };
    struct loser l = { .bursts = 1, .seed = 1 };
    int opt;

    while ((opt = getopt_long(argc, argv, "+", options, NULL)) != -1) {
        if ((opt == 'h' || opt == 'p') && l.drop_cnt == DROP_MAX)
            opt = '?';
        switch (opt) {
        case 'r':
            l.rate = atof(optarg);
            break;
        case 'b':
            l.bursts = atof(optarg);
            break;
        case 's':
            l.seed = strtoull(optarg, NULL, 0);
            break;
        case 'h':
            snprintf(l.drop[l.drop_cnt++], sizeof(l.drop[0]), "host %s", optarg);
            break;
        case 'p':
            if (optind >= argc)
                opt = '?';
            else
                snprintf(l.drop[l.drop_cnt++], sizeof(l.drop[0]), "host %s and host %s", optarg,
                         argv[optind++]);
            break;
        }
        if (opt == '?')
            break;
    }
    if (opt == '?' || argc - optind != 2 || l.rate < 0 || l.rate >= 1 || l.bursts < 1) {
        fputs(usage, stderr);
        return 2;
    }
    if (run(&l, argv[optind], argv[optind + 1]))
        return 2;
    printf("frames=%llu lost_at_random=%llu lost_by_address=%llu lost_bytes=%llu\n",
           (unsigned long long)l.frame_cnt, (unsigned long long)l.random_cnt,
           (unsigned long long)l.address_cnt, (unsigned long long)l.lost_bytes);
    return 0;
}
