/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_COMMANDS_H
#define PT_TOOLS_COMMANDS_H
/*
 * The subcommands. Each takes the command line from its own name on and returns the exit code.
 */
int pt_cmd_replay(int argc, char **argv);
int pt_cmd_inspect(int argc, char **argv);
int pt_cmd_report(int argc, char **argv);
int pt_cmd_top(int argc, char **argv);

#endif
