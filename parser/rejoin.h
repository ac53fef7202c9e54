/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_REJOIN_H
#define PT_PARSER_REJOIN_H
/*
 * Where does a Fetch response go on behind a hole that took the end of a partition's records, and
 * with it the beginning of what follows? Nothing points there any more; what is known is the end of
 * the frame, and what was asked for:
 *
 *   ... records of 0 | ??? hole ??? | rest of 1's records | partition 2 | partition 3 | frame's end
 *
 * A partition is found where, from that place on to the frame's last byte, there is nothing but
 * whole partitions, not more than were announced and each once; where each that has records was
 * asked for by this very request, and its first batch holds just the offset that was asked for; and
 * where every batch is of magic 2, with a right checksum and offsets that rise. Records may hold a
 * recorded response, but that does not end with the frame: behind the value of a record stands at
 * least the number of its headers. That leaves the value of a record's last header, where the
 * record is the field's last: what is recorded there would have to be what was asked for.
 *
 * All of it is looked at before anything is told, so that nothing has to be taken back; and what is
 * told of such a partition (its high watermark, the offsets that it certifies) stands as firm as
 * its batches. Only where no further topic follows is it known whose partitions these are: else
 * nobody looks. Nor behind a hole in a Produce, which says nothing that could prove a partition's
 * number.
 *
 * Pure functions, but for the batch reader's scratch.
 */
#include "parser/batch.h"
#include "parser/fetch_session.h"
#include "parser/walk.h"

/* Partitions behind the hole; more are not read. */
#define PT_REJOIN_MAX 256

/* Checksums are paid for so many times the bytes at most, whatever somebody wrote there. */
#define PT_REJOIN_WORK 8u

struct pt_rejoin {
    struct pt_batch_reader *reader;
    const struct pt_fetch_session *session;
    uint32_t topic;  /* of the partition in which the hole begins */
    uint32_t number; /* of the request */
    bool consumer;   /* it gets nothing above the high watermark */
};

/* pt_rejoin_can: w, which was interrupted by a hole, is in a partition of the last topic. */
bool pt_rejoin_can(const struct pt_walk *w);

/* pt_rejoin_find looks at v, all that is left of the frame behind the hole. True: *w, for which
 * pt_rejoin_can held, stands in front of the first partition, *ret_skip bytes behind the start of
 * v, and knows how many there are. False: *w is untouched. */
bool pt_rejoin_find(const struct pt_rejoin *r, struct pt_view v, struct pt_walk *w,
                    uint32_t *ret_skip);

#endif
