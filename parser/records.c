/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/records.h"

#include "parser/body.h"

void pt_records_begin(struct pt_msg *m, struct pt_log_ref log, uint8_t source, int64_t next)
{
    m->records = (struct pt_records){ .log = log,
                                      .source = source,
                                      .known = next >= 0,
                                      .next = next,
                                      .run_from = -1,
                                      .floor = -1,
                                      .read_committed =
                                              source != PT_SRC_PRODUCE && m->req.isolation == 1 };
}

static bool is_produce(const struct pt_records *r)
{
    return r->source == PT_SRC_PRODUCE;
}

void pt_records_aborted(struct pt_msg *m)
{
    struct pt_records *r = &m->records;
    const struct pt_fetch_msg *f = &m->u.fetch;
    size_t list_sz = f->aborted_cnt * sizeof(f->aborted[0]);
    struct pt_obs_aborted *o;

    if (r->read_committed && r->run_txn && r->run_from >= 0 && f->listed && !f->list_cut) {
        o = pt_obs_put(m->parser->out, PT_OBS_ABORTED, m->conn->cluster, &m->at, sizeof(*o),
                       list_sz);
        o->head.topic = r->log.topic;
        o->head.partition = r->log.partition;
        o->from = r->run_from;
        o->to = r->run_to;
        o->torn = r->run_torn;
        o->cnt = f->aborted_cnt;
        if (list_sz)
            memcpy(o->txn, f->aborted, list_sz);
    }
    r->run_from = -1;
    r->run_txn = false;
}

/* broken: what comes next does not follow from what was seen. */
static void broken(struct pt_msg *m)
{
    if (!is_produce(&m->records))
        pt_records_aborted(m);
    m->records.known = false;
    m->records.next = -1;
    m->records.torn = true;
}

/* place gives the batch its offsets and returns cert_from; -1 if a Produce entry has no place. */
static int64_t place(struct pt_msg *m, struct pt_batch *b)
{
    struct pt_records *r = &m->records;
    int64_t cert_from = b->base_offset;

    if (is_produce(r)) {
        if (r->next < 0)
            return -1;
        b->last_offset += r->next - b->base_offset;
        b->base_offset = r->next;
        r->next = b->last_offset + 1;
        return b->base_offset;
    }
    if (r->known && r->next <= b->last_offset) {
        b->flags |= PT_BATCH_FROM_KNOWN;
        if (r->next < cert_from)
            cert_from = r->next;
    } else if (r->known) {
        /* The batch ends before what was asked for: so it was not this that was asked for. */
        broken(m);
    }
    r->known = true;
    r->modern |= b->magic == 2;
    r->next = b->last_offset + 1;
    if (r->run_from < 0) {
        r->run_from = cert_from;
        r->run_torn = r->torn;
    }
    r->run_to = r->next;
    r->run_txn |= (b->flags & PT_BATCH_TRANSACTIONAL) != 0;
    return cert_from;
}

/* fill_batch completes o, whose head has kind and size already. */
static void fill_batch(struct pt_obs_batch *o, const struct pt_msg *m, const struct pt_batch *b,
                       enum pt_status st, int64_t cert_from, uint32_t records_here)
{
    const struct pt_records *r = &m->records;

    o->head.topic = r->log.topic;
    o->head.partition = r->log.partition;
    o->cert_from = cert_from;
    o->base_offset = b->base_offset;
    o->last_offset = b->last_offset;
    o->producer_id = b->producer_id;
    o->fingerprint = b->fingerprint;
    o->record_cnt = b->record_cnt;
    o->records_here = records_here;
    o->client = m->conn->client;
    o->request = m->req.number;
    o->base_sequence = b->base_sequence;
    o->leader_epoch = b->leader_epoch;
    o->producer_epoch = b->producer_epoch;
    o->flags = b->flags | (r->read_committed ? PT_BATCH_READ_COMMITTED : 0);
    o->source = r->source;
    o->status = (uint8_t)st;
    o->magic = b->magic;
    o->codec = b->codec;
    o->batch_sz = b->batch_sz;
}

static void put_batch(struct pt_msg *m, const struct pt_batch *b, enum pt_status st,
                      int64_t cert_from, const struct pt_record *rec, uint32_t cnt,
                      const struct pt_packet_ref *at)
{
    struct pt_obs_batch *o =
            pt_obs_put(m->parser->out, PT_OBS_BATCH, m->conn->cluster, at, sizeof(*o), 0);
    struct pt_obs head;

    if (m->parser->hold)
        m->parser->hold->batch_cnt++;
    fill_batch(o, m, b, st, cert_from, cnt);
    head = o->head; /* the next message may take its place */
    pt_obs_put_records(m->parser->out, &head, rec, cnt);
}

static void put_lost(struct pt_msg *m, enum pt_lost_reason reason, int64_t from, int64_t to,
                     const struct pt_packet_ref *at)
{
    struct pt_obs_lost *o;

    if (m->records.log.topic == PT_TOPIC_NONE)
        return;
    o = pt_obs_put(m->parser->out, PT_OBS_LOST, m->conn->cluster, at, sizeof(*o), 0);
    o->head.topic = m->records.log.topic;
    o->head.partition = m->records.log.partition;
    o->from = from;
    o->to = to;
    o->reason = reason;
}

static struct pt_seen_key seen_key(const struct pt_msg *m, const struct pt_batch *b)
{
    const struct pt_log_ref *log = &m->records.log;

    return (struct pt_seen_key){ .log_hash = pt_topics_hash(&m->parser->topics, log->topic),
                                 .partition = log->partition,
                                 .base_offset = b->base_offset,
                                 .fingerprint = b->fingerprint,
                                 .leader_epoch = b->leader_epoch };
}

static bool seen_before(const struct pt_msg *m, const struct pt_batch *b,
                        const struct pt_packet_ref *at)
{
    struct pt_seen_key key;

    if (m->records.log.topic == PT_TOPIC_NONE)
        return false;
    key = seen_key(m, b);
    return pt_seen_find(m->parser->seen, &key, at->order);
}

/* remember: its records were told, so that they need not be told again; not, while nobody has heard
 * of them. */
static void remember(struct pt_msg *m, const struct pt_batch *b)
{
    struct pt_seen_key key = seen_key(m, b);

    if (m->parser->hold)
        return;
    pt_seen_add(m->parser->seen, &key, m->parser->out->order);
}

/* put_shed: [from, to) goes with the batch b, of which only the header was looked at. */
static void put_shed(struct pt_msg *m, const struct pt_batch *b, bool known, int64_t from,
                     int64_t to, const struct pt_packet_ref *at)
{
    struct pt_obs_lost *o;

    if (m->records.log.topic == PT_TOPIC_NONE)
        return;
    o = pt_obs_put(m->parser->out, PT_OBS_LOST, m->conn->cluster, at, sizeof(*o), 0);
    o->head.topic = m->records.log.topic;
    o->head.partition = m->records.log.partition;
    o->from = from;
    o->to = to;
    o->reason = PT_LOST_SHED;
    o->magic = b->magic;
    o->known = known;
}

bool pt_records_shed(const struct pt_msg *m)
{
    const struct pt_parser *p = m->parser;
    struct pt_log_ref log = m->records.log;

    if (m->records.unplaced)
        return true;
    if (p->shed.step < PT_SHED_PARTITIONS || pt_topics_is_metadata(&p->topics, log.topic))
        return false;
    if (p->shed.step > PT_SHED_PARTITIONS)
        return true;
    return log.topic != PT_TOPIC_NONE &&
           pt_shed_partition(
                   pt_shed_canon_of(&p->shed, log.topic, pt_topics_canon(&p->topics, log.topic)),
                   log.partition, p->shed.share);
}

/* Only plain data batches of the present format have all that the message tells in their header;
 * not one that was cleaned, whose records say which offsets are empty. Without its leader's epoch,
 * which every broker writes, a batch that lost its place could not be told from one that has it
 * (verify/leaders.c). */
static bool may_be_known(const struct pt_msg *m, const struct pt_batch *b)
{
    return b->magic == 2 && b->leader_epoch >= 0 && !(b->flags & PT_BATCH_CONTROL) &&
           !is_produce(&m->records) &&
           (uint64_t)b->last_offset - (uint64_t)b->base_offset + 1 == b->record_cnt;
}

/* may_be_handed: what the header tells is all that the connection has to know of it. */
static bool may_be_handed(const struct pt_msg *m, struct pt_view v, const struct pt_batch *b)
{
    const struct pt_parser *p = m->parser;
    const struct pt_records *r = &m->records;

    if (!p->cfg.handoff || !p->cfg.handoff_min || v.len < p->cfg.handoff_min || p->hold)
        return false;
    if (b->magic != 2 || b->codec == PT_CODEC_NONE || b->flags & PT_BATCH_CONTROL ||
        b->last_offset == INT64_MAX)
        return false;
    return r->log.topic != PT_TOPIC_NONE && !pt_topics_is_metadata(&p->topics, r->log.topic) &&
           !(is_produce(r) && r->next < 0);
}

/* hand_off has the records decoded by somebody else, if there is somebody. */
static bool hand_off(struct pt_msg *m, struct pt_view v, struct pt_batch *b,
                     const struct pt_packet_ref *at)
{
    struct pt_parser *p = m->parser;
    struct pt_obs_ticket *o;
    uint64_t ticket;
    int64_t cert_from;

    if (!may_be_handed(m, v, b) ||
        !p->cfg.handoff->take(p->cfg.handoff->arg, v, b, is_produce(&m->records), &ticket))
        return false;
    p->stats.batches_handed_off++;
    cert_from = place(m, b);
    o = pt_obs_put(p->out, PT_OBS_TICKET, m->conn->cluster, at, sizeof(*o), 0);
    fill_batch(&o->batch, m, b, PT_OK, cert_from, b->record_cnt);
    o->ticket = ticket;
    o->seen = seen_key(m, b);
    o->order = p->out->order;
    o->remember = may_be_known(m, b);
    return true;
}

/* proven: its offsets are as good as those of a batch that can be used. */
static void bad_entry(struct pt_msg *m, struct pt_batch *b, enum pt_status st, bool proven,
                      const struct pt_packet_ref *at)
{
    int64_t cert_from = b->base_offset;

    pt_parser_count_bad(&m->parser->stats, st);
    if (proven) /* so the next one follows from it */
        cert_from = place(m, b);
    else
        broken(m);
    if (!m->sure && !proven && st != PT_OVERSIZE) /* perhaps no batch at all: nobody is blamed */
        put_lost(m, PT_LOST_MALFORMED, -1, -1, at);
    else if (m->records.log.topic != PT_TOPIC_NONE)
        put_batch(m, b, st, cert_from < 0 ? b->base_offset : cert_from, NULL, 0, at);
}

/* whole_batch goes on with a batch whose records are decoded (cnt), or were sent before. */
static void whole_batch(struct pt_msg *m, struct pt_batch *b, const struct pt_record *rec,
                        uint32_t cnt, const struct pt_packet_ref *at)
{
    struct pt_parser *p = m->parser;
    struct pt_records *r = &m->records;
    int64_t cert_from = place(m, b);

    if (r->log.topic == PT_TOPIC_NONE)
        return;
    if (cert_from < 0) {
        put_lost(m, PT_LOST_MALFORMED, -1, -1, at);
        return;
    }
    put_batch(m, b, PT_OK, cert_from, rec, cnt, at);
    p->stats.records += cnt;
    if (b->flags & PT_BATCH_SEEN_AGAIN)
        return;
    if (may_be_known(m, b))
        remember(m, b);
    if (!is_produce(r) && !(b->flags & PT_BATCH_CONTROL) &&
        pt_topics_is_metadata(&p->topics, r->log.topic))
        pt_metalog_batch(m, cnt);
}

static void whole_entry(struct pt_msg *m, struct pt_view v, const struct pt_packet_ref *at)
{
    struct pt_parser *p = m->parser;
    const struct pt_record *rec = NULL;
    struct pt_batch b = { 0 };
    uint32_t cnt = 0;
    enum pt_status st;
    bool proven;

    p->stats.batches++;
    p->stats.batch_bytes += v.len;
    b.batch_sz = (uint32_t)v.len;
    b.base_offset = (int64_t)pt_be64(v.data);
    b.last_offset = b.base_offset;
    b.producer_id = -1;
    b.base_sequence = -1;
    b.leader_epoch = -1;
    st = pt_batch_check(p->reader, v.data, v.len, &b);
    /* A good checksum proves offsets and count, also if it turns out that the records cannot be
     * decoded; and of a batch that is handed off that turns out too late for what follows. A marker
     * is different: it is nothing but its record. */
    proven = st == PT_OK && b.magic == 2 && !(b.flags & PT_BATCH_CONTROL) &&
             b.last_offset < INT64_MAX;
    if (st == PT_OK && may_be_known(m, &b) && seen_before(m, &b, at)) {
        b.flags |= PT_BATCH_SEEN_AGAIN;
        p->stats.batches_again++;
    } else if (st == PT_OK) {
        if (hand_off(m, v, &b, at))
            return;
        st = pt_batch_records(p->reader, v.data, v.len, is_produce(&m->records), &b, &rec);
        cnt = b.record_cnt;
    }
    if (st == PT_OK &&
        (b.last_offset < b.base_offset || b.base_offset < 0 || b.last_offset == INT64_MAX))
        st = PT_BAD_VALUE;
    if (st == PT_OK)
        whole_batch(m, &b, rec, cnt, at);
    else
        bad_entry(m, &b, st, proven, at);
}

/* peek reads what is there of an entry's head, unchecked; false if not even offsets are known. */
static bool peek(struct pt_view v, struct pt_batch *b)
{
    struct pt_cursor c = pt_cur(v.data, v.len);
    uint32_t len;

    *b = (struct pt_batch){ .producer_id = -1, .base_sequence = -1, .leader_epoch = -1 };
    b->base_offset = pt_cur_i64(&c);
    len = (uint32_t)pt_cur_i32(&c);
    b->batch_sz = len > UINT32_MAX - PT_ENTRY_PREFIX_SZ ? UINT32_MAX : len + PT_ENTRY_PREFIX_SZ;
    b->leader_epoch = pt_cur_i32(&c);
    b->magic = (uint8_t)pt_cur_i8(&c);
    (void)pt_cur_i32(&c); /* crc */
    b->codec = (uint8_t)(pt_cur_i16(&c) & 7);
    b->last_offset = (int64_t)((uint64_t)b->base_offset + (uint64_t)pt_cur_i32(&c));
    b->base_timestamp_ms = pt_cur_i64(&c);
    b->max_timestamp_ms = pt_cur_i64(&c);
    b->producer_id = pt_cur_i64(&c);
    b->producer_epoch = pt_cur_i16(&c);
    b->base_sequence = pt_cur_i32(&c);
    b->record_cnt = (uint32_t)pt_cur_i32(&c);
    return pt_cur_ok(&c) && b->magic == 2 && b->base_offset >= 0 &&
           b->last_offset >= b->base_offset && b->last_offset < INT64_MAX;
}

static void oversize_entry(struct pt_msg *m, struct pt_view v, const struct pt_packet_ref *at)
{
    struct pt_batch b;

    if (peek(v, &b)) {
        m->parser->stats.batches++;
        bad_entry(m, &b, PT_OVERSIZE, true, at);
        return;
    }
    m->parser->stats.batches_oversize++;
    put_lost(m, PT_LOST_OVERSIZE, -1, -1, at);
    broken(m);
}

static void lost_entries(struct pt_msg *m, const struct pt_frame_event *ev)
{
    const struct pt_records *r = &m->records;
    int64_t from = !is_produce(r) && r->known ? r->next : -1;
    int64_t to = -1;
    struct pt_batch b;

    m->parser->stats.batches_lost++;
    m->records.floor = from;
    if (!is_produce(r) && peek(ev->bytes, &b)) {
        from = from < 0 || b.base_offset < from ? b.base_offset : from;
        if (ev->kind == PT_FRAME_ENTRY_LOST)
            to = b.last_offset;
    }
    put_lost(m, ev->reason, from, to, &ev->at);
    broken(m);
}

/* shed_entry passes over an entry; v has its first bytes. Its offsets, which nothing has checked,
 * are told, and what follows it in the response is certified by itself alone. */
static void shed_entry(struct pt_msg *m, struct pt_view v, const struct pt_packet_ref *at)
{
    struct pt_records *r = &m->records;
    int64_t from = -1;
    int64_t to = -1;
    struct pt_batch b;

    /* The offset of an old message is its own, or that of the last one in it. */
    if (!peek(v, &b))
        b.last_offset = b.base_offset < 0 || b.base_offset == INT64_MAX ? -1 : b.base_offset;
    m->parser->stats.batches_shed++;
    m->parser->stats.shed_batch_bytes += b.batch_sz;
    if (is_produce(r)) {
        r->unplaced = true;
    } else if (b.last_offset >= 0) {
        from = r->known && r->next < b.base_offset ? r->next : b.base_offset;
        to = b.last_offset + 1;
    }
    put_shed(m, &b, false, from, to, at);
    broken(m);
}

/* known_entry passes over a batch that was seen before and does not even check it; false: it was
 * not seen, or has to be read. Nothing is claimed of the batch, nor that what stood between it and
 * the one before is absent: all that is told as shed. But the next batch does follow from it: the
 * fingerprint proves the length in offsets as the checksum would (batch.h), and its base offset no
 * checksum has ever covered. */
static bool known_entry(struct pt_msg *m, struct pt_view v, const struct pt_packet_ref *at)
{
    struct pt_parser *p = m->parser;
    struct pt_records *r = &m->records;
    struct pt_batch b;

    if (p->shed.step < PT_SHED_KNOWN || is_produce(r) ||
        !pt_batch_head(p->reader, v.data, v.len, &b) || !may_be_known(m, &b) ||
        !seen_before(m, &b, at))
        return false;
    if (b.base_offset < 0 || b.last_offset < b.base_offset || b.last_offset == INT64_MAX)
        return false;
    p->stats.shed_known++;
    p->stats.shed_batch_bytes += v.len;
    if (r->known && r->next < b.base_offset)
        put_shed(m, &b, false, r->next, b.base_offset, at);
    put_shed(m, &b, true, b.base_offset, b.last_offset + 1, at);
    pt_records_aborted(m);
    r->known = true;
    r->next = b.last_offset + 1;
    return true;
}

/* A response of this version comes from a broker that writes nothing older than magic 2. */
#define FETCH_MODERN 12

/*
 * A hole took the length of a batch, so that nothing tells where the next one begins. It is looked
 * for by its shape and its checksum; but a record may hold a whole batch, too, which somebody
 * recorded. What tells them apart is the end: behind the value of a record of magic 2 stands at
 * least the number of its headers, so that a batch in a value is never followed by a batch nor by
 * the field's end. (Behind an old message's value stands nothing: there nobody looks.) So what was
 * found is told when the entries behind it fill the field exactly, or up to a last one that is cut
 * off and has the offset that comes next. That leaves the value of a record's last header, where
 * the record is a batch's last: the offsets of a recorded batch would have to lie between those on
 * both sides of the hole, and below the high watermark, as well.
 */
bool pt_records_finds(const struct pt_msg *m)
{
    const struct pt_records *r = &m->records;

    return !is_produce(r) && m->sure && !m->parser->hold && r->log.topic != PT_TOPIC_NONE &&
           (r->modern || m->req.api_version >= FETCH_MODERN) && !pt_records_shed(m);
}

bool pt_records_found(struct pt_msg *m, const struct pt_frame_event *ev)
{
    const struct pt_records *r = &m->records;
    int64_t end = m->u.fetch.high_watermark;
    struct pt_batch b;

    if (pt_batch_check(m->parser->reader, ev->bytes.data, ev->bytes.len, &b) != PT_OK)
        return false;
    if (r->floor >= 0 && b.base_offset < r->floor)
        return false;
    return r->source != PT_SRC_FETCH_CONSUMER || end < 0 || b.last_offset < end;
}

bool pt_records_follows(const struct pt_msg *m, const struct pt_frame_event *ev)
{
    const struct pt_records *r = &m->records;
    struct pt_view v = ev->bytes;
    struct pt_batch b;

    switch (ev->kind) {
    case PT_FRAME_ENTRY:
        return pt_batch_check(m->parser->reader, v.data, v.len, &b) == PT_OK && b.magic == 2 &&
               b.base_offset >= r->next;
    case PT_FRAME_ENTRY_PARTIAL:
        return v.len && (int64_t)pt_be64(v.data) == r->next;
    case PT_FRAME_ENTRY_BAD:
    case PT_FRAME_RECORDS_LOST:
        return false;
    default:
        return true;
    }
}

void pt_records_event(struct pt_msg *m, const struct pt_frame_event *ev)
{
    struct pt_batch b;

    switch (ev->kind) {
    case PT_FRAME_ENTRY:
        if (pt_records_shed(m))
            shed_entry(m, ev->bytes, &ev->at);
        else if (!known_entry(m, ev->bytes, &ev->at))
            whole_entry(m, ev->bytes, &ev->at);
        break;
    case PT_FRAME_ENTRY_HEAD:
        shed_entry(m, ev->bytes, &ev->at);
        break;
    case PT_FRAME_ENTRY_OVERSIZE:
        oversize_entry(m, ev->bytes, &ev->at);
        break;
    case PT_FRAME_ENTRY_LOST:
    case PT_FRAME_RECORDS_LOST:
        lost_entries(m, ev);
        break;
    case PT_FRAME_ENTRY_PARTIAL:
        /* A Fetch may cut its last batch, whose bytes come again; a Produce may not. */
        m->parser->stats.batches_partial++;
        if (!is_produce(&m->records))
            break;
        /* fallthrough */
    case PT_FRAME_ENTRY_BAD:
        (void)peek(ev->kind == PT_FRAME_ENTRY_BAD ? ev->bytes : (struct pt_view){ 0 }, &b);
        bad_entry(m, &b, PT_BAD_LENGTH, false, &ev->at);
        break;
    default:
        break;
    }
}
