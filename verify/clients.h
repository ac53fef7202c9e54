/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_VERIFY_CLIENTS_H
#define PT_VERIFY_CLIENTS_H
/*
 * The connections that observations name: one number for all lanes, and what is known of each.
 * Entries live as long as the shard, since findings refer to them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "hw/memory.h"
#include "parser/observation.h"
#include "verify/registry.h"

struct pt_client {
    char *text; /* client id, then software, each terminated */
    size_t text_sz;
    uint32_t software_at;
    uint8_t cluster;
    uint16_t client_port;
    uint16_t broker_port;
    uint8_t client_ip[16];
    uint8_t broker_ip[16];
    uint64_t batches_produced;
    uint64_t batches_fetched;
};

struct pt_clients {
    struct pt_mem *mem;
    struct pt_client *c;
    size_t cnt;
    size_t cap;
    uint32_t *lane[PT_LANE_MAX]; /* lane's number -> ours + 1, 0 not known */
    size_t lane_cap[PT_LANE_MAX];
};

void pt_clients_init(struct pt_clients *s, struct pt_mem *mem);
void pt_clients_fini(struct pt_clients *s);

/* pt_clients_learn: false if memory is refused or the number is nonsense. */
bool pt_clients_learn(struct pt_clients *s, uint32_t lane, const struct pt_obs_client *o);

/* pt_clients_number returns our number, or PT_NO_CLIENT. */
uint32_t pt_clients_number(const struct pt_clients *s, uint32_t lane, uint32_t client);

#endif
