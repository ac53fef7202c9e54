/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/report.h"

#include <stdlib.h>
#include <string.h>

const char *pt_verdict_name(enum pt_verdict v)
{
    return v == PT_VERDICT_PARITY      ? "parity"
           : v == PT_VERDICT_DIVERGENT ? "divergent"
                                       : "inconclusive";
}

const char *pt_clock_how_name(enum pt_clock_how how)
{
    return how == PT_CLOCK_GIVEN       ? "given"
           : how == PT_CLOCK_ESTIMATED ? "estimated"
                                       : "as_recorded";
}

const char *pt_role_name(enum pt_input_role role)
{
    return role == PT_ROLE_SOURCE ? "source" : role == PT_ROLE_TARGET ? "target" : "both";
}

const char *pt_cluster_name(int cluster)
{
    return cluster == PT_CLUSTER_SOURCE   ? "source"
           : cluster == PT_CLUSTER_TARGET ? "target"
                                          : "unassigned";
}

const char *pt_conn_kind_name(uint8_t kind)
{
    static const char *const names[PT_CONN_KIND_CNT] = {
#define X(name, text) [PT_CONN_##name] = text,
        PT_CONN_KIND_LIST(X)
#undef X
    };

    return names[kind];
}

const char *pt_lost_reason_name(unsigned reason)
{
    static const char *const names[PT_LOST_REASON_CNT] = {
#define X(name, text, help) [PT_LOST_##name] = text,
        PT_LOST_REASON_LIST(X)
#undef X
    };

    return names[reason];
}

const char *pt_lost_reason_help(unsigned reason)
{
    static const char *const helps[PT_LOST_REASON_CNT] = {
#define X(name, text, help) [PT_LOST_##name] = help,
        PT_LOST_REASON_LIST(X)
#undef X
    };

    return helps[reason];
}

const char *pt_severity_name(enum pt_severity s)
{
    return s == PT_SEV_DIVERGENCE ? "divergence" : s == PT_SEV_WARNING ? "warning" : "info";
}

const char *pt_pair_rule_name(enum pt_pair_rule rule)
{
    return rule == PT_PAIR_CONFIGURED ? "configured"
           : rule == PT_PAIR_ALIAS    ? "alias"
                                      : "same_name";
}

uint64_t pt_pair_ambiguous(const struct pt_pair_result *p)
{
    return p->missing_or_reordered + p->ambiguous_source + p->ambiguous_target;
}

uint64_t pt_pair_unverifiable(const struct pt_pair_result *p)
{
    return p->unverifiable_source + p->unverifiable_target;
}

uint64_t pt_pair_pending(const struct pt_pair_result *p)
{
    return p->pending_source + p->pending_target;
}

uint64_t pt_pair_divergent(const struct pt_pair_result *p)
{
    return p->missing + p->extra + p->duplicated + p->reordered + p->mutated + pt_pair_ambiguous(p);
}

double pt_coverage(uint64_t certified, uint64_t observed)
{
    return observed ? (double)certified / (double)observed : 0;
}

static int by_api(const void *x, const void *y)
{
    const struct pt_api_row *a = x;
    const struct pt_api_row *b = y;

    if (a->cluster != b->cluster)
        return a->cluster - b->cluster;
    if (a->api_key != b->api_key)
        return a->api_key - b->api_key;
    return a->api_version - b->api_version;
}

static int by_conn(const void *x, const void *y)
{
    const struct pt_conn_row *a = x;
    const struct pt_conn_row *b = y;
    int ip;

    if (a->cluster != b->cluster)
        return a->cluster - b->cluster;
    if (a->kind != b->kind)
        return a->kind - b->kind;
    ip = memcmp(a->broker.ip, b->broker.ip, sizeof(a->broker.ip));
    if (ip)
        return ip;
    if (a->broker.port != b->broker.port)
        return a->broker.port - b->broker.port;
    return strcmp(a->note, b->note);
}

struct pt_api_row *pt_api_rows_sorted(const struct pt_report *r)
{
    struct pt_api_row *rows = calloc(r->api_cnt + 1, sizeof(*rows));

    if (!rows)
        return NULL;
    if (r->api_cnt)
        memcpy(rows, r->apis, r->api_cnt * sizeof(*rows));
    qsort(rows, r->api_cnt, sizeof(*rows), by_api);
    return rows;
}

struct pt_conn_row *pt_conn_rows_sorted(const struct pt_report *r)
{
    struct pt_conn_row *rows = calloc(r->conn_cnt + 1, sizeof(*rows));

    if (!rows)
        return NULL;
    if (r->conn_cnt)
        memcpy(rows, r->conns, r->conn_cnt * sizeof(*rows));
    qsort(rows, r->conn_cnt, sizeof(*rows), by_conn);
    return rows;
}

struct pt_report_input pt_report_input_file(enum pt_input_role role,
                                            const struct pt_capture_info *info)
{
    return (struct pt_report_input){
        .role = role,
        .name = info->path,
        .packets = info->packets,
        .bytes = info->bytes,
        .truncated = info->truncated,
        .trouble = info->trouble[0] ? info->trouble : NULL,
    };
}

const char *pt_input_name(const struct pt_report_input *in)
{
    return in->is_port || strcmp(in->name, "-") ? in->name : "standard input";
}

uint64_t pt_input_lost(const struct pt_report_input *in)
{
    return in->missed + in->no_buffer + in->errors + in->lost;
}
