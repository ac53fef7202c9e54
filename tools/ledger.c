/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/ledger.h"

#include <assert.h>
#include <string.h>

static void begin(struct pt_ledger *l, const char *layer, const char *total_name, uint64_t total)
{
    *l = (struct pt_ledger){ .layer = layer, .total_name = total_name, .total = total };
}

static void part(struct pt_ledger *l, const char *name, uint64_t cnt)
{
    assert(l->part_cnt < PT_LEDGER_ROW_MAX);
    l->part[l->part_cnt++] = (struct pt_ledger_row){ .name = name, .cnt = cnt };
}

static void end(struct pt_ledger *l)
{
    uint64_t sum = 0;

    for (size_t i = 0; i < l->part_cnt; i++)
        sum += l->part[i].cnt;
    l->residue = (int64_t)(l->total - sum);
}

const char *pt_ledger_packet_part(unsigned kind)
{
    static const char *const name[PT_PACKET_KIND_CNT] = {
        [PT_PACKET_TCP] = "tcp",
        [PT_PACKET_NOT_IP] = "not_ip",
        [PT_PACKET_NOT_TCP] = "not_tcp",
        [PT_PACKET_FRAGMENT] = "fragment",
        [PT_PACKET_CUT] = "cut_in_header",
        [PT_PACKET_MALFORMED] = "malformed",
        [PT_PACKET_LINK_TYPE] = "link_type",
        [PT_PACKET_MIXED] = "mixed_fragments",
    };

    return name[kind];
}

static void packets(const struct pt_report *r, struct pt_ledger *l)
{
    uint64_t read = 0;
    uint64_t lost = 0;

    for (size_t i = 0; i < r->input_cnt; i++) {
        read += r->inputs[i].packets;
        lost += r->inputs[i].lost;
    }
    begin(l, "packets", "read", read);
    for (size_t i = 0; i < PT_PACKET_KIND_CNT; i++)
        part(l, pt_ledger_packet_part((unsigned)i), r->packets->kind[i]);
    /* Who stops leaves packets behind that were read only to see which input is next. */
    part(l, "left_when_stopped", r->stopped ? read - lost - r->packets->frames : 0);
    part(l, "lost", lost);
    end(l);
}

#define STREAM(name) part(l, #name, r->streams->name)
#define PARSER(name) part(l, #name, r->parser->name)
#define SHARD(name) part(l, #name, r->shard->name)

static void stream_bytes(const struct pt_report *r, struct pt_ledger *l)
{
    begin(l, "stream_bytes", "payload_bytes", r->streams->payload_bytes);
    STREAM(in_order_bytes);
    STREAM(reordered_bytes);
    STREAM(retransmitted_bytes);
    STREAM(stale_bytes);
    STREAM(late_bytes);
    STREAM(waiting_bytes);
    end(l);
}

static void frame_bytes(const struct pt_report *r, struct pt_ledger *l)
{
    begin(l, "frame_bytes", "fed_and_lost_bytes", r->parser->fed_bytes + r->parser->hole_bytes);
    PARSER(frame_bytes);
    PARSER(unframed_bytes);
    PARSER(other_bytes);
    PARSER(pending_bytes);
    end(l);
}

static void frames(const struct pt_report *r, struct pt_ledger *l)
{
    begin(l, "frames", "frames", r->parser->frames);
    PARSER(requests);
    PARSER(responses);
    PARSER(orphan_responses);
    PARSER(sasl_frames);
    PARSER(lost_frames);
    end(l);
}

static void batches(const struct pt_report *r, struct pt_ledger *l)
{
    begin(l, "batches", "batches", r->shard->batches);
    SHARD(batches_credited);
    SHARD(batches_again);
    SHARD(batches_unusable);
    SHARD(batches_rejected);
    SHARD(batches_no_outcome);
    SHARD(batches_floating_full);
    SHARD(batches_unnamed);
    SHARD(batches_unassigned);
    end(l);
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
    part(l, "certified", certified);
    for (unsigned k = 0; k < PT_LOST_REASON_CNT; k++)
        part(l, pt_lost_reason_name(k), unseen[k]);
    end(l);
}

void pt_ledger_build(const struct pt_report *r, struct pt_ledger ret[PT_LEDGER_CNT])
{
    packets(r, &ret[PT_LEDGER_PACKETS]);
    stream_bytes(r, &ret[PT_LEDGER_STREAM_BYTES]);
    frame_bytes(r, &ret[PT_LEDGER_FRAME_BYTES]);
    frames(r, &ret[PT_LEDGER_FRAMES]);
    batches(r, &ret[PT_LEDGER_BATCHES]);
    offsets(r, &ret[PT_LEDGER_OFFSETS]);
}

static const struct pt_counter_row packet_rows[] = {
    { "frames", offsetof(struct pt_packet_stats, frames) },
    { "wire_bytes", offsetof(struct pt_packet_stats, bytes) },
    { "cut_bytes", offsetof(struct pt_packet_stats, cut_bytes) },
    { "tunnelled", offsetof(struct pt_packet_stats, tunnelled) },
};

static const struct pt_counter_row fragment_rows[] = {
#define X(name, help) { #name, offsetof(struct pt_fragment_stats, name) },
    PT_FRAGMENT_COUNTERS(X)
#undef X
};

static const struct pt_counter_row mirror_rows[] = {
#define X(name, help) { #name, offsetof(struct pt_mirror_stats, name) },
    PT_MIRROR_COUNTERS(X)
#undef X
};

static const struct pt_counter_row stream_rows[] = {
#define X(name, help) { #name, offsetof(struct pt_stream_stats, name) },
    PT_STREAM_COUNTERS(X)
#undef X
};

static const struct pt_counter_row parser_rows[] = {
#define X(name, help) { #name, offsetof(struct pt_parser_stats, name) },
    PT_PARSER_COUNTERS(X)
#undef X
};

static const struct pt_counter_row shard_rows[] = {
#define X(name, help) { #name, offsetof(struct pt_shard_stats, name) },
    PT_SHARD_COUNTERS(X)
#undef X
};

#define ROWS(rows) .row = (rows), .row_cnt = sizeof(rows) / sizeof((rows)[0])

void pt_counters_build(const struct pt_report *r, struct pt_counters ret[PT_COUNTERS_CNT])
{
    ret[PT_COUNTERS_PACKET] =
            (struct pt_counters){ .stage = "packet", .stats = r->packets, ROWS(packet_rows) };
    ret[PT_COUNTERS_FRAGMENT] =
            (struct pt_counters){ .stage = "fragment", .stats = r->fragments, ROWS(fragment_rows) };
    ret[PT_COUNTERS_MIRROR] =
            (struct pt_counters){ .stage = "mirror", .stats = r->mirror, ROWS(mirror_rows) };
    ret[PT_COUNTERS_STREAM] =
            (struct pt_counters){ .stage = "stream", .stats = r->streams, ROWS(stream_rows) };
    ret[PT_COUNTERS_PARSER] =
            (struct pt_counters){ .stage = "parser", .stats = r->parser, ROWS(parser_rows) };
    ret[PT_COUNTERS_SHARD] =
            (struct pt_counters){ .stage = "shard", .stats = r->shard, ROWS(shard_rows) };
}

uint64_t pt_counter_value(const struct pt_counters *c, size_t row)
{
    uint64_t v;

    memcpy(&v, (const uint8_t *)c->stats + c->row[row].off, sizeof(v));
    return v;
}
