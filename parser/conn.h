/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_CONN_H
#define PT_PARSER_CONN_H
/*
 * One TCP connection as Kafka sees it: two directions of bytes in, observations out. The pipeline
 * feeds in-order bytes and holes of either direction; a connection finds out which direction
 * carries requests, cuts frames (frame.h), pairs requests with responses (exchange.h), walks bodies
 * (walk.h), reads batches (batch.h) and appends to the worker's struct pt_obs_out. It knows no
 * packets, no TCP and no clusters beyond the number that it is given.
 *
 * All memory comes from the worker's budget: a connection that never carries a byte costs nothing
 * here, one that turned out not to be Kafka gives its buffers back. Single-threaded: one parser per
 * core.
 */
#include "hw/memory.h"
#include "parser/batch.h"
#include "parser/handoff.h"
#include "parser/observation.h"
#include "parser/packet_ref.h"
#include "parser/seen.h"
#include "parser/shed.h"

struct pt_parser; /* what the connections of one core share: batch reader, seen table, topic
                     numbers, fetch sessions, profile, output */
struct pt_conn;

struct pt_parser_cfg {
    struct pt_batch_cfg batch;
    uint32_t frame_max;  /* a size field above this is not believed; default 100 MiB + slack, up to
                            2^31-1 */
    uint32_t gather_max; /* a batch larger than this is OVERSIZE; default 16 MiB */
    uint32_t inflight_max; /* requests waiting for their response, per connection; default 4096 */
    uint32_t session_partitions_max; /* remembered fetch offsets, all sessions; default 1M */
    uint32_t seen_slots;             /* entries of the seen table, power of two; default 256 Ki */
    struct pt_seen *seen; /* the table that all workers share; NULL: the parser has its own */
    const struct pt_handoff *handoff; /* who decodes for the parser; NULL: it does so itself */
    uint32_t
            handoff_min; /* compressed bytes of a batch that is worth it; 0: none; default 16 KiB */
    struct {
        uint8_t step;   /* enum pt_shed_step that is in force at least; default PT_SHED_NONE */
        uint32_t share; /* of 2^32, for PT_SHED_PARTITIONS; default 0 */
    } shed;
};

extern const struct pt_parser_cfg pt_parser_cfg_default;

struct pt_endpoint {
    uint8_t ip[16]; /* IPv4 as ::ffff:a.b.c.d */
    uint16_t port;
};

int pt_parser_open(struct pt_mem *mem, const struct pt_parser_cfg *cfg, struct pt_obs_out *out,
                   struct pt_parser **ret_parser);
void pt_parser_close(struct pt_parser *p);

/* pt_parser_shed sets what is left out from now on, but never less than the configuration says.
 * From the thread of the parser, between two calls of pt_conn_bytes: a body of which a part was
 * given is read on, its next batch goes by the new step. *shed is copied, canon is borrowed. */
void pt_parser_shed(struct pt_parser *p, const struct pt_shed *shed);

/* pt_conn_open starts a connection between two endpoints. side 0 is `a`, side 1 is `b` in every
 * later call; initiator is the side that sent the SYN (0 or 1), or -1 if that was not seen (a hint
 * only: source-initiated links send requests the other way). NULL when the budget is spent. */
struct pt_conn *pt_conn_open(struct pt_parser *p, uint8_t cluster, const struct pt_endpoint *a,
                             const struct pt_endpoint *b, int initiator);

/* pt_conn_bytes takes the next len in-order bytes that `side` sent, all of one packet. Borrowed. */
void pt_conn_bytes(struct pt_conn *c, int side, const uint8_t *data, size_t len,
                   const struct pt_packet_ref *at);

/* pt_conn_hole says that the next len bytes of `side` were not seen and never will be.
 * reason is PT_LOST_TAP_GAP or PT_LOST_TRUNCATED. len 0: an unknown number of bytes (attach, or the
 * sequence cannot be followed): everything known about frame boundaries of that side is void. */
void pt_conn_hole(struct pt_conn *c, int side, uint64_t len, enum pt_lost_reason reason,
                  const struct pt_packet_ref *at);

/* pt_conn_close: the connection is over, or evicted: outstanding produces become UNKNOWN. Frees c.
 */
void pt_conn_close(struct pt_conn *c, const struct pt_packet_ref *at);

/* What a connection turned out to be. */
#define PT_CONN_KIND_LIST(X)                                                                       \
    X(UNDECIDED, "undecided")                                                                      \
    X(KAFKA, "kafka")                                                                              \
    X(TLS, "tls")                                                                                  \
    X(OTHER, "not_kafka")                                                                          \
    X(EMPTY, "no_payload")

enum pt_conn_kind {
#define X(name, text) PT_CONN_##name,
    PT_CONN_KIND_LIST(X)
#undef X
            PT_CONN_KIND_CNT
};

/* Counters, one list: name and help. Bytes are stream bytes. The identities that must hold once
 * every connection is closed: fed_bytes + hole_bytes = frame_bytes + unframed_bytes + other_bytes +
 * pending_bytes; frames = requests + responses + orphan_responses + sasl_frames + lost_frames. */
#define PT_PARSER_COUNTERS(X)                                                                      \
    X(fed_bytes, "stream bytes given to the parser")                                               \
    X(hole_bytes, "stream bytes known to be missing")                                              \
    X(frame_bytes, "bytes of frames that were read or skipped by their size")                      \
    X(unframed_bytes, "bytes passed without knowing where a frame begins")                         \
    X(other_bytes, "bytes of connections that are not Kafka, or opaque (TLS)")                     \
    X(pending_bytes, "bytes of frames that the capture's end cut")                                 \
    X(frames, "frames whose size field was read")                                                  \
    X(requests, "request frames understood to the header")                                         \
    X(responses, "response frames paired with their request")                                      \
    X(sasl_frames, "raw SASL tokens")                                                              \
    X(orphan_responses, "responses whose request was not seen")                                    \
    X(orphan_responses_read, "of these, read: they prove what they are")                           \
    X(unanswered_requests, "requests whose response was not seen")                                 \
    X(lost_frames, "frames whose header a hole or the capture's end took, or that are none")       \
    X(lost_bodies, "bodies of which a hole or the capture's end took a part")                      \
    X(unparsed_bodies, "bodies skipped by size: unknown api or version")                           \
    X(bad_bodies, "bodies that are not what their version says")                                   \
    X(trailing_bytes, "body bytes behind the last field")                                          \
    X(resyncs, "frame boundaries found again after they were lost")                                \
    X(wrong_locks, "frame boundaries that turned out to be none")                                  \
    X(batches, "record batches seen whole")                                                        \
    X(batch_bytes, "bytes of these")                                                               \
    X(batches_crc_bad, "checksum does not match")                                                  \
    X(batches_malformed, "cannot be decoded")                                                      \
    X(batches_oversize, "larger than the budget")                                                  \
    X(batches_lost, "touched by a hole")                                                           \
    X(batches_partial, "cut by the fetch size, as the protocol allows")                            \
    X(batches_unproven, "not told, since nothing proved the guess where their frame begins")       \
    X(inflight_full, "requests forgotten because too many were outstanding")                       \
    X(shed_known, "batches known from an earlier sighting and not even checked: overload")         \
    X(batches_shed, "batches of which only the header was looked at: overload")                    \
    X(shed_batch_bytes, "bytes of both")                                                           \
    X(bodies_shed, "bodies of Produce and Fetch skipped by their size: overload")                  \
    X(topics_refused, "topics without a number: their batches are not passed on")                  \
    X(fetch_offsets_refused, "fetch offsets not remembered: no room")                              \
    X(memory_refused, "buffers that the memory budget refused")

/* What the work was that these took. With several workers it depends on which of them was faster,
 * since they share one seen table and help each other. */
#define PT_PARSER_WORK_COUNTERS(X)                                                                 \
    X(batches_again, "batches known from an earlier sighting: only the CRC was paid")              \
    X(batches_handed_off, "batches that an idle worker might decode")                              \
    X(records, "records decoded and hashed")

struct pt_parser_stats {
#define X(name, help) uint64_t name;
    PT_PARSER_COUNTERS(X)
    PT_PARSER_WORK_COUNTERS(X)
#undef X
};

const struct pt_parser_stats *pt_parser_stats(const struct pt_parser *p);

/* Who spoke which API: rows for the report, in first-seen order. */
struct pt_api_row {
    uint8_t cluster;
    int16_t api_key;
    int16_t api_version;
    uint64_t requests;
    uint64_t responses;
    uint64_t unparsed; /* bodies skipped by their size, or not as their version says */
};

struct pt_conn_row { /* connections of one kind to one broker endpoint; 0: all of them turned out to
                        be something else */
    uint8_t cluster;
    uint8_t kind;              /* enum pt_conn_kind */
    struct pt_endpoint broker; /* for non-Kafka: the side with the lower port */
    uint64_t connections;
    uint64_t bytes;
    char note[64]; /* TLS: version and server name; else empty */
};

size_t pt_parser_api_rows(const struct pt_parser *p, const struct pt_api_row **ret_rows);
size_t pt_parser_conn_rows(const struct pt_parser *p, const struct pt_conn_row **ret_rows);

#endif
