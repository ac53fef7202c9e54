/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_STATUS_H
#define PT_PARSER_STATUS_H
/*
 * What reading bytes from the wire can come to. Three things are never mixed:
 *   NEED_MORE  the bytes are not here yet: wait;
 *   BAD_*      the sender wrote that: a result, counted, never asserted, never logged;
 *   GAP        the tap did not see the bytes: nothing is claimed about them.
 * Control paths (files, configuration, start-up) use 0 / -errno instead and never this enum.
 */

#define PT_STATUS_LIST(X)                                                                          \
    X(OK, "ok")                                                                                    \
    X(NEED_MORE, "more bytes needed")                                                              \
    X(GAP, "bytes not seen by the tap")                                                            \
    X(UNSUPPORTED, "unknown api or version")                                                       \
    X(OVERSIZE, "larger than its budget")                                                          \
    X(BAD_LENGTH, "length or count outside its container")                                         \
    X(BAD_VALUE, "field value outside its range")                                                  \
    X(BAD_VARINT, "varint longer than its type")                                                   \
    X(BAD_CRC, "checksum does not match")                                                          \
    X(BAD_MAGIC, "unknown record format")                                                          \
    X(BAD_CODEC, "compressed data cannot be decoded")                                              \
    X(BAD_RECORD, "record disagrees with its batch")

enum pt_status {
#define X(name, text) PT_##name,
    PT_STATUS_LIST(X)
#undef X
            PT_STATUS_CNT
};

/* pt_status_name returns the English text of st, never NULL. */
const char *pt_status_name(enum pt_status st);

#endif
