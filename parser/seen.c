/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/seen.h"

#include <errno.h>

_Static_assert(sizeof(struct pt_seen_slot) == 32, "two slots a cache line, none on two");

int pt_seen_open(struct pt_seen *s, struct pt_mem *mem, uint32_t slot_cnt)
{
    struct pt_seen_slot *slot;

    if (!slot_cnt || (slot_cnt & (slot_cnt - 1)))
        return -EINVAL;
    slot = pt_mem_zalloc(mem, slot_cnt * sizeof(*slot));
    if (!slot)
        return -ENOMEM;
    /* An empty slot is that of no packet, so that nothing comes behind it. */
    for (uint32_t i = 0; i < slot_cnt; i++)
        atomic_init(&slot[i].order, UINT64_MAX);
    *s = (struct pt_seen){ .slot = slot, .slot_cnt = slot_cnt };
    return 0;
}

void pt_seen_close(struct pt_seen *s, struct pt_mem *mem)
{
    pt_mem_free(mem, s->slot, s->slot_cnt * sizeof(*s->slot));
    *s = (struct pt_seen){ 0 };
}

static uint64_t place_of(const struct pt_seen_key *key)
{
    uint64_t h = key->log_hash ^ (uint64_t)key->base_offset * 0x9e3779b97f4a7c15u;

    h ^= h >> 32;
    h += ((uint64_t)(uint32_t)key->leader_epoch << 32 | (uint32_t)key->partition) *
         0xff51afd7ed558ccdu;
    h *= 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 29;
}

static struct pt_seen_slot *slot_of(const struct pt_seen *s, uint64_t place, uint64_t fingerprint)
{
    return &s->slot[((place ^ fingerprint) * 0x9e3779b97f4a7c15u >> 32) & (s->slot_cnt - 1)];
}

/* Relaxed throughout: a slot stands for itself, nothing is published by it. */
#define LOAD(word) atomic_load_explicit(&(word), memory_order_relaxed)
#define STORE(word, v) atomic_store_explicit(&(word), v, memory_order_relaxed)

bool pt_seen_find(const struct pt_seen *s, const struct pt_seen_key *key, uint64_t order)
{
    uint64_t place = place_of(key);
    struct pt_seen_slot *p = slot_of(s, place, key->fingerprint);
    uint64_t sent = LOAD(p->order);

    return sent < order && (LOAD(p->fingerprint) ^ sent) == key->fingerprint &&
           (LOAD(p->place) ^ sent) == place;
}

void pt_seen_add(struct pt_seen *s, const struct pt_seen_key *key, uint64_t order)
{
    uint64_t place = place_of(key);
    struct pt_seen_slot *p = slot_of(s, place, key->fingerprint);

    STORE(p->order, order);
    STORE(p->fingerprint, key->fingerprint ^ order);
    STORE(p->place, place ^ order);
}
