/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/segment_reader.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/segment_pvt.h"

static int trouble(struct pt_segment_reader *r, int rc, const char *what)
{
    snprintf(r->trouble, sizeof(r->trouble), "%s", what);
    return rc;
}

static const char starting[] = "the writer is just starting, or died while it did; try again";

/* The first 16 bytes stay what they are in every version. */
static int check_head(struct pt_segment_reader *r, size_t sz)
{
    const struct pt_segment_head *h = r->head;

    if (sz < 16)
        return trouble(r, -EAGAIN, starting);
    if (memcmp(h->magic, PT_SEGMENT_MAGIC, sizeof(PT_SEGMENT_MAGIC)))
        return trouble(r, -EINVAL, "this is no segment of paritap");
    if (!h->version)
        return trouble(r, -EAGAIN, starting);
    if (h->version != PT_SEGMENT_VERSION) {
        snprintf(r->trouble, sizeof(r->trouble),
                 "it was written by another release (layout version %u, this program reads "
                 "version %u); use the paritap that belongs to the writer",
                 h->version, PT_SEGMENT_VERSION);
        return -EPROTO;
    }
    /* Partner of the acquire: the release at the end of pt_segment_create. */
    if (sz < sizeof(*h) || !atomic_load_explicit(&h->ready, memory_order_acquire))
        return trouble(r, -EAGAIN, starting);
    if (h->byte_order != PT_SEGMENT_BYTE_ORDER)
        return trouble(r, -EINVAL, "it was written with another byte order");
    if (h->total_sz > sz)
        return trouble(r, -EINVAL, "it is shorter than it says");
    return 0;
}

/* view checks a section that was copied out and makes a view of it; false if it is broken. */
static bool view(const struct pt_segment_reader *r, const struct pt_segment_section *sec,
                 const struct pt_segment_section *live, uint32_t row_sz, uint32_t copies,
                 struct pt_segment_view *ret_view)
{
    uint64_t len = (uint64_t)sec->stride * sec->row_max;

    if (sec->row_sz != row_sz || sec->stride != pt_segment_stride(row_sz, copies))
        return false;
    if (!sec->row_max || sec->row_max > PT_SEGMENT_ROW_MAX)
        return false;
    if (sec->off % PT_SEGMENT_ALIGN || sec->off > r->mapped_sz || len > r->mapped_sz - sec->off)
        return false;
    *ret_view = (struct pt_segment_view){
        .base = (const uint8_t *)r->head + sec->off,
        .live = live,
        .stride = sec->stride,
        .row_max = sec->row_max,
    };
    return true;
}

static bool take_section(struct pt_segment_reader *r, const struct pt_segment_section *live)
{
    struct pt_segment_section sec = {
        .kind = live->kind,
        .row_sz = live->row_sz,
        .off = live->off,
        .stride = live->stride,
        .row_max = live->row_max,
    };

    memcpy(sec.name, live->name, sizeof(sec.name) - 1);
    if (sec.kind == PT_SEGMENT_KIND_RING && !strcmp(sec.name, PT_SEGMENT_RING_NAME)) {
        if (r->ring_cnt == PT_SEGMENT_RING_MAX ||
            !view(r, &sec, live, (uint32_t)sizeof(struct pt_segment_finding),
                  PT_SEGMENT_RING_COPIES, &r->ring[r->ring_cnt]))
            return false;
        r->ring_cnt++;
        return true;
    }
    for (int t = 0; sec.kind == PT_SEGMENT_KIND_TABLE && t < PT_SEGMENT_TABLE_CNT; t++) {
        const struct pt_segment_table_info *info = pt_segment_table_info((enum pt_segment_table)t);

        if (!strcmp(sec.name, info->name))
            return view(r, &sec, live, info->row_sz, PT_SEGMENT_TABLE_COPIES, &r->table[t]);
    }
    return false;
}

int pt_segment_reader_attach(struct pt_segment_reader *r, const void *mem, size_t sz)
{
    const struct pt_segment_head *h = mem;
    uint32_t cnt;
    int rc;

    *r = (struct pt_segment_reader){ .fd = -1, .head = h, .mapped_sz = sz };
    rc = check_head(r, sz);
    if (rc)
        return rc;
    cnt = h->section_cnt;
    if (cnt > PT_SEGMENT_SECTION_MAX)
        return trouble(r, -EINVAL, "its section list is broken");
    for (uint32_t i = 0; i < cnt; i++) {
        if (!take_section(r, &h->section[i]))
            return trouble(r, -EINVAL, "its section list is broken");
    }
    for (int t = 0; t < PT_SEGMENT_TABLE_CNT; t++) {
        if (!r->table[t].base)
            return trouble(r, -EINVAL, "a section is missing");
    }
    r->id = (struct pt_segment_identity){
        .pid = h->pid,
        .run_id = h->run_id,
        .start_ns = h->start_ns,
        .beat_every_ns = h->beat_every_ns,
        .program = h->program,
        .host = h->host,
    };
    r->id.program.s[sizeof(r->id.program.s) - 1] = 0;
    r->id.host.s[sizeof(r->id.host.s) - 1] = 0;
    return 0;
}

/* prefix_trouble puts the segment's name in front of what attach says. */
static void prefix_trouble(struct pt_segment_reader *r, const char *name)
{
    char what[sizeof(r->trouble)];

    memcpy(what, r->trouble, sizeof(what));
    snprintf(r->trouble, sizeof(r->trouble), "segment %.60s: %.240s", name, what);
}

static int open_object(struct pt_segment_reader *r, const char *name, int *ret_fd)
{
    char shm[PT_SEGMENT_NAME_MAX];
    int fd;

    if (pt_segment_shm_name(name, shm))
        return trouble(r, -EINVAL, "a name has letters, digits, '.', '_' and '-'");
    fd = shm_open(shm, O_RDONLY | O_CLOEXEC, 0);
    if (fd >= 0) {
        *ret_fd = fd;
        return 0;
    }
    if (errno == ENOENT)
        return trouble(r, -ENOENT,
                       "there is none; is the writer running, and under that name? "
                       "ls /dev/shm shows what there is");
    if (errno == EACCES)
        return trouble(r, -EACCES,
                       "you may not read it; join the group that owns it (ls -l "
                       "/dev/shm), or let the writer give it to your group");
    snprintf(r->trouble, sizeof(r->trouble), "cannot be opened: %s", strerror(errno));
    return -errno;
}

int pt_segment_reader_open(struct pt_segment_reader *r, const char *name)
{
    void *mem = MAP_FAILED;
    struct stat st = { 0 };
    size_t sz = 0;
    int fd = -1;
    int rc;

    *r = (struct pt_segment_reader){ .fd = -1 };
    rc = open_object(r, name, &fd);
    if (rc)
        goto out;
    if (!fstat(fd, &st))
        sz = (size_t)st.st_size;
    if (!sz) {
        rc = trouble(r, -EAGAIN, starting);
        goto out;
    }
    mem = mmap(NULL, sz, PROT_READ, MAP_SHARED, fd, 0);
    if (mem == MAP_FAILED) {
        rc = -errno;
        snprintf(r->trouble, sizeof(r->trouble), "cannot be mapped: %s", strerror(errno));
        goto out;
    }
    rc = pt_segment_reader_attach(r, mem, sz);
out:
    if (!rc) {
        r->fd = fd;
        return 0;
    }
    prefix_trouble(r, name);
    if (mem != MAP_FAILED)
        munmap(mem, sz);
    if (fd >= 0)
        close(fd);
    r->head = NULL;
    return rc;
}

void pt_segment_reader_close(struct pt_segment_reader *r)
{
    if (r->fd >= 0) {
        munmap((void *)(uintptr_t)r->head, r->mapped_sz);
        close(r->fd);
    }
    r->fd = -1;
    r->head = NULL;
}

bool pt_segment_reader_replaced(const struct pt_segment_reader *r, const char *name)
{
    char shm[PT_SEGMENT_NAME_MAX];
    struct stat mine;
    struct stat named;
    bool other = false;
    int fd;

    if (r->fd < 0 || pt_segment_shm_name(name, shm))
        return false;
    fd = shm_open(shm, O_RDONLY | O_CLOEXEC, 0);
    if (fd < 0)
        return false;
    if (!fstat(r->fd, &mine) && !fstat(fd, &named))
        other = mine.st_ino != named.st_ino || mine.st_dev != named.st_dev;
    close(fd);
    return other;
}

/* Partner: the release in pt_segment_set_state. */
enum pt_segment_state pt_segment_reader_state(const struct pt_segment_reader *r)
{
    uint64_t state = atomic_load_explicit(&r->head->state, memory_order_acquire);

    return state < PT_SEGMENT_STATE_CNT ? (enum pt_segment_state)state : PT_SEGMENT_ENDED;
}

int64_t pt_segment_reader_beat_age_ns(const struct pt_segment_reader *r)
{
    uint64_t beat = atomic_load_explicit(&r->head->beat_ns, memory_order_relaxed);
    uint64_t now = (uint64_t)pt_segment_clock_ns();

    return beat < now ? (int64_t)(now - beat) : 0;
}

enum pt_segment_life pt_segment_reader_life(const struct pt_segment_reader *r)
{
    int64_t late = PT_SEGMENT_STALE_NS;

    if (pt_segment_reader_state(r) == PT_SEGMENT_ENDED)
        return PT_SEGMENT_OVER;
    if (r->fd >= 0 && !pt_segment_locked_by_writer(r->fd)) {
        /* It may have ended between the two looks. */
        return pt_segment_reader_state(r) == PT_SEGMENT_ENDED ? PT_SEGMENT_OVER : PT_SEGMENT_DEAD;
    }
    if (r->id.beat_every_ns > late / 4 && r->id.beat_every_ns < INT64_MAX / 4)
        late = r->id.beat_every_ns * 4;
    return pt_segment_reader_beat_age_ns(r) > late ? PT_SEGMENT_STALE : PT_SEGMENT_ALIVE;
}

const char *pt_segment_state_name(enum pt_segment_state state)
{
    static const char *const name[PT_SEGMENT_STATE_CNT] = {
#define X(n, text) [PT_SEGMENT_##n] = text,
        PT_SEGMENT_STATE_LIST(X)
#undef X
    };

    return name[state];
}
