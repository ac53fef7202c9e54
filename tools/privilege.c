/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/privilege.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The user's entry, by name or by number. */
static const struct passwd *entry_of(const char *user)
{
    const struct passwd *pw = getpwnam(user);
    struct pt_error err;
    uint64_t uid = 0;

    if (pw || pt_parse_u64(user, &uid, &err) || uid >= UINT32_MAX)
        return pw;
    return getpwuid((uid_t)uid);
}

int pt_privilege_find(const char *user, struct pt_privilege *ret_p, struct pt_error *err)
{
    struct pt_privilege p = { .wanted = false };
    const struct passwd *pw;

    if (!*user) {
        *ret_p = p;
        return 0;
    }
    pw = entry_of(user);
    if (!pw)
        return pt_error_set(err,
                            "live.user: there is no user \"%.80s\": make one (useradd --system "
                            "%.80s), or name another with --user",
                            user, user);
    if (!pw->pw_uid)
        return pt_error_set(err,
                            "live.user: \"%.80s\" is root, so nothing would be given up: name "
                            "another user, or leave the setting empty",
                            user);
    if (strlen(pw->pw_name) >= sizeof(p.name))
        return pt_error_set(err, "live.user: the name is too long");
    if (geteuid() && (geteuid() != pw->pw_uid || getegid() != pw->pw_gid))
        return pt_error_set(err,
                            "live.user: only root can become another user (\"%.80s\"): start "
                            "as root, or leave the setting empty",
                            user);
    p = (struct pt_privilege){ .wanted = true, .uid = pw->pw_uid, .gid = pw->pw_gid };
    snprintf(p.name, sizeof(p.name), "%s", pw->pw_name);
    *ret_p = p;
    return 0;
}

/* The kernel takes all capabilities from who leaves user 0; but not if it was told to keep them
 * (securebits), and not from who had some without being root. Of this thread. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    const struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

    return (int)syscall(SYS_capset, &head, none);
}

/* The lines of /proc/.../status that say who a thread is. */
static bool is_user(const char *line, const struct pt_privilege *p)
{
    unsigned a;
    unsigned b;
    unsigned c;

    if (sscanf(line, "Uid: %u %u %u", &a, &b, &c) == 3)
        return a == p->uid && b == p->uid && c == p->uid;
    if (sscanf(line, "Gid: %u %u %u", &a, &b, &c) == 3)
        return a == p->gid && b == p->gid && c == p->gid;
    if (!strncmp(line, "CapPrm:", 7))
        return !strtoull(line + 7, NULL, 16);
    return true;
}

static bool thread_is_user(const char *thread, const struct pt_privilege *p)
{
    char name[64 + NAME_MAX];
    char *line = NULL;
    size_t line_sz = 0;
    bool ok = true;
    FILE *f;

    snprintf(name, sizeof(name), "/proc/self/task/%s/status", thread);
    f = fopen(name, "r");
    if (!f)
        return errno == ENOENT; /* it has ended meanwhile */
    while (ok && getline(&line, &line_sz, f) > 0)
        ok = is_user(line, p);
    free(line);
    fclose(f);
    return ok;
}

/* The C library changes all threads, one after the other: what a thread of another library still
 * is, only the kernel knows. */
static bool all_threads_are_user(const struct pt_privilege *p)
{
    DIR *tasks = opendir("/proc/self/task");
    const struct dirent *e;
    bool ok = tasks;

    if (!tasks)
        return false;
    while (ok && (e = readdir(tasks))) {
        if (e->d_name[0] != '.')
            ok = thread_is_user(e->d_name, p);
    }
    closedir(tasks);
    return ok;
}

/* could_be_root tries. Threads that differ would make the C library end the program here, without
 * a word: so they were looked at before. */
static bool could_be_root(void)
{
    return !setresuid(0, 0, 0) || !setresgid(0, 0, 0) || !geteuid() || !getegid();
}

static int failed(struct pt_error *err, const struct pt_privilege *p, const char *step)
{
    pt_error_set(err,
                 "live.user: cannot become user %s: %s: %s. Nothing was captured; leave the "
                 "setting empty to run as root",
                 p->name, step, strerror(errno));
    return -EPERM;
}

int pt_privilege_drop(const struct pt_privilege *p, struct pt_error *err)
{
    if (!p->wanted)
        return 0;
    if (!geteuid() && initgroups(p->name, p->gid))
        return failed(err, p, "its groups");
    if (setresgid(p->gid, p->gid, p->gid))
        return failed(err, p, "its group");
    if (setresuid(p->uid, p->uid, p->uid))
        return failed(err, p, "its user id");
    if (drop_capabilities())
        return failed(err, p, "the capabilities");
    errno = EPERM;
    if (!all_threads_are_user(p))
        return failed(err, p, "a thread did not, or /proc cannot tell");
    errno = EPERM;
    if (could_be_root())
        return failed(err, p, "root could be had back");
    return 0;
}

/* In a folder like /tmp only its owner replaces a file. */
static bool is_foreign(const struct stat *folder, const char *path)
{
    struct stat st;

    return folder->st_mode & S_ISVTX && folder->st_uid != geteuid() && !lstat(path, &st) &&
           st.st_uid != geteuid();
}

int pt_privilege_can_write(const char *setting, const char *path, struct pt_error *err)
{
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    struct stat file;
    struct stat st;
    char user[24];
    const struct passwd *pw = getpwuid(geteuid());

    if (!*path || !strcmp(path, "-"))
        return 0;
    snprintf(user, sizeof(user), "%u", (unsigned)geteuid());
    snprintf(folder, sizeof(folder), "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    if (stat(folder, &st) || faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS)) {
        pt_error_set(err,
                     "%s: %.200s: user %s cannot write in the folder %.200s: %s. Give it to that "
                     "user (chown), or name another file",
                     setting, path, pw ? pw->pw_name : user, folder, strerror(errno));
        return -EACCES;
    }
    if (!stat(path, &file) && S_ISDIR(file.st_mode)) {
        pt_error_set(err, "%s: %.200s: is a directory: name a file in it", setting, path);
        return -EISDIR;
    }
    if (is_foreign(&st, path)) {
        pt_error_set(err,
                     "%s: %.200s: is there already, and user %s cannot replace it: remove it, or "
                     "name another file",
                     setting, path, pw ? pw->pw_name : user);
        return -EACCES;
    }
    return 0;
}
