/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/topics.h"

#include <xxhash.h>

#include "parser/shed.h"

#define METADATA_NAME "__cluster_metadata"
#define TOPICS_MIN 64u

static const uint8_t METADATA_ID[16] = { [15] = 1 };
static const uint8_t NO_ID[16];

struct pt_topic {
    uint64_t hash;
    uint8_t id[16];
    uint8_t cluster;
    uint8_t name_len; /* 0: known by id */
    bool metadata;
    uint32_t canon; /* 0: known by id */
    char name[];
};

_Static_assert(PT_TOPIC_NAME_MAX <= UINT8_MAX, "name_len");

void pt_topics_init(struct pt_topics *t, struct pt_mem *mem, struct pt_obs_out *out)
{
    *t = (struct pt_topics){ .mem = mem, .out = out };
}

static size_t topic_sz(const struct pt_topic *p)
{
    return sizeof(*p) + p->name_len;
}

void pt_topics_fini(struct pt_topics *t)
{
    for (uint32_t i = 0; i < t->topic_cnt; i++)
        pt_mem_free(t->mem, t->topic[i], topic_sz(t->topic[i]));
    pt_mem_free(t->mem, t->topic, t->topic_max * sizeof(struct pt_topic *));
    pt_mem_free(t->mem, t->slot, t->slot_cnt * sizeof(*t->slot));
    pt_topics_init(t, t->mem, t->out);
}

static uint64_t key_hash(uint8_t cluster, struct pt_view key)
{
    return XXH3_64bits_withSeed(key.data, key.len, cluster);
}

static struct pt_view topic_key(const struct pt_topic *p)
{
    if (p->name_len)
        return (struct pt_view){ (const uint8_t *)p->name, p->name_len };
    return (struct pt_view){ p->id, sizeof(p->id) };
}

static bool is_topic(const struct pt_topic *p, uint8_t cluster, struct pt_view key, bool by_name)
{
    struct pt_view own = topic_key(p);

    return p->cluster == cluster && (p->name_len > 0) == by_name && own.len == key.len &&
           !memcmp(own.data, key.data, key.len);
}

/* find returns the slot of the topic, or the free one where it belongs. */
static uint32_t *find(const struct pt_topics *t, uint8_t cluster, struct pt_view key, bool by_name)
{
    uint32_t mask = t->slot_cnt - 1;

    for (uint32_t i = (uint32_t)key_hash(cluster, key) & mask;; i = (i + 1) & mask)
        if (!t->slot[i] || is_topic(t->topic[t->slot[i] - 1], cluster, key, by_name))
            return &t->slot[i];
}

/* grow makes room for at least one more topic, in both tables or none. */
static bool grow(struct pt_topics *t)
{
    uint32_t max = t->topic_max ? 2 * t->topic_max : TOPICS_MIN;
    uint32_t *slot;
    struct pt_topic **topic;

    if (t->topic_cnt < t->topic_max)
        return true;
    if (max > PT_TOPICS_MAX)
        return false;
    slot = pt_mem_zalloc(t->mem, 2 * max * sizeof(*slot));
    if (!slot)
        return false;
    topic = pt_mem_resize(t->mem, t->topic, t->topic_max * sizeof(*topic), max * sizeof(*topic));
    if (!topic) {
        pt_mem_free(t->mem, slot, 2 * max * sizeof(*slot));
        return false;
    }
    pt_mem_free(t->mem, t->slot, t->slot_cnt * sizeof(*t->slot));
    t->topic = topic;
    t->topic_max = max;
    t->slot = slot;
    t->slot_cnt = 2 * max;
    for (uint32_t i = 0; i < t->topic_cnt; i++) {
        const struct pt_topic *p = t->topic[i];

        *find(t, p->cluster, topic_key(p), p->name_len > 0) = i + 1;
    }
    return true;
}

static void announce(struct pt_topics *t, uint32_t number, const struct pt_packet_ref *at)
{
    const struct pt_topic *p = t->topic[number];
    /* The metadata log has a fixed id and is the only topic that both are known of. */
    const char *name = p->metadata ? METADATA_NAME : p->name;
    uint32_t name_len = p->metadata ? sizeof(METADATA_NAME) - 1 : p->name_len;
    struct pt_obs_topic *o = pt_obs_put(t->out, PT_OBS_TOPIC, p->cluster, at, sizeof(*o), name_len);

    o->head.topic = number;
    memcpy(o->id, p->metadata ? METADATA_ID : p->id, sizeof(o->id));
    o->name_len = name_len;
    memcpy(o->name, name, name_len);
}

static uint32_t number_of(struct pt_topics *t, uint8_t cluster, struct pt_view key, bool by_name,
                          const struct pt_packet_ref *at)
{
    struct pt_topic *p;
    uint32_t *slot;

    if (t->slot_cnt) {
        slot = find(t, cluster, key, by_name);
        if (*slot)
            return *slot - 1;
    }
    p = pt_mem_zalloc(t->mem, sizeof(*p) + (by_name ? key.len : 0));
    if (!p || !grow(t)) {
        pt_mem_free(t->mem, p, sizeof(*p) + (by_name ? key.len : 0));
        t->refused_cnt++;
        return PT_TOPIC_NONE;
    }
    p->cluster = cluster;
    p->hash = key_hash(cluster, key) ^ by_name;
    if (by_name) {
        p->name_len = (uint8_t)key.len;
        memcpy(p->name, key.data, key.len);
        p->canon = pt_shed_canon(key);
        p->metadata =
                key.len == sizeof(METADATA_NAME) - 1 && !memcmp(p->name, METADATA_NAME, key.len);
    } else {
        memcpy(p->id, key.data, sizeof(p->id));
        p->metadata = !memcmp(p->id, METADATA_ID, sizeof(p->id));
    }
    t->topic[t->topic_cnt] = p;
    *find(t, cluster, key, by_name) = ++t->topic_cnt;
    announce(t, t->topic_cnt - 1, at);
    return t->topic_cnt - 1;
}

uint32_t pt_topics_by_name(struct pt_topics *t, uint8_t cluster, struct pt_view name,
                           const struct pt_packet_ref *at)
{
    if (!name.data || !name.len)
        return PT_TOPIC_NONE;
    if (name.len > PT_TOPIC_NAME_MAX) {
        t->refused_cnt++; /* no such topic exists; cut off, two of them would be one */
        return PT_TOPIC_NONE;
    }
    return number_of(t, cluster, name, true, at);
}

uint32_t pt_topics_by_id(struct pt_topics *t, uint8_t cluster, const uint8_t id[16],
                         const struct pt_packet_ref *at)
{
    if (!memcmp(id, NO_ID, sizeof(NO_ID)))
        return PT_TOPIC_NONE;
    return number_of(t, cluster, (struct pt_view){ id, 16 }, false, at);
}

uint64_t pt_topics_hash(const struct pt_topics *t, uint32_t topic)
{
    return t->topic[topic]->hash;
}

uint32_t pt_topics_canon(const struct pt_topics *t, uint32_t topic)
{
    return topic < t->topic_cnt ? t->topic[topic]->canon : 0;
}

bool pt_topics_is_metadata(const struct pt_topics *t, uint32_t topic)
{
    return topic < t->topic_cnt && t->topic[topic]->metadata;
}

bool pt_topic_name_is_lawful(struct pt_view name)
{
    for (size_t i = 0; i < name.len; i++) {
        uint8_t c = name.data[i];

        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '.' && c != '_' && c != '-')
            return false;
    }
    return name.data && name.len && name.len <= PT_TOPIC_NAME_MAX;
}
