/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/totals.h"

#include <stdlib.h>
#include <string.h>

/* Every counter is a uint64_t. */
static void add(void *sum, const void *one, size_t sz)
{
    uint64_t *s = sum;
    const uint64_t *o = one;

    for (size_t i = 0; i < sz / sizeof(*s); i++)
        s[i] += o[i];
}

_Static_assert(sizeof(struct pt_packet_stats) % sizeof(uint64_t) == 0, "counters only");
_Static_assert(sizeof(struct pt_fragment_stats) % sizeof(uint64_t) == 0, "counters only");
_Static_assert(sizeof(struct pt_stream_stats) % sizeof(uint64_t) == 0, "counters only");
_Static_assert(sizeof(struct pt_parser_stats) % sizeof(uint64_t) == 0, "counters only");

void pt_totals_fini(struct pt_totals *t)
{
    free(t->apis);
    free(t->conns);
    free(t->mirrors);
    *t = (struct pt_totals){ 0 };
}

/* room makes place for cnt more rows; false: refused, and said so. */
static bool room(struct pt_totals *t, void *rows_at, size_t have, size_t cnt, size_t row_sz)
{
    void *rows;

    memcpy(&rows, rows_at, sizeof(rows));
    if (!cnt)
        return true;
    rows = reallocarray(rows, have + cnt, row_sz);
    if (!rows) {
        t->refused = true;
        return false;
    }
    memcpy(rows_at, &rows, sizeof(rows));
    return true;
}

static void add_apis(struct pt_totals *t, const struct pt_api_row *rows, size_t cnt)
{
    if (!room(t, &t->apis, t->api_cnt, cnt, sizeof(*rows)))
        return;
    for (size_t i = 0; i < cnt; i++) {
        struct pt_api_row *sum = t->apis;

        while (sum < t->apis + t->api_cnt &&
               (sum->cluster != rows[i].cluster || sum->api_key != rows[i].api_key ||
                sum->api_version != rows[i].api_version))
            sum++;
        if (sum == t->apis + t->api_cnt) {
            t->apis[t->api_cnt++] = rows[i];
            continue;
        }
        sum->requests += rows[i].requests;
        sum->responses += rows[i].responses;
        sum->unparsed += rows[i].unparsed;
    }
}

static bool same_conns(const struct pt_conn_row *a, const struct pt_conn_row *b)
{
    return a->cluster == b->cluster && a->kind == b->kind && a->broker.port == b->broker.port &&
           !memcmp(a->broker.ip, b->broker.ip, sizeof(a->broker.ip)) && !strcmp(a->note, b->note);
}

static void add_conns(struct pt_totals *t, const struct pt_conn_row *rows, size_t cnt)
{
    if (!room(t, &t->conns, t->conn_cnt, cnt, sizeof(*rows)))
        return;
    for (size_t i = 0; i < cnt; i++) {
        struct pt_conn_row *sum = t->conns;

        while (sum < t->conns + t->conn_cnt && !same_conns(sum, &rows[i]))
            sum++;
        if (sum == t->conns + t->conn_cnt) {
            t->conns[t->conn_cnt++] = rows[i];
            continue;
        }
        sum->connections += rows[i].connections;
        sum->bytes += rows[i].bytes;
    }
}

/* Loss is that of the sums of each session, so the sum of all is made anew. */
static void sum_mirrors(struct pt_totals *t, uint64_t refused)
{
    refused += t->mirror.refused;
    t->mirror = pt_mirror_sum(t->mirrors, t->mirror_cnt, PT_MIRROR_ALL);
    t->mirror.refused = refused;
}

void pt_totals_intake(struct pt_totals *t, const struct pt_intake *in)
{
    const struct pt_mirrors *m = &in->mirrors;

    add(&t->packets, &in->stats, sizeof(t->packets));
    add(&t->fragments, &in->fragments.stats, sizeof(t->fragments));
    if (room(t, &t->mirrors, t->mirror_cnt, m->session_cnt, sizeof(*t->mirrors)))
        for (unsigned i = 0; i < m->session_cnt; i++)
            pt_mirror_rows_add(t->mirrors, &t->mirror_cnt, &m->session[i]->row);
    sum_mirrors(t, m->refused);
}

void pt_totals_add(struct pt_totals *t, const struct pt_totals *other)
{
    add(&t->packets, &other->packets, sizeof(t->packets));
    add(&t->fragments, &other->fragments, sizeof(t->fragments));
    add(&t->streams, &other->streams, sizeof(t->streams));
    add(&t->parser, &other->parser, sizeof(t->parser));
    pt_loss_add(&t->loss, &other->loss);
    add_apis(t, other->apis, other->api_cnt);
    add_conns(t, other->conns, other->conn_cnt);
    if (room(t, &t->mirrors, t->mirror_cnt, other->mirror_cnt, sizeof(*t->mirrors)))
        for (size_t i = 0; i < other->mirror_cnt; i++)
            pt_mirror_rows_add(t->mirrors, &t->mirror_cnt, &other->mirrors[i]);
    sum_mirrors(t, other->mirror.refused);
    t->refused |= other->refused;
}

bool pt_totals_saw_all(const struct pt_totals *t, enum pt_cluster cluster)
{
    return !t->streams.holes && !t->loss.cluster[cluster].one_way && !t->mirror.lost &&
           !t->mirror.restarts && !t->mirror.refused && !pt_datagrams_lost(&t->fragments) &&
           !t->fragments.fragments_refused && !t->packets.kind[PT_PACKET_CUT] &&
           !t->packets.kind[PT_PACKET_MIXED];
}

void pt_totals_worker(struct pt_totals *t, const struct pt_worker *w)
{
    const struct pt_api_row *apis;
    const struct pt_conn_row *conns;
    size_t cnt;

    add(&t->streams, pt_streams_stats(w->streams), sizeof(t->streams));
    add(&t->parser, pt_parser_stats(w->parser), sizeof(t->parser));
    pt_loss_add(&t->loss, &w->loss);
    cnt = pt_parser_api_rows(w->parser, &apis);
    add_apis(t, apis, cnt);
    cnt = pt_parser_conn_rows(w->parser, &conns);
    add_conns(t, conns, cnt);
}
