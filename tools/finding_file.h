/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_TOOLS_FINDING_FILE_H
#define PT_TOOLS_FINDING_FILE_H
/*
 * A file to which findings are appended as they come, as JSON lines: those that `paritap report
 * --jsonl` writes (snapshot_json.h), of type "finding", and "missed" where some are not in the
 * file. It follows the run's own segment like any other reader, so that there is one way in which
 * findings are told.
 *
 *   findings.jsonl        written to, up to rotate_sz
 *   findings.jsonl.1      full, the newest
 *   findings.jsonl.keep   full, the oldest
 *
 * Whatever happens to the disk, the caller goes on: a line that cannot be written is counted, and a
 * line of type "missed" stands in its place once writing works again. The first trouble is told on
 * stderr, and at the end how many findings are not in the file. A line is whole or not there; what
 * a crash of the machine, or of the process, left of one is ended before the next line.
 *
 * One thread uses an object: the one that keeps house. Call pt_finding_file_poll there a few times
 * a second; each call is bounded by PT_FINDING_FILE_BURST lines and the disk's patience.
 *
 * Who gives up root opens the file afterwards (privilege.h), so that it belongs to the user who has
 * to rotate it; but the reader of the segment before, while it may read it.
 */
#include <stdio.h>

#include "dataplane/segment_reader.h"
#include "tools/values.h"

/* When lines are forced to the disk. The numbers are those of the setting findings.fsync. */
enum pt_finding_fsync {
    PT_FINDING_FSYNC_NEVER = 0,    /* the kernel writes them when it likes: within half a minute */
    PT_FINDING_FSYNC_ALWAYS = 1,   /* before poll returns */
    PT_FINDING_FSYNC_INTERVAL = 2, /* once a second */
};

struct pt_finding_file_cfg {
    const char *path;   /* borrowed until close */
    uint64_t rotate_sz; /* a line that would make the file longer begins a new one */
    unsigned keep;      /* files set aside; 0: what is full is removed */
    enum pt_finding_fsync fsync;
};

/* Findings that one poll takes at most. */
#define PT_FINDING_FILE_BURST 4096

/* Longest line: a byte from the wire is escaped with up to six, and the names of two taps stand in
 * it. */
#define PT_FINDING_LINE_MAX 16384

_Static_assert(6 * (sizeof(struct pt_segment_finding) + 2 * sizeof(struct pt_segment_text256)) +
                               2048 <=
                       PT_FINDING_LINE_MAX,
               "every finding fits");

struct pt_finding_file {
    struct pt_finding_file_cfg cfg;
    int fd;
    bool regular;       /* a file, neither /dev/stdout nor the like: can be rotated and forced */
    bool cut;           /* ends inside a line */
    bool dirty;         /* written to since it was forced to the disk */
    bool told;          /* of the first trouble */
    uint64_t size;      /* of the file */
    uint64_t rotate_at; /* size; later than rotate_sz if rotating has failed */
    int64_t forced_ns;  /* CLOCK_MONOTONIC */
    struct pt_segment_cursor cursor;
    uint64_t missed;  /* of the cursor's, taken over into untold */
    uint64_t untold;  /* findings not in the file, for which no line stands there yet */
    uint64_t written; /* findings in the file */
    uint64_t lost;    /* findings that the disk did not take */
    FILE *mem;        /* over line + 1 */
    char line[1 + PT_FINDING_LINE_MAX]; /* behind the end of the line that was cut */
};

/* pt_finding_file_open makes the file (mode 0640) or goes on behind what is in it. SIGXFSZ is
 * ignored from here on: a limit on the size of files is one more way in which a disk is full. 0, or
 * -errno with err set. */
int pt_finding_file_open(struct pt_finding_file *ff, const struct pt_finding_file_cfg *cfg,
                         struct pt_error *err);

/* pt_finding_file_poll appends what is new in the segment, always the same one; returns how many
 * findings it took: at the end, call it until that is 0. */
unsigned pt_finding_file_poll(struct pt_finding_file *ff, const struct pt_segment_reader *r);

void pt_finding_file_close(struct pt_finding_file *ff);

#endif
