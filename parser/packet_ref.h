/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_PACKET_REF_H
#define PT_PARSER_PACKET_REF_H
/*
 * Where bytes came from: carried beside every byte range from the tap to the finding, so that a
 * reviewer can open the right packet. A value type, copied freely.
 */
#include <stdint.h>

struct pt_packet_ref {
    uint64_t order;  /* place in the merged order of all taps: strictly increasing, the same at
                        any number of workers; decides "earliest" everywhere */
    int64_t time_ns; /* packet time, ns since the epoch, UTC */
    uint64_t packet; /* 1-based number within its input, as Wireshark shows it */
    uint32_t input;  /* index of the file or port */
    uint32_t pad;
};

#endif
