/* SPDX-License-Identifier: Apache-2.0 */
/* What a record costs: batches of equal records, read as the parser reads them, beside the floor
 * (CRC-32C and one XXH3 over the same bytes, no parsing). ns per record, best and median of ROUNDS,
 * all in one run. Usage: bench_batch */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <zlib.h>

#include "hw/crc32c.h"
#include "hw/hash.h"
#include "parser/batch.h"

#define ROUNDS 21
#define BATCH_SZ (256u << 10)

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return 1e9 * (double)t.tv_sec + (double)t.tv_nsec;
}

static uint8_t *put_varint(uint8_t *p, int32_t v)
{
    uint32_t u = (uint32_t)v << 1 ^ (uint32_t)(v >> 31);

    for (; u > 127; u >>= 7)
        *p++ = (uint8_t)(u | 128);
    *p++ = (uint8_t)u;
    return p;
}

static void put_be(uint8_t *p, uint64_t v, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        p[i] = (uint8_t)(v >> 8 * (len - 1 - i));
}

static uint8_t *put_bytes(uint8_t *p, int32_t len, uint8_t fill)
{
    p = put_varint(p, len);
    memset(p, fill, (size_t)len);
    return p + len;
}

/* A batch of cnt records with a key of 16 bytes and header_cnt headers of 8 + 16 bytes. */
static size_t make_batch(uint8_t *out, int32_t cnt, int32_t value_len, int32_t header_cnt)
{
    static uint8_t body[70000];
    uint8_t *p = out + PT_BATCH_HEADER_SZ;

    memset(out, 0, PT_BATCH_HEADER_SZ);
    for (int32_t i = 0; i < cnt; i++) {
        uint8_t *b = body;

        *b++ = 0;
        b = put_varint(b, i * 3);
        b = put_varint(b, i);
        b = put_bytes(b, 16, (uint8_t)i);
        b = put_bytes(b, value_len, (uint8_t)(i + 1));
        b = put_varint(b, header_cnt);
        for (int32_t h = 0; h < header_cnt; h++) {
            b = put_bytes(b, 8, (uint8_t)h);
            b = put_bytes(b, 16, 7);
        }
        p = put_varint(p, (int32_t)(b - body));
        memcpy(p, body, (size_t)(b - body));
        p += b - body;
    }
    put_be(out + 8, (uint64_t)(p - out - 12), 4);
    out[16] = 2;
    put_be(out + 23, (uint64_t)cnt - 1, 4);
    put_be(out + 57, (uint64_t)cnt, 4);
    put_be(out + 17, pt_crc32c(0, out + 21, (size_t)(p - out - 21)), 4);
    return (size_t)(p - out);
}

static int by_double(const void *a, const void *b)
{
    const double *x = a;
    const double *y = b;

    return (*x > *y) - (*x < *y);
}

int main(void)
{
    static const struct {
        int32_t value_len;
        int32_t header_cnt;
    } rows[] = { { 10, 0 }, { 100, 0 }, { 100, 4 }, { 1000, 0 }, { 1000, 4 }, { 10000, 0 } };
    const struct pt_batch_cfg cfg = { .hash_key = 1,
                                      .inflated_max = 1u << 20,
                                      .record_max = 100000 };
    uint8_t *entry = malloc(2 * BATCH_SZ);
    struct pt_batch_reader *r;
    struct pt_mem mem;
    uint64_t sum = 0;

    pt_mem_init(&mem, 64u << 20);
    if (!entry || pt_batch_reader_open(&mem, &cfg, &r))
        return 1;
    printf("value headers | record ns best median | floor ns best median | beyond ns | GB/s\n");
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int32_t cnt =
                (int32_t)(BATCH_SZ / (uint32_t)(rows[i].value_len + 26 + rows[i].header_cnt * 26));
        size_t len = make_batch(entry, cnt, rows[i].value_len, rows[i].header_cnt);
        size_t record_sz = len / (size_t)cnt;
        double ours[ROUNDS];
        double floor_ns[ROUNDS];

        for (unsigned k = 0; k < ROUNDS; k++) {
            const struct pt_record *rec;
            struct pt_batch b;
            double t = now();

            for (unsigned n = 0; n < 8; n++) {
                if (pt_batch_check(r, entry, len, &b) != PT_OK ||
                    pt_batch_records(r, entry, len, 0, &b, &rec) != PT_OK)
                    return 1;
                sum += rec[cnt - 1].content;
            }
            ours[k] = (now() - t) / 8 / cnt;
            t = now();
            for (unsigned n = 0; n < 8; n++) {
                sum += pt_crc32c(0, entry + 21, len - 21);
                for (int32_t m = 0; m < cnt; m++)
                    sum += pt_hash64(1, entry + (size_t)m * record_sz, record_sz);
            }
            floor_ns[k] = (now() - t) / 8 / cnt;
        }
        qsort(ours, ROUNDS, sizeof(ours[0]), by_double);
        qsort(floor_ns, ROUNDS, sizeof(floor_ns[0]), by_double);
        printf("%5d %7d | %8.1f %8.1f     | %8.1f %8.1f    | %8.1f  | %.2f\n", rows[i].value_len,
               rows[i].header_cnt, ours[0], ours[ROUNDS / 2], floor_ns[0], floor_ns[ROUNDS / 2],
               ours[0] - floor_ns[0], (double)record_sz / ours[0]);
    }
    pt_batch_reader_close(r);
    free(entry);
    return sum == 42;
}
