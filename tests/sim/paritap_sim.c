/* SPDX-License-Identifier: Apache-2.0 */
/*
 * paritap-sim: writes DIR/source.pcap, DIR/target.pcap and DIR/truth: two simulated clusters behind
 * two mirrors (world.h). truth is one line of JSON, and behind it, for each log in the order that
 * the line says, arrays of one element an offset, in the byte order of the machine:
 *
 *   identity u64 | identity of what was cleaned away u64 | from i64 | origin u8 | dropped u8 |
 * recoverable u8 | readable u8
 */
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/world.h"

static const char usage_text[] =
        "usage: paritap-sim [OPTIONS] DIR\n"
        "Writes two simulated clusters behind two mirrors, and the truth about them.\n"
        "  --seed N            decides everything that is not set (1)\n"
        "  --records N         of the source, about (100000)\n"
        "  --batch N           records of a batch at most, 1..256 (is drawn)\n"
        "  --repeats           many records are equal\n"
        "  --faults SHARE      of the records that the replicator leaves out; as many are written\n"
        "                      twice, changed, added, moved; a tenth begins a replay (0)\n"
        "of a mirror, as SOURCE or SOURCE,TARGET:\n"
        "  --loss SHARE        frames that are lost (0)\n"
        "  --burst MEAN        in runs of so many (1)\n"
        "  --copies SHARE      frames that come twice (0)\n"
        "  --reorder SHARE     frames that come behind up to 8 later ones (0)\n"
        "  --one-way SHARE     directions of connections that are not mirrored (0)\n"
        "  --snap-len BYTES    frames are cut behind so many (0: not)\n"
        "  --clock SECONDS     its clock is ahead (0)\n"
        "  --attach SHARE      it begins when so much was written (0)\n"
        "  --detach SHARE      it ends when so much was written (1: not)\n";

static void fail(const char *what, const char *arg)
{
    fprintf(stderr, "paritap-sim: %s '%s'\n%s", what, arg, usage_text);
    exit(2);
}

static uint64_t number(const char *s)
{
    char *end;
    unsigned long long v = strtoull(s, &end, 10);

    if (*end || end == s)
        fail("not a number:", s);
    return v;
}

/* One value for both mirrors, or one for each. */
static void two(const char *s, double v[2])
{
    char *end;

    v[0] = strtod(s, &end);
    v[1] = v[0];
    if (*end == ',' && end > s)
        v[1] = strtod(end + 1, &end);
    if (*end || end == s)
        fail("not one number, or two with a comma:", s);
}

static uint64_t identity(const struct place *p, uint64_t content)
{
    uint64_t z = content ^ (uint64_t)p->timestamp_ms * 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return content ? z | 1 : 0;
}

/* The live batch with that serial; NULL: it was truncated. */
static const struct stored_batch *batch_of(const struct sim_log *l, uint32_t serial)
{
    uint32_t lo = 0;
    uint32_t hi = l->batch_cnt;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (l->batch[mid].serial >= serial)
            hi = mid;
        else
            lo = mid + 1;
    }
    return lo < l->batch_cnt && l->batch[lo].serial == serial ? &l->batch[lo] : NULL;
}

static void write_log(FILE *f, const struct world *w, unsigned cluster, uint32_t partition)
{
    const struct sim_log *l = &w->cluster[cluster].log[partition];
    uint8_t *seen[2] = { calloc((size_t)l->leo + 1, 1), calloc((size_t)l->leo + 1, 1) };

    for (uint32_t i = 0; i < w->oracle[cluster].batch_cnt; i++) {
        const struct oracle_batch *o = &w->oracle[cluster].batch[i];
        const struct stored_batch *b;

        if (o->log != partition + PARTITIONS_MAX * cluster || !(b = batch_of(l, o->batch)))
            continue;
        if (o->recoverable)
            memset(seen[0] + b->base, 1, b->cnt);
        if (o->readable || (o->recoverable && o->produce))
            memset(seen[1] + b->base, 1, b->cnt);
    }
    for (int64_t i = 0; i < l->leo; i++)
        fwrite(&(uint64_t){ identity(&l->place[i], l->place[i].content) }, 8, 1, f);
    for (int64_t i = 0; i < l->leo; i++)
        fwrite(&(uint64_t){ identity(&l->place[i], l->place[i].cleaned) }, 8, 1, f);
    for (int64_t i = 0; i < l->leo; i++)
        fwrite(&l->place[i].from, 8, 1, f);
    for (int64_t i = 0; i < l->leo; i++)
        fwrite(&l->place[i].origin, 1, 1, f);
    for (int64_t i = 0; i < l->leo; i++)
        fwrite(&(uint8_t){ l->place[i].dropped }, 1, 1, f);
    for (unsigned k = 0; k < 2; k++) {
        fwrite(seen[k], 1, (size_t)l->leo, f);
        free(seen[k]);
    }
}

static int write_truth(const struct world *w, const struct world_cfg *cfg, const char *path)
{
    const struct world_story *s = &w->story;
    FILE *f = fopen(path, "wb");
    const char *sep = "";
    int bad;

    if (!f)
        return -1;
    fprintf(f,
            "{\"seed\": %" PRIu64 ", \"repeats\": %s, \"partitions\": %u, \"replicas\": [%u, %u], "
            "\"producers\": %u, \"consumers\": [%u, %u], \"leader_changes\": %u, "
            "\"truncated\": %u, \"transactions\": %u, \"compacted\": %u, \"reads_all\": %s, "
            "\"packets\": [%" PRIu64 ", %" PRIu64 "], \"lost\": [%" PRIu64 ", %" PRIu64
            "], \"topic\": \"%s\", \"logs\": [",
            cfg->seed, cfg->repeats ? "true" : "false", s->partitions, s->replicas[0],
            s->replicas[1], s->producers, s->consumers[0], s->consumers[1], s->leader_changes,
            s->truncated, s->transactions, s->compacted, s->reads_all ? "true" : "false",
            w->packets[0], w->packets[1], w->lost[0], w->lost[1], TALK_TOPIC);
    for (uint32_t p = 0; p < s->partitions; p++)
        for (unsigned k = 0; k < 2; k++, sep = ", ")
            fprintf(f, "%s{\"cluster\": %u, \"partition\": %u, \"end\": %" PRId64 "}", sep, k, p,
                    w->cluster[k].log[p].leo);
    fprintf(f, "]}\n");
    for (uint32_t p = 0; p < s->partitions; p++)
        for (unsigned k = 0; k < 2; k++)
            write_log(f, w, k, p);
    bad = ferror(f);
    return fclose(f) || bad ? -1 : 0;
}

enum { OPT_SEED = 256, OPT_RECORDS, OPT_BATCH, OPT_REPEATS, OPT_FAULTS, OPT_MIRROR };

/* Of a mirror, in the order of the options. */
enum { LOSS, BURST, COPIES, REORDER, ONE_WAY, SNAP_LEN, CLOCK, ATTACH, DETACH, MIRROR_CNT };

static const struct option options[] = {
    { "seed", required_argument, NULL, OPT_SEED },
    { "records", required_argument, NULL, OPT_RECORDS },
    { "batch", required_argument, NULL, OPT_BATCH },
    { "repeats", no_argument, NULL, OPT_REPEATS },
    { "faults", required_argument, NULL, OPT_FAULTS },
    { "loss", required_argument, NULL, OPT_MIRROR + LOSS },
    { "burst", required_argument, NULL, OPT_MIRROR + BURST },
    { "copies", required_argument, NULL, OPT_MIRROR + COPIES },
    { "reorder", required_argument, NULL, OPT_MIRROR + REORDER },
    { "one-way", required_argument, NULL, OPT_MIRROR + ONE_WAY },
    { "snap-len", required_argument, NULL, OPT_MIRROR + SNAP_LEN },
    { "clock", required_argument, NULL, OPT_MIRROR + CLOCK },
    { "attach", required_argument, NULL, OPT_MIRROR + ATTACH },
    { "detach", required_argument, NULL, OPT_MIRROR + DETACH },
    { 0 },
};

static void read_options(int argc, char **argv, struct world_cfg *cfg)
{
    double v[MIRROR_CNT][2] = { [BURST] = { 1, 1 }, [DETACH] = { 1, 1 } };
    double share;
    int opt;

    while ((opt = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (opt >= OPT_MIRROR) {
            two(optarg, v[opt - OPT_MIRROR]);
        } else if (opt == OPT_SEED) {
            cfg->seed = number(optarg);
        } else if (opt == OPT_RECORDS) {
            cfg->records = number(optarg);
        } else if (opt == OPT_BATCH) {
            cfg->batch_records = (uint32_t)number(optarg);
            if (!cfg->batch_records || cfg->batch_records > 256)
                fail("not from 1 to 256:", optarg);
        } else if (opt == OPT_REPEATS) {
            cfg->repeats = true;
        } else if (opt == OPT_FAULTS) {
            share = strtod(optarg, NULL);
            cfg->faults = (struct world_faults){ share, share, share, share, share, share / 10 };
        } else {
            fputs(usage_text, stderr);
            exit(2);
        }
    }
    for (unsigned i = 0; i < 2; i++) {
        cfg->mirror[i] = (struct mirror_cfg){ .loss = v[LOSS][i],
                                              .burst = v[BURST][i],
                                              .copies = v[COPIES][i],
                                              .reorder = v[REORDER][i],
                                              .one_way = v[ONE_WAY][i],
                                              .snap_len = (uint32_t)v[SNAP_LEN][i],
                                              .clock_ns = (int64_t)(v[CLOCK][i] * 1e9),
                                              .seed = 2 * cfg->seed + i };
        cfg->attach[i] = v[ATTACH][i];
        cfg->detach[i] = v[DETACH][i];
    }
}

int main(int argc, char **argv)
{
    struct world_cfg cfg = { .seed = 1, .records = 100000 };
    char path[3][4096];
    struct world w;
    int rc;

    read_options(argc, argv, &cfg);
    if (optind != argc - 1) {
        fputs(usage_text, stderr);
        return 2;
    }
    snprintf(path[0], sizeof(path[0]), "%s/source.pcap", argv[optind]);
    snprintf(path[1], sizeof(path[1]), "%s/target.pcap", argv[optind]);
    snprintf(path[2], sizeof(path[2]), "%s/truth", argv[optind]);
    rc = world_run(&w, &cfg, path[0], path[1]);
    if (rc || write_truth(&w, &cfg, path[2])) {
        fprintf(stderr, "paritap-sim: cannot write to %s\n", argv[optind]);
        return 2;
    }
    world_fini(&w);
    return 0;
}
