/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/screen.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int pt_screen_resize(struct pt_screen *s, unsigned rows, unsigned columns)
{
    size_t sz;
    char *ch;
    uint8_t *style;

    if (rows > PT_SCREEN_ROWS_MAX)
        rows = PT_SCREEN_ROWS_MAX;
    if (columns > PT_SCREEN_COLUMNS_MAX)
        columns = PT_SCREEN_COLUMNS_MAX;
    sz = (size_t)rows * columns;
    ch = malloc(sz + 1);
    style = malloc(sz + 1);
    if (!ch || !style) {
        free(ch);
        free(style);
        return -ENOMEM;
    }
    memset(ch, ' ', sz);
    memset(style, PT_SCREEN_PLAIN, sz);
    pt_screen_free(s);
    *s = (struct pt_screen){ .rows = rows, .columns = columns, .ch = ch, .style = style };
    return 0;
}

void pt_screen_free(struct pt_screen *s)
{
    free(s->ch);
    free(s->style);
    *s = (struct pt_screen){ 0 };
}

static void put_char(struct pt_screen *s, unsigned row, unsigned column, unsigned style, char c)
{
    size_t at = (size_t)row * s->columns + column;

    if (row >= s->rows || column >= s->columns)
        return;
    s->ch[at] = c < ' ' || c > '~' ? '?' : c;
    s->style[at] = (uint8_t)style;
}

unsigned pt_screen_put(struct pt_screen *s, unsigned row, unsigned column, unsigned style,
                       const char *fmt, ...)
{
    char buf[1024];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    for (const char *c = buf; *c; c++)
        put_char(s, row, column++, style, *c);
    return column;
}

void pt_screen_right(struct pt_screen *s, unsigned row, unsigned end, unsigned style,
                     const char *fmt, ...)
{
    char buf[1024];
    va_list ap;
    size_t len;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    len = strlen(buf);
    for (unsigned i = 1; i <= len && i <= end; i++)
        put_char(s, row, end - i, style, buf[len - i]);
}

void pt_screen_fit(struct pt_screen *s, unsigned row, unsigned column, unsigned end, unsigned style,
                   const char *text)
{
    unsigned room = end > column ? end - column : 0;
    size_t len = strlen(text);
    unsigned head = room / 2 ? room / 2 - 1 : 0;

    if (len <= room) {
        pt_screen_put(s, row, column, style, "%s", text);
        return;
    }
    if (room < 4) {
        pt_screen_put(s, row, column, style, "%.*s", (int)room, text);
        return;
    }
    column = pt_screen_put(s, row, column, style, "%.*s..", (int)head, text);
    pt_screen_put(s, row, column, style, "%s", text + len - (room - head - 2));
}
