/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_CAPTURE_H
#define PT_DATAPLANE_CAPTURE_H
/*
 * Capture files as a source of packets: pcap (us, ns, both byte orders) and pcapng (several
 * interfaces, resolutions, sections), plain, gzip or zstd, or standard input. Plain files are
 * mapped and their packets lent in place; compressed files and pipes are read through a bounded
 * window; libpcap reads the formats that we do not. A capture is used by one thread.
 *
 * A plain file is read up to the size that it had when it was opened, and must not shrink meanwhile
 * (SIGBUS). One packet may have 256 KiB more than its snap length says, and 1 MiB at most.
 *
 * A file that ends inside a packet is read up to there and says so (truncated): that is a fact
 * about the tap, not an error. What is no capture at all is an error of open, with words for a
 * person.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pt_capture;

/* DLT_ / LINKTYPE_ numbers that packet.h understands: Ethernet 1, raw IP 101 (and 12, 14, 228,
 * 229), Linux cooked v1 113 and v2 276, BSD loopback 0 and 108. */
struct pt_frame {
    const uint8_t *data; /* captured bytes, borrowed until the next call on this capture */
    uint32_t cap_len;    /* bytes at data */
    uint32_t wire_len;   /* bytes that were on the wire, >= cap_len */
    int64_t time_ns; /* since the epoch, UTC; a pcapng simple packet has that of the one before */
    uint64_t packet; /* 1-based, as Wireshark numbers this file */
    uint32_t link_type;
};

struct pt_capture_info {
    const char *path; /* as given; "-" is standard input */
    uint64_t packets;
    uint64_t bytes;     /* sum of wire_len */
    uint64_t file_sz;   /* 0 if not known (pipe) */
    uint64_t file_read; /* for progress: bytes of the file behind us */
    bool truncated;     /* ended inside a packet, or broken behind the last packet */
    char trouble[160];  /* what was wrong there and at which byte; empty if nothing */
};

/* pt_capture_open: 0, or -errno with *ret_err pointing to one English sentence that names path,
 * place and what to do (static or in a thread-local buffer). */
int pt_capture_open(const char *path, struct pt_capture **ret_cap, const char **ret_err);

/* pt_capture_next: 1 and *ret_frame; 0 at the end, for ever; -errno on a read error (info.trouble
 * has words), then 0. */
int pt_capture_next(struct pt_capture *cap, struct pt_frame *ret_frame);

const struct pt_capture_info *pt_capture_info(const struct pt_capture *cap);
void pt_capture_close(struct pt_capture *cap);

/*
 * Several captures in packet-time order: what taps saw side by side. Ties are taken in the order of
 * the inputs; a file whose own packets go back in time keeps its own order.
 */
struct pt_merge;

int pt_merge_open(struct pt_capture **caps, size_t cap_cnt, struct pt_merge **ret_merge);

/* pt_merge_shift: offset_ns is added to the times of this input's frames. Before the first next. */
void pt_merge_shift(struct pt_merge *m, uint32_t input, int64_t offset_ns);

/* pt_merge_next: like pt_capture_next; *ret_input is the index into caps. The frame is borrowed
 * until the next call. */
int pt_merge_next(struct pt_merge *m, struct pt_frame *ret_frame, uint32_t *ret_input);

void pt_merge_close(struct pt_merge *m); /* does not close the captures */

#endif
