/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stream stage under any list of segments. Input: one byte of bounds, then 10 bytes a segment
 * (see next_segment). A payload byte is its sequence number's low byte, so that what comes out
 * shows where it belongs. Properties: bytes follow each other, over holes too; a flow is opened
 * first and closed last, once; the counters add up and say what came out; the bounds hold; all
 * memory comes back.
 */
#include "dataplane/stream.h"
#include "tests/fuzz/fuzz.h"
#include "tests/unit/stream_util.h"

struct owner {
    bool known[2];
    uint8_t next[2]; /* low byte of the next sequence number */
};

struct sums {
    uint64_t bytes;
    uint64_t hole_bytes;
    uint64_t holes;
    uint64_t open_cnt;
};

static void check_event(const struct pt_stream_event *ev, struct sums *sum)
{
    struct owner *o = *ev->user;

    FUZZ_CHECK(ev->side == 0 || ev->side == 1);
    if (ev->kind == PT_STREAM_OPEN) {
        FUZZ_CHECK(!o);
        *ev->user = calloc(1, sizeof(*o));
        sum->open_cnt++;
        return;
    }
    FUZZ_CHECK(o);
    if (ev->kind == PT_STREAM_CLOSE) {
        free(o);
        *ev->user = NULL;
        sum->open_cnt--;
    } else if (ev->kind == PT_STREAM_HOLE) {
        o->known[ev->side] = o->known[ev->side] && ev->len;
        o->next[ev->side] = (uint8_t)(o->next[ev->side] + ev->len);
        sum->hole_bytes += ev->len;
        sum->holes += ev->len > 0;
    } else {
        FUZZ_CHECK(ev->len > 0);
        if (!o->known[ev->side])
            o->next[ev->side] = ev->data[0];
        o->known[ev->side] = true;
        for (uint64_t i = 0; i < ev->len; i++)
            FUZZ_CHECK(ev->data[i] == o->next[ev->side]++);
        sum->bytes += ev->len;
    }
}

static void pull(struct pt_streams *s, struct sums *sum)
{
    struct pt_stream_event ev;

    while (pt_streams_next(s, &ev))
        check_event(&ev, sum);
    FUZZ_CHECK(ev.kind == PT_STREAM_NONE);
}

static uint16_t get16(const uint8_t *in)
{
    return (uint16_t)(in[0] | in[1] << 8);
}

/* flags (low 5 bits, TCP's own), side (bit 5), port (bits 6-7); sequence and acknowledgement (16
 * bits, signed, from near the wrap; or, if the top two bits of the length say so, anywhere);
 * length; what is cut; time; IP id. */
static struct pt_segment next_segment(const uint8_t *in, int64_t *now_ns)
{
    bool from_b = in[0] & 0x20;
    struct pt_endpoint a = stream_endpoint(1, (uint16_t)(40000 + (in[0] >> 6)));
    struct pt_endpoint b = stream_endpoint(2, 9092);
    struct pt_segment seg = {
        .src = from_b ? b : a,
        .dst = from_b ? a : b,
        .seq = (uint32_t)-500 + (uint32_t)(int16_t)get16(in + 1) % 3000u,
        .ack = (uint32_t)-500 + (uint32_t)(int16_t)get16(in + 3) % 3000u,
        .pay_len = get16(in + 5) & 0x3ff,
        .pay_missing = in[7] & 0x80 ? in[7] : 0,
        .flags = in[0] & (PT_TCP_FIN | PT_TCP_SYN | PT_TCP_RST | PT_TCP_ACK),
        .ip_id = in[9],
    };
    uint8_t *pay = malloc(seg.pay_len ? seg.pay_len : 1);

    if (in[6] & 0x80)
        seg.seq = (uint32_t)get16(in + 1) << 16;
    if (in[6] & 0x40)
        seg.ack = (uint32_t)get16(in + 3) << 16;
    for (uint32_t i = 0; i < seg.pay_len; i++)
        pay[i] = (uint8_t)(seg.seq + (seg.flags & PT_TCP_SYN ? 1 : 0) + i);
    seg.pay = pay;
    *now_ns +=
            in[8] < 250 ? (int64_t)in[8] * in[8] * 10000 : (int64_t)(in[8] - 249) * 400000000000ll;
    return seg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct pt_streams_cfg cfg = pt_streams_cfg_default;
    struct sums sum = { 0 };
    const struct pt_stream_stats *st;
    struct pt_streams *s;
    struct pt_mem mem;
    uint64_t pushed = 0;
    int64_t now_ns = 1000;

    if (!len)
        return 0;
    cfg.flow_max = data[0] & 1 ? 2 : 16;
    cfg.store_flow_max = data[0] & 2 ? 3000 : 1 << 20;
    cfg.store_max = data[0] & 4 ? 4000 : 1 << 20;
    cfg.hold_off_ns = data[0] & 8 ? 0 : 200000000;
    pt_mem_init(&mem, data[0] & 16 ? 6000 : 4 << 20);
    FUZZ_CHECK(!pt_streams_open(&mem, &cfg, &s));
    st = pt_streams_stats(s);
    for (size_t at = 1; at + 10 <= len; at += 10) {
        struct pt_segment seg = next_segment(data + at, &now_ns);
        struct pt_packet_ref ref = { .order = at, .time_ns = now_ns };

        pushed += seg.pay_len;
        pt_streams_push(s, &seg, &ref);
        pull(s, &sum);
        free((void *)(uintptr_t)seg.pay);
        FUZZ_CHECK(stream_sums_hold(st, pushed));
        FUZZ_CHECK(st->waiting_bytes <= cfg.store_max);
    }
    pt_streams_finish(s);
    pull(s, &sum);
    FUZZ_CHECK(stream_sums_hold(st, pushed));
    FUZZ_CHECK(st->waiting_bytes == 0);
    FUZZ_CHECK(st->in_order_bytes + st->reordered_bytes == sum.bytes);
    FUZZ_CHECK(st->hole_bytes == sum.hole_bytes && st->holes == sum.holes);
    FUZZ_CHECK(sum.open_cnt == 0);
    pt_streams_close(s);
    FUZZ_CHECK(mem.used_sz == 0);
    return 0;
}
