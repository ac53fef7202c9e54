/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "tools/options.h"
#include "tools/snapshot_json.h"
#include "tools/snapshot_text.h"

/* Findings shown below the summary without --all. */
#define LATEST 20

/* Between two looks at the segment: well below the two seconds in which a finding, or a writer's
 * death, is to be told. */
#define POLL_NS 200000000

static const char help[] =
        "paritap report: what a running paritap has found so far, read from its shared memory.\n"
        "\n"
        "  paritap report [--follow] [--jsonl] [--all] [--no-color] [NAME]\n"
        "\n"
        "NAME is the segment's name as the writer was told it (paritap). Reading needs no more "
        "than\n"
        "permission to read /dev/shm/NAME: by default its owner and group have it. It never "
        "disturbs\n"
        "the writer, and works as well when the writer has ended or died: then it says so, and "
        "shows\n"
        "the last state. The object stays until the next run takes the name over, or somebody "
        "removes\n"
        "/dev/shm/NAME.\n"
        "\n"
        "Examples\n"
        "  The state of things, once:\n"
        "    paritap report\n"
        "  Findings as they come, until the writer ends:\n"
        "    paritap report --follow\n"
        "  The same for a program, one JSON object a line, from the oldest finding that is left:\n"
        "    paritap report --follow --jsonl | jq 'select(.type == \"finding\")'\n"
        "  A replay that can be watched:\n"
        "    paritap replay --source a.pcap --target b.pcap --segment try &\n"
        "    paritap report try\n"
        "\n"
        "  --follow     go on with new findings; ends with the writer\n"
        "  --jsonl      JSON lines: \"type\" is run, finding, missed or state\n"
        "  --all        every partition, and every finding that the segment still holds\n"
        "  --no-color   no colours (NO_COLOR in the environment does the same)\n"
        "\n"
        "Exit code\n"
        "  0  parity   1  divergence   3  inconclusive, or no verdict yet   2  no such segment, or "
        "a\n"
        "  wrong command line\n";

struct follow {
    struct pt_segment_reader reader;
    struct pt_segment_cursor cursor;
    uint64_t missed; /* of the cursor's, told already */
    enum pt_segment_life life;
    struct pt_text text;
    bool jsonl;
    bool all;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

static void tell_missed(struct follow *fo)
{
    uint64_t cnt = fo->cursor.missed - fo->missed;
    char buf[PT_TEXT_MAX];

    if (!cnt)
        return;
    fo->missed = fo->cursor.missed;
    if (fo->jsonl) {
        pt_snapshot_json_missed(cnt, stdout);
        return;
    }
    pt_text_styled(&fo->text, PT_STYLE_WARN, "  %s findings missed", pt_text_count(cnt, buf));
    pt_text_put(&fo->text, ": overwritten before they were read; the totals count them");
    pt_text_end(&fo->text);
}

static void tell_findings(struct follow *fo)
{
    struct pt_segment_finding f;

    while (!interrupted && pt_segment_reader_next(&fo->reader, &fo->cursor, &f)) {
        tell_missed(fo);
        if (fo->jsonl)
            pt_snapshot_json_finding(&fo->reader, &f, stdout);
        else
            pt_snapshot_text_finding(&fo->reader, &f, &fo->text);
    }
    tell_missed(fo);
    fflush(stdout);
}

/* tell_older: the findings before those that the cursor begins with. */
static void tell_older(struct follow *fo)
{
    uint64_t cnt = 0;
    char buf[PT_TEXT_MAX];

    for (uint32_t i = 0; i < fo->reader.ring_cnt; i++)
        cnt += fo->cursor.next[i];
    if (!cnt)
        return;
    pt_text_put(&fo->text, "  The latest %d; of %s older ones --all shows what is left.", LATEST,
                pt_text_count(cnt, buf));
    pt_text_end(&fo->text);
}

/* tell_summary returns the exit code of the verdict. */
static int tell_summary(struct follow *fo)
{
    struct pt_snapshot s;
    int rc;

    if (pt_snapshot_take(&fo->reader, &s)) {
        fprintf(stderr, "paritap report: out of memory\n");
        return PT_EXIT_USAGE;
    }
    fo->life = s.life;
    if (fo->jsonl)
        pt_snapshot_json_run(&s, stdout);
    else
        pt_snapshot_text(&s, &fo->text, fo->all);
    rc = pt_segment_verdict_exit(s.run.verdict);
    pt_snapshot_free(&s);
    fflush(stdout);
    return rc;
}

static void tell_life(struct follow *fo)
{
    struct pt_snapshot s;

    if (pt_snapshot_take(&fo->reader, &s))
        return;
    if (fo->jsonl)
        pt_snapshot_json_state(&s, stdout);
    else
        pt_snapshot_text_life(&s, &fo->text);
    pt_snapshot_free(&s);
    fflush(stdout);
}

/* follow ends when there is nobody left who could find anything. */
static int follow(struct follow *fo)
{
    const struct timespec pause = { .tv_nsec = POLL_NS };
    bool gone = fo->life == PT_SEGMENT_DEAD || fo->life == PT_SEGMENT_OVER;

    while (!interrupted && !ferror(stdout) && !gone) {
        enum pt_segment_life life;

        nanosleep(&pause, NULL);
        life = pt_segment_reader_life(&fo->reader);
        tell_findings(fo); /* after life was asked for: all that a dead writer left */
        gone = life == PT_SEGMENT_DEAD || life == PT_SEGMENT_OVER;
        if (life != fo->life && !gone)
            tell_life(fo);
        fo->life = life;
    }
    if (!fo->jsonl)
        pt_text_end(&fo->text);
    return tell_summary(fo);
}

static int report(const char *name, struct follow *fo, bool following, bool colour)
{
    uint64_t latest = fo->all || fo->jsonl ? PT_SEGMENT_ALL_FINDINGS : LATEST;
    int rc;

    if (pt_segment_reader_open(&fo->reader, name)) {
        fprintf(stderr, "paritap report: %s\n", fo->reader.trouble);
        return PT_EXIT_USAGE;
    }
    pt_text_init(&fo->text, stdout, colour);
    pt_segment_cursor_begin(&fo->reader, &fo->cursor, latest);
    rc = tell_summary(fo);
    tell_older(fo);
    tell_findings(fo);
    if (following && rc != PT_EXIT_USAGE)
        rc = follow(fo);
    if (ferror(stdout))
        rc = PT_EXIT_USAGE;
    pt_segment_reader_close(&fo->reader);
    return rc;
}

int pt_cmd_report(int argc, char **argv)
{
    static const struct option options[] = {
        { "follow", no_argument, NULL, 'f' }, { "jsonl", no_argument, NULL, 'j' },
        { "all", no_argument, NULL, 'a' },    { "no-color", no_argument, NULL, 'n' },
        { "help", no_argument, NULL, 'h' },   { NULL, 0, NULL, 0 },
    };
    struct follow fo = { .reader = { .fd = -1 } };
    struct sigaction act = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
    bool following = false;
    bool colour = true;
    int id;

    opterr = 0;
    optind = 1;
    while ((id = getopt_long(argc, argv, "fh", options, NULL)) != -1) {
        switch (id) {
        case 'f':
            following = true;
            break;
        case 'j':
            fo.jsonl = true;
            break;
        case 'a':
            fo.all = true;
            break;
        case 'n':
            colour = false;
            break;
        case 'h':
            fputs(help, stdout);
            return 0;
        default:
            fprintf(stderr, "paritap report: %s is no option; see --help\n", argv[optind - 1]);
            return PT_EXIT_USAGE;
        }
    }
    if (argc - optind > 1) {
        fprintf(stderr, "paritap report: one segment at a time; see --help\n");
        return PT_EXIT_USAGE;
    }
    sigaction(SIGINT, &act, NULL);
    return report(optind < argc ? argv[optind] : PT_SEGMENT_DEFAULT_NAME, &fo, following, colour);
}
