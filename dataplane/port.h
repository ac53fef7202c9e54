/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_PORT_H
#define PT_DATAPLANE_PORT_H
/*
 * DPDK's devices as a source of packets. Everything that knows DPDK at run time is behind this
 * header, which itself needs none of its types: start EAL, find the devices, apply a plan
 * (hw/nic_plan.h) step by step, take bursts, give buffers back, run a function on a pinned core.
 * Nothing is ever transmitted: no port gets a tx queue unless its driver insists on one.
 *
 *   pt_ports_start        main thread, once in a process (EAL cannot be started twice)
 *   pt_port_find, probe   main thread: a device and what it can do
 *   pt_port_apply         main thread: one port is set up as the plan says, and receives
 *   pt_port_burst         the one worker that polls this queue
 *   pt_port_free          any worker; cheap only where the buffer was allocated
 *   pt_port_counters      housekeeping
 *   pt_ports_stop         main thread, when no worker runs any more
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/capture.h"
#include "hw/nic_plan.h"

#define PT_PORT_ARGS_MAX 64

struct pt_port_error {
    char text[512]; /* what, where, and what to do: a sentence for a person */
};

struct pt_ports_cfg {
    const char *program;
    const struct pt_nic_plan *plan; /* its cores */
    uint16_t main_core;             /* of the housekeeping thread */
    bool huge;                      /* false: --no-huge; pools are in 4 KiB pages then */
    const char *const *device; /* PCI addresses, device names and vdev strings, in order of ports */
    unsigned device_cnt;
    const char *const *eal_arg; /* the operator's own, behind "--" */
    unsigned eal_arg_cnt;
    uint64_t pool_sz; /* memory that the pools of the plan need; for --no-huge */
};

/* Whether a device is a file that is read to its end: no packet is lost if it waits, its clock is
 * that of the capture, and a burst of 0 is its end. */
bool pt_port_is_file(const char *device);

/* pt_ports_probe_args: devices can only be probed after EAL has started, and EAL wants to know its
 * cores at once; so the plan is made in two steps: with the table's capabilities first
 * (pt_nic_caps_of_vdev), with the device's own after pt_ports_start. */

/* pt_ports_start starts EAL: 0, or -errno with err set. */
int pt_ports_start(const struct pt_ports_cfg *cfg, struct pt_port_error *err);

/* pt_port_find gives DPDK's number of a device of cfg, 0 or -errno with err set. */
int pt_port_find(const char *device, uint16_t *ret_port_id, struct pt_port_error *err);

struct pt_port;

/* pt_port_apply makes the pools that it needs, configures the device, its queues, its hash and its
 * rules, and starts it in promiscuous mode. Errors name the step, the device's answer, and what to
 * do. device: as the operator wrote it. */
int pt_port_apply(uint16_t port_id, const char *device, const struct pt_nic_request *req,
                  const struct pt_nic_plan *plan, unsigned port_idx, struct pt_port **ret_port,
                  struct pt_port_error *err);

/* One packet: a frame whose bytes stay until buf is freed. frame.packet counts the port's packets
 * of this queue from 1. A frame in several buffers is made contiguous in memory of the queue: it
 * then stays only until the next burst of the queue but one. */
struct pt_rx {
    struct pt_frame frame;
    void *buf; /* an mbuf */
};

/* pt_port_burst takes up to PT_NIC_BURST packets of a queue; time is set by the port's clock. */
unsigned pt_port_burst(struct pt_port *p, unsigned queue, struct pt_rx *rx, unsigned rx_max);
void pt_port_free(void *const *buf, unsigned cnt);

struct pt_port_counters {
    uint64_t packets;  /* delivered to us by the device */
    uint64_t bytes;    /* of these */
    uint64_t missed;   /* came while no descriptor was free (imissed) */
    uint64_t no_buffer; /* no mbuf was free */
    uint64_t errors;   /* bad frames, dropped by the device */
};

/* pt_port_counters asks the device: what it had already counted when the port was applied is taken
 * off. 0 or -errno. */
int pt_port_counters(const struct pt_port *p, struct pt_port_counters *ret);

/* pt_port_backlog: packets that wait in a queue, or -1 if the device cannot tell. */
int pt_port_backlog(const struct pt_port *p, unsigned queue);

/* pt_ports_run starts fn(arg) on worker thread idx [0, threads of the plan): workers first, then
 * shards; pt_ports_join waits for all of them. */
int pt_ports_run(unsigned idx, int (*fn)(void *), void *arg);
void pt_ports_join(void);

void pt_port_close(struct pt_port *p);
void pt_ports_stop(void);

#endif
