/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/profile.h"

#include <string.h>

#define ROWS_MIN 32u

void pt_profile_init(struct pt_profile *p, struct pt_mem *mem)
{
    *p = (struct pt_profile){ .mem = mem };
}

void pt_profile_fini(struct pt_profile *p)
{
    pt_mem_free(p->mem, p->api, p->api_max * sizeof(*p->api));
    pt_mem_free(p->mem, p->conn, p->conn_max * sizeof(*p->conn));
    pt_mem_free(p->mem, p->slot, p->slot_cnt * sizeof(*p->slot));
    pt_profile_init(p, p->mem);
}

/* more_rows doubles an array; false leaves it as it is. */
static bool more_rows(struct pt_mem *mem, void **rows, uint32_t *max, uint32_t limit, size_t row_sz)
{
    uint32_t to = *max ? 2 * *max : ROWS_MIN;
    void *grown;

    if (to > limit)
        return false;
    grown = pt_mem_resize(mem, *rows, *max * row_sz, to * row_sz);
    if (!grown)
        return false;
    *rows = grown;
    *max = to;
    return true;
}

static bool is_api(const struct pt_api_row *r, uint8_t cluster, int16_t key, int16_t version)
{
    return r->cluster == cluster && r->api_key == key && r->api_version == version;
}

uint32_t pt_profile_api(struct pt_profile *p, uint8_t cluster, int16_t api_key, int16_t api_version,
                        uint32_t guess)
{
    void *rows = p->api;

    if (guess < p->api_cnt && is_api(&p->api[guess], cluster, api_key, api_version))
        return guess;
    for (uint32_t i = 0; i < p->api_cnt; i++)
        if (is_api(&p->api[i], cluster, api_key, api_version))
            return i;
    if (p->api_cnt == p->api_max &&
        !more_rows(p->mem, &rows, &p->api_max, PT_PROFILE_APIS_MAX, sizeof(*p->api)))
        return p->api_cnt ? p->api_cnt - 1 : PT_PROFILE_NONE;
    p->api = rows;
    p->api[p->api_cnt] = (struct pt_api_row){ .cluster = cluster,
                                              .api_key = api_key,
                                              .api_version = api_version };
    return p->api_cnt++;
}

static bool is_conn(const struct pt_conn_row *r, uint8_t cluster, enum pt_conn_kind kind,
                    const struct pt_endpoint *broker, const char *note)
{
    return r->cluster == cluster && r->kind == kind && r->broker.port == broker->port &&
           !memcmp(r->broker.ip, broker->ip, sizeof(broker->ip)) &&
           !strncmp(r->note, note, sizeof(r->note) - 1);
}

static uint32_t hash_conn(uint8_t cluster, enum pt_conn_kind kind, const struct pt_endpoint *broker,
                          const char *note)
{
    uint32_t h = (2166136261u ^ cluster ^ (uint32_t)kind << 8 ^ (uint32_t)broker->port << 16);

    for (size_t i = 0; i < sizeof(broker->ip); i++)
        h = (h ^ broker->ip[i]) * 16777619u;
    for (size_t i = 0; note[i] && i < sizeof(((struct pt_conn_row *)NULL)->note) - 1; i++)
        h = (h ^ (uint8_t)note[i]) * 16777619u;
    return h ^ h >> 15;
}

/* The slot of these connections' row, or the free one where it belongs: half of them are free. */
static uint16_t *find_slot(const struct pt_profile *p, uint8_t cluster, enum pt_conn_kind kind,
                           const struct pt_endpoint *broker, const char *note)
{
    uint32_t at = hash_conn(cluster, kind, broker, note);

    for (;; at++) {
        uint16_t *slot = &p->slot[at & (p->slot_cnt - 1)];

        if (!*slot ||
            (*slot <= p->conn_cnt && is_conn(&p->conn[*slot - 1], cluster, kind, broker, note)))
            return slot;
    }
}

static void fill_slots(struct pt_profile *p)
{
    memset(p->slot, 0, p->slot_cnt * sizeof(*p->slot));
    p->slot_used = p->conn_cnt;
    for (uint32_t i = 0; i < p->conn_cnt; i++) {
        const struct pt_conn_row *r = &p->conn[i];

        *find_slot(p, r->cluster, (enum pt_conn_kind)r->kind, &r->broker, r->note) =
                (uint16_t)(i + 1);
    }
}

/* More rows, and four slots for each; false: nothing changed but for the room. */
static bool more_conns(struct pt_profile *p)
{
    void *rows = p->conn;
    uint32_t max = p->conn_max;
    uint16_t *slot;

    if (p->slot_cnt == 4 * max &&
        !more_rows(p->mem, &rows, &max, PT_PROFILE_CONNS_MAX, sizeof(*p->conn)))
        return false;
    p->conn = rows;
    p->conn_max = max;
    slot = pt_mem_resize(p->mem, p->slot, p->slot_cnt * sizeof(*slot), 4 * max * sizeof(*slot));
    if (!slot)
        return false;
    p->slot = slot;
    p->slot_cnt = 4 * max;
    fill_slots(p);
    return true;
}

uint32_t pt_profile_conn(struct pt_profile *p, uint8_t cluster, enum pt_conn_kind kind,
                         const struct pt_endpoint *broker, const char *note)
{
    uint16_t *slot = p->slot_cnt ? find_slot(p, cluster, kind, broker, note) : NULL;
    struct pt_conn_row *r;

    if (slot && *slot)
        return *slot - 1u;
    if (4 * p->conn_cnt == p->slot_cnt && !more_conns(p))
        return p->conn_cnt ? p->conn_cnt - 1 : PT_PROFILE_NONE;
    if (2 * p->slot_used >= p->slot_cnt)
        fill_slots(p);
    slot = find_slot(p, cluster, kind, broker, note);
    *slot = (uint16_t)(p->conn_cnt + 1);
    p->slot_used++;
    r = &p->conn[p->conn_cnt];
    *r = (struct pt_conn_row){ .cluster = cluster, .kind = (uint8_t)kind, .broker = *broker };
    memcpy(r->note, note, strnlen(note, sizeof(r->note) - 1));
    return p->conn_cnt++;
}

void pt_profile_leave(struct pt_profile *p, uint32_t row, uint64_t bytes)
{
    p->conn[row].connections--;
    p->conn[row].bytes -= bytes;
    if (row == p->conn_cnt - 1 && !p->conn[row].connections)
        p->conn_cnt--;
}
