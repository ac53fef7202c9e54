/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be said of devices before EAL starts. EAL and its drivers answer trouble with a code, or
 * go on without the device; the same questions asked here get answers for a person. No DPDK.
 */
#include "dataplane/port_pvt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* One key=value of a vdev string. */
struct argument {
    char key[32];
    char value[PATH_MAX];
};

/* The next argument behind the comma at *at; false: there is none. */
static bool next_argument(const char **at, struct argument *arg)
{
    const char *key = *at + 1;
    const char *value;
    size_t key_len;
    size_t len;

    if (**at != ',')
        return false;
    len = strcspn(key, ",");
    key_len = strcspn(key, "=,");
    value = key_len < len ? key + key_len + 1 : key + len;
    snprintf(arg->key, sizeof(arg->key), "%.*s", (int)key_len, key);
    snprintf(arg->value, sizeof(arg->value), "%.*s", (int)(key + len - value), value);
    *at = key + len;
    return true;
}

bool pt_port_is_pci(const char *device)
{
    char name[PT_NIC_NAME_MAX];

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(device, ","), device);
    return pt_host_is_pci(name);
}

static bool is_driver(const char *device, const char *driver)
{
    const struct pt_nic_caps *caps = pt_nic_caps_of_vdev(device);

    return caps && !strcmp(caps->driver, driver);
}

bool pt_port_is_file(const char *device)
{
    const char *at = device + strcspn(device, ",");
    bool file = false;
    bool repeated = false;
    struct argument arg;

    if (!is_driver(device, "net_pcap"))
        return false;
    while (next_argument(&at, &arg)) {
        file |= !strcmp(arg.key, "rx_pcap");
        repeated |= !strcmp(arg.key, "infinite_rx") && strcmp(arg.value, "0") != 0;
    }
    return file && !repeated;
}

uint32_t pt_port_join_sz(const char *device, const struct pt_nic_port_plan *plan)
{
    /* It passes on what the kernel or a file has, however long. */
    if (is_driver(device, "net_pcap"))
        return PT_PORT_JOIN_MAX;
    if (!plan->scatter && !is_driver(device, "net_ring") && !is_driver(device, "net_memif"))
        return 0;
    return plan->frame_sz < PT_PORT_JOIN_MAX ? plan->frame_sz : PT_PORT_JOIN_MAX;
}

void pt_port_name(const char *device, char *ret_name, size_t name_sz)
{
    const char *colon = strchr(device, ':');
    bool no_domain = pt_port_is_pci(device) && colon[1] && colon[3] != ':';

    snprintf(ret_name, name_sz, "%s%.*s", no_domain ? "0000:" : "", (int)strcspn(device, ","),
             device);
}

/* --- files --- */

/* DPDK reads files with libpcap, which reads no compressed ones. */
static int check_packed(const char *path, struct pt_port_error *err)
{
    static const struct {
        uint8_t magic[4];
        uint8_t magic_len;
        const char *name;
        const char *unpack;
    } packers[] = {
        { { 0x1f, 0x8b }, 2, "gzip", "gunzip -k" },
        { { 0x28, 0xb5, 0x2f, 0xfd }, 4, "zstd", "unzstd" },
        { { 0xfd, 0x37, 0x7a, 0x58 }, 4, "xz", "unxz -k" },
        { { 0x04, 0x22, 0x4d, 0x18 }, 4, "lz4", "unlz4" },
    };
    uint8_t head[4] = { 0 };
    struct stat st;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    ssize_t got;

    if (fd < 0)
        return pt_port_refuse(err, -errno, "%s: cannot be opened: %s%s", path, strerror(errno),
                              errno == ENOENT ? " (a path in a device may hold no comma)" : "");
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
        close(fd);
        return pt_port_refuse(err, -EINVAL,
                              "%s: is no regular file; a port reads files only, `paritap replay` "
                              "also pipes",
                              path);
    }
    got = read(fd, head, sizeof(head));
    close(fd);
    for (size_t i = 0; i < sizeof(packers) / sizeof(packers[0]); i++) {
        if (got == (ssize_t)sizeof(head) && !memcmp(head, packers[i].magic, packers[i].magic_len))
            return pt_port_refuse(err, -EINVAL,
                                  "%s: is compressed with %s, which a port cannot read: unpack it "
                                  "first (`%s %s`), or use `paritap replay`, which reads gzip and "
                                  "zstd as they are",
                                  path, packers[i].name, packers[i].unpack, path);
    }
    return 0;
}

static int check_file(const char *path, struct pt_port_error *err)
{
    char words[PCAP_ERRBUF_SIZE] = "";
    pcap_t *pcap;
    int link;
    int ret = check_packed(path, err);

    if (ret)
        return ret;
    pcap = pcap_open_offline(path, words);
    if (!pcap)
        return pt_port_refuse(err, -EINVAL, "%s: is no capture that libpcap can read: %s", path,
                              words);
    link = pcap_datalink(pcap);
    pcap_close(pcap);
    if (link != DLT_EN10MB) {
        const char *name = pcap_datalink_val_to_name(link);

        return pt_port_refuse(err, -EINVAL,
                              "%s: holds frames of link type %d (%s); a port takes Ethernet only: "
                              "use `paritap replay`, which reads others too",
                              path, link, name ? name : "unknown");
    }
    return 0;
}

/* --- interfaces --- */

static int check_interface(const char *device, const char *name, struct pt_port_error *err)
{
    struct if_nameindex *all;
    char list[200] = "";
    size_t len = 0;

    if (if_nametoindex(name))
        return 0;
    all = if_nameindex();
    for (unsigned i = 0; all && all[i].if_index; i++)
        len += (size_t)snprintf(list + len, len < sizeof(list) ? sizeof(list) - len : 0, "%s%s",
                                i ? ", " : "", all[i].if_name);
    if_freenameindex(all);
    return pt_port_refuse(err, -ENODEV, "%s: no interface %s here; there are: %s", device, name,
                          list);
}

static int check_raw_socket(const char *device, struct pt_port_error *err)
{
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

    if (fd < 0)
        return pt_port_refuse(err, -errno,
                              "%s: capturing from an interface is not allowed (%s): run as root, "
                              "or give the program the right: `setcap cap_net_raw,cap_net_admin+ep "
                              "PROGRAM`",
                              device, strerror(errno));
    close(fd);
    return 0;
}

static bool names_interface(const char *device, const char *key)
{
    if (is_driver(device, "net_pcap"))
        return !strcmp(key, "iface") || !strcmp(key, "rx_iface") || !strcmp(key, "rx_iface_in");
    /* What net_tap calls iface it makes itself. */
    if (is_driver(device, "net_tap"))
        return !strcmp(key, "remote");
    return !strcmp(key, "iface");
}

static int check_arguments(const char *device, struct pt_port_error *err)
{
    const char *at = device + strcspn(device, ",");
    struct argument arg;
    int ret = 0;

    while (!ret && next_argument(&at, &arg)) {
        if (is_driver(device, "net_pcap") && !strcmp(arg.key, "rx_pcap"))
            ret = check_file(arg.value, err);
        if (!ret && is_driver(device, "net_pcap") && !strncmp(arg.key, "tx_", 3))
            ret = pt_port_refuse(err, -EINVAL, "%s: %s= is not taken: a capture sends nothing",
                                 device, arg.key);
        if (names_interface(device, arg.key)) {
            ret = check_interface(device, arg.value, err);
            if (!ret)
                ret = check_raw_socket(device, err);
        }
    }
    return ret;
}

/* --- devices --- */

static int check_known(const char *device, struct pt_port_error *err)
{
    char name[PT_NIC_NAME_MAX];

    pt_port_name(device, name, sizeof(name));
    if (pt_port_is_pci(device))
        return 0;
    if (if_nametoindex(name))
        return pt_port_refuse(err, -EINVAL,
                              "%s: is an interface of the kernel: write net_af_packet0,iface=%s,"
                              "blocksz=1048576,framesz=2048,framecnt=65536 (or net_pcap0,iface=%s),"
                              " or give the card's PCI address",
                              device, name, name);
    if (!pt_nic_caps_of_vdev(device) && strncmp(device, "net_", 4) != 0)
        return pt_port_refuse(err, -EINVAL,
                              "%s: is no device: give a PCI address (0000:81:00.0) or a virtual "
                              "device with its driver's name (net_pcap0,rx_pcap=FILE)",
                              device);
    return 0;
}

int pt_port_check_devices(const struct pt_ports_cfg *cfg, struct pt_port_error *err)
{
    char name[PT_NIC_NAME_MAX];
    char other[PT_NIC_NAME_MAX];

    if (cfg->device_cnt > PT_NIC_PORTS_MAX)
        return pt_port_refuse(err, -EINVAL, "%u devices, at most %u", cfg->device_cnt,
                              PT_NIC_PORTS_MAX);
    for (unsigned i = 0; i < cfg->device_cnt; i++) {
        int ret = check_known(cfg->device[i], err);

        if (!ret)
            ret = check_arguments(cfg->device[i], err);
        if (ret)
            return ret;
        pt_port_name(cfg->device[i], name, sizeof(name));
        for (unsigned j = 0; j < i; j++) {
            pt_port_name(cfg->device[j], other, sizeof(other));
            if (!strcmp(name, other))
                return pt_port_refuse(err, -EINVAL,
                                      "%s: %s is named twice: virtual devices need names of their "
                                      "own (net_pcap0, net_pcap1), a card is one port",
                                      cfg->device[i], name);
        }
    }
    return 0;
}
