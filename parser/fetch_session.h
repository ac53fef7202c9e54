/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_FETCH_SESSION_H
#define PT_PARSER_FETCH_SESSION_H
/*
 * Which offset a Fetch response partition was asked for (KIP-227, kafka-wire.md 4.1 to 4.5). A full
 * fetch names every partition; an incremental one (epoch >= 1) names only what changed, and the
 * broker answers from what it remembers. One connection has one session, since session ids belong
 * to a broker and a client that reconnects opens a new one.
 *
 * A remembered offset certifies holes, so doubt always forgets: a break in the chain of epochs, a
 * missed request or response, a top-level error, another session id void everything until a request
 * names the partition again; data in a response voids that partition (its client will name it, with
 * the next offset). A response never sees an offset that a later request set.
 *
 * Bounded by the parser's budget of partitions; what finds no room is simply not known.
 */
#include <stdbool.h>

#include "hw/memory.h"
#include "parser/exchange.h"

struct pt_fetch_budget { /* of all sessions of one parser */
    uint64_t used_cnt;
    uint64_t max_cnt;
    uint64_t refused_cnt;
};

struct pt_fetch_slot;

struct pt_fetch_session {
    struct pt_mem *mem;
    struct pt_fetch_budget *budget;
    struct pt_fetch_slot *slot; /* hash table, linear probing */
    uint32_t slot_cnt;          /* power of two, or 0 */
    uint32_t used_cnt;          /* slots that were ever taken since the last rehash */
    uint32_t era;               /* only slots of this era are remembered */
    int32_t id;                 /* 0: none or not known */
    int32_t next_epoch;         /* epoch that continues the chain; -1: nothing does */
};

void pt_fetch_session_init(struct pt_fetch_session *s, struct pt_mem *mem,
                           struct pt_fetch_budget *budget);
void pt_fetch_session_fini(struct pt_fetch_session *s);

/* pt_fetch_session_void forgets every offset; the chain of epochs is broken. */
void pt_fetch_session_void(struct pt_fetch_session *s);

/* pt_fetch_session_request begins a Fetch request; versions without sessions give id 0, epoch -1.
 */
void pt_fetch_session_request(struct pt_fetch_session *s, int32_t id, int32_t epoch);

/* pt_fetch_session_name: request `number` names the log and asks for offset. */
void pt_fetch_session_name(struct pt_fetch_session *s, struct pt_log_ref log, int64_t offset,
                           uint32_t number);

void pt_fetch_session_forget(struct pt_fetch_session *s, struct pt_log_ref log);

/* pt_fetch_session_response takes the head of a response (0, 0 before version 7). */
void pt_fetch_session_response(struct pt_fetch_session *s, int16_t error_code, int32_t id);

/* pt_fetch_session_offset returns what was asked for when request `number` was answered, or -1. */
int64_t pt_fetch_session_offset(const struct pt_fetch_session *s, struct pt_log_ref log,
                                uint32_t number);

/* pt_fetch_session_data: the response to request `number` carried records of this log. */
void pt_fetch_session_data(struct pt_fetch_session *s, struct pt_log_ref log, uint32_t number);

#endif
