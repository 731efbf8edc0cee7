/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A root directory with nothing but busybox, made from a static one of the host. */
#pragma once

#include <glib.h>

/* The path of a statically linked busybox, or NULL. $SKEP_BUSYBOX goes first. */
char *busybox_find (void);

/* Makes @root, which must not exist, with /bin/busybox, a link for each of its applets, and the few
 * files that make its init start a shell on the console and stop orderly. On failure nothing of it
 * stays; the sentence is in *ret_why. */
gboolean busybox_root_make (const char *busybox, const char *root, const char *hostname,
                            char **ret_why);

/* Removes a tree made by busybox_root_make(); symbolic links are not followed. */
void busybox_root_remove (const char *root);
