/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_BODY_H
#define PT_PARSER_BODY_H
/*
 * What is done with the bodies of those APIs that tell something. One struct pt_body for each of
 * them, in body_*.c, switching on field names; everything else is only walked to its end. A body
 * gets begin, then its events in wire order, then end exactly once, whatever happened to the bytes.
 */
#include "parser/conn_pvt.h"

struct pt_body {
    void (*begin)(struct pt_msg *m);
    void (*field)(struct pt_msg *m, const struct pt_walk_event *ev);
    void (*records_end)(struct pt_msg *m); /* NULL: records are not looked at */
    void (*end)(struct pt_msg *m, enum pt_body_end how);
};

/* pt_body_find returns NULL where there is nothing to be told. */
const struct pt_body *pt_body_find(int16_t api_key, enum pt_dir dir);

extern const struct pt_body pt_body_produce_request;
extern const struct pt_body pt_body_produce_response;
extern const struct pt_body pt_body_fetch_request;
extern const struct pt_body pt_body_fetch_response;
extern const struct pt_body
        pt_body_metadata_response; /* and DescribeTopicPartitions, DescribeCluster */
extern const struct pt_body pt_body_create_topics_request;
extern const struct pt_body pt_body_create_topics_response;
extern const struct pt_body pt_body_delete_topics_response;
extern const struct pt_body pt_body_delete_records_response;
extern const struct pt_body pt_body_api_versions_request;
extern const struct pt_body pt_body_describe_configs_response;
extern const struct pt_body pt_body_alter_configs_request; /* and IncrementalAlterConfigs */

/* pt_produce_unknown sends PT_PRODUCE_UNKNOWN for every log of a Produce request that is still
 * open. */
void pt_produce_unknown(struct pt_conn *c, const struct pt_request *req,
                        const struct pt_packet_ref *at);

/* pt_obs_topic_id sends PT_OBS_TOPIC_ID or PT_OBS_TOPIC_DELETED; nothing for a zero id. */
void pt_body_topic_id(struct pt_msg *m, enum pt_obs_kind kind, const uint8_t id[16],
                      struct pt_view name, bool internal);
void pt_body_partition(struct pt_msg *m, uint32_t topic, int32_t partition, int32_t leader_id,
                       int32_t leader_epoch, int32_t replica_cnt);
void pt_body_broker(struct pt_msg *m, int32_t node_id, struct pt_view host, int32_t port);

/* pt_body_cleanup sends PT_OBS_CLEANUP; pt_body_is_cleanup tells whether this configuration is the
 * cleanup policy, pt_body_cleanup_policy what its value means (a null view: the default). */
void pt_body_cleanup(struct pt_msg *m, struct pt_view topic, uint8_t policy);
bool pt_body_is_cleanup(struct pt_view name);
uint8_t pt_body_cleanup_policy(struct pt_view value);

/* pt_metalog_batch reads the records of the batch that m's reader has just decoded: the
 * controllers' metadata log. */
void pt_metalog_batch(struct pt_msg *m, uint32_t record_cnt);

#endif
