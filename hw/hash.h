/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_HASH_H
#define PT_HW_HASH_H
/*
 * The keyed 64-bit hash of everything that paritap compares or files by content: XXH3 from libxxhash.
 * The key keeps a sender from making collisions at will; it is a run's hash_key.
 */
#include <stddef.h>
#include <stdint.h>

/* pt_hash64 hashes len bytes; the same for the same key and bytes on every machine. data may be NULL
 * if len is 0. */
uint64_t pt_hash64(uint64_t key, const void *data, size_t len);

#endif
