/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/nic_caps.h"

#include <string.h>

#define HASH_TCP (PT_NIC_HASH_IPV4_TCP | PT_NIC_HASH_IPV6_TCP)
#define HASH_ALL (PT_NIC_HASH_IPV4 | PT_NIC_HASH_IPV6 | HASH_TCP)
#define FLOW_ALL (PT_NIC_FLOW_TCP_PORT | PT_NIC_FLOW_DROP | PT_NIC_FLOW_REST | PT_NIC_FLOW_SPREAD)

/*
 * Virtual devices: rte_eth_dev_info_get of DPDK 22.11.11 on Linux 6.18, one queue unless said
 * otherwise. Their descriptor limits are ethdev's defaults; most have no descriptors at all. The
 * length limits of net_af_packet and net_memif are constants of their drivers, and really depend on
 * framesz= and bsize=.
 *
 * Network cards: their drivers' sources in DPDK 22.11.11 (drivers/net/...), not measured. Where a
 * driver asks the device, the row has the value of a common card, and says so.
 */
static const struct pt_nic_caps rows[] = {
    /* One queue for each rx_pcap= or iface=; fills the timestamp without offering the offload. */
    { .driver = "net_pcap",
      .queue_max = 1,
      .desc_max = 65535,
      .desc_align = 1,
      .frame_max = UINT32_MAX,
      .mtu_max = 65535,
      .numa_node = PT_HOST_ANY_NODE,
      .traits = PT_NIC_VIRTUAL | PT_NIC_ALL_QUEUES | PT_NIC_CAPTURE_CLOCK,
      .evidence = PT_NIC_FROM_DEVICE },
    /* The kernel spreads over qpairs= sockets by a symmetric hash, but with FANOUT_FLAG_ROLLOVER
     * (rte_eth_af_packet.c): a full socket's packets go to another one. */
    { .driver = "net_af_packet",
      .queue_max = 2,
      .desc_max = 65535,
      .desc_align = 1,
      .offloads = PT_NIC_OFFLOAD_VLAN,
      .frame_max = 1518,
      .mtu_max = 65535,
      .traits = PT_NIC_VIRTUAL | PT_NIC_ALL_QUEUES | PT_NIC_LOSS_UNCOUNTED,
      .evidence = PT_NIC_FROM_DEVICE },
    /* States no least number of descriptors, but fills the kernel's ring with 2048 buffers whatever
     * is asked for (rte_eth_af_xdp.c, xsk_configure). */
    { .driver = "net_af_xdp",
      .queue_max = 1,
      .desc_min = 2048,
      .desc_max = 65535,
      .desc_align = 1,
      .frame_max = 3560,
      .mtu_max = 3542,
      .traits = PT_NIC_VIRTUAL | PT_NIC_ALL_QUEUES | PT_NIC_OUTER_TAG_LOST,
      .evidence = PT_NIC_FROM_DEVICE },
    /* States hash fields and a table of 128 entries, but hashes nothing. */
    { .driver = "net_null",
      .queue_max = 1024,
      .desc_max = 65535,
      .desc_align = 1,
      .reta_cnt = 128,
      .hash_fields = HASH_ALL,
      .frame_max = UINT32_MAX,
      .mtu_max = 65535,
      .traits = PT_NIC_VIRTUAL,
      .evidence = PT_NIC_FROM_DEVICE },
    /* Whoever writes into the rings decides which one a packet goes to. */
    { .driver = "net_ring",
      .queue_max = 16,
      .desc_max = 65535,
      .desc_align = 1,
      .offloads = PT_NIC_OFFLOAD_SCATTER,
      .frame_max = UINT32_MAX,
      .mtu_max = 65535,
      .traits = PT_NIC_VIRTUAL | PT_NIC_ALL_QUEUES,
      .evidence = PT_NIC_FROM_DEVICE },
    /* States hash fields and a 40-byte key; refuses to change the key (rte_eth_tap.c,
     * tap_rss_hash_update). Flow rules need the kernel's multiq qdisc, which was not there. */
    { .driver = "net_tap",
      .queue_max = 16,
      .desc_max = 65535,
      .desc_align = 1,
      .key_sz = 40,
      .hash_fields = HASH_ALL,
      .offloads = PT_NIC_OFFLOAD_SCATTER,
      .frame_max = 1522,
      .mtu_max = 65535,
      .speed_mbps = 10000,
      .traits = PT_NIC_VIRTUAL,
      .evidence = PT_NIC_FROM_DEVICE },
    /* The peer fills the queues as it likes. */
    { .driver = "net_memif",
      .queue_max = 255,
      .desc_max = 65535,
      .desc_align = 1,
      .frame_max = 1518,
      .mtu_max = 65535,
      .numa_node = PT_HOST_ANY_NODE,
      .traits = PT_NIC_VIRTUAL,
      .evidence = PT_NIC_FROM_DEVICE },

    /*
     * mlx5/mlx5_ethdev.c, mlx5_dev_infos_get: hash fields IP, TCP, UDP (mlx5_defs.h); queues,
     * table, descriptors and MTU are asked of the device: here a ConnectX-5 of 100 Gbit/s.
     * common/mlx5/mlx5_prm.h: key of 40 bytes; mlx5_rss.c takes it. mlx5_rxq.c: timestamp, scatter.
     * mlx5_flow_dv.c: TCP ports, drop, priorities, RSS in a rule.
     */
    { .driver = "mlx5_pci",
      .queue_max = 1024,
      .rss_queue_max = 512,
      .desc_min = 1,
      .desc_max = 32768,
      .desc_align = 1,
      .reta_cnt = 512,
      .key_sz = 40,
      .hash_fields = HASH_ALL,
      .offloads = PT_NIC_OFFLOAD_TIMESTAMP | PT_NIC_OFFLOAD_SCATTER | PT_NIC_OFFLOAD_VLAN,
      .flow = FLOW_ALL,
      .traits = PT_NIC_KEY_SETTABLE,
      .frame_max = 10000,
      .mtu_max = 9978,
      .speed_mbps = 100000 },
    /*
     * ice/ice_ethdev.c, ice_dev_info_get; ice_ethdev.h: at most 256 queues of one traffic class,
     * frames of 9728, ICE_RSS_OFFLOAD_ALL; ice_rxtx.h: 64 to 4096 descriptors in steps of 32; table
     * of 512 unless the device has less; key of 13 * 4 = 52 bytes. ice_hash.c: symmetric Toeplitz
     * by a flow rule. ice_switch_filter.c: TCP ports, drop, queue groups, priorities. Without its
     * DDP package (safe mode) it has none of RSS, timestamps and rules. E810 of 100 Gbit/s.
     */
    { .driver = "net_ice",
      .queue_max = 256,
      .rss_queue_max = 256,
      .desc_min = 64,
      .desc_max = 4096,
      .desc_align = 32,
      .reta_cnt = 512,
      .key_sz = 52,
      .hash_fields = HASH_ALL,
      .offloads = PT_NIC_OFFLOAD_TIMESTAMP | PT_NIC_OFFLOAD_SCATTER | PT_NIC_OFFLOAD_VLAN,
      .flow = FLOW_ALL,
      .traits = PT_NIC_KEY_SETTABLE | PT_NIC_SYMMETRIC_FUNCTION,
      .frame_max = 9728,
      .mtu_max = 9702,
      .speed_mbps = 100000 },
    /*
     * i40e/i40e_ethdev.c, i40e_dev_info_get; config/rte_config.h: 64 queues of the physical
     * function; i40e_rxtx.h: 64 to 4096 descriptors in steps of 32; base/i40e_register.h: key of
     * 13 * 4 bytes; i40e_ethdev.h: I40E_RSS_OFFLOAD_ALL has no hash over addresses of TCP.
     * i40e_hash.c: symmetric Toeplitz by a flow rule. i40e_flow.c: TCP ports and drop, but no
     * priorities: "the rest" cannot be named. i40e_ethdev.c reports no timestamp offload. XL710.
     */
    { .driver = "net_i40e",
      .queue_max = 64,
      .rss_queue_max = 64,
      .desc_min = 64,
      .desc_max = 4096,
      .desc_align = 32,
      .reta_cnt = 512,
      .key_sz = 52,
      .hash_fields = HASH_TCP,
      .offloads = PT_NIC_OFFLOAD_SCATTER | PT_NIC_OFFLOAD_VLAN,
      .flow = PT_NIC_FLOW_TCP_PORT | PT_NIC_FLOW_DROP,
      .traits = PT_NIC_KEY_SETTABLE | PT_NIC_SYMMETRIC_FUNCTION,
      .frame_max = 9728,
      .mtu_max = 9702,
      .speed_mbps = 40000 },
    /*
     * ixgbe/ixgbe_ethdev.c, ixgbe_dev_info_get; base/ixgbe_82599.c: 128 queues, but an entry of the
     * 82599's table has four bits (Intel 82599 datasheet, RETA), so the hash reaches 16.
     * ixgbe_ethdev.h: key of 10 * 4 bytes; ixgbe_rxtx.h: 64 to 4096 descriptors in steps of 8.
     * ixgbe_flow.c: an n-tuple rule takes TCP ports to one queue, nothing names the rest.
     */
    { .driver = "net_ixgbe",
      .queue_max = 128,
      .rss_queue_max = 16,
      .desc_min = 64,
      .desc_max = 4096,
      .desc_align = 8,
      .reta_cnt = 128,
      .key_sz = 40,
      .hash_fields = HASH_ALL,
      .offloads = PT_NIC_OFFLOAD_SCATTER | PT_NIC_OFFLOAD_VLAN,
      .flow = PT_NIC_FLOW_TCP_PORT | PT_NIC_FLOW_DROP,
      .traits = PT_NIC_KEY_SETTABLE,
      .frame_max = 15872,
      .mtu_max = 15854,
      .speed_mbps = 10000 },
    /*
     * ena/ena_ethdev.c, ena_infos_get; ena_ethdev.h: table of 128, TCP and UDP hashes only;
     * base/ena_com.h: key of 40 bytes. ena_rss.c passes the key on, a device may not support it.
     * No flow rules in the driver. Queues, descriptors and MTU are asked of the device: here 8,
     * 1024 (ENA_DEFAULT_RING_SIZE) and 9216. The link's speed is the instance's, not the device's.
     */
    { .driver = "net_ena",
      .queue_max = 8,
      .rss_queue_max = 8,
      .desc_min = 128,
      .desc_max = 1024,
      .desc_align = 1,
      .reta_cnt = 128,
      .key_sz = 40,
      .hash_fields = HASH_TCP,
      .offloads = PT_NIC_OFFLOAD_SCATTER,
      .traits = PT_NIC_KEY_SETTABLE | PT_NIC_KEY_MAY_FAIL,
      .frame_max = 9234,
      .mtu_max = 9216 },
    /*
     * virtio/virtio_ethdev.c, virtio_dev_info_get; virtqueue.h: table of 128, key of 40 bytes;
     * virtio_ethdev.h: at most 128 queues, frames of 9728; descriptors 32 to 32768 (split rings).
     * Queues are the hypervisor's choice: here 8. With VIRTIO_NET_F_RSS, and without, where the
     * host spreads as it likes. No flow rules.
     */
    { .driver = "net_virtio",
      .queue_max = 8,
      .rss_queue_max = 8,
      .desc_min = 32,
      .desc_max = 32768,
      .desc_align = 1,
      .reta_cnt = 128,
      .key_sz = 40,
      .hash_fields = HASH_ALL,
      .offloads = PT_NIC_OFFLOAD_SCATTER | PT_NIC_OFFLOAD_VLAN,
      .traits = PT_NIC_KEY_SETTABLE,
      .frame_max = 9728,
      .mtu_max = 9698 },
    { .driver = "net_virtio",
      .queue_max = 8,
      .desc_min = 32,
      .desc_max = 32768,
      .desc_align = 1,
      .offloads = PT_NIC_OFFLOAD_SCATTER | PT_NIC_OFFLOAD_VLAN,
      .frame_max = 9728,
      .mtu_max = 9698 },
};

size_t pt_nic_caps_cnt(void)
{
    return sizeof(rows) / sizeof(rows[0]);
}

const struct pt_nic_caps *pt_nic_caps_row(size_t idx)
{
    return idx < pt_nic_caps_cnt() ? &rows[idx] : NULL;
}

const struct pt_nic_caps *pt_nic_caps_find(const char *driver)
{
    for (size_t i = 0; i < pt_nic_caps_cnt(); i++) {
        if (!strcmp(rows[i].driver, driver))
            return &rows[i];
    }
    return NULL;
}

const struct pt_nic_caps *pt_nic_caps_of_vdev(const char *vdev)
{
    char driver[PT_NIC_DRIVER_MAX];
    size_t len = strcspn(vdev, ",");

    while (len && vdev[len - 1] >= '0' && vdev[len - 1] <= '9')
        len--;
    if (len >= sizeof(driver))
        return NULL;
    memcpy(driver, vdev, len);
    driver[len] = 0;
    return pt_nic_caps_find(driver);
}
