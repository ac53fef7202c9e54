/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One connection, both directions, in pieces and with holes. The input is a row of steps:
 *   op 1 (bit 0: side; bits 1-2: 0, 1 bytes, 2 hole, 3 hole of unknown length) | len 2 | bytes
 * What must hold: both ledgers of conn.h, no memory left behind, and messages as observation.h
 * says: known topics and clients only, certificates that end where their batch ends, records right
 * behind their batch.
 */
#include "fuzz.h"

#include "parser/conn.h"
#include "parser/topics.h"

struct watch {
    uint32_t topics;
    bool client[256]; /* of a new one all that came before may be forgotten */
    uint32_t records_due;
};

static void see_batch(struct watch *w, const struct pt_obs_batch *b)
{
    FUZZ_CHECK(b->head.topic < w->topics);
    FUZZ_CHECK(b->client >= 256 || w->client[b->client]);
    FUZZ_CHECK(b->source < PT_SRC_CNT);
    if (b->status != PT_OK) {
        FUZZ_CHECK(b->records_here == 0);
        return;
    }
    FUZZ_CHECK(b->cert_from <= b->base_offset);
    FUZZ_CHECK(b->base_offset <= b->last_offset);
    FUZZ_CHECK(b->source != PT_SRC_PRODUCE || b->cert_from == b->base_offset);
    FUZZ_CHECK(b->cert_from == b->base_offset || (b->flags & PT_BATCH_FROM_KNOWN));
    FUZZ_CHECK(!(b->flags & PT_BATCH_SEEN_AGAIN) || !b->records_here);
    w->records_due = b->records_here;
}

static void see(struct watch *w, const struct pt_obs *o)
{
    const void *m = o;

    FUZZ_CHECK(o->size >= sizeof(*o) && o->size % 8 == 0);
    FUZZ_CHECK(!w->records_due || o->kind == PT_OBS_RECORDS);
    switch (o->kind) {
    case PT_OBS_TOPIC:
        FUZZ_CHECK(o->topic == w->topics);
        w->topics++;
        break;
    case PT_OBS_CLIENT:
        if (((const struct pt_obs_client *)m)->client < 256)
            w->client[((const struct pt_obs_client *)m)->client] = true;
        break;
    case PT_OBS_BATCH:
        see_batch(w, m);
        break;
    case PT_OBS_RECORDS:
        FUZZ_CHECK(((const struct pt_obs_records *)m)->cnt <= w->records_due);
        w->records_due -= ((const struct pt_obs_records *)m)->cnt;
        break;
    case PT_OBS_PARTITION:
    case PT_OBS_PRODUCE_OUTCOME:
    case PT_OBS_BOUNDS:
    case PT_OBS_ABORTED:
        FUZZ_CHECK(o->topic < w->topics);
        break;
    case PT_OBS_LOST:
        FUZZ_CHECK(o->topic < w->topics ||
                   (o->topic == UINT32_MAX && ((const struct pt_obs_lost *)m)->from < 0));
        break;
    default:
        break;
    }
}

static void flush(struct pt_obs_out *out)
{
    for (uint32_t off = 0; off < out->used_sz;) {
        const struct pt_obs *o = (const void *)(out->buf + off);

        see(out->flush_arg, o);
        off += o->size;
    }
    out->used_sz = 0;
}

static void step(struct pt_conn *c, const uint8_t **data, size_t *len, uint64_t order)
{
    const struct pt_packet_ref at = { .order = order };
    uint8_t op = (*data)[0];
    size_t n = (size_t)(*data)[1] << 8 | (*data)[2];
    uint8_t *own;

    *data += 3;
    *len -= 3;
    if ((op >> 1 & 3) == 3) {
        pt_conn_hole(c, op & 1, 0, PT_LOST_TAP_GAP, &at);
    } else if ((op >> 1 & 3) == 2) {
        if (n)
            pt_conn_hole(c, op & 1, n, PT_LOST_TAP_GAP, &at);
    } else {
        if (n > *len)
            n = *len;
        own = fuzz_copy(*data, n);
        pt_conn_bytes(c, op & 1, own, n, &at);
        free(own);
        *data += n;
        *len -= n;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    const struct pt_endpoint a = { .port = 40000 };
    const struct pt_endpoint b = { .port = 9092 };
    static uint64_t buf[PT_OBS_OUT_MIN / 8];
    const struct pt_packet_ref at = { 0 };
    struct pt_parser_cfg cfg = pt_parser_cfg_default;
    struct watch w = { 0 };
    struct pt_obs_out out = {
        .buf = (uint8_t *)buf, .buf_sz = sizeof(buf), .flush = flush, .flush_arg = &w
    };
    const struct pt_parser_stats *s;
    struct pt_parser *p;
    struct pt_conn *c;
    struct pt_mem mem;
    uint64_t order = 0;

    cfg.seen_slots = 16;
    cfg.gather_max = 64u << 10;
    cfg.inflight_max = 64;
    cfg.session_partitions_max = 64;
    cfg.batch.inflated_max = 1u << 20;
    cfg.batch.record_max = 10000;
    pt_mem_init(&mem, 16u << 20);
    if (pt_parser_open(&mem, &cfg, &out, &p))
        return 0;
    c = pt_conn_open(p, PT_CLUSTER_SOURCE, &a, &b, len ? data[0] % 3 - 1 : 0);
    FUZZ_CHECK(c);
    while (len >= 3)
        step(c, &data, &len, ++order);
    pt_conn_close(c, &at);
    flush(&out);
    FUZZ_CHECK(!w.records_due);
    s = pt_parser_stats(p);
    FUZZ_CHECK(s->fed_bytes + s->hole_bytes ==
               s->frame_bytes + s->unframed_bytes + s->other_bytes + s->pending_bytes);
    FUZZ_CHECK(s->frames ==
               s->requests + s->responses + s->orphan_responses + s->sasl_frames + s->lost_frames);
    pt_parser_close(p);
    FUZZ_CHECK(!mem.used_sz);
    return 0;
}
