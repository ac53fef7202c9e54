/* SPDX-License-Identifier: Apache-2.0 */
/* A live run's settings, and the plan that follows from them: without DPDK. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "dataplane/live_pvt.h"

void pt_live_cfg_init(struct pt_live_cfg *cfg)
{
    *cfg = (struct pt_live_cfg){
        .worker_cnt = 1,
        .share_cores = true,
        .huge = true,
        .mtu = 1500,
        .overload = true,
    };
}

int pt_live_refuse(struct pt_port_error *err, int rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return rc;
}

static int add_device(struct pt_nic_request *req, const char *device, struct pt_port_error *err)
{
    /* Of a card nothing is known before DPDK has found it: as little as possible is asked of it. */
    static const struct pt_nic_caps any = {
        .driver = "?",
        .queue_max = 1,
        .desc_min = 1,
        .desc_max = 4096,
        .desc_align = 1,
        .frame_max = 16384,
        .mtu_max = 16000,
        .numa_node = PT_HOST_ANY_NODE,
    };
    const struct pt_nic_caps *caps = pt_nic_caps_of_vdev(device);
    struct pt_nic_port_request *port = &req->port[req->port_cnt];

    if (req->port_cnt == PT_NIC_PORTS_MAX)
        return pt_live_refuse(err, -EINVAL,
                              "more than %u ports: run a second paritapd for the rest",
                              PT_NIC_PORTS_MAX);
    if (strlen(device) >= sizeof(port->name))
        return pt_live_refuse(err, -EINVAL,
                              "port \"%.60s...\": its name is longer than %zu characters", device,
                              sizeof(port->name) - 1);
    snprintf(port->name, sizeof(port->name), "%s", device);
    port->caps = caps ? *caps : any;
    req->port_cnt++;
    return 0;
}

static int ask(const struct pt_live_cfg *cfg, struct pt_nic_request *req, struct pt_port_error *err)
{
    int rc = 0;

    pt_nic_request_init(req);
    for (int role = 0; role < 3; role++)
        for (unsigned i = 0; !rc && i < cfg->device_cnt[role]; i++)
            rc = add_device(req, cfg->device[role][i], err);
    if (rc)
        return rc;
    rc = pt_host_read("", &req->host);
    if (rc)
        return pt_live_refuse(err, rc,
                              "the list of this host's cores (/sys/devices/system/cpu) cannot be "
                              "read: %s",
                              strerror(-rc));
    for (unsigned i = 0; i < req->port_cnt; i++) {
        req->port[i].queue_cnt = cfg->queue_cnt;
        req->port[i].desc_cnt = cfg->desc_cnt;
    }
    if (cfg->core_cnt > sizeof(req->use_core) / sizeof(req->use_core[0]))
        return pt_live_refuse(err, -EINVAL, "%u cores are named, more than there can be threads",
                              cfg->core_cnt);
    if (cfg->core_cnt)
        memcpy(req->use_core, cfg->core, cfg->core_cnt * sizeof(req->use_core[0]));
    req->use_core_cnt = cfg->core_cnt;
    req->worker_cnt = cfg->worker_cnt;
    req->shard_cnt = cfg->shard_cnt || cfg->worker_cnt > 1 ? 1 : 0;
    req->share_cores = cfg->share_cores;
    req->mtu = cfg->mtu;
    req->encapsulated = cfg->encapsulated;
    req->tagged = cfg->tagged;
    req->keep_only_brokers = cfg->keep_only_brokers;
    memcpy(req->broker_port, cfg->broker_port, sizeof(req->broker_port));
    req->broker_port_cnt = cfg->broker_port_cnt;
    req->huge = cfg->huge;
    return 0;
}

int pt_live_plan_make(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                      struct pt_port_error *err)
{
    struct pt_nic_error why;
    int rc = pt_nic_plan_make(req, plan, &why);

    return rc ? pt_live_refuse(err, rc, "%s", why.text) : 0;
}

int pt_live_plan(const struct pt_live_cfg *cfg, struct pt_nic_request *ret_req,
                 struct pt_nic_plan *ret_plan, struct pt_port_error *err)
{
    int rc = ask(cfg, ret_req, err);

    return rc ? rc : pt_live_plan_make(ret_req, ret_plan, err);
}
