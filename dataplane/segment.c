/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/segment_pvt.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct pt_segment_table_info tables[PT_SEGMENT_TABLE_CNT] = {
#define X(NAME, n, rows)                                                                           \
    [PT_SEGMENT_TABLE_##NAME] = { #n, (uint32_t)sizeof(struct pt_segment_##n), rows },
    PT_SEGMENT_TABLE_LIST(X)
#undef X
};

const struct pt_segment_table_info *pt_segment_table_info(enum pt_segment_table table)
{
    return &tables[table];
}

int pt_segment_shm_name(const char *name, char buf[PT_SEGMENT_NAME_MAX])
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  "0123456789._-";
    size_t len;

    if (*name == '/')
        name++;
    len = strlen(name);
    if (!len || len + 2 > PT_SEGMENT_NAME_MAX || *name == '.' || strspn(name, allowed) != len)
        return -EINVAL;
    buf[0] = '/';
    memcpy(buf + 1, name, len + 1);
    return 0;
}

int pt_segment_lock(int fd)
{
    struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

    return fcntl(fd, F_OFD_SETLK, &lock) ? -errno : 0;
}

/* A lock for reading would only be in the way of a writer's. */
bool pt_segment_locked_by_writer(int fd)
{
    struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

    return !fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type == F_WRLCK;
}

int64_t pt_segment_clock_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}
