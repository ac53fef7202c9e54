/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What files cannot show, on devices that the test fills itself: frames in several buffers up to
 * the port's longest and beyond, tags that stay in the data, the time of a burst; and, on a device
 * that only pretends to hash, that key and table are set, read back, and that a refusal is handled
 * as the plan allows. Knows DPDK, as it stands in for the other end. EAL starts once, in main.
 */
#include "tests/unit/port_util.h"

#include <time.h>

#include <rte_ethdev.h>
#include <rte_mbuf.h>
#include <rte_ring.h>

enum { RING, NULL0, NULL1, NULL2, DEVICES };

static struct rig rig;
static uint16_t port_id[DEVICES];
static struct rte_ring *ring;
static struct rte_mempool *pool;

/* A frame of len bytes in buffers of seg_sz, byte i being i * 7. */
static struct rte_mbuf *chain(unsigned len, unsigned seg_sz)
{
    struct rte_mbuf *head = NULL;
    unsigned at = 0;

    while (at < len) {
        struct rte_mbuf *m = rte_pktmbuf_alloc(pool);
        unsigned part = len - at < seg_sz ? len - at : seg_sz;
        uint8_t *data;

        assert_non_null(m);
        data = (uint8_t *)rte_pktmbuf_append(m, (uint16_t)part);
        for (unsigned i = 0; i < part; i++)
            data[i] = (uint8_t)((at + i) * 7);
        at += part;
        if (!head)
            head = m;
        else
            assert_int_equal(rte_pktmbuf_chain(head, m), 0);
    }
    return head;
}

static void check_bytes(const struct pt_frame *f)
{
    for (unsigned i = 0; i < f->cap_len; i++) {
        if (f->data[i] != (uint8_t)(i * 7))
            fail_msg("byte %u of %u", i, f->cap_len);
    }
}

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_REALTIME, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

static void test_chains(void **state)
{
    /* The plan's longest frame is 1500 + 18 + 8. */
    static const struct {
        unsigned len;
        unsigned seg_sz;
        unsigned cap_len;
        uint64_t joined;
        uint64_t cut;
        const char *why;
    } rows[] = {
        { 60, 2000, 60, 0, 0, "one buffer" },
        { 61, 60, 61, 1, 0, "one byte more" },
        { 1526, 100, 1526, 2, 0, "the longest" },
        { 1527, 100, 1526, 3, 1, "one byte longer" },
        { 9000, 1000, 1526, 4, 2, "much longer: the rest is not there, and its length says so" },
        { 2000, 2000, 2000, 4, 2, "longer, but in one buffer" },
    };
    struct pt_port *p = rig.port[RING];

    (void)state;
    for (unsigned i = 0; i < ROWS(rows); i++) {
        int64_t before = now_ns();
        struct pt_port_counters cnt;
        struct pt_rx rx;

        print_message("  %s\n", rows[i].why);
        assert_int_equal(rte_ring_enqueue(ring, chain(rows[i].len, rows[i].seg_sz)), 0);
        assert_int_equal(pt_port_burst(p, 0, &rx, 1), 1);
        assert_int_equal(rx.frame.cap_len, rows[i].cap_len);
        assert_int_equal(rx.frame.wire_len, rows[i].len);
        assert_int_equal(rx.frame.packet, i + 1);
        assert_in_range(rx.frame.time_ns, before, now_ns());
        check_bytes(&rx.frame);
        assert_int_equal(pt_port_counters(p, &cnt), 0);
        assert_int_equal(cnt.packets, i + 1);
        assert_int_equal(cnt.joined, rows[i].joined);
        assert_int_equal(cnt.cut, rows[i].cut);
        pt_port_free(&rx.buf, 1);
    }
    assert_int_equal(rte_mempool_in_use_count(pool), 0);
    assert_false(pt_port_ended(p, 0));
}

/* Who keeps joined frames leaves the others waiting in the device; their bytes stay. */
static void test_joins_run_out(void **state)
{
    static struct pt_rx rx[1024];
    void *buf[1024];
    unsigned cnt = 0;
    unsigned got;

    (void)state;
    for (unsigned i = 0; i < 300; i++)
        assert_int_equal(rte_ring_enqueue(ring, chain(1000, 500)), 0);
    while ((got = pt_port_burst(rig.port[RING], 0, rx + cnt, PT_NIC_BURST)) > 0)
        cnt += got;
    assert_in_range(cnt, PT_NIC_BURST, 299);
    assert_int_equal(rte_ring_count(ring), 300 - cnt);
    for (unsigned i = 0; i < cnt; i++) {
        assert_int_equal(rx[i].frame.cap_len, 1000);
        check_bytes(&rx[i].frame);
        buf[i] = rx[i].buf;
    }
    pt_port_free(buf, cnt);
    for (cnt = 0; cnt < 300 && (got = pt_port_burst(rig.port[RING], 0, rx, PT_NIC_BURST)) > 0;) {
        for (unsigned i = 0; i < got; i++)
            buf[i] = rx[i].buf;
        pt_port_free(buf, got);
        cnt += got;
    }
    assert_int_equal(rte_ring_count(ring), 0);
    assert_int_equal(rte_mempool_in_use_count(pool), 0);
}

/* --- the hash, on net_null, which stores key and table and spreads nothing --- */

static int apply_hash(unsigned device, unsigned queue_cnt, uint8_t key_sz, uint8_t traits,
                      struct pt_port_error *err)
{
    static struct rig r;

    r = rig;
    r.plan.port[device].meet = PT_NIC_MEET_KEY;
    r.plan.port[device].queue_cnt = (uint16_t)queue_cnt;
    r.plan.port[device].hash_fields = PT_NIC_HASH_IPV4_TCP | PT_NIC_HASH_IPV6_TCP;
    r.plan.port[device].key_sz = key_sz;
    pt_toeplitz_symmetric_key(r.plan.port[device].key, key_sz);
    r.plan.port[device].reta_cnt = 128;
    r.req.port[device].caps.traits |= traits;
    return pt_port_apply(port_id[device], r.device[device], &r.req, &r.plan, device,
                         &rig.port[device], err);
}

static void test_hash(void **state)
{
    struct rte_eth_rss_reta_entry64 table[2] = { { .mask = UINT64_MAX }, { .mask = UINT64_MAX } };
    uint8_t want[40];
    uint8_t got[40];
    struct rte_eth_rss_conf conf = { .rss_key = got, .rss_key_len = sizeof(got) };
    struct pt_port_error err = { "" };

    (void)state;
    if (apply_hash(NULL0, 3, 40, 0, &err))
        fail_msg("%s", err.text);
    pt_toeplitz_symmetric_key(want, sizeof(want));
    assert_int_equal(rte_eth_dev_rss_hash_conf_get(port_id[NULL0], &conf), 0);
    assert_memory_equal(got, want, sizeof(want));
    assert_int_equal(conf.rss_hf, RTE_ETH_RSS_NONFRAG_IPV4_TCP | RTE_ETH_RSS_NONFRAG_IPV6_TCP);
    assert_int_equal(rte_eth_dev_rss_reta_query(port_id[NULL0], table, 128), 0);
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(table[i / 64].reta[i % 64], i % 3);
    assert_int_equal(pt_port_state(rig.port[NULL0])->meet, PT_NIC_MEET_KEY);
    assert_int_equal(pt_port_state(rig.port[NULL0])->queue_cnt, 3);
    assert_int_equal(pt_port_state(rig.port[NULL0])->note_cnt, 0);
}

/* net_null keeps 40 bytes of whatever key: one of 52 reads back wrong, as if it were refused. */
static void test_key_refused(void **state)
{
    struct pt_port_error err = { "" };

    (void)state;
    assert_int_equal(apply_hash(NULL1, 2, 52, 0, &err), -EIO);
    assert_non_null(strstr(err.text, "setting the symmetric hash key"));
    assert_non_null(strstr(err.text, "one worker"));
    if (apply_hash(NULL1, 2, 52, PT_NIC_KEY_MAY_FAIL, &err))
        fail_msg("%s", err.text);
    assert_int_equal(pt_port_state(rig.port[NULL1])->meet, PT_NIC_MEET_SOFTWARE);
    assert_int_equal(pt_port_state(rig.port[NULL1])->note_cnt, 1);
    assert_non_null(strstr(pt_port_state(rig.port[NULL1])->note[0], "handed over"));
}

/* Rules that a device does not have are an error that says how to go on without. */
static void test_rules_refused(void **state)
{
    static struct rig r;
    struct pt_port_error err = { "" };

    (void)state;
    r = rig;
    r.plan.port[NULL2].rule_cnt = 2;
    r.plan.port[NULL2].rule[0] = (struct pt_nic_rule){ .ip_version = 4, .tcp_port = 9092 };
    r.plan.port[NULL2].rule[1] = (struct pt_nic_rule){ .drop_rest = true, .priority = 1 };
    assert_true(pt_port_apply(port_id[NULL2], r.device[NULL2], &r.req, &r.plan, NULL2,
                              &rig.port[NULL2], &err) < 0);
    assert_non_null(strstr(err.text, "rule 1 of 2"));
    assert_non_null(strstr(err.text, "keep_only_brokers"));
    assert_null(rig.port[NULL2]);
}

static int set_up(void **state)
{
    struct pt_port_error err = { "" };

    (void)state;
    rig.device[RING] = "net_ring0";
    rig.device[NULL0] = "net_null0";
    rig.device[NULL1] = "net_null1";
    rig.device[NULL2] = "net_null2";
    rig.device_cnt = DEVICES;
    rig.main_core = -1;
    rig_init(&rig);
    if (rig_start(&rig, &err) || rig_probe(&rig, port_id, &err) ||
        pt_port_apply(port_id[RING], rig.device[RING], &rig.req, &rig.plan, RING, &rig.port[RING],
                      &err)) {
        print_error("%s\n", err.text);
        return 1;
    }
    ring = rte_ring_lookup("ETH_RXTX0_net_ring0");
    pool = rte_mempool_lookup("paritap-0");
    return !ring || !pool;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DEVICES; i++)
        pt_port_close(rig.port[i]);
    pt_ports_stop();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_chains),        cmocka_unit_test(test_joins_run_out),
        cmocka_unit_test(test_hash),          cmocka_unit_test(test_key_refused),
        cmocka_unit_test(test_rules_refused),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
