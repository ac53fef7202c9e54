/* SPDX-License-Identifier: Apache-2.0 */
#include "hw/nic_plan_pvt.h"

#include <stddef.h>

/* Why this port lets everything in, or NULL. */
static const char *obstacle(const struct pt_nic_request *req, const struct pt_nic_caps *caps,
                            const struct pt_nic_port_plan *port)
{
    if (!req->broker_port_cnt)
        return "no broker's port is configured";
    if (req->encapsulated)
        return "the mirror wraps its frames, so that the device does not see the brokers' ports";
    if (req->tagged)
        return "rules do not match frames with VLAN tags on every device, and would drop the "
               "mirror";
    if (!(caps->flow & PT_NIC_FLOW_TCP_PORT))
        return "the device has no rules for TCP ports";
    if (!(caps->flow & PT_NIC_FLOW_DROP))
        return "the device's rules cannot drop";
    if (!(caps->flow & PT_NIC_FLOW_REST))
        return "the device has no rule of lower priority for the rest";
    if (port->queue_cnt > 1 && !(caps->flow & PT_NIC_FLOW_SPREAD))
        return "the device's rules send to one queue only";
    return NULL;
}

static void add_rules(const struct pt_nic_request *req, struct pt_nic_port_plan *port)
{
    for (unsigned i = 0; i < req->broker_port_cnt; i++) {
        for (unsigned form = 0; form < 4; form++) {
            port->rule[port->rule_cnt++] = (struct pt_nic_rule){
                .ip_version = form & 2 ? 6 : 4,
                .source = form & 1,
                .tcp_port = req->broker_port[i],
            };
        }
    }
    port->rule[port->rule_cnt++] = (struct pt_nic_rule){ .drop_rest = true, .priority = 1 };
}

void pt_nic_plan_rules(const struct pt_nic_request *req, struct pt_nic_plan *plan)
{
    for (unsigned p = 0; req->keep_only_brokers && p < plan->port_cnt; p++) {
        const char *why = obstacle(req, &req->port[p].caps, &plan->port[p]);

        if (why) {
            pt_nic_note(plan, PT_NIC_NOTE_RULES, (int)p,
                        "everything is let in and sorted out in software: %s", why);
            continue;
        }
        add_rules(req, &plan->port[p]);
        pt_nic_note(plan, PT_NIC_NOTE_RULES, (int)p,
                    "what the device drops is counted nowhere here: the tap's totals are those of "
                    "the brokers' ports, IP fragments behind the first are lost, and brokers on "
                    "other ports are not noticed");
    }
}
