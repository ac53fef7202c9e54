/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_CONN_PVT_H
#define PT_PARSER_CONN_PVT_H
/*
 * What the sources of this room share: parser.c and conn.c own these, records.c and body_*.c read
 * them and write the message under way. Nobody else includes this.
 */
#include "parser/conn.h"
#include "parser/exchange.h"
#include "parser/fetch_session.h"
#include "parser/frame.h"
#include "parser/hold.h"
#include "parser/profile.h"
#include "parser/seen.h"
#include "parser/topics.h"

struct pt_parser {
    struct pt_mem *mem;
    struct pt_obs_out *lane; /* the worker's */
    struct pt_obs_out *out;  /* where messages go now: the lane, or ... */
    struct pt_hold *hold;    /* ... this one's; NULL: none */
    struct pt_parser_cfg cfg;
    struct pt_frame_cfg frame_cfg;
    struct pt_frame_counts counts;
    struct pt_parser_stats stats;
    struct pt_batch_reader *reader;
    struct pt_seen *seen;    /* all workers' ... */
    struct pt_seen own_seen; /* ... or, without others, this one */
    struct pt_topics topics;
    struct pt_profile profile;
    struct pt_fetch_budget fetch_budget;
    struct pt_hold_budget hold_budget;
    struct pt_shed shed; /* in force */
    uint32_t client_cnt;
};

/* One records field being read, by records.c. */
struct pt_records {
    struct pt_log_ref log;
    uint8_t source; /* enum pt_obs_source */
    bool known;     /* Fetch: everything from `next` on is certified by this response */
    bool read_committed;
    bool run_txn;     /* the run below has transactional batches */
    bool run_torn;    /* and does not begin with the records field */
    bool torn;        /* something of the field was lost or cannot be used */
    bool unplaced;    /* Produce: an entry was shed, so that nobody knows where the next begins */
    bool modern;      /* Fetch: an entry was of magic 2, so that those behind it are */
    bool found;       /* behind a hole an entry was found: what is told waits */
    int64_t floor;    /* what comes behind the hole has higher offsets, -1: not known */
    int64_t next;     /* Fetch: see known. Produce: number of the next record, -1: not known */
    int64_t run_from; /* Fetch: certified so far without a break, [run_from, run_to); -1: nothing */
    int64_t run_to;
};

struct pt_produce_msg {
    int16_t error_code;
    int8_t acks;
    int64_t base_offset;
    int64_t log_append_time_ms;
    int64_t log_start_offset;
};

struct pt_fetch_msg {
    int32_t session_id;
    int32_t session_epoch;
    int32_t replica_id;
    int64_t fetch_offset;
    int64_t high_watermark;
    int64_t last_stable_offset;
    int64_t log_start_offset;
    int16_t error_code; /* of the response */
    int16_t partition_error;
    bool in_partition;
    bool listed;   /* the broker gave a list of aborted transactions */
    bool list_cut; /* which was too long */
    uint32_t aborted_cnt;
    uint32_t aborted_max;
    struct pt_obs_aborted_txn *aborted;
    struct pt_obs_aborted_txn txn;
};

struct pt_metadata_msg {
    uint8_t topic_id[16];
    int16_t error_code;
    int16_t partition_error;
    bool internal;
    bool in_topic;
    bool in_partition;
    bool in_config;
    bool is_cleanup; /* the configuration is the cleanup policy */
    uint8_t policy;  /* PT_CLEANUP_*, 0 not told */
    int32_t node_id;
    int32_t port;
    int32_t leader_id;
    int32_t leader_epoch;
    int32_t replica_cnt;
    int64_t low_watermark;
    uint16_t name_len;
    uint16_t host_len;
    char name[PT_TOPIC_NAME_MAX + 1]; /* one more shows that it is too long */
    char host[256];
};

struct pt_config_msg {
    int16_t error_code;
    int8_t resource_type;
    int8_t operation;
    bool in_synonym;
    bool is_cleanup;
    uint8_t policy; /* PT_CLEANUP_*, 0 not told */
    uint16_t name_len;
    char name[PT_TOPIC_NAME_MAX];
};

enum pt_body_end {
    PT_BODY_WHOLE,
    PT_BODY_BAD, /* not what its version says */
    PT_BODY_CUT  /* a hole, or the end of the connection */
};

/* The message that a direction is in the middle of. */
struct pt_msg {
    struct pt_conn *conn;
    struct pt_parser *parser;
    const struct pt_body *body; /* NULL: nothing but the walk */
    struct pt_packet_ref at;    /* packet with the first byte of the frame */
    bool sure;                  /* see pt_conn_dir */
    bool orphan;                /* a response whose request was not seen (orphan.h) */
    bool bounds;                /* what it says of a log's bounds counts */
    bool named;                 /* a response names a log that its request named ... */
    bool strange;               /* ... or one that it did not, as far as is known */
    bool torn;                  /* a hole took more than records of it */
    bool count_only;            /* Produce: nothing is read but whether it will be answered */
    struct pt_request req; /* a request: a copy for its numbers; a response: the request that it
                              answers, with its log list */
    uint32_t topic;
    int32_t partition;
    struct pt_records records;
    union {
        struct pt_produce_msg produce;
        struct pt_fetch_msg fetch;
        struct pt_metadata_msg metadata;
        struct pt_config_msg configs;
    } u;
};

/* One direction of a connection, there from its first byte on. */
struct pt_conn_dir {
    struct pt_frame frame;
    bool in_msg;    /* msg is under way */
    bool sasl;      /* frames are raw SASL tokens (after SaslHandshake v0, or from the start on) */
    bool sure;      /* the boundaries are no guess any more (proof.c) */
    bool orphan;    /* the frame at hand answers no request that was seen */
    bool unasked;   /* it was in step before anything of the other direction (unasked.c) */
    uint32_t trust; /* frames understood since the boundaries were found */
    uint32_t votes; /* pieces that look like TLS, while nothing else is known */
    struct pt_hold hold; /* what it tells while it, or the requests, are a guess */
    struct pt_msg msg;
};

struct pt_conn {
    struct pt_parser *parser;
    struct pt_conn_dir *dir[2]; /* by side; NULL: no bytes yet, or not Kafka */
    uint64_t refused_sz[2];     /* bytes that came when there was no memory for a direction */
    struct pt_endpoint ep[2];
    struct pt_exchange exchange;
    struct pt_fetch_session session;
    uint64_t bytes; /* before there is a row */
    uint32_t row;   /* of the profile; PT_PROFILE_NONE: undecided */
    uint32_t client;
    uint32_t number;      /* of the last request */
    uint32_t sure_number; /* of the last one that is no guess ... */
    int32_t sure_id;      /* ... and its correlation id */
    bool any_sure;        /* there was one */
    uint32_t pairs;       /* exchanges that went well since the last guess */
    uint32_t request_cnt; /* since it was found out which side sends them */
    uint32_t response_cnt;
    uint32_t last_api_row;
    int32_t correlation_id; /* of the last request */
    int8_t request_side;    /* -1: not known */
    int8_t initiator;
    int8_t tls_answer; /* side whose hello is awaited, -1: none */
    uint8_t cluster;
    uint8_t kind;
    int16_t fetch_version; /* of the last Fetch request; -1: there was none */
    uint8_t fetch_source;  /* of all that were seen whole; PT_SRC_CNT: there was none */
    const struct pt_layout *answered_as; /* the last Fetch response read without its request */
    int64_t shed_until_ns;               /* until then it was told that bodies are skipped */
    bool announced;                      /* PT_OBS_CLIENT was sent */
    bool ids_repeat; /* correlation ids do not tell the requests apart: only their order does ... */
    bool gaps;       /* ... which is lost where requests or responses may be missing, but if the
                        client ... */
    bool pipelined;  /* ... sends none while another waits */
    uint8_t client_id_len;
    uint8_t software_len;
    char client_id[PT_CLIENT_ID_MAX];
    char software[128];
};

/* pt_parser_publish brings the counters of the parts into the one list (parser.c). */
void pt_parser_publish(struct pt_parser *p);

/* pt_parser_count_bad counts a batch that is not usable. */
void pt_parser_count_bad(struct pt_parser_stats *s, enum pt_status st);

/* pt_conn_announce sends PT_OBS_CLIENT. */
void pt_conn_announce(struct pt_conn *c, const struct pt_packet_ref *at);

/* conn.c */

/* pt_conn_set_kind moves the connection, with its bytes, to the row of what it has turned out to
 * be. */
void pt_conn_set_kind(struct pt_conn *c, enum pt_conn_kind kind, const char *note);

/* pt_conn_begin: the body of this message is under way on this side. *req is moved. */
void pt_conn_begin(struct pt_conn *c, int side, enum pt_dir dir, const struct pt_request *req,
                   const struct pt_packet_ref *at);

/* unasked.c */

/* pt_conn_unasked_start: no request of this size begins where this side may begin a frame. Locks it
 * there if an answer must. */
void pt_conn_unasked_start(struct pt_conn *c, int side, uint32_t size);

/* pt_conn_is_unasked: this side is in step, and what it sends answers what was not seen. */
bool pt_conn_is_unasked(const struct pt_conn *c, int side);

/* pt_conn_unasked_asks: PT_FRAME_HEAD, before it is known which side asks. True: the event is
 * answered, more bytes will tell. */
bool pt_conn_unasked_asks(struct pt_conn *c, int side, const struct pt_frame_event *ev);

/* pt_conn_unasked_head answers PT_FRAME_HEAD of a response that no waiting request is for. */
void pt_conn_unasked_head(struct pt_conn *c, int side, const struct pt_frame_event *ev);

/* proof.c */

/* pt_conn_lands: what was found behind a hole in a field of records is right, or it is not. */
void pt_conn_lands(struct pt_conn *c, int side, bool right);

/* pt_conn_aim: what is told from now on comes from this side, and goes to the lane or waits. */
void pt_conn_aim(struct pt_conn *c, int side);

/* pt_conn_guessed: a frame's start was guessed on this side; sure: it was none, since its place
 * says so. */
void pt_conn_guessed(struct pt_conn *c, int side, bool sure);

/* pt_conn_answered: on this side a response was found by its id. */
void pt_conn_answered(struct pt_conn *c, int side, uint32_t number);

/* pt_conn_paired: the body of the response under way on this side has ended. */
void pt_conn_paired(struct pt_conn *c, int side, enum pt_body_end how);

/* pt_conn_forget: the guess on this side was wrong. Messages and requests that were read behind it
 * are forgotten. */
void pt_conn_forget(struct pt_conn *c, int side);

#endif
