/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_WIRE_H
#define PT_TESTS_SIM_WIRE_H
/*
 * TCP connections as frames: Ethernet, IPv4, segments of at most one MSS with the acknowledgements
 * that a receiver would send. What the simulators say is sent through here, past a mirror.
 */
#include "tests/sim/mirror.h"

#define WIRE_MSS 1448u

struct wire {
    struct mirror *mirror;
    int64_t now_ns;    /* clock; every packet moves it on by its time on a 10 Gbit/s line */
    uint32_t mss;      /* up to 8192 */
    double retransmit; /* share of the segments that are sent again */
    uint64_t rng;
    uint64_t packets;
};

struct wire_conn {
    uint32_t ip[2]; /* side 0 is the client */
    uint16_t port[2];
    uint32_t seq[2];
    uint16_t ip_id[2];
    uint32_t unacked[2]; /* segments of that side since the other side's last acknowledgement */
    uint64_t sent[2];    /* stream bytes */
    uint32_t dir[2];     /* of the oracle */
};

/* wire_init: mirror is borrowed. */
void wire_init(struct wire *w, struct mirror *mirror);

/* wire_connect opens c with a three-way handshake. */
void wire_connect(struct wire *w, struct wire_conn *c, uint32_t client_ip, uint16_t client_port,
                  uint32_t broker_ip, uint16_t broker_port);

/* wire_send sends one Kafka frame of len bytes from side, and returns what the oracle calls it. */
struct oracle_frame wire_send(struct wire *w, struct wire_conn *c, int side, const uint8_t *data,
                              size_t len);

/* wire_finish closes c with FIN in both directions. */
void wire_finish(struct wire *w, struct wire_conn *c);

#endif
