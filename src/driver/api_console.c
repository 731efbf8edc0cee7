/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Consoles: a socket to the controller's ring on one side, a stream of the client on the other,
 * bytes in both directions with back-pressure: what one side does not take is not read from the
 * other.
 *
 * Who may attach: without flags everybody, all see the same output. With SAFE only when nobody else
 * is there, and then nobody else without FORCE. FORCE ends the other sessions first.
 */
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "driver/api.h"
#include "driver/params.h"
#include "driver/start.h"
#include "plan/monitor.h"
#include "util/fd.h"

#define CONSOLE_FORCE 1u            /* virDomainConsoleFlags */
#define CONSOLE_SAFE 2u
#define CHUNK 4096
#define PENDING_MAX (256 * 1024)    /* bytes for the container that it does not take */
#define CLIENT_MAX 64               /* sessions of one client: each costs descriptors */

typedef struct {
    Domain *domain;                 /* a reference */
    char *alias;
    gboolean safe;
    Call *call;                     /* until the stream is open */
    RpcStream *stream;
    int fd;
    guint in, out;                  /* sources: bytes from and room for the container */
    GByteArray *pending;            /* for the container */
    gboolean held;                  /* the client is not read from */
} Session;

static GSList *sessions;            /* of Session, of all domains */

static void
session_free (Session *session)
{
    sessions = g_slist_remove (sessions, session);
    if (session->in)
        g_source_remove (session->in);
    if (session->out)
        g_source_remove (session->out);
    fd_close (&session->fd);
    g_byte_array_unref (session->pending);
    g_free (session->alias);
    domain_unref (session->domain);
    g_free (session);
}

/* The container's end: end of data for the client, who then closes. */
static void
session_end (Session *session)
{
    if (session->in)
        g_source_remove (session->in);
    if (session->out)
        g_source_remove (session->out);
    session->in = session->out = 0;
    fd_close (&session->fd);
    rpc_stream_end (session->stream);
}

/* ---- container to client */

static gboolean
from_container (gint fd, GIOCondition condition, gpointer data)
{
    Session *session = data;
    char chunk[CHUNK];
    ssize_t n = read (fd, chunk, sizeof chunk);

    (void) condition;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    if (n <= 0) {
        session->in = 0;
        session_end (session);
        return G_SOURCE_REMOVE;
    }
    if (rpc_stream_send (session->stream, chunk, (gsize) n))
        return G_SOURCE_CONTINUE;
    session->in = 0;                /* until client_has_room() */
    return G_SOURCE_REMOVE;
}

static void
client_has_room (RpcStream *stream, gpointer data)
{
    Session *session = data;

    (void) stream;
    if (!session->in && session->fd >= 0)
        session->in = g_unix_fd_add (session->fd, G_IO_IN | G_IO_HUP, from_container, session);
}

/* ---- client to container */

static void
flush_pending (Session *session)
{
    while (session->pending->len > 0) {
        ssize_t n = write (session->fd, session->pending->data, session->pending->len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;                  /* its end is seen by the reader */
        g_byte_array_remove_range (session->pending, 0, (guint) n);
    }
}

static gboolean
container_has_room (gint fd, GIOCondition condition, gpointer data)
{
    Session *session = data;

    (void) fd;
    if (condition & (G_IO_HUP | G_IO_ERR)) {
        session->out = 0;
        return G_SOURCE_REMOVE;
    }
    flush_pending (session);
    if (session->pending->len > 0)
        return G_SOURCE_CONTINUE;
    session->out = 0;
    if (session->held) {
        session->held = FALSE;
        rpc_stream_resume (session->stream);
    }
    return G_SOURCE_REMOVE;
}

static gboolean
from_client (RpcStream *stream, const void *bytes, gsize size, gpointer data)
{
    Session *session = data;

    (void) stream;
    if (session->fd < 0)
        return TRUE;                /* ended; what the client still types goes nowhere */
    g_byte_array_append (session->pending, bytes, (guint) MIN (size, PENDING_MAX));
    if (!session->out)
        flush_pending (session);
    if (session->pending->len == 0)
        return TRUE;
    if (!session->out)
        session->out = g_unix_fd_add (session->fd, G_IO_OUT | G_IO_HUP | G_IO_ERR, container_has_room,
                                      session);
    session->held = TRUE;
    return FALSE;
}

static void
client_closed (RpcStream *stream, gboolean aborted, gpointer data)
{
    (void) stream;
    (void) aborted;
    session_free (data);            /* the controller sees the end of its socket */
}

/* ---- opening */

static void
end_others (const Domain *domain, const char *alias, const Session *except)
{
    g_autoptr (GError) error = NULL;

    error_set_from (&error, ORIGIN_STREAMS, ERR_OPERATION_ABORTED,
                    "the console was taken over by another client");
    for (GSList *l = sessions, *next; l; l = next) {
        Session *other = l->data;

        next = l->next;
        if (other == except || other->domain != domain || strcmp (other->alias, alias) != 0
            || other->call)
            continue;
        rpc_stream_fail (other->stream, error);
        session_free (other);
    }
}

static gboolean
may_attach (const Domain *domain, const char *alias, guint flags, GError **error)
{
    for (GSList *l = sessions; l; l = l->next) {
        const Session *other = l->data;

        if (other->domain != domain || strcmp (other->alias, alias) != 0)
            continue;
        if ((flags & CONSOLE_SAFE) || other->safe)
            return error_set (error, ERR_OPERATION_FAILED,
                              "Active console session exists for this domain");
    }
    return TRUE;
}

static void
console_opened (Domain *domain, int fd, const GError *error, gpointer data)
{
    static const RpcStreamHandlers handlers = {
        .received = from_client, .writable = client_has_room, .closed = client_closed,
        .interactive = TRUE,
    };
    Session *session = data;
    Call *call = g_steal_pointer (&session->call);

    (void) domain;
    if (error) {
        session_free (session);
        call_failed (call, g_error_copy (error));
        return;
    }
    session->fd = fd;
    session->stream = rpc_stream_open (call->rpc, &handlers, session);
    session->in = g_unix_fd_add (fd, G_IO_IN | G_IO_HUP, from_container, session);
    call_done (call);
}

ApiResult
api_domain_open_console (Call *call, const domain_open_console_args *in, none *out, GError **error)
{
    const char *alias = wire_text (in->dev_name);
    guint flags = in->flags & CONSOLE_FORCE ? MONITOR_CONSOLE_FORCE : 0;
    Session *session;

    (void) out;
    if (!alias)
        alias = "console0";
    if (rpc_client_n_streams (rpc_call_client (call->rpc)) >= CLIENT_MAX)
        return error_set (error, ERR_RESOURCE_BUSY, "this connection has %d open consoles", CLIENT_MAX),
               API_FAILED;
    if (in->flags & CONSOLE_FORCE)
        end_others (call->domain, alias, NULL);
    else if (!may_attach (call->domain, alias, in->flags, error))
        return API_FAILED;
    if (in->flags & CONSOLE_SAFE && !(in->flags & CONSOLE_FORCE))
        flags |= MONITOR_CONSOLE_SAFE;
    session = g_new0 (Session, 1);
    session->domain = domain_ref (call->domain);
    session->alias = g_strdup (alias);
    session->safe = (in->flags & CONSOLE_SAFE) != 0;
    session->call = call;
    session->fd = -1;
    session->pending = g_byte_array_new ();
    /* in the list from here on: two that ask at the same time do not both find nobody */
    sessions = g_slist_prepend (sessions, session);
    domain_console (call->domain, alias, flags, console_opened, session);
    return API_LATER;
}
