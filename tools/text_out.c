/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/text_out.h"

#include <langinfo.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tools/json_out.h"

static unsigned columns_of(FILE *f)
{
    struct winsize size;

    if (ioctl(fileno(f), TIOCGWINSZ, &size) || !size.ws_col || size.ws_col > PT_TEXT_COLUMNS)
        return PT_TEXT_COLUMNS;
    return size.ws_col < PT_TEXT_COLUMNS_MIN ? PT_TEXT_COLUMNS_MIN : size.ws_col;
}

void pt_text_init(struct pt_text *t, FILE *f, bool colour)
{
    const char *no_color = getenv("NO_COLOR");

    *t = (struct pt_text){ .f = f, .columns = columns_of(f) };
    t->colour = colour && isatty(fileno(f)) && !(no_color && *no_color);
    t->utf8 = !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* Columns, not bytes: continuation bytes of UTF-8 take no room. */
static unsigned width(const char *s)
{
    unsigned n = 0;

    for (; *s; s++)
        n += ((unsigned char)*s & 0xc0) != 0x80;
    return n;
}

static void put(struct pt_text *t, const char *s)
{
    fputs(s, t->f);
    t->column += width(s);
}

static void put_formatted(struct pt_text *t, const char *fmt, va_list ap)
{
    char buf[1024];

    vsnprintf(buf, sizeof(buf), fmt, ap);
    put(t, buf);
}

void pt_text_put(struct pt_text *t, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    put_formatted(t, fmt, ap);
    va_end(ap);
}

void pt_text_styled(struct pt_text *t, enum pt_style style, const char *fmt, ...)
{
    static const char *const code[] = { [PT_STYLE_BOLD] = "1",
                                        [PT_STYLE_DIM] = "2",
                                        [PT_STYLE_GOOD] = "1;32",
                                        [PT_STYLE_BAD] = "1;31",
                                        [PT_STYLE_WARN] = "1;33" };
    va_list ap;

    if (t->colour)
        fprintf(t->f, "\033[%sm", code[style]);
    va_start(ap, fmt);
    put_formatted(t, fmt, ap);
    va_end(ap);
    if (t->colour)
        fputs("\033[0m", t->f);
}

void pt_text_end(struct pt_text *t)
{
    fputc('\n', t->f);
    t->column = 0;
}

void pt_text_heading(struct pt_text *t, const char *title)
{
    pt_text_end(t);
    pt_text_styled(t, PT_STYLE_BOLD, "%s", title);
    pt_text_end(t);
}

void pt_text_wrap(struct pt_text *t, unsigned indent)
{
    t->indent = indent;
    t->listing = false;
}

/* fit goes to the next line if `columns` more (and a space) do not fit on this one. */
static void fit(struct pt_text *t, unsigned columns)
{
    if (t->column > t->indent && t->column + 1 + columns > t->columns)
        pt_text_end(t);
    else if (t->column > t->indent)
        put(t, " ");
    pt_text_pad(t, t->indent);
}

void pt_text_listed(struct pt_text *t, const char *fmt, ...)
{
    char buf[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    if (t->listing)
        put(t, ",");
    fit(t, width(buf) + 1); /* and a comma */
    put(t, buf);
    t->listing = true;
}

void pt_text_item(struct pt_text *t, const char *fmt, ...)
{
    char buf[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    fit(t, width(buf));
    put(t, buf);
}

void pt_text_words(struct pt_text *t, const char *s)
{
    while (*s) {
        size_t len = strcspn(s, " ");

        if (len)
            pt_text_item(t, "%.*s", (int)len, s);
        s += len + (s[len] == ' ');
    }
}

void pt_text_pad(struct pt_text *t, unsigned column)
{
    while (t->column < column)
        put(t, " ");
}

const char *pt_text_safe(const struct pt_text *t, const char *s, char buf[PT_SAFE_MAX])
{
    size_t at = 0;

    while (*s) {
        unsigned char c = (unsigned char)*s;
        unsigned len = pt_utf8_len(s);
        /* U+0080..U+009F are control codes as well. */
        bool control = c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)s[1] < 0xa0);

        if (at + 8 > PT_SAFE_MAX) {
            memcpy(buf + at, "...", 3);
            at += 3;
            break;
        }
        if (!len || control || (len > 1 && !t->utf8)) {
            at += (size_t)snprintf(buf + at, 5, "\\x%02x", c);
            s++;
        } else {
            memcpy(buf + at, s, len);
            at += len;
            s += len;
        }
    }
    buf[at] = 0;
    return buf;
}

const char *pt_text_arrow(const struct pt_text *t)
{
    return t->utf8 ? "\xe2\x86\x92" : "->";
}
