/* SPDX-License-Identifier: Apache-2.0 */
/* The live capture: options, life, and reports. Everything else is dataplane/live.h. */
#include <errno.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "dataplane/live.h"
#include "tools/finding_file.h"
#include "tools/options.h"
#include "tools/plan_text.h"
#include "tools/privilege.h"
#include "tools/report_json.h"
#include "tools/report_text.h"

#define SEGMENT_DEFAULT "paritap"

static const char help[] =
        "paritapd: do two Kafka clusters carry the same records? Live, from SPAN ports.\n"
        "\n"
        "  paritapd [-c FILE] --source PORT... --target PORT... [-- DPDK OPTIONS]\n"
        "  paritapd [-c FILE] --ports PORT... --source-brokers LIST --target-brokers LIST\n"
        "\n"
        "It receives only; nothing is ever sent. A PORT is what DPDK calls a device: a PCI "
        "address\n"
        "(0000:81:00.0), or a virtual device: net_pcap0,iface=eth1 for an interface of the "
        "kernel,\n"
        "net_pcap0,rx_pcap=FILE for a capture (pcap, not compressed).\n"
        "\n"
        "Examples\n"
        "  A first try, from two captures, without any set-up:\n"
        "    paritapd --no-huge --source net_pcap0,rx_pcap=s.pcap --target "
        "net_pcap1,rx_pcap=t.pcap "
        "\\\n"
        "             --exit-when-idle 2 --json out.json\n"
        "  From two interfaces of the kernel, up to a few Gbit/s:\n"
        "    paritapd --no-huge --source net_pcap0,iface=eth1 --target net_pcap1,iface=eth2\n"
        "  One mirror port that sees both clusters:\n"
        "    paritapd --no-huge --ports net_pcap0,iface=eth1 --source-brokers 10.0.1.0/24 \\\n"
        "             --target-brokers 10.0.2.0/24\n"
        "  Two cards on bare metal, three workers; first what would be done, then do it:\n"
        "    paritapd --plan --source 0000:81:00.0 --target 0000:81:00.1 --workers 3\n"
        "    paritapd --source 0000:81:00.0 --target 0000:81:00.1 --workers 3 --cores 2,3,4,5 \\\n"
        "             --idle poll --user nobody\n"
        "  Meanwhile, in another terminal, as any user that may read the segment:\n"
        "    paritap top            paritap report --follow\n"
        "\n"
        "Which ports\n"
        "  --source PORT...       ports that see only the source cluster\n"
        "  --target PORT...       ports that see only the target cluster\n"
        "  --ports PORT...        ports that see both\n"
        "  --source-brokers LIST  the source's brokers: ADDRESS[/PREFIX][:PORT], with commas\n"
        "  --target-brokers LIST  the target's brokers\n"
        "How it runs\n"
        "  --workers NUMBER       threads that poll and read, each on a core of its own (1)\n"
        "  --cores LIST           cores of the workers, then that of the verifying thread\n"
        "  --no-huge              buffers in ordinary pages: nothing to set up, slower\n"
        "  --idle sleep|poll      without packets: sleep for up to 0.1 ms (default), or poll on\n"
        "  --exit-when-idle TIME  end when no packet came for this long (2, 10s, 5m)\n"
        "  --user NAME            become this user when the ports are open\n"
        "  --memory SIZE          the whole budget, for example 4GiB\n"
        "  --plan                 show queues, cores and buffers, and what a core can carry; stop\n"
        "What is compared, and what is asked for\n"
        "  --map, --alias, --exclude, --include, --min-coverage, --max-lag: as paritap replay\n"
        "  --topic-ids source=FILE, target=FILE, --learn FILE: as paritap replay\n"
        "What is shown\n"
        "  --json FILE            the whole report, at the end and whenever SIGUSR1 comes\n"
        "  --findings FILE        findings as JSON lines, appended as they come\n"
        "  --segment NAME         shared memory for paritap top and report (" SEGMENT_DEFAULT ")\n"
        "  --all, --quiet, --no-color   as paritap replay\n"
        "  -c, --config FILE      YAML with any of these and all limits\n"
        "  --print-config         show what is in force as YAML, and stop\n"
        "  --version\n"
        "\n"
        "SIGTERM or Ctrl-C ends the run: what is under way is worked off, the last report "
        "written.\n"
        "\n"
        "Exit code\n"
        "  0  parity   1  divergence   3  inconclusive   2  it could not start\n";

struct daemon {
    struct pt_options o;
    struct pt_live *live;
    struct pt_privilege user;
    struct pt_segment_reader reader; /* of our own segment, for the file of findings */
    struct pt_finding_file finding_file;
    bool has_finding_file;
};

/* The only state that a signal handler may touch. NULL: the run has not begun. */
static struct pt_live *running;
static volatile sig_atomic_t asked_early;

static void on_signal(int sig)
{
    if (!running)
        asked_early = 1;
    else if (sig == SIGUSR1)
        pt_live_want_report(running);
    else
        pt_live_stop(running);
}

static int complain(const char *what)
{
    fprintf(stderr, "paritapd: %s\n", what);
    return PT_EXIT_USAGE;
}

static void fill_inputs(const struct pt_live_state *s, struct pt_report_input *inputs)
{
    for (size_t i = 0; i < s->port_cnt; i++) {
        const struct pt_live_port *p = &s->ports[i];

        inputs[i] = (struct pt_report_input){
            .role = p->role,
            .is_port = true,
            .name = p->device,
            .packets = p->packets,
            .bytes = p->bytes,
            .missed = p->device_counters.missed,
            .no_buffer = p->device_counters.no_buffer,
            .errors = p->device_counters.errors,
            .lost = p->given_up,
        };
    }
}

/* A report is whole or not there: it is written beside its place and then moved. */
static int write_json(const struct pt_report *r, const char *path)
{
    char beside[PT_CONFIG_PATH_MAX + 8];
    FILE *f;
    int rc;

    if (!strcmp(path, "-"))
        return pt_report_json(r, stdout) || fflush(stdout) ? -EIO : 0;
    snprintf(beside, sizeof(beside), "%s.part", path);
    f = fopen(beside, "w");
    if (!f)
        return -errno;
    rc = pt_report_json(r, f);
    if (fclose(f) && !rc)
        rc = -errno;
    return rc ? rc : rename(beside, path) ? -errno : 0;
}

static void report(void *arg, const struct pt_live_state *s)
{
    const struct daemon *d = arg;
    const struct pt_config *cfg = &d->o.cfg;
    const char *path = d->o.json_path;
    struct pt_error err;
    struct pt_report_input inputs[PT_NIC_PORTS_MAX];
    const struct pt_report_text_cfg text = {
        .all = d->o.all,
        .verdict_only = d->o.quiet,
        .colour = !d->o.no_color,
    };
    struct pt_report r = {
        .verdict = s->result->verdict,
        .stopped = s->stopped,
        .result = s->result,
        .inputs = inputs,
        .input_cnt = s->port_cnt,
        .packets = &s->totals->packets,
        .fragments = &s->totals->fragments,
        .mirror = &s->totals->mirror,
        .streams = &s->totals->streams,
        .parser = &s->totals->parser,
        .loss = &s->totals->loss,
        .shard = s->shard,
        .apis = s->totals->apis,
        .api_cnt = s->totals->api_cnt,
        .conns = s->totals->conns,
        .conn_cnt = s->totals->conn_cnt,
        .mirrors = s->totals->mirrors,
        .mirror_cnt = s->totals->mirror_cnt,
        .live = s,
    };
    int rc = 0;

    fill_inputs(s, inputs);
    if (path)
        rc = write_json(&r, path);
    if (rc)
        fprintf(stderr, "paritapd: %s: the report cannot be written: %s\n", path, strerror(-rc));
    if (s->ended && !(path && !strcmp(path, "-")))
        pt_report_text(&r, &text, stdout);
    if (s->ended && cfg->learn_file[0] &&
        pt_topic_ids_save(&cfg->topic_ids, s->result, false, cfg->learn_file, &err))
        fprintf(stderr, "paritapd: %s\n", err.text);
}

static void housekeep(void *arg)
{
    struct daemon *d = arg;

    if (d->has_finding_file)
        pt_finding_file_poll(&d->finding_file, &d->reader);
}

/* Findings that nobody has written down yet. */
static void close_finding_file(struct daemon *d)
{
    if (!d->has_finding_file)
        return;
    while (pt_finding_file_poll(&d->finding_file, &d->reader))
        ;
    pt_finding_file_close(&d->finding_file);
    pt_segment_reader_close(&d->reader);
}

/* Files that are written when the run is over. */
static int can_write(const struct pt_options *o, struct pt_error *err)
{
    int rc = pt_privilege_can_write("--json", o->json_path ? o->json_path : "", err);

    return rc ? rc : pt_privilege_can_write("--learn", o->cfg.learn_file, err);
}

/* What needs root is done: the rest is done by whoever the run belongs to. Whoever waits a day for
 * a report wants it written: so its place is looked at now. */
static int settle_down(struct daemon *d, struct pt_error *err)
{
    const struct pt_config *cfg = &d->o.cfg;
    const struct pt_finding_file_cfg file = {
        .path = cfg->finding_file,
        .rotate_sz = cfg->finding_rotate_sz,
        .keep = cfg->finding_keep,
        .fsync = (enum pt_finding_fsync)cfg->finding_fsync,
    };
    bool wanted = cfg->finding_file[0];

    if (wanted && pt_segment_reader_open(&d->reader, cfg->segment_name))
        return pt_error_set(err, "%s", d->reader.trouble);
    if (pt_privilege_drop(&d->user, err) || can_write(&d->o, err))
        return -EPERM;
    if (wanted && pt_finding_file_open(&d->finding_file, &file, err))
        return -EIO;
    d->has_finding_file = wanted;
    return 0;
}

static int show_plan(const struct pt_options *o)
{
    static struct pt_nic_request req; /* too large for the stack */
    static struct pt_nic_plan plan;
    static struct pt_host_problems problems;
    const struct pt_plan_text_cfg text = { .colour = !o->no_color };
    struct pt_port_error err;

    if (pt_live_plan(&o->cfg.live, &req, &plan, &err))
        return complain(err.text);
    for (unsigned i = 0; i < req.port_cnt; i++)
        if (pt_host_is_pci(req.port[i].name))
            pt_host_check_pci("", &req.host, req.port[i].name, &problems);
    pt_plan_text(&req, &plan, &problems, &text, stdout);
    return 0;
}

static void greet(const struct daemon *d)
{
    const struct pt_nic_plan *plan = pt_live_plan_of(d->live);

    if (d->o.quiet || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr,
            "paritapd: capturing from %u port%s with %u worker%s. Watch it with: paritap top %s\n"
            "paritapd: Ctrl-C ends it with a report.\n",
            plan->port_cnt, plan->port_cnt == 1 ? "" : "s", plan->worker_cnt,
            plan->worker_cnt == 1 ? "" : "s", d->o.cfg.segment_name);
}

static void catch_signals(struct pt_live *live)
{
    struct sigaction act = { .sa_handler = on_signal };

    running = live;
    sigaction(SIGTERM, &act, NULL);
    act.sa_flags = (int)SA_RESETHAND; /* a second Ctrl-C ends it at once */
    sigaction(SIGINT, &act, NULL);
    if (asked_early)
        pt_live_want_report(live);
}

/* Live, nobody who writes to a cluster should know the key of the hashes; of files the report is to
 * be the same each time. */
static void choose_hash_key(struct pt_config *cfg)
{
    uint64_t key;
    bool files = true;

    for (int role = 0; role < PT_ROLE_CNT; role++)
        for (size_t i = 0; i < cfg->ports[role].cnt; i++)
            files = files && pt_port_is_file(cfg->ports[role].item[i]);
    if (!files && cfg->pipeline.parser.batch.hash_key == pt_parser_cfg_default.batch.hash_key &&
        getrandom(&key, sizeof(key), 0) == sizeof(key))
        cfg->pipeline.parser.batch.hash_key = key;
}

static int run(struct daemon *d)
{
    const struct pt_live_hooks hooks = { .arg = d, .report = report, .housekeep = housekeep };
    struct pt_config *cfg = &d->o.cfg;
    enum pt_verdict verdict = PT_VERDICT_INCONCLUSIVE;
    struct pt_port_error trouble;
    struct pt_error err;
    int rc;

    if (pt_privilege_find(cfg->user, &d->user, &err) || can_write(&d->o, &err))
        return complain(err.text);
    choose_hash_key(cfg);
    cfg->segment.program = "paritapd " PT_VERSION;
    if (pt_live_open(&cfg->live, &cfg->pipeline, cfg->segment_name[0] ? &cfg->segment : NULL,
                     &hooks, &d->live, &trouble))
        return complain(trouble.text);
    if (settle_down(d, &err)) {
        pt_live_close(d->live);
        return complain(err.text);
    }
    catch_signals(d->live);
    greet(d);
    rc = pt_live_run(d->live, &verdict);
    close_finding_file(d);
    if (rc) {
        fprintf(stderr, "paritapd: its threads could not be started: %s\n", strerror(-rc));
        rc = PT_EXIT_USAGE;
    } else {
        rc = (int)verdict;
    }
    pt_live_close(d->live);
    return rc;
}

int main(int argc, char **argv)
{
    static struct daemon d; /* too large for the stack */
    struct pt_pipeline_cfg defaults;
    struct pt_error err;
    int rc;

    setlocale(LC_CTYPE, "");
    sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_signal }, NULL); /* while it starts */
    pt_pipeline_cfg_init(&defaults);
    pt_options_init(&d.o, &defaults);
    snprintf(d.o.cfg.segment_name, sizeof(d.o.cfg.segment_name), SEGMENT_DEFAULT);
    if (pt_options_parse(&d.o, PT_MODE_LIVE, argc, argv, &err)) {
        rc = complain(err.text);
    } else if (d.o.help) {
        fputs(help, stdout);
        rc = 0;
    } else if (d.o.version) {
        puts("paritapd " PT_VERSION);
        rc = 0;
    } else if (d.o.print_config) {
        pt_config_print(&d.o.cfg, stdout);
        rc = 0;
    } else if (d.o.plan) {
        rc = show_plan(&d.o);
    } else {
        rc = run(&d);
    }
    pt_options_free(&d.o);
    return rc;
}
