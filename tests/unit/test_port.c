/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports over DPDK, from files and virtual devices: every packet of a capture arrives with the bytes
 * and the microsecond that capture.h reads, frames in many buffers included; two ports on two
 * workers at once; a worker that keeps its buffers makes a file wait, and loses nothing when
 * another worker gives them back; what is in force, what is counted, and that nothing can be sent.
 * EAL starts once, in main; the ports are used once each, in the order of the tests.
 */
#include "tests/unit/port_util.h"

enum { LONG, PAIR, WAITS, EMPTY, BROKEN, AGAIN, NOTHING, PORTS };

static struct rig rig;
static char path[PORTS][512];
static char device[PORTS][600];

static void compare_open(struct compare *c, unsigned port)
{
    const char *err = NULL;

    *c = (struct compare){ .port = rig.port[port] };
    if (pt_capture_open(path[port], &c->cap, &err))
        fail_msg("%s", err);
}

static void compare_check(struct compare *c, uint64_t at_least)
{
    struct pt_port_counters cnt;

    assert_string_equal(c->differs, "");
    assert_true(c->packet_cnt >= at_least);
    assert_int_equal(pt_port_counters(c->port, &cnt), 0);
    assert_int_equal(cnt.packets, c->packet_cnt);
    assert_int_equal(cnt.bytes, pt_capture_info(c->cap)->bytes);
    assert_int_equal(cnt.missed + cnt.no_buffer + cnt.errors + cnt.cut, 0);
    assert_int_equal(cnt.joined, c->long_cnt);
    pt_capture_close(c->cap);
}

static void test_two_ports(void **state)
{
    struct compare c[2];

    (void)state;
    compare_open(&c[0], LONG);
    compare_open(&c[1], PAIR);
    assert_int_equal(pt_ports_run(0, compare_run, &c[0]), 0);
    assert_int_equal(pt_ports_run(1, compare_run, &c[1]), 0);
    pt_ports_join();
    assert_true(c[0].long_cnt > 40);
    compare_check(&c[0], 300);
    compare_check(&c[1], 1000);
}

/* Frees what another worker polled. */
static int free_all(void *arg)
{
    struct compare *c = arg;

    pt_port_free(c->kept, c->kept_cnt);
    c->kept_cnt = 0;
    return 0;
}

static void test_wait_for_buffers(void **state)
{
    static void *kept[8192];
    struct compare c;
    unsigned waits = 0;

    (void)state;
    compare_open(&c, WAITS);
    c.kept = kept;
    c.kept_max = ROWS(kept);
    while (!pt_port_ended(c.port, 0) && !c.differs[0]) {
        assert_int_equal(pt_ports_run(0, compare_run, &c), 0);
        pt_ports_join();
        waits += c.waited;
        assert_true(c.kept_cnt > 0);
        assert_true(c.kept_cnt < ROWS(kept));
        assert_int_equal(pt_ports_run(1, free_all, &c), 0);
        pt_ports_join();
    }
    /* More packets than there are buffers, several times. */
    assert_true(waits > 1);
    compare_check(&c, 3 * rig.plan.pool[0].buffer_cnt);
}

static void test_empty_file(void **state)
{
    struct compare c;

    (void)state;
    compare_open(&c, EMPTY);
    assert_false(pt_port_ended(c.port, 0));
    compare_run(&c);
    assert_true(pt_port_ended(c.port, 0));
    compare_check(&c, 0);
}

/* A file that ends inside a packet: all packets before, and it is told that it is broken. */
static void test_broken_file(void **state)
{
    struct compare c;
    struct pt_port_counters cnt;
    struct pt_rx rx;

    (void)state;
    compare_open(&c, BROKEN);
    compare_run(&c);
    assert_string_equal(c.differs, "");
    assert_true(pt_capture_info(c.cap)->truncated);
    assert_int_equal(pt_port_burst(c.port, 0, &rx, 1), 0);
    assert_int_equal(pt_port_counters(c.port, &cnt), 0);
    assert_int_equal(cnt.packets, c.packet_cnt);
    assert_int_equal(cnt.errors, 1);
    pt_capture_close(c.cap);
}

/* A repeated capture has no end, no capture time, and is no file. */
static void test_repeated_file(void **state)
{
    struct pt_rx rx[PT_NIC_BURST];
    void *buf[PT_NIC_BURST];
    uint64_t packet = 0;

    (void)state;
    for (unsigned round = 0; round < 100; round++) {
        unsigned cnt = pt_port_burst(rig.port[AGAIN], 0, rx, PT_NIC_BURST);

        assert_int_equal(cnt, PT_NIC_BURST);
        for (unsigned i = 0; i < cnt; i++) {
            assert_int_equal(rx[i].frame.packet, ++packet);
            assert_true(rx[i].frame.time_ns > INT64_C(1700000000) * 1000000000);
            buf[i] = rx[i].buf;
        }
        pt_port_free(buf, cnt);
    }
    assert_false(pt_port_ended(rig.port[AGAIN], 0));
}

static void test_null(void **state)
{
    struct pt_rx rx[2 * PT_NIC_BURST];
    void *buf[2 * PT_NIC_BURST];
    unsigned cnt = pt_port_burst(rig.port[NOTHING], 0, rx, 2 * PT_NIC_BURST);

    (void)state;
    assert_int_equal(cnt, PT_NIC_BURST);
    cnt += pt_port_burst(rig.port[NOTHING], 0, rx + cnt, 3);
    assert_int_equal(cnt, PT_NIC_BURST + 3);
    for (unsigned i = 0; i < cnt; i++) {
        assert_int_equal(rx[i].frame.cap_len, 64);
        assert_int_equal(rx[i].frame.wire_len, 64);
        assert_int_equal(rx[i].frame.packet, i + 1);
        assert_int_equal(rx[i].frame.link_type, 1);
        assert_true(rx[i].frame.time_ns > INT64_C(1700000000) * 1000000000);
        buf[i] = rx[i].buf;
    }
    pt_port_free(buf, cnt);
    pt_port_free(NULL, 0);
    assert_false(pt_port_ended(rig.port[NOTHING], 0));
    assert_int_equal(pt_port_backlog(rig.port[NOTHING], 0), -1);
}

static void test_in_force(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PORTS; i++) {
        const struct pt_port_state *s = pt_port_state(rig.port[i]);

        print_message("  %s\n", device[i]);
        assert_int_equal(s->tx_queue_cnt, 0);
        assert_int_equal(s->queue_cnt, 1);
        assert_int_equal(s->desc_cnt, rig.plan.port[i].desc_cnt);
        assert_int_equal(s->meet, rig.plan.port[i].meet);
        assert_int_equal(s->clock, i == NOTHING ? PT_NIC_CLOCK_SOFTWARE : PT_NIC_CLOCK_CAPTURE);
        assert_true(s->promiscuous);
        assert_int_equal(s->note_cnt, 0);
    }
}

static void test_list(void **state)
{
    char text[200];
    char cut[8];
    uint16_t port_id;
    struct pt_port_error err;

    (void)state;
    assert_int_equal(pt_port_list(text, sizeof(text)), PORTS);
    assert_string_equal(text, "net_pcap0, net_pcap1, net_pcap2, net_pcap3, net_pcap4, net_pcap5, "
                              "net_null0");
    assert_int_equal(pt_port_list(cut, sizeof(cut)), PORTS);
    assert_string_equal(cut, "net_pca");
    assert_int_equal(pt_port_list(NULL, 0), PORTS);
    assert_int_equal(pt_port_find("net_pcap9,rx_pcap=x", &port_id, &err), -ENODEV);
    assert_non_null(strstr(err.text, "net_pcap0, net_pcap1"));
    assert_int_equal(pt_ports_run(2, free_all, NULL), -EINVAL);
}

static int set_up(void **state)
{
    struct pt_port_error err = { "" };

    (void)state;
    capture_path("clients/net-lo-gso64k-badcsum.pcap", path[LONG], sizeof(path[LONG]));
    unpack("pairs/mm2-clean-target.pcap.gz", path[PAIR], sizeof(path[PAIR]));
    unpack("pairs/late-source.pcap.gz", path[WAITS], sizeof(path[WAITS]));
    unpack("pairs/odd-target.pcap.gz", path[EMPTY], sizeof(path[EMPTY]));
    unpack("pairs/odd-target.pcap.gz", path[BROKEN], sizeof(path[BROKEN]));
    capture_path("clients/java09-perf.pcap", path[AGAIN], sizeof(path[AGAIN]));
    if (truncate(path[EMPTY], 24) || truncate(path[BROKEN], 3000))
        return 1;
    for (unsigned i = 0; i < NOTHING; i++)
        snprintf(device[i], sizeof(device[i]), "net_pcap%u,rx_pcap=%s%s", i, path[i],
                 i == AGAIN ? ",infinite_rx=1" : "");
    snprintf(device[NOTHING], sizeof(device[NOTHING]), "net_null0");
    for (unsigned i = 0; i < PORTS; i++)
        rig.device[i] = device[i];
    rig.device_cnt = PORTS;
    rig.worker_cnt = 2;
    rig.main_core = -1;
    rig.desc_cnt = 512;
    rig_init(&rig);
    if (rig_start(&rig, &err) || rig_apply(&rig, &err)) {
        print_error("%s\n", err.text);
        return 1;
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < PORTS; i++)
        pt_port_close(rig.port[i]);
    pt_ports_stop();
    unlink(path[PAIR]);
    unlink(path[WAITS]);
    unlink(path[EMPTY]);
    unlink(path[BROKEN]);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_in_force),      cmocka_unit_test(test_list),
        cmocka_unit_test(test_two_ports),     cmocka_unit_test(test_wait_for_buffers),
        cmocka_unit_test(test_empty_file),    cmocka_unit_test(test_broken_file),
        cmocka_unit_test(test_repeated_file), cmocka_unit_test(test_null),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
