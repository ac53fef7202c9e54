/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_LIVE_H
#define PT_DATAPLANE_LIVE_H
/*
 * A live capture: ports (port.h) -> workers on pinned cores -> lanes -> shard, until it is stopped.
 * The stages are those of replay (pipeline.h). This header is what tools/ needs: the settings, and
 * the life of a run.
 */
#include "dataplane/pipeline.h"
#include "dataplane/port.h"

/* What a worker does when no packet is there. */
enum pt_idle {
    PT_IDLE_SLEEP = 0, /* back off to short sleeps: lives beside other programs */
    PT_IDLE_POLL = 1,  /* poll on: for cores that are its own */
};

struct pt_live_cfg {
    const char *const *device[3]; /* by enum pt_input_role, in the order in which they are polled */
    unsigned device_cnt[3];
    unsigned worker_cnt;     /* [1, PT_NIC_WORKERS_MAX]; default 1 */
    unsigned shard_cnt;      /* 0: in the worker's loop, if that is the only one; 1: a thread */
    const uint16_t *core;    /* workers first, then the shard; none: the plan chooses */
    unsigned core_cnt;
    bool share_cores;        /* more threads than cores are allowed; default true */
    bool huge;               /* false: --no-huge */
    uint16_t mtu;            /* of the mirrored network; default 1500 */
    bool encapsulated;       /* the mirror arrives in a tunnel */
    bool tagged;             /* the mirror arrives with VLAN tags */
    bool keep_only_brokers;  /* let the device drop all but broker_port */
    uint16_t broker_port[PT_NIC_BROKER_PORTS_MAX];
    unsigned broker_port_cnt;
    uint16_t queue_cnt;      /* of each port; 0: the plan decides */
    uint16_t desc_cnt;       /* of each queue; 0: the plan decides */
    enum pt_idle idle;
    bool overload;           /* the ladder may be used; default true. Files are never shed */
    int64_t exit_when_idle_ns; /* end when no packet came for this long; 0: never */
    const char *const *eal_arg;
    unsigned eal_arg_cnt;
};

#endif
