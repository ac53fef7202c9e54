/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which records a log has lawfully lost, and since when that is known: by compaction, which leaves
 * holes, and by the log start that moves (retention, DeleteRecords).
 */
#include <string.h>

#include "verify/log_pvt.h"

/* Index of the first gone range that ends behind off. */
static size_t find(const struct pt_log *l, int64_t off)
{
    size_t lo = 0;
    size_t hi = l->gone_cnt;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (l->gone[mid].to > off)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

static bool add(struct pt_log *l, int64_t off, int64_t time_ns)
{
    size_t i = find(l, off);
    void *p = l->gone;

    if (i < l->gone_cnt && l->gone[i].from <= off)
        return false; /* known, since earlier */
    if (i > 0 && l->gone[i - 1].to == off && l->gone[i - 1].time_ns == time_ns) {
        l->gone[i - 1].to++;
        return true;
    }
    if (l->gone_cnt < PT_GONE_MAX &&
        pt_log_grow(l, &p, l->gone_cnt, &l->gone_cap, sizeof(*l->gone))) {
        l->gone = p;
        memmove(&l->gone[i + 1], &l->gone[i], (l->gone_cnt - i) * sizeof(*l->gone));
        l->gone[i] = (struct pt_gone){ .from = off, .to = off + 1, .time_ns = time_ns };
        l->gone_cnt++;
    } else {
        l->gone_unknown = true;
        return false;
    }
    return true;
}

/* An acknowledged record inside the log is gone. That is what a cleaner does; only at the end can
 * it be known that there was none (suspects.h). An old format does not show all that is there. */
static void suspect(struct pt_log *l, int64_t off, const struct pt_sighting *b)
{
    struct pt_fact fact = { .code = PT_FINDING_ACKED_LOST, .cluster = l->cluster, .cnt = 1 };

    if (b->magic < 2 || off < l->log_start)
        return;
    fact.site[l->cluster] = pt_log_site(l, off);
    pt_findings_add(l->env->suspects, &fact);
}

void pt_gone_mark(struct pt_log *l, int64_t from, int64_t to, const struct pt_sighting *b)
{
    uint16_t *state;

    for (int64_t off; (off = pt_slots_next(&l->slots, from)) < to; from = off + 1) {
        const struct pt_slot *slot = pt_slots_get(&l->slots, off, &state);

        if ((*state & PT_SLOT_KIND) != PT_SLOT_DATA ||
            (b->leader_epoch >= 0 && l->evidence[slot->evidence].leader_epoch > b->leader_epoch))
            continue; /* a later leader wrote it there */
        *state |= PT_SLOT_GONE;
        if (add(l, off, b->at.time_ns) && (*state & PT_SLOT_SURE))
            suspect(l, off, b);
    }
}

void pt_gone_before(struct pt_log *l, int64_t off, uint16_t *state, const struct pt_sighting *b)
{
    *state |= PT_SLOT_GONE;
    if (add(l, off, b->at.time_ns) && (*state & PT_SLOT_SURE) && b->source == PT_SRC_PRODUCE &&
        !pt_log_reduced(l, off, off + 1))
        suspect(l, off, b);
}

void pt_gone_trim(struct pt_log *l, int64_t log_start, int64_t time_ns)
{
    struct pt_trim *last = l->trim_cnt ? &l->trim[l->trim_cnt - 1] : NULL;
    void *p = l->trim;

    if (log_start < l->log_start)
        return; /* an old one, or a follower's */
    if (last && log_start == last->log_start) {
        if (time_ns > last->last_ns)
            last->last_ns = time_ns;
        return;
    }
    l->log_start = log_start;
    if (l->trim_cnt == PT_TRIM_MAX ||
        !pt_log_grow(l, &p, l->trim_cnt, &l->trim_cap, sizeof(*l->trim))) {
        size_t kept = 0;

        /* The first stays: it says where the log began. */
        for (size_t i = 0; i < l->trim_cnt; i += 2)
            l->trim[kept++] = l->trim[i];
        l->trim_cnt = kept;
        p = l->trim;
    }
    l->trim = p;
    if (l->trim_cnt < l->trim_cap)
        l->trim[l->trim_cnt++] = (struct pt_trim){ log_start, time_ns, time_ns };
    else
        l->gone_unknown = true;
}

static enum pt_gone_when trimmed(const struct pt_log *l, int64_t off, int64_t time_ns)
{
    for (size_t k = 0; k < l->trim_cnt; k++)
        if (off < l->trim[k].log_start) {
            if (l->trim[k].time_ns < time_ns)
                return PT_GONE_BEFORE;
            return k && l->trim[k - 1].last_ns >= time_ns ? PT_GONE_NOT : PT_GONE_MAYBE;
        }
    return PT_GONE_NOT;
}

enum pt_gone_when pt_log_gone(const struct pt_log *l, int64_t off, int64_t time_ns)
{
    size_t i = find(l, off);
    enum pt_gone_when when = trimmed(l, off, time_ns);

    if (i < l->gone_cnt && l->gone[i].from <= off && l->gone[i].time_ns < time_ns)
        when = PT_GONE_BEFORE;
    else if (when == PT_GONE_NOT &&
             (l->gone_unknown || (i < l->gone_cnt && l->gone[i].from <= off)))
        when = PT_GONE_MAYBE;
    return when;
}
