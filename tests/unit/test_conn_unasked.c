/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections of which only the answers are seen (unasked.c): what is read, where that must begin,
 * and that a frame which can be read in two ways is not read at all.
 */
#include "answers.h"
#include "parser/orphan.h"

/* An answer to ApiVersions: nothing that is read. */
static void greet(struct tap *t)
{
    size_t start;

    frame.len = 0;
    start = begin_frame(1);
    put_int(&frame, 0, 6);
    end_frame(start);
    send_frame(t, 1);
}

static const struct answer two = { .version = 11, .id = 2, .base = { 20, 25 } };

static void test_every_version(void **state)
{
    static const size_t step[] = { 1, 7, 60000 };

    (void)state;
    for (int v = 0; v <= VERSION_MAX; v++)
        for (size_t i = 0; i < sizeof(step) / sizeof(*step); i++) {
            struct answer a = two;
            const struct pt_conn_row *rows;
            struct tap t;

            a.version = v;
            tap_open(&t, step[i], &pt_parser_cfg_default);
            greet(&t);
            expect(&t, "");
            answer(&t, &a);
            expect(&t, " hw1000(-1) 20<20f 21<25f");
            a.base[0] = 30;
            a.base[1] = 0;
            answer(&t, &a);
            expect(&t, " hw1000(-1) 30<30f");
            a.version = v < 12 ? 12 : 4; /* not as before: its bounds do not count */
            answer(&t, &a);
            expect(&t, " 30<30f");
            assert_int_equal(pt_parser_conn_rows(t.parser, &rows), 1);
            assert_int_equal(rows[0].kind, PT_CONN_KAFKA);
            tap_close(&t, 4, 3);
        }
}

/* Nothing is read where the first byte is not certain, where it is not the side that answers, and
 * where the other side spoke first. */
static void test_where_it_begins(void **state)
{
    static const struct {
        const char *why;
        int initiator;
        int hole_side; /* -1: none */
        uint64_t hole_len;
    } row[] = {
        { "no SYN was seen", -1, -1, 0 },
        { "this side began the connection", 1, -1, 0 },
        { "its beginning was not seen", 0, 1, 0 },
        { "its first bytes were lost", 0, 1, 10 },
        { "the other side was there, and was lost", 0, 0, 10 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct tap t;

        print_message("%s\n", row[i].why);
        tap_open_by(&t, 100, &pt_parser_cfg_default, row[i].initiator);
        if (row[i].hole_side >= 0)
            hole(&t, row[i].hole_side, row[i].hole_len);
        answer(&t, &two);
        answer(&t, &two);
        expect(&t, "");
        tap_close(&t, 0, 0);
    }
}

/* A hole within a frame costs that frame; one over a boundary all that comes behind it. */
static void test_holes(void **state)
{
    struct tap t;

    (void)state;
    tap_open(&t, 100, &pt_parser_cfg_default);
    frame.len = 0;
    put_answer(&two);
    send_part(&t, 1, 0, 60);
    hole(&t, 1, 20);
    send_part(&t, 1, 80, frame.len);
    expect(&t, "");
    send_frame(&t, 1);
    expect(&t, " hw1000(-1) 20<20f 21<25f");
    send_part(&t, 1, 0, 60);
    hole(&t, 1, frame.len - 60 + 5);
    send_part(&t, 1, 5, frame.len);
    send_frame(&t, 1);
    expect(&t, "");
    tap_close(&t, 3, 1);
}

/* Other protocols have sizes in front, too: of them nothing is told. */
static void test_not_kafka(void **state)
{
    const struct pt_conn_row *rows;
    struct tap t;

    (void)state;
    tap_open(&t, 100, &pt_parser_cfg_default);
    for (uint32_t i = 0; i < 3; i++)
        greet(&t);
    frame.len = 0;
    put_int(&frame, UINT32_MAX, 4); /* no size */
    put_int(&frame, 0, 8);
    send_frame(&t, 1);
    answer(&t, &two);
    expect(&t, "");
    pt_conn_close(t.conn, &(struct pt_packet_ref){ 0 });
    assert_int_equal(pt_parser_conn_rows(t.parser, &rows), 1);
    assert_int_equal(rows[0].kind, PT_CONN_UNDECIDED);
    t.conn = pt_conn_open(t.parser, PT_CLUSTER_SOURCE, &(struct pt_endpoint){ .port = 1 },
                          &(struct pt_endpoint){ .port = PORT }, 0);
    tap_close(&t, 3, 0);
}

/* Requests that come from here after all, as on a link that the other side began. */
static void test_asks_after_all(void **state)
{
    const struct pt_parser_stats *s;
    struct tap t;
    size_t start;

    (void)state;
    tap_open(&t, 100, &pt_parser_cfg_default);
    greet(&t);
    s = pt_parser_stats(t.parser);
    frame.len = 0;
    put_int(&frame, 0, 4);
    start = frame.len;
    put_int(&frame, 3u << 16, 4); /* Metadata */
    put_int(&frame, 1, 4);
    put_int(&frame, 8, 2);
    put(&frame, "linker-1", 8);
    put_int(&frame, 0, 4);
    end_frame(start);
    send_frame(&t, 1);
    send_frame(&t, 1);
    assert_int_equal(s->requests, 2);
    tap_close(&t, 1, 0);
}

/* Metadata: what gives a topic its id. */
struct metadata {
    int version;
    uint32_t port;
    uint8_t id;
    const char *topic;
};

static void put_text(const char *s)
{
    put_int(&frame, strlen(s) + 1, 1);
    put(&frame, s, strlen(s));
}

static void put_metadata(const struct metadata *m)
{
    const uint8_t id[16] = { m->id };
    size_t start;

    frame.len = 0;
    start = begin_frame(3);
    put_int(&frame, 0, 1 + 4); /* tags, throttle time */
    put_int(&frame, 2, 1);
    put_int(&frame, 1, 4);
    put_text("broker-1");
    put_int(&frame, m->port, 4);
    put_int(&frame, 0, 1 + 1); /* rack, tags */
    put_text("cluster");
    put_int(&frame, 1, 4);
    put_int(&frame, 2, 1);
    put_int(&frame, 0, 2);
    put_text(m->topic);
    if (m->version >= 10)
        put(&frame, id, 16);
    put_int(&frame, 0, 1);
    put_int(&frame, 2, 1);
    put_int(&frame, 0, 2);
    put_int(&frame, 0, 4);
    put_int(&frame, 1, 4);
    put_int(&frame, 7, 4);
    for (int i = 0; i < 2; i++) { /* replicas, in sync */
        put_int(&frame, 2, 1);
        put_int(&frame, 1, 4);
    }
    put_int(&frame, 1, 1);
    put_int(&frame, 0, 1);
    put_int(&frame, 0x80000000u, 4);
    put_int(&frame, 0, 1);
    if (m->version <= 10)
        put_int(&frame, 0x80000000u, 4);
    if (m->version >= 13)
        put_int(&frame, 0, 2);
    put_int(&frame, 0, 1);
    end_frame(start);
}

static void test_names(void **state)
{
    static const struct {
        const char *why;
        struct metadata m;
        unsigned more; /* bytes behind it */
        const char *log;
    } row[] = {
        { "no ids yet", { 9, PORT, 9, TOPIC }, 0, "" },
        { "version 10", { 10, PORT, 9, TOPIC }, 0, " id" },
        { "version 11", { 11, PORT, 9, TOPIC }, 0, " id" },
        { "version 12", { 12, PORT, 9, TOPIC }, 0, " id" },
        { "version 13", { 13, PORT, 9, TOPIC }, 0, " id" },
        { "another broker's port", { 12, PORT + 1, 9, TOPIC }, 0, "" },
        { "no id", { 12, PORT, 0, TOPIC }, 0, "" },
        { "no name", { 12, PORT, 9, "a topic" }, 0, "" },
        { "a byte too many", { 12, PORT, 9, TOPIC }, 1, "" },
    };

    (void)state;
    assert_int_equal(pt_api_max_version(PT_API_METADATA), 13);
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++)
        for (size_t step = 1; step < 200; step += 99) {
            struct tap t;

            print_message("%s\n", row[i].why);
            tap_open(&t, step, &pt_parser_cfg_default);
            put_metadata(&row[i].m);
            put_int(&frame, 0, row[i].more);
            end_frame(4);
            send_frame(&t, 1);
            expect(&t, row[i].log);
            tap_close(&t, 1, *row[i].log != 0);
        }
}

/*
 * The same bytes as version 5, and as version 4, which has no log start:
 *
 *   5: 0 | .. | start | no aborted, len 12 | a batch cut off | 1 | .. hw .. | start | no aborted ..
 *   4: 0 | .. | no aborted, len 28         |  of one cut off |          3 | .. | hw | no aborted ..
 *
 * Both end with the frame, and with the same batch: in partition 1, or in 3.
 */
static void test_read_two_ways(void **state)
{
    size_t start;
    struct tap t;

    (void)state;
    frame.len = 0;
    start = begin_frame(2);
    put_int(&frame, 0, 4); /* throttle time */
    put_int(&frame, 1, 4);
    put_topic(5, TOPIC);
    put_int(&frame, 2, 4);
    put_int(&frame, 0, 4 + 2); /* partition 0, no error */
    put_int(&frame, 1000, 8);
    put_int(&frame, 1000, 8);
    put_int(&frame, 28, 8); /* log start; no aborted ones, and a length */
    put_int(&frame, 0, 4);
    put_int(&frame, 12, 4);
    put_int(&frame, 1ull << 52, 8); /* an offset; its upper half a length */
    put_int(&frame, 1u << 30, 4);
    put_int(&frame, 1, 4); /* partition 1, no error */
    put_int(&frame, 0, 2);
    put_int(&frame, 3u << 16, 8); /* high watermark; partition 3, no error */
    put_int(&frame, 3u << 16, 8);
    put_int(&frame, 0, 8);
    put_int(&frame, 0, 4);
    put_int(&frame, 69, 4);
    put_one(20);
    end_frame(start);
    tap_open(&t, 60000, &pt_parser_cfg_default);
    send_frame(&t, 1);
    expect(&t, "");
    tap_close(&t, 1, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_version),  cmocka_unit_test(test_where_it_begins),
        cmocka_unit_test(test_holes),          cmocka_unit_test(test_not_kafka),
        cmocka_unit_test(test_asks_after_all), cmocka_unit_test(test_names),
        cmocka_unit_test(test_read_two_ways),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
