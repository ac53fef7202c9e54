/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/body.h"
#include "parser/records.h"

static void put_outcome(struct pt_conn *c, const struct pt_request *req, struct pt_log_ref log,
                        enum pt_produce_outcome outcome, int16_t error_code, int64_t base_offset,
                        int64_t append_time_ms, const struct pt_packet_ref *at)
{
    struct pt_obs_produce_outcome *o;

    if (log.topic == PT_TOPIC_NONE)
        return;
    o = pt_obs_put(c->parser->out, PT_OBS_PRODUCE_OUTCOME, c->cluster, at, sizeof(*o), 0);
    o->head.topic = log.topic;
    o->head.partition = log.partition;
    o->base_offset = outcome == PT_PRODUCE_ACKED ? base_offset : -1;
    o->log_append_time_ms = append_time_ms;
    o->client = c->client;
    o->request = req->number;
    o->error_code = error_code;
    o->acks = req->acks;
    o->outcome = (uint8_t)outcome;
}

void pt_produce_unknown(struct pt_conn *c, const struct pt_request *req,
                        const struct pt_packet_ref *at)
{
    for (uint32_t i = 0; i < req->log_cnt; i++)
        if (req->log[i].open)
            put_outcome(c, req, req->log[i].ref, PT_PRODUCE_UNKNOWN, 0, -1, -1, at);
}

/* outcome_of tells which errors leave it open whether the records are in the log (kafka-wire.md 7):
 * time-outs, too few replicas after the append, unknown errors, an older duplicate; and, since with
 * acks=all they are also what a leader says that lost its place between append and replication,
 * those of leadership. */
static enum pt_produce_outcome outcome_of(int16_t error_code)
{
    switch (error_code) {
    case 0:
        return PT_PRODUCE_ACKED;
    case -1: /* UNKNOWN_SERVER_ERROR */
    case 3:  /* UNKNOWN_TOPIC_OR_PARTITION */
    case 5:  /* LEADER_NOT_AVAILABLE */
    case 6:  /* NOT_LEADER_OR_FOLLOWER */
    case 7:  /* REQUEST_TIMED_OUT */
    case 9:  /* REPLICA_NOT_AVAILABLE */
    case 13: /* NETWORK_EXCEPTION */
    case 20: /* NOT_ENOUGH_REPLICAS_AFTER_APPEND */
    case 46: /* DUPLICATE_SEQUENCE_NUMBER */
    case 56: /* KAFKA_STORAGE_ERROR */
        return PT_PRODUCE_UNKNOWN;
    default:
        return PT_PRODUCE_REJECTED;
    }
}

static void topic_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    if (ev->field == PT_F_TOPIC_ID)
        m->topic = pt_topics_by_id(&m->parser->topics, m->conn->cluster, ev->view.data, &m->at);
    else
        m->topic = pt_topics_by_name(&m->parser->topics, m->conn->cluster, ev->view, &m->at);
}

static void request_begin(struct pt_msg *m)
{
    m->topic = PT_TOPIC_NONE;
    m->u.produce = (struct pt_produce_msg){ .acks = 1 };
}

/* open_log: records for this log are coming; their outcome is open until the response. */
static void open_log(struct pt_msg *m, int64_t len)
{
    struct pt_log_ref log = { .topic = m->topic, .partition = m->partition };
    struct pt_request *req;

    pt_records_begin(m, log, PT_SRC_PRODUCE, 0);
    if (len <= 0)
        return;
    req = pt_exchange_number(&m->conn->exchange, m->req.number);
    if (!req || req->silent || !pt_request_add_log(m->parser->mem, req, log))
        put_outcome(m->conn, &m->req, log, PT_PRODUCE_UNKNOWN, 0, -1, -1, &m->at);
}

static void request_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_request *req;

    if (ev->kind == PT_WALK_RECORDS) {
        open_log(m, ev->i64);
        return;
    }
    if (ev->kind != PT_WALK_VALUE)
        return;
    switch (ev->field) {
    case PT_F_ACKS:
        m->req.acks = (int8_t)ev->i64;
        req = pt_exchange_number(&m->conn->exchange, m->req.number);
        if (req) {
            req->acks = m->req.acks;
            req->silent = !req->acks;
        }
        break;
    case PT_F_NAME:
    case PT_F_TOPIC_ID:
        topic_field(m, ev);
        break;
    case PT_F_INDEX:
        m->partition = (int32_t)ev->i64;
        break;
    default:
        break;
    }
}

static void records_end(struct pt_msg *m)
{
    (void)m; /* the outcome comes with the response */
}

static void request_end(struct pt_msg *m, enum pt_body_end how)
{
    (void)m;
    (void)how;
}

const struct pt_body pt_body_produce_request = {
    .begin = request_begin,
    .field = request_field,
    .records_end = records_end,
    .end = request_end,
};

static void response_begin(struct pt_msg *m)
{
    m->topic = PT_TOPIC_NONE;
}

static void partition_end(struct pt_msg *m)
{
    const struct pt_produce_msg *p = &m->u.produce;
    struct pt_log_ref log = { .topic = m->topic, .partition = m->partition };
    enum pt_take take = pt_request_take_log(&m->req, log);
    struct pt_obs_bounds *o;

    m->named |= take == PT_TAKE_ONE;
    m->strange |= take == PT_TAKE_NONE;
    if (take != PT_TAKE_TWICE)
        put_outcome(m->conn, &m->req, log, outcome_of(p->error_code), p->error_code, p->base_offset,
                    p->log_append_time_ms, &m->at);
    if (p->log_start_offset < 0 || log.topic == PT_TOPIC_NONE)
        return;
    o = pt_obs_put(m->parser->out, PT_OBS_BOUNDS, m->conn->cluster, &m->at, sizeof(*o), 0);
    o->head.topic = log.topic;
    o->head.partition = log.partition;
    o->high_watermark = -1;
    o->last_stable_offset = -1;
    o->log_start_offset = p->log_start_offset;
    o->fetch_offset = -1;
    o->client = m->conn->client;
    o->error_code = p->error_code;
    o->source = PT_SRC_PRODUCE;
}

static void response_field(struct pt_msg *m, const struct pt_walk_event *ev)
{
    struct pt_produce_msg *p = &m->u.produce;

    if (ev->field == PT_F_PARTITION_RESPONSES) {
        if (ev->kind == PT_WALK_STRUCT_BEGIN)
            *p = (struct pt_produce_msg){ .base_offset = -1,
                                          .log_append_time_ms = -1,
                                          .log_start_offset = -1 };
        else if (ev->kind == PT_WALK_STRUCT_END)
            partition_end(m);
        return;
    }
    if (ev->kind != PT_WALK_VALUE)
        return;
    switch (ev->field) {
    case PT_F_NAME:
    case PT_F_TOPIC_ID:
        topic_field(m, ev);
        break;
    case PT_F_INDEX:
        m->partition = (int32_t)ev->i64;
        break;
    case PT_F_ERROR_CODE:
        p->error_code = (int16_t)ev->i64;
        break;
    case PT_F_BASE_OFFSET:
        p->base_offset = ev->i64;
        break;
    case PT_F_LOG_APPEND_TIME_MS:
        p->log_append_time_ms = ev->i64;
        break;
    case PT_F_LOG_START_OFFSET:
        p->log_start_offset = ev->i64;
        break;
    default:
        break;
    }
}

static void response_end(struct pt_msg *m, enum pt_body_end how)
{
    (void)how; /* what the response did not name, or a hole took, stays open for ever */
    pt_produce_unknown(m->conn, &m->req, &m->at);
}

const struct pt_body pt_body_produce_response = {
    .begin = response_begin,
    .field = response_field,
    .end = response_end,
};
