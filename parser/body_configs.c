/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is said of a topic's cleanup.policy: a broker's description of it, and the requests that ask
 * for another one. Whether those succeed makes no difference: from then on it may be another.
 */
#include "parser/body.h"

#define RESOURCE_TOPIC 2
#define OPERATION_SET 0

void pt_body_cleanup(struct pt_msg *m, struct pt_view topic, uint8_t policy)
{
    uint32_t number = pt_topics_by_name(&m->parser->topics, m->conn->cluster, topic, &m->at);
    struct pt_obs_cleanup *o;

    if (number == PT_TOPIC_NONE)
        return;
    o = pt_obs_put(m->parser->out, PT_OBS_CLEANUP, m->conn->cluster, &m->at, sizeof(*o), 0);
    o->head.topic = number;
    o->policy = policy;
}

static bool is(struct pt_view v, const char *text)
{
    return v.data && v.len == strlen(text) && !memcmp(v.data, text, v.len);
}

bool pt_body_is_cleanup(struct pt_view name)
{
    return is(name, "cleanup.policy");
}

uint8_t pt_body_cleanup_policy(struct pt_view value)
{
    return is(value, "delete") ? PT_CLEANUP_DELETE : PT_CLEANUP_OTHER;
}

static void begin(struct pt_msg *m)
{
    memset(&m->u.configs, 0, sizeof(m->u.configs));
}

static void end(struct pt_msg *m, enum pt_body_end how)
{
    (void)m; /* what was told was told */
    (void)how;
}

static void value(struct pt_config_msg *c, const struct pt_walk_event *ev)
{
    switch (ev->field) {
    case PT_F_ERROR_CODE:
        c->error_code = (int16_t)ev->i64;
        break;
    case PT_F_RESOURCE_TYPE:
        c->resource_type = (int8_t)ev->i64;
        break;
    case PT_F_RESOURCE_NAME:
        c->name_len = 0;
        if (ev->view.data && ev->view.len <= sizeof(c->name)) {
            memcpy(c->name, ev->view.data, ev->view.len);
            c->name_len = (uint16_t)ev->view.len;
        }
        break;
    case PT_F_NAME:
        if (!c->in_synonym)
            c->is_cleanup = pt_body_is_cleanup(ev->view);
        break;
    case PT_F_CONFIG_OPERATION:
        c->operation = (int8_t)ev->i64;
        break;
    case PT_F_VALUE:
        if (c->is_cleanup && !c->in_synonym)
            c->policy = c->operation == OPERATION_SET ? pt_body_cleanup_policy(ev->view)
                                                      : PT_CLEANUP_OTHER;
        break;
    default:
        break;
    }
}

/* resource goes through one resource; true at its end. */
static bool resource(struct pt_msg *m, const struct pt_walk_event *ev, enum pt_field field)
{
    struct pt_config_msg *c = &m->u.configs;

    if (ev->kind == PT_WALK_VALUE) {
        value(c, ev);
    } else if (ev->kind == PT_WALK_STRUCT_BEGIN || ev->kind == PT_WALK_STRUCT_END) {
        bool begins = ev->kind == PT_WALK_STRUCT_BEGIN;

        if (ev->field == PT_F_SYNONYMS)
            c->in_synonym = begins;
        else if (ev->field == field && begins)
            begin(m);
        return ev->field == field && !begins && c->resource_type == RESOURCE_TOPIC && c->name_len;
    }
    return false;
}

static struct pt_view name_of(const struct pt_config_msg *c)
{
    return (struct pt_view){ (const uint8_t *)c->name, c->name_len };
}

static void described(struct pt_msg *m, const struct pt_walk_event *ev)
{
    const struct pt_config_msg *c = &m->u.configs;

    if (resource(m, ev, PT_F_RESULTS) && !c->error_code && c->policy)
        pt_body_cleanup(m, name_of(c), c->policy);
}

/* AlterConfigs replaces everything: what it does not name goes back to a default. */
static void altered(struct pt_msg *m, const struct pt_walk_event *ev)
{
    const struct pt_config_msg *c = &m->u.configs;

    if (resource(m, ev, PT_F_RESOURCES) && c->policy != PT_CLEANUP_DELETE &&
        (c->policy || m->req.api_key == PT_API_ALTER_CONFIGS))
        pt_body_cleanup(m, name_of(c), PT_CLEANUP_OTHER);
}

const struct pt_body pt_body_describe_configs_response = {
    .begin = begin,
    .field = described,
    .end = end,
};

const struct pt_body pt_body_alter_configs_request = {
    .begin = begin,
    .field = altered,
    .end = end,
};
