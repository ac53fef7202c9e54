/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/plan_text.h"

#include <string.h>

#include "tools/text_out.h"
#include "tools/values.h"

#define LABEL 4u  /* column of "queues" and the like */
#define VALUE 20u /* and of what they are */

static const char *plural(uint64_t cnt)
{
    return cnt == 1 ? "" : "s";
}

/* "100 Gbit/s", "22.9 Gbit/s", "870 Mbit/s". */
static const char *rate(uint64_t mbps, char buf[PT_TEXT_MAX])
{
    if (mbps < 1000)
        snprintf(buf, PT_TEXT_MAX, "%u Mbit/s", (unsigned)mbps);
    else if (mbps % 1000)
        snprintf(buf, PT_TEXT_MAX, "%.1f Gbit/s", (double)mbps / 1000);
    else
        snprintf(buf, PT_TEXT_MAX, "%u Gbit/s", (unsigned)(mbps / 1000));
    return buf;
}

static uint64_t in_mib(uint64_t sz)
{
    return (sz + (1u << 20) - 1) >> 20;
}

static void begin(struct pt_text *t, const char *label)
{
    pt_text_pad(t, LABEL);
    pt_text_put(t, "%s", label);
    pt_text_pad(t, VALUE);
    pt_text_wrap(t, VALUE);
}

static const char *fields_name(unsigned with_ports, unsigned without)
{
    return with_ports ? "addresses and TCP ports" : without ? "addresses" : "not hashed";
}

static void put_hash(struct pt_text *t, const struct pt_nic_port_plan *port)
{
    unsigned f = port->hash_fields;

    begin(t, "hash");
    if (port->key_sz)
        pt_text_item(t, "key %02x%02x repeated to %u bytes;", port->key[0], port->key[1],
                     port->key_sz);
    pt_text_item(t, "IPv4: %s;", fields_name(f & PT_NIC_HASH_IPV4_TCP, f & PT_NIC_HASH_IPV4));
    pt_text_item(t, "IPv6: %s;", fields_name(f & PT_NIC_HASH_IPV6_TCP, f & PT_NIC_HASH_IPV6));
    if (port->reta_cnt)
        pt_text_item(t, "table of %u", port->reta_cnt);
    else
        pt_text_item(t, "table of the device");
    pt_text_end(t);
}

static void put_rules(struct pt_text *t, const struct pt_nic_request *req,
                      const struct pt_nic_port_plan *port)
{
    begin(t, "lets in");
    if (!port->rule_cnt) {
        pt_text_item(t, "everything");
        pt_text_end(t);
        return;
    }
    pt_text_item(t, "only TCP port%s", plural(req->broker_port_cnt));
    for (unsigned i = 0; i < req->broker_port_cnt; i++)
        pt_text_listed(t, "%u", req->broker_port[i]);
    pt_text_item(t, "(%u flow rules)", port->rule_cnt);
    pt_text_end(t);
}

static void put_port(struct pt_text *t, const struct pt_nic_request *req,
                     const struct pt_nic_plan *plan, unsigned p)
{
    const struct pt_nic_port_request *ask = &req->port[p];
    const struct pt_nic_port_plan *port = &plan->port[p];
    char safe[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];

    pt_text_pad(t, 2);
    pt_text_styled(t, PT_STYLE_BOLD, "%s", pt_text_safe(t, ask->name, safe));
    pt_text_wrap(t, LABEL);
    pt_text_listed(t, "(%s", ask->caps.driver);
    if (ask->caps.speed_mbps)
        pt_text_listed(t, "%s", rate(ask->caps.speed_mbps, buf));
    if (ask->caps.numa_node >= 0)
        pt_text_listed(t, "NUMA node %d", ask->caps.numa_node);
    if (ask->link)
        pt_text_listed(t, "link %u", ask->link);
    pt_text_put(t, ")");
    pt_text_end(t);

    begin(t, "both ways meet");
    pt_text_words(t, pt_nic_meet_name((enum pt_nic_meet)port->meet));
    pt_text_end(t);
    if (port->meet == PT_NIC_MEET_KEY || port->meet == PT_NIC_MEET_FUNCTION)
        put_hash(t, port);

    begin(t, "queues");
    pt_text_item(t, "%u of %u with %u descriptors%s:", port->queue_cnt, ask->caps.queue_max,
                 port->desc_cnt, port->queue_cnt > 1 ? " each" : "");
    for (unsigned q = 0; q < port->queue_cnt; q++)
        pt_text_listed(t, "%u on core %u", q, plan->worker[port->worker[q]].core);
    pt_text_end(t);

    begin(t, "frames");
    pt_text_item(t, "up to %u bytes, MTU %u%s", port->frame_sz, port->mtu,
                 port->scatter ? ", in several buffers" : "");
    pt_text_end(t);
    put_rules(t, req, port);
    begin(t, "timestamps");
    pt_text_words(t, pt_nic_clock_name((enum pt_nic_clock)port->clock));
    pt_text_end(t);
}

static void put_thread(struct pt_text *t, const char *kind, unsigned idx,
                       const struct pt_nic_thread_plan *thread)
{
    pt_text_put(t, "  core %-4u", thread->core);
    if (thread->node >= 0)
        pt_text_put(t, " node %-3d", thread->node);
    pt_text_put(t, " %s %u", kind, idx);
    if (thread->queue_cnt)
        pt_text_put(t, ", polls %u queue%s", thread->queue_cnt, plural(thread->queue_cnt));
    pt_text_end(t);
}

static void put_buffers(struct pt_text *t, const struct pt_nic_request *req,
                        const struct pt_nic_plan *plan)
{
    pt_text_heading(t, "Packet buffers");
    for (unsigned i = 0; i < plan->pool_cnt; i++) {
        const struct pt_nic_pool_plan *pool = &plan->pool[i];

        pt_text_put(t,
                    "  node %u: %u buffers of %u bytes (%u for a frame), at least %u needed: "
                    "%llu MiB",
                    pool->node, pool->buffer_cnt, pool->buffer_sz, pool->data_sz, pool->needed_cnt,
                    (unsigned long long)in_mib(pool->total_sz));
        pt_text_end(t);
    }
    pt_text_put(t, "  %llu MiB in all, %s huge pages", (unsigned long long)in_mib(plan->memory_sz),
                req->huge ? "in" : "without");
    pt_text_end(t);
}

static void put_rates(struct pt_text *t, const struct pt_nic_plan *plan)
{
    char buf[PT_TEXT_MAX];

    pt_text_heading(t, "What a worker carries, at most");
    for (unsigned i = 0; i < PT_RATE_CODEC_CNT; i++) {
        pt_text_put(t, "  %-12s %12s", pt_rates[i].name, rate(plan->codec_mbps[i], buf));
        pt_text_end(t);
    }
    pt_text_put(t, "  %-12s %12s", "your mix", rate(plan->mix_mbps, buf));
    pt_text_end(t);
    pt_text_put(t, "  %-12s %12s", "all workers",
                rate((uint64_t)plan->mix_mbps * plan->worker_cnt, buf));
    if (plan->offered_mbps)
        pt_text_put(t, " of %s that the ports can deliver", rate(plan->offered_mbps, buf));
    pt_text_end(t);
    pt_text_wrap(t, 2);
    pt_text_words(t,
                  "An estimate: the sum of pieces measured one by one on another machine (2.5 GHz "
                  "virtual Xeon), without TCP and frames. Compressed batches that were seen "
                  "before cost no decompression.");
    pt_text_end(t);
}

/* The ports that a text is about: those of all notes that say the same. */
static void put_note_ports(struct pt_text *t, const struct pt_nic_request *req,
                           const struct pt_nic_plan *plan, const char *note)
{
    char safe[PT_SAFE_MAX];
    bool any = false;

    for (unsigned i = 0; i < plan->note_cnt; i++) {
        if (plan->note[i].port < 0 || strcmp(plan->note[i].text, note))
            continue;
        pt_text_listed(t, "%s", pt_text_safe(t, req->port[plan->note[i].port].name, safe));
        any = true;
    }
    if (any)
        pt_text_put(t, ":");
}

static bool said_before(const struct pt_nic_plan *plan, unsigned idx)
{
    for (unsigned i = 0; i < idx; i++) {
        if (!strcmp(plan->note[i].text, plan->note[idx].text))
            return true;
    }
    return false;
}

static void put_notes(struct pt_text *t, const struct pt_nic_request *req,
                      const struct pt_nic_plan *plan)
{
    if (!plan->note_cnt)
        return;
    pt_text_heading(t, "Warnings");
    for (unsigned i = 0; i < plan->note_cnt; i++) {
        if (said_before(plan, i))
            continue;
        pt_text_styled(t, PT_STYLE_WARN, "  ! ");
        pt_text_wrap(t, 4);
        put_note_ports(t, req, plan, plan->note[i].text);
        pt_text_words(t, plan->note[i].text);
        pt_text_end(t);
    }
    if (plan->note_cut_cnt) {
        pt_text_put(t, "    and %u more", plan->note_cut_cnt);
        pt_text_end(t);
    }
}

static void put_problems(struct pt_text *t, const struct pt_host_problems *problems)
{
    char safe[PT_SAFE_MAX];

    if (!problems || !problems->cnt)
        return;
    pt_text_heading(t, "To be mended on this host first");
    for (unsigned i = 0; i < problems->cnt; i++) {
        pt_text_styled(t, PT_STYLE_BAD, "  x ");
        pt_text_wrap(t, 4);
        pt_text_words(t, pt_text_safe(t, problems->item[i].text, safe));
        pt_text_item(t, "%s", pt_text_arrow(t));
        pt_text_words(t, pt_text_safe(t, problems->item[i].command, safe));
        pt_text_end(t);
    }
}

void pt_plan_text(const struct pt_nic_request *req, const struct pt_nic_plan *plan,
                  const struct pt_host_problems *problems, const struct pt_plan_text_cfg *cfg,
                  FILE *f)
{
    struct pt_text t;

    pt_text_init(&t, f, cfg->colour);
    pt_text_styled(&t, PT_STYLE_BOLD, "Capture plan: ");
    pt_text_put(&t, "%u port%s, %u worker%s, %u shard%s%s", plan->port_cnt, plural(plan->port_cnt),
                plan->worker_cnt, plural(plan->worker_cnt), plan->shard_cnt,
                plural(plan->shard_cnt), plan->shard_cnt ? "" : " (in the workers' loops)");
    pt_text_end(&t);
    pt_text_heading(&t, "Ports (receive only)");
    for (unsigned p = 0; p < plan->port_cnt; p++)
        put_port(&t, req, plan, p);
    pt_text_heading(&t, "Cores");
    for (unsigned w = 0; w < plan->worker_cnt; w++)
        put_thread(&t, "worker", w, &plan->worker[w]);
    for (unsigned s = 0; s < plan->shard_cnt; s++)
        put_thread(&t, "shard", s, &plan->shard[s]);
    put_buffers(&t, req, plan);
    put_rates(&t, plan);
    put_notes(&t, req, plan);
    put_problems(&t, problems);
}
