/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_WALK_TRACE_H
#define PT_TESTS_WALK_TRACE_H
/*
 * Walks a body that arrives in pieces and writes down its events as text, in the form of
 * scripts/gen-body-vectors (a value too large for a view: name=length). What a walk promises about
 * NEED_MORE is checked on the way: it asks for more than it got and for no more than the body has.
 * Each call sees a heap block with just the bytes that have come.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parser/walk.h"

struct walk_trace {
    char *text; /* owned; walk_trace_free */
    size_t len;
    size_t event_cnt;
    enum pt_status status; /* PT_OK: PT_WALK_END was reached */
    uint32_t rest;         /* bytes of the body behind the last field */
    const char *broken;    /* promise that was not kept, or NULL */
};

/* Chooses how many bytes come at once: 0 all, 1 one by one, else random with this seed. */
struct walk_pieces {
    uint64_t seed;
};

static inline size_t walk_piece(struct walk_pieces *p, size_t max)
{
    size_t piece;

    if (p->seed < 2)
        return p->seed && max ? 1 : max;
    p->seed = p->seed * 6364136223846793005u + 1442695040888963407u;
    piece = (size_t)(p->seed >> 33) % (p->seed >> 60 & 1 ? 8 : max + 1);
    return piece < max ? piece : max;
}

__attribute__((format(printf, 2, 3))) static inline void walk_trace_add(struct walk_trace *t,
                                                                        const char *format, ...)
{
    char word[256];
    va_list args;

    va_start(args, format);
    vsnprintf(word, sizeof(word), format, args);
    va_end(args);
    t->text = realloc(t->text, t->len + strlen(word) + 1);
    if (!t->text)
        abort();
    strcpy(t->text + t->len, word);
    t->len += strlen(word);
}

static inline void walk_trace_hex(struct walk_trace *t, const uint8_t *data, size_t len)
{
    static const char digits[] = "0123456789abcdef";

    t->text = realloc(t->text, t->len + 2 * len + 1);
    if (!t->text)
        abort();
    for (size_t i = 0; i < len; i++) {
        t->text[t->len++] = digits[data[i] >> 4];
        t->text[t->len++] = digits[data[i] & 15];
    }
    t->text[t->len] = '\0';
}

static inline const char *walk_field_name(enum pt_field field)
{
    static const char *const names[PT_F_CNT] = {
#define X(name, text) text,
        PT_FIELD_LIST(X)
#undef X
    };

    return names[field];
}

static inline void walk_trace_event(struct walk_trace *t, const struct pt_walk_event *ev)
{
    const char *name = walk_field_name(ev->field);

    t->event_cnt++;
    switch (ev->kind) {
    case PT_WALK_VALUE:
        if (ev->view.data) {
            walk_trace_add(t, "%s='", name);
            walk_trace_hex(t, ev->view.data, ev->view.len);
            walk_trace_add(t, " ");
        } else {
            walk_trace_add(t, "%s=%lld ", name, (long long)ev->i64);
        }
        break;
    case PT_WALK_ARRAY_BEGIN:
        if (ev->i64 < 0)
            walk_trace_add(t, "%s[~ ", name);
        else
            walk_trace_add(t, "%s[%lld ", name, (long long)ev->i64);
        break;
    case PT_WALK_STRUCT_BEGIN:
        walk_trace_add(t, "%s{%s ", name, ev->i64 < 0 ? "~" : "");
        break;
    case PT_WALK_STRUCT_END:
        walk_trace_add(t, "%s} ", name);
        break;
    case PT_WALK_ARRAY_END:
        walk_trace_add(t, "%s] ", name);
        break;
    case PT_WALK_RECORDS:
        walk_trace_add(t, ev->i64 < 0 ? "%s=-1 " : "%s='", name);
        break;
    case PT_WALK_END:
        break;
    }
}

/* walk_trace_step makes one call with data[*at, end) of a body of body_sz bytes. Returns whether to
 * go on; *end grows when more is needed and there is more. */
static inline bool walk_trace_step(struct walk_trace *t, struct pt_walk *w, const uint8_t *data,
                                   size_t body_sz, struct walk_pieces *pieces, size_t *at,
                                   size_t *end)
{
    uint8_t *block = malloc(*end - *at + !(*end - *at));
    struct pt_cursor c = pt_cur(block, *end - *at);
    struct pt_walk_event ev = { .view = { .data = block, .len = 1 } };
    uint32_t needed = 0;

    if (!block)
        abort();
    memcpy(block, data + *at, *end - *at);
    t->status = pt_walk_next(w, &c, &ev, &needed);
    *at += (size_t)(c.at - block);
    if (w->body_left != body_sz - *at)
        t->broken = "body_left is not what is left";
    if (t->status == PT_NEED_MORE) {
        if (needed <= pt_cur_left(&c) || needed > w->body_left)
            t->broken = "needs what it has, or what never comes";
        if (needed > PT_WALK_NEED_MAX + 5)
            t->broken = "needs too much at once";
        free(block);
        *end += walk_piece(pieces, body_sz - *end);
        return !t->broken;
    }
    if (t->status == PT_OK)
        walk_trace_event(t, &ev);
    free(block);
    if (t->status == PT_OK && ev.kind == PT_WALK_RECORDS && ev.i64 >= 0) {
        if ((int64_t)w->skip != ev.i64 || w->skip > w->body_left) {
            t->broken = "records longer than the body";
            return false;
        }
        walk_trace_hex(t, data + *at, w->skip);
        walk_trace_add(t, " ");
        if (pieces->seed & 1) { /* read by the caller; else passed over by the walk */
            *at += w->skip;
            *end = *at > *end ? *at : *end;
            pt_walk_skip(w, w->skip);
        }
    }
    return t->status == PT_OK && ev.kind != PT_WALK_END && !t->broken;
}

static inline struct walk_trace walk_trace(const struct pt_layout *l, const uint8_t *data,
                                           size_t body_sz, uint64_t seed)
{
    struct walk_pieces pieces = { .seed = seed };
    struct walk_trace t = { .text = strdup("") };
    size_t end = walk_piece(&pieces, body_sz);
    struct pt_walk w;
    size_t at = 0;

    pt_walk_begin(&w, l, (uint32_t)body_sz);
    while (walk_trace_step(&t, &w, data, body_sz, &pieces, &at, &end))
        ;
    t.rest = w.body_left;
    return t;
}

static inline void walk_trace_free(struct walk_trace *t)
{
    free(t->text);
}

#endif
