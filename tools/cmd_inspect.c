/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"

#include <stdio.h>

#include "tools/run.h"

static const char help[] =
        "paritap inspect: what is in the captures of one Kafka cluster, and is it sound?\n"
        "\n"
        "  paritap inspect FILE... [--json FILE] [--all] [--quiet] [--no-color]\n"
        "                          [--memory SIZE] [--config FILE] [--print-config]\n"
        "                          [--topic-ids FILE] [--learn FILE]\n"
        "                          [--clock-offset FILE=SECONDS]\n"
        "\n"
        "Shows each log with its offsets, records, codecs and checksums; clients, brokers and "
        "APIs;\n"
        "and what could not be read. Wrong checksums, offsets out of order, and records that "
        "changed\n"
        "are findings.\n"
        "\n"
        "--topic-ids names topics that the captures only show by their id: FILE is what "
        "kafka-topics.sh\n"
        "--describe prints, or what --learn wrote, which keeps the names from run to run.\n"
        "\n"
        "Examples\n"
        "  paritap inspect capture.pcap\n"
        "  paritap inspect monday.pcapng tuesday.pcapng.zst --json report.json\n"
        "  tcpdump -s 0 -w - tcp port 9092 | paritap inspect -\n"
        "\n"
        "Exit code: 0 nothing wrong within the cluster, 1 something is, 2 the command line or an\n"
        "input is wrong, 3 reading was stopped early.\n";

int pt_cmd_inspect(int argc, char **argv)
{
    struct pt_pipeline_cfg defaults;
    struct pt_options o;
    struct pt_error err;
    int rc;

    pt_pipeline_cfg_init(&defaults);
    pt_options_init(&o, &defaults);
    if (pt_options_parse(&o, PT_MODE_INSPECT, argc, argv, &err)) {
        fprintf(stderr, "paritap inspect: %s\n", err.text);
        rc = PT_EXIT_USAGE;
    } else if (o.help) {
        fputs(help, stdout);
        rc = 0;
    } else if (o.print_config) {
        pt_config_print(&o.cfg, stdout);
        rc = 0;
    } else {
        o.cfg.pipeline.policy.single = true;
        rc = pt_run(&o, true);
    }
    pt_options_free(&o);
    return rc;
}
