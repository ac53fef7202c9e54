/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_TOLD_H
#define PT_VERIFY_TOLD_H
/*
 * What a pair has told early (pt_align_hurry) of records whose verdict is still to come: by side
 * and offset, the code of the finding. Grows with what waits; without memory nothing more is told.
 */
#include <stdbool.h>

#include "hw/memory.h"
#include "verify/result.h"

struct pt_told_entry {
    int64_t key;     /* offset and side; -1: free */
    int64_t partner; /* offset on the other side, of a finding about two records; else -1 */
    uint32_t code;
    uint32_t pad;
};

struct pt_told {
    struct pt_told_entry *entry;
    size_t cap; /* power of two, at most half full */
    size_t cnt;
};

void pt_told_fini(struct pt_told *t, struct pt_mem *mem);

/* pt_told_has: the record at this offset of this side was told. */
bool pt_told_has(const struct pt_told *t, int side, int64_t offset);
/* pt_told_add: false: memory is refused. The offset must not be there. The partner, if any, is
 * added by a call of its own. */
bool pt_told_add(struct pt_told *t, struct pt_mem *mem, int side, int64_t offset, int64_t partner,
                 enum pt_finding_code code);
/* pt_told_take takes an entry out, and that of its partner: the finding was one. False: there is
 * none. */
bool pt_told_take(struct pt_told *t, int side, int64_t offset, struct pt_told_entry *ret_entry);

#endif
