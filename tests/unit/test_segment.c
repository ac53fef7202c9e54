/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The shared-memory segment, writer against reader.
 *
 * What a reader gets is compared with what was put; that no row is torn shows in rows whose words
 * are all made from one number; that overrun is counted exactly, in read + missed = appended. Death
 * is real: writers and readers are child processes that are killed with SIGKILL in the middle of
 * their work. Built with -Db_sanitize=thread the test with three threads shows that there is no
 * data race.
 */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "dataplane/segment_reader.h"
#include "dataplane/segment_writer.h"

static char name[64]; /* an object of this process's own */

static struct pt_segment_cfg small_cfg(void)
{
    struct pt_segment_cfg cfg;

    pt_segment_cfg_init(&cfg);
    cfg.name = name;
    cfg.program = "paritap test";
    cfg.row_max[PT_SEGMENT_TABLE_PAIR] = 4;
    cfg.ring_slots = 8;
    return cfg;
}

static void create(struct pt_segment_writer *s, const struct pt_segment_cfg *cfg)
{
    if (pt_segment_create(s, cfg))
        fail_msg("%s", s->trouble);
}

static void open_reader(struct pt_segment_reader *r)
{
    if (pt_segment_reader_open(r, name))
        fail_msg("%s", r->trouble);
}

static void sleep_ms(long ms)
{
    struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    nanosleep(&ts, NULL);
}

/* child forks one that never outlives a test that failed. */
static pid_t child(void)
{
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (!pid)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

/* A value that shows a torn copy: every word of it is made from n. */
static void fill(void *row, size_t sz, uint64_t n)
{
    for (size_t i = 0; i < sz; i += sizeof(n))
        memcpy((uint8_t *)row + i, &n, sizeof(n));
}

/* number_of gives back n, or fails. Texts were terminated by the reader: their last byte before
   the flag is 0 and not compared. */
static uint64_t number_of(const struct pt_segment_core *row)
{
    assert_int_equal(row->bytes, row->packets);
    assert_int_equal(row->batches, row->packets);
    assert_int_equal(row->records, row->packets);
    assert_int_equal(row->shed, row->packets);
    assert_int_equal(row->queue_used_sz, row->packets);
    assert_int_equal(row->queue_max_sz, row->packets);
    assert_memory_equal(row->name.s, &row->packets, sizeof(row->packets));
    return row->packets;
}

static void check_finding(const struct pt_segment_finding *f, uint64_t n)
{
    assert_int_equal(f->cnt, n);
    assert_int_equal(f->certified_ns, n);
    assert_int_equal(f->source.offset, n);
    assert_int_equal(f->source.packet, n);
    assert_int_equal(f->target.offset, n);
    assert_memory_equal(f->code.s, &n, sizeof(n));
    assert_memory_equal(f->message.s, &n, sizeof(n));
}

static void test_rows(void **state)
{
    struct pt_segment_cfg cfg = small_cfg();
    struct pt_segment_pair pair = { .source_partition = 3, .verified = 12000431, .lag_ns = -1 };
    struct pt_segment_tap tap = { .packets = 7, .bytes = 700, .lost = 1 };
    struct pt_segment_pair got = { 0 };
    struct pt_segment_tap got_tap;
    struct pt_segment_reader r;
    struct pt_segment_writer s;
    int64_t row;

    (void)state;
    create(&s, &cfg);
    open_reader(&r);
    assert_int_equal(r.id.pid, getpid());
    assert_string_equal(r.id.program.s, "paritap test");
    assert_int_equal(pt_segment_reader_state(&r), PT_SEGMENT_STARTING);

    row = pt_segment_take(&s, PT_SEGMENT_TABLE_PAIR);
    assert_int_equal(row, 0);
    assert_int_equal(pt_segment_reader_row_cnt(&r, PT_SEGMENT_TABLE_PAIR), 1);
    assert_false(pt_segment_get_pair(&r, 0, &got)); /* taken, not put yet */
    PT_SEGMENT_SET(pair.source_topic, "orders");
    PT_SEGMENT_SET(pair.target_topic, "dr.orders");
    pt_segment_put_pair(&s, row, &pair);
    assert_true(pt_segment_get_pair(&r, 0, &got));
    assert_memory_equal(&got, &pair, sizeof(pair));
    pair.verified++;
    pt_segment_put_pair(&s, row, &pair);
    assert_true(pt_segment_get_pair(&r, 0, &got));
    assert_int_equal(got.verified, 12000432);
    assert_false(pt_segment_get_pair(&r, 1, &got));

    PT_SEGMENT_SET(tap.name, "0000:17:00.0");
    pt_segment_put_tap(&s, pt_segment_take(&s, PT_SEGMENT_TABLE_TAP), &tap);
    assert_true(pt_segment_get_tap(&r, 0, &got_tap));
    assert_memory_equal(&got_tap, &tap, sizeof(tap));

    /* A full table refuses, counted; a row that was refused goes nowhere. */
    for (int i = 1; i < 4; i++)
        assert_int_equal(pt_segment_take(&s, PT_SEGMENT_TABLE_PAIR), i);
    assert_int_equal(pt_segment_take(&s, PT_SEGMENT_TABLE_PAIR), -1);
    pt_segment_put_pair(&s, -1, &pair);
    assert_int_equal(pt_segment_reader_row_cnt(&r, PT_SEGMENT_TABLE_PAIR), 4);
    assert_int_equal(pt_segment_reader_refused(&r, PT_SEGMENT_TABLE_PAIR), 1);
    assert_int_equal(pt_segment_reader_refused(&r, PT_SEGMENT_TABLE_TAP), 0);

    pt_segment_close(&s);
    assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_OVER);
    assert_true(pt_segment_get_pair(&r, 0, &got)); /* still */
    pt_segment_reader_close(&r);
}

static void test_texts(void **state)
{
    static const struct {
        const char *src;
        const char *want;
        uint8_t cut;
        const char *why;
    } rows[] = {
        { "", "", 0, "empty" },
        { NULL, "", 0, "NULL is empty" },
        { "1234567", "1234567", 0, "fits to the byte" },
        { "12345678", "1234567", 1, "one too many" },
        { "12345\xc3\xa9", "12345\xc3\xa9", 0, "two bytes that fit" },
        { "123456\xc3\xa9", "123456", 1, "a character is not cut in two" },
        { "1234\xf0\x9f\x98\x80", "1234", 1, "nor one of four bytes" },
        { "\x80\x80\x80\x80\x80\x80\x80\x80\x80", "\x80\x80\x80\x80", 1, "no UTF-8: bounded" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char dst[8];

        memset(dst, 'x', sizeof(dst));
        if (pt_segment_copy(dst, sizeof(dst), rows[i].src) != rows[i].cut ||
            strcmp(dst, rows[i].want))
            fail_msg("%s: \"%s\"", rows[i].why, dst);
    }
}

/* Overrun: whatever the order of appending and reading, no finding is unaccounted for. */
static void test_overrun(void **state)
{
    struct pt_segment_cfg cfg = small_cfg();
    struct pt_segment_finding f;
    struct pt_segment_cursor all;
    struct pt_segment_cursor late;
    struct pt_segment_reader r;
    struct pt_segment_writer s;
    unsigned seed = (unsigned)time(NULL);
    uint64_t read[2] = { 0 };
    uint64_t put[2] = { 0 };

    (void)state;
    print_message("seed %u\n", seed);
    srand(seed);
    cfg.ring_cnt = 2;
    create(&s, &cfg);
    open_reader(&r);
    pt_segment_cursor_begin(&r, &all, PT_SEGMENT_ALL_FINDINGS);
    assert_false(pt_segment_reader_next(&r, &all, &f));

    /* By hand first: 20 into 8 slots leaves numbers 12..19. */
    for (; put[0] < 20; put[0]++) {
        fill(&f, sizeof(f), put[0]);
        pt_segment_append(&s, 0, &f);
    }
    for (; pt_segment_reader_next(&r, &all, &f); read[0]++)
        check_finding(&f, 12 + read[0]);
    assert_int_equal(read[0], 8);
    assert_int_equal(all.missed, 12);
    pt_segment_cursor_begin(&r, &late, 3);
    assert_true(pt_segment_reader_next(&r, &late, &f));
    check_finding(&f, 17);
    assert_int_equal(late.missed, 0);

    for (int step = 0; step < 2000; step++) {
        unsigned ring = (unsigned)rand() % 2;

        for (int k = rand() % 12; k > 0; k--) {
            fill(&f, sizeof(f), put[ring]++ << 1 | ring);
            pt_segment_append(&s, ring, &f);
        }
        for (int k = rand() % 12; k > 0 && pt_segment_reader_next(&r, &all, &f); k--)
            read[f.cnt & 1]++;
    }
    while (pt_segment_reader_next(&r, &all, &f))
        read[f.cnt & 1]++;
    assert_int_equal(read[0] + read[1] + all.missed, put[0] + put[1]);
    assert_true(all.missed > 100);
    pt_segment_close(&s);
    pt_segment_reader_close(&r);
}

/* A copy of a valid segment, changed in one place. */
static void test_refusals(void **state)
{
    static const struct {
        size_t at;
        uint32_t value;
        int rc;
        const char *says;
        const char *why;
    } rows[] = {
        { 0, 0x41414141, -EINVAL, "no segment of paritap", "another magic" },
        { 8, PT_SEGMENT_VERSION + 1, -EPROTO, "another release", "the next version" },
        { 8, 0, -EAGAIN, "just starting", "not filled in yet" },
        { 12, 0x04030201, -EINVAL, "byte order", "from another machine" },
        { offsetof(struct pt_segment_head, ready), 0, -EAGAIN, "just starting", "not ready" },
        { offsetof(struct pt_segment_head, total_sz), 1u << 31, -EINVAL, "shorter", "cut off" },
        { offsetof(struct pt_segment_head, section_cnt), 5, -EINVAL, "missing", "a table less" },
        { offsetof(struct pt_segment_head, section_cnt), 4096, -EINVAL, "broken", "too many" },
        { offsetof(struct pt_segment_head, section[1].off), 8, -EINVAL, "broken", "unaligned" },
        { offsetof(struct pt_segment_head, section[1].off), 0xffffffc0, -EINVAL, "broken",
          "behind the end" },
        { offsetof(struct pt_segment_head, section[2].row_max), 1u << 20, -EINVAL, "broken",
          "more rows than there is room for" },
        { offsetof(struct pt_segment_head, section[2].row_max), 0, -EINVAL, "broken", "no rows" },
        { offsetof(struct pt_segment_head, section[3].stride), 8, -EINVAL, "broken",
          "rows overlap" },
        { offsetof(struct pt_segment_head, section[3].row_sz), 8, -EINVAL, "broken", "other rows" },
        { offsetof(struct pt_segment_head, section[6].kind), 9, -EINVAL, "broken", "other kind" },
        { offsetof(struct pt_segment_head, pid), 77, 0, "", "any pid is possible" },
    };
    struct pt_segment_cfg cfg = small_cfg();
    struct pt_segment_reader r;
    struct pt_segment_writer s;
    uint8_t *mem;
    size_t sz;

    (void)state;
    create(&s, &cfg);
    sz = s.total_sz;
    assert_int_equal(sz, pt_segment_footprint(&cfg));
    mem = aligned_alloc(64, sz);
    assert_non_null(mem);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int rc;

        memcpy(mem, s.head, sz);
        memcpy(mem + rows[i].at, &rows[i].value, sizeof(rows[i].value));
        rc = pt_segment_reader_attach(&r, mem, sz);
        if (rc != rows[i].rc || (rc && !strstr(r.trouble, rows[i].says)))
            fail_msg("%s: %d %s", rows[i].why, rc, rc ? r.trouble : "");
    }
    memcpy(mem, s.head, sz);
    for (size_t cut = 0; cut < sz; cut += cut < 8192 ? 8 : 4096)
        assert_true(pt_segment_reader_attach(&r, mem, cut) < 0);
    free(mem);
    pt_segment_close(&s);
}

static void test_names_and_permissions(void **state)
{
    static const struct {
        const char *name;
        mode_t mode;
        int rc;
        const char *why;
    } rows[] = {
        { "", 0640, -EINVAL, "empty" },
        { "/", 0640, -EINVAL, "only the slash" },
        { "a/b", 0640, -EINVAL, "a folder" },
        { "..", 0640, -EINVAL, "the folder above" },
        { "a b", 0640, -EINVAL, "a space" },
        { name, 0660, -EINVAL, "the group may write" },
        { name, 0040, -EINVAL, "the owner may not read" },
        { name, 0600, 0, "owner only" },
        { name, 0640, 0, "owner and group" },
        { name, 0644, 0, "everybody" },
    };
    mode_t old_mask = umask(077); /* must not matter */

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct pt_segment_cfg cfg = small_cfg();
        struct pt_segment_writer s;
        struct stat st;
        int rc;

        cfg.name = rows[i].name;
        cfg.mode = rows[i].mode;
        rc = pt_segment_create(&s, &cfg);
        if (rc != rows[i].rc || (rc && !s.trouble[0]))
            fail_msg("%s: %d", rows[i].why, rc);
        if (rc)
            continue;
        assert_int_equal(fstat(s.fd, &st), 0);
        assert_int_equal(st.st_mode & 07777, rows[i].mode);
        pt_segment_close(&s);
    }
    umask(old_mask);
}

/* Another user is kept out by default. Only root can try. */
static void test_other_user(void **state)
{
    struct pt_segment_cfg cfg = small_cfg();
    struct pt_segment_reader r;
    struct pt_segment_writer s;
    int status = 0;
    pid_t pid;

    (void)state;
    if (geteuid()) {
        skip();
        return;
    }
    create(&s, &cfg);
    pid = child();
    if (!pid) {
        if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
            _exit(2);
        _exit(pt_segment_reader_open(&r, name) == -EACCES && strstr(r.trouble, "group") ? 0 : 1);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    pt_segment_close(&s);

    cfg.group = 65534; /* readers by their group */
    create(&s, &cfg);
    pid = child();
    if (!pid) {
        if (setgroups(0, NULL) || setgid(65534) || setuid(65534))
            _exit(2);
        _exit(pt_segment_reader_open(&r, name)                 ? 1
              : pt_segment_reader_life(&r) == PT_SEGMENT_ALIVE ? 0
                                                               : 3);
    }
    waitpid(pid, &status, 0);
    assert_int_equal(status, 0);
    pt_segment_close(&s);
}

static void test_stale(void **state)
{
    struct pt_segment_cfg cfg = small_cfg();
    struct pt_segment_reader r;
    struct pt_segment_writer s;

    (void)state;
    create(&s, &cfg);
    open_reader(&r);
    assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_ALIVE);
    /* 500 ms between beats: 2 s are allowed. */
    atomic_fetch_sub(&s.head->beat_ns, 1800000000);
    assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_ALIVE);
    atomic_fetch_sub(&s.head->beat_ns, 300000000);
    assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_STALE);
    pt_segment_beat(&s);
    assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_ALIVE);
    atomic_store(&s.head->beat_ns, UINT64_MAX); /* broken, or of the future */
    assert_int_equal(pt_segment_reader_beat_age_ns(&r), 0);
    pt_segment_close(&s);
    pt_segment_reader_close(&r);
}

/* A child that writes as fast as it can, until it is killed. */
static pid_t start_writer(void)
{
    int ready[2];
    char byte = 0;
    pid_t pid;

    assert_int_equal(pipe(ready), 0);
    pid = child();
    if (!pid) {
        struct pt_segment_cfg cfg = small_cfg();
        struct pt_segment_finding f;
        struct pt_segment_core core;
        struct pt_segment_writer s;
        int64_t row;

        if (pt_segment_create(&s, &cfg)) {
            fprintf(stderr, "%s\n", s.trouble);
            _exit(1);
        }
        row = pt_segment_take(&s, PT_SEGMENT_TABLE_CORE);
        pt_segment_set_state(&s, PT_SEGMENT_RUNNING);
        for (uint64_t n = 0;; n++) {
            fill(&core, sizeof(core), n);
            fill(&f, sizeof(f), n);
            pt_segment_put_core(&s, row, &core);
            pt_segment_append(&s, 0, &f);
            pt_segment_beat(&s);
            if (n == 100 && write(ready[1], &byte, 1) != 1)
                _exit(1);
        }
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return pid;
}

static void kill_hard(pid_t pid)
{
    int status;

    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
}

/* Wherever the writer is hit, a whole last state is left, the reader knows at once, and the next
   writer takes the name over. */
static void test_killed_writer(void **state)
{
    struct pt_segment_cfg cfg = small_cfg();
    struct pt_segment_cursor cursor;
    struct pt_segment_finding f;
    struct pt_segment_core core;
    struct pt_segment_reader r;
    struct pt_segment_writer s;

    (void)state;
    for (int round = 0; round < 20; round++) {
        pid_t pid = start_writer(); /* in the place of the one before */
        uint64_t used;
        uint64_t read = 0;

        open_reader(&r);
        assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_ALIVE);
        assert_int_equal(r.id.pid, pid);
        assert_int_equal(pt_segment_create(&s, &cfg), -EBUSY);
        assert_non_null(strstr(s.trouble, "another paritap"));
        sleep_ms(1 + round % 3);
        kill_hard(pid);
        assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_DEAD);
        assert_int_equal(pt_segment_reader_state(&r), PT_SEGMENT_RUNNING);
        assert_true(pt_segment_get_core(&r, 0, &core));
        assert_true(number_of(&core) >= 100);
        pt_segment_cursor_begin(&r, &cursor, PT_SEGMENT_ALL_FINDINGS);
        used = atomic_load(&r.ring[0].live->used);
        for (; pt_segment_reader_next(&r, &cursor, &f); read++)
            check_finding(&f, cursor.missed + read);
        assert_int_equal(read + cursor.missed, used);
        assert_true(read >= 7); /* one may have been hit while it was overwritten */
        pt_segment_reader_close(&r);
    }
}

static void test_takeover(void **state)
{
    struct pt_segment_cfg cfg = small_cfg();
    struct pt_segment_core core;
    struct pt_segment_reader r;
    struct pt_segment_writer s;
    pid_t pid = start_writer();
    int fd;

    (void)state;
    open_reader(&r);
    kill_hard(pid);
    assert_false(pt_segment_reader_replaced(&r, name));
    create(&s, &cfg);
    assert_true(pt_segment_reader_replaced(&r, name));
    assert_true(pt_segment_get_core(&r, 0, &core)); /* what was open stays */
    assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_DEAD);
    pt_segment_reader_close(&r);
    open_reader(&r);
    assert_int_equal(r.id.pid, getpid());
    assert_false(pt_segment_get_core(&r, 0, &core));
    pt_segment_reader_close(&r);
    pt_segment_close(&s);
    create(&s, &cfg); /* one that ended is in nobody's way either */
    pt_segment_close(&s);
    shm_unlink(name);

    /* Something that is not ours is left alone. */
    fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "this is not a segment", 21), 21);
    assert_int_equal(pt_segment_create(&s, &cfg), -EEXIST);
    assert_int_equal(pt_segment_reader_open(&r, name), -EINVAL);
    assert_non_null(strstr(r.trouble, "no segment"));
    /* A start that was killed at once left an empty object. */
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pt_segment_reader_open(&r, name), -EAGAIN);
    create(&s, &cfg);
    pt_segment_close(&s);
    close(fd);
    shm_unlink(name);
    assert_int_equal(pt_segment_reader_open(&r, name), -ENOENT);
}

/* Many start at once in the place of a dead writer: one gets the name, and keeps it. */
static void test_race_of_starts(void **state)
{
    enum { STARTS = 8 };

    (void)state;
    for (int round = 0; round < 10; round++) {
        int won[2];
        int go[2];
        pid_t pid[STARTS];
        int winners = 0;
        char byte;

        kill_hard(start_writer());
        assert_int_equal(pipe(won), 0);
        assert_int_equal(pipe(go), 0);
        for (int i = 0; i < STARTS; i++) {
            pid[i] = child();
            if (!pid[i]) {
                struct pt_segment_cfg cfg = small_cfg();
                struct pt_segment_writer s;

                close(go[1]);
                if (read(go[0], &byte, 1) < 0)
                    _exit(2);
                byte = pt_segment_create(&s, &cfg) ? 'n' : 'y';
                if (write(won[1], &byte, 1) != 1)
                    _exit(2);
                pause();
            }
        }
        close(go[0]);
        close(go[1]);
        for (int i = 0; i < STARTS; i++) {
            assert_int_equal(read(won[0], &byte, 1), 1);
            winners += byte == 'y';
        }
        {
            struct pt_segment_reader r;

            /* At most one, and if there is one, its object is the one with the name. */
            assert_true(winners <= 1);
            if (winners) {
                open_reader(&r);
                assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_ALIVE);
                pt_segment_reader_close(&r);
            }
        }
        for (int i = 0; i < STARTS; i++)
            kill_hard(pid[i]);
        close(won[0]);
        close(won[1]);
    }
}

/* A reader that is killed, and one that is stuck, change nothing. */
static void test_killed_reader(void **state)
{
    struct pt_segment_cfg cfg = small_cfg();
    struct pt_segment_core core = { .packets = 1 };
    struct pt_segment_finding f = { .cnt = 1 };
    struct pt_segment_cursor stuck;
    struct pt_segment_reader r;
    struct pt_segment_writer s;
    int64_t row;
    pid_t pid;

    (void)state;
    create(&s, &cfg);
    row = pt_segment_take(&s, PT_SEGMENT_TABLE_CORE);
    pt_segment_put_core(&s, row, &core);
    open_reader(&r);
    pt_segment_cursor_begin(&r, &stuck, PT_SEGMENT_ALL_FINDINGS);
    pid = child();
    if (!pid) {
        struct pt_segment_reader mine;
        struct pt_segment_core got;

        if (pt_segment_reader_open(&mine, name))
            _exit(1);
        for (;;)
            pt_segment_get_core(&mine, 0, &got);
    }
    for (uint64_t n = 0; n < 100000; n++) {
        if (n == 50000)
            kill_hard(pid);
        fill(&core, sizeof(core), n);
        pt_segment_put_core(&s, row, &core);
        pt_segment_append(&s, 0, &f);
        pt_segment_beat(&s);
    }
    assert_int_equal(pt_segment_reader_life(&r), PT_SEGMENT_ALIVE);
    assert_true(pt_segment_get_core(&r, 0, &core));
    assert_int_equal(number_of(&core), 99999);
    while (pt_segment_reader_next(&r, &stuck, &f))
        ;
    assert_int_equal(stuck.missed, 100000 - 8);
    pt_segment_close(&s);
    pt_segment_reader_close(&r);
}

#define ROUNDS 30000

static pthread_barrier_t begun;

static void *write_rows(void *arg)
{
    struct pt_segment_writer *s = arg;
    struct pt_segment_finding f;
    struct pt_segment_core core;

    pthread_barrier_wait(&begun);
    for (uint64_t n = 1; n <= ROUNDS; n++) {
        fill(&core, sizeof(core), n);
        fill(&f, sizeof(f), n - 1);
        pt_segment_put_core(s, 0, &core);
        pt_segment_append(s, 0, &f);
        if (n % 16 == 0) { /* now and then the readers keep up, now and then not */
            pt_segment_beat(s);
            sched_yield();
        }
    }
    pt_segment_set_state(s, PT_SEGMENT_ENDED);
    return NULL;
}

struct seen {
    uint64_t rows;
    uint64_t findings;
    uint64_t missed;
};

static void *read_rows(void *arg)
{
    struct seen *seen = arg;
    struct pt_segment_cursor cursor;
    struct pt_segment_finding f;
    struct pt_segment_core core;
    struct pt_segment_reader r;
    uint64_t last = 0;
    bool over = false;

    open_reader(&r);
    pt_segment_cursor_begin(&r, &cursor, PT_SEGMENT_ALL_FINDINGS);
    pthread_barrier_wait(&begun);
    while (!over) {
        over = pt_segment_reader_state(&r) == PT_SEGMENT_ENDED;
        if (pt_segment_get_core(&r, 0, &core)) {
            assert_true(number_of(&core) >= last); /* never back in time */
            last = number_of(&core);
            seen->rows++;
        }
        while (pt_segment_reader_next(&r, &cursor, &f))
            check_finding(&f, seen->findings++ + cursor.missed);
    }
    assert_int_equal(last, ROUNDS);
    seen->missed = cursor.missed;
    pt_segment_reader_close(&r);
    return NULL;
}

static void test_threads(void **state)
{
    struct pt_segment_cfg cfg = small_cfg();
    struct seen seen[2] = { 0 };
    pthread_t thread[3];
    struct pt_segment_writer s;

    (void)state;
    create(&s, &cfg);
    assert_int_equal(pt_segment_take(&s, PT_SEGMENT_TABLE_CORE), 0);
    pthread_barrier_init(&begun, NULL, 3);
    assert_int_equal(pthread_create(&thread[1], NULL, read_rows, &seen[0]), 0);
    assert_int_equal(pthread_create(&thread[2], NULL, read_rows, &seen[1]), 0);
    assert_int_equal(pthread_create(&thread[0], NULL, write_rows, &s), 0);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    for (int i = 0; i < 2; i++) {
        print_message("reader %d: %llu rows, %llu findings, %llu missed\n", i,
                      (unsigned long long)seen[i].rows, (unsigned long long)seen[i].findings,
                      (unsigned long long)seen[i].missed);
        assert_int_equal(seen[i].findings + seen[i].missed, ROUNDS);
        assert_true(seen[i].rows > 0);
    }
    pthread_barrier_destroy(&begun);
    pt_segment_close(&s);
}

static int remove_object(void **state)
{
    (void)state;
    shm_unlink(name);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_rows, remove_object),
        cmocka_unit_test(test_texts),
        cmocka_unit_test_teardown(test_overrun, remove_object),
        cmocka_unit_test_teardown(test_refusals, remove_object),
        cmocka_unit_test_teardown(test_names_and_permissions, remove_object),
        cmocka_unit_test_teardown(test_other_user, remove_object),
        cmocka_unit_test_teardown(test_stale, remove_object),
        cmocka_unit_test_teardown(test_killed_writer, remove_object),
        cmocka_unit_test_teardown(test_takeover, remove_object),
        cmocka_unit_test_teardown(test_race_of_starts, remove_object),
        cmocka_unit_test_teardown(test_killed_reader, remove_object),
        cmocka_unit_test_teardown(test_threads, remove_object),
    };

    snprintf(name, sizeof(name), "/paritap-test-%d", (int)getpid());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
