/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan on paper: every port, queue, core and warning is there, no line is wider than 100
 * columns, and a name from the command line cannot reach the terminal raw. With -p the program
 * prints the pages, for looking at.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/plan_text.h"
#include "tools/text_out.h"

static bool show;

static void add_port(struct pt_nic_request *req, const char *name, const char *driver, int node)
{
    struct pt_nic_port_request *port = &req->port[req->port_cnt++];

    snprintf(port->name, sizeof(port->name), "%s", name);
    port->caps = *pt_nic_caps_find(driver);
    port->caps.numa_node = (int16_t)node;
}

static struct pt_nic_request *request(unsigned core_cnt)
{
    struct pt_nic_request *req = malloc(sizeof(*req));

    assert_non_null(req);
    pt_nic_request_init(req);
    req->host.core_cnt = core_cnt;
    for (unsigned i = 0; i < core_cnt; i++)
        req->host.core[i] = (struct pt_host_core){
            .id = (uint16_t)i, .node = (int16_t)(i & 1), .physical = (uint16_t)i, .isolated = i > 1
        };
    return req;
}

static char *page(const struct pt_nic_request *req, const struct pt_host_problems *problems)
{
    struct pt_nic_plan *plan = malloc(sizeof(*plan));
    struct pt_nic_error err = { "" };
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    assert_non_null(f);
    if (pt_nic_plan_make(req, plan, &err))
        fail_msg("%s", err.text);
    pt_plan_text(req, plan, problems, &(struct pt_plan_text_cfg){ .colour = false }, f);
    fclose(f);
    free(plan);
    if (show)
        fputs(text, stdout);
    return text;
}

static void check_page(const char *text, const char *const *parts)
{
    for (; *parts; parts++) {
        if (!strstr(text, *parts))
            fail_msg("not on the page: %s\n%s", *parts, text);
    }
    for (const char *at = text; *at;) {
        size_t len = strcspn(at, "\n");

        if (len > PT_TEXT_COLUMNS)
            fail_msg("%zu columns: %.*s", len, (int)len, at);
        for (size_t i = 0; i < len; i++)
            assert_in_range((unsigned char)at[i], 0x20, 0x7e);
        at += len + (at[len] == '\n');
    }
}

static void test_cards(void **state)
{
    static const char *const parts[] = {
        "Capture plan: 2 ports, 4 workers, 1 shard\n",
        "  0000:81:00.0 (mlx5_pci, 100 Gbit/s, NUMA node 1, link 3)\n",
        "    both ways meet  symmetric hash key\n",
        "    hash            key 6d5a repeated to 40 bytes; IPv4: addresses and TCP ports;\n",
        "                    IPv6: addresses and TCP ports; table of 512\n",
        "    queues          4 of 1024 with 4096 descriptors each: 0 on core 3, 1 on core 5,",
        "    frames          up to 1526 bytes, MTU 1500\n",
        "    lets in         only TCP ports 9092, 9093 (9 flow rules)\n",
        "    timestamps      device clock\n",
        "  core 3    node 1   worker 0, polls 2 queues\n",
        "  core 11   node 1   shard 0\n",
        "  node 1: 34815 buffers of 2368 bytes (2048 for a frame), at least 34560 needed: 79 MiB\n",
        "  79 MiB in all, in huge pages\n",
        "  zstd           1.6 Gbit/s\n",
        "  your mix      22.9 Gbit/s\n",
        "  all workers   91.8 Gbit/s of 200 Gbit/s that the ports can deliver\n",
        "  ! 0000:81:00.0, 0000:81:00.1: what mlx5_pci can do is taken from its driver's source",
        "whole partitions are shed and reported as unseen; about 9 workers would do\n",
        NULL,
    };
    struct pt_nic_request *req = request(16);
    char *text;

    (void)state;
    add_port(req, "0000:81:00.0", "mlx5_pci", 1);
    add_port(req, "0000:81:00.1", "mlx5_pci", 1);
    req->port[0].link = req->port[1].link = 3;
    req->worker_cnt = 4;
    req->shard_cnt = 1;
    req->keep_only_brokers = true;
    req->broker_port[0] = 9092;
    req->broker_port[1] = 9093;
    req->broker_port_cnt = 2;
    req->huge = true;
    req->host.huge_free_sz[1] = 1u << 30;
    text = page(req, NULL);
    check_page(text, parts);
    assert_null(strstr(text, "To be mended"));
    /* What is true of both ports is said once. */
    assert_null(strstr(strstr(text, "its driver's source") + 1, "its driver's source"));
    free(text);
    free(req);
}

static void test_files(void **state)
{
    static const char *const parts[] = {
        "Capture plan: 2 ports, 2 workers, 0 shards (in the workers' loops)\n",
        "  net_pcap0,rx_pcap=s.pcap (net_pcap)\n",
        "  net_pcap1,rx_pcap=\\x1b[31mt.pcap (net_pcap)\n",
        "    both ways meet  handed over in software\n",
        "    queues          1 of 1 with 1024 descriptors: 0 on core 1\n",
        "    lets in         everything\n",
        "    timestamps      time of the capture\n",
        "in all, without huge pages\n",
        "net_pcap cannot spread packets over queues by a hash\n",
        "To be mended on this host first\n",
        "  x the vfio-pci driver is not loaded -> modprobe vfio-pci\n",
        NULL,
    };
    static const struct pt_host_problems problems = {
        .item = { { "the vfio-pci driver is not loaded", "modprobe vfio-pci" } },
        .cnt = 1,
    };
    struct pt_nic_request *req = request(2);
    char *text;

    (void)state;
    add_port(req, "net_pcap0,rx_pcap=s.pcap", "net_pcap", -1);
    add_port(req, "net_pcap1,rx_pcap=\033[31mt.pcap", "net_pcap", -1);
    req->worker_cnt = 2;
    text = page(req, &problems);
    check_page(text, parts);
    free(text);
    free(req);
}

/* Every card and vdev with everything asked for at once: the page keeps its width. */
static void test_width(void **state)
{
    static const char *const none[] = { NULL };

    (void)state;
    for (size_t i = 0; i < pt_nic_caps_cnt(); i++) {
        for (unsigned form = 0; form < 8; form++) {
            struct pt_nic_request *req = request(96);
            char *text;

            add_port(req, "0000:81:00.0", pt_nic_caps_row(i)->driver, 0);
            req->worker_cnt = form & 1 ? 64 : 3;
            req->encapsulated = form & 2;
            req->keep_only_brokers = form & 4;
            req->broker_port_cnt = PT_NIC_BROKER_PORTS_MAX;
            for (unsigned b = 0; b < PT_NIC_BROKER_PORTS_MAX; b++)
                req->broker_port[b] = (uint16_t)(49000 + b);
            text = page(req, NULL);
            check_page(text, none);
            free(text);
            free(req);
        }
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cards),
        cmocka_unit_test(test_files),
        cmocka_unit_test(test_width),
    };

    show = argc > 1 && !strcmp(argv[1], "-p");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
