/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The capability tables say what the devices say: virtual devices that need neither root nor huge
 * pages are made, probed, and compared with their rows. Shows too that the link recipe of
 * hw/dpdk/meson.build works, with its drivers and mempool handlers: a plan for net_null is applied,
 * packets arrive and buffers come back. A process of its own, since EAL starts once.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "hw/nic_plan.h"
#include "hw/nic_probe.h"

static uint16_t port_of(const char *name)
{
    uint16_t port_id = RTE_MAX_ETHPORTS;

    assert_int_equal(rte_eth_dev_get_port_by_name(name, &port_id), 0);
    return port_id;
}

static void test_rows(void **state)
{
    static const char *const names[] = { "net_null0", "net_ring0", "net_memif0", "net_pcap0" };

    (void)state;
    for (unsigned i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        struct pt_nic_caps caps;
        const struct pt_nic_caps *row = pt_nic_caps_of_vdev(names[i]);

        print_message("  %s\n", names[i]);
        assert_int_equal(pt_nic_probe(port_of(names[i]), &caps), 0);
        assert_string_equal(caps.driver, row->driver);
        assert_int_equal(caps.queue_max, row->queue_max);
        assert_int_equal(caps.rss_queue_max, row->rss_queue_max);
        assert_int_equal(caps.desc_min, row->desc_min);
        assert_int_equal(caps.desc_max, row->desc_max);
        assert_int_equal(caps.desc_align, row->desc_align);
        assert_int_equal(caps.reta_cnt, row->reta_cnt);
        assert_int_equal(caps.key_sz, row->key_sz);
        assert_int_equal(caps.hash_fields, row->hash_fields);
        assert_int_equal(caps.offloads, row->offloads);
        assert_int_equal(caps.flow, row->flow);
        assert_int_equal(caps.traits, row->traits);
        assert_int_equal(caps.frame_max, row->frame_max);
        assert_int_equal(caps.mtu_max, row->mtu_max);
        assert_int_equal(caps.numa_node, row->numa_node);
        assert_int_equal(caps.speed_mbps, row->speed_mbps);
        assert_int_equal(caps.evidence, PT_NIC_FROM_DEVICE);
    }
}

static void test_no_port(void **state)
{
    struct pt_nic_caps caps = { .driver = "untouched" };

    (void)state;
    assert_int_equal(pt_nic_probe(RTE_MAX_ETHPORTS - 1, &caps), -ENODEV);
    assert_string_equal(caps.driver, "untouched");
}

static void apply(uint16_t port_id, const struct pt_nic_port_plan *port, struct rte_mempool *pool)
{
    struct rte_eth_conf conf = { .rxmode = { .mtu = port->mtu } };

    assert_int_equal(rte_eth_dev_configure(port_id, port->queue_cnt, 0, &conf), 0);
    for (uint16_t q = 0; q < port->queue_cnt; q++)
        assert_int_equal(rte_eth_rx_queue_setup(port_id, q, port->desc_cnt, 0, NULL, pool), 0);
    assert_int_equal(rte_eth_dev_start(port_id), 0);
}

static void test_plan_applies(void **state)
{
    struct pt_nic_request *req = malloc(sizeof(*req));
    struct pt_nic_plan *plan = malloc(sizeof(*plan));
    struct pt_nic_error err = { "" };
    uint16_t port_id = port_of("net_null0");
    struct rte_mempool *pool;
    struct rte_mbuf *burst[PT_NIC_BURST];
    unsigned got;

    (void)state;
    pt_nic_request_init(req);
    req->host.core_cnt = 1;
    req->port_cnt = 1;
    assert_int_equal(pt_nic_probe(port_id, &req->port[0].caps), 0);
    if (pt_nic_plan_make(req, plan, &err))
        fail_msg("%s", err.text);
    pool = rte_pktmbuf_pool_create("plan", plan->pool[0].buffer_cnt, PT_NIC_POOL_CACHE, 0,
                                   (uint16_t)(plan->pool[0].data_sz + PT_NIC_HEADROOM),
                                   SOCKET_ID_ANY);
    assert_non_null(pool);
    /* The estimate of a buffer's memory against the real one. */
    assert_in_range(pool->header_size + pool->elt_size + pool->trailer_size,
                    plan->pool[0].buffer_sz - 64, plan->pool[0].buffer_sz + 64);
    apply(port_id, &plan->port[0], pool);
    got = rte_eth_rx_burst(port_id, 0, burst, PT_NIC_BURST);
    assert_int_equal(got, PT_NIC_BURST);
    rte_pktmbuf_free_bulk(burst, got);
    assert_int_equal(rte_eth_dev_stop(port_id), 0);
    assert_int_equal(rte_mempool_avail_count(pool), plan->pool[0].buffer_cnt);
    free(req);
    free(plan);
}

int main(int argc, char **argv)
{
    char pcap[512];
    char *eal[] = { argv[0],
                    "-l",
                    "0",
                    "--no-huge",
                    "-m",
                    "128",
                    "--no-shconf",
                    "--no-pci",
                    "--no-telemetry",
                    "--log-level=4",
                    "--vdev=net_null0",
                    "--vdev=net_ring0",
                    "--vdev=net_memif0,socket-abstract=no,socket=/tmp/paritap-test-memif.sock",
                    pcap };
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_no_port),
        cmocka_unit_test(test_plan_applies),
    };
    const char *captures = getenv("PT_CAPTURES");
    int ret;

    (void)argc;
    snprintf(pcap, sizeof(pcap), "--vdev=net_pcap0,rx_pcap=%s/clients/java09-perf.pcap",
             captures ? captures : "tests/captures");
    if (rte_eal_init((int)(sizeof(eal) / sizeof(eal[0])), eal) < 0)
        return 1;
    ret = cmocka_run_group_tests(tests, NULL, NULL);
    rte_eal_cleanup();
    return ret;
}
