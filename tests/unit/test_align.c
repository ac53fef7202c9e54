/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Alignment on small cases that can be checked by eye, and on random logs whose truth is known.
 *
 * In the table a log is a string: a letter is a record (its key is the letter, upper case is the same key with
 * another value), a digit is a record with a null key, '_' an offset that was not seen, '.' one certified
 * to hold no record. '|' at the end: certified to the end of the log; '~' there: more exists, unseen.
 *
 * In the simulation every record has a number, so a match of different records, or an accusation of one that
 * is there on both sides in order, cannot hide behind equal contents.
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

/* What came out, one letter an event and the records it names: "=3" three matches, "Mc" c is missing. */
static void tell(struct pt_align *a, const char *s, const char *t, char *out)
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
    sprintf(out, "=%llu%s", (unsigned long long)matched, rest);
}

/* U mutated, R reordered, M missing, X extra, D duplicated (original and copy), ? missing or reordered,
 * s/T ambiguous, u/U. unverifiable, p/P pending; small letters source, capitals target. */
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
    { "abcdefgh|", "ab_dfgh|", "=6 uc ?e", "absent between neighbours, but it could be the unseen one" },
    { "ab_dfgh|", "abcdexfgh|", "=6 Uc Te Tx", "the source's unseen one could explain it" },
    { "abcdef|", "abcde_", "=5 uf", "unseen behind the last match" },
    { "__cdefgh|", "abcdefgh|", "=6 Ua Ub", "late attach on the source" },
    { "abcdefgh|", "__cdefgh|", "=6 ua ub", "late attach on the target" },
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
        tell(a, cases[i].source, cases[i].target, got);
        if (strcmp(got, cases[i].out))
            fail_msg("%s -> %s (%s): expected '%s', got '%s'", cases[i].source, cases[i].target,
                     cases[i].why, cases[i].out, got);
        pt_align_close(a);
        assert_int_equal(mem.used_sz, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
