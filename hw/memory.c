/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/memory.h"

#ifdef PT_JEMALLOC
#include <errno.h>
#include <jemalloc/jemalloc.h>
#include <stdio.h>
#else
#include <stdlib.h>
#endif

/* Neither jemalloc nor libc promises anything for 0 bytes. */
static size_t at_least_one(size_t sz)
{
    return sz ? sz : 1;
}

#ifdef PT_JEMALLOC

/* Flags of 0 mean the thread's own arena and cache: mallocx is malloc then. */
static void *heap_alloc(const struct pt_mem *m, size_t sz)
{
    return mallocx(at_least_one(sz), m->flags);
}

static void *heap_zalloc(const struct pt_mem *m, size_t sz)
{
    return mallocx(at_least_one(sz), m->flags | MALLOCX_ZERO);
}

static void *heap_resize(const struct pt_mem *m, void *p, size_t sz)
{
    return p ? rallocx(p, at_least_one(sz), m->flags) : heap_alloc(m, sz);
}

static void heap_free(const struct pt_mem *m, void *p, size_t sz)
{
    sdallocx(p, at_least_one(sz), m->flags);
}

static void arena_destroy(unsigned arena)
{
    char name[32];

    snprintf(name, sizeof(name), "arena.%u.destroy", arena);
    mallctl(name, NULL, NULL, NULL, 0);
}

int pt_mem_open(struct pt_mem *m, uint64_t limit_sz)
{
    unsigned arena;
    unsigned tcache;
    size_t sz = sizeof(unsigned);
    int rc = mallctl("arenas.create", &arena, &sz, NULL, 0);

    if (rc)
        return -rc;
    rc = mallctl("tcache.create", &tcache, &sz, NULL, 0);
    if (rc) {
        arena_destroy(arena);
        return -rc;
    }
    pt_mem_init(m, limit_sz);
    m->arena = arena;
    m->tcache = tcache;
    /* The cache is filled from, and so serves, the arena that is named beside it. Without a cache
     * named, the thread's own would serve, with memory of the thread's arena. */
    m->flags = MALLOCX_ARENA(arena) | MALLOCX_TCACHE(tcache);
    return 0;
}

void pt_mem_close(struct pt_mem *m)
{
    if (m->flags) {
        /* First the cache, which still holds memory of the arena. */
        mallctl("tcache.destroy", NULL, NULL, &m->tcache, sizeof(m->tcache));
        arena_destroy(m->arena);
    }
    pt_mem_init(m, 0);
}

static bool read_stat(unsigned arena, const char *what, uint64_t *ret)
{
    char name[64];
    size_t value;
    size_t sz = sizeof(value);

    snprintf(name, sizeof(name), "stats.arenas.%u.%s", arena, what);
    if (mallctl(name, &value, &sz, NULL, 0))
        return false;
    *ret = value;
    return true;
}

bool pt_mem_heap(const struct pt_mem *m, struct pt_mem_heap *ret)
{
    uint64_t epoch = 1;
    size_t sz = sizeof(epoch);
    uint64_t small_sz;
    uint64_t large_sz;
    uint64_t page_cnt;
    uint64_t resident_sz;
    size_t page_sz;

    if (!m->flags)
        return false;
    /* All of them are as old as the last change of the epoch. */
    if (mallctl("epoch", NULL, NULL, &epoch, sz))
        return false;
    sz = sizeof(page_sz);
    if (mallctl("arenas.page", &page_sz, &sz, NULL, 0))
        return false;
    if (!read_stat(m->arena, "small.allocated", &small_sz) ||
        !read_stat(m->arena, "large.allocated", &large_sz) ||
        !read_stat(m->arena, "pactive", &page_cnt) ||
        !read_stat(m->arena, "resident", &resident_sz))
        return false;
    *ret = (struct pt_mem_heap){
        .allocated_sz = small_sz + large_sz,
        .active_sz = page_cnt * page_sz,
        .resident_sz = resident_sz,
    };
    return true;
}

#else

static void *heap_alloc(const struct pt_mem *m, size_t sz)
{
    (void)m;
    return malloc(at_least_one(sz));
}

static void *heap_zalloc(const struct pt_mem *m, size_t sz)
{
    (void)m;
    return calloc(1, at_least_one(sz));
}

static void *heap_resize(const struct pt_mem *m, void *p, size_t sz)
{
    (void)m;
    return realloc(p, at_least_one(sz));
}

static void heap_free(const struct pt_mem *m, void *p, size_t sz)
{
    (void)m;
    (void)sz;
    free(p);
}

int pt_mem_open(struct pt_mem *m, uint64_t limit_sz)
{
    pt_mem_init(m, limit_sz);
    return 0;
}

void pt_mem_close(struct pt_mem *m)
{
    pt_mem_init(m, 0);
}

bool pt_mem_heap(const struct pt_mem *m, struct pt_mem_heap *ret)
{
    (void)m;
    (void)ret;
    return false;
}

#endif

void pt_mem_init(struct pt_mem *m, uint64_t limit_sz)
{
    *m = (struct pt_mem){ .limit_sz = limit_sz };
}

static int pt_reserve(struct pt_mem *m, size_t sz)
{
    if (sz > m->limit_sz - m->used_sz) {
        m->refused_cnt++;
        return 0;
    }
    m->used_sz += sz;
    if (m->used_sz > m->peak_sz)
        m->peak_sz = m->used_sz;
    return 1;
}

void *pt_mem_alloc(struct pt_mem *m, size_t sz)
{
    void *p;

    if (!pt_reserve(m, sz))
        return NULL;
    p = heap_alloc(m, sz);
    if (!p)
        m->used_sz -= sz;
    return p;
}

void *pt_mem_zalloc(struct pt_mem *m, size_t sz)
{
    void *p;

    if (!pt_reserve(m, sz))
        return NULL;
    p = heap_zalloc(m, sz);
    if (!p)
        m->used_sz -= sz;
    return p;
}

void *pt_mem_resize(struct pt_mem *m, void *p, size_t old_sz, size_t new_sz)
{
    void *q;

    if (new_sz > old_sz && !pt_reserve(m, new_sz - old_sz))
        return NULL;
    q = heap_resize(m, p, new_sz);
    if (!q) {
        if (new_sz > old_sz)
            m->used_sz -= new_sz - old_sz;
        return NULL;
    }
    if (new_sz < old_sz)
        m->used_sz -= old_sz - new_sz;
    return q;
}

void pt_mem_free(struct pt_mem *m, void *p, size_t sz)
{
    if (!p)
        return;
    heap_free(m, p, sz);
    m->used_sz -= sz;
}
