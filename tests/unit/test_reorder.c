/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of waiting bytes against an array that says of each position what is there. Random
 * segments of one byte content per position are added, trimmed, taken and cut; the pieces must stay
 * sorted and apart, hold what was given for their place, and the sums must be right. Then the
 * bounds.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "dataplane/reorder.h"

#define SPACE 400

static uint8_t bytes[SPACE + 64];

static void check_list(const struct pt_store *st, const struct pt_pieces *l, const uint8_t *there)
{
    const struct pt_piece *prev = NULL;
    uint64_t waiting = 0;
    uint64_t pos = 0;

    for (const struct pt_piece *p = l->head; p; prev = p, p = p->next) {
        assert_ptr_equal(p->prev, prev);
        assert_true(p->start >= pos);
        assert_true(p->len + p->miss > 0);
        for (; pos < p->start; pos++)
            assert_int_equal(there[pos], 0);
        for (; pos < p->start + p->len; pos++)
            assert_int_equal(there[pos], 1);
        assert_memory_equal(p->data, bytes + p->start, p->len);
        pos = pt_piece_end(p);
        waiting += p->len;
        if (prev)
            assert_true(prev->ack <= p->ack);
    }
    for (; pos < SPACE; pos++)
        assert_int_equal(there[pos], 0);
    assert_ptr_equal(l->tail, prev);
    assert_int_equal(st->waiting_bytes, waiting);
    assert_int_equal(st->charged_sz, l->charged_sz);
}

static void test_model(void **state)
{
    const char *env = getenv("PT_SEED");
    unsigned seed = env ? (unsigned)atoi(env) : (unsigned)time(NULL);
    struct pt_pieces l = { 0 };
    struct pt_store st = { 0 };
    uint8_t there[SPACE + 64] = { 0 };
    struct pt_mem mem;

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    for (int i = 0; i < SPACE; i++)
        bytes[i] = (uint8_t)rand();
    pt_mem_init(&mem, 1 << 20);
    st.mem = &mem;
    st.store_max = st.dir_max = 1 << 20;
    for (int n = 0; n < 20000; n++) {
        uint64_t from = (uint64_t)(rand() % (SPACE - 40));
        uint32_t len = 1 + (uint32_t)(rand() % 40);
        struct pt_overlap o = { 0 };
        uint64_t old = 0;

        if (rand() % 8) {
            struct pt_piece x = { .start = from,
                                  .data = bytes + from,
                                  .len = len,
                                  .ack = (uint32_t)(rand() % 100),
                                  .has_ack = true };
            uint64_t before = st.waiting_bytes;

            for (uint64_t i = from; i < from + len; i++) {
                old += there[i];
                there[i] = 1;
            }
            pt_store_limit(&l, from + len, x.ack);
            assert_int_equal(pt_store_add(&st, &l, &x, &o), 0);
            assert_int_equal(o.refused + o.ousted, old);
            assert_int_equal(o.differ, 0);
            assert_int_equal(st.waiting_bytes, before + len - old);
        } else if (rand() % 3 == 0) {
            for (uint64_t i = 0; i < from; i++) {
                old += there[i];
                there[i] = 0;
            }
            pt_store_trim(&st, &l, 0, bytes, from, &o);
            assert_int_equal(o.ousted, old);
            assert_int_equal(o.differ, 0);
        } else if (l.head) {
            struct pt_piece *p = pt_store_take(&st, &l);

            memset(there + p->start, 0, p->len);
            pt_store_free(&st, p);
        }
        check_list(&st, &l, there);
    }
    pt_store_cut(&st, &l, 0);
    assert_int_equal(mem.used_sz, 0);
    assert_int_equal(st.waiting_bytes, 0);
}

static void test_bounds(void **state)
{
    static const uint8_t other[8] = { 9, 9, 9, 9, 9, 9, 9, 9 };
    struct pt_piece x = { .start = 10, .data = other, .len = 4 };
    struct pt_pieces l = { 0 };
    struct pt_pieces l2 = { 0 };
    struct pt_overlap o;
    struct pt_store st;
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 1 << 20);
    st = (struct pt_store){ .mem = &mem,
                            .store_max = 3 * PT_PIECE_CHARGE_MIN,
                            .dir_max = 2 * PT_PIECE_CHARGE_MIN };
    assert_int_equal(pt_store_add(&st, &l, &x, &o), 0);
    x.start = 20;
    assert_int_equal(pt_store_add(&st, &l, &x, &o), 0);
    x.start = 30;
    assert_int_equal(pt_store_add(&st, &l, &x, &o), -ENOSPC); /* the direction's bound */
    assert_int_equal(st.waiting_bytes, 8);
    assert_int_equal(pt_store_add(&st, &l2, &x, &o), 0);
    x.start = 40;
    assert_int_equal(pt_store_add(&st, &l2, &x, &o), -ENOSPC); /* the bound of all */
    x.start = 10;
    x.data = (const uint8_t *)"\x9\x9\x8\x9";
    assert_int_equal(pt_store_add(&st, &l, &x, &o), 0); /* nothing new needs no room */
    assert_int_equal(o.refused, 4);
    assert_int_equal(o.differ, 1);
    assert_int_equal(pt_store_cut(&st, &l, 15), 4);
    st.mem->limit_sz = mem.used_sz;
    x.start = 50;
    assert_int_equal(pt_store_add(&st, &l, &x, &o), -ENOSPC); /* the memory budget */
    pt_store_cut(&st, &l, 0);
    pt_store_cut(&st, &l2, 0);
    assert_int_equal(mem.used_sz, 0);
    assert_int_equal(st.charged_sz, 0);
}

/* Bytes that the snap length took: they reach to the next piece, and data replace a whole piece. */
static void test_miss(void **state)
{
    struct pt_piece x = { .start = 110, .data = bytes, .len = 2 };
    struct pt_piece cut = { .start = 100, .data = bytes, .len = 3, .miss = 20 };
    struct pt_pieces l = { 0 };
    struct pt_overlap o;
    struct pt_store st;
    struct pt_mem mem;

    (void)state;
    pt_mem_init(&mem, 1 << 20);
    st = (struct pt_store){ .mem = &mem, .store_max = 1 << 20, .dir_max = 1 << 20 };
    assert_int_equal(pt_store_add(&st, &l, &x, &o), 0);
    assert_int_equal(pt_store_add(&st, &l, &cut, &o), 0);
    assert_int_equal(l.head->len, 3);
    assert_int_equal(l.head->miss, 7);
    x.start = 105; /* lies in what the cut piece stands for: there already */
    assert_int_equal(pt_store_add(&st, &l, &x, &o), 0);
    assert_int_equal(o.refused, 2);
    x.start = 99;
    x.len = 12;
    assert_int_equal(pt_store_add(&st, &l, &x, &o), 0); /* covers the cut piece, up to the next */
    assert_int_equal(o.ousted, 3);
    assert_int_equal(o.refused, 1);
    assert_int_equal(l.head->start, 99);
    assert_int_equal(l.head->len, 11);
    assert_int_equal(l.head->next->start, 110);
    pt_store_cut(&st, &l, 0);
    assert_int_equal(mem.used_sz, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_model), cmocka_unit_test(test_bounds),
                                        cmocka_unit_test(test_miss) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
