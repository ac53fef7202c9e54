/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/body.h"

static const uint8_t NO_ID[16];

void pt_body_topic_id(struct pt_msg *m, enum pt_obs_kind kind, const uint8_t id[16],
                      struct pt_view name, bool internal)
{
    struct pt_obs_topic_id *o;

    bool has_id = memcmp(id, NO_ID, sizeof(NO_ID)) != 0;

    if (name.len > PT_TOPIC_NAME_MAX ||
        (kind == PT_OBS_TOPIC_ID ? !has_id || !name.len : !has_id && !name.len))
        return;
    o = pt_obs_put(m->parser->out, kind, m->conn->cluster, &m->at, sizeof(*o), name.len);
    memcpy(o->id, id, sizeof(o->id));
    o->internal = internal;
    o->name_len = (uint32_t)name.len;
    if (name.len)
        memcpy(o->name, name.data, name.len);
}

void pt_body_partition(struct pt_msg *m, uint32_t topic, int32_t partition, int32_t leader_id,
                       int32_t leader_epoch, int32_t replica_cnt)
{
    struct pt_obs_partition *o;

    if (topic == PT_TOPIC_NONE)
        return;
    o = pt_obs_put(m->parser->out, PT_OBS_PARTITION, m->conn->cluster, &m->at, sizeof(*o), 0);
    o->head.topic = topic;
    o->head.partition = partition;
    o->leader_id = leader_id;
    o->leader_epoch = leader_epoch;
    o->replica_cnt = replica_cnt;
}

void pt_body_broker(struct pt_msg *m, int32_t node_id, struct pt_view host, int32_t port)
{
    struct pt_obs_broker *o;

    o = pt_obs_put(m->parser->out, PT_OBS_BROKER, m->conn->cluster, &m->at, sizeof(*o), host.len);
    o->node_id = node_id;
    o->port = port;
    o->host_len = (uint32_t)host.len;
    if (host.len)
        memcpy(o->host, host.data, host.len);
}

static void put_cluster_id(struct pt_msg *m, struct pt_view id)
{
    struct pt_obs_cluster_id *o;

    if (!id.len || id.len > PT_CLIENT_ID_MAX)
        return;
    o = pt_obs_put(m->parser->out, PT_OBS_CLUSTER_ID, m->conn->cluster, &m->at, sizeof(*o), id.len);
    o->id_len = (uint32_t)id.len;
    memcpy(o->id, id.data, id.len);
}

/* keep copies a string, whose bytes are only lent, cut to what the field holds. */
static uint16_t keep(char *to, size_t to_sz, struct pt_view v)
{
    size_t len = v.len < to_sz ? v.len : to_sz;

    if (len && v.data)
        memcpy(to, v.data, len);
    return v.data ? (uint16_t)len : 0;
}

static struct pt_view name_of(const struct pt_metadata_msg *d)
{
    return (struct pt_view){ (const uint8_t *)d->name, d->name_len };
}

static void begin(struct pt_msg *m)
{
    m->topic = PT_TOPIC_NONE;
    memset(&m->u.metadata, 0, sizeof(m->u.metadata));
}

static void end(struct pt_msg *m, enum pt_body_end how)
{
    (void)m; /* what was told was told */
    (void)how;
}

static void topic_begin(struct pt_metadata_msg *d)
{
    memset(d->topic_id, 0, sizeof(d->topic_id));
    d->name_len = 0;
    d->error_code = 0;
    d->internal = false;
    d->policy = 0;
    d->in_topic = true;
}

/* partitions_begin: everything about the topic stands in front of its partitions. */
static void partitions_begin(struct pt_msg *m)
{
    struct pt_metadata_msg *d = &m->u.metadata;

    m->topic = PT_TOPIC_NONE;
    if (d->error_code)
        return;
    pt_body_topic_id(m, PT_OBS_TOPIC_ID, d->topic_id, name_of(d), d->internal);
    if (d->name_len)
        m->topic = pt_topics_by_name(&m->parser->topics, m->conn->cluster, name_of(d), &m->at);
    else
        m->topic = pt_topics_by_id(&m->parser->topics, m->conn->cluster, d->topic_id, &m->at);
}

static void metadata_value(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_metadata_msg *d = &m->u.metadata;

    switch (ev->field) {
    case PT_F_NODE_ID:
    case PT_F_BROKER_ID:
        d->node_id = (int32_t)ev->i64;
        break;
    case PT_F_HOST:
        d->host_len = keep(d->host, sizeof(d->host), ev->view);
        break;
    case PT_F_PORT:
        d->port = (int32_t)ev->i64;
        break;
    case PT_F_CLUSTER_ID:
        put_cluster_id(m, ev->view);
        break;
    case PT_F_ERROR_CODE:
        if (d->in_partition)
            d->partition_error = (int16_t)ev->i64;
        else
            d->error_code = (int16_t)ev->i64;
        break;
    case PT_F_NAME:
        if (d->in_topic)
            d->name_len = keep(d->name, sizeof(d->name), ev->view);
        break;
    case PT_F_TOPIC_ID:
        if (ev->view.len == sizeof(d->topic_id))
            memcpy(d->topic_id, ev->view.data, sizeof(d->topic_id));
        break;
    case PT_F_IS_INTERNAL:
        d->internal = ev->i64 != 0;
        break;
    case PT_F_PARTITION_INDEX:
        m->partition = (int32_t)ev->i64;
        break;
    case PT_F_LEADER_ID:
        d->leader_id = (int32_t)ev->i64;
        break;
    case PT_F_LEADER_EPOCH:
        d->leader_epoch = (int32_t)ev->i64;
        break;
    default:
        break;
    }
}

static void metadata_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_metadata_msg *d = &m->u.metadata;
    bool opens = ev->kind == PT_WALK_STRUCT_BEGIN;

    if (ev->kind == PT_WALK_VALUE) {
        metadata_value(m, ev);
    } else if (ev->kind == PT_WALK_ARRAY_BEGIN) {
        if (ev->field == PT_F_PARTITIONS)
            partitions_begin(m);
        else if (ev->field == PT_F_REPLICA_NODES)
            d->replica_cnt = (int32_t)ev->i64;
    } else if (ev->kind == PT_WALK_STRUCT_BEGIN || ev->kind == PT_WALK_STRUCT_END) {
        if (ev->field == PT_F_TOPICS && opens)
            topic_begin(d);
        if (ev->field == PT_F_TOPICS)
            d->in_topic = opens;
        if (ev->field == PT_F_BROKERS && !opens)
            pt_body_broker(m, d->node_id, (struct pt_view){ (uint8_t *)d->host, d->host_len },
                           d->port);
        if (ev->field != PT_F_PARTITIONS)
            return;
        d->in_partition = opens;
        if (opens)
            d->leader_epoch = d->leader_id = d->replica_cnt = -1;
        else
            pt_body_partition(m, m->topic, m->partition, d->leader_id, d->leader_epoch,
                              d->replica_cnt);
    }
}

const struct pt_body pt_body_metadata_response = {
    .begin = begin,
    .field = metadata_field,
    .end = end,
};

static void create_request_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_request *req;

    if (ev->kind != PT_WALK_VALUE || ev->field != PT_F_VALIDATE_ONLY || !ev->i64)
        return;
    req = pt_exchange_number(&m->conn->exchange, m->req.number);
    if (req)
        req->dry_run = true;
}

const struct pt_body pt_body_create_topics_request = {
    .begin = begin,
    .field = create_request_field,
    .end = end,
};

static void topic_created(struct pt_msg *m)
{
    const struct pt_metadata_msg *d = &m->u.metadata;

    if (d->error_code || m->req.dry_run)
        return;
    pt_body_topic_id(m, PT_OBS_TOPIC_ID, d->topic_id, name_of(d), false);
    if (d->policy && d->name_len)
        pt_body_cleanup(m, name_of(d), d->policy);
}

static void create_response_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_metadata_msg *d = &m->u.metadata;

    if (ev->kind == PT_WALK_VALUE && d->in_config) {
        if (ev->field == PT_F_NAME)
            d->is_cleanup = pt_body_is_cleanup(ev->view);
        else if (ev->field == PT_F_VALUE && d->is_cleanup)
            d->policy = pt_body_cleanup_policy(ev->view);
    } else if (ev->kind == PT_WALK_VALUE) {
        metadata_value(m, ev);
    } else if (ev->field == PT_F_CONFIGS) {
        d->in_config = ev->kind == PT_WALK_STRUCT_BEGIN;
    } else if (ev->field == PT_F_TOPICS && ev->kind == PT_WALK_STRUCT_BEGIN) {
        topic_begin(d);
    } else if (ev->field == PT_F_TOPICS && ev->kind == PT_WALK_STRUCT_END) {
        topic_created(m);
    }
}

const struct pt_body pt_body_create_topics_response = {
    .begin = begin,
    .field = create_response_field,
    .end = end,
};

static void delete_response_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_metadata_msg *d = &m->u.metadata;

    if (ev->kind == PT_WALK_VALUE) {
        metadata_value(m, ev);
    } else if (ev->field == PT_F_RESPONSES && ev->kind == PT_WALK_STRUCT_BEGIN) {
        topic_begin(d);
    } else if (ev->field == PT_F_RESPONSES && ev->kind == PT_WALK_STRUCT_END) {
        if (!d->error_code)
            pt_body_topic_id(m, PT_OBS_TOPIC_DELETED, d->topic_id, name_of(d), false);
    }
}

const struct pt_body pt_body_delete_topics_response = {
    .begin = begin,
    .field = delete_response_field,
    .end = end,
};

static void delete_records_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_metadata_msg *d = &m->u.metadata;
    struct pt_obs_bounds *o;

    if (ev->kind == PT_WALK_VALUE) {
        if (ev->field == PT_F_NAME)
            m->topic = pt_topics_by_name(&m->parser->topics, m->conn->cluster, ev->view, &m->at);
        else if (ev->field == PT_F_LOW_WATERMARK)
            d->low_watermark = ev->i64;
        else
            metadata_value(m, ev);
        return;
    }
    if (ev->field != PT_F_PARTITIONS || ev->kind != PT_WALK_STRUCT_END || d->error_code ||
        m->topic == PT_TOPIC_NONE)
        return;
    o = pt_obs_put(m->parser->out, PT_OBS_BOUNDS, m->conn->cluster, &m->at, sizeof(*o), 0);
    o->head.topic = m->topic;
    o->head.partition = m->partition;
    o->high_watermark = -1;
    o->last_stable_offset = -1;
    o->log_start_offset = d->low_watermark;
    o->fetch_offset = -1;
    o->client = m->conn->client;
    o->source = PT_SRC_PRODUCE;
}

const struct pt_body pt_body_delete_records_response = {
    .begin = begin,
    .field = delete_records_field,
    .end = end,
};
