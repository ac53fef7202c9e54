/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/two_logs.h"

#include <string.h>

#include "verify/align.h"

#define REPLAY_MAX 2000u
#define MOVE_MAX 200u
#define HELD_MAX 64u

/* Where contents repeat, a difference may be told anywhere among equal ones, and two that are close
 * together may be explained in other ways. */
#define NEAR_REPEATED 64u
#define NEAR_NAMED 1u

uint32_t two_rng_below(struct two_rng *r, uint32_t below)
{
    uint64_t z = r->state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (uint32_t)(((z ^ z >> 31) >> 32) * below >> 32);
}

static bool happens(struct two_rng *rng, uint32_t ppm)
{
    return two_rng_below(rng, 1000000) < ppm;
}

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 33) * 0xff51afd7ed558ccdu;
    z = (z ^ z >> 33) * 0xc4ceb9fe1a85ec53u;
    return z ^ z >> 33;
}

static void set_content(struct two_record *r)
{
    r->content = mix(((uint64_t)r->key << 32 | r->value) ^ mix(r->headers));
}

bool two_logs_named(const struct two_logs *l)
{
    return l->cfg.contents == TWO_UNIQUE || l->cfg.times == TWO_TIMES_OWN;
}

static uint32_t value_of(const struct two_logs_cfg *cfg, uint32_t i, struct two_rng *rng,
                         uint32_t before)
{
    switch (cfg->contents) {
    case TWO_FEW:
        return 1 + two_rng_below(rng, cfg->values);
    case TWO_MIXED:
        return two_rng_below(rng, 2) ? 1 + two_rng_below(rng, 16) : 1000 + i;
    case TWO_RUNS:
        return before && two_rng_below(rng, 20) ? before : 1 + two_rng_below(rng, 1000000);
    case TWO_ONE:
        return 1;
    case TWO_PERIODIC:
        return 1 + i % cfg->values;
    default:
        return 1000 + i;
    }
}

static void make_source(struct two_logs *l, struct two_rng *rng)
{
    const struct two_logs_cfg *cfg = &l->cfg;
    uint32_t value = 0;
    int64_t ms = 1700000000000;

    for (uint32_t i = 0; i < cfg->len; i++) {
        struct two_record *r = &l->rec[0][i];

        if (happens(rng, cfg->markers_ppm)) {
            *r = (struct two_record){ .control = true, .origin = TWO_LOGS_NONE };
            continue;
        }
        value = value_of(cfg, i, rng, value);
        if (cfg->times == TWO_TIMES_OWN ||
            (cfg->times != TWO_TIMES_EQUAL && !two_rng_below(rng, 20)))
            ms++;
        *r = (struct two_record){ .timestamp_ms = ms,
                                  /* Of one value always the same key, or it would be another
                                   * record. */
                                  .key = cfg->keys ? 1 + (uint32_t)mix(value) % cfg->keys : 0,
                                  .value = value,
                                  .headers = 1,
                                  .origin = i };
        set_content(r);
    }
    l->cnt[0] = cfg->len;
}

static bool put(struct two_logs *l, struct two_record r, struct two_rng *rng)
{
    if (happens(rng, l->cfg.markers_ppm) && l->cnt[1] < TWO_LOGS_MAX)
        l->rec[1][l->cnt[1]++] = (struct two_record){ .control = true, .origin = TWO_LOGS_NONE };
    if (l->cnt[1] == TWO_LOGS_MAX)
        return false;
    l->rec[1][l->cnt[1]++] = r;
    return true;
}

static void note(struct two_logs *l, enum two_fault_kind kind, uint32_t s_at, uint32_t s_end,
                 uint32_t t_at, uint32_t t_end)
{
    if (l->fault_cnt < TWO_LOGS_FAULTS_MAX)
        l->fault[l->fault_cnt++] = (struct two_fault){ kind, { s_at, t_at }, { s_end, t_end } };
}

static void mutate(const struct two_logs *l, struct two_record *r, struct two_rng *rng)
{
    static const uint32_t parts[] = { PT_PART_VALUE, PT_PART_VALUE, PT_PART_KEY, PT_PART_HEADERS,
                                      PT_PART_TIMESTAMP };
    uint32_t part = parts[two_rng_below(rng, 5)];

    if (part == PT_PART_TIMESTAMP && l->cfg.times == TWO_TIMES_APPEND)
        part = PT_PART_VALUE;
    r->changed = part;
    if (part == PT_PART_VALUE)
        r->value ^= 0x40000000u;
    else if (part == PT_PART_KEY)
        r->key += 0x20000000u;
    else if (part == PT_PART_HEADERS)
        r->headers += 2;
    else
        r->timestamp_ms += 500000000;
    set_content(r);
}

static struct two_record injected(const struct two_logs *l, uint32_t i, struct two_rng *rng)
{
    struct two_record r = l->rec[0][i];

    r.origin = TWO_LOGS_NONE;
    r.value = 0x20000000u + two_rng_below(rng, 0x10000000u);
    r.key = l->cfg.keys ? 1 + two_rng_below(rng, l->cfg.keys) : 0;
    set_content(&r);
    return r;
}

static void replay(struct two_logs *l, struct two_rng *rng, uint32_t s_at)
{
    bool rare = l->cfg.faults_ppm <= 1000;
    uint32_t back = 1 + two_rng_below(rng, two_rng_below(rng, 8) || !rare ? 100 : REPLAY_MAX);
    uint32_t end = l->cnt[1];
    uint32_t from = back < end ? end - back : 0;

    for (uint32_t k = from; k < end; k++)
        if (!l->rec[1][k].control && !put(l, l->rec[1][k], rng))
            break;
    if (l->cnt[1] > end)
        note(l, TWO_REPLAY, s_at > end - from ? s_at - (end - from) : 0, s_at, from, l->cnt[1]);
}

/* Records that come later than they should. */
struct held {
    struct two_record rec[HELD_MAX];
    uint32_t due[HELD_MAX];
    uint32_t left_at[HELD_MAX]; /* target index where it should stand */
    enum two_fault_kind kind[HELD_MAX];
    uint32_t cnt;
};

static void hold(struct two_logs *l, struct held *h, uint32_t i, enum two_fault_kind kind,
                 struct two_rng *rng)
{
    h->rec[h->cnt] = l->rec[0][i];
    h->due[h->cnt] = i + (kind == TWO_SWAP ? 2 : 2 + two_rng_below(rng, MOVE_MAX));
    h->left_at[h->cnt] = l->cnt[1];
    h->kind[h->cnt++] = kind;
}

static void release(struct two_logs *l, struct held *h, uint32_t i, struct two_rng *rng)
{
    for (uint32_t k = 0; k < h->cnt;) {
        if (h->due[k] > i) {
            k++;
            continue;
        }
        if (put(l, h->rec[k], rng))
            note(l, h->kind[k], h->rec[k].origin, i, h->left_at[k], l->cnt[1]);
        h->cnt--;
        h->rec[k] = h->rec[h->cnt];
        h->due[k] = h->due[h->cnt];
        h->left_at[k] = h->left_at[h->cnt];
        h->kind[k] = h->kind[h->cnt];
    }
}

/* Returns the index of the source record to go on with. */
static uint32_t fault(struct two_logs *l, uint32_t i, struct held *h, struct two_rng *rng)
{
    enum two_fault_kind kind = (enum two_fault_kind)two_rng_below(rng, TWO_FAULT_KIND_CNT);
    struct two_record r = l->rec[0][i];
    uint32_t at = l->cnt[1];
    uint32_t run = two_rng_below(rng, 4) ? 1 : 1 + two_rng_below(rng, 40);

    if ((kind == TWO_SWAP || kind == TWO_MOVE) && (h->cnt == HELD_MAX || i + 300 > l->cnt[0]))
        kind = TWO_DROP;
    switch (kind) {
    case TWO_DROP:
        run = run < l->cnt[0] - i ? run : l->cnt[0] - i;
        note(l, kind, i, i + run, at, at);
        return i + run;
    case TWO_MUTATE:
        mutate(l, &r, rng);
        put(l, r, rng);
        break;
    case TWO_EXTRA:
        while (run--)
            put(l, injected(l, i, rng), rng);
        note(l, kind, i, i, at, l->cnt[1]);
        return i;
    case TWO_DOUBLE:
        put(l, r, rng);
        put(l, r, rng);
        break;
    case TWO_REPLAY:
        put(l, r, rng);
        replay(l, rng, i + 1);
        return i + 1;
    case TWO_SWAP:
    case TWO_MOVE:
        hold(l, h, i, kind, rng);
        return i + 1;
    default:
        r = injected(l, i, rng);
        r.timestamp_ms += 700000000;
        r.key = l->cfg.keys ? r.key + 0x10000000u : 0;
        set_content(&r);
        put(l, r, rng);
        break;
    }
    note(l, kind, i, i + 1, at, l->cnt[1]);
    return i + 1;
}

static void make_target(struct two_logs *l, struct two_rng *rng)
{
    struct held held = { .cnt = 0 };

    for (uint32_t i = 0; i < l->cnt[0];) {
        uint32_t next = i + 1;

        release(l, &held, i, rng);
        if (l->rec[0][i].control) {
            i = next;
            continue;
        }
        if (happens(rng, l->cfg.faults_ppm))
            next = fault(l, i, &held, rng);
        else
            put(l, l->rec[0][i], rng);
        /* Behind injected records the one that stood there follows. */
        if (next == i) {
            put(l, l->rec[0][i], rng);
            next = i + 1;
        }
        i = next;
    }
    release(l, &held, UINT32_MAX, rng);
}

/* The end of the run of equal records that i stands in, one way or the other; markers lie in it,
 * but do not join two runs. */
static uint32_t run_end(const struct two_logs *l, int side, uint32_t i, int step)
{
    const struct two_record *rec = l->rec[side];
    int64_t at = i;
    uint32_t end = i;

    while (at >= 0 && at < l->cnt[side] && rec[at].control)
        at -= step;
    if (at < 0 || at >= l->cnt[side])
        return i;
    for (int64_t k = i; k >= 0 && k < l->cnt[side]; k += step) {
        if (rec[k].control)
            continue;
        if (rec[k].content != rec[at].content)
            break;
        end = (uint32_t)k;
    }
    return end;
}

static void mark(struct two_logs *l, int side, uint32_t from, uint32_t to, uint8_t bits,
                 uint32_t margin)
{
    from = from > margin ? from - margin : 0;
    to = to + margin < l->cnt[side] ? to + margin : l->cnt[side];
    if (!two_logs_named(l)) {
        from = from < l->cnt[side] ? run_end(l, side, from, -1) : from;
        to = to > 0 ? run_end(l, side, to - 1, 1) + 1 : to;
    }
    for (uint32_t i = from; i < to; i++)
        l->rec[side][i].near |= bits;
}

/* Of two faults that touch, what is left over is compared as one. */
static void mark_joined(struct two_logs *l, const struct two_fault *e, uint8_t bits)
{
    for (int side = 0; side < 2; side++)
        mark(l, side, e->at[side], e->end[side], bits, 1);
}

static void mark_all(struct two_logs *l)
{
    uint32_t margin = two_logs_named(l) ? NEAR_NAMED : NEAR_REPEATED;

    memset(l->copies, 0, sizeof(l->copies));
    for (uint32_t j = 0; j < l->cnt[1]; j++)
        if (l->rec[1][j].origin != TWO_LOGS_NONE && !l->rec[1][j].changed)
            l->copies[l->rec[1][j].origin]++;
    for (uint32_t f = 0; f < l->fault_cnt; f++) {
        const struct two_fault *e = &l->fault[f];
        uint8_t bit = (uint8_t)(1u << e->kind);
        /* Equal sequences of that many more records have as many answers over as wide a stretch. */
        const struct two_fault *next = f + 1 < l->fault_cnt ? e + 1 : NULL;
        uint32_t more = two_logs_named(l) ? 0 : e->end[1] - e->at[1] + e->end[0] - e->at[0];

        for (int side = 0; side < 2; side++) {
            if (e->kind == TWO_MOVE && two_logs_named(l)) {
                mark(l, side, e->at[side], e->at[side] + 1, bit, 1);
                mark(l, side, e->end[side] - 1, e->end[side], bit, 1);
            } else {
                mark(l, side, e->at[side], e->end[side], bit, margin + more);
            }
        }
        if (next && next->at[0] <= e->end[0] + 1 && next->at[1] <= e->end[1] + 1 &&
            e->kind != TWO_MOVE && next->kind != TWO_MOVE) {
            mark_joined(l, e, (uint8_t)(1u << next->kind));
            mark_joined(l, next, bit);
        }
    }
}

void two_logs_make(struct two_logs *l, const struct two_logs_cfg *cfg, struct two_rng *rng)
{
    l->cfg = *cfg;
    l->cnt[0] = l->cnt[1] = 0;
    l->fault_cnt = 0;
    make_source(l, rng);
    make_target(l, rng);
    mark_all(l);
}
