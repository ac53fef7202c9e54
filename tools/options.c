/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/options.h"

#include <errno.h>
#include <getopt.h>
#include <string.h>
#include <unistd.h>

enum option_id {
    OPT_SOURCE = 256,
    OPT_TARGET,
    OPT_SOURCE_BROKERS,
    OPT_TARGET_BROKERS,
    OPT_JSON,
    OPT_CONFIG,
    OPT_PRINT_CONFIG,
    OPT_ALL,
    OPT_QUIET,
    OPT_NO_COLOR,
    OPT_MEMORY,
    OPT_MAX_LAG,
    OPT_MIN_COVERAGE,
    OPT_HASH_KEY,
    OPT_MAP,
    OPT_EXCLUDE,
    OPT_INCLUDE,
    OPT_ALIAS,
    OPT_TOPIC_IDS,
    OPT_LEARN,
    OPT_SEGMENT,
    OPT_WORKERS,
    OPT_LIVE_WORKERS,
    OPT_CLOCK_OFFSET,
    OPT_PORTS,
    OPT_CORES,
    OPT_NO_HUGE,
    OPT_IDLE,
    OPT_EXIT_WHEN_IDLE,
    OPT_FINDINGS,
    OPT_USER,
    OPT_PLAN,
    OPT_VERSION,
    OPT_HELP
};

#define ALL_MODES (PT_MODE_REPLAY | PT_MODE_INSPECT | PT_MODE_LIVE)
#define FILES (PT_MODE_REPLAY | PT_MODE_INSPECT)

static const struct {
    const char *name;
    bool has_value;
    int id;
    unsigned modes; /* enum pt_mode: programs that know it */
} known[] = {
    { "source", true, OPT_SOURCE, ALL_MODES },
    { "target", true, OPT_TARGET, ALL_MODES },
    { "ports", true, OPT_PORTS, PT_MODE_LIVE },
    { "source-brokers", true, OPT_SOURCE_BROKERS, ALL_MODES },
    { "target-brokers", true, OPT_TARGET_BROKERS, ALL_MODES },
    { "json", true, OPT_JSON, ALL_MODES },
    { "config", true, OPT_CONFIG, ALL_MODES },
    { "print-config", false, OPT_PRINT_CONFIG, ALL_MODES },
    { "all", false, OPT_ALL, ALL_MODES },
    { "quiet", false, OPT_QUIET, ALL_MODES },
    { "no-color", false, OPT_NO_COLOR, ALL_MODES },
    { "memory", true, OPT_MEMORY, ALL_MODES },
    { "max-lag", true, OPT_MAX_LAG, ALL_MODES },
    { "min-coverage", true, OPT_MIN_COVERAGE, ALL_MODES },
    { "hash-key", true, OPT_HASH_KEY, ALL_MODES },
    { "map", true, OPT_MAP, ALL_MODES },
    { "exclude", true, OPT_EXCLUDE, ALL_MODES },
    { "include", true, OPT_INCLUDE, ALL_MODES },
    { "alias", true, OPT_ALIAS, ALL_MODES },
    { "topic-ids", true, OPT_TOPIC_IDS, ALL_MODES },
    { "learn", true, OPT_LEARN, ALL_MODES },
    { "segment", true, OPT_SEGMENT, ALL_MODES },
    { "clock-offset", true, OPT_CLOCK_OFFSET, FILES },
    { "workers", true, OPT_WORKERS, FILES },
    { "workers", true, OPT_LIVE_WORKERS, PT_MODE_LIVE },
    { "cores", true, OPT_CORES, PT_MODE_LIVE },
    { "no-huge", false, OPT_NO_HUGE, PT_MODE_LIVE },
    { "idle", true, OPT_IDLE, PT_MODE_LIVE },
    { "exit-when-idle", true, OPT_EXIT_WHEN_IDLE, PT_MODE_LIVE },
    { "findings", true, OPT_FINDINGS, PT_MODE_LIVE },
    { "user", true, OPT_USER, PT_MODE_LIVE },
    { "plan", false, OPT_PLAN, PT_MODE_LIVE },
    { "version", false, OPT_VERSION, PT_MODE_LIVE },
    { "help", false, OPT_HELP, ALL_MODES },
};

#define KNOWN_CNT (sizeof(known) / sizeof(known[0]))

/* Options that set one setting of the configuration; a list takes several values with commas. */
static const struct {
    int id;
    bool list;
    const char *path;
} set_by[] = {
    { OPT_SOURCE_BROKERS, true, "clusters.source.brokers" },
    { OPT_TARGET_BROKERS, true, "clusters.target.brokers" },
    { OPT_MEMORY, false, "limits.memory" },
    { OPT_MAX_LAG, false, "policy.max-lag" },
    { OPT_MIN_COVERAGE, false, "policy.min-coverage" },
    { OPT_HASH_KEY, false, "policy.hash-key" },
    { OPT_EXCLUDE, true, "topics.exclude" },
    { OPT_INCLUDE, true, "topics.include" },
    { OPT_ALIAS, true, "topics.aliases" },
    { OPT_LEARN, false, "topics.learn" },
    { OPT_SEGMENT, false, "segment.name" },
    { OPT_WORKERS, false, "replay.workers" },
    { OPT_LIVE_WORKERS, false, "live.workers" },
    { OPT_CORES, true, "live.cores" },
    { OPT_IDLE, false, "live.idle" },
    { OPT_EXIT_WHEN_IDLE, false, "live.exit-when-idle" },
    { OPT_FINDINGS, false, "findings.file" },
    { OPT_USER, false, "live.user" },
};

void pt_options_init(struct pt_options *o, const struct pt_pipeline_cfg *defaults)
{
    *o = (struct pt_options){ 0 };
    pt_config_init(&o->cfg, defaults);
}

void pt_options_free(struct pt_options *o)
{
    pt_config_free(&o->cfg);
}

/* named puts the option's name in front of what pt_config_set complained about. */
static int named(struct pt_error *err, const char *name)
{
    struct pt_error why = *err;

    return pt_error_set(err, "--%s: %.400s", name, why.text);
}

static int set_one(struct pt_options *o, const char *name, const char *path, const char *value,
                   struct pt_error *err)
{
    int rc = pt_config_set(&o->cfg, path, value, err);

    if (rc == -ENOMEM)
        return pt_error_set(err, "out of memory");
    return rc ? named(err, name) : 0;
}

static int set_list(struct pt_options *o, const char *name, const char *path, const char *values,
                    struct pt_error *err)
{
    int rc = 0;

    while (!rc) {
        size_t len = strcspn(values, ",");
        char one[256];

        if (len >= sizeof(one))
            return pt_error_set(err, "--%s: a value is too long", name);
        memcpy(one, values, len);
        one[len] = 0;
        rc = set_one(o, name, path, one, err);
        if (!values[len])
            break;
        values += len + 1;
    }
    return rc;
}

static int set_rule(struct pt_options *o, const char *value, struct pt_error *err)
{
    const char *equals = strchr(value, '=');
    char path[300];

    if (!equals || (size_t)(equals - value) > PT_TOPIC_NAME_MAX)
        return pt_error_set(err, "--map: \"%.100s\": write SOURCE-TOPIC=TARGET-TOPIC", value);
    snprintf(path, sizeof(path), "topics.map.%.*s", (int)(equals - value), value);
    return set_one(o, "map", path, equals + 1, err);
}

static int add_topic_ids(struct pt_options *o, const char *value, struct pt_error *err)
{
    static const struct {
        const char *prefix;
        const char *path;
    } of[] = { { "source=", "clusters.source.topic-ids" },
               { "target=", "clusters.target.topic-ids" },
               { "", "topics.ids" } };
    size_t i = 0;

    while (strncmp(value, of[i].prefix, strlen(of[i].prefix)))
        i++;
    return set_one(o, "topic-ids", of[i].path, value + strlen(of[i].prefix), err);
}

/* The name may hold anything, the offset no "=". */
static int set_offset(struct pt_options *o, const char *value, struct pt_error *err)
{
    const char *equals = strrchr(value, '=');
    char path[PT_CONFIG_PATH_MAX + 32];

    if (!equals || equals - value >= PT_CONFIG_PATH_MAX)
        return pt_error_set(err, "--clock-offset: \"%.100s\": write FILE=SECONDS", value);
    snprintf(path, sizeof(path), "replay.clock-offset.%.*s", (int)(equals - value), value);
    return set_one(o, "clock-offset", path, equals + 1, err);
}

/* An input: a file, or, live, a port. */
static int add_input(struct pt_options *o, enum pt_input_role role, const char *name,
                     struct pt_error *err)
{
    bool live = o->mode == PT_MODE_LIVE;

    if (!*name)
        return pt_error_set(err, "a %s name is empty", live ? "port" : "file");
    if (pt_str_list_add(live ? &o->cfg.ports[role] : &o->cfg.files[role], name))
        return pt_error_set(err, "out of memory");
    return 0;
}

static int take_setting(struct pt_options *o, int id, const char *name, const char *value,
                        struct pt_error *err)
{
    for (size_t i = 0; i < sizeof(set_by) / sizeof(set_by[0]); i++) {
        if (set_by[i].id != id)
            continue;
        return set_by[i].list ? set_list(o, name, set_by[i].path, value, err)
                              : set_one(o, name, set_by[i].path, value, err);
    }
    return pt_error_set(err, "--%s is not understood", name);
}

static int take_option(struct pt_options *o, int id, const char *name, const char *value,
                       struct pt_error *err)
{
    switch (id) {
    case OPT_JSON:
        o->json_path = value;
        return 0;
    case OPT_CONFIG: /* was read before everything else */
        return 0;
    case OPT_PRINT_CONFIG:
        o->print_config = true;
        return 0;
    case OPT_ALL:
        o->all = true;
        return 0;
    case OPT_QUIET:
        o->quiet = true;
        return 0;
    case OPT_NO_COLOR:
        o->no_color = true;
        return 0;
    case OPT_HELP:
        o->help = true;
        return 0;
    case OPT_PLAN:
        o->plan = true;
        return 0;
    case OPT_VERSION:
        o->version = true;
        return 0;
    case OPT_NO_HUGE:
        return set_one(o, name, "live.huge-pages", "no", err);
    case OPT_MAP:
        return set_rule(o, value, err);
    case OPT_TOPIC_IDS:
        return add_topic_ids(o, value, err);
    case OPT_CLOCK_OFFSET:
        return set_offset(o, value, err);
    default:
        return take_setting(o, id, name, value, err);
    }
}

/* The options that this program knows, for getopt. */
static void fill_options(enum pt_mode mode, struct option options[KNOWN_CNT + 1])
{
    size_t cnt = 0;

    for (size_t i = 0; i < KNOWN_CNT; i++)
        if (known[i].modes & mode)
            options[cnt++] = (struct option){ known[i].name,
                                              known[i].has_value ? required_argument : no_argument,
                                              NULL, known[i].id };
    options[cnt] = (struct option){ 0 };
}

/* What stands behind "--": files, or what DPDK is to be told. */
static int take_rest(struct pt_options *o, enum pt_input_role role, const char *text,
                     struct pt_error *err)
{
    if (o->mode != PT_MODE_LIVE)
        return add_input(o, role, text, err);
    return pt_str_list_add(&o->cfg.eal, text) ? pt_error_set(err, "out of memory") : 0;
}

static enum pt_input_role role_of(int id)
{
    return id == OPT_SOURCE ? PT_ROLE_SOURCE : id == OPT_TARGET ? PT_ROLE_TARGET : PT_ROLE_BOTH;
}

/* for_each_option: the leading '-' hands out names of inputs in their place, so that several may
 * follow one --source. With config_only everything but --config is passed over. */
static int for_each_option(struct pt_options *o, bool config_only, int argc, char **argv,
                           struct pt_error *err)
{
    struct option options[KNOWN_CNT + 1];
    enum pt_input_role role = PT_ROLE_BOTH;
    bool named = o->mode != PT_MODE_LIVE; /* a port without a role in front of it is a slip */
    int rc = 0;
    int idx = 0;
    int id;

    fill_options(o->mode, options);
    optind = 0; /* GNU: begin anew */
    opterr = 0;
    while (!rc && (id = getopt_long(argc, argv, "-:hc:", options, &idx)) != -1) {
        if (id == '?' || id == ':') {
            const char *text = argv[optind - 1];

            return pt_error_set(err,
                                id == ':' ? "%.200s needs a value; see --help"
                                          : "%.200s is no option; see --help",
                                text);
        }
        if (config_only) {
            rc = id == OPT_CONFIG || id == 'c' ? pt_config_load(&o->cfg, optarg, err) : 0;
            continue;
        }
        if (id == 1) {
            rc = named ? add_input(o, role, optarg, err)
                       : pt_error_set(err,
                                      "%.200s: write --source, --target or --ports before a port",
                                      optarg);
            continue;
        }
        if (id == 'c')
            continue;
        role = role_of(id);
        named = o->mode != PT_MODE_LIVE || id == OPT_SOURCE || id == OPT_TARGET || id == OPT_PORTS;
        if (id == OPT_SOURCE || id == OPT_TARGET || id == OPT_PORTS)
            rc = add_input(o, role, optarg, err);
        else if (id == 'h')
            o->help = true;
        else
            rc = take_option(o, id, options[idx].name, optarg, err);
    }
    for (; !rc && !config_only && optind < argc; optind++)
        rc = take_rest(o, role, argv[optind], err);
    return rc;
}

static int check_stdin(const struct pt_config *cfg, struct pt_error *err)
{
    size_t cnt = 0;

    for (size_t r = 0; r < PT_ROLE_CNT; r++) {
        for (size_t i = 0; i < cfg->files[r].cnt; i++)
            cnt += !strcmp(cfg->files[r].item[i], "-");
    }
    if (cnt > 1)
        return pt_error_set(err, "standard input (-) can only be read once");
    if (cnt && isatty(STDIN_FILENO))
        return pt_error_set(err, "standard input (-) is a terminal: pipe a capture into it, as "
                                 "with tcpdump -w - | paritap inspect -");
    return 0;
}

/* A capture compared with itself proves nothing; who names one twice has both clusters in it. */
static int check_twice(const struct pt_config *cfg, struct pt_error *err)
{
    const struct pt_str_list *source = &cfg->files[PT_ROLE_SOURCE];
    const struct pt_str_list *target = &cfg->files[PT_ROLE_TARGET];

    for (size_t i = 0; i < source->cnt; i++) {
        for (size_t k = 0; k < target->cnt; k++) {
            if (!strcmp(source->item[i], target->item[k]))
                return pt_error_set(err,
                                    "%.200s is given as source and as target. If both "
                                    "clusters are in it, name it alone, with "
                                    "--source-brokers and --target-brokers",
                                    source->item[i]);
        }
    }
    return 0;
}

/* An offset of a file that is not read would be a slip of the pen. */
static int check_offsets(const struct pt_config *cfg, struct pt_error *err)
{
    for (size_t k = 0; k < cfg->clock_offsets.cnt; k++) {
        const char *name = cfg->clock_offsets.item[k].name;
        bool is_file = false;

        for (size_t r = 0; r < PT_ROLE_CNT; r++)
            for (size_t i = 0; i < cfg->files[r].cnt; i++)
                is_file = is_file || !strcmp(cfg->files[r].item[i], name);
        if (!is_file)
            return pt_error_set(err,
                                "clock-offset of \"%.200s\": none of the files has this name; "
                                "write it as the file is given",
                                name);
    }
    return 0;
}

static int check_ports(const struct pt_config *cfg, struct pt_error *err)
{
    size_t source = cfg->ports[PT_ROLE_SOURCE].cnt;
    size_t target = cfg->ports[PT_ROLE_TARGET].cnt;
    size_t both = cfg->ports[PT_ROLE_BOTH].cnt;

    if (!source && !target && !both)
        return pt_error_set(err, "no port given. Try: paritapd --no-huge --source "
                                 "net_pcap0,iface=eth1 --target net_pcap1,iface=eth2");
    if (both && (!cfg->brokers[0].cnt || !cfg->brokers[1].cnt))
        return pt_error_set(err,
                            "%.200s sees both clusters: name both clusters' brokers with "
                            "--source-brokers and --target-brokers",
                            cfg->ports[PT_ROLE_BOTH].item[0]);
    if (!both && (!source || !target))
        return pt_error_set(err,
                            "two clusters are compared: --%s is missing (or --ports, for a port "
                            "that sees both)",
                            source ? "target" : "source");
    if (cfg->finding_file[0] && !cfg->segment_name[0])
        return pt_error_set(err,
                            "--findings %.200s: findings are taken from the shared memory, so "
                            "--segment must not be empty",
                            cfg->finding_file);
    if (cfg->live.keep_only_brokers && !cfg->broker_ports.cnt)
        return pt_error_set(err, "live.only-broker-ports: drops everything unless "
                                 "live.broker-ports names the brokers' TCP ports");
    return 0;
}

static int check_files(const struct pt_options *o, bool single, struct pt_error *err)
{
    const struct pt_config *cfg = &o->cfg;
    size_t source = cfg->files[PT_ROLE_SOURCE].cnt;
    size_t target = cfg->files[PT_ROLE_TARGET].cnt;
    size_t both = cfg->files[PT_ROLE_BOTH].cnt;

    if (single) {
        if (source || target)
            return pt_error_set(err, "inspect reads one cluster: name the files without "
                                     "--source or --target");
        if (!both)
            return pt_error_set(err, "no file given. Try: paritap inspect capture.pcap");
        return check_stdin(cfg, err) ? -EINVAL : check_offsets(cfg, err);
    }
    if (!source && !target && !both)
        return pt_error_set(err, "no file given. Try: paritap replay --source a.pcap "
                                 "--target b.pcap");
    if (both && (!cfg->brokers[0].cnt || !cfg->brokers[1].cnt))
        return pt_error_set(err,
                            "%.200s: which cluster is it? Write --source or --target before "
                            "it, or name both clusters' brokers with --source-brokers and "
                            "--target-brokers",
                            cfg->files[PT_ROLE_BOTH].item[0]);
    if (!both && (!source || !target))
        return pt_error_set(err,
                            "a replay compares two clusters: --%s is missing. For one cluster "
                            "use: paritap inspect FILE",
                            source ? "target" : "source");
    if (check_stdin(cfg, err) || check_offsets(cfg, err))
        return -EINVAL;
    return check_twice(cfg, err);
}

int pt_options_parse(struct pt_options *o, enum pt_mode mode, int argc, char **argv,
                     struct pt_error *err)
{
    int rc;

    o->mode = mode;
    rc = for_each_option(o, true, argc, argv, err);
    if (!rc)
        rc = for_each_option(o, false, argc, argv, err);
    if (rc || o->help || o->version)
        return rc;
    if (!o->print_config)
        rc = pt_config_load_ids(&o->cfg, mode == PT_MODE_INSPECT, err);
    if (!rc)
        rc = pt_config_seal(&o->cfg, err);
    if (rc || o->print_config)
        return rc;
    if (!strcmp(o->cfg.learn_file, "-"))
        return pt_error_set(err, "--learn: a file is needed, it is read by the next run");
    if (!o->json_path && o->cfg.report_file[0])
        o->json_path = o->cfg.report_file;
    return mode == PT_MODE_LIVE ? check_ports(&o->cfg, err)
                                : check_files(o, mode == PT_MODE_INSPECT, err);
}
