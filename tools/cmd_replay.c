/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"

#include <stdio.h>

#include "tools/run.h"

static const char help[] =
        "paritap replay: do two Kafka clusters carry the same records? Captures in, proof out.\n"
        "\n"
        "  paritap replay --source FILE... --target FILE...\n"
        "  paritap replay FILE... --source-brokers LIST --target-brokers LIST\n"
        "\n"
        "Files are pcap or pcapng, plain or compressed with gzip or zstd; - is standard input.\n"
        "Several files of one cluster are merged by their time.\n"
        "\n"
        "Examples\n"
        "  One capture of each cluster, the report on the terminal:\n"
        "    paritap replay --source old.pcap --target new.pcap\n"
        "  Two taps at the source, the report also for a program:\n"
        "    paritap replay --source tap1.pcap.gz tap2.pcap.gz --target new.pcap --json "
        "report.json\n"
        "  One capture with both clusters in it:\n"
        "    paritap replay both.pcap --source-brokers 10.0.1.0/24 --target-brokers 10.0.2.7:9092\n"
        "  A topic that has another name on the target, and one that does not matter:\n"
        "    paritap replay --source a.pcap --target b.pcap --map orders=orders-2 --exclude "
        "'test-*'\n"
        "  Straight from a capturing host:\n"
        "    ssh host tcpdump -s 0 -w - tcp port 9092 | paritap replay --source - --target b.pcap\n"
        "\n"
        "Which files\n"
        "  --source FILE...       captures of the source cluster\n"
        "  --target FILE...       captures of the target cluster\n"
        "  --source-brokers LIST  the source's brokers: ADDRESS[/PREFIX][:PORT], with commas\n"
        "  --target-brokers LIST  the target's brokers\n"
        "  --clock-offset FILE=SECONDS  add this to the file's times: -0.3, +250ms. If not given,\n"
        "                         files of one cluster are moved where their packets prove that\n"
        "                         their clocks differ: answers before questions, or one packet in\n"
        "                         two files. Between the two clusters nothing can be estimated. A\n"
        "                         difference there shifts the lag, and what --max-lag says; what\n"
        "                         was deleted at the source at about the time when it was copied\n"
        "                         may be unverifiable, or (target ahead) seem lawfully gone\n"
        "What is compared\n"
        "  --map SOURCE=TARGET    this source topic is that target topic (may be repeated). "
        "Without\n"
        "                         it topics pair by the same name, or ALIAS.TOPIC on the target\n"
        "  --alias NAME           the source's alias in ALIAS.TOPIC; learned if not given\n"
        "  --exclude PATTERN      topics out of scope (*, ?)\n"
        "  --include PATTERN      only source topics that match are in scope\n"
        "  --topic-ids source=FILE, target=FILE\n"
        "                         names of topic ids, as kafka-topics.sh --describe prints them; "
        "for\n"
        "                         captures in which no client asks for them (may be repeated)\n"
        "  --learn FILE           keep the names of topic ids for the next run: FILE is read, if "
        "it "
        "is\n"
        "                         there, and written at the end. --topic-ids FILE only reads it\n"
        "What is asked for\n"
        "  --min-coverage SHARE   below this the verdict is inconclusive (0.99)\n"
        "  --max-lag TIME         a copy that is later than this means a stalled replication "
        "(60s)\n"
        "  --memory SIZE          the whole budget, for example 4GiB\n"
        "  --workers NUMBER       threads that read; the report is the same at any number (1)\n"
        "  --hash-key NUMBER      another key for the record hashes\n"
        "What is shown\n"
        "  --json FILE            write the report as JSON too; - writes only that, to stdout\n"
        "  --all                  every finding, not only the first 20\n"
        "  --quiet                only the line with the verdict\n"
        "  --no-color             no colours (NO_COLOR in the environment does the same)\n"
        "  --segment NAME         show the run in shared memory: watch it with paritap top NAME, "
        "or\n"
        "                         read it with paritap report NAME, also when it is over\n"
        "  --config FILE          YAML with any of these and all limits\n"
        "  --print-config         show what is in force as YAML, and stop\n"
        "\n"
        "Exit code\n"
        "  0  parity: everything that was compared is equal, and enough of it was seen\n"
        "  1  divergence: the findings name the records, the files and the packets\n"
        "  2  the command line or an input is wrong; nothing was concluded\n"
        "  3  inconclusive: nothing differs, but too much was not seen; the report says what\n";

int pt_cmd_replay(int argc, char **argv)
{
    struct pt_pipeline_cfg defaults;
    struct pt_options o;
    struct pt_error err;
    int rc;

    pt_pipeline_cfg_init(&defaults);
    pt_options_init(&o, &defaults);
    if (pt_options_parse(&o, PT_MODE_REPLAY, argc, argv, &err)) {
        fprintf(stderr, "paritap replay: %s\n", err.text);
        rc = PT_EXIT_USAGE;
    } else if (o.help) {
        fputs(help, stdout);
        rc = 0;
    } else if (o.print_config) {
        pt_config_print(&o.cfg, stdout);
        rc = 0;
    } else {
        rc = pt_run(&o, false);
    }
    pt_options_free(&o);
    return rc;
}
