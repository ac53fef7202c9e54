/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#include "tools/values.h"

#define BAR_COLUMNS 30
#define INTERVAL_NS 100000000

static int64_t now_ns(void)
{
    struct timespec ts;

    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void pt_progress_begin(struct pt_progress *p, bool wanted)
{
    *p = (struct pt_progress){ .shown = wanted && isatty(STDERR_FILENO) };
    if (!p->shown)
        return;
    p->start_ns = now_ns();
    p->next_ns = p->start_ns + INTERVAL_NS;
}

static void draw(const struct pt_progress *p, int64_t now, uint64_t done, uint64_t whole)
{
    double sec = (double)(now - p->start_ns) / 1e9;
    double rate = sec > 0 ? (double)done / sec : 0;
    double share = whole ? (double)done / (double)whole : 0;
    char bar[BAR_COLUMNS + 1];
    char a[PT_TEXT_MAX];
    char b[PT_TEXT_MAX];

    if (!whole) { /* a pipe: nobody knows how long it is */
        fprintf(stderr, "\r\033[K  %s read, %s/s", pt_text_bytes(done, a),
                pt_text_bytes((uint64_t)rate, b));
        return;
    }
    if (share > 1)
        share = 1;
    for (int i = 0; i < BAR_COLUMNS; i++)
        bar[i] = (double)i < share * BAR_COLUMNS ? '#' : '.';
    bar[BAR_COLUMNS] = 0;
    fprintf(stderr, "\r\033[K  [%s] %3.0f %%  %s of %s", bar, share * 100, pt_text_bytes(done, a),
            pt_text_bytes(whole, b));
    fprintf(stderr, "  %s/s  %.0f s to go", pt_text_bytes((uint64_t)rate, a),
            rate > 0 ? (double)(whole - (done < whole ? done : whole)) / rate : 0);
}

void pt_progress_update(struct pt_progress *p, struct pt_capture *const *caps, size_t cap_cnt)
{
    uint64_t done = 0;
    uint64_t whole = 0;
    bool known = true;
    int64_t now;

    if (!p->shown)
        return;
    now = now_ns();
    if (now < p->next_ns)
        return;
    p->next_ns = now + INTERVAL_NS;
    for (size_t i = 0; i < cap_cnt; i++) {
        const struct pt_capture_info *info = pt_capture_info(caps[i]);

        done += info->file_read;
        whole += info->file_sz;
        known = known && info->file_sz;
    }
    draw(p, now, done, known ? whole : 0);
    fflush(stderr);
}

void pt_progress_end(struct pt_progress *p)
{
    if (!p->shown)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    p->shown = false;
}
