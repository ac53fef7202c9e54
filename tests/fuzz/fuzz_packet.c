/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a frame: byte 0 chooses the link type, bytes 1 and 2 how much the snap length took.
 * A payload lies inside the frame, pay_missing is no more than a length field can say or the wire
 * had, and the same frame captured shorter gives the same segment with a shorter payload, or CUT.
 * The same of fragments, which are of the form that is promised; and any bytes as what came of one.
 */
#include "dataplane/packet.h"
#include "tests/fuzz/fuzz.h"

static enum pt_packet_kind decode(struct pt_frame f, const uint8_t *data, uint32_t len,
                                  struct pt_segment *ret_seg, struct pt_wrap *ret_wrap)
{
    uint8_t *copy = fuzz_copy(data, len);
    enum pt_packet_kind kind;

    f.data = copy;
    f.cap_len = len;
    kind = pt_packet_decode(&f, ret_seg, ret_wrap);
    FUZZ_CHECK(kind < PT_PACKET_KIND_CNT);
    if (kind == PT_PACKET_TCP) {
        FUZZ_CHECK(ret_seg->pay >= copy && ret_seg->pay <= copy + len);
        FUZZ_CHECK(ret_seg->pay_len <= (size_t)(copy + len - ret_seg->pay));
        FUZZ_CHECK(ret_seg->pay_missing <= 65535 || ret_seg->pay_missing < f.wire_len);
        FUZZ_CHECK(ret_seg->tunnels <= 4);
        ret_seg->pay = NULL;
    }
    if (kind == PT_PACKET_FRAGMENT) {
        const struct pt_fragment *frag = &ret_wrap->frag;

        FUZZ_CHECK(frag->data >= copy && frag->data <= copy + len);
        FUZZ_CHECK(frag->len <= (size_t)(copy + len - frag->data));
        FUZZ_CHECK(frag->off % 8 == 0 && frag->len + frag->missing > 0);
        FUZZ_CHECK(frag->off + frag->len + frag->missing <= PT_DATAGRAM_MAX);
        FUZZ_CHECK(!frag->more || (frag->len + frag->missing) % 8 == 0);
        FUZZ_CHECK(frag->more || frag->off > 0);
        FUZZ_CHECK(frag->version == 4 || frag->version == 6);
        FUZZ_CHECK(frag->tunnels <= PT_TUNNEL_MAX);
        ret_wrap->frag.data = NULL;
    }
    free(copy);
    return kind;
}

static void check_shorter(const struct pt_segment *whole, const struct pt_segment *part)
{
    FUZZ_CHECK(part->seq == whole->seq && part->ack == whole->ack && part->flags == whole->flags);
    FUZZ_CHECK(!memcmp(&part->src, &whole->src, sizeof(part->src.ip)));
    FUZZ_CHECK(part->tunnels == whole->tunnels && part->pay_len <= whole->pay_len);
    FUZZ_CHECK(part->pay_len + part->pay_missing == whole->pay_len + whole->pay_missing);
}

static void check_shorter_fragment(const struct pt_fragment *whole, const struct pt_fragment *part)
{
    FUZZ_CHECK(part->id == whole->id && part->proto == whole->proto && part->off == whole->off);
    FUZZ_CHECK(part->more == whole->more && part->tunnels == whole->tunnels);
    FUZZ_CHECK(part->len <= whole->len);
    FUZZ_CHECK(part->len + part->missing == whole->len + whole->missing);
}

/* What a packet would be that consists of these bytes alone. */
static void resume(const struct pt_fragment *frag, const uint8_t *data, uint32_t len)
{
    struct pt_fragment whole = *frag;
    uint8_t *copy = fuzz_copy(data, len);
    struct pt_segment seg;
    struct pt_wrap wrap;
    enum pt_packet_kind kind;

    whole.off = 0;
    whole.more = false;
    whole.len = len;
    whole.data = copy;
    kind = pt_packet_resume(&whole, &seg, &wrap);
    FUZZ_CHECK(kind < PT_PACKET_KIND_CNT && kind != PT_PACKET_LINK_TYPE);
    if (kind == PT_PACKET_TCP) {
        FUZZ_CHECK(seg.pay >= copy && seg.pay_len <= (size_t)(copy + len - seg.pay));
        FUZZ_CHECK(seg.tunnels >= whole.tunnels && seg.tunnels <= PT_TUNNEL_MAX);
    }
    if (kind == PT_PACKET_FRAGMENT) /* only of a packet that is inside */
        FUZZ_CHECK(wrap.frag.tunnels > whole.tunnels);
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint32_t links[] = { 1, 113, 276, 0, 108, 101, 12, 105 };
    struct pt_segment whole;
    struct pt_segment part;
    struct pt_wrap whole_wrap;
    struct pt_wrap part_wrap;
    enum pt_packet_kind kind;
    enum pt_packet_kind shorter_kind;
    struct pt_frame f = { 0 };
    uint32_t cap_len;
    uint32_t shorter;

    if (len < 3 || len > 70000)
        return 0;
    cap_len = (uint32_t)len - 3;
    f.link_type = links[data[0] % (sizeof(links) / sizeof(links[0]))];
    f.wire_len = cap_len + data[1] * 256u;
    shorter = cap_len * data[2] / 256;
    kind = decode(f, data + 3, cap_len, &whole, &whole_wrap);
    if (kind == PT_PACKET_FRAGMENT)
        resume(&whole_wrap.frag, data + 3, cap_len);
    if (kind != PT_PACKET_TCP && kind != PT_PACKET_FRAGMENT)
        return 0;
    shorter_kind = decode(f, data + 3, shorter, &part, &part_wrap);
    if (shorter_kind != kind) {
        FUZZ_CHECK(shorter_kind == PT_PACKET_CUT ||
                   (shorter_kind == PT_PACKET_NOT_IP && shorter == 0));
        return 0;
    }
    FUZZ_CHECK(part_wrap.numbered == whole_wrap.numbered);
    if (kind == PT_PACKET_TCP)
        check_shorter(&whole, &part);
    else
        check_shorter_fragment(&whole_wrap.frag, &part_wrap.frag);
    return 0;
}
