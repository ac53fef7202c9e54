/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_PRODUCERS_H
#define PT_VERIFY_PRODUCERS_H
/*
 * The idempotent producers of one log, and the continuity of their sequence numbers: a batch of a
 * producer and epoch goes on where its last one in the log ended, modulo 2^31 (kafka-wire.md 6).
 * Batches come in offset order, as the log settles, each once.
 *
 * What is expected rests on everything between the two batches being certified, with its producer
 * (anything unseen, uncommitted or compacted may have been a batch in between), and on the broker
 * having remembered the producer: it forgets one that is silent for producer.id.expiration.ms, or,
 * in old releases, whose batches the log start has passed. Else nothing is expected.
 *
 * Bounded: PT_PRODUCERS_MAX a log. At the limit the one that wrote longest ago is forgotten (and
 * counted): of its next batch nothing is expected.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/memory.h"

#define PT_PRODUCERS_MAX 1024u

/* producer.id.expiration.ms is a day unless configured; a producer may retry for two minutes, so
 * that nobody sets less than that. */
#define PT_PRODUCER_SILENCE_NS 120000000000ll

/* A batch in its log. */
struct pt_produced {
    int64_t producer_id;
    int64_t base;
    int64_t last;
    int64_t produced_ns;  /* packet time of its Produce; -1: was not seen */
    int64_t timestamp_ms; /* of its first record; -1 none */
    uint64_t content;     /* of that */
    int32_t base_sequence;
    int16_t producer_epoch;
    bool log_append; /* the timestamp is the broker's */
};

struct pt_producer {
    struct pt_produced last; /* its last batch; base -1: none yet */
    uint64_t zero_content;   /* of sequence 0 of that epoch */
    int64_t zero_timestamp_ms;
    bool zero;           /* that was passed */
    int16_t begun_epoch; /* of the last sequence 0 produced in sight; -1 none */
};

struct pt_producers {
    struct pt_mem *mem;
    struct pt_producer *p; /* sorted by producer id */
    size_t cnt;
    size_t cap;
    int64_t broken;      /* everything that ended at or before this offset expects nothing */
    int64_t passed_end;  /* batches before this offset were passed */
    uint64_t *forgotten; /* counts those at the limit, or refused by memory */
};

enum pt_sequence {
    PT_SEQUENCE_FITS,     /* or nothing can be said */
    PT_SEQUENCE_GAP,      /* sequence numbers were left out */
    PT_SEQUENCE_REPEATED, /* they were used before, at other offsets */
};

void pt_producers_init(struct pt_producers *s, struct pt_mem *mem, uint64_t *forgotten);
void pt_producers_fini(struct pt_producers *s);

/* pt_producers_break: what was in front of `to` is not known as a whole. */
void pt_producers_break(struct pt_producers *s, int64_t to);

/* pt_producers_pass takes the next batch, with a producer and a sequence. log_start: the highest
 * stated. *ret_expected is only set if it does not fit. */
enum pt_sequence pt_producers_pass(struct pt_producers *s, const struct pt_produced *b,
                                   int64_t log_start, int32_t *ret_expected);

/* pt_producers_begin: sequence 0 of this producer and epoch was produced in sight. */
void pt_producers_begin(struct pt_producers *s, int64_t producer_id, int16_t producer_epoch);

/* pt_producers_begun: ... so that everything it ever sent with that epoch was in sight. */
bool pt_producers_begun(const struct pt_producers *s, int64_t producer_id, int16_t producer_epoch);

#endif
