/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define BLOCK_SZ 65536u

struct pt_arena_block {
    struct pt_arena_block *next;
    size_t sz; /* of data */
    size_t used;
    alignas(max_align_t) unsigned char data[];
};

void *pt_arena_alloc(struct pt_arena *a, size_t sz)
{
    struct pt_arena_block *b = a->block;
    void *p;

    sz = (sz + alignof(max_align_t) - 1) & ~(alignof(max_align_t) - 1);
    if (!b || b->sz - b->used < sz) {
        size_t block_sz = sz > BLOCK_SZ ? sz : BLOCK_SZ;

        b = pt_mem_zalloc(a->mem, sizeof(*b) + block_sz);
        if (!b)
            return NULL;
        b->sz = block_sz;
        b->next = a->block;
        a->block = b;
    }
    p = b->data + b->used;
    b->used += sz;
    return p;
}

const char *pt_arena_printf(struct pt_arena *a, const char *fmt, ...)
{
    char buf[1024];
    va_list ap;
    char *s;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    s = pt_arena_alloc(a, strlen(buf) + 1);
    return s ? memcpy(s, buf, strlen(buf) + 1) : "";
}

void pt_arena_fini(struct pt_arena *a)
{
    for (struct pt_arena_block *b = a->block, *next; b; b = next) {
        next = b->next;
        pt_mem_free(a->mem, b, sizeof(*b) + b->sz);
    }
    a->block = NULL;
}
