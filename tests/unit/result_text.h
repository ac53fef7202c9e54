/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_RESULT_TEXT_H
#define PT_TESTS_RESULT_TEXT_H
/*
 * A result as text, a line for each thing that it says, so that two results can be compared whole,
 * and a difference is named by its line.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "verify/result.h"

#define PUT_COUNT(out, name, value) fprintf(out, "%s %llu\n", name, (unsigned long long)(value))

static inline void put_name(FILE *out, const char *what, const struct pt_log_name *n)
{
    fprintf(out, "%s %s-%d inc %u id %d ", what, n->topic, n->partition, n->incarnation, n->has_id);
    for (size_t i = 0; i < sizeof(n->id); i++)
        fprintf(out, "%02x", n->id[i]);
    fprintf(out, "\n");
}

static inline void put_pair(FILE *out, const struct pt_pair_result *p)
{
    put_name(out, "pair source", &p->source);
    put_name(out, "pair target", &p->target);
    PUT_COUNT(out, "rule", p->rule);
    PUT_COUNT(out, "source_records", p->source_records);
    PUT_COUNT(out, "target_records", p->target_records);
    PUT_COUNT(out, "verified", p->verified);
    PUT_COUNT(out, "missing", p->missing);
    PUT_COUNT(out, "extra", p->extra);
    PUT_COUNT(out, "duplicated", p->duplicated);
    PUT_COUNT(out, "reordered", p->reordered);
    PUT_COUNT(out, "mutated", p->mutated);
    PUT_COUNT(out, "missing_or_reordered", p->missing_or_reordered);
    PUT_COUNT(out, "ambiguous_source", p->ambiguous_source);
    PUT_COUNT(out, "ambiguous_target", p->ambiguous_target);
    PUT_COUNT(out, "compacted", p->compacted);
    PUT_COUNT(out, "unverifiable_source", p->unverifiable_source);
    PUT_COUNT(out, "unverifiable_target", p->unverifiable_target);
    PUT_COUNT(out, "pending_source", p->pending_source);
    PUT_COUNT(out, "pending_target", p->pending_target);
    PUT_COUNT(out, "offsets_certified", p->offsets_certified);
    PUT_COUNT(out, "offsets_observed", p->offsets_observed);
    for (size_t i = 0; i < PT_LOST_REASON_CNT; i++)
        PUT_COUNT(out, "unseen", p->unseen[i]);
    for (size_t i = 0; i < p->map_cnt; i++)
        fprintf(out, "map %lld %lld %llu\n", (long long)p->map[i].source_from,
                (long long)p->map[i].target_from, (unsigned long long)p->map[i].cnt);
}

static inline void put_place(FILE *out, const struct pt_place *p)
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

static inline void put_findings(FILE *out, const struct pt_result *r)
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
        PUT_COUNT(out, pt_finding_code_name((enum pt_finding_code)i), r->finding_total[i]);
}

static inline void put_logs(FILE *out, const struct pt_result *r)
{
    for (size_t i = 0; i < r->log_cnt; i++) {
        const struct pt_log_result *l = &r->logs[i];

        put_name(out, l->cluster ? "log target" : "log source", &l->name);
        fprintf(out, "internal %d first %lld last %lld start %lld hw %lld\n", l->internal,
                (long long)l->first_offset, (long long)l->last_offset,
                (long long)l->log_start_offset, (long long)l->high_watermark);
        PUT_COUNT(out, "records", l->records);
        PUT_COUNT(out, "aborted", l->aborted);
        PUT_COUNT(out, "control", l->control);
        PUT_COUNT(out, "undecided", l->undecided);
        PUT_COUNT(out, "unseen", l->unseen);
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

/* All of it; the caller adds what else it knows. */
static inline void put_result(FILE *out, const struct pt_result *r)
{
    PUT_COUNT(out, "verdict", r->verdict);
    for (size_t i = 0; i < r->pair_cnt; i++)
        put_pair(out, &r->pairs[i]);
    put_findings(out, r);
    put_logs(out, r);
    for (size_t i = 0; i < r->client_cnt; i++)
        fprintf(out, "client %s %s %s %s %llu %llu\n", r->clients[i].client_id,
                r->clients[i].client_addr, r->clients[i].broker_addr, r->clients[i].software,
                (unsigned long long)r->clients[i].batches_produced,
                (unsigned long long)r->clients[i].batches_fetched);
    PUT_COUNT(out, "certified", r->records_certified);
}

/* Fails with the first line that differs. */
static inline void expect_same(const char *want, const char *got, const char *what, unsigned number)
{
    const char *line = want;
    size_t at = 0;

    while (want[at] && want[at] == got[at])
        if (want[at++] == '\n')
            line = want + at;
    if (want[at] || got[at])
        fail_msg("%s %u: not\n%.*s\nbut\n%.*s", what, number, (int)strcspn(line, "\n"), line,
                 (int)strcspn(got + (line - want), "\n"), got + (line - want));
}

#endif
