/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of topic ids: what Kafka's own tool prints is read, what is none is refused with the line
 * and what to do, and what is written is read again as the same.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "fake_config.h"
#include "tools/options.h"
#include "tools/topic_ids.h"

#define ORDERS "8GqU1QnrTiS8BqfyrI0QBg"
#define ORDERS_2 "AAAAAAAAAAAAAAAAAAAABA"
#define CLICKS "_-9QpIf2T3Wf-nXlYQDb4w"

static int read_text(struct pt_topic_ids *l, const char *text, unsigned cluster,
                     struct pt_error *err)
{
    FILE *f = fmemopen((char *)(uintptr_t)text, strlen(text), "r");
    int rc;

    assert_non_null(f);
    rc = pt_topic_ids_read(l, f, "ids.txt", cluster, err);
    fclose(f);
    return rc;
}

static void read_well(struct pt_topic_ids *l, const char *text, unsigned cluster)
{
    struct pt_error err = { "" };

    if (read_text(l, text, cluster, &err) || pt_topic_ids_seal(l, &err))
        fail_msg("%s", err.text);
}

/* The list as text, cluster by number. */
static const char *shown(const struct pt_topic_ids *l, char buf[1024])
{
    char id[PT_TOPIC_ID_TEXT_SZ];
    size_t at = 0;

    buf[0] = 0;
    for (size_t i = 0; i < l->cnt; i++)
        at += (size_t)snprintf(buf + at, 1024 - at, "%u %s %s:%u\n", l->item[i].cluster,
                               l->item[i].topic, pt_topic_id_text(l->item[i].id, id),
                               l->item[i].line);
    return buf;
}

static void test_what_kafka_prints(void **state)
{
    static const char text[] =
            "Topic: orders\tTopicId: " ORDERS "\tPartitionCount: 2\tReplicationFactor: 3\t"
            "Configs: Topic: cleanup.policy=compact,TopicId: \n"
            "\tTopic: orders\tPartition: 0\tLeader: 1\tReplicas: 1,2,3\tIsr: 1,2,3\tElr: \t"
            "LastKnownElr: \n"
            "\tTopic: orders\tPartition: 1\tLeader: none\tReplicas: 1,2,3\tIsr: 1\n"
            "Topic: old\tPartitionCount: 1\tReplicationFactor: 1\tConfigs: \r\n"
            "\n"
            "  # by hand\n"
            "Topic: clicks    TopicId: " CLICKS "\r\n"
            "Topic: orders\tTopicId: " ORDERS_2 "\tMarkedForDeletion: true";
    struct pt_topic_ids l = { 0 };
    char buf[1024];

    (void)state;
    read_well(&l, text, PT_CLUSTER_TARGET);
    assert_string_equal(shown(&l, buf), "1 orders " ORDERS_2 ":8\n"
                                        "1 orders " ORDERS ":1\n"
                                        "1 clicks " CLICKS ":7\n");
    pt_topic_ids_free(&l);
}

/* A line may be of any length: what matters stands in front. */
static void test_long_line(void **state)
{
    static char text[100000];
    struct pt_topic_ids l = { 0 };
    size_t at;

    (void)state;
    at = (size_t)snprintf(text, sizeof(text), "Topic: orders\tTopicId: " ORDERS "\tConfigs: ");
    memset(text + at, 'x', sizeof(text) - at);
    snprintf(text + sizeof(text) - 100, 100, "\nTopic: clicks\tTopicId: " CLICKS "\n");
    read_well(&l, text, PT_CLUSTER_SOURCE);
    assert_int_equal(l.cnt, 2);
    pt_topic_ids_free(&l);
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        unsigned cluster;
        const char *words[2];
    } row[] = {
        { "\nhello\n", 0, { "ids.txt:2:", "kafka-topics.sh --describe" } },
        { "Topic: a\tTopicId: 8GqU1QnrTiS8BqfyrI0QB\n", 0, { "ids.txt:1:", "22 letters" } },
        { "Topic: a\tTopicId: 8GqU1QnrTiS8BqfyrI0QBgA\n", 0, { "ids.txt:1:", "22 letters" } },
        { "Topic: a\tTopicId: 8GqU1QnrTiS8BqfyrI0QB+\n", 0, { "ids.txt:1:", "22 letters" } },
        { "Topic: a\tTopicId: 8GqU1QnrTiS8BqfyrI0QBh\n", 0, { "ids.txt:1:", "22 letters" } },
        { "Topic: a\tTopicId: AAAAAAAAAAAAAAAAAAAAAA\n", 0, { "ids.txt:1:", "no id" } },
        { "Topic: \tTopicId: " ORDERS "\n", 0, { "ids.txt:1:", "name" } },
        { "Topic: a/b\tTopicId: " ORDERS "\n", 0, { "ids.txt:1:", "\"a/b\"" } },
        { "TopicId: " ORDERS "\n", 0, { "ids.txt:1:", "name" } },
        { "Topic: a\tTopicId: " ORDERS "\n", PT_CLUSTER_NONE, { "ids.txt:1:", "source=FILE" } },
        { "Cluster: east\tTopic: a\tTopicId: " ORDERS "\n", 0, { "ids.txt:1:", "\"east\"" } },
        { "Topic: a\tTopicId: " ORDERS "\nTopic: b\tTopicId: " ORDERS "\n",
          0,
          { "ids.txt:1", "ids.txt:2" } },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
        struct pt_topic_ids l = { 0 };
        struct pt_error err = { "" };
        int rc = read_text(&l, row[i].text, row[i].cluster, &err);

        if (!rc)
            rc = pt_topic_ids_seal(&l, &err);
        if (!rc || !strstr(err.text, row[i].words[0]) || !strstr(err.text, row[i].words[1]))
            fail_msg("row %zu: %d %s", i, rc, err.text);
        pt_topic_ids_free(&l);
    }
}

static void test_zero_byte(void **state)
{
    char text[] = "Topic: a\tTopicId: " ORDERS "\0\nTopic: b";
    struct pt_topic_ids l = { 0 };
    struct pt_error err = { "" };
    FILE *f = fmemopen(text, sizeof(text), "r");

    (void)state;
    assert_true(pt_topic_ids_read(&l, f, "ids.txt", 0, &err));
    assert_non_null(strstr(err.text, "ids.txt:1: is no text"));
    fclose(f);
    pt_topic_ids_free(&l);
}

static struct pt_topic_id_row learned(uint8_t cluster, const char *topic, const char *id)
{
    struct pt_topic_id_row row = { .topic = topic, .cluster = cluster };
    struct pt_error err;

    assert_int_equal(pt_parse_topic_id(id, row.id, &err), 0);
    return row;
}

/* What was learned stands over what was given, and both are there in the next run. */
static void test_round_trip(void **state)
{
    struct pt_topic_ids given = { 0 };
    struct pt_topic_ids again = { 0 };
    const struct pt_topic_id_row row[] = {
        learned(0, "orders", ORDERS_2),
        learned(1, "two words", "AAAAAAAAAAAAAAAAAAAABw"), /* could not be read again */
        learned(1, "payments", CLICKS),
    };
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    (void)state;
    read_well(&given,
              "Cluster: source\tTopic: orders\tTopicId: " ORDERS "\n"
              "Cluster: target\tTopic: clicks\tTopicId: " CLICKS "\n"
              "Cluster: target\tTopic: clicks\tTopicId: " CLICKS "\n",
              PT_CLUSTER_NONE);
    assert_int_equal(given.cnt, 2);
    assert_int_equal(pt_topic_ids_write(&given, row, 3, false, f), 0);
    fclose(f);
    assert_string_equal(text, "# Topic ids, for --topic-ids.\n"
                              "Cluster: source\tTopic: orders\tTopicId: " ORDERS "\n"
                              "Cluster: source\tTopic: orders\tTopicId: " ORDERS_2 "\n"
                              "Cluster: target\tTopic: payments\tTopicId: " CLICKS "\n");
    read_well(&again, text, PT_CLUSTER_NONE);
    assert_int_equal(again.cnt, 3);
    pt_topic_ids_free(&given);
    pt_topic_ids_free(&again);
    free(text);
}

/* A file that cannot be written leaves what was there. */
static void test_save(void **state)
{
    char folder[] = "/tmp/paritap-ids-XXXXXX";
    const struct pt_topic_id_row row = learned(0, "orders", ORDERS);
    const struct pt_result result = { .topic_ids = &row, .topic_id_cnt = 1 };
    struct pt_topic_ids l = { 0 };
    struct pt_error err = { "" };
    char path[64];
    char part[64];

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/ids", folder);
    snprintf(part, sizeof(part), "%s/ids.part", folder);
    assert_int_equal(pt_topic_ids_save(&l, &result, true, path, &err), 0);
    assert_int_not_equal(access(part, F_OK), 0);
    assert_int_equal(pt_topic_ids_load(&l, path, PT_CLUSTER_TARGET, &err), 0);
    assert_int_equal(l.cnt, 1);
    assert_int_equal(l.item[0].cluster, PT_CLUSTER_TARGET);
    pt_topic_ids_free(&l);
    assert_int_equal(pt_topic_ids_save(&l, &result, true, "/nonexistent/ids", &err), -ENOENT);
    assert_non_null(strstr(err.text, "--learn /nonexistent/ids: cannot be written: No such file"));
    assert_int_not_equal(pt_topic_ids_load(&l, folder, 0, &err), 0);
    assert_non_null(strstr(err.text, "directory"));
    unlink(path);
    rmdir(folder);
}

/* The options of all programs: which cluster a file is of, and what the last run has learned. */
static void test_options(void **state)
{
    char folder[] = "/tmp/paritap-ids-XXXXXX";
    char source[64];
    char learn[64];
    char *argv[] = { (char *)(uintptr_t) "replay",
                     (char *)(uintptr_t) "a.pcap",
                     (char *)(uintptr_t) "--topic-ids",
                     source,
                     (char *)(uintptr_t) "--learn",
                     learn,
                     NULL };
    struct pt_options o;
    struct pt_error err = { "" };
    char buf[1024];
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(source, sizeof(source), "target=%s/ids", folder);
    snprintf(learn, sizeof(learn), "%s/learned", folder);
    f = fopen(source + 7, "w");
    fputs("Topic: orders\tTopicId: " ORDERS "\n", f);
    fclose(f);
    for (int run = 0; run < 3; run++) {
        enum pt_mode mode = run < 2 ? PT_MODE_INSPECT : PT_MODE_REPLAY;

        pt_options_init(&o, &fake_defaults);
        if (pt_options_parse(&o, mode, 6, argv, &err) && run < 2)
            fail_msg("%s", err.text);
        if (run < 2)
            assert_string_equal(shown(&o.cfg.topic_ids, buf), run ? "0 orders " ORDERS
                                                                    ":1\n0 clicks " CLICKS ":1\n"
                                                                  : "0 orders " ORDERS ":1\n");
        else /* inspect's does not say which cluster it is */
            assert_non_null(strstr(err.text, "learned:1: which cluster's"));
        if (run == 1)
            assert_int_equal(o.cfg.pipeline.policy.given_id_cnt, 2);
        pt_options_free(&o);
        f = fopen(learn, "w");
        fputs("Topic: clicks\tTopicId: " CLICKS "\n", f);
        fclose(f);
    }
    pt_options_init(&o, &fake_defaults);
    argv[3] = (char *)(uintptr_t) "source=/nonexistent/ids";
    assert_int_not_equal(pt_options_parse(&o, PT_MODE_INSPECT, 6, argv, &err), 0);
    assert_non_null(strstr(err.text, "/nonexistent/ids: cannot be opened: No such file"));
    pt_options_free(&o);
    unlink(source + 7);
    unlink(learn);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_kafka_prints), cmocka_unit_test(test_long_line),
        cmocka_unit_test(test_refused),           cmocka_unit_test(test_zero_byte),
        cmocka_unit_test(test_round_trip),        cmocka_unit_test(test_save),
        cmocka_unit_test(test_options),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
