/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A budget is kept to the byte: what does not fit is refused, counted, and changes nothing; over
 * the process's allocator and over an arena alike. Sizes of every class are allocated, zeroed,
 * resized with their content kept, and freed. An arena's figures show that the bytes of a budget
 * come from its own arena and return to it, also when the budget moves between threads, and that
 * a child of fork() can go on. Builds with a sanitizer have no arenas: there what is about arenas
 * is skipped.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "hw/memory.h"

#ifdef PT_JEMALLOC
#define HAS_ARENAS true
#else
#define HAS_ARENAS false
#endif

#define MIB ((size_t)1 << 20)
#define ROOMY ((uint64_t)1 << 40)

/* The two forms of a budget. */
enum form { SHARED, ARENA, FORM_CNT };

static void make(struct pt_mem *m, enum form form, uint64_t limit_sz)
{
    memset(m, 0xA5, sizeof(*m));
    if (form == SHARED)
        pt_mem_init(m, limit_sz);
    else
        assert_int_equal(pt_mem_open(m, limit_sz), 0);
}

static struct pt_mem_heap heap_of(const struct pt_mem *m)
{
    struct pt_mem_heap heap;

    assert_true(pt_mem_heap(m, &heap));
    return heap;
}

static void test_budget(void **state)
{
    (void)state;
    for (enum form form = SHARED; form < FORM_CNT; form++) {
        struct pt_mem m;
        void *a;
        void *b;

        make(&m, form, 100);
        a = pt_mem_alloc(&m, 60);
        assert_non_null(a);
        assert_null(pt_mem_alloc(&m, 41));
        assert_null(pt_mem_zalloc(&m, 41));
        assert_int_equal(m.refused_cnt, 2);
        assert_int_equal(m.used_sz, 60);
        b = pt_mem_resize(&m, a, 60, 100);
        assert_non_null(b);
        assert_null(pt_mem_resize(&m, b, 100, 101));
        assert_int_equal(m.used_sz, 100);
        b = pt_mem_resize(&m, b, 100, 10);
        assert_int_equal(m.used_sz, 10);
        pt_mem_free(&m, NULL, 10);
        assert_int_equal(m.used_sz, 10);
        pt_mem_free(&m, b, 10);
        assert_int_equal(m.used_sz, 0);
        assert_int_equal(m.peak_sz, 100);
        assert_int_equal(m.refused_cnt, 3);
        pt_mem_close(&m);
        assert_null(pt_mem_alloc(&m, 1));
        pt_mem_close(&m);
    }
}

static const struct {
    size_t sz;
    const char *why;
} sizes[] = {
    { 0, "nothing: still a pointer, to be freed" },
    { 1, "the smallest" },
    { 8, "a class of its own" },
    { 9, "first of the next class" },
    { 1000, "small" },
    { 14336, "the last that shares a page run with others" },
    { 14337, "the first that has pages of its own" },
    { 32768, "the last that a cache keeps" },
    { 32769, "the first that no cache keeps" },
    { MIB + 1, "large" },
    { 8 * MIB, "where jemalloc by itself would change to another arena" },
    { 20 * MIB + 5, "huge" },
};
#define SIZE_CNT (sizeof(sizes) / sizeof(sizes[0]))

/* The bytes are filled by place, so that one that moved to another place shows. */
static void fill(uint8_t *p, size_t from, size_t end)
{
    for (size_t i = from; i < end; i++)
        p[i] = (uint8_t)(i * 31 + (i >> 8));
}

static bool filled(const uint8_t *p, size_t end)
{
    for (size_t i = 0; i < end; i++)
        if (p[i] != (uint8_t)(i * 31 + (i >> 8)))
            return false;
    return true;
}

static bool all_zero(const uint8_t *p, size_t sz)
{
    return !sz || (!p[0] && !memcmp(p, p + 1, sz - 1));
}

static void test_sizes(void **state)
{
    (void)state;
    for (enum form form = SHARED; form < FORM_CNT; form++) {
        struct pt_mem m;

        make(&m, form, ROOMY);
        for (size_t i = 0; i < SIZE_CNT; i++) {
            size_t sz = sizes[i].sz;
            uint8_t *a = pt_mem_alloc(&m, sz);
            uint8_t *b = pt_mem_alloc(&m, sz);

            assert_true(a && b && a != b);
            fill(a, 0, sz);
            memset(b, 0xFF, sz);
            assert_true(filled(a, sz));
            assert_int_equal(m.used_sz, 2 * sz);
            pt_mem_free(&m, b, sz);
            b = pt_mem_zalloc(&m, sz); /* most likely what was just freed */
            if (!b || !all_zero(b, sz))
                fail_msg("%zu bytes (%s) are not zero", sz, sizes[i].why);
            pt_mem_free(&m, a, sz);
            pt_mem_free(&m, b, sz);
        }
        assert_int_equal(m.used_sz, 0);
        pt_mem_close(&m);
    }
}

static void test_resize(void **state)
{
    (void)state;
    for (enum form form = SHARED; form < FORM_CNT; form++) {
        struct pt_mem m;

        make(&m, form, ROOMY);
        for (size_t i = 0; i < SIZE_CNT * SIZE_CNT; i++) {
            size_t from = sizes[i / SIZE_CNT].sz;
            size_t to = sizes[i % SIZE_CNT].sz;
            uint8_t *p = pt_mem_resize(&m, NULL, 0, from);

            assert_non_null(p);
            fill(p, 0, from);
            p = pt_mem_resize(&m, p, from, to);
            assert_non_null(p);
            if (!filled(p, from < to ? from : to))
                fail_msg("from %zu to %zu bytes: other content", from, to);
            fill(p, from, to);
            assert_int_equal(m.used_sz, to);
            pt_mem_free(&m, p, to);
        }
        assert_int_equal(m.used_sz, 0);
        pt_mem_close(&m);
    }
}

/* What the budget allows and the system has not: NULL, and the books are as before. (A sanitizer
 * would end the program.) */
static void test_impossible(void **state)
{
    (void)state;
    if (!HAS_ARENAS)
        skip();
    for (enum form form = SHARED; form < FORM_CNT; form++) {
        size_t most = SIZE_MAX / 2;
        struct pt_mem m;
        uint8_t *p;

        make(&m, form, UINT64_MAX);
        assert_null(pt_mem_alloc(&m, most));
        assert_null(pt_mem_zalloc(&m, most));
        p = pt_mem_alloc(&m, 100);
        fill(p, 0, 100);
        assert_null(pt_mem_resize(&m, p, 100, most));
        assert_true(filled(p, 100));
        assert_int_equal(m.used_sz, 100);
        assert_int_equal(m.refused_cnt, 0); /* by the system, not by the budget */
        pt_mem_free(&m, p, 100);
        pt_mem_close(&m);
    }
}

#define PIECES 16384

static const struct {
    size_t sz;
    size_t cnt;
    size_t kept_sz; /* what the cache may keep after the last free */
} loads[] = {
    { 8, PIECES, 200 * 8 }, { 1024, PIECES, 200 * 1024 }, { 20000, 1000, 20 * 20480 },
    { MIB, 32, 0 },         { 48 * MIB, 1, 0 },
};

static void test_heap(void **state)
{
    static void *piece[PIECES];
    struct pt_mem_heap none = { 1, 2, 3 };
    struct pt_mem m;

    (void)state;
    pt_mem_init(&m, ROOMY);
    assert_false(pt_mem_heap(&m, &none));
    assert_true(none.allocated_sz == 1 && none.active_sz == 2 && none.resident_sz == 3);
    make(&m, ARENA, ROOMY);
    assert_int_equal(pt_mem_heap(&m, &none), HAS_ARENAS);
    pt_mem_close(&m);
    if (!HAS_ARENAS)
        skip();
    for (size_t i = 0; i < sizeof(loads) / sizeof(loads[0]); i++) {
        size_t sum = loads[i].sz * loads[i].cnt;
        struct pt_mem_heap before;
        struct pt_mem_heap full;
        struct pt_mem_heap after;
        void *other = malloc(sum); /* not of this arena */

        make(&m, ARENA, ROOMY);
        before = heap_of(&m);
        assert_int_equal(before.allocated_sz, 0);
        for (size_t j = 0; j < loads[i].cnt; j++)
            piece[j] = pt_mem_zalloc(&m, loads[i].sz);
        full = heap_of(&m);
        assert_in_range(full.allocated_sz, sum, sum + sum / 4 + loads[i].kept_sz);
        assert_in_range(full.active_sz, full.allocated_sz, full.allocated_sz + sum / 4 + MIB);
        assert_true(full.resident_sz >= full.active_sz);
        for (size_t j = 0; j < loads[i].cnt; j++)
            pt_mem_free(&m, piece[j], loads[i].sz);
        after = heap_of(&m);
        assert_in_range(after.allocated_sz, 0, loads[i].kept_sz);
        assert_true(after.active_sz < full.active_sz);
        pt_mem_close(&m);
        assert_false(pt_mem_heap(&m, &after));
        free(other);
    }
}

/* More than a process can have at a time. */
static void test_close_gives_back(void **state)
{
    (void)state;
    for (int i = 0; i < 5000; i++) {
        struct pt_mem m;

        make(&m, ARENA, ROOMY);
        pt_mem_free(&m, pt_mem_alloc(&m, 100), 100);
        pt_mem_close(&m);
    }
}

/* A thread that gets its budget from main, fills it, waits to be looked at, and leaves the rest to
 * main. */
struct worker {
    struct pt_mem m;
    void *first; /* allocated by main, freed by the worker */
    uint8_t *left;
    size_t left_sz;
    pthread_barrier_t *full;
    pthread_barrier_t *go_on;
    unsigned seed;
};

#define CHURN 100000

/* Allocates, resizes and frees pieces of all sizes up to 4 KiB. */
static void churn(struct pt_mem *m, unsigned seed, unsigned rounds)
{
    struct {
        uint8_t *p;
        size_t sz;
    } slot[64] = { 0 };

    for (unsigned i = 0; i < rounds; i++) {
        unsigned at = (seed = seed * 1103515245u + 12345u) >> 16 & 63;
        size_t sz = 1 + (seed >> 4 & 4095);

        slot[at].p = i & 1 ? pt_mem_resize(m, slot[at].p, slot[at].sz, sz)
                           : (pt_mem_free(m, slot[at].p, slot[at].sz), pt_mem_alloc(m, sz));
        slot[at].sz = sz;
        slot[at].p[0] = slot[at].p[sz - 1] = (uint8_t)i;
    }
    for (unsigned at = 0; at < 64; at++)
        pt_mem_free(m, slot[at].p, slot[at].sz);
}

static void *work(void *arg)
{
    struct worker *w = arg;

    pt_mem_free(&w->m, w->first, 5000);
    churn(&w->m, w->seed, CHURN);
    w->left = pt_mem_zalloc(&w->m, w->left_sz);
    pthread_barrier_wait(w->full);
    pthread_barrier_wait(w->go_on);
    churn(&w->m, w->seed, CHURN);
    return NULL;
}

static void test_threads(void **state)
{
    struct worker w[2] = { { .left_sz = 8 * MIB, .seed = 1 }, { .left_sz = 24 * MIB, .seed = 2 } };
    pthread_barrier_t full;
    pthread_barrier_t go_on;
    pthread_t thread[2];

    (void)state;
    pthread_barrier_init(&full, NULL, 3);
    pthread_barrier_init(&go_on, NULL, 3);
    for (int i = 0; i < 2; i++) {
        make(&w[i].m, ARENA, ROOMY);
        w[i].first = pt_mem_alloc(&w[i].m, 5000);
        w[i].full = &full;
        w[i].go_on = &go_on;
    }
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work, &w[i]), 0);
    pthread_barrier_wait(&full);
    for (int i = 0; HAS_ARENAS && i < 2; i++)
        assert_in_range(heap_of(&w[i].m).allocated_sz, w[i].left_sz, w[i].left_sz + 3 * MIB);
    pthread_barrier_wait(&go_on);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 2; i++) {
        assert_true(all_zero(w[i].left, w[i].left_sz));
        pt_mem_free(&w[i].m, w[i].left, w[i].left_sz);
        assert_int_equal(w[i].m.used_sz, 0);
        if (HAS_ARENAS)
            assert_in_range(heap_of(&w[i].m).allocated_sz, 0, 3 * MIB);
        pt_mem_close(&w[i].m);
    }
    pthread_barrier_destroy(&full);
    pthread_barrier_destroy(&go_on);
}

static atomic_bool stop;

static void *work_on(void *arg)
{
    struct pt_mem *m = arg;

    for (unsigned i = 1; !atomic_load(&stop); i++) {
        churn(m, i, 1000);
        free(strdup("the shared allocator is busy too"));
    }
    return NULL;
}

/* The child of a process with busy threads uses the budget of the thread that forked, and the
 * shared allocator. A lock that nobody will ever release shows as a child that does not end. */
static void test_fork(void **state)
{
    struct pt_mem m[3];
    pthread_t thread[2];
    uint8_t *p;

    (void)state;
    if (!HAS_ARENAS)
        skip(); /* a sanitizer's own allocator need not survive this */
    for (int i = 0; i < 3; i++)
        make(&m[i], ARENA, ROOMY);
    p = pt_mem_alloc(&m[2], 5000);
    fill(p, 0, 5000);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&thread[i], NULL, work_on, &m[i]), 0);
    for (int i = 0; i < 50; i++) {
        int status = -1;
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (!pid) {
            alarm(20);
            p = pt_mem_resize(&m[2], p, 5000, 4 * MIB);
            churn(&m[2], 7, 1000);
            free(strdup("also in the child"));
            if (!filled(p, 5000) || heap_of(&m[2]).allocated_sz < 4 * MIB)
                _exit(1);
            pt_mem_close(&m[2]);
            _exit(0);
        }
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        churn(&m[2], (unsigned)i, 1000);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    pt_mem_free(&m[2], p, 5000);
    for (int i = 0; i < 3; i++)
        pt_mem_close(&m[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_budget),  cmocka_unit_test(test_sizes),
        cmocka_unit_test(test_resize),  cmocka_unit_test(test_impossible),
        cmocka_unit_test(test_heap),    cmocka_unit_test(test_close_gives_back),
        cmocka_unit_test(test_threads), cmocka_unit_test(test_fork),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
