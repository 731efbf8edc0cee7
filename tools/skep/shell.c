/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running commands: connection, errors, hints. */
#include "shell.h"

#include <string.h>

/* ---- Saying ---- */

static void
print_error (Shell *shell, const char *text)
{
    fflush (shell->out);
    fprintf (shell->err, shell->colour ? "\033[1;31merror:\033[0m %s\n" : "error: %s\n", text);
}

int
shell_fail (Shell *shell, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    print_error (shell, text);
    return 1;
}

void
shell_hint (Shell *shell, const char *format, ...)
{
    g_autofree char *text = NULL;
    va_list args;

    if (shell->quiet)
        return;
    va_start (args, format);
    text = g_strdup_vprintf (format, args);
    va_end (args);
    fflush (shell->out);
    fprintf (shell->err, "hint: %s\n", text);
}

/* What helps with an error, by its number. */
static const struct {
    int code;
    const char *hint;
} hints[] = {
    { SKEP_ERROR_NO_DOMAIN, "'list --all' shows the domains" },
    { SKEP_ERROR_OPERATION_DENIED, "this connection is read-only: leave -r out" },
    { 92, "'define' without --validate shows what the parser itself says" },
    { SKEP_ERROR_NO_CONNECT, "a URI looks like lxc:///system or lxc+unix:///system?socket=PATH" },
};

int
shell_fail_with (Shell *shell, SkepError *error, const char *format, ...)
{
    if (format) {
        g_autofree char *text = NULL;
        va_list args;

        va_start (args, format);
        text = g_strdup_vprintf (format, args);
        va_end (args);
        print_error (shell, text);
    }
    print_error (shell, error->message ? error->message : "the reason is not known");
    for (unsigned i = 0; i < G_N_ELEMENTS (hints); i++)
        if (hints[i].code == error->code)
            shell_hint (shell, "%s", hints[i].hint);
    skep_error_clear (error);
    return 1;
}

void
shell_say (Shell *shell, const char *format, ...)
{
    va_list args;

    if (shell->quiet || shell->json)
        return;
    va_start (args, format);
    vfprintf (shell->out, format, args);
    va_end (args);
    fputc ('\n', shell->out);
}

gboolean
shell_wants_json (const Shell *shell, const Args *args)
{
    return shell->json || (args_verb (args)->flags & VERB_JSON && args_flag (args, "json"));
}

/* ---- The connection ---- */

static void
explain_no_connection (Shell *shell, const SkepError *error)
{
    if (strstr (error->message, "No such file") || strstr (error->message, "refused"))
        shell_hint (shell,
                    "is skepd running? 'systemctl start skepd', or name its socket with --socket");
    else if (strstr (error->message, "ermission denied"))
        shell_hint (shell, "run as root, or as a member of the group of the socket");
}

SkepConnection *
shell_connect (const Shell *shell, SkepError *error)
{
    unsigned flags = shell->readonly ? SKEP_CONNECT_READONLY : 0;

    return shell->socket ? skep_connect_socket (shell->socket, flags, error)
                         : skep_connect (shell->uri, flags, error);
}

SkepConnection *
shell_connection (Shell *shell)
{
    autoerror error = { 0 };

    if (shell->conn && skep_connection_alive (shell->conn))
        return shell->conn;
    shell_disconnect (shell);
    shell->conn = shell_connect (shell, &error);
    if (!shell->conn) {
        SkepError copy = { error.code, error.domain,
                           g_strdup (error.message ? error.message : "") };

        shell_fail_with (shell, &error, "failed to connect to the hypervisor");
        explain_no_connection (shell, &copy);
        skep_error_clear (&copy);
    }
    return shell->conn;
}

void
shell_disconnect (Shell *shell)
{
    skep_disconnect (shell->conn);
    shell->conn = NULL;
}

SkepDomain *
shell_domain (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    const char *name = args_string (args, "domain");
    SkepDomain *domain = skep_domain_find (shell->conn, name, &error);

    if (!domain)
        shell_fail_with (shell, &error, "failed to get domain '%s'", name);
    return domain;
}

/* ---- Commands ---- */

/* How many letters are to be put in, taken out, changed or swapped with the next one to make @b of @a. */
static unsigned
distance (const char *a, const char *b)
{
    unsigned n = (unsigned) strlen (b), rows[3][64];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];

    if (n >= G_N_ELEMENTS (rows[0]) || strlen (a) >= G_N_ELEMENTS (rows[0]))
        return G_MAXUINT;
    for (unsigned j = 0; j <= n; j++)
        above[j] = before[j] = j;
    for (unsigned i = 1; i <= strlen (a); i++) {
        unsigned *oldest = before;

        row[0] = i;
        for (unsigned j = 1; j <= n; j++) {
            row[j] = MIN (MIN (above[j], row[j - 1]) + 1, above[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = MIN (row[j], before[j - 2] + 1);
        }
        before = above;
        above = row;
        row = oldest;
    }
    return above[n];
}

/* The verb that is like @name, if there is one: for the hint. */
typedef struct {
    const char *name;
    const Verb *best;
    unsigned distance;
} Guess;

static void
guess_verb (const Verb *verb, gpointer data)
{
    Guess *guess = data;
    gboolean begins = g_str_has_prefix (verb->name, guess->name) || g_str_has_prefix (guess->name, verb->name);
    unsigned far = begins ? 1 : distance (guess->name, verb->name);

    if (verb->flags & VERB_HIDDEN || far > 2 || far * 2 > strlen (guess->name)
        || (guess->best && far >= guess->distance))
        return;
    guess->best = verb;
    guess->distance = far;
}

static int
fail_unknown_verb (Shell *shell, const char *name)
{
    Guess guess = { name, NULL, 0 };

    shell_fail (shell, "unknown verb '%s'", name);
    verb_each (guess_verb, &guess);
    if (guess.best)
        shell_hint (shell, "did you mean '%s'?", guess.best->name);
    else
        shell_hint (shell, "'help' lists all verbs");
    return 1;
}

static Args *
parse (Shell *shell, const char *const *words)
{
    const Verb *verb = verb_find (words[0]);
    g_autofree char *message = NULL;
    Args *args;

    if (!verb) {
        fail_unknown_verb (shell, words[0]);
        return NULL;
    }
    args = args_parse (verb, words + 1, &message);
    if (!args) {
        shell_fail (shell, "%s", message);
        shell_hint (shell, "'help %s' shows its options", verb->name);
    }
    return args;
}

static int
run (Shell *shell, const Args *args)
{
    const Verb *verb = args_verb (args);
    gint64 begin = g_get_monotonic_time ();
    int code;

    if (args_help (args)) {
        help_verb (shell, verb);
        return 0;
    }
    if (!(verb->flags & VERB_OFFLINE) && !shell_connection (shell))
        return 1;
    code = verb->run (shell, args);
    fflush (shell->out);
    if (shell->timing)
        fprintf (shell->out, "\n(Time: %.3f ms)\n",
                 (double) (g_get_monotonic_time () - begin) / 1000);
    return code;
}

int
shell_run_words (Shell *shell, const char *const *words)
{
    g_autoptr (Args) args = parse (shell, words);

    return args ? run (shell, args) : 1;
}

/* As in virsh, a line is checked as a whole before its first command runs. */
int
shell_run_line (Shell *shell, const char *line)
{
    g_autofree char *message = NULL;
    g_autoptr (GPtrArray) commands = words_split (line, &message);
    g_autoptr (GPtrArray) parsed = g_ptr_array_new_with_free_func ((GDestroyNotify) args_free);
    int code = 0;

    if (!commands)
        return shell_fail (shell, "%s", message);
    for (unsigned i = 0; i < commands->len; i++) {
        Args *args = parse (shell, g_ptr_array_index (commands, i));

        if (!args)
            return 1;
        g_ptr_array_add (parsed, args);
    }
    for (unsigned i = 0; i < parsed->len && !shell->leave; i++)
        code = run (shell, g_ptr_array_index (parsed, i));
    return code;
}
