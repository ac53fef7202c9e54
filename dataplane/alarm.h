/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_ALARM_H
#define PT_DATAPLANE_ALARM_H
/*
 * Who wants to be looked at when: a heap of points in packet time, earliest first, equal ones in
 * the order of their serial numbers, so that the order depends on packets only. An alarm is
 * embedded in what it wakes. Room is reserved when that is made, so that setting one cannot fail.
 */
#include <stdint.h>

#include "hw/memory.h"

struct pt_alarm {
    int64_t due_ns;
    uint64_t serial; /* the owner's; different for each */
    uint32_t slot;   /* place in the heap + 1; 0: not set */
};

struct pt_alarms {
    struct pt_mem *mem;
    struct pt_alarm **heap;
    uint32_t alarm_cnt;
    uint32_t alarm_max;
};

void pt_alarms_init(struct pt_alarms *q, struct pt_mem *mem);
void pt_alarms_fini(struct pt_alarms *q);

/* pt_alarms_reserve makes room for cnt alarms in all. 0 or -ENOMEM. */
int pt_alarms_reserve(struct pt_alarms *q, uint32_t cnt);

/* pt_alarms_set sets or moves al. No more may be set than there is room for. */
void pt_alarms_set(struct pt_alarms *q, struct pt_alarm *al, int64_t due_ns);

/* pt_alarms_cancel takes al out; it need not be set. */
void pt_alarms_cancel(struct pt_alarms *q, struct pt_alarm *al);

/* pt_alarms_first returns the earliest alarm or NULL; it stays set. */
struct pt_alarm *pt_alarms_first(const struct pt_alarms *q);

#endif
