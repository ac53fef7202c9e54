/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that the shard reads what workers observed in the order of the keys, whatever the number
 * and speed of the workers; how long a lane that is silent holds the others up; and what late
 * messages are counted as. The shard is a fake that writes down what it is given: the test brings
 * its own pt_shard_consume, so that verify/ is not linked.
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "dataplane/gather.h"

#define LANE_SZ 4096u
#define LANES 5u
#define MESSAGES 400u

struct message {
    struct pt_key key;
    uint32_t lane;
    uint32_t number; /* among those of its lane */
};

struct pt_shard {
    struct message got[LANES * MESSAGES];
    size_t cnt;
};

void pt_shard_consume(struct pt_shard *s, uint32_t lane, const uint8_t *buf, size_t sz)
{
    assert_int_equal(sz, sizeof(struct message));
    assert_true(s->cnt < LANES * MESSAGES);
    s->got[s->cnt] = *(const struct message *)(const void *)buf;
    assert_int_equal(s->got[s->cnt++].lane, lane);
}

struct table {
    struct pt_mem mem;
    struct pt_shard shard;
    struct pt_gather g;
    struct pt_lane *lane[LANES];
    uint32_t sent[LANES];
};

static void lay(struct table *t, unsigned lanes, int64_t wait_ns)
{
    *t = (struct table){ 0 };
    pt_mem_init(&t->mem, 1u << 20);
    pt_gather_init(&t->g, &t->shard, wait_ns);
    for (unsigned i = 0; i < lanes; i++) {
        assert_int_equal(pt_lane_open(&t->mem, LANE_SZ, &t->lane[i]), 0);
        pt_gather_add(&t->g, t->lane[i]);
    }
}

static void clear(struct table *t)
{
    for (unsigned i = 0; i < t->g.lane_cnt; i++)
        pt_lane_close(t->lane[i]);
    assert_int_equal(t->mem.used_sz, 0);
}

static struct pt_key at(int64_t time_ns)
{
    return (struct pt_key){ time_ns, 1 };
}

static bool send_key(struct table *t, unsigned lane, struct pt_key key)
{
    struct message m = { key, lane, t->sent[lane] };
    bool sent = pt_gather_send(t->lane[lane], PT_GATHER_OBS, key, (const uint8_t *)&m, sizeof(m));

    t->sent[lane] += sent;
    return sent;
}

static void obs(struct table *t, unsigned lane, int64_t time_ns)
{
    assert_true(send_key(t, lane, at(time_ns)));
}

static void frontier(struct table *t, unsigned lane, int64_t time_ns)
{
    assert_true(pt_gather_send(t->lane[lane], PT_GATHER_FRONTIER, at(time_ns), NULL, 0));
}

static void end(struct table *t, unsigned lane)
{
    assert_true(pt_gather_send(t->lane[lane], PT_GATHER_END, PT_KEY_LAST, NULL, 0));
}

static bool same_key(struct pt_key a, struct pt_key b)
{
    return !pt_key_before(a, b) && !pt_key_before(b, a);
}

/* Keys that rise as they are drawn, often at the same time with another tie, as in a run. */
static struct pt_key next_key(struct pt_key key, unsigned *seed)
{
    unsigned how = (unsigned)rand_r(seed) % 4;

    key.tie += 1 + (unsigned)rand_r(seed) % 3;
    if (how == 0)
        key.time_ns += 1 + rand_r(seed) % 5;
    if (how == 1)
        key.tie |= PT_KEY_DUE;
    else if (how == 0)
        key.tie &= ~PT_KEY_DUE;
    return key;
}

/* What a run observes: every key belongs to one lane, some keys have several messages. */
static size_t draw(struct message *m, unsigned lanes, unsigned *seed)
{
    size_t cnt = 1 + (size_t)rand_r(seed) % MESSAGES;
    struct pt_key key = { -3, 0 };
    uint32_t number[LANES] = { 0 };

    for (size_t i = 0; i < cnt; i++) {
        if (i && rand_r(seed) % 5 == 0) {
            m[i] = m[i - 1];
        } else {
            key = next_key(key, seed);
            m[i] = (struct message){ .key = key, .lane = (uint32_t)rand_r(seed) % lanes };
        }
        m[i].number = number[m[i].lane]++;
    }
    return cnt;
}

/* One lane's next word, if there is room: mostly its next message, at times how far the run has got
 * (just before the next message it will have), at last the end. */
static void speak(struct table *t, unsigned lane, const struct message *m, size_t cnt,
                  size_t *cursor, bool *ended, unsigned *seed)
{
    size_t next = *cursor;

    while (next < cnt && m[next].lane != lane)
        next++;
    if (*ended)
        return;
    if (next > *cursor && rand_r(seed) % 3 == 0) {
        /* All of the others' up to there is before this lane's next one. */
        size_t to = *cursor + (size_t)rand_r(seed) % (next - *cursor);

        if (pt_gather_send(t->lane[lane], PT_GATHER_FRONTIER, m[to].key, NULL, 0))
            *cursor = to + 1;
    } else if (next < cnt) {
        if (send_key(t, lane, m[next].key))
            *cursor = next + 1;
    } else {
        *ended = pt_gather_send(t->lane[lane], PT_GATHER_END, PT_KEY_LAST, NULL, 0);
    }
}

static void test_random(void **state)
{
    static struct message m[MESSAGES];
    static struct table t;
    unsigned seed = 20240611;

    (void)state;
    print_message("seed %u\n", seed);
    for (unsigned run = 0; run < 500; run++) {
        unsigned lanes = 1 + run % LANES;
        size_t cursor[LANES] = { 0 };
        bool ended[LANES] = { false };
        size_t cnt = draw(m, lanes, &seed);
        size_t stepped = 0;

        lay(&t, lanes, 0);
        while (!pt_gather_ended(&t.g)) {
            /* One lane often speaks much more than the others. */
            unsigned lane = rand_r(&seed) % 2 ? run % lanes : (unsigned)rand_r(&seed) % lanes;
            unsigned max = (unsigned)rand_r(&seed) % 8;
            unsigned got = 0;

            speak(&t, lane, m, cnt, &cursor[lane], &ended[lane], &seed);
            if (rand_r(&seed) % 2) {
                got = pt_gather_step(&t.g, max, 0);
                assert_true(got <= max);
            }
            stepped += got;
        }
        while (pt_gather_step(&t.g, 3, 0))
            ;
        assert_int_equal(t.shard.cnt, cnt);
        assert_true(stepped <= cnt);
        for (size_t i = 0; i < cnt; i++)
            if (!same_key(t.shard.got[i].key, m[i].key) || t.shard.got[i].lane != m[i].lane ||
                t.shard.got[i].number != m[i].number)
                fail_msg("run %u: message %zu is not the one of its place", run, i);
        assert_int_equal(t.g.late_cnt, 0);
        clear(&t);
    }
}

static void test_silent_lane_holds_up(void **state)
{
    static struct table t;

    (void)state;
    lay(&t, 3, 0);
    obs(&t, 0, 10);
    obs(&t, 0, 20);
    obs(&t, 1, 15);
    for (int64_t wall_ns = 0; wall_ns < INT64_MAX / 2; wall_ns = 2 * wall_ns + 1)
        assert_int_equal(pt_gather_step(&t.g, 100, wall_ns), 0);
    assert_true(same_key(pt_gather_reached(&t.g), PT_KEY_FIRST));
    /* As far as it says, and the message at its very frontier, no farther. */
    frontier(&t, 2, 14);
    assert_int_equal(pt_gather_step(&t.g, 100, 0), 1);
    assert_true(same_key(pt_gather_reached(&t.g), at(10)));
    frontier(&t, 2, 15);
    assert_int_equal(pt_gather_step(&t.g, 100, 0), 1);
    /* Now lane 1 has nothing more, and has told nothing behind 15. */
    frontier(&t, 2, 40);
    assert_int_equal(pt_gather_step(&t.g, 100, 0), 0);
    assert_true(same_key(pt_gather_reached(&t.g), at(15)));
    end(&t, 1);
    assert_int_equal(pt_gather_step(&t.g, 100, 0), 1);
    assert_true(same_key(pt_gather_reached(&t.g), at(20)));
    /* Lane 0 speaks for itself; what is said of earlier keys is known already. */
    frontier(&t, 2, 30);
    frontier(&t, 0, 70);
    assert_int_equal(pt_gather_step(&t.g, 100, 0), 0);
    assert_true(same_key(pt_gather_reached(&t.g), at(40)));
    assert_false(pt_gather_ended(&t.g));
    end(&t, 0);
    end(&t, 2);
    assert_int_equal(pt_gather_step(&t.g, 100, 0), 0);
    assert_true(pt_gather_ended(&t.g));
    assert_true(same_key(pt_gather_reached(&t.g), PT_KEY_LAST));
    assert_int_equal(t.shard.cnt, 3);
    assert_int_equal(t.g.late_cnt, 0);
    clear(&t);
}

/* A message behind the END of another lane is not held up by it. */
static void test_max_and_end(void **state)
{
    static struct table t;

    (void)state;
    lay(&t, 2, 0);
    end(&t, 1);
    for (int i = 0; i < 10; i++)
        obs(&t, 0, i);
    assert_int_equal(pt_gather_step(&t.g, 0, 0), 0);
    assert_int_equal(pt_gather_step(&t.g, 4, 0), 4);
    assert_int_equal(pt_gather_step(&t.g, 100, 0), 6);
    assert_false(pt_gather_ended(&t.g));
    /* A frontier holds up nobody, even the last: but what a worker's end brings is still to come. */
    assert_true(pt_gather_send(t.lane[0], PT_GATHER_FRONTIER, PT_KEY_LAST, NULL, 0));
    assert_int_equal(pt_gather_step(&t.g, 100, 0), 0);
    assert_false(pt_gather_ended(&t.g));
    end(&t, 0);
    assert_int_equal(pt_gather_step(&t.g, 100, 0), 0);
    assert_true(pt_gather_ended(&t.g));
    clear(&t);
}

#define WAIT_NS 1000

static void test_wait_is_bounded(void **state)
{
    static struct table t;

    (void)state;
    lay(&t, 3, WAIT_NS);
    frontier(&t, 2, 1000);
    obs(&t, 0, 10);
    obs(&t, 0, 30);
    assert_int_equal(pt_gather_step(&t.g, 100, 5000), 0);
    assert_int_equal(pt_gather_step(&t.g, 100, 5000 + WAIT_NS - 1), 0);
    /* Lane 1 had its time; it is not waited for anew with every message. */
    assert_int_equal(pt_gather_step(&t.g, 100, 5000 + WAIT_NS), 2);
    obs(&t, 0, 40);
    obs(&t, 0, 60);
    assert_int_equal(pt_gather_step(&t.g, 100, 5000 + WAIT_NS + 1), 2);
    assert_true(same_key(pt_gather_reached(&t.g), at(60)));
    assert_int_equal(t.g.late_cnt, 0);
    /* It comes back: two of its messages are late, the one at the very place is not. */
    obs(&t, 1, 20);
    obs(&t, 1, 50);
    obs(&t, 1, 60);
    obs(&t, 1, 70);
    obs(&t, 0, 80);
    assert_int_equal(pt_gather_step(&t.g, 100, 7000), 4);
    assert_int_equal(t.g.late_cnt, 2);
    assert_true(same_key(pt_gather_reached(&t.g), at(70)));
    /* From then on it is waited for as before. */
    assert_int_equal(pt_gather_step(&t.g, 100, 7000 + WAIT_NS - 1), 0);
    frontier(&t, 1, 90);
    assert_int_equal(pt_gather_step(&t.g, 100, 7000 + WAIT_NS - 1), 1);
    assert_int_equal(t.g.late_cnt, 2);
    clear(&t);
}

/* Random lanes that fall silent, against a count of what came too late. */
static void test_late_count(void **state)
{
    static struct table t;
    unsigned seed = 7;

    (void)state;
    print_message("seed %u\n", seed);
    for (unsigned run = 0; run < 200; run++) {
        int64_t wall_ns = 1;
        int64_t time_ns[LANES] = { 0 };
        struct pt_key high = PT_KEY_FIRST;
        uint64_t late = 0;

        lay(&t, LANES, WAIT_NS);
        for (unsigned i = 0; i < MESSAGES; i++) {
            unsigned lane = (unsigned)rand_r(&seed) % (run % LANES + 1);

            time_ns[lane] += rand_r(&seed) % 20;
            if (!send_key(&t, lane, at(time_ns[lane])))
                wall_ns += WAIT_NS;
            wall_ns += rand_r(&seed) % (WAIT_NS / 4);
            pt_gather_step(&t.g, (unsigned)rand_r(&seed) % 8, wall_ns);
        }
        for (unsigned i = 0; i < LANES; i++)
            while (!pt_gather_send(t.lane[i], PT_GATHER_END, PT_KEY_LAST, NULL, 0))
                pt_gather_step(&t.g, 1, wall_ns += WAIT_NS);
        while (!pt_gather_ended(&t.g) || pt_gather_step(&t.g, 1, wall_ns))
            pt_gather_step(&t.g, 8, wall_ns);
        for (size_t i = 0; i < t.shard.cnt; i++) {
            if (pt_key_before(t.shard.got[i].key, high))
                late++;
            else
                high = t.shard.got[i].key;
        }
        assert_int_equal(t.g.late_cnt, late);
        for (unsigned i = 0; i < LANES; i++)
            t.shard.cnt -= t.sent[i];
        assert_int_equal(t.shard.cnt, 0);
        clear(&t);
    }
}

/* Every lane has a thread that speaks at its own speed; message n has the key n. */
struct speaker {
    struct table *t;
    unsigned lane;
    unsigned seed;
};

#define SPOKEN 1500u

static void *run_speaker(void *arg)
{
    struct speaker *s = arg;
    struct pt_lane *lane = s->t->lane[s->lane];

    for (unsigned n = 0; n < SPOKEN; n++) {
        bool mine = n % LANES == s->lane;
        struct message m = { at(n), s->lane, n };

        while (mine && !pt_gather_send(lane, PT_GATHER_OBS, m.key, (const uint8_t *)&m, sizeof(m)))
            sched_yield();
        if (!mine && rand_r(&s->seed) % 4 == 0)
            (void)pt_gather_send(lane, PT_GATHER_FRONTIER, m.key, NULL, 0);
        if (rand_r(&s->seed) % 64 == 0)
            sched_yield();
    }
    while (!pt_gather_send(lane, PT_GATHER_END, PT_KEY_LAST, NULL, 0))
        sched_yield();
    return NULL;
}

static void test_threads(void **state)
{
    static struct table t;
    struct speaker speaker[LANES];
    pthread_t thread[LANES];

    (void)state;
    lay(&t, LANES, 0);
    for (unsigned i = 0; i < LANES; i++) {
        speaker[i] = (struct speaker){ &t, i, i };
        assert_int_equal(pthread_create(&thread[i], NULL, run_speaker, &speaker[i]), 0);
    }
    while (!pt_gather_ended(&t.g))
        if (!pt_gather_step(&t.g, 16, 0))
            sched_yield();
    while (pt_gather_step(&t.g, 16, 0))
        ;
    for (unsigned i = 0; i < LANES; i++)
        pthread_join(thread[i], NULL);
    assert_int_equal(t.shard.cnt, SPOKEN);
    for (unsigned n = 0; n < SPOKEN; n++)
        assert_int_equal(t.shard.got[n].number, n);
    clear(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random),      cmocka_unit_test(test_silent_lane_holds_up),
        cmocka_unit_test(test_max_and_end), cmocka_unit_test(test_wait_is_bounded),
        cmocka_unit_test(test_late_count),  cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
