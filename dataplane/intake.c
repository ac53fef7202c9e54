/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/intake.h"

#include <string.h>

#include "hw/toeplitz.h"

/* Entries of the table by which a hash becomes a worker; a power of two well above the number of
 * workers, so that they get even shares. */
#define TABLE_CNT 512u

void pt_intake_init(struct pt_intake *in)
{
    *in = (struct pt_intake){ .now_ns = INT64_MIN };
}

bool pt_intake_frame(struct pt_intake *in, const struct pt_frame *f, uint32_t input, uint64_t order,
                     struct pt_taken *ret_t)
{
    struct pt_wrap wrap;
    enum pt_packet_kind kind = pt_packet_decode(f, &ret_t->seg, &wrap);

    in->stats.frames++;
    in->stats.bytes += f->wire_len;
    in->stats.cut_bytes += f->wire_len - f->cap_len;
    in->stats.kind[kind]++;
    if (kind != PT_PACKET_TCP)
        return false;
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
