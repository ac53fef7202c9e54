/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/packet_pvt.h"

#include <string.h>

#define MORE_FRAGMENTS 0x2000u
#define FRAGMENT_OFFSET 0x1fffu

/* IPv6 headers before the payload (RFC 8200, section 4). */
#define IP6_HOP_BY_HOP 0u
#define IP6_ROUTING 43u
#define IP6_FRAGMENT 44u
#define IP6_AUTHENTICATION 51u
#define IP6_DESTINATION 60u
#define IP6_MOBILITY 135u

/* More than any host sends on purpose. */
#define EXTENSION_MAX 8u

/* shorten says that the layer has only len bytes, whatever follows them in the frame. A length
 * beyond the frame is believed: the frame was cut before it got here (mirrors do that). */
static void shorten(struct pt_layer *l, uint32_t len)
{
    if (pt_cur_left(&l->c) > len)
        l->c.end = l->c.at + len;
    l->wire = len;
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

/* Whether something that paritap looks for may be behind this protocol number. */
static bool may_hold_tcp(unsigned proto)
{
    switch (proto) {
    case PT_IP_TCP:
    case PT_IP_UDP:
    case PT_IP_GRE:
    case IP6_HOP_BY_HOP:
    case IP6_ROUTING:
    case IP6_AUTHENTICATION:
    case IP6_DESTINATION:
    case IP6_MOBILITY:
        return true;
    default:
        return false;
    }
}

/* What is left of the layer is a fragment, of whom *frag says all but that. */
static enum pt_packet_kind read_fragment(const struct pt_layer *l, struct pt_fragment *frag)
{
    if (!l->wire || l->wire > PT_DATAGRAM_MAX - frag->off || (frag->more && l->wire % 8))
        return PT_PACKET_MALFORMED;
    if (!may_hold_tcp(frag->proto))
        return PT_PACKET_NOT_TCP;
    frag->data = l->c.at;
    frag->len = (uint32_t)pt_cur_left(&l->c);
    frag->missing = l->wire - frag->len;
    return PT_PACKET_FRAGMENT;
}

static enum pt_packet_kind read_ipv4(struct pt_layer *l, struct pt_segment *seg,
                                     struct pt_fragment *frag, uint8_t *ret_proto)
{
    uint32_t wire = l->wire;
    const uint8_t *p = pt_layer_take(l, 20);
    uint32_t head_len;
    uint32_t total_len;
    uint32_t part;

    if (!p)
        return PT_PACKET_CUT;
    head_len = (p[0] & 0x0fu) * 4;
    total_len = pt_be16(p + 2);
    if (total_len == 0) /* a large segment before the NIC cut it: the header could not say 64 KiB */
        total_len = wire;
    if (p[0] >> 4 != 4 || head_len < 20 || total_len < head_len)
        return PT_PACKET_MALFORMED;
    shorten(l, total_len - 20);
    if (!pt_layer_take(l, head_len - 20))
        return PT_PACKET_CUT;
    set_ipv4(seg->src.ip, p + 12);
    set_ipv4(seg->dst.ip, p + 16);
    seg->ip_id = pt_be16(p + 4);
    *ret_proto = p[9];
    part = pt_be16(p + 6) & (MORE_FRAGMENTS | FRAGMENT_OFFSET);
    if (!part)
        return PT_PACKET_TCP;
    frag->version = 4;
    frag->id = seg->ip_id;
    frag->proto = p[9];
    frag->more = part & MORE_FRAGMENTS;
    frag->off = (part & FRAGMENT_OFFSET) * 8;
    return read_fragment(l, frag);
}

/* read_extensions goes through the IPv6 headers before the payload. One of them may say that this
 * is a fragment, if frag is not NULL: there is no fragment of a fragment. */
static enum pt_packet_kind read_extensions(struct pt_layer *l, struct pt_fragment *frag,
                                           uint8_t *proto)
{
    for (unsigned i = 0; i <= EXTENSION_MAX; i++) {
        const uint8_t *p;
        uint32_t len;

        switch (*proto) {
        case IP6_HOP_BY_HOP:
        case IP6_ROUTING:
        case IP6_FRAGMENT:
        case IP6_AUTHENTICATION: /* its length counts words of 4 */
        case IP6_DESTINATION:
        case IP6_MOBILITY:
            break;
        default:
            return PT_PACKET_TCP;
        }
        if (l->wire < 8)
            return PT_PACKET_MALFORMED;
        p = pt_layer_take(l, 8);
        if (!p)
            return PT_PACKET_CUT;
        if (*proto == IP6_FRAGMENT && pt_be16(p + 2) & 0xfff9) { /* an offset, or more to come */
            if (!frag)
                return PT_PACKET_MALFORMED;
            frag->version = 6;
            frag->id = pt_be32(p + 4);
            frag->proto = p[0];
            frag->more = p[3] & 1;
            frag->off = pt_be16(p + 2) & 0xfff8;
            return read_fragment(l, frag);
        }
        len = *proto == IP6_FRAGMENT         ? 0
              : *proto == IP6_AUTHENTICATION ? (p[1] + 2u) * 4
                                             : p[1] * 8u + 8;
        if (len > 8) {
            if (len - 8 > l->wire)
                return PT_PACKET_MALFORMED;
            if (!pt_layer_take(l, len - 8))
                return PT_PACKET_CUT;
        }
        *proto = p[0];
    }
    return PT_PACKET_MALFORMED;
}

static enum pt_packet_kind read_ipv6(struct pt_layer *l, struct pt_segment *seg,
                                     struct pt_fragment *frag, uint8_t *ret_proto)
{
    const uint8_t *p = pt_layer_take(l, 40);
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
    return read_extensions(l, frag, ret_proto);
}

enum pt_packet_kind pt_ip_read(struct pt_layer *l, uint16_t ethertype, struct pt_segment *seg,
                               struct pt_fragment *frag, uint8_t *ret_proto)
{
    enum pt_packet_kind kind = PT_PACKET_NOT_IP;

    if (ethertype == PT_ETHER_IPV4)
        kind = read_ipv4(l, seg, frag, ret_proto);
    else if (ethertype == PT_ETHER_IPV6)
        kind = read_ipv6(l, seg, frag, ret_proto);
    if (kind == PT_PACKET_FRAGMENT) {
        memcpy(frag->src, seg->src.ip, sizeof(frag->src));
        memcpy(frag->dst, seg->dst.ip, sizeof(frag->dst));
    }
    return kind;
}

enum pt_packet_kind pt_ip_resume(struct pt_layer *l, const struct pt_fragment *whole,
                                 struct pt_segment *seg, uint8_t *ret_proto)
{
    memcpy(seg->src.ip, whole->src, sizeof(whole->src));
    memcpy(seg->dst.ip, whole->dst, sizeof(whole->dst));
    seg->ip_id = whole->version == 4 ? (uint16_t)whole->id : 0;
    *ret_proto = whole->proto;
    return whole->version == 6 ? read_extensions(l, NULL, ret_proto) : PT_PACKET_TCP;
}
