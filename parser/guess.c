/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/guess.h"

#include <stdio.h>

#include "parser/head.h"

#define REQUEST_SIZE_MIN 10u /* header version 1, null client id, empty body */
#define RESPONSE_SIZE_MIN 4u
/* Evidence in bits; a known connection needs less, since its next request looks like the last one.
 */
#define BITS_SIZE 5
#define BITS_SIZE_SMALL 12
#define BITS_API 22
#define BITS_ID_NEXT 32
#define BITS_ID_NEAR 16
#define BITS_CLIENT_KNOWN 24
#define BITS_CLIENT_MAX 24 /* text is frequent in what is not a header, too */
#define BITS_TAGS 8
#define BITS_BODY_WHOLE 30
#define BITS_BODY_LONG 24
#define BITS_BODY_PART 16
#define ACCEPT_KNOWN 48
#define ACCEPT_UNKNOWN 64

#define ID_NEAR_MAX 65535u
#define ID_CLOSE_MAX 64u /* where the name is another's (some proxies' clients have several) */
#define SIZE_SMALL_MAX (1u << 20)
#define BODY_PART_MIN 12u
#define BODY_LONG_MIN 128u

/* guess_layout: clients open with ApiVersions of a version that may be newer than we are; its body
 * begins like the newest one that is known. */
#define VERSIONS_TO_COME 8

static const struct pt_layout *guess_layout(int16_t api_key, int16_t api_version)
{
    int16_t max = pt_api_max_version(api_key);

    if (api_key == PT_API_API_VERSIONS && api_version > max &&
        api_version <= max + VERSIONS_TO_COME)
        api_version = max;
    return pt_layout_find(api_key, PT_DIR_REQUEST, api_version);
}

/* walk_bits goes through what is there of the body; -1: it is not what its layout says. to_come:
 * only what all versions of ApiVersions have in common counts. */
static int walk_bits(const struct pt_layout *layout, struct pt_view v, uint32_t body_sz,
                     bool to_come)
{
    struct pt_cursor c = pt_cur(v.data, v.len);
    struct pt_walk w;

    pt_walk_begin(&w, layout, body_sz);
    for (;;) {
        struct pt_walk_event ev;
        uint32_t needed;
        enum pt_status st = pt_walk_next(&w, &c, &ev, &needed);

        if (st == PT_NEED_MORE)
            break;
        if (st != PT_OK)
            return -1;
        if (ev.kind == PT_WALK_END)
            return w.body_left <= PT_GUESS_TRAILING_MAX ? BITS_BODY_WHOLE : -1;
        if (to_come && ev.field == PT_F_CLIENT_SOFTWARE_VERSION)
            return BITS_BODY_WHOLE;
        if (ev.kind == PT_WALK_VALUE && ev.field == PT_F_ACKS && (ev.i64 < -1 || ev.i64 > 1))
            return -1;
    }
    if (v.len >= BODY_LONG_MIN)
        return BITS_BODY_LONG;
    return v.len >= BODY_PART_MIN ? BITS_BODY_PART : 0;
}

static bool is_known_client(struct pt_view id, const struct pt_guess_known *known)
{
    return known->known && id.len == known->client_id.len &&
           (!id.len || !memcmp(id.data, known->client_id.data, id.len));
}

/* is_text: where every byte may be the first of a request, also that it is UTF-8 as far as single
 * bytes tell; elsewhere a client may call itself as it likes. */
static bool is_text(struct pt_view id, const struct pt_guess_known *known)
{
    for (size_t i = 0; i < id.len; i++) {
        uint8_t b = id.data[i];

        if (b < 0x20 || b == 0x7f || (known->inside && (b == 0xc0 || b == 0xc1 || b > 0xf4)))
            return false;
    }
    return true;
}

/* client_bits: -1 if no client would call itself that. */
static int client_bits(struct pt_view id, const struct pt_guess_known *known)
{
    if (is_known_client(id, known))
        return BITS_CLIENT_KNOWN;
    if (!is_text(id, known))
        return -1;
    if (!id.len)
        return 0;
    return id.len * 7 / 5 < BITS_CLIENT_MAX - 8 ? 8 + (int)(id.len * 7 / 5) : BITS_CLIENT_MAX;
}

/* is_common: what there is most of on connections that matter, from a client with a name. Where
 * every byte may be the first of a request, other things look like some rare one soon: lists of
 * small numbers like one without a name, texts with lengths in front like one with a long name. */
static bool is_common(const struct pt_request_head *head)
{
    return head->client_id.len &&
           (head->api_key == PT_API_PRODUCE || head->api_key == PT_API_FETCH ||
            head->api_key == PT_API_METADATA);
}

static int id_bits(int32_t id, const struct pt_guess_known *known)
{
    uint32_t step = (uint32_t)id - (uint32_t)known->correlation_id;

    if (!known->known || !step || step > ID_NEAR_MAX)
        return 0;
    return step == 1 ? BITS_ID_NEXT : BITS_ID_NEAR;
}

/* accept_at returns the evidence that is needed. Records may hold whole requests that somebody
 * recorded: on a connection that is known the same client must go on, by its name, or by its count.
 */
static int accept_at(const struct pt_request_head *head, const struct pt_guess_known *known)
{
    bool same = is_known_client(head->client_id, known);
    uint32_t step = (uint32_t)head->correlation_id - (uint32_t)known->correlation_id;

    if (!known->known)
        return ACCEPT_UNKNOWN;
    if (same && (head->client_id.len || step <= ID_NEAR_MAX))
        return ACCEPT_KNOWN;
    return step <= ID_CLOSE_MAX ? ACCEPT_UNKNOWN : INT32_MAX;
}

bool pt_guess_goes_on(const struct pt_request_head *head, const struct pt_guess_known *known)
{
    uint32_t step = (uint32_t)head->correlation_id - (uint32_t)known->correlation_id;

    return is_known_client(head->client_id, known) && step <= ID_CLOSE_MAX;
}

/* may_go_on tells whether more bytes can make a request of what is there: who waits for them may
 * miss the one that begins behind. */
static bool may_go_on(struct pt_view v, uint32_t size, const struct pt_layout *layout,
                      const struct pt_guess_known *known)
{
    struct pt_request_head head;
    struct pt_view id;
    uint32_t needed;
    uint16_t len;

    switch (pt_head_request(v, size, &head, &needed)) {
    case PT_OK:
        return client_bits(head.client_id, known) >= 0 &&
               walk_bits(layout, (struct pt_view){ v.data + head.head_sz, v.len - head.head_sz },
                         size - head.head_sz, !head.layout) >= 0;
    case PT_NEED_MORE:
        break;
    default:
        return false;
    }
    if (v.len < REQUEST_SIZE_MIN || pt_layout_header_version(layout) < 1)
        return true;
    len = pt_be16(v.data + 8);
    id = (struct pt_view){ v.data + REQUEST_SIZE_MIN, v.len - REQUEST_SIZE_MIN };
    if (len < id.len)
        id.len = len;
    return len == UINT16_MAX || is_text(id, known);
}

enum pt_guess pt_guess_request(struct pt_view v, uint32_t size, const struct pt_guess_known *known,
                               uint32_t *ret_needed)
{
    const struct pt_layout *layout;
    struct pt_request_head head;
    uint32_t needed;
    int bits = (size <= SIZE_SMALL_MAX ? BITS_SIZE_SMALL : BITS_SIZE) + BITS_API;
    int more;

    if (size < REQUEST_SIZE_MIN || size > known->frame_max)
        return PT_GUESS_NO;
    *ret_needed = 4;
    if (v.len < 4)
        return PT_GUESS_MORE;
    layout = guess_layout((int16_t)pt_be16(v.data), (int16_t)pt_be16(v.data + 2));
    if (!layout)
        return PT_GUESS_NO;
    *ret_needed = size < PT_GUESS_SZ ? size : PT_GUESS_SZ;
    if (v.len < *ret_needed && !known->last)
        return may_go_on(v, size, layout, known) ? PT_GUESS_MORE : PT_GUESS_NO;
    if (v.len > *ret_needed)
        v.len = *ret_needed;
    if (pt_head_request(v, size, &head, &needed) != PT_OK)
        return PT_GUESS_NO;
    if (pt_layout_header_version(layout) == 2 && !v.data[head.head_sz - 1])
        bits += BITS_TAGS;
    more = client_bits(head.client_id, known);
    if (more < 0 || (known->inside && !known->known && !is_common(&head)))
        return PT_GUESS_NO;
    bits += more + id_bits(head.correlation_id, known);
    more = walk_bits(layout, (struct pt_view){ v.data + head.head_sz, v.len - head.head_sz },
                     size - head.head_sz, !head.layout);
    if (more < 0)
        return PT_GUESS_NO;
    bits += more;
    return bits >= accept_at(&head, known) ? PT_GUESS_YES : PT_GUESS_NO;
}

enum pt_guess pt_guess_response(struct pt_view v, uint32_t size, uint32_t frame_max,
                                const struct pt_layout *layout, bool last, uint32_t *ret_needed)
{
    uint32_t head_sz;
    uint32_t needed;

    if (size < RESPONSE_SIZE_MIN || size > frame_max)
        return PT_GUESS_NO;
    *ret_needed = size < PT_GUESS_SZ ? size : PT_GUESS_SZ;
    if (v.len < *ret_needed && !last)
        return PT_GUESS_MORE;
    if (v.len > *ret_needed)
        v.len = *ret_needed;
    if (!layout)
        return PT_GUESS_YES;
    if (pt_head_response(v, size, layout, &head_sz, &needed) != PT_OK)
        return PT_GUESS_NO;
    v.data += head_sz;
    v.len -= head_sz;
    return walk_bits(layout, v, size - head_sz, false) < 0 ? PT_GUESS_NO : PT_GUESS_YES;
}

#define TLS_RECORD_HEAD 5u
#define TLS_RECORD_MAX 18432u
#define TLS_HANDSHAKE 0x16
#define CLIENT_HELLO 1
#define SERVER_HELLO 2
#define PROXY_V1_MAX 107u
#define PROXY_V2_HEAD 16u

static const uint8_t PROXY_V2[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d,
                                      0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

static bool starts(struct pt_view v, const void *with, size_t len)
{
    return v.len >= len && !memcmp(v.data, with, len);
}

static enum pt_sniff sniff_proxy(struct pt_view v, uint32_t *ret_len)
{
    if (starts(v, "PROXY ", 6)) {
        for (uint32_t i = 6; i + 1 < v.len && i < PROXY_V1_MAX; i++) {
            *ret_len = i + 2;
            if (v.data[i] == '\r' && v.data[i + 1] == '\n')
                return PT_SNIFF_PROXY;
        }
        *ret_len = (uint32_t)v.len + 1;
        return v.len < PROXY_V1_MAX ? PT_SNIFF_MORE : PT_SNIFF_OTHER;
    }
    if (!starts(v, PROXY_V2, v.len < sizeof(PROXY_V2) ? v.len : sizeof(PROXY_V2)))
        return PT_SNIFF_NONE;
    *ret_len = PROXY_V2_HEAD;
    if (v.len < PROXY_V2_HEAD)
        return PT_SNIFF_MORE;
    *ret_len = PROXY_V2_HEAD + pt_be16(v.data + 14);
    return v.len < *ret_len ? PT_SNIFF_MORE : PT_SNIFF_PROXY;
}

enum pt_sniff pt_sniff(struct pt_view v, uint32_t *ret_len)
{
    static const char *const other[] = { "GET ",    "POST ",   "HTTP/",    "PUT ", "HEAD ",
                                         "OPTIONS", "DELETE ", "CONNECT ", "SSH-" };
    enum pt_sniff s;

    *ret_len = 8;
    if (v.len < 8)
        return PT_SNIFF_MORE;
    if (v.data[0] >= 0x14 && v.data[0] <= 0x17 && v.data[1] == 3 && v.data[2] <= 4 &&
        pt_be16(v.data + 3) <= TLS_RECORD_MAX) {
        *ret_len = TLS_RECORD_HEAD;
        if (v.data[0] == TLS_HANDSHAKE && (v.data[5] == CLIENT_HELLO || v.data[5] == SERVER_HELLO))
            *ret_len += pt_be16(v.data + 3);
        return PT_SNIFF_TLS;
    }
    for (size_t i = 0; i < sizeof(other) / sizeof(other[0]); i++)
        if (starts(v, other[i], strlen(other[i])))
            return PT_SNIFF_OTHER;
    s = sniff_proxy(v, ret_len);
    return s;
}

#define TLS_EXT_SERVER_NAME 0u
#define TLS_EXT_VERSION 43u

/* tls_extensions finds the server's name (ClientHello) and the version chosen (ServerHello). */
static void tls_extensions(struct pt_cursor *c, struct pt_view *name, uint16_t *version)
{
    while (pt_cur_left(c) >= 4) {
        uint16_t type = (uint16_t)pt_cur_i16(c);
        uint16_t len = (uint16_t)pt_cur_i16(c);
        const uint8_t *body = pt_cur_take(c, len);
        struct pt_cursor e;

        if (!body)
            return;
        e = pt_cur(body, len);
        if (type == TLS_EXT_SERVER_NAME) {
            (void)pt_cur_take(&e, 3); /* list length, name type */
            name->len = (uint16_t)pt_cur_i16(&e);
            name->data = pt_cur_take(&e, name->len);
        } else if (type == TLS_EXT_VERSION && len == 2) {
            *version = (uint16_t)pt_cur_i16(&e);
        }
    }
}

void pt_sniff_tls_note(struct pt_view v, const char *was, char *note, size_t note_sz)
{
    struct pt_cursor c = pt_cur(v.data, v.len);
    const char *was_name = strrchr(was, ' ');
    struct pt_view name = { 0 };
    uint16_t version = 0;
    char text[48] = "";
    uint8_t hello = 0;

    if ((uint8_t)pt_cur_i8(&c) == TLS_HANDSHAKE) {
        (void)pt_cur_take(&c, 4); /* version of the record, length */
        hello = (uint8_t)pt_cur_i8(&c);
    }
    if (hello == CLIENT_HELLO || hello == SERVER_HELLO) {
        (void)pt_cur_take(&c, 3); /* length */
        version = (uint16_t)pt_cur_i16(&c);
        (void)pt_cur_take(&c, 32);                     /* random */
        (void)pt_cur_take(&c, (uint8_t)pt_cur_i8(&c)); /* session id */
        /* cipher suites and compressions offered, or chosen */
        (void)pt_cur_take(&c, hello == CLIENT_HELLO ? (uint16_t)pt_cur_i16(&c) : 2);
        (void)pt_cur_take(&c, hello == CLIENT_HELLO ? (uint8_t)pt_cur_i8(&c) : 1);
        (void)pt_cur_i16(&c); /* length of extensions */
        tls_extensions(&c, &name, &version);
    }
    for (size_t i = 0; name.data && i < name.len && i < sizeof(text) - 1; i++)
        text[i] = name.data[i] > 0x20 && name.data[i] < 0x7f ? (char)name.data[i] : '?';
    if (!*text && was_name)
        snprintf(text, sizeof(text), "%s", was_name + 1);
    if (hello == SERVER_HELLO && version >= 0x0301 && version <= 0x0304)
        snprintf(note, note_sz, "TLS 1.%d%s%s", version - 0x0301, *text ? " " : "", text);
    else
        snprintf(note, note_sz, "TLS%s%s", *text ? " " : "", text);
}
