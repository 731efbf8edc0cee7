/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Hook scripts: HOOKS/lxc, then the executables of HOOKS/lxc.d in order of name, where HOOKS is
 * beside the directory of the definitions (/etc/skep/hooks). Each gets NAME OPERATION SUBOPERATION
 * EXTRA and the live XML on standard input; the first that fails ends the row. They run on a pool
 * thread, so a slow one holds up its own domain only.
 */
#pragma once

#include <glib.h>

#include "conf/domain.h"
#include "util/task.h"

/* TRUE when there is any; looked up each time, so a new script needs no restart. */
gboolean hooks_present (void);

/* @error NULL, or ERR_HOOK_SCRIPT_FAILED with the script's path, status and error output. */
typedef void (*HookDone) (const GError *error, gpointer data);
/* Takes @xml. @done is called later, from the main loop, never from here. */
void hook_run (const char *domain, const char *operation, const char *suboperation, const char *extra,
               char *xml, HookDone done, gpointer data);

/* Between hooks.c and hooks_domain.c. @run, on a pool thread, goes through the hooks of @input, each of them by
 * hook_spawn(); then @done. */
#define HOOK_PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
void hooks_start (const char *domain, TaskRun run, gpointer input, GDestroyNotify free_input, HookDone done,
                  gpointer data);
/* @what names it in the error. */
gboolean hook_spawn (const char *const *argv, const char *const *envp, const char *xml, const char *what,
                     GError **error);

/* The domain's own, <skep:hook on=>; hooks_domain.c. @reboot: what comes after the end. */
gboolean own_hooks_present (const DomainDef *def, SkepHookOn on);
void own_hooks_run (const DomainDef *def, SkepHookOn on, gboolean reboot, HookDone done, gpointer data);
