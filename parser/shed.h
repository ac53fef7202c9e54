/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_SHED_H
#define PT_PARSER_SHED_H
/*
 * What a parser leaves out when there is more traffic than it can read (design.md section 7). The
 * steps are those of a ladder, each costs less than the one before:
 *
 *   step          of a batch is read            what the verifier is told
 *   0 none        everything                    everything
 *   1 known       known ones: the header only   where it lay (SHED)
 *   2 partitions  of some partitions: likewise  where it lay, or only that it was there (SHED)
 *   3 headers     of all partitions: likewise   likewise
 *   4 count only  nothing: the bodies of        that a connection was not read for a while (SHED
 *                 Produce and Fetch are           without a topic)
 *                 skipped by the frame's size
 *
 * What is left out is nobody's evidence: it becomes UNSEEN. Frames, requests and responses are
 * counted at every step, the controllers' metadata log is read below step 4, all other bodies
 * always.
 *
 * Step 2 sheds whole partitions, the same ones on both clusters, so that the rest is still
 * comparable: a partition goes if the hash of its canonical name (pt_shed_canon of the topic's name
 * on the source, mixed with the partition's number) is below the share. A larger share takes more
 * partitions and leaves none that a smaller one took.
 *
 * Whoever decides (dataplane/ladder.h) gives the step to the worker, which hands it to its parser
 * between bursts: nothing here is shared between threads but canon.
 */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "parser/cursor.h"

enum pt_shed_step {
    PT_SHED_NONE,
    PT_SHED_KNOWN,
    PT_SHED_PARTITIONS,
    PT_SHED_HEADERS,
    PT_SHED_COUNT_ONLY,
    PT_SHED_STEP_CNT
};

struct pt_shed {
    uint8_t step;   /* enum pt_shed_step */
    uint32_t share; /* of 2^32: how many of the partitions go at step 2 */
    /* By the lane's topic number: pt_shed_canon of the topic's name on the source; 0: not known
     * yet, so not shed. Written by the shard's thread, relaxed: it is only a hash, which refers to
     * nothing else, and one that comes late only means that a batch more is read. NULL: there is no
     * shard that would know, and each topic goes by its own name. */
    const _Atomic uint32_t *canon;
    uint32_t canon_cnt; /* topics from here on: not known */
};

/* pt_shed_canon is the hash of a topic's name; never 0. The same on every host and in every run. */
uint32_t pt_shed_canon(struct pt_view name);

/* pt_shed_partition: whether this partition of the topic is in the share. canon 0: it is not. */
bool pt_shed_partition(uint32_t canon, int32_t partition, uint32_t share);

/* pt_shed_canon_of looks the topic up; 0: not known. own is the hash of its own name, 0 where only
 * its id is known. */
static inline uint32_t pt_shed_canon_of(const struct pt_shed *s, uint32_t topic, uint32_t own)
{
    if (!s->canon)
        return own;
    return topic < s->canon_cnt ? atomic_load_explicit(&s->canon[topic], memory_order_relaxed) : 0;
}

#endif
