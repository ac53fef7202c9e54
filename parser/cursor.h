/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_CURSOR_H
#define PT_PARSER_CURSOR_H
/*
 * The only way untrusted bytes are read. A cursor is a view {at, end, failed}; pt_cur_take is the
 * one function that checks bounds, failure is sticky, and reads of a failed cursor give 0. A
 * decoder goes straight down the page in wire order and asks pt_cur_ok once, at the end.
 * All integers are big-endian, as everywhere in Kafka except inside compressed frames.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct pt_cursor {
    const uint8_t *at;
    const uint8_t *end;
    bool failed;
};

/* A borrowed run of bytes. data is NULL for Kafka's null (len is then 0); an empty value has a
 * data pointer and len 0. */
struct pt_view {
    const uint8_t *data;
    size_t len;
};

static inline struct pt_cursor pt_cur(const void *data, size_t len)
{
    const uint8_t *at = data;

    /* An empty view may have no address to add to. */
    return (struct pt_cursor){ .at = at, .end = len ? at + len : at, .failed = false };
}

static inline size_t pt_cur_left(const struct pt_cursor *c)
{
    return c->failed ? 0 : (size_t)(c->end - c->at);
}

static inline bool pt_cur_ok(const struct pt_cursor *c)
{
    return !c->failed;
}

static inline void pt_cur_fail(struct pt_cursor *c)
{
    c->failed = true;
    c->at = c->end;
}

/* pt_cur_take returns len bytes and steps over them, or NULL (and fails c) if fewer are left. */
static inline const uint8_t *pt_cur_take(struct pt_cursor *c, size_t len)
{
    const uint8_t *at = c->at;

    if (c->failed || len > (size_t)(c->end - at)) {
        pt_cur_fail(c);
        return NULL;
    }
    c->at = at + len;
    return at;
}

static inline uint16_t pt_be16(const uint8_t *p)
{
    return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t pt_be32(const uint8_t *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return __builtin_bswap32(v);
}

static inline uint64_t pt_be64(const uint8_t *p)
{
    uint64_t v;

    memcpy(&v, p, sizeof(v));
    return __builtin_bswap64(v);
}

static inline int8_t pt_cur_i8(struct pt_cursor *c)
{
    const uint8_t *p = pt_cur_take(c, 1);

    return p ? (int8_t)*p : 0;
}

static inline int16_t pt_cur_i16(struct pt_cursor *c)
{
    const uint8_t *p = pt_cur_take(c, 2);

    return p ? (int16_t)pt_be16(p) : 0;
}

static inline int32_t pt_cur_i32(struct pt_cursor *c)
{
    const uint8_t *p = pt_cur_take(c, 4);

    return p ? (int32_t)pt_be32(p) : 0;
}

static inline int64_t pt_cur_i64(struct pt_cursor *c)
{
    const uint8_t *p = pt_cur_take(c, 8);

    return p ? (int64_t)pt_be64(p) : 0;
}

/* pt_cur_uvarint reads an unsigned LEB128 of at most max_len bytes (5 for 32 bits, 10 for 64);
 * a longer one fails c. */
static inline uint64_t pt_cur_uvarint(struct pt_cursor *c, unsigned max_len)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < max_len; i++) {
        const uint8_t *p = pt_cur_take(c, 1);

        if (!p)
            return 0;
        v |= (uint64_t)(*p & 0x7f) << (7 * i);
        if (!(*p & 0x80))
            return v;
    }
    pt_cur_fail(c);
    return 0;
}

/* pt_cur_varint32 and pt_cur_varint64 read a zig-zag varint (record bodies). */
static inline int32_t pt_cur_varint32(struct pt_cursor *c)
{
    uint64_t v = pt_cur_uvarint(c, 5);

    if (v > UINT32_MAX) {
        pt_cur_fail(c);
        return 0;
    }
    return (int32_t)((uint32_t)v >> 1 ^ (0u - (uint32_t)(v & 1)));
}

static inline int64_t pt_cur_varint64(struct pt_cursor *c)
{
    uint64_t v = pt_cur_uvarint(c, 10);

    return (int64_t)(v >> 1 ^ (0u - (v & 1)));
}

#endif
