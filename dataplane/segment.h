/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_SEGMENT_H
#define PT_DATAPLANE_SEGMENT_H
/*
 * The shared-memory segment: what a run shows of itself to other programs. This header is the whole
 * layout and needs only the C library, so that a foreign reader can be written from it alone.
 *
 * One process writes (segment_writer.h), any number map it read-only (segment_reader.h). Readers
 * take no lock and write nothing, so none can hold the writer up. The object stays when the writer
 * ends or dies, and can still be read.
 *
 *   0        struct pt_segment_head     identity of the run, heartbeat, state, section list
 *   off      section "run"              one row: the run as a whole
 *   off      section "tap"              a row for each port or file
 *   off      section "core"             a row for each worker and shard
 *   off      section "cluster"          a row for each cluster
 *   off      section "pair"             a row for each pair of logs
 *   off      section "code"             a row for each finding code: total
 *   off      section "findings" (1..n)  a ring of findings for each thread that finds some
 *
 * A table row is { seq, copy[2] }. `seq` counts how often the row was put; 0: never. Copy seq & 1
 * is the newest; the writer fills the other one and then moves seq on. So whenever the writer is
 * killed, a whole row is left. A reader takes seq, copies, and takes seq again: if it moved, the
 * copy may be torn and is taken anew.
 *
 * A ring slot is { seq, finding }. Finding number n (from 0) of a ring stands in slot n % row_max
 * with seq n + 1; seq is 0 while the slot is overwritten. `used` of the section counts all findings
 * ever appended. A reader that wants number n and finds another seq has missed it, so that
 * read + missed is always exactly `used`.
 *
 * All numbers are of the host's byte order; rows are copied in words of 64 bits. Rows are
 * consistent in themselves, not with each other.
 */
#include <stdatomic.h>
#include <stdint.h>

#define PT_SEGMENT_MAGIC "PARITAP" /* with its zero 8 bytes, at offset 0 */

/* Moves with every change of a struct here. A reader refuses every other version. */
#define PT_SEGMENT_VERSION 1

#define PT_SEGMENT_BYTE_ORDER 0x01020304u
#define PT_SEGMENT_DEFAULT_NAME "/paritap"
#define PT_SEGMENT_ALIGN 64u /* sections, rows and slots begin on a cache line */
#define PT_SEGMENT_SECTION_MAX 72
#define PT_SEGMENT_RING_MAX 64
#define PT_SEGMENT_ROW_MAX (1u << 20) /* of one section */

/* The state that the writer states. What it does not say any more (stale, dead) is the reader's to
 * find out: segment_reader.h. */
#define PT_SEGMENT_STATE_LIST(X)                                                                   \
    X(STARTING, "starting")                                                                        \
    X(RUNNING, "running")                                                                          \
    X(DRAINING, "draining")                                                                        \
    X(ENDED, "ended")

enum pt_segment_state {
#define X(name, text) PT_SEGMENT_##name,
    PT_SEGMENT_STATE_LIST(X)
#undef X
            PT_SEGMENT_STATE_CNT
};

/* Zeroed memory never says parity. */
enum pt_segment_verdict {
    PT_SEGMENT_NO_VERDICT = 0, /* not yet */
    PT_SEGMENT_PARITY = 1,
    PT_SEGMENT_DIVERGENT = 2,
    PT_SEGMENT_INCONCLUSIVE = 3
};

enum pt_segment_severity { PT_SEGMENT_INFO = 0, PT_SEGMENT_WARNING = 1, PT_SEGMENT_DIVERGENCE = 2 };

/* Text is terminated; cut is 1 if it was longer. Bytes are as on the wire: not always UTF-8, and
 * maybe terminal control codes. */
struct pt_segment_text32 {
    char s[31];
    uint8_t cut;
};

struct pt_segment_text64 {
    char s[63];
    uint8_t cut;
};

struct pt_segment_text256 { /* holds every topic name: Kafka's limit is 249 */
    char s[255];
    uint8_t cut;
};

/* Table "run", one row: the sums over all, so that one look is enough. */
struct pt_segment_run {
    uint32_t verdict; /* enum pt_segment_verdict; while running: so far */
    uint32_t pad;
    int64_t time_ns; /* packet time reached, ns since the epoch; 0: no packet yet */
    uint64_t pairs;
    uint64_t verified; /* records */
    uint64_t divergent;
    uint64_t unseen;
    uint64_t pending;
    uint64_t offsets_certified;
    uint64_t offsets_observed; /* coverage = certified / observed; 0 of 0 is no coverage */
    uint64_t memory_used_sz;
    uint64_t memory_max_sz;
    struct pt_segment_text256 note; /* one sentence for a person; empty: none */
};

enum pt_segment_role {
    PT_SEGMENT_SOURCE = 0,
    PT_SEGMENT_TARGET = 1,
    PT_SEGMENT_BOTH = 2 /* a tap that carries both; a cluster that is neither */
};

/* Table "tap". Counters only grow; rates are the reader's to take. */
struct pt_segment_tap {
    struct pt_segment_text256 name; /* port or file */
    uint32_t role;                  /* enum pt_segment_role */
    uint32_t finished;              /* 1: nothing will come any more (end of a file) */
    uint64_t packets;
    uint64_t bytes; /* on the wire */
    uint64_t lost;  /* packets that reached the device and not us */
};

/* Table "core". */
struct pt_segment_core {
    struct pt_segment_text32 name; /* "worker 0", "shard 1" */
    int32_t cpu;                   /* -1: not pinned */
    uint32_t busy_permille;        /* of the last interval; UINT32_MAX: not measured */
    uint64_t packets;
    uint64_t bytes;
    uint64_t batches;
    uint64_t records;
    uint64_t shed;        /* batches not looked into because of overload */
    uint32_t ladder_step; /* of the overload ladder; 0: everything is done */
    uint32_t pad;
    uint64_t queue_used_sz; /* what waits for this core, bytes */
    uint64_t queue_max_sz;
};

/* Table "cluster". */
struct pt_segment_cluster {
    uint32_t role; /* enum pt_segment_role */
    uint32_t pad;
    struct pt_segment_text64 cluster_id; /* empty: not stated on the wire */
    uint64_t connections;                /* that speak Kafka, ever seen */
    uint64_t opaque_connections;         /* encrypted */
    uint64_t other_connections;          /* of another protocol, or not yet recognised */
    uint64_t brokers;                    /* known from Metadata */
    uint64_t brokers_seen;               /* of these, on a tap */
    uint64_t logs;
    uint64_t records; /* certified */
};

/* Table "pair": one topic-partition of the source and its partner. Records unless said. */
struct pt_segment_pair {
    struct pt_segment_text256 source_topic;
    struct pt_segment_text256 target_topic;
    int32_t source_partition;
    int32_t target_partition;
    uint32_t incarnation; /* of the source topic: 0 is the oldest seen */
    uint32_t pad;
    uint64_t source_records; /* certified on each side */
    uint64_t target_records;
    uint64_t verified;
    uint64_t missing;
    uint64_t extra;
    uint64_t duplicated;
    uint64_t reordered;
    uint64_t mutated;
    uint64_t ambiguous;
    uint64_t compacted;
    uint64_t unverifiable;
    uint64_t pending;
    uint64_t unseen_source; /* offsets */
    uint64_t unseen_target;
    uint64_t offsets_certified;
    uint64_t offsets_observed;
    uint64_t lag_records; /* source records that have no copy yet */
    int64_t lag_ns;       /* packet time since the oldest of them; -1: not known */
};

/* Table "code": totals, also of findings that no ring holds any more. */
struct pt_segment_code {
    struct pt_segment_text32 name;
    uint32_t severity;     /* enum pt_segment_severity */
    uint32_t inconclusive; /* 1: stands against a verdict of parity */
    uint64_t total;
};

#define PT_SEGMENT_PLACE_VALID 1u /* else the side of the finding is empty */
#define PT_SEGMENT_PLACE_KEY_NULL 2u

/* One side of a finding: a record and where it was seen first. */
struct pt_segment_place {
    struct pt_segment_text256 topic;
    struct pt_segment_text64 client_id; /* empty: not known */
    struct pt_segment_text64 client_addr;
    int32_t partition;
    uint32_t flags;
    int64_t offset;       /* -1: not known */
    int64_t timestamp_ms; /* the record's own; -1: none */
    int64_t time_ns;      /* packet time */
    uint64_t packet;      /* 1-based number within the tap; 0: not known */
    uint32_t key_hash;
    int32_t tap; /* row in "tap"; -1: not known */
};

#define PT_SEGMENT_PART_KEY 1u
#define PT_SEGMENT_PART_VALUE 2u
#define PT_SEGMENT_PART_HEADERS 4u
#define PT_SEGMENT_PART_TIMESTAMP 8u

struct pt_segment_finding {
    struct pt_segment_text32 code; /* as in table "code" */
    uint32_t severity;             /* enum pt_segment_severity */
    uint32_t parts;                /* of RECORD_MUTATED: PT_SEGMENT_PART_* */
    int32_t pair;                  /* row in "pair"; -1: none */
    int32_t cluster;               /* enum pt_segment_role; -1: none */
    uint64_t cnt;                  /* consecutive records from the one named */
    int64_t certified_ns;          /* wall clock, ns since the epoch */
    struct pt_segment_place source;
    struct pt_segment_place target;
    struct pt_segment_text256 message; /* one sentence for a person */
};

/* struct, name of its section, rows by default */
#define PT_SEGMENT_TABLE_LIST(X)                                                                   \
    X(RUN, run, 1)                                                                                 \
    X(TAP, tap, 64)                                                                                \
    X(CORE, core, 128)                                                                             \
    X(CLUSTER, cluster, 3)                                                                         \
    X(PAIR, pair, 4096)                                                                            \
    X(CODE, code, 64)

enum pt_segment_table {
#define X(NAME, name, rows) PT_SEGMENT_TABLE_##NAME,
    PT_SEGMENT_TABLE_LIST(X)
#undef X
            PT_SEGMENT_TABLE_CNT
};

#define PT_SEGMENT_RING_NAME "findings"

enum pt_segment_kind { PT_SEGMENT_KIND_TABLE = 1, PT_SEGMENT_KIND_RING = 2 };

struct pt_segment_section {
    char name[16];
    uint32_t kind;            /* enum pt_segment_kind */
    uint32_t row_sz;          /* of the struct */
    uint64_t off;             /* from the start of the segment */
    uint32_t stride;          /* from row to row */
    uint32_t row_max;         /* rows or slots */
    _Atomic uint64_t used;    /* table: rows taken; ring: findings ever appended */
    _Atomic uint64_t refused; /* rows for which there was no room: they are not in the table */
    uint64_t pad;
};

struct pt_segment_head {
    /* Written once, before `ready`. */
    char magic[8];
    uint32_t version;
    uint32_t byte_order; /* PT_SEGMENT_BYTE_ORDER */
    uint64_t total_sz;
    uint32_t section_cnt;
    uint32_t pid;
    uint64_t run_id;                  /* random: tells runs under one name apart */
    int64_t start_ns;                 /* wall clock, ns since the epoch */
    int64_t beat_every_ns;            /* how often the writer means to move beat_ns */
    struct pt_segment_text64 program; /* "paritap 0.1.0" */
    struct pt_segment_text64 host;
    uint8_t pad[72];
    /* Moves while the run lives. */
    _Atomic uint64_t ready;   /* 1: everything above and the section list hold */
    _Atomic uint64_t state;   /* enum pt_segment_state */
    _Atomic uint64_t beat_ns; /* heartbeat, CLOCK_MONOTONIC */
    uint64_t pad2[5];
    struct pt_segment_section section[PT_SEGMENT_SECTION_MAX];
};

_Static_assert(sizeof(struct pt_segment_section) == PT_SEGMENT_ALIGN, "one cache line");
_Static_assert(sizeof(struct pt_segment_head) % PT_SEGMENT_ALIGN == 0, "whole cache lines");
#define X(NAME, name, rows)                                                                        \
    _Static_assert(sizeof(struct pt_segment_##name) % 8 == 0, "copied in words of 64 bits");
PT_SEGMENT_TABLE_LIST(X)
#undef X
_Static_assert(sizeof(struct pt_segment_finding) % 8 == 0, "copied in words of 64 bits");

/* pt_segment_stride is the way from row to row: seq, then `copies` times the struct. */
static inline uint32_t pt_segment_stride(uint32_t row_sz, uint32_t copies)
{
    uint32_t sz = (uint32_t)sizeof(uint64_t) + copies * row_sz;

    return (sz + PT_SEGMENT_ALIGN - 1) / PT_SEGMENT_ALIGN * PT_SEGMENT_ALIGN;
}

#define PT_SEGMENT_TABLE_COPIES 2u
#define PT_SEGMENT_RING_COPIES 1u

#endif
