/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/wire.h"

#include <string.h>

#include "tests/sim/buf.h"

#define FIN 0x01u
#define SYN 0x02u
#define PSH 0x08u
#define ACK 0x10u
#define HEADERS_SZ 54u
#define START_NS 1700000000000000000

void wire_init(struct wire *w, struct mirror *mirror)
{
    *w = (struct wire){ .mirror = mirror, .now_ns = START_NS, .mss = WIRE_MSS };
}

/* seq is the packet's own; nothing of c moves on but the IP identification. */
static void packet(struct wire *w, struct wire_conn *c, int side, unsigned flags, uint32_t seq,
                   uint64_t off, const uint8_t *pay, size_t len)
{
    static const uint8_t start[HEADERS_SZ] = { 2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45 };
    uint8_t frame[MIRROR_FRAME_MAX];
    const struct mirror_load load = { c->dir[side], flags & SYN, off, (uint32_t)len };
    size_t total = HEADERS_SZ + len;
    uint8_t *h = frame;
    uint32_t sum = 0;

    memcpy(frame, start, sizeof(start));
    buf_be_at(h + 16, 40 + len, 2);
    buf_be_at(h + 18, c->ip_id[side]++, 2);
    h[20] = 0x40; /* do not fragment */
    h[22] = 64;
    h[23] = 6;
    buf_be_at(h + 26, c->ip[side], 4);
    buf_be_at(h + 30, c->ip[!side], 4);
    for (int i = 14; i < 34; i += 2)
        sum += (uint32_t)h[i] << 8 | h[i + 1];
    sum = (sum & 0xffff) + (sum >> 16);
    buf_be_at(h + 24, ~(sum + (sum >> 16)) & 0xffff, 2);
    buf_be_at(h + 34, c->port[side], 2);
    buf_be_at(h + 36, c->port[!side], 2);
    buf_be_at(h + 38, seq, 4);
    buf_be_at(h + 42, flags & ACK ? c->seq[!side] : 0, 4);
    h[46] = 0x50;
    h[47] = (uint8_t)flags;
    buf_be_at(h + 48, 0xffff, 2);
    if (len)
        memcpy(frame + HEADERS_SZ, pay, len);
    mirror_frame(w->mirror, w->now_ns, frame, total, &load);
    w->packets++;
    w->now_ns += (int64_t)(total + 24) * 8 / 10;
}

static void control(struct wire *w, struct wire_conn *c, int side, unsigned flags)
{
    packet(w, c, side, flags, c->seq[side], c->sent[side], NULL, 0);
    if (flags & (SYN | FIN))
        c->seq[side]++;
}

void wire_connect(struct wire *w, struct wire_conn *c, uint32_t client_ip, uint16_t client_port,
                  uint32_t broker_ip, uint16_t broker_port)
{
    struct oracle *o = w->mirror->oracle;

    *c = (struct wire_conn){
        .ip = { client_ip, broker_ip },
        .port = { client_port, broker_port },
        .seq = { client_ip * 2654435761u + client_port, broker_ip * 40503u + client_port * 65537u },
    };
    for (int side = 0; o && side < 2; side++)
        c->dir[side] = oracle_open(o);
    control(w, c, 0, SYN);
    control(w, c, 1, SYN | ACK);
    control(w, c, 0, ACK);
}

static bool again(struct wire *w)
{
    w->rng = w->rng * 6364136223846793005u + 1442695040888963407u;
    return w->retransmit > 0 && (double)(w->rng >> 33) < w->retransmit * 2147483648.0;
}

struct oracle_frame wire_send(struct wire *w, struct wire_conn *c, int side, const uint8_t *data,
                              size_t len)
{
    struct oracle_frame frame = { ORACLE_NONE, 0 };

    if (w->mirror->oracle)
        frame = oracle_sent(w->mirror->oracle, c->dir[side], c->sent[side], c->sent[side] + len);
    while (len) {
        size_t n = len < w->mss ? len : w->mss;
        unsigned flags = n == len ? ACK | PSH : ACK;

        packet(w, c, side, flags, c->seq[side], c->sent[side], data, n);
        if (again(w))
            packet(w, c, side, flags, c->seq[side], c->sent[side], data, n);
        c->seq[side] += (uint32_t)n;
        c->sent[side] += n;
        c->unacked[!side] = 0;
        data += n;
        len -= n;
        /* A receiver with coalescing acknowledges about every fourth segment. */
        if (++c->unacked[side] == 4) {
            control(w, c, !side, ACK);
            c->unacked[side] = 0;
        }
    }
    return frame;
}

void wire_finish(struct wire *w, struct wire_conn *c)
{
    control(w, c, 0, FIN | ACK);
    control(w, c, 1, FIN | ACK);
    control(w, c, 0, ACK);
}
