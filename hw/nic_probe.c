/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/nic_probe.h"

#include <rte_ethdev.h>
#include <stdio.h>
#include <string.h>

static uint8_t hash_fields(uint64_t rss)
{
    unsigned fields = 0;

    if (rss & RTE_ETH_RSS_IPV4)
        fields |= PT_NIC_HASH_IPV4;
    if (rss & RTE_ETH_RSS_NONFRAG_IPV4_TCP)
        fields |= PT_NIC_HASH_IPV4_TCP;
    if (rss & RTE_ETH_RSS_IPV6)
        fields |= PT_NIC_HASH_IPV6;
    if (rss & RTE_ETH_RSS_NONFRAG_IPV6_TCP)
        fields |= PT_NIC_HASH_IPV6_TCP;
    return (uint8_t)fields;
}

static uint8_t offloads(uint64_t capa)
{
    unsigned set = 0;

    if (capa & RTE_ETH_RX_OFFLOAD_TIMESTAMP)
        set |= PT_NIC_OFFLOAD_TIMESTAMP;
    if (capa & RTE_ETH_RX_OFFLOAD_SCATTER)
        set |= PT_NIC_OFFLOAD_SCATTER;
    if (capa & RTE_ETH_RX_OFFLOAD_VLAN_STRIP)
        set |= PT_NIC_OFFLOAD_VLAN;
    return (uint8_t)set;
}

/* The fastest of the speeds that the device states; without any, that of its link. A virtual
 * device's link speed is a made-up number. */
static uint32_t speed_mbps(uint16_t port_id, uint32_t capa)
{
    static const struct {
        uint32_t flag;
        uint32_t mbps;
    } speeds[] = {
        { RTE_ETH_LINK_SPEED_200G, 200000 }, { RTE_ETH_LINK_SPEED_100G, 100000 },
        { RTE_ETH_LINK_SPEED_56G, 56000 },   { RTE_ETH_LINK_SPEED_50G, 50000 },
        { RTE_ETH_LINK_SPEED_40G, 40000 },   { RTE_ETH_LINK_SPEED_25G, 25000 },
        { RTE_ETH_LINK_SPEED_20G, 20000 },   { RTE_ETH_LINK_SPEED_10G, 10000 },
        { RTE_ETH_LINK_SPEED_5G, 5000 },     { RTE_ETH_LINK_SPEED_2_5G, 2500 },
        { RTE_ETH_LINK_SPEED_1G, 1000 },     { RTE_ETH_LINK_SPEED_100M, 100 },
        { RTE_ETH_LINK_SPEED_10M, 10 },
    };
    struct rte_eth_link link;

    for (unsigned i = 0; i < sizeof(speeds) / sizeof(speeds[0]); i++) {
        if (capa & speeds[i].flag)
            return speeds[i].mbps;
    }
    if (rte_eth_link_get_nowait(port_id, &link) || link.link_speed == RTE_ETH_SPEED_NUM_UNKNOWN)
        return 0;
    return link.link_speed;
}

/* The row of a driver that is like this device: virtio has one with a hash and one without. */
static const struct pt_nic_caps *row_of(const struct pt_nic_caps *caps)
{
    const struct pt_nic_caps *found = NULL;

    for (size_t i = 0; i < pt_nic_caps_cnt(); i++) {
        const struct pt_nic_caps *row = pt_nic_caps_row(i);

        if (!strcmp(row->driver, caps->driver) &&
            (!found || (row->hash_fields && caps->hash_fields) == (caps->hash_fields != 0)))
            found = row;
    }
    return found;
}

int pt_nic_probe(uint16_t port_id, struct pt_nic_caps *ret_caps)
{
    struct rte_eth_dev_info info;
    struct pt_nic_caps caps = { .evidence = PT_NIC_FROM_DEVICE };
    const struct pt_nic_caps *row;
    int ret = rte_eth_dev_info_get(port_id, &info);

    if (ret)
        return ret;
    snprintf(caps.driver, sizeof(caps.driver), "%s", info.driver_name);
    caps.queue_max = info.max_rx_queues;
    caps.desc_min = info.rx_desc_lim.nb_min;
    caps.desc_max = info.rx_desc_lim.nb_max;
    caps.desc_align = info.rx_desc_lim.nb_align;
    caps.reta_cnt = info.reta_size;
    caps.key_sz = info.hash_key_size;
    caps.hash_fields = hash_fields(info.flow_type_rss_offloads);
    caps.offloads = offloads(info.rx_offload_capa);
    caps.frame_max = info.max_rx_pktlen;
    caps.mtu_max = info.max_mtu;
    caps.numa_node = (int16_t)rte_eth_dev_socket_id(port_id);

    row = row_of(&caps);
    if (row) {
        caps.traits = row->traits;
        caps.flow = row->flow;
        if (caps.desc_min < row->desc_min)
            caps.desc_min = row->desc_min;
        caps.rss_queue_max =
                row->rss_queue_max < caps.queue_max ? row->rss_queue_max : caps.queue_max;
    }
    if (!(caps.traits & PT_NIC_VIRTUAL))
        caps.speed_mbps = speed_mbps(port_id, info.speed_capa);
    *ret_caps = caps;
    return 0;
}
