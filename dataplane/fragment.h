/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_DATAPLANE_FRAGMENT_H
#define PT_DATAPLANE_FRAGMENT_H
/*
 * IP fragments in, whole packets out. One store an intake: all fragments of a packet must come to
 * it, and of one input, since two taps may see networks with the same addresses. They do, as what
 * spreads packets over links and queues goes by the addresses where it sees fragments; where it
 * does not, packets are lost and counted.
 *
 *   off 0     1480     2960  total
 *   [fragment][........][frag]         covered: in units of 8 bytes, as offsets are
 *
 * What is promised, and what becomes of what cannot be kept:
 *  - a packet is given out once, when all of its bytes have come, in any order. If the snap length
 * took some, what lies behind the first of these counts as missing, too;
 *  - the same bytes again (copies by the mirror, also behind the last one) change nothing;
 *  - bytes that differ from those at the same place, or an end where another was, spoil the packet:
 * it is given up, with all that may still come of it (RFC 5722, for IPv4, too). One of the two
 * would be wrong, and nothing says which;
 *  - a packet that is not whole wait_ns after its first fragment is given up. That is short, since
 * fragments travel together, and IPv4 has only 65,536 numbers for them: at more than 65,536 /
 * wait_ns packets between two addresses a second, or from a sender that does not number them,
 * fragments of different packets may be joined (RFC 4963). The TCP checksum then tells (packet.h);
 *  - beyond store_max bytes the oldest is given up, whole or not.
 * Whatever is given up is a hole in the connection that it belonged to, like any packet that the
 * tap has lost.
 *
 * A packet is lent to whoever works it off, by the store's thread or another: its bytes stay until
 * pt_datagram_done. Time is packet time.
 */
#include <stdatomic.h>

#include "dataplane/packet.h"
#include "hw/memory.h"

struct pt_fragments_cfg {
    uint64_t store_max; /* bytes of what waits or is lent; default 16 MiB */
    int64_t wait_ns;    /* default 50 ms */
};

extern const struct pt_fragments_cfg pt_fragments_cfg_default;

/* Counters, one list. They only grow, but for waiting, a gauge. At any time
 * fragments = joined + again + given_up + refused + waiting */
#define PT_FRAGMENT_COUNTERS(X)                                                                    \
    X(fragments, "IP fragments, also those in packets put together")                               \
    X(fragments_joined, "of these, in packets that became whole")                                  \
    X(fragments_again, "of these, with nothing but bytes that were there")                         \
    X(fragments_given_up, "of these, in packets that were given up")                               \
    X(fragments_refused, "of these, without room")                                                 \
    X(fragments_waiting, "of these, waiting now")                                                  \
    X(datagrams, "packets put together")                                                           \
    X(datagrams_late, "packets given up, as a part did not come in time")                          \
    X(datagrams_evicted, "packets given up for want of room")                                      \
    X(datagrams_differ, "packets given up, as fragments contradicted each other")

struct pt_fragment_stats {
#define X(name, help) uint64_t name;
    PT_FRAGMENT_COUNTERS(X)
#undef X
};

/* pt_datagrams_lost: packets that were not put together. Of one that no fragment was taken of,
 * nothing is known but fragments_refused. */
static inline uint64_t pt_datagrams_lost(const struct pt_fragment_stats *st)
{
    return st->datagrams_late + st->datagrams_evicted + st->datagrams_differ;
}

#define PT_DATAGRAM_UNITS ((PT_DATAGRAM_MAX + 7) / 8)

enum pt_datagram_state { PT_DATAGRAM_WAITING, PT_DATAGRAM_WHOLE, PT_DATAGRAM_SPOILT };

struct pt_datagram {
    struct pt_fragment whole; /* for its borrower: once it is whole */
    atomic_bool borrowed;
    /* The store's own. */
    struct pt_datagram *chain;
    struct pt_datagram *newer;
    struct pt_datagram *older;
    struct pt_datagram *lent_next;
    bool lent; /* in the list of those that were lent */
    enum pt_datagram_state state;
    uint32_t input;
    uint32_t hash;
    int64_t since_ns;
    uint8_t *buf;
    uint32_t buf_sz;
    uint32_t high;     /* one past the last byte that was seen */
    uint32_t total;    /* where the last fragment ends; UINT32_MAX: not known */
    uint32_t cut;      /* the first byte that the snap length took; UINT32_MAX: none */
    uint32_t unit_cnt; /* covered */
    uint32_t part_cnt; /* fragments that it consists of */
    uint64_t covered[(PT_DATAGRAM_UNITS + 63) / 64];
};

#define PT_FRAGMENT_BUCKETS 1024u

struct pt_fragments {
    struct pt_mem *mem;
    struct pt_fragments_cfg cfg;
    struct pt_datagram *bucket[PT_FRAGMENT_BUCKETS];
    struct pt_datagram *newest;
    struct pt_datagram *oldest;
    struct pt_datagram *lent_first; /* in the order in which they were lent */
    struct pt_datagram *lent_last;
    uint64_t used_sz;
    uint64_t lent_sz; /* of these */
    int64_t now_ns;
    struct pt_fragment_stats stats;
};

/* pt_fragments_init: *mem must outlive the store. */
void pt_fragments_init(struct pt_fragments *s, struct pt_mem *mem,
                       const struct pt_fragments_cfg *cfg);

/* pt_fragments_add takes a fragment (of the form that packet.h says) of this input, and copies what
 * it keeps. Returns the packet that it made whole, to be given back by
 * pt_datagram_done; NULL: there is none. */
struct pt_datagram *pt_fragments_add(struct pt_fragments *s, const struct pt_fragment *f,
                                     uint32_t input, int64_t time_ns);

/* pt_datagram_done: by any thread, once. */
void pt_datagram_done(struct pt_datagram *d);

/* pt_fragments_stretched: half of the store is lent. Who can wait does, before it takes another
 * packet. */
bool pt_fragments_stretched(struct pt_fragments *s);

/* pt_fragments_finish: no fragment will follow; what waits is given up. */
void pt_fragments_finish(struct pt_fragments *s);

/* pt_fragments_close frees everything; nobody may have a packet of it any more. */
void pt_fragments_close(struct pt_fragments *s);

#endif
