/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* console and lxc-enter-namespace. */
#include "cmd.h"
#include "enter.h"
#include "terminal.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

gboolean
console_possible (Shell *shell)
{
    if (isatty (STDIN_FILENO))
        return TRUE;
    shell_fail (shell, "a console needs a terminal on standard input");
    return FALSE;
}

/* ---- The two directions ---- */

typedef enum { CONSOLE_GOES_ON, CONSOLE_LEFT, CONSOLE_ENDED, CONSOLE_FAILED } ConsoleState;

static gboolean
write_all (int fd, const char *data, size_t size)
{
    while (size) {
        ssize_t put = write (fd, data, size);

        if (put < 0 && errno != EINTR && errno != EAGAIN)
            return FALSE;
        if (put > 0) {
            data += put;
            size -= (size_t) put;
        }
    }
    return TRUE;
}

static ConsoleState
from_container (SkepStream *stream, SkepError *error)
{
    for (;;) {
        void *data = NULL;
        ptrdiff_t got = skep_stream_receive (stream, &data, 0, error);
        gboolean ok;

        if (got == -2)
            return CONSOLE_GOES_ON;
        if (got <= 0)
            return got == 0 ? CONSOLE_ENDED : CONSOLE_FAILED;
        ok = write_all (STDOUT_FILENO, data, (size_t) got);
        free (data);
        if (!ok)
            return CONSOLE_LEFT;
    }
}

static ConsoleState
from_terminal (Shell *shell, SkepStream *stream, SkepError *error)
{
    char buffer[1024];
    ssize_t got = read (STDIN_FILENO, buffer, sizeof buffer);
    char *escape;
    size_t n;

    if (got < 0 && (errno == EINTR || errno == EAGAIN))
        return CONSOLE_GOES_ON;
    if (got <= 0)
        return CONSOLE_LEFT;
    escape = memchr (buffer, shell->escape, (size_t) got);
    n = escape ? (size_t) (escape - buffer) : (size_t) got;
    if (n && !skep_stream_send (stream, buffer, n, error))
        return CONSOLE_FAILED;
    return escape ? CONSOLE_LEFT : CONSOLE_GOES_ON;
}

static ConsoleState
pump (Shell *shell, SkepStream *stream, SkepError *error)
{
    ConsoleState state = from_container (stream, error);

    while (state == CONSOLE_GOES_ON) {
        struct pollfd fds[] = { { STDIN_FILENO, POLLIN, 0 },
                                { skep_connection_fd (shell->conn), POLLIN, 0 } };

        if (poll (fds, 2, -1) < 0 && errno != EINTR)
            return CONSOLE_FAILED;
        if (fds[1].revents)
            state = from_container (stream, error);
        if (state == CONSOLE_GOES_ON && fds[0].revents) {
            state = from_terminal (shell, stream, error);
            /* sending takes in what the container says, and then the descriptor is silent about it */
            if (state == CONSOLE_GOES_ON)
                state = from_container (stream, error);
        }
    }
    return state;
}

int
terminal_attach (Shell *shell, SkepDomain *domain, const char *device, unsigned flags)
{
    autoerror error = { 0 };
    SkepStream *stream = skep_domain_open_console (domain, device, flags, &error);
    ConsoleState state;

    if (!stream)
        return shell_fail_with (shell, &error, "cannot open the console of domain '%s'",
                                domain->name);
    /* Before the banner, so that what is typed in answer to it is neither echoed nor lost. */
    if (!terminal_make_raw ()) {
        skep_stream_close (stream, true);
        return shell_fail (shell, "cannot set the terminal up: %s", g_strerror (errno));
    }
    if (!shell->quiet)
        fprintf (shell->out, "Connected to domain '%s'\r\nEscape character is ^%c (Ctrl + %c)\r\n",
                 domain->name, shell->escape | 0x40, shell->escape | 0x40);
    fflush (shell->out);
    state = pump (shell, stream, &error);
    terminal_leave ();
    skep_stream_close (stream, false);
    fputc ('\n', shell->out);
    if (state == CONSOLE_FAILED)
        return shell_fail_with (shell, &error, "the console of domain '%s' broke", domain->name);
    return 0;
}

static int
run_console (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = NULL;
    int active;
    unsigned flags = (args_flag (args, "force") ? SKEP_CONSOLE_FORCE : 0)
                   | (args_flag (args, "safe") ? SKEP_CONSOLE_SAFE : 0);

    if (!console_possible (shell) || !(domain = shell_domain (shell, args)))
        return 1;
    active = skep_domain_is_active (domain, &error);
    if (active < 0)
        return shell_fail_with (shell, &error, NULL);
    if (!active)
        return shell_fail (shell, "domain '%s' is not running", domain->name);
    return terminal_attach (shell, domain, args_string (args, "devname"), flags);
}

/* ---- lxc-enter-namespace ---- */

/* What makes the command run with the domain's label: the text for attr/exec, "" where there is none. */
static char *
exec_label (SkepDomain *domain)
{
    g_autofree char *model = NULL, *doi = NULL, *label = NULL;
    bool enforcing;

    if (!skep_security_model (domain->conn, &model, &doi, NULL)
        || !skep_domain_security_label (domain, &label, &enforcing, NULL) || !*label)
        return g_strdup ("");
    if (strcmp (model, "selinux") == 0)
        return g_strdup (label);
    return strcmp (model, "apparmor") == 0 ? g_strconcat ("exec ", label, NULL) : g_strdup ("");
}

static int
run_enter (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    autodomain domain = shell_domain (shell, args);
    g_autofree int *fds = NULL;
    g_autofree char *why = NULL, *label = NULL;
    EnterRequest request = { .parent = getpid (), .argv = args_list (args, "cmd") };
    int code;

    if (!domain)
        return ENTER_FAILED;
    request.n_fds = skep_domain_open_namespaces (domain, &fds, &error);
    if (request.n_fds < 0) {
        shell_fail_with (shell, &error, "cannot open the namespaces of domain '%s'", domain->name);
        return ENTER_FAILED;
    }
    label = args_flag (args, "noseclabel") ? g_strdup ("") : exec_label (domain);
    request.id = domain->id;
    request.fds = fds;
    request.label = label;
    fflush (shell->out);
    code = enter_run (&request, &why);
    for (int i = 0; i < request.n_fds; i++)
        close (fds[i]);
    if (why)
        shell_fail (shell, "%s", why);
    return code;
}

/* ---- Rows ---- */

static const Option console_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "devname", OPT_STRING, 0, "alias of the console, such as console0 (the first one)",
      COMPLETE_CONSOLE, NULL },
    { "force", OPT_FLAG, 0, "disconnect who is connected now", COMPLETE_NONE, NULL },
    { "safe", OPT_FLAG, 0, "refuse when somebody is connected", COMPLETE_NONE, NULL },
    OPTIONS_END,
};
static const Option enter_options[] = {
    OPTION_DOMAIN_IS (COMPLETE_ACTIVE),
    { "noseclabel", OPT_FLAG, 0, "keep the security label of skep", COMPLETE_NONE, NULL },
    { "cmd", OPT_LIST, OPT_REQUIRED | OPT_REST, "the command and its arguments", COMPLETE_NONE,
      NULL },
    OPTIONS_END,
};

const Verb verbs_console[] = {
    { "console", GROUP_DOMAIN, 0, "connect to a console of a domain",
      "The escape character, Ctrl + ] unless -e says otherwise, leaves it.", console_options,
      run_console },
    { "lxc-enter-namespace", GROUP_DOMAIN, 0, "run a command inside a running domain",
      "In the domain's namespaces and cgroup, as root, with skep's standard input and output. The "
      "exit code\n"
      "    is the command's; 125: it could not be set up, 126: it is not executable, 127: it was "
      "not found.",
      enter_options, run_enter },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
