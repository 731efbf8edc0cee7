/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A mount as a line of fstab(5) says it: LXC's lxc.mount.entry, our <skep:mount>. */
#pragma once

#include <glib.h>

typedef struct {
    gboolean bind, recursive;       /* bind; rbind is both */
    gboolean readonly, nosuid, nodev, noexec;
    gboolean optional;              /* no error when the source is missing */
    gboolean create_dir, create_file;
    gboolean relative;              /* the source is below the container's root */
    char *rest;                     /* of the file system: "size=64m,mode=755"; NULL: none */
    char *refused;                  /* the first option that we cannot honour; NULL: none */
} MountOptions;

/* @text is comma separated; NULL is none. */
void mount_options_parse (const char *text, MountOptions *ret);
void mount_options_clear (MountOptions *options);

/* The fields of one line, \040 and its like resolved, at least @least of them; NULL when there are fewer.
 * g_strfreev() */
char **fstab_split (const char *line, guint least);
/* One field as it stands in such a line. The caller frees. */
char *fstab_escape (const char *field);
