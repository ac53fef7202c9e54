/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/mirror.h"

#include <string.h>
#include <xxhash.h>

_Static_assert(sizeof(struct pt_mirror_id) == 40, "ids are hashed and compared as bytes");

void pt_mirrors_init(struct pt_mirrors *m, struct pt_mem *mem)
{
    *m = (struct pt_mirrors){ .mem = mem };
}

void pt_mirrors_close(struct pt_mirrors *m)
{
    for (unsigned i = 0; i < m->session_cnt; i++)
        pt_mem_free(m->mem, m->session[i], sizeof(*m->session[i]));
    m->session_cnt = 0;
}

static bool same_session(const struct pt_mirror_row *row, const struct pt_mirror_id *id,
                         uint32_t input)
{
    return row->input == input && !memcmp(&row->id, id, sizeof(*id));
}

/* The session's place in the table; a free one if it is not there. Half of them stay free. */
static struct pt_mirror_session **place_of(struct pt_mirrors *m, const struct pt_mirror_id *id,
                                           uint32_t input)
{
    size_t at = XXH3_64bits_withSeed(id, sizeof(*id), input) % PT_MIRROR_SLOTS;

    while (m->slot[at] && !same_session(&m->slot[at]->row, id, input))
        at = (at + 1) % PT_MIRROR_SLOTS;
    return &m->slot[at];
}

static bool test_and_set(struct pt_mirror_session *s, uint32_t seq)
{
    uint64_t *word = &s->seen[seq % PT_MIRROR_WINDOW / 64];
    uint64_t bit = 1ull << seq % 64;
    bool was = *word & bit;

    *word |= bit;
    return was;
}

/* The numbers (s->last, seq] begin as not seen. */
static void go_on_to(struct pt_mirror_session *s, uint32_t seq)
{
    if (seq - s->last >= PT_MIRROR_WINDOW)
        memset(s->seen, 0, sizeof(s->seen));
    else
        for (uint32_t n = s->last + 1; n != seq + 1; n++)
            s->seen[n % PT_MIRROR_WINDOW / 64] &= ~(1ull << n % 64);
    s->row.expected += seq - s->last;
    s->span += seq - s->last;
    s->last = seq;
}

static void start(struct pt_mirror_session *s, uint32_t seq)
{
    memset(s->seen, 0, sizeof(s->seen));
    (void)test_and_set(s, seq);
    s->last = seq;
    s->span = 1;
    s->has_far = false;
    s->row.expected++;
    s->row.received++;
}

/* seq is not far behind the last number: its gap is filled, or it is a copy. What came before the
 * first one was only overtaken by it. */
static void take_late(struct pt_mirror_session *s, uint32_t seq)
{
    uint32_t back = s->last - seq;

    if (test_and_set(s, seq)) {
        s->row.again++;
        return;
    }
    s->row.received++;
    if (back >= s->span) {
        s->row.expected += back + 1 - s->span;
        s->span = back + 1;
    }
}

/* seq is far from all others. With its follower it is a new start. */
static void take_far(struct pt_mirror_session *s, uint32_t seq)
{
    uint32_t after = seq - s->far;

    if (s->has_far && after && after < PT_MIRROR_WINDOW) {
        s->row.restarts++;
        s->row.strays--;
        start(s, s->far);
        go_on_to(s, seq);
        (void)test_and_set(s, seq);
        s->row.received++;
        return;
    }
    s->has_far = true;
    s->far = seq;
    s->row.strays++;
}

static void take(struct pt_mirror_session *s, uint32_t seq)
{
    uint32_t ahead = seq - s->last;

    if (s->last - seq >= PT_MIRROR_WINDOW && ahead >= PT_MIRROR_JUMP_MAX) {
        take_far(s, seq);
        return;
    }
    s->has_far = false;
    if (ahead && ahead < PT_MIRROR_JUMP_MAX) {
        go_on_to(s, seq);
        (void)test_and_set(s, seq);
        s->row.received++;
    } else {
        take_late(s, seq);
    }
}

void pt_mirrors_take(struct pt_mirrors *m, const struct pt_mirror_id *id, uint32_t input,
                     uint32_t seq)
{
    struct pt_mirror_session **place = place_of(m, id, input);
    struct pt_mirror_session *s = *place;

    if (s) {
        take(s, seq);
        return;
    }
    if (m->session_cnt < PT_MIRROR_MAX)
        s = pt_mem_zalloc(m->mem, sizeof(*s));
    if (!s) {
        m->refused++;
        return;
    }
    s->row.id = *id;
    s->row.input = input;
    start(s, seq);
    *place = s;
    m->session[m->session_cnt++] = s;
}

void pt_mirror_rows_add(struct pt_mirror_row *rows, size_t *cnt, const struct pt_mirror_row *row)
{
    struct pt_mirror_row *sum = rows;

    while (sum < rows + *cnt && !same_session(sum, &row->id, row->input))
        sum++;
    if (sum == rows + *cnt) {
        rows[(*cnt)++] = *row;
        return;
    }
    if (row->expected > sum->expected)
        sum->expected = row->expected;
    sum->received += row->received;
    sum->again += row->again;
    sum->strays += row->strays;
    if (row->restarts > sum->restarts)
        sum->restarts = row->restarts;
}

struct pt_mirror_stats pt_mirror_sum(const struct pt_mirror_row *rows, size_t cnt, uint32_t input)
{
    struct pt_mirror_stats sum = { 0 };

    for (size_t i = 0; i < cnt; i++) {
        const struct pt_mirror_row *r = &rows[i];

        if (input != PT_MIRROR_ALL && r->input != input)
            continue;
        sum.sessions++;
        sum.packets += r->received;
        sum.lost += r->expected > r->received ? r->expected - r->received : 0;
        sum.again += r->again;
        sum.strays += r->strays;
        sum.restarts += r->restarts;
    }
    return sum;
}
