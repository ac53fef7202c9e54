/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void pt_findings_init(struct pt_findings *f, struct pt_mem *mem, uint64_t max)
{
    *f = (struct pt_findings){ .mem = mem, .max = max };
}

static void free_text(struct pt_findings *f, const struct pt_fact *fact)
{
    if (fact->text_sz) {
        /* An owned text was allocated by pt_findings_say as plain chars. */
        void *p = (void *)(uintptr_t)fact->text;

        pt_mem_free(f->mem, p, fact->text_sz);
    }
}

void pt_findings_fini(struct pt_findings *f)
{
    for (size_t i = 0; i < f->cnt; i++)
        free_text(f, &f->fact[i]);
    pt_mem_free(f->mem, f->fact, f->cap * sizeof(*f->fact));
    pt_mem_free(f->mem, f->early, f->early_cap * sizeof(*f->early));
    pt_findings_init(f, f->mem, f->max);
}

/* A side continues if it has nothing on both, or the same log at the next offset. */
static bool side_continues(const struct pt_site *last, const struct pt_site *site, uint64_t cnt)
{
    if (last->log != site->log)
        return false;
    return !site->log || (last->offset >= 0 && site->offset - last->offset == (int64_t)cnt);
}

static bool continues(const struct pt_fact *last, const struct pt_fact *fact)
{
    if (last->pair != fact->pair || last->cluster != fact->cluster || last->parts != fact->parts)
        return false;
    if (last->text || fact->text || (!fact->site[0].log && !fact->site[1].log))
        return false;
    return side_continues(&last->site[0], &fact->site[0], last->cnt) &&
           side_continues(&last->site[1], &fact->site[1], last->cnt);
}

static bool make_room(struct pt_findings *f)
{
    struct pt_fact *fact;
    size_t cap = f->cap ? f->cap * 2 : 64;

    if (f->cnt < f->cap)
        return true;
    fact = pt_mem_resize(f->mem, f->fact, f->cap * sizeof(*fact), cap * sizeof(*fact));
    if (!fact)
        return false;
    f->fact = fact;
    f->cap = cap;
    return true;
}

struct pt_fact pt_fact_rest(const struct pt_fact *fact)
{
    struct pt_fact rest = *fact;

    rest.cnt -= fact->given;
    for (size_t i = 0; i < PT_CLUSTER_CNT; i++)
        if (rest.site[i].log && rest.site[i].offset >= 0)
            rest.site[i].offset += (int64_t)fact->given;
    return rest;
}

static bool put_early(struct pt_findings *f, const struct pt_fact *fact)
{
    if (f->early_cnt == f->early_cap) {
        size_t cap = f->early_cap ? 2 * f->early_cap : 64;
        struct pt_fact *early = pt_mem_resize(f->mem, f->early, f->early_cap * sizeof(*early),
                                              cap * sizeof(*early));

        if (!early)
            return false;
        f->early = early;
        f->early_cap = cap;
    }
    f->early[f->early_cnt++] = *fact;
    return true;
}

/* What is given of a fact is its beginning. So before one that was told early is joined to one that
 * was not, the rest of that goes out; without memory, the new one goes out twice. */
static void join(struct pt_findings *f, struct pt_fact *to, const struct pt_fact *fact)
{
    struct pt_fact rest = pt_fact_rest(to);

    if (fact->given && rest.cnt && put_early(f, &rest))
        to->given = to->cnt;
    if (to->given == to->cnt)
        to->given += fact->given;
    to->cnt += fact->cnt;
}

void pt_findings_add(struct pt_findings *f, const struct pt_fact *fact)
{
    size_t last = f->last[fact->code];

    f->total[fact->code] += fact->cnt;
    if (last && continues(&f->fact[last - 1], fact)) {
        join(f, &f->fact[last - 1], fact);
        if (last - 1 < f->fresh_from)
            f->fresh_from = last - 1;
        f->went_back = true;
        return;
    }
    if (f->cnt >= f->max || !make_room(f)) {
        free_text(f, fact);
        f->dropped++;
        return;
    }
    f->fact[f->cnt++] = *fact;
    f->last[fact->code] = f->cnt;
}

bool pt_findings_early(struct pt_findings *f, const struct pt_fact *fact)
{
    if (!f->watched || !put_early(f, fact))
        return false;
    f->early_total[fact->code] += fact->cnt;
    return true;
}

void pt_findings_say(struct pt_findings *f, const struct pt_fact *fact, const char *fmt, ...)
{
    struct pt_fact said = *fact;
    char buf[1024];
    char *text;
    va_list ap;
    size_t sz;

    va_start(ap, fmt);
    vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    sz = strlen(buf) + 1;
    text = pt_mem_alloc(f->mem, sz);
    if (text) {
        memcpy(text, buf, sz);
        said.text = text;
        said.text_sz = sz;
    }
    pt_findings_add(f, &said);
}

/* What is to be forgotten. */
struct unwanted {
    const struct pt_pair *pair; /* NULL: that of a log */
    const struct pt_log *log;
    enum pt_finding_code code; /* PT_FINDING_CODE_CNT: any */
};

static bool is_unwanted(const struct pt_fact *fact, const struct unwanted *u)
{
    if (u->pair)
        return fact->pair == u->pair;
    return (u->code == PT_FINDING_CODE_CNT || fact->code == u->code) &&
           (fact->site[0].log == u->log || fact->site[1].log == u->log);
}

static uint64_t forget(struct pt_findings *f, const struct unwanted *u)
{
    uint64_t records = 0;
    size_t kept = 0;
    size_t early = 0;

    for (size_t i = 0; i < f->early_cnt; i++)
        if (!is_unwanted(&f->early[i], u))
            f->early[early++] = f->early[i];
    f->taken_back -= f->early_cnt - early; /* the pair counts them; nobody has got them yet */
    f->early_cnt = early;
    memset(f->last, 0, sizeof(f->last));
    for (size_t i = 0; i < f->cnt; i++) {
        if (is_unwanted(&f->fact[i], u)) {
            records += f->fact[i].cnt;
            f->total[f->fact[i].code] -= f->fact[i].cnt;
            f->taken_back += f->fact[i].given;
            free_text(f, &f->fact[i]);
            continue;
        }
        f->fact[kept++] = f->fact[i];
        f->last[f->fact[kept - 1].code] = kept;
    }
    f->cnt = kept;
    f->fresh_from = 0; /* their places have changed */
    f->went_back = true;
    return records;
}

void pt_findings_forget(struct pt_findings *f, const struct pt_pair *pair)
{
    forget(f, &(struct unwanted){ .pair = pair });
}

uint64_t pt_findings_forget_log(struct pt_findings *f, const struct pt_log *log,
                                enum pt_finding_code only)
{
    return forget(f, &(struct unwanted){ .log = log, .code = only });
}
