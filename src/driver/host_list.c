/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/host_list.h"

typedef struct {
    Call *call;
    HostListAnswer answer;
} Asker;

static guint changes;

void
host_lists_changed (void)
{
    changes++;
}

static gpointer
list_read (gpointer data, GError **error)
{
    const HostList *host = data;

    (void) error;
    return host->read ();
}

static void list_known (gpointer result, GError *error, gpointer data);

static void
read_begin (HostList *host)
{
    host->reading = TRUE;
    host->turn_read = changes;
    task_run (list_read, host, NULL, list_known, host);
}

static void
list_known (gpointer result, GError *error, gpointer data)
{
    HostList *host = data;
    GQueue asked = host->waiting;
    Asker *asker;

    (void) error;
    g_clear_pointer (&host->list, g_ptr_array_unref);
    host->list = result;
    host->read_at = g_get_monotonic_time ();
    host->turn = host->turn_read;
    if (host->turn != changes) {
        read_begin (host);
        return;
    }
    host->reading = FALSE;
    g_queue_init (&host->waiting);
    while ((asker = g_queue_pop_head (&asked))) {
        GError *why = NULL;

        if (asker->answer (asker->call, host->list, &why) == API_DONE)
            call_done (asker->call);
        else
            call_failed (asker->call, why);
        g_free (asker);
    }
}

ApiResult
host_list_ask (HostList *host, Call *call, HostListAnswer answer, GError **error)
{
    Asker *asker;

    if (host->list && host->turn == changes && g_get_monotonic_time () - host->read_at < HOST_LIST_MS * 1000)
        return answer (call, host->list, error);
    asker = g_new (Asker, 1);
    *asker = (Asker){ call, answer };
    g_queue_push_tail (&host->waiting, asker);
    if (!host->reading)
        read_begin (host);
    return API_LATER;
}
