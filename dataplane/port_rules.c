/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The device's own filter: it keeps the brokers' ports, spread over the queues by the hash, and
 * drops the rest. All rules or none: half a set would drop what should be seen.
 */
#include "dataplane/port_pvt.h"

#include <errno.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

static struct rte_flow *create(uint16_t port_id, const struct pt_nic_rule *rule,
                               const struct rte_flow_action *action, struct rte_flow_error *error)
{
    const struct rte_flow_attr attr = { .ingress = 1, .priority = rule->priority };
    struct rte_flow_item_tcp tcp = { 0 };
    struct rte_flow_item_tcp mask = { 0 };
    const struct rte_flow_item broker[] = {
        { .type = RTE_FLOW_ITEM_TYPE_ETH },
        { .type = rule->ip_version == 6 ? RTE_FLOW_ITEM_TYPE_IPV6 : RTE_FLOW_ITEM_TYPE_IPV4 },
        { .type = RTE_FLOW_ITEM_TYPE_TCP, .spec = &tcp, .mask = &mask },
        { .type = RTE_FLOW_ITEM_TYPE_END },
    };
    const struct rte_flow_item rest[] = {
        { .type = RTE_FLOW_ITEM_TYPE_ETH },
        { .type = RTE_FLOW_ITEM_TYPE_END },
    };

    if (rule->source) {
        tcp.hdr.src_port = rte_cpu_to_be_16(rule->tcp_port);
        mask.hdr.src_port = UINT16_MAX;
    } else {
        tcp.hdr.dst_port = rte_cpu_to_be_16(rule->tcp_port);
        mask.hdr.dst_port = UINT16_MAX;
    }
    return rte_flow_create(port_id, &attr, rule->drop_rest ? rest : broker, action, error);
}

static struct rte_flow *add(const struct pt_port *p, const struct pt_nic_port_plan *plan,
                            const struct pt_nic_rule *rule, struct rte_flow_error *error)
{
    uint16_t queue[PT_NIC_QUEUES_MAX];
    uint8_t key[PT_TOEPLITZ_KEY_MAX];
    const struct rte_flow_action_queue first = { .index = 0 };
    struct rte_flow_action_rss rss = {
        .types = pt_port_hash_types(plan->hash_fields),
        .queue_num = plan->queue_cnt,
        .queue = queue,
    };
    struct rte_flow_action action[] = {
        { .type = RTE_FLOW_ACTION_TYPE_DROP },
        { .type = RTE_FLOW_ACTION_TYPE_END },
    };

    for (uint16_t q = 0; q < plan->queue_cnt; q++)
        queue[q] = q;
    if (plan->meet == PT_NIC_MEET_FUNCTION)
        rss.func = RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ;
    if (p->state.meet == PT_NIC_MEET_KEY) {
        memcpy(key, plan->key, sizeof(key));
        rss.key = key;
        rss.key_len = plan->key_sz;
    }
    if (!rule->drop_rest && plan->queue_cnt > 1)
        action[0] = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss };
    else if (!rule->drop_rest)
        action[0] = (struct rte_flow_action){ .type = RTE_FLOW_ACTION_TYPE_QUEUE, .conf = &first };
    return create(p->port_id, rule, action, error);
}

int pt_port_rules_apply(struct pt_port *p, const struct pt_nic_port_plan *plan,
                        struct pt_port_error *err)
{
    struct rte_flow_error error = { 0 };

    for (unsigned i = 0; i < plan->rule_cnt; i++) {
        if (add(p, plan, &plan->rule[i], &error))
            continue;
        pt_port_refuse(err, rte_errno ? -rte_errno : -EIO,
                       "%s: rule %u of %u to keep only the brokers' ports: %s%s: leave "
                       "keep_only_brokers out, everything is let in then",
                       p->device, i + 1, plan->rule_cnt,
                       error.message ? error.message : rte_strerror(rte_errno), pt_port_log_last());
        rte_flow_flush(p->port_id, &error);
        return rte_errno ? -rte_errno : -EIO;
    }
    return 0;
}
