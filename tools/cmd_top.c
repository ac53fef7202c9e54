/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/commands.h"

#include <getopt.h>
#include <ncurses.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/options.h"
#include "tools/top_view.h"

#define REFRESH_MS 500

static const char help[] =
        "paritap top: a running paritap, live on the screen, read from its shared memory.\n"
        "\n"
        "  paritap top [NAME]\n"
        "\n"
        "Shows the taps with their rates and losses, the cores with their load, both clusters, "
        "the\n"
        "topics (those with divergences first, then those with lag) and the latest findings. It "
        "never\n"
        "disturbs the writer. When the writer is late, has died or has ended it says so and goes "
        "on\n"
        "showing the last state; when a new run takes the name over it shows that.\n"
        "\n"
        "NAME is the segment's name as the writer was told it (paritap). Permission to read\n"
        "/dev/shm/NAME is all that is needed. For scripts and logs: paritap report.\n"
        "\n"
        "Keys: q quits. The size of the terminal is followed; 80x24 is enough.\n";

/* What is kept from one look to the next. */
struct top_run {
    const char *name;
    struct pt_segment_reader reader;
    struct pt_segment_cursor cursor;
    struct pt_snapshot now;
    struct pt_snapshot before;
    bool compared;                                         /* before holds something */
    struct pt_segment_finding latest[PT_TOP_FINDINGS_MAX]; /* newest first */
    size_t latest_cnt;
    struct pt_screen screen;
};

static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

static void follow(struct top_run *run)
{
    struct pt_segment_finding f;

    while (!interrupted && pt_segment_reader_next(&run->reader, &run->cursor, &f)) {
        size_t keep =
                run->latest_cnt < PT_TOP_FINDINGS_MAX ? run->latest_cnt : PT_TOP_FINDINGS_MAX - 1;

        memmove(run->latest + 1, run->latest, keep * sizeof(f));
        run->latest[0] = f;
        run->latest_cnt = keep + 1;
    }
}

static int look(struct top_run *run)
{
    struct pt_snapshot fresh;
    int rc = pt_snapshot_take(&run->reader, &fresh);

    if (rc)
        return rc;
    pt_snapshot_free(&run->before);
    run->before = run->now;
    run->compared = run->before.taken_ns && run->before.id.run_id == fresh.id.run_id;
    run->now = fresh;
    follow(run);
    return 0;
}

static int open_segment(struct top_run *run)
{
    int rc = pt_segment_reader_open(&run->reader, run->name);

    if (!rc)
        pt_segment_cursor_begin(&run->reader, &run->cursor, PT_TOP_FINDINGS_MAX);
    return rc;
}

/* A new run under the same name is what somebody who watches wants to see. */
static void switch_over(struct top_run *run)
{
    struct pt_segment_reader old = run->reader;

    if (run->now.life == PT_SEGMENT_ALIVE || !pt_segment_reader_replaced(&run->reader, run->name))
        return;
    if (open_segment(run)) { /* not ready yet */
        run->reader = old;
        return;
    }
    pt_segment_reader_close(&old);
    run->latest_cnt = 0;
}

static attr_t attr_of(uint8_t style)
{
    switch (style) {
    case 1 + PT_STYLE_BOLD:
        return A_BOLD;
    case 1 + PT_STYLE_DIM:
        return A_DIM;
    case 1 + PT_STYLE_GOOD:
        return A_BOLD | (attr_t)COLOR_PAIR(1);
    case 1 + PT_STYLE_BAD:
        return A_BOLD | (attr_t)COLOR_PAIR(2);
    case 1 + PT_STYLE_WARN:
        return A_BOLD | (attr_t)COLOR_PAIR(3);
    default:
        return A_NORMAL;
    }
}

static void show(const struct pt_screen *s)
{
    erase();
    for (unsigned row = 0; row < s->rows; row++) {
        for (unsigned column = 0; column < s->columns; column++) {
            size_t at = (size_t)row * s->columns + column;

            if (s->ch[at] == ' ')
                continue;
            attrset((int)attr_of(s->style[at]));
            mvaddch((int)row, (int)column, (chtype)s->ch[at]);
        }
    }
    refresh();
}

static int draw(struct top_run *run)
{
    const struct pt_top top = {
        .now = &run->now,
        .before = run->compared ? &run->before : NULL,
        .latest = run->latest,
        .latest_cnt = run->latest_cnt,
        .missed = run->cursor.missed,
    };
    int rc = pt_screen_resize(&run->screen, LINES > 0 ? (unsigned)LINES : 0,
                              COLS > 0 ? (unsigned)COLS : 0);

    if (!rc)
        rc = pt_top_draw(&top, &run->screen);
    if (!rc)
        show(&run->screen);
    return rc;
}

static void begin_screen(void)
{
    initscr();
    cbreak();
    noecho();
    curs_set(0);
    keypad(stdscr, TRUE);
    timeout(REFRESH_MS);
    if (has_colors() && !getenv("NO_COLOR")) {
        start_color();
        use_default_colors();
        init_pair(1, COLOR_GREEN, -1);
        init_pair(2, COLOR_RED, -1);
        init_pair(3, COLOR_YELLOW, -1);
    }
}

static int watch(struct top_run *run)
{
    int rc = 0;

    begin_screen();
    while (!interrupted && !rc) {
        int key;

        rc = look(run);
        if (!rc)
            rc = draw(run);
        do { /* a new size is drawn from what was read already */
            key = getch();
            if (key == KEY_RESIZE && !rc)
                rc = draw(run);
        } while (key == KEY_RESIZE && !rc);
        if (key == 'q' || key == 'Q')
            break;
        switch_over(run);
    }
    endwin();
    return rc;
}

static int top(const char *name)
{
    struct sigaction act = { .sa_handler = on_interrupt };
    struct top_run run = { .name = name, .reader = { .fd = -1 } };
    int rc = PT_EXIT_USAGE;

    if (open_segment(&run)) {
        fprintf(stderr, "paritap top: %s\n", run.reader.trouble);
        return rc;
    }
    if (!isatty(STDOUT_FILENO) || !isatty(STDIN_FILENO)) {
        fprintf(stderr, "paritap top: this is no terminal; paritap report writes the same as "
                        "text\n");
    } else {
        sigaction(SIGINT, &act, NULL);
        sigaction(SIGTERM, &act, NULL);
        if (watch(&run))
            fprintf(stderr, "paritap top: out of memory\n");
        else
            rc = 0;
    }
    pt_snapshot_free(&run.now);
    pt_snapshot_free(&run.before);
    pt_screen_free(&run.screen);
    pt_segment_reader_close(&run.reader);
    return rc;
}

int pt_cmd_top(int argc, char **argv)
{
    static const struct option options[] = { { "help", no_argument, NULL, 'h' },
                                             { NULL, 0, NULL, 0 } };
    int id;

    opterr = 0;
    optind = 1;
    while ((id = getopt_long(argc, argv, "h", options, NULL)) != -1) {
        if (id == 'h') {
            fputs(help, stdout);
            return 0;
        }
        fprintf(stderr, "paritap top: %s is no option; see --help\n", argv[optind - 1]);
        return PT_EXIT_USAGE;
    }
    if (argc - optind > 1) {
        fprintf(stderr, "paritap top: one segment at a time; see --help\n");
        return PT_EXIT_USAGE;
    }
    return top(optind < argc ? argv[optind] : PT_SEGMENT_DEFAULT_NAME);
}
