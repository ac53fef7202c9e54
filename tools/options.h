/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_OPTIONS_H
#define PT_TOOLS_OPTIONS_H
/*
 * The command line of `replay`, `inspect` and of paritapd: a configuration file first, then what
 * the line says over it.
 */
#include <stdbool.h>

#include "tools/config.h"

/* Exit codes; a report's verdict gives the others (result.h). */
#define PT_EXIT_USAGE 2

enum pt_mode {
    PT_MODE_REPLAY = 1,
    PT_MODE_INSPECT = 2, /* all files are of one cluster */
    PT_MODE_LIVE = 4,    /* ports instead of files; behind -- are arguments for DPDK */
};

struct pt_options {
    struct pt_config cfg;
    enum pt_mode mode;
    const char *json_path; /* NULL: none; "-": standard output, then without the text */
    bool all;
    bool quiet;
    bool no_color;
    bool print_config;
    bool plan; /* live: print the plan, and stop */
    bool version;
    bool help;
};

/* pt_options_init takes the pipeline's defaults; pt_options_free gives up the lists. */
void pt_options_init(struct pt_options *o, const struct pt_pipeline_cfg *defaults);
void pt_options_free(struct pt_options *o);

/* pt_options_parse reads argv behind the program's or subcommand's name (argv[0]). 0, or -EINVAL
 * with err set. Strings of argv are borrowed. */
int pt_options_parse(struct pt_options *o, enum pt_mode mode, int argc, char **argv,
                     struct pt_error *err);

#endif
