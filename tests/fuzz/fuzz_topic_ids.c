/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files of topic ids, of any content. What is accepted can be sealed or names a line, is written as
 * what is accepted again, and is then the same. What is refused has an error that names the file.
 */
#include "fuzz.h"

#include "parser/topics.h"
#include "tools/topic_ids.h"
#include "verify/registry.h"

#define NAME "ids.txt:"

static int load(struct pt_topic_ids *l, const void *data, size_t len, unsigned cluster)
{
    struct pt_error err = { "" };
    FILE *f = fmemopen((void *)(uintptr_t)data, len, "r");
    int rc;

    FUZZ_CHECK(f);
    rc = pt_topic_ids_read(l, f, "ids.txt", cluster, &err);
    fclose(f);
    if (rc)
        FUZZ_CHECK(!strncmp(err.text, NAME, strlen(NAME)));
    else
        rc = pt_topic_ids_seal(l, &err);
    if (rc)
        FUZZ_CHECK(strstr(err.text, NAME));
    return rc;
}

static void check(const struct pt_topic_ids *l)
{
    for (size_t i = 0; i < l->cnt; i++) {
        struct pt_view name = { (const uint8_t *)l->item[i].topic, strlen(l->item[i].topic) };

        FUZZ_CHECK(l->item[i].cluster < PT_CLUSTER_CNT);
        FUZZ_CHECK(pt_topic_name_is_lawful(name));
        FUZZ_CHECK(!i || pt_given_order(&l->item[i - 1], &l->item[i]) < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    unsigned cluster = len ? data[0] % (PT_CLUSTER_CNT + 1) : 0;
    struct pt_topic_ids l = { 0 };
    struct pt_topic_ids again = { 0 };
    uint8_t *own = fuzz_copy(data, len);
    char *text = NULL;
    size_t text_len = 0;
    FILE *f;

    if (len && !load(&l, own, len, cluster)) {
        check(&l);
        f = open_memstream(&text, &text_len);
        FUZZ_CHECK(f);
        FUZZ_CHECK(!pt_topic_ids_write(&l, NULL, 0, false, f));
        fclose(f);
        FUZZ_CHECK(!load(&again, text, text_len, PT_CLUSTER_NONE));
        FUZZ_CHECK(again.cnt == l.cnt);
        for (size_t i = 0; i < l.cnt; i++) {
            FUZZ_CHECK(!pt_given_order(&l.item[i], &again.item[i]));
            FUZZ_CHECK(!strcmp(l.item[i].topic, again.item[i].topic));
        }
        free(text);
    }
    pt_topic_ids_free(&l);
    pt_topic_ids_free(&again);
    free(own);
    return 0;
}
