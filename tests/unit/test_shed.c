/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that what is shed only takes knowledge away. The real captures of two clusters (pairs/) go
 * through streams, parser and shard with the step in force changing at random between packets, at
 * every rate from each packet to a few times in the capture; canonical names are published as a
 * live shard does it. Whatever was shed, against the run in which nothing was:
 *
 *   no divergence that was not there, on no record and in no cluster
 *   no match that was not there: the offset map is a part of the old one, but for the choice that
 *   there is between equal copies
 *   the sums of the report hold, no ledger has a residue
 *   what was not seen carries the reason shed, and no other
 *   nothing shed is passed over in silence: a pair of which all is shed is not parity
 *
 * The seed is printed; PT_SEED and PT_RUNS set it and the number of runs of each pair.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/packet.h"
#include "dataplane/stream.h"
#include "observe.h"
#include "parser/conn.h"
#include "tools/ledger.h"

#define RUNS 12
#define TOPICS_MAX 1024
#define MEMORY_SZ (1ull << 30)

struct packet {
    struct pt_frame frame;
    uint32_t input;
};

struct capture {
    const char *name;
    struct packet *packet;
    size_t packet_cnt;
};

static const char *const names[] = { "compact",       "dual-write", "late", "link", "logappend",
                                     "mirror-faults", "mm2-clean",  "odd",  "old",  "recreate",
                                     "repeat",        "retention",  "sasl" };
#define CAPTURE_CNT (sizeof(names) / sizeof(names[0]))

static struct capture captures[CAPTURE_CNT];

static uint32_t seed;

static uint32_t rnd(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (uint32_t)((uint64_t)(seed >> 8) * below >> 24);
}

static void load(struct capture *c, const char *name)
{
    struct pt_capture *cap[2];
    struct pt_merge *merge;
    struct pt_frame f;
    uint32_t input;

    c->name = name;
    for (int i = 0; i < 2; i++) {
        char path[1024];
        const char *err = "";

        snprintf(path, sizeof(path), "%s/pairs/%s-%s.pcap.gz", getenv("PT_CAPTURES"), name,
                 i ? "target" : "source");
        if (pt_capture_open(path, &cap[i], &err))
            fail_msg("%s", err);
    }
    assert_int_equal(pt_merge_open(cap, 2, &merge), 0);
    while (pt_merge_next(merge, &f, &input) == 1) {
        uint8_t *copy = malloc(f.cap_len);

        if (!(c->packet_cnt & (c->packet_cnt - 1)))
            c->packet = realloc(c->packet,
                                (c->packet_cnt ? 2 * c->packet_cnt : 1) * sizeof(*c->packet));
        assert_non_null(c->packet);
        assert_non_null(copy);
        memcpy(copy, f.data, f.cap_len);
        f.data = copy;
        c->packet[c->packet_cnt++] = (struct packet){ f, input };
    }
    pt_merge_close(merge);
    pt_capture_close(cap[0]);
    pt_capture_close(cap[1]);
}

/* What a shard would publish: canonical hashes by topic number, as soon as the name is known. */
struct topic {
    uint8_t cluster;
    uint8_t id[16];
    uint32_t number; /* UINT32_MAX: a statement of the cluster */
    uint32_t canon;
};

struct rig {
    struct pt_mem mem[3];
    struct pt_streams *streams;
    struct pt_parser *parser;
    struct pt_shard *shard;
    struct pt_obs_out out;
    struct pt_packet_stats packets;
    struct topic topic[TOPICS_MAX];
    size_t topic_cnt;
    _Atomic uint32_t canon[TOPICS_MAX];
    const struct pt_result *result;
};

static uint32_t canon_of(const char *name, uint32_t len)
{
    static const char alias[] = "source.";
    uint32_t skip = sizeof(alias) - 1;

    if (len <= skip || memcmp(name, alias, skip) != 0)
        skip = 0;
    return pt_shed_canon((struct pt_view){ (const uint8_t *)name + skip, len - skip });
}

static void publish(struct rig *r, const struct pt_obs *o, const uint8_t id[16], const char *name,
                    uint32_t name_len)
{
    struct topic *t = &r->topic[r->topic_cnt++];

    assert_true(r->topic_cnt < TOPICS_MAX);
    *t = (struct topic){ .cluster = o->cluster,
                         .number = o->kind == PT_OBS_TOPIC ? o->topic : UINT32_MAX,
                         .canon = name_len ? canon_of(name, name_len) : 0 };
    memcpy(t->id, id, 16);
    for (size_t i = 0; i < r->topic_cnt; i++)
        for (size_t k = 0; k < r->topic_cnt && r->topic[i].number < TOPICS_MAX; k++)
            if (i == k || (r->topic[i].cluster == r->topic[k].cluster &&
                           !memcmp(r->topic[i].id, r->topic[k].id, 16) && r->topic[k].id[0]))
                if (r->topic[k].canon)
                    atomic_store_explicit(&r->canon[r->topic[i].number], r->topic[k].canon,
                                          memory_order_relaxed);
}

static void flush(struct pt_obs_out *out)
{
    struct rig *r = out->flush_arg;

    for (uint32_t off = 0; off < out->used_sz;) {
        const void *m = out->buf + off;
        const struct pt_obs *o = m;
        const struct pt_obs_topic *t = m;
        const struct pt_obs_topic_id *id = m;
        bool known = false;

        for (size_t i = 0; o->kind == PT_OBS_TOPIC_ID && i < r->topic_cnt; i++)
            known |= r->topic[i].number == UINT32_MAX && r->topic[i].cluster == o->cluster &&
                     !memcmp(r->topic[i].id, id->id, 16);
        if (o->kind == PT_OBS_TOPIC)
            publish(r, o, t->id, t->name, t->name_len);
        else if (o->kind == PT_OBS_TOPIC_ID && !known)
            publish(r, o, id->id, id->name, id->name_len);
        off += o->size;
    }
    pt_shard_consume(r->shard, 0, out->buf, out->used_sz);
    out->used_sz = 0;
}

static void open_rig(struct rig *r)
{
    memset(r, 0, sizeof(*r));
    for (int i = 0; i < 3; i++)
        pt_mem_init(&r->mem[i], MEMORY_SZ);
    r->out = (struct pt_obs_out){
        .buf = malloc(PT_OBS_OUT_MIN), .buf_sz = PT_OBS_OUT_MIN, .flush = flush, .flush_arg = r
    };
    assert_int_equal(pt_streams_open(&r->mem[0], &pt_streams_cfg_default, &r->streams), 0);
    assert_int_equal(pt_parser_open(&r->mem[1], &pt_parser_cfg_default, &r->out, &r->parser), 0);
    assert_int_equal(pt_shard_open(&r->mem[2], &pt_policy_default, &r->shard), 0);
}

static void close_rig(struct rig *r)
{
    pt_streams_close(r->streams);
    pt_parser_close(r->parser);
    pt_shard_close(r->shard);
    for (int i = 0; i < 3; i++)
        assert_int_equal(r->mem[i].used_sz, 0);
    free(r->out.buf);
    free(r);
}

static void drain(struct rig *r, const struct capture *c)
{
    struct pt_stream_event ev;
    enum pt_stream_kind kind;

    (void)c;
    while ((kind = pt_streams_next(r->streams, &ev)) != PT_STREAM_NONE) {
        if (!*ev.user && (kind == PT_STREAM_BYTES || kind == PT_STREAM_HOLE))
            *ev.user = pt_conn_open(r->parser, (uint8_t)ev.at.input, ev.a, ev.b, ev.initiator);
        if (kind == PT_STREAM_BYTES)
            pt_conn_bytes(*ev.user, ev.side, ev.data, ev.len, &ev.at);
        else if (kind == PT_STREAM_HOLE)
            pt_conn_hole(*ev.user, ev.side, ev.len, ev.reason, &ev.at);
        else if (kind == PT_STREAM_CLOSE && *ev.user)
            pt_conn_close(*ev.user, &ev.at);
    }
    flush(&r->out);
}

/* When what is in force: at each packet it changes with a chance of 1 in `every`. */
struct plan {
    uint32_t every; /* 0: never */
    uint8_t step_max;
    uint8_t step; /* at first */
    uint32_t share;
    uint32_t calm_from; /* permille of the capture from which on nothing is shed any more */
};

static void feed(struct rig *r, const struct capture *c, const struct plan *plan)
{
    struct pt_shed shed = {
        .step = plan->step, .share = plan->share, .canon = r->canon, .canon_cnt = TOPICS_MAX
    };
    int64_t end_ns[2] = { 0 };

    for (size_t i = 0; i < c->packet_cnt; i++) {
        const struct packet *p = &c->packet[i];
        struct pt_packet_ref at = { .order = i + 1,
                                    .time_ns = p->frame.time_ns,
                                    .packet = p->frame.packet,
                                    .input = p->input };
        struct pt_segment seg;
        struct pt_wrap wrap;
        enum pt_packet_kind kind = pt_packet_decode(&p->frame, &seg, &wrap);

        if (plan->every && !rnd(plan->every)) {
            shed.step = (uint8_t)rnd(plan->step_max + 1u);
            shed.share = rnd(4) << 30;
        }
        if (i * 1000 >= c->packet_cnt * plan->calm_from)
            shed.step = 0;
        pt_parser_shed(r->parser, &shed);
        r->out.order = at.order;
        r->packets.frames++;
        r->packets.kind[kind]++;
        end_ns[p->input] = p->frame.time_ns;
        if (kind == PT_PACKET_TCP)
            pt_streams_push(r->streams, &seg, &at);
        drain(r, c);
    }
    pt_streams_finish(r->streams);
    drain(r, c);
    for (unsigned i = 0; i < 2 && !pt_streams_stats(r->streams)->holes; i++)
        pt_shard_tap_end(r->shard, (enum pt_cluster)i, end_ns[i]);
    r->result = pt_shard_finish(r->shard);
}

static struct rig *run(const struct capture *c, const struct plan *plan)
{
    struct rig *r = malloc(sizeof(*r));

    assert_non_null(r);
    open_rig(r);
    feed(r, c, plan);
    return r;
}

/* Comparison. */

static bool same_log(const struct pt_log_name *a, const struct pt_log_name *b)
{
    return !strcmp(a->topic, b->topic) && a->partition == b->partition &&
           (a->has_id && b->has_id ? !memcmp(a->id, b->id, 16) : a->incarnation == b->incarnation);
}

static const struct pt_pair_result *pair_of(const struct pt_result *r,
                                            const struct pt_pair_result *p)
{
    for (size_t i = 0; i < r->pair_cnt; i++)
        if (same_log(&r->pairs[i].source, &p->source) && same_log(&r->pairs[i].target, &p->target))
            return &r->pairs[i];
    return NULL;
}

static bool map_holds(const struct pt_pair_result *p, int64_t source, int64_t target)
{
    for (size_t i = 0; i < p->map_cnt; i++)
        if (source >= p->map[i].source_from &&
            source < p->map[i].source_from + (int64_t)p->map[i].cnt &&
            target == p->map[i].target_from + source - p->map[i].source_from)
            return true;
    return false;
}

/* Where a record was copied, or changed places with its neighbour, which of the equal ones is the
 * partner is a matter of choice, and beside unseen offsets it may be another one. A pair without
 * faults has no such choice. */
#define CHOICE_MAX 4

static bool is_choice(const struct pt_pair_result *p, int64_t source, int64_t target)
{
    bool faults = p->missing + p->extra + p->duplicated + p->reordered > 0;

    for (int64_t d = -CHOICE_MAX; d <= CHOICE_MAX; d++)
        if (faults && (map_holds(p, source, target + d) || map_holds(p, source + d, target)))
            return true;
    return false;
}

static void check_map(const char *what, const struct pt_pair_result *p,
                      const struct pt_pair_result *old)
{
    for (size_t i = 0; i < p->map_cnt; i++)
        for (uint64_t k = 0; k < p->map[i].cnt; k++) {
            int64_t source = p->map[i].source_from + (int64_t)k;
            int64_t target = p->map[i].target_from + (int64_t)k;

            if (!map_holds(old, source, target) && !is_choice(old, source, target))
                fail_msg("%s: %s-%d: %lld matches %lld", what, p->source.topic, p->source.partition,
                         (long long)source, (long long)target);
        }
    if (p->verified > old->verified)
        fail_msg("%s: %s-%d: %llu verified", what, p->source.topic, p->source.partition,
                 (unsigned long long)p->verified);
}

/* Whether the finding accuses this offset on that side. */
static bool accuses(const struct pt_finding *f, int side, int64_t off)
{
    const struct pt_place *p = side ? &f->target : &f->source;

    return p->valid && off >= p->offset && off < p->offset + (int64_t)f->cnt;
}

/* is_accused: this offset or, since it is a matter of choice which of equal copies is the surplus
 * one, one near it. */
static bool is_accused(const struct pt_result *r, const struct pt_pair_result *p, int side,
                       int64_t off)
{
    bool accused = false;

    for (size_t i = 0; i < r->finding_cnt; i++)
        if (r->findings[i].pair >= 0 && &r->pairs[r->findings[i].pair] == p &&
            pt_finding_severity(r->findings[i].code) == PT_SEV_DIVERGENCE)
            for (int64_t d = -CHOICE_MAX; d <= CHOICE_MAX; d++)
                accused |= accuses(&r->findings[i], side, off + d);
    return accused;
}

static void check_finding(const char *what, const struct pt_result *now, const struct pt_finding *f,
                          const struct pt_result *base)
{
    const struct pt_pair_result *old;

    if (pt_finding_severity(f->code) != PT_SEV_DIVERGENCE)
        return;
    if (f->pair < 0) {
        if (now->finding_total[f->code] > base->finding_total[f->code])
            fail_msg("%s: %s: %s", what, pt_finding_code_name(f->code), f->message);
        return;
    }
    old = pair_of(base, &now->pairs[f->pair]);
    for (int side = 0; side < 2; side++) {
        const struct pt_place *p = side ? &f->target : &f->source;

        for (uint64_t k = 0; p->valid && k < f->cnt; k++)
            if (!old || !is_accused(base, old, side, p->offset + (int64_t)k))
                fail_msg("%s: %s: %s", what, pt_finding_code_name(f->code), f->message);
    }
}

static void check_ledgers(const char *what, const struct rig *r)
{
    struct pt_report_input input = { .name = "all", .packets = r->packets.frames };
    struct pt_report report = { .result = r->result,
                                .inputs = &input,
                                .input_cnt = 1,
                                .packets = &r->packets,
                                .streams = pt_streams_stats(r->streams),
                                .parser = pt_parser_stats(r->parser),
                                .shard = pt_shard_stats(r->shard) };
    struct pt_ledger ledger[PT_LEDGER_CNT];

    pt_ledger_build(&report, ledger);
    for (size_t i = 0; i < PT_LEDGER_CNT; i++)
        if (ledger[i].residue)
            fail_msg("%s: %s: residue %lld", what, ledger[i].layer, (long long)ledger[i].residue);
    if (broken_sum(r->result) >= 0)
        fail_msg("%s: sums of pair %ld", what, broken_sum(r->result));
}

static void check_against(const char *what, const struct rig *r, const struct rig *base)
{
    const struct pt_result *now = r->result;

    check_ledgers(what, r);
    for (size_t i = 0; i < now->pair_cnt; i++) {
        const struct pt_pair_result *p = &now->pairs[i];
        const struct pt_pair_result *old = pair_of(base->result, p);

        if (old && pt_pair_divergent(p) > pt_pair_divergent(old))
            fail_msg("%s: %s-%d: more divergences", what, p->source.topic, p->source.partition);
        if (old)
            check_map(what, p, old);
        else if (p->verified)
            fail_msg("%s: %s-%d was no pair", what, p->source.topic, p->source.partition);
        for (unsigned k = 0; k < PT_LOST_REASON_CNT; k++)
            if (k != PT_LOST_SHED && p->unseen[k] && !(old && old->unseen[k]))
                fail_msg("%s: %s-%d: %llu offsets unseen for reason %u", what, p->source.topic,
                         p->source.partition, (unsigned long long)p->unseen[k], k);
    }
    for (size_t i = 0; i < now->finding_cnt; i++)
        check_finding(what, now, &now->findings[i], base->result);
}

static void check_plan(const struct capture *c, const struct rig *base, const struct plan *plan)
{
    uint32_t from = seed;
    struct rig *r = run(c, plan);
    char what[128];

    snprintf(what, sizeof(what), "%s, seed %u: step %u/%x, up to %u, 1 in %u, calm from %u",
             c->name, from, plan->step, plan->share, plan->step_max, plan->every, plan->calm_from);
    check_against(what, r, base);
    close_rig(r);
}

static const struct plan NOTHING = { .every = 0 };

static void test_random(void **state)
{
    const char *runs = getenv("PT_RUNS");
    unsigned cnt = runs ? (unsigned)strtoul(runs, NULL, 10) : RUNS;

    (void)state;
    for (size_t i = 0; i < CAPTURE_CNT; i++) {
        struct rig *base = run(&captures[i], &NOTHING);

        for (unsigned k = 0; k < cnt; k++) {
            struct plan plan = { .every = 1u << rnd(13),
                                 .step_max = (uint8_t)(1 + rnd(4)),
                                 .calm_from = rnd(2) ? rnd(1001) : 1001 };

            plan.step = (uint8_t)rnd(plan.step_max + 1u);
            plan.share = rnd(4) << 30;
            check_plan(&captures[i], base, &plan);
        }
        close_rig(base);
    }
}

/* One step from the first packet to the last. */
static void test_fixed(void **state)
{
    (void)state;
    for (size_t i = 0; i < CAPTURE_CNT; i++) {
        struct rig *base = run(&captures[i], &NOTHING);
        uint64_t whole = pt_parser_stats(base->parser)->frames;

        for (uint8_t step = 0; step < PT_SHED_STEP_CNT; step++)
            for (uint32_t quarter = 0; quarter < (step == PT_SHED_PARTITIONS ? 4 : 1); quarter++) {
                struct plan plan = { .step = step, .share = quarter << 30, .calm_from = 1001 };
                struct rig *r = run(&captures[i], &plan);
                const struct pt_parser_stats *s = pt_parser_stats(r->parser);
                char what[64];

                snprintf(what, sizeof(what), "%s, step %u, %u/4", captures[i].name, step, quarter);
                check_against(what, r, base);
                assert_int_equal(s->frames, whole);
                assert_int_equal(s->requests, pt_parser_stats(base->parser)->requests);
                assert_int_equal(s->bodies_shed > 0, step == PT_SHED_COUNT_ONLY);
                if (step < PT_SHED_PARTITIONS)
                    assert_int_equal(s->batches_shed, 0);
                if (step >= PT_SHED_HEADERS && r->result->verdict == PT_VERDICT_PARITY)
                    fail_msg("%s: parity", what);
                if (!step)
                    assert_int_equal(s->shed_known, 0);
                close_rig(r);
            }
        close_rig(base);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fixed),
        cmocka_unit_test(test_random),
    };
    const char *given = getenv("PT_SEED");

    seed = given ? (uint32_t)strtoul(given, NULL, 10) : 20250611u;
    printf("seed %u\n", seed);
    for (size_t i = 0; i < CAPTURE_CNT; i++)
        load(&captures[i], names[i]);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
