/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/errand.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>

#include "driver/daemon.h"
#include "driver/instance.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/spawn.h"

enum { FD_ANSWER = 3, FD_PIDFD };

static gboolean
not_running (GError **error)
{
    return error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_INVALID, "domain is not running");
}

gboolean
errand_target (const Domain *domain, ErrandTarget *ret, GError **error)
{
    const Instance *instance = domain->instance;

    if (!instance || instance->phase != PHASE_RUNNING || instance->ending || instance->exited
        || instance->init_pid <= 0)
        return not_running (error);
    *ret = (ErrandTarget) { .helper = g_strdup (daemon_state.settings->helper),
                            .init_pid = instance->init_pid, .init_start = instance->init_start };
    return TRUE;
}

void
errand_target_clear (ErrandTarget *target)
{
    g_clear_pointer (&target->helper, g_free);
}

/* The pidfd holds the number; the start time, read with it in hand, says that it is init's. */
static int
open_init (const ErrandTarget *target, GError **error)
{
    autofd int pidfd = pidfd_of (target->init_pid);

    if (pidfd < 0 || node_process_start (target->init_pid) != target->init_start) {
        not_running (error);
        return -1;
    }
    return fd_steal (&pidfd);
}

static gboolean
read_answer (int sock, const char *verb, MonitorPacket *ret, int *ret_fd, GError **error)
{
    unsigned n = ret_fd ? 1 : 0;
    char text[640];

    if (fd_receive (sock, ret, sizeof *ret, ret_fd, &n) != sizeof *ret
        || (ret_fd && n == 0 && ret->type == MONITOR_DONE))
        return error_set (error, ERR_INTERNAL, "skep-helper ended without an answer to '%s'", verb);
    if (ret->type == MONITOR_DONE)
        return TRUE;
    monitor_describe (ret, text, sizeof text);
    error_set_errno (error, ret->err, "%s", text);
    if (error) {        /* the sentence has the errno's text already */
        g_free ((*error)->message);
        (*error)->message = g_strdup_printf ("Unable to %s", text);
    }
    return FALSE;
}

static gboolean
run (const ErrandTarget *target, const char *const *words, const int *fds, guint n_fds, guint deadline_ms,
     MonitorPacket *ret_answer, int *ret_fd, GError **error)
{
    g_autoptr (GPtrArray) argv = g_ptr_array_new ();
    g_autofree SpawnFd *map = g_new (SpawnFd, n_fds + 2);
    SpawnArgs args = { .fds = map };
    autofd int pidfd = target->outside ? -1 : open_init (target, error), ours = -1, theirs = -1;
    g_autofree char *whose = g_strdup_printf ("%d %" G_GUINT64_FORMAT " %s", target->init_pid, target->init_start,
                                              words[0]);
    struct pollfd ended = { .fd = pidfd, .events = POLLIN };
    int pair[2];

    if (pidfd < 0 && !target->outside)
        return FALSE;
    /* non-blocking: a helper that was killed has said nothing */
    if (socketpair (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
        return error_set_errno (error, errno, "cannot make a socket");
    ours = pair[0];
    theirs = pair[1];
    map[args.n_fds++] = (SpawnFd) { theirs, FD_ANSWER };
    if (!target->outside)
        map[args.n_fds++] = (SpawnFd) { pidfd, FD_PIDFD };
    for (guint i = 0; i < n_fds; i++)
        map[args.n_fds++] = (SpawnFd) { fds[i], ERRAND_FD_FIRST + (int) i };
    for (const char *const *word = (const char *const[]) { target->helper, "--answer-fd", "3",
                                                           target->outside ? NULL : "--pidfd", "4", NULL };
         *word; word++)
        g_ptr_array_add (argv, (gpointer) *word);
    for (const char *const *word = words; *word; word++)
        g_ptr_array_add (argv, (gpointer) *word);
    g_ptr_array_add (argv, NULL);
    args.argv = (const char *const *) argv->pdata;
    args.cancel = target->cancel;
    args.whose = whose;         /* each verb's of a container: its questions do not stop its devices */
    if (!spawn_run (&args, NULL, deadline_ms, NULL, NULL, NULL, error))
        return FALSE;
    fd_close (&theirs);
    *ret_answer = (MonitorPacket) { 0 };
    if (read_answer (ours, words[0], ret_answer, ret_fd, error))
        return TRUE;
    /* what failed because init ended meanwhile is told as that; its namespaces go before it does */
    if (!target->outside && (ret_answer->err == ESRCH || poll (&ended, 1, 0) > 0)) {
        g_clear_error (error);
        return not_running (error);
    }
    return FALSE;
}

gboolean
errand_run (const ErrandTarget *target, const char *const *words, const int *fds, guint n_fds,
            guint deadline_ms, MonitorPacket *ret_answer, GError **error)
{
    return run (target, words, fds, n_fds, deadline_ms, ret_answer, NULL, error);
}

int
errand_open (const ErrandTarget *target, const char *const *words, guint deadline_ms, GError **error)
{
    MonitorPacket answer;
    int fd = -1;

    return run (target, words, NULL, 0, deadline_ms, &answer, &fd, error) ? fd : -1;
}
