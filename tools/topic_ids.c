/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/topic_ids.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "parser/topics.h"
#include "verify/registry.h"

/* What is looked at of a line: cluster, name and id stand in front; settings may be long. */
#define LINE_MAX_SZ 1024
#define BLANKS " \t\r"

static const char *const cluster_word[PT_CLUSTER_CNT] = { "source", "target" };

struct line {
    const char *cluster; /* each NULL: not there; empty: without a value */
    const char *topic;
    const char *id;
    bool partition;
    bool any; /* a field that is known */
};

/* read_line reads a line without its end, cut off at LINE_MAX_SZ; false behind the last one. A zero
 * byte makes *ret_text false. */
static bool read_line(FILE *f, char buf[LINE_MAX_SZ], bool *ret_text)
{
    size_t len = 0;
    int c = getc(f);
    bool there = c != EOF;

    for (; c != EOF && c != '\n'; c = getc(f)) {
        *ret_text = *ret_text && c;
        if (len + 1 < LINE_MAX_SZ)
            buf[len++] = (char)c;
    }
    buf[len] = 0;
    return there;
}

/* take_apart goes from field to field: "Key: value", where a value never ends with a colon. */
static struct line take_apart(char *text)
{
    struct line l = { 0 };
    char *save = NULL;
    char *key = strtok_r(text, BLANKS, &save);

    while (key && strcmp(key, "Configs:")) {
        const char **to = !strcmp(key, "Cluster:")   ? &l.cluster
                          : !strcmp(key, "Topic:")   ? &l.topic
                          : !strcmp(key, "TopicId:") ? &l.id
                                                     : NULL;

        l.partition |= !strcmp(key, "Partition:");
        l.any |= to || l.partition;
        key = strtok_r(NULL, BLANKS, &save);
        if (!to)
            continue;
        *to = "";
        if (key && key[strlen(key) - 1] != ':') {
            *to = key;
            key = strtok_r(NULL, BLANKS, &save);
        }
    }
    return l;
}

static int add(struct pt_topic_ids *l, const struct pt_given_id *given)
{
    /* Its room is always a power of two. */
    if (!(l->cnt & (l->cnt - 1))) {
        struct pt_given_id *more = reallocarray(l->item, l->cnt ? 2 * l->cnt : 1, sizeof(*l->item));

        if (!more)
            return -ENOMEM;
        l->item = more;
    }
    l->item[l->cnt] = *given;
    l->item[l->cnt].topic = strdup(given->topic);
    if (!l->item[l->cnt].topic)
        return -ENOMEM;
    l->cnt++;
    return 0;
}

static int cluster_of(const char *word, unsigned otherwise, uint8_t *ret, struct pt_error *err)
{
    if (!word && otherwise == PT_CLUSTER_NONE)
        return pt_error_set(err, "which cluster's topic is it? Give the file as source=FILE or "
                                 "target=FILE");
    *ret = (uint8_t)otherwise;
    for (uint8_t c = 0; word && c <= PT_CLUSTER_CNT; c++) {
        if (c == PT_CLUSTER_CNT)
            return pt_error_set(err, "Cluster: \"%.40s\" is none of source, target", word);
        *ret = c;
        if (!strcmp(word, cluster_word[c]))
            break;
    }
    return 0;
}

static int take_line(struct pt_topic_ids *l, char *text, unsigned cluster, struct pt_given_id given,
                     struct pt_error *err)
{
    const char *first = text + strspn(text, BLANKS);
    struct line line;

    if (!*first || *first == '#')
        return 0;
    line = take_apart(text);
    if (!line.any)
        return pt_error_set(err, "expected \"Topic: NAME<tab>TopicId: ID\", as kafka-topics.sh "
                                 "--describe prints it");
    if (line.partition || (line.topic && !line.id))
        return 0;
    if (!line.topic || !pt_topic_name_is_lawful(
                               (struct pt_view){ (const uint8_t *)line.topic, strlen(line.topic) }))
        return pt_error_set(err, "Topic: \"%.80s\" is no name that a topic can have",
                            line.topic ? line.topic : "");
    given.topic = line.topic;
    if (pt_parse_topic_id(line.id, given.id, err) ||
        cluster_of(line.cluster, cluster, &given.cluster, err))
        return -EINVAL;
    if (l->cnt == PT_TOPIC_IDS_MAX)
        return pt_error_set(err, "more topic ids than one run takes (%u)", PT_TOPIC_IDS_MAX);
    return add(l, &given) ? pt_error_set(err, "out of memory") : 0;
}

int pt_topic_ids_read(struct pt_topic_ids *l, FILE *f, const char *file, unsigned cluster,
                      struct pt_error *err)
{
    struct pt_given_id given = { .file = file };
    char text[LINE_MAX_SZ];
    struct pt_error why;
    bool is_text = true;
    int rc = 0;

    while (!rc && read_line(f, text, &is_text)) {
        given.line += given.line < UINT32_MAX;
        rc = is_text ? take_line(l, text, cluster, given, &why)
                     : pt_error_set(&why, "is no text: what kafka-topics.sh --describe prints is "
                                          "expected");
        if (rc)
            pt_error_set(err, "%.200s:%u: %.280s", file, given.line, why.text);
    }
    if (!rc && ferror(f))
        return pt_error_set(err, "%.200s: cannot be read: %s", file, strerror(errno));
    return rc;
}

int pt_topic_ids_load(struct pt_topic_ids *l, const char *file, unsigned cluster,
                      struct pt_error *err)
{
    FILE *f = fopen(file, "r");
    int rc;

    if (!f)
        return pt_error_set(err, "%.200s: cannot be opened: %s", file, strerror(errno));
    rc = pt_topic_ids_read(l, f, file, cluster, err);
    fclose(f);
    return rc;
}

void pt_topic_ids_free(struct pt_topic_ids *l)
{
    for (size_t i = 0; i < l->cnt; i++)
        free((char *)(uintptr_t)l->item[i].topic);
    free(l->item);
    *l = (struct pt_topic_ids){ 0 };
}

static int given_order(const void *a, const void *b)
{
    return pt_given_order(a, b);
}

int pt_topic_ids_seal(struct pt_topic_ids *l, struct pt_error *err)
{
    size_t kept = 0;

    if (l->cnt)
        qsort(l->item, l->cnt, sizeof(*l->item), given_order);
    for (size_t i = 1; i < l->cnt; i++) {
        const struct pt_given_id *a = &l->item[i - 1];
        const struct pt_given_id *b = &l->item[i];
        char id[PT_TOPIC_ID_TEXT_SZ];

        if (!pt_given_order(a, b) && strcmp(a->topic, b->topic))
            return pt_error_set(err,
                                "topic id %s is %.60s in %.100s:%u and %.60s in %.100s:%u: an id "
                                "has one name, take one of the lines out",
                                pt_topic_id_text(a->id, id), a->topic, a->file, a->line, b->topic,
                                b->file, b->line);
    }
    for (size_t i = 0; i < l->cnt; i++) {
        if (kept && !pt_given_order(&l->item[kept - 1], &l->item[i]))
            free((char *)(uintptr_t)l->item[i].topic);
        else
            l->item[kept++] = l->item[i];
    }
    l->cnt = kept;
    return 0;
}

/* What is written: given ones first, the learned ones of a name behind, by their age. */
struct out {
    const char *topic;
    const uint8_t *id;
    size_t nth;
    uint8_t cluster;
};

static int id_order(const void *a, const void *b)
{
    const struct out *x = a;
    const struct out *y = b;

    if (x->cluster != y->cluster)
        return x->cluster < y->cluster ? -1 : 1;
    return memcmp(x->id, y->id, 16);
}

static int out_order(const void *a, const void *b)
{
    const struct out *x = a;
    const struct out *y = b;
    int order = x->cluster < y->cluster ? -1 : x->cluster > y->cluster;

    if (!order)
        order = strcmp(x->topic, y->topic);
    return order ? order : x->nth < y->nth ? -1 : x->nth > y->nth;
}

int pt_topic_ids_write(const struct pt_topic_ids *l, const struct pt_topic_id_row *row,
                       size_t row_cnt, bool single, FILE *f)
{
    struct out *out = calloc(l->cnt + row_cnt + 1, sizeof(*out));
    size_t learned = 0;
    size_t cnt;

    if (!out)
        return -ENOMEM;
    for (size_t i = 0; i < row_cnt; i++) {
        struct pt_view name = { (const uint8_t *)row[i].topic, strlen(row[i].topic) };

        if (pt_topic_name_is_lawful(name))
            out[learned++] = (struct out){ row[i].topic, row[i].id, l->cnt + i, row[i].cluster };
    }
    qsort(out, learned, sizeof(*out), id_order);
    cnt = learned;
    for (size_t i = 0; i < l->cnt; i++) {
        const struct pt_given_id *g = &l->item[i];

        out[cnt] = (struct out){ g->topic, g->id, i, g->cluster };
        if (!bsearch(&out[cnt], out, learned, sizeof(*out), id_order))
            cnt++;
    }
    qsort(out, cnt, sizeof(*out), out_order);
    fputs("# Topic ids, for --topic-ids.\n", f);
    for (size_t i = 0; i < cnt; i++) {
        char id[PT_TOPIC_ID_TEXT_SZ];

        if (!single)
            fprintf(f, "Cluster: %s\t", cluster_word[out[i].cluster]);
        fprintf(f, "Topic: %s\tTopicId: %s\n", out[i].topic, pt_topic_id_text(out[i].id, id));
    }
    free(out);
    return 0;
}

int pt_topic_ids_save(const struct pt_topic_ids *l, const struct pt_result *result, bool single,
                      const char *path, struct pt_error *err)
{
    char beside[PATH_MAX];
    FILE *f;
    int rc;

    snprintf(beside, sizeof(beside), "%.4000s.part", path);
    f = fopen(beside, "w");
    rc = f ? pt_topic_ids_write(l, result->topic_ids, result->topic_id_cnt, single, f) : -errno;
    if (f && fclose(f) && !rc)
        rc = -errno;
    if (!rc && rename(beside, path))
        rc = -errno;
    if (rc)
        pt_error_set(err, "--learn %.200s: cannot be written: %s", path, strerror(-rc));
    return rc;
}
