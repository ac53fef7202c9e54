/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The words of errors. DPDK tells why something failed only in its log, and there best: the last
 * messages are kept, so that an error can quote them. DPDK's log is one for the process, hence the
 * one static object.
 */
#include "dataplane/port_pvt.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <rte_log.h>

#define KEPT_MAX 320

static struct {
    pthread_mutex_t lock;    /* drivers' own threads log too */
    char kept[KEPT_MAX + 1]; /* the newest, one line */
    size_t len;
    char quoted[KEPT_MAX + 16];
} port_log = { .lock = PTHREAD_MUTEX_INITIALIZER };

static ssize_t keep(void *cookie, const char *text, size_t len)
{
    (void)cookie;
    pthread_mutex_lock(&port_log.lock);
    for (size_t i = 0; i < len; i++) {
        if (port_log.len == KEPT_MAX) {
            memmove(port_log.kept, port_log.kept + 1, KEPT_MAX - 1);
            port_log.len--;
        }
        /* Messages end with a newline. */
        port_log.kept[port_log.len++] = text[i] == '\n' ? ';' : text[i];
    }
    port_log.kept[port_log.len] = 0;
    pthread_mutex_unlock(&port_log.lock);
    return (ssize_t)len;
}

int pt_port_log_open(void)
{
    FILE *f = fopencookie(NULL, "w", (cookie_io_functions_t){ .write = keep });

    if (!f)
        return -errno;
    if (rte_openlog_stream(f)) {
        fclose(f);
        return -EINVAL;
    }
    return 0;
}

void pt_port_log_clear(void)
{
    pthread_mutex_lock(&port_log.lock);
    port_log.len = 0;
    port_log.kept[0] = 0;
    pthread_mutex_unlock(&port_log.lock);
}

const char *pt_port_log_last(void)
{
    const char *quoted = "";

    pthread_mutex_lock(&port_log.lock);
    while (port_log.len && strchr("; ", port_log.kept[port_log.len - 1]))
        port_log.kept[--port_log.len] = 0;
    if (port_log.len) {
        snprintf(port_log.quoted, sizeof(port_log.quoted), " (DPDK: %s)", port_log.kept);
        quoted = port_log.quoted;
    }
    pthread_mutex_unlock(&port_log.lock);
    return quoted;
}

int pt_port_refuse(struct pt_port_error *err, int rc, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(err->text, sizeof(err->text), fmt, ap);
    va_end(ap);
    return rc;
}

void pt_port_note(struct pt_port *p, const char *fmt, ...)
{
    va_list ap;

    if (p->state.note_cnt == PT_PORT_NOTES_MAX)
        return;
    va_start(ap, fmt);
    vsnprintf(p->state.note[p->state.note_cnt++], sizeof(p->state.note[0]), fmt, ap);
    va_end(ap);
}
