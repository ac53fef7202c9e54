/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_JOBS_H
#define PT_DATAPLANE_JOBS_H
/*
 * Batches of one worker (the owner) that any worker may decode: a ring of jobs, put by the owner in
 * the order of their tickets, claimed one after the other by whoever has time, done in any order,
 * and freed by the owner in the order of their tickets.
 *
 *   freed ---- done or being decoded ---- claimed ---- waiting ---- filled
 *
 * A job has a copy of the batch and room for its records, both of the owner's memory, so that who
 * decodes needs nothing but a reader of its own, and waits for nobody. Nobody waits here at all.
 */
#include <stdalign.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "hw/memory.h"
#include "parser/batch.h"

#define PT_JOBS_MAX 64u /* power of two */
/* A batch that says it has more is not taken: 2 MiB of room for what may be a lie. */
#define PT_JOB_RECORDS_MAX 65536u

struct pt_job {
    /* The owner's, then whose claim it is, then the owner's again. */
    alignas(64) struct pt_batch batch;
    uint8_t *entry;
    struct pt_record *rec;
    uint32_t rec_cnt; /* room, as the header says */
    bool produce;
    uint8_t status; /* enum pt_status: what came of it */
    _Atomic bool done;
};

struct pt_jobs {
    struct pt_mem *mem; /* the owner's */
    uint64_t store_max; /* bytes of batches and records of all open jobs */
    uint64_t store_sz;
    uint64_t freed;                       /* tickets below this are free */
    alignas(64) _Atomic uint64_t filled;  /* tickets below this were put */
    alignas(64) _Atomic uint64_t claimed; /* tickets below this have found somebody */
    struct pt_job job[PT_JOBS_MAX];
};

/* pt_jobs_open: store_max bytes of mem are the most that open jobs take. 0 or -ENOMEM. */
int pt_jobs_open(struct pt_mem *mem, uint64_t store_max, struct pt_jobs **ret_jobs);
/* pt_jobs_close frees what is open, too; nobody may be at it any more. NULL: nothing. */
void pt_jobs_close(struct pt_jobs *j);

/* The owner: */

/* pt_jobs_put takes a copy of the entry v whose header is *b; false: no room. */
bool pt_jobs_put(struct pt_jobs *j, struct pt_view v, const struct pt_batch *b, bool produce,
                 uint64_t *ret_ticket);

/* pt_jobs_waiting: jobs that nobody has claimed. */
uint64_t pt_jobs_waiting(const struct pt_jobs *j);

/* pt_jobs_done returns the oldest open job if its result is there, else NULL. */
struct pt_job *pt_jobs_done(struct pt_jobs *j);

/* pt_jobs_free ends the oldest open job, which is done. */
void pt_jobs_free(struct pt_jobs *j);

/* Any thread: */

/* pt_jobs_claim returns the first waiting job, to be decoded by the caller and nobody else; NULL:
 * there is none, or somebody was faster. */
struct pt_job *pt_jobs_claim(struct pt_jobs *j);

/* pt_job_decode fills in status and records. */
void pt_job_decode(struct pt_job *job, struct pt_batch_reader *reader);

/* pt_job_finish gives a claimed job back to its owner. */
void pt_job_finish(struct pt_job *job);

#endif
