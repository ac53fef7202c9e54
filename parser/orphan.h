/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_ORPHAN_H
#define PT_PARSER_ORPHAN_H
/*
 * A response whose request was not seen does not say what it answers. One kind is worth knowing: a
 * Fetch with records, since each batch in it proves itself by its checksum. Whether a frame is one
 * is decided on all of it: its layout must fit to the last byte with every checksum right, that of
 * no other Fetch version may, nor that of any other API: some of those carry bytes that a client
 * chose (SyncGroup's assignments), which could be written to look like anything.
 *
 * What it was asked for is not known: so nothing in front of its first batches, and no isolation.
 *
 * Pure functions, but for the batch reader's scratch.
 */
#include "parser/batch.h"
#include "parser/guess.h"

/* From this version on only tagged fields differ, which the layout of this one passes over. */
#define PT_ORPHAN_VERSION_MAX 13

struct pt_orphan {
    const struct pt_layout *layout; /* of the body */
    uint32_t head_sz;
    int16_t version; /* the oldest that reads it so */
};

/* pt_orphan_plausible tells whether a broker would write this value into a Fetch response. */
bool pt_orphan_plausible(const struct pt_walk_event *ev);

/* pt_orphan_fetch looks at v, the first bytes behind the size of a frame of `size` bytes.
 * PT_GUESS_MORE: it may be one; PT_GUESS_YES, with *ret filled in, only when v is all of it. */
enum pt_guess pt_orphan_fetch(struct pt_batch_reader *reader, struct pt_view v, uint32_t size,
                              struct pt_orphan *ret);

#endif
