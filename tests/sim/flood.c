/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paritap-flood: copies a capture and puts an attack between its packets, spread evenly over its
 * time. For tests only. The same input always gives the same output.
 *
 *   half-open  SYNs from ever new addresses to a broker
 *   stray      garbage of connections that never began, one segment from each side
 *   overlap    a few thousand connections whose bytes come far ahead of a gap, again and again over
 *              each other, and never the same
 *   reset      RSTs, and connections that are reset as soon as they begin, on ever new ports and on
 *              the same ones again
 *   all        each of them in turn
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zlib.h>

#define HEADS_SZ 54u /* Ethernet, IPv4, TCP */
#define GARBAGE_MAX 1200u
#define OVERLAP_CNT 4000u /* connections */
#define KIND_CNT 4u

static const char usage[] =
        "usage: paritap-flood half-open|stray|overlap|reset|all COUNT BROKER-IP "
        "IN OUT\n"
        "COUNT packets are added; IN is a pcap, plain or gzip, OUT a pcap.\n";
static const char *const kind_name[KIND_CNT] = { "half-open", "stray", "overlap", "reset" };

struct flood {
    gzFile in;
    FILE *out;
    uint8_t broker[4];
    uint64_t seed;
    uint64_t cnt;            /* made, */
    uint32_t made[KIND_CNT]; /* by kind */
    uint64_t unit;           /* of the file's fractions of a second, in a second */
};

/* splitmix64 */
static uint64_t draw(struct flood *f)
{
    uint64_t z = f->seed += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static void put16(uint8_t *at, uint32_t v)
{
    at[0] = (uint8_t)(v >> 8);
    at[1] = (uint8_t)v;
}

static void put32(uint8_t *at, uint32_t v)
{
    put16(at, v >> 16);
    put16(at + 2, v & 0xffff);
}

static bool put_packet(struct flood *f, uint64_t time, const uint8_t *data, uint32_t len,
                       uint32_t wire_len)
{
    uint32_t head[4] = { (uint32_t)(time / f->unit), (uint32_t)(time % f->unit), len, wire_len };

    return fwrite(head, sizeof(head), 1, f->out) == 1 && fwrite(data, len, 1, f->out) == 1;
}

/* A segment of client number `who`, or, back, to it. */
static bool attack(struct flood *f, uint64_t time, uint32_t who, bool back, uint8_t flags,
                   uint32_t seq, uint32_t len)
{
    uint8_t p[HEADS_SZ + GARBAGE_MAX] = { [12] = 8, [14] = 0x45, [22] = 64, [23] = 6 };
    const uint8_t client[4] = { 172, (uint8_t)(16 + (who >> 16 & 15)), (uint8_t)(who >> 8),
                                (uint8_t)who };
    uint32_t port = 1024 + (who >> 20) * 7 % 60000;

    put16(p + 16, 40 + len);
    put16(p + 18, (uint32_t)f->cnt);
    memcpy(p + 26, back ? f->broker : client, 4);
    memcpy(p + 30, back ? client : f->broker, 4);
    put16(p + 34, back ? 9092 : port);
    put16(p + 36, back ? port : 9092);
    put32(p + 38, seq);
    put32(p + 42, flags & 0x10 ? (uint32_t)draw(f) : 0);
    p[46] = 0x50;
    p[47] = flags;
    put16(p + 48, 65535);
    for (uint32_t i = 0; i < len; i += 8) {
        uint64_t garbage = draw(f);

        memcpy(p + HEADS_SZ + i, &garbage, len - i < 8 ? len - i : 8);
    }
    return put_packet(f, time, p, HEADS_SZ + len, HEADS_SZ + len);
}

/* One packet of the attack. Each kind has client numbers of its own. */
static bool add(struct flood *f, unsigned kind, uint64_t time)
{
    uint32_t n = f->made[kind]++;

    f->cnt++;
    switch (kind) {
    case 0:
        return attack(f, time, n, false, 0x02, (uint32_t)draw(f), 0);
    case 1: /* one from each side */
        return attack(f, time, 0x10000000u + n / 2, n & 1, 0x18, (uint32_t)draw(f),
                      1 + (uint32_t)(draw(f) % 200));
    case 2: /* the first of a connection at 0, the others all over [1000, 65000) */
        return attack(f, time, 0x20000000u + n % OVERLAP_CNT, draw(f) & 1, 0x18,
                      n < OVERLAP_CNT ? 0 : 1000 + (uint32_t)(draw(f) % 64000),
                      1 + (uint32_t)(draw(f) % GARBAGE_MAX));
    default:
        if (n % 3 == 0)
            return attack(f, time, 0x30000000u + n, draw(f) & 1, 0x14, (uint32_t)draw(f), 0);
        return attack(f, time, 0x40000000u + (uint32_t)(draw(f) % 1000), false,
                      n % 3 == 1 ? 0x02 : 0x04, (uint32_t)draw(f), 0);
    }
}

/* Reads all packets twice: for their time, and to copy them. */
static bool next_packet(struct flood *f, uint32_t head[4], uint8_t *data, uint32_t data_sz)
{
    if (gzread(f->in, head, 16) != 16)
        return false;
    if (head[2] > data_sz || gzread(f->in, data, head[2]) != (int)head[2]) {
        fprintf(stderr, "paritap-flood: the input is broken\n");
        exit(1);
    }
    return true;
}

static int copy(struct flood *f, unsigned kind, uint64_t count)
{
    static uint8_t data[1 << 20];
    uint32_t head[4];
    uint8_t file_head[24];
    uint32_t magic;
    uint64_t first = UINT64_MAX;
    uint64_t last = 0;
    z_off_t start = sizeof(file_head);

    if (gzread(f->in, file_head, sizeof(file_head)) != sizeof(file_head) ||
        fwrite(file_head, sizeof(file_head), 1, f->out) != 1)
        return -EIO;
    memcpy(&magic, file_head, sizeof(magic));
    f->unit = magic == 0xa1b23c4d ? 1000000000 : 1000000;
    while (next_packet(f, head, data, sizeof(data))) {
        uint64_t time = head[0] * f->unit + head[1];

        first = time < first ? time : first;
        last = time > last ? time : last;
    }
    if (gzseek(f->in, start, SEEK_SET) != start)
        return -EIO;
    while (next_packet(f, head, data, sizeof(data))) {
        uint64_t time = head[0] * f->unit + head[1];

        while (f->cnt < count) {
            uint64_t at = first + (last - first) * f->cnt / count;

            if (at > time)
                break;
            if (!add(f, kind < KIND_CNT ? kind : (unsigned)(f->cnt % KIND_CNT), at))
                return -EIO;
        }
        if (!put_packet(f, time, data, head[2], head[3]))
            return -EIO;
    }
    return 0;
}

int main(int argc, char **argv)
{
    struct flood f = { .seed = 1 };
    unsigned kind = 0;
    unsigned ip[4];
    int rc;

    if (argc != 6 || sscanf(argv[3], "%u.%u.%u.%u", &ip[0], &ip[1], &ip[2], &ip[3]) != 4) {
        fputs(usage, stderr);
        return 2;
    }
    while (kind < KIND_CNT && strcmp(argv[1], kind_name[kind]))
        kind++;
    if (kind == KIND_CNT && strcmp(argv[1], "all")) {
        fputs(usage, stderr);
        return 2;
    }
    for (int i = 0; i < 4; i++)
        f.broker[i] = (uint8_t)ip[i];
    f.in = gzopen(argv[4], "rb");
    f.out = fopen(argv[5], "wb");
    if (!f.in || !f.out) {
        perror("paritap-flood");
        return 1;
    }
    rc = copy(&f, kind, strtoull(argv[2], NULL, 10));
    gzclose(f.in);
    if (fclose(f.out) || rc) {
        fprintf(stderr, "paritap-flood: could not be written\n");
        return 1;
    }
    return 0;
}
