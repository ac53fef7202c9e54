/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A host is read from its /sys: a made-up one of two sockets with hyper-threads, isolated and
 * offline cores, huge pages of two sizes and cards in several states, written into a temporary
 * folder as the kernel writes it; and this very host, against what the C library says of it. Each
 * problem comes with a command.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hw/host.h"

#define CPU "/sys/devices/system/cpu/"
#define NODE "/sys/devices/system/node/"

static char root[64];

static void make_folders(char *path)
{
    for (char *at = path + strlen(root) + 1; (at = strchr(at, '/')); at++) {
        *at = 0;
        mkdir(path, 0755);
        *at = '/';
    }
}

static void put(const char *path, const char *text)
{
    char full[256];
    FILE *f;

    snprintf(full, sizeof(full), "%s%s", root, path);
    make_folders(full);
    f = fopen(full, "w");
    assert_non_null(f);
    fprintf(f, "%s\n", text);
    fclose(f);
}

static void put_card(const char *address, const char *driver)
{
    char full[256];
    char target[128];

    snprintf(full, sizeof(full), "%s/sys/bus/pci/devices/%s/driver", root, address);
    make_folders(full);
    if (!driver)
        return;
    snprintf(target, sizeof(target), "../../../bus/pci/drivers/%s", driver);
    assert_int_equal(symlink(target, full), 0);
}

static int set_up(void **state)
{
    char path[160];
    char text[32];

    (void)state;
    snprintf(root, sizeof(root), "/tmp/paritap-host-XXXXXX");
    if (!mkdtemp(root))
        return -1;
    put(CPU "online", "0-2,4-7");
    put(CPU "isolated", "2,6-7");
    put(NODE "node0/cpulist", "0-1,4-5");
    put(NODE "node1/cpulist", "2-3,6-7");
    for (unsigned i = 0; i < 8; i++) {
        snprintf(path, sizeof(path), CPU "cpu%u/topology/thread_siblings_list", i);
        snprintf(text, sizeof(text), "%u,%u", i % 4, i % 4 + 4);
        put(path, text);
    }
    put(NODE "node0/hugepages/hugepages-2048kB/free_hugepages", "100");
    put(NODE "node1/hugepages/hugepages-2048kB/free_hugepages", "28");
    put(NODE "node1/hugepages/hugepages-1048576kB/free_hugepages", "2");
    put_card("0000:81:00.0", "ixgbe");
    put_card("0000:81:00.1", "vfio-pci");
    put_card("0000:c1:00.0", "mlx5_core");
    put_card("0000:c2:00.0", NULL);
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
    (void)st;
    (void)flag;
    (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    (void)state;
    return nftw(root, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static void test_made_up(void **state)
{
    static const struct pt_host_core expected[] = {
        { 0, 0, 0, false }, { 1, 0, 1, false }, { 2, 1, 2, true }, { 4, 0, 0, false },
        { 5, 0, 1, false }, { 6, 1, 2, true },  { 7, 1, 3, true },
    };
    struct pt_host host;

    (void)state;
    assert_int_equal(pt_host_read(root, &host), 0);
    assert_int_equal(host.core_cnt, 7);
    for (unsigned i = 0; i < host.core_cnt; i++) {
        assert_int_equal(host.core[i].id, expected[i].id);
        assert_int_equal(host.core[i].node, expected[i].node);
        assert_int_equal(host.core[i].physical, expected[i].physical);
        assert_int_equal(host.core[i].isolated, expected[i].isolated);
    }
    assert_null(pt_host_core_find(&host, 3)); /* offline */
    assert_non_null(pt_host_core_find(&host, 7));
    /* 2 GiB in two large pages are more than 256 MiB in small ones. */
    assert_int_equal(host.huge_page_sz, 1u << 30);
    assert_int_equal(host.huge_free_sz[0], 0);
    assert_int_equal(host.huge_free_sz[1], 2ull << 30);
    assert_false(host.iommu);
    assert_false(host.vfio);
    put("/sys/kernel/iommu_groups/0/type", "DMA");
    put("/sys/bus/pci/drivers/vfio-pci/new_id", "");
    assert_int_equal(pt_host_read(root, &host), 0);
    assert_true(host.iommu);
    assert_true(host.vfio);
}

static const struct card {
    const char *why;
    const char *address;
    const char *text; /* NULL: ready */
    const char *command;
} cards[] = {
    { "the kernel has it", "0000:81:00.0", "bound to ixgbe", "--bind=vfio-pci 0000:81:00.0" },
    { "the same without its domain", "81:00.0", "bound to ixgbe", "0000:81:00.0" },
    { "ready", "0000:81:00.1", NULL, NULL },
    { "shared with the kernel", "0000:c1:00.0", NULL, NULL },
    { "nobody has it", "0000:c2:00.0", "bound to no driver", "--bind=vfio-pci" },
    { "mistyped", "0000:81:00.7", "no PCI device", "lspci" },
};

static void test_cards(void **state)
{
    static const struct pt_host host = { .iommu = true, .vfio = true };
    static const struct pt_host bare;
    struct pt_host_problems problems;

    (void)state;
    for (size_t i = 0; i < sizeof(cards) / sizeof(cards[0]); i++) {
        problems.cnt = 0;
        print_message("  %s\n", cards[i].why);
        assert_true(pt_host_is_pci(cards[i].address));
        pt_host_check_pci(root, &host, cards[i].address, &problems);
        assert_int_equal(problems.cnt, cards[i].text ? 1 : 0);
        if (!cards[i].text)
            continue;
        assert_non_null(strstr(problems.item[0].text, cards[i].text));
        assert_non_null(strstr(problems.item[0].command, cards[i].command));
    }
    problems.cnt = 0;
    pt_host_check_pci(root, &bare, "0000:81:00.0", &problems);
    assert_int_equal(problems.cnt, 3);
    assert_non_null(strstr(problems.item[1].command, "modprobe vfio-pci"));
    assert_non_null(strstr(problems.item[2].command, "intel_iommu=on"));
    assert_false(pt_host_is_pci("net_pcap0,rx_pcap=a.pcap"));
    assert_false(pt_host_is_pci("eth0"));
    assert_false(pt_host_is_pci("0000:81:00.0,x"));
}

/* More trouble than there is room for. */
static void test_bound(void **state)
{
    static const struct pt_host bare;
    struct pt_host_problems problems = { .cnt = 0 };

    (void)state;
    for (unsigned i = 0; i < 2 * PT_HOST_PROBLEMS_MAX; i++)
        pt_host_check_pci(root, &bare, "0000:ff:00.0", &problems);
    assert_int_equal(problems.cnt, PT_HOST_PROBLEMS_MAX);
}

static void test_this_host(void **state)
{
    struct pt_host host;

    (void)state;
    assert_int_equal(pt_host_read("", &host), 0);
    assert_int_equal(host.core_cnt, sysconf(_SC_NPROCESSORS_ONLN));
    assert_int_equal(pt_host_read("/nonexistent", &host), -ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_made_up, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_cards, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_bound, set_up, tear_down),
        cmocka_unit_test(test_this_host),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
