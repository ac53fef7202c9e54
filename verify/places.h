/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_PLACES_H
#define PT_VERIFY_PLACES_H
/*
 * Leftovers of an alignment, waiting for their verdict. A place lies between two matched neighbours
 * and holds the records of both sides that found no partner there. It waits until it is `horizon`
 * records behind, because its records may still turn up elsewhere (REORDERED) and because only what
 * lies around it tells a surplus copy (DUPLICATED) from a new record (EXTRA). Used by align.c only.
 *
 * What each verdict rests on stands beside it in places.c.
 */
#include "hw/memory.h"
#include "verify/align.h"
#include "verify/history.h"

/* Ring of events that wait to be taken. */
struct pt_events {
    struct pt_align_event *ring;
    size_t cap; /* power of two */
    size_t head;
    size_t cnt;
};

/* pt_events_reserve makes room for cnt more; false: no memory, nothing changed. */
bool pt_events_reserve(struct pt_mem *mem, struct pt_events *ev, size_t cnt);
/* pt_events_put needs room that was reserved. */
void pt_events_put(struct pt_events *ev, const struct pt_align_event *e);
bool pt_events_take(struct pt_events *ev, struct pt_align_event *ret_e);

struct pt_leftover {
    struct pt_item item;
    uint64_t place; /* number of its place */
    uint64_t next;  /* number of the next leftover in its bucket, UINT64_MAX none */
    bool done;      /* has its verdict */
    bool open;      /* something unseen lies in its place: nothing follows from its absence there */
    bool surplus;   /* there are more of them, whatever was not seen */
    int64_t copied; /* target: the source offset of an equal record that was moved to another place
                       than this; -1 none */
};

/* FIFO of one side's leftovers, numbered from 0 and found by content. */
struct pt_leftovers {
    struct pt_leftover *ring;
    uint64_t *bucket_head;
    uint64_t *bucket_tail;
    size_t cap; /* power of two: of the ring and of the buckets */
    uint64_t head;
    uint64_t end;
};

struct pt_place {
    int64_t prev[2]; /* offsets of the matched neighbours by side, -1 none */
    int64_t next[2];
    uint64_t at[2];       /* records of each side in front of it */
    uint64_t left_end[2]; /* one past its last leftover */
    uint64_t history_at;  /* records ever remembered when it was opened */
    uint64_t closed_at;   /* calls of pt_places_early when its match behind it came */
};

/* Contents of leftovers whose verdict was that their place was not seen: an equal record of the
 * other side may be theirs, wherever it is left over. Held for one to two horizons. */
struct pt_unplaced {
    uint64_t *content; /* hash set, 0 empty */
    size_t cap;        /* power of two, at most half full */
    size_t cnt;
};

struct pt_places {
    struct pt_mem *mem;
    uint32_t horizon;
    struct pt_events *events;
    struct pt_leftovers left[2];
    struct pt_unplaced unplaced[2][2]; /* by side; the newer and the older half */
    uint64_t unplaced_at;              /* records passed when the halves changed places last */
    bool unplaced_unknown;             /* some did not find room */
    struct pt_place *ring;
    size_t cap; /* power of two */
    uint64_t head;
    uint64_t end;
    bool open; /* the newest place has no matched neighbour behind it yet */
    struct pt_history history;
    uint64_t passed[2];    /* records of each side behind us */
    uint64_t gap_at[2];    /* passed at the newest gap, UINT64_MAX: none yet */
    uint64_t early_cnt;    /* calls of pt_places_early */
    uint64_t early_end;    /* places before it were told early */
    int64_t prev[2];       /* offsets of the newest match, -1 none */
    int64_t passed_end[2]; /* one past the offset of the newest record of each side */
};

void pt_places_init(struct pt_places *p, struct pt_mem *mem, uint32_t horizon,
                    struct pt_events *events);
void pt_places_fini(struct pt_places *p);

/* pt_places_match: these two are a matched pair; closes the open place. */
void pt_places_match(struct pt_places *p, const struct pt_item *s, const struct pt_item *t);

/* pt_places_gap: offsets in front of the next record of `side` were not seen. */
void pt_places_gap(struct pt_places *p, enum pt_side side);

/* What is known of a record without partner and its place. */
#define PT_LEFT_OPEN 0x1u    /* something in the place was not seen */
#define PT_LEFT_SURPLUS 0x2u /* all the same it is one too many */
#define PT_LEFT_SHUT                                                                               \
    0x4u /* the match behind the place is known: nothing will be added to it that                  \
            opens it */

/* pt_places_add: a record without partner in the place that is open now. */
void pt_places_add(struct pt_places *p, enum pt_side side, const struct pt_item *item,
                   unsigned how);

/* pt_places_give_up: a record without partner whose verdict does not depend on anything else. */
void pt_places_give_up(struct pt_places *p, enum pt_side side, const struct pt_item *item,
                       enum pt_align_kind kind);

/* pt_places_void: something unseen lies in the open place: that holds for what was added before,
 * too. */
void pt_places_void(struct pt_places *p);

/* pt_places_due: places that are horizon behind and not yet resolved. pt_places_resolve gives them
 * their verdicts. Room for pt_places_waiting() events must have been reserved. */
bool pt_places_due(const struct pt_places *p);
void pt_places_resolve(struct pt_places *p);
size_t pt_places_waiting(const struct pt_places *p);

/* pt_places_early tells of places that were closed before the last call what their verdicts would
 * be now. Room for pt_places_waiting() events must have been reserved. */
void pt_places_early(struct pt_places *p);
bool pt_places_untold(const struct pt_places *p);

/* pt_places_finish: both logs have ended; everything gets its verdict. */
void pt_places_finish(struct pt_places *p, const enum pt_end end[2]);

/* pt_places_done: every record of `side` below this offset has its verdict (those not given to any
 * function here lie behind it). */
int64_t pt_places_done(const struct pt_places *p, enum pt_side side);

#endif
