/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/report_json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "parser/batch.h"
#include "parser/walk.h"
#include "tools/json_out.h"
#include "tools/ledger.h"
#include "tools/report_loss.h"
#include "tools/values.h"

/* Members of the report and their rows stand on lines of their own, what is in a row on one line.
 */
#define WIDE_DEPTH 2

static void write_bound(struct pt_json *j, const char *key, int64_t ns)
{
    if (ns == INT64_MIN || ns == INT64_MAX)
        pt_json_null(j, key);
    else
        pt_json_int(j, key, ns);
}

/* By how much the times of an input were moved, and why. */
static void write_clock(struct pt_json *j, const struct pt_report *r, const struct pt_clock *c)
{
    pt_json_int(j, "clock_offset_ns", c->offset_ns);
    pt_json_text(j, "clock", pt_clock_how_name(c->how));
    if (c->how != PT_CLOCK_ESTIMATED)
        return;
    pt_json_text(j, "clock_against", r->inputs[c->against].name);
    pt_json_count(j, "clock_pairs", c->pairs);
    write_bound(j, "clock_low_ns", c->low_ns);
    write_bound(j, "clock_high_ns", c->high_ns);
}

static void write_inputs(struct pt_json *j, const struct pt_report *r)
{
    pt_json_array(j, "inputs");
    for (size_t i = 0; i < r->input_cnt; i++) {
        const struct pt_report_input *in = &r->inputs[i];
        struct pt_mirror_stats mirror = pt_mirror_sum(r->mirrors, r->mirror_cnt, (uint32_t)i);

        pt_json_object(j, NULL);
        pt_json_text(j, in->is_port ? "port" : "file", in->name);
        pt_json_text(j, "role", pt_role_name(in->role));
        pt_json_count(j, "packets", in->packets);
        pt_json_count(j, "bytes", in->bytes);
        pt_json_bool(j, "truncated", in->truncated);
        pt_json_text(j, "trouble", in->trouble);
        pt_json_count(j, "mirror_sessions", mirror.sessions);
        pt_json_count(j, "mirror_lost", mirror.lost);
        pt_json_object(j, "parts");
        for (unsigned k = 0; k < PT_PACKET_KIND_CNT; k++)
            if (r->packets->tap[i].kind[k])
                pt_json_count(j, pt_ledger_packet_part(k), r->packets->tap[i].kind[k]);
        pt_json_object_end(j);
        pt_json_count(j, "payload_bytes", r->packets->tap[i].payload_bytes);
        write_clock(j, r, &in->clock);
        if (in->is_port) {
            pt_json_count(j, "missed", in->missed);
            pt_json_count(j, "no_buffer", in->no_buffer);
            pt_json_count(j, "errors", in->errors);
            pt_json_count(j, "lost", in->lost);
        }
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void write_connections(struct pt_json *j, const struct pt_conn_row *rows, size_t row_cnt,
                              int cluster)
{
    uint64_t by_kind[PT_CONN_KIND_CNT] = { 0 };
    uint64_t total = 0;
    char buf[PT_TEXT_MAX];

    for (size_t i = 0; i < row_cnt; i++) {
        if (rows[i].cluster != cluster)
            continue;
        by_kind[rows[i].kind] += rows[i].connections;
        total += rows[i].connections;
    }
    pt_json_object(j, "connections");
    pt_json_count(j, "total", total);
    for (uint8_t k = 0; k < PT_CONN_KIND_CNT; k++)
        pt_json_count(j, pt_conn_kind_name(k), by_kind[k]);
    pt_json_object_end(j);

    pt_json_array(j, "endpoints");
    for (size_t i = 0; i < row_cnt; i++) {
        if (rows[i].cluster != cluster)
            continue;
        pt_json_object(j, NULL);
        pt_json_text(j, "address", pt_text_endpoint(&rows[i].broker, buf));
        pt_json_text(j, "kind", pt_conn_kind_name(rows[i].kind));
        pt_json_count(j, "connections", rows[i].connections);
        pt_json_count(j, "bytes", rows[i].bytes);
        pt_json_text(j, "note", rows[i].note);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void write_apis(struct pt_json *j, const struct pt_api_row *rows, size_t row_cnt,
                       int cluster)
{
    char buf[PT_TEXT_MAX];

    pt_json_array(j, "apis");
    for (size_t i = 0; i < row_cnt; i++) {
        const char *name = pt_api_name(rows[i].api_key);

        if (rows[i].cluster != cluster)
            continue;
        snprintf(buf, sizeof(buf), "api_%d", rows[i].api_key);
        pt_json_object(j, NULL);
        pt_json_text(j, "api", name ? name : buf);
        pt_json_int(j, "api_key", rows[i].api_key);
        pt_json_int(j, "version", rows[i].api_version);
        pt_json_count(j, "requests", rows[i].requests);
        pt_json_count(j, "responses", rows[i].responses);
        pt_json_count(j, "unparsed", rows[i].unparsed);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void write_brokers(struct pt_json *j, const struct pt_result *res, int cluster)
{
    pt_json_array(j, "brokers");
    for (size_t i = 0; i < res->broker_cnt; i++) {
        const struct pt_broker_result *b = &res->brokers[i];

        if (b->cluster != cluster)
            continue;
        pt_json_object(j, NULL);
        pt_json_int(j, "node_id", b->node_id);
        pt_json_text(j, "host", b->host[0] ? b->host : NULL);
        pt_json_int(j, "port", b->port);
        pt_json_bool(j, "seen", b->seen);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void write_clients(struct pt_json *j, const struct pt_result *res, int cluster)
{
    pt_json_array(j, "clients");
    for (size_t i = 0; i < res->client_cnt; i++) {
        const struct pt_client_info *c = &res->clients[i];

        if (c->cluster != cluster)
            continue;
        pt_json_object(j, NULL);
        pt_json_text(j, "client_id", c->client_id);
        pt_json_text(j, "client_addr", c->client_addr);
        pt_json_text(j, "broker_addr", c->broker_addr);
        pt_json_text(j, "software", c->software[0] ? c->software : NULL);
        pt_json_count(j, "batches_produced", c->batches_produced);
        pt_json_count(j, "batches_fetched", c->batches_fetched);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void write_name(struct pt_json *j, const struct pt_log_name *name)
{
    char buf[PT_TEXT_MAX];

    pt_json_text(j, "topic", name->topic);
    pt_json_text(j, "topic_id", name->has_id ? pt_topic_id_text(name->id, buf) : NULL);
    pt_json_int(j, "partition", name->partition);
}

static void write_log(struct pt_json *j, const struct pt_log_result *log)
{
    pt_json_object(j, NULL);
    write_name(j, &log->name);
    pt_json_count(j, "incarnation", log->name.incarnation);
    pt_json_bool(j, "internal", log->internal);
    pt_json_offset(j, "first_offset", log->first_offset);
    pt_json_offset(j, "last_offset", log->last_offset);
    pt_json_offset(j, "log_start_offset", log->log_start_offset);
    pt_json_offset(j, "high_watermark", log->high_watermark);
    pt_json_count(j, "records", log->records);
    pt_json_count(j, "control", log->control);
    pt_json_count(j, "aborted", log->aborted);
    pt_json_count(j, "undecided", log->undecided);
    pt_json_count(j, "unseen", log->unseen);
    pt_json_array(j, "batches");
    for (size_t i = 0; i < log->batch_row_cnt; i++) {
        const struct pt_batch_row *b = &log->batches[i];

        pt_json_object(j, NULL);
        pt_json_text(j, "source", b->produce ? "produce" : "fetch");
        pt_json_int(j, "magic", b->magic);
        pt_json_text(j, "codec", pt_codec_name(b->codec));
        pt_json_count(j, "batches", b->batches);
        pt_json_count(j, "records", b->records);
        pt_json_count(j, "crc_bad", b->crc_bad);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
    pt_json_object_end(j);
}

/* Rows of one cluster get lines of their own: one level deeper than elsewhere. */
static void write_cluster(struct pt_json *j, const struct pt_report *r, int cluster,
                          const struct pt_api_row *apis, const struct pt_conn_row *conns)
{
    const struct pt_result *res = r->result;

    pt_json_object(j, NULL);
    j->wide_depth = WIDE_DEPTH + 2;
    pt_json_text(j, "role", pt_cluster_name(cluster));
    pt_json_text(j, "cluster_id", res->cluster_id[cluster]);
    write_brokers(j, res, cluster);
    write_connections(j, conns, r->conn_cnt, cluster);
    write_apis(j, apis, r->api_cnt, cluster);
    write_clients(j, res, cluster);
    pt_json_array(j, "logs");
    for (size_t i = 0; i < res->log_cnt; i++) {
        if (res->logs[i].cluster == cluster)
            write_log(j, &res->logs[i]);
    }
    pt_json_array_end(j);
    pt_json_object_end(j);
    j->wide_depth = WIDE_DEPTH;
}

static int write_clusters(struct pt_json *j, const struct pt_report *r)
{
    struct pt_api_row *apis = pt_api_rows_sorted(r);
    struct pt_conn_row *conns = pt_conn_rows_sorted(r);
    int rc = -ENOMEM;

    if (!apis || !conns)
        goto out;
    pt_json_array(j, "clusters");
    write_cluster(j, r, PT_CLUSTER_SOURCE, apis, conns);
    if (!r->single)
        write_cluster(j, r, PT_CLUSTER_TARGET, apis, conns);
    pt_json_array_end(j);

    pt_json_object(j, "unassigned");
    write_connections(j, conns, r->conn_cnt, PT_CLUSTER_NONE);
    write_apis(j, apis, r->api_cnt, PT_CLUSTER_NONE);
    pt_json_object_end(j);
    rc = 0;
out:
    free(apis);
    free(conns);
    return rc;
}

static void write_ledger(struct pt_json *j, const struct pt_report *r)
{
    struct pt_ledger ledger[PT_LEDGER_CNT];

    pt_ledger_build(r, ledger);
    pt_json_object(j, "ledger");
    for (size_t i = 0; i < PT_LEDGER_CNT; i++) {
        const struct pt_ledger *l = &ledger[i];

        pt_json_object(j, l->layer);
        pt_json_count(j, "total", l->total);
        pt_json_object(j, "parts");
        for (size_t k = 0; k < l->part_cnt; k++)
            pt_json_count(j, l->part[k].name, l->part[k].cnt);
        pt_json_object_end(j);
        pt_json_int(j, "residue", l->residue);
        pt_json_object_end(j);
    }
    pt_json_object_end(j);
}

static void write_counters(struct pt_json *j, const struct pt_report *r)
{
    struct pt_counters counters[PT_COUNTERS_CNT];

    pt_counters_build(r, counters);
    pt_json_object(j, "counters");
    for (size_t i = 0; i < PT_COUNTERS_CNT; i++) {
        pt_json_object(j, counters[i].stage);
        for (size_t k = 0; k < counters[i].row_cnt; k++)
            pt_json_count(j, counters[i].row[k].name, pt_counter_value(&counters[i], k));
        pt_json_object_end(j);
    }
    pt_json_object_end(j);
}

/* When how much was left out. */
static void write_overload(struct pt_json *j, const struct pt_ladder *l)
{
    char buf[PT_TEXT_MAX];

    pt_json_object(j, "overload");
    pt_json_count(j, "level", l->level);
    pt_json_count(j, "level_max", l->level_max);
    pt_json_count(j, "changes_total", l->change_cnt);
    pt_json_array(j, "seconds_at_level");
    for (size_t i = 0; i < PT_LADDER_LEVEL_CNT; i++)
        pt_json_real(j, NULL, (double)l->level_ns[i] / 1e9);
    pt_json_array_end(j);
    pt_json_array(j, "changes");
    for (size_t i = 0; i < pt_ladder_changes(l); i++) {
        const struct pt_ladder_change *c = pt_ladder_change_at(l, i);

        pt_json_object(j, NULL);
        pt_json_text(j, "time", pt_text_time_ns(c->time_ns, buf));
        pt_json_count(j, "level", c->level);
        pt_json_count(j, "step", c->step);
        pt_json_real(j, "share", (double)c->share / 4294967296.0);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
    pt_json_object_end(j);
}

/* What a live run tells of itself: it depends on who was faster, and is no part of the verdict. */
static void write_live(struct pt_json *j, const struct pt_report *r)
{
    const struct pt_live_state *s = r->live;

    write_overload(j, s->ladder);
    pt_json_object(j, "work");
    pt_json_count(j, "batches_again", r->parser->batches_again);
    pt_json_count(j, "batches_handed_off", r->parser->batches_handed_off);
    pt_json_count(j, "records_decoded", r->parser->records);
    pt_json_count(j, "observations", r->shard->messages);
    pt_json_count(j, "observations_late", s->work.late_observations);
    pt_json_count(j, "observations_lost", s->work.observations_lost);
    pt_json_count(j, "packets_handed_over", s->work.handed_over);
    pt_json_count(j, "packets_wrong_core", s->work.wrong_core);
    pt_json_object_end(j);
    pt_json_array(j, "memory");
    for (size_t i = 0; i < s->memory_cnt; i++) {
        const struct pt_live_memory *m = &s->memory[i];

        pt_json_object(j, NULL);
        pt_json_text(j, "budget", m->name);
        pt_json_count(j, "used", m->used_sz);
        pt_json_count(j, "peak", m->peak_sz);
        pt_json_count(j, "limit", m->limit_sz);
        if (m->has_heap) {
            pt_json_count(j, "heap_allocated", m->heap.allocated_sz);
            pt_json_count(j, "heap_active", m->heap.active_sz);
            pt_json_count(j, "heap_resident", m->heap.resident_sz);
        }
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void write_pair_side(struct pt_json *j, const char *key, const struct pt_log_name *name)
{
    pt_json_object(j, key);
    write_name(j, name);
    pt_json_count(j, "incarnation", name->incarnation);
    pt_json_object_end(j);
}

static void write_pair(struct pt_json *j, const struct pt_pair_result *p)
{
    pt_json_object(j, NULL);
    write_pair_side(j, "source", &p->source);
    write_pair_side(j, "target", &p->target);
    pt_json_text(j, "rule", pt_pair_rule_name(p->rule));
    pt_json_count(j, "source_records", p->source_records);
    pt_json_count(j, "target_records", p->target_records);
    pt_json_count(j, "verified", p->verified);
    pt_json_count(j, "missing", p->missing);
    pt_json_count(j, "extra", p->extra);
    pt_json_count(j, "duplicated", p->duplicated);
    pt_json_count(j, "reordered", p->reordered);
    pt_json_count(j, "mutated", p->mutated);
    pt_json_count(j, "ambiguous", pt_pair_ambiguous(p));
    pt_json_count(j, "ambiguous_source", p->missing_or_reordered + p->ambiguous_source);
    pt_json_count(j, "ambiguous_target", p->ambiguous_target);
    pt_json_count(j, "missing_or_reordered", p->missing_or_reordered);
    pt_json_count(j, "compacted", p->compacted);
    pt_json_count(j, "unverifiable", pt_pair_unverifiable(p));
    pt_json_count(j, "unverifiable_source", p->unverifiable_source);
    pt_json_count(j, "unverifiable_target", p->unverifiable_target);
    pt_json_count(j, "pending", pt_pair_pending(p));
    pt_json_count(j, "pending_source", p->pending_source);
    pt_json_count(j, "pending_target", p->pending_target);
    pt_json_count(j, "unseen_source", p->unseen_source);
    pt_json_count(j, "unseen_target", p->unseen_target);
    pt_json_object(j, "unseen");
    for (unsigned k = 0; k < PT_LOST_REASON_CNT; k++) {
        if (p->unseen[k])
            pt_json_count(j, pt_lost_reason_name(k), p->unseen[k]);
    }
    pt_json_object_end(j);
    pt_json_real(j, "coverage", pt_coverage(p->offsets_certified, p->offsets_observed));
    pt_json_count(j, "offsets_certified", p->offsets_certified);
    pt_json_count(j, "offsets_observed", p->offsets_observed);
    pt_json_array(j, "offset_map");
    for (size_t i = 0; i < p->map_cnt; i++) {
        pt_json_object(j, NULL);
        pt_json_int(j, "source_from", p->map[i].source_from);
        pt_json_int(j, "target_from", p->map[i].target_from);
        pt_json_count(j, "count", p->map[i].cnt);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
    pt_json_object_end(j);
}

static void write_pairs(struct pt_json *j, const struct pt_result *res)
{
    pt_json_array(j, "pairs");
    for (size_t i = 0; i < res->pair_cnt; i++)
        write_pair(j, &res->pairs[i]);
    pt_json_array_end(j);

    pt_json_array(j, "unpaired");
    for (size_t i = 0; i < res->unpaired_cnt; i++) {
        pt_json_object(j, NULL);
        pt_json_text(j, "cluster", pt_cluster_name(res->unpaired[i].cluster));
        write_name(j, &res->unpaired[i].name);
        pt_json_count(j, "records", res->unpaired[i].records);
        pt_json_text(j, "why", res->unpaired[i].why);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void write_place(struct pt_json *j, const char *key, const struct pt_report *r,
                        const struct pt_place *p)
{
    bool packet = p->at.packet && p->at.input < r->input_cnt;
    char hash[16];
    char buf[PT_TEXT_MAX];

    if (!p->valid) {
        pt_json_null(j, key);
        return;
    }
    snprintf(hash, sizeof(hash), "%08x", p->key_hash);
    pt_json_object(j, key);
    pt_json_text(j, "topic", p->topic);
    pt_json_int(j, "partition", p->partition);
    pt_json_offset(j, "offset", p->offset);
    pt_json_text(j, "timestamp",
                 p->timestamp_ms == -1 ? NULL : pt_text_time_ms(p->timestamp_ms, buf));
    pt_json_int(j, "timestamp_ms", p->timestamp_ms);
    pt_json_text(j, "time", packet ? pt_text_time_ns(p->at.time_ns, buf) : NULL);
    pt_json_text(j, "key_hash", p->key_null ? NULL : hash);
    pt_json_text(j, "file", packet ? r->inputs[p->at.input].name : NULL);
    if (packet)
        pt_json_count(j, "packet", p->at.packet);
    else
        pt_json_null(j, "packet");
    pt_json_text(j, "client_id", p->client ? p->client->client_id : NULL);
    pt_json_text(j, "client_addr", p->client ? p->client->client_addr : NULL);
    pt_json_object_end(j);
}

static void write_finding(struct pt_json *j, const struct pt_report *r, const struct pt_finding *f)
{
    pt_json_object(j, NULL);
    pt_json_text(j, "code", pt_finding_code_name(f->code));
    pt_json_text(j, "severity", pt_severity_name(pt_finding_severity(f->code)));
    if (f->pair >= 0)
        pt_json_int(j, "pair", f->pair);
    else
        pt_json_null(j, "pair");
    pt_json_text(j, "cluster", f->cluster >= 0 ? pt_cluster_name(f->cluster) : NULL);
    write_place(j, "source", r, &f->source);
    write_place(j, "target", r, &f->target);
    pt_json_array(j, "parts");
    if (f->parts & PT_PART_KEY)
        pt_json_text(j, NULL, "key");
    if (f->parts & PT_PART_VALUE)
        pt_json_text(j, NULL, "value");
    if (f->parts & PT_PART_HEADERS)
        pt_json_text(j, NULL, "headers");
    if (f->parts & PT_PART_TIMESTAMP)
        pt_json_text(j, NULL, "timestamp");
    pt_json_array_end(j);
    pt_json_count(j, "count", f->cnt);
    pt_json_text(j, "message", f->message);
    pt_json_object_end(j);
}

static void write_findings(struct pt_json *j, const struct pt_report *r)
{
    const struct pt_result *res = r->result;

    pt_json_array(j, "findings");
    for (size_t i = 0; i < res->finding_cnt; i++)
        write_finding(j, r, &res->findings[i]);
    pt_json_array_end(j);

    /* Also those that were too many to be kept one by one. */
    pt_json_object(j, "finding_totals");
    for (int code = 0; code < PT_FINDING_CODE_CNT; code++) {
        if (res->finding_total[code])
            pt_json_count(j, pt_finding_code_name(code), res->finding_total[code]);
    }
    pt_json_object_end(j);
}

int pt_report_json(const struct pt_report *r, FILE *f)
{
    struct pt_json j;
    int rc;

    pt_json_init(&j, f, WIDE_DEPTH);
    pt_json_object(&j, NULL);
    pt_json_text(&j, "format", "paritap-report");
    pt_json_int(&j, "version", PT_REPORT_FORMAT_VERSION);
    pt_json_text(&j, "verdict", pt_verdict_name(r->verdict));
    pt_json_text(&j, "stopped", r->stopped);
    write_inputs(&j, r);
    rc = write_clusters(&j, r);
    if (rc)
        return rc;
    write_ledger(&j, r);
    pt_report_loss_json(r, &j);
    write_counters(&j, r);
    if (r->live)
        write_live(&j, r);
    write_pairs(&j, r->result);
    write_findings(&j, r);
    pt_json_object_end(&j);
    return 0;
}
