/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "parser/conn_pvt.h"

/* Of the parser's memory, for what waits for a proof. */
#define HOLD_PART 8u

const struct pt_parser_cfg pt_parser_cfg_default = {
    .batch = { .hash_key = 0x7061726974617030u,
               .inflated_max = 256u << 20,
               .record_max = 4u << 20 },
    .frame_max = (100u << 20) + 65536u,
    .gather_max = 16u << 20,
    .inflight_max = 4096,
    .session_partitions_max = 1u << 20,
    .seen_slots = 256u << 10,
    .handoff_min = 16u << 10,
};

int pt_parser_open(struct pt_mem *mem, const struct pt_parser_cfg *cfg, struct pt_obs_out *out,
                   struct pt_parser **ret_parser)
{
    struct pt_parser *p;
    int r;

    if (cfg->frame_max > INT32_MAX || cfg->gather_max > INT32_MAX || !cfg->inflight_max ||
        cfg->shed.step >= PT_SHED_STEP_CNT)
        return -EINVAL;
    p = pt_mem_zalloc(mem, sizeof(*p));
    if (!p)
        return -ENOMEM;
    p->mem = mem;
    p->lane = out;
    p->out = out;
    p->cfg = *cfg;
    p->frame_cfg =
            (struct pt_frame_cfg){ .frame_max = cfg->frame_max, .gather_max = cfg->gather_max };
    p->fetch_budget.max_cnt = cfg->session_partitions_max;
    pt_parser_shed(p, &(struct pt_shed){ 0 });
    pt_topics_init(&p->topics, mem, out);
    pt_profile_init(&p->profile, mem);
    p->seen = cfg->seen ? cfg->seen : &p->own_seen;
    r = pt_hold_budget_open(&p->hold_budget, mem, mem->limit_sz / HOLD_PART);
    if (!r)
        r = cfg->seen ? 0 : pt_seen_open(&p->own_seen, mem, cfg->seen_slots);
    if (!r)
        r = pt_batch_reader_open(mem, &cfg->batch, &p->reader);
    if (r) {
        pt_seen_close(&p->own_seen, mem);
        pt_hold_budget_close(&p->hold_budget);
        pt_mem_free(mem, p, sizeof(*p));
        return r;
    }
    *ret_parser = p;
    return 0;
}

void pt_parser_close(struct pt_parser *p)
{
    struct pt_mem *mem = p->mem;

    pt_batch_reader_close(p->reader);
    pt_seen_close(&p->own_seen, mem);
    pt_topics_fini(&p->topics);
    pt_profile_fini(&p->profile);
    pt_hold_budget_close(&p->hold_budget);
    pt_mem_free(mem, p, sizeof(*p));
}

void pt_parser_shed(struct pt_parser *p, const struct pt_shed *shed)
{
    uint8_t step = p->cfg.shed.step;

    p->shed = *shed;
    if (step > shed->step || (step == shed->step && p->cfg.shed.share > shed->share)) {
        p->shed.step = step;
        p->shed.share = p->cfg.shed.share;
    }
}

void pt_parser_publish(struct pt_parser *p)
{
    p->stats.frame_bytes = p->counts.frame_bytes;
    p->stats.unframed_bytes = p->counts.unframed_bytes;
    p->stats.frames = p->counts.frames;
    p->stats.resyncs = p->counts.resyncs;
    p->stats.topics_refused = p->topics.refused_cnt;
    p->stats.fetch_offsets_refused = p->fetch_budget.refused_cnt;
    p->stats.memory_refused = p->mem->refused_cnt;
}

void pt_parser_count_bad(struct pt_parser_stats *s, enum pt_status st)
{
    if (st == PT_BAD_CRC)
        s->batches_crc_bad++;
    else if (st == PT_OVERSIZE)
        s->batches_oversize++;
    else
        s->batches_malformed++;
}

const struct pt_parser_stats *pt_parser_stats(const struct pt_parser *p)
{
    return &p->stats;
}

size_t pt_parser_api_rows(const struct pt_parser *p, const struct pt_api_row **ret_rows)
{
    *ret_rows = p->profile.api;
    return p->profile.api_cnt;
}

size_t pt_parser_conn_rows(const struct pt_parser *p, const struct pt_conn_row **ret_rows)
{
    *ret_rows = p->profile.conn;
    return p->profile.conn_cnt;
}
