/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/listen.h"

#include <errno.h>
#include <grp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>

#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

/* The path that a passed socket is bound to, "" for anything else. */
static char *
socket_path (int fd)
{
    struct sockaddr_un address = { .sun_family = AF_UNSPEC };
    socklen_t size = sizeof address;

    if (getsockname (fd, (struct sockaddr *) &address, &size) < 0 || address.sun_family != AF_UNIX
        || size <= offsetof (struct sockaddr_un, sun_path))
        return g_strdup ("");
    return g_strndup (address.sun_path, size - offsetof (struct sockaddr_un, sun_path));
}

/* Read-only is what says so in the name that the unit gave or in the path: skep-sock-ro,
 * virtlxcd-sock-ro, FileDescriptorName=ro, skepd-ro.socket. */
static gboolean
means_readonly (const char *name, const char *path)
{
    return g_str_has_suffix (path, "-ro") || g_strcmp0 (name, "ro") == 0
           || (name && (g_str_has_suffix (name, "-ro") || g_str_has_suffix (name, "-ro.socket")));
}

static gboolean
listen_passed (Daemon *daemon, GHashTable *paths, GError **error)
{
    g_auto (GStrv) names = NULL;
    int n = sd_listen_fds_with_names (1, &names);

    if (n < 0)
        return error_set_errno (error, -n, "Cannot take the sockets that were passed");
    for (int i = 0; i < n; i++) {
        int fd = SD_LISTEN_FDS_START + i;
        g_autofree char *path = socket_path (fd);
        gboolean readonly = means_readonly (names ? names[i] : NULL, path);

        if (sd_is_socket (fd, AF_UNIX, SOCK_STREAM, 1) <= 0)
            return error_set (error, ERR_CONFIG_UNSUPPORTED,
                              "passed descriptor %d is not a listening UNIX stream socket", fd);
        if (!rpc_server_listen_fd (daemon->rpc, fd, readonly, error))
            return FALSE;
        log_info ("listening on passed socket %s%s", path, readonly ? " (read-only)" : "");
        g_hash_table_add (paths, g_steal_pointer (&path));
    }
    return TRUE;
}

static gboolean
listen_pair (Daemon *daemon, GHashTable *passed, const char *dir, const char *name, gid_t gid,
             GError **error)
{
    for (int readonly = 0; readonly < 2; readonly++) {
        g_autofree char *path = g_strdup_printf ("%s/%s%s", dir, name, readonly ? "-ro" : "");
        const Settings *settings = daemon->settings;

        if (g_hash_table_contains (passed, path))
            continue;
        if (!rpc_server_listen_unix (daemon->rpc, path,
                                     readonly ? settings->unix_sock_ro_perms
                                              : settings->unix_sock_rw_perms,
                                     gid, readonly, error))
            return FALSE;
        log_info ("listening on %s%s", path, readonly ? " (read-only)" : "");
    }
    return TRUE;
}

gboolean
daemon_listen (Daemon *daemon, GError **error)
{
    g_autoptr (GHashTable) passed = g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
    const Settings *settings = daemon->settings;
    gid_t gid = (gid_t) -1;

    if (settings->unix_sock_group) {
        const struct group *group = getgrnam (settings->unix_sock_group);

        if (!group)
            return error_set (error, ERR_CONFIG_UNSUPPORTED, "unix_sock_group: no group '%s'",
                              settings->unix_sock_group);
        gid = group->gr_gid;
    }
    if (!listen_passed (daemon, passed, error)
        || !listen_pair (daemon, passed, settings->run_dir, "skep-sock", gid, error))
        return FALSE;
    if (!settings->listen_libvirt)
        return TRUE;
    return dir_make (settings->libvirt_dir, 0755, error)
           && listen_pair (daemon, passed, settings->libvirt_dir, "virtlxcd-sock", gid, error);
}
