/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Native LXC configurations into domain XML and back: libvirt's calls, and ours, which also tell what
 * was left out. All of it runs on a pool thread: includes are read there, and a long text takes time.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/native.h"
#include "driver/api.h"
#include "driver/daemon.h"
#include "driver/notes.h"
#include "host/node.h"
#include "util/fd.h"
#include "util/log.h"
#include "util/task.h"

#define INCLUDED_FILES_MAX 64

typedef struct {
    Call *call;
    char *text, *name, *dirs;   /* name NULL: the configuration's own */
    gboolean to_native;
    DomainDefaults defaults;    /* its strings live as long as the daemon */
    char **reply;               /* XML or configuration */
    skep_note **reply_notes;    /* NULL: libvirt's call, they are logged */
    u_int *reply_n_notes;
    /* results */
    char *result;
    GPtrArray *notes;
} NativeAsk;

static void
ask_free (gpointer data)
{
    NativeAsk *ask = data;

    g_free (ask->text);
    g_free (ask->name);
    g_free (ask->dirs);
    g_free (ask->result);
    g_clear_pointer (&ask->notes, g_ptr_array_unref);
    g_free (ask);
}

/* ---- files that a configuration names, on the pool thread */

typedef struct {
    char **dirs;
    guint files;
} Reader;

/* @fd is a regular file or it is refused; nothing waits on it. */
static gboolean
read_fd (Reader *reader, int fd, const char *path, GPtrArray *files, GError **error)
{
    g_autofree char *text = g_malloc (NATIVE_TEXT_MAX + 1);
    struct stat st;
    ssize_t n;

    if (fstat (fd, &st) < 0 || !S_ISREG (st.st_mode))
        return error_set (error, ERR_OPERATION_FAILED, "'%s' is not a regular file", path);
    if (reader->files++ >= INCLUDED_FILES_MAX)
        return error_set (error, ERR_OPERATION_FAILED, "more than %d files", INCLUDED_FILES_MAX);
    n = fd_read_all (fd, text, NATIVE_TEXT_MAX + 1);
    if (n < 0 || n > NATIVE_TEXT_MAX)
        return n < 0 ? error_set_errno (error, errno, "cannot read '%s'", path)
                     : error_set (error, ERR_OPERATION_FAILED, "'%s' is too long", path);
    text[n] = '\0';
    g_ptr_array_add (files, native_file_new (path, g_steal_pointer (&text)));
    return TRUE;
}

static int
compare_names (gconstpointer a, gconstpointer b)
{
    return strcmp (*(const char *const *) a, *(const char *const *) b);
}

static gboolean
read_folder (Reader *reader, int dir, const char *path, GPtrArray *files, GError **error)
{
    g_autofree char *magic = g_strdup_printf ("/proc/self/fd/%d", dir);
    g_autoptr (GDir) entries = g_dir_open (magic, 0, NULL);
    g_autoptr (GPtrArray) names = g_ptr_array_new_with_free_func (g_free);
    const char *name;

    while (entries && (name = g_dir_read_name (entries)) && names->len < 1024)
        if (g_str_has_suffix (name, ".conf"))
            g_ptr_array_add (names, g_strdup (name));
    g_ptr_array_sort (names, compare_names);
    for (guint i = 0; i < names->len; i++) {
        g_autofree char *full = g_build_filename (path, names->pdata[i], NULL);
        autofd int fd = fd_open_beneath (dir, names->pdata[i], O_RDONLY | O_NONBLOCK | O_NOCTTY);

        if (fd < 0)
            return error_set_errno (error, errno, "cannot read '%s'", full);
        if (!read_fd (reader, fd, full, files, error))
            return FALSE;
    }
    return TRUE;
}

/* The allowed folder that @path lies in, and what is left of the path; NULL when there is none. */
static const char *
allowed_dir (char **dirs, const char *path, const char **ret_rest)
{
    for (char **dir = dirs; *dir; dir++) {
        gsize length = strlen (*dir);

        if (**dir == '/' && strncmp (path, *dir, length) == 0 && path[length] == '/') {
            *ret_rest = path + length + strspn (path + length, "/");
            return *dir;
        }
    }
    return NULL;
}

static GPtrArray *
read_included (gpointer data, const char *path, GError **error)
{
    Reader *reader = data;
    g_autoptr (GPtrArray) files = g_ptr_array_new_with_free_func (native_file_free);
    const char *rest = NULL, *dir = allowed_dir (reader->dirs, path, &rest);
    autofd int top = -1, fd = -1;
    struct stat st;

    if (!dir) {
        error_set (error, ERR_OPERATION_DENIED, "'%s' is in no folder that native_dirs in skepd.conf allows",
                   path);
        return NULL;
    }
    top = open (dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (top >= 0)
        fd = fd_open_beneath (top, *rest ? rest : ".", O_RDONLY | O_NONBLOCK | O_NOCTTY);
    /* userns.conf of LXC includes a folder that need not be there */
    if (fd < 0 && top >= 0 && errno == ENOENT && g_str_has_suffix (path, "/"))
        return g_steal_pointer (&files);
    if (fd < 0 || fstat (fd, &st) < 0) {
        error_set_errno (error, errno, "cannot read '%s'", path);
        return NULL;
    }
    if (!(S_ISDIR (st.st_mode) ? read_folder (reader, fd, path, files, error)
                               : read_fd (reader, fd, path, files, error)))
        return NULL;
    return g_steal_pointer (&files);
}

/* ---- the conversion, on the pool thread, where stat() may wait for a server */

static gboolean
is_regular (gpointer data, const char *path)
{
    struct stat st;

    (void) data;
    return stat (path, &st) == 0 && S_ISREG (st.st_mode);
}

static void
from_native (NativeAsk *ask, GError **error)
{
    g_auto (GStrv) dirs = g_strsplit (ask->dirs ? ask->dirs : "", ":", -1);
    Reader reader = { .dirs = dirs };
    NativeHost host = { .read = read_included, .data = &reader, .name = ask->name,
                        .is_file = is_regular };
    g_autoptr (DomainDef) def = NULL;
    NodeInfo node;

    /* libvirt's clients get libvirt's numbers */
    if (ask->reply_notes && node_info (&node, NULL))
        host.memory = node.memory;
    def = native_read (ask->text, strlen (ask->text), &host, &ask->defaults, &ask->notes, error);
    if (def)
        ask->result = domain_def_format (def, DOMAIN_FORMAT_INACTIVE);
}

static gboolean
is_file (gpointer data, const char *path)
{
    struct stat st;

    (void) data;
    return stat (path, &st) == 0 && !S_ISDIR (st.st_mode);
}

static void
to_native (NativeAsk *ask, GError **error)
{
    static const NativeHost host = { .is_file = is_file };
    g_autoptr (DomainDef) def = domain_def_parse (ask->text, strlen (ask->text), &ask->defaults, 0, error);

    if (def)
        ask->result = native_write (def, &host, &ask->notes);
}

static gpointer
convert (gpointer data, GError **error)
{
    NativeAsk *ask = data;

    if (ask->to_native)
        to_native (ask, error);
    else
        from_native (ask, error);
    return ask;
}

/* Clients of libvirt's calls have no place for it. */
static void
log_notes (const NativeAsk *ask)
{
    for (guint i = 0; i < ask->notes->len; i++) {
        const NativeNote *note = ask->notes->pdata[i];

        if (note->line)
            log_warning ("%s: %s%sline %u: %s: %s", ask->call->proc->public_name,
                         note->file ? note->file : "", note->file ? ", " : "", note->line, note->key,
                         note->reason);
        else
            log_warning ("%s: %s: %s", ask->call->proc->public_name, note->key, note->reason);
    }
}

static void
converted (gpointer result, GError *error, gpointer data)
{
    NativeAsk *ask = data;

    (void) result;
    if (error) {
        call_failed (ask->call, g_error_copy (error));
    } else {
        if (ask->reply_notes)
            *ask->reply_notes = notes_to_wire (ask->notes, ask->reply_n_notes);
        else
            log_notes (ask);
        *ask->reply = g_steal_pointer (&ask->result);
        call_done (ask->call);
    }
    ask_free (ask);
}

static ApiResult
ask (Call *call, const char *format, NativeAsk *given, GError **error)
{
    if (strcmp (format, NATIVE_FORMAT) != 0) {
        error_set (error, ERR_INVALID_ARG, "unsupported config type %s", format);
        return API_FAILED;
    }
    given->call = call;
    given->dirs = g_strdup (daemon_state.settings->native_dirs);
    given->defaults = daemon_state.defaults;
    task_run (convert, given, NULL, converted, given);
    return API_LATER;
}

static NativeAsk *
ask_new (const char *text, gboolean to, char **reply)
{
    NativeAsk *given = g_new0 (NativeAsk, 1);

    given->text = g_strdup (text);
    given->to_native = to;
    given->reply = reply;
    return given;
}

static ApiResult
ask_or_free (Call *call, const char *format, NativeAsk *given, GError **error)
{
    ApiResult result = ask (call, format, given, error);

    if (result == API_FAILED)
        ask_free (given);
    return result;
}

ApiResult
api_connect_domain_xml_from_native (Call *call, const connect_domain_xml_from_native_args *in,
                                    connect_domain_xml_from_native_ret *out, GError **error)
{
    return ask_or_free (call, in->nativeFormat, ask_new (in->nativeConfig, FALSE, &out->domainXml), error);
}

ApiResult
api_connect_domain_xml_to_native (Call *call, const connect_domain_xml_to_native_args *in,
                                  connect_domain_xml_to_native_ret *out, GError **error)
{
    return ask_or_free (call, in->nativeFormat, ask_new (in->domainXml, TRUE, &out->nativeConfig), error);
}

ApiResult
api_skep_domain_xml_from_native (Call *call, const skep_domain_xml_from_native_args *in,
                                 skep_domain_xml_from_native_ret *out, GError **error)
{
    NativeAsk *given = ask_new (in->config, FALSE, &out->xml);

    given->name = in->name && **in->name ? g_strdup (*in->name) : NULL;
    given->reply_notes = &out->notes.notes_val;
    given->reply_n_notes = &out->notes.notes_len;
    return ask_or_free (call, in->format, given, error);
}

ApiResult
api_skep_domain_xml_to_native (Call *call, const skep_domain_xml_to_native_args *in,
                               skep_domain_xml_to_native_ret *out, GError **error)
{
    NativeAsk *given = ask_new (in->xml, TRUE, &out->config);

    given->reply_notes = &out->notes.notes_val;
    given->reply_n_notes = &out->notes.notes_len;
    return ask_or_free (call, in->format, given, error);
}
