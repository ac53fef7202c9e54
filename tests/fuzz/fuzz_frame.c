/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames of one direction, fed whole and in pieces: the same events, with the same bytes. The first
 * byte says how the pieces are cut; the rest is the stream, in step from its first byte on.
 */
#include "fuzz.h"

#include "parser/frame.h"
#include "parser/head.h"

struct run {
    struct pt_mem mem;
    struct pt_frame_counts counts;
    struct pt_frame f;
    uint64_t events; /* a running hash of all of them */
    bool lost;       /* out of step: from there on it depends on the pieces */
};

static const struct pt_frame_cfg CFG = { .frame_max = 1u << 20, .gather_max = 1u << 16 };

static void mix(struct run *r, uint64_t v)
{
    r->events = (r->events ^ v) * 0x9e3779b97f4a7c15u;
    r->events ^= r->events >> 29;
}

static void mix_view(struct run *r, struct pt_view v)
{
    mix(r, v.len);
    for (size_t i = 0; i < v.len; i++)
        mix(r, v.data[i]);
}

static void on_head(struct run *r, const struct pt_frame_event *ev)
{
    struct pt_request_head h;
    uint32_t needed;
    enum pt_status st = pt_head_request(ev->bytes, ev->frame_left, &h, &needed);

    if (st == PT_NEED_MORE) {
        FUZZ_CHECK(needed > ev->bytes.len && needed <= ev->frame_left);
        pt_frame_want(&r->f, needed);
        return;
    }
    mix(r, st);
    if (st == PT_OK && h.layout)
        pt_frame_body(&r->f, h.head_sz, h.layout);
}

static void drain(struct run *r)
{
    struct pt_frame_event ev;

    while (!r->lost && pt_frame_next(&r->f, &ev)) {
        switch (ev.kind) {
        case PT_FRAME_TRY:
            pt_frame_lock(&r->f);
            break;
        case PT_FRAME_HEAD:
            on_head(r, &ev);
            break;
        case PT_FRAME_UNLOCKED:
            r->lost = true;
            break;
        default:
            mix(r, ev.kind);
            mix(r, ev.status);
            mix_view(r, ev.bytes);
            if (ev.kind == PT_FRAME_FIELD) {
                mix(r, ev.walk.kind);
                mix(r, (uint64_t)ev.walk.i64);
                mix_view(r, ev.walk.view);
            }
            break;
        }
    }
}

static uint64_t run(const uint8_t *data, size_t len, uint8_t cut)
{
    const struct pt_packet_ref at = { 0 };
    struct run r = { 0 };
    size_t total = len;
    uint64_t pending;

    pt_mem_init(&r.mem, 64u << 20);
    pt_frame_init(&r.f, &r.mem, &CFG, &r.counts);
    while (len && !r.lost) {
        size_t n = cut ? 1 + cut * (len % 7) % len : len;
        uint8_t *own;

        if (n > len)
            n = len;
        own = fuzz_copy(data, n);
        pt_frame_feed(&r.f, own, n, &at);
        drain(&r);
        if (r.lost)
            pending = pt_frame_fini(&r.f);
        free(own);
        data += n;
        len -= n;
    }
    if (!r.lost) {
        pending = pt_frame_fini(&r.f);
        FUZZ_CHECK(r.counts.frame_bytes + r.counts.unframed_bytes + pending == total);
    }
    FUZZ_CHECK(!r.mem.used_sz);
    return r.events;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 9)
        return 0;
    FUZZ_CHECK(run(data + 1, len - 1, 0) == run(data + 1, len - 1, data[0] | 1));
    return 0;
}
