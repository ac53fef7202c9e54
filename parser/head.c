/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/head.h"

/* A header that has not ended by then (client id 32 KiB and some tags) is none. */
#define HEAD_MAX 40000u
#define HEAD_TAGS_MAX 32u
#define REQUEST_FIXED 8u
#define RESPONSE_FIXED 4u

static void read_tags(struct pt_cursor *c)
{
    uint64_t cnt = pt_cur_uvarint(c, 5);

    for (uint64_t i = 0; i < cnt && i < HEAD_TAGS_MAX; i++) {
        (void)pt_cur_uvarint(c, 5);
        pt_cur_take(c, pt_cur_uvarint(c, 5));
    }
    if (cnt > HEAD_TAGS_MAX)
        pt_cur_fail(c);
}

/* result tells bytes that ended too early from bytes that are wrong. least is what is needed at
 * least; tags, which nobody writes yet, are then asked for byte by byte. */
static enum pt_status result(const struct pt_cursor *c, struct pt_view v, uint32_t frame_left,
                             size_t least, uint32_t *ret_needed)
{
    if (pt_cur_ok(c))
        return PT_OK;
    if (least <= v.len)
        least = v.len + 1;
    if (least > frame_left || least > HEAD_MAX)
        return PT_BAD_LENGTH;
    *ret_needed = (uint32_t)least;
    return PT_NEED_MORE;
}

enum pt_status pt_head_request(struct pt_view v, uint32_t frame_left,
                               struct pt_request_head *ret_head, uint32_t *ret_needed)
{
    struct pt_cursor c = pt_cur(v.data, v.len);
    struct pt_request_head h = { 0 };
    size_t least = REQUEST_FIXED;
    int header_version;
    int16_t len;

    h.api_key = pt_cur_i16(&c);
    h.api_version = pt_cur_i16(&c);
    h.correlation_id = pt_cur_i32(&c);
    if (!pt_cur_ok(&c))
        return result(&c, v, frame_left, least, ret_needed);
    h.layout = pt_layout_find(h.api_key, PT_DIR_REQUEST, h.api_version);
    header_version = h.layout ? pt_layout_header_version(h.layout) : 1;
    if (!h.layout && h.api_key == PT_API_API_VERSIONS)
        header_version = 2; /* so is every version to come (kafka-wire.md 1.3) */
    if (header_version >= 1) {
        len = pt_cur_i16(&c);
        least += 2;
        if (!pt_cur_ok(&c))
            return result(&c, v, frame_left, least, ret_needed);
        if (len < -1)
            return PT_BAD_LENGTH;
        if (len >= 0) {
            least += (size_t)len;
            h.client_id.data = pt_cur_take(&c, (size_t)len);
            h.client_id.len = (size_t)len;
        }
    }
    if (header_version >= 2)
        read_tags(&c);
    least += header_version >= 2;
    if (pt_cur_ok(&c)) {
        h.head_sz = (uint32_t)(c.at - v.data);
        *ret_head = h;
    }
    return result(&c, v, frame_left, least, ret_needed);
}

enum pt_status pt_head_response(struct pt_view v, uint32_t frame_left,
                                const struct pt_layout *layout, uint32_t *ret_head_sz,
                                uint32_t *ret_needed)
{
    struct pt_cursor c = pt_cur(v.data, v.len);

    (void)pt_cur_i32(&c);
    if (layout && pt_layout_header_version(layout) >= 1)
        read_tags(&c);
    if (pt_cur_ok(&c))
        *ret_head_sz = (uint32_t)(c.at - v.data);
    return result(&c, v, frame_left, RESPONSE_FIXED, ret_needed);
}
