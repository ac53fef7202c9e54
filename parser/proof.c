/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When is a guess no guess any more? Where a connection is met in its middle, or a hole took a
 * boundary, frames are found by what they look like (guess.h). But records may hold recorded
 * frames, whole and right and any number of them one behind the other: no run of frames that fit
 * each other, however long, tells a recorded conversation from the one that carries it. What a
 * recording cannot do is make the other side answer. So:
 *
 *  - a direction is sure from the start if its first frame begins the connection, whose SYN was
 *    seen;
 *  - what looks like requests is proven by the broker: a response, found by its id, is to its last
 *    byte what the API and version of its request say, and names a log that this very request
 *    wrote to or asked for; or it names no log that the request did not, and the next response is
 *    found by its id just where that one ends;
 *  - responses are proven in the same way. Where the requests are sure, a hole in the first one's
 *    body does not matter.
 *
 * A recorded frame would have to have the id of a request that waits at this moment, and be an
 * answer to just what that asked. (Where a response stands in the stream proves nothing: the byte
 * at which a capture begins, or a hole ends, may lie within another one.)
 *
 * Until then messages of that direction wait (hold.h), those of responses also while the requests
 * are a guess, but for a response that is read without one. A guess that is contradicted, by a body
 * that is not what it should be, a size or a header that cannot be, a request that does not go on
 * from the one before, or by a hole that makes another guess necessary, takes what waits with it,
 * and the requests that were read behind it. Connections of which only one direction is seen and
 * whose start is not never prove anything: what they seem to carry is not told. (Answers alone,
 * from the start on: unasked.c.)
 */
#include "parser/body.h"
#include "parser/conn_pvt.h"

/* Whether what this side sends is as sure as what it depends on: an answer, on what was asked. */
static bool is_sure(const struct pt_conn *c, int side)
{
    const struct pt_conn_dir *requests;

    if (!c->dir[side] || !c->dir[side]->sure)
        return false;
    if (c->request_side < 0 || c->request_side == side)
        return true;
    requests = c->dir[c->request_side];
    return !requests || requests->sure;
}

void pt_conn_aim(struct pt_conn *c, int side)
{
    struct pt_parser *p = c->parser;
    struct pt_conn_dir *d = c->dir[side];
    bool orphan = d && d->sure && d->in_msg && d->msg.orphan;
    bool waits = d && ((!is_sure(c, side) && !orphan) || (d->in_msg && d->msg.records.found));

    p->hold = waits ? &d->hold : NULL;
    p->out = p->hold ? &p->hold->out : p->lane;
}

/* prove passes on what waits: first what was asked and produced, then what was answered. */
static void prove(struct pt_conn *c, int side)
{
    struct pt_parser *p = c->parser;
    int order[2] = { c->request_side, !c->request_side };

    for (int i = 0; i < 2; i++) {
        struct pt_conn_dir *d = c->dir[order[i]];

        if (!d)
            continue;
        d->sure = true;
        c->any_sure = true;
        c->announced &= !d->hold.overflown; /* it may have been among what is gone */
        p->stats.batches_unproven += pt_hold_pass(&d->hold, p->lane);
    }
    pt_conn_aim(c, side);
    if (!c->announced)
        pt_conn_announce(c, &c->dir[side]->frame.frame_at);
}

void pt_conn_lands(struct pt_conn *c, int side, bool right)
{
    struct pt_parser *p = c->parser;
    struct pt_conn_dir *d = c->dir[side];

    d->msg.records.found = false;
    p->stats.batches_unproven += right ? pt_hold_pass(&d->hold, p->lane) : pt_hold_forget(&d->hold);
    pt_conn_aim(c, side);
}

/* speaks_for: the exchange of request number says something of both guesses, not of one only. */
static bool speaks_for(const struct pt_conn *c, uint32_t number)
{
    const struct pt_conn_dir *requests = c->dir[c->request_side];

    return requests && (requests->sure || (int32_t)(number - c->sure_number) > 0);
}

void pt_conn_answered(struct pt_conn *c, int side, uint32_t number)
{
    if (!is_sure(c, side) && c->pairs && speaks_for(c, number))
        prove(c, side);
}

void pt_conn_paired(struct pt_conn *c, int side, enum pt_body_end how)
{
    const struct pt_msg *m = &c->dir[side]->msg;

    if (is_sure(c, side) || m->strange || m->orphan || how == PT_BODY_BAD ||
        !speaks_for(c, m->req.number))
        return;
    if (how == PT_BODY_CUT && !c->dir[c->request_side]->sure)
        return;
    c->pairs++;
    if (m->named)
        prove(c, side);
}

/* disown: a response is under way whose request was none. */
static void disown(struct pt_conn_dir *d)
{
    if (d->in_msg && d->msg.body)
        d->msg.body->end(&d->msg, PT_BODY_CUT);
    d->msg.body = NULL;
}

void pt_conn_forget(struct pt_conn *c, int side)
{
    struct pt_parser_stats *s = &c->parser->stats;

    c->pairs = 0;
    if (c->request_side == side && c->dir[!side])
        disown(c->dir[!side]);
    for (int i = 0; i < 2; i++)
        if (c->dir[i] && (i == side || c->request_side == side))
            s->batches_unproven += pt_hold_forget(&c->dir[i]->hold);
    if (c->request_side != side)
        return;
    c->announced &= c->any_sure;
    pt_exchange_cut(&c->exchange, c->sure_number);
    c->correlation_id = c->sure_id;
    pt_fetch_session_void(&c->session);
}

void pt_conn_guessed(struct pt_conn *c, int side, bool sure)
{
    struct pt_conn_dir *d = c->dir[side];

    if (!d->sure)
        pt_conn_forget(c, side); /* what proves this guess says nothing of the one before */
    else if (!sure && c->request_side == side) {
        c->sure_number = c->number;
        c->sure_id = c->correlation_id;
    }
    c->pairs = 0;
    d->sure = sure;
    d->unasked = false;
    d->trust = 0;
}
