/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_CONFIG_PVT_H
#define PT_TOOLS_CONFIG_PVT_H
/*
 * The table of settings, shared by what reads values (config.c) and what prints them
 * (config_print.c).
 */
#include "tools/config.h"

enum setting_kind {
    SIZE,
    COUNT,
    POWER_OF_2,
    DURATION,
    RATIO,
    HASH,
    OCTAL,
    WORD,   /* a terminated text in its place, which may be empty */
    CHOICE, /* one of the words that `help` begins with ("no|yes: ..."), as its number from 0 */
    STRINGS,
    CIDRS,
    NUMBERS, /* uint16_t */
    RULES,   /* map of topics */
    OFFSETS  /* map of names to signed durations */
};

/* Scalars say where they live in struct pt_config and how wide they are there; the range is that of
 * the value in bytes, nanoseconds or pieces. */
struct setting {
    const char *path;
    enum setting_kind kind;
    size_t at;
    size_t width;
    uint64_t min;
    uint64_t max;
    const char *help;
};

extern const struct setting pt_settings[];
extern const size_t pt_setting_cnt;

/* pt_setting_text writes a number in the unit of its setting. */
const char *pt_setting_text(enum setting_kind kind, uint64_t v, char buf[PT_TEXT_MAX]);

#endif
