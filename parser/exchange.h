/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_EXCHANGE_H
#define PT_PARSER_EXCHANGE_H
/*
 * The requests of one connection that wait for their response, oldest first. A broker answers in
 * the order of the requests (kafka-wire.md 1.6), so a response belongs to the oldest one, or to a
 * later one if responses were missed. Produce with acks=0 has no response, though some servers send
 * one: such a request stays here, and may be answered, until a later one is, or
 * PT_EXCHANGE_SILENT_MAX are waiting.
 *
 * Bounded: when `max` requests wait the caller takes the oldest out (pt_exchange_pop) before it
 * adds another. Memory from the budget, in proportion to what waits.
 */
#include <stdbool.h>

#include "hw/memory.h"
#include "parser/walk.h"

#define PT_EXCHANGE_SILENT_MAX 16

struct pt_log_ref {
    uint32_t topic; /* lane's topic number */
    int32_t partition;
};

struct pt_open_log {
    struct pt_log_ref ref;
    uint32_t open; /* 0: taken */
};

struct pt_request {
    const struct pt_layout *response; /* of the response's body; NULL: unknown, skip it */
    struct pt_open_log *log;          /* Produce: logs whose outcome is open */
    uint32_t log_cnt;
    uint32_t log_max;
    uint32_t number;  /* of the request on its connection */
    uint32_t api_row; /* of the profile */
    int32_t correlation_id;
    int16_t api_key;
    int16_t api_version;
    int8_t acks;       /* Produce: 1 until it is known */
    uint8_t isolation; /* Fetch: 1 read_committed */
    uint8_t source;    /* Fetch: enum pt_obs_source */
    bool silent;       /* no response is due */
    bool dry_run;      /* CreateTopics: nothing is created */
    bool sorted;       /* its logs are */
};

struct pt_exchange {
    struct pt_mem *mem;
    struct pt_request *ring;
    uint32_t ring_sz; /* power of two, or 0 */
    uint32_t head;
    uint32_t cnt;
    uint32_t max;
};

void pt_exchange_init(struct pt_exchange *x, struct pt_mem *mem, uint32_t max);

/* pt_exchange_fini frees everything; the caller has looked at what still waits. */
void pt_exchange_fini(struct pt_exchange *x);

/* pt_exchange_full tells that the oldest request must be popped before the next is pushed. */
bool pt_exchange_full(const struct pt_exchange *x);

/* pt_exchange_push adds the newest request; false when the budget is spent. */
bool pt_exchange_push(struct pt_exchange *x, const struct pt_request *req);

/* pt_exchange_find returns how many requests stand in front of the one with this correlation id, or
 * -1. */
int64_t pt_exchange_find(const struct pt_exchange *x, int32_t correlation_id);

/* pt_exchange_peek returns the request behind idx others; idx < cnt. Valid until the next push. */
const struct pt_request *pt_exchange_peek(const struct pt_exchange *x, uint32_t idx);

/* pt_exchange_number returns the waiting request with this number, or NULL; valid until the next
 * push. */
struct pt_request *pt_exchange_number(struct pt_exchange *x, uint32_t number);

/* pt_exchange_cut forgets the requests with a higher number than this, the newest ones. */
void pt_exchange_cut(struct pt_exchange *x, uint32_t number);

/* pt_exchange_pop moves the oldest request, if any, to *ret_req, which now owns its log list. */
bool pt_exchange_pop(struct pt_exchange *x, struct pt_request *ret_req);

/* pt_request_add_log remembers a log of a Produce request; false when the budget is spent. */
bool pt_request_add_log(struct pt_mem *mem, struct pt_request *req, struct pt_log_ref log);

/* pt_request_take_log takes a log out. A request should name it once: then nothing else of that log
 * is open any more. None may be added later, since a response may name a hundred thousand, so that
 * they are sorted at the first. */
enum pt_take {
    PT_TAKE_NONE, /* it was not there */
    PT_TAKE_ONE,
    PT_TAKE_TWICE /* it is there more than once, and stays: whose outcome this is nobody knows */
};

enum pt_take pt_request_take_log(struct pt_request *req, struct pt_log_ref log);

void pt_request_free(struct pt_mem *mem, struct pt_request *req);

#endif
