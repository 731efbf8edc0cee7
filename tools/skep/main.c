/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* skep: options of the program itself, then one command, one line of commands, or the prompt. */
#include <getopt.h>
#include <locale.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "enter.h"
#include "program.h"
#include "shell.h"

static void
print_usage (Shell *shell)
{
    fputs ("skep [OPTION]... [VERB [ARGUMENT]...]\n"
           "skep [OPTION]... 'VERB ...; VERB ...'\n\n"
           "Without a verb skep reads commands from the terminal or from standard input.\n\n"
           "Options:\n",
           shell->out);
    for (const ProgramOption *option = program_options; option->help; option++) {
        GString *names = g_string_new (NULL);

        if (option->key < 256)
            g_string_append_printf (names, "-%c%s", option->key, option->name ? ", " : "");
        else
            g_string_append (names, "    ");
        if (option->name)
            g_string_append_printf (names, "--%s", option->name);
        if (option->value)
            g_string_append_printf (names, *option->value == '[' ? "%s" : "=%s", option->value);
        fprintf (shell->out, "  %-30s %s\n", names->str, option->help);
        g_string_free (names, TRUE);
    }
    fputc ('\n', shell->out);
    help_all (shell);
}

static void
print_version (Shell *shell, gboolean verbose)
{
    if (!verbose) {
        fputs (SKEP_VERSION "\n", shell->out);
        return;
    }
    fputs (
        "skep " SKEP_VERSION ": shell of Skep, a manager of Linux system containers\n"
        "Protocol: libvirt's, program 0x20008086 up to procedure 456, and Skep's own 0x20536b70\n"
        "Default socket: " SKEP_RUN_DIR "/skep-sock\n",
        shell->out);
}

/* getopt's tables out of ours. A leading '+' leaves the verb's own options alone. */
static char *
getopt_tables (struct option *ret_long)
{
    GString *letters = g_string_new ("+");

    for (const ProgramOption *option = program_options; option->help; option++) {
        int argument = !option->value        ? no_argument
                     : *option->value == '[' ? optional_argument
                                             : required_argument;

        if (option->key < 256)
            g_string_append_printf (letters, "%c%s", option->key,
                                    argument == required_argument ? ":" : "");
        if (option->name)
            *ret_long++ = (struct option){ option->name, argument, NULL, option->key };
    }
    return g_string_free (letters, FALSE);
}

/* "^]" or one character. */
static gboolean
set_escape (Shell *shell, const char *text)
{
    if (text[0] == '^' && text[1] && !text[2])
        shell->escape = (char) (g_ascii_toupper (text[1]) & 0x1f);
    else if (text[0] && !text[1])
        shell->escape = text[0];
    else
        return FALSE;
    return TRUE;
}

/* Returns -1 to go on, else the exit code. */
static int
take_option (Shell *shell, int key, const char *value)
{
    switch (key) {
    case 'c':
        g_free (shell->uri);
        shell->uri = g_strdup (value);
        g_clear_pointer (&shell->socket, g_free);
        return -1;
    case LONG_SOCKET:
        g_free (shell->socket);
        shell->socket = g_strdup (value);
        return -1;
    case 'r':
        shell->readonly = TRUE;
        return -1;
    case 'q':
        shell->quiet = TRUE;
        return -1;
    case LONG_JSON:
        shell->json = TRUE;
        return -1;
    case 't':
        shell->timing = TRUE;
        return -1;
    case LONG_NO_COLOUR:
        shell->colour = FALSE;
        return -1;
    case 'e':
        return set_escape (shell, value)
                 ? -1
                 : shell_fail (shell, "'%s' is no escape character: use ^X or one letter", value);
    case 'k':
    case 'K':
    case 'd':
    case 'l':
        return -1;
    case 'v':
    case 'V':
    case LONG_VERSION:
        print_version (shell, key == 'V' || (value && strcmp (value, "long") == 0));
        return 0;
    case 'h':
        print_usage (shell);
        return 0;
    default:
        shell_hint (shell, "'skep --help' lists the options");
        return 1;
    }
}

/* Commands from a pipe or a file: each line in turn, until one fails. */
static int
run_script (Shell *shell)
{
    char *line = NULL;
    size_t room = 0;
    int code = 0;

    while (!shell->leave && getline (&line, &room, stdin) >= 0)
        code = shell_run_line (shell, line);
    free (line);
    return code;
}

static int
run_commands (Shell *shell, int argc, char **argv)
{
    if (argc == 1)
        return shell_run_line (shell, argv[0]);
    if (argc > 1)
        return shell_run_words (shell, (const char *const *) argv);
    return isatty (STDIN_FILENO) ? shell_interactive (shell) : run_script (shell);
}

/* See no-color.org: the variable counts when it is set and not empty. */
static gboolean
wants_colour (void)
{
    const char *none = g_getenv ("NO_COLOR");

    return isatty (STDOUT_FILENO) && !(none && *none) && g_strcmp0 (g_getenv ("TERM"), "dumb") != 0;
}

int
main (int argc, char **argv)
{
    Shell shell = { .out = stdout, .err = stderr, .escape = 0x1d };
    struct option longs[PROGRAM_OPTIONS_MAX + 1] = { { 0 } };
    g_autofree char *letters = getopt_tables (longs);
    int key, code = -1;

    if (enter_is_copy (argc, argv))
        return enter_main (argc, argv);
    setlocale (LC_ALL, "");
    setlocale (LC_NUMERIC, "C"); /* numbers are read by scripts and JSON parsers */
    signal (SIGPIPE, SIG_IGN);
    shell.colour = wants_colour ();
    while (code < 0 && (key = getopt_long (argc, argv, letters, longs, NULL)) != -1)
        code = take_option (&shell, key, optarg);
    if (code < 0)
        code = run_commands (&shell, argc - optind, argv + optind);
    shell_disconnect (&shell);
    g_free (shell.uri);
    g_free (shell.socket);
    if (fflush (stdout) != 0 && code == 0)
        code = 1;
    return code;
}
