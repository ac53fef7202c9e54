/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_HOLD_H
#define PT_PARSER_HOLD_H
/*
 * What was read behind a guess waits here until something proves the guess: messages of one
 * direction of a connection, whole and in their order. Then they are passed on, or, if the guess
 * was wrong, forgotten, and nobody has heard of them.
 *
 * A hold is an output like that of the worker and is written in the same way. It costs nothing
 * until the first message, grows within the budget of all holds of one parser, and when that, or
 * PT_HOLD_MAX, is spent it overflows: everything in it is forgotten, also what is written later,
 * but for the number of batches. One owner, no threads.
 */
#include <stdbool.h>

#include "hw/memory.h"
#include "parser/observation.h"

/* One direction's. A message is at most 8 KiB and some; an exchange or two has some hundred
 * batches, and a record is 32 bytes. */
#define PT_HOLD_MIN (16u << 10)
#define PT_HOLD_MAX (2u << 20)

struct pt_hold_budget { /* of all holds of one parser */
    struct pt_mem *mem;
    uint64_t used_sz;
    uint64_t max_sz;
    uint8_t *spill; /* where an overflown hold writes; PT_OBS_OUT_MIN bytes, or NULL */
};

struct pt_hold {
    struct pt_obs_out out;
    struct pt_hold_budget *budget;
    bool overflown;
    uint64_t batch_cnt; /* the writer's: batches that were written */
};

/* pt_hold_budget_open: 0 or -ENOMEM. */
int pt_hold_budget_open(struct pt_hold_budget *b, struct pt_mem *mem, uint64_t max_sz);
void pt_hold_budget_close(struct pt_hold_budget *b);

void pt_hold_init(struct pt_hold *h, struct pt_hold_budget *b);

/* pt_hold_pass passes everything on, if it is still there. Returns the number of batches that are
 * not. The hold is empty then, as after pt_hold_init. */
uint64_t pt_hold_pass(struct pt_hold *h, struct pt_obs_out *to);

/* pt_hold_forget returns how many batches nobody will hear of. */
uint64_t pt_hold_forget(struct pt_hold *h);

#endif
