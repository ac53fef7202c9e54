/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_FINDINGS_H
#define PT_VERIFY_FINDINGS_H
/*
 * What was found so far, before the report is made. Findings that continue the last one of their
 * code at strictly consecutive offsets are joined to it. Beyond the maximum, or when memory is
 * refused, they are only counted in total[]: the verdict looks at total[], never at what happens to
 * be kept.
 */
#include "hw/memory.h"
#include "verify/result.h"

struct pt_log;
struct pt_pair;

#define PT_NO_CLIENT UINT32_MAX

/* Where something was seen: one side of a finding. */
struct pt_site {
    const struct pt_log *log; /* NULL: this side has nothing to say */
    int64_t offset;           /* -1 not known */
    int64_t timestamp_ms;     /* -1 none */
    uint32_t key;             /* digest; 0 is the null key */
    uint32_t client;          /* shard's number, PT_NO_CLIENT if not known */
    struct pt_packet_ref at;
};

struct pt_fact {
    enum pt_finding_code code;
    int cluster; /* -1: both */
    uint32_t parts;
    uint64_t cnt;
    const struct pt_pair *pair; /* NULL none */
    struct pt_site site[PT_CLUSTER_CNT];
    const char *text; /* literal or owned (text_sz > 0); NULL: the code says enough */
    size_t text_sz;
    uint64_t given; /* of cnt, from the first, told to those who watch the run (live.h) */
};

struct pt_findings {
    struct pt_mem *mem;
    struct pt_fact *fact;
    size_t cnt;
    size_t cap;
    uint64_t max;
    uint64_t dropped; /* facts counted and not kept; while 0, a pair can be forgotten exactly */
    uint64_t total[PT_FINDING_CODE_CNT]; /* sums of cnt */
    size_t last[PT_FINDING_CODE_CNT];    /* index + 1 of the last fact of a code */
    /* Told to those who watch before there is a verdict. */
    bool watched; /* somebody takes them */
    struct pt_fact *early;
    size_t early_cnt;
    size_t early_cap;
    uint64_t early_total[PT_FINDING_CODE_CNT]; /* told and still without verdict */
    size_t fresh_from;   /* facts before this index were given out as they are */
    bool went_back;      /* fresh_from did, since it was looked at last */
    uint64_t taken_back; /* records of facts that were given out and then forgotten */
};

void pt_findings_init(struct pt_findings *f, struct pt_mem *mem, uint64_t max);
void pt_findings_fini(struct pt_findings *f);

/* pt_findings_add takes a copy of *fact (its cnt records), joined to the last one where that fits.
 * An owned text passes over in any case. */
void pt_findings_add(struct pt_findings *f, const struct pt_fact *fact);

/* pt_findings_early keeps a fact for those who watch; false: there is nobody, or no room. */
bool pt_findings_early(struct pt_findings *f, const struct pt_fact *fact);

/* pt_fact_rest: what was not given yet of a fact, as a fact of its own. */
struct pt_fact pt_fact_rest(const struct pt_fact *fact);

/* pt_findings_say adds a fact with a sentence of its own, printf-like. */
void pt_findings_say(struct pt_findings *f, const struct pt_fact *fact, const char *fmt, ...)
        __attribute__((format(printf, 3, 4)));

/* pt_findings_forget takes back everything said about a pair: its comparison starts anew.
 * Only while nothing was dropped: what was only counted cannot be taken back. */
void pt_findings_forget(struct pt_findings *f, const struct pt_pair *pair);

/* pt_findings_forget_log takes back what was said about a log, of what was kept, and returns how
 * many records that were. only: PT_FINDING_CODE_CNT: all codes. */
uint64_t pt_findings_forget_log(struct pt_findings *f, const struct pt_log *log,
                                enum pt_finding_code only);

#endif
