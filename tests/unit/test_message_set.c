/* SPDX-License-Identifier: Apache-2.0 */
/* Messages of magic 0 and 1: what Kafka's own library writes is in test_batch's golden files; here,
 * byte by byte, how offsets and timestamps of a compressed set come about, and what a sender may
 * get wrong in it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <libdeflate.h>

#include "parser/batch.h"
#include "tests/unit/batch_build.h"

struct fixture {
    struct pt_mem mem;
    struct pt_batch_reader *reader;
};

static void open_reader(struct fixture *f)
{
    const struct pt_batch_cfg cfg = { .hash_key = 1, .inflated_max = 1u << 20, .record_max = 100 };

    pt_mem_init(&f->mem, 16u << 20);
    assert_int_equal(pt_batch_reader_open(&f->mem, &cfg, &f->reader), 0);
}

static void close_reader(struct fixture *f)
{
    pt_batch_reader_close(f->reader);
    assert_int_equal(f->mem.used_sz, 0);
}

/* A gzip wrapper around an inner set. */
static void put_wrapper(struct bytes *b, int64_t offset, unsigned magic, unsigned attributes,
                        int64_t timestamp, const struct bytes *inner)
{
    static uint8_t packed[1 << 15];
    struct libdeflate_compressor *c = libdeflate_alloc_compressor(6);
    struct message_spec m = { .offset = offset,
                              .magic = magic,
                              .attributes = attributes,
                              .timestamp = timestamp,
                              .value = packed };

    m.value_len = libdeflate_gzip_compress(c, inner->data, inner->len, packed, sizeof(packed));
    libdeflate_free_compressor(c);
    assert_int_not_equal(m.value_len, 0);
    put_message(b, &m);
}

static enum pt_status read_set(struct fixture *f, const struct bytes *text, int produce,
                               struct pt_batch *b, const struct pt_record **ret_rec)
{
    enum pt_status st = pt_batch_check(f->reader, text->data, text->len, b);

    return st != PT_OK ? st
                       : pt_batch_records(f->reader, text->data, text->len, produce, b, ret_rec);
}

static void test_offsets(void **state)
{
    static const struct {
        unsigned magic;
        int produce;
        int64_t wrapper;
        int64_t inner[3];
        enum pt_status st;
        int64_t base;
        int64_t last;
        int32_t delta1;
        const char *why;
    } rows[] = {
        { 0, 0, 12, { 10, 11, 12 }, PT_OK, 10, 12, 1, "magic 0: inner offsets are absolute" },
        { 0, 0, 17, { 10, 13, 17 }, PT_OK, 10, 17, 3, "magic 0 compacted" },
        { 0,
          0,
          20,
          { 10, 11, 12 },
          PT_OK,
          10,
          12,
          1,
          "magic 0: the wrapper's offset says nothing" },
        { 0, 1, 0, { 0, 1, 2 }, PT_OK, 0, 2, 1, "magic 0 produced" },
        { 0, 1, 0, { 0, 0, 0 }, PT_OK, 0, 2, 1, "magic 0 produced without offsets" },
        { 1, 0, 12, { 0, 1, 2 }, PT_OK, 10, 12, 1, "magic 1: relative to the wrapper's last" },
        { 1, 0, 12, { 0, 1, 5 }, PT_OK, 7, 12, 1, "magic 1 compacted inside" },
        { 1, 0, 12, { 3, 5, 6 }, PT_OK, 9, 12, 2, "magic 1 compacted at the start" },
        { 1, 0, 2, { 0, 1, 2 }, PT_OK, 0, 2, 1, "magic 1 at the log's start" },
        { 1, 0, 0, { 0, 1, 2 }, PT_OK, 0, 2, 1, "magic 1, wrapper offset 0 of old librdkafka" },
        { 1, 1, 0, { 0, 1, 2 }, PT_OK, 0, 2, 1, "the same, produced" },
        { 1, 1, 2, { 0, 1, 2 }, PT_OK, 0, 2, 1, "magic 1 produced" },
        { 1, 1, 0, { 7, 7, 7 }, PT_OK, 0, 2, 1, "magic 1 produced, offsets that are none" },
        { 1, 0, 1, { 0, 1, 2 }, PT_BAD_RECORD, 0, 0, 0, "wrapper in front of its messages" },
        { 1, 0, 12, { 0, 1, 1 }, PT_BAD_RECORD, 0, 0, 0, "offset twice" },
        { 0, 0, 12, { 10, 12, 11 }, PT_BAD_RECORD, 0, 0, 0, "falling offsets" },
        { 0, 0, 12, { -1, 0, 1 }, PT_BAD_RECORD, 0, 0, 0, "negative offset" },
        { 0, 0, 12, { 0, 1, INT64_C(1) << 40 }, PT_BAD_RECORD, 0, 0, 0, "delta past 31 bits" },
    };
    struct fixture f;

    (void)state;
    open_reader(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct pt_record *rec = NULL;
        struct bytes inner = { .len = 0 };
        struct bytes text = { .len = 0 };
        struct pt_batch b;
        enum pt_status st;

        for (unsigned k = 0; k < 3; k++)
            put_message(&inner, &(struct message_spec){ .offset = rows[i].inner[k],
                                                        .magic = rows[i].magic,
                                                        .timestamp = k,
                                                        .key = "k",
                                                        .key_len = 1 });
        put_wrapper(&text, rows[i].wrapper, rows[i].magic, 1, 99, &inner);
        st = read_set(&f, &text, rows[i].produce, &b, &rec);
        if (st != rows[i].st)
            fail_msg("%s: %s", rows[i].why, pt_status_name(st));
        if (st != PT_OK)
            continue;
        if (b.base_offset != rows[i].base || b.last_offset != rows[i].last || b.record_cnt != 3 ||
            rec[0].offset_delta != 0 || rec[1].offset_delta != rows[i].delta1 ||
            rec[2].offset_delta != rows[i].last - rows[i].base)
            fail_msg("%s: other offsets", rows[i].why);
        assert_int_equal(rec[1].timestamp_ms, rows[i].magic ? 1 : -1);
    }
    close_reader(&f);
}

/* The broker stamps the wrapper only; its time counts for all messages in it. */
static void test_log_append(void **state)
{
    const struct pt_record *rec = NULL;
    struct bytes inner = { .len = 0 };
    struct bytes text = { .len = 0 };
    struct fixture f;
    struct pt_batch b;

    (void)state;
    open_reader(&f);
    put_message(&inner, &(struct message_spec){ .magic = 1, .timestamp = 5 });
    put_message(&inner, &(struct message_spec){ .magic = 1, .timestamp = 6, .offset = 1 });
    put_wrapper(&text, 1, 1, 1 | 8, 777, &inner);
    assert_int_equal(read_set(&f, &text, 0, &b, &rec), PT_OK);
    assert_int_equal(b.flags, PT_BATCH_LOG_APPEND);
    assert_int_equal(rec[0].timestamp_ms, 777);
    assert_int_equal(rec[1].timestamp_ms, 777);
    close_reader(&f);
}

/* One change to the bytes of an inner set or a wrapper, whose checksum is right again if fix. */
static void test_malformed(void **state)
{
    static const struct {
        unsigned off;
        unsigned len;
        uint64_t value;
        bool fix;
        enum pt_status inner;
        enum pt_status alone; /* the same bytes as an entry of their own */
        const char *why;
    } rows[] = {
        { 0, 1, 0, true, PT_OK, PT_OK, "unchanged" },
        { 12, 1, 0xaa, false, PT_BAD_CRC, PT_BAD_CRC, "checksum" },
        { 16, 1, 0, true, PT_BAD_RECORD, PT_BAD_LENGTH, "other magic" },
        { 16, 1, 2, true, PT_BAD_RECORD, PT_BAD_LENGTH, "magic 2" },
        { 16, 1, 3, true, PT_BAD_RECORD, PT_BAD_MAGIC, "magic 3" },
        { 17, 1, 1, true, PT_BAD_RECORD, PT_BAD_RECORD, "compressed, but null" },
        { 17, 1, 4, true, PT_BAD_RECORD, PT_BAD_CODEC, "zstd came with magic 2" },
        { 8, 4, 27, true, PT_BAD_RECORD, PT_BAD_LENGTH, "size past the end" },
        { 8, 4, 25, true, PT_BAD_RECORD, PT_BAD_LENGTH, "size too small" },
        { 8, 4, UINT32_MAX, true, PT_BAD_RECORD, PT_BAD_LENGTH, "size -1" },
        { 26, 4, 5, true, PT_BAD_RECORD, PT_BAD_LENGTH, "key past the end" },
        { 26, 4, 1, true, PT_BAD_RECORD, PT_BAD_LENGTH, "key too short" },
        { 26, 4, UINT32_MAX, true, PT_BAD_RECORD, PT_BAD_LENGTH, "key null, its bytes left" },
        { 26, 4, UINT32_MAX - 1, true, PT_BAD_RECORD, PT_BAD_LENGTH, "key length -2" },
        { 32, 4, 1, true, PT_BAD_RECORD, PT_BAD_LENGTH, "value past the end" },
        { 32, 4, UINT32_MAX - 1, true, PT_BAD_RECORD, PT_BAD_LENGTH, "value length -2" },
        { 32, 4, INT32_MAX, true, PT_BAD_RECORD, PT_BAD_LENGTH, "value of 2 GiB" },
    };
    struct fixture f;

    (void)state;
    open_reader(&f);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct pt_record *rec = NULL;
        struct bytes inner = { .len = 0 };
        struct bytes text = { .len = 0 };
        struct pt_batch b;
        enum pt_status st;

        put_message(&inner, &(struct message_spec){ .magic = 1, .key = "ab", .key_len = 2 });
        set_int(inner.data + rows[i].off, rows[i].value, rows[i].len);
        if (rows[i].fix)
            set_int(inner.data + 12, crc32(0, inner.data + 16, (uInt)inner.len - 16), 4);
        put_wrapper(&text, 0, 1, 1, 0, &inner);
        st = read_set(&f, &text, 0, &b, &rec);
        if (st != rows[i].inner)
            fail_msg("%s: inner: %s", rows[i].why, pt_status_name(st));
        st = read_set(&f, &inner, 0, &b, &rec);
        if (st != rows[i].alone)
            fail_msg("%s: alone: %s", rows[i].why, pt_status_name(st));
    }
    close_reader(&f);
}

static void test_wrappers(void **state)
{
    const struct pt_record *rec = NULL;
    struct bytes none = { .len = 0 };
    struct bytes inner = { .len = 0 };
    struct bytes text = { .len = 0 };
    struct fixture f;
    struct pt_batch b;

    (void)state;
    open_reader(&f);
    put_wrapper(&text, 0, 1, 1, 0, &none);
    assert_int_equal(read_set(&f, &text, 0, &b, &rec), PT_BAD_RECORD); /* nothing inside */

    text.len = 0;
    put_message(&text, &(struct message_spec){ .magic = 1, .attributes = 1 });
    assert_int_equal(read_set(&f, &text, 0, &b, &rec), PT_BAD_RECORD); /* null inside */

    put_message(&inner, &(struct message_spec){ .magic = 1, .timestamp = 4 });
    text.len = 0;
    put_wrapper(&text, 0, 0, 1, 0, &inner);
    assert_int_equal(read_set(&f, &text, 0, &b, &rec),
                     PT_OK); /* magic 1 in 0, as kafka-node does */
    assert_int_equal(rec[0].timestamp_ms, 4);

    inner.len += 11;
    text.len = 0;
    put_wrapper(&text, 0, 1, 1, 0, &inner);
    assert_int_equal(read_set(&f, &text, 0, &b, &rec), PT_BAD_RECORD); /* cut message behind */

    inner.len = 0;
    for (unsigned i = 0; i < 101; i++)
        put_message(&inner, &(struct message_spec){ .offset = i });
    text.len = 0;
    put_wrapper(&text, 100, 0, 1, 0, &inner);
    assert_int_equal(read_set(&f, &text, 0, &b, &rec), PT_OVERSIZE); /* more than record_max */
    close_reader(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_offsets),
        cmocka_unit_test(test_log_append),
        cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_wrappers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
