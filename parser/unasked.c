/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answers to what was not asked in sight: a request was lost, or, where a mirror carries one
 * direction only, all of them were. Such a response is read where it proves that it is a Fetch
 * (orphan.h), and counted otherwise.
 *
 * Where no request was ever seen, nothing but the place says that these are responses at all, and
 * where they begin:
 *
 *   SYN-ACK | size, frame | size, frame | ...        of the side that did not begin the connection,
 *                                                    before anything of the side that did
 *
 * Each frame is found by the sizes in front of it, from the connection's first byte on, so it is
 * none that somebody recorded in a record. That it is Kafka is shown by the first one that is read;
 * what else has sizes in front is passed over by them, and nothing is told of it.
 * Where the sizes are lost (a hole over a boundary) that is the end: without the other direction
 * nothing could prove a guess (proof.c).
 */
#include "parser/conn_pvt.h"
#include "parser/guess.h"
#include "parser/orphan.h"

bool pt_conn_is_unasked(const struct pt_conn *c, int side)
{
    return c->dir[side]->unasked && pt_frame_in_step(&c->dir[side]->frame);
}

void pt_conn_unasked_start(struct pt_conn *c, int side, uint32_t size)
{
    struct pt_conn_dir *d = c->dir[side];
    bool first = !d->frame.pos && !d->frame.look && !d->frame.passed;
    bool alone = !c->dir[!side] && !c->refused_sz[!side];

    if (!first || !alone || c->initiator != !side)
        return;
    if (size < d->frame.size_min || size > c->parser->cfg.frame_max)
        return;
    pt_frame_lock(&d->frame);
    pt_conn_guessed(c, side, true);
    d->unasked = true;
}

/* On a link that the brokers of the other cluster began the requests come from here, though the
 * first frame may have been an answer. */
bool pt_conn_unasked_asks(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    const struct pt_guess_known none = { .frame_max = c->parser->cfg.frame_max };
    struct pt_conn_dir *d = c->dir[side];
    uint32_t needed = 0;

    if (!pt_conn_is_unasked(c, side) || d->orphan)
        return false;
    switch (pt_guess_request(ev->bytes, ev->frame_left, &none, &needed)) {
    case PT_GUESS_MORE:
        pt_frame_want(&d->frame, needed);
        return true;
    case PT_GUESS_YES:
        d->unasked = false;
        c->request_side = (int8_t)side;
        return false;
    case PT_GUESS_NO:
        break;
    }
    return false;
}

/* is_as_before: the connection's last Fetch request was of a version that is answered so; or, where
 * none was seen, the last answer was written so, and the first one where nothing else was expected.
 */
static bool is_as_before(const struct pt_conn *c, int side, const struct pt_orphan *o)
{
    const struct pt_layout *own = pt_layout_find(PT_API_FETCH, PT_DIR_RESPONSE, c->fetch_version);

    if (c->fetch_version < 0)
        return c->answered_as ? c->answered_as == o->layout : c->dir[side]->unasked;
    return own && (pt_layout_same(own, o->layout) ||
                   (o->version == PT_ORPHAN_FETCH_MAX && c->fetch_version > PT_ORPHAN_FETCH_MAX));
}

/* is_kafka: this side answers, so the other one asks, whose name nobody knows. */
static void is_kafka(struct pt_conn *c, int side, const struct pt_packet_ref *at)
{
    if (c->request_side < 0) {
        c->request_side = (int8_t)!side;
        pt_conn_set_kind(c, PT_CONN_KAFKA, "");
    }
    if (!c->announced)
        pt_conn_announce(c, at);
}

/* read_it: what was asked for is not known, so nothing is certified in front of a batch. Who asked
 * is who else asked on this connection. Bounds count if it goes on as it has spoken before. */
static void read_it(struct pt_conn *c, int side, const struct pt_orphan *o,
                    const struct pt_packet_ref *at)
{
    struct pt_conn_dir *d = c->dir[side];
    struct pt_request req = {
        .response = o->layout,
        .number = ++c->number,
        .api_row = PT_PROFILE_NONE,
        .api_key = o->api_key,
        .api_version = o->version,
        .source = c->fetch_source == PT_SRC_FETCH_CONSUMER ? PT_SRC_FETCH_CONSUMER
                                                           : PT_SRC_FETCH_FOLLOWER,
    };

    c->parser->stats.orphan_responses_read++;
    is_kafka(c, side, at);
    pt_frame_body(&d->frame, o->head_sz, o->layout);
    pt_conn_begin(c, side, PT_DIR_RESPONSE, &req, at);
    d->msg.orphan = true;
    if (o->api_key != PT_API_FETCH)
        return;
    d->msg.bounds = is_as_before(c, side, o);
    c->answered_as = o->layout;
}

void pt_conn_unasked_head(struct pt_conn *c, int side, const struct pt_frame_event *ev)
{
    struct pt_parser *p = c->parser;
    struct pt_conn_dir *d = c->dir[side];
    uint32_t look = ev->frame_left < PT_GUESS_SZ ? ev->frame_left : PT_GUESS_SZ;
    enum pt_guess guess = PT_GUESS_NO;
    struct pt_orphan o;

    if (!d->orphan)
        pt_fetch_session_void(&c->session);
    d->orphan = true;
    if ((c->announced || d->unasked) && p->shed.step < PT_SHED_COUNT_ONLY)
        guess = pt_orphan_find(p->reader, ev->bytes, ev->frame_left, c->ep[side].port, &o);
    if (guess == PT_GUESS_MORE && ev->bytes.len < look) {
        pt_frame_want(&d->frame, look);
        return;
    }
    if (guess == PT_GUESS_MORE && pt_frame_want_whole(&d->frame))
        return;
    d->orphan = false;
    p->stats.orphan_responses++;
    if (guess == PT_GUESS_YES)
        read_it(c, side, &o, &ev->at);
}
