/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_VALUES_H
#define PT_TOOLS_VALUES_H
/*
 * Values as people write and read them: sizes, durations, broker addresses, times, counts. What is
 * parsed here comes from the command line or a configuration file, so an error is one English
 * sentence that says what was expected. Everything is pure; nothing allocates but the lists.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "dataplane/pipeline.h"

/* An error for a person. The caller puts the place (file, line, option) in front of it. */
struct pt_error {
    char text[512];
};

/* pt_error_set writes the sentence and returns -EINVAL, so that a parser can return it. */
int pt_error_set(struct pt_error *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Growing lists, owned by whoever embeds them. Zeroed memory is an empty list. */
struct pt_str_list {
    char **item;
    size_t cnt;
};

int pt_str_list_add(struct pt_str_list *l, const char *s); /* copies s; 0 or -ENOMEM */
void pt_str_list_free(struct pt_str_list *l);

/* What belongs to a name, in nanoseconds. */
struct pt_named_ns {
    char *name;
    int64_t ns;
};

struct pt_ns_list {
    struct pt_named_ns *item;
    size_t cnt;
};

int pt_ns_list_add(struct pt_ns_list *l, const char *name, int64_t ns); /* copies name */
void pt_ns_list_free(struct pt_ns_list *l);

struct pt_cidr_list {
    struct pt_cidr *item;
    size_t cnt;
};

int pt_cidr_list_add(struct pt_cidr_list *l, const struct pt_cidr *c);
void pt_cidr_list_free(struct pt_cidr_list *l);

struct pt_number_list {
    uint16_t *item;
    size_t cnt;
};

int pt_number_list_add(struct pt_number_list *l, uint16_t n);
void pt_number_list_free(struct pt_number_list *l);

/* All parsers: 0, or -EINVAL with err set and *ret untouched. */

/* "512MiB", "2G", "65536": bytes; K, M, G and T are powers of 1024. */
int pt_parse_size(const char *s, uint64_t *ret, struct pt_error *err);

/* "60s", "200ms", "5m", "1h", "250us", "10ns"; a bare number is seconds. */
int pt_parse_duration(const char *s, int64_t *ret_ns, struct pt_error *err);

/* "-0.3", "+250ms", "2s": with a sign, and a bare number may have nine decimals. Up to
 * PT_OFFSET_MAX_NS either way. */
#define PT_OFFSET_MAX_NS 315360000000000000ull /* ten years: a clock that was never set */
int pt_parse_offset(const char *s, int64_t *ret_ns, struct pt_error *err);

/* Decimal, or hexadecimal with 0x. */
int pt_parse_u64(const char *s, uint64_t *ret, struct pt_error *err);

/* "0640" or "640": permissions. */
int pt_parse_octal(const char *s, uint64_t *ret, struct pt_error *err);

/* "0.99" or "99%". */
int pt_parse_ratio(const char *s, double *ret, struct pt_error *err);

/* "8GqU1QnrTiS8BqfyrI0QBg": a topic id as Kafka's own tools print it. */
int pt_parse_topic_id(const char *s, uint8_t ret[16], struct pt_error *err);

/* "10.88.1.1", "10.88.1.0/24", "10.88.1.1:9092", "10.88.1.0/24:9092", "fd00::1", "[fd00::1]:9092",
 * "[fd00::]/64:9092". Names are refused: a replay asks no name server. */
int pt_parse_cidr(const char *s, struct pt_cidr *ret, struct pt_error *err);

/* Texts are written into buf and returned; each PT_TEXT_* is large enough for every input. */
#define PT_TEXT_MAX 80

/* pt_text_size and pt_text_duration use the largest unit that loses nothing; what they write parses
 * back to the same value. */
const char *pt_text_size(uint64_t sz, char buf[PT_TEXT_MAX]);
const char *pt_text_duration(int64_t ns, char buf[PT_TEXT_MAX]);
const char *pt_text_cidr(const struct pt_cidr *c, char buf[PT_TEXT_MAX]);
const char *pt_text_endpoint(const struct pt_endpoint *ep, char buf[PT_TEXT_MAX]);

/* The shortest decimal that reads back as exactly this number. */
const char *pt_text_real(double v, char buf[PT_TEXT_MAX]);

/* RFC 3339, UTC. NULL where the year has no four digits (a record's timestamp is any 64-bit
   number). */
const char *pt_text_time_ms(int64_t ms, char buf[PT_TEXT_MAX]);
const char *pt_text_time_ns(int64_t ns, char buf[PT_TEXT_MAX]);

/* "1,234,567" */
const char *pt_text_count(uint64_t cnt, char buf[PT_TEXT_MAX]);

/* "12.3 MB" for reading, not for parsing back. */
const char *pt_text_bytes(uint64_t sz, char buf[PT_TEXT_MAX]);

/* "99.123 %", rounded down: 100 % is only written where nothing is missing; "-" of nothing. */
const char *pt_text_percent(uint64_t part, uint64_t whole, char buf[PT_TEXT_MAX]);

#endif
