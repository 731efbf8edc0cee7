/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The prompt: libedit with history and completion. */
#include "shell.h"

#include <editline/readline.h>
#include <stdlib.h>
#include <string.h>

#define HISTORY_LINES 500

static Shell *prompt_shell; /* libedit's callbacks carry no data */
static GPtrArray *prompt_candidates;
static unsigned prompt_next;

static char *
history_path (void)
{
    const char *named = g_getenv ("SKEP_HISTFILE");

    return named ? g_strdup (named)
                 : g_build_filename (g_get_user_cache_dir (), "skep", "history", NULL);
}

static char *
next_candidate (const char *text, int state)
{
    (void) text;
    if (state == 0)
        prompt_next = 0;
    if (!prompt_candidates || prompt_next >= prompt_candidates->len)
        return NULL;
    return strdup (g_ptr_array_index (prompt_candidates, prompt_next++));
}

/* Called with the word [start, end) of the line. */
static char **
complete_prompt (const char *text, int start, int end)
{
    g_autofree char *line = g_strndup (rl_line_buffer, (gsize) end);
    g_auto (GStrv) words = words_of_partial (line);

    (void) start;
    rl_attempted_completion_over = 1;
    g_clear_pointer (&prompt_candidates, g_ptr_array_unref);
    prompt_candidates = complete_words (prompt_shell, words);
    rl_completion_append_character = ' ';
    if (prompt_candidates->len == 1
        && g_str_has_suffix (g_ptr_array_index (prompt_candidates, 0), "/"))
        rl_completion_append_character = '\0';
    return rl_completion_matches (text, next_candidate);
}

static void
prepare (Shell *shell, const char *path)
{
    g_autofree char *dir = g_path_get_dirname (path);

    prompt_shell = shell;
    rl_readline_name = (char *) "skep";
    rl_attempted_completion_function = complete_prompt;
    rl_basic_word_break_characters = (char *) " \t\n;";
    rl_initialize ();
    using_history ();
    stifle_history (HISTORY_LINES);
    g_mkdir_with_parents (dir, 0700);
    read_history (path);
}

int
shell_interactive (Shell *shell)
{
    g_autofree char *path = history_path ();
    int code = 0;

    shell->interactive = TRUE;
    prepare (shell, path);
    shell_say (shell, "skep, the shell of Skep. 'help' lists the verbs, 'quit' leaves.");
    while (!shell->leave) {
        char *line = readline (shell->readonly ? "skep > " : "skep # ");

        if (!line)
            break;
        g_strstrip (line);
        if (*line) {
            add_history (line);
            code = shell_run_line (shell, line);
        }
        free (line);
    }
    if (!shell->leave)
        fputc ('\n', shell->out);
    write_history (path);
    g_clear_pointer (&prompt_candidates, g_ptr_array_unref);
    return code;
}
