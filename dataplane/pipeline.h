/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_PIPELINE_H
#define PT_DATAPLANE_PIPELINE_H
/*
 * The one place that puts the stages in order:
 *
 *   frame (capture or port) -> packet -> streams -> conn -> observations -> shard
 *
 * Replay, tests, fuzzers and (from the next step) live workers all run this. A pipeline is one
 * worker with its shard behind it; it takes frames and knows no files.
 */
#include "dataplane/packet.h"
#include "dataplane/stream.h"
#include "parser/conn.h"
#include "verify/shard.h"

struct pt_cidr {
    uint8_t ip[16];     /* IPv4 as ::ffff:a.b.c.d */
    uint8_t prefix_len; /* 0..128 */
    uint16_t port;      /* 0: any */
};

/* Which cluster a connection belongs to: the input's role if it is source or target, else the first
 * list that one of its two endpoints is in, else none. */
enum pt_input_role { PT_ROLE_SOURCE = 0, PT_ROLE_TARGET = 1, PT_ROLE_BOTH = 2 };

#define PT_INPUT_MAX 1024 /* files or ports of one run */

struct pt_pipeline_cfg {
    enum pt_input_role input_role[PT_INPUT_MAX];
    uint32_t input_cnt;
    const struct pt_cidr *brokers[PT_CLUSTER_CNT];
    size_t broker_cnt[PT_CLUSTER_CNT];
    uint64_t memory_max; /* the whole budget, bytes; divided at open */
    struct pt_streams_cfg streams;
    struct pt_parser_cfg parser;
    struct pt_policy policy;
};

/* pt_pipeline_cfg_init fills *cfg with the defaults of every room, and no inputs. */
void pt_pipeline_cfg_init(struct pt_pipeline_cfg *cfg);

struct pt_packet_stats {
    uint64_t frames;
    uint64_t bytes;     /* on the wire */
    uint64_t cut_bytes; /* of these, not captured */
    uint64_t kind[PT_PACKET_KIND_CNT];
    uint64_t tunnelled;
};

struct pt_pipeline;

int pt_pipeline_open(const struct pt_pipeline_cfg *cfg, struct pt_pipeline **ret_p);
void pt_pipeline_close(struct pt_pipeline *p);

/* pt_pipeline_frame takes one frame of input [0,input_cnt); borrowed for the call. Frames come in
 * merged order. */
void pt_pipeline_frame(struct pt_pipeline *p, const struct pt_frame *f, uint32_t input);

/* pt_pipeline_finish ends all connections and makes the verdict. */
const struct pt_result *pt_pipeline_finish(struct pt_pipeline *p);

const struct pt_packet_stats *pt_pipeline_packet_stats(const struct pt_pipeline *p);
const struct pt_stream_stats *pt_pipeline_stream_stats(const struct pt_pipeline *p);
const struct pt_parser *pt_pipeline_parser(const struct pt_pipeline *p);
const struct pt_shard_stats *pt_pipeline_shard_stats(const struct pt_pipeline *p);
void pt_pipeline_memory(const struct pt_pipeline *p, uint64_t *ret_peak_sz, uint64_t *ret_limit_sz);

#endif
