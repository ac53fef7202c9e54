/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_PORT_UTIL_H
#define PT_TESTS_PORT_UTIL_H
/*
 * A program that captures, as small as it can be: devices, a plan for them, EAL, ports. EAL starts
 * once in a process, so a test file starts it once or forks.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <cmocka.h>

#include "dataplane/port.h"
#include "hw/nic_probe.h"

#define ROWS(a) (sizeof(a) / sizeof((a)[0]))

struct rig {
    const char *device[PT_NIC_PORTS_MAX];
    unsigned device_cnt;
    unsigned worker_cnt; /* set before rig_plan */
    uint16_t desc_cnt;
    bool huge;
    uint64_t pool_sz;
    int main_core;      /* -1: the first */
    const char *arg[8]; /* EAL's */
    unsigned arg_cnt;
    struct pt_nic_request req;
    struct pt_nic_plan plan;
    struct pt_port *port[PT_NIC_PORTS_MAX];
};

static inline const char *capture_path(const char *name, char *path, size_t path_sz)
{
    const char *folder = getenv("PT_CAPTURES");

    snprintf(path, path_sz, "%s/%s", folder ? folder : "tests/captures", name);
    return path;
}

/* unpack writes a gzip file's contents to a new file that anybody may read. */
static inline void unpack(const char *name, char *path, size_t path_sz)
{
    char packed[512];
    char data[65536];
    gzFile in = gzopen(capture_path(name, packed, sizeof(packed)), "rb");
    int fd;
    int len;

    snprintf(path, path_sz, "/tmp/paritap-test-XXXXXX");
    fd = mkstemp(path);
    if (!in || fd < 0 || fchmod(fd, 0644))
        abort();
    while ((len = gzread(in, data, sizeof(data))) > 0) {
        if (write(fd, data, (size_t)len) != len)
            abort();
    }
    gzclose(in);
    close(fd);
}

static inline void rig_plan(struct rig *r)
{
    struct pt_nic_error err = { "" };

    for (unsigned i = 0; i < r->device_cnt; i++) {
        snprintf(r->req.port[i].name, sizeof(r->req.port[i].name), "%s", r->device[i]);
        r->req.port[i].link = (uint16_t)i;
        r->req.port[i].desc_cnt = r->desc_cnt;
    }
    if (pt_nic_plan_make(&r->req, &r->plan, &err)) {
        fprintf(stderr, "%s\n", err.text);
        abort();
    }
}

static inline void rig_init(struct rig *r)
{
    pt_nic_request_init(&r->req);
    if (pt_host_read("", &r->req.host))
        abort();
    r->req.port_cnt = r->device_cnt;
    r->req.worker_cnt = r->worker_cnt ? r->worker_cnt : 1;
    r->req.share_cores = true;
    for (unsigned i = 0; i < r->device_cnt; i++) {
        const struct pt_nic_caps *caps = pt_nic_caps_of_vdev(r->device[i]);

        r->req.port[i].caps = caps ? *caps : *pt_nic_caps_find("net_null");
    }
    rig_plan(r);
}

static inline int rig_start(struct rig *r, struct pt_port_error *err)
{
    const struct pt_ports_cfg cfg = {
        .program = "paritap-test",
        .plan = &r->plan,
        .main_core = r->main_core < 0 ? r->req.host.core[0].id : (uint16_t)r->main_core,
        .huge = r->huge,
        .device = r->device,
        .device_cnt = r->device_cnt,
        .eal_arg = r->arg,
        .eal_arg_cnt = r->arg_cnt,
        .pool_sz = r->pool_sz,
    };

    return pt_ports_start(&cfg, err);
}

/* The plan is made again with what the devices say of themselves. */
static inline int rig_probe(struct rig *r, uint16_t *port_id, struct pt_port_error *err)
{
    for (unsigned i = 0; i < r->device_cnt; i++) {
        int ret = pt_port_find(r->device[i], &port_id[i], err);

        if (!ret)
            ret = pt_nic_probe(port_id[i], &r->req.port[i].caps);
        if (ret)
            return ret;
    }
    rig_plan(r);
    return 0;
}

static inline int rig_apply(struct rig *r, struct pt_port_error *err)
{
    uint16_t port_id[PT_NIC_PORTS_MAX];
    int ret = rig_probe(r, port_id, err);

    for (unsigned i = 0; !ret && i < r->device_cnt; i++)
        ret = pt_port_apply(port_id[i], r->device[i], &r->req, &r->plan, i, &r->port[i], err);
    return ret;
}

/* What a file's port delivers against what capture.h reads: "" or the first difference. Runs on a
 * worker, where cmocka's checks must not be used. */
struct compare {
    struct pt_port *port;
    struct pt_capture *cap;
    uint64_t packet_cnt;
    uint64_t long_cnt;
    void **kept; /* buffers that are not given back, NULL: all are */
    unsigned kept_cnt;
    unsigned kept_max;
    bool waited; /* stopped as the port had no more buffers */
    char differs[160];
};

static inline bool compare_frame(struct compare *c, const struct pt_frame *f)
{
    struct pt_frame want;

    if (pt_capture_next(c->cap, &want) != 1) {
        snprintf(c->differs, sizeof(c->differs), "a packet behind the last");
    } else if (f->packet != want.packet || f->link_type != want.link_type) {
        snprintf(c->differs, sizeof(c->differs), "packet %llu: number %llu, link type %u",
                 (unsigned long long)want.packet, (unsigned long long)f->packet, f->link_type);
    } else if (f->cap_len != want.cap_len || memcmp(f->data, want.data, want.cap_len)) {
        snprintf(c->differs, sizeof(c->differs), "packet %llu: its bytes",
                 (unsigned long long)want.packet);
    } else if (f->time_ns != want.time_ns / 1000 * 1000) {
        snprintf(c->differs, sizeof(c->differs), "packet %llu: its time %lld is not %lld",
                 (unsigned long long)want.packet, (long long)f->time_ns, (long long)want.time_ns);
    } else if (f->wire_len != f->cap_len) {
        snprintf(c->differs, sizeof(c->differs), "packet %llu: on the wire %u",
                 (unsigned long long)want.packet, f->wire_len);
    } else {
        c->packet_cnt++;
        c->long_cnt += f->cap_len > 2048;
        return true;
    }
    return false;
}

static inline int compare_run(void *arg)
{
    struct compare *c = arg;
    struct pt_rx rx[PT_NIC_BURST];
    struct pt_frame want;

    c->waited = false;
    while (!pt_port_ended(c->port, 0)) {
        unsigned cnt = pt_port_burst(c->port, 0, rx, PT_NIC_BURST);

        for (unsigned i = 0; i < cnt; i++) {
            if (!compare_frame(c, &rx[i].frame))
                return 1;
            if (c->kept && c->kept_cnt < c->kept_max)
                c->kept[c->kept_cnt++] = rx[i].buf;
            else
                pt_port_free(&rx[i].buf, 1);
        }
        if (!cnt && !pt_port_ended(c->port, 0)) {
            c->waited = true;
            return 0;
        }
    }
    if (pt_capture_next(c->cap, &want) == 1)
        snprintf(c->differs, sizeof(c->differs), "it ends before packet %llu",
                 (unsigned long long)want.packet);
    return 0;
}

#endif
