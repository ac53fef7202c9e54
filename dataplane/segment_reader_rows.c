/* SPDX-License-Identifier: Apache-2.0 */
/* Copies rows and findings out of the sections that pt_segment_reader_open has checked. */
#include "dataplane/segment_reader.h"

#include <string.h>

#include "dataplane/segment_pvt.h"

/* A row is copied in less than a microsecond, so the writer has to put it twice in that time for a
 * copy to fail. That this happens so often in turn only means that the segment is broken. */
#define GET_TRIES 64

uint32_t pt_segment_reader_row_cnt(const struct pt_segment_reader *r, enum pt_segment_table table)
{
    const struct pt_segment_view *v = &r->table[table];
    uint64_t used = atomic_load_explicit(&v->live->used, memory_order_relaxed);

    return used < v->row_max ? (uint32_t)used : v->row_max;
}

uint64_t pt_segment_reader_refused(const struct pt_segment_reader *r, enum pt_segment_table table)
{
    return atomic_load_explicit(&r->table[table].live->refused, memory_order_relaxed);
}

/* Partner: copy_words of the writer. A word from a newer state carries the newer seq with it. */
static void copy_words(void *to, const _Atomic uint64_t *from, size_t sz)
{
    uint8_t *at = to;

    for (size_t i = 0; i < sz / sizeof(uint64_t); i++) {
        uint64_t word = atomic_load_explicit(&from[i], memory_order_acquire);

        memcpy(at + i * sizeof(word), &word, sizeof(word));
    }
}

static const _Atomic uint64_t *row_at(const struct pt_segment_view *v, uint64_t idx)
{
    return (const _Atomic uint64_t *)(const void *)(v->base + idx * v->stride);
}

/* get: a whole row in *ret_row and true, or false. */
static bool get(const struct pt_segment_reader *r, enum pt_segment_table table, uint32_t idx,
                void *ret_row)
{
    const struct pt_segment_view *v = &r->table[table];
    uint32_t row_sz = pt_segment_table_info(table)->row_sz;
    const _Atomic uint64_t *seq;

    if (idx >= pt_segment_reader_row_cnt(r, table))
        return false;
    seq = row_at(v, idx);
    for (int i = 0; i < GET_TRIES; i++) {
        /* Partner: the release at the end of pt_segment_put. */
        uint64_t before = atomic_load_explicit(seq, memory_order_acquire);

        if (!before)
            return false;
        copy_words(ret_row, seq + 1 + (before & 1) * (row_sz / sizeof(uint64_t)), row_sz);
        if (atomic_load_explicit(seq, memory_order_relaxed) == before)
            return true;
    }
    return false;
}

/* Texts were copied from where anybody may have written. */
#define TERMINATE(text) ((text).s[sizeof((text).s) - 1] = 0)

static void clean_run(struct pt_segment_run *row)
{
    TERMINATE(row->note);
}

static void clean_tap(struct pt_segment_tap *row)
{
    TERMINATE(row->name);
}

static void clean_core(struct pt_segment_core *row)
{
    TERMINATE(row->name);
}

static void clean_cluster(struct pt_segment_cluster *row)
{
    TERMINATE(row->cluster_id);
}

static void clean_pair(struct pt_segment_pair *row)
{
    TERMINATE(row->source_topic);
    TERMINATE(row->target_topic);
}

static void clean_code(struct pt_segment_code *row)
{
    TERMINATE(row->name);
}

static void clean_place(struct pt_segment_place *p)
{
    TERMINATE(p->topic);
    TERMINATE(p->client_id);
    TERMINATE(p->client_addr);
}

static void clean_finding(struct pt_segment_finding *f)
{
    TERMINATE(f->code);
    TERMINATE(f->message);
    clean_place(&f->source);
    clean_place(&f->target);
}

#define X(NAME, name, rows)                                                                        \
    bool pt_segment_get_##name(const struct pt_segment_reader *r, uint32_t idx,                    \
                               struct pt_segment_##name *ret_row)                                  \
    {                                                                                              \
        struct pt_segment_##name row;                                                              \
                                                                                                   \
        if (!get(r, PT_SEGMENT_TABLE_##NAME, idx, &row))                                           \
            return false;                                                                          \
        clean_##name(&row);                                                                        \
        *ret_row = row;                                                                            \
        return true;                                                                               \
    }
PT_SEGMENT_TABLE_LIST(X)
#undef X

/* Partner: the release of used in pt_segment_append. */
static uint64_t appended(const struct pt_segment_view *v)
{
    return atomic_load_explicit(&v->live->used, memory_order_acquire);
}

void pt_segment_cursor_begin(const struct pt_segment_reader *r, struct pt_segment_cursor *c,
                             uint64_t latest)
{
    *c = (struct pt_segment_cursor){ 0 };
    for (uint32_t i = 0; latest != PT_SEGMENT_ALL_FINDINGS && i < r->ring_cnt; i++) {
        uint64_t used = appended(&r->ring[i]);
        uint64_t back = latest < r->ring[i].row_max ? latest : r->ring[i].row_max;

        c->next[i] = used > back ? used - back : 0;
    }
}

/* next_of: the next finding of one ring. Each number is either read or counted as missed. */
static bool next_of(const struct pt_segment_view *v, uint64_t *next, uint64_t *missed,
                    struct pt_segment_finding *ret_f)
{
    uint64_t used = appended(v);

    if (*next > used) /* broken: the count went back */
        *next = used;
    if (used - *next > v->row_max) {
        *missed += used - *next - v->row_max;
        *next = used - v->row_max;
    }
    while (*next < used) {
        uint64_t n = (*next)++;
        const _Atomic uint64_t *seq = row_at(v, n % v->row_max);

        /* Partner: the release of seq in pt_segment_append. */
        if (atomic_load_explicit(seq, memory_order_acquire) == n + 1) {
            copy_words(ret_f, seq + 1, sizeof(*ret_f));
            if (atomic_load_explicit(seq, memory_order_relaxed) == n + 1)
                return true;
        }
        ++*missed;
    }
    return false;
}

bool pt_segment_reader_next(const struct pt_segment_reader *r, struct pt_segment_cursor *c,
                            struct pt_segment_finding *ret_f)
{
    for (uint32_t i = 0; i < r->ring_cnt; i++) {
        if (next_of(&r->ring[i], &c->next[i], &c->missed, ret_f)) {
            clean_finding(ret_f);
            return true;
        }
    }
    return false;
}
