/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_ALIGN_H
#define PT_VERIFY_ALIGN_H
/*
 * Alignment of two logs of one partition pair: two sequences of records in offset order go in, what
 * became of each comes out. It knows no clusters, packets, or evidence: the shard feeds it
 * settled records (certified, committed, decided) and marks where something was not seen.
 *
 *   source  a b c d e f g ...      push(SOURCE, items)   ->  MATCH a=a', MISSING c, MUTATED e/e'
 * ... target  a'b'd'x e'f'g'...      push(TARGET, items)
 *
 * The rules are those of the report's contract: between two matched neighbours leftovers are
 * compared k-th with k-th; common records outside the longest common subsequence are REORDERED; a
 * surplus copy of a record matched nearby is DUPLICATED. What follows from seen records on both
 * sides is named; what touches something unseen is UNVERIFIABLE; where a difference is proven but
 * the unseen could hold the explanation it is MISSING_OR_REORDERED or AMBIGUOUS. Every pushed
 * record comes out in exactly one verdict.
 *
 * Works on a stream in bounded memory: equal records are passed straight through; on a conflict a
 * window is gathered and solved. A verdict other than MATCH is given when the record is `horizon`
 * records behind, or at the end. For those who watch, pt_align_hurry tells before that what it
 * would be as things stand.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/memory.h"

enum pt_side { PT_SIDE_SOURCE = 0, PT_SIDE_TARGET = 1 };

#define PT_ITEM_GAP_BEFORE                                                                         \
    0x1u /* between the item before (or the start) and this one, offsets were not                  \
            seen: anything may have been there. Not set on a first item that                       \
            starts at a certified log start */
#define PT_ITEM_LOG_APPEND                                                                         \
    0x2u /* the timestamp is the broker's, or there is none: not compared                          \
          */

struct pt_item {
    uint64_t content;
    int64_t timestamp_ms;
    int64_t offset;
    uint32_t key; /* digests; 0 is null */
    uint32_t value;
    uint32_t headers;
    uint32_t flags;
};

enum pt_align_kind {
    PT_ALIGN_MATCH,      /* source..+cnt equals target..+cnt, consecutive offsets on both sides */
    PT_ALIGN_MUTATED,    /* source differs from target in parts */
    PT_ALIGN_REORDERED,  /* same record, not in the same place */
    PT_ALIGN_MISSING,    /* source only */
    PT_ALIGN_EXTRA,      /* target only */
    PT_ALIGN_DUPLICATED, /* target only: surplus copy of a record that is matched nearby */
    PT_ALIGN_MISSING_OR_REORDERED, /* source only, proven absent in its place */
    PT_ALIGN_AMBIGUOUS_SOURCE,     /* difference proven in count or order, not nameable */
    PT_ALIGN_AMBIGUOUS_TARGET,
    PT_ALIGN_UNVERIFIABLE_SOURCE, /* its place on the other side was not seen */
    PT_ALIGN_UNVERIFIABLE_TARGET,
    PT_ALIGN_PENDING_SOURCE, /* behind the last anchor at the end: may still come */
    PT_ALIGN_PENDING_TARGET
};

#define PT_PART_KEY 0x1u
#define PT_PART_VALUE 0x2u
#define PT_PART_HEADERS 0x4u
#define PT_PART_TIMESTAMP 0x8u

struct pt_align_event {
    enum pt_align_kind kind;
    uint32_t parts;        /* PT_PART_* for MUTATED */
    int64_t source_offset; /* -1 where there is none */
    int64_t target_offset;
    uint64_t cnt; /* 1 but for MATCH */
    /* Matched neighbours around a leftover, -1 none: where it belongs on the other side. */
    int64_t prev_source_offset;
    int64_t prev_target_offset;
    int64_t next_source_offset;
    int64_t next_target_offset;
    bool early; /* see pt_align_hurry: no verdict yet */
};

struct pt_align_cfg {
    uint32_t window_min; /* records a side gathered at a conflict first; default 4096 */
    uint32_t window_max; /* at most; default 65536 */
    uint32_t anchor_run; /* consecutive equal records that prove a guessed position; default 8 */
    uint32_t horizon; /* records within which a displaced or repeated record is recognised; default
                         65536 */
};

extern const struct pt_align_cfg pt_align_cfg_default;

struct pt_align;

int pt_align_open(struct pt_mem *mem, const struct pt_align_cfg *cfg, struct pt_align **ret_a);
void pt_align_close(struct pt_align *a);

/* pt_align_room: how many items `side` takes now. 0: it is far enough ahead of the other side, its
 * records may stay where they are; when both say 0 pt_align_run always makes room. */
size_t pt_align_room(const struct pt_align *a, enum pt_side side);

/* pt_align_push takes items in rising offset order, cnt <= room, and returns how many it took:
 * fewer only when the budget is spent (the caller keeps the rest). */
size_t pt_align_push(struct pt_align *a, enum pt_side side, const struct pt_item *items,
                     size_t cnt);

/* What is known behind the last item of a log. */
enum pt_end {
    PT_END_OPEN,     /* nothing: more may exist */
    PT_END_COMPLETE, /* certified up to the log's end: what was not pushed does not exist */
    PT_END_STATED,   /* the same when it was stated; the other log's last records may be younger */
    PT_END_UNSEEN    /* offsets exist there that were not seen */
};

/* pt_align_end: nothing more will be pushed on `side`. Leftover target records behind the last
 * match are classified if the source is complete; leftover source records there are PENDING (they
 * may still come) unless a target leftover is their mutated copy. */
void pt_align_end(struct pt_align *a, enum pt_side side, enum pt_end end);

/* pt_align_run works as far as what was pushed allows; after both ends, everything gets its
 * verdict. Verdicts do not depend on when it is called or how items were grouped in pushes, but for
 * calls of pt_align_hurry. It
 * returns early when many events wait: take them and call again. */
void pt_align_run(struct pt_align *a);

/* pt_align_hurry: some time has passed. A conflict is solved with the records that are there, if it
 * can be. Leftovers that have been waiting between matched neighbours since the last call but one
 * are told once, as events with `early` set: MISSING, EXTRA, DUPLICATED, MUTATED, REORDERED or
 * MISSING_OR_REORDERED as far as is known; their verdicts come later. */
void pt_align_hurry(struct pt_align *a);

/* pt_align_restless: another call of pt_align_hurry has something to tell, also without new
 * records.
 */
bool pt_align_restless(const struct pt_align *a);

/* pt_align_idle: false if pt_align_run stopped for waiting events and has more to do. */
bool pt_align_idle(const struct pt_align *a);

/* pt_align_next takes the next event: true, or false if there is none now. A MATCH may be told in
 * several consecutive runs. */
bool pt_align_next(struct pt_align *a, struct pt_align_event *ret_ev);

/* pt_align_done: every item of `side` below this offset has its verdict: its slot may be given up.
 */
int64_t pt_align_done(const struct pt_align *a, enum pt_side side);

#endif
