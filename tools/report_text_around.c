/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/report_text.h"

#include <stdlib.h>
#include <string.h>

#include "parser/walk.h"
#include "tools/ledger.h"
#include "tools/values.h"

/* Clients shown for each cluster without --all. */
#define FIRST_CLIENTS 12

static const char *plural(uint64_t cnt)
{
    return cnt == 1 ? "" : "s";
}

/* A client is shown once for all of its connections: same id and host. */
static size_t host_len(const struct pt_client_info *c)
{
    const char *colon = strrchr(c->client_addr, ':');

    return colon ? (size_t)(colon - c->client_addr) : strlen(c->client_addr);
}

static int by_client(const void *x, const void *y)
{
    const struct pt_client_info *a = x;
    const struct pt_client_info *b = y;
    size_t len = host_len(a) < host_len(b) ? host_len(a) : host_len(b);
    int cmp;

    if (a->cluster != b->cluster)
        return a->cluster - b->cluster;
    cmp = strcmp(a->client_id, b->client_id);
    if (cmp)
        return cmp;
    cmp = strncmp(a->client_addr, b->client_addr, len);
    if (cmp)
        return cmp;
    if (host_len(a) != host_len(b))
        return host_len(a) < host_len(b) ? -1 : 1;
    return 0;
}

/* Not every connection states the software; the first one in the byte order that does, speaks. */
static const char *software_of(const struct pt_client_info *c, size_t cnt)
{
    const char *best = "";

    for (size_t i = 0; i < cnt; i++) {
        if (c[i].software[0] && (!best[0] || strcmp(c[i].software, best) < 0))
            best = c[i].software;
    }
    return best;
}

static void client_line(const struct pt_client_info *c, size_t connections, struct pt_text *t)
{
    const char *software = software_of(c, connections);
    uint64_t produced = 0;
    uint64_t fetched = 0;
    char safe[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];

    for (size_t i = 0; i < connections; i++) {
        produced += c[i].batches_produced;
        fetched += c[i].batches_fetched;
    }
    pt_text_put(t, "    ");
    pt_text_wrap(t, 6);
    if (c->client_id[0])
        pt_text_put(t, "\"%s\"", pt_text_safe(t, c->client_id, safe));
    else
        pt_text_put(t, "(no client id)");
    pt_text_item(t, "%.*s", (int)host_len(c), pt_text_safe(t, c->client_addr, safe));
    if (software[0])
        pt_text_item(t, "(%s)", pt_text_safe(t, software, safe));
    pt_text_listed(t, "%s connection%s", pt_text_count(connections, buf), plural(connections));
    if (produced)
        pt_text_listed(t, "%s batch%s produced", pt_text_count(produced, buf),
                       produced == 1 ? "" : "es");
    if (fetched)
        pt_text_listed(t, "%s batch%s fetched", pt_text_count(fetched, buf),
                       fetched == 1 ? "" : "es");
    pt_text_end(t);
}

static void clients(const struct pt_report *r, int cluster, bool all, struct pt_text *t)
{
    size_t cnt = r->result->client_cnt;
    struct pt_client_info *rows = calloc(cnt + 1, sizeof(*rows));
    size_t shown = 0;
    size_t hidden = 0;
    size_t next;

    if (!rows)
        return;
    if (cnt)
        memcpy(rows, r->result->clients, cnt * sizeof(*rows));
    qsort(rows, cnt, sizeof(*rows), by_client);
    for (size_t i = 0; i < cnt; i = next) {
        for (next = i; next < cnt && !by_client(&rows[i], &rows[next]); next++)
            ;
        if (rows[i].cluster != cluster)
            continue;
        if (!all && shown == FIRST_CLIENTS) {
            hidden++;
            continue;
        }
        client_line(&rows[i], next - i, t);
        shown++;
    }
    if (hidden) {
        pt_text_put(t, "    ... and %zu more client%s (--all)", hidden, plural(hidden));
        pt_text_end(t);
    }
    free(rows);
}

static void brokers(const struct pt_result *res, int cluster, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    bool any = false;

    pt_text_put(t, "    brokers:");
    pt_text_wrap(t, 6);
    for (size_t i = 0; i < res->broker_cnt; i++) {
        const struct pt_broker_result *b = &res->brokers[i];

        if (b->cluster != cluster)
            continue;
        pt_text_listed(t, "%d %s:%d%s", b->node_id,
                       b->host[0] ? pt_text_safe(t, b->host, safe) : "?", b->port,
                       b->seen ? "" : " (NOT on the tap)");
        any = true;
    }
    if (!any)
        pt_text_item(t, "none named themselves");
    pt_text_end(t);
}

static void connections(const struct pt_conn_row *rows, size_t row_cnt, int cluster,
                        struct pt_text *t)
{
    char buf[PT_TEXT_MAX];
    bool any = false;

    pt_text_put(t, "    connections:");
    pt_text_wrap(t, 6);
    for (uint8_t k = 0; k < PT_CONN_KIND_CNT; k++) {
        uint64_t cnt = 0;

        for (size_t i = 0; i < row_cnt; i++) {
            if (rows[i].cluster == cluster && rows[i].kind == k)
                cnt += rows[i].connections;
        }
        if (!cnt)
            continue;
        pt_text_listed(t, "%s %s", pt_text_count(cnt, buf), pt_conn_kind_name(k));
        any = true;
    }
    if (!any)
        pt_text_item(t, "none");
    pt_text_end(t);
}

void pt_report_text_clusters(const struct pt_report *r, struct pt_text *t, bool all)
{
    struct pt_conn_row *rows = pt_conn_rows_sorted(r);
    char safe[PT_SAFE_MAX];

    pt_text_heading(t, r->single ? "Cluster" : "Clusters");
    for (int c = 0; rows && c < (r->single ? 1 : PT_CLUSTER_CNT); c++) {
        const char *id = r->result->cluster_id[c];

        pt_text_put(t, "  %s", r->single ? "cluster" : pt_cluster_name(c));
        pt_text_put(t, id ? " (id %s)" : " (did not state its id)%s",
                    id ? pt_text_safe(t, id, safe) : "");
        pt_text_end(t);
        brokers(r->result, c, t);
        connections(rows, r->conn_cnt, c, t);
        clients(r, c, all, t);
    }
    free(rows);
}

/* conn_rows lists the endpoints of one kind that paritap could not or need not read. */
static bool conn_rows(const struct pt_conn_row *rows, size_t row_cnt, uint8_t kind, int cluster,
                      const char *what, bool name_cluster, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    char cnt[PT_TEXT_MAX];
    char bytes[PT_TEXT_MAX];
    char addr[PT_TEXT_MAX];
    bool any = false;

    for (size_t i = 0; i < row_cnt; i++) {
        const struct pt_conn_row *c = &rows[i];

        if (c->kind != kind || (cluster >= 0 && c->cluster != cluster))
            continue;
        pt_text_put(t, "  - %s:", what);
        pt_text_wrap(t, 4);
        pt_text_item(t, "%s connection%s", pt_text_count(c->connections, cnt),
                     plural(c->connections));
        pt_text_item(t, "to %s", pt_text_endpoint(&c->broker, addr));
        if (name_cluster)
            pt_text_item(t, "(%s)", pt_cluster_name(c->cluster));
        pt_text_put(t, ",");
        pt_text_item(t, "%s", pt_text_bytes(c->bytes, bytes));
        if (c->note[0])
            pt_text_item(t, "[%s]", pt_text_safe(t, c->note, safe));
        pt_text_end(t);
        any = true;
    }
    return any;
}

/* APIs whose bodies paritap does not read carry no records, but they are named. */
static bool unparsed_apis(const struct pt_report *r, struct pt_text *t)
{
    struct pt_api_row *rows = pt_api_rows_sorted(r);
    char where[32] = "";
    char buf[PT_TEXT_MAX];
    bool any = false;

    if (!rows)
        return false;
    for (size_t i = 0; i < r->api_cnt; i++) {
        const char *name = pt_api_name(rows[i].api_key);

        if (!rows[i].unparsed)
            continue;
        if (!any) {
            pt_text_put(t, "  - bodies skipped by their size:");
            pt_text_wrap(t, 4);
        }
        any = true;
        if (!r->single)
            snprintf(where, sizeof(where), " (%s)", pt_cluster_name(rows[i].cluster));
        if (name)
            pt_text_listed(t, "%s v%d x %s%s", name, rows[i].api_version,
                           pt_text_count(rows[i].unparsed, buf), where);
        else
            pt_text_listed(t, "unknown api %d v%d x %s%s", rows[i].api_key, rows[i].api_version,
                           pt_text_count(rows[i].unparsed, buf), where);
    }
    if (any)
        pt_text_end(t);
    free(rows);
    return any;
}

static bool unpaired(const struct pt_result *res, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    char why[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];
    size_t next;

    for (size_t i = 0; i < res->unpaired_cnt; i = next) {
        const struct pt_unpaired *u = &res->unpaired[i];
        uint64_t records = 0;

        for (next = i; next < res->unpaired_cnt; next++) {
            const struct pt_unpaired *v = &res->unpaired[next];

            if (v->cluster != u->cluster || strcmp(v->name.topic, u->name.topic) ||
                strcmp(v->why, u->why))
                break;
            records += v->records;
        }
        pt_text_put(t, "  - only on the %s:", pt_cluster_name(u->cluster));
        pt_text_wrap(t, 4);
        pt_text_item(t, "%s,",
                     u->name.topic[0] ? pt_text_safe(t, u->name.topic, safe)
                                      : "a topic without a name");
        pt_text_item(t, "%zu partition%s,", next - i, plural(next - i));
        pt_text_item(t, "%s record%s:", pt_text_count(records, buf), plural(records));
        pt_text_words(t, pt_text_safe(t, u->why, why));
        pt_text_end(t);
    }
    return res->unpaired_cnt != 0;
}

static bool missing_bytes(const struct pt_report *r, struct pt_text *t)
{
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];
    bool any = false;

    if (r->streams->holes) {
        pt_text_put(t, "  - not captured: %s of TCP payload in %s hole%s",
                    pt_text_bytes(r->streams->hole_bytes, a), pt_text_count(r->streams->holes, b),
                    plural(r->streams->holes));
        pt_text_end(t);
        any = true;
    }
    if (r->packets->cut_bytes) {
        pt_text_put(t, "  - cut by the snap length: %s; capture with -s 0",
                    pt_text_bytes(r->packets->cut_bytes, a));
        pt_text_end(t);
        any = true;
    }
    if (r->fragments->fragments_given_up + r->fragments->fragments_refused) {
        pt_text_put(t, "  - not put together: %s IP fragments, as others are missing",
                    pt_text_count(
                            r->fragments->fragments_given_up + r->fragments->fragments_refused, a));
        pt_text_end(t);
        any = true;
    }
    if (r->packets->kind[PT_PACKET_LINK_TYPE]) {
        pt_text_put(t, "  - %s packets of a link type that paritap does not read",
                    pt_text_count(r->packets->kind[PT_PACKET_LINK_TYPE], a));
        pt_text_end(t);
        any = true;
    }
    return any;
}

void pt_report_text_not_looked_at(const struct pt_report *r, struct pt_text *t)
{
    struct pt_conn_row *rows = pt_conn_rows_sorted(r);
    size_t cnt = rows ? r->conn_cnt : 0;
    bool any = false;

    pt_text_heading(t, "Not looked at, and why");
    any |= conn_rows(rows, cnt, PT_CONN_TLS, -1, "encrypted (TLS)", !r->single, t);
    any |= conn_rows(rows, cnt, PT_CONN_KAFKA, PT_CLUSTER_NONE, "Kafka, but of neither cluster",
                     false, t);
    any |= conn_rows(rows, cnt, PT_CONN_OTHER, -1, "not Kafka", !r->single, t);
    any |= conn_rows(rows, cnt, PT_CONN_UNDECIDED, -1, "not recognised", !r->single, t);
    any |= unparsed_apis(r, t);
    any |= missing_bytes(r, t);
    any |= unpaired(r->result, t);
    if (!any) {
        pt_text_put(t, "  nothing");
        pt_text_end(t);
    }
    free(rows);
}

/* What came to a port and was not looked at. */
static void input_losses(const struct pt_report_input *in, struct pt_text *t)
{
    char buf[PT_TEXT_MAX];

    if (!pt_input_lost(in))
        return;
    pt_text_styled(t, PT_STYLE_WARN, ", %s lost:", pt_text_count(pt_input_lost(in), buf));
    pt_text_wrap(t, 4);
    if (in->missed)
        pt_text_listed(t, "%s missed by the device", pt_text_count(in->missed, buf));
    if (in->no_buffer)
        pt_text_listed(t, "%s without a free buffer", pt_text_count(in->no_buffer, buf));
    if (in->errors)
        pt_text_listed(t, "%s bad frames", pt_text_count(in->errors, buf));
    if (in->lost)
        pt_text_listed(t, "%s given up before a worker", pt_text_count(in->lost, buf));
}

/* What a mirror that numbers its packets has lost before. */
static void mirror_losses(const struct pt_report *r, uint32_t input, struct pt_text *t)
{
    struct pt_mirror_stats mirror = pt_mirror_sum(r->mirrors, r->mirror_cnt, input);
    char buf[PT_TEXT_MAX];

    if (!mirror.lost)
        return;
    pt_text_put(t, ";");
    pt_text_wrap(t, 4);
    pt_text_item(t, "%s lost before it, as the mirror's numbers say",
                 pt_text_count(mirror.lost, buf));
}

static void input_clock(const struct pt_report *r, const struct pt_report_input *in,
                        struct pt_text *t)
{
    const struct pt_clock *c = &in->clock;
    char safe[PT_SAFE_MAX];
    char buf[PT_TEXT_MAX];

    if (c->how == PT_CLOCK_AS_RECORDED)
        return;
    pt_text_put(t, "    its times are moved by %+.6f s", (double)c->offset_ns / 1e9);
    pt_text_wrap(t, 4);
    if (c->how == PT_CLOCK_GIVEN)
        pt_text_item(t, "as given");
    else
        pt_text_item(t, "as %s pairs of packets with %s prove", pt_text_count(c->pairs, buf),
                     pt_text_safe(t, pt_input_name(&r->inputs[c->against]), safe));
    pt_text_end(t);
}

static void inputs(const struct pt_report *r, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];

    for (size_t i = 0; i < r->input_cnt; i++) {
        const struct pt_report_input *in = &r->inputs[i];

        pt_text_put(t, "  %s: %s", r->single ? "file" : pt_role_name(in->role),
                    pt_text_safe(t, pt_input_name(in), safe));
        pt_text_put(t, ", %s packets, %s", pt_text_count(in->packets, a),
                    pt_text_bytes(in->bytes, b));
        if (in->truncated)
            pt_text_styled(t, PT_STYLE_WARN, ", cut off");
        input_losses(in, t);
        mirror_losses(r, (uint32_t)i, t);
        pt_text_end(t);
        input_clock(r, in, t);
    }
}

/* What a live run had to leave out. */
static void overload(const struct pt_report *r, struct pt_text *t)
{
    const struct pt_ladder *l = r->live ? r->live->ladder : NULL;
    int64_t ns = 0;
    char buf[PT_TEXT_MAX];

    if (!l || !l->change_cnt)
        return;
    for (size_t i = 1; i < PT_LADDER_LEVEL_CNT; i++)
        ns += l->level_ns[i];
    pt_text_styled(t, PT_STYLE_WARN, "  overload: up to level %u of %u", l->level_max,
                   PT_LADDER_LEVEL_CNT - 1);
    pt_text_put(t, ", for %s in all; what was left out is unseen (shed)",
                pt_text_duration(ns / 1000000000 * 1000000000, buf));
    pt_text_end(t);
}

void pt_report_text_books(const struct pt_report *r, struct pt_text *t)
{
    struct pt_ledger ledger[PT_LEDGER_CNT];
    char buf[PT_TEXT_MAX];

    pt_text_heading(t, "Inputs");
    inputs(r, t);
    overload(r, t);
    pt_text_heading(t, "Books (each total is the sum of its parts; a residue is our own mistake)");
    pt_ledger_build(r, ledger);
    for (size_t i = 0; i < PT_LEDGER_CNT; i++) {
        const struct pt_ledger *l = &ledger[i];
        const char *sign = "=";

        if (r->single && i == PT_LEDGER_OFFSETS) /* counts what is compared */
            continue;
        pt_text_put(t, "  %-13s %s %s", l->layer, pt_text_count(l->total, buf), l->total_name);
        pt_text_wrap(t, 16);
        for (size_t k = 0; k < l->part_cnt; k++) {
            if (!l->part[k].cnt)
                continue;
            pt_text_item(t, "%s %s %s", sign, pt_text_count(l->part[k].cnt, buf), l->part[k].name);
            sign = "+";
        }
        if (l->residue) {
            pt_text_put(t, "; ");
            pt_text_styled(t, PT_STYLE_BAD, "residue %lld", (long long)l->residue);
        }
        pt_text_end(t);
    }
}
