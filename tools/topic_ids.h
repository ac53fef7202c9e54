/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_TOPIC_IDS_H
#define PT_TOOLS_TOPIC_IDS_H
/*
 * Files that say which topic has which id: what kafka-topics.sh --describe prints, or what an
 * earlier run has learned. One topic a line, fields separated by tabs or blanks:
 *
 *   Topic: orders  TopicId: 8GqU1QnrTiS8BqfyrI0QBg  PartitionCount: 3  ReplicationFactor: 3 ...
 *           Topic: orders  Partition: 0  Leader: 1 ...     passed over: lines of partitions,
 *   Topic: payments  PartitionCount: 1 ...                 topics without an id,
 *   # anything                                             comments and empty lines
 *   Cluster: target  Topic: orders  TopicId: ...           as --learn writes it
 *
 * A name may have several ids: the topic was made again. An id has one name. At start and end of a
 * program, in its main thread.
 */
#include <stdio.h>

#include "tools/values.h"
#include "verify/result.h"

/* More are an error: the parser has no more numbers for topics either. */
#define PT_TOPIC_IDS_MAX (1u << 20)

/* Zeroed memory is an empty list. */
struct pt_topic_ids {
    struct pt_given_id *item; /* topics owned, names of files borrowed */
    size_t cnt;
};

/* pt_topic_ids_read adds what f says; file is its name, which must live on. Lines that name no
 * cluster are of `cluster` (enum pt_cluster; PT_CLUSTER_NONE: they are an error). 0, or -EINVAL
 * with err set, which names file and line. */
int pt_topic_ids_read(struct pt_topic_ids *l, FILE *f, const char *file, unsigned cluster,
                      struct pt_error *err);

/* pt_topic_ids_load is the same for a file that is still to be opened. */
int pt_topic_ids_load(struct pt_topic_ids *l, const char *file, unsigned cluster,
                      struct pt_error *err);

/* pt_topic_ids_seal sorts the list by cluster and id. -EINVAL with err set: an id has two names. */
int pt_topic_ids_seal(struct pt_topic_ids *l, struct pt_error *err);

void pt_topic_ids_free(struct pt_topic_ids *l);

/* pt_topic_ids_write writes the sealed list together with the rows that a run has learned, which
 * win, so that pt_topic_ids_read takes it. single: there is but one cluster, which is not named. 0
 * or -ENOMEM. */
int pt_topic_ids_write(const struct pt_topic_ids *l, const struct pt_topic_id_row *row,
                       size_t row_cnt, bool single, FILE *f);

/* pt_topic_ids_save does that to a file, which is whole or stays as it was. 0, or -errno with err
 * set. */
int pt_topic_ids_save(const struct pt_topic_ids *l, const struct pt_result *result, bool single,
                      const char *path, struct pt_error *err);

#endif
