/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/body.h"
#include "parser/records.h"

#define NO_REPLICA (-1) /* a consumer */

static uint32_t topic_of(struct pt_msg *m, const struct pt_walk_event *ev)
{
    if (ev->field == PT_F_TOPIC_ID)
        return pt_topics_by_id(&m->parser->topics, m->conn->cluster, ev->view.data, &m->at);
    return pt_topics_by_name(&m->parser->topics, m->conn->cluster, ev->view, &m->at);
}

static void request_begin(struct pt_msg *m)
{
    m->topic = PT_TOPIC_NONE;
    m->u.fetch = (struct pt_fetch_msg){ .session_epoch = -1, .replica_id = NO_REPLICA };
}

static void request_value(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_fetch_msg *f = &m->u.fetch;

    switch (ev->field) {
    case PT_F_REPLICA_ID:
        f->replica_id = (int32_t)ev->i64;
        break;
    case PT_F_ISOLATION_LEVEL:
        m->req.isolation = (uint8_t)ev->i64;
        break;
    case PT_F_SESSION_ID:
        f->session_id = (int32_t)ev->i64;
        break;
    case PT_F_SESSION_EPOCH:
        f->session_epoch = (int32_t)ev->i64;
        break;
    case PT_F_TOPIC:
    case PT_F_TOPIC_ID:
        m->topic = topic_of(m, ev);
        break;
    case PT_F_PARTITION:
        m->partition = (int32_t)ev->i64;
        break;
    case PT_F_FETCH_OFFSET:
        f->fetch_offset = ev->i64;
        break;
    case PT_F_PARTITIONS: /* an element of the list of forgotten ones */
        pt_fetch_session_forget(&m->conn->session,
                                (struct pt_log_ref){ m->topic, (int32_t)ev->i64 });
        break;
    default:
        break;
    }
}

static void request_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    const struct pt_fetch_msg *f = &m->u.fetch;

    if (ev->kind == PT_WALK_VALUE) {
        request_value(m, ev);
    } else if (ev->kind == PT_WALK_ARRAY_BEGIN && ev->field == PT_F_TOPICS) {
        pt_fetch_session_request(&m->conn->session, f->session_id, f->session_epoch);
    } else if (ev->kind == PT_WALK_STRUCT_END && ev->field == PT_F_PARTITIONS) {
        struct pt_log_ref log = { m->topic, m->partition };

        if (log.topic != PT_TOPIC_NONE)
            pt_fetch_session_name(&m->conn->session, log, f->fetch_offset, m->req.number);
    }
}

static void request_end(struct pt_msg *m, enum pt_body_end how)
{
    struct pt_request *req = pt_exchange_number(&m->conn->exchange, m->req.number);

    if (how != PT_BODY_WHOLE)
        pt_fetch_session_void(&m->conn->session);
    else if (m->u.fetch.replica_id != NO_REPLICA)
        m->conn->fetch_source = PT_SRC_FETCH_FOLLOWER;
    else if (m->conn->fetch_source == PT_SRC_CNT)
        m->conn->fetch_source = PT_SRC_FETCH_CONSUMER;
    if (!req)
        return;
    req->isolation = m->req.isolation;
    /* Who fetches stands at the end of newer versions. If that was not seen it may be a follower,
     * whose data may lie above the high watermark. */
    if (how == PT_BODY_WHOLE && m->u.fetch.replica_id == NO_REPLICA)
        req->source = PT_SRC_FETCH_CONSUMER;
}

const struct pt_body pt_body_fetch_request = {
    .begin = request_begin,
    .field = request_field,
    .end = request_end,
};

static void response_begin(struct pt_msg *m)
{
    m->topic = PT_TOPIC_NONE;
    m->u.fetch = (struct pt_fetch_msg){ 0 };
}

static void list_aborted(struct pt_msg *m)
{
    struct pt_fetch_msg *f = &m->u.fetch;
    uint32_t max = f->aborted_max ? 2 * f->aborted_max : 4;
    struct pt_obs_aborted_txn *p;

    if (f->aborted_cnt == PT_OBS_ABORTED_MAX) {
        f->list_cut = true;
        return;
    }
    if (f->aborted_cnt == f->aborted_max) {
        p = pt_mem_resize(m->parser->mem, f->aborted, f->aborted_max * sizeof(*p),
                          max * sizeof(*p));
        if (!p) {
            f->list_cut = true;
            return;
        }
        f->aborted = p;
        f->aborted_max = max;
    }
    f->aborted[f->aborted_cnt++] = f->txn;
}

static void partition_begin(struct pt_fetch_msg *f)
{
    f->in_partition = true;
    f->partition_error = 0;
    f->high_watermark = -1;
    f->last_stable_offset = -1;
    f->log_start_offset = -1;
    f->listed = false;
    f->list_cut = false;
    f->aborted_cnt = 0;
}

static void partition_records(struct pt_msg *m, int64_t len)
{
    const struct pt_fetch_msg *f = &m->u.fetch;
    struct pt_log_ref log = { m->topic, m->partition };
    int64_t asked = -1;
    struct pt_obs_bounds *o;

    if (log.topic != PT_TOPIC_NONE && !m->orphan) {
        asked = pt_fetch_session_offset(&m->conn->session, log, m->req.number);
        m->named |= asked >= 0;
        m->strange |= asked < 0;
        if (len > 0)
            pt_fetch_session_data(&m->conn->session, log, m->req.number);
    }
    if (log.topic != PT_TOPIC_NONE && m->bounds) {
        o = pt_obs_put(m->parser->out, PT_OBS_BOUNDS, m->conn->cluster, &m->at, sizeof(*o), 0);
        o->head.topic = log.topic;
        o->head.partition = log.partition;
        o->high_watermark = f->high_watermark;
        o->last_stable_offset = f->last_stable_offset;
        o->log_start_offset = f->log_start_offset;
        o->fetch_offset = asked;
        o->client = m->conn->client;
        o->error_code = f->partition_error;
        o->source = m->req.source;
    }
    pt_records_begin(m, log, m->req.source, asked);
}

static void response_value(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_fetch_msg *f = &m->u.fetch;

    switch (ev->field) {
    case PT_F_ERROR_CODE:
        if (f->in_partition)
            f->partition_error = (int16_t)ev->i64;
        else
            f->error_code = (int16_t)ev->i64;
        break;
    case PT_F_SESSION_ID:
        f->session_id = (int32_t)ev->i64;
        break;
    case PT_F_TOPIC:
    case PT_F_TOPIC_ID:
        m->topic = topic_of(m, ev);
        break;
    case PT_F_PARTITION_INDEX:
        m->partition = (int32_t)ev->i64;
        break;
    case PT_F_HIGH_WATERMARK:
        f->high_watermark = ev->i64;
        break;
    case PT_F_LAST_STABLE_OFFSET:
        f->last_stable_offset = ev->i64;
        break;
    case PT_F_LOG_START_OFFSET:
        f->log_start_offset = ev->i64;
        break;
    case PT_F_PRODUCER_ID:
        f->txn.producer_id = ev->i64;
        break;
    case PT_F_FIRST_OFFSET:
        f->txn.first_offset = ev->i64;
        break;
    default:
        break;
    }
}

static void response_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_fetch_msg *f = &m->u.fetch;

    switch (ev->kind) {
    case PT_WALK_VALUE:
        response_value(m, ev);
        break;
    case PT_WALK_ARRAY_BEGIN:
        if (ev->field == PT_F_RESPONSES && !m->orphan)
            pt_fetch_session_response(&m->conn->session, f->error_code, f->session_id);
        else if (ev->field == PT_F_ABORTED_TRANSACTIONS)
            f->listed = ev->i64 >= 0;
        break;
    case PT_WALK_STRUCT_BEGIN:
        if (ev->field == PT_F_PARTITIONS)
            partition_begin(f);
        break;
    case PT_WALK_STRUCT_END:
        if (ev->field == PT_F_PARTITIONS)
            f->in_partition = false;
        else if (ev->field == PT_F_ABORTED_TRANSACTIONS)
            list_aborted(m);
        break;
    case PT_WALK_RECORDS:
        partition_records(m, ev->i64);
        break;
    default:
        break;
    }
}

static void response_end(struct pt_msg *m, enum pt_body_end how)
{
    struct pt_fetch_msg *f = &m->u.fetch;

    if (how != PT_BODY_WHOLE) {
        pt_records_aborted(m);
        pt_fetch_session_void(&m->conn->session);
    }
    pt_mem_free(m->parser->mem, f->aborted, f->aborted_max * sizeof(*f->aborted));
    f->aborted = NULL;
}

const struct pt_body pt_body_fetch_response = {
    .begin = response_begin,
    .field = response_field,
    .records_end = pt_records_aborted,
    .end = response_end,
};
