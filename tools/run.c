/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/run.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "tools/input_clocks.h"
#include "tools/privilege.h"
#include "tools/progress.h"
#include "tools/publish.h"
#include "tools/report_json.h"
#include "tools/report_text.h"

/* Between two looks at the clock: few, for a pipe may bring a packet a second. */
#define FRAMES_PER_LOOK 64

/* Everything that has to be given back. */
struct run {
    struct pt_options *o;
    bool single;
    struct pt_capture **caps;
    struct pt_report_input *inputs;
    size_t cap_cnt;
    struct pt_merge *merge;
    struct pt_pipeline *pipeline;
    struct pt_publish publish;
    FILE *json;
    const char *stopped;
};

/* The only state that a signal handler may touch. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int sig)
{
    (void)sig;
    interrupted = 1;
}

static int complain(const char *what)
{
    fprintf(stderr, "paritap: %s\n", what);
    return PT_EXIT_USAGE;
}

static int open_captures(struct run *run)
{
    struct pt_config *cfg = &run->o->cfg;
    size_t cnt = 0;

    for (size_t role = 0; role < PT_ROLE_CNT; role++)
        cnt += cfg->files[role].cnt;
    if (cnt > PT_INPUT_MAX)
        return complain("more captures than one run takes (1024): join some with mergecap");
    run->caps = calloc(cnt, sizeof(struct pt_capture *));
    run->inputs = calloc(cnt, sizeof(*run->inputs));
    if (!run->caps || !run->inputs)
        return complain("out of memory");
    for (size_t role = 0; role < PT_ROLE_CNT; role++) {
        for (size_t i = 0; i < cfg->files[role].cnt; i++) {
            const char *err = "cannot be opened";

            if (pt_capture_open(cfg->files[role].item[i], &run->caps[run->cap_cnt], &err))
                return complain(err);
            cfg->pipeline.roles.input[run->cap_cnt] =
                    run->single ? PT_ROLE_SOURCE : (enum pt_input_role)role;
            run->inputs[run->cap_cnt] =
                    pt_report_input_file(cfg->pipeline.roles.input[run->cap_cnt],
                                         pt_capture_info(run->caps[run->cap_cnt]));
            run->cap_cnt++;
        }
    }
    return 0;
}

/* is_input: writing to this file would destroy a capture, while it is read. */
static bool is_input(const struct run *run, const char *path)
{
    struct stat out;
    struct stat in;

    if (stat(path, &out) || !S_ISREG(out.st_mode))
        return false;
    for (size_t i = 0; i < run->cap_cnt; i++) {
        if (!stat(run->inputs[i].name, &in) && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return true;
    }
    return false;
}

/* The JSON file is opened first: whoever waits an hour for a report wants it written. */
static int open_json(struct run *run)
{
    const char *path = run->o->json_path;

    if (!path)
        return 0;
    if (strcmp(path, "-") && is_input(run, path)) {
        fprintf(stderr, "paritap: --json %s: is one of the captures; name another file\n", path);
        return PT_EXIT_USAGE;
    }
    run->json = strcmp(path, "-") ? fopen(path, "w") : stdout;
    if (run->json)
        return 0;
    fprintf(stderr, "paritap: --json %s: cannot be written: %s\n", path, strerror(errno));
    return PT_EXIT_USAGE;
}

/* check_learn: so is the place of the file that is written last. */
static int check_learn(const struct run *run)
{
    const char *path = run->o->cfg.learn_file;
    struct pt_error err;

    if (*path && is_input(run, path)) {
        fprintf(stderr, "paritap: --learn %s: is one of the captures; name another file\n", path);
        return PT_EXIT_USAGE;
    }
    return pt_privilege_can_write("--learn", path, &err) ? complain(err.text) : 0;
}

static bool publishing(const struct run *run)
{
    return run->o->cfg.segment_name[0];
}

/* Files are merged by the times that they would have if their clocks were right. */
static int open_merge(struct run *run)
{
    if (pt_input_clocks(&run->o->cfg, run->inputs, run->cap_cnt) ||
        pt_merge_open(run->caps, run->cap_cnt, &run->merge))
        return complain("the captures cannot be merged: out of memory");
    if (!run->o->quiet)
        pt_input_clocks_tell(run->inputs, run->cap_cnt, stderr);
    for (size_t i = 0; i < run->cap_cnt; i++)
        pt_merge_shift(run->merge, (uint32_t)i, run->inputs[i].clock.offset_ns);
    return 0;
}

static int open_all(struct run *run)
{
    int rc = open_captures(run);

    if (!rc)
        rc = open_json(run);
    if (!rc)
        rc = check_learn(run);
    if (!rc)
        rc = open_merge(run);
    if (rc)
        return rc;
    run->o->cfg.pipeline.roles.input_cnt = (uint32_t)run->cap_cnt;
    rc = pt_pipeline_open(&run->o->cfg.pipeline, &run->pipeline);
    if (rc == -ENOMEM)
        return complain("not enough memory: give more with --memory, or less to the other limits "
                        "(--print-config shows them)");
    if (rc)
        return complain("these limits do not fit together (--print-config shows them)");
    run->o->cfg.segment.program = "paritap " PT_VERSION;
    if (publishing(run) &&
        pt_publish_begin(&run->publish, &run->o->cfg.segment, run->inputs, run->cap_cnt))
        return complain(run->publish.segment.trouble);
    return 0;
}

/* What the captures have brought so far. */
static void look_at_inputs(struct run *run)
{
    for (size_t i = 0; i < run->cap_cnt; i++) {
        struct pt_clock clock = run->inputs[i].clock;

        run->inputs[i] = pt_report_input_file(run->inputs[i].role, pt_capture_info(run->caps[i]));
        run->inputs[i].clock = clock;
    }
}

static void publish_progress(struct run *run, int64_t time_ns)
{
    look_at_inputs(run);
    pt_publish_progress(&run->publish, run->pipeline, run->inputs, run->cap_cnt, time_ns);
}

/* A source that breaks half-way still leaves a report, but never one of parity. */
static void read_frames(struct run *run)
{
    struct pt_progress progress;
    struct pt_frame frame = { .time_ns = 0 };
    uint32_t input = 0;
    uint64_t cnt = 0;
    int rc = 0;

    pt_progress_begin(&progress, !run->o->quiet);
    while (!interrupted && (rc = pt_merge_next(run->merge, &frame, &input)) > 0) {
        pt_pipeline_frame(run->pipeline, &frame, input);
        if (cnt++ % FRAMES_PER_LOOK)
            continue;
        pt_progress_update(&progress, run->caps, run->cap_cnt);
        if (publishing(run) && pt_publish_due(&run->publish))
            publish_progress(run, frame.time_ns);
    }
    pt_progress_end(&progress);
    if (publishing(run)) {
        publish_progress(run, frame.time_ns);
        pt_publish_drain(&run->publish);
    }
    if (interrupted)
        run->stopped = "interrupted by a signal (Ctrl-C)";
    else if (rc < 0)
        run->stopped = "a capture could not be read to its end";
}

static struct pt_report make_report(struct run *run)
{
    const struct pt_result *result = pt_pipeline_finish(run->pipeline);
    struct pt_report r = {
        .verdict = result->verdict,
        .single = run->single,
        .stopped = run->stopped,
        .result = result,
        .inputs = run->inputs,
        .input_cnt = run->cap_cnt,
        .packets = pt_pipeline_packet_stats(run->pipeline),
        .fragments = pt_pipeline_fragment_stats(run->pipeline),
        .mirror = pt_pipeline_mirror_stats(run->pipeline),
        .streams = pt_pipeline_stream_stats(run->pipeline),
        .parser = pt_pipeline_parser_stats(run->pipeline),
        .loss = pt_pipeline_loss(run->pipeline),
        .shard = pt_pipeline_shard_stats(run->pipeline),
    };

    look_at_inputs(run);
    r.api_cnt = pt_pipeline_api_rows(run->pipeline, &r.apis);
    r.conn_cnt = pt_pipeline_conn_rows(run->pipeline, &r.conns);
    r.mirror_cnt = pt_pipeline_mirror_rows(run->pipeline, &r.mirrors);
    if (run->stopped && r.verdict == PT_VERDICT_PARITY)
        r.verdict = PT_VERDICT_INCONCLUSIVE;
    return r;
}

/* flushed: everything that was written has arrived. */
static int flushed(FILE *f, const char *path)
{
    if (!fflush(f) && !ferror(f))
        return 0;
    fprintf(stderr, "paritap: %s: cannot be written: %s\n", path, strerror(errno));
    return PT_EXIT_USAGE;
}

static int write_reports(struct run *run, const struct pt_report *r)
{
    const struct pt_report_text_cfg text = {
        .all = run->o->all,
        .verdict_only = run->o->quiet,
        .colour = !run->o->no_color,
    };

    if (run->json) {
        if (pt_report_json(r, run->json))
            return complain("out of memory while the report was written");
        if (flushed(run->json, run->o->json_path))
            return PT_EXIT_USAGE;
    }
    if (run->json != stdout) {
        pt_report_text(r, &text, stdout);
        if (flushed(stdout, "standard output"))
            return PT_EXIT_USAGE;
    }
    return (int)r->verdict;
}

/* The names of topic ids, for the next run. */
static int write_learned(const struct run *run, const struct pt_report *r)
{
    const struct pt_config *cfg = &run->o->cfg;
    struct pt_error err;

    if (cfg->learn_file[0] &&
        pt_topic_ids_save(&cfg->topic_ids, r->result, run->single, cfg->learn_file, &err))
        return complain(err.text);
    return 0;
}

static void close_all(struct run *run)
{
    if (run->json && run->json != stdout)
        fclose(run->json);
    if (run->pipeline)
        pt_pipeline_close(run->pipeline);
    if (run->merge)
        pt_merge_close(run->merge);
    for (size_t i = 0; i < run->cap_cnt; i++)
        pt_capture_close(run->caps[i]);
    free(run->caps);
    free(run->inputs);
}

int pt_run(struct pt_options *o, bool single)
{
    struct run run = { .o = o, .single = single };
    /* Without SA_RESTART, so that a read of a silent pipe ends. A second Ctrl-C ends the program at
     * once. */
    struct sigaction act = { .sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND };
    struct pt_report report;
    int rc;

    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    rc = open_all(&run);
    if (!rc) {
        read_frames(&run);
        report = make_report(&run);
        if (publishing(&run))
            pt_publish_end(&run.publish, &report);
        rc = write_reports(&run, &report);
        if (write_learned(&run, &report))
            rc = PT_EXIT_USAGE;
    }
    close_all(&run);
    return rc;
}
