/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/memory.h"

#include <stdlib.h>
#include <string.h>

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
    p = malloc(sz ? sz : 1);
    if (!p)
        m->used_sz -= sz;
    return p;
}

void *pt_mem_zalloc(struct pt_mem *m, size_t sz)
{
    void *p;

    if (!pt_reserve(m, sz))
        return NULL;
    p = calloc(1, sz ? sz : 1);
    if (!p)
        m->used_sz -= sz;
    return p;
}

void *pt_mem_resize(struct pt_mem *m, void *p, size_t old_sz, size_t new_sz)
{
    void *q;

    if (new_sz > old_sz && !pt_reserve(m, new_sz - old_sz))
        return NULL;
    q = realloc(p, new_sz ? new_sz : 1);
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
    free(p);
    m->used_sz -= sz;
}
