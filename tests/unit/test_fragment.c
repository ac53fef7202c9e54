/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fragments of packets whose bytes are known: each byte says where it belongs. A packet comes out
 * once, with its bytes, whatever the order of its fragments; what is cut, contradictory, late or
 * too much becomes what the header says, and the books add up after every step. At last packets are
 * given back by another thread (for ThreadSanitizer).
 */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "dataplane/fragment.h"

#define MS 1000000ll
#define BIG (1u << 20)

struct rig {
    struct pt_mem mem;
    struct pt_fragments s;
};

static void open_rig(struct rig *r, uint64_t store_max)
{
    struct pt_fragments_cfg cfg = pt_fragments_cfg_default;

    cfg.store_max = store_max;
    pt_mem_init(&r->mem, UINT64_MAX);
    pt_fragments_init(&r->s, &r->mem, &cfg);
}

static void expect_sums(const struct rig *r)
{
    const struct pt_fragment_stats *st = &r->s.stats;

    assert_int_equal(st->fragments, st->fragments_joined + st->fragments_again +
                                            st->fragments_given_up + st->fragments_refused +
                                            st->fragments_waiting);
    assert_int_equal(r->mem.used_sz, r->s.used_sz);
    assert_true(r->s.used_sz <= r->s.cfg.store_max);
}

static void close_rig(struct rig *r)
{
    pt_fragments_finish(&r->s);
    expect_sums(r);
    assert_int_equal(r->s.stats.fragments_waiting, 0);
    pt_fragments_close(&r->s);
    assert_int_equal(r->mem.used_sz, 0);
}

static uint8_t byte_of(uint32_t id, uint32_t off)
{
    return (uint8_t)(off * 7 + off / 251 + id * 13);
}

/* Bytes [off, end) of packet id, of which the last `missing` are not here; they stay for a while.
 */
static struct pt_fragment part(uint32_t id, uint32_t off, uint32_t end, bool more, uint32_t missing)
{
    static uint8_t kept[4][PT_DATAGRAM_MAX];
    static unsigned turn;
    uint8_t *bytes = kept[turn++ % 4];
    struct pt_fragment f = { .src = { [15] = 1 },
                             .dst = { [15] = 2 },
                             .id = id,
                             .version = 4,
                             .proto = 6,
                             .more = more,
                             .off = off,
                             .len = end - off - missing,
                             .missing = missing,
                             .data = bytes };

    for (uint32_t i = 0; i < f.len; i++)
        bytes[i] = byte_of(id, off + i);
    return f;
}

static struct pt_datagram *add(struct rig *r, const struct pt_fragment *f, int64_t time_ns)
{
    struct pt_datagram *d = pt_fragments_add(&r->s, f, 0, time_ns);

    expect_sums(r);
    return d;
}

static struct pt_datagram *put(struct rig *r, uint32_t id, uint32_t off, uint32_t end, bool more)
{
    struct pt_fragment f = part(id, off, end, more, 0);

    return add(r, &f, 0);
}

static void expect_whole(struct pt_datagram *d, uint32_t id, uint32_t len, uint32_t missing)
{
    assert_non_null(d);
    assert_int_equal(d->whole.id, id);
    assert_int_equal(d->whole.off, 0);
    assert_false(d->whole.more);
    assert_int_equal(d->whole.len, len);
    assert_int_equal(d->whole.missing, missing);
    for (uint32_t i = 0; i < len; i++)
        assert_int_equal(d->whole.data[i], byte_of(id, i));
    pt_datagram_done(d);
}

static void test_any_order(void **state)
{
    static const uint32_t at[] = { 0, 1480, 2960, 4440 };
    struct rig r;

    (void)state;
    open_rig(&r, BIG);
    for (uint32_t order = 0; order < 64; order++) {
        uint32_t a = order % 4;
        uint32_t b = order / 4 % 4;
        uint32_t c = order / 16;

        if (a == b || b == c || a == c)
            continue;
        assert_null(put(&r, order, at[a], a == 3 ? 4445 : at[a + 1], a != 3));
        assert_null(put(&r, order, at[b], b == 3 ? 4445 : at[b + 1], b != 3));
        assert_null(put(&r, order, at[c], c == 3 ? 4445 : at[c + 1], c != 3));
        a = 6 - a - b - c;
        expect_whole(put(&r, order, at[a], a == 3 ? 4445 : at[a + 1], a != 3), order, 4445, 0);
    }
    assert_int_equal(r.s.stats.datagrams, 24);
    assert_int_equal(r.s.stats.fragments_joined, 96);
    close_rig(&r);
}

static void test_largest(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r, BIG);
    assert_null(put(&r, 1, 65528, PT_DATAGRAM_MAX, false));
    expect_whole(put(&r, 1, 0, 65528, true), 1, PT_DATAGRAM_MAX, 0);
    assert_null(put(&r, 2, 8, 9, false));
    expect_whole(put(&r, 2, 0, 8, true), 2, 9, 0);
    close_rig(&r);
}

/* What tells packets apart; and that only the first fragment says what they are. */
static void test_keys(void **state)
{
    struct pt_fragment first = part(7, 0, 8, true, 0);
    struct pt_fragment last = part(7, 8, 12, false, 0);
    struct pt_fragment other;
    struct pt_datagram *d;
    struct rig r;

    (void)state;
    open_rig(&r, BIG);
    assert_null(add(&r, &first, 0));
    other = last, other.src[15]++;
    assert_null(add(&r, &other, 0));
    other = last, other.dst[15]++;
    assert_null(add(&r, &other, 0));
    other = last, other.id++;
    assert_null(add(&r, &other, 0));
    other = last, other.proto = 17;
    assert_null(add(&r, &other, 0));
    other = last, other.version = 6;
    assert_null(add(&r, &other, 0));
    assert_null(pt_fragments_add(&r.s, &last, 1, 0));
    assert_int_equal(r.s.stats.fragments_waiting, 7);
    assert_non_null(d = add(&r, &last, 0));
    assert_int_equal(d->whole.proto, 6);
    pt_datagram_done(d);
    /* IPv6: what another than the first says does not matter, whichever comes first. */
    first.version = last.version = 6;
    last.proto = 44;
    last.tunnels = 1;
    last.id = first.id = 100;
    assert_null(add(&r, &last, 0));
    assert_non_null(d = add(&r, &first, 0));
    assert_int_equal(d->whole.proto, 6);
    assert_int_equal(d->whole.tunnels, 0);
    pt_datagram_done(d);
    close_rig(&r);
}

static void test_copies(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r, BIG);
    assert_null(put(&r, 1, 0, 1480, true));
    assert_null(put(&r, 1, 0, 1480, true));
    assert_null(put(&r, 1, 8, 16, true));
    assert_int_equal(r.s.stats.fragments_again, 2);
    assert_null(put(&r, 1, 1000, 2000, true)); /* overlaps, but with the same bytes */
    expect_whole(put(&r, 1, 1480, 2222, false), 1, 2222, 0);
    assert_null(put(&r, 1, 0, 1480, true));
    assert_null(put(&r, 1, 1480, 2222, false));
    assert_int_equal(r.s.stats.fragments_again, 4);
    assert_int_equal(r.s.stats.datagrams, 1);
    close_rig(&r);
    assert_int_equal(r.s.stats.datagrams_late, 0);
}

/* Each contradiction spoils the packet for as long as it would have waited. */
static void test_contradictions(void **state)
{
    static const struct {
        uint32_t off;
        uint32_t end;
        bool more;
        uint32_t wrong; /* one past the place of a byte that is not the packet's; 0: none is */
        const char *why;
    } row[] = {
        { 0, 16, true, 9, "the same place, another byte" },
        { 8, 32, true, 24, "an overlap with another byte" },
        { 0, 80, true, 41, "one that covers all, with another byte in the middle" },
        { 0, 16, false, 0, "an end before what came already" },
        { 96, 104, false, 0, "another end" },
        { 80, 96, true, 0, "behind the end" },
        { 80, 88, true, 0, "not the end, but at it" },
    };
    struct rig r;

    (void)state;
    open_rig(&r, BIG);
    for (uint32_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        static uint8_t bytes[128];
        struct pt_fragment f = part(i, row[i].off, row[i].end, row[i].more, 0);
        int64_t now_ns = i * 1000 * MS;
        uint64_t given_up = r.s.stats.fragments_given_up;
        struct pt_fragment good;

        print_message("%s\n", row[i].why);
        memcpy(bytes, f.data, f.len);
        f.data = bytes;
        if (row[i].wrong)
            bytes[row[i].wrong - 1 - row[i].off] ^= 1;
        good = part(i, 0, 24, true, 0);
        assert_null(add(&r, &good, now_ns));
        good = part(i, 80, 88, false, 0);
        assert_null(add(&r, &good, now_ns));
        good = part(i, 40, 80, true, 0);
        assert_null(add(&r, &good, now_ns));
        assert_null(add(&r, &f, now_ns));
        assert_int_equal(r.s.stats.datagrams_differ, i + 1);
        good = part(i, 24, 40, true, 0); /* what would have made it whole */
        assert_null(add(&r, &good, now_ns + 50 * MS));
        assert_int_equal(r.s.stats.fragments_given_up, given_up + 5);
        good = part(i, 0, 8, true, 0);
        assert_null(add(&r, &good, now_ns + 51 * MS)); /* another packet of the same number */
        good = part(i, 8, 16, false, 0);
        expect_whole(add(&r, &good, now_ns + 51 * MS), i, 16, 0);
    }
    close_rig(&r);
}

/* A packet that was given out, and then one that would be another. */
static void test_contradicts_whole(void **state)
{
    struct pt_datagram *d;
    struct rig r;

    (void)state;
    open_rig(&r, BIG);
    assert_null(put(&r, 1, 0, 8, true));
    assert_non_null(d = put(&r, 1, 8, 16, false));
    assert_null(put(&r, 1, 8, 24, false));
    assert_int_equal(r.s.stats.datagrams_differ, 1);
    assert_int_equal(r.s.stats.fragments_given_up, 1);
    expect_whole(d, 1, 16, 0); /* its bytes are still there */
    close_rig(&r);
}

static void test_late(void **state)
{
    struct pt_fragment first = part(1, 0, 8, true, 0);
    struct pt_fragment last = part(1, 8, 16, false, 0);
    struct rig r;

    (void)state;
    open_rig(&r, BIG);
    assert_null(add(&r, &first, 1000 * MS));
    expect_whole(add(&r, &last, 1050 * MS), 1, 16, 0);
    assert_null(add(&r, &first, 2000 * MS));
    assert_null(add(&r, &last, 2050 * MS + 1));
    assert_int_equal(r.s.stats.datagrams_late, 1);
    expect_whole(add(&r, &first, 100 * MS), 1, 16, 0); /* time that goes back does not count */
    assert_null(add(&r, &first, INT64_MAX));
    expect_whole(add(&r, &last, INT64_MIN), 1, 16, 0);
    assert_int_equal(r.s.stats.datagrams, 3);
    assert_int_equal(r.s.stats.fragments_again, 0);
    close_rig(&r);
    assert_int_equal(r.s.stats.datagrams_late, 1);
}

/* The snap length took the end of each fragment: what is left is a beginning. */
static void test_cut(void **state)
{
    struct pt_fragment f;
    struct rig r;

    (void)state;
    open_rig(&r, BIG);
    f = part(1, 1480, 2000, false, 480);
    assert_null(add(&r, &f, 0));
    f = part(1, 0, 1480, true, 0);
    expect_whole(add(&r, &f, 0), 1, 1520, 480);
    f = part(2, 0, 1480, true, 1400);
    assert_null(add(&r, &f, 0));
    f = part(2, 1480, 2000, false, 480);
    expect_whole(add(&r, &f, 0), 2, 80, 1920);
    f = part(3, 0, 8, true, 8);
    assert_null(add(&r, &f, 0));
    f = part(3, 8, 9, false, 1);
    expect_whole(add(&r, &f, 0), 3, 0, 9);
    close_rig(&r);
}

#define ENTRY (sizeof(struct pt_datagram) + 2048)

static void test_full(void **state)
{
    struct rig r;

    (void)state;
    open_rig(&r, 3 * ENTRY);
    for (uint32_t id = 0; id < 5; id++)
        assert_null(put(&r, id, 0, 8, true));
    assert_int_equal(r.s.stats.datagrams_evicted, 2);
    assert_null(put(&r, 1, 8, 16, false)); /* was given up; takes the place of 2 */
    assert_int_equal(r.s.stats.datagrams_evicted, 3);
    expect_whole(put(&r, 3, 8, 16, false), 3, 16, 0);
    assert_null(put(&r, 4, 8192, 8200, false)); /* grows over the others, but not over itself */
    assert_int_equal(r.s.stats.datagrams_evicted, 4);
    assert_int_equal(r.s.stats.fragments_refused, 1);
    assert_null(put(&r, 4, 8, 4000, true));
    expect_whole(put(&r, 4, 4000, 4001, false), 4, 4001, 0);
    close_rig(&r);
}

/* What is lent stays, whoever wants its place. */
static void test_lent(void **state)
{
    struct pt_datagram *d[3];
    struct rig r;

    (void)state;
    open_rig(&r, 3 * ENTRY);
    for (uint32_t id = 0; id < 3; id++) {
        assert_int_equal(pt_fragments_stretched(&r.s), id == 2);
        assert_null(put(&r, id, 0, 8, true));
        assert_non_null(d[id] = put(&r, id, 8, 16, false));
    }
    assert_null(put(&r, 3, 0, 8, true));
    assert_int_equal(r.s.stats.fragments_refused, 1);
    expect_whole(d[1], 1, 16, 0);
    assert_true(pt_fragments_stretched(&r.s)); /* the first one is still out */
    expect_whole(d[0], 0, 16, 0);
    assert_false(pt_fragments_stretched(&r.s));
    assert_null(put(&r, 3, 0, 8, true));
    assert_null(put(&r, 4, 0, 8, true));
    expect_whole(put(&r, 4, 8, 16, false), 4, 16, 0);
    expect_whole(d[2], 2, 16, 0);
    close_rig(&r);
}

static void test_no_memory(void **state)
{
    struct rig r;

    (void)state;
    for (uint64_t limit = 0; limit < 2 * ENTRY; limit += 512) {
        open_rig(&r, BIG);
        r.mem.limit_sz = limit;
        assert_null(put(&r, 1, 0, 2048, true));
        assert_int_equal(r.s.stats.fragments_refused, limit < ENTRY);
        assert_null(put(&r, 1, 2048, 4096, true));
        assert_int_equal(r.s.stats.fragments_refused, (limit < ENTRY) + (limit < ENTRY + 2048));
        close_rig(&r);
    }
}

/* Many packets at once, cut at random, in any order, some fragments twice. */
static void test_random(void **state)
{
    unsigned seed = 791;
    struct rig r;

    (void)state;
    print_message("seed %u\n", seed);
    open_rig(&r, 64 * BIG);
    for (uint32_t round = 0; round < 30; round++) {
        struct {
            uint32_t id;
            uint32_t off;
            uint32_t end;
        } f[2048];
        uint32_t total[20];
        uint32_t cnt = 0;
        uint32_t whole = 0;

        for (uint32_t id = 0; id < 20; id++) {
            total[id] = 9 + (uint32_t)rand_r(&seed) % 20000;
            for (uint32_t off = 0; off < total[id];) {
                uint32_t end = off + 8 + (uint32_t)rand_r(&seed) % 400 * 8;

                end = end < total[id] ? end : total[id];
                f[cnt].id = id;
                f[cnt].off = off;
                f[cnt++].end = end;
                if (rand_r(&seed) % 8 == 0)
                    f[cnt] = f[cnt - 1], cnt++;
                off = end;
            }
        }
        assert_true(cnt <= 2048);
        for (; cnt; cnt--) {
            uint32_t i = (uint32_t)rand_r(&seed) % cnt;
            uint32_t id = f[i].id;
            struct pt_fragment one = part(id, f[i].off, f[i].end, f[i].end < total[id], 0);
            struct pt_datagram *d = add(&r, &one, round * 1000 * MS);

            if (d) {
                expect_whole(d, id, total[id], 0);
                whole++;
            }
            f[i] = f[cnt - 1];
        }
        assert_int_equal(whole, 20);
    }
    close_rig(&r);
}

/* Another thread reads packets and gives them back, while the store goes on. */

#define HANDED 20000u

static struct pt_datagram *_Atomic handed[64];

static void *give_back(void *arg)
{
    (void)arg;
    for (uint32_t id = 0; id < HANDED; id++) {
        struct pt_datagram *d;

        /* Released by test_threads. */
        while (!(d = atomic_load_explicit(&handed[id % 64], memory_order_acquire)))
            sched_yield();
        for (uint32_t i = 0; i < d->whole.len; i++)
            if (d->whole.data[i] != byte_of(id, i))
                return (void *)"another byte";
        /* Acquired by test_threads. */
        atomic_store_explicit(&handed[id % 64], NULL, memory_order_release);
        pt_datagram_done(d);
    }
    return NULL;
}

static void test_threads(void **state)
{
    pthread_t thread;
    void *wrong = NULL;
    struct rig r;

    (void)state;
    open_rig(&r, 40 * ENTRY);
    assert_int_equal(pthread_create(&thread, NULL, give_back, NULL), 0);
    for (uint32_t id = 0; id < HANDED; id++) {
        struct pt_datagram *d;

        while (pt_fragments_stretched(&r.s) ||
               atomic_load_explicit(&handed[id % 64], memory_order_acquire))
            sched_yield();
        assert_null(put(&r, id, 0, 16, true));
        assert_non_null(d = put(&r, id, 16, 24, false));
        atomic_store_explicit(&handed[id % 64], d, memory_order_release);
    }
    assert_int_equal(pthread_join(thread, &wrong), 0);
    assert_null(wrong);
    assert_int_equal(r.s.stats.datagrams, HANDED);
    close_rig(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_any_order),      cmocka_unit_test(test_largest),
        cmocka_unit_test(test_keys),           cmocka_unit_test(test_copies),
        cmocka_unit_test(test_contradictions), cmocka_unit_test(test_contradicts_whole),
        cmocka_unit_test(test_late),           cmocka_unit_test(test_cut),
        cmocka_unit_test(test_full),           cmocka_unit_test(test_lent),
        cmocka_unit_test(test_no_memory),      cmocka_unit_test(test_random),
        cmocka_unit_test(test_threads),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
