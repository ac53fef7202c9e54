/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/packet_pvt.h"

#define LINK_NULL 0u
#define LINK_ETHERNET 1u
#define LINK_RAW_OLD_12 12u /* three numbers for raw IP, by the system that captured */
#define LINK_RAW_OLD_14 14u
#define LINK_RAW 101u
#define LINK_LOOP 108u
#define LINK_COOKED_V1 113u
#define LINK_IPV4 228u
#define LINK_IPV6 229u
#define LINK_COOKED_V2 276u

/* Bounds of what is taken off one packet: more than any network stacks on purpose. */
#define VLAN_MAX 4u
#define LINK_MAX 12u /* tags, label stacks and frames in them */

/* read_frame takes off what stands between a link's header and IP: tags, one in the other, label
 * stacks, and frames in these. *ethertype is what stands before and behind them. */
static enum pt_packet_kind read_frame(struct pt_layer *l, uint16_t *ethertype)
{
    unsigned tags = 0;

    for (unsigned i = 0; i < LINK_MAX; i++) {
        enum pt_packet_kind kind;
        const uint8_t *p;

        switch (*ethertype) {
        case PT_ETHER_FRAME:
            p = pt_layer_take(l, 14);
            if (!p)
                return PT_PACKET_CUT;
            *ethertype = pt_be16(p + 12);
            break;
        case PT_ETHER_VLAN:
        case PT_ETHER_QINQ:
        case PT_ETHER_QINQ_OLD:
            p = pt_layer_take(l, 4);
            if (!p)
                return PT_PACKET_CUT;
            if (tags++ == VLAN_MAX)
                return PT_PACKET_MALFORMED;
            *ethertype = pt_be16(p + 2);
            break;
        case PT_ETHER_MPLS:
        case PT_ETHER_MPLS_MULTICAST:
            kind = pt_tunnel_mpls(l, ethertype);
            if (kind != PT_PACKET_TCP)
                return kind;
            break;
        default:
            return PT_PACKET_TCP;
        }
    }
    return PT_PACKET_MALFORMED;
}

static uint16_t ethertype_of_family(const uint8_t *p)
{
    uint32_t family = pt_be32(p);

    if (family > 0xffff) /* in the byte order of the host that captured */
        family = __builtin_bswap32(family);
    switch (family) {
    case 2:
        return PT_ETHER_IPV4;
    case 10: /* AF_INET6 is another number everywhere: Linux, BSD, FreeBSD, Darwin */
    case 24:
    case 28:
    case 30:
        return PT_ETHER_IPV6;
    default:
        return PT_ETHER_NONE;
    }
}

/* read_link takes the header of the capture's link type off, but for Ethernet's own. */
static enum pt_packet_kind read_link(struct pt_layer *l, uint32_t link_type,
                                     uint16_t *ret_ethertype)
{
    const uint8_t *p;

    switch (link_type) {
    case LINK_ETHERNET:
        *ret_ethertype = PT_ETHER_FRAME;
        return PT_PACKET_TCP;
    case LINK_COOKED_V1:
        p = pt_layer_take(l, 16);
        if (!p)
            return PT_PACKET_CUT;
        *ret_ethertype = pt_be16(p + 14);
        return PT_PACKET_TCP;
    case LINK_COOKED_V2:
        p = pt_layer_take(l, 20);
        if (!p)
            return PT_PACKET_CUT;
        *ret_ethertype = pt_be16(p);
        return PT_PACKET_TCP;
    case LINK_NULL:
    case LINK_LOOP:
        p = pt_layer_take(l, 4);
        if (!p)
            return PT_PACKET_CUT;
        *ret_ethertype = ethertype_of_family(p);
        return PT_PACKET_TCP;
    case LINK_RAW:
    case LINK_RAW_OLD_12:
    case LINK_RAW_OLD_14:
    case LINK_IPV4:
    case LINK_IPV6:
        *ret_ethertype = pt_layer_version(l);
        return PT_PACKET_TCP;
    default:
        return PT_PACKET_LINK_TYPE;
    }
}

/* read_ip takes all off before the payload of an IP packet. */
static enum pt_packet_kind read_ip(struct pt_layer *l, uint16_t ethertype, unsigned tunnels,
                                   struct pt_segment *seg, struct pt_wrap *wrap, uint8_t *ret_proto)
{
    enum pt_packet_kind kind = read_frame(l, &ethertype);

    if (kind != PT_PACKET_TCP)
        return kind;
    wrap->frag.tunnels = (uint8_t)tunnels;
    return pt_ip_read(l, ethertype, seg, &wrap->frag, ret_proto);
}

/* read_tcp needs the 20 fixed bytes only: cut options still say where the payload was. */
static enum pt_packet_kind read_tcp(struct pt_layer *l, struct pt_segment *seg)
{
    const uint8_t *p;
    uint32_t head_len;

    if (l->wire < 20)
        return PT_PACKET_MALFORMED;
    p = pt_layer_take(l, 20);
    if (!p)
        return PT_PACKET_CUT;
    head_len = (uint32_t)(p[12] >> 4) * 4;
    if (head_len < 20 || head_len - 20 > l->wire)
        return PT_PACKET_MALFORMED;
    seg->src.port = pt_be16(p);
    seg->dst.port = pt_be16(p + 2);
    seg->seq = pt_be32(p + 4);
    seg->ack = pt_be32(p + 8);
    seg->flags = p[13];
    pt_cur_take(&l->c, head_len - 20); /* if they are cut, nothing is left, and that is right */
    l->wire -= head_len - 20;
    seg->pay = l->c.at;
    seg->pay_len = (uint32_t)pt_cur_left(&l->c);
    seg->pay_missing = l->wire - seg->pay_len;
    return PT_PACKET_TCP;
}

static uint64_t add_words(uint64_t sum, const uint8_t *p, uint32_t len)
{
    for (; len > 1; len -= 2, p += 2)
        sum += pt_be16(p);
    return len ? sum + (uint32_t)*p * 256 : sum;
}

/* fits: the whole segment at tcp has a checksum that it may have. Sums of 16-bit words are equal if
 * they are so modulo 0xffff (RFC 1071), which the first words of ::ffff:a.b.c.d add nothing to. */
static bool fits(const uint8_t *tcp, uint32_t len, const struct pt_segment *seg)
{
    uint32_t field = pt_be16(tcp + 16);
    uint64_t sum = len + PT_IP_TCP;

    sum = add_words(sum, seg->src.ip, sizeof(seg->src.ip));
    sum = add_words(sum, seg->dst.ip, sizeof(seg->dst.ip));
    return !field || sum % 0xffff == field % 0xffff || add_words(sum, tcp, len) % 0xffff == 0;
}

/* read_payload goes through what stands behind an IP header, down to TCP. */
static enum pt_packet_kind read_payload(struct pt_layer *l, uint8_t proto, unsigned tunnels,
                                        bool in_fragments, struct pt_segment *seg,
                                        struct pt_wrap *wrap)
{
    const uint8_t *tcp;
    uint32_t len;
    bool cut;
    enum pt_packet_kind kind = PT_PACKET_TCP;

    for (; proto != PT_IP_TCP; tunnels++) {
        uint16_t ethertype = PT_ETHER_NONE;

        if (tunnels == PT_TUNNEL_MAX)
            return PT_PACKET_NOT_TCP;
        if (proto == PT_IP_UDP)
            kind = pt_tunnel_udp(l, &ethertype);
        else if (proto == PT_IP_GRE)
            kind = pt_tunnel_gre(l, seg, wrap, &ethertype);
        else
            return PT_PACKET_NOT_TCP;
        if (kind == PT_PACKET_TCP)
            kind = read_ip(l, ethertype, tunnels + 1, seg, wrap, &proto);
        if (kind != PT_PACKET_TCP)
            return kind;
    }
    seg->tunnels = (uint8_t)tunnels;
    tcp = l->c.at;
    len = l->wire;
    cut = pt_cur_left(&l->c) < len; /* be it in the options, where no payload is missing */
    kind = read_tcp(l, seg);
    if (in_fragments && kind == PT_PACKET_TCP && !cut && !fits(tcp, len, seg))
        return PT_PACKET_MIXED;
    return kind;
}

enum pt_packet_kind pt_packet_decode(const struct pt_frame *f, struct pt_segment *ret_seg,
                                     struct pt_wrap *ret_wrap)
{
    struct pt_layer l = { .c = pt_cur(f->data, f->cap_len), .wire = f->wire_len };
    uint16_t ethertype = PT_ETHER_NONE;
    uint8_t proto = 0;
    enum pt_packet_kind kind;

    ret_wrap->numbered = false;
    kind = read_link(&l, f->link_type, &ethertype);
    if (kind == PT_PACKET_TCP)
        kind = read_ip(&l, ethertype, 0, ret_seg, ret_wrap, &proto);
    return kind == PT_PACKET_TCP ? read_payload(&l, proto, 0, false, ret_seg, ret_wrap) : kind;
}

enum pt_packet_kind pt_packet_resume(const struct pt_fragment *whole, struct pt_segment *ret_seg,
                                     struct pt_wrap *ret_wrap)
{
    struct pt_layer l = { .c = pt_cur(whole->data, whole->len),
                          .wire = whole->len + whole->missing };
    uint8_t proto;
    enum pt_packet_kind kind = pt_ip_resume(&l, whole, ret_seg, &proto);

    ret_wrap->numbered = false;
    return kind == PT_PACKET_TCP ? read_payload(&l, proto, whole->tunnels, true, ret_seg, ret_wrap)
                                 : kind;
}

const char *pt_packet_kind_name(enum pt_packet_kind kind)
{
    static const char *const names[PT_PACKET_KIND_CNT] = {
#define X(name, help) [PT_PACKET_##name] = help,
        PT_PACKET_LIST(X)
#undef X
    };

    return names[kind];
}
