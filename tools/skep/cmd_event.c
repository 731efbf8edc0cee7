/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* event: waits for events of domains and prints them. */
#include "cmd.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <time.h>

typedef struct {
    Shell *shell;
    gboolean timestamp, as_json;
    unsigned received;
} EventPrinter;

static volatile sig_atomic_t event_interrupted;

static void
on_interrupt (int signum)
{
    (void) signum;
    event_interrupted = 1;
}

static char *
time_text (void)
{
    g_autoptr (GDateTime) now = g_date_time_new_now_utc ();
    g_autofree char *whole = g_date_time_format (now, "%Y-%m-%d %H:%M:%S");

    return g_strdup_printf ("%s.%03d+0000", whole, g_date_time_get_microsecond (now) / 1000);
}

/* Numbers of which people know the words. */
static const char *
word_for (const SkepEvent *event, const SkepParam *param)
{
    static const char *const metadata_types[] = { "description", "title", "element" };

    if (event->event == SKEP_EVENT_METADATA_CHANGE && strcmp (param->name, "type") == 0
        && param->value.i >= 0 && param->value.i < (int) G_N_ELEMENTS (metadata_types))
        return metadata_types[param->value.i];
    return NULL;
}

static void
print_values (const SkepEvent *event, FILE *out)
{
    const SkepParam *lifecycle = skep_params_find (event->values, "event");
    const SkepParam *detail = skep_params_find (event->values, "detail");

    if (event->event == SKEP_EVENT_LIFECYCLE && lifecycle && detail) {
        fprintf (out, ": %s %s", skep_lifecycle_name (lifecycle->value.i),
                 skep_lifecycle_detail_name (lifecycle->value.i, detail->value.i));
        return;
    }
    for (size_t i = 0; i < event->values->n; i++) {
        const SkepParam *param = &event->values->item[i];
        g_autofree char *text = skep_param_text (param);
        const char *word = word_for (event, param);

        fprintf (out, "%s%s=%s", i ? ", " : ": ", param->name, word ? word : text);
    }
}

/* JSON events are one line each, so that a reader needs no parser for streams. */
static void
print_json (const EventPrinter *printer, const SkepEvent *event)
{
    Json json;
    g_autofree char *now = time_text ();
    char uuid[37];

    json_init (&json);
    json.one_line = TRUE;
    json_open (&json, '{');
    json_key (&json, "event");
    json_string (&json, skep_event_name (event->event));
    json_key (&json, "domain");
    json_string (&json, event->domain->name);
    skep_domain_uuid_text (event->domain, uuid);
    json_key (&json, "uuid");
    json_string (&json, uuid);
    json_key (&json, "id");
    json_int (&json, event->domain->id);
    json_key (&json, "time");
    json_string (&json, now);
    for (size_t i = 0; i < event->values->n; i++) {
        const SkepParam *param = &event->values->item[i];
        gboolean lifecycle = event->event == SKEP_EVENT_LIFECYCLE;
        const SkepParam *which = skep_params_find (event->values, "event");

        json_key (&json, lifecycle && i == 0 ? "lifecycle" : param->name);
        if (lifecycle && which)
            json_string (&json, i == 0
                                    ? skep_lifecycle_name (param->value.i)
                                    : skep_lifecycle_detail_name (which->value.i, param->value.i));
        else if (word_for (event, param))
            json_string (&json, word_for (event, param));
        else
            json_param (&json, param);
    }
    json_close (&json, '}');
    json_finish (&json, printer->shell->out);
}

static void
print_event (const SkepEvent *event, void *data)
{
    EventPrinter *printer = data;
    FILE *out = printer->shell->out;

    printer->received++;
    if (printer->as_json) {
        print_json (printer, event);
    } else {
        if (printer->timestamp) {
            g_autofree char *now = time_text ();

            fprintf (out, "%s: ", now);
        }
        fprintf (out, "event '%s' for domain '%s'", skep_event_name (event->event),
                 event->domain->name);
        print_values (event, out);
        fputc ('\n', out);
    }
    fflush (out);
}

/* Registers for @which or, when it is negative, for every event that the daemon has. */
static gboolean
register_events (Shell *shell, int which, const SkepDomain *domain, GArray *callbacks)
{
    autoerror error = { 0 };

    for (int event = 0; event < SKEP_EVENT_LAST; event++) {
        int callback;

        if (which >= 0 && event != which)
            continue;
        callback = skep_event_register (shell->conn, event, domain, &error);
        if (callback >= 0)
            g_array_append_val (callbacks, callback);
        else if (which >= 0 || event == 0)
            return shell_fail_with (shell, &error, "cannot register for event '%s'",
                                    skep_event_name (event))
                == 0;
    }
    return TRUE;
}

/* Returns FALSE when the connection broke; *ret_timed_out tells a time-out from an end by itself. */
static gboolean
wait_for_events (EventPrinter *printer, gboolean loop, gint64 timeout_s, gboolean *ret_timed_out,
                 SkepError *error)
{
    gint64 deadline = g_get_monotonic_time () + timeout_s * G_USEC_PER_SEC;

    while (!event_interrupted && (loop || !printer->received)) {
        int left = -1;
        struct pollfd fd = { skep_connection_fd (printer->shell->conn), POLLIN, 0 };

        if (timeout_s > 0) {
            left = (int) MAX ((deadline - g_get_monotonic_time ()) / 1000, 0);
            if (left == 0) {
                *ret_timed_out = TRUE;
                return TRUE;
            }
        }
        if (poll (&fd, 1, left) > 0 && !skep_dispatch (printer->shell->conn, 0, error))
            return FALSE;
    }
    return TRUE;
}

static int
watch (Shell *shell, const Args *args, int which, const SkepDomain *domain)
{
    autoerror error = { 0 };
    EventPrinter printer = { shell, args_flag (args, "timestamp"), shell_wants_json (shell, args),
                             0 };
    g_autoptr (GArray) callbacks = g_array_new (FALSE, FALSE, sizeof (int));
    struct sigaction stop = { .sa_handler = on_interrupt }, before;
    gboolean timed_out = FALSE, ok;

    event_interrupted = 0;
    skep_on_event (shell->conn, print_event, &printer);
    if (!register_events (shell, which, domain, callbacks)) {
        skep_on_event (shell->conn, NULL, NULL);
        return 1;
    }
    sigaction (SIGINT, &stop, &before);
    ok = wait_for_events (&printer, args_flag (args, "loop"), args_number (args, "timeout", 0),
                          &timed_out, &error);
    sigaction (SIGINT, &before, NULL);
    for (unsigned i = 0; ok && i < callbacks->len; i++)
        skep_event_deregister (shell->conn, g_array_index (callbacks, int, i), NULL);
    skep_on_event (shell->conn, NULL, NULL);
    if (!ok)
        return shell_fail_with (shell, &error, "the daemon is gone");
    if (!printer.as_json && !shell->quiet)
        fprintf (shell->out, "%sevents received: %u\n",
                 timed_out           ? "event loop timed out\n"
                 : event_interrupted ? "event loop interrupted\n"
                                     : "",
                 printer.received);
    return printer.received ? 0 : 1;
}

static int
run_event (Shell *shell, const Args *args)
{
    autodomain domain = NULL;
    const char *name = args_string (args, "event");
    int which = name ? skep_event_by_name (name) : -1;

    if (args_flag (args, "list")) {
        for (int event = 0; event < SKEP_EVENT_LAST; event++)
            fprintf (shell->out, "%s\n", skep_event_name (event));
        return 0;
    }
    if (!name == !args_flag (args, "all"))
        return shell_fail (shell, "one of --event, --all and --list is needed");
    if (name && which < 0) {
        shell_fail (shell, "there is no event '%s'", name);
        shell_hint (shell, "'event --list' shows them");
        return 1;
    }
    if (args_given (args, "timeout") && args_number (args, "timeout", 0) < 1)
        return shell_fail (shell, "--timeout wants at least 1 second");
    if (args_given (args, "domain") && !(domain = shell_domain (shell, args)))
        return 1;
    return watch (shell, args, which, domain);
}

static const Option event_options[] = {
    { "domain", OPT_STRING, 0, "events of this domain only", COMPLETE_DOMAIN, NULL },
    { "event", OPT_STRING, 0, "the kind of event to wait for", COMPLETE_EVENT, NULL },
    { "all", OPT_FLAG, 0, "wait for events of any kind", COMPLETE_NONE, NULL },
    { "loop", OPT_FLAG, 0, "go on after the first event, until the time is up or Ctrl + C",
      COMPLETE_NONE, NULL },
    { "timeout", OPT_NUMBER, 0, "seconds to wait at most", COMPLETE_NONE, NULL },
    { "list", OPT_FLAG, 0, "list the kinds of events", COMPLETE_NONE, NULL },
    { "timestamp", OPT_FLAG, 0, "print when each event came", COMPLETE_NONE, NULL },
    OPTIONS_END,
};

const Verb verbs_event[] = {
    { "event", GROUP_EVENTS, VERB_JSON, "wait for events of domains",
      "The exit code is 1 when none came in time. With --json each event is one line.",
      event_options, run_event },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
