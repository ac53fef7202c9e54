/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/seen.h"

#include <errno.h>

/* Topic number of an empty slot: no topic has it (observation.h). */
#define TOPIC_NONE UINT32_MAX

int pt_seen_open(struct pt_seen *s, struct pt_mem *mem, uint32_t slot_cnt)
{
    struct pt_seen_slot *slot;

    if (!slot_cnt || (slot_cnt & (slot_cnt - 1)))
        return -EINVAL;
    slot = pt_mem_alloc(mem, slot_cnt * sizeof(*slot));
    if (!slot)
        return -ENOMEM;
    for (uint32_t i = 0; i < slot_cnt; i++)
        slot[i] = (struct pt_seen_slot){ .log.topic = TOPIC_NONE };
    *s = (struct pt_seen){ .slot = slot, .slot_cnt = slot_cnt };
    return 0;
}

void pt_seen_close(struct pt_seen *s, struct pt_mem *mem)
{
    pt_mem_free(mem, s->slot, s->slot_cnt * sizeof(*s->slot));
    *s = (struct pt_seen){ 0 };
}

static struct pt_seen_slot *slot_of(const struct pt_seen *s, struct pt_log_ref log,
                                    int64_t base_offset, uint64_t fingerprint)
{
    uint64_t h = fingerprint ^ (uint64_t)base_offset * 0x9e3779b97f4a7c15u;

    h ^= ((uint64_t)log.topic << 32 | (uint32_t)log.partition) * 0xff51afd7ed558ccdu;
    h *= 0xc4ceb9fe1a85ec53u;
    return &s->slot[(h >> 32) & (s->slot_cnt - 1)];
}

bool pt_seen_find(const struct pt_seen *s, struct pt_log_ref log, int64_t base_offset,
                  uint64_t fingerprint)
{
    const struct pt_seen_slot *p = slot_of(s, log, base_offset, fingerprint);

    return p->fingerprint == fingerprint && p->base_offset == base_offset &&
           p->log.topic == log.topic && p->log.partition == log.partition;
}

void pt_seen_add(struct pt_seen *s, struct pt_log_ref log, int64_t base_offset,
                 uint64_t fingerprint)
{
    *slot_of(s, log, base_offset, fingerprint) = (struct pt_seen_slot){ .fingerprint = fingerprint,
                                                                        .base_offset = base_offset,
                                                                        .log = log };
}
