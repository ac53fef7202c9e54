/* SPDX-License-Identifier: Apache-2.0 */
#ifndef PT_PARSER_WALK_H
#define PT_PARSER_WALK_H
/*
 * One interpreter for every body of every API and version. The layouts are data: tables generated
 * at build time from parser/layouts/ (apis.jsonl and records.jsonl: facts of the Kafka protocol). A
 * walk goes through a body field by field in wire order and hands the caller one event at a time;
 * the caller switches on the field's name (enum pt_field), never on a version. Bytes may arrive in
 * any pieces: a walk is a small value that says where we are, and the same bytes in other pieces
 * give the same events. It keeps no bytes: a value split over two pieces is asked for again as a
 * whole.
 *
 *   pt_walk_begin -> { pt_walk_next -> event ... } -> PT_WALK_END
 *
 * `records` fields are not walked into: PT_WALK_RECORDS says how long the field is, the caller
 * reads (or loses) that many bytes itself, tells pt_walk_skip, and goes on with what follows.
 */
#include <stdbool.h>

#include "parser/cursor.h"
#include "parser/status.h"

#define PT_WALK_DEPTH_MAX 8 /* structs and arrays within each other; the deepest layout has 6 */

struct pt_layout; /* generated, const */

enum pt_dir { PT_DIR_REQUEST = 0, PT_DIR_RESPONSE = 1 };

/* enum pt_field { PT_F_NONE, PT_F_TOPIC_ID, PT_F_PARTITION_INDEX, ... }: every field name of the
 * layouts; enum pt_api { PT_API_PRODUCE = 0, ... }; enum pt_metalog_record { PT_RECORD_TOPIC = 2,
 * ... }: metadata log */
#include "pt_fields.h"

/* pt_layout_find returns the layout of api_key's body at this version, or NULL if not published. */
const struct pt_layout *pt_layout_find(int16_t api_key, enum pt_dir dir, int16_t version);

/* pt_layout_find_record returns that of a value in the controllers' metadata log. */
const struct pt_layout *pt_layout_find_record(uint32_t type, uint32_t version);

/* pt_layout_header_version: 0, 1 or 2 for requests, 0 or 1 for responses (KIP-482, KIP-511). */
int pt_layout_header_version(const struct pt_layout *l);

/* pt_layout_same: bodies of both look the same, and so do their headers. */
bool pt_layout_same(const struct pt_layout *a, const struct pt_layout *b);

/* pt_api_name returns "Produce" for 0 and so on, or NULL; pt_api_max_version -1 if key unknown. */
const char *pt_api_name(int16_t api_key);
int16_t pt_api_max_version(int16_t api_key);

enum pt_walk_kind {
    PT_WALK_VALUE,        /* a value, or one element of an array of plain values */
    PT_WALK_ARRAY_BEGIN,  /* i64 elements follow (-1: null) */
    PT_WALK_STRUCT_BEGIN, /* one element of an array, or an inline struct */
    PT_WALK_STRUCT_END,
    PT_WALK_ARRAY_END,
    PT_WALK_RECORDS, /* a records field of i64 bytes (-1: null) starts here */
    PT_WALK_END      /* body complete */
};

struct pt_walk_event {
    enum pt_walk_kind kind;
    enum pt_field field;
    int64_t i64;         /* see pt_walk_next */
    struct pt_view view; /* strings, bytes, uuid (16 bytes); borrowed from the piece */
};

struct pt_walk_frame { /* one struct or one array of plain values */
    uint16_t step;     /* where its program stands */
    uint16_t start;    /* where its program begins: the next element of an array starts there */
    uint16_t field;    /* what it is called */
    bool array;        /* elements of an array, not the body or an inline struct */
    uint32_t left;     /* elements of the array still to come */
    uint32_t tag_cnt;  /* tagged fields still to come in this struct */
    uint32_t floor;    /* body_left at the end of the tagged field around, 0 outside */
};

struct pt_walk {
    uint32_t body_left; /* bytes of the body not yet consumed, for checking counts and lengths */
    uint32_t floor;     /* body_left where reading must end now: 0, or behind a tagged field */
    uint32_t skip;      /* bytes to pass without reading: records, large values, unknown tags */
    uint8_t depth;
    uint8_t status; /* enum pt_status; PT_OK until the body turned out bad */
    struct pt_walk_frame frame[PT_WALK_DEPTH_MAX];
};

/* pt_walk_begin starts at the first byte behind the message header; body_sz of the frame. */
void pt_walk_begin(struct pt_walk *w, const struct pt_layout *l, uint32_t body_sz);

/* pt_walk_next reads on from c, never past the body even if c goes on behind it.
 *
 * PT_OK: *ev is the next event and c stands behind what was consumed. Every _BEGIN has its _END,
 * null ones too. Kafka's tagged fields look like other fields and are there only if the sender
 * wrote them; unknown ones are passed over. ev->i64 is
 *
 *   an integer or boolean         its value (0 or 1)
 *   a float64                     its bits
 *   string, bytes, uuid, records  the length, -1 for null
 *   PT_WALK_ARRAY_BEGIN           the count, -1 for null; never more than the body has room for
 *   PT_WALK_STRUCT_BEGIN          1, or -1 for an inline struct that is null
 *   other kinds                   0
 *
 * A string or bytes longer than PT_WALK_NEED_MAX has only its length, and a NULL view.
 *
 * PT_NEED_MORE: *ret_needed (> what c has left) contiguous bytes from c->at on are needed to go on;
 * at most PT_WALK_NEED_MAX plus a length field, never more than the body has. c may have moved over
 * what gives no event (tag numbers, unknown tags, large values, records left to us): go on from
 * c->at, not from where c was.
 *
 * PT_BAD_*: the body is not what its version says (its end inside a field, a count or length it has
 * no room for, a null or number that the type does not have); the walk is over, every later call
 * says the same, and the frame must be skipped by its size. */
#define PT_WALK_NEED_MAX 32768u
enum pt_status pt_walk_next(struct pt_walk *w, struct pt_cursor *c, struct pt_walk_event *ev,
                            uint32_t *ret_needed);

/* pt_walk_skip tells that len bytes, at most w->skip, are behind us: read by the caller, or lost.
 * w->skip is the length of the records field just announced; what the caller leaves of it is passed
 * over by pt_walk_next. */
void pt_walk_skip(struct pt_walk *w, uint32_t len);

/* pt_walk_element puts a walk that is within an array of structs, or deeper, in front of another
 * element of it: depth is where that array stands in frame, body_left what is left of the body, and
 * left how many elements. */
void pt_walk_element(struct pt_walk *w, unsigned depth, uint32_t body_left, uint32_t left);

#endif
