/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/packet.h"

#include <string.h>

#include "parser/cursor.h"

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

#define ETHER_IPV4 0x0800u
#define ETHER_IPV6 0x86ddu
#define ETHER_VLAN 0x8100u
#define ETHER_QINQ 0x88a8u
#define ETHER_QINQ_OLD 0x9100u
#define ETHER_NONE 0u /* ours: a protocol without an EtherType */

#define IP_TCP 6u
#define IP_UDP 17u
#define IP_MORE_FRAGMENTS 0x2000u
#define IP_FRAGMENT_OFFSET 0x1fffu

#define UDP_PORT_VXLAN 4789u

/* Bounds of what is taken off one packet: more than any network stacks on purpose. */
#define VLAN_MAX 4u
#define EXTENSION_MAX 8u
#define TUNNEL_MAX 4u

/*
 * One layer's bytes: those that were captured, and how many it had on the wire. left only counts
 * what the layers around it leave; padding behind a length field is cut off, bytes that the snap
 * length took are counted on. So wire >= what the cursor has left, always.
 */
struct layer {
    struct pt_cursor c;
    uint32_t wire;
};

static const uint8_t *take(struct layer *l, uint32_t len)
{
    const uint8_t *p = pt_cur_take(&l->c, len);

    if (p)
        l->wire -= len;
    return p;
}

/* shorten says that the layer has only len bytes, whatever follows them in the frame. A length
 * beyond the frame is believed: the frame was cut before it got here (mirrors do that). */
static void shorten(struct layer *l, uint32_t len)
{
    if (pt_cur_left(&l->c) > len)
        l->c.end = l->c.at + len;
    l->wire = len;
}

/* read_vlan takes tags off, one in the other: *ethertype is what stands before and behind them. */
static enum pt_packet_kind read_vlan(struct layer *l, uint16_t *ethertype)
{
    for (unsigned i = 0;
         *ethertype == ETHER_VLAN || *ethertype == ETHER_QINQ || *ethertype == ETHER_QINQ_OLD;
         i++) {
        const uint8_t *p = take(l, 4);

        if (!p)
            return PT_PACKET_CUT;
        if (i == VLAN_MAX)
            return PT_PACKET_MALFORMED;
        *ethertype = pt_be16(p + 2);
    }
    return PT_PACKET_TCP;
}

static enum pt_packet_kind read_ethernet(struct layer *l, uint16_t *ret_ethertype)
{
    const uint8_t *p = take(l, 14);

    if (!p)
        return PT_PACKET_CUT;
    *ret_ethertype = pt_be16(p + 12);
    return read_vlan(l, ret_ethertype);
}

static uint16_t ethertype_of_family(const uint8_t *p)
{
    uint32_t family = pt_be32(p);

    if (family > 0xffff) /* in the byte order of the host that captured */
        family = __builtin_bswap32(family);
    switch (family) {
    case 2:
        return ETHER_IPV4;
    case 10: /* AF_INET6 is another number everywhere: Linux, BSD, FreeBSD, Darwin */
    case 24:
    case 28:
    case 30:
        return ETHER_IPV6;
    default:
        return ETHER_NONE;
    }
}

static uint16_t ethertype_of_version(const struct layer *l)
{
    unsigned version = pt_cur_left(&l->c) > 0 ? *l->c.at >> 4 : 0;

    return version == 4 ? ETHER_IPV4 : version == 6 ? ETHER_IPV6 : ETHER_NONE;
}

/* read_link takes the header of the capture's link type off. PT_PACKET_TCP means: go on. */
static enum pt_packet_kind read_link(struct layer *l, uint32_t link_type, uint16_t *ret_ethertype)
{
    const uint8_t *p;

    switch (link_type) {
    case LINK_ETHERNET:
        return read_ethernet(l, ret_ethertype);
    case LINK_COOKED_V1:
        p = take(l, 16);
        if (!p)
            return PT_PACKET_CUT;
        *ret_ethertype = pt_be16(p + 14);
        return read_vlan(l, ret_ethertype);
    case LINK_COOKED_V2:
        p = take(l, 20);
        if (!p)
            return PT_PACKET_CUT;
        *ret_ethertype = pt_be16(p);
        return read_vlan(l, ret_ethertype);
    case LINK_NULL:
    case LINK_LOOP:
        p = take(l, 4);
        if (!p)
            return PT_PACKET_CUT;
        *ret_ethertype = ethertype_of_family(p);
        return PT_PACKET_TCP;
    case LINK_RAW:
    case LINK_RAW_OLD_12:
    case LINK_RAW_OLD_14:
    case LINK_IPV4:
    case LINK_IPV6:
        *ret_ethertype = ethertype_of_version(l);
        return PT_PACKET_TCP;
    default:
        return PT_PACKET_LINK_TYPE;
    }
}

static void set_ipv4(uint8_t ip[16], const uint8_t *addr)
{
    static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
    uint64_t half[2] = { 0 };

    /* Two words, so that who reads them at once need not wait for the parts. */
    memcpy((uint8_t *)half + 8, mapped + 8, 4);
    memcpy((uint8_t *)half + 12, addr, 4);
    memcpy(ip, half, sizeof(half));
}

static enum pt_packet_kind read_ipv4(struct layer *l, struct pt_segment *seg, uint8_t *ret_proto)
{
    uint32_t wire = l->wire;
    const uint8_t *p = take(l, 20);
    uint32_t head_len;
    uint32_t total_len;

    if (!p)
        return PT_PACKET_CUT;
    head_len = (p[0] & 0x0fu) * 4;
    total_len = pt_be16(p + 2);
    if (total_len == 0) /* a large segment before the NIC cut it: the header could not say 64 KiB */
        total_len = wire;
    if (p[0] >> 4 != 4 || head_len < 20 || total_len < head_len)
        return PT_PACKET_MALFORMED;
    shorten(l, total_len - 20);
    if (!take(l, head_len - 20))
        return PT_PACKET_CUT;
    if (pt_be16(p + 6) & (IP_MORE_FRAGMENTS | IP_FRAGMENT_OFFSET))
        return PT_PACKET_FRAGMENT;
    set_ipv4(seg->src.ip, p + 12);
    set_ipv4(seg->dst.ip, p + 16);
    seg->ip_id = pt_be16(p + 4);
    *ret_proto = p[9];
    return PT_PACKET_TCP;
}

/* read_extensions goes through the IPv6 headers before the payload (RFC 8200, section 4). */
static enum pt_packet_kind read_extensions(struct layer *l, uint8_t *proto)
{
    for (unsigned i = 0; i <= EXTENSION_MAX; i++) {
        const uint8_t *p;
        uint32_t len;

        switch (*proto) {
        case 0:   /* hop-by-hop */
        case 43:  /* routing */
        case 44:  /* fragment */
        case 51:  /* authentication: its length counts words of 4 */
        case 60:  /* destination options */
        case 135: /* mobility */
            break;
        default:
            return PT_PACKET_TCP;
        }
        if (l->wire < 8)
            return PT_PACKET_MALFORMED;
        p = take(l, 8);
        if (!p)
            return PT_PACKET_CUT;
        if (*proto == 44 && pt_be16(p + 2) & 0xfff9) /* an offset, or more to come */
            return PT_PACKET_FRAGMENT;
        len = *proto == 44 ? 0 : *proto == 51 ? (p[1] + 2u) * 4 : p[1] * 8u + 8;
        if (len > 8) {
            if (len - 8 > l->wire)
                return PT_PACKET_MALFORMED;
            if (!take(l, len - 8))
                return PT_PACKET_CUT;
        }
        *proto = p[0];
    }
    return PT_PACKET_MALFORMED;
}

static enum pt_packet_kind read_ipv6(struct layer *l, struct pt_segment *seg, uint8_t *ret_proto)
{
    const uint8_t *p = take(l, 40);
    uint32_t pay_len;

    if (!p)
        return PT_PACKET_CUT;
    if (p[0] >> 4 != 6)
        return PT_PACKET_MALFORMED;
    pay_len = pt_be16(p + 4);
    if (pay_len > 0) /* 0: a jumbogram, or a large segment before the NIC cut it */
        shorten(l, pay_len);
    memcpy(seg->src.ip, p + 8, 16);
    memcpy(seg->dst.ip, p + 24, 16);
    seg->ip_id = 0;
    *ret_proto = p[6];
    return read_extensions(l, ret_proto);
}

/* read_vxlan takes UDP and VXLAN headers (RFC 7348) off; NOT_TCP if it is other UDP. */
static enum pt_packet_kind read_vxlan(struct layer *l)
{
    const uint8_t *p;

    if (l->wire < 8)
        return PT_PACKET_MALFORMED;
    p = take(l, 8);
    if (!p)
        return PT_PACKET_CUT;
    if (pt_be16(p + 2) != UDP_PORT_VXLAN || l->wire < 8)
        return PT_PACKET_NOT_TCP;
    p = take(l, 8);
    if (!p)
        return PT_PACKET_CUT;
    return p[0] & 0x08 ? PT_PACKET_TCP : PT_PACKET_NOT_TCP; /* the flag of a valid network number */
}

/* read_tcp needs the 20 fixed bytes only: cut options still say where the payload was. */
static enum pt_packet_kind read_tcp(struct layer *l, struct pt_segment *seg)
{
    const uint8_t *p;
    uint32_t head_len;

    if (l->wire < 20)
        return PT_PACKET_MALFORMED;
    p = take(l, 20);
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

enum pt_packet_kind pt_packet_decode(const struct pt_frame *f, struct pt_segment *ret_seg)
{
    struct layer l = { .c = pt_cur(f->data, f->cap_len), .wire = f->wire_len };
    uint16_t ethertype = ETHER_NONE;
    enum pt_packet_kind kind = read_link(&l, f->link_type, &ethertype);

    for (unsigned tunnels = 0; kind == PT_PACKET_TCP; tunnels++) {
        uint8_t proto = 0;

        if (ethertype == ETHER_IPV4)
            kind = read_ipv4(&l, ret_seg, &proto);
        else if (ethertype == ETHER_IPV6)
            kind = read_ipv6(&l, ret_seg, &proto);
        else
            return PT_PACKET_NOT_IP;
        if (kind != PT_PACKET_TCP)
            return kind;

        if (proto == IP_TCP) {
            ret_seg->tunnels = (uint8_t)tunnels;
            return read_tcp(&l, ret_seg);
        }
        if (proto != IP_UDP || tunnels == TUNNEL_MAX)
            return PT_PACKET_NOT_TCP;
        kind = read_vxlan(&l);
        if (kind == PT_PACKET_TCP)
            kind = read_ethernet(&l, &ethertype);
    }
    return kind;
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
