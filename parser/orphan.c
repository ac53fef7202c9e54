/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/orphan.h"

#include "parser/head.h"
#include "parser/topics.h"

#define PARTITION_MAX 1000000
#define ERROR_MAX 1000

/* The first versions of each layout; of Metadata those that give topics their ids, but for 11: what
 * that can say, 12 says in the same bytes. */
static const int16_t FETCH[] = { 0, 1, 4, 5, 7, 11, 12, PT_ORPHAN_FETCH_MAX };
static const int16_t METADATA[] = { 10, 12, 13 };

/* What is looked for, and what of it was found. */
struct look {
    struct pt_batch_reader *reader;
    int16_t api_key;
    uint16_t port;
    bool in_partition;
    int64_t error_code; /* of the topic */
    int64_t batches;
    int64_t ids;
    int64_t ports; /* brokers with this one */
};

/* begin puts a walk behind the header; PT_OK, or what a walk would say. */
static enum pt_status begin(const struct pt_layout *layout, struct pt_view v, uint32_t size,
                            struct pt_walk *w, struct pt_cursor *ret_c, uint32_t *ret_head_sz)
{
    uint32_t needed;
    enum pt_status st = pt_head_response(v, size, layout, ret_head_sz, &needed);

    if (st != PT_OK)
        return st;
    *ret_c = pt_cur(v.data + *ret_head_sz, v.len - *ret_head_sz);
    pt_walk_begin(w, layout, size - *ret_head_sz);
    return PT_OK;
}

bool pt_orphan_plausible(const struct pt_walk_event *ev)
{
    static const uint8_t none[16];

    switch (ev->field) {
    case PT_F_TOPIC:
        return pt_topic_name_is_lawful(ev->view);
    case PT_F_TOPIC_ID:
        return ev->view.len == sizeof(none) && memcmp(ev->view.data, none, sizeof(none));
    case PT_F_PARTITION_INDEX:
        return ev->i64 >= 0 && ev->i64 < PARTITION_MAX;
    case PT_F_ERROR_CODE:
        return ev->i64 >= -1 && ev->i64 < ERROR_MAX;
    case PT_F_HIGH_WATERMARK:
    case PT_F_LAST_STABLE_OFFSET:
    case PT_F_LOG_START_OFFSET:
    case PT_F_PREFERRED_READ_REPLICA:
        return ev->i64 >= -1;
    case PT_F_THROTTLE_TIME_MS:
        return ev->i64 >= 0;
    default:
        return true;
    }
}

/* count_batches returns how many entries there are, each of them right, but for a last one that is
 * cut off; -1: this is no records field. */
static int64_t count_batches(struct pt_batch_reader *reader, struct pt_view v)
{
    struct pt_cursor c = pt_cur(v.data, v.len);
    int64_t cnt = 0;

    while (pt_cur_left(&c) >= PT_ENTRY_PREFIX_SZ) {
        const uint8_t *entry = c.at;
        struct pt_batch b;
        int64_t offset;
        uint32_t size = pt_entry_size(entry, &offset);

        if (size > pt_cur_left(&c))
            break;
        if (!size || !pt_cur_take(&c, size) || pt_batch_check(reader, entry, size, &b) != PT_OK ||
            offset < 0)
            return -1;
        cnt++;
    }
    return cnt;
}

/* metadata_value: false if a broker would not write that. Of a topic that it does not know it may
 * say anything. */
static bool metadata_value(struct look *k, const struct pt_walk_event *ev)
{
    switch (ev->field) {
    case PT_F_ERROR_CODE:
        if (!k->in_partition)
            k->error_code = ev->i64;
        return ev->i64 >= -1 && ev->i64 < ERROR_MAX;
    case PT_F_HOST:
        return ev->i64 > 0;
    case PT_F_PORT:
        k->ports += ev->i64 == k->port;
        return ev->i64 > 0 && ev->i64 <= UINT16_MAX;
    case PT_F_NAME:
        return k->error_code || pt_topic_name_is_lawful(ev->view);
    case PT_F_TOPIC_ID:
        k->ids += !k->error_code;
        return k->error_code || pt_orphan_plausible(ev);
    case PT_F_NODE_ID:
    case PT_F_REPLICA_NODES:
    case PT_F_ISR_NODES:
    case PT_F_OFFLINE_REPLICAS:
        return ev->i64 >= 0;
    case PT_F_CONTROLLER_ID:
    case PT_F_LEADER_ID:
    case PT_F_LEADER_EPOCH:
        return ev->i64 >= -1;
    default:
        return pt_orphan_plausible(ev);
    }
}

static bool is_plausible(struct look *k, const struct pt_walk_event *ev)
{
    if (k->api_key == PT_API_METADATA && ev->field == PT_F_PARTITIONS)
        k->in_partition = ev->kind == PT_WALK_STRUCT_BEGIN;
    if (ev->kind != PT_WALK_VALUE)
        return true;
    return k->api_key == PT_API_METADATA ? metadata_value(k, ev) : pt_orphan_plausible(ev);
}

static bool is_worth_it(const struct look *k)
{
    return k->api_key == PT_API_METADATA ? k->ids && k->ports : k->batches;
}

static enum pt_guess try_layout(struct look *k, struct pt_view v, uint32_t size,
                                struct pt_orphan *o)
{
    enum pt_guess not_here = v.len < size ? PT_GUESS_MORE : PT_GUESS_NO;
    struct pt_walk_event ev;
    struct pt_cursor c;
    struct pt_walk w;
    uint32_t needed;
    enum pt_status st = begin(o->layout, v, size, &w, &c, &o->head_sz);

    while (st == PT_OK && (st = pt_walk_next(&w, &c, &ev, &needed)) == PT_OK) {
        if (ev.kind == PT_WALK_END)
            return !w.body_left && is_worth_it(k) ? PT_GUESS_YES : PT_GUESS_NO;
        if (!is_plausible(k, &ev))
            return PT_GUESS_NO;
        if (ev.kind == PT_WALK_RECORDS && ev.i64 > 0) {
            int64_t cnt;

            if (pt_cur_left(&c) < (uint64_t)ev.i64)
                return not_here;
            cnt = count_batches(k->reader, (struct pt_view){ c.at, (size_t)ev.i64 });
            if (cnt < 0)
                return PT_GUESS_NO;
            k->batches += cnt;
        }
    }
    return st == PT_NEED_MORE ? not_here : PT_GUESS_NO;
}

static bool fits(const struct pt_layout *layout, struct pt_view v)
{
    struct pt_walk_event ev;
    struct pt_cursor c;
    struct pt_walk w;
    uint32_t head_sz;
    uint32_t needed;
    enum pt_status st = begin(layout, v, (uint32_t)v.len, &w, &c, &head_sz);

    while (st == PT_OK && (st = pt_walk_next(&w, &c, &ev, &needed)) == PT_OK)
        if (ev.kind == PT_WALK_END)
            return !w.body_left;
    return false;
}

/* fits_other tells whether it may be another response than one of this API from that version on. */
static bool fits_other(struct pt_view v, int16_t api_key, int16_t from)
{
    for (int16_t api = 0; api < PT_API_CNT; api++) {
        const struct pt_layout *before = NULL;

        for (int16_t version = 0; version <= pt_api_max_version(api); version++) {
            const struct pt_layout *l = pt_layout_find(api, PT_DIR_RESPONSE, version);

            if (api == api_key && version >= from)
                break;
            if (!(before && pt_layout_same(before, l)) && fits(l, v))
                return true;
            before = l;
        }
    }
    return false;
}

static enum pt_guess find(const struct look *what, const int16_t *version, size_t cnt,
                          struct pt_view v, uint32_t size, struct pt_orphan *ret)
{
    enum pt_guess found = PT_GUESS_NO;

    for (size_t i = 0; i < cnt; i++) {
        struct pt_orphan o = { .layout = pt_layout_find(what->api_key, PT_DIR_RESPONSE, version[i]),
                               .api_key = what->api_key,
                               .version = version[i] };
        struct look k = *what;
        enum pt_guess guess = try_layout(&k, v, size, &o);

        if (guess == PT_GUESS_NO)
            continue;
        if (guess == PT_GUESS_YES && found == PT_GUESS_YES)
            return PT_GUESS_NO;
        found = guess;
        *ret = o;
    }
    return found == PT_GUESS_YES && fits_other(v, what->api_key, version[0]) ? PT_GUESS_NO : found;
}

#define FIND(what, versions, v, size, ret)                                                         \
    find(what, versions, sizeof(versions) / sizeof(*(versions)), v, size, ret)

enum pt_guess pt_orphan_find(struct pt_batch_reader *reader, struct pt_view v, uint32_t size,
                             uint16_t port, struct pt_orphan *ret)
{
    const struct look fetch = { .reader = reader, .api_key = PT_API_FETCH };
    const struct look metadata = { .api_key = PT_API_METADATA, .port = port };
    enum pt_guess found;

    if (v.len > size)
        v.len = size;
    found = FIND(&fetch, FETCH, v, size, ret);
    return found == PT_GUESS_NO ? FIND(&metadata, METADATA, v, size, ret) : found;
}
