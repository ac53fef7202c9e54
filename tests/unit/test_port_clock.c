/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A device's ticks as time of day: with made-up devices of other speeds than any host, over hours,
 * and when the host's time of day is set. The device itself cannot be tried without a card.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "dataplane/port_clock.h"

#define S INT64_C(1000000000)
#define EPOCH (1700000000 * S)

struct device {
    double ticks_per_ns;
    uint64_t start; /* its ticks when the test begins */
    const char *why;
};

static const struct device devices[] = {
    { 1.0, 0, "counts nanoseconds" },
    { 0.156250, 12345, "156.25 MHz, as some cards" },
    { 0.9999, UINT64_C(1) << 60, "slow by 100 ppm, on for long" },
    { 2.5, 1, "a processor's" },
};

static uint64_t tick_at(const struct device *d, int64_t ns)
{
    return d->start + (uint64_t)(int64_t)((double)ns * d->ticks_per_ns);
}

static void test_devices(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof(devices) / sizeof(devices[0]); i++) {
        const struct device *d = &devices[i];
        struct pt_port_clock c;

        print_message("  %s\n", d->why);
        pt_port_clock_init(&c, tick_at(d, 0), 5 * S, EPOCH);
        assert_false(pt_port_clock_due(&c, 5 * S + S / 10));
        pt_port_clock_read(&c, tick_at(d, S / 10), 5 * S + S / 10, EPOCH + S / 10);
        for (int64_t t = S / 10; t < 3600 * S; t += S) {
            /* A packet before the reading, and one that came long after it. */
            for (int64_t off = -S; off <= 2 * S; off += 777777777) {
                int64_t got = pt_port_clock_ns(&c, tick_at(d, t + off));

                assert_true(t + off < 0 || llabs(got - (EPOCH + t + off)) < 200);
            }
            assert_true(pt_port_clock_due(&c, 5 * S + t + S));
            pt_port_clock_read(&c, tick_at(d, t + S), 5 * S + t + S, EPOCH + t + S);
        }
    }
}

/* The time of day is set back by an hour: the packets' time follows at once, its rate stays. */
static void test_step(void **state)
{
    struct pt_port_clock c;

    (void)state;
    pt_port_clock_init(&c, 0, 0, EPOCH);
    pt_port_clock_read(&c, 2 * S, S, EPOCH + S);
    pt_port_clock_read(&c, 4 * S, 2 * S, EPOCH - 3600 * S);
    assert_int_equal(pt_port_clock_ns(&c, 4 * S), EPOCH - 3600 * S);
    assert_int_equal(pt_port_clock_ns(&c, 6 * S), EPOCH - 3599 * S);
}

/* A device that was reset, or whose clock stands still. */
static void test_bad_reading(void **state)
{
    struct pt_port_clock c;

    (void)state;
    pt_port_clock_init(&c, 100, 0, EPOCH);
    pt_port_clock_read(&c, 100, S, EPOCH + S);
    assert_true(c.ns_per_tick == 0);
    assert_int_equal(pt_port_clock_ns(&c, 500), EPOCH + S);
    pt_port_clock_read(&c, 100 + 2 * S, 2 * S, EPOCH + 2 * S);
    assert_true(c.ns_per_tick == 1);
    pt_port_clock_read(&c, 7, 3 * S, EPOCH + 3 * S);
    assert_true(c.ns_per_tick == 1);
    assert_int_equal(pt_port_clock_ns(&c, 17), EPOCH + 3 * S + 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_bad_reading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
