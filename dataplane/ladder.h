/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_LADDER_H
#define PT_DATAPLANE_LADDER_H
/*
 * Decides how much is shed (parser/shed.h) when there is more traffic than the workers can read.
 * Housekeeping asks it every PT_LADDER_LOOK_NS with what each worker shows; the answer is one step
 * for all workers, since both clusters must lose the same partitions whichever worker reads them.
 * No clock, no threads, no memory: the same looks give the same answers.
 *
 *   level  0     1      2                  3                  4                  5        6
 *   step   none  known  partitions: a 1/4  partitions: a 1/2  partitions: a 3/4  headers  count
 * only
 *
 * Up by one level at each look that shows overload. A look covers a whole interval, so what it
 * shows is what the level before has brought; and six levels take less than a second, which is less
 * than what a queue of a NIC holds back at best. Down by one level when all workers were calm for
 * PT_LADDER_CALM_NS: far slower, because a level that is too low loses packets, which hits every
 * partition, and one that is too high only leaves out what it says. If a level down is followed by
 * overload again, the next one is waited for twice as long, up to PT_LADDER_CALM_MAX_NS: a load
 * that needs its level is not tested every few seconds at the price of packets.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PT_LADDER_LEVEL_CNT 7u

/* How often housekeeping looks: long enough that busy and backlog mean something, short enough that
 * a queue of some ten thousand packets has not overflowed many times. */
#define PT_LADDER_LOOK_NS 100000000ll

/* Overload is what was lost, or a lane that was full; and an input that is three quarters full,
 * which at this rate will lose before the next look. Being busy is none: a worker that polls
 * without a pause and loses nothing does what it is there for. */
#define PT_LADDER_BACKLOG_HIGH 750u /* permille */

/* Calm is an input that is nearly empty and a worker with enough to spare for the level below,
 * which costs at most about half as much again as the present one. */
#define PT_LADDER_BACKLOG_LOW 100u /* permille */
#define PT_LADDER_BUSY_LOW 600u    /* permille */

/* A burst of a batch job, or of a compaction, comes in waves of a second or so. */
#define PT_LADDER_CALM_NS 5000000000ll
#define PT_LADDER_CALM_MAX_NS (16 * PT_LADDER_CALM_NS)
/* Overload so soon behind a level down is held to be its doing. */
#define PT_LADDER_RELAPSE_NS PT_LADDER_CALM_NS

/* The changes that are kept for the report. When there is no room the oldest is forgotten, its time
 * stays in the sums. */
#define PT_LADDER_CHANGE_MAX 64u

/* What one worker shows at a look. */
struct pt_ladder_look {
    uint16_t busy;    /* permille of the interval that it did not wait for packets */
    uint16_t backlog; /* permille of its input that is full, the fullest queue counts; 0: unknown */
    uint64_t lost; /* packets lost in front of it since the last look: no descriptor, no buffer */
    uint64_t lane_full; /* times since the last look that a lane had no room for it */
};

struct pt_ladder_change {
    int64_t time_ns; /* from here on */
    uint8_t level;
    uint8_t step; /* enum pt_shed_step */
    uint32_t share;
};

struct pt_ladder {
    uint8_t level;
    uint8_t level_max;                     /* highest level so far */
    int64_t look_ns;                       /* of the last look; INT64_MIN: none yet */
    int64_t calm_since_ns;                 /* INT64_MIN: the last look was not calm */
    int64_t calm_need_ns;                  /* for the next level down */
    int64_t down_ns;                       /* when it last went down; INT64_MIN: never */
    int64_t level_ns[PT_LADDER_LEVEL_CNT]; /* time at each level, up to the last look */
    uint64_t change_cnt;                   /* all of them, also those that were forgotten */
    struct pt_ladder_change change[PT_LADDER_CHANGE_MAX]; /* a ring: change_cnt % MAX is next */
};

/* pt_ladder_init starts at level 0. */
void pt_ladder_init(struct pt_ladder *l);

/* pt_ladder_look takes what all workers show at time_ns (not before the last look) and returns what
 * is in force from now on. */
struct pt_ladder_change pt_ladder_look(struct pt_ladder *l, int64_t time_ns,
                                       const struct pt_ladder_look *look, size_t look_cnt);

/* pt_ladder_changes: how many changes are kept. pt_ladder_change_at: the idx-th of them, oldest
 * first. */
size_t pt_ladder_changes(const struct pt_ladder *l);
const struct pt_ladder_change *pt_ladder_change_at(const struct pt_ladder *l, size_t idx);

#endif
