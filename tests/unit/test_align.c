/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alignment on small cases that can be checked by eye, and on random logs whose truth is known.
 *
 * In the table a log is a string: a letter is a record (its key is the letter, upper case is the
 * same key with another value), a digit is a record with a null key, '_' an offset that was not
 * seen, '.' one certified to hold no record. '|' at the end: certified to the end of the log; '^'
 * there: the same, but stated before the other log's last records; '~': more exists, unseen.
 *
 * In the simulation every record has a number, so a match of different records, or an accusation of
 * one that is there on both sides in order, cannot hide behind equal contents.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <setjmp.h>
#include <cmocka.h>

#include "verify/align.h"

static const char letters[] = "=URMXD?sTuUpP";

static struct pt_item item_of(char c, int64_t offset, uint32_t flags)
{
    int digit = c >= '0' && c <= '9';

    return (struct pt_item){
        .content = 1000u + (uint8_t)c,
        .timestamp_ms = digit ? 50 + c : 1,
        .offset = offset,
        .key = digit ? 0 : (uint32_t)(c | 0x20),
        .value = (uint32_t)(uint8_t)c,
        .headers = 1,
        .flags = flags,
    };
}

static void push_log(struct pt_align *a, enum pt_side side, const char *log)
{
    enum pt_end end = PT_END_OPEN;
    uint32_t flags = 0;
    int64_t offset = 0;

    for (const char *c = log; *c; c++, offset++) {
        struct pt_item it;

        if (*c == '|') {
            end = PT_END_COMPLETE;
        } else if (*c == '^') {
            end = PT_END_STATED;
        } else if (*c == '~') {
            end = PT_END_UNSEEN;
        } else if (*c == '_') {
            flags = PT_ITEM_GAP_BEFORE;
        } else if (*c != '.') {
            it = item_of(*c, offset, flags);
            flags = 0;
            assert_int_equal(pt_align_push(a, side, &it, 1), 1);
        }
    }
    pt_align_end(a, side, flags ? PT_END_UNSEEN : end);
}

/* What came out, one letter an event and the records it names: "=3" three matches, "Mc" c is
 * missing. */
static void tell(struct pt_align *a, const char *s, const char *t, char *out, size_t out_sz)
{
    struct pt_align_event e;
    uint64_t matched = 0;
    char rest[512] = "";

    do {
        pt_align_run(a);
        while (pt_align_next(a, &e)) {
            size_t len = strlen(rest);

            if (e.kind == PT_ALIGN_MATCH) {
                for (uint64_t i = 0; i < e.cnt; i++)
                    assert_int_equal(s[e.source_offset + (int64_t)i],
                                     t[e.target_offset + (int64_t)i]);
                matched += e.cnt;
                continue;
            }
            snprintf(rest + len, sizeof(rest) - len, " %c%.1s%.1s", letters[e.kind],
                     e.source_offset >= 0 ? s + e.source_offset : "",
                     e.target_offset >= 0 ? t + e.target_offset : "");
        }
    } while (!pt_align_idle(a));
    snprintf(out, out_sz, "=%llu%s", (unsigned long long)matched, rest);
}

/* U mutated, R reordered, M missing, X extra, D duplicated (original and copy), ? missing or
 * reordered, s/T ambiguous, u/U. unverifiable, p/P pending; small letters source, capitals target.
 */
static const struct {
    const char *source;
    const char *target;
    const char *out;
    const char *why;
} cases[] = {
    { "abcdef|", "abcdef|", "=6", "equal" },
    { "a.b..cdef|", "abcdef|", "=6", "transaction markers take offsets on one side" },
    { "abcdef|", "abdef|", "=5 Mc", "dropped" },
    { "abcdef|", "abccdef|", "=6 Dcc", "doubled" },
    { "abcdef|", "abdcef|", "=5 Rcc", "swapped with the next" },
    { "abcdefgh|", "acdefgbh|", "=7 Rbb", "late" },
    { "abcdef|", "abCdef|", "=5 UcC", "another value" },
    { "abcdef|", "abxcdef|", "=6 Xx", "injected" },
    { "abcdef|", "xabcdef|", "=6 Xx", "injected at the log's start" },
    { "abcdef|", "bcdef|", "=5 Ma", "dropped at the log's start" },
    { "abcdef|", "abcdefx|", "=6 Xx", "injected at the end, source certified to its end" },
    { "abcdef", "abcdefx|", "=6 Px", "the source's end is not known" },
    { "abcdef|", "abcde|", "=5 pf", "may still come" },
    { "abcdef|", "abcdeF|", "=5 UfF", "the last one mutated" },
    { "abcdef|", "|", "=0 pa pb pc pd pe pf", "nothing there yet" },
    { "ab12ef|", "ab1ef|", "=5 M2", "null key dropped" },
    { "abaaca|", "abaaca|", "=6", "repeated content is the normal case" },
    { "aaaaaa|", "aaaaa|", "=5 pa", "one of many equal ones has not come" },
    { "aaaaab|", "aaaab|", "=5 Ma", "one of many equal ones is missing: exact count" },
    { "aaaab|", "aaaaab|", "=5 Daa", "one too many" },
    { "abcabcx|", "abcabcabcx|", "=7 Daa Dbb Dcc", "a replay" },
    { "abcdef|", "ab_def|", "=5 uc", "unseen on the target" },
    { "ab_def|", "abcdef|", "=5 Uc", "unseen on the source" },
    { "ab_def|", "ab_def|", "=5", "both unseen" },
    { "abcdefgh|", "ab_dfgh|", "=6 uc ?e",
      "absent between neighbours, but it could be the unseen one" },
    { "ab_dfgh|", "abcdexfgh|", "=6 Uc Te Tx", "the source's unseen one could explain it" },
    { "abcdef|", "abcde_", "=5 uf", "unseen behind the last match" },
    { "__cdefgh|", "abcdefgh|", "=6 Ua Ub", "late attach on the source" },
    { "abcdefgh|", "__cdefgh|", "=6 ua ub", "late attach on the target" },
    { "abcdefgh|", "ab_defghc|", "=7 uc Tc",
      "seen elsewhere, but the unseen one could be its copy, and this one too many" },
    { "ab_defgh|", "abdefghc|", "=7 Tc", "the unseen one could be it, moved, or not" },
    { "abcaabab~", "abcaababbaabab|", "=8 Ubb Uaa Uaa Ubb Uaa Ubb",
      "repeated contents are not matched with the other log's end" },
    { "abz~", "abcdefghijklmnopqz|", "=3 Uc Ud Ue Uf Ug Uh Ui Uj Uk Ul Um Un Uo Up Uq",
      "one record alone in front of the unseen: it could be the one that was moved" },
    { "abcdef|", "abcwxyzdef", "=6 Xw Xx Xy Xz",
      "what only the target has rests on the source, whose end is known" },
    { "abcdef", "abcwxyzdef", "=6 Uw Ux Uy Uz",
      "the source goes on: it could be the three behind them that were moved" },
    { "abcwxyzdef|", "abcdef", "=6 uw ux uy uz", "the target goes on" },
    { "abcwxyzdef|", "abcdef|", "=6 Mw Mx My Mz", "both are known to end there" },
    { "abcdef^", "abxcdefyz|", "=6 Tx Ty Tz",
      "the target went on after the source's end was stated: x may be from there" },
    { "abcdef^", "abxcdef|", "=6 Xx", "it did not go on" },
    { "ab_|", "_xy|", "=0 ua ub Ux Uy", "nothing in common beside the unseen: nothing is claimed" },
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct pt_align *a;
        struct pt_mem mem;
        char got[600];

        pt_mem_init(&mem, 1 << 26);
        assert_int_equal(pt_align_open(&mem, &pt_align_cfg_default, &a), 0);
        push_log(a, PT_SIDE_SOURCE, cases[i].source);
        push_log(a, PT_SIDE_TARGET, cases[i].target);
        tell(a, cases[i].source, cases[i].target, got, sizeof(got));
        if (strcmp(got, cases[i].out))
            fail_msg("%s -> %s (%s): expected '%s', got '%s'", cases[i].source, cases[i].target,
                     cases[i].why, cases[i].out, got);
        pt_align_close(a);
        assert_int_equal(mem.used_sz, 0);
    }
}

/* --- random logs with known truth --- */

#define SIM_LEN 20000
#define SIM_MAX (4 * SIM_LEN)

enum fate { FINE, DROPPED, MUTATED, SWAPPED, MOVED };

struct sim_record {
    uint32_t number; /* identity: of the source record it is or copies; >= SIM_MAX: injected */
    uint64_t content;
    int mutated;
    int copy; /* second copy of a record that is there already */
};

struct sim {
    struct sim_record s[SIM_MAX];
    struct sim_record t[SIM_MAX];
    uint8_t fate[SIM_MAX]; /* by source number */
    uint32_t s_cnt;
    uint32_t t_cnt;
    uint8_t unseen[2][SIM_MAX];
    uint64_t kinds[16];
};

static uint64_t rng_state;

static uint32_t rng(uint32_t below)
{
    rng_state ^= rng_state << 13;
    rng_state ^= rng_state >> 7;
    rng_state ^= rng_state << 17;
    return (uint32_t)(rng_state >> 11) % below;
}

struct sim_row {
    uint32_t faults_ppm;       /* of records that something happens to */
    uint32_t loss_permille;    /* offsets not seen, each side, in bursts */
    uint32_t repeat_percent;   /* records with one of 16 contents */
    uint32_t markers_permille; /* offsets of a transaction marker on the source */
    const char *why;
};

static void sim_put(struct sim *m, struct sim_record r)
{
    if (m->t_cnt < SIM_MAX)
        m->t[m->t_cnt++] = r;
}

static void sim_make(struct sim *m, const struct sim_row *row)
{
    struct sim_record held[64];
    uint32_t held_due[64];
    uint32_t held_cnt = 0;
    uint32_t injected = SIM_MAX;

    memset(m, 0, sizeof(*m));
    for (uint32_t i = 0; i < SIM_LEN; i++) {
        uint64_t content = rng(100) < row->repeat_percent ? rng(16) : 1000 + i;

        m->s[m->s_cnt++] = (struct sim_record){ .number = i, .content = content };
    }
    for (uint32_t i = 0; i < m->s_cnt; i++) {
        struct sim_record r = m->s[i];
        uint32_t fault = rng(1000000) < row->faults_ppm ? rng(7) : 99;

        for (uint32_t h = 0; h < held_cnt;)
            if (held_due[h] <= i) {
                sim_put(m, held[h]);
                held[h] = held[--held_cnt];
                held_due[h] = held_due[held_cnt];
            } else {
                h++;
            }
        switch (fault) {
        case 0:
            m->fate[i] = DROPPED;
            continue;
        case 1:
            sim_put(m, r);
            r.copy = 1;
            break;
        case 2:
            m->fate[i] = MUTATED;
            r.mutated = 1;
            r.content += 1ull << 40;
            break;
        case 3: /* swapped with the next, or late by up to 200 records */
        case 4:
            if (held_cnt < 64 && i + 300 < m->s_cnt) {
                m->fate[i] = fault == 3 ? SWAPPED : MOVED;
                held_due[held_cnt] = i + (fault == 3 ? 2 : 2 + rng(200));
                held[held_cnt++] = r;
                continue;
            }
            break;
        case 5:
            injected++;
            sim_put(m,
                    (struct sim_record){ .number = injected, .content = (1ull << 41) + injected });
            break;
        case 6: { /* the replicator starts again some records back */
            uint32_t from = m->t_cnt;
            uint32_t back = 1 + rng(300);

            back = back < from ? back : from;
            for (uint32_t k = from - back; k < from; k++) {
                struct sim_record again = m->t[k];

                again.copy = 1;
                sim_put(m, again);
            }
            break;
        }
        default:
            break;
        }
        sim_put(m, r);
    }
    for (uint32_t h = 0; h < held_cnt; h++)
        sim_put(m, held[h]);
    for (int side = 0; side < 2; side++)
        for (uint32_t i = 0; i < (side ? m->t_cnt : m->s_cnt);) {
            uint32_t burst = 1 + rng(20);

            if (row->loss_permille && rng(10000) < row->loss_permille)
                for (; burst && i < SIM_MAX; burst--)
                    m->unseen[side][i++] = 1;
            else
                i++;
        }
}

static struct pt_item sim_item(const struct sim_record *r, int64_t offset, uint32_t flags)
{
    return (struct pt_item){
        .content = r->content,
        .timestamp_ms = 1,
        .offset = offset,
        .key = r->number + 1,
        .value = (uint32_t)r->content * 2 + r->mutated + 1,
        .headers = 1,
        .flags = flags,
    };
}

static void sim_event(struct sim *m, const struct pt_align_event *e, const struct sim_row *row,
                      const int64_t *src_of, const int64_t *tgt_of)
{
    m->kinds[e->kind] += e->cnt;
    for (uint64_t i = 0; i < e->cnt; i++) {
        const struct sim_record *s =
                e->source_offset >= 0 ? &m->s[src_of[e->source_offset + (int64_t)i]] : NULL;
        const struct sim_record *t =
                e->target_offset >= 0 ? &m->t[tgt_of[e->target_offset + (int64_t)i]] : NULL;

        if (e->kind == PT_ALIGN_MATCH)
            assert_true(s->content == t->content);
        if (row->repeat_percent) {
            if (!row->faults_ppm)
                assert_true(e->kind == PT_ALIGN_MATCH || e->kind == PT_ALIGN_UNVERIFIABLE_SOURCE ||
                            e->kind == PT_ALIGN_UNVERIFIABLE_TARGET);
            continue;
        }
        switch (e->kind) {
        case PT_ALIGN_MATCH:
            assert_int_equal(s->number, t->number);
            break;
        case PT_ALIGN_MISSING:
            /* A mutated one too, if another fault beside it shifts the k-th with k-th comparison.
             */
            if (m->fate[s->number] != DROPPED && m->fate[s->number] != MUTATED)
                fail_msg("%s: record %u of fate %u called missing", row->why, s->number,
                         m->fate[s->number]);
            break;
        case PT_ALIGN_MUTATED:
            assert_int_equal(s->number, t->number);
            assert_int_equal(e->parts, PT_PART_VALUE);
            break;
        case PT_ALIGN_MISSING_OR_REORDERED:
            assert_int_not_equal(m->fate[s->number], FINE);
            break;
        case PT_ALIGN_EXTRA:
            assert_true(t->number >= SIM_MAX || t->copy || t->mutated);
            break;
        case PT_ALIGN_DUPLICATED:
            assert_int_equal(s->number, t->number);
            break;
        case PT_ALIGN_REORDERED:
            assert_int_equal(s->number, t->number);
            break;
        default:
            break;
        }
    }
}

static uint64_t sim_run(struct sim *m, const struct sim_row *row, const struct pt_align_cfg *cfg,
                        uint32_t group)
{
    static struct pt_item items[2][SIM_MAX];
    static int64_t index_of[2][2 * SIM_MAX];
    uint32_t cnt[2] = { 0, 0 };
    uint32_t at[2] = { 0, 0 };
    bool ended[2] = { false, false };
    struct pt_align_event e;
    struct pt_align *a;
    struct pt_mem mem;
    uint64_t digest = 1469598103934665603u;
    uint64_t pairs = 0;

    for (int side = 0; side < 2; side++) {
        uint32_t flags = 0;
        int64_t offset = 0;

        for (uint32_t i = 0; i < (side ? m->t_cnt : m->s_cnt); i++, offset++) {
            if (!side && row->markers_permille && i % 1000 < row->markers_permille)
                offset++;
            index_of[side][offset] = i;
            if (m->unseen[side][i]) {
                flags = PT_ITEM_GAP_BEFORE;
                continue;
            }
            items[side][cnt[side]++] = sim_item(side ? &m->t[i] : &m->s[i], offset, flags);
            flags = 0;
        }
    }
    memset(m->kinds, 0, sizeof(m->kinds));
    pt_mem_init(&mem, 1ull << 31);
    assert_int_equal(pt_align_open(&mem, cfg, &a), 0);
    do {
        for (int side = 0; side < 2; side++) {
            size_t room = pt_align_room(a, (enum pt_side)side);
            size_t left = cnt[side] - at[side];
            size_t take = 1 + rng(group);

            take = take < room ? take : room;
            take = take < left ? take : left;
            at[side] +=
                    (uint32_t)pt_align_push(a, (enum pt_side)side, items[side] + at[side], take);
            if (at[side] == cnt[side] && !ended[side]) {
                pt_align_end(a, (enum pt_side)side,
                             m->unseen[side][(side ? m->t_cnt : m->s_cnt) - 1] ? PT_END_UNSEEN
                                                                               : PT_END_COMPLETE);
                ended[side] = true;
            }
        }
        pt_align_run(a);
        while (pt_align_next(a, &e)) {
            sim_event(m, &e, row, index_of[0], index_of[1]);
            /* A run of matches may be told in pieces: its pairs are added up, other verdicts are
             * chained. */
            for (uint64_t i = 0; e.kind == PT_ALIGN_MATCH && i < e.cnt; i++)
                pairs += (uint64_t)(e.source_offset + (int64_t)i) * 0x9e3779b97f4a7c15u ^
                         (uint64_t)(e.target_offset + (int64_t)i);
            for (uint64_t i = 0; e.kind != PT_ALIGN_MATCH && i < e.cnt; i++)
                digest = (digest ^ (uint64_t)(e.source_offset + (int64_t)i) * 31 ^
                          (uint64_t)(e.target_offset + (int64_t)i) ^ (uint64_t)e.kind << 50) *
                         1099511628211u;
        }
    } while (!ended[0] || !ended[1] || !pt_align_idle(a));
    assert_int_equal(cnt[0], m->kinds[PT_ALIGN_MATCH] + m->kinds[PT_ALIGN_MUTATED] +
                                     m->kinds[PT_ALIGN_REORDERED] + m->kinds[PT_ALIGN_MISSING] +
                                     m->kinds[PT_ALIGN_MISSING_OR_REORDERED] +
                                     m->kinds[PT_ALIGN_AMBIGUOUS_SOURCE] +
                                     m->kinds[PT_ALIGN_UNVERIFIABLE_SOURCE] +
                                     m->kinds[PT_ALIGN_PENDING_SOURCE]);
    assert_int_equal(cnt[1], m->kinds[PT_ALIGN_MATCH] + m->kinds[PT_ALIGN_MUTATED] +
                                     m->kinds[PT_ALIGN_REORDERED] + m->kinds[PT_ALIGN_EXTRA] +
                                     m->kinds[PT_ALIGN_DUPLICATED] +
                                     m->kinds[PT_ALIGN_AMBIGUOUS_TARGET] +
                                     m->kinds[PT_ALIGN_UNVERIFIABLE_TARGET] +
                                     m->kinds[PT_ALIGN_PENDING_TARGET]);
    pt_align_close(a);
    assert_int_equal(mem.used_sz, 0);
    return digest ^ pairs;
}

/* Without loss and with contents that occur once, every fault is named, and nothing else. */
static void sim_exact(const struct sim *m)
{
    uint64_t dropped = 0;
    uint64_t mutated = 0;
    uint64_t displaced = 0;
    uint64_t copies = 0;
    uint64_t injected = 0;

    for (uint32_t i = 0; i < m->s_cnt; i++) {
        dropped += m->fate[i] == DROPPED;
        displaced += m->fate[i] == SWAPPED || m->fate[i] == MOVED;
        mutated += m->fate[i] == MUTATED;
    }
    for (uint32_t j = 0; j < m->t_cnt; j++) {
        copies += m->t[j].copy;
        injected += m->t[j].number >= SIM_MAX && !m->t[j].copy;
    }
    assert_in_range(m->kinds[PT_ALIGN_MISSING], dropped - dropped / 50, dropped + 2);
    assert_in_range(m->kinds[PT_ALIGN_MUTATED] + 2, mutated - mutated / 25, mutated + 2);
    assert_in_range(m->kinds[PT_ALIGN_REORDERED], 0, displaced + displaced / 10 + 2);
    assert_in_range(m->kinds[PT_ALIGN_EXTRA] + m->kinds[PT_ALIGN_DUPLICATED],
                    copies + injected - (copies + injected) / 20,
                    copies + injected + (copies + injected) / 20 + mutated);
}

static void test_sim(void **state)
{
    static const struct sim_row rows[] = {
        { 0, 0, 0, 0, "equal logs" },
        { 0, 0, 100, 5, "equal logs of 16 contents, markers on the source" },
        { 1000, 0, 0, 5, "faults, everything seen" },
        { 10000, 0, 0, 0, "many faults, everything seen" },
        { 0, 10, 0, 5, "loss alone" },
        { 0, 200, 0, 0, "heavy loss alone" },
        { 0, 50, 50, 5, "loss, half of the contents repeated" },
        { 0, 50, 100, 0, "loss, nothing but repeated contents" },
        { 1000, 1, 0, 5, "faults, little loss" },
        { 1000, 10, 0, 0, "faults, loss" },
        { 5000, 100, 0, 5, "many faults, heavy loss" },
        { 2000, 20, 30, 5, "faults, loss, repeated contents" },
    };
    static const struct pt_align_cfg tight = {
        .window_min = 64, .window_max = 4096, .anchor_run = 8, .horizon = 4096
    };
    static struct sim m;
    const char *more = getenv("PT_SIM_ROUNDS");
    int rounds = more ? atoi(more) : 2;

    (void)state;
    for (int round = 0; round < rounds; round++)
        for (size_t r = 0; r < sizeof(rows) / sizeof(*rows); r++) {
            uint64_t digest;

            rng_state = 88172645463325252u + (uint64_t)round * 1000 + r;
            sim_make(&m, &rows[r]);
            digest = sim_run(&m, &rows[r], &tight, 1);
            assert_true(sim_run(&m, &rows[r], &tight, 5000) == digest);
            if (!rows[r].loss_permille && !rows[r].repeat_percent)
                sim_exact(&m);
            sim_run(&m, &rows[r], &pt_align_cfg_default, 300);
            if (!rows[r].loss_permille && !rows[r].repeat_percent)
                sim_exact(&m);
            if (!round) {
                print_message("%-52s", rows[r].why);
                for (unsigned k = 0; k <= PT_ALIGN_PENDING_TARGET; k++)
                    print_message(" %c%llu", letters[k], (unsigned long long)m.kinds[k]);
                print_message("\n");
            }
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases), cmocka_unit_test(test_sim) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
