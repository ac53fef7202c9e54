/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Configuration files of any content. What is accepted keeps its promises: it prints, what was
 * printed is accepted, and prints the same again. What is refused has an error that names the file.
 */
#include "fuzz.h"

#include <unistd.h>

#include "../unit/fake_config.h"

static char *printed(const struct pt_config *cfg)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f = open_memstream(&text, &len);

    FUZZ_CHECK(f);
    pt_config_print(cfg, f);
    FUZZ_CHECK(!fclose(f));
    return text;
}

static int load(struct pt_config *cfg, const uint8_t *data, size_t len, struct pt_error *err)
{
    char path[] = "/tmp/paritap-fuzz-config-XXXXXX";
    int fd = mkstemp(path);
    int rc;

    FUZZ_CHECK(fd >= 0);
    FUZZ_CHECK(write(fd, data, len) == (ssize_t)len);
    close(fd);
    pt_config_init(cfg, &fake_defaults);
    rc = pt_config_load(cfg, path, err);
    if (rc)
        FUZZ_CHECK(!strncmp(err->text, path, strlen(path)));
    unlink(path);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct pt_config cfg;
    struct pt_config again;
    struct pt_error err;

    if (!load(&cfg, data, len, &err)) {
        char *first = printed(&cfg);
        char *second;

        FUZZ_CHECK(!load(&again, (const uint8_t *)first, strlen(first), &err));
        second = printed(&again);
        FUZZ_CHECK(!strcmp(first, second));
        pt_config_free(&again);
        free(first);
        free(second);
    }
    pt_config_free(&cfg);
    return 0;
}
