/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_MEMORY_H
#define PT_HW_MEMORY_H
/*
 * Memory with a budget. Every structure whose size depends on traffic takes its bytes from a
 * struct pt_mem; when the budget is spent pt_mem_alloc returns NULL and the caller applies its
 * written policy (drop, evict, count). One pt_mem belongs to one thread.
 */
#include <stddef.h>
#include <stdint.h>

struct pt_mem {
    uint64_t limit_sz; /* budget, bytes */
    uint64_t used_sz;
    uint64_t peak_sz;
    uint64_t refused_cnt; /* allocations refused because of the budget */
};

void pt_mem_init(struct pt_mem *m, uint64_t limit_sz);

/* pt_mem_alloc returns sz bytes, not zeroed, or NULL when the budget (or the system) has none. */
void *pt_mem_alloc(struct pt_mem *m, size_t sz);

/* pt_mem_zalloc is pt_mem_alloc with all bytes 0. */
void *pt_mem_zalloc(struct pt_mem *m, size_t sz);

/* pt_mem_resize grows or shrinks p from old_sz to new_sz; on NULL p is untouched. p may be NULL
 * if old_sz is 0. */
void *pt_mem_resize(struct pt_mem *m, void *p, size_t old_sz, size_t new_sz);

/* pt_mem_free gives back p of sz bytes; p may be NULL. */
void pt_mem_free(struct pt_mem *m, void *p, size_t sz);

#endif
