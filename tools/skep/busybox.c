/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "busybox.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static gboolean
fail (char **ret_why, const char *what, const char *path)
{
    *ret_why = g_strdup_printf ("cannot %s '%s': %s", what, path, g_strerror (errno));
    return FALSE;
}

/* ---- Finding one ---- */

/* A program without an interpreter runs in an empty root. */
static gboolean
is_static (const char *path)
{
    g_autofree char *bytes = NULL;
    gsize size;
    const Elf64_Ehdr *elf;

    if (!g_file_get_contents (path, &bytes, &size, NULL) || size < sizeof (Elf64_Ehdr))
        return FALSE;
    elf = (const Elf64_Ehdr *) (void *) bytes;
    if (memcmp (elf->e_ident, ELFMAG, SELFMAG) != 0 || elf->e_ident[EI_CLASS] != ELFCLASS64)
        return FALSE;
    for (unsigned i = 0; i < elf->e_phnum; i++) {
        gsize at = elf->e_phoff + (gsize) i * elf->e_phentsize;

        if (at > size || size - at < sizeof (Elf64_Phdr))
            return FALSE;
        if (((const Elf64_Phdr *) (void *) (bytes + at))->p_type == PT_INTERP)
            return FALSE;
    }
    return TRUE;
}

char *
busybox_find (void)
{
    static const char *const usual[] = { "/bin/busybox", "/usr/bin/busybox",
                                         "/usr/lib/busybox/busybox-static", "/bin/busybox.static",
                                         "/usr/local/bin/busybox" };
    const char *named = g_getenv ("SKEP_BUSYBOX");

    if (named)
        return is_static (named) ? g_strdup (named) : NULL;
    for (unsigned i = 0; i < G_N_ELEMENTS (usual); i++)
        if (g_access (usual[i], X_OK) == 0 && is_static (usual[i]))
            return g_strdup (usual[i]);
    return NULL;
}

/* ---- Making the root ---- */

static const char *const root_dirs[] = {
    "bin",  "sbin", "usr", "usr/bin", "usr/sbin", "etc", "dev",
    "proc", "sys",  "tmp", "root",    "run",      "var", "mnt"
};

/* busybox's init takes SIGUSR2 for power off; ::shutdown lines run before. */
static const char inittab[] = "# init of busybox: a shell on the console, ended orderly\n"
                              "::respawn:-/bin/sh\n"
                              "::ctrlaltdel:/sbin/reboot\n"
                              "::shutdown:/bin/true\n";

static gboolean
write_file (const char *root, const char *name, const char *text, char **ret_why)
{
    g_autofree char *path = g_build_filename (root, name, NULL);
    g_autoptr (GError) error = NULL;

    if (g_file_set_contents_full (path, text, -1, G_FILE_SET_CONTENTS_NONE, 0644, &error))
        return TRUE;
    *ret_why = g_strdup (error->message);
    return FALSE;
}

static gboolean
copy_program (const char *from, const char *root, char **ret_why)
{
    g_autofree char *to = g_build_filename (root, "bin/busybox", NULL);
    g_autofree char *bytes = NULL;
    gsize size;
    g_autoptr (GError) error = NULL;

    if (g_file_get_contents (from, &bytes, &size, &error)
        && g_file_set_contents_full (to, bytes, (gssize) size, G_FILE_SET_CONTENTS_NONE, 0755,
                                     &error))
        return TRUE;
    *ret_why = g_strdup (error->message);
    return FALSE;
}

/* @applet is a path such as "usr/bin/awk"; the link is relative, so that it holds in any root. */
static gboolean
link_applet (const char *root, const char *applet, char **ret_why)
{
    g_autofree char *path = g_build_filename (root, applet, NULL);
    const char *target = g_str_has_prefix (applet, "usr/") ? "../../bin/busybox"
                       : g_str_has_prefix (applet, "bin/") ? "busybox"
                                                           : "../bin/busybox";

    if (strstr (applet, "..")
        || (!g_str_has_prefix (applet, "usr/bin/") && !g_str_has_prefix (applet, "usr/sbin/")
            && !g_str_has_prefix (applet, "bin/") && !g_str_has_prefix (applet, "sbin/")))
        return TRUE; /* linuxrc and what else has no place here */
    return symlink (target, path) == 0 || errno == EEXIST || fail (ret_why, "link", path);
}

static gboolean
link_applets (const char *busybox, const char *root, char **ret_why)
{
    char *argv[] = { (char *) busybox, (char *) "--list-full", NULL };
    g_autofree char *text = NULL;
    g_auto (GStrv) line = NULL;
    g_autoptr (GError) error = NULL;
    int status = 0;

    if (!g_spawn_sync (NULL, argv, NULL, G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &text, NULL,
                       &status, &error)
        || !g_spawn_check_wait_status (status, &error)) {
        *ret_why = g_strdup_printf ("'%s --list-full' failed: %s", busybox, error->message);
        return FALSE;
    }
    line = g_strsplit (text, "\n", -1);
    for (char **at = line; *at; at++)
        if (**at && !link_applet (root, *at, ret_why))
            return FALSE;
    return TRUE;
}

static gboolean
make_dirs (const char *root, char **ret_why)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (root_dirs); i++) {
        g_autofree char *path = g_build_filename (root, root_dirs[i], NULL);

        if (mkdir (path, 0755) < 0)
            return fail (ret_why, "make", path);
        if (strcmp (root_dirs[i], "tmp") == 0 && chmod (path, 01777) < 0)
            return fail (ret_why, "set the mode of", path);
    }
    return TRUE;
}

static gboolean
fill (const char *busybox, const char *root, const char *hostname, char **ret_why)
{
    g_autofree char *name = g_strdup_printf ("%s\n", hostname);

    return make_dirs (root, ret_why) && copy_program (busybox, root, ret_why)
        && link_applets (busybox, root, ret_why)
        && write_file (root, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n", ret_why)
        && write_file (root, "etc/group", "root:x:0:\n", ret_why)
        && write_file (root, "etc/hostname", name, ret_why)
        && write_file (root, "etc/inittab", inittab, ret_why);
}

gboolean
busybox_root_make (const char *busybox, const char *root, const char *hostname, char **ret_why)
{
    g_autofree char *parent = g_path_get_dirname (root);

    /* what root inside makes belongs to root on disk, with an id map too: set-id programs of its making
     * must be out of reach of the host's users */
    if (g_mkdir_with_parents (parent, 0700) < 0)
        return fail (ret_why, "make", parent);
    if (mkdir (root, 0755) < 0)
        return fail (ret_why, "make", root);
    if (fill (busybox, root, hostname, ret_why))
        return TRUE;
    busybox_root_remove (root);
    return FALSE;
}

static int
remove_entry (const char *path, const struct stat *st, int type, struct FTW *where)
{
    (void) st, (void) type, (void) where;
    return remove (path);
}

void
busybox_root_remove (const char *root)
{
    nftw (root, remove_entry, 16, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
}
