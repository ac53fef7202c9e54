/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whatever the devices and the request, a plan keeps its promises. The sweep goes over all
 * capability tables, one to three ports, links, workers, cores, mirrors and rules, and checks each
 * plan (or that there is an error which says what to do). That connections meet is not read from
 * the plan's own words but tried out: random connections are hashed with the plan's key, fields and
 * tables, bit by bit as a card does it, and must reach the same worker both ways and on every port
 * of a link. Then tables of single cases: what is expected for well-known cards, and errors.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hw/nic_plan.h"

#define SEED 0x2545f4914f6cdd1dull
#define FLOW_CNT 24

static uint64_t rnd = SEED;

static uint64_t next_random(void)
{
    rnd ^= rnd << 13;
    rnd ^= rnd >> 7;
    rnd ^= rnd << 17;
    return rnd;
}

/* Two sockets: even cores on node 0, odd ones on node 1; the upper half are hyper-threads. */
static void add_cores(struct pt_nic_request *req, unsigned cnt, unsigned node_cnt)
{
    req->host.core_cnt = cnt;
    for (unsigned i = 0; i < cnt; i++)
        req->host.core[i] = (struct pt_host_core){
            .id = (uint16_t)i,
            .node = (int16_t)(i % node_cnt),
            .physical = (uint16_t)(cnt > 8 ? i % (cnt / 2) : i),
            .isolated = i >= 2,
        };
}

static void add_port(struct pt_nic_request *req, const struct pt_nic_caps *caps, unsigned link)
{
    struct pt_nic_port_request *port = &req->port[req->port_cnt];

    snprintf(port->name, sizeof(port->name), "%s%u", caps->driver, req->port_cnt);
    port->caps = *caps;
    port->link = (uint16_t)link;
    req->port_cnt++;
}

static bool has_note(const struct pt_nic_plan *plan, enum pt_nic_note_kind kind, int port)
{
    for (unsigned i = 0; i < plan->note_cnt; i++) {
        if (plan->note[i].kind == kind && plan->note[i].port == port)
            return true;
    }
    return false;
}

/* Where a card puts a packet: its hash over the chosen fields picks an entry of the table. */
static unsigned worker_of(const struct pt_nic_port_request *ask,
                          const struct pt_nic_port_plan *port, const uint8_t *tuple, size_t len)
{
    bool v6 = len == PT_TOEPLITZ_V6_SZ;
    unsigned with_ports = v6 ? PT_NIC_HASH_IPV6_TCP : PT_NIC_HASH_IPV4_TCP;
    unsigned without = v6 ? PT_NIC_HASH_IPV6 : PT_NIC_HASH_IPV4;
    uint32_t hash = 0;

    if (port->hash_fields & with_ports)
        hash = pt_toeplitz(port->key, tuple, len);
    else if (port->hash_fields & without)
        hash = pt_toeplitz(port->key, tuple, len - 4);
    if (!ask->caps.reta_cnt) /* the device has its own way, which we are not told */
        return port->worker[hash / 7 % port->queue_cnt];
    return port->worker[hash % ask->caps.reta_cnt % port->queue_cnt];
}

static void reverse(const uint8_t *tuple, size_t len, uint8_t *other)
{
    size_t address_sz = (len - 4) / 2;

    memcpy(other, tuple + address_sz, address_sz);
    memcpy(other + address_sz, tuple, address_sz);
    memcpy(other + 2 * address_sz, tuple + 2 * address_sz + 2, 2);
    memcpy(other + 2 * address_sz + 2, tuple + 2 * address_sz, 2);
}

static void check_flows_meet(const struct pt_nic_request *req, const struct pt_nic_plan *plan,
                             unsigned first)
{
    for (unsigned i = 0; i < FLOW_CNT; i++) {
        size_t len = i & 1 ? PT_TOEPLITZ_V6_SZ : PT_TOEPLITZ_V4_SZ;
        uint8_t there[PT_TOEPLITZ_V6_SZ];
        uint8_t back[PT_TOEPLITZ_V6_SZ];
        unsigned owner;

        for (size_t at = 0; at < len; at++)
            there[at] = (uint8_t)(next_random() >> 20);
        reverse(there, len, back);
        owner = worker_of(&req->port[first], &plan->port[first], there, len);
        for (unsigned p = 0; p < req->port_cnt; p++) {
            if (req->port[p].link != req->port[first].link)
                continue;
            assert_int_equal(worker_of(&req->port[p], &plan->port[p], there, len), owner);
            assert_int_equal(worker_of(&req->port[p], &plan->port[p], back, len), owner);
        }
    }
}

static unsigned ports_of_link(const struct pt_nic_request *req, unsigned link)
{
    unsigned cnt = 0;

    for (unsigned p = 0; p < req->port_cnt; p++)
        cnt += req->port[p].link == link;
    return cnt;
}

static void check_meeting(const struct pt_nic_request *req, const struct pt_nic_plan *plan,
                          unsigned p)
{
    const struct pt_nic_port_plan *port = &plan->port[p];
    const struct pt_nic_caps *caps = &req->port[p].caps;

    switch ((enum pt_nic_meet)port->meet) {
    case PT_NIC_MEET_ONE_WORKER:
        for (unsigned o = 0; o < req->port_cnt; o++) {
            for (unsigned q = 0;
                 req->port[o].link == req->port[p].link && q < plan->port[o].queue_cnt; q++)
                assert_int_equal(plan->port[o].worker[q], port->worker[0]);
        }
        break;
    case PT_NIC_MEET_ONE_QUEUE:
        assert_int_equal(port->queue_cnt, 1);
        assert_int_equal(ports_of_link(req, req->port[p].link), 1);
        break;
    case PT_NIC_MEET_KEY:
        assert_true(caps->traits & PT_NIC_KEY_SETTABLE);
        assert_int_equal(port->key_sz, caps->key_sz);
        assert_false(req->encapsulated);
        assert_true(port->queue_cnt <= caps->rss_queue_max);
        assert_int_equal(port->hash_fields & ~caps->hash_fields, 0);
        check_flows_meet(req, plan, p);
        break;
    case PT_NIC_MEET_FUNCTION:
        assert_true(caps->traits & PT_NIC_SYMMETRIC_FUNCTION);
        assert_int_equal(ports_of_link(req, req->port[p].link), 1);
        break;
    case PT_NIC_MEET_SOFTWARE:
        assert_true(has_note(plan, PT_NIC_NOTE_SOFTWARE, (int)p));
        assert_true(plan->worker_cnt > 1);
        break;
    }
}

static void check_rules(const struct pt_nic_request *req, const struct pt_nic_plan *plan,
                        unsigned p)
{
    const struct pt_nic_port_plan *port = &plan->port[p];

    if (!req->keep_only_brokers) {
        assert_int_equal(port->rule_cnt, 0);
        return;
    }
    assert_true(has_note(plan, PT_NIC_NOTE_RULES, (int)p));
    if (!port->rule_cnt)
        return;
    /* A rule set that drops the rest must let in both directions and both families of all. */
    assert_int_equal(req->port[p].caps.flow & 7, 7);
    assert_false(req->encapsulated || req->tagged);
    assert_int_equal(port->rule_cnt, 4 * req->broker_port_cnt + 1);
    assert_true(port->rule[port->rule_cnt - 1].drop_rest);
    for (unsigned i = 0; i < req->broker_port_cnt; i++) {
        unsigned forms = 0;

        for (unsigned r = 0; r + 1 < port->rule_cnt; r++) {
            assert_true(port->rule[r].priority < port->rule[port->rule_cnt - 1].priority);
            if (port->rule[r].tcp_port == req->broker_port[i])
                forms |= 1u << (port->rule[r].source + (port->rule[r].ip_version == 6 ? 2 : 0));
        }
        assert_int_equal(forms, 15);
    }
}

static void check_pools(const struct pt_nic_request *req, const struct pt_nic_plan *plan)
{
    uint64_t total_sz = 0;

    for (unsigned i = 0; i < plan->pool_cnt; i++) {
        uint64_t least = 0;

        for (unsigned p = 0; p < plan->port_cnt; p++) {
            const struct pt_nic_port_plan *port = &plan->port[p];

            if (port->pool != i)
                continue;
            least += (uint64_t)port->queue_cnt * port->desc_cnt;
            /* A device that may refuse the key falls back to handing over. */
            if (port->meet == PT_NIC_MEET_SOFTWARE ||
                has_note(plan, PT_NIC_NOTE_KEY_MAY_FAIL, (int)p))
                least += (uint64_t)port->queue_cnt * (plan->worker_cnt - 1) * PT_NIC_RING;
            assert_true(port->scatter || plan->pool[i].data_sz >= port->frame_sz);
            if (req->port[p].caps.numa_node >= 0)
                assert_int_equal(plan->pool[i].node, req->port[p].caps.numa_node);
        }
        least += (uint64_t)plan->worker_cnt * (PT_NIC_BURST + PT_NIC_POOL_CACHE);
        assert_true(plan->pool[i].buffer_cnt >= least);
        assert_true(plan->pool[i].buffer_cnt <= 4 * least + 1024);
        assert_true(plan->pool[i].buffer_sz >= plan->pool[i].data_sz + PT_NIC_HEADROOM + 128);
        total_sz += plan->pool[i].total_sz;
        if (req->huge)
            assert_true(plan->pool[i].total_sz <= req->host.huge_free_sz[plan->pool[i].node]);
        for (unsigned j = 0; j < i; j++)
            assert_int_not_equal(plan->pool[j].node, plan->pool[i].node);
    }
    assert_int_equal(plan->memory_sz, total_sz);
}

static void check_cores(const struct pt_nic_request *req, const struct pt_nic_plan *plan)
{
    uint8_t used[PT_HOST_CORES_MAX] = { 0 };

    for (unsigned w = 0; w < plan->worker_cnt; w++) {
        assert_true(plan->worker[w].core < req->host.core_cnt);
        used[plan->worker[w].core]++;
    }
    for (unsigned s = 0; s < plan->shard_cnt; s++) {
        assert_true(plan->shard[s].core < req->host.core_cnt);
        used[plan->shard[s].core]++;
    }
    for (unsigned c = 0; c < req->host.core_cnt; c++) {
        assert_true(req->share_cores || used[c] < 2);
        if (used[c] > 1)
            assert_true(has_note(plan, PT_NIC_NOTE_CORE, -1));
    }
}

static void check_plan(const struct pt_nic_request *req, const struct pt_nic_plan *plan)
{
    assert_int_equal(plan->port_cnt, req->port_cnt);
    assert_int_equal(plan->note_cut_cnt, 0);
    check_cores(req, plan);
    check_pools(req, plan);
    for (unsigned p = 0; p < plan->port_cnt; p++) {
        const struct pt_nic_port_plan *port = &plan->port[p];
        const struct pt_nic_caps *caps = &req->port[p].caps;

        assert_in_range(port->queue_cnt, 1, caps->queue_max);
        for (unsigned q = 0; q < port->queue_cnt; q++)
            assert_true(port->worker[q] < plan->worker_cnt);
        if (caps->traits & PT_NIC_ALL_QUEUES)
            assert_int_equal(port->queue_cnt, caps->queue_max);
        assert_in_range(port->desc_cnt, caps->desc_min, caps->desc_max);
        assert_int_equal(port->desc_cnt % caps->desc_align, 0);
        assert_true(port->mtu <= caps->mtu_max);
        assert_true(port->mtu >= req->mtu || has_note(plan, PT_NIC_NOTE_SCATTER, (int)p));
        assert_true(port->clock != PT_NIC_CLOCK_SOFTWARE ||
                    has_note(plan, PT_NIC_NOTE_CLOCK, (int)p));
        assert_true(caps->evidence || has_note(plan, PT_NIC_NOTE_NOT_MEASURED, (int)p));
        check_meeting(req, plan, p);
        check_rules(req, plan, p);
    }
}

/* One request of the sweep, chosen by a random number. */
static void draw(struct pt_nic_request *req, size_t row)
{
    uint64_t r = next_random() >> 8;
    unsigned port_cnt = 1 + (unsigned)(r % 3);
    unsigned core_cnt = (const unsigned[]){ 1, 2, 8, 32, 96 }[(r >> 4) % 5];

    pt_nic_request_init(req);
    add_cores(req, core_cnt, 1 + (unsigned)(r >> 8 & 1));
    for (unsigned p = 0; p < port_cnt; p++) {
        size_t pick = p && (r >> 10 & 1) ? (size_t)(next_random() >> 9) % pt_nic_caps_cnt() : row;

        add_port(req, pt_nic_caps_row(pick), r >> 11 & 1 ? (unsigned)(next_random() >> 30 & 3) : 0);
        if (!(next_random() >> 25 & 7))
            req->port[p].caps.reta_cnt = 0;
        if (!(next_random() >> 25 & 3)) /* a card that can hash less */
            req->port[p].caps.hash_fields &= (uint8_t)(next_random() >> 25);
        if (req->port[p].caps.numa_node >= 0 && r >> 12 & 1)
            req->port[p].caps.numa_node = (int16_t)(next_random() >> 30 & 1);
        if (!(next_random() >> 20 & 7))
            req->port[p].queue_cnt = (uint16_t)(1 + (next_random() >> 20) % 20);
    }
    req->worker_cnt = (const unsigned[]){ 1, 1, 2, 3, 4, 8, 12, 64 }[r >> 16 & 7];
    req->shard_cnt = (unsigned)(r >> 20 & 1);
    req->share_cores = r >> 21 & 1;
    req->mtu = r >> 22 & 1 ? 9000 : 1500;
    req->encapsulated = !(r >> 23 & 3);
    req->tagged = !(r >> 25 & 3);
    req->keep_only_brokers = r >> 27 & 1;
    req->broker_port_cnt = (unsigned)(r >> 28 & 3);
    for (unsigned i = 0; i < req->broker_port_cnt; i++)
        req->broker_port[i] = (uint16_t)(9092 + i);
    req->huge = r >> 30 & 1;
    for (unsigned n = 0; n < PT_HOST_NODES_MAX; n++)
        req->host.huge_free_sz[n] = (uint64_t)64 << 20 << (next_random() >> 30 & 7);
}

static void test_sweep(void **state)
{
    struct pt_nic_request *req = malloc(sizeof(*req));
    struct pt_nic_plan *plan = malloc(sizeof(*plan));
    struct pt_nic_plan *again = malloc(sizeof(*again));
    unsigned meet_cnt[PT_NIC_MEET_SOFTWARE + 1] = { 0 };
    unsigned refused_cnt = 0;
    unsigned rules_cnt = 0;

    (void)state;
    print_message("  seed %#llx\n", (unsigned long long)SEED);
    for (unsigned i = 0; i < 400; i++) {
        for (size_t row = 0; row < pt_nic_caps_cnt(); row++) {
            struct pt_nic_error err = { "" };
            int ret;

            draw(req, row);
            ret = pt_nic_plan_make(req, plan, &err);
            if (ret) {
                assert_true(ret == -EINVAL || ret == -ENOMEM);
                assert_non_null(strstr(err.text, ": "));
                refused_cnt++;
                continue;
            }
            check_plan(req, plan);
            assert_int_equal(pt_nic_plan_make(req, again, &err), 0);
            assert_memory_equal(plan, again, sizeof(*plan));
            for (unsigned p = 0; p < plan->port_cnt; p++) {
                meet_cnt[plan->port[p].meet]++;
                rules_cnt += plan->port[p].rule_cnt > 0;
            }
        }
    }
    print_message("  refused %u; one worker %u, one queue %u, key %u, software %u; rules %u\n",
                  refused_cnt, meet_cnt[PT_NIC_MEET_ONE_WORKER], meet_cnt[PT_NIC_MEET_ONE_QUEUE],
                  meet_cnt[PT_NIC_MEET_KEY], meet_cnt[PT_NIC_MEET_SOFTWARE], rules_cnt);
    assert_true(refused_cnt && rules_cnt && meet_cnt[PT_NIC_MEET_ONE_WORKER] &&
                meet_cnt[PT_NIC_MEET_ONE_QUEUE] && meet_cnt[PT_NIC_MEET_KEY] &&
                meet_cnt[PT_NIC_MEET_SOFTWARE]);
    free(req);
    free(plan);
    free(again);
}

static const struct expected {
    const char *why;
    const char *driver;
    const char *second; /* a second port, or NULL */
    unsigned own_link;  /* of the second port */
    unsigned worker_cnt;
    uint16_t mtu;
    bool encapsulated;
    enum pt_nic_meet meet;
    unsigned queue_cnt;
    unsigned desc_cnt;
    uint32_t data_sz;
} expected[] = {
    { "a 100G card spreads by the key", "mlx5_pci", NULL, 0, 4, 1500, false, PT_NIC_MEET_KEY, 4,
      4096, 2048 },
    { "a wrapped mirror has one outer address pair: software", "mlx5_pci", NULL, 0, 4, 1500, true,
      PT_NIC_MEET_SOFTWARE, 4, 4096, 2048 },
    { "optical tap on two equal cards", "net_i40e", "net_i40e", 0, 3, 1500, false, PT_NIC_MEET_KEY,
      3, 2048, 2048 },
    { "tables of 128 and 512 agree only at powers of two", "net_ixgbe", "net_ice", 0, 3, 1500,
      false, PT_NIC_MEET_KEY, 2, 1024, 2048 },
    { "the 82599's hash reaches 16 queues", "net_ixgbe", NULL, 0, 20, 1500, false, PT_NIC_MEET_KEY,
      16, 1024, 2048 },
    { "jumbo frames stay in one buffer", "net_ixgbe", NULL, 0, 2, 9000, false, PT_NIC_MEET_KEY, 2,
      1024, 9216 },
    { "a file has one queue: two workers share by software", "net_pcap", NULL, 0, 2, 1500, false,
      PT_NIC_MEET_SOFTWARE, 1, 1024, 2048 },
    { "two files may hold the two directions", "net_pcap", "net_pcap", 0, 2, 1500, false,
      PT_NIC_MEET_SOFTWARE, 1, 1024, 2048 },
    { "two files of two links: a worker each", "net_pcap", "net_pcap", 7, 2, 1500, false,
      PT_NIC_MEET_ONE_QUEUE, 1, 1024, 2048 },
    { "one worker needs nothing", "net_af_packet", NULL, 0, 1, 1500, false, PT_NIC_MEET_ONE_WORKER,
      2, 1024, 2048 },
    { "the kernel's fan-out rolls over: not to be relied on", "net_af_packet", NULL, 0, 2, 1500,
      false, PT_NIC_MEET_SOFTWARE, 2, 1024, 2048 },
    { "net_null states hash fields but hashes nothing", "net_null", NULL, 0, 2, 1500, false,
      PT_NIC_MEET_SOFTWARE, 1, 1024, 2048 },
    { "a card and a vdev see the same: the card's hash is of no use", "mlx5_pci", "net_tap", 0, 2,
      1500, false, PT_NIC_MEET_SOFTWARE, 2, 4096, 2048 },
};

static void test_expected(void **state)
{
    struct pt_nic_request *req = malloc(sizeof(*req));
    struct pt_nic_plan *plan = malloc(sizeof(*plan));

    (void)state;
    for (size_t i = 0; i < sizeof(expected) / sizeof(expected[0]); i++) {
        const struct expected *e = &expected[i];
        struct pt_nic_error err = { "" };

        print_message("  %s\n", e->why);
        pt_nic_request_init(req);
        add_cores(req, 32, 1);
        add_port(req, pt_nic_caps_find(e->driver), 0);
        if (e->second)
            add_port(req, pt_nic_caps_find(e->second), e->own_link);
        req->worker_cnt = e->worker_cnt;
        req->mtu = e->mtu;
        req->encapsulated = e->encapsulated;
        if (pt_nic_plan_make(req, plan, &err))
            fail_msg("%s", err.text);
        assert_int_equal(plan->port[0].meet, e->meet);
        assert_int_equal(plan->port[0].queue_cnt, e->queue_cnt);
        assert_int_equal(plan->port[0].desc_cnt, e->desc_cnt);
        assert_int_equal(plan->pool[0].data_sz, e->data_sz);
        check_plan(req, plan);
    }
    free(req);
    free(plan);
}

static void ask_core(struct pt_nic_request *req)
{
    req->use_core[0] = 40;
    req->use_core_cnt = 1;
}

static void ask_twice(struct pt_nic_request *req)
{
    req->use_core[0] = 3;
    req->use_core[1] = 3;
    req->use_core_cnt = 2;
    req->worker_cnt = 2;
}

static void ask_workers(struct pt_nic_request *req)
{
    req->worker_cnt = 9;
}

static void ask_queues(struct pt_nic_request *req)
{
    req->worker_cnt = 2;
    req->port[0].queue_cnt = 200;
}

static void ask_hash(struct pt_nic_request *req)
{
    req->worker_cnt = 2;
    req->port[0].queue_cnt = 20;
}

static void ask_mtu(struct pt_nic_request *req)
{
    req->mtu = 15900;
}

static void ask_desc(struct pt_nic_request *req)
{
    req->port[0].desc_cnt = 4097;
}

static void ask_huge(struct pt_nic_request *req)
{
    req->huge = true;
}

static void ask_part(struct pt_nic_request *req)
{
    req->port[0].caps = *pt_nic_caps_find("net_ring");
    req->port[0].queue_cnt = 2;
}

static void ask_nothing(struct pt_nic_request *req)
{
    req->port_cnt = 0;
}

static const struct refused {
    const char *why;
    void (*ask)(struct pt_nic_request *req);
    int ret;
    const char *what;  /* names the trouble */
    const char *to_do; /* and the way out */
} refused[] = {
    { "no such core", ask_core, -EINVAL, "core 40 does not exist or is offline",
      "8 cores, 0 to 7" },
    { "a core named twice", ask_twice, -EINVAL, "core 3 is named twice", "of its own" },
    { "more workers than cores", ask_workers, -EINVAL, "need 9 cores, this host has 8", "fewer" },
    { "more queues than the device has", ask_queues, -EINVAL, "200 queues", "at most" },
    { "more queues than the hash reaches", ask_hash, -EINVAL, "reaches only 16", "at most" },
    { "frames that do not fit", ask_mtu, -EINVAL, "15900", "--mtu" },
    { "descriptors out of range", ask_desc, -EINVAL, "4097 descriptors", "64 to 4096" },
    { "no huge pages", ask_huge, -ENOMEM, "0 are free", "nr_hugepages" },
    { "a queue that nobody would poll", ask_part, -EINVAL, "would be lost", "ask for all" },
    { "no port", ask_nothing, -EINVAL, "no port", "--source" },
};

static void test_refused(void **state)
{
    struct pt_nic_request *req = malloc(sizeof(*req));
    struct pt_nic_plan *plan = malloc(sizeof(*plan));

    (void)state;
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
        struct pt_nic_error err = { "" };

        pt_nic_request_init(req);
        add_cores(req, 8, 1);
        add_port(req, pt_nic_caps_find("net_ixgbe"), 0);
        refused[i].ask(req);
        print_message("  %s\n", refused[i].why);
        assert_int_equal(pt_nic_plan_make(req, plan, &err), refused[i].ret);
        if (!strstr(err.text, refused[i].what) || !strstr(err.text, refused[i].to_do))
            fail_msg("%s", err.text);
    }
    free(req);
    free(plan);
}

/* Cores are taken near the port, isolated ones first, hyper-threads and core 0 last. */
static void test_cores(void **state)
{
    struct pt_nic_request *req = malloc(sizeof(*req));
    struct pt_nic_plan *plan = malloc(sizeof(*plan));
    struct pt_nic_error err = { "" };

    (void)state;
    pt_nic_request_init(req);
    add_cores(req, 16, 2); /* odd: node 1; 8 to 15 are threads of 0 to 7; 0 and 1 not isolated */
    add_port(req, pt_nic_caps_find("mlx5_pci"), 0);
    req->port[0].caps.numa_node = 1;
    req->worker_cnt = 4;
    assert_int_equal(pt_nic_plan_make(req, plan, &err), 0);
    assert_int_equal(plan->worker[0].core, 3);
    assert_int_equal(plan->worker[1].core, 5);
    assert_int_equal(plan->worker[2].core, 7);
    assert_int_equal(plan->worker[3].core, 9); /* the thread of 1, which runs nothing of ours */
    assert_false(has_note(plan, PT_NIC_NOTE_FAR_NODE, 0));
    assert_false(has_note(plan, PT_NIC_NOTE_CORE, -1));
    /* Neighbours are threads of one core here: 3 only when all others are taken. */
    for (unsigned i = 0; i < 16; i++) {
        req->host.core[i].node = 1;
        req->host.core[i].physical = (uint16_t)(i / 2);
    }
    req->host.core_cnt = 8;
    assert_int_equal(pt_nic_plan_make(req, plan, &err), 0);
    assert_int_equal(plan->worker[0].core, 2);
    assert_int_equal(plan->worker[1].core, 4);
    assert_int_equal(plan->worker[2].core, 6);
    assert_int_equal(plan->worker[3].core, 3);
    add_cores(req, 16, 2);
    req->use_core[0] = 2;
    req->use_core[1] = 10;
    req->use_core_cnt = 2;
    req->worker_cnt = 2;
    assert_int_equal(pt_nic_plan_make(req, plan, &err), 0);
    assert_true(has_note(plan, PT_NIC_NOTE_FAR_NODE, 0));
    assert_true(has_note(plan, PT_NIC_NOTE_CORE, -1));
    free(req);
    free(plan);
}

/* Estimates: the sum of the measured pieces, by hand; handing over and decompression cost. */
static void test_rates(void **state)
{
    struct pt_rate_mix none = pt_rate_only(PT_RATE_NONE);
    struct pt_rate_mix zstd = pt_rate_only(PT_RATE_ZSTD);
    struct pt_rate_mix half = { { [PT_RATE_NONE] = 50, [PT_RATE_ZSTD] = 50 } };

    (void)state;
    /* 190 ns for the packet and 1500 * (92 + 98 + 32) ps for its bytes: 523 ns for 12,000 bits. */
    assert_int_equal(pt_rate_mbps(&none, 0), 22944);
    /* 190 + 1.5 * (92 + 3.5 * 1380) = 7573 ns */
    assert_int_equal(pt_rate_mbps(&zstd, 0), 1584);
    assert_true(pt_rate_mbps(&none, 1) < pt_rate_mbps(&none, 0));
    assert_true(pt_rate_mbps(&half, 0) > pt_rate_mbps(&zstd, 0));
    assert_true(pt_rate_mbps(&half, 0) < pt_rate_mbps(&none, 0));
}

static void test_vdev_names(void **state)
{
    (void)state;
    assert_string_equal(pt_nic_caps_of_vdev("net_pcap0,rx_pcap=s.pcap")->driver, "net_pcap");
    assert_string_equal(pt_nic_caps_of_vdev("net_af_packet12,iface=mon0")->driver, "net_af_packet");
    assert_null(pt_nic_caps_of_vdev("0000:81:00.0"));
    assert_null(pt_nic_caps_of_vdev("net_unheard0"));
    assert_null(pt_nic_caps_of_vdev(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sweep),   cmocka_unit_test(test_expected),
        cmocka_unit_test(test_refused), cmocka_unit_test(test_cores),
        cmocka_unit_test(test_rates),   cmocka_unit_test(test_vdev_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
