/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_SIM_ORACLE_H
#define PT_TESTS_SIM_ORACLE_H
/*
 * Knows what was sent and what of it the tap kept, and says which batches could be read from that
 * by anybody. It knows nothing of how the product reads. A batch is recoverable if
 *
 *   - all its bytes were kept, and its frame's size;
 *   - where its frame begins can be derived: from the start of the connection (its SYN was kept,
 * and from there on the size of each frame), or since the heads of it and of the next two frames
 *     were kept;
 *   - of a Produce, the same holds for the answer, which says where the batch went.
 *
 * `readable` asks more: that the request of a Fetch was kept as well, which says in what version
 * the answer is written.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORACLE_NONE UINT32_MAX

/* A frame: the number of its direction and its place there. */
struct oracle_frame {
    uint32_t dir;
    uint32_t idx;
};

/* One time that a batch passed. */
struct oracle_batch {
    uint32_t log; /* the caller's */
    uint32_t batch;
    struct oracle_frame frame;
    uint64_t from; /* stream offsets */
    uint64_t to;
    struct oracle_frame other; /* the answer of a Produce, the request of a Fetch; dir
                                  ORACLE_NONE: there is none */
    bool produce;
    bool recoverable; /* set by oracle_judge */
    bool readable;
};

struct oracle_range {
    uint64_t from;
    uint64_t to;
};

struct oracle_dir {
    bool syn;
    struct oracle_range *frame;
    uint32_t frame_cnt;
    uint32_t frame_cap;
    struct oracle_range *kept;
    uint32_t kept_cnt;
    uint32_t kept_cap;
};

struct oracle {
    struct oracle_dir *dir;
    uint32_t dir_cnt;
    uint32_t dir_cap;
    struct oracle_batch *batch;
    uint32_t batch_cnt;
    uint32_t batch_cap;
};

void oracle_fini(struct oracle *o);

/* oracle_open begins a direction of a connection and returns its number. */
uint32_t oracle_open(struct oracle *o);

/* oracle_sent: the next frame of a direction is [from, to). */
struct oracle_frame oracle_sent(struct oracle *o, uint32_t dir, uint64_t from, uint64_t to);

/* oracle_kept: the tap kept these bytes. */
void oracle_kept(struct oracle *o, uint32_t dir, uint64_t from, uint64_t to);
void oracle_kept_syn(struct oracle *o, uint32_t dir);

/* oracle_carried returns the number of the batch. */
uint32_t oracle_carried(struct oracle *o, const struct oracle_batch *b);

void oracle_judge(struct oracle *o);

#endif
