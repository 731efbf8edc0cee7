/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "driver/daemon.h"
#include "driver/instance.h"
#include "driver/lifecycle.h"
#include "driver/store_change.h"
#include "driver/store_sync.h"
#include "rpc/error_wire.h"
#include "util/error.h"
#include "util/file.h"
#include "util/log.h"

#define STORE_FILE_MAX (16U << 20)

char *
store_status_path (const char *name)
{
    return g_strconcat (daemon_state.settings->run_dir, "/domains/", name, ".xml", NULL);
}

char *
store_monitor_path (const DomainDef *def)
{
    char uuid[37];

    domain_uuid_format (def->uuid, uuid);
    return g_strconcat (daemon_state.settings->run_dir, "/domains/", uuid, ".sock", NULL);
}

char *
store_log_path (const char *name)
{
    return g_strconcat (daemon_state.settings->log_dir, "/", name, ".log", NULL);
}

char *
store_stage_dir (void)
{
    return g_strconcat (daemon_state.settings->run_dir, "/domains/stage", NULL);
}

/* Ours alone, also where it stands already: names and uuids of domains are nobody else's
 * business. */
static gboolean
make_private (const char *path, GError **error)
{
    if (!dir_make (path, 0700, error))
        return FALSE;
    return chmod (path, 0700) == 0 || error_set_errno (error, errno, "cannot set mode of '%s'", path);
}

gboolean
store_make_dirs (GError **error)
{
    const Settings *settings = daemon_state.settings;
    g_autofree char *autostart = g_strconcat (settings->config_dir, "/autostart", NULL);
    g_autofree char *status = g_strconcat (settings->run_dir, "/domains", NULL);
    g_autofree char *stage = store_stage_dir ();

    return make_private (settings->config_dir, error) && make_private (autostart, error)
           && dir_make (settings->run_dir, 0755, error) && make_private (status, error)
           && make_private (stage, error) && make_private (settings->log_dir, error);
}

/* ---- definitions */

gboolean
store_save_now (const DomainDef *def, GError **error)
{
    g_auto (StoreWork) work = { .save = NULL };
    g_autoptr (StoreWritten) written = NULL;

    store_work_init (&work);
    work.save = def;
    written = store_work_run (&work, error);
    if (written)
        store_sync_written (written);
    return written != NULL;
}

/* ---- reading */

/* Kept beside its place with the reason in the log, for whoever can repair it. */
static void
set_aside (const char *path, const GError *why)
{
    g_autofree char *aside = NULL, *text = error_wire_message (why);

    for (guint n = 0; n < 100; n++) {
        g_free (aside);
        aside = n == 0 ? g_strdup_printf ("%s.bad-%" G_GINT64_FORMAT, path, (gint64) time (NULL))
                       : g_strdup_printf ("%s.bad-%" G_GINT64_FORMAT "-%u", path,
                                          (gint64) time (NULL), n);
        /* NOREPLACE: an earlier bad file is not lost either */
        if (renameat2 (AT_FDCWD, path, AT_FDCWD, aside, RENAME_NOREPLACE) == 0) {
            log_error ("cannot use '%s' (kept as '%s'): %s%s", path, aside, text, error_place (why));
            return;
        }
        if (errno != EEXIST)
            break;
    }
    log_error ("cannot use '%s' (and not rename it): %s%s", path, text,
               error_place (why));
}

/* NULL, or the domain's name that the file name stands for. */
static char *
name_of_file (const char *file)
{
    gsize size = strlen (file);

    if (size <= 4 || file[0] == '.' || strcmp (file + size - 4, ".xml") != 0)
        return NULL;
    return g_strndup (file, size - 4);
}

static DomainDef *
read_def (const char *path, GError **error)
{
    gsize size;
    g_autofree char *text = file_read (path, STORE_FILE_MAX, &size, error);

    return text ? domain_def_parse (text, size, &daemon_state.defaults, 0, error) : NULL;
}

/* A power cut between a change and its sync can leave the new file cut off: then the version before
 * takes its place again. */
static DomainDef *
read_def_or_old (const char *path, GError **error)
{
    g_autofree char *old = store_old_path (path);
    g_autoptr (GError) why = NULL;
    DomainDef *def = read_def (path, &why);

    if (!def) {
        def = read_def (old, NULL);
        if (def)
            log_warning ("'%s': %s; the version before is used", path, why->message);
    }
    if (!def)
        g_propagate_error (error, g_steal_pointer (&why));
    else if (why && rename (old, path) < 0)
        log_warning ("cannot rename '%s': %s", old, g_strerror (errno));
    else
        unlink (old);
    return def;
}

static gboolean
load_one (DomainList *list, const char *path, const char *name, GError **error)
{
    g_autoptr (DomainDef) def = NULL;
    g_autofree char *link = store_autostart_path (daemon_state.settings->config_dir, name);
    struct stat st;
    Domain *domain;

    def = read_def_or_old (path, error);
    if (!def)
        return FALSE;
    if (strcmp (def->name, name) != 0)
        return error_set (error, ERR_INTERNAL, "the file's name and the domain's name '%s' differ",
                          def->name);
    if (store_change_pending (def->uuid, name))
        return error_set (error, ERR_INTERNAL, "the domain with its uuid is being changed");
    if (domain_list_find_uuid (list, def->uuid))
        return error_set (error, ERR_INTERNAL, "domain '%s' has the same uuid",
                          domain_list_find_uuid (list, def->uuid)->def->name);
    domain = domain_list_add (list, g_steal_pointer (&def), TRUE);
    domain->autostart = lstat (link, &st) == 0;
    return TRUE;
}

void
store_load (DomainList *list)
{
    const char *directory = daemon_state.settings->config_dir;
    g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
    const char *file;

    while (dir && (file = g_dir_read_name (dir))) {
        g_autofree char *name = name_of_file (file);
        g_autofree char *path = g_build_filename (directory, file, NULL);
        g_autoptr (GError) error = NULL;

        if (!name || load_one (list, path, name, &error))
            continue;
        set_aside (path, error);
    }
    log_info ("%u domains loaded from '%s'", domain_list_size (list), directory);
}

/* The new text becomes what a define would have made of it. */
static void
reload_known (DomainList *list, Domain *domain, DomainDef *fresh)
{
    DomainDef *old = domain_config_def (domain);
    g_autofree char *before = domain_def_format (old, DOMAIN_FORMAT_SAVED);
    g_autofree char *after = domain_def_format (fresh, DOMAIN_FORMAT_SAVED);

    if (!domain->persistent || strcmp (before, after) == 0
        || memcmp (old->uuid, fresh->uuid, sizeof fresh->uuid) != 0) {
        domain_def_free (fresh);
        return;
    }
    domain_list_set_config (list, domain, fresh);
}

static gboolean
reload_one (DomainList *list, const char *path, const char *name, GError **error)
{
    Domain *domain = domain_list_find_name (list, name);
    g_autoptr (DomainDef) def = NULL;

    /* a client's change of it is at the disk: memory follows that */
    if (store_change_pending (domain ? domain->def->uuid : NULL, name))
        return TRUE;
    if (!domain) {
        if (!load_one (list, path, name, error))
            return FALSE;
        lifecycle_apply (domain_list_find_name (list, name), LIFE_DEFINED);
        return TRUE;
    }
    def = read_def (path, error);
    if (!def)
        return FALSE;
    if (strcmp (def->name, name) == 0)
        reload_known (list, domain, g_steal_pointer (&def));
    return TRUE;
}

void
store_reload (DomainList *list)
{
    const char *directory = daemon_state.settings->config_dir;
    g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
    const char *file;

    while (dir && (file = g_dir_read_name (dir))) {
        g_autofree char *name = name_of_file (file);
        g_autofree char *path = g_build_filename (directory, file, NULL);
        g_autoptr (GError) error = NULL;

        if (name && !reload_one (list, path, name, &error)) {
            g_autofree char *text = error_wire_message (error);

            log_error ("cannot use '%s': %s%s", path, text, error_place (error));
        }
    }
}

/* ---- status */

gboolean
store_save_status (Domain *domain, GError **error)
{
    g_autofree char *path = store_status_path (domain->def->name);
    g_autoptr (DomainStatus) status = instance_status (domain);
    g_autofree char *xml = domain_status_format (status);

    status->def = NULL;     /* was the domain's */
    return file_write (path, xml, strlen (xml), 0600, 0, error);
}

void
store_remove_status (const char *name)
{
    g_autofree char *path = store_status_path (name);
    g_autoptr (GError) error = NULL;

    if (!file_remove (path, &error))
        log_warning ("%s", error->message);
}

void
store_each_status (void (*each) (DomainStatus *status, gpointer data), gpointer data)
{
    g_autofree char *directory = g_strconcat (daemon_state.settings->run_dir, "/domains", NULL);
    g_autoptr (GDir) dir = g_dir_open (directory, 0, NULL);
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    const char *file;

    /* all names first: @each writes and removes files here */
    while (dir && (file = g_dir_read_name (dir)))
        if (g_str_has_suffix (file, ".xml") && file[0] != '.')
            g_ptr_array_add (names, g_strdup (file));
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *path = g_build_filename (directory, names->pdata[i], NULL);
        g_autofree char *text = NULL;
        g_autoptr (GError) error = NULL;
        DomainStatus *status = NULL;
        gsize size;

        text = file_read (path, STORE_FILE_MAX, &size, &error);
        if (text)
            status = domain_status_parse (text, size, &daemon_state.defaults, &error);
        if (status)
            each (status, data);
        else
            set_aside (path, error);
    }
}
