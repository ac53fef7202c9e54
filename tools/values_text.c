/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/values.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

const char *pt_text_size(uint64_t sz, char buf[PT_TEXT_MAX])
{
    static const char *const unit[] = { "", "KiB", "MiB", "GiB", "TiB" };
    unsigned i = 0;

    while (i < 4 && sz && sz % 1024 == 0) {
        sz /= 1024;
        i++;
    }
    snprintf(buf, PT_TEXT_MAX, "%" PRIu64 "%s", sz, unit[i]);
    return buf;
}

const char *pt_text_duration(int64_t ns, char buf[PT_TEXT_MAX])
{
    static const char *const unit[] = { "ns", "us", "ms", "s" };
    unsigned i = 0;

    while (i < 3 && ns && ns % 1000 == 0) {
        ns /= 1000;
        i++;
    }
    snprintf(buf, PT_TEXT_MAX, "%" PRId64 "%s", ns, unit[i]);
    return buf;
}

static bool is_v4(const uint8_t ip[16])
{
    static const uint8_t v4_prefix[12] = { [10] = 0xff, [11] = 0xff };

    return !memcmp(ip, v4_prefix, sizeof(v4_prefix));
}

/* ip_text writes the address alone; IPv6 in brackets, so that a port may follow. */
static void ip_text(const uint8_t ip[16], char buf[PT_TEXT_MAX])
{
    char text[INET6_ADDRSTRLEN] = "";

    if (is_v4(ip)) {
        inet_ntop(AF_INET, ip + 12, text, sizeof(text));
        snprintf(buf, PT_TEXT_MAX, "%s", text);
    } else {
        inet_ntop(AF_INET6, ip, text, sizeof(text));
        snprintf(buf, PT_TEXT_MAX, "[%s]", text);
    }
}

const char *pt_text_cidr(const struct pt_cidr *c, char buf[PT_TEXT_MAX])
{
    unsigned skip = is_v4(c->ip) && c->prefix_len >= 96 ? 96 : 0;
    size_t at;

    ip_text(c->ip, buf);
    at = strlen(buf);
    if (c->prefix_len < 128)
        snprintf(buf + at, PT_TEXT_MAX - at, "/%u", c->prefix_len - skip);
    at = strlen(buf);
    if (c->port)
        snprintf(buf + at, PT_TEXT_MAX - at, ":%u", c->port);
    return buf;
}

const char *pt_text_endpoint(const struct pt_endpoint *ep, char buf[PT_TEXT_MAX])
{
    size_t at;

    ip_text(ep->ip, buf);
    at = strlen(buf);
    snprintf(buf + at, PT_TEXT_MAX - at, ":%u", ep->port);
    return buf;
}

const char *pt_text_real(double v, char buf[PT_TEXT_MAX])
{
    for (int digits = 1; digits <= 17; digits++) {
        snprintf(buf, PT_TEXT_MAX, "%.*g", digits, v);
        if (strtod(buf, NULL) >= v && strtod(buf, NULL) <= v)
            break;
    }
    return buf;
}

/* time_text writes seconds and a fraction of `digits` digits. */
static const char *time_text(int64_t sec, int64_t fraction, int digits, char buf[PT_TEXT_MAX])
{
    time_t t = (time_t)sec;
    struct tm tm;
    size_t at;

    if (!gmtime_r(&t, &tm) || tm.tm_year < -1900 || tm.tm_year > 9999 - 1900)
        return NULL;
    at = (size_t)snprintf(buf, PT_TEXT_MAX, "%04d-%02d-%02dT%02d:%02d:%02d", tm.tm_year + 1900,
                          tm.tm_mon + 1, tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec);
    snprintf(buf + at, PT_TEXT_MAX - at, ".%0*" PRId64 "Z", digits, fraction);
    return buf;
}

/* Both round down, so that times before 1970 keep a positive fraction. */
static int64_t div_floor(int64_t v, int64_t by)
{
    return v / by - (v % by < 0);
}

static int64_t mod_floor(int64_t v, int64_t by)
{
    return v % by + (v % by < 0 ? by : 0);
}

const char *pt_text_time_ms(int64_t ms, char buf[PT_TEXT_MAX])
{
    return time_text(div_floor(ms, 1000), mod_floor(ms, 1000), 3, buf);
}

const char *pt_text_time_ns(int64_t ns, char buf[PT_TEXT_MAX])
{
    return time_text(div_floor(ns, 1000000000), mod_floor(ns, 1000000000), 9, buf);
}

const char *pt_text_count(uint64_t cnt, char buf[PT_TEXT_MAX])
{
    char digits[24];
    int len = snprintf(digits, sizeof(digits), "%" PRIu64, cnt);
    size_t at = 0;

    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            buf[at++] = ',';
        buf[at++] = digits[i];
    }
    buf[at] = 0;
    return buf;
}

const char *pt_text_bytes(uint64_t sz, char buf[PT_TEXT_MAX])
{
    static const char *const unit[] = { "B", "kB", "MB", "GB", "TB", "PB" };
    double v = (double)sz;
    unsigned i = 0;

    while (i < 5 && v >= 999.5) {
        v /= 1000;
        i++;
    }
    snprintf(buf, PT_TEXT_MAX, i ? "%.1f %s" : "%.0f %s", v, unit[i]);
    return buf;
}

const char *pt_text_percent(uint64_t part, uint64_t whole, char buf[PT_TEXT_MAX])
{
    uint64_t thousandths;

    if (!whole) {
        snprintf(buf, PT_TEXT_MAX, "-");
    } else if (part >= whole) {
        snprintf(buf, PT_TEXT_MAX, "100 %%");
    } else {
        thousandths = (uint64_t)((double)part / (double)whole * 1e5);
        if (thousandths > 99999)
            thousandths = 99999;
        snprintf(buf, PT_TEXT_MAX, "%" PRIu64 ".%03" PRIu64 " %%", thousandths / 1000,
                 thousandths % 1000);
    }
    return buf;
}
