/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_CAPTURE_WINDOW_H
#define PT_DATAPLANE_CAPTURE_WINDOW_H
/*
 * The bytes of a capture file, read once from front to back, through a window:
 *
 *     behind us | at ......... end | not yet visible
 *
 * The format readers ask for the next n bytes and step over them; where the bytes come from they do
 * not know. Two backings: a plain regular file is mapped, so that packets are lent in place and a
 * file of any size costs a few MiB of resident memory (what is behind us is unmapped from time to
 * time, the page cache keeps it); anything else (a pipe, gzip, zstd) is read into a fixed buffer.
 * Bytes stay valid until the next pt_window_need. A mapped file must not shrink while it is read:
 * the kernel would end us with SIGBUS.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/capture_unpack.h"

/* The most that can be asked for in one piece. The largest packet that we believe in is below it:
 * see PT_CAPTURE_PACKET_MAX in capture_pvt.h. */
#define PT_WINDOW_NEED_MAX ((1u << 20) + 64)

struct pt_window {
    const uint8_t *at;  /* the next byte of the capture */
    const uint8_t *end; /* one past the last visible byte */
    uint64_t end_off;   /* offset of end from the start of the (unpacked) capture */
    uint64_t debt;      /* bytes stepped over that were not visible yet; then at == end */
    uint64_t file_sz;   /* 0 if not known */
    uint64_t read_sz;   /* bytes taken from the file with read(2) */
    int err;            /* errno of a failed read, else 0 */
    char words[96];     /* why the bytes ended where they did, if that is not the end of the file */

    int fd;
    const uint8_t *map; /* the whole file, or NULL */
    uint64_t map_sz;
    uint64_t map_behind; /* unmapped up to here */

    uint8_t *buf; /* unpacked bytes: at and end point into it */
    uint8_t *in;  /* bytes as they are in the file */
    const uint8_t *in_at;
    const uint8_t *in_end;
    bool in_over;    /* the file has no more */
    bool bytes_over; /* nothing more can come */
    struct pt_unpack unpack;
};

/* pt_window_open takes over fd (a file or pipe at its current position) in any case. 0 or -errno. A
 * file without any byte is no error here. */
int pt_window_open(struct pt_window *w, int fd);
void pt_window_close(struct pt_window *w);

/* pt_window_fill is the slow half of pt_window_need. */
const uint8_t *pt_window_fill(struct pt_window *w, size_t len);

/* pt_window_need returns the next len (1..PT_WINDOW_NEED_MAX) bytes, or NULL if the capture ends
 * before; w->err and w->words say if that end is not the file's own. */
static inline const uint8_t *pt_window_need(struct pt_window *w, size_t len)
{
    if (len <= (size_t)(w->end - w->at))
        return w->at;
    return pt_window_fill(w, len);
}

/* pt_window_step goes len bytes on, also beyond what is visible. Bytes lent before stay valid. */
static inline void pt_window_step(struct pt_window *w, uint64_t len)
{
    size_t left = (size_t)(w->end - w->at);

    if (len <= left) {
        w->at += len;
        return;
    }
    w->at = w->end;
    w->debt += len - left;
}

/* pt_window_left: how many bytes are visible, for words about a capture that ends too early. */
static inline size_t pt_window_left(const struct pt_window *w)
{
    return (size_t)(w->end - w->at);
}

/* pt_window_off: where at is, counted from the start of the (unpacked) capture. */
static inline uint64_t pt_window_off(const struct pt_window *w)
{
    return w->end_off - (uint64_t)(w->end - w->at);
}

/* pt_window_file_read: bytes of the file behind us; when reading, those in the window too. */
static inline uint64_t pt_window_file_read(const struct pt_window *w)
{
    return w->map ? (uint64_t)(w->at - w->map) : w->read_sz;
}

static inline bool pt_window_unpacks(const struct pt_window *w)
{
    return w->unpack.kind != PT_UNPACK_NONE;
}

#endif
