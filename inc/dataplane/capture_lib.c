/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Formats that libpcap reads and we do not (modified pcap, old versions, writers' oddities):
 * libpcap gets the window as a FILE, so these may be packed or piped as well.
 */
#include "dataplane/capture_pvt.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

static ssize_t read_window(void *cookie, char *out, size_t len)
{
    struct pt_window *w = cookie;

    if (!pt_window_need(w, 1)) {
        if (w->err == 0)
            return 0;
        errno = w->err;
        return -1;
    }
    if (len > pt_window_left(w))
        len = pt_window_left(w);
    memcpy(out, w->at, len);
    pt_window_step(w, len);
    return (ssize_t)len;
}

static int next_lib(struct pt_capture *cap, struct pt_frame *ret_frame)
{
    struct pcap_pkthdr *head;
    const u_char *data;
    int rc = pcap_next_ex(cap->lib.pcap, &head, &data);

    if (rc == PCAP_ERROR_BREAK)
        return pt_capture_over(cap);
    if (rc != 1)
        return pt_capture_broken(cap, "packet %" PRIu64 ": %s", cap->info.packets + 1,
                                 pcap_geterr(cap->lib.pcap));
    *ret_frame = (struct pt_frame){
        .data = data,
        .cap_len = head->caplen,
        .wire_len = head->len > head->caplen ? head->len : head->caplen,
        .time_ns = (int64_t)head->ts.tv_sec * 1000000000 + head->ts.tv_usec, /* _NANO: see open */
        .link_type = (uint32_t)pcap_datalink(cap->lib.pcap),
    };
    return 1;
}

static void fini_lib(struct pt_capture *cap)
{
    pcap_close(cap->lib.pcap);
}

int pt_capture_open_lib(struct pt_capture *cap)
{
    char words[PCAP_ERRBUF_SIZE] = "";
    FILE *f = fopencookie(&cap->win, "r", (cookie_io_functions_t){ .read = read_window });

    if (!f)
        return -ENOMEM;
    cap->lib.pcap = pcap_fopen_offline_with_tstamp_precision(f, PCAP_TSTAMP_PRECISION_NANO, words);
    if (!cap->lib.pcap) {
        fclose(f);
        return -EBADMSG;
    }
    cap->next = next_lib;
    cap->fini = fini_lib;
    return 0;
}
