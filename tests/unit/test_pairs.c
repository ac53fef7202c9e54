/* SPDX-License-Identifier: Apache-2.0 */
/* Which target topic is taken for the copy of a source topic: each rule, their order, and when
 * there is none. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "verify/mapping.h"

static void add(struct pt_registry *r, uint8_t cluster, const char *name)
{
    uint64_t buf[64] = { 0 };
    struct pt_obs_topic *o = (struct pt_obs_topic *)(void *)buf;

    o->head.cluster = cluster;
    o->head.topic = 0;
    o->name_len = (uint32_t)strlen(name);
    memcpy(o->name, name, o->name_len);
    assert_true(pt_registry_topic(r, 0, o));
}

static void test_rules(void **state)
{
    static const struct pt_topic_rule rules[] = { { "moved", "elsewhere" }, { "lost", "nowhere" } };
    static const char *const alias[] = { "dc1" };
    static const char *const excluded[] = { "tmp-*" };
    static const struct {
        const char *source;
        const char *target[4];
        bool alias_configured;
        const char *expect;
        enum pt_pair_rule rule;
        enum pt_unpaired_why unpaired;
        const char *why;
    } row[] = {
        { "a", { "a" }, false, "a", PT_PAIR_SAME_NAME, 0, "the same name" },
        { "a", { "a", "dc1.a" }, true, "dc1.a", PT_PAIR_ALIAS, 0, "a configured alias goes first" },
        { "a", { "a", "dc1.a" }, false, "a", PT_PAIR_SAME_NAME, 0, "nobody knows dc1" },
        { "a", { "a", "dc1.a", "dc1.heartbeats" }, false, "dc1.a", PT_PAIR_ALIAS, 0, "learned" },
        { "a",
          { "a", "x.a", "mm2-offsets.x.internal" },
          false,
          "x.a",
          PT_PAIR_ALIAS,
          0,
          "learned" },
        { "a", { "x.a", "b" }, false, "x.a", PT_PAIR_ALIAS, 0, "exactly one" },
        { "a", { "x.a", "y.a" }, false, NULL, 0, PT_UNPAIRED_AMBIGUOUS, "two could be it" },
        { "a", { "x.y.a" }, false, "x.y.a", PT_PAIR_ALIAS, 0, "a prefix with a dot of its own" },
        { "a.b", { "x.a.b", "b" }, false, "x.a.b", PT_PAIR_ALIAS, 0, "a name with a dot" },
        { "a", { "xa", ".a" }, false, NULL, 0, PT_UNPAIRED_NO_PARTNER, "no prefix at all" },
        { "moved", { "moved", "elsewhere" }, false, "elsewhere", PT_PAIR_CONFIGURED, 0, "told" },
        { "lost", { "lost" }, false, NULL, 0, PT_UNPAIRED_NO_PARTNER, "told, and not there" },
        { "tmp-1", { "tmp-1" }, false, NULL, 0, PT_UNPAIRED_EXCLUDED, "out of scope" },
        { "a", { "tmp-x.a" }, false, NULL, 0, PT_UNPAIRED_EXCLUDED, "its copy is out of scope" },
        { "heartbeats",
          { "x.heartbeats" },
          false,
          NULL,
          0,
          PT_UNPAIRED_INTERNAL,
          "a replicator's" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct pt_policy policy = pt_policy_default;
        struct pt_name *names[8];
        struct pt_registry *r;
        struct pt_mapped m;
        struct pt_mem mem;
        size_t cnt;

        print_message("%s: %s\n", row[i].source, row[i].why);
        policy.rules = rules;
        policy.rule_cnt = 2;
        policy.excluded = excluded;
        policy.excluded_cnt = 1;
        policy.aliases = alias;
        policy.alias_cnt = row[i].alias_configured;
        pt_mem_init(&mem, 1 << 20);
        r = pt_registry_open(&mem, 0);
        add(r, PT_CLUSTER_SOURCE, row[i].source);
        for (size_t k = 0; k < 4 && row[i].target[k]; k++)
            add(r, PT_CLUSTER_TARGET, row[i].target[k]);
        cnt = pt_registry_names(r, names, 8);
        pt_mapping_scan(&policy, r, names, cnt);
        m = pt_mapping_find(&policy, r, pt_registry_find(r, PT_CLUSTER_SOURCE, row[i].source));
        if (row[i].expect) {
            assert_non_null(m.target);
            assert_string_equal(m.target->text, row[i].expect);
            assert_int_equal(m.target->cluster, PT_CLUSTER_TARGET);
            assert_int_equal(m.rule, row[i].rule);
        } else {
            assert_null(m.target);
        }
        assert_int_equal(m.why, row[i].unpaired);
        pt_registry_close(r);
        assert_int_equal(mem.used_sz, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rules) };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
