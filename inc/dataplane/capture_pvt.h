/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_CAPTURE_PVT_H
#define PT_DATAPLANE_CAPTURE_PVT_H
/*
 * What capture.c and the format readers (capture_pcap.c, capture_pcapng.c, capture_lib.c) share. A
 * reader has an open, which looks at the first bytes of the window and takes the file header, and a
 * next. capture.c numbers and counts what next gives.
 */
#include <pcap/pcap.h>
#include <string.h>

#include "dataplane/capture.h"
#include "dataplane/capture_window.h"

/* A length field is believed up to the declared snap length and some slack for writers that are a
 * little wrong; 1 MiB is far above what a host hands out in one piece (64 KiB, with BIG TCP 512
 * KiB). What says more is garbage, and everything behind it would be too. */
#define PT_CAPTURE_SLACK_SZ (256u << 10)
#define PT_CAPTURE_PACKET_MAX (1u << 20)

/* Interfaces of one pcapng section; a table of this size is 1.5 MiB. */
#define PT_CAPTURE_IFACE_MAX 65536u

struct pt_capture_pcap {
    uint32_t link_type;
    uint32_t len_max;
    uint32_t frac_ns; /* nanoseconds in one unit of the fraction: 1 or 1000 */
    bool swapped;     /* byte order is not ours */
};

struct pt_capture_iface {
    uint32_t link_type;
    uint32_t snap_len;
    int64_t offset_s;
    uint8_t tsresol; /* as in the file: 10^-n, or 2^-n with the top bit */
};

struct pt_capture_pcapng {
    struct pt_capture_iface *ifaces;
    uint32_t iface_cnt;
    uint32_t iface_cap;
    uint32_t trailer; /* the window is at the length that ends this block; 0: at a block's start */
    int64_t last_ns;  /* simple packet blocks have no time: they get that of the one before */
    bool swapped;
};

struct pt_capture_lib {
    pcap_t *pcap;
};

struct pt_capture {
    struct pt_window win;
    struct pt_capture_info info;
    char *path;
    uint64_t number; /* Wireshark's number of the last packet; it also numbers some other blocks */
    /* next fills all of *ret_frame but packet: 1, 0 at the end, -errno */
    int (*next)(struct pt_capture *cap, struct pt_frame *ret_frame);
    void (*fini)(struct pt_capture *cap); /* NULL if there is nothing to give back */
    union {
        struct pt_capture_pcap pcap;
        struct pt_capture_pcapng pcapng;
        struct pt_capture_lib lib;
    };
};

/* The opens: 0, -EBADMSG if the first bytes are not of this format (the window has not moved), or
 * another -errno and words in info.trouble if they are but cannot be read. */
int pt_capture_open_pcap(struct pt_capture *cap);
int pt_capture_open_pcapng(struct pt_capture *cap);
int pt_capture_open_lib(struct pt_capture *cap); /* takes bytes from the window in any case */

/* pt_capture_broken ends the capture: sets truncated and trouble, which begins with these words and
 * goes on with those of the window if it knows more. 0, or -errno if reading itself failed. */
int pt_capture_broken(struct pt_capture *cap, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

/* pt_capture_over is for a capture that ends where a packet could begin. 0 or -errno. */
int pt_capture_over(struct pt_capture *cap);

/* pt_capture_len_max is the largest packet that an interface with this snap length may show. */
static inline uint32_t pt_capture_len_max(uint32_t snap_len)
{
    if (snap_len > PT_CAPTURE_PACKET_MAX - PT_CAPTURE_SLACK_SZ)
        return PT_CAPTURE_PACKET_MAX;
    return snap_len + PT_CAPTURE_SLACK_SZ;
}

/* Integers of a capture file are in its writer's byte order. */
static inline uint16_t pt_capture_u16(const uint8_t *p, bool swapped)
{
    uint16_t v;

    memcpy(&v, p, sizeof(v));
    return swapped ? __builtin_bswap16(v) : v;
}

static inline uint32_t pt_capture_u32(const uint8_t *p, bool swapped)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return swapped ? __builtin_bswap32(v) : v;
}

static inline uint64_t pt_capture_u64(const uint8_t *p, bool swapped)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return swapped ? __builtin_bswap64(v) : v;
}

#endif
