/* SPDX-License-Identifier: Apache-2.0 */
/*
 * EAL: its arguments, its start, the devices that it found, and its threads. Lcore 0 is the main
 * thread, lcore 1 + idx the thread idx of the plan, whatever cores they run on: several lcores may
 * share a core.
 */
#include "dataplane/port_pvt.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_launch.h>
#include <rte_lcore.h>

#define TEXT_MAX 8192
/* Of EAL and the drivers for themselves: device tables, dynamic fields, rings. */
#define BASE_SZ (64u << 20)
#define DEVICE_SZ (2u << 20)

/* EAL's argument vector; the strings that are made here stand in text. */
struct arguments {
    char *argv[PT_PORT_ARGS_MAX];
    int argc;
    char text[TEXT_MAX];
    size_t used;
    bool full;
};

static void add(struct arguments *args, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct arguments *args, const char *fmt, ...)
{
    char *at = args->text + args->used;
    size_t room = sizeof(args->text) - args->used;
    va_list ap;
    int len;

    va_start(ap, fmt);
    len = vsnprintf(at, room, fmt, ap);
    va_end(ap);
    if (len < 0 || (size_t)len >= room || args->argc == PT_PORT_ARGS_MAX) {
        args->full = true;
        return;
    }
    args->argv[args->argc++] = at;
    args->used += (size_t)len + 1;
}

static unsigned thread_cnt(const struct pt_nic_plan *plan)
{
    return plan->worker_cnt + plan->shard_cnt;
}

static uint16_t core_of(const struct pt_nic_plan *plan, unsigned idx)
{
    return idx < plan->worker_cnt ? plan->worker[idx].core
                                  : plan->shard[idx - plan->worker_cnt].core;
}

static void add_cores(struct arguments *args, const struct pt_ports_cfg *cfg)
{
    char map[16 * (1 + PT_NIC_WORKERS_MAX + PT_NIC_SHARDS_MAX)];
    size_t len = (size_t)snprintf(map, sizeof(map), "0@%u", cfg->main_core);

    for (unsigned i = 0; i < thread_cnt(cfg->plan); i++)
        len += (size_t)snprintf(map + len, sizeof(map) - len, ",%u@%u", i + 1,
                                core_of(cfg->plan, i));
    add(args, "--lcores=%s", map);
}

static bool has_option(const struct pt_ports_cfg *cfg, const char *option)
{
    for (unsigned i = 0; i < cfg->eal_arg_cnt; i++) {
        if (!strncmp(cfg->eal_arg[i], option, strlen(option)))
            return true;
    }
    return false;
}

static int make_arguments(struct arguments *args, const struct pt_ports_cfg *cfg,
                          struct pt_port_error *err)
{
    bool pci = false;

    memset(args, 0, sizeof(*args));
    for (unsigned i = 0; i < cfg->device_cnt; i++)
        pci |= pt_port_is_pci(cfg->device[i]);
    add(args, "%s", cfg->program);
    add_cores(args, cfg);
    if (cfg->huge) {
        add(args, "--in-memory");
    } else {
        add(args, "--no-huge");
        add(args, "--no-shconf");
        add(args, "-m");
        add(args, "%" PRIu64, (pt_port_memory_sz(cfg) >> 20) + 1);
    }
    if (!pci) {
        add(args, "--no-pci");
        add(args, "--iova-mode=va");
    }
    for (unsigned i = 0; i < cfg->device_cnt; i++) {
        if (pt_port_is_pci(cfg->device[i])) {
            add(args, "-a");
            add(args, "%s", cfg->device[i]);
        } else {
            add(args, "--vdev=%s", cfg->device[i]);
        }
    }
    add(args, "--no-telemetry");
    if (!has_option(cfg, "--log-level"))
        add(args, "--log-level=4"); /* errors */
    for (unsigned i = 0; i < cfg->eal_arg_cnt; i++)
        add(args, "%s", cfg->eal_arg[i]);
    if (args->full)
        return pt_port_refuse(err, -E2BIG,
                              "devices and EAL's arguments are more than %d, or longer than %d "
                              "bytes: name fewer",
                              PT_PORT_ARGS_MAX, TEXT_MAX);
    return 0;
}

/* --- checks --- */

uint64_t pt_port_memory_sz(const struct pt_ports_cfg *cfg)
{
    uint64_t sz = cfg->pool_sz ? cfg->pool_sz : cfg->plan->memory_sz;

    for (unsigned i = 0; i < cfg->plan->port_cnt && i < cfg->device_cnt; i++)
        sz += (uint64_t)cfg->plan->port[i].queue_cnt * PT_PORT_JOIN_CNT *
              pt_port_join_sz(cfg->device[i], &cfg->plan->port[i]);
    /* A pool's own rings and page ends. */
    return sz + sz / 16 + BASE_SZ + cfg->device_cnt * DEVICE_SZ;
}

static int check_core(const struct pt_host *host, unsigned core, struct pt_port_error *err)
{
    if (pt_host_core_find(host, core))
        return 0;
    return pt_port_refuse(err, -EINVAL,
                          "core %u does not exist or is offline: this host has %u cores, %u to %u "
                          "(`lscpu -e` lists them)",
                          core, host->core_cnt, host->core[0].id,
                          host->core[host->core_cnt - 1].id);
}

static uint64_t memory_available(void)
{
    char line[128];
    uint64_t kib = UINT64_MAX >> 10;
    FILE *f = fopen("/proc/meminfo", "re");

    while (f && fgets(line, sizeof(line), f)) {
        if (sscanf(line, "MemAvailable: %" SCNu64, &kib) == 1)
            break;
    }
    if (f)
        fclose(f);
    return kib << 10;
}

static int check_memory(const struct pt_ports_cfg *cfg, const struct pt_host *host,
                        struct pt_port_error *err)
{
    uint64_t need = pt_port_memory_sz(cfg);
    uint64_t page_sz = host->huge_page_sz ? host->huge_page_sz : 2u << 20;
    uint64_t page_cnt = (need + page_sz - 1) / page_sz;
    uint64_t free_sz = 0;

    if (!cfg->huge && need > memory_available())
        return pt_port_refuse(err, -ENOMEM,
                              "packet buffers need %" PRIu64 " MiB, this host has %" PRIu64
                              " MiB left: ask for fewer descriptors or queues, or free memory",
                              need >> 20, memory_available() >> 20);
    for (unsigned i = 0; i < PT_HOST_NODES_MAX; i++)
        free_sz += host->huge_free_sz[i];
    if (cfg->huge && page_cnt * page_sz > free_sz)
        return pt_port_refuse(
                err, -ENOMEM,
                "packet buffers need %" PRIu64 " huge pages of %" PRIu64 " KiB, %" PRIu64
                " are free: `echo %" PRIu64 " > /sys/kernel/mm/hugepages/hugepages-%" PRIu64
                "kB/nr_hugepages` (more if others use them too), or run with --no-huge",
                page_cnt, page_sz >> 10, free_sz / page_sz, page_cnt, page_sz >> 10);
    return 0;
}

static int check_host(const struct pt_ports_cfg *cfg, struct pt_port_error *err)
{
    struct pt_host host;
    int ret = pt_host_read("", &host);

    if (ret)
        return pt_port_refuse(err, ret, "the host's cores cannot be read from /sys: %s",
                              strerror(-ret));
    ret = check_core(&host, cfg->main_core, err);
    for (unsigned i = 0; !ret && i < thread_cnt(cfg->plan); i++)
        ret = check_core(&host, core_of(cfg->plan, i), err);
    if (!ret)
        ret = check_memory(cfg, &host, err);
    return ret;
}

/* --- start --- */

static int explain(const struct pt_ports_cfg *cfg, int rc, struct pt_port_error *err)
{
    const char *todo = "see the message, and `--log-level=debug` among EAL's arguments for more";

    if (rc == -EALREADY)
        todo = "EAL was started in this process before, and starts only once: run the program "
               "again";
    else if (rc == -ENODEV)
        todo = "see that each device's name begins with a driver that is linked (net_pcap, "
               "net_af_packet, net_af_xdp, net_null, net_ring, net_tap, net_memif)";
    else if (rc == -EACCES || rc == -EPERM)
        todo = cfg->huge ? "huge pages cannot be used: run as root, or with --no-huge"
                         : "run as root, or leave out devices that need it";
    else if (rc == -ENOMEM)
        todo = cfg->huge ? "reserve more huge pages (nr_hugepages), or run with --no-huge"
                         : "free memory, raise the limit (`ulimit -v`), or ask for fewer "
                           "descriptors";
    else if (cfg->eal_arg_cnt && rc == -EINVAL)
        todo = "check the arguments for EAL behind --";
    return pt_port_refuse(err, rc, "DPDK does not start: %s%s: %s", rte_strerror(-rc),
                          pt_port_log_last(), todo);
}

/* EAL tells its usage and its end on both outputs, whatever its log level: what of it matters is in
 * the error. Puts /dev/null in their place and returns what was there. */
struct outputs {
    int saved[2];
};

static struct outputs silence(void)
{
    struct outputs o = { { dup(STDOUT_FILENO), dup(STDERR_FILENO) } };
    int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        if (null >= 0 && o.saved[i] >= 0)
            dup2(null, STDOUT_FILENO + i);
    }
    if (null >= 0)
        close(null);
    return o;
}

static void speak_again(const struct outputs *o)
{
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        if (o->saved[i] < 0)
            continue;
        dup2(o->saved[i], STDOUT_FILENO + i);
        close(o->saved[i]);
    }
}

/* Started, EAL is ended by pt_ports_stop; one that was not cannot be. */
static bool started;

int pt_ports_start(const struct pt_ports_cfg *cfg, struct pt_port_error *err)
{
    bool quiet =
            !has_option(cfg, "--log-level") && !has_option(cfg, "-h") && !has_option(cfg, "--help");
    struct outputs outputs = { { -1, -1 } };
    struct arguments args;
    int ret = pt_port_check_devices(cfg, err);

    if (!ret)
        ret = check_host(cfg, err);
    if (!ret)
        ret = make_arguments(&args, cfg, err);
    if (ret)
        return ret;
    if (quiet && pt_port_log_open())
        return pt_port_refuse(err, -ENOMEM, "no memory for DPDK's log");
    if (quiet)
        outputs = silence();
    ret = rte_eal_init(args.argc, args.argv);
    speak_again(&outputs);
    started = ret >= 0;
    return started ? 0 : explain(cfg, rte_errno ? -rte_errno : -EINVAL, err);
}

int pt_port_list(char *text, size_t text_sz)
{
    char name[RTE_ETH_NAME_MAX_LEN];
    size_t len = 0;
    int cnt = 0;

    if (text_sz)
        text[0] = 0;
    for (uint16_t port_id = 0; port_id < RTE_MAX_ETHPORTS; port_id++) {
        if (!rte_eth_dev_is_valid_port(port_id) || rte_eth_dev_get_name_by_port(port_id, name))
            continue;
        len += (size_t)snprintf(len < text_sz ? text + len : NULL,
                                len < text_sz ? text_sz - len : 0, "%s%s", cnt ? ", " : "", name);
        cnt++;
    }
    return cnt;
}

int pt_port_find(const char *device, uint16_t *ret_port_id, struct pt_port_error *err)
{
    char name[PT_NIC_NAME_MAX];
    char list[200];

    pt_port_name(device, name, sizeof(name));
    if (!rte_eth_dev_get_port_by_name(name, ret_port_id))
        return 0;
    if (!pt_port_list(list, sizeof(list)))
        snprintf(list, sizeof(list), "none");
    return pt_port_refuse(
            err, -ENODEV, "%s: DPDK has no such device%s; it found: %s. %s", device,
            pt_port_log_last(), list,
            pt_port_is_pci(device)
                    ? "Is the card bound to vfio-pci (`dpdk-devbind.py -s`), and its "
                      "driver linked (-Dnic_drivers)?"
                    : "See that its driver and all its arguments are spelt right, and "
                      "that it may be used (root)");
}

/* --- threads --- */

int pt_ports_run(unsigned idx, int (*fn)(void *), void *arg)
{
    if (!rte_lcore_is_enabled(idx + 1))
        return -EINVAL;
    return rte_eal_remote_launch(fn, arg, idx + 1);
}

void pt_ports_join(void)
{
    rte_eal_mp_wait_lcore();
}

void pt_ports_stop(void)
{
    if (started)
        rte_eal_cleanup();
    started = false;
}
