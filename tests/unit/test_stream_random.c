/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random conversations through a bad tap. Two sides talk with acknowledgements that follow cause
 * and effect; the tap loses, doubles, delays and cuts packets, joins late, and sees
 * retransmissions; the sequence numbers wrap. What must come out is known from what the tap was
 * given, byte by byte:
 *   - a byte comes out, at its place and with its content, if and only if the tap saw it;
 *   - every other byte up to the last one known as sent is within a hole, and where whole segments
 *     were lost, holes begin and end where segments do;
 *   - no byte comes out before those that it acknowledged when it was sent first;
 *   - the counters add up, and no memory is left;
 *   - packets of other flows in between, by which time passes, change nothing.
 * PT_SEED=N repeats one seed, PT_ROUNDS=N runs more.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "tests/unit/stream_util.h"

#define STEP_MAX 300
#define SEG_MAX (STEP_MAX * 4 + 16)
#define BYTES_MAX (STEP_MAX * 1500 + 20000 * STEP_MAX / 20)

struct sent { /* a packet as the tap could see it */
    int64_t time_ns;
    int64_t tap_ns;
    uint32_t place;
    int side;
    uint32_t pos; /* stream offset, from 0 */
    uint32_t len;
    uint32_t ack; /* stream offset of the other side */
    uint16_t id;
    uint8_t flags;
    bool seen;
};

struct event {
    enum pt_stream_kind kind;
    int side;
    uint64_t len;
    uint64_t order;
};

struct world {
    uint64_t rnd;
    double loss;
    double again; /* chance of a retransmission */
    double copies;
    int64_t jitter_ns;
    uint32_t snap; /* payload bytes captured of a packet, 0: all */
    bool late;
    bool fin;
    bool causal; /* the tap shows what was first */
    uint32_t isn[2];
    struct sent seg[SEG_MAX];
    uint32_t seg_cnt;
    uint32_t total[2];
    /* of each byte */
    uint8_t seen[2][BYTES_MAX];
    uint8_t edge[2][BYTES_MAX];       /* a segment begins here */
    uint32_t first_ack[2][BYTES_MAX]; /* of the packet that carried it first */
    uint8_t came[2][BYTES_MAX];       /* 1: as bytes, 2: in a hole */
    struct event log[SEG_MAX * 4];
    uint32_t log_cnt;
};

static uint64_t rnd(struct world *w)
{
    w->rnd ^= w->rnd << 13;
    w->rnd ^= w->rnd >> 7;
    w->rnd ^= w->rnd << 17;
    return w->rnd * 0x2545f4914f6cdd1du >> 16;
}

static uint32_t below(struct world *w, uint32_t n)
{
    return (uint32_t)(rnd(w) % n);
}

static bool chance(struct world *w, double p)
{
    return (double)(rnd(w) & 0xffffff) < p * 0x1000000;
}

static uint8_t content(int side, uint32_t pos)
{
    return (uint8_t)((pos * 2654435761u >> 11) + (uint32_t)side * 77);
}

static struct sent *emit(struct world *w, int64_t time_ns, int side, uint32_t pos, uint32_t len,
                         uint32_t ack, uint8_t flags)
{
    struct sent *p = &w->seg[w->seg_cnt];

    *p = (struct sent){ .time_ns = time_ns,
                        .tap_ns = time_ns,
                        .place = w->seg_cnt,
                        .side = side,
                        .pos = pos,
                        .len = len,
                        .ack = ack,
                        .flags = flags,
                        .seen = true,
                        .id = (uint16_t)(w->seg_cnt + 1) };
    w->seg_cnt++;
    return p;
}

static void spoil(struct world *w, struct sent *p)
{
    p->tap_ns += w->jitter_ns ? (int64_t)(rnd(w) % (uint64_t)w->jitter_ns) : 0;
    p->seen = !chance(w, w->loss);
    if (w->copies > 0 && chance(w, w->copies)) {
        struct sent *q = &w->seg[w->seg_cnt];

        *q = *p;
        q->place = w->seg_cnt++;
        q->tap_ns += 3000;
        q->seen = p->seen && !chance(w, w->loss);
    }
}

static void say(struct world *w, int64_t now, int side, uint32_t ack)
{
    uint32_t len = chance(w, 0.05)  ? 2 + below(w, 20000)
                   : chance(w, 0.3) ? 1448
                                    : 2 + below(w, 1400);
    uint32_t pos = w->total[side];

    w->edge[side][pos] = 1;
    for (uint32_t i = pos; i < pos + len; i++)
        w->first_ack[side][i] = ack;
    w->total[side] += len;
    spoil(w, emit(w, now, side, pos, len, ack, PT_TCP_ACK));
}

static void make_world(struct world *w)
{
    static const double losses[] = { 0, 0.01, 0.05, 0.2 };
    static const int64_t jitters[] = { 0, 30000, 20000000 };
    uint32_t step_cnt = 20 + below(w, STEP_MAX - 20);
    uint32_t got[2] = { 0 }; /* what each side has of the other */
    int64_t now = 1700000000000000000ll;

    w->loss = losses[below(w, 4)];
    w->jitter_ns = jitters[below(w, 3)];
    w->again = chance(w, 0.5) ? 0.05 : 0;
    /* Where the tap delays by more than a round trip and the original was missed or comes last,
     * nothing tells a retransmission from its answer. */
    w->causal = !(w->again > 0 && w->jitter_ns > 100000);
    w->copies = chance(w, 0.3) ? 1 : chance(w, 0.3) ? 0.1 : 0;
    w->snap = chance(w, 0.1) ? 1 + below(w, 200) : 0;
    w->late = chance(w, 0.4);
    w->fin = chance(w, 0.5);
    w->isn[0] = chance(w, 0.5) ? (uint32_t)-1 - below(w, 30000) : (uint32_t)rnd(w);
    w->isn[1] = chance(w, 0.5) ? (uint32_t)-1 - below(w, 30000) : (uint32_t)rnd(w);
    emit(w, now, 0, 0, 0, 0, PT_TCP_SYN);
    emit(w, now + 1000, 1, 0, 0, 0, PT_TCP_SYN | PT_TCP_ACK)->seen =
            w->jitter_ns || !chance(w, w->loss);
    emit(w, now + 2000, 0, 0, 0, 0, PT_TCP_ACK);
    for (uint32_t i = 0; i < step_cnt; i++) {
        int side = (int)below(w, 2);

        now += 100000 + below(w, 2000000);
        if (chance(w, 0.7)) /* all that is under way has arrived, else nothing new */
            got[side] = w->total[!side];
        if (chance(w, 0.7))
            say(w, now, side, got[side]);
        else
            spoil(w, emit(w, now, side, w->total[side], 0, got[side], PT_TCP_ACK));
        if (chance(w, w->again) && w->seg_cnt > 10) { /* one of the last few data segments again */
            const struct sent *old = &w->seg[w->seg_cnt - 1 - below(w, 8)];
            uint32_t more = old->side == side && !w->snap && chance(w, 0.3) ? 700 : 0;

            if (old->side == side && old->len) {
                uint32_t len = old->len + more;

                if (len > w->total[side] - old->pos)
                    len = w->total[side] - old->pos;
                w->edge[side][old->pos + len] = 1;
                spoil(w, emit(w, now + 50000, side, old->pos, len, got[side], PT_TCP_ACK));
            }
        }
    }
    /* The last segments are seen, so that all that was lost before is known as sent. */
    for (int side = 0; side < 2; side++)
        emit(w, now + 30000000 + side, side, w->total[side], 0, w->total[!side],
             w->fin ? PT_TCP_ACK | PT_TCP_FIN : PT_TCP_ACK);
    if (w->late) {
        uint32_t first = below(w, w->seg_cnt - 8);

        for (uint32_t i = 0; i < first; i++)
            w->seg[i].seen = false;
    }
}

static int by_tap_time(const void *x, const void *y)
{
    const struct sent *p = x;
    const struct sent *q = y;

    if (p->tap_ns != q->tap_ns)
        return p->tap_ns < q->tap_ns ? -1 : 1;
    return p->place < q->place ? -1 : p->place > q->place;
}

static struct pt_segment to_segment(const struct world *w, const struct sent *p, uint8_t *buf)
{
    uint32_t here = w->snap && w->snap < p->len ? w->snap : p->len;

    for (uint32_t i = 0; i < here; i++)
        buf[i] = content(p->side, p->pos + i);
    return (struct pt_segment){
        .src = stream_endpoint((uint8_t)(1 + p->side), (uint16_t)(1000 + p->side)),
        .dst = stream_endpoint((uint8_t)(2 - p->side), (uint16_t)(1001 - p->side)),
        .seq = w->isn[p->side] + (p->flags & PT_TCP_SYN ? 0 : 1) + p->pos,
        .ack = w->isn[!p->side] + 1 + p->ack,
        .pay = buf,
        .pay_len = here,
        .pay_missing = p->len - here,
        .ip_id = p->id,
        .flags = p->flags,
    };
}

struct follow { /* what came out of one side */
    bool begun;
    bool lead; /* a hole of unknown length came */
    bool want_lead;
    uint32_t start; /* where it must begin */
    uint32_t next;
};

static void follow_bytes(struct world *w, struct follow f[2], int side,
                         const struct pt_stream_event *ev)
{
    const struct sent *p = &w->seg[ev->at.order];

    f[side].begun = true;
    assert_int_equal(p->side, side);
    assert_in_range(f[side].next, p->pos, p->pos + p->len);
    assert_true(f[side].next + ev->len <= p->pos + p->len);
    for (uint32_t i = 0; i < ev->len; i++) {
        uint32_t pos = f[side].next + i;

        assert_int_equal(ev->data[i], content(side, pos));
        assert_int_equal(w->came[side][pos], 0);
        w->came[side][pos] = 1;
        if (w->causal && f[!side].begun && w->first_ack[side][pos] > f[!side].next)
            fail_msg("byte %u of side %d (packet %u) came before its cause %u, at %u", pos, side,
                     (unsigned)ev->at.order, w->first_ack[side][pos], f[!side].next);
    }
    f[side].next += (uint32_t)ev->len;
}

static void follow_hole(struct world *w, struct follow f[2], int side,
                        const struct pt_stream_event *ev)
{
    uint32_t end;

    if (!ev->len) {
        assert_false(f[side].begun || f[side].lead);
        f[side].lead = true;
        return;
    }
    f[side].begun = true;
    end = f[side].next + (uint32_t)ev->len;
    assert_true(end <= w->total[side]);
    if (ev->reason == PT_LOST_TAP_GAP) {
        assert_true(w->edge[side][f[side].next] || f[side].next == f[side].start);
        assert_true(w->edge[side][end] || end == w->total[side]);
    }
    memset(w->came[side] + f[side].next, 2, ev->len);
    f[side].next = end;
}

/* Where a side begins: at its SYN, or at the lowest byte seen within the hold-off of its first
 * packet. */
static uint32_t expected_start(const struct world *w, int side, bool *ret_lead)
{
    uint32_t start = UINT32_MAX;
    int64_t until = INT64_MAX;

    *ret_lead = true;
    for (uint32_t i = 0; i < w->seg_cnt; i++) {
        const struct sent *p = &w->seg[i];

        if (!p->seen || p->side != side || p->tap_ns > until)
            continue;
        if (until != INT64_MAX && !p->len && !(p->flags & PT_TCP_SYN))
            continue; /* only bytes move a start */
        if (until == INT64_MAX)
            until = p->tap_ns + pt_streams_cfg_default.hold_off_ns;
        if (p->flags & PT_TCP_SYN)
            *ret_lead = false;
        if (p->pos < start)
            start = p->pos;
    }
    return start;
}

/* Runs the world through the stage; others: packets of another flow in between. */
static void run(struct world *w, struct follow f[2], bool others)
{
    struct pt_stream_event ev;
    struct pt_streams *s;
    struct pt_streams_cfg cfg = pt_streams_cfg_default;
    struct pt_mem mem;
    uint64_t pushed = 0;
    uint8_t *buf = malloc(30000);
    int first_side = -1;

    cfg.flow_max = 16;
    pt_mem_init(&mem, 64 << 20);
    assert_int_equal(pt_streams_open(&mem, &cfg, &s), 0);
    for (int side = 0; side < 2; side++) {
        f[side] = (struct follow){ 0 };
        f[side].start = f[side].next = expected_start(w, side, &f[side].want_lead);
    }
    memset(w->came, 0, sizeof(w->came));
    w->log_cnt = 0;
    for (uint32_t i = 0; i <= w->seg_cnt; i++) {
        const struct sent *p = &w->seg[i];

        if (i < w->seg_cnt && !p->seen)
            continue;
        if (i == w->seg_cnt) {
            pt_streams_finish(s);
        } else {
            struct pt_segment seg = to_segment(w, p, buf);
            struct pt_packet_ref at = { .order = i, .time_ns = p->tap_ns };

            if (first_side < 0)
                first_side = p->side;
            if (others) {
                struct pt_segment rst = { .src = stream_endpoint(9, 9),
                                          .dst = stream_endpoint(8, 8),
                                          .flags = PT_TCP_RST };
                struct pt_packet_ref then = { .order = i,
                                              .time_ns = p->tap_ns - (int64_t)(i * 7919 % 300000) };

                pt_streams_push(s, &rst, &then);
                while (pt_streams_next(s, &ev))
                    w->log[w->log_cnt++] = (struct event){ ev.kind, ev.side, ev.len, ev.at.order };
            }
            pushed += seg.pay_len;
            pt_streams_push(s, &seg, &at);
        }
        while (pt_streams_next(s, &ev)) {
            int side = ev.side ^ first_side;

            assert_true(w->log_cnt < sizeof(w->log) / sizeof(w->log[0]));
            w->log[w->log_cnt++] = (struct event){ ev.kind, ev.side, ev.len, ev.at.order };
            if (others)
                continue;
            if (ev.kind == PT_STREAM_BYTES)
                follow_bytes(w, f, side, &ev);
            else if (ev.kind == PT_STREAM_HOLE)
                follow_hole(w, f, side, &ev);
        }
        assert_true(stream_sums_hold(pt_streams_stats(s), pushed));
    }
    assert_int_equal(pt_streams_stats(s)->waiting_bytes, 0);
    assert_int_equal(pt_streams_stats(s)->flows, 1);
    assert_int_equal(pt_streams_stats(s)->cut_short, 0);
    pt_streams_close(s);
    assert_int_equal(mem.used_sz, 0);
    free(buf);
}

static void check(struct world *w, const struct follow f[2])
{
    for (uint32_t i = 0; i < w->seg_cnt; i++) {
        const struct sent *p = &w->seg[i];
        uint32_t here = w->snap && w->snap < p->len ? w->snap : p->len;

        if (p->seen)
            memset(w->seen[p->side] + p->pos, 1, here);
    }
    for (int side = 0; side < 2; side++) {
        uint32_t start = f[side].start;

        if (start == w->total[side])
            continue;
        assert_true(f[side].begun);
        assert_int_equal(f[side].lead, f[side].want_lead);
        assert_int_equal(f[side].next, w->total[side]);
        for (uint32_t pos = start; pos < w->total[side]; pos++)
            if (w->came[side][pos] != (w->seen[side][pos] ? 1 : 2))
                fail_msg("byte %u of side %d: %s", pos, side,
                         w->came[side][pos] == 2 ? "given up although seen" : "not accounted for");
    }
}

static void test_random(void **state)
{
    const char *env = getenv("PT_SEED");
    uint64_t base = env ? strtoull(env, NULL, 0) : (uint64_t)time(NULL) * 1000;
    uint32_t round_cnt = env ? 1 : getenv("PT_ROUNDS") ? (uint32_t)atoi(getenv("PT_ROUNDS")) : 150;
    struct world *w = malloc(sizeof(*w));
    struct event *log = malloc(sizeof(w->log));
    struct follow f[2];

    (void)state;
    for (uint32_t i = 0; i < round_cnt; i++) {
        uint32_t log_cnt;

        memset(w, 0, sizeof(*w));
        w->rnd = (base + i) * 0x9e3779b97f4a7c15u | 1;
        for (int k = 0; k < 8; k++)
            rnd(w);
        make_world(w);
        qsort(w->seg, w->seg_cnt, sizeof(w->seg[0]), by_tap_time);
        printf("seed %llu: loss %g jitter %g ms again %g copies %g snap %u late %d fin %d\n",
               (unsigned long long)(base + i), w->loss, (double)w->jitter_ns / 1e6, w->again,
               w->copies, w->snap, w->late, w->fin);
        fflush(stdout);
        run(w, f, false);
        check(w, f);
        memcpy(log, w->log, sizeof(w->log));
        log_cnt = w->log_cnt;
        run(w, f, true);
        assert_int_equal(log_cnt, w->log_cnt);
        assert_memory_equal(log, w->log, log_cnt * sizeof(*log));
    }
    free(log);
    free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
