/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What goes wrong before a packet comes has words that say what to do; and what must go right as
 * root, as nobody, without huge pages and with them, under a memory limit that is too small. EAL
 * starts once in a process, so that each row is a child of its own that sends back its sentence.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "tests/unit/port_util.h"

#define NOBODY 65534

static char plain[512];  /* a whole capture */
static char cooked[512]; /* of another link type */

struct outcome {
    int ret;
    uint64_t packet_cnt;
    struct pt_port_error err;
};

/* The child's work: start, and read the first port's file as capture.h does. */
static void attempt(struct rig *r, bool compares, struct outcome *o)
{
    struct compare c = { 0 };
    const char *words;

    o->ret = rig_start(r, &o->err);
    if (!o->ret)
        o->ret = rig_apply(r, &o->err);
    if (o->ret || !compares)
        return;
    c.port = r->port[0];
    if (pt_capture_open(plain, &c.cap, &words) || pt_ports_run(0, compare_run, &c))
        abort();
    pt_ports_join();
    snprintf(o->err.text, sizeof(o->err.text), "%s", c.differs);
    o->packet_cnt = c.packet_cnt;
    pt_port_close(r->port[0]);
    pt_ports_stop();
}

static void in_child(struct rig *r, void (*before)(void), bool compares, struct outcome *o)
{
    int pipe_fd[2];
    pid_t pid;

    assert_int_equal(pipe(pipe_fd), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        int null = open("/dev/null", O_WRONLY);

        /* EAL says its FATAL there, and how it is used, whatever we ask. */
        dup2(null, 1);
        dup2(null, 2);
        if (before)
            before();
        memset(o, 0, sizeof(*o));
        rig_init(r);
        attempt(r, compares, o);
        _exit(write(pipe_fd[1], o, sizeof(*o)) != sizeof(*o));
    }
    close(pipe_fd[1]);
    memset(o, 0, sizeof(*o));
    if (read(pipe_fd[0], o, sizeof(*o)) != sizeof(*o)) /* less than a pipe holds: whole, or not */
        snprintf(o->err.text, sizeof(o->err.text), "the child died");
    close(pipe_fd[0]);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    print_message("  %s\n", o->err.text);
}

/* --- what is refused --- */

static void become_nobody(void)
{
    if (setgid(NOBODY) || setuid(NOBODY))
        abort();
}

/* There in a program with AddressSanitizer, which takes more address space than any limit. */
void __asan_init(void) __attribute__((weak));

static void little_memory(void)
{
    struct rlimit limit = { .rlim_cur = 700u << 20, .rlim_max = 700u << 20 };

    if (setrlimit(RLIMIT_AS, &limit))
        abort();
}

struct row {
    const char *device[2];
    const char *arg;
    int core; /* of the main thread; 0: any */
    uint64_t pool_sz;
    bool huge;
    void (*before)(void);
    int ret;
    const char *says[3];
    const char *why;
};

static const struct row rows[] = {
    { .device = { "net_pcap0,rx_pcap=/nowhere/a.pcap" },
      .ret = -ENOENT,
      .says = { "/nowhere/a.pcap: cannot be opened: No such file" },
      .why = "no such file" },
    { .device = { "net_pcap0,rx_pcap=/etc/passwd" },
      .ret = -EINVAL,
      .says = { "/etc/passwd: is no capture" },
      .why = "no capture" },
    { .device = { "net_pcap0,rx_pcap=/dev/null" },
      .ret = -EINVAL,
      .says = { "/dev/null: is no regular file", "paritap replay" },
      .why = "a pipe or device would be eaten by looking at it" },
    { .device = { "net_pcap0,rx_pcap=$packed" },
      .ret = -EINVAL,
      .says = { "compressed with gzip", "gunzip -k", "paritap replay" },
      .why = "gzip" },
    { .device = { "net_pcap0,rx_pcap=$cooked" },
      .ret = -EINVAL,
      .says = { "link type 113 (LINUX_SLL)", "Ethernet only" },
      .why = "a file of another link type" },
    { .device = { "net_pcap0,rx_pcap=$plain", "net_pcap1,rx_pcap=/nowhere/b.pcap" },
      .ret = -ENOENT,
      .says = { "/nowhere/b.pcap" },
      .why = "the second device is looked at too" },
    { .device = { "net_pcap0,iface=nowhere0" },
      .ret = -ENODEV,
      .says = { "no interface nowhere0 here", "lo" },
      .why = "no such interface" },
    { .device = { "net_af_packet0,iface=nowhere0" },
      .ret = -ENODEV,
      .says = { "no interface nowhere0 here" },
      .why = "the same for other drivers" },
    { .device = { "net_pcap0,iface=lo" },
      .before = become_nobody,
      .ret = -EPERM,
      .says = { "not allowed", "setcap cap_net_raw" },
      .why = "no permission" },
    { .device = { "net_pcap0,rx_pcap=$plain,tx_iface=lo" },
      .ret = -EINVAL,
      .says = { "tx_iface= is not taken", "sends nothing" },
      .why = "nothing is ever sent" },
    { .device = { "net_pcap0,rx_pcap=$plain", "net_pcap0,rx_pcap=$plain" },
      .ret = -EINVAL,
      .says = { "net_pcap0 is named twice", "net_pcap1" },
      .why = "EAL would take one of them" },
    { .device = { "lo" },
      .ret = -EINVAL,
      .says = { "is an interface of the kernel", "net_af_packet0,iface=lo" },
      .why = "an interface instead of a device" },
    { .device = { "mlx5" },
      .ret = -EINVAL,
      .says = { "is no device", "0000:81:00.0" },
      .why = "neither an address nor a driver of ours" },
    { .device = { "net_nothing0" },
      .ret = -ENODEV,
      .says = { "DPDK does not start", "net_nothing0", "net_af_packet" },
      .why = "an unknown driver" },
    { .device = { "net_null0,sise=64", "net_null1" },
      .ret = -ENODEV,
      .says = { "net_null0,sise=64: DPDK has no such device", "it found: net_null1", "spelt" },
      .why = "an argument that the driver does not know" },
    { .device = { "0000:fe:1f.7" },
      .ret = -ENODEV,
      .says = { "0000:fe:1f.7: DPDK has no such device", "vfio-pci" },
      .why = "no such card" },
    { .device = { "net_null0" },
      .core = 4000,
      .ret = -EINVAL,
      .says = { "core 4000 does not exist", "lscpu -e" },
      .why = "no such core" },
    { .device = { "net_null0" },
      .arg = "--no-such-option",
      .ret = -EINVAL,
      .says = { "DPDK does not start", "behind --" },
      .why = "the operator's own arguments" },
    { .device = { "net_null0" },
      .pool_sz = UINT64_C(1) << 46,
      .ret = -ENOMEM,
      .says = { "packet buffers need", "MiB left" },
      .why = "more than this host has" },
    { .device = { "net_null0" },
      .pool_sz = UINT64_C(600) << 20,
      .before = little_memory,
      .ret = -ENOMEM,
      .says = { "DPDK does not start", "ulimit -v" },
      .why = "more than the process may have" },
    { .device = { "net_null0" },
      .arg = "-m4",
      .ret = -ENOMEM,
      .says = { "net_null0: no memory for 2047 buffers", "leave out EAL's -m" },
      .why = "the operator gives EAL too little" },
    { .device = { "net_null0" },
      .pool_sz = UINT64_C(1) << 46,
      .huge = true,
      .ret = -ENOMEM,
      .says = { "huge pages of", "nr_hugepages", "--no-huge" },
      .why = "more huge pages than there are" },
};

/* $plain, $packed and $cooked stand for files. */
static const char *expand(const char *device, char *text, size_t text_sz)
{
    const char *mark = device ? strchr(device, '$') : NULL;
    char packed[512];
    const char *file = plain;

    if (!mark)
        return device;
    if (!strncmp(mark, "$packed", 7))
        file = capture_path("pairs/odd-source.pcap.gz", packed, sizeof(packed));
    else if (!strncmp(mark, "$cooked", 7))
        file = cooked;
    snprintf(text, text_sz, "%.*s%s%s", (int)(mark - device), device, file,
             mark + 1 + strcspn(mark + 1, ","));
    return text;
}

static void test_refused(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ROWS(rows); i++) {
        const struct row *row = &rows[i];
        struct rig r = { .main_core = row->core ? row->core : -1, .huge = row->huge };
        struct outcome o;
        char text[2][600];

        if ((row->before == become_nobody && getuid()) ||
            (row->before == little_memory && __asan_init))
            continue;
        print_message("%s\n", row->why);
        for (; r.device_cnt < 2 && row->device[r.device_cnt]; r.device_cnt++)
            r.device[r.device_cnt] = expand(row->device[r.device_cnt], text[r.device_cnt], 600);
        r.pool_sz = row->pool_sz;
        r.arg[0] = row->arg;
        r.arg_cnt = row->arg != NULL;
        in_child(&r, row->before, false, &o);
        assert_int_equal(o.ret, row->ret);
        for (unsigned w = 0; w < 3 && row->says[w]; w++)
            assert_non_null(strstr(o.err.text, row->says[w]));
    }
}

/* --- what works --- */

static void check_reads(struct rig *r, void (*before)(void))
{
    char text[600];
    struct outcome o;

    r->device[0] = expand("net_pcap0,rx_pcap=$plain", text, sizeof(text));
    r->device_cnt = 1;
    r->main_core = -1;
    in_child(r, before, true, &o);
    assert_string_equal(o.err.text, "");
    assert_int_equal(o.ret, 0);
    assert_true(o.packet_cnt > 40);
}

static void test_as_nobody(void **state)
{
    struct rig r = { 0 };

    (void)state;
    check_reads(&r, getuid() ? NULL : become_nobody);
}

/* Several threads on one core, and the operator's arguments. */
static void test_one_core(void **state)
{
    struct rig r = { .worker_cnt = 7, .arg = { "--log-level=error" }, .arg_cnt = 1 };

    (void)state;
    check_reads(&r, NULL);
}

#define PAGES "/proc/sys/vm/nr_hugepages"
#define PAGE_CNT 96

static long page_cnt(long set)
{
    FILE *f = fopen(PAGES, set < 0 ? "r" : "w");
    long cnt = -1;

    if (!f)
        return -1;
    if (set >= 0)
        cnt = fprintf(f, "%ld\n", set) > 0 ? set : -1;
    else if (fscanf(f, "%ld", &cnt) != 1)
        cnt = -1;
    return fclose(f) ? -1 : cnt;
}

static long pages_before = -1;

static void test_huge(void **state)
{
    struct rig r = { .huge = true };

    (void)state;
    pages_before = page_cnt(-1);
    if (pages_before < 0 || page_cnt(pages_before + PAGE_CNT) < 0 ||
        page_cnt(-1) < pages_before + PAGE_CNT) {
        print_message("  huge pages cannot be reserved here\n");
        skip();
    }
    check_reads(&r, NULL);
}

static int give_pages_back(void **state)
{
    (void)state;
    if (pages_before >= 0)
        page_cnt(pages_before);
    return 0;
}

static int set_up(void **state)
{
    static const uint8_t head[24] = { 0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, [18] = 1, [20] = 113 };
    int fd;

    (void)state;
    unpack("pairs/odd-source.pcap.gz", plain, sizeof(plain));
    unpack("pairs/odd-target.pcap.gz", cooked, sizeof(cooked));
    fd = open(cooked, O_WRONLY | O_TRUNC);
    return write(fd, head, sizeof(head)) != sizeof(head) || close(fd);
}

static int tear_down(void **state)
{
    (void)state;
    unlink(plain);
    unlink(cooked);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_as_nobody),
        cmocka_unit_test(test_one_core),
        cmocka_unit_test_teardown(test_huge, give_pages_back),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
