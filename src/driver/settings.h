/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * skepd.conf and lxc.conf: one table of keys, which the man pages and the sample files are tested
 * against. Syntax is libvirt's: key = "string" | number | [ "a", "b" ], # comments. Unknown keys and
 * wrong types are errors with file and line.
 */
#pragma once

#include <glib.h>

typedef struct {
    /* where things are; each can be set by option or file, tests point all below one directory */
    char *config_dir;           /* /etc/skep/lxc */
    char *run_dir;              /* /run/skep */
    char *log_dir;              /* /var/log/skep/lxc */
    char *controller;           /* path of skep-controller */
    char *helper;               /* path of skep-helper */
    /* skepd.conf */
    gboolean listen_libvirt;
    char *libvirt_dir;          /* /run/libvirt */
    char *unix_sock_group;
    guint unix_sock_rw_perms, unix_sock_ro_perms;   /* octal */
    guint max_clients, max_client_requests;
    int keepalive_interval;
    guint keepalive_count;
    guint log_level;
    char *log_outputs;
    guint audit_level;
    gboolean audit_logging;
    char *host_uuid;
    /* lxc.conf */
    char *security_driver;      /* NULL: probe */
    gboolean security_default_confined, security_require_confined;
    guint console_ring_size;    /* bytes, 65536 */
    guint64 console_log_max;    /* bytes, 2 MiB */
    guint destroy_deadline, start_deadline;  /* ms */
    char *native_dirs;          /* folders, ':' between; NULL: none */
    char *autostart_groups;     /* comma separated; NULL: all */
    char *qemu_nbd;             /* program; NULL: of the path */
    guint pids_max;             /* default pids.max of a container, 0 none */
} Settings;

typedef enum { SETTING_BOOL, SETTING_UINT, SETTING_INT, SETTING_UINT64, SETTING_OCTAL, SETTING_STRING } SettingType;

typedef struct {
    const char *file;           /* "skepd.conf" or "lxc.conf" */
    const char *key;
    SettingType type;
    gsize offset;               /* in Settings */
    const char *initial;        /* default, as it would stand in the file */
    const char *help;           /* one line, for the man page and the sample file */
} SettingRow;

extern const SettingRow setting_rows[];     /* ends with key NULL */

Settings *settings_new (void);              /* defaults */
/* Reads one file; a missing file is fine. ERR_CONF_SYNTAX with file and line; then some settings may have
 * been taken already. Empty strings become NULL. */
gboolean settings_read (Settings *settings, const char *file, const char *path, GError **error);
void settings_free (Settings *settings);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (Settings, settings_free)
