/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_REPORT_H
#define PT_TOOLS_REPORT_H
/*
 * Everything that a report is made of, borrowed from the rooms that know it: what verification
 * concluded, the inputs, and the counters of each stage. Both writers (JSON and text) print this
 * and compute nothing that decides anything.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "dataplane/clock.h"
#include "dataplane/live.h"
#include "dataplane/pipeline.h"

#define PT_REPORT_FORMAT_VERSION 1

/* A file that was read, or a port that was captured from. */
struct pt_report_input {
    enum pt_input_role role;
    bool is_port;
    const char *name; /* path as given ("-" is standard input), or device */
    uint64_t packets;
    uint64_t bytes;      /* on the wire */
    bool truncated;      /* a file that ended inside a packet, or is broken behind the last one */
    const char *trouble; /* what was wrong there; NULL: nothing */
    /* Ports: packets that came to the device and not to us, and why. */
    uint64_t missed;    /* no descriptor was free */
    uint64_t no_buffer; /* no buffer was free */
    uint64_t errors;    /* bad frames */
    uint64_t lost;      /* of `packets`, given up on the way to their worker */
    struct pt_clock clock;
};

/* pt_report_input_file describes a capture as far as it was read. */
struct pt_report_input pt_report_input_file(enum pt_input_role role,
                                            const struct pt_capture_info *info);

struct pt_report {
    enum pt_verdict verdict; /* the result's; not parity if reading was stopped half-way */
    bool single;             /* inspect: one cluster, no pairs */
    const char *stopped;     /* why reading ended early, in words; NULL: it did not */
    const struct pt_result *result;
    const struct pt_report_input *inputs;
    size_t input_cnt;
    const struct pt_packet_stats *packets;
    const struct pt_fragment_stats *fragments;
    const struct pt_mirror_stats *mirror;
    const struct pt_stream_stats *streams;
    const struct pt_parser_stats *parser;
    const struct pt_loss *loss;
    const struct pt_shard_stats *shard;
    const struct pt_api_row *apis;
    size_t api_cnt;
    const struct pt_conn_row *conns;
    size_t conn_cnt;
    const struct pt_mirror_row *mirrors;
    size_t mirror_cnt;
    const struct pt_live_state *live; /* a live run's own counts; NULL: a replay, whose report
                                         does not depend on how it was done */
};

const char *pt_verdict_name(enum pt_verdict v);       /* "parity" */
const char *pt_clock_how_name(enum pt_clock_how how); /* "estimated" */
const char *pt_role_name(enum pt_input_role role);    /* "source", "target", "both" */
const char *pt_cluster_name(int cluster);             /* "source", "target", "unassigned" */
const char *pt_conn_kind_name(uint8_t kind);          /* "kafka" */
const char *pt_lost_reason_name(unsigned reason);     /* "tap_gap" */
const char *pt_lost_reason_help(unsigned reason);
const char *pt_severity_name(enum pt_severity s);
const char *pt_pair_rule_name(enum pt_pair_rule rule);

/* Sums of the contract that result.h keeps by side. */
uint64_t pt_pair_ambiguous(const struct pt_pair_result *p);
uint64_t pt_pair_unverifiable(const struct pt_pair_result *p);
uint64_t pt_pair_pending(const struct pt_pair_result *p);
uint64_t pt_pair_divergent(const struct pt_pair_result *p);

/* pt_coverage is certified / observed; 0 where nothing was observed: no evidence is no coverage. */
double pt_coverage(uint64_t certified, uint64_t observed);

/* pt_api_rows_sorted returns a copy of the report's rows by cluster, api and version (free it), or
   NULL. */
struct pt_api_row *pt_api_rows_sorted(const struct pt_report *r);

/* pt_conn_rows_sorted: by cluster, kind, broker. */
struct pt_conn_row *pt_conn_rows_sorted(const struct pt_report *r);

/* pt_input_name is the input's name; for people the file "-" is the standard input. */
const char *pt_input_name(const struct pt_report_input *in);

/* pt_input_lost sums up what came to a port and reached no worker. */
uint64_t pt_input_lost(const struct pt_report_input *in);

#endif
