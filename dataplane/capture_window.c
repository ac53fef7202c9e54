/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/capture_window.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* What one refill makes visible. Mapped: small enough that the resident part stays small, large
 * enough that the system calls do not count. Read: small enough that the bytes are still in the
 * cache when they are parsed. */
#define MAP_STEP_SZ (16u << 20)
#define READ_STEP_SZ (256u << 10)

#define BUF_SZ (PT_WINDOW_NEED_MAX + READ_STEP_SZ)
#define IN_SZ (128u << 10)

_Static_assert(IN_SZ <= READ_STEP_SZ, "what was sniffed fits into the first refill");

/* read_fd is read(2) that keeps an error. 0 at the end or error. A signal whose handler was
 * installed without SA_RESTART ends the reading: that is how a silent pipe is left. */
static size_t read_fd(struct pt_window *w, uint8_t *out, size_t out_sz)
{
    ssize_t got = read(w->fd, out, out_sz);

    if (got < 0) {
        w->err = errno;
        if (w->err == EINTR)
            snprintf(w->words, sizeof(w->words), "the reading was interrupted");
        else
            snprintf(w->words, sizeof(w->words), "reading failed: %s", strerror(w->err));
    }
    if (got <= 0) {
        w->in_over = true;
        return 0;
    }
    w->read_sz += (uint64_t)got;
    return (size_t)got;
}

static void read_in(struct pt_window *w)
{
    size_t kept = (size_t)(w->in_end - w->in_at);

    memmove(w->in, w->in_at, kept);
    w->in_at = w->in;
    w->in_end = w->in + kept + read_fd(w, w->in + kept, IN_SZ - kept);
}

/* make_plain and make_unpacked put up to READ_STEP_SZ of the next bytes to out; 0 at the end. */
static size_t make_plain(struct pt_window *w, uint8_t *out)
{
    size_t kept = (size_t)(w->in_end - w->in_at); /* what the sniffing took: IN_SZ at most */

    if (kept == 0)
        return w->in_over ? 0 : read_fd(w, out, READ_STEP_SZ);
    memcpy(out, w->in_at, kept);
    w->in_at = w->in_end;
    return kept;
}

static size_t make_unpacked(struct pt_window *w, uint8_t *out)
{
    const char *kind = w->unpack.kind == PT_UNPACK_GZIP ? "gzip" : "zstd";
    const char *words = NULL;
    size_t made = 0;

    for (;;) {
        const uint8_t *from = w->in_at;
        uint64_t in_off;
        int rc = pt_unpack_step(&w->unpack, &w->in_at, w->in_end, out, READ_STEP_SZ, &made, &words);

        in_off = w->read_sz - (uint64_t)(w->in_end - w->in_at);
        if (rc < 0) {
            snprintf(w->words, sizeof(w->words),
                     "%s data broken at byte %" PRIu64 " of the file: %s", kind, in_off, words);
            w->in_at = w->in_end;
            w->in_over = true;
            w->bytes_over = true;
            return made;
        }
        if (made > 0)
            return made;
        if (w->in_over && w->in_at == from) {
            if (!w->unpack.whole && !w->words[0])
                snprintf(w->words, sizeof(w->words),
                         "the %s data are cut off at byte %" PRIu64 " of the file", kind, in_off);
            return 0;
        }
        if (!w->in_over)
            read_in(w);
    }
}

static const uint8_t *fill_read(struct pt_window *w, size_t len)
{
    size_t left = (size_t)(w->end - w->at);

    memmove(w->buf, w->at, left);
    w->at = w->buf;
    w->end = w->buf + left;
    while (left < len && !w->bytes_over) {
        size_t made = pt_window_unpacks(w) ? make_unpacked(w, w->buf + left)
                                           : make_plain(w, w->buf + left);
        size_t paid = made < w->debt ? made : (size_t)w->debt;

        if (made == 0)
            w->bytes_over = true;
        w->debt -= paid;
        w->end_off += made;
        /* A debt means that nothing was left in the window: what is paid is dropped from its front.
         */
        memmove(w->buf + left, w->buf + left + paid, made - paid);
        left += made - paid;
        w->end = w->buf + left;
    }
    return left >= len ? w->at : NULL;
}

static const uint8_t *fill_map(struct pt_window *w, size_t len)
{
    uint64_t at_off = (uint64_t)(w->at - w->map);
    uint64_t behind;
    uint64_t step;

    if (w->debt > w->map_sz - at_off) {
        w->debt -= w->map_sz - at_off;
        at_off = w->map_sz;
    } else {
        at_off += w->debt;
        w->debt = 0;
    }
    step = len > MAP_STEP_SZ ? len : MAP_STEP_SZ;
    w->end_off = step < w->map_sz - at_off ? at_off + step : w->map_sz;
    w->at = w->map + at_off;
    w->end = w->map + w->end_off;

    /* Page tables only: the bytes stay in the page cache and would come back if touched. */
    behind = at_off & ~(uint64_t)(MAP_STEP_SZ - 1);
    if (behind > w->map_behind) {
        const uint8_t *from = w->map + w->map_behind;

        madvise((void *)(uintptr_t)from, behind - w->map_behind, MADV_DONTNEED);
        w->map_behind = behind;
    }
    return w->end_off - at_off >= len ? w->at : NULL;
}

const uint8_t *pt_window_fill(struct pt_window *w, size_t len)
{
    return w->map ? fill_map(w, len) : fill_read(w, len);
}

/* try_map maps the file if it is one that can be; everything else is read. */
static void try_map(struct pt_window *w, bool from_start)
{
    void *map;

    if (!from_start || w->file_sz == 0 || pt_window_unpacks(w))
        return;
    map = mmap(NULL, w->file_sz, PROT_READ, MAP_PRIVATE, w->fd, 0);
    if (map == MAP_FAILED)
        return;
    madvise(map, w->file_sz, MADV_SEQUENTIAL);
    w->map = map;
    w->map_sz = w->file_sz;
    w->at = w->map;
    w->end = w->map;
}

int pt_window_open(struct pt_window *w, int fd)
{
    enum pt_unpack_kind kind;
    bool from_start;
    struct stat st;
    int rc;

    *w = (struct pt_window){ .fd = fd };
    if (fstat(fd, &st) < 0)
        return -errno;
    if (S_ISREG(st.st_mode))
        w->file_sz = (uint64_t)st.st_size;
    from_start = S_ISREG(st.st_mode) && lseek(fd, 0, SEEK_CUR) == 0;

    w->in = malloc(IN_SZ);
    if (!w->in)
        return -ENOMEM;
    w->in_at = w->in_end = w->in;
    while (w->in_end - w->in_at < PT_UNPACK_SNIFF_LEN && !w->in_over)
        read_in(w);
    if (w->err)
        return -w->err;
    kind = pt_unpack_sniff(w->in_at, (size_t)(w->in_end - w->in_at));
    if (kind != PT_UNPACK_NONE) {
        rc = pt_unpack_init(&w->unpack, kind);
        if (rc < 0)
            return rc;
    }
    try_map(w, from_start);
    if (w->map) {
        free(w->in);
        w->in = NULL;
        return 0;
    }
    w->buf = malloc(BUF_SZ);
    if (!w->buf)
        return -ENOMEM;
    w->at = w->end = w->buf;
    return 0;
}

void pt_window_close(struct pt_window *w)
{
    if (w->map)
        munmap((void *)(uintptr_t)w->map, w->map_sz);
    pt_unpack_fini(&w->unpack);
    free(w->buf);
    free(w->in);
    close(w->fd);
}
