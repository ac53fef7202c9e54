/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/jobs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((PT_JOBS_MAX & (PT_JOBS_MAX - 1)) == 0, "tickets are masked");

static struct pt_job *job_of(struct pt_jobs *j, uint64_t ticket)
{
    return &j->job[ticket & (PT_JOBS_MAX - 1)];
}

int pt_jobs_open(struct pt_mem *mem, uint64_t store_max, struct pt_jobs **ret_jobs)
{
    struct pt_jobs *j = aligned_alloc(alignof(struct pt_jobs), sizeof(*j));

    if (!j)
        return -ENOMEM;
    memset(j, 0, sizeof(*j));
    j->mem = mem;
    j->store_max = store_max;
    *ret_jobs = j;
    return 0;
}

void pt_jobs_close(struct pt_jobs *j)
{
    if (!j)
        return;
    while (j->freed < atomic_load_explicit(&j->filled, memory_order_relaxed))
        pt_jobs_free(j);
    free(j);
}

static uint64_t size_of(const struct pt_job *job)
{
    return job->batch.batch_sz + (uint64_t)job->rec_cnt * sizeof(*job->rec);
}

bool pt_jobs_put(struct pt_jobs *j, struct pt_view v, const struct pt_batch *b, bool produce,
                 uint64_t *ret_ticket)
{
    uint64_t ticket = atomic_load_explicit(&j->filled, memory_order_relaxed);
    struct pt_job *job = job_of(j, ticket);

    if (ticket - j->freed == PT_JOBS_MAX || b->record_cnt > PT_JOB_RECORDS_MAX ||
        v.len + b->record_cnt * sizeof(*job->rec) > j->store_max - j->store_sz)
        return false;
    job->entry = pt_mem_alloc(j->mem, v.len);
    job->rec = pt_mem_alloc(j->mem, b->record_cnt * sizeof(*job->rec));
    if (!job->entry || !job->rec) {
        pt_mem_free(j->mem, job->entry, v.len);
        pt_mem_free(j->mem, job->rec, b->record_cnt * sizeof(*job->rec));
        return false;
    }
    memcpy(job->entry, v.data, v.len);
    job->batch = *b;
    job->rec_cnt = b->record_cnt;
    job->produce = produce;
    j->store_sz += size_of(job);
    atomic_store_explicit(&job->done, false, memory_order_relaxed);
    /* Acquired by pt_jobs_claim. */
    atomic_store_explicit(&j->filled, ticket + 1, memory_order_release);
    *ret_ticket = ticket;
    return true;
}

uint64_t pt_jobs_waiting(const struct pt_jobs *j)
{
    return atomic_load_explicit(&j->filled, memory_order_relaxed) -
           atomic_load_explicit(&j->claimed, memory_order_relaxed);
}

struct pt_job *pt_jobs_done(struct pt_jobs *j)
{
    struct pt_job *job = job_of(j, j->freed);

    if (j->freed == atomic_load_explicit(&j->filled, memory_order_relaxed))
        return NULL;
    /* Acquires pt_job_finish. */
    return atomic_load_explicit(&job->done, memory_order_acquire) ? job : NULL;
}

void pt_jobs_free(struct pt_jobs *j)
{
    struct pt_job *job = job_of(j, j->freed++);

    j->store_sz -= size_of(job);
    pt_mem_free(j->mem, job->entry, job->batch.batch_sz);
    pt_mem_free(j->mem, job->rec, job->rec_cnt * sizeof(*job->rec));
}

struct pt_job *pt_jobs_claim(struct pt_jobs *j)
{
    uint64_t ticket = atomic_load_explicit(&j->claimed, memory_order_relaxed);

    /* Acquires pt_jobs_put. claimed was read before: if it is stale, the exchange fails. Until it
     * succeeds nothing of the job is looked at, and then its place is not filled again before it is
     * done. */
    if (ticket >= atomic_load_explicit(&j->filled, memory_order_acquire))
        return NULL;
    if (!atomic_compare_exchange_strong_explicit(&j->claimed, &ticket, ticket + 1,
                                                 memory_order_relaxed, memory_order_relaxed))
        return NULL;
    return job_of(j, ticket);
}

void pt_job_decode(struct pt_job *job, struct pt_batch_reader *reader)
{
    struct pt_batch b = job->batch; /* as its header says; of a Produce decoding changes it */
    const struct pt_record *rec;

    job->status = (uint8_t)pt_batch_records(reader, job->entry, b.batch_sz, job->produce, &b, &rec);
    if (job->status == PT_OK)
        memcpy(job->rec, rec, job->rec_cnt * sizeof(*rec));
}

void pt_job_finish(struct pt_job *job)
{
    /* Acquired by pt_jobs_done. */
    atomic_store_explicit(&job->done, true, memory_order_release);
}
