/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Responses whose request was lost: what is a Fetch and nothing else is read, in every version, for
 * what its batches say of themselves and no more; and produces whose answer was lost. Frames are
 * written by hand from the protocol (kafka-wire.md 4).
 */
#include "answers.h"
#include "parser/orphan.h"

/* The frame alone. */

static struct pt_mem mem;
static struct pt_batch_reader *reader;

static int reader_open(void **state)
{
    (void)state;
    pt_mem_init(&mem, 1u << 26);
    return pt_batch_reader_open(&mem, &pt_parser_cfg_default.batch, &reader);
}

static int reader_close(void **state)
{
    (void)state;
    pt_batch_reader_close(reader);
    return mem.used_sz ? -1 : 0;
}

/* guess looks at the first len bytes of the frame, in a block of their own. */
static enum pt_guess guess(size_t len, struct pt_orphan *o)
{
    uint8_t *own = malloc(len ? len : 1);
    enum pt_guess g;

    memcpy(own, frame.data + 4, len);
    g = pt_orphan_find(reader, (struct pt_view){ own, len }, (uint32_t)frame.len - 4, PORT, o);
    free(own);
    return g;
}

static enum pt_guess guess_whole(void)
{
    struct pt_orphan o;

    return guess(frame.len - 4, &o);
}

static void test_every_version(void **state)
{
    (void)state;
    for (int v = 0; v <= VERSION_MAX; v++) {
        const struct answer a = { .version = v, .base = { 20, 25 }, .cut = v % 3 * 20 };
        const struct pt_layout *own = pt_layout_find(PT_API_FETCH, PT_DIR_RESPONSE, (int16_t)v);
        struct pt_orphan o = { 0 };

        frame.len = 0;
        put_answer(&a);
        assert_int_equal(guess(frame.len - 4, &o), PT_GUESS_YES);
        if (v > PT_ORPHAN_FETCH_MAX)
            assert_int_equal(o.version, PT_ORPHAN_FETCH_MAX);
        else
            assert_true(pt_layout_same(o.layout, own));
        assert_int_equal(o.head_sz, v >= 12 ? 5 : 4);
        for (size_t len = 0; len < frame.len - 4; len++)
            assert_int_equal(guess(len, &o), PT_GUESS_MORE);
    }
    assert_int_equal(pt_api_max_version(PT_API_FETCH), VERSION_MAX);
}

static void test_what_is_none(void **state)
{
    (void)state;
    for (int v = 0; v <= VERSION_MAX; v++) {
        struct answer a = { .version = v, .base = { 20, 25 } };
        size_t whole;

        frame.len = 0;
        put_answer(&a);
        whole = frame.len;
        put_int(&frame, 0, 1);
        assert_int_equal(guess_whole(), PT_GUESS_NO); /* a byte too many */
        frame.len = whole - 1;
        assert_int_equal(guess_whole(), PT_GUESS_NO); /* one too few */
        frame.len = whole;
        for (size_t at = whole - 3 - 48; at < whole - 3; at++) {
            frame.data[at] ^= 0x10; /* in what the checksum covers */
            assert_int_equal(guess_whole(), PT_GUESS_NO);
            frame.data[at] ^= 0x10;
        }
        assert_int_equal(guess_whole(), PT_GUESS_YES);
        a.partition = -2;
        frame.len = 0;
        put_answer(&a);
        assert_int_equal(guess_whole(), PT_GUESS_NO);
        a = (struct answer){ .version = v }; /* proves nothing, and is worth nothing */
        frame.len = 0;
        put_answer(&a);
        assert_int_equal(guess_whole(), PT_GUESS_NO);
        a = (struct answer){ .version = v, .base = { 20 }, .topic = "or ers" };
        frame.len = 0;
        put_answer(&a);
        assert_int_equal(guess_whole(), v >= 13 ? PT_GUESS_YES : PT_GUESS_NO);
    }
}

/* A member of a group may write what it likes into an assignment; the broker's SyncGroup response
 * hands it on: throttle time, error, and the bytes with their length, where a Fetch has its
 * session. */
static void test_written_by_a_client(void **state)
{
    struct answer a = { .version = 7, .base = { 20 } };
    size_t session;

    (void)state;
    frame.len = 0;
    session = put_answer(&a);
    assert_int_equal(guess_whole(), PT_GUESS_YES);
    set_int(frame.data + session, frame.len - session - 4, 4);
    assert_int_equal(guess_whole(), PT_GUESS_NO);
    set_int(frame.data + session, frame.len - session - 5, 4);
    assert_int_equal(guess_whole(), PT_GUESS_YES);
}

/* The connection. */

/* A request of version 4, by the replica of this number (-1: a consumer). */
static void ask(struct tap *t, uint32_t id, int64_t offset, int32_t replica)
{
    size_t start;

    frame.len = 0;
    put_int(&frame, 0, 4);
    start = frame.len;
    put_int(&frame, 1u << 16 | 4, 4);
    put_int(&frame, id, 4);
    put_int(&frame, 3, 2);
    put(&frame, "app", 3);
    put_int(&frame, (uint32_t)replica, 4);
    put_int(&frame, 500, 4);
    put_int(&frame, 1, 4);
    put_int(&frame, 1 << 20, 4);
    put_int(&frame, 0, 1);
    put_int(&frame, 1, 4);
    put_topic(4, TOPIC);
    put_int(&frame, 1, 4);
    put_int(&frame, 0, 4);
    put_int(&frame, (uint64_t)offset, 8);
    put_int(&frame, 1 << 20, 4);
    end_frame(start);
    send_frame(t, 0);
}

/* Metadata, which tells that this is Kafka and not how it fetches. */
static void chat(struct tap *t, uint32_t id)
{
    size_t start;

    frame.len = 0;
    put_int(&frame, 0, 4);
    start = frame.len;
    put_int(&frame, 3u << 16, 4);
    put_int(&frame, id, 4);
    put_int(&frame, 3, 2);
    put(&frame, "app", 3);
    put_int(&frame, 0, 4);
    end_frame(start);
    send_frame(t, 0);
    frame.len = 0;
    start = begin_frame(id);
    put_int(&frame, 0, 8);
    end_frame(start);
    send_frame(t, 1);
}

/* Between what was asked for there is what was not seen to be: it certifies what lies between its
 * own batches, nothing in front of them, and nothing of what a later request asks for. */
static void test_certifies_itself(void **state)
{
    static const size_t step[] = { 1, 7, 60000 };

    (void)state;
    for (size_t i = 0; i < sizeof(step) / sizeof(*step); i++) {
        struct tap t;

        tap_open(&t, step[i], &pt_parser_cfg_default);
        ask(&t, 1, 5, -1);
        answer(&t, &(struct answer){ .version = 4, .id = 1, .base = { 10 } });
        expect(&t, " hw1000(5) 5<10c");
        hole(&t, 0, 80);
        answer(&t, &(struct answer){ .version = 4, .id = 2, .base = { 20, 25 } });
        expect(&t, " hw1000(-1) 20<20c 21<25c");
        ask(&t, 3, 26, -1);
        answer(&t, &(struct answer){ .version = 4, .id = 3, .base = { 28 } });
        expect(&t, " hw1000(26) 26<28c");
        tap_close(&t, 1, 1);
    }
}

/* Answers in a row that nobody was seen to ask for are not one answer: each has a number. */
static void test_each_is_its_own(void **state)
{
    static struct bytes first;
    uint32_t before;
    struct tap t;

    (void)state;
    tap_open(&t, 60000, &pt_parser_cfg_default);
    ask(&t, 1, 5, -1);
    answer(&t, &(struct answer){ .version = 4, .id = 1, .base = { 10 } });
    hole(&t, 0, 80);
    frame.len = 0;
    put_answer(&(struct answer){ .version = 4, .id = 2, .base = { 60 } });
    send_part(&t, 1, 0, 50);
    first = frame;
    ask(&t, 4, 50, -1); /* sent early: not what is being answered */
    frame = first;
    send_part(&t, 1, 50, frame.len);
    flush(&t.out);
    before = t.last_request;
    answer(&t, &(struct answer){ .version = 4, .id = 3, .base = { 55 } });
    expect(&t, " hw1000(5) 5<10c hw1000(-1) 60<60c hw1000(-1) 55<55c");
    assert_int_not_equal(t.last_request, before);
    tap_close(&t, 2, 2);
}

/* Who asks, and whether bounds are believed, is what the connection has shown before. */
static void test_who_asks(void **state)
{
    static const struct {
        const char *why;
        int32_t replica; /* -2: nobody was seen to fetch */
        int version;     /* of the answer */
        const char *log;
    } row[] = {
        { "a consumer", -1, 4, " hw1000(-1) 20<20c" }, { "a follower", 2, 4, " hw1000(-1) 20<20f" },
        { "nobody knows", -2, 4, " 20<20f" },          { "not as before", -1, 5, " 20<20c" },
        { "not as before, by id", -1, 17, " 20<20c" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct tap t;

        print_message("%s\n", row[i].why);
        tap_open(&t, 100, &pt_parser_cfg_default);
        chat(&t, 0);
        if (row[i].replica != -2) {
            ask(&t, 1, 5, row[i].replica);
            answer(&t, &(struct answer){ .version = 4, .id = 1 });
        }
        flush(&t.out);
        t.log[0] = 0;
        hole(&t, 0, 80);
        answer(&t, &(struct answer){ .version = row[i].version, .id = 2, .base = { 20 } });
        expect(&t, row[i].log);
        tap_close(&t, 1, 1);
    }
}

/* What a hole touches, what is too large, and what overload leaves out is not read, but counted. */
static void test_not_read(void **state)
{
    struct pt_parser_cfg cfg = pt_parser_cfg_default;
    const struct answer a = { .version = 4, .id = 2, .base = { 20, 25, 30 } };
    uint64_t cnt = 0;
    struct tap t;

    (void)state;
    tap_open(&t, 100, &cfg);
    chat(&t, 0);
    frame.len = 0;
    put_answer(&a);
    for (size_t at = 30; at < frame.len; at += 7) {
        send_part(&t, 1, 0, at);
        hole(&t, 1, 1);
        send_part(&t, 1, at + 1, frame.len);
        cnt++;
    }
    expect(&t, "");
    chat(&t, 7);
    tap_close(&t, cnt, 0);

    cfg.gather_max = 256;
    tap_open(&t, 100, &cfg);
    chat(&t, 0);
    answer(&t, &a);
    expect(&t, "");
    tap_close(&t, 1, 0);

    cfg = pt_parser_cfg_default;
    cfg.shed.step = PT_SHED_COUNT_ONLY;
    tap_open(&t, 100, &cfg);
    chat(&t, 0);
    answer(&t, &a);
    expect(&t, "");
    tap_close(&t, 1, 0);

    tap_open(&t, 100, &pt_parser_cfg_default); /* the capture ends within it */
    chat(&t, 0);
    frame.len = 0;
    put_answer(&a);
    send_part(&t, 1, 0, frame.len - 1);
    tap_close(&t, 1, 0);
}

static void see_packets(struct pt_obs_out *out)
{
    struct tap *t = out->flush_arg;

    for (uint32_t off = 0; off < out->used_sz;) {
        const struct pt_obs_batch *b = (const void *)(out->buf + off);
        size_t len = strlen(t->log);

        if (b->head.kind == PT_OBS_BATCH)
            snprintf(t->log + len, sizeof(t->log) - len, " %lu", (unsigned long)b->head.at.packet);
        off += b->head.size;
    }
    out->used_sz = 0;
}

/* Each batch is told with the packet that has its first byte, though all of them were gathered. */
static void test_packets(void **state)
{
    struct tap t;
    size_t start;
    char want[64];

    (void)state;
    tap_open(&t, 1, &pt_parser_cfg_default);
    chat(&t, 0);
    flush(&t.out);
    t.log[0] = 0;
    t.out.flush = see_packets;
    start = t.order;
    answer(&t, &(struct answer){ .version = 4, .id = 2, .base = { 20, 25, 30 } });
    see_packets(&t.out);
    start += frame.len - 3 * 69 + 1; /* packets of a byte */
    snprintf(want, sizeof(want), " %zu %zu %zu", start, start + 69, start + 138);
    assert_string_equal(t.log, want);
    tap_close(&t, 1, 1);
}

/* A Produce whose answer was lost is open: it is known that it was sent, and no more. */
static void test_answer_lost(void **state)
{
    struct tap t;
    size_t records;
    size_t start;

    (void)state;
    tap_open(&t, 100, &pt_parser_cfg_default);
    chat(&t, 0);
    frame.len = 0;
    put_int(&frame, 0, 4);
    start = frame.len;
    put_int(&frame, 7, 4);
    put_int(&frame, 1, 4);
    put_int(&frame, 3, 2);
    put(&frame, "app", 3);
    put_int(&frame, 0xffff, 2);
    put_int(&frame, 0xffff, 2);
    put_int(&frame, 30000, 4);
    put_int(&frame, 1, 4);
    put_topic(4, TOPIC);
    put_int(&frame, 1, 4);
    put_int(&frame, 0, 4);
    put_int(&frame, 0, 4);
    records = frame.len;
    put_one(0);
    set_int(frame.data + records - 4, frame.len - records, 4);
    end_frame(start);
    send_frame(&t, 0);
    expect(&t, " 0<0p");
    hole(&t, 1, 60);
    chat(&t, 2);
    chat(&t, 3);
    expect(&t, " unknown");
    tap_close(&t, 0, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_every_version, reader_open, reader_close),
        cmocka_unit_test_setup_teardown(test_what_is_none, reader_open, reader_close),
        cmocka_unit_test_setup_teardown(test_written_by_a_client, reader_open, reader_close),
        cmocka_unit_test(test_certifies_itself),
        cmocka_unit_test(test_each_is_its_own),
        cmocka_unit_test(test_who_asks),
        cmocka_unit_test(test_not_read),
        cmocka_unit_test(test_packets),
        cmocka_unit_test(test_answer_lost),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
