/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* event: waits for events of domains and prints them. */
#include "watch.h"

#include <string.h>

/* ---- Words ---- */

/* Numbers of which people know the words. */
static const struct {
    const char *event, *value;
    const char *words[5];
} words[] = {
    { "metadata-change", "type", { "description", "title", "element" } },
    { "memory-failure", "recipient", { "hypervisor", "guest" } },
    { "memory-failure", "action", { "ignore", "inject", "fatal", "reset" } },
};

static const char *
word_for (const SkepEvent *event, const SkepParam *param)
{
    const SkepParam *lifecycle = skep_params_find (event->values, "event");

    if (event->event == SKEP_EVENT_LIFECYCLE && lifecycle)
        return strcmp (param->name, "event") == 0
                 ? skep_lifecycle_name (param->value.i)
                 : skep_lifecycle_detail_name (lifecycle->value.i, param->value.i);
    for (unsigned i = 0; i < G_N_ELEMENTS (words); i++)
        if (strcmp (words[i].event, skep_event_name (event->event)) == 0
            && strcmp (words[i].value, param->name) == 0 && param->value.i >= 0
            && param->value.i < (int) G_N_ELEMENTS (words[i].words))
            return words[i].words[param->value.i];
    return NULL;
}

/* ---- Lines ---- */

/* What virsh says of the values: {NAME} stands for a value, {NAME&BIT} for a bit of it, {*} for all of them,
 * a line each. Those of other events are NAME=VALUE. */
static const struct {
    const char *event, *text;
} texts[] = {
    { "lifecycle", ": {event} {detail}" },
    { "rtc-change", ": {offset}" },
    { "balloon-change", ": {actual}KiB" },
    { "device-added", ": {alias}" },
    { "device-removed", ": {alias}" },
    { "device-removal-failed", ": {alias}" },
    { "metadata-change", ": type {type}, uri {uri}" },
    { "tunable", ":{*}" },
    { "job-completed", ":{*}" },
    { "memory-failure", ":\nrecipient: {recipient}\naction: {action}\nflags:\n\taction required: {flags&1}"
                        "\n\trecursive: {flags&2}" },
};

static char *
value_text (const SkepEvent *event, const SkepParam *param)
{
    const char *word = word_for (event, param);

    return word ? g_strdup (word) : skep_param_text (param);
}

/* Appends the value that @name, the inside of braces, stands for. */
static void
append_value (GString *to, const SkepEvent *event, const char *name)
{
    g_auto (GStrv) part = g_strsplit (name, "&", 2);
    const SkepParam *param = skep_params_find (event->values, part[0]);

    if (strcmp (name, "*") == 0) {
        for (size_t i = 0; i < event->values->n; i++) {
            g_autofree char *text = value_text (event, &event->values->item[i]);

            g_string_append_printf (to, "\n\t%s: %s", event->values->item[i].name, text);
        }
    } else if (!param) {
        g_string_append (to, "<null>");
    } else if (part[1]) {
        g_string_append_c (to, param->value.u & (unsigned) (part[1][0] - '0') ? '1' : '0');
    } else {
        g_autofree char *text = value_text (event, param);

        g_string_append (to, text);
    }
}

static void
append_values (GString *to, const SkepEvent *event)
{
    const char *format = NULL;

    for (unsigned i = 0; i < G_N_ELEMENTS (texts); i++)
        if (strcmp (texts[i].event, skep_event_name (event->event)) == 0)
            format = texts[i].text;
    for (; format && *format; format++) {
        const char *end = *format == '{' ? strchr (format, '}') : NULL;

        if (end) {
            g_autofree char *name = g_strndup (format + 1, (gsize) (end - format) - 1);

            append_value (to, event, name);
            format = end;
        } else {
            g_string_append_c (to, *format);
        }
    }
    for (size_t i = 0; !format && i < event->values->n; i++) {
        g_autofree char *text = value_text (event, &event->values->item[i]);

        g_string_append_printf (to, "%s%s=%s", i ? ", " : ": ", event->values->item[i].name, text);
    }
}

static void
print_line (EventPrinter *printer, const SkepEvent *event)
{
    g_autoptr (GString) text = g_string_new (NULL);

    g_string_append_printf (text, "domain '%s'", event->domain->name);
    append_values (text, event);
    event_begin_line (printer, skep_event_name (event->event));
    event_end_line (printer, text->str);
}

static void
print_json (EventPrinter *printer, const SkepEvent *event)
{
    Json json;
    char uuid[37];

    event_begin_json (&json, skep_event_name (event->event));
    json_key (&json, "domain");
    json_string (&json, event->domain->name);
    skep_domain_uuid_text (event->domain, uuid);
    json_key (&json, "uuid");
    json_string (&json, uuid);
    json_key (&json, "id");
    if (event->domain->id >= 0)
        json_int (&json, event->domain->id);
    else
        json_string (&json, NULL);
    for (size_t i = 0; i < event->values->n; i++) {
        const SkepParam *param = &event->values->item[i];
        const char *word = word_for (event, param);

        json_key (&json, event->event == SKEP_EVENT_LIFECYCLE && i == 0 ? "lifecycle" : param->name);
        if (word)
            json_string (&json, word);
        else
            json_param (&json, param);
    }
    event_end_json (printer, &json);
}

static void
print_event (const SkepEvent *event, void *data)
{
    EventPrinter *printer = data;

    if (printer->as_json)
        print_json (printer, event);
    else
        print_line (printer, event);
}

/* ---- The verb ---- */

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

static int
watch (Shell *shell, const Args *args, int which, const SkepDomain *domain)
{
    EventPrinter printer = event_printer (shell, args);
    g_autoptr (GArray) callbacks = g_array_new (FALSE, FALSE, sizeof (int));
    int code = 1;

    skep_on_event (shell->conn, print_event, &printer);
    if (register_events (shell, which, domain, callbacks))
        code = event_wait (&printer, args);
    for (unsigned i = 0; skep_connection_alive (shell->conn) && i < callbacks->len; i++)
        skep_event_deregister (shell->conn, g_array_index (callbacks, int, i), NULL);
    skep_on_event (shell->conn, NULL, NULL);
    return code;
}

static int
list_events (Shell *shell, const Args *args)
{
    const char *names[SKEP_EVENT_LAST + 1] = { NULL };

    for (int event = 0; event < SKEP_EVENT_LAST; event++)
        names[event] = skep_event_name (event);
    return event_print_names (shell, args, names);
}

static int
run_event (Shell *shell, const Args *args)
{
    autodomain domain = NULL;
    const char *name = args_string (args, "event");
    int which = name ? skep_event_by_name (name) : -1;

    if (args_flag (args, "list"))
        return list_events (shell, args);
    if (!name == !args_flag (args, "all"))
        return shell_fail (shell, "one of --list, --all, or --event <type> is required");
    if (name && which < 0) {
        shell_fail (shell, "unknown event type %s", name);
        shell_hint (shell, "'event --list' shows them");
        return 1;
    }
    if (!event_timeout_good (shell, args))
        return 1;
    if (args_given (args, "domain") && !(domain = shell_domain (shell, args)))
        return 1;
    return watch (shell, args, which, domain);
}

static const Option event_options[] = {
    { "domain", OPT_STRING, 0, "events of this domain only", COMPLETE_DOMAIN, NULL },
    { "event", OPT_STRING, 0, "the kind of event to wait for", COMPLETE_EVENT, NULL },
    FLAG ("all", "wait for events of any kind"),
    OPTIONS_EVENT,
    OPTIONS_END,
};

const Verb verbs_event[] = {
    { "event", GROUP_EVENTS, VERB_JSON, "wait for events of domains",
      "The exit code is 1 when none came in time. With --json each event is one line.",
      event_options, run_event },
    { NULL, 0, 0, NULL, NULL, NULL, NULL },
};
