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
 *   pt_ports_run          main thread: a worker or a shard starts on its core
 *   pt_port_burst         the one worker that polls this queue
 *   pt_port_free          any worker; cheap only where the buffer was allocated
 *   pt_port_counters      housekeeping
 *   pt_ports_join         main thread: waits for workers and shards
 *   pt_port_close         main thread, when no worker polls the port any more
 *   pt_ports_stop         main thread, last: buffers are gone then
 *
 * The plan is made twice, as EAL wants to know its cores at once but devices can only be asked once
 * it runs: with the table's capabilities before (pt_nic_caps_of_vdev), with the device's own
 * (hw/nic_probe.h) between pt_port_find and pt_port_apply. Both plans must have the same threads.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/capture.h"
#include "hw/nic_plan.h"

/* Of EAL, ours and the operator's: two for each of 16 devices, a dozen for memory and cores. */
#define PT_PORT_ARGS_MAX 96
#define PT_PORT_NOTES_MAX 4

struct pt_port_error {
    char text[768]; /* what, where, and what to do: sentences for a person */
};

struct pt_ports_cfg {
    const char *program;
    const struct pt_nic_plan *plan; /* its cores */
    uint16_t main_core;             /* of the thread that calls; it is pinned there */
    bool huge;                      /* false: --no-huge; pools are in 4 KiB pages then */
    const char *const *device; /* PCI addresses, device names and vdev strings, in order of ports */
    unsigned device_cnt;       /* [0, PT_NIC_PORTS_MAX] */
    /* The operator's own, behind ours. With --log-level among them EAL writes its log to stderr as
     * it likes; otherwise it is silent, and what it said of a failure is in our error. */
    const char *const *eal_arg;
    unsigned eal_arg_cnt;
    uint64_t pool_sz; /* memory that pools need, for --no-huge; 0: what the plan says */
};

/* pt_port_is_file tells a device that is a file read to its end: no packet is lost if it waits, its
 * clock is that of the capture, and pt_port_ended says when it is over. A capture that is repeated
 * for ever (infinite_rx=1) is none of it. */
bool pt_port_is_file(const char *device);

/* pt_ports_start checks what can be checked without EAL (cores, files, interfaces, huge pages,
 * names given twice), then starts it: 0, or -errno with err set. A call after a failure of EAL
 * itself fails too. */
int pt_ports_start(const struct pt_ports_cfg *cfg, struct pt_port_error *err);

/* pt_port_find gives DPDK's number of a device of cfg, 0 or -ENODEV with err set. */
int pt_port_find(const char *device, uint16_t *ret_port_id, struct pt_port_error *err);

/* pt_port_list writes the names of the devices that DPDK has found, with commas between, cut where
 * text ends, and returns their number. */
int pt_port_list(char *text, size_t text_sz);

struct pt_port;

/* pt_port_apply makes the pools that it needs, configures the device, its queues, its hash and its
 * rules, and starts it in promiscuous mode. Errors name the step, the device's answer, and what to
 * do. device: as the operator wrote it; port_idx: of req and plan, which are only read here. */
int pt_port_apply(uint16_t port_id, const char *device, const struct pt_nic_request *req,
                  const struct pt_nic_plan *plan, unsigned port_idx, struct pt_port **ret_port,
                  struct pt_port_error *err);

/* What is in force: the plan, unless the device refused a step that a capture can do without. */
struct pt_port_state {
    uint8_t meet;  /* enum pt_nic_meet: PT_NIC_MEET_SOFTWARE where the device refused the key that
                    * the plan already doubted (PT_NIC_NOTE_KEY_MAY_FAIL) */
    uint8_t clock; /* enum pt_nic_clock */
    bool promiscuous;
    uint16_t queue_cnt;
    uint16_t tx_queue_cnt; /* 0, or what the driver insists on; never used */
    uint16_t desc_cnt;
    unsigned note_cnt;
    char note[PT_PORT_NOTES_MAX][256]; /* for each step refused: which, and what follows */
};

const struct pt_port_state *pt_port_state(const struct pt_port *p);

/* One packet: a frame whose bytes stay until buf is freed. Its link type is Ethernet;
 * frame.packet counts the packets of this port and queue from 1. cap_len < wire_len only if it was
 * longer than a port's longest frame (counters.cut); a frame that was already cut in a capture file
 * is told only by its IP header, as DPDK does not pass on its length. */
struct pt_rx {
    struct pt_frame frame;
    void *buf; /* an mbuf */
};

/* pt_port_burst takes up to PT_NIC_BURST packets of a queue; time is set by the port's clock. Only
 * on a thread of pt_ports_run, or the main thread. */
unsigned pt_port_burst(struct pt_port *p, unsigned queue, struct pt_rx *rx, unsigned rx_max);

/* pt_port_ended: a burst found the end of a file port's queue, or a place where the file is broken.
 * A burst of 0 alone does not say so: it may also have waited for free buffers. Asked by the worker
 * that polls the queue. */
bool pt_port_ended(const struct pt_port *p, unsigned queue);

/* pt_port_free gives buffers back, of any ports and queues together. */
void pt_port_free(void *const *buf, unsigned cnt);

struct pt_port_counters {
    uint64_t packets;   /* delivered to us by the device */
    uint64_t bytes;     /* of these */
    uint64_t missed;    /* came while no descriptor was free (imissed) */
    uint64_t no_buffer; /* no mbuf was free */
    uint64_t errors;    /* bad frames, dropped by the device; a file: places where it is broken */
    uint64_t joined;    /* of the packets, frames in several buffers that were made contiguous */
    uint64_t cut;       /* of the packets, frames that were cut to the longest one we take */
};

/* pt_port_counters asks the device: what it had already counted when the port was applied is taken
 * off. 0 or -errno. */
int pt_port_counters(const struct pt_port *p, struct pt_port_counters *ret);

/* pt_port_backlog: packets that wait in a queue, or -1 if the device cannot tell. */
int pt_port_backlog(const struct pt_port *p, unsigned queue);

/* pt_ports_run starts fn(arg) on thread idx [0, threads of the plan): workers first, then shards.
 * 0 or -errno (-EBUSY: it runs already). pt_ports_join waits for all of them. */
int pt_ports_run(unsigned idx, int (*fn)(void *), void *arg);
void pt_ports_join(void);

void pt_port_close(struct pt_port *p);
void pt_ports_stop(void);

#endif
