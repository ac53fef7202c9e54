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

uint32_t pt_profile_conn(struct pt_profile *p, uint8_t cluster, enum pt_conn_kind kind,
                         const struct pt_endpoint *broker, const char *note)
{
    void *rows = p->conn;
    struct pt_conn_row *r;

    for (uint32_t i = 0; i < p->conn_cnt; i++)
        if (is_conn(&p->conn[i], cluster, kind, broker, note))
            return i;
    if (p->conn_cnt == p->conn_max &&
        !more_rows(p->mem, &rows, &p->conn_max, PT_PROFILE_CONNS_MAX, sizeof(*p->conn)))
        return p->conn_cnt ? p->conn_cnt - 1 : PT_PROFILE_NONE;
    p->conn = rows;
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
