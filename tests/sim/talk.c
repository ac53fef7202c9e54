/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/talk.h"

#include <stdio.h>
#include <string.h>

#define API_PRODUCE 0
#define API_FETCH 1
#define API_METADATA 3
#define API_DESCRIBE_CONFIGS 32
#define DESCRIBE_CONFIGS_VERSION 1 /* the oldest in use, without the long tail of descriptions */
#define ABORTED_MAX 64u
/* Transactions are short: behind so many that were over before, all were. */
#define ABORTED_LOOK_BACK 64u

static const uint8_t topic_ids[2][16] = {
    { 0x51, 0x6d, 0x2e, 0x6f, 0x72, 0x64, 0x45, 0x72, 0x81, 0x11, 1, 2, 3, 4, 5, 6 },
    { 0x61, 0x6d, 0x2e, 0x6f, 0x72, 0x64, 0x45, 0x72, 0x82, 0x22, 1, 2, 3, 4, 5, 7 },
};

static bool is_flexible(int api, int version)
{
    return api != API_DESCRIBE_CONFIGS && version >= (api == API_FETCH ? 12 : 9);
}

static void begin_request(struct client *c, int api, int version)
{
    struct buf *m = &c->t->msg;

    m->len = 0;
    buf_be(m, 0, 4);
    buf_be(m, (uint64_t)api, 2);
    buf_be(m, (uint64_t)version, 2);
    buf_be(m, (uint32_t)++c->correlation_id, 4);
    buf_string(m, false, c->id);
    buf_tags(m, is_flexible(api, version));
}

static void begin_response(struct client *c, int api, int version, int32_t correlation_id)
{
    struct buf *m = &c->t->msg;

    m->len = 0;
    buf_be(m, 0, 4);
    buf_be(m, (uint32_t)correlation_id, 4);
    buf_tags(m, is_flexible(api, version));
}

static struct oracle_frame say(struct client *c, uint32_t broker, int side)
{
    struct buf *m = &c->t->msg;

    buf_be_at(m->data, m->len - 4, 4);
    return wire_send(c->t->wire, &c->conn[broker], side, m->data, m->len);
}

static void put_topic(struct client *c, int version, bool flex)
{
    if (version >= 13)
        buf_put(&c->t->msg, topic_ids[c->t->cluster->index], 16);
    else
        buf_string(&c->t->msg, flex, TALK_TOPIC);
}

/* Metadata. */

static void put_nodes(struct buf *m, bool flex, uint32_t cnt)
{
    buf_array(m, flex, cnt);
    for (uint32_t i = 0; i < cnt; i++)
        buf_be(m, i + 1, 4);
}

static void put_partition(struct client *c, bool flex, uint32_t p)
{
    const struct cluster *k = c->t->cluster;
    struct buf *m = &c->t->msg;

    buf_be(m, 0, 2);
    buf_be(m, p, 4);
    buf_be(m, k->log[p].leader + 1, 4);
    if (flex)
        buf_be(m, (uint32_t)k->log[p].epoch, 4);
    put_nodes(m, flex, k->replicas);
    put_nodes(m, flex, k->replicas);
    buf_array(m, flex, 0);
    buf_tags(m, flex);
}

static void put_metadata(struct client *c, int version, bool flex)
{
    const struct cluster *k = c->t->cluster;
    struct buf *m = &c->t->msg;
    char host[32];

    buf_be(m, 0, 4);
    buf_array(m, flex, k->replicas);
    for (uint32_t i = 0; i < k->replicas; i++) {
        buf_be(m, i + 1, 4);
        snprintf(host, sizeof(host), "10.88.%u.%u", k->index + 1, i + 1);
        buf_string(m, flex, host);
        buf_be(m, 9092, 4);
        buf_string(m, flex, NULL);
        buf_tags(m, flex);
    }
    buf_string(m, flex, k->index ? "simulated-target-00000" : "simulated-source-00000");
    buf_be(m, 1, 4);
    buf_array(m, flex, 1);
    buf_be(m, 0, 2);
    buf_string(m, flex, TALK_TOPIC);
    if (version >= 10)
        buf_put(m, topic_ids[k->index], 16);
    buf_be(m, 0, 1);
    buf_array(m, flex, k->partitions);
    for (uint32_t p = 0; p < k->partitions; p++)
        put_partition(c, flex, p);
    if (version >= 8)
        buf_be(m, 0x80000000u, 4);
    buf_tags(m, flex);
    buf_tags(m, flex);
}

void client_metadata(struct client *c, uint32_t broker)
{
    int version = c->fetch_version >= 13 ? 12 : 5;
    bool flex = is_flexible(API_METADATA, version);
    struct buf *m = &c->t->msg;

    /* Responses come in the order of their requests. */
    client_answer(c, broker);
    if (c->produce_cnt[broker])
        return;
    begin_request(c, API_METADATA, version);
    buf_array(m, flex, 1);
    if (version >= 10)
        buf_put(m, (const uint8_t[16]){ 0 }, 16);
    buf_string(m, flex, TALK_TOPIC);
    buf_tags(m, flex);
    buf_be(m, 0, 1);
    if (version >= 8)
        buf_be(m, 0, 1);
    buf_tags(m, flex);
    say(c, broker, 0);
    begin_response(c, API_METADATA, version, c->correlation_id);
    put_metadata(c, version, flex);
    say(c, broker, 1);
}

void client_configs(struct client *c, uint32_t broker, const char *policy)
{
    struct buf *m = &c->t->msg;

    client_answer(c, broker);
    if (c->produce_cnt[broker])
        return;
    begin_request(c, API_DESCRIBE_CONFIGS, DESCRIBE_CONFIGS_VERSION);
    buf_array(m, false, 1);
    buf_be(m, 2, 1); /* a topic */
    buf_string(m, false, TALK_TOPIC);
    buf_be(m, UINT32_MAX, 4); /* all its configs */
    buf_be(m, 0, 1);
    say(c, broker, 0);
    begin_response(c, API_DESCRIBE_CONFIGS, DESCRIBE_CONFIGS_VERSION, c->correlation_id);
    buf_be(m, 0, 4);
    buf_array(m, false, 1);
    buf_be(m, 0, 2);
    buf_string(m, false, NULL);
    buf_be(m, 2, 1);
    buf_string(m, false, TALK_TOPIC);
    buf_array(m, false, 1);
    buf_string(m, false, "cleanup.policy");
    buf_string(m, false, policy);
    buf_be(m, 0, 1);
    buf_be(m, 5, 1); /* the default */
    buf_be(m, 0, 1);
    buf_array(m, false, 0);
    say(c, broker, 1);
}

void client_connect(struct client *c, struct talk *t, uint32_t ip, uint16_t port, int except)
{
    uint32_t net = 10u << 24 | 88u << 16 | (uint32_t)(t->cluster->index + 1) << 8;

    c->t = t;
    for (uint32_t b = 0; b < t->cluster->replicas; b++) {
        for (uint32_t p = 0; p < PARTITIONS_MAX; p++)
            c->told[b][p] = -1;
        if ((int)b == except)
            continue;
        wire_connect(t->wire, &c->conn[b], ip, (uint16_t)(port + b), net | (b + 1), 9092);
        c->connected[b] = true;
        client_metadata(c, b);
    }
}

void client_finish(struct client *c)
{
    for (uint32_t b = 0; b < BROKERS_MAX; b++)
        if (c->connected[b])
            wire_finish(c->t->wire, &c->conn[b]);
}

/* Produce. */

static void carried(struct client *c, const struct talk_batch *b, struct oracle_frame frame,
                    uint64_t frame_off, bool produce, struct oracle_frame other)
{
    if (c->t->oracle)
        oracle_carried(
                c->t->oracle,
                &(struct oracle_batch){ .log = b->partition + PARTITIONS_MAX * c->t->cluster->index,
                                        .batch = b->serial,
                                        .frame = frame,
                                        .from = frame_off + b->from,
                                        .to = frame_off + b->to,
                                        .other = other,
                                        .produce = produce });
}

void client_produce(struct client *c, uint32_t leader, int16_t acks, const uint32_t *partition,
                    const struct stored_batch *const *batch, uint32_t cnt)
{
    const struct oracle_frame none = { ORACLE_NONE, 0 };
    bool flex = is_flexible(API_PRODUCE, c->produce_version);
    uint64_t frame_off = c->conn[leader].sent[0];
    struct produce_call call = { .acks = acks, .cnt = cnt };
    struct buf *m = &c->t->msg;
    struct oracle_frame frame;

    begin_request(c, API_PRODUCE, c->produce_version);
    buf_string(m, flex, NULL);
    buf_be(m, (uint16_t)acks, 2);
    buf_be(m, 30000, 4);
    buf_array(m, flex, 1);
    buf_string(m, flex, TALK_TOPIC);
    buf_array(m, flex, cnt);
    for (uint32_t i = 0; i < cnt; i++) {
        const uint8_t *data = c->t->cluster->log[partition[i]].bytes.data + batch[i]->off;
        struct talk_batch *b = &call.batch[i];

        buf_be(m, partition[i], 4);
        buf_bytes(m, flex, data, batch[i]->sz);
        *b = (struct talk_batch){ partition[i], batch[i]->serial, batch[i]->base,
                                  m->len - batch[i]->sz, m->len };
        batch_place(m->data + b->from, 0, -1); /* as the producer wrote it */
        buf_tags(m, flex);
    }
    buf_tags(m, flex);
    buf_tags(m, flex);
    call.correlation_id = c->correlation_id;
    frame = say(c, leader, 0);
    if (c->t->oracle)
        call.first = c->t->oracle->batch_cnt;
    for (uint32_t i = 0; i < cnt; i++)
        carried(c, &call.batch[i], frame, frame_off, true, none);
    if (acks)
        c->produce[leader][(c->produce_at[leader] + c->produce_cnt[leader]++) % TALK_INFLIGHT_MAX] =
                call;
}

static bool replicated(const struct client *c, const struct produce_call *call)
{
    for (uint32_t i = 0; i < call->cnt && call->acks < 0; i++) {
        const struct sim_log *l = &c->t->cluster->log[call->batch[i].partition];
        uint32_t at = log_find(l, call->batch[i].base);

        if (l->batch[at].base + l->batch[at].cnt > l->hw)
            return false;
    }
    return true;
}

bool client_produced(struct client *c, uint32_t leader)
{
    const struct produce_call *call = &c->produce[leader][c->produce_at[leader]];
    bool flex = is_flexible(API_PRODUCE, c->produce_version);
    struct buf *m = &c->t->msg;
    struct oracle_frame frame;

    if (!c->produce_cnt[leader] || !replicated(c, call))
        return false;
    begin_response(c, API_PRODUCE, c->produce_version, call->correlation_id);
    buf_array(m, flex, 1);
    buf_string(m, flex, TALK_TOPIC);
    buf_array(m, flex, call->cnt);
    for (uint32_t i = 0; i < call->cnt; i++) {
        buf_be(m, call->batch[i].partition, 4);
        buf_be(m, 0, 2);
        buf_be(m, (uint64_t)call->batch[i].base, 8);
        buf_be(m, UINT64_MAX, 8);
        buf_be(m, 0, 8);
        buf_array(m, flex, 0);
        buf_string(m, flex, NULL);
        buf_tags(m, flex);
    }
    buf_tags(m, flex);
    buf_be(m, 0, 4);
    buf_tags(m, flex);
    frame = say(c, leader, 1);
    for (uint32_t i = 0; c->t->oracle && i < call->cnt; i++)
        c->t->oracle->batch[call->first + i].other = frame;
    c->produce_at[leader] = (c->produce_at[leader] + 1) % TALK_INFLIGHT_MAX;
    c->produce_cnt[leader]--;
    return true;
}

bool client_waits(const struct client *c)
{
    for (uint32_t b = 0; b < BROKERS_MAX; b++)
        if (c->produce_cnt[b])
            return true;
    return false;
}

/* Fetch. */

static bool is_led(const struct client *c, uint32_t leader, uint32_t p)
{
    return c->t->cluster->log[p].leader == leader;
}

/* Named in the next request: in the session, it is only named when its offset has changed. */
static bool is_named(const struct client *c, uint32_t leader, uint32_t p)
{
    return is_led(c, leader, p) && c->told[leader][p] != c->position[p];
}

static bool is_forgotten(const struct client *c, uint32_t leader, uint32_t p)
{
    return !is_led(c, leader, p) && c->told[leader][p] >= 0;
}

static uint32_t count(const struct client *c, uint32_t leader,
                      bool (*is)(const struct client *, uint32_t, uint32_t))
{
    uint32_t cnt = 0;

    for (uint32_t p = 0; p < c->t->cluster->partitions; p++)
        cnt += is(c, leader, p);
    return cnt;
}

static void put_wanted(struct client *c, uint32_t leader, bool flex)
{
    struct buf *m = &c->t->msg;

    for (uint32_t p = 0; p < c->t->cluster->partitions; p++) {
        if (!is_named(c, leader, p))
            continue;
        buf_be(m, p, 4);
        buf_be(m, (uint32_t)c->t->cluster->log[p].epoch, 4);
        buf_be(m, (uint64_t)c->position[p], 8);
        if (flex)
            buf_be(m, UINT32_MAX, 4); /* last fetched epoch */
        buf_be(m, c->replica > 0 ? 0 : UINT64_MAX, 8);
        buf_be(m, c->fetch_max, 4);
        buf_tags(m, flex);
        c->told[leader][p] = c->position[p];
        c->told_hw[leader][p] = -1;
    }
}

static void put_forgotten(struct client *c, uint32_t leader, bool flex)
{
    struct buf *m = &c->t->msg;
    uint32_t cnt = count(c, leader, is_forgotten);

    buf_array(m, flex, cnt ? 1 : 0);
    if (!cnt)
        return;
    put_topic(c, c->fetch_version, flex);
    buf_array(m, flex, cnt);
    for (uint32_t p = 0; p < c->t->cluster->partitions; p++)
        if (is_forgotten(c, leader, p)) {
            buf_be(m, p, 4);
            c->told[leader][p] = -1;
        }
    buf_tags(m, flex);
}

void client_ask(struct client *c, uint32_t leader)
{
    bool flex = is_flexible(API_FETCH, c->fetch_version);
    struct fetch_call *call = &c->fetch[leader];
    struct buf *m = &c->t->msg;
    uint32_t cnt;

    if (!c->connected[leader] || call->waits)
        return;
    cnt = count(c, leader, is_named);
    begin_request(c, API_FETCH, c->fetch_version);
    buf_be(m, (uint32_t)c->replica, 4);
    buf_be(m, 500, 4);
    buf_be(m, 1, 4);
    buf_be(m, 10485760, 4);
    buf_be(m, c->committed, 1);
    buf_be(m, (uint32_t)c->session_id[leader], 4);
    buf_be(m, (uint32_t)c->session_epoch[leader], 4);
    buf_array(m, flex, cnt ? 1 : 0);
    if (cnt) {
        put_topic(c, c->fetch_version, flex);
        buf_array(m, flex, cnt);
        put_wanted(c, leader, flex);
        buf_tags(m, flex);
    }
    put_forgotten(c, leader, flex);
    buf_string(m, flex, "");
    buf_tags(m, flex);
    call->waits = true;
    call->correlation_id = c->correlation_id;
    call->request = say(c, leader, 0);
    if (c->replica > 0)
        for (uint32_t p = 0; p < c->t->cluster->partitions; p++)
            if (is_led(c, leader, p))
                log_replicated(&c->t->cluster->log[p], c->t->cluster->replicas,
                               (uint32_t)c->replica - 1, c->position[p]);
}

/* What the client may see ends here. */
static int64_t visible_end(const struct client *c, const struct sim_log *l)
{
    return c->replica > 0 ? l->leo : c->committed ? log_lso(l) : l->hw;
}

/* What the broker was asked for is still what the client wants: it may have got on at another
 * leader meanwhile. */
static bool is_asked(const struct client *c, uint32_t leader, uint32_t p)
{
    return is_led(c, leader, p) && c->told[leader][p] >= 0 && c->told[leader][p] == c->position[p];
}

static bool has_records(const struct client *c, uint32_t leader, uint32_t p)
{
    return is_asked(c, leader, p) && c->position[p] < visible_end(c, &c->t->cluster->log[p]);
}

/* Or it waits for an answer to ask for something else. */
bool client_has_news(const struct client *c, uint32_t leader)
{
    return c->fetch[leader].waits && (count(c, leader, has_records) || count(c, leader, is_named));
}

static bool is_answered(const struct client *c, uint32_t leader, uint32_t p)
{
    return is_asked(c, leader, p) &&
           (has_records(c, leader, p) || c->told_hw[leader][p] != c->t->cluster->log[p].hw);
}

static void put_aborted(struct client *c, bool flex, const struct sim_log *l, int64_t from,
                        int64_t to)
{
    const struct txn *found[ABORTED_MAX];
    struct buf *m = &c->t->msg;
    uint32_t before = 0;
    uint32_t cnt = 0;

    if (!c->committed) {
        buf_array(m, flex, flex ? SIZE_MAX : UINT32_MAX);
        return;
    }
    for (uint32_t i = l->txn_cnt; i-- > 0 && cnt < ABORTED_MAX && before < ABORTED_LOOK_BACK;) {
        if (l->txn[i].aborted && l->txn[i].first < to && l->txn[i].end > from)
            found[cnt++] = &l->txn[i];
        before = l->txn[i].end >= 0 && l->txn[i].end <= from ? before + 1 : 0;
    }
    buf_array(m, flex, cnt);
    for (uint32_t i = cnt; i-- > 0;) { /* the oldest first */
        buf_be(m, (uint64_t)found[i]->producer_id, 8);
        buf_be(m, (uint64_t)found[i]->first, 8);
        buf_tags(m, flex);
    }
}

/* Whole batches from the position on, at least one, as far as fetch_max allows. Returns the index
 * behind the last. */
static uint32_t batches_for(const struct client *c, const struct sim_log *l, uint32_t first)
{
    int64_t end = visible_end(c, l);
    uint32_t i = first;
    size_t sz = 0;

    while (i < l->batch_cnt && l->batch[i].base + l->batch[i].cnt <= end &&
           (i == first || sz + l->batch[i].sz <= c->fetch_max))
        sz += l->batch[i++].sz;
    return i;
}

static void put_answer(struct client *c, uint32_t p, bool flex, struct talk_batch *list,
                       uint32_t *cnt, uint32_t max)
{
    struct sim_log *l = &c->t->cluster->log[p];
    uint32_t first = log_find(l, c->position[p]);
    uint32_t last = batches_for(c, l, first);
    struct buf *m = &c->t->msg;
    int64_t from = c->position[p];
    size_t start;

    if (last - first > max - *cnt)
        last = first + (max - *cnt);
    if (last > first)
        c->position[p] = l->batch[last - 1].base + l->batch[last - 1].cnt;
    buf_be(m, p, 4);
    buf_be(m, 0, 2);
    buf_be(m, (uint64_t)l->hw, 8);
    buf_be(m, (uint64_t)(c->replica > 0 ? -1 : log_lso(l)), 8);
    buf_be(m, 0, 8);
    put_aborted(c, flex, l, from, c->position[p]);
    buf_be(m, UINT32_MAX, 4);
    if (last > first) {
        size_t off = l->batch[first].off;
        size_t sz = l->batch[last - 1].off + l->batch[last - 1].sz - off;

        buf_bytes(m, flex, l->bytes.data + off, sz);
        start = m->len - sz;
        for (uint32_t i = first; i < last; i++)
            list[(*cnt)++] = (struct talk_batch){ p, l->batch[i].serial, l->batch[i].base,
                                                  start + l->batch[i].off - off,
                                                  start + l->batch[i].off - off + l->batch[i].sz };
    } else {
        buf_bytes(m, flex, NULL, 0);
    }
    buf_tags(m, flex);
}

void client_answer(struct client *c, uint32_t leader)
{
    static struct talk_batch list[4096];
    bool flex = is_flexible(API_FETCH, c->fetch_version);
    struct fetch_call *call = &c->fetch[leader];
    uint64_t frame_off = c->conn[leader].sent[1];
    uint32_t answered = count(c, leader, is_answered);
    struct buf *m = &c->t->msg;
    struct oracle_frame frame;
    uint32_t cnt = 0;

    if (!call->waits)
        return;
    if (!c->session_epoch[leader])
        c->session_id[leader] = ++c->t->session_id;
    c->session_epoch[leader]++;
    begin_response(c, API_FETCH, c->fetch_version, call->correlation_id);
    buf_be(m, 0, 4);
    buf_be(m, 0, 2);
    buf_be(m, (uint32_t)c->session_id[leader], 4);
    buf_array(m, flex, answered ? 1 : 0);
    if (answered) {
        put_topic(c, c->fetch_version, flex);
        buf_array(m, flex, answered);
        for (uint32_t p = 0; p < c->t->cluster->partitions; p++)
            if (is_answered(c, leader, p)) {
                c->told_hw[leader][p] = c->t->cluster->log[p].hw;
                put_answer(c, p, flex, list, &cnt, 4096);
            }
        buf_tags(m, flex);
    }
    buf_tags(m, flex);
    frame = say(c, leader, 1);
    call->waits = false;
    for (uint32_t i = 0; i < cnt; i++)
        carried(c, &list[i], frame, frame_off, false, call->request);
}
