/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_FAKE_CONFIG_H
#define PT_TESTS_FAKE_CONFIG_H
/*
 * Defaults for tests of configuration: each value within its range and unlike all others, so that a
 * mix-up of two settings shows.
 */
#include "tools/config.h"

#define FAKE_MIB (1024u * 1024u)

static const struct pt_pipeline_cfg fake_defaults = {
    .memory_max = 2048ull * FAKE_MIB,
    .worker_cnt = 1,
    .fragments = { .store_max = 131073, .wait_ns = 50000001 },
    .streams = { .flow_max = 1000001,
                 .store_max = 256 * FAKE_MIB,
                 .store_flow_max = 8 * FAKE_MIB,
                 .hold_off_ns = 200000000,
                 .idle_ns = 1200000000000 },
    .parser = { .batch = { .hash_key = 0x123456789abcdef,
                           .inflated_max = 128 * FAKE_MIB,
                           .record_max = 1000003 },
                .frame_max = 101 * FAKE_MIB,
                .gather_max = 16 * FAKE_MIB,
                .inflight_max = 4096,
                .session_partitions_max = 1000005,
                .seen_slots = 262144 },
    .policy = { .max_lag_ns = 60000000000,
                .min_coverage = 0.99,
                .finding_max = 100000,
                .waiting_max_sz = 255 * FAKE_MIB,
                .floating_max_sz = 257 * FAKE_MIB,
                .align = { .window_min = 4096,
                           .window_max = 65536,
                           .anchor_run = 8,
                           .horizon = 65537 } },
};

#endif
