/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pcapng, as in draft-ietf-opsawg-pcapng. A file is a sequence of blocks
 *
 *     type u32 | length u32 (of all, a multiple of 4) | body ... | the same length u32
 *
 * in sections, each in its own byte order and with its own interfaces. Blocks that carry no packet
 * and describe no interface are stepped over.
 */
#include "dataplane/capture_pvt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "parser/cursor.h"

#define BLOCK_SECTION 0x0a0d0d0au
#define BLOCK_IFACE 1u
#define BLOCK_PACKET_OLD 2u
#define BLOCK_SIMPLE 3u
#define BLOCK_PACKET 6u
/* No packets, but Wireshark 4.0 shows them in its list, so they have a number there. */
#define BLOCK_JOURNAL 9u
#define BLOCK_CUSTOM 0xbadu
#define BLOCK_CUSTOM_LOCAL 0x40000badu

#define ORDER_MAGIC 0x1a2b3c4du

/* Everything of a block before its options or packet bytes, without the length at its end. */
#define SECTION_HEAD_LEN 24u
#define IFACE_HEAD_LEN 16u
#define PACKET_HEAD_LEN 28u
#define SIMPLE_HEAD_LEN 12u
#define TRAILER_LEN 4u

#define OPTION_END 0u
#define OPTION_TSRESOL 9u
#define OPTION_TSOFFSET 14u

static int broken_block(struct pt_capture *cap, const char *what)
{
    return pt_capture_broken(cap, "the block at byte %" PRIu64 " %s: broken from here on",
                             pt_window_off(&cap->win), what);
}

static int cut_block(struct pt_capture *cap)
{
    return pt_capture_broken(cap, "ends inside a block behind packet %" PRIu64 " at byte %" PRIu64,
                             cap->number, cap->win.end_off);
}

/* finish_block steps over a block of which done bytes were used, up to the length at its end. */
static void finish_block(struct pt_capture *cap, uint32_t block_len, uint32_t done)
{
    pt_window_step(&cap->win, block_len - TRAILER_LEN - done);
    cap->pcapng.trailer = block_len;
}

/* time_ns turns a count of 10^-n or 2^-n seconds into nanoseconds since the epoch, saturating. */
static int64_t time_ns(const struct pt_capture_iface *iface, uint64_t units)
{
    unsigned exponent = iface->tsresol & 0x7fu;
    __int128 ns = units;

    if (iface->tsresol & 0x80u) {
        ns = ns * 1000000000 >> exponent; /* 64 + 30 bits */
    } else {
        for (; exponent < 9; exponent++)
            ns *= 10;
        for (; exponent > 9 && ns > 0; exponent--)
            ns /= 10;
    }
    ns += (__int128)iface->offset_s * 1000000000;
    if (ns > INT64_MAX)
        return INT64_MAX;
    return ns < INT64_MIN ? INT64_MIN : (int64_t)ns;
}

/* read_section takes a section header: its byte order holds now, and no interface is known. */
static int read_section(struct pt_capture *cap)
{
    const uint8_t *p = pt_window_need(&cap->win, SECTION_HEAD_LEN);
    struct pt_capture_pcapng *s = &cap->pcapng;
    uint32_t block_len;

    if (!p)
        return cut_block(cap);
    s->swapped = pt_capture_u32(p + 8, false) != ORDER_MAGIC;
    if (pt_capture_u32(p + 8, s->swapped) != ORDER_MAGIC)
        return broken_block(cap, "is a section without a byte order");
    block_len = pt_capture_u32(p + 4, s->swapped);
    if (block_len < SECTION_HEAD_LEN + TRAILER_LEN || block_len % 4)
        return broken_block(cap, "is a section of an impossible length");
    if (pt_capture_u16(p + 12, s->swapped) != 1)
        return broken_block(cap, "is a section of a pcapng version that is not known");
    s->iface_cnt = 0;
    finish_block(cap, block_len, 0);
    return 1;
}

/* read_options takes the two options that times need; false if a length leads out of the block. */
static bool read_options(struct pt_capture_iface *iface, struct pt_cursor c, bool swapped)
{
    while (pt_cur_left(&c) > 0) {
        const uint8_t *head = pt_cur_take(&c, 4);
        uint16_t code = head ? pt_capture_u16(head, swapped) : 0;
        uint16_t len = head ? pt_capture_u16(head + 2, swapped) : 0;
        const uint8_t *value = pt_cur_take(&c, len);

        if (!value)
            return false;
        if (code == OPTION_END)
            return true;
        if (code == OPTION_TSRESOL && len == 1)
            iface->tsresol = value[0];
        if (code == OPTION_TSOFFSET && len == 8)
            iface->offset_s = (int64_t)pt_capture_u64(value, swapped);
        /* Padding of the last option may be missing: some writers leave it out. */
        pt_cur_take(&c, -len & 3u);
    }
    return true;
}

static int read_iface(struct pt_capture *cap, uint32_t block_len)
{
    struct pt_capture_pcapng *s = &cap->pcapng;
    struct pt_capture_iface iface = { .tsresol = 6 };
    const uint8_t *p;

    if (block_len < IFACE_HEAD_LEN + TRAILER_LEN || block_len > PT_WINDOW_NEED_MAX)
        return broken_block(cap, "describes an interface in an impossible length");
    p = pt_window_need(&cap->win, block_len);
    if (!p)
        return cut_block(cap);
    iface.link_type = pt_capture_u16(p + 8, s->swapped);
    iface.snap_len = pt_capture_u32(p + 12, s->swapped);
    if (!read_options(&iface, pt_cur(p + IFACE_HEAD_LEN, block_len - IFACE_HEAD_LEN - TRAILER_LEN),
                      s->swapped))
        return broken_block(cap, "describes an interface with options longer than itself");
    if (s->iface_cnt == PT_CAPTURE_IFACE_MAX)
        return broken_block(cap, "describes one interface too many (65536 a section are read)");
    if (s->iface_cnt == s->iface_cap) {
        uint32_t new_cap = s->iface_cap ? 2 * s->iface_cap : 16;
        struct pt_capture_iface *grown = realloc(s->ifaces, new_cap * sizeof(*grown));

        if (!grown) {
            pt_capture_broken(cap, "no memory for another interface");
            return -ENOMEM;
        }
        s->ifaces = grown;
        s->iface_cap = new_cap;
    }
    s->ifaces[s->iface_cnt++] = iface;
    finish_block(cap, block_len, 0);
    return 1;
}

/* lend_packet makes the frame's bytes visible and fills in what all three packet blocks have. */
static int lend_packet(struct pt_capture *cap, struct pt_frame *ret_frame, uint32_t block_len,
                       uint32_t head_len, uint32_t iface_idx)
{
    const uint8_t *p;

    if (ret_frame->cap_len > block_len - head_len - TRAILER_LEN)
        return broken_block(cap, "is shorter than the packet in it");
    if (iface_idx >= cap->pcapng.iface_cnt)
        return broken_block(cap, "is a packet of an interface that was not described");
    if (ret_frame->cap_len > pt_capture_len_max(cap->pcapng.ifaces[iface_idx].snap_len))
        return broken_block(cap, "is a packet longer than any");
    p = pt_window_need(&cap->win, head_len + (size_t)ret_frame->cap_len);
    if (!p)
        return cut_block(cap);
    ret_frame->data = p + head_len;
    if (ret_frame->wire_len < ret_frame->cap_len)
        ret_frame->wire_len = ret_frame->cap_len;
    ret_frame->link_type = cap->pcapng.ifaces[iface_idx].link_type;
    pt_window_step(&cap->win, head_len + (uint64_t)ret_frame->cap_len);
    finish_block(cap, block_len, head_len + ret_frame->cap_len);
    return 1;
}

/* read_packet reads an enhanced packet block, or the obsolete packet block, whose interface number
 * is 16 bits, followed by 16 bits of a drop count. */
static int read_packet(struct pt_capture *cap, struct pt_frame *ret_frame, uint32_t block_len,
                       bool old)
{
    struct pt_capture_pcapng *s = &cap->pcapng;
    const uint8_t *p;
    uint64_t units;
    uint32_t iface_idx;
    int rc;

    if (block_len < PACKET_HEAD_LEN + TRAILER_LEN)
        return broken_block(cap, "is too short for a packet");
    p = pt_window_need(&cap->win, PACKET_HEAD_LEN);
    if (!p)
        return cut_block(cap);
    iface_idx = old ? pt_capture_u16(p + 8, s->swapped) : pt_capture_u32(p + 8, s->swapped);
    units = (uint64_t)pt_capture_u32(p + 12, s->swapped) << 32 | pt_capture_u32(p + 16, s->swapped);
    ret_frame->cap_len = pt_capture_u32(p + 20, s->swapped);
    ret_frame->wire_len = pt_capture_u32(p + 24, s->swapped);
    rc = lend_packet(cap, ret_frame, block_len, PACKET_HEAD_LEN, iface_idx);
    if (rc == 1) {
        s->last_ns = time_ns(&s->ifaces[iface_idx], units);
        ret_frame->time_ns = s->last_ns;
    }
    return rc;
}

/* read_simple reads a simple packet block: of interface 0, without a time; its captured length is
 * what the snap length and the block leave of the length on the wire. */
static int read_simple(struct pt_capture *cap, struct pt_frame *ret_frame, uint32_t block_len)
{
    const struct pt_capture_pcapng *s = &cap->pcapng;
    const uint8_t *p;
    uint32_t room;

    if (block_len < SIMPLE_HEAD_LEN + TRAILER_LEN)
        return broken_block(cap, "is too short for a packet");
    p = pt_window_need(&cap->win, SIMPLE_HEAD_LEN);
    if (!p)
        return cut_block(cap);
    room = block_len - SIMPLE_HEAD_LEN - TRAILER_LEN;
    if (s->iface_cnt > 0 && s->ifaces[0].snap_len > 0 && s->ifaces[0].snap_len < room)
        room = s->ifaces[0].snap_len;
    ret_frame->wire_len = pt_capture_u32(p + 8, s->swapped);
    ret_frame->cap_len = ret_frame->wire_len < room ? ret_frame->wire_len : room;
    ret_frame->time_ns = s->last_ns;
    return lend_packet(cap, ret_frame, block_len, SIMPLE_HEAD_LEN, 0);
}

static int end_block(struct pt_capture *cap)
{
    struct pt_capture_pcapng *s = &cap->pcapng;
    const uint8_t *p = pt_window_need(&cap->win, TRAILER_LEN);

    if (!p)
        return cut_block(cap);
    if (pt_capture_u32(p, s->swapped) != s->trailer)
        return pt_capture_broken(cap,
                                 "the block that ends at byte %" PRIu64
                                 " has two different lengths: broken from here on",
                                 pt_window_off(&cap->win) + TRAILER_LEN);
    pt_window_step(&cap->win, TRAILER_LEN);
    s->trailer = 0;
    return 1;
}

static int next_pcapng(struct pt_capture *cap, struct pt_frame *ret_frame)
{
    struct pt_capture_pcapng *s = &cap->pcapng;
    int rc = 1;

    while (rc == 1) {
        const uint8_t *p;
        uint32_t type;
        uint32_t block_len;

        if (s->trailer) {
            rc = end_block(cap);
            if (rc != 1)
                break;
        }
        p = pt_window_need(&cap->win, 8);
        if (!p)
            return pt_window_left(&cap->win) == 0 ? pt_capture_over(cap) : cut_block(cap);
        type = pt_capture_u32(p, s->swapped);
        block_len = pt_capture_u32(p + 4, s->swapped);
        if (type == BLOCK_SECTION) { /* reads the same in both byte orders, its length does not */
            rc = read_section(cap);
            continue;
        }
        if (block_len < 8 + TRAILER_LEN || block_len % 4)
            return broken_block(cap, "has an impossible length");
        if (type == BLOCK_PACKET || type == BLOCK_PACKET_OLD)
            return read_packet(cap, ret_frame, block_len, type == BLOCK_PACKET_OLD);
        if (type == BLOCK_SIMPLE)
            return read_simple(cap, ret_frame, block_len);
        if (type == BLOCK_IFACE) {
            rc = read_iface(cap, block_len);
            continue;
        }
        if (type == BLOCK_JOURNAL || type == BLOCK_CUSTOM || type == BLOCK_CUSTOM_LOCAL)
            cap->number++;
        finish_block(cap, block_len, 0);
    }
    return rc;
}

static void fini_pcapng(struct pt_capture *cap)
{
    free(cap->pcapng.ifaces);
}

int pt_capture_open_pcapng(struct pt_capture *cap)
{
    const uint8_t *p = pt_window_need(&cap->win, 4);
    int rc;

    if (!p || pt_capture_u32(p, false) != BLOCK_SECTION)
        return -EBADMSG;
    p = pt_window_need(&cap->win, 12);
    if (p && pt_capture_u32(p + 8, false) != ORDER_MAGIC &&
        pt_capture_u32(p + 8, true) != ORDER_MAGIC)
        return -EBADMSG;
    cap->pcapng = (struct pt_capture_pcapng){ 0 };
    rc = read_section(cap);
    if (rc != 1)
        return rc < 0 ? rc : -ENODATA;
    cap->next = next_pcapng;
    cap->fini = fini_pcapng;
    return 0;
}
