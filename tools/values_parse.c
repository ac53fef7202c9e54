/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/values.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

static const struct unit size_units[] = {
    { "", 1 },           { "B", 1 },
    { "K", 1ull << 10 }, { "KiB", 1ull << 10 },
    { "M", 1ull << 20 }, { "MiB", 1ull << 20 },
    { "G", 1ull << 30 }, { "GiB", 1ull << 30 },
    { "T", 1ull << 40 }, { "TiB", 1ull << 40 },
};

static const struct unit duration_units[] = {
    { "", 1000000000ull },     { "ns", 1ull },
    { "us", 1000ull },         { "ms", 1000000ull },
    { "s", 1000000000ull },    { "m", 60000000000ull },
    { "min", 60000000000ull }, { "h", 3600000000000ull },
};

int pt_error_set(struct pt_error *err, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return -EINVAL;
}

/* list_grow makes room for one more item of item_sz. */
static int list_grow(void *items, size_t cnt, size_t item_sz)
{
    void **at = items;
    void *bigger = reallocarray(*at, cnt + 1, item_sz);

    if (!bigger)
        return -ENOMEM;
    *at = bigger;
    return 0;
}

int pt_str_list_add(struct pt_str_list *l, const char *s)
{
    char *copy = strdup(s);

    if (!copy || list_grow(&l->item, l->cnt, sizeof(*l->item))) {
        free(copy);
        return -ENOMEM;
    }
    l->item[l->cnt++] = copy;
    return 0;
}

void pt_str_list_free(struct pt_str_list *l)
{
    for (size_t i = 0; i < l->cnt; i++)
        free(l->item[i]);
    free(l->item);
    *l = (struct pt_str_list){ 0 };
}

int pt_ns_list_add(struct pt_ns_list *l, const char *name, int64_t ns)
{
    char *copy = strdup(name);

    if (!copy || list_grow(&l->item, l->cnt, sizeof(*l->item))) {
        free(copy);
        return -ENOMEM;
    }
    l->item[l->cnt++] = (struct pt_named_ns){ copy, ns };
    return 0;
}

void pt_ns_list_free(struct pt_ns_list *l)
{
    for (size_t i = 0; i < l->cnt; i++)
        free(l->item[i].name);
    free(l->item);
    *l = (struct pt_ns_list){ 0 };
}

int pt_cidr_list_add(struct pt_cidr_list *l, const struct pt_cidr *c)
{
    if (list_grow(&l->item, l->cnt, sizeof(*l->item)))
        return -ENOMEM;
    l->item[l->cnt++] = *c;
    return 0;
}

void pt_cidr_list_free(struct pt_cidr_list *l)
{
    free(l->item);
    *l = (struct pt_cidr_list){ 0 };
}

int pt_number_list_add(struct pt_number_list *l, uint16_t n)
{
    uint16_t *bigger = reallocarray(l->item, l->cnt + 1, sizeof(*l->item));

    if (!bigger)
        return -ENOMEM;
    l->item = bigger;
    l->item[l->cnt++] = n;
    return 0;
}

void pt_number_list_free(struct pt_number_list *l)
{
    free(l->item);
    *l = (struct pt_number_list){ 0 };
}

/* number_with_unit reads digits and one of the units, with nothing around them. */
static int number_with_unit(const char *s, const struct unit *units, size_t unit_cnt, uint64_t *ret)
{
    unsigned long long v;
    char *end;

    if (!isdigit((unsigned char)s[0]))
        return -EINVAL;
    errno = 0;
    v = strtoull(s, &end, 10);
    if (errno)
        return -EINVAL;
    while (*end == ' ')
        end++;
    for (size_t i = 0; i < unit_cnt; i++) {
        uint64_t product;

        if (strcasecmp(end, units[i].name))
            continue;
        if (__builtin_mul_overflow(v, units[i].factor, &product))
            return -EINVAL;
        *ret = product;
        return 0;
    }
    return -EINVAL;
}

int pt_parse_size(const char *s, uint64_t *ret, struct pt_error *err)
{
    if (number_with_unit(s, size_units, sizeof(size_units) / sizeof(size_units[0]), ret))
        return pt_error_set(err,
                            "\"%s\" is no size: write bytes, or a number with KiB, MiB, GiB "
                            "or TiB, for example 512MiB",
                            s);
    return 0;
}

int pt_parse_duration(const char *s, int64_t *ret_ns, struct pt_error *err)
{
    uint64_t ns;

    if (number_with_unit(s, duration_units, sizeof(duration_units) / sizeof(duration_units[0]),
                         &ns) ||
        ns > INT64_MAX)
        return pt_error_set(err,
                            "\"%s\" is no duration: write a number with ns, us, ms, s, m or "
                            "h, for example 60s",
                            s);
    *ret_ns = (int64_t)ns;
    return 0;
}

/* decimal_seconds reads digits, a point, and up to nine digits. */
static int decimal_seconds(const char *s, uint64_t *ret_ns)
{
    size_t whole = strspn(s, "0123456789");
    size_t len = s[whole] == '.' ? strspn(s + whole + 1, "0123456789") : 0;
    uint64_t ns = 0;
    uint64_t unit = 1000000000;

    if (!whole || whole > 9 || !len || len > 9 || s[whole + 1 + len])
        return -EINVAL;
    for (size_t i = 0; i < whole; i++)
        ns = ns * 10 + (uint64_t)(s[i] - '0') * unit;
    for (size_t i = 0; i < len; i++) {
        unit /= 10;
        ns += (uint64_t)(s[whole + 1 + i] - '0') * unit;
    }
    *ret_ns = ns;
    return 0;
}

int pt_parse_offset(const char *s, int64_t *ret_ns, struct pt_error *err)
{
    bool negative = s[0] == '-';
    const char *digits = s + (negative || s[0] == '+');
    uint64_t ns;

    if ((decimal_seconds(digits, &ns) &&
         number_with_unit(digits, duration_units,
                          sizeof(duration_units) / sizeof(duration_units[0]), &ns)) ||
        ns > PT_OFFSET_MAX_NS)
        return pt_error_set(
                err,
                "\"%.80s\" is no offset: write seconds, or a number with ns, us, ms, s, "
                "m or h, with a sign, for example -0.3 or +250ms; up to ten years",
                s);
    *ret_ns = negative ? -(int64_t)ns : (int64_t)ns;
    return 0;
}

int pt_parse_u64(const char *s, uint64_t *ret, struct pt_error *err)
{
    bool hex = s[0] == '0' && (s[1] == 'x' || s[1] == 'X');
    unsigned long long v;
    char *end;

    errno = 0;
    v = strtoull(s, &end, hex ? 16 : 10);
    if (!isdigit((unsigned char)s[0]) || errno || *end || (hex && !s[2]))
        return pt_error_set(err, "\"%s\" is no number: write digits, or 0x and hexadecimal digits",
                            s);
    *ret = v;
    return 0;
}

int pt_parse_octal(const char *s, uint64_t *ret, struct pt_error *err)
{
    size_t len = strspn(s, "01234567");

    if (!len || s[len] || len > 8)
        return pt_error_set(err, "\"%.80s\" is no permission: write octal digits, as in 0640", s);
    *ret = strtoul(s, NULL, 8);
    return 0;
}

int pt_parse_ratio(const char *s, double *ret, struct pt_error *err)
{
    double v;
    char *end;

    errno = 0;
    v = strtod(s, &end);
    if (end != s && !strcmp(end, "%")) {
        v /= 100;
        end++;
    }
    if (end == s || errno || *end || !isfinite(v))
        return pt_error_set(err,
                            "\"%s\" is no share: write a number from 0 to 1, or a percentage, "
                            "for example 0.99 or 99%%",
                            s);
    *ret = v;
    return 0;
}

/* whole_number reads a decimal number of at most max, which must fill s. */
static int whole_number(const char *s, unsigned max, unsigned *ret)
{
    unsigned v = 0;

    if (!*s)
        return -EINVAL;
    for (; *s; s++) {
        if (!isdigit((unsigned char)*s))
            return -EINVAL;
        v = v * 10 + (unsigned)(*s - '0');
        if (v > max)
            return -EINVAL;
    }
    *ret = v;
    return 0;
}

/* cut_port takes ":port" off the end of a text whose colon is not part of an IPv6 address. */
static int cut_port(char *text, unsigned *ret_port)
{
    char *colon = strrchr(text, ':');
    bool bracketed = strchr(text, ']') && (!colon || strchr(text, ']') < colon);
    bool single = colon && strchr(text, ':') == colon;

    *ret_port = 0;
    if (!colon || (!bracketed && !single))
        return 0;
    *colon = 0;
    return whole_number(colon + 1, UINT16_MAX, ret_port);
}

static void strip_brackets(char *text)
{
    size_t len = strlen(text);

    if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
        memmove(text, text + 1, len - 2);
        text[len - 2] = 0;
    }
}

int pt_parse_cidr(const char *s, struct pt_cidr *ret, struct pt_error *err)
{
    static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };
    struct pt_cidr c = { .prefix_len = 128 };
    unsigned prefix_len = 0;
    unsigned port = 0;
    char text[PT_TEXT_MAX];
    char *slash;
    bool v4;

    if (strlen(s) >= sizeof(text))
        return pt_error_set(err, "\"%.40s...\" is too long for an address", s);
    memcpy(text, s, strlen(s) + 1);
    if (cut_port(text, &port))
        return pt_error_set(err, "\"%s\": the port must be a number from 0 (any) to 65535", s);
    slash = strchr(text, '/');
    if (slash)
        *slash = 0;
    strip_brackets(text);
    v4 = inet_pton(AF_INET, text, c.ip + 12) == 1;
    if (v4)
        memcpy(c.ip, v4_prefix, sizeof(v4_prefix));
    else if (inet_pton(AF_INET6, text, c.ip) != 1)
        return pt_error_set(err,
                            "\"%s\" is no address: write 10.0.0.1, 10.0.0.0/24, 10.0.0.1:9092 "
                            "or [fd00::1]:9092 (names are not looked up)",
                            s);
    if (slash) {
        if (whole_number(slash + 1, v4 ? 32 : 128, &prefix_len))
            return pt_error_set(err, "\"%s\": the prefix length must be from 0 to %d", s,
                                v4 ? 32 : 128);
        c.prefix_len = (uint8_t)(v4 ? 96 + prefix_len : prefix_len);
    }
    c.port = (uint16_t)port;
    *ret = c;
    return 0;
}

static int digit_of(char c)
{
    if (c >= 'A' && c <= 'Z')
        return c - 'A';
    if (c >= 'a' && c <= 'z')
        return c - 'a' + 26;
    if (c >= '0' && c <= '9')
        return c - '0' + 52;
    return c == '-' ? 62 : c == '_' ? 63 : -1;
}

int pt_parse_topic_id(const char *s, uint8_t ret[16], struct pt_error *err)
{
    static const uint8_t none[16];
    bool good = strlen(s) == PT_TOPIC_ID_TEXT_SZ - 1;
    uint8_t id[16];
    unsigned bits = 0;
    unsigned held = 0;
    size_t at = 0;

    for (size_t i = 0; good && s[i]; i++) {
        int digit = digit_of(s[i]);

        good = digit >= 0;
        held = held << 6 | ((unsigned)digit & 63);
        bits += 6;
        if (bits >= 8) {
            bits -= 8;
            id[at++] = (uint8_t)(held >> bits);
        }
    }
    /* 22 digits have 4 bits more than an id. */
    if (!good || held & 15)
        return pt_error_set(
                err,
                "\"%.40s\" is no topic id: 22 letters, digits, - and _ are expected, as "
                "kafka-topics.sh --describe prints it",
                s);
    if (!memcmp(id, none, sizeof(id)))
        return pt_error_set(err, "\"%s\" means that there is no id", s);
    memcpy(ret, id, sizeof(id));
    return 0;
}
