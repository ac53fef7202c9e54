/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/host.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CPU "/sys/devices/system/cpu/"
#define NODE "/sys/devices/system/node/"
#define PCI "/sys/bus/pci/devices/"
#define LINE_MAX_SZ 4096

/* read_line reads the first line of root + path, without its end. */
static int read_line(const char *root, const char *path, char line[LINE_MAX_SZ])
{
    char full[PATH_MAX];
    FILE *f;
    int ret = 0;

    snprintf(full, sizeof(full), "%s%s", root, path);
    f = fopen(full, "re");
    if (!f)
        return -errno;
    if (fgets(line, LINE_MAX_SZ, f))
        line[strcspn(line, "\n")] = 0;
    else
        ret = -ENODATA;
    fclose(f);
    return ret;
}

static bool exists(const char *root, const char *path)
{
    char full[PATH_MAX];

    snprintf(full, sizeof(full), "%s%s", root, path);
    return !access(full, F_OK);
}

/* next_range takes one range off a list like "0-3,8,10-11". */
static bool next_range(const char **at, unsigned *ret_first, unsigned *ret_last)
{
    char *end;

    if (**at == ',')
        (*at)++;
    if (**at < '0' || **at > '9')
        return false;
    *ret_first = *ret_last = (unsigned)strtoul(*at, &end, 10);
    if (*end == '-')
        *ret_last = (unsigned)strtoul(end + 1, &end, 10);
    *at = end;
    return true;
}

static bool in_list(const char *list, unsigned id)
{
    unsigned first;
    unsigned last;

    while (next_range(&list, &first, &last)) {
        if (id >= first && id <= last)
            return true;
    }
    return false;
}

static void add_cores(struct pt_host *host, const char *online)
{
    unsigned first;
    unsigned last;

    while (next_range(&online, &first, &last)) {
        for (unsigned id = first; id <= last && id <= UINT16_MAX; id++) {
            if (host->core_cnt == PT_HOST_CORES_MAX) {
                host->core_cut_cnt++;
                continue;
            }
            host->core[host->core_cnt++] = (struct pt_host_core){ .id = (uint16_t)id,
                                                                  .node = PT_HOST_ANY_NODE,
                                                                  .physical = (uint16_t)id };
        }
    }
}

static void describe_cores(const char *root, struct pt_host *host)
{
    char line[LINE_MAX_SZ];
    char path[128];

    for (unsigned i = 0; i < host->core_cnt; i++) {
        const char *at = line;
        unsigned first;
        unsigned last;

        snprintf(path, sizeof(path), CPU "cpu%u/topology/thread_siblings_list", host->core[i].id);
        if (!read_line(root, path, line) && next_range(&at, &first, &last))
            host->core[i].physical = (uint16_t)first;
    }
    if (!read_line(root, CPU "isolated", line)) {
        for (unsigned i = 0; i < host->core_cnt; i++)
            host->core[i].isolated = in_list(line, host->core[i].id);
    }
    for (int node = 0; node < PT_HOST_NODES_MAX; node++) {
        snprintf(path, sizeof(path), NODE "node%d/cpulist", node);
        if (read_line(root, path, line))
            continue;
        for (unsigned i = 0; i < host->core_cnt; i++) {
            if (in_list(line, host->core[i].id))
                host->core[i].node = (int16_t)node;
        }
    }
}

/* huge_free reads the free bytes of one page size on all nodes, and returns their sum. */
static uint64_t huge_free(const char *root, uint64_t page_sz, uint64_t free_sz[PT_HOST_NODES_MAX])
{
    char line[LINE_MAX_SZ];
    char path[160];
    uint64_t sum = 0;

    for (int node = 0; node < PT_HOST_NODES_MAX; node++) {
        snprintf(path, sizeof(path), NODE "node%d/hugepages/hugepages-%llukB/free_hugepages", node,
                 (unsigned long long)(page_sz >> 10));
        free_sz[node] = 0;
        if (!read_line(root, path, line))
            free_sz[node] = strtoull(line, NULL, 10) * page_sz;
        sum += free_sz[node];
    }
    return sum;
}

static bool folder_has_entries(const char *root, const char *path)
{
    char full[PATH_MAX];
    unsigned cnt = 0;
    DIR *dir;

    snprintf(full, sizeof(full), "%s%s", root, path);
    dir = opendir(full);
    if (!dir)
        return false;
    while (cnt < 3 && readdir(dir))
        cnt++; /* "." and ".." are two */
    closedir(dir);
    return cnt == 3;
}

int pt_host_read(const char *root, struct pt_host *ret_host)
{
    static const uint64_t page_szs[] = { 2u << 20, 1u << 30 };
    struct pt_host host = { .huge_page_sz = page_szs[0] };
    char line[LINE_MAX_SZ];
    uint64_t most = 0;
    int ret = read_line(root, CPU "online", line);

    if (ret)
        return ret;
    add_cores(&host, line);
    if (!host.core_cnt)
        return -ENODATA;
    describe_cores(root, &host);
    for (unsigned i = 0; i < sizeof(page_szs) / sizeof(page_szs[0]); i++) {
        uint64_t free_sz[PT_HOST_NODES_MAX];
        uint64_t sum = huge_free(root, page_szs[i], free_sz);

        if (sum > most) {
            most = sum;
            host.huge_page_sz = page_szs[i];
            memcpy(host.huge_free_sz, free_sz, sizeof(free_sz));
        }
    }
    host.iommu = folder_has_entries(root, "/sys/kernel/iommu_groups");
    host.vfio = exists(root, "/sys/bus/pci/drivers/vfio-pci");
    *ret_host = host;
    return 0;
}

const struct pt_host_core *pt_host_core_find(const struct pt_host *host, unsigned id)
{
    for (unsigned i = 0; i < host->core_cnt; i++) {
        if (host->core[i].id == id)
            return &host->core[i];
    }
    return NULL;
}

__attribute__((format(printf, 3, 4))) static void
add_problem(struct pt_host_problems *problems, const char *text, const char *command, ...)
{
    struct pt_host_problem *problem;
    va_list ap;

    if (problems->cnt == PT_HOST_PROBLEMS_MAX)
        return;
    problem = &problems->item[problems->cnt++];
    snprintf(problem->text, sizeof(problem->text), "%s", text);
    va_start(ap, command);
    vsnprintf(problem->command, sizeof(problem->command), command, ap);
    va_end(ap);
}

bool pt_host_is_pci(const char *name)
{
    unsigned domain;
    unsigned bus;
    unsigned device;
    unsigned function;
    int end = 0;

    if (sscanf(name, "%4x:%2x:%2x.%1x%n", &domain, &bus, &device, &function, &end) == 4 && end &&
        !name[end])
        return true;
    end = 0;
    return sscanf(name, "%2x:%2x.%1x%n", &bus, &device, &function, &end) == 3 && end && !name[end];
}

/* The kernel's driver of a device: the last part of where its link points; "" for none. */
static void bound_driver(const char *root, const char *device, char *driver, size_t driver_sz)
{
    char path[PATH_MAX];
    char target[PATH_MAX];
    const char *last;
    ssize_t len;

    driver[0] = 0;
    snprintf(path, sizeof(path), "%s%s/driver", root, device);
    len = readlink(path, target, sizeof(target) - 1);
    if (len <= 0)
        return;
    target[len] = 0;
    last = strrchr(target, '/');
    snprintf(driver, driver_sz, "%.63s", last ? last + 1 : target);
}

void pt_host_check_pci(const char *root, const struct pt_host *host, const char *address,
                       struct pt_host_problems *problems)
{
    static const char *const ready[] = { "vfio-pci", "uio_pci_generic", "igb_uio", "mlx5_core",
                                         "mlx4_core" };
    const char *domain = strchr(address, ':') == strrchr(address, ':') ? "0000:" : "";
    char device[128];
    char driver[64];
    char text[240];

    snprintf(device, sizeof(device), PCI "%s%.40s", domain, address);
    if (!exists(root, device)) {
        snprintf(text, sizeof(text), "there is no PCI device %s%.40s", domain, address);
        add_problem(problems, text, "lspci -D | grep -i ethernet");
        return;
    }
    bound_driver(root, device, driver, sizeof(driver));
    for (unsigned i = 0; i < sizeof(ready) / sizeof(ready[0]); i++) {
        if (!strcmp(driver, ready[i]))
            return;
    }
    snprintf(text, sizeof(text), "%s%.40s is bound to %s, where DPDK cannot use it", domain,
             address, *driver ? driver : "no driver");
    add_problem(problems, text,
                "dpdk-devbind.py --bind=vfio-pci %s%.40s (its interface must be down)", domain,
                address);
    if (!host->vfio)
        add_problem(problems, "the vfio-pci driver is not loaded", "modprobe vfio-pci");
    if (!host->iommu)
        add_problem(problems, "there is no IOMMU, which vfio-pci asks for",
                    "add intel_iommu=on iommu=pt (AMD: iommu=pt) to the kernel's command line and "
                    "reboot; in a guest without one: echo 1 > "
                    "/sys/module/vfio/parameters/enable_unsafe_noiommu_mode");
}
