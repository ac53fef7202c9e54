/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_ORPHAN_H
#define PT_PARSER_ORPHAN_H
/*
 * A response whose request was not seen does not say what it answers. Two kinds are worth knowing:
 *
 *   Fetch      with records, since each batch in it proves itself by its checksum
 *   Metadata   that gives a topic its id and names, as a broker, the port that it comes from:
 *              without it the records of newer Fetch versions belong to nobody
 *
 * Whether a frame is one is decided on all of it: its layout must fit to the last byte, with every
 * checksum right and every value one that a broker would write, that of no other version may which
 * reads differently, nor that of any other API: some of those carry bytes that a client chose
 * (SyncGroup's assignments), which could be written to look like anything.
 *
 * What it was asked for is not known: so nothing in front of its first batches, and no isolation.
 *
 * Pure functions, but for the batch reader's scratch.
 */
#include "parser/batch.h"
#include "parser/guess.h"

/* From this version on only tagged fields differ, which the layout of this one passes over. */
#define PT_ORPHAN_FETCH_MAX 13

struct pt_orphan {
    const struct pt_layout *layout; /* of the body */
    uint32_t head_sz;
    int16_t api_key;
    int16_t version; /* one that reads it so; of Fetch the oldest */
};

/* pt_orphan_plausible tells whether a broker would write this value into a Fetch response. */
bool pt_orphan_plausible(const struct pt_walk_event *ev);

/* pt_orphan_find looks at v, the first bytes behind the size of a frame of `size` bytes that was
 * sent from this port. PT_GUESS_MORE: it may be one; PT_GUESS_YES, with *ret filled in, only when v
 * is all of it. */
enum pt_guess pt_orphan_find(struct pt_batch_reader *reader, struct pt_view v, uint32_t size,
                             uint16_t port, struct pt_orphan *ret);

#endif
