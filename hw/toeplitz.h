/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_TOEPLITZ_H
#define PT_HW_TOEPLITZ_H
/*
 * The Toeplitz hash with which network cards spread packets over queues (RSS), in software: to say
 * which queue a packet should have come in on (the wrong-core counter), and to spread packets over
 * workers where the device cannot. Pure functions, any thread.
 *
 * Input is the tuple in network order, as the RSS specification lays it out:
 *
 *     source address | destination address | source port | destination port
 *     4 or 16          4 or 16               2             2
 *
 * With a key that repeats every 16 bits (pt_toeplitz_symmetric_key) each 16-bit word of the input
 * meets the same piece of the key. The hash then depends only on the exclusive or of these words,
 * so both directions of a connection have the same hash: Woo and Park, "Scalable TCP Session
 * Monitoring with Symmetric Receive-side Scaling" (KAIST, 2012), whose key 0x6d5a this is. The
 * price is that only 16 bits of the tuple's variety are left, which is plenty for queues.
 */
#include <stddef.h>
#include <stdint.h>

#define PT_TOEPLITZ_V4_SZ 12
#define PT_TOEPLITZ_V6_SZ 36
#define PT_TOEPLITZ_KEY_MAX 52 /* Intel's E700 and E800; most others take 40 */

/* pt_toeplitz_symmetric_key writes key_sz bytes of 6d 5a 6d 5a ... */
void pt_toeplitz_symmetric_key(uint8_t *key, size_t key_sz);

/* pt_toeplitz hashes len bytes with any key. The key has at least len + 4 bytes. This is the
 * specification, bit by bit. */
uint32_t pt_toeplitz(const uint8_t *key, const uint8_t *tuple, size_t len);

/* pt_toeplitz_symmetric gives what pt_toeplitz gives with the symmetric key, for the cost of a fold
 * and 16 steps. len is even. */
uint32_t pt_toeplitz_symmetric(const uint8_t *tuple, size_t len);

/* pt_toeplitz_queue is the queue of a hash with the indirection table of our plans: entry i of
 * reta_cnt (a power of two) names queue i modulo queue_cnt. */
static inline unsigned pt_toeplitz_queue(uint32_t hash, unsigned reta_cnt, unsigned queue_cnt)
{
    return (hash & (reta_cnt - 1)) % queue_cnt;
}

#endif
