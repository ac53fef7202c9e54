/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/input_clocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static bool is_regular(const char *path)
{
    struct stat st;

    return !stat(path, &st) && S_ISREG(st.st_mode);
}

/* Looks at the files of one role. */
static int estimate(struct pt_report_input *inputs, size_t input_cnt, enum pt_input_role role,
                    struct pt_clock *clock)
{
    struct pt_clocks *c;
    uint32_t cnt = 0;
    int rc;

    for (size_t i = 0; i < input_cnt; i++)
        cnt += inputs[i].role == role && is_regular(inputs[i].name);
    if (cnt < 2)
        return 0;
    rc = pt_clocks_open((uint32_t)input_cnt, &c);
    if (rc)
        return rc;
    for (size_t i = 0; i < input_cnt; i++)
        if (inputs[i].role == role && is_regular(inputs[i].name))
            pt_clocks_read(c, (uint32_t)i, inputs[i].name, PT_CLOCK_PACKETS_MAX / cnt);
    pt_clocks_solve(c, clock);
    pt_clocks_close(c);
    return 0;
}

int pt_input_clocks(const struct pt_config *cfg, struct pt_report_input *inputs, size_t input_cnt)
{
    const struct pt_ns_list *given = &cfg->clock_offsets;
    struct pt_clock *clock = calloc(input_cnt + 1, sizeof(*clock));
    int rc = clock ? 0 : -ENOMEM;

    for (size_t i = 0; !rc && i < input_cnt; i++)
        for (size_t k = 0; k < given->cnt; k++)
            if (!strcmp(given->item[k].name, inputs[i].name))
                clock[i] =
                        (struct pt_clock){ .how = PT_CLOCK_GIVEN, .offset_ns = given->item[k].ns };
    for (int role = 0; !rc && !cfg->clocks_as_recorded && role < PT_ROLE_CNT; role++)
        rc = estimate(inputs, input_cnt, (enum pt_input_role)role, clock);
    for (size_t i = 0; !rc && i < input_cnt; i++)
        inputs[i].clock = clock[i];
    free(clock);
    return rc;
}

void pt_input_clocks_tell(const struct pt_report_input *inputs, size_t input_cnt, FILE *f)
{
    for (size_t i = 0; i < input_cnt; i++) {
        const struct pt_clock *c = &inputs[i].clock;

        if (c->how == PT_CLOCK_ESTIMATED)
            fprintf(f,
                    "paritap: %s: its clock differs from that of %s, as %llu pairs of packets "
                    "show; its times are moved by %+.6f s (--clock-offset %s=SECONDS sets this)\n",
                    inputs[i].name, inputs[c->against].name, (unsigned long long)c->pairs,
                    (double)c->offset_ns / 1e9, inputs[i].name);
    }
}
