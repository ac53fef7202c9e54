/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shard shows while it runs: findings within two looks, without any end of the run; of what
 * grows only what is new; another verdict when it turns out to be another; nothing of strangers.
 * And what it must not do: break the report's sums at any moment, or change the report. Random
 * stories are told twice, watched and not, and everything that the report says in the end must have
 * been given exactly once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/observe.h"
#include "tests/unit/result_text.h"
#include "verify/live.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))
#define MEM (64u << 20)
#define LOOK_MS 250
#define SETTLE_MS 500
#define ANCHOR_RUN 8 /* records that follow a difference before it is sure where it is */

#define NOTES_MAX 4096
#define PAIRS_MAX 16

struct note {
    enum pt_finding_code code;
    int64_t pair;
    int32_t partition;
    int64_t offset; /* of the side that it is named by */
    uint64_t cnt;
    uint32_t parts;
    bool of_source;
};

/* What somebody who watches has written down. */
struct watcher {
    struct note note[NOTES_MAX];
    size_t cnt;
    struct pt_live_pair pair[PAIRS_MAX];
    bool known[PAIRS_MAX];
};

static void expect_sums(const struct pt_live_pair *p)
{
    const struct pt_pair_result *s = &p->sum;
    static const struct pt_live_pair none;

    if (p->gone) {
        struct pt_live_pair rest = *p;

        rest.gone = false;
        rest.number = 0;
        assert_memory_equal(&rest, &none, sizeof(rest));
        return;
    }
    assert_int_equal(s->source_records, s->verified + s->mutated + s->reordered + s->missing +
                                                s->compacted + s->missing_or_reordered +
                                                s->ambiguous_source + s->unverifiable_source +
                                                s->pending_source);
    assert_int_equal(s->target_records, s->verified + s->mutated + s->reordered + s->extra +
                                                s->duplicated + s->ambiguous_target +
                                                s->unverifiable_target + s->pending_target);
    /* A sum that holds by an overflow is none. */
    assert_true(s->pending_source <= s->source_records && s->pending_target <= s->target_records);
    assert_int_equal(s->offsets_observed,
                     s->offsets_certified + s->unseen_source + s->unseen_target);
}

static void watch(struct world *w, struct watcher *seen)
{
    struct pt_live_pair p;
    struct pt_finding f;

    world_flush(&w->out);
    while (pt_shard_live_finding(w->s, &f)) {
        const struct pt_place *by = f.source.valid ? &f.source : &f.target;

        assert_true(seen->cnt < NOTES_MAX);
        assert_non_null(f.message);
        seen->note[seen->cnt++] = (struct note){ .code = f.code,
                                                 .pair = f.pair,
                                                 .partition = by->valid ? by->partition : -1,
                                                 .offset = by->valid ? by->offset : -1,
                                                 .cnt = f.cnt,
                                                 .parts = f.parts,
                                                 .of_source = f.source.valid };
    }
    while (pt_shard_live_next(w->s, &p)) {
        assert_true(p.number < PAIRS_MAX);
        assert_false(seen->known[p.number] && seen->pair[p.number].gone);
        expect_sums(&p);
        seen->pair[p.number] = p;
        seen->known[p.number] = true;
    }
}

/* Time passes without packets; somebody looks every now and then. */
static void wait_watching(struct world *w, struct watcher *seen, int64_t ms)
{
    for (int64_t end_ns = w->at.time_ns + ms * 1000000; w->at.time_ns < end_ns;) {
        world_wait(w, 10);
        world_flush(&w->out);
        pt_shard_tick(w->s, w->at.time_ns);
        watch(w, seen);
    }
}

static void both(struct world *w)
{
    world_open(w, MEM);
    tell_client(w, SRC, 0, 1);
    tell_client(w, TGT, 1, 1);
    tell_topic(w, SRC, 0, "t", 1);
    tell_topic(w, TGT, 1, "t", 2);
}

static void close_all(struct world *w)
{
    assert_int_equal(world_close(w), 0);
}

/* Like the record of that number, but without headers: a changed copy of it. */
static void tell_changed(struct world *w, uint8_t cluster, int64_t base, uint64_t content)
{
    struct say say = { .cluster = cluster,
                       .topic = cluster,
                       .source = PT_SRC_PRODUCE,
                       .cnt = 1,
                       .first = content,
                       .plain = true };

    w->request++;
    tell_batch(w, &say);
    tell_outcome(w, &say, base, -1, PT_PRODUCE_ACKED, -1);
}

/* One record a second on both sides; the tenth is changed. */
static void test_slow_topic(void **state)
{
    static struct watcher seen;
    struct world w = { 0 };
    const struct pt_result *r;
    int64_t sure_ns = 0;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    both(&w);
    for (int64_t i = 0; i < 10 + ANCHOR_RUN; i++) {
        tell_produce(&w, SRC, 0, 0, i, (uint64_t)i, 1);
        if (i == 9)
            tell_changed(&w, TGT, i, (uint64_t)i);
        else
            tell_produce(&w, TGT, 1, 0, i, (uint64_t)i, 1);
        sure_ns = w.at.time_ns;
        assert_int_equal(seen.cnt, 0);
        wait_watching(&w, &seen, i < 9 + ANCHOR_RUN ? 1000 : SETTLE_MS);
    }
    /* The record that makes it sure is settled at the next look, and it is told at the one behind
     * that: in between a late copy may come and explain it. */
    while (w.at.time_ns / 1000000 < sure_ns / 1000000 + SETTLE_MS + 2 * LOOK_MS && !seen.cnt)
        wait_watching(&w, &seen, 10);
    assert_int_equal(seen.cnt, 1);
    assert_int_equal(seen.note[0].code, PT_FINDING_RECORD_MUTATED);
    assert_int_equal(seen.note[0].offset, 9);
    assert_int_equal(seen.note[0].parts, PT_PART_HEADERS);
    assert_int_equal(seen.note[0].pair, 0);
    assert_true(w.at.time_ns > sure_ns + (SETTLE_MS + LOOK_MS) * 1000000ll);
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_MUTATED), 1);
    assert_int_equal(seen.pair[0].sum.mutated, 1);
    assert_int_equal(seen.pair[0].sum.verified, 9 + ANCHOR_RUN);
    wait_watching(&w, &seen, 3000);
    r = world_finish(&w);
    watch(&w, &seen);
    assert_int_equal(seen.cnt, 1); /* the verdict is the same: not said again */
    assert_int_equal(r->pairs[0].mutated, 1);
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_MUTATED), 1);
    close_all(&w);
}

static void tell_rewritten(struct world *w, int64_t base, uint32_t cnt)
{
    tell_fetch(w, SRC, 0, 0, -1, base, 500 + (uint64_t)base, cnt);
}

static void test_grown_finding(void **state)
{
    static const struct {
        int64_t base;
        uint32_t cnt;
        bool look;
    } row[] = { { 4, 1, true },  { 5, 1, true }, { 6, 2, true },
                { 8, 1, false }, { 9, 3, true }, { 15, 1, true } };
    static struct watcher seen;
    struct world w = { 0 };
    const struct pt_result *r;
    int64_t from = 4;
    size_t notes = 0;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    both(&w);
    tell_fetch(&w, SRC, 0, 0, 0, 0, 0, 20);
    tell_bounds(&w, SRC, 0, 0, 20, 0);
    watch(&w, &seen);
    for (size_t i = 0; i < ROWS(row); i++) {
        int64_t end = row[i].base + row[i].cnt;

        tell_rewritten(&w, row[i].base, row[i].cnt);
        if (!row[i].look)
            continue;
        watch(&w, &seen);
        if (row[i].base == 15)
            from = 15;
        assert_int_equal(seen.cnt, ++notes);
        assert_int_equal(seen.note[notes - 1].code, PT_FINDING_LOG_REWRITTEN);
        assert_int_equal(seen.note[notes - 1].offset, from);
        assert_int_equal(seen.note[notes - 1].cnt, end - from);
        from = end;
        watch(&w, &seen);
        assert_int_equal(seen.cnt, notes);
    }
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_LOG_REWRITTEN), 9);
    r = world_finish(&w);
    watch(&w, &seen);
    assert_int_equal(found(r, PT_FINDING_LOG_REWRITTEN), 9);
    for (size_t i = notes; i < seen.cnt; i++)
        assert_int_not_equal(seen.note[i].code, PT_FINDING_LOG_REWRITTEN);
    close_all(&w);
}

/* A hundred records, of which the target lacks the one at offset 40: told early. */
static void tell_one_missing(struct world *w, struct watcher *seen)
{
    both(w);
    tell_cleanup(w, SRC, 0, PT_CLEANUP_DELETE);
    watch(w, seen);
    tell_produce(w, SRC, 0, 0, 0, 0, 100);
    tell_produce(w, TGT, 1, 0, 0, 0, 40);
    tell_produce(w, TGT, 1, 0, 40, 41, 59);
    wait_watching(w, seen, 2000);
    assert_int_equal(seen->cnt, 1);
    assert_int_equal(seen->note[0].code, PT_FINDING_RECORD_MISSING);
    assert_int_equal(seen->note[0].offset, 40);
}

/* A record that is left out, and comes later: missing for those who watch, then reordered. */
static void test_other_verdict(void **state)
{
    static struct watcher seen;
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    tell_one_missing(&w, &seen);
    assert_int_equal(seen.pair[0].sum.missing, 1);
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_MISSING), 1);
    tell_produce(&w, SRC, 0, 0, 100, 100, 40);
    tell_produce(&w, TGT, 1, 0, 99, 100, 20);
    tell_produce(&w, TGT, 1, 0, 119, 40, 1);
    tell_produce(&w, TGT, 1, 0, 120, 120, 20);
    wait_watching(&w, &seen, 2000);
    assert_int_equal(seen.cnt, 2);
    assert_int_equal(seen.note[1].code, PT_FINDING_RECORD_REORDERED);
    assert_int_equal(seen.note[1].offset, 40);
    assert_int_equal(seen.pair[0].sum.missing, 0);
    assert_int_equal(seen.pair[0].sum.reordered, 1);
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_MISSING), 0);
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_REORDERED), 1);
    r = world_finish(&w);
    watch(&w, &seen);
    assert_int_equal(r->pairs[0].reordered, 1);
    assert_int_equal(r->pairs[0].missing, 0);
    assert_int_equal(seen.cnt, 2);
    assert_int_equal(pt_shard_live_taken_back(w.s), 1); /* it is not missing any more */
    close_all(&w);
}

/* A record that seems to be missing; then the source is made a compacted one, and it may have been
 * gone before the mirror came: what was told is taken back. */
static void test_no_verdict_after_all(void **state)
{
    static struct watcher seen;
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    tell_one_missing(&w, &seen);
    assert_int_equal(pt_shard_live_taken_back(w.s), 0);
    tell_cleanup(&w, SRC, 0, PT_CLEANUP_OTHER);
    wait_watching(&w, &seen, 2000);
    r = world_finish(&w);
    watch(&w, &seen);
    assert_int_equal(r->pairs[0].missing, 0);
    assert_int_equal(r->pairs[0].unverifiable_source, 1);
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_MISSING), 0);
    assert_int_equal(pt_shard_live_taken_back(w.s), 1);
    close_all(&w);
}

static bool covers(const struct note *n, const struct pt_finding *f, int64_t offset)
{
    const struct pt_place *by = f->source.valid ? &f->source : &f->target;

    return n->code == f->code && n->of_source == f->source.valid && by->valid &&
           n->partition == by->partition && n->offset <= offset &&
           offset < n->offset + (int64_t)n->cnt;
}

/* Every record that the report accuses was told under that code, once. */
static void expect_told_once(const struct watcher *seen, const struct pt_result *r, unsigned seed)
{
    for (size_t i = 0; i < r->finding_cnt; i++) {
        const struct pt_finding *f = &r->findings[i];
        const struct pt_place *by = f->source.valid ? &f->source : &f->target;

        if (!by->valid || by->offset < 0)
            continue;
        for (int64_t off = by->offset; off < by->offset + (int64_t)f->cnt; off++) {
            unsigned told = 0;

            for (size_t k = 0; k < seen->cnt; k++)
                told += covers(&seen->note[k], f, off);
            if (told != 1)
                fail_msg("seed %u: %s of partition %d, offset %lld was told %u times", seed,
                         pt_finding_code_name(f->code), by->partition, (long long)off, told);
        }
    }
}

/* A changed copy and a missing record, as it seems; then the copy turns out to be of a later
 * record, so both are missing: one finding of two neighbours, of which only the second was told as
 * that. */
static void test_neighbour_was_told(void **state)
{
    static struct watcher seen;
    struct world w = { 0 };
    const struct pt_result *r;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    both(&w);
    tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
    watch(&w, &seen);
    tell_produce(&w, SRC, 0, 0, 0, 0, 100);
    tell_produce(&w, TGT, 1, 0, 0, 0, 40);
    tell_changed(&w, TGT, 40, 40);
    tell_produce(&w, TGT, 1, 0, 41, 42, 58);
    wait_watching(&w, &seen, 2000);
    assert_int_equal(seen.cnt, 2);
    assert_int_equal(seen.note[0].code, PT_FINDING_RECORD_MUTATED);
    assert_int_equal(seen.note[1].code, PT_FINDING_RECORD_MISSING);
    assert_int_equal(seen.note[1].offset, 41);
    tell_changed(&w, SRC, 100, 40);
    tell_produce(&w, SRC, 0, 0, 101, 100, 40);
    tell_produce(&w, TGT, 1, 0, 99, 100, 40);
    wait_watching(&w, &seen, 2000);
    assert_int_equal(seen.cnt, 3);
    assert_int_equal(seen.note[2].code, PT_FINDING_RECORD_REORDERED);
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_MUTATED), 0);
    r = world_finish(&w);
    watch(&w, &seen);
    assert_int_equal(r->pairs[0].missing, 2);
    assert_int_equal(seen.cnt, 4);
    expect_told_once(&seen, r, 0);
    close_all(&w);
}

/* Two topics of one name that have nothing in common: whatever the alignment thinks of their
 * records is not told. With a window that is soon full, so that there are verdicts. */
static void test_strangers(void **state)
{
    static struct watcher seen;
    struct world w = { .policy = pt_policy_default };
    const struct pt_result *r;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    w.policy.align = (struct pt_align_cfg){
        .window_min = 16, .window_max = 64, .anchor_run = 8, .horizon = 32
    };
    both(&w);
    for (int64_t i = 0; i < 40; i++) {
        tell_produce(&w, SRC, 0, 0, i * 20, (uint64_t)i * 20, 20);
        tell_produce(&w, TGT, 1, 0, i * 20, 70000 + (uint64_t)i * 20, 20);
        tell_bounds(&w, SRC, 0, 0, (i + 1) * 20, 0);
        wait_watching(&w, &seen, 200);
        assert_int_equal(seen.cnt, 0);
    }
    r = world_finish(&w);
    watch(&w, &seen);
    assert_int_not_equal(r->verdict, PT_VERDICT_DIVERGENT);
    for (size_t i = 0; i < seen.cnt; i++)
        assert_int_not_equal(pt_finding_severity(seen.note[i].code), PT_SEV_DIVERGENCE);
    assert_int_equal(pt_shard_live_taken_back(w.s), 0);
    close_all(&w);
}

/* Too few records to call them strangers: the report names them, so those who watch are told, too,
 * when it is made. */
static void test_few_strangers_at_the_end(void **state)
{
    static struct watcher seen;
    struct world w = { 0 };
    const struct pt_result *r;
    uint64_t told = 0;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    both(&w);
    watch(&w, &seen);
    tell_produce(&w, SRC, 0, 0, 0, 0, 3);
    tell_produce(&w, TGT, 1, 0, 0, 5000, 3);
    wait_watching(&w, &seen, 1500);
    tell_bounds(&w, SRC, 0, 0, 3, 0);
    assert_int_equal(seen.cnt, 0);
    r = world_finish(&w);
    watch(&w, &seen);
    assert_int_equal(r->pairs[0].extra, 3);
    for (size_t i = 0; i < seen.cnt; i++)
        told += seen.note[i].code == PT_FINDING_RECORD_EXTRA ? seen.note[i].cnt : 0;
    assert_int_equal(told, 3);
    close_all(&w);
}

static void test_dissolved_pair(void **state)
{
    static struct watcher seen;
    struct world w = { 0 };
    struct pt_live_pair last;
    const struct pt_result *r;

    (void)state;
    memset(&seen, 0, sizeof(seen));
    world_open(&w, MEM);
    tell_topic(&w, SRC, 0, "t", 1);
    tell_topic(&w, TGT, 1, "t", 2); /* another topic that happens to have that name */
    tell_cleanup(&w, SRC, 0, PT_CLEANUP_DELETE);
    watch(&w, &seen);
    tell_produce(&w, SRC, 0, 0, 0, 0, 100);
    tell_produce(&w, TGT, 1, 0, 0, 0, 40); /* and, at first, the same records */
    tell_produce(&w, TGT, 1, 0, 40, 41, 59);
    wait_watching(&w, &seen, 2000);
    assert_true(seen.known[0]);
    assert_false(seen.known[1]);
    assert_int_equal(seen.cnt, 1);
    assert_int_equal(seen.pair[0].sum.missing, 1);
    tell_topic(&w, TGT, 2, "dc1.t", 3);
    tell_topic(&w, TGT, 3, "dc1.heartbeats", 4);
    tell_produce(&w, TGT, 2, 0, 0, 0, 100);
    wait_watching(&w, &seen, 2000);
    assert_true(seen.pair[0].gone);
    assert_true(seen.known[1]);
    assert_int_equal(seen.pair[1].sum.verified, 100);
    assert_string_equal(seen.pair[1].sum.target.topic, "dc1.t");
    assert_int_equal(pt_shard_live_total(w.s, PT_FINDING_RECORD_MISSING), 0);
    assert_int_equal(pt_shard_live_taken_back(w.s), 1);
    assert_int_equal(seen.cnt, 1);
    last = seen.pair[1];
    wait_watching(&w, &seen, 2000);
    assert_memory_equal(&last, &seen.pair[1], sizeof(last));
    r = world_finish(&w);
    assert_int_equal(r->pairs[0].verified, 100);
    assert_int_equal(r->pairs[0].missing, 0);
    close_all(&w);
}

static void test_cluster(void **state)
{
    struct pt_live_cluster c;
    struct world w = { 0 };

    (void)state;
    both(&w);
    tell_broker(&w, SRC, 1, "10.0.0.1");
    tell_broker(&w, SRC, 2, "10.0.0.2");
    tell_produce(&w, SRC, 0, 0, 0, 0, 30);
    tell_produce(&w, SRC, 0, 1, 0, 0, 12);
    world_flush(&w.out);
    pt_shard_live_cluster(w.s, SRC, &c);
    assert_int_equal(c.brokers, 2);
    assert_int_equal(c.brokers_seen, 1);
    assert_int_equal(c.logs, 2);
    assert_int_equal(c.records, 0); /* nothing is settled yet */
    pt_shard_live_cluster(w.s, TGT, &c);
    assert_int_equal(c.brokers + c.logs + c.records, 0);
    assert_null(c.cluster_id);
    close_all(&w);
}

/* A random story: partitions of which the target gets what the source has, but for losses, swaps,
 * copies and changes; now and then a batch is not on the tap. */
struct story {
    struct world *w;
    unsigned seed;
    int64_t source_end[2];
    int64_t target_end[2];
    uint64_t copied[2];   /* contents of the source that the target's replicator has passed */
    uint64_t late[2][64]; /* left out, and put in later */
    size_t late_cnt[2];
};

static unsigned draw(struct story *s, unsigned n)
{
    return (unsigned)rand_r(&s->seed) % n;
}

static uint64_t content_of(int p, uint64_t n)
{
    return (uint64_t)p * 1000000 + n;
}

static void source_step(struct story *s, int p)
{
    uint32_t cnt = 1 + draw(s, 12);

    tell_produce(s->w, SRC, 0, p, s->source_end[p], content_of(p, (uint64_t)s->source_end[p]), cnt);
    s->source_end[p] += cnt;
}

static void target_put(struct story *s, int p, uint64_t content, bool plain)
{
    struct say say = { .cluster = TGT,
                       .topic = 1,
                       .partition = p,
                       .client = 1,
                       .source = PT_SRC_PRODUCE,
                       .cnt = 1,
                       .first = content,
                       .plain = plain };

    if (draw(s, 300)) { /* else not on the tap */
        s->w->request++;
        tell_batch(s->w, &say);
        tell_outcome(s->w, &say, s->target_end[p], -1, PT_PRODUCE_ACKED, -1);
    }
    s->target_end[p]++;
}

static void target_step(struct story *s, int p)
{
    for (unsigned n = 1 + draw(s, 12); n && s->copied[p] < (uint64_t)s->source_end[p]; n--) {
        uint64_t content = content_of(p, s->copied[p]++);
        unsigned fault = draw(s, 60);

        if (fault == 0)
            continue;
        if (fault == 1 && s->late_cnt[p] < 64) {
            s->late[p][s->late_cnt[p]++] = content;
            continue;
        }
        target_put(s, p, content, fault == 2);
        if (fault == 3)
            target_put(s, p, content, false);
        if (fault == 4)
            target_put(s, p, 5000000 + content, false);
        if (fault == 5 && s->late_cnt[p])
            target_put(s, p, s->late[p][--s->late_cnt[p]], false);
    }
}

/* Tells the story; watched: at moments that have nothing to do with it. The caller frees the text.
 */
static char *tell_story(struct world *w, unsigned seed, struct watcher *seen)
{
    struct story s = { .w = w, .seed = seed };
    unsigned moment = seed;
    char *text = NULL;
    size_t sz = 0;
    FILE *out;

    w->policy = pt_policy_default;
    if (seed % 2)
        w->policy.align = (struct pt_align_cfg){
            .window_min = 32, .window_max = 256, .anchor_run = 8, .horizon = 64
        };
    both(w);
    for (unsigned i = 0; i < 400; i++) {
        int p = (int)draw(&s, 2);

        if (draw(&s, 2))
            source_step(&s, p);
        else
            target_step(&s, p);
        if (!draw(&s, 8))
            tell_bounds(w, SRC, 0, p, s.source_end[p], 0);
        world_wait(w, draw(&s, 100));
        if (seen && rand_r(&moment) % 3)
            watch(w, seen);
    }
    for (int p = 0; p < 2; p++)
        tell_bounds(w, SRC, 0, p, s.source_end[p], 0);
    out = open_memstream(&text, &sz);
    assert_non_null(out);
    put_result(out, world_finish(w));
    if (seen)
        watch(w, seen);
    fclose(out);
    return text;
}

static void test_watching_changes_nothing(void **state)
{
    static struct watcher seen;
    uint64_t findings = 0;
    size_t notes = 0;

    (void)state;
    for (unsigned seed = 1; seed <= 60; seed++) {
        struct world alone = { 0 };
        struct world watched = { 0 };
        const struct pt_result *r;
        char *want = tell_story(&alone, seed, NULL);
        char *got;

        memset(&seen, 0, sizeof(seen));
        got = tell_story(&watched, seed, &seen);
        expect_same(want, got, "watched, seed", seed);
        r = pt_shard_finish(watched.s);
        assert_int_equal(broken_sum(r), -1);
        expect_told_once(&seen, r, seed);
        for (size_t i = 0; i < PT_FINDING_CODE_CNT; i++)
            assert_int_equal(pt_shard_live_total(watched.s, (enum pt_finding_code)i),
                             r->finding_total[i]);
        findings += r->finding_cnt;
        notes += seen.cnt;
        free(want);
        free(got);
        close_all(&alone);
        close_all(&watched);
    }
    print_message("%llu findings, %zu told\n", (unsigned long long)findings, notes);
    assert_true(findings > 500);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_slow_topic),
        cmocka_unit_test(test_grown_finding),
        cmocka_unit_test(test_other_verdict),
        cmocka_unit_test(test_no_verdict_after_all),
        cmocka_unit_test(test_neighbour_was_told),
        cmocka_unit_test(test_strangers),
        cmocka_unit_test(test_few_strangers_at_the_end),
        cmocka_unit_test(test_dissolved_pair),
        cmocka_unit_test(test_cluster),
        cmocka_unit_test(test_watching_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
