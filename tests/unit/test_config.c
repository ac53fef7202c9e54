/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration: what YAML sets, what an error says (file, line, field, range), and that what is
 * printed reads back to the same. The command line goes through the same settings.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fake_config.h"
#include "tools/finding_file.h"
#include "tools/options.h"

static char yaml_path[] = "/tmp/paritap-test-config-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(yaml_path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(yaml_path);
}

static int load(struct pt_config *cfg, const char *yaml, struct pt_error *err)
{
    FILE *f = fopen(yaml_path, "w");

    assert_non_null(f);
    fputs(yaml, f);
    assert_int_equal(fclose(f), 0);
    return pt_config_load(cfg, yaml_path, err);
}

static void test_load(void **state)
{
    static const char yaml[] =
            "# two clusters\n"
            "clusters:\n"
            "  source: { brokers: [10.88.1.0/24, \"10.88.9.1:9092\"], files: a.pcap }\n"
            "  target:\n"
            "    brokers:\n"
            "      - 10.88.2.1\n"
            "topics:\n"
            "  map:\n"
            "    orders: orders-v2\n"
            "    my.topic: dr.my.topic\n"
            "  exclude: [test-*]\n"
            "limits:\n"
            "  memory: 1GiB\n"
            "  hold-off: 300ms\n"
            "policy: { max-lag: 5m, min-coverage: 99.9%, hash-key: 0x10 }\n"
            "segment: { name: probe-1, mode: 0644, group: 65534, findings: 100 }\n";
    struct pt_config cfg;
    struct pt_error err = { "" };
    const struct pt_pipeline_cfg *p = &cfg.pipeline;

    (void)state;
    pt_config_init(&cfg, &fake_defaults);
    if (load(&cfg, yaml, &err) || pt_config_seal(&cfg, &err))
        fail_msg("%s", err.text);
    assert_int_equal(p->roles.broker_cnt[PT_CLUSTER_SOURCE], 2);
    assert_int_equal(p->roles.brokers[PT_CLUSTER_SOURCE][0].prefix_len, 120);
    assert_int_equal(p->roles.brokers[PT_CLUSTER_SOURCE][1].port, 9092);
    assert_int_equal(p->roles.broker_cnt[PT_CLUSTER_TARGET], 1);
    assert_string_equal(cfg.files[PT_ROLE_SOURCE].item[0], "a.pcap");
    assert_int_equal(p->policy.rule_cnt, 2);
    assert_string_equal(p->policy.rules[1].source, "my.topic");
    assert_string_equal(p->policy.rules[1].target, "dr.my.topic");
    assert_string_equal(p->policy.excluded[0], "test-*");
    assert_int_equal(p->memory_max, 1u << 30);
    assert_int_equal(p->streams.hold_off_ns, 300000000);
    assert_int_equal(p->policy.max_lag_ns, 300000000000);
    assert_int_equal(p->parser.batch.hash_key, 16);
    assert_true(p->policy.min_coverage > 0.9989 && p->policy.min_coverage < 0.9991);
    assert_string_equal(cfg.segment.name, "probe-1");
    assert_int_equal(cfg.segment.mode, 0644);
    assert_int_equal(cfg.segment.group, 65534);
    assert_int_equal(cfg.segment.ring_slots, 100);
    /* Neighbours in memory are untouched. */
    assert_int_equal(p->streams.idle_ns, fake_defaults.streams.idle_ns);
    assert_int_equal(p->streams.store_flow_max, fake_defaults.streams.store_flow_max);
    assert_int_equal(p->parser.batch.inflated_max, fake_defaults.parser.batch.inflated_max);
    pt_config_free(&cfg);
}

static void test_errors(void **state)
{
    static const struct {
        const char *yaml;
        const char *says; /* behind the file's name */
        const char *why;
    } rows[] = {
        { "limits:\n  memory: lots\n", ":2: limits.memory: \"lots\" is no size", "wrong form" },
        { "limits:\n  memory: 1\n",
          ":2: limits.memory: \"1\" is out of range: allowed is 64MiB "
          "to 4TiB",
          "too small" },
        { "limits:\n\n  memroy: 1\n", ":3: limits: unknown key \"memroy\"; known here: memory, ",
          "typing error" },
        { "limit:\n",
          ":1: unknown key \"limit\"; known here: clusters, topics, limits, replay, live",
          "unknown section" },
        { "segment:\n  mode: 0660\n",
          ":2: segment.mode: \"0660\" is out of range: allowed is 0400 "
          "to 0644",
          "readers never write" },
        { "segment:\n  mode: rw-r-----\n", ":2: segment.mode: \"rw-r-----\" is no permission",
          "not octal" },
        { "segment:\n  name: "
          "a123456789012345678901234567890123456789012345678901234567890123\n",
          ":2: segment.name: \"a12345678901234567890123456789012345678901234567890123456789",
          "64 characters" },
        { "limits:\n  seen-batches: 5000\n", ":2: limits.seen-batches: \"5000\" is no power of two",
          "power of two" },
        { "policy:\n  min-coverage: 1.5\n", ":2: policy.min-coverage: \"1.5\" is out of range",
          "share above 1" },
        { "clusters:\n  source:\n    brokers: [10.0.0.1, kafka]\n",
          ":3: clusters.source.brokers: \"kafka\" is no address", "second item of a list" },
        { "policy:\n  max-lag: [1s]\n", ":2: policy.max-lag: a list is not expected",
          "list for a value" },
        { "replay:\n  clock-offset: { a: soon }\n",
          ":2: replay.clock-offset.a: \"soon\" is no offset", "no number" },
        { "policy: 5\n", ":1: policy: expected keys below this one", "value for a section" },
        { "policy:\n  max-lag: {a: b}\n", ":2: policy.max-lag: expected a value, not keys",
          "keys for a value" },
        { "- a\n", ":1: a list is not expected", "list at the top" },
        { "text\n", ":1: expected sections", "text at the top" },
        { "topics:\n  map: {a: b, a: c}\n", ":2: topics.map.a: this key is given twice",
          "mapped twice" },
        { "limits:\n  memory: 1G\nlimits:\n  idle: 5s\n", ":3: limits: this key is given twice",
          "section twice" },
        { "topics:\n  map:\n    a:\n", ":3: topics.map.a: a topic map needs two names",
          "half a rule" },
        { "topics:\n  exclude: [[a]]\n", ":2: topics.exclude: a list is not expected",
          "list in a list" },
        { "topics:\n  exclude: [{a: b}]\n", ":2: topics.exclude: a mapping is not expected",
          "mapping in a list" },
        { "topics:\n  exclude: &x [a]\n  include: *x\n", ":3: topics.include: YAML aliases",
          "alias" },
        { "limits: {memory: 1G\n", ":2: no valid YAML", "not YAML" },
        { "live:\n  idle: nap\n", ":2: live.idle: \"nap\" is none of sleep|poll", "no such word" },
        { "live:\n  idle: true\n", ":2: live.idle: \"true\" is none of sleep|poll",
          "no yes or no" },
        { "live:\n  overload: 1\n", ":2: live.overload: \"1\" is none of no|yes", "a number" },
        { "live:\n  mtu: 100\n", ":2: live.mtu: \"100\" is out of range: allowed is 576 to 16000",
          "too small" },
        { "live:\n  cores: [1, 99999]\n", ":2: live.cores: \"99999\" is out of range",
          "no such core" },
        { "live:\n  shards: 2\n", ":2: live.shards: \"2\" is out of range: allowed is 0 to 1",
          "too many" },
        { "findings:\n  rotate: 1\n", ":2: findings.rotate: \"1\" is out of range", "too small" },
        { "limits:\n  reorder: 1MiB\n", "limits.reorder-connection is larger",
          "two that conflict" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_config cfg;
        struct pt_error err = { "" };

        pt_config_init(&cfg, &fake_defaults);
        if (!load(&cfg, rows[i].yaml, &err) && !pt_config_seal(&cfg, &err))
            fail_msg("%s: accepted", rows[i].why);
        if (!strstr(err.text, rows[i].says) ||
            (rows[i].says[0] == ':' && strncmp(err.text, yaml_path, strlen(yaml_path))))
            fail_msg("%s: expected \"%s\", got \"%s\"", rows[i].why, rows[i].says, err.text);
        pt_config_free(&cfg);
    }
}

static char *printed(const struct pt_config *cfg)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    assert_non_null(f);
    pt_config_print(cfg, f);
    assert_int_equal(fclose(f), 0);
    return text;
}

static void test_print(void **state)
{
    static const char yaml[] =
            "clusters: { target: { brokers: [\"[fd00::]/64:9092\", 10.0.0.0/8] } }\n"
            "topics: { map: { \"a \\\"b\\\"\": \"c\\\\d\", e: f }, aliases: [one, two] }\n"
            "replay: { clocks: as-recorded, clock-offset: { tap.2.pcap: -0.3, \"b c\": 2h } }\n"
            "policy: { min-coverage: 0.123456789, max-lag: 1ns }\n";
    struct pt_config cfg;
    struct pt_config again;
    struct pt_error err = { "" };
    char *first;
    char *second;

    (void)state;
    pt_config_init(&cfg, &fake_defaults);
    pt_config_init(&again, &(struct pt_pipeline_cfg){ 0 });
    if (load(&cfg, yaml, &err))
        fail_msg("%s", err.text);
    first = printed(&cfg);
    if (load(&again, first, &err))
        fail_msg("%s in:\n%s", err.text, first);
    second = printed(&again);
    assert_string_equal(first, second);
    /* Not only the texts: the values. */
    assert_int_equal(again.pipeline.streams.flow_max, fake_defaults.streams.flow_max);
    assert_int_equal(again.pipeline.policy.floating_max_sz, fake_defaults.policy.floating_max_sz);
    assert_int_equal(again.pipeline.policy.align.horizon, fake_defaults.policy.align.horizon);
    assert_string_equal(again.rules.item[0].source, "a \"b\"");
    assert_true(again.clocks_as_recorded);
    assert_int_equal(again.clock_offsets.cnt, 2);
    assert_string_equal(again.clock_offsets.item[0].name, "tap.2.pcap");
    assert_int_equal(again.clock_offsets.item[0].ns, -300000000);
    assert_int_equal(again.clock_offsets.item[1].ns, 7200000000000);
    free(first);
    free(second);
    pt_config_free(&cfg);
    pt_config_free(&again);
}

/* Each setting of a live run has a value of its own, and is found where it belongs. */
static void test_live(void **state)
{
    static const char yaml[] =
            "clusters:\n"
            "  source: { ports: [\"net_pcap0,rx_pcap=a,b.pcap\", 0000:81:00.0] }\n"
            "  target: { ports: net_ring1 }\n"
            "  ports: [\"net_pcap2,iface=eth1\"]\n"
            "replay: { workers: 3 }\n"
            "live:\n"
            "  { workers: 5, shards: 1, cores: [7, 2, 300], share-cores: false, idle: poll,\n"
            "    huge-pages: no, mtu: 9000, tunnels: true, tags: yes, broker-ports: [9092, "
            "19092],\n"
            "    only-broker-ports: yes, queues: 6, descriptors: 4096, overload: no,\n"
            "    exit-when-idle: 2, user: nobody, eal: [--log-level, \"4\"] }\n"
            "report: { file: r.json }\n"
            "findings: { file: f.jsonl, rotate: 1MiB, keep: 9, fsync: always }\n";
    struct pt_config cfg;
    struct pt_config again;
    struct pt_error err = { "" };
    const struct pt_live_cfg *l = &cfg.live;
    char *first;
    char *second;

    (void)state;
    pt_config_init(&cfg, &fake_defaults);
    if (load(&cfg, yaml, &err) || pt_config_seal(&cfg, &err))
        fail_msg("%s", err.text);
    assert_int_equal(l->device_cnt[PT_ROLE_SOURCE], 2);
    assert_string_equal(l->device[PT_ROLE_SOURCE][0], "net_pcap0,rx_pcap=a,b.pcap");
    assert_string_equal(l->device[PT_ROLE_TARGET][0], "net_ring1");
    assert_string_equal(l->device[PT_ROLE_BOTH][0], "net_pcap2,iface=eth1");
    assert_int_equal(cfg.pipeline.worker_cnt, 3);
    assert_int_equal(l->worker_cnt, 5);
    assert_int_equal(l->shard_cnt, 1);
    assert_int_equal(l->core_cnt, 3);
    assert_int_equal(l->core[2], 300);
    assert_false(l->share_cores);
    assert_int_equal(l->idle, PT_IDLE_POLL);
    assert_false(l->huge);
    assert_int_equal(l->mtu, 9000);
    assert_true(l->encapsulated);
    assert_true(l->tagged);
    assert_int_equal(l->broker_port_cnt, 2);
    assert_int_equal(l->broker_port[1], 19092);
    assert_true(l->keep_only_brokers);
    assert_int_equal(l->queue_cnt, 6);
    assert_int_equal(l->desc_cnt, 4096);
    assert_false(l->overload);
    assert_int_equal(l->exit_when_idle_ns, 2000000000);
    assert_int_equal(l->eal_arg_cnt, 2);
    assert_string_equal(l->eal_arg[0], "--log-level");
    assert_string_equal(cfg.user, "nobody");
    assert_string_equal(cfg.report_file, "r.json");
    assert_string_equal(cfg.finding_file, "f.jsonl");
    assert_int_equal(cfg.finding_rotate_sz, 1u << 20);
    assert_int_equal(cfg.finding_keep, 9);
    assert_int_equal(cfg.finding_fsync, PT_FINDING_FSYNC_ALWAYS);

    pt_config_init(&again, &fake_defaults);
    first = printed(&cfg);
    if (load(&again, first, &err) || pt_config_seal(&again, &err))
        fail_msg("%s in:\n%s", err.text, first);
    second = printed(&again);
    assert_string_equal(first, second);
    assert_string_equal(again.live.device[PT_ROLE_SOURCE][0], "net_pcap0,rx_pcap=a,b.pcap");
    assert_int_equal(again.live.broker_port[1], 19092);
    assert_non_null(strstr(first, "the mirrored network [576 to 16000]\n  mtu: 9000\n"));
    free(first);
    free(second);
    pt_config_free(&cfg);
    pt_config_free(&again);
}

#define ARGS_MAX 12

static int parse(struct pt_options *o, bool single, const char *const *args, struct pt_error *err)
{
    char *argv[ARGS_MAX + 2] = { (char *)(uintptr_t)(single ? "inspect" : "replay") };
    int argc = 1;

    for (; args[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)args[argc - 1];
    pt_options_init(o, &fake_defaults);
    return pt_options_parse(o, single ? PT_MODE_INSPECT : PT_MODE_REPLAY, argc, argv, err);
}

static void test_options(void **state)
{
    static const char *const args[ARGS_MAX + 1] = {
        "--source", "a", "b", "--target", "c", "--json=-", "--map", "x=y", "--exclude=p,q", "--all",
    };
    static const char *const both[ARGS_MAX + 1] = {
        "--source-brokers", "10.0.0.1,10.0.0.2:9092", "--target-brokers=10.0.1.0/24", "f", "-",
    };
    struct pt_options o;
    struct pt_error err = { "" };

    (void)state;
    if (parse(&o, false, args, &err))
        fail_msg("%s", err.text);
    assert_int_equal(o.cfg.files[PT_ROLE_SOURCE].cnt, 2);
    assert_string_equal(o.cfg.files[PT_ROLE_SOURCE].item[1], "b");
    assert_int_equal(o.cfg.files[PT_ROLE_TARGET].cnt, 1);
    assert_int_equal(o.cfg.files[PT_ROLE_BOTH].cnt, 0);
    assert_string_equal(o.json_path, "-");
    assert_true(o.all);
    assert_int_equal(o.cfg.pipeline.policy.rule_cnt, 1);
    assert_string_equal(o.cfg.pipeline.policy.rules[0].target, "y");
    assert_int_equal(o.cfg.pipeline.policy.excluded_cnt, 2);
    pt_options_free(&o);
    if (parse(&o, false, both, &err))
        fail_msg("%s", err.text);
    assert_int_equal(o.cfg.files[PT_ROLE_BOTH].cnt, 2);
    assert_int_equal(o.cfg.pipeline.roles.broker_cnt[PT_CLUSTER_SOURCE], 2);
    assert_int_equal(o.cfg.pipeline.roles.broker_cnt[PT_CLUSTER_TARGET], 1);
    pt_options_free(&o);
}

static void test_option_errors(void **state)
{
    static const struct {
        bool single;
        const char *args[6];
        const char *says;
    } rows[] = {
        { false, { NULL }, "no file given" },
        { true, { NULL }, "no file given" },
        { false, { "--source", "a", NULL }, "--target is missing" },
        { false, { "--target", "a", NULL }, "--source is missing" },
        { false, { "a", NULL }, "a: which cluster is it?" },
        { true, { "--source", "a", NULL }, "inspect reads one cluster" },
        { false, { "--source", "-", "--target", "-", NULL }, "can only be read once" },
        { false, { "--memory", "1", NULL }, "--memory: \"1\" is out of range" },
        { false, { "--memory", NULL }, "--memory needs a value" },
        { false, { "--memroy=1G", NULL }, "--memroy=1G is no option" },
        { false, { "--map", "x", NULL }, "--map: \"x\": write SOURCE-TOPIC=TARGET-TOPIC" },
        { false, { "--map", "x=", NULL }, "--map: a topic map needs two names" },
        { false,
          { "--source-brokers", "10.0.0.1,", NULL },
          "--source-brokers: \"\" is no address" },
        { false, { "--clock-offset", "a", NULL }, "\"a\": write FILE=SECONDS" },
        { false, { "--clock-offset", "a=x", NULL }, "--clock-offset: \"x\" is no offset" },
        { false,
          { "--clock-offset=a=1", "--clock-offset=a=2", NULL },
          "--clock-offset: \"a\" has two offsets" },
        { true, { "--clock-offset=a=1", "b", NULL }, "none of the files has this name" },
        { false, { "--config", "/nonexistent.yaml", NULL }, "/nonexistent.yaml: cannot be opened" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_options o;
        struct pt_error err = { "" };

        if (!parse(&o, rows[i].single, rows[i].args, &err))
            fail_msg("accepted; expected: %s", rows[i].says);
        if (!strstr(err.text, rows[i].says))
            fail_msg("expected \"%s\", got \"%s\"", rows[i].says, err.text);
        pt_options_free(&o);
    }
}

/* The command line goes over the file, wherever --config stands. */
static void test_precedence(void **state)
{
    const char *args[ARGS_MAX + 1] = { "--max-lag", "7s", "--config", yaml_path, "--print-config" };
    struct pt_options o;
    struct pt_error err = { "" };
    FILE *f = fopen(yaml_path, "w");

    (void)state;
    assert_non_null(f);
    fputs("policy: { max-lag: 5s, min-coverage: 0.5 }\n", f);
    assert_int_equal(fclose(f), 0);
    if (parse(&o, false, args, &err))
        fail_msg("%s", err.text);
    assert_int_equal(o.cfg.pipeline.policy.max_lag_ns, 7000000000);
    assert_true(o.cfg.pipeline.policy.min_coverage < 0.6);
    pt_options_free(&o);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_load),          cmocka_unit_test(test_errors),
        cmocka_unit_test(test_print),         cmocka_unit_test(test_options),
        cmocka_unit_test(test_option_errors), cmocka_unit_test(test_precedence),
        cmocka_unit_test(test_live),
    };

    return cmocka_run_group_tests(tests, make_file, remove_file);
}
