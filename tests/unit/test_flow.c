/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The flow table against a plain list that does the same slowly: found from both sides, bounded,
 * in the order of the last touch. The seed is printed; PT_SEED=N repeats it.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "dataplane/flow.h"
#include "tests/unit/stream_util.h"

#define PAIR_CNT 40
#define FLOW_MAX 25

struct big_flow {
    struct pt_flow flow;
    uint64_t more;
};

/* f was touched at this time: what is oldest, and what is to be given up, goes before it. */
static void check_order(const struct pt_flows *t, const struct pt_flow *f, int64_t touched)
{
    const struct pt_flow *spare = pt_flows_spare(t);

    assert_int_equal(f->seen_ns, touched);
    assert_true(pt_flows_oldest(t)->seen_ns <= touched);
    assert_true(spare->worth <= f->worth);
    assert_true(spare->worth < f->worth || spare->seen_ns <= touched);
}

static void test_model(void **state)
{
    const char *env = getenv("PT_SEED");
    unsigned seed = env ? (unsigned)atoi(env) : (unsigned)time(NULL);
    struct pt_flow *have[PAIR_CNT] = { 0 };
    int64_t touched[PAIR_CNT] = { 0 };
    uint32_t cnt = 0;
    struct pt_flows t;
    struct pt_mem mem;

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    pt_mem_init(&mem, 1 << 20);
    assert_int_equal(pt_flows_init(&t, &mem, FLOW_MAX, sizeof(struct big_flow)), 0);
    for (int64_t now = 1; now < 20000; now++) {
        int i = rand() % PAIR_CNT;
        bool swap = rand() % 2;
        struct pt_endpoint a = stream_endpoint((uint8_t)(i / 8), (uint16_t)(i % 8));
        struct pt_endpoint b = stream_endpoint(200, 9092);
        int side = -1;
        struct pt_flow *f =
                swap ? pt_flows_find(&t, &b, &a, &side) : pt_flows_find(&t, &a, &b, &side);

        assert_ptr_equal(f, have[i]);
        if (f) {
            assert_int_equal(side, memcmp(&f->a, swap ? &b : &a, sizeof(a)) ? 1 : 0);
            if (rand() % 3) {
                pt_flows_touch(&t, f, now);
                touched[i] = now;
                if (rand() % 4 == 0)
                    pt_flows_keep(&t, f);
            } else {
                pt_flows_remove(&t, f);
                have[i] = NULL;
                cnt--;
            }
        } else {
            have[i] = swap ? pt_flows_add(&t, &b, &a, now) : pt_flows_add(&t, &a, &b, now);
            assert_int_equal(have[i] != NULL, cnt < FLOW_MAX);
            cnt += have[i] != NULL;
            touched[i] = now;
        }
        assert_int_equal(t.flow_cnt, cnt);
        for (int k = 0; k < PAIR_CNT; k++)
            if (have[k])
                check_order(&t, have[k], touched[k]);
    }
    for (struct pt_flow *f; (f = pt_flows_oldest(&t));)
        pt_flows_remove(&t, f);
    assert_null(pt_flows_spare(&t));
    pt_flows_fini(&t);
    assert_int_equal(mem.used_sz, 0);
}

static void test_bounds(void **state)
{
    struct pt_endpoint a = stream_endpoint(1, 1);
    struct pt_flows t;
    struct pt_mem mem;
    int side;

    (void)state;
    pt_mem_init(&mem, 64 * sizeof(void *) + 16);
    assert_int_equal(pt_flows_init(&t, &mem, 0, sizeof(struct pt_flow)), -EINVAL);
    assert_int_equal(pt_flows_init(&t, &mem, PT_FLOW_MAX + 1, sizeof(struct pt_flow)), -EINVAL);
    assert_int_equal(pt_flows_init(&t, &mem, 1, 8), -EINVAL);
    assert_int_equal(pt_flows_init(&t, &mem, 1000, sizeof(struct pt_flow)), -ENOMEM);
    assert_int_equal(pt_flows_init(&t, &mem, 1, sizeof(struct big_flow)), 0);
    assert_null(pt_flows_add(&t, &a, &a, 0)); /* no memory left */
    mem.limit_sz = 4096;
    assert_non_null(pt_flows_add(&t, &a, &a, 0)); /* both ends the same */
    assert_non_null(pt_flows_find(&t, &a, &a, &side));
    assert_int_equal(side, 0);
    pt_flows_remove(&t, pt_flows_oldest(&t));
    pt_flows_fini(&t);
    assert_int_equal(mem.used_sz, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_model),
                                        cmocka_unit_test(test_bounds) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
