/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Giving up root, for real: each case runs in a child process, so that the test itself stays who it
 * is. Who is not root skips what needs root.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/securebits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tools/privilege.h"

#define USER "nobody"

/* in_child runs fn in a child and returns its exit code: 0, or the line that failed. */
static int in_child(int (*fn)(void))
{
    int status = 0;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (!pid)
        _exit(fn());
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

#define CHECK(ok)                                                                                  \
    do {                                                                                           \
        if (!(ok)) {                                                                               \
            fprintf(stderr, "line %d: %s\n", __LINE__, #ok);                                       \
            return 1;                                                                              \
        }                                                                                          \
    } while (0)

static bool has_no_capability(void)
{
    FILE *f = fopen("/proc/self/status", "r");
    char line[256];
    bool none = false;

    while (f && fgets(line, sizeof(line), f)) {
        if (!strncmp(line, "CapPrm:", 7))
            none = !strtoull(line + 7, NULL, 16);
    }
    if (f)
        fclose(f);
    return none;
}

static int drop(void)
{
    struct pt_privilege p;
    struct pt_error err = { "" };
    int rc = pt_privilege_find(USER, &p, &err);

    if (!rc)
        rc = pt_privilege_drop(&p, &err);
    if (rc)
        fprintf(stderr, "%s\n", err.text);
    return rc;
}

static int drops(void)
{
    const gid_t extra[2] = { 0, 12345 };
    gid_t groups[16];
    int cnt;

    CHECK(!setgroups(2, extra));
    CHECK(!drop());
    CHECK(getuid() && geteuid() == getuid());
    CHECK(getgid() && getegid() == getgid());
    cnt = getgroups(16, groups);
    CHECK(cnt >= 0);
    for (int i = 0; i < cnt; i++)
        CHECK(groups[i] && groups[i] != 12345);
    CHECK(setuid(0) && errno == EPERM);
    CHECK(setegid(0) && errno == EPERM);
    CHECK(has_no_capability());
    CHECK(open("/etc/shadow", O_RDONLY) < 0);
    return 0;
}

/* A system that was told to leave a user its capabilities does not leave them here. */
static int drops_kept_capabilities(void)
{
    CHECK(!prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP));
    CHECK(!drop());
    CHECK(has_no_capability());
    CHECK(setuid(0));
    return 0;
}

/* A thread that ran before is dropped, too: it says who it is when it is asked. */
static pthread_barrier_t dropped;
static bool thread_could;

static void *other_thread(void *arg)
{
    (void)arg;
    pthread_barrier_wait(&dropped);
    thread_could = !geteuid() || !setuid(0) || open("/etc/shadow", O_RDONLY) >= 0;
    return NULL;
}

static int drops_threads(void)
{
    pthread_t thread;

    CHECK(!pthread_barrier_init(&dropped, NULL, 2));
    CHECK(!pthread_create(&thread, NULL, other_thread, NULL));
    CHECK(!drop());
    pthread_barrier_wait(&dropped);
    CHECK(!pthread_join(thread, NULL));
    CHECK(!thread_could);
    return 0;
}

/* A thread that kept capabilities, which no call of ours can take from it: refused. */
static void *stubborn_thread(void *arg)
{
    (void)arg;
    prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP);
    pthread_barrier_wait(&dropped); /* ready */
    pthread_barrier_wait(&dropped); /* over */
    return NULL;
}

static int refuses_stubborn_thread(void)
{
    struct pt_privilege p;
    struct pt_error err = { "" };
    pthread_t thread;
    int rc;

    CHECK(!pthread_barrier_init(&dropped, NULL, 2));
    CHECK(!pthread_create(&thread, NULL, stubborn_thread, NULL));
    pthread_barrier_wait(&dropped);
    CHECK(!pt_privilege_find(USER, &p, &err));
    rc = pt_privilege_drop(&p, &err);
    pthread_barrier_wait(&dropped);
    CHECK(!pthread_join(thread, NULL));
    CHECK(rc == -EPERM);
    CHECK(strstr(err.text, "cannot become user " USER ": a thread did not"));
    return 0;
}

/* Who already is that user, or is asked for nothing, goes on; who wants another cannot. */
static int unprivileged(void)
{
    struct pt_privilege p;
    struct pt_error err = { "" };

    CHECK(!drop());
    CHECK(!pt_privilege_find("", &p, &err));
    CHECK(!p.wanted);
    CHECK(!pt_privilege_drop(&p, &err));
    CHECK(!drop());
    CHECK(pt_privilege_find("daemon", &p, &err));
    CHECK(strstr(err.text, "only root can become another user"));
    return 0;
}

static char folder[] = "/tmp/paritap-test-privilege-XXXXXX";

static int writes(void)
{
    struct pt_error err = { "" };
    char path[PATH_MAX];
    int fd;

    /* A file that root has left in /tmp's like. */
    snprintf(path, sizeof(path), "%s/shared/old.json", folder);
    fd = open(path, O_CREAT | O_WRONLY, 0666);
    CHECK(fd >= 0);
    close(fd);
    CHECK(!pt_privilege_can_write("report.file", path, &err));
    CHECK(!drop());
    CHECK(pt_privilege_can_write("report.file", path, &err) == -EACCES);
    CHECK(strstr(err.text, "old.json: is there already, and user " USER " cannot replace it"));
    snprintf(path, sizeof(path), "%s/shared/new.json", folder);
    CHECK(!pt_privilege_can_write("report.file", path, &err));
    snprintf(path, sizeof(path), "%s/new.json", folder);
    CHECK(pt_privilege_can_write("report.file", path, &err) == -EACCES);
    CHECK(strstr(err.text, "report.file: "));
    CHECK(strstr(err.text, "user " USER " cannot write in the folder /tmp/paritap-test-privilege"));
    snprintf(path, sizeof(path), "%s/nowhere/new.json", folder);
    CHECK(pt_privilege_can_write("report.file", path, &err) == -EACCES);
    CHECK(!pt_privilege_can_write("report.file", "-", &err));
    CHECK(!pt_privilege_can_write("report.file", "", &err));
    return 0;
}

static void run_as_root(int (*fn)(void))
{
    if (geteuid())
        skip();
    assert_int_equal(in_child(fn), 0);
}

static void test_drop(void **state)
{
    (void)state;
    run_as_root(drops);
}

static void test_kept_capabilities(void **state)
{
    (void)state;
    run_as_root(drops_kept_capabilities);
}

static void test_threads(void **state)
{
    (void)state;
    run_as_root(drops_threads);
}

static void test_stubborn_thread(void **state)
{
    (void)state;
    run_as_root(refuses_stubborn_thread);
}

static void test_unprivileged(void **state)
{
    (void)state;
    run_as_root(unprivileged);
}

static void test_can_write(void **state)
{
    char shared[64];
    char old[80];

    (void)state;
    if (geteuid())
        skip();
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(shared, sizeof(shared), "%s/shared", folder);
    snprintf(old, sizeof(old), "%s/old.json", shared);
    assert_int_equal(mkdir(shared, 0700), 0);
    assert_int_equal(chmod(shared, 01777), 0);
    assert_int_equal(in_child(writes), 0);
    unlink(old);
    rmdir(shared);
    rmdir(folder);
}

static void test_find(void **state)
{
    static const struct {
        const char *user;
        const char *says; /* NULL: found */
    } rows[] = {
        { "no-such-user-here", "there is no user \"no-such-user-here\": make one" },
        { "root", "\"root\" is root, so nothing would be given up" },
        { "0", "\"0\" is root" },
        { "4294967295", "there is no user" },
        { "-1", "there is no user" },
        { USER, NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_privilege p = { .wanted = false };
        struct pt_error err = { "" };
        int rc = pt_privilege_find(rows[i].user, &p, &err);

        if (!rows[i].says && geteuid())
            continue;
        if (rows[i].says && (!rc || !strstr(err.text, rows[i].says)))
            fail_msg("%s: expected \"%s\", got \"%s\"", rows[i].user, rows[i].says, err.text);
        if (!rows[i].says)
            assert_true(!rc && p.wanted && p.uid);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_drop),
        cmocka_unit_test(test_kept_capabilities),
        cmocka_unit_test(test_threads),
        cmocka_unit_test(test_stubborn_thread),
        cmocka_unit_test(test_unprivileged),
        cmocka_unit_test(test_can_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
