/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* monitor: changes of state as they come (lxc-monitor of LXC). */
#include "states.h"
#include "watch.h"

#include <string.h>

typedef struct {
    Shell *shell;
    GRegex *pattern;
    GHashTable *states; /* name: state, of the domains that match */
    gboolean as_json, timestamp;
} Monitor;

static void
print_change (const Monitor *monitor, const char *name, const char *state, const char *reason)
{
    g_autofree char *now = watch_time ();
    FILE *out = monitor->shell->out;
    Json json;

    if (!monitor->as_json) {
        fprintf (out, "%s%s%s: %s (%s)\n", monitor->timestamp ? now : "", monitor->timestamp ? " " : "",
                 name, state, reason);
    } else {
        json_init (&json);
        json.one_line = TRUE;
        json_open (&json, '{');
        json_key (&json, "domain");
        json_string (&json, name);
        json_key (&json, "state");
        json_string (&json, state);
        json_key (&json, "reason");
        json_string (&json, reason);
        json_key (&json, "time");
        json_string (&json, now);
        json_close (&json, '}');
        json_finish (&json, out);
    }
    fflush (out);
}

static gboolean
matches (const Monitor *monitor, const char *name)
{
    return g_regex_match (monitor->pattern, name, 0, NULL);
}

static void
on_event (const SkepEvent *event, void *data)
{
    const Monitor *monitor = data;
    const char *name = event->domain->name, *state = event_state (event), *before;
    const SkepParam *type = skep_params_find (event->values, "event");
    g_autofree char *reason = NULL;

    if (!matches (monitor, name))
        return;
    if (event->event != SKEP_EVENT_LIFECYCLE) {
        print_change (monitor, name, "running", "rebooted");
        return;
    }
    reason = event_reason (event);
    before = g_hash_table_lookup (monitor->states, name);
    if (state) {
        g_hash_table_insert (monitor->states, g_strdup (name), (gpointer) state);
    } else {
        gboolean defined = type && type->value.i == 0;

        /* One that runs keeps running. */
        if (defined && !before)
            g_hash_table_insert (monitor->states, g_strdup (name), (gpointer) skep_state_name (SKEP_STATE_SHUTOFF));
        else if (!defined && g_strcmp0 (before, skep_state_name (SKEP_STATE_SHUTOFF)) == 0)
            g_hash_table_remove (monitor->states, name);
        state = defined ? "defined" : "undefined";
    }
    print_change (monitor, name, state, reason);
}

/* ---- What is, and what changed while the daemon was away ---- */

static GHashTable *
states_new (void)
{
    return g_hash_table_new_full (g_str_hash, g_str_equal, g_free, NULL);
}

static GHashTable *
states_now (const Monitor *monitor, SkepError *error)
{
    GHashTable *states = NULL;
    SkepStats *stats = NULL;
    int n = skep_stats (monitor->shell->conn, NULL, 0, SKEP_STATS_STATE, 0, &stats, error);

    if (n < 0)
        return NULL;
    states = states_new ();
    for (int i = 0; i < n; i++) {
        const SkepParam *state = skep_params_find (&stats[i].values, "state.state");

        if (state && matches (monitor, stats[i].domain->name))
            g_hash_table_insert (states, g_strdup (stats[i].domain->name),
                                 (gpointer) skep_state_name (state->value.i));
    }
    skep_stats_free (stats, n);
    return states;
}

static void
print_missed (const Monitor *monitor, GHashTable *now)
{
    GHashTableIter at;
    gpointer name, state;

    g_hash_table_iter_init (&at, now);
    while (g_hash_table_iter_next (&at, &name, &state))
        if (g_strcmp0 (g_hash_table_lookup (monitor->states, name), state) != 0)
            print_change (monitor, name, state, "while the daemon was away");
    g_hash_table_iter_init (&at, monitor->states);
    while (g_hash_table_iter_next (&at, &name, &state))
        if (!g_hash_table_contains (now, name))
            print_change (monitor, name, "undefined", "while the daemon was away");
}

/* ---- The verb ---- */

static gboolean
reader_gone (void *data)
{
    const Monitor *monitor = data;

    return ferror (monitor->shell->out) != 0;
}

/* Registers, looks at what is, and prints events until the end or until the daemon is gone. */
static WatchEnd
watch_connected (Monitor *monitor, gboolean again, gint64 deadline, SkepError *error)
{
    SkepConnection *conn = monitor->shell->conn;
    GHashTable *now;

    skep_on_event (conn, on_event, monitor);
    if (skep_event_register (conn, SKEP_EVENT_LIFECYCLE, NULL, error) < 0
        || skep_event_register (conn, SKEP_EVENT_REBOOT, NULL, error) < 0
        || !(now = states_now (monitor, error)))
        return WATCH_BROKEN;
    if (again)
        print_missed (monitor, now);
    g_hash_table_unref (monitor->states);
    monitor->states = now;
    return watch_events (monitor->shell, deadline, reader_gone, monitor, error);
}

static int
watch_changes (Monitor *monitor, gint64 deadline)
{
    autoerror error = { 0 };
    Shell *shell = monitor->shell;
    WatchEnd end = watch_connected (monitor, FALSE, deadline, &error);

    while (end == WATCH_BROKEN && !skep_connection_alive (shell->conn)) {
        shell_hint (shell, "the daemon went away: waiting for it to come back");
        end = watch_reconnect (shell, deadline, &error);
        if (end != WATCH_DONE)
            break;
        skep_error_clear (&error);
        end = watch_connected (monitor, TRUE, deadline, &error);
    }
    if (end != WATCH_BROKEN)
        return 0;
    return shell_fail_with (shell, &error, shell->conn && skep_connection_alive (shell->conn)
                                               ? "cannot watch domains"
                                               : "the daemon is gone");
}

static int
run_monitor (Shell *shell, const Args *args)
{
    const char *text = args_string (args, "pattern");
    g_autofree char *whole = g_strdup_printf ("^(?:%s)$", text ? text : ".*");
    g_autoptr (GError) failure = NULL;
    g_autoptr (GRegex) pattern = g_regex_new (whole, 0, 0, &failure);
    Monitor monitor = { shell, pattern, NULL, shell_wants_json (shell, args), args_flag (args, "timestamp") };
    int code;

    if (!event_timeout_good (shell, args))
        return 1;
    if (!pattern)
        return shell_fail (shell, "'%s' is no regular expression: %s", text, failure->message);
    monitor.states = states_new ();
    watch_begin ();
    code = watch_changes (&monitor, watch_deadline (args_number (args, "timeout", -1)));
    watch_end ();
    g_hash_table_unref (monitor.states);
    /* The callbacks go with the connection: the prompt would go on getting events. */
    shell_disconnect (shell);
    return code;
}

static const Option monitor_options[] = {
    { "pattern", OPT_STRING, 0, "regular expression for the whole name (all domains)",
      COMPLETE_DOMAIN, NULL },
    FLAG ("timestamp", "print when each change came"),
    { "timeout", OPT_NUMBER, OPT_NAMED, "end after so many seconds (never)", COMPLETE_NONE, NULL },
    OPTIONS_END,
};

const Verb verbs_monitor[] = {
    { "monitor", GROUP_EVENTS, VERB_JSON, "print changes of state as they come",
      "Until Ctrl + C. With --json one line each. When the daemon is started again, what changed meanwhile "
      "is printed.",
      monitor_options, run_monitor },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
