/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/finding_file.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tools/snapshot_json.h"

#define MODE 0640
#define FORCE_EVERY_NS 1000000000

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

/* Once: what fills a disk would fill the log as well. */
static void tell(struct pt_finding_file *ff, const char *what, int error)
{
    if (ff->told)
        return;
    ff->told = true;
    fprintf(stderr,
            "paritap: findings.file: %s: %s: %s. The capture goes on, and findings are in the "
            "segment and the report; those that miss here are counted\n",
            ff->cfg.path, what, strerror(error));
}

/* The entry of a new file in its folder is not the file's to force. */
static void force_folder(const struct pt_finding_file *ff)
{
    const char *slash = strrchr(ff->cfg.path, '/');
    char folder[PATH_MAX];
    int fd;

    if (!ff->regular || ff->cfg.fsync == PT_FINDING_FSYNC_NEVER)
        return;
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - ff->cfg.path) + 1 : 1,
             slash ? ff->cfg.path : ".");
    fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return;
    fsync(fd);
    close(fd);
}

static void force(struct pt_finding_file *ff)
{
    ff->forced_ns = now_ns();
    if (!ff->dirty || !ff->regular)
        return;
    if (fdatasync(ff->fd))
        tell(ff, "cannot be forced to the disk", errno);
    ff->dirty = false;
}

static void force_if_due(struct pt_finding_file *ff)
{
    if (ff->cfg.fsync == PT_FINDING_FSYNC_ALWAYS ||
        (ff->cfg.fsync == PT_FINDING_FSYNC_INTERVAL && now_ns() - ff->forced_ns >= FORCE_EVERY_NS))
        force(ff);
}

/* O_NONBLOCK: a FIFO without a reader is an error, and nothing to wait for. */
static int open_end(const char *path)
{
    return open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, MODE);
}

/* ends_inside_line: the last byte is no end of a line. */
static bool ends_inside_line(int fd, off_t size)
{
    char last = '\n';

    return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

int pt_finding_file_open(struct pt_finding_file *ff, const struct pt_finding_file_cfg *cfg,
                         struct pt_error *err)
{
    struct stat st;
    int rc;

    *ff = (struct pt_finding_file){ .cfg = *cfg, .rotate_at = cfg->rotate_sz };
    ff->line[0] = '\n';
    signal(SIGXFSZ, SIG_IGN);
    ff->fd = open_end(cfg->path);
    if (ff->fd < 0 || fstat(ff->fd, &st)) {
        rc = -errno;
        pt_error_set(err,
                     "findings.file: %.300s: cannot be opened: %s; name another with --findings",
                     cfg->path, strerror(-rc));
        goto out;
    }
    rc = -EINVAL;
    if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode)) {
        pt_error_set(err, "findings.file: %.300s: is no file; name another with --findings",
                     cfg->path);
        goto out;
    }
    rc = -ENOMEM;
    ff->mem = fmemopen(ff->line + 1, sizeof(ff->line) - 1, "w");
    if (!ff->mem) {
        pt_error_set(err, "findings.file: out of memory");
        goto out;
    }
    ff->regular = S_ISREG(st.st_mode);
    ff->size = ff->regular ? (uint64_t)st.st_size : 0;
    ff->cut = ff->regular && ends_inside_line(ff->fd, st.st_size);
    ff->forced_ns = now_ns();
    force_folder(ff);
    return 0;
out:
    if (ff->fd >= 0)
        close(ff->fd);
    return rc;
}

/* move_aside: file -> file.1 -> file.2 ... -> file.keep, which goes. */
static int move_aside(const struct pt_finding_file *ff)
{
    char from[PATH_MAX];
    char to[PATH_MAX];

    if (!ff->cfg.keep)
        return unlink(ff->cfg.path) && errno != ENOENT ? -errno : 0;
    for (unsigned i = ff->cfg.keep; i > 0; i--) {
        snprintf(to, sizeof(to), "%s.%u", ff->cfg.path, i);
        if (i > 1)
            snprintf(from, sizeof(from), "%s.%u", ff->cfg.path, i - 1);
        else
            snprintf(from, sizeof(from), "%s", ff->cfg.path);
        if (rename(from, to) && errno != ENOENT)
            return -errno;
    }
    return 0;
}

/* Where rotating fails, the file grows on: findings are worth more than its size. */
static void rotate(struct pt_finding_file *ff)
{
    int rc = move_aside(ff);
    int fd = rc ? -1 : open_end(ff->cfg.path);

    if (fd < 0) {
        tell(ff, "cannot be rotated", rc ? -rc : errno);
        ff->rotate_at = ff->size + ff->cfg.rotate_sz;
        return;
    }
    if (ff->cfg.fsync != PT_FINDING_FSYNC_NEVER)
        force(ff);
    close(ff->fd);
    ff->fd = fd;
    ff->size = 0;
    ff->cut = false;
    ff->rotate_at = ff->cfg.rotate_sz;
    force_folder(ff);
}

/* write_some returns how many bytes were written; fewer than sz: errno says why. */
static size_t write_some(int fd, const char *data, size_t sz)
{
    size_t done = 0;

    while (done < sz) {
        ssize_t n = write(fd, data + done, sz - done);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        done += (size_t)n;
    }
    return done;
}

/* put_line appends what is in ff->mem: true, or false and the file as it was. If even that is not
 * possible, the piece that was written is ended before the next line. */
static bool put_line(struct pt_finding_file *ff)
{
    size_t sz;
    size_t done;
    off_t end;
    int error;

    fflush(ff->mem);
    sz = (size_t)ftell(ff->mem);
    if (ff->regular && ff->size && ff->size + ff->cut + sz > ff->rotate_at)
        rotate(ff);
    sz += ff->cut;
    done = write_some(ff->fd, ff->line + !ff->cut, sz);
    error = errno;
    end = ff->regular ? lseek(ff->fd, 0, SEEK_CUR) : 0; /* others may have cut the file */
    ff->dirty = true;
    if (done < sz) {
        tell(ff, "cannot be written", error);
        if (done && ff->regular && !ftruncate(ff->fd, end - (off_t)done))
            end -= (off_t)done;
        else if (done)
            ff->cut = true;
    } else {
        ff->cut = false;
    }
    ff->size = (uint64_t)end;
    return done == sz;
}

/* The line that stands for findings that are not in the file. */
static void put_missed(struct pt_finding_file *ff)
{
    ff->untold += ff->cursor.missed - ff->missed;
    ff->missed = ff->cursor.missed;
    if (!ff->untold)
        return;
    rewind(ff->mem);
    pt_snapshot_json_missed(ff->untold, ff->mem);
    if (put_line(ff))
        ff->untold = 0;
}

static void put_finding(struct pt_finding_file *ff, const struct pt_segment_reader *r,
                        const struct pt_segment_finding *f)
{
    rewind(ff->mem);
    pt_snapshot_json_finding(r, f, ff->mem);
    if (put_line(ff)) {
        ff->written++;
    } else {
        ff->lost++;
        ff->untold++;
    }
}

unsigned pt_finding_file_poll(struct pt_finding_file *ff, const struct pt_segment_reader *r)
{
    struct pt_segment_finding f;
    unsigned cnt = 0;

    while (cnt < PT_FINDING_FILE_BURST && pt_segment_reader_next(r, &ff->cursor, &f)) {
        put_missed(ff);
        put_finding(ff, r, &f);
        cnt++;
    }
    put_missed(ff);
    force_if_due(ff);
    return cnt;
}

void pt_finding_file_close(struct pt_finding_file *ff)
{
    if (ff->cfg.fsync != PT_FINDING_FSYNC_NEVER)
        force(ff);
    if (ff->lost)
        fprintf(stderr,
                "paritap: findings.file: %s: %" PRIu64 " findings are not in it, because it could "
                "not be written\n",
                ff->cfg.path, ff->lost);
    close(ff->fd);
    fclose(ff->mem);
}
