/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/intake.h"

#include <string.h>

#include "hw/toeplitz.h"

/* Entries of the table by which a hash becomes a worker; a power of two well above the number of
 * workers, so that they get even shares. */
#define TABLE_CNT 512u

uint64_t pt_intake_sz(const struct pt_fragments_cfg *cfg)
{
    return cfg->store_max + PT_MIRROR_MAX * sizeof(struct pt_mirror_session);
}

int pt_intake_open(struct pt_intake *in, const struct pt_fragments_cfg *cfg)
{
    int rc;

    *in = (struct pt_intake){ .now_ns = INT64_MIN };
    rc = pt_mem_open(&in->mem, pt_intake_sz(cfg));
    pt_fragments_init(&in->fragments, &in->mem, cfg);
    pt_mirrors_init(&in->mirrors, &in->mem);
    return rc;
}

void pt_intake_close(struct pt_intake *in)
{
    pt_fragments_close(&in->fragments);
    pt_mirrors_close(&in->mirrors);
    pt_mem_close(&in->mem);
}

/* decode: a fragment that makes its packet whole is what that packet is. Which may be a fragment in
 * turn: of the mirrored packet, in a packet of the mirror. */
static enum pt_packet_kind decode(struct pt_intake *in, const struct pt_frame *f, uint32_t input,
                                  struct pt_taken *t)
{
    struct pt_wrap wrap;
    enum pt_packet_kind kind = pt_packet_decode(f, &t->seg, &wrap);

    t->whole = NULL;
    for (;;) {
        struct pt_datagram *whole;

        if (wrap.numbered)
            pt_mirrors_take(&in->mirrors, &wrap.mirror, input, wrap.seq);
        if (kind != PT_PACKET_FRAGMENT)
            return kind;
        whole = pt_fragments_add(&in->fragments, &wrap.frag, input, f->time_ns);
        pt_taken_done(t);
        t->whole = whole;
        if (!whole)
            return kind;
        kind = pt_packet_resume(&whole->whole, &t->seg, &wrap);
    }
}

bool pt_intake_frame(struct pt_intake *in, const struct pt_frame *f, uint32_t input, uint64_t order,
                     struct pt_taken *ret_t)
{
    enum pt_packet_kind kind = decode(in, f, input, ret_t);

    in->stats.frames++;
    in->stats.bytes += f->wire_len;
    in->stats.cut_bytes += f->wire_len - f->cap_len;
    in->stats.kind[kind]++;
    in->stats.tap[input].kind[kind]++;
    in->stats.tap[input].cut_frames += f->wire_len > f->cap_len;
    in->stats.tap[input].cut_bytes += f->wire_len - f->cap_len;
    if (kind != PT_PACKET_TCP) {
        pt_taken_done(ret_t);
        ret_t->whole = NULL;
        return false;
    }
    in->stats.tap[input].payload_bytes += ret_t->seg.pay_len;
    in->stats.tunnelled += ret_t->seg.tunnels != 0;
    if (f->time_ns > in->now_ns)
        in->now_ns = f->time_ns;
    ret_t->at = (struct pt_packet_ref){
        .order = order,
        .time_ns = f->time_ns,
        .packet = f->packet,
        .input = input,
    };
    ret_t->key = (struct pt_key){ in->now_ns, order };
    return true;
}

void pt_intake_finish(struct pt_intake *in)
{
    pt_fragments_finish(&in->fragments);
}

uint32_t pt_intake_hash(const struct pt_segment *seg, bool addresses_only)
{
    static const uint8_t v4[12] = { [10] = 0xff, [11] = 0xff };
    bool is_v4 = !memcmp(seg->src.ip, v4, sizeof(v4));
    size_t ip_sz = is_v4 ? 4 : 16;
    size_t skip = sizeof(seg->src.ip) - ip_sz;
    uint8_t tuple[PT_TOEPLITZ_V6_SZ];

    memcpy(tuple, seg->src.ip + skip, ip_sz);
    memcpy(tuple + ip_sz, seg->dst.ip + skip, ip_sz);
    if (addresses_only)
        return pt_toeplitz_symmetric(tuple, 2 * ip_sz);
    tuple[2 * ip_sz] = (uint8_t)(seg->src.port >> 8);
    tuple[2 * ip_sz + 1] = (uint8_t)seg->src.port;
    tuple[2 * ip_sz + 2] = (uint8_t)(seg->dst.port >> 8);
    tuple[2 * ip_sz + 3] = (uint8_t)seg->dst.port;
    return pt_toeplitz_symmetric(tuple, 2 * ip_sz + 4);
}

unsigned pt_intake_owner(const struct pt_segment *seg, unsigned worker_cnt)
{
    if (worker_cnt < 2)
        return 0;
    return pt_toeplitz_queue(pt_intake_hash(seg, false), TABLE_CNT, worker_cnt);
}
