/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_OBSERVATION_H
#define PT_PARSER_OBSERVATION_H
/*
 * The narrow waist: everything that parsing tells verification, as plain self-contained messages.
 * A worker appends them to its lane, a shard reads them in order. They may leave the process (a
 * file, another host), so the layout is fixed: little-endian, naturally aligned, versioned, each
 * message a multiple of 8 bytes. Record content never crosses: only digests do.
 *
 *   | pt_obs (head: kind, cluster, size, where) | body of that kind | variable tail |
 *
 * Two small dictionaries keep messages short. PT_OBS_TOPIC gives a lane's number for a topic (known
 * by name, by id, or both), PT_OBS_CLIENT a lane's number for a connection; both come before the
 * first message that uses the number, and a number is never used again for anything else.
 */
#include <stddef.h>
#include <stdint.h>

#include "parser/packet_ref.h"

#define PT_OBS_VERSION 1

/* Kafka's limit is 249 bytes; what is longer is no topic, and counted. */
#define PT_TOPIC_NAME_MAX 249
#define PT_CLIENT_ID_MAX 255

/* Records in one PT_OBS_RECORDS: 8 KiB of payload, so that a lane never has to carry a message
 * larger than about that. */
#define PT_OBS_RECORDS_MAX 256
/* Aborted transactions in one PT_OBS_ABORTED. A longer list is not passed on (and counted):
 * nothing is then concluded from it. */
#define PT_OBS_ABORTED_MAX 512

/* A topic id as Kafka's own tools print it: URL-safe base64 without padding, 22 characters. */
#define PT_TOPIC_ID_TEXT_SZ 23
const char *pt_topic_id_text(const uint8_t id[16], char buf[PT_TOPIC_ID_TEXT_SZ]);

enum pt_cluster {
    PT_CLUSTER_SOURCE = 0,
    PT_CLUSTER_TARGET = 1,
    PT_CLUSTER_CNT = 2,
    PT_CLUSTER_NONE = 2 /* unassigned: parsed and counted, never evidence */
};

enum pt_obs_kind {
    PT_OBS_TOPIC = 1,
    PT_OBS_TOPIC_ID,
    PT_OBS_TOPIC_DELETED,
    PT_OBS_CLIENT,
    PT_OBS_CLUSTER_ID,
    PT_OBS_BROKER,
    PT_OBS_PARTITION,
    PT_OBS_BATCH,
    PT_OBS_RECORDS,
    PT_OBS_PRODUCE_OUTCOME,
    PT_OBS_BOUNDS,
    PT_OBS_ABORTED,
    PT_OBS_LOST,
    PT_OBS_CLEANUP,
    PT_OBS_TICKET = 0x8000 /* handoff.h; never leaves the worker */
};

struct pt_obs {
    uint16_t kind;           /* enum pt_obs_kind */
    uint8_t version;         /* PT_OBS_VERSION */
    uint8_t cluster;         /* enum pt_cluster */
    uint32_t size;           /* whole message, bytes, multiple of 8 */
    struct pt_packet_ref at; /* packet with the first byte of what is told */
    uint32_t topic;          /* lane's topic number; UINT32_MAX where the kind has no topic */
    int32_t partition;       /* -1 where the kind has no partition */
};

/* PT_OBS_TOPIC: from now on head.topic means this topic. A request by name gives only the name, one
 * by id only the id (the other one empty / zero). What joins the two is PT_OBS_TOPIC_ID. */
struct pt_obs_topic {
    struct pt_obs head;
    uint8_t id[16]; /* all zero: not known */
    uint32_t name_len;
    char name[]; /* name_len bytes, not terminated; 0: not known */
};

/* PT_OBS_TOPIC_ID: the cluster itself says that this name has this id now (Metadata, CreateTopics,
 * DescribeTopicPartitions, TopicRecord of the metadata log, a map given by the operator).
 * head.topic is not used. PT_OBS_TOPIC_DELETED has the same body: the cluster has deleted that id,
 * or, if it is zero (old versions), the topic of that name. */
struct pt_obs_topic_id {
    struct pt_obs head;
    uint8_t id[16];
    uint32_t name_len;
    uint32_t internal; /* 1: the broker calls it internal */
    char name[];
};

/* PT_OBS_CLIENT: from now on client number `client` means this connection. Sent when its first
 * request header is understood, and again (same number) when the client id or the software becomes
 * known. */
struct pt_obs_client {
    struct pt_obs head;
    uint32_t client;
    uint16_t client_port;
    uint16_t broker_port;
    uint8_t client_ip[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint8_t broker_ip[16];
    uint16_t client_id_len;
    uint16_t software_len; /* "name version" of ApiVersions v3+ */
    char text[];           /* client id, then software */
};

struct pt_obs_cluster_id {
    struct pt_obs head;
    uint32_t id_len;
    char id[];
};

/* PT_OBS_BROKER: a broker of this cluster, by Metadata, DescribeCluster or RegisterBrokerRecord. */
struct pt_obs_broker {
    struct pt_obs head;
    int32_t node_id;
    int32_t port;
    uint32_t host_len;
    char host[];
};

/* PT_OBS_PARTITION: head.topic/head.partition exists; leader -1: none or not known. */
struct pt_obs_partition {
    struct pt_obs head;
    int32_t leader_id;
    int32_t leader_epoch; /* -1 unknown */
    int32_t replica_cnt;  /* -1 not told */
    uint32_t pad;
};

/* PT_OBS_CLEANUP: what was said of the cleanup.policy of head.topic. */
#define PT_CLEANUP_DELETE 1u /* it is `delete`, and nothing else */
#define PT_CLEANUP_OTHER 2u  /* it is something else, or may be from now on */
struct pt_obs_cleanup {
    struct pt_obs head;
    uint32_t policy;
    uint32_t pad;
};

enum pt_obs_source {
    PT_SRC_PRODUCE = 0,
    PT_SRC_FETCH_CONSUMER = 1, /* all of it is below the high watermark */
    PT_SRC_FETCH_FOLLOWER = 2, /* may lie above the high watermark */
    PT_SRC_CNT
};

/* One record, independent of batch, codec and format. Digests are keyed; 0 means null (a digest
 * that would be 0 is 1), so key == 0 is Kafka's null key and differs from the empty key. */
struct pt_record {
    uint64_t content;     /* key, value, ordered headers; null and empty differ */
    int64_t timestamp_ms; /* effective: the batch's append time under LogAppendTime; -1 none */
    uint32_t key;
    uint32_t value;
    uint32_t headers;
    int32_t offset_delta; /* offset = base_offset + offset_delta */
};

#define PT_BATCH_TRANSACTIONAL 0x0001u
#define PT_BATCH_CONTROL 0x0002u
#define PT_BATCH_COMMIT 0x0004u     /* control batch: COMMIT marker */
#define PT_BATCH_ABORT 0x0008u      /* control batch: ABORT marker */
#define PT_BATCH_LOG_APPEND 0x0010u /* timestamps are the broker's */
#define PT_BATCH_SEEN_AGAIN                                                                        \
    0x0020u /* same bytes, log, offsets and leader epoch as a batch whose records were             \
               sent before: CRC checked, no records follow */
#define PT_BATCH_READ_COMMITTED 0x0040u
#define PT_BATCH_FROM_KNOWN                                                                        \
    0x0080u /* cert_from is the offset that the request asked for, or follows                      \
               from the batch before it in the same response */

/* PT_OBS_BATCH: one entry of a records field was seen whole (status PT_OK), or seen and not usable
 * (any other status: no records follow, and its offsets are hearsay unless status is PT_OVERSIZE;
 * those of a batch of magic 2 with a good checksum are proven, but the message does not say so).
 * Fetch: offsets are absolute, and the response certifies [cert_from, last_offset]: every offset in
 * it that no record of this batch has is certified absent. cert_from == base_offset when nothing in
 * front of the batch is certified. Produce: base_offset counts from 0 within the partition's
 * records field (old formats have several entries); what it became, if anything,
 * PT_OBS_PRODUCE_OUTCOME tells. cert_from == base_offset. */
struct pt_obs_batch {
    struct pt_obs head;
    int64_t cert_from;
    int64_t base_offset;
    int64_t last_offset;
    int64_t producer_id;   /* -1 none */
    uint64_t fingerprint;  /* of the batch's bytes behind the fields that a broker rewrites */
    uint32_t record_cnt;   /* as the batch states it (old formats: as decoded) */
    uint32_t records_here; /* records that follow in PT_OBS_RECORDS messages, before any other
                              message of this lane */
    uint32_t client;
    uint32_t request;      /* number of the request on its connection */
    int32_t base_sequence; /* -1 none */
    int32_t leader_epoch;  /* -1 none */
    int16_t producer_epoch;
    uint16_t flags;
    uint8_t source; /* enum pt_obs_source */
    uint8_t status; /* enum pt_status */
    uint8_t magic;
    uint8_t codec;     /* enum pt_codec */
    uint32_t batch_sz; /* bytes on the wire */
    uint32_t pad;
};

struct pt_obs_records {
    struct pt_obs head;
    uint32_t cnt;
    uint32_t pad;
    struct pt_record rec[];
};

enum pt_produce_outcome {
    PT_PRODUCE_ACKED = 0,    /* error 0 */
    PT_PRODUCE_REJECTED = 1, /* error other than those that leave it open */
    PT_PRODUCE_UNKNOWN = 2   /* acks=0, response lost, time-out: may exist */
};

/* PT_OBS_PRODUCE_OUTCOME: what became of the batches with this client, request, topic and
 * partition. */
struct pt_obs_produce_outcome {
    struct pt_obs head;
    int64_t base_offset;        /* of the first record; -1 unless ACKED */
    int64_t log_append_time_ms; /* -1: CreateTime, or not told by this version */
    uint32_t client;
    uint32_t request;
    int16_t error_code;
    int8_t acks;     /* -1 all, 0, 1 */
    uint8_t outcome; /* enum pt_produce_outcome */
    uint32_t pad;
};

/* PT_OBS_BOUNDS: what a response says about a log. Each -1 where it does not say. */
struct pt_obs_bounds {
    struct pt_obs head;
    int64_t high_watermark;
    int64_t last_stable_offset;
    int64_t log_start_offset;
    int64_t fetch_offset; /* the offset asked for, if known */
    uint32_t client;
    int16_t error_code;
    uint8_t source; /* enum pt_obs_source */
    uint8_t pad;
};

struct pt_obs_aborted_txn {
    int64_t producer_id;
    int64_t first_offset;
};

/* PT_OBS_ABORTED: a read_committed response certified [from, to) and listed exactly these aborted
 * transactions for it; every other transactional record in it is committed. Sent behind its
 * batches. torn: it began in front of `from`, with what was lost: a transaction that is listed may
 * have ended there. */
struct pt_obs_aborted {
    struct pt_obs head;
    int64_t from;
    int64_t to;
    uint32_t cnt;
    uint32_t torn; /* 0, 1 */
    struct pt_obs_aborted_txn txn[];
};

#define PT_LOST_REASON_LIST(X)                                                                     \
    X(NOT_ON_TAP, "not_on_tap", "never passed the tap, in no place")                               \
    X(TAP_GAP, "tap_gap", "packets missing in the capture")                                        \
    X(TRUNCATED, "truncated", "packets cut by the snap length")                                    \
    X(CRC_BAD, "crc_bad", "checksum of the batch does not match")                                  \
    X(MALFORMED, "malformed", "batch cannot be decoded")                                           \
    X(OVERSIZE, "oversize", "batch larger than its budget")                                        \
    X(UNNAMED, "topic_id_unknown", "topic id never named on the tap")                              \
    X(SHED, "shed", "not looked into: overload")                                                   \
    X(NO_OUTCOME, "no_outcome", "produced, but no answer was seen")                                \
    X(EVICTED, "evicted", "memory budget spent")

enum pt_lost_reason {
#define X(name, text, help) PT_LOST_##name,
    PT_LOST_REASON_LIST(X)
#undef X
            PT_LOST_REASON_CNT
};

/* PT_OBS_LOST: something of this log passed and was not read. from/to -1: offsets not known; else
 * they are hearsay, good for a reason and for doubt.
 *
 * Without a topic (reason SHED): something passed on a connection to this cluster, and what it was
 * nobody looked. One message stands for all that the connection carried within PT_SHED_TOLD_NS from
 * its time on. */
#define PT_SHED_TOLD_NS 100000000ll
struct pt_obs_lost {
    struct pt_obs head;
    int64_t from;
    int64_t to;
    uint32_t reason; /* enum pt_lost_reason */
    uint8_t magic;   /* of the batch, where its header was seen; else 0 */
    uint8_t known;   /* 1: its bytes are those of a batch of this log that was sent before */
    uint16_t pad;
};

/*
 * Where a worker writes its messages. Room is taken at the end of a buffer; when it is full `flush`
 * is called once: it must empty the buffer (replay: hand it to the shard; live: the lane), never
 * drop.
 */
struct pt_obs_out {
    uint8_t *buf;
    uint32_t buf_sz; /* at least PT_OBS_OUT_MIN */
    uint32_t used_sz;
    void (*flush)(struct pt_obs_out *out);
    void *flush_arg;
    uint64_t order; /* of the packet in hand: of all that is written now, nothing came later */
    uint64_t msg_cnt;
};

#define PT_OBS_OUT_MIN (64u * 1024u)

/* pt_obs_put returns a zeroed message of body_sz (its struct's size) + tail_sz bytes, rounded up to
 * 8, head filled in (topic UINT32_MAX, partition -1), valid until the next call. Never NULL:
 * messages are bounded well below PT_OBS_OUT_MIN. */
void *pt_obs_put(struct pt_obs_out *out, enum pt_obs_kind kind, uint8_t cluster,
                 const struct pt_packet_ref *at, size_t body_sz, size_t tail_sz);

/* pt_obs_copy puts a message that was written elsewhere. */
void pt_obs_copy(struct pt_obs_out *out, const struct pt_obs *o);

/* pt_obs_put_records puts cnt records into as many PT_OBS_RECORDS as they need. head is that of
 * their batch. */
void pt_obs_put_records(struct pt_obs_out *out, const struct pt_obs *head,
                        const struct pt_record *rec, uint32_t cnt);

#endif
