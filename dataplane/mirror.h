/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_MIRROR_H
#define PT_DATAPLANE_MIRROR_H
/*
 * What a mirror itself has lost, told by the numbers that it gave its packets (ERSPAN II and III,
 * GRE with sequence numbers). One table an intake, one session for each input, outer addresses,
 * protocol and session id:
 *
 *   numbers    5 6 7 . 9 8 7 . 12        expected 8 (5 to 12), received 6, lost 2, again 1
 *
 * Gaps are not told from neighbours but from the span: lost = expected - received. So what comes
 * late within PT_MIRROR_WINDOW numbers fills its gap, and a number that is there already is a copy.
 * Two numbers in a row that are far from the last one (far back, or PT_MIRROR_JUMP_MAX or more
 * ahead) mean that the mirror was started anew: what was lost meanwhile is not known, and not
 * counted. A single one is a stray and counts for nothing.
 *
 * A session whose packets come over several queues to several workers has a table in each. Each of
 * them sees nearly the whole span, but not its packets: in the sum the span is the longest of all,
 * and packets add up, so that loss is never counted too high, only too low by what the edges differ
 * (pt_mirror_rows_add). A mirror that numbers several sessions in one sequence does seem to lose
 * what it gave the others.
 */
#include "dataplane/packet.h"
#include "hw/memory.h"

#define PT_MIRROR_MAX 256u     /* sessions of one intake; packets of more are not looked at */
#define PT_MIRROR_WINDOW 4096u /* numbers; some ms of a 10 Gbit/s mirror */
/* Numbers; 20 s of a 10 Gbit/s mirror. */
#define PT_MIRROR_JUMP_MAX (1u << 24)

struct pt_mirror_row {
    struct pt_mirror_id id;
    uint32_t input;
    uint32_t pad;
    uint64_t expected; /* numbers from first to last, of all starts */
    uint64_t received; /* of these */
    uint64_t again;    /* numbers that were there already */
    uint64_t strays;
    uint64_t restarts;
};

struct pt_mirror_session {
    struct pt_mirror_row row;
    uint64_t span; /* numbers from first to last, since the start */
    uint32_t last; /* the highest number */
    uint32_t far;  /* the number of a stray, if it is one */
    bool has_far;
    uint64_t seen[PT_MIRROR_WINDOW / 64]; /* of the last ones, by their low bits */
};

#define PT_MIRROR_SLOTS (2 * PT_MIRROR_MAX)

struct pt_mirrors {
    struct pt_mem *mem;
    struct pt_mirror_session *slot[PT_MIRROR_SLOTS];  /* by hash; open addressing */
    struct pt_mirror_session *session[PT_MIRROR_MAX]; /* in the order in which they came */
    unsigned session_cnt;
    uint64_t refused; /* packets of sessions for which there was no room */
};

/* Sums for a report. */
#define PT_MIRROR_COUNTERS(X)                                                                      \
    X(sessions, "sessions of mirrors that number their packets")                                   \
    X(packets, "packets that they brought, without copies")                                        \
    X(lost, "packets missing in between: lost by the mirror, or on the way from it")               \
    X(again, "packets whose number was there already")                                             \
    X(strays, "packets whose number was far from all others")                                      \
    X(restarts, "times that numbers began anew")                                                   \
    X(refused, "packets of sessions that were too many")

struct pt_mirror_stats {
#define X(name, help) uint64_t name;
    PT_MIRROR_COUNTERS(X)
#undef X
};

void pt_mirrors_init(struct pt_mirrors *m, struct pt_mem *mem);
void pt_mirrors_close(struct pt_mirrors *m);

/* pt_mirrors_take: a packet of this input came with this number. */
void pt_mirrors_take(struct pt_mirrors *m, const struct pt_mirror_id *id, uint32_t input,
                     uint32_t seq);

/* pt_mirror_rows_add adds one row to rows [0, *cnt), in which there is room for it. */
void pt_mirror_rows_add(struct pt_mirror_row *rows, size_t *cnt, const struct pt_mirror_row *row);

#define PT_MIRROR_ALL UINT32_MAX

/* pt_mirror_sum: of the rows of one input, or PT_MIRROR_ALL; what was refused has no row. */
struct pt_mirror_stats pt_mirror_sum(const struct pt_mirror_row *rows, size_t cnt, uint32_t input);

#endif
