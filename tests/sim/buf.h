/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_BUF_H
#define PT_TESTS_SIM_BUF_H
/*
 * Bytes that grow at their end, and Kafka's primitive types written there. For programs that make
 * traffic: without memory they end. Where a message has a flexible form (KIP-482), `flex` says
 * which form is written.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buf {
    uint8_t *data;
    size_t len;
    size_t cap;
};

void buf_fini(struct buf *b);

/* buf_need makes room for len more bytes. */
void buf_need(struct buf *b, size_t len);
void buf_put(struct buf *b, const void *data, size_t len);

/* buf_be writes the low len (1..8) bytes of v, the highest first. */
void buf_be(struct buf *b, uint64_t v, unsigned len);
/* buf_be_at is the same over bytes that are there. */
void buf_be_at(uint8_t *at, uint64_t v, unsigned len);

void buf_uvarint(struct buf *b, uint64_t v);
void buf_varint(struct buf *b, int64_t v); /* zigzag */
unsigned buf_varint_len(int64_t v);

void buf_string(struct buf *b, bool flex, const char *s); /* NULL: null */
void buf_array(struct buf *b, bool flex, size_t cnt);
void buf_bytes(struct buf *b, bool flex, const void *data, size_t len);
void buf_tags(struct buf *b, bool flex); /* none */

#endif
