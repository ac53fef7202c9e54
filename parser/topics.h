/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_TOPICS_H
#define PT_PARSER_TOPICS_H
/*
 * The worker's numbers for topics. A topic is known by its name or by its id, as the message at
 * hand gives it; the two get different numbers even if they mean the same topic, and the verifier
 * joins them. A number is announced by PT_OBS_TOPIC when it is first asked for and never means
 * anything else.
 *
 * Bounded: PT_TOPICS_MAX numbers and the memory budget. Past that a topic has no number, its
 * batches are not passed on, and that is counted.
 */
#include <stdbool.h>

#include "hw/memory.h"
#include "parser/cursor.h"
#include "parser/observation.h"

#define PT_TOPIC_NONE UINT32_MAX
#define PT_TOPICS_MAX (1u << 20)

struct pt_topic;

struct pt_topics {
    struct pt_mem *mem;
    struct pt_obs_out *out;
    struct pt_topic **topic; /* by number */
    uint32_t topic_cnt;
    uint32_t topic_max;
    uint32_t *slot; /* hash table of numbers + 1, linear probing */
    uint32_t slot_cnt;
    uint64_t refused_cnt;
};

void pt_topics_init(struct pt_topics *t, struct pt_mem *mem, struct pt_obs_out *out);
void pt_topics_fini(struct pt_topics *t);

/* pt_topics_by_name and _by_id return the number, or PT_TOPIC_NONE for an empty name, a zero id, or
 * a topic that has no room. Nor has a name longer than PT_TOPIC_NAME_MAX. */
uint32_t pt_topics_by_name(struct pt_topics *t, uint8_t cluster, struct pt_view name,
                           const struct pt_packet_ref *at);
uint32_t pt_topics_by_id(struct pt_topics *t, uint8_t cluster, const uint8_t id[16],
                         const struct pt_packet_ref *at);

/* pt_topic_name_is_lawful: a broker would let a topic have this name. */
bool pt_topic_name_is_lawful(struct pt_view name);

/* pt_topics_hash: of the cluster and of the name or id by which the topic is known; the same for
 * all workers. topic is a number that was given out. */
uint64_t pt_topics_hash(const struct pt_topics *t, uint32_t topic);
/* pt_topics_canon is pt_shed_canon of the topic's own name; 0 if only its id is known. */
uint32_t pt_topics_canon(const struct pt_topics *t, uint32_t topic);

/* pt_topics_is_metadata tells whether it is the controllers' metadata log. */
bool pt_topics_is_metadata(const struct pt_topics *t, uint32_t topic);

#endif
