/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A segment that is not what it should be: a valid one with changed bytes, cut anywhere. It is
 * refused with a sentence, or read to its end and shown as report and top do. Either way nothing is
 * read outside of it, every text is terminated, and each finding that the segment says it had is
 * either read or counted as missed.
 *
 * Input: pieces of 12 bytes { offset, 4 bytes; 8 bytes that go there }; the last incomplete piece
 * gives the length, if it is of two bytes.
 */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "dataplane/segment_reader.h"
#include "dataplane/segment_writer.h"
#include "tools/snapshot_json.h"
#include "tools/snapshot_text.h"
#include "tools/top_view.h"

#define PIECE 12

static uint8_t *valid;
static size_t valid_sz;

static void put_rows(struct pt_segment_writer *s)
{
    struct pt_segment_run run = { .verdict = PT_SEGMENT_DIVERGENT, .verified = 12, .time_ns = 1 };
    struct pt_segment_tap tap = { .packets = 10, .bytes = 1000 };
    struct pt_segment_core core = { .busy_permille = 500 };
    struct pt_segment_cluster cluster = { .brokers = 3, .connections = 7 };
    struct pt_segment_pair pair = { .verified = 12, .missing = 1, .lag_ns = 5000000000 };
    struct pt_segment_code code = { .severity = PT_SEGMENT_DIVERGENCE, .total = 1 };
    struct pt_segment_finding f = { .severity = PT_SEGMENT_DIVERGENCE, .cnt = 2, .parts = 15 };

    PT_SEGMENT_SET(run.note, "a note");
    PT_SEGMENT_SET(tap.name, "eth0");
    PT_SEGMENT_SET(core.name, "worker 0");
    PT_SEGMENT_SET(cluster.cluster_id, "abc");
    PT_SEGMENT_SET(pair.source_topic, "orders");
    PT_SEGMENT_SET(pair.target_topic, "dr.orders");
    PT_SEGMENT_SET(code.name, "RECORD_MISSING");
    PT_SEGMENT_SET(f.code, "RECORD_MISSING");
    PT_SEGMENT_SET(f.message, "on the source, certified absent on the target");
    PT_SEGMENT_SET(f.source.topic, "orders");
    PT_SEGMENT_SET(f.source.client_addr, "10.0.0.1:1");
    f.source.flags = PT_SEGMENT_PLACE_VALID;
    f.source.packet = 7;
    pt_segment_put_run(s, pt_segment_take(s, PT_SEGMENT_TABLE_RUN), &run);
    pt_segment_put_code(s, pt_segment_take(s, PT_SEGMENT_TABLE_CODE), &code);
    for (int i = 0; i < 2; i++) {
        pt_segment_put_tap(s, pt_segment_take(s, PT_SEGMENT_TABLE_TAP), &tap);
        pt_segment_put_core(s, pt_segment_take(s, PT_SEGMENT_TABLE_CORE), &core);
        pt_segment_put_cluster(s, pt_segment_take(s, PT_SEGMENT_TABLE_CLUSTER), &cluster);
        pt_segment_put_pair(s, pt_segment_take(s, PT_SEGMENT_TABLE_PAIR), &pair);
    }
    for (int i = 0; i < 7; i++)
        pt_segment_append(s, i % 2, &f);
}

/* make_valid: a small segment as the writer makes it, so that a mutation often hits. */
static void make_valid(void)
{
    struct pt_segment_writer s;
    struct pt_segment_cfg cfg;
    char name[64];

    snprintf(name, sizeof(name), "/paritap-fuzz-%d", (int)getpid());
    pt_segment_cfg_init(&cfg);
    cfg.name = name;
    cfg.ring_cnt = 2;
    cfg.ring_slots = 3;
    for (int t = 0; t < PT_SEGMENT_TABLE_CNT; t++)
        cfg.row_max[t] = 2;
    FUZZ_CHECK(!pt_segment_create(&s, &cfg));
    put_rows(&s);
    valid_sz = s.total_sz;
    valid = fuzz_copy((const uint8_t *)s.head, valid_sz);
    pt_segment_close(&s);
    shm_unlink(name);
}

static void check_finding(const struct pt_segment_finding *f)
{
    FUZZ_CHECK(memchr(f->code.s, 0, sizeof(f->code.s)));
    FUZZ_CHECK(memchr(f->message.s, 0, sizeof(f->message.s)));
    FUZZ_CHECK(memchr(f->source.topic.s, 0, sizeof(f->source.topic.s)));
    FUZZ_CHECK(memchr(f->target.client_id.s, 0, sizeof(f->target.client_id.s)));
}

/* show does all that report and top do with what was read. */
static void show(const struct pt_segment_reader *r)
{
    static struct pt_segment_finding latest[16];
    struct pt_segment_cursor cursor;
    struct pt_segment_finding f;
    struct pt_screen screen = { 0 };
    struct pt_snapshot snap;
    struct pt_top top = { .now = &snap, .before = &snap, .latest = latest };
    struct pt_text text;
    uint64_t used = 0;
    uint64_t read = 0;
    char *out = NULL;
    size_t out_sz = 0;
    FILE *mem = open_memstream(&out, &out_sz);

    FUZZ_CHECK(mem);
    text = (struct pt_text){ .f = mem };
    FUZZ_CHECK(!pt_snapshot_take(r, &snap));
    pt_snapshot_text(&snap, &text, true);
    pt_snapshot_json_run(&snap, mem);
    pt_snapshot_json_state(&snap, mem);
    pt_segment_cursor_begin(r, &cursor, PT_SEGMENT_ALL_FINDINGS);
    for (uint32_t i = 0; i < r->ring_cnt; i++)
        used += atomic_load(&r->ring[i].live->used);
    for (; pt_segment_reader_next(r, &cursor, &f); read++) {
        check_finding(&f);
        pt_snapshot_text_finding(r, &f, &text);
        pt_snapshot_json_finding(r, &f, mem);
        latest[read % 16] = f;
    }
    FUZZ_CHECK(read + cursor.missed == used);
    pt_segment_cursor_begin(r, &cursor, 1);
    while (pt_segment_reader_next(r, &cursor, &f))
        ;
    top.latest_cnt = read < 16 ? (size_t)read : 16;
    top.missed = cursor.missed;
    FUZZ_CHECK(!pt_screen_resize(&screen, 24, 80));
    FUZZ_CHECK(!pt_top_draw(&top, &screen));
    for (size_t i = 0; i < (size_t)screen.rows * screen.columns; i++)
        FUZZ_CHECK(screen.ch[i] >= ' ' && screen.ch[i] <= '~');
    pt_screen_free(&screen);
    pt_snapshot_free(&snap);
    fclose(mem);
    FUZZ_CHECK(!memchr(out, 033, out_sz)); /* nothing that a terminal obeys */
    free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct pt_segment_reader r;
    uint8_t *mem;
    uint8_t *block;
    size_t sz;
    int rc;

    if (!valid)
        make_valid();
    sz = valid_sz;
    mem = fuzz_copy(valid, valid_sz);
    for (; len >= PIECE; data += PIECE, len -= PIECE) {
        uint32_t off;

        memcpy(&off, data, sizeof(off));
        memcpy(mem + off % (valid_sz - 7), data + 4, 8);
    }
    if (len == 2)
        sz = (data[0] | (size_t)data[1] << 8) % (valid_sz + 1);
    /* A block of exactly that size, as aligned as a mapping. */
    FUZZ_CHECK(!posix_memalign((void **)&block, 64, sz ? sz : 1));
    memcpy(block, mem, sz);
    rc = pt_segment_reader_attach(&r, block, sz);
    if (rc)
        FUZZ_CHECK(r.trouble[0]);
    else
        show(&r);
    free(block);
    free(mem);
    return 0;
}
