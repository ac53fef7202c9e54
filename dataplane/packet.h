/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_PACKET_H
#define PT_DATAPLANE_PACKET_H
/*
 * One captured frame -> one TCP segment, or the reason why not. Pure: no state, no allocation,
 * bytes are borrowed. Ethernet, 802.1Q and QinQ, Linux cooked v1/v2, BSD loopback, raw IP; IPv4
 * with options, IPv6 with extension headers; one mirror wrapper around it: VXLAN (more in a later
 * step). Truncation (captured < on the wire) is kept as a fact: pay_len counts what is here,
 * pay_missing what the snap length took. Padding behind the IP length is no payload. A wrong
 * checksum is normal on a host capture: never looked at here.
 */
#include <stdbool.h>
#include <stdint.h>

#include "dataplane/capture.h"
#include "parser/conn.h"

#define PT_PACKET_LIST(X)                                                                          \
    X(TCP, "tcp segments")                                                                         \
    X(NOT_IP, "not IP (ARP, LLDP, ...)")                                                           \
    X(NOT_TCP, "IP, but not TCP")                                                                  \
    X(FRAGMENT, "IP fragments (not reassembled)")                                                  \
    X(CUT, "cut off inside a header")                                                              \
    X(MALFORMED, "header lengths that contradict each other")                                      \
    X(LINK_TYPE, "link type not understood")

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

/* pt_packet_decode fills *ret_seg, whose content counts only for PT_PACKET_TCP. A frame cut inside
 * the TCP options is still TCP: all of its payload is missing. Where an IP length says more than
 * the frame had, the frame was cut before the tap, and pay_missing counts that too. */
enum pt_packet_kind pt_packet_decode(const struct pt_frame *f, struct pt_segment *ret_seg);

const char *pt_packet_kind_name(enum pt_packet_kind kind);

#endif
