/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Native LXC configurations, lxc.container.conf(5), into definitions and back.
 *
 * Every generation is read: lxc.network.*, lxc.utsname and lxc.id_map of LXC 1 and 2.0, lxc.net.N.*,
 * lxc.uts.name and lxc.idmap since 2.1; written is what LXC 4 and later take. What the domain XML
 * cannot say goes into <skep:container>. Each line that has no effect on the result is noted with its
 * number and the reason: nothing is dropped without a word.
 *
 * No I/O: files that a configuration includes are the caller's to give. Any thread.
 */
#pragma once

#include "conf/domain.h"

#define NATIVE_FORMAT "lxc-tools"           /* its name in libvirt's calls */
#define NATIVE_TEXT_MAX (256 * 1024)        /* bytes of one file */
#define NATIVE_LINES_MAX 8192               /* of a configuration with all that it includes */

/* A line that was not converted, or what could not be written. */
typedef struct {
    char *file;                 /* NULL: the configuration itself */
    guint line;                 /* from 1; 0: of no line */
    char *key;                  /* "lxc.hook.mount"; writing: the XML's path */
    char *reason;
} NativeNote;

typedef struct {
    char *path;
    char *text;
} NativeFile;

/* What a conversion asks of its host. */
typedef struct {
    /* The file @path, or the files *.conf of a folder in order of name (one that is named with a '/' behind and is
     * not there has none): an array of NativeFile, to free
     * with g_ptr_array_unref(). NULL with error when it must not or cannot be read. NULL here: there
     * are no files. */
    GPtrArray *(*read) (gpointer data, const char *path, GError **error);
    gpointer data;
    /* KiB of a container whose configuration has no limit. 0: as libvirt's converter, 65536, and no
     * console where no terminals are configured, although that cannot start: both are noted. */
    guint64 memory;
    const char *name;           /* instead of lxc.uts.name; NULL */
    /* What a bind, a root without a kind or a program without a path finds: whether @path is there, and no
     * directory; reading, it is a regular file. NULL here: all are directories. */
    gboolean (*is_file) (gpointer data, const char *path);
} NativeHost;

/* @text need not end in NUL. The result has its defaults and passed the checks. *ret_notes (of
 * NativeNote, g_ptr_array_unref()) is set in case of success only.
 * ERR_CONF_SYNTAX: a line is not KEY = VALUE; ERR_ARGUMENT_UNSUPPORTED: an fstab that cannot be read;
 * ERR_INVALID_ARG, ERR_INTERNAL: a value that means nothing; else the checks' errors. */
DomainDef *native_read (const char *text, gsize length, const NativeHost *host,
                        const DomainDefaults *defaults, GPtrArray **ret_notes, GError **error);

/* A configuration for LXC 4 and later. The caller frees. @host NULL: nothing is known of one. */
char *native_write (const DomainDef *def, const NativeHost *host, GPtrArray **ret_notes);

NativeFile *native_file_new (const char *path, char *text);     /* takes @text */
void native_file_free (gpointer file);
