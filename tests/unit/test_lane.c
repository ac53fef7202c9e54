/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows that a lane hands over every message whole, in order and in one piece, at any size and
 * fill; that a full one says so and loses nothing; and that two threads may use its two ends (built
 * with ThreadSanitizer, too).
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/lane.h"

#define ROOM 4096u

static void put(struct pt_lane_head *h, uint64_t n, size_t body_sz)
{
    h->kind = (uint32_t)n;
    h->key = (struct pt_key){ (int64_t)n, n };
    memset(h + 1, (int)(n & 0xff), body_sz);
}

static int is_nth(const struct pt_lane_head *h, uint64_t n, size_t body_sz)
{
    const uint8_t *body = (const uint8_t *)(h + 1);

    if (h->kind != (uint32_t)n || h->key.tie != n || h->size < sizeof(*h) + body_sz)
        return 0;
    for (size_t i = 0; i < body_sz; i++)
        if (body[i] != (n & 0xff))
            return 0;
    return 1;
}

static size_t size_of(uint64_t n)
{
    return n * 2654435761u % 1700;
}

static void test_bounds(void **state)
{
    struct pt_lane *l;
    struct pt_mem mem;
    uint64_t n = 0;

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    assert_int_equal(pt_lane_open(&mem, 5000, &l), -EINVAL);
    assert_int_equal(pt_lane_open(&mem, 2048, &l), -EINVAL);
    assert_int_equal(pt_lane_open(&mem, 1u << 21, &l), -ENOMEM);
    assert_int_equal(pt_lane_open(&mem, ROOM, &l), 0);
    assert_null(pt_lane_first(l));
    assert_null(pt_lane_room(l, ROOM / 2));
    assert_null(pt_lane_room(l, ROOM));
    /* A message of the largest size finds room wherever the last one ended. */
    for (size_t before = 0; before < 600; before++) {
        struct pt_lane_head *h = pt_lane_room(l, before);

        put(h, before, before);
        pt_lane_push(l);
        assert_true(is_nth(pt_lane_first(l), before, before));
        assert_ptr_equal(pt_lane_first(l), pt_lane_first(l));
        pt_lane_pop(l);
        h = pt_lane_room(l, ROOM / 2 - 40);
        assert_non_null(h);
        put(h, before, ROOM / 2 - 40);
        pt_lane_push(l);
        assert_true(is_nth(pt_lane_first(l), before, ROOM / 2 - 40));
        pt_lane_pop(l);
        assert_null(pt_lane_first(l));
        assert_int_equal(pt_lane_used_sz(l), 0);
    }
    /* Full: nothing is overwritten. */
    for (struct pt_lane_head *h; (h = pt_lane_room(l, 16)); n++) {
        put(h, n, 16);
        pt_lane_push(l);
    }
    assert_true(n >= ROOM / 40 - 2); /* but for the pad and the one word that a ring keeps free */
    assert_true(pt_lane_used_sz(l) >= n * 40 && pt_lane_used_sz(l) < ROOM);
    for (uint64_t i = 0; i < n; i++) {
        assert_true(is_nth(pt_lane_first(l), i, 16));
        pt_lane_pop(l);
    }
    assert_null(pt_lane_first(l));
    pt_lane_close(l);
    assert_int_equal(mem.used_sz, 0);
}

#define MESSAGES 100000u

static void *produce(void *arg)
{
    struct pt_lane *l = arg;

    for (uint64_t n = 0; n < MESSAGES; n++) {
        struct pt_lane_head *h;

        while (!(h = pt_lane_room(l, size_of(n))))
            sched_yield();
        put(h, n, size_of(n));
        pt_lane_push(l);
    }
    return NULL;
}

static void test_threads(void **state)
{
    struct pt_lane *l;
    struct pt_mem mem;
    pthread_t thread;

    (void)state;
    pt_mem_init(&mem, 1u << 20);
    assert_int_equal(pt_lane_open(&mem, ROOM, &l), 0);
    assert_int_equal(pthread_create(&thread, NULL, produce, l), 0);
    for (uint64_t n = 0; n < MESSAGES; n++) {
        const struct pt_lane_head *h;

        while (!(h = pt_lane_first(l)))
            sched_yield();
        if (!is_nth(h, n, size_of(n)))
            fail_msg("message %llu is not what was sent", (unsigned long long)n);
        assert_true(pt_lane_used_sz(l) <= ROOM);
        pt_lane_pop(l);
    }
    pthread_join(thread, NULL);
    assert_null(pt_lane_first(l));
    pt_lane_close(l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
