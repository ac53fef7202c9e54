/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a frame: byte 0 chooses the link type, bytes 1 and 2 how much the snap length took.
 * A payload lies inside the frame, pay_missing is no more than a length field can say or the wire
 * had, and the same frame captured shorter gives the same segment with a shorter payload, or CUT.
 */
#include "dataplane/packet.h"
#include "tests/fuzz/fuzz.h"

static enum pt_packet_kind decode(struct pt_frame f, const uint8_t *data, uint32_t len,
                                  struct pt_segment *ret_seg)
{
    uint8_t *copy = fuzz_copy(data, len);
    enum pt_packet_kind kind;

    f.data = copy;
    f.cap_len = len;
    kind = pt_packet_decode(&f, ret_seg);
    FUZZ_CHECK(kind < PT_PACKET_KIND_CNT);
    if (kind == PT_PACKET_TCP) {
        FUZZ_CHECK(ret_seg->pay >= copy && ret_seg->pay <= copy + len);
        FUZZ_CHECK(ret_seg->pay_len <= (size_t)(copy + len - ret_seg->pay));
        FUZZ_CHECK(ret_seg->pay_missing <= 65535 || ret_seg->pay_missing < f.wire_len);
        FUZZ_CHECK(ret_seg->tunnels <= 4);
        ret_seg->pay = NULL;
    }
    free(copy);
    return kind;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static const uint32_t links[] = { 1, 113, 276, 0, 108, 101, 12, 105 };
    struct pt_segment whole;
    struct pt_segment part;
    enum pt_packet_kind kind;
    struct pt_frame f = { 0 };
    uint32_t cap_len;
    uint32_t shorter;

    if (len < 3 || len > 70000)
        return 0;
    cap_len = (uint32_t)len - 3;
    f.link_type = links[data[0] % (sizeof(links) / sizeof(links[0]))];
    f.wire_len = cap_len + data[1] * 256u;
    shorter = cap_len * data[2] / 256;
    kind = decode(f, data + 3, cap_len, &whole);
    if (kind != PT_PACKET_TCP)
        return 0;
    kind = decode(f, data + 3, shorter, &part);
    if (kind != PT_PACKET_TCP) {
        FUZZ_CHECK(kind == PT_PACKET_CUT || (kind == PT_PACKET_NOT_IP && shorter == 0));
        return 0;
    }
    FUZZ_CHECK(part.seq == whole.seq && part.ack == whole.ack && part.flags == whole.flags);
    FUZZ_CHECK(!memcmp(&part.src, &whole.src, sizeof(part.src.ip)));
    FUZZ_CHECK(part.pay_len <= whole.pay_len);
    FUZZ_CHECK(part.pay_len + part.pay_missing == whole.pay_len + whole.pay_missing);
    return 0;
}
