/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/packet_pvt.h"

#include <string.h>

#define UDP_PORT_VXLAN 4789u
#define UDP_PORT_GENEVE 6081u

#define GRE_CHECKSUM 0x8000u
#define GRE_ROUTING 0x4000u
#define GRE_KEY 0x2000u
#define GRE_SEQUENCE 0x1000u
#define GRE_VERSION 0x0007u

/* draft-foschiano-erspan: type I and II have one protocol number, type III another. */
#define GRE_ERSPAN 0x88beu
#define GRE_ERSPAN_III 0x22ebu

/* Labels of one stack: more than any network pushes. */
#define LABEL_MAX 8u

#define ETHER_HEAD_SZ 14u
#define CONTROL_WORD_SZ 4u

/* get takes len bytes of a header: a layer too short for it contradicts what announced it. */
static enum pt_packet_kind get(struct pt_layer *l, uint32_t len, const uint8_t **ret_p)
{
    if (l->wire < len)
        return PT_PACKET_MALFORMED;
    *ret_p = pt_layer_take(l, len);
    return *ret_p ? PT_PACKET_TCP : PT_PACKET_CUT;
}

static enum pt_packet_kind read_vxlan(struct pt_layer *l, uint16_t *ret_ethertype)
{
    const uint8_t *p;
    enum pt_packet_kind kind = get(l, 8, &p);

    if (kind != PT_PACKET_TCP)
        return kind;
    *ret_ethertype = PT_ETHER_FRAME;
    return p[0] & 0x08 ? PT_PACKET_TCP : PT_PACKET_NOT_TCP; /* the flag of a valid network number */
}

/*
 *   version 2 | options' words 6 | O C | reserved 6 | protocol 16 | network 24 | reserved 8
 */
static enum pt_packet_kind read_geneve(struct pt_layer *l, uint16_t *ret_ethertype)
{
    const uint8_t *p;
    enum pt_packet_kind kind = get(l, 8, &p);

    if (kind != PT_PACKET_TCP)
        return kind;
    if (p[0] >> 6)
        return PT_PACKET_NOT_TCP; /* a version that nobody has written down yet */
    *ret_ethertype = pt_be16(p + 2);
    return get(l, (p[0] & 0x3fu) * 4, &p);
}

enum pt_packet_kind pt_tunnel_udp(struct pt_layer *l, uint16_t *ret_ethertype)
{
    const uint8_t *p;
    enum pt_packet_kind kind = get(l, 8, &p);

    if (kind != PT_PACKET_TCP)
        return kind;
    switch (pt_be16(p + 2)) {
    case UDP_PORT_VXLAN:
        return read_vxlan(l, ret_ethertype);
    case UDP_PORT_GENEVE:
        return read_geneve(l, ret_ethertype);
    default:
        return PT_PACKET_NOT_TCP;
    }
}

/*
 * Type II:   version 4 = 1 | vlan 12 | cos 3, encapsulation 2, truncated 1 | session 10
 *            reserved 12 | index 20
 * Type III:  version 4 = 2 | vlan 12 | cos 3, quality 2, truncated 1 | session 10
 *            timestamp 32
 *            security group 16 | P 1, frame type 5, hardware 6, direction 1, granularity 2, O 1
 *            O: 8 bytes of the platform's own
 *
 * A mirror that truncates says so here; the lengths of the mirrored packet say it, too.
 */
static enum pt_packet_kind read_erspan(struct pt_layer *l, uint32_t *ret_session,
                                       uint16_t *ret_ethertype)
{
    const uint8_t *p;
    enum pt_packet_kind kind = get(l, 8, &p);
    unsigned version;
    unsigned frame_type;

    if (kind != PT_PACKET_TCP)
        return kind;
    version = p[0] >> 4;
    *ret_session = pt_be16(p + 2) & 0x3ff;
    *ret_ethertype = PT_ETHER_FRAME;
    if (version == 1)
        return PT_PACKET_TCP;
    if (version != 2)
        return PT_PACKET_NOT_TCP;
    kind = get(l, 4, &p);
    if (kind != PT_PACKET_TCP)
        return kind;
    frame_type = pt_be16(p + 2) >> 10 & 0x1f;
    if (p[3] & 1)
        kind = get(l, 8, &p);
    if (kind != PT_PACKET_TCP || frame_type == 0)
        return kind;
    *ret_ethertype = PT_ETHER_NONE;
    if (frame_type == 2) { /* an IP packet without its frame */
        if (l->wire && !pt_cur_left(&l->c))
            return PT_PACKET_CUT;
        *ret_ethertype = pt_layer_version(l);
    }
    return PT_PACKET_TCP;
}

static void set_number(struct pt_wrap *wrap, const struct pt_segment *seg, uint32_t session,
                       uint32_t protocol, uint32_t seq)
{
    if (wrap->numbered)
        return;
    wrap->numbered = true;
    wrap->seq = seq;
    memcpy(wrap->mirror.src, seg->src.ip, sizeof(wrap->mirror.src));
    memcpy(wrap->mirror.dst, seg->dst.ip, sizeof(wrap->mirror.dst));
    wrap->mirror.session = session;
    wrap->mirror.protocol = protocol;
}

enum pt_packet_kind pt_tunnel_gre(struct pt_layer *l, const struct pt_segment *seg,
                                  struct pt_wrap *wrap, uint16_t *ret_ethertype)
{
    const uint8_t *p;
    enum pt_packet_kind kind = get(l, 4, &p);
    uint32_t session = 0;
    uint32_t seq = 0;
    uint16_t flags;
    uint16_t protocol;

    if (kind != PT_PACKET_TCP)
        return kind;
    flags = pt_be16(p);
    protocol = pt_be16(p + 2);
    if (flags & (GRE_ROUTING | GRE_VERSION)) /* nobody mirrors with these: version 1 is PPTP */
        return PT_PACKET_NOT_TCP;
    if (flags & GRE_CHECKSUM)
        kind = get(l, 4, &p);
    if (kind == PT_PACKET_TCP && flags & GRE_KEY) {
        kind = get(l, 4, &p);
        session = kind == PT_PACKET_TCP ? pt_be32(p) : 0;
    }
    if (kind == PT_PACKET_TCP && flags & GRE_SEQUENCE) {
        kind = get(l, 4, &p);
        seq = kind == PT_PACKET_TCP ? pt_be32(p) : 0;
    }
    *ret_ethertype = protocol;
    if (protocol == GRE_ERSPAN && !(flags & GRE_SEQUENCE))
        *ret_ethertype = PT_ETHER_FRAME; /* type I has no header of its own */
    else if (kind == PT_PACKET_TCP && (protocol == GRE_ERSPAN || protocol == GRE_ERSPAN_III))
        kind = read_erspan(l, &session, ret_ethertype);
    if (kind == PT_PACKET_TCP && flags & GRE_SEQUENCE)
        set_number(wrap, seg, session, protocol, seq);
    return kind;
}

/* is_frame: of an Ethernet frame here, paritap could read what its EtherType says. */
static bool is_frame(const uint8_t *p)
{
    switch (pt_be16(p + 12)) {
    case PT_ETHER_IPV4:
    case PT_ETHER_IPV6:
    case PT_ETHER_VLAN:
    case PT_ETHER_QINQ:
    case PT_ETHER_QINQ_OLD:
    case PT_ETHER_MPLS:
    case PT_ETHER_MPLS_MULTICAST:
        return true;
    default:
        return false;
    }
}

/* What stands below the labels. The first four bits are 4 or 6 in IP and 0 in the control word of a
 * pseudowire, but an Ethernet address may begin with any: so an IP packet is one by its length, or
 * if what would be the EtherType of a frame is none. */
static uint16_t labelled(const uint8_t *p, uint32_t wire)
{
    switch (p[0] >> 4) {
    case 4:
        if (pt_be16(p + 2) == wire || !is_frame(p))
            return PT_ETHER_IPV4;
        break;
    case 6:
        if (pt_be16(p + 4) + 40u == wire || !is_frame(p))
            return PT_ETHER_IPV6;
        break;
    default:
        break;
    }
    return is_frame(p) ? PT_ETHER_FRAME : PT_ETHER_NONE;
}

enum pt_packet_kind pt_tunnel_mpls(struct pt_layer *l, uint16_t *ret_ethertype)
{
    const uint8_t *p;

    for (unsigned i = 0;; i++) {
        enum pt_packet_kind kind = get(l, 4, &p);

        if (kind != PT_PACKET_TCP)
            return kind;
        if (i == LABEL_MAX)
            return PT_PACKET_MALFORMED;
        if (p[2] & 1) /* the bottom of the stack */
            break;
    }
    *ret_ethertype = PT_ETHER_NONE;
    if (l->wire < CONTROL_WORD_SZ + ETHER_HEAD_SZ) /* no TCP segment is that short */
        return PT_PACKET_TCP;
    p = l->c.at;
    if (pt_cur_left(&l->c) < CONTROL_WORD_SZ + ETHER_HEAD_SZ)
        return PT_PACKET_CUT;
    if (p[0] >> 4 == 0 && is_frame(p + CONTROL_WORD_SZ))
        pt_layer_take(l, CONTROL_WORD_SZ);
    *ret_ethertype = labelled(l->c.at, l->wire);
    return PT_PACKET_TCP;
}
