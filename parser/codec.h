/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_CODEC_H
#define PT_PARSER_CODEC_H
/*
 * Decompression of what a batch (magic 2) or a wrapper message (magic 0, 1) holds, into the
 * caller's buffer, whose size is a hard bound. Which library reads what was chosen by measurement
 * (tests/bench/bench_codec.c):
 *
 *   gzip    RFC 1952, one or several members                                         libdeflate
 *   snappy  one raw block, or snappy-java's ("xerial") stream:                       libsnappy
 *           82 53 4e 41 50 50 59 00 | version 4 | compatible 4 | { length 4 | raw block }*
 *   lz4     LZ4 frames, our own walk over blocks:                                    liblz4
 *           04 22 4d 18 | FLG | BD | [content size 8] | HC | { length 4 | block | [sum 4] }* |
 *           0 4 | [sum 4]
 *   zstd    one or several frames, skippable ones too, content size known or not     libzstd
 *
 * The input must end where its last stream ends. Checksums inside gzip and zstd are verified; those
 * behind the data of LZ4 are not (as in Kafka's own reader): the batch's CRC covers the same bytes.
 * One context per core.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "parser/status.h"

enum pt_codec {
    PT_CODEC_NONE = 0,
    PT_CODEC_GZIP = 1,
    PT_CODEC_SNAPPY = 2,
    PT_CODEC_LZ4 = 3,
    PT_CODEC_ZSTD = 4,
    PT_CODEC_CNT = 5
};

/* pt_codec_name returns Kafka's name of a codec; "unknown" for a value that is none. */
const char *pt_codec_name(unsigned codec);

struct pt_codec_ctx;

/* pt_codec_open takes a fixed amount (about 200 KiB) from the libraries' own allocator. 0 or
 * -ENOMEM. */
int pt_codec_open(struct pt_codec_ctx **ret_ctx);
void pt_codec_close(struct pt_codec_ctx *ctx);

/* pt_codec_inflate decompresses [in, in+in_len) to [out, out+*ret_len), *ret_len <= out_max. magic
 * is the record format around it: in magic 0 the header checksum HC of an LZ4 frame is not looked
 * at, since Kafka 0.8 and 0.9 computed it over the wrong bytes (KAFKA-3160). PT_OK; PT_OVERSIZE:
 * more than out_max; PT_BAD_CODEC: not a stream of this codec, or PT_CODEC_NONE. Bytes of out may
 * be written in any case, never past out_max; *ret_len only on PT_OK. */
enum pt_status pt_codec_inflate(struct pt_codec_ctx *ctx, enum pt_codec codec, unsigned magic,
                                const uint8_t *in, size_t in_len, uint8_t *out, size_t out_max,
                                size_t *ret_len);

#endif
