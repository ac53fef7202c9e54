/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/body.h"

/* A value of the controllers' metadata log (kafka-wire.md 1.10):
 *   frame version uvarint (1) | record type uvarint | record version uvarint | body */
#define METALOG_FRAME 1u

#define RESOURCE_TOPIC 2

struct value { /* the fields of all record types that are looked at */
    uint8_t topic_id[16];
    struct pt_view name;
    struct pt_view host;
    struct pt_view resource;
    struct pt_view config;
    int8_t resource_type;
    int32_t partition;
    int32_t node_id;
    int32_t leader;
    int32_t leader_epoch;
    int32_t port;
};

static void value_field(struct value *v, const struct pt_walk_event *ev)
{
    switch (ev->field) {
    case PT_F_TOPIC_ID:
        if (ev->view.len == sizeof(v->topic_id))
            memcpy(v->topic_id, ev->view.data, sizeof(v->topic_id));
        break;
    case PT_F_NAME:
        v->name = ev->view;
        break;
    case PT_F_RESOURCE_TYPE:
        v->resource_type = (int8_t)ev->i64;
        break;
    case PT_F_RESOURCE_NAME:
        v->resource = ev->view;
        break;
    case PT_F_VALUE:
        v->config = ev->view;
        break;
    case PT_F_PARTITION_ID:
        v->partition = (int32_t)ev->i64;
        break;
    case PT_F_LEADER:
        v->leader = (int32_t)ev->i64;
        break;
    case PT_F_LEADER_EPOCH:
        v->leader_epoch = (int32_t)ev->i64;
        break;
    case PT_F_BROKER_ID:
        v->node_id = (int32_t)ev->i64;
        break;
    case PT_F_HOST:
        v->host = ev->view;
        break;
    case PT_F_PORT:
        v->port = (int32_t)ev->i64;
        break;
    default:
        break;
    }
}

/* tell sends what a whole record says. A partition's change without a leader says nothing new. */
static void tell(struct pt_msg *m, uint64_t type, const struct value *v)
{
    uint32_t topic;

    switch (type) {
    case PT_RECORD_TOPIC:
        pt_body_topic_id(m, PT_OBS_TOPIC_ID, v->topic_id, v->name, false);
        break;
    case PT_RECORD_REMOVE_TOPIC:
        pt_body_topic_id(m, PT_OBS_TOPIC_DELETED, v->topic_id, (struct pt_view){ 0 }, false);
        break;
    case PT_RECORD_PARTITION:
    case PT_RECORD_PARTITION_CHANGE:
        if (v->leader == INT32_MIN)
            break;
        topic = pt_topics_by_id(&m->parser->topics, m->conn->cluster, v->topic_id, &m->at);
        pt_body_partition(m, topic, v->partition, v->leader, v->leader_epoch, -1);
        break;
    case PT_RECORD_CONFIG:
        if (v->resource_type == RESOURCE_TOPIC && pt_body_is_cleanup(v->name))
            pt_body_cleanup(m, v->resource, pt_body_cleanup_policy(v->config));
        break;
    default:
        break;
    }
}

static void read_value(struct pt_msg *m, struct pt_view bytes)
{
    struct pt_cursor c = pt_cur(bytes.data, bytes.len);
    struct value v = { .leader = INT32_MIN, .leader_epoch = -1 };
    uint64_t frame = pt_cur_uvarint(&c, 5);
    uint64_t type = pt_cur_uvarint(&c, 5);
    uint64_t version = pt_cur_uvarint(&c, 5);
    const struct pt_layout *layout;
    struct pt_walk_event ev;
    struct pt_walk w;
    uint32_t needed;

    if (!pt_cur_ok(&c) || frame != METALOG_FRAME || type > UINT32_MAX || version > UINT32_MAX)
        return;
    layout = pt_layout_find_record((uint32_t)type, (uint32_t)version);
    if (!layout)
        return;
    pt_walk_begin(&w, layout, (uint32_t)pt_cur_left(&c));
    while (pt_walk_next(&w, &c, &ev, &needed) == PT_OK) {
        if (ev.kind == PT_WALK_VALUE)
            value_field(&v, &ev);
        else if (type == PT_RECORD_REGISTER_BROKER && ev.kind == PT_WALK_STRUCT_END &&
                 ev.field == PT_F_END_POINTS && v.host.len <= UINT8_MAX)
            pt_body_broker(m, v.node_id, v.host, v.port);
        if (ev.kind == PT_WALK_END) {
            tell(m, type, &v);
            return;
        }
    }
}

void pt_metalog_batch(struct pt_msg *m, uint32_t record_cnt)
{
    struct pt_view key;
    struct pt_view value;

    for (uint32_t i = 0; i < record_cnt; i++)
        if (pt_batch_value(m->parser->reader, i, &key, &value) == PT_OK && value.data)
            read_value(m, value);
}
