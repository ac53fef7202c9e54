/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of several captures come in the order of their times; ties in the order of the inputs;
 * the order within a file is never changed. Truth: a small table by hand, and for many random files
 * a stable selection of the smallest, done naively here.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <setjmp.h>
#include <cmocka.h>

#include "dataplane/capture.h"
#include "tests/unit/make_capture.h"

#define INPUT_MAX 9
#define PACKET_MAX 40

static struct pt_capture *open_times(const uint32_t *times, size_t cnt)
{
    struct make m = { 0 };
    struct pt_capture *cap = NULL;
    const char *err = NULL;
    char path[32];
    int fd;

    put_pcap_header(&m, 0xa1b2c3d4, 65535, 1);
    for (size_t i = 0; i < cnt; i++)
        put_pcap_packet(&m, times[i], 0, &times[i], 4, 4);
    fd = memory_file(m.data, m.len);
    if (pt_capture_open(fd_path(fd, path), &cap, &err) < 0)
        fail_msg("%s", err);
    close(fd);
    return cap;
}

static void expect_next(struct pt_merge *m, uint32_t input, uint64_t packet, uint32_t time)
{
    struct pt_frame f;
    uint32_t got;

    assert_int_equal(pt_merge_next(m, &f, &got), 1);
    assert_int_equal(got, input);
    assert_int_equal(f.packet, packet);
    assert_int_equal(f.time_ns, (int64_t)time * 1000000000);
    assert_memory_equal(f.data, &time, 4); /* the frame is still that of its own capture */
}

static void test_order(void **state)
{
    static const uint32_t a[] = { 1, 5, 5, 2, 9 }; /* its clock goes back: 2 counts as 5 */
    static const uint32_t b[] = { 1, 3, 5, 6 };
    struct pt_capture *caps[] = { open_times(a, 5), open_times(NULL, 0), open_times(b, 4) };
    struct pt_merge *m;
    struct pt_frame f;
    uint32_t input;

    (void)state;
    assert_int_equal(pt_merge_open(caps, 3, &m), 0);
    expect_next(m, 0, 1, 1); /* a tie: the first input */
    expect_next(m, 2, 1, 1);
    expect_next(m, 2, 2, 3);
    expect_next(m, 0, 2, 5);
    expect_next(m, 0, 3, 5);
    expect_next(m, 0, 4, 2);
    expect_next(m, 2, 3, 5);
    expect_next(m, 2, 4, 6);
    expect_next(m, 0, 5, 9);
    assert_int_equal(pt_merge_next(m, &f, &input), 0);
    assert_int_equal(pt_merge_next(m, &f, &input), 0);
    pt_merge_close(m);
    for (size_t i = 0; i < 3; i++)
        pt_capture_close(caps[i]);
}

/* A file is merged by the times that it would have by another clock. */
static void test_shift(void **state)
{
    static const uint32_t a[] = { 100, 200 };
    static const uint32_t b[] = { 150, 260 };
    struct pt_capture *caps[] = { open_times(a, 2), open_times(b, 2) };
    struct pt_merge *m;
    struct pt_frame f;
    uint32_t input;

    (void)state;
    assert_int_equal(pt_merge_open(caps, 2, &m), 0);
    pt_merge_shift(m, 1, -70 * 1000000000ll);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(pt_merge_next(m, &f, &input), 1);
        assert_int_equal(input, i == 0 || i == 2);
        assert_int_equal(f.time_ns, (i == 0   ? 80
                                     : i == 1 ? 100
                                     : i == 2 ? 190
                                              : 200) *
                                            1000000000ll);
    }
    assert_int_equal(pt_merge_next(m, &f, &input), 0);
    pt_merge_close(m);
    for (size_t i = 0; i < 2; i++)
        pt_capture_close(caps[i]);
}

static void test_random(void **state)
{
    unsigned seed = 20240502;

    (void)state;
    print_message("seed %u\n", seed);
    for (unsigned run = 0; run < 200; run++) {
        uint32_t times[INPUT_MAX][PACKET_MAX];
        struct pt_capture *caps[INPUT_MAX];
        size_t cnt[INPUT_MAX];
        size_t at[INPUT_MAX] = { 0 };
        uint32_t clock[INPUT_MAX] = { 0 };
        size_t inputs = (size_t)rand_r(&seed) % (INPUT_MAX + 1);
        struct pt_merge *m;
        struct pt_frame f;
        uint32_t input;

        for (size_t i = 0; i < inputs; i++) {
            cnt[i] = (size_t)rand_r(&seed) % (PACKET_MAX + 1);
            for (size_t k = 0; k < cnt[i]; k++)
                times[i][k] = (uint32_t)(k + (size_t)rand_r(&seed) % 12);
            caps[i] = open_times(times[i], cnt[i]);
        }
        assert_int_equal(pt_merge_open(caps, inputs, &m), 0);
        for (;;) {
            size_t best = inputs;
            uint32_t best_time = UINT32_MAX;

            for (size_t i = 0; i < inputs; i++) {
                if (at[i] == cnt[i])
                    continue;
                if (times[i][at[i]] > clock[i])
                    clock[i] = times[i][at[i]];
                if (clock[i] < best_time) {
                    best_time = clock[i];
                    best = i;
                }
            }
            if (best == inputs)
                break;
            expect_next(m, (uint32_t)best, at[best] + 1, times[best][at[best]]);
            at[best]++;
        }
        assert_int_equal(pt_merge_next(m, &f, &input), 0);
        pt_merge_close(m);
        for (size_t i = 0; i < inputs; i++)
            pt_capture_close(caps[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_shift),
        cmocka_unit_test(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
