/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_FLOATING_H
#define PT_VERIFY_FLOATING_H
/*
 * Produced batches that wait for their answer: only the Produce response gives a batch its offsets.
 * Batches that were refused, or whose answer never came, stay for a while: the same bytes may be
 * sent again (a retry), or be fetched by a follower before the answer passes, and then come without
 * their records.
 *
 * One budget; when it is spent the oldest batch is forgotten, answered or not.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/memory.h"
#include "verify/log.h"

#define PT_FLOATING_BUCKETS 65536u

/* What an outcome names: one partition of one request. */
struct pt_float_key {
    uint32_t client; /* shard's number */
    uint32_t request;
    uint32_t lane;
    uint32_t topic; /* lane's number */
    int32_t partition;
};

struct pt_float {
    struct pt_float *next; /* by age */
    struct pt_float *prev;
    struct pt_float *by_key;   /* same bucket; only while not answered */
    struct pt_float *by_bytes; /* same bucket */
    struct pt_float_key key;
    struct pt_log *log;
    struct pt_sighting b; /* offsets count from 0 */
    bool answered;        /* its outcome was seen and counted */
    bool has_records;     /* false: the bytes had been seen before */
    uint32_t rec_cnt;
    struct pt_record rec[];
};

struct pt_floating {
    struct pt_mem *mem;
    struct pt_float *oldest;
    struct pt_float *newest;
    struct pt_float *by_key[PT_FLOATING_BUCKETS];
    struct pt_float *by_bytes[PT_FLOATING_BUCKETS];
    uint64_t used_sz;
    uint64_t max_sz;
};

/* pt_floating_open: NULL when memory is refused. */
struct pt_floating *pt_floating_open(struct pt_mem *mem, uint64_t max_sz);
void pt_floating_close(struct pt_floating *f);

/* pt_floating_make_room forgets the oldest batch if sz more bytes do not fit: call it until it
 * returns NULL; what it returns is the caller's to count and to give to pt_floating_free. */
struct pt_float *pt_floating_make_room(struct pt_floating *f, uint32_t rec_cnt);

/* pt_floating_add: false if there is no room. rec NULL: a batch whose records were sent before. */
bool pt_floating_add(struct pt_floating *f, const struct pt_float_key *key, struct pt_log *log,
                     const struct pt_sighting *b, const struct pt_record *rec, uint32_t rec_cnt);

/* pt_floating_find: the oldest unanswered batch of this key, or NULL. */
struct pt_float *pt_floating_find(struct pt_floating *f, const struct pt_float_key *key);

/* pt_floating_same: a batch of this log with the same bytes and with records, or NULL. */
struct pt_float *pt_floating_same(struct pt_floating *f, const struct pt_log *log,
                                  uint64_t fingerprint);

/* pt_floating_answer: its outcome was seen, but it stays for its records. */
void pt_floating_answer(struct pt_floating *f, struct pt_float *e);

/* pt_floating_take takes a batch out; pt_floating_free frees it. */
void pt_floating_take(struct pt_floating *f, struct pt_float *e);
void pt_floating_free(struct pt_floating *f, struct pt_float *e);

#endif
