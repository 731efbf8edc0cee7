/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A domain's own hooks, <skep:hook>: commands for the host's shell with NAME lxc WHEN behind them, as
 * LXC calls its own, and LXC's variables. The live XML is on standard input. In the order of the
 * definition; the first that fails ends the row. They run on a pool thread.
 */
#include <string.h>

#include "driver/hooks.h"

typedef struct {
    GPtrArray *commands;        /* of char * */
    char *name, *when, *xml;
    GPtrArray *env;             /* of char *, ends with NULL */
} OwnHooks;

gboolean
own_hooks_present (const DomainDef *def, SkepHookOn on)
{
    for (guint i = 0; def->skep && i < def->skep->hooks->len; i++)
        if (((const SkepHook *) def->skep->hooks->pdata[i])->on == on)
            return TRUE;
    return FALSE;
}

static void
own_hooks_free (gpointer data)
{
    OwnHooks *hooks = data;

    g_ptr_array_unref (hooks->commands);
    g_ptr_array_unref (hooks->env);
    g_free (hooks->name);
    g_free (hooks->when);
    g_free (hooks->xml);
    g_free (hooks);
}

static gboolean
run_command (const OwnHooks *hooks, const char *command, GError **error)
{
    /* a command of several, too, as LXC has it: the words are of the last one then */
    g_autofree char *script = g_strdup_printf ("%s%s \"$@\"", strpbrk (command, ";&|(){}!") ? "" : "exec ", command);
    const char *argv[] = { "/bin/sh", "-c", script, "skep-hook", hooks->name, "lxc", hooks->when, NULL };
    g_autofree char *what = g_strdup_printf ("hook %s '%s'", hooks->when, command);

    return hook_spawn (argv, (const char *const *) hooks->env->pdata, hooks->xml, what, error);
}

static gpointer
run_commands (gpointer data, GError **error)
{
    const OwnHooks *hooks = data;

    for (guint i = 0; i < hooks->commands->len; i++)
        if (!run_command (hooks, hooks->commands->pdata[i], error))
            return NULL;
    return NULL;
}

static void
add_env (OwnHooks *hooks, const char *name, const char *value)
{
    g_ptr_array_add (hooks->env, g_strconcat (name, "=", value, NULL));
}

static void
make_env (OwnHooks *hooks, const DomainDef *def, gboolean reboot)
{
    add_env (hooks, "LC_ALL", "C");
    add_env (hooks, "PATH", HOOK_PATH);
    add_env (hooks, "HOME", "/");
    add_env (hooks, "LXC_NAME", def->name);
    add_env (hooks, "LXC_HOOK_TYPE", hooks->when);
    add_env (hooks, "LXC_HOOK_SECTION", "lxc");
    add_env (hooks, "LXC_HOOK_VERSION", "0");
    add_env (hooks, "LXC_TARGET", reboot ? "reboot" : "stop");
    for (guint i = 0; i < def->filesystems->len; i++) {
        const FsDef *fs = def->filesystems->pdata[i];

        if (strcmp (fs->target, "/") == 0 && fs->source)
            add_env (hooks, "LXC_ROOTFS_PATH", fs->source);
    }
    g_ptr_array_add (hooks->env, NULL);
}

void
own_hooks_run (const DomainDef *def, SkepHookOn on, gboolean reboot, HookDone done, gpointer data)
{
    OwnHooks *hooks = g_new0 (OwnHooks, 1);

    hooks->commands = g_ptr_array_new_with_free_func (g_free);
    hooks->env = g_ptr_array_new_with_free_func (g_free);
    hooks->name = g_strdup (def->name);
    hooks->when = g_strdup (string_table_name (&skep_hook_names, on));
    hooks->xml = domain_def_format (def, 0);
    make_env (hooks, def, reboot);
    for (guint i = 0; def->skep && i < def->skep->hooks->len; i++) {
        const SkepHook *hook = def->skep->hooks->pdata[i];

        if (hook->on == on)
            g_ptr_array_add (hooks->commands, g_strdup (hook->command));
    }
    hooks_start (def->name, run_commands, hooks, own_hooks_free, done, data);
}
