/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/report_loss.h"

#include <string.h>

#include "tools/values.h"

/* Connections shown on the page; the JSON has all that are known. */
#define FIRST_CONNECTIONS 5u

static const struct {
    const char *name;
    uint64_t max;
} sizes[PT_LOSS_SIZE_CNT] = {
#define X(id, text, bytes) [PT_LOSS_##id] = { text, bytes },
    PT_LOSS_SIZE_LIST(X)
#undef X
};

static const struct {
    const char *code;
    const char *text;
} signs[PT_LOSS_SIGN_CNT] = {
#define X(id, code, text) [PT_LOSS_SIGN_##id] = { code, text },
    PT_LOSS_SIGN_LIST(X)
#undef X
};

/* Offsets that were not seen on one side, by reason, of all pairs. */
static uint64_t cost_of(const struct pt_report *r, int cluster, uint64_t cost[PT_LOST_REASON_CNT])
{
    uint64_t sum = 0;

    memset(cost, 0, PT_LOST_REASON_CNT * sizeof(cost[0]));
    for (size_t i = 0; i < r->result->pair_cnt; i++) {
        for (size_t k = 0; k < PT_LOST_REASON_CNT; k++) {
            cost[k] += r->result->pairs[i].unseen_by[cluster][k];
            sum += r->result->pairs[i].unseen_by[cluster][k];
        }
    }
    return sum;
}

static void json_sum(struct pt_json *j, const struct pt_loss_sum *s)
{
    pt_json_count(j, "holes", s->holes);
    pt_json_count(j, "bytes", s->bytes);
}

static void json_taps(struct pt_json *j, const struct pt_report *r)
{
    pt_json_array(j, "taps");
    for (size_t i = 0; i < r->input_cnt; i++) {
        const struct pt_loss_tap *tap = &r->loss->tap[i];

        pt_json_object(j, NULL);
        pt_json_count(j, "input", i);
        json_sum(j, &tap->lost);
        pt_json_count(j, "segments", r->packets->tap[i].kind[PT_PACKET_TCP]);
        pt_json_count(j, "copies", tap->copies);
        pt_json_count(j, "copied_bytes", tap->copied_bytes);
        pt_json_count(j, "cut_packets", r->packets->tap[i].cut_frames);
        pt_json_count(j, "cut_bytes", r->packets->tap[i].cut_bytes);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void json_clusters(struct pt_json *j, const struct pt_report *r)
{
    uint64_t cost[PT_LOST_REASON_CNT];

    pt_json_array(j, "clusters");
    for (int c = 0; c <= PT_CLUSTER_CNT; c++) {
        const struct pt_loss_cluster *cluster = &r->loss->cluster[c];

        if (r->single && c == PT_CLUSTER_TARGET)
            continue;
        pt_json_object(j, NULL);
        pt_json_text(j, "cluster", pt_cluster_name(c));
        json_sum(j, &cluster->lost);
        pt_json_count(j, "connections", cluster->connections);
        pt_json_count(j, "one_way", cluster->one_way);
        pt_json_count(j, "one_way_bytes", cluster->one_way_bytes);
        if (c < PT_CLUSTER_CNT) {
            pt_json_count(j, "offsets_unseen", cost_of(r, c, cost));
            pt_json_object(j, "unseen");
            for (unsigned k = 0; k < PT_LOST_REASON_CNT; k++)
                if (cost[k])
                    pt_json_count(j, pt_lost_reason_name(k), cost[k]);
            pt_json_object_end(j);
        }
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

/* Times of a capture may be anything: the first slice may begin before what 64 bits hold. */
static int64_t slice_ns(const struct pt_loss *l, uint32_t i)
{
    uint64_t width_ns = (uint64_t)PT_LOSS_SLICE_MIN_NS << l->slice_shift;

    return (int64_t)((uint64_t)(l->slice_from + i) * width_ns);
}

static double slice_seconds(const struct pt_loss *l)
{
    return (double)(PT_LOSS_SLICE_MIN_NS << l->slice_shift) / 1e9;
}

static void json_slices(struct pt_json *j, const struct pt_loss *l)
{
    uint32_t cnt = l->lost.holes ? l->slice_cnt : 0;
    char buf[PT_TEXT_MAX];

    pt_json_real(j, "slice_seconds", cnt ? slice_seconds(l) : 0);
    pt_json_array(j, "slices");
    for (uint32_t i = 0; i < cnt; i++) {
        pt_json_object(j, NULL);
        pt_json_text(j, "from", pt_text_time_ns(slice_ns(l, i), buf));
        for (int c = 0; c <= PT_CLUSTER_CNT; c++) {
            if (!l->cluster[c].lost.holes)
                continue;
            pt_json_object(j, pt_cluster_name(c));
            json_sum(j, &l->slice[i][c]);
            pt_json_object_end(j);
        }
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

static void json_connections(struct pt_json *j, const char *key, const struct pt_loss_top *top)
{
    char buf[PT_TEXT_MAX];

    pt_json_array(j, key);
    for (uint32_t i = 0; i < top->conn_cnt; i++) {
        const struct pt_loss_conn *c = &top->conn[i];

        pt_json_object(j, NULL);
        pt_json_text(j, "cluster", pt_cluster_name(c->cluster));
        pt_json_text(j, "client", pt_text_endpoint(&c->a, buf));
        pt_json_text(j, "broker", pt_text_endpoint(&c->b, buf));
        pt_json_count(j, "from_client_bytes", c->bytes[0]);
        pt_json_count(j, "from_broker_bytes", c->bytes[1]);
        pt_json_count(j, "holes", c->holes);
        pt_json_text(j, "last", pt_text_time_ns(c->last_ns, buf));
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
}

void pt_report_loss_json(const struct pt_report *r, struct pt_json *j)
{
    const struct pt_loss *l = r->loss;
    unsigned looks = pt_loss_signs(l, r->packets, r->streams);
    uint64_t holes;
    uint64_t shared;

    pt_json_object(j, "loss");
    pt_json_array(j, "looks_like");
    for (size_t i = 0; i < PT_LOSS_SIGN_CNT; i++)
        if (looks & 1u << i)
            pt_json_text(j, NULL, signs[i].code);
    pt_json_array_end(j);
    json_sum(j, &l->lost);
    pt_json_count(j, "cut_holes", l->cut.holes);
    pt_json_count(j, "cut_hole_bytes", l->cut.bytes);
    pt_json_array(j, "sizes");
    for (size_t i = 0; i < PT_LOSS_SIZE_CNT; i++) {
        pt_json_object(j, NULL);
        if (sizes[i].max < UINT64_MAX)
            pt_json_count(j, "up_to_bytes", sizes[i].max);
        else
            pt_json_null(j, "up_to_bytes");
        json_sum(j, &l->size[i]);
        pt_json_object_end(j);
    }
    pt_json_array_end(j);
    pt_loss_shared(l, &holes, &shared);
    pt_json_object(j, "moments");
    pt_json_real(j, "seconds", (double)PT_LOSS_MOMENT_NS / 1e9);
    pt_json_count(j, "holes", holes);
    pt_json_count(j, "shared_holes", shared);
    pt_json_object_end(j);
    json_taps(j, r);
    json_clusters(j, r);
    json_slices(j, l);
    json_connections(j, "worst", &l->worst);
    json_connections(j, "one_way", &l->one_way);
    pt_json_object_end(j);
}

/* The page. */

static const char *plural(uint64_t cnt)
{
    return cnt == 1 ? "" : "s";
}

static void text_holes(const struct pt_report *r, struct pt_text *t)
{
    const struct pt_loss *l = r->loss;
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];

    for (int c = 0; c <= PT_CLUSTER_CNT; c++) {
        const struct pt_loss_cluster *one = &l->cluster[c];

        if (!one->lost.holes)
            continue;
        pt_text_put(t, "  %s: %s of TCP payload in %s hole%s",
                    r->single && !c ? "cluster" : pt_cluster_name(c),
                    pt_text_bytes(one->lost.bytes, a), pt_text_count(one->lost.holes, b),
                    plural(one->lost.holes));
        pt_text_put(t, ", on %s connection%s", pt_text_count(one->connections, a),
                    plural(one->connections));
        pt_text_end(t);
    }
}

/* One mark a slice: nothing, or how much of the worst slice. */
static char mark_of(uint64_t bytes, uint64_t most)
{
    return !bytes ? ' ' : bytes * 8 <= most ? '.' : bytes * 2 <= most ? 'o' : '#';
}

static void text_slices(const struct pt_report *r, struct pt_text *t)
{
    const struct pt_loss *l = r->loss;
    uint64_t most = 0;
    char buf[PT_TEXT_MAX];

    for (uint32_t i = 0; i < l->slice_cnt; i++)
        for (int c = 0; c <= PT_CLUSTER_CNT; c++)
            if (l->slice[i][c].bytes > most)
                most = l->slice[i][c].bytes;
    pt_text_put(t, "  when: a mark is %.4g s, the first from %s;", slice_seconds(l),
                pt_text_time_ns(slice_ns(l, 0), buf));
    pt_text_wrap(t, 4);
    pt_text_item(t, "up to %s in one", pt_text_bytes(most, buf));
    pt_text_end(t);
    for (int c = 0; c <= PT_CLUSTER_CNT; c++) {
        char line[PT_LOSS_SLICE_CNT + 1];

        if (!l->cluster[c].lost.holes)
            continue;
        for (uint32_t i = 0; i < l->slice_cnt; i++)
            line[i] = mark_of(l->slice[i][c].bytes, most);
        line[l->slice_cnt] = 0;
        pt_text_put(t, "    %-10s |%s|", r->single && !c ? "cluster" : pt_cluster_name(c), line);
        pt_text_end(t);
    }
}

static void text_pieces(const struct pt_loss *l, struct pt_text *t)
{
    uint64_t holes;
    uint64_t shared;
    char a[PT_TEXT_MAX];

    pt_text_put(t, "  in pieces:");
    pt_text_wrap(t, 4);
    for (size_t i = 0; i < PT_LOSS_SIZE_CNT; i++)
        if (l->size[i].holes)
            pt_text_listed(t, "%s of %s", pt_text_count(l->size[i].holes, a), sizes[i].name);
    pt_text_end(t);
    pt_loss_shared(l, &holes, &shared);
    pt_text_put(t, "  together: %s of the holes fell within 10 ms of one on another connection",
                pt_text_percent(shared, holes, a));
    pt_text_end(t);
}

static void text_connection(const struct pt_loss_conn *c, struct pt_text *t)
{
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];

    pt_text_put(t, "    client %s, broker %s:", pt_text_endpoint(&c->a, a),
                pt_text_endpoint(&c->b, b));
    pt_text_wrap(t, 6);
    if (c->bytes[0])
        pt_text_listed(t, "%s from the client", pt_text_bytes(c->bytes[0], a));
    if (c->bytes[1])
        pt_text_listed(t, "%s from the broker", pt_text_bytes(c->bytes[1], a));
}

static void text_more(uint64_t cnt, struct pt_text *t)
{
    if (!cnt)
        return;
    pt_text_put(t, "    ... and %llu more", (unsigned long long)cnt);
    pt_text_end(t);
}

static void text_worst(const struct pt_loss *l, struct pt_text *t)
{
    uint64_t all = 0;
    uint32_t i;
    char buf[PT_TEXT_MAX];

    for (int c = 0; c <= PT_CLUSTER_CNT; c++)
        all += l->cluster[c].connections;
    pt_text_put(t, "  most was lost on:");
    pt_text_end(t);
    for (i = 0; i < l->worst.conn_cnt && i < FIRST_CONNECTIONS; i++) {
        const struct pt_loss_conn *c = &l->worst.conn[i];

        text_connection(c, t);
        pt_text_item(t, "in %s hole%s", pt_text_count(c->holes, buf), plural(c->holes));
        pt_text_end(t);
    }
    text_more(all - i, t);
}

static void text_one_way(const struct pt_loss *l, struct pt_text *t)
{
    uint64_t all = 0;
    uint64_t bytes = 0;
    uint32_t i;
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];

    for (int c = 0; c <= PT_CLUSTER_CNT; c++) {
        all += l->cluster[c].one_way;
        bytes += l->cluster[c].one_way_bytes;
    }
    if (!all)
        return;
    pt_text_put(t,
                "  only one direction was seen of %s connection%s with %s:", pt_text_count(all, a),
                plural(all), pt_text_bytes(bytes, b));
    pt_text_end(t);
    for (i = 0; i < l->one_way.conn_cnt && i < FIRST_CONNECTIONS; i++) {
        text_connection(&l->one_way.conn[i], t);
        pt_text_item(t, "and nothing the other way");
        pt_text_end(t);
    }
    text_more(all - i, t);
}

static void text_taps(const struct pt_report *r, struct pt_text *t)
{
    char safe[PT_SAFE_MAX];
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];

    for (size_t i = 0; i < r->input_cnt; i++) {
        const struct pt_loss_tap *tap = &r->loss->tap[i];
        const struct pt_tap_stats *packets = &r->packets->tap[i];

        if (!tap->lost.holes && !tap->copies && !packets->cut_frames)
            continue;
        pt_text_put(t, "  tap %s:", pt_text_safe(t, pt_input_name(&r->inputs[i]), safe));
        pt_text_wrap(t, 4);
        if (tap->lost.holes)
            pt_text_listed(t, "%s hole%s", pt_text_count(tap->lost.holes, a),
                           plural(tap->lost.holes));
        if (tap->copies)
            pt_text_listed(t, "%s copies made by the mirror (%s of the segments)",
                           pt_text_count(tap->copies, a),
                           pt_text_percent(tap->copies, packets->kind[PT_PACKET_TCP], b));
        if (packets->cut_frames)
            pt_text_listed(t, "%s packets cut by the snap length, %s gone",
                           pt_text_count(packets->cut_frames, a),
                           pt_text_bytes(packets->cut_bytes, b));
        pt_text_end(t);
    }
}

static void text_cost(const struct pt_report *r, struct pt_text *t)
{
    uint64_t cost[PT_LOST_REASON_CNT];
    char buf[PT_TEXT_MAX];

    for (int c = 0; c < PT_CLUSTER_CNT; c++) {
        uint64_t sum = cost_of(r, c, cost);

        if (!sum)
            continue;
        pt_text_put(t, "  cost on the %s: %s offset%s not seen:", pt_cluster_name(c),
                    pt_text_count(sum, buf), plural(sum));
        pt_text_wrap(t, 4);
        for (unsigned k = 0; k < PT_LOST_REASON_CNT; k++)
            if (cost[k])
                pt_text_listed(t, "%s %s", pt_text_count(cost[k], buf), pt_lost_reason_name(k));
        pt_text_end(t);
    }
}

void pt_report_loss_text(const struct pt_report *r, struct pt_text *t)
{
    const struct pt_loss *l = r->loss;
    unsigned looks = pt_loss_signs(l, r->packets, r->streams);

    pt_text_heading(t, "What the tap lost");
    if (!looks) {
        pt_text_put(t, "  nothing: no holes, both directions of every connection, whole packets");
        pt_text_end(t);
    }
    if (l->lost.holes) {
        text_holes(r, t);
        text_slices(r, t);
        text_pieces(l, t);
        text_worst(l, t);
    }
    text_one_way(l, t);
    text_taps(r, t);
    text_cost(r, t);
    for (size_t i = 0; i < PT_LOSS_SIGN_CNT; i++) {
        if (!(looks & 1u << i))
            continue;
        pt_text_styled(t, PT_STYLE_WARN, "  It looks like:");
        pt_text_wrap(t, 4);
        pt_text_words(t, signs[i].text);
        pt_text_end(t);
    }
}
