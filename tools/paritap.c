/* SPDX-License-Identifier: Apache-2.0 */
/* The program: finds the subcommand and hands it the rest of the line. */
#include <locale.h>
#include <stdio.h>
#include <string.h>

#include "tools/commands.h"
#include "tools/options.h"

static const char help[] =
        "paritap proves from captured packets whether two Kafka clusters carry the same records.\n"
        "It reads what passed on the wire, it never talks to a broker.\n"
        "\n"
        "  paritap replay --source a.pcap --target b.pcap    compare two clusters\n"
        "  paritap inspect capture.pcap                      look at one cluster\n"
        "  paritap report                                    what a running paritap has found\n"
        "  paritap top                                       the same, live on the screen\n"
        "  paritap replay --help                             all options, with examples\n"
        "  paritap --version\n"
        "\n"
        "Exit code: 0 parity, 1 divergence, 2 usage or input error, 3 inconclusive.\n";

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
} commands[] = {
    { "replay", pt_cmd_replay },
    { "inspect", pt_cmd_inspect },
    { "report", pt_cmd_report },
    { "top", pt_cmd_top },
};

int main(int argc, char **argv)
{
    setlocale(LC_CTYPE, "");
    if (argc < 2) {
        fputs(help, stderr);
        return PT_EXIT_USAGE;
    }
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
        fputs(help, stdout);
        return 0;
    }
    if (!strcmp(argv[1], "--version")) {
        puts("paritap " PT_VERSION);
        return 0;
    }
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (!strcmp(argv[1], commands[i].name))
            return commands[i].run(argc - 1, argv + 1);
    }
    fprintf(stderr,
            "paritap: \"%s\" is no command; there are replay, inspect, report and top. See "
            "paritap --help\n",
            argv[1]);
    return PT_EXIT_USAGE;
}
