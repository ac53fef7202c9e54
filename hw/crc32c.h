/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_HW_CRC32C_H
#define PT_HW_CRC32C_H
/*
 * CRC-32C (Castagnoli), the checksum of record batches of magic 2. Every payload byte passes through
 * it, so it is one half of the program's floor. Both functions give the same for all input;
 * pt_crc32c_plain is the specification and the twin of the fast one.
 */
#include <stddef.h>
#include <stdint.h>

/* pt_crc32c continues crc (0 to start) over len bytes; the customary inversions before and behind are
 * done inside, so a checksum may be taken in pieces. Uses PCLMULQDQ where the CPU has it. */
uint32_t pt_crc32c(uint32_t crc, const void *data, size_t len);

uint32_t pt_crc32c_plain(uint32_t crc, const void *data, size_t len);

#endif
