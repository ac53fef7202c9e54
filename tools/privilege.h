/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_PRIVILEGE_H
#define PT_TOOLS_PRIVILEGE_H
/*
 * Giving up root. Ports may need it to be opened; nothing that reads packets should have it. Main
 * thread, in this order:
 *
 *   pt_privilege_find     at the start, so that a typing error is told before a port is touched
 *   (open the ports; make the segment, and open its reader while it may be read)
 *   pt_privilege_drop     all threads of the process, also those that run already
 *   pt_privilege_can_write  for each file that is written later
 *
 * If anything of it fails the process must not go on: it would read the wire as root.
 */
#include <sys/types.h>

#include "tools/values.h"

#define PT_PRIVILEGE_NAME_MAX 64

struct pt_privilege {
    bool wanted; /* false: stay who we are */
    uid_t uid;
    gid_t gid; /* of the user; the other groups are looked up in pt_privilege_drop */
    char name[PT_PRIVILEGE_NAME_MAX];
};

/* pt_privilege_find looks up the user of the setting live.user, a name or a number; empty: nobody
 * is wanted. 0, or -EINVAL with err set: there is no such user, it is root, or this process may not
 * become it. */
int pt_privilege_find(const char *user, struct pt_privilege *ret_p, struct pt_error *err);

/* pt_privilege_drop becomes that user: user and group (real, effective, saved), its supplementary
 * groups, and no capability. Then it looks whether all threads really are, and whether root could
 * be had back. 0, or -EPERM with err set. Nothing happens if nobody is wanted. */
int pt_privilege_drop(const struct pt_privilege *p, struct pt_error *err);

/* pt_privilege_can_write: whether the user that we are now can make, or replace, the file `path`;
 * setting is its name for the error. "-" and the empty path always are fine. 0 or -EACCES. */
int pt_privilege_can_write(const char *setting, const char *path, struct pt_error *err);

#endif
