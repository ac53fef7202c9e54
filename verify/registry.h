/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_REGISTRY_H
#define PT_VERIFY_REGISTRY_H
/*
 * What exists: topics, their incarnations and partitions, brokers, cluster ids; and what a lane's
 * numbers mean. It holds names and logs together; what the logs hold is none of its business.
 *
 *   lane's number -> name -> incarnations, oldest first: topic, topic, ...
 *                 -> id   -> topic, or not named yet: its observations wait here, in order
 *
 * A name alone means the newest incarnation at the time of use. A topic known by name only takes
 * the first id that is learned for its name; another id after that is another incarnation.
 *
 * The operator may give names for ids. One counts from the first use of its id on, so that topics
 * come up in the order of their life, and until the cluster itself names the id. If that is
 * another name, what was seen under the given one belongs to nobody: see pt_topic.misnamed.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/memory.h"
#include "parser/observation.h"
#include "verify/policy.h"

struct pt_log;

/* Numbers that a lane may use for topics and clients, and lanes: beyond them a message is nonsense.
 */
#define PT_LANE_NUMBER_MAX (1u << 24)
#define PT_LANE_MAX 256u
#define PT_TOPIC_PARTITIONS_MAX 1000000
#define PT_BROKERS_MAX 4096u
/* Addresses under which one node is known (listeners). */
#define PT_BROKER_HOSTS_MAX 4u
/* Messages by name are still those of the old topic for this long after it was deleted. */
#define PT_DELETE_SETTLE_NS 1000000000ll

struct pt_part {
    int32_t partition;
    int32_t leader_id; /* -1 none or not known */
    int32_t leader_epoch;
    int32_t replica_cnt; /* 0 not known */
    bool stated;         /* the cluster says that it exists */
    struct pt_log *log;  /* NULL: nothing of it was seen */
};

struct pt_name;

/* From when to when something was seen. */
struct pt_span {
    int64_t first_ns; /* INT64_MAX, INT64_MIN: never */
    int64_t last_ns;
};

struct pt_topic {
    struct pt_name *name;
    uint32_t incarnation; /* 0: the oldest seen */
    bool has_id;
    bool deleted;
    bool misnamed;   /* batches of another topic were taken for its own: the operator's mistake, of
                        which the cluster told too late. Nothing is concluded from what it holds */
    uint8_t cleanup; /* PT_CLEANUP_*: all that was stated of it */
    uint8_t id[16];
    int64_t deleted_ns;
    struct pt_span alive; /* the cluster has shown that this id was this topic's */
    struct pt_span named; /* messages by name alone were taken for its own */
    struct pt_part *part; /* sorted by partition */
    size_t part_cnt;
    size_t part_cap;
    struct pt_topic *partner; /* the incarnation on the other cluster that it is paired with */
    uint8_t rule;             /* enum pt_pair_rule of that */
    uint8_t why;              /* enum pt_unpaired_why if there is none */
    struct pt_topic *wanted;  /* scratch while pairing */
    bool recognised;          /* a record of it was recognised on the partner; source only */
    int64_t matched_ns; /* latest first sighting on the source of a record that was matched; source
                           only */
};

struct pt_name {
    struct pt_name *next; /* same bucket */
    uint8_t cluster;
    bool internal; /* never paired: Kafka's own or a replicator's */
    uint32_t len;
    struct pt_topic **inc; /* incarnations, oldest first */
    size_t inc_cnt;
    size_t inc_cap;
    /* Source names: what a scan of the target's names found (mapping.h). */
    struct pt_name *aliased;  /* "alias.name" of a known alias */
    struct pt_name *prefixed; /* a "x.name" */
    uint32_t prefixed_cnt;
    char text[]; /* terminated */
};

/* An observation that waits for its topic's name: message, then records of a batch. */
struct pt_waiting {
    struct pt_waiting *next;     /* same id, in order */
    struct pt_waiting *all_next; /* all ids, in order */
    struct pt_waiting *all_prev;
    struct pt_id *id;
    uint32_t lane;
    uint32_t obs_sz;
    uint32_t rec_cnt;
    uint64_t bytes[]; /* aligned for what lies in it */
};

struct pt_id {
    struct pt_id *next; /* same bucket */
    uint8_t cluster;
    uint8_t id[16];
    struct pt_topic *topic;          /* NULL: not named yet */
    bool named_by_given;             /* the topic is the operator's word */
    const struct pt_given_id *wrong; /* the cluster says another name than this; NULL: no */
    struct pt_waiting *head;
    struct pt_waiting *tail;
    bool used_by_client;  /* one of them was produced, or fetched by a consumer */
    uint64_t batch_cnt;   /* batches seen while it was not named */
    uint64_t record_cnt;  /* their records */
    uint64_t dropped_cnt; /* observations dropped while it was not named */
};

struct pt_broker {
    int32_t node_id;
    bool answered; /* for a partition that it leads */
    uint32_t host_cnt;
    char *host[PT_BROKER_HOSTS_MAX];
    int32_t port[PT_BROKER_HOSTS_MAX];
};

struct pt_topic_ref { /* what a lane's number means: one of them is set */
    struct pt_name *name;
    struct pt_id *id;
};

struct pt_lane_names {
    struct pt_topic_ref *topic;
    size_t topic_cap;
};

#define PT_REGISTRY_BUCKETS 4096u

struct pt_registry {
    struct pt_mem *mem;
    const struct pt_given_id *given; /* sorted by cluster and id */
    size_t given_cnt;
    struct pt_name *names[PT_REGISTRY_BUCKETS];
    struct pt_id *ids[PT_REGISTRY_BUCKETS];
    struct pt_lane_names lane[PT_LANE_MAX];
    struct pt_broker *broker[PT_CLUSTER_CNT];
    size_t broker_cnt[PT_CLUSTER_CNT];
    uint8_t (*served[PT_CLUSTER_CNT])[16]; /* addresses that answered Kafka connections */
    size_t served_cnt[PT_CLUSTER_CNT];
    char *cluster_id[PT_CLUSTER_CNT];
    struct pt_waiting *wait_head;
    struct pt_waiting *wait_tail;
    uint64_t wait_sz;
    uint64_t wait_max_sz;
    bool changed; /* names or incarnations came up since this was last set to false */
};

/* pt_registry_open: NULL when memory is refused. Logs are the caller's. */
struct pt_registry *pt_registry_open(struct pt_mem *mem, uint64_t waiting_max_sz);
void pt_registry_close(struct pt_registry *r);

/* pt_registry_give: names that the operator gives, sorted by cluster and id; borrowed. Before the
 * first message. */
void pt_registry_give(struct pt_registry *r, const struct pt_given_id *given, size_t cnt);

/* All of these take messages whose sizes were checked. False: memory is refused, or a limit is
 * reached. */
bool pt_registry_topic(struct pt_registry *r, uint32_t lane, const struct pt_obs_topic *o);
bool pt_registry_topic_id(struct pt_registry *r, const struct pt_obs_topic_id *o);
void pt_registry_deleted(struct pt_registry *r, const struct pt_obs_topic_id *o);
bool pt_registry_broker(struct pt_registry *r, const struct pt_obs_broker *o);
bool pt_registry_cluster_id(struct pt_registry *r, const struct pt_obs_cluster_id *o);

/* pt_registry_served notes the address of a connection's broker. */
void pt_registry_served(struct pt_registry *r, uint8_t cluster, const uint8_t ip[16]);

/* pt_registry_resolve: the topic of a message, or NULL: then *ret_id is what it waits for, or NULL
 * if the number means nothing. */
struct pt_topic *pt_registry_resolve(struct pt_registry *r, uint32_t lane, const struct pt_obs *o,
                                     struct pt_id **ret_id);

/* pt_topic_is_sure: whatever was told of it by name alone came while it certainly was the topic of
 * that name. If not, and if the tap may have missed that it was deleted and made again, it may have
 * been of another one. */
bool pt_topic_is_sure(const struct pt_topic *t);

/* pt_registry_part returns a partition, made if need be; NULL: refused. Valid until the next call.
 */
struct pt_part *pt_registry_part(struct pt_registry *r, struct pt_topic *t, int32_t partition);
struct pt_part *pt_topic_part(const struct pt_topic *t, int32_t partition);

/* pt_registry_wait keeps a message (and a batch's records) until its topic has a name. The oldest
 * waiting messages are dropped to make room: *ret_dropped is the number of batches among them.
 * False: not kept. */
bool pt_registry_wait(struct pt_registry *r, struct pt_id *id, uint32_t lane,
                      const struct pt_obs *o, const struct pt_record *rec, uint32_t rec_cnt,
                      uint64_t *ret_dropped);

/* pt_registry_waited takes the oldest message of an id that has a name now, NULL if there is none;
 * the caller gives it back to pt_registry_free_waiting. */
struct pt_waiting *pt_registry_waited(struct pt_registry *r, struct pt_id *id);
void pt_registry_free_waiting(struct pt_registry *r, struct pt_waiting *w);
const struct pt_record *pt_waiting_records(const struct pt_waiting *w);

/* pt_registry_id: NULL for the zero id, which means none, or when memory is refused. */
struct pt_id *pt_registry_id(struct pt_registry *r, uint8_t cluster, const uint8_t id[16]);

/* pt_registry_find_id: NULL if that id was never seen. */
struct pt_id *pt_registry_find_id(const struct pt_registry *r, uint8_t cluster,
                                  const uint8_t id[16]);
struct pt_name *pt_registry_find(const struct pt_registry *r, uint8_t cluster, const char *name);

/* pt_registry_answered: the leader of this partition has told something about it. */
void pt_registry_answered(struct pt_registry *r, uint8_t cluster, const struct pt_part *part);
struct pt_broker *pt_registry_node(const struct pt_registry *r, uint8_t cluster, int32_t node_id);

/* pt_registry_broker_seen: the broker is on the tap: an address of it answered connections, or it
 * answered for a partition that it leads (host names, address translation). */
bool pt_registry_broker_seen(const struct pt_registry *r, uint8_t cluster,
                             const struct pt_broker *b);
/* pt_registry_all_seen: and so is every broker that was named. */
bool pt_registry_all_seen(const struct pt_registry *r, uint8_t cluster);

/* pt_given_order compares two by cluster and id. */
int pt_given_order(const struct pt_given_id *a, const struct pt_given_id *b);

/* pt_topic_internal: __*, and what MirrorMaker 2 and Connect keep for themselves. */
bool pt_topic_internal(const char *name);

/* pt_registry_names writes up to max names, in no order, and returns how many there are. */
size_t pt_registry_names(const struct pt_registry *r, struct pt_name **ret, size_t max);

#endif
