/* SPDX-License-Identifier: Apache-2.0 */
#include "talk.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIN 1
#define SYN 2
#define RST 4

struct held { /* a segment that came early */
    struct held *next;
    uint32_t seq;
    struct talk_piece piece;
};

struct flow {
    uint32_t next_seq[2];
    bool known[2];
    struct held *held[2];
};

struct load {
    struct talk *talk;
    struct flow *flow;
};

static void *grown(void *p, size_t cnt, size_t sz)
{
    if (cnt & (cnt - 1))
        return p;
    p = realloc(p, (cnt ? 2 * cnt : 1) * sz);
    if (!p)
        abort();
    return p;
}

static struct pt_endpoint endpoint(const uint8_t *ip, uint16_t port)
{
    struct pt_endpoint e = { .ip = { [10] = 0xff, [11] = 0xff }, .port = port };

    memcpy(e.ip + 12, ip, 4);
    return e;
}

static bool same(const struct pt_endpoint *a, const struct pt_endpoint *b)
{
    return a->port == b->port && !memcmp(a->ip, b->ip, sizeof(a->ip));
}

static uint32_t find_conn(struct load *l, const struct pt_endpoint *src,
                          const struct pt_endpoint *dst, bool syn, uint32_t seq, int *side)
{
    struct talk *t = l->talk;

    for (size_t i = t->conn_cnt; i > 0; i--) {
        const struct talk_conn *c = &t->conn[i - 1];

        for (*side = 0; *side < 2; ++*side)
            if (same(&c->ep[*side], src) && same(&c->ep[!*side], dst)) {
                if (syn && l->flow[i - 1].known[*side] && l->flow[i - 1].next_seq[*side] != seq + 1)
                    break; /* the ports again: a new connection */
                return (uint32_t)(i - 1);
            }
        if (*side < 2)
            break;
    }
    *side = 0;
    t->conn = grown(t->conn, t->conn_cnt, sizeof(*t->conn));
    l->flow = grown(l->flow, t->conn_cnt, sizeof(*l->flow));
    t->conn[t->conn_cnt] = (struct talk_conn){ .ep = { *src, *dst }, .initiator = syn ? 0 : -1 };
    l->flow[t->conn_cnt] = (struct flow){ 0 };
    return (uint32_t)t->conn_cnt++;
}

static void emit(struct talk *t, const struct talk_piece *p)
{
    t->piece = grown(t->piece, t->piece_cnt, sizeof(*t->piece));
    t->piece[t->piece_cnt++] = *p;
}

static void segment(struct load *l, struct talk_piece p, uint32_t seq)
{
    struct flow *f = &l->flow[p.conn];
    uint32_t *next = &f->next_seq[p.side];
    int32_t old;

    if (!f->known[p.side]) {
        f->known[p.side] = true;
        *next = seq;
    }
    old = (int32_t)(*next - seq);
    if (old >= (int32_t)p.len)
        return;
    if (old < 0) {
        struct held *h = malloc(sizeof(*h));

        if (!h)
            abort();
        *h = (struct held){ .next = f->held[p.side], .seq = seq, .piece = p };
        h->piece.data = malloc(p.len);
        memcpy(h->piece.data, p.data, p.len);
        f->held[p.side] = h;
        return;
    }
    p.data += old;
    p.len -= (uint32_t)old;
    *next += p.len;
    {
        uint8_t *copy = malloc(p.len);

        if (!copy)
            abort();
        memcpy(copy, p.data, p.len);
        p.data = copy;
    }
    emit(l->talk, &p);
    for (struct held **h = &f->held[p.side]; *h; h = &(*h)->next) {
        struct held *found = *h;

        if ((int32_t)(found->seq - *next) > 0)
            continue;
        *h = found->next;
        segment(l, found->piece, found->seq);
        free(found->piece.data);
        free(found);
        return;
    }
}

static void packet(struct load *l, const uint8_t *d, uint32_t len, const struct pt_packet_ref *at)
{
    struct talk_piece p = { .at = *at };
    struct pt_endpoint src;
    struct pt_endpoint dst;
    const uint8_t *ip = d + 14;
    const uint8_t *tcp;
    uint32_t ip_len;
    uint32_t head;
    uint32_t seq;
    bool syn;

    if (len < 54 || pt_be16(d + 12) != 0x0800)
        return;
    ip_len = pt_be16(ip + 2);
    tcp = ip + 4 * (ip[0] & 15);
    if (ip[9] == 17 && pt_be16(tcp + 2) == 4789) { /* VXLAN */
        packet(l, tcp + 16, (uint32_t)(d + len - (tcp + 16)), at);
        return;
    }
    if (ip[9] != 6)
        return;
    src = endpoint(ip + 12, pt_be16(tcp));
    dst = endpoint(ip + 16, pt_be16(tcp + 2));
    seq = pt_be32(tcp + 4);
    syn = tcp[13] & SYN;
    p.conn = find_conn(l, &src, &dst, syn, seq, &p.side);
    head = 4u * (unsigned)(ip[0] & 15) + 4u * (unsigned)(tcp[12] >> 4);
    if (syn) {
        l->flow[p.conn].known[p.side] = true;
        l->flow[p.conn].next_seq[p.side] = seq + 1;
        if (!(tcp[13] & 16))
            l->talk->conn[p.conn].initiator = p.side;
        return;
    }
    if (!ip_len) /* segmentation offload of 64 KiB */
        ip_len = len - 14;
    p.len = ip_len - head;
    p.data = (uint8_t *)(uintptr_t)(ip + head);
    if (p.len && (uint32_t)(p.data - d) + p.len <= len)
        segment(l, p, seq);
}

void talk_load(const char *name, struct talk *ret_talk)
{
    struct load l = { .talk = ret_talk };
    struct pcap_pkthdr *h;
    const u_char *data;
    char err[PCAP_ERRBUF_SIZE];
    char command[1024];
    uint64_t cnt = 0;
    pcap_t *pcap;
    FILE *in;

    *ret_talk = (struct talk){ 0 };
    snprintf(command, sizeof(command), "gzip -dcf '%s/%s'", getenv("PT_CAPTURES"), name);
    in = popen(command, "r");
    pcap = in ? pcap_fopen_offline(in, err) : NULL;
    if (!pcap) {
        fprintf(stderr, "%s: cannot be read\n", name);
        exit(1);
    }
    while (pcap_next_ex(pcap, &h, &data) == 1) {
        cnt++;
        struct pt_packet_ref at = { .order = cnt,
                                    .packet = cnt,
                                    .time_ns = h->ts.tv_sec * 1000000000ll + h->ts.tv_usec * 1000 };

        packet(&l, data, h->caplen, &at);
    }
    for (size_t i = 0; i < ret_talk->conn_cnt; i++)
        for (int s = 0; s < 2; s++)
            while (l.flow[i].held[s]) {
                struct held *x = l.flow[i].held[s];

                l.flow[i].held[s] = x->next;
                free(x->piece.data);
                free(x);
            }
    free(l.flow);
    pcap_close(pcap);
}

void talk_free(struct talk *t)
{
    for (size_t i = 0; i < t->piece_cnt; i++)
        free(t->piece[i].data);
    free(t->piece);
    free(t->conn);
    *t = (struct talk){ 0 };
}
