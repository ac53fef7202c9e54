/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/config_pvt.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define AT(field) offsetof(struct pt_config, field), sizeof(((struct pt_config *)NULL)->field)
#define KIB 1024ull
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define SECOND 1000000000ull

const struct setting pt_settings[] = {
    { "clusters.source.brokers", CIDRS, AT(brokers[0]), 0, 0,
      "addresses of the source's brokers: ADDRESS[/PREFIX][:PORT]" },
    { "clusters.source.files", STRINGS, AT(files[PT_ROLE_SOURCE]), 0, 0,
      "captures that hold only the source's traffic" },
    { "clusters.target.brokers", CIDRS, AT(brokers[1]), 0, 0, "addresses of the target's brokers" },
    { "clusters.target.files", STRINGS, AT(files[PT_ROLE_TARGET]), 0, 0,
      "captures that hold only the target's traffic" },
    { "clusters.files", STRINGS, AT(files[PT_ROLE_BOTH]), 0, 0,
      "captures with both clusters' traffic, told apart by the brokers' addresses" },
    { "topics.map", RULES, AT(rules), 0, 0,
      "source topic: target topic; goes before every other pairing rule" },
    { "topics.exclude", STRINGS, AT(excluded), 0, 0, "patterns (*, ?) of topics out of scope" },
    { "topics.include", STRINGS, AT(included), 0, 0,
      "if any: only source topics that match one of these are in scope" },
    { "topics.aliases", STRINGS, AT(aliases), 0, 0,
      "the source's names in ALIAS.TOPIC on the target; learned from the traffic if none" },
    { "limits.memory", SIZE, AT(pipeline.memory_max), 64 * MIB, 4096 * GIB,
      "the whole budget; what does not fit is counted and lowers coverage" },
    { "limits.connections", COUNT, AT(pipeline.streams.flow_max), 16, 1u << 26,
      "TCP connections at once; the longest idle one is closed when there are more" },
    { "limits.reorder", SIZE, AT(pipeline.streams.store_max), MIB, 1024 * GIB,
      "bytes kept because they came before their turn, all connections" },
    { "limits.reorder-connection", SIZE, AT(pipeline.streams.store_flow_max), 64 * KIB, 2 * GIB,
      "the same, one direction of one connection" },
    { "limits.hold-off", DURATION, AT(pipeline.streams.hold_off_ns), 0, 60 * SECOND,
      "packet time to wait before missing bytes count as lost" },
    { "limits.idle", DURATION, AT(pipeline.streams.idle_ns), SECOND, 604800 * SECOND,
      "packet time after which a silent connection is closed" },
    { "limits.frame", SIZE, AT(pipeline.parser.frame_max), 64 * KIB, 2 * GIB - 1,
      "a Kafka message that says it is larger is not believed" },
    { "limits.gather", SIZE, AT(pipeline.parser.gather_max), 64 * KIB, GIB,
      "a record batch larger than this is only counted" },
    { "limits.inflated", SIZE, AT(pipeline.parser.batch.inflated_max), 64 * KIB, 2 * GIB - 1,
      "bytes that one record batch may decompress to" },
    { "limits.batch-records", COUNT, AT(pipeline.parser.batch.record_max), 1024, 1u << 28,
      "records of one batch" },
    { "limits.inflight", COUNT, AT(pipeline.parser.inflight_max), 16, 1u << 20,
      "requests waiting for their answer, one connection" },
    { "limits.session-partitions", COUNT, AT(pipeline.parser.session_partitions_max), 16, 1u << 28,
      "partitions remembered for fetch sessions" },
    { "limits.seen-batches", POWER_OF_2, AT(pipeline.parser.seen_slots), 1024, 1u << 28,
      "batches recognised when they pass again; a power of two" },
    { "limits.unnamed", SIZE, AT(pipeline.policy.waiting_max_sz), 0, 1024 * GIB,
      "observations that wait for the name of their topic id" },
    { "limits.unanswered", SIZE, AT(pipeline.policy.floating_max_sz), 0, 1024 * GIB,
      "produced batches that wait for the broker's answer" },
    { "limits.findings", COUNT, AT(pipeline.policy.finding_max), 0, 1u << 28,
      "findings kept in full; more are only counted" },
    { "limits.window", COUNT, AT(pipeline.policy.align.window_max), 64, 1u << 24,
      "records a side that are compared at once where the clusters differ" },
    { "limits.horizon", COUNT, AT(pipeline.policy.align.horizon), 64, 1u << 26,
      "records within which a moved or repeated record is recognised" },
    { "replay.workers", COUNT, AT(pipeline.worker_cnt), 1, PT_WORKERS_MAX,
      "threads that read connections; the report is the same at any number" },
    { "policy.max-lag", DURATION, AT(pipeline.policy.max_lag_ns), 0, 604800 * SECOND,
      "a record that waits longer for its copy means that replication has stalled" },
    { "policy.min-coverage", RATIO, AT(pipeline.policy.min_coverage), 0, 1,
      "share of the offsets that must be certified for a verdict of parity" },
    { "policy.hash-key", HASH, AT(pipeline.parser.batch.hash_key), 0, UINT64_MAX,
      "key of the record hashes" },
    { "segment.name", WORD, AT(segment_name), 0, 0,
      "shared memory in which the run is shown to paritap report and top; empty: not shown" },
    { "segment.mode", OCTAL, AT(segment.mode), 0400, 0644,
      "who may read it, as for a file; nobody else may write" },
    { "segment.group", WORD, AT(segment_group), 0, 0,
      "group of the readers, by name or number; empty: the writer's own" },
    { "segment.pairs", COUNT, AT(segment.row_max[PT_SEGMENT_TABLE_PAIR]), 1, PT_SEGMENT_ROW_MAX,
      "pairs of partitions that it has room for, 1.4 KB each" },
    { "segment.findings", COUNT, AT(segment.ring_slots), 1, PT_SEGMENT_ROW_MAX,
      "findings that a reader may be behind before it misses some, 1.2 KB each" },
};

const size_t pt_setting_cnt = sizeof(pt_settings) / sizeof(pt_settings[0]);

void pt_config_init(struct pt_config *cfg, const struct pt_pipeline_cfg *defaults)
{
    *cfg = (struct pt_config){ .pipeline = *defaults };
    pt_segment_cfg_init(&cfg->segment);
}

void pt_config_free(struct pt_config *cfg)
{
    for (size_t i = 0; i < cfg->rules.cnt; i++) {
        free((char *)(uintptr_t)cfg->rules.item[i].source);
        free((char *)(uintptr_t)cfg->rules.item[i].target);
    }
    free(cfg->rules.item);
    for (size_t i = 0; i < PT_CLUSTER_CNT; i++)
        pt_cidr_list_free(&cfg->brokers[i]);
    for (size_t i = 0; i < PT_ROLE_CNT; i++)
        pt_str_list_free(&cfg->files[i]);
    pt_str_list_free(&cfg->excluded);
    pt_str_list_free(&cfg->included);
    pt_str_list_free(&cfg->aliases);
}

/* Sizes in the structs are 32 or 64 bits wide. */
static void store_u64(struct pt_config *cfg, const struct setting *s, uint64_t v)
{
    uint8_t *at = (uint8_t *)cfg + s->at;
    uint32_t narrow = (uint32_t)v;

    if (s->width == sizeof(narrow))
        memcpy(at, &narrow, sizeof(narrow));
    else
        memcpy(at, &v, sizeof(v));
}

const char *pt_setting_text(enum setting_kind kind, uint64_t v, char buf[PT_TEXT_MAX])
{
    switch (kind) {
    case SIZE:
        return pt_text_size(v, buf);
    case DURATION:
        return pt_text_duration((int64_t)v, buf);
    case HASH:
        snprintf(buf, PT_TEXT_MAX, "0x%" PRIx64, v);
        return buf;
    case OCTAL:
        snprintf(buf, PT_TEXT_MAX, "0%" PRIo64, v);
        return buf;
    default:
        snprintf(buf, PT_TEXT_MAX, "%" PRIu64, v);
        return buf;
    }
}

static int set_number(struct pt_config *cfg, const struct setting *s, const char *value,
                      struct pt_error *err)
{
    char lowest[PT_TEXT_MAX];
    char highest[PT_TEXT_MAX];
    int64_t ns = 0;
    uint64_t v = 0;
    int rc;

    if (s->kind == SIZE) {
        rc = pt_parse_size(value, &v, err);
    } else if (s->kind == DURATION) {
        rc = pt_parse_duration(value, &ns, err);
        v = (uint64_t)ns;
    } else if (s->kind == OCTAL) {
        rc = pt_parse_octal(value, &v, err);
    } else {
        rc = pt_parse_u64(value, &v, err);
    }
    if (rc)
        return rc;
    if (v < s->min || v > s->max)
        return pt_error_set(err, "\"%s\" is out of range: allowed is %s to %s", value,
                            pt_setting_text(s->kind, s->min, lowest),
                            pt_setting_text(s->kind, s->max, highest));
    if (s->kind == POWER_OF_2 && (v & (v - 1)))
        return pt_error_set(err, "\"%s\" is no power of two", value);
    store_u64(cfg, s, v);
    return 0;
}

static int set_ratio(struct pt_config *cfg, const struct setting *s, const char *value,
                     struct pt_error *err)
{
    double v = 0;
    int rc = pt_parse_ratio(value, &v, err);

    if (rc)
        return rc;
    if (v < (double)s->min || v > (double)s->max)
        return pt_error_set(err, "\"%s\" is out of range: allowed is 0 to 1", value);
    memcpy((uint8_t *)cfg + s->at, &v, sizeof(v));
    return 0;
}

static int set_word(struct pt_config *cfg, const struct setting *s, const char *value,
                    struct pt_error *err)
{
    if (strlen(value) >= s->width)
        return pt_error_set(err, "\"%.80s\" is too long: up to %zu characters are possible", value,
                            s->width - 1);
    snprintf((char *)cfg + s->at, s->width, "%s", value);
    return 0;
}

static int add_rule(struct pt_rule_list *l, const char *source, const char *target,
                    struct pt_error *err)
{
    struct pt_topic_rule rule;
    struct pt_topic_rule *bigger;

    if (!*source || !*target)
        return pt_error_set(err, "a topic map needs two names: source topic and target topic");
    for (size_t i = 0; i < l->cnt; i++) {
        if (!strcmp(l->item[i].source, source))
            return pt_error_set(err, "topic \"%s\" is mapped twice", source);
    }
    bigger = reallocarray(l->item, l->cnt + 1, sizeof(*l->item));
    if (!bigger)
        return -ENOMEM;
    l->item = bigger;
    rule.source = strdup(source);
    rule.target = strdup(target);
    if (!rule.source || !rule.target) {
        free((char *)(uintptr_t)rule.source);
        free((char *)(uintptr_t)rule.target);
        return -ENOMEM;
    }
    l->item[l->cnt++] = rule;
    return 0;
}

/* find returns the setting that `path` names; for maps *ret_rest is the key behind it. */
static const struct setting *find(const char *path, const char **ret_rest)
{
    for (size_t i = 0; i < pt_setting_cnt; i++) {
        const struct setting *s = &pt_settings[i];
        size_t len = strlen(s->path);

        *ret_rest = path + len;
        if (!strcmp(s->path, path))
            return s;
        if (s->kind == RULES && !strncmp(s->path, path, len) && path[len] == '.') {
            *ret_rest = path + len + 1;
            return s;
        }
    }
    return NULL;
}

int pt_config_set(struct pt_config *cfg, const char *path, const char *value, struct pt_error *err)
{
    const char *rest;
    const struct setting *s = find(path, &rest);
    struct pt_cidr cidr;
    int rc;

    if (!s)
        return pt_error_set(err, "there is no setting \"%s\"", path);
    switch (s->kind) {
    case STRINGS:
        if (!*value)
            return pt_error_set(err, "the text is empty");
        return pt_str_list_add((struct pt_str_list *)((uint8_t *)cfg + s->at), value);
    case CIDRS:
        rc = pt_parse_cidr(value, &cidr, err);
        if (rc)
            return rc;
        return pt_cidr_list_add((struct pt_cidr_list *)((uint8_t *)cfg + s->at), &cidr);
    case RULES:
        return add_rule(&cfg->rules, rest, value, err);
    case WORD:
        return set_word(cfg, s, value, err);
    case RATIO:
        return set_ratio(cfg, s, value, err);
    default:
        return set_number(cfg, s, value, err);
    }
}

/* seal_segment finds the group of the readers. */
static int seal_segment(struct pt_config *cfg, struct pt_error *err)
{
    const char *group = cfg->segment_group;
    const struct group *g;
    uint64_t gid = 0;

    cfg->segment.name = cfg->segment_name;
    if (!*group)
        return 0;
    g = getgrnam(group);
    if (!g && (pt_parse_u64(group, &gid, err) || gid >= UINT32_MAX))
        return pt_error_set(err, "segment.group: there is no group \"%s\"", group);
    cfg->segment.group = g ? g->gr_gid : (gid_t)gid;
    return 0;
}

int pt_config_seal(struct pt_config *cfg, struct pt_error *err)
{
    struct pt_pipeline_cfg *p = &cfg->pipeline;

    for (size_t i = 0; i < PT_CLUSTER_CNT; i++) {
        p->roles.brokers[i] = cfg->brokers[i].item;
        p->roles.broker_cnt[i] = cfg->brokers[i].cnt;
    }
    p->policy.rules = cfg->rules.item;
    p->policy.rule_cnt = cfg->rules.cnt;
    p->policy.excluded = (const char *const *)cfg->excluded.item;
    p->policy.excluded_cnt = cfg->excluded.cnt;
    p->policy.included = (const char *const *)cfg->included.item;
    p->policy.included_cnt = cfg->included.cnt;
    p->policy.aliases = (const char *const *)cfg->aliases.item;
    p->policy.alias_cnt = cfg->aliases.cnt;
    if (p->policy.align.window_min > p->policy.align.window_max)
        p->policy.align.window_min = p->policy.align.window_max;
    if (p->streams.store_flow_max > p->streams.store_max)
        return pt_error_set(err, "limits.reorder-connection is larger than limits.reorder");
    return seal_segment(cfg, err);
}

enum pt_path_kind pt_config_path_kind(const char *path)
{
    size_t len = strlen(path);
    const char *rest;
    const struct setting *s = find(path, &rest);

    if (s && s->kind == RULES)
        return *rest ? PT_PATH_VALUE : PT_PATH_MAP;
    if (s)
        return s->kind == STRINGS || s->kind == CIDRS ? PT_PATH_LIST : PT_PATH_VALUE;
    for (size_t i = 0; i < pt_setting_cnt; i++) {
        if (!len || (!strncmp(pt_settings[i].path, path, len) && pt_settings[i].path[len] == '.'))
            return PT_PATH_SECTION;
    }
    return PT_PATH_UNKNOWN;
}

void pt_config_keys(const char *section, char *buf, size_t buf_sz)
{
    size_t skip = *section ? strlen(section) + 1 : 0;
    char last[64] = "";
    size_t at = 0;

    buf[0] = 0;
    for (size_t i = 0; i < pt_setting_cnt && at < buf_sz; i++) {
        const char *path = pt_settings[i].path;
        char key[64];

        if (strncmp(path, section, strlen(section)) || (skip && path[skip - 1] != '.'))
            continue;
        snprintf(key, sizeof(key), "%.*s", (int)strcspn(path + skip, "."), path + skip);
        if (!strcmp(key, last))
            continue;
        at += (size_t)snprintf(buf + at, buf_sz - at, "%s%s", *last ? ", " : "", key);
        snprintf(last, sizeof(last), "%s", key);
    }
}
