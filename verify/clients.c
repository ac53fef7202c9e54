/* SPDX-License-Identifier: Apache-2.0 */
#include "verify/clients.h"

#include <string.h>

#include "verify/findings.h"

void pt_clients_init(struct pt_clients *s, struct pt_mem *mem)
{
    *s = (struct pt_clients){ .mem = mem };
}

void pt_clients_fini(struct pt_clients *s)
{
    for (size_t i = 0; i < s->cnt; i++)
        pt_mem_free(s->mem, s->c[i].text, s->c[i].text_sz);
    pt_mem_free(s->mem, s->c, s->cap * sizeof(*s->c));
    for (size_t i = 0; i < PT_LANE_MAX; i++)
        pt_mem_free(s->mem, s->lane[i], s->lane_cap[i] * sizeof(uint32_t));
    pt_clients_init(s, s->mem);
}

static uint32_t *number_of(struct pt_clients *s, uint32_t lane, uint32_t client)
{
    if (client >= PT_LANE_NUMBER_MAX)
        return NULL;
    if (client >= s->lane_cap[lane]) {
        size_t cap = s->lane_cap[lane] ? s->lane_cap[lane] : 64;
        uint32_t *n;

        while (cap <= client)
            cap *= 2;
        n = pt_mem_resize(s->mem, s->lane[lane], s->lane_cap[lane] * sizeof(*n), cap * sizeof(*n));
        if (!n)
            return NULL;
        memset(n + s->lane_cap[lane], 0, (cap - s->lane_cap[lane]) * sizeof(*n));
        s->lane[lane] = n;
        s->lane_cap[lane] = cap;
    }
    return &s->lane[lane][client];
}

bool pt_clients_learn(struct pt_clients *s, uint32_t lane, const struct pt_obs_client *o)
{
    uint32_t *number = number_of(s, lane, o->client);
    size_t sz = (size_t)o->client_id_len + o->software_len + 2;
    struct pt_client *c;
    char *text;

    if (!number)
        return false;
    if (!*number) {
        if (s->cnt == s->cap) {
            size_t cap = s->cap ? s->cap * 2 : 64;

            c = pt_mem_resize(s->mem, s->c, s->cap * sizeof(*c), cap * sizeof(*c));
            if (!c)
                return false;
            s->c = c;
            s->cap = cap;
        }
        s->c[s->cnt++] = (struct pt_client){ 0 };
        *number = (uint32_t)s->cnt;
    }
    c = &s->c[*number - 1];
    text = pt_mem_zalloc(s->mem, sz);
    if (!text)
        return false;
    pt_mem_free(s->mem, c->text, c->text_sz);
    memcpy(text, o->text, o->client_id_len);
    memcpy(text + o->client_id_len + 1, o->text + o->client_id_len, o->software_len);
    c->text = text;
    c->text_sz = sz;
    c->software_at = o->client_id_len + 1u;
    c->cluster = o->head.cluster;
    c->client_port = o->client_port;
    c->broker_port = o->broker_port;
    memcpy(c->client_ip, o->client_ip, 16);
    memcpy(c->broker_ip, o->broker_ip, 16);
    return true;
}

uint32_t pt_clients_number(const struct pt_clients *s, uint32_t lane, uint32_t client)
{
    if (client >= s->lane_cap[lane] || !s->lane[lane][client])
        return PT_NO_CLIENT;
    return s->lane[lane][client] - 1;
}
