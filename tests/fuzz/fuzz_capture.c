/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a capture file. It is read mapped and through a pipe: both open or both refuse, and
 * give the same packets, the same end and the same words. Frames keep their promises: captured
 * bytes are readable and no more than on the wire, numbers grow, a refusal and a truncation have
 * words.
 */
#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/capture.h"
#include "tests/fuzz/fuzz.h"

#define LEN_MAX 60000 /* fits a pipe's buffer, so that no second thread is needed */

static int map_bytes(const uint8_t *data, size_t len, struct pt_capture **ret_cap)
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);
    const char *err = NULL;
    char path[32];
    int rc;

    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(write(fd, data, len) == (ssize_t)len);
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    rc = pt_capture_open(path, ret_cap, &err);
    FUZZ_CHECK(rc == 0 || (rc < 0 && strstr(err, path)));
    close(fd);
    return rc;
}

/* pipe_bytes puts the pipe on standard input for the time of the open. */
static int pipe_bytes(const uint8_t *data, size_t len, struct pt_capture **ret_cap)
{
    int saved = dup(STDIN_FILENO);
    const char *err = NULL;
    int ends[2];
    int rc;

    FUZZ_CHECK(pipe(ends) == 0);
    FUZZ_CHECK(write(ends[1], data, len) == (ssize_t)len);
    FUZZ_CHECK(dup2(ends[0], STDIN_FILENO) == STDIN_FILENO);
    close(ends[0]);
    close(ends[1]);
    rc = pt_capture_open("-", ret_cap, &err);
    FUZZ_CHECK(rc == 0 || (rc < 0 && strstr(err, "standard input")));
    if (saved >= 0) {
        dup2(saved, STDIN_FILENO);
        close(saved);
    }
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct pt_capture *a = NULL;
    struct pt_capture *b = NULL;
    uint64_t last = 0;
    struct pt_frame x;
    struct pt_frame y;
    int rc;

    if (len > LEN_MAX)
        return 0;
    rc = map_bytes(data, len, &a);
    FUZZ_CHECK(pipe_bytes(data, len, &b) == rc);
    if (rc < 0) {
        FUZZ_CHECK(!a && !b);
        return 0;
    }
    while ((rc = pt_capture_next(a, &x)) == 1) {
        FUZZ_CHECK(pt_capture_next(b, &y) == 1);
        FUZZ_CHECK(x.cap_len <= x.wire_len);
        FUZZ_CHECK(x.packet > last);
        FUZZ_CHECK(x.packet == y.packet && x.time_ns == y.time_ns && x.link_type == y.link_type);
        FUZZ_CHECK(x.cap_len == y.cap_len && x.wire_len == y.wire_len);
        FUZZ_CHECK(x.cap_len == 0 || !memcmp(x.data, y.data, x.cap_len));
        last = x.packet;
    }
    FUZZ_CHECK(rc == 0);
    FUZZ_CHECK(pt_capture_next(b, &y) == 0);
    FUZZ_CHECK(pt_capture_info(a)->truncated == pt_capture_info(b)->truncated);
    FUZZ_CHECK(!strcmp(pt_capture_info(a)->trouble, pt_capture_info(b)->trouble));
    FUZZ_CHECK(pt_capture_info(a)->truncated == (pt_capture_info(a)->trouble[0] != '\0'));
    pt_capture_close(a);
    pt_capture_close(b);
    return 0;
}
