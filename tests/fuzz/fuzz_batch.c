/* SPDX-License-Identifier: Apache-2.0 */
/* Record batches, message sets and codecs. The first byte chooses what the rest is. Bit 7 set: a
 * whole entry; its length and checksum are made right if bit 5 is set. Bit 7 clear: what is inside
 * an entry of the format of bits 0-1 (2 and 3: magic 2, the first byte is the record count) and the
 * codec of bits 2-4. For gzip it is packed here, other codecs get the bytes as they are; the
 * checksums of inner messages are made right. Bit 6: Produce. Properties: what is returned lies in
 * the promised ranges; the same twice; never more memory than the bounds allow; pt_batch_value
 * agrees with the records. */
#include <zlib.h>

#include "parser/batch.h"
#include "parser/identity.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/batch_build.h"

#define INFLATED_MAX (1u << 20)
#define RECORD_MAX 5000u
#define HASH_KEY 99u

static struct pt_batch_reader *reader;
static struct pt_mem mem;

static void check_records(const struct pt_batch *b, const struct pt_record *rec, bool produce)
{
    int64_t before = -1;

    FUZZ_CHECK(b->record_cnt <= RECORD_MAX);
    FUZZ_CHECK(b->base_offset >= 0);
    FUZZ_CHECK(!produce || b->base_offset == 0);
    for (uint32_t i = 0; i < b->record_cnt; i++) {
        struct pt_record again;
        struct pt_view key;
        struct pt_view value;

        FUZZ_CHECK(rec[i].offset_delta > before);
        FUZZ_CHECK(rec[i].offset_delta <= b->last_offset - b->base_offset);
        before = rec[i].offset_delta;
        FUZZ_CHECK(pt_batch_value(reader, i, &key, &value) == PT_OK);
        FUZZ_CHECK((rec[i].key == 0) == !key.data);
        FUZZ_CHECK((rec[i].value == 0) == !value.data);
        pt_identity_record(HASH_KEY, key, value, 0, &again);
        FUZZ_CHECK(again.key == rec[i].key);
        FUZZ_CHECK(again.value == rec[i].value);
        FUZZ_CHECK(rec[i].headers || again.content == rec[i].content);
    }
}

static void read_entry(const uint8_t *entry, size_t len, bool produce)
{
    static struct pt_record copy[RECORD_MAX];
    const struct pt_record *rec = NULL;
    struct pt_batch first;
    struct pt_batch b;
    enum pt_status st = pt_batch_check(reader, entry, len, &b);

    if (st != PT_OK)
        return;
    FUZZ_CHECK(b.batch_sz == len);
    FUZZ_CHECK(b.magic <= 2);
    FUZZ_CHECK(b.last_offset >= b.base_offset);
    first = b;
    st = pt_batch_records(reader, entry, len, produce, &first, &rec);
    FUZZ_CHECK(mem.used_sz <= INFLATED_MAX + RECORD_MAX * sizeof(*rec) + 4096);
    if (st != PT_OK) {
        FUZZ_CHECK(!rec);
        FUZZ_CHECK(pt_batch_records(reader, entry, len, produce, &b, &rec) == st);
        return;
    }
    check_records(&first, rec, produce);
    memcpy(copy, rec, first.record_cnt * sizeof(*rec));
    FUZZ_CHECK(pt_batch_records(reader, entry, len, produce, &b, &rec) == PT_OK);
    FUZZ_CHECK(!memcmp(&first, &b, sizeof(b)));
    FUZZ_CHECK(!memcmp(copy, rec, b.record_cnt * sizeof(*rec)));
}

/* Makes right the checksums of the messages of a plain set, as far as it is one. */
static void fix_set(uint8_t *set, size_t len)
{
    while (len >= 26) {
        size_t size = (size_t)pt_be32(set + 8) + 12;

        if (size < 26 || size > len)
            return;
        set_int(set + 12, crc32(0, set + 16, (uInt)(size - 16)), 4);
        set += size;
        len -= size;
    }
}

static size_t pack_gzip(const uint8_t *in, size_t len, uint8_t *out, size_t out_max)
{
    z_stream z = { 0 };
    size_t packed;

    if (deflateInit2(&z, 1, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    z.next_in = (uint8_t *)(uintptr_t)in;
    z.avail_in = (uInt)len;
    z.next_out = out;
    z.avail_out = (uInt)out_max;
    if (deflate(&z, Z_FINISH) != Z_STREAM_END)
        abort();
    packed = z.total_out;
    deflateEnd(&z);
    return packed;
}

static void read_payload(unsigned mode, const uint8_t *payload, size_t len)
{
    static struct bytes text;
    static uint8_t packed[40000];
    unsigned magic = mode & 3;
    unsigned codec = mode >> 2 & 7;
    int32_t cnt = magic < 2 ? 0 : *payload++;
    uint8_t *own;
    uint8_t *entry;

    if (magic >= 2)
        len--;
    own = fuzz_copy(payload, len);
    payload = own;
    if (magic < 2)
        fix_set(own, len);
    if (codec == PT_CODEC_GZIP) {
        len = pack_gzip(own, len, packed, sizeof(packed));
        payload = packed;
    }
    text.len = 0;
    if (magic < 2)
        put_message(&text, &(struct message_spec){ .offset = 1000,
                                                   .magic = magic,
                                                   .attributes = codec,
                                                   .value = payload,
                                                   .value_len = len });
    else
        put_batch(&text,
                  &(struct batch_spec){ .base_offset = 1000,
                                        .last_offset_delta = 2 * cnt,
                                        .count = cnt,
                                        .attributes = (uint16_t)codec },
                  payload, len);
    entry = fuzz_copy(text.data, text.len);
    read_entry(entry, text.len, mode & 0x40);
    free(entry);
    free(own);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct pt_batch_cfg cfg = { .hash_key = HASH_KEY,
                                      .inflated_max = INFLATED_MAX,
                                      .record_max = RECORD_MAX };
    uint8_t *entry;

    if (len < 2 || len > 30000)
        return 0;
    if (!reader) {
        pt_mem_init(&mem, 64u << 20);
        if (pt_batch_reader_open(&mem, &cfg, &reader))
            abort();
    }
    if (!(data[0] & 0x80)) {
        read_payload(data[0], data + 1, len - 1);
        return 0;
    }
    entry = fuzz_copy(data + 1, len - 1);
    if (data[0] & 0x20 && len - 1 > 61) {
        set_int(entry + 8, len - 1 - 12, 4);
        fix_crc(entry, len - 1);
    }
    read_entry(entry, len - 1, data[0] & 0x40);
    free(entry);
    return 0;
}
