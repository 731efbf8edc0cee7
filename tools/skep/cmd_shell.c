/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Verbs of the shell itself. */
#include "cmd.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static int
run_connect (Shell *shell, const Args *args)
{
    const char *name = args_string (args, "name");

    shell_disconnect (shell);
    if (name) {
        g_free (shell->uri);
        shell->uri = g_strdup (name);
        g_clear_pointer (&shell->socket, g_free);
    }
    shell->readonly = args_flag (args, "readonly");
    return shell_connection (shell) ? 0 : 1;
}

static int
run_cd (Shell *shell, const Args *args)
{
    const char *dir = args_string (args, "dir");

    if (!shell->interactive)
        return shell_fail (shell, "cd is of use at the prompt only");
    if (!dir)
        dir = g_get_home_dir () ? g_get_home_dir () : "/";
    if (chdir (dir) < 0)
        return shell_fail (shell, "cannot change to '%s': %s", dir, g_strerror (errno));
    return 0;
}

static int
run_pwd (Shell *shell, const Args *args)
{
    g_autofree char *dir = g_get_current_dir ();

    (void) args;
    fprintf (shell->out, "%s\n", dir);
    return 0;
}

/* Splits at ','; ",," stands for one comma within a part. */
static char **
split_at_commas (const char *text)
{
    GPtrArray *parts = g_ptr_array_new ();
    GString *part = g_string_new (NULL);

    for (; *text; text++) {
        if (*text == ',' && text[1] != ',') {
            g_ptr_array_add (parts, g_string_free (part, FALSE));
            part = g_string_new (NULL);
            continue;
        }
        g_string_append_c (part, *text);
        text += *text == ',';
    }
    g_ptr_array_add (parts, g_string_free (part, FALSE));
    g_ptr_array_add (parts, NULL);
    return (char **) g_ptr_array_free (parts, FALSE);
}

static int
run_echo (Shell *shell, const Args *args)
{
    FILE *to = args_flag (args, "err") ? shell->err : shell->out;
    gboolean split = args_flag (args, "split");
    const char *separator = "";

    for (const char *const *word = args_list (args, "word"); *word; word++) {
        g_autofree char *text = g_strdup (*word);

        if (args_flag (args, "xml")) {
            g_autofree char *plain = g_steal_pointer (&text);

            text = g_markup_escape_text (plain, -1);
        }
        if (args_flag (args, "shell")
            && strspn (text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "0123456789-_./=:@%+,")
                   != strlen (text)) {
            g_autofree char *plain = g_steal_pointer (&text);

            text = g_shell_quote (plain);
        }
        if (split) {
            g_auto (GStrv) part = split_at_commas (text);

            for (char **at = part; *at; at++)
                fprintf (to, "%s\n", *at);
        } else {
            fprintf (to, "%s%s", separator, text);
            separator = " ";
        }
    }
    if (!split)
        fputc ('\n', to);
    return 0;
}

static int
run_quit (Shell *shell, const Args *args)
{
    (void) args;
    shell->leave = TRUE;
    return 0;
}

static int
run_help (Shell *shell, const Args *args)
{
    const char *topic = args_string (args, "command");

    if (!topic)
        help_all (shell);
    else if (!help_topic (shell, topic))
        return shell_fail (shell, "there is no verb and no group '%s'", topic);
    return 0;
}

/* For completion scripts: one candidate a line for the last word. */
static int
run_complete (Shell *shell, const Args *args)
{
    const char *line = args_string (args, "line");
    g_autoptr (GPtrArray) found = NULL;

    shell->readonly |= !shell->interactive; /* who may only look can complete, too */
    found = line ? complete_line (shell, line)
                 : complete_words (shell, (char *const *) args_list (args, "word"));
    for (unsigned i = 0; i < found->len; i++)
        fprintf (shell->out, "%s\n", (const char *) g_ptr_array_index (found, i));
    return 0;
}

static const Option connect_options[] = {
    { "name", OPT_STRING, 0, "URI of the daemon", COMPLETE_NONE, NULL },
    { "readonly", OPT_FLAG, 0, "open a read-only connection", COMPLETE_NONE, NULL },
    OPTIONS_END,
};
static const Option cd_options[] = {
    { "dir", OPT_STRING, 0, "where to (default: home)", COMPLETE_FILE, NULL },
    OPTIONS_END,
};
static const Option echo_options[] = {
    { "shell", OPT_FLAG, 0, "quote for a shell", COMPLETE_NONE, NULL },
    { "xml", OPT_FLAG, 0, "escape for XML", COMPLETE_NONE, NULL },
    { "split", OPT_FLAG, 0, "split at commas", COMPLETE_NONE, NULL },
    { "err", OPT_FLAG, 0, "print on standard error", COMPLETE_NONE, NULL },
    { "word", OPT_LIST, 0, "what to print", COMPLETE_NONE, NULL },
    OPTIONS_END,
};
static const Option help_options[] = {
    { "command", OPT_STRING, 0, "a verb or a group of verbs", COMPLETE_VERB, NULL },
    OPTIONS_END,
};
static const Option complete_options[] = {
    { "line", OPT_STRING, OPT_NAMED, "the line of another shell up to its cursor", COMPLETE_NONE,
      NULL },
    { "word", OPT_LIST, OPT_REST, "the words of the command, the unfinished one last",
      COMPLETE_NONE, NULL },
    OPTIONS_END,
};

const Verb verbs_shell[] = {
    { "connect", GROUP_SKEP, VERB_OFFLINE, "connect to a daemon, or connect anew", NULL,
      connect_options, run_connect },
    { "cd", GROUP_SKEP, VERB_OFFLINE | VERB_INTERACTIVE, "change the current directory", NULL,
      cd_options, run_cd },
    { "pwd", GROUP_SKEP, VERB_OFFLINE, "print the current directory", NULL, NULL, run_pwd },
    { "echo", GROUP_SKEP, VERB_OFFLINE, "print words, quoted or not", NULL, echo_options,
      run_echo },
    { "quit", GROUP_SKEP, VERB_OFFLINE, "leave the shell", NULL, NULL, run_quit },
    { "exit", GROUP_SKEP, VERB_OFFLINE, "leave the shell", NULL, NULL, run_quit },
    { "help", GROUP_SKEP, VERB_OFFLINE, "explain verbs", NULL, help_options, run_help },
    { "complete", GROUP_SKEP, VERB_OFFLINE | VERB_HIDDEN, "print what a word can be completed with",
      NULL, complete_options, run_complete },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
