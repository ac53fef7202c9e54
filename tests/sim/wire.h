/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_WIRE_H
#define PT_TESTS_SIM_WIRE_H
/*
 * TCP connections written as a capture file: Ethernet, IPv4, segments of at most one MSS with the
 * acknowledgements that a receiver would send, nanosecond pcap. What the simulators say is sent
 * through here.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define WIRE_MSS 1448u

struct wire {
    FILE *f;
    uint64_t packets;
    uint64_t bytes; /* of the file */
    int64_t now_ns; /* clock; every packet moves it on by its time on a 10 Gbit/s line */
};

struct wire_conn {
    uint32_t ip[2]; /* side 0 is the client */
    uint16_t port[2];
    uint32_t seq[2];
    uint16_t ip_id[2];
    uint32_t unacked[2]; /* segments of that side since the other side's last acknowledgement */
};

/* wire_open creates path; 0 or -errno. */
int wire_open(struct wire *w, const char *path);
int wire_close(struct wire *w); /* 0, or -EIO when not all could be written */

/* wire_connect opens c with a three-way handshake. */
void wire_connect(struct wire *w, struct wire_conn *c, uint32_t client_ip, uint16_t client_port,
                  uint32_t broker_ip, uint16_t broker_port);

/* wire_send sends len bytes from side. */
void wire_send(struct wire *w, struct wire_conn *c, int side, const uint8_t *data, size_t len);

/* wire_finish closes c with FIN in both directions. */
void wire_finish(struct wire *w, struct wire_conn *c);

#endif
