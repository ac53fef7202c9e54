/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_TEXT_OUT_H
#define PT_TOOLS_TEXT_OUT_H
/*
 * Plain text for people: styles that vanish where there is no terminal, words that wrap at 100
 * columns (on a narrower terminal at its own, but not below 80), and text from the wire made
 * harmless (a client id may hold anything, also terminal control codes).
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define PT_TEXT_COLUMNS 100
#define PT_TEXT_COLUMNS_MIN 80

enum pt_style { PT_STYLE_BOLD, PT_STYLE_DIM, PT_STYLE_GOOD, PT_STYLE_BAD, PT_STYLE_WARN };

struct pt_text {
    FILE *f;
    bool colour;
    bool utf8;        /* the locale can show it */
    unsigned columns; /* of a line */
    unsigned column;
    unsigned indent; /* of the lines that wrapping begins */
    bool listing;    /* an item was listed since pt_text_wrap */
};

/* pt_text_init: colours if asked for, f is a terminal and NO_COLOR is not set; UTF-8 if the locale
 * (the caller has called setlocale) says so. */
void pt_text_init(struct pt_text *t, FILE *f, bool colour);

/* Our own text: as it is. */
void pt_text_put(struct pt_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void pt_text_styled(struct pt_text *t, enum pt_style style, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));
void pt_text_end(struct pt_text *t); /* end of line */

/* pt_text_heading: an empty line and a bold line. */
void pt_text_heading(struct pt_text *t, const char *title);

/* pt_text_wrap begins a paragraph: words that do not fit go on in column `indent`. */
void pt_text_wrap(struct pt_text *t, unsigned indent);

/* pt_text_item writes one piece of a paragraph, on the next line if it does not fit. */
void pt_text_item(struct pt_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* pt_text_listed is pt_text_item with a comma behind the item before, if that was listed too. */
void pt_text_listed(struct pt_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* pt_text_words writes a sentence word by word. */
void pt_text_words(struct pt_text *t, const char *s);

/* pt_text_pad fills with spaces up to a column. */
void pt_text_pad(struct pt_text *t, unsigned column);

/* pt_text_safe returns s for showing: control characters and what is not UTF-8 as \xNN, all that is
 * not ASCII too where the locale has no UTF-8. Cut to fit, with "..." at the end. */
#define PT_SAFE_MAX 320
const char *pt_text_safe(const struct pt_text *t, const char *s, char buf[PT_SAFE_MAX]);

/* "->" or an arrow. */
const char *pt_text_arrow(const struct pt_text *t);

#endif
