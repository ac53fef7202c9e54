/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/fetch_session.h"

#define SLOTS_MIN 8u

struct pt_fetch_slot {
    int64_t offset; /* -1: forgotten */
    struct pt_log_ref log;
    uint32_t era; /* 0: never used */
    uint32_t number;
};

void pt_fetch_session_init(struct pt_fetch_session *s, struct pt_mem *mem,
                           struct pt_fetch_budget *budget)
{
    *s = (struct pt_fetch_session){ .mem = mem, .budget = budget, .era = 1, .next_epoch = -1 };
}

void pt_fetch_session_fini(struct pt_fetch_session *s)
{
    s->budget->used_cnt -= s->slot_cnt;
    pt_mem_free(s->mem, s->slot, s->slot_cnt * sizeof(*s->slot));
    pt_fetch_session_init(s, s->mem, s->budget);
}

static uint32_t slot_hash(struct pt_log_ref log)
{
    uint64_t h = ((uint64_t)log.topic << 32 | (uint32_t)log.partition) * 0x9e3779b97f4a7c15u;

    return (uint32_t)(h >> 32);
}

/* find returns the log's slot, or a free one for it, or NULL if there is no table. Tables are never
 * full. */
static struct pt_fetch_slot *find(const struct pt_fetch_session *s, struct pt_log_ref log)
{
    uint32_t mask = s->slot_cnt - 1;

    if (!s->slot_cnt)
        return NULL;
    for (uint32_t i = slot_hash(log) & mask;; i = (i + 1) & mask) {
        struct pt_fetch_slot *p = &s->slot[i];

        if (!p->era || (p->log.topic == log.topic && p->log.partition == log.partition))
            return p;
    }
}

static bool remembered(const struct pt_fetch_session *s, const struct pt_fetch_slot *p)
{
    return p->era == s->era && p->offset >= 0;
}

/* rehash drops what is no longer remembered and leaves room for as many again. */
static bool rehash(struct pt_fetch_session *s)
{
    struct pt_fetch_slot *old = s->slot;
    struct pt_fetch_slot *slot;
    uint32_t old_cnt = s->slot_cnt;
    uint32_t live = 0;
    uint32_t cnt = SLOTS_MIN;

    for (uint32_t i = 0; i < old_cnt; i++)
        live += remembered(s, &old[i]);
    while (cnt < 3 * (live + 1))
        cnt *= 2;
    if (s->budget->used_cnt - old_cnt + cnt > s->budget->max_cnt) {
        s->budget->refused_cnt++;
        return false;
    }
    slot = pt_mem_zalloc(s->mem, cnt * sizeof(*slot));
    if (!slot) {
        s->budget->refused_cnt++;
        return false;
    }
    s->budget->used_cnt += cnt;
    s->budget->used_cnt -= old_cnt;
    s->slot = slot;
    s->slot_cnt = cnt;
    s->used_cnt = live;
    for (uint32_t i = 0; i < old_cnt; i++)
        if (remembered(s, &old[i]))
            *find(s, old[i].log) = old[i];
    pt_mem_free(s->mem, old, old_cnt * sizeof(*old));
    return true;
}

void pt_fetch_session_void(struct pt_fetch_session *s)
{
    s->next_epoch = -1;
    if (++s->era)
        return;
    /* The era wrapped: no slot of an old one may come to life. */
    for (uint32_t i = 0; i < s->slot_cnt; i++)
        s->slot[i].offset = -1;
    s->era = 1;
}

void pt_fetch_session_request(struct pt_fetch_session *s, int32_t id, int32_t epoch)
{
    if (epoch > 0 && id == s->id && epoch == s->next_epoch) {
        s->next_epoch = epoch == INT32_MAX ? 1 : epoch + 1;
        return;
    }
    pt_fetch_session_void(s);
    s->id = 0;
    if (epoch == 0) {
        s->next_epoch = 1; /* under the id that the response will give */
    } else if (epoch > 0) {
        /* Attached in the middle, or one was missed: the chain starts anew here. */
        s->id = id;
        s->next_epoch = epoch == INT32_MAX ? 1 : epoch + 1;
    }
}

void pt_fetch_session_name(struct pt_fetch_session *s, struct pt_log_ref log, int64_t offset,
                           uint32_t number)
{
    struct pt_fetch_slot *p = find(s, log);

    if (!p || !p->era) {
        if (4 * (s->used_cnt + 1) > 3 * s->slot_cnt) {
            if (!rehash(s))
                return;
            p = find(s, log);
        }
        s->used_cnt++;
    } else if (p->era == s->era && p->number == number && p->offset != offset) {
        p->offset = -1; /* named twice: which one is answered nobody knows */
        return;
    }
    *p = (struct pt_fetch_slot){ .offset = offset, .log = log, .era = s->era, .number = number };
}

void pt_fetch_session_forget(struct pt_fetch_session *s, struct pt_log_ref log)
{
    struct pt_fetch_slot *p = find(s, log);

    if (p && p->era)
        p->offset = -1;
}

void pt_fetch_session_response(struct pt_fetch_session *s, int16_t error_code, int32_t id)
{
    if (error_code) {
        pt_fetch_session_void(s);
        s->id = 0;
    } else if (id != s->id) {
        /* The answer to a full fetch names the session; any other change ends it. What the full
         * fetch named stays known for this response. */
        if (s->id)
            s->next_epoch = -1;
        s->id = id;
    }
}

int64_t pt_fetch_session_offset(const struct pt_fetch_session *s, struct pt_log_ref log,
                                uint32_t number)
{
    const struct pt_fetch_slot *p = find(s, log);

    if (!p || !remembered(s, p) || p->number > number)
        return -1;
    return p->offset;
}

void pt_fetch_session_data(struct pt_fetch_session *s, struct pt_log_ref log, uint32_t number)
{
    struct pt_fetch_slot *p = find(s, log);

    if (p && p->era && p->number <= number)
        p->offset = -1;
}
