/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TESTS_FUZZ_H
#define PT_TESTS_FUZZ_H
/*
 * What fuzzers share. A fuzzer asserts properties (the same events for any split, results within
 * their promised ranges), not only that nothing crashes. Each piece handed to the code under test
 * is a heap block of its own, so that reading past it is seen.
 */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FUZZ_CHECK(cond)                                                                           \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            fprintf(stderr, "%s:%d: property does not hold: %s\n", __FILE__, __LINE__, #cond);     \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

/* fuzz_copy returns a heap block with exactly these bytes; the caller frees it. */
static inline uint8_t *fuzz_copy(const uint8_t *data, size_t len)
{
    uint8_t *p = malloc(len ? len : 1);

    if (!p)
        abort();
    if (len)
        memcpy(p, data, len);
    return p;
}

#endif
