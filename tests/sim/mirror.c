/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/sim/mirror.h"

#include <errno.h>
#include <string.h>

#define BEHIND_MAX 8u

static uint64_t mix(uint64_t z)
{
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static double to_share(uint64_t x)
{
    return (double)(x >> 11) / 9007199254740992.0;
}

static double draw(struct mirror *m)
{
    m->rng += 0x9e3779b97f4a7c15u;
    return to_share(mix(m->rng));
}

int mirror_open(struct mirror *m, const char *path, const struct mirror_cfg *cfg,
                struct oracle *oracle)
{
    const uint32_t header[6] = { 0xa1b23c4d, 2 | 4u << 16, 0, 0, 262144, 1 };

    *m = (struct mirror){ .f = fopen(path, "wb"), .oracle = oracle };
    if (!m->f)
        return -errno;
    if (cfg)
        m->cfg = *cfg;
    m->rng = mix(m->cfg.seed + 1);
    setvbuf(m->f, NULL, _IOFBF, 1 << 20);
    m->bytes = sizeof(header);
    return fwrite(header, sizeof(header), 1, m->f) == 1 ? 0 : -EIO;
}

static void write_frame(struct mirror *m, const uint8_t *frame, size_t len)
{
    int64_t ns = m->now_ns + m->cfg.clock_ns;
    size_t cap = m->cfg.snap_len && m->cfg.snap_len < len ? m->cfg.snap_len : len;
    uint32_t rec[4] = { (uint32_t)(ns / 1000000000), (uint32_t)(ns % 1000000000), (uint32_t)cap,
                        (uint32_t)len };

    fwrite(rec, sizeof(rec), 1, m->f);
    fwrite(frame, cap, 1, m->f);
    m->passed++;
    m->bytes += sizeof(rec) + cap;
}

/* The one that waits, if enough others went first, or at the end. */
static void let_go(struct mirror *m, bool now)
{
    if (!m->late.behind || (--m->late.behind && !now))
        return;
    m->late.behind = 0;
    write_frame(m, m->late.data, m->late.len);
}

int mirror_close(struct mirror *m)
{
    int bad;

    let_go(m, true);
    bad = ferror(m->f);
    return fclose(m->f) || bad ? -EIO : 0;
}

/* Two states, so that runs have the wanted mean and all of them together the wanted share. */
static bool is_lost(struct mirror *m)
{
    double leave = 1 / m->cfg.burst;
    double enter = m->cfg.loss * leave / (1 - m->cfg.loss);

    if (m->cfg.loss <= 0)
        return false;
    if (m->cfg.burst <= 1)
        m->in_burst = draw(m) < m->cfg.loss;
    else
        m->in_burst = m->in_burst ? draw(m) >= leave : draw(m) < enter;
    return m->in_burst;
}

static bool is_dark(const struct mirror *m, uint32_t dir)
{
    return m->cfg.one_way > 0 && to_share(mix(m->cfg.seed ^ mix(dir + 1))) < m->cfg.one_way;
}

static void tell_oracle(struct mirror *m, size_t len, const struct mirror_load *load)
{
    size_t cap = m->cfg.snap_len && m->cfg.snap_len < len ? m->cfg.snap_len : len;
    size_t head = len - load->len;

    if (load->syn)
        oracle_kept_syn(m->oracle, load->dir);
    if (cap > head)
        oracle_kept(m->oracle, load->dir, load->off, load->off + (cap - head));
}

void mirror_frame(struct mirror *m, int64_t now_ns, const uint8_t *frame, size_t len,
                  const struct mirror_load *load)
{
    m->now_ns = now_ns;
    if (m->off || is_lost(m) || is_dark(m, load->dir)) {
        m->lost++;
        return;
    }
    if (m->oracle)
        tell_oracle(m, len, load);
    if (!m->late.behind && m->cfg.reorder > 0 && draw(m) < m->cfg.reorder) {
        memcpy(m->late.data, frame, len);
        m->late.len = len;
        m->late.behind = 1 + (unsigned)(draw(m) * BEHIND_MAX);
        return;
    }
    write_frame(m, frame, len);
    if (m->cfg.copies > 0 && draw(m) < m->cfg.copies)
        write_frame(m, frame, len);
    let_go(m, false);
}
