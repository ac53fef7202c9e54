/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_HOST_H
#define PT_HW_HOST_H
/*
 * What this host offers to a live capture: cores, NUMA nodes, free huge pages, IOMMU and VFIO, and
 * to which kernel driver a network card is bound. Read once at start from /sys, without DPDK, so
 * that trouble is named, with the command that mends it, before EAL fails with a code.
 *
 * All functions take the root of the file system: "" for this host, a folder in tests.
 */
#include <stdbool.h>
#include <stdint.h>

#define PT_HOST_CORES_MAX 512
#define PT_HOST_NODES_MAX 8
#define PT_HOST_PROBLEMS_MAX 48 /* three for each of 16 ports */
#define PT_HOST_ANY_NODE (-1)

struct pt_host_core {
    uint16_t id;       /* the kernel's number */
    int16_t node;      /* NUMA node; PT_HOST_ANY_NODE if the kernel does not tell */
    uint16_t physical; /* hyper-threads of one core have the same number here: the lowest id */
    bool isolated;     /* the kernel's scheduler leaves it alone (isolcpus=) */
};

struct pt_host {
    struct pt_host_core core[PT_HOST_CORES_MAX]; /* online, by rising id */
    unsigned core_cnt;
    unsigned core_cut_cnt; /* cores beyond PT_HOST_CORES_MAX, not used */
    uint64_t huge_page_sz; /* of the size with most free bytes; 2 MiB if there are none */
    uint64_t huge_free_sz[PT_HOST_NODES_MAX];
    bool iommu;
    bool vfio; /* the vfio-pci driver is there */
};

struct pt_host_problem {
    char text[240];
    char command[240]; /* what mends it */
};

struct pt_host_problems {
    struct pt_host_problem item[PT_HOST_PROBLEMS_MAX];
    unsigned cnt; /* what does not fit is left out */
};

/* pt_host_read: 0, or -errno if even the list of cores cannot be read. What else cannot be read
 * counts as not there. */
int pt_host_read(const char *root, struct pt_host *ret_host);

/* pt_host_core_find returns a core, or NULL: it does not exist or is offline. */
const struct pt_host_core *pt_host_core_find(const struct pt_host *host, unsigned id);

/* pt_host_check_pci adds why DPDK could not use the card at a PCI address ("0000:81:00.0" or
 * "81:00.0"): no such device, or bound to a driver of the kernel. Cards whose driver shares them
 * with the kernel (mlx4, mlx5) stay as they are. */
void pt_host_check_pci(const char *root, const struct pt_host *host, const char *address,
                       struct pt_host_problems *problems);

/* pt_host_is_pci tells a PCI address from a vdev string or an interface's name. */
bool pt_host_is_pci(const char *name);

#endif
