/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_CONFIG_H
#define PT_TOOLS_CONFIG_H
/*
 * Everything that an operator can set, in one struct, from a YAML file and from the command line.
 * One table (config_table.c) describes each setting: path, kind, range, help; the YAML reader, the
 * options and --print-config all go through it, so that a setting is checked in one place.
 *
 *   clusters:
 *     source: { brokers: [10.88.1.0/24], files: [source.pcap] }
 *     target: { brokers: [10.88.2.1:9092], files: [target.pcap] }
 *   topics:
 *     map: { orders: orders-v2 }
 *     learn: ids.txt
 *     exclude: ["test-*"]
 *   limits: { memory: 2GiB }
 *   replay: { workers: 2, clock-offset: { tap2.pcap: -0.3 } }
 *   live: { workers: 2, cores: [2, 3], idle: poll, user: nobody }
 *   policy: { max-lag: 60s, min-coverage: 0.99 }
 *   segment: { name: paritap, mode: 0640, group: monitoring }
 *   findings: { file: findings.jsonl, rotate: 64MiB, keep: 8 }
 *
 * File names are relative to the working directory. An unknown key is an error.
 */
#include <stdio.h>

#include "dataplane/live.h"
#include "dataplane/segment_writer.h"
#include "tools/topic_ids.h"
#include "tools/values.h"

#define PT_ROLE_CNT 3
#define PT_CONFIG_WORD_MAX 64
#define PT_CONFIG_PATH_MAX 1024

struct pt_rule_list {
    struct pt_topic_rule *item; /* strings owned */
    size_t cnt;
};

struct pt_config {
    struct pt_pipeline_cfg pipeline;
    struct pt_cidr_list brokers[PT_CLUSTER_CNT];
    struct pt_str_list files[PT_ROLE_CNT]; /* by enum pt_input_role */
    struct pt_ns_list clock_offsets;       /* of files, by name */
    bool clocks_as_recorded;               /* nothing is estimated */
    struct pt_rule_list rules;
    struct pt_str_list excluded;
    struct pt_str_list included;
    struct pt_str_list aliases;
    struct pt_str_list id_files[PT_CLUSTER_CNT + 1]; /* by cluster; the last say it themselves */
    struct pt_topic_ids topic_ids;                   /* by pt_config_load_ids */
    char learn_file[PT_CONFIG_PATH_MAX];             /* empty: none */
    struct pt_segment_cfg segment;                   /* its name and group by pt_config_seal */
    char segment_name[PT_CONFIG_WORD_MAX];           /* empty: nothing is published */
    char segment_group[PT_CONFIG_WORD_MAX];          /* name or number; empty: the process's own */
    struct pt_live_cfg live;                         /* its lists by pt_config_seal */
    struct pt_str_list ports[PT_ROLE_CNT];           /* by enum pt_input_role */
    struct pt_number_list cores;
    struct pt_number_list broker_ports;
    struct pt_str_list eal;
    char user[PT_CONFIG_WORD_MAX];         /* to become when the ports are open; empty: stay */
    char report_file[PT_CONFIG_PATH_MAX];  /* empty: none */
    char finding_file[PT_CONFIG_PATH_MAX]; /* empty: none */
    uint64_t finding_rotate_sz;
    uint32_t finding_keep;
    uint32_t finding_fsync; /* enum pt_finding_fsync */
};

/* pt_config_init starts from the pipeline's defaults (pt_pipeline_cfg_init). */
void pt_config_init(struct pt_config *cfg, const struct pt_pipeline_cfg *defaults);
void pt_config_free(struct pt_config *cfg);

/* pt_config_set gives the setting at `path` ("limits.memory", "topics.exclude") a value; lists grow
 * by one item, maps ("topics.map.NAME", "replay.clock-offset.FILE") by one rule. -EINVAL with err
 * set: unknown path, wrong form, or out of range. */
int pt_config_set(struct pt_config *cfg, const char *path, const char *value, struct pt_error *err);

/* pt_config_load reads a YAML file over what is set. Errors name file, line and field. */
int pt_config_load(struct pt_config *cfg, const char *file, struct pt_error *err);

/* pt_config_load_ids reads the files of topic ids, and what learn_file says already, if it is
 * there. single: all are of the source, whatever they say. Before pt_config_seal. */
int pt_config_load_ids(struct pt_config *cfg, bool single, struct pt_error *err);

/* pt_config_seal points cfg->pipeline at the lists and checks what depends on several settings.
 * Call once when all is set; cfg must not move afterwards. */
int pt_config_seal(struct pt_config *cfg, struct pt_error *err);

/* pt_config_print writes what is in force as YAML that pt_config_load reads back to the same. */
void pt_config_print(const struct pt_config *cfg, FILE *f);

/* What config_yaml.c asks the table: is `path` a setting or the beginning of one? */
enum pt_path_kind { PT_PATH_UNKNOWN, PT_PATH_SECTION, PT_PATH_MAP, PT_PATH_LIST, PT_PATH_VALUE };

enum pt_path_kind pt_config_path_kind(const char *path);

/* pt_config_keys writes the keys that `section` ("" at the top) knows: "brokers, files". */
void pt_config_keys(const char *section, char *buf, size_t buf_sz);

#endif
