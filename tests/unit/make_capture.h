/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_MAKE_CAPTURE_H
#define PT_TESTS_MAKE_CAPTURE_H
/*
 * Capture files made by hand, byte by byte from the drafts' tables, in either byte order; and files
 * without a name (memfd) and pipes to read them from. Include behind cmocka.h.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

#endif
