/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/monitor_link.h"

#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "driver/fd_watch.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/text.h"

typedef struct {
    MonitorLink *link;
    guint32 serial;
    guint timer;
    MonitorAnswer answer;
    gpointer data;
} Request;

struct MonitorLink {
    int ref_count;          /* the owner's, and one while handlers run */
    int fd;
    FdWatch *watch;
    guint32 serial;
    GSList *requests;       /* of Request */
    MonitorHandlers handlers;
    gpointer data;
    gboolean freed;         /* by the owner: call nobody any more */
    gboolean late;          /* no packet since a request had no answer in time */
};

static void
request_free (gpointer data)
{
    Request *request = data;

    if (request->timer)
        g_source_remove (request->timer);
    g_free (request);
}

static void
link_unref (MonitorLink *link)
{
    if (--link->ref_count > 0)
        return;
    g_free (link);
}

/* Ends @request with @error (borrowed). */
static void
request_finish (MonitorLink *link, Request *request, const GError *error)
{
    MonitorAnswer answer = request->answer;
    gpointer data = request->data;

    link->requests = g_slist_remove (link->requests, request);
    request_free (request);
    answer (error, data);
}

static gboolean
request_late (gpointer data)
{
    Request *request = data;
    MonitorLink *link = request->link;
    gboolean first = !link->late;
    g_autoptr (GError) error = NULL;

    request->timer = 0;
    link->late = TRUE;
    if (first && link->handlers.late)
        link->handlers.late (link->data);
    error_set (&error, ERR_OPERATION_TIMEOUT, "the controller did not answer in time");
    request_finish (link, request, error);
    return G_SOURCE_REMOVE;
}

gboolean
monitor_link_late (const MonitorLink *link)
{
    return link->late;
}

static void
link_answer (MonitorLink *link, const MonitorPacket *packet)
{
    g_autoptr (GError) error = NULL;

    for (GSList *l = link->requests; l; l = l->next) {
        Request *request = l->data;

        if (request->serial != packet->serial)
            continue;
        if (packet->type == MONITOR_FAILED) {
            char text[640];

            monitor_describe (packet, text, sizeof text);
            error_set_errno (&error, packet->err, "%s", text);
            /* the sentence has the errno's text already */
            text_replace (&error->message, text);
        }
        request_finish (link, request, error);
        return;
    }
}

static void
link_closed (MonitorLink *link)
{
    g_autoptr (GError) error = NULL;

    g_clear_pointer (&link->watch, fd_watch_free);
    error_set_errno (&error, ESRCH, "the controller has gone");
    while (!link->freed && link->requests)
        request_finish (link, link->requests->data, error);
    if (!link->freed)
        link->handlers.closed (link->data);
}

/* One packet; FALSE when there is no more now. */
static gboolean
link_read (MonitorLink *link)
{
    MonitorPacket packet;
    int fds[FD_PASS_MAX];
    guint n_fds = FD_PASS_MAX;
    ssize_t n = fd_receive (link->fd, &packet, sizeof packet, fds, &n_fds);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return FALSE;
    for (guint i = 0; n > 0 && i < n_fds; i++)
        close (fds[i]);
    if (n != sizeof packet) {
        link_closed (link);
        return FALSE;
    }
    packet.object[sizeof packet.object - 1] = '\0';
    link->late = FALSE;
    if (packet.serial != 0 && (packet.type == MONITOR_DONE || packet.type == MONITOR_FAILED))
        link_answer (link, &packet);
    else
        link->handlers.packet (&packet, link->data);
    return TRUE;
}

void
monitor_link_drain (MonitorLink *link)
{
    link->ref_count++;
    /* bounded, so that a controller that talks without end does not hold the loop */
    for (int i = 0; i < 16 && !link->freed && link->watch; i++)
        if (!link_read (link))
            break;
    link_unref (link);
}

static void
link_ready (gpointer data)
{
    monitor_link_drain (data);
}

MonitorLink *
monitor_link_new (int fd, const MonitorHandlers *handlers, gpointer data)
{
    MonitorLink *link = g_new0 (MonitorLink, 1);

    g_unix_set_fd_nonblocking (fd, TRUE, NULL);
    link->ref_count = 1;
    link->fd = fd;
    link->handlers = *handlers;
    link->data = data;
    link->watch = fd_watch_new (fd, link_ready, link);
    return link;
}

MonitorLink *
monitor_link_connect (const char *path, const MonitorHandlers *handlers, gpointer data, GError **error)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    autofd int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0) {
        error_set_errno (error, errno, "cannot make a socket");
        return NULL;
    }
    if (g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path) {
        error_set (error, ERR_OPERATION_FAILED, "socket path '%s' is too long", path);
        return NULL;
    }
    /* to a UNIX socket: at once or not at all (EAGAIN: its backlog is full) */
    if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0) {
        error_set_errno (error, errno, "cannot connect to '%s'", path);
        return NULL;
    }
    return monitor_link_new (fd_steal (&fd), handlers, data);
}

void
monitor_link_free (MonitorLink *link)
{
    g_autoptr (GError) error = NULL;

    if (!link)
        return;
    link->freed = TRUE;
    g_clear_pointer (&link->watch, fd_watch_free);
    fd_close (&link->fd);
    /* somebody waits for each answer */
    error_set_errno (&error, ESRCH, "the controller has gone");
    while (link->requests)
        request_finish (link, link->requests->data, error);
    link_unref (link);
}

gboolean
monitor_link_send (MonitorLink *link, const MonitorPacket *packet, const int *fds, guint n_fds,
                   GError **error)
{
    if (fd_send (link->fd, packet, sizeof *packet, fds, n_fds) < 0)
        return error_set_errno (error, errno, "cannot send to the controller");
    return TRUE;
}

void
monitor_link_request (MonitorLink *link, MonitorPacket *packet, int fd, guint deadline_ms,
                      MonitorAnswer answer, gpointer data)
{
    g_autoptr (GError) error = NULL;
    Request *request;

    packet->serial = ++link->serial ? link->serial : ++link->serial;
    if (!monitor_link_send (link, packet, &fd, fd >= 0 ? 1 : 0, &error)) {
        answer (error, data);
        return;
    }
    request = g_new0 (Request, 1);
    request->link = link;
    request->serial = packet->serial;
    request->answer = answer;
    request->data = data;
    request->timer = g_timeout_add (deadline_ms, request_late, request);
    link->requests = g_slist_prepend (link->requests, request);
}
