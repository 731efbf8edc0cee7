/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wait: until domains are in a state (lxc-wait of LXC). */
#include "states.h"
#include "watch.h"

#include <string.h>

/* ---- States as people write them ---- */

/* The first word is the state's own; the last ones are LXC's. */
static const char *const state_words[][5] = {
    { "running", "thawed" },           { "paused", "frozen" },   { "shut off", "shutoff", "off", "stopped" },
    { "in shutdown", "in-shutdown", "stopping" }, { "crashed" }, { "undefined" },
};

/* The state that @text means, or NULL. */
static const char *
state_parse (const char *text)
{
    for (unsigned i = 0; i < G_N_ELEMENTS (state_words); i++)
        for (const char *const *word = state_words[i]; *word; word++)
            if (g_ascii_strcasecmp (*word, text) == 0)
                return state_words[i][0];
    return NULL;
}

/* "running,SHUTOFF|frozen" as an array of states, NULL with an error printed. */
static GPtrArray *
states_parse (Shell *shell, const char *text)
{
    g_auto (GStrv) word = g_strsplit_set (text, ",|", -1);
    g_autoptr (GPtrArray) wanted = g_ptr_array_new ();

    for (char **at = word; *at; at++) {
        const char *state = state_parse (*at);

        if (!state) {
            shell_fail (shell, "'%s' is no state: running, paused, shutoff, crashed or undefined", *at);
            return NULL;
        }
        g_ptr_array_add (wanted, (gpointer) state);
    }
    return g_steal_pointer (&wanted);
}

/* ---- One domain ---- */

typedef struct {
    const char *text; /* as it was typed */
    SkepDomain *seen; /* once it was there */
    gboolean look;    /* something happened to it */
    gboolean reached;
    const char *state;
} Waited;

typedef struct {
    Shell *shell;
    GPtrArray *wanted;
    GArray *domains; /* of Waited */
    gboolean any;
    SkepError error; /* of a look that failed */
} Waiting;

#define WAITED(waiting, i) (&g_array_index ((waiting)->domains, Waited, i))

static gboolean
is_wanted (const Waiting *waiting, const char *state)
{
    return g_ptr_array_find_with_equal_func (waiting->wanted, state, g_str_equal, NULL);
}

static void
now_in (const Waiting *waiting, Waited *waited, const char *state)
{
    waited->state = state;
    waited->reached = waited->reached || is_wanted (waiting, state);
}

/* An id and a UUID are good for one domain. Who types a name means whoever has it. */
static SkepDomain *
find_again (const Waited *waited, SkepConnection *conn, SkepError *error)
{
    if (!waited->seen)
        return skep_domain_find (conn, waited->text, error);
    if (strcmp (waited->seen->name, waited->text) == 0)
        return skep_domain_by_name (conn, waited->text, error);
    return skep_domain_by_uuid (conn, waited->seen->uuid, error);
}

/* Asks for the state. FALSE: it cannot be told. */
static gboolean
look_at (Waiting *waiting, Waited *waited)
{
    SkepError *error = &waiting->error;
    autodomain domain = find_again (waited, waiting->shell->conn, error);
    int state;

    waited->look = FALSE;
    if (domain && skep_domain_state (domain, &state, NULL, error)) {
        skep_domain_free (waited->seen);
        waited->seen = g_steal_pointer (&domain);
        now_in (waiting, waited, skep_state_name (state));
        return TRUE;
    }
    if (error->code != SKEP_ERROR_NO_DOMAIN)
        return FALSE;
    skep_error_clear (error);
    /* A transient one that ended is off, and gone. */
    if (waited->seen && is_wanted (waiting, "shut off"))
        now_in (waiting, waited, "shut off");
    else
        now_in (waiting, waited, "undefined");
    return TRUE;
}

/* ---- All of them ---- */

/* A state counts even if the next one follows before anybody can ask. */
static void
on_event (const SkepEvent *event, void *data)
{
    Waiting *waiting = data;
    const char *state = event_state (event);

    for (guint i = 0; i < waiting->domains->len; i++) {
        Waited *waited = WAITED (waiting, i);

        if (strcmp (waited->text, event->domain->name) != 0
            && !(waited->seen && !memcmp (waited->seen->uuid, event->domain->uuid, sizeof waited->seen->uuid)))
            continue;
        waited->look = TRUE;
        if (state)
            now_in (waiting, waited, state);
    }
}

static Waited *
next_to_look_at (const Waiting *waiting)
{
    for (guint i = 0; i < waiting->domains->len; i++)
        if (WAITED (waiting, i)->look && !WAITED (waiting, i)->reached)
            return WAITED (waiting, i);
    return NULL;
}

static gboolean
all_reached (void *data)
{
    Waiting *waiting = data;
    guint n = 0;

    /* while one is looked at, events of others come */
    for (Waited *waited; (waited = next_to_look_at (waiting));)
        if (!look_at (waiting, waited))
            return TRUE;
    for (guint i = 0; i < waiting->domains->len; i++)
        n += WAITED (waiting, i)->reached;
    return waiting->any ? n > 0 : n == waiting->domains->len;
}

/* Registers first and asks then, so that no change falls in between. */
static WatchEnd
wait_connected (Waiting *waiting, gint64 deadline, SkepError *error)
{
    for (guint i = 0; i < waiting->domains->len; i++)
        WAITED (waiting, i)->look = TRUE;
    skep_on_event (waiting->shell->conn, on_event, waiting);
    if (skep_event_register (waiting->shell->conn, SKEP_EVENT_LIFECYCLE, NULL, error) < 0)
        return WATCH_BROKEN;
    return watch_events (waiting->shell, deadline, all_reached, waiting, error);
}

static WatchEnd
wait_through (Waiting *waiting, gint64 deadline, SkepError *error)
{
    WatchEnd end = wait_connected (waiting, deadline, error);

    while ((end == WATCH_BROKEN || waiting->error.code)
           && !skep_connection_alive (waiting->shell->conn)) {
        shell_hint (waiting->shell, "the daemon went away: waiting for it to come back");
        skep_error_clear (&waiting->error);
        end = watch_reconnect (waiting->shell, deadline, error);
        if (end != WATCH_DONE)
            return end;
        skep_error_clear (error);
        end = wait_connected (waiting, deadline, error);
    }
    return end;
}

/* What became of them: JSON, or the names that --any was about. */
static void
print_waited (const Waiting *waiting, const Args *args)
{
    static const char *const titles[] = { "Name", "State", "Reached", NULL };
    static const char *const keys[] = { "domain", "state", "reached", NULL };
    g_autoptr (Table) table = table_new (titles, keys);

    for (guint i = 0; i < waiting->domains->len; i++) {
        const Waited *waited = WAITED (waiting, i);
        const char *name = waited->seen ? waited->seen->name : waited->text;

        table_string (table, name);
        table_string (table, waited->state ? waited->state : "unknown");
        table_bool (table, waited->reached, waited->reached ? "yes" : "no");
        if (waiting->any && waited->reached && !shell_wants_json (waiting->shell, args))
            fprintf (waiting->shell->out, "%s\n", name);
    }
    if (shell_wants_json (waiting->shell, args))
        table_print (table, TRUE, FALSE, FALSE, waiting->shell->out);
}

static int
say_end (const Waiting *waiting, const Args *args, WatchEnd end, SkepError *error)
{
    if (waiting->error.code)
        return shell_fail_with (waiting->shell, (SkepError *) &waiting->error, NULL);
    if (end == WATCH_BROKEN)
        return shell_fail_with (waiting->shell, error,
                                waiting->shell->conn && skep_connection_alive (waiting->shell->conn)
                                    ? "cannot watch domains"
                                    : "the daemon is gone");
    if (end == WATCH_INTERRUPTED)
        return 130;
    print_waited (waiting, args);
    if (end == WATCH_DONE)
        return 0;
    for (guint i = 0; i < waiting->domains->len; i++)
        if (!WAITED (waiting, i)->reached)
            shell_fail (waiting->shell, "domain '%s' is still %s", WAITED (waiting, i)->text,
                        WAITED (waiting, i)->state ? WAITED (waiting, i)->state : "unknown");
    return 1;
}

static void
waited_clear (void *waited)
{
    skep_domain_free (((Waited *) waited)->seen);
}

static int
run_wait (Shell *shell, const Args *args)
{
    autoerror error = { 0 };
    g_autoptr (GPtrArray) wanted = states_parse (shell, args_string (args, "state"));
    g_autoptr (GArray) domains = g_array_new (FALSE, TRUE, sizeof (Waited));
    Waiting waiting = { shell, wanted, domains, args_flag (args, "any"), { 0 } };
    WatchEnd end;
    int code;

    if (!wanted)
        return 1;
    g_array_set_clear_func (domains, waited_clear);
    for (const char *const *name = args_list (args, "domain"); *name; name++) {
        Waited waited = { .text = *name };

        g_array_append_val (domains, waited);
    }
    watch_begin ();
    end = wait_through (&waiting, watch_deadline (args_number (args, "timeout", -1)), &error);
    watch_end ();
    code = say_end (&waiting, args, end, &error);
    skep_error_clear (&waiting.error);
    /* The callback goes with the connection: the prompt would go on getting events. */
    shell_disconnect (shell);
    return code;
}

/* ---- Rows ---- */

static const Option wait_options[] = {
    { "domain", OPT_LIST, OPT_REQUIRED, "names, ids or UUIDs of domains", COMPLETE_DOMAIN, NULL },
    { "state", OPT_STRING, OPT_REQUIRED | OPT_NAMED, "the state, or several with commas", COMPLETE_WORDS,
      "running|paused|shutoff|crashed|undefined" },
    { "timeout", OPT_NUMBER, OPT_NAMED, "give up after so many seconds (never)", COMPLETE_NONE, NULL },
    FLAG ("any", "until one of them is in the state; print which"),
    OPTIONS_END,
};

const Verb verbs_wait[] = {
    { "wait", GROUP_EVENTS, VERB_JSON, "wait until domains are in a state",
      "Until each of them was. A domain that is not there yet is waited for; 'stopped', 'frozen' and "
      "'thawed' are known, too. The exit code is 0 when the state is reached, 1 when the time is up.",
      wait_options, run_wait },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
