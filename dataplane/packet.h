/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_PACKET_H
#define PT_DATAPLANE_PACKET_H
/*
 * One captured frame -> one TCP segment, or an IP fragment, or the reason why not. Pure: no state,
 * no allocation, bytes are borrowed. Ethernet, 802.1Q and QinQ, MPLS, Linux cooked v1/v2, BSD
 * loopback, raw IP; IPv4 with options, IPv6 with extension headers. What mirrors wrap around a
 * frame is taken off, one in the other up to PT_TUNNEL_MAX (packet_tunnel.c): VXLAN, GENEVE, GRE,
 * ERSPAN I, II and III. Fragments, be it of the mirrored packet or of the mirror's own, are given
 * out as such: fragment.h puts them together, pt_packet_resume goes on behind the IP header of what
 * came of it.
 *
 * Truncation (captured < on the wire) is kept as a fact: pay_len counts what is here, pay_missing
 * what the snap length took. Padding behind the IP length is no payload. A wrong checksum is normal
 * on a host capture: it is looked at only where it shows that fragments do not belong together.
 */
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/capture.h"
#include "parser/conn.h"

#define PT_PACKET_LIST(X)                                                                          \
    X(TCP, "tcp segments")                                                                         \
    X(NOT_IP, "not IP (ARP, LLDP, ...)")                                                           \
    X(NOT_TCP, "IP, but not TCP")                                                                  \
    X(FRAGMENT, "IP fragments, but for those that made their packet whole")                        \
    X(CUT, "cut off inside a header")                                                              \
    X(MALFORMED, "header lengths that contradict each other")                                      \
    X(LINK_TYPE, "link type not understood")                                                       \
    X(MIXED, "put together from fragments of different packets: the TCP checksum is wrong")

enum pt_packet_kind {
#define X(name, help) PT_PACKET_##name,
    PT_PACKET_LIST(X)
#undef X
            PT_PACKET_KIND_CNT
};

#define PT_TCP_FIN 0x01u
#define PT_TCP_SYN 0x02u
#define PT_TCP_RST 0x04u
#define PT_TCP_ACK 0x10u

/* Wrappers taken off one packet: more than any network stacks on purpose. */
#define PT_TUNNEL_MAX 4u

/* No IP packet has more bytes behind its header. */
#define PT_DATAGRAM_MAX 65535u

struct pt_segment {
    struct pt_endpoint src;
    struct pt_endpoint dst;
    uint32_t seq;
    uint32_t ack;         /* meaningful if flags has PT_TCP_ACK */
    uint32_t pay_len;     /* payload bytes here */
    uint32_t pay_missing; /* payload bytes cut off by the snap length; they follow those here */
    const uint8_t *pay;
    uint16_t ip_id; /* IPv4 identification (0 for IPv6): tells mirror copies from retransmissions */
    uint8_t flags;
    uint8_t tunnels; /* wrappers taken off */
};

/* A part of what stood behind an IP header, in IPv6 behind the fragment header:
 * off + len + missing <= PT_DATAGRAM_MAX, and a multiple of 8 if there is more. Or all of it, put
 * together: off 0, and nothing more. */
struct pt_fragment {
    uint8_t src[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t dst[16];
    uint32_t id;     /* tells the packets of these two apart, for a while */
    uint8_t version; /* 4 or 6 */
    uint8_t proto;   /* of what stands at off 0 */
    uint8_t tunnels; /* wrappers taken off before */
    bool more;       /* it is not the last part */
    uint32_t off;
    uint32_t len;     /* bytes here */
    uint32_t missing; /* bytes cut off by the snap length; they follow those here */
    const uint8_t *data;
};

/* Who numbers the packets that it wraps. */
struct pt_mirror_id {
    uint8_t src[16]; /* outer addresses */
    uint8_t dst[16];
    uint32_t session;  /* ERSPAN's session id, else GRE's key (0: none) */
    uint32_t protocol; /* GRE's: 0x88be ERSPAN II, 0x22eb III, 0x6558 Ethernet, ... */
};

/* What a segment came in. */
struct pt_wrap {
    bool numbered; /* by the outermost wrapper that does: seq, mirror */
    uint32_t seq;
    struct pt_mirror_id mirror;
    struct pt_fragment frag; /* for PT_PACKET_FRAGMENT */
};

/* pt_packet_decode fills *ret_seg, whose content counts only for PT_PACKET_TCP, and *ret_wrap,
 * whose number counts for every kind. A frame cut inside the TCP options is still TCP: all of its
 * payload is missing. Where an IP length says more than the frame had, the frame was cut before the
 * tap, and pay_missing counts that too. */
enum pt_packet_kind pt_packet_decode(const struct pt_frame *f, struct pt_segment *ret_seg,
                                     struct pt_wrap *ret_wrap);

/* pt_packet_resume goes on with a packet that was put together. The payload lies in whole->data,
 * ret_wrap may not be where *whole is. PT_PACKET_MIXED: the TCP checksum is neither right nor what
 * a host leaves there for its device to fill in (the sum of the addresses and lengths, or 0),
 * though nothing was cut. */
enum pt_packet_kind pt_packet_resume(const struct pt_fragment *whole, struct pt_segment *ret_seg,
                                     struct pt_wrap *ret_wrap);

const char *pt_packet_kind_name(enum pt_packet_kind kind);

#endif
