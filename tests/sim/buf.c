/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/buf.h"

#include <stdlib.h>
#include <string.h>

void buf_fini(struct buf *b)
{
    free(b->data);
    *b = (struct buf){ 0 };
}

void buf_need(struct buf *b, size_t len)
{
    if (b->len + len <= b->cap)
        return;
    b->cap = (b->len + len) * 2;
    b->data = realloc(b->data, b->cap);
    if (!b->data)
        abort();
}

void buf_put(struct buf *b, const void *data, size_t len)
{
    buf_need(b, len);
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

void buf_be_at(uint8_t *at, uint64_t v, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        at[i] = (uint8_t)(v >> 8 * (len - 1 - i));
}

void buf_be(struct buf *b, uint64_t v, unsigned len)
{
    buf_need(b, len);
    buf_be_at(b->data + b->len, v, len);
    b->len += len;
}

void buf_uvarint(struct buf *b, uint64_t v)
{
    buf_need(b, 10);
    do {
        b->data[b->len++] = (uint8_t)(v & 0x7f) | (v > 0x7f ? 0x80 : 0);
        v >>= 7;
    } while (v);
}

static uint64_t zigzag(int64_t v)
{
    return (uint64_t)v << 1 ^ (uint64_t)(v >> 63);
}

void buf_varint(struct buf *b, int64_t v)
{
    buf_uvarint(b, zigzag(v));
}

unsigned buf_varint_len(int64_t v)
{
    uint64_t u = zigzag(v);
    unsigned n = 1;

    while (u >>= 7)
        n++;
    return n;
}

void buf_string(struct buf *b, bool flex, const char *s)
{
    size_t len = s ? strlen(s) : 0;

    if (flex)
        buf_uvarint(b, s ? len + 1 : 0);
    else
        buf_be(b, s ? len : UINT16_MAX, 2);
    buf_put(b, s, len);
}

void buf_array(struct buf *b, bool flex, size_t cnt)
{
    if (flex)
        buf_uvarint(b, cnt + 1);
    else
        buf_be(b, cnt, 4);
}

void buf_bytes(struct buf *b, bool flex, const void *data, size_t len)
{
    buf_array(b, flex, len);
    buf_put(b, data, len);
}

void buf_tags(struct buf *b, bool flex)
{
    if (flex)
        buf_be(b, 0, 1);
}
