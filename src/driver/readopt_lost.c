/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Containers that run although the file with their status is damaged or gone: their controllers go on
 * listening. What the file would have said is asked of the kernel and of the stored definition.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "driver/start_private.h"
#include "driver/store.h"
#include "host/machined.h"
#include "host/node.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"
#include "util/log.h"

#define SOCKET_SUFFIX ".sock"
#define UUID_TEXT     36

pid_t
monitor_listener (const char *path)
{
    autofd int fd = socket (AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    struct ucred peer;
    socklen_t size = sizeof peer;

    if (fd < 0 || g_strlcpy (address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
        return 0;
    if (connect (fd, (struct sockaddr *) &address, sizeof address) < 0) {
        if (errno == ECONNREFUSED)      /* left by one that was killed */
            file_remove (path, NULL);
        return 0;
    }
    /* of the process that called listen(2) */
    return getsockopt (fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

/* Whether it is one of those that have our groups, by the controllers of its line in /proc/PID/cgroup. */
static gboolean
hierarchy_is_ours (const char *controllers)
{
    const CgroupView *views;
    guint n;

    views = cgroup_host_views (&n);
    for (guint i = 0; i < n; i++)
        if (!strcmp (views[i].options, controllers))
            return TRUE;
    return FALSE;
}

/* The path of the container's group, which is the same in every hierarchy. In version 2 the controller
 * has a group below it; where version 2 has no controllers, none. NULL: it is in no group of ours. */
static char *
group_of (pid_t pid)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/cgroup", (int) pid);
    g_autofree char *text = NULL;
    g_auto (GStrv) lines = NULL;

    if (!g_file_get_contents (path, &text, NULL, NULL))
        return NULL;
    lines = g_strsplit (text, "\n", 0);
    for (guint i = 0; lines[i]; i++) {
        /* number:controllers:path; no controllers: version 2 */
        g_auto (GStrv) parts = g_strsplit (lines[i], ":", 3);
        gboolean v2;

        if (g_strv_length (parts) < 3 || !hierarchy_is_ours (parts[1]))
            continue;
        v2 = !*parts[1];
        if (v2 && !g_str_has_suffix (parts[2], "/controller"))
            continue;
        if (strchr (parts[2] + 1, '/'))
            return g_strndup (parts[2], strlen (parts[2]) - (v2 ? strlen ("/controller") : 0));
    }
    return NULL;
}

/* The controller's one child. 0: not known, until the controller tells. */
static pid_t
init_of (pid_t controller)
{
    g_autofree char *path = g_strdup_printf ("/proc/%d/task/%d/children", (int) controller, (int) controller);
    g_autofree char *text = NULL;

    return g_file_get_contents (path, &text, NULL, NULL) ? (pid_t) g_ascii_strtoll (text, NULL, 10) : 0;
}

static void
add_fact (DomainStatus *status, const char *name, const char *value)
{
    NameValue *fact = g_new0 (NameValue, 1);

    fact->name = g_strdup (name);
    fact->value = g_strdup (value);
    g_ptr_array_add (status->facts, fact);
}

static void
add_groups (DomainStatus *status, const char *base)
{
    g_autofree char *scope = g_path_get_dirname (base);

    group_paths_add (status->cgroups, base);
    add_fact (status, NOTE_GROUP, base);
    if (g_str_has_suffix (scope, ".scope")) {
        g_autofree char *machine = machined_machine_name (status->def->name, status->pid);
        g_autofree char *unit = g_path_get_basename (scope);

        add_fact (status, NOTE_SCOPE_PATH, scope);
        add_fact (status, NOTE_SCOPE, unit);
        add_fact (status, NOTE_MACHINE, machine);
    }
}

/* As store_each_status() would have read it. All steps have begun: their undos take nothing for granted. */
static DomainStatus *
status_guess (const Domain *domain, pid_t pid)
{
    DomainStatus *status = domain_status_new ();
    g_autofree char *base = group_of (pid);

    status->def = domain_def_copy (domain->def);
    domain_complete_live_def (status->def);
    status->state = STATE_RUNNING;
    status->pid = pid;
    status->pid_start = node_process_start (pid);
    status->init_pid = init_of (pid);
    if (status->init_pid > 0)
        status->init_start = node_process_start (status->init_pid);
    labels_recover (status->def, status->init_pid);
    status->start_time = (guint64) g_get_real_time ();
    for (guint i = 0; i < n_start_steps; i++)
        status->steps_begun |= G_GUINT64_CONSTANT (1) << start_steps[i].bit;
    if (base)
        add_groups (status, base);
    return status;
}

static void
find_one (DomainList *list, const char *path, const guint8 uuid[16],
          void (*readopt) (DomainStatus *status, gpointer data))
{
    Domain *domain = domain_list_find_uuid (list, uuid);
    g_autoptr (GError) error = NULL;
    pid_t pid;

    if (domain && domain->instance)
        return;
    pid = monitor_listener (path);
    if (pid <= 0)
        return;
    if (!domain) {
        log_error ("process %d runs a container whose status and definition are lost: 'kill -9 %d' ends it",
                   (int) pid, (int) pid);
        return;
    }
    log_warning ("domain '%s': the file with its status is lost, but it runs: its stored definition is "
                 "taken for the live one", domain->def->name);
    readopt (status_guess (domain, pid), list);
    if (domain->instance && !store_save_status (domain, &error))
        log_error ("domain '%s': %s", domain->def->name, error->message);
}

void
domains_find_lost (DomainList *list, void (*readopt) (DomainStatus *status, gpointer data))
{
    g_autofree char *directory = g_strconcat (daemon_state.settings->run_dir, "/domains", NULL);
    g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    const char *file;

    /* all names first: files come and go here meanwhile */
    while (dir && (file = g_dir_read_name (dir)))
        if (strlen (file) == UUID_TEXT + strlen (SOCKET_SUFFIX) && g_str_has_suffix (file, SOCKET_SUFFIX))
            g_ptr_array_add (names, g_strdup (file));
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename (directory, names->pdata[i], NULL);
        g_autofree char *text = g_strndup (names->pdata[i], UUID_TEXT);
        guint8 uuid[16];

        if (domain_uuid_parse (text, uuid))
            find_one (list, path, uuid, readopt);
    }
}
