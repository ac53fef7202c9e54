/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_SCREEN_H
#define PT_TOOLS_SCREEN_H
/*
 * A page of ASCII characters with a style each, drawn in memory: whoever composes it needs no
 * terminal, and neither does its test. What does not fit is clipped.
 */
#include "tools/text_out.h"

#define PT_SCREEN_ROWS_MAX 400u
#define PT_SCREEN_COLUMNS_MAX 600u
#define PT_SCREEN_PLAIN 0u /* a cell's style; else 1 + enum pt_style */

struct pt_screen {
    unsigned rows;
    unsigned columns;
    char *ch;       /* [rows * columns] */
    uint8_t *style; /* the same */
};

/* pt_screen_resize makes it empty, of that size (held to the maxima above). 0 or -ENOMEM with the
 * screen as it was. A zeroed struct is a screen of size 0. */
int pt_screen_resize(struct pt_screen *s, unsigned rows, unsigned columns);
void pt_screen_free(struct pt_screen *s);

/* pt_screen_put writes from (row, column) on, in PT_SCREEN_PLAIN or 1 + enum pt_style; returns the
 * column behind it. Characters that are not printable ASCII become '?'. */
unsigned pt_screen_put(struct pt_screen *s, unsigned row, unsigned column, unsigned style,
                       const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* pt_screen_right writes so that the text ends before column `end`; its beginning is clipped. */
void pt_screen_right(struct pt_screen *s, unsigned row, unsigned end, unsigned style,
                     const char *fmt, ...) __attribute__((format(printf, 5, 6)));

/* pt_screen_fit writes s in [column, end): longer texts lose their middle ("or..ers"). */
void pt_screen_fit(struct pt_screen *s, unsigned row, unsigned column, unsigned end, unsigned style,
                   const char *text);

#endif
