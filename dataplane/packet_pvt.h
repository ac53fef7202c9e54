/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_PACKET_PVT_H
#define PT_DATAPLANE_PACKET_PVT_H
/*
 * What packet.c (frames, TCP), packet_ip.c and packet_tunnel.c (wrappers) share. A reader takes
 * headers off and returns PT_PACKET_TCP, which means: go on, or the reason why nobody can.
 */
#include "dataplane/packet.h"
#include "parser/cursor.h"

#define PT_ETHER_NONE 0u /* ours: a protocol without an EtherType */
#define PT_ETHER_IPV4 0x0800u
#define PT_ETHER_FRAME 0x6558u /* a whole Ethernet frame follows */
#define PT_ETHER_VLAN 0x8100u
#define PT_ETHER_IPV6 0x86ddu
#define PT_ETHER_MPLS 0x8847u
#define PT_ETHER_MPLS_MULTICAST 0x8848u
#define PT_ETHER_QINQ 0x88a8u
#define PT_ETHER_QINQ_OLD 0x9100u

#define PT_IP_TCP 6u
#define PT_IP_UDP 17u
#define PT_IP_GRE 47u

/*
 * One layer's bytes: those that were captured, and how many it had on the wire. left only counts
 * what the layers around it leave; padding behind a length field is cut off, bytes that the snap
 * length took are counted on. So wire >= what the cursor has left, always.
 */
struct pt_layer {
    struct pt_cursor c;
    uint32_t wire;
};

static inline const uint8_t *pt_layer_take(struct pt_layer *l, uint32_t len)
{
    const uint8_t *p = pt_cur_take(&l->c, len);

    if (p)
        l->wire -= len;
    return p;
}

/* pt_layer_version: EtherType of an IP packet without any link header. */
static inline uint16_t pt_layer_version(const struct pt_layer *l)
{
    unsigned version = pt_cur_left(&l->c) > 0 ? *l->c.at >> 4 : 0;

    return version == 4 ? PT_ETHER_IPV4 : version == 6 ? PT_ETHER_IPV6 : PT_ETHER_NONE;
}

/* pt_ip_read takes an IP header off, with all that IPv6 has behind it. *seg gets the addresses,
 * *ret_proto is the payload's. PT_PACKET_FRAGMENT: *frag is filled but for the tunnels. */
enum pt_packet_kind pt_ip_read(struct pt_layer *l, uint16_t ethertype, struct pt_segment *seg,
                               struct pt_fragment *frag, uint8_t *ret_proto);

/* pt_ip_resume is the same of a packet that was put together, whose bytes l has. */
enum pt_packet_kind pt_ip_resume(struct pt_layer *l, const struct pt_fragment *whole,
                                 struct pt_segment *seg, uint8_t *ret_proto);

/* pt_tunnel_udp takes UDP and VXLAN (RFC 7348) or GENEVE (RFC 8926) headers off; NOT_TCP if it is
 * other UDP. *ret_ethertype: what follows. */
enum pt_packet_kind pt_tunnel_udp(struct pt_layer *l, uint16_t *ret_ethertype);

/* pt_tunnel_gre takes a GRE header off (RFC 2784, 2890), and that of ERSPAN if one follows. The
 * segment has the outer addresses; *wrap gets the number of the packet, unless it has one. */
enum pt_packet_kind pt_tunnel_gre(struct pt_layer *l, const struct pt_segment *seg,
                                  struct pt_wrap *wrap, uint16_t *ret_ethertype);

/* pt_tunnel_mpls takes a label stack off (RFC 3032), and the control word of a pseudowire (RFC
 * 4448). Labels do not say what they carry: IP or an Ethernet frame are told apart by their looks.
 */
enum pt_packet_kind pt_tunnel_mpls(struct pt_layer *l, uint16_t *ret_ethertype);

#endif
