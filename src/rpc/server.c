/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sockets that listen, the epoll set, and the turn-taking between clients. */
#include "rpc/server.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "rpc/address.h"
#include "rpc/server_private.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/log.h"

#define EVENTS_PER_TURN  64
#define ACCEPTS_PER_TURN 16
#define DIRECT_MAX       16
#define ACCEPT_PAUSE     (G_USEC_PER_SEC / 4)

typedef struct {
    GSource source;
    RpcServer *server;
} ServerSource;

/* ---- what is waited for */

/* The first clients are in the main loop's own set, the others in an epoll set, which is one more there: so any number
 * of them costs the loop nothing. Who wakes an epoll set that is itself waited for does not tell the scheduler that
 * the sender of a call goes to sleep now, which makes the way to the daemon and back the longer. */

static GIOCondition
conditions (guint32 events)
{
    return (events & EPOLLIN ? G_IO_IN : 0) | (events & EPOLLOUT ? G_IO_OUT : 0);
}

void
rpc_server_watch (RpcServer *server, Target *target, guint32 events)
{
    struct epoll_event event = { .events = events, .data.ptr = target };

    if (events == target->events)
        return;
    if (target->tag)
        g_source_modify_unix_fd (server->source, target->tag, conditions (events));
    else
        epoll_ctl (server->epoll_fd, EPOLL_CTL_MOD, target->fd, &event);
    target->events = events;
}

static gboolean
watch_new (RpcServer *server, Target *target, GError **error)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = target };

    target->events = EPOLLIN;
    if (target->kind == TARGET_CLIENT && server->direct->len < DIRECT_MAX) {
        target->tag = g_source_add_unix_fd (server->source, target->fd, G_IO_IN);
        g_ptr_array_add (server->direct, target);
        return TRUE;
    }
    if (epoll_ctl (server->epoll_fd, EPOLL_CTL_ADD, target->fd, &event) < 0)
        return error_set_errno (error, errno, "cannot watch a socket");
    return TRUE;
}

void
rpc_server_unwatch (RpcServer *server, Target *target)
{
    if (!target->tag) {
        epoll_ctl (server->epoll_fd, EPOLL_CTL_DEL, target->fd, NULL);
        return;
    }
    g_source_remove_unix_fd (server->source, target->tag);
    target->tag = NULL;
    g_ptr_array_remove_fast (server->direct, target);
}

void
rpc_server_ready (RpcServer *server, RpcClient *client)
{
    if (!server || client->in_ready)
        return;
    client->in_ready = TRUE;
    g_queue_push_tail (&server->ready, rpc_client_ref (client));
}

/* ---- time: keepalive, and accepting again after descriptors ran out */

static void
server_arm (RpcServer *server)
{
    gint64 when = server->keepalive_due;

    if (server->accept_again && (!when || server->accept_again < when))
        when = server->accept_again;
    g_source_set_ready_time (server->source, when ? when : -1);
}

void
rpc_server_keepalive_at (RpcServer *server, gint64 when)
{
    if (!server->keepalive_due || when < server->keepalive_due) {
        server->keepalive_due = when;
        server_arm (server);
    }
}

static void
listeners_watch (RpcServer *server, gboolean accepting)
{
    server->accepting = accepting;
    for (guint i = 0; i < server->listeners->len; i++)
        rpc_server_watch (server, g_ptr_array_index (server->listeners, i),
                          accepting ? EPOLLIN : 0);
}

static void
server_tick (RpcServer *server)
{
    gint64 now = g_get_monotonic_time ();
    GHashTableIter iter;
    gpointer client;

    if (server->accept_again && now >= server->accept_again) {
        server->accept_again = 0;
        listeners_watch (server, TRUE);
    }
    if (server->keepalive_due && now >= server->keepalive_due) {
        gint64 due = 0;

        g_hash_table_iter_init (&iter, server->clients);
        while (g_hash_table_iter_next (&iter, &client, NULL)) {
            gint64 next = rpc_client_keepalive (client, now);

            if (next && (!due || next < due))
                due = next;
        }
        server->keepalive_due = due;
    }
    server_arm (server);
}

/* ---- clients come and go */

static void
server_drop (RpcServer *server, RpcClient *client)
{
    g_hash_table_steal (server->clients, client);
    rpc_client_close (client);
    rpc_client_unref (client);
    if (!server->accepting && !server->accept_again
        && g_hash_table_size (server->clients) < server->limits.max_clients)
        listeners_watch (server, TRUE);
}

/* The last tenth of the places is for root and the daemon's own user: whoever may open the
 * read-only socket must not be able to lock the administrator out. */
static gboolean
server_has_place (const RpcServer *server, const RpcClient *client)
{
    guint max = server->limits.max_clients;

    return client->peer.uid == 0 || client->peer.uid == geteuid ()
           || g_hash_table_size (server->clients) < max - max / 10;
}

static void
server_accept (RpcServer *server, Listener *listener)
{
    for (int i = 0; i < ACCEPTS_PER_TURN && server->accepting; i++) {
        int fd = accept4 (listener->target.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        RpcClient *client;

        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                /* the connection stays in the queue and would wake us again at once */
                server->accept_again = g_get_monotonic_time () + ACCEPT_PAUSE;
                listeners_watch (server, FALSE);
                server_arm (server);
            }
            return;
        }
        client = rpc_client_new (server, fd, listener->readonly);
        if (!server_has_place (server, client) || !watch_new (server, &client->target, NULL)) {
            client->server = NULL;
            rpc_client_unref (client);
            continue;
        }
        g_hash_table_add (server->clients, client);
        if (g_hash_table_size (server->clients) >= server->limits.max_clients)
            listeners_watch (server, FALSE);
        server->handlers.client_new (client, server->data);
    }
}

/* ---- the source */

static void
server_run_ready (RpcServer *server)
{
    GQueue turn = server->ready;        /* what becomes ready meanwhile waits for the next round */
    RpcClient *client;

    g_queue_init (&server->ready);
    while ((client = g_queue_pop_head (&turn))) {
        client->in_ready = FALSE;
        if (client->server && !client->dead)
            rpc_client_continue (client);
        if (client->server && client->dead)
            server_drop (server, client);
        rpc_client_unref (client);
    }
}

static void
client_run (RpcClient *client, gboolean readable, gboolean writable, gboolean hung_up)
{
    if (writable)
        rpc_client_writable (client);
    if (readable)
        rpc_client_readable (client);
    else if (hung_up)
        rpc_client_kill (client, "hung up");
}

/* Clients are closed after all of these, so none goes meanwhile; new ones have nothing to tell yet. */
static void
server_run_direct (RpcServer *server)
{
    for (guint i = 0; i < server->direct->len; i++) {
        Target *target = g_ptr_array_index (server->direct, i);
        GIOCondition ready = g_source_query_unix_fd (server->source, target->tag);

        if (ready)
            client_run ((RpcClient *) target, ready & G_IO_IN, ready & G_IO_OUT, ready & (G_IO_HUP | G_IO_ERR));
    }
}

static void
server_run_events (RpcServer *server)
{
    struct epoll_event events[EVENTS_PER_TURN];
    int n = g_source_query_unix_fd (server->source, server->epoll_tag)
        ? epoll_wait (server->epoll_fd, events, EVENTS_PER_TURN, 0) : 0;

    for (int i = 0; i < n; i++) {
        Target *target = events[i].data.ptr;
        guint32 ready = events[i].events;

        if (target->kind == TARGET_LISTENER)
            server_accept (server, (Listener *) target);
        else
            client_run ((RpcClient *) target, ready & EPOLLIN, ready & EPOLLOUT, ready & (EPOLLHUP | EPOLLERR));
    }
}

static gboolean
source_prepare (GSource *source, gint *timeout)
{
    *timeout = -1;
    return !g_queue_is_empty (&((ServerSource *) source)->server->ready);
}

static gboolean
source_dispatch (GSource *source, GSourceFunc callback, gpointer data)
{
    RpcServer *server = ((ServerSource *) source)->server;
    gint64 ready_time = g_source_get_ready_time (source);

    (void) callback;
    (void) data;
    server_run_direct (server);
    server_run_events (server);
    if (ready_time >= 0 && g_get_monotonic_time () >= ready_time)
        server_tick (server);
    server_run_ready (server);
    return G_SOURCE_CONTINUE;
}

static GSourceFuncs source_funcs = { .prepare = source_prepare, .dispatch = source_dispatch };

/* ---- the server */

static void
listener_free (gpointer data)
{
    Listener *listener = data;
    struct stat st;

    close (listener->target.fd);
    if (listener->path && lstat (listener->path, &st) == 0 && st.st_dev == listener->dev
        && st.st_ino == listener->ino)
        unlink (listener->path);
    g_free (listener->path);
    g_free (listener);
}

RpcServer *
rpc_server_new (const RpcLimits *limits, const RpcHandlers *handlers, gpointer data)
{
    RpcServer *server = g_new0 (RpcServer, 1);

    server->limits = *limits;
    server->handlers = *handlers;
    server->data = data;
    server->programs = g_array_new (FALSE, FALSE, sizeof (Program));
    server->listeners = g_ptr_array_new_with_free_func (listener_free);
    server->clients = g_hash_table_new (NULL, NULL);
    server->direct = g_ptr_array_new ();
    server->next_id = 1;
    server->accepting = TRUE;
    server->input = g_malloc (INPUT_SIZE);
    server->epoll_fd = epoll_create1 (EPOLL_CLOEXEC);
    if (server->epoll_fd < 0)
        g_error ("cannot make an epoll set: %s", g_strerror (errno));
    server->source = g_source_new (&source_funcs, sizeof (ServerSource));
    ((ServerSource *) server->source)->server = server;
    g_source_set_name (server->source, "rpc");
    /* Nobody runs a loop inside a handler. For a source that might not recurse GLib takes its
     * descriptor out of the poll set around every dispatch, which costs three system calls. */
    g_source_set_can_recurse (server->source, TRUE);
    server->epoll_tag = g_source_add_unix_fd (server->source, server->epoll_fd, G_IO_IN);
    g_source_attach (server->source, g_main_context_get_thread_default ());
    return server;
}

void
rpc_server_free (RpcServer *server)
{
    GHashTableIter iter;
    gpointer client;

    if (!server)
        return;
    g_ptr_array_unref (server->listeners);
    server->accepting = TRUE;           /* nothing to switch on again in server_drop() */
    for (;;) {
        g_hash_table_iter_init (&iter, server->clients);
        if (!g_hash_table_iter_next (&iter, &client, NULL))
            break;
        server_drop (server, client);
    }
    while ((client = g_queue_pop_head (&server->ready)))
        rpc_client_unref (client);
    g_source_destroy (server->source);
    g_source_unref (server->source);
    close (server->epoll_fd);
    g_hash_table_unref (server->clients);
    g_ptr_array_unref (server->direct);
    g_array_unref (server->programs);
    packet_buffer_clear (&server->output);
    g_free (server->input);
    g_free (server);
}

void
rpc_server_add_program (RpcServer *server, guint32 program, guint32 version)
{
    Program entry = { program, version };

    g_array_append_val (server->programs, entry);
}

gboolean
rpc_server_has_program (RpcServer *server, guint32 program, guint32 version)
{
    for (guint i = 0; i < server->programs->len; i++) {
        const Program *entry = &g_array_index (server->programs, Program, i);

        if (entry->program == program && entry->version == version)
            return TRUE;
    }
    return FALSE;
}

guint
rpc_server_n_clients (const RpcServer *server)
{
    return g_hash_table_size (server->clients);
}

/* ---- listening */

/* A socket file that nobody listens on any more is in the way; a live one is somebody's. */
static gboolean
remove_stale (const char *path, const struct sockaddr_un *address, socklen_t size, GError **error)
{
    autofd int probe = -1;
    struct stat st;

    if (lstat (path, &st) < 0)
        return errno == ENOENT || error_set_errno (error, errno, "cannot look at socket '%s'",
                                                   path);
    if (!S_ISSOCK (st.st_mode))
        return error_set (error, ERR_OPERATION_FAILED, "'%s' exists and is not a socket", path);
    probe = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (probe < 0)
        return error_set_errno (error, errno, "cannot make a socket");
    if (connect (probe, (const struct sockaddr *) address, size) == 0 || errno == EAGAIN)
        return error_set (error, ERR_OPERATION_FAILED, "another daemon listens on '%s'", path);
    if (unlink (path) < 0 && errno != ENOENT)
        return error_set_errno (error, errno, "cannot remove stale socket '%s'", path);
    return TRUE;
}

/* Narrow first: at no moment may somebody connect whom the final owner and mode keep out. */
static gboolean
bind_path (int fd, const struct sockaddr_un *address, socklen_t size, const char *path, mode_t mode,
           gid_t gid, GError **error)
{
    if (!remove_stale (path, address, size, error))
        return FALSE;
    if (fchmod (fd, mode & 0700) < 0 || bind (fd, (const struct sockaddr *) address, size) < 0)
        return error_set_errno (error, errno, "cannot make socket '%s'", path);
    if ((gid != (gid_t) -1 && lchown (path, (uid_t) -1, gid) < 0) || chmod (path, mode) < 0) {
        error_set_errno (error, errno, "cannot set owner and mode of socket '%s'", path);
        unlink (path);
        return FALSE;
    }
    return TRUE;
}

static gboolean
listener_add (RpcServer *server, int fd, const char *path, gboolean readonly, GError **error)
{
    Listener *listener = g_new0 (Listener, 1);
    struct stat st;

    listener->target.kind = TARGET_LISTENER;
    listener->target.fd = fd;
    listener->readonly = readonly;
    if (path && lstat (path, &st) == 0) {
        listener->path = g_strdup (path);
        listener->dev = st.st_dev;
        listener->ino = st.st_ino;
    }
    if (!watch_new (server, &listener->target, error)) {
        listener_free (listener);
        return FALSE;
    }
    g_ptr_array_add (server->listeners, listener);
    if (!server->accepting)
        rpc_server_watch (server, &listener->target, 0);
    return TRUE;
}

gboolean
rpc_server_listen_unix (RpcServer *server, const char *path, mode_t mode, gid_t gid,
                        gboolean readonly, GError **error)
{
    gboolean abstract = address_abstract (path);
    struct sockaddr_un address;
    socklen_t size = address_unix (path, &address);
    autofd int fd = -1;

    if (size == 0)
        return error_set (error, ERR_INVALID_ARG, "socket path '%s' is too long", path);
    fd = socket (AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set_errno (error, errno, "cannot make a socket");
    if (abstract) {
        if (bind (fd, (struct sockaddr *) &address, size) < 0)
            return error_set_errno (error, errno, "cannot bind to '%s'", path);
    } else if (!bind_path (fd, &address, size, path, mode, gid, error))
        return FALSE;
    if (listen (fd, SOMAXCONN) < 0) {
        error_set_errno (error, errno, "cannot listen on '%s'", path);
        if (!abstract)
            unlink (path);
        return FALSE;
    }
    return listener_add (server, fd_steal (&fd), abstract ? NULL : path, readonly, error);
}

gboolean
rpc_server_listen_fd (RpcServer *server, int fd, gboolean readonly, GError **error)
{
    int listening = 0;
    socklen_t size = sizeof listening;

    if (getsockopt (fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &size) < 0)
        return error_set_errno (error, errno, "descriptor %d is not a socket", fd);
    if (!listening)
        return error_set (error, ERR_INVALID_ARG, "descriptor %d is not a listening socket", fd);
    if (fcntl (fd, F_SETFL, fcntl (fd, F_GETFL) | O_NONBLOCK) < 0 || fcntl (fd, F_SETFD,
                                                                            FD_CLOEXEC) < 0)
        return error_set_errno (error, errno, "cannot prepare socket %d", fd);
    return listener_add (server, fd, NULL, readonly, error);
}
