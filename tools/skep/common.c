/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cmd.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX (16U << 20)

int
affect_flags (Shell *shell, const Args *args)
{
    gboolean config = args_flag (args, "config"), live = args_flag (args, "live");

    if (args_flag (args, "current") && (config || live)) {
        shell_fail (shell, "--current contradicts --%s", live ? "live" : "config");
        return -1;
    }
    return (live ? SKEP_AFFECT_LIVE : 0) | (config ? SKEP_AFFECT_CONFIG : 0);
}

unsigned
bits_given (const Args *args, const BitRow *rows)
{
    unsigned bits = 0;

    for (; rows->option; rows++)
        if (args_flag (args, rows->option))
            bits |= rows->bit;
    return bits;
}

gboolean
fds_parse (Shell *shell, const char *text, GArray *ret_fds)
{
    g_auto (GStrv) part = g_strsplit (text ? text : "", ",", -1);

    for (char **at = part; *at; at++) {
        guint64 number;
        int fd;

        if (!**at && !text)
            continue;
        if (!g_ascii_string_to_unsigned (*at, 10, 0, G_MAXINT, &number, NULL)
            || fcntl ((int) number, F_GETFD) < 0) {
            shell_fail (shell, "'%s' in '%s' is no open file descriptor", *at, text);
            return FALSE;
        }
        fd = (int) number;
        g_array_append_val (ret_fds, fd);
    }
    return TRUE;
}

int
print_string (Shell *shell, const Args *args, const char *key, const char *text)
{
    g_autoptr (Record) record = record_new ();

    record_string (record, key, "", text);
    record_print (record, 0, "", shell_wants_json (shell, args), shell->out);
    return 0;
}

int
print_number (Shell *shell, const Args *args, const char *key, gint64 number)
{
    g_autoptr (Record) record = record_new ();

    record_number (record, key, "", number, "%" G_GINT64_FORMAT, number);
    record_print (record, 0, "", shell_wants_json (shell, args), shell->out);
    return 0;
}

static char *
read_stream (FILE *file, const char *path, Shell *shell)
{
    GString *text = g_string_new (NULL);
    char buffer[65536];
    size_t got;

    while (text->len <= TEXT_MAX && (got = fread (buffer, 1, sizeof buffer, file)) > 0)
        g_string_append_len (text, buffer, (gssize) got);
    if (ferror (file) || text->len > TEXT_MAX) {
        if (text->len > TEXT_MAX)
            shell_fail (shell, "'%s' is longer than %u MiB", path, TEXT_MAX >> 20);
        else
            shell_fail (shell, "cannot read '%s': %s", path, g_strerror (errno));
        g_string_free (text, TRUE);
        return NULL;
    }
    if (strlen (text->str) != text->len) {
        shell_fail (shell, "'%s' contains a NUL byte", path);
        g_string_free (text, TRUE);
        return NULL;
    }
    return g_string_free (text, FALSE);
}

char *
read_text (Shell *shell, const char *path)
{
    FILE *file = strcmp (path, "-") == 0 ? stdin : fopen (path, "re");
    char *text;

    if (!file) {
        shell_fail (shell, "Failed to open file '%s': %s", path, g_strerror (errno));
        return NULL;
    }
    text = read_stream (file, path, shell);
    if (file != stdin)
        fclose (file);
    return text;
}

/* ---- Editing ---- */

static gboolean
run_editor (Shell *shell, const char *path)
{
    const char *editor = g_getenv ("VISUAL") ? g_getenv ("VISUAL") : g_getenv ("EDITOR");
    g_auto (GStrv) word = NULL;
    g_autoptr (GError) error = NULL;
    g_autoptr (GPtrArray) argv = g_ptr_array_new ();
    int status = 0;

    if (!g_shell_parse_argv (editor && *editor ? editor : "vi", NULL, &word, &error)) {
        shell_fail (shell, "cannot understand $EDITOR: %s", error->message);
        return FALSE;
    }
    for (char **at = word; *at; at++)
        g_ptr_array_add (argv, *at);
    g_ptr_array_add (argv, (char *) path);
    g_ptr_array_add (argv, NULL);
    if (!g_spawn_sync (NULL, (char **) argv->pdata, NULL,
                       G_SPAWN_SEARCH_PATH | G_SPAWN_CHILD_INHERITS_STDIN, NULL, NULL, NULL, NULL,
                       &status, &error)
        || !g_spawn_check_wait_status (status, &error)) {
        shell_fail (shell, "the editor failed: %s", error->message);
        return FALSE;
    }
    return TRUE;
}

char *
edit_text (Shell *shell, const char *text, const char *suffix)
{
    g_autofree char *template = g_strdup_printf ("%s/skep-XXXXXX%s", g_get_tmp_dir (), suffix);
    int fd = g_mkstemp_full (template, O_RDWR | O_CLOEXEC, 0600);
    char *edited = NULL;

    if (fd < 0) {
        shell_fail (shell, "cannot make a temporary file: %s", g_strerror (errno));
        return NULL;
    }
    if (write (fd, text, strlen (text)) != (ssize_t) strlen (text))
        shell_fail (shell, "cannot write '%s': %s", template, g_strerror (errno));
    else if (run_editor (shell, template))
        edited = read_text (shell, template);
    close (fd);
    g_unlink (template);
    return edited;
}

/* ---- Words for numbers ---- */

static const char *const signal_names[] = {
    [SIGHUP] = "hup",   [SIGINT] = "int",       [SIGQUIT] = "quit", [SIGILL] = "ill",
    [SIGTRAP] = "trap", [SIGABRT] = "abrt",     [SIGBUS] = "bus",   [SIGFPE] = "fpe",
    [SIGKILL] = "kill", [SIGUSR1] = "usr1",     [SIGSEGV] = "segv", [SIGUSR2] = "usr2",
    [SIGPIPE] = "pipe", [SIGALRM] = "alrm",     [SIGTERM] = "term", [SIGSTKFLT] = "stkflt",
    [SIGCHLD] = "chld", [SIGCONT] = "cont",     [SIGSTOP] = "stop", [SIGTSTP] = "tstp",
    [SIGTTIN] = "ttin", [SIGTTOU] = "ttou",     [SIGURG] = "urg",   [SIGXCPU] = "xcpu",
    [SIGXFSZ] = "xfsz", [SIGVTALRM] = "vtalrm", [SIGPROF] = "prof", [SIGWINCH] = "winch",
    [SIGIO] = "io",     [SIGPWR] = "pwr",       [SIGSYS] = "sys",
};

int
signal_parse (const char *text)
{
    guint64 number;

    if (g_ascii_string_to_unsigned (text, 10, 0, 64, &number, NULL))
        return (int) number;
    if (g_ascii_strncasecmp (text, "sig", 3) == 0)
        text += text[3] == '_' ? 4 : 3;
    for (unsigned i = 1; i < G_N_ELEMENTS (signal_names); i++)
        if (g_ascii_strcasecmp (text, signal_names[i]) == 0)
            return (int) i;
    /* Real-time signals start at 32 for the wire, which knows nothing of the C library's own use. */
    if (g_ascii_strncasecmp (text, "rtmin+", 6) == 0)
        text += 6;
    else if (g_ascii_strncasecmp (text, "rt", 2) == 0)
        text += 2;
    else
        return -1;
    return g_ascii_string_to_unsigned (text, 10, 0, 32, &number, NULL) ? 32 + (int) number : -1;
}

int
mode_parse (Shell *shell, const char *text)
{
    static const char *const mode_names[] = { "acpi", "agent", "initctl", "signal", "paravirt" };
    g_auto (GStrv) mode = g_strsplit (text ? text : "", ",", -1);
    int flags = 0;

    for (char **at = mode; text && *at; at++) {
        unsigned i = 0;

        while (i < G_N_ELEMENTS (mode_names) && strcmp (*at, mode_names[i]) != 0)
            i++;
        if (i == G_N_ELEMENTS (mode_names)) {
            shell_fail (shell,
                        "'%s' is no mode: use initctl or signal (acpi, agent, paravirt are known "
                        "but of no use to containers)",
                        *at);
            return -1;
        }
        flags |= 1 << i;
    }
    return flags;
}
