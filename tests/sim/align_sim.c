/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paritap-align-sim: random pairs of logs with injected faults, of which only a part is seen on
 * either side, are told to a shard as observations, and what it concludes is held against the
 * truth. Only verification runs, no parsing, so that it gets through hundreds of millions of
 * records. A table of loss by bursts; exit 1 if anything false was said.
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tests/sim/judge.h"
#include "tests/sim/two_logs.h"
#include "tests/unit/observe.h"
#include "verify/live.h"

static const char usage[] =
        "usage: paritap-align-sim [--records N] [--seed N] [--rate R --bursts B] [--one SEED] "
        "[--again] [--verbose]\n"
        "  --records N   go on until so many records were certified (default 1000000)\n"
        "  --seed N      of the first world (default 1); the next ones count on\n"
        "  --rate R      only this share of lost batches, in percent\n"
        "  --bursts B    only runs of so many lost batches on average\n"
        "  --one SEED    only the world of this seed, with --rate and --bursts\n"
        "  --again       the worlds in which something false was said once\n"
        "  --verbose     tell all that is wrong, not only the first of it\n";

/* Which batches are not seen. */
struct loss {
    double rate;
    double bursts;
};

static const double rates[] = { 0, 0.1, 1, 5, 20, 50 };
static const double bursts[] = { 1, 5, 50 };

#define BATCH_MAX 50u
#define STEP_NS 2000000ll /* between two records of the source */

struct batch {
    uint32_t from;
    uint32_t to;
    int64_t time_ns;
    bool lost;
};

/* One world: two logs, how they are seen, and the shard that sees them. */
struct sim {
    struct two_logs logs;
    struct two_rng rng;
    struct batch batch[2][TWO_LOGS_MAX];
    uint32_t batch_cnt[2];
    uint8_t seen[2][TWO_LOGS_MAX];
    struct judge_log log[2];
    struct world world;
    bool started_seen[2]; /* the log start is stated */
    uint32_t watch;       /* look at what is found every so many batches; 0: nobody looks */
    uint64_t given;       /* records of findings that were shown */
    uint64_t early_false; /* ... and were not true then */
};

static uint32_t below(struct sim *m, uint32_t n)
{
    return two_rng_below(&m->rng, n);
}

static void draw_logs(struct sim *m)
{
    static const uint32_t faults[] = { 0, 100, 1000, 1000, 5000, 20000 };
    static const enum two_contents contents[] = { TWO_UNIQUE, TWO_UNIQUE, TWO_UNIQUE,
                                                  TWO_UNIQUE, TWO_FEW,    TWO_MIXED,
                                                  TWO_RUNS,   TWO_ONE,    TWO_PERIODIC };
    static const uint32_t keys[] = { 0, 0, 3, 100, 1000000 };
    struct two_logs_cfg cfg = {
        .len = 50u << below(m, below(m, 8) ? 7 : 10),
        .contents = contents[below(m, 9)],
        .times = (enum two_times)below(m, 4),
        .values = 2 + below(m, below(m, 2) ? 30 : 3),
        .keys = keys[below(m, 5)],
        .faults_ppm = faults[below(m, 6)],
        .markers_ppm = below(m, 4) ? 0 : below(m, 10000),
    };

    cfg.len += below(m, cfg.len);
    two_logs_make(&m->logs, &cfg, &m->rng);
}

/* The target's records come when their originals have. */
static int64_t time_of(const struct two_logs *l, int side, uint32_t i, uint32_t *newest)
{
    const struct two_record *r = &l->rec[side][i];

    if (side && r->origin != TWO_LOGS_NONE && r->origin > *newest)
        *newest = r->origin;
    return (int64_t)(side ? *newest : i) * STEP_NS;
}

static void cut_batches(struct sim *m, int side, int64_t lag_ns)
{
    const struct two_logs *l = &m->logs;
    uint32_t max = 1 + below(m, BATCH_MAX);
    uint32_t newest = 0;
    uint32_t cnt = 0;

    for (uint32_t i = 0; i < l->cnt[side];) {
        struct batch *b = &m->batch[side][cnt++];
        uint32_t n = 1 + below(m, max);

        *b = (struct batch){ .from = i };
        do
            b->time_ns = time_of(l, side, i++, &newest) + lag_ns;
        while (i < l->cnt[side] && i - b->from < n && !l->rec[side][i].control &&
               !l->rec[side][b->from].control);
        b->to = i;
    }
    m->batch_cnt[side] = cnt;
}

static bool drawn(struct sim *m, double share)
{
    return below(m, UINT32_MAX) < share * UINT32_MAX;
}

static void lose(struct sim *m, int side, const struct loss *loss)
{
    double leave = 1 / loss->bursts;
    double enter = loss->rate * leave / (1 - loss->rate);
    bool in_burst = drawn(m, loss->rate);
    uint32_t late = below(m, 5) || loss->rate == 0 ? 0 : below(m, 1 + m->batch_cnt[side] / 3);
    uint32_t early = below(m, 5) || loss->rate == 0 ? 0 : below(m, 1 + m->batch_cnt[side] / 3);

    for (uint32_t k = 0; k < m->batch_cnt[side]; k++) {
        m->batch[side][k].lost = in_burst || k < late || k + early >= m->batch_cnt[side];
        if (loss->bursts <= 1)
            in_burst = drawn(m, loss->rate);
        else
            in_burst = in_burst ? !drawn(m, leave) : drawn(m, enter);
    }
}

/* Batches of the target that hold a record which was lost on the source are lost as well. */
static void lose_the_same(struct sim *m)
{
    static uint8_t lost[TWO_LOGS_MAX];

    memset(lost, 0, sizeof(lost));
    for (uint32_t k = 0; k < m->batch_cnt[0]; k++)
        if (m->batch[0][k].lost)
            memset(lost + m->batch[0][k].from, 1, m->batch[0][k].to - m->batch[0][k].from);
    for (uint32_t k = 0; k < m->batch_cnt[1]; k++)
        for (uint32_t j = m->batch[1][k].from; j < m->batch[1][k].to; j++)
            if (m->logs.rec[1][j].origin != TWO_LOGS_NONE && lost[m->logs.rec[1][j].origin])
                m->batch[1][k].lost = true;
}

static void draw_loss(struct sim *m, const struct loss *loss)
{
    static const struct loss none = { .bursts = 1 };
    uint32_t where = below(m, 5); /* 0 source, 1 target, 2 and 3 both, 4 the same on both */
    int64_t lag_ns = below(m, 8) ? (int64_t)below(m, 2000) * 1000000 : -100000000;

    for (int side = 0; side < 2; side++) {
        cut_batches(m, side, side ? lag_ns : 0);
        lose(m, side, where == (uint32_t)!side || (side && where == 4) ? &none : loss);
    }
    if (where == 4)
        lose_the_same(m);
    for (int side = 0; side < 2; side++) {
        memset(m->seen[side], 0, m->logs.cnt[side]);
        for (uint32_t k = 0; k < m->batch_cnt[side]; k++)
            if (!m->batch[side][k].lost)
                memset(m->seen[side] + m->batch[side][k].from, 1,
                       m->batch[side][k].to - m->batch[side][k].from);
        m->log[side] = (struct judge_log){ .base = below(m, 3) ? 0 : below(m, 100000),
                                           .seen = m->seen[side] };
    }
}

static void tell_records(struct sim *m, int side, const struct batch *b)
{
    const struct two_logs *l = &m->logs;
    struct world *w = &m->world;
    struct pt_obs_batch *o;
    struct pt_obs_records *r;
    bool append = side && l->cfg.times == TWO_TIMES_APPEND;
    bool control = l->rec[side][b->from].control;
    uint32_t n = b->to - b->from;

    w->request++;
    w->at.order++;
    w->at.packet++;
    o = pt_obs_put(&w->out, PT_OBS_BATCH, (uint8_t)side, &w->at, sizeof(*o), 0);
    o->head.topic = (uint32_t)side;
    o->head.partition = 0;
    o->base_offset = o->cert_from = m->log[side].base + b->from;
    o->last_offset = m->log[side].base + b->to - 1;
    o->producer_id = control ? 7 : -1;
    o->fingerprint = ((uint64_t)b->from << 32 | b->to) * 0x9e3779b97f4a7c15ull;
    o->record_cnt = o->records_here = n;
    o->client = (uint32_t)side;
    o->request = w->request;
    o->base_sequence = o->leader_epoch = -1;
    o->flags = (uint16_t)(append ? PT_BATCH_LOG_APPEND : 0);
    if (control)
        o->flags = PT_BATCH_TRANSACTIONAL | PT_BATCH_CONTROL | PT_BATCH_COMMIT;
    o->source = PT_SRC_FETCH_CONSUMER;
    o->status = PT_OK;
    o->magic = 2;
    r = pt_obs_put(&w->out, PT_OBS_RECORDS, (uint8_t)side, &w->at, sizeof(*r),
                   n * sizeof(struct pt_record));
    r->cnt = n;
    for (uint32_t i = 0; i < n; i++) {
        const struct two_record *e = &l->rec[side][b->from + i];

        r->rec[i] =
                (struct pt_record){ .content = e->content,
                                    .timestamp_ms = append ? (int64_t)w->at.order : e->timestamp_ms,
                                    .key = e->key,
                                    .value = e->value,
                                    .headers = e->headers,
                                    .offset_delta = (int32_t)i };
    }
}

static void look(struct sim *m)
{
    struct pt_finding f;

    world_flush(&m->world.out);
    while (pt_shard_live_finding(m->world.s, &f)) {
        if (pt_finding_severity(f.code) != PT_SEV_DIVERGENCE)
            continue;
        m->given += f.cnt;
        m->early_false += judge_finding(&m->logs, m->log, &f) ? 0 : f.cnt;
    }
}

static void tell_all(struct sim *m)
{
    struct world *w = &m->world;
    int64_t start_ns = w->at.time_ns + 1000000000;
    uint32_t at[2] = { 0, 0 };
    uint32_t told = 0;

    while (at[0] < m->batch_cnt[0] || at[1] < m->batch_cnt[1]) {
        int side = at[0] == m->batch_cnt[0] ||
                   (at[1] < m->batch_cnt[1] &&
                    m->batch[1][at[1]].time_ns < m->batch[0][at[0]].time_ns);
        const struct batch *b = &m->batch[side][at[side]++];

        if (start_ns + b->time_ns > w->at.time_ns)
            w->at.time_ns = start_ns + b->time_ns;
        if (b->lost)
            continue;
        tell_records(m, side, b);
        if (!below(m, 4))
            tell_bounds(w, (uint8_t)side, (uint32_t)side, 0, m->log[side].base + b->to, -1);
        m->log[side].known = b->to;
        if (m->watch && ++told % m->watch == 0)
            look(m);
    }
}

/* What is stated about the logs besides their records. */
static void tell_frame(struct sim *m, bool end)
{
    for (uint8_t side = 0; side < 2; side++) {
        int64_t base = m->log[side].base;

        if (!end && below(m, 3))
            tell_bounds(&m->world, side, side, 0, -1, base);
        if (!end || !below(m, 3))
            continue;
        tell_bounds(&m->world, side, side, 0, base + m->logs.cnt[side], -1);
        m->log[side].known = m->logs.cnt[side];
    }
}

/* Whatever was shown was either concluded or taken back. */
static void judge_shown(struct sim *m, const struct pt_result *r, struct judged *sum, FILE *out)
{
    uint64_t total = 0;

    if (!m->watch)
        return;
    look(m);
    for (int c = PT_FINDING_RECORD_MISSING; c <= PT_FINDING_RECORD_COUNT_DIFFERS; c++)
        total += r->finding_total[c];
    if (m->given == total + pt_shard_live_taken_back(m->world.s))
        return;
    sum->wrong_sums++;
    if (out)
        fprintf(out, "  shown %" PRIu64 ", concluded %" PRIu64 ", taken back %" PRIu64 "\n",
                m->given, total, pt_shard_live_taken_back(m->world.s));
}

/* Returns false if anything was wrong. */
static bool run(struct sim *m, const struct loss *loss, uint64_t seed, struct judged *sum,
                uint64_t *early_false, FILE *out)
{
    static const struct pt_align_cfg tight = {
        .window_min = 64, .window_max = 4096, .anchor_run = 8, .horizon = 4096
    };
    const struct pt_result *r;
    uint64_t wrong = sum->wrong_sums;
    bool fine;

    m->rng.state = seed * 0xff51afd7ed558ccdu; /* not on the way from one draw to the next */
    m->world = (struct world){ .policy = pt_policy_default };
    if (below(m, 2))
        m->world.policy.align = tight;
    m->watch = below(m, 2) ? 0 : 1 + below(m, 50);
    m->given = m->early_false = 0;
    draw_logs(m);
    draw_loss(m, loss);
    if (out)
        fprintf(out,
                "world %" PRIu64 ": %u and %u offsets, contents %d of %u, times %d, keys %u, "
                "faults %u ppm, markers %u ppm\n",
                seed, m->logs.cnt[0], m->logs.cnt[1], (int)m->logs.cfg.contents, m->logs.cfg.values,
                (int)m->logs.cfg.times, m->logs.cfg.keys, m->logs.cfg.faults_ppm,
                m->logs.cfg.markers_ppm);
    world_open(&m->world, 1ull << 30);
    if (m->watch)
        look(m);
    for (uint8_t side = 0; side < 2; side++) {
        tell_topic(&m->world, side, side, "t", 0);
        tell_client(&m->world, side, side, 1);
        tell_partition(&m->world, side, side, 0, 1);
    }
    tell_frame(m, false);
    tell_all(m);
    tell_frame(m, true);
    if (loss->rate == 0)
        for (int side = 0; side < 2; side++)
            pt_shard_tap_end(m->world.s, (enum pt_cluster)side,
                             m->world.at.time_ns + (int64_t)below(m, 2) * 60000000000);
    r = world_finish(&m->world);
    fine = judge_report(&m->logs, m->log, r, sum, out);
    judge_shown(m, r, sum, out);
    *early_false += m->early_false;
    if (world_close(&m->world))
        sum->wrong_sums++;
    return fine && wrong == sum->wrong_sums;
}

static double share(uint64_t part, uint64_t whole)
{
    return whole ? 100 * (double)part / (double)whole : 100;
}

/* All worlds of one share of loss in one kind of bursts. Returns records. */
static uint64_t run_cell(struct sim *m, const struct loss *loss, uint64_t *seed,
                         uint64_t record_cnt, bool verbose, struct judged *sum)
{
    uint64_t early_false = 0;
    bool told = false;

    do {
        FILE *out = verbose ? stdout : NULL;

        if (!run(m, loss, *seed, sum, &early_false, out) && (verbose || !told)) {
            printf("wrong: --rate %g --bursts %g --one %" PRIu64 " --verbose\n", 100 * loss->rate,
                   loss->bursts, *seed);
            told = true;
        }
        ++*seed;
    } while (sum->records < record_cnt);
    printf("%5g %% %6g %11" PRIu64 " %9" PRIu64 " %8" PRIu64 " %6" PRIu64 " %8.2f %% "
           "%8.2f %% %8.2f %% %8.2f %% %8" PRIu64 "\n",
           100 * loss->rate, loss->bursts, sum->records, sum->false_divergences, sum->false_matches,
           sum->wrong_sums, share(sum->verified[1], sum->comparable[1]),
           share(sum->verified[0], sum->comparable[0]), share(sum->named, sum->faults),
           share(sum->exact, sum->faults), early_false);
    if (verbose)
        for (int k = 0; k < TWO_FAULT_KIND_CNT; k++)
            printf("      kind %d: %" PRIu64 " certified, %" PRIu64 " named, %" PRIu64 " exactly\n",
                   k, sum->by_kind[k][0], sum->by_kind[k][1], sum->by_kind[k][2]);
    fflush(stdout);
    return sum->records;
}

/* Each was wrong before the rule in `why` was there. */
static const struct {
    struct loss loss;
    uint64_t seed;
    const char *why;
} again[] = {
    { { 0.001, 1 }, 1001615, "injected records at the end have the time of the one to come" },
    { { 0.001, 5 }, 1003719, "moved to where the target was not seen any more" },
    { { 0.01, 1 }, 1006510, "in the tail, equal values prove no mutation where all have it" },
    { { 0.01, 50 }, 1009579, "the target's end was stated, and the source's rest comes later" },
    { { 0.2, 1 }, 1016455, "key and time are shared by neighbours: a copy of one not seen" },
    { { 0.2, 50 }, 1019923, "in a tail whose order was not told, a changed copy is no extra" },
    { { 0.5, 1 }, 1021792, "a surplus record may be the one that turns up elsewhere" },
    { { 0.5, 50 }, 1027743, "key and time are shared by all" },
    { { 0.001, 1 }, 2000393, "the source's rest is compared with a replay" },
    { { 0.5, 50 }, 2004460, "a period is skipped rather than one record" },
    { { 0.001, 1 }, 3003062, "the source's end was stated before the target's last records" },
    { { 0.2, 50 }, 3019752, "what both have left over at the end pays for a period skipped" },
    { { 0.2, 50 }, 3020389, "times that the target lacks tell nothing of the source's run" },
    { { 0.5, 1 }, 3023069, "a period that was seen once more at another place" },
    { { 0.5, 5 }, 3024972, "the same, and the records seen once look as if they were unique" },
    { { 0, 1 }, 9000111, "with the source's end open, a period is left over rather than missed" },
    { { 0.01, 50 }, 9010164, "a record moved behind the stated end of the source" },
    { { 0.2, 1 }, 9017223, "a sequence that was matched before comes once more" },
    { { 0.5, 1 }, 9022029, "what lies around a run goes on in the same period" },
    { { 0.5, 5 }, 9025322, "three records that were matched before" },
    { { 0.05, 1 }, 11011802, "a period of two is long, and says nothing new" },
    { { 0.01, 1 }, 3006917, "one log passed the horizon, the other one did not" },
};

/* Returns how many are wrong. */
static uint64_t run_again(struct sim *m)
{
    uint64_t wrong = 0;

    for (size_t i = 0; i < sizeof(again) / sizeof(*again); i++) {
        struct judged sum = { 0 };
        uint64_t early_false = 0;

        if (run(m, &again[i].loss, again[i].seed, &sum, &early_false, NULL))
            continue;
        printf("wrong: --rate %g --bursts %g --one %" PRIu64 " --verbose (%s)\n",
               100 * again[i].loss.rate, again[i].loss.bursts, again[i].seed, again[i].why);
        wrong++;
    }
    return wrong;
}

struct options {
    uint64_t records;
    uint64_t seed;
    double rate; /* -1: all */
    double bursts;
    bool one;
    bool again;
    bool verbose;
};

static bool options(int argc, char **argv, struct options *o)
{
    static const struct option known[] = {
        { "records", required_argument, NULL, 'n' }, { "seed", required_argument, NULL, 's' },
        { "rate", required_argument, NULL, 'r' },    { "bursts", required_argument, NULL, 'b' },
        { "one", required_argument, NULL, '1' },     { "again", no_argument, NULL, 'a' },
        { "verbose", no_argument, NULL, 'v' },       { NULL, 0, NULL, 0 },
    };
    int opt;

    *o = (struct options){ .records = 1000000, .seed = 1, .rate = -1, .bursts = -1 };
    while ((opt = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (opt == 'n')
            o->records = strtoull(optarg, NULL, 0);
        else if (opt == 's')
            o->seed = strtoull(optarg, NULL, 0);
        else if (opt == 'r')
            o->rate = atof(optarg);
        else if (opt == 'b')
            o->bursts = atof(optarg);
        else if (opt == 'a')
            o->again = true;
        else if (opt == 'v')
            o->verbose = true;
        else if (opt == '1')
            o->one = (o->seed = strtoull(optarg, NULL, 0));
        else
            return false;
    }
    return optind == argc && (o->rate < 0 || o->rate < 100) && (o->bursts < 0 || o->bursts >= 1);
}

int main(int argc, char **argv)
{
    static struct sim m;
    struct options o;
    uint64_t records = 0;
    uint64_t wrong = 0;
    uint64_t first;
    struct timespec began;
    struct timespec ended;

    if (!options(argc, argv, &o)) {
        fputs(usage, stderr);
        return 2;
    }
    if (o.again)
        return run_again(&m) ? 1 : 0;
    first = o.seed;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &began);
    printf("  lost bursts     records false div false mt   sums   verified   repeated      "
           "named   "
           " "
           "exactly    early\n");
    for (size_t i = 0; i < sizeof(rates) / sizeof(*rates); i++)
        for (size_t k = 0; k < sizeof(bursts) / sizeof(*bursts); k++) {
            struct loss loss = { .rate = rates[i] / 100, .bursts = bursts[k] };
            struct judged sum = { 0 };

            if ((o.rate >= 0 && o.rate != rates[i]) || (o.bursts >= 0 && o.bursts != bursts[k]) ||
                (rates[i] == 0 && k))
                continue;
            records += run_cell(&m, &loss, &o.seed, o.one ? 0 : o.records / 16, o.verbose, &sum);
            wrong += sum.false_divergences + sum.false_matches + sum.wrong_sums;
        }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ended);
    printf("%" PRIu64 " records in worlds %" PRIu64 " to %" PRIu64 ", %.1f s, %" PRIu64 " wrong\n",
           records, first, o.seed - 1,
           (double)(ended.tv_sec - began.tv_sec) + (double)(ended.tv_nsec - began.tv_nsec) / 1e9,
           wrong);
    return wrong ? 1 : 0;
}
