/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_HEAD_H
#define PT_PARSER_HEAD_H
/*
 * Message headers (kafka-wire.md 1.3, 1.4), read from the bytes behind a frame's size:
 *
 *   request:  api_key 2 | api_version 2 | correlation_id 4 | client_id nullable string 2+n | tags
 *   response: correlation_id 4 | tags
 *
 * The client id is missing in header version 0, the tags in all but the newest. Pure functions: v
 * is what is contiguous of the frame, frame_left its size. PT_NEED_MORE sets *ret_needed (> v.len,
 * at most frame_left). PT_BAD_*: this is no header.
 */
#include "parser/walk.h"

struct pt_request_head {
    const struct pt_layout *layout; /* of the body; NULL: api or version not published */
    struct pt_view client_id;
    int32_t correlation_id;
    int16_t api_key;
    int16_t api_version;
    uint32_t head_sz;
};

enum pt_status pt_head_request(struct pt_view v, uint32_t frame_left,
                               struct pt_request_head *ret_head, uint32_t *ret_needed);

/* pt_head_response reads behind what the request says the body is; layout may be NULL. */
enum pt_status pt_head_response(struct pt_view v, uint32_t frame_left,
                                const struct pt_layout *layout, uint32_t *ret_head_sz,
                                uint32_t *ret_needed);

#endif
