/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ports on interfaces of the kernel, in a network namespace that dies with the test: frames that
 * are sent over a wire there arrive through each driver, none is sent by us, and only the drivers
 * that insist on sending queues have some. Needs root; each device is a child of its own.
 */
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>

#include "tests/unit/port_util.h"

#define SENT 200u
#define FRAME 1000u

struct outcome {
    int ret;
    unsigned seen;       /* of the payloads */
    unsigned sent_by_us; /* frames */
    struct pt_port_state state;
    struct pt_port_counters cnt;
    bool late; /* a packet's time is not of this minute */
    struct pt_port_error err;
};

/* Frames that we sent: on a wire those that went out, on a tap those that came in. */
static unsigned long sent_frames(const char *name)
{
    char line[512];
    unsigned long in = 0;
    unsigned long out = 0;
    FILE *f = fopen("/proc/self/net/dev", "r");

    while (f && fgets(line, sizeof(line), f)) {
        char *colon = strchr(line, ':');

        if (colon && !strncmp(line + strspn(line, " "), name, strlen(name)))
            sscanf(colon + 1, "%*u %lu %*u %*u %*u %*u %*u %*u %*u %lu", &in, &out);
    }
    if (f)
        fclose(f);
    return strncmp(name, "dtap", 4) ? out : in;
}

static void run(char *const *argv)
{
    pid_t pid;
    int status = 0;

    if (posix_spawnp(&pid, argv[0], NULL, NULL, argv, environ) || waitpid(pid, &status, 0) != pid ||
        status)
        _exit(77);
}

/* Two ends of a wire, on which the kernel itself says nothing. */
static void lay_wire(void)
{
    static const char quiet[] = "/proc/sys/net/ipv6/conf/default/disable_ipv6";
    char *add[] = { "ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1", NULL };
    char *up0[] = { "ip", "link", "set", "v0", "up", NULL };
    char *up1[] = { "ip", "link", "set", "v1", "up", NULL };
    int fd = open(quiet, O_WRONLY);

    if (fd >= 0 && write(fd, "1", 1) != 1)
        _exit(77);
    close(fd);
    run(add);
    run(up0);
    run(up1);
}

/* Frames of a type for experiments, which no host answers. */
static void send_some(void)
{
    uint8_t frame[FRAME] = { 2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x88, 0xb5 };
    struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex("v0") };
    int fd = socket(AF_PACKET, SOCK_RAW, 0);

    memset(frame + 14, 0x5a, sizeof(frame) - 14);
    for (unsigned i = 0; i < SENT; i++) {
        if (sendto(fd, frame, sizeof(frame), 0, (struct sockaddr *)&to, sizeof(to)) < 0)
            abort();
    }
    close(fd);
}

/* Frames of ours, until none came for a while. */
static void receive(struct pt_port *p, struct outcome *o)
{
    struct timespec pause = { .tv_nsec = 1000000 };
    struct pt_rx rx[PT_NIC_BURST];
    unsigned idle = 0;

    while (idle < 300) {
        unsigned cnt = pt_port_burst(p, 0, rx, PT_NIC_BURST);

        for (unsigned i = 0; i < cnt; i++) {
            const struct pt_frame *f = &rx[i].frame;

            o->seen += f->cap_len == FRAME && f->data[FRAME - 1] == 0x5a;
            o->late |= llabs(f->time_ns / 1000000000 - time(NULL)) > 60;
            pt_port_free(&rx[i].buf, 1);
        }
        if (!cnt)
            nanosleep(&pause, NULL);
        idle = cnt ? 0 : idle + 1;
    }
}

static void attempt(const char *device, const char *interface, bool feed, struct outcome *o)
{
    static struct rig r;
    unsigned long before;

    lay_wire();
    r.device[0] = device;
    r.device_cnt = 1;
    r.main_core = -1;
    rig_init(&r);
    before = sent_frames(interface);
    o->ret = rig_start(&r, &o->err);
    if (!o->ret)
        o->ret = rig_apply(&r, &o->err);
    if (o->ret)
        return;
    if (feed)
        send_some();
    receive(r.port[0], o);
    o->state = *pt_port_state(r.port[0]);
    pt_port_counters(r.port[0], &o->cnt);
    o->sent_by_us = (unsigned)(sent_frames(interface) - before);
    pt_port_close(r.port[0]);
    pt_ports_stop();
}

static bool in_child(const char *device, const char *interface, bool feed, struct outcome *o)
{
    int pipe_fd[2];
    int status = 0;
    bool got;
    pid_t pid;

    assert_int_equal(pipe(pipe_fd), 0);
    pid = fork();
    assert_true(pid >= 0);
    if (!pid) {
        int null = open("/dev/null", O_WRONLY);

        dup2(null, 2); /* libxdp talks much */
        memset(o, 0, sizeof(*o));
        if (unshare(CLONE_NEWNET))
            _exit(77);
        attempt(device, interface, feed, o);
        _exit(write(pipe_fd[1], o, sizeof(*o)) != sizeof(*o));
    }
    close(pipe_fd[1]);
    got = read(pipe_fd[0], o, sizeof(*o)) == sizeof(*o);
    close(pipe_fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
        return false;
    assert_true(got);
    print_message("  %s: seen %u, sending queues %u %s\n", device, o->seen, o->state.tx_queue_cnt,
                  o->err.text);
    return true;
}

static void test_interfaces(void **state)
{
    static const struct {
        const char *device;
        const char *interface;
        unsigned seen;
        unsigned tx_queue_cnt;
        uint8_t clock;
    } rows[] = {
        { "net_pcap0,iface=v1", "v1", SENT, 0, PT_NIC_CLOCK_CAPTURE },
        { "net_pcap0,rx_iface=v1", "v1", SENT, 0, PT_NIC_CLOCK_CAPTURE },
        { "net_pcap0,rx_iface_in=v1", "v1", SENT, 0, PT_NIC_CLOCK_CAPTURE },
        { "net_af_packet0,iface=v1,blocksz=1048576,framesz=2048,framecnt=4096", "v1", SENT, 0,
          PT_NIC_CLOCK_SOFTWARE },
        /* rte_eth_tap.c, tap_dev_configure: as many sending queues as receiving ones. */
        { "net_tap0,iface=dtap0", "dtap0", 0, 1, PT_NIC_CLOCK_SOFTWARE },
        /* rte_eth_af_xdp.c, eth_dev_configure: the same. */
        { "net_af_xdp0,iface=v1", "v1", SENT, 1, PT_NIC_CLOCK_SOFTWARE },
    };

    (void)state;
    for (unsigned i = 0; i < ROWS(rows); i++) {
        struct outcome o;

        if (!in_child(rows[i].device, rows[i].interface, rows[i].seen > 0, &o))
            skip(); /* not root, or no such wires here */
        assert_string_equal(o.err.text, "");
        assert_int_equal(o.seen, rows[i].seen);
        assert_true(o.cnt.packets >= o.seen);
        assert_int_equal(o.cnt.missed + o.cnt.no_buffer + o.cnt.errors, 0);
        assert_int_equal(o.state.tx_queue_cnt, rows[i].tx_queue_cnt);
        assert_int_equal(o.state.clock, rows[i].clock);
        assert_int_equal(o.sent_by_us, 0);
        assert_true(o.state.promiscuous);
        assert_false(o.late);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interfaces),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
