/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_NIC_CAPS_H
#define PT_HW_NIC_CAPS_H
/*
 * What a network device can do, as far as the plan (hw/nic_plan.h) asks. Filled either by
 * hw/nic_probe.c from a device that is there, or taken from the tables here: for a plan without the
 * device, and for tests. A table row says whether it was read from a running device or only from
 * its driver's source (DPDK 22.11.11).
 *
 * DPDK's device information does not tell everything: whether the hash key can be set, whether all
 * queues must be polled, what flow rules can do, how few descriptors a driver really takes. These
 * are properties of the driver, so that nic_probe takes them from the row of the same driver.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/host.h"

/* What the hash that spreads packets over queues can be taken over. */
enum pt_nic_hash {
    PT_NIC_HASH_IPV4 = 1,     /* addresses only */
    PT_NIC_HASH_IPV4_TCP = 2, /* addresses and ports */
    PT_NIC_HASH_IPV6 = 4,
    PT_NIC_HASH_IPV6_TCP = 8,
};

enum pt_nic_offload {
    PT_NIC_OFFLOAD_TIMESTAMP = 1, /* the device's own clock, in ticks */
    PT_NIC_OFFLOAD_SCATTER = 2,   /* a frame may fill several buffers */
    PT_NIC_OFFLOAD_VLAN = 4,      /* can strip tags; never used, tags stay in the data */
};

/* "Keep only the brokers' ports" needs all four. */
enum pt_nic_flow {
    PT_NIC_FLOW_TCP_PORT = 1, /* a rule can match a TCP port, whatever the addresses */
    PT_NIC_FLOW_DROP = 2,
    PT_NIC_FLOW_REST = 4,   /* a rule of lower priority can take all that did not match */
    PT_NIC_FLOW_SPREAD = 8, /* what matches can still be spread over queues by its hash */
};

enum pt_nic_trait {
    PT_NIC_KEY_SETTABLE = 1,
    PT_NIC_KEY_MAY_FAIL = 2,       /* the driver passes the key on, some devices refuse it */
    PT_NIC_SYMMETRIC_FUNCTION = 4, /* the device can sort source and destination before hashing */
    PT_NIC_ALL_QUEUES = 8,         /* each queue has traffic of its own: none may stay unpolled */
    PT_NIC_LOSS_UNCOUNTED = 16,    /* its counter of lost packets stays 0 */
    PT_NIC_CAPTURE_CLOCK = 32,     /* stamps packets with the capture's time, microseconds */
    PT_NIC_OUTER_TAG_LOST = 64,    /* the outer VLAN tag does not reach us */
    PT_NIC_VIRTUAL = 128,          /* made by a vdev string, not a PCI device */
};

enum pt_nic_evidence {
    PT_NIC_FROM_SOURCE, /* what the driver's source states; not measured */
    PT_NIC_FROM_DEVICE, /* read from a running device */
};

#define PT_NIC_DRIVER_MAX 32

struct pt_nic_caps {
    char driver[PT_NIC_DRIVER_MAX]; /* DPDK's name of the driver */
    uint16_t queue_max;             /* receive queues */
    uint16_t rss_queue_max;         /* queues that the hash can reach; 0: no hash */
    uint16_t desc_min;              /* descriptors of a queue */
    uint16_t desc_max;
    uint16_t desc_align;
    uint16_t reta_cnt;   /* entries of the indirection table; 0: not told */
    uint8_t key_sz;      /* hash key, bytes; 0: not told */
    uint8_t hash_fields; /* enum pt_nic_hash */
    uint8_t offloads;    /* enum pt_nic_offload */
    uint8_t flow;        /* enum pt_nic_flow */
    uint8_t traits;      /* enum pt_nic_trait */
    uint8_t evidence;    /* enum pt_nic_evidence */
    uint32_t frame_max;  /* longest frame with its checksum, bytes */
    uint16_t mtu_max;
    int16_t numa_node;   /* PT_HOST_ANY_NODE: none */
    uint32_t speed_mbps; /* of the fastest link; 0: not told */
};

/* All rows, drivers with several forms (virtio with and without RSS) several times. */
size_t pt_nic_caps_cnt(void);
const struct pt_nic_caps *pt_nic_caps_row(size_t idx);

/* pt_nic_caps_find returns the first row of a driver, or NULL. */
const struct pt_nic_caps *pt_nic_caps_find(const char *driver);

/* pt_nic_caps_of_vdev returns the driver of a vdev string ("net_pcap0,rx_pcap=a.pcap" is net_pcap)
 * as a row, or NULL: a PCI address, or a driver without a row. */
const struct pt_nic_caps *pt_nic_caps_of_vdev(const char *vdev);

#endif
