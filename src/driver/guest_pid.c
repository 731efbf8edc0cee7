/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/guest_pid.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"

#define STATUS_MAX 65536
#define LEVELS_MAX 32           /* nested pid namespaces: the kernel's limit */

/* The numbers of a process from the host's namespace inwards: the line "NSpid:" of its status. */
static GArray *
numbers_of (int pid)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/status", pid);
    g_autofree char *text = file_read (path, STATUS_MAX, NULL, NULL);
    const char *at = text ? strstr (text, "\nNSpid:") : NULL;
    g_autoptr (GArray) numbers = g_array_new (FALSE, FALSE, sizeof (int));
    g_auto (GStrv) words = NULL;
    g_autofree char *line = NULL;

    if (!at)
        return NULL;
    at += strlen ("\nNSpid:");
    line = g_strndup (at, strcspn (at, "\n"));
    words = g_strsplit_set (line, " \t", -1);
    for (guint i = 0; words[i]; i++) {
        int number = (int) g_ascii_strtoll (words[i], NULL, 10);

        if (number > 0)
            g_array_append_val (numbers, number);
    }
    return g_steal_pointer (&numbers);
}

/* Whether the process lives in the namespace @wanted, or in one that was made below it. */
static gboolean
lives_in (int pid, const struct stat *wanted)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/ns/pid", pid);
    autofd int fd = open (path, O_RDONLY | O_CLOEXEC);
    struct stat st;

    for (guint i = 0; i < LEVELS_MAX && fd >= 0; i++) {
        int parent;

        if (fstat (fd, &st) < 0)
            return FALSE;
        if (st.st_ino == wanted->st_ino && st.st_dev == wanted->st_dev)
            return TRUE;
        parent = ioctl (fd, NS_GET_PARENT);
        fd_close (&fd);
        fd = parent;
    }
    return FALSE;
}

static gboolean
is_it (int host_pid, guint level, int pid, const struct stat *wanted)
{
    g_autoptr (GArray) numbers = numbers_of (host_pid);

    return numbers && numbers->len > level && g_array_index (numbers, int, level) == pid
           && lives_in (host_pid, wanted);
}

int
guest_pid_open (int init, int pid, GError **error)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/ns/pid", init);
    g_autoptr (GArray) own = numbers_of (init);
    g_autoptr (GDir) proc = g_dir_open ("/proc", 0, NULL);
    struct stat wanted;
    const char *name;

    if (own && own->len > 0 && proc && stat (path, &wanted) == 0) {
        while ((name = g_dir_read_name (proc))) {
            int host_pid = (int) g_ascii_strtoll (name, NULL, 10);
            autofd int fd = -1;

            if (host_pid <= 0 || !is_it (host_pid, own->len - 1, pid, &wanted))
                continue;
            /* held by the pidfd it is looked at again: the number may have been given away */
            fd = pidfd_of (host_pid);
            if (fd >= 0 && is_it (host_pid, own->len - 1, pid, &wanted))
                return fd_steal (&fd);
        }
    }
    error_set_errno (error, ESRCH, "Unable to send signal to process %d", pid);
    return -1;
}
