/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/config_pvt.h"

#include <string.h>

/* Numbers in the structs are 8 to 64 bits wide; the machine is little-endian. */
static uint64_t load_u64(const struct pt_config *cfg, const struct setting *s)
{
    uint64_t v = 0;

    memcpy(&v, (const uint8_t *)cfg + s->at, s->width);
    return v;
}

static double load_real(const struct pt_config *cfg, const struct setting *s)
{
    double v;

    memcpy(&v, (const uint8_t *)cfg + s->at, sizeof(v));
    return v;
}

/* next_char takes one character of UTF-8; a byte that is none stands for itself. */
static uint32_t next_char(const char **s)
{
    const unsigned char *at = (const unsigned char *)*s;
    unsigned len = *at >= 0xf0 ? 4 : *at >= 0xe0 ? 3 : *at >= 0xc0 ? 2 : 1;
    uint32_t c = len == 1 ? *at : *at & (0x7fu >> len);

    for (unsigned i = 1; i < len; i++) {
        if ((at[i] & 0xc0) != 0x80) {
            *s += 1;
            return *at;
        }
        c = c << 6 | (at[i] & 0x3f);
    }
    *s += len;
    return c;
}

/* quoted writes a double-quoted YAML scalar. What is not ASCII is escaped: YAML allows only some of
 * it. */
static void quoted(FILE *f, const char *s)
{
    fputc('"', f);
    while (*s) {
        uint32_t c = next_char(&s);

        if (c == '"' || c == '\\')
            fprintf(f, "\\%c", (int)c);
        else if (c < 0x20 || c == 0x7f)
            fprintf(f, "\\x%02x", c);
        else if (c >= 0x80)
            fprintf(f, "\\U%08x", c);
        else
            fputc((int)c, f);
    }
    fputc('"', f);
}

static void print_list(const struct pt_config *cfg, const struct setting *s, FILE *f)
{
    const void *at = (const uint8_t *)cfg + s->at;
    const struct pt_str_list *strings = at;
    const struct pt_cidr_list *cidrs = at;
    size_t cnt = s->kind == CIDRS ? cidrs->cnt : strings->cnt;
    char buf[PT_TEXT_MAX];

    fputs(" [", f);
    for (size_t i = 0; i < cnt; i++) {
        fputs(i ? ", " : "", f);
        quoted(f, s->kind == CIDRS ? pt_text_cidr(&cidrs->item[i], buf) : strings->item[i]);
    }
    fputc(']', f);
}

static void print_numbers(const struct pt_number_list *l, FILE *f)
{
    fputs(" [", f);
    for (size_t i = 0; i < l->cnt; i++)
        fprintf(f, "%s%u", i ? ", " : "", l->item[i]);
    fputc(']', f);
}

static void print_choice(const struct setting *s, uint64_t n, FILE *f)
{
    const char *word = s->help;

    while (n--)
        word += strcspn(word, "|") + 1;
    fprintf(f, " %.*s", (int)strcspn(word, "|:"), word);
}

static void print_rules(const struct pt_rule_list *l, FILE *f)
{
    fputs(" {", f);
    for (size_t i = 0; i < l->cnt; i++) {
        fputs(i ? ", " : " ", f);
        quoted(f, l->item[i].source);
        fputs(": ", f);
        quoted(f, l->item[i].target);
    }
    fputs(l->cnt ? " }" : "}", f);
}

static void print_offsets(const struct pt_ns_list *l, FILE *f)
{
    char buf[PT_TEXT_MAX];

    fputs(" {", f);
    for (size_t i = 0; i < l->cnt; i++) {
        fputs(i ? ", " : " ", f);
        quoted(f, l->item[i].name);
        fprintf(f, ": %s", pt_text_duration(l->item[i].ns, buf));
    }
    fputs(l->cnt ? " }" : "}", f);
}

static void print_value(const struct pt_config *cfg, const struct setting *s, FILE *f)
{
    char buf[PT_TEXT_MAX];

    if (s->kind == RULES)
        print_rules(&cfg->rules, f);
    else if (s->kind == OFFSETS)
        print_offsets((const void *)((const uint8_t *)cfg + s->at), f);
    else if (s->kind == STRINGS || s->kind == CIDRS)
        print_list(cfg, s, f);
    else if (s->kind == NUMBERS)
        print_numbers((const void *)((const uint8_t *)cfg + s->at), f);
    else if (s->kind == CHOICE)
        print_choice(s, load_u64(cfg, s), f);
    else if (s->kind == WORD) {
        fputc(' ', f);
        quoted(f, (const char *)cfg + s->at);
    } else if (s->kind == RATIO)
        fprintf(f, " %s", pt_text_real(load_real(cfg, s), buf));
    else
        fprintf(f, " %s", pt_setting_text(s->kind, load_u64(cfg, s), buf));
}

/* print_sections opens the sections of `path` that `before` was not in; returns the key behind
   them. */
static const char *print_sections(const char *path, const char *before, int *ret_depth, FILE *f)
{
    const char *key = path;
    const char *dot;
    bool same = true;

    *ret_depth = 0;
    while ((dot = strchr(key, '.'))) {
        size_t len = (size_t)(dot + 1 - path);

        same = same && !strncmp(path, before, len);
        if (!same)
            fprintf(f, "%*s%.*s:\n", 2 * *ret_depth, "", (int)(dot - key), key);
        (*ret_depth)++;
        key = dot + 1;
    }
    return key;
}

/* The help says which words a choice has; what a number may be, the table knows. */
static void print_help(const struct setting *s, FILE *f)
{
    char lowest[PT_TEXT_MAX];
    char highest[PT_TEXT_MAX];

    fputs(s->help, f);
    if (s->max && s->kind != HASH)
        fprintf(f, " [%s to %s]", pt_setting_text(s->kind, s->min, lowest),
                pt_setting_text(s->kind, s->max, highest));
    fputc('\n', f);
}

void pt_config_print(const struct pt_config *cfg, FILE *f)
{
    const char *before = "";

    for (size_t i = 0; i < pt_setting_cnt; i++) {
        const struct setting *s = &pt_settings[i];
        int depth;
        const char *key = print_sections(s->path, before, &depth, f);

        fprintf(f, "%*s# ", 2 * depth, "");
        print_help(s, f);
        fprintf(f, "%*s%s:", 2 * depth, "", key);
        print_value(cfg, s, f);
        fputc('\n', f);
        before = s->path;
    }
}
