/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_TALK_H
#define PT_TESTS_TALK_H
/*
 * A recorded conversation for tests of the parser alone: the in-order TCP payload of a capture,
 * piece by piece in packet order, made by a reassembly of its own that is as plain as can be (no
 * holes, no overlaps that matter). Plain or gzipped pcap, Ethernet, IPv4, also inside VXLAN.
 */
#include "parser/conn.h"

struct talk_conn {
    struct pt_endpoint ep[2];
    int initiator; /* side of the SYN, -1 */
};

struct talk_piece {
    uint32_t conn;
    int side;
    uint32_t len;
    uint8_t *data;
    struct pt_packet_ref at;
};

struct talk {
    struct talk_conn *conn;
    size_t conn_cnt;
    struct talk_piece *piece;
    size_t piece_cnt;
};

/* talk_load reads clients/NAME of the captures folder (PT_CAPTURES); exits if it cannot. */
void talk_load(const char *name, struct talk *ret_talk);
void talk_free(struct talk *t);

#endif
