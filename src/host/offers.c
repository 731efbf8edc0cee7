/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/offers.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host/nbd.h"
#include "host/node.h"

/* Those that a container is made of. */
static const char *const known_namespaces[] = { "cgroup", "ipc", "mnt", "net", "pid", "user", "uts" };

static char **
read_namespaces (void)
{
    GPtrArray *names = g_ptr_array_new ();

    for (guint i = 0; i < G_N_ELEMENTS (known_namespaces); i++)
        if (node_exists ("/proc/self/ns/%s", known_namespaces[i]))
            g_ptr_array_add (names, g_strdup (known_namespaces[i]));
    g_ptr_array_add (names, NULL);
    return (char **) g_ptr_array_free (names, FALSE);
}

/* Lines "nodev\tproc", "\text4": without nodev they live on a block device. */
static char **
read_filesystems (void)
{
    g_autofree char *text = node_read ("/proc/filesystems");
    g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", 256);
    GPtrArray *names = g_ptr_array_new ();

    for (char **line = lines; *line; line++)
        if (line[0][0] == '\t' && line[0][1])
            g_ptr_array_add (names, g_strdup (*line + 1));
    g_ptr_array_add (names, NULL);
    return (char **) g_ptr_array_free (names, FALSE);
}

static gboolean
can_make_users (void)
{
    g_autofree char *max = node_read ("/proc/sys/user/max_user_namespaces");

    return node_exists ("/proc/self/ns/user") && (!max || g_ascii_strtoull (max, NULL, 10) > 0);
}

Offers *
offers_read (void)
{
    Offers *offers = g_new0 (Offers, 1);
    long cpus = sysconf (_SC_NPROCESSORS_ONLN);

    offers->namespaces = read_namespaces ();
    offers->filesystems = read_filesystems ();
    offers->idmap = can_make_users ();
    /* an attribute structure of no bytes is refused before anything is looked at */
    offers->idmapped_mounts = syscall (SYS_mount_setattr, -1, "", 0, NULL, 0) < 0 && errno != ENOSYS;
    offers->seccomp = node_exists ("/proc/sys/kernel/seccomp/actions_avail");
    offers->loop = node_exists ("/dev/loop-control");
    offers->nbd = nbd_in_kernel ();
    offers->usb = node_exists ("/sys/bus/usb/devices");
    offers->cpus = cpus > 0 ? (guint) cpus : 1;
    return offers;
}

void
offers_free (Offers *offers)
{
    if (!offers)
        return;
    g_strfreev (offers->namespaces);
    g_strfreev (offers->filesystems);
    g_free (offers);
}
