/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/suspects.h"

bool pt_shard_complete(const struct pt_shard *s, uint8_t cluster)
{
    return s->env.tap_end_ns[cluster] > INT64_MIN && !s->findings.total[PT_FINDING_OPAQUE_TLS] &&
           s->registry->broker_cnt[cluster] && pt_registry_all_seen(s->registry, cluster);
}

static bool is_deleted_only(const struct pt_topic *t)
{
    return t->cleanup == PT_CLEANUP_DELETE && !t->misnamed;
}

enum resent { NEVER, PERHAPS, UNKNOWN };

/* Whether clients send a batch again after this error. None of these is given once the records were
 * appended; of others that is not known. */
static enum resent is_resent(int16_t error_code)
{
    switch (error_code) {
    case 10: /* MESSAGE_TOO_LARGE: it is sent in smaller ones */
    case 18: /* RECORD_LIST_TOO_LARGE */
    case 21: /* INVALID_REQUIRED_ACKS */
    case 29: /* TOPIC_AUTHORIZATION_FAILED */
    case 31: /* CLUSTER_AUTHORIZATION_FAILED */
    case 32: /* INVALID_TIMESTAMP */
    case 43: /* UNSUPPORTED_FOR_MESSAGE_FORMAT */
    case 53: /* TRANSACTIONAL_ID_AUTHORIZATION_FAILED */
    case 76: /* UNSUPPORTED_COMPRESSION_TYPE */
    case 87: /* INVALID_RECORD */
        return NEVER;
    case 2:  /* CORRUPT_MESSAGE */
    case 19: /* NOT_ENOUGH_REPLICAS */
        return PERHAPS;
    default:
        return UNKNOWN;
    }
}

static bool is_ghost(const struct pt_refused *r)
{
    enum resent resent = is_resent(r->error_code);

    if (!r->held || r->open || r->log->topic->misnamed || r->log->hw_first < 0 ||
        r->base < r->log->hw_first)
        return false;
    return resent == NEVER ||
           (resent == PERHAPS &&
            pt_producers_begun(&r->log->producers, r->b.producer_id, r->b.producer_epoch));
}

static void say_ghost(struct pt_shard *s, const struct pt_refused *r)
{
    struct pt_fact fact = { .code = PT_FINDING_GHOST_WRITE,
                            .cluster = r->log->cluster,
                            .cnt = (uint64_t)(r->b.last - r->b.base) + 1 };

    fact.site[r->log->cluster] = r->site;
    pt_findings_say(&s->findings, &fact, "the Produce in packet %llu was answered with error %d",
                    (unsigned long long)r->b.at.packet, r->error_code);
}

void pt_shard_judge(struct pt_shard *s)
{
    bool complete[PT_CLUSTER_CNT];

    for (uint8_t c = 0; c < PT_CLUSTER_CNT; c++)
        complete[c] = pt_shard_complete(s, c);
    for (size_t i = 0; i < s->suspects.cnt; i++) {
        const struct pt_fact *fact = &s->suspects.fact[i];
        const struct pt_log *l = fact->site[fact->cluster].log;

        if (complete[fact->cluster] && is_deleted_only(l->topic))
            pt_findings_add(&s->findings, fact);
    }
    for (size_t i = 0; i < s->refusals->cnt && !s->stats.refused_dropped; i++)
        if (complete[s->refusals->r[i].log->cluster] && is_ghost(&s->refusals->r[i]))
            say_ghost(s, &s->refusals->r[i]);
}
