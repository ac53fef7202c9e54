/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/handoff.h"

#include <string.h>

#include "parser/conn_pvt.h"

_Static_assert(sizeof(struct pt_obs_ticket) % 8 == 0, "messages are whole words");

void pt_handoff_settle(struct pt_parser *p, struct pt_obs_out *out, const struct pt_obs_ticket *t,
                       enum pt_status status, const struct pt_record *rec)
{
    const struct pt_obs *head = &t->batch.head;
    struct pt_obs_batch *o = pt_obs_put(out, PT_OBS_BATCH, head->cluster, &head->at, sizeof(*o), 0);

    *o = t->batch;
    o->head.kind = PT_OBS_BATCH;
    o->head.size = sizeof(*o);
    if (status != PT_OK) {
        o->status = (uint8_t)status;
        o->records_here = 0;
        pt_parser_count_bad(&p->stats, status);
        return;
    }
    pt_obs_put_records(out, head, rec, t->batch.record_cnt);
    p->stats.records += t->batch.record_cnt;
    if (t->remember)
        pt_seen_add(p->seen, &t->seen, t->order);
}
