/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/segment_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/segment_pvt.h"

/* Two starts at once may each see the other's half-made object; then somebody gives up. */
#define CREATE_TRIES 4

void pt_segment_cfg_init(struct pt_segment_cfg *cfg)
{
    *cfg = (struct pt_segment_cfg){
        .name = PT_SEGMENT_DEFAULT_NAME,
        .program = "paritap",
        .mode = 0640,
        .group = (gid_t)-1,
        .ring_cnt = 1,
        .ring_slots = 4096,
        .beat_every_ns = 500000000,
    };
    for (int t = 0; t < PT_SEGMENT_TABLE_CNT; t++)
        cfg->row_max[t] = pt_segment_table_info((enum pt_segment_table)t)->row_default;
}

size_t pt_segment_footprint(const struct pt_segment_cfg *cfg)
{
    size_t sz = sizeof(struct pt_segment_head);

    for (int t = 0; t < PT_SEGMENT_TABLE_CNT; t++) {
        uint32_t row_sz = pt_segment_table_info((enum pt_segment_table)t)->row_sz;

        if (!cfg->row_max[t] || cfg->row_max[t] > PT_SEGMENT_ROW_MAX)
            return 0;
        sz += (size_t)pt_segment_stride(row_sz, PT_SEGMENT_TABLE_COPIES) * cfg->row_max[t];
    }
    if (!cfg->ring_cnt || cfg->ring_cnt > PT_SEGMENT_RING_MAX)
        return 0;
    if (!cfg->ring_slots || cfg->ring_slots > PT_SEGMENT_ROW_MAX || cfg->beat_every_ns <= 0)
        return 0;
    return sz +
           (size_t)pt_segment_stride(sizeof(struct pt_segment_finding), PT_SEGMENT_RING_COPIES) *
                   cfg->ring_slots * cfg->ring_cnt;
}

uint8_t pt_segment_copy(char *dst, size_t dst_sz, const char *src)
{
    size_t len = src ? strlen(src) : 0;
    uint8_t cut = len >= dst_sz;

    if (cut) {
        len = dst_sz - 1;
        for (int back = 0; back < 3 && ((uint8_t)src[len] & 0xc0) == 0x80; back++)
            len--;
    }
    if (len)
        memcpy(dst, src, len);
    memset(dst + len, 0, dst_sz - len);
    return cut;
}

/* trouble keeps the sentence and returns rc. */
__attribute__((format(printf, 4, 5))) static int trouble(struct pt_segment_writer *s, int rc,
                                                         const char *name, const char *fmt, ...)
{
    size_t at = (size_t)snprintf(s->trouble, sizeof(s->trouble), "segment %.60s: ", name);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(s->trouble + at, sizeof(s->trouble) - at, fmt, ap);
    va_end(ap);
    return rc;
}

static int trouble_errno(struct pt_segment_writer *s, const char *name, const char *what)
{
    int err = errno;

    return trouble(s, -err, name, "%s: %s", what, strerror(err));
}

/* stands_for: the name still means the object that is open as fd. */
static bool stands_for(const char *name, int fd)
{
    struct stat named;
    struct stat held;
    int again = shm_open(name, O_RDONLY | O_CLOEXEC, 0);
    bool same;

    if (again < 0)
        return false;
    same = !fstat(again, &named) && !fstat(fd, &held) && named.st_ino == held.st_ino &&
           named.st_dev == held.st_dev;
    close(again);
    return same;
}

/* remove_leftover unlinks what a dead writer left under the name. The lock on the old object is
 * held meanwhile, so that of two starts only one does it. */
static int remove_leftover(struct pt_segment_writer *s, const char *name)
{
    char magic[sizeof(PT_SEGMENT_MAGIC)] = "";
    int rc = 0;
    int fd = shm_open(name, O_RDWR | O_CLOEXEC, 0);
    ssize_t got;

    if (fd < 0 && errno == ENOENT) /* gone meanwhile */
        return 0;
    if (fd < 0)
        return trouble_errno(s, name,
                             "an older object of that name cannot be taken over; remove "
                             "it as its owner, or give another name");
    if (pt_segment_lock(fd)) {
        rc = trouble(s, -EBUSY, name, "another paritap is writing it; give this one another name");
        goto out;
    }
    got = pread(fd, magic, sizeof(magic), 0);
    if (got && (got != (ssize_t)sizeof(magic) || memcmp(magic, PT_SEGMENT_MAGIC, sizeof(magic)))) {
        rc = trouble(s, -EEXIST, name,
                     "that shared memory belongs to something else; give another "
                     "name");
        goto out;
    }
    if (stands_for(name, fd) && shm_unlink(name))
        rc = trouble_errno(s, name, "an older segment cannot be removed");
out:
    close(fd);
    return rc;
}

/* make_object: a new, empty, locked object under the name. Until it is ready only the owner can
 * open it. */
static int make_object(struct pt_segment_writer *s, const char *name)
{
    for (int i = 0; i < CREATE_TRIES; i++) {
        int rc;

        s->fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (s->fd >= 0)
            break;
        if (errno != EEXIST)
            return trouble_errno(s, name, "cannot be created in /dev/shm");
        rc = remove_leftover(s, name);
        if (rc)
            return rc;
    }
    /* Before it was locked, another start may have taken it for a leftover. */
    if (s->fd < 0 || pt_segment_lock(s->fd) || !stands_for(name, s->fd))
        return trouble(s, -EBUSY, name, "another paritap is starting under the same name");
    return 0;
}

/* Memory is reserved now: a full /dev/shm must not kill the dataplane later. The magic goes first,
 * so that what a killed start leaves is known for ours. */
static int map_object(struct pt_segment_writer *s, const char *name)
{
    int err;

    if (pwrite(s->fd, PT_SEGMENT_MAGIC, sizeof(PT_SEGMENT_MAGIC), 0) < 0)
        return trouble_errno(s, name, "cannot be written");
    err = posix_fallocate(s->fd, 0, (off_t)s->total_sz);
    if (err)
        return trouble(s, -err, name,
                       "%zu KiB of shared memory cannot be had: %s; make room in "
                       "/dev/shm, or ask for fewer rows",
                       s->total_sz / 1024, strerror(err));
    s->head = mmap(NULL, s->total_sz, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, s->fd, 0);
    if (s->head == MAP_FAILED) {
        s->head = NULL;
        return trouble_errno(s, name, "cannot be mapped");
    }
    return 0;
}

static uint64_t add_section(struct pt_segment_head *h, const char *name, enum pt_segment_kind kind,
                            uint32_t row_sz, uint32_t row_max, uint64_t off)
{
    struct pt_segment_section *sec = &h->section[h->section_cnt++];
    uint32_t copies =
            kind == PT_SEGMENT_KIND_RING ? PT_SEGMENT_RING_COPIES : PT_SEGMENT_TABLE_COPIES;

    snprintf(sec->name, sizeof(sec->name), "%s", name);
    sec->kind = kind;
    sec->row_sz = row_sz;
    sec->off = off;
    sec->stride = pt_segment_stride(row_sz, copies);
    sec->row_max = row_max;
    return off + (uint64_t)sec->stride * row_max;
}

static void fill_head(struct pt_segment_writer *s, const struct pt_segment_cfg *cfg)
{
    struct pt_segment_head *h = s->head;
    uint64_t off = sizeof(*h);
    struct timespec now;
    char host[256] = "";

    h->version = PT_SEGMENT_VERSION;
    h->byte_order = PT_SEGMENT_BYTE_ORDER;
    h->total_sz = s->total_sz;
    h->pid = (uint32_t)getpid();
    clock_gettime(CLOCK_REALTIME, &now);
    h->start_ns = (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
    if (getrandom(&h->run_id, sizeof(h->run_id), 0) < 0)
        h->run_id = (uint64_t)h->start_ns ^ (uint64_t)h->pid << 40;
    h->beat_every_ns = cfg->beat_every_ns;
    PT_SEGMENT_SET(h->program, cfg->program);
    gethostname(host, sizeof(host) - 1);
    PT_SEGMENT_SET(h->host, host);
    for (int t = 0; t < PT_SEGMENT_TABLE_CNT; t++) {
        const struct pt_segment_table_info *info = pt_segment_table_info((enum pt_segment_table)t);

        off = add_section(h, info->name, PT_SEGMENT_KIND_TABLE, info->row_sz, cfg->row_max[t], off);
    }
    for (uint32_t i = 0; i < cfg->ring_cnt; i++)
        off = add_section(h, PT_SEGMENT_RING_NAME, PT_SEGMENT_KIND_RING,
                          (uint32_t)sizeof(struct pt_segment_finding), cfg->ring_slots, off);
}

int pt_segment_create(struct pt_segment_writer *s, const struct pt_segment_cfg *cfg)
{
    char name[PT_SEGMENT_NAME_MAX];
    bool made = false;
    int rc;

    *s = (struct pt_segment_writer){ .fd = -1, .total_sz = pt_segment_footprint(cfg) };
    if (pt_segment_shm_name(cfg->name, name))
        return trouble(s, -EINVAL, cfg->name,
                       "a name has letters, digits, '.', '_' and '-', and "
                       "does not begin with a '.'");
    if (!s->total_sz)
        return trouble(s, -EINVAL, name, "wrong number of rows, rings or findings");
    if (cfg->mode & ~(mode_t)0644 || !(cfg->mode & 0400))
        return trouble(s, -EINVAL, name,
                       "permissions beyond 0644: nobody but the writer needs to "
                       "write");
    rc = make_object(s, name);
    made = !rc;
    if (!rc)
        rc = map_object(s, name);
    if (rc)
        goto out;
    fill_head(s, cfg);
    pt_segment_beat(s);
    if (cfg->group != (gid_t)-1 && fchown(s->fd, (uid_t)-1, cfg->group))
        rc = trouble_errno(s, name, "cannot be given to the group of readers");
    else if (fchmod(s->fd, cfg->mode))
        rc = trouble_errno(s, name, "its permissions cannot be set");
out:
    if (!rc) {
        /* Partner: the acquire in check_head in segment_reader.c. */
        atomic_store_explicit(&s->head->ready, 1, memory_order_release);
        return 0;
    }
    if (s->head)
        munmap(s->head, s->total_sz);
    s->head = NULL;
    if (made)
        shm_unlink(name);
    if (s->fd >= 0)
        close(s->fd);
    s->fd = -1;
    return rc;
}

void pt_segment_close(struct pt_segment_writer *s)
{
    if (!s->head)
        return;
    pt_segment_set_state(s, PT_SEGMENT_ENDED);
    pt_segment_beat(s);
    munmap(s->head, s->total_sz);
    s->head = NULL;
    close(s->fd); /* and with it goes the lock */
    s->fd = -1;
}

int64_t pt_segment_take(struct pt_segment_writer *s, enum pt_segment_table table)
{
    struct pt_segment_section *sec = &s->head->section[table];
    uint64_t used = atomic_load_explicit(&sec->used, memory_order_relaxed);

    do {
        if (used >= sec->row_max) {
            atomic_fetch_add_explicit(&sec->refused, 1, memory_order_relaxed);
            return -1;
        }
    } while (!atomic_compare_exchange_weak_explicit(&sec->used, &used, used + 1,
                                                    memory_order_relaxed, memory_order_relaxed));
    return (int64_t)used;
}

/* Each word is a release of its own: whoever acquires one also sees the change of seq that stands
 * before it. That needs no fence, and costs nothing on x86-64. Partner: copy_words in
 * segment_reader_rows.c. */
static void copy_words(_Atomic uint64_t *to, const void *from, size_t sz)
{
    const uint8_t *at = from;

    for (size_t i = 0; i < sz / sizeof(uint64_t); i++) {
        uint64_t word;

        memcpy(&word, at + i * sizeof(word), sizeof(word));
        atomic_store_explicit(&to[i], word, memory_order_release);
    }
}

static _Atomic uint64_t *row_at(struct pt_segment_writer *s, const struct pt_segment_section *sec,
                                uint64_t idx)
{
    return (_Atomic uint64_t *)(void *)((uint8_t *)s->head + sec->off + idx * sec->stride);
}

void pt_segment_put(struct pt_segment_writer *s, enum pt_segment_table table, int64_t row_idx,
                    const void *row)
{
    const struct pt_segment_section *sec = &s->head->section[table];
    _Atomic uint64_t *seq;
    uint64_t next;

    if (row_idx < 0 || row_idx >= sec->row_max)
        return;
    seq = row_at(s, sec, (uint64_t)row_idx);
    next = atomic_load_explicit(seq, memory_order_relaxed) + 1; /* the row's one writer */
    copy_words(seq + 1 + (next & 1) * (sec->row_sz / sizeof(uint64_t)), row, sec->row_sz);
    /* Partner: the acquire in get in segment_reader_rows.c. */
    atomic_store_explicit(seq, next, memory_order_release);
}

void pt_segment_append(struct pt_segment_writer *s, uint32_t ring,
                       const struct pt_segment_finding *f)
{
    struct pt_segment_section *sec = &s->head->section[PT_SEGMENT_TABLE_CNT + ring];
    uint64_t n = atomic_load_explicit(&sec->used, memory_order_relaxed); /* the ring's one writer */
    _Atomic uint64_t *seq = row_at(s, sec, n % sec->row_max);

    atomic_store_explicit(seq, 0, memory_order_relaxed); /* released with the first word */
    copy_words(seq + 1, f, sizeof(*f));
    /* Partner of both: the acquires in next_of in segment_reader_rows.c. */
    atomic_store_explicit(seq, n + 1, memory_order_release);
    atomic_store_explicit(&sec->used, n + 1, memory_order_release);
}

void pt_segment_beat(struct pt_segment_writer *s)
{
    atomic_store_explicit(&s->head->beat_ns, (uint64_t)pt_segment_clock_ns(), memory_order_relaxed);
}

/* Partner: the acquire in pt_segment_reader_state: who sees ENDED sees the last rows. */
void pt_segment_set_state(struct pt_segment_writer *s, enum pt_segment_state state)
{
    atomic_store_explicit(&s->head->state, (uint64_t)state, memory_order_release);
}
