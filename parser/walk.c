/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/walk.h"

#include "parser/layout.h"

void pt_walk_begin(struct pt_walk *w, const struct pt_layout *l, uint32_t body_sz)
{
    w->body_left = body_sz;
    w->floor = 0;
    w->skip = 0;
    w->depth = 0;
    w->status = PT_OK;
    w->frame[0] = (struct pt_walk_frame){ .step = (uint16_t)(l->at + 1), .start = l->at };
}

static void consume(struct pt_walk *w, struct pt_cursor *c, size_t len)
{
    pt_cur_take(c, len);
    w->body_left -= (uint32_t)len;
}

/* want says whether the next sz bytes are in c; if not, whether they ever can be. */
static enum pt_status want(const struct pt_walk *w, const struct pt_cursor *c, uint64_t sz,
                           uint32_t *ret_needed)
{
    if (sz > w->body_left - w->floor)
        return PT_BAD_LENGTH;
    if (sz > pt_cur_left(c)) {
        *ret_needed = (uint32_t)sz;
        return PT_NEED_MORE;
    }
    return PT_OK;
}

/* peek_uvarint looks at an unsigned varint that starts at bytes behind c, and moves at past it. */
static enum pt_status peek_uvarint(const struct pt_walk *w, const struct pt_cursor *c, uint32_t *at,
                                   uint32_t *ret_v, uint32_t *ret_needed)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < 5; i++) {
        enum pt_status st = want(w, c, *at + 1, ret_needed);
        uint8_t byte;

        if (st)
            return st;
        byte = c->at[(*at)++];
        v |= (uint64_t)(byte & 0x7f) << (7 * i);
        if (!(byte & 0x80)) {
            if (v > UINT32_MAX)
                return PT_BAD_VARINT;
            *ret_v = (uint32_t)v;
            return PT_OK;
        }
    }
    return PT_BAD_VARINT;
}

/* peek_length looks at the length or count in front of a value: prefix_sz bytes unless compact.
 * *ret_len is -1 for null; *ret_sz is what the prefix takes. */
static enum pt_status peek_length(const struct pt_walk *w, const struct pt_cursor *c,
                                  const struct pt_step *s, unsigned prefix_sz, int64_t *ret_len,
                                  uint32_t *ret_sz, uint32_t *ret_needed)
{
    enum pt_status st;
    int64_t len;

    *ret_sz = 0;
    if (s->flags & PT_STEP_COMPACT) {
        uint32_t v = 0;

        st = peek_uvarint(w, c, ret_sz, &v, ret_needed);
        if (st)
            return st;
        len = (int64_t)v - 1;
    } else {
        st = want(w, c, prefix_sz, ret_needed);
        if (st)
            return st;
        len = prefix_sz == 2 ? (int16_t)pt_be16(c->at) : (int32_t)pt_be32(c->at);
        *ret_sz = prefix_sz;
    }
    if (len < -1)
        return PT_BAD_LENGTH;
    if (len < 0 && !(s->flags & PT_STEP_NULLABLE))
        return PT_BAD_VALUE;
    *ret_len = len;
    return PT_OK;
}

/* read_fixed reads an integer, boolean, float64 or uuid. */
static inline enum pt_status read_fixed(struct pt_walk *w, struct pt_cursor *c,
                                        const struct pt_step *s, struct pt_walk_event *ev,
                                        uint32_t *ret_needed)
{
    static const uint8_t sizes[] = {
        [PT_STEP_BOOLEAN] = 1, [PT_STEP_INT8] = 1,  [PT_STEP_INT16] = 2,   [PT_STEP_UINT16] = 2,
        [PT_STEP_INT32] = 4,   [PT_STEP_INT64] = 8, [PT_STEP_FLOAT64] = 8, [PT_STEP_UUID] = 16,
    };
    unsigned sz = sizes[s->op];
    enum pt_status st = want(w, c, sz, ret_needed);
    const uint8_t *p = c->at;

    if (st)
        return st;
    switch (s->op) {
    case PT_STEP_BOOLEAN:
        ev->i64 = *p != 0;
        break;
    case PT_STEP_INT8:
        ev->i64 = (int8_t)*p;
        break;
    case PT_STEP_INT16:
        ev->i64 = (int16_t)pt_be16(p);
        break;
    case PT_STEP_UINT16:
        ev->i64 = pt_be16(p);
        break;
    case PT_STEP_INT32:
        ev->i64 = (int32_t)pt_be32(p);
        break;
    case PT_STEP_UUID:
        ev->i64 = 16;
        ev->view = (struct pt_view){ .data = p, .len = 16 };
        break;
    default: /* INT64, FLOAT64 */
        ev->i64 = (int64_t)pt_be64(p);
        break;
    }
    consume(w, c, sz);
    return PT_OK;
}

/* read_string reads a string or bytes; of a large one only the length. */
static enum pt_status read_string(struct pt_walk *w, struct pt_cursor *c, const struct pt_step *s,
                                  struct pt_walk_event *ev, uint32_t *ret_needed)
{
    bool is_string = s->op == PT_STEP_STRING;
    uint32_t prefix_sz;
    int64_t len = 0;
    enum pt_status st = peek_length(w, c, s, is_string ? 2 : 4, &len, &prefix_sz, ret_needed);

    if (st)
        return st;
    if (is_string && len > INT16_MAX)
        return PT_BAD_LENGTH;
    if (len > (int64_t)(w->body_left - w->floor - prefix_sz))
        return PT_BAD_LENGTH;
    ev->i64 = len;
    if (len > PT_WALK_NEED_MAX) {
        w->skip = (uint32_t)len;
        consume(w, c, prefix_sz);
        return PT_OK;
    }
    if (len < 0) {
        consume(w, c, prefix_sz);
        return PT_OK;
    }
    st = want(w, c, prefix_sz + (uint64_t)len, ret_needed);
    if (st)
        return st;
    ev->view = (struct pt_view){ .data = c->at + prefix_sz, .len = (size_t)len };
    consume(w, c, prefix_sz + (size_t)len);
    return PT_OK;
}

static enum pt_status read_records(struct pt_walk *w, struct pt_cursor *c, const struct pt_step *s,
                                   struct pt_walk_event *ev, uint32_t *ret_needed)
{
    uint32_t prefix_sz;
    int64_t len = 0;
    enum pt_status st = peek_length(w, c, s, 4, &len, &prefix_sz, ret_needed);

    if (st)
        return st;
    if (len > (int64_t)(w->body_left - w->floor - prefix_sz))
        return PT_BAD_LENGTH;
    consume(w, c, prefix_sz);
    w->skip = len > 0 ? (uint32_t)len : 0;
    ev->kind = PT_WALK_RECORDS;
    ev->i64 = len;
    return PT_OK;
}

static void push(struct pt_walk *w, const struct pt_step *s, unsigned step, uint32_t left)
{
    w->frame[++w->depth] = (struct pt_walk_frame){
        .step = (uint16_t)step,
        .start = s->to,
        .field = s->field,
        .array = s->op == PT_STEP_ARRAY,
        .left = left,
        .floor = w->floor,
    };
}

static enum pt_status enter_array(struct pt_walk *w, struct pt_cursor *c, const struct pt_step *s,
                                  struct pt_walk_event *ev, uint32_t *ret_needed)
{
    uint32_t prefix_sz;
    int64_t cnt = 0;
    enum pt_status st = peek_length(w, c, s, 4, &cnt, &prefix_sz, ret_needed);

    if (st)
        return st;
    if (cnt > (int64_t)((w->body_left - w->floor - prefix_sz) / s->arg))
        return PT_BAD_LENGTH;
    consume(w, c, prefix_sz);
    push(w, s, s->to, cnt > 0 ? (uint32_t)cnt : 0);
    ev->kind = PT_WALK_ARRAY_BEGIN;
    ev->i64 = cnt;
    return PT_OK;
}

/* enter_struct goes behind ELEMENT of an inline struct, or right to STRUCT_END if it is null. */
static enum pt_status enter_struct(struct pt_walk *w, struct pt_cursor *c, const struct pt_step *s,
                                   struct pt_walk_event *ev, uint32_t *ret_needed)
{
    bool null = false;

    if (s->flags & PT_STEP_NULLABLE) {
        enum pt_status st = want(w, c, 1, ret_needed);

        if (st)
            return st;
        null = (int8_t)*c->at < 0;
        consume(w, c, 1);
    }
    push(w, s, s->to + (null ? s->arg : 1u), 0);
    ev->kind = PT_WALK_STRUCT_BEGIN;
    ev->i64 = null ? -1 : 1;
    return PT_OK;
}

/* read_field reads a value, or the beginning of what contains values. */
static inline enum pt_status read_field(struct pt_walk *w, struct pt_cursor *c,
                                        const struct pt_step *s, struct pt_walk_event *ev,
                                        uint32_t *ret_needed)
{
    ev->kind = PT_WALK_VALUE;
    ev->field = s->field;
    if (s->op <= PT_STEP_UUID)
        return read_fixed(w, c, s, ev, ret_needed);
    switch (s->op) {
    case PT_STEP_RECORDS:
        return read_records(w, c, s, ev, ret_needed);
    case PT_STEP_ARRAY:
        return enter_array(w, c, s, ev, ret_needed);
    case PT_STEP_STRUCT:
        return enter_struct(w, c, s, ev, ret_needed);
    default:
        return read_string(w, c, s, ev, ret_needed);
    }
}

/* open_tag reads number and size of the next tagged field and goes to its step or over it. */
static enum pt_status open_tag(struct pt_walk *w, struct pt_cursor *c, struct pt_walk_frame *f,
                               const struct pt_step *s, uint32_t *ret_needed)
{
    uint32_t prefix_sz = 0;
    uint32_t tag = 0;
    uint32_t sz = 0;
    enum pt_status st = peek_uvarint(w, c, &prefix_sz, &tag, ret_needed);

    if (!st)
        st = peek_uvarint(w, c, &prefix_sz, &sz, ret_needed);
    if (st)
        return st;
    if (sz > w->body_left - w->floor - prefix_sz)
        return PT_BAD_LENGTH;
    consume(w, c, prefix_sz);
    f->tag_cnt--;
    for (unsigned i = 1; i <= 2u * s->to; i += 2) {
        if (s[i + 1].arg == tag) {
            w->floor = w->body_left - sz;
            f->step = (uint16_t)(f->step + i);
            return PT_OK;
        }
    }
    w->skip = sz;
    return PT_OK;
}

/* read_tag_cnt: a tagged field takes at least two bytes. */
static enum pt_status read_tag_cnt(struct pt_walk *w, struct pt_cursor *c, struct pt_walk_frame *f,
                                   uint32_t *ret_needed)
{
    uint32_t prefix_sz = 0;
    uint32_t cnt = 0;
    enum pt_status st = peek_uvarint(w, c, &prefix_sz, &cnt, ret_needed);

    if (st)
        return st;
    if (cnt > (w->body_left - w->floor - prefix_sz) / 2)
        return PT_BAD_LENGTH;
    consume(w, c, prefix_sz);
    f->tag_cnt = cnt;
    return PT_OK;
}

static void end_event(struct pt_walk_event *ev, enum pt_walk_kind kind, unsigned field)
{
    ev->kind = kind;
    ev->field = field;
    ev->i64 = 0;
}

/* pass consumes bytes that nobody reads. */
static enum pt_status pass(struct pt_walk *w, struct pt_cursor *c, uint32_t *ret_needed)
{
    size_t left = pt_cur_left(c);

    if (!w->skip)
        return PT_OK;
    if (left < w->skip) {
        w->skip -= (uint32_t)left;
        if (left)
            consume(w, c, left);
        *ret_needed = 1;
        return PT_NEED_MORE;
    }
    consume(w, c, w->skip);
    w->skip = 0;
    return PT_OK;
}

/* run goes through steps up to the next event. Steps that give none (tags) go round the loop; each
 * consumes bytes or moves forward, so the body bounds them. */
static enum pt_status run(struct pt_walk *w, struct pt_cursor *c, struct pt_walk_event *ev,
                          uint32_t *ret_needed)
{
    for (;;) {
        struct pt_walk_frame *f = &w->frame[w->depth];
        const struct pt_step *s = &pt_steps[f->step];
        enum pt_status st = pass(w, c, ret_needed);

        if (st)
            return st;
        switch (s->op) {
        case PT_STEP_ELEMENT:
        case PT_STEP_EACH:
            if (!f->left) {
                end_event(ev, PT_WALK_ARRAY_END, f->field);
                w->depth--;
                return PT_OK;
            }
            if (s->op == PT_STEP_EACH) {
                st = read_field(w, c, s + 1, ev, ret_needed);
                f->left -= !st;
                return st;
            }
            f->left--;
            f->step++;
            end_event(ev, PT_WALK_STRUCT_BEGIN, f->field);
            ev->i64 = 1;
            return PT_OK;
        case PT_STEP_TAGS:
            st = read_tag_cnt(w, c, f, ret_needed);
            if (st)
                return st;
            f->step++;
            break;
        case PT_STEP_TAG:
            if (!f->tag_cnt) {
                f->step = (uint16_t)(f->step + 1u + 2u * s->to);
                break;
            }
            st = open_tag(w, c, f, s, ret_needed);
            if (st)
                return st;
            break;
        case PT_STEP_TAG_CLOSE:
            if (w->body_left != w->floor)
                return PT_BAD_LENGTH;
            w->floor = f->floor;
            f->step = (uint16_t)(f->step - s->to);
            break;
        case PT_STEP_STRUCT_END:
            end_event(ev, w->depth ? PT_WALK_STRUCT_END : PT_WALK_END, f->field);
            if (f->array)
                f->step = f->start;
            else if (w->depth)
                w->depth--;
            return PT_OK;
        default:
            st = read_field(w, c, s, ev, ret_needed);
            f->step = (uint16_t)(f->step + !st);
            return st;
        }
    }
}

enum pt_status pt_walk_next(struct pt_walk *w, struct pt_cursor *c, struct pt_walk_event *ev,
                            uint32_t *ret_needed)
{
    enum pt_status st;

    if (w->status)
        return w->status;
    ev->view = (struct pt_view){ .data = NULL };
    st = run(w, c, ev, ret_needed);
    if (st && st != PT_NEED_MORE)
        w->status = (uint8_t)st;
    return st;
}

void pt_walk_element(struct pt_walk *w, unsigned depth, uint32_t body_left, uint32_t left)
{
    struct pt_walk_frame *f = &w->frame[depth];

    f->step = f->start;
    f->left = left;
    w->depth = (uint8_t)depth;
    w->floor = f->floor;
    w->skip = 0;
    w->status = PT_OK;
    w->body_left = body_left;
}

void pt_walk_skip(struct pt_walk *w, uint32_t len)
{
    if (len > w->skip) {
        w->status = PT_BAD_LENGTH;
        return;
    }
    w->skip -= len;
    w->body_left -= len;
}
