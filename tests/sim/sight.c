/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paritap-sight: what the parser sees of a capture of which something is missing, again and again
 * within one process. For tests only. Each line of standard input is one run:
 *
 *   FIRST TRIM [PACKET...]   packets before number FIRST are not there, nor the first TRIM bytes of
 *                            payload of FIRST, nor the packets named; numbers count from 1
 *
 * and is answered by a line for each usable batch, then a line with a dot:
 *
 *   PACKET SIZE SOURCE OUTCOME   packet with its first byte, bytes, "produce" or "fetch", and what
 *                                became of a produce: "acked", "rejected", "unknown" or "-"
 *   . LEDGER                     "ok", or what does not add up
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dataplane/capture.h"
#include "dataplane/worker.h"

#define SEEN_SLOTS 4096u
#define STREAMS_MAX (256u << 20)
#define PARSER_MAX (512u << 20)

struct packet {
    struct pt_frame frame;
    bool gone;
};

struct batch {
    uint64_t packet;
    uint32_t size;
    uint32_t client;
    uint32_t request;
    uint32_t topic;
    int32_t partition;
    uint8_t source;
    int8_t outcome; /* enum pt_produce_outcome, -1: none yet */
};

struct sight {
    struct packet *packet;
    size_t packet_cnt;
    struct batch *batch;
    size_t batch_cnt;
    size_t batch_max;
};

static void *grown(void *p, size_t cnt, size_t *max, size_t sz)
{
    if (cnt < *max)
        return p;
    *max = *max ? 2 * *max : 1024;
    p = realloc(p, *max * sz);
    if (!p)
        abort();
    return p;
}

static void load(struct sight *s, const char *path)
{
    struct pt_capture *cap;
    const char *err = NULL;
    struct pt_frame f;
    size_t max = 0;

    if (pt_capture_open(path, &cap, &err)) {
        fprintf(stderr, "paritap-sight: %s\n", err);
        exit(2);
    }
    while (pt_capture_next(cap, &f) > 0) {
        uint8_t *own = malloc(f.cap_len ? f.cap_len : 1);

        if (!own)
            abort();
        memcpy(own, f.data, f.cap_len);
        f.data = own;
        s->packet = grown(s->packet, s->packet_cnt, &max, sizeof(*s->packet));
        s->packet[s->packet_cnt++] = (struct packet){ .frame = f };
    }
    pt_capture_close(cap);
}

static void unload(struct sight *s)
{
    for (size_t i = 0; i < s->packet_cnt; i++)
        free((void *)(uintptr_t)s->packet[i].frame.data);
    free(s->packet);
    free(s->batch);
}

static void on_batch(struct sight *s, const struct pt_obs_batch *b)
{
    if (b->status != PT_OK)
        return;
    s->batch = grown(s->batch, s->batch_cnt, &s->batch_max, sizeof(*s->batch));
    s->batch[s->batch_cnt++] = (struct batch){
        .packet = b->head.at.packet,
        .size = b->batch_sz,
        .client = b->client,
        .request = b->request,
        .topic = b->head.topic,
        .partition = b->head.partition,
        .source = b->source,
        .outcome = -1,
    };
}

static void on_outcome(struct sight *s, const struct pt_obs_produce_outcome *o)
{
    for (size_t i = s->batch_cnt; i > 0; i--) {
        struct batch *b = &s->batch[i - 1];

        if (b->source == PT_SRC_PRODUCE && b->client == o->client && b->request == o->request &&
            b->topic == o->head.topic && b->partition == o->head.partition)
            b->outcome = (int8_t)o->outcome;
    }
}

static void sink(void *arg, struct pt_key key, const uint8_t *buf, size_t sz)
{
    (void)key;
    for (size_t off = 0; off < sz;) {
        const void *m = buf + off;
        const struct pt_obs *o = m;

        if (o->kind == PT_OBS_BATCH)
            on_batch(arg, m);
        else if (o->kind == PT_OBS_PRODUCE_OUTCOME)
            on_outcome(arg, m);
        off += o->size;
    }
}

static const char *ledger(const struct pt_parser_stats *p)
{
    if (p->fed_bytes + p->hole_bytes !=
        p->frame_bytes + p->unframed_bytes + p->other_bytes + p->pending_bytes)
        return "bytes do not add up";
    if (p->frames !=
        p->requests + p->responses + p->orphan_responses + p->sasl_frames + p->lost_frames)
        return "frames do not add up";
    return "ok";
}

static void take(struct pt_worker *w, struct pt_intake *in, const struct packet *p, uint64_t order,
                 uint32_t trim)
{
    struct pt_taken t;

    if (!pt_intake_frame(in, &p->frame, 0, order, &t))
        return;
    if (trim > t.seg.pay_len)
        trim = t.seg.pay_len;
    t.seg.seq += trim;
    t.seg.pay += trim;
    t.seg.pay_len -= trim;
    pt_worker_take(w, &t);
}

static void run(struct sight *s, size_t first, uint32_t trim)
{
    static const char *const outcome[] = { "-", "acked", "rejected", "unknown" };
    static const struct pt_roles roles = { .input_cnt = 1 };
    struct pt_worker_cfg cfg = {
        .roles = &roles,
        .streams = pt_streams_cfg_default,
        .parser = pt_parser_cfg_default,
        .streams_max = STREAMS_MAX,
        .parser_max = PARSER_MAX,
        .out_sz = PT_OBS_OUT_MIN,
        .sink = sink,
        .sink_arg = s,
    };
    struct pt_intake in;
    struct pt_worker w;

    cfg.parser.seen_slots = SEEN_SLOTS;
    cfg.streams.flow_max = 4096;
    s->batch_cnt = 0;
    if (pt_intake_open(&in, &pt_fragments_cfg_default) || pt_worker_open(&w, &cfg))
        abort();
    for (size_t i = first - 1; i < s->packet_cnt; i++)
        if (!s->packet[i].gone)
            take(&w, &in, &s->packet[i], i + 1, i == first - 1 ? trim : 0);
    pt_worker_finish(&w);
    for (size_t i = 0; i < s->batch_cnt; i++)
        printf("%" PRIu64 " %u %s %s\n", s->batch[i].packet, s->batch[i].size,
               s->batch[i].source == PT_SRC_PRODUCE ? "produce" : "fetch",
               outcome[s->batch[i].outcome + 1]);
    printf(". %s\n", ledger(pt_parser_stats(w.parser)));
    fflush(stdout);
    pt_worker_close(&w);
    pt_intake_close(&in);
}

static void mark(struct sight *s, const char *list, bool gone)
{
    char *end;

    for (;;) {
        unsigned long n = strtoul(list, &end, 10);

        if (end == list)
            return;
        if (n && n <= s->packet_cnt)
            s->packet[n - 1].gone = gone;
        list = end;
    }
}

int main(int argc, char **argv)
{
    struct sight s = { 0 };
    size_t line_sz = 0;
    char *line = NULL;

    if (argc != 2) {
        fputs("usage: paritap-sight FILE < RUNS\n", stderr);
        return 2;
    }
    load(&s, argv[1]);
    while (getline(&line, &line_sz, stdin) > 0) {
        char *at;
        size_t first = strtoul(line, &at, 10);
        uint32_t trim = (uint32_t)strtoul(at, &at, 10);

        if (!first)
            return 2;
        mark(&s, at, true);
        run(&s, first, trim);
        mark(&s, at, false);
    }
    free(line);
    unload(&s);
    return 0;
}
