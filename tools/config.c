/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/config_pvt.h"

#include <errno.h>
#include <grp.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void pt_config_init(struct pt_config *cfg, const struct pt_pipeline_cfg *defaults)
{
    *cfg = (struct pt_config){
        .pipeline = *defaults,
        .finding_rotate_sz = 64u << 20,
        .finding_keep = 8,
        .finding_fsync = 2,
    };
    pt_segment_cfg_init(&cfg->segment);
    pt_live_cfg_init(&cfg->live);
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
    for (size_t i = 0; i < PT_ROLE_CNT; i++) {
        pt_str_list_free(&cfg->files[i]);
        pt_str_list_free(&cfg->ports[i]);
    }
    pt_number_list_free(&cfg->cores);
    pt_number_list_free(&cfg->broker_ports);
    pt_str_list_free(&cfg->eal);
    pt_ns_list_free(&cfg->clock_offsets);
    pt_str_list_free(&cfg->excluded);
    pt_str_list_free(&cfg->included);
    pt_str_list_free(&cfg->aliases);
    for (size_t i = 0; i <= PT_CLUSTER_CNT; i++)
        pt_str_list_free(&cfg->id_files[i]);
    pt_topic_ids_free(&cfg->topic_ids);
}

/* Numbers in the structs are 8 to 64 bits wide; the machine is little-endian. */
static void store_u64(struct pt_config *cfg, const struct setting *s, uint64_t v)
{
    memcpy((uint8_t *)cfg + s->at, &v, s->width);
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

static int set_choice(struct pt_config *cfg, const struct setting *s, const char *value,
                      struct pt_error *err)
{
    bool yes_or_no = !strncmp(s->help, "no|yes:", 7);
    const char *asked = value;
    uint64_t n = 0;
    size_t len;

    if (yes_or_no && !strcmp(value, "true")) /* YAML's other words */
        asked = "yes";
    else if (yes_or_no && !strcmp(value, "false"))
        asked = "no";
    len = strlen(asked);
    for (const char *word = s->help; *word && *word != ':'; n++) {
        size_t word_len = strcspn(word, "|:");

        if (word_len == len && !memcmp(word, asked, len)) {
            store_u64(cfg, s, n);
            return 0;
        }
        word += word_len + (word[word_len] == '|');
    }
    return pt_error_set(err, "\"%.80s\" is none of %.*s", value, (int)strcspn(s->help, ":"),
                        s->help);
}

static int add_number(struct pt_config *cfg, const struct setting *s, const char *value,
                      struct pt_error *err)
{
    uint64_t v = 0;
    int rc = pt_parse_u64(value, &v, err);

    if (rc)
        return rc;
    if (v < s->min || v > s->max)
        return pt_error_set(err, "\"%s\" is out of range: allowed is %" PRIu64 " to %" PRIu64,
                            value, s->min, s->max);
    return pt_number_list_add((struct pt_number_list *)((uint8_t *)cfg + s->at), (uint16_t)v);
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

static int add_offset(struct pt_ns_list *l, const char *name, const char *value,
                      struct pt_error *err)
{
    int64_t ns;
    int rc = pt_parse_offset(value, &ns, err);

    if (rc)
        return rc;
    if (!*name)
        return pt_error_set(err, "an offset needs the name of its file");
    for (size_t i = 0; i < l->cnt; i++)
        if (!strcmp(l->item[i].name, name))
            return pt_error_set(err, "\"%.200s\" has two offsets", name);
    return pt_ns_list_add(l, name, ns);
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
        if ((s->kind == RULES || s->kind == OFFSETS) && !strncmp(s->path, path, len) &&
            path[len] == '.') {
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
    case OFFSETS:
        return add_offset((struct pt_ns_list *)((uint8_t *)cfg + s->at), rest, value, err);
    case NUMBERS:
        return add_number(cfg, s, value, err);
    case CHOICE:
        return set_choice(cfg, s, value, err);
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

static void seal_live(struct pt_config *cfg)
{
    struct pt_live_cfg *live = &cfg->live;

    for (size_t i = 0; i < PT_ROLE_CNT; i++) {
        live->device[i] = (const char *const *)cfg->ports[i].item;
        live->device_cnt[i] = (unsigned)cfg->ports[i].cnt;
    }
    live->core = cfg->cores.item;
    live->core_cnt = (unsigned)cfg->cores.cnt;
    live->eal_arg = (const char *const *)cfg->eal.item;
    live->eal_arg_cnt = (unsigned)cfg->eal.cnt;
}

int pt_config_load_ids(struct pt_config *cfg, bool single, struct pt_error *err)
{
    struct pt_topic_ids *ids = &cfg->topic_ids;
    unsigned unsaid = single ? PT_CLUSTER_SOURCE : PT_CLUSTER_NONE;
    int rc = 0;

    for (unsigned c = 0; c <= PT_CLUSTER_CNT; c++)
        for (size_t i = 0; !rc && i < cfg->id_files[c].cnt; i++)
            rc = pt_topic_ids_load(ids, cfg->id_files[c].item[i], c < PT_CLUSTER_CNT ? c : unsaid,
                                   err);
    if (!rc && cfg->learn_file[0] && !access(cfg->learn_file, F_OK))
        rc = pt_topic_ids_load(ids, cfg->learn_file, unsaid, err);
    for (size_t i = 0; single && i < ids->cnt; i++)
        ids->item[i].cluster = PT_CLUSTER_SOURCE;
    return rc ? rc : pt_topic_ids_seal(ids, err);
}

int pt_config_seal(struct pt_config *cfg, struct pt_error *err)
{
    struct pt_pipeline_cfg *p = &cfg->pipeline;

    for (size_t i = 0; i < PT_CLUSTER_CNT; i++) {
        p->roles.brokers[i] = cfg->brokers[i].item;
        p->roles.broker_cnt[i] = cfg->brokers[i].cnt;
    }
    p->policy.given_ids = cfg->topic_ids.item;
    p->policy.given_id_cnt = cfg->topic_ids.cnt;
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
    if (cfg->broker_ports.cnt > PT_NIC_BROKER_PORTS_MAX)
        return pt_error_set(err, "live.broker-ports: %zu ports, at most %u are possible",
                            cfg->broker_ports.cnt, PT_NIC_BROKER_PORTS_MAX);
    cfg->live.broker_port_cnt = (unsigned)cfg->broker_ports.cnt;
    for (size_t i = 0; i < cfg->broker_ports.cnt; i++)
        cfg->live.broker_port[i] = cfg->broker_ports.item[i];
    seal_live(cfg);
    return seal_segment(cfg, err);
}

enum pt_path_kind pt_config_path_kind(const char *path)
{
    size_t len = strlen(path);
    const char *rest;
    const struct setting *s = find(path, &rest);

    if (s && (s->kind == RULES || s->kind == OFFSETS))
        return *rest ? PT_PATH_VALUE : PT_PATH_MAP;
    if (s)
        return s->kind == STRINGS || s->kind == CIDRS || s->kind == NUMBERS ? PT_PATH_LIST
                                                                            : PT_PATH_VALUE;
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
