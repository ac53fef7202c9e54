/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/told.h"

#define FREE (-1)
#define CAP_MIN 64u

static int64_t key_of(int side, int64_t offset)
{
    return offset << 1 | side;
}

static size_t home_of(const struct pt_told *t, int64_t key)
{
    return (size_t)((uint64_t)key * 0x9e3779b97f4a7c15u >> 32) & (t->cap - 1);
}

/* The entry of a key, or the free one where it belongs. */
static struct pt_told_entry *find(const struct pt_told *t, int64_t key)
{
    size_t i = home_of(t, key);

    while (t->entry[i].key != FREE && t->entry[i].key != key)
        i = (i + 1) & (t->cap - 1);
    return &t->entry[i];
}

void pt_told_fini(struct pt_told *t, struct pt_mem *mem)
{
    pt_mem_free(mem, t->entry, t->cap * sizeof(*t->entry));
    *t = (struct pt_told){ 0 };
}

bool pt_told_has(const struct pt_told *t, int side, int64_t offset)
{
    return t->cnt && find(t, key_of(side, offset))->key != FREE;
}

static bool grow(struct pt_told *t, struct pt_mem *mem)
{
    struct pt_told old = *t;
    size_t cap = old.cap ? 2 * old.cap : CAP_MIN;
    struct pt_told_entry *entry;

    if (2 * (old.cnt + 1) <= old.cap)
        return true;
    entry = pt_mem_alloc(mem, cap * sizeof(*entry));
    if (!entry)
        return false;
    for (size_t i = 0; i < cap; i++)
        entry[i].key = FREE;
    t->entry = entry;
    t->cap = cap;
    for (size_t i = 0; i < old.cap; i++)
        if (old.entry[i].key != FREE)
            *find(t, old.entry[i].key) = old.entry[i];
    pt_mem_free(mem, old.entry, old.cap * sizeof(*entry));
    return true;
}

bool pt_told_add(struct pt_told *t, struct pt_mem *mem, int side, int64_t offset, int64_t partner,
                 enum pt_finding_code code)
{
    if (!grow(t, mem))
        return false;
    *find(t, key_of(side, offset)) = (struct pt_told_entry){ .key = key_of(side, offset),
                                                             .partner = partner,
                                                             .code = (uint32_t)code };
    t->cnt++;
    return true;
}

/* Those behind it move up, so that no search ends too early. */
static void free_entry(struct pt_told *t, const struct pt_told_entry *e)
{
    size_t hole = (size_t)(e - t->entry);

    for (size_t i = (hole + 1) & (t->cap - 1); t->entry[i].key != FREE;
         i = (i + 1) & (t->cap - 1)) {
        size_t home = home_of(t, t->entry[i].key);

        if (((i - home) & (t->cap - 1)) < ((i - hole) & (t->cap - 1)))
            continue;
        t->entry[hole] = t->entry[i];
        hole = i;
    }
    t->entry[hole].key = FREE;
    t->cnt--;
}

bool pt_told_take(struct pt_told *t, int side, int64_t offset, struct pt_told_entry *ret_entry)
{
    const struct pt_told_entry *e;

    if (!pt_told_has(t, side, offset))
        return false;
    e = find(t, key_of(side, offset));
    *ret_entry = *e;
    free_entry(t, e);
    if (ret_entry->partner >= 0 && pt_told_has(t, !side, ret_entry->partner))
        free_entry(t, find(t, key_of(!side, ret_entry->partner)));
    return true;
}
