/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/nic_plan_pvt.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void pt_nic_note(struct pt_nic_plan *plan, enum pt_nic_note_kind kind, int port, const char *fmt,
                 ...)
{
    struct pt_nic_note *note;
    va_list ap;

    if (plan->note_cnt == PT_NIC_NOTES_MAX) {
        plan->note_cut_cnt++;
        return;
    }
    note = &plan->note[plan->note_cnt++];
    note->kind = (uint8_t)kind;
    note->port = (int8_t)port;
    va_start(ap, fmt);
    vsnprintf(note->text, sizeof(note->text), fmt, ap);
    va_end(ap);
}

int pt_nic_refuse(struct pt_nic_error *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -EINVAL;
}

void pt_nic_request_init(struct pt_nic_request *req)
{
    memset(req, 0, sizeof(*req));
    req->worker_cnt = 1;
    req->mtu = 1500;
    req->host.huge_page_sz = 2u << 20;
    req->mix = pt_rate_only(PT_RATE_NONE);
}

static int check(const struct pt_nic_request *req, struct pt_nic_error *err)
{
    unsigned percent = 0;

    if (!req->port_cnt)
        return pt_nic_refuse(err, "no port to capture from: name one with --source or --target");
    if (req->port_cnt > PT_NIC_PORTS_MAX)
        return pt_nic_refuse(err, "%u ports, at most %u: run a second paritapd for the rest",
                             req->port_cnt, PT_NIC_PORTS_MAX);
    if (!req->worker_cnt || req->worker_cnt > PT_NIC_WORKERS_MAX)
        return pt_nic_refuse(err, "%u workers: give 1 to %u", req->worker_cnt, PT_NIC_WORKERS_MAX);
    if (req->shard_cnt > PT_NIC_SHARDS_MAX)
        return pt_nic_refuse(err, "%u shards: give 0 to %u", req->shard_cnt, PT_NIC_SHARDS_MAX);
    if (!req->host.core_cnt || req->host.core_cnt > PT_HOST_CORES_MAX)
        return pt_nic_refuse(err, "%u cores on this host: 1 to %u are supported",
                             req->host.core_cnt, PT_HOST_CORES_MAX);
    if (req->broker_port_cnt > PT_NIC_BROKER_PORTS_MAX)
        return pt_nic_refuse(err, "%u broker ports for flow rules, at most %u: leave the rules out",
                             req->broker_port_cnt, PT_NIC_BROKER_PORTS_MAX);
    if (req->mtu < 576 || req->mtu > 16000)
        return pt_nic_refuse(err, "an MTU of %u: give that of the mirrored network, 576 to 16000",
                             req->mtu);
    for (unsigned i = 0; i < PT_RATE_CODEC_CNT; i++)
        percent += req->mix.percent[i];
    if (percent != 100)
        return pt_nic_refuse(err, "the shares of the codecs add up to %u %%, not to 100", percent);
    return 0;
}

static void plan_clocks(const struct pt_nic_request *req, struct pt_nic_plan *plan)
{
    bool differ = false;

    for (unsigned p = 0; p < req->port_cnt; p++) {
        const struct pt_nic_caps *caps = &req->port[p].caps;

        if (caps->offloads & PT_NIC_OFFLOAD_TIMESTAMP)
            plan->port[p].clock = PT_NIC_CLOCK_DEVICE;
        else if (caps->traits & PT_NIC_CAPTURE_CLOCK)
            plan->port[p].clock = PT_NIC_CLOCK_CAPTURE;
        else
            pt_nic_note(plan, PT_NIC_NOTE_CLOCK, (int)p,
                        "no clock in the device: packets get the time at which their burst was "
                        "taken, so latencies are as coarse as the polling");
        differ |= p && plan->port[p].clock != plan->port[0].clock;
    }
    if (differ)
        pt_nic_note(plan, PT_NIC_NOTE_CLOCK, -1,
                    "the ports' timestamps come from different clocks: latencies between ports "
                    "carry the clocks' difference");
}

static void plan_rates(const struct pt_nic_request *req, struct pt_nic_plan *plan)
{
    uint64_t carried_mbps;
    bool handed_over = false;
    bool known = true;

    for (unsigned p = 0; p < req->port_cnt; p++) {
        handed_over |= plan->port[p].meet == PT_NIC_MEET_SOFTWARE;
        known &= req->port[p].caps.speed_mbps != 0;
        plan->offered_mbps += req->port[p].caps.speed_mbps;
    }
    if (!known)
        plan->offered_mbps = 0;
    for (unsigned i = 0; i < PT_RATE_CODEC_CNT; i++) {
        struct pt_rate_mix mix = pt_rate_only((enum pt_rate_codec)i);

        plan->codec_mbps[i] = pt_rate_mbps(&mix, handed_over);
    }
    plan->mix_mbps = pt_rate_mbps(&req->mix, handed_over);
    carried_mbps = (uint64_t)plan->mix_mbps * plan->worker_cnt;
    if (plan->offered_mbps > carried_mbps)
        pt_nic_note(
                plan, PT_NIC_NOTE_CAPACITY, -1,
                "the ports can deliver %.1f Gbit/s, %u workers carry at most about %.1f of this "
                "mix: above that whole partitions are shed and reported as unseen; about %u "
                "workers would do",
                (double)plan->offered_mbps / 1000, plan->worker_cnt, (double)carried_mbps / 1000,
                (unsigned)((plan->offered_mbps + plan->mix_mbps - 1) / plan->mix_mbps));
}

/* What the driver itself is known for. */
static void note_drivers(const struct pt_nic_request *req, struct pt_nic_plan *plan)
{
    for (unsigned p = 0; p < req->port_cnt; p++) {
        const struct pt_nic_caps *caps = &req->port[p].caps;

        if (caps->evidence == PT_NIC_FROM_SOURCE)
            pt_nic_note(plan, PT_NIC_NOTE_NOT_MEASURED, (int)p,
                        "what %s can do is taken from its driver's source, not from the device",
                        caps->driver);
        if (caps->traits & PT_NIC_LOSS_UNCOUNTED)
            pt_nic_note(plan, PT_NIC_NOTE_LOSS_UNCOUNTED, (int)p,
                        "%s does not count what it loses: give it a large ring (framecnt=65536) "
                        "and compare with `ip -s link`",
                        caps->driver);
        if (caps->traits & PT_NIC_OUTER_TAG_LOST)
            pt_nic_note(plan, PT_NIC_NOTE_TAG_LOST, (int)p,
                        "%s does not deliver the outer VLAN tag", caps->driver);
    }
}

int pt_nic_plan_make(const struct pt_nic_request *req, struct pt_nic_plan *plan,
                     struct pt_nic_error *err)
{
    int ret;

    memset(plan, 0, sizeof(*plan));
    ret = check(req, err);
    if (ret)
        goto out;
    plan->port_cnt = req->port_cnt;
    plan->worker_cnt = req->worker_cnt;
    plan->shard_cnt = req->shard_cnt;
    ret = pt_nic_plan_cores(req, plan, err);
    if (ret)
        goto out;
    ret = pt_nic_plan_queues(req, plan, err);
    if (ret)
        goto out;
    pt_nic_plan_rules(req, plan);
    ret = pt_nic_plan_buffers(req, plan, err);
    if (ret)
        goto out;
    plan_clocks(req, plan);
    pt_nic_plan_core_notes(req, plan);
    note_drivers(req, plan);
    plan_rates(req, plan);
out:
    return ret;
}

const char *pt_nic_meet_name(enum pt_nic_meet meet)
{
    static const char *const name[] = {
        [PT_NIC_MEET_ONE_WORKER] = "one worker takes everything",
        [PT_NIC_MEET_ONE_QUEUE] = "one queue, and no other port sees its connections",
        [PT_NIC_MEET_KEY] = "symmetric hash key",
        [PT_NIC_MEET_FUNCTION] = "symmetric hash function of the device",
        [PT_NIC_MEET_SOFTWARE] = "handed over in software",
    };

    return name[meet];
}

const char *pt_nic_clock_name(enum pt_nic_clock clock)
{
    static const char *const name[] = {
        [PT_NIC_CLOCK_SOFTWARE] = "read when a burst is taken",
        [PT_NIC_CLOCK_DEVICE] = "device clock",
        [PT_NIC_CLOCK_CAPTURE] = "time of the capture",
    };

    return name[clock];
}
