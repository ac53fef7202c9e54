/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/lender.h"

#include <errno.h>
#include <string.h>

#include "dataplane/backoff.h"

/* Room for observations: some sixteen full buffers of a worker. */
#define HELD_SZ (1u << 20)
/* Batches that wait for each idle worker: one that it takes up as soon as it is done, and one more
 * for when it sleeps. Beyond, the owner is as fast itself. */
#define AHEAD 2u

static void flush_settled(struct pt_obs_out *out)
{
    struct pt_lender *l = out->flush_arg;

    if (out->used_sz)
        l->cfg.sink(l->cfg.sink_arg, l->out_key, out->buf, out->used_sz);
    out->used_sz = 0;
}

/* Asked by the parser, in the middle of its work. */
static bool take(void *arg, struct pt_view v, const struct pt_batch *b, bool produce,
                 uint64_t *ret_ticket)
{
    struct pt_lender *l = arg;
    unsigned idle_cnt = atomic_load_explicit(&l->cfg.lenders->idle_cnt, memory_order_relaxed);

    if (pt_jobs_waiting(l->jobs) >= (uint64_t)AHEAD * idle_cnt ||
        pt_lane_used_sz(l->held) > HELD_SZ / 2 || !pt_jobs_put(l->jobs, v, b, produce, ret_ticket))
        return false;
    l->lent_cnt++;
    return true;
}

int pt_lender_open(const struct pt_lender_cfg *cfg, struct pt_lender **ret_lender)
{
    struct pt_lender *l = pt_mem_zalloc(cfg->mem, sizeof(*l));
    int rc;

    if (!l)
        return -ENOMEM;
    l->cfg = *cfg;
    l->handoff = (struct pt_handoff){ .take = take, .arg = l };
    l->out = (struct pt_obs_out){
        .buf = pt_mem_alloc(cfg->mem, PT_OBS_OUT_MIN),
        .buf_sz = PT_OBS_OUT_MIN,
        .flush = flush_settled,
        .flush_arg = l,
    };
    rc = l->out.buf && cfg->lenders->cnt < PT_LENDERS_MAX ? 0 : -ENOMEM;
    if (!rc)
        rc = pt_lane_open(cfg->mem, HELD_SZ, &l->held);
    if (!rc)
        rc = pt_batch_reader_open(cfg->mem, &cfg->batch, &l->reader);
    if (!rc) /* a half; the other is for decoding */
        rc = pt_jobs_open(cfg->mem, cfg->mem->limit_sz / 2, &l->jobs);
    if (rc) {
        pt_lender_close(l);
        return rc;
    }
    l->next = cfg->lenders->cnt;
    cfg->lenders->jobs[cfg->lenders->cnt++] = l->jobs;
    *ret_lender = l;
    return 0;
}

void pt_lender_close(struct pt_lender *l)
{
    struct pt_mem *mem = l->cfg.mem;

    pt_jobs_close(l->jobs);
    pt_batch_reader_close(l->reader);
    pt_lane_close(l->held);
    pt_mem_free(mem, l->out.buf, l->out.buf_sz);
    pt_mem_free(mem, l, sizeof(*l));
}

bool pt_lender_holds(const struct pt_lender *l)
{
    return l->lent_cnt != l->settled_cnt;
}

static bool decode_one(struct pt_lender *l, struct pt_jobs *jobs)
{
    struct pt_job *job = pt_jobs_claim(jobs);

    if (!job)
        return false;
    pt_job_decode(job, l->reader);
    pt_job_finish(job);
    return true;
}

/* What a helper had no room for says nothing of the batch: it is decoded again with the budget of
 * its connection's own worker, as if it had not been lent. The parser's reader may be in use. */
static void decode_again(struct pt_lender *l, struct pt_job *job)
{
    struct pt_batch_reader *reader;

    if (pt_batch_reader_open(l->cfg.parser_mem, &l->cfg.batch, &reader))
        return;
    pt_job_decode(job, reader);
    pt_batch_reader_close(reader);
}

static void settle(struct pt_lender *l, struct pt_job *job, const struct pt_obs *o)
{
    if (job->status == PT_OVERSIZE)
        decode_again(l, job);
    pt_handoff_settle(l->parser, &l->out, (const void *)o, (enum pt_status)job->status, job->rec);
    flush_settled(&l->out);
    pt_jobs_free(l->jobs);
    l->settled_cnt++;
}

/* Passes on the oldest held buffer up to its first open ticket; true: all of it. */
static bool pass_first(struct pt_lender *l, const struct pt_lane_head *h, bool *passed)
{
    const uint8_t *buf = (const uint8_t *)(h + 1);
    size_t sz = h->size - sizeof(*h);
    size_t from = l->held_off;

    l->out_key = h->key;
    while (l->held_off < sz) {
        const struct pt_obs *o = (const void *)(buf + l->held_off);
        struct pt_job *job;

        if (o->kind != PT_OBS_TICKET) {
            l->held_off += o->size;
            continue;
        }
        if (l->held_off > from) {
            l->cfg.sink(l->cfg.sink_arg, h->key, buf + from, l->held_off - from);
            *passed = true;
        }
        from = l->held_off;
        job = pt_jobs_done(l->jobs);
        if (!job)
            return false;
        settle(l, job, o);
        *passed = true;
        l->held_off += o->size;
        from = l->held_off;
    }
    if (sz > from)
        l->cfg.sink(l->cfg.sink_arg, h->key, buf + from, sz - from);
    *passed = true;
    return true;
}

bool pt_lender_step(struct pt_lender *l)
{
    const struct pt_lane_head *h;
    bool passed = false;

    while ((h = pt_lane_first(l->held)) && pass_first(l, h, &passed)) {
        pt_lane_pop(l->held);
        l->held_off = 0;
    }
    return passed;
}

/* Until the oldest ticket is settled. */
static void wait_for_oldest(struct pt_lender *l)
{
    struct pt_backoff wait = { 0 };

    while (!pt_lender_step(l))
        if (!decode_one(l, l->jobs))
            pt_backoff_wait(&wait);
}

void pt_lender_pass(struct pt_lender *l, struct pt_key key, const uint8_t *buf, size_t sz)
{
    struct pt_lane_head *h = NULL;

    if (pt_lender_holds(l))
        (void)pt_lender_step(l);
    while (pt_lender_holds(l) && !(h = pt_lane_room(l->held, sz)))
        wait_for_oldest(l);
    /* Also if it was the last ticket that was waited for: what is held while none is open would be
     * overtaken by what comes next. */
    if (!h) {
        l->cfg.sink(l->cfg.sink_arg, key, buf, sz);
        return;
    }
    h->key = key;
    h->kind = 0;
    memcpy(h + 1, buf, sz);
    pt_lane_push(l->held);
}

static bool help_others(struct pt_lender *l)
{
    struct pt_lenders *all = l->cfg.lenders;

    for (unsigned i = 0; i < all->cnt; i++)
        if (decode_one(l, all->jobs[(l->next + i) % all->cnt]))
            return true;
    return false;
}

bool pt_lender_help(struct pt_lender *l)
{
    if (!l->idle)
        atomic_fetch_add_explicit(&l->cfg.lenders->idle_cnt, 1, memory_order_relaxed);
    l->idle = true;
    return pt_lender_step(l) || decode_one(l, l->jobs) || help_others(l);
}

void pt_lender_busy(struct pt_lender *l)
{
    if (l->idle)
        atomic_fetch_sub_explicit(&l->cfg.lenders->idle_cnt, 1, memory_order_relaxed);
    l->idle = false;
}

void pt_lender_finish(struct pt_lender *l)
{
    pt_lender_busy(l);
    while (pt_lender_holds(l))
        wait_for_oldest(l);
}
