/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_HANDOFF_H
#define PT_PARSER_HANDOFF_H
/*
 * Whole compressed batches that somebody else decodes while the parser goes on. Only the decoding
 * is handed out: the header is read and the checksum verified before, so that offsets, counts and
 * what the batch certifies are known. What will be told of it stands in the output as a ticket, at
 * the place of the batch:
 *
 *   BATCH RECORDS TICKET BOUNDS ...   ->  settled:   BATCH RECORDS BATCH RECORDS RECORDS BOUNDS ...
 *
 * Who takes batches also keeps back what was written from an open ticket on, and settles tickets in
 * their order: so nobody behind it can tell that anything was handed out. Same thread as the
 * parser.
 */
#include "parser/batch.h"
#include "parser/observation.h"
#include "parser/seen.h"

struct pt_parser;

struct pt_handoff {
    /* take is asked to have the entry v, whose header is *b, decoded as by pt_batch_records. True:
     * it has a copy, and *ret_ticket names it. False: not now. */
    bool (*take)(void *arg, struct pt_view v, const struct pt_batch *b, bool produce,
                 uint64_t *ret_ticket);
    void *arg;
};

/* PT_OBS_TICKET: stands for a batch that is being decoded, and never leaves its worker. */
struct pt_obs_ticket {
    struct pt_obs_batch batch; /* what is told if it can be decoded, but for the kind */
    uint64_t ticket;
    struct pt_seen_key seen;
    uint64_t order;    /* of the packet that completed it */
    uint32_t remember; /* 1: then it goes into the seen table */
    uint32_t pad;
};

/* pt_handoff_settle writes what ticket t has become: its batch with that status, and on PT_OK the
 * t->batch.record_cnt records at rec. Counts it, and lets the seen table know. */
void pt_handoff_settle(struct pt_parser *p, struct pt_obs_out *out, const struct pt_obs_ticket *t,
                       enum pt_status status, const struct pt_record *rec);

#endif
