/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_PROFILE_H
#define PT_PARSER_PROFILE_H
/*
 * Who spoke what: the rows of conn.h (struct pt_api_row, struct pt_conn_row). Rows stay in
 * first-seen order, so their index is their name. Bounded: past the maximum everything is counted
 * in the last row, whose fields then are those of whoever came last before.
 */
#include "parser/conn.h"

#define PT_PROFILE_APIS_MAX 1024u
#define PT_PROFILE_CONNS_MAX 4096u
#define PT_PROFILE_NONE UINT32_MAX

struct pt_profile {
    struct pt_mem *mem;
    struct pt_api_row *api;
    uint32_t api_cnt;
    uint32_t api_max;
    struct pt_conn_row *conn;
    uint32_t conn_cnt;
    uint32_t conn_max;
    /* Connections find their row by a hash: idx + 1, 0 where nothing was ever. A slot whose row has
     * gone, or is another's now, is passed over until the next time that all are filled anew. */
    uint16_t *slot;
    uint32_t slot_cnt; /* power of two */
    uint32_t slot_used;
};

void pt_profile_init(struct pt_profile *p, struct pt_mem *mem);
void pt_profile_fini(struct pt_profile *p);

/* pt_profile_api returns the row of an api and version, PT_PROFILE_NONE when the budget is spent.
 * guess is where it was last time. */
uint32_t pt_profile_api(struct pt_profile *p, uint8_t cluster, int16_t api_key, int16_t api_version,
                        uint32_t guess);

/* pt_profile_conn returns the row of connections of this kind to this endpoint. */
uint32_t pt_profile_conn(struct pt_profile *p, uint8_t cluster, enum pt_conn_kind kind,
                         const struct pt_endpoint *broker, const char *note);

/* pt_profile_leave takes a connection out of its row, which goes away if it was just made for it.
 */
void pt_profile_leave(struct pt_profile *p, uint32_t row, uint64_t bytes);

#endif
