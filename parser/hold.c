/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/hold.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

static_assert(sizeof(struct pt_obs_records) + PT_OBS_RECORDS_MAX * sizeof(struct pt_record) <=
                      PT_HOLD_MIN,
              "a message fits the first buffer, and what each growing adds");
static_assert(sizeof(struct pt_obs_aborted) +
                              PT_OBS_ABORTED_MAX * sizeof(struct pt_obs_aborted_txn) <=
                      PT_HOLD_MIN,
              "the same");

int pt_hold_budget_open(struct pt_hold_budget *b, struct pt_mem *mem, uint64_t max_sz)
{
    *b = (struct pt_hold_budget){ .mem = mem, .max_sz = max_sz };
    b->spill = pt_mem_alloc(mem, PT_OBS_OUT_MIN);
    return b->spill ? 0 : -ENOMEM;
}

void pt_hold_budget_close(struct pt_hold_budget *b)
{
    pt_mem_free(b->mem, b->spill, PT_OBS_OUT_MIN);
    b->spill = NULL;
}

static void give_back(struct pt_hold *h)
{
    if (h->overflown)
        return;
    pt_mem_free(h->budget->mem, h->out.buf, h->out.buf_sz);
    h->budget->used_sz -= h->out.buf_sz;
}

static bool grow(struct pt_hold *h)
{
    uint32_t sz = h->out.buf_sz ? 2 * h->out.buf_sz : PT_HOLD_MIN;
    uint8_t *buf;

    if (sz > PT_HOLD_MAX || h->budget->used_sz - h->out.buf_sz + sz > h->budget->max_sz)
        return false;
    buf = pt_mem_resize(h->budget->mem, h->out.buf, h->out.buf_sz, sz);
    if (!buf)
        return false;
    h->budget->used_sz += sz - h->out.buf_sz;
    h->out.buf = buf;
    h->out.buf_sz = sz;
    return true;
}

/* full is the hold's flush: makes room for one message. */
static void full(struct pt_obs_out *out)
{
    struct pt_hold *h = out->flush_arg;

    if (!h->overflown && grow(h))
        return;
    give_back(h);
    h->overflown = true;
    out->buf = h->budget->spill;
    out->buf_sz = PT_OBS_OUT_MIN;
    out->used_sz = 0;
}

void pt_hold_init(struct pt_hold *h, struct pt_hold_budget *b)
{
    *h = (struct pt_hold){ .budget = b, .out = { .flush = full, .flush_arg = h } };
}

uint64_t pt_hold_forget(struct pt_hold *h)
{
    uint64_t cnt = h->batch_cnt;

    give_back(h);
    pt_hold_init(h, h->budget);
    return cnt;
}

uint64_t pt_hold_pass(struct pt_hold *h, struct pt_obs_out *to)
{
    if (h->overflown)
        return pt_hold_forget(h);
    for (uint32_t off = 0; off < h->out.used_sz;) {
        const struct pt_obs *o = (const void *)(h->out.buf + off);

        pt_obs_copy(to, o);
        off += o->size;
    }
    h->batch_cnt = 0;
    return pt_hold_forget(h);
}
