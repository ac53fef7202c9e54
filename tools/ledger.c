/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/ledger.h"

#include <assert.h>

static void begin(struct pt_ledger *l, const char *layer, const char *total_name, uint64_t total)
{
    *l = (struct pt_ledger){ .layer = layer, .total_name = total_name, .total = total };
}

static void part(struct pt_ledger *l, const char *name, uint64_t cnt, const char *help)
{
    assert(l->part_cnt < PT_LEDGER_ROW_MAX);
    l->part[l->part_cnt++] = (struct pt_ledger_row){ .name = name, .cnt = cnt, .help = help };
}

static void also(struct pt_ledger *l, const char *name, uint64_t cnt, const char *help)
{
    assert(l->also_cnt < PT_LEDGER_ROW_MAX);
    l->also[l->also_cnt++] = (struct pt_ledger_row){ .name = name, .cnt = cnt, .help = help };
}

static void end(struct pt_ledger *l)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < l->part_cnt; i++)
        sum += l->part[i].cnt;
    l->residue = (int64_t)(l->total - sum);
}

static void packets(const struct pt_report *r, struct pt_ledger *l)
{
    static const char *const name[PT_PACKET_KIND_CNT] = {
        [PT_PACKET_TCP] = "tcp",           [PT_PACKET_NOT_IP] = "not_ip",
        [PT_PACKET_NOT_TCP] = "not_tcp",   [PT_PACKET_FRAGMENT] = "fragment",
        [PT_PACKET_CUT] = "cut_in_header", [PT_PACKET_MALFORMED] = "malformed",
        [PT_PACKET_LINK_TYPE] = "link_type",
    };
    static const char *const help[PT_PACKET_KIND_CNT] = {
#define X(n, h) [PT_PACKET_##n] = h,
        PT_PACKET_LIST(X)
#undef X
    };
    uint64_t read = 0;

    for (size_t i = 0; i < r->input_cnt; i++)
        read += r->inputs[i].info->packets;
    begin(l, "packets", "read", read);
    for (size_t i = 0; i < PT_PACKET_KIND_CNT; i++)
        part(l, name[i], r->packets->kind[i], help[i]);
    end(l);
    also(l, "tunnelled", r->packets->tunnelled, "inside a mirror's wrapper");
    also(l, "wire_bytes", r->packets->bytes, "bytes on the wire");
    also(l, "cut_bytes", r->packets->cut_bytes, "of these, not captured (snap length)");
}

/* Counters come with their help from the list of the room that keeps them. */
static const char *stream_help(size_t at)
{
    static const char *const help[] = {
#define X(name, h) [offsetof(struct pt_stream_stats, name) / sizeof(uint64_t)] = h,
        PT_STREAM_COUNTERS(X)
#undef X
    };

    return help[at / sizeof(uint64_t)];
}

static const char *parser_help(size_t at)
{
    static const char *const help[] = {
#define X(name, h) [offsetof(struct pt_parser_stats, name) / sizeof(uint64_t)] = h,
        PT_PARSER_COUNTERS(X)
#undef X
    };

    return help[at / sizeof(uint64_t)];
}

static const char *shard_help(size_t at)
{
    static const char *const help[] = {
#define X(name, h) [offsetof(struct pt_shard_stats, name) / sizeof(uint64_t)] = h,
        PT_SHARD_COUNTERS(X)
#undef X
    };

    return help[at / sizeof(uint64_t)];
}

#define STREAM(to, name)                                                                           \
    to(l, #name, r->streams->name, stream_help(offsetof(struct pt_stream_stats, name)))
#define PARSER(to, name)                                                                           \
    to(l, #name, r->parser->name, parser_help(offsetof(struct pt_parser_stats, name)))
#define SHARD(to, name)                                                                            \
    to(l, #name, r->shard->name, shard_help(offsetof(struct pt_shard_stats, name)))

static void stream_bytes(const struct pt_report *r, struct pt_ledger *l)
{
    begin(l, "stream_bytes", "payload_bytes", r->streams->payload_bytes);
    STREAM(part, in_order_bytes);
    STREAM(part, reordered_bytes);
    STREAM(part, retransmitted_bytes);
    STREAM(part, stale_bytes);
    STREAM(part, dropped_bytes);
    STREAM(part, waiting_bytes);
    end(l);
    STREAM(also, copied_bytes);
    STREAM(also, hole_bytes);
    STREAM(also, holes);
    STREAM(also, truncated_bytes);
    STREAM(also, overlaps_differ);
    STREAM(also, segments);
    STREAM(also, segments_copies);
    STREAM(also, segments_refused);
    STREAM(also, keepalives);
    STREAM(also, flows);
    STREAM(also, flows_empty);
    STREAM(also, flows_midstream);
    STREAM(also, flows_one_sided);
    STREAM(also, flows_evicted);
    STREAM(also, resets);
}

static void frames(const struct pt_report *r, struct pt_ledger *l)
{
    begin(l, "frames", "frames", r->parser->frames);
    PARSER(part, requests);
    PARSER(part, responses);
    PARSER(part, sasl_frames);
    PARSER(part, lost_frames);
    end(l);
    PARSER(also, orphan_responses);
    PARSER(also, unanswered_requests);
    PARSER(also, unparsed_bodies);
    PARSER(also, bad_bodies);
    PARSER(also, trailing_bytes);
    PARSER(also, fed_bytes);
    PARSER(also, hole_bytes);
    PARSER(also, frame_bytes);
    PARSER(also, unframed_bytes);
    PARSER(also, other_bytes);
    PARSER(also, pending_bytes);
    PARSER(also, resyncs);
    PARSER(also, inflight_full);
    PARSER(also, memory_refused);
}

static void batches(const struct pt_report *r, struct pt_ledger *l)
{
    begin(l, "batches", "batches", r->shard->batches);
    SHARD(part, batches_credited);
    SHARD(part, batches_again);
    SHARD(part, batches_unusable);
    SHARD(part, batches_rejected);
    SHARD(part, batches_no_outcome);
    SHARD(part, batches_floating_full);
    SHARD(part, batches_unnamed);
    SHARD(part, batches_unassigned);
    end(l);
    also(l, "seen_whole", r->parser->batches,
         parser_help(offsetof(struct pt_parser_stats, batches)));
    PARSER(also, batch_bytes);
    also(l, "crc_only", r->parser->batches_again,
         parser_help(offsetof(struct pt_parser_stats, batches_again)));
    PARSER(also, batches_crc_bad);
    PARSER(also, batches_malformed);
    PARSER(also, batches_oversize);
    PARSER(also, batches_lost);
    PARSER(also, batches_partial);
    PARSER(also, records);
    SHARD(also, records_credited);
    SHARD(also, slots_evicted);
    SHARD(also, late_evidence);
    SHARD(also, messages);
    SHARD(also, messages_bad);
}

static void offsets(const struct pt_report *r, struct pt_ledger *l)
{
    uint64_t observed = 0;
    uint64_t certified = 0;
    uint64_t unseen[PT_LOST_REASON_CNT] = { 0 };

    for (size_t i = 0; i < r->result->pair_cnt; i++) {
        const struct pt_pair_result *p = &r->result->pairs[i];

        observed += p->offsets_observed;
        certified += p->offsets_certified;
        for (size_t k = 0; k < PT_LOST_REASON_CNT; k++)
            unseen[k] += p->unseen[k];
    }
    begin(l, "offsets", "observed", observed);
    part(l, "certified", certified, "offsets of paired logs with proof of what they hold");
    for (unsigned k = 0; k < PT_LOST_REASON_CNT; k++)
        part(l, pt_lost_reason_name(k), unseen[k], pt_lost_reason_help(k));
    end(l);
    also(l, "records_certified", r->result->records_certified, "records of all logs");
}

void pt_ledger_build(const struct pt_report *r, struct pt_ledger ret[PT_LEDGER_CNT])
{
    packets(r, &ret[PT_LEDGER_PACKETS]);
    stream_bytes(r, &ret[PT_LEDGER_STREAM_BYTES]);
    frames(r, &ret[PT_LEDGER_FRAMES]);
    batches(r, &ret[PT_LEDGER_BATCHES]);
    offsets(r, &ret[PT_LEDGER_OFFSETS]);
}
