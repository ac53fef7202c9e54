/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/body.h"

static void api_versions_begin(struct pt_msg *m)
{
    m->conn->software_len = 0;
}

/* api_versions_field keeps "name version" of the client's software (version 3 and newer). */
static void api_versions_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_conn *c = m->conn;
    size_t room = sizeof(c->software) - c->software_len;
    size_t len = ev->view.len;

    if (ev->kind != PT_WALK_VALUE || !ev->view.data)
        return;
    if (ev->field == PT_F_CLIENT_SOFTWARE_VERSION && room > 1) {
        c->software[c->software_len++] = ' ';
        room--;
    } else if (ev->field != PT_F_CLIENT_SOFTWARE_NAME) {
        return;
    }
    if (len > room)
        len = room;
    memcpy(c->software + c->software_len, ev->view.data, len);
    c->software_len = (uint8_t)(c->software_len + len);
}

static void api_versions_end(struct pt_msg *m, enum pt_body_end how)
{
    if (how == PT_BODY_WHOLE && m->conn->software_len)
        pt_conn_announce(m->conn, &m->at);
}

const struct pt_body pt_body_api_versions_request = {
    .begin = api_versions_begin,
    .field = api_versions_field,
    .end = api_versions_end,
};

const struct pt_body *pt_body_find(int16_t api_key, enum pt_dir dir)
{
    bool request = dir == PT_DIR_REQUEST;

    switch (api_key) {
    case PT_API_PRODUCE:
        return request ? &pt_body_produce_request : &pt_body_produce_response;
    case PT_API_FETCH:
        return request ? &pt_body_fetch_request : &pt_body_fetch_response;
    case PT_API_METADATA:
    case PT_API_DESCRIBE_TOPIC_PARTITIONS:
    case PT_API_DESCRIBE_CLUSTER:
        return request ? NULL : &pt_body_metadata_response;
    case PT_API_CREATE_TOPICS:
        return request ? &pt_body_create_topics_request : &pt_body_create_topics_response;
    case PT_API_DELETE_TOPICS:
        return request ? NULL : &pt_body_delete_topics_response;
    case PT_API_DELETE_RECORDS:
        return request ? NULL : &pt_body_delete_records_response;
    case PT_API_DESCRIBE_CONFIGS:
        return request ? NULL : &pt_body_describe_configs_response;
    case PT_API_ALTER_CONFIGS:
    case PT_API_INCREMENTAL_ALTER_CONFIGS:
        return request ? &pt_body_alter_configs_request : NULL;
    case PT_API_API_VERSIONS:
        return request ? &pt_body_api_versions_request : NULL;
    default:
        return NULL;
    }
}
