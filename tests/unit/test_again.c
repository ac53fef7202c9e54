/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which of several copies of a batch comes with its records, and which as bytes that were seen
 * before, is chance (parser/seen.h). So both must come to the same: random stories of one log whose
 * copies contradict each other, whose leaders change and which is cleaned, each told with all
 * records, with as few as can be, and with some; the reports must be the same to the letter.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "tests/unit/observe.h"
#include "tests/unit/result_text.h"

#define STORIES 400u
#define STEPS 120
#define KNOWN_MAX 1024

/* A fetched batch of the present format that came with its records: as in the seen table. */
struct known {
    struct say say;
    uint64_t content[10];
    int32_t delta[10];
};

struct story {
    struct world w;
    struct known known[KNOWN_MAX];
    size_t known_cnt;
    unsigned seed;   /* of what happens */
    unsigned chance; /* of how it is told */
    int32_t epoch;   /* of the leader at hand */
    int64_t end;     /* what it has written */
    unsigned again_cnt;
};

enum how { ALL_RECORDS, FEWEST, SOME };

static unsigned pick(struct story *s, unsigned below)
{
    return (unsigned)rand_r(&s->seed) % below;
}

/* Whether this copy may come without its records; it is one that was told from now on. Not one that
 * was cleaned. */
static bool was_told(struct story *s, const struct say *say)
{
    if (say->last - say->base + 1 != say->cnt)
        return false;
    for (size_t i = 0; i < s->known_cnt; i++)
        if (s->known[i].say.base == say->base && s->known[i].say.fingerprint == say->fingerprint &&
            s->known[i].say.epoch == say->epoch)
            return true;
    if (s->known_cnt < KNOWN_MAX) {
        struct known *k = &s->known[s->known_cnt++];

        k->say = *say;
        memcpy(k->content, say->content, say->cnt * sizeof(k->content[0]));
        memcpy(k->delta, say->delta, say->cnt * sizeof(k->delta[0]));
        k->say.content = k->content;
        k->say.delta = k->delta;
    }
    return false;
}

/* A batch of five or ten records. Its content is the offset's and the variant's; some are hollow.
 */
static struct say batch(struct story *s, uint8_t source, uint64_t *content, int32_t *delta)
{
    bool hollow = pick(s, 12) == 0;
    unsigned variant = hollow || pick(s, 6) ? 0 : pick(s, 3);
    int64_t behind = (int64_t)pick(s, 4) * 5;
    struct say say = { .source = source, .content = content, .delta = delta };
    uint32_t cnt = pick(s, 3) ? 5 : 10;

    say.base = s->end > behind ? s->end - behind : 0;
    for (uint32_t i = 0; i < cnt; i++) {
        if (hollow && i % 3 == 1)
            continue;
        content[say.cnt] = (uint64_t)say.base + i + 10000u * variant;
        /* Repeated content: heartbeats. */
        if (hollow ? content[say.cnt] % 5 == 3 : pick(s, 5) == 0)
            content[say.cnt] = 7;
        delta[say.cnt++] = (int32_t)i;
    }
    say.last = say.base + cnt - 1;
    for (uint32_t i = 0; i < say.cnt; i++)
        say.fingerprint =
                (say.fingerprint + content[i]) * 0x9e3779b97f4a7c15ull + (unsigned)delta[i];
    return say;
}

static void fetch(struct story *s, enum how how)
{
    uint64_t content[10];
    int32_t delta[10];
    struct say say = batch(s, PT_SRC_FETCH_CONSUMER, content, delta);
    unsigned old_leader = pick(s, 8);

    if (pick(s, 3) == 0)
        say.source = PT_SRC_FETCH_FOLLOWER;
    say.epoch = old_leader || s->epoch == 1 ? s->epoch : s->epoch - 1;
    if (s->known_cnt && pick(s, 2)) { /* one of the last few once more */
        unsigned behind = 1 + pick(s, s->known_cnt < 8 ? (unsigned)s->known_cnt : 8);

        say = s->known[s->known_cnt - behind].say;
        say.source = pick(s, 2) ? PT_SRC_FETCH_CONSUMER : PT_SRC_FETCH_FOLLOWER;
    }
    say.from = pick(s, 3) ? say.base : say.base > 5 ? say.base - 5 : 0;
    if (pick(s, 10) == 0) { /* down-converted: always with its records */
        say.magic = 1;
        say.plain = true;
        say.epoch = 0;
    } else if (was_told(s, &say) && how != ALL_RECORDS) {
        say.again = how == FEWEST || rand_r(&s->chance) % 2;
        s->again_cnt += say.again;
    }
    s->w.request++;
    tell_batch(&s->w, &say);
}

static void produce(struct story *s)
{
    uint64_t content[10];
    int32_t delta[10];
    struct say say = batch(s, PT_SRC_PRODUCE, content, delta);
    int64_t base = say.base;

    say.last -= base;
    say.base = 0;
    if (say.last + 1 != say.cnt)
        return; /* nobody produces hollow batches */
    s->w.request++;
    tell_batch(&s->w, &say);
    tell_outcome(&s->w, &say, base, pick(s, 3) ? -1 : 1, PT_PRODUCE_ACKED, -1);
    if (base + say.cnt > s->end)
        s->end = base + say.cnt;
}

static void step(struct story *s, enum how how)
{
    unsigned what = pick(s, 20);

    if (what < 10)
        fetch(s, how);
    else if (what < 15)
        produce(s);
    else if (what < 17)
        tell_bounds(&s->w, SRC, 0, 0, s->end > 10 ? s->end - (int64_t)pick(s, 10) : 0, -1);
    else if (what == 17)
        world_wait(&s->w, pick(s, 400));
    else if (what == 18 && pick(s, 3) == 0)
        s->epoch++;
    else if (what == 19)
        s->end += 5;
}

static char *tell_story(unsigned seed, enum how how, unsigned *ret_again)
{
    struct story *s = calloc(1, sizeof(*s));
    const struct pt_shard_stats *stats;
    char *text;
    size_t sz;
    FILE *out = open_memstream(&text, &sz);

    assert_non_null(s);
    s->seed = seed;
    s->chance = seed;
    s->epoch = 1;
    world_open(&s->w, 32u << 20);
    tell_topic(&s->w, SRC, 0, "t", 1);
    tell_topic(&s->w, TGT, 1, "t", 2);
    tell_cleanup(&s->w, SRC, 0, PT_CLEANUP_DELETE);
    tell_broker(&s->w, SRC, 1, "10.0.0.1");
    tell_client(&s->w, SRC, 0, 1);
    for (int i = 0; i < STEPS; i++)
        step(s, how);
    tell_produce(&s->w, TGT, 1, 0, 0, 0, (uint32_t)s->end + 1);
    world_flush(&s->w.out);
    pt_shard_tap_end(s->w.s, SRC, s->w.at.time_ns);
    put_result(out, world_finish(&s->w));
    stats = pt_shard_stats(s->w.s);
#define X(name, help) PUT_COUNT(out, #name, stats->name);
    PT_SHARD_COUNTERS(X)
#undef X
    fclose(out);
    *ret_again = s->again_cnt;
    assert_int_equal(world_close(&s->w), 0);
    free(s);
    return text;
}

static void test_same(void **state)
{
    unsigned again = 0;

    (void)state;
    for (unsigned seed = 1; seed <= STORIES; seed++) {
        unsigned cnt;
        char *want = tell_story(seed, ALL_RECORDS, &cnt);

        assert_int_equal(cnt, 0);
        for (enum how how = FEWEST; how <= SOME; how++) {
            char *got = tell_story(seed, how, &cnt);

            again += cnt;
            expect_same(want, got, how == FEWEST ? "fewest, seed" : "some, seed", seed);
            free(got);
        }
        free(want);
    }
    print_message("%u batches without their records\n", again);
    assert_true(again > STORIES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
