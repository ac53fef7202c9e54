/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/capture_unpack.h"

#include <errno.h>
#include <string.h>

#define ZSTD_WINDOW_LOG_MAX 27

enum pt_unpack_kind pt_unpack_sniff(const uint8_t *data, size_t len)
{
    static const uint8_t gzip[] = { 0x1f, 0x8b, 0x08 };
    static const uint8_t zstd[] = { 0x28, 0xb5, 0x2f, 0xfd };
    static const uint8_t zstd_skippable[] = { 0x2a, 0x4d, 0x18 }; /* pzstd begins with one */

    if (len >= sizeof(gzip) && !memcmp(data, gzip, sizeof(gzip)))
        return PT_UNPACK_GZIP;
    if (len >= sizeof(zstd) && !memcmp(data, zstd, sizeof(zstd)))
        return PT_UNPACK_ZSTD;
    if (len >= 4 && (data[0] & 0xf0) == 0x50 && !memcmp(data + 1, zstd_skippable, 3))
        return PT_UNPACK_ZSTD;
    return PT_UNPACK_NONE;
}

int pt_unpack_init(struct pt_unpack *u, enum pt_unpack_kind kind)
{
    *u = (struct pt_unpack){ .kind = kind };
    if (kind == PT_UNPACK_GZIP)
        return inflateInit2(&u->gzip, 15 + 16) == Z_OK ? 0 : -ENOMEM; /* + 16: gzip, not zlib */
    u->zstd = ZSTD_createDStream();
    if (!u->zstd)
        return -ENOMEM;
    ZSTD_DCtx_setParameter(u->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW_LOG_MAX);
    return 0;
}

void pt_unpack_fini(struct pt_unpack *u)
{
    if (u->kind == PT_UNPACK_GZIP)
        inflateEnd(&u->gzip);
    if (u->kind == PT_UNPACK_ZSTD)
        ZSTD_freeDStream(u->zstd);
    *u = (struct pt_unpack){ .kind = PT_UNPACK_NONE };
}

static int step_gzip(struct pt_unpack *u, const uint8_t **in, const uint8_t *in_end, uint8_t *out,
                     size_t out_sz, size_t *ret_made, const char **ret_words)
{
    int rc;

    if (u->whole) {
        if (*in == in_end) {
            *ret_made = 0;
            return 0;
        }
        inflateReset(&u->gzip); /* another member follows */
        u->whole = false;
    }
    u->gzip.next_in = *in;
    u->gzip.avail_in = (uInt)(in_end - *in);
    u->gzip.next_out = out;
    u->gzip.avail_out = (uInt)out_sz;
    rc = inflate(&u->gzip, Z_NO_FLUSH);
    *in = in_end - u->gzip.avail_in;
    *ret_made = out_sz - u->gzip.avail_out;
    if (rc == Z_STREAM_END)
        u->whole = true;
    else if (rc != Z_OK && rc != Z_BUF_ERROR) {
        *ret_words = u->gzip.msg ? u->gzip.msg : "gzip data cannot be unpacked";
        return -EBADMSG;
    }
    return 0;
}

static int step_zstd(struct pt_unpack *u, const uint8_t **in, const uint8_t *in_end, uint8_t *out,
                     size_t out_sz, size_t *ret_made, const char **ret_words)
{
    ZSTD_inBuffer src = { .src = *in, .size = (size_t)(in_end - *in) };
    ZSTD_outBuffer dst = { .dst = out, .size = out_sz };
    size_t rc = ZSTD_decompressStream(u->zstd, &dst, &src);

    *in += src.pos;
    *ret_made = dst.pos;
    if (ZSTD_isError(rc)) {
        *ret_words = ZSTD_getErrorName(rc);
        return -EBADMSG;
    }
    if (rc == 0)
        u->whole = true;
    else if (src.pos > 0 || dst.pos > 0)
        u->whole = false;
    return 0;
}

int pt_unpack_step(struct pt_unpack *u, const uint8_t **in, const uint8_t *in_end, uint8_t *out,
                   size_t out_sz, size_t *ret_made, const char **ret_words)
{
    if (u->kind == PT_UNPACK_GZIP)
        return step_gzip(u, in, in_end, out, out_sz, ret_made, ret_words);
    return step_zstd(u, in, in_end, out, out_sz, ret_made, ret_words);
}
