/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/registry.h"

#include <arpa/inet.h>
#include <fnmatch.h>
#include <string.h>

struct pt_registry *pt_registry_open(struct pt_mem *mem, uint64_t waiting_max_sz)
{
    struct pt_registry *r = pt_mem_zalloc(mem, sizeof(*r));

    if (!r)
        return NULL;
    r->mem = mem;
    r->wait_max_sz = waiting_max_sz;
    return r;
}

void pt_registry_give(struct pt_registry *r, const struct pt_given_id *given, size_t cnt)
{
    r->given = given;
    r->given_cnt = cnt;
}

static void free_text(struct pt_registry *r, char *s)
{
    if (s)
        pt_mem_free(r->mem, s, strlen(s) + 1);
}

static void free_name(struct pt_registry *r, struct pt_name *n)
{
    for (size_t i = 0; i < n->inc_cnt; i++) {
        struct pt_topic *t = n->inc[i];

        pt_mem_free(r->mem, t->part, t->part_cap * sizeof(*t->part));
        pt_mem_free(r->mem, t, sizeof(*t));
    }
    pt_mem_free(r->mem, n->inc, n->inc_cap * sizeof(struct pt_topic *));
    pt_mem_free(r->mem, n, sizeof(*n) + n->len + 1);
}

static size_t waiting_sz(const struct pt_waiting *w)
{
    return sizeof(*w) + w->obs_sz + w->rec_cnt * sizeof(struct pt_record);
}

void pt_registry_free_waiting(struct pt_registry *r, struct pt_waiting *w)
{
    pt_mem_free(r->mem, w, waiting_sz(w));
}

void pt_registry_close(struct pt_registry *r)
{
    for (struct pt_waiting *w = r->wait_head, *next; w; w = next) {
        next = w->all_next;
        pt_registry_free_waiting(r, w);
    }
    for (size_t i = 0; i < PT_REGISTRY_BUCKETS; i++) {
        for (struct pt_name *n = r->names[i], *next; n; n = next) {
            next = n->next;
            free_name(r, n);
        }
        for (struct pt_id *id = r->ids[i], *next; id; id = next) {
            next = id->next;
            pt_mem_free(r->mem, id, sizeof(*id));
        }
    }
    for (size_t i = 0; i < PT_LANE_MAX; i++)
        pt_mem_free(r->mem, r->lane[i].topic, r->lane[i].topic_cap * sizeof(struct pt_topic_ref));
    for (size_t c = 0; c < PT_CLUSTER_CNT; c++) {
        for (size_t i = 0; i < r->broker_cnt[c]; i++)
            for (uint32_t k = 0; k < r->broker[c][i].host_cnt; k++)
                free_text(r, r->broker[c][i].host[k]);
        pt_mem_free(r->mem, r->broker[c], r->broker_cnt[c] * sizeof(struct pt_broker));
        pt_mem_free(r->mem, r->served[c], r->served_cnt[c] * 16);
        free_text(r, r->cluster_id[c]);
    }
    pt_mem_free(r->mem, r, sizeof(*r));
}

/* FNV-1a. A client can name what it likes, so chains may grow; look-ups by lane number do not walk
 * them. */
static uint32_t bucket_of(uint8_t cluster, const void *data, size_t len)
{
    const uint8_t *p = data;
    uint32_t h = 2166136261u ^ cluster;

    for (size_t i = 0; i < len; i++)
        h = (h ^ p[i]) * 16777619u;
    return (h ^ h >> 16) % PT_REGISTRY_BUCKETS;
}

static char *copy_text(struct pt_registry *r, const char *text, size_t len)
{
    char *s;

    /* A zero byte would end it early: what lies behind one is not shown. */
    len = strnlen(text, len);
    s = pt_mem_alloc(r->mem, len + 1);
    if (s) {
        memcpy(s, text, len);
        s[len] = 0;
    }
    return s;
}

bool pt_topic_internal(const char *name)
{
    static const char *const patterns[] = {
        "__*",
        "heartbeats",
        "*.heartbeats",
        "*.checkpoints.internal",
        "mm2-*.internal",
        "connect-configs",
        "connect-offsets",
        "connect-status",
    };

    for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns); i++)
        if (!fnmatch(patterns[i], name, 0))
            return true;
    return false;
}

static struct pt_name *find_name(const struct pt_registry *r, uint8_t cluster, const char *name,
                                 size_t len)
{
    struct pt_name *n = r->names[bucket_of(cluster, name, len)];

    while (n && (n->cluster != cluster || n->len != len || memcmp(n->text, name, len)))
        n = n->next;
    return n;
}

struct pt_name *pt_registry_find(const struct pt_registry *r, uint8_t cluster, const char *name)
{
    return find_name(r, cluster, name, strlen(name));
}

static struct pt_name *make_name(struct pt_registry *r, uint8_t cluster, const char *name,
                                 size_t len)
{
    uint32_t b;
    struct pt_name *n;

    len = strnlen(name, len);
    n = find_name(r, cluster, name, len);
    if (n || !len)
        return n;
    n = pt_mem_zalloc(r->mem, sizeof(*n) + len + 1);
    if (!n)
        return NULL;
    b = bucket_of(cluster, name, len);
    n->cluster = cluster;
    n->len = (uint32_t)len;
    memcpy(n->text, name, len);
    n->internal = pt_topic_internal(n->text);
    n->next = r->names[b];
    r->names[b] = n;
    r->changed = true;
    return n;
}

static bool is_zero(const uint8_t id[16])
{
    static const uint8_t zero[16];

    return !memcmp(id, zero, 16);
}

struct pt_id *pt_registry_find_id(const struct pt_registry *r, uint8_t cluster,
                                  const uint8_t id[16])
{
    struct pt_id *i = r->ids[bucket_of(cluster, id, 16)];

    while (i && (i->cluster != cluster || memcmp(i->id, id, 16)))
        i = i->next;
    return i;
}

struct pt_id *pt_registry_id(struct pt_registry *r, uint8_t cluster, const uint8_t id[16])
{
    uint32_t b = bucket_of(cluster, id, 16);
    struct pt_id *i = pt_registry_find_id(r, cluster, id);

    if (i || is_zero(id))
        return i;
    i = pt_mem_zalloc(r->mem, sizeof(*i));
    if (!i)
        return NULL;
    i->cluster = cluster;
    memcpy(i->id, id, 16);
    i->next = r->ids[b];
    r->ids[b] = i;
    return i;
}

static struct pt_topic *new_incarnation(struct pt_registry *r, struct pt_name *n)
{
    struct pt_topic *t;

    if (n->inc_cnt == n->inc_cap) {
        size_t cap = n->inc_cap ? n->inc_cap * 2 : 1;
        struct pt_topic **inc =
                pt_mem_resize(r->mem, n->inc, n->inc_cap * sizeof(struct pt_topic *),
                              cap * sizeof(struct pt_topic *));

        if (!inc)
            return NULL;
        n->inc = inc;
        n->inc_cap = cap;
    }
    t = pt_mem_zalloc(r->mem, sizeof(*t));
    if (!t)
        return NULL;
    t->name = n;
    t->incarnation = (uint32_t)n->inc_cnt;
    t->matched_ns = INT64_MIN;
    t->alive = t->named = (struct pt_span){ INT64_MAX, INT64_MIN };
    n->inc[n->inc_cnt++] = t;
    r->changed = true;
    return t;
}

/* The incarnation that a name alone means at this time. */
static struct pt_topic *current(struct pt_registry *r, struct pt_name *n, int64_t now_ns)
{
    struct pt_topic *t = n->inc_cnt ? n->inc[n->inc_cnt - 1] : NULL;

    if (t && !(t->deleted && now_ns > t->deleted_ns + PT_DELETE_SETTLE_NS))
        return t;
    return new_incarnation(r, n);
}

int pt_given_order(const struct pt_given_id *a, const struct pt_given_id *b)
{
    if (a->cluster != b->cluster)
        return a->cluster < b->cluster ? -1 : 1;
    return memcmp(a->id, b->id, sizeof(a->id));
}

static const struct pt_given_id *given_of(const struct pt_registry *r, const struct pt_id *id)
{
    struct pt_given_id key = { .cluster = id->cluster };
    size_t lo = 0;
    size_t hi = r->given_cnt;

    memcpy(key.id, id->id, sizeof(key.id));
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        int order = pt_given_order(&r->given[mid], &key);

        if (!order)
            return &r->given[mid];
        if (order < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

static void extend(struct pt_span *span, int64_t now_ns)
{
    if (now_ns < span->first_ns)
        span->first_ns = now_ns;
    if (now_ns > span->last_ns)
        span->last_ns = now_ns;
}

static bool join(struct pt_registry *r, struct pt_name *n, struct pt_id *id, int64_t now_ns)
{
    struct pt_topic *t;

    if (id->topic)
        return true; /* known; a name cannot change */
    t = current(r, n, now_ns);
    if (t && t->has_id)
        t = new_incarnation(r, n);
    if (!t)
        return false;
    t->has_id = true;
    memcpy(t->id, id->id, 16);
    id->topic = t;
    r->changed = true;
    return true;
}

/* join_given names an id that comes into use as the operator does. */
static bool join_given(struct pt_registry *r, struct pt_id *id, int64_t now_ns)
{
    const struct pt_given_id *given = id->topic ? NULL : given_of(r, id);
    struct pt_name *n;

    if (!given)
        return true;
    n = make_name(r, id->cluster, given->topic, strlen(given->topic));
    if (!n || !join(r, n, id, now_ns))
        return false;
    id->named_by_given = true;
    return true;
}

/* join_stated: the cluster itself says that this is the name. */
static bool join_stated(struct pt_registry *r, struct pt_name *n, struct pt_id *id, int64_t now_ns)
{
    const struct pt_given_id *given = given_of(r, id);

    if (given && strcmp(given->topic, n->text))
        id->wrong = given;
    if (id->wrong && id->named_by_given) {
        id->topic->misnamed = true;
        id->topic->has_id = false;
        id->topic = NULL;
    }
    id->named_by_given = false;
    if (!join(r, n, id, now_ns))
        return false;
    extend(&id->topic->alive, now_ns);
    return true;
}

static struct pt_topic_ref *ref_of(struct pt_registry *r, uint32_t lane, uint32_t number)
{
    struct pt_lane_names *l = &r->lane[lane];

    if (number >= PT_LANE_NUMBER_MAX)
        return NULL;
    if (number >= l->topic_cap) {
        size_t cap = l->topic_cap ? l->topic_cap : 64;
        struct pt_topic_ref *t;

        while (cap <= number)
            cap *= 2;
        t = pt_mem_resize(r->mem, l->topic, l->topic_cap * sizeof(*t), cap * sizeof(*t));
        if (!t)
            return NULL;
        memset(t + l->topic_cap, 0, (cap - l->topic_cap) * sizeof(*t));
        l->topic = t;
        l->topic_cap = cap;
    }
    return &l->topic[number];
}

bool pt_registry_topic(struct pt_registry *r, uint32_t lane, const struct pt_obs_topic *o)
{
    struct pt_topic_ref *ref = ref_of(r, lane, o->head.topic);
    struct pt_name *n = NULL;
    struct pt_id *id = NULL;

    if (!ref)
        return false;
    if (o->name_len) {
        n = make_name(r, o->head.cluster, o->name, o->name_len);
        if (!n)
            return false;
    }
    if (!is_zero(o->id)) {
        id = pt_registry_id(r, o->head.cluster, o->id);
        if (!id || !(n ? join_stated(r, n, id, o->head.at.time_ns)
                       : join_given(r, id, o->head.at.time_ns)))
            return false;
    }
    *ref = id ? (struct pt_topic_ref){ .id = id } : (struct pt_topic_ref){ .name = n };
    return true;
}

bool pt_registry_topic_id(struct pt_registry *r, const struct pt_obs_topic_id *o)
{
    struct pt_name *n = make_name(r, o->head.cluster, o->name, o->name_len);
    struct pt_id *id;

    if (!n)
        return false;
    if (o->internal)
        n->internal = true;
    if (is_zero(o->id))
        return true;
    id = pt_registry_id(r, o->head.cluster, o->id);
    return id && join_stated(r, n, id, o->head.at.time_ns);
}

void pt_registry_deleted(struct pt_registry *r, const struct pt_obs_topic_id *o)
{
    const struct pt_id *id = pt_registry_id(r, o->head.cluster, o->id);
    const struct pt_name *n =
            is_zero(o->id) ? find_name(r, o->head.cluster, o->name, o->name_len) : NULL;
    struct pt_topic *t = id ? id->topic : n && n->inc_cnt ? n->inc[n->inc_cnt - 1] : NULL;

    if (!t || t->deleted)
        return;
    t->deleted = true;
    t->deleted_ns = o->head.at.time_ns;
}

/* Whether the broker itself has answered for the topic, so that there is one. */
static bool is_answer(const struct pt_obs *o)
{
    const void *m = o;

    switch (o->kind) {
    case PT_OBS_BATCH:
        return ((const struct pt_obs_batch *)m)->source != PT_SRC_PRODUCE;
    case PT_OBS_BOUNDS:
        return ((const struct pt_obs_bounds *)m)->error_code == 0;
    case PT_OBS_PRODUCE_OUTCOME:
        return ((const struct pt_obs_produce_outcome *)m)->outcome == PT_PRODUCE_ACKED;
    default:
        return false;
    }
}

bool pt_topic_is_sure(const struct pt_topic *t)
{
    return t->named.first_ns > t->named.last_ns ||
           (t->has_id && t->alive.first_ns <= t->named.first_ns &&
            t->alive.last_ns >= t->named.last_ns);
}

struct pt_topic *pt_registry_resolve(struct pt_registry *r, uint32_t lane, const struct pt_obs *o,
                                     struct pt_id **ret_id)
{
    const struct pt_topic_ref *ref;
    struct pt_topic *t;

    *ret_id = NULL;
    if (o->topic >= r->lane[lane].topic_cap)
        return NULL;
    ref = &r->lane[lane].topic[o->topic];
    if (ref->name) {
        t = ref->name->cluster == o->cluster ? current(r, ref->name, o->at.time_ns) : NULL;
        if (t && is_answer(o))
            extend(&t->named, o->at.time_ns);
        return t;
    }
    if (!ref->id || ref->id->cluster != o->cluster)
        return NULL;
    t = ref->id->topic;
    if (!t)
        *ret_id = ref->id;
    else if (is_answer(o))
        extend(&t->alive, o->at.time_ns);
    return t;
}

static size_t part_idx(const struct pt_topic *t, int32_t partition)
{
    size_t lo = 0;
    size_t hi = t->part_cnt;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (t->part[mid].partition >= partition)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}

struct pt_part *pt_topic_part(const struct pt_topic *t, int32_t partition)
{
    size_t i = part_idx(t, partition);

    return i < t->part_cnt && t->part[i].partition == partition ? &t->part[i] : NULL;
}

struct pt_part *pt_registry_part(struct pt_registry *r, struct pt_topic *t, int32_t partition)
{
    size_t i = part_idx(t, partition);

    if (i < t->part_cnt && t->part[i].partition == partition)
        return &t->part[i];
    if (partition < 0 || partition >= PT_TOPIC_PARTITIONS_MAX)
        return NULL;
    if (t->part_cnt == t->part_cap) {
        size_t cap = t->part_cap ? t->part_cap * 2 : 2;
        struct pt_part *part =
                pt_mem_resize(r->mem, t->part, t->part_cap * sizeof(*part), cap * sizeof(*part));

        if (!part)
            return NULL;
        t->part = part;
        t->part_cap = cap;
    }
    memmove(&t->part[i + 1], &t->part[i], (t->part_cnt - i) * sizeof(*t->part));
    t->part[i] = (struct pt_part){ .partition = partition, .leader_id = -1, .leader_epoch = -1 };
    t->part_cnt++;
    return &t->part[i];
}

/* Takes the oldest message of an id out of both lists. */
static struct pt_waiting *pop(struct pt_registry *r, struct pt_id *id)
{
    struct pt_waiting *w = id->head;

    id->head = w->next;
    if (!id->head)
        id->tail = NULL;
    if (w->all_prev)
        w->all_prev->all_next = w->all_next;
    else
        r->wait_head = w->all_next;
    if (w->all_next)
        w->all_next->all_prev = w->all_prev;
    else
        r->wait_tail = w->all_prev;
    r->wait_sz -= waiting_sz(w);
    return w;
}

bool pt_registry_wait(struct pt_registry *r, struct pt_id *id, uint32_t lane,
                      const struct pt_obs *o, const struct pt_record *rec, uint32_t rec_cnt,
                      uint64_t *ret_dropped)
{
    size_t sz = sizeof(struct pt_waiting) + o->size + rec_cnt * sizeof(*rec);
    struct pt_waiting *w;

    *ret_dropped = 0;
    while (r->wait_head && (sz > r->wait_max_sz || r->wait_sz > r->wait_max_sz - sz)) {
        /* The oldest of all is the oldest of its id. */
        w = pop(r, r->wait_head->id);
        *ret_dropped += ((const struct pt_obs *)w->bytes)->kind == PT_OBS_BATCH;
        w->id->dropped_cnt++;
        pt_registry_free_waiting(r, w);
    }
    w = sz > r->wait_max_sz ? NULL : pt_mem_alloc(r->mem, sz);
    if (!w) {
        id->dropped_cnt++;
        return false;
    }
    *w = (struct pt_waiting){ .id = id, .lane = lane, .obs_sz = o->size, .rec_cnt = rec_cnt };
    memcpy(w->bytes, o, o->size);
    if (rec_cnt)
        memcpy((uint8_t *)w->bytes + o->size, rec, rec_cnt * sizeof(*rec));
    w->all_prev = r->wait_tail;
    if (r->wait_tail)
        r->wait_tail->all_next = w;
    else
        r->wait_head = w;
    r->wait_tail = w;
    if (id->tail)
        id->tail->next = w;
    else
        id->head = w;
    id->tail = w;
    r->wait_sz += sz;
    return true;
}

const struct pt_record *pt_waiting_records(const struct pt_waiting *w)
{
    return (const struct pt_record *)(const void *)((const uint8_t *)w->bytes + w->obs_sz);
}

struct pt_waiting *pt_registry_waited(struct pt_registry *r, struct pt_id *id)
{
    return id->head ? pop(r, id) : NULL;
}

struct pt_broker *pt_registry_node(const struct pt_registry *r, uint8_t cluster, int32_t node_id)
{
    for (size_t i = 0; i < r->broker_cnt[cluster]; i++)
        if (r->broker[cluster][i].node_id == node_id)
            return &r->broker[cluster][i];
    return NULL;
}

bool pt_registry_broker(struct pt_registry *r, const struct pt_obs_broker *o)
{
    uint8_t c = o->head.cluster;
    struct pt_broker *b = pt_registry_node(r, c, o->node_id);

    if (!b) {
        size_t cnt = r->broker_cnt[c];

        if (cnt >= PT_BROKERS_MAX)
            return false;
        b = pt_mem_resize(r->mem, r->broker[c], cnt * sizeof(*b), (cnt + 1) * sizeof(*b));
        if (!b)
            return false;
        r->broker[c] = b;
        r->broker_cnt[c]++;
        b += cnt;
        *b = (struct pt_broker){ .node_id = o->node_id };
    }
    for (uint32_t i = 0; i < b->host_cnt; i++)
        if (strlen(b->host[i]) == o->host_len && !memcmp(b->host[i], o->host, o->host_len))
            return true;
    if (b->host_cnt == PT_BROKER_HOSTS_MAX || !o->host_len)
        return true;
    b->host[b->host_cnt] = copy_text(r, o->host, o->host_len);
    b->port[b->host_cnt] = o->port;
    if (!b->host[b->host_cnt])
        return false;
    b->host_cnt++;
    return true;
}

bool pt_registry_cluster_id(struct pt_registry *r, const struct pt_obs_cluster_id *o)
{
    if (!r->cluster_id[o->head.cluster] && o->id_len)
        r->cluster_id[o->head.cluster] = copy_text(r, o->id, o->id_len);
    return r->cluster_id[o->head.cluster] || !o->id_len;
}

static bool was_served(const struct pt_registry *r, uint8_t cluster, const uint8_t ip[16])
{
    for (size_t i = 0; i < r->served_cnt[cluster]; i++)
        if (!memcmp(r->served[cluster][i], ip, 16))
            return true;
    return false;
}

void pt_registry_served(struct pt_registry *r, uint8_t cluster, const uint8_t ip[16])
{
    size_t cnt = r->served_cnt[cluster];
    uint8_t(*served)[16];

    if (cnt >= PT_BROKERS_MAX || was_served(r, cluster, ip))
        return;
    served = pt_mem_resize(r->mem, r->served[cluster], cnt * 16, (cnt + 1) * 16);
    if (!served)
        return;
    memcpy(served[cnt], ip, 16);
    r->served[cluster] = served;
    r->served_cnt[cluster]++;
}

void pt_registry_answered(struct pt_registry *r, uint8_t cluster, const struct pt_part *part)
{
    struct pt_broker *b = pt_registry_node(r, cluster, part->leader_id);

    if (b)
        b->answered = true;
}

bool pt_registry_broker_seen(const struct pt_registry *r, uint8_t cluster,
                             const struct pt_broker *b)
{
    if (b->answered)
        return true;
    for (uint32_t i = 0; i < b->host_cnt; i++) {
        uint8_t ip[16] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

        if (inet_pton(AF_INET, b->host[i], ip + 12) == 1 ||
            inet_pton(AF_INET6, b->host[i], ip) == 1)
            if (was_served(r, cluster, ip))
                return true;
    }
    return false;
}

bool pt_registry_all_seen(const struct pt_registry *r, uint8_t cluster)
{
    for (size_t i = 0; i < r->broker_cnt[cluster]; i++)
        if (!pt_registry_broker_seen(r, cluster, &r->broker[cluster][i]))
            return false;
    return true;
}

size_t pt_registry_names(const struct pt_registry *r, struct pt_name **ret, size_t max)
{
    size_t cnt = 0;

    for (size_t i = 0; i < PT_REGISTRY_BUCKETS; i++)
        for (struct pt_name *n = r->names[i]; n; n = n->next)
            if (cnt++ < max)
                ret[cnt - 1] = n;
    return cnt;
}
