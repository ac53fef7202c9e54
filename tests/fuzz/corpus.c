/* SPDX-License-Identifier: Apache-2.0 */
/* Runs a fuzzer over every file of its corpus folder; an empty or missing folder fails. */
#include <dirent.h>

#include "tests/fuzz/fuzz.h"

static int run_file(const char *dir, const char *name)
{
    char path[4096];
    uint8_t *data = NULL;
    long len;
    FILE *f;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    f = fopen(path, "rb");
    if (!f) {
        perror(path);
        return -1;
    }
    fseek(f, 0, SEEK_END);
    len = ftell(f);
    rewind(f);
    data = malloc(len > 0 ? (size_t)len : 1);
    if (!data || fread(data, 1, (size_t)len, f) != (size_t)len)
        abort();
    fclose(f);
    LLVMFuzzerTestOneInput(data, (size_t)len);
    free(data);
    return 0;
}

int main(int argc, char **argv)
{
    unsigned cnt = 0;
    DIR *d;

    if (argc != 2 || !(d = opendir(argv[1]))) {
        fprintf(stderr, "usage: %s CORPUS_FOLDER (it must exist)\n", argv[0]);
        return 2;
    }
    for (struct dirent *e; (e = readdir(d));) {
        if (e->d_name[0] == '.')
            continue;
        if (run_file(argv[1], e->d_name))
            return 2;
        cnt++;
    }
    closedir(d);
    printf("%u inputs\n", cnt);
    return cnt ? 0 : 1;
}
