/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <yaml.h>

/* Deeper than any setting; nesting beyond it is an error, not a stack. */
#define DEPTH_MAX 8
#define PATH_MAX_SZ 1024
#define KEY_LINES_MAX 128

/* Where the reader is: path of the open mappings, whether the next scalar is a key. */
struct reader {
    struct pt_config *cfg;
    struct pt_error *err;
    const char *file;
    char path[PATH_MAX_SZ];     /* of the value that comes next, or of the open mapping */
    size_t path_len[DEPTH_MAX]; /* length of path at each open mapping */
    unsigned depth;
    bool value_next; /* a key was read, its value follows */
    bool in_list;
    uint32_t set_hash[KEY_LINES_MAX]; /* keys that were seen, to refuse the second */
    size_t set_cnt;
};

static int fail(const struct reader *r, const yaml_event_t *ev, const char *what)
{
    char text[sizeof(r->err->text)];

    snprintf(text, sizeof(text), "%s", what);
    return pt_error_set(r->err, "%s:%zu: %s%s%s", r->file, ev->start_mark.line + 1, r->path,
                        *r->path ? ": " : "", text);
}

static int fail_unknown(struct reader *r, const yaml_event_t *ev, const char *key)
{
    char keys[256];
    char text[sizeof(r->err->text)];

    pt_config_keys(r->path, keys, sizeof(keys));
    snprintf(text, sizeof(text), "unknown key \"%.100s\"; known here: %s", key, keys);
    return fail(r, ev, text);
}

/* A second value for the same key would silently win over the first. */
static int remember_key(struct reader *r, const yaml_event_t *ev)
{
    uint32_t hash = 2166136261u;

    for (const char *s = r->path; *s; s++)
        hash = (hash ^ (uint8_t)*s) * 16777619u;
    for (size_t i = 0; i < r->set_cnt; i++) {
        if (r->set_hash[i] == hash)
            return fail(r, ev, "this key is given twice");
    }
    if (r->set_cnt < KEY_LINES_MAX)
        r->set_hash[r->set_cnt++] = hash;
    return 0;
}

static int take_key(struct reader *r, const yaml_event_t *ev)
{
    const char *key = (const char *)ev->data.scalar.value;
    size_t at = strlen(r->path);
    char whole[PATH_MAX_SZ];
    int len;

    len = snprintf(whole, sizeof(whole), "%s%s%s", r->path, at ? "." : "", key);
    if (len < 0 || (size_t)len >= sizeof(whole) || strlen(key) != ev->data.scalar.length)
        return fail(r, ev, "the key is too long or holds a zero byte");
    if (pt_config_path_kind(whole) == PT_PATH_UNKNOWN)
        return fail_unknown(r, ev, key);
    memcpy(r->path, whole, (size_t)len + 1);
    r->value_next = true;
    return remember_key(r, ev);
}

static void value_done(struct reader *r)
{
    r->path[r->depth ? r->path_len[r->depth - 1] : 0] = 0;
    r->value_next = false;
}

static int take_value(struct reader *r, const yaml_event_t *ev)
{
    const char *value = (const char *)ev->data.scalar.value;
    enum pt_path_kind kind = pt_config_path_kind(r->path);
    struct pt_error why;
    int rc;

    if (strlen(value) != ev->data.scalar.length)
        return fail(r, ev, "the value holds a zero byte");
    if (kind == PT_PATH_SECTION || kind == PT_PATH_MAP) {
        if (*value)
            return fail(r, ev, "expected keys below this one, not a value");
    } else {
        rc = pt_config_set(r->cfg, r->path, value, &why);
        if (rc == -ENOMEM)
            return pt_error_set(r->err, "%s: out of memory", r->file);
        if (rc)
            return fail(r, ev, why.text);
    }
    if (!r->in_list)
        value_done(r);
    return 0;
}

static int open_mapping(struct reader *r, const yaml_event_t *ev)
{
    enum pt_path_kind kind = pt_config_path_kind(r->path);

    if (r->in_list || (r->depth && !r->value_next))
        return fail(r, ev, "a mapping is not expected here");
    if (kind != PT_PATH_SECTION && kind != PT_PATH_MAP)
        return fail(r, ev, "expected a value, not keys");
    if (r->depth == DEPTH_MAX)
        return fail(r, ev, "nested too deeply");
    r->path_len[r->depth++] = strlen(r->path);
    r->value_next = false;
    return 0;
}

static void close_mapping(struct reader *r)
{
    r->depth--;
    value_done(r);
}

static int take_event(struct reader *r, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_SCALAR_EVENT:
        if (!r->depth)
            return fail(r, ev, "expected sections (clusters, topics, limits, policy)");
        return r->value_next ? take_value(r, ev) : take_key(r, ev);
    case YAML_MAPPING_START_EVENT:
        return open_mapping(r, ev);
    case YAML_MAPPING_END_EVENT:
        close_mapping(r);
        return 0;
    case YAML_SEQUENCE_START_EVENT:
        if (r->in_list || pt_config_path_kind(r->path) != PT_PATH_LIST)
            return fail(r, ev, "a list is not expected here");
        r->in_list = true;
        return 0;
    case YAML_SEQUENCE_END_EVENT:
        r->in_list = false;
        value_done(r);
        return 0;
    case YAML_ALIAS_EVENT:
        return fail(r, ev, "YAML aliases are not supported");
    default:
        return 0;
    }
}

static int read_events(struct reader *r, yaml_parser_t *parser)
{
    yaml_event_t ev;
    bool end = false;
    int rc = 0;

    while (!end && !rc) {
        if (!yaml_parser_parse(parser, &ev))
            return pt_error_set(r->err, "%s:%zu: no valid YAML: %s", r->file,
                                parser->problem_mark.line + 1,
                                parser->problem ? parser->problem : "cannot be read");
        rc = take_event(r, &ev);
        end = ev.type == YAML_STREAM_END_EVENT;
        yaml_event_delete(&ev);
    }
    return rc;
}

int pt_config_load(struct pt_config *cfg, const char *file, struct pt_error *err)
{
    struct reader r = { .cfg = cfg, .err = err, .file = file };
    FILE *f = fopen(file, "rb");
    yaml_parser_t parser;
    struct stat st;
    int rc;

    if (f && fstat(fileno(f), &st) == 0 && S_ISDIR(st.st_mode)) {
        fclose(f);
        return pt_error_set(err, "%s: is a directory; name a YAML file", file);
    }
    if (!f)
        return pt_error_set(err, "%s: cannot be opened: %s", file, strerror(errno));
    if (!yaml_parser_initialize(&parser)) {
        fclose(f);
        return pt_error_set(err, "%s: out of memory", file);
    }
    yaml_parser_set_input_file(&parser, f);
    rc = read_events(&r, &parser);
    yaml_parser_delete(&parser);
    fclose(f);
    return rc;
}
