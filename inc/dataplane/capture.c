/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/capture_pvt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* What a file that is no capture begins with: enough to tell a person what it is instead. */
#define LOOK_LEN 256

static int next_nothing(struct pt_capture *cap, struct pt_frame *ret_frame)
{
    (void)cap;
    (void)ret_frame;
    return 0;
}

int pt_capture_broken(struct pt_capture *cap, const char *fmt, ...)
{
    struct pt_capture_info *info = &cap->info;
    size_t len;
    va_list args;

    va_start(args, fmt);
    vsnprintf(info->trouble, sizeof(info->trouble), fmt, args);
    va_end(args);
    if (cap->win.words[0]) {
        len = strlen(info->trouble);
        snprintf(info->trouble + len, sizeof(info->trouble) - len, "%s%s", len > 0 ? "; " : "",
                 cap->win.words);
    }
    info->truncated = true;
    cap->next = next_nothing;
    return -cap->win.err;
}

int pt_capture_over(struct pt_capture *cap)
{
    if (cap->win.words[0])
        return pt_capture_broken(cap, "%s", "");
    cap->next = next_nothing;
    return 0;
}

/* refuse puts together the sentence of an open that failed; the buffer is the thread's. */
static int __attribute__((format(printf, 3, 4)))
refuse(const char **ret_err, int rc, const char *fmt, ...)
{
    static _Thread_local char sentence[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, args);
    va_end(args);
    *ret_err = sentence;
    return rc;
}

static int open_fd(const char *path, int *ret_fd, const char **ret_err)
{
    bool is_stdin = !strcmp(path, "-");
    int fd = is_stdin ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    int err = errno;

    if (fd < 0 && is_stdin)
        return refuse(ret_err, -err, "standard input: is not open; pipe a capture into it");
    if (fd < 0 && err == ENOENT)
        return refuse(ret_err, -err, "%s: there is no such file; check the name", path);
    if (fd < 0 && (err == EACCES || err == EPERM))
        return refuse(ret_err, -err,
                      "%s: this user may not read it; change its mode, or run as its owner", path);
    if (fd < 0)
        return refuse(ret_err, -err, "%s: cannot be opened: %s", path, strerror(err));
    if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
        close(fd);
        return refuse(ret_err, -EISDIR, "%s: is a directory; name the capture files in it", path);
    }
    *ret_fd = fd;
    return 0;
}

static bool is_text(const uint8_t *data, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (data[i] < 0x20 && data[i] != '\n' && data[i] != '\r' && data[i] != '\t')
            return false;
    return true;
}

/* refuse_content says what the file is, as far as its first bytes tell. */
static int refuse_content(const char *name, const uint8_t *data, size_t len, const char **ret_err)
{
    static const struct {
        const char *magic;
        size_t len;
        const char *what;
        const char *todo;
    } known[] = {
        { "\xfd\x37zXZ", 5, "is packed with xz", "unpack it first (xz -d)" },
        { "BZh", 3, "is packed with bzip2", "unpack it first (bzip2 -d)" },
        { "\x04\x22\x4d\x18", 4, "is packed with lz4", "unpack it first (lz4 -d)" },
        { "PK\x03\x04", 4, "is a zip archive", "unpack it first" },
        { "7z\xbc\xaf\x27\x1c", 6, "is a 7z archive", "unpack it first" },
        { "snoop\0\0", 7, "is a snoop capture", "convert it (editcap -F pcapng IN OUT)" },
        { "GMBU", 4, "is a NetMon capture", "convert it (editcap -F pcapng IN OUT)" },
        { "RTSS", 4, "is a NetMon capture", "convert it (editcap -F pcapng IN OUT)" },
        { "TRSNIFF data", 12, "is a Sniffer capture", "convert it (editcap -F pcapng IN OUT)" },
    };

    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        if (len >= known[i].len && !memcmp(data, known[i].magic, known[i].len))
            return refuse(ret_err, -ENOTSUP, "%s: %s, which is not read; %s", name, known[i].what,
                          known[i].todo);
    if (is_text(data, len))
        return refuse(
                ret_err, -EBADMSG,
                "%s: is text, not a capture; give a pcap or pcapng file, as tcpdump -w writes",
                name);
    return refuse(ret_err, -EBADMSG,
                  "%s: is no capture that can be read; give a pcap or pcapng file (plain, gzip or "
                  "zstd), as tcpdump -w writes",
                  name);
}

/* open_format finds out what the bytes are and starts the reader. */
static int open_format(struct pt_capture *cap, const char *name, const char **ret_err)
{
    uint8_t look[LOOK_LEN];
    size_t look_len;
    int rc;

    if (!pt_window_need(&cap->win, 1)) {
        if (cap->win.words[0])
            return refuse(ret_err, cap->win.err ? -cap->win.err : -EBADMSG, "%s: %s", name,
                          cap->win.words);
        return refuse(ret_err, -ENODATA,
                      "%s: is empty; was the capture started, and did it see any packet?", name);
    }
    rc = pt_capture_open_pcap(cap);
    if (rc == -EBADMSG)
        rc = pt_capture_open_pcapng(cap);
    if (rc == -EBADMSG) {
        pt_window_need(&cap->win, LOOK_LEN); /* makes visible what there is */
        look_len = pt_window_left(&cap->win) < LOOK_LEN ? pt_window_left(&cap->win) : LOOK_LEN;
        memcpy(look, cap->win.at, look_len);
        rc = pt_capture_open_lib(cap);
        if (rc == -EBADMSG)
            return refuse_content(name, look, look_len, ret_err);
    }
    if (rc < 0)
        return refuse(ret_err, rc, "%s: %s; no packet can be read from it", name,
                      cap->info.trouble[0] ? cap->info.trouble : strerror(-rc));
    return 0;
}

int pt_capture_open(const char *path, struct pt_capture **ret_cap, const char **ret_err)
{
    const char *name = strcmp(path, "-") ? path : "standard input";
    struct pt_capture *cap;
    int fd = -1;
    int rc = open_fd(path, &fd, ret_err);

    if (rc < 0)
        return rc;
    cap = calloc(1, sizeof(*cap));
    if (!cap || !(cap->path = strdup(path))) {
        close(fd);
        free(cap);
        return refuse(ret_err, -ENOMEM, "%s: no memory to read it", name);
    }
    cap->info.path = cap->path;
    cap->next = next_nothing;
    rc = pt_window_open(&cap->win, fd);
    if (rc < 0)
        refuse(ret_err, rc, "%s: cannot be read: %s", name, strerror(-rc));
    else
        rc = open_format(cap, name, ret_err);
    if (rc < 0) {
        pt_capture_close(cap);
        return rc;
    }
    cap->info.file_sz = cap->win.file_sz;
    *ret_cap = cap;
    return 0;
}

int pt_capture_next(struct pt_capture *cap, struct pt_frame *ret_frame)
{
    int rc = cap->next(cap, ret_frame);

    cap->info.file_read = pt_window_file_read(&cap->win);
    if (rc == 1) {
        ret_frame->packet = ++cap->number;
        cap->info.packets++;
        cap->info.bytes += ret_frame->wire_len;
    }
    return rc;
}

const struct pt_capture_info *pt_capture_info(const struct pt_capture *cap)
{
    return &cap->info;
}

void pt_capture_close(struct pt_capture *cap)
{
    if (!cap)
        return;
    if (cap->fini)
        cap->fini(cap);
    pt_window_close(&cap->win);
    free(cap->path);
    free(cap);
}
