/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/rejoin.h"

#include "parser/orphan.h"

#define DEPTH_TOPIC 1u
#define DEPTH_PARTITION 2u
/* partition_index 4 | error_code 2 | high_watermark 8: how each version begins. */
#define HEAD_SZ 14u

struct chain {
    const struct pt_rejoin *r;
    uint64_t work; /* bytes that may still be checked */
    uint32_t cnt;
    bool rests; /* on a batch */
    int32_t index[PT_REJOIN_MAX];
    int64_t high_watermark;
};

bool pt_rejoin_can(const struct pt_walk *w)
{
    return w->depth >= DEPTH_PARTITION && w->frame[DEPTH_PARTITION].array &&
           w->frame[DEPTH_PARTITION].field == PT_F_PARTITIONS &&
           w->frame[DEPTH_PARTITION].left > 0 && !w->frame[DEPTH_TOPIC].left;
}

/* may_begin: no error, and numbers that a broker has. */
static bool may_begin(const uint8_t head[HEAD_SZ])
{
    return !head[0] && head[1] < 0x10 && !head[4] && !head[5] && !head[6] && !head[7];
}

static bool is_new(const struct chain *c, int32_t index)
{
    for (uint32_t i = 0; i < c->cnt; i++)
        if (c->index[i] == index)
            return false;
    return true;
}

/* is_batch: the whole entry may follow, where `next` is what is asked for, or the next offset. */
static bool is_batch(struct chain *c, struct pt_view v, int64_t next, struct pt_batch *b)
{
    if (v.len < PT_BATCH_HEADER_SZ || v.data[PT_ENTRY_MAGIC_OFF] != 2 || v.len > c->work)
        return false;
    c->work -= v.len;
    return pt_batch_check(c->r->reader, v.data, v.len, b) == PT_OK && b->base_offset >= 0 &&
           b->last_offset >= b->base_offset && b->last_offset < INT64_MAX &&
           b->last_offset >= next && !(c->r->consumer && b->last_offset >= c->high_watermark);
}

/* read_records: v are the records of the chain's newest partition. */
static bool read_records(struct chain *c, struct pt_view v)
{
    struct pt_log_ref log = { c->r->topic, c->index[c->cnt - 1] };
    int64_t asked = pt_fetch_session_offset(c->r->session, log, c->r->number);
    struct pt_cursor cur = pt_cur(v.data, v.len);
    int64_t next = asked;

    if (asked < 0)
        return false;
    while (pt_cur_left(&cur) >= PT_ENTRY_PREFIX_SZ) {
        const uint8_t *entry = cur.at;
        struct pt_batch b;
        int64_t offset;
        uint32_t size = pt_entry_size(entry, &offset);

        if (size > pt_cur_left(&cur)) { /* cut off, as the protocol allows */
            if (offset != next)
                return false;
            break;
        }
        if (!size || !pt_cur_take(&cur, size) ||
            !is_batch(c, (struct pt_view){ entry, size }, next, &b))
            return false;
        if (next == asked ? b.base_offset > asked : b.base_offset < next)
            return false;
        next = b.last_offset + 1;
    }
    c->rests |= next > asked;
    return next > asked;
}

/* ends: w, behind a partition, is at the end of the body if there is no other. */
static bool ends(const struct pt_walk *w, struct pt_cursor c)
{
    struct pt_walk end = *w;
    struct pt_walk_event ev;
    uint32_t needed;

    end.frame[DEPTH_PARTITION].left = 0;
    while (pt_walk_next(&end, &c, &ev, &needed) == PT_OK)
        if (ev.kind == PT_WALK_END)
            return !end.body_left;
    return false;
}

static bool take_event(struct chain *c, const struct pt_walk *w, const struct pt_cursor *cur,
                       const struct pt_walk_event *ev)
{
    if (!pt_orphan_plausible(ev))
        return false;
    if (ev->kind == PT_WALK_RECORDS) {
        if (ev->i64 > 0)
            return w->skip <= pt_cur_left(cur) &&
                   read_records(c, (struct pt_view){ cur->at, w->skip });
        return c->cnt > 1; /* nothing begins with a partition that proves nothing */
    }
    if (ev->kind != PT_WALK_VALUE)
        return true;
    if (ev->field == PT_F_HIGH_WATERMARK)
        c->high_watermark = ev->i64;
    if (ev->field != PT_F_PARTITION_INDEX)
        return true;
    if (c->cnt == PT_REJOIN_MAX || !is_new(c, (int32_t)ev->i64))
        return false;
    c->index[c->cnt++] = (int32_t)ev->i64;
    return true;
}

/* read_chain: nothing but partitions, up to the last byte of v. */
static bool read_chain(struct chain *c, struct pt_walk w, struct pt_view v)
{
    struct pt_cursor cur = pt_cur(v.data, v.len);
    struct pt_walk_event ev;
    uint32_t needed;

    c->cnt = 0;
    c->rests = false;
    while (w.depth >= DEPTH_PARTITION && pt_walk_next(&w, &cur, &ev, &needed) == PT_OK) {
        if (!take_event(c, &w, &cur, &ev))
            return false;
        if (ev.kind == PT_WALK_STRUCT_END && ev.field == PT_F_PARTITIONS && ends(&w, cur))
            return c->rests;
    }
    return false;
}

bool pt_rejoin_find(const struct pt_rejoin *r, struct pt_view v, struct pt_walk *w,
                    uint32_t *ret_skip)
{
    uint32_t left = w->frame[DEPTH_PARTITION].left;
    struct chain c = { .r = r, .work = (uint64_t)PT_REJOIN_WORK * v.len };

    for (uint32_t i = 0; i + HEAD_SZ <= v.len; i++) {
        struct pt_view rest = { v.data + i, v.len - i };
        struct pt_walk from = *w;

        if (!may_begin(rest.data))
            continue;
        pt_walk_element(&from, DEPTH_PARTITION, (uint32_t)rest.len, left);
        if (!read_chain(&c, from, rest))
            continue;
        pt_walk_element(w, DEPTH_PARTITION, (uint32_t)rest.len, c.cnt);
        *ret_skip = i;
        return true;
    }
    return false;
}
