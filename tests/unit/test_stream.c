/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream stage, one rule a row. A row is a list of segments and the events that must come out,
 * both written by hand from TCP's rules, and how some counters must stand. After every row the
 * counters must add up and no memory may be left.
 *
 * Segments: "TIME SIDE FLAGS SEQ ACK PAYLOAD [miss=N] [id=N]; ...", TIME in ms, SIDE A or B (X:
 * some other connection's RST: only time passes; Y, Z: other connections), FLAGS of S F R or '.',
 * ACK or PAYLOAD '-': none. Events: "open A:text A-7 A? A~3 close": bytes, a hole of 7, one of
 * unknown length, a snap-length cut; '|' is the end of the capture.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "tests/unit/stream_util.h"

#define HANDSHAKE "0 A S 99 - -;0 B S 499 100 -;0 A . 100 500 -;"

struct row {
    const char *why;
    const char *segments;
    const char *events;
    const char *counters; /* "name=value ..." */
};

static const struct row rows[] = {
    { "a whole connection, lent straight from the packets",
      HANDSHAKE
      "1 A . 100 500 req;2 B . 500 103 resp;3 A F 103 504 -;4 B F 504 104 -;4 A . 104 505 -",
      "open A:req B:resp close |",
      "in_order_bytes=7 flows=1 flows_midstream=0 flows_empty=0 segments=8 holes=0" },
    { "mirror copies change nothing, and a second copy of a FIN starts no flow",
      HANDSHAKE
      "0 A . 100 500 - ;1 A . 100 500 req id=7;1.003 A . 100 500 req id=7;2 B . 500 103 resp id=8;"
      "2.001 B . 500 103 resp id=8;3 A F 103 504 - id=9;3 A F 103 504 - id=9;4 B F 504 104 - id=3;"
      "4 B F 504 104 - id=3;4 A . 104 505 - id=4;4 A . 104 505 - id=4",
      "open A:req B:resp close |",
      "segments_copies=6 copied_bytes=7 retransmitted_bytes=0 flows=1" },
    { "the same bytes with another IP id are a retransmission",
      HANDSHAKE "1 A . 100 500 req id=7;2 A . 100 500 req id=8", "open A:req | close",
      "segments_copies=0 retransmitted_bytes=3" },
    { "the same packet after 10 ms is no mirror copy",
      HANDSHAKE "1 A . 100 500 req id=7;12 A . 100 500 req id=7", "open A:req | close",
      "segments_copies=0 retransmitted_bytes=3" },
    { "unnumbered packets: copies within 1 ms only",
      HANDSHAKE "1 A . 100 500 req;1.5 A . 100 500 req;5 A . 100 500 req", "open A:req | close",
      "segments_copies=1 copied_bytes=3 retransmitted_bytes=3" },
    { "two segments swapped", HANDSHAKE "1 A . 103 500 two;2 A . 100 500 one",
      "open A:one A:two | close", "in_order_bytes=3 reordered_bytes=3 holes=0" },
    { "effect before cause: the response waits for its request",
      HANDSHAKE "1 B . 500 103 resp;1.01 A . 100 500 req", "open A:req B:resp | close", "holes=0" },
    { "a lost request, acknowledged by its response, is a hole of exactly its length after the "
      "hold-off",
      HANDSHAKE "1 B . 500 103 resp;200 X . 0 - -;201.1 X . 0 - -", "open A-3 B:resp | close",
      "holes=1 hole_bytes=3" },
    { "not before the hold-off has passed: the data comes just in time",
      HANDSHAKE "1 B . 500 103 resp;201 X . 0 - -;201 A . 100 500 req", "open A:req B:resp | close",
      "holes=0" },
    { "the flow's own packets do not shorten the hold-off",
      HANDSHAKE "1 B . 500 103 resp;100 B . 504 103 more;150 A . 100 500 req",
      "open A:req B:resp B:more | close", "holes=0" },
    { "a retransmission seen before its original: the original tells what its bytes depend on",
      HANDSHAKE "1 A . 100 504 req id=2;1.1 A . 100 500 req id=1;2 B . 500 103 resp",
      "open A:req B:resp | close", "retransmitted_bytes=3 holes=0" },
    { "a hole in the middle, proven by an empty acknowledgement",
      HANDSHAKE
      "1 A . 100 500 one;2 A . 106 500 three;3 B . 500 111 -;203 X . 0 - -;203.1 X . 0 - -",
      "open A:one A-3 A:three | close", "holes=1 hole_bytes=3" },
    { "unacknowledged: the sender may repeat it, for as long as patience lasts",
      HANDSHAKE "1 A . 103 500 two;1900 A . 100 500 one", "open A:one A:two | close", "holes=0" },
    { "unacknowledged and never repeated", HANDSHAKE "1 A . 103 500 two;2002 X . 0 - -",
      "open A-3 A:two | close", "holes=1" },
    { "a missing 64 KB segment that is acknowledged in parts is one hole",
      HANDSHAKE "1 B . 500 1100 -;50 B . 500 2100 -;150 A . 2100 500 next;450 X . 0 - -;",
      "open A-2000 A:next | close", "holes=1 hole_bytes=2000" },
    { "bytes after their hole are late, not doubled",
      HANDSHAKE "1 B . 500 103 resp;300 X . 0 - -;301 A . 100 500 req", "open A-3 B:resp | close",
      "late_bytes=3 retransmitted_bytes=0" },
    { "many gaps do not queue up: all that was acknowledged at one time is given up at one time",
      HANDSHAKE "1 A . 101 500 a;1 A . 103 500 b;1 A . 105 500 c;1 B . 500 106 -;202 X . 0 - -;",
      "open A-1 A:a A-1 A:b A-1 A:c | close", "holes=3" },
    { "other connections' packets let time pass, the flow's own as well",
      HANDSHAKE "1 A . 103 500 two;2 B . 500 106 -;300 B . 500 106 xyz",
      "open A-3 A:two B:xyz | close", "holes=1" },
    { "the end of the capture resolves what waits", HANDSHAKE "1 A . 103 500 two;2 B . 500 106 yes",
      "| open A-3 A:two B:yes close", "holes=1" },
    { "mid-connection: the start is held, an earlier segment moves it back, then the unknown is "
      "told",
      "0 A . 1003 700 two;1 A . 1000 700 one;2 B . 700 1006 yes;201 X . 0 - -;203 X . 0 - -",
      "open A? A:one A:two B? B:yes | close", "flows_midstream=1 holes=0" },
    { "mid-connection: what comes behind its hold-off and before its start is not followed",
      "0 A . 1003 700 two;201 A . 1000 700 one;", "open A? A:two | close",
      "retransmitted_bytes=3 flows_one_sided=1" },
    { "mid-connection: a hole right behind the start, which an empty segment told",
      "0 A . 1000 700 -;1 A . 1004 700 two;2 B . 700 1007 -;300 X . 0 - -",
      "open A? A-4 A:two | close", "holes=1" },
    { "mid-connection: a first segment that is a keep-alive is no missing byte",
      "0 A . 999 700 -;1 A . 1000 700 one;2 B . 700 1003 -;300 X . 0 - -", "open A? A:one | close",
      "holes=0" },
    { "mid-connection: a late SYN fixes the start after all",
      "0 A . 100 500 req;0.1 B S 499 100 -;0.2 A S 99 - -;0.3 B . 500 103 resp",
      "open A:req B:resp | close", "flows_midstream=0" },
    { "a SYN that comes when its first bytes were given up already starts no other connection",
      "0 A S 99 - -;0.1 A . 100 500 one;0.2 A . 103 505 two;0.3 B . 500 103 resp1;0.4 B S 499 100 "
      "-;"
      "0.5 B . 505 106 resp2",
      "open A:one A:two B? B:resp2 | close", "flows=1 retransmitted_bytes=5" },
    { "only the SYN-ACK was missed: its side starts unknown",
      "0 A S 99 - -;1 A . 100 500 req;2 B . 500 103 resp;300 X . 0 - -",
      "open A:req B? B:resp | close", "flows_midstream=0 holes=0" },
    { "one direction only: never wait for a side that was not seen",
      "0 A S 99 - -;1 A . 100 900 one;2 A . 103 950 two", "open A:one A:two | close",
      "flows_one_sided=1" },
    { "one direction only: a gap is given up when patience ends",
      "0 A S 99 - -;1 A . 100 900 one;2 A . 105 950 two;2003 X . 0 - -",
      "open A:one A-2 A:two | close", "holes=1" },
    { "one direction only: its FIN ends the flow when the other did not show up",
      "0 A S 99 - -;1 A . 100 900 one;2 A F 103 950 -;2003 X . 0 - -", "open A:one close |", "" },
    { "a side that shows up late does not tell what was answered already",
      "0 A S 99 - -;1 A . 100 510 one;2 B . 500 103 0123456789ab;210 X . 0 - -",
      "open A:one B? B:ab | close", "retransmitted_bytes=10" },
    { "overlapping retransmission: only the new part comes out",
      HANDSHAKE "1 A . 100 500 abcd;2 A . 102 500 cdef", "open A:abcd A:ef | close",
      "retransmitted_bytes=2 in_order_bytes=6" },
    { "a coalesced retransmission covers what waits",
      HANDSHAKE "1 A . 103 500 def;2 A . 100 500 abcdefgh;3 A . 108 500 ij",
      "open A:abcdefgh A:ij | close", "retransmitted_bytes=3 overlaps_differ=0" },
    { "overlaps with other bytes are counted",
      HANDSHAKE "1 A . 103 500 def;1 A . 105 500 XYZ;2 A . 100 500 abcdE",
      "open A:abcdE A:f A:YZ | close", "overlaps_differ=2 retransmitted_bytes=3" },
    { "keep-alives, empty and of one byte",
      HANDSHAKE "1 A . 100 500 req;2 B . 500 103 ok;50 A . 102 502 -;51 B . 502 103 -;60 A . 102 "
                "502 z;61 B . 502 103 -",
      "open A:req B:ok | close", "keepalives=2 retransmitted_bytes=1 holes=0" },
    { "a zero window and its probe: the byte that did not fit comes again",
      HANDSHAKE "1 A . 100 500 abc;2 B . 500 103 -;3 A . 103 500 d;4 B . 500 103 -;500 A . 103 500 "
                "def;501 B . 500 106 -",
      "open A:abc A:d A:ef | close", "holes=0 retransmitted_bytes=1" },
    { "the sequence wraps",
      "0 A S 4294967292 - -;0 B S 4294967290 4294967293 -;1 A . 4294967293 4294967291 abcdef;"
      "2 B . 4294967291 3 uvwxyz;3 A . 6 1 ij;3 A . 3 1 ghi;4 B . 1 8 !;5 A F 8 2 -;6 B F 2 9 -",
      "open A:abcdef B:uvwxyz A:ghi A:ij B:! close |", "holes=0" },
    { "a hole across the wrap",
      "0 A S 4294967292 - -;0 B S 4294967290 4294967293 -;1 A . 5 4294967291 abc;2 B . 4294967291 "
      "8 -;300 X . 0 - -",
      "open A-8 A:abc | close", "hole_bytes=8" },
    { "data with the SYN", "0 A S 99 - hi;0 B S 499 102 -;1 A . 102 500 you",
      "open A:hi A:you | close", "" },
    { "data with the SYN, refused by the server and sent again",
      "0 A S 99 - hi;0 B S 499 100 -;1 A . 100 500 hiyou", "open A:hi A:you | close",
      "retransmitted_bytes=2" },
    { "a SYN again is no new connection",
      "0 A S 99 - -;1000 A S 99 - - id=4;1001 B S 499 100 -;1002 A . 100 500 req",
      "open A:req | close", "flows=1" },
    { "port reuse: what waits is resolved, then a new connection begins",
      HANDSHAKE "1 A . 103 500 two;5 A S 70000 - -;5 B S 900 70001 -;6 A . 70001 901 new",
      "open A-3 A:two close open A:new | close", "flows=2" },
    { "port reuse after an orderly end",
      HANDSHAKE "1 A . 100 500 req;2 A F 103 500 -;2 B F 500 104 -;3 A . 104 501 -;5 A S 70000 - -;"
                "5 B S 900 70001 -;6 A . 70001 901 new",
      "open A:req close open A:new | close", "flows=2" },
    { "port reuse whose SYN was missed: data that is no straggler",
      HANDSHAKE
      "1 A . 100 500 req;2 A F 103 500 -;2 B F 500 104 -;3 A . 104 501 -;5 A . 900000000 7000 new;"
      "6 B . 7000 900000003 yes;300 X . 0 - -",
      "open A:req close open A? A:new B? B:yes | close", "flows=2" },
    { "stragglers of a closed flow start no new one, and are forgotten with it",
      HANDSHAKE
      "1 A . 100 500 req;2 A F 103 500 -;2 B F 500 104 -;3 A . 104 501 -;1000 A . 100 500 req;"
      "1001 B F 500 104 - id=77;1002 A R 104 - -",
      "open A:req close |",
      "flows=1 retransmitted_bytes=3 stale_bytes=0 resets=0 payload_bytes=6" },
    { "RST ends both sides a hold-off later, so that what the mirror delivers late still counts",
      HANDSHAKE
      "1 A . 100 500 req;2 A R 103 - - id=5;3 B . 500 103 resp;203 X . 0 - -;210 B . 504 103 zz",
      "open A:req B:resp close | open B? B:zz close", "resets=1 flows=2" },
    { "a refused connection", "0 A S 99 - -;1 B R 0 100 -;300 X . 0 - -", "open close |",
      "resets=1 flows_empty=1" },
    { "an RST of nothing, and a lone FIN, start no flow", "0 A R 99 - -;1 A F 70 60 -", "|",
      "segments_refused=2 flows=0" },
    { "an RST outside the window is not believed",
      HANDSHAKE "1 A R 2000000000 - -;500 A . 100 500 req", "open A:req | close", "resets=0" },
    { "a connection without payload is told only when it ends", "0 A S 99 - -", "| open close",
      "flows_empty=1 flows_one_sided=1" },
    { "one side closes, the other goes on",
      HANDSHAKE "1 A F 100 500 req;2 B . 500 104 resp;3000 B . 504 104 more;3001 B F 508 104 "
                "-;3002 A . 104 509 -",
      "open A:req B:resp B:more close |", "" },
    { "a FIN that was missed, but acknowledged, is no missing byte",
      HANDSHAKE
      "1 A . 100 500 req;2 B . 500 103 resp;3 A F 103 504 -;4 A . 104 505 -;300 X . 0 - -",
      "open A:req B:resp close |", "holes=0" },
    { "the same, while the other side stays open: what acknowledges it is not held up for good",
      HANDSHAKE "1 B . 500 100 resp;2 A . 100 505 more;300 X . 0 - -;400 A . 104 505 still",
      "open B:resp A:more A:still | close", "holes=0" },
    { "data and FIN missed together: the FIN is not counted",
      HANDSHAKE "1 A F 100 500 -;4 A . 101 508 -;300 X . 0 - -", "open B-7 close |",
      "hole_bytes=7" },
    { "one missing byte that proves to be one", HANDSHAKE "1 B . 500 101 -;300 A . 101 500 z",
      "open A-1 A:z | close", "hole_bytes=1" },
    { "data beyond the FIN is not followed",
      HANDSHAKE "1 A . 103 500 zzz;2 A F 100 500 abc;3 A . 103 500 qq", "open A:abc | close",
      "stale_bytes=5" },
    { "a FIN proves that what lies before it was sent",
      HANDSHAKE "1 A F 105 500 -;2 B F 500 106 -;300 X . 0 - -", "open A-5 close |", "" },
    { "the snap length cut a segment: a hole behind what is there",
      HANDSHAKE "1 A . 100 500 abc miss=7;2 A . 110 500 def", "open A:abc A~7 A:def | close",
      "truncated_bytes=7 hole_bytes=7 holes=1" },
    { "the same, out of order, and with nothing of it there",
      HANDSHAKE "1 A . 110 500 x miss=2;2 A . 105 500 - miss=5;3 A . 100 500 abcde;4 A . 113 500 y",
      "open A:abcde A~5 A:x A~2 A:y | close", "truncated_bytes=7 holes=2" },
    { "a cut segment and its copy",
      HANDSHAKE "1 A . 100 500 abc miss=7 id=3;1.1 A . 100 500 abc miss=7 id=3",
      "open A:abc A~7 | close", "segments_copies=1 truncated_bytes=7" },
    { "nothing but cut segments", "0 A S 99 - -;1 A . 100 500 - miss=9", "open A~9 | close",
      "truncated_bytes=9" },
    { "one stray segment is stale", HANDSHAKE "1 A . 3000000000 500 zz;2 A . 100 500 req",
      "open A:req | close", "stale_bytes=2" },
    { "two that join are another connection",
      HANDSHAKE "1 A . 3000000000 500 zz;2 A . 3000000002 500 yy;300 X . 0 - -",
      "open close open A? A:yy | close", "stale_bytes=2 flows=2" },
    { "a retransmission acknowledges more than its bytes depend on: the pair does not lock up",
      HANDSHAKE "1 B . 500 103 resp;50 A . 100 504 req;", "open A:req B:resp | close", "holes=0" },
    { "a nonsense acknowledgement blocks nothing", HANDSHAKE "1 A . 100 2500000000 req",
      "open A:req | close", "" },
    { "idle: closed and forgotten",
      HANDSHAKE "1 A . 100 500 req;1200002 X . 0 - -;1200003 A . 103 500 more",
      "open A:req close | open A? A:more close", "flows_evicted=1" },
    { "time that goes back is ignored", HANDSHAKE "5 A . 103 500 two;1 A . 100 500 one",
      "open A:one A:two | close", "" },
};

struct run {
    char text[512];
    uint64_t pushed;
    uint64_t order;
};

static void add(struct run *r, const char *fmt, ...)
{
    size_t n = strlen(r->text);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(r->text + n, sizeof(r->text) - n, fmt, ap);
    va_end(ap);
}

static void pull(struct pt_streams *s, struct run *r)
{
    struct pt_stream_event ev;

    while (pt_streams_next(s, &ev)) {
        bool from_a = (ev.side == 0) == (ev.a->ip[15] == 1);
        char side = from_a ? 'A' : 'B';

        if (ev.a->ip[15] > 2)
            continue;
        if (r->text[0])
            add(r, " ");
        if (ev.kind == PT_STREAM_OPEN)
            add(r, "open");
        else if (ev.kind == PT_STREAM_CLOSE)
            add(r, "close");
        else if (ev.kind == PT_STREAM_BYTES)
            add(r, "%c:%.*s", side, (int)ev.len, (const char *)ev.data);
        else if (!ev.len)
            add(r, "%c?", side);
        else
            add(r, "%c%c%d", side, ev.reason == PT_LOST_TRUNCATED ? '~' : '-', (int)ev.len);
    }
}

static void push(struct pt_streams *s, struct run *r, const char *line)
{
    char flags[8];
    char ack[16];
    char payload[64] = "-";
    struct pt_segment seg = { 0 };
    struct pt_packet_ref at = { .order = ++r->order };
    const char *opt;
    double ms;
    char side;

    assert_true(sscanf(line, " %lf %c %7s %u %15s %63s", &ms, &side, flags, &seg.seq, ack,
                       payload) >= 5);
    at.time_ns = (int64_t)(ms * 1e6) + 1000000000;
    seg.src = stream_endpoint(side == 'A'   ? 1
                              : side == 'B' ? 2
                                            : (uint8_t)side,
                              side == 'B' ? 9092 : 40000);
    seg.dst = stream_endpoint(side == 'A' ? 2 : side == 'B' ? 1 : 4, side == 'B' ? 40000 : 9092);
    seg.flags = (uint8_t)((strchr(flags, 'S') ? PT_TCP_SYN : 0) |
                          (strchr(flags, 'F') ? PT_TCP_FIN : 0) |
                          (strchr(flags, 'R') ? PT_TCP_RST : 0) | (ack[0] != '-' ? PT_TCP_ACK : 0));
    if (side == 'X')
        seg.flags = PT_TCP_RST;
    seg.ack = (uint32_t)strtoul(ack, NULL, 10);
    if (payload[0] != '-')
        seg.pay_len = (uint32_t)strlen(payload);
    seg.pay = (const uint8_t *)payload;
    opt = strstr(line, "miss=");
    seg.pay_missing = opt ? (uint32_t)atoi(opt + 5) : 0;
    opt = strstr(line, "id=");
    seg.ip_id = opt ? (uint16_t)atoi(opt + 3) : 0;
    r->pushed += seg.pay_len;
    pt_streams_push(s, &seg, &at);
    pull(s, r);
    assert_true(stream_sums_hold(pt_streams_stats(s), r->pushed));
}

/* Returns how many counters are not as wanted. */
static int check_counters(const struct pt_stream_stats *st, const char *want)
{
    static const struct {
        const char *name;
        size_t off;
    } list[] = {
#define X(name, help) { #name, offsetof(struct pt_stream_stats, name) },
        PT_STREAM_COUNTERS(X)
#undef X
    };
    char name[32];
    unsigned long long value;
    int bad = 0;
    int used;

    for (; sscanf(want, " %31[a-z_]=%llu%n", name, &value, &used) == 2; want += used) {
        bool found = false;

        for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
            uint64_t have;

            if (strcmp(list[i].name, name))
                continue;
            found = true;
            memcpy(&have, (const char *)st + list[i].off, sizeof(have));
            if (have != value) {
                print_message("  %s is %llu, not %llu\n", name, (unsigned long long)have, value);
                bad++;
            }
        }
        assert_true(found);
    }
    assert_true(!*want);
    return bad;
}

static void test_rules(void **state)
{
    int bad = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct run r = { 0 };
        struct pt_streams *s;
        struct pt_mem mem;
        char *script = strdup(rows[i].segments);

        pt_mem_init(&mem, 64 << 20);
        assert_int_equal(pt_streams_open(&mem, &pt_streams_cfg_default, &s), 0);
        for (char *save, *line = strtok_r(script, ";", &save); line;
             line = strtok_r(NULL, ";", &save))
            push(s, &r, line);
        add(&r, r.text[0] ? " |" : "|");
        pt_streams_finish(s);
        pull(s, &r);
        if (strcmp(r.text, rows[i].events) ||
            check_counters(pt_streams_stats(s), rows[i].counters)) {
            print_message("%s\n  came: %s\n  want: %s\n", rows[i].why, r.text, rows[i].events);
            bad++;
        }
        assert_true(stream_sums_hold(pt_streams_stats(s), r.pushed));
        assert_int_equal(pt_streams_stats(s)->waiting_bytes, 0);
        pt_streams_close(s);
        assert_int_equal(mem.used_sz, 0);
        free(script);
    }
    assert_int_equal(bad, 0);
}

/* One row with its own bounds. */
static void run_bounded(const struct pt_streams_cfg *cfg, uint64_t memory, const char *segments,
                        const char *events, const char *counters)
{
    struct run r = { 0 };
    struct pt_streams *s;
    struct pt_mem mem;
    char *script = strdup(segments);

    pt_mem_init(&mem, memory);
    assert_int_equal(pt_streams_open(&mem, cfg, &s), 0);
    for (char *save, *line = strtok_r(script, ";", &save); line; line = strtok_r(NULL, ";", &save))
        push(s, &r, line);
    add(&r, r.text[0] ? " |" : "|");
    pt_streams_finish(s);
    pull(s, &r);
    assert_string_equal(r.text, events);
    assert_int_equal(check_counters(pt_streams_stats(s), counters), 0);
    pt_streams_close(s);
    assert_int_equal(mem.used_sz, 0);
    free(script);
}

/* What was seen is never thrown away: when it cannot wait, what it waits for is given up. */
static void test_full_store(void **state)
{
    struct pt_streams_cfg cfg = pt_streams_cfg_default;

    (void)state;
    cfg.flow_max = 4;
    cfg.store_flow_max = 2048; /* two pieces */
    run_bounded(&cfg, 1 << 20,
                HANDSHAKE
                "1 A . 101 500 b;1 A . 103 500 d;1 A . 105 500 f;1 A . 107 500 h;2 A . 100 500 a",
                "open A-1 A:b A-1 A:d | A-1 A:f A-1 A:h close",
                "cut_short=2 late_bytes=0 retransmitted_bytes=1 holes=4");
    cfg.store_flow_max = 100; /* none */
    run_bounded(&cfg, 1 << 20, HANDSHAKE "1 A . 101 500 b;2 B . 500 104 resp;3 A . 104 500 z",
                "open A-1 A:b A-2 B:resp A:z | close", "holes=2 reordered_bytes=0");
    run_bounded(&cfg, 1 << 20, "1 A . 101 500 b;2 B . 500 102 resp;3 A . 102 500 z",
                "open A? A:b B? B:resp A:z | close", "holes=0 flows_midstream=1");
    cfg.store_flow_max = 1 << 20;
    cfg.store_max = 1024; /* one piece in all */
    run_bounded(&cfg, 1 << 20, HANDSHAKE "1 A . 101 500 b;2 B . 500 103 resp;3 A . 102 500 z",
                "open A-1 A:b A:z B:resp | close", "late_bytes=0 cut_short=1");
}

/* The table is full: the longest idle flow goes. */
static void test_full_table(void **state)
{
    struct pt_streams_cfg cfg = pt_streams_cfg_default;

    (void)state;
    cfg.flow_max = 1;
    run_bounded(&cfg, 1 << 20, HANDSHAKE "1 A . 101 500 b;2 Y . 0 - -;3 A . 102 500 z",
                "open A-1 A:b close | open A? A:z close", "flows_evicted=2 flows=3");
    /* But not one that works, as long as there are others: both sides have sent something, and it
     * was acknowledged. */
    cfg.flow_max = 2;
    run_bounded(&cfg, 1 << 20,
                HANDSHAKE "1 A . 100 500 a;1 B . 500 101 b;2 Y S 0 - -;3 Z S 0 - -;4 A . 101 501 c",
                "open A:a B:b A:c | close", "flows_evicted=1 flows=3");
    run_bounded(&cfg, 1 << 20,
                HANDSHAKE "1 A . 100 500 a;1 B . 500 100 b;2 Y S 0 - -;3 Z S 0 - -;4 A . 101 501 c",
                "open A:a B:b close | open A? A:c close", "flows_evicted=2 flows=4");
    cfg.flow_max = 1;
    /* A closed one gives way unseen. */
    run_bounded(&cfg, 1 << 20, HANDSHAKE "1 A F 100 500 -;1 B F 500 101 -;2 Y . 0 - -",
                "open close |", "flows_evicted=0 flows=2");
}

/* A million half-open connections cost what they may, and the refusal of memory is no crash. */
static void test_half_open(void **state)
{
    struct pt_streams_cfg cfg = pt_streams_cfg_default;
    struct pt_stream_event ev;
    struct pt_streams *s;
    struct pt_mem mem;
    uint64_t used;

    (void)state;
    pt_mem_init(&mem, 16 << 20);
    assert_int_equal(pt_streams_open(&mem, &cfg, &s), 0);
    used = mem.used_sz;
    for (uint32_t i = 0; i < 40000; i++) {
        struct pt_segment seg = { .src = stream_endpoint(1, (uint16_t)i),
                                  .dst = stream_endpoint(2, 9092),
                                  .flags = PT_TCP_SYN,
                                  .seq = i };
        struct pt_packet_ref at = { .order = i, .time_ns = i };

        pt_streams_push(s, &seg, &at);
        while (pt_streams_next(s, &ev))
            ;
        if (i == 9999)
            assert_true((mem.used_sz - used) / 10000 <= 512);
    }
    assert_int_equal(pt_streams_stats(s)->segments_refused, 0);
    assert_true(pt_streams_stats(s)->flows_evicted > 0);
    pt_streams_close(s);
    assert_int_equal(mem.used_sz, 0);
    pt_mem_init(&mem, 1000);
    assert_true(pt_streams_open(&mem, &cfg, &s) < 0);
    assert_int_equal(mem.used_sz, 0);
    cfg.flow_max = 0;
    pt_mem_init(&mem, 1 << 20);
    assert_true(pt_streams_open(&mem, &cfg, &s) < 0);
}

/* The owner's pointer, the endpoints, the initiator and the packets that events name. */
static void test_event_fields(void **state)
{
    struct pt_endpoint cli = stream_endpoint(1, 40000);
    struct pt_endpoint srv = stream_endpoint(2, 9092);
    const struct pt_segment segs[] = {
        { .src = srv, .dst = cli, .flags = PT_TCP_SYN | PT_TCP_ACK, .seq = 499, .ack = 100 },
        { .src = cli,
          .dst = srv,
          .flags = PT_TCP_ACK,
          .seq = 103,
          .ack = 500,
          .pay_len = 2,
          .pay = (const uint8_t *)"de" },
        { .src = srv, .dst = cli, .flags = PT_TCP_ACK, .seq = 500, .ack = 105 },
    };
    struct pt_stream_event ev;
    struct pt_streams *s;
    struct pt_mem mem;
    int owner;

    (void)state;
    pt_mem_init(&mem, 64 << 20);
    assert_int_equal(pt_streams_open(&mem, &pt_streams_cfg_default, &s), 0);
    for (uint64_t i = 0; i < 3; i++) {
        struct pt_packet_ref at = {
            .order = i + 10, .time_ns = (int64_t)i, .packet = i + 1, .input = 3
        };

        pt_streams_push(s, &segs[i], &at);
        assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_NONE);
    }
    pt_streams_finish(s);
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_OPEN);
    assert_memory_equal(ev.a, &srv, sizeof(srv));
    assert_memory_equal(ev.b, &cli, sizeof(cli));
    assert_int_equal(ev.initiator, 1);
    assert_null(*ev.user);
    *ev.user = &owner;
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_HOLE);
    assert_int_equal(ev.side, 1);
    assert_int_equal(ev.len, 0);
    assert_int_equal(ev.reason, PT_LOST_TAP_GAP);
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_BYTES);
    assert_int_equal(ev.at.order, 11);
    assert_int_equal(ev.at.packet, 2);
    assert_int_equal(ev.at.input, 3);
    assert_ptr_equal(*ev.user, &owner);
    assert_memory_equal(ev.data, "de", 2);
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_CLOSE);
    assert_ptr_equal(*ev.user, &owner);
    assert_int_equal(ev.at.order, 12);
    assert_int_equal(ev.flow, 10);       /* the packet that began it */
    assert_int_equal(ev.lost->holes, 0); /* what was before the start is no hole */
    assert_false(ev.one_way);
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_NONE);
    pt_streams_close(s);
    assert_int_equal(mem.used_sz, 0);
}

/* What a flow has lost is told with it, and of which only one side was seen. */
static void test_loss(void **state)
{
    const struct pt_endpoint cli = stream_endpoint(1, 40000);
    const struct pt_endpoint srv = stream_endpoint(2, 9092);
    const struct pt_segment segs[] = {
        { .src = srv, .dst = cli, .flags = PT_TCP_SYN | PT_TCP_ACK, .seq = 499, .ack = 100 },
        { .src = srv,
          .dst = cli,
          .flags = PT_TCP_ACK,
          .seq = 510,
          .pay_len = 2,
          .pay_missing = 5,
          .pay = (const uint8_t *)"de" },
    };
    struct pt_stream_event ev;
    struct pt_streams *s;
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 64 << 20);
    assert_int_equal(pt_streams_open(&mem, &pt_streams_cfg_default, &s), 0);
    for (uint64_t i = 0; i < 2; i++) {
        struct pt_packet_ref at = { .order = i + 10, .time_ns = (int64_t)i };

        pt_streams_push(s, &segs[i], &at);
        assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_NONE);
    }
    pt_streams_finish(s);
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_OPEN);
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_HOLE);
    assert_int_equal(ev.len, 10);
    assert_int_equal(ev.flow, 10);
    assert_int_equal(ev.lost->bytes[0], 10);
    assert_int_equal(ev.lost->holes, 1);
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_BYTES);
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_HOLE);
    assert_int_equal(ev.reason, PT_LOST_TRUNCATED);
    assert_int_equal(ev.lost->holes, 1); /* cut by the snap length: not lost by the tap */
    assert_int_equal(pt_streams_next(s, &ev), PT_STREAM_CLOSE);
    assert_true(ev.one_way);
    assert_int_equal(ev.side, 0);
    assert_int_equal(ev.len, 17);
    pt_streams_close(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),        cmocka_unit_test(test_full_store),
        cmocka_unit_test(test_full_table),   cmocka_unit_test(test_half_open),
        cmocka_unit_test(test_event_fields), cmocka_unit_test(test_loss),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
