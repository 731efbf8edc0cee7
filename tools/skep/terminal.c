/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#define N_DEADLY 4

static const int deadly[N_DEADLY] = { SIGTERM, SIGHUP, SIGINT, SIGQUIT };
static struct sigaction deadly_before[N_DEADLY];
static struct termios terminal_before;
static volatile sig_atomic_t terminal_raw, terminal_screen;
static volatile sig_atomic_t terminal_resized;

/* To the terminal itself: what stdio holds back may not be ours to write. One that takes nothing for @patience ms
 * (negative: no end) is given up, so what is written is as short as there may be room for. */
static void
say (const char *text, int patience)
{
    struct pollfd terminal = { STDOUT_FILENO, POLLOUT, 0 };

    while (*text) {
        int n = poll (&terminal, 1, patience);
        ssize_t put = n > 0 ? write (STDOUT_FILENO, text, 1) : n;

        if (n == 0 || (put < 0 && errno != EINTR))
            break;
        text += put > 0;
    }
}

/* Runs in signal handlers, too. */
static void
terminal_restore (int patience)
{
    if (!terminal_raw)
        return;
    terminal_raw = 0;
    if (terminal_screen)
        say ("\033[?25h\033[?1049l", patience);
    terminal_screen = 0;
    tcsetattr (STDIN_FILENO, TCSADRAIN, &terminal_before);
}

/* A killed skep must not leave the terminal raw, but must end even if the terminal takes nothing any more.
 * tcsetattr() and poll() are async-signal-safe. */
void
terminal_die (int signum)
{
    terminal_restore (1000);
    signal (signum, SIG_DFL);
    raise (signum);
}

static bool
change (struct termios *wanted)
{
    struct sigaction die = { .sa_handler = terminal_die };

    terminal_raw = 1;
    for (unsigned i = 0; i < N_DEADLY; i++)
        sigaction (deadly[i], &die, &deadly_before[i]);
    return tcsetattr (STDIN_FILENO, TCSADRAIN, wanted) == 0;
}

bool
terminal_make_raw (void)
{
    struct termios raw;

    if (tcgetattr (STDIN_FILENO, &terminal_before) < 0)
        return false;
    raw = terminal_before;
    cfmakeraw (&raw);
    return change (&raw);
}

bool
terminal_open_screen (void)
{
    struct termios raw;

    if (tcgetattr (STDIN_FILENO, &terminal_before) < 0)
        return false;
    raw = terminal_before;
    cfmakeraw (&raw);
    raw.c_lflag |= ISIG;
    raw.c_cc[VQUIT] = raw.c_cc[VSUSP] = _POSIX_VDISABLE;
    if (!change (&raw))
        return false;
    terminal_screen = 1;
    say ("\033[?1049h\033[?25l\033[2J", -1);
    return true;
}

void
terminal_leave (void)
{
    terminal_restore (-1);
    for (unsigned i = 0; i < N_DEADLY; i++)
        sigaction (deadly[i], &deadly_before[i], NULL);
}

/* ---- Relaying ---- */

static void
on_resize (int signum)
{
    (void) signum;
    terminal_resized = 1;
}

static void
copy_size (int master)
{
    struct winsize size;

    terminal_resized = 0;
    for (int fd = 0; fd < 3; fd++)
        if (ioctl (fd, TIOCGWINSZ, &size) == 0) {
            ioctl (master, TIOCSWINSZ, &size);
            return;
        }
}

/* Moves what is there from one to the other; false at the end of @from. */
static bool
move_some (int from, int to)
{
    char buffer[4096];
    ssize_t got = read (from, buffer, sizeof buffer);

    if (got < 0)
        return errno == EINTR || errno == EAGAIN;
    for (ssize_t put = 0, n; put < got; put += n) {
        n = write (to, buffer + put, (size_t) (got - put));
        if (n < 0 && errno != EINTR)
            return false;
        if (n < 0)
            n = 0;
    }
    return got > 0;
}

/* The other side stays open when a process of the container keeps it: the command's end counts. */
static bool
has_ended (pid_t pid)
{
    siginfo_t info = { 0 };

    return waitid (P_PID, (id_t) pid, &info, WEXITED | WNOHANG | WNOWAIT) == 0
        && info.si_pid == pid;
}

void
terminal_relay (int master, pid_t pid)
{
    struct sigaction resize = { .sa_handler = on_resize }, before;
    /* What is no terminal is the command's own: it is not ours to read or write. */
    int in = isatty (STDIN_FILENO) ? STDIN_FILENO : -1;
    int out = isatty (STDOUT_FILENO) ? STDOUT_FILENO : isatty (STDERR_FILENO) ? STDERR_FILENO : in;
    struct pollfd fds[] = { { master, POLLIN, 0 }, { in, POLLIN, 0 } };
    bool raw = in >= 0 && terminal_make_raw ();

    sigaction (SIGWINCH, &resize, &before);
    copy_size (master);
    for (;;) {
        int n = poll (fds, 2, 200);

        if (terminal_resized)
            copy_size (master);
        if (n < 0 && errno != EINTR)
            break;
        if (n > 0 && fds[0].revents && !move_some (master, out))
            break;
        if (n > 0 && fds[1].revents && !move_some (in, master))
            fds[1].fd = -1; /* the user is gone; the command may go on */
        if (n == 0 && has_ended (pid))
            break;
    }
    sigaction (SIGWINCH, &before, NULL);
    if (raw)
        terminal_leave ();
}
