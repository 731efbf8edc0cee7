/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/store_write.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

static const char notice[] =
    "<!--\n"
    "  Written by skepd. It reads this file when it starts and overwrites it at the next change of the\n"
    "  definition, so change it with a client instead:\n"
    "    virsh -c lxc:///system edit %s\n"
    "-->\n\n";

char *
store_config_path (const char *config_dir, const char *name)
{
    return g_strconcat (config_dir, "/", name, ".xml", NULL);
}

char *
store_autostart_path (const char *config_dir, const char *name)
{
    return g_strconcat (config_dir, "/autostart/", name, ".xml", NULL);
}

char *
store_old_path (const char *path)
{
    g_autofree char *directory = g_path_get_dirname (path);
    g_autofree char *name = g_path_get_basename (path);

    return g_strconcat (directory, "/.", name, ".old", NULL);
}

void
store_work_init (StoreWork *work)
{
    *work = (StoreWork) { .config_dir = g_strdup (daemon_state.settings->config_dir),
                          .log_dir = g_strdup (daemon_state.settings->log_dir) };
}

void
store_work_clear (StoreWork *work)
{
    g_free (work->config_dir);
    g_free (work->log_dir);
    g_free (work->autostart);
    g_free (work->remove);
}

gboolean
store_work_empty (const StoreWork *work)
{
    return !work->save && !work->autostart && !work->remove;
}

void
store_written_free (StoreWritten *written)
{
    if (!written)
        return;
    g_free (written->file);
    g_free (written->old);
    g_free (written->dir);
    g_free (written->link_dir);
    g_free (written);
}

/* The notice stands in an XML comment, where "--" may not: a name that has it is left out. */
static char *
with_notice (const char *name, const char *xml)
{
    g_autofree char *quoted = strstr (name, "--") ? g_strdup ("DOMAIN") : g_shell_quote (name);
    g_autoptr (GString) text = g_string_new (NULL);

    g_string_printf (text, notice, strstr (quoted, "--") ? "DOMAIN" : quoted);
    g_string_append (text, xml);
    return g_string_free (g_steal_pointer (&text), FALSE);
}

static gboolean
save_definition (const StoreWork *work, StoreWritten *written, GError **error)
{
    g_autofree char *path = store_config_path (work->config_dir, work->save->name);
    g_autofree char *xml = domain_def_format (work->save, DOMAIN_FORMAT_SAVED);
    g_autofree char *text = with_notice (work->save->name, xml);
    g_autofree char *old = store_old_path (path);
    /* The oldest version that may not be on disk yet: one that stands there already is kept. A new file has none. */
    gboolean kept = link (path, old) == 0;

    if (!file_write (path, text, strlen (text), 0600, 0, error)) {
        if (kept)
            unlink (old);
        return FALSE;
    }
    written->file = g_steal_pointer (&path);
    written->old = kept ? g_steal_pointer (&old) : NULL;
    return TRUE;
}

static gboolean
make_link (const StoreWork *work, const char *name, GError **error)
{
    g_autofree char *path = store_autostart_path (work->config_dir, name);
    g_autofree char *target = g_strconcat ("../", name, ".xml", NULL);

    if (symlink (target, path) < 0 && errno != EEXIST)
        return error_set_errno (error, errno, "Failed to create symlink '%s' to '%s'", path, target);
    return TRUE;
}

static gboolean
set_autostart (const StoreWork *work, GError **error)
{
    g_autofree char *path = store_autostart_path (work->config_dir, work->autostart);

    return work->autostart_on ? make_link (work, work->autostart, error) : file_remove (path, error);
}

/* The link first: a link without a definition is an error at the next start, not the reverse. The version before must
 * not come back in the definition's place. */
static gboolean
remove_files (const StoreWork *work, const char *name, GError **error)
{
    g_autofree char *path = store_config_path (work->config_dir, name), *old = store_old_path (path);
    g_autofree char *autostart = store_autostart_path (work->config_dir, name);
    gboolean linked = unlink (autostart) == 0;

    if (!linked && errno != ENOENT)
        return error_set_errno (error, errno, "Failed to remove file '%s'", autostart);
    if (file_remove (old, error) && file_remove (path, error))
        return TRUE;
    if (linked)
        make_link (work, name, NULL);
    return FALSE;
}

static void
rename_log (const StoreWork *work)
{
    g_autofree char *log = g_strconcat (work->log_dir, "/", work->remove, ".log", NULL);
    g_autofree char *new_log = g_strconcat (work->log_dir, "/", work->save->name, ".log", NULL);

    if (rename (log, new_log) < 0 && errno != ENOENT)
        log_warning ("cannot rename '%s': %s", log, g_strerror (errno));
}

StoreWritten *
store_work_run (const StoreWork *work, GError **error)
{
    g_autoptr (StoreWritten) written = g_new0 (StoreWritten, 1);

    if (work->save && !save_definition (work, written, error))
        return NULL;
    if ((work->autostart && !set_autostart (work, error))
        || (work->remove && !remove_files (work, work->remove, error))) {
        if (work->save)
            remove_files (work, work->save->name, NULL);
        return NULL;
    }
    if (work->save && work->remove)
        rename_log (work);
    if (work->save || work->remove)
        written->dir = g_strdup (work->config_dir);
    if (work->autostart || work->remove)
        written->link_dir = g_strconcat (work->config_dir, "/autostart", NULL);
    return g_steal_pointer (&written);
}
