/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_NIC_PLAN_H
#define PT_HW_NIC_PLAN_H
/*
 * From what the devices can do and what is asked for, how to set them up: a pure function, no DPDK,
 * no clock, no system calls. `paritapd --plan` prints the result (tools/plan_text.h); at start the
 * ports apply it step by step.
 *
 * The one thing that a plan must achieve: all packets of a connection, both directions, whatever
 * port they come in on, reach one worker. In order of preference:
 *
 *   one worker          it polls all queues of the link: nothing to do
 *   one queue           a port with one queue, and no other port that could see the connection
 *   symmetric key       every port hashes with the 6d5a key over the same fields into as many
 * queues; queue i of every port belongs to the same worker symmetric function  the same by a device
 * that sorts the tuple itself; one port only, as such functions differ between devices software
 * workers that poll hand packets over to the worker that owns the connection
 *
 * Which ports could see the same connection: all those of one `link` number. 0 is a number like any
 * other, so unless told otherwise every port can see every connection (an optical tap delivers the
 * two directions on two ports, two SPAN sessions may overlap).
 */
#include <stdbool.h>
#include <stdint.h>

#include "hw/host.h"
#include "hw/nic_caps.h"
#include "hw/nic_rates.h"
#include "hw/toeplitz.h"

#define PT_NIC_PORTS_MAX 16
#define PT_NIC_QUEUES_MAX 64 /* of a port */
#define PT_NIC_WORKERS_MAX 64
#define PT_NIC_SHARDS_MAX 16
#define PT_NIC_NAME_MAX 128
#define PT_NIC_BROKER_PORTS_MAX 16
/* Both directions and both address families of each port, and what takes the rest. */
#define PT_NIC_RULES_MAX (4 * PT_NIC_BROKER_PORTS_MAX + 1)
#define PT_NIC_NOTES_MAX 128
#define PT_NIC_NOTE_SZ 320

#define PT_NIC_BURST 64       /* packets taken from a queue at once */
#define PT_NIC_POOL_CACHE 256 /* buffers that a core keeps of a pool */
#define PT_NIC_RING 1024      /* packets on the way from one worker to another */
#define PT_NIC_HEADROOM 128   /* RTE_PKTMBUF_HEADROOM */
/* What mirrors wrap around a frame at most: outer IPv6 40, GRE 8 and ERSPAN III 12 + 8, or UDP 8
 * and VXLAN 8; inner Ethernet 14 and two tags 8. */
#define PT_NIC_WRAP_SZ 90

/* --- the question --- */

struct pt_nic_port_request {
    char name[PT_NIC_NAME_MAX]; /* PCI address or vdev string, as the operator wrote it */
    struct pt_nic_caps caps;
    uint16_t link;      /* see above */
    uint16_t queue_cnt; /* 0: the plan decides */
    uint16_t desc_cnt;  /* 0: the plan decides */
};

struct pt_nic_request {
    struct pt_nic_port_request port[PT_NIC_PORTS_MAX];
    unsigned port_cnt;

    struct pt_host host; /* its cores; its huge pages if `huge` */
    uint16_t use_core[PT_NIC_WORKERS_MAX + PT_NIC_SHARDS_MAX]; /* the operator's choice: workers
                                                                * first, then shards */
    unsigned use_core_cnt;                                     /* 0: the plan chooses */
    unsigned worker_cnt;
    unsigned shard_cnt; /* 0: shards run in the workers' loops */
    bool share_cores;   /* more threads than cores are allowed */

    uint16_t mtu;      /* longest IP packet of the mirrored network, 1500 or 9000 */
    bool encapsulated; /* the mirror arrives in GRE, ERSPAN, VXLAN or GENEVE */
    bool tagged;       /* the mirror arrives with VLAN tags */

    bool keep_only_brokers; /* let the device drop all but these ports */
    uint16_t broker_port[PT_NIC_BROKER_PORTS_MAX];
    unsigned broker_port_cnt;

    bool huge;

    struct pt_rate_mix mix;
};

/* --- the answer --- */

enum pt_nic_meet {
    PT_NIC_MEET_ONE_WORKER,
    PT_NIC_MEET_ONE_QUEUE,
    PT_NIC_MEET_KEY,
    PT_NIC_MEET_FUNCTION,
    PT_NIC_MEET_SOFTWARE,
};

enum pt_nic_clock {
    PT_NIC_CLOCK_SOFTWARE, /* read when a burst is taken */
    PT_NIC_CLOCK_DEVICE,   /* ticks of the device, converted */
    PT_NIC_CLOCK_CAPTURE,  /* the capture's own time, microseconds */
};

struct pt_nic_rule {
    bool drop_rest;     /* everything; the fields below are for the others, which spread by hash */
    uint8_t ip_version; /* 4 or 6 */
    bool source;        /* the broker's port is the packet's source (else its destination) */
    uint16_t tcp_port;
    uint8_t priority; /* lower goes first */
};

struct pt_nic_port_plan {
    uint8_t meet;  /* enum pt_nic_meet */
    uint8_t clock; /* enum pt_nic_clock */
    uint16_t queue_cnt;
    uint16_t worker[PT_NIC_QUEUES_MAX]; /* who polls each queue */

    /* Only for PT_NIC_MEET_KEY and PT_NIC_MEET_FUNCTION. */
    uint8_t hash_fields;
    uint8_t key_sz; /* 0: leave the device's key */
    uint8_t key[PT_TOEPLITZ_KEY_MAX];
    uint16_t reta_cnt; /* entry i names queue i modulo queue_cnt; 0: leave it */

    struct pt_nic_rule rule[PT_NIC_RULES_MAX];
    unsigned rule_cnt; /* 0: everything is let in */

    uint16_t mtu;
    uint32_t frame_sz; /* longest frame that must be taken */
    bool scatter;      /* a frame can fill several buffers */
    uint16_t desc_cnt; /* of each queue */
    uint8_t pool;      /* index in pt_nic_plan.pool */
};

struct pt_nic_thread_plan {
    uint16_t core;
    int16_t node;
    uint16_t queue_cnt; /* that it polls; 0 for shards */
};

struct pt_nic_pool_plan {
    uint16_t node;
    uint32_t data_sz; /* room of a buffer behind the headroom */
    uint32_t buffer_cnt;
    uint32_t needed_cnt; /* descriptors, bursts, caches, rings: what must fit */
    uint32_t buffer_sz;  /* a whole buffer in memory */
    uint64_t total_sz;
};

/* Warnings: what is not possible, or not as good as it could be. */
enum pt_nic_note_kind {
    PT_NIC_NOTE_NOT_MEASURED,
    PT_NIC_NOTE_SOFTWARE, /* packets are handed over, and why */
    PT_NIC_NOTE_IDLE_WORKER,
    PT_NIC_NOTE_KEY_MAY_FAIL,
    PT_NIC_NOTE_COARSE_HASH, /* addresses only, or no IPv6 */
    PT_NIC_NOTE_RULES,       /* broker rules impossible, or what they cost */
    PT_NIC_NOTE_SCATTER,
    PT_NIC_NOTE_CLOCK,
    PT_NIC_NOTE_LOSS_UNCOUNTED,
    PT_NIC_NOTE_TAG_LOST,
    PT_NIC_NOTE_FAR_NODE,
    PT_NIC_NOTE_CORE, /* shared, hyper-threads, not isolated */
    PT_NIC_NOTE_CAPACITY,
    PT_NIC_NOTE_NO_HUGE,
};

struct pt_nic_note {
    uint8_t kind; /* enum pt_nic_note_kind */
    int8_t port;  /* index, -1: none in particular */
    char text[PT_NIC_NOTE_SZ];
};

struct pt_nic_plan {
    struct pt_nic_port_plan port[PT_NIC_PORTS_MAX];
    unsigned port_cnt;
    struct pt_nic_thread_plan worker[PT_NIC_WORKERS_MAX];
    unsigned worker_cnt;
    struct pt_nic_thread_plan shard[PT_NIC_SHARDS_MAX];
    unsigned shard_cnt;
    struct pt_nic_pool_plan pool[PT_HOST_NODES_MAX];
    unsigned pool_cnt;
    uint64_t memory_sz; /* of all pools */

    uint32_t codec_mbps[PT_RATE_CODEC_CNT]; /* what a worker carries, Mbit/s */
    uint32_t mix_mbps;                      /* the same for the mix asked for */
    uint64_t offered_mbps;                  /* all ports at line rate; 0: not known */

    struct pt_nic_note note[PT_NIC_NOTES_MAX];
    unsigned note_cnt;
    unsigned note_cut_cnt; /* notes that had no room */
};

struct pt_nic_error {
    char text[PT_NIC_NOTE_SZ]; /* what, where, and what to do */
};

/* pt_nic_request_init sets the defaults: one worker, no shards of its own, MTU 1500, no huge pages,
 * an uncompressed mix; no ports, no cores. */
void pt_nic_request_init(struct pt_nic_request *req);

/* pt_nic_plan_make answers: 0, or -EINVAL (the request is impossible), -ENOMEM (not enough huge
 * pages) with err set and *plan in no useful state. */
int pt_nic_plan_make(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                     struct pt_nic_error *err);

const char *pt_nic_meet_name(enum pt_nic_meet meet);
const char *pt_nic_clock_name(enum pt_nic_clock clock);

#endif
