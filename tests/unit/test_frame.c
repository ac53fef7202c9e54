/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows what a hole costs. Two Produce v3 requests are written by hand: two partitions, entries of
 * known places; a table says which bytes are missing and which events must come out, in short:
 *
 *   T possible start, H header, E an entry, P partial, R end of records, B end of body,
 *   e entry lost, r rest of records lost, b rest of body lost, h header lost, U out of step
 *
 * The same holds for every way of cutting the bytes. Then the buffer: entries in one piece are not
 * copied, those in several are, what is larger than the limit or the budget is told as oversize,
 * and nothing stays behind.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parser/frame.h"
#include "parser/head.h"

/* Offsets in one frame. Each entry: prefix 12 and 28 bytes. */
enum {
    AT_HEAD = 4,
    AT_BODY = AT_HEAD + 8 + 3,       /* client id "c" */
    AT_TOPICS = AT_BODY + 2 + 2 + 4, /* null id, acks, timeout */
    AT_RECORDS_0 = AT_TOPICS + 4 + 3 + 4 + 4 + 4,
    AT_ENTRY_0 = AT_RECORDS_0,
    AT_ENTRY_1 = AT_ENTRY_0 + 40,
    AT_RECORDS_0_END = AT_ENTRY_1 + 40,
    AT_ENTRY_2 = AT_RECORDS_0_END + 8,
    FRAME_END = AT_ENTRY_2 + 40
};

static uint8_t stream[2 * FRAME_END];

static uint8_t *put(uint8_t *p, uint64_t v, int len)
{
    for (int i = len - 1; i >= 0; i--)
        *p++ = (uint8_t)(v >> 8 * i);
    return p;
}

static uint8_t *put_entry(uint8_t *p, uint64_t offset)
{
    p = put(p, offset, 8);
    p = put(p, 28, 4);
    memset(p, (int)offset, 28);
    return p + 28;
}

static void build(void)
{
    uint8_t *p = stream;

    for (int i = 0; i < 2; i++) {
        p = put(p, FRAME_END - 4, 4);
        p = put(p, 0x00000003, 4);
        p = put(p, 7 + (unsigned)i, 4);
        p = put(p, 0x000163, 3);
        p = put(p, 0xffff, 2);
        p = put(p, 1, 2);
        p = put(p, 1000, 4);
        p = put(p, 1, 4);
        p = put(p, 0x000174, 3);
        p = put(p, 2, 4);
        p = put(p, 0, 4);
        p = put(p, 80, 4);
        p = put_entry(p, 10);
        p = put_entry(p, 11);
        p = put(p, 1, 4);
        p = put(p, 40, 4);
        p = put_entry(p, 12);
    }
    assert_int_equal(p - stream, sizeof(stream));
}

struct tap {
    struct pt_mem mem;
    struct pt_frame_cfg cfg;
    struct pt_frame_counts counts;
    struct pt_frame f;
    char log[256];
    size_t log_len;
    uint64_t copied; /* entries that did not lie in the piece */
    uint64_t at_order[16];
    size_t at_cnt;
};

static void tap_open(struct tap *t, uint64_t budget, uint32_t gather_max)
{
    memset(t, 0, sizeof(*t));
    pt_mem_init(&t->mem, budget);
    t->cfg = (struct pt_frame_cfg){ .frame_max = 1u << 20, .gather_max = gather_max };
    pt_frame_init(&t->f, &t->mem, &t->cfg, &t->counts);
}

static void on_head(struct tap *t, const struct pt_frame_event *ev)
{
    struct pt_request_head h;
    uint32_t needed;

    switch (pt_head_request(ev->bytes, ev->frame_left, &h, &needed)) {
    case PT_OK:
        t->log[t->log_len++] = 'H';
        pt_frame_body(&t->f, h.head_sz, h.layout);
        break;
    case PT_NEED_MORE:
        pt_frame_want(&t->f, needed);
        break;
    default:
        fail();
    }
}

static void drain(struct tap *t, const uint8_t *piece, size_t len)
{
    static const char letter[] = {
        [PT_FRAME_ENTRY] = 'E',         [PT_FRAME_ENTRY_OVERSIZE] = 'O',
        [PT_FRAME_ENTRY_PARTIAL] = 'P', [PT_FRAME_ENTRY_BAD] = 'X',
        [PT_FRAME_ENTRY_LOST] = 'e',    [PT_FRAME_RECORDS_LOST] = 'r',
        [PT_FRAME_RECORDS_END] = 'R',   [PT_FRAME_BODY_END] = 'B',
        [PT_FRAME_BODY_BAD] = 'x',      [PT_FRAME_BODY_LOST] = 'b',
        [PT_FRAME_HEAD_LOST] = 'h',     [PT_FRAME_UNLOCKED] = 'U',
    };
    struct pt_frame_event ev;

    while (pt_frame_next(&t->f, &ev)) {
        if (ev.kind == PT_FRAME_TRY) {
            if (pt_be32(ev.bytes.data) == FRAME_END - 4)
                pt_frame_lock(&t->f);
        } else if (ev.kind == PT_FRAME_HEAD) {
            on_head(t, &ev);
        } else if (ev.kind != PT_FRAME_FIELD) {
            t->log[t->log_len++] = letter[ev.kind];
        }
        if (ev.kind == PT_FRAME_ENTRY) {
            assert_int_equal(ev.bytes.len, 40);
            assert_int_equal(ev.bytes.data[39], ev.bytes.data[7]);
            t->copied += ev.bytes.data < piece || ev.bytes.data >= piece + len;
            t->at_order[t->at_cnt++] = ev.at.order;
        }
        assert_true(t->log_len < sizeof(t->log) - 1);
    }
}

static void feed(struct tap *t, uint64_t off, uint64_t len, uint32_t step)
{
    while (len) {
        uint32_t n = len < step ? (uint32_t)len : step;
        struct pt_packet_ref at = { .order = off };
        uint8_t *own = malloc(n);

        memcpy(own, stream + off, n);
        pt_frame_feed(&t->f, own, n, &at);
        drain(t, own, n);
        free(own);
        off += n;
        len -= n;
    }
}

static void hole(struct tap *t, uint64_t len)
{
    const struct pt_packet_ref at = { 0 };

    pt_frame_hole(&t->f, len, PT_LOST_TAP_GAP, &at);
    drain(t, NULL, 0);
}

static void test_holes(void **state)
{
    static const struct {
        uint32_t from;
        uint32_t to;
        const char *events;
        const char *why;
    } rows[] = {
        { 0, 0,
          "HEERERB"
          "HEERERB",
          "nothing is missing" },
        { 9, 10,
          "h"
          "HEERERB",
          "in the header: the frame, not the next" },
        { AT_BODY + 1, AT_BODY + 2,
          "Hb"
          "HEERERB",
          "in the body in front of the records" },
        { AT_ENTRY_0 + 20, AT_ENTRY_0 + 21,
          "HeERERB"
          "HEERERB",
          "in one entry" },
        { AT_ENTRY_0 + 12, AT_ENTRY_1,
          "HeERERB"
          "HEERERB",
          "up to an entry's end" },
        { AT_ENTRY_1 + 30, AT_RECORDS_0_END,
          "HEeRERB"
          "HEERERB",
          "up to the field's end" },
        { AT_ENTRY_0 + 5, AT_ENTRY_0 + 6,
          "HrRERB"
          "HEERERB",
          "in an entry's length" },
        { AT_ENTRY_0 + 20, AT_ENTRY_1 + 1,
          "HrRERB"
          "HEERERB",
          "over an entry's end" },
        { AT_ENTRY_1, AT_RECORDS_0_END,
          "HErRERB"
          "HEERERB",
          "a whole entry: its length too" },
        { AT_ENTRY_0 + 20, AT_RECORDS_0_END + 1,
          "Hrb"
          "HEERERB",
          "over the records' end" },
        { AT_RECORDS_0_END + 2, AT_RECORDS_0_END + 3,
          "HEERb"
          "HEERERB",
          "between two records" },
        { AT_ENTRY_2 + 20, FRAME_END,
          "HEEReRB"
          "HEERERB",
          "up to the frame's end" },
        { AT_ENTRY_2 + 20, FRAME_END + 1, "HEERrbU",
          "over the frame's end: no step, no guess here" },
        { FRAME_END, FRAME_END + 1, "HEERERBU", "the next size" },
        { FRAME_END + 20, 2 * FRAME_END,
          "HEERERB"
          "Hb",
          "to the end" },
    };

    (void)state;
    build();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        for (uint32_t step = 1; step < 2 * FRAME_END; step = step < 45 ? step + 1 : step * 2) {
            struct tap t;
            uint64_t pending;

            tap_open(&t, 1u << 20, 1u << 20);
            feed(&t, 0, rows[i].from, step);
            if (rows[i].to > rows[i].from)
                hole(&t, rows[i].to - rows[i].from);
            feed(&t, rows[i].to, sizeof(stream) - rows[i].to, step);
            if (strcmp(t.log, rows[i].events))
                fail_msg("%s, pieces of %u: %s instead of %s", rows[i].why, step, t.log,
                         rows[i].events);
            pending = pt_frame_fini(&t.f);
            assert_int_equal(t.counts.frame_bytes + t.counts.unframed_bytes + pending,
                             sizeof(stream));
            assert_int_equal(t.mem.used_sz, 0);
        }
    }
}

static void test_unknown_hole(void **state)
{
    struct tap t;

    (void)state;
    build();
    tap_open(&t, 1u << 20, 1u << 20);
    feed(&t, 0, AT_ENTRY_1 + 3, 100);
    hole(&t, 0);
    feed(&t, FRAME_END, FRAME_END, 1000);
    assert_string_equal(t.log, "HErbU"
                               "HEERERB");
    assert_int_equal(t.counts.resyncs, 1);
    pt_frame_fini(&t.f);
}

static void test_lost_size(void **state)
{
    struct tap t;

    (void)state;
    build();
    tap_open(&t, 1u << 20, 1u << 20);
    hole(&t, 1);
    feed(&t, 1, FRAME_END - 1, 50);
    feed(&t, FRAME_END, FRAME_END, 50);
    assert_string_equal(t.log, "HEERERB");
    assert_int_equal(t.counts.unframed_bytes, FRAME_END);
    assert_int_equal(t.counts.resyncs, 1);
    pt_frame_fini(&t.f);
}

static void test_copies(void **state)
{
    struct tap t;

    (void)state;
    build();
    tap_open(&t, 1u << 20, 1u << 20);
    feed(&t, 0, sizeof(stream), sizeof(stream));
    assert_string_equal(t.log, "HEERERB"
                               "HEERERB");
    assert_int_equal(t.copied, 0);
    assert_int_equal(t.mem.peak_sz, 0);
    pt_frame_fini(&t.f);
    tap_open(&t, 1u << 20, 1u << 20);
    feed(&t, 0, AT_ENTRY_1 + 3, 1000);
    feed(&t, AT_ENTRY_1 + 3, sizeof(stream) - AT_ENTRY_1 - 3, 1000);
    assert_string_equal(t.log, "HEERERB"
                               "HEERERB");
    assert_int_equal(t.copied, 1);
    assert_int_equal(t.at_order[0], 0);
    assert_int_equal(t.at_order[1], 0);
    assert_int_equal(t.at_order[2], AT_ENTRY_1 + 3);
    pt_frame_fini(&t.f);
    assert_int_equal(t.mem.used_sz, 0);
}

static void test_limits(void **state)
{
    struct tap t;

    (void)state;
    build();
    tap_open(&t, 1u << 20, 39);
    feed(&t, 0, sizeof(stream), 10);
    assert_string_equal(t.log, "HOORORB"
                               "HOORORB");
    pt_frame_fini(&t.f);
    tap_open(&t, 1u << 20, 39);
    feed(&t, 0, sizeof(stream), sizeof(stream));
    assert_string_equal(t.log, "HEERERB"
                               "HEERERB"); /* in place it costs nothing */
    pt_frame_fini(&t.f);
    tap_open(&t, 0, 1u << 20);
    feed(&t, 0, AT_ENTRY_0 + 20, 1000);
    feed(&t, AT_ENTRY_0 + 20, sizeof(stream) - AT_ENTRY_0 - 20, 1000);
    assert_string_equal(t.log, "HrRERB"
                               "HEERERB"); /* no memory: the entry's field is passed over */
    assert_true(t.counts.memory_refused > 0);
    pt_frame_fini(&t.f);
}

/* Out of step every piece's start is offered, however many pieces an earlier candidate took. */
static void test_small_pieces(void **state)
{
    (void)state;
    build();
    for (uint32_t step = 1; step <= 40; step++) {
        struct tap t;

        tap_open(&t, 1u << 20, 1u << 20);
        hole(&t, 0);
        feed(&t, FRAME_END - 30, 30, step);
        feed(&t, FRAME_END, FRAME_END, step);
        if (strcmp(t.log, "HEERERB"))
            fail_msg("pieces of %u: %s", step, t.log);
        assert_int_equal(t.counts.unframed_bytes, 30);
        pt_frame_fini(&t.f);
    }
}

/* Without memory nothing that lies in several pieces can be read, but every byte is accounted for,
 * and what is read is right (drain looks at each entry). */
static void test_no_memory(void **state)
{
    (void)state;
    build();
    for (uint32_t step = 1; step <= sizeof(stream); step++) {
        struct tap t;
        uint64_t pending;

        tap_open(&t, 0, 1u << 20);
        feed(&t, 0, sizeof(stream), step);
        pending = pt_frame_fini(&t.f);
        if (t.counts.frame_bytes + t.counts.unframed_bytes + pending != sizeof(stream))
            fail_msg("pieces of %u: %lu bytes in step, %lu not, %lu pending", step,
                     (unsigned long)t.counts.frame_bytes, (unsigned long)t.counts.unframed_bytes,
                     (unsigned long)pending);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holes),     cmocka_unit_test(test_unknown_hole),
        cmocka_unit_test(test_lost_size), cmocka_unit_test(test_copies),
        cmocka_unit_test(test_limits),    cmocka_unit_test(test_small_pieces),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
