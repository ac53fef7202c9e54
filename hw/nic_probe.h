/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_NIC_PROBE_H
#define PT_HW_NIC_PROBE_H
/*
 * The capabilities of a device that DPDK has found. What rte_eth_dev_info does not tell (can the
 * key be set, what can flow rules do, must all queues be polled) comes from the row of the same
 * driver in hw/nic_caps.c; a driver without a row is taken to be able to do none of it, so that the
 * plan stays on the safe side. Only for targets that link DPDK (nic_probe_dep), after rte_eal_init.
 */
#include <stdint.h>

#include "hw/nic_caps.h"

/* pt_nic_probe fills *ret_caps for a port of DPDK. 0, or DPDK's -errno with *ret_caps untouched.
 * The port need not be configured, and is not changed. */
int pt_nic_probe(uint16_t port_id, struct pt_nic_caps *ret_caps);

#endif
