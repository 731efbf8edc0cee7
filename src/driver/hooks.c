/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/hooks.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "util/error.h"
#include "util/spawn.h"
#include "util/task.h"

#define HOOK_DEADLINE_MS 30000

static char *
hooks_dir (void)
{
    g_autofree char *parent = g_path_get_dirname (daemon_state.settings->config_dir);

    return g_build_filename (parent, "hooks", NULL);
}

static int
compare_paths (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
is_script (const char *path)
{
    return g_file_test (path, G_FILE_TEST_IS_REGULAR) && access (path, X_OK) == 0;
}

/* All scripts, in the order they run. */
static GPtrArray *
find_scripts (void)
{
    g_autofree char *hooks = hooks_dir ();
    g_autofree char *main_script = g_build_filename (hooks, "lxc", NULL);
    g_autofree char *directory = g_build_filename (hooks, "lxc.d", NULL);
    g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
    GPtrArray *scripts = g_ptr_array_new_with_free_func (g_free);
    const char *name;

    while (dir && (name = g_dir_read_name (dir))) {
        g_autofree char *path = g_build_filename (directory, name, NULL);

        if (name[0] != '.' && is_script (path))
            g_ptr_array_add (scripts, g_steal_pointer (&path));
    }
    g_ptr_array_sort (scripts, compare_paths);
    if (is_script (main_script))
        g_ptr_array_insert (scripts, 0, g_steal_pointer (&main_script));
    return scripts;
}

gboolean
hooks_present (void)
{
    g_autofree char *hooks = hooks_dir ();
    g_autoptr (GPtrArray) scripts = NULL;

    /* one system call for the common case */
    if (access (hooks, F_OK) < 0)
        return FALSE;
    scripts = find_scripts ();
    return scripts->len > 0;
}

/* ---- either kind of hooks */

typedef struct {
    HookDone done;
    gpointer data;
} HookWaiter;

gboolean
hook_spawn (const char *const *argv, const char *const *envp, const char *xml, const char *what, GError **error)
{
    SpawnArgs args = { .argv = argv, .envp = envp, .plain_oom = TRUE };
    g_autofree char *out = NULL, *err = NULL;
    int status;

    if (!spawn_run (&args, xml, HOOK_DEADLINE_MS, &status, &out, &err, error))
        return FALSE;
    if (WIFEXITED (status) && WEXITSTATUS (status) == 0)
        return TRUE;
    g_strchomp (err);
    if (WIFEXITED (status))
        return error_set (error, ERR_HOOK_SCRIPT_FAILED, "%s exited with status %d: %s", what, WEXITSTATUS (status),
                          err);
    return error_set (error, ERR_HOOK_SCRIPT_FAILED, "%s was ended by signal %d: %s", what, WTERMSIG (status), err);
}

static void
hooks_done (gpointer result, GError *error, gpointer data)
{
    g_autofree HookWaiter *waiter = data;

    (void) result;
    waiter->done (error, waiter->data);
}

void
hooks_start (const char *domain, TaskRun run, gpointer input, GDestroyNotify free_input, HookDone done, gpointer data)
{
    g_autofree char *owner = g_strconcat (domain, "/hook", NULL);
    HookWaiter *waiter = g_new0 (HookWaiter, 1);

    waiter->done = done;
    waiter->data = data;
    task_run_waiting (owner, run, input, free_input, hooks_done, waiter);
}

/* ---- the scripts of the host */

typedef struct {
    GPtrArray *scripts;
    char *domain, *operation, *suboperation, *extra, *xml;
} HookInput;

static void
hook_input_free (gpointer data)
{
    HookInput *input = data;

    g_ptr_array_free (input->scripts, TRUE);
    g_free (input->domain);
    g_free (input->operation);
    g_free (input->suboperation);
    g_free (input->extra);
    g_free (input->xml);
    g_free (input);
}

static gboolean
run_script (const HookInput *input, const char *script, GError **error)
{
    const char *argv[] = { script, input->domain, input->operation, input->suboperation, input->extra,
                           NULL };
    static const char *const envp[] = { "LC_ALL=C", "PATH=" HOOK_PATH, "HOME=/", NULL };
    g_autofree char *what = g_strdup_printf ("'%s %s %s %s %s'", script, input->domain, input->operation,
                                             input->suboperation, input->extra);

    return hook_spawn (argv, envp, input->xml, what, error);
}

static gpointer
run_all (gpointer data, GError **error)
{
    const HookInput *input = data;

    for (guint i = 0; i < input->scripts->len; i++)
        if (!run_script (input, input->scripts->pdata[i], error))
            return NULL;
    return NULL;
}

void
hook_run (const char *domain, const char *operation, const char *suboperation, const char *extra,
          char *xml, HookDone done, gpointer data)
{
    HookInput *input = g_new0 (HookInput, 1);

    input->scripts = find_scripts ();
    input->domain = g_strdup (domain);
    input->operation = g_strdup (operation);
    input->suboperation = g_strdup (suboperation);
    input->extra = g_strdup (extra);
    input->xml = xml;
    hooks_start (domain, run_all, input, hook_input_free, done, data);
}
