/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_GUESS_H
#define PT_PARSER_GUESS_H
/*
 * Is this a Kafka frame? Asked where nothing tells it: at the start of a connection, and where the
 * frame boundaries were lost. Kafka has no magic number, and the same bytes can look like a request
 * and a response (kafka-wire.md 9.4), so evidence is added up in bits against random bytes (9.3)
 * and the body must go with its layout as far as it is there. Also recognises what is not Kafka
 * (1.9).
 *
 * Pure functions. v is what is there behind the possible size field, whose value is size;
 * PT_GUESS_MORE sets *ret_needed, how much of it is needed. last: v is all that there will be, and
 * has to do.
 */
#include "parser/walk.h"

enum pt_guess { PT_GUESS_NO, PT_GUESS_YES, PT_GUESS_MORE };

struct pt_guess_known { /* what the connection has shown already */
    uint32_t frame_max;
    bool last;   /* see above */
    bool inside; /* nothing begins here but, perhaps, a frame: no segment */
    bool known;  /* there was a request before, and the two below are from it */
    int32_t correlation_id;
    struct pt_view client_id;
};

/* Bytes of a frame behind its size that are looked at. */
#define PT_GUESS_SZ 256u

/* Bytes that may stand behind a body whose frame was guessed: some clients write a few
 * (kafka-wire.md 1.8). */
#define PT_GUESS_TRAILING_MAX 4u

enum pt_guess pt_guess_request(struct pt_view v, uint32_t size, const struct pt_guess_known *known,
                               uint32_t *ret_needed);

/* pt_guess_goes_on: this is what a client that is known would send next, by its name and count. */
struct pt_request_head;
bool pt_guess_goes_on(const struct pt_request_head *head, const struct pt_guess_known *known);

/* pt_guess_response: the caller has found the correlation id among the waiting requests; layout is
 * the body's that is due, or NULL. */
enum pt_guess pt_guess_response(struct pt_view v, uint32_t size, uint32_t frame_max,
                                const struct pt_layout *layout, bool last, uint32_t *ret_needed);

/* pt_sniff looks at the bytes from the possible start of a frame on. */
enum pt_sniff {
    PT_SNIFF_NONE,
    PT_SNIFF_MORE, /* *ret_len bytes are needed to tell */
    PT_SNIFF_TLS,
    PT_SNIFF_OTHER, /* HTTP, SSH */
    PT_SNIFF_PROXY  /* a PROXY protocol prefix of *ret_len bytes stands in front */
};

enum pt_sniff pt_sniff(struct pt_view v, uint32_t *ret_len);

/* pt_sniff_tls_note writes "TLS", the version, and the server name asked for, as far as the bytes
 * show them: a ClientHello names the server (and offers versions, which decides nothing), a
 * ServerHello chooses the version. was is the note so far, or "". A hello should be there as a
 * whole: PT_SNIFF_TLS sets *ret_len to what that takes. */
void pt_sniff_tls_note(struct pt_view v, const char *was, char *note, size_t note_sz);

#endif
