/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The domain's own log, and those of its consoles, whose paths are a client's: a server behind one may not answer. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "driver/start_private.h"
#include "driver/store.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/task.h"

typedef struct {
    char *path;                 /* NULL: none */
    gboolean truncate;
} LogPath;

static void
log_path_clear (gpointer data)
{
    g_free (((LogPath *) data)->path);
}

static int
open_console_log (const LogPath *log, GError **error)
{
    int flags = O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK;
    autofd int fd = open (log->path, log->truncate ? flags | O_TRUNC : flags, 0600);
    struct stat st;

    if (fd < 0) {
        error_set_errno (error, errno, "Unable to open console log '%s'", log->path);
        return -1;
    }
    /* the controller renames a log that is full: never a device, such as /dev/null */
    if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode)) {
        error_set (error, ERR_CONFIG_UNSUPPORTED, "console log '%s' is not a regular file", log->path);
        return -1;
    }
    return fd_steal (&fd);
}

/* Of int, -1 where a console has none. */
static gpointer
logs_open (gpointer data, GError **error)
{
    const GArray *logs = data;
    g_autoptr (GArray) fds = g_array_new (FALSE, FALSE, sizeof (int));

    g_array_set_clear_func (fds, fd_close_element);
    for (guint i = 0; i < logs->len; i++) {
        const LogPath *log = &g_array_index (logs, LogPath, i);
        int fd = log->path ? open_console_log (log, error) : -1;

        if (log->path && fd < 0)
            return NULL;
        g_array_append_val (fds, fd);
    }
    return g_steal_pointer (&fds);
}

static void
logs_opened (gpointer result, GError *error, gpointer data)
{
    g_autoptr (GArray) fds = result;
    Instance *instance = instance_redeem (data);

    if (instance && fds) {
        instance->console_logs = g_steal_pointer (&fds);
        instance_resume (instance);
    } else if (instance) {
        instance_fail (instance, g_error_copy (error));
    }
}

/* NULL when no console has one. */
static GArray *
console_logs (const DomainDef *def)
{
    g_autoptr (GArray) logs = g_array_new (FALSE, FALSE, sizeof (LogPath));
    gboolean any = FALSE;

    g_array_set_clear_func (logs, log_path_clear);
    for (guint i = 0; i < def->consoles->len; i++) {
        const ConsoleDef *console = def->consoles->pdata[i];
        LogPath log = { g_strdup (console->log_file), console->log_append == ON_OFF_OFF };

        any |= log.path != NULL;
        g_array_append_val (logs, log);
    }
    return any ? g_steal_pointer (&logs) : NULL;
}

StepResult
step_log (Instance *instance, GError **error)
{
    const DomainDef *def = instance->domain->def;
    g_autofree char *path = store_log_path (def->name), *owner = g_strconcat (def->name, "/device", NULL);
    GArray *logs = console_logs (def);

    /* NOFOLLOW: whoever can write to the directory shall not choose another file */
    instance->log_fd = open (path, O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK,
                             0600);
    if (instance->log_fd < 0) {
        g_clear_pointer (&logs, g_array_unref);
        error_set_errno (error, errno, "Failed to open log file '%s'", path);
        return STEP_FAILED;
    }
    instance_log (instance, "starting up");
    if (instance->facts && instance->facts->seccomp_unknown)
        instance_log (instance, "seccomp profile: unknown system calls are passed over, at lines %s",
                      instance->facts->seccomp_unknown);
    if (!logs)
        return STEP_DONE;
    task_run_waiting (owner, logs_open, logs, (GDestroyNotify) g_array_unref, logs_opened,
                      instance_ticket (instance));
    return STEP_WAIT;
}
