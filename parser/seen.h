/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_SEEN_H
#define PT_PARSER_SEEN_H
/*
 * Batches whose records were sent before: a follower's, another consumer group's and a re-read copy
 * of a batch pays for its checksum only. One table for all workers, since the copies come on
 * connections of their own. Only batches with absolute offsets (from a Fetch) belong here, and a
 * hit means the same bytes (fingerprint) at the same offset of the same log, by the same leader.
 *
 * Lossy: each batch has one slot, a newer one takes it, and a miss only means hashing again. No
 * lock: the words of a slot are stored each on its own, and an entry is only believed if all of
 * them fit together, so that two halves of different entries make a miss.
 *
 * order is the place in the merged order of all taps (packet_ref.h) of the packet that the worker
 * had in hand when it sent the records. A later sighting only counts as known if its first byte
 * came behind that: so what is said to be known always stands behind the records in the one
 * sequence that the verifier reads, whichever worker was faster, and never is the earlier evidence.
 */
#include <stdatomic.h>
#include <stdbool.h>

#include "hw/memory.h"

struct pt_seen_slot {
    _Atomic uint64_t order;
    _Atomic uint64_t fingerprint; /* xor order */
    _Atomic uint64_t place;       /* of the batch in its log, xor order */
    uint64_t pad;
};

struct pt_seen {
    struct pt_seen_slot *slot;
    uint32_t slot_cnt;
};

/* The log, offset and leader of a batch, the same for all workers: log_hash is that of the cluster
 * and the topic as it was named (pt_topics_hash). */
struct pt_seen_key {
    uint64_t log_hash;
    int32_t partition;
    int64_t base_offset;
    uint64_t fingerprint;
    int32_t leader_epoch; /* under which the log holds it */
};

/* pt_seen_open: slot_cnt is a power of two. 0, -EINVAL or -ENOMEM. */
int pt_seen_open(struct pt_seen *s, struct pt_mem *mem, uint32_t slot_cnt);
void pt_seen_close(struct pt_seen *s, struct pt_mem *mem);

/* pt_seen_find: sent before by a worker that had a packet before `order` in hand. Any thread. */
bool pt_seen_find(const struct pt_seen *s, const struct pt_seen_key *key, uint64_t order);
void pt_seen_add(struct pt_seen *s, const struct pt_seen_key *key, uint64_t order);

#endif
