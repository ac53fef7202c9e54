/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/frame.h"

#include "parser/batch.h"

#define SIZE_LEN 4u
/* What is asked for before a possible frame start is offered: size and one more word. */
#define TRY_MIN 8u
/* An empty buffer up to this size is kept, since the next header may need it. */
#define GATHER_KEEP 1024u

enum state {
    STATE_TRY,          /* out of step */
    STATE_SIZE,         /* at a frame's first byte */
    STATE_HEAD,         /* behind the size */
    STATE_BODY,         /* the walk goes on */
    STATE_RECORDS,      /* at an entry's first byte */
    STATE_ENTRY,        /* the same, entry_end known */
    STATE_OVERSIZE,     /* the same, and the entry is not going to be gathered */
    STATE_HEAD_ONLY,    /* the same, since it is not wanted */
    STATE_FIND,         /* in a records field, where an entry may begin */
    STATE_FOUND,        /* the same, and what is here looks like one that ends at entry_end */
    STATE_SKIP_ENTRY,   /* to entry_end */
    STATE_SKIP_RECORDS, /* to records_end */
    STATE_TAIL,         /* behind a hole; the rest of the frame is waited for */
    STATE_SKIP          /* to frame_end */
};

enum have { HAVE_ALL, HAVE_WAIT, HAVE_REFUSED };

void pt_frame_init(struct pt_frame *f, struct pt_mem *mem, const struct pt_frame_cfg *cfg,
                   struct pt_frame_counts *counts)
{
    *f = (struct pt_frame){
        .cfg = cfg, .mem = mem, .counts = counts, .size_min = 4, .want = TRY_MIN
    };
}

static uint32_t gathered(const struct pt_frame *f)
{
    return f->gather_end - f->gather_off;
}

static struct pt_frame_mark *mark_of(struct pt_frame *f, uint32_t i)
{
    return i < PT_FRAME_MARKS ? &f->mark[i] : &f->more[i - PT_FRAME_MARKS];
}

static const struct pt_frame_mark *mark_at(const struct pt_frame *f, uint32_t i)
{
    return i < PT_FRAME_MARKS ? &f->mark[i] : &f->more[i - PT_FRAME_MARKS];
}

static void gather_empty(struct pt_frame *f)
{
    f->gather_off = 0;
    f->gather_end = 0;
    f->topped = 0;
    f->mark_cnt = 0;
    f->mark_all = false;
    pt_mem_free(f->mem, f->more, f->more_max * sizeof(*f->more));
    f->more = NULL;
    f->more_max = 0;
    if (f->gather_sz > GATHER_KEEP) {
        pt_mem_free(f->mem, f->gather, f->gather_sz);
        f->gather = NULL;
        f->gather_sz = 0;
    }
}

static bool in_step(const struct pt_frame *f)
{
    return f->state != STATE_TRY;
}

/* count_passed attributes bytes that are behind us. */
static void count_passed(struct pt_frame *f, uint64_t len)
{
    f->pos += len;
    if (in_step(f))
        f->counts->frame_bytes += len;
    else
        f->counts->unframed_bytes += len;
}

static void consume(struct pt_frame *f, size_t len)
{
    count_passed(f, len);
    if (!len)
        return; /* there may be no piece in hand */
    if (!gathered(f)) {
        f->at += len;
        return;
    }
    f->gather_off += (uint32_t)len;
    if (gathered(f) <= f->topped) {
        /* What is left was copied from this very piece: read it in place. */
        if (gathered(f))
            f->at -= gathered(f);
        gather_empty(f);
    }
}

static bool gather_room(struct pt_frame *f, uint32_t len)
{
    uint32_t sz = (len + 255u) & ~255u;
    uint8_t *p;

    if (len <= f->gather_sz - f->gather_off)
        return true;
    if (f->gather_off) {
        memmove(f->gather, f->gather + f->gather_off, gathered(f));
        for (uint32_t i = 0; i < f->mark_cnt; i++) {
            struct pt_frame_mark *m = mark_of(f, i);

            m->off -= m->off < f->gather_off ? m->off : f->gather_off;
        }
        f->gather_end -= f->gather_off;
        f->gather_off = 0;
    }
    if (len <= f->gather_sz)
        return true;
    p = pt_mem_resize(f->mem, f->gather, f->gather_sz, sz);
    if (!p) {
        f->counts->memory_refused++;
        return false;
    }
    f->gather = p;
    f->gather_sz = sz;
    return true;
}

/* more_marks makes room for one more; of what else is gathered only the start counts. */
static bool more_marks(struct pt_frame *f)
{
    uint32_t max = f->more_max ? 2 * f->more_max : PT_FRAME_MARKS;
    struct pt_frame_mark *p;

    if (f->mark_cnt < PT_FRAME_MARKS + f->more_max)
        return true;
    if (!f->mark_all)
        return false;
    p = pt_mem_resize(f->mem, f->more, f->more_max * sizeof(*p), max * sizeof(*p));
    if (!p)
        return false;
    f->more = p;
    f->more_max = max;
    return true;
}

/* mark_packet notes that the bytes gathered from here on are the present packet's. When there are
 * more packets than marks the later ones are taken for the last one marked. */
static void mark_packet(struct pt_frame *f)
{
    if (f->mark_cnt && mark_at(f, f->mark_cnt - 1)->at.order == f->piece_at.order)
        return;
    if (more_marks(f))
        *mark_of(f, f->mark_cnt++) = (struct pt_frame_mark){ f->gather_end, f->piece_at };
}

/* need makes len bytes contiguous at the present position, if the piece has them. */
static enum have need(struct pt_frame *f, uint32_t len)
{
    uint32_t have = gathered(f);
    size_t left = (size_t)(f->end - f->at);
    uint32_t take;

    if (have >= len || (!have && left >= len))
        return HAVE_ALL;
    if (!left)
        return HAVE_WAIT;
    take = left < len - have ? (uint32_t)left : len - have;
    if (!gather_room(f, len))
        return HAVE_REFUSED;
    mark_packet(f);
    memcpy(f->gather + f->gather_end, f->at, take);
    f->gather_end += take;
    f->topped += take;
    f->at += take;
    return have + take >= len ? HAVE_ALL : HAVE_WAIT;
}

static struct pt_view contiguous(const struct pt_frame *f)
{
    if (gathered(f))
        return (struct pt_view){ f->gather + f->gather_off, gathered(f) };
    return (struct pt_view){ f->at, (size_t)(f->end - f->at) };
}

static const struct pt_packet_ref *packet_here(const struct pt_frame *f)
{
    uint32_t lo = 0;
    uint32_t hi = f->mark_cnt;

    if (!gathered(f) || !hi)
        return &f->piece_at;
    while (hi - lo > 1) { /* that of lo is at or before here, or the first */
        uint32_t mid = lo + (hi - lo) / 2;

        if (mark_at(f, mid)->off > f->gather_off)
            hi = mid;
        else
            lo = mid;
    }
    return &mark_at(f, lo)->at;
}

/* forget_places: nothing in front of us is offered or waits. */
static void forget_places(struct pt_frame *f)
{
    f->waiting = false;
    f->look = 0;
    f->hop = 0;
}

/* try_again: who waited may know better now. */
static void try_again(struct pt_frame *f)
{
    if (!gathered(f))
        f->first = true;
    forget_places(f);
    f->want = TRY_MIN;
    f->start = f->first;
    f->try_here = true;
}

void pt_frame_feed(struct pt_frame *f, const uint8_t *data, size_t len,
                   const struct pt_packet_ref *at)
{
    f->at = data;
    f->end = data + len;
    f->piece_at = *at;
    f->topped = 0;
    if (f->state == STATE_TRY)
        try_again(f);
}

void pt_frame_hole(struct pt_frame *f, uint64_t len, enum pt_lost_reason reason,
                   const struct pt_packet_ref *at)
{
    f->at = f->end = NULL;
    f->piece_at = *at;
    f->topped = 0;
    f->hole_len = len;
    f->hole_unknown = !len;
    f->hole_reason = reason;
}

/* eat consumes what the last event showed. */
static void eat(struct pt_frame *f)
{
    uint32_t eaten = f->eaten;

    f->eaten = 0;
    if (eaten)
        consume(f, eaten);
}

uint64_t pt_frame_fini(struct pt_frame *f)
{
    uint64_t left;

    eat(f);
    left = gathered(f) + (uint64_t)(f->end - f->at) + f->hole_len; /* if that waits (early) */
    if (!in_step(f)) {
        count_passed(f, left);
        left = 0;
    } else if (f->state != STATE_SIZE) {
        left += f->pos - f->frame_off;
        f->counts->frame_bytes -= f->pos - f->frame_off;
    }
    gather_empty(f);
    pt_mem_free(f->mem, f->gather, f->gather_sz);
    f->gather = NULL;
    f->gather_sz = 0;
    f->at = f->end = NULL;
    return left;
}

void pt_frame_want(struct pt_frame *f, uint32_t len)
{
    if (len > PT_FRAME_WANT_MAX || (f->early && f->state == STATE_TRY))
        return;
    f->want = len;
    if (f->state == STATE_TRY) {
        f->try_here = true;
    } else {
        f->mark_all = true;
        f->state = STATE_HEAD;
    }
}

bool pt_frame_want_whole(struct pt_frame *f)
{
    uint64_t left = f->frame_end - f->pos;

    if (left > f->cfg->gather_max)
        return false;
    f->want = (uint32_t)left;
    f->mark_all = true;
    f->state = STATE_HEAD;
    return true;
}

/* settle passes over what stands in front of the place last offered. */
static void settle(struct pt_frame *f)
{
    uint32_t look = f->look;

    forget_places(f);
    f->passed |= look > 0;
    consume(f, look);
}

void pt_frame_lock(struct pt_frame *f)
{
    settle(f);
    f->state = STATE_SIZE;
    f->counts->resyncs += f->passed;
}

void pt_frame_drop(struct pt_frame *f, uint32_t len)
{
    settle(f);
    f->eaten = len;
    f->try_here = f->start = f->first = true;
    f->want = TRY_MIN;
}

void pt_frame_hop(struct pt_frame *f, uint64_t len)
{
    if (f->look + len < contiguous(f).len)
        f->hop = f->look + (uint32_t)len;
}

void pt_frame_body(struct pt_frame *f, uint32_t head_sz, const struct pt_layout *layout)
{
    f->eaten = head_sz;
    f->state = STATE_BODY;
    pt_walk_begin(&f->walk, layout, (uint32_t)(f->frame_end - f->pos) - head_sz);
}

void pt_frame_skip(struct pt_frame *f)
{
    f->state = STATE_SKIP;
}

void pt_frame_find(struct pt_frame *f)
{
    f->state = STATE_FIND;
}

void pt_frame_found(struct pt_frame *f)
{
    f->eaten = (uint32_t)(f->entry_end - f->pos);
    f->state = STATE_RECORDS;
}

void pt_frame_tail(struct pt_frame *f)
{
    f->state = STATE_TAIL;
}

void pt_frame_rejoin(struct pt_frame *f, uint32_t skip, const struct pt_walk *walk)
{
    f->eaten = skip;
    f->walk = *walk;
    f->state = STATE_BODY;
}

void pt_frame_unlock(struct pt_frame *f)
{
    f->state = STATE_TRY;
    f->try_here = false;
    forget_places(f);
    f->passed = true;
    f->want = TRY_MIN;
    f->search = PT_FRAME_SEARCH_MAX;
}

bool pt_frame_in_step(const struct pt_frame *f)
{
    return in_step(f);
}

bool pt_frame_at_head(const struct pt_frame *f)
{
    return f->state == STATE_HEAD;
}

/* give fills in an event about the bytes at the present position. */
static bool give(struct pt_frame *f, struct pt_frame_event *ev, enum pt_frame_event_kind kind,
                 struct pt_view bytes)
{
    *ev = (struct pt_frame_event){
        .kind = kind, .at = *packet_here(f), .bytes = bytes, .reason = f->hole_reason
    };
    return true;
}

/* pass_hole moves over everything gathered and over len bytes of the hole. */
static void pass_hole(struct pt_frame *f, uint64_t len)
{
    count_passed(f, gathered(f) + len);
    gather_empty(f);
    f->hole_len -= len;
}

/* lose gives an event about bytes that stand in front of the hole, and steps over them. */
static bool lose(struct pt_frame *f, struct pt_frame_event *ev, enum pt_frame_event_kind kind,
                 enum state then)
{
    give(f, ev, kind, contiguous(f));
    ev->landed = kind == PT_FRAME_RECORDS_LOST && f->state != STATE_RECORDS &&
                 f->entry_end == f->records_end;
    f->eaten = gathered(f);
    f->state = (uint8_t)then;
    ev->status = PT_GAP;
    return true;
}

static bool hole_out_of_step(struct pt_frame *f)
{
    if (f->waiting && gathered(f) >= TRY_MIN) {
        /* Who waits for more gets no more: is this enough? */
        f->early = true;
        try_again(f);
        return false;
    }
    pass_hole(f, f->hole_len);
    f->hole_unknown = false;
    f->passed = true;
    forget_places(f);
    f->try_here = false;
    f->want = TRY_MIN;
    return false;
}

static bool hole_over_boundary(struct pt_frame *f, struct pt_frame_event *ev)
{
    give(f, ev, PT_FRAME_UNLOCKED, (struct pt_view){ 0 });
    ev->status = PT_GAP;
    pt_frame_unlock(f);
    return true;
}

static bool no_tail(struct pt_frame *f, struct pt_frame_event *ev)
{
    f->state = STATE_SKIP;
    return give(f, ev, PT_FRAME_TAIL, (struct pt_view){ 0 });
}

/* next_hole deals with one state that the hole meets; true if that is an event. It ends when the
 * hole is used up or the state that it leaves is one that the hole meets again. */
static bool next_hole(struct pt_frame *f, struct pt_frame_event *ev)
{
    uint64_t here = f->pos + gathered(f);
    uint64_t hole_end = f->hole_unknown ? UINT64_MAX : here + f->hole_len;
    uint64_t to_end;

    switch ((enum state)f->state) {
    case STATE_TRY:
        return hole_out_of_step(f);
    case STATE_SIZE:
        return hole_over_boundary(f, ev);
    case STATE_HEAD:
        return lose(f, ev, PT_FRAME_HEAD_LOST, STATE_SKIP);
    case STATE_BODY:
        return lose(f, ev, PT_FRAME_BODY_LOST, STATE_SKIP);
    case STATE_RECORDS:
        return lose(f, ev, PT_FRAME_RECORDS_LOST, STATE_SKIP_RECORDS);
    case STATE_ENTRY:
    case STATE_OVERSIZE:
    case STATE_HEAD_ONLY:
        if (hole_end <= f->entry_end)
            return lose(f, ev, PT_FRAME_ENTRY_LOST, STATE_SKIP_ENTRY);
        return lose(f, ev, PT_FRAME_RECORDS_LOST, STATE_SKIP_RECORDS);
    case STATE_SKIP_ENTRY:
        if (hole_end > f->entry_end)
            return lose(f, ev, PT_FRAME_RECORDS_LOST, STATE_SKIP_RECORDS);
        break;
    case STATE_FOUND:
        f->state = STATE_FIND;
        /* fallthrough */
    case STATE_FIND:
    case STATE_SKIP_RECORDS:
        if (hole_end > f->records_end)
            return lose(f, ev, PT_FRAME_BODY_LOST, STATE_SKIP);
        break;
    case STATE_TAIL:
        if (hole_end > f->frame_end)
            return no_tail(f, ev);
        break;
    case STATE_SKIP:
        if (hole_end > f->frame_end) {
            to_end = f->frame_end - here;
            if (f->hole_unknown)
                to_end = 0; /* gathered bytes are seen; how much is missing nobody knows */
            pass_hole(f, to_end);
            f->state = STATE_SIZE;
            return false;
        }
        break;
    }
    pass_hole(f, f->hole_len);
    return false;
}

/* next_piece: how many bytes stand between the place last offered and the next one where a piece
 * began; behind the last mark any may be one. 0: there is none. */
static uint32_t next_piece(const struct pt_frame *f)
{
    uint32_t from = f->gather_off + f->look;
    uint32_t here = f->gather_end - f->topped; /* the present piece */

    for (uint32_t i = 0; i < f->mark_cnt; i++)
        if (mark_at(f, i)->off > from)
            return mark_at(f, i)->off - from;
    if ((f->topped || f->at != f->end) && here > from)
        return here - from;
    return f->mark_cnt == PT_FRAME_MARKS && f->gather_end > from + 1 ? 1 : 0;
}

/* next_start: the same, also for where a hop leads to. */
static uint32_t next_start(const struct pt_frame *f)
{
    uint32_t piece = next_piece(f);
    uint32_t hop = f->hop > f->look ? f->hop - f->look : 0;

    return hop && (!piece || hop < piece) ? hop : piece;
}

/* next_likely: how many bytes stand between the place last offered and the next one that may hold a
 * size, but no more than start, if that is not 0. 0: there is none. */
static uint32_t next_likely(struct pt_frame *f, uint32_t start)
{
    struct pt_view v = contiguous(f);
    const uint8_t *at;
    uint32_t len;
    uint32_t to;
    uint32_t i = 1;

    if (v.len <= f->look)
        return start;
    at = v.data + f->look;
    len = (uint32_t)v.len - f->look;
    to = start ? start : len;
    if (to > f->search) {
        f->search = 0;
        return start;
    }
    while (i < to && i + SIZE_LEN <= len &&
           (pt_be32(at + i) > f->cfg->frame_max || pt_be32(at + i) < f->size_min))
        i++;
    f->search -= i < to ? i : to;
    return i < to ? i : start;
}

/* pass_piece goes over everything that is there. */
static bool pass_piece(struct pt_frame *f)
{
    f->passed |= gathered(f) || f->at != f->end;
    forget_places(f);
    consume(f, gathered(f));
    consume(f, (size_t)(f->end - f->at));
    return false;
}

/* next_place goes to the next place that may begin a frame. While an earlier one waits for more
 * bytes nothing is passed over; who waits must not hide what is there. False: there is none. */
static bool next_place(struct pt_frame *f)
{
    uint32_t start = next_start(f);
    uint32_t len = f->search ? next_likely(f, start) : start;

    if (!len)
        return false;
    if (f->waiting) {
        f->look += len;
    } else {
        f->passed = true;
        f->hop = f->hop > len ? f->hop - len : 0;
        consume(f, len);
        f->first = len == start;
    }
    f->start = len == start;
    f->try_here = true;
    return true;
}

static bool next_try(struct pt_frame *f, struct pt_frame_event *ev)
{
    struct pt_view v;

    for (;;) {
        enum have h;

        if (!f->try_here && !next_place(f))
            break;
        h = need(f, f->look + f->want);
        f->try_here = false; /* unless the caller answers */
        f->want = TRY_MIN;
        if (h == HAVE_REFUSED)
            return pass_piece(f);
        if (h == HAVE_ALL) {
            v = contiguous(f);
            v.data += f->look;
            v.len -= f->look;
            give(f, ev, PT_FRAME_TRY, v);
            ev->start = f->start;
            ev->last = f->early;
            return true;
        }
        f->waiting = true;
    }
    if (!f->waiting || need(f, gathered(f) + (uint32_t)(f->end - f->at)) == HAVE_REFUSED)
        return pass_piece(f);
    return false;
}

static bool next_size(struct pt_frame *f, struct pt_frame_event *ev)
{
    uint32_t size;

    switch (need(f, SIZE_LEN)) {
    case HAVE_ALL:
        break;
    case HAVE_WAIT:
        return false;
    case HAVE_REFUSED:
        return hole_over_boundary(f, ev);
    }
    size = pt_be32(contiguous(f).data);
    if (size > f->cfg->frame_max || size < f->size_min) {
        give(f, ev, PT_FRAME_UNLOCKED, (struct pt_view){ 0 });
        ev->status = PT_BAD_LENGTH;
        pt_frame_unlock(f);
        return true;
    }
    f->counts->frames++;
    f->frame_off = f->pos;
    f->frame_end = f->pos + SIZE_LEN + size;
    f->frame_at = *packet_here(f);
    consume(f, SIZE_LEN);
    f->state = STATE_HEAD;
    f->want = 0;
    return false;
}

static bool next_head(struct pt_frame *f, struct pt_frame_event *ev)
{
    uint32_t left = (uint32_t)(f->frame_end - f->pos);
    struct pt_view v;
    enum have h;

    h = need(f, f->want < left ? f->want : left);
    if (h == HAVE_WAIT)
        return false;
    if (h == HAVE_REFUSED)
        return lose(f, ev, PT_FRAME_HEAD_LOST, STATE_SKIP);
    v = contiguous(f);
    if (v.len > left)
        v.len = left;
    give(f, ev, PT_FRAME_HEAD, v);
    ev->at = f->frame_at;
    ev->frame_left = left;
    f->state = STATE_SKIP; /* unless the caller answers */
    return true;
}

static bool next_body(struct pt_frame *f, struct pt_frame_event *ev)
{
    for (;;) {
        struct pt_view v = contiguous(f);
        uint64_t left = f->frame_end - f->pos;
        struct pt_cursor c = pt_cur(v.data, v.len < left ? v.len : (size_t)left);
        const uint8_t *start = c.at;
        struct pt_walk_event w;
        uint32_t needed = 0;
        enum pt_status st = pt_walk_next(&f->walk, &c, &w, &needed);

        if (st == PT_NEED_MORE) {
            consume(f, (size_t)(c.at - start));
            switch (need(f, needed)) {
            case HAVE_ALL:
                continue;
            case HAVE_WAIT:
                return false;
            case HAVE_REFUSED:
                return lose(f, ev, PT_FRAME_BODY_LOST, STATE_SKIP);
            }
        }
        if (st != PT_OK) {
            give(f, ev, PT_FRAME_BODY_BAD, (struct pt_view){ 0 });
            ev->status = st;
            f->state = STATE_SKIP;
            return true;
        }
        give(f, ev, w.kind == PT_WALK_END ? PT_FRAME_BODY_END : PT_FRAME_FIELD,
             (struct pt_view){ 0 });
        ev->walk = w;
        f->eaten = (uint32_t)(c.at - start);
        if (w.kind == PT_WALK_END) {
            ev->trailing = f->walk.body_left;
            f->state = STATE_SKIP;
        } else if (w.kind == PT_WALK_RECORDS && w.i64 > 0) {
            f->records_end = f->pos + f->eaten + (uint64_t)w.i64;
            f->state = STATE_RECORDS;
        }
        return true;
    }
}

/* next_entry looks at an entry's first bytes and decides how it is read. */
static bool next_entry(struct pt_frame *f, struct pt_frame_event *ev)
{
    uint64_t left = f->records_end - f->pos;
    int64_t offset;
    uint32_t size;

    if (!left) {
        pt_walk_skip(&f->walk, f->walk.skip);
        f->state = STATE_BODY;
        return give(f, ev, PT_FRAME_RECORDS_END, (struct pt_view){ 0 });
    }
    if (left >= PT_ENTRY_PREFIX_SZ) {
        switch (need(f, PT_ENTRY_PREFIX_SZ)) {
        case HAVE_ALL:
            break;
        case HAVE_WAIT:
            return false;
        case HAVE_REFUSED:
            return lose(f, ev, PT_FRAME_RECORDS_LOST, STATE_SKIP_RECORDS);
        }
        size = pt_entry_size(contiguous(f).data, &offset);
        if (!size) {
            f->state = STATE_SKIP_RECORDS;
            return give(f, ev, PT_FRAME_ENTRY_BAD,
                        (struct pt_view){ contiguous(f).data, PT_ENTRY_PREFIX_SZ });
        }
        if (size <= left) {
            f->entry_end = f->pos + size;
            f->state = STATE_ENTRY;
            if (f->heads_only)
                f->state = STATE_HEAD_ONLY;
            else if (size > f->cfg->gather_max && size > contiguous(f).len)
                f->state = STATE_OVERSIZE;
            return false;
        }
    }
    f->state = STATE_SKIP_RECORDS;
    return give(f, ev, PT_FRAME_ENTRY_PARTIAL,
                (struct pt_view){ contiguous(f).data,
                                  left < PT_ENTRY_PREFIX_SZ ? 0 : PT_ENTRY_PREFIX_SZ });
}

/* next_find goes on to where a batch seems to begin. The last bytes of a piece that are too few to
 * tell wait for the next one. */
static void next_find(struct pt_frame *f)
{
    for (;;) {
        uint64_t left = f->records_end - f->pos;
        struct pt_view v = contiguous(f);
        uint32_t here = 0;

        if (left < PT_BATCH_HEADER_SZ) {
            f->state = STATE_SKIP_RECORDS;
            return;
        }
        while (here + PT_BATCH_HEADER_SZ <= v.len && here + PT_BATCH_HEADER_SZ <= left) {
            int64_t offset;

            if (v.data[here + PT_ENTRY_MAGIC_OFF] == 2 && pt_batch_likely(v.data + here) &&
                pt_entry_size(v.data + here, &offset) <= left - here) {
                consume(f, here);
                f->entry_end = f->pos + pt_entry_size(contiguous(f).data, &offset);
                f->state = STATE_FOUND;
                return;
            }
            here++;
        }
        consume(f, here);
        if (here + PT_BATCH_HEADER_SZ > left)
            continue;
        switch (need(f, PT_BATCH_HEADER_SZ)) {
        case HAVE_ALL:
            break;
        case HAVE_WAIT:
            return;
        case HAVE_REFUSED:
            f->state = STATE_SKIP_RECORDS;
            return;
        }
    }
}

static bool next_found(struct pt_frame *f, struct pt_frame_event *ev)
{
    uint64_t size = f->entry_end - f->pos;
    enum have h = size > f->cfg->gather_max && size > contiguous(f).len ? HAVE_REFUSED
                                                                        : need(f, (uint32_t)size);

    if (h == HAVE_WAIT)
        return false;
    f->state = STATE_FIND;
    if (h == HAVE_REFUSED) {
        consume(f, 1);
        return false;
    }
    f->eaten = 1; /* unless the caller answers */
    return give(f, ev, PT_FRAME_ENTRY_FOUND, (struct pt_view){ contiguous(f).data, (size_t)size });
}

/* next_whole waits for the entry to be contiguous, or for the head of one that is too large or not
 * wanted. */
static bool next_whole(struct pt_frame *f, struct pt_frame_event *ev)
{
    uint32_t size = (uint32_t)(f->entry_end - f->pos);
    bool head_only = f->state == STATE_HEAD_ONLY;
    bool whole = f->state == STATE_ENTRY;
    uint32_t len = !whole && size > PT_BATCH_HEADER_SZ ? PT_BATCH_HEADER_SZ : size;

    switch (need(f, len)) {
    case HAVE_WAIT:
        return false;
    case HAVE_REFUSED:
        if (!whole)
            return lose(f, ev, PT_FRAME_RECORDS_LOST, STATE_SKIP_RECORDS);
        f->state = STATE_OVERSIZE;
        return false;
    case HAVE_ALL:
        break;
    }
    give(f, ev,
         whole       ? PT_FRAME_ENTRY
         : head_only ? PT_FRAME_ENTRY_HEAD
                     : PT_FRAME_ENTRY_OVERSIZE,
         (struct pt_view){ contiguous(f).data, len });
    f->eaten = len;
    f->state = whole ? STATE_RECORDS : STATE_SKIP_ENTRY;
    return true;
}

static bool next_tail(struct pt_frame *f, struct pt_frame_event *ev)
{
    uint64_t left = f->frame_end - f->pos;

    if (left > f->cfg->gather_max)
        return no_tail(f, ev);
    f->mark_all = true; /* what stands in it is told with its packet */
    switch (need(f, (uint32_t)left)) {
    case HAVE_WAIT:
        return false;
    case HAVE_REFUSED:
        return no_tail(f, ev);
    case HAVE_ALL:
        break;
    }
    f->state = STATE_SKIP; /* unless the caller answers */
    return give(f, ev, PT_FRAME_TAIL, (struct pt_view){ contiguous(f).data, (size_t)left });
}

/* skip_to passes over what is there; true when the position is reached. */
static bool skip_to(struct pt_frame *f, uint64_t to)
{
    while (f->pos < to) {
        size_t have = contiguous(f).len;

        if (!have)
            return false;
        consume(f, have < to - f->pos ? have : (size_t)(to - f->pos));
    }
    return true;
}

/* next_in_piece takes one step; false if the present state can do nothing more with this piece. */
static bool next_in_piece(struct pt_frame *f, struct pt_frame_event *ev, bool *ret_event)
{
    uint8_t before = f->state;
    uint64_t pos = f->pos;

    *ret_event = false;
    switch ((enum state)f->state) {
    case STATE_TRY:
        *ret_event = next_try(f, ev);
        break;
    case STATE_SIZE:
        *ret_event = next_size(f, ev);
        break;
    case STATE_HEAD:
        *ret_event = next_head(f, ev);
        break;
    case STATE_BODY:
        *ret_event = next_body(f, ev);
        break;
    case STATE_RECORDS:
        *ret_event = next_entry(f, ev);
        break;
    case STATE_ENTRY:
    case STATE_OVERSIZE:
    case STATE_HEAD_ONLY:
        *ret_event = next_whole(f, ev);
        break;
    case STATE_FIND:
        next_find(f);
        break;
    case STATE_FOUND:
        *ret_event = next_found(f, ev);
        break;
    case STATE_SKIP_ENTRY:
        if (skip_to(f, f->entry_end))
            f->state = STATE_RECORDS;
        break;
    case STATE_SKIP_RECORDS:
        if (skip_to(f, f->records_end))
            f->state = STATE_RECORDS;
        break;
    case STATE_TAIL:
        *ret_event = next_tail(f, ev);
        break;
    case STATE_SKIP:
        if (skip_to(f, f->frame_end))
            f->state = STATE_SIZE;
        break;
    }
    return *ret_event || f->state != before || f->pos != pos;
}

bool pt_frame_next(struct pt_frame *f, struct pt_frame_event *ev)
{
    bool event = false;

    eat(f);
    for (;;) {
        if ((f->hole_len || f->hole_unknown) && !f->early) {
            if (next_hole(f, ev))
                return true;
            continue;
        }
        if (!next_in_piece(f, ev, &event)) {
            if (f->early) {
                f->early = false;
                f->waiting = false;
                continue;
            }
            f->at = f->end = NULL; /* the piece is not ours any more */
            f->topped = 0;
            return false;
        }
        if (event)
            return true;
    }
}
