/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/conn.h"

#include "parser/body.h"
#include "parser/conn_pvt.h"
#include "parser/guess.h"
#include "parser/head.h"
#include "parser/records.h"
#include "parser/rejoin.h"

/* Kafka's own limit for a frame before authentication is over (kafka-wire.md 1.11). */
#define SASL_FRAME_MAX 524288u
/* First byte of a GSSAPI token, where a client older than 0.10 begins without a handshake. */
#define GSSAPI_TOKEN 0x60
/* Pieces that must look like TLS when the start of the connection was not seen. */
#define TLS_VOTES 4u
/* Requests after which nobody doubts any more which side sends them. */
#define REQUESTS_SURE 2u

struct pt_conn *pt_conn_open(struct pt_parser *p, uint8_t cluster, const struct pt_endpoint *a,
                             const struct pt_endpoint *b, int initiator)
{
    struct pt_conn *c = pt_mem_zalloc(p->mem, sizeof(*c));

    if (!c)
        return NULL;
    c->parser = p;
    c->cluster = cluster;
    c->ep[0] = *a;
    c->ep[1] = *b;
    c->initiator = (int8_t)initiator;
    c->request_side = -1;
    c->tls_answer = -1;
    c->gaps = c->pipelined = initiator < 0;
    c->row = PT_PROFILE_NONE;
    c->last_api_row = PT_PROFILE_NONE;
    c->fetch_version = -1;
    c->fetch_source = PT_SRC_CNT;
    pt_exchange_init(&c->exchange, p->mem, p->cfg.inflight_max);
    pt_fetch_session_init(&c->session, p->mem, &p->fetch_budget);
    return c;
}

/* Kinds and rows. */

void pt_conn_set_kind(struct pt_conn *c, enum pt_conn_kind kind, const char *note)
{
    struct pt_profile *pr = &c->parser->profile;
    const struct pt_endpoint *broker = &c->ep[c->ep[1].port < c->ep[0].port];

    if (c->row != PT_PROFILE_NONE) {
        pt_profile_leave(pr, c->row, c->bytes);
    }
    c->kind = (uint8_t)kind;
    if (c->request_side >= 0)
        broker = &c->ep[!c->request_side];
    c->row = pt_profile_conn(pr, c->cluster, kind, broker, note);
    if (c->row != PT_PROFILE_NONE) {
        pr->conn[c->row].connections++;
        pr->conn[c->row].bytes += c->bytes;
    }
}

void pt_conn_announce(struct pt_conn *c, const struct pt_packet_ref *at)
{
    const struct pt_endpoint *client = &c->ep[c->request_side == 1];
    const struct pt_endpoint *broker = &c->ep[c->request_side != 1];
    size_t text_sz = (size_t)c->client_id_len + c->software_len;
    struct pt_obs_client *o;

    if (!c->announced)
        c->client = c->parser->client_cnt++;
    c->announced = true;
    o = pt_obs_put(c->parser->out, PT_OBS_CLIENT, c->cluster, at, sizeof(*o), text_sz);
    o->client = c->client;
    o->client_port = client->port;
    o->broker_port = broker->port;
    memcpy(o->client_ip, client->ip, sizeof(o->client_ip));
    memcpy(o->broker_ip, broker->ip, sizeof(o->broker_ip));
    o->client_id_len = c->client_id_len;
    o->software_len = c->software_len;
    memcpy(o->text, c->client_id, c->client_id_len);
    memcpy(o->text + c->client_id_len, c->software, c->software_len);
}

/* Messages. */

void pt_conn_begin(struct pt_conn *c, int side, enum pt_dir dir, const struct pt_request *req,
                   const struct pt_packet_ref *at)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_msg *m = &d->msg;

    m->conn = c;
    m->parser = c->parser;
    m->body = pt_body_find(req->api_key, dir);
    m->at = *at;
    m->sure = d->sure;
    m->orphan = false;
    m->bounds = true;
    m->named = false;
    m->strange = false;
    m->torn = false;
    m->count_only = false;
    m->req = *req;
    m->topic = PT_TOPIC_NONE;
    m->partition = -1;
    m->records = (struct pt_records){ .log.topic = PT_TOPIC_NONE, .next = -1, .run_from = -1 };
    d->in_msg = true;
    if (m->body)
        m->body->begin(m);
}

static void end_msg(struct pt_conn *c, int side, enum pt_body_end how)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_msg *m = &d->msg;

    if (!d->in_msg)
        return;
    if (m->records.found)
        pt_conn_lands(c, side, false);
    if (m->body)
        m->body->end(m, how);
    if (c->request_side == !side)
        pt_conn_paired(c, side, how);
    pt_request_free(m->parser->mem, &m->req);
    d->in_msg = false;
}

static void count_api(struct pt_conn *c, uint32_t row, size_t counter_off)
{
    if (row != PT_PROFILE_NONE)
        ++*(uint64_t *)(void *)((uint8_t *)&c->parser->profile.api[row] + counter_off);
}

#define COUNT_API(c, row, counter) count_api(c, row, offsetof(struct pt_api_row, counter))

/* forget_oldest: the oldest waiting request will not be answered any more. */
static void forget_oldest(struct pt_conn *c, const struct pt_packet_ref *at)
{
    struct pt_request req;

    if (!pt_exchange_pop(&c->exchange, &req))
        return;
    if (!req.silent) {
        c->parser->stats.unanswered_requests++;
        pt_produce_unknown(c, &req, at);
        if (req.api_key == PT_API_FETCH)
            pt_fetch_session_void(&c->session);
    }
    pt_request_free(c->parser->mem, &req);
}

/* Directions. */

static struct pt_conn_dir *dir_of(struct pt_conn *c, int side)
{
    struct pt_parser *p = c->parser;

    if (!c->dir[side]) {
        c->dir[side] = pt_mem_zalloc(p->mem, sizeof(*c->dir[side]));
        if (c->dir[side]) {
            pt_hold_init(&c->dir[side]->hold, &p->hold_budget);
            pt_frame_init(&c->dir[side]->frame, p->mem, &p->frame_cfg, &p->counts);
            c->dir[side]->frame.pos = c->refused_sz[side];
            c->dir[side]->frame.search = c->initiator < 0 ? PT_FRAME_SEARCH_MAX : 0;
        }
    }
    return c->dir[side];
}

/* lose_head: the header of the frame at hand will not be read. */
static void lose_head(struct pt_conn *c, struct pt_conn_dir *d)
{
    if (d->orphan)
        c->parser->stats.orphan_responses++;
    else
        c->parser->stats.lost_frames++;
    d->orphan = false;
}

static void close_dir(struct pt_conn *c, int side)
{
    struct pt_conn_dir *d = c->dir[side];

    if (!d)
        return;
    pt_conn_aim(c, side);
    c->parser->stats.lost_bodies += d->in_msg;
    end_msg(c, side, PT_BODY_CUT);
    c->parser->stats.batches_unproven += pt_hold_forget(&d->hold);
    if (pt_frame_at_head(&d->frame))
        lose_head(c, d);
    c->parser->stats.pending_bytes += pt_frame_fini(&d->frame);
    pt_mem_free(c->parser->mem, d, sizeof(*d));
    c->dir[side] = NULL;
}

/* give_up: this is not Kafka, or not to be read. */
static void give_up(struct pt_conn *c, enum pt_conn_kind kind, const char *note)
{
    struct pt_parser *p = c->parser;
    uint64_t before = p->counts.unframed_bytes;

    close_dir(c, 0);
    close_dir(c, 1);
    p->stats.other_bytes += p->counts.unframed_bytes - before;
    p->counts.unframed_bytes = before;
    pt_conn_set_kind(c, kind, note);
}

static void start_sasl(struct pt_conn *c)
{
    for (int side = 0; side < 2; side++) {
        struct pt_conn_dir *d = dir_of(c, side);

        if (!d)
            continue;
        d->sasl = true;
        d->frame.size_min = 0;
    }
}

static void end_sasl(struct pt_conn_dir *d)
{
    d->sasl = false;
    d->frame.size_min = 4;
}

/* is_request_side: undecided counts as yes. */
static bool is_request_side(const struct pt_conn *c, int side)
{
    return c->request_side < 0 ? !pt_conn_is_unasked(c, side) : c->request_side == side;
}

static struct pt_guess_known known_of(const struct pt_conn *c)
{
    return (struct pt_guess_known){ .frame_max = c->parser->cfg.frame_max,
                                    .known = c->request_cnt && c->request_side >= 0,
                                    .correlation_id = c->correlation_id,
                                    .client_id = { (const uint8_t *)c->client_id,
                                                   c->client_id_len } };
}

static void forget_all(struct pt_conn *c, const struct pt_packet_ref *at)
{
    while (c->exchange.cnt)
        forget_oldest(c, at);
}

/* forget_roles: what looked like requests was none. Their numbers are not used again. */
static void forget_roles(struct pt_conn *c, const struct pt_packet_ref *at)
{
    forget_all(c, at);
    pt_fetch_session_void(&c->session);
    c->sure_number = c->number;
    c->any_sure = false;
    c->response_cnt = 0;
    c->announced = false;
    c->client_id_len = 0;
    c->software_len = 0;
    c->request_side = -1;
    c->request_cnt = 0;
    if (c->kind == PT_CONN_KAFKA)
        pt_conn_set_kind(c, PT_CONN_UNDECIDED, "");
}

/* forget_guess: what was told behind the guess on this side is taken back, and, if nothing but that
 * told which side sends the requests, nobody knows any more. */
static void forget_guess(struct pt_conn *c, int side, const struct pt_packet_ref *at)
{
    pt_conn_forget(c, side);
    if (c->request_side == side && !c->any_sure)
        forget_roles(c, at);
}

/* wrong_lock: the boundaries that were believed are none. */
static void wrong_lock(struct pt_conn *c, int side, const struct pt_packet_ref *at)
{
    struct pt_conn_dir *d = c->dir[side];

    c->parser->stats.wrong_locks++;
    pt_frame_unlock(&d->frame);
    if (!d->sure)
        forget_guess(c, side, at);
    else if (!d->trust && c->request_side == side && !c->response_cnt &&
             c->request_cnt <= REQUESTS_SURE)
        forget_roles(c, at);
    d->trust = 0;
    pt_fetch_session_void(&c->session);
}

/* Shedding (shed.h). */

/* is_counted tells whether only the header of this frame is read. Not while its boundaries are a
 * guess, which only what is inside can confirm. */
static bool is_counted(const struct pt_conn *c, const struct pt_conn_dir *d, int16_t api_key)
{
    return c->parser->shed.step >= PT_SHED_COUNT_ONLY && d->sure &&
           (api_key == PT_API_PRODUCE || api_key == PT_API_FETCH);
}

/* shed_body: a body is skipped, so nobody knows of which logs it told. */
static void shed_body(struct pt_conn *c, int16_t api_key, const struct pt_packet_ref *at)
{
    struct pt_obs_lost *o;

    c->parser->stats.bodies_shed++;
    if (api_key == PT_API_FETCH)
        pt_fetch_session_void(&c->session);
    if (at->time_ns < c->shed_until_ns)
        return;
    c->shed_until_ns = at->time_ns + PT_SHED_TOLD_NS;
    o = pt_obs_put(c->parser->out, PT_OBS_LOST, c->cluster, at, sizeof(*o), 0);
    o->from = -1;
    o->to = -1;
    o->reason = PT_LOST_SHED;
}

/* want_heads tells the frame whether the next entries are to be shed. */
static void want_heads(struct pt_conn_dir *d)
{
    const struct pt_msg *m = &d->msg;

    d->frame.heads_only = d->in_msg && m->body && m->body->records_end && pt_records_shed(m);
}

/* on_field: a counted Produce is read as far as it says whether it will be answered. */
static void on_field(struct pt_conn *c, int side, const struct pt_walk_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_msg *m = &d->msg;

    if (!d->in_msg || !m->body)
        return;
    m->body->field(m, ev);
    if (ev->kind == PT_WALK_RECORDS)
        want_heads(d);
    if (!m->count_only || ev->field != PT_F_ACKS)
        return;
    pt_frame_skip(&d->frame);
    shed_body(c, m->req.api_key, &m->at);
    end_msg(c, side, PT_BODY_CUT);
    d->trust++;
}

/* Requests. */

static void learn_client(struct pt_conn *c, struct pt_view id, const struct pt_packet_ref *at)
{
    bool fresh = id.len && !c->client_id_len;

    if (fresh) {
        c->client_id_len = (uint8_t)(id.len < PT_CLIENT_ID_MAX ? id.len : PT_CLIENT_ID_MAX);
        memcpy(c->client_id, id.data, c->client_id_len);
    }
    if (fresh || !c->announced)
        pt_conn_announce(c, at);
}

/* Where ids do not tell requests apart, only their order does. After a gap that holds no longer,
 * unless the client always waits: then whatever was sent before is answered, or given up. */
static bool may_be_answered(struct pt_conn *c, int32_t correlation_id,
                            const struct pt_packet_ref *at)
{
    if (c->request_cnt && (correlation_id == c->correlation_id ||
                           pt_exchange_find(&c->exchange, correlation_id) >= 0))
        c->ids_repeat = true;
    if (!c->gaps)
        c->pipelined |= c->exchange.cnt > 0;
    if (!c->ids_repeat || !c->gaps)
        return true;
    forget_all(c, at);
    return !c->pipelined;
}

static void take_request(struct pt_conn *c, int side, const struct pt_request_head *h,
                         const struct pt_packet_ref *at)
{
    struct pt_parser *p = c->parser;
    struct pt_conn_dir *d = c->dir[side];
    bool expected = may_be_answered(c, h->correlation_id, at);
    struct pt_request req = {
        .response = pt_layout_find(h->api_key, PT_DIR_RESPONSE, h->api_version),
        .number = ++c->number,
        .correlation_id = h->correlation_id,
        .api_key = h->api_key,
        .api_version = h->api_version,
        .acks = 1,
        .source = PT_SRC_FETCH_FOLLOWER, /* until the body says otherwise */
    };

    p->stats.requests++;
    c->request_cnt++;
    c->any_sure |= d->sure;
    if (c->kind != PT_CONN_KAFKA)
        pt_conn_set_kind(c, PT_CONN_KAFKA, "");
    learn_client(c, h->client_id, at);
    c->correlation_id = h->correlation_id;
    req.api_row =
            pt_profile_api(&p->profile, c->cluster, h->api_key, h->api_version, c->last_api_row);
    c->last_api_row = req.api_row;
    if (h->api_key == PT_API_FETCH)
        c->fetch_version = h->api_version;
    COUNT_API(c, req.api_row, requests);
    if (pt_exchange_full(&c->exchange)) {
        p->stats.inflight_full += c->exchange.cnt >= c->exchange.max;
        forget_oldest(c, at);
    }
    if (expected)
        (void)pt_exchange_push(&c->exchange, &req); /* refused: its response will be an orphan */
    if (h->api_key == PT_API_SASL_HANDSHAKE && h->api_version == 0)
        start_sasl(c);
    if (!h->layout) {
        p->stats.unparsed_bodies++;
        COUNT_API(c, req.api_row, unparsed);
        if (h->api_key == PT_API_FETCH)
            pt_fetch_session_void(&c->session);
        d->trust++;
        return;
    }
    if (is_counted(c, d, h->api_key) && h->api_key != PT_API_PRODUCE) {
        shed_body(c, h->api_key, at);
        d->trust++;
        return;
    }
    pt_frame_body(&d->frame, h->head_sz, h->layout);
    pt_conn_begin(c, side, PT_DIR_REQUEST, &req, at);
    d->msg.count_only = is_counted(c, d, h->api_key);
}

/* another_guess: this request does not go on from those before, where all of them are a guess. If
 * it looks like one by itself, it is the first of another guess. */
static void another_guess(struct pt_conn *c, int side, const struct pt_request_head *head,
                          const struct pt_frame_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_guess_known none = { .frame_max = c->parser->cfg.frame_max };
    uint32_t needed = 0;

    switch (pt_guess_request(ev->bytes, ev->frame_left, &none, &needed)) {
    case PT_GUESS_MORE:
        pt_frame_want(&d->frame, needed);
        break;
    case PT_GUESS_YES:
        c->parser->stats.wrong_locks++;
        forget_guess(c, side, &ev->at);
        pt_conn_guessed(c, side, false);
        c->request_side = (int8_t)side;
        take_request(c, side, head, &ev->at);
        break;
    case PT_GUESS_NO:
        c->parser->stats.lost_frames++;
        wrong_lock(c, side, &ev->at);
        break;
    }
}

static void request_head(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_guess_known known = known_of(c);
    struct pt_request_head head;
    uint32_t needed = 0;
    enum pt_status st;

    if (d->sasl) {
        switch (pt_guess_request(ev->bytes, ev->frame_left, &known, &needed)) {
        case PT_GUESS_MORE:
            pt_frame_want(&d->frame, needed);
            return;
        case PT_GUESS_NO:
            c->parser->stats.sasl_frames++;
            return;
        case PT_GUESS_YES:
            end_sasl(d);
            break;
        }
    }
    st = pt_head_request(ev->bytes, ev->frame_left, &head, &needed);
    if (st == PT_NEED_MORE) {
        pt_frame_want(&d->frame, needed);
        return;
    }
    if (st != PT_OK || head.api_key < 0 || head.api_version < 0) {
        c->parser->stats.lost_frames++;
        wrong_lock(c, side, &ev->at);
        return;
    }
    if (!d->sure && known.known && !pt_guess_goes_on(&head, &known))
        another_guess(c, side, &head, ev);
    else
        take_request(c, side, &head, &ev->at);
}

static void try_request(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_guess_known known = known_of(c);
    struct pt_view frame = { ev->bytes.data + 4, ev->bytes.len - 4 };
    uint32_t size = pt_be32(ev->bytes.data);
    uint32_t needed = 0;
    enum pt_guess guess;

    known.last = ev->last;
    known.inside = !ev->start;
    guess = pt_guess_request(frame, size, &known, &needed);
    if (guess == PT_GUESS_NO && known.known && !c->any_sure) {
        /* What is known may be wrong, so it cannot speak against this. */
        known.known = false;
        guess = pt_guess_request(frame, size, &known, &needed);
        if (guess == PT_GUESS_YES)
            forget_guess(c, side, &ev->at);
    }
    switch (guess) {
    case PT_GUESS_MORE:
        pt_frame_want(&d->frame, needed + 4);
        break;
    case PT_GUESS_YES:
        c->request_side = (int8_t)side;
        pt_frame_lock(&d->frame);
        pt_conn_guessed(c, side, c->initiator >= 0 && !d->frame.passed);
        break;
    case PT_GUESS_NO:
        pt_conn_unasked_start(c, side, size);
        break;
    }
}

/* Responses. */

/* is_refusal: an ApiVersions request of a version that the broker does not have is answered with
 * error 35 in version 0 (kafka-wire.md 1.8), or with what some servers take for it: such a body is
 * passed over. v is the frame behind its size. */
#define ERROR_UNSUPPORTED_VERSION 35
#define API_VERSIONS_LOOK 6u

static bool is_refusal(const struct pt_request *req, struct pt_view v)
{
    return req->api_key == PT_API_API_VERSIONS && v.len >= API_VERSIONS_LOOK &&
           pt_be16(v.data + 4) == ERROR_UNSUPPORTED_VERSION;
}

/* take_response: the request behind idx others is answered; head_sz 0: its body is not to be read.
 */
static void take_response(struct pt_conn *c, int side, uint32_t idx, uint32_t head_sz,
                          const struct pt_packet_ref *at)
{
    struct pt_parser *p = c->parser;
    struct pt_conn_dir *d = c->dir[side];
    struct pt_request req;
    bool counted;

    while (idx--)
        forget_oldest(c, at); /* answers come in order: these were missed */
    (void)pt_exchange_pop(&c->exchange, &req);
    p->stats.responses++;
    c->response_cnt++;
    COUNT_API(c, req.api_row, responses);
    pt_conn_answered(c, side, req.number);
    if (c->request_side >= 0 && c->dir[c->request_side] && !c->dir[c->request_side]->sasl)
        end_sasl(d);
    d->trust++;
    counted = is_counted(c, d, req.api_key);
    if (req.response && head_sz && !req.silent && !counted) {
        pt_frame_body(&d->frame, head_sz, req.response);
        pt_conn_begin(c, side, PT_DIR_RESPONSE, &req, at);
        return;
    }
    if (!req.response && head_sz) {
        p->stats.unparsed_bodies++;
        COUNT_API(c, req.api_row, unparsed);
    }
    if (counted && req.response && head_sz)
        shed_body(c, req.api_key, at);
    pt_produce_unknown(c, &req, at);
    pt_request_free(p->mem, &req);
}

static void response_head(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    uint32_t look = ev->frame_left < API_VERSIONS_LOOK ? ev->frame_left : API_VERSIONS_LOOK;
    const struct pt_request *req;
    uint32_t head_sz = 0;
    uint32_t needed = 0;
    int64_t idx = -1;
    enum pt_status st = PT_OK;

    if (ev->bytes.len < look) {
        pt_frame_want(&d->frame, look);
        return;
    }
    if (look >= 4 && !d->orphan)
        idx = pt_exchange_find(&c->exchange, (int32_t)pt_be32(ev->bytes.data));
    if (idx < 0 && !d->sasl && !d->sure) {
        c->parser->stats.lost_frames++;
        wrong_lock(c, side, &ev->at);
        return;
    }
    if (idx < 0 && d->sasl) {
        c->parser->stats.sasl_frames++;
        pt_fetch_session_void(&c->session);
        return;
    }
    if (idx < 0) {
        pt_conn_unasked_head(c, side, ev);
        return;
    }
    req = pt_exchange_peek(&c->exchange, (uint32_t)idx);
    if (!is_refusal(req, ev->bytes))
        st = pt_head_response(ev->bytes, ev->frame_left, req->response, &head_sz, &needed);
    if (st == PT_NEED_MORE) {
        pt_frame_want(&d->frame, needed);
        return;
    }
    if (st != PT_OK) {
        c->parser->stats.lost_frames++;
        wrong_lock(c, side, &ev->at);
        return;
    }
    take_response(c, side, (uint32_t)idx, head_sz, &ev->at);
}

/* try_other_way: so far nothing was answered, and now this side sends what is plainly a request. */
static void try_other_way(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_view v = ev->bytes;
    struct pt_guess_known known = { .frame_max = c->parser->cfg.frame_max };
    struct pt_conn_dir *other = c->dir[!side];
    uint32_t needed;

    if (c->response_cnt ||
        (other && pt_frame_in_step(&other->frame) && other->trust > REQUESTS_SURE) ||
        pt_guess_request((struct pt_view){ v.data + 4, v.len - 4 }, pt_be32(v.data), &known,
                         &needed) != PT_GUESS_YES)
        return;
    if (other) {
        c->parser->stats.lost_bodies += other->in_msg;
        end_msg(c, !side, PT_BODY_CUT);
        if (pt_frame_at_head(&other->frame))
            lose_head(c, other);
        if (!other->sure)
            pt_conn_forget(c, !side);
        pt_frame_unlock(&other->frame);
        other->trust = 0;
    }
    c->parser->stats.wrong_locks++;
    forget_roles(c, &ev->at);
    try_request(c, side, ev);
}

/* ends_well: where every byte may be the first of a response, an id that waits is found soon. So it
 * must be there as a whole, and behind it nothing, or the next one. */
static bool ends_well(const struct pt_conn *c, struct pt_view frame, uint32_t size)
{
    if (frame.len < size + 8ull)
        return frame.len == size;
    return pt_exchange_find(&c->exchange, (int32_t)pt_be32(frame.data + size + 4)) >= 0;
}

static void try_response(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_view v = ev->bytes;
    struct pt_view frame = { v.data + 4, v.len - 4 };
    uint32_t size = pt_be32(v.data);
    uint32_t needed = 0;
    const struct pt_request *req;
    int64_t idx = pt_exchange_find(&c->exchange, (int32_t)pt_be32(frame.data));

    if (idx < 0) {
        if (d->sasl && size <= SASL_FRAME_MAX) {
            pt_frame_lock(&d->frame);
            pt_conn_guessed(c, side, c->initiator >= 0 && !d->frame.passed);
        } else if (ev->start) {
            try_other_way(c, side, ev);
            if (size >= d->frame.size_min && size <= c->parser->cfg.frame_max)
                pt_frame_hop(&d->frame, size + 4ull); /* the answer to a request not seen? */
        }
        return;
    }
    if (!ev->start && !ends_well(c, frame, size))
        return;
    if (frame.len < API_VERSIONS_LOOK && size >= API_VERSIONS_LOOK) {
        pt_frame_want(&d->frame, 4 + API_VERSIONS_LOOK);
        return;
    }
    req = pt_exchange_peek(&c->exchange, (uint32_t)idx);
    switch (pt_guess_response(frame, size, c->parser->cfg.frame_max,
                              is_refusal(req, frame) ? NULL : req->response, ev->last, &needed)) {
    case PT_GUESS_MORE:
        pt_frame_want(&d->frame, needed + 4);
        break;
    case PT_GUESS_YES:
        pt_frame_lock(&d->frame);
        pt_conn_guessed(c, side, c->initiator >= 0 && !d->frame.passed);
        break;
    case PT_GUESS_NO:
        break;
    }
}

/* Events. */

/* try_other_kinds looks for what is not Kafka; true if that settles these bytes. */
static bool try_other_kinds(struct pt_conn *c, int side, struct pt_view v)
{
    struct pt_conn_dir *d = c->dir[side];
    bool at_start = c->initiator >= 0 && !d->frame.pos;
    uint32_t len = 0;
    char note[64];

    switch (pt_sniff(v, &len)) {
    case PT_SNIFF_MORE:
        pt_frame_want(&d->frame, len);
        return true;
    case PT_SNIFF_PROXY:
        pt_frame_drop(&d->frame, len);
        return true;
    case PT_SNIFF_OTHER:
        if (at_start)
            give_up(c, PT_CONN_OTHER, "");
        return true;
    case PT_SNIFF_TLS:
        if (v.len < len) {
            pt_frame_want(&d->frame, len);
            return true;
        }
        if (!at_start && ++d->votes < TLS_VOTES)
            return true;
        pt_sniff_tls_note(v, "", note, sizeof(note));
        give_up(c, PT_CONN_TLS, note);
        c->tls_answer = (int8_t)!side;
        return true;
    case PT_SNIFF_NONE:
        break;
    }
    if (at_start && side == c->initiator && v.data[4] == GSSAPI_TOKEN &&
        pt_be32(v.data) <= SASL_FRAME_MAX) {
        c->request_side = (int8_t)side;
        start_sasl(c);
        pt_frame_lock(&d->frame);
        pt_conn_guessed(c, side, true);
        pt_conn_set_kind(c, PT_CONN_KAFKA, "");
        return true;
    }
    return false;
}

static void on_try(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_view v = ev->bytes;

    if (ev->start && c->kind == PT_CONN_UNDECIDED && c->request_side < 0 &&
        try_other_kinds(c, side, v))
        return;
    if (is_request_side(c, side))
        try_request(c, side, ev);
    else
        try_response(c, side, ev);
}

static void on_body_end(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    bool bad = ev->kind == PT_FRAME_BODY_BAD || (!d->trust && ev->trailing > PT_GUESS_TRAILING_MAX);

    c->parser->stats.trailing_bytes += ev->trailing;
    if (bad) {
        c->parser->stats.bad_bodies++;
        COUNT_API(c, d->msg.req.api_row, unparsed);
    }
    end_msg(c, side, bad ? PT_BODY_BAD : d->msg.torn ? PT_BODY_CUT : PT_BODY_WHOLE);
    if (bad && !d->sure)
        wrong_lock(c, side, &ev->at);
    else if (!bad)
        d->trust++;
}

/* on_entry: see pt_records_finds for what is found behind a hole. */
static void on_entry(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_msg *m = &d->msg;
    struct pt_frame_event entry = *ev;

    if (ev->kind == PT_FRAME_ENTRY_FOUND) {
        if (!pt_records_found(m, ev))
            return;
        m->records.found = true;
        pt_conn_aim(c, side);
        pt_frame_found(&d->frame);
        entry.kind = PT_FRAME_ENTRY;
    } else if (m->records.found && !pt_records_follows(m, ev)) {
        pt_conn_lands(c, side, ev->landed);
        if (ev->kind != PT_FRAME_RECORDS_LOST) {
            pt_frame_find(&d->frame); /* that was none: the next one, then */
            return;
        }
    }
    pt_records_event(m, &entry);
    if (ev->kind == PT_FRAME_RECORDS_LOST && pt_records_finds(m))
        pt_frame_find(&d->frame);
}

/* may_rejoin: what is left of this body is worth a look (rejoin.h). */
static bool may_rejoin(const struct pt_conn *c, const struct pt_conn_dir *d)
{
    const struct pt_msg *m = &d->msg;

    return d->in_msg && m->body == &pt_body_fetch_response && m->sure && !m->orphan &&
           !c->parser->hold && m->topic != PT_TOPIC_NONE && pt_rejoin_can(&d->frame.walk);
}

static void on_body_lost(struct pt_conn *c, int side)
{
    struct pt_conn_dir *d = c->dir[side];

    if (d->in_msg && d->msg.records.found)
        pt_conn_lands(c, side, false);
    if (may_rejoin(c, d)) {
        d->msg.torn = true;
        pt_frame_tail(&d->frame);
        return;
    }
    c->parser->stats.lost_bodies++;
    end_msg(c, side, PT_BODY_CUT);
}

static void on_tail(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    const struct pt_rejoin r = { .reader = c->parser->reader,
                                 .session = &c->session,
                                 .topic = d->msg.topic,
                                 .number = d->msg.req.number,
                                 .consumer = d->msg.req.source == PT_SRC_FETCH_CONSUMER };
    struct pt_walk walk = d->frame.walk;
    uint32_t skip;

    c->parser->stats.lost_bodies++;
    if (ev->bytes.len && d->in_msg && d->msg.body && pt_rejoin_find(&r, ev->bytes, &walk, &skip))
        pt_frame_rejoin(&d->frame, skip, &walk);
    else
        end_msg(c, side, PT_BODY_CUT);
}

static void on_event(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_msg *m = &d->msg;
    const struct pt_body *body = d->in_msg ? m->body : NULL;

    switch (ev->kind) {
    case PT_FRAME_TRY:
        on_try(c, side, ev);
        break;
    case PT_FRAME_HEAD:
        if (c->request_side < 0 && pt_conn_unasked_asks(c, side, ev))
            break;
        if (is_request_side(c, side))
            request_head(c, side, ev);
        else
            response_head(c, side, ev);
        break;
    case PT_FRAME_FIELD:
        on_field(c, side, &ev->walk);
        break;
    case PT_FRAME_ENTRY:
    case PT_FRAME_ENTRY_HEAD:
    case PT_FRAME_ENTRY_OVERSIZE:
    case PT_FRAME_ENTRY_PARTIAL:
    case PT_FRAME_ENTRY_BAD:
    case PT_FRAME_ENTRY_LOST:
    case PT_FRAME_RECORDS_LOST:
    case PT_FRAME_ENTRY_FOUND:
        if (body && body->records_end)
            on_entry(c, side, ev);
        want_heads(d);
        break;
    case PT_FRAME_RECORDS_END:
        if (body && body->records_end)
            body->records_end(m);
        if (m->records.found)
            pt_conn_lands(c, side, true);
        break;
    case PT_FRAME_BODY_END:
    case PT_FRAME_BODY_BAD:
        on_body_end(c, side, ev);
        break;
    case PT_FRAME_BODY_LOST:
        on_body_lost(c, side);
        break;
    case PT_FRAME_TAIL:
        on_tail(c, side, ev);
        break;
    case PT_FRAME_HEAD_LOST:
        lose_head(c, d);
        c->gaps = true;
        pt_fetch_session_void(&c->session);
        break;
    case PT_FRAME_UNLOCKED:
        c->gaps = true;
        if (ev->status != PT_GAP) {
            c->parser->stats.wrong_locks++;
            if (!d->sure)
                forget_guess(c, side, &ev->at);
        }
        d->trust = 0;
        pt_fetch_session_void(&c->session);
        break;
    }
}

/* drain takes what the direction makes of the bytes; the direction may end in it (give_up). */
static void drain(struct pt_conn *c, int side)
{
    struct pt_frame_event ev;

    while (c->dir[side] && pt_frame_next(&c->dir[side]->frame, &ev)) {
        pt_conn_aim(c, side);
        on_event(c, side, &ev);
    }
    pt_parser_publish(c->parser);
}

/* tls_answer: the first bytes of the other side tell the version that was agreed on. */
static void tls_answer(struct pt_conn *c, const uint8_t *data, size_t len)
{
    char note[64];

    if (c->row == PT_PROFILE_NONE)
        return;
    pt_sniff_tls_note((struct pt_view){ data, len }, c->parser->profile.conn[c->row].note, note,
                      sizeof(note));
    pt_conn_set_kind(c, PT_CONN_TLS, note);
}

/* is_read tells whether bytes of this connection still mean anything. */
static bool is_read(const struct pt_conn *c)
{
    return c->kind == PT_CONN_UNDECIDED || c->kind == PT_CONN_KAFKA;
}

void pt_conn_bytes(struct pt_conn *c, int side, const uint8_t *data, size_t len,
                   const struct pt_packet_ref *at)
{
    struct pt_parser *p = c->parser;
    struct pt_conn_dir *d;

    p->stats.fed_bytes += len;
    c->bytes += len;
    if (c->row != PT_PROFILE_NONE)
        p->profile.conn[c->row].bytes += len;
    if (!is_read(c)) {
        p->stats.other_bytes += len;
        if (c->tls_answer == side) {
            c->tls_answer = -1;
            tls_answer(c, data, len);
        }
        return;
    }
    d = dir_of(c, side);
    if (!d) {
        c->refused_sz[side] += len;
        c->gaps = true;
        p->counts.unframed_bytes += len;
        pt_parser_publish(p);
        return;
    }
    want_heads(d);
    pt_frame_feed(&d->frame, data, len, at);
    drain(c, side);
}

void pt_conn_hole(struct pt_conn *c, int side, uint64_t len, enum pt_lost_reason reason,
                  const struct pt_packet_ref *at)
{
    struct pt_parser *p = c->parser;
    struct pt_conn_dir *d;

    p->stats.hole_bytes += len;
    if (!is_read(c)) {
        p->stats.other_bytes += len;
        return;
    }
    d = dir_of(c, side);
    if (!d) {
        c->refused_sz[side] += len;
        c->gaps = true;
        p->counts.unframed_bytes += len;
        pt_parser_publish(p);
        return;
    }
    pt_frame_hole(&d->frame, len, reason, at);
    drain(c, side);
}

void pt_conn_close(struct pt_conn *c, const struct pt_packet_ref *at)
{
    struct pt_parser *p = c->parser;

    if (c->request_side >= 0 && c->dir[c->request_side] && !c->dir[c->request_side]->sure)
        pt_conn_forget(c, c->request_side);
    close_dir(c, 0);
    close_dir(c, 1);
    pt_conn_aim(c, 0);
    forget_all(c, at);
    if (c->row == PT_PROFILE_NONE)
        pt_conn_set_kind(c, c->bytes ? c->kind : PT_CONN_EMPTY, "");
    pt_exchange_fini(&c->exchange);
    pt_fetch_session_fini(&c->session);
    pt_parser_publish(p);
    pt_mem_free(p->mem, c, sizeof(*c));
}
