/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_LOG_H
#define PT_VERIFY_LOG_H
/*
 * The ledger of one log: one partition of one incarnation of a topic in one cluster. Evidence goes
 * in (log.c), transactions are decided (txn.c), settled records come out in offset order
 * (settle.c).
 *
 *   offset   0 1 2 3 4 5 6 7 8 9 ...
 *   slots    D D . D C   D D           D data, C control
 *   certified[---------]   [---]       every offset in it was seen, or seen to be absent
 *   state    D D H D C U U D D U       H: hole (certified, no data), U: UNSEEN (not certified)
 *
 * Only what is certified, below committed_end and decided is ever compared. A certificate is the
 * only way to say that something is not there; every other doubt leaves an offset UNSEEN or
 * undecided.
 */
#include <stdbool.h>

#include "hw/memory.h"
#include "parser/observation.h"
#include "parser/status.h"
#include "verify/changed.h"
#include "verify/findings.h"
#include "verify/markers.h"
#include "verify/producers.h"
#include "verify/ranges.h"
#include "verify/shard.h"
#include "verify/slots.h"

struct pt_refusals;
struct pt_topic;

/* A record is compared when it was first seen this long ago, in packet time: what else belongs to
 * it (its transaction's marker, the same batch on another tap, a log start that moved past it, the
 * other side's certificate) mostly comes in that time, and needs no second judgement then. */
#define PT_SETTLE_NS 500000000ll

/* What all logs of a shard share. */
struct pt_ledger {
    struct pt_mem *mem;
    struct pt_shard_stats *stats;
    struct pt_findings *findings;
    struct pt_findings *suspects; /* kept back until the end (suspects.h) */
    struct pt_refusals *refusals;
    int64_t now_ns;                     /* packet time of the observation being read */
    int64_t tap_end_ns[PT_CLUSTER_CNT]; /* time of a cluster's last packet; INT64_MIN: not known, or
                                           its taps lost something */
    struct pt_log *waiting;             /* logs with records that wait to be compared */
    /* Until then something of the cluster was shed and what it was of is not known; INT64_MIN: it
     * never was. And whether anything at all was shed that nobody has seen. */
    int64_t shed_ns[PT_CLUSTER_CNT];
    bool shed[PT_CLUSTER_CNT];
    int64_t seen_ns[PT_CLUSTER_CNT]; /* of the latest from each cluster: behind it that one is dark
                                      */
};

/* A sighting of a batch, at absolute offsets. */
struct pt_sighting {
    struct pt_packet_ref at;
    int64_t cert_from; /* [cert_from, last] is certified */
    int64_t base;
    int64_t last;
    int64_t producer_id;
    int64_t append_time_ms; /* of a Produce outcome; -1 none */
    uint64_t fingerprint;
    uint32_t client;
    int32_t leader_epoch; /* -1 not known: what a producer writes there means nothing */
    int32_t base_sequence;
    int16_t producer_epoch;
    uint16_t flags; /* PT_BATCH_* */
    uint8_t source; /* enum pt_obs_source */
    uint8_t magic;
    bool acks_all; /* Produce: acknowledged by all replicas */
};

/* Slots refer to their earliest sighting. Batch and leader epoch are those in which a fetch shows
 * that the log holds them, once one did. */
struct pt_evidence {
    struct pt_packet_ref at;
    int64_t read_ns; /* a consumer was seen to get it, the last time; INT64_MIN: none was */
    int64_t producer_id;
    uint64_t fingerprint; /* of the batch, ... */
    int64_t base;
    int32_t last_delta;
    uint32_t client;
    uint32_t refs;         /* slots; 0: free, producer_id is the next free index + 1 */
    int32_t leader_epoch;  /* -1: no fetch has shown it */
    int32_t base_sequence; /* -1 none */
    int16_t producer_epoch;
    uint8_t source;
    uint8_t magic;
};

/* The last evidence that joins two (evidence.c). */
struct pt_joined {
    uint32_t first;
    uint32_t in;
    uint32_t to; /* UINT32_MAX: none */
};

/* From `from` on the log holds nothing that was written before that leader epoch. Only kept where
 * something else had been seen. At the limit the oldest two become one, which takes away more. */
#define PT_LEADERS_MAX 16u
struct pt_leader {
    int64_t from;
    int32_t epoch;
};

/* Offsets that held data and were certified absent later (compaction), and when that was first
 * known. Beyond the limit any record may be gone. */
#define PT_GONE_MAX 65536u
struct pt_gone {
    int64_t from;
    int64_t to;
    int64_t time_ns;
};

/* The log start moved (retention, DeleteRecords): what lies below it is gone since time_ns at the
 * latest, what lies behind it was still there at last_ns. At the limit every other of the older
 * steps is dropped, so that less is known of when its records went. */
#define PT_TRIM_MAX 256u
struct pt_trim {
    int64_t log_start;
    int64_t time_ns;
    int64_t last_ns;
};

enum pt_gone_when {
    PT_GONE_NOT,    /* it is not known to be gone, or was still there */
    PT_GONE_BEFORE, /* lawfully gone before that time */
    PT_GONE_MAYBE,  /* gone, but since when is not known */
};

/* Bad batches told apart for one finding each; more are only counted. */
#define PT_BAD_MAX 256u
struct pt_bad {
    int64_t base;
    int64_t last;
    uint64_t fingerprint;
};

struct pt_log {
    struct pt_ledger *env;
    struct pt_topic *topic;
    struct pt_pair *pair; /* NULL: not compared */
    int32_t partition;
    uint8_t cluster;

    /* Evidence. */
    struct pt_slots slots;
    struct pt_evidence *evidence;
    size_t evidence_cnt;
    size_t evidence_cap;
    size_t evidence_free; /* index + 1 of the first free one */
    struct pt_joined joined;
    struct pt_leader leader[PT_LEADERS_MAX]; /* both rising */
    size_t leader_cnt;
    struct pt_ranges certified;
    /* Offsets that only a fetch in a format before magic 2 shows. If the log holds newer batches,
     * its answer was down-converted: headers, transactions and markers are not in it. What is
     * settled as such stays so. */
    struct pt_ranges reduced;
    bool reduced_unknown;      /* some did not find room */
    bool holds_v2;             /* a batch of magic 2 was credited */
    struct pt_changed changed; /* of what was settled */
    struct pt_markers markers;
    struct pt_producers producers;
    bool refused;                                /* some of its batches were (refused.h) */
    struct pt_ranges lost[PT_LOST_REASON_CNT];   /* why something may be unseen */
    uint64_t lost_somewhere[PT_LOST_REASON_CNT]; /* the same without offsets */
    int64_t lost_end;     /* one past the highest offset known to exist and not seen */
    int64_t lost_ns;      /* when something was lost last, of unknown offsets */
    int64_t shed_ns;      /* when something of it was shed last; INT64_MIN: never */
    int64_t tail_ns;      /* when the last certified offset was seen last */
    struct pt_trim *trim; /* rising */
    size_t trim_cnt;
    size_t trim_cap;
    struct pt_gone *gone; /* sorted, disjoint */
    size_t gone_cnt;
    size_t gone_cap;
    bool gone_unknown; /* some did not find room */
    struct pt_bad *bad;
    size_t bad_cnt;
    size_t bad_cap;
    bool seen_produce;
    bool seen_fetch;
    bool appended; /* a Produce was acknowledged in sight */

    /* Bounds: -1 not stated. */
    int64_t committed_end; /* below it everything is committed; 0 at first */
    int64_t committed_ns;  /* since then, and the same of the end before */
    int64_t committed_before;
    int64_t committed_before_ns;
    int64_t stood; /* below it was looked for what stands */
    int64_t log_start;
    int64_t hw_first;    /* the first high watermark stated */
    int64_t hw_max;      /* the highest */
    int64_t hw_since_ns; /* when that was stated first */
    int64_t hw_ns;       /* and last */
    int64_t grew_ns;     /* when an offset last got its first evidence; INT64_MIN never */

    /* Settling. */
    int64_t cursor; /* next offset to settle, -1 not begun; nothing below it is credited any more */
    bool gap;       /* something unseen or undecided lies before the next item */
    int32_t epoch;  /* of the leader that wrote what was settled last, -1 not known */
    int32_t proof_epoch; /* what stands at the cursor is that of, if it stands */
    int64_t proof_at;    /* nothing from the cursor up to here proves or disproves it */
    bool trimmed;        /* slots were given up: settling cannot start again */
    bool holes_unknown;
    struct pt_ranges holes;      /* settled as certified and empty, no marker, nothing aborted */
    uint64_t fresh;              /* records credited since the last look */
    struct pt_log *waiting_next; /* the next log that waits to be looked at */
    bool waiting;
    uint64_t records;       /* settled: committed data */
    uint64_t records_alone; /* of these, settled without a pair to compare them */
    uint64_t aborted;
    uint64_t control;
    uint64_t undecided;
    struct pt_ranges open; /* ... their offsets */

    struct pt_batch_row *rows;
    size_t row_cnt;
    size_t row_cap;
};

/* pt_log_open returns a log, or NULL when memory is refused. */
struct pt_log *pt_log_open(struct pt_ledger *env, struct pt_topic *topic, uint8_t cluster,
                           int32_t partition);
void pt_log_close(struct pt_log *l);

enum pt_credit {
    PT_CREDIT_NEW,     /* an offset got its first evidence */
    PT_CREDIT_AGAIN,   /* all was known */
    PT_CREDIT_REFUSED, /* no memory: nothing is certified */
};

/* pt_log_credit takes a whole batch with its records (rising offset_delta, inside [base, last]). */
enum pt_credit pt_log_credit(struct pt_log *l, const struct pt_sighting *b,
                             const struct pt_record *rec, uint32_t rec_cnt);

/* pt_log_again takes a batch whose bytes were credited at these offsets before, and does what
 * pt_log_credit would. PT_CREDIT_REFUSED: nothing is known of them here, nothing was done. */
enum pt_credit pt_log_again(struct pt_log *l, const struct pt_sighting *b);

/* pt_log_reduced: of some offset in [from, to) only a down-converted answer was seen. */
bool pt_log_reduced(const struct pt_log *l, int64_t from, int64_t to);

/* pt_log_bad takes a batch that cannot be used: one finding for the same offsets or bytes. */
void pt_log_bad(struct pt_log *l, const struct pt_sighting *b, enum pt_status status);

void pt_log_bounds(struct pt_log *l, const struct pt_obs_bounds *b);
void pt_log_lost(struct pt_log *l, int64_t from, int64_t to, enum pt_lost_reason reason);

/* pt_log_shed is pt_log_lost for what was shed; offsets that are certified are not lost. */
void pt_log_shed(struct pt_log *l, const struct pt_obs_lost *o);

/* pt_log_shed_since: something that may have been of this log was shed at ns or later, so that what
 * would have shown in it is not known to be absent. */
bool pt_log_shed_since(const struct pt_log *l, int64_t ns);

/* pt_log_reaches: a record is known to be right before `end`, but it was not seen. */
void pt_log_reaches(struct pt_log *l, int64_t end);

/* pt_log_count adds a sighting to the table of batches. */
void pt_log_count(struct pt_log *l, const struct pt_obs_batch *b);

/* pt_log_end: one past the highest offset that is known to exist, committed or not. */
int64_t pt_log_end(const struct pt_log *l);

/* pt_log_site describes off for a finding, as far as its slot is still there. */
struct pt_site pt_log_site(struct pt_log *l, int64_t off);

/* pt_log_seen_ns: packet time at which off was seen first; def if its slot is not there. */
int64_t pt_log_seen_ns(struct pt_log *l, int64_t off, int64_t def);

/* pt_log_gone: whether the record at off was lawfully gone at that time. */
enum pt_gone_when pt_log_gone(const struct pt_log *l, int64_t off, int64_t time_ns);

/* pt_log_release frees the slots of whole chunks below off, all of them settled: what they held
 * stays certified. */
void pt_log_release(struct pt_log *l, int64_t off);

/* pt_log_evict gives up the oldest chunk: what was not settled becomes UNSEEN (evicted). */
void pt_log_evict(struct pt_log *l);

/* txn.c */

enum pt_txn_state { PT_TXN_UNDECIDED, PT_TXN_COMMITTED, PT_TXN_ABORTED };

/* pt_txn_decide: what became of the transactional record in this slot. */
enum pt_txn_state pt_txn_decide(const struct pt_log *l, int64_t off, const struct pt_slot *slot,
                                uint16_t state);

/* pt_txn_listed applies the list of a read_committed response to the records that it covers. */
void pt_txn_listed(struct pt_log *l, const struct pt_obs_aborted *a);

/* pt_txn_commit_ns: packet time from which the record at off counts as committed: its marker's, or
 * its own if it is in no transaction; INT64_MAX if that is not known. */
int64_t pt_txn_commit_ns(struct pt_log *l, int64_t off);

/* settle.c */

#define PT_SETTLE_RUNNING 0u /* stop where something is unseen, uncommitted, undecided, or new */
#define PT_SETTLE_GAPS 1u    /* go on behind unseen offsets */
#define PT_SETTLE_ALL 3u     /* also behind what is not committed or not decided */

/* pt_log_next gives the next settled record: true, or false if there is none now. */
bool pt_log_next(struct pt_log *l, unsigned how, struct pt_item *ret_item);

/* pt_log_rewind starts settling anew. Not if trimmed. */
void pt_log_rewind(struct pt_log *l);

/* pt_log_ending: what is known behind the last settled record. Complete: certified up to the
 * highest high watermark stated and to everything else that is known to exist. */
enum pt_end pt_log_ending(const struct pt_log *l);

/* pt_log_has_hole: an offset strictly between a and b (-1: the log's beginning, its end) is
 * certified to be empty, so that a record may have been there once. */
bool pt_log_has_hole(const struct pt_log *l, int64_t a, int64_t b);

#endif
