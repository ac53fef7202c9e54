/* SPDX-License-Identifier: Apache-2.0 */
/* What a live run puts into its segment: each thread its own rows, at its own pace. */
#include <stdio.h>
#include <string.h>

#include "dataplane/live_pvt.h"

int pt_live_show_open(struct pt_live *l, struct pt_segment_cfg *cfg, struct pt_port_error *err)
{
    int rc;

    cfg->row_max[PT_SEGMENT_TABLE_TAP] = l->port_cnt;
    cfg->row_max[PT_SEGMENT_TABLE_CORE] = l->worker_cnt + 1;
    rc = pt_segment_create(&l->segment_mem, cfg);
    if (rc) {
        snprintf(err->text, sizeof(err->text), "%s", l->segment_mem.trouble);
        return rc;
    }
    l->segment = &l->segment_mem;
    l->run_row_idx = pt_segment_take(l->segment, PT_SEGMENT_TABLE_RUN);
    for (unsigned i = 0; i < l->port_cnt; i++)
        l->port[i].tap_row = pt_segment_take(l->segment, PT_SEGMENT_TABLE_TAP);
    for (unsigned i = 0; i < l->worker_cnt; i++)
        l->worker[i].core_row = pt_segment_take(l->segment, PT_SEGMENT_TABLE_CORE);
    l->shard_row = l->own_shard ? pt_segment_take(l->segment, PT_SEGMENT_TABLE_CORE) : -1;
    pt_live_show_main(l);
    pt_segment_set_state(l->segment, PT_SEGMENT_RUNNING);
    return 0;
}

void pt_live_show_worker(struct pt_live_worker *w)
{
    (void)w;
}

void pt_live_show_shard(struct pt_live *l)
{
    (void)l;
}

void pt_live_show_main(struct pt_live *l)
{
    if (l->segment)
        pt_segment_beat(l->segment);
}

void pt_live_show_end(struct pt_live *l, const struct pt_live_state *state)
{
    (void)state;
    if (l->segment)
        pt_segment_close(l->segment);
}
