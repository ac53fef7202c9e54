/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The command line of paritapd: what is written in its help works, ports keep their commas, what
 * stands behind "--" goes to DPDK untouched, and each error names the option and says what to do.
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
#include "tools/options.h"

#define ARGS_MAX 20

/* parse takes a program's arguments up to NULL. The segment is named as paritapd does. */
static int parse(struct pt_options *o, const char *const *args, struct pt_error *err)
{
    char *argv[ARGS_MAX + 2] = { (char *)(uintptr_t) "paritapd" };
    int argc = 1;

    for (; args[argc - 1]; argc++)
        argv[argc] = (char *)(uintptr_t)args[argc - 1];
    pt_options_init(o, &fake_defaults);
    snprintf(o->cfg.segment_name, sizeof(o->cfg.segment_name), "paritap");
    return pt_options_parse(o, PT_MODE_LIVE, argc, argv, err);
}

static void parse_well(struct pt_options *o, const char *const *args)
{
    struct pt_error err = { "" };

    if (parse(o, args, &err))
        fail_msg("%s", err.text);
}

static void test_first_try(void **state)
{
    static const char *const args[ARGS_MAX + 1] = {
        "--no-huge",
        "--source",
        "net_pcap0,rx_pcap=s.pcap",
        "--target",
        "net_pcap1,rx_pcap=t.pcap",
        "--exit-when-idle",
        "2",
        "--json",
        "out.json",
        "--",
        "--log-level",
        "4",
        "--source",
    };
    struct pt_options o;

    (void)state;
    parse_well(&o, args);
    assert_int_equal(o.cfg.live.device_cnt[PT_ROLE_SOURCE], 1);
    assert_string_equal(o.cfg.live.device[PT_ROLE_SOURCE][0], "net_pcap0,rx_pcap=s.pcap");
    assert_int_equal(o.cfg.live.device_cnt[PT_ROLE_TARGET], 1);
    assert_string_equal(o.cfg.live.device[PT_ROLE_TARGET][0], "net_pcap1,rx_pcap=t.pcap");
    assert_false(o.cfg.live.huge);
    assert_int_equal(o.cfg.live.exit_when_idle_ns, 2000000000);
    assert_string_equal(o.json_path, "out.json");
    assert_int_equal(o.cfg.live.eal_arg_cnt, 3);
    assert_string_equal(o.cfg.live.eal_arg[0], "--log-level");
    assert_string_equal(o.cfg.live.eal_arg[2], "--source");
    assert_string_equal(o.cfg.segment.name, "paritap");
    pt_options_free(&o);
}

static void test_two_cores(void **state)
{
    static const char *const args[ARGS_MAX + 1] = {
        "--source",     "0000:81:00.0",
        "0000:81:00.1", "--target=0000:82:00.0",
        "--workers",    "2",
        "--cores",      "4,5,6",
        "--idle",       "poll",
        "--user",       "nobody",
        "--segment",    "probe",
        "--findings",   "f.jsonl",
        "--max-lag",    "5m",
        "--quiet",      "--plan",
    };
    struct pt_options o;

    (void)state;
    parse_well(&o, args);
    assert_int_equal(o.cfg.live.device_cnt[PT_ROLE_SOURCE], 2);
    assert_string_equal(o.cfg.live.device[PT_ROLE_SOURCE][1], "0000:81:00.1");
    assert_int_equal(o.cfg.live.worker_cnt, 2);
    assert_int_equal(o.cfg.pipeline.worker_cnt, fake_defaults.worker_cnt);
    assert_int_equal(o.cfg.live.core_cnt, 3);
    assert_int_equal(o.cfg.live.core[2], 6);
    assert_int_equal(o.cfg.live.idle, PT_IDLE_POLL);
    assert_string_equal(o.cfg.user, "nobody");
    assert_string_equal(o.cfg.segment.name, "probe");
    assert_string_equal(o.cfg.finding_file, "f.jsonl");
    assert_int_equal(o.cfg.pipeline.policy.max_lag_ns, 300000000000);
    assert_true(o.quiet);
    assert_true(o.plan);
    assert_true(o.cfg.live.huge);
    pt_options_free(&o);
}

static void test_both(void **state)
{
    static const char *const args[ARGS_MAX + 1] = {
        "--ports",          "net_pcap0,iface=eth1", "--source-brokers", "10.0.0.1,10.0.0.2:9092",
        "--target-brokers", "10.0.1.0/24",
    };
    struct pt_options o;

    (void)state;
    parse_well(&o, args);
    assert_int_equal(o.cfg.live.device_cnt[PT_ROLE_BOTH], 1);
    assert_string_equal(o.cfg.live.device[PT_ROLE_BOTH][0], "net_pcap0,iface=eth1");
    assert_int_equal(o.cfg.brokers[PT_CLUSTER_SOURCE].cnt, 2);
    pt_options_free(&o);
}

/* Dropping all but no port at all would be a silent tap. */
static void test_drops_everything(void **state)
{
    char path[] = "/tmp/paritap-test-live-XXXXXX";
    const char *const args[ARGS_MAX + 1] = { "--source", "a", "--target", "b", "-c", path };
    struct pt_error err = { "" };
    struct pt_options o;
    FILE *f = fdopen(mkstemp(path), "w");
    int rc;

    (void)state;
    assert_non_null(f);
    fputs("live: { only-broker-ports: yes }\n", f);
    assert_int_equal(fclose(f), 0);
    rc = parse(&o, args, &err);
    unlink(path);
    assert_int_not_equal(rc, 0);
    assert_non_null(strstr(err.text, "live.only-broker-ports: drops everything unless"));
    pt_options_free(&o);
}

/* -c is enough; the line goes over the file, and files of a replay in it do not matter. */
static void test_file(void **state)
{
    char path[] = "/tmp/paritap-test-live-XXXXXX";
    const char *const args[ARGS_MAX + 1] = { "--workers", "3", "-c", path };
    struct pt_options o;
    FILE *f = fdopen(mkstemp(path), "w");

    (void)state;
    assert_non_null(f);
    fputs("clusters:\n"
          "  source: { ports: [\"net_pcap0,rx_pcap=s.pcap\"], files: [x.pcap] }\n"
          "  target: { ports: [\"net_pcap1,rx_pcap=t.pcap\"] }\n"
          "live: { workers: 2, exit-when-idle: 500ms }\n"
          "report: { file: file.json }\n",
          f);
    assert_int_equal(fclose(f), 0);
    parse_well(&o, args);
    unlink(path);
    assert_int_equal(o.cfg.live.worker_cnt, 3);
    assert_int_equal(o.cfg.live.exit_when_idle_ns, 500000000);
    assert_string_equal(o.json_path, "file.json");
    assert_string_equal(o.cfg.live.device[PT_ROLE_TARGET][0], "net_pcap1,rx_pcap=t.pcap");
    pt_options_free(&o);
}

/* Who asks for help, the version or the settings need not name a port. */
static void test_no_port_needed(void **state)
{
    static const char *const rows[][2] = {
        { "--help", NULL },
        { "-h", NULL },
        { "--version", NULL },
        { "--print-config", NULL },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_options o;

        parse_well(&o, rows[i]);
        assert_int_equal(o.help + o.version + o.print_config, 1);
        pt_options_free(&o);
    }
}

static void test_errors(void **state)
{
#define TWO "--source", "a", "--target", "b"
    static const struct {
        const char *args[9];
        const char *says;
    } rows[] = {
        { { NULL }, "no port given. Try: paritapd --no-huge --source" },
        { { "--plan", NULL }, "no port given" },
        { { "--source", "a", NULL }, "--target is missing" },
        { { "--target", "a", NULL }, "--source is missing" },
        { { "a", "b", NULL }, "a: write --source, --target or --ports before a port" },
        { { "--source", "a", "--quiet", "b", NULL }, "b: write --source, --target or --ports" },
        { { "--ports", "a", NULL }, "a sees both clusters: name both clusters' brokers" },
        { { "--ports", "a", "--source-brokers", "10.0.0.1", NULL }, "--target-brokers" },
        { { "--source", "", NULL }, "a port name is empty" },
        { { "--source", NULL }, "--source needs a value" },
        { { "--worker-count", NULL }, "--worker-count is no option; see --help" },
        { { TWO, "--workers", "0", NULL }, "--workers: \"0\" is out of range: allowed is 1 to" },
        { { TWO, "--workers", "two", NULL }, "--workers: \"two\" is no number" },
        { { TWO, "--cores", "1,x", NULL }, "--cores: \"x\" is no number" },
        { { TWO, "--idle", "nap", NULL }, "--idle: \"nap\" is none of sleep|poll" },
        { { TWO, "--exit-when-idle", "soon", NULL }, "--exit-when-idle: \"soon\" is no duration" },
        { { TWO, "--segment", "", "--findings", "f", NULL },
          "--findings f: findings are taken from the shared memory" },
        { { "-c", "/nonexistent.yaml", NULL }, "/nonexistent.yaml: cannot be opened" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_options o;
        struct pt_error err = { "" };

        if (!parse(&o, rows[i].args, &err))
            fail_msg("accepted; expected: %s", rows[i].says);
        if (!strstr(err.text, rows[i].says))
            fail_msg("expected \"%s\", got \"%s\"", rows[i].says, err.text);
        pt_options_free(&o);
    }
}

/* What only paritapd knows is no option of the others. */
static void test_not_for_replay(void **state)
{
    static const char *const names[] = { "--ports=a", "--no-huge", "--user=nobody", "--plan",
                                         "--findings=f" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        char *argv[] = { (char *)(uintptr_t) "replay", (char *)(uintptr_t)names[i], NULL };
        struct pt_options o;
        struct pt_error err = { "" };

        pt_options_init(&o, &fake_defaults);
        assert_int_not_equal(pt_options_parse(&o, PT_MODE_REPLAY, 2, argv, &err), 0);
        if (!strstr(err.text, "is no option"))
            fail_msg("%s: \"%s\"", names[i], err.text);
        pt_options_free(&o);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_try),      cmocka_unit_test(test_two_cores),
        cmocka_unit_test(test_both),           cmocka_unit_test(test_file),
        cmocka_unit_test(test_errors),         cmocka_unit_test(test_no_port_needed),
        cmocka_unit_test(test_not_for_replay), cmocka_unit_test(test_drops_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
