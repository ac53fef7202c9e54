/* SPDX-License-Identifier: Apache-2.0 */
/* The alarm heap against a scan over all alarms: the first is always the earliest, ties by serial.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

#include "dataplane/alarm.h"

#define ALARM_CNT 200

static void test_model(void **state)
{
    const char *env = getenv("PT_SEED");
    unsigned seed = env ? (unsigned)atoi(env) : (unsigned)time(NULL);
    struct pt_alarm al[ALARM_CNT] = { 0 };
    struct pt_alarms q;
    struct pt_mem mem;

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    pt_mem_init(&mem, 1 << 16);
    pt_alarms_init(&q, &mem);
    assert_null(pt_alarms_first(&q));
    for (uint64_t i = 0; i < ALARM_CNT; i++) {
        al[i].serial = i;
        assert_int_equal(pt_alarms_reserve(&q, (uint32_t)i + 1), 0);
    }
    assert_true(pt_alarms_reserve(&q, 1 << 20) < 0);
    for (int n = 0; n < 20000; n++) {
        struct pt_alarm *x = &al[rand() % ALARM_CNT];
        const struct pt_alarm *min = NULL;

        if (rand() % 3)
            pt_alarms_set(&q, x, rand() % 50);
        else
            pt_alarms_cancel(&q, x);
        for (int i = ALARM_CNT - 1; i >= 0; i--)
            if (al[i].slot && (!min || al[i].due_ns <= min->due_ns))
                min = &al[i];
        assert_ptr_equal(pt_alarms_first(&q), min);
    }
    pt_alarms_fini(&q);
    assert_int_equal(mem.used_sz, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_model) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
