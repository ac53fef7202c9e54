/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_MAKE_CAPTURE_H
#define PT_TESTS_MAKE_CAPTURE_H
/*
 * Capture files made by hand, byte by byte from the drafts' tables, in either byte order, and how
 * the tests of captures open and compare them.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "dataplane/capture.h"

#define MAKE_MAX 16384

struct make {
    uint8_t data[MAKE_MAX];
    size_t len;
    bool big; /* byte order of what is put from here on */
};

static inline void put_bytes(struct make *m, const void *data, size_t len)
{
    assert_true(len <= MAKE_MAX - m->len);
    if (len > 0)
        memcpy(m->data + m->len, data, len);
    m->len += len;
}

static inline void put_int(struct make *m, uint64_t v, size_t len)
{
    uint8_t bytes[8];

    for (size_t i = 0; i < len; i++)
        bytes[m->big ? len - 1 - i : i] = (uint8_t)(v >> 8 * i);
    put_bytes(m, bytes, len);
}

static inline void put_u16(struct make *m, uint64_t v)
{
    put_int(m, v, 2);
}

static inline void put_u32(struct make *m, uint64_t v)
{
    put_int(m, v, 4);
}

static inline void put_pcap_header(struct make *m, uint32_t magic, uint32_t snap, uint32_t link)
{
    put_u32(m, magic);
    put_u16(m, 2);
    put_u16(m, 4);
    put_u32(m, 0);
    put_u32(m, 0);
    put_u32(m, snap);
    put_u32(m, link);
}

static inline void put_pcap_packet(struct make *m, uint32_t s, uint32_t frac, const void *data,
                                   uint32_t cap_len, uint32_t wire_len)
{
    put_u32(m, s);
    put_u32(m, frac);
    put_u32(m, cap_len);
    put_u32(m, wire_len);
    put_bytes(m, data, cap_len);
}

/* A pcapng block is begun, filled, and ended, which pads it and sets both lengths. */
static inline size_t begin_block(struct make *m, uint32_t type)
{
    size_t at = m->len;

    put_u32(m, type);
    put_u32(m, 0);
    return at;
}

static inline void end_block_at(struct make *m, size_t at)
{
    size_t len;

    while ((m->len - at) % 4)
        put_bytes(m, "", 1);
    len = m->len - at + 4;
    m->len = at + 4;
    put_u32(m, len);
    m->len = at + len - 4;
    put_u32(m, len);
}

static inline int memory_file(const void *data, size_t len)
{
    int fd = memfd_create("capture", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, data, len), (ssize_t)len);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

/* fd_path names an open file so that it can be opened again. */
static inline const char *fd_path(int fd, char buf[32])
{
    snprintf(buf, 32, "/proc/self/fd/%d", fd);
    return buf;
}

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

/* What is in every packet, from its start. */
static const uint8_t any_bytes[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

struct want {
    uint64_t packet;
    int64_t time_ns;
    uint32_t link_type;
    uint32_t cap_len;
    uint32_t wire_len;
};

static inline struct pt_capture *open_path(const char *path)
{
    struct pt_capture *cap = NULL;
    const char *err = NULL;

    if (pt_capture_open(path, &cap, &err) < 0)
        fail_msg("%s", err);
    return cap;
}

static inline struct pt_capture *open_bytes(const void *data, size_t len)
{
    int fd = memory_file(data, len);
    char path[32];
    struct pt_capture *cap = open_path(fd_path(fd, path));

    close(fd);
    return cap;
}

static inline void expect_frames(struct pt_capture *cap, const struct want *want, size_t want_cnt)
{
    struct pt_frame f;

    for (size_t i = 0; i < want_cnt; i++) {
        assert_int_equal(pt_capture_next(cap, &f), 1);
        assert_int_equal(f.packet, want[i].packet);
        assert_int_equal(f.time_ns, want[i].time_ns);
        assert_int_equal(f.link_type, want[i].link_type);
        assert_int_equal(f.cap_len, want[i].cap_len);
        assert_int_equal(f.wire_len, want[i].wire_len);
        assert_memory_equal(f.data, any_bytes, f.cap_len);
    }
    assert_int_equal(pt_capture_next(cap, &f), 0);
    assert_int_equal(pt_capture_next(cap, &f), 0); /* the end stays the end */
    assert_int_equal(pt_capture_info(cap)->packets, want_cnt);
    assert_string_equal(pt_capture_info(cap)->trouble, "");
    assert_false(pt_capture_info(cap)->truncated);
    assert_int_equal(pt_capture_info(cap)->file_read, pt_capture_info(cap)->file_sz);
}

static inline void put_section(struct make *m)
{
    size_t at = begin_block(m, 0x0a0d0d0a);

    put_u32(m, 0x1a2b3c4d);
    put_u16(m, 1);
    put_u16(m, 0);
    put_int(m, UINT64_MAX, 8);
    end_block_at(m, at);
}

/* An interface; a tsresol of 0 means: no such option. */
static inline void put_iface(struct make *m, uint16_t link, uint32_t snap, uint8_t tsresol,
                             int64_t offset)
{
    size_t at = begin_block(m, 1);

    put_u16(m, link);
    put_u16(m, 0);
    put_u32(m, snap);
    put_u16(m, 2); /* if_name, with padding */
    put_u16(m, 5);
    put_bytes(m, "eth0:\0\0\0", 8);
    if (tsresol) {
        put_u16(m, 9);
        put_u16(m, 1);
        put_bytes(m, &tsresol, 1);
        put_bytes(m, "\0\0\0", 3);
    }
    if (offset) {
        put_u16(m, 14);
        put_u16(m, 8);
        put_int(m, (uint64_t)offset, 8);
    }
    put_u32(m, 0);
    end_block_at(m, at);
}

static inline void put_packet(struct make *m, uint32_t iface, uint64_t units, uint32_t cap_len,
                              uint32_t wire_len)
{
    size_t at = begin_block(m, 6);

    put_u32(m, iface);
    put_u32(m, units >> 32);
    put_u32(m, units & 0xffffffff);
    put_u32(m, cap_len);
    put_u32(m, wire_len);
    put_bytes(m, any_bytes, cap_len);
    while (m->len % 4)
        put_bytes(m, "", 1);
    put_u16(m, 1); /* a comment */
    put_u16(m, 3);
    put_bytes(m, "hm.\0\0\0\0", 8);
    end_block_at(m, at);
}

static inline void put_packet_old(struct make *m, uint16_t iface, uint64_t units, uint32_t cap_len)
{
    size_t at = begin_block(m, 2);

    put_u16(m, iface);
    put_u16(m, 7); /* drops */
    put_u32(m, units >> 32);
    put_u32(m, units & 0xffffffff);
    put_u32(m, cap_len);
    put_u32(m, cap_len);
    put_bytes(m, any_bytes, cap_len);
    end_block_at(m, at);
}

static inline void put_simple(struct make *m, uint32_t here, uint32_t wire_len)
{
    size_t at = begin_block(m, 3);

    put_u32(m, wire_len);
    put_bytes(m, any_bytes, here);
    end_block_at(m, at);
}

static inline void put_other(struct make *m, uint32_t type, size_t len)
{
    size_t at = begin_block(m, type);

    put_bytes(m, any_bytes, len);
    end_block_at(m, at);
}

#endif
