/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_MEMORY_H
#define PT_HW_MEMORY_H
/*
 * Memory with a budget. Every structure whose size depends on traffic takes its bytes from a
 * struct pt_mem; when the budget is spent pt_mem_alloc returns NULL and the caller applies its
 * written policy (drop, evict, count).
 *
 * A budget has its bytes from one of two places:
 *   pt_mem_init   the allocator of the whole process, shared by all threads;
 *   pt_mem_open   a jemalloc arena of its own, behind a cache of its own. What one core allocates
 *                 then lies together, is freed to the same place by whoever frees it, and waits for
 *                 no other core. (One lock is left: when a cache overflows, once in a hundred
 *                 frees, jemalloc adds a count to the arena of the thread that opened it.)
 *
 * One thread at a time uses a pt_mem. It may move: opened (and filled) by main, then used by one
 * worker, then closed by main, as long as each hands it on by something that orders memory
 * (pthread_create, pthread_join, a lock). Neither arena nor cache belongs to the thread that
 * opened it. What was allocated from a pt_mem is freed to the same pt_mem.
 *
 * After fork() the child may go on with those pt_mem whose thread was not inside a call at that
 * moment, above all with those of the thread that forked. The allocator itself is always in order
 * in the child, whatever the other threads were at.
 *
 * A build with a sanitizer has no jemalloc, since the sanitizer must see every allocation: there
 * pt_mem_open is pt_mem_init.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pt_mem {
    uint64_t limit_sz; /* budget, bytes */
    uint64_t used_sz;
    uint64_t peak_sz;
    uint64_t refused_cnt; /* allocations refused because of the budget */

    /* Set by pt_mem_open. */
    unsigned arena;
    unsigned tcache;
    int flags; /* name both to jemalloc; 0: there is no arena */
};

/* What an arena holds, in bytes; used_sz counts what was asked for, this is what it costs. */
struct pt_mem_heap {
    uint64_t allocated_sz; /* handed out, each rounded up to its size class, and what the cache
                              keeps at hand: up to 200 pieces of a small size */
    uint64_t active_sz;    /* pages that hold at least one allocation */
    uint64_t resident_sz;  /* pages in memory: active, freed but not yet given back, and tables */
};

/* pt_mem_init makes a budget of limit_sz bytes over the process's allocator. It needs no close. */
void pt_mem_init(struct pt_mem *m, uint64_t limit_sz);

/* pt_mem_open makes a budget of limit_sz bytes over an arena of its own. A process can have some
 * thousands of them; each costs about 100 KiB before its first allocation. 0, or -errno with m
 * untouched. */
int pt_mem_open(struct pt_mem *m, uint64_t limit_sz);

/* pt_mem_close gives arena and cache back. All that was allocated from m must have been freed: the
 * arena's pages go, in use or not. Afterwards m is like after pt_mem_init(m, 0). m may be one of
 * pt_mem_init, or all 0. */
void pt_mem_close(struct pt_mem *m);

/* pt_mem_alloc returns sz bytes, not zeroed, or NULL when the budget (or the system) has none.
 * sz may be 0: a pointer that must be freed like any other. */
void *pt_mem_alloc(struct pt_mem *m, size_t sz);

/* pt_mem_zalloc is pt_mem_alloc with all bytes 0. */
void *pt_mem_zalloc(struct pt_mem *m, size_t sz);

/* pt_mem_resize grows or shrinks p from old_sz to new_sz; on NULL p is untouched. p may be NULL
 * if old_sz is 0. */
void *pt_mem_resize(struct pt_mem *m, void *p, size_t old_sz, size_t new_sz);

/* pt_mem_free gives back p of sz bytes, the very size it was allocated or last resized with; p may
 * be NULL. */
void pt_mem_free(struct pt_mem *m, void *p, size_t sz);

/* pt_mem_heap tells what m's arena holds now. Any thread may call it while another one uses m, as
 * long as m stays open; it walks all arenas of the process, so it is for a report, not for a run
 * loop. False, with *ret untouched, if m has no arena. */
bool pt_mem_heap(const struct pt_mem *m, struct pt_mem_heap *ret);

#endif
