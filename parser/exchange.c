/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/exchange.h"

#include <stdlib.h>

#define RING_MIN 4u
#define LOGS_MIN 2u

void pt_exchange_init(struct pt_exchange *x, struct pt_mem *mem, uint32_t max)
{
    *x = (struct pt_exchange){ .mem = mem, .max = max };
}

void pt_exchange_fini(struct pt_exchange *x)
{
    struct pt_request req;

    while (pt_exchange_pop(x, &req))
        pt_request_free(x->mem, &req);
    pt_mem_free(x->mem, x->ring, x->ring_sz * sizeof(*x->ring));
    pt_exchange_init(x, x->mem, x->max);
}

static struct pt_request *at(const struct pt_exchange *x, uint32_t i)
{
    return &x->ring[(x->head + i) & (x->ring_sz - 1)];
}

bool pt_exchange_full(const struct pt_exchange *x)
{
    return x->cnt >= x->max || (x->cnt >= PT_EXCHANGE_SILENT_MAX && at(x, 0)->silent);
}

static bool grow(struct pt_exchange *x)
{
    uint32_t sz = x->ring_sz ? 2 * x->ring_sz : RING_MIN;
    struct pt_request *ring = pt_mem_alloc(x->mem, sz * sizeof(*ring));

    if (!ring)
        return false;
    for (uint32_t i = 0; i < x->cnt; i++)
        ring[i] = *at(x, i);
    pt_mem_free(x->mem, x->ring, x->ring_sz * sizeof(*x->ring));
    x->ring = ring;
    x->ring_sz = sz;
    x->head = 0;
    return true;
}

bool pt_exchange_push(struct pt_exchange *x, const struct pt_request *req)
{
    if (x->cnt == x->ring_sz && !grow(x))
        return false;
    *at(x, x->cnt++) = *req;
    return true;
}

int64_t pt_exchange_find(const struct pt_exchange *x, int32_t correlation_id)
{
    for (uint32_t i = 0; i < x->cnt; i++)
        if (at(x, i)->correlation_id == correlation_id)
            return i;
    return -1;
}

const struct pt_request *pt_exchange_peek(const struct pt_exchange *x, uint32_t idx)
{
    return at(x, idx);
}

struct pt_request *pt_exchange_number(struct pt_exchange *x, uint32_t number)
{
    /* It is nearly always the newest. */
    for (uint32_t i = x->cnt; i > 0; i--)
        if (at(x, i - 1)->number == number)
            return at(x, i - 1);
    return NULL;
}

void pt_exchange_cut(struct pt_exchange *x, uint32_t number)
{
    while (x->cnt && (int32_t)(at(x, x->cnt - 1)->number - number) > 0)
        pt_request_free(x->mem, at(x, --x->cnt));
}

bool pt_exchange_pop(struct pt_exchange *x, struct pt_request *ret_req)
{
    if (!x->cnt)
        return false;
    *ret_req = *at(x, 0);
    x->head = (x->head + 1) & (x->ring_sz - 1);
    x->cnt--;
    return true;
}

bool pt_request_add_log(struct pt_mem *mem, struct pt_request *req, struct pt_log_ref log)
{
    if (req->log_cnt == req->log_max) {
        uint32_t max = req->log_max ? 2 * req->log_max : LOGS_MIN;
        struct pt_open_log *p =
                pt_mem_resize(mem, req->log, req->log_max * sizeof(*p), max * sizeof(*p));

        if (!p)
            return false;
        req->log = p;
        req->log_max = max;
    }
    req->log[req->log_cnt++] = (struct pt_open_log){ .ref = log, .open = 1 };
    return true;
}

static uint64_t log_key(struct pt_log_ref log)
{
    return (uint64_t)log.topic << 32 | (uint32_t)log.partition;
}

static int compare_logs(const void *x, const void *y)
{
    uint64_t a = log_key(((const struct pt_open_log *)x)->ref);
    uint64_t b = log_key(((const struct pt_open_log *)y)->ref);

    return a < b ? -1 : a > b;
}

enum pt_take pt_request_take_log(struct pt_request *req, struct pt_log_ref log)
{
    uint32_t lo = 0;
    uint32_t hi = req->log_cnt;

    if (!req->sorted && req->log_cnt > 1)
        qsort(req->log, req->log_cnt, sizeof(*req->log), compare_logs);
    req->sorted = true;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (log_key(req->log[mid].ref) < log_key(log))
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo == req->log_cnt || log_key(req->log[lo].ref) != log_key(log) || !req->log[lo].open)
        return PT_TAKE_NONE;
    if (lo + 1 < req->log_cnt && log_key(req->log[lo + 1].ref) == log_key(log))
        return PT_TAKE_TWICE;
    req->log[lo].open = 0;
    return PT_TAKE_ONE;
}

void pt_request_free(struct pt_mem *mem, struct pt_request *req)
{
    pt_mem_free(mem, req->log, req->log_max * sizeof(*req->log));
    req->log = NULL;
    req->log_cnt = 0;
    req->log_max = 0;
}
