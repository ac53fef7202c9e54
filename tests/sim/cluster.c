/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/cluster.h"

#include <stdlib.h>
#include <string.h>

static void *grow(void *p, uint64_t cnt, uint64_t cap, size_t sz)
{
    if (cnt <= cap)
        return p;
    p = realloc(p, cnt * sz);
    if (!p)
        abort();
    return p;
}

void cluster_init(struct cluster *k, unsigned index, uint32_t replicas, uint32_t partitions)
{
    *k = (struct cluster){ .index = index, .replicas = replicas, .partitions = partitions };
    for (uint32_t p = 0; p < partitions; p++)
        k->log[p].leader = p % replicas;
}

void cluster_fini(struct cluster *k)
{
    for (uint32_t p = 0; p < k->partitions; p++) {
        buf_fini(&k->log[p].bytes);
        free(k->log[p].batch);
        free(k->log[p].dead);
        free(k->log[p].place);
        free(k->log[p].txn);
    }
    batch_writer_fini(&k->writer);
    free(k->scratch);
}

/* A batch that is written at the end of bytes. */
static struct stored_batch *store(struct sim_log *l, uint32_t replicas, size_t off, uint32_t cnt)
{
    if (l->batch_cnt == l->batch_cap) {
        l->batch_cap = l->batch_cap ? 2 * l->batch_cap : 64;
        l->batch = grow(l->batch, l->batch_cap, 0, sizeof(*l->batch));
    }
    if (l->serial_cnt == l->dead_cap) {
        l->dead_cap = l->dead_cap ? 2 * l->dead_cap : 64;
        l->dead = grow(l->dead, l->dead_cap, 0, sizeof(*l->dead));
    }
    if (l->leo + cnt > l->place_cap) {
        l->place_cap = 2 * (l->leo + cnt);
        l->place = grow(l->place, (uint64_t)l->place_cap, 0, sizeof(*l->place));
    }
    l->dead[l->serial_cnt] = false;
    l->batch[l->batch_cnt] = (struct stored_batch){ .base = l->leo,
                                                    .cnt = cnt,
                                                    .serial = l->serial_cnt++,
                                                    .off = off,
                                                    .sz = l->bytes.len - off,
                                                    .producer_id = -1 };
    batch_place(l->bytes.data + off, l->leo, l->epoch);
    l->leo += cnt;
    log_replicated(l, replicas, l->leader, l->leo);
    return &l->batch[l->batch_cnt++];
}

static void to_records(struct cluster *k, const struct place *place, uint32_t cnt)
{
    if (cnt > k->scratch_cap) {
        k->scratch = grow(k->scratch, cnt, k->scratch_cap, sizeof(*k->scratch));
        k->scratch_cap = cnt;
    }
    for (uint32_t i = 0; i < cnt; i++)
        k->scratch[i] = (struct batch_record){ place[i].content, place[i].timestamp_ms };
}

/* The bytes lie in order, so those of all batches behind it move. */
void log_compact(struct cluster *k, uint32_t partition, struct stored_batch *b)
{
    struct sim_log *l = &k->log[partition];
    struct buf now = { 0 };

    to_records(k, &l->place[b->base], b->cnt);
    buf_put(&now, l->bytes.data, b->off);
    batch_put(&k->writer, &now, &b->spec, k->scratch, b->cnt);
    batch_place(now.data + b->off, b->base, l->epoch);
    for (struct stored_batch *next = b + 1; next < l->batch + l->batch_cnt; next++) {
        size_t off = next->off;

        next->off = now.len;
        buf_put(&now, l->bytes.data + off, next->sz);
    }
    b->sz = (b + 1 < l->batch + l->batch_cnt ? b[1].off : now.len) - b->off;
    buf_fini(&l->bytes);
    l->bytes = now;
}

static struct txn *open_txn(struct sim_log *l, int64_t producer_id)
{
    for (uint32_t i = l->txn_cnt; i-- > l->txn_done;)
        if (l->txn[i].producer_id == producer_id && l->txn[i].end < 0)
            return &l->txn[i];
    return NULL;
}

static void begin_txn(struct sim_log *l, int64_t producer_id)
{
    if (open_txn(l, producer_id))
        return;
    if (l->txn_cnt == l->txn_cap) {
        l->txn_cap = l->txn_cap ? 2 * l->txn_cap : 16;
        l->txn = grow(l->txn, l->txn_cap, 0, sizeof(*l->txn));
    }
    l->txn[l->txn_cnt++] = (struct txn){ .producer_id = producer_id, .first = l->leo, .end = -1 };
}

const struct stored_batch *log_append(struct cluster *k, uint32_t partition,
                                      const struct batch_spec *spec, bool safe,
                                      const struct place *place, uint32_t cnt)
{
    struct sim_log *l = &k->log[partition];
    size_t off = l->bytes.len;
    struct stored_batch *b;

    to_records(k, place, cnt);
    if (spec->flags & BATCH_TXN)
        begin_txn(l, spec->producer_id);
    batch_put(&k->writer, &l->bytes, spec, k->scratch, cnt);
    b = store(l, k->replicas, off, cnt);
    b->producer_id = spec->producer_id;
    b->spec = *spec;
    b->safe = safe;
    memcpy(&l->place[b->base], place, cnt * sizeof(*place));
    return b;
}

void log_end_txn(struct cluster *k, uint32_t partition, int64_t producer_id, bool commit,
                 int64_t timestamp_ms)
{
    struct sim_log *l = &k->log[partition];
    struct txn *t = open_txn(l, producer_id);
    size_t off = l->bytes.len;
    struct stored_batch *b;

    if (!t)
        return;
    batch_put_marker(&k->writer, &l->bytes, producer_id, 0, commit, timestamp_ms);
    b = store(l, k->replicas, off, 1);
    b->producer_id = producer_id;
    b->safe = true;
    l->place[b->base] = (struct place){ .from = -1 };
    t->end = l->leo;
    t->aborted = !commit;
    for (uint32_t i = log_find(l, t->first); !commit && i + 1 < l->batch_cnt; i++)
        for (uint32_t n = 0; n < l->batch[i].cnt && l->batch[i].producer_id == producer_id; n++)
            l->place[l->batch[i].base + n].content = 0;
}

void log_replicated(struct sim_log *l, uint32_t replicas, uint32_t replica, int64_t leo)
{
    int64_t low = INT64_MAX;

    l->replica_leo[replica] = leo;
    for (uint32_t i = 0; i < replicas; i++)
        if (l->replica_leo[i] < low)
            low = l->replica_leo[i];
    if (low > l->hw)
        l->hw = low;
    while (l->txn_done < l->txn_cnt && l->txn[l->txn_done].end >= 0 &&
           l->txn[l->txn_done].end <= l->hw)
        l->txn_done++;
}

bool log_new_leader(struct cluster *k, uint32_t partition, uint32_t leader)
{
    struct sim_log *l = &k->log[partition];
    int64_t end = l->replica_leo[leader];
    uint32_t kept = log_find(l, end);

    for (uint32_t i = kept; i < l->batch_cnt; i++)
        if (l->batch[i].safe)
            return false;
    for (uint32_t i = kept; i < l->batch_cnt; i++)
        l->dead[l->batch[i].serial] = true;
    if (kept < l->batch_cnt)
        l->bytes.len = l->batch[kept].off;
    l->batch_cnt = kept;
    l->leo = end;
    for (uint32_t i = 0; i < k->replicas; i++)
        if (l->replica_leo[i] > end)
            l->replica_leo[i] = end;
    l->leader = leader;
    l->epoch++;
    return true;
}

int64_t log_lso(const struct sim_log *l)
{
    int64_t lso = l->hw;

    for (uint32_t i = l->txn_done; i < l->txn_cnt; i++)
        if ((l->txn[i].end < 0 || l->txn[i].end > l->hw) && l->txn[i].first < lso)
            lso = l->txn[i].first;
    return lso;
}

uint32_t log_find(const struct sim_log *l, int64_t off)
{
    uint32_t lo = 0;
    uint32_t hi = l->batch_cnt;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (l->batch[mid].base + l->batch[mid].cnt > off)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo;
}
