/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every segment leaves up to three rows: the stream position where its bytes end, the one that it
 * acknowledges, and the packet itself. Sorted, what belongs together is side by side:
 *
 *   position of a direction:  bytes in input 1 at t1, acknowledged in input 2 at t2
 *   packet:                   in input 1 at t1, in input 2 at t2
 *
 * and each such pair is a sample of the difference of two inputs. Samples make edges between
 * inputs, and edges a tree from each input whose clock is taken as right.
 */
#include "dataplane/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

/* Clocks that are further apart than ten years were never set, and times that are further from 1970
 * than that of any capture: neither tells anything. */
#define APART_MAX_NS 315360000000000000ll
#define TIME_MAX_NS (INT64_MAX / 2)

enum row_kind { ROW_DATA, ROW_ACK, ROW_PACKET };

struct row {
    uint64_t key; /* direction, or packet */
    int64_t time_ns;
    uint32_t pos;
    uint16_t input;
    uint16_t kind;
};

enum sample_kind { SAMPLE_CAUSE, SAMPLE_COPY };

/* clock of `to` - clock of `from`: at least value, or (copy, from < to) about that. */
struct sample {
    uint16_t from;
    uint16_t to;
    uint16_t kind;
    int64_t value;
};

/* What is known of the offset of b minus that of a; a < b. */
struct edge {
    uint32_t a;
    uint32_t b;
    uint64_t pairs;
    int64_t low;
    int64_t high;
};

struct pt_clocks {
    uint32_t input_cnt;
    uint32_t row_cnt;
    unsigned shift; /* of the positions and packets one in 2^shift is kept */
    struct row *row;
    struct sample *sample;
    uint32_t sample_cnt;
};

int pt_clocks_open(uint32_t input_cnt, struct pt_clocks **ret_c)
{
    struct pt_clocks *c = calloc(1, sizeof(*c));

    if (!c)
        return -ENOMEM;
    c->input_cnt = input_cnt;
    c->row = malloc(PT_CLOCK_ROW_MAX * sizeof(*c->row));
    c->sample = malloc(PT_CLOCK_ROW_MAX * sizeof(*c->sample));
    if (!c->row || !c->sample) {
        pt_clocks_close(c);
        return -ENOMEM;
    }
    *ret_c = c;
    return 0;
}

void pt_clocks_close(struct pt_clocks *c)
{
    if (!c)
        return;
    free(c->row);
    free(c->sample);
    free(c);
}

/* The same choice in every input. */
static bool is_kept(const struct pt_clocks *c, uint64_t key, uint32_t pos)
{
    uint64_t h = (key ^ pos * 0x9e3779b97f4a7c15u) * 0xbf58476d1ce4e5b9u;

    return !(h >> 32 & ((1u << c->shift) - 1));
}

static void thin_out(struct pt_clocks *c)
{
    uint32_t cnt = 0;

    c->shift++;
    for (uint32_t i = 0; i < c->row_cnt; i++)
        if (is_kept(c, c->row[i].key, c->row[i].pos))
            c->row[cnt++] = c->row[i];
    c->row_cnt = cnt;
}

static void add_row(struct pt_clocks *c, const struct row *row)
{
    while (c->row_cnt == PT_CLOCK_ROW_MAX && c->shift < 31)
        thin_out(c);
    if (c->row_cnt < PT_CLOCK_ROW_MAX && is_kept(c, row->key, row->pos))
        c->row[c->row_cnt++] = *row;
}

static uint64_t direction_key(const struct pt_endpoint *src, const struct pt_endpoint *dst)
{
    return XXH3_64bits_withSeed(dst, sizeof(*dst), XXH3_64bits(src, sizeof(*src)));
}

static uint64_t packet_key(const struct pt_segment *seg, uint64_t direction)
{
    const uint64_t fields[3] = {
        (uint64_t)seg->seq << 32 | ((seg->flags & PT_TCP_ACK) ? seg->ack : 0),
        (uint64_t)(seg->pay_len + seg->pay_missing) << 32 | (uint64_t)seg->ip_id << 16 | seg->flags,
        direction,
    };

    return XXH3_64bits(fields, sizeof(fields));
}

void pt_clocks_segment(struct pt_clocks *c, uint32_t input, int64_t time_ns,
                       const struct pt_segment *seg)
{
    uint64_t direction = direction_key(&seg->src, &seg->dst);
    uint32_t len = seg->pay_len + seg->pay_missing + !!(seg->flags & PT_TCP_SYN) +
                   !!(seg->flags & PT_TCP_FIN);
    struct row row = { .key = direction, .time_ns = time_ns, .input = (uint16_t)input };

    if (seg->flags & PT_TCP_RST || time_ns > TIME_MAX_NS || time_ns < -TIME_MAX_NS)
        return;
    if (len) {
        row.kind = ROW_DATA;
        row.pos = seg->seq + len;
        add_row(c, &row);
    }
    if (seg->flags & PT_TCP_ACK) {
        row.kind = ROW_ACK;
        row.key = direction_key(&seg->dst, &seg->src);
        row.pos = seg->ack;
        add_row(c, &row);
    }
    if (seg->ip_id) { /* else the same bytes sent again would be the same packet */
        row.kind = ROW_PACKET;
        row.key = packet_key(seg, direction);
        row.pos = 0;
        add_row(c, &row);
    }
}

void pt_clocks_read(struct pt_clocks *c, uint32_t input, const char *path, uint64_t packet_max)
{
    struct pt_capture *cap;
    struct pt_segment seg;
    struct pt_wrap wrap;
    struct pt_frame f;
    const char *err;

    if (pt_capture_open(path, &cap, &err))
        return;
    for (uint64_t i = 0; i < packet_max && pt_capture_next(cap, &f) == 1; i++)
        if (pt_packet_decode(&f, &seg, &wrap) == PT_PACKET_TCP)
            pt_clocks_segment(c, input, f.time_ns, &seg);
    pt_capture_close(cap);
}

#define ORDER(field)                                                                               \
    if (x->field != y->field)                                                                      \
    return x->field < y->field ? -1 : 1

static int by_row(const void *a, const void *b)
{
    const struct row *x = a;
    const struct row *y = b;

    ORDER(key);
    ORDER(pos);
    ORDER(kind);
    ORDER(input);
    ORDER(time_ns);
    return 0;
}

static int by_sample(const void *a, const void *b)
{
    const struct sample *x = a;
    const struct sample *y = b;
    uint32_t x_low = x->from < x->to ? x->from : x->to;
    uint32_t y_low = y->from < y->to ? y->from : y->to;

    if (x_low != y_low)
        return x_low < y_low ? -1 : 1;
    if (x->from + x->to != y->from + y->to)
        return x->from + x->to < y->from + y->to ? -1 : 1;
    ORDER(kind);
    ORDER(from);
    ORDER(value);
    return 0;
}

static void add_sample(struct pt_clocks *c, enum sample_kind kind, const struct row *from,
                       const struct row *to)
{
    int64_t value = from->time_ns - to->time_ns;

    if (from->input != to->input && value <= APART_MAX_NS && value >= -APART_MAX_NS)
        c->sample[c->sample_cnt++] = (struct sample){
            .from = from->input, .to = to->input, .kind = (uint16_t)kind, .value = value
        };
}

/* Rows [i, end) have the same key, position and kind: there are some, all of one input, the
 * earliest first. */
static bool is_one_input(const struct pt_clocks *c, uint32_t i, uint32_t end)
{
    return i < end && c->row[i].input == c->row[end - 1].input;
}

/* One position, or one packet (which a mirror may have copied within its file): rows [i, end). What
 * was seen in more than two files is left alone. */
static void make_samples(struct pt_clocks *c, uint32_t i, uint32_t end)
{
    const struct row *row = c->row;
    bool is_packet = row[i].kind == ROW_PACKET;
    uint32_t second = i;

    while (second < end &&
           (is_packet ? row[second].input == row[i].input : row[second].kind == ROW_DATA))
        second++;
    if (is_one_input(c, i, second) && is_one_input(c, second, end))
        add_sample(c, is_packet ? SAMPLE_COPY : SAMPLE_CAUSE, &row[i], &row[second]);
}

/* Bounds by samples [i, end) of one kind and direction, sorted by value. */
static void take_samples(const struct pt_clocks *c, uint32_t i, uint32_t end, struct edge *e)
{
    const struct sample *s = &c->sample[i];
    uint32_t cnt = end - i;
    uint32_t aside = 1 + cnt / 16;

    if (cnt < PT_CLOCK_PAIRS_MIN)
        return;
    if (s->kind == SAMPLE_COPY) {
        e->low = s[aside].value;
        e->high = s[cnt - 1 - aside].value;
        e->pairs = cnt;
    } else if (s->from < s->to) {
        e->low = s[cnt - 1 - aside].value;
        e->pairs += cnt;
    } else {
        e->high = -s[cnt - 1 - aside].value;
        e->pairs += cnt;
    }
}

/* The edge that samples from *at on make; *at moves behind them. Copies, which come last, say more
 * than causes. */
static struct edge next_edge(const struct pt_clocks *c, uint32_t *at)
{
    const struct sample *s = &c->sample[*at];
    uint32_t sum = (uint32_t)s->from + s->to;
    struct edge e = { .a = s->from < s->to ? s->from : s->to, .low = INT64_MIN, .high = INT64_MAX };

    e.b = sum - e.a;
    while (*at < c->sample_cnt) {
        uint32_t i = *at;

        s = &c->sample[i];
        if (s->from + s->to != (int)sum || (s->from != e.a && s->to != e.a))
            break;
        while (*at < c->sample_cnt && c->sample[*at].from == s->from &&
               c->sample[*at].to == s->to && c->sample[*at].kind == s->kind)
            ++*at;
        take_samples(c, i, *at, &e);
    }
    return e;
}

/* What becomes too large is no bound. */
static int64_t plus(int64_t bound, int64_t offset)
{
    int64_t sum;

    if (bound == INT64_MIN || bound == INT64_MAX)
        return bound;
    if (__builtin_add_overflow(bound, offset, &sum))
        return offset < 0 ? INT64_MIN : INT64_MAX;
    return sum;
}

/* Moves the clock of `to`, of which the bounds are known, if it must be moved. */
static void set_clock(struct pt_clock *to, uint32_t against, uint64_t pairs, int64_t low,
                      int64_t high)
{
    if (low <= PT_CLOCK_SLACK_NS && high >= -PT_CLOCK_SLACK_NS)
        return;
    *to = (struct pt_clock){
        .how = PT_CLOCK_ESTIMATED,
        .offset_ns = low == INT64_MIN    ? high
                     : high == INT64_MAX ? low
                                         : low / 2 + high / 2 + (low % 2 + high % 2) / 2,
        .against = against,
        .pairs = pairs,
        .low_ns = low,
        .high_ns = high,
    };
}

/* The edge with the most pairs between what is in the tree and what is not. */
static const struct edge *next_in_tree(const struct edge *edge, uint32_t edge_cnt,
                                       const bool *in_tree)
{
    const struct edge *best = NULL;

    for (uint32_t i = 0; i < edge_cnt; i++)
        if (edge[i].pairs && in_tree[edge[i].a] != in_tree[edge[i].b] &&
            (!best || edge[i].pairs > best->pairs))
            best = &edge[i];
    return best;
}

static void grow_tree(const struct edge *edge, uint32_t edge_cnt, bool *in_tree,
                      struct pt_clock *clock)
{
    const struct edge *e;

    while ((e = next_in_tree(edge, edge_cnt, in_tree))) {
        if (in_tree[e->a]) {
            int64_t from = clock[e->a].offset_ns;

            set_clock(&clock[e->b], e->a, e->pairs, plus(e->low, from), plus(e->high, from));
        } else {
            int64_t from = clock[e->b].offset_ns;
            int64_t low = e->high == INT64_MAX ? INT64_MIN : plus(-e->high, from);
            int64_t high = e->low == INT64_MIN ? INT64_MAX : plus(-e->low, from);

            set_clock(&clock[e->a], e->b, e->pairs, low, high);
        }
        in_tree[e->a] = in_tree[e->b] = true;
    }
}

void pt_clocks_solve(struct pt_clocks *c, struct pt_clock *clock)
{
    bool *in_tree = calloc(c->input_cnt + 1, sizeof(*in_tree));
    struct edge *edge = NULL;
    uint32_t edge_cnt = 0;
    uint32_t next;

    qsort(c->row, c->row_cnt, sizeof(*c->row), by_row);
    for (uint32_t i = 0; i < c->row_cnt; i = next) {
        for (next = i; next < c->row_cnt && c->row[next].key == c->row[i].key &&
                       c->row[next].pos == c->row[i].pos;)
            next++;
        make_samples(c, i, next);
    }
    qsort(c->sample, c->sample_cnt, sizeof(*c->sample), by_sample);
    for (uint32_t at = 0; at < c->sample_cnt; edge_cnt++)
        (void)next_edge(c, &at);
    edge = calloc(edge_cnt + 1, sizeof(*edge));
    if (!in_tree || !edge)
        goto out; /* then files count as recorded */
    edge_cnt = 0;
    for (uint32_t at = 0; at < c->sample_cnt;)
        edge[edge_cnt++] = next_edge(c, &at);
    for (uint32_t i = 0; i < c->input_cnt; i++)
        in_tree[i] = clock[i].how == PT_CLOCK_GIVEN;
    grow_tree(edge, edge_cnt, in_tree, clock);
    for (uint32_t i = 0; i < c->input_cnt; i++) {
        in_tree[i] = true;
        grow_tree(edge, edge_cnt, in_tree, clock);
    }
out:
    free(edge);
    free(in_tree);
}
