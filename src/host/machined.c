/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "host/machined.h"

#include <errno.h>
#include <string.h>
#include <systemd/sd-daemon.h>

#include "util/error.h"
#include "util/file.h"
#include "util/log.h"
#include "util/sdbus.h"

#define SYSTEMD_SERVICE "org.freedesktop.systemd1"
#define SYSTEMD_PATH "/org/freedesktop/systemd1"
#define SYSTEMD_MANAGER "org.freedesktop.systemd1.Manager"
#define MACHINED_SERVICE "org.freedesktop.machine1"
#define MACHINED_PATH "/org/freedesktop/machine1"
#define MACHINED_MANAGER "org.freedesktop.machine1.Manager"

#define SCOPE_DEADLINE_MS (30 * 1000)
#define CALL_DEADLINE_US (30 * G_USEC_PER_SEC)
#define MACHINE_NAME_MAX 64
#define TASKS_MAX 16384     /* of the scope, as machined gives it; the container's own limit lies below */

/* ---- names */

static void
append_reduced (GString *machine, const char *name)
{
    gboolean separator = TRUE;      /* at the start, and behind a '.' or '-': no second one */

    for (; *name && machine->len < MACHINE_NAME_MAX; name++) {
        gboolean mark = *name == '.' || *name == '-';

        if ((mark && separator) || !(mark || g_ascii_isalnum (*name)))
            continue;
        g_string_append_c (machine, *name);
        separator = mark;
    }
    while (machine->len > 0 && strchr (".-", machine->str[machine->len - 1]))
        g_string_truncate (machine, machine->len - 1);
}

char *
machined_machine_name (const char *name, int id)
{
    GString *machine = g_string_new (NULL);

    g_string_printf (machine, "lxc-%d-", id);
    append_reduced (machine, name);
    return g_string_free (machine, FALSE);
}

/* systemd's rule for a part of a unit name, '/' between parts becomes '-'. */
static void
append_escaped (GString *unit, const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c == '/')
            g_string_append_c (unit, '-');
        else if (g_ascii_isalnum (*c) || *c == ':' || *c == '_' || (*c == '.' && c != text))
            g_string_append_c (unit, *c);
        else
            g_string_append_printf (unit, "\\x%02x", (guchar) *c);
    }
}

char *
systemd_scope_name (const char *machine)
{
    GString *unit = g_string_new ("machine-");

    append_escaped (unit, machine);
    g_string_append (unit, ".scope");
    return g_string_free (unit, FALSE);
}

char *
systemd_slice_of_partition (const char *partition)
{
    GString *unit = g_string_new (NULL);
    g_autofree char *trimmed = g_strdup (partition + strspn (partition, "/"));

    while (*trimmed && trimmed[strlen (trimmed) - 1] == '/')
        trimmed[strlen (trimmed) - 1] = '\0';
    append_escaped (unit, *trimmed ? trimmed : "machine");
    g_string_append (unit, ".slice");
    return g_string_free (unit, FALSE);
}

/* ---- presence */

gboolean
systemd_present (void)
{
    return sd_booted () > 0 && sdbus_system (NULL) != NULL;
}

/* What a host without the service answers. */
static gboolean
service_absent (const sd_bus_error *error)
{
    return sd_bus_error_has_name (error, SD_BUS_ERROR_SERVICE_UNKNOWN)
        || sd_bus_error_has_name (error, SD_BUS_ERROR_NAME_HAS_NO_OWNER)
        || sd_bus_error_has_name (error, "org.freedesktop.systemd1.UnitMasked")
        || sd_bus_error_has_name (error, "org.freedesktop.systemd1.NoSuchUnit");
}

/* ---- scopes */

/* One start under way: waits for the answer (with the job's path), then for that job's end. */
typedef struct {
    MachinedDone done;
    gpointer data;
    pid_t pid;
    char *unit;
    char *job;
    sd_bus_slot *signal, *call;
    guint deadline;
} ScopeStart;

static void
scope_start_free (ScopeStart *start)
{
    sd_bus_slot_unref (start->signal);
    sd_bus_slot_unref (start->call);
    if (start->deadline)
        g_source_remove (start->deadline);
    g_free (start->unit);
    g_free (start->job);
    g_free (start);
}

static void
scope_start_end (ScopeStart *start, const char *path, const GError *error)
{
    MachinedDone done = start->done;
    gpointer data = start->data;

    scope_start_free (start);
    done (path, error, data);
}

static void
scope_start_fail (ScopeStart *start, int r, const sd_bus_error *bus_error)
{
    g_autoptr (GError) error = NULL;
    g_autofree char *what = g_strdup_printf ("cannot start scope %s", start->unit);

    sdbus_set_error (&error, r, bus_error, what);
    scope_start_end (start, NULL, error);
}

/* Where the process is now: in the tree that systemd manages, which is v2 or name=systemd. */
static char *
managed_path (pid_t pid)
{
    g_autofree char *file = g_strdup_printf ("/proc/%d/cgroup", (int) pid);
    g_autofree char *text = file_read (file, 65536, NULL, NULL);
    g_auto (GStrv) lines = g_strsplit (text ? text : "", "\n", -1);
    const char *found = NULL;

    for (guint i = 0; lines[i]; i++) {
        const char *colon = strchr (lines[i], ':');

        if (colon && g_str_has_prefix (colon, ":name=systemd:"))
            return g_strdup (colon + strlen (":name=systemd:"));
        if (g_str_has_prefix (lines[i], "0::"))
            found = lines[i] + 3;
    }
    return g_strdup (found);
}

static void
scope_job_ended (ScopeStart *start, const char *result)
{
    g_autofree char *path = managed_path (start->pid);
    g_autoptr (GError) error = NULL;

    if (!g_str_equal (result, "done"))
        error_set (&error, ERR_OPERATION_FAILED, "cannot start scope %s: job %s", start->unit, result);
    else if (!path || !g_str_has_suffix (path, start->unit))
        error_set (&error, ERR_OPERATION_FAILED, "process %d is not in scope %s", (int) start->pid, start->unit);
    scope_start_end (start, error ? NULL : path, error);
}

static int
on_job_removed (sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
    ScopeStart *start = data;
    const char *job, *unit, *result;
    guint32 id;

    (void) ret_error;
    if (sd_bus_message_read (message, "uoss", &id, &job, &unit, &result) < 0)
        return 0;
    if (start->job ? g_str_equal (job, start->job) : g_str_equal (unit, start->unit))
        scope_job_ended (start, result);
    return 0;
}

static int
on_scope_called (sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
    ScopeStart *start = data;
    const char *job;
    int r;

    (void) ret_error;
    if (sd_bus_message_is_method_error (message, NULL)) {
        scope_start_fail (start, -EIO, sd_bus_message_get_error (message));
        return 0;
    }
    r = sd_bus_message_read (message, "o", &job);
    if (r < 0)
        scope_start_fail (start, r, NULL);
    else
        start->job = g_strdup (job);
    return 0;
}

static gboolean
on_scope_deadline (gpointer data)
{
    ScopeStart *start = data;

    start->deadline = 0;
    scope_start_fail (start, -ETIMEDOUT, NULL);
    return G_SOURCE_REMOVE;
}

/* The signal is asked for before the call, so that a fast job is not missed. */
static int
scope_call (ScopeStart *start, const char *slice, const char *description)
{
    sd_bus *bus = sdbus_system (NULL);
    g_autoptr (GError) error = NULL;
    sd_bus_message *call = NULL;
    int r;

    if (!bus)
        return -ENOTCONN;
    r = sd_bus_match_signal_async (bus, &start->signal, SYSTEMD_SERVICE, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                   "JobRemoved", on_job_removed, NULL, start);
    if (r < 0)
        return r;
    r = sd_bus_message_new_method_call (bus, &call, SYSTEMD_SERVICE, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                        "StartTransientUnit");
    if (r >= 0)
        r = sd_bus_message_append (call, "ssa(sv)a(sa(sv))", start->unit, "fail", 7,
                                   "Description", "s", description,
                                   "Slice", "s", slice,
                                   "PIDs", "au", 1, (guint32) start->pid,
                                   "Delegate", "b", 1,
                                   "TasksMax", "t", (guint64) TASKS_MAX,
                                   "CollectMode", "s", "inactive-or-failed",
                                   "After", "as", 1, "skepd.service",
                                   0);
    if (r >= 0)
        r = sd_bus_call_async (bus, &start->call, call, on_scope_called, start, CALL_DEADLINE_US);
    sd_bus_message_unref (call);
    return r;
}

static gboolean
scope_failed_early (gpointer data)
{
    ScopeStart *start = data;

    start->deadline = 0;
    scope_start_fail (start, -ENOTCONN, NULL);
    return G_SOURCE_REMOVE;
}

void
systemd_scope_start (const char *unit, const char *slice, const char *description, pid_t pid,
                     MachinedDone done, gpointer data)
{
    ScopeStart *start = g_new0 (ScopeStart, 1);

    start->done = done;
    start->data = data;
    start->pid = pid;
    start->unit = g_strdup (unit);
    /* a failure is told later as well: never from within the call */
    if (scope_call (start, slice, description) < 0)
        start->deadline = g_idle_add (scope_failed_early, start);
    else
        start->deadline = g_timeout_add (SCOPE_DEADLINE_MS, on_scope_deadline, start);
}

void
systemd_scope_stop (const char *unit)
{
    sd_bus *bus = sdbus_system (NULL);

    if (bus && sd_bus_call_method_async (bus, NULL, SYSTEMD_SERVICE, SYSTEMD_PATH, SYSTEMD_MANAGER,
                                         "StopUnit", NULL, NULL, "ss", unit, "fail") < 0)
        log_debug ("cannot ask systemd to stop %s", unit);
}

/* ---- machined */

typedef struct {
    MachinedDone done;
    gpointer data;
    char *machine;
} Registration;

static void
registration_end (Registration *registration, const GError *error)
{
    if (registration->done)
        registration->done (NULL, error, registration->data);
    g_free (registration->machine);
    g_free (registration);
}

static int
on_registered (sd_bus_message *message, void *data, sd_bus_error *ret_error)
{
    const sd_bus_error *bus_error = sd_bus_message_get_error (message);
    Registration *registration = data;
    g_autoptr (GError) error = NULL;

    (void) ret_error;
    if (bus_error && !service_absent (bus_error)) {
        g_autofree char *what = g_strdup_printf ("cannot register machine %s", registration->machine);

        sdbus_set_error (&error, -EIO, bus_error, what);
    }
    registration_end (registration, error);
    return 0;
}

static gboolean
registration_without_bus (gpointer data)
{
    registration_end (data, NULL);
    return G_SOURCE_REMOVE;
}

static int
register_call (Registration *registration, const guint8 uuid[16], pid_t leader, const int *ifindexes, guint n)
{
    sd_bus *bus = sdbus_system (NULL);
    sd_bus_message *call = NULL;
    int r;

    if (!bus)
        return -ENOTCONN;
    r = sd_bus_message_new_method_call (bus, &call, MACHINED_SERVICE, MACHINED_PATH, MACHINED_MANAGER,
                                        "RegisterMachineWithNetwork");
    if (r >= 0)
        r = sd_bus_message_append (call, "s", registration->machine);
    if (r >= 0)
        r = sd_bus_message_append_array (call, 'y', uuid, 16);
    if (r >= 0)
        r = sd_bus_message_append (call, "ssus", "libvirt-lxc", "container", (guint32) leader, "");
    if (r >= 0)
        r = sd_bus_message_append_array (call, 'i', ifindexes, n * sizeof *ifindexes);
    if (r >= 0)
        r = sd_bus_call_async (bus, NULL, call, on_registered, registration, CALL_DEADLINE_US);
    sd_bus_message_unref (call);
    return r;
}

void
machined_register (const char *machine, const guint8 uuid[16], pid_t leader, const int *ifindexes, guint n,
                   MachinedDone done, gpointer data)
{
    Registration *registration = g_new0 (Registration, 1);

    registration->done = done;
    registration->data = data;
    registration->machine = g_strdup (machine);
    if (register_call (registration, uuid, leader, ifindexes, n) < 0)
        g_idle_add (registration_without_bus, registration);
}

void
machined_terminate (const char *machine)
{
    sd_bus *bus = sdbus_system (NULL);

    if (bus && sd_bus_call_method_async (bus, NULL, MACHINED_SERVICE, MACHINED_PATH, MACHINED_MANAGER,
                                         "TerminateMachine", NULL, NULL, "s", machine) < 0)
        log_debug ("cannot ask machined to terminate %s", machine);
}
