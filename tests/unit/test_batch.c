/* SPDX-License-Identifier: Apache-2.0 */
/* Record batches that Kafka's own library wrote are read as Kafka's own reader reads them: each
 * field, offset and timestamp, and two records have the same identity exactly if the SHA-256 of
 * their content says so, over all formats and codecs (data/batch, see scripts/gen-batch-vectors).
 * Then, byte by byte: what a sender may get wrong in a batch of magic 2, and the bounds. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <setjmp.h>
#include <string.h>
#include <cmocka.h>
#include <zstd.h>

#include "parser/batch.h"
#include "parser/identity.h"
#include "tests/unit/batch_build.h"

#define KEY 0x1234567890abcdefu

struct fixture {
    struct pt_mem mem;
    struct pt_batch_reader *reader;
};

static void open_reader(struct fixture *f, uint64_t mem_max, uint32_t inflated_max)
{
    const struct pt_batch_cfg cfg = { .hash_key = KEY,
                                      .inflated_max = inflated_max,
                                      .record_max = 10000 };

    pt_mem_init(&f->mem, mem_max);
    assert_int_equal(pt_batch_reader_open(&f->mem, &cfg, &f->reader), 0);
}

static void close_reader(struct fixture *f)
{
    pt_batch_reader_close(f->reader);
    assert_int_equal(f->mem.used_sz, 0);
}

/* --- golden ------------------------------------------------------------------------------------
 */

struct golden {
    char content[20];
    char part[3][20]; /* key, value, headers */
    struct pt_record rec;
};

static struct golden golden[4096];
static size_t golden_cnt;

static uint8_t *read_file(const char *name, size_t *ret_len)
{
    char path[4096];
    uint8_t *data;
    long len;
    FILE *f;

    snprintf(path, sizeof(path), "%s/batch/%s", getenv("PT_UNIT_DATA"), name);
    f = fopen(path, "rb");
    if (!f)
        fail_msg("cannot open %s", path);
    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);
    data = malloc((size_t)len);
    assert_int_equal(fread(data, 1, (size_t)len, f), len);
    fclose(f);
    *ret_len = (size_t)len;
    return data;
}

static unsigned flags_of(const char *letters)
{
    unsigned flags = 0;

    for (; *letters && *letters != '-'; letters++)
        flags |= *letters == 't'   ? PT_BATCH_TRANSACTIONAL
                 : *letters == 'c' ? PT_BATCH_CONTROL
                 : *letters == 'l' ? PT_BATCH_LOG_APPEND
                 : *letters == 'C' ? PT_BATCH_COMMIT
                                   : PT_BATCH_ABORT;
    return flags;
}

/* A batch line against what is read of the entry; returns the entry's records. */
static const struct pt_record *golden_batch(struct fixture *f, const char *line,
                                            const uint8_t *entry, struct pt_batch *b)
{
    const struct pt_record *rec = NULL;
    unsigned size, magic, cnt;
    char codec[16], flags[16];
    long long base, last, max_ts, pid;
    int epoch, seq, leader;

    assert_int_equal(sscanf(line, "batch %u %u %15s %15s %lld %lld %lld %lld %d %d %d %u", &size,
                            &magic, codec, flags, &base, &last, &max_ts, &pid, &epoch, &seq,
                            &leader, &cnt),
                     12);
    assert_int_equal(pt_batch_check(f->reader, entry, size, b), PT_OK);
    assert_int_equal(pt_batch_records(f->reader, entry, size, 0, b, &rec), PT_OK);
    assert_int_equal(b->batch_sz, size);
    assert_int_equal(b->magic, magic);
    assert_string_equal(pt_codec_name(b->codec), codec);
    assert_int_equal(b->flags, flags_of(flags));
    assert_int_equal(b->base_offset, base);
    assert_int_equal(b->last_offset, last);
    assert_int_equal(b->max_timestamp_ms, max_ts);
    assert_int_equal(b->producer_id, pid);
    assert_int_equal(b->producer_epoch, epoch);
    assert_int_equal(b->base_sequence, seq);
    assert_int_equal(b->leader_epoch, leader);
    assert_int_equal(b->record_cnt, cnt);
    return rec;
}

static void golden_record(struct fixture *f, const char *line, const struct pt_batch *b,
                          const struct pt_record *rec, uint32_t idx)
{
    struct golden *g = &golden[golden_cnt++];
    struct pt_record again;
    struct pt_view key, value;
    long long offset, ts;

    assert_true(golden_cnt <= sizeof(golden) / sizeof(golden[0]));
    assert_int_equal(sscanf(line, "record %lld %lld %19s %19s %19s %19s", &offset, &ts, g->content,
                            g->part[0], g->part[1], g->part[2]),
                     6);
    g->rec = *rec;
    assert_int_equal(b->base_offset + rec->offset_delta, offset);
    assert_int_equal(rec->timestamp_ms, ts);

    assert_int_equal(pt_batch_value(f->reader, idx, &key, &value), PT_OK);
    pt_identity_record(KEY, key, value, 0, &again);
    assert_int_equal(again.key, rec->key);
    assert_int_equal(again.value, rec->value);
}

/* Same text, same digest; other text, other digest; '-' is 0. */
static void assert_classes(void)
{
    for (size_t i = 0; i < golden_cnt; i++) {
        const struct golden *a = &golden[i];
        const uint32_t digest[3] = { a->rec.key, a->rec.value, a->rec.headers };

        for (unsigned p = 0; p < 3; p++)
            assert_int_equal(!strcmp(a->part[p], "-"), digest[p] == 0);
        for (size_t k = 0; k < i; k++) {
            const struct golden *b = &golden[k];

            assert_int_equal(!strcmp(a->content, b->content), a->rec.content == b->rec.content);
            assert_int_equal(!strcmp(a->part[0], b->part[0]), a->rec.key == b->rec.key);
            assert_int_equal(!strcmp(a->part[1], b->part[1]), a->rec.value == b->rec.value);
            assert_int_equal(!strcmp(a->part[2], b->part[2]), a->rec.headers == b->rec.headers);
        }
    }
}

static void test_golden(void **state)
{
    struct fixture f;
    const struct pt_record *rec = NULL;
    size_t list_len, len = 0, at = 0;
    uint8_t *data = NULL;
    struct pt_batch b = { 0 };
    uint32_t idx = 0;
    char *list, *end;

    (void)state;
    open_reader(&f, 64u << 20, 4u << 20);
    list = (char *)read_file("vectors.txt", &list_len);
    for (char *line = list; line < list + list_len; line = end + 1) {
        end = memchr(line, '\n', (size_t)(list + list_len - line));
        *end = 0;
        if (!strncmp(line, "file ", 5)) {
            char name[64];

            assert_int_equal(at, len);
            free(data);
            snprintf(name, sizeof(name), "%s.bin", line + 5);
            data = read_file(name, &len);
            at = 0;
        } else if (!strncmp(line, "batch ", 6)) {
            assert_int_equal(idx, b.record_cnt);
            rec = golden_batch(&f, line, data + at, &b);
            at += b.batch_sz;
            idx = 0;
        } else {
            golden_record(&f, line, &b, &rec[idx], idx);
            idx++;
        }
    }
    assert_int_equal(at, len);
    assert_true(golden_cnt > 500);
    assert_classes();
    free(data);
    free(list);
    close_reader(&f);
}

/* --- batches that are wrong --------------------------------------------------------------------
 */

#define NULL_RECORD "\x0c\0\0\0\1\1\0"   /* length 6, all deltas 0, null key, null value */
#define SECOND_RECORD "\x0c\0\0\2\1\1\0" /* the same with offset delta 1 */

static void test_malformed(void **state)
{
    static const struct {
        const char *payload;
        size_t len;
        struct batch_spec spec;
        enum pt_status check;
        enum pt_status records;
        const char *why;
    } rows[] = {
#define ROW(bytes, base, last, cnt, attr, check, records, why)                                     \
    { bytes, sizeof(bytes) - 1, { base, last, cnt, attr }, PT_##check, PT_##records, why }
        ROW(NULL_RECORD, 0, 0, 1, 0, OK, OK, "smallest record"),
        ROW(NULL_RECORD SECOND_RECORD, 0, 1, 2, 0, OK, OK, "two records"),
        ROW(NULL_RECORD SECOND_RECORD, 7, 9, 2, 0, OK, OK, "compacted: last offset has no record"),
        ROW("", 0, 5, 0, 0, OK, OK, "compacted to nothing"),
        ROW("", 0, 5, 0, 1, OK, OK, "compacted to nothing, codec left"),
        ROW("\x8c\0\0\0\0\1\1\0", 0, 0, 1, 0, OK, OK, "length is a longer varint than needed"),
        ROW(NULL_RECORD "\0", 0, 0, 1, 0, OK, BAD_RECORD, "byte behind the last record"),
        ROW(NULL_RECORD, 0, 1, 2, 0, OK, BAD_RECORD, "count larger than the records"),
        ROW(NULL_RECORD SECOND_RECORD, 0, 1, 1, 0, OK, BAD_RECORD, "count smaller"),
        ROW(NULL_RECORD, 0, 5, 0, 0, OK, BAD_RECORD, "records in an empty batch"),
        ROW("\x0a\0\0\0\1\1\0", 0, 0, 1, 0, OK, BAD_RECORD, "record longer than its length"),
        ROW("\x0e\0\0\0\1\1\0\0", 0, 0, 1, 0, OK, BAD_RECORD, "record shorter than its length"),
        ROW("\x0e\0\0\0\1\1\0", 0, 0, 1, 0, OK, BAD_RECORD, "length past the batch"),
        ROW("\x01\0\0\0\1\1\0", 0, 0, 1, 0, OK, BAD_RECORD, "length -1"),
        ROW("\xff\xff\xff\xff\x0f\0\0\0", 0, 0, 1, 0, OK, BAD_RECORD, "length -2^31"),
        ROW("\x80\x80\x80\x80\x80\0\0\0\0\1\1\0", 0, 0, 1, 0, OK, BAD_RECORD, "varint of 6 bytes"),
        ROW("\x20\0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\0\0\1\1\0", 0, 0, 1, 0, OK, BAD_RECORD,
            "varlong of 11 bytes"),
        ROW("\x0c\0\0\0\3\1\0", 0, 0, 1, 0, OK, BAD_RECORD, "key length -2"),
        ROW("\x0c\0\0\0\1\3\0", 0, 0, 1, 0, OK, BAD_RECORD, "value length -2"),
        ROW("\x0c\0\0\0\x10\1\0", 0, 0, 1, 0, OK, BAD_RECORD, "key past the record"),
        ROW("\x0c\0\0\0\1\x10\0" SECOND_RECORD, 0, 1, 2, 0, OK, BAD_RECORD,
            "value reaches into the next record"),
        ROW("\x0c\0\0\0\1\1\1", 0, 0, 1, 0, OK, BAD_RECORD, "header count -1"),
        ROW("\x0c\0\0\0\1\1\2", 0, 0, 1, 0, OK, BAD_RECORD, "one header, no bytes"),
        ROW("\x10\0\0\0\1\1\2\0\1", 0, 0, 1, 0, OK, OK, "header with empty name, null value"),
        ROW("\x10\0\0\0\1\1\2\1\1", 0, 0, 1, 0, OK, BAD_RECORD, "header with null name"),
        ROW("\x10\0\0\0\1\1\2\0\3", 0, 0, 1, 0, OK, BAD_RECORD, "header value length -2"),
        ROW("\x10\0\0\0\1\1\4\0\1", 0, 0, 1, 0, OK, BAD_RECORD, "two headers, bytes for one"),
        ROW("\x14\0\0\0\1\1\xfe\xff\xff\xff\x0f", 0, 0, 1, 0, OK, BAD_RECORD, "2^31-1 headers"),
        ROW(NULL_RECORD NULL_RECORD, 0, 1, 2, 0, OK, BAD_RECORD, "same offset twice"),
        ROW(SECOND_RECORD NULL_RECORD, 0, 1, 2, 0, OK, BAD_RECORD, "falling offsets"),
        ROW("\x0c\0\0\1\1\1\0", 0, 0, 1, 0, OK, BAD_RECORD, "offset delta -1"),
        ROW(SECOND_RECORD, 0, 0, 1, 0, OK, BAD_RECORD, "offset past the batch's last"),
        ROW(NULL_RECORD, 0, 0, -1, 0, BAD_VALUE, OK, "count -1"),
        ROW(NULL_RECORD SECOND_RECORD, 0, 0, 2, 0, BAD_VALUE, OK, "more records than offsets"),
        ROW(NULL_RECORD, 0, -1, 1, 0, BAD_VALUE, OK, "last offset in front of the first"),
        ROW(NULL_RECORD, -1, 0, 1, 0, BAD_VALUE, OK, "negative offset"),
        ROW(NULL_RECORD, INT64_MAX, 1, 1, 0, BAD_VALUE, OK, "last offset past 2^63"),
        ROW(NULL_RECORD, 0, INT32_MAX, INT32_MAX, 0, OK, OVERSIZE, "2^31-1 records"),
        ROW(NULL_RECORD, 0, 900, 900, 0, OK, BAD_RECORD, "more records than bytes"),
        ROW(NULL_RECORD, 0, 0, 1, 1, OK, BAD_CODEC, "not gzip"),
        ROW(NULL_RECORD, 0, 0, 1, 2, OK, BAD_CODEC, "not snappy"),
        ROW(NULL_RECORD, 0, 0, 1, 3, OK, BAD_CODEC, "not lz4"),
        ROW(NULL_RECORD, 0, 0, 1, 4, OK, BAD_CODEC, "not zstd"),
        ROW(NULL_RECORD, 0, 0, 1, 5, OK, BAD_CODEC, "codec of no name"),
        ROW(NULL_RECORD, 0, 0, 1, 7, OK, BAD_CODEC, "codec of no name"),
        ROW("", 0, 0, 1, 4, OK, BAD_RECORD, "codec and no bytes"),
        ROW(NULL_RECORD, 0, 0, 1, 0x30, OK, BAD_RECORD, "control record without a key"),
        ROW("\x12\0\0\0\6\0\0\0\1\0", 0, 0, 1, 0x30, OK, BAD_RECORD, "control key of 3 bytes"),
        ROW("\x14\0\0\0\x08\0\0\0\1\1\0", 0, 0, 1, 0x30, OK, OK, "control record, COMMIT"),
        ROW("\x14\0\0\0\x08\0\0\0\x63\1\0", 0, 0, 1, 0x30, OK, OK, "control record, type 99"),
#undef ROW
    };
    struct fixture f;

    (void)state;
    open_reader(&f, 64u << 20, 4u << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct pt_record *rec = NULL;
        struct bytes text = { .len = 0 };
        enum pt_status st;
        struct pt_batch b;
        uint8_t *exact;

        put_batch(&text, &rows[i].spec, rows[i].payload, rows[i].len);
        exact = malloc(text.len); /* so that the sanitizer sees the end */
        memcpy(exact, text.data, text.len);
        st = pt_batch_check(f.reader, exact, text.len, &b);
        if (st != rows[i].check)
            fail_msg("%s: check says %s", rows[i].why, pt_status_name(st));
        if (st == PT_OK) {
            st = pt_batch_records(f.reader, exact, text.len, 0, &b, &rec);
            if (st != rows[i].records)
                fail_msg("%s: records say %s", rows[i].why, pt_status_name(st));
            if (st != PT_OK && pt_batch_value(f.reader, 0, &(struct pt_view){ 0 },
                                              &(struct pt_view){ 0 }) == PT_OK)
                fail_msg("%s: values of a batch that failed", rows[i].why);
        }
        free(exact);
    }
    close_reader(&f);
}

static void test_frame(void **state)
{
    static const struct {
        unsigned off;
        uint8_t value;
        int len_change;
        enum pt_status st;
        const char *why;
    } rows[] = {
        { 0, 0, 0, PT_OK, "unchanged" },
        { 0, 0, -1, PT_BAD_LENGTH, "cut by a byte" },
        { 0, 0, 1, PT_BAD_LENGTH, "a byte too many" },
        { 8, 0xff, 0, PT_BAD_LENGTH, "negative length" },
        { 11, 55, 0, PT_BAD_LENGTH, "length too small" },
        { 16, 3, 0, PT_BAD_MAGIC, "magic 3" },
        { 16, 0xff, 0, PT_BAD_MAGIC, "magic -1" },
        { 15, 9, 0, PT_OK, "leader epoch is not covered" },
        { 17, 1, 0, PT_BAD_CRC, "checksum itself" },
        { 21, 0x80, 0, PT_BAD_CRC, "attributes" },
        { 60, 2, 0, PT_BAD_CRC, "record count" },
        { 67, 7, 0, PT_BAD_CRC, "last byte" },
    };
    const struct batch_spec spec = { .base_offset = 3, .last_offset_delta = 0, .count = 1 };
    struct fixture f;
    struct bytes tiny = { .len = 0 };
    struct pt_batch b;
    int64_t offset;

    (void)state;
    open_reader(&f, 64u << 20, 4u << 20);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct bytes text = { .len = 0 };
        enum pt_status st;

        put_batch(&text, &spec, NULL_RECORD, 7);
        if (rows[i].off)
            text.data[rows[i].off] = rows[i].value;
        st = pt_batch_check(f.reader, text.data, (size_t)((int)text.len + rows[i].len_change), &b);
        if (st != rows[i].st)
            fail_msg("%s: %s", rows[i].why, pt_status_name(st));
    }
    for (size_t len = 0; len <= PT_ENTRY_MAGIC_OFF; len++)
        assert_int_equal(pt_batch_check(f.reader, tiny.data, len, &b), PT_BAD_LENGTH);
    /* A batch whose length field is right, but which ends in its header. */
    put_batch(&tiny, &spec, "", 0);
    for (size_t len = 26; len < 61; len++) {
        set_int(tiny.data + 8, len - 12, 4);
        assert_int_equal(pt_batch_check(f.reader, tiny.data, len, &b), PT_BAD_LENGTH);
    }
    set_int(tiny.data + 8, 13, 4);
    assert_int_equal(pt_entry_size(tiny.data, &offset), 0);
    set_int(tiny.data + 8, 14, 4);
    assert_int_equal(pt_entry_size(tiny.data, &offset), 26);
    assert_int_equal(offset, 3);
    close_reader(&f);
}

static struct pt_batch checked(struct fixture *f, const struct bytes *text)
{
    struct pt_batch b;

    assert_int_equal(pt_batch_check(f->reader, text->data, text->len, &b), PT_OK);
    return b;
}

static void test_fingerprint(void **state)
{
    struct batch_spec spec = { .base_offset = 0, .last_offset_delta = 1, .count = 2 };
    struct fixture f;
    struct bytes text = { .len = 0 };
    struct bytes other = { .len = 0 };
    uint64_t fingerprint;

    (void)state;
    open_reader(&f, 64u << 20, 4u << 20);
    put_batch(&text, &spec, NULL_RECORD SECOND_RECORD, 14);
    fingerprint = checked(&f, &text).fingerprint;
    set_int(text.data, 123456, 8);
    set_int(text.data + 12, 77, 4);
    assert_int_equal(checked(&f, &text).fingerprint, fingerprint);
    spec.attributes = 8;
    put_batch(&other, &spec, NULL_RECORD SECOND_RECORD, 14);
    assert_int_not_equal(checked(&f, &other).fingerprint, fingerprint);
    close_reader(&f);
}

static void test_produce(void **state)
{
    const struct batch_spec spec = { .base_offset = 40, .last_offset_delta = 1, .count = 2 };
    struct fixture f;
    const struct pt_record *rec = NULL;
    struct bytes text = { .len = 0 };
    struct pt_batch b;

    (void)state;
    open_reader(&f, 64u << 20, 4u << 20);
    put_batch(&text, &spec, NULL_RECORD NULL_RECORD, 14);
    b = checked(&f, &text);
    assert_int_equal(b.base_offset, 40);
    assert_int_equal(pt_batch_records(f.reader, text.data, text.len, 1, &b, &rec), PT_OK);
    assert_int_equal(b.base_offset, 0);
    assert_int_equal(b.last_offset, 1);
    assert_int_equal(rec[0].offset_delta, 0);
    assert_int_equal(rec[1].offset_delta, 1);
    close_reader(&f);
}

/* Values can be asked for in any order. */
static void test_values(void **state)
{
    static const char records[] = "\x10\0\0\0\2a\2A\0"
                                  "\x10\0\0\2\2b\2B\0"
                                  "\x10\0\0\4\2c\2C\0";
    static const uint32_t order[] = { 2, 0, 1, 1, 2, 2, 0 };
    const struct batch_spec spec = { .last_offset_delta = 2, .count = 3 };
    const struct pt_record *rec = NULL;
    struct bytes text = { .len = 0 };
    struct pt_view key, value;
    struct fixture f;
    struct pt_batch b;

    (void)state;
    open_reader(&f, 64u << 20, 4u << 20);
    assert_int_equal(pt_batch_value(f.reader, 0, &key, &value), PT_BAD_VALUE);
    put_batch(&text, &spec, records, sizeof(records) - 1);
    b = checked(&f, &text);
    assert_int_equal(pt_batch_records(f.reader, text.data, text.len, 0, &b, &rec), PT_OK);
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        assert_int_equal(pt_batch_value(f.reader, order[i], &key, &value), PT_OK);
        assert_int_equal(key.len, 1);
        assert_int_equal(key.data[0], 'a' + order[i]);
        assert_int_equal(value.data[0], 'A' + order[i]);
    }
    assert_int_equal(pt_batch_value(f.reader, 3, &key, &value), PT_BAD_VALUE);
    close_reader(&f);
}

/* The same header, its lengths written with more bytes than needed, is the same header. */
static void test_varints(void **state)
{
    static const char minimal[] = "\x14\0\0\0\1\1\2\2a\2b";
    static const char longer[] = "\x1c\0\0\0\1\1\x82\0\x82\0a\x82\x80\0b";
    const struct batch_spec spec = { .count = 1 };
    struct fixture f;
    const struct pt_record *rec = NULL;
    struct bytes a = { .len = 0 };
    struct bytes b = { .len = 0 };
    struct pt_record first;
    struct pt_batch out;

    (void)state;
    open_reader(&f, 64u << 20, 4u << 20);
    put_batch(&a, &spec, minimal, sizeof(minimal) - 1);
    put_batch(&b, &spec, longer, sizeof(longer) - 1);
    out = checked(&f, &a);
    assert_int_equal(pt_batch_records(f.reader, a.data, a.len, 0, &out, &rec), PT_OK);
    first = *rec;
    out = checked(&f, &b);
    assert_int_equal(pt_batch_records(f.reader, b.data, b.len, 0, &out, &rec), PT_OK);
    assert_int_equal(rec->content, first.content);
    assert_int_equal(rec->headers, first.headers);
    close_reader(&f);
}

/* What inflates past its bound is OVERSIZE, and never takes more memory than allowed. */
static void test_bounds(void **state)
{
    const struct batch_spec spec = { .count = 1, .attributes = PT_CODEC_ZSTD };
    static const struct {
        uint64_t mem_max;
        uint32_t inflated_max;
        const char *why;
    } rows[] = {
        { 64u << 20, 1u << 20, "configured bound" },
        { 64u << 20, 1000, "bound below the first size of the buffer" },
        { 1u << 20, 64u << 20, "budget" },
    };
    static uint8_t zeros[16u << 20];
    static struct bytes text;
    static uint8_t packed[4096];
    size_t len = ZSTD_compress(packed, sizeof(packed), zeros, sizeof(zeros), 3);

    (void)state;
    assert_false(ZSTD_isError(len));
    put_batch(&text, &spec, packed, len);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct fixture f;
        const struct pt_record *rec = NULL;
        struct pt_batch b;

        open_reader(&f, rows[i].mem_max, rows[i].inflated_max);
        b = checked(&f, &text);
        if (pt_batch_records(f.reader, text.data, text.len, 0, &b, &rec) != PT_OVERSIZE)
            fail_msg("%s", rows[i].why);
        assert_true(f.mem.peak_sz <= rows[i].mem_max);
        assert_true(f.mem.peak_sz <= rows[i].inflated_max + 4096u);
        close_reader(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden),  cmocka_unit_test(test_malformed),
        cmocka_unit_test(test_frame),   cmocka_unit_test(test_fingerprint),
        cmocka_unit_test(test_produce), cmocka_unit_test(test_varints),
        cmocka_unit_test(test_bounds),  cmocka_unit_test(test_values),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
