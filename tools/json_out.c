/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/json_out.h"

#include <assert.h>
#include <inttypes.h>

#include "tools/values.h"

void pt_json_init(struct pt_json *j, FILE *f, unsigned wide_depth)
{
    *j = (struct pt_json){ .f = f, .wide_depth = wide_depth };
}

unsigned pt_utf8_len(const char *s)
{
    static const struct {
        uint8_t mask, lead;
        unsigned len;
        uint32_t min;
    } form[] = { { 0x80, 0x00, 1, 0 },
                 { 0xe0, 0xc0, 2, 0x80 },
                 { 0xf0, 0xe0, 3, 0x800 },
                 { 0xf8, 0xf0, 4, 0x10000 } };

    for (unsigned i = 0; i < 4; i++) {
        uint32_t code = (uint8_t)s[0] & (uint8_t)~form[i].mask;

        if (((uint8_t)s[0] & form[i].mask) != form[i].lead)
            continue;
        for (unsigned k = 1; k < form[i].len; k++) {
            if (((uint8_t)s[k] & 0xc0) != 0x80)
                return 0;
            code = code << 6 | ((uint8_t)s[k] & 0x3f);
        }
        if (code < form[i].min || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
            return 0;
        return form[i].len;
    }
    return 0;
}

static void string(FILE *f, const char *s)
{
    fputc('"', f);
    while (*s) {
        unsigned char c = (unsigned char)*s;
        unsigned len = pt_utf8_len(s);

        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(f, "\\u%04x", c);
        else if (len)
            fwrite(s, 1, len, f);
        else
            fputs("\\ufffd", f);
        s += len ? len : 1;
    }
    fputc('"', f);
}

static void new_line(struct pt_json *j)
{
    fprintf(j->f, "\n%*s", (int)(2 * j->depth), "");
}

/* begin_value writes what stands between values, and the key. */
static void begin_value(struct pt_json *j, const char *key)
{
    if (j->filled[j->depth])
        fputc(',', j->f);
    if (j->depth && j->depth <= j->wide_depth)
        new_line(j);
    else if (j->filled[j->depth])
        fputc(' ', j->f);
    j->filled[j->depth] = true;
    if (key) {
        string(j->f, key);
        fputs(": ", j->f);
    }
}

static void open_level(struct pt_json *j, const char *key, char bracket)
{
    begin_value(j, key);
    fputc(bracket, j->f);
    assert(j->depth + 1 < PT_JSON_DEPTH_MAX);
    j->filled[++j->depth] = false;
}

static void close_level(struct pt_json *j, char bracket)
{
    bool filled = j->filled[j->depth];

    assert(j->depth);
    if (j->depth-- <= j->wide_depth && filled)
        new_line(j);
    fputc(bracket, j->f);
    if (!j->depth)
        fputc('\n', j->f);
}

void pt_json_object(struct pt_json *j, const char *key)
{
    open_level(j, key, '{');
}

void pt_json_object_end(struct pt_json *j)
{
    close_level(j, '}');
}

void pt_json_array(struct pt_json *j, const char *key)
{
    open_level(j, key, '[');
}

void pt_json_array_end(struct pt_json *j)
{
    close_level(j, ']');
}

void pt_json_text(struct pt_json *j, const char *key, const char *s)
{
    begin_value(j, key);
    if (s)
        string(j->f, s);
    else
        fputs("null", j->f);
}

void pt_json_count(struct pt_json *j, const char *key, uint64_t v)
{
    begin_value(j, key);
    fprintf(j->f, "%" PRIu64, v);
}

void pt_json_int(struct pt_json *j, const char *key, int64_t v)
{
    begin_value(j, key);
    fprintf(j->f, "%" PRId64, v);
}

void pt_json_real(struct pt_json *j, const char *key, double v)
{
    char buf[PT_TEXT_MAX];

    begin_value(j, key);
    fputs(pt_text_real(v, buf), j->f);
}

void pt_json_bool(struct pt_json *j, const char *key, bool v)
{
    begin_value(j, key);
    fputs(v ? "true" : "false", j->f);
}

void pt_json_null(struct pt_json *j, const char *key)
{
    pt_json_text(j, key, NULL);
}

void pt_json_offset(struct pt_json *j, const char *key, int64_t v)
{
    if (v == -1)
        pt_json_null(j, key);
    else
        pt_json_int(j, key, v);
}
