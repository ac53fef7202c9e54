/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hash that spreads packets over queues: its key and fields, its indirection table, and the
 * symmetric function of devices that have one. Both directions of a connection must reach one
 * worker, so what a device only pretends to take is read back.
 */
#include "dataplane/port_pvt.h"

#include <errno.h>
#include <string.h>

#include <rte_errno.h>
#include <rte_ethdev.h>
#include <rte_flow.h>

#define RETA_MAX 2048u /* entries; the largest table of any driver is 512 */

uint64_t pt_port_hash_types(uint8_t hash_fields)
{
    uint64_t types = 0;

    if (hash_fields & PT_NIC_HASH_IPV4)
        types |= RTE_ETH_RSS_IPV4;
    if (hash_fields & PT_NIC_HASH_IPV4_TCP)
        types |= RTE_ETH_RSS_NONFRAG_IPV4_TCP;
    if (hash_fields & PT_NIC_HASH_IPV6)
        types |= RTE_ETH_RSS_IPV6;
    if (hash_fields & PT_NIC_HASH_IPV6_TCP)
        types |= RTE_ETH_RSS_NONFRAG_IPV6_TCP;
    return types;
}

static bool hashes(const struct pt_nic_port_plan *plan)
{
    return plan->queue_cnt > 1 &&
           (plan->meet == PT_NIC_MEET_KEY || plan->meet == PT_NIC_MEET_FUNCTION);
}

void pt_port_hash_conf(const struct pt_nic_port_plan *plan, uint8_t *key, struct rte_eth_conf *conf)
{
    if (!hashes(plan))
        return;
    conf->rxmode.mq_mode = RTE_ETH_MQ_RX_RSS;
    conf->rx_adv_conf.rss_conf.rss_hf = pt_port_hash_types(plan->hash_fields);
    if (key && plan->key_sz) {
        conf->rx_adv_conf.rss_conf.rss_key = key;
        conf->rx_adv_conf.rss_conf.rss_key_len = plan->key_sz;
    }
}

void pt_port_hash_refused(struct pt_port *p, const char *why)
{
    p->state.meet = PT_NIC_MEET_SOFTWARE;
    pt_port_note(p,
                 "the device refuses the symmetric hash key (%s): packets are handed over between "
                 "workers in software",
                 why);
}

static int apply_key(struct pt_port *p, const struct pt_nic_port_plan *plan)
{
    uint8_t key[PT_TOEPLITZ_KEY_MAX];
    uint8_t got[PT_TOEPLITZ_KEY_MAX] = { 0 };
    struct rte_eth_rss_conf conf = { .rss_key = got, .rss_key_len = plan->key_sz };
    int ret = rte_eth_dev_rss_hash_conf_get(p->port_id, &conf);

    if (ret == -ENOTSUP) {
        pt_port_note(p, "the device does not show its hash key: that it took ours is not verified");
        return 0;
    }
    if (!ret && !memcmp(got, plan->key, plan->key_sz))
        return 0;
    memcpy(key, plan->key, sizeof(key));
    conf = (struct rte_eth_rss_conf){
        .rss_key = key,
        .rss_key_len = plan->key_sz,
        .rss_hf = pt_port_hash_types(plan->hash_fields),
    };
    ret = rte_eth_dev_rss_hash_update(p->port_id, &conf);
    if (ret)
        return ret;
    memset(got, 0, sizeof(got));
    conf.rss_key = got;
    ret = rte_eth_dev_rss_hash_conf_get(p->port_id, &conf);
    if (ret)
        return ret;
    return memcmp(got, plan->key, plan->key_sz) ? -EIO : 0;
}

static int apply_table(struct pt_port *p, const struct pt_nic_port_plan *plan)
{
    struct rte_eth_rss_reta_entry64 table[RETA_MAX / RTE_ETH_RETA_GROUP_SIZE];

    if (plan->reta_cnt > RETA_MAX)
        return -E2BIG;
    memset(table, 0, sizeof(table));
    for (unsigned i = 0; i < plan->reta_cnt; i++) {
        struct rte_eth_rss_reta_entry64 *group = &table[i / RTE_ETH_RETA_GROUP_SIZE];

        group->mask |= UINT64_C(1) << i % RTE_ETH_RETA_GROUP_SIZE;
        group->reta[i % RTE_ETH_RETA_GROUP_SIZE] = (uint16_t)(i % plan->queue_cnt);
    }
    return rte_eth_dev_rss_reta_update(p->port_id, table, plan->reta_cnt);
}

/* One rule for each version of IP, as the devices that sort source and destination do so by rule.
 */
static int apply_function(struct pt_port *p, uint64_t types, enum rte_flow_item_type ip,
                          struct rte_flow_error *error)
{
    const struct rte_flow_attr attr = { .ingress = 1 };
    const struct rte_flow_item pattern[] = {
        { .type = RTE_FLOW_ITEM_TYPE_ETH },
        { .type = ip },
        { .type = RTE_FLOW_ITEM_TYPE_TCP },
        { .type = RTE_FLOW_ITEM_TYPE_END },
    };
    const struct rte_flow_action_rss rss = {
        .func = RTE_ETH_HASH_FUNCTION_SYMMETRIC_TOEPLITZ,
        .types = types,
    };
    const struct rte_flow_action action[] = {
        { .type = RTE_FLOW_ACTION_TYPE_RSS, .conf = &rss },
        { .type = RTE_FLOW_ACTION_TYPE_END },
    };

    if (!types)
        return 0;
    error->message = NULL;
    return rte_flow_create(p->port_id, &attr, pattern, action, error) ? 0 : -rte_errno;
}

static int apply_functions(struct pt_port *p, const struct pt_nic_port_plan *plan,
                           struct pt_port_error *err)
{
    uint64_t types = pt_port_hash_types(plan->hash_fields);
    struct rte_flow_error error = { 0 };
    int ret = apply_function(p, types & RTE_ETH_RSS_NONFRAG_IPV4_TCP, RTE_FLOW_ITEM_TYPE_IPV4,
                             &error);

    if (!ret)
        ret = apply_function(p, types & RTE_ETH_RSS_NONFRAG_IPV6_TCP, RTE_FLOW_ITEM_TYPE_IPV6,
                             &error);
    if (ret)
        return pt_port_refuse(err, ret,
                              "%s: setting the symmetric hash function: %s%s: ask for one worker, "
                              "or one queue of this port",
                              p->device, error.message ? error.message : rte_strerror(-ret),
                              pt_port_log_last());
    return 0;
}

int pt_port_hash_apply(struct pt_port *p, const struct pt_nic_port_plan *plan, bool may_fail,
                       struct pt_port_error *err)
{
    int ret = 0;

    if (!hashes(plan))
        return 0;
    if (plan->meet == PT_NIC_MEET_KEY && p->state.meet == PT_NIC_MEET_KEY)
        ret = apply_key(p, plan);
    if (ret && may_fail) {
        pt_port_hash_refused(p, rte_strerror(-ret));
        ret = 0;
    }
    if (ret)
        return pt_port_refuse(err, ret,
                              "%s: setting the symmetric hash key: %s%s: ask for one worker, or "
                              "one queue of this port",
                              p->device, rte_strerror(-ret), pt_port_log_last());
    if (plan->meet == PT_NIC_MEET_FUNCTION)
        ret = apply_functions(p, plan, err);
    if (ret || !plan->reta_cnt)
        return ret;
    ret = apply_table(p, plan);
    if (ret)
        return pt_port_refuse(err, ret,
                              "%s: setting the hash's table of %u entries: %s%s: ask for one "
                              "worker, or one queue of this port",
                              p->device, plan->reta_cnt, rte_strerror(-ret), pt_port_log_last());
    return 0;
}
