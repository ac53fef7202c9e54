/* SPDX-License-Identifier: Apache-2.0 */
/* What passed of a log and gave no evidence: batches that cannot be used, what the tap lost, what
 * was shed. */
#include "verify/log_pvt.h"

void pt_log_bad(struct pt_log *l, const struct pt_sighting *b, enum pt_status status)
{
    struct pt_fact fact = { .cluster = l->cluster, .cnt = 1 };
    bool produce = b->source == PT_SRC_PRODUCE;
    enum pt_lost_reason reason = status == PT_OVERSIZE  ? PT_LOST_OVERSIZE
                                 : status == PT_BAD_CRC ? PT_LOST_CRC_BAD
                                 : status == PT_GAP     ? PT_LOST_TAP_GAP
                                                        : PT_LOST_MALFORMED;
    void *p = l->bad;

    if (produce)
        pt_log_lost(l, -1, -1, reason);
    else
        pt_log_lost(l, b->base, b->last < INT64_MAX ? b->last + 1 : -1, reason);
    if (reason == PT_LOST_OVERSIZE || reason == PT_LOST_TAP_GAP)
        return;
    for (size_t i = 0; i < l->bad_cnt; i++)
        if (l->bad[i].fingerprint == b->fingerprint ||
            (!produce && l->bad[i].base == b->base && l->bad[i].last == b->last))
            return;
    if (l->bad_cnt < PT_BAD_MAX && pt_log_grow(l, &p, l->bad_cnt, &l->bad_cap, sizeof(*l->bad))) {
        l->bad = p;
        l->bad[l->bad_cnt++] = (struct pt_bad){ .base = produce ? -1 : b->base,
                                                .last = produce ? -1 : b->last,
                                                .fingerprint = b->fingerprint };
    }
    l->bad = p;
    fact.code = status == PT_BAD_CRC ? PT_FINDING_BATCH_CRC_BAD : PT_FINDING_BATCH_MALFORMED;
    fact.site[l->cluster] = (struct pt_site){ .log = l,
                                              .offset = produce ? -1 : b->base,
                                              .timestamp_ms = -1,
                                              .client = b->client,
                                              .at = b->at };
    fact.text = pt_status_name(status);
    pt_findings_add(l->env->findings, &fact);
}

void pt_log_lost(struct pt_log *l, int64_t from, int64_t to, enum pt_lost_reason reason)
{
    if (from < 0 || to <= from) {
        l->lost_somewhere[reason]++;
        if (reason != PT_LOST_NO_OUTCOME)
            l->lost_ns = l->env->now_ns;
        return;
    }
    if (!pt_ranges_add(&l->lost[reason], from, to))
        l->lost_somewhere[reason]++;
    /* Offsets of a batch that fails its checksum are hearsay: no reason to believe in an end there.
     */
    if (reason != PT_LOST_CRC_BAD && reason != PT_LOST_MALFORMED)
        pt_log_reaches(l, to);
}

void pt_log_shed(struct pt_log *l, const struct pt_obs_lost *o)
{
    bool placed = o->from >= 0 && o->to > o->from;
    bool certified = placed && pt_ranges_until(&l->certified, o->from) >= o->to;

    if (certified && o->known)
        return;
    /* What it may have shown is not known, even of offsets that are: that a record is gone. */
    l->shed_ns = l->env->now_ns;
    l->holds_v2 |= o->magic >= 2;
    if (certified)
        return;
    pt_log_lost(l, o->from, o->to, PT_LOST_SHED);
    l->env->shed[l->cluster] = true;
}

bool pt_log_shed_since(const struct pt_log *l, int64_t ns)
{
    int64_t shed_ns = l->env->shed_ns[l->cluster];

    if (l->shed_ns > shed_ns)
        shed_ns = l->shed_ns;
    return shed_ns > INT64_MIN && shed_ns >= ns;
}

void pt_log_reaches(struct pt_log *l, int64_t end)
{
    if (end > l->lost_end)
        l->lost_end = end;
}
