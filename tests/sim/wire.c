/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/wire.h"

#include <errno.h>
#include <string.h>

#define FIN 0x01u
#define SYN 0x02u
#define PSH 0x08u
#define ACK 0x10u
#define HEADERS_SZ 54u
#define START_NS 1700000000000000000

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v >> 16);
    put16(p + 2, v & 0xffff);
}

int wire_open(struct wire *w, const char *path)
{
    const uint32_t header[6] = { 0xa1b23c4d, 2 | 4u << 16, 0, 0, 262144, 1 };

    *w = (struct wire){ .f = fopen(path, "wb"), .now_ns = START_NS };
    if (!w->f)
        return -errno;
    setvbuf(w->f, NULL, _IOFBF, 1 << 20);
    w->bytes = sizeof(header);
    return fwrite(header, sizeof(header), 1, w->f) == 1 ? 0 : -EIO;
}

int wire_close(struct wire *w)
{
    int bad = ferror(w->f);

    return fclose(w->f) || bad ? -EIO : 0;
}

static void packet(struct wire *w, struct wire_conn *c, int side, unsigned flags,
                   const uint8_t *pay, size_t len)
{
    uint8_t h[HEADERS_SZ] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 };
    uint32_t total = (uint32_t)(HEADERS_SZ + len);
    uint32_t rec[4] = { (uint32_t)(w->now_ns / 1000000000), (uint32_t)(w->now_ns % 1000000000),
                        total, total };
    uint32_t sum = 0;

    put16(h + 16, (unsigned)(40 + len));
    put16(h + 18, c->ip_id[side]++);
    h[20] = 0x40; /* do not fragment */
    h[22] = 64;
    h[23] = 6;
    put32(h + 26, c->ip[side]);
    put32(h + 30, c->ip[!side]);
    for (int i = 14; i < 34; i += 2)
        sum += (uint32_t)h[i] << 8 | h[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    put16(h + 24, ~(sum + (sum >> 16)) & 0xffff);
    put16(h + 34, c->port[side]);
    put16(h + 36, c->port[!side]);
    put32(h + 38, c->seq[side]);
    put32(h + 42, flags & ACK ? c->seq[!side] : 0);
    h[46] = 0x50;
    h[47] = (uint8_t)flags;
    put16(h + 48, 0xffff);
    fwrite(rec, sizeof(rec), 1, w->f);
    fwrite(h, sizeof(h), 1, w->f);
    if (len)
        fwrite(pay, len, 1, w->f);
    c->seq[side] += (uint32_t)len + (flags & (SYN | FIN) ? 1 : 0);
    w->packets++;
    w->bytes += sizeof(rec) + total;
    w->now_ns += (int64_t)(total + 24) * 8 / 10;
}

void wire_connect(struct wire *w, struct wire_conn *c, uint32_t client_ip, uint16_t client_port,
                  uint32_t broker_ip, uint16_t broker_port)
{
    *c = (struct wire_conn){
        .ip = { client_ip, broker_ip },
        .port = { client_port, broker_port },
        .seq = { client_ip * 2654435761u + client_port, broker_ip * 40503u + client_port * 65537u },
    };
    packet(w, c, 0, SYN, NULL, 0);
    packet(w, c, 1, SYN | ACK, NULL, 0);
    packet(w, c, 0, ACK, NULL, 0);
}

void wire_send(struct wire *w, struct wire_conn *c, int side, const uint8_t *data, size_t len)
{
    while (len) {
        size_t n = len < WIRE_MSS ? len : WIRE_MSS;

        packet(w, c, side, n == len ? ACK | PSH : ACK, data, n);
        c->unacked[!side] = 0;
        data += n;
        len -= n;
        /* A receiver with coalescing acknowledges about every fourth segment. */
        if (++c->unacked[side] == 4) {
            packet(w, c, !side, ACK, NULL, 0);
            c->unacked[side] = 0;
        }
    }
}

void wire_finish(struct wire *w, struct wire_conn *c)
{
    packet(w, c, 0, FIN | ACK, NULL, 0);
    packet(w, c, 1, FIN | ACK, NULL, 0);
    packet(w, c, 0, ACK, NULL, 0);
}
