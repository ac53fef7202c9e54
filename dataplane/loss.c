/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/loss.h"

#include <stdlib.h>
#include <string.h>

/* When is loss that of the tap, of one connection, or neither: see pt_loss_signs. */
#define SHARED_PERCENT 50u
#define SHARED_CONNECTIONS 3u
#define BURSTS_PERCENT 60u
#define LONG_PERCENT 25u
#define ALONE_PERCENT 90u
#define ALONE_HOLES 4u
#define ONE_WAY_PERCENT 10u
#define COPIES_PERCENT 5u

static void add(struct pt_loss_sum *sum, const struct pt_loss_sum *one)
{
    sum->holes += one->holes;
    sum->bytes += one->bytes;
}

/* Slices. */

/* Time in the narrowest slices. */
static int64_t unit_of(int64_t time_ns)
{
    return time_ns / PT_LOSS_SLICE_MIN_NS - (time_ns % PT_LOSS_SLICE_MIN_NS < 0);
}

/* Makes slices twice as wide. */
static void widen(struct pt_loss *l)
{
    struct pt_loss_sum old[PT_LOSS_SLICE_CNT][PT_CLUSTER_CNT + 1];
    int64_t from = l->slice_from;

    memcpy(old, l->slice, sizeof(old));
    memset(l->slice, 0, sizeof(l->slice));
    l->slice_from = from >> 1;
    l->slice_shift++;
    for (uint32_t i = 0; i < l->slice_cnt; i++)
        for (int c = 0; c <= PT_CLUSTER_CNT; c++)
            add(&l->slice[((from + i) >> 1) - l->slice_from][c], &old[i][c]);
    if (l->slice_cnt)
        l->slice_cnt = (uint32_t)(((from + l->slice_cnt - 1) >> 1) - l->slice_from + 1);
}

/* Slices reach over the units [from_unit, to_unit] from now on. They are widened only as far as the
 * whole span asks for, so their width does not depend on the order in which it grew. */
static void cover(struct pt_loss *l, int64_t from_unit, int64_t to_unit)
{
    for (;; widen(l)) {
        int64_t from = from_unit >> l->slice_shift;
        int64_t to = to_unit >> l->slice_shift;

        if (l->slice_cnt && l->slice_from < from)
            from = l->slice_from;
        if (l->slice_cnt && l->slice_from + l->slice_cnt - 1 > to)
            to = l->slice_from + l->slice_cnt - 1;
        if (to - from >= PT_LOSS_SLICE_CNT)
            continue;
        if (l->slice_cnt && from < l->slice_from) {
            size_t by = (size_t)(l->slice_from - from);

            memmove(&l->slice[by], &l->slice[0], l->slice_cnt * sizeof(l->slice[0]));
            memset(&l->slice[0], 0, by * sizeof(l->slice[0]));
        }
        l->slice_from = from;
        l->slice_cnt = (uint32_t)(to - from + 1);
        return;
    }
}

/* Moments. */

/* One to one, and without order (the last steps of splitmix64). */
static uint64_t scramble(uint64_t x)
{
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

static void add_moment(struct pt_loss *l, const struct pt_loss_moment *m)
{
    uint32_t low = 0;
    uint32_t high = l->moment_cnt;

    while (low < high) {
        uint32_t mid = (low + high) / 2;

        if (l->moment[mid].hash < m->hash)
            low = mid + 1;
        else
            high = mid;
    }
    if (low < l->moment_cnt && l->moment[low].hash == m->hash) {
        struct pt_loss_moment *have = &l->moment[low];

        have->shared = have->shared || m->shared || have->flow != m->flow;
        have->holes += m->holes;
        return;
    }
    if (low == PT_LOSS_MOMENT_CNT)
        return;
    if (l->moment_cnt == PT_LOSS_MOMENT_CNT)
        l->moment_cnt--; /* it would never come back: hashes kept only get lower */
    memmove(&l->moment[low + 1], &l->moment[low], (l->moment_cnt - low) * sizeof(l->moment[0]));
    l->moment[low] = *m;
    l->moment_cnt++;
}

void pt_loss_shared(const struct pt_loss *l, uint64_t *ret_holes, uint64_t *ret_shared)
{
    *ret_holes = *ret_shared = 0;
    for (uint32_t i = 0; i < l->moment_cnt; i++) {
        *ret_holes += l->moment[i].holes;
        *ret_shared += l->moment[i].shared ? l->moment[i].holes : 0;
    }
}

/* Connections. */

/* Whether x goes before y: more bytes, then the earlier one. */
static bool is_worse(const struct pt_loss_conn *x, const struct pt_loss_conn *y)
{
    uint64_t a = x->bytes[0] + x->bytes[1];
    uint64_t b = y->bytes[0] + y->bytes[1];

    return a != b ? a > b : x->flow < y->flow;
}

/* What is known of a connection only grows, and is whole each time: so those that are kept are
 * always the worst of all, whatever came in between. */
static void offer(struct pt_loss_top *top, const struct pt_loss_conn *conn)
{
    struct pt_loss_conn *place = NULL;

    for (uint32_t i = 0; i < top->conn_cnt; i++) {
        if (top->conn[i].flow == conn->flow) {
            top->conn[i] = *conn;
            return;
        }
        if (!place || is_worse(place, &top->conn[i]))
            place = &top->conn[i];
    }
    if (top->conn_cnt < PT_LOSS_WORST_CNT)
        top->conn[top->conn_cnt++] = *conn;
    else if (is_worse(conn, place))
        *place = *conn;
}

static struct pt_loss_conn conn_of(const struct pt_stream_event *ev, uint8_t cluster)
{
    bool swap = ev->initiator < 0 ? ev->a->port < ev->b->port : ev->initiator == 1;

    return (struct pt_loss_conn){
        .flow = ev->flow,
        .a = swap ? *ev->b : *ev->a,
        .b = swap ? *ev->a : *ev->b,
        .bytes = { ev->lost->bytes[swap], ev->lost->bytes[!swap] },
        .holes = ev->lost->holes,
        .last_ns = ev->at.time_ns,
        .cluster = cluster,
    };
}

void pt_loss_copy(struct pt_loss *l, uint32_t input, uint64_t bytes)
{
    l->tap[input].copies++;
    l->tap[input].copied_bytes += bytes;
}

static void take_hole(struct pt_loss *l, uint8_t cluster, const struct pt_stream_event *ev)
{
    static const uint64_t size_max[PT_LOSS_SIZE_CNT] = {
#define X(name, text, max) [PT_LOSS_##name] = max,
        PT_LOSS_SIZE_LIST(X)
#undef X
    };
    const struct pt_loss_sum one = { 1, ev->len };
    const struct pt_loss_moment moment = {
        .hash = scramble((uint64_t)(ev->at.time_ns / PT_LOSS_MOMENT_NS)),
        .flow = ev->flow,
        .holes = 1,
    };
    struct pt_loss_conn conn = conn_of(ev, cluster);
    size_t size = 0;

    while (ev->len > size_max[size])
        size++;
    add(&l->lost, &one);
    add(&l->size[size], &one);
    add(&l->cluster[cluster].lost, &one);
    l->cluster[cluster].connections += ev->lost->holes == 1;
    add(&l->tap[ev->at.input].lost, &one);
    add_moment(l, &moment);
    offer(&l->worst, &conn);
    cover(l, unit_of(ev->at.time_ns), unit_of(ev->at.time_ns));
    add(&l->slice[(unit_of(ev->at.time_ns) >> l->slice_shift) - l->slice_from][cluster], &one);
}

static void take_one_way(struct pt_loss *l, uint8_t cluster, const struct pt_stream_event *ev)
{
    struct pt_loss_conn conn = conn_of(ev, cluster);
    bool is_a = !memcmp(&conn.a, ev->side ? ev->b : ev->a, sizeof(conn.a));

    l->cluster[cluster].one_way++;
    l->cluster[cluster].one_way_bytes += ev->len;
    conn.bytes[!is_a] = ev->len;
    conn.bytes[is_a] = 0;
    offer(&l->one_way, &conn);
}

void pt_loss_event(struct pt_loss *l, uint8_t cluster, const struct pt_stream_event *ev)
{
    const struct pt_loss_sum one = { 1, ev->len };

    if (ev->kind == PT_STREAM_HOLE && ev->len && ev->reason == PT_LOST_TRUNCATED)
        add(&l->cut, &one);
    else if (ev->kind == PT_STREAM_HOLE && ev->len)
        take_hole(l, cluster, ev);
    else if (ev->kind == PT_STREAM_CLOSE && ev->one_way)
        take_one_way(l, cluster, ev);
}

static void add_slices(struct pt_loss *l, const struct pt_loss *other)
{
    int64_t width = 1ll << other->slice_shift;

    if (!other->slice_cnt)
        return;
    while (l->slice_shift < other->slice_shift)
        widen(l);
    cover(l, other->slice_from * width, (other->slice_from + other->slice_cnt) * width - 1);
    for (uint32_t i = 0; i < other->slice_cnt; i++) {
        int64_t at = (other->slice_from + i) >> (l->slice_shift - other->slice_shift);

        for (int c = 0; c <= PT_CLUSTER_CNT; c++)
            add(&l->slice[at - l->slice_from][c], &other->slice[i][c]);
    }
}

void pt_loss_add(struct pt_loss *l, const struct pt_loss *other)
{
    add(&l->lost, &other->lost);
    add(&l->cut, &other->cut);
    for (size_t i = 0; i < PT_LOSS_SIZE_CNT; i++)
        add(&l->size[i], &other->size[i]);
    for (size_t i = 0; i <= PT_CLUSTER_CNT; i++) {
        add(&l->cluster[i].lost, &other->cluster[i].lost);
        l->cluster[i].connections += other->cluster[i].connections;
        l->cluster[i].one_way += other->cluster[i].one_way;
        l->cluster[i].one_way_bytes += other->cluster[i].one_way_bytes;
    }
    for (size_t i = 0; i < PT_INPUT_MAX; i++) {
        add(&l->tap[i].lost, &other->tap[i].lost);
        l->tap[i].copies += other->tap[i].copies;
        l->tap[i].copied_bytes += other->tap[i].copied_bytes;
    }
    for (uint32_t i = 0; i < other->worst.conn_cnt; i++)
        offer(&l->worst, &other->worst.conn[i]);
    for (uint32_t i = 0; i < other->one_way.conn_cnt; i++)
        offer(&l->one_way, &other->one_way.conn[i]);
    for (uint32_t i = 0; i < other->moment_cnt; i++)
        add_moment(l, &other->moment[i]);
    add_slices(l, other);
    if (other->any) {
        pt_loss_segment(l, other->from_ns);
        pt_loss_segment(l, other->to_ns);
    }
}

static int by_badness(const void *x, const void *y)
{
    return is_worse(x, y) ? -1 : 1;
}

void pt_loss_end(struct pt_loss *l)
{
    if (l->any)
        cover(l, unit_of(l->from_ns), unit_of(l->to_ns));
    qsort(l->worst.conn, l->worst.conn_cnt, sizeof(l->worst.conn[0]), by_badness);
    qsort(l->one_way.conn, l->one_way.conn_cnt, sizeof(l->one_way.conn[0]), by_badness);
}

/* part is at least `percent` of whole. */
static bool is_share(uint64_t part, uint64_t whole, unsigned percent)
{
    return part && (double)part * 100 >= (double)whole * percent;
}

/* In how many moments something was lost; of more than were kept, their hashes tell. */
static double moments_of(const struct pt_loss *l)
{
    if (l->moment_cnt < PT_LOSS_MOMENT_CNT)
        return l->moment_cnt;
    return PT_LOSS_MOMENT_CNT * 0x1p64 / ((double)l->moment[PT_LOSS_MOMENT_CNT - 1].hash + 1);
}

/* The holes lie in far fewer moments than they would by chance, or many of them are of more than
 * one segment. (On a fast link each moment has holes of several connections, whatever the tap
 * does.)
 */
static bool is_in_bursts(const struct pt_loss *l)
{
    double all = ((double)l->to_ns - (double)l->from_ns) / PT_LOSS_MOMENT_NS + 1;
    double holes = (double)l->lost.holes;
    double by_chance = all * holes / (all + holes); /* it is a bit more */

    return moments_of(l) * 100 <= by_chance * BURSTS_PERCENT ||
           is_share(l->lost.holes - l->size[PT_LOSS_ONE].holes, l->lost.holes, LONG_PERCENT);
}

unsigned pt_loss_signs(const struct pt_loss *l, const struct pt_packet_stats *packets,
                       const struct pt_stream_stats *streams)
{
    uint64_t connections = 0;
    uint64_t one_way = 0;
    uint64_t sampled;
    uint64_t shared;
    uint64_t worst = 0;
    unsigned signs = 0;

    for (size_t i = 0; i <= PT_CLUSTER_CNT; i++) {
        connections += l->cluster[i].connections;
        one_way += l->cluster[i].one_way;
    }
    for (uint32_t i = 0; i < l->worst.conn_cnt; i++) {
        uint64_t bytes = l->worst.conn[i].bytes[0] + l->worst.conn[i].bytes[1];

        worst = bytes > worst ? bytes : worst;
    }
    pt_loss_shared(l, &sampled, &shared);
    if (packets->cut_bytes || l->cut.holes)
        signs |= 1u << PT_LOSS_SIGN_SNAP_LENGTH;
    if (is_share(one_way, streams->flows - streams->flows_empty, ONE_WAY_PERCENT))
        signs |= 1u << PT_LOSS_SIGN_ONE_DIRECTION;
    if (connections >= SHARED_CONNECTIONS && is_share(shared, sampled, SHARED_PERCENT) &&
        is_in_bursts(l))
        signs |= 1u << PT_LOSS_SIGN_TAP_OVERLOADED;
    else if (l->lost.holes >= ALONE_HOLES && is_share(worst, l->lost.bytes, ALONE_PERCENT))
        signs |= 1u << PT_LOSS_SIGN_ONE_CONNECTION;
    else if (l->lost.holes)
        signs |= 1u << PT_LOSS_SIGN_SCATTERED;
    if (is_share(streams->segments_copies, streams->segments, COPIES_PERCENT))
        signs |= 1u << PT_LOSS_SIGN_MIRRORED_TWICE;
    return signs;
}
