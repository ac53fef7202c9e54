/* SPDX-License-Identifier: Apache-2.0 */
#include "parser/observation.h"

#include <assert.h>
#include <string.h>

static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "messages are little-endian");
static_assert(sizeof(struct pt_obs) % 8 == 0, "tails must be aligned");
static_assert(sizeof(struct pt_record) == 32, "layout that leaves the process");
static_assert(sizeof(struct pt_obs_batch) % 8 == 0, "layout that leaves the process");
static_assert(sizeof(struct pt_obs_records) + PT_OBS_RECORDS_MAX * sizeof(struct pt_record) <
                      PT_OBS_OUT_MIN,
              "a message fits an empty buffer");

static void *take(struct pt_obs_out *out, uint32_t size)
{
    void *p;

    if (size > out->buf_sz - out->used_sz)
        out->flush(out);
    assert(size <= out->buf_sz - out->used_sz);
    p = out->buf + out->used_sz;
    out->used_sz += size;
    out->msg_cnt++;
    return p;
}

void *pt_obs_put(struct pt_obs_out *out, enum pt_obs_kind kind, uint8_t cluster,
                 const struct pt_packet_ref *at, size_t body_sz, size_t tail_sz)
{
    uint32_t size = (uint32_t)((body_sz + tail_sz + 7) & ~(size_t)7);
    struct pt_obs *o = take(out, size);

    memset(o, 0, size);
    o->kind = (uint16_t)kind;
    o->version = PT_OBS_VERSION;
    o->cluster = cluster;
    o->size = size;
    o->at = *at;
    o->topic = UINT32_MAX;
    o->partition = -1;
    return o;
}

void pt_obs_copy(struct pt_obs_out *out, const struct pt_obs *o)
{
    memcpy(take(out, o->size), o, o->size);
}

void pt_obs_put_records(struct pt_obs_out *out, const struct pt_obs *head,
                        const struct pt_record *rec, uint32_t cnt)
{
    for (uint32_t i = 0; i < cnt;) {
        uint32_t n = cnt - i < PT_OBS_RECORDS_MAX ? cnt - i : PT_OBS_RECORDS_MAX;
        struct pt_obs_records *o = pt_obs_put(out, PT_OBS_RECORDS, head->cluster, &head->at,
                                              sizeof(*o), n * sizeof(*rec));

        o->head.topic = head->topic;
        o->head.partition = head->partition;
        o->cnt = n;
        memcpy(o->rec, rec + i, n * sizeof(*rec));
        i += n;
    }
}

const char *pt_topic_id_text(const uint8_t id[16], char buf[PT_TOPIC_ID_TEXT_SZ])
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    unsigned bits = 0;
    unsigned held = 0;
    size_t at = 0;

    for (size_t i = 0; i < 16; i++) {
        held = held << 8 | id[i];
        bits += 8;
        while (bits >= 6) {
            bits -= 6;
            buf[at++] = digit[held >> bits & 63];
        }
    }
    buf[at++] = digit[held << (6 - bits) & 63];
    buf[at] = 0;
    return buf;
}
