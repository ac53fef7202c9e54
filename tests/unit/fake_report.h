/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_FAKE_REPORT_H
#define PT_TESTS_FAKE_REPORT_H
/*
 * A report made by hand: two pairs of one topic (one with a divergence of several kinds, one
 * clean), an internal log, two clients (one with hostile text), a TLS connection, one cut-off
 * input. The sums are right, so that tests may check them; every number is different where a mix-up
 * is to be seen.
 */
#include <string.h>

#include "tools/report.h"

static const struct pt_report_input fake_inputs[2] = {
    { .role = PT_ROLE_SOURCE, .name = "source.pcap", .packets = 900, .bytes = 123456 },
    { .role = PT_ROLE_TARGET,
      .name = "target \"x\".pcap",
      .packets = 100,
      .bytes = 9999,
      .truncated = true,
      .trouble = "ends inside packet 101, at byte 4242" },
};

/* Ports instead: seven of the packets were given up on the way, so that with fake_packets the books
 * still add up. */
static const struct pt_report_input fake_ports[2] = {
    { .role = PT_ROLE_SOURCE,
      .is_port = true,
      .name = "0000:3b:00.0",
      .packets = 905,
      .bytes = 123456,
      .missed = 11,
      .no_buffer = 12,
      .errors = 13,
      .lost = 5 },
    { .role = PT_ROLE_TARGET,
      .is_port = true,
      .name = "net_pcap1,rx_pcap=t.pcap",
      .packets = 102,
      .bytes = 9999,
      .lost = 2 },
};

/* \033 would clear the terminal, \xff is no UTF-8. */
static const struct pt_client_info fake_clients[2] = {
    { .client_id = "producer-1",
      .client_addr = "10.88.4.1:41000",
      .broker_addr = "10.88.1.1:9092",
      .software = "librdkafka 2.0.2",
      .cluster = PT_CLUSTER_SOURCE,
      .batches_produced = 7 },
    { .client_id = "evil\033[2J\xff",
      .client_addr = "[fd00::4]:41001",
      .broker_addr = "[fd00::1]:9092",
      .software = "",
      .cluster = PT_CLUSTER_TARGET,
      .batches_fetched = 8 },
};

static const struct pt_map_run fake_map0[2] = {
    { .source_from = 0, .target_from = 0, .cnt = 40 },
    { .source_from = 42, .target_from = 41, .cnt = 20 },
};

static const struct pt_map_run fake_map1[1] = {
    { .source_from = 5, .target_from = 1000000000000, .cnt = 30 },
};

static const struct pt_pair_result fake_pairs[2] = {
    { .source = { .topic = "orders",
                  .partition = 0,
                  .has_id = true,
                  .id = { 0x54, 0x2f, 0x6b, 0x5e, 0x4b, 0x1a, 0x4e, 0x6c, 0xbf, 0x53, 0x0a, 0x01,
                          0xff, 0x00, 0x7e, 0x3d } },
      .target = { .topic = "dr.orders", .partition = 0 },
      .rule = PT_PAIR_ALIAS,
      .source_records = 69,
      .target_records = 69,
      .verified = 60,
      .missing = 1,
      .extra = 2,
      .duplicated = 1,
      .reordered = 1,
      .mutated = 1,
      .missing_or_reordered = 1,
      .ambiguous_source = 2,
      .ambiguous_target = 1,
      .compacted = 1,
      .unverifiable_source = 2,
      .unverifiable_target = 3,
      .unseen_source = 4,
      .unseen_target = 7,
      .unseen = { [PT_LOST_TAP_GAP] = 10, [PT_LOST_OVERSIZE] = 1 },
      .unseen_by = { { [PT_LOST_TAP_GAP] = 4 }, { [PT_LOST_TAP_GAP] = 6, [PT_LOST_OVERSIZE] = 1 } },
      .offsets_certified = 140,
      .offsets_observed = 151,
      .map = fake_map0,
      .map_cnt = 2 },
    { .source = { .topic = "orders", .partition = 1 },
      .target = { .topic = "dr.orders", .partition = 1 },
      .rule = PT_PAIR_ALIAS,
      .source_records = 33,
      .target_records = 30,
      .verified = 30,
      .pending_source = 3,
      .offsets_certified = 63,
      .offsets_observed = 63,
      .map = fake_map1,
      .map_cnt = 1 },
};

static const struct pt_batch_row fake_batches[1] = {
    { .produce = true, .magic = 2, .codec = 4, .batches = 9, .records = 69, .crc_bad = 1 },
};

static const struct pt_log_result fake_logs[2] = {
    { .cluster = PT_CLUSTER_SOURCE,
      .name = { .topic = "orders", .partition = 0 },
      .first_offset = 0,
      .last_offset = 75,
      .log_start_offset = -1,
      .high_watermark = 76,
      .records = 69,
      .control = 3,
      .unseen = 4,
      .batches = fake_batches,
      .batch_row_cnt = 1 },
    { .cluster = PT_CLUSTER_TARGET,
      .name = { .topic = "__consumer_offsets", .partition = 12 },
      .internal = true,
      .first_offset = 5,
      .last_offset = 5,
      .log_start_offset = 0,
      .high_watermark = -1,
      .records = 1 },
};

static const struct pt_unpaired fake_unpaired[1] = {
    { .cluster = PT_CLUSTER_TARGET,
      .name = { .topic = "new-topic", .partition = 0 },
      .records = 11,
      .why = "the source has no topic of this name" },
};

static const struct pt_broker_result fake_brokers[2] = {
    { .cluster = PT_CLUSTER_SOURCE, .node_id = 1, .host = "10.88.1.1", .port = 9092, .seen = true },
    { .cluster = PT_CLUSTER_SOURCE, .node_id = 2, .host = "", .port = 9092, .seen = false },
};

static const struct pt_finding fake_findings[3] = {
    { .code = PT_FINDING_RECORD_MISSING,
      .pair = 0,
      .cluster = -1,
      .cnt = 1,
      .source = { .valid = true,
                  .topic = "orders",
                  .partition = 0,
                  .offset = 40,
                  .timestamp_ms = 1700000000123,
                  .key_hash = 0xabc,
                  .at = { .time_ns = 1700000001000000007, .packet = 17, .input = 0 },
                  .client = &fake_clients[0] },
      .message = "certified absent on the target" },
    { .code = PT_FINDING_RECORD_MUTATED,
      .pair = 0,
      .cluster = -1,
      .parts = PT_PART_VALUE | PT_PART_TIMESTAMP,
      .cnt = 1,
      .source = { .valid = true,
                  .topic = "orders",
                  .partition = 0,
                  .offset = 41,
                  .timestamp_ms = -1,
                  .key_null = true,
                  .at = { .time_ns = 1, .packet = 18, .input = 0 } },
      .target = { .valid = true,
                  .topic = "dr.orders",
                  .partition = 0,
                  .offset = 40,
                  .timestamp_ms = INT64_MAX,
                  .at = { .packet = 0 },
                  .client = &fake_clients[1] },
      .message = "same key, another value" },
    { .code = PT_FINDING_BROKER_NOT_SEEN,
      .pair = -1,
      .cluster = PT_CLUSTER_SOURCE,
      .cnt = 1,
      .message = "broker 2 leads active partitions, none of its connections is on the tap" },
};

static const struct pt_result fake_result = {
    .verdict = PT_VERDICT_DIVERGENT,
    .cluster_id = { "AbCdEf", NULL },
    .pairs = fake_pairs,
    .pair_cnt = 2,
    .unpaired = fake_unpaired,
    .unpaired_cnt = 1,
    .logs = fake_logs,
    .log_cnt = 2,
    .findings = fake_findings,
    .finding_cnt = 3,
    .finding_total = { [PT_FINDING_RECORD_MISSING] = 1,
                       [PT_FINDING_RECORD_MUTATED] = 1,
                       [PT_FINDING_BROKER_NOT_SEEN] = 1 },
    .brokers = fake_brokers,
    .broker_cnt = 2,
    .clients = fake_clients,
    .client_cnt = 2,
    .records_certified = 172,
};

static const struct pt_packet_stats fake_packets = {
    .frames = 1000,
    .bytes = 133455,
    .kind = { [PT_PACKET_TCP] = 990, [PT_PACKET_NOT_IP] = 10 },
    .tap = { { .kind = { [PT_PACKET_TCP] = 890, [PT_PACKET_NOT_IP] = 10 } },
             { .kind = { [PT_PACKET_TCP] = 100 }, .cut_frames = 3, .cut_bytes = 300 } },
};

/* 10.88.4.1:41000 and 10.88.1.1:9092. */
#define FAKE_CLIENT                                                                                \
    {                                                                                              \
        .ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [13] = 88, [14] = 4, [15] = 1 },              \
        .port = 41000                                                                              \
    }
#define FAKE_BROKER                                                                                \
    {                                                                                              \
        .ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [13] = 88, [14] = 1, [15] = 1 }, .port = 9092 \
    }

/* A second in four slices, beginning at 2023-11-14T22:13:20Z. */
static const struct pt_loss fake_loss = {
    .lost = { .holes = 6, .bytes = 30000 },
    .cut = { .holes = 3, .bytes = 300 },
    .size = { { .holes = 4, .bytes = 4000 }, { 0 }, { .holes = 2, .bytes = 26000 } },
    .cluster = { { .lost = { .holes = 5, .bytes = 28540 }, .connections = 3 },
                 { .lost = { .holes = 1, .bytes = 1460 },
                   .connections = 1,
                   .one_way = 1,
                   .one_way_bytes = 7777 } },
    .tap = { { .lost = { .holes = 5, .bytes = 28540 }, .copies = 89, .copied_bytes = 8900 },
             { .lost = { .holes = 1, .bytes = 1460 } } },
    .worst = { .conn = { { .flow = 17,
                           .a = FAKE_CLIENT,
                           .b = FAKE_BROKER,
                           .bytes = { 2540, 13000 },
                           .holes = 2,
                           .last_ns = 1700000000000000007 } },
               .conn_cnt = 1 },
    .one_way = { .conn = { { .flow = 18,
                             .a = FAKE_CLIENT,
                             .b = FAKE_BROKER,
                             .bytes = { 0, 7777 },
                             .last_ns = 1700000001000000000,
                             .cluster = PT_CLUSTER_TARGET } },
                 .conn_cnt = 1 },
    .moment = { { .hash = 1, .flow = 17, .holes = 2 }, { .hash = 2, .holes = 4, .shared = true } },
    .moment_cnt = 2,
    .slice = { { { .holes = 1, .bytes = 540 } },
               { { 0 } },
               { { .holes = 4, .bytes = 28000 }, { .holes = 1, .bytes = 1460 } } },
    .slice_cnt = 4,
    .slice_shift = 7,
    .slice_from = 6800000000,
};

static const struct pt_fragment_stats fake_fragments = {
    .fragments = 1007,
    .fragments_joined = 1004,
    .fragments_given_up = 2,
    .fragments_refused = 1,
    .datagrams = 502,
};

/* Both of the second input. */
static const struct pt_mirror_row fake_mirrors[2] = {
    { .input = 1, .expected = 520, .received = 480 },
    { .input = 1, .expected = 21, .received = 20, .restarts = 3 },
};

static const struct pt_mirror_stats fake_mirror = {
    .sessions = 2,
    .packets = 500,
    .lost = 41,
    .restarts = 3,
};

static const struct pt_stream_stats fake_streams = {
    .segments = 990,
    .flows = 6,
    .payload_bytes = 50000,
    .in_order_bytes = 49000,
    .reordered_bytes = 600,
    .retransmitted_bytes = 300,
    .stale_bytes = 90, /* 10 short: a residue must show */
    .hole_bytes = 1460,
    .holes = 1,
};

static const struct pt_parser_stats fake_parser = {
    .frames = 60,
    .requests = 30,
    .responses = 29,
    .lost_frames = 1,
};

static const struct pt_shard_stats fake_shard = {
    .batches = 20,
    .batches_credited = 12,
    .batches_again = 8,
};

/* Not in order, so that sorting shows. */
static const struct pt_api_row fake_apis[3] = {
    { .cluster = 1, .api_key = 1, .api_version = 18, .requests = 4, .responses = 3 },
    { .cluster = 0, .api_key = 999, .api_version = 0, .requests = 2, .unparsed = 2 },
    { .cluster = 0, .api_key = 0, .api_version = 13, .requests = 9, .responses = 9 },
};

static const struct pt_conn_row fake_conns[2] = {
    { .cluster = PT_CLUSTER_SOURCE,
      .kind = PT_CONN_TLS,
      .broker = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [13] = 88, [14] = 1, [15] = 1 },
                  .port = 9093 },
      .connections = 2,
      .bytes = 4000,
      .note = "TLS 1.2 broker.example" },
    { .cluster = PT_CLUSTER_SOURCE,
      .kind = PT_CONN_KAFKA,
      .broker = { .ip = { [10] = 0xff, [11] = 0xff, [12] = 10, [13] = 88, [14] = 1, [15] = 1 },
                  .port = 9092 },
      .connections = 5,
      .bytes = 70000 },
};

static inline struct pt_report fake_report(void)
{
    return (struct pt_report){
        .verdict = PT_VERDICT_DIVERGENT,
        .result = &fake_result,
        .inputs = fake_inputs,
        .input_cnt = 2,
        .packets = &fake_packets,
        .fragments = &fake_fragments,
        .mirror = &fake_mirror,
        .streams = &fake_streams,
        .parser = &fake_parser,
        .loss = &fake_loss,
        .shard = &fake_shard,
        .apis = fake_apis,
        .api_cnt = 3,
        .conns = fake_conns,
        .conn_cnt = 2,
        .mirrors = fake_mirrors,
        .mirror_cnt = 2,
    };
}

static inline struct pt_report fake_live_report(void)
{
    struct pt_report r = fake_report();

    r.inputs = fake_ports;
    return r;
}

#endif
