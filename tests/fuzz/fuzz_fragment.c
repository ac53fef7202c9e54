/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The store of fragments under any list of them. Input: one byte of bounds, then 9 bytes a fragment
 * (see next_fragment). A byte of a packet says where it belongs; one bit of the input makes it
 * another. Properties: what comes out has the length that its last fragment said, and holds bytes
 * of its place only; two packets of which none has other bytes are never mixed up; what is lent
 * stays as it is until it is given back; the books add up, bounds hold, all memory comes back.
 */
#include "dataplane/fragment.h"
#include "tests/fuzz/fuzz.h"

#define LENT_MAX 5

struct lent {
    struct pt_datagram *d;
    uint32_t id;
};

struct run {
    struct pt_mem mem;
    struct pt_fragments s;
    struct lent lent[LENT_MAX];
    bool odd; /* a byte was another somewhere */
};

static uint8_t byte_of(uint32_t id, uint32_t off)
{
    return (uint8_t)(off * 7 + off / 251 + id * 13);
}

static void check_whole(const struct run *r, const struct lent *l)
{
    const struct pt_fragment *w = &l->d->whole;

    FUZZ_CHECK(w->id == l->id && w->off == 0 && !w->more);
    FUZZ_CHECK(w->len + w->missing > 0 && w->len + w->missing <= PT_DATAGRAM_MAX);
    for (uint32_t i = 0; i < w->len; i++) {
        uint8_t diff = w->data[i] ^ byte_of(w->id, i);

        FUZZ_CHECK(diff == 0 || (r->odd && diff == 0x80));
    }
}

static void give_back(struct run *r, struct lent *l)
{
    check_whole(r, l);
    pt_datagram_done(l->d);
    l->d = NULL;
}

static void check_books(const struct run *r)
{
    const struct pt_fragment_stats *st = &r->s.stats;

    FUZZ_CHECK(st->fragments == st->fragments_joined + st->fragments_again +
                                        st->fragments_given_up + st->fragments_refused +
                                        st->fragments_waiting);
    FUZZ_CHECK(r->s.used_sz <= r->s.cfg.store_max && r->s.used_sz == r->mem.used_sz);
    FUZZ_CHECK(r->s.lent_sz <= r->s.used_sz);
}

/* id (2 bits), version, more, another byte (1 bit each), input (1 bit); offset and length in units,
 * 16 bits each of which the top ones are cut; odd bytes behind the length; what is missing; time;
 * which of the lent is given back before. */
static struct pt_fragment next_fragment(struct run *r, const uint8_t *in)
{
    struct pt_fragment f = {
        .src = { [15] = 1 },
        .dst = { [15] = 2 },
        .id = in[0] & 3,
        .version = in[0] & 4 ? 6 : 4,
        .proto = 6,
        .more = in[0] & 8,
        .off = (in[1] | (in[2] & 0x1fu) << 8) * 8,
    };
    uint32_t len = (in[3] | (in[4] & 3u) << 8) * 8 + (f.more ? 0 : in[5] & 7);
    uint8_t *bytes;

    if (len > PT_DATAGRAM_MAX - f.off)
        len = (PT_DATAGRAM_MAX - f.off) & ~7u;
    if (!len)
        len = 1, f.more = false;
    f.missing = len * (in[6] > 200 ? in[6] - 200u : 0) / 55;
    f.len = len - f.missing;
    bytes = malloc(f.len ? f.len : 1);
    for (uint32_t i = 0; i < f.len; i++)
        bytes[i] = byte_of(f.id, f.off + i);
    if (in[0] & 16 && f.len) {
        bytes[in[5] % f.len] ^= 0x80;
        r->odd = true;
    }
    f.data = bytes;
    return f;
}

static void step(struct run *r, const uint8_t *in, int64_t *now_ns)
{
    struct pt_fragment f = next_fragment(r, in);
    struct lent *l = &r->lent[in[8] % LENT_MAX];
    struct pt_datagram *d;

    if (l->d && in[8] & 0x80)
        give_back(r, l);
    *now_ns += (int64_t)in[7] * in[7] * 2000 - 1000;
    (void)pt_fragments_stretched(&r->s);
    d = pt_fragments_add(&r->s, &f, in[0] >> 5 & 1, *now_ns);
    free((void *)(uintptr_t)f.data);
    check_books(r);
    if (!d)
        return;
    if (l->d)
        give_back(r, l);
    *l = (struct lent){ d, f.id };
    check_whole(r, l);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    static struct run r;
    struct pt_fragments_cfg cfg = pt_fragments_cfg_default;
    int64_t now_ns = 1000;

    if (!len)
        return 0;
    memset(&r, 0, sizeof(r));
    cfg.store_max = data[0] & 1 ? 20000 : 1 << 20;
    cfg.wait_ns = data[0] & 2 ? 0 : 50000000;
    pt_mem_init(&r.mem, data[0] & 4 ? 15000 : 4 << 20);
    pt_fragments_init(&r.s, &r.mem, &cfg);
    for (size_t at = 1; at + 9 <= len; at += 9)
        step(&r, data + at, &now_ns);
    for (size_t i = 0; i < LENT_MAX; i++)
        if (r.lent[i].d)
            give_back(&r, &r.lent[i]);
    pt_fragments_finish(&r.s);
    check_books(&r);
    FUZZ_CHECK(r.s.stats.fragments_waiting == 0);
    pt_fragments_close(&r.s);
    FUZZ_CHECK(r.mem.used_sz == 0);
    return 0;
}
