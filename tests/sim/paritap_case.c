/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paritap-case: writes DIR/source.pcap and DIR/target.pcap of one named case: a short story of two
 * clusters with one partition, in which the tap misses one certain thing, or, with --whole,
 * nothing. cases.py says what a report of it must and must not say.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/talk.h"

#define STEP_NS 20000000

struct side {
    struct cluster cluster;
    struct oracle oracle;
    struct mirror mirror;
    struct wire wire;
    struct talk talk;
    struct client producer;
    struct client consumer;
    struct client follower;
    bool has_follower;
};

struct story {
    struct side side[2];
    bool whole; /* the tap misses nothing */
    uint64_t next;
    int64_t mirrored; /* source offsets that the target has */
};

/* Both clocks go on together. */
static void pass_time(struct story *s)
{
    int64_t now_ns = s->side[0].wire.now_ns > s->side[1].wire.now_ns ? s->side[0].wire.now_ns
                                                                     : s->side[1].wire.now_ns;

    s->side[0].wire.now_ns = now_ns + STEP_NS;
    s->side[1].wire.now_ns = now_ns + STEP_NS;
}

/* From here on the taps of these sides (a bit each) miss what passes, until see. */
static void miss(struct story *s, unsigned sides)
{
    for (unsigned i = 0; i < 2; i++)
        s->side[i].mirror.off = !s->whole && (sides & 1u << i);
}

static void see(struct story *s)
{
    miss(s, 0);
}

static void begin(struct story *s, const char *const path[2], uint32_t replicas)
{
    for (unsigned i = 0; i < 2; i++) {
        struct side *d = &s->side[i];
        uint32_t net = 10u << 24 | 88u << 16;

        if (mirror_open(&d->mirror, path[i], NULL, &d->oracle)) {
            perror(path[i]);
            exit(2);
        }
        wire_init(&d->wire, &d->mirror);
        cluster_init(&d->cluster, i, i ? 1 : replicas, 1);
        d->talk = (struct talk){ .wire = &d->wire, .oracle = &d->oracle, .cluster = &d->cluster };
        d->producer = (struct client){
            .id = "producer", .replica = -1, .produce_version = 8, .fetch_version = 11
        };
        d->consumer = (struct client){ .id = "consumer",
                                       .replica = -1,
                                       .produce_version = 8,
                                       .fetch_version = 11,
                                       .fetch_max = 1u << 20 };
        client_connect(&d->producer, &d->talk, net | 4u << 8 | 1, 42000, -1);
        client_connect(&d->consumer, &d->talk, net | 4u << 8 | 2, 41000, -1);
        if (!i && replicas > 1) {
            d->has_follower = true;
            d->follower = (struct client){
                .id = "broker-2-fetcher-0", .replica = 2, .fetch_version = 11, .fetch_max = 1u << 20
            };
            client_connect(&d->follower, &d->talk, net | 1u << 8 | 2, 50000, 1);
        }
    }
}

static void end(struct story *s)
{
    for (unsigned i = 0; i < 2; i++) {
        struct side *d = &s->side[i];

        client_finish(&d->producer);
        client_finish(&d->consumer);
        client_finish(&d->follower);
        buf_fini(&d->talk.msg);
        if (mirror_close(&d->mirror))
            exit(2);
        cluster_fini(&d->cluster);
        oracle_fini(&d->oracle);
    }
}

static void follow(struct story *s)
{
    struct side *d = &s->side[0];

    if (!d->has_follower)
        return;
    for (int i = 0; i < 2; i++) {
        client_ask(&d->follower, d->cluster.log[0].leader);
        client_answer(&d->follower, d->cluster.log[0].leader);
    }
    client_ask(&d->follower, d->cluster.log[0].leader);
}

static void read_on(struct story *s, unsigned i)
{
    struct side *d = &s->side[i];

    client_ask(&d->consumer, d->cluster.log[0].leader);
    client_answer(&d->consumer, d->cluster.log[0].leader);
    pass_time(s);
}

static const struct batch_spec plain = {
    .producer_id = -1, .producer_epoch = -1, .base_sequence = -1, .value_sz = 16
};

static void produce(struct story *s, unsigned i, const struct batch_spec *spec, int16_t acks,
                    const struct place *place, uint32_t cnt)
{
    struct side *d = &s->side[i];
    const struct stored_batch *b = log_append(&d->cluster, 0, spec, acks < 0, place, cnt);
    uint32_t partition = 0;

    client_produce(&d->producer, d->cluster.log[0].leader, acks, &partition, &b, 1);
    pass_time(s);
}

static void acknowledge(struct story *s, unsigned i)
{
    struct side *d = &s->side[i];

    if (!i)
        follow(s);
    client_produced(&d->producer, d->cluster.log[0].leader);
    pass_time(s);
}

/* cnt new records, all different, of the source. */
static void write_source(struct story *s, const struct batch_spec *spec, int16_t acks, uint32_t cnt)
{
    struct place place[64];

    for (uint32_t i = 0; i < cnt; i++, s->next++)
        place[i] = (struct place){ .content = (s->next + 1) << 32 | (s->next + 1),
                                   .timestamp_ms = s->side[0].wire.now_ns / 1000000 + i };
    produce(s, 0, spec, acks, place, cnt);
}

static void write_some(struct story *s, uint32_t cnt)
{
    write_source(s, &plain, -1, cnt);
    acknowledge(s, 0);
    read_on(s, 0);
}

/* What the source holds and the target does not have yet is written there, by a replicator whose
 * reading is not on the tap. */
static void mirror_all(struct story *s)
{
    const struct sim_log *l = &s->side[0].cluster.log[0];

    for (; s->mirrored < l->leo; s->mirrored++) {
        if (!l->place[s->mirrored].content)
            continue;
        produce(s, 1, &plain, -1, &l->place[s->mirrored], 1);
        acknowledge(s, 1);
    }
    read_on(s, 1);
    read_on(s, 1);
}

/* The cases. */

/* Of a fetch session the response with [f, g) and the request that then named g are missed; the
 * next response begins at g. What was asked for last, as far as the tap knows, was f. */
static void session_gap(struct story *s)
{
    struct client *c = &s->side[0].consumer;

    write_some(s, 5);
    miss(s, 1);
    write_source(s, &plain, -1, 5);
    acknowledge(s, 0);
    see(s);
    client_ask(c, 0);
    miss(s, 1);
    client_answer(c, 0);
    client_ask(c, 0);
    see(s);
    write_source(s, &plain, -1, 5);
    acknowledge(s, 0);
    client_answer(c, 0);
    mirror_all(s);
    read_on(s, 0);
}

/* The answer to a Produce is missed, and nobody reads it. */
static void ack_lost(struct story *s)
{
    write_some(s, 5);
    write_source(s, &plain, -1, 5);
    miss(s, 1);
    acknowledge(s, 0);
    read_on(s, 0);
    see(s);
    write_some(s, 5);
    mirror_all(s);
    read_on(s, 0);
}

/* The producer did not get its answer, nor did the tap, and sends the same batch again; the broker
 * knows it by its sequence, and answers with where it is. */
static void retried(struct story *s)
{
    struct batch_spec spec = { .producer_id = 77, .value_sz = 16 };
    struct client *c = &s->side[0].producer;
    const struct stored_batch *b;
    uint32_t partition = 0;

    write_source(s, &spec, -1, 5);
    acknowledge(s, 0);
    spec.base_sequence = 5;
    write_source(s, &spec, -1, 5);
    miss(s, 1);
    acknowledge(s, 0);
    see(s);
    b = &s->side[0].cluster.log[0].batch[1];
    client_produce(c, 0, -1, &partition, &b, 1);
    acknowledge(s, 0);
    spec.base_sequence = 10;
    write_source(s, &spec, -1, 5);
    acknowledge(s, 0);
    read_on(s, 0);
    mirror_all(s);
    read_on(s, 0);
}

/* Only the leader had what was acknowledged with acks=1; the new leader writes other records at
 * these offsets, which the tap misses. */
static void truncated(struct story *s)
{
    struct side *d = &s->side[0];

    write_some(s, 5);
    write_source(s, &plain, 1, 3);
    client_produced(&d->producer, 0);
    if (!log_new_leader(&d->cluster, 0, 1))
        abort();
    d->follower.replica = 1; /* the old leader follows now */
    d->follower.position[0] = d->cluster.log[0].leo;
    wire_connect(&d->wire, &d->follower.conn[1], 10u << 24 | 88u << 16 | 1u << 8 | 1, 50100,
                 10u << 24 | 88u << 16 | 1u << 8 | 2, 9092);
    d->follower.connected[1] = true;
    client_metadata(&d->producer, 1);
    miss(s, 1);
    write_source(s, &plain, -1, 3);
    acknowledge(s, 0);
    read_on(s, 0);
    see(s);
    write_some(s, 5);
    mirror_all(s);
    read_on(s, 0);
}

/* Between the Produce and the first Fetch compaction takes three records: the mirror never had
 * them. What is missed is that Fetch. */
static void compacted(struct story *s)
{
    struct sim_log *l = &s->side[0].cluster.log[0];

    write_some(s, 5);
    write_source(s, &plain, -1, 6);
    acknowledge(s, 0);
    for (int i = 6; i < 9; i++)
        l->place[i].content = 0;
    log_compact(&s->side[0].cluster, 0, &l->batch[1]);
    miss(s, 1);
    read_on(s, 0);
    see(s);
    write_some(s, 5);
    mirror_all(s);
    read_on(s, 0);
}

/* The tap begins within a transaction, which is aborted then. */
static void within_txn(struct story *s)
{
    struct batch_spec spec = { .producer_id = 88, .flags = BATCH_TXN, .value_sz = 16 };

    s->side[0].consumer.committed = true;
    write_some(s, 5);
    miss(s, 1);
    write_source(s, &spec, -1, 5);
    acknowledge(s, 0);
    see(s);
    spec.base_sequence = 5;
    write_source(s, &spec, -1, 5);
    acknowledge(s, 0);
    log_end_txn(&s->side[0].cluster, 0, 88, false, s->side[0].wire.now_ns / 1000000);
    follow(s);
    read_on(s, 0);
    write_some(s, 5);
    mirror_all(s);
    read_on(s, 0);
}

/* Both taps miss the same records. */
static void both_lose(struct story *s)
{
    write_some(s, 5);
    mirror_all(s);
    miss(s, 3);
    write_some(s, 5);
    mirror_all(s);
    see(s);
    write_some(s, 5);
    mirror_all(s);
    read_on(s, 0);
}

static const struct {
    const char *name;
    void (*tell)(struct story *s);
    uint32_t replicas;
} cases[] = {
    { "session_gap", session_gap, 1 }, { "ack_lost", ack_lost, 1 },
    { "retried", retried, 1 },         { "truncated", truncated, 2 },
    { "compacted", compacted, 1 },     { "within_txn", within_txn, 1 },
    { "both_lose", both_lose, 1 },
};

int main(int argc, char **argv)
{
    struct story s = { .whole = argc == 4 && !strcmp(argv[1], "--whole") };
    const char *name = argc > 2 ? argv[argc - 2] : "";
    char source[4096];
    char target[4096];

    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        if (strcmp(cases[i].name, name))
            continue;
        snprintf(source, sizeof(source), "%s/source.pcap", argv[argc - 1]);
        snprintf(target, sizeof(target), "%s/target.pcap", argv[argc - 1]);
        begin(&s, (const char *const[2]){ source, target }, cases[i].replicas);
        cases[i].tell(&s);
        for (int n = 0; n < 100; n++) /* two quiet seconds */
            pass_time(&s);
        read_on(&s, 0);
        read_on(&s, 1);
        end(&s);
        return 0;
    }
    fprintf(stderr, "usage: paritap-case [--whole] CASE DIR\n");
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        fprintf(stderr, "  %s\n", cases[i].name);
    return 2;
}
