/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wait and monitor: the state of domains, as it changes (lxc-wait and lxc-monitor of LXC). */
#include "cmd.h"

#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

static volatile sig_atomic_t watch_interrupted;

static void
on_interrupt (int signum)
{
    (void) signum;
    watch_interrupted = 1;
}

/* What a lifecycle event makes of a domain, as people say it; indexed by virDomainEventType. */
static const char *const state_after[] = { "defined", "undefined", "running",       "paused", "running",
                                           "shut off", "in shutdown", "pmsuspended", "crashed" };

/* ---- Waiting for packets ---- */

/* Takes in what comes until @deadline (monotonic, 0: none). FALSE: the connection broke. */
static gboolean
take_events (Shell *shell, gint64 deadline, SkepError *error)
{
    struct pollfd fd = { skep_connection_fd (shell->conn), POLLIN, 0 };
    gint64 left = deadline ? MAX (deadline - g_get_monotonic_time (), 0) / 1000 + 1 : -1;

    return poll (&fd, 1, left < 0 ? -1 : (int) MIN (left, 3600 * 1000)) <= 0
        || skep_dispatch (shell->conn, 0, error);
}

/* ---- wait ---- */

typedef struct {
    const char *name;
    gboolean came; /* an event of the domain */
} Waiting;

static void
on_wait_event (const SkepEvent *event, void *data)
{
    Waiting *waiting = data;

    waiting->came |= strcmp (event->domain->name, waiting->name) == 0;
}

/* "shut off" is also written "shutoff", "off" or, in LXC's words, "stopped". */
static gboolean
is_wanted (char *const *wanted, const char *state)
{
    static const char *const off[] = { "shutoff", "off", "stopped" };

    for (; *wanted; wanted++) {
        if (g_ascii_strcasecmp (*wanted, state) == 0)
            return TRUE;
        for (unsigned i = 0; i < G_N_ELEMENTS (off); i++)
            if (strcmp (state, "shut off") == 0 && g_ascii_strcasecmp (*wanted, off[i]) == 0)
                return TRUE;
    }
    return FALSE;
}

static gboolean
states_known (Shell *shell, char *const *wanted)
{
    static const char *const known[]
        = { "running", "paused", "shut off", "crashed", "in shutdown", "undefined" };

    for (; *wanted; wanted++) {
        char *const one[] = { *wanted, NULL };
        unsigned i = 0;

        while (i < G_N_ELEMENTS (known) && !is_wanted (one, known[i]))
            i++;
        if (i == G_N_ELEMENTS (known))
            return shell_fail (shell, "'%s' is no state: running, paused, shutoff, crashed or undefined",
                               *wanted)
                == 0;
    }
    return TRUE;
}

/* The state of @name now; "undefined" when there is no such domain. NULL: cannot be told. */
static const char *
state_of (Shell *shell, const char *name, SkepError *error)
{
    autodomain domain = skep_domain_find (shell->conn, name, error);
    int state;

    if (domain)
        return skep_domain_state (domain, &state, NULL, error) ? skep_state_name (state) : NULL;
    if (error->code != SKEP_ERROR_NO_DOMAIN)
        return NULL;
    skep_error_clear (error);
    return "undefined";
}

static int
wait_for (Shell *shell, const char *name, char *const *wanted, gint64 deadline)
{
    autoerror error = { 0 };
    Waiting waiting = { name, TRUE };
    const char *state = NULL;

    skep_on_event (shell->conn, on_wait_event, &waiting);
    if (skep_event_register (shell->conn, SKEP_EVENT_LIFECYCLE, NULL, &error) < 0)
        return shell_fail_with (shell, &error, "cannot watch domain '%s'", name);
    while (!watch_interrupted) {
        /* Asked after the registration, so that no change falls in between. */
        if (waiting.came) {
            waiting.came = FALSE;
            if (!(state = state_of (shell, name, &error)))
                return shell_fail_with (shell, &error, NULL);
            if (is_wanted (wanted, state))
                return 0;
        }
        if (deadline && g_get_monotonic_time () >= deadline)
            return shell_fail (shell, "domain '%s' is still %s", name, state);
        if (!take_events (shell, deadline, &error))
            return shell_fail_with (shell, &error, "the daemon is gone");
    }
    return 130;
}

static int
run_wait (Shell *shell, const Args *args)
{
    struct sigaction stop = { .sa_handler = on_interrupt }, before;
    const char *name = args_string (args, "domain");
    g_auto (GStrv) wanted = g_strsplit_set (args_string (args, "state"), ",|", -1);
    gint64 timeout = args_number (args, "timeout", -1);
    int code;

    if (!states_known (shell, wanted))
        return 1;
    watch_interrupted = 0;
    sigaction (SIGINT, &stop, &before);
    code = wait_for (shell, name, wanted,
                     timeout < 0 ? 0 : g_get_monotonic_time () + timeout * G_USEC_PER_SEC);
    sigaction (SIGINT, &before, NULL);
    if (shell->conn)
        skep_on_event (shell->conn, NULL, NULL);
    /* The callback goes with the connection: the prompt would go on getting events. */
    shell_disconnect (shell);
    return code;
}

/* ---- monitor ---- */

typedef struct {
    Shell *shell;
    GRegex *pattern;
    gboolean as_json, timestamp;
} Monitor;

static char *
time_now (void)
{
    g_autoptr (GDateTime) now = g_date_time_new_now_local ();

    return g_date_time_format (now, "%Y-%m-%dT%H:%M:%S%z");
}

static void
json_change (const Monitor *monitor, const char *name, const char *state, const char *detail)
{
    g_autofree char *now = time_now ();
    Json json;

    json_init (&json);
    json.one_line = TRUE;
    json_open (&json, '{');
    json_key (&json, "domain");
    json_string (&json, name);
    json_key (&json, "state");
    json_string (&json, state);
    json_key (&json, "reason");
    json_string (&json, detail);
    json_key (&json, "time");
    json_string (&json, now);
    json_close (&json, '}');
    json_finish (&json, monitor->shell->out);
}

static void
on_monitor_event (const SkepEvent *event, void *data)
{
    const Monitor *monitor = data;
    const SkepParam *type = skep_params_find (event->values, "event");
    const SkepParam *detail = skep_params_find (event->values, "detail");
    const char *state = "running", *reason = "rebooted";
    g_autofree char *low = NULL;

    if (!g_regex_match (monitor->pattern, event->domain->name, 0, NULL))
        return;
    if (event->event == SKEP_EVENT_LIFECYCLE) {
        if (!type || !detail || type->value.i < 0
            || type->value.i >= (int) G_N_ELEMENTS (state_after))
            return;
        state = state_after[type->value.i];
        low = g_ascii_strdown (skep_lifecycle_detail_name (type->value.i, detail->value.i), -1);
        reason = low;
    }
    if (monitor->as_json) {
        json_change (monitor, event->domain->name, state, reason);
    } else {
        g_autofree char *now = time_now ();

        fprintf (monitor->shell->out, "%s%s%s: %s (%s)\n", monitor->timestamp ? now : "",
                 monitor->timestamp ? " " : "", event->domain->name, state, reason);
    }
    fflush (monitor->shell->out);
}

static int
watch_changes (Shell *shell, Monitor *monitor, gint64 deadline)
{
    autoerror error = { 0 };

    skep_on_event (shell->conn, on_monitor_event, monitor);
    if (skep_event_register (shell->conn, SKEP_EVENT_LIFECYCLE, NULL, &error) < 0
        || skep_event_register (shell->conn, SKEP_EVENT_REBOOT, NULL, &error) < 0)
        return shell_fail_with (shell, &error, "cannot watch domains");
    while (!watch_interrupted && (!deadline || g_get_monotonic_time () < deadline))
        if (!take_events (shell, deadline, &error))
            return shell_fail_with (shell, &error, "the daemon is gone");
    return 0;
}

static int
run_monitor (Shell *shell, const Args *args)
{
    struct sigaction stop = { .sa_handler = on_interrupt }, before;
    const char *text = args_string (args, "pattern");
    g_autofree char *whole = g_strdup_printf ("^(?:%s)$", text ? text : ".*");
    g_autoptr (GError) failure = NULL;
    g_autoptr (GRegex) pattern = g_regex_new (whole, 0, 0, &failure);
    Monitor monitor = { shell, pattern, shell_wants_json (shell, args),
                        args_flag (args, "timestamp") };
    gint64 timeout = args_number (args, "timeout", 0);
    int code;

    if (!pattern)
        return shell_fail (shell, "'%s' is no regular expression: %s", text, failure->message);
    watch_interrupted = 0;
    sigaction (SIGINT, &stop, &before);
    code = watch_changes (shell, &monitor,
                          timeout > 0 ? g_get_monotonic_time () + timeout * G_USEC_PER_SEC : 0);
    sigaction (SIGINT, &before, NULL);
    if (shell->conn)
        skep_on_event (shell->conn, NULL, NULL);
    shell_disconnect (shell);
    return code;
}

/* ---- Rows ---- */

static const Option wait_options[] = {
    OPTION_DOMAIN,
    { "state", OPT_STRING, OPT_REQUIRED, "the state, or several with commas", COMPLETE_WORDS,
      "running|paused|shutoff|crashed|undefined" },
    { "timeout", OPT_NUMBER, OPT_NAMED, "give up after so many seconds (never)", COMPLETE_NONE,
      NULL },
    OPTIONS_END,
};
static const Option monitor_options[] = {
    { "pattern", OPT_STRING, 0, "regular expression for the whole name (all domains)",
      COMPLETE_DOMAIN, NULL },
    { "timestamp", OPT_FLAG, 0, "print when each change came", COMPLETE_NONE, NULL },
    { "timeout", OPT_NUMBER, OPT_NAMED, "end after so many seconds (never)", COMPLETE_NONE, NULL },
    OPTIONS_END,
};

const Verb verbs_watch[] = {
    { "wait", GROUP_EVENTS, 0, "wait until a domain is in a state",
      "The exit code is 0 when the state is reached, 1 when the time is up.", wait_options,
      run_wait },
    { "monitor", GROUP_EVENTS, VERB_JSON, "print changes of state as they come",
      "Until Ctrl + C. With --json one line each.", monitor_options, run_monitor },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
