/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcap, as in draft-ietf-opsawg-pcap, version 2.4 only:
 *
 *     magic u32 | major u16 | minor u16 | 8 bytes unused | snap length u32 | link type u32 (once)
 *     seconds u32 | fraction u32 | captured u32 | on the wire u32 | the captured bytes ... (each)
 *
 * The magic tells the byte order and the unit of the fraction. Other versions and magics have other
 * layouts; libpcap knows them (capture_lib.c).
 */
#include "dataplane/capture_pvt.h"

#include <errno.h>
#include <inttypes.h>

#define MAGIC_US 0xa1b2c3d4u
#define MAGIC_NS 0xa1b23c4du
#define FILE_HEADER_LEN 24
#define PACKET_HEADER_LEN 16

static int next_pcap(struct pt_capture *cap, struct pt_frame *ret_frame)
{
    const struct pt_capture_pcap *s = &cap->pcap;
    struct pt_window *w = &cap->win;
    const uint8_t *p = pt_window_need(w, PACKET_HEADER_LEN);
    uint32_t cap_len;
    uint32_t wire_len;

    if (__builtin_expect(!p, 0)) {
        if (pt_window_left(w) == 0)
            return pt_capture_over(cap);
        return pt_capture_broken(cap,
                                 "ends inside the header of packet %" PRIu64 " at byte %" PRIu64,
                                 cap->info.packets + 1, w->end_off);
    }
    cap_len = pt_capture_u32(p + 8, s->swapped);
    if (__builtin_expect(cap_len > s->len_max, 0))
        return pt_capture_broken(cap,
                                 "packet %" PRIu64 " at byte %" PRIu64 " says it has %" PRIu32
                                 " bytes: broken from here on",
                                 cap->info.packets + 1, pt_window_off(w), cap_len);
    p = pt_window_need(w, PACKET_HEADER_LEN + (size_t)cap_len);
    if (__builtin_expect(!p, 0))
        return pt_capture_broken(cap, "ends inside packet %" PRIu64 " at byte %" PRIu64,
                                 cap->info.packets + 1, w->end_off);
    wire_len = pt_capture_u32(p + 12, s->swapped);

    ret_frame->data = p + PACKET_HEADER_LEN;
    ret_frame->cap_len = cap_len;
    ret_frame->wire_len = wire_len > cap_len ? wire_len : cap_len;
    ret_frame->time_ns = (int64_t)pt_capture_u32(p, s->swapped) * 1000000000 +
                         (int64_t)pt_capture_u32(p + 4, s->swapped) * s->frac_ns;
    ret_frame->link_type = s->link_type;
    pt_window_step(w, PACKET_HEADER_LEN + (uint64_t)cap_len);
    return 1;
}

int pt_capture_open_pcap(struct pt_capture *cap)
{
    const uint8_t *p = pt_window_need(&cap->win, 4);
    struct pt_capture_pcap s = { .frac_ns = 1000 };
    uint32_t magic;

    if (!p)
        return -EBADMSG;
    magic = pt_capture_u32(p, false);
    s.swapped = magic == __builtin_bswap32(MAGIC_US) || magic == __builtin_bswap32(MAGIC_NS);
    magic = pt_capture_u32(p, s.swapped);
    if (magic != MAGIC_US && magic != MAGIC_NS)
        return -EBADMSG;
    if (magic == MAGIC_NS)
        s.frac_ns = 1;
    p = pt_window_need(&cap->win, FILE_HEADER_LEN);
    if (!p) {
        pt_capture_broken(cap, "ends inside the pcap file header at byte %" PRIu64,
                          cap->win.end_off);
        return -ENODATA;
    }
    if (pt_capture_u16(p + 4, s.swapped) != 2 || pt_capture_u16(p + 6, s.swapped) != 4)
        return -EBADMSG;
    s.len_max = pt_capture_len_max(pt_capture_u32(p + 16, s.swapped));
    s.link_type = pt_capture_u32(p + 20, s.swapped) & 0xffff; /* above: frame checksum's length */
    pt_window_step(&cap->win, FILE_HEADER_LEN);
    cap->pcap = s;
    cap->next = next_pcap;
    return 0;
}
