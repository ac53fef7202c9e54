/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Rows of connections against a plain list: the same connections are always one row, rows keep
 * their places, a row that was just made goes away with its connection, and a full table puts what
 * is new into its last row. The seed is printed; PT_SEED=N repeats it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "parser/profile.h"

#define STEP_CNT 200000

struct key {
    uint8_t cluster;
    enum pt_conn_kind kind;
    struct pt_endpoint broker;
    char note[16];
};

static struct key key_of(unsigned n)
{
    struct key k = { .cluster = (uint8_t)(n % 3),
                     .kind = (enum pt_conn_kind)(n / 3 % PT_CONN_KIND_CNT),
                     .broker = { .ip = { [14] = (uint8_t)(n >> 8), [15] = (uint8_t)n },
                                 .port = (uint16_t)(n % 7) } };

    snprintf(k.note, sizeof(k.note), "%u", n % 5);
    return k;
}

static bool is_key(const struct pt_conn_row *r, const struct key *k)
{
    return r->cluster == k->cluster && r->kind == k->kind && !strcmp(r->note, k->note) &&
           !memcmp(&r->broker, &k->broker, sizeof(r->broker));
}

/* What the list says: the row of k, or where it would be put. */
static uint32_t expected(const struct pt_profile *p, const struct key *k)
{
    for (uint32_t i = 0; i < p->conn_cnt; i++)
        if (is_key(&p->conn[i], k))
            return i;
    return p->conn_cnt < PT_PROFILE_CONNS_MAX ? p->conn_cnt : PT_PROFILE_CONNS_MAX - 1;
}

static void test_model(void **state)
{
    const char *env = getenv("PT_SEED");
    unsigned seed = env ? (unsigned)atoi(env) : (unsigned)time(NULL);
    struct pt_profile p;
    struct pt_mem mem;

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    pt_mem_init(&mem, 8u << 20);
    pt_profile_init(&p, &mem);
    for (int i = 0; i < STEP_CNT; i++) {
        /* Few at first, then more than there is room for. */
        struct key k = key_of((unsigned)rand() % (i < STEP_CNT / 2 ? 300 : 6000));
        uint32_t want = i % 64 ? UINT32_MAX : expected(&p, &k);
        uint32_t row = pt_profile_conn(&p, k.cluster, k.kind, &k.broker, k.note);

        assert_true(row < p.conn_cnt);
        if (want != UINT32_MAX)
            assert_int_equal(row, want);
        assert_true(is_key(&p.conn[row], &k) || row == PT_PROFILE_CONNS_MAX - 1);
        p.conn[row].connections++;
        p.conn[row].bytes += 10;
        if (rand() % 3 == 0)
            pt_profile_leave(&p, row, 10);
    }
    assert_int_equal(p.conn_cnt, PT_PROFILE_CONNS_MAX);
    pt_profile_fini(&p);
    assert_int_equal(mem.used_sz, 0);
}

/* Without memory there are fewer rows, and at last none. */
static void test_refused(void **state)
{
    (void)state;
    for (uint64_t limit = 0; limit < 40000; limit += 700) {
        struct pt_profile p;
        struct pt_mem mem;

        pt_mem_init(&mem, limit);
        pt_profile_init(&p, &mem);
        for (unsigned n = 0; n < 500; n++) {
            struct key k = key_of(n);
            uint32_t row = pt_profile_conn(&p, k.cluster, k.kind, &k.broker, k.note);

            assert_true(row < p.conn_cnt || (row == PT_PROFILE_NONE && !p.conn_cnt));
        }
        pt_profile_fini(&p);
        assert_int_equal(mem.used_sz, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model),
        cmocka_unit_test(test_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
