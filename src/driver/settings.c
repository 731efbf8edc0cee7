/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "driver/settings.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "config.h"
#include "util/error.h"
#include "util/file.h"

#define CONF_FILE_MAX   (1024 * 1024)
#define CONF_STRING_MAX 4096

#define ROW(file_, key_, type_, member, initial_, help_)                                           \
    {                                                                                              \
        file_, key_, type_, offsetof (Settings, member), initial_, help_                           \
    }
#define SKEPD(...) ROW ("skepd.conf", __VA_ARGS__)
#define LXC(...)   ROW ("lxc.conf", __VA_ARGS__)

const SettingRow setting_rows[] = {
    SKEPD ("config_dir", SETTING_STRING, config_dir, "\"" SKEP_CONF_DIR "/lxc\"",
           "definitions of domains, and autostart links below it"),
    SKEPD ("run_dir", SETTING_STRING, run_dir, "\"" SKEP_RUN_DIR "\"",
           "sockets, the lock driver.pid, and status files of running domains"),
    SKEPD ("log_dir", SETTING_STRING, log_dir, "\"" SKEP_LOG_DIR "/lxc\"",
           "one log for each domain: NAME.log, and console logs"),
    SKEPD ("controller", SETTING_STRING, controller, "\"" SKEP_LIBEXEC_DIR "/skep-controller\"",
           "the program that runs one container"),
    SKEPD ("helper", SETTING_STRING, helper, "\"" SKEP_LIBEXEC_DIR "/skep-helper\"",
           "the program for errands inside a container"),
    SKEPD ("listen_libvirt", SETTING_BOOL, listen_libvirt, "no",
           "also listen where libvirt's clients look for lxc:///system"),
    SKEPD ("libvirt_dir", SETTING_STRING, libvirt_dir, "\"/run/libvirt\"",
           "directory of virtlxcd-sock and virtlxcd-sock-ro, with listen_libvirt"),
    SKEPD ("unix_sock_group", SETTING_STRING, unix_sock_group, "\"\"",
           "group of the sockets; empty keeps the daemon's own"),
    SKEPD ("unix_sock_rw_perms", SETTING_OCTAL, unix_sock_rw_perms, "\"0700\"",
           "mode of the socket that may change things"),
    SKEPD ("unix_sock_ro_perms", SETTING_OCTAL, unix_sock_ro_perms, "\"0777\"",
           "mode of the read-only socket"),
    SKEPD ("max_clients", SETTING_UINT, max_clients, "5000",
           "connections at a time; more wait to be accepted"),
    SKEPD ("max_client_requests", SETTING_UINT, max_client_requests, "5",
           "calls of one client in progress; more wait unread"),
    SKEPD ("keepalive_interval", SETTING_INT, keepalive_interval, "5",
           "seconds of silence before a client is pinged; -1 never pings"),
    SKEPD ("keepalive_count", SETTING_UINT, keepalive_count, "5",
           "pings without an answer before a client is dropped"),
    SKEPD ("log_level", SETTING_UINT, log_level, "2",
           "1 debug, 2 information, 3 warnings, 4 errors"),
    SKEPD ("log_outputs", SETTING_STRING, log_outputs, "\"\"",
           "stderr, journald or file:PATH; empty: the journal under systemd, else stderr"),
    SKEPD ("audit_level", SETTING_UINT, audit_level, "1",
           "0 no audit records, 1 where the host audits, 2 required"),
    SKEPD ("audit_logging", SETTING_BOOL, audit_logging, "no", "audit records also go to the log"),
    SKEPD ("native_dirs", SETTING_STRING, native_dirs, "\"/usr/share/lxc/config:/etc/lxc:/var/lib/lxc\"",
           "folders, : between, whose files a native configuration may include; empty: none"),
    SKEPD ("host_uuid", SETTING_STRING, host_uuid, "\"\"",
           "uuid of this host in capabilities; empty: the firmware's or the machine id"),

    LXC ("security_driver", SETTING_STRING, security_driver, "\"\"",
         "selinux, apparmor or none; empty: the first that works"),
    LXC ("security_default_confined", SETTING_BOOL, security_default_confined, "yes",
         "domains without a seclabel get a dynamic one where a security driver is active"),
    LXC ("security_require_confined", SETTING_BOOL, security_require_confined, "no",
         "refuse to start domains with seclabel type none"),
    LXC ("console_ring_size", SETTING_UINT, console_ring_size, "65536",
         "bytes of console output kept for clients that attach later"),
    LXC ("console_log_max", SETTING_UINT64, console_log_max, "2097152",
         "bytes of a console log before it is rotated"),
    LXC ("destroy_deadline", SETTING_UINT, destroy_deadline, "10000",
         "milliseconds for every process of a container to die"),
    LXC ("start_deadline", SETTING_UINT, start_deadline, "60000",
         "milliseconds for a start, up to the exec of init"),
    LXC ("autostart_groups", SETTING_STRING, autostart_groups, "\"\"",
         "groups, comma separated, whose domains are started at boot; an empty part: those without one; empty: all"),
    LXC ("qemu_nbd", SETTING_STRING, qemu_nbd, "\"\"",
         "path of qemu-nbd, which serves images that are not raw; empty: the one in the daemon's PATH"),
    LXC ("pids_max", SETTING_UINT, pids_max, "16384", "processes in a container at a time; 0 no limit"),
    { NULL, NULL, SETTING_BOOL, 0, NULL, NULL },
};

/* ---- values */

typedef enum { VALUE_WORD, VALUE_STRING, VALUE_LIST } ValueKind; /* a word is a number, yes or no */

typedef struct {
    ValueKind kind;
    char *text;
} Value;

static gboolean
value_bool (const Value *value, gboolean *ret)
{
    static const char *const yes[] = { "yes", "1", "true", "on" };
    static const char *const no[] = { "no", "0", "false", "off" };

    for (guint i = 0; i < G_N_ELEMENTS (yes); i++) {
        if (strcmp (value->text, yes[i]) == 0 || strcmp (value->text, no[i]) == 0) {
            *ret = strcmp (value->text, yes[i]) == 0;
            return TRUE;
        }
    }
    return FALSE;
}

static gboolean
value_number (const Value *value, gint64 min, guint64 max, guint base, gint64 *ret)
{
    const char *text = value->text;
    char *end;

    if (value->kind != VALUE_WORD && base != 8)
        return FALSE;
    if (*text == '-') {
        *ret = g_ascii_strtoll (text, &end, (int) base);
        return end != text + 1 && *end == '\0' && *ret >= min;
    }
    if (!g_ascii_isdigit (*text))
        return FALSE;
    errno = 0;
    *ret = (gint64) g_ascii_strtoull (text, &end, base);
    return errno == 0 && *end == '\0' && (guint64) *ret <= max;
}

/* FALSE: @value is not of the row's type. */
static gboolean
setting_assign (Settings *settings, const SettingRow *row, const Value *value)
{
    void *member = (char *) settings + row->offset;
    gint64 number = 0;

    if (value->kind == VALUE_LIST)
        return FALSE;
    switch (row->type) {
    case SETTING_BOOL:
        return value_bool (value, member);
    case SETTING_UINT:
        if (!value_number (value, 0, UINT_MAX, 10, &number))
            return FALSE;
        *(guint *) member = (guint) number;
        return TRUE;
    case SETTING_INT:
        if (!value_number (value, INT_MIN, INT_MAX, 10, &number))
            return FALSE;
        *(int *) member = (int) number;
        return TRUE;
    case SETTING_UINT64:
        if (!value_number (value, 0, G_MAXINT64, 10, &number))
            return FALSE;
        *(guint64 *) member = (guint64) number;
        return TRUE;
    case SETTING_OCTAL:
        if (!value_number (value, 0, 0777, 8, &number))
            return FALSE;
        *(guint *) member = (guint) number;
        return TRUE;
    case SETTING_STRING:
        if (value->kind != VALUE_STRING)
            return FALSE;
        g_free (*(char **) member);
        *(char **) member = *value->text ? g_strdup (value->text) : NULL;
        return TRUE;
    }
    return FALSE;
}

/* ---- the file: KEY = VALUE, one a line; lists may go over several lines */

typedef struct {
    const char *path;
    const char *at;
    guint line;
} Reader;

G_GNUC_PRINTF (3, 4)
static gboolean
reader_error (const Reader *reader, GError **error, const char *format, ...)
{
    g_autofree char *detail = NULL;
    va_list args;

    va_start (args, format);
    detail = g_strdup_vprintf (format, args);
    va_end (args);
    return error_set_from (error, ORIGIN_CONF, ERR_CONF_SYNTAX, "%s:%u: %s", reader->path,
                           reader->line, detail);
}

/* Skips blanks and, with @lines, ends of line and comments. */
static void
reader_skip (Reader *reader, gboolean lines)
{
    for (;; reader->at++) {
        if (*reader->at == '#' && lines)
            reader->at += strcspn (reader->at, "\n");
        if (*reader->at == '\n' && lines)
            reader->line++;
        else if (*reader->at != ' ' && *reader->at != '\t' && *reader->at != '\r')
            return;
    }
}

/* A quoted string; with double quotes a backslash keeps the next character. */
static gboolean
read_string (Reader *reader, char **ret, GError **error)
{
    g_autoptr (GString) text = g_string_new (NULL);
    char quote = *reader->at++;

    while (*reader->at != quote) {
        if (*reader->at == '\\' && quote == '"' && reader->at[1] && reader->at[1] != '\n')
            reader->at++;
        if (*reader->at == '\0' || *reader->at == '\n')
            return reader_error (reader, error, "the string is not closed");
        if (g_ascii_iscntrl (*reader->at))
            return reader_error (reader, error, "control character in a string");
        if (text->len >= CONF_STRING_MAX)
            return reader_error (reader, error, "the string is too long");
        g_string_append_c (text, *reader->at++);
    }
    reader->at++;
    *ret = g_string_free (g_steal_pointer (&text), FALSE);
    return TRUE;
}

static gboolean
read_list (Reader *reader, GError **error)
{
    reader->at++;
    for (;;) {
        g_autofree char *item = NULL;

        reader_skip (reader, TRUE);
        if (*reader->at == ']')
            break;
        if (*reader->at != '"' && *reader->at != '\'')
            return reader_error (reader, error, "a list holds strings");
        if (!read_string (reader, &item, error))
            return FALSE;
        reader_skip (reader, TRUE);
        if (*reader->at == ',')
            reader->at++;
        else if (*reader->at != ']')
            return reader_error (reader, error, "',' or ']' expected");
    }
    reader->at++;
    return TRUE;
}

static gboolean
read_value (Reader *reader, Value *value, GError **error)
{
    gsize length;

    if (*reader->at == '[') {
        value->kind = VALUE_LIST;
        return read_list (reader, error);
    }
    if (*reader->at == '"' || *reader->at == '\'') {
        value->kind = VALUE_STRING;
        return read_string (reader, &value->text, error);
    }
    value->kind = VALUE_WORD;
    length = strspn (reader->at, "-0123456789abcdefghijklmnopqrstuvwxyz");
    if (length == 0)
        return reader_error (reader, error, "a value is missing");
    value->text = g_strndup (reader->at, length);
    reader->at += length;
    return TRUE;
}

static const SettingRow *
setting_find (const char *file, const char *key)
{
    for (const SettingRow *row = setting_rows; row->key; row++)
        if (strcmp (row->file, file) == 0 && strcmp (row->key, key) == 0)
            return row;
    return NULL;
}

static const char *
type_name (SettingType type)
{
    switch (type) {
    case SETTING_BOOL:
        return "yes or no";
    case SETTING_OCTAL:
        return "an octal mode such as \"0700\"";
    case SETTING_STRING:
        return "a string in quotes";
    default:
        return "a number in range";
    }
}

static gboolean
read_line (Reader *reader, const char *file, Settings *settings, GError **error)
{
    gsize length
        = strspn (reader->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
    g_autofree char *key = g_strndup (reader->at, length);
    const SettingRow *row = setting_find (file, key);
    Value value = { VALUE_WORD, NULL };
    g_autofree char *text = NULL;
    gboolean ok;

    if (length == 0)
        return reader_error (reader, error, "the name of a setting expected");
    if (!row)
        return reader_error (reader, error, "unknown setting '%s'", key);
    reader->at += length;
    reader_skip (reader, FALSE);
    if (*reader->at != '=')
        return reader_error (reader, error, "'=' expected after '%s'", key);
    reader->at++;
    reader_skip (reader, FALSE);
    ok = read_value (reader, &value, error);
    text = value.text;
    if (!ok)
        return FALSE;
    if (!setting_assign (settings, row, &value))
        return reader_error (reader, error, "'%s' wants %s", key, type_name (row->type));
    reader_skip (reader, FALSE);
    if (*reader->at && *reader->at != '\n' && *reader->at != '#')
        return reader_error (reader, error, "unexpected text after the value of '%s'", key);
    return TRUE;
}

static void
settings_set_initial (Settings *settings)
{
    for (const SettingRow *row = setting_rows; row->key; row++) {
        Reader reader = { row->key, row->initial, 1 };
        Value value = { VALUE_WORD, NULL };
        g_autofree char *text = NULL;
        gboolean ok = read_value (&reader, &value, NULL);

        text = value.text;
        ok = ok && setting_assign (settings, row, &value);
        g_assert (ok);
    }
}

Settings *
settings_new (void)
{
    Settings *settings = g_new0 (Settings, 1);

    settings_set_initial (settings);
    return settings;
}

gboolean
settings_read (Settings *settings, const char *file, const char *path, GError **error)
{
    g_autoptr (GError) local = NULL;
    gsize size;
    g_autofree char *text = file_read (path, CONF_FILE_MAX, &size, &local);
    Reader reader = { path, text, 1 };

    if (!text) {
        if (error_errno (local) == ENOENT)
            return TRUE;
        g_propagate_error (error, g_steal_pointer (&local));
        return FALSE;
    }
    if (strlen (text) != size)
        return reader_error (&reader, error, "the file is not text");
    for (reader_skip (&reader, TRUE); *reader.at; reader_skip (&reader, TRUE))
        if (!read_line (&reader, file, settings, error))
            return FALSE;
    return TRUE;
}

void
settings_free (Settings *settings)
{
    if (!settings)
        return;
    for (const SettingRow *row = setting_rows; row->key; row++)
        if (row->type == SETTING_STRING)
            g_free (*(char **) (void *) ((char *) settings + row->offset));
    g_free (settings);
}
