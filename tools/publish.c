/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/publish.h"

#include <time.h>

#define INTERVAL_NS 500000000

_Static_assert((int)PT_SEGMENT_SOURCE == (int)PT_ROLE_SOURCE, "the same numbers");
_Static_assert((int)PT_SEGMENT_TARGET == (int)PT_ROLE_TARGET, "the same numbers");
_Static_assert((int)PT_SEGMENT_BOTH == (int)PT_ROLE_BOTH, "the same numbers");
_Static_assert((int)PT_SEGMENT_DIVERGENCE == (int)PT_SEV_DIVERGENCE, "the same numbers");
_Static_assert(PT_SEGMENT_PART_TIMESTAMP == PT_PART_TIMESTAMP, "the same bits");

static int64_t clock_ns(clockid_t clock)
{
    struct timespec ts;

    clock_gettime(clock, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void put_taps(struct pt_publish *p, const struct pt_report_input *inputs, size_t input_cnt,
                     bool finished)
{
    for (size_t i = 0; i < input_cnt; i++) {
        struct pt_segment_tap tap = {
            .role = (uint32_t)inputs[i].role,
            .finished = finished,
            .packets = inputs[i].packets,
            .bytes = inputs[i].bytes,
        };

        PT_SEGMENT_SET(tap.name, inputs[i].name);
        pt_segment_put_tap(&p->segment, p->tap_row[i], &tap);
    }
}

static void put_core(struct pt_publish *p, const struct pt_packet_stats *packets, uint64_t batches,
                     uint64_t records)
{
    struct pt_segment_core core = {
        .cpu = -1,
        .busy_permille = UINT32_MAX,
        .packets = packets->frames,
        .bytes = packets->bytes,
        .batches = batches,
        .records = records,
    };

    PT_SEGMENT_SET(core.name, "replay");
    pt_segment_put_core(&p->segment, p->core_row, &core);
}

/* Every code has a row from the start, in the order of the list. */
static void put_codes(struct pt_publish *p, const struct pt_result *result)
{
    for (int c = 0; c < PT_FINDING_CODE_CNT; c++) {
        enum pt_finding_code code = (enum pt_finding_code)c;
        struct pt_segment_code row = {
            .severity = (uint32_t)pt_finding_severity(code),
            .inconclusive = pt_finding_inconclusive(code),
            .total = result ? result->finding_total[c] : 0,
        };

        PT_SEGMENT_SET(row.name, pt_finding_code_name(code));
        pt_segment_put_code(&p->segment, c, &row);
    }
}

int pt_publish_begin(struct pt_publish *p, const struct pt_segment_cfg *cfg,
                     const struct pt_report_input *inputs, size_t input_cnt)
{
    struct pt_segment_cfg sized = *cfg;
    int rc;

    sized.row_max[PT_SEGMENT_TABLE_TAP] = (uint32_t)input_cnt;
    rc = pt_segment_create(&p->segment, &sized);
    if (rc)
        return rc;
    p->run_row = pt_segment_take(&p->segment, PT_SEGMENT_TABLE_RUN);
    p->core_row = pt_segment_take(&p->segment, PT_SEGMENT_TABLE_CORE);
    for (size_t i = 0; i < input_cnt; i++)
        p->tap_row[i] = pt_segment_take(&p->segment, PT_SEGMENT_TABLE_TAP);
    for (int c = 0; c < PT_FINDING_CODE_CNT; c++)
        pt_segment_take(&p->segment, PT_SEGMENT_TABLE_CODE);
    p->next_ns = 0;
    p->run = (struct pt_segment_run){ 0 };
    PT_SEGMENT_SET(p->run.note, "A replay concludes at its end; pairs and findings come then.");
    put_codes(p, NULL);
    put_taps(p, inputs, input_cnt, false);
    pt_segment_put_run(&p->segment, p->run_row, &p->run);
    pt_segment_set_state(&p->segment, PT_SEGMENT_RUNNING);
    return 0;
}

bool pt_publish_due(struct pt_publish *p)
{
    int64_t now = clock_ns(CLOCK_MONOTONIC);

    if (now < p->next_ns)
        return false;
    p->next_ns = now + INTERVAL_NS;
    return true;
}

void pt_publish_progress(struct pt_publish *p, const struct pt_pipeline *pipeline,
                         const struct pt_report_input *inputs, size_t input_cnt, int64_t time_ns)
{
    struct pt_pipeline_progress now;

    pt_pipeline_progress(pipeline, &now);
    p->run.time_ns = time_ns;
    p->run.memory_used_sz = now.memory_peak_sz;
    p->run.memory_max_sz = now.memory_max_sz;
    put_taps(p, inputs, input_cnt, false);
    put_core(p, now.packets, now.batches, now.records);
    pt_segment_put_run(&p->segment, p->run_row, &p->run);
    pt_segment_beat(&p->segment);
}

void pt_publish_drain(struct pt_publish *p)
{
    pt_segment_set_state(&p->segment, PT_SEGMENT_DRAINING);
    pt_segment_beat(&p->segment);
}

static void put_clusters(struct pt_publish *p, const struct pt_report *r)
{
    static const int cluster[] = { PT_CLUSTER_SOURCE, PT_CLUSTER_TARGET, PT_CLUSTER_NONE };
    const struct pt_result *res = r->result;

    for (uint32_t k = 0; k < 3; k++) {
        struct pt_segment_cluster row = { .role = k };

        for (size_t i = 0; i < r->conn_cnt; i++) {
            const struct pt_conn_row *c = &r->conns[i];

            if (c->cluster != cluster[k])
                continue;
            if (c->kind == PT_CONN_KAFKA)
                row.connections += c->connections;
            else if (c->kind == PT_CONN_TLS)
                row.opaque_connections += c->connections;
            else
                row.other_connections += c->connections;
        }
        for (size_t i = 0; i < res->broker_cnt; i++) {
            row.brokers += res->brokers[i].cluster == cluster[k];
            row.brokers_seen += res->brokers[i].cluster == cluster[k] && res->brokers[i].seen;
        }
        for (size_t i = 0; i < res->log_cnt; i++) {
            if (res->logs[i].cluster != cluster[k])
                continue;
            row.logs++;
            row.records += res->logs[i].records;
        }
        if (k < PT_CLUSTER_CNT)
            PT_SEGMENT_SET(row.cluster_id, res->cluster_id[k]);
        pt_segment_put_cluster(&p->segment, pt_segment_take(&p->segment, PT_SEGMENT_TABLE_CLUSTER),
                               &row);
    }
}

static void put_pair(struct pt_publish *p, const struct pt_pair_result *pair,
                     struct pt_segment_run *run)
{
    struct pt_segment_pair row = {
        .source_partition = pair->source.partition,
        .target_partition = pair->target.partition,
        .incarnation = pair->source.incarnation,
        .source_records = pair->source_records,
        .target_records = pair->target_records,
        .verified = pair->verified,
        .missing = pair->missing,
        .extra = pair->extra,
        .duplicated = pair->duplicated,
        .reordered = pair->reordered,
        .mutated = pair->mutated,
        .ambiguous = pt_pair_ambiguous(pair),
        .compacted = pair->compacted,
        .unverifiable = pt_pair_unverifiable(pair),
        .pending = pt_pair_pending(pair),
        .unseen_source = pair->unseen_source,
        .unseen_target = pair->unseen_target,
        .offsets_certified = pair->offsets_certified,
        .offsets_observed = pair->offsets_observed,
        .lag_records = pair->pending_source,
        .lag_ns = -1,
    };

    PT_SEGMENT_SET(row.source_topic, pair->source.topic);
    PT_SEGMENT_SET(row.target_topic, pair->target.topic);
    pt_segment_put_pair(&p->segment, pt_segment_take(&p->segment, PT_SEGMENT_TABLE_PAIR), &row);
    run->pairs++;
    run->verified += row.verified;
    run->divergent += pt_pair_divergent(pair);
    run->unseen += row.unseen_source + row.unseen_target;
    run->pending += row.pending;
    run->offsets_certified += row.offsets_certified;
    run->offsets_observed += row.offsets_observed;
}

static void fill_place(const struct pt_publish *p, const struct pt_report *r,
                       const struct pt_place *place, struct pt_segment_place *out)
{
    if (!place->valid)
        return;
    out->flags = PT_SEGMENT_PLACE_VALID | (place->key_null ? PT_SEGMENT_PLACE_KEY_NULL : 0);
    out->partition = place->partition;
    out->offset = place->offset;
    out->timestamp_ms = place->timestamp_ms;
    out->time_ns = place->at.time_ns;
    out->packet = place->at.packet;
    out->key_hash = place->key_hash;
    out->tap = place->at.input < r->input_cnt ? (int32_t)p->tap_row[place->at.input] : -1;
    PT_SEGMENT_SET(out->topic, place->topic);
    if (place->client) {
        PT_SEGMENT_SET(out->client_id, place->client->client_id);
        PT_SEGMENT_SET(out->client_addr, place->client->client_addr);
    }
}

static void append(struct pt_publish *p, const struct pt_report *r, const struct pt_finding *f)
{
    struct pt_segment_finding out = {
        .severity = (uint32_t)pt_finding_severity(f->code),
        .parts = f->parts,
        .pair = (int32_t)f->pair,
        .cluster = f->cluster < 0                ? -1
                   : f->cluster < PT_CLUSTER_CNT ? f->cluster
                                                 : PT_SEGMENT_BOTH,
        .cnt = f->cnt,
        .certified_ns = clock_ns(CLOCK_REALTIME),
    };

    PT_SEGMENT_SET(out.code, pt_finding_code_name(f->code));
    PT_SEGMENT_SET(out.message, f->message);
    fill_place(p, r, &f->source, &out.source);
    fill_place(p, r, &f->target, &out.target);
    pt_segment_append(&p->segment, 0, &out);
}

void pt_publish_end(struct pt_publish *p, const struct pt_report *r)
{
    p->run.verdict = r->verdict == PT_VERDICT_PARITY      ? PT_SEGMENT_PARITY
                     : r->verdict == PT_VERDICT_DIVERGENT ? PT_SEGMENT_DIVERGENT
                                                          : PT_SEGMENT_INCONCLUSIVE;
    PT_SEGMENT_SET(p->run.note, r->stopped);
    put_taps(p, r->inputs, r->input_cnt, true);
    put_core(p, r->packets, r->shard->batches, r->shard->records_credited);
    put_clusters(p, r);
    for (size_t i = 0; i < r->result->pair_cnt; i++)
        put_pair(p, &r->result->pairs[i], &p->run);
    put_codes(p, r->result);
    pt_segment_put_run(&p->segment, p->run_row, &p->run);
    for (size_t i = 0; i < r->result->finding_cnt; i++)
        append(p, r, &r->result->findings[i]);
    pt_segment_close(&p->segment);
}
