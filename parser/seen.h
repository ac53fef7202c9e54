/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_SEEN_H
#define PT_PARSER_SEEN_H
/*
 * Batches whose records were sent before: a follower's, another consumer group's and a re-read copy
 * of a batch pays for its checksum only. Only batches with absolute offsets (from a Fetch) belong
 * here, and a hit means the same bytes (fingerprint) at the same offset of the same log. The table
 * is lossy: each batch has one slot, a newer one takes it, and a miss only means hashing again. The
 * cluster is part of the topic number.
 */
#include <stdbool.h>

#include "hw/memory.h"
#include "parser/exchange.h"

struct pt_seen_slot {
    uint64_t fingerprint;
    int64_t base_offset;
    struct pt_log_ref log;
};

struct pt_seen {
    struct pt_seen_slot *slot;
    uint32_t slot_cnt;
};

/* pt_seen_open: slot_cnt is a power of two. 0, -EINVAL or -ENOMEM. */
int pt_seen_open(struct pt_seen *s, struct pt_mem *mem, uint32_t slot_cnt);
void pt_seen_close(struct pt_seen *s, struct pt_mem *mem);

bool pt_seen_find(const struct pt_seen *s, struct pt_log_ref log, int64_t base_offset,
                  uint64_t fingerprint);
void pt_seen_add(struct pt_seen *s, struct pt_log_ref log, int64_t base_offset,
                 uint64_t fingerprint);

#endif
