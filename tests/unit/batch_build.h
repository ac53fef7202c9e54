/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_BATCH_BUILD_H
#define PT_TESTS_BATCH_BUILD_H
/*
 * Writes entries of a records field byte by byte, right ones and wrong ones, with their checksums.
 * For what no real encoder would write; right batches come from data/batch. Checksums are computed
 * by plain loops or zlib, not by the code under test.
 */
#include <assert.h>
#include <stdint.h>
#include <string.h>
#include <zlib.h>

#include "hw/crc32c.h"

struct bytes {
    uint8_t data[1 << 16];
    size_t len;
};

static inline void put(struct bytes *b, const void *data, size_t len)
{
    assert(len <= sizeof(b->data) - b->len);
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
}

static inline void put_int(struct bytes *b, uint64_t v, unsigned len)
{
    for (unsigned i = 0; i < len; i++) {
        uint8_t byte = (uint8_t)(v >> 8 * (len - 1 - i));

        put(b, &byte, 1);
    }
}

static inline void set_int(uint8_t *at, uint64_t v, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        at[i] = (uint8_t)(v >> 8 * (len - 1 - i));
}

/* Makes the checksum of one entry right again. */
static inline void fix_crc(uint8_t *entry, size_t len)
{
    if (entry[16] == 2)
        set_int(entry + 17, pt_crc32c_plain(0, entry + 21, len - 21), 4);
    else
        set_int(entry + 12, crc32(0, entry + 16, (uInt)(len - 16)), 4);
}

struct batch_spec {
    int64_t base_offset;
    int32_t last_offset_delta;
    int32_t count;
    uint16_t attributes;
};

static inline void put_batch(struct bytes *b, const struct batch_spec *s, const void *payload,
                             size_t len)
{
    size_t start = b->len;

    put_int(b, (uint64_t)s->base_offset, 8);
    put_int(b, 49 + len, 4);
    put_int(b, 5, 4); /* leader epoch */
    put_int(b, 2, 1);
    put_int(b, 0, 4);
    put_int(b, s->attributes, 2);
    put_int(b, (uint32_t)s->last_offset_delta, 4);
    put_int(b, 1000, 8); /* base timestamp */
    put_int(b, 2000, 8); /* max timestamp */
    put_int(b, UINT64_MAX, 8);
    put_int(b, UINT64_MAX, 2);
    put_int(b, UINT64_MAX, 4);
    put_int(b, (uint32_t)s->count, 4);
    put(b, payload, len);
    fix_crc(b->data + start, b->len - start);
}

struct message_spec {
    int64_t offset;
    unsigned magic;
    unsigned attributes;
    int64_t timestamp;
    const void *key; /* NULL: null */
    size_t key_len;
    const void *value;
    size_t value_len;
};

static inline void put_message(struct bytes *b, const struct message_spec *m)
{
    size_t start = b->len;

    put_int(b, (uint64_t)m->offset, 8);
    put_int(b, 0, 4);
    put_int(b, 0, 4);
    put_int(b, m->magic, 1);
    put_int(b, m->attributes, 1);
    if (m->magic)
        put_int(b, (uint64_t)m->timestamp, 8);
    put_int(b, m->key ? m->key_len : UINT32_MAX, 4);
    put(b, m->key, m->key ? m->key_len : 0);
    put_int(b, m->value ? m->value_len : UINT32_MAX, 4);
    put(b, m->value, m->value ? m->value_len : 0);
    set_int(b->data + start + 8, b->len - start - 12, 4);
    fix_crc(b->data + start, b->len - start);
}

#endif
