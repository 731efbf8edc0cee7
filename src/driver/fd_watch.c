/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/fd_watch.h"

#include <errno.h>
#include <sys/epoll.h>

#define BATCH 64

struct FdWatch {
    int fd;
    void (*ready) (gpointer data);  /* NULL: freed while a batch is delivered */
    gpointer data;
};

typedef struct {
    GSource source;
    int epoll;
    gpointer tag;
    gboolean delivering;
    GSList *dead;                   /* freed in a batch; another event of it may name them */
} WatchSource;

static WatchSource *all;

static gboolean
watch_ready (GSource *source)
{
    return g_source_query_unix_fd (source, ((WatchSource *) source)->tag) != 0;
}

static gboolean
watch_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
    WatchSource *watches = (WatchSource *) source;
    struct epoll_event events[BATCH];
    int n = epoll_wait (watches->epoll, events, BATCH, 0);

    (void) callback;
    (void) data;
    watches->delivering = TRUE;
    for (int i = 0; i < n; i++) {
        FdWatch *watch = events[i].data.ptr;

        if (watch->ready)
            watch->ready (watch->data);
    }
    watches->delivering = FALSE;
    g_slist_free_full (g_steal_pointer (&watches->dead), g_free);
    return G_SOURCE_CONTINUE;
}

static WatchSource *
watch_source (void)
{
    static GSourceFuncs funcs = { .check = watch_ready, .dispatch = watch_dispatch };

    if (all)
        return all;
    all = (WatchSource *) g_source_new (&funcs, sizeof *all);
    all->epoll = epoll_create1 (EPOLL_CLOEXEC);
    if (all->epoll < 0)
        g_error ("epoll_create1: %s", g_strerror (errno));
    all->tag = g_source_add_unix_fd (&all->source, all->epoll, G_IO_IN);
    g_source_attach (&all->source, NULL);
    return all;
}

FdWatch *
fd_watch_new (int fd, void (*ready) (gpointer data), gpointer data)
{
    FdWatch *watch = g_new0 (FdWatch, 1);
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = watch };

    watch->fd = fd;
    watch->ready = ready;
    watch->data = data;
    /* only memory and the kernel's limit of watches can be lacking, as for any allocation */
    if (epoll_ctl (watch_source ()->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
        g_error ("epoll_ctl: %s", g_strerror (errno));
    return watch;
}

void
fd_watch_free (FdWatch *watch)
{
    if (!watch)
        return;
    epoll_ctl (all->epoll, EPOLL_CTL_DEL, watch->fd, NULL);
    watch->ready = NULL;
    if (all->delivering)
        all->dead = g_slist_prepend (all->dead, watch);
    else
        g_free (watch);
}
