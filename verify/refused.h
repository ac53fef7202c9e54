/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_REFUSED_H
#define PT_VERIFY_REFUSED_H
/*
 * Produced batches that a broker has refused, so that their records must not be in the log: if they
 * are, that is a GHOST_WRITE. A batch is known again by its place in the log's partition, its
 * producer, epoch and sequence, and by what its first and last records say.
 *
 * The same batch may have been sent before, or be sent again, and that may have succeeded. So it is
 * only held against the log if
 *  - every other attempt in sight was refused, too, and none stayed without an answer;
 *  - the log came to hold it in sight (behind the first high watermark that was stated), and no
 *    acknowledged Produce put it there;
 *  - clients do not send a batch again after that error; or, if they do, all that the producer ever
 *    sent with that epoch was in sight;
 *  - and, once the run is over, nothing of that cluster was lost or left out, and all of its
 * brokers were on the tap (pt_shard_complete): no other attempt has escaped us.
 *
 * Bounded: PT_REFUSED_MAX attempts a shard. When they are spent nothing is said of ghosts at all,
 * since what was not kept may be the attempt that succeeded.
 */
#include "verify/floating.h"
#include "verify/log.h"

#define PT_REFUSED_MAX 16384u
#define PT_REFUSED_BUCKETS 4096u

struct pt_refused {
    struct pt_log *log;
    struct pt_sighting b; /* offsets count from 0 */
    struct pt_record first;
    struct pt_record last;
    uint32_t next; /* same bucket, index + 1 */
    int16_t error_code;
    bool open;    /* another attempt may have written it */
    bool held;    /* the log holds it */
    int64_t base; /* there */
    struct pt_site site;
};

struct pt_refusals {
    struct pt_mem *mem;
    struct pt_refused *r;
    size_t cnt;
    size_t cap;
    uint32_t bucket[PT_REFUSED_BUCKETS]; /* index + 1 */
    uint64_t *dropped;                   /* counts what was not kept */
};

struct pt_refusals *pt_refusals_open(struct pt_mem *mem, uint64_t *dropped);
void pt_refusals_close(struct pt_refusals *s);

/* pt_refusals_note: this attempt was refused. */
void pt_refusals_note(struct pt_refusals *s, const struct pt_float *e, int16_t error_code);

/* pt_refusals_attempt: this attempt may have succeeded, or has; lasting: others that come later are
 * to know. */
void pt_refusals_attempt(struct pt_refusals *s, const struct pt_float *e, bool lasting);

/* pt_refusals_held: the log holds this committed batch, and only a fetch has shown it; first and
 * last are its records. */
void pt_refusals_held(struct pt_refusals *s, struct pt_log *l, const struct pt_evidence *ev,
                      const struct pt_slot *first, const struct pt_slot *last);

#endif
