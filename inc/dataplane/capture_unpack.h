/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_CAPTURE_UNPACK_H
#define PT_DATAPLANE_CAPTURE_UNPACK_H
/*
 * gzip (RFC 1952, any number of members) and zstd (any number of frames) as a step from packed
 * bytes to plain ones. Called by capture_window.c only. What a packed file is called does not
 * matter: its first bytes say what it is. Memory is the library's own: 40 KiB for gzip, and for
 * zstd the frame's window, which we let be 128 MiB at most (--long=27); more is refused, with
 * words.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#define ZLIB_CONST /* zlib only reads its input, and says so with this */
#include <zlib.h>
#include <zstd.h>

enum pt_unpack_kind { PT_UNPACK_NONE, PT_UNPACK_GZIP, PT_UNPACK_ZSTD };

#define PT_UNPACK_SNIFF_LEN 4 /* bytes that pt_unpack_sniff wants to see */

struct pt_unpack {
    enum pt_unpack_kind kind;
    z_stream gzip;
    ZSTD_DStream *zstd;
    bool whole; /* the packed bytes may end here: between two members or frames */
};

enum pt_unpack_kind pt_unpack_sniff(const uint8_t *data, size_t len);

/* pt_unpack_init: 0 or -ENOMEM. kind is not NONE. */
int pt_unpack_init(struct pt_unpack *u, enum pt_unpack_kind kind);
void pt_unpack_fini(struct pt_unpack *u);

/* pt_unpack_step takes bytes from *in (which it moves on, up to in_end) and writes at most out_sz
 * bytes to out. 0 and *ret_made (which may be 0: more input is wanted), or -EBADMSG and words
 * (static) in *ret_words: what was made before that is good. */
int pt_unpack_step(struct pt_unpack *u, const uint8_t **in, const uint8_t *in_end, uint8_t *out,
                   size_t out_sz, size_t *ret_made, const char **ret_words);

#endif
