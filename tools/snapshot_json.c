/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/snapshot_json.h"

#include "tools/json_out.h"
#include "tools/report.h"
#include "tools/values.h"

/* A line of JSON Lines: everything on one. */
static void begin(struct pt_json *j, FILE *f, const char *type)
{
    pt_json_init(j, f, 0);
    pt_json_object(j, NULL);
    pt_json_text(j, "type", type);
}

static void put_time(struct pt_json *j, const char *key, int64_t ns)
{
    char buf[PT_TEXT_MAX];

    pt_json_text(j, key, ns ? pt_text_time_ns(ns, buf) : NULL);
}

static void put_life(struct pt_json *j, const struct pt_snapshot *s)
{
    pt_json_text(j, "writer", pt_segment_life_name(s->life));
    pt_json_text(j, "state", pt_segment_state_name(s->state));
    pt_json_int(j, "heartbeat_age_ms", s->beat_age_ns / 1000000);
    pt_json_text(j, "verdict", pt_segment_verdict_name(s->run.verdict));
}

static void put_taps(struct pt_json *j, const struct pt_snapshot *s)
{
    pt_json_array(j, "inputs");
    for (size_t i = 0; i < s->tap_cnt; i++) {
        const struct pt_segment_tap *tap = &s->taps[i];

        pt_json_object(j, NULL);
        pt_json_text(j, "name", tap->name.s);
        pt_json_text(j, "role", pt_segment_role_name(tap->role));
        pt_json_count(j, "packets", tap->packets);
        pt_json_count(j, "bytes", tap->bytes);
        pt_json_count(j, "lost", tap->lost);
        pt_json_bool(j, "finished", tap->finished);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void put_cores(struct pt_json *j, const struct pt_snapshot *s)
{
    pt_json_array(j, "cores");
    for (size_t i = 0; i < s->core_cnt; i++) {
        const struct pt_segment_core *c = &s->cores[i];

        pt_json_object(j, NULL);
        pt_json_text(j, "name", c->name.s);
        pt_json_int(j, "cpu", c->cpu);
        if (c->busy_permille == UINT32_MAX)
            pt_json_null(j, "busy");
        else
            pt_json_real(j, "busy", (double)c->busy_permille / 1000);
        pt_json_count(j, "packets", c->packets);
        pt_json_count(j, "bytes", c->bytes);
        pt_json_count(j, "batches", c->batches);
        pt_json_count(j, "records", c->records);
        pt_json_count(j, "shed", c->shed);
        pt_json_count(j, "ladder_step", c->ladder_step);
        pt_json_count(j, "queue_used_bytes", c->queue_used_sz);
        pt_json_count(j, "queue_max_bytes", c->queue_max_sz);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void put_clusters(struct pt_json *j, const struct pt_snapshot *s)
{
    pt_json_array(j, "clusters");
    for (size_t i = 0; i < s->cluster_cnt; i++) {
        const struct pt_segment_cluster *c = &s->clusters[i];

        pt_json_object(j, NULL);
        pt_json_text(j, "role",
                     c->role == PT_SEGMENT_BOTH ? "unassigned" : pt_segment_role_name(c->role));
        pt_json_text(j, "cluster_id", c->cluster_id.s[0] ? c->cluster_id.s : NULL);
        pt_json_count(j, "connections", c->connections);
        pt_json_count(j, "opaque_connections", c->opaque_connections);
        pt_json_count(j, "other_connections", c->other_connections);
        pt_json_count(j, "brokers", c->brokers);
        pt_json_count(j, "brokers_seen", c->brokers_seen);
        pt_json_count(j, "logs", c->logs);
        pt_json_count(j, "records", c->records);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void put_side(struct pt_json *j, const char *key, const struct pt_segment_text256 *topic,
                     int32_t partition)
{
    pt_json_object(j, key);
    pt_json_text(j, "topic", topic->s);
    pt_json_int(j, "partition", partition);
    pt_json_object_end(j);
}

static void put_pair(struct pt_json *j, const struct pt_segment_pair *p)
{
    pt_json_object(j, NULL);
    put_side(j, "source", &p->source_topic, p->source_partition);
    put_side(j, "target", &p->target_topic, p->target_partition);
    pt_json_count(j, "incarnation", p->incarnation);
    pt_json_count(j, "source_records", p->source_records);
    pt_json_count(j, "target_records", p->target_records);
    pt_json_count(j, "verified", p->verified);
    pt_json_count(j, "missing", p->missing);
    pt_json_count(j, "extra", p->extra);
    pt_json_count(j, "duplicated", p->duplicated);
    pt_json_count(j, "reordered", p->reordered);
    pt_json_count(j, "mutated", p->mutated);
    pt_json_count(j, "ambiguous", p->ambiguous);
    pt_json_count(j, "compacted", p->compacted);
    pt_json_count(j, "unverifiable", p->unverifiable);
    pt_json_count(j, "pending", p->pending);
    pt_json_count(j, "unseen_source", p->unseen_source);
    pt_json_count(j, "unseen_target", p->unseen_target);
    pt_json_real(j, "coverage", pt_coverage(p->offsets_certified, p->offsets_observed));
    pt_json_count(j, "lag_records", p->lag_records);
    if (p->lag_ns < 0)
        pt_json_null(j, "lag_ms");
    else
        pt_json_int(j, "lag_ms", p->lag_ns / 1000000);
    pt_json_object_end(j);
}

static void put_totals(struct pt_json *j, const struct pt_snapshot *s)
{
    pt_json_object(j, "finding_totals");
    for (size_t i = 0; i < s->code_cnt; i++) {
        if (s->codes[i].total)
            pt_json_count(j, s->codes[i].name.s, s->codes[i].total);
    }
    pt_json_object_end(j);
}

void pt_snapshot_json_run(const struct pt_snapshot *s, FILE *f)
{
    struct pt_json j;

    begin(&j, f, "run");
    pt_json_text(&j, "program", s->id.program.s);
    pt_json_text(&j, "host", s->id.host.s);
    pt_json_count(&j, "pid", s->id.pid);
    put_time(&j, "started", s->id.start_ns);
    put_life(&j, s);
    put_time(&j, "time", s->run.time_ns);
    pt_json_text(&j, "note", s->run.note.s[0] ? s->run.note.s : NULL);
    pt_json_count(&j, "verified", s->run.verified);
    pt_json_count(&j, "divergent", s->run.divergent);
    pt_json_count(&j, "unseen", s->run.unseen);
    pt_json_count(&j, "pending", s->run.pending);
    pt_json_real(&j, "coverage", pt_coverage(s->run.offsets_certified, s->run.offsets_observed));
    pt_json_count(&j, "memory_used_bytes", s->run.memory_used_sz);
    pt_json_count(&j, "memory_max_bytes", s->run.memory_max_sz);
    put_taps(&j, s);
    put_cores(&j, s);
    put_clusters(&j, s);
    pt_json_array(&j, "pairs");
    for (size_t i = 0; i < s->pair_cnt; i++)
        put_pair(&j, &s->pairs[i]);
    pt_json_array_end(&j);
    pt_json_count(&j, "pairs_not_shown", s->pair_refused);
    put_totals(&j, s);
    pt_json_object_end(&j);
}

static void put_place(struct pt_json *j, const char *key, const struct pt_segment_reader *r,
                      const struct pt_segment_place *p)
{
    struct pt_segment_tap tap;
    char hash[16];
    char buf[PT_TEXT_MAX];

    if (!(p->flags & PT_SEGMENT_PLACE_VALID)) {
        pt_json_null(j, key);
        return;
    }
    snprintf(hash, sizeof(hash), "%08x", p->key_hash);
    pt_json_object(j, key);
    pt_json_text(j, "topic", p->topic.s);
    pt_json_int(j, "partition", p->partition);
    pt_json_offset(j, "offset", p->offset);
    pt_json_text(j, "timestamp",
                 p->timestamp_ms == -1 ? NULL : pt_text_time_ms(p->timestamp_ms, buf));
    pt_json_text(j, "time", p->packet ? pt_text_time_ns(p->time_ns, buf) : NULL);
    pt_json_text(j, "key_hash", p->flags & PT_SEGMENT_PLACE_KEY_NULL ? NULL : hash);
    if (p->packet && p->tap >= 0 && pt_segment_get_tap(r, (uint32_t)p->tap, &tap))
        pt_json_text(j, "file", tap.name.s);
    else
        pt_json_null(j, "file");
    if (p->packet)
        pt_json_count(j, "packet", p->packet);
    else
        pt_json_null(j, "packet");
    pt_json_text(j, "client_id", p->client_addr.s[0] ? p->client_id.s : NULL);
    pt_json_text(j, "client_addr", p->client_addr.s[0] ? p->client_addr.s : NULL);
    pt_json_bool(j, "cut", p->topic.cut || p->client_id.cut || p->client_addr.cut);
    pt_json_object_end(j);
}

void pt_snapshot_json_finding(const struct pt_segment_reader *r,
                              const struct pt_segment_finding *finding, FILE *f)
{
    struct pt_json j;

    begin(&j, f, "finding");
    put_time(&j, "certified", finding->certified_ns);
    pt_json_text(&j, "code", finding->code.s);
    pt_json_text(&j, "severity",
                 finding->severity <= PT_SEGMENT_DIVERGENCE
                         ? pt_severity_name((enum pt_severity)finding->severity)
                         : NULL);
    pt_json_text(&j, "cluster",
                 finding->cluster < 0 ? NULL
                 : finding->cluster == PT_SEGMENT_BOTH
                         ? "unassigned"
                         : pt_segment_role_name((uint32_t)finding->cluster));
    put_place(&j, "source", r, &finding->source);
    put_place(&j, "target", r, &finding->target);
    pt_json_array(&j, "parts");
    if (finding->parts & PT_SEGMENT_PART_KEY)
        pt_json_text(&j, NULL, "key");
    if (finding->parts & PT_SEGMENT_PART_VALUE)
        pt_json_text(&j, NULL, "value");
    if (finding->parts & PT_SEGMENT_PART_HEADERS)
        pt_json_text(&j, NULL, "headers");
    if (finding->parts & PT_SEGMENT_PART_TIMESTAMP)
        pt_json_text(&j, NULL, "timestamp");
    pt_json_array_end(&j);
    pt_json_count(&j, "count", finding->cnt);
    pt_json_text(&j, "message", finding->message.s);
    pt_json_object_end(&j);
}

void pt_snapshot_json_missed(uint64_t cnt, FILE *f)
{
    struct pt_json j;

    begin(&j, f, "missed");
    pt_json_count(&j, "count", cnt);
    pt_json_object_end(&j);
}

void pt_snapshot_json_state(const struct pt_snapshot *s, FILE *f)
{
    struct pt_json j;

    begin(&j, f, "state");
    put_life(&j, s);
    pt_json_object_end(&j);
}
