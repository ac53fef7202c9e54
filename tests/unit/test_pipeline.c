/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The whole pipeline over real captures, by one worker in the caller's thread and by several with
 * threads of their own: everything that it says is written down as text and must be the same, line
 * by line. Then: closed in the midst of it, and opened with budgets that do not suffice (a
 * sanitizer build shows that nothing is left behind). Runs under ThreadSanitizer, so only two pairs
 * of captures; tests/golden has them all.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/pipeline.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

static const char *const pairs[] = { "mirror-faults", "recreate" };
static const char *const sides[] = { "source", "target" };

struct run {
    struct pt_capture *caps[2];
    struct pt_merge *merge;
    struct pt_pipeline *p;
};

static struct pt_pipeline_cfg config(unsigned worker_cnt)
{
    struct pt_pipeline_cfg cfg;

    pt_pipeline_cfg_init(&cfg);
    cfg.memory_max = 512u << 20;
    cfg.parser.seen_slots = 1u << 16;
    cfg.worker_cnt = worker_cnt;
    cfg.roles.input[0] = PT_ROLE_SOURCE;
    cfg.roles.input[1] = PT_ROLE_TARGET;
    cfg.roles.input_cnt = 2;
    return cfg;
}

static void open_run(struct run *run, const char *pair, unsigned worker_cnt)
{
    struct pt_pipeline_cfg cfg = config(worker_cnt);

    for (size_t i = 0; i < 2; i++) {
        const char *err = NULL;
        char path[512];

        snprintf(path, sizeof(path), "%s/pairs/%s-%s.pcap.gz", getenv("PT_CAPTURES"), pair,
                 sides[i]);
        if (pt_capture_open(path, &run->caps[i], &err))
            fail_msg("%s", err);
    }
    assert_int_equal(pt_merge_open(run->caps, 2, &run->merge), 0);
    assert_int_equal(pt_pipeline_open(&cfg, &run->p), 0);
}

static uint64_t read_frames(struct run *run, uint64_t max)
{
    struct pt_frame f;
    uint32_t input;
    uint64_t cnt = 0;

    for (; cnt < max && pt_merge_next(run->merge, &f, &input) > 0; cnt++)
        pt_pipeline_frame(run->p, &f, input);
    return cnt;
}

static void close_run(struct run *run)
{
    pt_pipeline_close(run->p);
    pt_merge_close(run->merge);
    for (size_t i = 0; i < 2; i++)
        pt_capture_close(run->caps[i]);
}

/* Everything that is said, as text. */

#define PUT(out, name, value) fprintf(out, "%s %llu\n", name, (unsigned long long)(value))

static void put_name(FILE *out, const char *what, const struct pt_log_name *n)
{
    fprintf(out, "%s %s-%d inc %u id %d ", what, n->topic, n->partition, n->incarnation, n->has_id);
    for (size_t i = 0; i < sizeof(n->id); i++)
        fprintf(out, "%02x", n->id[i]);
    fprintf(out, "\n");
}

static void put_pair(FILE *out, const struct pt_pair_result *p)
{
    put_name(out, "pair source", &p->source);
    put_name(out, "pair target", &p->target);
    PUT(out, "rule", p->rule);
    PUT(out, "source_records", p->source_records);
    PUT(out, "target_records", p->target_records);
    PUT(out, "verified", p->verified);
    PUT(out, "missing", p->missing);
    PUT(out, "extra", p->extra);
    PUT(out, "duplicated", p->duplicated);
    PUT(out, "reordered", p->reordered);
    PUT(out, "mutated", p->mutated);
    PUT(out, "missing_or_reordered", p->missing_or_reordered);
    PUT(out, "ambiguous_source", p->ambiguous_source);
    PUT(out, "ambiguous_target", p->ambiguous_target);
    PUT(out, "compacted", p->compacted);
    PUT(out, "unverifiable_source", p->unverifiable_source);
    PUT(out, "unverifiable_target", p->unverifiable_target);
    PUT(out, "pending_source", p->pending_source);
    PUT(out, "pending_target", p->pending_target);
    PUT(out, "offsets_certified", p->offsets_certified);
    PUT(out, "offsets_observed", p->offsets_observed);
    for (size_t i = 0; i < PT_LOST_REASON_CNT; i++)
        PUT(out, "unseen", p->unseen[i]);
    for (size_t i = 0; i < p->map_cnt; i++)
        fprintf(out, "map %lld %lld %llu\n", (long long)p->map[i].source_from,
                (long long)p->map[i].target_from, (unsigned long long)p->map[i].cnt);
}

static void put_place(FILE *out, const struct pt_place *p)
{
    if (!p->valid)
        return;
    fprintf(out, " %s-%d@%lld ts %lld key %x null %d input %u packet %llu order %llu time %lld",
            p->topic, p->partition, (long long)p->offset, (long long)p->timestamp_ms, p->key_hash,
            p->key_null, p->at.input, (unsigned long long)p->at.packet,
            (unsigned long long)p->at.order, (long long)p->at.time_ns);
    if (p->client)
        fprintf(out, " client %s %s", p->client->client_id, p->client->client_addr);
}

static void put_findings(FILE *out, const struct pt_result *r)
{
    for (size_t i = 0; i < r->finding_cnt; i++) {
        const struct pt_finding *f = &r->findings[i];

        fprintf(out, "finding %s pair %lld cluster %d parts %x cnt %llu: %s:",
                pt_finding_code_name(f->code), (long long)f->pair, f->cluster, f->parts,
                (unsigned long long)f->cnt, f->message);
        put_place(out, &f->source);
        put_place(out, &f->target);
        fprintf(out, "\n");
    }
    for (size_t i = 0; i < PT_FINDING_CODE_CNT; i++)
        PUT(out, pt_finding_code_name((enum pt_finding_code)i), r->finding_total[i]);
}

static void put_logs(FILE *out, const struct pt_result *r)
{
    for (size_t i = 0; i < r->log_cnt; i++) {
        const struct pt_log_result *l = &r->logs[i];

        put_name(out, l->cluster ? "log target" : "log source", &l->name);
        fprintf(out, "internal %d first %lld last %lld start %lld hw %lld\n", l->internal,
                (long long)l->first_offset, (long long)l->last_offset,
                (long long)l->log_start_offset, (long long)l->high_watermark);
        PUT(out, "records", l->records);
        PUT(out, "aborted", l->aborted);
        PUT(out, "control", l->control);
        PUT(out, "undecided", l->undecided);
        PUT(out, "unseen", l->unseen);
        for (size_t k = 0; k < l->batch_row_cnt; k++)
            fprintf(out, "batches %d %u %u %llu %llu %llu\n", l->batches[k].produce,
                    l->batches[k].magic, l->batches[k].codec,
                    (unsigned long long)l->batches[k].batches,
                    (unsigned long long)l->batches[k].records,
                    (unsigned long long)l->batches[k].crc_bad);
    }
    for (size_t i = 0; i < r->unpaired_cnt; i++) {
        put_name(out, r->unpaired[i].cluster ? "unpaired target" : "unpaired source",
                 &r->unpaired[i].name);
        fprintf(out, "%llu %s\n", (unsigned long long)r->unpaired[i].records, r->unpaired[i].why);
    }
}

static void put_stats(FILE *out, const struct pt_pipeline *p)
{
    const struct pt_packet_stats *packets = pt_pipeline_packet_stats(p);
    const struct pt_stream_stats *streams = pt_pipeline_stream_stats(p);
    const struct pt_parser_stats *parser = pt_pipeline_parser_stats(p);
    const struct pt_shard_stats *shard = pt_pipeline_shard_stats(p);

    PUT(out, "frames", packets->frames);
    PUT(out, "bytes", packets->bytes);
    for (size_t i = 0; i < PT_PACKET_KIND_CNT; i++)
        PUT(out, pt_packet_kind_name((enum pt_packet_kind)i), packets->kind[i]);
#define X(name, help) PUT(out, "streams." #name, streams->name);
    PT_STREAM_COUNTERS(X)
#undef X
#define X(name, help) PUT(out, "parser." #name, parser->name);
    PT_PARSER_COUNTERS(X) /* and not what counts work */
#undef X
#define X(name, help) PUT(out, "shard." #name, shard->name);
    PT_SHARD_COUNTERS(X)
#undef X
}

static int text_order(const void *a, const void *b)
{
    return strcmp(a, b);
}

#define ROW_SZ 256

/* Rows come in the order of the workers: sorted, they must be the same. */
static void put_rows(FILE *out, const struct pt_pipeline *p)
{
    static char text[1024][ROW_SZ];
    const struct pt_api_row *apis;
    const struct pt_conn_row *conns;
    size_t api_cnt = pt_pipeline_api_rows(p, &apis);
    size_t conn_cnt = pt_pipeline_conn_rows(p, &conns);

    assert_true(api_cnt && conn_cnt);
    assert_true(api_cnt + conn_cnt <= ROWS(text));
    for (size_t i = 0; i < api_cnt; i++)
        snprintf(text[i], ROW_SZ, "api %u %d %d: %llu %llu %llu\n", apis[i].cluster,
                 apis[i].api_key, apis[i].api_version, (unsigned long long)apis[i].requests,
                 (unsigned long long)apis[i].responses, (unsigned long long)apis[i].unparsed);
    for (size_t i = 0; i < conn_cnt; i++)
        snprintf(text[api_cnt + i], ROW_SZ, "conn %u %u %u.%u %u: %llu %llu %s\n", conns[i].cluster,
                 conns[i].kind, conns[i].broker.ip[14], conns[i].broker.ip[15],
                 conns[i].broker.port, (unsigned long long)conns[i].connections,
                 (unsigned long long)conns[i].bytes, conns[i].note);
    qsort(text, api_cnt + conn_cnt, ROW_SZ, text_order);
    for (size_t i = 0; i < api_cnt + conn_cnt; i++)
        fputs(text[i], out);
}

/* The caller frees it. */
static char *tell_all(const struct pt_pipeline *p, const struct pt_result *r)
{
    char *text = NULL;
    size_t sz = 0;
    FILE *out = open_memstream(&text, &sz);

    assert_non_null(out);
    PUT(out, "verdict", r->verdict);
    for (size_t i = 0; i < r->pair_cnt; i++)
        put_pair(out, &r->pairs[i]);
    put_findings(out, r);
    put_logs(out, r);
    for (size_t i = 0; i < r->client_cnt; i++)
        fprintf(out, "client %s %s %s %s %llu %llu\n", r->clients[i].client_id,
                r->clients[i].client_addr, r->clients[i].broker_addr, r->clients[i].software,
                (unsigned long long)r->clients[i].batches_produced,
                (unsigned long long)r->clients[i].batches_fetched);
    PUT(out, "certified", r->records_certified);
    put_stats(out, p);
    put_rows(out, p);
    fclose(out);
    return text;
}

static char *replay(const char *pair, unsigned worker_cnt)
{
    struct run run = { 0 };
    struct pt_pipeline_progress progress;
    const struct pt_result *r;
    uint64_t frames;
    char *text;

    open_run(&run, pair, worker_cnt);
    frames = read_frames(&run, UINT64_MAX);
    pt_pipeline_progress(run.p, &progress);
    assert_int_equal(progress.packets->frames, frames);
    assert_int_equal(progress.memory_max_sz, 512u << 20);
    r = pt_pipeline_finish(run.p);
    pt_pipeline_progress(run.p, &progress);
    assert_int_equal(progress.batches, pt_pipeline_shard_stats(run.p)->batches);
    assert_int_equal(progress.records, pt_pipeline_shard_stats(run.p)->records_credited);
    assert_true(r->pair_cnt && r->records_certified);
    text = tell_all(run.p, r);
    close_run(&run);
    return text;
}

static void expect_same(const char *want, const char *got, const char *pair, unsigned worker_cnt)
{
    const char *line = want;
    size_t at = 0;

    while (want[at] && want[at] == got[at])
        if (want[at++] == '\n')
            line = want + at;
    if (want[at] || got[at])
        fail_msg("%s by %u workers: not\n%.*s\nbut\n%.*s", pair, worker_cnt,
                 (int)strcspn(line, "\n"), line, (int)strcspn(got + (line - want), "\n"),
                 got + (line - want));
}

static void test_any_number_of_workers(void **state)
{
    static const unsigned workers[] = { 2, 5, 5 };

    (void)state;
    for (size_t i = 0; i < ROWS(pairs); i++) {
        char *want = replay(pairs[i], 1);

        for (size_t k = 0; k < ROWS(workers); k++) {
            char *got = replay(pairs[i], workers[k]);

            expect_same(want, got, pairs[i], workers[k]);
            free(got);
        }
        free(want);
    }
}

/* The threads end, whatever lies in their lanes. */
static void test_closed_early(void **state)
{
    static const uint64_t frames[] = { 0, 1, 700 };

    (void)state;
    for (unsigned worker_cnt = 1; worker_cnt <= 5; worker_cnt += 2)
        for (size_t i = 0; i < ROWS(frames); i++) {
            struct run run = { 0 };

            open_run(&run, pairs[0], worker_cnt);
            assert_int_equal(read_frames(&run, frames[i]), frames[i]);
            close_run(&run);
        }
    pt_pipeline_close(NULL);
}

static void test_nothing_to_read(void **state)
{
    (void)state;
    for (unsigned worker_cnt = 1; worker_cnt <= 2; worker_cnt++) {
        struct pt_pipeline_cfg cfg = config(worker_cnt);
        struct pt_pipeline *p;
        const struct pt_result *r;

        assert_int_equal(pt_pipeline_open(&cfg, &p), 0);
        r = pt_pipeline_finish(p);
        assert_int_equal(r->verdict, PT_VERDICT_INCONCLUSIVE);
        assert_int_equal(r->pair_cnt, 0);
        pt_pipeline_close(p);
    }
}

/* Up to some budget it is refused, from there on it works; what was asked for stays untouched. */
static void test_budget_too_small(void **state)
{
    static const unsigned workers[] = { 1, 2, 5 };

    (void)state;
    for (size_t i = 0; i < ROWS(workers); i++) {
        struct pt_pipeline_cfg cfg = config(workers[i]);
        unsigned refused = 0;
        int rc = -ENOMEM;

        for (cfg.memory_max = 0; rc && cfg.memory_max <= 1u << 30;
             cfg.memory_max = cfg.memory_max ? cfg.memory_max + cfg.memory_max / 4 + 1 : 1) {
            struct pt_pipeline *p = (void *)&cfg;

            rc = pt_pipeline_open(&cfg, &p);
            if (!rc) {
                pt_pipeline_close(p);
                continue;
            }
            assert_int_equal(rc, -ENOMEM);
            assert_ptr_equal(p, &cfg);
            refused++;
        }
        assert_int_equal(rc, 0);
        assert_true(refused > 10);
    }
}

static void test_refused(void **state)
{
    struct pt_pipeline_cfg cfg = config(0);
    struct pt_pipeline *p;

    (void)state;
    assert_int_equal(pt_pipeline_open(&cfg, &p), -EINVAL);
    cfg = config(PT_WORKERS_MAX + 1);
    assert_int_equal(pt_pipeline_open(&cfg, &p), -EINVAL);
    cfg = config(1);
    cfg.roles.input_cnt = PT_INPUT_MAX + 1;
    assert_int_equal(pt_pipeline_open(&cfg, &p), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_number_of_workers),
        cmocka_unit_test(test_closed_early),
        cmocka_unit_test(test_nothing_to_read),
        cmocka_unit_test(test_budget_too_small),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
