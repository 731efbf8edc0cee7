/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The prompt: libedit with history and completion. */
#include "shell.h"

#include <editline/readline.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>
#include <wchar.h>

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

/* libedit sets the mode of what it writes to 0600, which root may do to /dev/null, too. A fifo would be waited
 * for. */
static gboolean
history_kept (const char *path)
{
    struct stat st;

    return stat (path, &st) == 0 ? S_ISREG (st.st_mode) : errno == ENOENT;
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

/* ---- Reading keys ---- */

static volatile sig_atomic_t prompt_interrupted;
static sigset_t prompt_mask; /* of signals, outside of the prompt */
static int prompt_ahead;     /* so many bytes were typed before the terminal gave single keys */

/* libedit shows the prompt first and makes the terminal give single keys then. Keys typed at the prompt
 * in between were still edited by the terminal, which turns Ctrl + D into a NUL; and libedit takes a NUL
 * for "insert the next key as it is". So the keys come first. */
static int
take_keys (void)
{
    struct termios terminal;

    prompt_ahead = 0;
    if (tcgetattr (STDIN_FILENO, &terminal) < 0)
        return 0;
    terminal.c_lflag &= ~(tcflag_t) (ICANON | ECHO);
    terminal.c_cc[VMIN] = 1;
    terminal.c_cc[VTIME] = 0;
    if (tcsetattr (STDIN_FILENO, TCSADRAIN, &terminal) == 0)
        ioctl (STDIN_FILENO, FIONREAD, &prompt_ahead);
    return 0;
}

static void
on_interrupt (int signum)
{
    (void) signum;
    prompt_interrupted = 1;
}

/* Lets in a SIGINT that came while keys were waiting too: ppoll() prefers the keys. */
static void
take_interrupt (void)
{
    sigset_t blocked;

    sigprocmask (SIG_SETMASK, &prompt_mask, &blocked);
    sigprocmask (SIG_SETMASK, &blocked, NULL);
}

/* One key for libedit, as the code of its character. Ctrl + C becomes "kill the line, end it": the
 * prompt comes again, and skep stays. EOF at the end of input. */
static int
next_key (FILE *file)
{
    static const char *pending = "";
    mbstate_t state = { 0 };
    char byte;
    wchar_t key;

    for (;;) {
        struct pollfd fd = { fileno (file), POLLIN, 0 };
        ssize_t got;

        if (*pending)
            return *pending++;
        if (prompt_interrupted) {
            prompt_interrupted = 0;
            pending = "\025\n";
            continue;
        }
        if (ppoll (&fd, 1, NULL, &prompt_mask) < 0)
            continue;
        take_interrupt ();
        if (prompt_interrupted)
            continue;
        got = read (fileno (file), &byte, 1);
        if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN))
            return EOF;
        if (got < 0)
            continue;
        /* What the terminal made of a Ctrl + D typed while a command ran; Ctrl + Space means nothing. */
        if (prompt_ahead > 0 && prompt_ahead-- && byte == '\0')
            byte = '\004';
        if (byte == '\0')
            continue;
        switch (mbrtowc (&key, &byte, 1, &state)) {
        case (size_t) -2: /* more bytes of this character follow */
            continue;
        case (size_t) -1:
            state = (mbstate_t){ 0 };
            return (unsigned char) byte;
        default:
            return (int) key;
        }
    }
}

/* While the line is typed SIGINT is ours; a running command is interrupted as usual. */
static char *
read_line (const char *prompt)
{
    struct sigaction catch = { .sa_handler = on_interrupt }, before;
    sigset_t interrupt;
    char *line;

    prompt_interrupted = 0;
    sigemptyset (&interrupt);
    sigaddset (&interrupt, SIGINT);
    sigprocmask (SIG_BLOCK, &interrupt, &prompt_mask);
    sigaction (SIGINT, &catch, &before);
    line = readline (prompt);
    sigprocmask (SIG_SETMASK, &prompt_mask, NULL);
    sigaction (SIGINT, &before, NULL);
    return line;
}

static void
prepare (Shell *shell, const char *path)
{
    g_autofree char *dir = g_path_get_dirname (path);

    prompt_shell = shell;
    rl_readline_name = (char *) "skep";
    rl_attempted_completion_function = complete_prompt;
    rl_basic_word_break_characters = (char *) " \t\n;";
    rl_catch_signals = 0;
    rl_getc_function = next_key;
    rl_pre_input_hook = take_keys;
    rl_initialize ();
    using_history ();
    stifle_history (HISTORY_LINES);
    g_mkdir_with_parents (dir, 0700);
    if (history_kept (path))
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
        char *line = read_line (shell->readonly ? "skep > " : "skep # ");

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
    if (history_kept (path))
        write_history (path);
    g_clear_pointer (&prompt_candidates, g_ptr_array_unref);
    return code;
}
