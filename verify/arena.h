/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_ARENA_H
#define PT_VERIFY_ARENA_H
/*
 * Memory that is given back all at once: the report's rows and strings.
 */
#include <stddef.h>

#include "hw/memory.h"

struct pt_arena_block;

struct pt_arena {
    struct pt_mem *mem;
    struct pt_arena_block *block;
};

/* pt_arena_alloc returns zeroed bytes, aligned for anything, or NULL. */
void *pt_arena_alloc(struct pt_arena *a, size_t sz);

/* pt_arena_printf returns a terminated string, or "" when memory is refused. */
const char *pt_arena_printf(struct pt_arena *a, const char *fmt, ...)
        __attribute__((format(printf, 2, 3)));

void pt_arena_fini(struct pt_arena *a);

#endif
