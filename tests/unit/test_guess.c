/* SPDX-License-Identifier: Apache-2.0 */
/* What is taken for a request where nobody knows where one begins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "parser/guess.h"

/* A Produce request of version 0 without topics, from a client that calls itself `id`. */
static size_t produce(uint8_t *v, const char *id)
{
    static const uint8_t head[] = { 0, 0, 0, 0, 0x32, 0xaa, 0, 0, 0 };
    static const uint8_t body[] = { 0xff, 0xff, 0, 0, 0x75, 0x30, 0, 0, 0, 0 };
    size_t len = strlen(id);

    memcpy(v, head, sizeof(head));
    v[9] = (uint8_t)len;
    memcpy(v + 10, id, len);
    memcpy(v + 10 + len, body, sizeof(body));
    return 10 + len + sizeof(body);
}

/* A client may call itself as it likes where its request is likely to begin. Everywhere else bytes
 * that are no text anywhere are no name: -1 is frequent in lists of offsets and epochs. */
static void test_names(void **state)
{
    static const struct {
        const char *id;
        bool inside;
        enum pt_guess guess;
        const char *why;
    } row[] = {
        { "sensor-7", false, PT_GUESS_YES, "ASCII" },
        { "sensor-7", true, PT_GUESS_YES, "ASCII, inside" },
        { "f\xc3\xbchler-7", true, PT_GUESS_YES, "UTF-8, inside" },
        { "f\xfchler-7", false, PT_GUESS_YES, "Latin-1" },
        { "f\xfchler-7", true, PT_GUESS_NO, "Latin-1, inside" },
        { "\xff\xff\xff\xff\xff\xff\xff\xff", true, PT_GUESS_NO, "-1, inside" },
        { "sensor\n7", false, PT_GUESS_NO, "a control character" },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++) {
        struct pt_guess_known known = { .frame_max = 1 << 20, .inside = row[i].inside };
        uint8_t v[64];
        size_t len = produce(v, row[i].id);
        uint32_t needed = 0;

        print_message("%s\n", row[i].why);
        assert_int_equal(
                pt_guess_request((struct pt_view){ v, len }, (uint32_t)len, &known, &needed),
                row[i].guess);
        /* As long as it is not all there, and can still become one, it is waited for. */
        assert_int_equal(
                pt_guess_request((struct pt_view){ v, len - 1 }, (uint32_t)len, &known, &needed),
                row[i].guess == PT_GUESS_YES ? PT_GUESS_MORE : PT_GUESS_NO);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
