/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_TALK_H
#define PT_TESTS_SIM_TALK_H
/*
 * What clients and brokers say to each other about the logs of cluster.h: one client's connections
 * to all brokers of a cluster. A request and its response are two calls, since other things happen
 * in between; the responses of a connection come in the order of its requests.
 *
 * Broker i of cluster k is 10.88.(k+1).(i+1):9092.
 */
#include "tests/sim/cluster.h"
#include "tests/sim/wire.h"

#define TALK_TOPIC "sim.orders"
#define TALK_INFLIGHT_MAX 8u

struct talk { /* what all clients of a cluster share */
    struct wire *wire;
    struct oracle *oracle; /* NULL: nobody asks */
    struct cluster *cluster;
    struct buf msg;
    int32_t session_id; /* the last one given */
};

/* A batch as the oracle knows it stands at [from, to) of a frame, before that is sent. */
struct talk_batch {
    uint32_t partition;
    uint32_t serial;
    int64_t base;
    size_t from;
    size_t to;
};

struct produce_call { /* a Produce that waits for its response */
    int32_t correlation_id;
    int16_t acks;
    uint32_t cnt;
    struct talk_batch batch[PARTITIONS_MAX];
    uint32_t first; /* of the oracle's numbers; the others follow */
};

struct fetch_call {
    bool waits;
    int32_t correlation_id;
    struct oracle_frame request;
};

struct client {
    struct talk *t;
    const char *id;
    int32_t replica; /* node id of a follower; -1 */
    bool committed;  /* reads committed records only */
    int produce_version;
    int fetch_version;  /* 11, 12 or 13 */
    uint32_t fetch_max; /* bytes of a partition */
    int32_t correlation_id;
    struct wire_conn conn[BROKERS_MAX];
    bool connected[BROKERS_MAX];
    struct produce_call produce[BROKERS_MAX][TALK_INFLIGHT_MAX];
    uint32_t produce_at[BROKERS_MAX];
    uint32_t produce_cnt[BROKERS_MAX];
    struct fetch_call fetch[BROKERS_MAX];
    int32_t session_id[BROKERS_MAX];
    int32_t session_epoch[BROKERS_MAX];        /* of the next request */
    int64_t position[PARTITIONS_MAX];          /* what it has */
    int64_t told[BROKERS_MAX][PARTITIONS_MAX]; /* the offset that the broker's session knows; -1:
                                                  the partition is not in it */
    int64_t told_hw[BROKERS_MAX][PARTITIONS_MAX];
};

/* client_connect opens the connections to all brokers but `except` (-1: none), and asks for the
 * metadata there. */
void client_connect(struct client *c, struct talk *t, uint32_t ip, uint16_t port, int except);
void client_finish(struct client *c);

/* client_metadata asks that broker who leads what, unless a Produce waits there. */
void client_metadata(struct client *c, uint32_t broker);

/* client_configs asks that broker what becomes of the topic's old records, unless a Produce waits
 * there; policy: its cleanup.policy. */
void client_configs(struct client *c, uint32_t broker, const char *policy);

/* client_produce sends batches, which stand in their logs already, to their leader. */
void client_produce(struct client *c, uint32_t leader, int16_t acks, const uint32_t *partition,
                    const struct stored_batch *const *batch, uint32_t cnt);
/* client_produced answers the oldest waiting Produce of that broker, if what it wrote is at all
 * replicas, or it does not wait for that. False: there is none that can be answered. */
bool client_produced(struct client *c, uint32_t leader);
bool client_waits(const struct client *c);

/* client_ask sends a Fetch for all partitions that the broker leads, unless one waits already. */
void client_ask(struct client *c, uint32_t leader);
/* client_answer sends the response to it: what the client may see from its positions on. */
void client_answer(struct client *c, uint32_t leader);
/* client_has_news: an answer would have records. */
bool client_has_news(const struct client *c, uint32_t leader);

#endif
