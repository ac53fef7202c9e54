/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/tell.h"

#include <arpa/inet.h>
#include <string.h>

#include "verify/pair.h"

struct pt_log_name pt_log_name_of(const struct pt_log *l)
{
    struct pt_log_name n = { .topic = l->topic->name->text,
                             .partition = l->partition,
                             .incarnation = l->topic->incarnation,
                             .has_id = l->topic->has_id };

    memcpy(n.id, l->topic->id, sizeof(n.id));
    return n;
}

static const char *address(struct pt_arena *a, const uint8_t ip[16], uint16_t port)
{
    static const uint8_t v4[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };
    char text[INET6_ADDRSTRLEN];

    if (!memcmp(ip, v4, sizeof(v4))) {
        inet_ntop(AF_INET, ip + 12, text, sizeof(text));
        return pt_arena_printf(a, "%s:%u", text, port);
    }
    inet_ntop(AF_INET6, ip, text, sizeof(text));
    return pt_arena_printf(a, "[%s]:%u", text, port);
}

struct pt_client_info pt_tell_client(struct pt_arena *a, const struct pt_client *c)
{
    return (struct pt_client_info){
        .client_id = c->text ? c->text : "",
        .client_addr = address(a, c->client_ip, c->client_port),
        .broker_addr = address(a, c->broker_ip, c->broker_port),
        .software = c->text ? c->text + c->software_at : "",
        .cluster = c->cluster,
        .batches_produced = c->batches_produced,
        .batches_fetched = c->batches_fetched,
    };
}

static struct pt_place place_of(const struct pt_site *site, const struct pt_client_info *clients,
                                size_t client_cnt)
{
    if (!site->log)
        return (struct pt_place){ 0 };
    return (struct pt_place){
        .valid = true,
        .topic = site->log->topic->name->text,
        .partition = site->log->partition,
        .offset = site->offset,
        .timestamp_ms = site->timestamp_ms,
        .key_hash = site->key,
        .key_null = site->key == 0,
        .at = site->at,
        .client = site->client < client_cnt ? &clients[site->client] : NULL,
    };
}

/* "topic-3@120" or "topic-3@120..129" */
static const char *where(struct pt_arena *a, const struct pt_place *p, uint64_t cnt)
{
    if (p->offset < 0)
        return pt_arena_printf(a, "%s-%d", p->topic, p->partition);
    if (cnt > 1)
        return pt_arena_printf(a, "%s-%d@%lld..%lld", p->topic, p->partition, (long long)p->offset,
                               (long long)(p->offset + (int64_t)cnt - 1));
    return pt_arena_printf(a, "%s-%d@%lld", p->topic, p->partition, (long long)p->offset);
}

static const char *sentence(struct pt_arena *a, const struct pt_finding *f, const char *text)
{
    const struct pt_place *one = f->source.valid ? &f->source : &f->target;
    const char *help = pt_finding_code_help(f->code);

    if (!f->source.valid && !f->target.valid)
        return text ? text : help;
    if (f->source.valid && f->target.valid)
        return pt_arena_printf(a, "source %s, target %s: %s%s%s%s%s", where(a, &f->source, f->cnt),
                               where(a, &f->target, f->cnt), help,
                               f->parts & PT_PART_KEY ? " (key)" : "",
                               f->parts & PT_PART_VALUE ? " (value)" : "",
                               f->parts & PT_PART_HEADERS ? " (headers)" : "",
                               f->parts & PT_PART_TIMESTAMP ? " (timestamp)" : "");
    return pt_arena_printf(a, "%s %s: %s%s%s", f->source.valid ? "source" : "target",
                           where(a, one, f->cnt), help, text ? ": " : "", text ? text : "");
}

const struct pt_pair *pt_fact_pair(const struct pt_fact *fact)
{
    const struct pt_log *l = fact->site[0].log ? fact->site[0].log : fact->site[1].log;

    return fact->pair ? fact->pair : l ? l->pair : NULL;
}

struct pt_finding pt_tell_finding(struct pt_arena *a, const struct pt_fact *fact,
                                  const struct pt_client_info *clients, size_t client_cnt)
{
    struct pt_finding f = { .code = fact->code,
                            .pair = -1,
                            .cluster = fact->cluster,
                            .parts = fact->parts,
                            .cnt = fact->cnt,
                            .source = place_of(&fact->site[0], clients, client_cnt),
                            .target = place_of(&fact->site[1], clients, client_cnt) };

    f.message = sentence(a, &f, fact->text);
    return f;
}
