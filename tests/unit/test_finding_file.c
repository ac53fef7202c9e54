/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The file of findings, fed from a real segment: what stands in it is what was appended there, line
 * for line, over rotation, a full disk (a limit on the file's size, /dev/full), a ring that was
 * overrun, and a crash in the middle of a line. Every finding is in the file, or in the count of a
 * "missed" line: that sum is checked everywhere.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <jansson.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "dataplane/segment_writer.h"
#include "tools/finding_file.h"
#include "tools/snapshot_json.h"

#define RING_SLOTS 64

static char segment_name[64];
static char folder[] = "/tmp/paritap-test-findings-XXXXXX";
static char path[PATH_MAX];

/* One run: a writer, the reader of its segment, and the file that follows it. */
struct run {
    struct pt_segment_writer writer;
    struct pt_segment_reader reader;
    struct pt_finding_file file;
    int64_t next_offset; /* of the finding that is appended next */
};

static void open_file(struct run *run, uint64_t rotate_sz, unsigned keep)
{
    const struct pt_finding_file_cfg cfg = {
        .path = path,
        .rotate_sz = rotate_sz,
        .keep = keep,
        .fsync = PT_FINDING_FSYNC_ALWAYS,
    };
    struct pt_error err;

    if (pt_finding_file_open(&run->file, &cfg, &err))
        fail_msg("%s", err.text);
}

static void begin(struct run *run, uint64_t rotate_sz, unsigned keep)
{
    struct pt_segment_cfg cfg;
    struct pt_segment_tap tap = { .role = PT_SEGMENT_SOURCE };

    pt_segment_cfg_init(&cfg);
    cfg.name = segment_name;
    cfg.program = "test";
    cfg.ring_slots = RING_SLOTS;
    if (pt_segment_create(&run->writer, &cfg))
        fail_msg("%s", run->writer.trouble);
    PT_SEGMENT_SET(tap.name, "net_pcap0,rx_pcap=s.pcap");
    pt_segment_put_tap(&run->writer, pt_segment_take(&run->writer, PT_SEGMENT_TABLE_TAP), &tap);
    if (pt_segment_reader_open(&run->reader, segment_name))
        fail_msg("%s", run->reader.trouble);
    run->next_offset = 0;
    open_file(run, rotate_sz, keep);
}

static void end(struct run *run)
{
    pt_finding_file_close(&run->file);
    pt_segment_reader_close(&run->reader);
    pt_segment_close(&run->writer);
}

/* Findings whose offset is their number, of a topic with hostile bytes. */
static void append(struct run *run, unsigned cnt)
{
    for (unsigned i = 0; i < cnt; i++) {
        struct pt_segment_finding f = {
            .severity = PT_SEGMENT_DIVERGENCE,
            .pair = -1,
            .cluster = -1,
            .cnt = 1,
            .certified_ns = 1,
            .source = { .flags = PT_SEGMENT_PLACE_VALID,
                        .offset = run->next_offset++,
                        .timestamp_ms = -1,
                        .packet = 7 },
        };

        PT_SEGMENT_SET(f.code, "RECORD_MISSING");
        PT_SEGMENT_SET(f.source.topic, "evil\n\"\xff");
        PT_SEGMENT_SET(f.message, "certified absent on the target");
        pt_segment_append(&run->writer, 0, &f);
    }
}

static char *content(const char *suffix, size_t *ret_len)
{
    char name[PATH_MAX + 16];
    char *text = NULL;
    size_t len = 0;
    char buf[4096];
    size_t n;
    FILE *out;
    FILE *in;

    snprintf(name, sizeof(name), "%s%s", path, suffix);
    in = fopen(name, "r");
    if (!in)
        return NULL;
    out = open_memstream(&text, &len);
    assert_non_null(out);
    while ((n = fread(buf, 1, sizeof(buf), in)) > 0)
        fwrite(buf, 1, n, out);
    fclose(in);
    assert_int_equal(fclose(out), 0);
    *ret_len = len;
    return text;
}

/* What a file tells: findings in a row from *next, and missed ones in their place. */
struct told {
    int64_t next; /* offset of the finding that must come next */
    uint64_t findings;
    uint64_t missed;
    uint64_t broken; /* lines that are no JSON: pieces */
};

static void take_line(struct told *t, const char *line, size_t len)
{
    json_t *o = json_loadb(line, len, 0, NULL);
    const char *type = json_string_value(json_object_get(o, "type"));
    json_int_t n;

    if (!o) {
        t->broken++;
        return;
    }
    assert_non_null(type);
    if (!strcmp(type, "missed")) {
        n = json_integer_value(json_object_get(o, "count"));
        assert_true(n > 0);
        t->missed += (uint64_t)n;
        t->next += n;
    } else {
        const json_t *place = json_object_get(o, "source");

        assert_string_equal(type, "finding");
        assert_string_equal(json_string_value(json_object_get(place, "file")),
                            "net_pcap0,rx_pcap=s.pcap");
        assert_int_equal(json_integer_value(json_object_get(place, "offset")), t->next);
        t->next++;
        t->findings++;
    }
    json_decref(o);
}

/* take_file returns false if there is none. */
static bool take_file(struct told *t, const char *suffix)
{
    size_t len = 0;
    char *text = content(suffix, &len);

    if (!text)
        return false;
    for (size_t at = 0; at < len;) {
        const char *stop = memchr(text + at, '\n', len - at);

        if (!stop)
            fail_msg("%s: the last line has no end", suffix);
        take_line(t, text + at, (size_t)(stop - (text + at)));
        at = (size_t)(stop - text) + 1;
    }
    free(text);
    return true;
}

static void clean(void)
{
    char name[PATH_MAX + 16];

    for (unsigned i = 0; i < 12; i++) {
        snprintf(name, sizeof(name), i ? "%s.%u" : "%s", path, i);
        remove(name);
    }
}

static int setup(void **state)
{
    (void)state;
    snprintf(segment_name, sizeof(segment_name), "paritap-test-findings-%d", (int)getpid());
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof(path), "%s/findings.jsonl", folder);
    return 0;
}

static int teardown(void **state)
{
    char name[80];

    (void)state;
    clean();
    snprintf(name, sizeof(name), "/dev/shm/%s", segment_name);
    unlink(name);
    return rmdir(folder);
}

/* Stderr goes to a file between these two. */
static int stderr_was = -1;

static void hush(void)
{
    char name[PATH_MAX + 16];
    int fd;

    snprintf(name, sizeof(name), "%s.9", path);
    fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
    assert_true(fd >= 0);
    stderr_was = dup(STDERR_FILENO);
    dup2(fd, STDERR_FILENO);
    close(fd);
}

/* speak returns how many lines were told, each of which must begin with `says`. */
static unsigned speak(const char *says)
{
    size_t len = 0;
    unsigned cnt = 0;
    char *text;

    dup2(stderr_was, STDERR_FILENO);
    close(stderr_was);
    text = content(".9", &len);
    assert_non_null(text);
    if (len && !strstr(text, says))
        fail_msg("not told \"%s\": %s", says, text);
    for (size_t i = 0; i < len; i++)
        cnt += text[i] == '\n';
    free(text);
    return cnt;
}

/* Lines are those of `paritap report --jsonl`, whatever bytes are in them. */
static void test_lines(void **state)
{
    struct run run;
    struct pt_segment_cursor cursor = { .missed = 0 };
    struct pt_segment_finding f;
    struct stat st;
    char *want = NULL;
    size_t want_len = 0;
    FILE *out = open_memstream(&want, &want_len);
    size_t len = 0;
    char *got;
    mode_t mask = umask(022);

    (void)state;
    clean();
    begin(&run, 1 << 20, 8);
    umask(mask);
    assert_int_equal(pt_finding_file_poll(&run.file, &run.reader), 0);
    append(&run, 3);
    assert_int_equal(pt_finding_file_poll(&run.file, &run.reader), 3);
    append(&run, 2);
    assert_int_equal(pt_finding_file_poll(&run.file, &run.reader), 2);
    assert_int_equal(pt_finding_file_poll(&run.file, &run.reader), 0);
    while (pt_segment_reader_next(&run.reader, &cursor, &f))
        pt_snapshot_json_finding(&run.reader, &f, out);
    fclose(out);
    got = content("", &len);
    assert_non_null(got);
    assert_int_equal(len, want_len);
    assert_memory_equal(got, want, len);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(run.file.written, 5);
    free(got);
    free(want);
    end(&run);
}

static void test_rotation(void **state)
{
    struct told t = { .next = 0 };
    struct run run;
    struct stat st;

    (void)state;
    clean();
    begin(&run, 4000, 3);
    for (unsigned i = 0; i < 13; i++) { /* 482 or 483 bytes each: eight a file */
        append(&run, 2);
        pt_finding_file_poll(&run.file, &run.reader);
    }
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_size > 0 && st.st_size <= 4000);
    assert_true(take_file(&t, ".3"));
    assert_true(take_file(&t, ".2"));
    assert_true(take_file(&t, ".1"));
    assert_true(take_file(&t, ""));
    assert_int_equal(t.findings, 26);
    /* The next ones push the oldest out. */
    append(&run, 8);
    pt_finding_file_poll(&run.file, &run.reader);
    assert_false(take_file(&t, ".4"));
    t = (struct told){ .next = 8 };
    assert_true(take_file(&t, ".3"));
    assert_true(take_file(&t, ".2"));
    assert_true(take_file(&t, ".1"));
    assert_true(take_file(&t, ""));
    assert_int_equal(t.next, 34);
    /* What a run before has written counts as well. */
    pt_finding_file_close(&run.file);
    assert_int_equal(stat(path, &st), 0);
    open_file(&run, 4000, 3);
    assert_int_equal(run.file.size, st.st_size);
    end(&run);
}

static void test_keep_none(void **state)
{
    struct told t = { .next = 24 };
    struct run run;

    (void)state;
    clean();
    begin(&run, 4000, 0);
    append(&run, 26);
    pt_finding_file_poll(&run.file, &run.reader);
    assert_false(take_file(&t, ".1"));
    assert_true(take_file(&t, ""));
    assert_int_equal(t.findings, 2);
    end(&run);
}

/* A folder stands where the file should go: it grows on, and nothing is lost. */
static void test_cannot_rotate(void **state)
{
    struct told t = { .next = 0 };
    char name[PATH_MAX + 16];
    struct run run;

    (void)state;
    clean();
    snprintf(name, sizeof(name), "%s.1", path);
    assert_int_equal(mkdir(name, 0700), 0);
    hush();
    begin(&run, 4000, 1);
    append(&run, 40);
    pt_finding_file_poll(&run.file, &run.reader);
    end(&run);
    assert_int_equal(speak("cannot be rotated"), 1);
    assert_true(take_file(&t, ""));
    assert_int_equal(t.findings, 40);
}

/* A disk that is full in the middle of a line, and then has room again. */
static void test_full(void **state)
{
    struct told t = { .next = 0 };
    struct rlimit was;
    struct rlimit low;
    struct run run;

    (void)state;
    clean();
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    hush();
    begin(&run, 1 << 20, 3);
    low = (struct rlimit){ .rlim_cur = 2000, .rlim_max = was.rlim_max };
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &low), 0);
    append(&run, 10);
    assert_int_equal(pt_finding_file_poll(&run.file, &run.reader), 10);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
    assert_true(take_file(&t, "")); /* whole lines only */
    assert_int_equal(t.findings, 4);
    assert_int_equal(run.file.lost, 6);
    append(&run, 2);
    assert_int_equal(pt_finding_file_poll(&run.file, &run.reader), 2);
    end(&run);
    assert_int_equal(speak("cannot be written: File too large"), 2); /* and the sum, at the end */
    t = (struct told){ .next = 0 };
    assert_true(take_file(&t, ""));
    assert_int_equal(t.findings, 6);
    assert_int_equal(t.missed, 6);
    assert_int_equal(t.broken, 0);
}

static void test_full_device(void **state)
{
    struct run run;

    (void)state;
    clean();
    assert_int_equal(symlink("/dev/full", path), 0); /* so that no test ever removes the device */
    hush();
    begin(&run, 1000, 3);
    append(&run, 20);
    assert_int_equal(pt_finding_file_poll(&run.file, &run.reader), 20);
    assert_int_equal(run.file.lost, 20);
    assert_int_equal(run.file.untold, 20);
    assert_int_equal(run.file.written, 0);
    end(&run);
    assert_int_equal(speak("20 findings are not in it"), 2);
}

/* Findings that were overwritten before they were read. */
static void test_missed(void **state)
{
    struct told t = { .next = 0 };
    struct run run;

    (void)state;
    clean();
    begin(&run, 1 << 20, 3);
    append(&run, RING_SLOTS + 12);
    assert_int_equal(pt_finding_file_poll(&run.file, &run.reader), RING_SLOTS);
    append(&run, 3);
    assert_int_equal(pt_finding_file_poll(&run.file, &run.reader), 3);
    end(&run);
    assert_true(take_file(&t, ""));
    assert_int_equal(t.missed, 12);
    assert_int_equal(t.findings, RING_SLOTS + 3);
}

/* A crash left a piece of a line, which is ended before anything else is written. */
static void test_cut_line(void **state)
{
    static const char *const left[] = { "{\"type\": \"find",
                                        "{\"type\": \"missed\", \"count\": 1}\n", "" };
    static const uint64_t broken[] = { 1, 0, 0 };

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct told t = { .next = i == 1 ? -1 : 0 };
        struct run run;
        FILE *f;

        clean();
        f = fopen(path, "w");
        assert_non_null(f);
        fputs(left[i], f);
        assert_int_equal(fclose(f), 0);
        begin(&run, 1 << 20, 3);
        append(&run, 2);
        pt_finding_file_poll(&run.file, &run.reader);
        end(&run);
        assert_true(take_file(&t, ""));
        assert_int_equal(t.broken, broken[i]);
        assert_int_equal(t.findings, 2);
    }
}

static void test_errors(void **state)
{
    static const struct {
        const char *below; /* the test's folder */
        const char *says;
    } rows[] = {
        { "", "Is a directory" },
        { "/nowhere/findings", "No such file or directory; name another with --findings" },
        { "/findings.jsonl.1", "is no file" }, /* a FIFO that somebody reads */
        { "/findings.jsonl.2", "No such device or address" },
    };
    char name[PATH_MAX];
    int fd;

    (void)state;
    clean();
    snprintf(name, sizeof(name), "%s/findings.jsonl.1", folder);
    assert_int_equal(mkfifo(name, 0600), 0);
    fd = open(name, O_RDONLY | O_NONBLOCK);
    assert_true(fd >= 0);
    snprintf(name, sizeof(name), "%s/findings.jsonl.2", folder);
    assert_int_equal(mknod(name, S_IFSOCK | 0600, 0), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const struct pt_finding_file_cfg cfg = { .path = name, .rotate_sz = 4000, .keep = 1 };
        struct pt_finding_file ff;
        struct pt_error err = { "" };

        snprintf(name, sizeof(name), "%s%s", folder, rows[i].below);
        if (!pt_finding_file_open(&ff, &cfg, &err))
            fail_msg("accepted: %s", name);
        if (!strstr(err.text, rows[i].says) || !strstr(err.text, name))
            fail_msg("expected \"%s\", got \"%s\"", rows[i].says, err.text);
    }
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lines),     cmocka_unit_test(test_rotation),
        cmocka_unit_test(test_keep_none), cmocka_unit_test(test_cannot_rotate),
        cmocka_unit_test(test_full),      cmocka_unit_test(test_full_device),
        cmocka_unit_test(test_missed),    cmocka_unit_test(test_cut_line),
        cmocka_unit_test(test_errors),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
