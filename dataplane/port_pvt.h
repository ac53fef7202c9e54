/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_PORT_PVT_H
#define PT_DATAPLANE_PORT_PVT_H
/*
 * What the sources of a port share: the port itself, the words of errors, and the steps that
 * pt_port_apply puts in order. DPDK's types appear by name only.
 */
#include <stdatomic.h>

#include "dataplane/port.h"
#include "dataplane/port_clock.h"

struct rte_mempool;

/* Frames in several buffers that a queue's consumer may hold at once. */
#define PT_PORT_JOIN_CNT (2 * PT_NIC_BURST)
/* An mbuf counts its bytes in 16 bits. */
#define PT_PORT_JOIN_MAX 65535u

/* Written by the worker that polls the queue. */
struct pt_port_queue {
    _Alignas(64) struct rte_mempool *join; /* buffers of one whole frame, NULL: none needed */
    uint64_t packet;
    bool ended;
    struct pt_port_clock clock;
    atomic_uint_fast64_t joined; /* read by housekeeping */
    atomic_uint_fast64_t cut;
};

struct pt_port {
    uint16_t port_id;
    bool is_file;
    struct rte_mempool *pool;
    unsigned seg_max;    /* buffers that one frame of a file can fill */
    int stamp_off;       /* of the timestamp in an mbuf; -1: packets carry none */
    uint64_t stamp_flag; /* set in an mbuf that has one */
    char device[PT_NIC_NAME_MAX];
    struct pt_port_state state;
    struct pt_port_counters base; /* what the device had counted before */
    struct pt_port_queue queue[PT_NIC_QUEUES_MAX];
};

/* pt_port_refuse writes the sentence and returns rc. */
int pt_port_refuse(struct pt_port_error *err, int rc, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* pt_port_note adds a note to what is in force; one too many is left out. */
void pt_port_note(struct pt_port *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* pt_port_log_open catches what DPDK logs from now on. pt_port_log_last returns its last messages
 * since the last pt_port_log_clear as " (DPDK: ...)", or "": valid until the next call. */
int pt_port_log_open(void);
void pt_port_log_clear(void);
const char *pt_port_log_last(void);

/* port_check.c: what can be said of the devices before EAL starts. */
int pt_port_check_devices(const struct pt_ports_cfg *cfg, struct pt_port_error *err);

/* pt_port_is_pci tells a PCI address, with or without arguments behind it, from a vdev string. */
bool pt_port_is_pci(const char *device);

/* pt_port_name writes a device's name in DPDK: a vdev string up to its first comma, a PCI address
 * with its domain. */
void pt_port_name(const char *device, char *ret_name, size_t name_sz);

/* pt_port_memory_sz: bytes of DPDK's memory that cfg needs. */
uint64_t pt_port_memory_sz(const struct pt_ports_cfg *cfg);

/* pt_port_join_sz: longest frame that a device may deliver in several buffers; 0: in one only. */
uint32_t pt_port_join_sz(const char *device, const struct pt_nic_port_plan *plan);

/* port_pool.c */
int pt_port_pools(struct pt_port *p, const struct pt_nic_plan *plan, unsigned port_idx,
                  struct pt_port_error *err);

/* port_hash.c: before and after the device starts. */
struct rte_eth_conf;
void pt_port_hash_conf(const struct pt_nic_port_plan *plan, uint8_t *key,
                       struct rte_eth_conf *conf);
int pt_port_hash_apply(struct pt_port *p, const struct pt_nic_port_plan *plan, bool may_fail,
                       struct pt_port_error *err);
void pt_port_hash_refused(struct pt_port *p, const char *why);
uint64_t pt_port_hash_types(uint8_t hash_fields);

/* port_rules.c */
int pt_port_rules_apply(struct pt_port *p, const struct pt_nic_port_plan *plan,
                        struct pt_port_error *err);

#endif
